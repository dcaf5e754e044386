//! What becomes of the further firms of contacts (docs/design/sync-semantics.md 14.5), by the ledger of who tied what to what.

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::{
    Base, BaseValue, Link, LinkState, Op, OpKind, OpState, RecordId, RunState, Side, element_of,
};
use syncline::sandbox::history::Event;

use super::spot::Spot;
use super::{Broken, Scene, went_out};
use crate::clubs::{self, Change, ROWS, Tie};

pub(super) use crate::clubs::Hand;

/// How long a look at a set may be relied on before a write (23).
const RACE: TimeDelta = TimeDelta::seconds(12);

/// A write of one element.
struct Written<'a> {
    op: &'a Op,
    sent: DateTime<Utc>,
    /// Where it was written, and what it is on the other side.
    there: Spot,
    across: Spot,
}

impl Written<'_> {
    fn tell(&self, scene: &Scene<'_>, what: &str) -> Broken {
        let past = |spot: &Spot| {
            let all = spot.changes(scene);
            all.map(|one| format!("{} {:?}->{:?} {:?}", one.at, one.was, one.is, one.by))
                .collect::<Vec<_>>()
        };
        let op = self.op;
        let detail = format!(
            "run {} {:?} {} {:?} {:?} sent {}: {what}; there {:?}, across {:?}",
            op.run,
            op.kind,
            op.side,
            op.target,
            op.fields.keys().collect::<Vec<_>>(),
            self.sent,
            past(&self.there),
            past(&self.across)
        );
        Broken::new("sets", detail)
    }

    /// True where either side's contact went into another one in that time: the sets of what is left begin anew (12.4).
    fn merged(&self, scene: &Scene<'_>, since: DateTime<Utc>) -> bool {
        let spots = [&self.there, &self.across].into_iter();
        let mut ids = spots.flat_map(|spot| spot.people.iter().map(|id| (spot.side, id)));
        ids.any(|(side, id)| {
            let mut versions = scene
                .history(side, id)
                .into_iter()
                .flat_map(|past| &past.versions);
            versions.any(|one| {
                let merged = matches!(one.event, Event::MergedInto(_));
                merged && (since..=self.sent).contains(&one.at)
            })
        })
    }

    /// True where either side's contact or firm went in that time, which takes the set with it.
    fn fated(&self, scene: &Scene<'_>, since: DateTime<Utc>) -> bool {
        let spots = [&self.there, &self.across];
        spots.into_iter().any(|spot| {
            let mut changes = spot.changes(scene);
            changes.any(|one| one.at >= since && one.at <= self.sent && one.by == Hand::Fate)
        })
    }
}

fn is_undo(op: &Op) -> bool {
    op.fields.values().any(|one| one.rule == "undo")
}

fn is_element(op: &Op) -> bool {
    matches!(op.kind, OpKind::Associate | OpKind::Dissociate)
        && op.fields.keys().any(|field| element_of(field).is_some())
}

fn link_of<'a>(scene: &Scene<'a>, id: syncline::domain::LinkId) -> Option<&'a Link> {
    scene.books.links.iter().find(|link| link.id == id)
}

/// Every write of an element that went out, by a rule of the merge.
fn written<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = Written<'a>> {
    let ops = scene.books.ops.iter();
    ops.filter(|op| is_element(op) && went_out(op) && !is_undo(op))
        .filter_map(|op| {
            let sent = op.attempt.sent_at?;
            let firm = op.fields.values().find_map(|one| one.link)?;
            let (person, firm) = (link_of(scene, op.link)?, link_of(scene, firm)?);
            // To a store that was put back its base is what was last.
            let recalled = scene.diary.recalled.iter().any(|at| *at <= sent);
            (!recalled).then(|| Written {
                op,
                sent,
                there: Spot::of(op.side, person, firm),
                across: Spot::of(op.side.other(), person, firm),
            })
        })
}

/// What is taken off somebody took off on the other side, where its record and that of its contact are alive.
pub(super) fn taken_off_by_somebody(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for one in written(scene).filter(|one| one.op.kind == OpKind::Dissociate) {
        let Some(off) = taken_off(scene, &one) else {
            broken.push(one.tell(scene, "nobody took it off"));
            continue;
        };
        let lacked = |tie: Tie| tie == Tie::None;
        // No look is older than its run. What was added since it looked is seen by the next, and comes again.
        let run = scene.books.run(one.op.run);
        let looked = run.map_or(one.sent, |run| run.started_at);
        let since = looked.min(one.sent - RACE);
        if !one.across.ever(scene, since, one.sent, lacked) {
            broken.push(one.tell(scene, "the other side has it"));
        }
        let mut lost_to_people = false;
        for change in one.there.changes(scene) {
            // Of what we were adding ourselves, without an answer, nobody can tell who did.
            let added = change.by == Hand::People
                && change.was == Tie::None
                && !was_under_way(scene, &one, change.at);
            // What somebody took off and added again between two looks was always there.
            if added && !lost_to_people && change.at > off.at && change.at < one.sent - RACE {
                broken.push(one.tell(scene, "somebody added it since"));
                break;
            }
            if change.is == Tie::None {
                lost_to_people = change.by == Hand::People || unnoticed(scene, &one, change.at);
            }
        }
    }
}

/// True where we had sent the same before, and had no answer then.
fn was_under_way(scene: &Scene<'_>, one: &Written<'_>, at: DateTime<Utc>) -> bool {
    let firm = |op: &Op| op.fields.values().find_map(|one| one.link);
    let same = |other: &Written<'_>| {
        other.op.kind == OpKind::Associate
            && other.op.side == one.op.side
            && other.op.link == one.op.link
            && firm(other.op) == firm(one.op)
            && other.sent <= at
    };
    let Some(last) = written(scene).filter(same).max_by_key(|other| other.sent) else {
        return false;
    };
    let landed = |change: &Change| change.by == Hand::Us && (last.sent..=at).contains(&change.at);
    !one.there.changes(scene).any(landed)
}

/// How the other side lost it: by a person, or with its record or its contact, which was there again before any look told that it
/// had gone: what comes and goes between two looks is not seen (23), and the rows do not come back.
fn taken_off<'a>(scene: &'a Scene<'_>, one: &'a Written<'_>) -> Option<&'a Change> {
    let lost = |change: &&Change| change.at <= one.sent && change.is == Tie::None;
    let mut lost = one.across.changes(scene).rev().filter(lost);
    let last = lost.next()?;
    match last.by {
        Hand::Fate if unnoticed(scene, one, last.at) => Some(last),
        Hand::People => Some(last),
        _ => lost.find(|change| change.by == Hand::People),
    }
}

/// True where no tombstone told that the record or its contact had gone then.
fn unnoticed(scene: &Scene<'_>, one: &Written<'_>, then: DateTime<Utc>) -> bool {
    let firm = one.op.fields.values().find_map(|one| one.link);
    let mut tombs = scene.diary.tombs.iter();
    !tombs.any(|(link, at)| {
        (*link == one.op.link || Some(*link) == firm) && (then..=one.sent).contains(at)
    })
}

/// What is added is there on the other side, and nobody took it off while that side was left alone.
pub(super) fn added_by_somebody(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for one in written(scene).filter(|one| one.op.kind == OpKind::Associate) {
        let has = |tie: Tie| tie != Tie::None;
        // A record that went into another one answers for it under its old id, before anything told of that.
        let merged = one.across.has_gone(scene);
        if !merged && !one.across.ever(scene, one.sent - RACE, one.sent, has) {
            broken.push(one.tell(scene, "the other side has it not"));
        }
        if comes_back(scene, &one) {
            broken.push(one.tell(
                scene,
                "somebody took it off, and nobody touched the other side",
            ));
        }
    }
}

/// True where it was in step by a write of ours, and since then only the side that gets it again moved: a person took it off.
fn comes_back(scene: &Scene<'_>, one: &Written<'_>) -> bool {
    let same = |other: &Written<'_>| {
        let firm = |op: &Op| op.fields.values().find_map(|one| one.link);
        let done = scene
            .books
            .run(other.op.run)
            .is_some_and(|run| matches!(run.state, RunState::Done | RunState::DoneWithErrors));
        other.op.link == one.op.link
            && firm(other.op) == firm(one.op)
            && other.op.run < one.op.run
            && other.op.state == OpState::Confirmed
            && done
    };
    let Some(before) = written(scene).filter(same).max_by_key(|one| one.op.run) else {
        return false;
    };
    let in_step = before.op.kind == OpKind::Associate;
    let ended = scene.diary.leaves.contains(&"unlink") || scene.story.firms_leave == "unlink";
    // Whoever comes back from the dead begins its sets anew (14.5).
    let mut tombs = scene.diary.tombs.iter();
    let firm = one.op.fields.values().find_map(|one| one.link);
    let back = tombs.any(|(link, at)| {
        (*link == one.op.link || Some(*link) == firm) && (before.sent..=one.sent).contains(at)
    });
    if !in_step
        || ended
        || back
        || one.merged(scene, before.sent)
        || one.fated(scene, before.sent)
        || undone_since(scene, one, before.sent)
    {
        return false;
    }
    let since = |spot: &Spot| -> Vec<Change> {
        let all = spot.changes(scene);
        let since = all.filter(|change| change.at > before.sent + RACE && change.at < one.sent);
        since.cloned().collect()
    };
    let here = since(&one.there);
    let off = |change: &Change| change.by == Hand::People && change.is == Tie::None;
    let was_primary = here
        .iter()
        .any(|change| change.was == Tie::Primary || change.is == Tie::Primary);
    since(&one.across).is_empty() && here.last().is_some_and(off) && !was_primary
}

fn undone_since(scene: &Scene<'_>, one: &Written<'_>, since: DateTime<Utc>) -> bool {
    scene.all_ops().any(|op| {
        let sent = op.attempt.sent_at.is_some_and(|sent| sent >= since);
        op.link == one.op.link && is_element(op) && is_undo(op) && sent
    })
}

/// What rests outside the scope stays as it is on both sides (12.6).
pub(super) fn outside_stays(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for one in written(scene) {
        let firm = one.op.fields.values().find_map(|one| one.link);
        let rested = scene.diary.rested.get(&one.op.run);
        if firm.is_some_and(|firm| rested.is_some_and(|all| all.contains(&firm))) {
            broken.push(one.tell(scene, "its firm rests outside the scope"));
        }
    }
}

/// No element is written that is as it is to be for longer than a look is relied on.
pub(super) fn written_once(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for one in written(scene).filter(|one| one.op.state == OpState::Confirmed) {
        let adds = one.op.kind == OpKind::Associate;
        let wanted = |tie: Tie| (tie != Tie::None) == adds;
        // An answer that was lost is looked up before the write goes out again.
        let first = one.op.attempt.count <= 1;
        let merged = one.there.has_gone(scene);
        let unlike = |tie: Tie| !wanted(tie);
        let needed = Spot::target(one.op).ever(scene, one.sent - RACE, one.sent, unlike);
        if first && !merged && !needed {
            broken.push(one.tell(scene, "it was so already"));
        }
    }
}

/// Every difference of ours has its op, and that of a primary one is never an element's.
pub(super) fn primary_left_alone(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for change in &scene.diary.ledger.changes {
        if change.by != Hand::Us {
            continue;
        }
        let primary = change.was == Tie::Primary || change.is == Tie::Primary;
        let mut ops = scene.all_ops().filter(|op| {
            let sent = op.attempt.sent_at;
            op.side == change.side
                && sent.is_some_and(|sent| sent <= change.at + TimeDelta::seconds(1))
                && (scene.lands_on(change.side, &op.target, &change.person)
                    || op.kind == OpKind::Create)
        });
        let fits = |op: &Op| {
            // An archived contact takes its associations along.
            let archived = op.kind == OpKind::Delete && change.is == Tie::None;
            archived
                || op.fields.keys().any(|field| match element_of(field) {
                    Some((_, id)) => !primary && (id == change.firm || merged(scene, change, id)),
                    None => primary && matches!(field.as_str(), "AccountId" | "company"),
                })
        };
        // A person who makes a further one the primary one while it is on its way.
        let raced = scene.diary.ledger.changes.iter().any(|one| {
            let about = one.side == change.side && one.person == change.person;
            about && one.by == Hand::People && one.at <= change.at && one.at >= change.at - RACE
        });
        if !ops.any(fits) && !raced {
            broken.push(Broken::new(
                "sets",
                format!("{change:?} is of no op that may do so"),
            ));
        }
    }
}

/// True where the firm of that id went into the one of the change.
fn merged(scene: &Scene<'_>, change: &Change, id: &str) -> bool {
    let firms = scene.books.links.iter();
    firms
        .filter(|link| link.mapping.as_str() == "accounts")
        .any(|link| {
            let has =
                |wanted: &str| Scene::ids_of(link, change.side).any(|id| id.as_str() == wanted);
            has(id) && has(&change.firm)
        })
}

/// At rest both sides of a linked contact have the same further firms, as far as these are linked and inside.
pub(super) fn in_step(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    if !scene.diary.ledger.open {
        return;
    }
    let now = scene.books.now;
    let people = Side::BOTH.map(|side| scene.alive(side));
    let firms = Side::BOTH.map(|side| clubs::firms(scene.sandbox, side));
    let living: Vec<&Link> = scene
        .books
        .links
        .iter()
        .filter(|link| link.mapping.as_str() == "accounts" && link.state == LinkState::Active)
        .filter(|link| {
            let has = |at: usize, id: &Option<RecordId>| {
                id.as_ref().is_some_and(|id| firms[at].contains(&id.0))
            };
            has(0, &link.ids.salesforce) && has(1, &link.ids.hubspot)
        })
        .collect();
    for (link, s, h, base) in scene.pairs() {
        let mapped = link.mapping == scene.people().id;
        if !mapped || !people[0].contains(s) || !people[1].contains(h) {
            continue;
        }
        let told = scene.books.errors.iter().any(|error| {
            error.link == Some(link.id)
                && (error.field.is_empty()
                    || error.field.contains(ROWS)
                    || error.field.contains('/'))
        });
        for firm in &living {
            let spots = Side::BOTH.map(|side| Spot {
                people: vec![[s, h][usize::from(side == Side::HubSpot)].to_owned()],
                firms: vec![
                    firm.ids
                        .get(side)
                        .as_ref()
                        .map_or_else(String::new, |id| id.0.clone()),
                ],
                side,
            });
            let ties = [spots[0].tie(scene, now), spots[1].tie(scene, now)];
            let lacking = match ties {
                [Tie::Further, Tie::None] => &spots[1],
                [Tie::None, Tie::Further] => &spots[0],
                _ => continue,
            };
            let alone = !has_primary(scene, lacking);
            let undone = put_back(scene, link, firm, &spots, base);
            if told || alone || undone {
                continue;
            }
            let past: Vec<Vec<String>> = spots
                .iter()
                .map(|spot| {
                    let all = spot.changes(scene);
                    all.map(|one| format!("{} {:?}->{:?} {:?}", one.at, one.was, one.is, one.by))
                        .collect()
                })
                .collect();
            let detail = format!(
                "{s} {h}: {:?} {ties:?}; base {:?}; {past:?}",
                firm.ids,
                base.and_then(|base| base.fields.get(ROWS))
            );
            broken.push(Broken::new("sets", detail));
        }
    }
}

/// Nothing goes beside a contact that has no primary one.
fn has_primary(scene: &Scene<'_>, spot: &Spot) -> bool {
    let ties = clubs::ties(scene.sandbox, spot.side, &spot.people[0]);
    ties.iter().any(|(_, tie)| *tie == Tie::Primary)
}

/// An undo took a write of it back, and nobody touched it since, or what they did was off and on again between two looks (23).
fn put_back(
    scene: &Scene<'_>,
    link: &Link,
    firm: &Link,
    spots: &[Spot; 2],
    base: Option<&Base>,
) -> bool {
    let own = |op: &&Op| {
        let about = op.fields.values().any(|one| one.link == Some(firm.id))
            || op.fields.keys().any(|field| {
                element_of(field).is_some_and(|(_, id)| {
                    // The firm may have been merged since.
                    let former = firm.former.get(op.side).iter().map(RecordId::as_str);
                    let now = spots[usize::from(op.side == Side::HubSpot)].firms.iter();
                    now.map(String::as_str).chain(former).any(|one| one == id)
                })
            });
        op.link == link.id && is_element(op) && op.state == OpState::Confirmed && about
    };
    let undo = scene
        .all_ops()
        .filter(own)
        .max_by_key(|op| op.attempt.sent_at);
    let Some(undo) = undo.filter(|op| is_undo(op)) else {
        return false;
    };
    let people = spots.iter().flat_map(|spot| spot.changes(scene));
    // A person who did the same by hand, while the undo had no answer yet, changed nothing of it.
    let same = |one: &Change| {
        one.side == undo.side && (one.is != Tie::None) == (undo.kind == OpKind::Associate)
    };
    let mut people = people.filter(|one| one.by == Hand::People && !same(one));
    let held = base.and_then(|base| base.fields.get(ROWS));
    let settled = |spot: &Spot| {
        let held = held.and_then(|held| match held.values.get(spot.side) {
            Some(BaseValue::Raw(ids)) => Some(ids.as_str()),
            Some(_) => Some(""),
            None => None,
        });
        let has = spot.tie(scene, scene.books.now) != Tie::None;
        held.is_some_and(|ids| spot.firms.iter().any(|firm| ids.contains(firm.as_str())) == has)
    };
    spots.iter().all(settled)
        || !people.any(|one| undo.attempt.sent_at.is_some_and(|sent| one.at > sent))
}
