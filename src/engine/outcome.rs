//! Putting the outcome of one unit's merge into the plan of its link: writes, settles, conflicts, what a rule decided
//! (docs/design/sync-semantics.md 7, 8).

use super::field_errors::{blocked, field_error};
use super::fields::{is_association, is_property};
use super::link_plan::times;
use super::links;
use super::oscillation;
use super::parts::{self, Part};
use super::versions;
use super::work::{LinkPlan, View, Work};
use crate::domain::merge::{Action, Decided, TupleOutcome};
use crate::domain::{
    Assignment, Choice, Conflict, ConflictMember, ErrorCategory, FieldPair, ItemId, ItemKind,
    ItemState, LinkId, PairKind, PerSide, Side, SideValue, Unit, Value, shown,
};

pub(super) fn carry_out(
    view: &View<'_>,
    work: &Work,
    unit: &Unit<'_>,
    parts: &[Part<'_>],
    outcome: TupleOutcome,
    plan: &mut LinkPlan,
) {
    let open = parts::own_item(work, unit);
    let mut closing: Vec<Conflict> = parts::open_items(work, unit).cloned().collect();
    if let Some(decided) = &outcome.record {
        let diverged = matches!(outcome.action, Action::Settle { diverged: true });
        plan.infos
            .push(info(view, work, unit, parts, decided, diverged));
    }
    match &outcome.action {
        // Both sides hold their bases again: whatever was asked about them is over.
        Action::Nothing => {}
        Action::Settle { diverged } => {
            for part in parts {
                let apart = *diverged && (!unit.is_group() || part.is_apart());
                plan.settles.push((part.pair.name().to_owned(), apart));
            }
        }
        Action::Write { to, rule, .. } => {
            for (at, part) in parts.iter().enumerate() {
                if let Action::Write { value, .. } = &outcome.member(at).action {
                    put(view, work, part, &Put::to(*to, value, rule), plan);
                }
            }
        }
        Action::WriteBoth { .. } => {
            for (at, part) in parts.iter().enumerate() {
                if let Action::WriteBoth { s, h, rule } = &outcome.member(at).action {
                    let both = part.values.salesforce != *s && part.values.hubspot != *h;
                    for (to, value) in [(Side::Salesforce, s), (Side::HubSpot, h)] {
                        let one = Put {
                            both,
                            ..Put::to(to, value, rule)
                        };
                        put(view, work, part, &one, plan);
                    }
                }
            }
        }
        Action::Conflict { suggest, why, rule } => {
            let mut item = conflict(view, work, unit, parts);
            if *rule == oscillation::RULE {
                item.kind = ItemKind::Oscillation;
                item.id = oscillation::item_id(work.link.id, &item.field);
            }
            item.suggest = *suggest;
            item.why = why.clone();
            item.rule = (*rule).to_owned();
            if let Some(before) = open.filter(|before| before.id == item.id) {
                closing.retain(|one| one.id != item.id);
                refresh(&mut item, before, work, parts);
            }
            plan.conflicts.push(item);
        }
        Action::Error {
            member,
            side,
            message,
            value,
            category,
        } => {
            closing.clear();
            if let Some(part) = parts.get(*member) {
                plan.errors.push(field_error(
                    view,
                    work,
                    part.pair,
                    *side,
                    value.clone(),
                    *category,
                    message.clone(),
                ));
            }
        }
        Action::NeedsTimes => {
            closing.clear();
            let same = |item: &&Conflict| {
                let still = |side| parts::still(item, parts, side);
                Side::BOTH.into_iter().all(still)
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
                    let fields = parts.iter().map(|part| part.pair.fields.hubspot.clone());
                    plan.wants_times.extend(fields);
                }
            }
        }
    }
    // The item of a group that was taken apart is over for each of its fields.
    closing.retain(|item| plan.closes.iter().all(|closed| closed.id != item.id));
    plan.closes.extend(closing.into_iter().map(|item| Conflict {
        state: ItemState::Resolved,
        last_seen: view.now,
        run: view.run,
        ..item
    }));
}

/// What a rule decided, kept for the record (I-2).
fn info(
    view: &View<'_>,
    work: &Work,
    unit: &Unit<'_>,
    parts: &[Part<'_>],
    decided: &Decided<Vec<Value>>,
    diverged: bool,
) -> Conflict {
    let mut info = conflict(view, work, unit, parts);
    info.id = ItemId::derive(&[
        b"decided",
        &work.link.id.0.to_be_bytes(),
        info.field.as_bytes(),
        &view.run.0.to_be_bytes(),
    ]);
    info.rule = decided.rule.to_owned();
    info.suggest = decided.winner;
    info.why = match decided.winner {
        None => "Both values were joined.".to_owned(),
        Some(side) if diverged => format!(
            "{side}'s value wins by the rule {}, and is not to be written: each side keeps its own.",
            decided.rule
        ),
        Some(side) => format!(
            "{side}'s value was taken by the rule {}; the other one is kept here.",
            decided.rule
        ),
    };
    info.state = ItemState::Resolved;
    info.automatic = true;
    info
}

/// What an item that is seen again keeps of what it was.
fn refresh(item: &mut Conflict, before: &Conflict, work: &Work, parts: &[Part<'_>]) {
    item.first_seen = before.first_seen;
    for side in Side::BOTH {
        if work.seen.get(side).is_none() {
            *item.sides.get_mut(side) = before.sides.get(side).clone();
        }
    }
    let moved = !Side::BOTH
        .into_iter()
        .all(|side| parts::still(before, parts, side));
    let chosen = before.resolution.as_ref().map(|one| &one.choice);
    let baseless = chosen == Some(&Choice::Base) && !parts.iter().all(Part::has_base);
    if before.state == ItemState::Draft && baseless {
        item.why = format!(
            "{} The base that you chose is gone, so it is open again.",
            item.why
        );
    } else if before.state == ItemState::Draft && !moved {
        item.state = ItemState::Draft;
        item.resolution = before.resolution.clone();
    } else if before.state == ItemState::Draft {
        item.why = format!(
            "{} It was changed after your choice, so it is open again.",
            item.why
        );
    }
}

/// One value of a decision.
struct Put<'a> {
    to: Side,
    value: &'a Value,
    rule: &'a str,
    /// The other side is written too.
    both: bool,
}

impl<'a> Put<'a> {
    fn to(to: Side, value: &'a Value, rule: &'a str) -> Put<'a> {
        Put {
            to,
            value,
            rule,
            both: false,
        }
    }
}

/// Puts one value of a decision into the plan. A side that holds it already needs no write; in a group another field does.
fn put(view: &View<'_>, work: &Work, part: &Part<'_>, one: &Put<'_>, plan: &mut LinkPlan) {
    let to = one.to;
    let name = part.pair.name();
    if part.values.get(to) != one.value {
        plan.settles.retain(|(settled, _)| settled != name);
        return assign(view, work, part, one, plan);
    }
    let other = to.other();
    let written = plan.writes.get(other).contains_key(part.pair.field(other));
    if !written && !plan.settles.iter().any(|(settled, _)| settled == name) {
        plan.settles.push((name.to_owned(), part.is_apart()));
    }
}

fn assign(
    view: &View<'_>,
    work: &Work,
    part: &Part<'_>,
    &Put {
        to,
        value,
        rule,
        both,
    }: &Put<'_>,
    plan: &mut LinkPlan,
) {
    let pair = part.pair;
    let link = value
        .as_text()
        .filter(|_| matches!(pair.kind, PairKind::Reference { .. }))
        .and_then(|text| text.parse().ok());
    let Some(raw) = view.parents.render(view.known, pair, to, value) else {
        match value.as_text().and_then(|text| text.parse::<LinkId>().ok()) {
            // The parent is being created: this field follows once its id is known (14.3).
            Some(_) => block_on_source(view, pair, &part.raws, to, plan),
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
        link,
        both,
        ..assignment(part, to, raw, rule)
    };
    enter(pair, to, assignment, plan);
}

/// What puts a raw value to one side of a part.
pub(super) fn assignment(part: &Part<'_>, to: Side, raw: Value, rule: &str) -> Assignment {
    Assignment {
        before: part.raws.get(to).clone(),
        after: raw,
        rule: rule.to_owned(),
        pair: part.pair.name().to_owned(),
        source: part.raws.get(to.other()).clone(),
        ..Assignment::default()
    }
}

/// Puts an assignment into the plan.
pub(super) fn enter(pair: &FieldPair, to: Side, assignment: Assignment, plan: &mut LinkPlan) {
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

/// The id of a link's item about a field or a group of them.
pub(super) fn item_id(link: LinkId, unit: &str) -> ItemId {
    ItemId::derive(&[b"field", &link.0.to_be_bytes(), unit.as_bytes()])
}

fn conflict(view: &View<'_>, work: &Work, unit: &Unit<'_>, parts: &[Part<'_>]) -> Conflict {
    let field = unit.name();
    let newest = parts
        .iter()
        .filter_map(|part| versions::of(work, part.pair)?.first())
        .max_by_key(|version| version.at);
    let seen = |side: Side| work.seen.get(side).as_ref();
    let times = parts.first().map(|part| times(view, work, part.pair));
    let side_value = |side: Side| SideValue {
        id: work.link.ids.get(side).clone(),
        value: parts::together(parts, side),
        modified_at: match side {
            Side::Salesforce => times.and_then(|times| times.s_modified_at),
            Side::HubSpot => newest
                .map(|version| version.at)
                .or(seen(side).map(|seen| seen.modstamp)),
        },
        modified_by: match side {
            Side::Salesforce => seen(side).and_then(|seen| seen.modified_by.clone()),
            Side::HubSpot => newest.and_then(|version| version.by.clone()),
        },
    };
    // A base that one side lost, to a merge for instance, cannot be gone back to.
    let base = |part: &Part<'_>| {
        let raw = |side| links::base_raw(&work.base, part.pair.name(), side);
        part.base.as_ref().filter(|_| part.has_base())?;
        raw(Side::Salesforce).or_else(|| raw(Side::HubSpot))
    };
    let bases: Vec<Option<Value>> = parts.iter().map(base).collect();
    let members = parts
        .iter()
        .zip(&bases)
        .filter(|_| unit.is_group())
        .map(|(part, base)| ConflictMember {
            field: part.pair.name().to_owned(),
            values: part.raws.clone(),
            base: base.clone(),
        })
        .collect();
    let base = match bases.as_slice() {
        [one] => one.clone(),
        all => {
            let known = all.iter().all(Option::is_some);
            known.then(|| shown(all.iter().flatten()))
        }
    };
    Conflict {
        id: item_id(work.link.id, &field),
        field,
        members,
        sides: PerSide::from_fn(side_value),
        base,
        ..blank_item(view, work)
    }
}

/// An open item of the link, about nothing yet.
pub(super) fn blank_item(view: &View<'_>, work: &Work) -> Conflict {
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
        members: Vec::new(),
        automatic: false,
        first_seen: view.now,
        last_seen: view.now,
        run: view.run,
    }
}
