//! Every size, hostile text, many rows.
