//! Hashes of the config: which change of a mapping asks again, and which config a run was made with.

use serde::Serialize;

use crate::domain::{DeleteUpdate, Mapping, PairKind, digest128};

/// Hash of a mapping's scope, match, delete and transform rules: when it moves, the next plan needs a confirm
/// (docs/design/sync-semantics.md 18). Schedule, conflict rules, the order of the pairs and what a schema said of their
/// types do not move it. 32 hexadecimal digits.
pub fn mapping_revision(mapping: &Mapping) -> String {
    let mut pairs: Vec<(&str, &str, &PairKind, crate::domain::Direction)> = mapping
        .pairs
        .iter()
        .map(|pair| {
            (
                pair.fields.salesforce.as_str(),
                pair.fields.hubspot.as_str(),
                &pair.kind,
                pair.direction,
            )
        })
        .collect();
    pairs.sort_by_key(|(salesforce, hubspot, ..)| (*salesforce, *hubspot));
    let rules: Vec<Vec<&str>> = mapping
        .match_rules
        .iter()
        .map(|rule| {
            rule.parts
                .iter()
                .filter_map(|part| mapping.pairs.get(*part))
                .map(|pair| pair.name())
                .collect()
        })
        .collect();
    let revised = (
        &mapping.objects,
        mapping.direction,
        mapping.creates,
        mapping.deletes,
        rules,
        &mapping.keys,
        pairs,
    );
    let revised = match mapping.delete_update {
        // A key that came later does not move the revision of those who do not use it.
        DeleteUpdate::Ask => digest(&revised),
        chosen => digest(&(revised, chosen)),
    };
    let revised = match mapping.sets.as_slice() {
        [] => revised,
        sets => digest(&(revised, sets)),
    };
    match &mapping.scope {
        Some(scope) => digest(&(revised, scope.text(), mapping.leaves_scope)),
        None => revised,
    }
}

/// Hash of everything that a mapping says, 32 hexadecimal digits.
pub fn mapping_hash(mapping: &Mapping) -> String {
    digest(mapping)
}

/// Hash of a value's JSON. Everything hashed here is structs and lists, whose JSON is always the same.
pub(super) fn digest<T: Serialize>(value: &T) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    format!("{:032x}", digest128(&[&json]))
}
