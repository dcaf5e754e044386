//! How a portal is set up: credentials, limits, and the switches for vendor behaviour that nobody has confirmed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;

/// The set-up of a portal. `Default` is the Professional portal of `docs/design/product.md`.
#[derive(Clone, Debug)]
pub struct PortalSettings {
    /// The portal's id (`account-info`, record urls).
    pub portal_id: u64,
    /// What `account-info` calls the time zone.
    pub time_zone: String,
    /// Offset of that zone from UTC in seconds; the daily budget starts anew at its midnight.
    pub utc_offset_seconds: i32,
    /// ISO 4217 code of the account.
    pub currency: String,
    /// Further currencies a deal may have.
    pub additional_currencies: Vec<String>,
    /// The static token (service key).
    pub access_token: String,
    /// The app id that API writes by the static token carry as source.
    pub app_id: String,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// OAuth refresh token.
    pub refresh_token: String,
    /// Life of an OAuth access token.
    pub token_life: Duration,
    /// The granted scopes; `None` grants everything.
    pub scopes: Option<BTreeSet<String>>,
    /// Calls per rolling ten seconds of the static token.
    pub ten_second_limit: u32,
    /// Calls per rolling ten seconds of an OAuth app.
    pub oauth_ten_second_limit: u32,
    /// Association calls per rolling ten seconds, apart from the general limit.
    pub association_ten_second_limit: u32,
    /// Calls a day by static tokens.
    pub daily_limit: u64,
    /// Searches per second and account.
    pub search_per_second: u32,
    /// Mean time until the search index sees a change; each record's own lies between half and one and a half of it.
    pub index_lag: Duration,
    /// The property `syncline_salesforce_id` is there.
    pub key_property: bool,
    /// 429 answers carry `Retry-After` (HubSpot does not document it).
    pub retry_after_header: bool,
    /// Writing a value that is already there moves the modified stamp.
    pub equal_write_bumps: bool,
    /// A taken address answers in the 400 form of a lost race instead of 409 (`docs/vendor/hubspot.md` 3.28).
    pub email_race: bool,
    /// A batch with errors answers 207; otherwise 200 (`docs/vendor/hubspot.md` 1.8).
    pub partial_status_207: bool,
    /// Association answers give `toObjectId` as text instead of a number (17.3).
    pub association_ids_as_text: bool,
    /// A deal that is won makes its contacts and companies customers.
    pub won_deal_makes_customer: bool,
    /// The lifecycle stage that a new contact or company gets when none is sent.
    pub new_lifecyclestage: Option<String>,
    /// 2026-09 only: properties that the creation form marks as required, by plural object name.
    pub required_on_create: BTreeMap<String, Vec<String>>,
    /// 2026-09 only: conditional rules.
    pub conditional_required: Vec<ConditionalRule>,
    /// Search ids start here and grow in uneven steps.
    pub first_id: u64,
}

/// A conditional property rule of the portal (`docs/vendor/hubspot.md` 1.10).
#[derive(Clone, Debug)]
pub struct ConditionalRule {
    /// Plural object name.
    pub object: String,
    /// When this property …
    pub when: String,
    /// … has this value …
    pub equals: String,
    /// … this one must have a value.
    pub required: String,
}

impl Default for PortalSettings {
    fn default() -> Self {
        PortalSettings {
            portal_id: 44_237_313,
            time_zone: "US/Eastern".into(),
            utc_offset_seconds: -5 * 3600,
            currency: "USD".into(),
            additional_currencies: vec!["EUR".into(), "GBP".into()],
            access_token: "pat-na1-5a7d1c3e-0b42-4f7e-9d10-5cb0c0ffee01".into(),
            app_id: "19083857".into(),
            client_id: "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9".into(),
            client_secret: "9e8d7c6b-5a49-4837-a625-140312fedcba".into(),
            refresh_token: "na1-2f4c-5a7d1c3e-0b42-4f7e-9d10-refresh".into(),
            token_life: Duration::seconds(1_800),
            scopes: None,
            ten_second_limit: 190,
            oauth_ten_second_limit: 110,
            association_ten_second_limit: 150,
            daily_limit: 625_000,
            search_per_second: 5,
            index_lag: Duration::seconds(10),
            key_property: true,
            retry_after_header: false,
            equal_write_bumps: true,
            email_race: false,
            partial_status_207: true,
            association_ids_as_text: false,
            won_deal_makes_customer: true,
            new_lifecyclestage: Some("lead".into()),
            required_on_create: BTreeMap::new(),
            conditional_required: Vec::new(),
            first_id: 501,
        }
    }
}
