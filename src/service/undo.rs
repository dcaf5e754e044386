//! The undo of a run: its forecast, and the run that does it (docs/design/sync-semantics.md 19.1).

use std::sync::Arc;

use super::host::{House, lock, refusal, store_refusal};
use super::messages::{Event, Refusal, RefusalKind, Reply, UndoForecast, UndoneMapping};
use super::runner::{PER_SECOND, apart, engine_refusal};
use crate::domain::{Op, OpKind, OpState, RunId};
use crate::engine::{Order, Scope};
use crate::store::{Family, StoreError, keys};

impl House {
    /// Starts a forecast; its end is an event.
    pub(super) async fn forecast_undo(self: &Arc<Self>, run: RunId) -> Result<Reply, Refusal> {
        self.undoable(run).await?;
        let (engine, _, done) = self.claim("you").await?;
        let house = self.clone();
        tokio::spawn(async move {
            let made = apart(async move { engine.forecast_undo(run).await }).await;
            house.release(&done);
            house.publish().await;
            let event = match made {
                Ok(forecast) => {
                    *lock(&house.undo_forecast) = Some(house.shown(forecast));
                    Event::PreviewReady
                }
                Err(error) => Event::PreviewFailed {
                    refusal: engine_refusal(error),
                },
            };
            // Nobody may be listening.
            let _ = house.events.send(event);
        });
        Ok(Reply::Started { run: None })
    }

    fn shown(&self, forecast: crate::engine::UndoForecast) -> UndoForecast {
        let calls = forecast.forecast.salesforce + forecast.forecast.hubspot;
        let skipped = |op: &Op| op.state == OpState::Skipped;
        UndoForecast {
            run: forecast.run,
            made_at: self.clock.now(),
            calls: forecast.calls,
            forecast: forecast.forecast,
            seconds: calls as f64 / PER_SECOND,
            mappings: forecast
                .mappings
                .into_iter()
                .map(|one| UndoneMapping {
                    mapping: one.counts.mapping,
                    put_back: one.counts.counts.updated,
                    taken_back: one.counts.counts.archived,
                    left: one.counts.counts.held,
                    released: one.released,
                })
                .collect(),
            left: forecast.ops.into_iter().filter(skipped).collect(),
        }
    }

    /// Starts the undo.
    pub(super) async fn undo(self: &Arc<Self>, run: RunId) -> Result<Reply, Refusal> {
        self.undoable(run).await?;
        let order = Order {
            mappings: Vec::new(),
            scope: Scope::Undo(run),
            yes: true,
            confirm: None,
            by: format!("undo {run}"),
        };
        Ok(Reply::Started {
            run: Some(self.start(order).await?),
        })
    }

    /// True where a write of the run went through, or may have: a run that crashed counts none of its own.
    async fn wrote(&self, run: RunId) -> Result<bool, StoreError> {
        let mut wrote = false;
        let may = |op: &Op| {
            op.kind != OpKind::Relink && !matches!(op.state, OpState::Failed | OpState::Skipped)
        };
        self.db
            .walk(keys::by_run(Family::Journal, run), |op: Op| {
                wrote |= may(&op)
            })
            .await?;
        Ok(wrote)
    }

    /// Refuses what cannot be undone, before a run is begun for it.
    async fn undoable(&self, run: RunId) -> Result<(), Refusal> {
        let record = self
            .db
            .run(run)
            .await
            .map_err(|error| store_refusal(&error))?;
        let why = match record {
            None => self
                .db
                .no_such_run(run)
                .await
                .map_err(|error| store_refusal(&error))?,
            Some(_)
                if self
                    .wrote(run)
                    .await
                    .map_err(|error| store_refusal(&error))? =>
            {
                return Ok(());
            }
            Some(_) => format!("run {run} wrote nothing, so there is nothing to undo"),
        };
        Err(refusal(RefusalKind::Usage, why))
    }
}
