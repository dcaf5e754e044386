//! The status that is always at hand: sampled a few times a second while a run is under way, and whenever something changed.

use std::sync::Arc;
use std::time::Duration;

use super::connect::first_label;
use super::host::{House, lock};
use super::mappings::is_quiet;
use super::messages::{Connection, Control, PhaseLine, PhaseState, Progress, Status, Totals};
use crate::domain::{CallCount, MappingCounts, PerSide, RunKind, Side};
use crate::engine::PhaseView;

/// How often a run under way is sampled.
const SAMPLE: Duration = Duration::from_millis(250);

/// Publishes until the service ends; at rest it looks, and says nothing where nothing changed.
pub(super) async fn publish_forever(house: Arc<House>) {
    loop {
        tokio::select! {
            () = house.clock.sleep(SAMPLE) => {}
            () = house.stop.cancelled() => return,
        }
        house.publish().await;
    }
}

impl House {
    /// Puts a fresh status out, if it differs from the last.
    pub(super) async fn publish(&self) {
        let status = self.fresh_status().await;
        self.status.send_if_modified(|old| {
            let differs = *old != status;
            if differs {
                old.clone_from(&status);
            }
            differs
        });
    }

    async fn fresh_status(&self) -> Status {
        let old = self.status.borrow().clone();
        let running = lock(&self.job).is_some();
        // While a run writes, the lists' totals come from the counters' own pace: once it has ended they are exact again.
        let (conflicts, drafts, causes) = if running {
            (old.conflicts, old.drafts, old.error_causes)
        } else {
            match (self.queue().await, self.causes().await) {
                (Ok(queue), Ok(causes)) => (
                    queue.entries.len() as u64,
                    queue.drafts,
                    causes.entries.len() as u64,
                ),
                _ => (old.conflicts, old.drafts, old.error_causes),
            }
        };
        let last_run = if running {
            old.last_run
        } else {
            self.last_run().await.or(old.last_run)
        };
        let next = lock(&self.due)
            .values()
            .min()
            .copied()
            .filter(|_| self.schedules && old.last_run.is_some());
        Status {
            name: self.name(),
            read_only: self.read_only,
            connections: PerSide::from_fn(|side| self.connection(side, &old)),
            conflicts,
            error_causes: causes,
            drafts,
            next_run_at: next,
            run: self.progress(),
            last_run,
            stopped: old.stopped.clone(),
            version: *lock(&self.version),
        }
    }

    async fn last_run(&self) -> Option<crate::domain::RunId> {
        let runs = self.db.runs(1).await.ok()?;
        runs.first()
            .filter(|run| run.state.is_over() || run.can_confirm())
            .map(|run| run.run)
    }

    fn name(&self) -> String {
        if !self.config.name.is_empty() {
            return self.config.name.clone();
        }
        first_label(&self.config, Side::Salesforce)
    }

    fn connection(&self, side: Side, old: &Status) -> Connection {
        let before = old.connections.get(side);
        let Ok(crm) = self.side(side) else {
            return Connection {
                label: first_label(&self.config, side),
                ..Connection::default()
            };
        };
        let health = crm.health();
        let answered = crm.meter().total() > 0
            && health.unreachable_since.is_none()
            && health.last_failure.is_none();
        Connection {
            label: if before.label.is_empty() {
                first_label(&self.config, side)
            } else {
                before.label.clone()
            },
            connected: before.connected || answered,
            unreachable_since: health.unreachable_since,
            next_try_at: before
                .next_try_at
                .filter(|_| health.unreachable_since.is_some()),
            failure: health
                .last_failure
                .filter(|_| health.unreachable_since.is_some() || !answered),
            daily: health.daily,
            throttled_until: health
                .throttled_until
                .filter(|until| *until > self.clock.now()),
        }
    }

    fn progress(&self) -> Option<Progress> {
        let job = lock(&self.job);
        let job = job.as_ref()?;
        let view = job.report.view();
        let (hold, held, stopping) = job.control.state();
        let control = match (stopping, held, hold) {
            (true, ..) => Control::Stopping,
            (_, true, _) => Control::Held,
            (_, _, true) => Control::Holding,
            _ => Control::Going,
        };
        let sides = self.sides().ok()?;
        let mut calls = CallCount::default();
        for side in Side::BOTH {
            let before = job.calls_before.get(side);
            for (purpose, now) in sides.get(side).meter().snapshot() {
                let more = now - before.get(&purpose).copied().unwrap_or_default();
                *calls.total.get_mut(side) += more;
                if more > 0 {
                    *calls
                        .purposes
                        .entry(purpose.word().to_owned())
                        .or_default()
                        .get_mut(side) += more;
                }
            }
        }
        let now = self.clock.now();
        Some(Progress {
            run: view.run,
            kind: view.kind.unwrap_or(RunKind::Incremental),
            mappings: view.mappings.clone(),
            by: job.by.clone(),
            started_at: job.started_at,
            phases: view
                .phases
                .iter()
                .filter(|phase| !is_quiet(phase.phase) || !phase.detail.is_empty())
                .map(|phase| line(phase, now))
                .collect(),
            control,
            totals: Totals {
                written: view.written,
                unchanged: view.unchanged,
                conflicts: view.conflicts,
                failed: view.failed,
                skipped: view.skipped,
            },
            calls,
            forecast: view.forecast,
            counts: view
                .counts
                .into_iter()
                .map(|(mapping, counts)| MappingCounts { mapping, counts })
                .collect(),
            batch: view.batch,
        })
    }
}

fn line(phase: &PhaseView, now: chrono::DateTime<chrono::Utc>) -> PhaseLine {
    let until = phase.ended_at.unwrap_or(now);
    let seconds = u64::try_from((until - phase.started_at).num_seconds()).unwrap_or_default();
    PhaseLine {
        word: phase.phase.word(),
        state: match (phase.ended_at, phase.failed) {
            (_, true) => PhaseState::Failed,
            (Some(_), false) => PhaseState::Done,
            (None, false) => PhaseState::Going,
        },
        detail: phase.detail.clone(),
        done: phase.done,
        of: phase.of,
        per_second: phase.done.checked_div(seconds).unwrap_or_default(),
        started_at: Some(phase.started_at),
        ended_at: phase.ended_at,
    }
}
