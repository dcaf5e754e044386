//! Who lies outside the scope, and what becomes of their links (docs/design/sync-semantics.md 12.6).

use std::collections::BTreeSet;

use super::{Both, Oracle, SALESFORCE, Who};
use crate::field::{Belief, Text};
use crate::steps::Leaves;

impl Oracle {
    /// Whether the Salesforce record lies outside.
    pub fn is_away(&self, both: &Both) -> bool {
        let record = both[SALESFORCE].as_ref();
        record.is_some_and(|record| record.away)
    }

    /// Whether nothing is made, linked or written for it.
    pub(super) fn outside(&self, who: &Who, was: &Both) -> bool {
        let linked = self.pairs.get(who).is_some_and(|pair| pair.linked);
        self.is_away(was) && (self.leaves != Leaves::Keep || !linked)
    }

    /// A field of somebody outside, after a run. A link that ends keeps the base of what was settled as different only (19.1).
    pub(super) fn left(
        &mut self,
        who: &Who,
        field: usize,
        (had, has): (&[Option<Text>; 2], &[Option<Text>; 2]),
        whole: bool,
    ) -> Result<(), String> {
        if had != has {
            return Err(format!(
                "12.6: written outside the scope: {had:?} -> {has:?}"
            ));
        }
        let mut beliefs = BTreeSet::new();
        for belief in self.beliefs(who, field) {
            let kept = Belief {
                chosen: None,
                ..belief.clone()
            };
            let apart = belief.base[0] != belief.base[1];
            if self.leaves == Leaves::Unlink {
                beliefs.insert(Belief::default());
            }
            if self.leaves != Leaves::Unlink || apart {
                beliefs.insert(kept);
            }
            if !whole {
                beliefs.insert(belief);
            }
        }
        self.believe(who, field, beliefs);
        Ok(())
    }
}
