//! The table of bindings.
