//! What the disk and sled refuse, in our words with a next step.

use std::any::Any;
use std::io::ErrorKind;
use std::path::Path;

use super::StoreError;

/// The next step after damage that shows while the store is open; an open that fails says more.
const AFTER_DAMAGE: &str = "nothing was deleted; stop and start again, which mends the store or says how to go back to a backup";

/// An error of the operating system.
pub(super) fn io_error(folder: &Path, doing: &str, error: &std::io::Error) -> StoreError {
    let next = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space and start again",
        ErrorKind::PermissionDenied => "check who owns the folder, or name another with --data-dir",
        ErrorKind::ReadOnlyFilesystem => "make it writable, or name another folder with --data-dir",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "name a folder, not a file, with --data-dir"
        }
        _ => "check the disk and start again",
    };
    StoreError::Io {
        folder: folder.display().to_string(),
        doing: doing.to_owned(),
        why: error.to_string(),
        next: next.to_owned(),
    }
}

/// Damage.
pub(super) fn damaged(folder: &Path, why: impl Into<String>) -> StoreError {
    StoreError::Damaged {
        folder: folder.display().to_string(),
        why: why.into(),
        next: AFTER_DAMAGE.to_owned(),
    }
}

/// An error of sled.
pub(super) fn sled_error(folder: &Path, doing: &str, error: &sled::Error) -> StoreError {
    match error {
        // A file that ends too early is damage, not a refusal of the disk.
        sled::Error::Io(error)
            if !matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::NotFound
            ) =>
        {
            io_error(folder, doing, error)
        }
        other => damaged(folder, format!("could not {doing}: {other}")),
    }
}

/// What a caught panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "the database gave up".to_owned()
    }
}
