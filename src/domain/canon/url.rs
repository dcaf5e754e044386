//! Web addresses: scheme and host without case, an empty path without its slash.

use super::Canon;
use super::text::{fold, text};

/// The address with scheme and host in lower case; a path of nothing but `/` is dropped, all else stays.
pub(super) fn url(clean: &str) -> Canon {
    let (scheme, rest) = match clean.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, clean),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path = if path == "/" { "" } else { path };
    let mut out = String::with_capacity(clean.len());
    if let Some(scheme) = scheme {
        out.push_str(&fold(scheme));
        out.push_str("://");
    }
    out.push_str(&fold(host));
    out.push_str(path);
    let out = text(&out);
    if out.is_empty() {
        Canon::Null
    } else {
        Canon::Url(out)
    }
}
