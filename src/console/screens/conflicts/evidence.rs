//! The field under the cursor in full: values, who changed them when, the rule, the result; and what would be sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::queue;
use crate::console::format;
use crate::console::model::Model;
use crate::console::screens::{labelled, waiting};
use crate::console::theme::{self, Role};
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::domain::{Choice, ItemKind, Side};
use crate::service::messages::{ConflictDetail, FieldView};

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let this = &model.conflicts;
    let Some((detail, field)) = this.detail().zip(this.field()) else {
        Panel::titled("Field").draw(buf, area, model.theme);
        return;
    };
    let names = if field
        .names
        .salesforce
        .eq_ignore_ascii_case(&field.names.hubspot)
    {
        field.names.salesforce.clone()
    } else {
        format!("{} ↔ {}", field.names.salesforce, field.names.hubspot)
    };
    let inner = Panel::titled(names)
        .bottom(queue::left_for_later(model, &detail.row).unwrap_or_default())
        .draw(buf, area, model.theme);
    let lines = lines(model, detail, field, inner.width, inner.height);
    draw_lines(buf, inner, &lines, model.theme);
}

fn lines(
    model: &Model,
    detail: &ConflictDetail,
    field: &FieldView,
    columns: u16,
    rows: u16,
) -> Vec<Text> {
    let narrow = columns < 60;
    let room = usize::from(columns).saturating_sub(8);
    let base_run = detail
        .base_run
        .map_or(String::new(), |run| format!("   set by run {run}"));
    let base = field
        .base
        .as_ref()
        .map_or("- (none yet: first sync)".into(), format::value);
    let mut out = vec![
        Text::of(" base   ", Role::Muted)
            .and(
                format::cut(&base, room.saturating_sub(format::width(&base_run))),
                Role::Base,
            )
            .and(base_run, Role::Muted),
    ];
    let newest = newest(field);
    for side in Side::BOTH {
        let value = format::value(&field.sides.get(side).value);
        let mut about = changed_by(model, detail, field, side);
        if newest == Some(side) {
            about = format!("newest, {about}");
        }
        let line = Text::plain(" ")
            .and(side.letters(), theme::side(side))
            .pad_to(8);
        if narrow || format::width(&value) > room / 2 {
            // A long value gets lines of its own, as many as there is room for.
            let most = if rows > 12 { 4 } else { 1 };
            let pieces = format::wrap(&value, room);
            let cut = pieces.len() > most;
            for (index, piece) in pieces.into_iter().take(most).enumerate() {
                let piece = if cut && index + 1 == most {
                    format::cut(&format!("{piece}……"), room)
                } else {
                    piece
                };
                out.push(if index == 0 {
                    line.clone().then(piece)
                } else {
                    Text::new().pad_to(8).then(piece)
                });
            }
            if rows > 6 || !narrow {
                out.push(Text::new().pad_to(8).and(about, Role::Muted));
            }
        } else {
            out.push(
                line.then(value)
                    .pad_to(8 + room / 2)
                    .and(about, Role::Muted),
            );
        }
    }
    if field.item.is_none() {
        out.push(Text::of(
            " Both sides agree, or the field is not in conflict.",
            Role::Muted,
        ));
        return out;
    }
    let suggests = field.suggest.map_or("asks".to_owned(), |side| {
        format!("suggests {}", side.letters())
    });
    if detail.row.kind == ItemKind::Oscillation {
        out.extend(labelled("frozen", &detail.row.rule, Role::Warn, columns));
    } else {
        out.push(
            Text::of(" rule   ", Role::Muted)
                .then(format!("\"{}\" {suggests}", format::rule(&field.rule))),
        );
    }
    let result = match (&field.choice, &field.result) {
        (None, _) => Text::of("not decided yet", Role::Warn),
        (Some(Choice::Ignore), _) => Text::of("both values stay as they are", Role::Accent),
        (Some(_), Some(value)) => Text::of(format::cut(&format::value(value), room), Role::Accent),
        (Some(_), None) => Text::of("decided when it is applied", Role::Accent),
    };
    let mut line = Text::of(" result ", Role::Muted).then("▸ ");
    line.extend(result);
    out.push(line);
    let alike = field
        .item
        .and_then(|item| detail.alike.get(&item.to_string()))
        .copied()
        .unwrap_or(0);
    if alike > 0 {
        let text = format!(
            " Also true of {}. ",
            format::count(alike as u64, "other open conflict", "other open conflicts")
        );
        out.push(
            Text::plain(text)
                .and("A", Role::Key)
                .then(" same choice for all"),
        );
    }
    for (choice, why) in &field.disabled {
        out.push(Text::of(format!(" {choice}: {why}"), Role::Muted));
    }
    out
}

/// The side with the later edit; none at a tie or where a time is missing.
pub fn newest(field: &FieldView) -> Option<Side> {
    let salesforce = field.sides.salesforce.modified_at?;
    let hubspot = field.sides.hubspot.modified_at?;
    match salesforce.cmp(&hubspot) {
        std::cmp::Ordering::Greater => Some(Side::Salesforce),
        std::cmp::Ordering::Less => Some(Side::HubSpot),
        std::cmp::Ordering::Equal => None,
    }
}

fn changed_by(model: &Model, detail: &ConflictDetail, field: &FieldView, side: Side) -> String {
    let value = field.sides.get(side);
    let when = value.modified_at.map(|at| format::moment(at, model.now));
    let by = value
        .modified_by
        .as_deref()
        .map(|by| format!(" by {by}"))
        .unwrap_or_default();
    match (when, field.changed.get(side)) {
        (Some(when), true) => format!("{when}{by}"),
        (Some(when), false) => {
            let since = detail.base_run.map_or("unchanged".into(), |run| {
                format!("unchanged since run {run}")
            });
            format!("{since}, {when}{by}")
        }
        (None, true) => format!("changed{by}"),
        (None, false) => "unchanged".into(),
    }
}

/// Draws what `W` would send for the selected row.
pub fn draw_outgoing(model: &Model, area: Rect, buf: &mut Buffer) {
    let this = &model.conflicts;
    let drafts = model.status.drafts;
    let right = if drafts > 0 {
        format!("{} drafted in all", format::number(drafts))
    } else {
        String::new()
    };
    let inner = Panel::titled("Will be sent when you apply (W)")
        .right(right)
        .draw(buf, area, model.theme);
    let Some(key) = this.queue.selected.as_ref() else {
        return;
    };
    let lines: Vec<Text> = match this.outgoing.get(key) {
        Some(outgoing) if outgoing.lines.is_empty() => {
            vec![Text::of(
                " Nothing yet: nothing of this record is decided.",
                Role::Muted,
            )]
        }
        Some(outgoing) => outgoing
            .lines
            .iter()
            .map(|line| {
                Text::plain(" ")
                    .and(line.side.name(), theme::side(line.side))
                    .then(format!(
                        " {} {}   {}: ",
                        line.object,
                        format::id(line.record.as_str()),
                        line.field
                    ))
                    .and(format::value(&line.before), Role::Base)
                    .then(format!(" → {}", format::value(&line.after)))
            })
            .collect(),
        None => waiting(model, "what would be sent", this.outgoing.waiting()),
    };
    draw_lines(buf, inner, &lines, model.theme);
}
