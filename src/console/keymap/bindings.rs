//! The table itself. Order is the order of footer, help and palette.

use super::availability as may;
use super::{Binding, Context, Danger, Group, Key};
use crate::console::command::Command;
use Context::{
    Activity, Causes, ErrorRecords, Journal, Live, MappingDetail, Mappings, Needs, Queue, Resolver,
    Review, Runs,
};
use Key::{Char, Ctrl, Named};

const EVERYWHERE: &[Context] = &Context::ALL;
const LISTS: &[Context] = &[Mappings, Live, Queue, Causes, ErrorRecords, Runs, Journal];
const SORTED: &[Context] = &[Mappings, Queue, Causes, ErrorRecords, Runs, Journal];
const MARKED: &[Context] = &[Mappings, Queue, ErrorRecords];
const MARKS: &[Context] = &[Mappings, ErrorRecords];
const OPENS: &[Context] = &[Mappings, Needs, Activity, Live, ErrorRecords, Journal];
const COPIES: &[Context] = &[
    Mappings,
    Queue,
    Resolver,
    Review,
    Causes,
    ErrorRecords,
    Runs,
    Journal,
];
const PANED: &[Context] = &[
    Mappings,
    MappingDetail,
    Needs,
    Activity,
    Queue,
    Resolver,
    Review,
    Causes,
    ErrorRecords,
    Runs,
    Journal,
];
const MAPPING: &[Context] = &[Mappings, MappingDetail];
const ITEM: &[Context] = &[Resolver, Review];
const CONFLICTS: &[Context] = &[Queue, Resolver, Review];

const fn row(
    command: Command,
    contexts: &'static [Context],
    keys: &'static [Key],
    label: &'static str,
    long: &'static str,
    group: Group,
) -> Binding {
    Binding {
        command,
        contexts,
        keys,
        label,
        long,
        aliases: "",
        group,
        danger: Danger::None,
        hint: false,
        shown: may::everywhere,
        when: may::always,
    }
}

impl Binding {
    const fn hint(mut self) -> Self {
        self.hint = true;
        self
    }
    const fn writes(mut self) -> Self {
        self.danger = Danger::Writes;
        self
    }
    const fn when(
        mut self,
        when: fn(&crate::console::model::Model) -> super::Availability,
    ) -> Self {
        self.when = when;
        self
    }
    const fn shown(mut self, shown: fn(&crate::console::model::Model) -> bool) -> Self {
        self.shown = shown;
        self
    }
    const fn also(mut self, aliases: &'static str) -> Self {
        self.aliases = aliases;
        self
    }
}

/// The table.
pub static BINDINGS: &[Binding] = &[
    // 1 Mappings
    row(
        Command::Run,
        MAPPING,
        &[Char('R')],
        "run",
        "Run the selected or marked mappings; shows counts and calls, then asks",
        Group::Act,
    )
    .hint()
    .writes()
    .when(may::run)
    .also("sync now start"),
    row(
        Command::Preview,
        MAPPING,
        &[Char('v')],
        "preview",
        "Preview the run: the same path, nothing is written",
        Group::Act,
    )
    .hint()
    .when(may::preview)
    .also("test sync dry run"),
    row(
        Command::UndoRun,
        MAPPING,
        &[Char('U')],
        "undo last run",
        "Undo the run that ran this mapping last: shows what it would put back, then asks",
        Group::Act,
    )
    .writes()
    .when(may::undo_last)
    .also("put back revert"),
    row(
        Command::Pause,
        MAPPING,
        &[Char('p')],
        "pause",
        "Pause or resume this mapping",
        Group::Act,
    )
    .hint()
    .when(may::pause)
    .also("resume"),
    // 2 Live
    row(
        Command::Hold,
        &[Live],
        &[Named("space")],
        "hold",
        "Hold: finish the batch, then wait; again to go on",
        Group::Act,
    )
    .hint()
    .when(may::running)
    .also("pause go on"),
    row(
        Command::StopAfterBatch,
        &[Live],
        &[Char('x')],
        "stop after this batch",
        "Stop after this batch; the next run goes on from there",
        Group::Act,
    )
    .hint()
    .when(may::running)
    .also("cancel"),
    row(
        Command::StopNow,
        &[Live],
        &[Char('X')],
        "stop now",
        "Stop now; asks, and says what it means for requests in flight",
        Group::Act,
    )
    .hint()
    .writes()
    .when(may::running)
    .also("abort kill"),
    row(
        Command::Follow,
        &[Live],
        &[Char('G'), Named("end")],
        "follow",
        "Follow the newest events again",
        Group::Move,
    ),
    // 3 Conflicts: resolver
    row(
        Command::TakeSalesforce,
        &[Resolver],
        &[Char('h'), Named("←")],
        "Salesforce",
        "Take the Salesforce value",
        Group::Act,
    )
    .hint()
    .when(may::take_salesforce)
    .also("left"),
    row(
        Command::TakeHubspot,
        &[Resolver],
        &[Char('l'), Named("→")],
        "HubSpot",
        "Take the HubSpot value",
        Group::Act,
    )
    .hint()
    .when(may::take_hubspot)
    .also("right"),
    row(
        Command::TakeBase,
        &[Resolver],
        &[Char('b')],
        "base",
        "Keep the base on both sides",
        Group::Act,
    )
    .hint()
    .when(may::take_base)
    .also("old"),
    row(
        Command::TakeNewest,
        &[Resolver],
        &[Char('t')],
        "newest",
        "Take the newest value, however close",
        Group::Act,
    )
    .hint()
    .when(may::take_newest)
    .also("latest"),
    row(
        Command::Edit,
        &[Resolver],
        &[Char('e')],
        "edit",
        "Edit the value by hand",
        Group::Act,
    )
    .hint()
    .when(may::edit)
    .also("type value"),
    row(
        Command::Merge,
        &[Resolver],
        &[Char('m')],
        "merge text",
        "Merge long text by hand, both sides in one text area",
        Group::Act,
    )
    .hint()
    .when(may::edit),
    row(
        Command::IgnoreRecord,
        &[Resolver],
        &[Char('i')],
        "leave apart",
        "A frozen field: leave both values as they are",
        Group::Act,
    )
    .hint()
    .shown(may::is_frozen)
    .when(may::frozen)
    .also("ignore oscillation"),
    // 3 Conflicts: review items
    row(
        Command::LinkCandidate,
        &[Review],
        &[Char('=')],
        "link",
        "Link to the candidate under the cursor",
        Group::Act,
    )
    .hint()
    .when(may::link)
    .also("match"),
    row(
        Command::CreateAnyway,
        &[Review],
        &[Char('+')],
        "create",
        "Create a counterpart anyway",
        Group::Act,
    )
    .hint()
    .when(may::create),
    row(
        Command::IgnoreRecord,
        &[Review],
        &[Char('i')],
        "ignore",
        "Ignore the record for good",
        Group::Act,
    )
    .hint()
    .when(may::review),
    row(
        Command::AcceptDeletion,
        &[Review],
        &[Char('d')],
        "accept deletion",
        "Carry the deletion out on the other side",
        Group::Act,
    )
    .hint()
    .shown(may::is_deletion)
    .when(may::accept),
    row(
        Command::Later,
        ITEM,
        &[Char('c')],
        "later",
        "Leave it (or the marked records) for later, with a reason; takes choices back",
        Group::Act,
    )
    .hint()
    .when(may::queued)
    .also("skip reason"),
    row(
        Command::Alike,
        &[Resolver],
        &[Char('A')],
        "same for alike",
        "Same choice for conflicts of the same field and shape, after listing them",
        Group::Act,
    )
    .hint()
    .when(may::alike)
    .also("all"),
    // 3 Conflicts: queue
    row(
        Command::Open,
        &[Queue],
        &[Named("enter")],
        "resolve",
        "Resolve the selected record, field by field",
        Group::Act,
    )
    .hint(),
    row(
        Command::Mark,
        &[Queue],
        &[Named("space")],
        "mark",
        "Mark",
        Group::Move,
    )
    .hint(),
    row(
        Command::AllSalesforce,
        &[Queue],
        &[Char('H')],
        "all SF",
        "Marked records: take Salesforce everywhere",
        Group::Act,
    )
    .when(may::marked_conflicts)
    .hint(),
    row(
        Command::AllHubspot,
        &[Queue],
        &[Char('L')],
        "all HS",
        "Marked records: take HubSpot everywhere",
        Group::Act,
    )
    .when(may::marked_conflicts)
    .hint(),
    row(
        Command::AllNewest,
        &[Queue],
        &[Char('T')],
        "all newest",
        "Marked records: take the newest everywhere",
        Group::Act,
    )
    .when(may::marked_conflicts)
    .hint(),
    row(
        Command::Undo,
        CONFLICTS,
        &[Char('u')],
        "undo",
        "Undo the last choice",
        Group::Act,
    )
    .when(may::undo)
    .hint(),
    row(
        Command::Apply,
        CONFLICTS,
        &[Char('W')],
        "apply drafts",
        "Apply the drafts as a run; shows what is sent, then asks",
        Group::Act,
    )
    .hint()
    .writes()
    .when(may::apply)
    .also("write resolve"),
    row(
        Command::Later,
        &[Queue],
        &[Char('c')],
        "later",
        "Leave it (or the marked records) for later, with a reason; takes choices back",
        Group::Act,
    )
    .hint()
    .when(may::queued)
    .also("skip reason"),
    row(
        Command::Record,
        CONFLICTS,
        &[Char('w')],
        "why",
        "The record: why it did not sync, both sides, rules, what waits, its journal",
        Group::Act,
    )
    .hint()
    .when(may::queued)
    .also("record history"),
    // 5 Errors
    row(
        Command::Open,
        &[Causes],
        &[Named("enter")],
        "records",
        "The records of this cause, each with its request and answer",
        Group::Act,
    )
    .hint(),
    row(
        Command::Retry,
        &[Causes, ErrorRecords],
        &[Char('R')],
        "retry",
        "Retry these now, as a run over just them; asks",
        Group::Act,
    )
    .hint()
    .writes()
    .when(may::retry)
    .also("again"),
    row(
        Command::Export,
        &[Causes, ErrorRecords],
        &[Char('e')],
        "export",
        "Export these errors to a CSV or JSON file",
        Group::Act,
    )
    .hint()
    .when(may::export)
    .also("csv json save"),
    // 6 Runs
    row(
        Command::Open,
        &[Runs],
        &[Named("enter")],
        "what changed",
        "What this run changed: its journal, write by write",
        Group::Act,
    )
    .hint(),
    row(
        Command::UndoRun,
        &[Runs, Journal],
        &[Char('U')],
        "undo",
        "Undo this run: shows what it would put back and what not, then asks",
        Group::Act,
    )
    .hint()
    .writes()
    .when(may::undo_run)
    .also("put back revert"),
    row(
        Command::ConfirmRun,
        &[Runs],
        &[Char('R')],
        "confirm halted plan",
        "Run the halted plan all the same; shows what the valve found, then asks",
        Group::Act,
    )
    .hint()
    .writes()
    .when(may::confirm_run)
    .also("valve accept"),
    // Lists
    row(
        Command::Record,
        &[Live, ErrorRecords, Journal],
        &[Char('w')],
        "why",
        "The record: why it did not sync, both sides, rules, what waits, its journal",
        Group::Act,
    )
    .also("record history"),
    row(
        Command::Open,
        OPENS,
        &[Named("enter")],
        "open",
        "Open what is selected",
        Group::Act,
    )
    .hint(),
    row(
        Command::Mark,
        MARKS,
        &[Named("space")],
        "mark",
        "Mark",
        Group::Move,
    )
    .hint(),
    row(
        Command::MarkAll,
        MARKED,
        &[Char('a')],
        "mark all",
        "Mark all that the filter lets through",
        Group::Move,
    ),
    row(
        Command::Down,
        EVERYWHERE,
        &[Char('j'), Named("↓")],
        "down",
        "Down",
        Group::Move,
    ),
    row(
        Command::Up,
        EVERYWHERE,
        &[Char('k'), Named("↑")],
        "up",
        "Up",
        Group::Move,
    ),
    row(
        Command::First,
        EVERYWHERE,
        &[Char('g'), Named("home")],
        "first",
        "First",
        Group::Move,
    ),
    row(
        Command::Last,
        &[
            Mappings,
            MappingDetail,
            Needs,
            Activity,
            Queue,
            Resolver,
            Review,
            Causes,
            ErrorRecords,
            Runs,
            Journal,
        ],
        &[Char('G'), Named("end")],
        "last",
        "Last",
        Group::Move,
    ),
    row(
        Command::HalfDown,
        EVERYWHERE,
        &[Ctrl('d')],
        "half page down",
        "Half a page down",
        Group::Move,
    ),
    row(
        Command::HalfUp,
        EVERYWHERE,
        &[Ctrl('u')],
        "half page up",
        "Half a page up",
        Group::Move,
    ),
    row(
        Command::PageDown,
        EVERYWHERE,
        &[Named("pgdn")],
        "page down",
        "A page down",
        Group::Move,
    ),
    row(
        Command::PageUp,
        EVERYWHERE,
        &[Named("pgup")],
        "page up",
        "A page up",
        Group::Move,
    ),
    row(
        Command::NextRecord,
        &[Queue, Resolver, Review, Causes, ErrorRecords, Runs, Journal],
        &[Char(']')],
        "next",
        "Next record",
        Group::Move,
    ),
    row(
        Command::PreviousRecord,
        &[Queue, Resolver, Review, Causes, ErrorRecords, Runs, Journal],
        &[Char('[')],
        "previous",
        "Previous record",
        Group::Move,
    ),
    row(
        Command::Filter,
        LISTS,
        &[Char('/')],
        "filter",
        "Filter: words, field:value, ! negates",
        Group::Move,
    )
    .hint()
    .also("search"),
    row(
        Command::NextMatch,
        LISTS,
        &[Char('n')],
        "next match",
        "Next match of the filter",
        Group::Move,
    )
    .when(may::filtered),
    row(
        Command::PreviousMatch,
        LISTS,
        &[Char('N')],
        "previous match",
        "Previous match of the filter",
        Group::Move,
    )
    .when(may::filtered),
    row(
        Command::Sort,
        SORTED,
        &[Char('s')],
        "sort",
        "Sort: next column; again turns it round",
        Group::Move,
    )
    .also("order"),
    row(
        Command::Copy,
        COPIES,
        &[Char('y')],
        "copy",
        "Copy its id to the terminal's clipboard (an error: its correlation id)",
        Group::Act,
    )
    .also("yank clipboard"),
    row(
        Command::CopyToFile,
        COPIES,
        &[Char('Y')],
        "copy to file",
        "Write the last copied text to a file",
        Group::Act,
    )
    .when(may::copied),
    // Going
    row(
        Command::NextPane,
        PANED,
        &[Named("tab")],
        "pane",
        "Next pane",
        Group::Move,
    ),
    row(
        Command::PreviousPane,
        PANED,
        &[Named("shift-tab")],
        "pane back",
        "Previous pane",
        Group::Move,
    ),
    row(
        Command::GoMappings,
        EVERYWHERE,
        &[Char('1')],
        "Mappings",
        "Go to Mappings",
        Group::Go,
    )
    .also("home"),
    row(
        Command::GoLive,
        EVERYWHERE,
        &[Char('2')],
        "Live",
        "Go to Live sync",
        Group::Go,
    )
    .also("progress"),
    row(
        Command::GoConflicts,
        EVERYWHERE,
        &[Char('3')],
        "Conflicts",
        "Go to Conflicts",
        Group::Go,
    )
    .also("review queue"),
    row(
        Command::GoErrors,
        EVERYWHERE,
        &[Char('5')],
        "Errors",
        "Go to Errors",
        Group::Go,
    )
    .also("failed"),
    row(
        Command::GoRuns,
        EVERYWHERE,
        &[Char('6')],
        "Runs",
        "Go to Runs",
        Group::Go,
    )
    .also("history"),
    row(
        Command::FindRecord,
        EVERYWHERE,
        &[Ctrl('f')],
        "find record",
        "Find a record by id, e-mail or name",
        Group::Go,
    )
    .also("why search id"),
    row(
        Command::Refresh,
        EVERYWHERE,
        &[Char('r')],
        "refresh",
        "Read again; tries lost connections again",
        Group::Go,
    )
    .also("reload reconnect retry"),
    row(
        Command::Back,
        EVERYWHERE,
        &[Named("esc")],
        "back",
        "Close, clear marks, clear filter, go back: in this order",
        Group::Go,
    ),
    row(
        Command::Quit,
        EVERYWHERE,
        &[Char('q')],
        "quit",
        "Back, or quit from the top",
        Group::Go,
    )
    .also("exit leave"),
    row(
        Command::Suspend,
        EVERYWHERE,
        &[Ctrl('z')],
        "suspend",
        "To the shell; fg comes back (a sync waits meanwhile)",
        Group::Go,
    ),
    row(
        Command::Palette,
        EVERYWHERE,
        &[Char(':')],
        "palette",
        "Palette: every command by name",
        Group::Go,
    ),
    row(
        Command::Help,
        EVERYWHERE,
        &[Char('?')],
        "help",
        "Help for this screen",
        Group::Go,
    ),
];
