//! The terms of a pass over everything (docs/design/sync-semantics.md 5.4): for which mappings it reads an object, by which of
//! their rules, and which fields. One that was cut off goes on under the same terms only: a mapping that had no part in the first
//! half has not seen it, and other rules put records under other keys, or take up other ones.

use super::context::{Engine, Known};
use crate::domain::{Mapping, digest128};

/// A digest of the terms of a pass for these mappings that asks for these fields.
pub(super) fn of(
    engine: &Engine,
    known: &Known,
    mappings: &[&Mapping],
    asked: &[String],
) -> String {
    let mut parts: Vec<String> = Vec::new();
    for mapping in mappings {
        let rules = engine.rules.revisions.get(&mapping.id);
        parts.extend([mapping.id.to_string(), rules.cloned().unwrap_or_default()]);
        let pairs = mapping.pairs.iter().map(|pair| pair.name());
        let paused = pairs.filter(|pair| known.is_paused(&mapping.id, pair));
        parts.extend(paused.map(str::to_owned));
    }
    parts.extend(asked.iter().cloned());
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    format!("{:032x}", digest128(&parts))
}
