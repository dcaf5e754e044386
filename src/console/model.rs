//! Everything the console knows. Changed by `update` only, read by `view`.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use ratatui::layout::Rect;

use super::command::Command;
use super::hit::HitMap;
use super::hold::Held;
use super::keymap::Context;
use super::layout::{self, Room};
use super::msg::{Effect, Purpose};
use super::options::ConsoleOptions;
use super::overlays::Overlay;
use super::screens::{ScreenId, conflicts, errors, live, mappings, runs};
use super::theme::Theme;
use crate::domain::RunId;
use crate::service::messages::{Request, Status, Tone};

/// How long an informing message stays.
pub const MESSAGE_SECONDS: i64 = 6;
/// How long a wait lasts before it is shown.
pub const QUIET_WAIT_MS: i64 = 150;

/// A line in the message row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How it reads.
    pub tone: Tone,
    /// The sentence.
    pub text: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Whether the console is on its way out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    /// It is not.
    #[default]
    No,
    /// When the batch is recorded; since when it is waited for.
    AfterBatch(DateTime<Utc>),
    /// Now; with the signal, if one asked for it.
    Now(Option<i32>),
}

/// Everything the console knows.
pub struct Model {
    /// What the caller decided.
    pub options: ConsoleOptions,
    /// Roles and styles.
    pub theme: Theme,
    /// The time, as handed in with the last message.
    pub now: DateTime<Utc>,
    /// The terminal's size.
    pub area: Rect,
    /// The engine's status.
    pub status: Status,
    /// True once a status was received.
    pub connected: bool,
    /// The screen.
    pub screen: ScreenId,
    /// What lies above it, the top one last.
    pub overlays: Vec<Overlay>,
    /// The message line.
    pub message: Option<Message>,
    /// An error that stays until the Errors screen was seen.
    pub unseen_error: Option<Message>,
    /// Requests under way, and what each is for.
    pub waiting: BTreeMap<u64, Purpose>,
    next_request: u64,
    /// Screen 1.
    pub mappings: mappings::Mappings,
    /// Screen 2.
    pub live: live::Live,
    /// Screen 3.
    pub conflicts: conflicts::Conflicts,
    /// Screen 5.
    pub errors: errors::Errors,
    /// Screen 6.
    pub runs: runs::Runs,
    /// Keys that wait for an answer.
    pub held: Held,
    /// The run that was started last from here.
    pub started: Option<RunId>,
    /// On the way out?
    pub leaving: Leaving,
    /// Commands used from the palette, the newest first.
    pub recent: Vec<Command>,
    /// What was copied last.
    pub copied: Option<String>,
    /// The last run's end, for the normal screen.
    pub farewell: Option<String>,
    /// Where things were drawn last.
    pub hits: HitMap,
}

impl Model {
    /// The model at the start.
    pub fn new(options: ConsoleOptions, area: Rect, now: DateTime<Utc>) -> Self {
        let theme = Theme::new(&options);
        let message = options.opening_message.clone().map(|text| Message {
            tone: Tone::Info,
            text,
            since: now,
        });
        Model {
            theme,
            now,
            area,
            status: Status::default(),
            connected: false,
            screen: ScreenId::Mappings,
            overlays: Vec::new(),
            message,
            unseen_error: None,
            waiting: BTreeMap::new(),
            next_request: 1,
            mappings: mappings::Mappings::new(now),
            live: live::Live::new(),
            conflicts: conflicts::Conflicts::new(now),
            errors: errors::Errors::new(now),
            runs: runs::Runs::new(now),
            held: Held::default(),
            started: None,
            leaving: Leaving::No,
            recent: Vec::new(),
            copied: None,
            farewell: None,
            hits: HitMap::default(),
            options,
        }
    }

    /// True where nothing may be sent to a CRM.
    pub fn read_only(&self) -> bool {
        self.options.read_only || self.status.read_only
    }

    /// The pane that has the keys.
    pub fn context(&self) -> Context {
        match self.screen {
            ScreenId::Mappings => self.mappings.context(),
            ScreenId::Live => Context::Live,
            ScreenId::Conflicts => self.conflicts.context(),
            ScreenId::Errors => self.errors.context(),
            ScreenId::Runs => self.runs.context(),
        }
    }

    /// Notes that everything was drawn. Below the least size nothing of it was.
    pub fn drawn(&mut self, hits: HitMap) {
        self.hits = hits;
        if !self.is_blind() {
            self.overlays.iter_mut().for_each(Overlay::drawn);
        }
    }

    /// True where the terminal is too small to show anything.
    pub fn is_blind(&self) -> bool {
        layout::room(self.area) == Room::TooSmall
    }

    /// Numbers a request and notes what it is for.
    pub fn ask(&mut self, purpose: Purpose, request: Request) -> Effect {
        let id = self.next_request;
        self.next_request += 1;
        self.waiting.insert(id, purpose);
        Effect::Ask { id, request }
    }

    /// The number that the next request gets.
    pub fn next_id(&self) -> u64 {
        self.next_request
    }

    /// Puts a sentence into the message line. An error is kept until the Errors screen was seen.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let message = Message {
            tone,
            text: text.into(),
            since: self.now,
        };
        if tone == Tone::Error && self.screen != ScreenId::Errors {
            self.unseen_error = Some(message.clone());
        }
        self.message = Some(message);
    }

    /// What the message line shows.
    pub fn shown_message(&self) -> Option<&Message> {
        self.message.as_ref().or(self.unseen_error.as_ref())
    }

    /// The moment at which the screen changes by itself.
    pub fn next_wake(&self) -> DateTime<Utc> {
        let now = self.now;
        let minute = Duration::seconds(60 - now.timestamp().rem_euclid(60))
            - Duration::nanoseconds(i64::from(now.timestamp_subsec_nanos()));
        let mut wake = now + minute;
        let mut at = |moment: Option<DateTime<Utc>>| {
            if let Some(moment) = moment
                && moment > now
                && moment < wake
            {
                wake = moment;
            }
        };
        at(self
            .message
            .as_ref()
            .filter(|message| matches!(message.tone, Tone::Info | Tone::Ok))
            .map(|message| message.since + Duration::seconds(MESSAGE_SECONDS)));
        let beat = Duration::milliseconds(if self.options.slow_link { 1_000 } else { 250 });
        let moving = (self.screen == ScreenId::Live && self.status.run.is_some())
            || self.overlays.iter().any(Overlay::is_waiting)
            || matches!(self.leaving, Leaving::AfterBatch(_));
        at(moving.then_some(now + beat));
        at(self.live.due_at());
        at(self.held.due_at());
        for moment in super::wants::due(self) {
            at(Some(moment));
        }
        wake
    }
}
