//! The conductor: one run from its first row to its last (docs/design/sync-semantics.md 15).

use std::collections::BTreeMap;

use chrono::DateTime;

use super::budget::Budget;
use super::confirmed::asked_about;
use super::context::{Engine, EngineError, Halt, Order, Scope};
use super::convert;
use super::db::names;
use super::drafts::mark_due;
use super::drift::{self, paused_pairs};
use super::foresee::Keep;
use super::gone::{Wave, gone};
use super::preflight::preflight;
use super::recover::recover;
use super::report::Phase;
use super::room;
pub(super) use super::run_ctx::{Mode, RunCtx};
use super::tally::Fate;
use super::undo::undo;
use super::valves::leave_out;
use super::waves;
use super::whole::whole;
use crate::crm::ErrorClass;
use crate::domain::{
    CallCount, Counters, LinkId, Mapping, MappingCounts, MappingId, Op, OpenCounts, PerSide, RunId,
    RunKind, RunRecord, RunState, Side, SideCount, ValveHit,
};
use crate::store::rows::{ActivityLine, MapState, MappingPhase};
use crate::store::{Count, StoreError, TypedStore, keys};

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// Its row.
    pub record: RunRecord,
    /// Why it could not go on, where a vendor or the store is to blame.
    pub error: Option<EngineError>,
}

impl Engine {
    /// Gives a run its number and its first row. Rows that an earlier process left running become crashed.
    pub async fn begin(&self, order: &Order) -> Result<RunRecord, EngineError> {
        let run = RunId(self.db.number(names::LAST_RUN).await? + 1);
        let now = self.clock.now();
        let mut tx = self.db.begin();
        for mut old in self.db.runs(20).await? {
            if old.state == RunState::Running {
                old.state = RunState::Crashed;
                old.reason = Some("the process ended in the middle of it; a later run looked up what it left open".into());
                tx.put_run(&old)?;
            }
        }
        let mappings = self.chosen(order).await?;
        self.may_confirm(order, &mappings).await?;
        let whole = whole(self, order, &mappings).await?;
        self.room_to_begin(&mappings, whole.is_some()).await?;
        let kind = match order.scope {
            Scope::Stored | Scope::Plan(_) => RunKind::Apply,
            Scope::Undo(_) => RunKind::Undo,
            _ if order.confirm.is_some() => RunKind::Apply,
            _ if whole.is_some() => RunKind::Full,
            _ => RunKind::Incremental,
        };
        let record = RunRecord {
            run,
            kind,
            state: RunState::Running,
            by: order.by.clone(),
            started_at: now,
            ended_at: None,
            calls: CallCount::default(),
            expected_calls: SideCount::default(),
            mappings: mappings
                .iter()
                .map(|mapping| MappingCounts {
                    mapping: mapping.id.clone(),
                    counts: Counters::default(),
                })
                .collect(),
            reason: None,
            valves: Vec::new(),
            plan_hash: None,
            ops: 0,
            asked: None,
        };
        tx.put_meta(names::LAST_RUN, &run.0)?;
        tx.put_run(&record)?;
        tx.commit().await?;
        self.report.change(|view| {
            view.run = Some(run);
            view.kind = Some(kind);
            view.mappings = mappings.iter().map(|mapping| mapping.id.clone()).collect();
        });
        Ok(record)
    }

    /// The mappings that were named, or all that are not paused; where a halted run's plan is confirmed, those of them that it
    /// asked about; where only what is stored is sent, those that were synced.
    pub(super) async fn chosen(&self, order: &Order) -> Result<Vec<&Mapping>, EngineError> {
        for name in &order.mappings {
            if self.mapping(name).is_none() {
                return Err(EngineError::halt(format!("there is no mapping {name}")));
            }
        }
        let mut chosen = Vec::new();
        if let Scope::Undo(run) = order.scope {
            return self.mappings_of(run).await;
        }
        let halted = self.halted_of(order).await?;
        for mapping in &self.rules.mappings {
            let asked = halted
                .as_ref()
                .is_none_or(|run| asked_about(run, &mapping.id));
            let state = self.db.map_state(&mapping.id).await?;
            let wanted = if order.mappings.is_empty() {
                state.state != MappingPhase::Paused
            } else {
                order.mappings.contains(&mapping.id)
            };
            // What is stored of a mapping that was never synced goes with its first sync, which asks about all that it does.
            let ready = order.scope != Scope::Stored || state.first_sync_done;
            if wanted && asked && ready {
                chosen.push(mapping);
            }
        }
        if order.scope == Scope::Stored && chosen.is_empty() {
            return Err(EngineError::halt(
                "nothing that waits can go: its mapping is paused, or its first sync is not done; sync that one, and it goes along",
            ));
        }
        Ok(chosen)
    }

    /// Carries a run out and writes its last row.
    pub async fn execute(
        &self,
        mut record: RunRecord,
        order: &Order,
    ) -> Result<RunEnd, EngineError> {
        let before = PerSide::from_fn(|side| self.side(side).meter().snapshot());
        let outcome = self.conduct(&mut record, order).await;
        let error = match outcome {
            Ok(()) => {
                let open = |row: &MappingCounts| self.open(&row.mapping).sum();
                let failed =
                    |row: &MappingCounts| record.kind == RunKind::Undo && row.counts.errors > 0;
                let waits = |row: &MappingCounts| open(row) > 0 || failed(row);
                record.state = if record.mappings.iter().any(waits) {
                    RunState::DoneWithErrors
                } else {
                    RunState::Done
                };
                None
            }
            Err(EngineError::Halted(halt)) => {
                self.keep(&mut record, *halt).await?;
                None
            }
            Err(EngineError::Stopped) => {
                record.state = RunState::Cancelled;
                record.reason =
                    Some("stopped by a person; the rest follows with the next run".into());
                None
            }
            Err(EngineError::Store(error @ StoreError::NoRoom { needed, free })) => {
                record.state = RunState::Halted;
                record.reason = Some(error.to_string());
                record.valves = vec![room::hit(needed, free, error.to_string())];
                Some(EngineError::Store(error))
            }
            Err(error @ EngineError::Store(_)) => return Err(error),
            Err(error) => {
                if matches!(&error, EngineError::Crm(crm) if crm.class == ErrorClass::Systemic) {
                    let mappings = self.chosen(order).await?;
                    self.doubt_schemas(mappings.iter()).await?;
                }
                record.state = RunState::Halted;
                record.reason = Some(error.to_string());
                Some(error)
            }
        };
        if record.state.is_over()
            && !matches!(record.state, RunState::Done | RunState::DoneWithErrors)
        {
            self.report.fail_open_phases();
        }
        for row in &mut record.mappings {
            row.counts.open = self.open(&row.mapping);
        }
        record.ended_at = Some(self.clock.now());
        record.calls = self.calls_since(&before);
        self.prune(&record).await?;
        self.finish(&record).await?;
        Ok(RunEnd { record, error })
    }

    /// What waits of a mapping.
    pub(super) fn open(&self, mapping: &MappingId) -> OpenCounts {
        let count = |of: fn(MappingId) -> Count| self.db.count(&of(mapping.clone()));
        OpenCounts {
            conflicts: count(Count::Conflicts),
            review: count(Count::Review),
            errors: count(Count::Errors),
        }
    }

    /// Calls since the meters stood at `before`, by purpose.
    pub(super) fn calls_since(
        &self,
        before: &PerSide<BTreeMap<crate::crm::Purpose, u64>>,
    ) -> CallCount {
        let mut count = CallCount::default();
        for side in Side::BOTH {
            for (purpose, now) in self.side(side).meter().snapshot() {
                let more = now - before.get(side).get(&purpose).copied().unwrap_or_default();
                if more > 0 {
                    *count.total.get_mut(side) += more;
                    *count
                        .purposes
                        .entry(purpose.word().to_owned())
                        .or_default()
                        .get_mut(side) += more;
                }
            }
        }
        count
    }

    /// The last row (C4), a line for the activity list, and the state of the mappings.
    async fn finish(&self, record: &RunRecord) -> Result<(), EngineError> {
        let mut tx = self.db.begin();
        let seq = self.db.number(names::LAST_ACTIVITY).await? + 1;
        tx.put_meta(names::LAST_ACTIVITY, &seq)?;
        let text = match &record.reason {
            Some(reason) => reason.clone(),
            None => {
                let sum = |pick: fn(&Counters) -> u64| {
                    record
                        .mappings
                        .iter()
                        .map(|row| pick(&row.counts))
                        .sum::<u64>()
                };
                let created = sum(|count| count.created.salesforce + count.created.hubspot);
                let archived = sum(|count| count.archived.salesforce + count.archived.hubspot);
                format!(
                    "{} applied, {} conflicts, {} errors",
                    created + archived + sum(|count| count.updated_links),
                    sum(|count| count.open.conflicts + count.open.review),
                    sum(|count| count.open.errors)
                )
            }
        };
        let line = ActivityLine {
            at: self.clock.now(),
            kind: format!("run {} {}", record.run, record.state.word()),
            text,
        };
        tx.put_activity(seq, &line)?;
        tx.put_run(record)?;
        Ok(tx.commit().await?)
    }

    async fn conduct(&self, record: &mut RunRecord, order: &Order) -> Result<(), EngineError> {
        let mappings = self.chosen(order).await?;
        let carried = self.carried(order).await?;
        let budget = Budget::load(self).await?;
        let found = preflight(self, &mappings).await?;
        let doubted = |one: &&&Mapping| found.refused.contains_key(&one.id);
        self.doubt_schemas(mappings.iter().filter(doubted)).await?;
        let typed = self.typed(&found.schemas);
        let mappings = typed.chosen(order).await?;
        let fit = found.fit(&mappings)?;
        if matches!(record.kind, RunKind::Full | RunKind::Incremental) {
            // Mappings that fell out, and pairs that go on again, change what has to be read.
            let whole = whole(&typed, order, &fit).await?.is_some();
            record.kind = match whole {
                true => RunKind::Full,
                false => RunKind::Incremental,
            };
            self.report.change(|view| view.kind = Some(record.kind));
        }
        let known = found.known.clone();
        let mut ctx = RunCtx::new(&typed, record.run, Mode::Write, known, budget);
        (ctx.carried, ctx.only) = carried.unzip();
        let outcome = if let Scope::Undo(target) = order.scope {
            if !found.refused.is_empty() {
                return Err(found.halt());
            }
            undo(&mut ctx, record, target, &mappings, found.calls).await
        } else {
            let states = typed.states(&mut ctx, &fit).await?;
            typed
                .steps(&mut ctx, record, order, &fit, &states, found.refused)
                .await
        };
        record.mappings = ctx.counts(&mappings);
        if record.kind != RunKind::Undo {
            record.expected_calls = ctx.expected();
            let fixed = found.calls;
            for side in Side::BOTH {
                *record.expected_calls.get_mut(side) += *fixed.get(side);
            }
        }
        record.ops = ctx.seq;
        ctx.budget.save(&typed).await?;
        outcome
    }

    pub(super) async fn states(
        &self,
        ctx: &mut RunCtx<'_>,
        mappings: &[&Mapping],
    ) -> Result<BTreeMap<MappingId, MapState>, EngineError> {
        let mut states = BTreeMap::new();
        for mapping in mappings {
            let state = self.db.map_state(&mapping.id).await?;
            if !state.first_sync_done {
                ctx.first.insert(mapping.id.clone());
            }
            ctx.tally(&mapping.id);
            states.insert(mapping.id.clone(), state);
        }
        Ok(states)
    }

    async fn steps(
        &self,
        ctx: &mut RunCtx<'_>,
        record: &mut RunRecord,
        order: &Order,
        mappings: &[&Mapping],
        states: &BTreeMap<MappingId, MapState>,
        refused: BTreeMap<MappingId, Vec<ValveHit>>,
    ) -> Result<(), EngineError> {
        recover(ctx).await?;
        self.look(ctx, order, mappings).await?;
        for tally in ctx.tallies.values_mut() {
            for link in &ctx.locked {
                tally.raise(*link, Fate::Error);
            }
        }
        mark_due(ctx, mappings).await?;
        ctx.publish(mappings);
        self.report.begin(Phase::Plan);
        let estimate = self.estimate(ctx, mappings, Keep::Counts).await?;
        self.report.detail(
            Phase::Plan,
            format!("{} to write", estimate.foreseen.planned()),
        );
        self.report.end(Phase::Plan);
        self.report
            .change(|view| view.forecast = Some(estimate.forecast));
        self.room_for(estimate.foreseen.planned() as u64)?;
        record.plan_hash = Some(estimate.foreseen.hash());
        if ctx.only.is_none() {
            self.guard_plan(ctx, order, mappings, states, &estimate.foreseen)
                .await?;
        }
        let scarce = ctx.budget.is_scarce(self, estimate.forecast);
        drop(estimate);
        let mut halted = refused;
        waves::all(ctx, mappings, scarce, &mut halted).await?;
        // Deletions are the last wave, children before their parents (18).
        for mapping in mappings.iter().rev() {
            if !halted.contains_key(&mapping.id) {
                let done = gone(ctx, mapping, Wave::Last).await.map(drop);
                waves::set_apart(ctx, mapping, done, &mut halted)?;
                ctx.publish(mappings);
            }
        }
        for side in Side::BOTH {
            self.report.end(Phase::Apply(side));
        }
        self.report.begin(Phase::Settle);
        leave_out(ctx, &halted).await?;
        let epoch = self.db.number(keys::META_EPOCH).await?;
        let mut tx = self.db.begin();
        for mapping in mappings
            .iter()
            .filter(|mapping| !halted.contains_key(&mapping.id))
        {
            // Read anew: a person may have paused or resumed it since the run began.
            let mut state = self.db.map_state(&mapping.id).await?;
            state.first_sync_done = true;
            state.confirmed_rev = self
                .rules
                .revisions
                .get(&mapping.id)
                .cloned()
                .unwrap_or_default();
            state.rev = state.confirmed_rev.clone();
            state.confirmed_epoch = epoch;
            let paused = paused_pairs(&self.db, mapping).await?;
            state.reason = (!paused.is_empty()).then(|| {
                let reasons: Vec<&str> = paused.values().map(String::as_str).collect();
                format!("paused: {}", reasons.join("; "))
            });
            if state.state != MappingPhase::Paused {
                state.state = MappingPhase::Active;
            }
            tx.put_map_state(&mapping.id, &state)?;
        }
        tx.commit().await?;
        self.report.end(Phase::Settle);
        if halted.is_empty() {
            return Ok(());
        }
        self.doubt_schemas(mappings.iter().filter(|one| halted.contains_key(&one.id)))
            .await?;
        let valves: Vec<ValveHit> = halted.into_values().flatten().collect();
        let reasons: Vec<&str> = valves.iter().map(|hit| hit.message.as_str()).collect();
        Err(EngineError::Halted(Box::new(Halt {
            valves: valves.clone(),
            ..Halt::because(reasons.join("; "))
        })))
    }

    /// What halts a mapping may be a change of its objects: the next run reads them anew.
    async fn doubt_schemas<'m>(
        &self,
        mappings: impl Iterator<Item = &'m &'m Mapping>,
    ) -> Result<(), EngineError> {
        let mut tx = self.db.begin();
        for mapping in mappings {
            for side in Side::BOTH {
                let object = mapping.object(side);
                if let Some(mut row) = self.db.schema(side, object).await? {
                    row.fetched_at = DateTime::UNIX_EPOCH;
                    tx.put_schema(side, object, &row)?;
                }
            }
        }
        Ok(tx.apply().await?)
    }

    /// Updates that may still land, by their link.
    pub(super) async fn ghosts(&self) -> Result<BTreeMap<LinkId, Vec<Op>>, EngineError> {
        let mut ghosts: BTreeMap<LinkId, Vec<Op>> = BTreeMap::new();
        for op in self.db.ghost_ops().await? {
            let link = convert::heir(self, &op).await?;
            ghosts.entry(link).or_default().push(op);
        }
        Ok(ghosts)
    }

    /// The ops of a run's journal that the retention still holds, in order.
    pub async fn journal(&self, run: RunId) -> Result<Vec<Op>, EngineError> {
        let mut ops = Vec::new();
        self.db
            .walk(
                keys::by_run(crate::store::Family::Journal, run),
                |op: Op| ops.push(op),
            )
            .await?;
        Ok(ops)
    }

    /// Pauses or resumes a mapping.
    pub async fn pause(&self, mapping: &MappingId, paused: bool) -> Result<(), EngineError> {
        let mut state: MapState = self
            .db
            .store()
            .row(keys::map(mapping))
            .await?
            .unwrap_or_default();
        state.state = if paused {
            MappingPhase::Paused
        } else {
            MappingPhase::Active
        };
        let mut tx = self.db.begin();
        // Why it was halted is over with that; what is paused of its fields goes on too.
        state.reason = state.reason.filter(|_| paused);
        tx.put_map_state(mapping, &state)?;
        if let Some(mapping) = self.mapping(mapping).filter(|_| !paused) {
            drift::accept(self, mapping, &mut tx).await?;
        }
        Ok(tx.commit().await?)
    }
}
