//! The TOML file: types, layers with their sources, validation that finds everything at once and names line and nearest
//! key, secrets by reference. Knows no vendor and no store.

mod build;
mod check;
mod error;
mod field_rules;
mod folders;
mod groups;
mod layers;
mod mapping;
mod model;
mod pair;
mod revision;
mod rules;
mod schema;
mod secret;
mod sets;
mod starter;
#[cfg(test)]
mod tests;
mod transforms;
mod tree;
mod value;

pub use error::{ConfigError, ConfigErrors};
pub use folders::{Folders, NoHome};
pub use layers::Override;
pub use model::{
    Config, Defaults, EngineSettings, HubspotAuth, HubspotConnection, Safety, SalesforceAuth,
    SalesforceConnection, Setting,
};
pub use revision::{mapping_hash, mapping_revision};
pub use secret::{SecretError, SecretRef, resolve_secret};
pub use starter::{StarterConnections, starter_config};
pub use transforms::TRANSFORMS;
pub use tree::Place;
pub use value::{Percent, is_loopback_url};
