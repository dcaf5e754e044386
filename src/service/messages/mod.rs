//! The messages between the engine's house and whoever looks at it. Plain data that could cross a socket: what is asked and
//! answered here, what an answer holds in a file per screen.

mod check;
mod conflicts;
mod errors;
mod lists;
mod live;
mod mappings;
mod record;
mod runs;
mod upkeep;

use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, MappingId, PerSide, RunId, RunRecord, Value};

pub use check::{CheckLine, CheckState};
pub use conflicts::{
    CandidateView, ConflictDetail, ConflictRow, FieldView, Happened, HistoryLine, LeftForLater,
    Outgoing, OutgoingLine, Resolved, Take,
};
pub use errors::{CauseRow, ErrorDetail, RetryWhich};
pub use lists::{ListKind, ListPage, ListQuery, Rows, SortBy};
pub use live::{Connection, Control, Event, PhaseLine, PhaseState, Progress, Status, Totals};
pub use mappings::{
    ActivityRow, MappingDetail, MappingRow, MappingStatus, PairRow, RecentRun, Tone,
};
pub use record::{RecordField, RecordView, ScopeClause, Seen, SideNow, Verdict};
pub use runs::{
    Preview, PreviewMapping, RunRow, SavedPlan, SyncOrder, UndoForecast, UndoneMapping,
};
pub use upkeep::{BackupFound, Compacted, Forgotten, Restored};

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// The mappings with their state. Answer: `Reply::Mappings`.
    Mappings,
    /// One mapping with fields and last runs. Answer: `Reply::Mapping`.
    Mapping {
        /// Which.
        mapping: MappingId,
    },
    /// A window of a list. Answer: `Reply::List`.
    List(ListQuery),
    /// The ids of every row that a filter lets through, for marking all. Answer: `Reply::Ids`.
    Ids(ListQuery),
    /// One row of the conflict queue in full: all fields of the record, or the candidates. Answer: `Reply::Conflict`.
    Conflict {
        /// The queue row's key.
        key: ItemId,
    },
    /// Open conflicts of the same field and shape (which side changed, which is newer). Answer: `Reply::Ids` (item ids).
    Alike {
        /// The model item.
        item: ItemId,
    },
    /// Stores choices as drafts; nothing is sent. All or none are taken. Answer: `Reply::Resolved`.
    Resolve {
        /// Items (of field conflicts or reviews).
        items: Vec<ItemId>,
        /// The choice for all of them.
        take: Take,
        /// Who chooses.
        by: String,
        /// Review items among them are left out instead of refused: what was marked may be of both kinds.
        #[serde(default)]
        fields_only: bool,
        /// The values of items as they were on the screen: where one holds others by now, none is taken. What is chosen for
        /// rows or by id is not looked at like that.
        #[serde(default)]
        shown: Vec<(ItemId, PerSide<Value>)>,
    },
    /// Takes choices back. Answer: `Reply::Resolved`.
    Unresolve {
        /// Items in draft.
        items: Vec<ItemId>,
    },
    /// Leaves rows of the queue for later: their choices are taken back and the reason is shown beside them until a choice is
    /// made. Answer: `Reply::Resolved`.
    Later {
        /// The rows' keys.
        rows: Vec<ItemId>,
        /// Why, which may be empty; `None` takes an earlier "later" back.
        reason: Option<String>,
        /// Who.
        by: String,
    },
    /// What is known of the past of a queue row's fields. Answer: `Reply::History`.
    History {
        /// The queue row's key.
        key: ItemId,
    },
    /// An error with the write that was refused. Answer: `Reply::Error`.
    Error {
        /// The item.
        item: ItemId,
    },
    /// What applying the drafts would send. Answer: `Reply::Outgoing`.
    Outgoing {
        /// Only this queue row's; `None`: of all drafts.
        key: Option<ItemId>,
    },
    /// Starts a run over just the records with drafts (kind apply). Answer: `Reply::Started`.
    ApplyDrafts {
        /// Who.
        by: String,
    },
    /// Starts a run. Answer: `Reply::Started`, or `Reply::Refused`.
    Sync(SyncOrder),
    /// Computes what a run would do, writing nothing. Answer: `Reply::Started`, then `Event::PreviewReady`, then ask `Preview`.
    StartPreview {
        /// Empty: all.
        mappings: Vec<MappingId>,
        /// Sample ops to keep per mapping.
        limit: usize,
        /// Everything instead of what changed.
        full: bool,
    },
    /// The last preview. Answer: `Reply::Preview`.
    Preview,
    /// The last preview as a plan to keep; it must have been started with `limit` at its most, so that every op is in it.
    /// Answer: `Reply::Plan`.
    Plan,
    /// Starts a run that carries out exactly a kept plan. Answer: `Reply::Started`.
    Apply {
        /// The plan.
        plan: Box<SavedPlan>,
        /// Accepts the valves that it trips: its hash.
        confirm: Option<String>,
        /// Who.
        by: String,
    },
    /// Computes what the undo of a run would do, writing nothing. Answer: `Reply::Started`, then `Event::PreviewReady`, then
    /// ask `UndoForecast`.
    ForecastUndo {
        /// The run to be undone.
        run: RunId,
    },
    /// The last forecast of an undo. Answer: `Reply::UndoForecast`.
    UndoForecast,
    /// Starts the undo of a run as a new run. Answer: `Reply::Started`.
    Undo {
        /// The run to be undone.
        run: RunId,
    },
    /// Retries errors: they go with the next run; `now` starts one over just them. Answer: `Reply::Retried`.
    Retry {
        /// Which.
        which: RetryWhich,
        /// Start a run at once.
        now: bool,
    },
    /// Finish the batch, then wait. Answer: `Reply::Ok`.
    Hold,
    /// Go on after a hold. Answer: `Reply::Ok`.
    GoOn,
    /// Stop after this batch. Answer: `Reply::Ok`.
    Stop {
        /// Only this run; `None`: whatever is under way.
        run: Option<RunId>,
    },
    /// Stop now: requests in flight get their grace, what they meant is looked up by the next run. Answer: `Reply::Ok`.
    StopNow {
        /// Only this run; `None`: whatever is under way.
        run: Option<RunId>,
    },
    /// Pauses or resumes a mapping's schedule and runs. Answer: `Reply::Ok`.
    Pause {
        /// Which.
        mapping: MappingId,
        /// True: pause.
        paused: bool,
    },
    /// One run with its valves and a window of its journal through `List`. Answer: `Reply::Run`.
    Run {
        /// Which.
        run: RunId,
    },
    /// Everything about one record, by either side's id, e-mail or name. Answer: `Reply::Records`.
    Record {
        /// What was typed.
        query: String,
        /// Only of this mapping: two objects may have the same id.
        #[serde(default)]
        mapping: Option<MappingId>,
    },
    /// What is stored about one person, and with `sure` its removal. Answer: `Reply::Forgotten`.
    Forget {
        /// Either side's id, or an e-mail address.
        query: String,
        /// Only this mapping's record.
        mapping: Option<MappingId>,
        /// Remove it; without, it is only counted.
        sure: bool,
        /// Who.
        by: String,
    },
    /// Runs the checks. Answer: `Reply::Check`.
    Check {
        /// Make what may be made (the HubSpot key property).
        fix: bool,
    },
    /// Tries the connections again now. Answer: `Reply::Ok`.
    Reconnect,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Done.
    Ok,
    /// Not done, and why, and what to do instead.
    Refused(Refusal),
    /// Answer to `Mappings`.
    Mappings {
        /// In the config's order.
        mappings: Vec<MappingRow>,
    },
    /// Answer to `Mapping`.
    Mapping(Box<MappingDetail>),
    /// Answer to `List`.
    List(ListPage),
    /// Answer to `Ids`, `Alike`.
    Ids {
        /// In the list's order.
        ids: Vec<ItemId>,
    },
    /// Answer to `Conflict`.
    Conflict(Box<ConflictDetail>),
    /// Answer to `History`: newest first.
    History {
        /// The lines of all fields.
        lines: Vec<HistoryLine>,
    },
    /// Answer to `Error`.
    Error(Box<ErrorDetail>),
    /// Answer to `Resolve`, `Unresolve`, `Later`.
    Resolved(Resolved),
    /// Answer to `Outgoing`.
    Outgoing(Outgoing),
    /// A run was started.
    Started {
        /// Its number; `None` for a preview.
        run: Option<RunId>,
    },
    /// Answer to `Preview`; `None` before the first.
    Preview(Option<Box<Preview>>),
    /// Answer to `Plan`.
    Plan(Box<SavedPlan>),
    /// Answer to `UndoForecast`; `None` before the first.
    UndoForecast(Option<Box<UndoForecast>>),
    /// Answer to `Retry`.
    Retried {
        /// Error items freed.
        count: u64,
        /// The run, with `now`.
        run: Option<RunId>,
    },
    /// Answer to `Run`.
    Run(Box<RunRecord>),
    /// Answer to `Record`.
    Records {
        /// One: in full. Several: listed, to choose from.
        records: Vec<RecordView>,
    },
    /// Answer to `Forget`.
    Forgotten(Forgotten),
    /// Answer to `Check`.
    Check {
        /// In the order they were made.
        checks: Vec<CheckLine>,
    },
}

/// Why something was not done. `kind` decides the exit status of a verb.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The class.
    pub kind: RefusalKind,
    /// What, why, and the next step, in a sentence or two.
    pub message: String,
    /// Items that the request named and that do not fit, each with the reason.
    #[serde(default)]
    pub items: Vec<(ItemId, String)>,
}

/// Classes of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The request names something that does not exist or does not fit (exit 2).
    Usage,
    /// A vendor is not reachable or refuses the credentials (exit 3).
    Vendor,
    /// A question must be answered first (exit 4).
    Confirm,
    /// The store failed (exit 5).
    Store,
    /// Started with --read-only.
    ReadOnly,
    /// A run is under way.
    Busy,
}
