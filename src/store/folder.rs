//! The store's folder on disk: rights, leftovers, copies.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::Room;
use super::open::STORE_FOLDER;

/// Makes a folder that only its owner may enter.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    set_mode(folder, 0o700)
}

/// Takes everyone else's rights to a file away. A failure is no reason to stop: the folder above is closed to them.
pub(super) fn own_only(file: &Path) {
    if let Err(error) = set_mode(file, 0o600) {
        tracing::warn!(file = %file.display(), %error, "could not restrict a file to its owner");
    }
}

/// Restricts everything below a folder to its owner.
pub(super) fn own_only_below(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if set_mode(&path, 0o700).is_ok() {
                own_only_below(&path);
            }
        } else {
            own_only(&path);
        }
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Removes half-written snapshots, which sled 0.34.7 would take for the newest one (22 rule 1). Gives their number.
pub(super) fn remove_half_written_snapshots(store: &Path) -> io::Result<usize> {
    remove_files(store, |name| {
        name.starts_with("snap.") && name.ends_with(".generating")
    })
}

/// Removes all snapshots, so that the next open reads the whole log.
pub(super) fn remove_snapshots(store: &Path) -> io::Result<usize> {
    remove_files(store, |name| name.starts_with("snap."))
}

fn remove_files(folder: &Path, choose: impl Fn(&str) -> bool) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&choose) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A moment as it stands in names of files and folders.
pub(super) const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// A name in a folder that begins so, has the time, and is not taken.
pub(super) fn free_name(folder: &Path, begin: &str, now: DateTime<Utc>) -> PathBuf {
    let stamp = now.format(STAMP).to_string();
    let mut free = folder.join(format!("{begin}-{stamp}"));
    let mut next = 2;
    while free.exists() {
        free = folder.join(format!("{begin}-{stamp}-{next}"));
        next += 1;
    }
    free
}

/// Copies the store beside itself, under a name with the time. Gives the copy's place.
pub(super) fn copy_aside(store: &Path, now: DateTime<Utc>) -> io::Result<PathBuf> {
    let beside = store.parent().unwrap_or(store);
    let copy = free_name(beside, "store-damaged", now);
    copy_folder(store, &copy)?;
    own_only_below(&copy);
    Ok(copy)
}

/// The folders beside the store that hold one too, whatever they were set aside for.
pub(super) fn stores_beside(data_dir: &Path) -> Vec<PathBuf> {
    let is_store = |name: &str| {
        name.strip_prefix(STORE_FOLDER)
            .is_some_and(|rest| rest.starts_with('-'))
    };
    let entries = fs::read_dir(data_dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(is_store))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    make_private(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Makes a folder's list of names durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Makes every file and list of names below a folder durable.
pub(super) fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_below(&path)?;
        } else {
            fs::File::open(&path)?.sync_all()?;
        }
    }
    sync_folder(folder)
}

/// Bytes of all files below a folder; what cannot be read counts as nothing.
pub(super) fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes_below(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// What the store in a data folder takes, and what its disk has left for it.
#[cfg(unix)]
pub(super) fn room(data_dir: &Path) -> Option<Room> {
    let disk = rustix::fs::statvfs(data_dir).ok()?;
    Some(Room {
        used: bytes_below(&data_dir.join(STORE_FOLDER)),
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

#[cfg(not(unix))]
pub(super) fn room(_data_dir: &Path) -> Option<Room> {
    None
}
