//! I-13: what an undo does, and that it stays done.

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::{Assignment, Op, OpKind, OpState, RecordId, RunId, RunState, Side};
use syncline::sandbox::history::Event;

use super::{Broken, Scene, ours, text};
use crate::diary::Undone;
use crate::story::{Act, Property};

/// What one run did to one field: its own record, what it held before, what it was left with.
struct Touch<'a> {
    op: &'a Op,
    name: &'a str,
    before: &'a Assignment,
}

/// The fields that a run wrote and that are there to be put back.
fn touched<'a>(scene: &Scene<'a>, run: RunId) -> Vec<Touch<'a>> {
    let mut all: Vec<Touch<'a>> = Vec::new();
    let of =
        |op: &&&Op| op.run == run && op.state == OpState::Confirmed && op.kind == OpKind::Update;
    for op in scene.books.ops.iter().filter(|op| of(&op)) {
        for (name, one) in op.fields.iter().filter(|(_, one)| !one.pair.is_empty()) {
            let known = all.iter().any(|touch| {
                touch.op.side == op.side && touch.op.target == op.target && touch.name == name
            });
            if !known {
                all.push(Touch {
                    op,
                    name,
                    before: one,
                });
            }
        }
    }
    all
}

/// True where an earlier undo of the same run took the record back, and nobody restored it: there is nothing left to put back.
fn taken_before(scene: &Scene<'_>, undone: &Undone, side: Side, id: &RecordId) -> bool {
    let earlier = |run: RunId| {
        let all = scene.diary.undos.iter();
        run < undone.undo
            && all
                .into_iter()
                .any(|one| one.undo == run && one.of == undone.of)
    };
    let taken = scene.books.ops.iter().any(|op| {
        op.kind == OpKind::Delete
            && op.state == OpState::Confirmed
            && op.side == side
            && op.target.as_ref() == Some(id)
            && earlier(op.run)
    });
    taken && scene.fate(side, id.as_str(), undone.at) == Some(Event::Deleted)
}

/// Everything that the run wrote is put back, or is as it was before, or is named with the reason.
pub(super) fn nothing_is_left_out(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let recalled = scene.diary.recalled.last().copied();
    for undone in &scene.diary.undos {
        if recalled.is_some_and(|at| at > undone.at) {
            continue;
        }
        let over = scene
            .books
            .run(undone.undo)
            .is_some_and(|run| matches!(run.state, RunState::Done | RunState::DoneWithErrors));
        if !over {
            continue;
        }
        for touch in touched(scene, undone.of) {
            let (side, id) = (touch.op.side, touch.op.target.as_ref());
            let told = scene.books.ops.iter().any(|op| {
                op.run == undone.undo
                    && op.side == side
                    && op.link == touch.op.link
                    && (op.fields.contains_key(touch.name) || op.fields.is_empty())
            });
            // A property that was taken away holds nothing: there is nothing to put back.
            let gone = scene.story.acts.contains(&Act::Property(Property::Gone));
            let Some(id) = id.filter(|_| !(told || gone && touch.name == "sales_region")) else {
                continue;
            };
            if taken_before(scene, undone, side, id) {
                continue;
            }
            let now = scene.target_held_at(touch.op, touch.name, scene.books.now);
            let then = scene.target_held_at(touch.op, touch.name, undone.at);
            let before = text(&touch.before.before).trim();
            let same = |value: Option<String>| {
                value
                    .unwrap_or_default()
                    .trim()
                    .eq_ignore_ascii_case(before)
            };
            if !same(now) && !same(then) {
                let detail = format!(
                    "the undo {} of {} says nothing of {side} {id} {}, which held {before:?} before",
                    undone.undo, undone.of, touch.name
                );
                broken.push(Broken::new("I-13", detail));
            }
        }
    }
}

/// A write of the field that was given up as not applied, and that may have come at last: what it destroyed is written anew.
fn may_have_landed(scene: &Scene<'_>, op: &Op, pair: &str) -> bool {
    scene.all_ops().any(|one| {
        let given_up = matches!(one.state, OpState::Failed | OpState::Superseded)
            && one.attempt.sent_at.is_some()
            && one.outcome.error.is_none();
        one.link == op.link && given_up && one.fields.values().any(|field| field.pair == pair)
    })
}

/// What was put back stays so: nothing is written to the field again but what somebody wrote since the run that was undone, or
/// what an undo or a person's choice says.
pub(super) fn nothing_comes_again(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let recalled = scene.diary.recalled.last().copied();
    for undone in &scene.diary.undos {
        if recalled.is_some_and(|at| at > undone.at) {
            continue;
        }
        let since = scene.books.run(undone.of).map(|run| run.started_at);
        let of = |op: &&Op| {
            op.run == undone.undo && op.state == OpState::Confirmed && op.kind == OpKind::Update
        };
        for op in scene.books.ops.iter().filter(of) {
            for one in op.fields.values().filter(|one| !one.pair.is_empty()) {
                let again = scene.books.ops.iter().find(|later| {
                    later.run > undone.undo
                        && later.link == op.link
                        && matches!(later.kind, OpKind::Update)
                        && super::went_out(later)
                        && later.fields.values().any(|two| {
                            two.pair == one.pair
                                && !matches!(two.rule.as_str(), "undo" | "resolved")
                        })
                });
                let since = since.unwrap_or_default();
                // The index shows an edit late: one from before the run may come only after its undo.
                let late = |again: &Op| {
                    let comes_back = again.fields.values().any(|two| {
                        let value = if again.side == op.side {
                            &one.before
                        } else {
                            &one.after
                        };
                        two.pair == one.pair && text(&two.after) == text(value)
                    });
                    // Nothing tells when somebody changed an association in HubSpot.
                    let untold = one.pair == "AccountId";
                    let early = since - TimeDelta::minutes(5);
                    !comes_back && (untold || edited(scene, op, &one.pair, early))
                };
                if let Some(again) = again
                    && !edited(scene, op, &one.pair, since)
                    && !late(again)
                    && !may_have_landed(scene, op, &one.pair)
                {
                    let detail = format!(
                        "{} of {:?} was put back by run {} and written again: {again:?}",
                        one.pair, op.target, undone.undo
                    );
                    broken.push(Broken::new("I-13", detail));
                }
            }
        }
    }
}

/// Whether anybody but us wrote the pair on either record since.
fn edited(scene: &Scene<'_>, op: &Op, pair: &str, since: DateTime<Utc>) -> bool {
    let Some(link) = scene.books.links.iter().find(|link| link.id == op.link) else {
        return true;
    };
    let mut pairs = scene
        .mapping_of(link)
        .into_iter()
        .flat_map(|one| &one.pairs);
    let Some(pair) = pairs.find(|one| one.name() == pair) else {
        return true;
    };
    Side::BOTH.into_iter().any(|side| {
        if !link.former.get(side).is_empty() {
            return true;
        }
        let past = link
            .ids
            .get(side)
            .as_ref()
            .and_then(|id| scene.history(side, id.as_str()));
        past.is_none_or(|past| {
            past.of_field(pair.field(side))
                .any(|version| !ours(version) && version.at >= since)
        })
    })
}
