//! The open protocol of docs/design/sync-semantics.md 22 rule 1, on the store's own thread: rights, leftovers, sled, one attempt to
//! restore from the log, and the check that nothing durable is missing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::disk::Disk;
use super::disk_error::{damaged, io_error, panic_text, sled_error};
use super::folder;
use super::ledger::{LEDGER_KEY, Ledger, Mark, Marked};
use super::sync::SyncFiles;
use super::{StoreError, swap};

/// The store's folder in the data folder.
pub(super) const STORE_FOLDER: &str = "store";

/// Memory sled may use for its pages, in bytes as they lie on the disk (22 rule 5). In memory a page is several times as large:
/// twice this makes `demo --json` no faster and 18 MB larger, half of it makes it slower.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// The one tree.
const TREE: &str = "state";

/// Up to so many rows the store is read through at open, after it was closed in order and after it was not; larger ones are left to
/// `doctor`, or a start would take longer than the 5 seconds of docs/design/testing.md 6.
const VERIFY_CLOSED: u64 = 20_000;
const VERIFY_UNCLOSED: u64 = 100_000;

/// How often, and how long each time, an earlier handle of this process is waited for.
const LOCK_TRIES: usize = 100;
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_millis(20);

/// Opens the store in a data folder whose lock is held.
pub(super) fn open(data_dir: &Path, now: DateTime<Utc>) -> Result<Disk, StoreError> {
    let store = data_dir.join(STORE_FOLDER);
    swap::finish(data_dir, now)
        .map_err(|error| io_error(data_dir, "put a newer store in place", &error))?;
    folder::make_private(&store).map_err(|error| io_error(&store, "make its folder", &error))?;
    let leftovers = folder::remove_half_written_snapshots(&store)
        .map_err(|error| io_error(&store, "remove a half-written snapshot", &error))?;
    if leftovers > 0 {
        tracing::info!(
            leftovers,
            "removed half-written snapshots of an interrupted start"
        );
    }
    let disk = match open_checked(&store, false) {
        Err(StoreError::Damaged { why, .. }) => restore(&store, now, &why),
        other => other,
    }?;
    swap::clean(data_dir);
    Ok(disk)
}

/// Copies the store aside and reads its whole log anew.
fn restore(store: &Path, now: DateTime<Utc>, why: &str) -> Result<Disk, StoreError> {
    let copy = folder::copy_aside(store, now)
        .map_err(|error| io_error(store, "copy the damaged store aside", &error))?;
    tracing::warn!(why, copy = %copy.display(), "the store is damaged; reading its whole log again");
    folder::remove_snapshots(store)
        .map_err(|error| io_error(store, "remove its snapshots", &error))?;
    open_checked(store, true).map_err(|error| match error {
        StoreError::Damaged {
            folder,
            why: again,
            next,
        } => StoreError::Damaged {
            folder,
            why: format!("{why}; reading the whole log did not help: {again}"),
            next: format!("a copy is in {}; {next}", copy.display()),
        },
        other => other,
    })
}

fn open_checked(store: &Path, read_all: bool) -> Result<Disk, StoreError> {
    let (mark, marked) =
        Mark::open(store).map_err(|error| io_error(store, "open its mark", &error))?;
    let mut disk = catch_unwind(AssertUnwindSafe(|| open_sled(store, mark)))
        .unwrap_or_else(|panic| Err(damaged(store, panic_text(&*panic))))?;
    folder::own_only_below(store);
    check_mark(&disk, store, marked)?;
    let limit = match marked {
        Some(Marked { clean: true, .. }) => VERIFY_CLOSED,
        _ => VERIFY_UNCLOSED,
    };
    if let Some(marked) = marked.filter(|marked| !marked.clean && disk.ledger().rows <= limit) {
        disk.drop_unfinished(marked.ledger)?;
    }
    if read_all || disk.ledger().rows <= limit {
        disk.verify()?;
    }
    disk.mark_open()?;
    Ok(disk)
}

fn open_sled(store: &Path, mark: Mark) -> Result<Disk, StoreError> {
    let failed = |error: sled::Error| sled_error(store, "open", &error);
    let config = sled::Config::new()
        .path(store)
        .cache_capacity(CACHE_BYTES)
        .mode(sled::Mode::LowSpace)
        .use_compression(false)
        .flush_every_ms(None);
    let db = open_patiently(&config).map_err(failed)?;
    let tree = db.open_tree(TREE).map_err(failed)?;
    let ledger = match tree.get(LEDGER_KEY).map_err(failed)? {
        Some(bytes) => Ledger::from_bytes(&bytes)
            .ok_or_else(|| damaged(store, "the sum over all rows cannot be read"))?,
        None if tree.is_empty() => Ledger::default(),
        None => return Err(damaged(store, "the sum over all rows is missing")),
    };
    let files =
        SyncFiles::open(store).map_err(|error| io_error(store, "open its files", &error))?;
    Ok(Disk::new(
        PathBuf::from(store),
        db,
        tree,
        ledger,
        files,
        mark,
    ))
}

/// Opens sled. Its threads let go of the file a moment after an earlier handle of this process was dropped; our own lock
/// says that nobody else can hold it.
fn open_patiently(config: &sled::Config) -> sled::Result<sled::Db> {
    for _ in 0..LOCK_TRIES {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") => {
                std::thread::park_timeout(LOCK_WAIT);
            }
            other => return other,
        }
    }
    config.open()
}

/// What was made durable must be there.
fn check_mark(disk: &Disk, store: &Path, marked: Option<Marked>) -> Result<(), StoreError> {
    match marked {
        Some(marked) if marked.ledger.batch > disk.ledger().batch => Err(damaged(
            store,
            format!(
                "{} stored changes are missing from its end",
                marked.ledger.batch - disk.ledger().batch
            ),
        )),
        _ => Ok(()),
    }
}
