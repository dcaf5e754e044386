//! Match keys: canonical forms made blunt, so that invisible characters and case cannot part two records (9.1).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::{Canon, fold};

static FREE_MAIL: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    include_str!("../../../assets/free-mail.txt")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
});

/// True for the domain of a mailbox provider, which says nothing about a company.
pub fn is_free_mail(domain: &str) -> bool {
    FREE_MAIL.contains(domain)
}

/// True for characters that nobody sees: zero-width ones, the no-break spaces, the byte-order mark.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202f}' | '\u{2060}' | '\u{feff}'
    )
}

/// The key that two records are matched by; `None` where the value is blank, unknown, a free-mail domain, or garbage of its
/// type: "n/a" twice is no evidence.
pub fn match_key(value: &Canon) -> Option<String> {
    match value {
        Canon::Domain(domain) if is_free_mail(domain) => return None,
        Canon::Unparsed(_) => return None,
        _ => {}
    }
    let visible: String = value
        .render()
        .chars()
        .filter(|c| !is_invisible(*c))
        .collect();
    let key = fold(visible.trim());
    (!key.is_empty()).then_some(key)
}
