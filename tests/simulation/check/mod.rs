//! The invariants of docs/design/sync-semantics.md 20 as functions over the vendors' whole past and the engine's own books.

mod apart;
mod books;
mod journal;
mod leads;
mod records;
mod runs;
mod sets;
mod spot;
mod undo;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use syncline::domain::{
    Base, Conflict, Link, LinkState, Mapping, Op, OpState, RecordId, Side, Value,
};
use syncline::sandbox::Sandbox;
use syncline::sandbox::history::{Author, Event, History, Version};

pub use books::Books;

use crate::diary::Diary;
use crate::people::{self, H, field};
use crate::story::Story;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub invariant: &'static str,
    pub detail: String,
}

impl Broken {
    fn new(invariant: &'static str, detail: String) -> Broken {
        Broken { invariant, detail }
    }
}

/// When the world is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// After the runs of what changed: references may wait for a sweep, which alone tells of a changed association (14.5).
    BeforeSweep,
    /// After a run that read everything.
    Complete,
}

/// What one check looks at.
pub struct Scene<'a> {
    pub story: &'a Story,
    pub sandbox: &'a Sandbox,
    pub books: &'a Books,
    pub mappings: &'a [Mapping],
    pub diary: &'a Diary,
    /// HubSpot's records that are the result of a merge, and when: what their past says of the time before is their winner's.
    merged: BTreeMap<&'a str, DateTime<Utc>>,
}

/// Edits that fell between our last look and our write (docs/design/sync-semantics.md 23), and other things seen.
#[derive(Default)]
pub struct Seen {
    pub races: u64,
    pub overwritten: u64,
}

impl<'a> Scene<'a> {
    pub fn new(
        story: &'a Story,
        sandbox: &'a Sandbox,
        books: &'a Books,
        mappings: &'a [Mapping],
        diary: &'a Diary,
    ) -> Scene<'a> {
        let mut scene = Scene {
            story,
            sandbox,
            books,
            mappings,
            diary,
            merged: BTreeMap::new(),
        };
        let mut merged = BTreeMap::new();
        for (side, id) in &diary.known {
            if *side != Side::HubSpot {
                continue;
            }
            let last = scene
                .history(*side, id)
                .and_then(|past| past.versions.last());
            if let Some(version) = last
                && let Event::MergedInto(into) = &version.event
            {
                merged.insert(into.as_str(), version.at);
            }
        }
        scene.merged = merged;
        scene
    }

    fn history(&self, side: Side, id: &str) -> Option<&'a History> {
        match side {
            Side::Salesforce => self.sandbox.org.history(crate::leads::object(id), id),
            Side::HubSpot => self.sandbox.portal.history(H, id),
        }
    }

    /// Every record there ever was, with its past.
    fn records(&self) -> impl Iterator<Item = (Side, &'a str, &'a History)> {
        self.diary.known.iter().filter_map(|(side, id)| {
            let history = self.history(*side, id)?;
            Some((*side, id.as_str(), history))
        })
    }

    /// When a record's own past begins.
    fn begins(&self, side: Side, id: &str) -> DateTime<Utc> {
        let merged = self.merged.get(id).filter(|_| side == Side::HubSpot);
        merged.copied().unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// A record's present id and those that it had before.
    fn ids_of(link: &'a Link, side: Side) -> impl Iterator<Item = &'a RecordId> {
        link.ids.get(side).iter().chain(link.former.get(side))
    }

    fn people(&self) -> &'a Mapping {
        let named = |mapping: &&Mapping| mapping.id.as_str() == "contacts";
        self.mappings.iter().find(named).unwrap()
    }

    /// The mapping that a link of somebody's is in.
    fn mapping_of(&self, link: &Link) -> Option<&'a Mapping> {
        let own = |mapping: &&Mapping| mapping.id == link.mapping;
        self.mappings
            .iter()
            .find(own)
            .filter(|one| one.object(Side::HubSpot) == H)
    }

    /// The mapping that such a record is in.
    fn people_like(&self, side: Side, id: &str) -> &'a Mapping {
        let object = crate::leads::object(id);
        let own = |one: &&Mapping| one.object(side) == object && one.object(Side::HubSpot) == H;
        let leads = self.mappings.iter().find(own);
        leads
            .filter(|_| side == Side::Salesforce)
            .unwrap_or_else(|| self.people())
    }

    /// True for a link of a Contact's or of a Lead's.
    fn is_of_people(&self, link: &Link) -> bool {
        self.mapping_of(link).is_some()
    }

    /// The linked contacts and leads.
    fn pairs(&self) -> impl Iterator<Item = (&'a Link, &'a str, &'a str, Option<&'a Base>)> {
        self.books.links.iter().filter_map(move |link| {
            let (s, h) = (link.ids.salesforce.as_ref()?, link.ids.hubspot.as_ref()?);
            let active = self.is_of_people(link) && link.state == LinkState::Active;
            active.then(|| (link, s.as_str(), h.as_str(), self.books.bases.get(&link.id)))
        })
    }

    /// Every journalled op, also those of a store that was put away.
    fn all_ops(&self) -> impl Iterator<Item = &'a Op> {
        self.books.ops.iter().chain(&self.diary.elder_ops)
    }

    fn all_items(&self) -> impl Iterator<Item = &'a Conflict> {
        let gone = self.diary.elder_items.iter().chain(&self.diary.chosen);
        self.books.items.iter().chain(gone)
    }

    /// What a record was at a time: the last thing that happened to its life.
    fn fate(&self, side: Side, id: &str, at: DateTime<Utc>) -> Option<Event> {
        let past = self.history(side, id)?;
        let lived = past.versions.iter().rev().filter(|one| one.at <= at);
        lived
            .map(|version| version.event.clone())
            .find(|event| *event != Event::Updated)
    }

    /// What a record was merged into, one after the other.
    fn successors(&self, side: Side, id: &str) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        let mut at = id.to_owned();
        while let Some(Event::MergedInto(next)) = self.fate(side, &at, self.books.now) {
            if chain.contains(&next) {
                break;
            }
            chain.push(next.clone());
            at = next;
        }
        chain
    }

    /// True where what is sent to a target arrives at that record: its own, or one that was merged into it meanwhile.
    fn lands_on(&self, side: Side, target: &Option<RecordId>, id: &str) -> bool {
        target.as_ref().is_some_and(|target| {
            target.as_str() == id || {
                let chain = self.successors(side, target.as_str());
                chain.iter().any(|one| one == id)
            }
        })
    }

    fn alive(&self, side: Side) -> BTreeSet<String> {
        people::everybody(self.sandbox, side).into_iter().collect()
    }

    /// What a person's field held at a time.
    fn held_at(&self, side: Side, id: &str, name: &str, at: DateTime<Utc>) -> Option<String> {
        value_at(self.history(side, id)?, name, at)
    }

    /// What a field of the record that an op was about held at a time.
    fn target_held_at(&self, op: &Op, name: &str, at: DateTime<Utc>) -> Option<String> {
        let id = op.target.as_ref()?.as_str();
        let past = match op.side {
            Side::Salesforce => self.sandbox.org.history(&op.object, id),
            Side::HubSpot => self.sandbox.portal.history(&op.object, id),
        };
        value_at(past?, name, at)
    }
}

fn value_at(past: &History, name: &str, at: DateTime<Utc>) -> Option<String> {
    let set = past.of_field(name).find(|version| version.at <= at)?;
    set.value(name).map(str::to_owned)
}

fn ours(version: &Version) -> bool {
    matches!(version.by, Author::Api(_))
}

fn text(value: &Value) -> &str {
    value.as_text().unwrap_or_default()
}

fn is(id: &Option<RecordId>, text: &str) -> bool {
    id.as_ref().is_some_and(|id| id.as_str() == text)
}

/// True where a write may have reached its vendor.
fn went_out(op: &Op) -> bool {
    op.attempt.sent_at.is_some()
        && matches!(
            op.state,
            OpState::Sent | OpState::Unknown | OpState::Confirmed
        )
}

type Check = fn(&Scene<'_>, &mut Vec<Broken>);

/// What must hold at any time.
const ALWAYS: [Check; 27] = [
    books::sound,
    leads::one_holder,
    leads::taken_over_whole,
    leads::nobody_made_beside,
    records::made_once,
    records::deleted_with_evidence,
    records::outside_is_left_alone,
    records::never_guessed,
    journal::inside_the_mapping,
    journal::attributable,
    journal::in_order,
    journal::unknown_is_inert,
    journal::bounded,
    runs::only_what_was_shown,
    runs::valves,
    runs::cursors,
    runs::counts,
    sets::taken_off_by_somebody,
    sets::added_by_somebody,
    sets::outside_stays,
    sets::written_once,
    sets::primary_left_alone,
    undo::nothing_is_left_out,
    undo::nothing_comes_again,
    values::base_truth,
    values::newest_wins,
    values::values_kept,
];

/// What must hold once all has become quiet.
const AT_REST: [Check; 5] = [
    leads::followed,
    values::last_word,
    records::nobody_forgotten,
    journal::nothing_open,
    runs::within_budget,
];

pub fn always(scene: &Scene<'_>, seen: &mut Seen) -> Vec<Broken> {
    let mut broken = Vec::new();
    values::no_silent_loss(scene, seen, &mut broken);
    for check in ALWAYS {
        check(scene, &mut broken);
    }
    broken
}

pub fn at_rest(scene: &Scene<'_>, rest: Rest) -> Vec<Broken> {
    let mut broken = Vec::new();
    apart::converged(scene, rest, &mut broken);
    for check in AT_REST {
        check(scene, &mut broken);
    }
    if rest == Rest::Complete {
        sets::in_step(scene, &mut broken);
        journal::errors_have_causes(scene, &mut broken);
    }
    broken
}
