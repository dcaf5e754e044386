//! Screen 5: errors by cause, and one with its write.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{
    ErrorCategory, ErrorItem, ItemId, MappingId, Op, RecordId, RunId, Side, VendorError,
};

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
