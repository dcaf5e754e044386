//! Drawing of screen 2.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::areas;
use super::figures::{draw_mappings, draw_rate, draw_totals};
use crate::console::format;
use crate::console::hit::{Hit, HitMap};
use crate::console::layout::Frame;
use crate::console::list::Nav;
use crate::console::model::Model;
use crate::console::theme::{self, Role};
use crate::console::widgets::{Panel, Text, draw_lines, gauge};
use crate::domain::RunKind;
use crate::service::messages::{Control, PhaseLine, PhaseState, Progress};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The moving glyph of this moment.
pub fn spinner(model: &Model) -> &'static str {
    if model.options.reduced_motion {
        return "▸";
    }
    let beat = if model.options.slow_link { 1_000 } else { 250 };
    let step = model
        .now
        .timestamp_millis()
        .div_euclid(beat)
        .rem_euclid(SPINNER.len() as i64);
    SPINNER.get(step as usize).copied().unwrap_or("▸")
}

/// Phases that are shown: recover, complete, match and guard only when they have something to say.
pub fn phases(run: &Progress) -> Vec<&PhaseLine> {
    const QUIET: [&str; 4] = ["recover", "complete", "match", "guard"];
    run.phases
        .iter()
        .filter(|phase| {
            !QUIET.contains(&phase.word.as_str())
                || !phase.detail.is_empty()
                || matches!(phase.state, PhaseState::Going | PhaseState::Failed)
        })
        .collect()
}

/// Draws the screen.
pub fn draw(model: &Model, frame: Frame, buf: &mut Buffer, hits: &mut HitMap) {
    let areas = areas(model);
    draw_phases(model, areas.phases, buf);
    if areas.rate.height > 0 {
        draw_rate(model, areas.rate, buf);
    }
    if areas.mappings.height > 0 {
        draw_mappings(model, areas.mappings, buf);
    }
    if areas.events.height > 0 {
        draw_events(model, areas.events, buf, hits);
    }
    if areas.totals.height > 0 {
        draw_totals(model, frame.room, areas.totals, buf);
    }
}

fn title(run: &Progress) -> String {
    let names: Vec<&str> = run
        .mappings
        .iter()
        .take(3)
        .map(|mapping| mapping.as_str())
        .collect();
    let mut mappings = names.join(", ");
    if run.mappings.len() > names.len() {
        mappings += &format!(" and {} more", run.mappings.len() - names.len());
    }
    let what = match (run.run, run.kind) {
        (None, _) => "Preview (nothing is written)".to_owned(),
        (Some(run), RunKind::Incremental) => format!("Run {run}"),
        (Some(run), kind) => format!("Run {run} {}", kind.word()),
    };
    let control = match run.control {
        Control::Going => "",
        Control::Holding => "   HOLDING",
        Control::Held => "   HELD",
        Control::Stopping => "   STOPPING",
    };
    format!("{what}  {mappings}   by {}{control}", run.by)
}

fn draw_phases(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(run) = &model.status.run else {
        let inner = Panel::titled("Live sync").draw(buf, area, model.theme);
        let next = model
            .status
            .next_run_at
            .map_or("No run is scheduled.".to_owned(), |at| {
                format!(
                    "The next run is {} ({} UTC).",
                    format::until(at, model.now),
                    at.format("%H:%M")
                )
            });
        let last = model.status.last_run.map_or(String::new(), |run| {
            format!(" Run {run} was the last; 6 shows runs.")
        });
        let lines = [
            Text::plain(format!(" No run is under way. {next}{last}")),
            Text::new()
                .and(" 1", Role::Key)
                .then(" Mappings, then ")
                .and("R", Role::Key)
                .then(" starts one now."),
        ];
        draw_lines(buf, inner, &lines, model.theme);
        return;
    };
    let took = format::duration((model.now - run.started_at).num_seconds());
    let inner = Panel::titled(title(run))
        .right(took)
        .draw(buf, area, model.theme);
    let mut moving = true;
    let lines: Vec<Text> = phases(run)
        .into_iter()
        .map(|phase| {
            let glyph = match phase.state {
                PhaseState::Waiting => ("·", Role::Muted),
                PhaseState::Done => ("✓", Role::Ok),
                PhaseState::Failed => ("✗", Role::Error),
                PhaseState::Going
                    if std::mem::take(&mut moving) && run.control == Control::Going =>
                {
                    (spinner(model), Role::Accent)
                }
                PhaseState::Going => ("⠿", Role::Accent),
            };
            phase_line(model, phase, glyph, inner.width)
        })
        .collect();
    draw_lines(buf, inner, &lines, model.theme);
}

fn phase_line(model: &Model, phase: &PhaseLine, (glyph, role): (&str, Role), columns: u16) -> Text {
    let word_role = if phase.state == PhaseState::Waiting {
        Role::Muted
    } else {
        Role::Text
    };
    let line = Text::plain(" ")
        .and(glyph, role)
        .then(" ")
        .and(&phase.word, word_role)
        .pad_to(18);
    let bar = if columns < 70 { 10 } else { 20 };
    if phase.of > 0 && phase.state == PhaseState::Going {
        let percent = (u128::from(phase.done.min(phase.of)) * 100 / u128::from(phase.of)) as u64;
        let mut line = line.then(format!(
            "{} {percent:>3}%  {:>6}/{:>6}",
            gauge(phase.done, phase.of, bar),
            format::number(phase.done),
            format::number(phase.of)
        ));
        if phase.per_second > 0 {
            line.push(
                format!("  {}/s", format::number(phase.per_second)),
                Role::Text,
            );
            if let Some(left) = eta(model, phase) {
                line.push(format!("  ~{left}"), Role::Muted);
            }
        }
        return line;
    }
    let detail_at = usize::from(columns).saturating_sub(8);
    let detail = format::cut(&format::clean(&phase.detail), detail_at.saturating_sub(20));
    let line = line.then(detail);
    match (phase.started_at, phase.ended_at) {
        (Some(started), Some(ended)) => {
            let took = format::duration((ended - started).num_seconds());
            line.pad_to(detail_at.min(56))
                .and(format!("{took:>6}"), Role::Muted)
        }
        _ => line,
    }
}

/// Time left, hidden for the first seconds and rounded coarsely so that it does not jump.
fn eta(model: &Model, phase: &PhaseLine) -> Option<String> {
    let since = (model.now - phase.started_at?).num_seconds();
    let seconds = (phase.of - phase.done.min(phase.of)) / phase.per_second.max(1);
    if since < 3 {
        return None;
    }
    let step = match seconds {
        0..=20 => 5,
        21..=120 => 15,
        _ => 60,
    };
    let rounded = seconds.div_ceil(step) * step;
    Some(if rounded >= 60 {
        format!("{}m", rounded.div_ceil(60))
    } else {
        format!("{rounded}s")
    })
}

fn draw_events(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let live = &model.live;
    let right = if live.filter.is_empty() {
        String::new()
    } else {
        format!("/ {} ({} hidden)", live.filter, live.hidden())
    };
    let place = if live.lines.is_empty() {
        String::new()
    } else if live.follow {
        "following".into()
    } else {
        format!("{} of {}, G follows", live.cursor.at + 1, live.cursor.len)
    };
    let bottom = if live.dropped == 0 {
        place
    } else {
        format!(
            "{} not shown here, all are in the journal   {place}",
            format::count(live.dropped, "line", "lines")
        )
    };
    let inner = Panel::titled("Events (latest)")
        .right(right)
        .bottom(bottom)
        .focused(true)
        .draw(buf, area, model.theme);
    let shown = live.shown();
    if shown.is_empty() {
        let line = match (live.lines.is_empty(), model.status.run.is_some()) {
            (true, true) => " Nothing was written yet.",
            (true, false) => " The events of the next run appear here.",
            (false, _) => " Nothing matches the filter. esc clears it.",
        };
        draw_lines(buf, inner, &[Text::of(line, Role::Muted)], model.theme);
        return;
    }
    for (row, (at, line)) in shown
        .iter()
        .enumerate()
        .skip(live.cursor.top)
        .take(usize::from(inner.height))
        .enumerate()
    {
        let y = inner.y + row as u16;
        let (glyph, role) = theme::tone(line.tone);
        let selected = at == live.cursor.at && !live.follow;
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
        let subject = format::cut(&format::clean(&line.subject), 24);
        let text = Text::of(line.at.format("%H:%M:%S").to_string(), Role::Muted)
            .then(" ")
            .and(glyph, role)
            .then(format!(" {subject}"))
            .pad_to(29)
            .then(format!(
                "  {}",
                format::cut(&format::clean(&line.label), usize::from(inner.width / 4))
            ))
            .pad_to(33 + usize::from(inner.width / 4))
            .and(&line.what, role);
        text.draw(
            buf,
            inner.x + 1,
            y,
            usize::from(inner.width.saturating_sub(1)),
            model.theme,
            over,
        );
    }
    hits.add(inner, Hit::Rows);
}
