//! What every step of a run has at hand, what a run is asked to do, and how it can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::control::Control;
use super::db::Db;
use super::guard::SafetyLimits;
use super::report::Reporter;
use crate::clock::Clock;
use crate::crm::{Crm, CrmError};
use crate::domain::{
    Asked, Canary, LinkId, Mapping, MappingId, Op, PerSide, RecordId, RunId, Side, ValveHit,
};
use crate::store::StoreError;

/// The `[engine]` numbers of the config (docs/design/sync-semantics.md, Names).
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long after an unanswered write nothing is decided about it.
    pub settle_delay: Duration,
    /// Re-read before the watermark where Salesforce tells latestDateCovered.
    pub overlap_salesforce: Duration,
    /// The same where it does not.
    pub overlap_uncovered: Duration,
    /// HubSpot's overlap.
    pub overlap_hubspot: Duration,
    /// Oldest read that a write may rely on.
    pub max_age: Duration,
    /// Rounds of re-planning records that moved.
    pub max_replans: u32,
    /// Links per slice.
    pub slice: usize,
    /// Write batches in flight per side.
    pub in_flight: usize,
    /// How long requests in flight get after a stop.
    pub stop_grace: Duration,
    /// How long a schema is believed.
    pub schema_refresh: Duration,
    /// Tries before only an edit or a person helps.
    pub quarantine_after: u32,
    /// Writes of one field within ten runs before its going back and forth freezes it.
    pub oscillation_writes: u32,
    /// How long a field waits for the record that it refers to before that is an error.
    pub blocked_after: Duration,
    /// How often every record of each side is walked over.
    pub sweep: PerSide<Duration>,
    /// The record of each side that is looked at before anything else.
    pub canary: PerSide<Option<Canary>>,
    /// How long runs with their journals, and items that are over, are kept.
    pub retention: Duration,
    /// Share of each side's daily calls that is ours, in percent.
    pub daily_share: PerSide<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            settle_delay: Duration::from_secs(120),
            overlap_salesforce: Duration::from_secs(120),
            overlap_uncovered: Duration::from_secs(900),
            overlap_hubspot: Duration::from_secs(900),
            max_age: Duration::from_secs(10),
            max_replans: 3,
            slice: 5000,
            in_flight: 4,
            stop_grace: Duration::from_secs(30),
            schema_refresh: Duration::from_secs(3600),
            quarantine_after: 8,
            oscillation_writes: 3,
            blocked_after: Duration::from_secs(7 * 24 * 3600),
            sweep: PerSide {
                salesforce: Duration::from_secs(7 * 24 * 3600),
                hubspot: Duration::from_secs(24 * 3600),
            },
            canary: PerSide::default(),
            retention: Duration::from_secs(90 * 24 * 3600),
            daily_share: PerSide {
                salesforce: 50,
                hubspot: 50,
            },
        }
    }
}

/// The rules that a process works by: the config, resolved.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Mappings in the order of work: parents first (14.2).
    pub mappings: Vec<Mapping>,
    /// Revision of each mapping's scope, match, delete and transform rules (18).
    pub revisions: BTreeMap<MappingId, String>,
    /// Numbers.
    pub settings: Settings,
    /// Valves.
    pub limits: SafetyLimits,
    /// True where a first sync asks before it writes (real connections, not loopback).
    pub ask_first: bool,
}

/// Which records a run takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Full,
    /// What changed; mappings that never ran are full all the same.
    Changed,
    /// Only what is dirty already: stored choices, freed errors. Nothing is observed.
    Stored,
    /// What that run wrote, to put it back (19.1). Nothing is observed.
    Undo(RunId),
    /// Exactly the ops of a plan; what it is about is observed anew (15.3).
    Plan(Arc<Planned>),
}

/// A plan to be carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// It was made of everything, not of what changed.
    pub full: bool,
    /// Its ops by signature.
    pub ops: BTreeMap<u128, Op>,
}

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// Mappings; empty: all that are not paused.
    pub mappings: Vec<MappingId>,
    /// Which records.
    pub scope: Scope,
    /// Answers the question of a first sync.
    pub yes: bool,
    /// Accepts the valves that a halted run's plan tripped: the plan's hash.
    pub confirm: Option<String>,
    /// Who.
    pub by: String,
}

/// A run was stopped by the engine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The sentence for people, with the next step.
    pub reason: String,
    /// Valves that tripped, if it was them.
    pub valves: Vec<ValveHit>,
    /// The plan's hash, where a confirm may follow.
    pub confirm: Option<String>,
    /// True where it only waits for an answer (first sync).
    pub awaiting: bool,
    /// The mapping that alone is halted; `None`: the run.
    pub mapping: Option<MappingId>,
    /// What a confirm would answer for, where one may follow.
    pub asked: Option<Asked>,
}

/// Why a run could not go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed: nothing more is written anywhere.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A vendor is unreachable, refuses us, or answers nonsense.
    #[error(transparent)]
    Crm(#[from] CrmError),
    /// A valve or another guard.
    #[error("{}", .0.reason)]
    Halted(Box<Halt>),
    /// A person stopped it.
    #[error("stopped")]
    Stopped,
    /// One of our own invariants did not hold; the run stops before it does harm.
    #[error("an invariant of the engine does not hold: {0}; please report it with the log file")]
    Invariant(String),
}

impl Halt {
    /// A halt with a reason and nothing else.
    pub fn because(reason: impl Into<String>) -> Self {
        Halt {
            reason: reason.into(),
            valves: Vec::new(),
            confirm: None,
            awaiting: false,
            mapping: None,
            asked: None,
        }
    }
}

impl EngineError {
    /// A halt with a reason and nothing else.
    pub fn halt(reason: impl Into<String>) -> Self {
        EngineError::Halted(Box::new(Halt::because(reason)))
    }
}

/// People who may own records, by id and by e-mail (3: owner).
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// E-mail by id.
    pub email: BTreeMap<RecordId, String>,
    /// Id of the active one by e-mail.
    pub id: BTreeMap<String, RecordId>,
}

/// What preflight learned and the steps need.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Owners per side; empty where no mapping has an owner pair.
    pub owners: PerSide<Owners>,
    /// Our own user or app id per side.
    pub us: PerSide<Option<String>>,
    /// (mapping, side) whose key field exists and is writable.
    pub keyed: BTreeSet<(MappingId, Side)>,
    /// Mappings whose fields all exist: whoever reads a record that several of them share, reads it for all.
    pub sound: BTreeSet<MappingId>,
    /// (mapping, pair) that a change of the objects has paused (19.2).
    pub paused: BTreeSet<(MappingId, String)>,
    /// Mappings whose store was restored and not confirmed since (22 rule 9): what we wrote last is not known.
    pub restored: BTreeSet<MappingId>,
    /// Required fields for a create, per (mapping, side): API names.
    pub required: BTreeMap<(MappingId, Side), Vec<String>>,
    /// The install id (hexadecimal), a part of every link id.
    pub install: String,
    /// Hashes of the records that were forgotten on request (19.4).
    pub forgotten: BTreeSet<u128>,
}

impl Known {
    /// True where a change of the objects has paused the pair.
    pub(super) fn is_paused(&self, mapping: &MappingId, pair: &str) -> bool {
        !self.paused.is_empty() && self.paused.contains(&(mapping.clone(), pair.to_owned()))
    }
}

/// The engine over one store and two sides. Cheap to clone; a clone over scratch space makes previews.
#[derive(Clone)]
pub struct Engine {
    /// Typed rows.
    pub db: Arc<Db>,
    /// The sides.
    pub crm: PerSide<Arc<dyn Crm>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The rules.
    pub rules: Arc<Rules>,
    /// Where progress goes.
    pub report: Reporter,
    /// Hold and stop.
    pub control: Control,
    /// Owners as they were read last, for as long as a schema is believed.
    pub owners: OwnerCache,
}

/// Owners per side with the moment they were read; shared by the runs of a process.
pub type OwnerCache = Arc<Mutex<BTreeMap<Side, (DateTime<Utc>, Owners)>>>;

impl Engine {
    /// A time of our clock by the clock of a side: ours may be set, forward or back, between two looks.
    pub(super) fn server_time(&self, side: Side, at: DateTime<Utc>) -> DateTime<Utc> {
        let health = self.side(side).health();
        // The median lags behind a clock that was set: then the newest answer tells the time.
        let was_set = (health.clock_offset_ms - health.newest_offset_ms).abs() > 2_000;
        let offset = match was_set {
            true => health.newest_offset_ms,
            false => health.clock_offset_ms,
        };
        at + TimeDelta::milliseconds(offset)
    }

    /// The side's client.
    pub fn side(&self, side: Side) -> &Arc<dyn Crm> {
        self.crm.get(side)
    }

    /// The mapping of that name.
    pub fn mapping(&self, id: &MappingId) -> Option<&Mapping> {
        self.rules.mappings.iter().find(|mapping| &mapping.id == id)
    }

    /// The link id of what started with that record (2: identifiers).
    pub fn link_id(
        &self,
        install: &str,
        mapping: &MappingId,
        side: Side,
        record: &RecordId,
    ) -> LinkId {
        LinkId::derive(&[
            install.as_bytes(),
            mapping.as_str().as_bytes(),
            side.word().as_bytes(),
            record.as_str().as_bytes(),
        ])
    }
}
