//! Runs to be started: orders, previews, kept plans, the forecast of an undo.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    CallCount, Counters, ErrorItem, MappingCounts, MappingId, Op, RunId, RunKind, RunRecord,
    RunState, SideCount, ValveHit,
};

/// One run in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// The run.
    pub record: RunRecord,
    /// The undo that put back what it changed, if one did.
    pub undone_by: Option<RunId>,
}

impl RunRow {
    /// True where it stopped before its first write and keeps its plan for a confirm.
    pub fn keeps_plan(&self) -> bool {
        let stopped = matches!(
            self.record.state,
            RunState::Halted | RunState::AwaitingConfirm
        );
        stopped && self.record.ops == 0 && self.record.plan_hash.is_some()
    }
}

/// What to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncOrder {
    /// Empty: all that are not paused.
    pub mappings: Vec<MappingId>,
    /// Everything instead of what changed.
    pub full: bool,
    /// Answers the question of a first sync.
    pub yes: bool,
    /// Accepts a tripped valve for exactly this plan.
    pub confirm: Option<String>,
    /// Who: `you`, `schedule`.
    pub by: String,
}

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Full or incremental.
    pub kind: RunKind,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Calls that making it took.
    pub calls: CallCount,
    /// Hash of the plan.
    pub plan_hash: String,
    /// Valves that would stop it.
    pub valves: Vec<ValveHit>,
    /// Calls it would take.
    pub forecast: SideCount,
    /// About how long, in seconds.
    pub seconds: f64,
    /// Per mapping.
    pub mappings: Vec<PreviewMapping>,
}

/// What a run would do to one mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewMapping {
    /// The mapping.
    pub mapping: MappingId,
    /// The counts.
    pub would: Counters,
    /// Sample ops.
    pub samples: Vec<Op>,
    /// Errors it would meet (transforms, missing required fields), as samples.
    pub errors: Vec<ErrorItem>,
}

/// A preview kept as a plan: the same for the same state, so it holds no moment and no run (I-15).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// The installation that it was made by.
    pub install: String,
    /// How often that one's store had been restored.
    pub epoch: u64,
    /// Full or incremental.
    pub kind: RunKind,
    /// Its hash.
    pub plan_hash: String,
    /// The revision of each mapping's rules.
    pub revisions: BTreeMap<MappingId, String>,
    /// Valves that it trips.
    pub valves: Vec<ValveHit>,
    /// Calls it would take.
    pub forecast: SideCount,
    /// About how long, in seconds.
    pub seconds: f64,
    /// The counts of each mapping.
    pub mappings: Vec<MappingCounts>,
    /// Every op, sorted; an op's id is what makes it the same op to `Apply`.
    pub ops: Vec<Op>,
}

/// What the undo of a run would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoForecast {
    /// The run to be undone.
    pub run: RunId,
    /// When the forecast was made.
    pub made_at: DateTime<Utc>,
    /// Calls that making it took.
    pub calls: CallCount,
    /// Calls the undo would take.
    pub forecast: SideCount,
    /// About how long, in seconds.
    pub seconds: f64,
    /// Per mapping.
    pub mappings: Vec<UndoneMapping>,
    /// What would be left as it is: ops in the state `Skipped`, each with the reason.
    pub left: Vec<Op>,
}

/// What the undo of a run would do to one mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoneMapping {
    /// The mapping.
    pub mapping: MappingId,
    /// Records whose values go back.
    pub put_back: SideCount,
    /// Records that the run made and that are taken away.
    pub taken_back: SideCount,
    /// Links of which something is left as it is.
    pub left: u64,
    /// Records taken back earlier that the next sync makes again.
    pub released: u64,
}
