//! Record bodies, pages and batch answers (docs/vendor/hubspot.md 3.1, 3.3, 3.5, 3.17, 4.1).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::paths::modified_property;
use super::refusal::WireError;
use crate::crm::wire::{
    Malformed, RawFields, from_json, id_text, moment, moment_of, text_of, value,
};
use crate::domain::{ObjectSchema, Observation, Presence, RecordId, Side, Value};

/// One record. Unknown keys are ignored (3.1).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireRecord {
    #[serde(deserialize_with = "id_text")]
    pub(crate) id: String,
    /// `None` where the answer holds no properties at all.
    #[serde(default)]
    pub(crate) properties: Option<RawFields>,
    #[serde(default)]
    pub(crate) properties_with_history:
        Option<std::collections::BTreeMap<String, Vec<WireVersion>>>,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
    #[serde(default)]
    pub(crate) updated_at: Option<String>,
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default)]
    pub(crate) new: Option<bool>,
    #[serde(default)]
    pub(crate) object_write_trace_id: Option<String>,
}

/// One version of a property (3.8).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireVersion {
    #[serde(default)]
    pub(crate) value: Option<Box<serde_json::value::RawValue>>,
    #[serde(default)]
    pub(crate) timestamp: Option<Box<serde_json::value::RawValue>>,
    #[serde(default)]
    pub(crate) source_type: Option<String>,
    #[serde(default)]
    pub(crate) source_id: Option<String>,
}

/// A list, search or batch answer: they share one shape.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WirePage {
    /// The records.
    pub results: Vec<WireRecord>,
    /// Entries that failed (batches).
    #[serde(default)]
    pub errors: Vec<WireError>,
    /// How many the whole search has.
    #[serde(default)]
    pub total: Option<u64>,
    #[serde(default)]
    pub(crate) paging: Option<WirePaging>,
}

/// Where the next page is.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct WirePaging {
    #[serde(default)]
    pub(crate) next: Option<WireNext>,
}

/// The next page's place.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct WireNext {
    #[serde(default)]
    pub(crate) after: Option<String>,
}

impl WirePage {
    /// The next page's place, where there is one.
    pub fn after(&self) -> Option<&str> {
        self.paging.as_ref()?.next.as_ref()?.after.as_deref()
    }
}

/// Reads a list, search or batch answer. 200 and 207 look alike; `errors` decides (1.8).
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_page(body: &[u8]) -> Result<WirePage, Malformed> {
    from_json("records", body)
}

/// Reads one record.
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_record(body: &[u8]) -> Result<WireRecord, Malformed> {
    from_json("record", body)
}

/// Wanted properties that are absent from an answer that has properties: the schema then tells blank from gone.
pub(crate) fn absent<'w>(records: &[WireRecord], wanted: &'w [String]) -> BTreeSet<&'w str> {
    let answered = records.iter().filter_map(|one| one.properties.as_ref());
    answered
        .flat_map(|properties| {
            let lacks = move |name: &&String| !properties.contains_key(*name);
            wanted.iter().filter(lacks).map(String::as_str)
        })
        .collect()
}

/// One record as an observation with the wanted properties. Null, `""` and absent-though-asked are all blank (3.5); absent
/// and not in the schema is unknown, as is everything where the answer has no properties.
///
/// # Errors
/// [`Malformed`] where the record has no moment of change.
pub fn observation(
    object: &str,
    record: &WireRecord,
    wanted: &[String],
    schema: Option<&ObjectSchema>,
    observed_at: DateTime<Utc>,
) -> Result<Observation, Malformed> {
    let empty = RawFields::new();
    let properties = record.properties.as_ref().unwrap_or(&empty);
    let answered = record.properties.is_some();
    let known = |name: &str| schema.is_some_and(|schema| schema.fields.contains_key(name));
    let fields = wanted
        .iter()
        .filter_map(|name| match properties.get(name) {
            Some(raw) => Some((name.clone(), value(raw))),
            None if answered && known(name) => Some((name.clone(), Value::Null)),
            None => None,
        })
        .collect();
    let modstamp = moment_of(properties, modified_property(object))
        .or_else(|| record.updated_at.as_deref().and_then(moment))
        .or_else(|| record.created_at.as_deref().and_then(moment))
        .ok_or_else(|| Malformed::new("records", "a record has no moment of change"))?;
    let created_at = ["createdate", "hs_createdate"]
        .iter()
        .find_map(|name| moment_of(properties, name))
        .or_else(|| record.created_at.as_deref().and_then(moment));
    Ok(Observation {
        side: Side::HubSpot,
        object: object.to_owned(),
        id: RecordId(record.id.clone()),
        fields,
        modstamp,
        modified_at: None,
        created_at,
        modified_by: text_of(properties, "hs_updated_by_user_id"),
        presence: if record.archived {
            Presence::Deleted
        } else {
            Presence::Live
        },
        observed_at,
    })
}

/// Former ids of a merged record (3.26).
pub(crate) fn former_ids(record: &WireRecord) -> Vec<String> {
    let Some(properties) = &record.properties else {
        return Vec::new();
    };
    let merged = text_of(properties, "hs_merged_object_ids").unwrap_or_default();
    let vids = text_of(properties, "hs_calculated_merged_vids").unwrap_or_default();
    let all = text_of(properties, "hs_all_contact_vids").unwrap_or_default();
    merged
        .split(';')
        .chain(all.split(';'))
        .chain(vids.split(';').filter_map(|pair| pair.split(':').next()))
        .map(str::trim)
        .filter(|id| !id.is_empty() && *id != record.id)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(body: &str) -> WireRecord {
        parse_record(body.as_bytes()).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn null_empty_and_absent_are_blank_and_gone_is_unknown() {
        let record = record(
            r#"{"id":"512","properties":{"email":"a@b.co","phone":null,"fax":"","lastmodifieddate":"2026-01-06T08:00:00.123Z","hs_object_id":"512"},
            "createdAt":"2026-01-05T10:00:00Z","updatedAt":"2026-01-06T08:00:00Z","archived":false,"new_key":[1]}"#,
        );
        let schema = crate::crm::hubspot::parse_properties(
            "contacts",
            br#"{"results":[{"name":"city","type":"string"},{"name":"email","type":"string"}]}"#,
        )
        .unwrap();
        let wanted = names(&["email", "phone", "fax", "city", "gone"]);
        assert!(!absent(std::slice::from_ref(&record), &wanted).is_empty());
        let seen = observation(
            "contacts",
            &record,
            &wanted,
            Some(&schema),
            DateTime::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!(seen.value("email"), &Value::text("a@b.co"));
        for blank in ["phone", "fax", "city"] {
            assert_eq!(seen.value(blank), &Value::Null, "{blank}");
        }
        assert_eq!(seen.value("gone"), &Value::Unknown);
        assert_eq!(seen.modstamp.timestamp_subsec_millis(), 123);
        let blind = observation("contacts", &record, &wanted, None, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            blind.value("city"),
            &Value::Unknown,
            "without a schema nothing is guessed"
        );
    }

    #[test]
    fn an_archived_record_is_deleted_and_one_without_stamps_is_refused() {
        let archived = record(
            r#"{"id":9,"properties":{},"updatedAt":"2026-01-06T08:00:00Z","archived":true,"archivedAt":"2026-01-07T08:00:00Z"}"#,
        );
        let seen = observation("companies", &archived, &[], None, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!((seen.presence, seen.id.as_str()), (Presence::Deleted, "9"));
        assert!(
            observation(
                "companies",
                &record(r#"{"id":"9"}"#),
                &[],
                None,
                DateTime::UNIX_EPOCH
            )
            .is_err()
        );
    }

    #[test]
    fn former_ids_come_from_every_form() {
        let merged = record(
            r#"{"id":"100","properties":{"hs_merged_object_ids":"1;2","hs_calculated_merged_vids":"3:1700000000000;4:1700000000001","hs_all_contact_vids":"100;5"}}"#,
        );
        assert_eq!(former_ids(&merged), ["1", "2", "5", "3", "4"]);
    }

    #[test]
    fn hostile_pages_are_typed_errors() {
        for body in [
            "",
            "<html>",
            "[]",
            "{\"results\":{}}",
            "{\"results\":[{\"id\":{}}]}",
            "{\"results\":[{\"properties\":{}}]}",
        ] {
            assert!(parse_page(body.as_bytes()).is_err(), "{body}");
        }
        let page =
            parse_page(br#"{"total":2,"results":[],"paging":{"next":{"after":"200","link":"x"}}}"#)
                .unwrap();
        assert_eq!((page.total, page.after()), (Some(2), Some("200")));
    }
}
