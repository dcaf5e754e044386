//! The HubSpot client: one portal at one pinned version (docs/vendor/hubspot.md). Owns paths, bodies and parsing; the
//! sending is `crm::http`'s.

mod associations;
mod auth;
pub(crate) mod codes;
mod history;
pub mod paths;
mod properties;
mod read;
mod records;
mod refusal;
mod search;
mod sets;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

pub use associations::{
    WireAssociations, WireEnd, WireMade, WireMadeList, WireRead, WireTo, WireType,
    parse_associations, parse_made,
};
pub use auth::{HubspotAuth, TokenAnswer, parse_token};
pub use paths::API_VERSION;
pub use properties::parse_properties;
pub use records::{
    WireNext, WirePage, WirePaging, WireRecord, WireVersion, observation, parse_page, parse_record,
};
pub use refusal::{WireError, parse_error, vendor_error};

use super::auth::Token;
use super::gate::Rate;
use super::host::{HostError, check_host};
use super::http::{Call, Http, Setup};
use super::wire::{Malformed, from_json, id_text};
use super::{
    Allowance, Crm, CrmError, ErrorClass, FieldVersion, Found, Identity, Meter, Page, Person,
    Purpose, SafeNow, SideHealth, Transport, Window, WriteKind, WriteRequest, WriteResult,
};
use crate::clock::{Clock, Entropy};
use crate::domain::{Members, ObjectSchema, Observation, RecordId, Secret, SetKind, Side};

/// What every read asks for besides the wanted properties and the stamp of change.
const SYSTEM: &[&str] = &["hs_object_id"];
/// Requests in flight at once (9.7).
const IN_FLIGHT: usize = 10;
/// Of the 190 in 10 s a portal's app has (9.1), a margin is left for differences of clocks.
const PER_TEN_SECONDS: usize = 180;
/// Of the 150 association calls (6.12; a Professional portal) likewise.
const ASSOCIATIONS_PER_TEN_SECONDS: usize = 140;

/// How to reach and enter one portal.
#[derive(Clone, Debug)]
pub struct HubspotSettings {
    /// `https://api.hubapi.com`, or the sandbox's address.
    pub api_url: String,
    /// The credentials.
    pub auth: HubspotAuth,
    /// Searches per second; everyone in the portal shares the vendor's 5 (4.5).
    pub search_per_second: u32,
    /// How far the search index may lag behind (sync-semantics 5.1).
    pub index_lag: Duration,
    /// Give one request up after this long.
    pub request_timeout: Duration,
}

impl HubspotSettings {
    /// Settings with the defaults: 4 searches a second, 60 s of lag, 30 s time-out.
    pub fn new(api_url: impl Into<String>, auth: HubspotAuth) -> Self {
        HubspotSettings {
            api_url: api_url.into(),
            auth,
            search_per_second: 4,
            index_lag: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// One HubSpot portal.
pub struct HubspotClient {
    http: Http<auth::HubspotDialect>,
    schemas: Mutex<BTreeMap<String, Described>>,
    /// By object: properties that an answer lacked although they were there when it was read; blank ones are left out, then.
    left_out: Mutex<BTreeMap<String, BTreeSet<String>>>,
    portal: Mutex<Option<String>>,
    app: Mutex<Option<String>>,
    index_lag: chrono::Duration,
}

impl HubspotClient {
    /// A client; sends nothing yet.
    ///
    /// # Errors
    /// [`HostError`] where the address is none, or plain HTTP off this machine.
    pub fn new(
        settings: HubspotSettings,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HostError> {
        let api_url = check_host(&settings.api_url)?;
        let (token, refresh_token) = match &settings.auth {
            HubspotAuth::AccessToken(token) => {
                let token = Token {
                    access: token.clone(),
                    base_url: api_url.clone(),
                    renew_at: None,
                    identity: None,
                    refresh_token: None,
                };
                (Some(token), None)
            }
            HubspotAuth::RefreshToken { refresh_token, .. } => (None, Some(refresh_token.clone())),
        };
        let setup = Setup {
            timeout: settings.request_timeout,
            in_flight: IN_FLIGHT,
            general: Some(Rate {
                count: PER_TEN_SECONDS,
                per: Duration::from_secs(10),
                halves: false,
            }),
            search: Some(Rate {
                count: settings.search_per_second.max(1) as usize,
                per: Duration::from_secs(1),
                halves: true,
            }),
            associations: Some(Rate {
                count: ASSOCIATIONS_PER_TEN_SECONDS,
                per: Duration::from_secs(10),
                halves: false,
            }),
            token,
            refresh_token,
        };
        let dialect = auth::HubspotDialect {
            api_url,
            auth: settings.auth,
        };
        Ok(HubspotClient {
            http: Http::new(dialect, setup, transport, clock, entropy),
            schemas: Mutex::default(),
            left_out: Mutex::default(),
            portal: Mutex::default(),
            app: Mutex::default(),
            index_lag: chrono::Duration::from_std(settings.index_lag)
                .unwrap_or(chrono::Duration::seconds(60)),
        })
    }

    /// The newest refresh token, to store (2.7). `None` with a static token.
    pub async fn refresh_token(&self) -> Option<Secret> {
        self.http.refresh_token().await
    }

    /// Tells which app our writes show as; learnt from what we create where nobody tells.
    pub fn set_app_id(&self, id: &str) {
        *lock(&self.app) = Some(id.to_owned());
    }

    /// Which app our writes show as, where it is known.
    pub fn app_id(&self) -> Option<String> {
        lock(&self.app).clone()
    }

    fn bug(&self, what: &str, why: &Malformed) -> CrmError {
        let message = format!("{why}; report it with the log of this run");
        CrmError::new(Side::HubSpot, what, ErrorClass::Bug, message)
    }

    fn forget(&self, object: &str) {
        lock(&self.schemas).remove(object);
    }

    /// A schema that tells whether properties which an answer lacks are blank or gone. One that knows of them may be older than the
    /// moment in which an admin archived one, and is read anew; only of properties that were left out before while they were there
    /// it is believed for a minute, else it would be read with every page (3.5).
    async fn schema_of_absent(
        &self,
        object: &str,
        absent: &BTreeSet<&str>,
    ) -> Result<Arc<ObjectSchema>, CrmError> {
        let known = lock(&self.schemas).get(object).cloned();
        if let Some(one) = known {
            let mut there = absent.iter().filter(|name| one.has(name));
            let fresh = self.http.clock.now() - one.at < STALE;
            if there.all(|name| fresh && self.was_left_out(object, name)) {
                return Ok(one.schema);
            }
        }
        let schema = Arc::new(self.describe(object).await?);
        let there = absent
            .iter()
            .filter(|name| schema.fields.contains_key(**name));
        lock(&self.left_out)
            .entry(object.to_owned())
            .or_default()
            .extend(there.map(|name| (*name).to_owned()));
        Ok(schema)
    }

    fn was_left_out(&self, object: &str, name: &str) -> bool {
        let left_out = lock(&self.left_out);
        left_out
            .get(object)
            .is_some_and(|names| names.contains(name))
    }
}

/// A schema, and when it was read.
#[derive(Clone)]
struct Described {
    schema: Arc<ObjectSchema>,
    at: DateTime<Utc>,
}

impl Described {
    fn has(&self, name: &str) -> bool {
        self.schema.fields.contains_key(name)
    }
}

/// How old a schema may be that tells a blank property from one that is gone.
const STALE: TimeDelta = TimeDelta::minutes(1);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// Portal details (2.17).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDetails {
    /// The portal's id.
    #[serde(deserialize_with = "id_text")]
    pub portal_id: String,
}

/// Reads portal details.
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_account(body: &[u8]) -> Result<AccountDetails, Malformed> {
    from_json("account", body)
}

#[derive(Deserialize)]
struct WireUsageList {
    results: Vec<WireUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUsage {
    usage_limit: u64,
    current_usage: u64,
}

/// Reads the day's usage (9.8).
///
/// # Errors
/// [`Malformed`] where the body is none or names no usage.
pub fn parse_usage(body: &[u8]) -> Result<Allowance, Malformed> {
    let list: WireUsageList = from_json("usage", body)?;
    let first = list
        .results
        .first()
        .ok_or_else(|| Malformed::new("usage", "it is empty"))?;
    Ok(Allowance {
        used: first.current_usage,
        limit: first.usage_limit,
    })
}

#[derive(Deserialize)]
struct WireOwners {
    results: Vec<WireOwner>,
    #[serde(default)]
    paging: Option<WirePaging>,
}

#[derive(Deserialize)]
struct WireOwner {
    #[serde(deserialize_with = "id_text")]
    id: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    archived: bool,
}

/// Reads one page of owners (7.13): the people, and where the next page is.
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_owners(body: &[u8]) -> Result<(Vec<Person>, Option<String>), Malformed> {
    let page: WireOwners = from_json("owners", body)?;
    let people = page.results.into_iter().map(|owner| Person {
        id: RecordId(owner.id),
        email: owner.email.unwrap_or_default().trim().to_lowercase(),
        active: !owner.archived,
    });
    let after = page.paging.and_then(|paging| paging.next?.after);
    Ok((people.collect(), after))
}

#[async_trait::async_trait]
impl Crm for HubspotClient {
    fn side(&self) -> Side {
        Side::HubSpot
    }

    fn meter(&self) -> &Meter {
        &self.http.meter
    }

    fn health(&self) -> SideHealth {
        self.http.health()
    }

    fn server_now(&self) -> DateTime<Utc> {
        self.http.server_now()
    }

    fn batch_size(&self, kind: &WriteKind) -> usize {
        match kind {
            WriteKind::Associate { .. } | WriteKind::Dissociate { .. } | WriteKind::Join { .. } => {
                associations::WRITE_BATCH
            }
            WriteKind::Part { .. } => associations::READ_BATCH,
            _ => read::BATCH,
        }
    }

    async fn identity(&self) -> Result<Identity, CrmError> {
        // One call per process: a token never moves to another portal.
        let known = lock(&self.portal).clone();
        let portal = match known {
            Some(portal) => portal,
            None => {
                let call = Call::get(Purpose::Auth, "identify", paths::account("/details"));
                let details = self.http.fetch(&call, parse_account).await?;
                lock(&self.portal).insert(details.portal_id).clone()
            }
        };
        Ok(Identity {
            label: portal.clone(),
            account: portal,
            user: self.app_id(),
        })
    }

    async fn describe(&self, object: &str) -> Result<ObjectSchema, CrmError> {
        let what = format!("describe {object}");
        self.name(&what, object)?;
        let call = Call::get(Purpose::Schema, what, paths::properties(object, ""));
        let schema = self
            .http
            .fetch(&call, |body| parse_properties(object, body))
            .await?;
        let described = Described {
            schema: Arc::new(schema.clone()),
            at: self.http.clock.now(),
        };
        lock(&self.schemas).insert(object.to_owned(), described);
        Ok(schema)
    }

    async fn people(&self) -> Result<Vec<Person>, CrmError> {
        let mut people = Vec::new();
        let mut query = "?limit=100&archived=false".to_owned();
        let mut seen = BTreeSet::new();
        loop {
            let call = Call::get(Purpose::Schema, "list owners", paths::owners(&query));
            let (mut page, after) = self.http.fetch(&call, parse_owners).await?;
            people.append(&mut page);
            let Some(after) = after else {
                return Ok(people);
            };
            if !seen.insert(after.clone()) {
                let why = Malformed::new("owners", "its pages go round in a circle");
                return Err(self.bug("list owners", &why));
            }
            let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
            query = format!("?limit=100&archived=false&after={after}");
        }
    }

    async fn allowance(&self) -> Result<Allowance, CrmError> {
        if let Some((used, limit)) = self.http.health().daily {
            return Ok(Allowance { used, limit });
        }
        let path = paths::account("/api-usage/daily/private-apps");
        let call = Call::get(Purpose::Schema, "read limits", path);
        self.http.fetch(&call, parse_usage).await
    }

    async fn safe_now(&self, _object: &str) -> Result<SafeNow, CrmError> {
        let server_now = self.http.server_now();
        Ok(SafeNow {
            safe: server_now - self.index_lag,
            server_now,
            covered: false,
        })
    }

    async fn changed(
        &self,
        object: &str,
        fields: &[String],
        window: Window,
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        self.changed_page(object, fields, window, resume).await
    }

    async fn list(
        &self,
        object: &str,
        fields: &[String],
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        self.list_page(object, fields, resume).await
    }

    async fn read(
        &self,
        purpose: Purpose,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        self.read_ids(purpose, object, ids, fields).await
    }

    async fn look_up(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        self.look_up_values(purpose, object, field, values, fields)
            .await
    }

    async fn search(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Observation>, CrmError> {
        self.search_values(purpose, object, field, values, fields)
            .await
    }

    async fn field_times(
        &self,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<BTreeMap<RecordId, BTreeMap<String, Vec<FieldVersion>>>, CrmError> {
        self.versions(object, ids, fields).await
    }

    async fn primary_associations(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, Option<RecordId>>, CrmError> {
        self.primaries(object, ids, to_object).await
    }

    async fn associated(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, BTreeSet<RecordId>>, CrmError> {
        self.all_associated(object, ids, to_object).await
    }

    async fn members(
        &self,
        object: &str,
        ids: &[RecordId],
        set: SetKind,
    ) -> Result<BTreeMap<RecordId, Members>, CrmError> {
        self.members_of(object, ids, set).await
    }

    async fn write(
        &self,
        purpose: Purpose,
        request: &WriteRequest,
    ) -> Result<Vec<WriteResult>, CrmError> {
        self.write_batch(purpose, request).await
    }

    async fn make_key_field(&self, object: &str, field: &str) -> Result<(), CrmError> {
        self.make_key_property(object, field).await
    }
}
