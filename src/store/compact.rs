//! The store without the space that removed and overwritten rows left behind: copied row by row into a new one that takes its place
//! (docs/design/sync-semantics.md 22 rule 7). sled uses such space again and never gives it back.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::disk_error::io_error;
use super::lock::FolderLock;
use super::open::STORE_FOLDER;
use super::swap::{Ready, Unfinished};
use super::{Batch, Entry, Key, Range, SledStore, Store, StoreError, folder};
use crate::clock::Clock;

/// Rows copied in a batch.
const PAGE: usize = 500;

/// What a compaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Rows.
    pub entries: u64,
    /// Bytes on the disk before.
    pub before: u64,
    /// And after.
    pub after: u64,
}

/// Compacts the store of a data folder, whose lock is held from the first look to the last rename: nobody can write to the old store
/// once it was copied. A kill at any point leaves the old store or the new one, with the same rows.
///
/// # Errors
/// `Held` where another process has the folder; `Damaged` for a store that is not whole, which is left as it is; `Io`, for too
/// little room among other things.
pub async fn compact(data_dir: &Path, clock: &dyn Clock) -> Result<Compacted, StoreError> {
    let failed = |doing: &str, error: std::io::Error| io_error(data_dir, doing, &error);
    let lock = Arc::new(FolderLock::take(data_dir, clock.now())?);
    let old = SledStore::open_locked(data_dir, lock.clone(), clock)?;
    // What was lost would be lost without a trace in the copy.
    old.verify().await?;
    let before = folder::bytes_below(&data_dir.join(STORE_FOLDER));
    if let Some(room) = old.room().filter(|room| room.free < before) {
        let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let doing = format!(
            "be copied: the copy may need {} MB and {} MB are free",
            before.div_ceil(1_000_000),
            room.free / 1_000_000
        );
        return Err(failed(&doing, error));
    }
    let unfinished =
        Unfinished::make(data_dir).map_err(|error| failed("remove an unfinished store", error))?;
    let new = SledStore::open(&unfinished.folder, clock)?;
    let mut after = None;
    while let Some(page) = page(&old, after).await? {
        after = page.last().map(|(key, _)| key.clone());
        let mut batch = Batch::default();
        for (key, value) in page {
            batch.put(key, value);
        }
        new.apply(batch).await?;
    }
    new.commit(Batch::default()).await?;
    new.verify().await?;
    let (entries, hash) = digest(&new).await?;
    if digest(&old).await? != (entries, hash) {
        let error = std::io::Error::other("the copy is not what the store holds");
        return Err(failed("be copied", error));
    }
    new.close().await?;
    old.close().await?;
    unfinished
        .put_in_place(data_dir, Ready::Compacted, clock.now())
        .map_err(|error| failed("put the compacted store in place", error))?;
    let store = SledStore::open_locked(data_dir, lock, clock)?;
    store.close().await?;
    let after = folder::bytes_below(&data_dir.join(STORE_FOLDER));
    Ok(Compacted {
        entries,
        before,
        after,
    })
}

async fn page(store: &SledStore, after: Option<Key>) -> Result<Option<Vec<Entry>>, StoreError> {
    let range = Range::prefix(Key(Vec::new()), PAGE).after(after);
    let page = store.range(range).await?;
    Ok((!page.is_empty()).then_some(page))
}

/// All rows as a number and a hash.
async fn digest(store: &SledStore) -> Result<(u64, Vec<u8>), StoreError> {
    let (mut hasher, mut entries, mut after) = (Sha256::new(), 0, None);
    while let Some(page) = page(store, after).await? {
        for (key, value) in &page {
            entries += 1;
            for part in [&key.0, value] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        after = page.into_iter().next_back().map(|(key, _)| key);
    }
    Ok((entries, hasher.finalize().to_vec()))
}
