//! Walks the tree against the table of keys: unknown keys, keys that are not built, wrong types, values out of range.

use super::error::{Problems, suggestion};
use super::field_rules;
use super::schema::{KeySpec, Kind, PLANNED, join, names_under, spec};
use super::secret;
use super::tree::{Entry, Node, Place, Raw};
use super::value::{UrlProblem, address, duration, is_country, percent};

/// Reports everything that the table of keys forbids.
pub(super) fn check(tree: &Node, problems: &mut Problems) {
    table(tree, "", "", problems);
}

/// `path` is the key's path in the table of keys, `shown` the one that people read (with names of mappings).
fn table(node: &Node, path: &str, shown: &str, problems: &mut Problems) {
    for Entry { key, place, node } in node.entries() {
        let path = join(path, key);
        let shown = join(shown, &key.escape_debug().to_string());
        match spec(&path) {
            Some(spec) => value(spec, node, &shown, problems),
            None => refuse_key(&path, key, place, &shown, problems),
        }
    }
}

/// Reports a key that the table does not have.
pub(super) fn refuse_key(
    path: &str,
    key: &str,
    place: &Place,
    shown: &str,
    problems: &mut Problems,
) {
    if PLANNED.contains(&path) {
        let message = format!("`{key}` is not available in this version");
        problems.add(place, shown, "", message, "take the line out");
        return;
    }
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    let message = "there is no such key";
    problems.add(
        place,
        shown,
        "",
        message,
        suggestion(key, &names_under(parent)),
    );
}

fn value(spec: &KeySpec, node: &Node, shown: &str, problems: &mut Problems) {
    match spec.kind {
        Kind::Table => match node.raw {
            Raw::Table(_) => table(node, spec.path, shown, problems),
            _ => wrong_type(node, shown, "a table", problems),
        },
        Kind::Tables => tables(spec, node, shown, problems),
        Kind::Boolean => match node.raw {
            Raw::Boolean(_) => {}
            _ => wrong_type(node, shown, "true or false", problems),
        },
        Kind::Integer { least, most } => match node.raw {
            Raw::Integer(number) if (least..=most).contains(&number) => {}
            Raw::Integer(_) => {
                out_of_range(node, shown, &least.to_string(), &most.to_string(), problems)
            }
            _ => wrong_type(node, shown, "a whole number", problems),
        },
        Kind::Constant => match &node.raw {
            Raw::Integer(_) | Raw::Boolean(_) => {}
            Raw::Text(text) => plain_text(text, node, shown, problems),
            _ => wrong_type(node, shown, "text, a whole number or true/false", problems),
        },
        Kind::Secret => secret::check(node, shown, problems),
        // Read, with their own messages, where mappings are built.
        Kind::FieldLists | Kind::Transform | Kind::Condition => {}
        Kind::Conflict => field_rules::check_conflict(node, shown, problems),
        Kind::Stages => field_rules::check_stages(node, shown, problems),
        _ => match node.text() {
            Some(text) => text_value(spec, text, node, shown, problems),
            None => {
                let next = match spec.kind {
                    Kind::Percent { .. } => "text such as \"1%\"",
                    Kind::Duration { .. } => "text such as \"15m\"",
                    _ => "text in quotes",
                };
                wrong_type(node, shown, next, problems);
            }
        },
    }
}

fn tables(spec: &KeySpec, node: &Node, shown: &str, problems: &mut Problems) {
    let Raw::List(items) = &node.raw else {
        let wanted = if spec.path == "mapping" {
            "a list of tables, each headed [[mapping]]"
        } else {
            "a list of tables"
        };
        return wrong_type(node, shown, wanted, problems);
    };
    for (index, item) in items.iter().enumerate() {
        let shown = item_name(shown, index, item);
        match item.raw {
            Raw::Table(_) => table(item, spec.path, &shown, problems),
            _ => wrong_type(item, &shown, "a table", problems),
        }
    }
}

/// `mapping.contacts` for a mapping with a name, `mapping.contacts.fields[2]` for its second pair.
pub(super) fn item_name(list: &str, index: usize, item: &Node) -> String {
    match item.get("name").and_then(Node::text) {
        Some(name) if list == "mapping" => format!("{list}.{}", name.escape_debug()),
        _ => format!("{list}[{}]", index + 1),
    }
}

fn text_value(spec: &KeySpec, text: &str, node: &Node, shown: &str, problems: &mut Problems) {
    match spec.kind {
        Kind::Words { built, planned } => {
            if planned.contains(&text) {
                let message = format!("`{text}` is not available in this version");
                problems.add(
                    &node.place,
                    shown,
                    node.shown(),
                    message,
                    format!("use {}", built.join(" or ")),
                );
            } else if !built.contains(&text) {
                let next = suggestion(text, built);
                problems.add(
                    &node.place,
                    shown,
                    node.shown(),
                    "is not one of the words",
                    next,
                );
            }
        }
        Kind::Percent { least, most } => match percent(text) {
            Some(found) if (least..=most).contains(&found.0) => {}
            Some(_) => {
                let (least, most) = (super::Percent(least), super::Percent(most));
                out_of_range(node, shown, &least.to_string(), &most.to_string(), problems);
            }
            None => {
                let next = "write it like \"1%\" or \"0.5%\"";
                problems.add(
                    &node.place,
                    shown,
                    node.shown(),
                    "is not a percentage",
                    next,
                );
            }
        },
        Kind::Duration { least, most } => match duration(text) {
            Some(found) if found.as_secs() >= least && found.as_secs() <= most => {}
            Some(_) => out_of_range(node, shown, &clock_text(least), &clock_text(most), problems),
            None => {
                let next = "write it like \"30s\", \"15m\", \"2h\" or \"90d\"";
                problems.add(&node.place, shown, node.shown(), "is not a duration", next);
            }
        },
        Kind::Url => url(text, node, shown, problems),
        Kind::Region => {
            if !is_country(text) {
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
        _ => plain_text(text, node, shown, problems),
    }
}

fn plain_text(text: &str, node: &Node, shown: &str, problems: &mut Problems) {
    if text.trim().is_empty() {
        problems.add(
            &node.place,
            shown,
            node.shown(),
            "is empty",
            "write a value or take the line out",
        );
    } else if text.chars().any(char::is_control) {
        problems.add(
            &node.place,
            shown,
            node.shown(),
            "has control characters",
            "write plain text",
        );
    }
}

fn url(text: &str, node: &Node, shown: &str, problems: &mut Problems) {
    let (message, next) = match address(text) {
        Ok(_) => return,
        Err(UrlProblem::PlainHttp) => (
            "plain http would send the credentials unencrypted; it is accepted for loopback addresses only",
            "use https://",
        ),
        Err(UrlProblem::NotAnAddress) => (
            "is not a web address",
            "write it like \"https://acme.my.salesforce.com\"",
        ),
        Err(UrlProblem::TooMuch) => (
            "has more than scheme, host and port",
            "write only the part up to the host, such as \"https://acme.my.salesforce.com\"",
        ),
    };
    // An address may carry a password, so only a bare one is shown.
    let value = if text.contains('@') {
        String::new()
    } else {
        node.shown()
    };
    problems.add(&node.place, shown, value, message, next);
}

pub(super) fn wrong_type(node: &Node, shown: &str, wanted: &str, problems: &mut Problems) {
    let message = format!("is {}, not {wanted}", node.type_name());
    // Whatever stands under `auth` in a wrong shape may be a secret.
    let value = if shown.contains(".auth") {
        String::new()
    } else {
        node.shown()
    };
    problems.add(
        &node.place,
        shown,
        value,
        message,
        format!("write {wanted}"),
    );
}

fn out_of_range(node: &Node, shown: &str, least: &str, most: &str, problems: &mut Problems) {
    let next = format!("choose one from {least} to {most}");
    problems.add(&node.place, shown, node.shown(), "is out of range", next);
}

/// A limit in the largest unit that it is a whole number of.
fn clock_text(seconds: u64) -> String {
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}
