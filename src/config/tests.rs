//! `config.example.toml` against the table of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Config;
use super::schema::{KEYS, PLANNED, join, spec};
use super::tree::{Node, Raw, parse, parse_value};

const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Paths of all keys below `node`, as the table of keys has them.
fn paths(node: &Node, path: &str, found: &mut BTreeSet<String>) {
    match &node.raw {
        Raw::Table(entries) => {
            for entry in entries {
                let path = join(path, &entry.key);
                found.insert(path.clone());
                let opaque = path.ends_with(".transform")
                    || path.ends_with("secret")
                    || path.ends_with("token");
                if !opaque {
                    paths(&entry.node, &path, found);
                }
            }
        }
        Raw::List(items) => items.iter().for_each(|item| paths(item, path, found)),
        _ => {}
    }
}

/// Keys of the example, the commented-out alternatives (`# auth = …`) included.
fn example_paths() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    paths(&parse(EXAMPLE, "example").unwrap(), "", &mut found);
    let mut section = String::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).to_owned();
        }
        let alternative = line
            .strip_prefix("# ")
            .and_then(|rest| rest.split_once(" = "));
        if let Some((key, value)) = alternative
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && let Some(node) = parse_value(value, &super::Place::Default)
        {
            found.insert(join(&section, key));
            paths(&node, &join(&section, key), &mut found);
        }
    }
    found
}

#[test]
fn the_example_has_every_key_and_no_other() {
    let found = example_paths();
    for spec in KEYS {
        assert!(
            found.contains(spec.path),
            "{} is not in config.example.toml",
            spec.path
        );
    }
    for path in &found {
        assert!(
            spec(path).is_some(),
            "{path} of config.example.toml is no key"
        );
        assert!(!PLANNED.contains(&path.as_str()));
    }
}

#[test]
fn the_example_loads_and_shows_the_defaults() {
    let config = Config::parse(
        EXAMPLE,
        "config.example.toml",
        Path::new(""),
        &BTreeMap::new(),
        &[],
    )
    .unwrap();
    assert_eq!(config.mappings.len(), 3);
    let empty = Config::parse("", "empty", Path::new(""), &BTreeMap::new(), &[]).unwrap();
    assert_eq!(config.defaults, empty.defaults);
    assert_eq!(config.safety, empty.safety);
    assert_eq!(config.engine, empty.engine);
}

#[test]
fn every_line_of_the_example_with_a_default_has_a_comment() {
    for (index, line) in EXAMPLE.lines().enumerate() {
        let setting = line.split_once(" = ").is_some_and(|(key, _)| {
            !key.is_empty()
                && key
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        });
        let above = EXAMPLE
            .lines()
            .nth(index.saturating_sub(1))
            .unwrap_or_default();
        let told = line.contains(" # ") || above.starts_with("# ");
        let repeated = EXAMPLE.lines().take(index).any(|earlier| {
            earlier.split_once(" = ").map(|(key, _)| key)
                == line.split_once(" = ").map(|(key, _)| key)
        });
        assert!(
            !setting || told || repeated || line.ends_with('['),
            "{line}"
        );
    }
}
