//! Lists as windows.

use serde::{Deserialize, Serialize};

use super::{ActivityRow, CauseRow, ConflictRow, RunRow};
use crate::domain::{ErrorItem, ItemId, Op, RunId};

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
    /// The ops that a halted run would have carried out and keeps for its confirm, in order. Columns: as the journal.
    Plan {
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
            ListKind::Journal { .. } | ListKind::Plan { .. } => {
                &["sys", "record", "field", "state"]
            }
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
    Runs(Vec<RunRow>),
    /// Of `Journal` and `Plan`.
    Journal(Vec<Op>),
    /// Of `Activity`.
    Activity(Vec<ActivityRow>),
}
