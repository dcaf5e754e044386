//! How every list of rows is drawn: its frame with filter, order and place, the designed states in place of rows, the visible rows,
//! and where a click finds them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{instead_of_rows, is_dimmed, list_right};
use crate::console::hit::{Hit, HitMap};
use crate::console::list::{ListPane, Row};
use crate::console::model::Model;
use crate::console::theme::Role;
use crate::console::widgets::{Col, Panel, Table, TableRow, Text, draw_notice, draw_table};

/// What is particular to one list.
pub(in crate::console) struct ListView<'a, R: Row> {
    /// The rows.
    pub list: &'a ListPane<R>,
    /// Top left.
    pub title: String,
    /// Top right where neither filter nor order is set.
    pub order: &'a str,
    /// What is being read: "Reading conflicts…".
    pub what: &'a str,
    /// What an empty list says: why, and the key that helps.
    pub empty: &'a [&'a str],
    /// Its columns.
    pub columns: &'a [Col],
    /// True where it has the keys.
    pub focused: bool,
    /// A row's cells.
    pub cells: &'a dyn Fn(&R) -> Vec<Text>,
}

impl<R: Row> ListView<'_, R> {
    /// Draws it.
    pub fn draw(&self, model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
        let list = self.list;
        let inner = Panel::titled(self.title.as_str())
            .right(list_right(model, list, self.order))
            .bottom(list.position())
            .focused(self.focused)
            .draw(buf, area, model.theme);
        if let Some(lines) = instead_of_rows(model, list, self.what, self.empty) {
            draw_notice(buf, inner, &lines, model.theme);
            return;
        }
        let dim = is_dimmed(model, list);
        let rows = list
            .visible()
            .map(|(at, row)| TableRow {
                cells: row.map_or_else(|| vec![Text::of("…", Role::Muted)], self.cells),
                selected: at == list.cursor,
                marked: row.is_some_and(|row| list.marks.contains(&row.key())),
                dim,
            })
            .collect();
        let table = Table {
            columns: self.columns,
            rows,
            marks: !list.marks.is_empty(),
            focused: self.focused,
        };
        draw_table(buf, inner, &table, model.theme);
        if self.focused {
            let below_the_header = Rect {
                y: inner.y + 1,
                height: inner.height.saturating_sub(1),
                ..inner
            };
            hits.add(below_the_header, Hit::Rows);
        }
    }
}
