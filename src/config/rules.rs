//! Rules across mappings and pairs: unique names, links that lead somewhere, one writer per field.

use super::error::{Problems, suggestion};
use super::mapping::ReadMapping;
use crate::domain::{Direction, FieldPair, PairKind, Side};

/// Reports what only shows when all mappings are seen together.
pub(super) fn check(mappings: &[ReadMapping], problems: &mut Problems) {
    unique_names(mappings, problems);
    links(mappings, problems);
    for one in mappings {
        unique_pairs(one, problems);
        feedback(one, problems);
    }
    single_writer(mappings, problems);
    one_maker(mappings, problems);
}

fn unique_names(mappings: &[ReadMapping], problems: &mut Problems) {
    for (index, one) in mappings.iter().enumerate() {
        let name = one.mapping.id.as_str();
        let earlier = mappings
            .iter()
            .take(index)
            .find(|other| other.mapping.id == one.mapping.id);
        if let Some(earlier) = earlier
            && !name.is_empty()
        {
            let message = format!("another mapping has this name ({})", earlier.name_place);
            let value = format!("\"{}\"", name.escape_debug());
            problems.add(
                &one.name_place,
                &format!("{}.name", one.shown),
                value,
                message,
                "give it another",
            );
        }
    }
}

fn links(mappings: &[ReadMapping], problems: &mut Problems) {
    let companies: Vec<&str> = mappings
        .iter()
        .filter(|one| one.mapping.object(Side::HubSpot) == "companies")
        .map(|one| one.mapping.id.as_str())
        .collect();
    for one in mappings {
        let pairs = one.mapping.pairs.iter().zip(&one.pair_places);
        let references = pairs.filter_map(|(pair, place)| match &pair.kind {
            PairKind::Reference { mapping } => Some((pair.name(), mapping, place)),
            _ => None,
        });
        let sets = one.mapping.sets.iter().zip(&one.set_places);
        let sets = sets.map(|(set, place)| (set.name(), &set.mapping, place));
        for (name, mapping, place) in references.chain(sets) {
            if companies.contains(&mapping.as_str()) {
                continue;
            }
            let exists = mappings.iter().any(|other| other.mapping.id == *mapping);
            let message = if exists {
                "the linked mapping is not one of companies"
            } else {
                "there is no mapping of that name to link through"
            };
            let next = if companies.is_empty() {
                "add a mapping of Account with companies".to_owned()
            } else {
                suggestion(mapping.as_str(), &companies)
            };
            let key = format!("{}.{name}.link", one.shown);
            let value = format!("\"{}\"", mapping.as_str().escape_debug());
            problems.add(place, &key, value, message, next);
        }
    }
}

/// A pair is known by its name (the base of a link is kept under it), so a mapping has each name once.
fn unique_pairs(one: &ReadMapping, problems: &mut Problems) {
    let pairs = &one.mapping.pairs;
    for (index, (pair, place)) in pairs.iter().zip(&one.pair_places).enumerate() {
        if pairs
            .iter()
            .take(index)
            .any(|other| other.name() == pair.name())
        {
            let message = format!("{} is in a second field pair of the mapping", pair.name());
            let next = "keep one; this version ties a Salesforce field to one HubSpot property per mapping";
            problems.add(
                place,
                &format!("{}.{}", one.shown, pair.name()),
                "",
                message,
                next,
            );
        }
    }
}

/// A field must not be what one pair transforms and what another, two-way one writes (docs/design/sync-semantics.md 7).
fn feedback(one: &ReadMapping, problems: &mut Problems) {
    let source = |pair: &FieldPair| match pair.direction {
        Direction::Both => None,
        Direction::ToHubspot => Some(Side::Salesforce),
        Direction::ToSalesforce => Some(Side::HubSpot),
    };
    let transforms = |pair: &FieldPair| matches!(&pair.kind, PairKind::Value { transforms } if !transforms.is_empty());
    for (pair, place) in one.mapping.pairs.iter().zip(&one.pair_places) {
        let Some(side) = source(pair).filter(|_| transforms(pair)) else {
            continue;
        };
        let field = pair.field(side);
        let two_way = one
            .mapping
            .pairs
            .iter()
            .find(|other| other.direction == Direction::Both && other.field(side) == field);
        if let Some(other) = two_way
            && other.name() != pair.name()
        {
            let message = format!(
                "{field} feeds this one-way transform and is written by the two-way pair {}",
                other.name()
            );
            let next = "make that pair one-way too, or take one of the two out";
            problems.add(
                place,
                &format!("{}.{}", one.shown, pair.name()),
                "",
                message,
                next,
            );
        }
    }
}

/// A (side, object, field) is the target of at most one pair among the mappings that may hold links to the same record: those of
/// an exclusive group cannot (docs/design/sync-semantics.md 7).
fn single_writer(mappings: &[ReadMapping], problems: &mut Problems) {
    struct Target<'a> {
        side: Side,
        object: &'a str,
        field: &'a str,
        owner: String,
        mapping: usize,
    }
    let mut seen: Vec<Target<'_>> = Vec::new();
    for (index, one) in mappings.iter().enumerate() {
        for (pair, place) in one.mapping.pairs.iter().zip(&one.pair_places) {
            for side in Side::BOTH {
                let (object, field) = (one.mapping.object(side), pair.field(side));
                if !pair.direction.allows(side) || field.is_empty() {
                    continue;
                }
                let owner = format!("{}.{}", one.shown, pair.name());
                let excluded = |other: usize| {
                    let other = mappings.get(other);
                    other.is_some_and(|other| other.mapping.shares(&one.mapping) == Some(side))
                };
                let earlier = seen.iter().find(|target| {
                    !excluded(target.mapping)
                        && target.side == side
                        && target.object == object
                        && target.field.eq_ignore_ascii_case(field)
                });
                match earlier {
                    // The same name twice in one mapping is reported as such.
                    Some(earlier) if earlier.owner == owner && earlier.mapping == index => {}
                    Some(earlier) => {
                        let message = format!(
                            "two pairs write {side} {object}.{field}: this one and {}",
                            earlier.owner
                        );
                        let next = "give each field one writer: make one of the pairs one-way or take it out";
                        problems.add(place, &owner, "", message, next);
                    }
                    None => seen.push(Target {
                        side,
                        object,
                        field,
                        owner,
                        mapping: index,
                    }),
                }
            }
        }
    }
}

/// Of the mappings that share an object only one may make counterparts of its new records, or a record would get two
/// (docs/design/sync-semantics.md 9.3).
fn one_maker(mappings: &[ReadMapping], problems: &mut Problems) {
    let makes = |one: &ReadMapping, from: Side| one.mapping.creates.allows(from.other());
    for (index, one) in mappings.iter().enumerate() {
        for earlier in mappings.iter().take(index) {
            let Some(shared) = earlier.mapping.shares(&one.mapping) else {
                continue;
            };
            if !makes(earlier, shared) || !makes(one, shared) {
                continue;
            }
            let (object, other) = (one.mapping.object(shared), shared.other());
            let message = format!(
                "a new record of {shared} {object} would become a {} by this mapping and a {} by {}",
                one.mapping.object(other),
                earlier.mapping.object(other),
                earlier.shown
            );
            let next = match shared {
                Side::HubSpot => {
                    "add creates = \"to_hubspot\" to the one of the two that shall make none"
                }
                Side::Salesforce => {
                    "add creates = \"to_salesforce\" to the one of the two that shall make none"
                }
            };
            let key = format!("{}.creates", one.shown);
            problems.add(&one.creates_place, &key, "", message, next);
        }
    }
}
