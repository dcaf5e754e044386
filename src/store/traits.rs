//! The store as everyone else sees it: byte keys, byte values, atomic batches, ranges.

use std::ops::Bound;

use super::Key;

/// One key and its value. The value's first byte is its format version; the store adds and checks a checksum below that.
pub type Entry = (Key, Vec<u8>);

/// Writes that happen together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In order; a later write to the same key wins. `None` removes.
    pub writes: Vec<(Key, Option<Vec<u8>>)>,
}

impl Batch {
    /// Adds a write.
    pub fn put(&mut self, key: Key, value: Vec<u8>) {
        self.writes.push((key, Some(value)));
    }

    /// Adds a removal.
    pub fn remove(&mut self, key: Key) {
        self.writes.push((key, None));
    }

    /// True where there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

/// Part of the key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Only keys that start with this.
    pub prefix: Key,
    /// Only keys after this one (before it when `reverse`).
    pub after: Option<Key>,
    /// At most so many.
    pub limit: usize,
    /// From the end.
    pub reverse: bool,
}

impl Range {
    /// The first `limit` entries under a prefix.
    pub fn prefix(prefix: Key, limit: usize) -> Self {
        Range {
            prefix,
            after: None,
            limit,
            reverse: false,
        }
    }

    /// The same range behind (or, in reverse, before) a key: the next page.
    pub fn after(mut self, key: Option<Key>) -> Self {
        self.after = key;
        self
    }

    /// The same range from the end.
    pub fn reversed(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// The limits of the range in key order; `None` where nothing can lie between them. Keys below the first family's are the
    /// store's own and never in a range.
    pub(super) fn bounds(&self) -> Option<Bounds> {
        let first = if self.prefix.0.is_empty() {
            vec![1]
        } else {
            self.prefix.0.clone()
        };
        let mut low = Bound::Included(first.clone());
        let mut high = match end_of_prefix(&self.prefix.0) {
            Some(end) => Bound::Excluded(end),
            None => Bound::Unbounded,
        };
        if let Some(Key(after)) = &self.after {
            if self.reverse {
                if beyond(&high, after) {
                    high = Bound::Excluded(after.clone());
                }
            } else if *after >= first {
                low = Bound::Excluded(after.clone());
            }
        }
        let empty = match (&low, &high) {
            (Bound::Included(low), Bound::Excluded(high)) => low >= high,
            (Bound::Excluded(low), Bound::Excluded(high)) => low >= high,
            _ => false,
        };
        (!empty).then_some((low, high))
    }
}

/// The lower and the upper limit of a range.
type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// True where `key` lies below the upper limit `high`.
fn beyond(high: &Bound<Vec<u8>>, key: &[u8]) -> bool {
    match high {
        Bound::Excluded(high) => key < high.as_slice(),
        Bound::Included(high) => key <= high.as_slice(),
        Bound::Unbounded => true,
    }
}

/// The first key behind all that start with `prefix`; `None` where there is none.
fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix.get(..=keep)?.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Some(end)
}

/// The room on a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What the store takes.
    pub used: u64,
    /// What is free for it.
    pub free: u64,
}

impl Room {
    /// True where the store takes three quarters of all that it could have (docs/design/sync-semantics.md 21).
    pub fn is_scarce(&self) -> bool {
        self.used >= self.free.saturating_mul(3)
    }
}

/// The store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the data folder.
    #[error(
        "the data folder {folder} is in use by another Syncline (pid {pid}); stop it first, or name another folder with --data-dir"
    )]
    Held {
        /// The folder.
        folder: String,
        /// The holder.
        pid: String,
    },
    /// The disk refused: full, read-only, gone.
    #[error("the store in {folder} could not {doing}: {why}; {next}")]
    Io {
        /// The folder.
        folder: String,
        /// What was tried.
        doing: String,
        /// The system's words.
        why: String,
        /// What to do.
        next: String,
    },
    /// The store is damaged.
    #[error("the store in {folder} is damaged: {why}; {next}")]
    Damaged {
        /// The folder.
        folder: String,
        /// What was found.
        why: String,
        /// What to do.
        next: String,
    },
    /// The disk may fill up: nothing was begun.
    #[error(
        "the disk has {free} MB free and this run may need {needed} MB; free some space (`syncline compact` shrinks the store) \
         and start again"
    )]
    NoRoom {
        /// Megabytes.
        needed: u64,
        /// Megabytes.
        free: u64,
    },
    /// A newer Syncline wrote it.
    #[error(
        "the store in {folder} is of version {version}, and this Syncline knows versions up to {known}; nothing was changed, \
         start the newer Syncline, or name another folder with --data-dir"
    )]
    Newer {
        /// The folder.
        folder: String,
        /// Its version.
        version: u64,
        /// The newest known one.
        known: u64,
    },
    /// A value is larger than the store takes.
    #[error(
        "a value of {bytes} bytes under {key} is more than the {limit} the store takes; map fewer or shorter fields"
    )]
    TooLarge {
        /// The key, as hexadecimal.
        key: String,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A value could not be read.
    #[error("the store holds a value it cannot read under {key}: {why}; run `syncline doctor`")]
    BadValue {
        /// The key, as hexadecimal.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// A flush failed before: nothing is written any more until a restart.
    #[error(
        "the store stopped after a failed write: {0}; nothing more is sent or stored, restart after fixing the disk"
    )]
    Stopped(String),
}

/// The store. One writer thread behind it; reads from anywhere.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// One value.
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// Several values, in the order asked.
    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// A range, in key order (or against it).
    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError>;

    /// Applies a batch atomically. Visible to reads when this returns, durable only after the next `commit`.
    async fn apply(&self, batch: Batch) -> Result<(), StoreError>;

    /// Applies a batch and makes it and everything before it durable (flush and fdatasync): the commit points C1 to C4.
    async fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// Rows read so far, for the checks that nothing scans everything.
    fn rows_read(&self) -> u64;

    /// Batches taken so far, for whoever needs the store at rest: two equal numbers, and nothing was written between. `None` where
    /// nobody counts.
    fn batches(&self) -> Option<u64> {
        None
    }

    /// The room on the disk below; `None` where there is none, or where it cannot be told.
    fn room(&self) -> Option<Room> {
        None
    }

    /// Checks that all rows together are what was written, as far as the store can tell: reads everything.
    async fn verify(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
