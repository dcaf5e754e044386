//! One record: on top the sentence that answers "why did it not sync?", then ids, fields, what is pending, its journal.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Style;

use super::{Then, is_no, window};
use crate::console::format;
use crate::console::list::Cursor;
use crate::console::model::Model;
use crate::console::screens::labelled;
use crate::console::theme::{self, Role};
use crate::console::update;
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::domain::Side;
use crate::service::messages::{RecordField, RecordView};

/// The overlay: one record in full, or several to choose from.
pub struct RecordOverlay {
    records: Vec<RecordView>,
    open: Option<usize>,
    cursor: Cursor,
}

impl RecordOverlay {
    /// For what was found; at least one.
    pub fn new(records: Vec<RecordView>) -> Self {
        let open = (records.len() == 1).then_some(0);
        let cursor = Cursor {
            len: records.len(),
            height: 1,
            ..Cursor::default()
        };
        RecordOverlay {
            records,
            open,
            cursor,
        }
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) || key.code == KeyCode::Char('q') {
            if self.open.is_some() && self.records.len() > 1 {
                self.open = None;
                self.cursor = Cursor {
                    len: self.records.len(),
                    height: 1,
                    ..Cursor::default()
                };
                return Then::Stay;
            }
            return Then::Close;
        }
        let len = match self.open.and_then(|at| self.records.get(at)) {
            Some(record) => lines(model, record, 100).len(),
            None => self.records.len(),
        };
        self.cursor.set(len, 1);
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => self.cursor.step(1),
            KeyCode::Up | KeyCode::Char('k') => self.cursor.step(-1),
            KeyCode::PageDown => self.cursor.step(10),
            KeyCode::PageUp => self.cursor.step(-10),
            KeyCode::Home | KeyCode::Char('g') => self.cursor.jump(0),
            KeyCode::End | KeyCode::Char('G') => self.cursor.jump(usize::MAX),
            KeyCode::Enter if self.open.is_none() => {
                self.open = Some(self.cursor.at);
                self.cursor = Cursor::default();
            }
            KeyCode::Char('y') => {
                let record = self.records.get(self.open.unwrap_or(self.cursor.at));
                let id = record.and_then(|record| {
                    record
                        .ids
                        .salesforce
                        .as_ref()
                        .or(record.ids.hubspot.as_ref())
                });
                if let Some(id) = id.map(ToString::to_string) {
                    return Then::Also(vec![update::copy(model, id)]);
                }
            }
            _ => {}
        }
        Then::Stay
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let height = buf.area.height.saturating_sub(2);
        let Some(record) = self.open.and_then(|at| self.records.get(at)) else {
            self.draw_choice(model, buf);
            return;
        };
        let panel = Panel::titled(format!("Record {}", format::clean(&record.label)))
            .bottom("↓ ↑ scroll   y copies the id   esc close");
        let inner = window(model, buf, 140, height, panel);
        let lines = lines(model, record, inner.width);
        let top = self
            .cursor
            .at
            .min(lines.len().saturating_sub(usize::from(inner.height)));
        draw_lines(
            buf,
            inner,
            lines.get(top..).unwrap_or_default(),
            model.theme,
        );
    }

    fn draw_choice(&self, model: &Model, buf: &mut Buffer) {
        let height = (self.records.len() + 2).min(20) as u16;
        let title = format::count(self.records.len() as u64, "record", "records");
        let inner = window(
            model,
            buf,
            90,
            height.max(4),
            Panel::titled(title).bottom("enter open   esc close"),
        );
        let top = (self.cursor.at + 1).saturating_sub(usize::from(inner.height));
        for (row, (at, record)) in self
            .records
            .iter()
            .enumerate()
            .skip(top)
            .take(usize::from(inner.height))
            .enumerate()
        {
            let over = if at == self.cursor.at {
                model.theme.style(Role::Selection)
            } else {
                Style::new()
            };
            let mut line = Text::plain(if at == self.cursor.at { "▌" } else { " " })
                .then(format::cut(&format::clean(&record.label), 30))
                .pad_to(34);
            line.extend(ids(record));
            line.draw(
                buf,
                inner.x,
                inner.y + row as u16,
                usize::from(inner.width),
                model.theme,
                over,
            );
        }
    }
}

fn ids(record: &RecordView) -> Text {
    let mut line = Text::new();
    for side in Side::BOTH {
        line.push(format!("{} ", side.letters()), theme::side(side));
        line.push(
            record
                .ids
                .get(side)
                .as_ref()
                .map_or("-".into(), ToString::to_string),
            Role::Text,
        );
        line.push("   ", Role::Text);
    }
    line
}

fn lines(model: &Model, record: &RecordView, columns: u16) -> Vec<Text> {
    let mut out: Vec<Text> = format::wrap(
        &format::clean(&record.why),
        usize::from(columns).saturating_sub(2),
    )
    .into_iter()
    .map(|line| Text::of(format!(" {line}"), Role::Accent))
    .collect();
    out.push(Text::new());
    let mut line = Text::plain(" ");
    line.extend(ids(record));
    out.push(line);
    let mapping = record
        .mapping
        .as_ref()
        .map_or("in no mapping".to_owned(), ToString::to_string);
    out.extend(labelled(
        "in",
        &format!("{mapping}   {}", record.scope),
        Role::Text,
        columns,
    ));
    if let Some(link) = &record.link {
        out.extend(labelled(
            "link",
            &format!(
                "{} since {}",
                link.id.short(),
                format::moment(link.created_at, model.now)
            ),
            Role::Muted,
            columns,
        ));
    }
    if !record.fields.is_empty() {
        out.push(Text::new());
        out.push(header(columns));
        out.extend(record.fields.iter().map(|field| field_line(field, columns)));
    }
    for item in &record.pending {
        out.push(Text::of(" ! ", Role::Warn).then(format!(
            "{} {}  {}",
            item.kind.word(),
            item.field,
            item.why
        )));
    }
    for error in &record.errors {
        out.push(Text::of(" ✗ ", Role::Error).then(format!("{}  {}", error.message, error.next)));
    }
    if !record.journal.is_empty() {
        out.push(Text::new());
        out.push(Text::of(" JOURNAL, newest first", Role::Muted));
    }
    for op in &record.journal {
        let fields: Vec<String> = op
            .fields
            .iter()
            .map(|(name, assignment)| {
                format!(
                    "{name}: {} → {}",
                    format::value(&assignment.before),
                    format::value(&assignment.after)
                )
            })
            .collect();
        out.push(
            Text::plain(format!(" run {} ", op.run))
                .and(op.side.letters(), theme::side(op.side))
                .then(format!(
                    " {} {}  {}",
                    op.kind.word(),
                    op.state.word(),
                    fields.join(", ")
                )),
        );
    }
    out
}

fn widths(columns: u16) -> (usize, usize) {
    let columns = usize::from(columns);
    let name = (columns / 6).clamp(8, 24);
    (name, columns.saturating_sub(name + 24) / 3)
}

fn header(columns: u16) -> Text {
    let (name, each) = widths(columns);
    Text::of(" FIELD", Role::Muted)
        .pad_to(name + 2)
        .and("BASE", Role::Muted)
        .pad_to(name + 2 + each)
        .and("SALESFORCE", Role::Muted)
        .pad_to(name + 2 + each * 2)
        .and("HUBSPOT", Role::Muted)
        .pad_to(name + 2 + each * 3)
        .and("VERDICT", Role::Muted)
}

fn field_line(field: &RecordField, columns: u16) -> Text {
    let (name, each) = widths(columns);
    let room = each.saturating_sub(2);
    let base = field
        .base
        .salesforce
        .as_ref()
        .or(field.base.hubspot.as_ref())
        .map_or("-".into(), format::value);
    let role = if field.verdict == "equal" {
        Role::Muted
    } else {
        Role::Warn
    };
    Text::plain(format!(
        " {}",
        format::cut(&format::clean(&field.names.salesforce), name)
    ))
    .pad_to(name + 2)
    .and(format::cut(&base, room), Role::Base)
    .pad_to(name + 2 + each)
    .and(
        format::cut(&format::value(&field.now.salesforce), room),
        Role::Left,
    )
    .pad_to(name + 2 + each * 2)
    .and(
        format::cut(&format::value(&field.now.hubspot), room),
        Role::Right,
    )
    .pad_to(name + 2 + each * 3)
    .and(&field.verdict, role)
}
