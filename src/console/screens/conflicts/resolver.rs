//! The three-way table of one record: base, Salesforce, HubSpot, and what is taken.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::draw_fetch;
use super::taken;
use crate::console::format;
use crate::console::hit::{Hit, HitMap};
use crate::console::model::Model;
use crate::console::theme::Role;
use crate::console::widgets::{Col, Panel, Table, TableRow, Text, draw_table};
use crate::domain::{Side, Value};
use crate::service::messages::{ConflictDetail, FieldView};

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let this = &model.conflicts;
    let label = this
        .queue
        .current()
        .map_or(String::new(), |row| format::clean(&row.label));
    let place = format!(
        "{} of {}",
        format::number((this.queue.cursor + 1).min(this.queue.matched) as u64),
        format::number(this.queue.matched as u64)
    );
    let right = this.detail().map_or(String::new(), |detail| {
        let conflicts = detail.fields.iter().filter(|field| field.item.is_some());
        let undecided = conflicts
            .clone()
            .filter(|field| field.choice.is_none())
            .count();
        format!("{} differ, {undecided} undecided", conflicts.count())
    });
    if this.queue.current().is_none() {
        Panel::titled("Record").draw(buf, area, model.theme);
        return;
    }
    let inner = Panel::titled(format!(
        "{}   {place}",
        format::cut(&label, usize::from(area.width / 3))
    ))
    .right(right)
    .focused(this.opened)
    .draw(buf, area, model.theme);
    draw_fetch(
        buf,
        inner,
        model,
        &this.detail,
        this.queue.selected.as_ref(),
        "the record",
        |buf, inner, detail| {
            table(model, detail, inner, buf);
            if this.opened {
                hits.add(
                    Rect {
                        y: inner.y + 1,
                        height: inner.height.saturating_sub(1),
                        ..inner
                    },
                    Hit::Rows,
                );
            }
        },
    );
}

fn table(model: &Model, detail: &ConflictDetail, inner: Rect, buf: &mut Buffer) {
    let this = &model.conflicts;
    let columns = [
        Col::flex("FIELD", 10, 1, 24, 0),
        Col::flex("BASE", 12, 2, 40, 2),
        Col::flex("SALESFORCE", 14, 2, 60, 0),
        Col::flex("HUBSPOT", 14, 2, 60, 0),
        Col::fixed("TAKE", 4, 0),
    ];
    let rows = detail
        .fields
        .iter()
        .enumerate()
        .skip(this.fields.top)
        .take(this.fields.height)
        .map(|(at, field)| TableRow {
            cells: cells(field),
            selected: at == this.fields.at,
            marked: false,
            dim: false,
        })
        .collect();
    draw_table(
        buf,
        inner,
        &Table {
            columns: &columns,
            rows,
            marks: false,
            focused: this.opened,
        },
        model.theme,
    );
}

fn cells(field: &FieldView) -> Vec<Text> {
    let quiet = field.item.is_none();
    let side = |side: Side| {
        let own = &field.sides.get(side).value;
        let role = if quiet { Role::Muted } else { Role::Text };
        let text = match own {
            Value::Unknown if quiet => Text::of("(not read)", Role::Muted),
            value => Text::of(format::value(value), role),
        };
        if *field.changed.get(side) {
            text.mark(" ~", Role::Warn)
        } else {
            text
        }
    };
    let take = taken(field);
    let role = match take {
        "SF" => Role::Left,
        "HS" => Role::Right,
        "?" => Role::Warn,
        "=" => Role::Muted,
        _ => Role::Accent,
    };
    vec![
        Text::plain(&field.names.salesforce),
        Text::of(
            field.base.as_ref().map_or("-".into(), format::value),
            Role::Base,
        ),
        side(Side::Salesforce),
        side(Side::HubSpot),
        Text::of(take, role),
    ]
}
