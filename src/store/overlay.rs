//! A store over another that it never changes: reads fall through, writes stay in memory and go with it. What `preview` plans in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Batch, Entry, Key, Range, Store, StoreError, codec};

/// Writes by key; `None` hides what lies below.
type Writes = BTreeMap<Key, Option<Vec<u8>>>;

/// An overlay.
pub struct OverlayStore {
    below: Arc<dyn Store>,
    writes: Mutex<Writes>,
    rows_read: AtomicU64,
}

impl OverlayStore {
    /// An overlay without writes.
    pub fn new(below: Arc<dyn Store>) -> Self {
        OverlayStore {
            below,
            writes: Mutex::new(BTreeMap::new()),
            rows_read: AtomicU64::new(0),
        }
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for OverlayStore {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        let mut values = self.get_many(vec![key]).await?;
        Ok(values.pop().flatten())
    }

    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows_read
            .fetch_add(keys.len() as u64, Ordering::Relaxed);
        let own: Vec<Option<Option<Vec<u8>>>> = {
            let writes = self.writes();
            keys.iter().map(|key| writes.get(key).cloned()).collect()
        };
        let missing = keys
            .into_iter()
            .zip(&own)
            .filter(|(_, own)| own.is_none())
            .map(|(key, _)| key)
            .collect::<Vec<_>>();
        let mut below = if missing.is_empty() {
            Vec::new().into_iter()
        } else {
            self.below.get_many(missing).await?.into_iter()
        };
        Ok(own
            .into_iter()
            .map(|own| own.unwrap_or_else(|| below.next().flatten()))
            .collect())
    }

    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        let Some((low, high)) = range.bounds() else {
            return Ok(Vec::new());
        };
        let own: Writes = {
            let writes = self.writes();
            writes
                .range((low.map(Key), high.map(Key)))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        // Each own write hides at most one row below, so this many are enough.
        let below = self
            .below
            .range(Range {
                limit: range.limit.saturating_add(own.len()),
                ..range.clone()
            })
            .await?;
        let mut merged: Writes = below
            .into_iter()
            .map(|(key, value)| (key, Some(value)))
            .collect();
        merged.extend(own);
        let rows = merged
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let entries: Vec<Entry> = if range.reverse {
            rows.rev().take(range.limit).collect()
        } else {
            rows.take(range.limit).collect()
        };
        self.rows_read
            .fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(entries)
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        for (key, value) in &batch.writes {
            codec::check_size(key, value.as_ref().map_or(0, Vec::len))?;
        }
        self.writes().extend(batch.writes);
        Ok(())
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.apply(batch).await
    }

    fn rows_read(&self) -> u64 {
        self.rows_read.load(Ordering::Relaxed)
    }
}
