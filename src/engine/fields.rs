//! Which fields the engine asks for, when two values of one are the same, and the keys under which a record can be matched
//! (docs/design/sync-semantics.md 3, 9).

use std::collections::BTreeSet;

use super::context::Known;
use crate::domain::canon::match_key;
use crate::domain::{FieldPair, Mapping, Observation, PairKind, RecordId, Side, Value, digest128};
use crate::transform;

/// Rule number of the stamped counterpart id, which comes before every configured rule (9.2).
pub(super) const STAMP_RULE: u8 = 0;

/// HubSpot properties that hold further keys of a record, by the property they extend (9.2, multi-valued keys).
const FURTHER_KEYS: [(&str, &str); 2] = [
    ("email", "hs_additional_emails"),
    ("domain", "hs_additional_domains"),
];

/// HubSpot properties that name the records which were merged into one (docs/vendor/hubspot.md 3.26): a list of ids, and for
/// contacts one of `id:moment`.
const FORMER: [&str; 2] = ["hs_merged_object_ids", "hs_calculated_merged_vids"];

/// The fields of one side's object that all the mappings over it need, sorted. References of HubSpot are associations,
/// not properties, and are not among them; neither are key fields that an admin has not added.
pub(super) fn observed<'a>(
    known: &Known,
    mappings: impl Iterator<Item = &'a Mapping>,
    side: Side,
    object: &str,
) -> Vec<String> {
    let mut fields = BTreeSet::new();
    for mapping in mappings.filter(|mapping| mapping.object(side) == object) {
        for pair in &mapping.pairs {
            if is_property(pair, side) {
                fields.insert(pair.field(side).to_owned());
            }
        }
        for (property, further) in FURTHER_KEYS {
            if side == Side::HubSpot && matches_on(mapping, property) {
                fields.insert(further.to_owned());
            }
        }
        if let Some(scope) = mapping.scope.as_ref().filter(|_| side == Side::Salesforce) {
            fields.extend(scope.fields().into_iter().map(str::to_owned));
        }
        if known.keyed.contains(&(mapping.id.clone(), side)) {
            fields.insert(mapping.key_field(side).to_owned());
        }
        if side == Side::HubSpot {
            let contacts = matches!(object, "contacts" | "0-1");
            let named = FORMER.iter().take(if contacts { 2 } else { 1 });
            fields.extend(named.map(|name| (*name).to_owned()));
        }
    }
    fields.into_iter().collect()
}

/// Ids of the records that went into this one.
pub(super) fn former_ids(seen: &Observation) -> Vec<RecordId> {
    let lists = FORMER.iter().filter_map(|name| seen.value(name).as_text());
    let mut ids: Vec<RecordId> = lists
        .flat_map(|list| list.split(';'))
        .filter_map(|one| one.split(':').next())
        .map(str::trim)
        .filter(|id| !id.is_empty() && *id != seen.id.as_str())
        .map(RecordId::from)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// True where the pair's field on `side` is read and written as a field of the record.
pub(super) fn is_property(pair: &FieldPair, side: Side) -> bool {
    !pair.field(side).is_empty() && !is_association(pair, side)
}

/// True where the pair is an association on `side`.
pub(super) fn is_association(pair: &FieldPair, side: Side) -> bool {
    side == Side::HubSpot && matches!(pair.kind, PairKind::Reference { .. })
}

/// Equality in the comparison domain of the pair behind a field; plain equality for the key field.
pub(super) fn same_value(
    mapping: &Mapping,
    side: Side,
    field: &str,
    one: &Value,
    other: &Value,
) -> bool {
    match mapping.pairs.iter().find(|pair| pair.field(side) == field) {
        Some(found) => match (
            transform::view(found, side, one),
            transform::view(found, side, other),
        ) {
            (Ok(one), Ok(other)) => one == other,
            _ => one == other,
        },
        None => one == other || (one.is_blank() && other.is_blank()),
    }
}

/// The association pairs of a mapping.
pub(super) fn associations(mapping: &Mapping) -> impl Iterator<Item = &FieldPair> {
    mapping
        .pairs
        .iter()
        .filter(|pair| is_association(pair, Side::HubSpot))
}

fn matches_on(mapping: &Mapping, property: &str) -> bool {
    let named = |index: &usize| {
        mapping
            .pairs
            .get(*index)
            .is_some_and(|pair| pair.fields.hubspot == property)
    };
    mapping
        .match_rules
        .iter()
        .any(|rule| rule.parts.iter().any(named))
}

/// All match keys of a record: (rule number, key), the stamp first. Empty for a record that no rule applies to.
pub(super) fn match_keys(mapping: &Mapping, seen: &Observation) -> Vec<(u8, u128)> {
    let side = seen.side;
    let mut found = vec![(STAMP_RULE, stamp_key(side, seen.id.as_str()))];
    if let Some(stamp) = seen.value(mapping.key_field(side)).as_text() {
        found.push((STAMP_RULE, stamp_key(side.other(), stamp.trim())));
    }
    for (index, rule) in mapping.match_rules.iter().enumerate() {
        let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
        let parts: Vec<Vec<String>> = rule
            .parts
            .iter()
            .filter_map(|part| mapping.pairs.get(*part))
            .map(|pair| part_keys(pair, seen))
            .collect();
        for combination in combinations(&parts) {
            let bytes: Vec<&[u8]> = combination.iter().map(|text| text.as_bytes()).collect();
            found.push((number, digest128(&bytes)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The key of a record under its own id, and of its counterpart under the one that it holds (9.2).
pub(super) fn stamp_key(side: Side, id: &str) -> u128 {
    digest128(&[b"stamp", side.word().as_bytes(), id.as_bytes()])
}

/// The canonical values of one part: the field itself and, on HubSpot, its further values.
fn part_keys(pair: &FieldPair, seen: &Observation) -> Vec<String> {
    let mut raws = vec![seen.value(pair.field(seen.side)).clone()];
    if seen.side == Side::HubSpot {
        for (property, further) in FURTHER_KEYS {
            if pair.fields.hubspot == property {
                let more = seen.value(further).as_text().unwrap_or_default();
                raws.extend(
                    more.split(';')
                        .filter(|one| !one.trim().is_empty())
                        .map(Value::text),
                );
            }
        }
    }
    raws.iter()
        .filter_map(|raw| transform::view(pair, seen.side, raw).ok())
        .filter_map(|canon| match_key(&canon))
        .collect()
}

/// Every way to take one value of each part; none where a part is blank, for then the rule does not apply.
fn combinations(parts: &[Vec<String>]) -> Vec<Vec<&str>> {
    parts.iter().fold(vec![Vec::new()], |so_far, part| {
        so_far
            .iter()
            .flat_map(|head: &Vec<&str>| {
                part.iter().map(move |value| {
                    let mut longer = head.clone();
                    longer.push(value.as_str());
                    longer
                })
            })
            .collect()
    })
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
