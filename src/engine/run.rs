//! The conductor: one run from its first row to its last (docs/design/sync-semantics.md 15).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::backfill;
use super::batches::{Answer, CrmErrorOrVendor};
use super::budget::{Budget, since};
use super::circuit::{Circuit, Outcome};
use super::context::{Engine, EngineError, Halt, Known, Order, Scope};
use super::cost::{CostInput, expected_calls};
use super::create::creates;
use super::db::names;
use super::drafts::mark_due;
use super::foresee::{Foreseen, plan_hash, signature};
use super::guard;
use super::matchup::{match_up, wake_children};
use super::observe::{Pass, observe};
use super::preflight::{calls, preflight};
use super::recover::recover;
use super::report::{Phase, Reporter};
use super::slice::links;
use super::tally::{Fate, Tally};
use super::whole::{is_restored, whole};
use chrono::DateTime;

use crate::domain::{
    CallCount, Counters, LinkId, Mapping, MappingCounts, MappingId, Op, OpenCounts, PerSide,
    RecordId, RunId, RunKind, RunRecord, RunState, Side, SideCount, ValveHit,
};
use crate::store::rows::{ActivityLine, MapState, MappingPhase};
use crate::store::{Count, TypedStore, keys};

/// What a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The run itself.
    Write,
    /// A preview: reads what a decision needs, writes nothing anywhere.
    Preview,
    /// The counting pass before the first write: from what is stored, without a call.
    Estimate,
}

/// What the steps of one run share.
pub(super) struct RunCtx<'e> {
    pub(super) engine: &'e Engine,
    pub(super) run: RunId,
    pub(super) mode: Mode,
    pub(super) known: Known,
    /// The last journal number given out.
    pub(super) seq: u64,
    /// The last batch number given out.
    pub(super) batch: u64,
    /// Links with a write whose outcome nobody knows yet.
    pub(super) locked: BTreeSet<LinkId>,
    /// Updates that were given up as not applied and may still land, by link (16.5).
    pub(super) ghosts: BTreeMap<LinkId, Vec<Op>>,
    /// Links that this run made, for the children that wait for them.
    pub(super) newly_linked: Vec<(MappingId, LinkId, PerSide<RecordId>)>,
    /// What would be done (previews and estimates).
    pub(super) foreseen: Foreseen,
    /// The ops that a confirm covers; `None`: all.
    pub(super) only: Option<BTreeSet<u128>>,
    budget: Budget,
    first: BTreeSet<MappingId>,
    tallies: BTreeMap<MappingId, Tally>,
    costs: BTreeMap<MappingId, CostInput>,
    circuit: Circuit,
}

impl<'e> RunCtx<'e> {
    fn new(engine: &'e Engine, run: RunId, mode: Mode, known: Known, budget: Budget) -> Self {
        RunCtx {
            engine,
            run,
            mode,
            known,
            seq: 0,
            batch: 0,
            locked: BTreeSet::new(),
            ghosts: BTreeMap::new(),
            newly_linked: Vec::new(),
            foreseen: Foreseen::default(),
            only: None,
            budget,
            first: BTreeSet::new(),
            tallies: BTreeMap::new(),
            costs: BTreeMap::new(),
            circuit: Circuit::default(),
        }
    }

    /// The counts of a mapping.
    pub(super) fn tally(&mut self, mapping: &MappingId) -> &mut Tally {
        self.tallies.entry(mapping.clone()).or_default()
    }

    /// The cost of a mapping.
    pub(super) fn cost(&mut self, mapping: &MappingId) -> &mut CostInput {
        self.costs.entry(mapping.clone()).or_default()
    }

    /// True where the mapping's first sync is under way: every record is in the run.
    pub(super) fn is_first(&self, mapping: &MappingId) -> bool {
        self.first.contains(mapping)
    }

    /// Notes how ops went, for refusals that are everybody's (17).
    pub(super) fn note_answers(&mut self, answers: &[(Op, Answer)]) {
        for (op, answer) in answers {
            let outcome = match answer {
                Answer::Refused(CrmErrorOrVendor::Record(vendor)) if vendor.holder.is_none() => {
                    Outcome::Refused(vendor.code.clone())
                }
                Answer::Refused(CrmErrorOrVendor::Call(error)) => {
                    Outcome::Refused(error.message.clone())
                }
                _ => Outcome::Fine,
            };
            self.circuit.note(&op.mapping, outcome);
        }
    }

    /// Notes an answer to these ops that could not be understood.
    pub(super) fn note_bug(&mut self, ops: &[Op]) {
        if let Some(op) = ops.first() {
            self.circuit.bug(&op.mapping);
        }
    }

    /// Halts where too many ops fail, or the budget is used up.
    pub(super) fn check_error_rate(&mut self) -> Result<(), EngineError> {
        if let Some(trouble) = self.circuit.trouble() {
            return Err(EngineError::Halted(Box::new(Halt {
                mapping: trouble.mapping,
                valves: vec![trouble.hit.clone()],
                ..Halt::because(trouble.hit.message)
            })));
        }
        for side in Side::BOTH {
            self.budget.check(self.engine, side)?;
        }
        Ok(())
    }

    fn counts(&self, mappings: &[&Mapping]) -> Vec<MappingCounts> {
        mappings
            .iter()
            .map(|mapping| MappingCounts {
                mapping: mapping.id.clone(),
                counts: self
                    .tallies
                    .get(&mapping.id)
                    .map(Tally::counters)
                    .unwrap_or_default(),
            })
            .collect()
    }

    fn expected(&self) -> SideCount {
        self.costs
            .values()
            .map(expected_calls)
            .fold(SideCount::default(), |sum, more| SideCount {
                salesforce: sum.salesforce + more.salesforce,
                hubspot: sum.hubspot + more.hubspot,
            })
    }

    fn publish(&self, mappings: &[&Mapping]) {
        let counts: Vec<(MappingId, Counters)> = self
            .counts(mappings)
            .into_iter()
            .map(|row| (row.mapping, row.counts))
            .collect();
        self.engine.report.change(|view| {
            view.unchanged = counts.iter().map(|(_, count)| count.unchanged).sum();
            view.conflicts = counts
                .iter()
                .map(|(_, count)| count.conflicts + count.review)
                .sum();
            view.failed = counts.iter().map(|(_, count)| count.errors).sum();
            view.counts = counts;
        });
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// Its row.
    pub record: RunRecord,
    /// Why it could not go on, where a vendor or the store is to blame.
    pub error: Option<EngineError>,
}

/// What a run would do.
#[derive(Clone, Debug)]
pub struct PlanPreview {
    /// Full or incremental.
    pub kind: RunKind,
    /// Calls that the preview took.
    pub calls: CallCount,
    /// Hash of the plan.
    pub plan_hash: String,
    /// Valves that would stop the run.
    pub valves: Vec<ValveHit>,
    /// Calls that the run would take.
    pub forecast: SideCount,
    /// Counts per mapping.
    pub mappings: Vec<MappingCounts>,
    /// Every op.
    pub ops: Vec<Op>,
    /// Errors that it would meet.
    pub errors: BTreeMap<MappingId, Vec<crate::domain::ErrorItem>>,
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
        let whole = whole(self, order, &mappings).await?;
        let kind = match order.scope {
            Scope::Stored => RunKind::Apply,
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

    /// The mappings that were named, or all that are not paused.
    async fn chosen(&self, order: &Order) -> Result<Vec<&Mapping>, EngineError> {
        for name in &order.mappings {
            if self.mapping(name).is_none() {
                return Err(EngineError::halt(format!("there is no mapping {name}")));
            }
        }
        let mut chosen = Vec::new();
        for mapping in &self.rules.mappings {
            let wanted = if order.mappings.is_empty() {
                self.db.map_state(&mapping.id).await?.state != MappingPhase::Paused
            } else {
                order.mappings.contains(&mapping.id)
            };
            if wanted {
                chosen.push(mapping);
            }
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
                record.state = if record.mappings.iter().any(|row| open(row) > 0) {
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
            Err(error @ EngineError::Store(_)) => return Err(error),
            Err(error) => {
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
        self.finish(&record).await?;
        Ok(RunEnd { record, error })
    }

    /// What waits of a mapping.
    fn open(&self, mapping: &MappingId) -> OpenCounts {
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
                format!(
                    "{} applied, {} conflicts, {} errors",
                    created + sum(|count| count.updated_links),
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

    /// A halted run keeps its plan, so that a confirm can carry out exactly that (15.3, 18).
    async fn keep(&self, record: &mut RunRecord, halt: Halt) -> Result<(), EngineError> {
        record.state = if halt.awaiting {
            RunState::AwaitingConfirm
        } else {
            RunState::Halted
        };
        record.reason = Some(halt.reason.clone());
        record.plan_hash = halt.confirm.clone();
        let mut tx = self.db.begin();
        if !halt.valves.is_empty() {
            for name in halt
                .valves
                .iter()
                .map(|hit| &hit.mapping)
                .collect::<BTreeSet<_>>()
            {
                let mut state = self.db.map_state(name).await?;
                state.state = if halt.awaiting {
                    MappingPhase::NeedsConfirm
                } else {
                    MappingPhase::Halted
                };
                state.reason = Some(halt.reason.clone());
                tx.put_map_state(name, &state)?;
            }
        }
        for (seq, op) in halt.plan.iter().enumerate() {
            tx.put_plan(record.run, seq as u64, op)?;
        }
        record.valves = halt.valves;
        Ok(tx.commit().await?)
    }

    async fn conduct(&self, record: &mut RunRecord, order: &Order) -> Result<(), EngineError> {
        let mappings = self.chosen(order).await?;
        let only = match &order.confirm {
            Some(hash) => Some(self.kept_plan(hash).await?),
            None => None,
        };
        let budget = Budget::load(self).await?;
        let found = preflight(self, &mappings).await?;
        let mut ctx = RunCtx::new(self, record.run, Mode::Write, found.known, budget);
        ctx.only = only;
        let mut states = self.states(&mut ctx, &mappings).await?;
        let outcome = self
            .steps(&mut ctx, record, order, &mappings, &mut states)
            .await;
        record.mappings = ctx.counts(&mappings);
        record.expected_calls = ctx.expected();
        let fixed = found.calls;
        for side in Side::BOTH {
            *record.expected_calls.get_mut(side) += *fixed.get(side);
        }
        record.ops = ctx.seq;
        ctx.budget.save(self).await?;
        outcome
    }

    async fn states(
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
        states: &mut BTreeMap<MappingId, MapState>,
    ) -> Result<(), EngineError> {
        recover(ctx).await?;
        ctx.ghosts = self.ghosts().await?;
        self.look(ctx, order, mappings).await?;
        for tally in ctx.tallies.values_mut() {
            for link in &ctx.locked {
                tally.raise(*link, Fate::Error);
            }
        }
        mark_due(self, mappings).await?;
        ctx.publish(mappings);
        self.report.begin(Phase::Plan);
        let estimate = self.estimate(ctx, mappings).await?;
        self.report
            .detail(Phase::Plan, format!("{} to write", estimate.ops.len()));
        self.report.end(Phase::Plan);
        self.report
            .change(|view| view.forecast = Some(estimate.forecast));
        let hash = plan_hash(&estimate.ops);
        record.plan_hash = Some(hash.clone());
        if ctx.only.is_none() {
            let hits = self
                .valves(ctx, mappings, states, &estimate.foreseen, order.yes)
                .await?;
            if let Some(first) = hits.first() {
                let awaiting = hits.iter().all(|hit| hit.valve == "first_run");
                let confirmable = hits.iter().all(|hit| hit.confirmable);
                let next = if awaiting {
                    "look at its preview, then answer with --yes (or R in the console)".to_owned()
                } else {
                    format!("look at the plan, then accept it with --confirm {hash}")
                };
                let reason = if confirmable {
                    format!("{}; {next}", first.message)
                } else {
                    first.message.clone()
                };
                return Err(EngineError::Halted(Box::new(Halt {
                    valves: hits,
                    confirm: confirmable.then_some(hash),
                    awaiting,
                    plan: estimate.ops,
                    ..Halt::because(reason)
                })));
            }
        }
        // The plan is as large as all that it writes; it has served.
        drop(estimate);
        let mut halted: BTreeMap<MappingId, Vec<ValveHit>> = BTreeMap::new();
        for mapping in mappings {
            match work(ctx, mapping).await {
                Err(EngineError::Halted(halt)) if halt.mapping.is_some() => {
                    ctx.circuit.forget(&mapping.id);
                    halted.insert(mapping.id.clone(), halt.valves);
                }
                other => other?,
            }
            ctx.publish(mappings);
        }
        self.report.begin(Phase::Settle);
        let epoch = self.db.number(keys::META_EPOCH).await?;
        let mut tx = self.db.begin();
        for mapping in mappings
            .iter()
            .filter(|mapping| !halted.contains_key(&mapping.id))
        {
            let state = states.entry(mapping.id.clone()).or_default();
            state.first_sync_done = true;
            state.confirmed_rev = self
                .rules
                .revisions
                .get(&mapping.id)
                .cloned()
                .unwrap_or_default();
            state.rev = state.confirmed_rev.clone();
            state.confirmed_epoch = epoch;
            state.reason = None;
            if state.state != MappingPhase::Paused {
                state.state = MappingPhase::Active;
            }
            tx.put_map_state(&mapping.id, state)?;
        }
        tx.commit().await?;
        self.report.end(Phase::Settle);
        for side in Side::BOTH {
            self.report.end(Phase::Apply(side));
        }
        if halted.is_empty() {
            return Ok(());
        }
        self.doubt_schemas(mappings, &halted).await?;
        let valves: Vec<ValveHit> = halted.into_values().flatten().collect();
        let reasons: Vec<&str> = valves.iter().map(|hit| hit.message.as_str()).collect();
        Err(EngineError::Halted(Box::new(Halt {
            valves: valves.clone(),
            ..Halt::because(reasons.join("; "))
        })))
    }

    /// What halts a mapping may be a change of its objects: the next run reads them anew.
    async fn doubt_schemas(
        &self,
        mappings: &[&Mapping],
        halted: &BTreeMap<MappingId, Vec<ValveHit>>,
    ) -> Result<(), EngineError> {
        let mut tx = self.db.begin();
        for mapping in mappings
            .iter()
            .filter(|mapping| halted.contains_key(&mapping.id))
        {
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
    async fn ghosts(&self) -> Result<BTreeMap<LinkId, Vec<Op>>, EngineError> {
        let mut ghosts: BTreeMap<LinkId, Vec<Op>> = BTreeMap::new();
        for op in self.db.ghost_ops().await? {
            ghosts.entry(op.link).or_default().push(op);
        }
        Ok(ghosts)
    }

    /// Reads every object of the mappings, each once; says whether as a whole.
    async fn look(
        &self,
        ctx: &mut RunCtx<'_>,
        order: &Order,
        mappings: &[&Mapping],
    ) -> Result<bool, EngineError> {
        backfill::prepare(self, mappings).await?;
        if order.scope == Scope::Stored {
            return Ok(false);
        }
        let whole = whole(self, order, mappings).await?.is_some();
        let pass = if whole { Pass::Full } else { Pass::Changes };
        for side in Side::BOTH {
            self.report.begin(Phase::Observe(side));
            let mut objects: Vec<&str> = Vec::new();
            for mapping in mappings {
                if !objects.contains(&mapping.object(side)) {
                    objects.push(mapping.object(side));
                }
            }
            for object in objects {
                let over: Vec<&Mapping> = mappings
                    .iter()
                    .copied()
                    .filter(|mapping| mapping.object(side) == object)
                    .collect();
                let seen = observe(
                    self,
                    &ctx.known,
                    ctx.run,
                    side,
                    object,
                    pass,
                    &over,
                    &mut ctx.tallies,
                )
                .await?;
                if let Some(first) = over.first() {
                    let cost = ctx.cost(&first.id);
                    match pass {
                        Pass::Full => *cost.listed.get_mut(side) = Some(seen.records),
                        Pass::Changes => *cost.changed.get_mut(side) = Some(seen.records),
                    }
                    cost.associations_read += seen.associations;
                    if pass == Pass::Full {
                        self.empty_source(side, object, seen.records + seen.earlier, &over)
                            .await?;
                    }
                }
            }
            self.report.end(Phase::Observe(side));
        }
        backfill::remember(self, mappings).await?;
        Ok(whole)
    }

    /// A side that is suddenly (half) empty stops the run before anything is planned (18).
    async fn empty_source(
        &self,
        side: Side,
        object: &str,
        count: u64,
        over: &[&Mapping],
    ) -> Result<(), EngineError> {
        let name = format!("live/{}/{object}", side.word());
        let before = self.db.number(&name).await?;
        if before > 20 && count * 2 < before {
            let message = format!(
                "{side} {object} has {count} records where it had {before}; nothing is planned from that"
            );
            let mapping = over
                .first()
                .map(|mapping| mapping.id.clone())
                .unwrap_or(MappingId(String::new()));
            let hit = ValveHit {
                valve: "empty_source".into(),
                mapping,
                found: count,
                limit: before / 2,
                message: message.clone(),
                confirmable: false,
            };
            let reason = format!("{message}; check the credentials' rights, then run --full again");
            return Err(EngineError::Halted(Box::new(Halt {
                valves: vec![hit],
                ..Halt::because(reason)
            })));
        }
        let mut tx = self.db.begin();
        tx.put_meta(&name, &count)?;
        Ok(tx.apply().await?)
    }

    /// Plans everything in scratch space from what is stored, without a call.
    async fn estimate(
        &self,
        ctx: &RunCtx<'_>,
        mappings: &[&Mapping],
    ) -> Result<Estimate, EngineError> {
        let scratch = self.scratch().await?;
        let mut dry = RunCtx::new(
            &scratch,
            ctx.run,
            Mode::Estimate,
            ctx.known.clone(),
            ctx.budget,
        );
        dry.first = ctx.first.clone();
        dry.locked = ctx.locked.clone();
        dry.ghosts = ctx.ghosts.clone();
        dry.costs = ctx.costs.clone();
        plan_all(&mut dry, mappings).await?;
        let forecast = dry.expected();
        Ok(Estimate {
            ops: std::mem::take(&mut dry.foreseen.ops),
            foreseen: dry.foreseen,
            forecast,
        })
    }

    /// The same engine over scratch space, with its progress going nowhere.
    async fn scratch(&self) -> Result<Engine, EngineError> {
        let db = Arc::new(self.db.scratch().await?);
        let (report, _) = Reporter::new(self.clock.clone());
        Ok(Engine {
            db,
            report,
            ..self.clone()
        })
    }

    async fn valves(
        &self,
        ctx: &RunCtx<'_>,
        mappings: &[&Mapping],
        states: &BTreeMap<MappingId, MapState>,
        foreseen: &Foreseen,
        yes: bool,
    ) -> Result<Vec<ValveHit>, EngineError> {
        let mut hits = Vec::new();
        let epoch = self.db.number(keys::META_EPOCH).await?;
        for mapping in mappings {
            let state = states.get(&mapping.id).cloned().unwrap_or_default();
            let mut input = foreseen.guard_input(&mapping.id);
            input.links = self.db.count(&Count::Links(mapping.id.clone()));
            input.first = ctx.is_first(&mapping.id);
            let revision = self
                .rules
                .revisions
                .get(&mapping.id)
                .cloned()
                .unwrap_or_default();
            input.rev_changed = !input.first && state.confirmed_rev != revision;
            input.restored = is_restored(&state, epoch);
            if input.first {
                let cost = ctx.costs.get(&mapping.id).cloned().unwrap_or_default();
                input.live = match (cost.listed.salesforce, cost.listed.hubspot) {
                    (Some(salesforce), Some(hubspot)) => Some(SideCount {
                        salesforce,
                        hubspot,
                    }),
                    _ => None,
                };
            }
            hits.extend(guard::evaluate(&input, &self.rules.limits));
        }
        hits.retain(|hit| hit.valve != "first_run" || (self.rules.ask_first && !yes));
        Ok(hits)
    }

    /// The signatures of the plan that a halted run kept under that hash.
    async fn kept_plan(&self, hash: &str) -> Result<BTreeSet<u128>, EngineError> {
        let halted = self.db.runs(50).await?.into_iter().find(|run| {
            run.plan_hash.as_deref() == Some(hash)
                && matches!(run.state, RunState::Halted | RunState::AwaitingConfirm)
                && !run.valves.is_empty()
        });
        let Some(halted) = halted else {
            return Err(EngineError::halt(format!(
                "no halted run has the plan {hash}; `syncline runs` lists the halted ones with their hash"
            )));
        };
        let mut only = BTreeSet::new();
        self.db
            .walk(
                keys::by_run(crate::store::Family::Plan, halted.run),
                |op: Op| {
                    only.insert(signature(&op));
                },
            )
            .await?;
        Ok(only)
    }

    /// What a run would do, computed without writing anything anywhere (15.2).
    pub async fn preview(&self, order: &Order) -> Result<PlanPreview, EngineError> {
        let before = PerSide::from_fn(|side| self.side(side).meter().snapshot());
        let start = calls(self);
        let mappings = self.chosen(order).await?;
        let db = Arc::new(self.db.scratch().await?);
        let scratch = Engine { db, ..self.clone() };
        let found = preflight(&scratch, &mappings).await?;
        let budget = Budget::load(&scratch).await?;
        let run = RunId(scratch.db.number(names::LAST_RUN).await? + 1);
        let mut ctx = RunCtx::new(&scratch, run, Mode::Preview, found.known, budget);
        let states = scratch.states(&mut ctx, &mappings).await?;
        for op in scratch.db.open_ops().await? {
            ctx.locked.insert(op.link);
        }
        ctx.ghosts = scratch.ghosts().await?;
        let whole = scratch.look(&mut ctx, order, &mappings).await?;
        mark_due(&scratch, &mappings).await?;
        scratch.report.begin(Phase::Plan);
        plan_all(&mut ctx, &mappings).await?;
        scratch.report.end(Phase::Plan);
        let foreseen = std::mem::take(&mut ctx.foreseen);
        let valves = scratch
            .valves(&ctx, &mappings, &states, &foreseen, false)
            .await?;
        let mut forecast = ctx.expected();
        for side in Side::BOTH {
            *forecast.get_mut(side) += *found.calls.get(side);
        }
        tracing::info!(calls = ?since(calls(self), start), "preview made");
        let mut rows = ctx.counts(&mappings);
        for row in &mut rows {
            row.counts.open = self.open(&row.mapping);
        }
        Ok(PlanPreview {
            kind: if whole {
                RunKind::Full
            } else {
                RunKind::Incremental
            },
            calls: self.calls_since(&before),
            plan_hash: plan_hash(&foreseen.ops),
            valves,
            forecast,
            mappings: rows,
            ops: foreseen.ops,
            errors: foreseen.errors,
        })
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
        tx.put_map_state(mapping, &state)?;
        Ok(tx.commit().await?)
    }
}

struct Estimate {
    ops: Vec<Op>,
    foreseen: Foreseen,
    forecast: SideCount,
}

/// Everything that a mapping needs.
async fn work(ctx: &mut RunCtx<'_>, mapping: &Mapping) -> Result<(), EngineError> {
    let wanted = match_up(ctx, mapping).await?;
    creates(ctx, mapping, wanted).await?;
    links(ctx, mapping).await?;
    wake_children(ctx, mapping).await?;
    // Children that waited within this mapping itself, and what moved while it was read back.
    links(ctx, mapping).await
}

/// Matches and plans every mapping without sending anything.
async fn plan_all(ctx: &mut RunCtx<'_>, mappings: &[&Mapping]) -> Result<(), EngineError> {
    for mapping in mappings {
        let wanted = match_up(ctx, mapping).await?;
        creates(ctx, mapping, wanted).await?;
        links(ctx, mapping).await?;
    }
    Ok(())
}
