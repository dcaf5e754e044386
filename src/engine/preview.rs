//! Plans that are not carried out: the preview, and the counting pass before the first write
//! (docs/design/sync-semantics.md 15.2, 15.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::budget::{Budget, since};
use super::context::{Engine, EngineError, Order};
use super::create::anew;
use super::db::names;
use super::drafts::mark_due;
use super::foresee::{Foreseen, Keep};
use super::gone::{Wave, gone};
use super::group;
use super::preflight::{calls, preflight};
use super::report::{Phase, Reporter};
use super::run_ctx::{Mode, RunCtx};
use super::slice::links;
use crate::domain::{
    CallCount, Mapping, MappingCounts, MappingId, Op, PerSide, RunId, RunKind, Side, SideCount,
    ValveHit,
};

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

pub(super) struct Estimate {
    pub(super) foreseen: Foreseen,
    pub(super) forecast: SideCount,
}

/// Matches and plans every mapping without sending anything.
async fn plan_all(ctx: &mut RunCtx<'_>, mappings: &[&Mapping]) -> Result<(), EngineError> {
    for group in group::in_order(mappings) {
        for (mapping, wanted, again) in group::prepare(ctx, &group).await? {
            group::make(ctx, mapping, wanted).await?;
            anew(ctx, mapping, again).await?;
            links(ctx, mapping).await?;
        }
    }
    for mapping in mappings.iter().rev() {
        gone(ctx, mapping, Wave::Last).await?;
    }
    Ok(())
}

impl Engine {
    /// Plans everything in scratch space from what is stored, without a call: from the same rows the same plan every time.
    pub(super) async fn estimate(
        &self,
        ctx: &RunCtx<'_>,
        mappings: &[&Mapping],
        keep: Keep,
    ) -> Result<Estimate, EngineError> {
        let scratch = self.scratch().await?;
        let mut dry = RunCtx::new(
            &scratch,
            ctx.run,
            Mode::Estimate,
            ctx.known.clone(),
            ctx.budget,
        );
        dry.foreseen.keep = keep;
        dry.first = ctx.first.clone();
        dry.locked = ctx.locked.clone();
        dry.ghosts = ctx.ghosts.clone();
        dry.costs = ctx.costs.clone();
        plan_all(&mut dry, mappings).await?;
        let forecast = dry.expected();
        Ok(Estimate {
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

    /// What a run would do, computed without writing anything anywhere (15.2).
    pub async fn preview(&self, order: &Order) -> Result<PlanPreview, EngineError> {
        let before = PerSide::from_fn(|side| self.side(side).meter().snapshot());
        let start = calls(self);
        let mappings = self.chosen(order).await?;
        let db = Arc::new(self.db.scratch().await?);
        let scratch = Engine { db, ..self.clone() };
        let found = preflight(&scratch, &mappings).await?;
        let scratch = scratch.typed(&found.schemas);
        let mappings = found.fit(&scratch.chosen(order).await?)?;
        let budget = Budget::load(&scratch).await?;
        let run = RunId(scratch.db.number(names::LAST_RUN).await? + 1);
        let mut ctx = RunCtx::new(&scratch, run, Mode::Preview, found.known, budget);
        ctx.foreseen.keep = Keep::Shown;
        let states = scratch.states(&mut ctx, &mappings).await?;
        for op in scratch.db.open_ops().await? {
            ctx.locked.insert(op.link);
        }
        ctx.ghosts = scratch.ghosts().await?;
        let whole = scratch.look(&mut ctx, order, &mappings).await?;
        mark_due(&mut ctx, &mappings).await?;
        scratch.report.begin(Phase::Plan);
        plan_all(&mut ctx, &mappings).await?;
        scratch.report.end(Phase::Plan);
        let foreseen = std::mem::take(&mut ctx.foreseen);
        let mut valves = scratch
            .valves(&ctx, &mappings, &states, &foreseen, false)
            .await?;
        valves.extend(found.refused.into_values().flatten());
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
            plan_hash: foreseen.hash(),
            valves,
            forecast,
            mappings: rows,
            ops: foreseen.ops,
            errors: foreseen.errors,
        })
    }
}
