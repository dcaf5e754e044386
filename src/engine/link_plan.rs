//! What one link needs: the field merge of every unit, put together (docs/design/sync-semantics.md 7, 10.3, 14).
//! A function of what was seen; it sends and stores nothing.

use chrono::TimeDelta;

use super::context::Engine;
pub(super) use super::field_errors::{freed, pair_digests};
use super::fields;
use super::hindsight::{self, Landed, NeedsTimes, late_landing, normalised, without_landing};
use super::oscillation;
use super::outcome::{assignment, carry_out, enter};
use super::parts::{self, Part};
use super::sets;
use super::stamp::plan_stamp;
use super::versions;
pub(super) use super::work::{LinkPlan, View, Work};
use crate::domain::merge::{Action, FieldTimes, MergeInput, TupleOutcome};
use crate::domain::{
    Choice, ErrorCategory, ErrorItem, FieldPair, ItemKind, PerSide, Side, Unit, Value,
};
use crate::transform;

/// Plans one link.
pub(super) fn plan(view: &View<'_>, work: &Work) -> LinkPlan {
    let mut plan = LinkPlan::default();
    if Side::BOTH.iter().all(|side| work.seen.get(*side).is_none()) {
        plan.needs = PerSide {
            salesforce: true,
            hubspot: true,
        };
        return plan;
    }
    for side in Side::BOTH {
        // The base does not stand in for a side that is known to have moved (6.1): another mapping over the object, or a link
        // that came back, may have dropped what was seen.
        // A record that did not answer is asked once more before its error is over.
        let silent = work.errors.iter().any(|item| is_silence(item, side));
        *plan.needs.get_mut(side) =
            (*work.news.get(side) || silent) && work.seen.get(side).is_none();
    }
    let paused = |pair: &FieldPair| view.known.is_paused(&view.mapping.id, pair.name());
    for unit in view.mapping.units() {
        // A group merges as a whole, so one paused pair pauses it.
        if !unit.pairs().any(paused) {
            plan_unit(view, work, &unit, &mut plan);
        }
    }
    for set in &view.mapping.sets {
        sets::plan(view, work, set, &mut plan);
    }
    for side in Side::BOTH {
        plan_stamp(view, work, side, &mut plan);
    }
    plan
}

/// True for the error that tells of a record on that side which did not answer (12.1).
pub(super) fn is_silence(item: &ErrorItem, side: Side) -> bool {
    item.category == ErrorCategory::Gone && item.field.is_empty() && item.record.side == side
}

/// Every target of a write is read directly before it (6.2). So is a HubSpot record of which an association would clear a lookup:
/// the index may still show one that is gone, whose associations went with it.
pub(super) fn need_targets(view: &View<'_>, work: &Work, plan: &mut LinkPlan) {
    let clears = fields::associations(view.mapping).any(|pair| {
        let write = plan.writes.salesforce.get(&pair.fields.salesforce);
        write.is_some_and(|write| write.after.is_blank())
    });
    for side in Side::BOTH {
        let touched = !plan.writes.get(side).is_empty()
            || (side == Side::HubSpot && (clears || !plan.associations.is_empty()));
        if touched && work.fresh.get(side).is_none() {
            *plan.needs.get_mut(side) = true;
        }
    }
}

fn plan_unit(view: &View<'_>, work: &Work, unit: &Unit<'_>, plan: &mut LinkPlan) {
    if parts::stands(view, work, unit, plan) {
        return;
    }
    let Some(gathered) = parts::gather(view, work, unit, plan) else {
        return;
    };
    let (mut all, shown) = (gathered.all, gathered.shown);
    let undisturbed = shown.is_none() && parts::open_items(work, unit).next().is_none();
    if undisturbed && all.iter().all(Part::is_at_rest) {
        for part in &all {
            settle_unverified(view, work, part, plan);
        }
        return;
    }
    for part in &mut all {
        if !part.translate(view, work, plan) {
            return;
        }
    }
    let open = parts::own_item(work, unit);
    let resolution = open.and_then(|item| parts::valid_choice(item, &all));
    if !look_behind(view, work, &mut all, plan) {
        return;
    }
    if undisturbed && put_back(view, work, &all, plan) {
        return;
    }
    for part in &mut all {
        if let Some(side) = part.landed {
            part.base = Some(without_landing(
                part.pair,
                &part.values,
                part.base.as_ref(),
                side,
            ));
        }
    }
    let outcome = merge(view, work, &all, resolution);
    let outcome = match resolution {
        Some(_) => outcome,
        None => brake(view, work, unit, &all, outcome),
    };
    for part in &all {
        if outcome.action == Action::Nothing {
            settle_unverified(view, work, part, plan);
        }
        note_changes(part, plan);
    }
    let frozen =
        matches!(&outcome.action, Action::Conflict { rule, .. } if *rule == oscillation::RULE);
    if let Some(side) = Side::BOTH
        .into_iter()
        .find(|side| frozen && shown.is_none() && work.seen.get(*side).is_none())
    {
        // Before a field is frozen both sides are looked at: they may agree by now.
        *plan.needs.get_mut(side) = true;
        return;
    }
    let same = matches!(outcome.action, Action::Conflict { .. } | Action::NeedsTimes);
    let news = |side: Side| {
        parts::own_item(work, unit).is_some_and(|item| !parts::still(item, &all, side.other()))
    };
    if let Some(side) = shown.filter(|side| !same || news(*side)) {
        // The conflict may be over, or an edit since may decide it: nothing is settled or written from what was seen then.
        *plan.needs.get_mut(side) = true;
    }
    if let Action::Write { to, .. } = &outcome.action
        && work.seen.get(to.other()).is_none()
        && has_field(unit, to.other())
    {
        // What a policy sends back is what that side holds now, not what it held (6.1).
        *plan.needs.get_mut(to.other()) = true;
    }
    carry_out(view, work, unit, &all, outcome, plan);
}

fn has_field(unit: &Unit<'_>, side: Side) -> bool {
    unit.pairs().all(|pair| !pair.field(side).is_empty())
}

/// Notes what is a late write of ours, and moves the bases where what is there is what a vendor made of one; false where HubSpot's
/// versions have to be looked up first.
fn look_behind(view: &View<'_>, work: &Work, parts: &mut [Part<'_>], plan: &mut LinkPlan) -> bool {
    let mut told = true;
    for part in parts {
        let pair = part.pair;
        if versions::outdated(work, pair) && work.fresh.hubspot.is_none() {
            // Somebody changed it after it was read: it is read again before anything is concluded.
            plan.needs.hubspot = true;
        }
        match late_landing(view, work, pair, &part.raws, plan) {
            Landed::No => match normalised(view, work, pair, part.base.as_ref()) {
                Ok(settled) => part.base = settled,
                Err(NeedsTimes) => {
                    plan.wants_times.insert(pair.fields.hubspot.clone());
                    told = false;
                }
            },
            Landed::WantsTimes => {
                plan.wants_times.insert(pair.fields.hubspot.clone());
                told = false;
            }
            Landed::On(side) => part.landed = Some(side),
        }
    }
    told
}

/// Writes what has landed over with what that side was settled at, where the sides were settled apart and rest but for it: the
/// other side's value is what an undo, or a person, has kept from it (16.5). False where that is not so.
fn put_back(view: &View<'_>, work: &Work, parts: &[Part<'_>], plan: &mut LinkPlan) -> bool {
    let apart = |part: &Part<'_>| part.base.as_ref().is_some_and(|base| base.diverged);
    if !parts
        .iter()
        .any(|part| part.landed.is_some() && apart(part))
    {
        return false;
    }
    let before: Option<Vec<Part<'_>>> = parts.iter().map(Part::before_landing).collect();
    if before.is_none_or(|all| merge(view, work, &all, None).action != Action::Nothing) {
        return false;
    }
    for part in parts {
        let settled = part
            .landed
            .map(|side| (side, parts::assumed(work, part.pair, side)));
        match settled {
            Some((side, Some(held))) => {
                let write = assignment(part, side, held, hindsight::RULE);
                enter(part.pair, side, write, plan);
            }
            _ => settle_unverified(view, work, part, plan),
        }
    }
    true
}

/// A pair at rest whose base nobody has seen on a side yet: this look is what verifies it (6.4, I-23).
fn settle_unverified(view: &View<'_>, work: &Work, part: &Part<'_>, plan: &mut LinkPlan) {
    let Some(base) = &part.base else { return };
    // What this very run wrote is known from its write only: the read-back has the last word.
    let written = |side: Side| {
        let last = base.writes.last();
        last.is_some_and(|last| last.run == view.run && last.to == side)
    };
    let verified =
        |side: Side| *base.unverified.get(side) && work.seen.get(side).is_some() && !written(side);
    if Side::BOTH.into_iter().any(verified) {
        plan.settles
            .push((part.pair.name().to_owned(), base.diverged));
    }
}

/// A write that would go on with what goes back and forth becomes a question, and so does whatever else the rules would do
/// to a field that is frozen (8). One field of a group that is stuck freezes the group.
fn brake(
    view: &View<'_>,
    work: &Work,
    unit: &Unit<'_>,
    parts: &[Part<'_>],
    outcome: TupleOutcome,
) -> TupleOutcome {
    if matches!(
        outcome.action,
        Action::Nothing | Action::Settle { .. } | Action::Error { .. }
    ) {
        return outcome;
    }
    let frozen = parts::own_item(work, unit).filter(|item| item.kind == ItemKind::Oscillation);
    let limit = view.engine.rules.settings.oscillation_writes;
    let stuck = parts.iter().enumerate().find_map(|(at, part)| {
        let next = next_writes(view, part, &outcome.member(at).action);
        let field = work.base.fields.get(part.pair.name())?;
        let stuck = !next.is_empty() && oscillation::is_stuck(field, &next, view.run, limit);
        stuck.then_some(field)
    });
    let why = match (frozen, stuck) {
        (Some(item), _) => item.why.clone(),
        (None, Some(field)) => oscillation::why(field),
        (None, None) => return outcome,
    };
    TupleOutcome {
        row: outcome.row,
        action: Action::Conflict {
            suggest: None,
            why,
            rule: oscillation::RULE,
        },
        record: None,
    }
}

/// The writes that an action means for one pair, in the vendors' terms.
fn next_writes(view: &View<'_>, part: &Part<'_>, action: &Action) -> Vec<(Side, Value)> {
    let wanted = match action {
        Action::Write { to, value, .. } => vec![(*to, value)],
        Action::WriteBoth { s, h, .. } => vec![(Side::Salesforce, s), (Side::HubSpot, h)],
        _ => Vec::new(),
    };
    wanted
        .into_iter()
        .filter(|(side, value)| part.values.get(*side) != *value)
        .map(|(side, value)| {
            let rendered = view.parents.render(view.known, part.pair, side, value);
            (side, rendered.unwrap_or_else(|| value.clone()))
        })
        .collect()
}

fn merge(
    view: &View<'_>,
    work: &Work,
    parts: &[Part<'_>],
    resolution: Option<&Choice>,
) -> TupleOutcome {
    let inputs: Vec<MergeInput<'_>> = parts
        .iter()
        .map(|part| MergeInput {
            pair: part.pair,
            s: &part.values.salesforce,
            h: &part.values.hubspot,
            base: part.base.as_ref(),
            times: times(view, work, part.pair),
            resolution,
        })
        .collect();
    transform::merge_tuple(&inputs)
}

/// The times that last-write-wins looks at (8).
pub(super) fn times(view: &View<'_>, work: &Work, pair: &FieldPair) -> FieldTimes {
    let skew = |side: Side| TimeDelta::milliseconds(offset_uncertainty(view.engine, side));
    let salesforce = work.seen.salesforce.as_ref();
    let settled = work.base.value(pair.name(), Side::Salesforce).is_some();
    let s_after = if settled {
        let field = work.base.fields.get(pair.name());
        let held = field.and_then(|field| field.held_at);
        held.or(work.base.sides.salesforce.observed_at)
    } else {
        salesforce.and_then(|seen| seen.created_at)
    };
    FieldTimes {
        h_changed_at: versions::of(work, pair)
            .and_then(|all| all.iter().find(|version| !version.ours))
            .map(|version| version.at),
        s_after,
        s_modified_at: salesforce.and_then(|seen| seen.modified_at.or(Some(seen.modstamp))),
        skew: skew(Side::Salesforce) + skew(Side::HubSpot),
        looked_up: work.times.is_some(),
    }
}

/// How far a measured offset may be off, in milliseconds: the Date header has whole seconds.
fn offset_uncertainty(engine: &Engine, side: Side) -> i64 {
    if engine.side(side).health().clock_offset_ms == 0 {
        0
    } else {
        500
    }
}

fn note_changes(part: &Part<'_>, plan: &mut LinkPlan) {
    let Some(base) = &part.base else { return };
    for side in Side::BOTH {
        let now = transform::base_value(part.pair, side, part.values.get(side));
        if base.values.get(side).is_some() && now.as_ref() != base.values.get(side).as_ref() {
            *plan.changed.get_mut(side) = true;
        }
    }
}
