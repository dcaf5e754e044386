//! The store: one conformance suite for both kinds, and everything that can befall a folder on a disk (docs/design/testing.md 3).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured or skipped"
)]

#[path = "../support/mod.rs"]
mod support;

mod conformance;
mod damage;
mod doctor;
mod export;
mod folder;
mod formats;
mod process;
mod upkeep;
