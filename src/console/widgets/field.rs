//! Draws a text field. The text area crate keeps the text; its lines go through the same neutralising as everything else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use tui_textarea::TextArea;

use super::text::Text;
use crate::console::format;
use crate::console::theme::{Role, Theme};

/// Draws the lines around the cursor; the cursor's cell is reversed.
pub fn draw_field(buf: &mut Buffer, area: Rect, field: &TextArea<'_>, theme: Theme) {
    if area.width < 2 || area.height == 0 {
        return;
    }
    let cursor = field.cursor();
    let (row, column) = (cursor.0, cursor.1);
    let height = usize::from(area.height);
    let top = (row + 1).saturating_sub(height);
    let columns = usize::from(area.width);
    for (index, line) in field.lines().iter().enumerate().skip(top).take(height) {
        let y = area.y + (index - top) as u16;
        if index != row {
            Text::plain(line).draw(buf, area.x, y, columns, theme, Style::new());
            continue;
        }
        // Only what can be in sight is looked at, so that a very long line stays quick.
        let start = column.saturating_sub(columns);
        let before: String = line.chars().skip(start).take(column - start).collect();
        let before = format::clean(&before);
        let at: String = line.chars().skip(column).take(1).collect();
        let after: String = line.chars().skip(column + 1).collect();
        // The end of what was typed stays in sight.
        let over = (format::width(&before) + 1).saturating_sub(columns);
        let mut shown = before;
        while over > 0 && format::width(&shown) + 1 > columns && !shown.is_empty() {
            shown.remove(0);
        }
        let x = Text::plain(&shown).draw(buf, area.x, y, columns, theme, Style::new());
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        let here = if at.is_empty() { " ".to_owned() } else { at };
        let left = columns.saturating_sub(usize::from(x - area.x));
        let x = Text::of(here, Role::Text).draw(buf, x, y, left, theme, reversed);
        let left = columns.saturating_sub(usize::from(x - area.x));
        Text::plain(after).draw(buf, x, y, left, theme, Style::new());
    }
}
