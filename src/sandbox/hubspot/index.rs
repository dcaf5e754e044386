//! The search index of one object: a copy of the records that runs behind them
//! (`docs/vendor/hubspot.md` 4.7).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use crate::sandbox::fields::Packed;

use super::text::mix;

/// Values on their way to a record by property name; "" clears.
pub(super) type Fields = BTreeMap<String, String>;

/// What the index knows of a record.
#[derive(Clone, Debug)]
pub(super) struct Doc {
    pub fields: Packed,
    /// Creation time in ms, for the default order.
    pub created: i64,
    /// Modified time in ms.
    pub modified: i64,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Index {
    docs: BTreeMap<u64, Doc>,
    by_modified: BTreeSet<(i64, u64)>,
    pending: BTreeMap<(DateTime<Utc>, u64), (u64, Option<Doc>)>,
    /// The newest change that was taken in, by record: an older one that arrives late is dropped.
    taken: BTreeMap<u64, u64>,
    sequence: u64,
}

impl Index {
    /// Takes a change in: visible after the record's own share of `lag`. `None` takes the record out. What was due by
    /// now is taken in first: copies that nobody will see any more would otherwise pile up between two searches.
    pub(super) fn push(&mut self, now: DateTime<Utc>, lag: Duration, id: u64, doc: Option<Doc>) {
        self.advance(now);
        self.sequence += 1;
        let mean = lag.num_milliseconds().max(0);
        if mean == 0 {
            self.take(self.sequence, id, doc);
            return;
        }
        let spread = mix(id ^ (self.sequence << 32)) % 1_000;
        let wait = mean / 2 + mean * i64::try_from(spread).unwrap_or(0) / 1_000;
        let at = now + Duration::milliseconds(wait);
        self.pending.insert((at, self.sequence), (id, doc));
    }

    /// Catches up to `now`.
    pub(super) fn advance(&mut self, now: DateTime<Utc>) {
        while let Some(entry) = self.pending.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((_, sequence), (id, doc)) = entry.remove_entry();
            self.take(sequence, id, doc);
        }
    }

    /// Catches up with everything, whatever its lag.
    pub(super) fn settle(&mut self) {
        self.advance(DateTime::<Utc>::MAX_UTC);
    }

    fn take(&mut self, sequence: u64, id: u64, doc: Option<Doc>) {
        let newest = self.taken.entry(id).or_default();
        if *newest > sequence {
            return;
        }
        *newest = sequence;
        if let Some(old) = self.docs.remove(&id) {
            self.by_modified.remove(&(old.modified, id));
        }
        if let Some(doc) = doc {
            self.by_modified.insert((doc.modified, id));
            self.docs.insert(id, doc);
        }
    }

    /// Every record, by id.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, &Doc)> {
        self.docs.iter().map(|(id, doc)| (*id, doc))
    }

    /// The records above an id.
    pub(super) fn above(&self, id: u64) -> impl Iterator<Item = (u64, &Doc)> {
        let from = id.saturating_add(1);
        self.docs.range(from..).map(|(id, doc)| (*id, doc))
    }

    /// Whether every record's modified time is within the bounds (ms, both included).
    pub(super) fn covered(&self, low: i64, high: i64) -> bool {
        let first = self.by_modified.first().is_none_or(|(at, _)| *at >= low);
        first && self.by_modified.last().is_none_or(|(at, _)| *at <= high)
    }

    /// The ids whose modified time is within the bounds (ms, both included), by id.
    pub(super) fn within(&self, low: i64, high: i64) -> Vec<u64> {
        if low > high {
            return Vec::new();
        }
        let mut ids: Vec<u64> = self
            .by_modified
            .range((low, 0)..=(high, u64::MAX))
            .map(|(_, id)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// One record.
    pub(super) fn get(&self, id: u64) -> Option<&Doc> {
        self.docs.get(&id)
    }
}
