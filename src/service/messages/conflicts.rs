//! Screen 3: the conflict queue, one row in full, choices and what they would send.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    Candidate, Choice, Conflict, ItemId, ItemKind, ItemState, MappingId, OpState, PerSide,
    RecordId, RunId, Side, SideCount, SideValue, Value,
};

/// What a person chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// A choice as it is stored.
    Choice(Choice),
    /// The later edit, however close; a tie is refused.
    Newest,
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
    /// Records that an earlier run left unsent in the mappings of the drafts: a run over all drafts takes them up too.
    pub unsent: u64,
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
