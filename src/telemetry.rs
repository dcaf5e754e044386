//! Tracing set-up and log files.
