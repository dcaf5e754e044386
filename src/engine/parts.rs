//! What is known of a unit before it is decided about: the values of its pairs on both sides and their bases
//! (docs/design/sync-semantics.md 6.1, 7).

use super::failures::standing;
use super::field_errors::{blocked, freed, is_awaited, no_owner, waits_for_parent};
use super::fields::is_association;
use super::links;
use super::references::{Token, is_translated, was_cleared};
use super::work::{LinkPlan, View, Work};
use crate::domain::{
    BaseField, BaseValue, Choice, Conflict, ErrorItem, FieldPair, ItemKind, ItemState, PairKind,
    PerSide, Side, Unit, Value, shown,
};
use crate::transform;

/// One pair of a unit, with what is known of it.
#[derive(Clone)]
pub(super) struct Part<'a> {
    pub(super) pair: &'a FieldPair,
    /// Raw values of both sides.
    pub(super) raws: PerSide<Value>,
    /// The same as the merge sees them: references and owners as neutral tokens.
    pub(super) values: PerSide<Value>,
    /// The base, in the same terms.
    pub(super) base: Option<BaseField>,
    /// The side that holds what an old write of ours has put there since (16.5).
    pub(super) landed: Option<Side>,
}

/// A unit's pairs, and the side whose values are only those that an open conflict saw last, if any.
pub(super) struct Parts<'a> {
    pub(super) all: Vec<Part<'a>>,
    pub(super) shown: Option<Side>,
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

/// True where an error of one of the unit's pairs stands: nothing is read or sent for any of them.
pub(super) fn stands(view: &View<'_>, work: &Work, unit: &Unit<'_>, plan: &mut LinkPlan) -> bool {
    if work.errors.is_empty() {
        return false;
    }
    let mut any = false;
    for pair in unit.pairs() {
        let there = there(work, pair);
        let error = standing(&work.errors, pair.name(), &there, view.now).filter(|error| {
            !freed(view.mapping, view.run, work, error) && !is_awaited(view, pair, &there, error)
        });
        if let Some(error) = error {
            plan.errors.push(error.clone());
            any = true;
        }
    }
    any
}

/// What was read of a pair.
fn there(work: &Work, pair: &FieldPair) -> PerSide<Option<Value>> {
    PerSide::from_fn(|side| {
        let seen = work.seen.get(side).as_ref();
        let value = seen.map(|seen| seen.value(pair.field(side)).clone());
        value.filter(|value| value.is_known() && !pair.field(side).is_empty())
    })
}

/// Puts the unit's values together; `None` where a side has to be read first, or nothing can be concluded.
pub(super) fn gather<'a>(
    view: &View<'_>,
    work: &Work,
    unit: &Unit<'a>,
    plan: &mut LinkPlan,
) -> Option<Parts<'a>> {
    let mut parts = Parts {
        all: Vec::with_capacity(1),
        shown: None,
    };
    for pair in unit.pairs() {
        let mut raws = PerSide::<Value>::default();
        for side in Side::BOTH {
            match side_value(work, pair, side) {
                Side1::Seen(value) | Side1::Assumed(value) => *raws.get_mut(side) = value,
                Side1::Shown(value) => {
                    *raws.get_mut(side) = value;
                    parts.shown = Some(side);
                }
                Side1::Missing => {
                    // While the other side names a parent without a link, nothing can be decided: no read is spent on it.
                    match waits_for_parent(view, pair, &there(work, pair), side.other()) {
                        Some(parent) => plan.blocked.push(blocked(pair, parent)),
                        None if unit
                            .pairs()
                            .all(|pair| nothing_new(work, pair, side.other())) =>
                        {
                            let mine = |error: &&ErrorItem| {
                                unit.pairs().any(|pair| error.field == pair.name())
                            };
                            plan.errors.extend(work.errors.iter().filter(mine).cloned());
                        }
                        None => *plan.needs.get_mut(side) = true,
                    }
                    return None;
                }
                Side1::Skip => return None,
            }
        }
        parts.all.push(Part {
            pair,
            values: raws.clone(),
            raws,
            base: work.base.fields.get(pair.name()).cloned(),
            landed: None,
        });
    }
    Some(parts)
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
            Some(item) => Side1::Shown(item.value_of(pair.name(), side).clone()),
            None if is_apart(work, pair, side) => Side1::Missing,
            None => assumed(work, pair, side).map_or(Side1::Missing, Side1::Assumed),
        },
    }
}

/// True where the last look at a side found something else than its base, and that was not settled.
fn is_apart(work: &Work, pair: &FieldPair, side: Side) -> bool {
    let field = work.base.fields.get(pair.name());
    field.is_some_and(|field| *field.apart.get(side))
}

/// The base of a side as a value, where it is stored as it was.
pub(super) fn assumed(work: &Work, pair: &FieldPair, side: Side) -> Option<Value> {
    links::base_raw(&work.base, pair.name(), side)
}

/// True where the only side that was read holds what it held before: whatever the other side waits for, this is no news of it.
fn nothing_new(work: &Work, pair: &FieldPair, side: Side) -> bool {
    let seen = work.seen.get(side).as_ref();
    let now = seen.map(|seen| seen.value(pair.field(side)));
    work.only_changed && now.is_some() && assumed(work, pair, side).as_ref() == now
}

impl Part<'_> {
    /// Row F1 without a look at canonical forms: both sides hold to the letter what they held when they were settled.
    pub(super) fn is_at_rest(&self) -> bool {
        let settled = self.base.as_ref();
        let settled = settled.filter(|base| !was_cleared(self.pair, base));
        settled.is_some_and(|base| {
            Side::BOTH.iter().all(
                |side| match (base.values.get(*side), self.raws.get(*side)) {
                    (Some(BaseValue::Null), Value::Null) => true,
                    (Some(BaseValue::Raw(held)), Value::Text(now)) => held == now,
                    _ => false,
                },
            )
        })
    }

    /// The part as it would be without what has landed; `None` where nobody knows any more what was there.
    pub(super) fn before_landing(&self) -> Option<Self> {
        let mut before = self.clone();
        if let Some(side) = before.landed.take() {
            let settled = self.base.as_ref()?.values.get(side).as_ref()?;
            *before.values.get_mut(side) = links::raw_of(settled)?;
        }
        Some(before)
    }

    /// True where both sides have a base that can be gone back to.
    pub(super) fn has_base(&self) -> bool {
        self.base.as_ref().is_some_and(|base| {
            let whole = |side| match base.values.get(side) {
                Some(BaseValue::Null | BaseValue::Raw(_)) => true,
                Some(BaseValue::Hashed { .. }) | None => false,
            };
            Side::BOTH.into_iter().all(whole)
        })
    }

    /// True where the sides do not mean the same.
    pub(super) fn is_apart(&self) -> bool {
        let (s, h) = (&self.values.salesforce, &self.values.hubspot);
        transform::equal(self.pair, s, h) == Some(false)
    }

    /// Turns ids of records and users into tokens that both sides share; false where that has to wait.
    pub(super) fn translate(&mut self, view: &View<'_>, work: &Work, plan: &mut LinkPlan) -> bool {
        let pair = self.pair;
        if !is_translated(pair) {
            return true;
        }
        let mut away = None;
        for side in Side::BOTH {
            match view
                .parents
                .token(view.engine, view.known, pair, side, self.raws.get(side))
            {
                Token::Plain(value) | Token::Shared(value) => *self.values.get_mut(side) = value,
                Token::Away(value) => {
                    *self.values.get_mut(side) = value;
                    if away.replace(side).is_some() {
                        return false;
                    }
                }
                Token::Outside(parent) => {
                    // Its link, should it get one, is news.
                    plan.blocked.push(blocked(pair, parent));
                    let held = self.base.as_ref();
                    let first = held.is_none_or(|base| base.values.get(side).is_none());
                    if first && !self.raws.get(side.other()).is_blank() {
                        // A blank of ours is nothing for the other side to fill.
                        return false;
                    }
                    *self.values.get_mut(side) = Value::Null;
                }
                Token::Unlinked(parent) => {
                    plan.blocked.push(blocked(pair, parent));
                    return false;
                }
                Token::NoOwner(id) => {
                    no_owner(view, work, pair, side, &id, self.base.as_ref(), plan);
                    return false;
                }
            }
        }
        self.base = self
            .base
            .take()
            .map(|base| view.parents.base(view.engine, view.known, pair, &base));
        away.is_none_or(|side| self.moved_on(side))
    }

    /// A reference to a record whose counterpart was deleted: what the other side makes of that is no edit, until it names
    /// another record (12.2).
    fn moved_on(&self, side: Side) -> bool {
        let held = self
            .base
            .as_ref()
            .and_then(|base| base.values.get(side).as_ref());
        let still = matches!((held, self.values.get(side)), (Some(BaseValue::Raw(held)), Value::Text(now)) if held == now);
        still && !self.values.get(side.other()).is_blank()
    }
}

/// What a side holds in all the parts, as one value.
pub(super) fn together(parts: &[Part<'_>], side: Side) -> Value {
    match parts {
        [one] => one.raws.get(side).clone(),
        _ => shown(parts.iter().map(|part| part.raws.get(side))),
    }
}

/// The open conflict or frozen field of a pair, by itself or in its group.
pub(super) fn open_conflict<'a>(work: &'a Work, pair: &FieldPair) -> Option<&'a Conflict> {
    work.conflicts
        .iter()
        .find(|item| of_fields(item) && item.is_about(pair.name()))
}

/// All such items of a unit. There is more than one only where a group was made or taken apart while they were open.
pub(super) fn open_items<'a>(
    work: &'a Work,
    unit: &Unit<'_>,
) -> impl Iterator<Item = &'a Conflict> {
    work.conflicts
        .iter()
        .filter(|item| of_fields(item) && unit.pairs().any(|pair| item.is_about(pair.name())))
}

/// The item that is about exactly this unit.
pub(super) fn own_item<'a>(work: &'a Work, unit: &Unit<'_>) -> Option<&'a Conflict> {
    work.conflicts
        .iter()
        .find(|item| of_fields(item) && unit.is_called(&item.field))
}

/// True for a question about a field or a group of them.
pub(super) fn of_fields(item: &Conflict) -> bool {
    matches!(item.kind, ItemKind::Field | ItemKind::Oscillation)
}

/// A stored choice, where the values are still those that were shown (8).
pub(super) fn valid_choice<'a>(item: &'a Conflict, parts: &[Part<'_>]) -> Option<&'a Choice> {
    let resolution = item
        .resolution
        .as_ref()
        .filter(|_| item.state == ItemState::Draft)?;
    let same = |side: Side| {
        *resolution.seen.get(side) == together(parts, side)
            && (parts.len() == 1 || still(item, parts, side))
    };
    let there = resolution.choice != Choice::Base || parts.iter().all(Part::has_base);
    (there && Side::BOTH.into_iter().all(same)).then_some(&resolution.choice)
}

/// True where a side holds what an item saw there last, field by field.
pub(super) fn still(item: &Conflict, parts: &[Part<'_>], side: Side) -> bool {
    parts
        .iter()
        .all(|part| item.value_of(part.pair.name(), side) == part.raws.get(side))
}
