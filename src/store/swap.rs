//! A store that takes the place of another, in steps that a kill or a power cut may come between
//! (docs/design/sync-semantics.md 22 rules 7 and 9). The new one is written in a folder that does not count; once it is whole and on
//! the disk it gets a name that counts, and from then on whoever opens the data folder goes on with the exchange.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::folder;
use super::open::STORE_FOLDER;

/// Where a store is written before it counts: a data folder of its own, with a lock.
const UNFINISHED: &str = "store-unfinished";
/// The store that a compacted one replaced; it goes once the new one was opened.
const OLD: &str = "store-old";

/// What a store that stands ready replaces the present one for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// The same rows in less space: the old store is removed.
    Compacted,
    /// Rows of an export: the old store is kept aside.
    Restored,
}

impl Ready {
    const ALL: [Ready; 2] = [Ready::Compacted, Ready::Restored];

    fn name(self) -> &'static str {
        match self {
            Ready::Compacted => "store-compacted",
            Ready::Restored => "store-restored",
        }
    }
}

/// True where a data folder has a store, or one that stands ready to become it.
pub fn has_store(data_dir: &Path) -> bool {
    let ready = Ready::ALL
        .iter()
        .any(|one| data_dir.join(one.name()).is_dir());
    ready || data_dir.join(STORE_FOLDER).exists()
}

/// The folder of a store that is being written; what is left of it goes when this is dropped.
pub(super) struct Unfinished {
    /// A data folder for the new store.
    pub(super) folder: PathBuf,
}

impl Unfinished {
    /// An empty one.
    pub(super) fn make(data_dir: &Path) -> io::Result<Self> {
        let made = Unfinished {
            folder: data_dir.join(UNFINISHED),
        };
        remove(&made.folder)?;
        Ok(made)
    }

    /// The store in it is whole and closed: makes it durable, gives it a name that counts and puts it in place. Gives where the
    /// present store was set aside, if that is kept.
    pub(super) fn put_in_place(
        self,
        data_dir: &Path,
        ready: Ready,
        now: DateTime<Utc>,
    ) -> io::Result<Option<PathBuf>> {
        let store = self.folder.join(STORE_FOLDER);
        folder::sync_below(&store)?;
        fs::rename(&store, data_dir.join(ready.name()))?;
        folder::sync_folder(data_dir)?;
        finish(data_dir, now)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "an unfinished store could not be removed");
        }
    }
}

/// Goes on with an exchange where one stands ready; the data folder's lock is held. Gives where a store was set aside for good.
pub(super) fn finish(data_dir: &Path, now: DateTime<Utc>) -> io::Result<Option<PathBuf>> {
    let store = data_dir.join(STORE_FOLDER);
    let mut kept = None;
    for ready in Ready::ALL {
        let new = data_dir.join(ready.name());
        if !new.is_dir() {
            continue;
        }
        if store.exists() {
            let aside = match ready {
                Ready::Compacted => {
                    let old = data_dir.join(OLD);
                    remove(&old)?;
                    old
                }
                Ready::Restored => {
                    let aside = folder::free_name(data_dir, "store-replaced", now);
                    kept = Some(aside.clone());
                    aside
                }
            };
            fs::rename(&store, aside)?;
            folder::sync_folder(data_dir)?;
        }
        fs::rename(&new, &store)?;
        folder::sync_folder(data_dir)?;
        tracing::info!(
            from = ready.name(),
            "another store took the place of the old one"
        );
    }
    Ok(kept)
}

/// Removes what an exchange left behind, once the store was opened. What cannot be removed is left to the next time.
pub(super) fn clean(data_dir: &Path) {
    for name in [OLD, UNFINISHED] {
        let folder = data_dir.join(name);
        if let Err(error) = remove(&folder) {
            tracing::warn!(folder = %folder.display(), %error, "an old store could not be removed");
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
