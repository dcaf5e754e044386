//! The dialog before a write: it names the target, counts and calls, stands on Cancel, and where much or something
//! permanent is meant asks to type what it names.

mod dialogs;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Style;
use tui_textarea::TextArea;

pub use dialogs::{alike, apply, halted, retry, run, stop_now, undo};

use super::{Then, insert, is_no, labelled_field, line_field, line_of, type_into, window};
use crate::console::format;
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::screens::conflicts;
use crate::console::theme::Role;
use crate::console::widgets::{Panel, Text};
use crate::domain::{ItemId, RunId};
use crate::service::messages::{Request, RetryWhich, SyncOrder, Take, Tone};

/// What happens after a yes.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A run.
    Sync(SyncOrder),
    /// The drafts.
    ApplyDrafts,
    /// The undo of a run.
    Undo(RunId),
    /// Errors again.
    Retry(RetryWhich),
    /// This run, at once; without a number what is under way is a preview.
    StopNow(Option<RunId>),
    /// One choice for many.
    Alike {
        /// The items.
        items: Vec<ItemId>,
        /// The choice.
        take: Take,
        /// The field.
        field: String,
    },
}

/// A dialog.
pub struct Confirm {
    title: String,
    lines: Vec<Text>,
    yes: String,
    action: Action,
    on_yes: bool,
    seen: bool,
    typed: Option<(String, TextArea<'static>)>,
}

impl Confirm {
    fn new(
        title: impl Into<String>,
        yes: impl Into<String>,
        lines: Vec<Text>,
        action: Action,
    ) -> Self {
        Confirm {
            title: title.into(),
            lines,
            yes: yes.into(),
            action,
            on_yes: false,
            seen: false,
            typed: None,
        }
    }

    fn type_to_go_on(mut self, word: impl Into<String>) -> Self {
        self.typed = Some((word.into(), line_field("")));
        self
    }

    /// True where it is about the run under way, and means nothing once that is over.
    pub fn is_about_the_run(&self) -> bool {
        matches!(self.action, Action::StopNow(_))
    }

    fn is_typed(&self) -> bool {
        self.typed
            .as_ref()
            .is_none_or(|(word, field)| line_of(field).trim() == word)
    }

    /// It is on the screen: from now on it can be answered.
    pub fn seen(&mut self) {
        self.seen = true;
    }

    /// Gives it pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some((_, field)) = self.typed.as_mut().filter(|_| self.seen) {
            insert(field, text, false);
        }
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) {
            return Then::Close;
        }
        if !self.seen {
            // Typed before it was there to be read: no answer to it.
            return Then::Stay;
        }
        match key.code {
            KeyCode::Tab | KeyCode::BackTab => self.on_yes = !self.on_yes,
            KeyCode::Enter if self.typed.is_some() && self.is_typed() => return self.go(model),
            KeyCode::Enter if self.on_yes && self.is_typed() => return self.go(model),
            KeyCode::Enter if self.typed.is_some() => {
                model.say(
                    Tone::Info,
                    "What was typed is not what the dialog names. esc cancels.",
                );
            }
            KeyCode::Enter => return Then::Close,
            _ if self.typed.is_some() => {
                if let Some((_, field)) = &mut self.typed {
                    type_into(field, key);
                }
            }
            KeyCode::Left | KeyCode::Right | KeyCode::Char('h' | 'l') => self.on_yes = !self.on_yes,
            KeyCode::Char('y') => return self.go(model),
            KeyCode::Char('n' | 'q') => return Then::Close,
            _ => {}
        }
        Then::Stay
    }

    fn go(&self, model: &mut Model) -> Then {
        Then::Do(act(model, self.action.clone()))
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let width = 66.min(buf.area.width.saturating_sub(4));
        let room = usize::from(width.saturating_sub(4));
        let lines: Vec<Text> = self
            .lines
            .iter()
            .flat_map(|line| fold(line, room))
            .collect();
        let extra = if self.typed.is_some() { 6 } else { 4 };
        let most = buf.area.height.saturating_sub(2);
        let height = (lines.len() as u16 + extra).min(most);
        let inner = window(model, buf, width, height, Panel::titled(&self.title));
        let theme = model.theme;
        let text_rows = inner.height.saturating_sub(extra - 2);
        for (row, line) in lines.iter().take(usize::from(text_rows)).enumerate() {
            line.draw(
                buf,
                inner.x + 1,
                inner.y + row as u16,
                room,
                theme,
                Style::new(),
            );
        }
        if lines.len() > usize::from(text_rows) && text_rows > 0 {
            let more = format!(
                "… and {} more lines",
                lines.len() - usize::from(text_rows) + 1
            );
            Text::of(more, Role::Muted).pad_to(room).draw(
                buf,
                inner.x + 1,
                inner.y + text_rows - 1,
                room,
                theme,
                Style::new(),
            );
        }
        let bottom = inner.bottom().saturating_sub(1);
        if let Some((word, field)) = &self.typed {
            let row = ratatui::layout::Rect {
                x: inner.x + 1,
                y: bottom.saturating_sub(2),
                width: inner.width.saturating_sub(2),
                height: 1,
            };
            labelled_field(
                buf,
                row,
                &format!("Type {} to go on:  ", format::clean(word)),
                field,
                theme,
            );
        }
        let chosen = theme.style(Role::Selection);
        let plain = Style::new();
        let cancel = "[ Cancel  esc ]";
        let yes = format!(
            "[ {}  {} ]",
            self.yes,
            if self.typed.is_some() { "enter" } else { "y" }
        );
        let wide = format::width(cancel) + 6 + format::width(&yes);
        let x = inner.x + (usize::from(inner.width).saturating_sub(wide) / 2) as u16;
        let on_yes = self.on_yes || (self.typed.is_some() && self.is_typed());
        let role = if self.is_typed() {
            Role::Text
        } else {
            Role::Muted
        };
        let x = Text::plain(cancel).draw(
            buf,
            x,
            bottom,
            room,
            theme,
            if on_yes { plain } else { chosen },
        );
        Text::of(yes, role).draw(
            buf,
            x + 6,
            bottom,
            room,
            theme,
            if on_yes { chosen } else { plain },
        );
    }
}

/// A line folded to a width, keeping the role of its first piece.
fn fold(line: &Text, columns: usize) -> Vec<Text> {
    if line.width() <= columns {
        return vec![line.clone()];
    }
    format::wrap(&line.to_plain(), columns)
        .into_iter()
        .map(Text::plain)
        .collect()
}

/// Carries a yes out.
fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Sync(order) => vec![model.ask(Purpose::Started, Request::Sync(order))],
        Action::ApplyDrafts => conflicts::apply(model),
        Action::Undo(run) => vec![model.ask(Purpose::Started, Request::Undo { run })],
        Action::Retry(which) => {
            vec![model.ask(Purpose::Retry, Request::Retry { which, now: true })]
        }
        Action::StopNow(run) => vec![model.ask(
            Purpose::Done("Stopping now.".into()),
            Request::StopNow { run },
        )],
        Action::Alike { items, take, field } => {
            let records = format::count(items.len() as u64, "record", "records");
            conflicts::resolve(model, items, take, &format!("{field} of {records}"))
        }
    }
}
