//! The end of a link's work: read Salesforce back, move the bases, close or open items, clear the dirty marks
//! (docs/design/sync-semantics.md 6.4, 7 Settle, 11).

use std::collections::BTreeSet;

use super::bases;
use super::blocked;
use super::clobber;
use super::context::EngineError;
use super::fields;
use super::hindsight::was_sent;
use super::link_plan::{LinkPlan, Work, is_silence};
use super::links::{self, base_field};
use super::run::RunCtx;
use super::sets;
use super::tally::Fate;
use crate::crm::Purpose;
use crate::domain::{
    Conflict, ErrorItem, FieldPair, ItemKind, ItemState, LinkId, Mapping, Observation, Op, OpKind,
    PerSide, Presence, Side,
};
use crate::store::rows::Dirty;
use crate::transform;

/// What happened to one work on the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Progressed {
    /// Sides with a confirmed write, stamps included.
    pub(super) written: PerSide<bool>,
    /// Fields written, by side.
    pub(super) fields: PerSide<BTreeSet<String>>,
    /// Errors of this run.
    pub(super) failed: Vec<ErrorItem>,
    /// An op has no answer.
    pub(super) unanswered: bool,
    /// The target moved between plan and write.
    pub(super) drifted: bool,
    /// Left for a later run by a confirm that did not cover it.
    pub(super) held: bool,
    /// The update of HubSpot that may have gone over an edit.
    pub(super) doubtful: Option<Box<Op>>,
    /// The record after the write, read back (Salesforce).
    pub(super) read_back: Option<Observation>,
}

impl Progressed {
    /// An op was confirmed.
    pub(super) fn confirmed(&mut self, op: &Op) {
        if !matches!(op.kind, OpKind::Associate | OpKind::Dissociate) {
            *self.written.get_mut(op.side) = true;
        }
        self.fields
            .get_mut(op.side)
            .extend(op.fields.keys().cloned());
    }
}

/// Settles a chunk; gives back the works that must be planned again because their target moved.
pub(super) async fn settle(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    mut works: Vec<Work>,
    plans: Vec<LinkPlan>,
    mut done: Vec<Progressed>,
) -> Result<Vec<Work>, EngineError> {
    read_back(ctx, mapping, &works, &mut done).await?;
    let mut lost = clobber::lost(ctx, mapping, &works, &done).await?;
    let mut tx = ctx.engine.db.begin();
    let mut again = Vec::new();
    let chunk = works.drain(..).zip(plans).zip(done).enumerate();
    for (index, ((mut work, mut plan), progress)) in chunk {
        for item in lost.remove(&index).unwrap_or_default() {
            tell_of_lost(ctx, mapping, &work, &item);
            tx.put_conflict(&item, None, work.link.id.0)?;
        }
        if progress.held {
            ctx.tally(&mapping.id).link(work.link.id, Fate::Held);
            continue;
        }
        if progress.drifted && work.replans < ctx.engine.rules.settings.max_replans {
            work.replans += 1;
            again.push(work);
            continue;
        }
        blocked::wait(ctx, mapping, &work, &mut plan, &mut tx).await?;
        one(ctx, mapping, &mut work, &plan, &progress, &mut tx)?;
        tx = tx.rolled().await?;
    }
    tx.commit().await?;
    Ok(again)
}

/// A line for the live list: a value of somebody's was written over.
fn tell_of_lost(ctx: &RunCtx<'_>, mapping: &Mapping, work: &Work, item: &Conflict) {
    let side = Side::HubSpot;
    let id = work.link.ids.get(side).as_ref();
    let subject = format!(
        "{} {}",
        mapping.object(side),
        id.map_or("", |id| id.as_str())
    );
    ctx.engine.report.line_about(
        "warn",
        subject,
        &item.label,
        format!("{}: {}", item.field, item.why),
        Some(item.id),
        Some(work.link.id),
    );
}

/// One read of all Salesforce records of the chunk that were written: the answer of a collection write has ids only.
async fn read_back(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &[Work],
    done: &mut [Progressed],
) -> Result<(), EngineError> {
    let side = Side::Salesforce;
    let wanted: Vec<usize> = done
        .iter()
        .enumerate()
        .filter(|(_, progress)| progress.written.salesforce)
        .map(|(index, _)| index)
        .collect();
    let ids: Vec<_> = wanted
        .iter()
        .filter_map(|index| works.get(*index)?.link.ids.salesforce.clone())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let asked = fields::observed(
        &ctx.known,
        std::iter::once(mapping),
        side,
        mapping.object(side),
    );
    // Without a read-back the base stays unverified; the next look at the record settles it (6.4).
    let found = match ctx
        .engine
        .side(side)
        .read(Purpose::ReadBack, mapping.object(side), &ids, &asked)
        .await
    {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(mapping = %mapping.id, error = %error, "the read-back failed; bases stay unverified");
            return Ok(());
        }
    };
    for (index, found) in wanted.into_iter().zip(found) {
        if let Some(progress) = done.get_mut(index) {
            progress.read_back = found
                .records
                .into_iter()
                .next()
                .filter(|seen| seen.presence == Presence::Live);
        }
    }
    Ok(())
}

fn one(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    work: &mut Work,
    plan: &LinkPlan,
    progress: &Progressed,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let mut moved = progress.drifted;
    if !moved {
        // What a record that moved holds is nothing that the plan has seen: the next run decides about it.
        settle_fields(mapping, work, plan);
    }
    for set in &plan.sets {
        sets::settle(&mut work.base, set, |side, field| {
            progress.fields.get(side).contains(field)
        });
    }
    let wrote = |side: Side, pair: &FieldPair| {
        let fields = progress.fields.get(side);
        fields.contains(pair.field(side))
    };
    for pair in &mapping.pairs {
        if Side::BOTH.into_iter().all(|side| wrote(side, pair)) {
            bases::both_written(&mut work.base, pair, &work.seen);
        }
    }
    for item in &plan.closes {
        // A person let a frozen field go: what is written from now on is a new series.
        if item.kind == ItemKind::Oscillation && item.resolution.is_some() {
            for pair in item.pairs() {
                base_field(&mut work.base, pair).writes.clear();
            }
        }
    }
    for side in Side::BOTH {
        let Some(seen) = work.seen.get(side).clone() else {
            continue;
        };
        let mut settled = Some((seen.modstamp, seen.observed_at));
        if let Some(back) = progress
            .read_back
            .as_ref()
            .filter(|_| side == Side::Salesforce)
        {
            settled = verify(ctx, mapping, work, progress, back, &seen);
            moved |= settled.is_none();
            if moved {
                tx.put_observation(back)?;
            }
        }
        if let Some((modstamp, observed_at)) = settled {
            note_unsettled(mapping, work, &seen);
            let base = work.base.sides.get_mut(side);
            base.modstamp = base.modstamp.max(Some(modstamp));
            base.observed_at = Some(ctx.engine.server_time(side, observed_at));
        }
    }
    for side in Side::BOTH {
        *work.link.stamped.get_mut(side) |= *plan.stamped.get(side);
    }
    tx.put_link(&work.link, &links::objects(mapping))?;
    tx.put_base(&mapping.id, work.link.id, &work.base)?;
    items(work, plan, progress, tx)?;
    for side in Side::BOTH {
        if let Some(id) = work.link.ids.get(side) {
            if moved && side == Side::Salesforce {
                tx.mark_dirty(&mapping.id, side, id, Dirty::CHANGED)?;
                continue;
            }
            tx.clear_dirty(&mapping.id, side, id);
            tx.drop_observation(side, mapping.object(side), id);
        }
    }
    let tally = ctx.tally(&mapping.id);
    tally.link(work.link.id, Fate::Unchanged);
    let open = plan
        .conflicts
        .iter()
        .any(|item| item.state != ItemState::Resolved);
    if !progress.failed.is_empty() || !plan.errors.is_empty() {
        tally.link(work.link.id, Fate::Error);
    } else if open || waits(work, plan) {
        tally.link(work.link.id, Fate::Conflict);
    }
    Ok(())
}

/// Moves the bases of the fields that settle without a write.
fn settle_fields(mapping: &Mapping, work: &mut Work, plan: &LinkPlan) {
    for (name, diverged) in &plan.settles {
        let Some(pair) = mapping.pairs.iter().find(|pair| pair.name() == name) else {
            continue;
        };
        let raws = PerSide::from_fn(|side| {
            let seen = work
                .seen
                .get(side)
                .as_ref()
                .map(|seen| seen.value(pair.field(side)).clone());
            seen.filter(crate::domain::Value::is_known)
                .or_else(|| links::base_raw(&work.base, name, side))
        });
        let field = base_field(&mut work.base, name);
        field.diverged = *diverged;
        for side in Side::BOTH {
            if let Some(raw) = raws.get(side) {
                *field.values.get_mut(side) = transform::base_value(pair, side, raw);
                *field.unverified.get_mut(side) = false;
            }
        }
    }
}

/// Remembers of every field of a side that is not at its base, and stays so, that the base does not stand in for it; and when
/// Salesforce was last seen holding the base: the look that is about to be noted for the whole record says nothing of when
/// such a field changed (8).
fn note_unsettled(mapping: &Mapping, work: &mut Work, seen: &Observation) {
    let side = seen.side;
    let looked = work.base.sides.get(side).observed_at;
    for pair in mapping
        .pairs
        .iter()
        .filter(|pair| fields::is_property(pair, side))
    {
        let name = pair.field(side);
        let now = seen.value(name);
        if !now.is_known() {
            continue;
        }
        let held = links::base_raw(&work.base, pair.name(), side);
        let Some(field) = work.base.fields.get_mut(pair.name()) else {
            continue;
        };
        let rests = match held {
            Some(held) => super::fields::same_value(mapping, side, name, &held, now),
            None => *field.values.get(side) == transform::base_value(pair, side, now),
        };
        *field.apart.get_mut(side) = !rests;
        if side == Side::Salesforce {
            field.held_at = match rests {
                true => None,
                false => field.held_at.or(looked),
            };
        }
    }
}

/// True where an older item of the link is still open.
fn waits(work: &Work, plan: &LinkPlan) -> bool {
    work.conflicts
        .iter()
        .any(|item| !plan.closes.iter().any(|closed| closed.id == item.id))
}

/// True where a record that was read back was changed last by us: what it holds is what the vendor made of our write. Of
/// anybody else's the value is an edit right behind the write (6.4, 11).
pub(super) fn is_by_us(ctx: &RunCtx<'_>, back: &Observation) -> bool {
    let us = ctx.known.us.get(back.side).as_ref();
    us.is_some() && back.modified_by.as_ref() == us
}

/// True where that is what a write of ours, given up before, sent to the field: it has landed behind the one that is read
/// back, or looked up (16.5).
pub(super) fn is_late(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    link: LinkId,
    (back, name): (&Observation, &str),
) -> bool {
    let ghosts = ctx.ghosts.get(&link).map_or(&[][..], Vec::as_slice);
    was_sent(mapping, ghosts, (back.side, name), back.value(name))
}

/// Compares what was read back with what should be there. The new settle point, or `None` where somebody else, or a late write
/// of ours, changed the record in between: then the base keeps its old stamp and the record is looked at again.
fn verify(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    work: &mut Work,
    progress: &Progressed,
    back: &Observation,
    seen: &Observation,
) -> Option<(chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>)> {
    let side = Side::Salesforce;
    let by_us = is_by_us(ctx, back);
    let mut clean = true;
    for pair in mapping
        .pairs
        .iter()
        .filter(|pair| fields::is_property(pair, side))
    {
        let name = pair.field(side);
        let now = back.value(name);
        let same = super::fields::same_value(mapping, side, name, now, seen.value(name));
        let made_of_ours = || by_us && !is_late(ctx, mapping, work.link.id, (back, name));
        if progress.fields.get(side).contains(name) && (same || made_of_ours()) {
            let field = base_field(&mut work.base, pair.name());
            if *field.apart.get(side) {
                // The other side has not taken the same decision yet.
                continue;
            }
            *field.values.get_mut(side) = transform::base_value(pair, side, now);
            *field.unverified.get_mut(side) = false;
        } else if !same {
            clean = false;
        }
    }
    clean.then_some((back.modstamp, back.observed_at))
}

fn items(
    work: &Work,
    plan: &LinkPlan,
    progress: &Progressed,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let owner = work.link.id.0;
    let before = |id| work.conflicts.iter().find(|item| item.id == id);
    for item in &plan.conflicts {
        tx.put_conflict(item, before(item.id), owner)?;
    }
    for item in &plan.infos {
        tx.put_conflict(item, None, owner)?;
    }
    // What was refused or moved on in the last pass that a run makes is not over.
    let through = progress.failed.is_empty() && !progress.drifted;
    if through {
        for op in &plan.landed {
            tx.drop_ghost(*op);
        }
        for item in &plan.closes {
            tx.put_conflict(item, before(item.id), owner)?;
        }
    }
    for item in &plan.errors {
        tx.put_error(item, work.errors.iter().any(|known| known.id == item.id))?;
    }
    for old in &work.errors {
        let again = plan
            .errors
            .iter()
            .chain(&progress.failed)
            .any(|item| item.id == old.id);
        // A record that answers is silent no longer, whatever else of it was refused.
        let answered = Side::BOTH
            .into_iter()
            .any(|side| is_silence(old, side) && work.seen.get(side).is_some());
        if !again && (through || answered) {
            tx.remove_error(old);
        }
    }
    Ok(())
}
