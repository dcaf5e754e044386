//! Canonical e-mail addresses: lower case, the domain in ASCII. Plus tags and dots are kept; nothing is corrected.

use super::host::to_ascii;
use super::text::{fold, text};

/// The address without `mailto:`, in lower case, its domain in ASCII. `None` without an at-sign.
pub fn email(raw: &str) -> Option<String> {
    let lower = fold(&text(raw));
    let mut rest = lower.as_str();
    while let Some(stripped) = rest.strip_prefix("mailto:") {
        rest = stripped.trim_start();
    }
    let (local, domain) = rest.rsplit_once('@')?;
    Some(format!("{local}@{}", to_ascii(domain)))
}
