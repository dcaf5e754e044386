//! A list whose rows live in the service: a window of them around the cursor, the selection by key, filter, sort, marks.
//! It never asks by itself: `wanted` says what is missing, the update loop asks, `arrived` takes the answer.

mod nav;

use std::collections::BTreeSet;
use std::fmt::Debug;

use chrono::{DateTime, Duration, Utc};

pub use nav::{Cursor, Nav};

use crate::console::set_back::set_back;
use crate::domain::ItemId;
use crate::service::messages::{ListKind, ListPage, ListQuery, Rows, SortBy};

/// Rows kept in sight above and below the cursor.
const SCROLL_OFF: usize = 2;
/// A list that keeps changing is read at most this often.
const REFRESH_MS: i64 = 1_000;

/// A row of a list.
pub trait Row: Sized + Clone {
    /// What it is known by through refresh, sort and filter.
    type Key: Clone + Ord + Debug;
    /// Its key.
    fn key(&self) -> Self::Key;
    /// The key as the service locates it.
    fn locate(key: &Self::Key) -> Option<ItemId>;
    /// The rows of a page, if they are of this list.
    fn take(rows: Rows) -> Option<Vec<Self>>;
}

/// Where a pane stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// Nothing yet.
    Loading {
        /// Since when it is waited for.
        since: DateTime<Utc>,
    },
    /// Read.
    Ready {
        /// When.
        at: DateTime<Utc>,
    },
    /// Could not be read.
    Failed {
        /// Why.
        why: String,
    },
}

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub id: u64,
    /// When it was sent.
    pub since: DateTime<Utc>,
    located: bool,
}

/// A list.
#[derive(Clone, Debug)]
pub struct ListPane<R: Row> {
    /// Which list.
    pub kind: ListKind,
    /// The filter as typed.
    pub filter: String,
    /// The order; `None`: the list's own.
    pub sort: Option<SortBy>,
    /// The window.
    pub rows: Vec<R>,
    /// Index of the window's first row.
    pub from: usize,
    /// Rows without the filter.
    pub total: usize,
    /// Rows with it.
    pub matched: usize,
    /// Index of the selected row.
    pub cursor: usize,
    /// Index of the first visible row.
    pub top: usize,
    /// Visible rows.
    pub height: usize,
    /// Key of the selected row.
    pub selected: Option<R::Key>,
    /// Marked rows.
    pub marks: BTreeSet<R::Key>,
    /// Where it stands.
    pub load: Load,
    /// New rows above the visible ones since the last look at the top.
    pub new_above: usize,
    /// The request under way.
    pub pending: Option<Pending>,
    /// What is shown may have changed.
    pub stale: bool,
    /// First visible row when missing rows were asked for last: a service that gives fewer is not asked without end.
    asked_top: Option<usize>,
}

impl<R: Row> ListPane<R> {
    /// A list that has not been read.
    pub fn new(kind: ListKind, now: DateTime<Utc>) -> Self {
        ListPane {
            kind,
            filter: String::new(),
            sort: None,
            rows: Vec::new(),
            from: 0,
            total: 0,
            matched: 0,
            cursor: 0,
            top: 0,
            height: 1,
            selected: None,
            marks: BTreeSet::new(),
            load: Load::Loading { since: now },
            new_above: 0,
            pending: None,
            stale: true,
            asked_top: None,
        }
    }

    /// The selected row, if it is in the window.
    pub fn current(&self) -> Option<&R> {
        self.row(self.cursor)
    }

    /// The row at an index, if it is in the window.
    pub fn row(&self, index: usize) -> Option<&R> {
        index
            .checked_sub(self.from)
            .and_then(|at| self.rows.get(at))
    }

    /// Visible rows with their index; `None` for one that is still being read.
    pub fn visible(&self) -> impl Iterator<Item = (usize, Option<&R>)> {
        let end = (self.top + self.height).min(self.matched);
        (self.top..end).map(|index| (index, self.row(index)))
    }

    /// The selected row's position and the count: `12 of 4 310`.
    pub fn position(&self) -> String {
        use crate::console::format::number;
        let hidden = self.total.saturating_sub(self.matched);
        let place = if self.matched == 0 {
            0
        } else {
            self.cursor + 1
        };
        let mut out = format!(
            "{} of {}",
            number(place as u64),
            number(self.matched as u64)
        );
        if hidden > 0 {
            out += &format!(" ({} hidden)", number(hidden as u64));
        }
        if !self.marks.is_empty() {
            out = format!("{} marked, {out}", number(self.marks.len() as u64));
        }
        if self.new_above > 0 {
            out = format!("▲ {} new, {out}", number(self.new_above as u64));
        }
        out
    }

    /// What the filter and order read as, for the title's right; empty where neither is set.
    pub fn narrowing(&self) -> String {
        let mut words = Vec::new();
        if !self.filter.is_empty() {
            words.push(format!("/ {}", self.filter));
        }
        if let Some(sort) = &self.sort {
            words.push(format!(
                "{} {}",
                sort.column,
                if sort.descending { "↓" } else { "↑" }
            ));
        }
        words.join("  ")
    }

    /// What should be asked now, if anything.
    pub fn wanted(&self, now: DateTime<Utc>) -> Option<ListQuery> {
        if self.pending.is_some() || matches!(self.load, Load::Failed { .. }) {
            return None;
        }
        let fresh_at = match self.load {
            Load::Ready { at } => at,
            _ => DateTime::<Utc>::MIN_UTC,
        };
        let due = self.stale && now - fresh_at >= Duration::milliseconds(REFRESH_MS);
        let end = (self.top + self.height).min(self.matched);
        let missing = self.asked_top != Some(self.top)
            && self.matched > 0
            && (self.top < self.from || end > self.from + self.rows.len());
        let first = matches!(self.load, Load::Loading { .. });
        if !(first || due || missing) {
            return None;
        }
        let locate = (due || first)
            .then(|| self.selected.as_ref().and_then(R::locate))
            .flatten();
        Some(ListQuery {
            list: self.kind.clone(),
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            from: self.top.saturating_sub(self.height),
            count: (self.height * 3).max(30),
            locate,
        })
    }

    /// When `wanted` will change its mind by itself.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        match self.load {
            Load::Ready { at } if self.stale && self.pending.is_none() => {
                Some(at + Duration::milliseconds(REFRESH_MS))
            }
            _ => None,
        }
    }

    /// Notes that a request is under way.
    pub fn asked(&mut self, id: u64, query: &ListQuery, now: DateTime<Utc>) {
        self.pending = Some(Pending {
            id,
            since: now,
            located: query.locate.is_some(),
        });
        self.asked_top =
            (!self.stale && matches!(self.load, Load::Ready { .. })).then_some(self.top);
        self.stale = false;
    }

    /// Takes the answer to request `id`; a late one is ignored. True where the row that was selected is not in the list any
    /// more: another one has slid into its place.
    pub fn arrived(&mut self, id: u64, page: ListPage, now: DateTime<Utc>) -> bool {
        let Some(pending) = self.pending.take_if(|pending| pending.id == id) else {
            return false;
        };
        let Some(rows) = R::take(page.rows) else {
            self.load = Load::Failed {
                why: "the engine answered with another list".into(),
            };
            return false;
        };
        let old = self.cursor;
        self.total = page.total;
        self.matched = page.matched;
        self.from = page.from;
        self.rows = rows;
        self.load = Load::Ready { at: now };
        let here = page.located.or_else(|| {
            // A list that does not locate by id: the row may still be in the window.
            let key = self.selected.as_ref()?;
            self.rows
                .iter()
                .position(|row| row.key() == *key)
                .map(|at| at + self.from)
        });
        let lost = here.is_none() && self.selected.is_some();
        match here {
            Some(place) if place != old => {
                let on_screen = old.saturating_sub(self.top);
                if place > old && self.filter.is_empty() && self.sort.is_none() && pending.located {
                    self.new_above += place - old;
                }
                self.cursor = place;
                self.top = place.saturating_sub(on_screen);
            }
            _ => {}
        }
        self.clamp();
        // The row's own key: what was located may have been an item behind it.
        if here.is_none() || self.row(self.cursor).is_some() {
            self.select_here();
        }
        lost
    }

    /// The answer to request `id` was a refusal.
    pub fn failed(&mut self, id: u64, why: String) {
        if self.pending.take_if(|pending| pending.id == id).is_some() {
            self.load = Load::Failed { why };
        }
    }

    /// Reads again, also after a failure.
    pub fn refresh(&mut self, now: DateTime<Utc>) {
        self.stale = true;
        if matches!(self.load, Load::Failed { .. }) {
            self.load = Load::Loading { since: now };
        }
    }

    /// Reads again as soon as possible: what is shown was just changed from here.
    pub fn soon(&mut self) {
        self.stale = true;
        if let Load::Ready { at } = &mut self.load {
            *at -= Duration::milliseconds(REFRESH_MS);
        }
    }

    /// The clock was set back by that much.
    pub fn set_back(&mut self, by: Duration) {
        match &mut self.load {
            Load::Loading { since: at } | Load::Ready { at } => set_back(Some(at), by),
            Load::Failed { .. } => {}
        }
        set_back(self.pending.as_mut().map(|pending| &mut pending.since), by);
    }

    /// Turns to another list; marks and place go.
    pub fn turn_to(&mut self, kind: ListKind, now: DateTime<Utc>) {
        if self.kind != kind {
            let height = self.height;
            *self = ListPane::new(kind, now);
            self.height = height;
        }
    }

    fn select_here(&mut self) {
        self.selected = self.row(self.cursor).map(Row::key);
    }

    fn clamp(&mut self) {
        self.cursor = self.cursor.min(self.matched.saturating_sub(1));
        let off = SCROLL_OFF.min(self.height.saturating_sub(1) / 2);
        let height = self.height.max(1);
        if self.cursor < self.top + off {
            self.top = self.cursor.saturating_sub(off);
        }
        if self.cursor + off + 1 > self.top + height {
            self.top = self.cursor + off + 1 - height;
        }
        self.top = self.top.min(self.matched.saturating_sub(height));
        if self.top == 0 {
            self.new_above = 0;
        }
    }
}

impl<R: Row> Nav for ListPane<R> {
    fn step(&mut self, by: isize) {
        self.jump(self.cursor.saturating_add_signed(by));
    }

    fn jump(&mut self, to: usize) {
        self.cursor = to;
        self.clamp();
        self.select_here();
    }

    fn height(&self) -> usize {
        self.height
    }

    fn fit(&mut self, height: usize) {
        self.height = height;
        self.clamp();
    }

    fn len(&self) -> usize {
        self.matched
    }

    fn top(&self) -> usize {
        self.top
    }

    fn toggle_mark(&mut self) {
        if let Some(key) = self.selected.clone()
            && !self.marks.remove(&key)
        {
            self.marks.insert(key);
        }
    }

    fn clear_marks(&mut self) -> bool {
        let any = !self.marks.is_empty();
        self.marks.clear();
        any
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, filter: String) {
        if self.filter != filter {
            self.filter = filter;
            self.restart();
        }
    }

    fn next_sort(&mut self) -> String {
        let columns = self.kind.columns();
        let next = match &self.sort {
            None => columns.first().map(|column| (*column, false)),
            Some(sort) if !sort.descending => Some((
                columns
                    .iter()
                    .find(|column| **column == sort.column)
                    .copied()
                    .unwrap_or_default(),
                true,
            )),
            Some(sort) => columns
                .iter()
                .skip_while(|column| **column != sort.column)
                .nth(1)
                .map(|column| (*column, false)),
        };
        self.sort = next.map(|(column, descending)| SortBy {
            column: column.to_owned(),
            descending,
        });
        self.restart();
        match &self.sort {
            Some(sort) if sort.descending => format!("Sorted by {}, downwards.", sort.column),
            Some(sort) => format!("Sorted by {}.", sort.column),
            None => "The list's own order.".into(),
        }
    }

    fn again(&mut self, now: DateTime<Utc>) {
        self.refresh(now);
    }

    fn hidden(&self) -> usize {
        self.total.saturating_sub(self.matched)
    }

    fn is_first_read(&self) -> bool {
        self.pending.is_some() && matches!(self.load, Load::Loading { .. })
    }
}

impl<R: Row> ListPane<R> {
    /// After another filter or order: an answer under way is for the old one, and must not count.
    fn restart(&mut self) {
        self.pending = None;
        self.new_above = 0;
        // The age of what is shown stays; the wait between two refreshes does not.
        self.soon();
        if let Load::Failed { .. } = self.load {
            self.load = Load::Loading {
                since: DateTime::<Utc>::MIN_UTC,
            };
        }
    }
}
