//! The past of a queue row's fields: edits seen, bases set, writes sent and what was found after them
//! (docs/design/console.md 3, the History pane).

use std::cmp::Reverse;
use std::sync::Arc;

use super::host::{House, refusal, store_refusal};
use super::messages::{Happened, HistoryLine, Refusal, RefusalKind, Reply};
use crate::domain::{Conflict, FieldPair, ItemId, Observation, Op, PerSide, Side, Value};
use crate::store::StoreError;
use crate::transform;

impl House {
    /// All lines of a row's fields in conflict, newest first.
    pub(super) async fn past(self: &Arc<Self>, key: ItemId) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let queue = self.queue().await.map_err(store)?;
        let position = queue.entries.iter().position(|entry| entry.key == key);
        let ids = position.and_then(|at| queue.items.get(at)).cloned();
        let items = match ids {
            Some(ids) => self.items(&ids).await.map_err(store)?,
            None => Vec::new(),
        };
        let Some(first) = items.first() else {
            return Err(refusal(
                RefusalKind::Usage,
                "this item is over: it was resolved or its values agree now",
            ));
        };
        let mut lines = Vec::new();
        if let Some(link) = first.link {
            for op in self.ops_of(link).await.map_err(store)? {
                lines.extend(written(&op));
            }
        }
        let seen = self.seen(first).await.map_err(store)?;
        for item in items.iter().filter(|item| item.kind.is_of_field()) {
            if let Some(line) = self.base_set(item).await.map_err(store)? {
                lines.push(line);
            }
            let pair = self.pair_of(item).map(|(_, pair)| pair);
            for side in Side::BOTH {
                lines.extend(edited(item, pair, side));
                lines.extend(edited_since(item, pair, side, seen.get(side).as_ref()));
            }
        }
        lines.sort_by_key(|line| Reverse(line.at));
        Ok(Reply::History { lines })
    }

    async fn base_set(&self, item: &Conflict) -> Result<Option<HistoryLine>, StoreError> {
        let (Some(run), Some(base)) = (item.base_run, &item.base) else {
            return Ok(None);
        };
        let record = self.db.run(run).await?;
        Ok(Some(HistoryLine {
            pair: item.field.clone(),
            at: record.map(|record| record.ended_at.unwrap_or(record.started_at)),
            what: Happened::BaseSet,
            side: None,
            run: Some(run),
            by: None,
            before: Value::Unknown,
            after: base.clone(),
            found: None,
        }))
    }

    /// Both records as they were read last, where that is still stored.
    async fn seen(&self, item: &Conflict) -> Result<PerSide<Option<Observation>>, StoreError> {
        let mut seen: PerSide<Option<Observation>> = PerSide::default();
        let mapping = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == item.mapping);
        for side in Side::BOTH {
            if let (Some(mapping), Some(id)) = (mapping, &item.sides.get(side).id) {
                let ids = std::slice::from_ref(id);
                let mut rows = self
                    .db
                    .observations(side, mapping.object(side), ids)
                    .await?;
                *seen.get_mut(side) = rows.pop().flatten();
            }
        }
        Ok(seen)
    }
}

fn differ(pair: Option<&FieldPair>, side: Side, one: &Value, other: &Value) -> bool {
    match pair {
        Some(pair) => {
            transform::view(pair, side, one).ok() != transform::view(pair, side, other).ok()
        }
        None => one != other,
    }
}

/// The edit that the conflict is about.
fn edited(item: &Conflict, pair: Option<&FieldPair>, side: Side) -> Option<HistoryLine> {
    let now = item.sides.get(side);
    let before = item.base.clone().unwrap_or_default();
    let changed = item.base.is_none() || differ(pair, side, &before, &now.value);
    (changed && now.id.is_some() && now.value.is_known()).then(|| HistoryLine {
        pair: item.field.clone(),
        at: now.modified_at,
        what: Happened::Edited,
        side: Some(side),
        run: None,
        by: now.modified_by.clone(),
        before,
        after: now.value.clone(),
        found: None,
    })
}

/// An edit that was read after the conflict was written down.
fn edited_since(
    item: &Conflict,
    pair: Option<&FieldPair>,
    side: Side,
    seen: Option<&Observation>,
) -> Option<HistoryLine> {
    let seen = seen?;
    let value = seen.value(pair?.field(side));
    let before = &item.sides.get(side).value;
    (value.is_known() && differ(pair, side, before, value)).then(|| HistoryLine {
        pair: item.field.clone(),
        at: seen.modified_at,
        what: Happened::Edited,
        side: Some(side),
        run: None,
        by: seen.modified_by.clone(),
        before: before.clone(),
        after: value.clone(),
        found: None,
    })
}

/// What an op wrote, a line per field.
fn written(op: &Op) -> Vec<HistoryLine> {
    op.fields
        .values()
        .filter(|assignment| !assignment.pair.is_empty())
        .map(|assignment| HistoryLine {
            pair: assignment.pair.clone(),
            at: op.attempt.sent_at,
            what: Happened::Written(op.state),
            side: Some(op.side),
            run: Some(op.run),
            by: None,
            before: assignment.before.clone(),
            after: assignment.after.clone(),
            found: assignment.left.clone(),
        })
        .collect()
}
