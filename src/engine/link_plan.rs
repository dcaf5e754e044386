//! What one link needs: the field merge of every pair, put together (docs/design/sync-semantics.md 7, 10.3, 14).
//! A function of what was seen; it sends and stores nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::blocked::Blocked;
use super::context::{Engine, Known};
use super::echo::{self, Origin};
use super::failures::{ErrorFacts, error_item, standing, value_digest};
use super::fields::{is_association, is_property};
use super::links;
use super::oscillation;
use super::references::{Parents, Token, is_translated};
use crate::crm::FieldVersion;
use crate::domain::merge::{Action, FieldOutcome, FieldTimes, MergeInput};
use crate::domain::{
    Assignment, Base, BaseField, BaseValue, Choice, Conflict, ErrorCategory, ErrorItem, FieldPair,
    ItemId, ItemKind, ItemState, Link, LinkId, Mapping, Observation, Op, OpId, PairKind, PerSide,
    RecordKey, RunId, Side, SideValue, Value,
};
use crate::transform;

/// One link under work, with all that is known of it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// The link.
    pub(super) link: Link,
    /// What each side looks like, where it was read.
    pub(super) seen: PerSide<Option<Observation>>,
    /// When each side was read for this very decision (the pre-read of 6.2).
    pub(super) fresh: PerSide<Option<DateTime<Utc>>>,
    /// The base.
    pub(super) base: Base,
    /// Open items of this link.
    pub(super) conflicts: Vec<Conflict>,
    /// Open errors of this link.
    pub(super) errors: Vec<ErrorItem>,
    /// Versions of HubSpot properties, once they were looked up.
    pub(super) times: Option<BTreeMap<String, Vec<FieldVersion>>>,
    /// Rounds it was planned again because its target moved.
    pub(super) replans: u32,
}

impl Work {
    /// A name for people, from whichever side was read.
    pub(super) fn label(&self) -> String {
        let named = |side: Side| self.seen.get(side).as_ref().map(Observation::label);
        named(Side::Salesforce)
            .or_else(|| named(Side::HubSpot))
            .unwrap_or_else(|| self.link.id.short())
    }
}

/// What a link needs.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkPlan {
    /// Fields to write, by side.
    pub(super) writes: PerSide<BTreeMap<String, Assignment>>,
    /// Associations to set or remove on HubSpot, by pseudo field.
    pub(super) associations: BTreeMap<String, Assignment>,
    /// Pairs that settle without a write: name and whether they diverge.
    pub(super) settles: Vec<(String, bool)>,
    /// Conflicts that are open now (new or seen again).
    pub(super) conflicts: Vec<Conflict>,
    /// Decisions of rules, kept for the record (I-2).
    pub(super) infos: Vec<Conflict>,
    /// Items that are over once this plan is carried out.
    pub(super) closes: Vec<Conflict>,
    /// Fields that cannot be used.
    pub(super) errors: Vec<ErrorItem>,
    /// Parents that must be linked first.
    pub(super) blocked: Vec<Blocked>,
    /// Ghosts that were seen to have landed after all.
    pub(super) landed: Vec<OpId>,
    /// HubSpot properties whose times must be looked up before this can be decided.
    pub(super) wants_times: BTreeSet<String>,
    /// Sides that must be read before this can be decided or sent.
    pub(super) needs: PerSide<bool>,
    /// Pairs whose values changed since the base, by side (for the valves).
    pub(super) changed: PerSide<bool>,
    /// Key fields that were found to hold the counterpart's id already.
    pub(super) stamped: PerSide<bool>,
}

/// What planning looks at beside the link itself.
pub(super) struct View<'a> {
    /// The engine (clock offsets and mappings only).
    pub(super) engine: &'a Engine,
    /// The mapping.
    pub(super) mapping: &'a Mapping,
    /// What preflight learned.
    pub(super) known: &'a Known,
    /// Updates that may still land, by link.
    pub(super) ghosts: &'a BTreeMap<LinkId, Vec<Op>>,
    /// Links of parents.
    pub(super) parents: &'a Parents,
    /// The moment of planning.
    pub(super) now: DateTime<Utc>,
    /// The run.
    pub(super) run: RunId,
}

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
    for pair in &view.mapping.pairs {
        plan_pair(view, work, pair, &mut plan);
    }
    for side in Side::BOTH {
        plan_stamp(view, work, side, &mut plan);
    }
    for side in Side::BOTH {
        let touched = !plan.writes.get(side).is_empty()
            || (side == Side::HubSpot && !plan.associations.is_empty());
        if touched && work.fresh.get(side).is_none() {
            *plan.needs.get_mut(side) = true;
        }
    }
    plan
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

fn assumed(work: &Work, pair: &FieldPair, side: Side) -> Option<Value> {
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
            Some(settled) => {
                base = settled;
                merge(view, work, pair, &values, base.as_ref(), resolution)
            }
            None => {
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

/// The base, moved on a side to what the vendor made of our own write (11); `None` where it must be looked up whose
/// change it was.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it is known, the inner one is the base"
)]
fn normalised(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    base: Option<&BaseField>,
) -> Option<Option<BaseField>> {
    let mut moved = base.cloned();
    let Some(field) = moved.as_mut().filter(|_| !is_translated(pair)) else {
        return Some(moved);
    };
    for side in Side::BOTH {
        let name = pair.field(side);
        let (Some(seen), Some(held)) = (
            work.seen
                .get(side)
                .as_ref()
                .filter(|_| is_property(pair, side)),
            assumed(work, pair, side),
        ) else {
            continue;
        };
        let now = seen.value(name);
        if !now.is_known() || super::apply::same_value(view.mapping, side, name, &held, now) {
            continue;
        }
        let offset = view.engine.side(side).health().clock_offset_ms;
        let looked = work.base.sides.get(side).observed_at;
        let change = echo::Change {
            unverified: *field.unverified.get(side),
            wrote_last: field.writes.last().is_some_and(|last| last.to == side),
            after: looked.map(|at| seen.modstamp - (at + TimeDelta::milliseconds(offset))),
            by_us: by_us(view, work, seen, name),
        };
        match echo::origin(change) {
            Origin::Theirs => {}
            Origin::Unclear => return None,
            Origin::Ours => {
                tracing::info!(event = "normalised", link = %work.link.id, field = name, "the vendor stored our value in another form");
                *field.values.get_mut(side) = transform::base_value(pair, side, now);
                *field.unverified.get_mut(side) = true;
                let present = |side: Side| {
                    work.seen
                        .get(side)
                        .as_ref()
                        .map(|seen| seen.value(pair.field(side)).clone())
                };
                let both = PerSide::from_fn(|one| {
                    present(one)
                        .or_else(|| assumed(work, pair, one))
                        .unwrap_or_default()
                });
                field.diverged =
                    transform::equal(pair, &both.salesforce, &both.hubspot) == Some(false);
            }
        }
    }
    Some(moved)
}

/// Whether a side's present value was set under our identity; `None` where HubSpot's versions have to be looked up first.
fn by_us(view: &View<'_>, work: &Work, seen: &Observation, name: &str) -> Option<bool> {
    match seen.side {
        Side::Salesforce => {
            let us = view.known.us.salesforce.as_ref();
            Some(us.is_some() && seen.modified_by.as_ref() == us)
        }
        Side::HubSpot => {
            let versions = work.times.as_ref()?.get(name);
            let newest = versions.and_then(|all| all.first());
            Some(newest.is_some_and(|version| version.ours))
        }
    }
}

/// True where a vendor refused a write and somebody has edited something else of that record since: its rules may let it
/// through now, so it is tried before its time.
pub(super) fn freed(mapping: &Mapping, work: &Work, error: &ErrorItem) -> bool {
    let side = error.side;
    let Some(seen) = work
        .seen
        .get(side)
        .as_ref()
        .filter(|_| error.vendor.is_some())
    else {
        return false;
    };
    mapping.pairs.iter().any(|pair| {
        let waits = open_conflict(work, pair).is_some()
            || work.errors.iter().any(|item| item.field == pair.name());
        let name = pair.field(side);
        let now = seen.value(name);
        !waits
            && is_property(pair, side)
            && now.is_known()
            && assumed(work, pair, side)
                .is_some_and(|base| !super::apply::same_value(mapping, side, name, &base, now))
    })
}

fn blocked(pair: &FieldPair, parent: RecordKey) -> Blocked {
    Blocked {
        pair: pair.name().to_owned(),
        parent,
    }
}

/// True where the error told of a wait for a parent, and none is missing any more.
fn is_awaited(
    view: &View<'_>,
    pair: &FieldPair,
    there: &PerSide<Option<Value>>,
    error: &ErrorItem,
) -> bool {
    let about_parent = matches!(pair.kind, PairKind::Reference { .. })
        && error.category == ErrorCategory::Reference
        && error.vendor.is_none();
    about_parent
        && Side::BOTH
            .into_iter()
            .all(|side| waits_for_parent(view, pair, there, side).is_none())
}

/// The parent without a link that a side's value names, if it does.
fn waits_for_parent(
    view: &View<'_>,
    pair: &FieldPair,
    there: &PerSide<Option<Value>>,
    side: Side,
) -> Option<RecordKey> {
    let raw = there.get(side).as_ref()?;
    let known = matches!(pair.kind, PairKind::Reference { .. });
    match view.parents.token(view.engine, view.known, pair, side, raw) {
        Token::Unlinked(parent) if known => Some(parent),
        _ => None,
    }
}

/// Whether a side holds what an update of ours, given up long ago, has put there since (16.5).
enum Landed {
    No,
    /// It looks like it; whose write it was has to be looked up.
    WantsTimes,
    On(Side),
}

fn late_landing(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    raws: &PerSide<Value>,
    plan: &mut LinkPlan,
) -> Landed {
    for op in view.ghosts.get(&work.link.id).into_iter().flatten() {
        let (side, name) = (op.side, pair.field(op.side));
        let (Some(sent), Some(seen)) = (op.fields.get(name), work.seen.get(side)) else {
            continue;
        };
        let same =
            |one: &Value| super::apply::same_value(view.mapping, side, name, one, seen.value(name));
        let settled = assumed(work, pair, side).is_some_and(|base| same(&base));
        if settled || !same(&sent.after) || raws.get(side) != seen.value(name) {
            continue;
        }
        let Some(ours) = by_us(view, work, seen, name) else {
            return Landed::WantsTimes;
        };
        if ours {
            tracing::warn!(event = "late_landing", op = %op.id, field = name, "a write that was given up has landed");
            plan.landed.push(op.id);
            return Landed::On(side);
        }
    }
    Landed::No
}

/// The base for a pair that a late landing has touched: that side counts as unchanged, and where the other side has not
/// changed either, it does now, so that its value is written again.
fn without_landing(
    pair: &FieldPair,
    values: &PerSide<Value>,
    base: Option<&BaseField>,
    side: Side,
) -> BaseField {
    let other = side.other();
    let mut pretended = base.cloned().unwrap_or_default();
    *pretended.values.get_mut(side) = transform::base_value(pair, side, values.get(side));
    let unchanged =
        pretended.values.get(other) == &transform::base_value(pair, other, values.get(other));
    if unchanged {
        let anything_else = match values.get(other).is_blank() {
            true => BaseValue::Raw("late landing".to_owned()),
            false => BaseValue::Null,
        };
        *pretended.values.get_mut(other) = Some(anything_else);
    }
    pretended
}

/// Unmapped owners are an error of the field, once, and never a blank; a pair that did not change is left in peace.
fn no_owner(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    side: Side,
    id: &str,
    base: Option<&BaseField>,
    plan: &mut LinkPlan,
) {
    let settled = base.is_some_and(|base| {
        matches!(base.values.get(side), Some(crate::domain::BaseValue::Raw(text)) if text == id)
    });
    if settled {
        return;
    }
    let message = format!(
        "{} {id} of {side} is not among the users that can be told by e-mail",
        pair.field(side)
    );
    plan.errors.push(field_error(
        view,
        work,
        pair,
        side,
        Value::text(id),
        ErrorCategory::Reference,
        message,
    ));
}

fn field_error(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    side: Side,
    value: Value,
    category: ErrorCategory,
    message: String,
) -> ErrorItem {
    let mut item = error_item(
        &ErrorFacts {
            mapping: view.mapping,
            record: links::of_link(view.mapping, &work.link, side),
            side,
            link: Some(work.link.id),
            label: work.label(),
            field: pair.name().to_owned(),
            value,
            category,
            message,
            vendor: None,
            run: view.run,
            now: view.now,
        },
        work.errors.as_slice(),
        &view.engine.rules.settings,
    );
    item.seen = pair_digests(work, pair);
    item
}

/// Digests of a pair's raw values, as far as they were read.
pub(super) fn pair_digests(work: &Work, pair: &FieldPair) -> PerSide<String> {
    PerSide::from_fn(|side| {
        let seen = work
            .seen
            .get(side)
            .as_ref()
            .map(|seen| seen.value(pair.field(side)));
        seen.filter(|value| value.is_known())
            .map(value_digest)
            .unwrap_or_default()
    })
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

fn open_conflict<'a>(work: &'a Work, pair: &FieldPair) -> Option<&'a Conflict> {
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

fn carry_out(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    raws: &PerSide<Value>,
    base: Option<&BaseField>,
    outcome: FieldOutcome,
    plan: &mut LinkPlan,
) {
    let open = open_conflict(work, pair);
    let mut closing = open.cloned();
    if let Some(decided) = &outcome.record {
        let mut info = conflict(view, work, pair, raws, base);
        info.id = ItemId::derive(&[
            b"decided",
            &work.link.id.0.to_be_bytes(),
            pair.name().as_bytes(),
            &view.run.0.to_be_bytes(),
        ]);
        info.rule = decided.rule.to_owned();
        info.suggest = decided.winner;
        info.why = decided.winner.map_or_else(
            || "Both values were joined.".to_owned(),
            |side| {
                format!(
                    "{side}'s value was taken by the rule {}; the other one is kept here.",
                    decided.rule
                )
            },
        );
        info.state = ItemState::Resolved;
        info.automatic = true;
        plan.infos.push(info);
    }
    match outcome.action {
        // Both sides hold their bases again: whatever was asked about them is over.
        Action::Nothing => {}
        Action::Settle { diverged } => plan.settles.push((pair.name().to_owned(), diverged)),
        Action::Write { to, value, rule } => assign(view, work, pair, raws, to, &value, rule, plan),
        Action::WriteBoth { s, h, rule } => {
            for (side, value) in [(Side::Salesforce, s), (Side::HubSpot, h)] {
                if raws.get(side) != &value || is_translated(pair) {
                    assign(view, work, pair, raws, side, &value, rule, plan);
                }
            }
            if !plan
                .writes
                .salesforce
                .contains_key(pair.field(Side::Salesforce))
                && !plan.writes.hubspot.contains_key(pair.field(Side::HubSpot))
            {
                plan.settles
                    .push((pair.name().to_owned(), raws.salesforce != raws.hubspot));
            }
        }
        Action::Conflict { suggest, why, rule } => {
            let mut item = conflict(view, work, pair, raws, base);
            if rule == oscillation::RULE {
                item.kind = ItemKind::Oscillation;
                item.id = oscillation::item_id(work.link.id, pair.name());
            }
            item.suggest = suggest;
            item.why = why;
            item.rule = rule.to_owned();
            if let Some(before) = open.filter(|before| before.id == item.id) {
                closing = None;
                item.first_seen = before.first_seen;
                for side in Side::BOTH {
                    if work.seen.get(side).is_none() {
                        *item.sides.get_mut(side) = before.sides.get(side).clone();
                    }
                }
                let moved = before.sides.salesforce.value != raws.salesforce
                    || before.sides.hubspot.value != raws.hubspot;
                if before.state == ItemState::Draft && !moved {
                    item.state = ItemState::Draft;
                    item.resolution = before.resolution.clone();
                } else if before.state == ItemState::Draft {
                    item.why = format!(
                        "{} It was changed after your choice, so it is open again.",
                        item.why
                    );
                }
            }
            plan.conflicts.push(item);
        }
        Action::Error {
            side,
            message,
            value,
            category,
        } => {
            closing = None;
            plan.errors.push(field_error(
                view, work, pair, side, value, category, message,
            ));
        }
        Action::NeedsTimes => {
            closing = None;
            let same = |item: &&Conflict| {
                item.sides.salesforce.value == raws.salesforce
                    && item.sides.hubspot.value == raws.hubspot
            };
            match open.filter(same) {
                // Nothing moved since it was found ambiguous: looking the times up again would tell the same.
                Some(item) => {
                    plan.conflicts.push(Conflict {
                        last_seen: view.now,
                        run: view.run,
                        ..item.clone()
                    });
                }
                None => {
                    plan.wants_times.insert(pair.fields.hubspot.clone());
                }
            }
        }
    }
    if let Some(item) = closing {
        plan.closes.push(Conflict {
            state: ItemState::Resolved,
            last_seen: view.now,
            run: view.run,
            ..item
        });
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one write of one pair, in the terms of the plan"
)]
fn assign(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    raws: &PerSide<Value>,
    to: Side,
    value: &Value,
    rule: &str,
    plan: &mut LinkPlan,
) {
    let link = value
        .as_text()
        .filter(|_| matches!(pair.kind, PairKind::Reference { .. }))
        .and_then(|text| text.parse().ok());
    let Some(raw) = view.parents.render(view.known, pair, to, value) else {
        match value.as_text().and_then(|text| text.parse::<LinkId>().ok()) {
            // The parent is being created: this field follows once its id is known (14.3).
            Some(_) => block_on_source(view, pair, raws, to, plan),
            None => {
                let email = value.as_text().unwrap_or_default();
                let message = format!(
                    "no active user of {to} has the e-mail {email}, so {} cannot be set",
                    pair.field(to)
                );
                let error = field_error(
                    view,
                    work,
                    pair,
                    to.other(),
                    value.clone(),
                    ErrorCategory::Reference,
                    message,
                );
                plan.errors.push(error);
            }
        }
        return;
    };
    let assignment = Assignment {
        before: raws.get(to).clone(),
        after: raw,
        rule: rule.to_owned(),
        pair: pair.name().to_owned(),
        source: raws.get(to.other()).clone(),
        link,
        left: None,
    };
    if is_association(pair, to) {
        plan.associations
            .insert(pair.field(to).to_owned(), assignment);
    } else if is_property(pair, to) {
        plan.writes
            .get_mut(to)
            .insert(pair.field(to).to_owned(), assignment);
    }
}

fn block_on_source(
    view: &View<'_>,
    pair: &FieldPair,
    raws: &PerSide<Value>,
    to: Side,
    plan: &mut LinkPlan,
) {
    let PairKind::Reference { mapping } = &pair.kind else {
        return;
    };
    let (Some(parent), Some(id)) = (view.engine.mapping(mapping), raws.get(to.other()).as_text())
    else {
        return;
    };
    let parent = links::record_key(parent, to.other(), &id.into());
    plan.blocked.push(blocked(pair, parent));
}

fn conflict(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    raws: &PerSide<Value>,
    base: Option<&BaseField>,
) -> Conflict {
    let times = times(view, work, pair);
    let versions = work
        .times
        .as_ref()
        .and_then(|times| times.get(&pair.fields.hubspot));
    let version = versions.and_then(|all| all.first());
    let seen = |side: Side| work.seen.get(side).as_ref();
    let side_value = |side: Side| SideValue {
        id: work.link.ids.get(side).clone(),
        value: raws.get(side).clone(),
        modified_at: match side {
            Side::Salesforce => times.s_modified_at,
            Side::HubSpot => version
                .map(|version| version.at)
                .or(seen(side).map(|seen| seen.modstamp)),
        },
        modified_by: match side {
            Side::Salesforce => seen(side).and_then(|seen| seen.modified_by.clone()),
            Side::HubSpot => version.and_then(|version| version.by.clone()),
        },
    };
    let base_value = base.and_then(|_| {
        links::base_raw(&work.base, pair.name(), Side::Salesforce)
            .or_else(|| links::base_raw(&work.base, pair.name(), Side::HubSpot))
    });
    Conflict {
        id: ItemId::derive(&[
            b"field",
            &work.link.id.0.to_be_bytes(),
            pair.name().as_bytes(),
        ]),
        field: pair.name().to_owned(),
        sides: PerSide::from_fn(side_value),
        base: base_value,
        ..blank_item(view, work)
    }
}

/// An open item of the link, about nothing yet.
fn blank_item(view: &View<'_>, work: &Work) -> Conflict {
    Conflict {
        id: ItemId(0),
        mapping: view.mapping.id.clone(),
        kind: ItemKind::Field,
        link: Some(work.link.id),
        label: work.label(),
        field: String::new(),
        sides: PerSide::from_fn(|side| SideValue {
            id: work.link.ids.get(side).clone(),
            ..SideValue::default()
        }),
        base: None,
        base_run: None,
        suggest: None,
        rule: String::new(),
        why: String::new(),
        state: ItemState::Open,
        candidates: Vec::new(),
        resolution: None,
        automatic: false,
        first_seen: view.now,
        last_seen: view.now,
        run: view.run,
    }
}

/// The key field of one side: written where it does not hold the counterpart's id yet (10.3). One that holds another
/// id is never overwritten.
fn plan_stamp(view: &View<'_>, work: &Work, side: Side, plan: &mut LinkPlan) {
    let keyed = view.known.keyed.contains(&(view.mapping.id.clone(), side));
    let (true, false, Some(counterpart)) = (
        keyed,
        *work.link.stamped.get(side),
        work.link.ids.get(side.other()),
    ) else {
        return;
    };
    let Some(seen) = work.seen.get(side) else {
        // A record that was refused is not read again just for its stamp: that goes with its next write.
        *plan.needs.get_mut(side) |= work.errors.is_empty();
        return;
    };
    let field = view.mapping.key_field(side);
    let before = seen.value(field).clone();
    match before.as_text() {
        Some(text) if text.eq_ignore_ascii_case(counterpart.as_str()) => {
            *plan.stamped.get_mut(side) = true
        }
        Some(other) => plan.conflicts.push(stolen_stamp(view, work, side, other)),
        None if before == Value::Unknown => {}
        None => {
            let assignment = Assignment {
                before,
                after: Value::Text(counterpart.0.clone()),
                rule: "key".to_owned(),
                ..Assignment::default()
            };
            plan.writes
                .get_mut(side)
                .insert(field.to_owned(), assignment);
        }
    }
}

fn stolen_stamp(view: &View<'_>, work: &Work, side: Side, holds: &str) -> Conflict {
    let field = view.mapping.key_field(side);
    Conflict {
        id: ItemId::derive(&[
            b"stamp",
            &work.link.id.0.to_be_bytes(),
            side.word().as_bytes(),
        ]),
        kind: ItemKind::AlreadyLinked,
        field: String::new(),
        why: format!(
            "{field} of the {side} record holds {holds}, but the record is linked to another one; a copied record does this."
        ),
        rule: "ask".to_owned(),
        candidates: vec![crate::domain::Candidate {
            record: links::record_key(view.mapping, side.other(), &holds.into()),
            label: String::new(),
            why: format!("named by {field}"),
        }],
        ..blank_item(view, work)
    }
}
