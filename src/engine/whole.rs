//! When a run reads everything instead of what changed (docs/design/sync-semantics.md 5.4, 9.4, 9.5). A run is one or the
//! other for all its mappings, so that its kind tells what its counts are of.

use chrono::{DateTime, TimeDelta, Utc};

use super::backfill;
use super::context::{Engine, EngineError, Order, Scope};
use super::drift;
use super::scope;
use crate::domain::{Mapping, MappingId, Side};
use crate::store::keys;
use crate::store::rows::{Cursor, MapState};

/// How long the vendors keep what tells of deletions: windows that reach further back miss some (5.4).
const HORIZON: TimeDelta = TimeDelta::days(14);

/// Why a run reads everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A person asked for it.
    Asked,
    /// A mapping's first sync is not done: it never ran, or was cut off.
    First,
    /// A pass over everything was cut off.
    CutOff,
    /// The store came from a backup.
    Restored,
    /// A mapping has field pairs that its links have never seen.
    NewPairs,
    /// A mapping's scope or match rules have changed: records that nobody edited are concerned.
    NewRules,
    /// A pair that a change of the objects had paused goes on again.
    Released,
    /// The last look lies behind the horizon.
    TooOld,
}

impl Why {
    /// For the log.
    pub(super) fn word(self) -> &'static str {
        match self {
            Why::Asked => "asked",
            Why::First => "first sync",
            Why::CutOff => "an earlier pass was cut off",
            Why::Restored => "the store was restored",
            Why::NewPairs => "field pairs were added",
            Why::NewRules => "the scope or the match rules changed",
            Why::Released => "a paused field pair goes on again",
            Why::TooOld => "the last look is too long ago",
        }
    }
}

/// What is known of one mapping.
pub(super) struct Facts<'a> {
    pub(super) mapping: &'a MappingId,
    pub(super) state: &'a MapState,
    pub(super) epoch: u64,
    pub(super) new_pairs: bool,
    pub(super) new_rules: bool,
    pub(super) released: bool,
    pub(super) cursors: [&'a Cursor; 2],
    pub(super) now: DateTime<Utc>,
}

/// Why everything of a mapping is to be read, if it is.
pub(super) fn why(facts: &Facts<'_>) -> Option<Why> {
    let too_old = |cursor: &&Cursor| {
        cursor
            .seen_by(facts.mapping)
            .is_none_or(|watermark| facts.now - watermark > HORIZON)
    };
    let reasons = [
        (!facts.state.first_sync_done, Why::First),
        (is_restored(facts.state, facts.epoch), Why::Restored),
        (
            facts.cursors.iter().any(|cursor| cursor.resume.is_some()),
            Why::CutOff,
        ),
        (facts.new_pairs, Why::NewPairs),
        (facts.new_rules, Why::NewRules),
        (facts.released, Why::Released),
        (facts.cursors.iter().any(too_old), Why::TooOld),
    ];
    reasons.into_iter().find(|(is, _)| *is).map(|(_, why)| why)
}

/// True where the mapping was last confirmed by a store that this one was restored from (22 rule 9).
pub(super) fn is_restored(state: &MapState, epoch: u64) -> bool {
    state.first_sync_done && state.confirmed_epoch != epoch
}

/// Why a run of that order reads everything; `None` where it reads what changed.
pub(super) async fn whole(
    engine: &Engine,
    order: &Order,
    mappings: &[&Mapping],
) -> Result<Option<Why>, EngineError> {
    match &order.scope {
        Scope::Full => return Ok(Some(Why::Asked)),
        Scope::Plan(planned) if planned.full => return Ok(Some(Why::Asked)),
        Scope::Stored | Scope::Undo(_) => return Ok(None),
        Scope::Changed | Scope::Plan(_) => {}
    }
    let epoch = engine.db.number(keys::META_EPOCH).await?;
    for mapping in mappings {
        let state = engine.db.map_state(&mapping.id).await?;
        let cursor = |side: Side| engine.db.cursor(side, mapping.object(side));
        let found = why(&Facts {
            mapping: &mapping.id,
            state: &state,
            epoch,
            new_pairs: !backfill::new_pairs(engine, mapping).await?.is_empty(),
            released: drift::accepted(&engine.db, mapping).await?.catch_up,
            new_rules: scope::is_new(engine, mapping).await?,
            cursors: [
                &cursor(Side::Salesforce).await?,
                &cursor(Side::HubSpot).await?,
            ],
            now: engine.clock.now(),
        });
        if let Some(why) = found {
            tracing::info!(mapping = %mapping.id, why = why.word(), "everything is read");
            return Ok(Some(why));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read_for_a_reason_and_changes_otherwise() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(400);
        let read = |days: i64| Cursor {
            watermark: Some(now - TimeDelta::days(days)),
            ..Cursor::default()
        };
        let done = MapState {
            first_sync_done: true,
            ..MapState::default()
        };
        let open = Cursor {
            resume: Some("x".into()),
            ..read(0)
        };
        let rows = [
            (&done, 0, false, [&read(0), &read(14)], None),
            (&done, 0, false, [&read(0), &read(15)], Some(Why::TooOld)),
            (
                &done,
                0,
                false,
                [&Cursor::default(), &read(0)],
                Some(Why::TooOld),
            ),
            (&done, 0, true, [&read(0), &read(0)], Some(Why::NewPairs)),
            (&done, 0, false, [&open, &read(0)], Some(Why::CutOff)),
            (&done, 1, false, [&read(0), &read(0)], Some(Why::Restored)),
            (
                &MapState::default(),
                1,
                true,
                [&read(0), &read(0)],
                Some(Why::First),
            ),
        ];
        for (state, epoch, new_pairs, cursors, want) in rows {
            let facts = Facts {
                mapping: &"contacts".into(),
                state,
                epoch,
                new_pairs,
                new_rules: false,
                released: false,
                cursors,
                now,
            };
            assert_eq!(why(&facts), want);
        }
    }
}
