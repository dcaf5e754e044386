//! What keys do to any list, and the cursor over lines that are all at hand.

use chrono::{DateTime, Utc};

/// What keys do to any list, whatever its rows are.
pub trait Nav {
    /// Moves by rows.
    fn step(&mut self, by: isize);
    /// Moves to an index.
    fn jump(&mut self, to: usize);
    /// Visible rows.
    fn height(&self) -> usize;
    /// Sets the visible rows, after a resize.
    fn fit(&mut self, height: usize);
    /// Rows there are.
    fn len(&self) -> usize;
    /// Index of the first visible row.
    fn top(&self) -> usize;
    /// Marks or unmarks the selected row.
    fn toggle_mark(&mut self);
    /// Takes all marks away; true if there were any.
    fn clear_marks(&mut self) -> bool;
    /// The filter.
    fn filter(&self) -> &str;
    /// Sets the filter.
    fn set_filter(&mut self, filter: String);
    /// Next column, then the other way round, then the list's own order. Returns the words for it.
    fn next_sort(&mut self) -> String;
    /// Reads again.
    fn again(&mut self, now: DateTime<Utc>);
    /// Rows hidden by the filter.
    fn hidden(&self) -> usize;
    /// True while the first rows are on their way.
    fn is_first_read(&self) -> bool {
        false
    }
}

/// A cursor over lines that are all at hand: fields of a record, candidates, the text of an overlay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Selected line.
    pub at: usize,
    /// First visible line.
    pub top: usize,
    /// Lines.
    pub len: usize,
    /// Visible lines.
    pub height: usize,
}

impl Cursor {
    /// Moves by lines.
    pub fn step(&mut self, by: isize) {
        self.jump(self.at.saturating_add_signed(by));
    }

    /// Moves to a line.
    pub fn jump(&mut self, to: usize) {
        self.at = to.min(self.len.saturating_sub(1));
        self.set(self.len, self.height);
    }

    /// Sets lines and height, keeping the cursor in sight.
    pub fn set(&mut self, len: usize, height: usize) {
        self.len = len;
        self.height = height;
        self.at = self.at.min(len.saturating_sub(1));
        self.top = self.top.min(self.at);
        if self.at >= self.top + height.max(1) {
            self.top = self.at + 1 - height.max(1);
        }
    }
}

impl Nav for Cursor {
    fn step(&mut self, by: isize) {
        Cursor::step(self, by);
    }
    fn jump(&mut self, to: usize) {
        Cursor::jump(self, to);
    }
    fn height(&self) -> usize {
        self.height
    }
    fn fit(&mut self, height: usize) {
        self.set(self.len, height);
    }
    fn len(&self) -> usize {
        self.len
    }
    fn top(&self) -> usize {
        self.top
    }
    fn toggle_mark(&mut self) {}
    fn clear_marks(&mut self) -> bool {
        false
    }
    fn filter(&self) -> &str {
        ""
    }
    fn set_filter(&mut self, _: String) {}
    fn next_sort(&mut self) -> String {
        String::new()
    }
    fn again(&mut self, _: DateTime<Utc>) {}
    fn hidden(&self) -> usize {
        0
    }
}
