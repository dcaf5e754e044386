//! Finding counterparts for records without a link, on the whole set of a run, and carrying the verdicts out: links, lists of
//! creates, review items (docs/design/sync-semantics.md 9).

use super::blocked::wake;
use super::context::EngineError;
use super::convert;
use super::convert_stamps::answers_for_leads;
use super::create_lookup::is_still_asked;
use super::db::Tx;
use super::group;
use super::links;
use super::match_input::{all_unlinked, choices, gather};
use super::matching::{MatchOutcome, matching};
use super::report::Phase;
use super::reviews::{candidates, close_review, left_alone, review, review_id, stored};
use super::run::{Mode, RunCtx};
use super::shadows::Shadow;
use super::strangers::{Met, forget_gone};
use super::tally::{self, Fate};
use super::tombs;
use super::waits::{What, close};
use crate::domain::{
    Choice, CreatedBy, ItemKind, Link, LinkId, LinkState, Mapping, MappingId, PerSide, RecordId,
    Side,
};
use crate::store::rows::Dirty;
use crate::store::{Count, keys};

/// Records that shall have a counterpart created, by the side they live on.
pub(super) type Creates = PerSide<Vec<RecordId>>;

/// Matches every dirty record of a mapping that has no link.
pub(super) async fn match_up(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
) -> Result<Creates, EngineError> {
    ctx.engine.report.begin(Phase::Match);
    let mut held = Vec::new();
    let mut dirty = all_unlinked(ctx, mapping, &mut held).await?;
    let mut creates = Creates::default();
    let mut met = Met::default();
    let mut looked_behind = false;
    let (outcomes, shadows, choices) = loop {
        let choices = choices(ctx, mapping, &dirty).await?;
        for (side, id) in &held {
            // What a tombstone holds is matched where a person said so, and else left alone (12.3).
            let chosen = |(of, one, _): &(Side, RecordId, Choice)| of == side && one == id;
            if !choices.iter().any(chosen) {
                dirty.get_mut(*side).remove(id);
            }
        }
        let (input, shadows) = gather(ctx, mapping, &dirty, &choices).await?;
        if !std::mem::replace(&mut looked_behind, true) {
            let went_over = convert::found_behind(ctx, mapping, &input).await?;
            if answers_for_leads(ctx, mapping, &dirty.hubspot).await? || went_over {
                // A Lead that was in the way has gone over to its Contact, or its Contact answers for it.
                held.clear();
                dirty = all_unlinked(ctx, mapping, &mut held).await?;
                continue;
            }
        }
        let outcomes = matching(&input);
        let gone = forget_gone(ctx, mapping, &outcomes, &choices, &mut met).await?;
        if Side::BOTH.iter().all(|side| gone.get(*side).is_empty()) {
            break (outcomes, shadows, choices);
        }
        // Without them others may be the counterparts, or none; a choice of one of them is over.
        let mut tx = ctx.engine.db.begin();
        for (side, id, choice) in choices {
            if matches!(&choice, Choice::Link(other) if gone.get(side.other()).contains(other)) {
                close_review(ctx, mapping, side, &id, &mut tx).await?;
            }
        }
        tx.apply().await?;
        for side in Side::BOTH {
            dirty
                .get_mut(side)
                .retain(|id| !gone.get(side).contains(id));
        }
    };
    let asked = ctx.engine.db.count(&Count::Review(mapping.id.clone())) > 0;
    let mut tx = ctx.engine.db.begin();
    for outcome in outcomes {
        if asked
            && let MatchOutcome::Create { side, id } = &outcome
            && dirty.get(*side).contains(id)
            && let Some(item) = stored(ctx, review_id(mapping, *side, id)).await?
            && is_still_asked(&item)
        {
            // No plan promises what a person has to say first. A run looks again: who was in the way may be so no more.
            if ctx.mode != Mode::Write {
                pass_over(ctx, mapping, *side, id, tally::Unlinked::Review, &mut tx).await?;
                continue;
            }
            ctx.asked.insert((mapping.id.clone(), *side, id.clone()));
        }
        let concerned: Vec<(Side, &RecordId)> = match &outcome {
            MatchOutcome::Link { s, h, .. } => vec![(Side::Salesforce, s), (Side::HubSpot, h)],
            MatchOutcome::Create { side, id } if dirty.get(*side).contains(id) => {
                vec![(*side, id)]
            }
            _ => Vec::new(),
        };
        if left_alone(ctx, mapping, &concerned, &mut tx).await? {
            continue;
        }
        match outcome {
            MatchOutcome::Link { s, h, .. } => {
                link(ctx, mapping, &s, &h, CreatedBy::Matched, &mut tx).await?
            }
            MatchOutcome::Create { side, id } => {
                if !dirty.get(side).contains(&id) {
                    continue;
                }
                if let Some(shadow) = shadows.get(&id).filter(|_| side == Side::HubSpot) {
                    in_shadow(ctx, mapping, &id, shadow, &mut tx).await?;
                } else if mapping.makes(side.other()) {
                    creates.get_mut(side).push(id);
                } else {
                    pass_over(ctx, mapping, side, &id, tally::Unlinked::Excluded, &mut tx).await?;
                }
            }
            MatchOutcome::DuplicatesInSource { side, id, twins } => {
                let why = format!(
                    "{} other {} records say that they are the same one.",
                    twins.len(),
                    side
                );
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AmbiguousMatch,
                    why,
                    candidates(mapping, side, &twins, "same key"),
                    &mut tx,
                )
                .await?;
            }
            MatchOutcome::Ambiguous {
                side,
                id,
                candidates: found,
                twins,
            } => {
                let why = ambiguous(side, found.len(), twins.len());
                let mut list = candidates(mapping, side.other(), &found, "same key");
                list.extend(candidates(mapping, side, &twins, "claims the same"));
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AmbiguousMatch,
                    why,
                    list,
                    &mut tx,
                )
                .await?;
            }
            MatchOutcome::AlreadyLinked {
                side,
                id,
                candidate,
                ..
            } => {
                let why =
                    format!("Its only counterpart, {candidate}, is linked to another record.");
                let list = candidates(
                    mapping,
                    side.other(),
                    &[candidate],
                    "linked to another record",
                );
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AlreadyLinked,
                    why,
                    list,
                    &mut tx,
                )
                .await?;
            }
        }
        tx = tx.rolled().await?;
    }
    for (side, id, choice) in choices {
        match choice {
            // A choice for its counterpart has linked it, and closed what it asked.
            _ if is_fresh(ctx, mapping, side, &id) => {}
            Choice::Link(other) if is_taken(ctx, mapping, side.other(), &other).await? => {
                let why = format!("{other} was linked to another record meanwhile.");
                let list = candidates(mapping, side.other(), &[other], "linked to another record");
                review(
                    ctx,
                    mapping,
                    side,
                    &id,
                    ItemKind::AlreadyLinked,
                    why,
                    list,
                    &mut tx,
                )
                .await?;
            }
            Choice::Link(other) => {
                let (s, h) = if side == Side::Salesforce {
                    (&id, &other)
                } else {
                    (&other, &id)
                };
                link(ctx, mapping, s, h, CreatedBy::Person, &mut tx).await?;
                close_review(ctx, mapping, side, &id, &mut tx).await?;
                close_review(ctx, mapping, side.other(), &other, &mut tx).await?;
            }
            Choice::Create => {
                tombs::give_way_for(ctx, mapping, side, &id, &mut tx).await?;
                // The choice stands until the create has come to something: a run may end before.
                creates.get_mut(side).push(id.clone());
                ctx.despite.insert((mapping.id.clone(), side, id));
            }
            _ => {
                pass_over(ctx, mapping, side, &id, tally::Unlinked::Excluded, &mut tx).await?;
                close_review(ctx, mapping, side, &id, &mut tx).await?;
            }
        }
    }
    tx.commit().await?;
    let detail = format!(
        "{} to create",
        creates.salesforce.len() + creates.hubspot.len()
    );
    ctx.engine
        .report
        .detail(Phase::Match, format!("{}: {detail}", mapping.id));
    ctx.engine.report.end(Phase::Match);
    Ok(creates)
}

/// True where this run has linked the record.
fn is_fresh(ctx: &RunCtx<'_>, mapping: &Mapping, side: Side, id: &RecordId) -> bool {
    let mut fresh = ctx.newly_linked.iter();
    fresh.any(|(of, _, ids)| *of == mapping.id && ids.get(side) == id)
}

/// True where a link has the record, one of this run's or of the group's other mappings included: a person's choice gives nobody
/// a second one (I-7).
async fn is_taken(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
) -> Result<bool, EngineError> {
    if is_fresh(ctx, mapping, side, id) {
        return Ok(true);
    }
    let db = &ctx.engine.db;
    let ids = std::slice::from_ref(id);
    let rivals = group::rivals(ctx.engine, mapping, side, ids).await?;
    if rivals.iter().flatten().any(group::Rival::holds) {
        return Ok(true);
    }
    let held = db
        .link_ids(&mapping.id, side, mapping.object(side), ids)
        .await?;
    let held: Vec<_> = held.into_iter().flatten().collect();
    let links = db.links(&mapping.id, &held).await?;
    let stands = |link: &Link| {
        matches!(
            link.state,
            LinkState::Active
                | LinkState::PendingCreate
                | LinkState::OutOfScope
                | LinkState::Suspended(_)
        )
    };
    Ok(links.iter().flatten().any(stands))
}

/// Ties two records together. Their values are merged by the slices that follow.
async fn link(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    s: &RecordId,
    h: &RecordId,
    by: CreatedBy,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let id = ctx.free_id(mapping, Side::Salesforce, s).await?;
    let ids = PerSide {
        salesforce: s.clone(),
        hubspot: h.clone(),
    };
    let mut link = links::active(id, mapping, ids, by, engine.clock.now());
    link.former = tombs::give_way(ctx, mapping, &link, tx).await?;
    let leads = ctx.behind.get(s).into_iter().flatten();
    link.former.salesforce.extend(leads.cloned());
    tx.add_link(&link, &links::objects(mapping))?;
    for side in Side::BOTH {
        if let Some(record) = link.ids.get(side) {
            // What failed while they had no link, such as a create, is over.
            let owner = keys::record_owner(&links::record_key(mapping, side, record));
            close(engine, &mapping.id, owner, What::Errors, None, tx).await?;
            tx.mark_dirty(&mapping.id, side, record, Dirty::RELINK)?;
            ctx.tally(&mapping.id).linked_after_all(side, record);
        }
    }
    ctx.newly_linked.push((
        mapping.id.clone(),
        id,
        PerSide {
            salesforce: s.clone(),
            hubspot: h.clone(),
        },
    ));
    ctx.tally(&mapping.id).link(id, Fate::Unchanged);
    Ok(())
}

/// Nothing is made for a HubSpot record as long as what it would match lies outside the scope. Where that does not answer any
/// more, a person has to say so.
async fn in_shadow(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    id: &RecordId,
    shadow: &Shadow,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let side = Side::HubSpot;
    match shadow {
        Shadow::Outside => pass_over(ctx, mapping, side, id, tally::Unlinked::Excluded, tx).await,
        Shadow::Silent(ids) => {
            let names: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
            let why = format!(
                "Its counterpart {} lay outside the scope and does not answer any more: it was deleted for good, or it is hidden.",
                names.join(", ")
            );
            let kind = ItemKind::AmbiguousMatch;
            review(ctx, mapping, side, id, kind, why, Vec::new(), tx).await
        }
    }
}

/// A record that is through for now: no counterpart, no work.
pub(super) async fn pass_over(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    fate: tally::Unlinked,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    // What failed while it was to have one is over with that.
    let owner = keys::record_owner(&links::record_key(mapping, side, id));
    close(ctx.engine, &mapping.id, owner, What::Errors, None, tx).await?;
    tx.clear_dirty(&mapping.id, side, id);
    if !group::is_awaited(ctx.engine, mapping, side, id).await? {
        tx.drop_observation(side, mapping.object(side), id);
    }
    ctx.tally(&mapping.id).unlinked(side, id, fate);
    Ok(())
}

/// Why a record is not linked: so many may be its counterpart, and so many others on its side claim them.
fn ambiguous(side: Side, candidates: usize, twins: usize) -> String {
    let found = match candidates {
        1 => format!("1 {} record", side.other()),
        many => format!("{many} {} records", side.other()),
    };
    let claimed = match twins {
        0 => String::new(),
        1 => format!(", and 1 other {side} record claims it too"),
        many => format!(", and {many} other {side} records claim it too"),
    };
    format!("{found} may be its counterpart{claimed}.")
}

/// Links that this run made have their children woken up (14.4).
pub(super) async fn wake_children(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
) -> Result<(), EngineError> {
    let own = |(of, ..): &mut (MappingId, LinkId, PerSide<RecordId>)| *of == mapping.id;
    let made: Vec<_> = ctx.newly_linked.extract_if(.., own).collect();
    let mut tx = ctx.engine.db.begin();
    for (_, _, ids) in made {
        for side in Side::BOTH {
            let parent = links::record_key(mapping, side, ids.get(side));
            wake(ctx.engine, &parent, &mut tx).await?;
        }
    }
    Ok(tx.apply().await?)
}
