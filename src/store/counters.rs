//! Counts as rows, written in the batch that changes what they count, so that nothing ever has to be counted by reading
//! (docs/design/sync-semantics.md 22 rule 6). One control task owns the struct: loaded once, changed in memory, written along.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::MappingId;

use super::{Batch, Family, KeyReader, Range, Store, StoreError, TypedStore, keys};

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Count {
    /// Links of a mapping, in any state.
    Links(MappingId),
    /// Those of them that are active.
    Active(MappingId),
    /// Field conflicts of a mapping that wait.
    Conflicts(MappingId),
    /// Review items of a mapping that wait.
    Review(MappingId),
    /// Errors of a mapping.
    Errors(MappingId),
}

impl Count {
    /// The name of its row.
    pub fn name(&self) -> String {
        match self {
            Count::Links(mapping) => format!("links/{mapping}"),
            Count::Active(mapping) => format!("active/{mapping}"),
            Count::Conflicts(mapping) => format!("conflicts/{mapping}"),
            Count::Review(mapping) => format!("review/{mapping}"),
            Count::Errors(mapping) => format!("errors/{mapping}"),
        }
    }
}

/// A change of one count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterDelta {
    /// Which.
    pub count: Count,
    /// By how much.
    pub by: i64,
}

/// All counts.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    values: BTreeMap<String, i64>,
    changed: BTreeSet<String>,
}

/// Rows read at a time.
const PAGE: usize = 500;

impl Counters {
    /// The counts as they are stored.
    pub async fn load<S: Store + ?Sized>(store: &S) -> Result<Self, StoreError> {
        let mut counters = Counters::default();
        let mut after = None;
        loop {
            let range = Range::prefix(keys::all(Family::Counter), PAGE).after(after);
            let rows: Vec<(_, i64)> = store.scan(range).await?;
            for (key, value) in &rows {
                counters.values.insert(KeyReader::new(key)?.text()?, *value);
            }
            match rows.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => return Ok(counters),
            }
        }
    }

    /// A count; zero where nothing was counted yet.
    pub fn get(&self, count: &Count) -> i64 {
        self.values.get(&count.name()).copied().unwrap_or_default()
    }

    /// The mappings whose active links nobody has counted yet: an earlier version kept no such count.
    pub fn without_active(&self) -> Vec<MappingId> {
        let all = self.values.keys();
        let mappings = all.filter_map(|name| name.strip_prefix("links/").map(MappingId::from));
        mappings
            .filter(|mapping| {
                let name = Count::Active(mapping.clone()).name();
                !self.values.contains_key(&name)
            })
            .collect()
    }

    /// Sets a count that was counted by reading; it is written like one that changed.
    pub fn set(&mut self, count: &Count, value: i64) {
        let name = count.name();
        self.values.insert(name.clone(), value);
        self.changed.insert(name);
    }

    /// All counts by name.
    pub fn all(&self) -> &BTreeMap<String, i64> {
        &self.values
    }

    /// Changes a count in memory; the next [`Counters::write`] puts it into a batch.
    pub fn add(&mut self, count: &Count, by: i64) {
        if by == 0 {
            return;
        }
        let name = count.name();
        let value = self.values.entry(name.clone()).or_default();
        *value = value.saturating_add(by);
        self.changed.insert(name);
    }

    /// Changes several counts.
    pub fn add_all(&mut self, deltas: &[CounterDelta]) {
        for delta in deltas {
            self.add(&delta.count, delta.by);
        }
    }

    /// Puts every count that changed since the last call into the batch that changes what it counts.
    pub fn write(&mut self, batch: &mut Batch) -> Result<(), StoreError> {
        for name in std::mem::take(&mut self.changed) {
            let value = self.values.get(&name).copied().unwrap_or_default();
            batch.put_row(keys::counter(&name), &value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SimStore;

    #[tokio::test]
    async fn only_changed_counts_are_written_and_all_come_back() {
        let store = SimStore::new();
        let links = Count::Links("contacts".into());
        let seen = Count::Review("contacts".into());
        let mut counters = Counters::load(&store).await.unwrap();
        counters.add(&links, 3);
        counters.add_all(&[CounterDelta {
            count: seen.clone(),
            by: 2,
        }]);
        let mut batch = Batch::default();
        counters.write(&mut batch).unwrap();
        assert_eq!(batch.writes.len(), 2);
        store.apply(batch).await.unwrap();

        counters.add(&links, -1);
        let mut batch = Batch::default();
        counters.write(&mut batch).unwrap();
        assert_eq!(batch.writes.len(), 1);
        store.apply(batch).await.unwrap();

        let again = Counters::load(&store).await.unwrap();
        assert_eq!((again.get(&links), again.get(&seen)), (2, 2));
        assert_eq!(again.get(&Count::Errors("contacts".into())), 0);
    }
}
