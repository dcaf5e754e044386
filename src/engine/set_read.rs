//! Reading sets: beside records that are read, and of the other side of a link where its set moved
//! (docs/design/sync-semantics.md 14.5).

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Engine, EngineError};
use super::run_ctx::{Mode, RunCtx};
use super::sets::{ElementKey, Looked};
use super::work::{LinkPlan, Work};
use crate::crm::Purpose;
use crate::domain::{Mapping, Observation, Presence, RecordId, SetKind, SetPair, Side, SideCount};

/// Fills what they are tied to into observations of live records; gives the calls that it took.
pub(super) async fn read_sets(
    engine: &Engine,
    mappings: &[&Mapping],
    records: &mut [Observation],
) -> Result<SideCount, EngineError> {
    let mut calls = SideCount::default();
    for mapping in mappings {
        for set in &mapping.sets {
            for side in Side::BOTH {
                let (field, object) = (set.field(side), mapping.object(side));
                let of_side = |seen: &Observation| seen.side == side && seen.object == object;
                let asked = |seen: &&Observation| {
                    let live = seen.presence == Presence::Live;
                    live && of_side(seen) && !seen.fields.contains_key(field)
                };
                let ids: Vec<RecordId> = records
                    .iter()
                    .filter(asked)
                    .map(|seen| seen.id.clone())
                    .collect();
                if ids.is_empty() {
                    continue;
                }
                let crm = engine.side(side);
                let before = crm.meter().total();
                let found = crm.members(object, &ids, set.kind).await?;
                *calls.get_mut(side) += crm.meter().total() - before;
                for seen in records.iter_mut().filter(|seen| of_side(seen)) {
                    if let Some(members) = found.get(&seen.id) {
                        seen.note_members(field, members);
                    }
                }
            }
        }
    }
    Ok(calls)
}

/// Reads the sets that the plans of a chunk need; says whether any was read. A run asks only for those of records that it read
/// alive: of a record that is gone the rows are gone too, and that is no edit.
pub(super) async fn complete_sets(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    plans: &[LinkPlan],
) -> Result<bool, EngineError> {
    let mut any = false;
    for set in &mapping.sets {
        for side in Side::BOTH {
            any |= complete_side(ctx, mapping, set.kind, side, works, plans).await?;
        }
    }
    Ok(any)
}

async fn complete_side(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    set: SetKind,
    side: Side,
    works: &mut [Work],
    plans: &[LinkPlan],
) -> Result<bool, EngineError> {
    let preview = ctx.mode == Mode::Preview;
    let wanted = |(work, plan): (&Work, &LinkPlan)| {
        let there = preview || work.seen.get(side).is_some();
        let asked = *plan.needs_sets.get(side) && *work.looked(set, side) == Looked::Not && there;
        asked.then(|| work.link.ids.get(side).clone()).flatten()
    };
    let asked: Vec<Option<RecordId>> = works.iter().zip(plans).map(wanted).collect();
    let ids: Vec<RecordId> = asked.iter().flatten().cloned().collect();
    if ids.is_empty() {
        return Ok(false);
    }
    let crm = ctx.engine.side(side);
    let before = crm.meter().total();
    let mut found = crm.members(mapping.object(side), &ids, set).await?;
    let calls = crm.meter().total() - before;
    *ctx.cost(&mapping.id).sets_read.get_mut(side) += calls;
    for (work, id) in works.iter_mut().zip(asked) {
        if let Some(id) = id {
            let looked = work.sets.entry(set).or_default().get_mut(side);
            *looked = found.remove(&id).map_or(Looked::Silent, Looked::Saw);
        }
    }
    Ok(true)
}

/// Reads the records of elements that the plans of a chunk take off, on the side that lacks them; says whether any was read.
pub(super) async fn complete_elements(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    plans: &[LinkPlan],
) -> Result<bool, EngineError> {
    let mut there: BTreeMap<ElementKey, bool> = BTreeMap::new();
    for set in &mapping.sets {
        for side in Side::BOTH {
            let needs = plans.iter().flat_map(|plan| &plan.needs_elements);
            let of_side = needs.filter(|(kind, of, _)| *kind == set.kind && *of == side);
            let ids: BTreeSet<RecordId> = of_side.map(|(_, _, id)| id.clone()).collect();
            let ids: Vec<RecordId> = ids.into_iter().collect();
            let live = are_there(ctx, mapping, set, side, &ids).await?;
            let keys = ids.into_iter().map(|id| (set.kind, side, id));
            there.extend(keys.zip(live));
        }
    }
    for (work, plan) in works.iter_mut().zip(plans) {
        for key in &plan.needs_elements {
            if let Some(live) = there.get(key) {
                work.elements_there.insert(key.clone(), *live);
            }
        }
    }
    Ok(!there.is_empty())
}

/// Which of these records of elements are there, under the id that they are asked for by.
async fn are_there(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    set: &SetPair,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<bool>, EngineError> {
    let Some(of) = ctx.engine.mapping(&set.mapping) else {
        return Ok(vec![false; ids.len()]);
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let crm = ctx.engine.side(side);
    let before = crm.meter().total();
    let found = crm
        .read(Purpose::Complete, of.object(side), ids, &[])
        .await?;
    let calls = crm.meter().total() - before;
    *ctx.cost(&mapping.id).sets_read.get_mut(side) += calls;
    let there = ids.iter().zip(&found).map(|(id, found)| {
        let mut records = found.records.iter();
        records.any(|seen| seen.id == *id && seen.presence == Presence::Live)
    });
    Ok(there.collect())
}
