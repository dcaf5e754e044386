//! The store in memory, with the crash model of docs/design/testing.md 2.4: what was committed stays, of the batches behind it an
//! arbitrary prefix does. Also the scratch space of whatever needs a store that leaves nothing behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::seal::{seal, unseal};
use super::{Batch, Entry, Key, Range, Store, StoreError, codec};

/// An in-memory store.
#[derive(Debug, Default)]
pub struct SimStore {
    state: Mutex<State>,
    rows_read: AtomicU64,
    batches: AtomicU64,
}

/// What one write replaced.
type Replaced = (Key, Option<Vec<u8>>);

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Key, Vec<u8>>,
    /// What each un-flushed batch replaced, oldest first.
    unflushed: Vec<Vec<Replaced>>,
    fail_next: Option<String>,
    stopped: Option<String>,
}

impl State {
    fn check(&self) -> Result<(), StoreError> {
        match &self.stopped {
            Some(why) => Err(StoreError::Stopped(why.clone())),
            None => Ok(()),
        }
    }

    fn put(&mut self, key: &Key, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match value {
            Some(value) => self.rows.insert(key.clone(), value),
            None => self.rows.remove(key),
        }
    }

    fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.check()?;
        for (key, value) in &batch.writes {
            codec::check_size(key, value.as_ref().map_or(0, Vec::len))?;
        }
        let mut replaced = Vec::with_capacity(batch.writes.len());
        for (key, value) in batch.writes {
            let sealed = value.map(|value| seal(&key, &value));
            let before = self.put(&key, sealed);
            replaced.push((key, before));
        }
        self.unflushed.push(replaced);
        Ok(())
    }

    fn roll_back_to(&mut self, keep: usize) {
        while self.unflushed.len() > keep {
            let replaced = self.unflushed.pop().unwrap_or_default();
            for (key, before) in replaced.into_iter().rev() {
                self.put(&key, before);
            }
        }
        self.unflushed.clear();
    }
}

impl SimStore {
    /// An empty store.
    pub fn new() -> Self {
        SimStore::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process dies: `choose` gets the number of batches that were applied and not committed, and says how many of them
    /// (the oldest) survive. The answer is the store as the next process finds it; this one only fails from now on.
    pub fn crash(&self, choose: impl FnOnce(usize) -> usize) -> SimStore {
        let mut state = self.state();
        let keep = choose(state.unflushed.len());
        state.roll_back_to(keep);
        state.stopped = Some("this process crashed".to_owned());
        let rows = std::mem::take(&mut state.rows);
        SimStore {
            state: Mutex::new(State {
                rows,
                ..State::default()
            }),
            ..SimStore::default()
        }
    }

    /// The next commit fails as a full disk would make it: the store stops. The batch may or may not be there after a crash.
    pub fn fail_next_commit(&self, why: &str) {
        self.state().fail_next = Some(why.to_owned());
    }

    /// Flips one bit of a stored value: reading it fails from now on. False where there is no such key.
    pub fn damage(&self, key: &Key) -> bool {
        match self
            .state()
            .rows
            .get_mut(key)
            .and_then(|value| value.last_mut())
        {
            Some(byte) => {
                *byte ^= 1;
                true
            }
            None => false,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.state().rows.len()
    }

    /// True where there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[async_trait]
impl Store for SimStore {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        let mut values = self.get_many(vec![key]).await?;
        Ok(values.pop().flatten())
    }

    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let state = self.state();
        state.check()?;
        self.rows_read
            .fetch_add(keys.len() as u64, Ordering::Relaxed);
        keys.iter()
            .map(|key| {
                state
                    .rows
                    .get(key)
                    .map(|value| unseal(key, value))
                    .transpose()
            })
            .collect()
    }

    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        let state = self.state();
        state.check()?;
        let Some((low, high)) = range.bounds() else {
            return Ok(Vec::new());
        };
        let found = state.rows.range((low.map(Key), high.map(Key)));
        let open = |(key, value): (&Key, &Vec<u8>)| Ok((key.clone(), unseal(key, value)?));
        let entries: Vec<Entry> = if range.reverse {
            found
                .rev()
                .take(range.limit)
                .map(open)
                .collect::<Result<_, StoreError>>()?
        } else {
            found
                .take(range.limit)
                .map(open)
                .collect::<Result<_, StoreError>>()?
        };
        self.rows_read
            .fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(entries)
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.state().write(batch)
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.batches
            .fetch_add(u64::from(!batch.is_empty()), Ordering::Relaxed);
        let mut state = self.state();
        state.write(batch)?;
        if let Some(why) = state.fail_next.take() {
            state.stopped = Some(why.clone());
            return Err(StoreError::Stopped(why));
        }
        state.unflushed.clear();
        Ok(())
    }

    fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }

    fn batches(&self) -> Option<u64> {
        Some(self.batches.load(Ordering::Relaxed))
    }
}
