//! Plans that are kept: the last preview as a plan, and the run that carries one out (docs/design/sync-semantics.md 15.2, 15.3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::host::{House, lock, refusal, store_refusal};
use super::messages::{Refusal, RefusalKind, Reply, SavedPlan};
use crate::domain::{MappingCounts, Op, OpId, RunKind, ValveHit};
use crate::engine::{Order, Planned, Scope, names, plan_hash, signature};
use crate::store::keys;

impl House {
    /// The last preview as a plan.
    pub(super) async fn plan(&self) -> Result<Reply, Refusal> {
        let Some(preview) = lock(&self.preview).clone() else {
            return Err(refusal(
                RefusalKind::Usage,
                "there is no preview to keep; make one first",
            ));
        };
        let mut ops: Vec<Op> = Vec::new();
        for mapping in &preview.mappings {
            let from = ops.len();
            ops.extend(mapping.samples.iter().map(|op| Op {
                id: OpId(signature(op)),
                ..op.clone()
            }));
            if let Some(own) = ops.get_mut(from..) {
                own.sort_by_key(sort_key);
            }
        }
        if plan_hash(&ids(&ops)) != preview.plan_hash {
            return Err(refusal(
                RefusalKind::Usage,
                "the preview holds samples only; make one that keeps every op",
            ));
        }
        let revision = |mapping| self.rules.revisions.get(mapping).cloned();
        Ok(Reply::Plan(Box::new(SavedPlan {
            install: self.install().await?,
            epoch: self.epoch().await?,
            kind: preview.kind,
            plan_hash: preview.plan_hash,
            revisions: preview
                .mappings
                .iter()
                .map(|one| {
                    let revision = revision(&one.mapping).unwrap_or_default();
                    (one.mapping.clone(), revision)
                })
                .collect(),
            valves: preview.valves,
            forecast: preview.forecast,
            seconds: preview.seconds,
            mappings: preview
                .mappings
                .into_iter()
                .map(|one| MappingCounts {
                    mapping: one.mapping,
                    counts: one.would,
                })
                .collect(),
            ops,
        })))
    }

    async fn install(&self) -> Result<String, Refusal> {
        let install = self.db.meta(names::INSTALL).await;
        Ok(install
            .map_err(|error| store_refusal(&error))?
            .unwrap_or_default())
    }

    async fn epoch(&self) -> Result<u64, Refusal> {
        let epoch = self.db.number(keys::META_EPOCH).await;
        epoch.map_err(|error| store_refusal(&error))
    }

    /// Carries out exactly a plan.
    pub(super) async fn apply(
        self: &Arc<Self>,
        plan: SavedPlan,
        confirm: Option<String>,
        by: String,
    ) -> Result<Reply, Refusal> {
        if let Some(why) = self.unfit(&plan).await? {
            return Err(refusal(RefusalKind::Usage, why));
        }
        let asks: Vec<&ValveHit> = plan
            .valves
            .iter()
            .filter(|hit| hit.valve != "first_run")
            .collect();
        if let Some(closed) = asks.iter().find(|hit| !hit.confirmable) {
            return Err(refusal(RefusalKind::Confirm, closed.message.clone()));
        }
        if !asks.is_empty() && confirm.as_deref() != Some(&plan.plan_hash) {
            let all: Vec<&str> = asks.iter().map(|hit| hit.message.as_str()).collect();
            let message = format!(
                "{}; look at the plan, then accept it with --confirm {}",
                all.join("; "),
                plan.plan_hash
            );
            return Err(refusal(RefusalKind::Confirm, message));
        }
        let ops: BTreeMap<u128, Op> = plan.ops.into_iter().map(|op| (op.id.0, op)).collect();
        let order = Order {
            mappings: plan.mappings.into_iter().map(|row| row.mapping).collect(),
            scope: Scope::Plan(Arc::new(Planned {
                full: plan.kind == RunKind::Full,
                ops,
            })),
            yes: true,
            confirm: None,
            by,
        };
        Ok(Reply::Started {
            run: Some(self.start(order).await?),
        })
    }

    /// Why a plan is none of this installation and config, if it is not.
    async fn unfit(&self, plan: &SavedPlan) -> Result<Option<String>, Refusal> {
        const AGAIN: &str = "make a new one with `syncline preview --out`";
        if plan.install != self.install().await? {
            return Ok(Some(format!(
                "the plan was made by another installation: its links are not those of this data folder; {AGAIN}"
            )));
        }
        if plan.epoch != self.epoch().await? {
            return Ok(Some(format!(
                "the data folder was restored since the plan was made; {AGAIN}"
            )));
        }
        if plan.mappings.is_empty() {
            // A run of no mapping is one of all that are not paused.
            return Ok(Some(format!(
                "the plan is about no mapping: all were paused when it was made; {AGAIN}"
            )));
        }
        for (mapping, revision) in &plan.revisions {
            match self.rules.revisions.get(mapping) {
                None => {
                    return Ok(Some(format!(
                        "the plan is about the mapping {mapping}, which the config does not have any more; {AGAIN}"
                    )));
                }
                Some(now) if now != revision => {
                    return Ok(Some(format!(
                        "the scope, match, delete or transform rules of {mapping} have changed since the plan was made; {AGAIN}"
                    )));
                }
                Some(_) => {}
            }
        }
        if plan_hash(&ids(&plan.ops)) != plan.plan_hash {
            return Ok(Some(format!(
                "the plan's ops are not those that its hash was made of; {AGAIN}"
            )));
        }
        Ok(None)
    }
}

fn ids(ops: &[Op]) -> BTreeSet<u128> {
    ops.iter().map(|op| op.id.0).collect()
}

/// Kind, side and record: the order of ops within a mapping (15.1).
fn sort_key(op: &Op) -> impl Ord + use<> {
    (
        op.kind,
        op.side,
        op.target.clone(),
        op.source.clone(),
        op.id,
    )
}
