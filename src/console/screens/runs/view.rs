//! Drawing of screen 6.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::journal::{draw_journal, draw_op};
use crate::console::format;
use crate::console::hit::HitMap;
use crate::console::layout::{self, Frame};
use crate::console::model::Model;
use crate::console::screens::labelled;
use crate::console::screens::list_view::ListView;
use crate::console::theme::Role;
use crate::console::widgets::{Col, Panel, Text, draw_lines};
use crate::domain::{Counters, RunKind, RunRecord, RunState, Side};
use crate::service::messages::RunRow;

const RUNS: &[Col] = &[
    Col::number("RUN", 5, 0),
    Col::fixed("WHEN", 13, 0),
    Col::flex("BY", 8, 1, 20, 3),
    Col::number("TOOK", 6, 4),
    Col::number("APPLIED", 7, 0),
    Col::number("CONF", 4, 2),
    Col::number("ERR", 4, 2),
    Col::flex("STATE", 15, 3, 60, 1),
];

/// Draws the screen.
pub fn draw(model: &Model, frame: Frame, buf: &mut Buffer, hits: &mut HitMap) {
    let areas = layout::runs(frame.body, frame.room, model.runs.opened);
    if areas.list.height > 0 {
        draw_runs(model, areas.list, buf, hits);
    }
    if areas.about.height > 0 {
        draw_about(model, areas.about, buf);
    }
    if areas.inner.height > 0 {
        draw_journal(model, areas.inner, buf, hits);
    }
    if areas.deep.height > 0 {
        draw_op(model, areas.deep, buf);
    }
}

/// Records written by a run, both sides.
pub fn applied(run: &RunRecord) -> u64 {
    run.mappings
        .iter()
        .map(|mapping| written(&mapping.counts))
        .sum()
}

fn written(counts: &Counters) -> u64 {
    Side::BOTH
        .into_iter()
        .map(|side| {
            counts.created.get(side)
                + counts.updated.get(side)
                + counts.archived.get(side)
                + counts.merged.get(side)
        })
        .sum()
}

fn waiting_records(run: &RunRecord) -> (u64, u64) {
    run.mappings
        .iter()
        .fold((0, 0), |(conflicts, errors), mapping| {
            (
                conflicts + mapping.counts.conflicts + mapping.counts.review,
                errors + mapping.counts.errors,
            )
        })
}

/// A run in a sentence, for the message line and the normal screen.
pub fn summary(run: &RunRecord) -> String {
    let (conflicts, errors) = waiting_records(run);
    let how = match run.state {
        RunState::Done | RunState::DoneWithErrors => "finished".to_owned(),
        RunState::Halted => format!(
            "halted: {}",
            run.reason.as_deref().unwrap_or("a valve tripped")
        ),
        RunState::AwaitingConfirm => "waits for a confirm".into(),
        RunState::Cancelled => "stopped".into(),
        other => other.word().replace('_', " "),
    };
    format!(
        "Run {} {}: {} applied, {}, {} in error.",
        run.run,
        how.trim_end_matches('.'),
        format::number(applied(run)),
        format::count(conflicts, "conflict", "conflicts"),
        format::number(errors)
    )
}

fn state_words(run: &RunRecord) -> (String, Role) {
    match run.state {
        RunState::Running => ("running".into(), Role::Accent),
        RunState::AwaitingConfirm => ("! to confirm".into(), Role::Warn),
        RunState::Done => ("✓ done".into(), Role::Ok),
        RunState::DoneWithErrors => ("! some wait".into(), Role::Warn),
        RunState::Halted => {
            let why = run
                .valves
                .first()
                .map_or("see below".to_owned(), |valve| valve.valve.clone());
            (format!("✗ halted: {why}"), Role::Error)
        }
        RunState::Cancelled => ("‖ stopped".into(), Role::Muted),
        RunState::Crashed => ("✗ crashed, recovered".into(), Role::Error),
    }
}

fn draw_runs(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    ListView {
        list: &model.runs.runs,
        title: "Runs".into(),
        order: "newest first",
        what: "runs",
        empty: &["Nothing has run yet.", "1 Mappings, then R starts a run."],
        columns: RUNS,
        focused: !model.runs.opened,
        cells: &|row| run_cells(model, row),
    }
    .draw(model, area, buf, hits);
}

fn run_cells(model: &Model, row: &RunRow) -> Vec<Text> {
    let run = &row.record;
    let (conflicts, errors) = waiting_records(run);
    let when = if run.started_at.date_naive() == model.now.date_naive() {
        format!("{} today", run.started_at.format("%H:%M"))
    } else {
        format::moment(run.started_at, model.now)
    };
    let took = run.ended_at.map_or("-".into(), |ended| {
        format::duration((ended - run.started_at).num_seconds())
    });
    let by = match run.kind {
        RunKind::Incremental | RunKind::Undo => run.by.clone(),
        kind => format!("{} {}", run.by, kind.word()),
    };
    let (state, role) = match row.undone_by {
        Some(undo) => (format!("· undone by {undo}"), Role::Muted),
        None => state_words(run),
    };
    vec![
        Text::plain(run.run.to_string()),
        Text::plain(when),
        Text::plain(by),
        Text::plain(took),
        Text::plain(format::number(applied(run))),
        Text::plain(format::number(conflicts)),
        Text::of(
            format::number(errors),
            if errors > 0 { Role::Error } else { Role::Text },
        ),
        Text::of(state, role),
    ]
}

fn draw_about(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(run) = model.runs.selected() else {
        Panel::titled("Statistics").draw(buf, area, model.theme);
        return;
    };
    let title = format!("Run {}   {}", run.run, run.kind.word());
    let inner = Panel::titled(title)
        .right(run.state.word().replace('_', " "))
        .draw(buf, area, model.theme);
    let mut lines = Vec::new();
    if let Some(reason) = &run.reason {
        lines.extend(
            labelled("Why", reason, Role::Error, inner.width)
                .into_iter()
                .take(2),
        );
    }
    for valve in &run.valves {
        let text = format!(
            "{}: {} ({} of {})",
            valve.mapping,
            valve.message,
            format::number(valve.found),
            format::number(valve.limit)
        );
        lines.extend(labelled("Valve", &text, Role::Warn, inner.width));
    }
    if run.can_confirm() {
        lines.push(
            Text::plain(" ")
                .and("R", Role::Key)
                .pad_to(8)
                .then("runs this plan all the same, after a dialog; ")
                .and("enter", Role::Key)
                .then(" shows it"),
        );
    }
    for mapping in &run.mappings {
        lines.extend(labelled(
            "",
            &mapping_line(mapping.mapping.as_str(), &mapping.counts),
            Role::Text,
            inner.width,
        ));
    }
    let calls = |side: Side| {
        format!(
            "{} {} (~{} expected)",
            side.letters(),
            format::number(*run.calls.total.get(side)),
            format::number(*run.expected_calls.get(side))
        )
    };
    lines.extend(labelled(
        "Calls",
        &format!("{}   {}", calls(Side::Salesforce), calls(Side::HubSpot)),
        Role::Muted,
        inner.width,
    ));
    let moment = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let when = run.ended_at.map_or_else(
        || moment(run.started_at),
        |ended| format!("{} to {}", moment(run.started_at), ended.format("%H:%M:%S")),
    );
    lines.extend(labelled(
        "When",
        &format!(
            "{when}   {} in the journal",
            format::count(run.ops, "write", "writes")
        ),
        Role::Muted,
        inner.width,
    ));
    draw_lines(buf, inner, &lines, model.theme);
}

fn mapping_line(name: &str, counts: &Counters) -> String {
    let both = |count: &crate::domain::SideCount| count.salesforce + count.hubspot;
    let mut out = format!(
        "{name}: {} read, {} created, {} updated, {} unchanged",
        format::number(both(&counts.read)),
        format::number(both(&counts.created)),
        format::number(both(&counts.updated)),
        format::number(counts.unchanged)
    );
    let further = [
        (both(&counts.archived), "archived"),
        (both(&counts.merged), "merged"),
        (counts.conflicts, "in conflict"),
        (counts.review, "in review"),
        (counts.errors, "in error"),
        (counts.held, "held"),
        (counts.excluded, "excluded"),
    ];
    for (count, word) in further {
        if count > 0 {
            out += &format!(", {} {word}", format::number(count));
        }
    }
    out
}
