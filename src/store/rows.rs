//! The rows that are not words of the domain: what the engine notes for itself. Every field has a default, so that a row of an
//! older version reads. Times are milliseconds since 1970.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    Conflict, ItemState, LinkId, MappingId, ObjectSchema, OpId, OpState, RecordId, RecordKey,
    RunId, Value,
};

/// `lidx`: the link that holds the record.
pub type LinkIndexRow = LinkId;

/// `map`: how a mapping stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingPhase {
    /// Runs.
    #[default]
    Active,
    /// A person paused it.
    Paused,
    /// Something stopped it.
    Halted,
    /// Waits for a confirm.
    NeedsConfirm,
}

/// `map`: a mapping's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapState {
    /// How it stands.
    pub state: MappingPhase,
    /// Why, where halted.
    pub reason: Option<String>,
    /// Hash of the config as it was last seen.
    pub rev: String,
    /// Hash of the config that was confirmed; empty before the first.
    pub confirmed_rev: String,
    /// The store's lock epoch when it was confirmed (22 rule 9).
    pub confirmed_epoch: u64,
    /// Its first full run is done.
    pub first_sync_done: bool,
}

/// `cur`: how far an object was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// How far the object was read, for whomever.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub watermark: Option<DateTime<Utc>>,
    /// The mappings that stand behind the watermark: each has seen everything up to there, in milliseconds since 1970. Who is not
    /// named has seen nothing.
    pub seen: BTreeMap<MappingId, i64>,
    /// An older version named only those that lag behind it, which every other mapping had reached then.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub behind: BTreeMap<MappingId, i64>,
    /// Where to go on in an open window, in the client's words.
    pub resume: Option<String>,
    /// What was read up to there was read by these terms: a digest of whom it was read for, and by which rules.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub terms: String,
    /// The end of the open window.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub window_hi: Option<DateTime<Utc>>,
    /// Counts passes over the object.
    pub pass: u64,
    /// Records read so far in a full pass that is under way.
    pub read: u64,
    /// The last full pass.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub last_full: Option<DateTime<Utc>>,
    /// The side's clock minus ours, in milliseconds.
    pub clock_offset: i64,
    /// The walk over every record (5.4).
    pub sweep: Sweep,
}

impl Cursor {
    /// Where a pass over everything goes on that was cut off; nowhere under other terms, by which nothing was read yet.
    pub fn place(&self, terms: &str) -> Option<&str> {
        self.resume.as_deref().filter(|_| self.terms == terms)
    }

    /// Up to where everything was seen by a mapping.
    pub fn seen_by(&self, mapping: &MappingId) -> Option<DateTime<Utc>> {
        let own = self.seen.get(mapping).or_else(|| self.behind.get(mapping));
        match own {
            Some(at) => DateTime::from_timestamp_millis(*at),
            None => self.watermark.filter(|_| self.seen.is_empty()),
        }
    }

    /// A look for these mappings reached that moment. Everyone else stands where they stood.
    pub fn reach<'m>(&mut self, moment: DateTime<Utc>, over: impl Iterator<Item = &'m MappingId>) {
        let farther = |old: Option<DateTime<Utc>>| old.map_or(moment, |old| old.max(moment));
        let reached = |mapping: &MappingId| {
            let at = farther(self.seen_by(mapping)).timestamp_millis();
            (mapping.clone(), at)
        };
        let reached: Vec<_> = over.map(reached).collect();
        self.seen.append(&mut self.behind);
        self.seen.extend(reached);
        self.watermark = Some(farther(self.watermark));
    }
}

/// `cur`: how far a walk over every record of an object has come (docs/design/sync-semantics.md 5.4). A full pass is one too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sweep {
    /// Its number; every linked record that it meets is stamped with it.
    pub number: u64,
    /// When it began; `None` where none is under way.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub since: Option<DateTime<Utc>>,
    /// Where to go on, in the client's words.
    pub resume: Option<String>,
    /// Pages read so far.
    pub pages: u64,
    /// Records read so far.
    pub read: u64,
    /// Every record was met; what was not met is still to be looked for.
    pub walked: bool,
    /// When the last complete one began.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub done: Option<DateTime<Utc>>,
}

impl Sweep {
    /// A new walk begins, whatever became of the one before.
    pub fn begin(&mut self, now: DateTime<Utc>) {
        *self = Sweep {
            number: self.number + 1,
            since: Some(now),
            done: self.done,
            ..Sweep::default()
        };
    }

    /// The walk is through, and what it did not meet was looked for.
    pub fn finish(&mut self) {
        self.done = self.since.take();
        self.walked = false;
    }
}

/// `dirty`: why a record is to be looked at, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dirty {
    /// The bits.
    pub reasons: u16,
}

impl Dirty {
    /// Its values changed.
    pub const CHANGED: u16 = 1;
    /// It is new.
    pub const CREATED: u16 = 1 << 1;
    /// It is gone.
    pub const DELETED: u16 = 1 << 2;
    /// An error is to be tried again.
    pub const RETRY: u16 = 1 << 3;
    /// A field pair was added.
    pub const BACKFILL: u16 = 1 << 4;
    /// Its link changed.
    pub const RELINK: u16 = 1 << 5;
    /// What it refers to is there now.
    pub const PARENT_READY: u16 = 1 << 6;
    /// A choice is stored for it.
    pub const RESOLVED: u16 = 1 << 7;
    /// An earlier run was let to make its counterpart: what it sent never happened, or an undo of its undo lets it be made again.
    pub const LET_THROUGH: u16 = 1 << 8;
    /// Every known bit.
    pub const ALL: u16 = (1 << 9) - 1;
}

/// `jopen`: a write that may still land although a look-up said it had not (16.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ghost {
    /// The record.
    pub target: Option<RecordId>,
    /// Digest of the sent value by field.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// When it may be forgotten.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub until: DateTime<Utc>,
}

/// `jopen`: where an op without an answer stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOp {
    /// Its run.
    pub run: RunId,
    /// Its place there.
    pub seq: u64,
    /// Set once it was looked up as "not applied".
    #[serde(default)]
    pub ghost: Option<Ghost>,
}

impl OpenOp {
    /// True for a state that an open op without ghost may have in the journal.
    pub fn may_be(state: OpState) -> bool {
        matches!(state, OpState::Sent | OpState::Unknown)
    }
}

/// `undo`: what an op replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UndoRow {
    /// The op.
    pub op: Option<OpId>,
    /// The record.
    pub record: Option<RecordId>,
    /// Raw values before, touched fields only.
    pub before: BTreeMap<String, Value>,
    /// Raw values after.
    pub after: BTreeMap<String, Value>,
}

/// `tomb`: a record that is gone and must not come back by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tomb {
    /// Why it is gone.
    pub cause: String,
    /// Never create it again.
    pub no_recreate: bool,
}

/// `hold`: a source value that must not travel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hold {
    /// Digest of the value.
    pub digest: String,
    /// Who holds it: `undo`, `you`.
    pub by: String,
    /// The run that set it.
    pub run: Option<RunId>,
}

/// `schema`: an object as its side described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaRow {
    /// When it was read.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub fetched_at: DateTime<Utc>,
    /// Hash of the field table.
    #[serde(default)]
    pub fingerprint: String,
    /// The table.
    pub schema: ObjectSchema,
}

/// `budget`: calls of one side in one hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetRow {
    /// Calls used by us.
    pub used: u64,
    /// What the vendor said was left, last.
    pub remaining: Option<u64>,
}

/// `act`: one line of the activity list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityLine {
    /// When.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// What kind.
    #[serde(default)]
    pub kind: String,
    /// The line.
    pub text: String,
}

/// `wait`: a link that waits for a parent to be linked (14.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildRef {
    /// Its mapping.
    pub mapping: MappingId,
    /// The link.
    pub link: LinkId,
    /// The parent record.
    #[serde(default)]
    pub parent: Option<RecordKey>,
    /// Since when it waits.
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub since: Option<DateTime<Utc>>,
    /// The wait was long enough to be told of.
    #[serde(default)]
    pub told: bool,
}

/// True where a conflict or review item counts and is listed: it waits, and no rule decided it.
pub fn is_waiting(item: &Conflict) -> bool {
    item.state != ItemState::Resolved && !item.automatic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mapping_stands_where_its_own_looks_came_to_whoever_looked_since() {
        let at = |seconds: i64| DateTime::from_timestamp(seconds, 0);
        let [contacts, leads, gone] = ["contacts", "leads", "gone"].map(MappingId::from);
        // As an older version wrote it.
        let row = r#"{"watermark":9000,"behind":{"leads":5000}}"#;
        let mut cursor: Cursor = serde_json::from_str(row).unwrap();
        let seen = |cursor: &Cursor| [&contacts, &leads, &gone].map(|one| cursor.seen_by(one));
        assert_eq!(seen(&cursor), [at(9), at(5), at(9)]);
        cursor.reach(at(12).unwrap(), [&contacts].into_iter());
        assert_eq!(seen(&cursor), [at(12), at(5), None]);
        cursor.reach(at(20).unwrap(), [&leads].into_iter());
        assert_eq!(seen(&cursor), [at(12), at(20), None]);
        cursor.reach(at(15).unwrap(), [&contacts, &leads].into_iter());
        assert_eq!(seen(&cursor), [at(15), at(20), None]);
        assert_eq!(cursor.watermark, at(20));
    }
}
