//! The conflict queue: one row per record with open conflicts, one per review item (docs/design/console.md 3).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::host::{House, lock, refusal, store_refusal};
use super::lists::{Entry, arrange, version, window};
use super::messages::{
    CandidateView, ConflictDetail, ConflictRow, FieldView, ListPage, ListQuery, Refusal,
    RefusalKind, Reply, Rows,
};
use super::words;
use crate::domain::{
    Candidate, Choice, Conflict, ItemId, ItemKind, ItemState, Mapping, PerSide, RecordKey, Side,
    SideValue, Value,
};
use crate::engine::Waiting;
use crate::store::rows::is_waiting;
use crate::store::{Family, StoreError, keys};
use crate::transform;

/// The queue's index.
pub(super) struct Queue {
    pub(super) entries: Vec<Entry>,
    /// The items behind each entry, oldest first.
    pub(super) items: Vec<Vec<ItemId>>,
    /// Rows per mapping, and since when the oldest waits.
    pub(super) by_mapping: BTreeMap<String, (u64, chrono::DateTime<chrono::Utc>)>,
    /// Items in draft.
    pub(super) drafts: u64,
    /// Items without a choice.
    pub(super) open: u64,
}

/// The row that an item belongs to: its link's for fields, its own for reviews.
fn row_key(item: &Conflict) -> ItemId {
    match (item.kind.is_review(), item.link) {
        (false, Some(link)) => ItemId(link.0),
        _ => item.id,
    }
}

/// What is kept of a row while the index is made.
struct Draft {
    since: chrono::DateTime<chrono::Utc>,
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
    pub(super) async fn queue(&self) -> Result<Arc<Queue>, StoreError> {
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
        let queue = Arc::new(index(rows));
        lock(&self.lists).conflicts = Some((version, queue.clone()));
        Ok(queue)
    }

    /// A window of the queue.
    pub(super) async fn conflict_page(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        let queue = self.queue().await?;
        let order = arrange(&queue.entries, &query.filter, query.sort.as_ref());
        // An item behind a row is as good a place as the row itself.
        let behind = |id: ItemId| queue.items.iter().position(|items| items.contains(&id));
        let locate = query.locate.map(|id| {
            behind(id)
                .and_then(|at| queue.entries.get(at))
                .map_or(id, |entry| entry.key)
        });
        let query = &ListQuery {
            locate,
            ..query.clone()
        };
        let (from, located) = window(&queue.entries, &order, query);
        let mut rows = Vec::new();
        for position in order.iter().skip(from).take(query.count) {
            if let Some(ids) = queue.items.get(*position) {
                rows.extend(self.row(ids).await?);
            }
        }
        Ok(ListPage {
            total: queue.entries.len(),
            matched: order.len(),
            from,
            located,
            rows: Rows::Conflicts(rows),
        })
    }

    async fn items(&self, ids: &[ItemId]) -> Result<Vec<Conflict>, StoreError> {
        let mut items = Vec::new();
        for id in ids {
            if let Some(Waiting::Conflict(item)) = self.db.waiting_item(*id).await? {
                items.push(item);
            }
        }
        Ok(items)
    }

    async fn row(&self, ids: &[ItemId]) -> Result<Option<ConflictRow>, StoreError> {
        let items = self.items(ids).await?;
        Ok(self.row_of(&items))
    }

    fn row_of(&self, items: &[Conflict]) -> Option<ConflictRow> {
        let first = items.first()?;
        let field = !first.kind.is_review();
        let mut suggestions = items.iter().map(|item| item.suggest);
        let agreed = suggestions
            .next()
            .flatten()
            .filter(|side| suggestions.all(|other| other == Some(*side)));
        let drafted = items.iter().all(|item| item.state == ItemState::Draft);
        Some(ConflictRow {
            key: row_key(first),
            kind: first.kind,
            mapping: first.mapping.clone(),
            label: first.label.clone(),
            fields: if field {
                items.iter().map(|item| item.field.clone()).collect()
            } else {
                Vec::new()
            },
            items: items.iter().map(|item| item.id).collect(),
            since: items
                .iter()
                .map(|item| item.first_seen)
                .min()
                .unwrap_or(first.first_seen),
            rule: first.rule.clone(),
            suggest: agreed,
            state: if drafted {
                ItemState::Draft
            } else {
                ItemState::Open
            },
            ids: PerSide::from_fn(|side| first.sides.get(side).id.clone()),
            peek: if field {
                items
                    .iter()
                    .take(2)
                    .map(|item| self.field_view(item))
                    .collect()
            } else {
                Vec::new()
            },
        })
    }

    fn pair_of(&self, item: &Conflict) -> Option<(&Mapping, &crate::domain::FieldPair)> {
        let mapping = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == item.mapping)?;
        Some((
            mapping,
            mapping
                .pairs
                .iter()
                .find(|pair| pair.name() == item.field)?,
        ))
    }

    fn field_view(&self, item: &Conflict) -> FieldView {
        let pair = self.pair_of(item).map(|(_, pair)| pair);
        let changed = |side: Side| match (&item.base, pair) {
            (Some(base), Some(pair)) => {
                transform::view(pair, side, base).ok()
                    != transform::view(pair, side, &item.sides.get(side).value).ok()
            }
            _ => !item.sides.get(side).value.is_blank(),
        };
        let choice = item
            .resolution
            .as_ref()
            .map(|resolution| resolution.choice.clone());
        let mut disabled = Vec::new();
        if item.base.is_none() {
            disabled.push((
                "base".to_owned(),
                "there is no base yet: this is the record's first sync".to_owned(),
            ));
        }
        if let Err(why) = super::resolve::newest(item) {
            disabled.push(("newest".to_owned(), why));
        }
        FieldView {
            names: pair.map_or_else(PerSide::default, |pair| pair.fields.clone()),
            item: Some(item.id),
            base: item.base.clone(),
            sides: item.sides.clone(),
            changed: PerSide::from_fn(changed),
            rule: pair.map_or_else(|| item.rule.clone(), words::pair_rule),
            suggest: item.suggest,
            result: choice
                .as_ref()
                .map(|choice| super::resolve::result(item, choice)),
            choice,
            disabled,
        }
    }

    /// One row in full.
    pub(super) async fn conflict(&self, key: ItemId) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let queue = self.queue().await.map_err(store)?;
        let position = queue.entries.iter().position(|entry| entry.key == key);
        let ids = position.and_then(|at| queue.items.get(at)).cloned();
        let Some(ids) = ids else {
            return Err(refusal(
                RefusalKind::Usage,
                "this item is over: it was resolved or its values agree now",
            ));
        };
        let items = self.items(&ids).await.map_err(store)?;
        let Some(row) = self.row_of(&items) else {
            return Err(refusal(
                RefusalKind::Usage,
                "this item is over: it was resolved or its values agree now",
            ));
        };
        let mut fields: Vec<FieldView> = items
            .iter()
            .filter(|item| !item.kind.is_review())
            .map(|item| self.field_view(item))
            .collect();
        if row.kind == ItemKind::Field {
            fields.extend(self.other_fields(&row, &items).await?);
        }
        let mut candidates = Vec::new();
        let mut own = None;
        if row.kind.is_review()
            && let Some(item) = items.first()
        {
            (own, candidates) = self.candidates(item).await?;
        }
        let mut alike = BTreeMap::new();
        for item in items.iter().filter(|item| !item.kind.is_review()) {
            alike.insert(
                item.id.to_string(),
                self.alike_ids(item).await.map_err(store)?.len(),
            );
        }
        let base_run = items.iter().find_map(|item| item.base_run);
        Ok(Reply::Conflict(Box::new(ConflictDetail {
            row,
            fields,
            items,
            candidates,
            own,
            base_run,
            alike,
        })))
    }

    /// The record's other mapped fields, from what is stored: the base of what is settled.
    async fn other_fields(
        &self,
        row: &ConflictRow,
        items: &[Conflict],
    ) -> Result<Vec<FieldView>, Refusal> {
        let Some(mapping) = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == row.mapping)
        else {
            return Ok(Vec::new());
        };
        let Some(link) = items.first().and_then(|item| item.link) else {
            return Ok(Vec::new());
        };
        let base = self
            .db
            .bases(&mapping.id, &[link])
            .await
            .map_err(|error| store_refusal(&error))?
            .pop();
        let base = base.unwrap_or_default();
        let value = |pair: &str, side: Side| match base.value(pair, side) {
            Some(crate::domain::BaseValue::Raw(text)) => Value::Text(text.clone()),
            Some(crate::domain::BaseValue::Null) => Value::Null,
            _ => Value::Unknown,
        };
        Ok(mapping
            .pairs
            .iter()
            .filter(|pair| !items.iter().any(|item| item.field == pair.name()))
            .map(|pair| FieldView {
                names: pair.fields.clone(),
                item: None,
                base: Some(value(pair.name(), Side::Salesforce)).filter(Value::is_known),
                sides: PerSide::from_fn(|side| SideValue {
                    id: row.ids.get(side).clone(),
                    value: value(pair.name(), side),
                    ..SideValue::default()
                }),
                changed: PerSide::default(),
                rule: words::pair_rule(pair),
                suggest: None,
                choice: None,
                result: None,
                disabled: Vec::new(),
            })
            .collect())
    }

    /// The record of a review item and its candidates with their values, read now where the vendors answer.
    async fn candidates(
        &self,
        item: &Conflict,
    ) -> Result<(Option<CandidateView>, Vec<CandidateView>), Refusal> {
        let Some(mapping) = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == item.mapping)
        else {
            return Ok((None, Vec::new()));
        };
        let mut own = None;
        for side in Side::BOTH {
            if let Some(id) = &item.sides.get(side).id {
                let record = RecordKey {
                    side,
                    object: mapping.object(side).to_owned(),
                    id: id.clone(),
                };
                let candidate = Candidate {
                    record,
                    label: item.label.clone(),
                    why: String::new(),
                };
                own = Some(self.with_values(mapping, candidate).await);
                break;
            }
        }
        let mut views = Vec::new();
        for candidate in &item.candidates {
            views.push(self.with_values(mapping, candidate.clone()).await);
        }
        Ok((own, views))
    }

    async fn with_values(&self, mapping: &Mapping, candidate: Candidate) -> CandidateView {
        let side = candidate.record.side;
        let fields: Vec<String> = mapping
            .pairs
            .iter()
            .filter(|pair| {
                !matches!(pair.kind, crate::domain::PairKind::Reference { .. })
                    || side == Side::Salesforce
            })
            .map(|pair| pair.field(side).to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        let mut values = BTreeMap::new();
        if let Ok(crm) = self.side(side) {
            let ids = std::slice::from_ref(&candidate.record.id);
            let found = crm
                .read(
                    crate::crm::Purpose::Check,
                    &candidate.record.object,
                    ids,
                    &fields,
                )
                .await;
            // Without an answer the candidates are still listed, by name and id.
            if let Some(seen) = found
                .ok()
                .and_then(|found| found.into_iter().next()?.records.into_iter().next())
            {
                for pair in &mapping.pairs {
                    values.insert(pair.name().to_owned(), seen.value(pair.field(side)).clone());
                }
            }
        }
        CandidateView { candidate, values }
    }

    async fn alike_ids(&self, model: &Conflict) -> Result<Vec<ItemId>, StoreError> {
        let mut ids = Vec::new();
        self.db
            .walk(keys::all(Family::Conflict), |item: Conflict| {
                let same = item.field == model.field
                    && item.mapping == model.mapping
                    && item.suggest == model.suggest
                    && item.base.is_some() == model.base.is_some()
                    && item.sides.salesforce.value.is_blank()
                        == model.sides.salesforce.value.is_blank()
                    && item.sides.hubspot.value.is_blank() == model.sides.hubspot.value.is_blank();
                if same && item.id != model.id && item.state == ItemState::Open && !item.automatic {
                    ids.push(item.id);
                }
            })
            .await?;
        Ok(ids)
    }

    /// Open conflicts of the same field and shape.
    pub(super) async fn alike(&self, item: ItemId) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        match self.db.waiting_item(item).await.map_err(store)? {
            Some(Waiting::Conflict(model)) => Ok(Reply::Ids {
                ids: self.alike_ids(&model).await.map_err(store)?,
            }),
            _ => Err(refusal(
                RefusalKind::Usage,
                format!("there is no conflict {item}"),
            )),
        }
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

fn index(rows: BTreeMap<ItemId, Draft>) -> Queue {
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
                    if row.drafts == waiting {
                        "draft"
                    } else {
                        "open"
                    }
                    .to_owned(),
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

/// The choice's own words, for messages.
pub(super) fn choice_word(choice: &Choice) -> &'static str {
    match choice {
        Choice::Take(Side::Salesforce) => "salesforce",
        Choice::Take(Side::HubSpot) => "hubspot",
        Choice::Base => "base",
        Choice::Value(_) => "value",
        Choice::Link(_) => "link",
        Choice::Create => "create",
        Choice::Ignore => "ignore",
        Choice::Accept => "accept",
    }
}
