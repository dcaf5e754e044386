//! What is always at hand, a run under way, and facts as they happen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Refusal, Tone};
use crate::domain::{
    CallCount, ItemId, LinkId, MappingCounts, MappingId, PerSide, RunId, RunKind, RunRecord,
    SideCount,
};

/// The status that is always at hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The config's name, or the hosts'.
    pub name: String,
    /// True with --read-only.
    pub read_only: bool,
    /// Both connections.
    pub connections: PerSide<Connection>,
    /// Records with open conflicts plus review items.
    pub conflicts: u64,
    /// Open causes of errors.
    pub error_causes: u64,
    /// Drafts that wait for `W` or the next run.
    pub drafts: u64,
    /// The next scheduled run.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The run under way.
    pub run: Option<Progress>,
    /// The last run that ended in this process.
    pub last_run: Option<RunId>,
    /// The store failed: nothing more is sent; the sentence why.
    pub stopped: Option<String>,
    /// Counts up whenever a list may have changed.
    pub version: u64,
}

/// How a connection stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// A name: the host's first label, the portal id.
    pub label: String,
    /// True once it answered.
    pub connected: bool,
    /// Since when it does not answer.
    pub unreachable_since: Option<DateTime<Utc>>,
    /// When the next try is due.
    pub next_try_at: Option<DateTime<Utc>>,
    /// The last failure's words.
    pub failure: Option<String>,
    /// Calls used today by anyone, and the limit.
    pub daily: Option<(u64, u64)>,
    /// The gate is closed until then (429).
    pub throttled_until: Option<DateTime<Utc>>,
}

/// A run under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Its number; `None` for a preview.
    pub run: Option<RunId>,
    /// Kind.
    pub kind: RunKind,
    /// Mappings in it.
    pub mappings: Vec<MappingId>,
    /// Who started it.
    pub by: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// One line per phase, in order.
    pub phases: Vec<PhaseLine>,
    /// Holding or held, stopping.
    pub control: Control,
    /// Totals so far.
    pub totals: Totals,
    /// Calls so far, and the forecast.
    pub calls: CallCount,
    /// Calls expected in all, by side, once a plan exists.
    pub forecast: Option<SideCount>,
    /// Counts per mapping so far.
    pub counts: Vec<MappingCounts>,
    /// The batch being written, of how many: "batch 4 of 9".
    pub batch: Option<(u64, u64)>,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// It does.
    #[default]
    Going,
    /// A hold was asked for; the batch is being finished.
    Holding,
    /// It waits.
    Held,
    /// A stop was asked for.
    Stopping,
}

/// One phase of a run. The words are the engine's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseLine {
    /// `recover`, `preflight`, `observe SF`, `observe HS`, `complete`, `match`, `plan`, `guard`, `apply SF`, `apply HS`, `settle`.
    pub word: String,
    /// Where it stands.
    pub state: PhaseState,
    /// What it found: "41 000 read, 1 310 changed".
    pub detail: String,
    /// Done so far, of how many (apply).
    pub done: u64,
    /// Of how many; 0 where unknown.
    pub of: u64,
    /// Smoothed rate per second; 0 where unknown.
    pub per_second: u64,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Where a phase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    /// Not begun.
    Waiting,
    /// Under way.
    Going,
    /// Done.
    Done,
    /// Failed.
    Failed,
}

/// Totals of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Records written.
    pub written: u64,
    /// Links that needed nothing.
    pub unchanged: u64,
    /// Records parked in conflict or review.
    pub conflicts: u64,
    /// Records in error.
    pub failed: u64,
    /// Ops skipped because their target moved.
    pub skipped: u64,
}

/// A discrete fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A line for the live list: a record written, parked, refused; a batch done.
    Line {
        /// When.
        at: DateTime<Utc>,
        /// How it reads.
        tone: Tone,
        /// "Contact 003..8Qk".
        subject: String,
        /// "jane@ex.org".
        label: String,
        /// "phone ← HS".
        what: String,
        /// The item to open with enter, if any.
        item: Option<ItemId>,
        /// The link, if any.
        link: Option<LinkId>,
    },
    /// How many lines were left out of the live list because there were too many; none is missing from the journal.
    LinesDropped {
        /// How many.
        count: u64,
    },
    /// A run began.
    RunStarted {
        /// Which.
        run: RunId,
    },
    /// A run ended.
    RunEnded {
        /// The record.
        run: Box<RunRecord>,
    },
    /// A preview can be read.
    PreviewReady,
    /// A preview could not be made, and why.
    PreviewFailed {
        /// Why.
        refusal: Refusal,
    },
    /// Something the operator should read in the message line.
    Notice {
        /// How it reads.
        tone: Tone,
        /// The sentence.
        text: String,
    },
}
