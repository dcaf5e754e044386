//! Fields that wait for the record they refer to (docs/design/sync-semantics.md 14.4): no error, no attempt; after days an
//! error that tells of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::context::{Engine, EngineError};
use super::db::Tx;
use super::failures::{ErrorFacts, error_item};
use super::link_plan::{LinkPlan, Work, pair_digests};
use super::links;
use super::run::RunCtx;
use super::scope;
use crate::domain::{
    ErrorCategory, ErrorItem, Link, LinkState, Mapping, PairKind, RecordKey, Side, Value,
};
use crate::store::rows::{ChildRef, Dirty};
use crate::store::{Family, Key, Range, TypedStore, keys};

/// A pair whose value names a record without a link.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    /// The pair's name.
    pub(super) pair: String,
    /// The record.
    pub(super) parent: RecordKey,
}

/// Rows read at a time.
const PAGE: usize = 1000;

fn is_overdue(engine: &Engine, since: Option<DateTime<Utc>>) -> bool {
    let patience = TimeDelta::from_std(engine.rules.settings.blocked_after).unwrap_or_default();
    since.is_some_and(|since| engine.clock.now() - since >= patience)
}

/// Notes what a settled link waits for, so that the parent's link wakes it; what waits too long becomes an error.
pub(super) async fn wait(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    work: &Work,
    plan: &mut LinkPlan,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    for Blocked { pair, parent } in std::mem::take(&mut plan.blocked) {
        let key = keys::waiting_child(keys::record_owner(&parent), work.link.id);
        let before: Option<ChildRef> = engine.db.store().row(key).await?;
        let since = before
            .and_then(|row| row.since)
            .unwrap_or_else(|| engine.clock.now());
        let awaited = !is_outside(engine, mapping, &pair, &parent).await?;
        let overdue = awaited && is_overdue(engine, Some(since));
        if overdue {
            plan.errors
                .push(error(ctx, mapping, work, &pair, &parent, since));
        }
        let row = ChildRef {
            mapping: mapping.id.clone(),
            link: work.link.id,
            parent: Some(parent.clone()),
            since: awaited.then_some(since),
            told: overdue,
        };
        tx.wait_for_parent(&parent, &row)?;
    }
    Ok(())
}

/// True where the parent lies outside the scope of its mapping: nobody waits for it, but its link would be news (14.1).
async fn is_outside(
    engine: &Engine,
    mapping: &Mapping,
    pair: &str,
    parent: &RecordKey,
) -> Result<bool, EngineError> {
    let named = mapping.pairs.iter().find(|one| one.name() == pair);
    let named = named.and_then(|one| match &one.kind {
        PairKind::Reference { mapping } => Some(mapping),
        _ => None,
    });
    let through = named.or_else(|| mapping.set(pair).map(|set| &set.mapping));
    match through.and_then(|through| engine.mapping(through)) {
        Some(through) => scope::is_outside(engine, through, parent.side, &parent.id).await,
        None => Ok(false),
    }
}

fn error(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    work: &Work,
    name: &str,
    parent: &RecordKey,
    since: DateTime<Utc>,
) -> ErrorItem {
    let mut item = error_item(
        &ErrorFacts {
            mapping,
            record: links::of_link(mapping, &work.link, parent.side),
            side: parent.side,
            link: Some(work.link.id),
            label: work.label(),
            field: name.to_owned(),
            value: Value::text(parent.id.as_str()),
            category: ErrorCategory::Reference,
            message: format!(
                "{name} names {} {}, which has had no counterpart since {}",
                parent.object,
                parent.id,
                since.format("%Y-%m-%d")
            ),
            vendor: None,
            run: ctx.run,
            now: ctx.engine.clock.now(),
        },
        &work.errors,
        &ctx.engine.rules.settings,
    );
    // The parent's link wakes it, or an edit: there is nothing to try meanwhile.
    item.retry_at = None;
    if let Some(pair) = mapping.pairs.iter().find(|pair| pair.name() == name) {
        item.seen = pair_digests(work, pair);
    }
    item
}

/// Marks the links that have waited too long, each once, so that this run looks at them.
pub(super) async fn mark_overdue(
    engine: &Engine,
    mappings: &[&Mapping],
) -> Result<(), EngineError> {
    let mut after = None;
    loop {
        let range = Range::prefix(keys::all(Family::Waiting), PAGE).after(after);
        let rows: Vec<(Key, ChildRef)> = engine.db.store().scan(range).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        let mut tx = engine.db.begin();
        for (_, row) in rows {
            let mapping = mappings.iter().find(|mapping| mapping.id == row.mapping);
            let (Some(mapping), Some(parent)) = (mapping, row.parent.clone()) else {
                continue;
            };
            if row.told || !is_overdue(engine, row.since) {
                continue;
            }
            let link = engine.db.links(&mapping.id, &[row.link]).await?;
            let id = link
                .into_iter()
                .flatten()
                .next()
                .and_then(|link| link.ids.get(parent.side).clone());
            if let Some(id) = id {
                tx.mark_dirty(&mapping.id, parent.side, &id, Dirty::RETRY)?;
            }
            tx.wait_for_parent(&parent, &ChildRef { told: true, ..row })?;
        }
        tx.apply().await?;
    }
}

/// The record is linked (again): whoever waits for it is looked at.
pub(super) async fn wake(
    engine: &Engine,
    parent: &RecordKey,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let db = &engine.db;
    for child in db.waiting_children(parent).await? {
        let found = db.links(&child.mapping, &[child.link]).await?;
        let active = |link: &Link| link.state == LinkState::Active;
        let Some(link) = found.into_iter().flatten().find(active) else {
            tx.stop_waiting(parent, child.link);
            continue;
        };
        for side in Side::BOTH {
            let Some(id) = link.ids.get(side) else {
                continue;
            };
            // What else is known of it stands.
            let known = db.marks(&child.mapping, side, id).await?;
            tx.mark_dirty(&child.mapping, side, id, known | Dirty::PARENT_READY)?;
        }
        tx.stop_waiting(parent, child.link);
    }
    Ok(())
}
