//! Links and their two-sided bases (docs/design/sync-semantics.md 2, 2.1).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{LinkId, MappingId, PerSide, RecordId, RunId, Side, Value, digest128};

/// How a link came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreatedBy {
    /// Two existing records matched.
    Matched,
    /// We created the Salesforce record.
    CreatedSalesforce,
    /// We created the HubSpot record.
    CreatedHubspot,
    /// A create found the record already there under its key.
    Adopted,
    /// A person linked the two.
    Person,
    /// It took over from a link of the exclusive group: a Lead was converted (13).
    Relinked,
}

/// The state of a link. Only `Active` ones are merged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Both records are known and in step.
    Active,
    /// A create was sent, its target's id is not known yet.
    PendingCreate,
    /// Set aside, with the reason.
    Suspended(String),
    /// Its Salesforce record left the scope: nothing is written either way until it comes back (12.6).
    OutOfScope,
    /// Its Salesforce record left the scope and the link with it: the two ids are remembered so that nothing is made for
    /// either, the base is not (12.6).
    Unlinked,
    /// A record of it is gone (12.1). The link stays as the tombstone: it keeps both ids and the base, nothing is made from the
    /// record that is left, and one that is seen alive again finds its way back (12.3, 12.5).
    Deleted(Departed),
    /// That run, an undo, took back the record that an earlier one had made: nothing is made for its source again until the
    /// undo itself is undone (19.1).
    TakenBack(RunId),
    /// Another link of the exclusive group has its HubSpot record from now on: its Lead was converted (13).
    Superseded(Successor),
}

/// The link that took over, and the Salesforce record that it has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Successor {
    /// Its mapping.
    pub mapping: MappingId,
    /// Its id.
    pub link: LinkId,
    /// Its Salesforce record.
    pub record: RecordId,
}

impl LinkState {
    /// True while no other link of an exclusive group may hold the link's records (2, I-7).
    pub fn holds(&self) -> bool {
        match self {
            LinkState::Active
            | LinkState::PendingCreate
            | LinkState::Suspended(_)
            | LinkState::OutOfScope
            | LinkState::TakenBack(_) => true,
            LinkState::Unlinked | LinkState::Deleted(_) | LinkState::Superseded(_) => false,
        }
    }
}

/// Which records of a link are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Departed {
    /// The sides whose record is gone.
    pub gone: PerSide<bool>,
    /// The run that archived the record of that side because the other one was deleted.
    #[serde(default)]
    pub archived: PerSide<Option<RunId>>,
    /// What is left is still to be archived: the last wave of a run does that.
    #[serde(default)]
    pub due: bool,
}

impl Departed {
    /// The record of one side is gone.
    pub fn of(side: Side) -> Self {
        let mut departed = Departed::default();
        *departed.gone.get_mut(side) = true;
        departed
    }
}

/// The stored fact "this Salesforce id is that HubSpot id".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// Its mapping.
    pub mapping: MappingId,
    /// Both ids; one is `None` while a create is pending.
    pub ids: PerSide<Option<RecordId>>,
    /// State.
    pub state: LinkState,
    /// Origin.
    pub created_by: CreatedBy,
    /// When it was made.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub created_at: DateTime<Utc>,
    /// The sides whose key field is known to hold the counterpart's id (10.3).
    #[serde(default)]
    pub stamped: PerSide<bool>,
    /// Ids that a side's record had before: merged into the present one, or deleted and made anew. The counterpart's key
    /// field may still hold one (10.3, 12.4).
    #[serde(default, skip_serializing_if = "no_former")]
    pub former: PerSide<Vec<RecordId>>,
    /// How often a record of it came back from the dead: what it was an element of went with it each time (14.5).
    #[serde(default, skip_serializing_if = "is_first_life")]
    pub life: u32,
    /// While a deleted record of it is being made anew: what the tombstone knew, should nothing come of it (12.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tomb: Option<Departed>,
}

pub(super) fn is_first_life(life: &u32) -> bool {
    *life == 0
}

fn no_former(former: &PerSide<Vec<RecordId>>) -> bool {
    Side::BOTH.iter().all(|side| former.get(*side).is_empty())
}

/// A base value: raw as the vendor returned it, long ones as hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BaseValue {
    /// Blank.
    #[serde(rename = "0")]
    Null,
    /// Up to 256 bytes, raw.
    #[serde(rename = "v")]
    Raw(String),
    /// Longer: length, hash of the raw bytes, hash of the canonical form and the canon version it was made with.
    #[serde(rename = "h")]
    Hashed {
        /// Bytes.
        len: u64,
        /// 128-bit hash of the raw bytes, hexadecimal.
        raw: String,
        /// 128-bit hash of the canonical form, hexadecimal.
        canon: String,
        /// Canon version.
        version: u32,
    },
}

impl BaseValue {
    /// Longest raw value that is stored as it is, in bytes.
    pub const RAW_LIMIT: usize = 256;

    /// The base form of a known value; `canon_text` is its canonical form's rendering, used only for long values.
    /// `None` for `Unknown`.
    pub fn of(value: &Value, canon_text: &str, canon_version: u32) -> Option<BaseValue> {
        match value {
            Value::Unknown => None,
            Value::Null => Some(BaseValue::Null),
            Value::Text(text) if text.len() <= Self::RAW_LIMIT => {
                Some(BaseValue::Raw(text.clone()))
            }
            Value::Text(text) => Some(BaseValue::Hashed {
                len: text.len() as u64,
                raw: hash(text),
                canon: hash(canon_text),
                version: canon_version,
            }),
        }
    }

    /// True where it is kept as hashes, of a value whose canonical form renders so under that version.
    pub fn hashes(&self, canon_text: &str, canon_version: u32) -> bool {
        matches!(self, BaseValue::Hashed { canon, version, .. } if *version == canon_version && hash(canon_text) == *canon)
    }
}

fn hash(text: &str) -> String {
    format!("{:032x}", digest128(&[text.as_bytes()]))
}

/// The base of one field pair: what each side held when it was last settled. `None`: never settled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseField {
    /// Salesforce's and HubSpot's raw value.
    #[serde(rename = "b")]
    pub values: PerSide<Option<BaseValue>>,
    /// Written by us and not read back yet.
    #[serde(rename = "u", default, skip_serializing_if = "is_default")]
    pub unverified: PerSide<bool>,
    /// Settled although not equal.
    #[serde(rename = "d", default, skip_serializing_if = "is_default")]
    pub diverged: bool,
    /// What we wrote of late, oldest first: what the oscillation breaker looks at (8).
    #[serde(rename = "w", default, skip_serializing_if = "is_default")]
    pub writes: Vec<Written>,
    /// When Salesforce was last seen holding its base value, where a look since saw another one that is not settled yet: the
    /// edit lies behind it (8). `None`: the look of the whole record says it.
    #[serde(
        rename = "h",
        with = "chrono::serde::ts_milliseconds_option",
        default,
        skip_serializing_if = "is_default"
    )]
    pub held_at: Option<DateTime<Utc>>,
    /// The last look at a side found another value, which is not settled yet: the base does not stand in for that side (6.1).
    #[serde(rename = "x", default, skip_serializing_if = "is_default")]
    pub apart: PerSide<bool>,
}

/// A write of ours to one side of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The run.
    #[serde(rename = "r")]
    pub run: RunId,
    /// The side written to.
    #[serde(rename = "t")]
    pub to: Side,
    /// The raw value in short; equal for equal values.
    #[serde(rename = "v")]
    pub value: String,
    /// When it was sent, in our clock.
    #[serde(
        rename = "a",
        with = "chrono::serde::ts_milliseconds_option",
        default,
        skip_serializing_if = "is_default"
    )]
    pub at: Option<DateTime<Utc>>,
}

impl Written {
    /// Longest value that is kept as it is, in bytes.
    const WHOLE: usize = 48;

    /// A write of that value. A long one is kept as its beginning and a digest.
    pub fn new(run: RunId, to: Side, value: &Value) -> Self {
        let text = value.as_text().unwrap_or_default();
        let value = if text.len() <= Self::WHOLE {
            text.to_owned()
        } else {
            let head: String = text.chars().take(Self::WHOLE / 2).collect();
            format!("{head}…{:08x}", digest128(&[text.as_bytes()]) as u32)
        };
        Written {
            run,
            to,
            value,
            at: None,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One side of a base as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideBase {
    /// Modstamp of the observation that settled it last.
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub modstamp: Option<DateTime<Utc>>,
    /// When that observation was made, by the side's clock, which nobody sets: the start of the interval in which a later Salesforce edit lies (8).
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub observed_at: Option<DateTime<Utc>>,
    /// When we wrote to the record last, whatever it was, in our clock: behind that its last author says nothing of an older write (11).
    #[serde(
        with = "chrono::serde::ts_milliseconds_option",
        default,
        skip_serializing_if = "is_default"
    )]
    pub wrote_at: Option<DateTime<Utc>>,
    /// The record's stamp as our last write's answer told it: a row of HubSpot's index that is older shows it as it was before (11).
    #[serde(
        with = "chrono::serde::ts_milliseconds_option",
        default,
        skip_serializing_if = "is_default"
    )]
    pub written: Option<DateTime<Utc>>,
}

/// The two-sided base of a link, by pair name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Per pair.
    pub fields: BTreeMap<String, BaseField>,
    /// Per side.
    pub sides: PerSide<SideBase>,
}

impl Base {
    /// The base value of one pair on one side.
    pub fn value(&self, pair: &str, side: Side) -> Option<&BaseValue> {
        self.fields
            .get(pair)
            .and_then(|field| field.values.get(side).as_ref())
    }
}
