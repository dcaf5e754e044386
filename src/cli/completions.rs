//! `completions`: what a shell needs to complete verbs and flags.

use clap::CommandFactory;

use super::app::App;
use super::args::{Cli, CompletionsArgs};
use super::exit::{Exit, Failure};

/// Runs the verb.
///
/// # Errors
/// As `Output::line`.
pub fn run(app: &mut App, args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "syncline", &mut text);
    let text = String::from_utf8_lossy(&text);
    app.out.line(text.trim_end())?;
    Ok(Exit::Well)
}
