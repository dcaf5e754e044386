//! What a person's confirm covers: the ops of the plan that was shown (docs/design/sync-semantics.md 15.3).

use std::collections::BTreeSet;

use super::foresee::signature;
use crate::domain::{LinkId, Op, OpKind};

/// The ops that a confirm, or a saved plan, lets through.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmed {
    ops: BTreeSet<u128>,
    /// The links that they create a record for.
    created: BTreeSet<LinkId>,
}

impl Confirmed {
    /// Of the ops of a plan.
    pub(super) fn of<'o>(ops: impl IntoIterator<Item = &'o Op>) -> Confirmed {
        let mut confirmed = Confirmed::default();
        for op in ops {
            confirmed.add(op);
        }
        confirmed
    }

    /// One op more.
    pub(super) fn add(&mut self, op: &Op) {
        self.ops.insert(signature(op));
        if op.kind == OpKind::Create {
            self.created.insert(op.link);
        }
    }

    /// True for an op of the plan, and for what follows from one of its creates: the key of the source and the associations
    /// name an id that nobody knew when the plan was made.
    pub(super) fn covers(&self, op: &Op) -> bool {
        let follows = op.is_stamp() || op.kind == OpKind::Associate;
        self.ops.contains(&signature(op)) || follows && self.created.contains(&op.link)
    }
}
