//! From an element of `fields` to a `domain::FieldPair`.

use super::error::Problems;
use super::field_rules;
use super::mapping::direction;
use super::sets;
use super::transforms::{self, Step};
use super::tree::{Node, Place, Raw};
use crate::domain::{
    BlankPolicy, ConflictRule, Direction, FieldPair, FieldType, ForeignEdit, KeyFields, MappingId,
    PairKind, PerSide, Side, TransformSpec,
};

/// The associations that a pair can carry, under the names that it calls them by: HubSpot object, name.
const LINKS: [(&str, &str); 2] = [("contacts", "company"), ("companies", "parent_company")];

/// What a pair takes from its mapping.
#[derive(Debug)]
pub(super) struct MappingRules<'a> {
    pub(super) objects: &'a PerSide<String>,
    pub(super) keys: &'a KeyFields,
    pub(super) direction: Direction,
    pub(super) conflict: Vec<ConflictRule>,
    pub(super) blanks: BlankPolicy,
    pub(super) foreign_edit: ForeignEdit,
    pub(super) country: &'a str,
}

/// A pair with what later checks need.
#[derive(Clone, Debug)]
pub(super) struct ReadPair {
    pub(super) pair: FieldPair,
    pub(super) matching: bool,
    pub(super) place: Place,
}

/// Reads every pair; what is too broken to be one is reported and left out.
pub(super) fn read_all(
    mapping: &Node,
    shown: &str,
    rules: &MappingRules<'_>,
    problems: &mut Problems,
) -> Vec<ReadPair> {
    let list = mapping.get("fields");
    let items = list.map_or(&[][..], Node::items);
    if items.is_empty() && list.is_none_or(|node| matches!(node.raw, Raw::List(_))) {
        let place = list.map_or(&mapping.place, |node| &node.place);
        let next = "add fields = [ { salesforce = \"Email\", hubspot = \"email\" } ]";
        problems.add(place, shown, "", "the mapping has no fields", next);
    }
    items
        .iter()
        .enumerate()
        .filter(|(_, node)| matches!(node.raw, Raw::Table(_)) && !sets::is_set(node))
        .filter_map(|(index, node)| {
            let shown = format!("{shown}.fields[{}]", index + 1);
            read(node, &shown, rules, problems)
        })
        .collect()
}

fn read(
    node: &Node,
    shown: &str,
    rules: &MappingRules<'_>,
    problems: &mut Problems,
) -> Option<ReadPair> {
    let fields = PerSide::from_fn(|side| {
        node.get(side.word())
            .and_then(Node::text)
            .unwrap_or_default()
            .to_owned()
    });
    for side in Side::BOTH {
        check_name(node, side, fields.get(side), shown, rules, problems);
    }
    let flow = read_direction(node, shown, rules.direction, problems);
    let kind = read_kind(node, shown, &fields, rules, problems)?;
    let flow = match kind {
        PairKind::Constant { target, .. } => {
            let towards = match target {
                Side::Salesforce => Direction::ToSalesforce,
                Side::HubSpot => Direction::ToHubspot,
            };
            if !flow.allows(target) {
                let message = format!("a constant for {target} in a pair that never writes there");
                problems.add(
                    &node.place,
                    shown,
                    "",
                    message,
                    "change the direction, or take the pair out",
                );
            }
            towards
        }
        _ => flow,
    };
    let matching = matches!(
        node.get("match").map(|one| &one.raw),
        Some(Raw::Boolean(true))
    );
    if matching && !matches!(kind, PairKind::Value { .. }) {
        let message = "a constant, reference or owner cannot match records";
        problems.add(&node.place, shown, "", message, "take match = true out");
    }
    field_rules::check_foreign_edit(node, flow, shown, problems);
    let monotone = field_rules::monotone(node, &kind, shown, problems);
    let on_unlinked = field_rules::on_unlinked(node, &kind, shown, problems);
    sets::only_for_links(node, &kind, shown, problems);
    let fold_case = field_rules::fold_case(node, &kind, shown, problems);
    let own = |key: &str| node.get(key);
    Some(ReadPair {
        pair: FieldPair {
            fields,
            kind,
            types: PerSide::from_fn(|_| FieldType::Text),
            direction: flow,
            conflict: field_rules::conflict(own("conflict"))
                .unwrap_or_else(|| rules.conflict.clone()),
            blanks: field_rules::blanks(own("blanks")).unwrap_or(rules.blanks),
            foreign_edit: field_rules::foreign_edit(own("foreign_edit"))
                .unwrap_or(rules.foreign_edit),
            monotone,
            on_unlinked,
            fold_case,
            country: rules.country.to_owned(),
        },
        matching,
        place: node.place.clone(),
    })
}

/// Names go into queries and URLs, so only what the vendors allow in them is let through.
fn check_name(
    node: &Node,
    side: Side,
    name: &str,
    shown: &str,
    rules: &MappingRules<'_>,
    problems: &mut Problems,
) {
    let Some(written) = node.get(side.word()) else {
        return;
    };
    let key = format!("{shown}.{}", side.word());
    let plain = |letter: char| {
        letter.is_ascii_alphanumeric() || letter == '_' || (letter == '-' && side == Side::HubSpot)
    };
    let own = match side {
        Side::Salesforce => &rules.keys.salesforce,
        Side::HubSpot => &rules.keys.hubspot,
    };
    if name.is_empty() {
    } else if !name.chars().all(plain) || name.len() > 100 {
        let message = format!("is not the API name of a {side} field");
        let next = "write the name that the vendor's API uses, such as MobilePhone or mobilephone";
        problems.add(&written.place, &key, written.shown(), message, next);
    } else if name.eq_ignore_ascii_case(own) {
        let message = "is the key field, which Syncline fills itself";
        problems.add(
            &written.place,
            &key,
            written.shown(),
            message,
            "take the pair out",
        );
    }
}

/// The narrower of the mapping's and the pair's own direction.
pub(super) fn read_direction(
    node: &Node,
    shown: &str,
    mapping: Direction,
    problems: &mut Problems,
) -> Direction {
    match (mapping, direction(node.get("direction"))) {
        (_, None) | (_, Some(Direction::Both)) => mapping,
        (Direction::Both, Some(own)) => own,
        (mapping, Some(own)) if mapping == own => own,
        (mapping, Some(_)) => {
            if let Some(written) = node.get("direction") {
                let message = "goes against the mapping's own one-way direction";
                let key = format!("{shown}.direction");
                problems.add(
                    &written.place,
                    &key,
                    written.shown(),
                    message,
                    "take it out",
                );
            }
            mapping
        }
    }
}

fn read_kind(
    node: &Node,
    shown: &str,
    fields: &PerSide<String>,
    rules: &MappingRules<'_>,
    problems: &mut Problems,
) -> Option<PairKind> {
    let key = format!("{shown}.transform");
    let steps = node.get("transform").map_or_else(Vec::new, |written| {
        transforms::read(written, &key, rules.country, problems)
    });
    let value = transforms::constant(node.get("value")).or_else(|| {
        steps.iter().find_map(|step| match step {
            Step::Constant(value) => Some(value.clone()),
            Step::Spec(_) => None,
        })
    });
    if let Some(value) = value {
        return constant(node, shown, fields, value, steps.len(), problems);
    }
    if node.get("value").is_some() {
        // Of a wrong type, which was reported.
        return None;
    }
    let mut missing = false;
    for side in Side::BOTH {
        if node.get(side.word()).is_none() {
            missing = true;
            let message = format!("the pair has no {side} field");
            let next = format!(
                "add {} = \"…\", or value = \"…\" for a constant",
                side.word()
            );
            problems.add(&node.place, shown, "", message, next);
        }
    }
    if missing || fields.salesforce.is_empty() || fields.hubspot.is_empty() {
        return None;
    }
    if let Some(link) = node.get("link") {
        return reference(node, link, shown, fields, rules, problems);
    }
    if fields.hubspot == "parent_company" && rules.objects.hubspot == "companies" {
        let place = node.get("hubspot").map_or(&node.place, |one| &one.place);
        let message = "`parent_company` is an association, not a property";
        let next = "add link = \"accounts\" (the mapping of the companies), or take the pair out";
        let key = format!("{shown}.hubspot");
        problems.add(place, &key, "\"parent_company\"", message, next);
    }
    if fields.hubspot == "company" && rules.objects.hubspot == "contacts" {
        let place = node.get("hubspot").map_or(&node.place, |one| &one.place);
        let message = "`company` is the contact's primary company; its text property is not available in this version";
        let next = "add link = \"accounts\" (the mapping of the companies), or take the pair out";
        problems.add(
            place,
            &format!("{shown}.hubspot"),
            "\"company\"",
            message,
            next,
        );
    }
    if fields.salesforce == "OwnerId" && fields.hubspot == "hubspot_owner_id" {
        if node.get("transform").is_some() {
            let message = "an owner pair maps by e-mail by itself";
            problems.add(&node.place, &key, "", message, "take the transform out");
        }
        return Some(PairKind::Owner);
    }
    let transforms: Vec<TransformSpec> = steps
        .into_iter()
        .filter_map(|step| match step {
            Step::Spec(spec) => Some(spec),
            Step::Constant(_) => None,
        })
        .collect();
    Some(PairKind::Value { transforms })
}

fn constant(
    node: &Node,
    shown: &str,
    fields: &PerSide<String>,
    value: String,
    steps: usize,
    problems: &mut Problems,
) -> Option<PairKind> {
    if node.get("link").is_some() || steps > 1 || (steps == 1 && node.get("value").is_some()) {
        let message = "a constant stands alone, without link and other transforms";
        problems.add(
            &node.place,
            shown,
            "",
            message,
            "keep `value` or the others",
        );
    }
    let target = match (fields.salesforce.is_empty(), fields.hubspot.is_empty()) {
        (true, false) => Side::HubSpot,
        (false, true) => Side::Salesforce,
        (true, true) => {
            let next = "add hubspot = \"…\" or salesforce = \"…\"";
            problems.add(&node.place, shown, "", "a constant without a field", next);
            return None;
        }
        (false, false) => {
            let message = "`value` is a one-way transform: it writes a constant to one side and cannot tie two fields";
            let next = "take the field out that is not to be written";
            problems.add(&node.place, shown, "", message, next);
            return None;
        }
    };
    Some(PairKind::Constant { target, value })
}

fn reference(
    node: &Node,
    link: &Node,
    shown: &str,
    fields: &PerSide<String>,
    rules: &MappingRules<'_>,
    problems: &mut Problems,
) -> Option<PairKind> {
    let name = link.text()?;
    let key = format!("{shown}.link");
    let known = LINKS
        .iter()
        .any(|(object, field)| rules.objects.hubspot == *object && fields.hubspot == *field);
    if !known {
        let message = "only a contact's primary company and a company's parent company can be links in this version";
        let next = match sets::named(fields) {
            true => "add mode = \"set\"",
            false => {
                "write { salesforce = \"AccountId\", hubspot = \"company\", link = \"accounts\" } in the mapping of contacts, \
                      { salesforce = \"ParentId\", hubspot = \"parent_company\", link = \"accounts\" } in that of companies"
            }
        };
        problems.add(&link.place, &key, link.shown(), message, next);
        return None;
    }
    if node.get("transform").is_some() {
        let message = "a link goes through the other mapping, not through a transform";
        problems.add(
            &link.place,
            &key,
            link.shown(),
            message,
            "take the transform out",
        );
    }
    Some(PairKind::Reference {
        mapping: MappingId(name.to_owned()),
    })
}
