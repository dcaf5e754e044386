//! What a run does beyond its estimate: that records are gone may come to light where they are read to be written. What follows
//! from that is counted by the same valves before any of it is sent (docs/design/sync-semantics.md 15.5, 18).

use std::collections::{BTreeMap, BTreeSet};

use super::context::{EngineError, Halt};
use super::foresee::Foreseen;
use super::guard::{self, GuardInput};
use super::run_ctx::RunCtx;
use crate::domain::{LinkId, Mapping, MappingId, OpKind, Side, ValveHit};
use crate::store::Count;

/// The valves that count what follows from records that are gone.
const VALVES: [&str; 2] = ["max_deletes", "max_creates"];

/// What the valves let through, and what it has come to since; nothing where a person was asked about the plan, which is all that
/// is sent then.
#[derive(Clone, Debug, Default)]
pub(super) struct LetThrough {
    inputs: BTreeMap<MappingId, GuardInput>,
    /// The links of which a record is made, or taken away.
    followed: BTreeSet<(LinkId, OpKind)>,
}

impl RunCtx<'_> {
    /// Notes what no valve has stopped.
    pub(super) fn let_through(&mut self, mappings: &[&Mapping], foreseen: &Foreseen) {
        let input = |name: &MappingId| GuardInput {
            links: self.engine.db.count(&Count::Active(name.clone())),
            first: self.is_first(name),
            ..foreseen.guard_input(name)
        };
        let names = mappings.iter().map(|mapping| mapping.id.clone());
        self.let_through = LetThrough {
            inputs: names.map(|name| (name.clone(), input(&name))).collect(),
            followed: foreseen.followed().clone(),
        };
    }

    /// Counts a record that is made on `side`, or taken away there, as the one that its link had is gone. One that the estimate
    /// had is counted already.
    pub(super) fn follows(&mut self, mapping: &Mapping, side: Side, kind: OpKind, link: LinkId) {
        let known = &mut self.let_through;
        let Some(input) = known.inputs.get_mut(&mapping.id) else {
            return;
        };
        if known.followed.insert((link, kind)) {
            let count = match kind {
                OpKind::Delete => &mut input.deletes,
                _ => &mut input.creates,
            };
            *count.get_mut(side) += 1;
        }
    }

    /// Halts the mapping where that is more than a valve lets through; the plan of the next run has it, and asks.
    pub(super) fn check_following(&self, mapping: &Mapping) -> Result<(), EngineError> {
        let Some(input) = self.let_through.inputs.get(&mapping.id) else {
            return Ok(());
        };
        let hits = guard::evaluate(input, &self.engine.rules.limits);
        let hit = hits
            .into_iter()
            .find(|hit| VALVES.contains(&hit.valve.as_str()));
        let Some(hit) = hit else { return Ok(()) };
        let hit = ValveHit {
            message: format!(
                "{}. Records turned out to be gone when they were to be written; nothing has followed from that yet: sync again to see the plan and accept it",
                hit.message
            ),
            // This run keeps no plan that has it.
            confirmable: false,
            ..hit
        };
        Err(EngineError::Halted(Box::new(Halt {
            mapping: Some(mapping.id.clone()),
            valves: vec![hit.clone()],
            ..Halt::because(hit.message)
        })))
    }
}
