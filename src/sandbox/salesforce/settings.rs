//! What can be set about an org before it opens.

use std::collections::BTreeSet;

/// The org's settings. The defaults are those of `syncline sandbox`.
#[derive(Clone, Debug)]
pub struct OrgSettings {
    /// Where the org is reached; `instance_url` and all absolute links begin with it.
    pub host_url: String,
    /// Consumer key of the connected app.
    pub client_id: String,
    /// Consumer secret of the connected app.
    pub client_secret: String,
    /// A token that never expires, for stock clients and people with curl.
    pub access_token: String,
    /// The refresh token that the token endpoint accepts.
    pub refresh_token: String,
    /// Lifetime of issued tokens in seconds. Not extended by use, which is stricter than the vendor.
    pub session_seconds: i64,
    /// API calls per rolling 24 hours.
    pub daily_limit: u64,
    /// Whether the objects have `Syncline_HubSpot_Id__c`.
    pub key_fields: bool,
    /// Whether the contact duplicate rule is active.
    pub duplicate_rule: bool,
    /// Whether the contact validation rule is active.
    pub validation_rule: bool,
    /// Whether a record in the recycle bin still holds its unique key (docs/vendor/salesforce.md 9.5: unconfirmed).
    pub deleted_keys_block: bool,
    /// Whether a refresh hands out a new refresh token and drops the old one.
    pub rotate_refresh_token: bool,
    /// Whether a 412 has a body (docs/vendor/salesforce.md 9.1: unconfirmed).
    pub precondition_body: bool,
    /// Major API versions answered with 410.
    pub retired_versions: BTreeSet<u32>,
}

impl Default for OrgSettings {
    fn default() -> Self {
        OrgSettings {
            host_url: "http://127.0.0.1".into(),
            client_id: "3MVG9synclineSandboxConsumerKey".into(),
            client_secret: "SANDBOX0SECRET0OF0NO0VALUE".into(),
            access_token: "00DWb00000Kl8mN!AQ0AQsandboxStockClientToken".into(),
            refresh_token: "5Aep861sandboxRefreshToken".into(),
            session_seconds: 7200,
            daily_limit: 100_000,
            key_fields: true,
            duplicate_rule: true,
            validation_rule: true,
            deleted_keys_block: false,
            rotate_refresh_token: false,
            precondition_body: true,
            retired_versions: BTreeSet::new(),
        }
    }
}
