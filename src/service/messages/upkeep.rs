//! Upkeep of the store: forgetting, backups, compaction.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::RecordKey;

/// What is, or was, stored about one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// The records of both sides.
    pub records: Vec<RecordKey>,
    /// Links between them.
    pub links: u64,
    /// Writes in the journals.
    pub journal: u64,
    /// Conflicts, review items and errors, those that are over too.
    pub items: u64,
    /// Daily backups that were made before and are untouched.
    pub backups: u64,
    /// Copies of the store that were set aside before and that nothing replaces by itself.
    pub copies: Vec<PathBuf>,
    /// True where it was removed.
    pub done: bool,
}

/// A backup that can be gone back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFound {
    /// The file.
    pub file: PathBuf,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Its entries.
    pub entries: u64,
    /// Newer ones that cannot be read.
    pub unsound: u64,
    /// True where there is a store that it would replace.
    pub replaces: bool,
}

/// What going back to a backup came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Entries.
    pub entries: u64,
    /// The moment of the state that is there now.
    pub at: DateTime<Utc>,
    /// Where the store that was there is kept.
    pub aside: Option<PathBuf>,
}

/// What a compaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted {
    /// Entries.
    pub entries: u64,
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
}
