//! What the project says of itself: its config, its README, and the vendors' real answers.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod config;
mod readme;
mod recorded;
