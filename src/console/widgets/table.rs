//! A table of the visible rows of a list: columns with priorities, the least important dropped first, never all squeezed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::text::Text;
use crate::console::format;
use crate::console::theme::{Role, Theme};

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Col {
    /// The header.
    pub title: &'static str,
    /// Columns it needs.
    pub width: usize,
    /// Share of the room left over; 0 keeps it fixed.
    pub grow: usize,
    /// Widest it becomes, where it grows.
    pub most: usize,
    /// 0 is never dropped; the highest goes first.
    pub drop: u8,
    /// Alignment.
    pub align: Align,
}

impl Col {
    /// A fixed column.
    pub const fn fixed(title: &'static str, width: usize, drop: u8) -> Col {
        Col {
            title,
            width,
            grow: 0,
            most: width,
            drop,
            align: Align::Left,
        }
    }

    /// A fixed column of numbers.
    pub const fn number(title: &'static str, width: usize, drop: u8) -> Col {
        Col {
            title,
            width,
            grow: 0,
            most: width,
            drop,
            align: Align::Right,
        }
    }

    /// A column that takes what is left over.
    pub const fn flex(
        title: &'static str,
        width: usize,
        grow: usize,
        most: usize,
        drop: u8,
    ) -> Col {
        Col {
            title,
            width,
            grow,
            most,
            drop,
            align: Align::Left,
        }
    }
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct TableRow {
    /// A cell per column.
    pub cells: Vec<Text>,
    /// The selected one.
    pub selected: bool,
    /// Marked.
    pub marked: bool,
    /// The id is cut in the middle: index of the column.
    pub dim: bool,
}

/// A table.
pub struct Table<'a> {
    /// The columns.
    pub columns: &'a [Col],
    /// The visible rows only.
    pub rows: Vec<TableRow>,
    /// True where any row of the list is marked: shows the column of marks.
    pub marks: bool,
    /// True where the table has the keys.
    pub focused: bool,
}

/// Widths of the columns that stay, by index; `None` for the dropped ones.
fn widths(columns: &[Col], room: usize) -> Vec<Option<usize>> {
    let mut kept: Vec<bool> = columns.iter().map(|_| true).collect();
    let need = |kept: &[bool]| -> usize {
        let widths: Vec<usize> = columns
            .iter()
            .zip(kept)
            .filter(|(_, k)| **k)
            .map(|(c, _)| c.width)
            .collect();
        widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * 2
    };
    while need(&kept) > room {
        let drop = columns
            .iter()
            .enumerate()
            .filter(|(index, column)| kept.get(*index) == Some(&true) && column.drop > 0)
            .max_by_key(|(index, column)| (column.drop, *index))
            .map(|(index, _)| index);
        match drop.and_then(|index| kept.get_mut(index)) {
            Some(slot) => *slot = false,
            None => break,
        }
    }
    let mut left = room.saturating_sub(need(&kept));
    let mut out: Vec<Option<usize>> = columns
        .iter()
        .zip(&kept)
        .map(|(column, kept)| kept.then_some(column.width))
        .collect();
    // Rounds of one share each, so that a column that reached its widest hands on what is left.
    while left > 0 {
        let before = left;
        for (slot, column) in out.iter_mut().zip(columns) {
            if let Some(width) = slot {
                let more = column
                    .grow
                    .min(column.most.saturating_sub(*width))
                    .min(left);
                *width += more;
                left -= more;
            }
        }
        if left == before {
            break;
        }
    }
    // Where even what may not be dropped does not fit, the widest give.
    let mut over = need(&kept).saturating_sub(room);
    while over > 0 {
        match out.iter_mut().flatten().max() {
            Some(width) if *width > 1 => {
                *width -= 1;
                over -= 1;
            }
            _ => break,
        }
    }
    out
}

/// Draws header and rows.
pub fn draw_table(buf: &mut Buffer, area: Rect, table: &Table<'_>, theme: Theme) {
    if area.height == 0 || area.width < 4 {
        return;
    }
    let lead = if table.marks { 3 } else { 1 };
    let room = usize::from(area.width).saturating_sub(lead + 1);
    let widths = widths(table.columns, room);
    let mut x = usize::from(area.x) + lead;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    for (column, width) in table.columns.iter().zip(&widths) {
        let Some(width) = *width else { continue };
        let title = format::cut(column.title, width);
        let skip = if column.align == Align::Right {
            width - format::width(&title)
        } else {
            0
        };
        Text::of(title, Role::Muted).draw(buf, (x + skip) as u16, area.y, width, theme, bold);
        x += width + 2;
    }
    for (index, row) in table
        .rows
        .iter()
        .take(usize::from(area.height) - 1)
        .enumerate()
    {
        let y = area.y + 1 + index as u16;
        draw_row(
            buf,
            Rect {
                y,
                height: 1,
                ..area
            },
            table,
            row,
            &widths,
            theme,
        );
    }
}

fn draw_row(
    buf: &mut Buffer,
    area: Rect,
    table: &Table<'_>,
    row: &TableRow,
    widths: &[Option<usize>],
    theme: Theme,
) {
    let over = if row.selected && table.focused {
        let style = theme.style(Role::Selection);
        buf.set_style(area, style);
        style
    } else if row.selected {
        Style::new().add_modifier(Modifier::BOLD)
    } else if row.dim {
        theme.style(Role::Muted)
    } else {
        Style::new()
    };
    if row.selected {
        Text::plain("▌").draw(buf, area.x, area.y, 1, theme, over);
    }
    if row.marked {
        Text::of("+", Role::Key).draw(buf, area.x + 1, area.y, 1, theme, over);
    }
    let lead = if table.marks { 3 } else { 1 };
    let mut x = usize::from(area.x) + lead;
    for ((column, cell), width) in table.columns.iter().zip(&row.cells).zip(widths) {
        let Some(width) = *width else { continue };
        let skip = if column.align == Align::Right {
            width.saturating_sub(cell.width())
        } else {
            0
        };
        cell.draw(buf, (x + skip) as u16, area.y, width, theme, over);
        x += width + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_column_is_dropped_first_and_the_name_grows() {
        let columns = [
            Col::flex("NAME", 10, 1, 100, 0),
            Col::number("A", 5, 1),
            Col::fixed("B", 8, 2),
        ];
        assert_eq!(widths(&columns, 40), vec![Some(23), Some(5), Some(8)]);
        assert_eq!(widths(&columns, 20), vec![Some(13), Some(5), None]);
        assert_eq!(widths(&columns, 12), vec![Some(12), None, None]);
        assert_eq!(widths(&columns, 6), vec![Some(6), None, None]);
    }
}
