//! Everything about one record.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Tone;
use crate::domain::{Conflict, ErrorItem, Link, MappingId, Op, PerSide, RecordId, Side, Value};

/// Everything about one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    /// In a sentence or two: why it did not sync, or that it is in step.
    pub why: String,
    /// How that reads.
    pub tone: Tone,
    /// The mapping.
    pub mapping: MappingId,
    /// A name for people.
    pub label: String,
    /// The link.
    pub link: Option<Link>,
    /// Both records as they are now.
    pub sides: PerSide<SideNow>,
    /// What the mapping asks of a record that takes part, clause by clause.
    pub scope: Vec<ScopeClause>,
    /// Every mapped field: both sides now, base, rule, verdict.
    pub fields: Vec<RecordField>,
    /// Conflicts and review items.
    pub pending: Vec<Conflict>,
    /// Errors.
    pub errors: Vec<ErrorItem>,
    /// Journal history, newest first.
    pub journal: Vec<Op>,
    /// When its mapping runs next by itself.
    pub next_run_at: Option<DateTime<Utc>>,
    /// When all this was read.
    pub read_at: DateTime<Utc>,
}

impl RecordView {
    /// The record's id on a side.
    pub fn id(&self, side: Side) -> Option<&RecordId> {
        self.sides.get(side).id.as_ref()
    }

    /// True where the record takes part: no clause says no.
    pub fn in_scope(&self) -> bool {
        self.scope.iter().all(|clause| clause.holds != Some(false))
    }
}

/// One side of a record, as a look at it found it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideNow {
    /// Its id; `None` where this side has no record.
    pub id: Option<RecordId>,
    /// What the look found.
    pub seen: Seen,
    /// When it was changed last.
    pub modified_at: Option<DateTime<Utc>>,
    /// By whom, where told.
    pub modified_by: Option<String>,
    /// Where people open it in the vendor's own pages; the sandbox has none.
    pub address: Option<String>,
}

/// What a look at one side of a record found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// This side has no record.
    #[default]
    NoRecord,
    /// It was not looked at: several records answer to what was typed.
    NotAsked,
    /// It is there.
    Live,
    /// Deleted or archived.
    Deleted,
    /// Merged into the named one.
    MergedInto(RecordId),
    /// A Lead that became the named Contact.
    Converted(RecordId),
    /// It does not answer, and nothing proves that it was deleted.
    Missing,
    /// The side could not be asked, and why.
    Unread(String),
}

impl Seen {
    /// The word for machines and lists.
    pub fn word(&self) -> &'static str {
        match self {
            Seen::NoRecord => "no_record",
            Seen::NotAsked => "not_asked",
            Seen::Live => "live",
            Seen::Deleted => "deleted",
            Seen::MergedInto(_) => "merged",
            Seen::Converted(_) => "converted",
            Seen::Missing => "missing",
            Seen::Unread(_) => "unread",
        }
    }
}

/// One thing that a mapping asks of a record that takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeClause {
    /// In words: "every Contact", "creates = \"to_hubspot\"".
    pub clause: String,
    /// Whether this record meets it; `None` where that is not known.
    pub holds: Option<bool>,
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
    /// Which sides hold another value than their base.
    pub changed: PerSide<bool>,
    /// The rule in words.
    pub rule: String,
    /// What the next run would do about it.
    pub verdict: Verdict,
}

impl RecordField {
    /// The pair's name in lists: the Salesforce field, or the HubSpot property where there is none.
    pub fn name(&self) -> &str {
        if self.names.salesforce.is_empty() {
            &self.names.hubspot
        } else {
            &self.names.salesforce
        }
    }
}

/// What the next run would do about a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both sides hold the same.
    Equal,
    /// They differ, and that is settled: nothing is written.
    Diverged,
    /// One side changed, or is blank: the other's value is written to this one.
    GoesTo(Side),
    /// Both sides are written.
    GoesToBoth,
    /// Both sides changed; the rule decides by times that the run looks up.
    BothChanged,
    /// Both sides changed, and the rule is to ask.
    WouldAsk,
    /// The value cannot be used.
    WouldFail,
    /// A conflict waits for a choice.
    Conflict,
    /// A choice is stored.
    Chosen,
    /// It went back and forth and waits for a choice.
    Frozen,
    /// An error stands.
    Error,
    /// It names a record that has no counterpart yet.
    WaitsForParent,
    /// It names a record whose counterpart was deleted: both sides keep what they hold.
    CounterpartGone,
    /// A change of the objects has paused it.
    Paused,
    /// A side was not read, or its link is at rest.
    NotCompared,
}

impl Verdict {
    /// The words of lists and JSON.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Equal => "equal",
            Verdict::Diverged => "differs, accepted",
            Verdict::GoesTo(Side::HubSpot) => "would go to HubSpot",
            Verdict::GoesTo(Side::Salesforce) => "would go to Salesforce",
            Verdict::GoesToBoth => "would go to both sides",
            Verdict::BothChanged => "both changed, times decide",
            Verdict::WouldAsk => "would ask",
            Verdict::WouldFail => "would be an error",
            Verdict::Conflict => "conflict",
            Verdict::Chosen => "chosen, goes with the next run",
            Verdict::Frozen => "frozen",
            Verdict::Error => "error",
            Verdict::WaitsForParent => "waits for its parent",
            Verdict::CounterpartGone => "stays, its counterpart was deleted",
            Verdict::Paused => "paused by a change of the objects",
            Verdict::NotCompared => "not compared",
        }
    }

    /// True where the field is at rest: nothing about it needs a word.
    pub fn is_at_rest(self) -> bool {
        matches!(self, Verdict::Equal | Verdict::NotCompared)
    }

    /// True where the next run does something about it.
    pub fn is_next(self) -> bool {
        matches!(
            self,
            Verdict::GoesTo(_)
                | Verdict::GoesToBoth
                | Verdict::BothChanged
                | Verdict::WouldAsk
                | Verdict::WouldFail
        )
    }
}
