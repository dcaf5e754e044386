//! What works on a data folder without an engine: export, import, going back to a backup, compact, doctor.

use std::io::{BufRead, Write};
use std::path::Path;

use super::host::{refusal, store_refusal};
use super::messages::{
    BackupFound, CheckLine, CheckState, Compacted, Refusal, RefusalKind, Restored,
};
use super::upkeep::{backup_line, room_line};
use crate::clock::Clock;
use crate::store::{self, SledStore, Store};

/// Refuses a folder without a store.
fn there(data_dir: &Path) -> Result<(), Refusal> {
    if store::has_store(data_dir) {
        return Ok(());
    }
    Err(refusal(
        RefusalKind::Store,
        format!(
            "there is no store in {}; a first sync makes it, --data-dir names another folder",
            data_dir.display()
        ),
    ))
}

async fn open(data_dir: &Path, clock: &dyn Clock) -> Result<SledStore, Refusal> {
    there(data_dir)?;
    let sled = SledStore::open(data_dir, clock).map_err(|error| store_refusal(&error))?;
    match store::migrate(&sled, data_dir, clock.now()).await {
        Ok(()) => Ok(sled),
        Err(error) => Err(store_refusal(&error)),
    }
}

/// Writes the state as JSON lines; how many entries there were.
///
/// # Errors
/// The folder cannot be opened or read, or `to` cannot be written.
pub async fn export(
    data_dir: &Path,
    to: &mut (dyn Write + Send),
    clock: &dyn Clock,
) -> Result<u64, Refusal> {
    let sled = open(data_dir, clock).await?;
    let written = store::export(&sled, to).await;
    sled.close().await.map_err(|error| store_refusal(&error))?;
    Ok(written
        .map_err(|error| refusal(RefusalKind::Store, error.to_string()))?
        .entries)
}

/// Reads an export into an empty data folder; how many entries there were.
///
/// # Errors
/// The export is damaged, or the folder is in use or not empty.
pub async fn import(
    data_dir: &Path,
    from: &mut (dyn BufRead + Send),
    clock: &dyn Clock,
) -> Result<u64, Refusal> {
    let read = store::import(from, data_dir, clock)
        .await
        .map_err(|error| refusal(RefusalKind::Store, error.to_string()))?;
    Ok(read.entries)
}

/// Verifies the store.
///
/// # Errors
/// The folder cannot be opened.
pub async fn doctor(data_dir: &Path, clock: &dyn Clock) -> Result<Vec<CheckLine>, Refusal> {
    let sled = open(data_dir, clock).await?;
    let found = store::doctor(&sled)
        .await
        .map_err(|error| store_refusal(&error));
    let room = sled.room();
    sled.close().await.map_err(|error| store_refusal(&error))?;
    let state = |finding: store::FindingState| match finding {
        store::FindingState::Ok => CheckState::Ok,
        store::FindingState::Warn => CheckState::Warn,
        store::FindingState::Fail => CheckState::Fail,
    };
    let rows = found?.into_iter().map(|finding| CheckLine {
        check: finding.check,
        subject: finding.subject,
        state: state(finding.state),
        message: finding.message,
        next: finding.next,
    });
    Ok(rows
        .chain([backup_line(data_dir, clock.now())])
        .chain(room.map(room_line))
        .collect())
}

/// The newest backup of a data folder that reads well, and how many newer ones do not.
///
/// # Errors
/// There is none.
pub fn newest_backup(data_dir: &Path) -> Result<BackupFound, Refusal> {
    let store::NewestSound { sound, unsound } = store::newest_sound(data_dir);
    match sound {
        Some((backup, summary)) => Ok(BackupFound {
            file: backup.path,
            at: backup.at,
            entries: summary.entries,
            unsound: unsound.len() as u64,
            replaces: store::has_store(data_dir),
        }),
        None => Err(refusal(
            RefusalKind::Store,
            format!(
                "there is no backup that can be read in {}; a run writes one a day. Without one, start with an empty folder: \
                 the links are found again by the key fields",
                data_dir.join("backups").display()
            ),
        )),
    }
}

/// Puts a backup of a data folder in the place of its store, which is kept aside.
///
/// # Errors
/// The folder is in use, the backup is gone, or the disk refuses.
pub async fn restore(
    data_dir: &Path,
    found: &BackupFound,
    clock: &dyn Clock,
) -> Result<Restored, Refusal> {
    let backup = store::backups(data_dir)
        .into_iter()
        .find(|backup| backup.path == found.file)
        .ok_or_else(|| {
            let why = format!("{} is not there any more", found.file.display());
            refusal(RefusalKind::Store, why)
        })?;
    let done = store::restore(backup, data_dir, clock)
        .await
        .map_err(|error| refusal(RefusalKind::Store, error.to_string()))?;
    Ok(Restored {
        entries: done.summary.entries,
        at: done.backup.at,
        aside: done.aside,
    })
}

/// Shrinks the store.
///
/// # Errors
/// The folder is in use, the store is damaged, or the disk refuses.
pub async fn compact(data_dir: &Path, clock: &dyn Clock) -> Result<Compacted, Refusal> {
    there(data_dir)?;
    let done = store::compact(data_dir, clock)
        .await
        .map_err(|error| store_refusal(&error))?;
    Ok(Compacted {
        entries: done.entries,
        before: done.before,
        after: done.after,
    })
}
