//! Screen 1, home: is it healthy, what needs me, when is the next run.

mod detail;
mod list;
mod needs;
mod view;

use chrono::{DateTime, Utc};

pub use list::MappingList;
pub use needs::{Target, needs};
pub use view::draw;

use crate::console::command::Command;
use crate::console::fetch::Fetch;
use crate::console::keymap::Context;
use crate::console::layout::{self, Room};
use crate::console::list::{Cursor, ListPane};
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::overlays::{preview, undo};
use crate::console::screens::ScreenId;
use crate::domain::MappingId;
use crate::service::messages::{
    ActivityRow, ListKind, MappingDetail, MappingStatus, Request, SyncOrder,
};

/// The panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The list.
    #[default]
    List,
    /// One mapping.
    Detail,
    /// What waits.
    Needs,
    /// What happened.
    Activity,
}

/// State of screen 1.
pub struct Mappings {
    /// The list.
    pub list: MappingList,
    /// The selected mapping in full.
    pub detail: Fetch<MappingId, MappingDetail>,
    /// Line of the detail at the top.
    pub detail_at: Cursor,
    /// What waits: the cursor.
    pub needs: Cursor,
    /// What happened.
    pub activity: ListPane<ActivityRow>,
    /// Who has the keys.
    pub focus: Focus,
}

impl Mappings {
    /// At the start.
    pub fn new(now: DateTime<Utc>) -> Self {
        Mappings {
            list: MappingList::default(),
            detail: Fetch::default(),
            detail_at: Cursor::default(),
            needs: Cursor::default(),
            activity: ListPane::new(ListKind::Activity, now),
            focus: Focus::List,
        }
    }

    /// The pane that has the keys.
    pub fn context(&self) -> Context {
        match self.focus {
            Focus::List => Context::Mappings,
            Focus::Detail => Context::MappingDetail,
            Focus::Needs => Context::Needs,
            Focus::Activity => Context::Activity,
        }
    }

    /// Mappings that a command means: the marked ones, else the selected one.
    pub fn meant(&self) -> Vec<MappingId> {
        if self.list.marks.is_empty() {
            self.list.selected.iter().cloned().collect()
        } else {
            self.list
                .rows
                .iter()
                .map(|row| &row.mapping)
                .filter(|id| self.list.marks.contains(*id))
                .cloned()
                .collect()
        }
    }
}

/// Fits panes to the terminal.
pub fn fit(model: &mut Model) {
    let frame = layout::frame(model.area);
    let waiting = needs(model).len();
    let this = &mut model.mappings;
    let areas = layout::mappings(frame.body, frame.room, this.focus == Focus::Detail);
    let rows = |height: u16, less: u16| usize::from(height.saturating_sub(less));
    this.list
        .cursor
        .set(this.list.shown.len(), rows(areas.list.height, 3));
    this.needs.set(waiting, rows(areas.needs.height, 2));
    crate::console::list::Nav::fit(&mut this.activity, rows(areas.activity.height, 2).max(1));
    let lines = this
        .list
        .selected
        .as_ref()
        .and_then(|id| this.detail.get(id))
        .map_or(0, |detail| detail.pairs.len() + 12);
    let height = rows(areas.detail.height, 2);
    this.detail_at.set(lines.saturating_sub(height) + 1, 1);
}

/// The panes that can have the keys at this size.
fn panes(model: &Model) -> &'static [Focus] {
    match layout::room(model.area) {
        Room::TooSmall | Room::Narrow => &[Focus::List, Focus::Detail],
        Room::Normal => &[Focus::List, Focus::Needs],
        Room::Wide | Room::Huge => &[Focus::List, Focus::Detail, Focus::Needs, Focus::Activity],
    }
}

/// The next or previous pane.
pub fn turn(model: &mut Model, back: bool) {
    let panes = panes(model);
    let here = panes
        .iter()
        .position(|pane| *pane == model.mappings.focus)
        .unwrap_or(0);
    let by = if back { panes.len() - 1 } else { 1 };
    model.mappings.focus = panes
        .get((here + by) % panes.len())
        .copied()
        .unwrap_or_default();
}

/// The screen's own commands.
pub fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Open => open(model),
        Command::Run => run(model),
        Command::Preview => {
            let mappings = model.mappings.meant();
            vec![preview::start(model, mappings, preview::Then::Look)]
        }
        Command::UndoRun => {
            let run = model.mappings.list.current().and_then(|row| row.last_run);
            run.map_or_else(Vec::new, |run| vec![undo::start(model, run)])
        }
        Command::Pause => pause(model),
        _ => Vec::new(),
    }
}

fn open(model: &mut Model) -> Vec<Effect> {
    match model.mappings.focus {
        Focus::List if model.mappings.list.selected.is_some() => {
            model.mappings.focus = Focus::Detail
        }
        Focus::List | Focus::Detail => {}
        Focus::Needs => {
            let target = needs(model)
                .get(model.mappings.needs.at)
                .map(|need| need.target.clone());
            return target.map_or_else(Vec::new, |target| go_to(model, target));
        }
        Focus::Activity => {
            if let Some(run) = model.mappings.activity.current().and_then(|row| row.run) {
                super::runs::show(model, run);
            }
        }
    }
    Vec::new()
}

fn go_to(model: &mut Model, target: Target) -> Vec<Effect> {
    match target {
        Target::Run(run) => super::runs::show(model, run),
        Target::Screen(screen) => model.screen = screen,
        Target::Mapping(mapping) => {
            model.mappings.list.select(&mapping);
            model.mappings.focus = Focus::List;
        }
        Target::Conflicts(mapping) => {
            model.screen = ScreenId::Conflicts;
            crate::console::list::Nav::set_filter(
                &mut model.conflicts.queue,
                format!("mapping:{mapping}"),
            );
        }
        Target::Reconnect => return crate::console::update::refresh(model),
    }
    Vec::new()
}

fn run(model: &mut Model) -> Vec<Effect> {
    let mappings = model.mappings.meant();
    let first = model
        .mappings
        .list
        .rows
        .iter()
        .any(|row| mappings.contains(&row.mapping) && row.state == MappingStatus::ToConfirm);
    let order = SyncOrder {
        mappings: mappings.clone(),
        full: first,
        yes: true,
        confirm: None,
        by: model.options.user.clone(),
    };
    let then = if first {
        preview::Then::FirstRun(order)
    } else {
        preview::Then::Run(order)
    };
    vec![preview::start(model, mappings, then)]
}

fn pause(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.mappings.list.current() else {
        return Vec::new();
    };
    let (mapping, paused) = (row.mapping.clone(), row.state != MappingStatus::Paused);
    vec![model.ask(
        Purpose::Paused(mapping.clone(), paused),
        Request::Pause { mapping, paused },
    )]
}

/// True where esc had something to close here.
pub fn back(model: &mut Model) -> bool {
    let was = model.mappings.focus != Focus::List;
    model.mappings.focus = Focus::List;
    was
}

/// What `y` copies.
pub fn copied(model: &Model) -> Option<String> {
    model
        .mappings
        .list
        .selected
        .as_ref()
        .map(ToString::to_string)
}
