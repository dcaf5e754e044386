//! The whole state as JSON lines (docs/design/sync-semantics.md 22 rule 8): a header, one line per entry in key order, a check line every
//! 10,000 entries, a last line with the count and the hash of everything before it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Entry, Family, Key, Range, Store, StoreError, TypedStore, keys};

/// What the header's `format` says.
pub(super) const FORMAT_NAME: &str = "syncline-export";
/// Version of the lines.
pub(super) const FORMAT_VERSION: u32 = 1;
/// Entries between two check lines.
pub(super) const CHECK_EVERY: u64 = 10_000;

/// Entries read at a time.
const PAGE: usize = 500;

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file or pipe.
    #[error("the export could not be written: {0}; what is there is not a whole export")]
    Write(#[from] io::Error),
    /// Somebody wrote to the store meanwhile.
    #[error(
        "the store was written to while it was read; what is there is not a whole export, try again"
    )]
    Changed,
}

/// What was exported or imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportSummary {
    /// Entries.
    pub entries: u64,
    /// SHA-256 of everything before the last line, hexadecimal.
    pub sha256: String,
}

/// One line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Line {
    /// The first.
    Header {
        /// [`FORMAT_NAME`].
        format: String,
        /// [`FORMAT_VERSION`].
        version: u32,
        /// Version of the row formats.
        schema: u64,
        /// The install id.
        install: String,
        /// Entries by family name.
        counts: BTreeMap<String, u64>,
    },
    /// An entry whose value is JSON.
    Row {
        /// The family's name.
        family: String,
        /// The key, hexadecimal.
        key: String,
        /// The value's format byte.
        format: u8,
        /// The value.
        value: serde_json::Value,
    },
    /// An entry whose value is not.
    Bytes {
        /// The family's name.
        family: String,
        /// The key, hexadecimal.
        key: String,
        /// The value, hexadecimal.
        bytes: String,
    },
    /// After every 10,000 entries.
    Check {
        /// Entries so far.
        check: u64,
        /// Hash of everything before this line.
        sha256: String,
    },
    /// The last.
    End {
        /// Entries.
        end: u64,
        /// Hash of everything before this line.
        sha256: String,
    },
}

/// Lower-case hexadecimal of a running hash.
pub(super) fn hash_text(hasher: &Sha256) -> String {
    Key(hasher.clone().finalize().to_vec()).to_hex()
}

struct Lines<'a> {
    out: &'a mut (dyn Write + Send),
    hasher: Sha256,
}

impl Lines<'_> {
    fn write(&mut self, line: &Line) -> Result<(), ExportError> {
        let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
        text.push(b'\n');
        self.hasher.update(&text);
        self.out.write_all(&text)?;
        Ok(())
    }
}

/// Writes the whole state. The store must be at rest: a batch that comes between ends it.
pub async fn export<S: Store + ?Sized>(
    store: &S,
    out: &mut (dyn Write + Send),
) -> Result<ExportSummary, ExportError> {
    let at_rest = store.batches();
    let mut counts = BTreeMap::new();
    for family in Family::ALL {
        let mut count = 0;
        let mut after = None;
        while let Some(page) = page(store, family, after, at_rest).await? {
            count += page.len() as u64;
            after = page.into_iter().next_back().map(|(key, _)| key);
        }
        if count > 0 {
            counts.insert(family.name().to_owned(), count);
        }
    }
    let mut lines = Lines {
        out,
        hasher: Sha256::new(),
    };
    lines.write(&Line::Header {
        format: FORMAT_NAME.to_owned(),
        version: FORMAT_VERSION,
        schema: store
            .row(keys::meta(keys::META_SCHEMA))
            .await?
            .unwrap_or_default(),
        install: store
            .row(keys::meta(keys::META_INSTALL))
            .await?
            .unwrap_or_default(),
        counts,
    })?;
    let mut entries = 0;
    for family in Family::ALL {
        let mut after = None;
        while let Some(page) = page(store, family, after, at_rest).await? {
            for (key, value) in &page {
                lines.write(&entry_line(family, key, value))?;
                entries += 1;
                if entries % CHECK_EVERY == 0 {
                    let sha256 = hash_text(&lines.hasher);
                    lines.write(&Line::Check {
                        check: entries,
                        sha256,
                    })?;
                }
            }
            after = page.into_iter().next_back().map(|(key, _)| key);
        }
    }
    let sha256 = hash_text(&lines.hasher);
    lines.write(&Line::End {
        end: entries,
        sha256: sha256.clone(),
    })?;
    lines.out.flush()?;
    Ok(ExportSummary { entries, sha256 })
}

async fn page<S: Store + ?Sized>(
    store: &S,
    family: Family,
    after: Option<Key>,
    at_rest: Option<u64>,
) -> Result<Option<Vec<Entry>>, ExportError> {
    let range = Range::prefix(keys::all(family), PAGE).after(after);
    let page = store.range(range).await?;
    if store.batches() != at_rest {
        return Err(ExportError::Changed);
    }
    Ok((!page.is_empty()).then_some(page))
}

fn entry_line(family: Family, key: &Key, bytes: &[u8]) -> Line {
    let (family, key) = (family.name().to_owned(), key.to_hex());
    if let Some((format, json)) = bytes.split_first()
        && let Ok(value) = serde_json::from_slice::<serde_json::Value>(json)
        && serde_json::to_vec(&value).is_ok_and(|again| again == json)
    {
        return Line::Row {
            family,
            key,
            format: *format,
            value,
        };
    }
    Line::Bytes {
        family,
        key,
        bytes: Key(bytes.to_vec()).to_hex(),
    }
}
