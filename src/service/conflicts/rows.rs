//! The queue's rows, read for a window of it.

use super::index::row_key;
use crate::domain::{Conflict, FieldPair, ItemId, ItemState, Mapping, PerSide, Side, Unit};
use crate::engine::Waiting;
use crate::service::host::House;
use crate::service::later::note_of;
use crate::service::lists::{arrange, window};
use crate::service::messages::{ConflictRow, FieldView, ListPage, ListQuery, Rows};
use crate::service::{resolve, words};
use crate::store::StoreError;
use crate::transform;

impl House {
    /// A window of the queue.
    pub(in crate::service) async fn conflict_page(
        &self,
        query: &ListQuery,
    ) -> Result<ListPage, StoreError> {
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

    pub(in crate::service) async fn items(
        &self,
        ids: &[ItemId],
    ) -> Result<Vec<Conflict>, StoreError> {
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
        Ok(self.row_of(&items).await)
    }

    pub(super) async fn row_of(&self, items: &[Conflict]) -> Option<ConflictRow> {
        let first = items.first()?;
        let field = !first.kind.is_review();
        let mut suggestions = items.iter().map(|item| item.suggest);
        let agreed = suggestions
            .next()
            .flatten()
            .filter(|side| suggestions.all(|other| other == Some(*side)));
        let key = row_key(first);
        let since = items
            .iter()
            .map(|item| item.first_seen)
            .min()
            .unwrap_or(first.first_seen);
        let later = note_of(&*self.later.lock().await, key, since).cloned();
        let drafted = items.iter().all(|item| item.state == ItemState::Draft);
        Some(ConflictRow {
            key,
            kind: first.kind,
            mapping: first.mapping.clone(),
            label: first.label.clone(),
            fields: if field {
                items.iter().map(|item| item.field.clone()).collect()
            } else {
                Vec::new()
            },
            items: items.iter().map(|item| item.id).collect(),
            since,
            rule: if field {
                first.rule.clone()
            } else {
                first.why.clone()
            },
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
            later,
        })
    }

    /// What an item is about, as the mappings have it now.
    pub(in crate::service) fn unit_of(&self, item: &Conflict) -> Option<(&Mapping, Unit<'_>)> {
        let mapping = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == item.mapping)?;
        Some((mapping, mapping.unit(&item.field)?))
    }

    /// The pair that an item is about; `None` for a group.
    pub(in crate::service) fn pair_of(&self, item: &Conflict) -> Option<(&Mapping, &FieldPair)> {
        let (mapping, unit) = self.unit_of(item)?;
        let pair = unit.pairs().next().filter(|_| !unit.is_group())?;
        Some((mapping, pair))
    }

    pub(super) fn field_view(&self, item: &Conflict) -> FieldView {
        let unit = self.unit_of(item).map(|(_, unit)| unit);
        let first = unit.and_then(|unit| unit.pairs().next());
        let moved = |pair: &FieldPair, side: Side| {
            let base = match item.members.iter().find(|one| one.field == pair.name()) {
                Some(member) => &member.base,
                None => &item.base,
            };
            let now = item.value_of(pair.name(), side);
            base.as_ref().is_none_or(|base| {
                transform::view(pair, side, base).ok() != transform::view(pair, side, now).ok()
            })
        };
        let changed = |side: Side| match (&item.base, unit) {
            (Some(_), Some(unit)) => unit.pairs().any(|pair| moved(pair, side)),
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
        if !item.members.is_empty() {
            disabled.push(("value".to_owned(), resolve::ONE_VALUE.to_owned()));
        }
        if let Err(why) = resolve::newest(item) {
            disabled.push(("newest".to_owned(), why));
        }
        FieldView {
            names: unit.map_or_else(PerSide::default, |unit| {
                PerSide::from_fn(|side| unit.fields(side))
            }),
            item: Some(item.id),
            base: item.base.clone(),
            sides: item.sides.clone(),
            changed: PerSide::from_fn(changed),
            rule: first.map_or_else(|| item.rule.clone(), words::pair_rule),
            suggest: item.suggest,
            result: choice.as_ref().map(|choice| resolve::result(item, choice)),
            choice,
            disabled,
        }
    }
}
