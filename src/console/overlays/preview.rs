//! What a run would do: counted by the engine on the same path with the writes left out.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::{Overlay, Then as Outcome, confirm, is_no, window};
use crate::console::format;
use crate::console::list::Cursor;
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::screens::{labelled, live};
use crate::console::theme::{self, Role};
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::domain::{Assignment, MappingId, Op, Side};
use crate::service::messages::{Preview, PreviewMapping, Request, SyncOrder, Tone};

const SAMPLES: usize = 20;

/// What follows once it is counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// It is looked at.
    Look,
    /// The confirm dialog with its counts.
    Run(SyncOrder),
    /// It is looked at, and from there confirmed: a first sync.
    FirstRun(SyncOrder),
}

/// The overlay.
pub struct PreviewOverlay {
    then: Then,
    pub(super) since: DateTime<Utc>,
    preview: Option<Preview>,
    failed: Option<String>,
    cursor: Cursor,
}

/// Asks for a preview and opens the overlay.
pub fn start(model: &mut Model, mappings: Vec<MappingId>, then: Then) -> Effect {
    let full = matches!(&then, Then::FirstRun(_));
    model
        .overlays
        .push(Overlay::Preview(Box::new(PreviewOverlay {
            then,
            since: model.now,
            preview: None,
            failed: None,
            cursor: Cursor::default(),
        })));
    model.ask(
        Purpose::StartPreview,
        Request::StartPreview {
            mappings,
            limit: SAMPLES,
            full,
        },
    )
}

/// The overlay that waits for a preview, if one does.
fn waiting_one(model: &mut Model) -> Option<&mut PreviewOverlay> {
    model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Preview(preview) if preview.is_waiting() => Some(&mut **preview),
        _ => None,
    })
}

/// The engine has counted: ask for what it found, if anyone still waits.
pub fn ready(model: &mut Model) -> Vec<Effect> {
    if waiting_one(model).is_none() {
        return Vec::new();
    }
    vec![model.ask(Purpose::Preview, Request::Preview)]
}

/// It could not be counted.
pub fn failed(model: &mut Model, why: String) {
    if let Some(overlay) = waiting_one(model) {
        overlay.failed = Some(why);
    }
}

/// What was counted.
pub fn arrived(model: &mut Model, preview: Option<Box<Preview>>) {
    let Some(overlay) = waiting_one(model) else {
        return;
    };
    let Some(preview) = preview else {
        overlay.failed = Some("the engine kept no preview; try again".into());
        return;
    };
    if preview.made_at < overlay.since {
        // An earlier one: ours is still being counted.
        return;
    }
    let Then::Run(order) = overlay.then.clone() else {
        overlay.preview = Some(*preview);
        return;
    };
    match confirm::run(&preview, order) {
        Ok(dialog) => {
            model.overlays.retain(|overlay| !overlay.is_waiting());
            model.overlays.push(Overlay::Confirm(dialog));
        }
        Err(why) => overlay.failed = Some(why),
    }
}

impl PreviewOverlay {
    /// True while the engine counts.
    pub fn is_waiting(&self) -> bool {
        self.preview.is_none() && self.failed.is_none()
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Outcome {
        if is_no(key) || key.code == KeyCode::Char('q') {
            return match stop(model, self.is_waiting(), "The preview is stopped.") {
                Some(effect) => Outcome::Do(vec![effect]),
                None => Outcome::Close,
            };
        }
        match (key.code, &self.preview, &self.then) {
            (KeyCode::Char('R') | KeyCode::Enter, Some(preview), Then::FirstRun(order)) => {
                match confirm::run(preview, order.clone()) {
                    Ok(dialog) => {
                        model.overlays.push(Overlay::Confirm(dialog));
                        return Outcome::Close;
                    }
                    Err(why) => model.say(Tone::Warn, why),
                }
            }
            (KeyCode::Down | KeyCode::Char('j'), ..) => self.cursor.step(1),
            (KeyCode::Up | KeyCode::Char('k'), ..) => self.cursor.step(-1),
            (KeyCode::PageDown | KeyCode::Char(' '), ..) => self.cursor.step(10),
            (KeyCode::PageUp, ..) => self.cursor.step(-10),
            (KeyCode::Char('g') | KeyCode::Home, ..) => self.cursor.jump(0),
            (KeyCode::Char('G') | KeyCode::End, ..) => self.cursor.jump(usize::MAX),
            _ => {}
        }
        let lines = self
            .preview
            .as_ref()
            .map_or(0, |preview| lines(preview, 100).len());
        self.cursor.set(lines, 1);
        Outcome::Stay
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        if let Some(why) = &self.failed {
            draw_failed(model, "Preview", why, buf);
            return;
        }
        let Some(preview) = &self.preview else {
            draw_waiting(model, "Counting what would change", self.since, buf);
            return;
        };
        let first = matches!(self.then, Then::FirstRun(_));
        let keys = if first {
            "R or enter go on to the run   esc close"
        } else {
            "↓ ↑ scroll   esc close"
        };
        let title = if first {
            "First sync: what it would do"
        } else {
            "Preview: nothing was written"
        };
        let height = buf.area.height.saturating_sub(4);
        let inner = window(
            model,
            buf,
            120,
            height,
            Panel::titled(title)
                .right(format::ago(preview.made_at, model.now))
                .bottom(keys),
        );
        let lines = lines(preview, inner.width);
        let top = self
            .cursor
            .at
            .min(lines.len().saturating_sub(usize::from(inner.height)));
        draw_lines(
            buf,
            inner,
            lines.get(top..).unwrap_or_default(),
            model.theme,
        );
    }
}

/// Leaving what is still being counted stops it.
pub(super) fn stop(model: &mut Model, waiting: bool, said: &str) -> Option<Effect> {
    let counting = model
        .status
        .run
        .as_ref()
        .is_some_and(|run| run.run.is_none());
    (waiting && counting)
        .then(|| model.ask(Purpose::Done(said.into()), Request::Stop { run: None }))
}

/// It could not be counted, and why.
pub(super) fn draw_failed(model: &Model, title: &str, why: &str, buf: &mut Buffer) {
    let lines = labelled(
        "✗",
        why,
        Role::Error,
        64.min(buf.area.width.saturating_sub(6)),
    );
    let panel = Panel::titled(title).bottom("esc close");
    let inner = window(model, buf, 66, (lines.len() as u16 + 2).max(6), panel);
    draw_lines(buf, inner, &lines, model.theme);
}

/// It is being counted: for how long, and at which phase.
pub(super) fn draw_waiting(model: &Model, title: &str, since: DateTime<Utc>, buf: &mut Buffer) {
    let panel = Panel::titled(title).bottom("esc stops it");
    let inner = window(model, buf, 60, 5, panel);
    let waited = format::duration((model.now - since).num_seconds());
    let phase = model
        .status
        .run
        .as_ref()
        .filter(|run| run.run.is_none())
        .and_then(|run| {
            let phase = run
                .phases
                .iter()
                .rev()
                .find(|phase| phase.started_at.is_some())?;
            Some(format!("{}  {}", phase.word, phase.detail))
        });
    let lines = [
        Text::plain(" ")
            .and(live::spinner(model), Role::Accent)
            .then(format!(" {waited}   nothing is written")),
        Text::of(format!("   {}", phase.unwrap_or_default()), Role::Muted),
    ];
    draw_lines(buf, inner, &lines, model.theme);
}

fn lines(preview: &Preview, columns: u16) -> Vec<Text> {
    let mut out = Vec::new();
    for valve in &preview.valves {
        let can = if valve.confirmable {
            "R asks"
        } else {
            "cannot be let through"
        };
        let text = format!(
            "{}: {} Found {}, limit {} ({can}).",
            valve.mapping,
            valve.message,
            format::number(valve.found),
            format::number(valve.limit)
        );
        out.extend(labelled("✗", &text, Role::Error, columns));
    }
    let seconds = format::duration(preview.seconds.max(0.0).round() as i64);
    out.push(Text::plain(format!(
        " About {seconds}. Calls: SF ~{}, HS ~{}. Counting took SF {}, HS {}.",
        format::number(preview.forecast.salesforce),
        format::number(preview.forecast.hubspot),
        format::number(preview.calls.total.salesforce),
        format::number(preview.calls.total.hubspot)
    )));
    for mapping in &preview.mappings {
        out.push(Text::new());
        out.extend(mapping_lines(mapping, columns));
    }
    if preview.mappings.is_empty() {
        out.push(Text::of(" No mapping takes part.", Role::Muted));
    }
    out
}

fn mapping_lines(mapping: &PreviewMapping, columns: u16) -> Vec<Text> {
    let would = &mapping.would;
    let mut out = vec![
        Text::plain(" ")
            .and(mapping.mapping.as_str(), Role::Accent)
            .and(
                format!(
                    "   {} read in SF, {} in HS",
                    format::number(would.read.salesforce),
                    format::number(would.read.hubspot)
                ),
                Role::Muted,
            ),
    ];
    for side in Side::BOTH {
        out.push(
            Text::plain("   ")
                .and(side.name(), theme::side(side))
                .pad_to(15)
                .then(format!(
                    "{} created, {} updated, {} archived",
                    format::number(*would.created.get(side)),
                    format::number(*would.updated.get(side)),
                    format::number(*would.archived.get(side))
                )),
        );
    }
    let further = [
        (would.linked, "linked"),
        (would.excluded, "excluded"),
        (would.conflicts, "in conflict"),
        (would.review, "in review"),
        (would.errors, "in error"),
        (would.held, "held"),
    ];
    let mut rest = format!("{} unchanged", format::number(would.unchanged));
    for (count, word) in further.into_iter().filter(|(count, _)| *count > 0) {
        rest += &format!(", {} {word}", format::number(count));
    }
    out.extend(labelled("", &rest, Role::Text, columns));
    out.extend(mapping.samples.iter().map(sample));
    for error in &mapping.errors {
        out.extend(labelled(
            "  ✗",
            &format!("{}: {}", error.label, error.message),
            Role::Error,
            columns,
        ));
    }
    out
}

/// What a field will hold. A record that the plan makes first has no id yet.
fn after(assignment: &Assignment) -> String {
    match assignment.link {
        Some(_) if !assignment.after.is_known() => "(new)".into(),
        _ => format::value(&assignment.after),
    }
}

fn sample(op: &Op) -> Text {
    let id = op
        .target
        .as_ref()
        .or(op.source.as_ref())
        .map_or("(new)".into(), |id| format::id(id.as_str()));
    let mut line = Text::plain("   ")
        .and(op.side.letters(), theme::side(op.side))
        .then(format!(" {:<9} {id:<10} ", op.kind.word()));
    for (index, (name, assignment)) in op.fields.iter().take(3).enumerate() {
        let gap = if index == 0 { "" } else { ", " };
        line.push(format!("{gap}{name}: "), Role::Text);
        line.push(
            format::cut(&format::value(&assignment.before), 18),
            Role::Base,
        );
        line.push(
            format!(" → {}", format::cut(&after(assignment), 18)),
            Role::Text,
        );
    }
    if op.fields.len() > 3 {
        line.push(format!(" +{}", op.fields.len() - 3), Role::Muted);
    }
    line
}
