//! Reads a family page by page, past values that cannot be read.

use serde::de::DeserializeOwned;

use crate::store::{Entry, Family, Key, Range, Store, StoreError, decode, keys};

/// Rows read at a time.
const PAGE: usize = 500;

/// A walk over one family.
pub(super) struct Pages<'a, S: Store + ?Sized> {
    store: &'a S,
    family: Family,
    after: Option<Key>,
    /// One by one, after a page that could not be read.
    slowly: usize,
}

/// A page: rows, and the values that could not be read with the reason.
#[derive(Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) unreadable: Vec<(Key, String)>,
}

impl<'a, S: Store + ?Sized> Pages<'a, S> {
    pub(super) fn new(store: &'a S, family: Family) -> Self {
        Pages {
            store,
            family,
            after: None,
            slowly: 0,
        }
    }

    /// The next page; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, StoreError> {
        loop {
            let limit = if self.slowly > 0 { 1 } else { PAGE };
            let range = Range::prefix(keys::all(self.family), limit).after(self.after.clone());
            match self.store.range(range).await {
                Ok(entries) => {
                    self.slowly = self.slowly.saturating_sub(1);
                    let Some((last, _)) = entries.last() else {
                        return Ok(None);
                    };
                    self.after = Some(last.clone());
                    return Ok(Some(Page {
                        entries,
                        unreadable: Vec::new(),
                    }));
                }
                Err(StoreError::BadValue { key, why }) => {
                    if self.slowly == 0 {
                        self.slowly = PAGE;
                        continue;
                    }
                    let Some(key) = Key::from_hex(&key) else {
                        return Ok(None);
                    };
                    self.after = Some(key.clone());
                    return Ok(Some(Page {
                        entries: Vec::new(),
                        unreadable: vec![(key, why)],
                    }));
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// The next page as rows; what does not decode is left out, the check of the values names it.
    pub(super) async fn rows<T: DeserializeOwned>(
        &mut self,
    ) -> Result<Option<Vec<(Key, T)>>, StoreError> {
        let page = self.next().await?;
        Ok(page.map(|page| {
            page.entries
                .into_iter()
                .filter_map(|(key, bytes)| Some((key.clone(), decode(&key, &bytes).ok()?)))
                .collect()
        }))
    }
}

/// Rows by key; what cannot be read counts as there (`Err`), for the check of the values names it.
pub(super) async fn look_up<S: Store + ?Sized, T: DeserializeOwned>(
    store: &S,
    wanted: Vec<Key>,
) -> Result<Vec<Found<T>>, StoreError> {
    match store.get_many(wanted.clone()).await {
        Ok(values) => Ok(wanted
            .iter()
            .zip(values)
            .map(|(key, value)| match value {
                None => Found::Missing,
                Some(bytes) => decode(key, &bytes).map_or(Found::Unreadable, Found::Row),
            })
            .collect()),
        Err(StoreError::BadValue { .. }) => {
            let mut found = Vec::with_capacity(wanted.len());
            for key in wanted {
                found.push(match store.get(key.clone()).await {
                    Ok(None) => Found::Missing,
                    Ok(Some(bytes)) => decode(&key, &bytes).map_or(Found::Unreadable, Found::Row),
                    Err(StoreError::BadValue { .. }) => Found::Unreadable,
                    Err(other) => return Err(other),
                });
            }
            Ok(found)
        }
        Err(other) => Err(other),
    }
}

/// What a look-up gave.
pub(super) enum Found<T> {
    /// The row.
    Row(T),
    /// There, and not readable.
    Unreadable,
    /// Not there.
    Missing,
}
