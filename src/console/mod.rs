//! The operations console: a terminal program over `service`. It sees `service`, `domain` and `clock`, nothing else of ours.
//!
//! `run` is the loop, `update` takes a message to the next `model`, `view` draws it, `keymap` is the one table of keys.

mod command;
mod effects;
mod fetch;
pub mod format;
mod hit;
mod hold;
mod keymap;
mod layout;
mod list;
mod model;
mod msg;
mod options;
mod overlays;
mod run;
mod screens;
mod set_back;
mod signals;
mod terminal;
mod theme;
mod update;
mod view;
mod wants;
mod widgets;

#[cfg(test)]
mod tests;

pub use keymap::readme_keys;
pub use options::{ColorChoice, ColorEnv, ConsoleError, ConsoleOptions, ExitSummary, ThemeName};
pub use run::run;
