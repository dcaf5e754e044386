//! The only way in: serialisable requests, replies and events. The engine runs in background tasks behind it.

mod client;
pub mod messages;

#[cfg(test)]
pub(crate) use client::Envelope;
pub use client::{Client, ServiceGone};
