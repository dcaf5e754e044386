//! JSON values of a body to stored text, checked one field at a time: type, length, e-mail form, picklist.

use chrono::{Datelike, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::cells::{YEARS, read_time, wire_time};
use super::errors::Fault;
use super::schema::field::{Field, Kind};

/// The stored form of a value for a field, or the vendor's refusal. References are checked elsewhere.
pub fn stored(field: &Field, value: &Value) -> Result<Option<String>, Fault> {
    if let Kind::Boolean(_) = field.kind {
        return boolean(field, value).map(Some);
    }
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(_) => return Err(cannot_read(field, "START_ARRAY value [")),
        Value::Object(_) => return Err(cannot_read(field, "START_OBJECT value {")),
    };
    if text.is_empty() {
        return Ok(None);
    }
    match field.kind {
        Kind::Int | Kind::Double | Kind::Currency | Kind::Percent => {
            number(field, value, &text).map(Some)
        }
        Kind::Date => day(field, &text).map(Some),
        Kind::DateTime => read_time(&text)
            .map(|at| Some(wire_time(at)))
            .ok_or_else(|| cannot_read(field, &format!("VALUE_STRING value {text}"))),
        _ => checked_text(field, text).map(Some),
    }
}

fn type_name(field: &Field) -> &'static str {
    match field.kind {
        Kind::Int => "int",
        Kind::Double | Kind::Currency | Kind::Percent => "double",
        Kind::Boolean(_) => "boolean",
        Kind::Date => "date",
        Kind::DateTime => "datetime",
        Kind::Id | Kind::Reference(_) => "reference",
        _ => "string",
    }
}

fn cannot_read(field: &Field, what: &str) -> Fault {
    Fault::parse(format!(
        "Cannot deserialize instance of {} from {what} or request may be missing a required field at [line:1, column:1]",
        type_name(field)
    ))
}

fn boolean(field: &Field, value: &Value) -> Result<String, Fault> {
    match value {
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::String(text) if matches!(text.as_str(), "true" | "false") => Ok(text.clone()),
        Value::Null => Err(Fault::new(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            format!("{}: value not of required type: null", field.label),
        )
        .fields([field.name])),
        other => Err(cannot_read(field, &format!("VALUE {other}"))),
    }
}

fn number(field: &Field, value: &Value, text: &str) -> Result<String, Fault> {
    let kind = if value.is_string() {
        "VALUE_STRING"
    } else {
        "VALUE_NUMBER"
    };
    let bad = || cannot_read(field, &format!("{kind} value {text}"));
    let number: Decimal = text
        .parse()
        .or_else(|_| Decimal::from_scientific(text))
        .map_err(|_| match text.parse::<f64>() {
            Ok(_) => out_of_range(field, text),
            Err(_) => bad(),
        })?;
    if field.kind == Kind::Int && !number.fract().is_zero() {
        return Err(bad());
    }
    let number = number
        .round_dp_with_strategy(field.scale, RoundingStrategy::MidpointAwayFromZero)
        .normalize();
    let whole = number.abs().trunc().to_string();
    if field.precision > 0 && whole.len() > (field.precision - field.scale) as usize {
        return Err(out_of_range(field, text));
    }
    Ok(number.to_string())
}

fn out_of_range(field: &Field, text: &str) -> Fault {
    let what = format!(
        "{}: value outside of valid range on numeric field: {text}",
        field.label
    );
    Fault::new("NUMBER_OUTSIDE_VALID_RANGE", what).fields([field.name])
}

fn day(field: &Field, text: &str) -> Result<String, Fault> {
    text.parse::<NaiveDate>()
        .ok()
        .or_else(|| read_time(text).map(|at| at.date_naive()))
        .filter(|day| YEARS.contains(&day.year()))
        .map(|day| day.to_string())
        .ok_or_else(|| cannot_read(field, &format!("VALUE_STRING value {text}")))
}

fn checked_text(field: &Field, text: String) -> Result<String, Fault> {
    if field.textual() && text.chars().count() > field.length {
        let what = format!(
            "{}: data value too large: {text} (max length={})",
            field.label, field.length
        );
        return Err(Fault::new("STRING_TOO_LONG", what).fields([field.name]));
    }
    match field.kind {
        Kind::Email if !is_email(&text) => {
            let what = format!("{}: invalid email address: {text}", field.label);
            Err(Fault::new("INVALID_EMAIL_ADDRESS", what).fields([field.name]))
        }
        Kind::Restricted(values) => in_list(values, &text).ok_or_else(|| {
            let what = format!(
                "{}: bad value for restricted picklist field: {text}",
                field.label
            );
            Fault::new("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", what).fields([field.name])
        }),
        Kind::Picklist(values) => Ok(in_list(values, &text).unwrap_or(text)),
        _ => Ok(text),
    }
}

/// The defined spelling of a picklist value.
fn in_list(values: &[&str], text: &str) -> Option<String> {
    values
        .iter()
        .find(|value| value.eq_ignore_ascii_case(text))
        .map(|value| (*value).to_owned())
}

/// The vendor's idea of an address: one `@`, a dotted domain of plain labels, no blanks or brackets.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let plain =
        |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*/=?^_+-`{|}~.".contains(letter);
    let labels: Vec<&str> = domain.split('.').collect();
    !local.is_empty()
        && local.len() <= 64
        && local.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && labels.len() > 1
        && labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        })
        && labels.last().is_some_and(|label| label.len() > 1)
}
