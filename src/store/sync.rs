//! Makes what sled has flushed safe against a power cut: sled 0.34.7 only asks the kernel to start writing (22 rule 4), and never
//! syncs the files in `blobs/`, where it puts nodes of more than an eighth of a megabyte.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::folder::sync_folder;

/// Our own descriptors of sled's files.
#[derive(Debug)]
pub(super) struct SyncFiles {
    db: File,
    blobs: PathBuf,
    synced: BTreeSet<OsString>,
}

impl SyncFiles {
    /// Opens the files of a store that sled has opened.
    pub(super) fn open(store: &Path) -> io::Result<Self> {
        let blobs = store.join("blobs");
        Ok(SyncFiles {
            db: File::open(store.join("db"))?,
            synced: names(&blobs)?,
            blobs,
        })
    }

    /// Waits until everything flushed so far is on the disk. Large nodes first: the log points to them.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let present = names(&self.blobs)?;
        let mut any = false;
        for name in present.difference(&self.synced) {
            match File::open(self.blobs.join(name)) {
                Ok(file) => file.sync_all()?,
                // sled removes what a newer node replaced, on threads of its own.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            any = true;
        }
        if any {
            sync_folder(&self.blobs)?;
        }
        self.synced = present;
        self.db.sync_data()
    }
}

fn names(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}
