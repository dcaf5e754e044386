//! Lines of `check` and `doctor`.

use serde::{Deserialize, Serialize};

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
