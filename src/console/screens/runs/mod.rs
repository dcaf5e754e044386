//! Screen 6: runs, one run's statistics, valves and journal.

mod journal;
mod view;

use chrono::{DateTime, Utc};

pub use view::{draw, summary};

use crate::console::command::Command;
use crate::console::keymap::Context;
use crate::console::layout;
use crate::console::list::{ListPane, Load, Nav};
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::overlays::{Overlay, confirm, record, undo};
use crate::console::screens::ScreenId;
use crate::domain::{Op, RecordId, RunId, RunRecord};
use crate::service::messages::{ListKind, ListPage, ListQuery, Request, Rows, RunRow};

/// Ops of a halted plan that its dialog shows.
const SAMPLE: usize = 6;

/// State of screen 6.
pub struct Runs {
    /// Runs, newest first.
    pub runs: ListPane<RunRow>,
    /// The selected run's journal.
    pub journal: ListPane<Op>,
    /// True while the journal has the keys.
    pub opened: bool,
}

impl Runs {
    /// At the start.
    pub fn new(now: DateTime<Utc>) -> Self {
        Runs {
            runs: ListPane::new(ListKind::Runs, now),
            journal: ListPane::new(ListKind::Journal { run: RunId(0) }, now),
            opened: false,
        }
    }

    /// The pane that has the keys.
    pub fn context(&self) -> Context {
        if self.opened {
            Context::Journal
        } else {
            Context::Runs
        }
    }

    /// Turns the journal to the selected run.
    pub fn follow(&mut self, now: DateTime<Utc>) {
        if let Some(run) = self.runs.selected {
            let kind = if self.runs.current().is_some_and(RunRow::keeps_plan) {
                ListKind::Plan { run }
            } else {
                ListKind::Journal { run }
            };
            self.journal.turn_to(kind, now);
        }
    }

    /// The selected run.
    pub fn selected(&self) -> Option<&RunRecord> {
        self.runs.current().map(|row| &row.record)
    }
}

/// Fits panes to the terminal.
pub fn fit(model: &mut Model) {
    let frame = layout::frame(model.area);
    let areas = layout::runs(frame.body, frame.room, model.runs.opened);
    let rows = |height: u16| usize::from(height.saturating_sub(3)).max(1);
    if areas.list.height > 0 {
        model.runs.runs.fit(rows(areas.list.height));
    }
    if areas.inner.height > 0 {
        model.runs.journal.fit(rows(areas.inner.height));
    }
    model.runs.follow(model.now);
}

/// True where the journal is on the screen.
pub fn shows_journal(model: &Model) -> bool {
    let frame = layout::frame(model.area);
    layout::runs(frame.body, frame.room, model.runs.opened)
        .inner
        .height
        > 0
}

/// Goes to a run.
pub fn show(model: &mut Model, run: RunId) {
    model.screen = ScreenId::Runs;
    let runs = &mut model.runs.runs;
    runs.set_filter(String::new());
    runs.selected = Some(run);
    runs.pending = None;
    runs.load = Load::Loading { since: model.now };
    model.runs.opened = false;
}

/// The screen's own commands.
pub fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Open if !model.runs.opened => {
            model.runs.opened = model.runs.runs.current().is_some()
        }
        Command::Open | Command::Record => {
            let op = model.runs.journal.current();
            let found = op.and_then(|op| Some((record_of(op)?.to_string(), op.mapping.clone())));
            if let Some((query, mapping)) = found {
                return vec![record::open(model, query, Some(mapping))];
            }
        }
        Command::UndoRun => {
            if let Some(run) = model.runs.selected().map(|run| run.run) {
                return vec![undo::start(model, run)];
            }
        }
        Command::ConfirmRun => {
            if let Some(run) = model.runs.selected().map(|run| run.run) {
                return vec![model.ask(Purpose::HaltedPlan(run), plan_sample(run))];
            }
        }
        _ => {}
    }
    Vec::new()
}

/// The first ops of a halted run's plan.
fn plan_sample(run: RunId) -> Request {
    Request::List(ListQuery {
        list: ListKind::Plan { run },
        filter: String::new(),
        sort: None,
        from: 0,
        count: SAMPLE,
        locate: None,
    })
}

/// The plan of a halted run is there: the dialog shows what the valve found and the first of what would be written.
pub fn ask_confirm(model: &mut Model, run: RunId, plan: ListPage) {
    let total = plan.total;
    let Rows::Journal(sample) = plan.rows else {
        return;
    };
    let record = model.runs.selected().filter(|record| record.run == run);
    let dialog =
        record.and_then(|record| confirm::halted(record, &model.options.user, &sample, total));
    if let Some(dialog) = dialog {
        model.overlays.push(Overlay::Confirm(dialog));
    }
}

/// True where esc had something to close here.
pub fn back(model: &mut Model) -> bool {
    std::mem::take(&mut model.runs.opened)
}

/// What `y` copies: the run's number, or the op's record.
pub fn copied(model: &Model) -> Option<String> {
    if !model.runs.opened {
        return model.runs.runs.selected.map(|run| run.to_string());
    }
    let op = model.runs.journal.current()?;
    record_of(op).map(ToString::to_string)
}

/// The record that an op is about.
fn record_of(op: &Op) -> Option<&RecordId> {
    op.target
        .as_ref()
        .or(op.outcome.record.as_ref())
        .or(op.source.as_ref())
}
