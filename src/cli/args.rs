//! The command line: verbs and flags as docs/design/product.md, Commands, has them.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, ValueEnum};

/// Help in the terminal's own colours.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Shown below the help of the whole program.
const EXIT_STATUS: &str = "Exit status: 0 all is well; 1 some records are in error or conflict; 2 usage or configuration; \
3 a vendor could not be reached or refused; 4 a safety valve or an unanswered question; 5 the store could not be used; \
128+n ended by a signal.";

/// Keeps Salesforce and HubSpot in step. Without a verb: the console.
#[derive(Debug, Parser)]
#[command(name = "syncline", version, styles = STYLES, after_help = EXIT_STATUS, max_term_width = 100)]
pub struct Cli {
    /// What to do; none opens the console
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// For every verb.
    #[command(flatten)]
    pub global: Global,
}

/// Flags of every verb.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The config file, in place of the standard one
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data folder, in place of the standard one
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Refuse everything that writes to a CRM
    #[arg(long, global = true)]
    pub read_only: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Draw with ASCII characters only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Print JSON for machines on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Try it on a built-in sandbox: no account, no config, no network
    Demo(WorldArgs),
    /// Serve only the two simulated vendors on loopback, until stopped
    Sandbox(SandboxArgs),
    /// Write a starter config with the recommended mappings
    Init,
    /// Check sign-in, rights, fields, picklists, quota and clock
    Check(CheckArgs),
    /// Show what a sync would do, without writing
    Preview(PreviewArgs),
    /// Carry out exactly a plan that preview --out kept
    Apply(ApplyArgs),
    /// Sync what changed, or everything
    Sync(SyncArgs),
    /// List the runs, or show one with its journal
    Runs(RunsArgs),
    /// Put back what a run changed
    Undo(UndoArgs),
    /// List conflicts and review items
    Conflicts(FilterArgs),
    /// Decide conflicts and review items; the next run sends it
    Resolve(ResolveArgs),
    /// List the records that could not be synced
    Errors(ErrorsArgs),
    /// Let failed records go with the next run
    Retry(RetryArgs),
    /// Show everything about one record: why did it not sync?
    Record(RecordArgs),
    /// Run values from stdin through a transform, one a line
    Transform(TransformArgs),
    /// Write the whole state as JSON lines
    Export(ExportArgs),
    /// Read an export into an empty data folder, or go back to a backup
    Import(ImportArgs),
    /// Remove one person's stored values for good
    Forget(ForgetArgs),
    /// Shrink the store
    Compact,
    /// Verify the store offline
    Doctor,
    /// Print shell completions
    Completions(CompletionsArgs),
}

/// The sandbox's world.
#[derive(Clone, Debug, Args)]
pub struct WorldArgs {
    /// Contacts on each side; a fifth as many accounts
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub contacts: u32,
    /// What the world is drawn from; the same seed gives the same world
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Trouble to make: throttle, errors, timeouts, auth, lag (joined by commas), all or none
    #[arg(long, value_name = "PROFILE", default_value = "none")]
    pub faults: String,
    /// Milliseconds that every answer is held back
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub latency: u64,
    /// Simulated colleagues edit both sides all the time
    #[arg(long)]
    pub live: bool,
    /// Leave the key fields out on both sides
    #[arg(long)]
    pub no_keys: bool,
    /// Port of the simulated Salesforce; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub salesforce_port: u16,
    /// Port of the simulated HubSpot; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub hubspot_port: u16,
}

/// `sandbox`.
#[derive(Clone, Debug, Args)]
pub struct SandboxArgs {
    /// The world.
    #[command(flatten)]
    pub world: WorldArgs,
}

/// `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Make what may be made (the HubSpot key property)
    #[arg(long)]
    pub fix: bool,
}

/// `preview`.
#[derive(Clone, Debug, Args)]
pub struct PreviewArgs {
    /// Mappings; none: all
    #[arg(value_name = "MAPPING")]
    pub mappings: Vec<String>,
    /// Sample records per mapping
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(0..=500))]
    pub limit: u16,
    /// Everything instead of what changed
    #[arg(long)]
    pub full: bool,
    /// End 1 where it finds errors, conflicts or a tripped valve
    #[arg(long)]
    pub strict: bool,
    /// Keep the plan in this file, for apply
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// The plan that preview --out wrote; -: stdin
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Accept the valves that the plan trips: its hash
    #[arg(long, value_name = "HASH")]
    pub confirm: Option<String>,
}

/// `undo`.
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: u64,
    /// Answer the question that its forecast asks
    #[arg(long, conflicts_with = "preview")]
    pub yes: bool,
    /// Show the forecast and stop
    #[arg(long)]
    pub preview: bool,
}

/// `sync`.
#[derive(Clone, Debug, Args)]
pub struct SyncArgs {
    /// Mappings; none: all that are not paused
    #[arg(value_name = "MAPPING")]
    pub mappings: Vec<String>,
    /// Everything instead of what changed
    #[arg(long)]
    pub full: bool,
    /// Answer the question of a first sync
    #[arg(long)]
    pub yes: bool,
    /// Accept a tripped valve for exactly the plan with this hash
    #[arg(long, value_name = "HASH")]
    pub confirm: Option<String>,
}

/// `runs`.
#[derive(Clone, Debug, Args)]
pub struct RunsArgs {
    /// One run, with its journal
    #[arg(value_name = "ID")]
    pub run: Option<u64>,
    /// At most so many, newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// What narrows a list of conflicts.
#[derive(Clone, Debug, Default, Args)]
pub struct FilterArgs {
    /// Only of this mapping
    #[arg(long, value_name = "M")]
    pub mapping: Option<String>,
    /// Only of this field (the Salesforce name)
    #[arg(long, value_name = "F")]
    pub field: Option<String>,
    /// Only of this kind: field, ambiguous_match, deletion, …
    #[arg(long, value_name = "K")]
    pub kind: Option<String>,
}

/// `resolve`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("choice").required(true).args(["take", "value", "link", "create", "ignore", "accept"]))]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "all"]))]
pub struct ResolveArgs {
    /// Ids, or unique prefixes of at least six digits
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Every one that the filters let through
    #[arg(long)]
    pub all: bool,
    /// Narrow `--all`.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Whose value: salesforce, hubspot, base or newest
    #[arg(long, value_name = "WHOSE", value_enum)]
    pub take: Option<Whose>,
    /// Another value for both sides
    #[arg(long, value_name = "TEXT")]
    pub value: Option<String>,
    /// Review items: link to this candidate
    #[arg(long, value_name = "ID")]
    pub link: Option<String>,
    /// Review items: create a counterpart anyway
    #[arg(long)]
    pub create: bool,
    /// Review items: leave it alone for good
    #[arg(long)]
    pub ignore: bool,
    /// Review items: carry the deletion out
    #[arg(long)]
    pub accept: bool,
}

/// Whose value is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Whose {
    /// Salesforce's
    Salesforce,
    /// HubSpot's
    Hubspot,
    /// The one both agreed on last
    Base,
    /// The later edit
    Newest,
}

/// `errors`.
#[derive(Clone, Debug, Args)]
pub struct ErrorsArgs {
    /// Only of this category
    #[arg(long, value_name = "C")]
    pub category: Option<String>,
    /// Only of this mapping
    #[arg(long, value_name = "M")]
    pub mapping: Option<String>,
}

/// `retry`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "category", "all"]))]
pub struct RetryArgs {
    /// Ids, or unique prefixes of at least six digits
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All of this category
    #[arg(long, value_name = "C")]
    pub category: Option<String>,
    /// All
    #[arg(long)]
    pub all: bool,
    /// Start a run over just them
    #[arg(long)]
    pub now: bool,
}

/// `record`.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// Either side's id, an e-mail address or a name
    #[arg(value_name = "ID")]
    pub query: String,
}

/// `transform`.
#[derive(Clone, Debug, Args)]
pub struct TransformArgs {
    /// The transform's name, such as phone_e164
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its options, such as country=US
    #[arg(value_name = "KEY=VALUE")]
    pub options: Vec<String>,
}

/// `export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// The file to write; none: stdout
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// `import`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["file", "newest_backup"]))]
pub struct ImportArgs {
    /// The file to read, into an empty data folder; -: stdin
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Go back to the newest backup of this data folder; its store is kept aside
    #[arg(long)]
    pub newest_backup: bool,
    /// Answer the question that going back asks
    #[arg(long, conflicts_with = "file")]
    pub yes: bool,
}

/// `forget`.
#[derive(Clone, Debug, Args)]
pub struct ForgetArgs {
    /// Either side's id, or an e-mail address
    #[arg(value_name = "ID")]
    pub query: String,
    /// Only this mapping's record, where several have that id
    #[arg(long, value_name = "M")]
    pub mapping: Option<String>,
    /// Answer the question
    #[arg(long)]
    pub yes: bool,
}

/// `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum, action = ArgAction::Set)]
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_resolution_needs_one_choice_and_says_which_items() {
        for (line, good) in [
            ("resolve 1a2b3c --take newest", true),
            ("resolve --all --field Phone --take hubspot", true),
            ("resolve 1a2b3c --link 5512", true),
            ("resolve 1a2b3c", false),
            ("resolve --take newest", false),
            ("resolve 1a2b3c --take newest --ignore", false),
            ("resolve 1a2b3c --all --ignore", false),
            ("retry --all --now", true),
            ("retry", false),
            ("undo 3 --yes", true),
            ("undo 3 --yes --preview", false),
            ("undo", false),
            ("apply plan.json --confirm 0123", true),
            ("sync contacts --full --json --read-only", true),
            ("--json sync", true),
            ("sandbox --contacts 0", false),
            ("import state.jsonl", true),
            ("import --newest-backup --yes", true),
            ("import", false),
            ("import state.jsonl --newest-backup", false),
            ("import state.jsonl --yes", false),
            ("forget 0035g00000Xyz --yes", true),
            ("forget", false),
        ] {
            let words = std::iter::once("syncline").chain(line.split(' '));
            assert_eq!(Cli::try_parse_from(words).is_ok(), good, "{line}");
        }
    }
}
