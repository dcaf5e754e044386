//! Records of links that do not answer while nothing says that they were deleted: an error, and nothing else
//! (docs/design/sync-semantics.md 12.1).

use super::context::EngineError;
use super::db::Tx;
use super::gone::count;
use super::gone_case::Case;
use super::gone_items as items;
use super::gone_note::note;
use super::run_ctx::RunCtx;
use super::tally::{Fate, Unlinked};
use crate::domain::{ErrorCategory, Mapping, Observation, Presence, Side};
use crate::store::rows::Dirty;

/// A linked record does not answer, and nothing says that it was deleted: an error, and nothing else (12.1). That the other
/// one is gone stays noted: what follows from it waits for an answer.
pub(super) fn out_of_reach(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    side: Side,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let item = items::unreachable(ctx, mapping, case, side);
    tx.put_error(&item, case.errors.iter().any(|known| known.id == item.id))?;
    // It stands for whatever else was wrong with the link: nothing of that is tried while the record does not answer.
    for error in &case.errors {
        if error.id != item.id && error.category != ErrorCategory::Gone {
            tx.remove_error(error);
        }
    }
    for one in Side::BOTH {
        match case.seen.get(one) {
            // It is counted here, as read by this run.
            Some(seen) if case.is_gone(one) => {
                note(mapping, seen, case.marked(one) & !Dirty::CHANGED, tx)?;
            }
            _ => clear(mapping, case, one, tx),
        }
    }
    if case.was_read() {
        count(ctx, mapping, case, Unlinked::Error);
    } else if !ctx.whole {
        // A run over everything counts what it read, and it read neither record.
        ctx.tally(&mapping.id).link(case.link.id, Fate::Error);
    }
    Ok(())
}

fn clear(mapping: &Mapping, case: &Case, side: Side, tx: &mut Tx<'_>) {
    if let Some(id) = case.link.ids.get(side) {
        tx.clear_dirty(&mapping.id, side, id);
        tx.drop_observation(side, mapping.object(side), id);
    }
}

/// A record that answers, or is proven gone, is silent no longer, whatever follows. Of a converted Lead the same error tells
/// that its Contact is silent.
pub(super) fn answered(case: &mut Case, tx: &mut Tx<'_>) {
    let told = |seen: &Observation| matches!(seen.presence, Presence::Live | Presence::Deleted);
    for side in Side::BOTH {
        if case.seen.get(side).as_ref().is_some_and(told)
            && let Some(error) = case.silence(side).cloned()
        {
            tx.remove_error(&error);
            case.errors.retain(|item| item.id != error.id);
        }
    }
}
