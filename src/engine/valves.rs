//! The safety valves around a run: what trips, what a halted run keeps, and what a confirm covers
//! (docs/design/sync-semantics.md 15.3, 18).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::confirmed::Confirmed;
use super::context::{Engine, EngineError, Halt, Order, Planned, Scope};
use super::db::Waiting;
use super::foresee::{Foreseen, Keep, signature};
use super::guard;
use super::links;
use super::run_ctx::RunCtx;
use super::whole::is_restored;
use crate::domain::{
    ItemState, Mapping, MappingId, Op, OpKind, OpState, RunId, RunRecord, RunState, SideCount,
    ValveHit,
};
use crate::store::rows::{MapState, MappingPhase};
use crate::store::{Count, Family, Key, Range, TypedStore, keys};

/// Ops of a kept plan that are read at a time.
const PAGE: usize = 1000;

/// The plan that a run carries out, and no more than that.
#[derive(Clone, Debug)]
pub(super) enum Carried {
    /// One that was kept in a file.
    Saved(Arc<Planned>),
    /// One that a halted run kept.
    Kept(RunId),
}

/// Journals the ops of the plan that were not sent, with the reason (15.3).
pub(super) async fn leave_out(
    ctx: &mut RunCtx<'_>,
    halted: &BTreeMap<MappingId, Vec<ValveHit>>,
) -> Result<(), EngineError> {
    let run = match ctx.carried.clone() {
        None => return Ok(()),
        Some(Carried::Kept(run)) => run,
        Some(Carried::Saved(planned)) => {
            let rows = planned.ops.iter();
            let rows = rows.map(|(signature, op)| (*signature, op.clone()));
            return journal_left(ctx, rows, halted).await;
        }
    };
    let mut after = None;
    loop {
        let range = Range::prefix(keys::by_run(Family::Plan, run), PAGE).after(after);
        let rows: Vec<(Key, Op)> = ctx.engine.db.store().scan(range).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        let rows = rows.into_iter().map(|(_, op)| (signature(&op), op));
        journal_left(ctx, rows, halted).await?;
    }
}

/// Journals those of these ops of the plan, each under its signature, that were not sent.
async fn journal_left(
    ctx: &mut RunCtx<'_>,
    rows: impl Iterator<Item = (u128, Op)>,
    halted: &BTreeMap<MappingId, Vec<ValveHit>>,
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    for (signature, op) in rows {
        if ctx.covered.contains(&signature) {
            continue;
        }
        ctx.seq += 1;
        let mut op = Op {
            run: ctx.run,
            seq: ctx.seq,
            state: OpState::Skipped,
            ..op
        };
        let why = if halted.contains_key(&op.mapping) {
            "its mapping was halted before; a sync plans it anew"
        } else if waits_for_person(ctx, &op).await? {
            "a person is asked about its record in Conflicts; what is chosen there is done by the next sync"
        } else {
            "its record has changed since the plan was made; a sync plans it anew"
        };
        op.outcome.why = Some(why.into());
        ctx.engine.report.change(|view| view.skipped += 1);
        tx.put_op(&op)?;
        tx = tx.rolled().await?;
    }
    Ok(tx.apply().await?)
}

/// True where a conflict or review item of the op's link, or of the record that it was to make a counterpart of, is open.
async fn waits_for_person(ctx: &RunCtx<'_>, op: &Op) -> Result<bool, EngineError> {
    let engine = ctx.engine;
    let mut owners = vec![op.link.0];
    if let (OpKind::Create, Some(mapping), Some(id)) =
        (op.kind, engine.mapping(&op.mapping), &op.source)
    {
        let record = links::record_key(mapping, op.side.other(), id);
        owners.push(keys::record_owner(&record));
    }
    let open =
        |item: &Waiting| matches!(item, Waiting::Conflict(item) if item.state == ItemState::Open);
    for owner in owners {
        if engine.db.waiting(owner).await?.iter().any(open) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Engine {
    pub(super) async fn valves(
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
            input.links = self.db.count(&Count::Active(mapping.id.clone()));
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

    /// Stops the run where a valve trips, unless a person has let exactly this plan through: then it is what the run may do (18).
    pub(super) async fn guard_plan(
        &self,
        ctx: &mut RunCtx<'_>,
        order: &Order,
        mappings: &[&Mapping],
        states: &BTreeMap<MappingId, MapState>,
        foreseen: &Foreseen,
    ) -> Result<(), EngineError> {
        let hash = foreseen.hash();
        // Who confirms a plan has answered for that one, not for whatever a first sync would do.
        let yes = order.yes && order.confirm.is_none();
        let hits = self.valves(ctx, mappings, states, foreseen, yes).await?;
        let confirmable = hits.iter().all(|hit| hit.confirmable);
        let Some(first) = hits.first() else {
            return match &order.confirm {
                Some(shown) if *shown != hash => Err(EngineError::halt(format!(
                    "no halted run has the plan {shown}, and it is not what a run would do now; `syncline runs` lists the halted ones with their hash"
                ))),
                // A person said "exactly this", though nothing stops it: what it finds anew on its way is not in it.
                Some(_) => self.carry_shown(ctx, mappings).await,
                None => {
                    ctx.let_through(mappings, foreseen);
                    Ok(())
                }
            };
        };
        if confirmable && order.confirm.as_ref() == Some(&hash) {
            return self.carry_shown(ctx, mappings).await;
        }
        let mut asked = None;
        if confirmable {
            self.keep_plan(ctx, mappings).await?;
            asked = Some(self.asks(mappings).await?);
        }
        let awaiting = hits.iter().all(|hit| hit.valve == "first_run");
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
        Err(EngineError::Halted(Box::new(Halt {
            valves: hits,
            confirm: confirmable.then_some(hash),
            awaiting,
            asked,
            ..Halt::because(reason)
        })))
    }

    /// Plans that are kept are rare and large: only now is it made again for that.
    async fn keep_plan(&self, ctx: &RunCtx<'_>, mappings: &[&Mapping]) -> Result<(), EngineError> {
        let kept = Keep::Stored(self.db.clone());
        self.estimate(ctx, mappings, kept).await?;
        Ok(())
    }

    /// Limits the run to its own plan, for that is what a preview showed.
    async fn carry_shown(
        &self,
        ctx: &mut RunCtx<'_>,
        mappings: &[&Mapping],
    ) -> Result<(), EngineError> {
        self.keep_plan(ctx, mappings).await?;
        ctx.only = Some(self.plan_of(ctx.run).await?);
        ctx.carried = Some(Carried::Kept(ctx.run));
        Ok(())
    }

    /// The plan that an order limits its run to, and what that covers; none where no halted run has kept the plan that a person
    /// confirms: a preview may have shown it.
    pub(super) async fn carried(
        &self,
        order: &Order,
    ) -> Result<Option<(Carried, Confirmed)>, EngineError> {
        match (&order.confirm, &order.scope) {
            (Some(_), _) => Ok(match self.halted_of(order).await? {
                Some(run) => Some((Carried::Kept(run.run), self.plan_of(run.run).await?)),
                None => None,
            }),
            (None, Scope::Plan(planned)) => {
                let confirmed = Confirmed::of(planned);
                Ok(Some((Carried::Saved(planned.clone()), confirmed)))
            }
            (None, _) => Ok(None),
        }
    }

    /// The plan that a run has kept.
    async fn plan_of(&self, run: RunId) -> Result<Confirmed, EngineError> {
        let mut only = Confirmed::default();
        self.db
            .walk(keys::by_run(Family::Plan, run), |op: Op| only.add(&op))
            .await?;
        Ok(only)
    }

    /// A halted run keeps its plan, so that a confirm can carry out exactly that (15.3, 18).
    pub(super) async fn keep(&self, record: &mut RunRecord, halt: Halt) -> Result<(), EngineError> {
        record.state = if halt.awaiting {
            RunState::AwaitingConfirm
        } else {
            RunState::Halted
        };
        record.reason = Some(halt.reason.clone());
        record.plan_hash = halt.confirm.clone();
        record.asked = halt.asked;
        let mut tx = self.db.begin();
        if !halt.valves.is_empty() {
            for name in halt
                .valves
                .iter()
                .map(|hit| &hit.mapping)
                .collect::<BTreeSet<_>>()
            {
                let mut state = self.db.map_state(name).await?;
                // What a person paused stays so: halted, the next run over all mappings would take it in.
                if state.state == MappingPhase::Paused {
                    continue;
                }
                state.state = if halt.awaiting {
                    MappingPhase::NeedsConfirm
                } else {
                    MappingPhase::Halted
                };
                state.reason = Some(halt.reason.clone());
                tx.put_map_state(name, &state)?;
            }
        }
        record.valves = halt.valves;
        Ok(tx.commit().await?)
    }
}
