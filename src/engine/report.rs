//! Progress: one value that is sampled a few times a second, and facts on a bounded channel. Nothing here decides anything.

use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::domain::{Counters, ItemId, LinkId, MappingId, RunId, RunKind, Side, SideCount};

/// The phases of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Looking up what an earlier process left unanswered.
    Recover,
    /// Who we are, what the objects look like, what is left of the day.
    Preflight,
    /// Reading one side.
    Observe(Side),
    /// Finding counterparts.
    Match,
    /// Deciding.
    Plan,
    /// The safety valves.
    Guard,
    /// Writing to one side.
    Apply(Side),
    /// Settling bases and counts.
    Settle,
}

impl Phase {
    /// The engine's own word.
    pub fn word(self) -> String {
        match self {
            Phase::Recover => "recover".into(),
            Phase::Preflight => "preflight".into(),
            Phase::Observe(side) => format!("observe {}", side.letters()),
            Phase::Match => "match".into(),
            Phase::Plan => "plan".into(),
            Phase::Guard => "guard".into(),
            Phase::Apply(side) => format!("apply {}", side.letters()),
            Phase::Settle => "settle".into(),
        }
    }
}

/// One phase so far.
#[derive(Clone, Debug)]
pub struct PhaseView {
    /// Which.
    pub phase: Phase,
    /// What it found.
    pub detail: String,
    /// Done.
    pub done: u64,
    /// Of how many; 0 where unknown.
    pub of: u64,
    /// Begin.
    pub started_at: DateTime<Utc>,
    /// End.
    pub ended_at: Option<DateTime<Utc>>,
    /// True where it ended badly.
    pub failed: bool,
}

/// A run so far.
#[derive(Clone, Debug, Default)]
pub struct RunView {
    /// Its number.
    pub run: Option<RunId>,
    /// Its kind.
    pub kind: Option<RunKind>,
    /// Its mappings.
    pub mappings: Vec<MappingId>,
    /// Phases that began, in order.
    pub phases: Vec<PhaseView>,
    /// Records written.
    pub written: u64,
    /// Links that needed nothing.
    pub unchanged: u64,
    /// Records parked.
    pub conflicts: u64,
    /// Records in error.
    pub failed: u64,
    /// Ops whose target moved.
    pub skipped: u64,
    /// Counts per mapping, as far as they are done.
    pub counts: Vec<(MappingId, Counters)>,
    /// Calls expected in all.
    pub forecast: Option<SideCount>,
    /// The batch being written, of how many in its group of work.
    pub batch: Option<(u64, u64)>,
}

/// A line of the live list.
#[derive(Clone, Debug)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// One of `ok`, `warn`, `error`, `info`.
    pub tone: &'static str,
    /// "Contact 003…".
    pub subject: String,
    /// The record's name.
    pub label: String,
    /// What happened.
    pub what: String,
    /// The item it is about.
    pub item: Option<ItemId>,
    /// The link it is about.
    pub link: Option<LinkId>,
}

struct Inner {
    view: Mutex<RunView>,
    dropped: Mutex<u64>,
    lines: mpsc::Sender<Line>,
    clock: Arc<dyn Clock>,
}

/// Where a run tells how it goes. Cheap to clone.
#[derive(Clone)]
pub struct Reporter(Arc<Inner>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

impl Reporter {
    /// A reporter and the end where its lines come out.
    pub fn new(clock: Arc<dyn Clock>) -> (Reporter, mpsc::Receiver<Line>) {
        let (lines, out) = mpsc::channel(256);
        let inner = Inner {
            view: Mutex::default(),
            dropped: Mutex::new(0),
            lines,
            clock,
        };
        (Reporter(Arc::new(inner)), out)
    }

    /// How the run stands.
    pub fn view(&self) -> RunView {
        lock(&self.0.view).clone()
    }

    /// Lines that did not fit since the last call.
    pub fn take_dropped(&self) -> u64 {
        std::mem::take(&mut *lock(&self.0.dropped))
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut RunView)) {
        change(&mut lock(&self.0.view));
    }

    /// A phase begins (or is taken up again).
    pub(super) fn begin(&self, phase: Phase) {
        let now = self.0.clock.now();
        self.change(
            |view| match view.phases.iter_mut().find(|known| known.phase == phase) {
                Some(known) => known.ended_at = None,
                None => view.phases.push(PhaseView {
                    phase,
                    detail: String::new(),
                    done: 0,
                    of: 0,
                    started_at: now,
                    ended_at: None,
                    failed: false,
                }),
            },
        );
    }

    /// A phase found something.
    pub(super) fn detail(&self, phase: Phase, detail: String) {
        self.with(phase, |view| view.detail = detail);
    }

    /// A phase has that much to do; it begins with the first of it.
    pub(super) fn expect(&self, phase: Phase, more: u64) {
        if more > 0 {
            self.begin(phase);
            self.with(phase, |view| view.of += more);
        }
    }

    /// A phase did some of it.
    pub(super) fn advance(&self, phase: Phase, count: u64) {
        self.with(phase, |view| {
            view.done += count;
            view.of = if view.of == 0 {
                0
            } else {
                view.of.max(view.done)
            };
        });
    }

    /// A phase ended.
    pub(super) fn end(&self, phase: Phase) {
        let now = self.0.clock.now();
        self.with(phase, |view| view.ended_at = Some(now));
    }

    /// Whatever was under way failed.
    pub(super) fn fail_open_phases(&self) {
        let now = self.0.clock.now();
        self.change(|view| {
            for phase in view
                .phases
                .iter_mut()
                .filter(|phase| phase.ended_at.is_none())
            {
                phase.ended_at = Some(now);
                phase.failed = true;
            }
        });
    }

    fn with(&self, phase: Phase, change: impl FnOnce(&mut PhaseView)) {
        self.change(|view| {
            if let Some(known) = view.phases.iter_mut().find(|known| known.phase == phase) {
                change(known);
            }
        });
    }

    /// A line for the live list with what enter opens; counted where the list cannot keep up.
    pub(super) fn line_about(
        &self,
        tone: &'static str,
        subject: String,
        label: &str,
        what: String,
        item: Option<ItemId>,
        link: Option<LinkId>,
    ) {
        let line = Line {
            at: self.0.clock.now(),
            tone,
            subject,
            label: label.to_owned(),
            what,
            item,
            link,
        };
        if self.0.lines.try_send(line).is_err() {
            *lock(&self.0.dropped) += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn writing_is_a_phase_from_the_first_record_that_is_to_be_written() {
        let (report, _lines) = Reporter::new(Arc::new(SystemClock));
        let apply = Phase::Apply(Side::HubSpot);
        report.expect(apply, 0);
        assert!(report.view().phases.is_empty(), "nothing to write");
        report.expect(apply, 3);
        report.advance(apply, 2);
        report.expect(apply, 4);
        let phases = report.view().phases;
        assert_eq!((phases[0].done, phases[0].of), (2, 7));
        assert!(phases[0].ended_at.is_none());
        report.end(apply);
        assert!(report.view().phases[0].ended_at.is_some());
    }
}
