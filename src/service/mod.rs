//! The only way in: serialisable requests, replies and events. The engine runs in background tasks behind it.

mod client;
pub mod messages;

pub use client::{Client, ServiceGone};
