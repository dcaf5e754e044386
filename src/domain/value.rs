//! Raw field values and what one look at a record saw.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{RecordId, Side, element_of};

/// One field as a vendor returned it. Numbers and booleans are kept as the text they had on the wire; the client
/// renders them by the field's type when it writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// Nothing is known: the field was not in the answer. Never comparable, never written (docs/design/sync-semantics.md 1).
    #[default]
    #[serde(rename = "?")]
    Unknown,
    /// Explicitly blank: JSON null, or the empty string.
    #[serde(rename = "0")]
    Null,
    /// A value.
    #[serde(rename = "v")]
    Text(String),
}

impl Value {
    /// Text, or `Null` where it is empty.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Value::Null
        } else {
            Value::Text(text)
        }
    }

    /// The text, where there is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Unknown | Value::Null => None,
        }
    }

    /// True for everything but `Unknown`.
    pub fn is_known(&self) -> bool {
        !matches!(self, Value::Unknown)
    }

    /// True for null, and for text that is nothing but white space (3: blank).
    pub fn is_blank(&self) -> bool {
        match self {
            Value::Unknown => false,
            Value::Null => true,
            Value::Text(text) => text.trim().is_empty(),
        }
    }
}

/// Whether a record was there when it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Presence {
    /// Alive.
    #[default]
    Live,
    /// Positive evidence of deletion: `IsDeleted` without master, or archived (12.1).
    Deleted,
    /// Merged into the named record: `MasterRecordId`, or HubSpot answered under another id (12.4).
    MergedInto(RecordId),
    /// A Lead that was converted to the named Contact (13).
    Converted(RecordId),
    /// Not found, without evidence of deletion (12.1).
    Inaccessible,
}

/// What one look at a record saw. Fields that were not asked for or not answered are absent, which reads as `Unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The side.
    pub side: Side,
    /// The object: `Contact`, `contacts`.
    pub object: String,
    /// The record's id (the one that answered).
    pub id: RecordId,
    /// Raw values by field name. For HubSpot contacts the pseudo field `company` holds the primary company's id where it was read.
    pub fields: BTreeMap<String, Value>,
    /// SystemModstamp, or (hs_)lastmodifieddate: orders observations of a record.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub modstamp: DateTime<Utc>,
    /// Salesforce LastModifiedDate (a person or integration), where it differs in meaning from the stamp.
    #[serde(
        with = "chrono::serde::ts_milliseconds_option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub modified_at: Option<DateTime<Utc>>,
    /// CreatedDate, createdate.
    #[serde(
        with = "chrono::serde::ts_milliseconds_option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub created_at: Option<DateTime<Utc>>,
    /// LastModifiedById, or the acting source where HubSpot tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_by: Option<String>,
    /// Alive, deleted, merged…
    #[serde(default)]
    pub presence: Presence,
    /// When it was read, in our clock: of Salesforce when it was asked for, so that nothing newer than that is in it unnoticed.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub observed_at: DateTime<Utc>,
}

impl Observation {
    /// The value of a field; `Unknown` where it was not answered. An element that a set which was read does not have is blank.
    pub fn value(&self, field: &str) -> &Value {
        let read = |set| self.fields.contains_key(set);
        match self.fields.get(field) {
            Some(value) => value,
            None if element_of(field).is_some_and(|(set, _)| read(set)) => &Value::Null,
            None => &Value::Unknown,
        }
    }

    /// A name for people, from the record's own values; the id where it has none.
    pub fn label(&self) -> String {
        let text = |field: &str| {
            self.value(field)
                .as_text()
                .map(str::trim)
                .unwrap_or_default()
        };
        for (first, second) in NAMES {
            let name = format!("{} {}", text(first), text(second));
            if !name.trim().is_empty() {
                return name.trim().to_owned();
            }
        }
        FALLBACKS
            .iter()
            .map(|field| text(field))
            .find(|found| !found.is_empty())
            .map_or_else(|| self.id.to_string(), str::to_owned)
    }
}

/// Fields that name a record, first choice first: a person's two names, then what else there is.
const NAMES: [(&str, &str); 4] = [
    ("FirstName", "LastName"),
    ("firstname", "lastname"),
    ("Name", ""),
    ("name", ""),
];
const FALLBACKS: [&str; 4] = ["Email", "email", "Website", "domain"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_called_by_its_names_its_addresses_or_its_id() {
        let rows: [(&[(&str, &str)], &str); 5] = [
            (&[("FirstName", "Anna"), ("LastName", "Berg")], "Anna Berg"),
            (&[("lastname", " Berg "), ("email", "a@b.example")], "Berg"),
            (&[("Name", "Acme"), ("Website", "acme.example")], "Acme"),
            (&[("Name", " "), ("domain", "acme.example")], "acme.example"),
            (&[], "003"),
        ];
        for (fields, want) in rows {
            let seen = Observation {
                side: Side::Salesforce,
                object: "Contact".into(),
                id: "003".into(),
                fields: fields
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), Value::text(*value)))
                    .collect(),
                modstamp: DateTime::UNIX_EPOCH,
                modified_at: None,
                created_at: None,
                modified_by: None,
                presence: Presence::Live,
                observed_at: DateTime::UNIX_EPOCH,
            };
            assert_eq!(seen.label(), want);
        }
    }
}
