//! What a person's confirm covers: the ops of the plan that was shown (docs/design/sync-semantics.md 15.3).

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Engine, EngineError, Order, Planned};
use super::fields::same_value;
use super::foresee::signature;
use crate::domain::{Asked, Mapping, MappingId, Op, OpKind, RecordId, RunRecord, Side, Value};
use crate::store::keys;

/// Runs looked through for the plan that a confirm names.
const CONFIRMABLE: usize = 50;

/// The ops that a confirm, or a saved plan, lets through.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmed {
    /// By signature, with what each was shown to go over.
    ops: BTreeMap<u128, Vec<(String, Value)>>,
    /// The records that they make a counterpart of. A plan that was kept in a file does not say which links they are of.
    sources: BTreeSet<(MappingId, Side, RecordId)>,
}

impl Confirmed {
    /// Of a plan. What an op does is told by the signature that it was kept under.
    pub(super) fn of(planned: &Planned) -> Confirmed {
        let mut confirmed = Confirmed::default();
        for (signature, op) in &planned.ops {
            confirmed.insert(*signature, op);
        }
        confirmed
    }

    /// One op more.
    pub(super) fn add(&mut self, op: &Op) {
        self.insert(signature(op), op);
    }

    fn insert(&mut self, signature: u128, op: &Op) {
        self.ops.insert(signature, gone_over(op));
        if let Some(source) = op.source.as_ref().filter(|_| op.kind == OpKind::Create) {
            let key = (op.mapping.clone(), op.side.other(), source.clone());
            self.sources.insert(key);
        }
    }

    /// True for an op of the plan that goes over what was shown, and for what follows from one of its creates: the key of the
    /// source names an id that nobody knew when the plan was made, and so do references where the record was `made`. One that
    /// was found there instead was not shown.
    pub(super) fn covers(&self, op: &Op, mapping: Option<&Mapping>, made: bool) -> bool {
        let shown = self.ops.get(&signature(op));
        let follows = is_key(op) || made && names_only(op);
        shown.is_some_and(|before| stands(before, op, mapping)) || follows && self.is_of_create(op)
    }

    /// True where one of the op's records is one that a counterpart was to be made of.
    fn is_of_create(&self, op: &Op) -> bool {
        let records = [(op.side, &op.target), (op.side.other(), &op.source)];
        records.into_iter().any(|(side, id)| {
            let key = |id: &RecordId| (op.mapping.clone(), side, id.clone());
            id.as_ref()
                .is_some_and(|id| self.sources.contains(&key(id)))
        })
    }
}

/// The values that an op of a plan goes over, as far as they were shown.
fn gone_over(op: &Op) -> Vec<(String, Value)> {
    // The file of a plan has nothing for a value that was not read, and of what is deleted not all need have been.
    let told = |value: &Value| match op.kind {
        OpKind::Create => false,
        OpKind::Delete => value.as_text().is_some(),
        _ => value.is_known(),
    };
    let fields = op.fields.iter().filter(|(_, one)| told(&one.before));
    fields
        .map(|(name, one)| (name.clone(), one.before.clone()))
        .collect()
}

/// True where the op still goes over what was shown, in the words of its pairs: what a vendor writes in another form is no
/// change. The key field is ours, and an element of a set is there or not, which the op itself says.
fn stands(shown: &[(String, Value)], op: &Op, mapping: Option<&Mapping>) -> bool {
    if op.element().is_some() {
        return true;
    }
    shown.iter().all(|(name, before)| {
        let now = op.fields.get(name).filter(|one| !one.pair.is_empty());
        let now = now.map(|one| &one.before).filter(|now| now.is_known());
        match (now, mapping) {
            (Some(now), Some(mapping)) => same_value(mapping, op.side, name, before, now),
            _ => true,
        }
    })
}

/// True for an op that sets nothing but the key.
fn is_key(op: &Op) -> bool {
    op.fields.values().all(|one| one.pair.is_empty())
}

/// True for an op that sets nothing but the key and references.
fn names_only(op: &Op) -> bool {
    let mut fields = op.fields.values();
    fields.all(|one| one.pair.is_empty() || one.link.is_some())
}

/// True where the halted run asked about the mapping.
pub(super) fn asked_about(run: &RunRecord, mapping: &MappingId) -> bool {
    match &run.asked {
        Some(asked) => asked.revisions.contains_key(mapping),
        // Of a version that did not note it.
        None => run.mappings.iter().any(|row| &row.mapping == mapping),
    }
}

impl Engine {
    /// What a run over these mappings asks about where a valve stops it.
    pub(super) async fn asks(&self, mappings: &[&Mapping]) -> Result<Asked, EngineError> {
        let revision = |mapping| self.rules.revisions.get(mapping).cloned();
        Ok(Asked {
            revisions: mappings
                .iter()
                .map(|mapping| {
                    let revision = revision(&mapping.id).unwrap_or_default();
                    (mapping.id.clone(), revision)
                })
                .collect(),
            epoch: self.db.number(keys::META_EPOCH).await?,
        })
    }

    /// The halted run that has kept the plan which an order confirms; none where a preview may have shown it.
    pub(super) async fn halted_of(&self, order: &Order) -> Result<Option<RunRecord>, EngineError> {
        let Some(hash) = &order.confirm else {
            return Ok(None);
        };
        let runs = self.db.runs(CONFIRMABLE).await?;
        Ok(runs
            .into_iter()
            .find(|run| run.plan_hash.as_ref() == Some(hash) && run.can_confirm()))
    }

    /// Refuses a confirm that the halted run's question is none of any more: the valves would ask something else now (18).
    pub(super) async fn may_confirm(
        &self,
        order: &Order,
        mappings: &[&Mapping],
    ) -> Result<(), EngineError> {
        let Some(run) = self.halted_of(order).await? else {
            return Ok(());
        };
        match self.unfit(&run, mappings).await? {
            Some(why) => Err(EngineError::halt(why)),
            None => Ok(()),
        }
    }

    async fn unfit(
        &self,
        run: &RunRecord,
        mappings: &[&Mapping],
    ) -> Result<Option<String>, EngineError> {
        let number = run.run;
        if mappings.is_empty() {
            let rows = run.mappings.iter().map(|row| &row.mapping);
            let about = rows.filter(|mapping| asked_about(run, mapping));
            let about: Vec<&str> = about.map(MappingId::as_str).collect();
            return Ok(Some(format!(
                "the plan of run {number} is about {}; name one of its mappings, or resume it with p",
                about.join(", ")
            )));
        }
        let Some(asked) = &run.asked else {
            return Ok(None);
        };
        for (mapping, revision) in &asked.revisions {
            match self.rules.revisions.get(mapping) {
                None => {
                    return Ok(Some(format!(
                        "the plan of run {number} is about the mapping {mapping}, which the config does not have any more; sync again"
                    )));
                }
                Some(now) if now != revision => {
                    return Ok(Some(format!(
                        "the scope, match, delete or transform rules of {mapping} have changed since run {number} made its plan; sync again to see what they would do"
                    )));
                }
                Some(_) => {}
            }
        }
        if asked.epoch != self.db.number(keys::META_EPOCH).await? {
            return Ok(Some(format!(
                "the data folder was restored since run {number} made its plan; sync again to see what would be done now"
            )));
        }
        Ok(None)
    }
}
