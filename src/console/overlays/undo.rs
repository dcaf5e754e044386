//! What the undo of a run would do, counted by the engine with nothing written; from there the dialog that asks
//! (docs/design/console.md 6).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::{Overlay, Then, confirm, is_no, preview, window};
use crate::console::format;
use crate::console::list::Cursor;
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::screens::labelled;
use crate::console::theme::{self, Role};
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::domain::{Op, RunId, Side};
use crate::service::messages::{Request, Tone, UndoForecast, UndoneMapping};

/// Columns of the window at most.
const WIDEST: u16 = 110;
/// Records named for one reason.
const NAMED: usize = 8;

/// The overlay.
pub struct UndoOverlay {
    run: RunId,
    pub(super) since: DateTime<Utc>,
    forecast: Option<UndoForecast>,
    failed: Option<String>,
    cursor: Cursor,
}

/// Asks for the forecast of a run's undo and opens the overlay.
pub fn start(model: &mut Model, run: RunId) -> Effect {
    model.overlays.push(Overlay::Undo(Box::new(UndoOverlay {
        run,
        since: model.now,
        forecast: None,
        failed: None,
        cursor: Cursor::default(),
    })));
    model.ask(Purpose::StartForecast, Request::ForecastUndo { run })
}

/// The overlay that waits for a forecast, if one does.
fn waiting_one(model: &mut Model) -> Option<&mut UndoOverlay> {
    model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Undo(undo) if undo.is_waiting() => Some(&mut **undo),
        _ => None,
    })
}

/// The engine has counted: ask for what it found, if anyone still waits.
pub fn ready(model: &mut Model) -> Vec<Effect> {
    if waiting_one(model).is_none() {
        return Vec::new();
    }
    vec![model.ask(Purpose::Forecast, Request::UndoForecast)]
}

/// It could not be counted.
pub fn failed(model: &mut Model, why: String) {
    if let Some(overlay) = waiting_one(model) {
        overlay.failed = Some(why);
    }
}

/// What was counted. An earlier one, or that of another run, is not ours: it is still being counted.
pub fn arrived(model: &mut Model, forecast: Option<Box<UndoForecast>>) {
    let Some(overlay) = waiting_one(model) else {
        return;
    };
    match forecast {
        None => overlay.failed = Some("the engine kept no forecast; try again".into()),
        Some(forecast) if forecast.run == overlay.run && forecast.made_at >= overlay.since => {
            overlay.forecast = Some(*forecast);
        }
        Some(_) => {}
    }
}

impl UndoOverlay {
    /// True while the engine counts.
    pub fn is_waiting(&self) -> bool {
        self.forecast.is_none() && self.failed.is_none()
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) || key.code == KeyCode::Char('q') {
            return match preview::stop(model, self.is_waiting(), "The forecast is stopped.") {
                Some(effect) => Then::Do(vec![effect]),
                None => Then::Close,
            };
        }
        let Some(forecast) = &self.forecast else {
            return Then::Stay;
        };
        let (columns, rows) = inside(model);
        let len = lines(forecast, columns).len();
        self.cursor
            .set(len.saturating_sub(usize::from(rows)) + 1, 1);
        match key.code {
            KeyCode::Enter | KeyCode::Char('U') => match confirm::undo(forecast) {
                Some(dialog) => {
                    model.overlays.push(Overlay::Confirm(dialog));
                    return Then::Close;
                }
                None => model.say(
                    Tone::Info,
                    "Nothing of this run can be put back: the reasons are listed.",
                ),
            },
            KeyCode::Down | KeyCode::Char('j') => self.cursor.step(1),
            KeyCode::Up | KeyCode::Char('k') => self.cursor.step(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.cursor.step(10),
            KeyCode::PageUp => self.cursor.step(-10),
            KeyCode::Char('g') | KeyCode::Home => self.cursor.jump(0),
            KeyCode::Char('G') | KeyCode::End => self.cursor.jump(usize::MAX),
            _ => {}
        }
        Then::Stay
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let title = format!("Undo run {}: what it would do", self.run);
        if let Some(why) = &self.failed {
            preview::draw_failed(model, &title, why, buf);
            return;
        }
        let Some(forecast) = &self.forecast else {
            preview::draw_waiting(model, "Counting what would be put back", self.since, buf);
            return;
        };
        let (columns, _) = inside(model);
        let lines = lines(forecast, columns);
        let height = (lines.len() as u16 + 2).min(buf.area.height.saturating_sub(2));
        let panel = Panel::titled(title)
            .right(format!(
                "checked {}",
                format::moment(forecast.made_at, model.now)
            ))
            .bottom("enter or U go on to the question   ↓ ↑ scroll   esc close");
        let inner = window(model, buf, WIDEST, height.max(8), panel);
        let last = lines.len().saturating_sub(usize::from(inner.height));
        draw_lines(
            buf,
            inner,
            lines.get(self.cursor.at.min(last)..).unwrap_or_default(),
            model.theme,
        );
    }
}

/// The size of the window's inside.
fn inside(model: &Model) -> (u16, u16) {
    let width = WIDEST.min(model.area.width.saturating_sub(4));
    (width.saturating_sub(2), model.area.height.saturating_sub(4))
}

fn lines(forecast: &UndoForecast, columns: u16) -> Vec<Text> {
    let mut out = Vec::new();
    for mapping in &forecast.mappings {
        out.extend(mapping_lines(mapping));
    }
    if forecast.mappings.is_empty() {
        out.push(Text::of(" No mapping takes part.", Role::Muted));
    }
    out.push(Text::new());
    let seconds = format::duration(forecast.seconds.max(0.0).round() as i64);
    out.push(Text::plain(format!(
        " About {seconds}. Calls: SF ~{}, HS ~{}. Counting took SF {}, HS {}.",
        format::number(forecast.forecast.salesforce),
        format::number(forecast.forecast.hubspot),
        format::number(forecast.calls.total.salesforce),
        format::number(forecast.calls.total.hubspot)
    )));
    out.extend(labelled(
        "",
        "What the vendors' own automation did on these writes, and mails that were sent, are not recalled.",
        Role::Muted,
        columns,
    ));
    out.extend(left_lines(&forecast.left, columns));
    out
}

fn mapping_lines(mapping: &UndoneMapping) -> Vec<Text> {
    let mut out = vec![Text::plain(" ").and(mapping.mapping.as_str(), Role::Accent)];
    for side in Side::BOTH {
        let (back, away) = (*mapping.put_back.get(side), *mapping.taken_back.get(side));
        let mut text = format!("{} put back", format::count(back, "record", "records"));
        if away > 0 {
            text += &format!(", {} that the run made taken away", format::number(away));
        }
        out.push(
            Text::plain("   ")
                .and(side.name(), theme::side(side))
                .pad_to(15)
                .then(text),
        );
    }
    if mapping.left > 0 {
        let text = format!(
            "   {} left as {}, or in part",
            format::count(mapping.left, "record is", "records are"),
            if mapping.left == 1 {
                "it is"
            } else {
                "they are"
            }
        );
        out.push(Text::of(text, Role::Warn));
    }
    if mapping.released > 0 {
        out.push(Text::plain(format!(
            "   {} made again by the next sync",
            format::count(mapping.released, "record is", "records are")
        )));
    }
    out
}

/// What is left, by reason, the commonest first.
fn left_lines(left: &[Op], columns: u16) -> Vec<Text> {
    let mut reasons: BTreeMap<&str, Vec<&Op>> = BTreeMap::new();
    for op in left {
        reasons
            .entry(op.outcome.why.as_deref().unwrap_or("no reason is told"))
            .or_default()
            .push(op);
    }
    let mut sorted: Vec<(&str, Vec<&Op>)> = reasons.into_iter().collect();
    sorted.sort_by_key(|(_, ops)| std::cmp::Reverse(ops.len()));
    let mut out = Vec::new();
    if !sorted.is_empty() {
        out.push(Text::new());
        out.push(Text::of(" LEFT AS IT IS", Role::Muted));
    }
    for (why, ops) in sorted {
        let text = format!(
            "{}: {why}",
            format::count(ops.len() as u64, "write", "writes")
        );
        out.extend(labelled("!", &text, Role::Warn, columns));
        let named: Vec<String> = ops.iter().take(NAMED).map(|op| named(op)).collect();
        let more = match ops.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("   and {} more", format::number(more as u64)),
        };
        let text = named.join("   ") + &more;
        out.extend(labelled("", &text, Role::Text, columns));
    }
    out
}

fn named(op: &Op) -> String {
    let id = op
        .target
        .as_ref()
        .or(op.outcome.record.as_ref())
        .map_or("(new)".into(), |id| format::id(id.as_str()));
    let fields: Vec<&str> = op.fields.keys().map(String::as_str).collect();
    match fields.as_slice() {
        [] => format!("{} {id}", op.side.letters()),
        [one] => format!("{} {id} {one}", op.side.letters()),
        [one, rest @ ..] => format!("{} {id} {one} +{}", op.side.letters(), rest.len()),
    }
}
