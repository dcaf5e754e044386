//! Runs, their counts and valves (docs/design/product.md, Machine-readable output; docs/design/sync-semantics.md 15, 18).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{MappingId, PerSide, RunId};

/// What a run was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Everything.
    Full,
    /// What changed.
    Incremental,
    /// Exactly a given plan, or stored choices.
    Apply,
    /// Putting back.
    Undo,
}

impl RunKind {
    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            RunKind::Full => "full",
            RunKind::Incremental => "incremental",
            RunKind::Apply => "apply",
            RunKind::Undo => "undo",
        }
    }
}

/// How a run stands or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Under way.
    Running,
    /// A valve or a first sync's question waits for an answer; nothing was written.
    AwaitingConfirm,
    /// Finished, nothing open.
    Done,
    /// Finished; some records are in error, conflict or review.
    DoneWithErrors,
    /// A valve, the budget or a vendor stopped it.
    Halted,
    /// A person stopped it.
    Cancelled,
    /// The process ended in the middle; recovered by a later one.
    Crashed,
}

impl RunState {
    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::AwaitingConfirm => "awaiting_confirm",
            RunState::Done => "done",
            RunState::DoneWithErrors => "done_with_errors",
            RunState::Halted => "halted",
            RunState::Cancelled => "cancelled",
            RunState::Crashed => "crashed",
        }
    }

    /// True once nothing more will happen.
    pub fn is_over(self) -> bool {
        !matches!(self, RunState::Running | RunState::AwaitingConfirm)
    }
}

/// A count per side.
pub type SideCount = PerSide<u64>;

/// Calls per side, and by purpose (`auth`, `schema`, `observe`, `complete`, `write`, `read_back`…).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// All requests, sign-in and rejected ones included.
    pub total: SideCount,
    /// By purpose.
    pub purposes: BTreeMap<String, SideCount>,
}

/// What a run did to one mapping. Counts are of records; how they add up is in product.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingCounts {
    /// The mapping.
    pub mapping: MappingId,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counters,
}

/// The counters of one mapping in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Distinct records read.
    pub read: SideCount,
    /// Links (before the creates) of what was read.
    pub linked: u64,
    /// Records made, by the side they were made on.
    pub created: SideCount,
    /// Records updated, by the side written to.
    pub updated: SideCount,
    /// Links updated on at least one side, each once.
    pub updated_links: u64,
    /// Records archived or sent to the recycle bin.
    pub archived: SideCount,
    /// Records merged.
    pub merged: SideCount,
    /// Links that needed nothing.
    pub unchanged: u64,
    /// Links with an open conflict.
    pub conflicts: u64,
    /// Records in review without a link.
    pub review: u64,
    /// Records in error.
    pub errors: u64,
    /// The part of `errors` that has no link.
    pub unlinked_errors: u64,
    /// Links held.
    pub held: u64,
    /// Records out of scope, unmatched where no create is allowed, or of another mapping.
    pub excluded: u64,
    /// What waits at the end of the run, old and new: the counts above are of this run's records only.
    pub open: OpenCounts,
}

/// What waits for a person or for a cause to go away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenCounts {
    /// Field conflicts.
    pub conflicts: u64,
    /// Review items.
    pub review: u64,
    /// Errors.
    pub errors: u64,
}

impl OpenCounts {
    /// All of them.
    pub fn sum(&self) -> u64 {
        self.conflicts + self.review + self.errors
    }
}

/// A safety valve that tripped (18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValveHit {
    /// Its name: `max_changes`, `first_run`, `empty_source`…
    pub valve: String,
    /// The mapping.
    pub mapping: MappingId,
    /// What was found.
    pub found: u64,
    /// The limit.
    pub limit: u64,
    /// The sentence for people.
    pub message: String,
    /// True where a confirm of the plan hash lets the plan through.
    pub confirmable: bool,
}

impl ValveHit {
    /// A mapping whose fields or objects a side does not have, or does not let us write.
    pub const MAPPING_REFUSED: &str = "mapping_refused";
    /// The disk has no room for what the run may write.
    pub const DISK: &str = "disk";
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its number.
    pub run: RunId,
    /// Kind.
    pub kind: RunKind,
    /// State.
    pub state: RunState,
    /// Who started it: `you`, `schedule`, `confirm`…
    pub by: String,
    /// Start.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub started_at: DateTime<Utc>,
    /// End.
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub ended_at: Option<DateTime<Utc>>,
    /// Calls used.
    #[serde(default)]
    pub calls: CallCount,
    /// What the formula of 21 gives for this run's counts.
    #[serde(default)]
    pub expected_calls: SideCount,
    /// Per mapping, in the order of work.
    #[serde(default)]
    pub mappings: Vec<MappingCounts>,
    /// Why it halted.
    #[serde(default)]
    pub reason: Option<String>,
    /// Valves that tripped.
    #[serde(default)]
    pub valves: Vec<ValveHit>,
    /// Hash of the plan, once there is one.
    #[serde(default)]
    pub plan_hash: Option<String>,
    /// Ops journalled so far.
    #[serde(default)]
    pub ops: u64,
    /// What the valves that stopped it asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// What a halted run asked a person about: a confirm answers for nothing else (18).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The mappings of its plan, with the revisions of their rules.
    pub revisions: BTreeMap<MappingId, String>,
    /// How often the store had been restored.
    pub epoch: u64,
}

impl RunRecord {
    /// True for a run that halted on valves that a person may let its plan through.
    pub fn can_confirm(&self) -> bool {
        matches!(self.state, RunState::Halted | RunState::AwaitingConfirm)
            && self.plan_hash.is_some()
            && !self.valves.is_empty()
            && self.valves.iter().all(|hit| hit.confirmable)
    }
}
