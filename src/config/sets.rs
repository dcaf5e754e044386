//! From an element of `fields` with `mode = "set"` to a `domain::SetPair`.

use super::error::Problems;
use super::field_rules;
use super::pair::{MappingRules, read_direction};
use super::tree::{Node, Place, Raw};
use crate::domain::{ForeignEdit, MappingId, PairKind, PerSide, SETS, SetPair, SetTable, Side};

/// What a set can say of itself: it has no conflicts, and its elements no values.
const KEYS: [&str; 6] = [
    "salesforce",
    "hubspot",
    "link",
    "mode",
    "direction",
    "foreign_edit",
];

/// The one pair of a set that there is.
const SHAPE: &str = "write { salesforce = \"AccountContactRelation\", hubspot = \"companies\", link = \"accounts\", mode = \"set\" } \
                     in the mapping of contacts";

/// True for a pair that is to be kept in step as a set.
pub(super) fn is_set(node: &Node) -> bool {
    node.get("mode").and_then(Node::text) == Some("set")
}

/// True where these are the names of a set.
pub(super) fn named(fields: &PerSide<String>) -> bool {
    let is = |table: &SetTable| {
        Side::BOTH
            .into_iter()
            .all(|side| fields.get(side) == table.name(side))
    };
    SETS.iter().any(is)
}

/// Reads every set of a mapping; what is too broken to be one is reported and left out.
pub(super) fn read_all(
    mapping: &Node,
    shown: &str,
    rules: &MappingRules<'_>,
    problems: &mut Problems,
) -> Vec<(SetPair, Place)> {
    let items = mapping.get("fields").map_or(&[][..], Node::items);
    let mut found: Vec<(SetPair, Place)> = Vec::new();
    for (index, node) in items.iter().enumerate() {
        if !matches!(node.raw, Raw::Table(_)) || !is_set(node) {
            continue;
        }
        let shown = format!("{shown}.fields[{}]", index + 1);
        let Some(set) = read(node, &shown, rules, problems) else {
            continue;
        };
        if found.iter().any(|(one, _)| one.kind == set.kind) {
            let message = format!("{} is a set of the mapping already", set.name());
            problems.add(&node.place, &shown, "", message, "keep one of the two");
            continue;
        }
        found.push((set, node.place.clone()));
    }
    found
}

fn read(
    node: &Node,
    shown: &str,
    rules: &MappingRules<'_>,
    problems: &mut Problems,
) -> Option<SetPair> {
    if let Raw::Table(entries) = &node.raw {
        for entry in entries {
            if !KEYS.contains(&entry.key.as_str()) {
                let key = format!("{shown}.{}", entry.key);
                let value = entry.node.shown();
                let message = "is not for a set, whose elements are merged one by one";
                problems.add(&entry.place, &key, value, message, "take it out");
            }
        }
    }
    let named = |side: Side| node.get(side.word()).and_then(Node::text);
    let fits = |table: &&SetTable| {
        Side::BOTH.into_iter().all(|side| {
            rules.objects.get(side) == table.objects.get(side)
                && named(side) == Some(table.name(side))
        })
    };
    let Some(table) = SETS.iter().find(fits) else {
        let place = node.get("mode").map_or(&node.place, |mode| &mode.place);
        let message = "only a contact's further companies can be a set in this version";
        problems.add(place, &format!("{shown}.mode"), "\"set\"", message, SHAPE);
        return None;
    };
    let Some(link) = node.get("link") else {
        let message = "the set does not say through which mapping its elements are linked";
        let next = "add link = \"accounts\" (the mapping of the companies)";
        problems.add(&node.place, shown, "", message, next);
        return None;
    };
    let direction = read_direction(node, shown, rules.direction, problems);
    field_rules::check_foreign_edit(node, direction, shown, problems);
    let own = node.get("foreign_edit");
    let foreign_edit = field_rules::foreign_edit(own).unwrap_or(rules.foreign_edit);
    if let Some(written) = own.filter(|_| foreign_edit == ForeignEdit::Report) {
        let key = format!("{shown}.foreign_edit");
        let message = "makes conflicts, which a set does not have";
        let next = "write \"ignore\" or \"revert\"";
        problems.add(&written.place, &key, written.shown(), message, next);
    }
    Some(SetPair {
        kind: table.kind,
        mapping: MappingId(link.text()?.to_owned()),
        direction,
        foreign_edit,
    })
}

/// Reports a `mode` where there is nothing that it could be about.
pub(super) fn only_for_links(node: &Node, kind: &PairKind, shown: &str, problems: &mut Problems) {
    if let Some(written) = node.get("mode")
        && !matches!(kind, PairKind::Reference { .. })
    {
        let message = "the pair refers to no other record";
        let key = format!("{shown}.mode");
        problems.add(
            &written.place,
            &key,
            written.shown(),
            message,
            "take it out",
        );
    }
}
