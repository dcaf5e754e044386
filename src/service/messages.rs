//! The messages between the engine's house and whoever looks at it. Plain data that could cross a socket.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    CallCount, Candidate, Choice, Conflict, Direction, ErrorCategory, ErrorItem, ItemId, ItemKind,
    ItemState, LinkId, MappingCounts, MappingId, Op, OpState, PerSide, RecordId, RecordKey, RunId,
    RunKind, RunRecord, RunState, Side, SideCount, SideValue, Value, ValveHit, VendorError,
};

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
    Stop,
    /// Stop now: requests in flight get their grace, what they meant is looked up by the next run. Answer: `Reply::Ok`.
    StopNow,
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

/// What is, or was, stored about one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// The records of both sides.
    pub records: Vec<RecordKey>,
    /// Links between them.
    pub links: u64,
    /// Writes in the journals.
    pub journal: u64,
    /// Conflicts, review items and errors, those that are over too.
    pub items: u64,
    /// Backups that were made before and are untouched.
    pub backups: u64,
    /// True where it was removed.
    pub done: bool,
}

/// A backup that can be gone back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFound {
    /// The file.
    pub file: PathBuf,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Its entries.
    pub entries: u64,
    /// Newer ones that cannot be read.
    pub unsound: u64,
    /// True where there is a store that it would replace.
    pub replaces: bool,
}

/// What going back to a backup came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Entries.
    pub entries: u64,
    /// The moment of the state that is there now.
    pub at: DateTime<Utc>,
    /// Where the store that was there is kept.
    pub aside: Option<PathBuf>,
}

/// What a compaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted {
    /// Entries.
    pub entries: u64,
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
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

/// What a person chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// A choice as it is stored.
    Choice(Choice),
    /// The later edit, however close; a tie is refused.
    Newest,
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

/// Which errors to retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryWhich {
    /// These.
    Items(Vec<ItemId>),
    /// All of a category.
    Category(ErrorCategory),
    /// All of one cause.
    Cause(ItemId),
    /// All.
    All,
}

/// A window of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// Which list.
    pub list: ListKind,
    /// Plain words and `field:value` terms, `!` negates; empty: no filter.
    #[serde(default)]
    pub filter: String,
    /// The column to sort by (a name that the list knows); `None`: its own order.
    #[serde(default)]
    pub sort: Option<SortBy>,
    /// First row wanted.
    #[serde(default)]
    pub from: usize,
    /// Rows wanted.
    #[serde(default)]
    pub count: usize,
    /// Tell where this row is, and start the window so that it is in it.
    #[serde(default)]
    pub locate: Option<ItemId>,
}

/// Sort order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortBy {
    /// Column name in lower case.
    pub column: String,
    /// Downwards.
    pub descending: bool,
}

/// The lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// The conflict queue: one row per record with open conflicts, one per review item; oldest first.
    /// Columns: age, mapping, record, fields, suggest, state. Filter terms: mapping, field, kind, state (open, draft, later), record,
    /// reason.
    Conflicts,
    /// Errors grouped by cause, largest first. Columns: count, last, sys, code, what.
    ErrorCauses,
    /// Errors of one cause, or all with `None`. Columns: record, field, value, tries, run, last.
    Errors {
        /// The cause's key.
        cause: Option<ItemId>,
    },
    /// Runs, newest first. Columns: run, when, by, took, applied.
    Runs,
    /// One run's journal in order. Columns: sys, record, field, state.
    Journal {
        /// The run.
        run: RunId,
    },
    /// What happened lately, newest first.
    Activity,
}

impl ListKind {
    /// The names of the columns that it sorts by.
    pub fn columns(&self) -> &'static [&'static str] {
        match self {
            ListKind::Conflicts => &["age", "mapping", "record", "fields", "suggest", "state"],
            ListKind::ErrorCauses => &["count", "last", "sys", "code", "what"],
            ListKind::Errors { .. } => &["record", "field", "value", "tries", "run", "last"],
            ListKind::Runs => &["run", "when", "by", "took", "applied"],
            ListKind::Journal { .. } => &["sys", "record", "field", "state"],
            ListKind::Activity => &["when"],
        }
    }
}

/// A window of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListPage {
    /// Rows without the filter.
    pub total: usize,
    /// Rows with it.
    pub matched: usize,
    /// Index of the first row given.
    pub from: usize,
    /// Where the located row is, if it is in the list.
    pub located: Option<usize>,
    /// The rows.
    pub rows: Rows,
}

/// Rows of one list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// Of `Conflicts`.
    Conflicts(Vec<ConflictRow>),
    /// Of `ErrorCauses`.
    Causes(Vec<CauseRow>),
    /// Of `Errors`.
    Errors(Vec<ErrorItem>),
    /// Of `Runs`.
    Runs(Vec<RunRecord>),
    /// Of `Journal`.
    Journal(Vec<Op>),
    /// Of `Activity`.
    Activity(Vec<ActivityRow>),
}

/// One row of the conflict queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictRow {
    /// The row's key: stable across refreshes.
    pub key: ItemId,
    /// `Field` for a record with field conflicts, else the review item's kind.
    pub kind: ItemKind,
    /// The mapping.
    pub mapping: MappingId,
    /// A name for people.
    pub label: String,
    /// Names of the open fields (Salesforce names); empty for review items.
    pub fields: Vec<String>,
    /// The open or drafted items behind the row, in the order of `fields`.
    pub items: Vec<ItemId>,
    /// First seen.
    pub since: DateTime<Utc>,
    /// The rule that asked: `last_write_wins`, `ask`, or the review's reason.
    pub rule: String,
    /// The side the rule leans to, where all items agree.
    pub suggest: Option<Side>,
    /// `Draft` where every item has a choice.
    pub state: ItemState,
    /// Both records' ids.
    pub ids: PerSide<Option<RecordId>>,
    /// The first two fields' values, for the peek below the list.
    pub peek: Vec<FieldView>,
    /// Left for later by a person, and no choice made since.
    #[serde(default)]
    pub later: Option<LeftForLater>,
}

/// A person left a row of the queue for later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftForLater {
    /// Why, in their words; may be empty.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// One thing that happened to a field of a linked record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// The pair's name.
    pub pair: String,
    /// When, where known.
    pub at: Option<DateTime<Utc>>,
    /// What.
    pub what: Happened,
    /// On which side; `None`: on both.
    pub side: Option<Side>,
    /// The run that did or saw it.
    pub run: Option<RunId>,
    /// Who, where the vendor tells.
    pub by: Option<String>,
    /// The value before.
    pub before: Value,
    /// The value after: what was sent, or what was read.
    pub after: Value,
    /// What was on the record when a write was read back.
    pub found: Option<Value>,
}

/// What happened to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// Somebody changed it at the vendor.
    Edited,
    /// Both sides agreed, and a run made it the base.
    BaseSet,
    /// We wrote it; how that ended.
    Written(OpState),
}

/// An error with the write that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The error.
    pub item: ErrorItem,
    /// The newest write in the journal that this error is about; `None` where nothing was sent.
    pub op: Option<Op>,
    /// What that write was sent as: `POST …/companies/batch/update`.
    pub request: String,
}

/// One field of a record in the resolver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldView {
    /// The pair's names on both sides.
    pub names: PerSide<String>,
    /// The conflict behind it, if it is one.
    pub item: Option<ItemId>,
    /// The base; `None` at a first sync.
    pub base: Option<Value>,
    /// Both sides.
    pub sides: PerSide<SideValue>,
    /// Which sides changed since the base.
    pub changed: PerSide<bool>,
    /// The rule of the pair in words: `newest`, `SF wins`, `HS wins`, `ask`.
    pub rule: String,
    /// The side the rule leans to.
    pub suggest: Option<Side>,
    /// The stored choice.
    pub choice: Option<Choice>,
    /// The value that the choice would leave on both sides.
    pub result: Option<Value>,
    /// The choices that do not fit, each with the reason (`base`: none yet at a first sync).
    pub disabled: Vec<(String, String)>,
}

/// One row of the queue in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictDetail {
    /// The row.
    pub row: ConflictRow,
    /// All mapped fields, conflicts first (field conflicts); both sides as last seen.
    pub fields: Vec<FieldView>,
    /// The items themselves.
    pub items: Vec<Conflict>,
    /// The candidates of a review item with their values by field name, as far as known.
    pub candidates: Vec<CandidateView>,
    /// The own record's values, for a review item.
    pub own: Option<CandidateView>,
    /// The run that set the base.
    pub base_run: Option<RunId>,
    /// How many other open conflicts have the same field and shape as each item.
    pub alike: BTreeMap<String, usize>,
}

/// A record side by side with others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateView {
    /// The record, its name and why it is a candidate.
    pub candidate: Candidate,
    /// Values by pair name (the Salesforce field's).
    pub values: BTreeMap<String, Value>,
}

/// Choices taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// How many were stored (or taken back).
    pub count: usize,
    /// Drafts waiting now, in all.
    pub drafts: usize,
    /// Open items without a choice, in all.
    pub open: usize,
    /// The items with the choice that each had before, so that it can be put back.
    pub before: Vec<(ItemId, Option<Choice>)>,
}

/// What drafts would send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Drafts in it.
    pub drafts: usize,
    /// Records to be written, by side.
    pub records: SideCount,
    /// Calls it will take, by side.
    pub calls: SideCount,
    /// One line per record and field, at most 200: side, object, id, label, field, before, after.
    pub lines: Vec<OutgoingLine>,
}

/// One value that would be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutgoingLine {
    /// Where.
    pub side: Side,
    /// The object.
    pub object: String,
    /// The record.
    pub record: RecordId,
    /// A name for people.
    pub label: String,
    /// The field on that side.
    pub field: String,
    /// Before.
    pub before: Value,
    /// After.
    pub after: Value,
}

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

/// One cause in the error screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseRow {
    /// The cause's key.
    pub key: ItemId,
    /// Records.
    pub count: u64,
    /// Last seen.
    pub last: DateTime<Utc>,
    /// First seen.
    pub first: DateTime<Utc>,
    /// Which side refused.
    pub side: Side,
    /// The vendor's code, or our category.
    pub code: String,
    /// Category.
    pub category: ErrorCategory,
    /// The mapping.
    pub mapping: MappingId,
    /// The pair's name, where one field is to blame.
    pub field: String,
    /// What, in a sentence.
    pub what: String,
    /// The vendor's words of the newest one.
    pub vendor: Option<VendorError>,
    /// What to do.
    pub next: String,
    /// The first few records' ids and names.
    pub samples: Vec<(RecordId, String)>,
    /// The run that saw it last.
    pub run: RunId,
    /// When the next automatic try is due; `None`: only by hand or after an edit.
    pub retry_at: Option<DateTime<Utc>>,
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
    pub would: crate::domain::Counters,
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

/// Everything about one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    /// One sentence: why it did not sync, or that it is in step.
    pub why: String,
    /// The mapping, if it is in one.
    pub mapping: Option<MappingId>,
    /// A name for people.
    pub label: String,
    /// The link.
    pub link: Option<crate::domain::Link>,
    /// Both ids.
    pub ids: PerSide<Option<RecordId>>,
    /// `in scope`, or why not.
    pub scope: String,
    /// Every mapped field: both sides now, base, rule, verdict.
    pub fields: Vec<RecordField>,
    /// Conflicts and review items.
    pub pending: Vec<Conflict>,
    /// Errors.
    pub errors: Vec<ErrorItem>,
    /// Journal history, newest first.
    pub journal: Vec<Op>,
}

/// One field of a record view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordField {
    /// Names on both sides.
    pub names: PerSide<String>,
    /// Both sides now.
    pub now: PerSide<Value>,
    /// The base of both sides.
    pub base: PerSide<Option<Value>>,
    /// The rule in words.
    pub rule: String,
    /// `equal`, `would go to HubSpot`, `conflict`, `diverged`, `error`…
    pub verdict: String,
}

/// One line of `check` or `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// Which check.
    pub check: String,
    /// About what.
    pub subject: String,
    /// How it went.
    pub state: CheckState,
    /// What was found.
    pub message: String,
    /// What to do; empty where nothing.
    pub next: String,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Fine.
    Ok,
    /// Works, but look at it.
    Warn,
    /// Must be fixed.
    Fail,
}
