//! From the config's connections to two clients and the engine's rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, Entropy};
use crate::config::{
    Config, HubspotAuth as HubspotFlow, SalesforceAuth as SalesforceFlow, SecretRef,
    mapping_revision, resolve_secret,
};
use crate::crm::{
    Crm, HubspotAuth, HubspotClient, HubspotSettings, SalesforceAuth, SalesforceClient,
    SalesforceSettings, Transport,
};
use crate::domain::{Mapping, MappingId, PairKind, PerSide, Secret, Side};
use crate::engine::guard::{SafetyLimits, Share};
use crate::engine::{Rules, Settings};

/// What a client is made with.
pub(super) struct Parts<'a> {
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// Both clients; the error is a sentence with the next step.
pub(super) fn clients(config: &Config, parts: &Parts<'_>) -> Result<PerSide<Arc<dyn Crm>>, String> {
    let secret = |reference: &SecretRef| -> Result<Secret, String> {
        resolve_secret(reference, parts.env).map_err(|error| error.to_string())
    };
    let missing = |section: &str| {
        format!("the config has no [{section}] section; config.example.toml shows it")
    };
    let salesforce = config
        .salesforce
        .as_ref()
        .ok_or_else(|| missing("salesforce"))?;
    let hubspot = config.hubspot.as_ref().ok_or_else(|| missing("hubspot"))?;
    let flow = match &salesforce.auth {
        SalesforceFlow::ClientCredentials {
            client_id,
            client_secret,
        } => SalesforceAuth::ClientCredentials {
            client_id: client_id.clone(),
            client_secret: secret(client_secret)?,
        },
        SalesforceFlow::AccessToken { token } => SalesforceAuth::AccessToken {
            token: secret(token)?,
            instance_url: salesforce.login_url.clone(),
        },
        SalesforceFlow::RefreshToken {
            client_id,
            client_secret,
            refresh_token,
        } => SalesforceAuth::RefreshToken {
            client_id: client_id.clone(),
            client_secret: match client_secret {
                Some(reference) => secret(reference)?,
                None => Secret::new(String::new()),
            },
            refresh_token: secret(refresh_token)?,
        },
    };
    let mut settings = SalesforceSettings::new(salesforce.login_url.clone(), flow);
    settings.request_timeout = config.engine.request_timeout;
    let left = SalesforceClient::new(
        settings,
        parts.transport.clone(),
        parts.clock.clone(),
        parts.entropy.clone(),
    )
    .map_err(|error| error.to_string())?;
    let flow = match &hubspot.auth {
        HubspotFlow::AccessToken { token } => HubspotAuth::AccessToken(secret(token)?),
        HubspotFlow::RefreshToken {
            client_id,
            client_secret,
            refresh_token,
        } => HubspotAuth::RefreshToken {
            client_id: client_id.clone(),
            client_secret: secret(client_secret)?,
            refresh_token: secret(refresh_token)?,
        },
    };
    let mut settings = HubspotSettings::new(hubspot.api_url.clone(), flow);
    settings.request_timeout = config.engine.request_timeout;
    settings.search_per_second = config.engine.searches_per_second;
    settings.index_lag = config.engine.index_lag;
    let right = HubspotClient::new(
        settings,
        parts.transport.clone(),
        parts.clock.clone(),
        parts.entropy.clone(),
    )
    .map_err(|error| error.to_string())?;
    Ok(PerSide {
        salesforce: Arc::new(left),
        hubspot: Arc::new(right),
    })
}

/// The engine's rules of a config: mappings with parents first (14.2).
pub(super) fn rules(config: &Config) -> Rules {
    let engine = &config.engine;
    let percent = |share: crate::config::Percent| u8::try_from(share.of(100)).unwrap_or(100);
    let share =
        |share: crate::config::Percent| Share(u32::try_from(share.of(10_000)).unwrap_or(u32::MAX));
    Rules {
        mappings: parents_first(&config.mappings),
        revisions: config
            .mappings
            .iter()
            .map(|one| (one.id.clone(), mapping_revision(one)))
            .collect(),
        settings: Settings {
            settle_delay: engine.settle_delay,
            overlap_salesforce: engine.overlap_salesforce,
            overlap_hubspot: engine.overlap_hubspot,
            max_age: engine.max_age,
            max_replans: engine.max_replans,
            slice: engine.slice,
            in_flight: engine.in_flight,
            stop_grace: engine.stop_grace,
            schema_refresh: engine.schema_refresh,
            quarantine_after: engine.quarantine_after,
            oscillation_writes: engine.oscillation_writes,
            blocked_after: engine.blocked_after,
            sweep: PerSide {
                salesforce: engine.sweep_salesforce,
                hubspot: engine.sweep_hubspot,
            },
            canary: config.safety.canary.clone(),
            retention: engine.retention,
            daily_share: PerSide {
                salesforce: config
                    .salesforce
                    .as_ref()
                    .map_or(50, |one| percent(one.daily_calls)),
                hubspot: config
                    .hubspot
                    .as_ref()
                    .map_or(50, |one| percent(one.daily_calls)),
            },
            ..Settings::default()
        },
        limits: SafetyLimits {
            max_deletes: share(config.safety.max_deletes),
            max_changes: share(config.safety.max_changes),
            max_creates: share(config.safety.max_creates),
            max_cleared: share(config.safety.max_cleared),
            max_conflicts: share(config.safety.max_conflicts),
        },
        ask_first: !config.is_sandbox(),
    }
}

/// Mappings sorted so that those others refer to come first; ties by the config's order.
fn parents_first(mappings: &[Mapping]) -> Vec<Mapping> {
    let mut done: BTreeSet<MappingId> = BTreeSet::new();
    let mut sorted = Vec::new();
    while sorted.len() < mappings.len() {
        let ready = |mapping: &&Mapping| {
            !done.contains(&mapping.id)
                && mapping.pairs.iter().all(|pair| match &pair.kind {
                    PairKind::Reference { mapping: parent } => {
                        done.contains(parent) || parent == &mapping.id
                    }
                    _ => true,
                })
        };
        let next = mappings
            .iter()
            .find(ready)
            .or_else(|| mappings.iter().find(|mapping| !done.contains(&mapping.id)));
        let Some(next) = next else { break };
        done.insert(next.id.clone());
        sorted.push(next.clone());
    }
    sorted
}

/// What the header shows for a side before it answered: the host's first label.
pub(super) fn first_label(config: &Config, side: Side) -> String {
    let address = config.address(side).unwrap_or_default();
    let host = address.split("://").nth(1).unwrap_or(address);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return "sandbox".into();
    }
    host.split('.').next().unwrap_or_default().to_owned()
}

/// The store folder inside a data folder belongs to us alone; its parent must exist.
pub(super) fn prepare_folder(data_dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(data_dir)
}
