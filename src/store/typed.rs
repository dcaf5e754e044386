//! Rows instead of bytes, over any store.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Batch, Key, Range, Store, StoreError, codec};

/// Reads of typed rows. Implemented for every store, `dyn Store` included.
#[async_trait]
pub trait TypedStore: Store {
    /// One row.
    async fn row<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, StoreError> {
        match self.get(key.clone()).await? {
            Some(bytes) => codec::decode(&key, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Several rows, in the order asked.
    async fn rows<T: DeserializeOwned + Send>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let values = self.get_many(keys.clone()).await?;
        keys.iter()
            .zip(values)
            .map(|(key, value)| value.map(|bytes| codec::decode(key, &bytes)).transpose())
            .collect()
    }

    /// A range of rows with their keys, in key order (or against it).
    async fn scan<T: DeserializeOwned + Send>(
        &self,
        range: Range,
    ) -> Result<Vec<(Key, T)>, StoreError> {
        let entries = self.range(range).await?;
        entries
            .into_iter()
            .map(|(key, bytes)| {
                let row = codec::decode(&key, &bytes)?;
                Ok((key, row))
            })
            .collect()
    }
}

impl<S: Store + ?Sized> TypedStore for S {}

impl Batch {
    /// Adds a write of a row.
    ///
    /// # Errors
    /// `TooLarge` above the value limit; nothing is added then.
    pub fn put_row<T: Serialize + ?Sized>(&mut self, key: Key, row: &T) -> Result<(), StoreError> {
        let value = codec::encode(&key, row)?;
        self.put(key, value);
        Ok(())
    }

    /// Adds a write of an entry whose key says it all.
    pub fn put_mark(&mut self, key: Key) {
        self.put(key, vec![codec::FORMAT, b'n', b'u', b'l', b'l']);
    }

    /// Adds all writes of another batch behind this one's.
    pub fn append(&mut self, mut other: Batch) {
        self.writes.append(&mut other.writes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{Family, SimStore, keys};

    #[tokio::test]
    async fn rows_go_in_and_come_out_of_any_store() {
        let store: Arc<dyn Store> = Arc::new(SimStore::new());
        let mut batch = Batch::default();
        batch.put_row(keys::counter("a"), &1i64).unwrap();
        batch.put_row(keys::counter("b"), &2i64).unwrap();
        let mut more = Batch::default();
        more.put_row(keys::meta("n"), "text").unwrap();
        batch.append(more);
        store.commit(batch).await.unwrap();
        let asked = vec![keys::counter("b"), keys::counter("c"), keys::counter("a")];
        let rows: Vec<Option<i64>> = store.rows(asked).await.unwrap();
        assert_eq!(rows, [Some(2), None, Some(1)]);
        let range = Range::prefix(keys::all(Family::Counter), 9).reversed();
        let scanned: Vec<(Key, i64)> = store.scan(range).await.unwrap();
        assert_eq!(scanned, [(keys::counter("b"), 2), (keys::counter("a"), 1)]);
        let text: Option<String> = store.row(keys::meta("n")).await.unwrap();
        assert_eq!(text.as_deref(), Some("text"));
        assert!(store.row::<u64>(keys::meta("n")).await.is_err());
    }

    #[tokio::test]
    async fn a_row_that_is_too_large_adds_nothing() {
        let mut batch = Batch::default();
        let text = "x".repeat(codec::VALUE_LIMIT);
        assert!(batch.put_row(keys::meta("n"), &text).is_err());
        assert!(batch.is_empty());
    }
}
