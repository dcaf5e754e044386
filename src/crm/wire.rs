//! Reading vendor JSON without losing digits: raw values by name, moments, leniently typed ids.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::Value;

/// A JSON object whose values keep their text.
pub type RawFields = BTreeMap<String, Box<RawValue>>;

/// A body was not what it must be. Holds no personal data: the words are the parser's and a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer to {what} cannot be read: {why}")]
pub struct Malformed {
    /// Which answer.
    pub what: &'static str,
    /// Why not.
    pub why: String,
}

impl Malformed {
    /// The same, from any cause.
    pub fn new(what: &'static str, why: impl Into<String>) -> Self {
        Malformed {
            what,
            why: why.into(),
        }
    }
}

/// Parses a body.
///
/// # Errors
/// [`Malformed`] where it is not that JSON.
pub fn from_json<'a, T: Deserialize<'a>>(
    what: &'static str,
    body: &'a [u8],
) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|error| {
        let why = format!(
            "{} at line {}, column {}",
            match error.classify() {
                serde_json::error::Category::Data => "an unexpected shape",
                serde_json::error::Category::Eof => "it is cut off",
                _ => "it is not JSON",
            },
            error.line(),
            error.column()
        );
        Malformed { what, why }
    })
}

/// One raw value: null and `""` are `Null`, strings their text, numbers and booleans the text they had on the wire,
/// objects and lists their JSON (an opaque field).
pub fn value(raw: &RawValue) -> Value {
    let text = raw.get().trim();
    match text.as_bytes().first() {
        Some(b'n') | None => Value::Null,
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(text) => Value::text(text),
            Err(_) => Value::Unknown,
        },
        _ => Value::text(text),
    }
}

/// The text of a named raw value, where it is there and not blank.
pub fn text_of(fields: &RawFields, name: &str) -> Option<String> {
    match value(fields.get(name)?) {
        Value::Text(text) => Some(text),
        Value::Null | Value::Unknown => None,
    }
}

/// True where the named value is JSON true (or the text "true").
pub fn is_true(fields: &RawFields, name: &str) -> bool {
    text_of(fields, name).as_deref() == Some("true")
}

/// A moment in any of the vendors' forms: `2026-11-20T09:15:02.000+0000`, RFC 3339, or epoch milliseconds.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    if let Ok(at) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
        return Some(at.with_timezone(&Utc));
    }
    if let Ok(ms) = text.parse::<i64>() {
        return DateTime::from_timestamp_millis(ms);
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .ok()
        .map(|at| at.and_utc())
}

/// The moment of a named raw value.
pub fn moment_of(fields: &RawFields, name: &str) -> Option<DateTime<Utc>> {
    moment(&text_of(fields, name)?)
}

/// Reads an id that is a string in one version and a number in another (hubspot.md 6.3).
pub fn id_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match value(&raw) {
        Value::Text(text) if !text.starts_with(['{', '[']) => Ok(text),
        _ => Err(serde::de::Error::custom("an id is expected")),
    }
}

/// The same where it may be missing or null.
pub fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| match value(&raw) {
        Value::Text(text) => Some(text),
        Value::Null | Value::Unknown => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Value {
        value(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn digits_survive_as_they_were_on_the_wire() {
        let body = br#"{"a":1234567890123456789.10,"b":100.00,"c":"x","d":null,"e":"","f":true,"g":{"x":1}}"#;
        let fields: RawFields = from_json("test", body).unwrap();
        let read = |name: &str| value(&fields[name]);
        assert_eq!(read("a"), Value::text("1234567890123456789.10"));
        assert_eq!(read("b"), Value::text("100.00"));
        assert_eq!(read("c"), Value::text("x"));
        assert_eq!(read("d"), Value::Null);
        assert_eq!(read("e"), Value::Null);
        assert_eq!(read("f"), Value::text("true"));
        assert_eq!(read("g"), Value::text("{\"x\":1}"));
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(raw(r#""a\u0000\n\"b""#), Value::text("a\0\n\"b"));
    }

    #[test]
    fn every_form_of_a_moment_is_one_moment() {
        let forms = [
            "2026-11-20T09:15:02.000+0000",
            "2026-11-20T09:15:02Z",
            "2026-11-20T10:15:02+01:00",
            "2026-11-20T09:15:02.000",
            "1795166102000",
        ];
        for form in forms {
            assert_eq!(
                moment(form).unwrap().timestamp_millis(),
                1_795_166_102_000,
                "{form}"
            );
        }
        for bad in [
            "",
            "yesterday",
            "2026-13-40T00:00:00Z",
            "99999999999999999999",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_wrong_shape_names_the_place_and_not_the_data() {
        let error = from_json::<Vec<u8>>("query", b"{\"email\":\"a@b.co\"}").unwrap_err();
        assert!(!error.to_string().contains("a@b.co"), "{error}");
    }
}
