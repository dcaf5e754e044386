//! Nobody is linked with a record that is not there any more (docs/design/sync-semantics.md 9.2, 12.1): HubSpot tells of
//! deletions only where it is asked, so a counterpart that this run has not seen is read before it is one.

use std::collections::BTreeSet;

use super::context::EngineError;
use super::matching::MatchOutcome;
use super::run_ctx::{Mode, RunCtx};
use super::tally::Unlinked;
use super::unmet::forget_dead;
use crate::domain::{Choice, Mapping, PerSide, Presence, RecordId, Side};

/// Records that were found to be there, by side.
pub(super) type Met = PerSide<BTreeSet<RecordId>>;

/// Reads the records that would be linked and that this run has not seen; those that are gone are forgotten. Gives these. Of a
/// pass over everything that was cut off these are records that it met before, and those that would get a counterpart count as well:
/// no window tells what became of them since.
pub(super) async fn forget_gone(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    outcomes: &[MatchOutcome],
    choices: &[(Side, RecordId, Choice)],
    met: &mut Met,
) -> Result<Met, EngineError> {
    let mut dead = Met::default();
    if ctx.mode == Mode::Estimate {
        return Ok(dead);
    }
    for side in Side::BOTH {
        let matched = outcomes.iter().filter_map(|outcome| match outcome {
            MatchOutcome::Link { s, h, .. } => Some(match side {
                Side::Salesforce => s,
                Side::HubSpot => h,
            }),
            _ => None,
        });
        let chosen = choices.iter().filter_map(|(of, id, choice)| match choice {
            Choice::Link(_) if *of == side => Some(id),
            Choice::Link(other) => Some(other),
            _ => None,
        });
        let creates = ctx.whole && mapping.makes(side.other());
        let made = outcomes.iter().filter_map(|outcome| match outcome {
            MatchOutcome::Create { side: of, id } if creates && *of == side => Some(id),
            _ => None,
        });
        let met = met.get_mut(side);
        let wanted: BTreeSet<&RecordId> = matched.chain(chosen).chain(made).collect();
        let wanted: Vec<RecordId> = wanted
            .into_iter()
            .filter(|id| !met.contains(*id))
            .cloned()
            .collect();
        let strangers = unseen(ctx, mapping, side, wanted.clone()).await?;
        met.extend(wanted);
        if !strangers.is_empty() {
            let gone = forget_dead(ctx, mapping, side, &strangers).await?;
            if ctx.whole {
                let tally = ctx.tally(&mapping.id);
                gone.iter()
                    .for_each(|id| tally.unlinked(side, id, Unlinked::Excluded));
            }
            dead.get_mut(side).extend(gone);
        }
    }
    Ok(dead)
}

/// Those that this run has not seen to be there. What an earlier process saw, whose pass over everything this one goes on with, may
/// be gone since.
async fn unseen(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: Vec<RecordId>,
) -> Result<Vec<RecordId>, EngineError> {
    let object = mapping.object(side);
    let stored = ctx.engine.db.observations(side, object, &ids).await?;
    let now = ctx.engine.clock.now();
    let unseen = ids.into_iter().zip(stored).filter(|(_, seen)| {
        seen.as_ref().is_none_or(|seen| {
            let met = (ctx.began..=now).contains(&seen.observed_at);
            // Another mapping's link may have told that it is gone.
            !met || seen.presence != Presence::Live
        })
    });
    Ok(unseen.map(|(id, _)| id).collect())
}
