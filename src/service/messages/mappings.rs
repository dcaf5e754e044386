//! Screen 1: mappings, and what happened lately.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{Direction, MappingId, PerSide, RunId, RunState, Value};

/// One mapping in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingRow {
    /// The mapping.
    pub mapping: MappingId,
    /// The objects.
    pub objects: PerSide<String>,
    /// Direction.
    pub direction: Direction,
    /// State.
    pub state: MappingStatus,
    /// When its last run ended.
    pub last_run_at: Option<DateTime<Utc>>,
    /// That run.
    pub last_run: Option<RunId>,
    /// Records changed by it.
    pub changed: Option<u64>,
    /// Records with open conflicts or in review.
    pub conflicts: u64,
    /// Since when the oldest waits.
    pub oldest_conflict: Option<DateTime<Utc>>,
    /// Records in error.
    pub errors: u64,
    /// Links.
    pub links: u64,
    /// When it runs next by itself.
    pub next_run_at: Option<DateTime<Utc>>,
    /// Field pairs.
    pub fields: usize,
    /// A sentence on its rules: "12 fields, SF wins Email, match on Email".
    pub rules: String,
    /// A sentence on its last run.
    pub last_run_text: String,
    /// Records changed by each of the last runs, oldest first (at most 20), for the sparkline.
    pub recent: Vec<RecentRun>,
}

/// One of the last runs of a mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecentRun {
    /// The run.
    pub run: RunId,
    /// Its state.
    pub state: RunState,
    /// Records changed.
    pub changed: u64,
}

/// How a mapping stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingStatus {
    /// Never ran; the first run shows its plan.
    ToConfirm,
    /// Healthy.
    Active,
    /// A run is at it.
    Running,
    /// Paused by a person.
    Paused,
    /// Halted, with the sentence why.
    Halted(String),
}

/// One mapping in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingDetail {
    /// The row.
    pub row: MappingRow,
    /// What records match on, in words.
    pub match_on: String,
    /// Who wins what, in words.
    pub wins: String,
    /// The field pairs.
    pub pairs: Vec<PairRow>,
}

/// One field pair of a mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairRow {
    /// Names on both sides.
    pub names: PerSide<String>,
    /// Direction.
    pub direction: Direction,
    /// The rule in words.
    pub rule: String,
    /// Transforms in words.
    pub transform: String,
    /// When it was last in conflict.
    pub last_conflict: Option<DateTime<Utc>>,
    /// Sample values of one linked record.
    pub sample: PerSide<Value>,
}

/// One line of the activity list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// When.
    pub at: DateTime<Utc>,
    /// What: "run 143 finished".
    pub what: String,
    /// More: "1 204 applied, 3 conflicts".
    pub detail: String,
    /// How it reads.
    pub tone: Tone,
    /// The run, if it is about one.
    pub run: Option<RunId>,
}

/// How a line reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Good.
    Ok,
    /// Just so you know.
    Info,
    /// Look at it.
    Warn,
    /// Failed.
    Error,
}
