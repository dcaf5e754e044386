//! Journalled writes (docs/design/sync-semantics.md 16.1).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    LinkId, Mapping, MappingId, OpId, RecordId, RunId, Side, Value, VendorError, digest128,
    element_of,
};

/// What an op does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpKind {
    /// Makes a record (an upsert by key where the key field exists).
    Create,
    /// Writes fields of a record.
    Update,
    /// Writes nothing but the key field.
    Stamp,
    /// Sets an association.
    Associate,
    /// Removes an association.
    Dissociate,
    /// Moves a record to the recycle bin or archives it.
    Delete,
    /// Lets the link follow its record into the one it was merged into (12.4). Written here only, never sent.
    Relink,
}

impl OpKind {
    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            OpKind::Create => "create",
            OpKind::Update => "update",
            OpKind::Stamp => "stamp",
            OpKind::Associate => "associate",
            OpKind::Dissociate => "dissociate",
            OpKind::Delete => "delete",
            OpKind::Relink => "relink",
        }
    }
}

/// One field of an op: what is sent, what was there, which rule decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The value before, as the plan saw it and as undo will restore it.
    pub before: Value,
    /// The value to send.
    pub after: Value,
    /// The rule that chose it: `changed`, `salesforce`, `last_write_wins`, `resolved`, `fill`, `key`, `create`…
    pub rule: String,
    /// The pair's name; empty for the key field.
    #[serde(default)]
    pub pair: String,
    /// The raw value of the other side that led to it.
    #[serde(default)]
    pub source: Value,
    /// For a reference: the link of the record referred to, whose id may not be known yet when the plan is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkId>,
    /// The same decision writes the other side too: until that is done this side counts as changed, and what was decided is
    /// carried over if the other write fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub both: bool,
    /// The value that was found on the record after the write, once it was read back: what undo compares with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Value>,
    /// For an element of a set: the life that its link was in.
    #[serde(default, skip_serializing_if = "super::link::is_first_life")]
    pub life: u32,
}

/// Where an op stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpState {
    /// Decided, nothing sent.
    Planned,
    /// Journalled; the request may be on the wire.
    Sent,
    /// The vendor said yes (or a look-up proved it).
    Confirmed,
    /// The vendor said no: not applied.
    Failed,
    /// No answer: must be looked up.
    Unknown,
    /// Looked up, and something else is there: re-planned.
    Superseded,
    /// Not sent: the target moved, a valve, the budget, a cancel.
    Skipped,
}

impl OpState {
    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            OpState::Planned => "planned",
            OpState::Sent => "sent",
            OpState::Confirmed => "confirmed",
            OpState::Failed => "failed",
            OpState::Unknown => "unknown",
            OpState::Superseded => "superseded",
            OpState::Skipped => "skipped",
        }
    }
}

/// What says that a record was deleted (12.1). A deletion that is carried over names its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Salesforce shows the row with `IsDeleted`.
    Row,
    /// HubSpot returns the record as archived.
    Archived,
    /// Nothing answers, and a person confirmed that it was deleted.
    Person,
}

/// How an op ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpOutcome {
    /// The id the vendor gave (creates).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// True where a create found the record already there.
    #[serde(default)]
    pub adopted: bool,
    /// The vendor's refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<VendorError>,
    /// Why it was skipped or superseded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How often an op was sent, and when last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Times sent.
    pub count: u32,
    /// When last.
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub sent_at: Option<DateTime<Utc>>,
    /// The same moment by the clock of the side it went to: ours may be set meanwhile.
    #[serde(
        with = "chrono::serde::ts_milliseconds_option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub side_at: Option<DateTime<Utc>>,
    /// The batch it went with.
    #[serde(default)]
    pub batch: u64,
}

/// One write to a vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Its id.
    pub id: OpId,
    /// Its run.
    pub run: RunId,
    /// Position in the run's journal; 0 until journalled.
    pub seq: u64,
    /// The mapping.
    pub mapping: MappingId,
    /// The link it works for.
    pub link: LinkId,
    /// What it does.
    pub kind: OpKind,
    /// The side written to.
    pub side: Side,
    /// The object written to.
    pub object: String,
    /// The record written to; `None` for a create.
    pub target: Option<RecordId>,
    /// The counterpart on the other side: the source of a create, whose id is the upsert key.
    pub source: Option<RecordId>,
    /// Of a create that goes under another key than its source's id (13): the Lead that its source was converted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RecordId>,
    /// Fields by API name on the side written to. An association has one, named as the pair's pseudo field.
    pub fields: BTreeMap<String, Assignment>,
    /// Of a deletion that is carried over: what says that the other record, the op's `source`, was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The target's modstamp that the plan was made from.
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub modstamp: Option<DateTime<Utc>>,
    /// State.
    pub state: OpState,
    /// Tries.
    #[serde(default)]
    pub attempt: Attempt,
    /// The end.
    #[serde(default)]
    pub outcome: OpOutcome,
}

impl Op {
    /// A planned op on a record of a link, with neither target nor source yet. Its id comes from what it does, where, in which
    /// round of planning: the same plan has the same ids (I-15).
    pub fn planned(
        run: RunId,
        mapping: &Mapping,
        link: LinkId,
        side: Side,
        kind: OpKind,
        fields: BTreeMap<String, Assignment>,
        round: u32,
    ) -> Op {
        let names: Vec<&[u8]> = fields.keys().map(|name| name.as_bytes()).collect();
        Op {
            id: OpId::derive(&[
                &run.0.to_be_bytes(),
                &link.0.to_be_bytes(),
                side.word().as_bytes(),
                kind.word().as_bytes(),
                &digest128(&names).to_be_bytes(),
                &round.to_be_bytes(),
            ]),
            run,
            seq: 0,
            mapping: mapping.id.clone(),
            link,
            kind,
            side,
            object: mapping.object(side).to_owned(),
            target: None,
            source: None,
            key: None,
            fields,
            evidence: None,
            modstamp: None,
            state: OpState::Planned,
            attempt: Attempt::default(),
            outcome: OpOutcome::default(),
        }
    }

    /// The record whose id a create goes under.
    pub fn upsert_key(&self) -> Option<&RecordId> {
        self.key.as_ref().or(self.source.as_ref())
    }

    /// The set and the element that the op is about, where it is about one.
    pub fn element(&self) -> Option<(&str, &str)> {
        self.fields
            .keys()
            .next()
            .and_then(|field| element_of(field))
    }

    /// True where the op changes nothing but the key field.
    pub fn is_stamp(&self) -> bool {
        self.kind == OpKind::Stamp
    }
}
