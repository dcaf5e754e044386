//! Keys typed faster than the engine answers. A key that needs an answer which is under way is held, with all that are typed
//! after it, and done in order once the answer is there: nothing that was typed is refused for being quick. Nothing held is
//! done late either: after a moment the keys are dropped, and the message line says so.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};
use ratatui::crossterm::event::KeyEvent;

use super::command::Command;
use super::keymap::{self, Availability, Group, Key};
use super::list::Nav;
use super::model::Model;
use super::msg::{Effect, Purpose};
use super::set_back::set_back;
use super::update::{active, press};
use crate::service::messages::Tone;

/// How long keys are held.
const PATIENCE_MS: i64 = 1_500;
/// How many.
const MOST: usize = 64;

/// Keys that wait for an answer.
#[derive(Debug, Default)]
pub struct Held {
    keys: VecDeque<KeyEvent>,
    since: Option<DateTime<Utc>>,
}

impl Held {
    /// Forgets them; true if there were any.
    pub fn drop_all(&mut self) -> bool {
        let any = !self.keys.is_empty();
        *self = Held::default();
        any
    }

    /// The clock was set back by that much.
    pub fn set_back(&mut self, by: Duration) {
        set_back(self.since.as_mut(), by);
    }

    fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.since
            .is_some_and(|since| now - since > Duration::milliseconds(PATIENCE_MS))
    }

    /// When they are given up.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        self.since
            .map(|since| since + Duration::milliseconds(PATIENCE_MS + 1))
    }
}

/// Holds a key back if it, or one before it, waits for an answer.
pub fn hold(model: &mut Model, key: KeyEvent) -> bool {
    if model.held.keys.is_empty() && !must_wait(model, key) {
        return false;
    }
    if model.held.keys.len() < MOST {
        let now = model.now;
        model.held.since.get_or_insert(now);
        model.held.keys.push_back(key);
    }
    true
}

/// Does what was held, as far as its answers are there.
pub fn release(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    while let Some(key) = model.held.keys.front().copied() {
        let late = model.held.is_over(model.now);
        if late || !model.overlays.is_empty() {
            model.held.drop_all();
            if late {
                model.say(
                    Tone::Info,
                    "The engine has not answered yet; the keys typed meanwhile were dropped.",
                );
            }
            break;
        }
        if must_wait(model, key) {
            break;
        }
        model.held.keys.pop_front();
        if model.held.keys.is_empty() {
            model.held.since = None;
        }
        effects.extend(press(model, key));
    }
    effects
}

/// True where a key means rows or values that are on their way.
fn must_wait(model: &mut Model, key: KeyEvent) -> bool {
    let context = model.context();
    let Some(row) = Key::of(key).and_then(|key| keymap::find(context, key)) else {
        return false;
    };
    if matches!((row.when)(model), Availability::NotYet(_)) {
        return true;
    }
    let needs_rows =
        row.group != Group::Go && !matches!(row.command, Command::Filter | Command::Sort);
    needs_rows && active(model).is_some_and(|list| Nav::is_first_read(list))
}

/// True while a choice, or its taking back, is not answered yet.
pub fn choosing(model: &Model) -> bool {
    model
        .waiting
        .values()
        .any(|purpose| matches!(purpose, Purpose::Chosen { .. } | Purpose::TakenBack { .. }))
}

/// True while the marks of a whole list are being fetched.
pub fn marking(model: &Model) -> bool {
    model
        .waiting
        .values()
        .any(|purpose| matches!(purpose, Purpose::MarkAll(_)))
}

/// True between the start of a run and the status that shows it.
pub fn starting(model: &Model) -> bool {
    let asked = model
        .waiting
        .values()
        .any(|purpose| matches!(purpose, Purpose::Started | Purpose::Retry));
    asked || (model.status.run.is_none() && model.started > model.status.last_run)
}
