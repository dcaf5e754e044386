//! The list of mappings: few, so all are at hand; filter and order are done here.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::console::list::{Cursor, Nav};
use crate::console::set_back::set_back;
use crate::domain::MappingId;
use crate::service::messages::{MappingRow, MappingStatus};

const COLUMNS: [&str; 5] = ["mapping", "last run", "changed", "conf", "err"];

/// The list of mappings.
#[derive(Clone, Debug, Default)]
pub struct MappingList {
    /// All, in the config's order.
    pub rows: Vec<MappingRow>,
    /// Indices of those that the filter lets through, in the chosen order.
    pub shown: Vec<usize>,
    /// Place.
    pub cursor: Cursor,
    /// Selected mapping.
    pub selected: Option<MappingId>,
    /// Marked mappings.
    pub marks: BTreeSet<MappingId>,
    /// The filter.
    pub filter: String,
    /// Column and direction.
    pub sort: Option<(usize, bool)>,
    /// The request under way, and since when.
    pub pending: Option<(u64, DateTime<Utc>)>,
    /// When it was read last.
    pub at: Option<DateTime<Utc>>,
    /// Why it could not be read.
    pub failed: Option<String>,
    /// May have changed.
    pub stale: bool,
}

impl MappingList {
    /// True where it should be asked for.
    pub fn wanted(&self, now: DateTime<Utc>) -> bool {
        self.pending.is_none()
            && self.failed.is_none()
            && self
                .at
                .is_none_or(|at| self.stale && (now - at).num_milliseconds() >= 1_000)
    }

    /// When `wanted` will change its mind by itself.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        self.at
            .filter(|_| self.stale && self.pending.is_none())
            .map(|at| at + chrono::Duration::seconds(1))
    }

    /// The clock was set back by that much.
    pub fn set_back(&mut self, by: chrono::Duration) {
        set_back(self.at.as_mut(), by);
        set_back(self.pending.as_mut().map(|(_, since)| since), by);
    }

    /// Takes the answer to request `id`.
    pub fn arrived(&mut self, id: u64, rows: Vec<MappingRow>, now: DateTime<Utc>) {
        if self
            .pending
            .take_if(|(pending, _)| *pending == id)
            .is_none()
        {
            return;
        }
        self.rows = rows;
        self.at = Some(now);
        self.failed = None;
        self.arrange();
    }

    /// The selected row.
    pub fn current(&self) -> Option<&MappingRow> {
        self.shown
            .get(self.cursor.at)
            .and_then(|index| self.rows.get(*index))
    }

    /// Notes a state that was asked for, until the list is read again.
    pub fn set_state(&mut self, mapping: &MappingId, state: MappingStatus) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.mapping == *mapping) {
            row.state = state;
        }
    }

    /// Selects a mapping by name.
    pub fn select(&mut self, mapping: &MappingId) {
        self.selected = Some(mapping.clone());
        self.arrange();
    }

    fn arrange(&mut self) {
        let words: Vec<String> = self
            .filter
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        self.shown = (0..self.rows.len())
            .filter(|index| {
                self.rows
                    .get(*index)
                    .is_some_and(|row| words.iter().all(|word| passes(row, word)))
            })
            .collect();
        if let Some((column, down)) = self.sort {
            let rows = &self.rows;
            self.shown
                .sort_by_key(|index| rows.get(*index).map(|row| sort_key(row, column)));
            if down {
                self.shown.reverse();
            }
        }
        let place = self.selected.as_ref().and_then(|selected| {
            self.shown.iter().position(|index| {
                self.rows
                    .get(*index)
                    .is_some_and(|row| row.mapping == *selected)
            })
        });
        self.cursor.set(self.shown.len(), self.cursor.height);
        self.cursor.jump(place.unwrap_or(self.cursor.at));
        self.selected = self.current().map(|row| row.mapping.clone());
    }
}

fn passes(row: &MappingRow, word: &str) -> bool {
    let (negated, word) = word
        .strip_prefix('!')
        .map_or((false, word), |rest| (true, rest));
    let state = match row.state {
        MappingStatus::ToConfirm => "confirm",
        MappingStatus::Active => "active",
        MappingStatus::Running => "running",
        MappingStatus::Paused => "paused",
        MappingStatus::Halted(_) => "halted",
    };
    let text = match word.split_once(':') {
        Some(("state", value)) => return state.contains(value) != negated,
        Some((_, value)) => return row.mapping.as_str().to_lowercase().contains(value) != negated,
        None => format!(
            "{} {} {} {state}",
            row.mapping, row.objects.salesforce, row.objects.hubspot
        )
        .to_lowercase(),
    };
    text.contains(word) != negated
}

fn sort_key(row: &MappingRow, column: usize) -> (u64, String) {
    let name = row.mapping.as_str().to_lowercase();
    let number = match column {
        1 => row
            .last_run_at
            .map_or(0, |at| u64::try_from(at.timestamp()).unwrap_or(0)),
        2 => row.changed.unwrap_or(0),
        3 => row.conflicts,
        4 => row.errors,
        _ => 0,
    };
    (number, name)
}

impl Nav for MappingList {
    fn step(&mut self, by: isize) {
        self.cursor.step(by);
        self.selected = self.current().map(|row| row.mapping.clone());
    }
    fn jump(&mut self, to: usize) {
        self.cursor.jump(to);
        self.selected = self.current().map(|row| row.mapping.clone());
    }
    fn height(&self) -> usize {
        self.cursor.height
    }
    fn fit(&mut self, height: usize) {
        self.cursor.set(self.shown.len(), height);
    }
    fn len(&self) -> usize {
        self.shown.len()
    }
    fn top(&self) -> usize {
        self.cursor.top
    }
    fn toggle_mark(&mut self) {
        if let Some(id) = self.selected.clone()
            && !self.marks.remove(&id)
        {
            self.marks.insert(id);
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
        self.filter = filter;
        self.arrange();
    }
    fn next_sort(&mut self) -> String {
        self.sort = match self.sort {
            None => Some((0, false)),
            Some((column, false)) => Some((column, true)),
            Some((column, true)) if column + 1 < COLUMNS.len() => Some((column + 1, false)),
            Some(_) => None,
        };
        self.arrange();
        match self
            .sort
            .and_then(|(column, down)| COLUMNS.get(column).map(|name| (name, down)))
        {
            Some((name, true)) => format!("Sorted by {name}, downwards."),
            Some((name, false)) => format!("Sorted by {name}."),
            None => "The config's order.".into(),
        }
    }
    fn again(&mut self, _: DateTime<Utc>) {
        self.stale = true;
        self.failed = None;
        self.at = None;
    }
    fn hidden(&self) -> usize {
        self.rows.len() - self.shown.len()
    }

    fn is_first_read(&self) -> bool {
        self.pending.is_some() && self.at.is_none()
    }
}
