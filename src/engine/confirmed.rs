//! What a person's confirm covers: the ops of the plan that was shown (docs/design/sync-semantics.md 15.3).

use std::collections::BTreeSet;

use super::context::Planned;
use super::foresee::signature;
use crate::domain::{MappingId, Op, OpKind, RecordId, Side};

/// The ops that a confirm, or a saved plan, lets through.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmed {
    ops: BTreeSet<u128>,
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
        self.ops.insert(signature);
        if let Some(source) = op.source.as_ref().filter(|_| op.kind == OpKind::Create) {
            let key = (op.mapping.clone(), op.side.other(), source.clone());
            self.sources.insert(key);
        }
    }

    /// True for an op of the plan, and for what follows from one of its creates: the key of the source and the references
    /// name an id that nobody knew when the plan was made.
    pub(super) fn covers(&self, op: &Op) -> bool {
        self.ops.contains(&signature(op)) || names_only(op) && self.is_of_create(op)
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

/// True for an op that sets nothing but the key and references.
fn names_only(op: &Op) -> bool {
    let mut fields = op.fields.values();
    fields.all(|one| one.pair.is_empty() || one.link.is_some())
}
