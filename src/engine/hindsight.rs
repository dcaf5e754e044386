//! Whose a changed value is: a write of ours that landed late (docs/design/sync-semantics.md 16.5), what a vendor made of
//! one (11), or an edit like any other.

use chrono::{DateTime, TimeDelta, Utc};

use super::echo::{self, Origin};
use super::fields::is_property;
use super::parts::assumed;
use super::references::is_translated;
use super::versions;
use super::work::{LinkPlan, View, Work};
use crate::domain::{
    BaseField, BaseValue, FieldPair, Mapping, Observation, Op, PerSide, Side, Value,
};
use crate::transform;

/// The rule that writes a late landing over where the sides were settled apart.
pub(super) const RULE: &str = "late_landing";

/// The versions of HubSpot properties have to be looked up first.
pub(super) struct NeedsTimes;

/// The base, moved on a side to what the vendor made of our own write (11); an error where it must be looked up whose
/// change it was.
pub(super) fn normalised(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    base: Option<&BaseField>,
) -> Result<Option<BaseField>, NeedsTimes> {
    let mut moved = base.cloned();
    let Some(field) = moved.as_mut().filter(|_| !is_translated(pair)) else {
        return Ok(moved);
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
        if !now.is_known() || super::fields::same_value(view.mapping, side, name, &held, now) {
            continue;
        }
        let offset = view.engine.side(side).health().clock_offset_ms;
        // A store that was put back does not know what we wrote last: an undo since then is no vendor's form of the write before.
        let knows = !view.known.restored.contains(&view.mapping.id);
        let wrote = field.writes.last().filter(|last| last.to == side && knows);
        let sent = wrote.and_then(|last| last.at);
        let change = echo::Change {
            unverified: *field.unverified.get(side),
            wrote_last: wrote.is_some(),
            after: sent.map(|at| seen.modstamp - (at + TimeDelta::milliseconds(offset))),
            by_us: by_us(view, work, seen, pair).map(|us| us && tells(work, side, sent)),
        };
        match echo::origin(change) {
            Origin::Theirs => {}
            Origin::Unclear => return Err(NeedsTimes),
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
    Ok(moved)
}

/// Whether the last author of the record says who set a field that we wrote at `sent`. Salesforce names one author for the
/// whole record: once we have written anything else to it, that is us whoever edited the field.
fn tells(work: &Work, side: Side, sent: Option<DateTime<Utc>>) -> bool {
    let last = work.base.sides.get(side).wrote_at;
    side == Side::HubSpot || last.is_none() || last == sent
}

/// Whether a side's present value was set under our identity; `None` where HubSpot's versions have to be looked up first.
fn by_us(view: &View<'_>, work: &Work, seen: &Observation, pair: &FieldPair) -> Option<bool> {
    match seen.side {
        Side::Salesforce => {
            let us = view.known.us.salesforce.as_ref();
            Some(us.is_some() && seen.modified_by.as_ref() == us)
        }
        Side::HubSpot => {
            work.times.as_ref()?;
            let newest = versions::of(work, pair).and_then(|all| all.first());
            Some(newest.is_some_and(|version| version.ours))
        }
    }
}

/// Whether a side holds what an update of ours, given up long ago, has put there since (16.5).
pub(super) enum Landed {
    No,
    /// It looks like it; whose write it was has to be looked up.
    WantsTimes,
    On(Side),
}

/// True where a write that was given up, of these, sent that to a field of a side: it may have landed late (16.5).
pub(super) fn was_sent(
    mapping: &Mapping,
    ghosts: &[Op],
    (side, name): (Side, &str),
    value: &Value,
) -> bool {
    let of_side = ghosts.iter().filter(|op| op.side == side);
    let mut sent = of_side.filter_map(|op| op.fields.get(name));
    sent.any(|one| super::fields::same_value(mapping, side, name, &one.after, value))
}

pub(super) fn late_landing(
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
        let same = |one: &Value| {
            super::fields::same_value(view.mapping, side, name, one, seen.value(name))
        };
        let settled = assumed(work, pair, side).is_some_and(|base| same(&base));
        if settled || !same(&sent.after) || raws.get(side) != seen.value(name) {
            continue;
        }
        let Some(ours) = by_us(view, work, seen, pair) else {
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
pub(super) fn without_landing(
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
