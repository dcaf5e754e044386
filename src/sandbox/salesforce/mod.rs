//! A simulated Salesforce org: the REST API of docs/vendor/salesforce.md over records held in memory.
//!
//! Deterministic: same settings, same calls at the same moments, same bytes. Rules of the seeded org, beyond what the
//! vendor enforces everywhere: `Account.Industry` is a restricted picklist; a contact whose title begins with
//! `Former ` keeps no telephone number (validation rule); a contact with the e-mail, first and last name of a live
//! contact is a duplicate for callers of the API unless they send `allowSave=true` (people save anyway).

pub mod settings;
pub mod stats;

mod auth;
mod bodies;
mod cells;
mod collections;
mod composite;
mod convert;
mod data;
mod derive;
mod describe;
mod errors;
mod ids;
mod leads;
mod limits;
mod people;
mod query;
mod relations;
mod replication;
mod router;
mod rows;
mod rules;
mod schema;
mod soql;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};

use crate::sandbox::history::{Author, History};
use crate::sandbox::http::{Request, Response, Vendor};

use auth::Sessions;
use data::{Data, Row};
pub use leads::{Conversion, Converted};
use limits::Meter;
use query::Cursors;
pub use schema::KEY_FIELD;
use schema::Schema;
pub use settings::OrgSettings;
use stats::Tally;

/// The version that Syncline is pinned to (docs/vendor/salesforce.md, version map).
const VERSION: u32 = 68;

/// The simulated org.
#[derive(Debug)]
pub struct Org {
    settings: OrgSettings,
    data: Data,
    sessions: Sessions,
    cursors: Cursors,
    meter: Meter,
    tally: Tally,
    locks: BTreeMap<String, DateTime<Utc>>,
    held_back: Option<DateTime<Utc>>,
    organization: String,
    administrator: String,
    integration: String,
}

/// When the org itself was made: its first users carry this date.
fn founded() -> DateTime<Utc> {
    Utc.timestamp_opt(1_709_283_600, 0)
        .single()
        .unwrap_or_default()
}

impl Org {
    /// An org with its two first users (administrator and integration user) and no other records.
    pub fn new(settings: OrgSettings) -> Self {
        let mut org = Org {
            data: Data::new(Schema::new(settings.key_fields)),
            sessions: Sessions::new(&settings),
            settings,
            cursors: Cursors::default(),
            meter: Meter::default(),
            tally: Tally::default(),
            locks: BTreeMap::new(),
            held_back: None,
            organization: String::new(),
            administrator: String::new(),
            integration: String::new(),
        };
        org.organization = org.found(
            "Organization",
            &[
                ("Name", "Acme Sandbox"),
                ("InstanceName", "WB1"),
                ("IsSandbox", "true"),
                ("OrganizationType", "Enterprise Edition"),
            ],
        );
        org.administrator = org.found(
            "User",
            &[
                ("FirstName", "Dana"),
                ("LastName", "Whitfield"),
                ("Username", "admin@acme.example"),
                ("Email", "admin@acme.example"),
                ("Alias", "admin"),
            ],
        );
        org.integration = org.found(
            "User",
            &[
                ("FirstName", "Syncline"),
                ("LastName", "Integration"),
                ("Username", "sync@acme.example"),
                ("Email", "sync@acme.example"),
                ("Alias", "sync"),
            ],
        );
        org
    }

    fn found(&mut self, object: &str, values: &[(&str, &str)]) -> String {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect();
        self.seed(object, vec![(founded(), Author::World, values)])
    }

    /// The moment the listener knows its address, it tells the org.
    pub fn set_url(&mut self, host_url: impl Into<String>) {
        self.settings.host_url = host_url.into();
    }

    /// The settings as they are now.
    pub fn settings(&self) -> &OrgSettings {
        &self.settings
    }

    /// The user id behind every token: the author of all API writes.
    pub fn integration_user(&self) -> &str {
        &self.integration
    }

    /// The org's own id, 18 characters.
    pub fn organization_id(&self) -> &str {
        &self.organization
    }

    /// The user that a change by this author carries.
    fn user_of(&self, author: &Author) -> String {
        match author {
            Author::World | Author::System => self.administrator.clone(),
            Author::Colleague(user) => user.clone(),
            Author::Api(_) => self.integration.clone(),
        }
    }

    fn api_author(&self) -> Author {
        Author::Api(self.integration.clone())
    }

    /// A row as it comes into being.
    fn new_row(&self, id: String, object: usize, at: DateTime<Utc>, author: &Author) -> Row {
        let user = self.user_of(author);
        Row {
            id,
            values: vec![None; self.data.schema.objects[object].fields.len()],
            created: at,
            created_by: user.clone(),
            modified: at,
            modified_by: user,
            stamp: at,
            deleted: None,
            master: None,
            hidden: false,
            history: History::default(),
        }
    }
}

impl Vendor for Org {
    fn handle(&mut self, now: DateTime<Utc>, request: &Request) -> Response {
        self.answer(now, request)
    }
}
