//! Two simulated vendors, a Salesforce org and a HubSpot portal, speaking the vendors' own wire formats on loopback.
//!
//! The demo, the training ground and the world that the tests run in. It knows nothing of the rest of Syncline,
//! above all nothing of `crm/`, so that an error in one cannot hide in the other. The core is
//! `handle(now, request) -> response`; `server` wraps it in a listener for people, tests call it in process.

pub mod colleagues;
mod control;
pub mod faults;
pub mod fields;
mod ground;
pub mod history;
pub mod http;
pub mod hubspot;
pub mod party;
mod prng;
pub mod salesforce;
pub mod server;
mod shell;
mod side;
pub mod world;

pub use faults::{Exchange, Fault, Profile};
pub use server::{Options, Running, SandboxError, serve};
pub use shell::{Sandbox, Settings};
pub use side::Side;

#[cfg(test)]
mod tests;
