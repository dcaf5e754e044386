//! Putting the outcome of one field merge into the plan of its link: writes, settles, conflicts, what a rule decided
//! (docs/design/sync-semantics.md 7, 8).

use super::field_errors::{blocked, field_error};
use super::fields::{is_association, is_property};
use super::link_plan::{open_conflict, times};
use super::links;
use super::oscillation;
use super::references::is_translated;
use super::work::{LinkPlan, View, Work};
use crate::domain::merge::{Action, FieldOutcome};
use crate::domain::{
    Assignment, BaseField, Conflict, ErrorCategory, FieldPair, ItemId, ItemKind, ItemState, LinkId,
    PairKind, PerSide, Side, SideValue, Value,
};

pub(super) fn carry_out(
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
        automatic: false,
        first_seen: view.now,
        last_seen: view.now,
        run: view.run,
    }
}
