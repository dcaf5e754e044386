//! A record that is looked at before anything else.

use serde::{Deserialize, Serialize};

/// A record with a value that must be readable before a run reads anything else (docs/design/sync-semantics.md 18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// API name of the object.
    pub object: String,
    /// The record.
    pub id: String,
    /// The field.
    pub field: String,
    /// What it must hold.
    pub value: String,
}
