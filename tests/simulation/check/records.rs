//! Which records are made, deleted, linked and left alone: I-3, I-8, I-9, I-10, I-13, scope, matching.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::{
    Choice, CreatedBy, Evidence, ItemKind, LinkState, Op, OpKind, RecordId, RunKind, Side,
};
use syncline::sandbox::Side as Party;
use syncline::sandbox::history::{Event, History, Version};

use super::{Broken, Scene, field, is, ours, went_out};
use crate::leads::{contact_of, converted_at, is_lead};
use crate::people::{self, H};
use crate::story::Act;

/// One record that we made, or one that somebody deleted, of a person of that name.
struct Life<'a> {
    id: &'a str,
    made: Option<DateTime<Utc>>,
    gone: Option<&'a Version>,
    /// Since when it was linked.
    linked: Option<DateTime<Utc>>,
}

impl Life<'_> {
    /// Since when the person should not be made again: our own making of it, or its end.
    fn settled(&self) -> Option<DateTime<Utc>> {
        let gone = self.gone.map(|version| version.at);
        // What was linked only when it was there again, nobody knew before.
        let known = |at: &DateTime<Utc>| {
            let second = TimeDelta::seconds(1);
            self.linked.is_some_and(|since| since < *at + second)
        };
        self.made.or(gone.filter(known))
    }
}

/// I-3: no record is made twice. I-8, I-9: none is made again that was merged away or deleted. I-13: none is that an undo took
/// back, until the undo itself is.
pub(super) fn made_once(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for party in [Party::Salesforce, Party::HubSpot] {
        for twice in scene.sandbox.stats(party).created_twice {
            let made_late = made_late(scene, &twice) || never_known(scene, &twice);
            if !scene.diary.undos.is_empty() || licensed_keys(scene) || made_late {
                continue;
            }
            broken.push(Broken::new(
                "I-3",
                format!("made twice under one key: {twice}"),
            ));
        }
    }
    let mut lives: BTreeMap<(Side, String), Vec<Life<'_>>> = BTreeMap::new();
    for (side, id, history) in scene.records() {
        let Some(first) = history.versions.first() else {
            continue;
        };
        let name = first.value(last_name(side)).unwrap_or_default().to_owned();
        if name.starts_with("twin") || scene.begins(side, id) > first.at {
            continue;
        }
        if ours(first) && landed_late(scene, side, id, first) {
            // A request that the net held back for minutes: nobody can call it back.
            continue;
        }
        let pairs = scene.diary.linked.iter();
        let its = pairs.filter(|((s, h), _)| match side {
            Side::Salesforce => s == id,
            Side::HubSpot => h == id,
        });
        let life = Life {
            id,
            made: ours(first).then_some(first.at),
            gone: end(history),
            linked: its.map(|(_, since)| *since).min(),
        };
        lives.entry((side, name)).or_default().push(life);
    }
    for ((side, name), mut all) in lives {
        all.sort_by_key(|life| life.made);
        for (at, life) in all.iter().enumerate() {
            let Some(made) = life.made else { continue };
            let before = all.iter().enumerate().filter(|(other, one)| {
                *other != at && one.settled().is_some_and(|then| then < made)
            });
            for (_, one) in before {
                if two_people(scene, &name) {
                    continue;
                }
                if !licence(scene, side, &name, one, made) {
                    let invariant = match one.gone {
                        Some(version) if version.at < made && ours(version) => "I-13",
                        Some(version) if version.at < made => "I-9",
                        _ => "I-3",
                    };
                    let detail = format!(
                        "{name} was on {side} as {} ({:?}, gone {:?}) and was made again as {} at {made}",
                        one.id,
                        one.made,
                        one.gone
                            .map(|version| (&version.event, &version.by, version.at)),
                        life.id
                    );
                    broken.push(Broken::new(invariant, detail));
                }
            }
        }
    }
}

fn last_name(side: Side) -> &'static str {
    match side {
        Side::Salesforce => "LastName",
        Side::HubSpot => "lastname",
    }
}

/// True where one of the records under a key was made by a request that came minutes after it was given up.
fn made_late(scene: &Scene<'_>, key: &str) -> bool {
    scene.records().any(|(side, id, past)| {
        past.versions.first().is_some_and(|first| {
            let held = first.value(key_field(side));
            let its = held.is_some_and(|held| held.eq_ignore_ascii_case(key));
            its && ours(first) && landed_late(scene, side, id, first)
        })
    })
}

/// True where one name stands for two people: somebody gave one of a pair another e-mail before the two were ever linked.
fn two_people(scene: &Scene<'_>, name: &str) -> bool {
    let origins = |side: Side| {
        scene.records().filter_map(move |(one, id, past)| {
            let first = past.versions.first()?;
            let named = first.value(last_name(side)) == Some(name) && !ours(first);
            (one == side && named).then_some((id, past))
        })
    };
    let readdressed = |side: Side, id: &str, past: &History| {
        let words = past.of_field(field(4, side, id)).filter(|one| !ours(one));
        words.count() > 1
    };
    origins(Side::Salesforce).any(|(s, mine)| {
        origins(Side::HubSpot).any(|(h, its)| {
            let linked = scene
                .diary
                .linked
                .contains_key(&(s.to_owned(), h.to_owned()));
            !linked
                && (readdressed(Side::Salesforce, s, mine) || readdressed(Side::HubSpot, h, its))
        })
    })
}

/// True where one of the records under a key was deleted before anybody could tell us that it had been made: HubSpot finds nothing
/// archived by its key.
fn never_known(scene: &Scene<'_>, key: &str) -> bool {
    scene.records().any(|(side, id, past)| {
        past.versions.first().is_some_and(|first| {
            let held = first.value(key_field(side));
            held.is_some_and(|held| held.eq_ignore_ascii_case(key)) && ours(first)
        }) && end(past).is_some_and(|version| !ours(version))
            && !scene.diary.linked.keys().any(|(_, h)| h == id)
    })
}

/// When whoever sent a request no longer waits for its answer: the time-out, and what the way takes.
pub(super) const GIVEN_UP: TimeDelta = TimeDelta::seconds(35);

/// True where no create of ours was on its way when the record was made: none but those that had made another one by then.
fn landed_late(scene: &Scene<'_>, side: Side, id: &str, first: &Version) -> bool {
    let key = first.value(key_field(side));
    let mut creates = scene.all_ops().filter(|op| {
        let source = op.source.as_ref().map(RecordId::as_str);
        let its = key.is_none_or(|key| source.is_none_or(|id| id.eq_ignore_ascii_case(key)));
        let other = op.outcome.record.as_ref().is_some_and(|other| {
            let past = scene.history(side, other.as_str());
            let made = past.and_then(|past| past.versions.first());
            other.as_str() != id && made.is_some_and(|made| made.at < first.at)
        });
        op.side == side && op.kind == OpKind::Create && its && !other
    });
    !creates.any(|op| {
        op.attempt.sent_at.is_some_and(|sent| {
            let took = first.at - sent;
            (-TimeDelta::seconds(2)..GIVEN_UP).contains(&took)
        })
    })
}

/// The field that holds the counterpart's id.
fn key_field(side: Side) -> &'static str {
    match side {
        Side::Salesforce => "Syncline_HubSpot_Id__c",
        Side::HubSpot => "syncline_salesforce_id",
    }
}

/// The version that ended a record's life for good, or for as long as it lasted.
fn end(history: &History) -> Option<&Version> {
    let ends = |version: &&Version| matches!(version.event, Event::Deleted | Event::MergedInto(_));
    history.versions.iter().rev().find(ends)
}

/// A record may come a second time under its key where a rule or a person makes deleted ones anew.
fn licensed_keys(scene: &Scene<'_>) -> bool {
    let chosen = scene.all_items().any(|item| chose(item, &Choice::Create));
    scene.story.delete_update == "update_wins" || chosen || !scene.diary.recalled.is_empty()
}

fn chose(item: &syncline::domain::Conflict, choice: &Choice) -> bool {
    let taken = item.resolution.as_ref();
    taken.is_some_and(|one| one.choice == *choice)
}

/// What lets a person be made again: a rule, a choice, an undo that was taken back, a store that forgot of it.
fn licence(scene: &Scene<'_>, side: Side, name: &str, one: &Life<'_>, made: DateTime<Utc>) -> bool {
    if scene.story.unkeyed {
        // Without keys a record is found by its address, unless somebody gives it another one.
        let past = scene.history(side, one.id);
        let mut words = past
            .into_iter()
            .flat_map(|past| past.of_field(field(4, side, one.id)));
        if words.any(|word| !ours(word) && word.at <= made) {
            return true;
        }
        if hidden_from_its_look_up(scene, side, one.id, made) {
            return true;
        }
    }
    let Some(gone) = one.gone.filter(|version| version.at <= made) else {
        return false;
    };
    if one.made.is_some() && one.linked.is_none() && !ours(gone) && side == Side::HubSpot {
        // It was deleted before anybody could tell us that it had been made.
        return true;
    }
    // HubSpot finds nothing archived by its key: what was made after the copy and deleted since is unknown to it.
    let forgotten = scene
        .diary
        .recalled_between(one.made.unwrap_or(gone.at), made);
    if forgotten && (side == Side::HubSpot || scene.story.unkeyed) {
        return true;
    }
    // An undo that is undone makes anew what it took back and is not there, whoever deleted it last (19.1).
    let mut deletions = scene.all_ops().filter(|op| {
        op.kind == OpKind::Delete && op.side == side && is(&op.target, one.id) && went_out(op)
    });
    if deletions.any(|op| scene.diary.taken_up_again(op.run, gone.at, made)) {
        return true;
    }
    if ours(gone) {
        return scene.story.delete_update == "update_wins" || by_choice(scene, name, &[]);
    }
    // What it was merged into stands for it, and may be deleted in turn.
    let chain = scene.successors(side, one.id);
    let last = latest(scene, side, one.id, made);
    let deleted = last.unwrap_or_else(|| gone.event.clone()) == Event::Deleted;
    let merged = matches!(gone.event, Event::MergedInto(_));
    deleted && scene.story.delete_update == "update_wins"
        || merged && came_back(scene, side.other(), name)
        || by_choice(scene, name, &chain)
}

/// True where Salesforce hid the record from the run that made another: the look-up of an unkeyed create saw nobody there (10.2).
fn hidden_from_its_look_up(scene: &Scene<'_>, side: Side, id: &str, made: DateTime<Utc>) -> bool {
    scene.all_ops().any(|op| {
        let hidden = scene.diary.unseen.get(&op.run);
        let on_its_way = op
            .attempt
            .sent_at
            .is_some_and(|sent| (-TimeDelta::seconds(2)..GIVEN_UP).contains(&(made - sent)));
        op.kind == OpKind::Create
            && op.side == side
            && on_its_way
            && hidden.is_some_and(|ids| ids.contains(id))
    })
}

/// True where somebody was merged away or deleted on a side and came back: the one that the counterpart was merged into is not its
/// own.
fn came_back(scene: &Scene<'_>, side: Side, name: &str) -> bool {
    scene.records().any(|(one, _, past)| {
        let named = past.versions.first();
        let named = named.is_some_and(|first| first.value(last_name(side)) == Some(name));
        let mut events = past.versions.iter().map(|version| &version.event);
        one == side && named && events.any(|event| *event == Event::Restored)
    })
}

/// What a record was at a time, or what it had been merged into by then: that stands for it.
fn latest(scene: &Scene<'_>, side: Side, id: &str, at: DateTime<Utc>) -> Option<Event> {
    let own = scene.fate(side, id, at);
    let chain = scene.successors(side, id);
    let last = chain
        .last()
        .filter(|_| matches!(own, Some(Event::MergedInto(_))));
    last.and_then(|id| scene.fate(side, id, at)).or(own)
}

/// A person chose to have somebody made, known by that name or by what its record was merged into.
fn by_choice(scene: &Scene<'_>, name: &str, successors: &[String]) -> bool {
    scene.all_items().any(|item| {
        chose(item, &Choice::Create)
            && Side::BOTH.into_iter().any(|side| {
                let id = item.sides.get(side).id.as_ref();
                let past = id.and_then(|id| scene.history(side, id.as_str()));
                let named = past
                    .and_then(|past| past.versions.first())
                    .is_some_and(|first| first.value(last_name(side)) == Some(name));
                named || id.is_some_and(|id| successors.iter().any(|one| one == id.as_str()))
            })
    })
}

/// I-10: what we delete was deleted on the other side, or a person said so, or an undo takes back what a run made.
pub(super) fn deleted_with_evidence(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    let accepted = |op: &Op| {
        let of = |item: &&syncline::domain::Conflict| {
            item.link == Some(op.link) && chose(item, &Choice::Accept)
        };
        scene.all_items().any(|item| of(&item))
    };
    let is_of_people = |op: &Op| {
        let all = scene.mappings.iter().filter(|one| one.id == op.mapping);
        all.into_iter().any(|one| one.object(Side::HubSpot) == H)
    };
    for op in scene
        .books
        .ops
        .iter()
        .filter(|op| op.kind == OpKind::Delete && went_out(op))
    {
        let undone = scene
            .books
            .run(op.run)
            .is_some_and(|run| run.kind == RunKind::Undo);
        let sent = op.attempt.sent_at.unwrap_or_default();
        let other = op.side.other();
        let source = op.source.as_ref().map_or("", RecordId::as_str);
        // Salesforce's times are whole seconds; and a record may be restored in the second after the write was sent.
        let fate = latest(scene, other, source, sent)
            .filter(|fate| *fate == Event::Deleted)
            .or_else(|| latest(scene, other, source, sent + TimeDelta::seconds(1)));
        let ruled = scene.diary.deletes.contains(&"archive") || accepted(op);
        let fine = match op.evidence {
            None => undone,
            Some(Evidence::Row | Evidence::Archived) if is_of_people(op) => {
                // A converted Lead is no more, whatever becomes of its row (13.6).
                let converted = converted_at(scene.sandbox, source).filter(|_| is_lead(source));
                fate == Some(Event::Deleted) && ruled && converted.is_none()
            }
            Some(Evidence::Row | Evidence::Archived) => true,
            Some(Evidence::Person) => accepted(op),
        };
        if !fine {
            let detail = format!(
                "run {} deleted {} {:?} for {source}, which was {fate:?}; {:?}",
                op.run, op.side, op.target, op.evidence
            );
            broken.push(Broken::new("I-10", detail));
        }
    }
    for (side, id, history) in scene.records() {
        let gone = history.versions.iter().filter(|one| {
            one.event == Event::Deleted && ours(one) && one.at >= scene.begins(side, id)
        });
        for version in gone {
            let known = scene
                .all_ops()
                .any(|op| op.kind == OpKind::Delete && op.side == side && is(&op.target, id));
            if !known {
                let detail = format!(
                    "{side} {id} was deleted by us at {} and no op says so",
                    version.at
                );
                broken.push(Broken::new("I-17", detail));
            }
        }
    }
}

/// Section 12.6: nothing is made for a contact outside the scope, and a link that rests for it is not written to.
pub(super) fn outside_is_left_alone(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    if scene.diary.leaves.is_empty() {
        return;
    }
    let rests = scene.diary.leaves.iter().all(|leaves| *leaves != "keep");
    for op in scene.books.ops.iter().filter(|op| went_out(op)) {
        let (Some(away), Some(run)) = (scene.diary.away.get(&op.run), scene.books.run(op.run))
        else {
            continue;
        };
        let (s, _) = match op.side {
            Side::Salesforce => (&op.target, &op.source),
            Side::HubSpot => (&op.source, &op.target),
        };
        let outside = s.as_ref().is_some_and(|id| away.contains(id.as_str()));
        if !outside || run.kind == RunKind::Undo || op.mapping != scene.people().id {
            continue;
        }
        let made = op.kind == OpKind::Create && op.side == Side::HubSpot;
        let written = rests
            && matches!(
                op.kind,
                OpKind::Update | OpKind::Associate | OpKind::Dissociate
            );
        let chosen = scene
            .all_items()
            .any(|item| item.link == Some(op.link) && item.resolution.is_some());
        if (made || written) && !chosen {
            let detail = format!(
                "run {} {:?} for {s:?}, which is outside the scope: {op:?}",
                op.run, op.kind
            );
            broken.push(Broken::new("scope", detail));
        }
    }
}

/// Twins are never linked by a guess.
pub(super) fn never_guessed(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    if scene.story.skew != 0 || !scene.diary.ahead.values().all(TimeDelta::is_zero) {
        // A link's time is by the engine's clock.
        return;
    }
    // A record that is not shown to us is nobody's twin.
    let hides = scene.story.acts.iter().any(Act::hides_records);
    let contacts = scene.people().id.clone();
    let held = |side: Side, id: &str, history: &History, at: DateTime<Utc>| -> Option<String> {
        let mail = field(4, side, id);
        let versions = history.versions.iter().filter(|version| version.at <= at);
        let mut value = None;
        for version in versions {
            match version.event {
                Event::Deleted | Event::MergedInto(_) => return None,
                _ if version.values.contains(mail) => {
                    value = version.value(mail).map(str::to_lowercase);
                }
                _ => {}
            }
        }
        value
    };
    for link in &scene.books.links {
        if link.mapping != contacts || link.created_by != CreatedBy::Matched {
            continue;
        }
        let (Some(s), Some(h)) = (&link.ids.salesforce, &link.ids.hubspot) else {
            continue;
        };
        let at = link.created_at;
        let early = at - TimeDelta::minutes(20);
        let Some(wanted) = scene
            .history(Side::Salesforce, s.as_str())
            .and_then(|history| held(Side::Salesforce, s.as_str(), history, at))
        else {
            continue;
        };
        if !link.former.salesforce.is_empty() || !link.former.hubspot.is_empty() {
            // It was made of other records.
            continue;
        }
        let twin = scene.records().find(|(side, id, history)| {
            let ended = end(history).map(|version| &version.event);
            let merged = matches!(ended, Some(Event::MergedInto(_)));
            *id != s.as_str()
                && *id != h.as_str()
                && !merged
                // Where a Contact and a Lead match one record, the Contact gets it (9.3).
                && !is_lead(id)
                && scene.begins(*side, id) <= early
                && held(*side, id, history, early).as_ref() == Some(&wanted)
                && held(*side, id, history, at).as_ref() == Some(&wanted)
                && !was_away(*side, history, at)
                && !hides
                && !scene.diary.linked.keys().any(|(s, h)| s == id || h == id)
        });
        let judged = scene.all_items().any(|item| {
            let about = |id: &RecordId| {
                Side::BOTH
                    .into_iter()
                    .any(|side| item.sides.get(side).id.as_ref() == Some(id))
                    || item.candidates.iter().any(|one| &one.record.id == id)
            };
            item.resolution.is_some() && (about(s) || about(h))
        });
        if let Some((side, id, _)) = twin.filter(|_| !judged) {
            let detail =
                format!("{s} and {h} were linked by {wanted} at {at}, which {side} {id} has too");
            broken.push(Broken::new("matching", detail));
        }
    }
}

/// I-6: every living record is linked, or waits for a person or a cause, or is none of ours.
pub(super) fn nobody_forgotten(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for side in Side::BOTH {
        let converted = |id: &String| is_lead(id) && contact_of(scene.sandbox, id).is_some();
        let all = people::everybody(scene.sandbox, side).into_iter();
        for id in all.filter(|id| !converted(id)) {
            let is = |one: &RecordId| one.as_str() == id;
            let linked = scene.books.links.iter().any(|link| {
                scene.is_of_people(link)
                    && !matches!(link.state, LinkState::Superseded(_))
                    && link.ids.get(side).as_ref().is_some_and(is)
            });
            let told = scene.books.items.iter().any(|item| {
                let open = item.state != syncline::domain::ItemState::Resolved;
                (open || item.kind != ItemKind::Field)
                    && (item.sides.get(side).id.as_ref().is_some_and(is)
                        || item.candidates.iter().any(|one| is(&one.record.id)))
            });
            let fails = scene.books.errors.iter().any(|error| is(&error.record.id));
            if !linked && !told && !fails && !is_outside(scene, side, &id) {
                let detail = format!("{side} {id} is neither linked nor waiting");
                broken.push(Broken::new("I-6", detail));
            }
        }
    }
}

/// A contact that is away, or the twin of one, or the counterpart of a Lead that became one.
fn is_outside(scene: &Scene<'_>, side: Side, id: &str) -> bool {
    let away = |id: &str| !scene.diary.leaves.is_empty() && people::is_away(scene.sandbox, id);
    if side == Side::Salesforce {
        return away(id);
    }
    let mail = |side, id: &str| {
        let value = people::value(scene.sandbox, side, id, field(4, side, id));
        value.unwrap_or_default().to_lowercase()
    };
    let own = mail(side, id);
    let key = people::value(scene.sandbox, side, id, "syncline_salesforce_id");
    let became_one = scene.diary.linked.keys().any(|(lead, h)| {
        h == id && contact_of(scene.sandbox, lead).is_some_and(|contact| away(&contact))
    });
    if became_one {
        return true;
    }
    scene.alive(Side::Salesforce).iter().any(|s| {
        away(s) && (mail(Side::Salesforce, s) == own || key.as_deref() == Some(s.as_str()))
    })
}

/// True for a contact outside the scope at a moment: it is nobody's counterpart.
fn was_away(side: Side, history: &History, at: DateTime<Utc>) -> bool {
    let then = history.of_field(people::SCOPE).find(|one| one.at <= at);
    let country = then.and_then(|version| version.value(people::SCOPE));
    side == Side::Salesforce && country == Some(people::AWAY)
}
