//! The safety valves around a run: what trips, what a halted run keeps, and what a confirm covers
//! (docs/design/sync-semantics.md 15.3, 18).

use std::collections::{BTreeMap, BTreeSet};

use super::confirmed::Confirmed;
use super::context::{Engine, EngineError, Halt, Planned};
use super::foresee::Foreseen;
use super::guard;
use super::run_ctx::RunCtx;
use super::whole::is_restored;
use crate::domain::{Mapping, MappingId, Op, OpState, RunRecord, RunState, SideCount, ValveHit};
use crate::store::rows::{MapState, MappingPhase};
use crate::store::{Count, keys};

/// Journals the ops of a plan that were not sent: what they are about has moved since it was made (15.3).
pub(super) async fn leave_out(ctx: &mut RunCtx<'_>, planned: &Planned) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    for (signature, op) in &planned.ops {
        if ctx.covered.contains(signature) {
            continue;
        }
        ctx.seq += 1;
        let mut op = Op {
            run: ctx.run,
            seq: ctx.seq,
            state: OpState::Skipped,
            ..op.clone()
        };
        op.outcome.why = Some(
            "its record has changed since the plan was made, or waits for a person; a sync plans it anew".into(),
        );
        ctx.engine.report.change(|view| view.skipped += 1);
        tx.put_op(&op)?;
        tx = tx.rolled().await?;
    }
    Ok(tx.apply().await?)
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

    /// The plan that a halted run kept under that hash.
    pub(super) async fn kept_plan(&self, hash: &str) -> Result<Confirmed, EngineError> {
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
        let mut only = Confirmed::default();
        self.db
            .walk(
                keys::by_run(crate::store::Family::Plan, halted.run),
                |op: Op| only.add(&op),
            )
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
        record.valves = halt.valves;
        Ok(tx.commit().await?)
    }
}
