//! What the caller decides before the console starts, and what it hands back at the end.

use std::path::PathBuf;

/// When colour is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// Where the environment suggests it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never: bold, reverse and underline carry it.
    Never,
}

/// The variables that decide `ColorChoice::Auto`, as the caller read them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColorEnv {
    /// `NO_COLOR`: any non-empty value turns colour off.
    pub no_color: Option<String>,
    /// `TERM`: `dumb` turns colour off.
    pub term: Option<String>,
    /// `COLORTERM`: says that there is colour where `TERM` is missing.
    pub colorterm: Option<String>,
}

/// Which colours suit the terminal's background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeName {
    /// The terminal's own sixteen colours on a dark background.
    #[default]
    Dark,
    /// The same without those that vanish on white.
    Light,
}

/// What the caller decides.
#[derive(Clone, Debug, Default)]
pub struct ConsoleOptions {
    /// Nothing that writes to a CRM may be started.
    pub read_only: bool,
    /// Colour.
    pub color: ColorChoice,
    /// The environment's say in it.
    pub color_env: ColorEnv,
    /// Which colours.
    pub theme: ThemeName,
    /// Draw with ASCII only.
    pub ascii: bool,
    /// At most ten frames a second, and numbers once a second.
    pub slow_link: bool,
    /// Take the mouse (it steals the terminal's own selection).
    pub mouse: bool,
    /// No moving spinner: a static word instead.
    pub reduced_motion: bool,
    /// Who chooses, as it is stored with each choice and run.
    pub user: String,
    /// Where `Y` and `e` write their files.
    pub files_dir: PathBuf,
    /// A sentence for the message line at the start.
    pub opening_message: Option<String>,
}

/// How the console ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitSummary {
    /// The signal that ended it, for the exit status 128 + n.
    pub signal: Option<i32>,
    /// The last run that ended while it was open, in a sentence for the normal screen.
    pub line: Option<String>,
}

/// Why the console could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The terminal refused.
    #[error("the terminal could not be used: {0}. Try another terminal, or `syncline sync`")]
    Terminal(#[from] std::io::Error),
    /// A background task panicked.
    #[error("a part of the console failed: {0}. The log has the details; nothing was sent by it")]
    Task(String),
}
