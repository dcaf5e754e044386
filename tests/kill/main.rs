//! Real crashes (docs/design/testing.md, T5): the real binary on a real store over real sockets, killed at random moments
//! of its runs. It must always come back, make nothing twice, lose no edit, and come to rest.
//!
//! `KILL_SEED`, `KILLS`, `KILLS_MIXED`, `KILL_CONTACTS` and `KILL_STALL` change the run; the seed is printed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the kill tests are the ones that wait for real time"
)]

#[path = "../process/mod.rs"]
mod process;

mod books;
mod child;
mod doubles;
mod first_syncs;
mod lost;
mod mixed;
mod people;
mod words;
