//! A pane: border, title left and right, position at the bottom right.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::Text;
use crate::console::format;
use crate::console::theme::{Role, Theme};

/// What a pane's border says.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Top left.
    pub title: String,
    /// Top right.
    pub right: String,
    /// Bottom right.
    pub bottom: String,
    /// True where this pane has the keys.
    pub focused: bool,
}

impl Panel {
    /// A pane with a title.
    pub fn titled(title: impl Into<String>) -> Self {
        Panel {
            title: title.into(),
            ..Panel::default()
        }
    }

    /// With words at the top right.
    pub fn right(mut self, right: impl Into<String>) -> Self {
        self.right = right.into();
        self
    }

    /// With words at the bottom right.
    pub fn bottom(mut self, bottom: impl Into<String>) -> Self {
        self.bottom = bottom.into();
        self
    }

    /// Marked as the one that has the keys.
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// The area inside the border.
    pub fn inner(area: Rect) -> Rect {
        Rect {
            x: area.x + 1.min(area.width),
            y: area.y + 1.min(area.height),
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(2),
        }
    }

    /// Draws the border and gives the area inside.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: Theme) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect {
                width: 0,
                height: 0,
                ..area
            };
        }
        let role = if self.focused {
            Role::BorderFocus
        } else {
            Role::Border
        };
        let line = usize::from(area.width) - 2;
        let title_role = if self.focused {
            Role::Accent
        } else {
            Role::Text
        };
        let row = |buf: &mut Buffer, y: u16, text: Text| {
            text.draw(buf, area.x, y, usize::from(area.width), theme, Style::new());
        };
        let right = edge(&self.right, line.saturating_sub(4));
        let title = edge(&self.title, line.saturating_sub(2 + format::width(&right)));
        let rule =
            "─".repeat(line.saturating_sub(2 + format::width(&title) + format::width(&right)));
        if line >= 2 {
            row(
                buf,
                area.y,
                Text::of("┌─", role)
                    .and(&title, title_role)
                    .and(rule, role)
                    .and(&right, Role::Text)
                    .and("─┐", role),
            );
        } else {
            row(
                buf,
                area.y,
                Text::of("┌".to_owned() + &"─".repeat(line) + "┐", role),
            );
        }
        for y in area.y + 1..area.bottom() - 1 {
            Text::of("│", role).draw(buf, area.x, y, 1, theme, Style::new());
            Text::of("│", role).draw(buf, area.right() - 1, y, 1, theme, Style::new());
        }
        let bottom = edge(&self.bottom, line.saturating_sub(1));
        let rule = "─".repeat(line.saturating_sub(1 + format::width(&bottom)));
        let end = if line >= 1 { "─┘" } else { "┘" };
        row(
            buf,
            area.bottom() - 1,
            Text::of("└", role)
                .and(rule, role)
                .and(&bottom, Role::Text)
                .and(end, role),
        );
        Panel::inner(area)
    }
}

/// Words on a border, with a blank at either end; nothing where there are none.
fn edge(words: &str, columns: usize) -> String {
    if words.is_empty() || columns < 4 {
        return String::new();
    }
    format!(" {} ", format::cut(&format::clean(words), columns - 2))
}

/// Blanks an area, for what is drawn above something else. A wide character that is cut in half at the left edge goes as a whole.
pub fn clear(buf: &mut Buffer, area: Rect) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        if area.left() > buf.area.left() && buf[(area.left(), y)].symbol().is_empty() {
            buf[(area.left() - 1, y)].set_symbol(" ");
        }
        if area.right() < buf.area.right() && buf[(area.right(), y)].symbol().is_empty() {
            buf[(area.right(), y)].set_symbol(" ");
        }
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
        }
    }
}
