//! Noticing, while a side is read, that a linked record is gone, merged, or there again. What follows is decided once everything
//! was read (docs/design/sync-semantics.md 12).

use std::collections::BTreeMap;

use super::context::{Engine, EngineError};
use super::db::Tx;
use super::fields;
use super::merged::is_told;
use super::tally::Fate;
use crate::domain::{Link, LinkState, Mapping, Observation, Presence};
use crate::store::rows::Dirty;

/// Notes that a linked record is gone, or there again: what follows is decided once everything was read.
pub(super) fn note(
    mapping: &Mapping,
    seen: &Observation,
    reasons: u16,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    tx.put_observation(seen)?;
    Ok(tx.mark_dirty(&mapping.id, seen.side, &seen.id, reasons | Dirty::DELETED)?)
}

/// What is seen of a record whose link may not be in step.
pub(super) enum Beside {
    /// The link is in step: its values are compared.
    InStep,
    /// It is gone, or there again: the link has to be decided about.
    Noted,
    /// Its counterpart may be being made, which is recovery's business: it counts as a record without one.
    Pending,
    /// Nothing follows; the link counts as this.
    Linked(Fate),
    /// Nothing follows, and its counterpart is gone or waits: it counts as a record without a link.
    Alone,
}

pub(super) fn beside(link: &Link, seen: &Observation) -> Beside {
    let live = seen.presence == Presence::Live;
    if let Presence::Converted(_) = seen.presence {
        return match &link.state {
            LinkState::Superseded(_) => Beside::Alone,
            // What follows from it was decided; a person may have been asked.
            _ if link.former.get(seen.side).contains(&seen.id) => Beside::Alone,
            _ => Beside::Noted,
        };
    }
    match &link.state {
        LinkState::PendingCreate => Beside::Pending,
        LinkState::TakenBack(_) => match seen.presence {
            Presence::MergedInto(_) => Beside::Noted,
            _ => Beside::Linked(Fate::Held),
        },
        LinkState::Active if live => Beside::InStep,
        LinkState::Deleted(departed) if live == *departed.gone.get(seen.side) => Beside::Noted,
        LinkState::Active => Beside::Noted,
        LinkState::Suspended(_) => match seen.presence {
            Presence::Deleted | Presence::MergedInto(_) if !is_told(link, seen.side) => {
                Beside::Noted
            }
            _ => Beside::Alone,
        },
        LinkState::OutOfScope | LinkState::Unlinked => match (&seen.presence, &link.state) {
            (Presence::Deleted | Presence::MergedInto(_), _) => Beside::Noted,
            (_, LinkState::OutOfScope) => Beside::Linked(Fate::Unchanged),
            _ => Beside::Alone,
        },
        LinkState::Deleted(_) | LinkState::Superseded(_) => Beside::Alone,
    }
}

/// HubSpot's survivor of a merge is a new record that names the old ones: the links of those follow it. Says whether any has
/// a link.
pub(super) async fn note_merged(
    engine: &Engine,
    mapping: &Mapping,
    seen: &Observation,
    tx: &mut Tx<'_>,
) -> Result<bool, EngineError> {
    let former = fields::former_ids(seen);
    if former.is_empty() {
        return Ok(false);
    }
    let object = mapping.object(seen.side);
    let held = engine
        .db
        .link_ids(&mapping.id, seen.side, object, &former)
        .await?;
    let mut any = false;
    for (id, _) in former
        .into_iter()
        .zip(held)
        .filter(|(_, held)| held.is_some())
    {
        let marker = Observation {
            id,
            fields: BTreeMap::new(),
            presence: Presence::MergedInto(seen.id.clone()),
            ..seen.clone()
        };
        note(mapping, &marker, 0, tx)?;
        any = true;
    }
    Ok(any)
}
