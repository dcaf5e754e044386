//! From a `[[mapping]]` table to a `domain::Mapping`.

use super::check::{item_name, wrong_type};
use super::error::{Problems, nearest, suggestion};
use super::field_rules;
use super::groups;
use super::model::Defaults;
use super::pair::{self, MappingRules, ReadPair};
use super::schema::spec;
use super::sets;
use super::tree::{Node, Place, Raw};
use super::value::duration;
use crate::domain::condition::Condition;
use crate::domain::{
    CreatePolicy, DeletePolicy, DeleteUpdate, Direction, Endpoint, KeyFields, LeavesScope, Mapping,
    MappingId, MatchRule, PairKind, PerSide, Side,
};

/// Objects that this version syncs with each other.
const OBJECTS: [(&str, &str); 3] = [
    ("Contact", "contacts"),
    ("Lead", "contacts"),
    ("Account", "companies"),
];

/// A mapping with the places that later checks name.
#[derive(Clone, Debug)]
pub(super) struct ReadMapping {
    pub(super) mapping: Mapping,
    /// `mapping.contacts`.
    pub(super) shown: String,
    /// Where the name stands.
    pub(super) name_place: Place,
    /// Where it says what is created, or its name where it does not.
    pub(super) creates_place: Place,
    /// One per pair.
    pub(super) pair_places: Vec<Place>,
    /// One per set.
    pub(super) set_places: Vec<Place>,
}

/// Reads every mapping that is a table.
pub(super) fn read_all(
    tree: &Node,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Vec<ReadMapping> {
    let list = tree.get("mapping").map_or(&[][..], Node::items);
    list.iter()
        .enumerate()
        .filter(|(_, node)| matches!(node.raw, Raw::Table(_)))
        .map(|(index, node)| read(index, node, defaults, problems))
        .collect()
}

fn read(index: usize, node: &Node, defaults: &Defaults, problems: &mut Problems) -> ReadMapping {
    let shown = item_name("mapping", index, node);
    let name = read_name(node, &shown, problems);
    let direction = direction(node.get("direction")).unwrap_or_default();
    let objects = read_objects(node, &shown, problems);
    let keys = KeyFields {
        salesforce: word(node, "keys.salesforce"),
        hubspot: word(node, "keys.hubspot"),
    };
    let rules = MappingRules {
        objects: &objects,
        keys: &keys,
        direction,
        conflict: field_rules::conflict(node.get("conflict"))
            .unwrap_or_else(|| defaults.conflict.clone()),
        blanks: field_rules::blanks(node.get("blanks")).unwrap_or_default(),
        foreign_edit: field_rules::foreign_edit(node.get("foreign_edit")).unwrap_or_default(),
        country: &defaults.country,
    };
    let pairs = pair::read_all(node, &shown, &rules, problems);
    let (sets, set_places) = sets::read_all(node, &shown, &rules, problems)
        .into_iter()
        .unzip();
    let match_rules = read_match(node, &shown, &pairs, problems);
    let groups = groups::read(node, &shown, &pairs, problems);
    let creates = read_creates(node, &shown, direction, problems);
    let scope = read_scope(node, &shown, &objects.salesforce, problems);
    if match_rules.is_empty()
        && creates != CreatePolicy::None
        && !pairs.is_empty()
        && node.get("match").is_none()
    {
        let message = "no field pair is a matching field, so every record would be created a second time on the other side";
        let next = "add match = true to the pair that identifies a record, or creates = \"none\"";
        problems.add(&node.place, &shown, "", message, next);
    }
    let named = node.get("name").map_or(&node.place, |name| &name.place);
    let schedule = node
        .get("schedule")
        .and_then(Node::text)
        .and_then(duration)
        .unwrap_or(defaults.schedule);
    ReadMapping {
        mapping: Mapping {
            id: MappingId(name),
            objects: PerSide::from_fn(|side| Endpoint {
                object: objects.get(side).clone(),
            }),
            direction,
            scope,
            leaves_scope: match node.get("leaves_scope").and_then(Node::text) {
                Some("freeze") => LeavesScope::Freeze,
                Some("unlink") => LeavesScope::Unlink,
                _ => LeavesScope::Keep,
            },
            creates,
            deletes: match word(node, "deletes").as_str() {
                "archive" => DeletePolicy::Archive,
                "ask" => DeletePolicy::Ask,
                _ => DeletePolicy::Ignore,
            },
            delete_update: match word(node, "delete_update").as_str() {
                "delete_wins" => DeleteUpdate::DeleteWins,
                "update_wins" => DeleteUpdate::UpdateWins,
                _ => DeleteUpdate::Ask,
            },
            pairs: pairs.iter().map(|one| one.pair.clone()).collect(),
            sets,
            match_rules,
            groups,
            keys,
            strict_cas: flag(node, "strict_cas"),
            detect_clobber: flag(node, "detect_clobber"),
            schedule_seconds: Some(schedule.as_secs()),
        },
        shown,
        name_place: named.clone(),
        creates_place: node
            .get("creates")
            .map_or(named, |creates| &creates.place)
            .clone(),
        pair_places: pairs.into_iter().map(|one| one.place).collect(),
        set_places,
    }
}

/// True where `key` of a mapping says so.
fn flag(node: &Node, key: &str) -> bool {
    let found = node.get(key).map(|found| &found.raw);
    matches!(found, Some(Raw::Boolean(true)))
}

/// The text under `key` of a mapping, or the table's default.
fn word(node: &Node, key: &str) -> String {
    let default = spec(&format!("mapping.{key}")).map_or("", |spec| spec.default);
    node.at(key)
        .and_then(Node::text)
        .unwrap_or(default)
        .to_owned()
}

pub(super) fn direction(node: Option<&Node>) -> Option<Direction> {
    match node.and_then(Node::text) {
        Some("both") => Some(Direction::Both),
        Some("to_hubspot") => Some(Direction::ToHubspot),
        Some("to_salesforce") => Some(Direction::ToSalesforce),
        _ => None,
    }
}

fn read_name(node: &Node, shown: &str, problems: &mut Problems) -> String {
    let Some(name) = node.get("name").and_then(Node::text) else {
        if node.get("name").is_none() {
            let next = "add name = \"contacts\" or another";
            problems.add(&node.place, shown, "", "the key `name` is missing", next);
        }
        return String::new();
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !name.chars().all(plain) || name.len() > 40 {
        let place = node.get("name").map_or(&node.place, |name| &name.place);
        let next = "use up to 40 letters, digits, - and _";
        let value = format!("\"{}\"", name.escape_debug());
        problems.add(
            place,
            &format!("{shown}.name"),
            value,
            "is not a name for a mapping",
            next,
        );
    }
    name.to_owned()
}

fn read_objects(node: &Node, shown: &str, problems: &mut Problems) -> PerSide<String> {
    let mut named = |side: Side| {
        let key = side.word();
        let Some(table) = node.get(key) else {
            let (salesforce, hubspot) = OBJECTS[0];
            let object = if side == Side::Salesforce {
                salesforce
            } else {
                hubspot
            };
            let message = format!("the key `{key}` is missing");
            let next = format!("add {key} = {{ object = \"{object}\" }}");
            problems.add(&node.place, shown, "", message, next);
            return None;
        };
        match table.get("object") {
            Some(object) => object.text().map(str::to_owned),
            None => {
                let key = format!("{shown}.{key}");
                let next = "add object = \"…\"";
                problems.add(&table.place, &key, "", "the key `object` is missing", next);
                None
            }
        }
    };
    let (salesforce, hubspot) = (named(Side::Salesforce), named(Side::HubSpot));
    if let (Some(salesforce), Some(hubspot)) = (&salesforce, &hubspot)
        && !OBJECTS.contains(&(salesforce, hubspot))
    {
        let place = node
            .at("salesforce.object")
            .map_or(&node.place, |one| &one.place);
        let value = format!(
            "\"{}\", \"{}\"",
            salesforce.escape_debug(),
            hubspot.escape_debug()
        );
        let message =
            "this version syncs Contact and Lead with contacts, and Account with companies";
        let next = "write Contact or Lead with contacts, or Account with companies";
        problems.add(
            place,
            &format!("{shown}.salesforce.object"),
            value,
            message,
            next,
        );
    }
    PerSide {
        salesforce: salesforce.unwrap_or_default(),
        hubspot: hubspot.unwrap_or_default(),
    }
}

/// `salesforce.where`: a condition that the engine can evaluate (docs/design/sync-semantics.md 12.6).
fn read_scope(
    node: &Node,
    shown: &str,
    object: &str,
    problems: &mut Problems,
) -> Option<Condition> {
    let written = node.at("salesforce.where")?;
    let key = format!("{shown}.salesforce.where");
    let Some(text) = written.text() else {
        wrong_type(written, &key, "text in quotes", problems);
        return None;
    };
    match Condition::parse(object, text) {
        Ok(condition) => Some(condition),
        Err(why) => {
            let next = "use comparisons, IN, LIKE, null tests, AND, OR, NOT and date literals over fields of the object or of a parent one step up";
            problems.add(&written.place, &key, "", why.to_string(), next);
            None
        }
    }
}

/// `creates`, narrowed by the direction: where nothing may be written nothing may be created.
fn read_creates(
    node: &Node,
    shown: &str,
    direction: Direction,
    problems: &mut Problems,
) -> CreatePolicy {
    let Some(written) = node.get("creates") else {
        return narrowed(CreatePolicy::Both, direction);
    };
    let policy = match written.text() {
        Some("none") => CreatePolicy::None,
        Some("to_hubspot") => CreatePolicy::ToHubspot,
        Some("to_salesforce") => CreatePolicy::ToSalesforce,
        _ => CreatePolicy::Both,
    };
    let result = narrowed(policy, direction);
    if result == CreatePolicy::None && policy != CreatePolicy::None {
        let message = "contradicts the mapping's direction, which never writes there";
        let next = "take one of the two out";
        problems.add(
            &written.place,
            &format!("{shown}.creates"),
            written.shown(),
            message,
            next,
        );
    }
    result
}

fn narrowed(policy: CreatePolicy, direction: Direction) -> CreatePolicy {
    let allowed = |side: Side| policy.allows(side) && direction.allows(side);
    match (allowed(Side::Salesforce), allowed(Side::HubSpot)) {
        (true, true) => CreatePolicy::Both,
        (true, false) => CreatePolicy::ToSalesforce,
        (false, true) => CreatePolicy::ToHubspot,
        (false, false) => CreatePolicy::None,
    }
}

fn read_match(
    node: &Node,
    shown: &str,
    pairs: &[ReadPair],
    problems: &mut Problems,
) -> Vec<MatchRule> {
    let flagged: Vec<MatchRule> = pairs
        .iter()
        .enumerate()
        .filter(|(_, one)| one.matching)
        .map(|(index, _)| MatchRule { parts: vec![index] })
        .collect();
    let Some(list) = node.get("match") else {
        return flagged;
    };
    let key = format!("{shown}.match");
    if let Some(one) = pairs.iter().find(|one| one.matching) {
        let message = "the mapping has its own `match` list, which takes the place of match = true";
        problems.add(&one.place, &key, "", message, "keep one of the two");
    }
    let next = "write a list of rules, each a list of fields: [[\"Email\"], [\"LastName\", \"MailingPostalCode\"]]";
    if list.items().is_empty() {
        problems.add(&list.place, &key, list.shown(), "names no rule", next);
    }
    let mut rules = Vec::new();
    for rule in list.items() {
        if rule.items().is_empty() {
            problems.add(&rule.place, &key, rule.shown(), "is not a rule", next);
            continue;
        }
        let mut parts = Vec::new();
        for part in rule.items() {
            match part.text() {
                Some(name) => parts.extend(part_of_rule(name, part, &key, pairs, problems)),
                None => problems.add(
                    &part.place,
                    &key,
                    part.shown(),
                    "is not the name of a field",
                    next,
                ),
            }
        }
        rules.push(MatchRule { parts });
    }
    rules
}

/// The pair that a rule names by either side's field, where it can match records.
fn part_of_rule(
    name: &str,
    node: &Node,
    key: &str,
    pairs: &[ReadPair],
    problems: &mut Problems,
) -> Option<usize> {
    let index = position(name, node, key, pairs, problems)?;
    if matches!(pairs.get(index)?.pair.kind, PairKind::Value { .. }) {
        return Some(index);
    }
    let message = "a constant, reference or owner cannot match records";
    let next = "name a pair of ordinary values";
    problems.add(&node.place, key, node.shown(), message, next);
    None
}

/// The pair that has the field on either side.
pub(super) fn position(
    name: &str,
    node: &Node,
    key: &str,
    pairs: &[ReadPair],
    problems: &mut Problems,
) -> Option<usize> {
    let fields = |one: &ReadPair| Side::BOTH.map(|side| one.pair.field(side).to_owned());
    let found = pairs
        .iter()
        .position(|one| fields(one).iter().any(|field| field == name));
    if found.is_none() {
        let known: Vec<String> = pairs.iter().flat_map(fields).collect();
        let known: Vec<&str> = known
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        let next = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => suggestion(name, &known),
        };
        let message = "no field pair of this mapping has that field";
        problems.add(&node.place, key, node.shown(), message, next);
    }
    found
}
