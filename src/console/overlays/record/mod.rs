//! One record: on top the sentence that answers "why did it not sync?", then both sides, link, scope, fields, what waits, its
//! journal (docs/design/console.md 9).

mod page;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::prompt::Prompt;
use super::{Overlay, Then, is_no, window};
use crate::console::format;
use crate::console::layout;
use crate::console::list::Cursor;
use crate::console::model::{Model, QUIET_WAIT_MS};
use crate::console::msg::{Effect, Purpose};
use crate::console::screens::{ScreenId, conflicts, errors, labelled};
use crate::console::theme::{self, Role};
use crate::console::update;
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::domain::{MappingId, Side};
use crate::service::messages::{RecordView, Request};

/// Columns of the window at most.
const WIDEST: u16 = 140;

/// Where a look-up stands.
enum State {
    /// Asked for under this number.
    Asked(u64),
    /// Nothing, and why.
    Nothing(String),
    /// One, in full.
    One(Box<RecordView>),
    /// Several, to choose from.
    Several(Vec<RecordView>),
}

/// The overlay.
pub struct RecordOverlay {
    query: String,
    mapping: Option<MappingId>,
    pub(super) since: DateTime<Utc>,
    state: State,
    cursor: Cursor,
    /// The side that was copied last: the next time it is the other one.
    copied: Option<Side>,
}

/// Looks a record up, of one mapping or of all, and opens the overlay over the screen.
pub fn open(model: &mut Model, query: String, mapping: Option<MappingId>) -> Effect {
    let overlay = RecordOverlay {
        state: State::Asked(model.next_id()),
        query: query.clone(),
        mapping: mapping.clone(),
        since: model.now,
        cursor: Cursor::default(),
        copied: None,
    };
    model.overlays.push(Overlay::Record(Box::new(overlay)));
    model.ask(Purpose::Record, Request::Record { query, mapping })
}

/// The overlay that waits for the answer with that number.
fn waiting_one(model: &mut Model, id: u64) -> Option<&mut RecordOverlay> {
    model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Record(record) if matches!(record.state, State::Asked(asked) if asked == id) => {
            Some(&mut **record)
        }
        _ => None,
    })
}

/// What was found.
pub fn arrived(model: &mut Model, id: u64, mut records: Vec<RecordView>) {
    let Some(overlay) = waiting_one(model, id) else {
        return;
    };
    overlay.state = match (records.pop(), records.is_empty()) {
        (None, _) => State::Nothing("No record of any mapping answers to that.".into()),
        (Some(one), true) => State::One(Box::new(one)),
        (Some(last), false) => {
            records.push(last);
            State::Several(records)
        }
    };
    overlay.cursor = Cursor::default();
}

/// It could not be looked up, or nothing answers.
pub fn refused(model: &mut Model, id: u64, why: String) {
    if let Some(overlay) = waiting_one(model, id) {
        overlay.state = State::Nothing(why);
    }
}

/// The size of a window's inside.
fn inside(model: &Model) -> (u16, u16) {
    let width = WIDEST.min(model.area.width.saturating_sub(4));
    (width.saturating_sub(2), model.area.height.saturating_sub(4))
}

impl RecordOverlay {
    /// True while the engine looks.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Asked(_))
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) || key.code == KeyCode::Char('q') {
            return Then::Close;
        }
        if key.code == KeyCode::Char('f') && key.modifiers.contains(KeyModifiers::CONTROL) {
            model.overlays.push(Overlay::Prompt(Prompt::find_record()));
            return Then::Stay;
        }
        self.measure(model);
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => self.cursor.step(1),
            KeyCode::Up | KeyCode::Char('k') => self.cursor.step(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.cursor.step(10),
            KeyCode::PageUp => self.cursor.step(-10),
            KeyCode::Home | KeyCode::Char('g') => self.cursor.jump(0),
            KeyCode::End | KeyCode::Char('G') => self.cursor.jump(usize::MAX),
            KeyCode::Enter => return self.enter(model),
            KeyCode::Char('r') => {
                let (query, mapping) = (self.query.clone(), self.mapping.clone());
                return Then::Do(vec![open(model, query, mapping)]);
            }
            KeyCode::Char('y') => return self.copy(model, false),
            KeyCode::Char('o') => return self.copy(model, true),
            _ => {}
        }
        Then::Stay
    }

    /// Fits the cursor: over the rows to choose from, or over the lines that do not fit on the page.
    fn measure(&mut self, model: &Model) {
        let (columns, rows) = inside(model);
        let len = match &self.state {
            State::One(record) => {
                let lines = page::lines(model, record, columns).len();
                lines.saturating_sub(usize::from(rows)) + 1
            }
            State::Several(records) => records.len(),
            State::Asked(_) | State::Nothing(_) => 0,
        };
        self.cursor.set(len, 1);
    }

    fn selected(&self) -> Option<&RecordView> {
        match &self.state {
            State::One(record) => Some(record),
            State::Several(records) => records.get(self.cursor.at),
            State::Asked(_) | State::Nothing(_) => None,
        }
    }

    /// From several: the one under the cursor in full. From one: what waits for it.
    fn enter(&mut self, model: &mut Model) -> Then {
        let Some(record) = self.selected() else {
            return Then::Stay;
        };
        if matches!(self.state, State::Several(_)) {
            let id = record.id(Side::Salesforce).or(record.id(Side::HubSpot));
            let Some(query) = id.map(ToString::to_string) else {
                return Then::Stay;
            };
            let mapping = Some(record.mapping.clone());
            return Then::Also(vec![open(model, query, mapping)]);
        }
        if let Some(item) = record.pending.first() {
            let id = item.id;
            model.overlays.clear();
            model.screen = ScreenId::Conflicts;
            conflicts::show(model, id);
            return Then::Close;
        }
        if let Some(item) = record.errors.first() {
            let id = item.id;
            model.overlays.clear();
            model.screen = ScreenId::Errors;
            errors::show(model, id);
            return Then::Close;
        }
        model.say(
            crate::service::messages::Tone::Info,
            "Nothing waits for this record.",
        );
        Then::Stay
    }

    /// Copies an id or address: Salesforce's, then HubSpot's.
    fn copy(&mut self, model: &mut Model, address: bool) -> Then {
        let Some(record) = self.selected() else {
            return Then::Stay;
        };
        let text = |side: Side| {
            let now = record.sides.get(side);
            if address {
                now.address.clone()
            } else {
                now.id.as_ref().map(ToString::to_string)
            }
        };
        let first = self.copied.map_or(Side::Salesforce, Side::other);
        let found = [first, first.other()]
            .into_iter()
            .find_map(|side| Some((side, text(side)?)));
        match found {
            Some((side, text)) => {
                self.copied = Some(side);
                Then::Also(vec![update::copy(model, text)])
            }
            None => {
                let why = if address {
                    "The vendors' own pages of this record are not known: the sandbox has none."
                } else {
                    "This record has no id."
                };
                model.say(crate::service::messages::Tone::Info, why);
                Then::Stay
            }
        }
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        match &self.state {
            State::Asked(_) => self.draw_waiting(model, buf),
            State::Nothing(why) => {
                let panel = Panel::titled(format!("Record {}", format::clean(&self.query)))
                    .bottom("^f find another   r again   esc close");
                let columns = 66.min(buf.area.width.saturating_sub(6));
                let lines = labelled("", why, Role::Warn, columns);
                let inner = window(model, buf, 66, lines.len() as u16 + 2, panel);
                draw_lines(buf, inner, &lines, model.theme);
            }
            State::One(record) => self.draw_one(model, record, buf),
            State::Several(records) => self.draw_several(model, records, buf),
        }
    }

    fn draw_waiting(&self, model: &Model, buf: &mut Buffer) {
        let waited = model.now - self.since;
        if waited.num_milliseconds() < QUIET_WAIT_MS {
            return;
        }
        let panel = Panel::titled("Record").bottom("esc close");
        let inner = window(model, buf, 60, 3, panel);
        let line = Text::plain(format!(
            " Looking for {}… {}",
            format::cut(&format::clean(&self.query), 30),
            format::duration(waited.num_seconds())
        ));
        draw_lines(buf, inner, &[line], model.theme);
    }

    fn draw_one(&self, model: &Model, record: &RecordView, buf: &mut Buffer) {
        let waits = match (record.pending.first(), record.errors.first()) {
            (Some(_), _) => "enter conflict   ",
            (None, Some(_)) => "enter error   ",
            (None, None) => "",
        };
        let panel = Panel::titled(format::clean(&record.label))
            .right(format!(
                "{}, read {}",
                record.mapping,
                format::moment(record.read_at, model.now)
            ))
            .bottom(format!(
                "{waits}↓ ↑ scroll   y id   o address   r again   esc close"
            ));
        let inner = window(model, buf, WIDEST, buf.area.height.saturating_sub(2), panel);
        let lines = page::lines(model, record, inner.width);
        let last = lines.len().saturating_sub(usize::from(inner.height));
        draw_lines(
            buf,
            inner,
            lines.get(self.cursor.at.min(last)..).unwrap_or_default(),
            model.theme,
        );
    }

    fn draw_several(&self, model: &Model, records: &[RecordView], buf: &mut Buffer) {
        let panel = Panel::titled(format!(
            "{} answer to {}",
            format::count(records.len() as u64, "record", "records"),
            format::cut(&format::clean(&self.query), 30)
        ))
        .bottom("enter open   y id   ^f find another   esc close");
        // Below the list the sentence of the selected one, in full.
        let height = (records.len() as u16 + 5).min(22);
        let inner = window(model, buf, 110, height, panel);
        let (list, below) = layout::below(inner, 3);
        if let Some(record) = records.get(self.cursor.at) {
            let (_, role) = theme::tone(record.tone);
            let lines: Vec<Text> = format::wrap(
                &format::clean(&record.why),
                usize::from(below.width).saturating_sub(2),
            )
            .into_iter()
            .map(|line| Text::of(format!(" {line}"), role))
            .collect();
            draw_lines(buf, below, &lines, model.theme);
        }
        let inner = list;
        let rows = usize::from(inner.height);
        let top = (self.cursor.at + 1).saturating_sub(rows);
        for (row, (at, record)) in records.iter().enumerate().skip(top).take(rows).enumerate() {
            let selected = at == self.cursor.at;
            let over = if selected {
                model.theme.style(Role::Selection)
            } else {
                Style::new()
            };
            let line = choice(record, selected);
            let y = inner.y + row as u16;
            let whole = Rect {
                y,
                height: 1,
                ..inner
            };
            buf.set_style(whole, over);
            line.draw(buf, inner.x, y, usize::from(inner.width), model.theme, over);
        }
    }
}

/// One of several: name, mapping, both ids, and how it stands.
fn choice(record: &RecordView, selected: bool) -> Text {
    let mut line = Text::plain(if selected { "▌" } else { " " })
        .then(format::cut(&format::clean(&record.label), 24))
        .pad_to(26)
        .and(
            format::cut(&format::clean(record.mapping.as_str()), 12),
            Role::Muted,
        )
        .pad_to(39);
    for side in Side::BOTH {
        let id = record
            .id(side)
            .map_or("-".into(), |id| format::id(id.as_str()));
        line.push(format!("{} ", side.letters()), theme::side(side));
        line.push(format!("{id}  "), Role::Text);
    }
    let (glyph, role) = theme::tone(record.tone);
    line.and(glyph, role)
}
