//! Everything that a key, the palette or a click can ask for, by name.

/// A command's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "each is described for people in the table of bindings, which a test keeps complete"
)]
pub enum Command {
    // Anywhere
    GoMappings,
    GoLive,
    GoConflicts,
    GoErrors,
    GoRuns,
    Palette,
    Help,
    FindRecord,
    Refresh,
    NextPane,
    PreviousPane,
    Back,
    Quit,
    Suspend,
    // Lists
    Down,
    Up,
    First,
    Last,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    NextRecord,
    PreviousRecord,
    Filter,
    NextMatch,
    PreviousMatch,
    Sort,
    Mark,
    MarkAll,
    Copy,
    CopyToFile,
    Open,
    Record,
    // Mappings
    Run,
    Preview,
    Pause,
    // Live
    Hold,
    StopAfterBatch,
    StopNow,
    Follow,
    // Conflicts
    TakeSalesforce,
    TakeHubspot,
    TakeBase,
    TakeNewest,
    Edit,
    Merge,
    Alike,
    Later,
    Undo,
    Apply,
    AllSalesforce,
    AllHubspot,
    AllNewest,
    // Review items
    LinkCandidate,
    CreateAnyway,
    IgnoreRecord,
    AcceptDeletion,
    // Errors
    Retry,
    Export,
    // Runs
    ConfirmRun,
    UndoRun,
}
