//! The Salesforce client: REST at one pinned version (docs/vendor/salesforce.md). Owns paths, bodies and parsing; the
//! sending is `crm::http`'s.

mod auth;
pub(crate) mod codes;
mod composite;
mod describe;
mod ids;
mod read;
mod records;
mod refusal;
mod sets;
pub mod soql;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

pub use auth::{SalesforceAuth, TokenAnswer, parse_token};
pub use composite::parse_composite;
pub use describe::parse_describe;
pub use ids::{sound, widen};
pub use records::{QueryPage, observation, parse_covered, parse_query, parse_retrieve};
pub use refusal::{WireError, limit_info, parse_errors, vendor_error};
pub use write::{RowResult, parse_results};

use super::auth::Token;
use super::host::{HostError, check_host, host_of};
use super::http::{Call, Http, Setup};
use super::wire::{Malformed, from_json, text_of};
use super::{
    Allowance, Crm, CrmError, ErrorClass, FieldVersion, Found, Identity, Meter, Page, Person,
    Purpose, SafeNow, SideHealth, Transport, Window, WriteKind, WriteRequest, WriteResult,
};
use crate::clock::{Clock, Entropy};
use crate::domain::{Members, ObjectSchema, Observation, RecordId, Secret, SetKind, Side};

/// The one API version that is spoken (Winter '27).
pub const API_VERSION: &str = "v68.0";
/// Requests in flight at once: well under the 25 long ones that the vendor counts (5).
const IN_FLIGHT: usize = 10;

/// The path of a REST resource (`/query?q=…`) at the pinned version.
pub(crate) fn data_path(resource: &str) -> String {
    format!("/services/data/{API_VERSION}{resource}")
}

/// How to reach and enter one organisation.
#[derive(Clone, Debug)]
pub struct SalesforceSettings {
    /// The organisation's My Domain address (1.1).
    pub login_url: String,
    /// The flow and its credentials.
    pub auth: SalesforceAuth,
    /// Give one request up after this long.
    pub request_timeout: Duration,
}

impl SalesforceSettings {
    /// Settings with the default time-out of 30 s.
    pub fn new(login_url: impl Into<String>, auth: SalesforceAuth) -> Self {
        SalesforceSettings {
            login_url: login_url.into(),
            auth,
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// One Salesforce organisation.
pub struct SalesforceClient {
    http: Http<auth::SalesforceDialect>,
    schemas: Mutex<BTreeMap<String, Arc<ObjectSchema>>>,
}

impl SalesforceClient {
    /// A client; sends nothing yet.
    ///
    /// # Errors
    /// [`HostError`] where an address is none, or plain HTTP off this machine.
    pub fn new(
        settings: SalesforceSettings,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HostError> {
        let login_url = check_host(&settings.login_url)?;
        let (token, refresh_token) = match &settings.auth {
            SalesforceAuth::AccessToken {
                token,
                instance_url,
            } => {
                let token = Token {
                    access: token.clone(),
                    base_url: check_host(instance_url)?,
                    renew_at: None,
                    identity: None,
                    refresh_token: None,
                };
                (Some(token), None)
            }
            SalesforceAuth::RefreshToken { refresh_token, .. } => {
                (None, Some(refresh_token.clone()))
            }
            SalesforceAuth::ClientCredentials { .. } => (None, None),
        };
        let setup = Setup {
            timeout: settings.request_timeout,
            in_flight: IN_FLIGHT,
            general: None,
            search: None,
            associations: None,
            token,
            refresh_token,
        };
        let dialect = auth::SalesforceDialect {
            login_url,
            auth: settings.auth,
        };
        Ok(SalesforceClient {
            http: Http::new(dialect, setup, transport, clock, entropy),
            schemas: Mutex::default(),
        })
    }

    /// The newest refresh token: with rotation on, the one to store (1.4). `None` in the other flows.
    pub async fn refresh_token(&self) -> Option<Secret> {
        self.http.refresh_token().await
    }

    fn name<'a>(&self, what: &str, text: &'a str) -> Result<&'a str, CrmError> {
        soql::name(text).map_err(|error| {
            CrmError::new(
                Side::Salesforce,
                what,
                ErrorClass::Systemic,
                error.to_string(),
            )
        })
    }

    fn bug(&self, what: &str, why: &Malformed) -> CrmError {
        let message = format!("{why}; report it with the log of this run");
        CrmError::new(Side::Salesforce, what, ErrorClass::Bug, message)
    }

    fn known(&self, object: &str) -> Option<Arc<ObjectSchema>> {
        self.lock().get(object).cloned()
    }

    async fn schema(&self, object: &str) -> Result<Arc<ObjectSchema>, CrmError> {
        if let Some(known) = self.known(object) {
            return Ok(known);
        }
        let fresh = Arc::new(self.describe(object).await?);
        Ok(fresh)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<ObjectSchema>>> {
        match self.schemas.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

#[derive(Deserialize)]
struct WireUserInfo {
    organization_id: String,
    user_id: String,
}

#[derive(Deserialize)]
struct WireLimits {
    #[serde(rename = "DailyApiRequests")]
    daily: WireLimit,
}

#[derive(Deserialize)]
struct WireLimit {
    #[serde(rename = "Max")]
    max: u64,
    #[serde(rename = "Remaining")]
    remaining: u64,
}

/// Used and limit of a limits answer (2.1).
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_limits(body: &[u8]) -> Result<Allowance, Malformed> {
    let limits: WireLimits = from_json("limits", body)?;
    Ok(Allowance {
        used: limits.daily.max.saturating_sub(limits.daily.remaining),
        limit: limits.daily.max,
    })
}

#[async_trait::async_trait]
impl Crm for SalesforceClient {
    fn side(&self) -> Side {
        Side::Salesforce
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
            WriteKind::UpdateUnmodified { .. } => 1,
            _ => write::BATCH,
        }
    }

    async fn identity(&self) -> Result<Identity, CrmError> {
        let token = self.http.token().await?;
        let host = host_of(&token.base_url);
        let label = host.split(['.', ':']).next().unwrap_or_default().to_owned();
        if let Some((account, user)) = token.identity {
            return Ok(Identity {
                account,
                user,
                label,
            });
        }
        let call = Call::get(Purpose::Auth, "identify", "/services/oauth2/userinfo");
        let info: WireUserInfo = self
            .http
            .fetch(&call, |body| from_json("identify", body))
            .await?;
        Ok(Identity {
            account: widen(&info.organization_id).unwrap_or(info.organization_id),
            user: Some(widen(&info.user_id).unwrap_or(info.user_id)),
            label,
        })
    }

    async fn describe(&self, object: &str) -> Result<ObjectSchema, CrmError> {
        let what = format!("describe {object}");
        self.name(&what, object)?;
        let path = data_path(&format!("/sobjects/{object}/describe"));
        let call = Call::get(Purpose::Schema, what, path);
        let mut schema = self.http.fetch(&call, parse_describe).await?;
        // The mapping's spelling is the key everywhere else.
        schema.object = object.to_owned();
        self.lock()
            .insert(object.to_owned(), Arc::new(schema.clone()));
        Ok(schema)
    }

    async fn people(&self) -> Result<Vec<Person>, CrmError> {
        let soql = "SELECT Id,Email,IsActive FROM User WHERE UserType = 'Standard' ORDER BY Id ASC";
        let found = self
            .query(Purpose::Schema, "list users", soql, false)
            .await?;
        let people = found.rows.iter().filter_map(|row| {
            Some(Person {
                id: RecordId(widen(&text_of(row, "Id")?)?),
                email: text_of(row, "Email").unwrap_or_default().to_lowercase(),
                active: super::wire::is_true(row, "IsActive"),
            })
        });
        Ok(people.collect())
    }

    async fn allowance(&self) -> Result<Allowance, CrmError> {
        if let Some((used, limit)) = self.http.health().daily {
            return Ok(Allowance { used, limit });
        }
        let call = Call::get(Purpose::Schema, "read limits", data_path("/limits"));
        self.http.fetch(&call, parse_limits).await
    }

    async fn safe_now(&self, object: &str) -> Result<SafeNow, CrmError> {
        self.safe_moment(object).await
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
        self.rows_by_value(purpose, object, field, values, fields, false)
            .await
    }

    async fn field_times(
        &self,
        _object: &str,
        _ids: &[RecordId],
        _fields: &[String],
    ) -> Result<BTreeMap<RecordId, BTreeMap<String, Vec<FieldVersion>>>, CrmError> {
        Ok(BTreeMap::new())
    }

    async fn primary_associations(
        &self,
        _object: &str,
        _ids: &[RecordId],
        _to_object: &str,
    ) -> Result<BTreeMap<RecordId, Option<RecordId>>, CrmError> {
        Ok(BTreeMap::new())
    }

    async fn associated(
        &self,
        _object: &str,
        _ids: &[RecordId],
        _to_object: &str,
    ) -> Result<BTreeMap<RecordId, BTreeSet<RecordId>>, CrmError> {
        Ok(BTreeMap::new())
    }

    async fn members(
        &self,
        _object: &str,
        ids: &[RecordId],
        set: SetKind,
    ) -> Result<BTreeMap<RecordId, Members>, CrmError> {
        self.members_of(ids, set).await
    }

    async fn write(
        &self,
        purpose: Purpose,
        request: &WriteRequest,
    ) -> Result<Vec<WriteResult>, CrmError> {
        self.write_batch(purpose, request).await
    }

    async fn make_key_field(&self, object: &str, field: &str) -> Result<(), CrmError> {
        let message = format!(
            "Syncline may not make fields in Salesforce; ask an administrator to add to {object} the custom field \
             {field}: type Text, length 50, unique without regard to case, External ID; readable and editable for the \
             integration user"
        );
        let what = format!("make key field {field}");
        Err(CrmError::new(
            Side::Salesforce,
            what,
            ErrorClass::Systemic,
            message,
        ))
    }
}
