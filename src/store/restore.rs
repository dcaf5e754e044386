//! Back to a backup: which one, and the exchange; and what is said of it to somebody whose store does not open
//! (docs/design/sync-semantics.md 22 rules 1 and 9).

use std::path::{Path, PathBuf};

use super::backup::{Backup, newest_sound};
use super::disk_error::io_error;
use super::export::ExportSummary;
use super::import::{ImportError, read_into, take_folder};
use super::open::STORE_FOLDER;
use super::{StoreError, swap};
use crate::clock::Clock;

/// What a restore came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub backup: Backup,
    /// What is in it.
    pub summary: ExportSummary,
    /// Where the store that was there is kept; `None` where there was none.
    pub aside: Option<PathBuf>,
}

/// Puts a backup in the place of a data folder's store, which need not open. The store that was there is kept aside, a kill at any
/// point leaves the one or the other. As after any import every mapping is confirmed anew.
///
/// # Errors
/// The folder is in use, the disk refuses, or the backup is not whole.
pub async fn restore(
    backup: Backup,
    data_dir: &Path,
    clock: &dyn Clock,
) -> Result<Restored, ImportError> {
    let (lock, now) = take_folder(data_dir, clock)?;
    let failed = |doing: &str, error: std::io::Error| io_error(data_dir, doing, &error);
    swap::finish(data_dir, now).map_err(|error| failed("put an earlier store in place", error))?;
    let mut reader = backup
        .open()
        .map_err(|error| failed("read its backup", error))?;
    let (summary, aside) = read_into(&mut reader, data_dir, &lock, now, clock).await?;
    Ok(Restored {
        backup,
        summary,
        aside,
    })
}

/// A store that cannot be opened: what to do, by what backups there are.
pub(super) fn with_remedy(error: StoreError, data_dir: &Path) -> StoreError {
    let StoreError::Damaged { folder, why, .. } = error else {
        return error;
    };
    let next = match newest_sound(data_dir).sound {
        Some((backup, _)) => format!(
            "nothing was deleted; `syncline import --newest-backup` goes back to the state of {} and keeps this one aside",
            backup.at.format("%Y-%m-%d %H:%M UTC")
        ),
        None => format!(
            "nothing was deleted, and there is no backup that can be read; move {} away and run `syncline sync`: the links are \
             found again by the key fields, what differs meanwhile is treated as at a first sync. An export goes back with \
             `syncline import` on a new data folder",
            data_dir.join(STORE_FOLDER).display()
        ),
    };
    StoreError::Damaged { folder, why, next }
}
