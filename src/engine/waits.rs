//! What waits for a link or a record is over, whatever became of it.

use super::context::{Engine, EngineError};
use super::db::{Tx, Waiting};
use crate::domain::{Conflict, ItemState, MappingId, RunId};

/// What is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Conflicts, review items and errors.
    All,
    /// Conflicts and review items.
    Questions,
    /// Errors.
    Errors,
}

/// Takes the errors away and closes the questions of one mapping that wait for an owner: several mappings may be over one
/// record. `run` is what closes them.
pub(super) async fn close(
    engine: &Engine,
    mapping: &MappingId,
    owner: u128,
    what: What,
    run: Option<RunId>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    if !engine.db.anything_waits(mapping) {
        return Ok(());
    }
    for item in engine.db.waiting(owner).await? {
        match item {
            Waiting::Error(error) if what != What::Questions && error.mapping == *mapping => {
                tx.remove_error(&error);
            }
            Waiting::Conflict(before) if what != What::Errors && before.mapping == *mapping => {
                let over = Conflict {
                    state: ItemState::Resolved,
                    last_seen: engine.clock.now(),
                    run: run.unwrap_or(before.run),
                    ..before.clone()
                };
                tx.put_conflict(&over, Some(&before), owner)?;
            }
            _ => {}
        }
    }
    Ok(())
}
