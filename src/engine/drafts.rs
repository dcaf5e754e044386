//! What was stored between runs and is due now: choices of a person, errors whose time has come
//! (docs/design/sync-semantics.md 8, 17).

use std::collections::BTreeSet;

use super::context::{Engine, EngineError};
use super::gone_items::is_about_the_link;
use super::gone_read::read_records;
use super::observe::read_associations;
use super::run_ctx::RunCtx;
use crate::domain::{
    Choice, Conflict, ErrorItem, ItemState, LinkState, Mapping, Observation, Presence, RecordId,
    RecordKey, Side,
};
use crate::store::rows::Dirty;
use crate::store::{Family, keys};

/// Marks that are looked at together.
const PAGE: usize = 2000;

/// Marks the records behind stored choices and due errors dirty, for the mappings of this run.
pub(super) async fn mark_due(
    ctx: &mut RunCtx<'_>,
    mappings: &[&Mapping],
) -> Result<(), EngineError> {
    let engine = ctx.engine;
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
    for mapping in mappings {
        for item in chosen.iter().filter(|item| item.mapping == mapping.id) {
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
    for mapping in mappings {
        let made = chosen.iter().filter(|item| item.mapping == mapping.id);
        let made: BTreeSet<RecordId> = made.flat_map(to_create).collect();
        for side in Side::BOTH {
            read_sources(ctx, mapping, side, &made).await?;
        }
    }
    Ok(())
}

/// The records without a link that a person said to make a counterpart of.
fn to_create(item: &Conflict) -> Vec<RecordId> {
    let chosen = item.resolution.as_ref().map(|chosen| &chosen.choice);
    if item.link.is_some() || chosen != Some(&Choice::Create) {
        return Vec::new();
    }
    let ids = Side::BOTH.map(|side| item.sides.get(side).id.clone());
    ids.into_iter().flatten().collect()
}

/// Reads the records without a link whose create is tried again or was chosen, where what was seen of them is gone: so they are
/// in the plan, its preview, and what the valves count.
async fn read_sources(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    made: &BTreeSet<RecordId>,
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let object = mapping.object(side);
    let mut after: Option<RecordId> = None;
    loop {
        let page = db
            .dirty_page(&mapping.id, side, after.as_ref(), PAGE)
            .await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        let again =
            |id: &RecordId, row: &Dirty| row.reasons & Dirty::RETRY != 0 || made.contains(id);
        let page = page.into_iter().filter(|(id, row)| again(id, row));
        let ids: Vec<RecordId> = page.map(|(id, _)| id).collect();
        let held = db.link_ids(&mapping.id, side, object, &ids).await?;
        let seen = db.observations(side, object, &ids).await?;
        let lacking = ids.iter().zip(held.iter().zip(&seen));
        let lacking: Vec<RecordId> = lacking
            .filter(|(id, (held, _))| held.is_none() || made.contains(id))
            .filter(|(_, (_, seen))| seen.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        if lacking.is_empty() {
            continue;
        }
        let found = read_records(ctx, mapping, side, &lacking).await?;
        let mut found: Vec<Observation> = found.into_iter().flatten().collect();
        found.retain(|seen| seen.presence == Presence::Live);
        let asked = read_associations(ctx.engine, &[mapping], &mut found).await?;
        ctx.cost(&mapping.id).associations_read += asked;
        let mut tx = db.begin();
        for seen in &found {
            tx.put_observation(seen)?;
        }
        tx.apply().await?;
    }
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
