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
