//! Associations as sets: what each element needs, and how the base of a set moves (docs/design/sync-semantics.md 14.5).
//! Nothing here sends or stores.

use std::collections::{BTreeMap, BTreeSet};

use super::blocked::Blocked;
use super::links::record_key;
use super::references::Met;
use super::work::{LinkPlan, View, Work};
use crate::domain::merge::{ElementInput, Step, merge_element};
use crate::domain::{
    Assignment, Base, BaseField, BaseValue, LinkId, Mapping, Member, Members, Observation,
    PairKind, PerSide, RecordId, SetKind, SetPair, Side, Value, element_field,
};

/// What is known of a record's set on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Looked {
    /// It was not asked for.
    #[default]
    Not,
    /// It was, and the record did not answer.
    Silent,
    /// What it has.
    Saw(Members),
}

/// What is known of the sets of a link.
pub(super) type Sets = BTreeMap<SetKind, PerSide<Looked>>;

/// The elements of a base, as one side names them, each with the life that its link was in: what was settled of an earlier one
/// says nothing any more, for the record took its rows along when it went.
type Held = BTreeMap<RecordId, u32>;

/// One element, as one side names it.
pub(super) type ElementKey = (SetKind, Side, RecordId);

/// How a set is settled once the plan of its link is carried out.
#[derive(Clone, Debug)]
pub(super) struct SetPlan {
    name: &'static str,
    elements: Vec<Settling>,
    /// Elements of the base of which nothing can be told now.
    kept: PerSide<Held>,
}

/// One element of such a set.
#[derive(Clone, Debug)]
struct Settling {
    ids: PerSide<Option<RecordId>>,
    life: u32,
    /// Which sides have it where no write of it went through.
    rests: PerSide<bool>,
    /// The write, and whether both sides have it afterwards.
    write: Option<(Side, String, bool)>,
}

/// One element, by its link.
#[derive(Clone, Debug, Default)]
struct Element {
    ids: PerSide<Option<RecordId>>,
    life: u32,
    now: PerSide<Option<Member>>,
    base: PerSide<bool>,
    /// What was settled of it says nothing any more: neither side is taken for what it was.
    anew: bool,
}

impl Element {
    fn has(&self) -> PerSide<bool> {
        PerSide::from_fn(|side| self.now.get(side).is_some_and(|one| one != Member::Primary))
    }
}

/// What a work's observations tell of its sets, as far as they count: no stamp tells that a set has moved since it was seen.
pub(super) fn seen(
    mapping: &Mapping,
    seen: &PerSide<Option<Observation>>,
    counts: impl Fn(&Observation) -> bool,
) -> Sets {
    let of = |set: &SetPair, side: Side| {
        let seen = seen.get(side).as_ref().filter(|seen| counts(seen));
        let members = seen.and_then(|seen| seen.members(set.field(side)));
        members.map_or(Looked::Not, Looked::Saw)
    };
    let sets = mapping.sets.iter();
    sets.map(|set| (set.kind, PerSide::from_fn(|side| of(set, side))))
        .collect()
}

/// Every id that a set of a work names, now or in the base.
pub(super) fn named(work: &Work, set: &SetPair) -> Vec<(Side, RecordId)> {
    let base = held(&work.base, set).unwrap_or_default();
    let mut named = Vec::new();
    for side in Side::BOTH {
        let now = match work.looked(set.kind, side) {
            Looked::Saw(members) => members.keys().cloned().collect(),
            Looked::Not | Looked::Silent => BTreeSet::new(),
        };
        named.extend(base.get(side).keys().map(|id| (side, id.clone())));
        named.extend(now.into_iter().map(|id| (side, id)));
    }
    named
}

/// Plans one set of one link.
pub(super) fn plan(view: &View<'_>, work: &Work, set: &SetPair, plan: &mut LinkPlan) {
    let looked = PerSide::from_fn(|side| work.looked(set.kind, side));
    if Side::BOTH
        .iter()
        .any(|side| **looked.get(*side) == Looked::Silent)
    {
        return;
    }
    let held = held(&work.base, set);
    let blind = PerSide::from_fn(|side| **looked.get(side) == Looked::Not);
    if blind.salesforce && blind.hubspot {
        // Records read as changed come with their sets; what brought this link here else may be about one.
        let wanted = held.is_none() || !work.only_changed;
        plan.needs_sets = PerSide::from_fn(|side| wanted || *work.news.get(side));
        return;
    }
    let mut kept: PerSide<Held> = PerSide::default();
    let elements = elements(view, work, set, held.as_ref(), &mut kept, plan);
    let rests = |one: &Element| {
        let has = one.has();
        let mut sides = Side::BOTH.iter();
        !one.anew && sides.all(|side| *blind.get(*side) || has.get(*side) == one.base.get(*side))
    };
    for side in Side::BOTH {
        let moved = *work.news.get(side) || !elements.values().all(rests);
        if *blind.get(side) && (held.is_none() || moved) {
            // The base stands in for it to see that; nothing is written from that, nor for a side known to have moved (6.1).
            *plan.needs_sets.get_mut(side) = true;
        }
        let moved = |one: &Element| !*blind.get(side) && one.has().get(side) != one.base.get(side);
        *plan.changed.get_mut(side) |= held.is_some() && elements.values().any(moved);
    }
    let rule = if held.is_some() { "changed" } else { "fill" };
    let mut settling = Vec::new();
    for (link, element) in &elements {
        let step = merge_element(&ElementInput {
            now: element.now,
            base: held.as_ref().map(|_| element.base),
            direction: set.direction,
            foreign_edit: set.foreign_edit,
        });
        let write = match step {
            Step::Settle | Step::Forget => None,
            Step::Add(to) => add(view, work, set, (*link, element), to, plan),
            Step::Remove(to) => remove(work, set, element, to, plan),
        };
        let rests = match step {
            Step::Settle => element.has(),
            Step::Forget => PerSide::default(),
            Step::Add(_) | Step::Remove(_) => element.base,
        };
        let write = write.map(|(to, id, wanted)| {
            let field = element_field(set.field(to), id.as_str());
            let value = |there: bool| match (there, element.ids.get(to)) {
                (false, _) => Value::Null,
                (true, Some(id)) => Value::text(id.as_str()),
                (true, None) => Value::Unknown,
            };
            let other = element.ids.get(to.other()).as_ref();
            let assignment = Assignment {
                before: value(!wanted),
                after: value(wanted),
                rule: rule.to_owned(),
                pair: set.name().to_owned(),
                source: other.map_or(Value::Null, |id| Value::text(id.as_str())),
                link: Some(*link),
                life: element.life,
                ..Assignment::default()
            };
            plan.elements.get_mut(to).insert(field.clone(), assignment);
            (to, field, wanted)
        });
        settling.push(Settling {
            ids: element.ids.clone(),
            life: element.life,
            rests,
            write,
        });
    }
    if !blind.salesforce && !blind.hubspot {
        plan.sets.push(SetPlan {
            name: set.name(),
            elements: settling,
            kept,
        });
    }
}

/// The elements that can be told by their links. What has no link stays as it is on either side and waits; what rests outside
/// the scope stays too (12.6); what belongs to a
/// record whose counterpart was deleted leaves the base: whatever becomes of it then is no edit (12.2).
fn elements(
    view: &View<'_>,
    work: &Work,
    set: &SetPair,
    held: Option<&PerSide<Held>>,
    kept: &mut PerSide<Held>,
    plan: &mut LinkPlan,
) -> BTreeMap<LinkId, Element> {
    let mut found: BTreeMap<LinkId, Element> = BTreeMap::new();
    let mut unlinked: Vec<(Side, RecordId, u32)> = Vec::new();
    for side in Side::BOTH {
        let empty = Held::new();
        let base = held.map_or(&empty, |held| held.get(side));
        let now: Members = match work.looked(set.kind, side) {
            Looked::Saw(members) => members.clone(),
            _ => base.keys().map(|id| (id.clone(), Member::Plain)).collect(),
        };
        let ids: BTreeSet<&RecordId> = now.keys().chain(base.keys()).collect();
        for id in ids {
            match view.parents.met(&set.mapping, side, id) {
                Met::Linked(link) => {
                    let life = view.parents.life(&set.mapping, side, id);
                    let element = found.entry(link).or_insert_with(|| Element {
                        ids: view.parents.ids_of(link),
                        life,
                        ..Element::default()
                    });
                    *element.ids.get_mut(side) = Some(id.clone());
                    *element.now.get_mut(side) = now.get(id).copied();
                    let settled = base.get(id);
                    *element.base.get_mut(side) = settled == Some(&life);
                    element.anew |= settled.is_some_and(|then| *then != life);
                }
                Met::Away => {}
                Met::Frozen(_) => keep(kept.get_mut(side), base, id),
                Met::Unlinked => {
                    let waits = now.get(id).is_some_and(|one| *one != Member::Primary);
                    if waits && set.direction.allows(side.other()) {
                        plan.blocked.extend(waiting(view, set, side, id));
                    }
                    let life = base.get(id);
                    unlinked.extend(life.map(|life| (side, id.clone(), *life)));
                }
            }
        }
    }
    for (side, id, life) in unlinked {
        let mut heirs = found.iter_mut();
        match heirs.find(|(link, _)| view.parents.was(**link, side, &id)) {
            // Which associations a merge brought along is not known: it is met like at first, and nothing is taken off (12.4).
            Some((_, element)) => {
                element.base = PerSide::default();
                element.anew = true;
            }
            None => {
                kept.get_mut(side).insert(id, life);
            }
        }
    }
    found
}

/// What a base says of an element stays.
fn keep(kept: &mut Held, base: &Held, id: &RecordId) {
    if let Some(life) = base.get(id) {
        kept.insert(id.clone(), *life);
    }
}

/// An element that waits for the link of its record.
fn waiting(view: &View<'_>, set: &SetPair, side: Side, id: &RecordId) -> Option<Blocked> {
    Some(Blocked {
        pair: set.name().to_owned(),
        parent: record_key(view.engine.mapping(&set.mapping)?, side, id),
    })
}

/// Where an element goes that a side is to get, if it can go there: its record must be there, and the one that the reference
/// names beside it, for HubSpot makes the first company of a contact its primary one.
fn add(
    view: &View<'_>,
    work: &Work,
    set: &SetPair,
    (link, element): (LinkId, &Element),
    to: Side,
    plan: &mut LinkPlan,
) -> Option<(Side, RecordId, bool)> {
    if !is_beside_one(view, work, set, to, plan) {
        return None;
    }
    match element.ids.get(to) {
        Some(id) => Some((to, id.clone(), true)),
        None if view.parents.is_foreseen(link) => Some((to, RecordId(link.to_string()), true)),
        None => {
            let from = element.ids.get(to.other()).as_ref()?;
            plan.blocked.extend(waiting(view, set, to.other(), from));
            None
        }
    }
}

/// Where an element goes that a side is to lose. What the other side lacks since its own record is not there any more, under
/// that id, was taken off by nobody: nothing may have told of it yet.
fn remove(
    work: &Work,
    set: &SetPair,
    element: &Element,
    to: Side,
    plan: &mut LinkPlan,
) -> Option<(Side, RecordId, bool)> {
    let lacking = to.other();
    let key = (set.kind, lacking, element.ids.get(lacking).clone()?);
    let there = work.elements_there.get(&key).copied();
    if there.is_none() {
        plan.needs_elements.insert(key);
    }
    let id = element.ids.get(to).clone()?;
    there.unwrap_or(true).then_some((to, id, false))
}

/// True where the record on that side has a primary one, or gets it by the same plan, and does not lose it.
fn is_beside_one(view: &View<'_>, work: &Work, set: &SetPair, to: Side, plan: &LinkPlan) -> bool {
    let Looked::Saw(members) = work.looked(set.kind, to) else {
        // Only the valves look at such a plan.
        return true;
    };
    let planned = reference_beside(view.mapping, set, to).and_then(|field| match to {
        Side::Salesforce => plan.writes.salesforce.get(field),
        Side::HubSpot => plan.associations.get(field),
    });
    planned.map_or_else(|| has_primary(members), |one| !one.after.is_blank())
}

pub(super) fn has_primary(members: &Members) -> bool {
    members.values().any(|one| *one == Member::Primary)
}

/// The field of the reference to the same records as a set's, on a side.
pub(super) fn reference_beside<'m>(
    mapping: &'m Mapping,
    set: &SetPair,
    side: Side,
) -> Option<&'m str> {
    let same = |kind: &PairKind| matches!(kind, PairKind::Reference { mapping } if *mapping == set.mapping);
    let pair = mapping.pairs.iter().find(|pair| same(&pair.kind));
    pair.map(|pair| pair.field(side))
}

/// True where an element can be sent: what the plan sets beside it has gone through.
pub(super) fn may_join(
    mapping: &Mapping,
    work: &Work,
    set: &SetPair,
    side: Side,
    written: &BTreeSet<String>,
) -> bool {
    let there = matches!(work.looked(set.kind, side), Looked::Saw(members) if has_primary(members));
    there || reference_beside(mapping, set, side).is_some_and(|field| written.contains(field))
}

/// The base of a set: the ids that each side had, in its own words; `None` where it was never settled on both.
fn held(base: &Base, set: &SetPair) -> Option<PerSide<Held>> {
    let field = base.fields.get(set.name())?;
    Some(PerSide {
        salesforce: ids_in(field.values.salesforce.as_ref()?),
        hubspot: ids_in(field.values.hubspot.as_ref()?),
    })
}

/// A base holds every id, however many: of a long text that is only hashed no element could be told.
fn ids_in(value: &BaseValue) -> Held {
    let one = |text: &str| {
        let (id, life) = text.split_once(LIFE).unwrap_or((text, "0"));
        (RecordId::from(id), life.parse().unwrap_or_default())
    };
    match value {
        BaseValue::Raw(text) => text.split(';').map(one).collect(),
        BaseValue::Null | BaseValue::Hashed { .. } => Held::new(),
    }
}

/// What stands before the life of an element, where that is not the first.
const LIFE: char = '~';

fn text_of(held: &Held) -> BaseValue {
    let one = |(id, life): (&RecordId, &u32)| match life {
        0 => id.to_string(),
        life => format!("{id}{LIFE}{life}"),
    };
    let ids: Vec<String> = held.iter().map(one).collect();
    match ids.as_slice() {
        [] => BaseValue::Null,
        ids => BaseValue::Raw(ids.join(";")),
    }
}

/// The base after a confirmed write of one element. An undo leaves the other side's where it is, like that of any field. One
/// that was never settled is left so: the union that a set begins with takes nothing away, whatever is done of it already.
pub(super) fn written(base: &mut Base, set: &SetPair, side: Side, id: &str, one: &Assignment) {
    let Some(mut held) = held(base, set) else {
        return;
    };
    let there = !one.left.as_ref().unwrap_or(&one.after).is_blank();
    put(held.get_mut(side), id, one.life, there);
    if let Some(other) = one
        .source
        .as_text()
        .filter(|_| one.rule != super::undo_plan::RULE)
    {
        put(held.get_mut(side.other()), other, one.life, there);
    }
    hold(base, set.name(), &held);
}

fn put(held: &mut Held, id: &str, life: u32, there: bool) {
    let id = RecordId::from(id);
    match there {
        true => held.insert(id, life),
        false => held.remove(&id),
    };
}

fn hold(base: &mut Base, name: &str, held: &PerSide<Held>) {
    let field = BaseField {
        values: PerSide::from_fn(|side| Some(text_of(held.get(side)))),
        ..BaseField::default()
    };
    base.fields.insert(name.to_owned(), field);
}

/// Moves the base of a set to what its plan came to; `went` says which writes went through.
pub(super) fn settle(base: &mut Base, plan: &SetPlan, went: impl Fn(Side, &str) -> bool) {
    let mut held = plan.kept.clone();
    for element in &plan.elements {
        let there = match &element.write {
            Some((side, field, wanted)) if went(*side, field) => PerSide::from_fn(|_| *wanted),
            _ => element.rests,
        };
        for side in Side::BOTH {
            if let Some(id) = element.ids.get(side).as_ref().filter(|_| *there.get(side)) {
                held.get_mut(side).insert(id.clone(), element.life);
            }
        }
    }
    hold(base, plan.name, &held);
}

/// True where a look at a side saw another set than the one that was settled.
pub(super) fn is_news(base: &Base, set: &SetPair, seen: &Observation) -> bool {
    let (Some(held), Some(members)) = (held(base, set), seen.members(set.field(seen.side))) else {
        return false;
    };
    let elements = members.into_iter();
    let now: BTreeSet<RecordId> = elements
        .filter(|(_, one)| *one != Member::Primary)
        .map(|(id, _)| id)
        .collect();
    !held.get(seen.side).keys().eq(&now)
}

impl Work {
    /// What is known of a set on one side.
    pub(super) fn looked(&self, kind: SetKind, side: Side) -> &Looked {
        const NOT: &Looked = &Looked::Not;
        self.sets.get(&kind).map_or(NOT, |sides| sides.get(side))
    }

    /// An element was written.
    pub(super) fn note_element(&mut self, set: &SetPair, side: Side, id: &str, there: bool) {
        let looked = self.sets.entry(set.kind).or_default().get_mut(side);
        if let Looked::Saw(members) = looked {
            match there {
                true => members.insert(id.into(), Member::Plain),
                false => members.remove(&RecordId::from(id)),
            };
        }
    }
}
