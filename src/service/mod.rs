//! The only way in: serialisable requests, replies and events. The engine runs in background tasks behind it; nobody else
//! puts clock, store and clients together.

mod actions;
mod check;
mod client;
mod conflicts;
mod connect;
mod error_detail;
mod errors;
mod filter;
mod forget;
mod history;
mod host;
mod journal;
mod later;
mod lists;
mod mappings;
pub mod messages;
mod offline;
mod outgoing;
mod plan;
mod progress;
mod record;
mod resolve;
mod runner;
#[cfg(test)]
mod tests;
mod undo;
mod upkeep;
mod words;

#[cfg(test)]
pub(crate) use client::Envelope;
pub use client::{Client, ServiceGone};
pub use host::{Service, Setup};
pub use offline::{compact, doctor, export, import, newest_backup, restore};
