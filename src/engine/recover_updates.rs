//! Unanswered updates and associations, looked up (docs/design/sync-semantics.md 16.4, 16.5).

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::apply::note_left;
use super::bases;
use super::context::EngineError;
use super::db::{Tx, Waiting};
use super::failures::value_digest;
use super::fields::{self, same_value};
use super::gone_case::{Case, cases};
use super::observe::read_associations;
use super::recover::is_settled;
use super::recover_rules::{
    Pick, Verdict, holds, is_rewritten, is_set_by, is_third, judge_update, tells_of,
};
use super::run::RunCtx;
use super::set_read::read_sets;
use super::settle::is_late;
use super::silence::out_of_reach;
use super::{undo_apply, undo_plan};
use crate::crm::Purpose;
use crate::domain::{
    Assignment, LinkState, Mapping, Observation, Op, OpKind, OpState, Presence, RecordId, Side,
};
use crate::store::rows::{Dirty, Ghost};

/// How long a write that was looked up as not applied is remembered (16.5).
const GHOST_LIFE: TimeDelta = TimeDelta::hours(24);

pub(super) async fn updates(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let object = mapping.object(side).to_owned();
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), side, &object);
    let ids: Vec<RecordId> = ops.iter().filter_map(|op| op.target.clone()).collect();
    let found = ctx
        .engine
        .side(side)
        .read(Purpose::Recovery, &object, &ids, &asked)
        .await?;
    let seen: Vec<Option<Observation>> = found
        .into_iter()
        .map(|found| found.records.into_iter().next())
        .collect();
    let (ops, seen) = without_silent(ctx, mapping, ops, seen).await?;
    let ours = rewritten(ctx, mapping, side, &ops, &seen).await?;
    let mut tx = ctx.engine.db.begin();
    for ((mut op, seen), ours) in ops.into_iter().zip(seen).zip(ours) {
        let live = seen.filter(|seen| seen.presence == Presence::Live);
        let verdict = live.as_ref().map_or(Verdict::Superseded, |seen| {
            let all = |pick: Pick| holds(mapping, &op, seen, pick);
            judge_update(
                ours || all(|one| &one.after),
                all(|one| &one.before),
                is_settled(ctx, &op),
            )
        });
        conclude_update(ctx, mapping, &mut op, verdict, live.as_ref(), &mut tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Sets the ops aside whose record does not answer: that says nothing about them (12.1). They are looked up again once it does;
/// until then the link rests with the error that tells of it.
async fn without_silent(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    ops: Vec<Op>,
    seen: Vec<Option<Observation>>,
) -> Result<(Vec<Op>, Vec<Option<Observation>>), EngineError> {
    let mut told = (Vec::with_capacity(ops.len()), Vec::with_capacity(ops.len()));
    let mut tx = ctx.engine.db.begin();
    for (mut op, seen) in ops.into_iter().zip(seen) {
        match silent_case(ctx, mapping, &op, seen.as_ref()).await? {
            Some(case) => {
                out_of_reach(ctx, mapping, &case, op.side, &mut tx)?;
                ctx.silent.insert(op.link);
                conclude_update(ctx, mapping, &mut op, Verdict::Wait, None, &mut tx).await?;
            }
            None => {
                told.0.push(op);
                told.1.push(seen);
            }
        }
    }
    tx.apply().await?;
    Ok(told)
}

/// The link of a write whose record does not answer; nothing where it counts as deleted, which a person may have said, or is
/// no longer the link's.
async fn silent_case(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    seen: Option<&Observation>,
) -> Result<Option<Case>, EngineError> {
    let Some(seen) = seen.filter(|seen| seen.presence == Presence::Inaccessible) else {
        return Ok(None);
    };
    let links = ctx.engine.db.links(&mapping.id, &[op.link]).await?;
    let active = links
        .into_iter()
        .flatten()
        .filter(|link| link.state == LinkState::Active && *link.ids.get(op.side) == op.target);
    let mut cases = cases(ctx, mapping, active.collect()).await?;
    for case in &mut cases {
        *case.seen.get_mut(op.side) = Some(seen.clone());
    }
    Ok(cases.into_iter().find(|case| !case.confirmed(op.side)))
}

/// Which ops left something that is neither what was sent nor what was there before, and was set under our identity since
/// they were sent: the vendor stored what we sent in another form (11).
async fn rewritten(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: &[Op],
    seen: &[Option<Observation>],
) -> Result<Vec<bool>, EngineError> {
    let crm = ctx.engine.side(side);
    let ahead = TimeDelta::milliseconds(crm.health().clock_offset_ms);
    let thirds: Vec<Option<&Observation>> = ops
        .iter()
        .zip(seen)
        .map(|(op, seen)| {
            // What this write sent itself is no older one.
            let late = |seen: &Observation| {
                let mut fields = op.fields.iter();
                fields.any(|(name, one)| {
                    let own = same_value(mapping, op.side, name, &one.after, seen.value(name));
                    !own && is_late(ctx, mapping, op.link, (seen, name))
                })
            };
            let third = |seen: &&Observation| is_third(mapping, op, seen) && !late(seen);
            seen.as_ref().filter(third)
        })
        .collect();
    if side == Side::Salesforce {
        let us = ctx.known.us.salesforce.as_ref();
        let ours = |(op, third): (&Op, Option<&Observation>)| {
            third.is_some_and(|seen| is_set_by(us, op, seen, ahead))
        };
        return Ok(ops.iter().zip(thirds).map(ours).collect());
    }
    let asked = || ops.iter().zip(&thirds).filter(|(_, third)| third.is_some());
    let ids: Vec<RecordId> = asked().filter_map(|(op, _)| op.target.clone()).collect();
    if ids.is_empty() {
        return Ok(vec![false; ops.len()]);
    }
    let fields: BTreeSet<String> = asked()
        .flat_map(|(op, _)| op.fields.keys().cloned())
        .collect();
    let fields: Vec<String> = fields.into_iter().collect();
    let times = crm.field_times(mapping.object(side), &ids, &fields).await?;
    let ours = |(op, third): (&Op, Option<&Observation>)| {
        let versions = op.target.as_ref().and_then(|id| times.get(id));
        third.zip(versions).is_some_and(|(seen, versions)| {
            is_rewritten(mapping, op, seen, |name| {
                let newest = versions.get(name).and_then(|all| all.first());
                newest.is_some_and(|newest| {
                    let version = (&newest.value, newest.at);
                    newest.ours && tells_of(mapping, op, (seen, name), version, ahead)
                })
            })
        })
    };
    Ok(ops.iter().zip(thirds).map(ours).collect())
}

/// An update is never sent again from the journal: the record is planned anew from what it is now. Where it was applied,
/// the base moves to what was stored, and that planning finds what has changed since.
async fn conclude_update(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &mut Op,
    verdict: Verdict,
    seen: Option<&Observation>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    match verdict {
        Verdict::Wait => {
            ctx.locked.insert(op.link);
            if op.state == OpState::Sent {
                op.state = OpState::Unknown;
                tx.put_op(op)?;
            }
            return Ok(());
        }
        Verdict::Applied => {
            op.state = OpState::Confirmed;
            op.outcome.record = op.target.clone();
            note_left(op, seen);
            move_base(ctx, mapping, op, seen, tx).await?;
        }
        Verdict::NotApplied => {
            op.state = OpState::Failed;
            op.outcome.why = Some("looked up: not applied".into());
        }
        Verdict::Superseded | Verdict::Ask(_) => {
            op.state = OpState::Superseded;
            op.outcome.why = Some("looked up: the record holds something else".into());
            if let Some(part) = seen.and_then(|seen| put_back(mapping, op, seen)) {
                move_base(ctx, mapping, &part, None, tx).await?;
            }
        }
    }
    answered(ctx, mapping, op, tx).await?;
    tx.put_op(op)?;
    // One that was applied may have been sent twice, and be under way still. A late association cannot be told from a person's:
    // nothing has its versions, so no ghost is left of it.
    if !matches!(op.kind, OpKind::Associate | OpKind::Dissociate) {
        tx.put_ghost(op, ghost_of(ctx, op))?;
    }
    if let Some(seen) = seen {
        // A run that was halted may have left an older look: it says nothing any more.
        tx.drop_observation(op.side, &op.object, &seen.id);
    }
    for (side, id) in [(op.side, &op.target), (op.side.other(), &op.source)] {
        if let Some(id) = id {
            tx.mark_dirty(&mapping.id, side, id, Dirty::RETRY)?;
        }
    }
    Ok(())
}

/// The base after an update that was found applied. Of one whose record was edited since nothing is `stored`: the edit stands
/// to be seen.
async fn move_base(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    stored: Option<&Observation>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let Some(mut base) = undo_apply::base_of(ctx, mapping, op.link).await? else {
        return Ok(());
    };
    bases::written(mapping, &mut base, op, false);
    bases::stamped(&mut base, stored);
    if op.fields.values().any(is_undone) {
        undo_apply::note_apart(ctx, mapping, &mut base, op).await?;
    }
    Ok(tx.put_base(&mapping.id, op.link, &base)?)
}

fn is_undone(one: &Assignment) -> bool {
    one.rule == undo_plan::RULE
}

/// What an undo has put back, where something else of the record was edited before anybody looked. Planned anew it would be
/// an edit, and travel.
fn put_back(mapping: &Mapping, op: &Op, seen: &Observation) -> Option<Op> {
    let mut part = op.clone();
    part.fields.retain(|name, one| {
        let holds = |value| same_value(mapping, op.side, name, value, seen.value(name));
        is_undone(one) && holds(&one.after) && !holds(&one.before)
    });
    note_left(&mut part, Some(seen));
    (!part.fields.is_empty()).then_some(part)
}

/// That the write had no answer is over, whatever else of the record is refused; unless another one of its has none yet.
async fn answered(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let open = ctx.unanswered.entry((op.link, op.side)).or_default();
    *open = open.saturating_sub(1);
    if *open > 0 || !ctx.engine.db.anything_waits(&mapping.id) {
        return Ok(());
    }
    for item in ctx.engine.db.waiting(op.link.0).await? {
        if let Waiting::Error(error) = item
            && error.side == op.side
            && error.is_unanswered()
        {
            tx.remove_error(&error);
        }
    }
    Ok(())
}

/// What is remembered of a write that was given up, and may still land (16.5).
pub(super) fn ghost_of(ctx: &RunCtx<'_>, op: &Op) -> Ghost {
    Ghost {
        target: op.target.clone(),
        fields: op
            .fields
            .iter()
            .map(|(name, assignment)| (name.clone(), value_digest(&assignment.after)))
            .collect(),
        until: ctx.engine.clock.now() + GHOST_LIFE,
    }
}

/// An association is looked up like a field. Planning anew without a look would not do: what an undo took off, and nobody has
/// written down yet, would pass for an edit of a person.
pub(super) async fn associations(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let ids: Vec<RecordId> = ops.iter().filter_map(|op| op.target.clone()).collect();
    let object = mapping.object(side);
    let found = ctx
        .engine
        .side(side)
        .read(Purpose::Recovery, object, &ids, &[])
        .await?;
    let seen: Vec<Option<Observation>> = found
        .into_iter()
        .map(|found| found.records.into_iter().next())
        .collect();
    let (ops, seen) = without_silent(ctx, mapping, ops, seen).await?;
    let mut seen: Vec<Observation> = seen
        .into_iter()
        .flatten()
        .filter(|seen| seen.presence == Presence::Live)
        .collect();
    read_associations(ctx.engine, &[mapping], &mut seen).await?;
    read_sets(ctx.engine, &[mapping], &mut seen).await?;
    for mut op in ops {
        // Several elements of a link move one base: each finds what the one before has made of it.
        let mut tx = ctx.engine.db.begin();
        let now = seen
            .iter()
            .find(|seen| op.target.as_ref() == Some(&seen.id));
        let verdict = now.map_or(Verdict::Superseded, |seen| {
            judge_update(
                holds(mapping, &op, seen, |one| &one.after),
                holds(mapping, &op, seen, |one| &one.before),
                is_settled(ctx, &op),
            )
        });
        conclude_update(ctx, mapping, &mut op, verdict, now, &mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}
