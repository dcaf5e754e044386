//! The mappings as the home screen shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::host::{House, lock, refusal, store_refusal};
use super::messages::{
    MappingDetail, MappingRow, MappingStatus, PairRow, RecentRun, Refusal, RefusalKind, Reply,
};
use super::words;
use crate::domain::{Conflict, Mapping, MappingId, PerSide, RunRecord, Side, Value};
use crate::engine::Phase;
use crate::store::rows::{MapState, MappingPhase};
use crate::store::{Count, Family, Range, StoreError, TypedStore, keys};

/// Runs looked through for a mapping's last ones.
const RUNS: usize = 200;
/// Runs of the sparkline.
const RECENT: usize = 20;

impl House {
    /// All mappings.
    pub(super) async fn mappings(self: &Arc<Self>) -> Result<Reply, Refusal> {
        let rows = self
            .mapping_rows()
            .await
            .map_err(|error| store_refusal(&error))?;
        Ok(Reply::Mappings { mappings: rows })
    }

    async fn mapping_rows(&self) -> Result<Vec<MappingRow>, StoreError> {
        let runs = self.db.runs(RUNS).await?;
        let mut rows = Vec::new();
        for mapping in &self.config.mappings {
            rows.push(self.mapping_row(mapping, &runs).await?);
        }
        Ok(rows)
    }

    async fn mapping_row(
        &self,
        mapping: &Mapping,
        runs: &[RunRecord],
    ) -> Result<MappingRow, StoreError> {
        let queue = self.queue().await?;
        let causes = self.causes().await?;
        let state = self.db.map_state(&mapping.id).await?;
        let mine: Vec<&RunRecord> = runs
            .iter()
            .filter(|run| {
                run.state.is_over() && run.mappings.iter().any(|row| row.mapping == mapping.id)
            })
            .collect();
        let changed = |run: &RunRecord| {
            let row = run.mappings.iter().find(|row| row.mapping == mapping.id);
            row.map_or(0, |row| {
                row.counts.updated_links
                    + row.counts.created.salesforce
                    + row.counts.created.hubspot
            })
        };
        let recent = mine
            .iter()
            .take(RECENT)
            .rev()
            .map(|run| RecentRun {
                run: run.run,
                state: run.state,
                changed: changed(run),
            })
            .collect();
        let last = mine.first();
        let waiting = queue.by_mapping.get(mapping.id.as_str());
        let links = self.db.count(&Count::Links(mapping.id.clone()));
        let scheduled =
            state.first_sync_done && state.state == MappingPhase::Active && self.schedules;
        Ok(MappingRow {
            mapping: mapping.id.clone(),
            objects: PerSide::from_fn(|side| mapping.object(side).to_owned()),
            direction: mapping.direction,
            state: self.status_of(mapping, &state),
            last_run_at: last.and_then(|run| run.ended_at),
            last_run: last.map(|run| run.run),
            changed: last.map(|run| changed(run)),
            conflicts: waiting.map_or(0, |(count, _)| *count),
            oldest_conflict: waiting.map(|(_, since)| *since),
            errors: causes.records.get(&mapping.id).copied().unwrap_or_default(),
            links,
            next_run_at: lock(&self.due)
                .get(&mapping.id)
                .copied()
                .filter(|_| scheduled),
            fields: mapping.pairs.len() + mapping.sets.len(),
            rules: words::summary(mapping),
            last_run_text: match state.reason.filter(|_| state.state == MappingPhase::Active) {
                // Some of its fields are paused; the others go on.
                Some(reason) => reason,
                None => last.map_or_else(String::new, |run| words::last_run(run, mapping)),
            },
            recent,
        })
    }

    fn status_of(&self, mapping: &Mapping, state: &MapState) -> MappingStatus {
        let running = lock(&self.job).as_ref().is_some_and(|job| {
            let view = job.report.view();
            view.run.is_some() && view.mappings.contains(&mapping.id)
        });
        match state.state {
            _ if running => MappingStatus::Running,
            MappingPhase::Paused => MappingStatus::Paused,
            MappingPhase::Halted => MappingStatus::Halted(state.reason.clone().unwrap_or_default()),
            MappingPhase::NeedsConfirm => MappingStatus::ToConfirm,
            MappingPhase::Active if state.first_sync_done => MappingStatus::Active,
            MappingPhase::Active => MappingStatus::ToConfirm,
        }
    }

    /// One mapping in full.
    pub(super) async fn mapping(self: &Arc<Self>, id: &MappingId) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let Some(mapping) = self
            .config
            .mappings
            .iter()
            .find(|mapping| &mapping.id == id)
        else {
            return Err(refusal(
                RefusalKind::Usage,
                format!("there is no mapping {id}"),
            ));
        };
        let runs = self.db.runs(RUNS).await.map_err(store)?;
        let row = self.mapping_row(mapping, &runs).await.map_err(store)?;
        let mut in_conflict: BTreeMap<String, chrono::DateTime<chrono::Utc>> = BTreeMap::new();
        self.db
            .walk(keys::all(Family::Conflict), |item: Conflict| {
                if item.mapping == *id {
                    for pair in item.pairs() {
                        let last = in_conflict.entry(pair.to_owned()).or_insert(item.last_seen);
                        *last = (*last).max(item.last_seen);
                    }
                }
            })
            .await
            .map_err(store)?;
        let sample = self.sample(mapping).await.map_err(store)?;
        let pairs = mapping
            .pairs
            .iter()
            .map(|pair| PairRow {
                names: pair.fields.clone(),
                direction: pair.direction,
                rule: words::pair_rule(pair),
                transform: words::transform(pair),
                last_conflict: in_conflict.get(pair.name()).copied(),
                sample: PerSide::from_fn(|side| sample(pair.name(), side)),
            })
            .chain(mapping.sets.iter().map(|set| PairRow {
                names: PerSide::from_fn(|side| set.field(side).to_owned()),
                direction: set.direction,
                rule: "one by one".into(),
                transform: format!("a set through {}", set.mapping),
                last_conflict: None,
                sample: PerSide::from_fn(|side| sample(set.name(), side)),
            }))
            .collect();
        Ok(Reply::Mapping(Box::new(MappingDetail {
            row,
            match_on: words::match_on(mapping),
            wins: words::wins(mapping),
            pairs,
        })))
    }

    /// The values of one linked record, from its base.
    async fn sample(
        &self,
        mapping: &Mapping,
    ) -> Result<impl Fn(&str, Side) -> Value + use<>, StoreError> {
        let range = Range::prefix(keys::by_mapping(Family::Base, &mapping.id), 1);
        let rows: Vec<(_, crate::domain::Base)> = self.db.store().scan(range).await?;
        let base = rows
            .into_iter()
            .next()
            .map(|(_, base)| base)
            .unwrap_or_default();
        Ok(move |pair: &str, side: Side| match base.value(pair, side) {
            Some(crate::domain::BaseValue::Raw(text)) => Value::Text(text.clone()),
            Some(crate::domain::BaseValue::Null) => Value::Null,
            _ => Value::Unknown,
        })
    }
}

/// True for the phases that are worth a line only when they found something.
pub(super) fn is_quiet(phase: Phase) -> bool {
    matches!(phase, Phase::Recover | Phase::Match | Phase::Guard)
}
