//! (described in docs/design/architecture.md)

pub mod guard;
pub mod matching;
