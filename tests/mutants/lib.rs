//! The pure core as a package of its own, so that one mutant is built and tested in seconds: see `run`. The tests that stand
//! in `tests/` are modules here, so that there is one binary to build.
#![allow(dead_code, unused_imports, missing_docs)]

extern crate self as syncline;

pub mod domain;
pub mod engine;
pub mod transform;

#[cfg(test)]
#[path = "../tests/merge_table/main.rs"]
mod merge_table;
#[cfg(test)]
#[path = "../tests/properties.rs"]
mod properties;
