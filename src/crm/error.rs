//! What can go wrong with a vendor, in the classes of docs/design/sync-semantics.md 17.

use std::time::Duration;

use crate::domain::{Side, VendorError};

/// How the engine treats a failure (17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// 429 that outlasted the client's own waiting.
    Throttled,
    /// Nothing was applied and a later try may work.
    Transient,
    /// A write was sent and no definite answer came.
    Unknown,
    /// The credentials are refused, a refresh included.
    Auth,
    /// One record was refused.
    Record,
    /// The object or a field is gone, a right is missing, the query is malformed.
    Systemic,
    /// The answer makes no sense.
    Bug,
    /// The day's allowance is used up.
    Budget,
}

/// A call that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{side}: {what}: {message}")]
pub struct CrmError {
    /// The side.
    pub side: Side,
    /// What was tried: `read Contact`, `write contacts`.
    pub what: String,
    /// Its class.
    pub class: ErrorClass,
    /// What happened, in a sentence, with the next step.
    pub message: String,
    /// The vendor's own words, where it said some.
    pub vendor: Option<VendorError>,
    /// How long the vendor asked us to wait.
    pub retry_after: Option<Duration>,
}

impl CrmError {
    /// An error without a vendor's words.
    pub fn new(
        side: Side,
        what: impl Into<String>,
        class: ErrorClass,
        message: impl Into<String>,
    ) -> Self {
        CrmError {
            side,
            what: what.into(),
            class,
            message: message.into(),
            vendor: None,
            retry_after: None,
        }
    }
}
