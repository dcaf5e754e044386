//! From the `groups` key to groups of pairs that merge as one (docs/design/sync-semantics.md 7, Field groups).

use super::error::Problems;
use super::mapping::position;
use super::pair::ReadPair;
use super::tree::Node;
use crate::domain::{ConflictRule, FieldGroup, FieldPair, PairKind};

/// Reads every group; what is no group is reported and left out.
pub(super) fn read(
    mapping: &Node,
    shown: &str,
    pairs: &[ReadPair],
    problems: &mut Problems,
) -> Vec<FieldGroup> {
    let Some(list) = mapping.get("groups") else {
        return Vec::new();
    };
    let key = format!("{shown}.groups");
    let next =
        "write a list of groups, each a list of fields: [[\"MailingStreet\", \"MailingCity\"]]";
    if list.items().is_empty() {
        problems.add(&list.place, &key, list.shown(), "names no group", next);
    }
    let mut groups: Vec<FieldGroup> = Vec::new();
    for group in list.items() {
        if group.items().len() < 2 {
            let message = "is not a group: it takes two fields at least";
            problems.add(&group.place, &key, group.shown(), message, next);
            continue;
        }
        let mut parts: Vec<usize> = Vec::new();
        for part in group.items() {
            let Some(name) = part.text() else {
                let message = "is not the name of a field";
                problems.add(&part.place, &key, part.shown(), message, next);
                continue;
            };
            let Some(index) = position(name, part, &key, pairs, problems) else {
                continue;
            };
            let taken = groups.iter().any(|other| other.parts.contains(&index));
            if taken || parts.contains(&index) {
                let message = "is in a group already; a field is in one at most";
                problems.add(&part.place, &key, part.shown(), message, "take it out");
                continue;
            }
            let first = parts.first().and_then(|first| pairs.get(*first));
            let wrong = pairs.get(index).and_then(|one| {
                unfit(&one.pair).or_else(|| unlike(&one.pair, &first.unwrap_or(one).pair))
            });
            if let Some((message, next)) = wrong {
                problems.add(&part.place, &key, part.shown(), message, next);
            }
            parts.push(index);
        }
        groups.push(FieldGroup { parts });
    }
    groups
}

type Wrong = (&'static str, &'static str);

/// Why a pair cannot be in any group.
fn unfit(pair: &FieldPair) -> Option<Wrong> {
    if !matches!(pair.kind, PairKind::Value { .. }) {
        let message = "a constant, reference or owner cannot be in a group";
        return Some((message, "name pairs of ordinary values"));
    }
    if !pair.monotone.is_empty() {
        let message = "a field whose stages only rise merges by itself";
        return Some((message, "take it or its `monotone` out"));
    }
    let ordered = |rule: &ConflictRule| {
        matches!(
            rule,
            ConflictRule::Max | ConflictRule::Min | ConflictRule::Union
        )
    };
    pair.conflict.iter().any(ordered).then_some((
        "a group has no order and is no set, so `max`, `min` and `union` cannot decide it",
        "give its fields another `conflict`",
    ))
}

/// In what a pair differs from the first of its group.
fn unlike(pair: &FieldPair, first: &FieldPair) -> Option<Wrong> {
    let next = "give all fields of a group the same";
    if pair.direction != first.direction {
        return Some(("has another `direction` than its group", next));
    }
    if pair.conflict != first.conflict {
        return Some(("has another `conflict` than its group", next));
    }
    if pair.blanks != first.blanks {
        return Some(("has another `blanks` than its group", next));
    }
    (pair.foreign_edit != first.foreign_edit)
        .then_some(("has another `foreign_edit` than its group", next))
}
