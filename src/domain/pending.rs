//! What waits: conflicts and review items for a person, errors for a cause to go away.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ItemId, LinkId, MappingId, PerSide, RecordId, RecordKey, RunId, Side, Value};

/// What a conflict or review item is about (docs/design/product.md, Machine-readable output).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Both sides changed one field to different values and the rule is to ask.
    Field,
    /// Several candidates, or twins on the own side: not linked, not created.
    AmbiguousMatch,
    /// Two records that may be one were made in the same moment.
    PossibleDuplicate,
    /// The linked records were merged into others.
    MergeCollision,
    /// A linked record was deleted on one side.
    Deletion,
    /// Deleted here, changed there.
    DeleteUpdate,
    /// The same field went back and forth.
    Oscillation,
    /// A create whose outcome nobody can tell.
    UnknownCreate,
    /// Two HubSpot records for a converted Lead.
    ConversionCollision,
    /// The only candidate is linked to another record.
    AlreadyLinked,
    /// A deleted record is there again, and its counterpart was archived because of the deletion.
    RestoredHereDeletedThere,
}

impl ItemKind {
    /// All of them, in the order of product.md.
    pub const ALL: [ItemKind; 11] = [
        ItemKind::Field,
        ItemKind::AmbiguousMatch,
        ItemKind::PossibleDuplicate,
        ItemKind::MergeCollision,
        ItemKind::Deletion,
        ItemKind::DeleteUpdate,
        ItemKind::Oscillation,
        ItemKind::UnknownCreate,
        ItemKind::ConversionCollision,
        ItemKind::AlreadyLinked,
        ItemKind::RestoredHereDeletedThere,
    ];

    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            ItemKind::Field => "field",
            ItemKind::AmbiguousMatch => "ambiguous_match",
            ItemKind::PossibleDuplicate => "possible_duplicate",
            ItemKind::MergeCollision => "merge_collision",
            ItemKind::Deletion => "deletion",
            ItemKind::DeleteUpdate => "delete_update",
            ItemKind::Oscillation => "oscillation",
            ItemKind::UnknownCreate => "unknown_create",
            ItemKind::ConversionCollision => "conversion_collision",
            ItemKind::AlreadyLinked => "already_linked",
            ItemKind::RestoredHereDeletedThere => "restored_here_deleted_there",
        }
    }

    /// True for what is about one field of a link and takes a value: a conflict, and a field that is frozen.
    pub fn is_of_field(self) -> bool {
        matches!(self, ItemKind::Field | ItemKind::Oscillation)
    }

    /// True for everything but a conflict of a field.
    pub fn is_review(self) -> bool {
        self != ItemKind::Field
    }
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Waits.
    Open,
    /// A choice is stored and goes with the next run.
    Draft,
    /// Done.
    Resolved,
}

/// One side of a conflict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideValue {
    /// The record; `None` where there is none.
    pub id: Option<RecordId>,
    /// The value as the vendor returned it; blank is `Null`.
    pub value: Value,
    /// When it was changed, as exactly as the side tells (HubSpot: the property's version; Salesforce: the record).
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub modified_at: Option<DateTime<Utc>>,
    /// By whom, where told.
    #[serde(default)]
    pub modified_by: Option<String>,
}

/// A record that a review item offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The record.
    pub record: RecordKey,
    /// A name for people; empty where none is known.
    #[serde(default)]
    pub label: String,
    /// Why it is one.
    pub why: String,
}

/// What a person (or a rule) chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// This side's value.
    Take(Side),
    /// The base on both sides.
    Base,
    /// Another value, typed.
    Value(String),
    /// Link to this record of the other side.
    Link(RecordId),
    /// Create a counterpart anyway.
    Create,
    /// Leave it alone for good.
    Ignore,
    /// Carry the deletion out on the other side (12.2).
    Accept,
}

/// A stored choice with what was shown when it was made (8, Manual resolution).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The choice.
    pub choice: Choice,
    /// Who chose.
    pub by: String,
    /// When.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// The values that were on the screen; where either moved since, the item opens again.
    pub seen: PerSide<Value>,
}

/// One field of a group that is in conflict as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictMember {
    /// The pair's name.
    pub field: String,
    /// The values as the vendors returned them.
    pub values: PerSide<Value>,
    /// The base; `None` where there is none yet.
    #[serde(default)]
    pub base: Option<Value>,
}

/// A conflict or review item. Its id is derived from (link or record, field or kind), so a conflict that is seen again refreshes the
/// one item and never multiplies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its id.
    pub id: ItemId,
    /// The mapping.
    pub mapping: MappingId,
    /// What it is.
    pub kind: ItemKind,
    /// The link, where there is one.
    pub link: Option<LinkId>,
    /// A name for people, from the record's own fields.
    #[serde(default)]
    pub label: String,
    /// The pair's name (kind `Field`), those of a group's pairs (`Unit::name`), else empty.
    #[serde(default)]
    pub field: String,
    /// The fields of a group, whose values `sides` and `base` show as one text; empty for a field by itself.
    #[serde(default)]
    pub members: Vec<ConflictMember>,
    /// Both sides.
    pub sides: PerSide<SideValue>,
    /// The base; `None` at a first sync (there is none yet).
    #[serde(default)]
    pub base: Option<Value>,
    /// The run that set the base.
    #[serde(default)]
    pub base_run: Option<RunId>,
    /// Which side the rule leans to, if any.
    #[serde(default)]
    pub suggest: Option<Side>,
    /// The rule that asked, or that decided (resolved ones): `ask`, `last_write_wins`…
    pub rule: String,
    /// Why a person is needed, or what the rule did, in a sentence.
    pub why: String,
    /// State.
    pub state: ItemState,
    /// Candidates of a review item.
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    /// The choice, once there is one.
    #[serde(default)]
    pub resolution: Option<Resolution>,
    /// True where a rule decided and the item is kept only for the record (severity info).
    #[serde(default)]
    pub automatic: bool,
    /// First and last seen.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub first_seen: DateTime<Utc>,
    /// Last seen.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub last_seen: DateTime<Utc>,
    /// The run that saw it last.
    pub run: RunId,
}

impl Conflict {
    /// The names of the pairs that it is about; its own field's where that is one.
    pub fn pairs(&self) -> impl Iterator<Item = &str> {
        let own = self.members.is_empty().then_some(self.field.as_str());
        own.into_iter()
            .chain(self.members.iter().map(|member| member.field.as_str()))
    }

    /// True where the item is about this pair, by itself or in its group.
    pub fn is_about(&self, pair: &str) -> bool {
        self.field == pair || self.members.iter().any(|member| member.field == pair)
    }

    /// What a side held in this pair when the item saw it last.
    pub fn value_of(&self, pair: &str, side: Side) -> &Value {
        let member = self.members.iter().find(|member| member.field == pair);
        match member {
            Some(member) => member.values.get(side),
            None => &self.sides.get(side).value,
        }
    }
}

/// Why a record could not be synced, in the field's words (docs/design/product.md, `errors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCategory {
    /// Credentials.
    Auth,
    /// A right is missing.
    Permission,
    /// The vendor's validation refused the values.
    Validation,
    /// A picklist lacks the value.
    Picklist,
    /// A required field is missing.
    Required,
    /// Too long.
    TooLong,
    /// A duplicate or uniqueness rule.
    Duplicate,
    /// A referenced record is missing.
    Reference,
    /// The record is gone or not accessible.
    Gone,
    /// A limit of the vendor.
    Limit,
    /// Will pass by itself.
    Transient,
    /// A field or object is missing or changed.
    Schema,
    /// Our own transform refused the value.
    Transform,
    /// Our fault.
    Internal,
}

impl ErrorCategory {
    /// All of them, in the order of product.md.
    pub const ALL: [ErrorCategory; 14] = [
        ErrorCategory::Auth,
        ErrorCategory::Permission,
        ErrorCategory::Validation,
        ErrorCategory::Picklist,
        ErrorCategory::Required,
        ErrorCategory::TooLong,
        ErrorCategory::Duplicate,
        ErrorCategory::Reference,
        ErrorCategory::Gone,
        ErrorCategory::Limit,
        ErrorCategory::Transient,
        ErrorCategory::Schema,
        ErrorCategory::Transform,
        ErrorCategory::Internal,
    ];

    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            ErrorCategory::Auth => "auth",
            ErrorCategory::Permission => "permission",
            ErrorCategory::Validation => "validation",
            ErrorCategory::Picklist => "picklist",
            ErrorCategory::Required => "required",
            ErrorCategory::TooLong => "too_long",
            ErrorCategory::Duplicate => "duplicate",
            ErrorCategory::Reference => "reference",
            ErrorCategory::Gone => "gone",
            ErrorCategory::Limit => "limit",
            ErrorCategory::Transient => "transient",
            ErrorCategory::Schema => "schema",
            ErrorCategory::Transform => "transform",
            ErrorCategory::Internal => "internal",
        }
    }
}

/// A vendor's refusal in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorError {
    /// HTTP status; 0 where none.
    pub status: u16,
    /// The vendor's code: `FIELD_CUSTOM_VALIDATION_EXCEPTION`, `INVALID_OPTION`.
    pub code: String,
    /// The vendor's text, trimmed.
    pub text: String,
    /// Correlation or request id, for the vendor's support.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Fields named by the refusal.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Our category.
    pub category: ErrorCategory,
    /// The record that already holds a unique value, where the answer names it.
    #[serde(default)]
    pub holder: Option<RecordId>,
}

/// A record (or one field of it) that could not be synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorItem {
    /// Its id, derived from (mapping, record, field).
    pub id: ItemId,
    /// The mapping.
    pub mapping: MappingId,
    /// The side that refused (or whose value could not be used).
    pub side: Side,
    /// The object on that side.
    pub object: String,
    /// The record that could not be synced: the source of a create, the target of an update.
    pub record: RecordKey,
    /// The link, where there is one.
    #[serde(default)]
    pub link: Option<LinkId>,
    /// A name for people.
    #[serde(default)]
    pub label: String,
    /// The pair's name where one field is to blame; empty otherwise.
    #[serde(default)]
    pub field: String,
    /// The value concerned.
    #[serde(default)]
    pub value: Value,
    /// Category.
    pub category: ErrorCategory,
    /// What failed, in a sentence.
    pub message: String,
    /// The vendor's own words.
    #[serde(default)]
    pub vendor: Option<VendorError>,
    /// What to do.
    pub next: String,
    /// Tries so far.
    pub tries: u32,
    /// First seen.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub first_seen: DateTime<Utc>,
    /// Last seen.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub last_seen: DateTime<Utc>,
    /// When it may be tried again by itself; `None` when quarantined (only an edit or a person helps).
    #[serde(with = "chrono::serde::ts_milliseconds_option", default)]
    pub retry_at: Option<DateTime<Utc>>,
    /// It was sent: an earlier run was let to write it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    /// Digest of the values that failed; a different digest clears the wait.
    #[serde(default)]
    pub digest: String,
    /// Digests of the pair's raw values on both sides when it failed: while they stand, nothing is tried before its time.
    #[serde(default)]
    pub seen: PerSide<String>,
    /// The run that saw it last.
    pub run: RunId,
}

impl ErrorItem {
    /// True for a write that had no answer: what became of it must be known before anything else is tried.
    pub fn is_unanswered(&self) -> bool {
        self.category == ErrorCategory::Transient && self.vendor.is_none()
    }
}
