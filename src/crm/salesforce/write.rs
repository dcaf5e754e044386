//! Writing in collections of 200 (docs/vendor/salesforce.md 3.2): bodies by field type, results by position.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ids::widen;
use super::refusal::{WireError, vendor_error};
use super::{SalesforceClient, data_path};
use crate::crm::http::Call;
use crate::crm::wire::{Malformed, from_json};
use crate::crm::{
    CrmError, ErrorClass, Purpose, WriteItem, WriteKind, WriteRequest, WriteResult, excerpt,
};
use crate::domain::{ErrorCategory, FieldType, ObjectSchema, RecordId, Side, Value, VendorError};

/// Records of one collections request.
pub(super) const BATCH: usize = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    all_or_none: bool,
    records: Vec<BTreeMap<String, Box<RawValue>>>,
}

/// One row of a collections answer.
#[derive(Clone, Debug, Deserialize)]
pub struct RowResult {
    #[serde(default)]
    pub(crate) id: Option<String>,
    pub(crate) success: bool,
    #[serde(default)]
    pub(crate) errors: Vec<WireError>,
    #[serde(default)]
    pub(crate) created: Option<bool>,
}

/// Reads a collections answer.
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_results(body: &[u8]) -> Result<Vec<RowResult>, Malformed> {
    from_json("write", body)
}

impl SalesforceClient {
    pub(super) async fn write_batch(
        &self,
        purpose: Purpose,
        request: &WriteRequest,
    ) -> Result<Vec<WriteResult>, CrmError> {
        let object = &request.object;
        let what = format!("write {object}");
        let fault = |class, message: String| CrmError::new(Side::Salesforce, &what, class, message);
        self.name(&what, object)?;
        if request.items.len() > BATCH {
            let message = format!(
                "{} records in a batch of at most {BATCH}",
                request.items.len()
            );
            return Err(fault(ErrorClass::Bug, message));
        }
        let (method, path) = match &request.kind {
            WriteKind::Delete => return self.delete(purpose, &what, &request.items).await,
            WriteKind::UpdateUnmodified { since } => {
                return self
                    .update_unmodified(purpose, object, *since, &request.items)
                    .await;
            }
            WriteKind::Upsert { key_field } => {
                self.name(&what, key_field)?;
                ("PATCH", format!("/composite/sobjects/{object}/{key_field}"))
            }
            WriteKind::Create => ("POST", "/composite/sobjects".to_owned()),
            WriteKind::Update => ("PATCH", "/composite/sobjects".to_owned()),
            WriteKind::Join { set } => return self.join(purpose, *set, &request.items).await,
            WriteKind::Part { set } => return self.part(purpose, *set, &request.items).await,
            WriteKind::Associate { to_object } | WriteKind::Dissociate { to_object } => {
                let message = format!(
                    "Salesforce has no association {object} to {to_object}: a reference is a field there; map the field"
                );
                return Err(fault(ErrorClass::Systemic, message));
            }
        };
        let schema = self.schema(object).await?;
        let mut records = Vec::new();
        let mut refused = BTreeMap::new();
        for (place, item) in request.items.iter().enumerate() {
            match record(&schema, object, &request.kind, item) {
                Ok(record) => records.push(record),
                Err(error) => {
                    refused.insert(place, WriteResult::Refused(error));
                }
            }
        }
        let sent: Vec<&WriteItem> = request
            .items
            .iter()
            .enumerate()
            .filter(|(place, _)| !refused.contains_key(place))
            .map(|(_, item)| item)
            .collect();
        let mut results = Vec::new();
        if !records.is_empty() {
            let body = Body {
                all_or_none: false,
                records,
            };
            let body = serde_json::to_vec(&body)
                .map_err(|error| fault(ErrorClass::Bug, error.to_string()))?;
            let mut call = Call::write(purpose, method, &what, data_path(&path), body);
            call.headers = vec![
                ("sforce-call-options".into(), "client=syncline".into()),
                ("sforce-auto-assign".into(), "FALSE".into()),
            ];
            let rows = self.http.fetch(&call, parse_results).await?;
            results = outcome(&request.kind, object, &sent, rows);
        }
        let mut results = results.into_iter();
        let merged = (0..request.items.len()).map(|place| {
            refused
                .remove(&place)
                .or_else(|| results.next())
                .unwrap_or_else(|| WriteResult::Unknown("no result came for this record".into()))
        });
        Ok(merged.collect())
    }

    /// Updates records one by one, each only where nobody has modified it since (docs/vendor/salesforce.md 3.6).
    async fn update_unmodified(
        &self,
        purpose: Purpose,
        object: &str,
        since: DateTime<Utc>,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let what = format!("write {object}");
        let fault =
            |message: String| CrmError::new(Side::Salesforce, &what, ErrorClass::Bug, message);
        let [item] = items else {
            return Err(fault(format!(
                "{} records in a conditional update",
                items.len()
            )));
        };
        let Some(id) = &item.id else {
            return Err(fault("a conditional update needs an id".into()));
        };
        let schema = self.schema(object).await?;
        let kind = WriteKind::UpdateUnmodified { since };
        let mut body = match record(&schema, object, &kind, item) {
            Ok(body) => body,
            Err(error) => return Ok(vec![WriteResult::Refused(error)]),
        };
        body.remove("attributes");
        let body = serde_json::to_vec(&body).map_err(|error| fault(error.to_string()))?;
        let path = data_path(&format!("/sobjects/{object}/{}", id.as_str()));
        let mut call = Call::write(purpose, "PATCH", &what, path, body);
        call.headers = vec![
            ("sforce-call-options".into(), "client=syncline".into()),
            ("sforce-auto-assign".into(), "FALSE".into()),
            (
                "if-unmodified-since".into(),
                since.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            ),
        ];
        match self.http.fetch(&call, |_| Ok(())).await {
            Ok(()) => Ok(vec![WriteResult::Done {
                id: id.clone(),
                created: false,
                stored: None,
            }]),
            // The call is the record: what refuses the one refuses the other.
            Err(CrmError {
                class: ErrorClass::Record,
                vendor: Some(vendor),
                ..
            }) => Ok(vec![WriteResult::Refused(vendor)]),
            Err(error) => Err(error),
        }
    }

    /// Moves records to the recycle bin (docs/vendor/salesforce.md 3.2); what lies in it already is done (4.1).
    pub(super) async fn delete(
        &self,
        purpose: Purpose,
        what: &str,
        items: &[WriteItem],
    ) -> Result<Vec<WriteResult>, CrmError> {
        let ids: Option<Vec<&str>> = items
            .iter()
            .map(|item| item.id.as_ref().map(RecordId::as_str))
            .collect();
        let ids = ids.ok_or_else(|| {
            let message = "a deletion needs an id";
            CrmError::new(Side::Salesforce, what, ErrorClass::Bug, message)
        })?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let path = format!("/composite/sobjects?ids={}&allOrNone=false", ids.join(","));
        let mut call = Call::write(purpose, "DELETE", what, data_path(&path), Vec::new());
        call.headers = vec![("sforce-call-options".into(), "client=syncline".into())];
        let rows = self.http.fetch(&call, parse_results).await?;
        let sent: Vec<&WriteItem> = items.iter().collect();
        let results = outcome(&WriteKind::Delete, "", &sent, rows);
        let gone = |(item, result): (&WriteItem, WriteResult)| match (result, &item.id) {
            (WriteResult::Refused(error), Some(id)) if error.code == "ENTITY_IS_DELETED" => {
                WriteResult::Done {
                    id: id.clone(),
                    created: false,
                    stored: None,
                }
            }
            (result, _) => result,
        };
        Ok(items.iter().zip(results).map(gone).collect())
    }
}

/// Results by position; all unknown where the counts differ (sync-semantics 17).
fn outcome(
    kind: &WriteKind,
    object: &str,
    sent: &[&WriteItem],
    rows: Vec<RowResult>,
) -> Vec<WriteResult> {
    if rows.len() != sent.len() {
        let words = format!("{} results came for {} records", rows.len(), sent.len());
        return sent
            .iter()
            .map(|_| WriteResult::Unknown(words.clone()))
            .collect();
    }
    rows.into_iter()
        .zip(sent)
        .map(|(row, item)| one(kind, object, item, row))
        .collect()
}

fn one(kind: &WriteKind, object: &str, item: &WriteItem, row: RowResult) -> WriteResult {
    if !row.success {
        let error = row.errors.first().cloned().unwrap_or_default();
        return WriteResult::Refused(vendor_error(0, &error, Some(object)).0);
    }
    let answered = row.id.as_deref().and_then(widen).map(RecordId);
    match answered.or_else(|| item.id.clone()) {
        Some(id) => WriteResult::Done {
            id,
            created: match kind {
                WriteKind::Create => true,
                WriteKind::Upsert { .. } => row.created.unwrap_or(false),
                _ => false,
            },
            stored: None,
        },
        None => WriteResult::Unknown("the answer names no record".into()),
    }
}

/// One record of the body.
fn record(
    schema: &ObjectSchema,
    object: &str,
    kind: &WriteKind,
    item: &WriteItem,
) -> Result<BTreeMap<String, Box<RawValue>>, VendorError> {
    let mut out = BTreeMap::new();
    out.insert(
        "attributes".to_owned(),
        raw(&serde_json::json!({"type": object}))?,
    );
    match kind {
        WriteKind::Upsert { key_field } => {
            let key = item.key.clone().map_or(Value::Null, Value::text);
            if !matches!(key, Value::Text(_)) {
                return Err(own_fault("an upsert needs a key", key_field));
            }
            out.insert(key_field.clone(), rendered(schema, key_field, &key)?);
        }
        WriteKind::Update => {
            let id = item
                .id
                .as_ref()
                .ok_or_else(|| own_fault("an update needs an id", "Id"))?;
            out.insert("id".to_owned(), raw(id.as_str())?);
        }
        _ => {}
    }
    for (field, value) in &item.fields {
        let is_key = matches!(kind, WriteKind::Upsert { key_field } if key_field == field);
        if value.is_known() && !is_key {
            out.insert(field.clone(), rendered(schema, field, value)?);
        }
    }
    Ok(out)
}

/// A value as the field's type wants it: numbers keep every digit, booleans are booleans, blanks are null.
fn rendered(
    schema: &ObjectSchema,
    field: &str,
    value: &Value,
) -> Result<Box<RawValue>, VendorError> {
    let kind = schema.fields.get(field).map(|field| field.kind);
    let Some(text) = value.as_text() else {
        // A checkbox cannot be null (3.1): blank is unticked.
        return match kind {
            Some(FieldType::Bool) => raw(&false),
            _ => raw(&()),
        };
    };
    match kind {
        Some(FieldType::Number | FieldType::Money | FieldType::Percent) => {
            number(text).ok_or_else(|| bad_value("a number", field, text))
        }
        Some(FieldType::Bool) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => raw(&true),
            "false" => raw(&false),
            _ => Err(bad_value("true or false", field, text)),
        },
        _ => raw(text),
    }
}

/// A JSON number with the digits of the text.
fn number(text: &str) -> Option<Box<RawValue>> {
    let text = text.trim();
    let plain = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if plain && serde_json::from_str::<serde_json::Number>(text).is_ok() {
        return RawValue::from_string(text.to_owned()).ok();
    }
    let decimal: rust_decimal::Decimal = text.parse().ok()?;
    RawValue::from_string(decimal.to_string()).ok()
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Result<Box<RawValue>, VendorError> {
    serde_json::value::to_raw_value(value).map_err(|error| own_fault(&error.to_string(), ""))
}

fn bad_value(expected: &str, field: &str, text: &str) -> VendorError {
    VendorError {
        status: 0,
        code: "NOT_SENT".into(),
        text: format!(
            "{field}: {expected} is expected, not \"{}\"; not sent",
            excerpt(text)
        ),
        request_id: None,
        fields: vec![field.to_owned()],
        category: ErrorCategory::Transform,
        holder: None,
    }
}

fn own_fault(words: &str, field: &str) -> VendorError {
    VendorError {
        category: ErrorCategory::Internal,
        text: format!("{words}; not sent"),
        ..bad_value("", field, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::salesforce::parse_describe;

    fn schema() -> ObjectSchema {
        parse_describe(
            br#"{"name":"Contact","fields":[{"name":"LastName","type":"string"},{"name":"Amount__c","type":"currency"},
            {"name":"Optin__c","type":"boolean"},{"name":"Key__c","type":"string"}]}"#,
        )
        .unwrap()
    }

    fn item(fields: &[(&str, Value)]) -> WriteItem {
        WriteItem {
            token: "t".into(),
            id: Some("003Wb00000Ab1cDIAR".into()),
            key: Some("42".into()),
            to: None,
            fields: fields
                .iter()
                .map(|(k, v)| ((*k).to_owned(), v.clone()))
                .collect(),
        }
    }

    fn body(kind: &WriteKind, item: &WriteItem) -> String {
        serde_json::to_string(&record(&schema(), "Contact", kind, item).unwrap()).unwrap()
    }

    #[test]
    fn values_are_rendered_by_the_fields_type_without_losing_a_digit() {
        let item = item(&[
            ("Amount__c", Value::text("1234567890123456.78")),
            ("Optin__c", Value::text("true")),
            ("LastName", Value::text("O'Neil \"x\"\n")),
            ("Skipped", Value::Unknown),
            ("Title", Value::Null),
        ]);
        let expected = r#"{"Amount__c":1234567890123456.78,"LastName":"O'Neil \"x\"\n","Optin__c":true,"Title":null,"attributes":{"type":"Contact"},"id":"003Wb00000Ab1cDIAR"}"#;
        assert_eq!(body(&WriteKind::Update, &item), expected);
        let upsert = WriteKind::Upsert {
            key_field: "Key__c".into(),
        };
        assert!(body(&upsert, &item).contains(r#""Key__c":"42""#));
        assert!(
            !body(&upsert, &item).contains(r#""id""#),
            "an upsert body holds no id (3.1)"
        );
    }

    #[test]
    fn what_is_no_number_or_no_truth_is_not_sent() {
        for (field, text) in [
            ("Amount__c", "ten"),
            ("Amount__c", "1,5"),
            ("Amount__c", "NaN"),
            ("Optin__c", "yes"),
        ] {
            let item = item(&[(field, Value::text(text))]);
            let error = record(&schema(), "Contact", &WriteKind::Update, &item).unwrap_err();
            assert_eq!(error.category, ErrorCategory::Transform, "{text}");
        }
        assert_eq!(number("007.50").unwrap().get(), "7.50");
        assert_eq!(number("1e3").unwrap().get(), "1e3");
    }

    #[test]
    fn a_blank_checkbox_is_unticked() {
        let item = item(&[("Optin__c", Value::Null)]);
        assert!(body(&WriteKind::Update, &item).contains(r#""Optin__c":false"#));
    }

    #[test]
    fn results_go_by_position_and_a_wrong_count_makes_all_unknown() {
        let items = [item(&[]), item(&[])];
        let sent: Vec<&WriteItem> = items.iter().collect();
        let upsert = WriteKind::Upsert {
            key_field: "Key__c".into(),
        };
        let body = br#"[{"id":"003Wb00000Ab1cD","success":true,"errors":[],"created":true},
            {"success":false,"errors":[{"statusCode":"STRING_TOO_LONG","message":"Title: data value too large","fields":["Title"]}]}]"#;
        let results = outcome(&upsert, "Contact", &sent, parse_results(body).unwrap());
        assert!(
            matches!(&results[0], WriteResult::Done { id, created: true, .. } if id.as_str() == "003Wb00000Ab1cDIAR")
        );
        assert!(
            matches!(&results[1], WriteResult::Refused(error) if error.category == ErrorCategory::TooLong && error.fields == ["Title"])
        );
        let short = outcome(
            &upsert,
            "Contact",
            &sent,
            parse_results(br#"[{"success":true,"id":"003Wb00000Ab1cD"}]"#).unwrap(),
        );
        assert!(
            short
                .iter()
                .all(|result| matches!(result, WriteResult::Unknown(_)))
        );
    }
}
