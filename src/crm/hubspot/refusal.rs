//! Reads HubSpot's refusals: the body whose fields are all optional, the JSON list inside a message, the holder of a taken
//! value (docs/vendor/hubspot.md 3.28, 5.13, 10).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::crm::codes::{CodeRow, row_of};
use crate::crm::error::ErrorClass;
use crate::crm::excerpt::excerpt_of_bytes;
use crate::crm::http::Refusal;
use crate::crm::{HttpResponse, excerpt};
use crate::domain::{RecordId, Side, VendorError};

/// An error body, or one entry of a batch's `errors`. Every field is optional (10).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireError {
    pub(crate) status: Option<Json>,
    pub(crate) message: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_type: Option<String>,
    pub(crate) policy_name: Option<String>,
    pub(crate) sub_category: Option<Json>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) error_description: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) context: BTreeMap<String, Json>,
    pub(crate) errors: Vec<WireError>,
    pub(crate) validation_results: Vec<WireError>,
}

impl WireError {
    /// The texts of a context entry, which is a list, or a single value.
    pub(crate) fn context_texts(&self, key: &str) -> Vec<String> {
        let text = |json: &Json| match json {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match self.context.get(key) {
            Some(Json::Array(list)) => list.iter().filter_map(text).collect(),
            Some(one) => text(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Inner errors: `errors`, `validationResults`, or the JSON list inside an older message.
    fn details(&self) -> Vec<WireError> {
        if !self.errors.is_empty() {
            return self.errors.clone();
        }
        if !self.validation_results.is_empty() {
            return self.validation_results.clone();
        }
        let list = self
            .message
            .as_deref()
            .and_then(|text| text.split_once("Property values were not valid: "))
            .map(|(_, list)| list);
        list.and_then(|list| serde_json::from_str(list.trim()).ok())
            .unwrap_or_default()
    }

    /// Every code that names the trouble, the most special first.
    fn codes(&self, details: &[WireError]) -> Vec<String> {
        let sub = |error: &WireError| match &error.sub_category {
            Some(Json::String(text)) => Some(text.clone()),
            _ => None,
        };
        let status = |error: &WireError| match &error.status {
            Some(Json::String(text)) if text != "error" => Some(text.clone()),
            _ => None,
        };
        let own = |error: &WireError| {
            [
                error.code.clone(),
                error.policy_name.clone(),
                error.error.clone(),
                sub(error),
                status(error),
                error.category.clone(),
                error.error_type.clone(),
            ]
        };
        let all = details.iter().flat_map(own).chain(own(self)).flatten();
        all.filter(|code| !code.is_empty()).collect()
    }
}

/// Reads a refusing body; `None` where it is no error object (HTML, empty, a list).
pub fn parse_error(body: &[u8]) -> Option<WireError> {
    let json: Json = serde_json::from_slice(body).ok()?;
    if !json.is_object() {
        return None;
    }
    serde_json::from_value(json).ok()
}

/// Our form of a refusal, with the table's row.
pub fn vendor_error(status: u16, error: &WireError) -> (VendorError, &'static CodeRow) {
    let details = error.details();
    let codes = error.codes(&details);
    let refs: Vec<&str> = codes.iter().map(String::as_str).collect();
    let own_text = error
        .message
        .clone()
        .or_else(|| error.error_description.clone())
        .unwrap_or_default();
    let detail_texts: Vec<String> = details
        .iter()
        .filter_map(|one| one.message.clone())
        .collect();
    let all_text = format!("{own_text} {}", detail_texts.join(" "));
    let row = row_of(Side::HubSpot, status, &refs, &all_text);
    let mut fields: Vec<String> = details
        .iter()
        .flat_map(|one| {
            let named = one.context_texts("propertyName");
            named.into_iter().chain(one.name.clone())
        })
        .chain(error.context_texts("propertyName"))
        .collect();
    fields.sort_unstable();
    fields.dedup();
    let text = if detail_texts.is_empty() {
        own_text.clone()
    } else {
        detail_texts.join("; ")
    };
    let code = refs
        .iter()
        .find(|code| **code == row.code)
        .or(refs.first())
        .map(|code| (*code).to_owned())
        .unwrap_or_default();
    let vendor = VendorError {
        status,
        code,
        text: excerpt(&text),
        request_id: error.correlation_id.clone().or(error.request_id.clone()),
        fields,
        category: row.category,
        holder: holder(error, &all_text),
    };
    (vendor, row)
}

/// The record that already holds a unique value: named by the context, after "Existing ID:", or before "already has that
/// value" (the number before that is a record in the making, 3.28).
fn holder(error: &WireError, text: &str) -> Option<RecordId> {
    let digits = |text: &str| {
        let id: String = text
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        (!id.is_empty()).then_some(RecordId(id))
    };
    if let Some(id) = error.context_texts("existingId").first() {
        return digits(id);
    }
    if let Some((_, rest)) = text.split_once("Existing ID:") {
        return digits(rest);
    }
    let (before, _) = text.split_once(" already has that value")?;
    digits(before.rsplit([' ', '.']).next()?)
}

/// What a refusing answer means.
pub(crate) fn refusal(answer: &HttpResponse) -> Refusal {
    let status = answer.status;
    let parsed = parse_error(&answer.body);
    let from_vendor = parsed.is_some();
    let error = parsed.unwrap_or_else(|| WireError {
        message: Some(excerpt_of_bytes(&answer.body)),
        ..WireError::default()
    });
    let (mut vendor, row) = vendor_error(status, &error);
    if vendor.request_id.is_none() {
        vendor.request_id = answer
            .header("x-hubspot-correlation-id")
            .or(answer.header("x-request-id"))
            .map(excerpt);
    }
    // Special statuses of the service itself are definite with or without a body; 503 only with HubSpot's own (an edge
    // server may give up on a request that goes on inside).
    let definite = match status {
        423 | 429 | 477 => true,
        503 => from_vendor,
        status => status < 500,
    };
    let seconds = match (status, vendor.code.as_str()) {
        (429, "SECONDLY") => Some(1),
        (429, _) if row.class == ErrorClass::Throttled => Some(10),
        (423, _) => Some(2),
        _ => None,
    };
    Refusal {
        class: row.class,
        next: row.next,
        definite,
        renewable: true,
        wait: seconds.map(Duration::from_secs),
        vendor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ErrorCategory;

    fn read(status: u16, body: &str) -> Refusal {
        refusal(&HttpResponse {
            status,
            headers: vec![("x-hubspot-correlation-id".into(), "corr-h".into())],
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn all_troubles_of_a_record_are_told_with_their_fields() {
        let body = r#"{"status":"error","message":"Property values were not valid: [..]","correlationId":"corr-1",
          "errors":[{"message":"Email address x is invalid","code":"INVALID_EMAIL","context":{"propertyName":["email"]}},
                    {"message":"y was not one of the allowed options: [A]","code":"INVALID_OPTION","context":{"propertyName":["industry"]}}],
          "category":"VALIDATION_ERROR"}"#;
        let refused = read(400, body).vendor;
        assert_eq!(refused.fields, ["email", "industry"]);
        assert_eq!(refused.request_id.as_deref(), Some("corr-1"));
        assert!(
            refused.text.contains("is invalid; y was not"),
            "{}",
            refused.text
        );
        assert_eq!(refused.category, ErrorCategory::Picklist);
    }

    #[test]
    fn an_older_body_hides_the_list_in_its_message() {
        let body = r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"abc\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"abc\"}]","category":"VALIDATION_ERROR"}"#;
        let refused = read(400, body);
        assert_eq!(refused.vendor.code, "PROPERTY_DOESNT_EXIST");
        assert_eq!(refused.vendor.fields, ["abc"]);
        assert_eq!(refused.class, ErrorClass::Systemic);
        assert_eq!(refused.vendor.request_id.as_deref(), Some("corr-h"));
    }

    #[test]
    fn the_holder_of_a_taken_value_is_named() {
        let table = [
            (
                r#"{"message":"Contact already exists. Existing ID: 37765128953","category":"CONFLICT"}"#,
                Some("37765128953"),
            ),
            (
                r#"{"message":"Contact already exists.","category":"CONFLICT","context":{"existingId":["77"]}}"#,
                Some("77"),
            ),
            (
                r#"{"message":"Cannot set PropertyValueCoordinates{portalId=449, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email, value=x.1@y.co} on 552148386511. 552239500007 already has that value.","category":"VALIDATION_ERROR"}"#,
                Some("552239500007"),
            ),
            (
                r#"{"message":"Contact already exists","category":"CONFLICT"}"#,
                None,
            ),
        ];
        for (body, holder) in table {
            let refused = read(409, body).vendor;
            assert_eq!(refused.category, ErrorCategory::Duplicate, "{body}");
            assert_eq!(
                refused.holder.as_ref().map(RecordId::as_str),
                holder,
                "{body}"
            );
        }
    }

    #[test]
    fn waits_follow_the_policy_and_daily_is_the_budget() {
        let body = |policy: &str| {
            format!(
                r#"{{"status":"error","message":"limit","errorType":"RATE_LIMIT","policyName":"{policy}"}}"#
            )
        };
        assert_eq!(
            read(429, &body("SECONDLY")).wait,
            Some(Duration::from_secs(1))
        );
        assert_eq!(
            read(429, &body("TEN_SECONDLY_ROLLING")).wait,
            Some(Duration::from_secs(10))
        );
        assert_eq!(read(429, &body("DAILY")).class, ErrorClass::Budget);
        assert_eq!(read(429, "").class, ErrorClass::Throttled);
    }

    #[test]
    fn an_edge_page_proves_nothing() {
        let page = read(
            502,
            "<html><head><title>502</title></head><body>bad gateway\u{1b}[0m</body></html>",
        );
        assert_eq!((page.class, page.definite), (ErrorClass::Unknown, false));
        assert_eq!(page.vendor.text, "502 bad gateway [0m");
        assert!(!read(503, "<html></html>").definite);
        assert!(
            read(
                503,
                r#"{"status":"error","message":"temporarily unavailable"}"#
            )
            .definite
        );
        for body in [
            "",
            "[]",
            "null",
            "{\"errors\":7}",
            "{\"context\":[]}",
            "{\"message\":{}}",
        ] {
            let _ = read(400, body);
        }
    }
}
