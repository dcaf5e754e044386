//! Multi-picklists: `;`-separated sets, in any order.

use std::collections::BTreeSet;

use super::Canon;

/// The set of a multi-picklist's text; no item is blank.
pub(super) fn multi_picklist(text: &str) -> Canon {
    let items: BTreeSet<String> = text
        .split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect();
    if items.is_empty() {
        Canon::Null
    } else {
        Canon::EnumSet(items)
    }
}
