//! One link under work, and the plan that is made for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::blocked::Blocked;
use super::context::{Engine, Known};
use super::references::Parents;
use super::sets::{ElementKey, SetPlan, Sets};
use crate::crm::FieldVersion;
use crate::domain::{
    Assignment, Base, Conflict, ErrorItem, Link, LinkId, Mapping, Observation, Op, OpId, PerSide,
    RunId, Side,
};

/// One link under work, with all that is known of it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// The link.
    pub(super) link: Link,
    /// What each side looks like, where it was read.
    pub(super) seen: PerSide<Option<Observation>>,
    /// When each side was read for this very decision (the pre-read of 6.2).
    pub(super) fresh: PerSide<Option<DateTime<Utc>>>,
    /// The base.
    pub(super) base: Base,
    /// Open items of this link.
    pub(super) conflicts: Vec<Conflict>,
    /// Open errors of this link.
    pub(super) errors: Vec<ErrorItem>,
    /// Versions of HubSpot properties, once they were looked up.
    pub(super) times: Option<BTreeMap<String, Vec<FieldVersion>>>,
    /// Rounds it was planned again because its target moved.
    pub(super) replans: u32,
    /// Records read as changed are all that brought it here: no choice, no retry, no parent that is ready.
    pub(super) only_changed: bool,
    /// Sides of which something new is known to have been seen: where what was seen is not there any more, they are read.
    pub(super) news: PerSide<bool>,
    /// What is known of its sets.
    pub(super) sets: Sets,
    /// Whether the records of elements are there, where they were read to see that.
    pub(super) elements_there: BTreeMap<ElementKey, bool>,
}

impl Work {
    /// A name for people, from whichever side was read.
    pub(super) fn label(&self) -> String {
        let named = |side: Side| self.seen.get(side).as_ref().map(Observation::label);
        named(Side::Salesforce)
            .or_else(|| named(Side::HubSpot))
            .unwrap_or_else(|| self.link.id.short())
    }
}

/// What a link needs.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkPlan {
    /// Fields to write, by side.
    pub(super) writes: PerSide<BTreeMap<String, Assignment>>,
    /// Associations to set or remove on HubSpot, by pseudo field.
    pub(super) associations: BTreeMap<String, Assignment>,
    /// Elements of sets to add or to take off, by side and the field that stands for each.
    pub(super) elements: PerSide<BTreeMap<String, Assignment>>,
    /// Sets that settle with that.
    pub(super) sets: Vec<SetPlan>,
    /// Sides whose sets must be read before this can be decided or sent.
    pub(super) needs_sets: PerSide<bool>,
    /// Elements that are taken off only if their record is there on the side that lacks them.
    pub(super) needs_elements: BTreeSet<ElementKey>,
    /// Pairs that settle without a write: name and whether they diverge.
    pub(super) settles: Vec<(String, bool)>,
    /// Conflicts that are open now (new or seen again).
    pub(super) conflicts: Vec<Conflict>,
    /// Decisions of rules, kept for the record (I-2).
    pub(super) infos: Vec<Conflict>,
    /// Items that are over once this plan is carried out.
    pub(super) closes: Vec<Conflict>,
    /// Fields that cannot be used.
    pub(super) errors: Vec<ErrorItem>,
    /// Parents that must be linked first.
    pub(super) blocked: Vec<Blocked>,
    /// Ghosts that were seen to have landed after all.
    pub(super) landed: Vec<OpId>,
    /// HubSpot properties whose times must be looked up before this can be decided.
    pub(super) wants_times: BTreeSet<String>,
    /// Sides that must be read before this can be decided or sent.
    pub(super) needs: PerSide<bool>,
    /// Pairs whose values changed since the base, by side (for the valves).
    pub(super) changed: PerSide<bool>,
    /// Key fields that were found to hold the counterpart's id already.
    pub(super) stamped: PerSide<bool>,
}

/// What planning looks at beside the link itself.
pub(super) struct View<'a> {
    /// The engine (clock offsets and mappings only).
    pub(super) engine: &'a Engine,
    /// The mapping.
    pub(super) mapping: &'a Mapping,
    /// What preflight learned.
    pub(super) known: &'a Known,
    /// Updates that may still land, by link.
    pub(super) ghosts: &'a BTreeMap<LinkId, Vec<Op>>,
    /// Links of parents.
    pub(super) parents: &'a Parents,
    /// The moment of planning.
    pub(super) now: DateTime<Utc>,
    /// The run.
    pub(super) run: RunId,
}
