//! (described in docs/design/architecture.md)
