//! Golden scenarios (docs/design/testing.md 1): the engine over the sandbox's real HTTP formats, in one process and in virtual time.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod choices;
mod confirms;
mod conversion;
mod costs;
mod cut_off;
mod deletes;
mod drift;
mod echoes;
mod families;
mod faults;
mod fields;
mod first_sync;
mod groups;
mod keeping;
mod leads;
mod main_job;
mod meanwhile;
mod merges;
mod persons;
mod races;
mod references;
mod rules;
mod safety;
mod scarcity;
mod scope;
mod sets;
mod shadows;
mod silence;
mod sweeps;
mod undo;
mod undone;
mod upkeep;
mod weather;
