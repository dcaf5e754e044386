//! One line of styled text. Every string that reaches a cell passes `format::clean` here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::console::format;
use crate::console::theme::{Role, Theme};

/// A line made of pieces, each with a role, and a mark at its end that stays when the line is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<(String, Role)>, Option<(String, Role)>);

impl Text {
    /// An empty line.
    pub fn new() -> Self {
        Text::default()
    }

    /// A line of one piece.
    pub fn of(text: impl AsRef<str>, role: Role) -> Self {
        Text::new().and(text, role)
    }

    /// A line of ordinary text.
    pub fn plain(text: impl AsRef<str>) -> Self {
        Text::of(text, Role::Text)
    }

    /// Adds a piece.
    pub fn and(mut self, text: impl AsRef<str>, role: Role) -> Self {
        self.push(text, role);
        self
    }

    /// Adds a piece of ordinary text.
    pub fn then(self, text: impl AsRef<str>) -> Self {
        self.and(text, Role::Text)
    }

    /// Adds a piece.
    pub fn push(&mut self, text: impl AsRef<str>, role: Role) {
        self.0.push((format::clean(text.as_ref()), role));
    }

    /// Sets the mark that stays when the line is cut.
    pub fn mark(mut self, mark: &str, role: Role) -> Self {
        self.1 = Some((format::clean(mark), role));
        self
    }

    /// Adds a line's pieces.
    pub fn extend(&mut self, other: Text) {
        self.0.extend(other.0);
        self.0.extend(other.1);
    }

    /// Fills with blanks up to a column.
    pub fn pad_to(mut self, column: usize) -> Self {
        let width = self.width();
        if width < column {
            self.0.push((" ".repeat(column - width), Role::Text));
        }
        self
    }

    /// Columns taken.
    pub fn width(&self) -> usize {
        self.0
            .iter()
            .chain(&self.1)
            .map(|(text, _)| format::width(text))
            .sum()
    }

    /// The words without their roles.
    pub fn to_plain(&self) -> String {
        self.0
            .iter()
            .chain(&self.1)
            .map(|(text, _)| text.as_str())
            .collect()
    }

    /// Draws into one row, cut at its end; returns the column after it. `over` is laid over every piece's own style.
    pub fn draw(
        &self,
        buf: &mut Buffer,
        x: u16,
        y: u16,
        columns: usize,
        theme: Theme,
        over: Style,
    ) -> u16 {
        let tail = self.1.as_ref().map_or(0, |(mark, _)| format::width(mark));
        let mut left = columns.saturating_sub(tail);
        let mut at = x;
        let cut = self.width() > columns;
        for (index, (text, role)) in self.0.iter().enumerate() {
            if left == 0 {
                break;
            }
            let last = index + 1 == self.0.len();
            let wide = format::width(text);
            // Where the whole line is too long, the piece that reaches the edge carries the ellipsis.
            let shown = if wide > left || (cut && !last && wide == left) {
                format::cut(&format!("{text} "), left)
            } else {
                text.clone()
            };
            at = put(buf, at, y, &shown, theme.style(*role).patch(over));
            left -= format::width(&shown).min(left);
        }
        if let Some((mark, role)) = &self.1
            && tail <= columns
        {
            at = put(buf, at, y, mark, theme.style(*role).patch(over));
        }
        at
    }
}

/// Writes cleaned text cell by cell, inside the buffer only.
fn put(buf: &mut Buffer, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let area = buf.area;
    let mut at = x;
    if y < area.top() || y >= area.bottom() {
        return at;
    }
    for grapheme in text.graphemes(true) {
        let wide = UnicodeWidthStr::width(grapheme) as u16;
        if wide == 0 {
            continue;
        }
        if at + wide > area.right() {
            break;
        }
        if at >= area.left() {
            buf[(at, y)].set_symbol(grapheme).set_style(style);
            for covered in 1..wide {
                buf[(at + covered, y)].reset();
                buf[(at + covered, y)].set_symbol("").set_style(style);
            }
        }
        at += wide;
    }
    at
}

/// Draws lines from the top of an area; what does not fit is left out.
pub fn draw_lines(buf: &mut Buffer, area: Rect, lines: &[Text], theme: Theme) {
    for (row, line) in lines.iter().take(usize::from(area.height)).enumerate() {
        line.draw(
            buf,
            area.x,
            area.y + row as u16,
            usize::from(area.width),
            theme,
            Style::new(),
        );
    }
}

/// Draws sentences with a margin, folded where the pane is narrow.
pub fn draw_notice(buf: &mut Buffer, area: Rect, lines: &[Text], theme: Theme) {
    let room = usize::from(area.width).saturating_sub(2);
    let mut folded = Vec::new();
    for line in lines {
        if line.width() <= room {
            let mut text = Text::plain(" ");
            text.extend(line.clone());
            folded.push(text);
            continue;
        }
        let role = line.0.first().map_or(Role::Text, |(_, role)| *role);
        folded.extend(
            format::wrap(&line.to_plain(), room)
                .into_iter()
                .map(|piece| Text::of(format!(" {piece}"), role)),
        );
    }
    draw_lines(buf, area, &folded, theme);
}

/// `[###########.........]` of a given inner width.
pub fn gauge(done: u64, of: u64, columns: usize) -> String {
    let filled = if of == 0 {
        0
    } else {
        (u128::from(done.min(of)) * columns as u128 / u128::from(of)) as usize
    };
    format!("[{}{}]", "#".repeat(filled), ".".repeat(columns - filled))
}

/// A row of bars, the largest value full.
pub fn sparkline(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let max = values.iter().copied().max().unwrap_or(0).max(1);
    values
        .iter()
        .map(|value| {
            let index = (u128::from(*value) * 7 / u128::from(max)) as usize;
            BARS.get(index).copied().unwrap_or('▁')
        })
        .collect()
}
