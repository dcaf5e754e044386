//! What a store that was put back knows (docs/design/sync-semantics.md 22.9): what was settled when it was copied.

use std::collections::BTreeSet;

use super::{Oracle, Pair, Sleep, Who};

impl Oracle {
    /// An older copy of the store takes the place of the one that there is.
    pub fn recalled(&mut self, copy: &Oracle) {
        let all: BTreeSet<Who> = self
            .pairs
            .keys()
            .chain(copy.pairs.keys())
            .cloned()
            .collect();
        for who in all {
            let then = copy.pairs.get(&who).cloned().unwrap_or_default();
            let now = self.pairs.entry(who).or_default();
            // Whose record was deleted, taken back or merged since: what an older store makes of that is not told here.
            let lost = now.sleep != then.sleep || now.merged != then.merged;
            let (last, binned) = (now.last.take(), now.binned);
            *now = Pair {
                last,
                binned,
                ..then
            };
            if lost {
                now.sleep = Sleep::Lost;
            }
        }
        self.runs = copy.runs.clone();
    }
}
