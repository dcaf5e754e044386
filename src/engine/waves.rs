//! The order in which the mappings of a run are worked through: parents first, and what matters most first where the calls of
//! the day do not suffice (docs/design/sync-semantics.md 14.2, 17). Deletions are the run's own last wave.

use std::collections::BTreeMap;

use super::context::EngineError;
use super::convert;
use super::create::anew;
use super::gone::{Wave, gone};
use super::gone_case::Case;
use super::group::{self, Ready};
use super::matchup::{Creates, wake_children};
use super::run_ctx::RunCtx;
use super::slice::{links, links_marked};
use crate::domain::{Mapping, MappingId, RecordId, Side, ValveHit};
use crate::store::rows::Dirty;

/// Works through every mapping. One that halts is set apart with its reasons: the others go on.
pub(super) async fn all(
    ctx: &mut RunCtx<'_>,
    mappings: &[&Mapping],
    scarce: bool,
    halted: &mut BTreeMap<MappingId, Vec<ValveHit>>,
) -> Result<(), EngineError> {
    let mut ready = Vec::new();
    for group in group::in_order(mappings) {
        ready.extend(group::prepare(ctx, &group).await?);
        if !scarce {
            carry_out(ctx, mappings, std::mem::take(&mut ready), halted).await?;
        }
    }
    if scarce {
        first_things_first(ctx, &mut ready, halted).await?;
        ready.retain(|(mapping, ..)| !halted.contains_key(&mapping.id));
    }
    carry_out(ctx, mappings, ready, halted).await
}

async fn carry_out(
    ctx: &mut RunCtx<'_>,
    mappings: &[&Mapping],
    ready: Vec<Ready<'_>>,
    halted: &mut BTreeMap<MappingId, Vec<ValveHit>>,
) -> Result<(), EngineError> {
    for (mapping, wanted, again) in ready {
        let done = work(ctx, mapping, wanted, again).await;
        set_apart(ctx, mapping, done, halted)?;
        ctx.publish(mappings);
    }
    Ok(())
}

/// What persons decided goes before other updates, these before creates, and of the creates those first that were decided.
async fn first_things_first(
    ctx: &mut RunCtx<'_>,
    ready: &mut [Ready<'_>],
    halted: &mut BTreeMap<MappingId, Vec<ValveHit>>,
) -> Result<(), EngineError> {
    tracing::info!(
        event = "scarce",
        "the calls that are left today do not suffice for this run"
    );
    for reasons in [Dirty::RESOLVED, u16::MAX] {
        for (mapping, ..) in ready.iter() {
            if halted.contains_key(&mapping.id) {
                continue;
            }
            let done = links_marked(ctx, mapping, reasons).await;
            set_apart(ctx, mapping, done, halted)?;
        }
    }
    for (mapping, wanted, _) in ready {
        for side in Side::BOTH {
            let decided = |id: &RecordId| ctx.was_chosen(mapping, side, id);
            wanted.get_mut(side).sort_by_key(|id| !decided(id));
        }
    }
    Ok(())
}

/// A mapping that halts is set apart, with its reasons.
pub(super) fn set_apart(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    done: Result<(), EngineError>,
    halted: &mut BTreeMap<MappingId, Vec<ValveHit>>,
) -> Result<(), EngineError> {
    match done {
        Err(EngineError::Halted(halt)) if halt.mapping.is_some() => {
            ctx.circuit.forget(&mapping.id);
            halted.insert(mapping.id.clone(), halt.valves);
            Ok(())
        }
        other => other,
    }
}

/// Everything that a mapping needs but deletions, which come last, once its group is matched.
async fn work(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wanted: Creates,
    again: Vec<Case>,
) -> Result<(), EngineError> {
    group::make(ctx, mapping, wanted).await?;
    anew(ctx, mapping, again).await?;
    links(ctx, mapping).await?;
    wake_children(ctx, mapping).await?;
    // What was found gone, merged or converted while it was read for its counterpart.
    convert::conversions(ctx, mapping).await?;
    let again = gone(ctx, mapping, Wave::First).await?;
    anew(ctx, mapping, again).await?;
    // Children that waited within this mapping itself, and what moved while it was read back.
    links(ctx, mapping).await
}
