//! The config as the rest of the program reads it: everything resolved, nothing optional that has a default.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::revision::digest;
use super::secret::SecretRef;
use super::tree::Place;
use super::value::Percent;
use crate::domain::{Canary, ConflictRule, Mapping, MappingId, PerSide, Side};

/// How Syncline signs in to Salesforce (docs/vendor/salesforce.md 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "flow")]
pub enum SalesforceAuth {
    /// A connected app's own user (1.2).
    ClientCredentials {
        /// Consumer key.
        client_id: String,
        /// Consumer secret.
        client_secret: SecretRef,
    },
    /// A session that something else keeps fresh.
    AccessToken {
        /// The session id or token.
        token: SecretRef,
    },
    /// A user's standing consent (1.4).
    RefreshToken {
        /// Consumer key.
        client_id: String,
        /// Consumer secret, where the app requires one.
        client_secret: Option<SecretRef>,
        /// The token.
        refresh_token: SecretRef,
    },
}

/// How Syncline signs in to HubSpot (docs/vendor/hubspot.md 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "flow")]
pub enum HubspotAuth {
    /// A private app's token, or a service key.
    AccessToken {
        /// The token.
        token: SecretRef,
    },
    /// An OAuth app.
    RefreshToken {
        /// Client id.
        client_id: String,
        /// Client secret.
        client_secret: SecretRef,
        /// The token.
        refresh_token: SecretRef,
    },
}

/// `[salesforce]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesforceConnection {
    /// The org's own host, without a trailing slash. With the `access_token` flow it is the instance URL too.
    pub login_url: String,
    /// Sign-in.
    pub auth: SalesforceAuth,
    /// Share of the org's daily quota that Syncline may use.
    pub daily_calls: Percent,
}

/// `[hubspot]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubspotConnection {
    /// The API's host, without a trailing slash.
    pub api_url: String,
    /// Sign-in.
    pub auth: HubspotAuth,
    /// Share of the portal's daily quota that Syncline may use.
    pub daily_calls: Percent,
}

/// `[defaults]`: what mappings and transforms take where they say nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    /// Country of telephone numbers without a prefix.
    pub country: String,
    /// Conflict rules, tried in turn.
    pub conflict: Vec<ConflictRule>,
    /// How often mappings run by themselves.
    pub schedule: Duration,
}

/// `[safety]`: the valves (docs/design/sync-semantics.md 18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Safety {
    /// Deletes.
    pub max_deletes: Percent,
    /// Updates.
    pub max_changes: Percent,
    /// Creates.
    pub max_creates: Percent,
    /// One field cleared.
    pub max_cleared: Percent,
    /// Conflicts.
    pub max_conflicts: Percent,
    /// Records that are looked at before anything else.
    pub canary: PerSide<Option<Canary>>,
}

/// `[engine]` (docs/design/sync-semantics.md, Names).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// How long after a write without an answer it may still land, so how long it is looked up before it is sent again
    /// (docs/design/sync-semantics.md 16.4); at least twice the request timeout.
    pub settle_delay: Duration,
    /// How long a vendor may take to answer one request.
    pub request_timeout: Duration,
    /// How far a Salesforce window reaches back into the one before.
    pub overlap_salesforce: Duration,
    /// The same for HubSpot, whose search index lags.
    pub overlap_hubspot: Duration,
    /// How long a write may take to show up in HubSpot's search.
    pub index_lag: Duration,
    /// How old a read may be when the write that rests on it is sent.
    pub max_age: Duration,
    /// How often a record that moved meanwhile is planned again within a run.
    pub max_replans: u32,
    /// Records in one slice of a run.
    pub slice: usize,
    /// Requests under way at once, per side.
    pub in_flight: usize,
    /// How long a stopping run may take to record the writes under way.
    pub stop_grace: Duration,
    /// HubSpot searches per second.
    pub searches_per_second: u32,
    /// How long a schema that was read is believed.
    pub schema_refresh: Duration,
    /// How often every HubSpot record is walked over (docs/design/sync-semantics.md 5.4).
    pub sweep_hubspot: Duration,
    /// The same for Salesforce.
    pub sweep_salesforce: Duration,
    /// Tries after which a failing record waits for an edit or a person.
    pub quarantine_after: u32,
    /// Writes of one field within ten runs before its going back and forth freezes it.
    pub oscillation_writes: u32,
    /// How long a field waits for the record that it refers to before that is an error.
    pub blocked_after: Duration,
    /// How long runs with their journals, and items that are over, are kept.
    pub retention: Duration,
}

/// One setting as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The key: `defaults.schedule`, `mapping.contacts.direction`.
    pub key: String,
    /// The value as written; of a secret only whether it is set.
    pub value: String,
    /// Where it came from.
    pub source: Place,
}

/// The whole config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// What the header shows.
    pub name: String,
    /// The Salesforce connection, if configured.
    pub salesforce: Option<SalesforceConnection>,
    /// The HubSpot connection, if configured.
    pub hubspot: Option<HubspotConnection>,
    /// Defaults.
    pub defaults: Defaults,
    /// Valves.
    pub safety: Safety,
    /// The engine's own settings.
    pub engine: EngineSettings,
    /// Mappings in the file's order.
    pub mappings: Vec<Mapping>,
    /// Every setting with its source; no part of what `hash` covers.
    #[serde(skip)]
    pub(super) settings: Vec<Setting>,
}

impl Config {
    /// The mapping of that name.
    pub fn mapping(&self, id: &MappingId) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| mapping.id == *id)
    }

    /// The address of a side's connection, if configured.
    pub fn address(&self, side: Side) -> Option<&str> {
        match side {
            Side::Salesforce => self.salesforce.as_ref().map(|one| one.login_url.as_str()),
            Side::HubSpot => self.hubspot.as_ref().map(|one| one.api_url.as_str()),
        }
    }

    /// True where every configured connection is on a loopback address: the sandbox, whose first sync is not asked
    /// about (docs/design/sync-semantics.md 18).
    pub fn is_sandbox(&self) -> bool {
        let mut addresses = Side::BOTH
            .iter()
            .filter_map(|side| self.address(*side))
            .peekable();
        addresses.peek().is_some() && addresses.all(super::value::is_loopback_url)
    }

    /// Every setting with the value in force and where it came from, in the order of `config.example.toml`.
    pub fn sources(&self) -> &[Setting] {
        &self.settings
    }

    /// Hash of everything that the config says, 32 hexadecimal digits. Secrets are in it only as references.
    pub fn hash(&self) -> String {
        digest(self)
    }
}
