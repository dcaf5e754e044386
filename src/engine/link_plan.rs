//! What one link needs: the field merge of every pair, put together (docs/design/sync-semantics.md 7, 10.3, 14).
//! A function of what was seen; it sends and stores nothing.

use chrono::TimeDelta;

use super::context::Engine;
use super::failures::standing;
use super::field_errors::{blocked, is_awaited, no_owner, waits_for_parent};
pub(super) use super::field_errors::{freed, pair_digests};
use super::fields::is_association;
use super::hindsight::{Landed, NeedsTimes, late_landing, normalised, without_landing};
use super::links;
use super::oscillation;
use super::outcome::carry_out;
use super::references::{Token, is_translated};
use super::stamp::plan_stamp;
pub(super) use super::work::{LinkPlan, View, Work};
use crate::domain::merge::{Action, FieldOutcome, FieldTimes, MergeInput};
use crate::domain::{
    BaseField, BaseValue, Choice, Conflict, FieldPair, ItemKind, ItemState, PairKind, PerSide,
    Side, Value,
};
use crate::transform;

/// The value of one side of a pair, as far as it is known.
enum Side1 {
    /// Read.
    Seen(Value),
    /// Not read; the base stands in to see whether a read is needed (never to write from).
    Assumed(Value),
    /// Not read; what the pair's open conflict last saw there stands in, to tell whether it still is the same conflict.
    Shown(Value),
    /// Neither read nor in the base.
    Missing,
    /// An association that was not read: nothing is concluded from it.
    Skip,
}

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
    let active = |name: &str| !view.known.is_paused(&view.mapping.id, name);
    for pair in view.mapping.pairs.iter().filter(|pair| active(pair.name())) {
        plan_pair(view, work, pair, &mut plan);
    }
    for side in Side::BOTH {
        plan_stamp(view, work, side, &mut plan);
    }
    plan
}

/// Every target of a write is read directly before it (6.2).
pub(super) fn need_targets(work: &Work, plan: &mut LinkPlan) {
    for side in Side::BOTH {
        let touched = !plan.writes.get(side).is_empty()
            || (side == Side::HubSpot && !plan.associations.is_empty());
        if touched && work.fresh.get(side).is_none() {
            *plan.needs.get_mut(side) = true;
        }
    }
}

/// True where a base has exactly these raw values on both sides.
fn holds(base: &BaseField, raws: &PerSide<Value>) -> bool {
    Side::BOTH
        .iter()
        .all(|side| match (base.values.get(*side), raws.get(*side)) {
            (Some(BaseValue::Null), Value::Null) => true,
            (Some(BaseValue::Raw(held)), Value::Text(now)) => held == now,
            _ => false,
        })
}

fn side_value(work: &Work, pair: &FieldPair, side: Side) -> Side1 {
    if matches!(pair.kind, PairKind::Constant { target, .. } if target != side) {
        return Side1::Seen(Value::Null);
    }
    match work.seen.get(side) {
        Some(seen) => {
            let value = seen.value(pair.field(side));
            if is_association(pair, side) && !value.is_known() {
                return assumed(work, pair, side).map_or(Side1::Skip, Side1::Assumed);
            }
            Side1::Seen(value.clone())
        }
        None => match open_conflict(work, pair) {
            Some(item) => Side1::Shown(item.sides.get(side).value.clone()),
            None => assumed(work, pair, side).map_or(Side1::Missing, Side1::Assumed),
        },
    }
}

pub(super) fn assumed(work: &Work, pair: &FieldPair, side: Side) -> Option<Value> {
    links::base_raw(&work.base, pair.name(), side)
}

fn plan_pair(view: &View<'_>, work: &Work, pair: &FieldPair, plan: &mut LinkPlan) {
    let there = PerSide::from_fn(|side| {
        let value = work
            .seen
            .get(side)
            .as_ref()
            .map(|seen| seen.value(pair.field(side)).clone());
        value.filter(|value| value.is_known() && !pair.field(side).is_empty())
    });
    let known = standing(&work.errors, pair.name(), &there, view.now);
    if let Some(error) = known
        .filter(|error| !freed(view.mapping, work, error) && !is_awaited(view, pair, &there, error))
    {
        plan.errors.push(error.clone());
        return;
    }
    let mut raws = PerSide::<Value>::default();
    let mut shown = None;
    for side in Side::BOTH {
        match side_value(work, pair, side) {
            Side1::Seen(value) | Side1::Assumed(value) => *raws.get_mut(side) = value,
            Side1::Shown(value) => {
                *raws.get_mut(side) = value;
                shown = Some(side);
            }
            Side1::Missing => {
                // While the other side names a parent without a link, nothing can be decided: no read is spent on it.
                match waits_for_parent(view, pair, &there, side.other()) {
                    Some(parent) => plan.blocked.push(blocked(pair, parent)),
                    None if nothing_new(work, pair, side.other()) => {}
                    None => *plan.needs.get_mut(side) = true,
                }
                return;
            }
            Side1::Skip => return,
        }
    }
    let untouched = work
        .base
        .fields
        .get(pair.name())
        .filter(|base| holds(base, &raws));
    if let Some(base) = untouched
        && shown.is_none()
        && open_conflict(work, pair).is_none()
    {
        // Row F1 without a look at canonical forms: both sides hold to the letter what they held when they were settled.
        settle_unverified(work, pair, base, plan);
        return;
    }
    let mut values = raws.clone();
    let mut base = work.base.fields.get(pair.name()).cloned();
    if is_translated(pair) {
        for side in Side::BOTH {
            match view
                .parents
                .token(view.engine, view.known, pair, side, raws.get(side))
            {
                Token::Plain(value) | Token::Shared(value) => *values.get_mut(side) = value,
                Token::Unlinked(parent) => {
                    plan.blocked.push(blocked(pair, parent));
                    return;
                }
                Token::NoOwner(id) => {
                    no_owner(view, work, pair, side, &id, base.as_ref(), plan);
                    return;
                }
            }
        }
        base = base.map(|base| view.parents.base(view.engine, view.known, pair, &base));
    }
    let open = open_conflict(work, pair);
    let resolution = open.and_then(|item| valid_choice(item, &raws));
    let outcome = match late_landing(view, work, pair, &raws, plan) {
        Landed::No => match normalised(view, work, pair, base.as_ref()) {
            Ok(settled) => {
                base = settled;
                merge(view, work, pair, &values, base.as_ref(), resolution)
            }
            Err(NeedsTimes) => {
                plan.wants_times.insert(pair.fields.hubspot.clone());
                return;
            }
        },
        Landed::WantsTimes => {
            plan.wants_times.insert(pair.fields.hubspot.clone());
            return;
        }
        Landed::On(side) => {
            base = Some(without_landing(pair, &values, base.as_ref(), side));
            merge(view, work, pair, &values, base.as_ref(), resolution)
        }
    };
    let outcome = match resolution {
        Some(_) => outcome,
        None => brake(view, work, pair, &values, outcome),
    };
    if outcome.action == Action::Nothing
        && let Some(base) = &base
    {
        settle_unverified(work, pair, base, plan);
    }
    note_changes(pair, &values, base.as_ref(), plan);
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
    if let Some(side) = shown.filter(|_| !same) {
        // The conflict may be over: nothing is settled or written from what was seen then.
        *plan.needs.get_mut(side) = true;
    }
    carry_out(view, work, pair, &raws, base.as_ref(), outcome, plan);
}

/// True where the only side that was read holds what it held before: whatever the other side waits for, this is no news of it.
fn nothing_new(work: &Work, pair: &FieldPair, side: Side) -> bool {
    let seen = work.seen.get(side).as_ref();
    let now = seen.map(|seen| seen.value(pair.field(side)));
    work.only_changed && now.is_some() && assumed(work, pair, side).as_ref() == now
}

/// A pair at rest whose base nobody has seen on a side yet: this look is what verifies it (6.4, I-23).
fn settle_unverified(work: &Work, pair: &FieldPair, base: &BaseField, plan: &mut LinkPlan) {
    let verified = |side: Side| *base.unverified.get(side) && work.seen.get(side).is_some();
    if Side::BOTH.into_iter().any(verified) {
        plan.settles.push((pair.name().to_owned(), base.diverged));
    }
}

/// A write that would go on with what goes back and forth becomes a question, and so does whatever else the rules would do
/// to a field that is frozen (8).
fn brake(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    values: &PerSide<Value>,
    outcome: FieldOutcome,
) -> FieldOutcome {
    let raw = |side: Side, value: &Value| {
        let rendered = view.parents.render(view.known, pair, side, value);
        (side, rendered.unwrap_or_else(|| value.clone()))
    };
    let next: Vec<(Side, Value)> = match &outcome.action {
        Action::Write { to, value, .. } => vec![raw(*to, value)],
        Action::WriteBoth { s, h, .. } => [(Side::Salesforce, s), (Side::HubSpot, h)]
            .into_iter()
            .filter(|(side, value)| values.get(*side) != *value)
            .map(|(side, value)| raw(side, value))
            .collect(),
        Action::Conflict { .. } | Action::NeedsTimes => Vec::new(),
        Action::Nothing | Action::Settle { .. } | Action::Error { .. } => return outcome,
    };
    let frozen = open_conflict(work, pair).filter(|item| item.kind == ItemKind::Oscillation);
    let limit = view.engine.rules.settings.oscillation_writes;
    let stuck =
        work.base.fields.get(pair.name()).filter(|field| {
            !next.is_empty() && oscillation::is_stuck(field, &next, view.run, limit)
        });
    let why = match (frozen, stuck) {
        (Some(item), _) => item.why.clone(),
        (None, Some(field)) => oscillation::why(field),
        (None, None) => return outcome,
    };
    FieldOutcome {
        row: outcome.row,
        action: Action::Conflict {
            suggest: None,
            why,
            rule: oscillation::RULE,
        },
        record: None,
    }
}

fn merge(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    values: &PerSide<Value>,
    base: Option<&BaseField>,
    resolution: Option<&Choice>,
) -> FieldOutcome {
    let input = MergeInput {
        pair,
        s: &values.salesforce,
        h: &values.hubspot,
        base,
        times: times(view, work, pair),
        resolution,
    };
    transform::merge_field(&input)
}

/// The times that last-write-wins looks at (8).
pub(super) fn times(view: &View<'_>, work: &Work, pair: &FieldPair) -> FieldTimes {
    let skew = |side: Side| TimeDelta::milliseconds(offset_uncertainty(view.engine, side));
    let salesforce = work.seen.salesforce.as_ref();
    let settled = work.base.value(pair.name(), Side::Salesforce).is_some();
    let offset = TimeDelta::milliseconds(view.engine.crm.salesforce.health().clock_offset_ms);
    let s_after = if settled {
        work.base.sides.salesforce.observed_at.map(|at| at + offset)
    } else {
        salesforce.and_then(|seen| seen.created_at)
    };
    let versions = work
        .times
        .as_ref()
        .and_then(|times| times.get(&pair.fields.hubspot));
    FieldTimes {
        h_changed_at: versions
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

fn note_changes(
    pair: &FieldPair,
    values: &PerSide<Value>,
    base: Option<&BaseField>,
    plan: &mut LinkPlan,
) {
    let Some(base) = base else { return };
    for side in Side::BOTH {
        let now = transform::base_value(pair, side, values.get(side));
        if base.values.get(side).is_some() && now.as_ref() != base.values.get(side).as_ref() {
            *plan.changed.get_mut(side) = true;
        }
    }
}

pub(super) fn open_conflict<'a>(work: &'a Work, pair: &FieldPair) -> Option<&'a Conflict> {
    work.conflicts.iter().find(|item| {
        matches!(item.kind, ItemKind::Field | ItemKind::Oscillation) && item.field == pair.name()
    })
}

/// A stored choice, where the values are still those that were shown (8).
fn valid_choice<'a>(item: &'a Conflict, raws: &PerSide<Value>) -> Option<&'a Choice> {
    let resolution = item
        .resolution
        .as_ref()
        .filter(|_| item.state == ItemState::Draft)?;
    (resolution.seen == *raws).then_some(&resolution.choice)
}
