//! What was kept long enough goes: runs with their journals, items that are over, lines of the activity list, hours of the
//! budget (docs/design/sync-semantics.md 2, 19.4). Every run takes away a bounded part: families that lie in the
//! order of time from their old end, the others a few rows further each time. Nothing is ever read through.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;

use super::context::{Engine, EngineError};
use super::db::{Db, names};
use crate::domain::{Choice, Conflict, ItemState, RunId, RunRecord, Side};
use crate::store::rows::{ActivityLine, OpenOp};
use crate::store::{Batch, Family, Key, KeyReader, Range, StoreError, TypedStore, keys};

/// Runs that stay however old they are.
const MIN_RUNS: u64 = 20;
/// Old runs that one run takes away: more than it adds.
const RUNS: usize = 16;
/// Rows of old journals that one run takes away beside twice what it wrote: the journal of a first sync goes in parts.
const ROWS: u64 = 5_000;
/// Rows in a batch.
const PAGE: usize = 500;
/// Rows of a family that a run looks at: more than it adds, unless it is large, and then the next ones catch up.
const LOOK: usize = 200;
/// How long hours of the budget and lines of the activity list are kept.
const BUDGET: TimeDelta = TimeDelta::days(14);
const ACTIVITY: TimeDelta = TimeDelta::days(90);

/// `meta`: runs whose rows are on their way out. Their own rows are gone already, so that nobody undoes the rest of one.
const LEAVING: &str = "runs_leaving";

/// One run's part of the work.
struct Pruning<'a> {
    db: &'a Db,
    now: DateTime<Utc>,
    /// What was over before this goes.
    before: DateTime<Utc>,
    /// Rows of journals that may still be taken away.
    rows: u64,
}

impl Engine {
    /// Takes away what was kept long enough, at the end of a run. Durable with its last row.
    pub(super) async fn prune(&self, run: &RunRecord) -> Result<(), EngineError> {
        let now = self.clock.now();
        let kept = TimeDelta::from_std(self.rules.settings.retention).unwrap_or(TimeDelta::MAX);
        let mut pruning = Pruning {
            db: &self.db,
            now,
            before: now.checked_sub_signed(kept).unwrap_or(DateTime::UNIX_EPOCH),
            rows: ROWS.saturating_add(run.ops.saturating_mul(2)),
        };
        pruning.runs(run.run).await?;
        pruning.items(Family::Conflict).await?;
        pruning.items(Family::Review).await?;
        pruning.activity().await?;
        Ok(pruning.budget().await?)
    }
}

impl Pruning<'_> {
    /// Runs from the oldest on, but for the newest twenty and those with a write whose outcome is open.
    async fn runs(&mut self, last: RunId) -> Result<(), StoreError> {
        let store = self.db.store();
        let begun: Vec<RunId> = store.row(keys::meta(LEAVING)).await?.unwrap_or_default();
        let oldest: Vec<(Key, RunRecord)> = store
            .scan(Range::prefix(keys::all(Family::Run), RUNS))
            .await?;
        let mut leaving: Vec<RunId> = oldest
            .into_iter()
            .map(|(_, run)| run)
            .filter(|run| run.run.0.saturating_add(MIN_RUNS) <= last.0)
            .filter(|run| run.ended_at.unwrap_or(run.started_at) < self.before)
            .map(|run| run.run)
            .collect();
        if !leaving.is_empty() {
            let held = self.runs_with_open_ops().await?;
            leaving.retain(|run| !held.contains(run));
        }
        if leaving.is_empty() && begun.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for run in &leaving {
            batch.remove(keys::run(*run));
        }
        leaving.splice(0..0, begun);
        batch.put_row(keys::meta(LEAVING), &leaving)?;
        store.apply(batch).await?;
        let mut gone = 0;
        for run in &leaving {
            if !self.rows_of(*run).await? {
                break;
            }
            gone += 1;
        }
        tracing::info!(runs = gone, "runs that were kept long enough are gone");
        leaving.drain(..gone);
        let mut batch = Batch::default();
        if leaving.is_empty() {
            batch.remove(keys::meta(LEAVING));
        } else {
            batch.put_row(keys::meta(LEAVING), &leaving)?;
        }
        store.apply(batch).await
    }

    async fn runs_with_open_ops(&self) -> Result<BTreeSet<RunId>, StoreError> {
        let mut runs = BTreeSet::new();
        self.db
            .walk(keys::all(Family::OpenOp), |row: OpenOp| {
                runs.insert(row.run);
            })
            .await?;
        Ok(runs)
    }

    /// The rows of one run; false where some are left to the next run.
    async fn rows_of(&mut self, run: RunId) -> Result<bool, StoreError> {
        for family in [Family::Journal, Family::Undo, Family::Plan] {
            loop {
                if self.rows == 0 {
                    return Ok(false);
                }
                let range = Range::prefix(keys::by_run(family, run), PAGE);
                let rows = self.db.store().range(range).await?;
                if rows.is_empty() {
                    break;
                }
                self.rows = self.rows.saturating_sub(rows.len() as u64);
                let mut batch = Batch::default();
                for (key, _) in rows {
                    batch.remove(key);
                }
                self.db.store().apply(batch).await?;
            }
        }
        Ok(true)
    }

    /// Conflicts and review items that are over. What a person said to leave alone for good stays: it is asked for again
    /// whenever the record is matched.
    async fn items(&self, family: Family) -> Result<(), StoreError> {
        let before = self.before;
        self.look_through(family, |item: &Conflict| {
            let choice = item.resolution.as_ref().map(|chosen| &chosen.choice);
            item.state == ItemState::Resolved
                && item.last_seen < before
                && choice != Some(&Choice::Ignore)
        })
        .await
    }

    /// Looks at the next page of a family whose keys say nothing of time, from where the run before stopped.
    async fn look_through<T: DeserializeOwned + Send>(
        &self,
        family: Family,
        is_over: impl Fn(&T) -> bool,
    ) -> Result<(), StoreError> {
        let store = self.db.store();
        let mark = keys::meta(&format!("looked_through/{}", family.name()));
        let stopped: Option<String> = store.row(mark.clone()).await?;
        let after = stopped.as_deref().and_then(Key::from_hex);
        let range = Range::prefix(keys::all(family), LOOK).after(after);
        let rows: Vec<(Key, T)> = store.scan(range).await?;
        let more = rows.len() == LOOK;
        let next = rows.last().filter(|_| more).map(|(key, _)| key.to_hex());
        let mut batch = Batch::default();
        for (key, _) in rows.into_iter().filter(|(_, row)| is_over(row)) {
            batch.remove(key);
        }
        match &next {
            Some(place) => batch.put_row(mark, place)?,
            None if stopped.is_some() => batch.remove(mark),
            None => {}
        }
        self.apply(batch).await
    }

    async fn activity(&self) -> Result<(), StoreError> {
        let range = Range::prefix(keys::all(Family::Activity), LOOK);
        let rows: Vec<(Key, ActivityLine)> = self.db.store().scan(range).await?;
        let mut batch = Batch::default();
        for (key, _) in rows
            .into_iter()
            .take_while(|(_, line)| self.now - line.at > ACTIVITY)
        {
            batch.remove(key);
        }
        self.apply(batch).await
    }

    async fn budget(&self) -> Result<(), StoreError> {
        let first = u64::try_from((self.now - BUDGET).timestamp() / 3600).unwrap_or_default();
        let mut batch = Batch::default();
        for side in Side::BOTH {
            let prefix = keys::budget_of(side);
            let rows = Range::prefix(prefix.clone(), LOOK);
            for (key, _) in self.db.store().range(rows).await? {
                if KeyReader::after(&prefix, &key)?.u64()? < first {
                    batch.remove(key);
                }
            }
        }
        self.apply(batch).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.db.store().apply(batch).await
    }
}

impl Db {
    /// Why there is no row of that run, with the next step.
    pub async fn no_such_run(&self, run: RunId) -> Result<String, StoreError> {
        let last = self.number(names::LAST_RUN).await?;
        Ok(if run.0 == 0 || run.0 > last {
            format!("there is no run {run}; `syncline runs` lists them")
        } else {
            format!(
                "run {run} and its journal are no longer kept (engine.retention), so there is nothing left to show or to undo"
            )
        })
    }
}
