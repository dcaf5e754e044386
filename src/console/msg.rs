//! What can happen to the console, and what it can ask of the world.

use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use crate::domain::{ItemId, MappingId, RunId};
use crate::service::ServiceGone;
use crate::service::messages::{Event, ListQuery, Reply, Request, Status, Take};

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    /// A key.
    Key(KeyEvent),
    /// Pasted text, whole.
    Paste(String),
    /// The mouse.
    Mouse(MouseEvent),
    /// The terminal's new size.
    Resize(u16, u16),
    /// The newest status.
    Status(Box<Status>),
    /// A fact from the engine.
    Event(Event),
    /// Facts that this listener was too slow for.
    Missed(u64),
    /// An answer.
    Reply {
        /// The request's number.
        id: u64,
        /// The answer.
        reply: Result<Reply, ServiceGone>,
    },
    /// A file was written, or not.
    Written(Result<String, String>),
    /// Time went by.
    Tick,
    /// Leave, because of this signal.
    Signal(i32),
}

/// Something for the world to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a request; its answer comes back under this number.
    Ask {
        /// The number.
        id: u64,
        /// The request.
        request: Request,
    },
    /// Send text to the terminal's clipboard.
    Copy(String),
    /// Write a file into the files folder.
    WriteFile {
        /// Its name.
        name: String,
        /// What goes into it.
        text: String,
    },
    /// Read a list page by page into a file.
    Export {
        /// The list, with its filter and order.
        query: ListQuery,
        /// The file's name; `.json` writes JSON lines, anything else CSV.
        name: String,
    },
    /// Leave the terminal and stop this process group until it is continued.
    Suspend,
}

/// Which list a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListName {
    /// Activity on the home screen.
    Activity,
    /// The conflict queue.
    Queue,
    /// Causes of errors.
    Causes,
    /// Records of a cause.
    ErrorRecords,
    /// Runs.
    Runs,
    /// A run's journal.
    Journal,
}

/// What a request was for; decides where its answer goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// The home list.
    Mappings,
    /// One mapping.
    MappingDetail,
    /// A window of a list.
    List(ListName),
    /// Marking all.
    MarkAll(ListName),
    /// One row of the queue.
    Conflict,
    /// The past of a row's fields.
    History,
    /// An error with its write.
    ErrorDetail,
    /// What one row's drafts would send.
    RowOutgoing,
    /// What all drafts would send, for the confirm of `W`.
    ApplyOutgoing,
    /// Items of the same shape.
    Alike {
        /// The choice to take over.
        take: Take,
        /// The field.
        field: String,
    },
    /// Their names.
    AlikeNames {
        /// The items.
        items: Vec<ItemId>,
        /// The choice to take over.
        take: Take,
        /// The field.
        field: String,
    },
    /// A choice, or rows left for later; `u` puts back what the answer says was there before.
    Chosen {
        /// Rows that were left for later.
        left: Vec<ItemId>,
        /// What the message line says.
        said: String,
        /// The text that was typed for it, which must not be lost.
        typed: Option<String>,
    },
    /// Choices taken back.
    TakenBack {
        /// How many were to be.
        of: usize,
        /// What the message line says.
        said: String,
    },
    /// A run.
    Started,
    /// A preview was asked for.
    StartPreview,
    /// The preview itself.
    Preview,
    /// The first ops of a halted run's plan, for its dialog.
    HaltedPlan(RunId),
    /// The forecast of an undo was asked for.
    StartForecast,
    /// The forecast itself.
    Forecast,
    /// Errors retried.
    Retry,
    /// A record looked up.
    Record,
    /// A pause or its end.
    Paused(MappingId, bool),
    /// A stop after which the console is left; refused, there is nothing to wait for.
    StopAndLeave,
    /// Anything that is answered by `Ok`; the words for the message line.
    Done(String),
}
