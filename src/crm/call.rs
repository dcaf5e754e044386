//! What the HTTP layer is handed: a call, the set-up of a side, and what a vendor's answers mean.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::auth::Token;
use super::gate::Rate;
use super::wire::Malformed;
use super::{ErrorClass, HttpResponse, Purpose};
use crate::domain::{Secret, Side, VendorError};

/// Which gate a call goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Everything else.
    General,
    /// HubSpot's association endpoints, whose quota is apart (hubspot.md 6.12).
    Associations,
    /// HubSpot's search, which has a rate of its own (hubspot.md 4.5).
    Search,
}

/// One call, before a token and an address are put to it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) purpose: Purpose,
    pub(crate) method: &'static str,
    /// Path and query, with a leading slash.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// JSON; empty: none.
    pub(crate) body: Vec<u8>,
    /// `read Contact`.
    pub(crate) what: String,
    pub(crate) family: Family,
    /// Sending it twice does no more than sending it once.
    pub(crate) repeatable: bool,
    /// Sending it twice makes two: a failure inside the vendor, whatever it says, proves nothing.
    pub(crate) makes: bool,
}

impl Call {
    /// A read.
    pub(crate) fn get(purpose: Purpose, what: impl Into<String>, path: impl Into<String>) -> Self {
        Call {
            purpose,
            method: "GET",
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            what: what.into(),
            family: Family::General,
            repeatable: true,
            makes: false,
        }
    }

    /// A read whose question is in the body.
    pub(crate) fn ask(
        purpose: Purpose,
        what: impl Into<String>,
        path: impl Into<String>,
        body: Vec<u8>,
    ) -> Self {
        Call {
            method: "POST",
            body,
            ..Call::get(purpose, what, path)
        }
    }

    /// A write.
    pub(crate) fn write(
        purpose: Purpose,
        method: &'static str,
        what: impl Into<String>,
        path: impl Into<String>,
        body: Vec<u8>,
    ) -> Self {
        Call {
            method,
            body,
            repeatable: false,
            ..Call::get(purpose, what, path)
        }
    }
}

/// What a refusing answer means.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) vendor: VendorError,
    pub(crate) class: ErrorClass,
    pub(crate) next: &'static str,
    /// The answer proves that nothing was applied.
    pub(crate) definite: bool,
    /// A 401 that a new token may cure.
    pub(crate) renewable: bool,
    /// How long the vendor's documents say to wait where no header does.
    pub(crate) wait: Option<Duration>,
}

/// What an answer's headers told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) daily: Option<(u64, u64)>,
    pub(crate) rate: Option<u64>,
}

/// A sign-in, ready to send.
pub(crate) struct SignIn {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) form: Vec<(&'static str, Secret)>,
}

/// What the layer must know of a vendor.
pub(crate) trait Dialect: Send + Sync {
    fn side(&self) -> Side;
    fn refusal(&self, answer: &HttpResponse) -> Refusal;
    fn notes(&self, answer: &HttpResponse) -> Notes;
    /// `None` where the token was given and cannot be renewed.
    fn sign_in(&self, refresh_token: Option<&Secret>) -> Option<SignIn>;
    fn signed_in(&self, body: &[u8], now: DateTime<Utc>) -> Result<Token, Malformed>;
}

/// How the layer is set up.
pub(crate) struct Setup {
    pub(crate) timeout: Duration,
    pub(crate) in_flight: usize,
    pub(crate) general: Option<Rate>,
    pub(crate) search: Option<Rate>,
    pub(crate) associations: Option<Rate>,
    pub(crate) token: Option<Token>,
    pub(crate) refresh_token: Option<Secret>,
}
