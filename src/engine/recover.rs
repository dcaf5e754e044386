//! What an earlier process, or an unanswered request, left open: looked up before anything new is planned for the records
//! concerned, never sent again blindly (docs/design/sync-semantics.md 16.4, 16.5).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::apply::{same_value, settled_at};
use super::context::EngineError;
use super::fields;
use super::links;
use super::observe::read_associations;
use super::report::Phase;
use super::run::RunCtx;
use crate::crm::Purpose;
use crate::domain::{
    Assignment, Candidate, Departed, ItemKind, Link, LinkState, Mapping, Observation, Op, OpKind,
    OpState, PerSide, Presence, RecordId, Side, Value, digest128,
};
use crate::store::rows::{Dirty, Ghost};

/// How long a write that was looked up as not applied is remembered (16.5).
const GHOST_LIFE: TimeDelta = TimeDelta::hours(24);

/// What a look-up says about an open op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was applied.
    Applied,
    /// It was not, and enough time has passed to say so.
    NotApplied,
    /// Something else is there: plan anew.
    Superseded,
    /// Too early to tell.
    Wait,
    /// A person must look.
    Ask(Vec<RecordId>),
}

/// The decision part of 16.4 for an update: what is on the record now against what was sent and what was there before.
pub(super) fn judge_update(matches_after: bool, matches_before: bool, settled: bool) -> Verdict {
    match (matches_after, matches_before, settled) {
        (true, _, _) => Verdict::Applied,
        (false, true, true) => Verdict::NotApplied,
        (false, true, false) => Verdict::Wait,
        (false, false, _) => Verdict::Superseded,
    }
}

/// The decision part of 16.4 for a create: who answers to its key (or was made by us since it was sent).
pub(super) fn judge_create(found: &[RecordId], settled: bool) -> Verdict {
    match (found, settled) {
        ([_], _) => Verdict::Applied,
        ([], true) => Verdict::NotApplied,
        ([], false) => Verdict::Wait,
        (several, _) => Verdict::Ask(several.to_vec()),
    }
}

/// The decision part of 16.4 for a deletion. What does not answer is no evidence that it went through (12.1).
pub(super) fn judge_deletion(found: &[Presence], settled: bool) -> Verdict {
    let live = found.contains(&Presence::Live);
    let silent = found.iter().all(|one| *one == Presence::Inaccessible);
    match (found.contains(&Presence::Deleted) && !live, silent, settled) {
        (true, _, _) => Verdict::Applied,
        (false, _, false) => Verdict::Wait,
        (false, false, true) => Verdict::NotApplied,
        (false, true, true) => Verdict::Superseded,
    }
}

/// Looks up every open op. Links whose op must wait are locked for this run.
pub(super) async fn recover(ctx: &mut RunCtx<'_>) -> Result<(), EngineError> {
    let open = ctx.engine.db.open_ops().await?;
    expire_ghosts(ctx).await?;
    if open.is_empty() {
        return Ok(());
    }
    ctx.engine.report.begin(Phase::Recover);
    let count = open.len();
    let mut groups: BTreeMap<(String, Side, u8), Vec<Op>> = BTreeMap::new();
    for op in open {
        let class = match op.kind {
            OpKind::Create => 0,
            OpKind::Update | OpKind::Stamp => 1,
            OpKind::Associate | OpKind::Dissociate => 2,
            OpKind::Delete => 3,
            // Written here only: never without an answer.
            OpKind::Relink => continue,
        };
        groups
            .entry((op.mapping.0.clone(), op.side, class))
            .or_default()
            .push(op);
    }
    for ((mapping, side, class), ops) in groups {
        let Some(mapping) = ctx.engine.mapping(&mapping.as_str().into()).cloned() else {
            for op in ops {
                ctx.locked.insert(op.link);
            }
            continue;
        };
        match class {
            0 => creates(ctx, &mapping, side, ops).await?,
            1 => updates(ctx, &mapping, side, ops).await?,
            3 => deletions(ctx, &mapping, side, ops).await?,
            _ => associations(ctx, &mapping, side, ops).await?,
        }
    }
    ctx.engine.report.detail(
        Phase::Recover,
        format!("{count} unanswered writes looked up"),
    );
    ctx.engine.report.end(Phase::Recover);
    Ok(())
}

async fn expire_ghosts(ctx: &RunCtx<'_>) -> Result<(), EngineError> {
    let now = ctx.engine.clock.now();
    let mut tx = ctx.engine.db.begin();
    for (op, ghost) in ctx.engine.db.ghosts().await? {
        if ghost.until <= now {
            tx.drop_ghost(op);
        }
    }
    Ok(tx.apply().await?)
}

fn is_settled(ctx: &RunCtx<'_>, op: &Op) -> bool {
    settled_at(ctx, op) <= ctx.engine.clock.now()
}

async fn updates(
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

/// One value of an assignment.
type Pick = fn(&Assignment) -> &Value;

/// True where the record holds that value of every field of the op.
fn holds(mapping: &Mapping, op: &Op, seen: &Observation, pick: Pick) -> bool {
    op.fields.iter().all(|(name, assignment)| {
        same_value(mapping, op.side, name, pick(assignment), seen.value(name))
    })
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
    let third = |op: &Op, seen: &Option<Observation>| {
        seen.as_ref().is_some_and(|seen| {
            seen.presence == Presence::Live
                && !holds(mapping, op, seen, |one| &one.after)
                && !holds(mapping, op, seen, |one| &one.before)
        })
    };
    let since = |op: &Op, at: DateTime<Utc>| {
        let offset = ctx.engine.side(side).health().clock_offset_ms;
        let slack = TimeDelta::milliseconds(offset) - TimeDelta::seconds(2);
        op.attempt.sent_at.is_some_and(|sent| at >= sent + slack)
    };
    let mut ours: Vec<bool> = ops
        .iter()
        .zip(seen)
        .map(|(op, seen)| third(op, seen))
        .collect();
    if side == Side::Salesforce {
        let us = ctx.known.us.salesforce.as_ref();
        for ((op, seen), mine) in ops.iter().zip(seen).zip(&mut ours) {
            *mine = *mine
                && seen.as_ref().is_some_and(|seen| {
                    us.is_some() && seen.modified_by.as_ref() == us && since(op, seen.modstamp)
                });
        }
        return Ok(ours);
    }
    let asked: Vec<&Op> = ops
        .iter()
        .zip(&ours)
        .filter_map(|(op, mine)| mine.then_some(op))
        .collect();
    let ids: Vec<RecordId> = asked.iter().filter_map(|op| op.target.clone()).collect();
    if ids.is_empty() {
        return Ok(ours);
    }
    let fields: BTreeSet<String> = asked
        .iter()
        .flat_map(|op| op.fields.keys().cloned())
        .collect();
    let fields: Vec<String> = fields.into_iter().collect();
    let object = mapping.object(side);
    let times = ctx
        .engine
        .side(side)
        .field_times(object, &ids, &fields)
        .await?;
    for ((op, seen), mine) in ops.iter().zip(seen).zip(&mut ours) {
        let (Some(versions), Some(seen)) = (op.target.as_ref().and_then(|id| times.get(id)), seen)
        else {
            *mine = false;
            continue;
        };
        *mine = *mine
            && op.fields.iter().all(|(name, assignment)| {
                let newest = versions.get(name).and_then(|all| all.first());
                same_value(mapping, side, name, &assignment.after, seen.value(name))
                    || newest.is_some_and(|version| version.ours && since(op, version.at))
            });
    }
    Ok(ours)
}

/// An update is never sent again from the journal: the record is planned anew from what it is now. Where it was applied,
/// the base moves to what was stored, and that planning finds what has changed since.
async fn conclude_update(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &mut Op,
    verdict: Verdict,
    seen: Option<&Observation>,
    tx: &mut super::db::Tx<'_>,
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
            super::apply::note_left(op, seen);
            let links = std::slice::from_ref(&op.link);
            for mut base in ctx.engine.db.bases(&mapping.id, links).await? {
                super::bases::written(mapping, &mut base, op, false);
                super::bases::stamped(&mut base, seen);
                tx.put_base(&mapping.id, op.link, &base)?;
            }
        }
        Verdict::NotApplied => {
            op.state = OpState::Failed;
            op.outcome.why = Some("looked up: not applied".into());
        }
        Verdict::Superseded | Verdict::Ask(_) => {
            op.state = OpState::Superseded;
            op.outcome.why = Some("looked up: the record holds something else".into());
        }
    }
    // A late association cannot be told from a person's: nothing has its versions, so no ghost is left of it.
    let given_up = matches!(op.state, OpState::Failed | OpState::Superseded);
    let haunts = given_up && !matches!(op.kind, OpKind::Associate | OpKind::Dissociate);
    tx.put_op(op)?;
    if haunts {
        tx.put_ghost(op, ghost_of(ctx, op))?;
    }
    for (side, id) in [(op.side, &op.target), (op.side.other(), &op.source)] {
        if let Some(id) = id {
            tx.mark_dirty(&mapping.id, side, id, Dirty::RETRY)?;
        }
    }
    Ok(())
}

fn ghost_of(ctx: &RunCtx<'_>, op: &Op) -> Ghost {
    let digest = |value: &crate::domain::Value| {
        format!(
            "{:032x}",
            digest128(&[value.as_text().unwrap_or_default().as_bytes()])
        )
    };
    Ghost {
        target: op.target.clone(),
        fields: op
            .fields
            .iter()
            .map(|(name, assignment)| (name.clone(), digest(&assignment.after)))
            .collect(),
        until: ctx.engine.clock.now() + GHOST_LIFE,
    }
}

async fn creates(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let found = find_created(ctx, mapping, side, &ops).await?;
    let mut tx = ctx.engine.db.begin();
    for (mut op, found) in ops.into_iter().zip(found) {
        let ids: Vec<RecordId> = found.iter().map(|seen| seen.id.clone()).collect();
        let link = ctx
            .engine
            .db
            .links(&mapping.id, &[op.link])
            .await?
            .into_iter()
            .flatten()
            .next();
        let verdict = judge_create(&ids, is_settled(ctx, &op));
        conclude_create(ctx, mapping, &mut op, link, verdict, found, &mut tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Live records that answer to each op's key; without a key field, those with the same match value made since it was sent.
async fn find_created(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: &[Op],
) -> Result<Vec<Vec<Observation>>, EngineError> {
    let object = mapping.object(side).to_owned();
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), side, &object);
    let crm = ctx.engine.side(side);
    let live = |records: Vec<Observation>| {
        records
            .into_iter()
            .filter(|seen| seen.presence == Presence::Live)
            .collect()
    };
    if ctx.known.keyed.contains(&(mapping.id.clone(), side)) {
        let keys: Vec<String> = ops
            .iter()
            .filter_map(|op| op.source.as_ref().map(|id| id.0.clone()))
            .collect();
        let found = crm
            .look_up(
                Purpose::Recovery,
                &object,
                mapping.key_field(side),
                &keys,
                &asked,
            )
            .await?;
        return Ok(found.into_iter().map(|one| live(one.records)).collect());
    }
    let part = mapping
        .match_rules
        .first()
        .and_then(|rule| mapping.pairs.get(*rule.parts.first()?));
    let Some(field) = part.map(|pair| pair.field(side).to_owned()) else {
        return Ok(vec![Vec::new(); ops.len()]);
    };
    let value = |op: &Op| {
        op.fields
            .get(&field)
            .and_then(|found| found.after.as_text())
            .map(str::to_lowercase)
    };
    let values: Vec<String> = ops.iter().filter_map(value).collect();
    let seen = crm
        .search(Purpose::Recovery, &object, &field, &values, &asked)
        .await?;
    let made_since = |seen: &Observation, op: &Op| match (seen.created_at, op.attempt.sent_at) {
        (Some(made), Some(sent)) => made >= sent - TimeDelta::seconds(2),
        _ => false,
    };
    Ok(ops
        .iter()
        .map(|op| {
            let wanted = value(op);
            seen.iter()
                .filter(|seen| {
                    wanted.is_some()
                        && seen.value(&field).as_text().map(str::to_lowercase) == wanted
                })
                .filter(|seen| made_since(seen, op))
                .cloned()
                .collect()
        })
        .collect())
}

async fn conclude_create(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &mut Op,
    link: Option<Link>,
    verdict: Verdict,
    found: Vec<Observation>,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let objects = links::objects(mapping);
    let source_side = op.side.other();
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
            op.outcome.record = found.first().map(|seen| seen.id.clone());
            super::apply::note_left(op, found.first());
            if let (Some(mut link), Some(seen), Some(source)) = (link, found.first(), &op.source) {
                link.state = LinkState::Active;
                *link.ids.get_mut(op.side) = Some(seen.id.clone());
                tx.put_link(&link, &objects)?;
                tx.put_observation(seen)?;
                for (side, id) in [(op.side, &seen.id), (source_side, source)] {
                    tx.mark_dirty(&mapping.id, side, id, Dirty::RELINK)?;
                }
                let ids = if op.side == Side::HubSpot {
                    PerSide {
                        salesforce: source.clone(),
                        hubspot: seen.id.clone(),
                    }
                } else {
                    PerSide {
                        salesforce: seen.id.clone(),
                        hubspot: source.clone(),
                    }
                };
                ctx.newly_linked.push((mapping.id.clone(), link.id, ids));
            }
        }
        Verdict::NotApplied | Verdict::Superseded => {
            op.state = OpState::Failed;
            op.outcome.why = Some("looked up: not applied".into());
            // What goes by a key lands at last on the record that was made meanwhile.
            tx.put_ghost(op, ghost_of(ctx, op))?;
            give_back(mapping, op, link, tx)?;
        }
        Verdict::Ask(ids) => {
            op.state = OpState::Superseded;
            op.outcome.why = Some(format!("looked up: {} records may be it", ids.len()));
            give_back(mapping, op, link, tx)?;
            if let Some(source) = op.source.clone() {
                let candidates = found.iter().map(|seen| Candidate {
                    record: links::record_key(mapping, op.side, &seen.id),
                    label: seen.label(),
                    why: "made since the create was sent".into(),
                });
                let why = format!(
                    "{} did not answer a create, and several records may be its result.",
                    op.side
                );
                super::matchup::review(
                    ctx,
                    mapping,
                    source_side,
                    &source,
                    ItemKind::UnknownCreate,
                    why,
                    candidates.collect(),
                    tx,
                )
                .await?;
            }
        }
    }
    if let Some(source) = &op.source {
        for error in super::matchup::errors_of_record(ctx, mapping, source_side, source).await? {
            tx.remove_error(&error);
        }
    }
    Ok(tx.put_op(op)?)
}

/// The create never happened: its source is an unlinked record again and is matched and created anew, under the same key.
fn give_back(
    mapping: &Mapping,
    op: &Op,
    link: Option<Link>,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let mut again = false;
    if let Some(mut link) = link.filter(|link| link.state == LinkState::PendingCreate) {
        let former = link.former.get_mut(op.side).pop();
        again = former.is_some();
        match former {
            // It was to stand for a deleted one: the tombstone is back, and what follows from it is decided anew.
            Some(former) => {
                tx.mark_dirty(&mapping.id, op.side, &former, Dirty::DELETED)?;
                *link.ids.get_mut(op.side) = Some(former);
                link.state = LinkState::Deleted(Departed::of(op.side));
                tx.put_link(&link, &links::objects(mapping))?;
            }
            None => tx.remove_link(&link, &links::objects(mapping)),
        }
    }
    if let Some(source) = op.source.as_ref().filter(|_| !again) {
        tx.mark_dirty(&mapping.id, op.side.other(), source, Dirty::RETRY)?;
    }
    Ok(())
}

/// An association is looked up like a field. Planning anew without a look would not do: what an undo took off, and nobody has
/// written down yet, would pass for an edit of a person.
async fn associations(
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
    let mut seen: Vec<Observation> = found
        .into_iter()
        .filter_map(|found| found.records.into_iter().next())
        .filter(|seen| seen.presence == Presence::Live)
        .collect();
    read_associations(ctx.engine, &[mapping], &mut seen).await?;
    let mut tx = ctx.engine.db.begin();
    for mut op in ops {
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
    }
    Ok(tx.commit().await?)
}

/// A deletion is looked up by what became of the record; one that is alive once the settle delay is over was not deleted,
/// and whoever asked for it has to ask again. So has who asked for one that does not answer by then.
async fn deletions(
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
    let mut tx = ctx.engine.db.begin();
    for (mut op, found) in ops.into_iter().zip(found) {
        let found: Vec<Presence> = found
            .records
            .into_iter()
            .map(|seen| seen.presence)
            .collect();
        match judge_deletion(&found, is_settled(ctx, &op)) {
            Verdict::Applied => {
                op.state = OpState::Confirmed;
                op.outcome.record = op.target.clone();
                if op.evidence.is_some() {
                    super::archive::looked_up(ctx, mapping, &op, &mut tx).await?;
                } else {
                    super::undo_apply::taken_back(ctx, mapping, &op, &mut tx).await?;
                }
            }
            Verdict::NotApplied => {
                op.state = OpState::Failed;
                op.outcome.why = Some("looked up: not applied".into());
            }
            Verdict::Wait => {
                ctx.locked.insert(op.link);
                op.state = OpState::Unknown;
            }
            Verdict::Superseded | Verdict::Ask(_) => {
                op.state = OpState::Superseded;
                op.outcome.why = Some(
                    "looked up: it does not answer, and nothing says that it was deleted".into(),
                );
            }
        }
        tx.put_op(&op)?;
    }
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_judged_by_what_is_there_now() {
        assert_eq!(judge_update(true, false, false), Verdict::Applied);
        assert_eq!(judge_update(true, true, true), Verdict::Applied);
        assert_eq!(judge_update(false, true, false), Verdict::Wait);
        assert_eq!(judge_update(false, true, true), Verdict::NotApplied);
        assert_eq!(judge_update(false, false, false), Verdict::Superseded);
        assert_eq!(judge_update(false, false, true), Verdict::Superseded);
    }

    #[test]
    fn a_create_that_nobody_answers_to_waits_for_the_settle_delay_before_it_counts_as_lost() {
        let one = RecordId::from("1");
        assert_eq!(
            judge_create(std::slice::from_ref(&one), false),
            Verdict::Applied
        );
        assert_eq!(judge_create(&[], false), Verdict::Wait);
        assert_eq!(judge_create(&[], true), Verdict::NotApplied);
        let two = [one.clone(), RecordId::from("2")];
        assert_eq!(judge_create(&two, true), Verdict::Ask(two.to_vec()));
    }

    #[test]
    fn a_deletion_went_through_where_the_vendor_says_so_and_not_where_nothing_answers() {
        use Presence::{Deleted, Inaccessible, Live};
        let merged = Presence::MergedInto("2".into());
        for settled in [false, true] {
            assert_eq!(judge_deletion(&[Deleted], settled), Verdict::Applied);
            let into = [merged.clone(), Live];
            let alive = judge_deletion(&into, settled);
            assert_ne!(alive, Verdict::Applied, "what it was merged into is there");
            let merged = judge_deletion(&into[..1], settled);
            assert_ne!(merged, Verdict::Applied, "a merge is no deletion");
        }
        assert_eq!(judge_deletion(&[Live], false), Verdict::Wait);
        assert_eq!(judge_deletion(&[Live], true), Verdict::NotApplied);
        for silent in [&[Inaccessible][..], &[]] {
            assert_eq!(judge_deletion(silent, false), Verdict::Wait);
            assert_eq!(judge_deletion(silent, true), Verdict::Superseded);
        }
    }
}
