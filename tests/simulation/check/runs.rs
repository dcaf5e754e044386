//! What a run as a whole may do: I-14, I-20, I-21, I-24, and how its counts add up.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use syncline::domain::{
    LinkId, LinkState, MappingId, OpKind, OpState, PerSide, RecordId, RunKind, RunRecord, RunState,
    Side,
};
use syncline::sandbox::history::Event;

use super::{Broken, Scene, went_out};
use crate::leads::object;

/// I-14, I-20: a run that carries out a plan sends nothing that the plan did not have, and goes over nothing else than it showed.
pub(super) fn only_what_was_shown(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for op in scene.books.ops.iter().filter(|op| went_out(op)) {
        let mapping = scene.mappings.iter().find(|one| one.id == op.mapping);
        if let Some(plan) = scene.diary.bound.get(&op.run)
            && !plan.has(op, mapping)
        {
            let detail = format!("run {} did what its plan had not: {op:?}", op.run);
            broken.push(Broken::new("I-14", detail));
        }
    }
}

/// I-20: a run that a valve stopped sends nothing, and none deletes more than it may unasked.
pub(super) fn valves(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for run in &scene.books.runs {
        let of = |kind: Option<OpKind>| {
            let ops = scene
                .books
                .ops
                .iter()
                .filter(|op| op.run == run.run && went_out(op));
            ops.filter(|op| kind.is_none_or(|kind| op.kind == kind))
                .count()
        };
        let stopped = matches!(run.state, RunState::Halted | RunState::AwaitingConfirm)
            && !run.valves.is_empty()
            && run.valves.iter().all(|valve| valve.confirmable);
        if stopped && of(None) > 0 {
            let detail = format!("run {} was stopped by {:?} and wrote", run.run, run.valves);
            broken.push(Broken::new("I-20", detail));
        }
        let many = of(Some(OpKind::Delete)) > 5
            && run.kind != RunKind::Undo
            && !scene.diary.confirmed.contains(&run.run)
            && scene.books.links.len() >= 20;
        if many {
            let detail = format!(
                "run {} deleted {} unasked",
                run.run,
                of(Some(OpKind::Delete))
            );
            broken.push(Broken::new("I-20", detail));
        }
    }
}

/// I-21: with everything healthy a run costs what the formula says.
pub(super) fn within_budget(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let Some(run) = scene.books.runs.iter().max_by_key(|run| run.run) else {
        return;
    };
    // What failed is tried again now and then, what waits for a parent is looked at by each sweep, and costs what it costs.
    // A token ends early by a clock that was set.
    let timely = scene.diary.ahead.values().all(TimeDelta::is_zero);
    let healthy = scene.books.errors.is_empty() && timely && scene.books.waiting.is_empty();
    for side in Side::BOTH.into_iter().filter(|_| healthy) {
        let (took, may) = (run.calls.total.get(side), run.expected_calls.get(side));
        // A sweep looks at both sides of what waits for a person: it differs from its base.
        let asked = scene.books.open_items().count() as u64;
        if *took > may + asked {
            let detail = format!(
                "run {} took {took} calls in {side}, {may} expected: {:?}",
                run.run, run.calls
            );
            broken.push(Broken::new("I-21", detail));
        }
    }
}

/// I-24: what counts as read for certain is never ahead of the side's own time, and never goes back.
pub(super) fn cursors(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for (side, mark) in &scene.books.marks {
        let before = scene.diary.marks.get(side);
        if *mark > scene.books.now + TimeDelta::seconds(1) || before.is_some_and(|old| old > mark) {
            let detail = format!(
                "{side} is read up to {mark}, at {}; it was {before:?}",
                scene.books.now
            );
            broken.push(Broken::new("I-24", detail));
        }
    }
}

/// The counts of finished runs add up.
pub(super) fn counts(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for run in &scene.books.runs {
        if !matches!(run.state, RunState::Done | RunState::DoneWithErrors) {
            continue;
        }
        for row in &run.mappings {
            let count = &row.counts;
            let linked =
                count.updated_links + count.unchanged + count.conflicts + count.errors + count.held;
            let read = count.read.salesforce + count.read.hubspot;
            let created = count.created.salesforce + count.created.hubspot;
            let whole =
                2 * count.linked + created + count.review + count.excluded + count.unlinked_errors;
            let apart = read.abs_diff(whole);
            if count.linked + count.unlinked_errors != linked
                || run.kind == RunKind::Full
                    && apart > half_read(scene, run, &row.mapping) + unread(scene, run)
            {
                let detail = format!("run {} {:?} {}: {count:?}", run.run, run.kind, row.mapping);
                broken.push(Broken::new("counts", detail));
            }
        }
    }
}

/// Records that were not shown to a run: a person may have to decide about them all the same.
fn unread(scene: &Scene<'_>, run: &RunRecord) -> u64 {
    let hidden = scene.diary.unseen.get(&run.run);
    hidden.map_or(0, |ids| ids.len() as u64)
}

/// Links of which a full run may have read one record only, though its sum counts two: the other one was made by a write of ours
/// that is adopted, or is gone or out of reach.
fn half_read(scene: &Scene<'_>, run: &RunRecord, mapping: &MappingId) -> u64 {
    let mut links: BTreeSet<LinkId> = scene
        .all_ops()
        .filter(|op| {
            &op.mapping == mapping
                && (op.kind == OpKind::Delete
                    || op.kind == OpKind::Create
                        && op.attempt.count > 0
                        && (op.outcome.adopted || op.state != OpState::Confirmed))
                && op.run <= run.run
        })
        .map(|op| op.link)
        .collect();
    let alive = PerSide::from_fn(|side| scene.alive(side));
    let lives = |side: Side, id: &Option<RecordId>| {
        let shown =
            |id: &str| side == Side::HubSpot || !scene.sandbox.org.is_hidden(object(id), id);
        let alive = alive.get(side);
        id.as_ref()
            .is_some_and(|id| alive.contains(id.as_str()) && shown(id.as_str()))
    };
    let gone = |side, id: &Option<RecordId>| {
        let past = scene.history(side, id.as_ref().map_or("", RecordId::as_str));
        past.is_some_and(|past| {
            let mut events = past.versions.iter().map(|version| &version.event);
            events.any(|event| matches!(event, Event::Deleted | Event::MergedInto(_)))
        })
    };
    let apart = scene.books.links.iter().filter(|link| {
        &link.mapping == mapping
            && (link.state != LinkState::Active
                || !link.former.salesforce.is_empty()
                || !link.former.hubspot.is_empty()
                || !lives(Side::Salesforce, &link.ids.salesforce)
                || !lives(Side::HubSpot, &link.ids.hubspot)
                || gone(Side::Salesforce, &link.ids.salesforce)
                || gone(Side::HubSpot, &link.ids.hubspot))
    });
    links.extend(apart.map(|link| link.id));
    // Of some neither record was read.
    let known = scene.books.links.iter().filter(|link| {
        let (s, h) = (&link.ids.salesforce, &link.ids.hubspot);
        links.contains(&link.id) && !lives(Side::Salesforce, s) && !lives(Side::HubSpot, h)
    });
    (links.len() + known.count()) as u64
}
