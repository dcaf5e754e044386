//! What lies above a screen: the top one gets the keys first, the rest are drawn beneath.

pub mod confirm;
pub mod editor;
pub mod help;
pub mod palette;
pub mod preview;
pub mod prompt;
pub mod quit;
pub mod record;
pub mod undo;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use tui_textarea::{CursorMove, TextArea};

use super::layout::{self, centred};
use super::model::Model;
use super::msg::Effect;
use super::theme::Theme;
use super::widgets::{Panel, clear};

/// Something above the screen.
pub enum Overlay {
    /// A dialog before something that cannot simply be taken back.
    Confirm(confirm::Confirm),
    /// The keys of this screen.
    Help(help::Help),
    /// Every command by name.
    Palette(palette::Palette),
    /// A line of text in the message row.
    Prompt(prompt::Prompt),
    /// What a run would do.
    Preview(Box<preview::PreviewOverlay>),
    /// Everything about one record.
    Record(Box<record::RecordOverlay>),
    /// What the undo of a run would do.
    Undo(Box<undo::UndoOverlay>),
    /// A value by hand.
    Editor(Box<editor::Editor>),
    /// Leaving while a run is under way.
    Quit {
        /// It was drawn.
        seen: bool,
    },
}

/// What became of an overlay that was given a key.
pub enum Then {
    /// It stays.
    Stay,
    /// It is gone.
    Close,
    /// It is gone, and these go out.
    Do(Vec<Effect>),
    /// It stays, and these go out.
    Also(Vec<Effect>),
}

impl Overlay {
    /// True while it shows that it waits.
    pub fn is_waiting(&self) -> bool {
        match self {
            Overlay::Preview(preview) => preview.is_waiting(),
            Overlay::Record(record) => record.is_waiting(),
            Overlay::Undo(undo) => undo.is_waiting(),
            _ => false,
        }
    }

    /// True where it is about the run under way, and means nothing once that is over.
    pub fn is_about_the_run(&self) -> bool {
        match self {
            Overlay::Confirm(confirm) => confirm.is_about_the_run(),
            Overlay::Quit { .. } => true,
            _ => false,
        }
    }

    /// Since when it waits, or waited.
    pub fn since(&mut self) -> Option<&mut DateTime<Utc>> {
        match self {
            Overlay::Preview(preview) => Some(&mut preview.since),
            Overlay::Record(record) => Some(&mut record.since),
            Overlay::Undo(undo) => Some(&mut undo.since),
            _ => None,
        }
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        match self {
            Overlay::Confirm(confirm) => confirm.key(model, key),
            Overlay::Help(help) => help.key(model, key),
            Overlay::Palette(palette) => palette.key(model, key),
            Overlay::Prompt(prompt) => prompt.key(model, key),
            Overlay::Preview(preview) => preview.key(model, key),
            Overlay::Record(record) => record.key(model, key),
            Overlay::Undo(undo) => undo.key(model, key),
            Overlay::Editor(editor) => editor.key(model, key),
            Overlay::Quit { seen } => quit::key(model, key, *seen),
        }
    }

    /// It was drawn: a dialog may be answered from now on.
    pub fn drawn(&mut self) {
        match self {
            Overlay::Confirm(confirm) => confirm.seen(),
            Overlay::Quit { seen } => *seen = true,
            _ => {}
        }
    }

    /// Gives it pasted text, as one piece.
    pub fn paste(&mut self, model: &mut Model, text: &str) {
        match self {
            Overlay::Confirm(confirm) => confirm.paste(text),
            Overlay::Help(help) => insert(&mut help.search, text, false),
            Overlay::Palette(palette) => palette.paste(model, text),
            Overlay::Prompt(prompt) => prompt.paste(model, text),
            Overlay::Editor(editor) => insert(&mut editor.text, text, true),
            Overlay::Preview(_) | Overlay::Record(_) | Overlay::Undo(_) | Overlay::Quit { .. } => {}
        }
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        match self {
            Overlay::Confirm(confirm) => confirm.draw(model, buf),
            Overlay::Help(help) => help.draw(model, buf),
            Overlay::Palette(palette) => palette.draw(model, buf),
            Overlay::Prompt(prompt) => prompt.draw(model, buf),
            Overlay::Preview(preview) => preview.draw(model, buf),
            Overlay::Record(record) => record.draw(model, buf),
            Overlay::Undo(undo) => undo.draw(model, buf),
            Overlay::Editor(editor) => editor.draw(model, buf),
            Overlay::Quit { .. } => quit::draw(model, buf),
        }
    }
}

/// A field for one line of text, with the cursor at its end.
fn line_field(start: &str) -> TextArea<'static> {
    let mut field = TextArea::new(vec![start.replace(['\n', '\r'], " ")]);
    field.move_cursor(CursorMove::End);
    field
}

/// What a one-line field holds.
fn line_of(field: &TextArea<'_>) -> String {
    field.lines().first().cloned().unwrap_or_default()
}

/// Adds pasted text; a one-line field takes it on one line.
fn insert(field: &mut TextArea<'_>, text: &str, lines: bool) {
    let text = if lines {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.replace(['\n', '\r'], " ")
    };
    field.insert_str(text);
}

/// Types into a one-line field: printable keys are text, editing keys edit, everything else is left alone.
fn type_into(field: &mut TextArea<'_>, key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Enter
        | KeyCode::Esc
        | KeyCode::Tab
        | KeyCode::BackTab
        | KeyCode::Up
        | KeyCode::Down => false,
        KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => {
            field.delete_line_by_head()
        }
        KeyCode::Char('m' | 'j') if key.modifiers.contains(KeyModifiers::CONTROL) => false,
        _ => field.input(ratatui::crossterm::event::Event::Key(key)),
    }
}

/// Blanks and frames the middle of the screen; gives the area inside.
fn window(model: &Model, buf: &mut Buffer, width: u16, height: u16, panel: Panel) -> Rect {
    let area = centred(
        buf.area,
        width.min(buf.area.width.saturating_sub(4)),
        height.min(buf.area.height.saturating_sub(2)),
    );
    clear(buf, area);
    panel.focused(true).draw(buf, area, model.theme)
}

/// The row of the message line, where prompts are typed.
fn message_row(buf: &Buffer) -> Rect {
    layout::frame(buf.area).message
}

/// A key that means no: esc, and ctrl-c.
fn is_no(key: KeyEvent) -> bool {
    key.code == KeyCode::Esc
        || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
}

/// Draws a one-line field behind a label.
fn labelled_field(buf: &mut Buffer, row: Rect, label: &str, field: &TextArea<'_>, theme: Theme) {
    use super::theme::Role;
    use super::widgets::{Text, draw_field};
    let x = Text::of(label, Role::Key).draw(
        buf,
        row.x,
        row.y,
        usize::from(row.width),
        theme,
        ratatui::style::Style::new(),
    );
    let left = row.right().saturating_sub(x);
    draw_field(
        buf,
        Rect {
            x,
            width: left,
            ..row
        },
        field,
        theme,
    );
}
