//! Layers: what environment variables and flags put over the file, and the list that tells which layer won.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::{item_name, refuse_key};
use super::error::Problems;
use super::model::Setting;
use super::schema::{KEYS, Kind, spec};
use super::secret;
use super::tree::{Node, Place, parse_value};

/// A value that a flag of the command line puts over file and environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The key: `defaults.schedule`.
    pub key: String,
    /// The value as it would be written, without quotes.
    pub value: String,
    /// The flag, for lists of sources and messages: `--schedule`.
    pub flag: String,
}

/// Puts variables, then flags, over the tree.
pub(super) fn apply(
    tree: &mut Node,
    env: &BTreeMap<String, String>,
    overrides: &[Override],
    problems: &mut Problems,
) {
    let references = referenced(tree);
    for (name, value) in env {
        if references.iter().any(|reference| reference == name) {
            continue;
        }
        if let Some(path) = path_of(name) {
            put(tree, &path, value, Place::Env(name.clone()), problems);
        }
    }
    for one in overrides {
        let place = Place::Flag(one.flag.clone());
        put(tree, &one.key, &one.value, place, problems);
    }
}

/// `SYNCLINE_DEFAULTS__SCHEDULE` names `defaults.schedule`. Variables without a double underscore are not the config's
/// (`SYNCLINE_LOG`), save the only key without a table, `name`.
fn path_of(variable: &str) -> Option<String> {
    let rest = variable.strip_prefix("SYNCLINE_")?;
    if rest == "NAME" {
        return Some("name".to_owned());
    }
    rest.contains("__")
        .then(|| rest.to_lowercase().replace("__", "."))
}

/// Variables that hold secrets may be named like keys; they are not overrides.
fn referenced(tree: &Node) -> Vec<String> {
    KEYS.iter()
        .filter(|spec| spec.kind == Kind::Secret)
        .filter_map(|spec| tree.at(spec.path)?.get("env")?.text())
        .map(str::to_owned)
        .collect()
}

fn put(tree: &mut Node, path: &str, text: &str, place: Place, problems: &mut Problems) {
    let last = path.rsplit('.').next().unwrap_or(path);
    let known = spec(path).filter(|spec| !matches!(spec.kind, Kind::Table | Kind::Tables));
    let Some(spec) = known else {
        return refuse_key(
            path,
            last,
            &place,
            &path.escape_debug().to_string(),
            problems,
        );
    };
    if path.starts_with("mapping.") {
        let next = "set it in the file";
        let message = "mappings are set in the file only, there may be several";
        problems.add(&place, path, "", message, next);
        return;
    }
    let plain = Node {
        raw: super::tree::Raw::Text(text.to_owned()),
        place: place.clone(),
    };
    let node = match spec.kind {
        // Text by nature needs no quotes in a variable; the others are read like TOML.
        Kind::Integer { .. } | Kind::Boolean | Kind::Secret => {
            parse_value(text.trim(), &place).unwrap_or(plain)
        }
        Kind::Conflict if text.trim_start().starts_with('[') => {
            parse_value(text.trim(), &place).unwrap_or(plain)
        }
        _ => plain,
    };
    let keys: Vec<&str> = path.split('.').collect();
    if !tree.set(&keys, node) {
        let message = "cannot be set: something that is not a table is in its way in the file";
        problems.add(&place, path, "", message, "correct the file");
    }
}

/// Every setting with its value and source, in the order of the table of keys.
pub(super) fn settings(tree: &Node, folder: &Path, env: &BTreeMap<String, String>) -> Vec<Setting> {
    let mut found = Vec::new();
    for spec in KEYS {
        if spec.path.starts_with("mapping") || matches!(spec.kind, Kind::Table) {
            continue;
        }
        // A connection that is not configured has no settings, defaults neither.
        let parent = spec.path.split('.').next().unwrap_or_default();
        if matches!(parent, "salesforce" | "hubspot") && tree.get(parent).is_none() {
            continue;
        }
        match tree.at(spec.path) {
            Some(node) => found.push(setting(spec.path.to_owned(), node, spec.kind, folder, env)),
            None if !spec.default.is_empty() => found.push(Setting {
                key: spec.path.to_owned(),
                value: spec.default.to_owned(),
                source: Place::Default,
            }),
            None => {}
        }
    }
    for (index, mapping) in tree
        .get("mapping")
        .map_or(&[][..], Node::items)
        .iter()
        .enumerate()
    {
        let name = item_name("mapping", index, mapping);
        for spec in KEYS {
            let Some(key) = spec.path.strip_prefix("mapping.") else {
                continue;
            };
            let scalar = !matches!(spec.kind, Kind::Table | Kind::Tables);
            if scalar
                && !key.starts_with("fields.")
                && key != "name"
                && let Some(node) = mapping.at(key)
            {
                found.push(setting(
                    format!("{name}.{key}"),
                    node,
                    spec.kind,
                    folder,
                    env,
                ));
            }
        }
    }
    found
}

fn setting(
    key: String,
    node: &Node,
    kind: Kind,
    folder: &Path,
    env: &BTreeMap<String, String>,
) -> Setting {
    let value = match kind {
        Kind::Secret => secret::read(node, folder).map_or_else(String::new, |one| one.shown(env)),
        _ => match node.text() {
            Some(text) => text.to_owned(),
            None => node.shown(),
        },
    };
    Setting {
        key,
        value,
        source: node.place.clone(),
    }
}
