//! From a `transform` key to a chain of `TransformSpec`.

use super::check::wrong_type;
use super::error::{Problems, suggestion};
use super::tree::{Entry, Node, Raw};
use super::value::is_country;
use crate::domain::{OtherwiseRule, TransformSpec};

/// The transforms that work, in the order of product.md.
pub const TRANSFORMS: &[&str] = &[
    "lowercase",
    "trim",
    "phone_e164",
    "extract_domain",
    "values",
    "value",
    "default",
];

/// Known from the documents and not in this version.
const PLANNED: &[&str] = &[
    "uppercase",
    "title_case",
    "email",
    "template",
    "split",
    "truncate",
    "number",
    "boolean",
    "date",
    "datetime",
    "country",
    "state",
    "multi_select",
    "regex",
];

/// One element of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An ordinary transform.
    Spec(TransformSpec),
    /// `value`: not a transform of anything, it makes the pair a constant.
    Constant(String),
}

/// Reads a name, a table or a list of these. What is wrong is reported and left out.
pub(super) fn read(node: &Node, shown: &str, country: &str, problems: &mut Problems) -> Vec<Step> {
    let one = |node: &Node, problems: &mut Problems| step(node, shown, country, problems);
    match &node.raw {
        Raw::List(items) => items
            .iter()
            .filter_map(|item| one(item, problems))
            .collect(),
        _ => one(node, problems).into_iter().collect(),
    }
}

fn step(node: &Node, shown: &str, country: &str, problems: &mut Problems) -> Option<Step> {
    match &node.raw {
        Raw::Text(name) => named(name, node, None, &[], shown, country, problems),
        Raw::Table(entries) => {
            // `otherwise` stands beside `values`; everything else is alone in its table.
            let mut names = entries.iter().filter(|entry| entry.key != "otherwise");
            match (names.next(), names.next()) {
                (Some(first), None) => named(
                    &first.key,
                    node,
                    Some(&first.node),
                    entries,
                    shown,
                    country,
                    problems,
                ),
                _ => {
                    let message = "names not exactly one transform";
                    let next = "write a chain as a list: [\"trim\", \"lowercase\"]";
                    problems.add(&node.place, shown, node.shown(), message, next);
                    None
                }
            }
        }
        _ => {
            wrong_type(node, shown, "a transform's name or a table", problems);
            None
        }
    }
}

fn named(
    name: &str,
    node: &Node,
    options: Option<&Node>,
    beside: &[Entry],
    shown: &str,
    country: &str,
    problems: &mut Problems,
) -> Option<Step> {
    if let Some(stray) = beside.iter().find(|entry| entry.key == "otherwise")
        && name != "values"
    {
        let message = "`otherwise` belongs beside `values` only";
        problems.add(&stray.place, shown, "", message, "take it out");
    }
    match name {
        "lowercase" | "trim" => {
            only(options, &[], name, shown, problems);
            Some(Step::Spec(if name == "trim" {
                TransformSpec::Trim
            } else {
                TransformSpec::Lowercase
            }))
        }
        "phone_e164" => {
            only(options, &["country", "extension"], name, shown, problems);
            Some(Step::Spec(phone(options, shown, country, problems)))
        }
        "extract_domain" => {
            only(options, &["registrable"], name, shown, problems);
            let registrable = match options.and_then(|node| node.get("registrable")) {
                None => false,
                Some(Node {
                    raw: Raw::Boolean(flag),
                    ..
                }) => *flag,
                Some(other) => {
                    wrong_type(other, shown, "true or false", problems);
                    false
                }
            };
            Some(Step::Spec(TransformSpec::ExtractDomain { registrable }))
        }
        "values" => values(node, options, beside, shown, problems).map(Step::Spec),
        "value" => constant(options).map(Step::Constant).or_else(|| {
            let next = "write { value = \"…\" }";
            problems.add(
                &node.place,
                shown,
                node.shown(),
                "`value` has no value",
                next,
            );
            None
        }),
        "default" => {
            // `{ default = "x" }`, or with the option spelled out.
            let value = constant(options.and_then(|node| node.get("value")).or(options))
                .filter(|text| !text.trim().is_empty());
            if value.is_none() {
                let next = "write { default = \"…\" }";
                problems.add(
                    &node.place,
                    shown,
                    node.shown(),
                    "`default` has no value",
                    next,
                );
            }
            value.map(|value| Step::Spec(TransformSpec::Default { value }))
        }
        _ => {
            if PLANNED.contains(&name) {
                let message = format!("the transform `{name}` is not available in this version");
                let next = format!("use one of {}", TRANSFORMS.join(", "));
                problems.add(&node.place, shown, node.shown(), message, next);
            } else {
                let message = "there is no such transform";
                problems.add(
                    &node.place,
                    shown,
                    node.shown(),
                    message,
                    suggestion(name, TRANSFORMS),
                );
            }
            None
        }
    }
}

/// Reports options that a transform does not have. `true` and an empty table are accepted as "no options".
fn only(options: Option<&Node>, known: &[&str], name: &str, shown: &str, problems: &mut Problems) {
    let Some(options) = options else { return };
    match &options.raw {
        Raw::Boolean(true) => {}
        Raw::Table(entries) => {
            for entry in entries {
                if !known.contains(&entry.key.as_str()) {
                    let message = format!("`{name}` has no option `{}`", entry.key.escape_debug());
                    let next = if known.is_empty() {
                        format!("write \"{name}\" alone")
                    } else {
                        suggestion(&entry.key, known)
                    };
                    problems.add(&entry.place, shown, "", message, next);
                }
            }
        }
        _ => wrong_type(options, shown, "a table of options", problems),
    }
}

fn phone(
    options: Option<&Node>,
    shown: &str,
    country: &str,
    problems: &mut Problems,
) -> TransformSpec {
    let mut region = country.to_owned();
    if let Some(node) = options.and_then(|node| node.get("country")) {
        match node.text() {
            Some(text) if is_country(text) => {
                region = text.to_owned();
            }
            _ => {
                let next = "write two capitals such as \"US\", \"GB\" or \"DE\"";
                problems.add(
                    &node.place,
                    shown,
                    node.shown(),
                    "is not a country code",
                    next,
                );
            }
        }
    }
    let mut keep_extension = false;
    if let Some(node) = options.and_then(|node| node.get("extension")) {
        match node.text() {
            Some("keep") => keep_extension = true,
            Some("leave") => {}
            _ => {
                let next = "use \"leave\" (it stays standing where it is) or \"keep\" (it travels)";
                problems.add(
                    &node.place,
                    shown,
                    node.shown(),
                    "is not a rule for extensions",
                    next,
                );
            }
        }
    }
    TransformSpec::PhoneE164 {
        country: region,
        keep_extension,
    }
}

fn values(
    node: &Node,
    table: Option<&Node>,
    beside: &[Entry],
    shown: &str,
    problems: &mut Problems,
) -> Option<TransformSpec> {
    let entries = table.map_or(&[][..], Node::entries);
    if entries.is_empty() {
        let next = "write { values = { \"Salesforce value\" = \"hubspot_value\" } }";
        problems.add(
            &node.place,
            shown,
            node.shown(),
            "`values` lists no value",
            next,
        );
        return None;
    }
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(value) = entry.node.text() else {
            wrong_type(&entry.node, shown, "text in quotes", problems);
            continue;
        };
        // Salesforce picklists ignore case (docs/design/sync-semantics.md 3), so two such rows would contradict each other.
        let folded = entry.key.to_lowercase();
        if pairs.iter().any(|(key, _)| key.to_lowercase() == folded) {
            let message = "the value is listed twice, upper and lower case apart";
            problems.add(
                &entry.place,
                shown,
                format!("\"{}\"", entry.key.escape_debug()),
                message,
                "keep one of the two",
            );
        }
        pairs.push((entry.key.clone(), value.to_owned()));
    }
    let otherwise = match beside.iter().find(|entry| entry.key == "otherwise") {
        None => OtherwiseRule::Error,
        Some(entry) => otherwise(&entry.node, shown, problems),
    };
    Some(TransformSpec::Values {
        table: pairs,
        otherwise,
    })
}

fn otherwise(node: &Node, shown: &str, problems: &mut Problems) -> OtherwiseRule {
    match (node.text(), node.entries()) {
        (Some("error"), _) => OtherwiseRule::Error,
        (Some("pass"), _) => OtherwiseRule::Pass,
        (Some("ignore"), _) => OtherwiseRule::Ignore,
        (None, [entry]) if entry.key == "value" && entry.node.text().is_some() => {
            OtherwiseRule::Value(entry.node.text().unwrap_or_default().to_owned())
        }
        _ => {
            let next = "use \"error\", \"pass\", \"ignore\" or { value = \"OTHER\" }";
            problems.add(
                &node.place,
                shown,
                node.shown(),
                "is not a rule for unlisted values",
                next,
            );
            OtherwiseRule::Error
        }
    }
}

/// The text of a constant: text, a whole number or true/false.
pub(super) fn constant(node: Option<&Node>) -> Option<String> {
    match &node?.raw {
        Raw::Text(text) => Some(text.clone()),
        Raw::Integer(number) => Some(number.to_string()),
        Raw::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}
