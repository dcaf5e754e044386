//! Requests that start, steer or look at runs.

use std::sync::Arc;

use super::host::{House, lock, refusal, store_refusal};
use super::messages::{Refusal, RefusalKind, Reply, SyncOrder};
use super::runner::engine_refusal;
use crate::domain::{MappingId, RunId};
use crate::engine::{Control, ControlHandle, Order, Reporter, Scope, is_plan_hash};
use crate::store::rows::MappingPhase;

impl House {
    /// Sync Now.
    pub(super) async fn sync(self: &Arc<Self>, order: SyncOrder) -> Result<Reply, Refusal> {
        for mapping in &order.mappings {
            self.known(mapping)?;
        }
        let mut mappings = order.mappings;
        if let Some(hash) = order.confirm.as_ref().filter(|hash| !is_plan_hash(hash)) {
            return Err(refusal(
                RefusalKind::Usage,
                format!(
                    "no halted run has the plan {hash}; `syncline runs` lists the halted ones with their hash"
                ),
            ));
        }
        if mappings.is_empty() {
            for mapping in &self.rules.mappings {
                let state = self
                    .db
                    .map_state(&mapping.id)
                    .await
                    .map_err(|error| store_refusal(&error))?;
                if state.state != MappingPhase::Paused {
                    mappings.push(mapping.id.clone());
                }
            }
            if mappings.is_empty() {
                return Err(refusal(
                    RefusalKind::Usage,
                    "every mapping is paused; resume one with p, or name it",
                ));
            }
        }
        let order = Order {
            mappings,
            scope: if order.full {
                Scope::Full
            } else {
                Scope::Changed
            },
            yes: order.yes,
            confirm: order.confirm,
            by: order.by,
        };
        Ok(Reply::Started {
            run: Some(self.start(order).await?),
        })
    }

    /// Steers the run under way; where one is meant, only that one.
    pub(super) fn control(
        &self,
        meant: Option<RunId>,
        steer: impl FnOnce(&ControlHandle),
    ) -> Result<Reply, Refusal> {
        match (lock(&self.job).as_ref(), meant) {
            (Some(job), Some(run)) if job.report.view().run != Some(run) => Err(refusal(
                RefusalKind::Usage,
                format!("run {run} is over; another is under way"),
            )),
            (Some(job), _) => {
                steer(&job.control);
                Ok(Reply::Ok)
            }
            (None, _) => Err(refusal(RefusalKind::Usage, "no run is under way")),
        }
    }

    /// Pauses or resumes a mapping.
    pub(super) async fn pause(&self, mapping: &MappingId, paused: bool) -> Result<Reply, Refusal> {
        self.known(mapping)?;
        let (report, _) = Reporter::new(self.clock.clone());
        let (control, _) = Control::new();
        self.engine(report, control)?
            .pause(mapping, paused)
            .await
            .map_err(engine_refusal)?;
        self.changed();
        self.publish().await;
        Ok(Reply::Ok)
    }

    /// One run.
    pub(super) async fn run(&self, run: RunId) -> Result<Reply, Refusal> {
        match self
            .db
            .run(run)
            .await
            .map_err(|error| store_refusal(&error))?
        {
            Some(record) => Ok(Reply::Run(Box::new(record))),
            None => {
                let why = self.db.no_such_run(run).await;
                Err(refusal(
                    RefusalKind::Usage,
                    why.map_err(|error| store_refusal(&error))?,
                ))
            }
        }
    }

    fn known(&self, mapping: &MappingId) -> Result<(), Refusal> {
        if self.rules.mappings.iter().any(|one| &one.id == mapping) {
            return Ok(());
        }
        let names: Vec<&str> = self
            .rules
            .mappings
            .iter()
            .map(|one| one.id.as_str())
            .collect();
        Err(refusal(
            RefusalKind::Usage,
            format!(
                "there is no mapping {mapping}; the config has {}",
                names.join(", ")
            ),
        ))
    }
}
