//! Building SOQL: names are checked, values are quoted, addresses stay under the vendor's 16,384 bytes
//! (docs/vendor/salesforce.md 2.4).

use chrono::{DateTime, DurationRound, SecondsFormat, Utc};

/// The most bytes of an address with its query; the vendor's bound is 16,384 (414 above it), hosts vary in length.
pub const LONGEST_URI: usize = 16_000;
/// What host and path may need of it.
const HOST_AND_PATH: usize = 200;

/// A field or object name that cannot be put into a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a Salesforce API name: letters, digits and underscores are expected; correct the mapping"
)]
pub struct BadName(pub String);

/// Checks an API name; a dot for a parent's field is allowed.
///
/// # Errors
/// [`BadName`] where it could change the query's meaning.
pub fn name(text: &str) -> Result<&str, BadName> {
    let good = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 255
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    if good {
        Ok(text)
    } else {
        Err(BadName(crate::crm::excerpt(text)))
    }
}

/// A string literal, quotes included. Every text survives: what has an escape gets it, other control characters go as
/// `\uXXXX`.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_control() => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A moment at or before `at`, in whole seconds (the resolution of SystemModstamp).
pub fn second_down(at: DateTime<Utc>) -> String {
    at.duration_trunc(chrono::Duration::seconds(1))
        .unwrap_or(at)
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment at or after `at`, in whole seconds.
pub fn second_up(at: DateTime<Utc>) -> String {
    let down = at
        .duration_trunc(chrono::Duration::seconds(1))
        .unwrap_or(at);
    let up = if down < at {
        down + chrono::Duration::seconds(1)
    } else {
        down
    };
    up.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Percent-encodes a query value.
pub fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// True where a query of this text fits into an address.
pub fn fits(soql: &str) -> bool {
    HOST_AND_PATH + encode(soql).len() <= LONGEST_URI
}

/// Cuts values into `IN` lists whose whole query fits into an address and which hold at most `most` values.
pub fn lists(rest_of_query: &str, values: &[String], most: usize) -> Vec<Vec<String>> {
    let room = LONGEST_URI.saturating_sub(HOST_AND_PATH + encode(rest_of_query).len());
    let mut lists = Vec::new();
    let mut list: Vec<String> = Vec::new();
    let mut used = 0;
    for value in values {
        let cost = encode(&quote(value)).len() + 3;
        if !list.is_empty() && (used + cost > room || list.len() >= most) {
            lists.push(std::mem::take(&mut list));
            used = 0;
        }
        used += cost;
        list.push(value.clone());
    }
    if !list.is_empty() {
        lists.push(list);
    }
    lists
}

/// `field IN ('a','b')`.
pub fn in_list(field: &str, values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| quote(value)).collect();
    format!("{field} IN ({})", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Undoes `quote` by the sheet's rule: a backslash and anything not in its list is an error.
    fn unquote(literal: &str) -> Option<String> {
        let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
        let mut out = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '\'' => return None,
                '\\' => out.push(match chars.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    '"' => '"',
                    '\'' => '\'',
                    '\\' => '\\',
                    'u' => {
                        let hex: String = chars.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?
                    }
                    _ => return None,
                }),
                c => out.push(c),
            }
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn any_text_survives_quoting(text in any::<String>()) {
            prop_assert_eq!(unquote(&quote(&text)), Some(text));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_list_fits_and_nothing_is_lost(values in prop::collection::vec("[ -~]{0,300}", 0..200)) {
            let rest = "SELECT Id FROM Contact WHERE Email IN ()";
            let lists = lists(rest, &values, 200);
            for list in &lists {
                let whole = format!("SELECT Id FROM Contact WHERE {}", in_list("Email", list));
                prop_assert!(fits(&whole));
            }
            prop_assert_eq!(lists.concat(), values);
        }
    }

    #[test]
    fn two_hundred_hubspot_ids_are_one_list() {
        let ids: Vec<String> = (0..200)
            .map(|n| format!("{}", 171_596_044_000_u64 + n))
            .collect();
        let fields = "x".repeat(1_500);
        assert_eq!(lists(&fields, &ids, 400).len(), 1);
    }

    #[test]
    fn names_that_would_change_the_query_are_refused() {
        for good in ["Id", "Syncline_HubSpot_Id__c", "Account.Name"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", "Id FROM User", "a'b", "1abc", "Näme", "x)--"] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_window_with_fractions_is_widened_and_never_narrowed() {
        let at = DateTime::from_timestamp_millis(1_795_166_102_250).unwrap();
        assert_eq!(second_down(at), "2026-11-20T09:15:02Z");
        assert_eq!(second_up(at), "2026-11-20T09:15:03Z");
        let whole = DateTime::from_timestamp_millis(1_795_166_102_000).unwrap();
        assert_eq!(second_up(whole), "2026-11-20T09:15:02Z");
    }
}
