//! An export back into a data folder. Every line is checked, and the store counts only once all of it is there and durable: it is
//! written beside and renamed. Anything wrong is refused with the line's number and leaves nothing behind.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::disk_error::io_error;
use super::export::{CHECK_EVERY, ExportSummary, FORMAT_NAME, FORMAT_VERSION, Line, hash_text};
use super::lock::FolderLock;
use super::migrate::VERSION;
use super::swap::{self, Ready, Unfinished};
use super::{
    Batch, Family, Key, SledStore, Store, StoreError, TypedStore, VALUE_LIMIT, folder, keys,
};
use crate::clock::Clock;

/// Why an import was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The data folder is in use.
    #[error(
        "the data folder {folder} holds a store already; import needs an empty one, name another with --data-dir \
         (--newest-backup puts the newest backup of a folder in the place of its store)"
    )]
    NotEmpty {
        /// The folder.
        folder: String,
    },
    /// The file is not a whole, unchanged export.
    #[error("line {line} of the export: {why}; nothing was imported, use another export")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Entries in a batch.
const BATCH: usize = 500;
/// The longest line: a value of the largest size with every byte escaped, and its key.
const LINE_LIMIT: u64 = 8 * VALUE_LIMIT as u64;

/// Reads an export into a data folder that has no store. The new store's lock epoch is one higher than the export's, so that the
/// engine has every mapping confirmed anew (docs/design/sync-semantics.md 22 rule 9).
pub async fn import(
    reader: &mut (dyn BufRead + Send),
    data_dir: &Path,
    clock: &dyn Clock,
) -> Result<ExportSummary, ImportError> {
    let (lock, now) = take_folder(data_dir, clock)?;
    if swap::has_store(data_dir) {
        return Err(ImportError::NotEmpty {
            folder: data_dir.display().to_string(),
        });
    }
    let (summary, _) = read_into(reader, data_dir, &lock, now, clock).await?;
    Ok(summary)
}

/// The data folder's lock, and the moment.
pub(super) fn take_folder(
    data_dir: &Path,
    clock: &dyn Clock,
) -> Result<(FolderLock, DateTime<Utc>), StoreError> {
    let now = clock.now();
    folder::make_private(data_dir)
        .map_err(|error| io_error(data_dir, "make the data folder", &error))?;
    Ok((FolderLock::take(data_dir, now)?, now))
}

/// Reads an export into a new store and puts it in place; gives where the store that was there is kept.
pub(super) async fn read_into(
    reader: &mut (dyn BufRead + Send),
    data_dir: &Path,
    _lock: &FolderLock,
    now: DateTime<Utc>,
    clock: &dyn Clock,
) -> Result<(ExportSummary, Option<PathBuf>), ImportError> {
    let failed = |doing: &str, error: io::Error| io_error(data_dir, doing, &error);
    let unfinished =
        Unfinished::make(data_dir).map_err(|error| failed("remove an unfinished import", error))?;
    let summary = fill(reader, &unfinished.folder, clock).await?;
    let kept = unfinished
        .put_in_place(data_dir, Ready::Restored, now)
        .map_err(|error| failed("put the imported store in place", error))?;
    Ok((summary, kept))
}

/// Reads an export through and stores nothing: every line, the counts, the hashes.
///
/// # Errors
/// The line that is wrong.
pub fn check_export(reader: &mut (dyn BufRead + Send)) -> Result<ExportSummary, ImportError> {
    let mut lines = Lines::new(reader);
    loop {
        if let Next::End(summary) = lines.next()? {
            return Ok(summary);
        }
    }
}

async fn fill(
    reader: &mut (dyn BufRead + Send),
    folder: &Path,
    clock: &dyn Clock,
) -> Result<ExportSummary, ImportError> {
    let store = SledStore::open(folder, clock)?;
    let mut lines = Lines::new(reader);
    let mut batch = Batch::default();
    let summary = loop {
        match lines.next()? {
            Next::Entry(key, value) => batch.put(key, value),
            Next::End(summary) => break summary,
        }
        if batch.writes.len() >= BATCH {
            store.apply(std::mem::take(&mut batch)).await?;
        }
    };
    store.apply(batch).await?;
    let epoch: u64 = store
        .row(keys::meta(keys::META_EPOCH))
        .await?
        .unwrap_or_default();
    let mut batch = Batch::default();
    batch.put_row(keys::meta(keys::META_EPOCH), &epoch.saturating_add(1))?;
    store.commit(batch).await?;
    store.verify().await?;
    store.close().await?;
    Ok(summary)
}

enum Next {
    Entry(Key, Vec<u8>),
    End(ExportSummary),
}

/// Reads and checks lines.
struct Lines<'a> {
    reader: &'a mut (dyn BufRead + Send),
    number: u64,
    hasher: Sha256,
    /// What the header promises and what came; `None` before the header.
    counts: Option<BTreeMap<String, u64>>,
    found: BTreeMap<String, u64>,
    entries: u64,
    last: Option<Key>,
    check_due: bool,
}

impl<'a> Lines<'a> {
    fn new(reader: &'a mut (dyn BufRead + Send)) -> Self {
        Lines {
            reader,
            number: 0,
            hasher: Sha256::new(),
            counts: None,
            found: BTreeMap::new(),
            entries: 0,
            last: None,
            check_due: false,
        }
    }

    fn wrong(&self, why: impl Into<String>) -> ImportError {
        ImportError::Line {
            line: self.number,
            why: why.into(),
        }
    }

    fn read_line(&mut self) -> Result<Vec<u8>, ImportError> {
        self.number += 1;
        let mut text = Vec::new();
        let read = (&mut *self.reader)
            .take(LINE_LIMIT)
            .read_until(b'\n', &mut text);
        read.map_err(|error| self.wrong(format!("it could not be read: {error}")))?;
        match text.last() {
            Some(b'\n') => Ok(text),
            None => Err(self.wrong("the export ends before its last line")),
            Some(_) if text.len() as u64 == LINE_LIMIT => Err(self.wrong("the line is too long")),
            Some(_) => Err(self.wrong("the export ends in the middle of this line")),
        }
    }

    fn next(&mut self) -> Result<Next, ImportError> {
        loop {
            let text = self.read_line()?;
            let line: Line = serde_json::from_slice(&text)
                .map_err(|_| self.wrong("it is not a line of an export"))?;
            let before = self.hasher.clone();
            self.hasher.update(&text);
            if self.counts.is_none() != matches!(line, Line::Header { .. }) {
                return Err(self.wrong("an export begins with one header line"));
            }
            if self.check_due != matches!(line, Line::Check { .. }) {
                return Err(self.wrong("a check line is missing or out of place"));
            }
            match line {
                Line::Header {
                    format,
                    version,
                    schema,
                    counts,
                    ..
                } => {
                    if format != FORMAT_NAME {
                        return Err(
                            self.wrong(format!("\"{format}\" is not an export of Syncline"))
                        );
                    }
                    if version != FORMAT_VERSION {
                        let why = format!(
                            "export version {version} is not known to this Syncline, which reads {FORMAT_VERSION}"
                        );
                        return Err(self.wrong(why));
                    }
                    if schema > VERSION {
                        let why = format!(
                            "it is of a newer Syncline: its store is of version {schema}, this one knows {VERSION}"
                        );
                        return Err(self.wrong(why));
                    }
                    self.counts = Some(counts);
                }
                Line::Check { check, sha256 } => {
                    self.check(check, &sha256, &before)?;
                    self.check_due = false;
                }
                Line::Row {
                    family,
                    key,
                    format,
                    value,
                } => {
                    let mut bytes = vec![format];
                    serde_json::to_writer(&mut bytes, &value)
                        .map_err(|error| self.wrong(error.to_string()))?;
                    return self.entry(family, &key, bytes);
                }
                Line::Bytes { family, key, bytes } => {
                    let bytes = Key::from_hex(&bytes)
                        .ok_or_else(|| self.wrong("its value is not hexadecimal"))?;
                    return self.entry(family, &key, bytes.0);
                }
                Line::End { end, sha256 } => {
                    self.check(end, &sha256, &before)?;
                    if self.counts.as_ref() != Some(&self.found) {
                        return Err(self.wrong("the entries are not as many as the header says"));
                    }
                    if !self.reader.fill_buf().is_ok_and(<[u8]>::is_empty) {
                        return Err(self.wrong("something follows the last line"));
                    }
                    return Ok(Next::End(ExportSummary {
                        entries: end,
                        sha256,
                    }));
                }
            }
        }
    }

    fn check(&self, entries: u64, sha256: &str, before: &Sha256) -> Result<(), ImportError> {
        if entries != self.entries {
            let why = format!("it counts {entries} entries and there are {}", self.entries);
            return Err(self.wrong(why));
        }
        if sha256 != hash_text(before) {
            return Err(
                self.wrong("the hash of what comes before it is another: the export was changed")
            );
        }
        Ok(())
    }

    fn entry(&mut self, family: String, key: &str, value: Vec<u8>) -> Result<Next, ImportError> {
        let key = Key::from_hex(key).ok_or_else(|| self.wrong("its key is not hexadecimal"))?;
        let named = Family::from_name(&family).map(|family| family as u8);
        if named.is_none() || key.0.first().copied() != named {
            return Err(self.wrong(format!("its key does not belong to \"{family}\"")));
        }
        if self.last.as_ref().is_some_and(|last| *last >= key) {
            return Err(self.wrong("its key is out of order"));
        }
        if value.len() > VALUE_LIMIT {
            return Err(self.wrong("its value is too large"));
        }
        self.entries += 1;
        self.check_due = self.entries.is_multiple_of(CHECK_EVERY);
        *self.found.entry(family).or_default() += 1;
        self.last = Some(key.clone());
        Ok(Next::Entry(key, value))
    }
}
