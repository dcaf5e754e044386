//! One record's request and answer: what was sent as the journal has it, and the refusal in the vendor's own words. Neither holds
//! a secret: the journal keeps field values only, and clients cut credentials out of what they quote.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::view::vendor_words;
use crate::console::format;
use crate::console::model::Model;
use crate::console::screens::{labelled, waiting};
use crate::console::theme::Role;
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::domain::{ErrorItem, Op};
use crate::service::messages::ErrorDetail;

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(item) = model.errors.records.current() else {
        Panel::titled("Request and answer").draw(buf, area, model.theme);
        return;
    };
    let title = format!("{} {} {}", item.side.letters(), item.object, item.record.id);
    let inner = Panel::titled(title)
        .right("request and answer, secrets hidden")
        .draw(buf, area, model.theme);
    let fetch = &model.errors.detail;
    let mut lines = match (fetch.get(&item.id), fetch.failure(&item.id)) {
        (Some(detail), _) => sent(model, detail, inner.width),
        (None, Some(why)) => labelled("Sent", why, Role::Warn, inner.width),
        (None, None) => waiting(model, "what was sent", fetch.waiting()),
    };
    let told = answered(item, inner.width);
    // What was sent gives way to the answer and the next step on a short pane.
    let last = next(model, item, inner.width);
    let room = usize::from(inner.height).saturating_sub(told.len() + last.len());
    if lines.len() > room.max(1) {
        lines.truncate(room.max(1));
    }
    lines.extend(told);
    lines.extend(last);
    draw_lines(buf, inner, &lines, model.theme);
}

fn sent(model: &Model, detail: &ErrorDetail, columns: u16) -> Vec<Text> {
    let Some(op) = &detail.op else {
        let item = &detail.item;
        let value = format::value(&item.value);
        let words = match item.field.as_str() {
            "" => "nothing was sent".to_owned(),
            field => format!("nothing was sent; {field} is \"{value}\""),
        };
        return labelled("Sent", &words, Role::Text, columns);
    };
    let mut lines = labelled(
        "Sent",
        &format!("{}   {}", detail.request, when(model, op)),
        Role::Text,
        columns,
    );
    let room = usize::from(columns).saturating_sub(12);
    for (name, assignment) in &op.fields {
        let text = format!("{name}: {}", quoted(&format::value(&assignment.after)));
        let role = if *name == detail.item.field || assignment.pair == detail.item.field {
            Role::Warn
        } else {
            Role::Text
        };
        lines.push(
            Text::of("        > ", Role::Muted).and(format::cut(&format::clean(&text), room), role),
        );
    }
    lines
}

fn quoted(value: &str) -> String {
    format!("\"{value}\"")
}

fn when(model: &Model, op: &Op) -> String {
    let sent = op.attempt.sent_at.map_or("not sent yet".to_owned(), |at| {
        format::moment(at, model.now)
    });
    format!("{sent}, run {}, batch {}", op.run, op.attempt.batch)
}

fn answered(item: &ErrorItem, columns: u16) -> Vec<Text> {
    let Some(vendor) = &item.vendor else {
        return labelled("Why", &item.message, Role::Text, columns);
    };
    let mut lines = labelled("Answer", &vendor_words(vendor), Role::Text, columns);
    if !vendor.fields.is_empty() {
        let names = vendor.fields.join(", ");
        lines.extend(labelled(
            "",
            &format!("names {names}"),
            Role::Muted,
            columns,
        ));
    }
    lines.truncate(4);
    if let Some(id) = &vendor.request_id {
        let text = format!("correlation {id}   y copies");
        lines.extend(labelled("Id", &text, Role::Muted, columns));
    }
    lines
}

fn next(model: &Model, item: &ErrorItem, columns: u16) -> Vec<Text> {
    let mut lines = labelled("Do", &item.next, Role::Accent, columns);
    let again = item
        .retry_at
        .map_or("not by itself; an edit or R".into(), |at| {
            format::until(at, model.now)
        });
    let tries = format!(
        "{}, again: {again}",
        format::count(u64::from(item.tries), "try", "tries")
    );
    lines.extend(labelled("Tries", &tries, Role::Muted, columns));
    lines
}
