//! Dates and moments, as both vendors write them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SecondsFormat, Timelike, Utc};

/// A calendar date: `YYYY-MM-DD`, or midnight UTC as milliseconds or as a moment (docs/vendor/hubspot.md, types).
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    if let Some(day) = plain_date(text) {
        return Some(day);
    }
    let at = instant(text, false)?;
    (at.time() == NaiveTime::MIN).then(|| at.date_naive())
}

fn plain_date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// A moment: ISO 8601 with an offset (`Z`, `+00:00`, `+0000`), or milliseconds since 1970. `whole_seconds` drops the rest.
pub(super) fn instant(text: &str, whole_seconds: bool) -> Option<DateTime<Utc>> {
    let millis = match text.parse::<i64>() {
        Ok(millis) => millis,
        Err(_) => written(text)?.timestamp_millis(),
    };
    let millis = if whole_seconds {
        millis.div_euclid(1000).checked_mul(1000)?
    } else {
        millis
    };
    DateTime::from_timestamp_millis(millis).filter(|at| (0..=9999).contains(&at.year()))
}

fn written(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

/// The form that both vendors read: seconds, milliseconds only where there are any.
pub(super) fn render_instant(at: DateTime<Utc>) -> String {
    let precision = if at.nanosecond() == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Millis
    };
    at.to_rfc3339_opts(precision, true)
}
