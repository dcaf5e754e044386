//! The data folder's own lock: an operating system lock on `lock`, with the holder's pid and start inside for the message.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};

use super::StoreError;
use super::disk_error::io_error;

/// Name of the file in the data folder.
const LOCK_FILE: &str = "lock";

/// The lock, held until this is dropped (or the process ends).
#[derive(Debug)]
pub(super) struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Takes the lock of a data folder that exists.
    ///
    /// # Errors
    /// `Held` with the holder's pid; `Io`.
    pub(super) fn take(data_dir: &Path, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| io_error(data_dir, "take its lock", &error);
        let path = data_dir.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(data_dir, file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        super::folder::own_only(&path);
        let since = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| write!(file, "pid {}\nsince {since}\n", std::process::id()))
            .map_err(failed)?;
        Ok(FolderLock { file })
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Emptied, not removed: another process may have the file open already and is about to lock it.
        let _ = self.file.set_len(0);
    }
}

fn held(data_dir: &Path, mut file: File) -> StoreError {
    let mut text = String::new();
    let pid = match file.read_to_string(&mut text) {
        Ok(_) => text
            .lines()
            .find_map(|line| line.strip_prefix("pid "))
            .filter(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()))
            .unwrap_or("unknown"),
        Err(_) => "unknown",
    };
    StoreError::Held {
        folder: data_dir.display().to_string(),
        pid: pid.to_owned(),
    }
}
