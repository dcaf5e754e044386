//! Query pages, retrieved rows and replication answers as observations (docs/vendor/salesforce.md 2.3 to 2.6).

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::ids::widen;
use crate::crm::wire::{
    Malformed, RawFields, from_json, is_true, moment, moment_of, text_of, value,
};
use crate::domain::{Observation, Presence, RecordId, Side, Value};

/// What every read asks for besides the mapped fields.
const ALWAYS: &[&str] = &[
    "Id",
    "SystemModstamp",
    "LastModifiedDate",
    "CreatedDate",
    "LastModifiedById",
    "IsDeleted",
];

/// What standard objects have besides (6.4, 6.5).
const MARKERS: &[(&str, &[&str])] = &[
    ("Account", &["MasterRecordId"]),
    ("Contact", &["MasterRecordId"]),
    (
        "Lead",
        &["MasterRecordId", "IsConverted", "ConvertedContactId"],
    ),
    ("Case", &["MasterRecordId"]),
];

/// The fields to ask for: the system's own first, then the wanted ones, each once (without regard to case, as the vendor
/// compares).
pub(crate) fn asked_fields(object: &str, wanted: &[String]) -> Vec<String> {
    let markers = MARKERS
        .iter()
        .find(|(name, _)| *name == object)
        .map_or(&[][..], |(_, fields)| fields);
    let system = ALWAYS.iter().chain(markers).map(|name| (*name).to_owned());
    let mut seen = std::collections::BTreeSet::new();
    system
        .chain(wanted.iter().cloned())
        .filter(|name| seen.insert(name.to_ascii_lowercase()))
        .collect()
}

/// One page of a query.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryPage {
    /// Rows of the whole query.
    #[serde(default)]
    pub total_size: u64,
    /// True on the last page.
    pub done: bool,
    /// The next page's path.
    #[serde(default)]
    pub next_records_url: Option<String>,
    /// The rows.
    pub records: Vec<RawFields>,
}

/// Reads one page of a query.
///
/// # Errors
/// [`Malformed`] where the body is none, or says that there is more without saying where.
pub fn parse_query(body: &[u8]) -> Result<QueryPage, Malformed> {
    let page: QueryPage = from_json("query", body)?;
    if !page.done && page.next_records_url.is_none() {
        return Err(Malformed::new(
            "query",
            "it is not done and names no next page",
        ));
    }
    Ok(page)
}

/// Reads a retrieve answer: one row or null per id asked.
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_retrieve(body: &[u8]) -> Result<Vec<Option<RawFields>>, Malformed> {
    from_json("retrieve", body)
}

/// One row as an observation. Only the `wanted` fields are kept as values; one that the row lacks stays `Unknown`.
///
/// # Errors
/// [`Malformed`] where the row has no id or no stamp.
pub fn observation(
    object: &str,
    row: &RawFields,
    wanted: &[String],
    observed_at: DateTime<Utc>,
) -> Result<Observation, Malformed> {
    const WHAT: &str = "query";
    let id = text_of(row, "Id").ok_or_else(|| Malformed::new(WHAT, "a row has no Id"))?;
    let id = widen(&id).ok_or_else(|| Malformed::new(WHAT, "a row's Id is no id"))?;
    let modstamp = ["SystemModstamp", "LastModifiedDate", "CreatedDate"]
        .iter()
        .find_map(|name| moment_of(row, name))
        .ok_or_else(|| Malformed::new(WHAT, "a row has no SystemModstamp"))?;
    let fields = wanted
        .iter()
        .filter_map(|name| Some((name.clone(), read(row, name)?)))
        .collect();
    Ok(Observation {
        side: Side::Salesforce,
        object: object.to_owned(),
        id: RecordId(id),
        fields,
        modstamp,
        modified_at: moment_of(row, "LastModifiedDate"),
        created_at: moment_of(row, "CreatedDate"),
        modified_by: text_of(row, "LastModifiedById").map(|id| widen(&id).unwrap_or(id)),
        presence: presence(row),
        observed_at,
    })
}

/// The value of a field, or of a parent's field behind a dot: a row without that parent has null there (2.4).
fn read(row: &RawFields, name: &str) -> Option<Value> {
    let Some((parent, field)) = name.split_once('.') else {
        return Some(value(find(row, name)?));
    };
    let nested = find(row, parent)?;
    if value(nested) == Value::Null {
        return Some(Value::Null);
    }
    let nested: RawFields = serde_json::from_str(nested.get()).ok()?;
    Some(value(find(&nested, field)?))
}

/// The vendor answers with its own spelling of a name, whatever the query's was.
fn find<'a>(row: &'a RawFields, name: &str) -> Option<&'a serde_json::value::RawValue> {
    let raw = row.get(name).or_else(|| {
        row.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, raw)| raw)
    })?;
    Some(raw)
}

fn presence(row: &RawFields) -> Presence {
    let id_in = |name| text_of(row, name).and_then(|id| widen(&id)).map(RecordId);
    // What became of a converted Lead itself says nothing any more: it is its Contact that counts (6.4).
    if is_true(row, "IsConverted")
        && let Some(contact) = id_in("ConvertedContactId")
    {
        return Presence::Converted(contact);
    }
    if is_true(row, "IsDeleted") {
        return id_in("MasterRecordId").map_or(Presence::Deleted, Presence::MergedInto);
    }
    Presence::Live
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireUpdated {
    #[serde(default)]
    latest_date_covered: Option<String>,
}

/// Reads `latestDateCovered` of a getUpdated (or getDeleted) answer (2.5).
///
/// # Errors
/// [`Malformed`] where it is missing or no moment.
pub fn parse_covered(body: &[u8]) -> Result<DateTime<Utc>, Malformed> {
    let wire: WireUpdated = from_json("getUpdated", body)?;
    wire.latest_date_covered
        .as_deref()
        .and_then(moment)
        .ok_or_else(|| Malformed::new("getUpdated", "latestDateCovered is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(row: &str, wanted: &[&str]) -> Result<Observation, Malformed> {
        let row: RawFields = serde_json::from_str(row).unwrap();
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        observation("Contact", &row, &wanted, DateTime::UNIX_EPOCH)
    }

    const STAMPS: &str = r#""Id":"003Wb00000Ab1cD","SystemModstamp":"2026-11-20T09:15:02.000+0000","LastModifiedDate":"2026-11-20T09:15:01.000+0000","LastModifiedById":"005Wb00000Gh7iJ""#;

    #[test]
    fn a_row_becomes_an_observation() {
        let row = format!(
            r#"{{"attributes":{{"type":"Contact"}},{STAMPS},"Email":"a@x.example","Title":null,"Amount":10.50,"Other":"x"}}"#
        );
        let seen = seen(&row, &["email", "Title", "Amount", "Hidden"]).unwrap();
        assert_eq!(seen.id.as_str(), "003Wb00000Ab1cDIAR");
        assert_eq!(seen.value("email"), &Value::text("a@x.example"));
        assert_eq!(seen.value("Title"), &Value::Null);
        assert_eq!(seen.value("Amount"), &Value::text("10.50"));
        assert_eq!(
            seen.value("Hidden"),
            &Value::Unknown,
            "not answered is not blank"
        );
        assert_eq!(
            seen.value("Other"),
            &Value::Unknown,
            "not asked is not kept"
        );
        assert_eq!(seen.modified_by.as_deref(), Some("005Wb00000Gh7iJIAR"));
        assert!(seen.modified_at < Some(seen.modstamp));
    }

    #[test]
    fn a_parents_field_is_read_behind_its_dot_and_is_null_without_a_parent() {
        let with =
            format!(r#"{{{STAMPS},"Account":{{"attributes":{{}},"Name":"Acme","Site":null}}}}"#);
        let read = seen(&with, &["account.name", "Account.Site", "Account.Hidden"]).unwrap();
        assert_eq!(read.value("account.name"), &Value::text("Acme"));
        assert_eq!(read.value("Account.Site"), &Value::Null);
        assert_eq!(read.value("Account.Hidden"), &Value::Unknown);
        let without = format!(r#"{{{STAMPS},"Account":null}}"#);
        let read = seen(&without, &["Account.Name", "Owner.Name"]).unwrap();
        assert_eq!(read.value("Account.Name"), &Value::Null);
        assert_eq!(read.value("Owner.Name"), &Value::Unknown);
    }

    #[test]
    fn deleted_merged_and_converted_rows_are_told_apart() {
        let table = [
            (r#""IsDeleted":false"#, Presence::Live),
            (
                r#""IsDeleted":true,"MasterRecordId":null"#,
                Presence::Deleted,
            ),
            (
                r#""IsDeleted":true,"MasterRecordId":"003Wb00000Ab1cE""#,
                Presence::MergedInto("003Wb00000Ab1cEIAR".into()),
            ),
            (
                r#""IsDeleted":false,"IsConverted":true,"ConvertedContactId":"003Wb00000Ab1cEIAR""#,
                Presence::Converted("003Wb00000Ab1cEIAR".into()),
            ),
            (
                r#""IsDeleted":true,"IsConverted":true,"ConvertedContactId":"003Wb00000Ab1cEIAR""#,
                Presence::Converted("003Wb00000Ab1cEIAR".into()),
            ),
            (
                r#""IsDeleted":false,"IsConverted":false,"ConvertedContactId":null"#,
                Presence::Live,
            ),
        ];
        for (marks, presence) in table {
            let seen = seen(&format!("{{{STAMPS},{marks}}}"), &[]).unwrap();
            assert_eq!(seen.presence, presence, "{marks}");
        }
    }

    #[test]
    fn a_row_without_id_or_stamp_is_a_typed_error() {
        assert!(seen(r#"{"SystemModstamp":"2026-11-20T09:15:02.000+0000"}"#, &[]).is_err());
        assert!(seen(r#"{"Id":"003Wb00000Ab1cD"}"#, &[]).is_err());
        assert!(
            seen(
                r#"{"Id":"nonsense","SystemModstamp":"2026-11-20T09:15:02.000+0000"}"#,
                &[]
            )
            .is_err()
        );
    }

    #[test]
    fn a_page_that_is_not_done_must_say_where_it_goes_on() {
        assert!(parse_query(br#"{"totalSize":9,"done":false,"records":[]}"#).is_err());
        assert!(parse_query(br#"{"totalSize":9,"done":true,"records":[]}"#).is_ok());
        assert!(
            parse_covered(br#"{"ids":[],"latestDateCovered":"2026-11-20T09:58:00.000+0000"}"#)
                .is_ok()
        );
        assert!(parse_covered(br#"{"ids":[]}"#).is_err());
    }

    #[test]
    fn a_field_is_asked_for_once() {
        let fields = asked_fields("Lead", &["id".into(), "Email".into(), "isconverted".into()]);
        let expected = "Id,SystemModstamp,LastModifiedDate,CreatedDate,LastModifiedById,IsDeleted,MasterRecordId,IsConverted,ConvertedContactId,Email";
        assert_eq!(fields.join(","), expected);
    }
}
