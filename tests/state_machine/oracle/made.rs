//! What a counterpart that a run made holds (docs/design/sync-semantics.md 10).

use std::collections::BTreeSet;

use super::{FIRM, HUBSPOT, Record};
use crate::field::{Belief, Outcome, Text};

/// A counterpart was made: it holds what its source holds, and both are settled, or were linked by a later look and are as at a
/// first sync. A reference that waits for its firm is blank and on its way (10.5).
pub(super) fn made(
    had: &[Option<Text>; 2],
    has: &[Text; 2],
    was: &[Option<Record>; 2],
    field: usize,
    waits: bool,
) -> BTreeSet<Outcome> {
    let source = usize::from(had[0].is_none());
    let held = had[source].clone().unwrap_or_default();
    let mut may: Vec<Text> = vec![held.clone()];
    if let Some(record) = was[HUBSPOT].as_ref().filter(|_| source == HUBSPOT) {
        may.extend(record.lately[field].clone());
    }
    let mut outcomes = BTreeSet::new();
    let mut add = |target: Text, base: [Option<Text>; 2]| {
        let mut values = [held.clone(), held.clone()];
        values[1 - source] = target;
        let belief = Belief { base, chosen: None };
        outcomes.insert(Outcome {
            values,
            belief,
            open: None,
            kept: false,
        });
    };
    for value in may {
        add(value.clone(), [Some(value.clone()), Some(value.clone())]);
        add(value.clone(), [None, None]);
    }
    if waits || has[1 - source].is_none() && field == FIRM {
        let mut base = [None, None];
        base[1 - source] = Some(None);
        add(None, base);
        add(None, [None, None]);
    }
    outcomes
}
