//! The verbs as an operator types them: the real binary, against vendors that this process serves.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a process takes real time to start and to end"
)]

#[path = "../process/mod.rs"]
mod process;

mod binary;
mod store;
mod verbs;
mod whole;
