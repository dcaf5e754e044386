//! What was stored between runs and is due now: choices of a person, errors whose time has come
//! (docs/design/sync-semantics.md 8, 17).

use super::context::{Engine, EngineError};
use super::gone_items::is_about_the_link;
use crate::domain::{Conflict, ErrorItem, ItemState, LinkState, Mapping, RecordKey, Side};
use crate::store::rows::Dirty;
use crate::store::{Family, keys};

/// Marks the records behind stored choices and due errors dirty, for the mappings of this run.
pub(super) async fn mark_due(engine: &Engine, mappings: &[&Mapping]) -> Result<u64, EngineError> {
    let now = engine.clock.now();
    let mut chosen: Vec<Conflict> = Vec::new();
    for family in [Family::Conflict, Family::Review] {
        engine
            .db
            .walk(keys::all(family), |item: Conflict| {
                if item.state == ItemState::Draft {
                    chosen.push(item);
                }
            })
            .await?;
    }
    let mut due: Vec<ErrorItem> = Vec::new();
    engine
        .db
        .walk(keys::all(Family::Error), |item: ErrorItem| {
            if item.retry_at.is_some_and(|at| at <= now) {
                due.push(item);
            }
        })
        .await?;
    super::blocked::mark_overdue(engine, mappings).await?;
    let mut tx = engine.db.begin();
    let mut count = 0;
    for mapping in mappings {
        for item in chosen.iter().filter(|item| item.mapping == mapping.id) {
            count += 1;
            let reason = match item.link.is_some() && is_about_the_link(item.kind) {
                true => Dirty::DELETED,
                false => Dirty::RESOLVED,
            };
            let mut keys = Vec::new();
            for side in Side::BOTH {
                if let Some(id) = &item.sides.get(side).id {
                    keys.push(super::links::record_key(mapping, side, id));
                }
            }
            for key in keys {
                mark(engine, mapping, &key, item.link.is_some(), reason, &mut tx).await?;
            }
        }
        for item in due.iter().filter(|item| item.mapping == mapping.id) {
            count += 1;
            mark(
                engine,
                mapping,
                &item.record,
                item.link.is_some(),
                Dirty::RETRY,
                &mut tx,
            )
            .await?;
        }
    }
    tx.apply().await?;
    Ok(count)
}

async fn mark(
    engine: &Engine,
    mapping: &Mapping,
    record: &RecordKey,
    linked: bool,
    mut reason: u16,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let ids = std::slice::from_ref(&record.id);
    if linked {
        let link = engine
            .db
            .link_ids(&mapping.id, record.side, &record.object, ids)
            .await?
            .into_iter()
            .flatten()
            .next();
        let Some(link) = link else { return Ok(()) };
        let link = engine
            .db
            .links(&mapping.id, &[link])
            .await?
            .into_iter()
            .flatten()
            .next();
        reason = match link.map(|link| link.state) {
            Some(LinkState::Active) => reason,
            // What a person chose about a record that is gone, or a deletion that could not be carried over.
            Some(LinkState::Deleted(_) | LinkState::Suspended(_)) => Dirty::DELETED,
            _ => return Ok(()),
        };
    }
    let old = engine
        .db
        .dirty(&mapping.id, record.side, ids)
        .await?
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_default();
    Ok(tx.mark_dirty(&mapping.id, record.side, &record.id, old.reasons | reason)?)
}
