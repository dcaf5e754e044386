//! A running sandbox: where it listens, how to sign in, how to stop it.

use std::sync::{Arc, MutexGuard};

use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::sandbox::shell::Sandbox;

/// The recommended mappings that the sandbox's config ends with.
const MAPPINGS: &str = include_str!("../../../assets/starter-mappings.toml");

/// How to sign in to the simulated org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesforceAccess {
    /// Where it listens, without a slash at the end.
    pub url: String,
    /// Consumer key, for the client credentials flow.
    pub client_id: String,
    /// Consumer secret.
    pub client_secret: String,
    /// A token that needs no sign-in.
    pub access_token: String,
    /// The version that Syncline speaks; others are answered too.
    pub api_version: &'static str,
}

/// How to sign in to the simulated portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubSpotAccess {
    /// Where it listens, without a slash at the end.
    pub url: String,
    /// The static token.
    pub access_token: String,
    /// The version that Syncline speaks; others are answered too.
    pub api_version: &'static str,
}

/// A running sandbox. Dropping it stops it.
pub struct Running {
    /// The simulated org.
    pub salesforce: SalesforceAccess,
    /// The simulated portal.
    pub hubspot: HubSpotAccess,
    shared: Arc<Shared>,
    all: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub(super) fn new(
        shared: Arc<Shared>,
        urls: [String; 2],
        all: CancellationToken,
        tasks: Vec<JoinHandle<()>>,
    ) -> Self {
        let [salesforce_url, hubspot_url] = urls;
        let (salesforce, hubspot) = {
            let sandbox = shared.lock();
            let (org, portal) = (sandbox.org.settings(), sandbox.portal.settings());
            let salesforce = SalesforceAccess {
                url: salesforce_url,
                client_id: org.client_id.clone(),
                client_secret: org.client_secret.clone(),
                access_token: org.access_token.clone(),
                api_version: "v68.0",
            };
            let hubspot = HubSpotAccess {
                url: hubspot_url,
                access_token: portal.access_token.clone(),
                api_version: "2026-09",
            };
            (salesforce, hubspot)
        };
        Running {
            salesforce,
            hubspot,
            shared,
            all,
            tasks,
        }
    }

    /// The sandbox itself, for tests that script faults or look at the truth. Nothing is served while it is held.
    pub fn sandbox(&self) -> MutexGuard<'_, Sandbox> {
        self.shared.lock()
    }

    /// Closes both ports and every connection.
    pub fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
        self.all.cancel();
    }

    /// The one line of `sandbox --json` (docs/design/product.md), without a line end.
    pub fn announcement(&self) -> String {
        let (salesforce, hubspot) = (&self.salesforce, &self.hubspot);
        json!({
            "salesforce": {
                "url": salesforce.url, "client_id": salesforce.client_id, "client_secret": salesforce.client_secret,
                "access_token": salesforce.access_token, "api_version": salesforce.api_version,
            },
            "hubspot": {
                "url": hubspot.url, "access_token": hubspot.access_token, "api_version": hubspot.api_version,
            },
        })
        .to_string()
    }

    /// A config with the recommended mappings that connects to this sandbox as it stands. The credentials are no
    /// secrets, so a command that prints them is reference enough.
    pub fn config_toml(&self) -> String {
        let (salesforce, hubspot) = (&self.salesforce, &self.hubspot);
        format!(
            r#"name = "Sandbox"

[salesforce]
login_url = "{}"
auth = {{ flow = "client_credentials", client_id = "{}", client_secret = {{ command = ["echo", "{}"] }} }}

[hubspot]
api_url = "{}"
auth = {{ flow = "access_token", token = {{ command = ["echo", "{}"] }} }}

[defaults]
country = "US"
conflict = "last_write_wins"

{MAPPINGS}"#,
            salesforce.url,
            salesforce.client_id,
            salesforce.client_secret,
            hubspot.url,
            hubspot.access_token,
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
