//! Reading what a decision still lacks: the other side of a link, and every target directly before it is written
//! (docs/design/sync-semantics.md 6). The two are one call.

use chrono::{DateTime, Utc};

use super::context::EngineError;
use super::cost::read_calls;
use super::db::Tx;
use super::fields;
use super::gone_case::cases;
use super::gone_note::note;
use super::link_plan::{LinkPlan, Work};
use super::observe::read_associations;
use super::run::RunCtx;
use super::scope::{self, Away, Step};
use super::silence::out_of_reach;
use super::tally::{Fate, Unlinked};
use super::versions;
use crate::crm::Purpose;
use crate::domain::{FieldPair, Link, Mapping, Presence, RecordId, Side};
use crate::store::rows::Dirty;

/// Reads, for every work whose plan needs it, the sides that it needs. Works whose record is gone, or turns out to have left the
/// scope, are taken out. Says whether anything was read.
pub(super) async fn complete(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut Vec<Work>,
    plans: &[LinkPlan],
) -> Result<bool, EngineError> {
    let mut any = false;
    for side in Side::BOTH {
        let wanted: Vec<usize> = plans
            .iter()
            .enumerate()
            .filter(|(index, plan)| {
                let work = works.get(*index);
                let unseen = || work.is_some_and(|work| work.seen.get(side).is_none());
                *plan.needs.get(side) || (*plan.needs_sets.get(side) && unseen())
            })
            .map(|(index, _)| index)
            .filter(|index| {
                works
                    .get(*index)
                    .is_some_and(|work| work.fresh.get(side).is_none())
            })
            .collect();
        if !wanted.is_empty() {
            any = true;
            let needs =
                |index: &&usize| plans.get(**index).is_some_and(|plan| *plan.needs.get(side));
            let others = wanted.iter().filter(needs).count() as u64;
            let calls = read_calls(side, wanted.len() as u64) - read_calls(side, others);
            *ctx.cost(&mapping.id).sets_read.get_mut(side) += calls;
            read_side(ctx, mapping, works, side, &wanted).await?;
        }
    }
    let now = ctx.engine.clock.now();
    let away = |work: &Work| leaves(mapping, work, now);
    if works
        .iter()
        .any(|work| is_gone(work) || away(work).is_some())
    {
        let mut keep = Vec::new();
        for work in works.drain(..) {
            if is_gone(&work) {
                set_aside(ctx, mapping, &work).await?;
            } else if let Some(step) = away(&work) {
                leave(ctx, mapping, &work, step).await?;
            } else {
                keep.push(work);
            }
        }
        *works = keep;
    }
    Ok(any)
}

/// The step out of the scope that a link takes by what was just read: no window may have told of it, where the record was
/// hidden meanwhile.
fn leaves(mapping: &Mapping, work: &Work, now: DateTime<Utc>) -> Option<Step> {
    work.fresh.salesforce?;
    let inside = scope::is_inside(mapping, work.seen.salesforce.as_ref()?, now);
    let step = scope::step(mapping.leaves_scope, &work.link.state, inside);
    step.filter(|step| matches!(step, Step::Leaves(_)))
}

async fn leave(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    work: &Work,
    step: Step,
) -> Result<(), EngineError> {
    let link = &work.link;
    let Some(seen) = &work.seen.salesforce else {
        return Ok(());
    };
    match step {
        Step::Leaves(Away::Unlinked) => {
            alone(ctx, mapping, link, Unlinked::Excluded).await?;
        }
        _ => ctx.tally(&mapping.id).link(link.id, Fate::Unchanged),
    }
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    scope::take(ctx.engine, mapping, link, step, seen, &mut tx).await?;
    Ok(tx.apply().await?)
}

fn is_gone(work: &Work) -> bool {
    Side::BOTH.iter().any(|side| {
        work.seen
            .get(*side)
            .as_ref()
            .is_some_and(|seen| seen.presence != Presence::Live)
    })
}

async fn read_side(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    side: Side,
    wanted: &[usize],
) -> Result<(), EngineError> {
    let object = mapping.object(side).to_owned();
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), side, &object);
    let ids: Vec<RecordId> = wanted
        .iter()
        .filter_map(|index| works.get(*index)?.link.ids.get(side).clone())
        .collect();
    let found = ctx
        .engine
        .side(side)
        .read(Purpose::Complete, &object, &ids, &asked)
        .await?;
    let now = ctx.engine.clock.now();
    let mut fresh = Vec::new();
    for (index, found) in wanted.iter().zip(found) {
        let Some(work) = works.get_mut(*index) else {
            continue;
        };
        let Some(mut seen) = found.records.into_iter().next() else {
            continue;
        };
        if side == Side::HubSpot
            && let Some(old) = work.seen.hubspot.as_ref()
        {
            for pair in fields::associations(mapping) {
                let name = &pair.fields.hubspot;
                seen.fields
                    .entry(name.clone())
                    .or_insert_with(|| old.value(name).clone());
            }
        }
        *work.fresh.get_mut(side) = Some(now);
        fresh.push((*index, seen));
    }
    if side == Side::HubSpot {
        // Associations are read along where the record's own were never seen: a create, a retry.
        let (indices, mut records): (Vec<_>, Vec<_>) = fresh.into_iter().unzip();
        let asked = read_associations(ctx.engine, &[mapping], &mut records).await?;
        if asked > 0 {
            ctx.cost(&mapping.id).associations_read += asked;
        }
        fresh = indices.into_iter().zip(records).collect();
    }
    for (index, seen) in fresh {
        if let Some(work) = works.get_mut(index) {
            *work.seen.get_mut(side) = Some(seen);
        }
    }
    Ok(())
}

/// Looks up when the given HubSpot properties changed, for the works whose plan cannot decide without.
pub(super) async fn look_up_times(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    plans: &[LinkPlan],
) -> Result<bool, EngineError> {
    let mut fields = std::collections::BTreeSet::new();
    let mut ids = Vec::new();
    for (work, plan) in works.iter().zip(plans) {
        if !plan.wants_times.is_empty()
            && work.times.is_none()
            && let Some(id) = &work.link.ids.hubspot
        {
            fields.extend(plan.wants_times.iter().cloned());
            ids.push(id.clone());
        }
    }
    if ids.is_empty() {
        return Ok(false);
    }
    let fields: Vec<String> = fields.into_iter().collect();
    let object = mapping.object(Side::HubSpot);
    let mut found = ctx
        .engine
        .crm
        .hubspot
        .field_times(object, &ids, &fields)
        .await?;
    ctx.cost(&mapping.id).field_times += ids.len() as u64;
    for (work, plan) in works.iter_mut().zip(plans) {
        if plan.wants_times.is_empty() {
            continue;
        }
        if let Some(id) = &work.link.ids.hubspot {
            work.times = Some(found.remove(id).unwrap_or_default());
            let moved = |pair: &FieldPair| versions::outdated(work, pair);
            if mapping.pairs.iter().any(moved) {
                // It was changed after it was read: it is read again, however fresh.
                work.fresh.hubspot = None;
            }
        }
    }
    Ok(true)
}

/// A linked record is not there. With evidence it is noted, and the run decides about it like about any other; without it is
/// an error (12.1).
async fn set_aside(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    work: &Work,
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    for mut case in cases(ctx, mapping, vec![work.link.clone()]).await? {
        case.seen = work.seen.clone();
        for side in Side::BOTH {
            let Some(seen) = work.seen.get(side) else {
                continue;
            };
            let reasons = case.marked(side);
            match seen.presence {
                Presence::Live => {}
                Presence::Inaccessible => {
                    out_of_reach(ctx, mapping, &case, side, &mut tx)?;
                    break;
                }
                _ => note(mapping, seen, reasons, &mut tx)?,
            }
        }
    }
    Ok(tx.apply().await?)
}

/// A link of which a record is gone is not merged. What follows from it is for another step; whatever marked the link anew
/// must not hide that.
pub(super) async fn still_gone(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    link: &Link,
    reasons: u16,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    if reasons & Dirty::DELETED == 0 {
        for side in Side::BOTH {
            if let Some(id) = link.ids.get(side) {
                let own = ctx.engine.db.marks(&mapping.id, side, id).await?;
                tx.mark_dirty(&mapping.id, side, id, own | Dirty::DELETED)?;
            }
        }
    }
    alone(ctx, mapping, link, Unlinked::Excluded).await?;
    Ok(())
}

/// A link with a record that does not answer, whose time has not come: its error stands, and nothing is read for it.
pub(super) async fn still_silent(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    link: &Link,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    if !alone(ctx, mapping, link, Unlinked::Error).await? {
        ctx.tally(&mapping.id).link(link.id, Fate::Error);
    }
    for side in Side::BOTH {
        if let Some(id) = link.ids.get(side) {
            tx.clear_dirty(&mapping.id, side, id);
            tx.drop_observation(side, mapping.object(side), id);
        }
    }
    Ok(())
}

/// Counts the records of a link that this run read as records without one, for their counterparts are not there; says whether
/// it read any.
pub(super) async fn alone(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    link: &Link,
    fate: Unlinked,
) -> Result<bool, EngineError> {
    let mut any = false;
    for side in Side::BOTH {
        if let Some(id) = link.ids.get(side)
            && ctx.engine.db.marks(&mapping.id, side, id).await? & Dirty::CHANGED != 0
        {
            ctx.tally(&mapping.id).alone(link.id, side, id, fate);
            any = true;
        }
    }
    Ok(any)
}
