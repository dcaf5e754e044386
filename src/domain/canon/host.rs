//! Hosts: the host of a URL, e-mail address or bare host, and its registrable part.

/// The ASCII form of a domain where it has one, else the domain as it is.
pub(super) fn to_ascii(domain: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match idna::domain_to_ascii(domain) {
        Ok(ascii) if ascii.chars().all(plain) => ascii,
        _ => domain.to_owned(),
    }
}

/// Why there is no company's host in a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// No host at all.
    #[error("no host name was found")]
    Missing,
    /// An IP address.
    #[error("{0} is an IP address, not a domain")]
    Address(String),
    /// One label, such as `localhost`.
    #[error("{0} has no dot; a domain needs at least two labels")]
    SingleLabel(String),
    /// Characters or labels that no host name has.
    #[error("{0} is not a host name")]
    Malformed(String),
    /// A suffix under which names are registered, such as `co.uk`.
    #[error("{0} is a public suffix, not a company's domain")]
    PublicSuffix(String),
}

/// The host of a URL, an e-mail address or a bare host: lower case, ASCII, without leading `www.` and a trailing dot.
pub fn host(text: &str) -> Result<String, HostError> {
    let text = text.trim();
    let text = match text.split_once("://") {
        Some((_, rest)) => rest,
        None => text.strip_prefix("//").unwrap_or(text),
    };
    let text = match text.get(..7) {
        Some(head) if head.eq_ignore_ascii_case("mailto:") => &text[7..],
        _ => text,
    };
    let authority = text.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let named = authority.rsplit('@').next().unwrap_or_default().trim();
    if named.starts_with('[') {
        return Err(HostError::Address(clip(named)));
    }
    let (named, port) = named.split_once(':').unwrap_or((named, ""));
    if !port.chars().all(|c| c.is_ascii_digit()) {
        return Err(HostError::Malformed(clip(authority)));
    }
    check(named)
}

/// The start of a text, for a message: fields may hold a hundred thousand characters.
pub(crate) fn clip(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The checks and the form of a host that stands by itself.
fn check(named: &str) -> Result<String, HostError> {
    let bare = named.trim_end_matches('.');
    if bare.is_empty() {
        return Err(HostError::Missing);
    }
    let ascii = idna::domain_to_ascii(bare)
        .map_err(|_| HostError::Malformed(clip(named)))?
        .trim_end_matches('.')
        .to_owned();
    let mut ascii = ascii.as_str();
    // All of them, or the form of a form would be another one.
    while let Some(rest) = ascii.strip_prefix("www.").filter(|rest| rest.contains('.')) {
        ascii = rest;
    }
    let ascii = ascii.to_owned();
    let labels: Vec<&str> = ascii.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    if last.chars().all(|c| c.is_ascii_digit()) {
        return Err(HostError::Address(clip(&ascii)));
    }
    if labels.len() < 2 {
        return Err(HostError::SingleLabel(clip(&ascii)));
    }
    if ascii.len() > 253 || !labels.iter().all(|label| is_label(label)) {
        return Err(HostError::Malformed(clip(&ascii)));
    }
    // An unlisted suffix still has a registrable part, so only a listed one by itself fails here.
    if psl::domain_str(&ascii).is_none() {
        return Err(HostError::PublicSuffix(clip(&ascii)));
    }
    Ok(ascii)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The registrable part of a host, by the public suffix list with its private section.
pub fn registrable(host: &str) -> Option<&str> {
    psl::domain_str(host)
}
