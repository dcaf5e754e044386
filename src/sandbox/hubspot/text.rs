//! Small text forms of the wire: instants, deterministic ids, shuffles.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// An instant as a Java `Instant` prints: no fraction when it is zero, else three digits (`docs/vendor/hubspot.md` 3.2).
pub(super) fn instant(at: DateTime<Utc>) -> String {
    if at.timestamp_subsec_millis() == 0 {
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    } else {
        at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// The instant cut to whole milliseconds, which is what the portal keeps.
pub(super) fn to_millis(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

/// An instant in any form the API takes: epoch milliseconds, ISO 8601 with a zone, a bare date.
pub(super) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(millis) = text.parse::<i64>() {
        return DateTime::from_timestamp_millis(millis);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|at| at.and_utc())
}

/// A well-mixed number from a number (splitmix64): the portal's only source of unevenness.
pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A uuid-shaped text from a number.
pub(super) fn uuid(seed: u64) -> String {
    let (a, b) = (mix(seed), mix(seed ^ 0x5ca1_ab1e));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | ((b >> 48) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

/// Puts items into an order that has nothing to do with the one they came in, the same one every time.
pub(super) fn shuffle<T>(items: &mut [T], number: impl Fn(&T) -> u64) {
    items.sort_by_key(|item| mix(number(item)));
}
