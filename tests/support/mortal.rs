//! A process that can die: at a crossing of the seams that everything passes, and with a disk that keeps what was durable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use syncline::store::{Batch, Entry, Key, Range, SimStore, Store, StoreError, TypedStore, keys};
use tokio::sync::Notify;

/// The moment at which the process dies: seam crossings left until then.
#[derive(Default)]
pub struct Doom {
    left: AtomicU64,
    struck: Notify,
}

impl Doom {
    /// Sets the moment, or none.
    pub fn arm(&self, crossings: Option<u32>) {
        self.left
            .store(crossings.map_or(0, u64::from), Ordering::Relaxed);
    }

    /// One crossing. The one that strikes never returns.
    pub async fn cross(&self) {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return;
        }
        self.left.store(left - 1, Ordering::Relaxed);
        if left == 1 {
            self.struck.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Resolves when the process has died.
    pub async fn strikes(&self) {
        self.struck.notified().await;
    }
}

/// A store in memory that a crash may shorten, and that an older copy may take the place of.
pub struct Disk {
    sim: Mutex<Arc<SimStore>>,
    doom: Arc<Doom>,
}

impl Disk {
    /// An empty one, at whose commits the process may die.
    pub fn new(doom: Arc<Doom>) -> Disk {
        Disk::over(Arc::new(SimStore::new()), doom)
    }

    /// One that holds something already.
    pub fn over(held: Arc<SimStore>, doom: Arc<Doom>) -> Disk {
        Disk {
            sim: Mutex::new(held),
            doom,
        }
    }

    /// The process is dead: what was not committed survives as a prefix.
    pub fn crash(&self, choose: impl FnOnce(usize) -> usize) {
        let mut sim = self.sim.lock().unwrap();
        let next = sim.crash(choose);
        *sim = Arc::new(next);
    }

    /// Everything in it.
    pub async fn copy(&self) -> Vec<Entry> {
        let all = Range::prefix(Key(Vec::new()), usize::MAX);
        self.sim().range(all).await.unwrap()
    }

    /// Another store takes the place of this one, with the mark of an import.
    pub async fn put_back(&self, rows: Vec<Entry>) {
        let next = SimStore::new();
        let mut batch = Batch::default();
        for (key, value) in rows {
            batch.put(key, value);
        }
        next.commit(batch).await.unwrap();
        let epoch = keys::meta(keys::META_EPOCH);
        let before: Option<u64> = next.row(epoch.clone()).await.unwrap();
        let mut batch = Batch::default();
        let bumped = before.unwrap_or_default() + 1;
        batch.put_row(epoch, &bumped).unwrap();
        next.commit(batch).await.unwrap();
        *self.sim.lock().unwrap() = Arc::new(next);
    }

    fn sim(&self) -> Arc<SimStore> {
        self.sim.lock().unwrap().clone()
    }
}

#[async_trait]
impl Store for Disk {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.sim().get(key).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.sim().get_many(keys).await
    }

    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.sim().range(range).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.doom.cross().await;
        self.sim().apply(batch).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.doom.cross().await;
        self.sim().commit(batch).await?;
        self.doom.cross().await;
        Ok(())
    }

    fn rows_read(&self) -> u64 {
        self.sim().rows_read()
    }
}
