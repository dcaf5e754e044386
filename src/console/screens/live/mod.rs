//! Screen 2: one line per phase, the latest events, totals. Lines are taken in at most once a second, so that a fast
//! run does not scroll a slow link full.

mod figures;
mod view;

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};

pub use view::{draw, spinner};

use crate::console::command::Command;
use crate::console::layout;
use crate::console::list::{Cursor, Nav};
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::overlays::{Overlay, confirm, record};
use crate::console::screens::ScreenId;
use crate::console::set_back::set_back;
use crate::domain::{ItemId, LinkId, PerSide, Side};
use crate::service::messages::{Control, Event, Request, Status, Tone};

/// Lines kept.
const KEPT: usize = 1_000;
/// Samples of the write rates kept, one a second.
const SAMPLES: usize = 60;

/// A line of the event list.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// How it reads.
    pub tone: Tone,
    /// The record or batch.
    pub subject: String,
    /// The record's name.
    pub label: String,
    /// What happened.
    pub what: String,
    /// What `enter` opens.
    pub item: Option<ItemId>,
    /// Its link.
    pub link: Option<LinkId>,
}

/// State of screen 2.
#[derive(Default)]
pub struct Live {
    /// Lines taken in, oldest first.
    pub lines: VecDeque<Line>,
    incoming: Vec<Line>,
    taken_at: Option<DateTime<Utc>>,
    /// Lines that were left out.
    pub dropped: u64,
    /// Place, among the lines that the filter lets through.
    pub cursor: Cursor,
    /// True while the newest line is kept in sight.
    pub follow: bool,
    /// The filter.
    pub filter: String,
    /// Writes per second, a sample a second.
    pub rates: PerSide<VecDeque<u64>>,
    sampled_at: Option<DateTime<Utc>>,
}

impl Live {
    /// At the start: the newest line is kept in sight.
    pub fn new() -> Self {
        Live {
            follow: true,
            ..Live::default()
        }
    }

    /// Takes a fact; true where it belonged here.
    pub fn hear(&mut self, event: &Event, now: DateTime<Utc>) -> bool {
        match event {
            Event::Line {
                at,
                tone,
                subject,
                label,
                what,
                item,
                link,
            } => {
                self.incoming.push(Line {
                    at: *at,
                    tone: *tone,
                    subject: subject.clone(),
                    label: label.clone(),
                    what: what.clone(),
                    item: *item,
                    link: *link,
                });
                if self.incoming.len() > KEPT {
                    self.incoming.remove(0);
                    self.dropped += 1;
                }
                self.take_in(now);
                true
            }
            Event::LinesDropped { count } => {
                self.dropped += count;
                true
            }
            Event::RunStarted { .. } => {
                self.lines.clear();
                self.incoming.clear();
                self.dropped = 0;
                self.follow = true;
                self.rates = PerSide::default();
                false
            }
            _ => false,
        }
    }

    /// Shows what came in, if the last time is a second ago.
    pub fn take_in(&mut self, now: DateTime<Utc>) {
        if self.incoming.is_empty()
            || self
                .taken_at
                .is_some_and(|at| now - at < Duration::seconds(1))
        {
            return;
        }
        self.taken_at = Some(now);
        self.lines.extend(self.incoming.drain(..));
        while self.lines.len() > KEPT {
            self.lines.pop_front();
            self.cursor.at = self.cursor.at.saturating_sub(1);
        }
        self.place();
    }

    /// When lines that came in are due to be shown.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        (!self.incoming.is_empty()).then(|| {
            self.taken_at
                .map_or(DateTime::<Utc>::MIN_UTC, |at| at + Duration::seconds(1))
        })
    }

    /// The clock was set back by that much.
    pub fn set_back(&mut self, by: Duration) {
        set_back(self.taken_at.as_mut(), by);
        set_back(self.sampled_at.as_mut(), by);
    }

    /// Notes the write rates, at most once a second.
    pub fn sample(&mut self, status: &Status, now: DateTime<Utc>) {
        let Some(run) = &status.run else { return };
        if self
            .sampled_at
            .is_some_and(|at| now - at < Duration::seconds(1))
        {
            return;
        }
        self.sampled_at = Some(now);
        for side in Side::BOTH {
            let word = format!("apply {}", side.letters());
            let rate = run
                .phases
                .iter()
                .find(|phase| phase.word == word)
                .map_or(0, |phase| phase.per_second);
            let rates = self.rates.get_mut(side);
            rates.push_back(rate);
            if rates.len() > SAMPLES {
                rates.pop_front();
            }
        }
    }

    /// Lines that the filter lets through.
    pub fn shown(&self) -> Vec<&Line> {
        let words: Vec<String> = self
            .filter
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        self.lines
            .iter()
            .filter(|line| {
                let text = format!("{} {} {}", line.subject, line.label, line.what).to_lowercase();
                words.iter().all(|word| match word.strip_prefix('!') {
                    Some(word) => !text.contains(word),
                    None => text.contains(
                        word.split_once(':')
                            .map_or(word.as_str(), |(_, value)| value),
                    ),
                })
            })
            .collect()
    }

    fn place(&mut self) {
        let len = self.shown().len();
        self.cursor.set(len, self.cursor.height);
        if self.follow {
            self.cursor.jump(len.saturating_sub(1));
        }
    }
}

impl Nav for Live {
    fn step(&mut self, by: isize) {
        self.follow = false;
        self.cursor.step(by);
        self.follow = self.cursor.at + 1 >= self.cursor.len && by > 0;
    }
    fn jump(&mut self, to: usize) {
        self.cursor.jump(to);
        self.follow = self.cursor.at + 1 >= self.cursor.len;
    }
    fn height(&self) -> usize {
        self.cursor.height
    }
    fn fit(&mut self, height: usize) {
        self.cursor.height = height;
        self.place();
    }
    fn len(&self) -> usize {
        self.cursor.len
    }
    fn top(&self) -> usize {
        self.cursor.top
    }
    fn toggle_mark(&mut self) {}
    fn clear_marks(&mut self) -> bool {
        false
    }
    fn filter(&self) -> &str {
        &self.filter
    }
    fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.place();
    }
    fn next_sort(&mut self) -> String {
        String::new()
    }
    fn again(&mut self, _: DateTime<Utc>) {}
    fn hidden(&self) -> usize {
        self.lines.len().saturating_sub(self.cursor.len)
    }
}

/// Fits panes to the terminal.
pub fn fit(model: &mut Model) {
    let height = areas(model).events.height.saturating_sub(2);
    model.live.fit(usize::from(height));
}

/// The areas, which depend on how many phases and mappings there are.
pub fn areas(model: &Model) -> layout::LiveAreas {
    let frame = layout::frame(model.area);
    let (phases, mappings) = model
        .status
        .run
        .as_ref()
        .map_or((2, 0), |run| (view::phases(run).len(), run.mappings.len()));
    layout::live(frame.body, frame.room, phases as u16, mappings as u16)
}

/// The screen's own commands.
pub fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    let held = model
        .status
        .run
        .as_ref()
        .is_some_and(|run| run.control != Control::Going);
    // The status that comes next says the same; until then a second key already means the other way.
    if command == Command::Hold
        && let Some(run) = &mut model.status.run
    {
        run.control = if held {
            Control::Going
        } else {
            Control::Holding
        };
    }
    match command {
        Command::Hold if held => vec![model.ask(Purpose::Done("Going on.".into()), Request::GoOn)],
        Command::Hold => vec![model.ask(
            Purpose::Done("Holding after this batch. space goes on.".into()),
            Request::Hold,
        )],
        Command::StopAfterBatch => vec![model.ask(
            Purpose::Done("Stopping after this batch.".into()),
            Request::Stop {
                run: model.status.run.as_ref().and_then(|run| run.run),
            },
        )],
        Command::StopNow => {
            let dialog = confirm::stop_now(model);
            model.overlays.push(Overlay::Confirm(dialog));
            Vec::new()
        }
        Command::Follow => {
            model.live.follow = true;
            model.live.place();
            model.say(Tone::Info, "Following.");
            Vec::new()
        }
        Command::Open => open(model),
        Command::Record => selected(model).map_or_else(Vec::new, |line| open_record(model, &line)),
        _ => Vec::new(),
    }
}

/// The event under the cursor.
fn selected(model: &mut Model) -> Option<Line> {
    let line = model
        .live
        .shown()
        .get(model.live.cursor.at)
        .map(|line| (*line).clone());
    if line.is_none() {
        model.say(Tone::Info, "No event is selected.");
    }
    line
}

fn open(model: &mut Model) -> Vec<Effect> {
    let Some(line) = selected(model) else {
        return Vec::new();
    };
    match (line.item, line.tone) {
        (Some(item), Tone::Error) => {
            model.screen = ScreenId::Errors;
            super::errors::show(model, item);
            Vec::new()
        }
        (Some(item), _) => {
            model.screen = ScreenId::Conflicts;
            super::conflicts::show(model, item);
            Vec::new()
        }
        (None, _) => open_record(model, &line),
    }
}

/// Everything about an event's record: its subject ends with the id.
fn open_record(model: &mut Model, line: &Line) -> Vec<Effect> {
    let id = line.subject.split_whitespace().last().unwrap_or_default();
    let whole =
        id.chars().all(|c| c.is_ascii_alphanumeric()) && id.chars().any(|c| c.is_ascii_digit());
    let query = if whole { id } else { line.label.as_str() }.to_owned();
    if query.is_empty() {
        model.say(Tone::Info, "This event is not about one record.");
        return Vec::new();
    }
    vec![record::open(model, query, None)]
}
