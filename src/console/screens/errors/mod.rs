//! Screen 5: errors grouped by cause, the records behind one, what the vendor said, what to do.

mod record;
mod view;

use chrono::{DateTime, Utc};

pub use view::draw;

use crate::console::command::Command;
use crate::console::fetch::Fetch;
use crate::console::format;
use crate::console::keymap::Context;
use crate::console::layout;
use crate::console::list::{ListPane, Nav};
use crate::console::model::Model;
use crate::console::msg::Effect;
use crate::console::overlays::{self, Overlay, confirm, prompt};
use crate::domain::{ErrorItem, ItemId};
use crate::service::messages::{CauseRow, ErrorDetail, ListKind, ListQuery, RetryWhich};

/// State of screen 5.
pub struct Errors {
    /// Causes, largest first.
    pub causes: ListPane<CauseRow>,
    /// Records of the selected cause.
    pub records: ListPane<ErrorItem>,
    /// The selected record's error with its write.
    pub detail: Fetch<ItemId, ErrorDetail>,
    /// True while the records have the keys.
    pub opened: bool,
}

impl Errors {
    /// At the start.
    pub fn new(now: DateTime<Utc>) -> Self {
        Errors {
            causes: ListPane::new(ListKind::ErrorCauses, now),
            records: ListPane::new(ListKind::Errors { cause: None }, now),
            detail: Fetch::default(),
            opened: false,
        }
    }

    /// The pane that has the keys.
    pub fn context(&self) -> Context {
        if self.opened {
            Context::ErrorRecords
        } else {
            Context::Causes
        }
    }

    /// Turns the records to the selected cause.
    pub fn follow(&mut self, now: DateTime<Utc>) {
        if let Some(cause) = self.causes.selected {
            self.records
                .turn_to(ListKind::Errors { cause: Some(cause) }, now);
        }
    }
}

/// Fits panes to the terminal.
pub fn fit(model: &mut Model) {
    let frame = layout::frame(model.area);
    let areas = layout::errors(frame.body, frame.room, model.errors.opened);
    let rows = |height: u16| usize::from(height.saturating_sub(3)).max(1);
    if areas.list.height > 0 {
        model.errors.causes.fit(rows(areas.list.height));
    }
    if areas.inner.height > 0 {
        model.errors.records.fit(rows(areas.inner.height));
    }
    model.errors.follow(model.now);
}

/// True where the records are on the screen.
pub fn shows_records(model: &Model) -> bool {
    let frame = layout::frame(model.area);
    layout::errors(frame.body, frame.room, model.errors.opened)
        .inner
        .height
        > 0
}

/// True where one record's request and answer are on the screen.
pub fn shows_one(model: &Model) -> bool {
    let frame = layout::frame(model.area);
    layout::errors(frame.body, frame.room, model.errors.opened)
        .deep
        .height
        > 0
}

/// Opens an error, wherever it is.
pub fn show(model: &mut Model, item: ItemId) {
    let now = model.now;
    model.errors.causes.selected = Some(item);
    model.errors.causes.load = crate::console::list::Load::Loading { since: now };
    model.errors.causes.pending = None;
    model.errors.opened = false;
}

/// The screen's own commands.
pub fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Open => open(model),
        Command::Record => record_behind(model),
        Command::Retry => {
            let (which, count, what) = meant(model);
            let dialog = confirm::retry(which, count, &what);
            model.overlays.push(Overlay::Confirm(dialog));
            Vec::new()
        }
        Command::Export => {
            model
                .overlays
                .push(Overlay::Prompt(prompt::Prompt::export()));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn open(model: &mut Model) -> Vec<Effect> {
    if !model.errors.opened {
        model.errors.opened = model.errors.causes.current().is_some();
        return Vec::new();
    }
    record_behind(model)
}

/// Everything about the record under the cursor.
fn record_behind(model: &mut Model) -> Vec<Effect> {
    let item = model.errors.records.current();
    let Some((query, mapping)) =
        item.map(|item| (item.record.id.to_string(), item.mapping.clone()))
    else {
        return Vec::new();
    };
    vec![overlays::record::open(model, query, Some(mapping))]
}

/// What `R` retries: marked records, the record under the cursor, or the whole cause.
fn meant(model: &Model) -> (RetryWhich, u64, String) {
    let this = &model.errors;
    let cause = this.causes.current();
    if this.opened {
        if !this.records.marks.is_empty() {
            let items: Vec<ItemId> = this.records.marks.iter().copied().collect();
            let count = items.len() as u64;
            return (RetryWhich::Items(items), count, "the marked records".into());
        }
        if let Some(item) = this.records.current() {
            let name = if item.label.is_empty() {
                item.record.id.to_string()
            } else {
                item.label.clone()
            };
            return (RetryWhich::Items(vec![item.id]), 1, name);
        }
    }
    match cause {
        Some(cause) => (
            RetryWhich::Cause(cause.key),
            cause.count,
            format!(
                "{} in {}: {}",
                cause.code,
                cause.mapping,
                format::cut(&format::clean(&cause.what), 60)
            ),
        ),
        None => (RetryWhich::All, 0, "all errors".into()),
    }
}

/// The list that an export reads.
pub fn export_query(model: &Model) -> ListQuery {
    let this = &model.errors;
    let cause = if this.opened {
        this.causes.selected
    } else {
        None
    };
    ListQuery {
        list: ListKind::Errors { cause },
        filter: if this.opened {
            this.records.filter.clone()
        } else {
            String::new()
        },
        sort: if this.opened {
            this.records.sort.clone()
        } else {
            None
        },
        from: 0,
        count: 500,
        locate: None,
    }
}

/// True where esc had something to close here.
pub fn back(model: &mut Model) -> bool {
    std::mem::take(&mut model.errors.opened)
}

/// What `y` copies: the correlation id, else the record's id.
pub fn copied(model: &Model) -> Option<String> {
    let this = &model.errors;
    if this.opened {
        let item = this.records.current()?;
        let correlation = item
            .vendor
            .as_ref()
            .and_then(|vendor| vendor.request_id.clone());
        return Some(correlation.unwrap_or_else(|| item.record.id.to_string()));
    }
    let cause = this.causes.current()?;
    let correlation = cause
        .vendor
        .as_ref()
        .and_then(|vendor| vendor.request_id.clone());
    Some(correlation.unwrap_or_else(|| cause.code.clone()))
}
