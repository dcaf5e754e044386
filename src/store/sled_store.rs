//! The store on disk: the handle that asks the store thread and waits without blocking a worker.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::disk_error::{damaged, io_error, panic_text};
use super::lock::FolderLock;
use super::restore::with_remedy;
use super::thread::{Reply, Request, serve};
use super::{Batch, Entry, Key, Range, Room, Store, StoreError, folder, open};
use crate::clock::Clock;

/// Name of the store's thread. A panic of sled on it is caught and becomes an error: a panic hook leaves it alone.
pub const STORE_THREAD: &str = "store";

/// The store in a data folder. Dropping the last handle closes it in order.
#[derive(Debug)]
pub struct SledStore {
    data_dir: PathBuf,
    requests: Mutex<Option<Sender<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    rows_read: AtomicU64,
    batches: AtomicU64,
}

impl SledStore {
    /// Opens (or makes) the store in a data folder and holds the folder's lock. Blocks while the log is read, so call it before
    /// the work begins or from a blocking thread.
    ///
    /// # Errors
    /// `Held` where another process (or another handle) has the folder; `Io` where the disk refuses; `Damaged` where the store can
    /// neither be read nor restored from its log.
    pub fn open(data_dir: &Path, clock: &dyn Clock) -> Result<SledStore, StoreError> {
        folder::make_private(data_dir)
            .map_err(|error| io_error(data_dir, "make the data folder", &error))?;
        let lock = FolderLock::take(data_dir, clock.now())?;
        Self::open_locked(data_dir, Arc::new(lock), clock)
    }

    /// The same under a lock that is held already, and that the caller may keep when this store is closed.
    pub(super) fn open_locked(
        data_dir: &Path,
        lock: Arc<FolderLock>,
        clock: &dyn Clock,
    ) -> Result<SledStore, StoreError> {
        quiet_panics();
        let now = clock.now();
        let (requests, received) = channel();
        let (opened, answer) = std::sync::mpsc::sync_channel(1);
        let place = data_dir.to_owned();
        let thread = std::thread::Builder::new()
            .name(STORE_THREAD.to_owned())
            .spawn(move || {
                match open::open(&place, now) {
                    Ok(disk) => {
                        let _ = opened.send(Ok(()));
                        serve(disk, &received);
                    }
                    Err(error) => {
                        let _ = opened.send(Err(error));
                    }
                }
                drop(lock);
            })
            .map_err(|error| io_error(data_dir, "start its thread", &error))?;
        match answer.recv() {
            Ok(Ok(())) => Ok(SledStore {
                data_dir: data_dir.to_owned(),
                requests: Mutex::new(Some(requests)),
                thread: Mutex::new(Some(thread)),
                rows_read: AtomicU64::new(0),
                batches: AtomicU64::new(0),
            }),
            Ok(Err(error)) => {
                // The lock is free again when this returns.
                let _ = thread.join();
                Err(with_remedy(error, data_dir))
            }
            Err(_) => {
                let why = match thread.join() {
                    Err(panic) => panic_text(&*panic),
                    Ok(()) => "its thread ended".to_owned(),
                };
                Err(with_remedy(damaged(data_dir, why), data_dir))
            }
        }
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Makes everything durable, closes the database and frees the data folder. Later calls on this store fail.
    pub async fn close(&self) -> Result<(), StoreError> {
        let closed = self.ask(Request::Close).await;
        self.end();
        closed
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let sent = {
            let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests
                .as_ref()
                .is_some_and(|requests| requests.send(request(reply)).is_ok())
        };
        let gone = || StoreError::Stopped("it is closed".to_owned());
        if !sent {
            return Err(gone());
        }
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Lets the thread come to its end and waits for it.
    fn end(&self) {
        let requests = self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(requests);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Err(panic)) = thread.map(JoinHandle::join) {
            let why = panic_text(&*panic);
            tracing::error!(why, "the store's thread ended badly");
        }
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.end();
    }
}

/// A panic of sled is caught and becomes an error with a next step; its trace is for the log, not for the terminal.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() == Some(STORE_THREAD) {
                tracing::warn!(%info, "the database gave up");
            } else {
                before(info);
            }
        }));
    });
}

#[async_trait]
impl Store for SledStore {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        let mut values = self.get_many(vec![key]).await?;
        Ok(values.pop().flatten())
    }

    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows_read
            .fetch_add(keys.len() as u64, Ordering::Relaxed);
        self.ask(|reply| Request::Get(keys, reply)).await
    }

    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        let entries = self.ask(|reply| Request::Range(range, reply)).await?;
        self.rows_read
            .fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(entries)
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.ask(|reply| Request::Apply(batch, reply)).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.batches
            .fetch_add(u64::from(!batch.is_empty()), Ordering::Relaxed);
        self.ask(|reply| Request::Commit(batch, reply)).await
    }

    fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }

    fn batches(&self) -> Option<u64> {
        Some(self.batches.load(Ordering::Relaxed))
    }

    fn room(&self) -> Option<Room> {
        folder::room(&self.data_dir)
    }

    async fn verify(&self) -> Result<(), StoreError> {
        self.ask(Request::Verify).await
    }
}
