//! The borders of the house: reads `src/` and fails on a forbidden `use`. The table of docs/design/architecture.md is the
//! source of the table here; this test is its only enforcement.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A part of the house and the parts that it may use. `""` is the library's root.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("telemetry", &[]),
    ("domain", &[]),
    ("transform", &["domain"]),
    ("config", &["domain", "transform"]),
    ("crm", &["domain", "clock"]),
    ("store", &["domain", "clock"]),
    (
        "engine",
        &["domain", "transform", "config", "crm", "store", "clock"],
    ),
    (
        "service",
        &[
            "domain",
            "transform",
            "config",
            "crm",
            "store",
            "engine",
            "clock",
            "telemetry",
        ],
    ),
    ("console", &["service", "domain", "clock", "telemetry"]),
    (
        "cli",
        &[
            "service",
            "domain",
            "config",
            "transform",
            "console",
            "clock",
            "telemetry",
        ],
    ),
    ("sandbox", &["clock"]),
    ("main", &["cli"]),
];

/// Single files that may use more than their part.
const FILES_MAY_USE: &[(&str, &str)] = &[("cli/demo.rs", "sandbox"), ("cli/sandbox.rs", "sandbox")];

/// Parts that hold only functions of values: no I/O, no time, no randomness, no order that depends on a hash.
const PURE: &[&str] = &["domain", "transform"];
/// Pure steps of the engine.
const PURE_FILES: &[&str] = &[
    "engine/matching",
    "engine/plan",
    "engine/guard",
    "engine/gone_rules",
    "engine/recover_rules",
    "engine/oscillation",
    "engine/echo",
];
/// What a pure file must not name.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "sled",
    "axum",
    "SystemTime",
    "thread_rng",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "HashMap",
    "HashSet",
];

/// Libraries that only some parts may name.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("sled", &["store"]),
    ("reqwest", &["crm", "service"]),
    ("axum", &["sandbox"]),
    ("ratatui", &["console"]),
    ("crossterm", &["console", "cli"]),
    ("clap", &["cli", "main"]),
    ("indicatif", &["cli"]),
];

/// One thing that is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file, self.line, self.what)
    }
}

/// `engine` of `engine/plan.rs`, `clock` of `clock.rs`.
fn part(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The code of a line: without comments and the contents of plain strings.
fn code(line: &str) -> String {
    let mut out = String::new();
    let mut letters = line.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => {
                letters.next();
            }
            '"' => quoted = !quoted,
            '/' if !quoted && letters.peek() == Some(&'/') => break,
            _ if !quoted => out.push(letter),
            _ => {}
        }
    }
    out
}

/// Whole-word search.
fn names(code: &str, word: &str) -> bool {
    let is_word =
        |letter: Option<char>| letter.is_some_and(|one| one.is_alphanumeric() || one == '_');
    code.match_indices(word).any(|(at, _)| {
        !is_word(code[..at].chars().next_back()) && !is_word(code[at + word.len()..].chars().next())
    })
}

/// A path that starts with the crate `library`, not one that has it further in (`tui::sled`).
fn uses_library(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].trim_end();
        let starts = !before.ends_with("::")
            && !before.ends_with(|one: char| one.is_alphanumeric() || one == '_' || one == '.');
        starts && code[at + library.len()..].starts_with("::")
    })
}

/// The parts that `crate::…` paths of the file lead to, with their line; understands `use crate::{a::b, c};`.
fn crate_paths(lines: &[String]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        for root in ["crate::", "syncline::"] {
            for (at, _) in line.match_indices(root) {
                let rest = &line[at + root.len()..];
                if !rest.trim_start().starts_with('{') {
                    found.push((index + 1, first_word(rest)));
                    continue;
                }
                let group: String = std::iter::once(rest.to_owned())
                    .chain(lines[index + 1..].iter().cloned())
                    .collect::<Vec<_>>()
                    .join(" ");
                found.extend(
                    group_heads(&group)
                        .into_iter()
                        .map(|head| (index + 1, head)),
                );
            }
        }
    }
    found
}

fn first_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

/// `a` and `c` of `{a::{b, x}, c}; …`.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let (mut depth, mut current) = (0usize, String::new());
    for letter in group.trim_start().chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth <= 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(std::mem::take(&mut current)),
            _ => {}
        }
        if depth >= 1 && !(depth == 1 && matches!(letter, '{' | ',')) {
            current.push(letter);
        }
    }
    heads.push(current);
    heads
        .iter()
        .map(|head| first_word(head))
        .filter(|head| !head.is_empty())
        .collect()
}

/// Everything that is wrong with one file. `file` is its path below `src`.
fn breaches(file: &str, text: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut add = |line: usize, what: String| {
        found.push(Breach {
            file: file.to_owned(),
            line,
            what,
        });
    };
    if !text.starts_with("//!") {
        add(1, "does not start with //! saying what it owns".to_owned());
    }
    let part = part(file);
    let lines: Vec<String> = text.lines().map(code).collect();
    // Tests may use what libraries and clocks they like; the borders between the parts hold for them too.
    let tests_from = text
        .lines()
        .position(|line| line.trim() == "#[cfg(test)]")
        .filter(|at| {
            text.lines()
                .nth(at + 1)
                .is_some_and(|next| next.contains("mod ") && next.ends_with('{'))
        })
        .unwrap_or(usize::MAX);
    let is_test_file = file.ends_with("tests.rs") || file.contains("/tests/");
    match MAY_USE.iter().find(|(name, _)| *name == part) {
        None if file == "lib.rs" => {}
        None => add(
            1,
            format!("`{part}` is not a part of the house (architecture.md)"),
        ),
        Some((_, allowed)) => {
            for (line, target) in crate_paths(&lines) {
                let known = MAY_USE.iter().any(|(name, _)| *name == target);
                let by_file = FILES_MAY_USE.contains(&(file, target.as_str()));
                if known && target != part && !allowed.contains(&target.as_str()) && !by_file {
                    add(line, format!("`{part}` must not use `{target}`"));
                }
            }
        }
    }
    let pure = PURE.contains(&part)
        || PURE_FILES
            .iter()
            .any(|one| file == format!("{one}.rs") || file.starts_with(&format!("{one}/")));
    for (index, line) in lines.iter().enumerate() {
        if is_test_file || index > tests_from {
            continue;
        }
        for (library, parts) in LIBRARIES {
            if uses_library(line, library) && !parts.contains(&part) {
                add(
                    index + 1,
                    format!("`{part}` must not use the library `{library}`"),
                );
            }
        }
        if names(line, "Utc::now") && file != "clock.rs" {
            add(
                index + 1,
                "time comes in as a value or from crate::clock::Clock".to_owned(),
            );
        }
        // `Instant` is also a word of the domain (a canonical moment); std's and tokio's come with `time` or `now`.
        if pure
            && names(line, "Instant")
            && [
                "time::Instant",
                "Instant::now",
                "std::time::{",
                "tokio::time::{",
            ]
            .iter()
            .any(|path| line.contains(path))
        {
            add(index + 1, "a pure file names `Instant`".to_owned());
        }
        if pure && let Some(word) = IMPURE.iter().find(|word| names(line, word)) {
            add(index + 1, format!("a pure file names `{word}`"));
        }
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|one| one.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_house_keeps_its_borders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(
        files.len() > 20,
        "only {} files found below {}",
        files.len(),
        root.display()
    );
    let mut found = Vec::new();
    for path in files {
        let file = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        found.extend(breaches(&file, &fs::read_to_string(&path).unwrap()));
    }
    let shown: Vec<String> = found.iter().map(Breach::to_string).collect();
    assert!(
        found.is_empty(),
        "forbidden by docs/design/architecture.md:\n{}",
        shown.join("\n")
    );
}

#[test]
fn every_kind_of_breach_is_found() {
    for (file, text, line, what) in [
        (
            "domain/x.rs",
            "//! x\nuse crate::store::Store;\n",
            2,
            "`domain` must not use `store`",
        ),
        (
            "engine/run.rs",
            "//! x\nuse crate::{\n    domain::{Side, Value},\n    console,\n};\n",
            2,
            "`engine` must not use `console`",
        ),
        (
            "engine/run.rs",
            "//! x\nfn f(a: sled::Db) {}\n",
            2,
            "`engine` must not use the library `sled`",
        ),
        (
            "crm/x.rs",
            "//! x\nfn f() { crate::engine::run() }\n",
            2,
            "`crm` must not use `engine`",
        ),
        (
            "sandbox/x.rs",
            "//! x\nuse crate::crm::Crm;\n",
            2,
            "`sandbox` must not use `crm`",
        ),
        (
            "cli/sync.rs",
            "//! x\nuse crate::sandbox::World;\n",
            2,
            "`cli` must not use `sandbox`",
        ),
        (
            "console/x.rs",
            "//! x\nuse crate::store::Store;\n",
            2,
            "`console` must not use `store`",
        ),
        (
            "domain/x.rs",
            "use std::fmt;\n",
            1,
            "does not start with //! saying what it owns",
        ),
        (
            "domain/x.rs",
            "//! x\nuse std::collections::HashMap;\n",
            2,
            "a pure file names `HashMap`",
        ),
        (
            "engine/plan.rs",
            "//! x\nfn f() { std::env::var(\"X\"); }\n",
            2,
            "a pure file names `std::env`",
        ),
        (
            "engine/plan/sort.rs",
            "//! x\nuse std::time::Instant;\n",
            2,
            "a pure file names `Instant`",
        ),
        (
            "store/x.rs",
            "//! x\nlet now = chrono::Utc::now();\n",
            2,
            "time comes in as a value or from crate::clock::Clock",
        ),
        (
            "extra/x.rs",
            "//! x\n",
            1,
            "`extra` is not a part of the house (architecture.md)",
        ),
    ] {
        let expected = Breach {
            file: file.to_owned(),
            line,
            what: what.to_owned(),
        };
        assert_eq!(breaches(file, text), [expected], "{text}");
    }
}

#[test]
fn what_is_allowed_is_let_through() {
    for (file, text) in [
        (
            "domain/x.rs",
            "//! uses crate::store in a comment\nuse super::Side; // crate::store\nconst A: &str = \"crate::store HashMap\";\n",
        ),
        (
            "engine/run.rs",
            "//! x\nuse crate::{clock::Clock, domain::Side, store::Store};\n",
        ),
        ("cli/demo.rs", "//! x\nuse crate::sandbox::World;\n"),
        ("clock.rs", "//! x\nfn now() { Utc::now() }\n"),
        ("store/sled_store.rs", "//! x\nuse sled::Db;\n"),
        (
            "domain/x.rs",
            "//! x\n#[cfg(test)]\nmod tests {\n    use std::collections::HashSet;\n}\n",
        ),
        (
            "domain/x.rs",
            "//! x\nfn f(instant: u8, InstantRule: u8) {}\n",
        ),
    ] {
        assert_eq!(breaches(file, text), [], "{text}");
    }
}
