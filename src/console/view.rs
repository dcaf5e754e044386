//! The whole frame: header, tabs, the screen, message line, hints, overlays. Draws what the model says and notes where.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::format;
use super::hit::{Hit, HitMap};
use super::keymap::{self, Availability};
use super::layout::{self, Frame, Room};
use super::model::{Leaving, Model};
use super::screens::{ScreenId, conflicts, errors, live, mappings, runs};
use super::theme::{self, Role};
use super::widgets::{Text, to_ascii};
use crate::domain::Side;
use crate::service::messages::Tone;

/// Draws everything into a buffer of the terminal's size.
pub fn view(model: &Model, buf: &mut Buffer) -> HitMap {
    let mut hits = HitMap::default();
    let frame = layout::frame(buf.area);
    if frame.room == Room::TooSmall {
        too_small(model, buf);
    } else {
        header(model, frame, buf);
        if frame.room > Room::Narrow {
            tabs(model, frame, buf, &mut hits);
        }
        match model.screen {
            ScreenId::Mappings => mappings::draw(model, frame, buf, &mut hits),
            ScreenId::Live => live::draw(model, frame, buf, &mut hits),
            ScreenId::Conflicts => conflicts::draw(model, frame, buf, &mut hits),
            ScreenId::Errors => errors::draw(model, frame, buf, &mut hits),
            ScreenId::Runs => runs::draw(model, frame, buf, &mut hits),
        }
        message(model, frame.message, buf);
        hints(model, frame.hints, buf, &mut hits);
        for overlay in &model.overlays {
            overlay.draw(model, buf);
        }
    }
    if model.theme.ascii {
        to_ascii(buf);
    }
    hits
}

fn too_small(model: &Model, buf: &mut Buffer) {
    let area = buf.area;
    let goes_on = if model.status.run.is_some() {
        " The run goes on."
    } else {
        ""
    };
    let words = format!(
        "needs {}x{}, have {}x{}.{goes_on}",
        layout::LEAST.0,
        layout::LEAST.1,
        area.width,
        area.height
    );
    let line = Text::plain(words);
    let x = area.x + (usize::from(area.width).saturating_sub(line.width()) / 2) as u16;
    line.draw(
        buf,
        x,
        area.y + area.height / 2,
        usize::from(area.width),
        model.theme,
        Style::new(),
    );
}

fn health(model: &Model, side: Side) -> (&'static str, Role) {
    let connection = model.status.connections.get(side);
    match (connection.unreachable_since, connection.connected) {
        (Some(_), _) => ("✗", Role::Error),
        (None, true)
            if connection
                .throttled_until
                .is_some_and(|until| until > model.now) =>
        {
            ("!", Role::Warn)
        }
        (None, true) => ("✓", Role::Ok),
        (None, false) => ("·", Role::Muted),
    }
}

fn percent(used: u64, limit: u64) -> u64 {
    if limit == 0 {
        100
    } else {
        (u128::from(used) * 100 / u128::from(limit)) as u64
    }
}

fn header(model: &Model, frame: Frame, buf: &mut Buffer) {
    let area = frame.header;
    let columns = usize::from(area.width);
    let wide = frame.room >= Room::Wide;
    let mut left = Text::plain(" ")
        .and(
            format::cut(&format::clean(&model.status.name), columns / 4),
            Role::Accent,
        )
        .then(if wide { "  " } else { " " });
    let mut api = Text::new();
    for side in Side::BOTH {
        let connection = model.status.connections.get(side);
        let (glyph, role) = health(model, side);
        left.push(format!(" {} ", side.letters()), theme::side(side));
        left.push(glyph, role);
        if let Some(since) = connection.unreachable_since {
            left.push(format!(" {}", format::age(since, model.now)), Role::Error);
        }
        if wide {
            left.push(
                format!(" {}", format::cut(&format::clean(&connection.label), 20)),
                Role::Text,
            );
            if let Some((used, limit)) = connection.daily {
                left.push(
                    format!(
                        " ({}% of {} today)",
                        percent(used, limit),
                        format::short_number(limit)
                    ),
                    Role::Muted,
                );
            }
            left.push("  ", Role::Text);
        } else if let Some((used, limit)) = connection.daily {
            if api.width() == 0 {
                api.push("API", Role::Muted);
            }
            api.push(
                format!(" {} {}%", side.letters(), percent(used, limit)),
                Role::Text,
            );
        }
    }
    let mut right = Text::new();
    if frame.room > Room::Narrow && api.width() > 0 {
        right.extend(api.then("  "));
    }
    if wide && let Some(at) = model.status.next_run_at {
        right.push(format!("next run {}   ", at.format("%H:%M")), Role::Text);
    }
    if frame.room == Room::Narrow {
        let (short, _) = model.screen.names();
        left.push(
            format!("  [{} {short}]", model.screen.number()),
            Role::Accent,
        );
    }
    if model.read_only() {
        right.push("READ-ONLY", Role::Warn);
    } else {
        right.push("read-write", Role::Text);
    }
    let clock = if wide { "%H:%M UTC" } else { "%H:%M" };
    right.push(format!("  {} ", model.now.format(clock)), Role::Text);
    let room = columns.saturating_sub(right.width() + 1);
    left.draw(buf, area.x, area.y, room, model.theme, Style::new());
    let x = area.x + columns.saturating_sub(right.width()) as u16;
    right.draw(buf, x, area.y, columns, model.theme, Style::new());
}

/// What a tab counts: only what waits for a person, or a run's progress.
fn tab_count(model: &Model, screen: ScreenId) -> String {
    match screen {
        ScreenId::Conflicts if model.status.conflicts > 0 => {
            format!(" {}", format::number(model.status.conflicts))
        }
        ScreenId::Errors if model.status.error_causes > 0 => {
            format!(" {}", format::number(model.status.error_causes))
        }
        ScreenId::Live => model.status.run.as_ref().map_or(String::new(), |run| {
            run.run
                .map_or(" preview".into(), |run| format!(" run {run}"))
        }),
        _ => String::new(),
    }
}

fn tabs(model: &Model, frame: Frame, buf: &mut Buffer, hits: &mut HitMap) {
    let area = frame.header;
    let y = area.y + 1;
    let mut x = area.x;
    for screen in ScreenId::ALL {
        let (short, full) = screen.names();
        let name = if frame.room >= Room::Wide {
            full
        } else {
            short
        };
        let words = format!("{} {name}{}", screen.number(), tab_count(model, screen));
        let text = if screen == model.screen {
            Text::of(format!("[{words}]"), Role::Accent)
        } else {
            Text::plain(format!(" {words} "))
        };
        let room = usize::from(area.right().saturating_sub(x));
        let end = text.draw(buf, x, y, room, model.theme, Style::new());
        hits.add(
            Rect {
                x,
                y,
                width: end - x,
                height: 1,
            },
            Hit::Tab(screen),
        );
        x = end;
    }
}

fn message(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let columns = usize::from(area.width);
    if let Leaving::AfterBatch(since) = model.leaving {
        let waited = format::duration((model.now - since).num_seconds());
        let line = Text::of(
            format!(" Leaving when the batch is recorded… {waited}. ctrl-c leaves at once."),
            Role::Warn,
        );
        line.draw(buf, area.x, area.y, columns, model.theme, Style::new());
        return;
    }
    if let Some(message) = model.shown_message() {
        let (glyph, role) = theme::tone(message.tone);
        let own = message.text.starts_with(['⚠', '✗', '!']);
        let line = match message.tone {
            Tone::Info | Tone::Ok => Text::plain(format!(" {}", message.text)),
            _ if own => Text::of(format!(" {}", message.text), role),
            _ => Text::of(format!(" {glyph} {}", message.text), role),
        };
        line.draw(buf, area.x, area.y, columns, model.theme, Style::new());
        return;
    }
    if model.screen == ScreenId::Mappings && model.mappings.focus == mappings::Focus::List {
        summary(model, area, buf);
    }
}

/// With nothing to say, the home screen sums the selected mapping up.
fn summary(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(row) = model.mappings.list.current() else {
        return;
    };
    let text = if row.last_run_text.is_empty() {
        row.rules.clone()
    } else {
        format!("{}   {}", row.rules, row.last_run_text)
    };
    let line = Text::plain(" ")
        .and(row.mapping.as_str(), Role::Accent)
        .and(format!("  {text}"), Role::Muted);
    line.draw(
        buf,
        area.x,
        area.y,
        usize::from(area.width),
        model.theme,
        Style::new(),
    );
}

fn hints(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    if area.height == 0 {
        return;
    }
    let right = Text::of(":", Role::Key)
        .then(" palette  ")
        .and("?", Role::Key)
        .then(" help ");
    let last = area.bottom() - 1;
    let end = area.right().saturating_sub(right.width() as u16);
    right.draw(buf, end, last, right.width(), model.theme, Style::new());
    hits.add(
        Rect {
            x: end,
            y: last,
            width: 9.min(area.right() - end),
            height: 1,
        },
        Hit::Hint(super::command::Command::Palette),
    );
    let help = end + 11;
    hits.add(
        Rect {
            x: help.min(area.right()),
            y: last,
            width: area.right().saturating_sub(help),
            height: 1,
        },
        Hit::Hint(super::command::Command::Help),
    );
    let (mut x, mut y) = (area.x + 1, area.y);
    let here = |row: &&keymap::Binding| row.hint && (row.shown)(model);
    for row in keymap::bindings(model.context()).filter(here) {
        let key = row.keys.first().map_or(String::new(), |key| key.shown());
        let role = match (row.when)(model) {
            Availability::Enabled | Availability::NotYet(_) => Role::Text,
            Availability::Disabled(_) => Role::Muted,
        };
        let hint = Text::of(key, Role::Key).and(format!(" {}", row.label), role);
        let wide = hint.width() as u16;
        let limit = if y == last { end } else { area.right() };
        if x + wide + 1 > limit {
            if y == last {
                break;
            }
            y += 1;
            x = area.x + 1;
            if x + wide + 1 > end {
                break;
            }
        }
        hint.draw(buf, x, y, usize::from(wide), model.theme, Style::new());
        hits.add(
            Rect {
                x,
                y,
                width: wide,
                height: 1,
            },
            Hit::Hint(row.command),
        );
        x += wide + 3;
    }
}
