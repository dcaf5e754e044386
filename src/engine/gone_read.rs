//! What is read for a decision about records that are gone (docs/design/sync-semantics.md 12.1, 12.2).

use super::context::EngineError;
use super::fields;
use super::gone::Wave;
use super::gone_case::Case;
use super::links::base_raw;
use super::observe::read_associations;
use super::references::{Parents, Token, is_translated};
use super::run_ctx::{Mode, RunCtx};
use crate::crm::Purpose;
use crate::domain::{
    FieldPair, LinkState, Mapping, Observation, PairKind, PerSide, Presence, RecordId, Side,
};

/// Reads what a decision lacks. Before a deletion both records are read again, and where one of them did not answer when it was
/// asked last: one may have come back, the other changed.
pub(super) async fn read(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wave: Wave,
    cases: &mut [Case],
) -> Result<(), EngineError> {
    if ctx.mode != Mode::Estimate {
        read_both(ctx, mapping, wave, cases).await?;
    }
    note_unsettled(ctx, mapping, cases).await
}

async fn read_both(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wave: Wave,
    cases: &mut [Case],
) -> Result<(), EngineError> {
    let again = wave == Wave::Last && ctx.mode == Mode::Write;
    for side in Side::BOTH {
        let wanted: Vec<usize> = (0..cases.len())
            .filter(|index| {
                let case = cases.get(*index);
                case.is_some_and(|case| {
                    let lacks = case.seen.get(side).is_none() || case.was_silent();
                    again || (lacks && !case.is_merged())
                })
            })
            .collect();
        let ids: Vec<RecordId> = wanted
            .iter()
            .filter_map(|index| cases.get(*index)?.link.ids.get(side).clone())
            .collect();
        let found = read_records(ctx, mapping, side, &ids).await?;
        for (index, found) in wanted.into_iter().zip(found) {
            if let Some(case) = cases.get_mut(index) {
                case.see(side, found.into_iter().next());
            }
        }
    }
    read_ties(ctx, mapping, cases).await
}

/// Reads records by id, deleted and merged ones told apart; what that costs, the client knows.
pub(super) async fn read_records(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<Vec<Observation>>, EngineError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let object = mapping.object(side);
    let all = ctx.engine.rules.mappings.iter();
    let sharing = all.filter(|one| one.id == mapping.id || ctx.known.sound.contains(&one.id));
    let asked = fields::observed(&ctx.known, sharing, side, object);
    let crm = ctx.engine.side(side);
    let before = crm.meter().total();
    let found = crm.read(Purpose::Complete, object, ids, &asked).await?;
    let calls = crm.meter().total() - before;
    *ctx.cost(&mapping.id).direct.get_mut(side) += calls;
    Ok(found.into_iter().map(|found| found.records).collect())
}

/// Reads the associations of what is left in HubSpot: one that a person changed is a change like any other.
async fn read_ties(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    cases: &mut [Case],
) -> Result<(), EngineError> {
    if fields::associations(mapping).next().is_none() {
        return Ok(());
    }
    let (mut places, mut records) = (Vec::new(), Vec::new());
    for (place, case) in cases.iter_mut().enumerate() {
        let alone = case.seen.salesforce.as_ref();
        let alone = alone.is_some_and(|seen| seen.presence != Presence::Live);
        if alone && let Some(seen) = case.seen.hubspot.take() {
            places.push(place);
            records.push(seen);
        }
    }
    let crm = ctx.engine.side(Side::HubSpot);
    let before = crm.meter().total();
    read_associations(ctx.engine, &[mapping], &mut records).await?;
    let calls = crm.meter().total() - before;
    ctx.cost(&mapping.id).direct.hubspot += calls;
    for (place, seen) in places.into_iter().zip(records) {
        if let Some(case) = cases.get_mut(place) {
            case.seen.hubspot = Some(seen);
            case.inert.hubspot = adrift(ctx, mapping, case).await?;
        }
    }
    Ok(())
}

/// The pairs whose association went with the record at its other end: no person took it off (12.2).
async fn adrift(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
) -> Result<Vec<String>, EngineError> {
    let (side, db) = (Side::HubSpot, &ctx.engine.db);
    let blank = |pair: &&FieldPair| {
        let seen = case.seen.get(side).as_ref();
        seen.is_some_and(|seen| seen.value(pair.field(side)).is_blank())
    };
    let mut names = Vec::new();
    for pair in fields::associations(mapping).filter(blank) {
        let PairKind::Reference { mapping: parent } = &pair.kind else {
            continue;
        };
        let held = base_raw(&case.base, pair.name(), side);
        let held = held.as_ref().and_then(|held| held.as_text());
        let (Some(held), Some(parent)) = (held, ctx.engine.mapping(parent)) else {
            continue;
        };
        let ids = [RecordId::from(held)];
        let link = db
            .link_ids(&parent.id, side, parent.object(side), &ids)
            .await?;
        let link: Vec<_> = link.into_iter().flatten().collect();
        let link = db.links(&parent.id, &link).await?;
        let gone = |state: &LinkState| matches!(state, LinkState::Deleted(_));
        if link.into_iter().flatten().any(|link| gone(&link.state)) {
            names.push(pair.name().to_owned());
        }
    }
    Ok(names)
}

/// Notes the references and owners that were never settled and are nobody's change: what one side alone knows is not known to
/// both (7 F0, 14.1), and what both name was only not settled yet.
async fn note_unsettled(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    cases: &mut [Case],
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let mut unsettled = Vec::new();
    let mut named = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        for (index, pair) in mapping.pairs.iter().enumerate() {
            let value = |side| {
                case.seen
                    .get(side)
                    .as_ref()?
                    .value(pair.field(side))
                    .as_text()
            };
            let without = |side: &Side| case.base.value(pair.name(), *side).is_none();
            if is_translated(pair) && Side::BOTH.iter().any(without) {
                unsettled.push((place, pair));
                let values = Side::BOTH.into_iter();
                named
                    .extend(values.filter_map(|side| Some((index, side, value(side)?.to_owned()))));
            }
        }
    }
    if unsettled.is_empty() {
        return Ok(());
    }
    let parents = Parents::load(engine, mapping, named.into_iter(), std::iter::empty()).await?;
    for (place, pair) in unsettled {
        let Some(case) = cases.get_mut(place) else {
            continue;
        };
        let meant = PerSide::from_fn(|side| {
            let seen = case.seen.get(side).as_ref()?;
            let raw = seen.value(pair.field(side));
            Some(parents.token(engine, &ctx.known, pair, side, raw))
        });
        for side in Side::BOTH {
            let shared = matches!(meant.get(side), Some(Token::Shared(_)));
            let without = case.base.value(pair.name(), side).is_none();
            if without && (!shared || meant.salesforce == meant.hubspot) {
                case.inert.get_mut(side).push(pair.name().to_owned());
            }
        }
    }
    Ok(())
}
