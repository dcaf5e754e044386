//! What follows from a record that is gone, and from one that was merged into another
//! (docs/design/sync-semantics.md 12.1 to 12.5). Tables over what was seen; nothing is read, sent or stored here.

use chrono::{DateTime, Utc};

use super::fields::is_property;
use super::links::base_field;
use crate::domain::{
    Base, BaseValue, Choice, CreatePolicy, DeletePolicy, DeleteUpdate, Departed, Direction,
    Evidence, FieldPair, ItemKind, LinkId, LinkState, Mapping, Observation, PairKind, PerSide,
    Side, Value,
};
use crate::transform;

/// How a record stands, by what was read of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum There {
    /// It is there.
    Live,
    /// It was deleted, and this says so.
    Gone(Evidence),
    /// It was merged into another one.
    Merged,
    /// A Lead that was converted.
    Converted,
    /// Nothing answers, and nothing says that it was deleted: no evidence of anything (12.1).
    Silent,
}

/// What a mapping says about deletions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) deletes: DeletePolicy,
    pub(super) delete_update: DeleteUpdate,
    pub(super) direction: Direction,
    pub(super) creates: CreatePolicy,
}

impl Policy {
    pub(super) fn of(mapping: &Mapping) -> Self {
        Policy {
            deletes: mapping.deletes,
            delete_update: mapping.delete_update,
            direction: mapping.direction,
            creates: mapping.creates,
        }
    }

    /// True where a record of that side may be made anew.
    fn makes(self, side: Side) -> bool {
        self.direction.allows(side) && self.creates.allows(side)
    }
}

/// What a decision about a link looks at.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub(super) state: &'a LinkState,
    pub(super) there: PerSide<There>,
    /// A value of that side changed since the base and could travel to the other one.
    pub(super) changed: PerSide<bool>,
    pub(super) policy: Policy,
    /// What a person chose.
    pub(super) choice: Option<&'a Choice>,
    /// An earlier try to carry the deletion over failed and is due again.
    pub(super) unfinished: bool,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Nothing,
    /// It is left for a step that knows more.
    Later,
    /// The link is the tombstone of these sides; what is left of it stays as it is.
    Rest(PerSide<bool>),
    /// The record of that side is archived too.
    Archive(Side, Evidence),
    /// The record of that side is made anew.
    Anew(Side),
    /// A person decides about what is left; that side's record is gone.
    Ask(ItemKind, Side),
    /// Both records are there: they are merged as ever, from the old base.
    Back,
    /// That side's Lead was converted.
    Converted(Side),
    /// That side's record cannot be reached: an error, and nothing else, whether or not the other one is gone.
    OutOfReach(Side),
}

/// The table of 12.2, with what 12.1 and 12.5 add to it.
pub(super) fn decide(facts: &Facts<'_>) -> Verdict {
    if matches!(facts.state, LinkState::TakenBack(_)) {
        // Only merges of what is left are followed.
        return Verdict::Nothing;
    }
    let gone = |side: &Side| matches!(facts.there.get(*side), There::Gone(_));
    let gone: Vec<Side> = Side::BOTH.into_iter().filter(gone).collect();
    match gone.as_slice() {
        [] => nobody_gone(facts),
        [side] => one_gone(facts, *side),
        _ => match facts.state {
            LinkState::Deleted(known) if known.gone == both(true) => Verdict::Nothing,
            _ => Verdict::Rest(both(true)),
        },
    }
}

fn both(is: bool) -> PerSide<bool> {
    PerSide {
        salesforce: is,
        hubspot: is,
    }
}

fn rest(side: Side) -> Verdict {
    Verdict::Rest(Departed::of(side).gone)
}

fn one_gone(facts: &Facts<'_>, gone: Side) -> Verdict {
    let left = gone.other();
    let There::Gone(evidence) = *facts.there.get(gone) else {
        return Verdict::Nothing;
    };
    match *facts.there.get(left) {
        There::Live => {}
        // That this one is gone says nothing of the other one (12.1).
        There::Silent if *facts.state == LinkState::Active => return Verdict::OutOfReach(left),
        _ => return rest(gone),
    }
    let known = match facts.state {
        LinkState::Deleted(known) => Some(known),
        LinkState::Suspended(_) if facts.choice.is_none() => return rest(gone),
        LinkState::OutOfScope | LinkState::Unlinked => return rest(gone),
        _ => None,
    };
    let restored = known.is_some_and(|known| *known.gone.get(left));
    let policy = facts.policy;
    let archive = match policy.direction.allows(left) {
        true => Verdict::Archive(left, evidence),
        false => rest(gone),
    };
    match facts.choice {
        Some(Choice::Accept) if !restored => return archive,
        Some(Choice::Create) if policy.makes(gone) => return Verdict::Anew(gone),
        Some(Choice::Ignore) => return rest(gone),
        _ => {}
    }
    match known {
        Some(known) if restored => {
            return match known.archived.get(gone) {
                Some(_) => Verdict::Ask(ItemKind::RestoredHereDeletedThere, gone),
                None => rest(gone),
            };
        }
        Some(known) if !known.due && !facts.unfinished => return Verdict::Nothing,
        // What we archived because of the other one, which is there again, is nobody's deletion.
        Some(known) if known.archived.get(gone).is_some() => {
            return Verdict::Ask(ItemKind::RestoredHereDeletedThere, gone);
        }
        _ => {}
    }
    match (facts.changed.get(left), policy.delete_update) {
        (true, DeleteUpdate::UpdateWins) if policy.makes(gone) => return Verdict::Anew(gone),
        (true, DeleteUpdate::UpdateWins | DeleteUpdate::Ask) => {
            return Verdict::Ask(ItemKind::DeleteUpdate, gone);
        }
        _ => {}
    }
    match policy.deletes {
        _ if !policy.direction.allows(left) => rest(gone),
        DeletePolicy::Ignore => rest(gone),
        DeletePolicy::Archive => archive,
        DeletePolicy::Ask => Verdict::Ask(ItemKind::Deletion, gone),
    }
}

fn nobody_gone(facts: &Facts<'_>) -> Verdict {
    let active = *facts.state == LinkState::Active;
    let first = |wanted: There| {
        let mut sides = Side::BOTH.into_iter();
        sides.find(|side| *facts.there.get(*side) == wanted)
    };
    if let Some(side) = first(There::Merged) {
        return match facts.choice {
            Some(Choice::Ignore) if !active => rest(side),
            _ if active => Verdict::Later,
            _ => Verdict::Nothing,
        };
    }
    if let Some(side) = first(There::Silent) {
        return match active {
            true => Verdict::OutOfReach(side),
            false => Verdict::Nothing,
        };
    }
    match (first(There::Converted), facts.state) {
        (Some(side), LinkState::Active) => Verdict::Converted(side),
        // Its Contact has another counterpart, and this one is left alone for good (13.4).
        (Some(side), LinkState::Suspended(_)) if facts.choice == Some(&Choice::Ignore) => {
            rest(side)
        }
        (None, LinkState::Active | LinkState::Deleted(_)) => Verdict::Back,
        _ => Verdict::Nothing,
    }
}

/// Names of the pairs whose value on the observed side changed since the base and could travel to the other side (12.2).
/// An association counts where it was read. A value that was never settled is a change from blank (F11), unless the record
/// that is gone held the same.
pub(super) fn changed_pairs<'m>(
    mapping: &'m Mapping,
    base: &Base,
    seen: &Observation,
    gone: Option<&Observation>,
) -> Vec<&'m str> {
    let side = seen.side;
    let travels = |pair: &&FieldPair| {
        pair.direction.allows(side.other())
            && !pair.field(side).is_empty()
            && !matches!(pair.kind, PairKind::Constant { .. })
    };
    let changed = |pair: &&FieldPair| {
        let now = seen.value(pair.field(side));
        let same = || match base.value(pair.name(), side) {
            Some(held) => holds(pair, side, held, now),
            None => holds(pair, side, &BaseValue::Null, now) || is_shared(pair, seen, gone),
        };
        now.is_known() && !same()
    };
    let pairs = mapping.pairs.iter().filter(travels).filter(changed);
    pairs.map(FieldPair::name).collect()
}

/// True where both records hold the same in the pair's comparison domain.
fn is_shared(pair: &FieldPair, seen: &Observation, gone: Option<&Observation>) -> bool {
    let view = |one: &Observation| transform::view(pair, one.side, one.value(pair.field(one.side)));
    gone.is_some_and(|gone| view(gone).is_ok_and(|held| view(seen) == Ok(held)))
}

/// True where a base value and a value of now are the same in the pair's comparison domain.
fn holds(pair: &FieldPair, side: Side, held: &BaseValue, now: &Value) -> bool {
    if transform::base_value(pair, side, now).as_ref() == Some(held) {
        return true;
    }
    let old = match held {
        BaseValue::Null => Value::Null,
        BaseValue::Raw(text) => Value::Text(text.clone()),
        BaseValue::Hashed { .. } => return false,
    };
    match (
        transform::view(pair, side, &old),
        transform::view(pair, side, now),
    ) {
        (Ok(old), Ok(now)) => old == now,
        _ => false,
    }
}

/// A link that holds one of the records of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) link: LinkId,
    pub(super) made_at: DateTime<Utc>,
    pub(super) stands: Stands,
}

/// How such a link stands, in the order in which links are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stands {
    /// In step, or about to be.
    Active,
    /// It rests while its record is out of scope.
    Resting,
    /// Set aside for a person, or taken back by an undo.
    Aside,
    /// It ended as its record left the scope; both records may still be there.
    Ended,
    /// A tombstone.
    Tomb,
}

/// What becomes of the links of merged records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Followed {
    /// The link that the surviving record has from now on.
    pub(super) keeps: Option<LinkId>,
    /// Links whose counterpart is another record: a person decides.
    pub(super) collide: Vec<LinkId>,
    /// Links that stand for nothing any more.
    pub(super) drop: Vec<LinkId>,
}

/// The table of 12.4. `survivor` is the link that the surviving record has already, `merged` are those of the records that
/// went into it. Salesforce names the primary: it is the survivor itself. HubSpot's survivor is a new record.
pub(super) fn follow(survivor: Option<&Holder>, merged: &[Holder]) -> Followed {
    let oldest = || {
        let mut all: Vec<&Holder> = merged.iter().collect();
        all.sort_by_key(|one| (one.stands, one.made_at, one.link));
        all.into_iter().next()
    };
    let kept = match survivor {
        // An ended one too: its record lies outside, and what went into it does so from now on.
        Some(own) if own.stands < Stands::Tomb => Some(own),
        // Two that are over: the surviving record has its own already.
        Some(own) => oldest()
            .filter(|one| one.stands < Stands::Ended)
            .or(Some(own)),
        None => oldest(),
    };
    let Some(kept) = kept else {
        return Followed::default();
    };
    let mut followed = Followed {
        keeps: Some(kept.link),
        ..Followed::default()
    };
    for other in merged
        .iter()
        .chain(survivor)
        .filter(|one| one.link != kept.link)
    {
        match other.stands {
            // What is left of it would be made a second time, were it let go.
            Stands::Active | Stands::Resting | Stands::Ended => followed.collide.push(other.link),
            // Its record went into one that has a link: whatever was asked about it is over.
            Stands::Aside | Stands::Tomb => followed.drop.push(other.link),
        }
    }
    followed
}

/// The base of a link whose record on `side` is another one now (12.4): a value that differs from the base is that side's
/// first one. A blank takes the other side's value, for a merge clears nothing.
pub(super) fn rebase(mapping: &Mapping, base: &mut Base, side: Side, seen: &Observation) {
    for pair in mapping.pairs.iter().filter(|pair| is_property(pair, side)) {
        let now = seen.value(pair.field(side));
        let differs = base
            .value(pair.name(), side)
            .is_some_and(|held| !holds(pair, side, held, now));
        if !now.is_known() || !differs {
            continue;
        }
        let field = base_field(base, pair.name());
        *field.values.get_mut(side) = None;
        *field.unverified.get_mut(side) = false;
        field.diverged = false;
        if now.is_blank() {
            field.values = PerSide::default();
        }
    }
    // Which elements the merge brought along is not known: none is taken off for it (14.5).
    mapping.forget_sets(base);
    *base.sides.get_mut(side) = Default::default();
}

#[cfg(test)]
#[path = "gone_rules_tests.rs"]
mod tests;
