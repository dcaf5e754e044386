//! A review item: its own record beside the candidates, and why a person is needed.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::{draw_fetch, labelled};
use super::choose::said_of;
use super::queue;
use crate::console::format;
use crate::console::model::Model;
use crate::console::theme::{self, Role};
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::service::messages::{CandidateView, ConflictDetail, Take};

/// Draws the candidates side by side.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let this = &model.conflicts;
    let row = this.queue.current();
    let title = row.map_or(String::new(), |row| {
        format!(
            "{}   {}",
            format::cut(&format::clean(&row.label), 40),
            format::item_kind(row.kind)
        )
    });
    let right = this.detail().map_or(String::new(), |detail| {
        format::count(detail.candidates.len() as u64, "candidate", "candidates")
    });
    let inner = Panel::titled(title)
        .right(right)
        .focused(this.opened)
        .draw(buf, area, model.theme);
    draw_fetch(
        buf,
        inner,
        model,
        &this.detail,
        this.queue.selected.as_ref(),
        "the records",
        |buf, inner, detail| {
            columns(model, detail, inner, buf);
        },
    );
}

/// Columns: the field names, the own record, then as many candidates as fit around the one under the cursor.
fn columns(model: &Model, detail: &ConflictDetail, inner: Rect, buf: &mut Buffer) {
    let names: BTreeSet<&String> = detail
        .own
        .iter()
        .chain(&detail.candidates)
        .flat_map(|view| view.values.keys())
        .collect();
    let lead = 14usize.min(usize::from(inner.width / 4));
    let room = usize::from(inner.width).saturating_sub(lead + 1);
    let fits = (room / 22).max(1);
    let own = usize::from(detail.own.is_some() && fits > 1);
    let many = detail.candidates.len();
    let shown = (fits - own).min(many);
    let at = model.conflicts.candidates.at;
    let first = at
        .saturating_sub(shown.saturating_sub(1))
        .min(many.saturating_sub(shown));
    let wide = room / (own + shown).max(1);
    let label = |text: &str, y: u16, buf: &mut Buffer| {
        Text::of(format!(" {text}"), Role::Muted).draw(
            buf,
            inner.x,
            y,
            lead,
            model.theme,
            Style::new(),
        );
    };
    for (row, name) in names.iter().enumerate() {
        let y = inner.y + 2 + row as u16;
        if y < inner.bottom() {
            label(name, y, buf);
        }
    }
    if inner.height > 1 {
        label("why", inner.y + 1, buf);
    }
    let mut x = inner.x + lead as u16 + 1;
    let mut one = |view: &CandidateView, head: Text, selected: bool, buf: &mut Buffer| {
        let over = if selected && model.conflicts.opened {
            model.theme.style(Role::Selection)
        } else if selected {
            Style::new().add_modifier(Modifier::BOLD)
        } else {
            Style::new()
        };
        let columns = wide.saturating_sub(2);
        head.draw(buf, x, inner.y, columns, model.theme, over);
        if inner.height > 1 {
            Text::of(&view.candidate.why, Role::Muted).draw(
                buf,
                x,
                inner.y + 1,
                columns,
                model.theme,
                Style::new(),
            );
        }
        for (row, name) in names.iter().enumerate() {
            let y = inner.y + 2 + row as u16;
            if y >= inner.bottom() {
                break;
            }
            let value = view.values.get(*name).map_or("-".into(), format::value);
            let own = detail
                .own
                .as_ref()
                .and_then(|own| own.values.get(*name))
                .map(format::value);
            let role = if own.as_ref().is_some_and(|own| *own != value) {
                Role::Warn
            } else {
                Role::Text
            };
            let text = Text::of(format::cut(&value, columns.saturating_sub(2)), Role::Text);
            let text = if role == Role::Warn {
                text.and(" ~", Role::Warn)
            } else {
                text
            };
            text.draw(buf, x, y, columns, model.theme, Style::new());
        }
        x += wide as u16;
    };
    if let Some(view) = &detail.own
        && own == 1
    {
        let record = &view.candidate.record;
        let head = Text::of("● ", Role::Accent)
            .and(
                format!("{} ", record.side.letters()),
                theme::side(record.side),
            )
            .then(format!(
                "{} {}",
                format::id(record.id.as_str()),
                view.candidate.label
            ));
        one(view, head, false, buf);
    }
    for (index, view) in detail.candidates.iter().enumerate().skip(first).take(shown) {
        let record = &view.candidate.record;
        let head = Text::plain(if index == at { "▌" } else { " " })
            .and(
                format!("{} ", record.side.letters()),
                theme::side(record.side),
            )
            .then(format!(
                "{} {}",
                format::id(record.id.as_str()),
                view.candidate.label
            ));
        one(view, head, index == at, buf);
    }
    if many == 0 {
        let y = inner.y + inner.height.saturating_sub(1).min(2 + names.len() as u16);
        Text::of(" There is no candidate.", Role::Muted).draw(
            buf,
            inner.x,
            y,
            usize::from(inner.width),
            model.theme,
            Style::new(),
        );
    }
}

/// Draws why a person is needed, and what was chosen.
pub fn draw_why(model: &Model, area: Rect, buf: &mut Buffer) {
    let detail = model.conflicts.detail();
    let note = detail.and_then(|detail| queue::left_for_later(model, &detail.row));
    let inner = Panel::titled("Why")
        .bottom(note.unwrap_or_default())
        .draw(buf, area, model.theme);
    let Some(detail) = detail else {
        return;
    };
    let mut lines = Vec::new();
    for item in &detail.items {
        lines.extend(labelled("why", &item.why, Role::Text, inner.width));
        lines.extend(labelled(
            "since",
            &format!(
                "{} (run {})",
                format::moment(item.first_seen, model.now),
                item.run
            ),
            Role::Text,
            inner.width,
        ));
        let (chosen, role) = match &item.resolution {
            Some(resolution) => (
                said_of(&Take::Choice(resolution.choice.clone())),
                Role::Accent,
            ),
            None => ("not decided yet".to_owned(), Role::Warn),
        };
        lines.extend(labelled("chosen", &chosen, role, inner.width));
    }
    draw_lines(buf, inner, &lines, model.theme);
}
