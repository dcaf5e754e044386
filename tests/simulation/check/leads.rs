//! Leads and what they were converted into: I-7 over both mappings, I-8 (docs/design/sync-semantics.md 13).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use syncline::domain::{Choice, Link, LinkId, LinkState, Op, OpKind, OpState, RecordId, Side};
use syncline::sandbox::history::Event;

use super::{Broken, Scene, ours, went_out};
use crate::leads::{contact_of, converted_at, is_lead};

/// I-7: of a Lead and a Contact only one has a HubSpot contact.
pub(super) fn one_holder(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let mut held: BTreeMap<&RecordId, &Link> = BTreeMap::new();
    let active = |link: &&Link| {
        scene.is_of_people(link)
            && matches!(link.state, LinkState::Active | LinkState::PendingCreate)
    };
    for link in scene.books.links.iter().filter(active) {
        let Some(id) = &link.ids.hubspot else {
            continue;
        };
        if let Some(other) = held.insert(id, link) {
            let detail = format!("{id} is held by {other:?} and {link:?}");
            broken.push(Broken::new("I-7", detail));
        }
    }
}

/// I-8: a link that a Contact took over is there as the Contact's, from the same batch on. No Lead is ever made. What became of the
/// Contact's since is its own story: one that ended for the scope gives way to another match (12.6), one that was set aside is
/// dropped once the counterparts are merged (12.4); the journal tells that it was there.
pub(super) fn taken_over_whole(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for link in &scene.books.links {
        let LinkState::Superseded(by) = &link.state else {
            continue;
        };
        let was_there = scene
            .all_ops()
            .any(|op| op.link == by.link && op.state == OpState::Confirmed);
        if !was_there && !scene.books.links.iter().any(|one| one.id == by.link) {
            let detail = format!("{link:?} was taken over by what is not there");
            broken.push(Broken::new("I-8", detail));
        }
    }
    for (_, id, past) in scene.records().filter(|(_, id, _)| is_lead(id)) {
        if past.versions.first().is_some_and(ours) {
            let detail = format!("the Lead {id} was made by us");
            broken.push(Broken::new("mapping", detail));
        }
    }
}

/// I-8: nothing is made of a Contact whose Lead had a counterpart, nor of the counterpart of a Lead.
pub(super) fn nobody_made_beside(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    if !scene.diary.recalled.is_empty() || scene.story.delete_update == "update_wins" {
        return;
    }
    let creates =
        scene.books.ops.iter().filter(|op| {
            op.kind == OpKind::Create && op.mapping == scene.people().id && went_out(op)
        });
    for op in creates {
        let Some(source) = op.source.as_ref().map(RecordId::as_str) else {
            continue;
        };
        let behind = scene.diary.linked.keys().find(|(lead, h)| {
            // Under the Lead's own key it is the very record, whichever of two creates made it (13).
            let own = op.outcome.record.as_ref().map(RecordId::as_str) == Some(h.as_str());
            is_lead(lead)
                && !own
                && !is_made_anew(scene, h, op)
                && match op.side {
                    Side::HubSpot => {
                        contact_of(scene.sandbox, lead).as_deref() == Some(source)
                            && converted_before(scene, lead, source, op)
                    }
                    Side::Salesforce => {
                        h == source && still_somebody(scene, lead) && !is_a_stranger(scene, h)
                    }
                }
        });
        if let Some((lead, h)) = behind.filter(|_| !is_choice(scene, op)) {
            let detail = format!(
                "run {} made a record in {} of {source}, but the Lead {lead} had {h}",
                op.run, op.side
            );
            broken.push(Broken::new("I-8", detail));
        }
    }
}

/// True where we took the Lead's counterpart back, a person restored it, and no key says any more whose it was.
fn is_a_stranger(scene: &Scene<'_>, h: &str) -> bool {
    let past = scene.history(Side::HubSpot, h);
    let mut events = past.into_iter().flat_map(|past| &past.versions);
    let taken = events.any(|one| one.event == Event::Deleted && ours(one));
    scene.story.unkeyed && taken && events.any(|one| one.event == Event::Restored)
}

/// True where an undo took the Lead's counterpart back and was itself undone before the write: it is made again, for whoever
/// the Lead is by then.
fn is_made_anew(scene: &Scene<'_>, h: &str, op: &Op) -> bool {
    let sent = op.attempt.sent_at.unwrap_or_default();
    let taken = scene.all_ops().filter(|one| {
        let record = one.target.as_ref().map(RecordId::as_str);
        one.kind == OpKind::Delete && one.side == Side::HubSpot && record == Some(h)
    });
    taken.into_iter().any(|one| {
        let then = one.attempt.sent_at.unwrap_or_default();
        scene.diary.taken_up_again(one.run, then, sent)
    })
}

/// True where the run of the write could know of the conversion: its Contact is of that moment, or was there when it began.
fn converted_before(scene: &Scene<'_>, lead: &str, contact: &str, op: &Op) -> bool {
    let Some(at) = converted_at(scene.sandbox, lead) else {
        return false;
    };
    let past = scene.history(Side::Salesforce, contact);
    let made = past.and_then(|past| past.versions.first());
    let anew = made.is_some_and(|made| made.at >= at - TimeDelta::seconds(1));
    let began = scene.books.run(op.run).map(|run| run.started_at);
    anew || began.is_none_or(|began| began > at)
}

/// True for a Lead that is there, or whose Contact is.
fn still_somebody(scene: &Scene<'_>, lead: &str) -> bool {
    let alive = scene.alive(Side::Salesforce);
    match contact_of(scene.sandbox, lead) {
        Some(contact) => alive.contains(&contact),
        None => alive.contains(lead),
    }
}

fn is_choice(scene: &Scene<'_>, op: &Op) -> bool {
    scene.all_items().any(|item| {
        let chosen = item.resolution.as_ref();
        let about = Side::BOTH
            .into_iter()
            .any(|side| item.sides.get(side).id.is_some() && item.sides.get(side).id == op.source);
        chosen.is_some_and(|one| one.choice == Choice::Create)
            && (about || item.link == Some(op.link))
    })
}

/// I-8, at rest: the link of every converted Lead is its Contact's, or somebody is told why not.
pub(super) fn followed(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for link in &scene.books.links {
        let lead = link.ids.salesforce.as_ref().map_or("", RecordId::as_str);
        if !is_lead(lead) || matches!(link.state, LinkState::Superseded(_)) {
            continue;
        }
        let Some(contact) = contact_of(scene.sandbox, lead) else {
            continue;
        };
        let told = scene
            .all_items()
            .any(|item| item.link == Some(link.id) && !item.automatic)
            || scene
                .books
                .errors
                .iter()
                .any(|one| one.link == Some(link.id));
        if !told {
            let detail = format!("{lead} was converted into {contact}, and has still {link:?}");
            broken.push(Broken::new("I-8", detail));
        }
    }
}

/// The link and those of Leads that it took over from.
pub(super) fn lineage(scene: &Scene<'_>, link: LinkId) -> Vec<LinkId> {
    let from = |one: &&Link| matches!(&one.state, LinkState::Superseded(by) if by.link == link);
    let before = scene.books.links.iter().filter(from).map(|one| one.id);
    before.chain([link]).collect()
}
