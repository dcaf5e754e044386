//! The queue's index: which rows there are, what each is filtered and sorted by, and the counts that the status shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::{Conflict, ItemId, ItemKind, ItemState, PerSide, Side};
use crate::service::host::{House, lock};
use crate::service::later::{Notes, note_of};
use crate::service::lists::{Entry, version};
use crate::store::rows::is_waiting;
use crate::store::{Family, StoreError, keys};

/// The queue's index.
pub(in crate::service) struct Queue {
    pub(in crate::service) entries: Vec<Entry>,
    /// The items behind each entry, oldest first.
    pub(in crate::service) items: Vec<Vec<ItemId>>,
    /// Rows per mapping, and since when the oldest waits.
    pub(in crate::service) by_mapping: BTreeMap<String, (u64, DateTime<Utc>)>,
    /// Items in draft.
    pub(in crate::service) drafts: u64,
    /// Items without a choice.
    pub(in crate::service) open: u64,
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
        queue.entries.push(Entry {
            key,
            fields: vec![
                ("mapping", row.mapping),
                ("record", row.label),
                ("fields", names.join(", ")),
                ("field", names.join(", ")),
                ("kind", row.kind.word().to_owned()),
                (
                    "state",
                    match note {
                        _ if row.drafts == waiting => "draft",
                        Some(_) => "later",
                        None => "open",
                    }
                    .to_owned(),
                ),
                (
                    "reason",
                    note.map_or_else(String::new, |note| note.reason.clone()),
                ),
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
