//! Screen 3: the conflict queue, the three-way resolver, the candidates of review items. Choices are drafts in the
//! service; `W` or the next run sends them.

mod choose;
mod evidence;
mod history;
mod queue;
mod resolver;
mod review;
mod view;

use chrono::{DateTime, Utc};

pub use choose::{UndoEntry, apply, leave, perform, resolve, said_of};
pub use view::draw;

use crate::console::fetch::Fetch;
use crate::console::format;
use crate::console::keymap::Context;
use crate::console::layout;
use crate::console::list::{Cursor, ListPane, Nav};
use crate::console::model::Model;
use crate::domain::ItemId;
use crate::service::messages::{
    CandidateView, ConflictDetail, ConflictRow, FieldView, HistoryLine, ListKind, ListPage,
    Outgoing, Resolved, Tone,
};

/// State of screen 3.
pub struct Conflicts {
    /// The queue.
    pub queue: ListPane<ConflictRow>,
    /// The selected row in full.
    pub detail: Fetch<ItemId, ConflictDetail>,
    /// The past of the selected row's fields.
    pub history: Fetch<ItemId, Vec<HistoryLine>>,
    /// What the selected row's drafts would send.
    pub outgoing: Fetch<ItemId, Outgoing>,
    /// True while the resolver or the candidates have the keys.
    pub opened: bool,
    /// The field under the cursor.
    pub fields: Cursor,
    /// The candidate under the cursor.
    pub candidates: Cursor,
    /// What `u` puts back, newest last.
    pub undo: Vec<UndoEntry>,
    /// Counts of the last choice's answer.
    pub counts: Option<Resolved>,
}

impl Conflicts {
    /// At the start.
    pub fn new(now: DateTime<Utc>) -> Self {
        Conflicts {
            queue: ListPane::new(ListKind::Conflicts, now),
            detail: Fetch::default(),
            history: Fetch::default(),
            outgoing: Fetch::default(),
            opened: false,
            fields: Cursor::default(),
            candidates: Cursor::default(),
            undo: Vec::new(),
            counts: None,
        }
    }

    /// The pane that has the keys.
    pub fn context(&self) -> Context {
        match (self.opened, self.queue.current()) {
            (true, Some(row)) if row.kind.is_of_field() => Context::Resolver,
            (true, Some(_)) => Context::Review,
            _ => Context::Queue,
        }
    }

    /// The selected row in full, once it is read.
    pub fn detail(&self) -> Option<&ConflictDetail> {
        self.queue
            .selected
            .as_ref()
            .and_then(|key| self.detail.get(key))
    }

    /// The field under the cursor.
    pub fn field(&self) -> Option<&FieldView> {
        self.detail()
            .and_then(|detail| detail.fields.get(self.fields.at))
    }

    /// The candidate under the cursor.
    pub fn candidate(&self) -> Option<&CandidateView> {
        self.detail()
            .and_then(|detail| detail.candidates.get(self.candidates.at))
    }

    /// Takes a row in full; the cursor goes to the first undecided field of a record that was not shown before, and stays with
    /// its field and candidate in one that was.
    pub fn arrived(&mut self, id: u64, detail: ConflictDetail, now: DateTime<Utc>) {
        let same = self
            .detail()
            .is_some_and(|old| old.row.key == detail.row.key);
        if same {
            self.fields.at = self.field_in(&detail).unwrap_or(self.fields.at);
            self.candidates.at = self.candidate_in(&detail).unwrap_or(0);
        } else {
            let first = detail
                .fields
                .iter()
                .position(|field| field.item.is_some() && field.choice.is_none());
            self.fields.at = first.unwrap_or(0);
            self.candidates.at = 0;
        }
        self.detail.arrived(id, detail, now);
    }

    /// Where the field under the cursor is in a newer reading: fields are in the order of their items, which come and go.
    fn field_in(&self, detail: &ConflictDetail) -> Option<usize> {
        let old = self.field()?;
        let place = |is: &dyn Fn(&FieldView) -> bool| detail.fields.iter().position(is);
        old.item
            .and_then(|item| place(&|field| field.item == Some(item)))
            .or_else(|| place(&|field| field.names == old.names))
    }

    /// Where the candidate under the cursor is in a newer reading.
    fn candidate_in(&self, detail: &ConflictDetail) -> Option<usize> {
        let old = &self.candidate()?.candidate.record;
        let mut all = detail.candidates.iter();
        all.position(|view| view.candidate.record == *old)
    }
}

/// Takes a window of the queue. Where the row that is open is gone from it, so are the keys that were typed for it: what slid
/// into its place is another record.
pub fn listed(model: &mut Model, id: u64, page: ListPage) {
    let this = &mut model.conflicts;
    let open = this.queue.selected.filter(|_| this.opened);
    let label = open.and_then(|key| {
        let mut rows = this.queue.rows.iter();
        rows.find(|row| row.key == key)
            .map(|row| format::cut(&format::clean(&row.label), 40))
    });
    let filtered = !this.queue.filter.is_empty();
    if !this.queue.arrived(id, page, model.now) || open.is_none() {
        return;
    }
    this.opened = false;
    model.held.drop_all();
    let label = label.unwrap_or_else(|| "That item".into());
    let hidden = if filtered {
        ", or the filter hides it now"
    } else {
        ""
    };
    model.say(
        Tone::Warn,
        format!("{label} waits no more: it is settled, or the values agree now{hidden}."),
    );
}

/// Fits panes to the terminal.
pub fn fit(model: &mut Model) {
    let frame = layout::frame(model.area);
    let this = &mut model.conflicts;
    let areas = layout::conflicts(frame.body, frame.room, this.opened);
    let rows = |height: u16| usize::from(height.saturating_sub(3));
    if areas.queue.height > 0 {
        this.queue.fit(rows(areas.queue.height).max(1));
    }
    let (fields, candidates) = this.detail().map_or((0, 0), |detail| {
        (detail.fields.len(), detail.candidates.len())
    });
    this.fields.set(fields, rows(areas.fields.height));
    this.candidates.set(candidates, candidates.max(1));
}

/// True where the past of the field under the cursor is on the screen.
pub fn shows_history(model: &Model) -> bool {
    let frame = layout::frame(model.area);
    layout::conflicts(frame.body, frame.room, model.conflicts.opened)
        .history
        .height
        > 0
        && model
            .conflicts
            .queue
            .current()
            .is_some_and(|row| row.kind.is_of_field())
}

/// Opens an item of the queue, wherever it is.
pub fn show(model: &mut Model, item: ItemId) {
    let queue = &mut model.conflicts.queue;
    queue.set_filter(String::new());
    queue.selected = Some(item);
    queue.pending = None;
    queue.refresh(model.now);
    queue.load = crate::console::list::Load::Loading { since: model.now };
    model.conflicts.opened = true;
}

/// True where esc had something to close here.
pub fn back(model: &mut Model) -> bool {
    std::mem::take(&mut model.conflicts.opened)
}

/// What `y` copies: the Salesforce id, else HubSpot's.
pub fn copied(model: &Model) -> Option<String> {
    let row = model.conflicts.queue.current()?;
    let id = row.ids.salesforce.as_ref().or(row.ids.hubspot.as_ref())?;
    Some(id.to_string())
}

/// What has been drafted on a field, in the TAKE column.
pub fn taken(field: &FieldView) -> &'static str {
    use crate::domain::{Choice, Side};
    match (&field.choice, &field.item) {
        (Some(Choice::Take(Side::Salesforce)), _) => "SF",
        (Some(Choice::Take(Side::HubSpot)), _) => "HS",
        (Some(Choice::Base), _) => "base",
        (Some(Choice::Ignore), _) => "-",
        (Some(_), _) => "edit",
        (None, Some(_)) => "?",
        (None, None) => "=",
    }
}
