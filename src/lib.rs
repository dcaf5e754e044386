//! Syncline keeps Salesforce and HubSpot in step: an operations console with the sync engine behind it.
//!
//! The map of the house is docs/design/architecture.md; `tests/architecture.rs` guards its borders.
#![forbid(unsafe_code)]

pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod crm;
pub mod domain;
pub mod engine;
pub mod sandbox;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod transform;
