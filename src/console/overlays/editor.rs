//! A value by hand: a text area that keeps what was typed until it is saved or given up.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::Style;
use tui_textarea::{CursorMove, TextArea};

use super::{Then, is_no, window};
use crate::console::model::Model;
use crate::console::screens::conflicts;
use crate::console::theme::Role;
use crate::console::widgets::{Panel, Text, draw_field};
use crate::domain::{Choice, ItemId};
use crate::service::messages::{Take, Tone};

/// A value being edited.
pub struct Editor {
    item: ItemId,
    field: String,
    start: String,
    original: String,
    asked: bool,
    lines: bool,
    /// The text area.
    pub text: TextArea<'static>,
}

impl Editor {
    /// An editor for a field, starting from a value. `merge` starts with several lines.
    pub fn new(item: ItemId, field: String, start: &str, merge: bool) -> Self {
        let mut text = TextArea::new(start.lines().map(str::to_owned).collect());
        text.move_cursor(CursorMove::Bottom);
        text.move_cursor(CursorMove::End);
        let lines = merge || start.contains('\n');
        let original = start.to_owned();
        let start = text.lines().join("\n");
        Editor {
            item,
            field,
            start,
            original,
            asked: false,
            lines,
            text,
        }
    }

    fn typed(&self) -> String {
        self.text.lines().join("\n")
    }

    /// The text with the line ends that the value had; untouched it is the value, to the byte.
    fn value(&self) -> String {
        if self.typed() == self.start {
            return self.original.clone();
        }
        let end = if self.original.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let last = if self.original.ends_with('\n') {
            end
        } else {
            ""
        };
        self.text.lines().join(end) + last
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) {
            if self.typed() != self.start && !self.asked {
                self.asked = true;
                model.say(
                    Tone::Warn,
                    "The text is not kept. esc again gives it up, anything else goes on.",
                );
                return Then::Stay;
            }
            return Then::Close;
        }
        self.asked = false;
        let save = match key.code {
            KeyCode::Enter => !self.lines,
            KeyCode::Char('d') => self.lines && key.modifiers.contains(KeyModifiers::CONTROL),
            KeyCode::Tab => true,
            _ => false,
        };
        if save {
            let take = Take::Choice(Choice::Value(self.value()));
            let effects = conflicts::resolve(model, vec![self.item], take, &self.field);
            return Then::Do(effects);
        }
        if key.code == KeyCode::Char('u') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.text.delete_line_by_head();
        } else {
            self.text.input(ratatui::crossterm::event::Event::Key(key));
        }
        Then::Stay
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let rows = if self.lines { 12 } else { 3 };
        let keys = if self.lines {
            "tab keep as draft   enter new line   esc give up"
        } else {
            "enter keep as draft   esc give up"
        };
        let inner = window(
            model,
            buf,
            72,
            rows + 4,
            Panel::titled(format!("Edit {}", self.field)).bottom(keys),
        );
        let head = "Both sides get this value with W or the next run.";
        Text::of(head, Role::Muted).draw(
            buf,
            inner.x + 1,
            inner.y,
            usize::from(inner.width.saturating_sub(2)),
            model.theme,
            Style::new(),
        );
        let area = Rect {
            x: inner.x + 1,
            y: inner.y + 2.min(inner.height),
            width: inner.width.saturating_sub(2),
            height: inner.height.saturating_sub(2),
        };
        draw_field(buf, area, &self.text, model.theme);
    }
}
