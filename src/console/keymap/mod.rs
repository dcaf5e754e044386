//! The one table of bindings: dispatch, footer, help, palette and the README's section all read it.

mod availability;
mod bindings;
mod readme;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::command::Command;
use super::model::Model;
pub use bindings::BINDINGS;
pub use readme::readme_keys;

/// A key as the table writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A printable character; shift is part of it.
    Char(char),
    /// Ctrl and a letter.
    Ctrl(char),
    /// One with a name.
    Named(&'static str),
}

impl Key {
    /// The key of a terminal event, if it is one that the table could name.
    pub fn of(event: KeyEvent) -> Option<Key> {
        let named = match event.code {
            KeyCode::Char(' ') => "space",
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::CONTROL) => {
                return Some(Key::Ctrl(c.to_ascii_lowercase()));
            }
            KeyCode::Char(c) if !event.modifiers.contains(KeyModifiers::ALT) => {
                return Some(Key::Char(c));
            }
            KeyCode::Enter => "enter",
            KeyCode::Esc => "esc",
            KeyCode::Tab => "tab",
            KeyCode::BackTab => "shift-tab",
            KeyCode::Up => "↑",
            KeyCode::Down => "↓",
            KeyCode::Left => "←",
            KeyCode::Right => "→",
            KeyCode::PageUp => "pgup",
            KeyCode::PageDown => "pgdn",
            KeyCode::Home => "home",
            KeyCode::End => "end",
            _ => return None,
        };
        Some(Key::Named(named))
    }

    /// How screens write it.
    pub fn shown(self) -> String {
        match self {
            Key::Char(c) => c.to_string(),
            Key::Ctrl(c) => format!("^{c}"),
            Key::Named(name) => name.to_owned(),
        }
    }
}

/// Where the keys go: the pane that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The list of mappings.
    Mappings,
    /// One mapping opened.
    MappingDetail,
    /// What waits for a person.
    Needs,
    /// What happened lately.
    Activity,
    /// A run under way.
    Live,
    /// The conflict queue.
    Queue,
    /// The three-way table of one record.
    Resolver,
    /// The candidates of a review item.
    Review,
    /// Causes of errors.
    Causes,
    /// The records of one cause.
    ErrorRecords,
    /// Runs.
    Runs,
    /// One run's journal.
    Journal,
}

impl Context {
    /// All of them.
    pub const ALL: [Context; 12] = [
        Context::Mappings,
        Context::MappingDetail,
        Context::Needs,
        Context::Activity,
        Context::Live,
        Context::Queue,
        Context::Resolver,
        Context::Review,
        Context::Causes,
        Context::ErrorRecords,
        Context::Runs,
        Context::Journal,
    ];

    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Context::Mappings => "Mappings",
            Context::MappingDetail => "Mapping",
            Context::Needs => "Needs you",
            Context::Activity => "Activity",
            Context::Live => "Live sync",
            Context::Queue => "Conflicts",
            Context::Resolver => "Resolver",
            Context::Review => "Review item",
            Context::Causes => "Errors",
            Context::ErrorRecords => "Error records",
            Context::Runs => "Runs",
            Context::Journal => "Run journal",
        }
    }
}

/// A heading of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the screen is for.
    Act,
    /// Moving.
    Move,
    /// Going elsewhere.
    Go,
}

impl Group {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Act => "ACT",
            Group::Move => "MOVE",
            Group::Go => "GO",
        }
    }
}

/// How much a command can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// Local, or reversible.
    None,
    /// Ends in a write to a CRM, after a dialog.
    Writes,
}

/// Whether a command can be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Enabled,
    /// It can as soon as an answer is there that is under way; what is waited for.
    NotYet(String),
    /// It cannot, and why, and what to do.
    Disabled(String),
}

/// A row of the table.
pub struct Binding {
    /// The command.
    pub command: Command,
    /// Where it works.
    pub contexts: &'static [Context],
    /// Its keys, the shown one first.
    pub keys: &'static [Key],
    /// For the footer.
    pub label: &'static str,
    /// For help, palette and README.
    pub long: &'static str,
    /// Other words people type for it.
    pub aliases: &'static str,
    /// Heading.
    pub group: Group,
    /// Danger.
    pub danger: Danger,
    /// Shown in the footer.
    pub hint: bool,
    /// Whether the footer shows it for what is selected; help and palette always do.
    pub shown: fn(&Model) -> bool,
    /// Whether it can be used now.
    pub when: fn(&Model) -> Availability,
}

impl Binding {
    /// The keys as help shows them: `j ↓`.
    pub fn shown_keys(&self) -> String {
        self.keys
            .iter()
            .map(|key| key.shown())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The bindings of a context, in the table's order.
pub fn bindings(context: Context) -> impl Iterator<Item = &'static Binding> {
    BINDINGS
        .iter()
        .filter(move |binding| binding.contexts.contains(&context))
}

/// What a key means in a context.
pub fn find(context: Context, key: Key) -> Option<&'static Binding> {
    bindings(context).find(|binding| binding.keys.contains(&key))
}

/// The row of a command, in a context if it is there.
pub fn row(context: Context, command: Command) -> Option<&'static Binding> {
    bindings(context).find(|binding| binding.command == command)
}
