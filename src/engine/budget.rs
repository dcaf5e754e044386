//! Our share of each side's daily calls, and the reserve that is left to people and other programs
//! (docs/design/sync-semantics.md 17 Budgets).

use chrono::{DateTime, Utc};

use super::context::{Engine, EngineError};
use super::preflight::calls;
use crate::domain::{PerSide, Side, SideCount};
use crate::store::rows::BudgetRow;
use crate::store::{Range, TypedStore, keys};

/// Writes stop when less than this part of the vendor's limit is left for everyone together: a tenth.
const RESERVE: u64 = 10;

/// Our calls of the last day, and where the meters stood when this was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    used: SideCount,
    at_start: SideCount,
}

fn hour(now: DateTime<Utc>) -> u64 {
    u64::try_from(now.timestamp() / 3600).unwrap_or_default()
}

impl Budget {
    /// Sums the last 24 hours.
    pub(super) async fn load(engine: &Engine) -> Result<Budget, EngineError> {
        let first = hour(engine.clock.now()).saturating_sub(23);
        let mut used = SideCount::default();
        for side in Side::BOTH {
            let range = Range::prefix(keys::budget_of(side), 24)
                .after(Some(keys::budget(side, first.saturating_sub(1))));
            let rows: Vec<(_, BudgetRow)> = engine.db.store().scan(range).await?;
            *used.get_mut(side) = rows.into_iter().map(|(_, row)| row.used).sum();
        }
        Ok(Budget {
            used,
            at_start: calls(engine),
        })
    }

    /// True where what can wait may use calls too: less than four fifths of our share are used (17: sweeps come last).
    pub(super) fn is_ample(&self, engine: &Engine, side: Side) -> bool {
        let Some((used, limit)) = engine.side(side).health().daily else {
            return true;
        };
        let share = u64::from(*engine.rules.settings.daily_share.get(side));
        self.ours(engine, side) * 5 < limit * share / 100 * 4
            && limit.saturating_sub(used) > limit / RESERVE * 2
    }

    /// Our calls of the last day, this run's included.
    fn ours(&self, engine: &Engine, side: Side) -> u64 {
        self.used.get(side) + calls(engine).get(side) - self.at_start.get(side)
    }

    /// True where the calls that are left today are fewer than the run needs: what matters most goes first (17).
    pub(super) fn is_scarce(&self, engine: &Engine, needed: SideCount) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let left = self.left(engine, side);
            left.is_some_and(|left| left < *needed.get(side))
        })
    }

    /// Calls that may still be made on that side today; `None` where the vendor tells of no limit.
    fn left(&self, engine: &Engine, side: Side) -> Option<u64> {
        let daily = engine.side(side).health().daily;
        let (used, limit) = daily.filter(|(_, limit)| *limit > 0)?;
        let share = u64::from(*engine.rules.settings.daily_share.get(side));
        let ours = (limit * share / 100).saturating_sub(self.ours(engine, side));
        let of_all = limit.saturating_sub(used).saturating_sub(limit / RESERVE);
        Some(ours.min(of_all))
    }

    /// Fails where no further write may be sent on that side.
    pub(super) fn check(&self, engine: &Engine, side: Side) -> Result<(), EngineError> {
        let Some((used, limit)) = engine
            .side(side)
            .health()
            .daily
            .filter(|(_, limit)| *limit > 0)
        else {
            return Ok(());
        };
        let share = u64::from(*engine.rules.settings.daily_share.get(side));
        let ours = self.ours(engine, side);
        if ours >= limit * share / 100 {
            return Err(EngineError::halt(format!(
                "budget: {ours} calls to {side} in the last day use up our share of {share}% of {limit}; \
                 the rest follows by itself, or raise {}.daily_calls",
                side.word()
            )));
        }
        if limit.saturating_sub(used) < limit / RESERVE {
            return Err(EngineError::halt(format!(
                "budget: only {} of {limit} calls are left at {side} for everyone today; the last tenth is kept free, \
                 the rest follows by itself",
                limit.saturating_sub(used)
            )));
        }
        Ok(())
    }

    /// Adds what this run used to the running hour.
    pub(super) async fn save(&self, engine: &Engine) -> Result<(), EngineError> {
        let now = calls(engine);
        let hour = hour(engine.clock.now());
        let mut tx = engine.db.begin();
        for side in Side::BOTH {
            let key = keys::budget(side, hour);
            let mut row: BudgetRow = engine
                .db
                .store()
                .row(key.clone())
                .await?
                .unwrap_or_default();
            row.used += now.get(side) - self.at_start.get(side);
            row.remaining = engine
                .side(side)
                .health()
                .daily
                .map(|(used, limit)| limit.saturating_sub(used));
            tx.put_budget(side, hour, &row)?;
        }
        Ok(tx.apply().await?)
    }
}

/// The difference of two meter readings.
pub(super) fn since(now: SideCount, before: SideCount) -> SideCount {
    PerSide::from_fn(|side| now.get(side).saturating_sub(*before.get(side)))
}
