//! What was written, by the journal and by the vendors' own past: I-5, I-11, I-12, I-17, I-18, I-22.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use syncline::domain::{
    ErrorCategory, ErrorItem, ItemKind, LinkId, LinkState, Op, OpKind, OpState, RecordId, RunKind,
    Side,
};
use syncline::sandbox::history::{Event, History};

use super::apart::awaits_a_parent;
use super::{Broken, Scene, field, ours, text, went_out};
use crate::leads::contact_of;
use crate::people::{FIELDS, PLAIN};

/// Nothing is written to a field that no mapping names.
pub(super) fn inside_the_mapping(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for (side, id, history) in scene.records() {
        let mapping = scene.people_like(side, id);
        let mut mapped: BTreeSet<&str> =
            mapping.pairs.iter().map(|pair| pair.field(side)).collect();
        mapped.insert(mapping.key_field(side));
        for version in history.versions.iter().filter(|version| ours(version)) {
            for (name, value) in version.values.iter() {
                let own = (0..FIELDS.len()).any(|at| field(at, side, id) == name);
                if !mapped.contains(name) && own {
                    broken.push(Broken {
                        invariant: "mapping",
                        detail: format!("{side} {id} {name} = {value:?} was written by us"),
                    });
                }
            }
        }
    }
}

/// I-17: every change of ours is an op of the journal.
pub(super) fn attributable(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for (side, id, history) in scene.records() {
        let begins = scene.begins(side, id);
        let own = history
            .versions
            .iter()
            .filter(|version| ours(version) && version.at >= begins);
        for version in own {
            let written: Vec<(&str, &str)> = version
                .values
                .iter()
                .filter(|(name, _)| (0..=PLAIN).any(|at| field(at, side, id) == *name))
                .collect();
            let made = version.event == Event::Created;
            let by = scene.all_ops().any(|op| {
                op.side == side
                    && op
                        .attempt
                        .sent_at
                        .is_some_and(|sent| sent <= version.at + TimeDelta::seconds(1))
                    && (op.kind == OpKind::Create || scene.lands_on(side, &op.target, id))
                    && (!made || op.kind == OpKind::Create)
                    && written.iter().all(|(name, value)| {
                        op.fields.get(*name).is_some_and(|one| {
                            text(&one.after).trim().eq_ignore_ascii_case(value.trim())
                        }) || made && value.is_empty()
                    })
            });
            if !by && !written.is_empty() {
                broken.push(Broken {
                    invariant: "I-17",
                    detail: format!(
                        "{side} {id} {:?} at {} has no op: {written:?}",
                        version.event, version.at
                    ),
                });
            }
        }
    }
}

/// I-18: nothing is open any more, but a write to a record that does not answer (16.4): its error says so.
pub(super) fn nothing_open(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let silent = |op: &Op| {
        scene.books.errors.iter().any(|error| {
            error.category == ErrorCategory::Gone
                && error.link == Some(op.link)
                && !scene.alive(op.side).contains(error.record.id.as_str())
        })
    };
    for op in &scene.books.ops {
        if matches!(op.state, OpState::Sent | OpState::Unknown) && !silent(op) {
            let detail = format!(
                "{:?} {} {:?} {:?} is still {:?}",
                op.kind, op.side, op.target, op.source, op.state
            );
            broken.push(Broken::new("I-18", detail));
        }
    }
}

/// True where the record would get an e-mail that another one on its side has: two contacts of one side were merged, and
/// their counterparts were not.
fn claimed(scene: &Scene<'_>, error: &ErrorItem) -> bool {
    let side = error.record.side;
    let mail = |side: Side, id: &str| {
        let mail = crate::people::value(scene.sandbox, side, id, field(4, side, id));
        mail.map(|mail| mail.to_lowercase())
    };
    let link = scene
        .books
        .links
        .iter()
        .find(|link| Some(link.id) == error.link);
    let other = link.and_then(|link| link.ids.get(side.other()).as_ref());
    let wanted = other.and_then(|id| mail(side.other(), id.as_str()));
    let mut rest = scene
        .alive(side)
        .into_iter()
        .filter(|id| id != error.record.id.as_str());
    let collided = scene
        .all_items()
        .any(|item| item.kind == ItemKind::MergeCollision);
    // A merged contact keeps the addresses of all that went into it, and HubSpot says whose it is.
    let vendor = error.vendor.as_ref();
    let holder = vendor.and_then(|vendor| vendor.holder.as_ref());
    let held = holder.is_some_and(|id| scene.alive(side).contains(id.as_str()));
    error.category == ErrorCategory::Duplicate
        && (collided || held || wanted.is_some() && rest.any(|id| mail(side, &id) == wanted))
}

/// True where a record was deleted so long ago that nothing tells of it any more: not that it was, and not of a Lead's
/// conversion before.
fn purged(scene: &Scene<'_>, (side, id): (&Side, &str)) -> bool {
    scene
        .history(*side, id)
        .is_some_and(|past| is_purged(scene, past))
}

fn is_purged(scene: &Scene<'_>, past: &History) -> bool {
    past.versions.last().is_some_and(|last| {
        let left = matches!(last.event, Event::Deleted | Event::MergedInto(_));
        left && scene.books.now - last.at > TimeDelta::days(15)
    })
}

/// True where an Account that it refers to was deleted so long ago that nobody is told of it: a person says so of that one
/// (12.1). An element of a set is not named by its error.
fn names_purged(scene: &Scene<'_>, error: &ErrorItem) -> bool {
    let named = text(&error.value);
    let links = scene.books.links.iter();
    let mut firms = links.filter(|link| link.mapping.as_str() == "accounts");
    firms.any(|link| {
        let id = link.ids.salesforce.as_ref().map(RecordId::as_str);
        let past = id.and_then(|id| scene.sandbox.org.history("Account", id));
        let meant = named.is_empty() || id == Some(named);
        meant && past.is_some_and(|past| is_purged(scene, past))
    })
}

/// I-11: what is in error at the end is what a vendor cannot take, or what is not there any more, and nothing beside it.
pub(super) fn errors_have_causes(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for error in &scene.books.errors {
        let record = (&error.record.side, error.record.id.as_str());
        let long = Side::BOTH.into_iter().any(|side| {
            let link = scene
                .books
                .links
                .iter()
                .find(|link| Some(link.id) == error.link);
            let own = (*record.0 == side).then(|| record.1.to_owned());
            let other = link.and_then(|link| link.ids.get(side).as_ref());
            own.or_else(|| other.map(|id| id.as_str().to_owned()))
                .and_then(|id| crate::people::value(scene.sandbox, side, &id, field(0, side, &id)))
                .is_some_and(|name| name.len() > 40)
        });
        // A converted Lead is followed to its Contact, and that may be gone.
        let followed = contact_of(scene.sandbox, record.1).unwrap_or_else(|| record.1.to_owned());
        let gone = error.category == ErrorCategory::Gone
            && (!scene.alive(*record.0).contains(&followed) || purged(scene, record));
        // Somebody left its twin alone, whom the vendor minds all the same.
        let left = scene.books.items.iter().any(|item| {
            let twin = |one: &syncline::domain::Candidate| one.record.id == error.record.id;
            item.resolution.is_some() && item.candidates.iter().any(twin)
        });
        // A person typed what is no value of the list.
        let typed =
            error.category == ErrorCategory::Picklist && text(&error.value).starts_with("Chosen");
        // After a week of waiting for its parent (14.4).
        let links = scene.books.links.iter();
        let mut own = links.filter(|link| Some(link.id) == error.link);
        let waits = error.category == ErrorCategory::Reference
            && own.any(|link| awaits_a_parent(scene, link));
        let dangles = error.category == ErrorCategory::Reference && names_purged(scene, error);
        let lawful = long || gone || left || typed || waits || dangles || claimed(scene, error);
        if !lawful {
            let detail = format!("{error:?}");
            broken.push(Broken::new("I-11", detail));
        }
    }
}

/// I-12: of a field that we have no right to nothing is written, on either side.
pub(super) fn unknown_is_inert(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let mapping = scene.people();
    for op in scene.books.ops.iter().filter(|op| went_out(op)) {
        let undo = scene
            .books
            .run(op.run)
            .is_none_or(|run| run.kind == RunKind::Undo);
        let Some(blind) = scene.diary.blind.get(&op.run).filter(|_| !undo) else {
            continue;
        };
        let hidden = blind.iter().find(|at| {
            let name = FIELDS[**at].0;
            op.mapping == mapping.id && op.fields.values().any(|one| one.pair == name)
        });
        if let Some(at) = hidden {
            let detail = format!(
                "{} was hidden all through run {}: {op:?}",
                FIELDS[*at].0, op.run
            );
            broken.push(Broken::new("I-12", detail));
        }
    }
}

/// I-22: a record is sent before what refers to it, and deletions are the last thing that a run sends.
pub(super) fn in_order(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let made: BTreeMap<LinkId, &Op> = scene
        .books
        .ops
        .iter()
        .filter(|op| op.kind == OpKind::Create && op.state == OpState::Confirmed)
        .map(|op| (op.link, op))
        .collect();
    let mut last_deletion = BTreeMap::new();
    for op in scene
        .books
        .ops
        .iter()
        .filter(|op| op.attempt.sent_at.is_some())
    {
        let undo = scene
            .books
            .run(op.run)
            .is_some_and(|run| run.kind == RunKind::Undo);
        if op.kind == OpKind::Delete {
            last_deletion.insert(op.run, op.attempt.sent_at);
        } else if let Some(at) = last_deletion.get(&op.run)
            && *at < op.attempt.sent_at
            && !undo
        {
            let detail = format!(
                "run {} deleted something at {at:?} and then sent {op:?}",
                op.run
            );
            broken.push(Broken::new("I-22", detail));
        }
        for parent in op.fields.values().filter_map(|one| one.link) {
            let link = scene.books.links.iter().find(|link| link.id == parent);
            let waits = link.is_some_and(|link| link.state == LinkState::PendingCreate);
            let late = made.get(&parent).is_some_and(|create| {
                create.run == op.run && create.attempt.sent_at > op.attempt.sent_at
            });
            if waits || late {
                let detail = format!(
                    "run {} sent a reference to {parent:?} too early: {op:?}",
                    op.run
                );
                broken.push(Broken::new("I-22", detail));
            }
        }
    }
}

/// I-5: what goes back and forth is frozen: within ten runs no field of a link is written a fourth time where the series turned
/// back twice before that.
pub(super) fn bounded(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    type Series<'a> = Vec<(u64, Side, &'a str)>;
    let mut all: BTreeMap<(LinkId, &str), Series<'_>> = BTreeMap::new();
    let mut ops: Vec<&Op> = scene
        .books
        .ops
        .iter()
        .filter(|op| op.state == OpState::Confirmed)
        .filter(|op| matches!(op.kind, OpKind::Create | OpKind::Update))
        .collect();
    ops.sort_by_key(|op| (op.run, op.seq));
    for op in ops {
        if op.kind == OpKind::Create {
            // A record that was made anew begins anew.
            all.retain(|(link, _), _| *link != op.link);
            continue;
        }
        for one in op.fields.values().filter(|one| !one.pair.is_empty()) {
            let series = all.entry((op.link, one.pair.as_str())).or_default();
            if matches!(one.rule.as_str(), "resolved" | "undo") {
                series.clear();
                continue;
            }
            series.retain(|(run, ..)| run + 10 > op.run.0);
            let turned = |at: &usize| {
                let (_, side, value) = series[*at];
                let before = &series[..*at];
                before[at - 1].1 != side || before.iter().any(|old| old.2 == value)
            };
            let turns = (1..series.len()).filter(turned).count();
            if series.len() >= 3 && turns >= 2 {
                let detail = format!(
                    "{} of {:?} was written again in run {} after {series:?}",
                    one.pair, op.target, op.run
                );
                broken.push(Broken::new("I-5", detail));
            }
            series.push((op.run.0, op.side, text(&one.after)));
        }
    }
}
