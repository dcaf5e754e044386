//! A field's value as queries compare it and as answers print it.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

use super::data::{Data, Row, fold};
use super::schema::field::{Field, Kind, Source, System};

/// One value with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// Text, compared without case.
    Text(Cow<'a, str>),
    /// A record id, compared by its 15 characters.
    Id(Cow<'a, str>),
    /// A number.
    Number(Decimal),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(NaiveDate),
    /// An instant.
    Time(DateTime<Utc>),
}

/// The years that the vendor stores.
pub const YEARS: std::ops::RangeInclusive<i32> = 1700..=4000;

/// A date-time as the REST API prints it.
pub fn wire_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// A date-time in any of the forms callers send.
pub fn read_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|at| at.with_timezone(&Utc))
        .ok()
        .filter(|at| YEARS.contains(&at.year()))
}

/// First and last name joined as the org does.
pub fn full_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    match (first, last) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, None) | (None, one) => one.map(str::to_owned),
    }
}

impl<'a> Cell<'a> {
    /// The value of a stored text, read by its field's type; text that does not fit the type is null.
    pub fn read(kind: Kind, text: &'a str) -> Self {
        match kind {
            Kind::Id | Kind::Reference(_) => Cell::Id(Cow::Borrowed(text)),
            Kind::Boolean(_) => Cell::Boolean(text == "true"),
            Kind::Int | Kind::Double | Kind::Currency | Kind::Percent => {
                text.parse().map_or(Cell::Null, Cell::Number)
            }
            Kind::Date => text.parse().map_or(Cell::Null, Cell::Date),
            Kind::DateTime => read_time(text).map_or(Cell::Null, Cell::Time),
            _ => Cell::Text(Cow::Borrowed(text)),
        }
    }

    /// Order for sorting and comparing; `None` where types differ or a value is missing.
    pub fn order(&self, other: &Cell<'_>) -> Option<Ordering> {
        Some(match (self, other) {
            (Cell::Text(a), Cell::Text(b)) => order_text(a, b),
            (Cell::Id(a), Cell::Id(b)) => short(a).cmp(short(b)),
            (Cell::Number(a), Cell::Number(b)) => a.cmp(b),
            (Cell::Boolean(a), Cell::Boolean(b)) => a.cmp(b),
            (Cell::Date(a), Cell::Date(b)) => a.cmp(b),
            (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
            _ => return None,
        })
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Text(text) | Cell::Id(text) => Value::String(text.clone().into_owned()),
            Cell::Number(number) => number_json(*number),
            Cell::Boolean(flag) => json!(flag),
            Cell::Date(day) => json!(day.to_string()),
            Cell::Time(at) => json!(wire_time(*at)),
        }
    }

    /// A text that is equal exactly when the values are.
    pub fn key(&self) -> String {
        match self {
            Cell::Null => "\u{0}".into(),
            Cell::Text(text) => fold(text),
            Cell::Id(id) => short(id).to_owned(),
            Cell::Number(number) => number.normalize().to_string(),
            Cell::Boolean(flag) => flag.to_string(),
            Cell::Date(day) => day.to_string(),
            Cell::Time(at) => at.timestamp_millis().to_string(),
        }
    }
}

fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

fn order_text(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        a.bytes()
            .map(|byte| byte.to_ascii_lowercase())
            .cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
    } else {
        a.to_lowercase().cmp(&b.to_lowercase())
    }
}

fn number_json(number: Decimal) -> Value {
    let text = number.normalize().to_string();
    if let Ok(whole) = text.parse::<i64>() {
        return json!(whole);
    }
    text.parse::<f64>()
        .ok()
        .and_then(Number::from_f64)
        .map_or(Value::Null, Value::Number)
}

impl Data {
    /// The value of one field of one row.
    pub fn cell<'a>(&'a self, object: usize, row: &'a Row, place: usize) -> Cell<'a> {
        let field = &self.schema.objects[object].fields[place];
        let id = |text: &'a str| Cell::Id(Cow::Borrowed(text));
        match field.source {
            Source::Stored => row.values[place]
                .as_deref()
                .map_or(Cell::Null, |text| Cell::read(field.kind, text)),
            Source::System(which) => match which {
                System::Id => id(&row.id),
                System::IsDeleted => Cell::Boolean(row.deleted.is_some()),
                System::MasterRecordId => row.master.as_deref().map_or(Cell::Null, id),
                System::CreatedDate => Cell::Time(row.created),
                System::CreatedById => id(&row.created_by),
                System::LastModifiedDate => Cell::Time(row.modified),
                System::LastModifiedById => id(&row.modified_by),
                System::Stamp => Cell::Time(row.stamp),
            },
            Source::FullName => self
                .name_of(object, row)
                .map_or(Cell::Null, |name| Cell::Text(Cow::Owned(name))),
            Source::Compound => Cell::Null,
        }
    }

    fn name_of(&self, object: usize, row: &Row) -> Option<String> {
        let part = |name: &str| {
            self.schema.objects[object]
                .any(name)
                .and_then(|place| row.values[place].as_deref())
        };
        full_name(part("FirstName"), part("LastName"))
    }

    /// The value of one field as an answer prints it, compound addresses included.
    pub fn field_json(&self, object: usize, row: &Row, place: usize) -> Value {
        let field: &Field = &self.schema.objects[object].fields[place];
        match field.kind {
            Kind::Address(prefix) => self.address_json(object, row, prefix),
            _ => self.cell(object, row, place).json(),
        }
    }

    fn address_json(&self, object: usize, row: &Row, prefix: &str) -> Value {
        let part = |name: &str| {
            self.schema.objects[object]
                .any(&format!("{prefix}{name}"))
                .and_then(|place| row.values[place].as_deref())
        };
        let parts = ["City", "Country", "PostalCode", "State", "Street"].map(part);
        if parts.iter().all(Option::is_none) {
            return Value::Null;
        }
        let [city, country, postal, state, street] = parts;
        json!({
            "city": city, "country": country, "geocodeAccuracy": null, "latitude": null, "longitude": null,
            "postalCode": postal, "state": state, "street": street,
        })
    }
}
