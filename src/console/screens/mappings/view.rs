//! Drawing of screen 1.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Focus, detail, needs};
use crate::console::format;
use crate::console::hit::{Hit, HitMap};
use crate::console::layout::{self, Frame, Room};
use crate::console::list::Nav;
use crate::console::model::Model;
use crate::console::screens::{failed, instead_of_rows, nothing_matches, waiting};
use crate::console::theme::{self, Role};
use crate::console::widgets::{
    Col, Panel, Table, TableRow, Text, draw_lines, draw_notice, draw_table, sparkline,
};
use crate::domain::{Direction, RunState};
use crate::service::messages::{MappingRow, MappingStatus};

const COLUMNS: &[Col] = &[
    Col::fixed("ST", 2, 0),
    Col::flex("MAPPING", 14, 1, 60, 0),
    Col::fixed("DIR", 3, 3),
    Col::fixed("LAST RUN", 8, 2),
    Col::number("CHANGED", 7, 2),
    Col::number("CONF", 4, 0),
    Col::number("ERR", 3, 0),
    Col::fixed("NEXT", 10, 4),
];

const SPARK: Col = Col::fixed("LAST RUNS", 20, 5);

/// Draws the screen.
pub fn draw(model: &Model, frame: Frame, buf: &mut Buffer, hits: &mut HitMap) {
    let this = &model.mappings;
    let areas = layout::mappings(frame.body, frame.room, this.focus == Focus::Detail);
    if areas.list.height > 0 {
        draw_list(model, frame.room, areas.list, buf, hits);
    }
    if areas.detail.height > 0 {
        detail::draw(model, areas.detail, buf);
    }
    if areas.needs.height > 0 {
        draw_needs(model, areas.needs, buf, hits);
    }
    if areas.activity.height > 0 {
        draw_activity(model, areas.activity, buf, hits);
    }
}

fn draw_list(model: &Model, room: Room, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let list = &model.mappings.list;
    let focused = model.mappings.focus == Focus::List;
    let place = if list.shown.is_empty() {
        0
    } else {
        list.cursor.at + 1
    };
    let mut bottom = format!("{place} of {}", list.shown.len());
    if list.hidden() > 0 {
        bottom += &format!(" ({} hidden)", list.hidden());
    }
    if !list.marks.is_empty() {
        bottom = format!("{} marked, {bottom}", list.marks.len());
    }
    let right = if list.filter.is_empty() {
        String::new()
    } else {
        format!("/ {}", list.filter)
    };
    let inner = Panel::titled(if list.at.is_some() {
        format!("Mappings {}", list.rows.len())
    } else {
        "Mappings".into()
    })
    .right(right)
    .bottom(bottom)
    .focused(focused)
    .draw(buf, area, model.theme);
    if let Some(lines) = stand_in(model) {
        draw_notice(buf, inner, &lines, model.theme);
        return;
    }
    let mut columns = COLUMNS.to_vec();
    if room == Room::Huge {
        columns.push(SPARK);
    }
    let rows = list
        .shown
        .iter()
        .enumerate()
        .skip(list.cursor.top)
        .take(list.cursor.height)
        .filter_map(|(at, index)| {
            let row = list.rows.get(*index)?;
            Some(TableRow {
                cells: cells(model, row),
                selected: at == list.cursor.at,
                marked: list.marks.contains(&row.mapping),
                dim: false,
            })
        })
        .collect();
    let table = Table {
        columns: &columns,
        rows,
        marks: !list.marks.is_empty(),
        focused,
    };
    draw_table(buf, inner, &table, model.theme);
    if focused {
        hits.add(
            Rect {
                y: inner.y + 1,
                height: inner.height.saturating_sub(1),
                ..inner
            },
            Hit::Rows,
        );
    }
}

fn stand_in(model: &Model) -> Option<Vec<Text>> {
    let list = &model.mappings.list;
    if let Some(why) = &list.failed {
        return Some(failed("mappings", why));
    }
    if list.at.is_none() && list.rows.is_empty() {
        return Some(waiting(
            model,
            "mappings",
            list.pending.map(|(_, since)| since),
        ));
    }
    if list.rows.is_empty() {
        return Some(vec![
            Text::plain("No mappings are configured."),
            Text::of(
                "Add a [[mapping]] to the config file and start Syncline again.",
                Role::Muted,
            ),
        ]);
    }
    list.shown
        .is_empty()
        .then(|| nothing_matches(&list.filter, list.rows.len()))
}

/// Glyph and role of a mapping's state; what needs a look comes before what is fine.
fn glyph(row: &MappingRow) -> (&'static str, Role) {
    match &row.state {
        MappingStatus::Halted(_) => ("✗", Role::Error),
        MappingStatus::Paused => ("‖", Role::Muted),
        MappingStatus::ToConfirm => ("·", Role::Muted),
        MappingStatus::Running => ("▸", Role::Accent),
        MappingStatus::Active if row.errors > 0 || row.conflicts > 0 => ("!", Role::Warn),
        MappingStatus::Active => ("✓", Role::Ok),
    }
}

fn cells(model: &Model, row: &MappingRow) -> Vec<Text> {
    let (glyph, role) = glyph(row);
    let never = row.last_run_at.is_none();
    let counted = |value: u64, role: Role| match (never, value) {
        (true, _) => Text::of("-", Role::Muted),
        (false, 0) => Text::plain("0"),
        (false, value) => Text::of(format::number(value), role),
    };
    let next = match &row.state {
        MappingStatus::Halted(_) => "halted".into(),
        MappingStatus::Paused => "paused".into(),
        MappingStatus::ToConfirm => "to confirm".into(),
        MappingStatus::Running => "running".into(),
        MappingStatus::Active => row
            .next_run_at
            .map_or("by hand".into(), |at| format::until(at, model.now)),
    };
    let arrow = match row.direction {
        Direction::Both => "↔",
        one_way => format::arrow(one_way),
    };
    let objects = format!("{} {arrow} {}", row.objects.salesforce, row.objects.hubspot);
    let name = Text::plain(row.mapping.as_str()).and(format!("  {objects}"), Role::Muted);
    let recent: Vec<u64> = row.recent.iter().map(|run| run.changed).collect();
    vec![
        Text::of(glyph, role),
        name,
        Text::plain(format::arrow(row.direction)),
        Text::plain(
            row.last_run_at
                .map_or("never".into(), |at| format::ago(at, model.now)),
        ),
        row.changed.map_or(Text::of("-", Role::Muted), |changed| {
            Text::plain(format::number(changed))
        }),
        counted(row.conflicts, Role::Warn),
        counted(row.errors, Role::Error),
        Text::plain(next),
        Text::plain(sparkline(&recent)),
    ]
}

fn draw_needs(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let focused = model.mappings.focus == Focus::Needs;
    let needs = needs(model);
    let cursor = model.mappings.needs;
    let hidden = needs.len().saturating_sub(cursor.height);
    let bottom = if hidden > 0 {
        format!("{} of {}", cursor.at + 1, needs.len())
    } else {
        String::new()
    };
    let inner = Panel::titled("Needs you")
        .bottom(bottom)
        .focused(focused)
        .draw(buf, area, model.theme);
    if needs.is_empty() {
        let line = if model.mappings.list.at.is_none() {
            Text::new()
        } else {
            Text::of(" ✓", Role::Ok).then(" Nothing waits for you.")
        };
        draw_lines(buf, inner, &[line], model.theme);
        return;
    }
    let verb_at = usize::from(inner.width).saturating_sub(18);
    for (row, (at, need)) in needs
        .iter()
        .enumerate()
        .skip(cursor.top)
        .take(usize::from(inner.height))
        .enumerate()
    {
        let y = inner.y + row as u16;
        let over = if focused && at == cursor.at {
            model.theme.style(Role::Selection)
        } else {
            Style::new()
        };
        let line = Rect {
            y,
            height: 1,
            ..inner
        };
        if focused && at == cursor.at {
            buf.set_style(line, over);
            Text::plain("▌").draw(buf, inner.x, y, 1, model.theme, over);
        }
        let (glyph, role) = theme::tone(need.tone);
        Text::of(glyph, role).then(format!(" {}", need.text)).draw(
            buf,
            inner.x + 1,
            y,
            verb_at.saturating_sub(2),
            model.theme,
            over,
        );
        Text::of(need.key, Role::Key)
            .pad_to(7)
            .then(need.verb)
            .draw(buf, inner.x + verb_at as u16, y, 18, model.theme, over);
    }
    if focused {
        hits.add(inner, Hit::Rows);
    }
}

fn draw_activity(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let focused = model.mappings.focus == Focus::Activity;
    let list = &model.mappings.activity;
    let inner = Panel::titled("Activity")
        .focused(focused)
        .draw(buf, area, model.theme);
    if let Some(lines) = instead_of_rows(
        model,
        list,
        "activity",
        &["Nothing has happened yet. R on a mapping starts a run."],
    ) {
        draw_notice(buf, inner, &lines, model.theme);
        return;
    }
    for (row, (at, activity)) in list.visible().enumerate() {
        let Some(activity) = activity else { continue };
        let y = inner.y + row as u16;
        let selected = focused && at == list.cursor;
        let over = if selected {
            model.theme.style(Role::Selection)
        } else {
            Style::new()
        };
        if selected {
            buf.set_style(
                Rect {
                    y,
                    height: 1,
                    ..inner
                },
                over,
            );
            Text::plain("▌").draw(buf, inner.x, y, 1, model.theme, over);
        }
        let (_, role) = theme::tone(activity.tone);
        let line = Text::of(activity.at.format("%H:%M").to_string(), Role::Muted)
            .and("  ", Role::Text)
            .and(format::cut(&format::clean(&activity.what), 24), role)
            .pad_to(27)
            .then(&activity.detail);
        line.draw(
            buf,
            inner.x + 1,
            y,
            usize::from(inner.width.saturating_sub(1)),
            model.theme,
            over,
        );
    }
    if focused {
        hits.add(inner, Hit::Rows);
    }
}

/// The glyph of a run's end.
pub fn run_glyph(state: RunState) -> (&'static str, Role) {
    match state {
        RunState::Done => ("✓", Role::Ok),
        RunState::DoneWithErrors => ("!", Role::Warn),
        RunState::Halted | RunState::Crashed => ("✗", Role::Error),
        RunState::AwaitingConfirm => ("!", Role::Warn),
        RunState::Cancelled => ("‖", Role::Muted),
        RunState::Running => ("▸", Role::Accent),
    }
}
