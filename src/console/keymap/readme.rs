//! The README's section on keys, from the table.

use std::fmt::Write;

use super::{BINDINGS, Binding, Context, Group};

/// Markdown: the keys that work everywhere, then each screen's own.
pub fn readme_keys() -> String {
    let mut out = String::from("| Key | Everywhere |\n| --- | --- |\n");
    for binding in BINDINGS.iter().filter(|b| general(b)) {
        line(&mut out, binding);
    }
    for context in Context::ALL {
        let own: Vec<&Binding> = BINDINGS
            .iter()
            .filter(|b| b.contexts.contains(&context) && !general(b) && b.group == Group::Act)
            .collect();
        if own.is_empty() {
            continue;
        }
        let _ = write!(out, "\n| Key | {} |\n| --- | --- |\n", context.name());
        for binding in own {
            line(&mut out, binding);
        }
    }
    out
}

fn general(binding: &Binding) -> bool {
    binding.group != Group::Act || binding.contexts.len() >= 8
}

fn line(out: &mut String, binding: &Binding) {
    let keys: Vec<String> = binding
        .keys
        .iter()
        .map(|key| format!("`{}`", key.shown()))
        .collect();
    let _ = writeln!(out, "| {} | {} |", keys.join(" "), binding.long);
}
