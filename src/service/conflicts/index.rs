//! The queue's index: which rows there are, what each is filtered and sorted by, and the counts that the status shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::{Conflict, ItemId, ItemKind, ItemState, PerSide, Side};
use crate::service::host::{House, lock};
use crate::service::later::{Notes, note_of};
use crate::service::lists::{Entry, version};
use crate::service::messages::LeftForLater;
use crate::store::rows::is_waiting;
use crate::store::{Family, StoreError, keys};

/// The queue's index.
#[derive(Clone)]
pub(in crate::service) struct Queue {
    pub(in crate::service) entries: Vec<Entry>,
    /// The items behind each entry, oldest first.
    pub(in crate::service) items: Vec<Vec<ItemId>>,
    /// Where each row is.
    places: BTreeMap<ItemId, usize>,
    /// What of each row moves with choices.
    standing: Vec<Standing>,
    /// Rows per mapping, and since when the oldest waits.
    pub(in crate::service) by_mapping: BTreeMap<String, (u64, DateTime<Utc>)>,
    /// Items in draft.
    pub(in crate::service) drafts: u64,
    /// Items without a choice.
    pub(in crate::service) open: u64,
}

/// What of a row moves with choices.
#[derive(Clone)]
struct Standing {
    since: DateTime<Utc>,
    /// Its items in draft.
    drafts: usize,
}

impl Queue {
    /// Where a row is.
    pub(in crate::service) fn place(&self, row: ItemId) -> Option<usize> {
        self.places.get(&row).copied()
    }

    /// Sets how many items of a row are in draft, and whether it was left for later.
    fn restate(&mut self, at: usize, drafts: usize, notes: &Notes) {
        let (Some(entry), Some(standing), Some(items)) = (
            self.entries.get_mut(at),
            self.standing.get_mut(at),
            self.items.get(at),
        ) else {
            return;
        };
        self.drafts = self.drafts + drafts as u64 - standing.drafts as u64;
        self.open = self.open + standing.drafts as u64 - drafts as u64;
        standing.drafts = drafts;
        let note = note_of(notes, entry.key, standing.since);
        let (state, reason) = state_of(drafts == items.len(), note);
        for (name, text) in [("state", state), ("reason", reason)] {
            if let Some((_, held)) = entry.fields.iter_mut().find(|(field, _)| *field == name) {
                *held = text;
            }
        }
    }
}

/// What the list's filter knows of a row's state, and the reason why it was left for later.
fn state_of(drafted: bool, note: Option<&LeftForLater>) -> (String, String) {
    let state = match note {
        _ if drafted => "draft",
        Some(_) => "later",
        None => "open",
    };
    let reason = note.map_or_else(String::new, |note| note.reason.clone());
    (state.to_owned(), reason)
}

/// The row that an item belongs to: its link's for fields, its own for reviews.
pub(in crate::service) fn row_key(item: &Conflict) -> ItemId {
    match (item.kind.is_review(), item.link) {
        (false, Some(link)) => ItemId(link.0),
        _ => item.id,
    }
}

/// What is kept of a row while the index is made.
struct Draft {
    since: DateTime<Utc>,
    mapping: String,
    label: String,
    kind: ItemKind,
    fields: Vec<(String, ItemId)>,
    suggest: Vec<Option<Side>>,
    rule: String,
    drafts: usize,
    ids: PerSide<String>,
}

impl House {
    /// The queue's index; made anew when something changed.
    pub(in crate::service) async fn queue(&self) -> Result<Arc<Queue>, StoreError> {
        let version = version(self);
        if let Some((made, queue)) = &lock(&self.lists).conflicts
            && *made == version
        {
            return Ok(queue.clone());
        }
        let mut rows: BTreeMap<ItemId, Draft> = BTreeMap::new();
        for family in [Family::Conflict, Family::Review] {
            self.db
                .walk(keys::all(family), |item: Conflict| {
                    if is_waiting(&item) {
                        add(&mut rows, &item);
                    }
                })
                .await?;
        }
        let notes = self.later.lock().await.clone();
        let queue = Arc::new(index(rows, &notes));
        lock(&self.lists).conflicts = Some((version, queue.clone()));
        Ok(queue)
    }

    /// Choices of these rows were stored or taken back: they alone are read again, the index is kept.
    pub(in crate::service) async fn restated(
        &self,
        rows: &BTreeSet<ItemId>,
    ) -> Result<(), StoreError> {
        let made = version(self);
        let kept = match &lock(&self.lists).conflicts {
            Some((of, queue)) if *of == made => Some(queue.clone()),
            _ => None,
        };
        let mut fresh = Vec::new();
        if let Some(queue) = kept {
            for at in rows.iter().filter_map(|row| queue.place(*row)) {
                let Some(ids) = queue.items.get(at) else {
                    continue;
                };
                let items = self.items(ids).await?;
                let draft = |item: &&Conflict| item.state == ItemState::Draft;
                fresh.push((at, items.iter().filter(draft).count()));
            }
        }
        let notes = self.later.lock().await.clone();
        let mut version = lock(&self.version);
        let mut lists = lock(&self.lists);
        let next = *version + 1;
        // Whatever else changed meanwhile makes the index anew.
        if *version == made {
            if let Some((of, queue)) = &mut lists.conflicts
                && *of == made
            {
                let queue = Arc::make_mut(queue);
                for (at, drafts) in fresh {
                    queue.restate(at, drafts, &notes);
                }
                *of = next;
            }
            if let Some((of, _)) = &mut lists.errors
                && *of == made
            {
                *of = next;
            }
        }
        *version = next;
        Ok(())
    }
}

fn add(rows: &mut BTreeMap<ItemId, Draft>, item: &Conflict) {
    let row = rows.entry(row_key(item)).or_insert_with(|| Draft {
        since: item.first_seen,
        mapping: item.mapping.0.clone(),
        label: item.label.clone(),
        kind: item.kind,
        fields: Vec::new(),
        suggest: Vec::new(),
        rule: item.rule.clone(),
        drafts: 0,
        ids: PerSide::from_fn(|side| {
            item.sides
                .get(side)
                .id
                .as_ref()
                .map_or_else(String::new, ToString::to_string)
        }),
    });
    row.since = row.since.min(item.first_seen);
    row.fields.push((item.field.clone(), item.id));
    row.suggest.push(item.suggest);
    row.drafts += usize::from(item.state == ItemState::Draft);
}

fn index(rows: BTreeMap<ItemId, Draft>, notes: &Notes) -> Queue {
    let mut sorted: Vec<(ItemId, Draft)> = rows.into_iter().collect();
    sorted.sort_by_key(|(key, row)| (row.since, *key));
    let mut queue = Queue {
        entries: Vec::new(),
        items: Vec::new(),
        places: BTreeMap::new(),
        standing: Vec::new(),
        by_mapping: BTreeMap::new(),
        drafts: 0,
        open: 0,
    };
    for (key, row) in sorted {
        let waiting = row.fields.len();
        queue.drafts += row.drafts as u64;
        queue.open += (waiting - row.drafts) as u64;
        let entry = queue
            .by_mapping
            .entry(row.mapping.clone())
            .or_insert((0, row.since));
        entry.0 += 1;
        entry.1 = entry.1.min(row.since);
        let note = note_of(notes, key, row.since);
        let names: Vec<&str> = row.fields.iter().map(|(name, _)| name.as_str()).collect();
        let suggest = match row.suggest.first().copied().flatten() {
            Some(side) if row.suggest.iter().all(|other| *other == Some(side)) => side.word(),
            _ => "",
        };
        let (state, reason) = state_of(row.drafts == waiting, note);
        queue.places.insert(key, queue.entries.len());
        queue.standing.push(Standing {
            since: row.since,
            drafts: row.drafts,
        });
        queue.entries.push(Entry {
            key,
            fields: vec![
                ("mapping", row.mapping),
                ("record", row.label),
                ("fields", names.join(", ")),
                ("field", names.join(", ")),
                ("kind", row.kind.word().to_owned()),
                ("state", state),
                ("reason", reason),
                ("suggest", suggest.to_owned()),
                ("rule", row.rule),
                ("id", format!("{} {}", row.ids.salesforce, row.ids.hubspot)),
            ],
            numbers: vec![("age", -row.since.timestamp_millis())],
        });
        queue
            .items
            .push(row.fields.into_iter().map(|(_, id)| id).collect());
    }
    queue
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn rows(drafts: [usize; 2]) -> BTreeMap<ItemId, Draft> {
        let row = |at: usize| Draft {
            since: Utc.timestamp_opt(at as i64, 0).unwrap(),
            mapping: "contacts".into(),
            label: format!("record {at}"),
            kind: ItemKind::Field,
            fields: vec![
                ("Title".into(), ItemId(at as u128 * 10)),
                ("Phone".into(), ItemId(at as u128 * 10 + 1)),
            ],
            suggest: vec![None, None],
            rule: "ask".into(),
            drafts: drafts[at],
            ids: PerSide::default(),
        };
        (0..2).map(|at| (ItemId(at as u128), row(at))).collect()
    }

    /// What the status and the list's filter see.
    fn seen(queue: &Queue) -> (u64, u64, Vec<Vec<(&'static str, String)>>) {
        let fields = queue.entries.iter().map(|entry| entry.fields.clone());
        (queue.drafts, queue.open, fields.collect())
    }

    #[test]
    fn a_row_that_is_restated_reads_as_if_the_index_were_made_anew() {
        let note = LeftForLater {
            reason: "ask Jane".into(),
            by: "you".into(),
            at: Utc.timestamp_opt(100, 0).unwrap(),
        };
        let left: Notes = [(ItemId(1), note)].into();
        for (drafts, notes) in [
            ([2, 1], Notes::default()),
            ([0, 2], left.clone()),
            ([1, 0], left),
        ] {
            let mut queue = index(rows([1, 0]), &Notes::default());
            for row in [ItemId(0), ItemId(1)] {
                let at = queue.place(row).unwrap();
                queue.restate(at, drafts[at], &notes);
            }
            assert_eq!(
                seen(&queue),
                seen(&index(rows(drafts), &notes)),
                "{drafts:?}"
            );
        }
    }
}
