//! Runs and previews as background tasks, one at a time; and the schedules that start them.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::host::{House, lock, refusal, store_refusal};
use super::messages::{Event, Preview, PreviewMapping, Refusal, RefusalKind, Reply, Tone};
use crate::domain::{ItemState, MappingId, RunId, RunState};
use crate::engine::{Control, ControlHandle, EngineError, Order, Reporter, Scope};
use crate::store::rows::MappingPhase;

/// The run or preview under way.
pub(super) struct Job {
    pub(super) control: ControlHandle,
    pub(super) report: Reporter,
    pub(super) by: String,
    pub(super) started_at: chrono::DateTime<chrono::Utc>,
    /// Meter readings at its start, for the calls so far.
    pub(super) done: CancellationToken,
    pub(super) calls_before:
        crate::domain::PerSide<std::collections::BTreeMap<crate::crm::Purpose, u64>>,
}

/// An engine failure as a refusal.
pub(super) fn engine_refusal(error: EngineError) -> Refusal {
    match error {
        EngineError::Store(error) => store_refusal(&error),
        EngineError::Crm(error) => refusal(RefusalKind::Vendor, error.to_string()),
        EngineError::Halted(halt) if halt.awaiting || halt.confirm.is_some() => {
            refusal(RefusalKind::Confirm, halt.reason)
        }
        EngineError::Halted(halt) => refusal(RefusalKind::Usage, halt.reason),
        EngineError::Stopped => refusal(RefusalKind::Busy, "stopped"),
        EngineError::Invariant(message) => refusal(RefusalKind::Store, message),
    }
}

/// Calls that a run gets through in a second, both sides together: what a forecast of its time goes by.
pub(super) const PER_SECOND: f64 = 15.0;

/// How often the schedules are looked at.
const SCHEDULE_TICK: Duration = Duration::from_secs(1);

fn busy() -> Refusal {
    refusal(
        RefusalKind::Busy,
        "a run is under way; wait for it, or stop it first",
    )
}

/// Carries the engine's work out in a task of its own: whatever ends that, whoever waits for it goes on.
pub(super) async fn apart<T: Send + 'static>(
    work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => Err(EngineError::Invariant(format!(
            "it ended in the middle, {error}"
        ))),
    }
}

impl House {
    /// Refuses while a run or preview is under way.
    pub(super) fn is_idle(&self) -> Result<(), Refusal> {
        match lock(&self.job).is_some() {
            true => Err(busy()),
            false => Ok(()),
        }
    }

    /// Claims the one place for a run or preview.
    pub(super) async fn claim(
        &self,
        by: &str,
    ) -> Result<(crate::engine::Engine, Reporter, CancellationToken), Refusal> {
        let (report, mut lines) = Reporter::new(self.clock.clone());
        let (control, handle) = Control::new();
        let engine = self.engine(report.clone(), control)?;
        let done = CancellationToken::new();
        {
            let mut job = lock(&self.job);
            if job.is_some() {
                return Err(busy());
            }
            let sides = self.sides()?;
            *job = Some(Job {
                control: handle,
                report: report.clone(),
                by: by.to_owned(),
                started_at: self.clock.now(),
                done: done.clone(),
                calls_before: crate::domain::PerSide::from_fn(|side| {
                    sides.get(side).meter().snapshot()
                }),
            });
        }
        let events = self.events.clone();
        let dropped = report.clone();
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                let missing = dropped.take_dropped();
                if missing > 0 {
                    let _ = events.send(Event::LinesDropped { count: missing });
                }
                let tone = match line.tone {
                    "ok" => Tone::Ok,
                    "warn" => Tone::Warn,
                    "error" => Tone::Error,
                    _ => Tone::Info,
                };
                // Nobody may be listening.
                let _ = events.send(Event::Line {
                    at: line.at,
                    tone,
                    subject: line.subject,
                    label: line.label,
                    what: line.what,
                    item: line.item,
                    link: line.link,
                });
            }
        });
        Ok((engine, report, done))
    }

    pub(super) fn release(&self, done: &CancellationToken) {
        *lock(&self.job) = None;
        self.changed();
        done.cancel();
    }

    /// Starts a run.
    pub(super) async fn start(self: &Arc<Self>, order: Order) -> Result<RunId, Refusal> {
        self.may_write()?;
        let (engine, _, done) = self.claim(&order.by).await?;
        let record = match engine.begin(&order).await {
            Ok(record) => record,
            Err(error) => {
                self.release(&done);
                return Err(engine_refusal(error));
            }
        };
        let run = record.run;
        let _ = self.events.send(Event::RunStarted { run });
        self.changed();
        let house = self.clone();
        tokio::spawn(async move {
            let span = tracing::info_span!("run", run = run.0);
            let by = order.by.clone();
            let work = async move { engine.execute(record, &order).await };
            let ended = apart(tracing::Instrument::instrument(work, span)).await;
            house.after_run().await;
            // Taken before the run counts as over, so that whoever closes the store then waits for the backup.
            let backing_up = house.backing_up.clone().lock_owned().await;
            let stopped = match ended {
                Ok(end) => {
                    let stopped = end.record.state == RunState::Cancelled;
                    if let Some(error) = &end.error {
                        tracing::error!(run = run.0, error = %error, "run halted");
                    }
                    house.reschedule(
                        &end.record
                            .mappings
                            .iter()
                            .map(|row| row.mapping.clone())
                            .collect::<Vec<_>>(),
                    );
                    house.release(&done);
                    house.publish().await;
                    let _ = house.events.send(Event::RunEnded {
                        run: Box::new(end.record),
                    });
                    stopped
                }
                Err(error) => {
                    let message = error.to_string();
                    tracing::error!(run = run.0, error = %message, "the run ended in the middle; nothing more is sent");
                    house
                        .status
                        .send_modify(|status| status.stopped = Some(message.clone()));
                    house.release(&done);
                    house.publish().await;
                    let mut record = crate::domain::RunRecord {
                        run,
                        kind: crate::domain::RunKind::Incremental,
                        state: RunState::Crashed,
                        by,
                        started_at: house.clock.now(),
                        ended_at: Some(house.clock.now()),
                        calls: Default::default(),
                        expected_calls: Default::default(),
                        mappings: Vec::new(),
                        reason: Some(message),
                        valves: Vec::new(),
                        plan_hash: None,
                        ops: 0,
                        asked: None,
                    };
                    if let Ok(Some(stored)) = house.db.run(run).await {
                        record = crate::domain::RunRecord {
                            state: RunState::Crashed,
                            reason: record.reason,
                            ..stored
                        };
                    }
                    let _ = house.events.send(Event::RunEnded {
                        run: Box::new(record),
                    });
                    true
                }
            };
            if !stopped {
                house.back_up_if_due().await;
            }
            drop(backing_up);
        });
        Ok(run)
    }

    /// Choices that were stored while the run went on, and that the run may have written over, are stored again where the
    /// values still are those that were shown.
    async fn after_run(&self) {
        let chosen = std::mem::take(&mut *lock(&self.chosen_meanwhile));
        for (item, resolution) in chosen {
            if let Ok(Some(crate::engine::Waiting::Conflict(row))) =
                self.db.waiting_item(item).await
                && row.state == ItemState::Open
                && row.sides.salesforce.value == resolution.seen.salesforce
                && row.sides.hubspot.value == resolution.seen.hubspot
            {
                let owner = self.pending_owner(&row);
                let again = crate::domain::Conflict {
                    state: ItemState::Draft,
                    resolution: Some(resolution),
                    ..row.clone()
                };
                let mut tx = self.db.begin();
                let stored = tx.put_conflict(&again, Some(&row), owner);
                if stored.is_ok() && tx.commit().await.is_err() {
                    tracing::error!(item = %item, "a choice could not be stored again after the run");
                }
            }
        }
    }

    /// Starts a preview; its end is an event.
    pub(super) async fn start_preview(
        self: &Arc<Self>,
        mappings: Vec<MappingId>,
        limit: usize,
        full: bool,
    ) -> Result<Reply, Refusal> {
        let (engine, _, done) = self.claim("you").await?;
        let order = Order {
            mappings,
            scope: if full { Scope::Full } else { Scope::Changed },
            yes: false,
            confirm: None,
            by: "you".into(),
        };
        let house = self.clone();
        tokio::spawn(async move {
            let made = apart(async move { engine.preview(&order).await }).await;
            house.release(&done);
            house.publish().await;
            match made {
                Ok(plan) => {
                    let calls = plan.forecast.salesforce + plan.forecast.hubspot;
                    let mappings = plan
                        .mappings
                        .into_iter()
                        .map(|row| PreviewMapping {
                            samples: plan
                                .ops
                                .iter()
                                .filter(|op| op.mapping == row.mapping)
                                .take(limit)
                                .cloned()
                                .collect(),
                            errors: plan
                                .errors
                                .get(&row.mapping)
                                .into_iter()
                                .flatten()
                                .take(limit)
                                .cloned()
                                .collect(),
                            mapping: row.mapping,
                            would: row.counts,
                        })
                        .collect();
                    *lock(&house.preview) = Some(Preview {
                        kind: plan.kind,
                        made_at: house.clock.now(),
                        calls: plan.calls,
                        plan_hash: plan.plan_hash,
                        valves: plan.valves,
                        forecast: plan.forecast,
                        seconds: calls as f64 / PER_SECOND,
                        mappings,
                    });
                    let _ = house.events.send(Event::PreviewReady);
                }
                Err(error) => {
                    let _ = house.events.send(Event::PreviewFailed {
                        refusal: engine_refusal(error),
                    });
                }
            }
        });
        Ok(Reply::Started { run: None })
    }

    /// The next time of the given mappings, counted from now.
    pub(super) fn reschedule(&self, mappings: &[MappingId]) {
        let now = self.clock.now();
        let mut due = lock(&self.due);
        for mapping in self
            .rules
            .mappings
            .iter()
            .filter(|mapping| mappings.contains(&mapping.id))
        {
            if let Some(seconds) = mapping.schedule_seconds {
                let wait = TimeDelta::seconds(i64::try_from(seconds).unwrap_or(900));
                due.insert(mapping.id.clone(), now + wait);
            }
        }
    }
}

/// Starts runs by themselves: mappings that are due, active and were synced before. One run takes all that are due.
pub(super) async fn keep_schedules(house: Arc<House>) {
    let all: Vec<MappingId> = house
        .rules
        .mappings
        .iter()
        .map(|mapping| mapping.id.clone())
        .collect();
    house.reschedule(&all);
    loop {
        tokio::select! {
            () = house.clock.sleep(SCHEDULE_TICK) => {}
            () = house.stop.cancelled() => return,
        }
        let busy = lock(&house.job).is_some() || house.backing_up.try_lock().is_err();
        if house.read_only || busy || house.status.borrow().stopped.is_some() {
            continue;
        }
        let now = house.clock.now();
        let due: Vec<MappingId> = lock(&house.due)
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(id, _)| id.clone())
            .collect();
        let mut ready = Vec::new();
        for mapping in due {
            match house.db.map_state(&mapping).await {
                Ok(state) if state.first_sync_done && state.state == MappingPhase::Active => {
                    ready.push(mapping)
                }
                _ => house.reschedule(&[mapping]),
            }
        }
        if ready.is_empty() {
            continue;
        }
        let order = Order {
            mappings: ready.clone(),
            scope: Scope::Changed,
            yes: false,
            confirm: None,
            by: "schedule".into(),
        };
        if let Err(refusal) = house.start(order).await {
            house.reschedule(&ready);
            if refusal.kind != RefusalKind::Busy {
                let _ = house.events.send(Event::Notice {
                    tone: Tone::Warn,
                    text: refusal.message,
                });
            }
        }
    }
}
