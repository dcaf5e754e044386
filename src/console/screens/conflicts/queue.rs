//! The queue: one row per record with open conflicts, one per review item.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::counted_title;
use super::super::list_view::ListView;
use crate::console::format;
use crate::console::hit::HitMap;
use crate::console::model::Model;
use crate::console::theme::Role;
use crate::console::widgets::{Col, Panel, Text, draw_lines};
use crate::domain::{ItemKind, ItemState, Side};
use crate::service::messages::{ConflictRow, FieldView};

const COLUMNS: &[Col] = &[
    Col::fixed(" ", 1, 0),
    Col::fixed("AGE", 3, 1),
    Col::flex("MAPPING", 8, 1, 20, 3),
    Col::flex("RECORD", 14, 3, 60, 0),
    Col::flex("FIELDS", 13, 2, 40, 2),
    Col::fixed("SUGGEST", 11, 4),
    Col::fixed("STATE", 5, 5),
];

/// Draws the queue.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let list = &model.conflicts.queue;
    let last = model
        .mappings
        .list
        .rows
        .iter()
        .filter_map(|row| row.last_run_at)
        .max();
    let none = format!(
        "No conflicts.{}",
        last.map_or(String::new(), |at| format!(
            " The last run ended {}.",
            format::ago(at, model.now)
        ))
    );
    ListView {
        list,
        title: counted_title("Conflicts", list),
        order: "oldest first",
        what: "conflicts",
        empty: &[
            &none,
            "What both sides changed, and what only a person can decide, waits here. 6 shows runs.",
        ],
        columns: COLUMNS,
        focused: !model.conflicts.opened,
        cells: &|row| cells(model, row),
    }
    .draw(model, area, buf, hits);
}

fn cells(model: &Model, row: &ConflictRow) -> Vec<Text> {
    let draft = row.state == ItemState::Draft;
    let fields = match row.kind {
        ItemKind::Field => row.fields.join(", "),
        ItemKind::Oscillation => format!("{} frozen", row.fields.join(", ")),
        review => format::item_kind(review).to_owned(),
    };
    let rule = format::rule(&row.rule);
    let suggest = match (row.kind, row.suggest) {
        (ItemKind::Field, Some(side)) if row.rule == "last_write_wins" => {
            format!("newest: {}", side.letters())
        }
        (ItemKind::Field, Some(side)) => format!("{} rule", side.letters()),
        (ItemKind::Field, None) => rule,
        _ => "-".into(),
    };
    let label = if row.label.is_empty() {
        let id = row.ids.salesforce.as_ref().or(row.ids.hubspot.as_ref());
        Text::of(
            id.map_or("(no name)".into(), |id| format::id(id.as_str())),
            Role::Muted,
        )
    } else {
        Text::plain(&row.label)
    };
    vec![
        if draft {
            Text::of("●", Role::Accent)
        } else {
            Text::new()
        },
        Text::plain(format::age(row.since, model.now)),
        Text::plain(row.mapping.as_str()),
        label,
        Text::of(
            fields,
            if row.kind == ItemKind::Field {
                Role::Text
            } else {
                Role::Warn
            },
        ),
        Text::plain(suggest),
        match row.later {
            _ if draft => Text::of("draft", Role::Accent),
            Some(_) => Text::of("later", Role::Muted),
            None => Text::plain("open"),
        },
    ]
}

/// Draws the first two fields of the selected row, or why a review item waits.
pub fn draw_peek(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(row) = model.conflicts.queue.current() else {
        Panel::default().draw(buf, area, model.theme);
        return;
    };
    let ids: Vec<String> = Side::BOTH
        .into_iter()
        .filter_map(|side| {
            row.ids
                .get(side)
                .as_ref()
                .map(|id| format!("{} {}", side.letters(), format::id(id.as_str())))
        })
        .collect();
    let title = format!(
        "{}   {}",
        format::cut(&format::clean(&row.label), 40),
        ids.join(" ↔ ")
    );
    let inner = Panel::titled(title)
        .bottom(left_for_later(model, row).unwrap_or_default())
        .draw(buf, area, model.theme);
    let lines: Vec<Text> = if row.kind.is_of_field() {
        row.peek
            .iter()
            .take(2)
            .map(|field| peek_line(field, inner.width))
            .collect()
    } else {
        let width = usize::from(inner.width.saturating_sub(2));
        let reason = format::wrap(&format::clean(&row.rule), width);
        let mut lines: Vec<Text> = reason
            .iter()
            .map(|line| Text::plain(format!(" {line}")))
            .collect();
        if lines.len() == 1 {
            let hint = Text::new().and(" enter", Role::Key);
            lines.push(hint.then(" shows the records side by side"));
        }
        lines
    };
    draw_lines(buf, inner, &lines, model.theme);
}

/// Why, by whom and when a row was left for later.
pub fn left_for_later(model: &Model, row: &ConflictRow) -> Option<String> {
    let note = row.later.as_ref()?;
    let reason = match format::clean(&note.reason) {
        reason if reason.is_empty() => "left for later".to_owned(),
        reason => format!("later: {}", format::cut(&reason, 50)),
    };
    let by = format::clean(&note.by);
    Some(format!(
        "{reason} ({by}, {})",
        format::ago(note.at, model.now)
    ))
}

fn peek_line(field: &FieldView, columns: u16) -> Text {
    let name = 10;
    let each = usize::from(columns).saturating_sub(name + 16) / 3;
    let mut line = Text::plain(format!(
        " {}",
        format::cut(&format::clean(&field.names.salesforce), name - 1)
    ))
    .pad_to(name + 1);
    let base = field.base.as_ref().map_or("-".into(), format::value);
    line = line
        .and("base ", Role::Muted)
        .and(format::cut(&base, each), Role::Base)
        .pad_to(name + 7 + each);
    for side in Side::BOTH {
        let value = format::cut(
            &format::value(&field.sides.get(side).value),
            each.saturating_sub(2),
        );
        line = line
            .and(
                format!("{} ", side.letters()),
                crate::console::theme::side(side),
            )
            .then(value);
        if *field.changed.get(side) {
            line.push(" ~", Role::Warn);
        }
        let to = if side == Side::Salesforce {
            name + 11 + each * 2
        } else {
            0
        };
        line = line.pad_to(to);
    }
    line
}

/// The line below the queue: how many are drafted.
pub fn draw_summary(model: &Model, area: Rect, buf: &mut Buffer) {
    let drafts = model
        .conflicts
        .counts
        .as_ref()
        .map_or(model.status.drafts, |counts| counts.drafts as u64);
    let line = match (drafts, &model.conflicts.counts) {
        (0, _) => Text::of(
            " Nothing is drafted. Nothing is sent while you choose.",
            Role::Muted,
        ),
        (drafts, Some(counts)) => Text::plain(format!(
            " {} drafted, {} open. ",
            format::number(drafts),
            format::number(counts.open as u64)
        ))
        .and("W", Role::Key)
        .then(" shows what would be sent, and asks."),
        (drafts, None) => Text::plain(format!(" {} drafted. ", format::number(drafts)))
            .and("W", Role::Key)
            .then(" shows what would be sent, and asks."),
    };
    draw_lines(buf, area, &[line], model.theme);
}
