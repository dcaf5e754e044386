//! Reads Salesforce's refusals in all their shapes (docs/vendor/salesforce.md 4.1) and the use of the day from a header.

use serde::Deserialize;
use serde_json::Value as Json;

use super::ids::{id_after, widen};
use crate::crm::codes::{CodeRow, row_of};
use crate::crm::error::ErrorClass;
use crate::crm::excerpt::excerpt_of_bytes;
use crate::crm::http::Refusal;
use crate::crm::{HttpResponse, excerpt};
use crate::domain::{ErrorCategory, RecordId, Side, VendorError};

/// One error of a REST array (`errorCode`), a collections row (`statusCode`), or an OAuth object (`error`).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct WireError {
    #[serde(default, rename = "errorCode", alias = "statusCode", alias = "error")]
    pub(crate) code: Option<String>,
    #[serde(default, alias = "error_description")]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) fields: Option<Vec<String>>,
    #[serde(default, rename = "duplicateResut", alias = "duplicateResult")]
    pub(crate) duplicates: Option<Json>,
}

/// The first error of a refusing body, whatever its shape; `None` where it holds none (HTML, empty, a list of addresses).
pub fn parse_errors(body: &[u8]) -> Option<WireError> {
    match serde_json::from_slice::<Json>(body).ok()? {
        Json::Array(list) => list
            .into_iter()
            .find_map(|item| serde_json::from_value::<WireError>(item).ok()),
        object @ Json::Object(_) => {
            let error: WireError = serde_json::from_value(object).ok()?;
            (error.code.is_some() || error.message.is_some()).then_some(error)
        }
        _ => None,
    }
}

/// Our form of one error, with the table's row.
pub fn vendor_error(
    status: u16,
    error: &WireError,
    object: Option<&str>,
) -> (VendorError, &'static CodeRow) {
    let code = error.code.clone().unwrap_or_default();
    let text = error.message.clone().unwrap_or_default();
    let row = row_of(Side::Salesforce, status, &[&code], &text);
    let fields = error.fields.clone().unwrap_or_default();
    // Where a field is named it is not the record that is gone, but what the field refers to.
    let category = match row.category {
        ErrorCategory::Gone if !fields.is_empty() => ErrorCategory::Reference,
        category => category,
    };
    let vendor = VendorError {
        status,
        holder: holder(&code, &text, error.duplicates.as_ref(), object),
        code,
        text: excerpt(&text),
        request_id: None,
        fields,
        category,
    };
    (vendor, row)
}

/// The record that already has the value: named in the text, or the first match of a duplicate rule of the same object
/// (a match of another object is no holder we could link to).
fn holder(
    code: &str,
    text: &str,
    duplicates: Option<&Json>,
    object: Option<&str>,
) -> Option<RecordId> {
    if code == "DUPLICATE_VALUE" {
        return id_after(text, "record with id:").map(RecordId);
    }
    let results = duplicates?.get("matchResults")?.as_array()?;
    results
        .iter()
        .filter_map(|result| result.get("matchRecords")?.as_array())
        .flatten()
        .filter_map(|found| found.get("record"))
        .filter(|record| {
            let kind = record.pointer("/attributes/type").and_then(Json::as_str);
            object.is_none() || kind.is_none() || kind == object
        })
        .find_map(|record| widen(record.get("Id")?.as_str()?))
        .map(RecordId)
}

/// What a refusing answer means.
pub(crate) fn refusal(answer: &HttpResponse) -> Refusal {
    let status = answer.status;
    let error = parse_errors(&answer.body);
    let from_vendor = error.is_some() || status == 300;
    let error = error.unwrap_or_else(|| WireError {
        message: Some(excerpt_of_bytes(&answer.body)),
        ..WireError::default()
    });
    let (vendor, row) = vendor_error(status, &error, None);
    // Not every 401 is an expiry: these two would loop for ever (1.7).
    let unrenewable = [
        "not valid for use with the REST API",
        "not attached to Agent",
    ]
    .iter()
    .any(|words| vendor.text.contains(words));
    Refusal {
        class: row.class,
        next: row.next,
        // A 4xx of the service, or a 5xx whose code says that nothing was done; never an edge server's page.
        definite: from_vendor && (status < 500 || row.class != ErrorClass::Unknown),
        renewable: !unrenewable,
        wait: None,
        vendor,
    }
}

/// Used and limit of `Sforce-Limit-Info: api-usage=10018/100000; …` (2.1).
pub fn limit_info(header: &str) -> Option<(u64, u64)> {
    let start = header
        .match_indices("api-usage=")
        .find(|(at, _)| !header[..*at].ends_with("per-app-"))?
        .0;
    let pair = &header[start + "api-usage=".len()..];
    let (used, rest) = pair.split_once('/')?;
    let limit: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((used.trim().parse().ok()?, limit.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_expired_session_is_renewable_and_a_blocked_one_is_not() {
        let expired = refusal(&answer(
            401,
            r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
        ));
        assert!(expired.renewable && expired.class == ErrorClass::Auth);
        let blocked = refusal(&answer(
            401,
            r#"[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]"#,
        ));
        assert!(!blocked.renewable);
    }

    #[test]
    fn an_edge_page_proves_nothing_and_a_service_code_may() {
        let page = refusal(&answer(
            503,
            "<html><body><h1>Down for a minute</h1></body></html>",
        ));
        assert_eq!((page.class, page.definite), (ErrorClass::Unknown, false));
        assert_eq!(page.vendor.text, "Down for a minute");
        let closed = refusal(&answer(
            503,
            r#"[{"errorCode":"ORG_IN_MAINTENANCE","message":"try again"}]"#,
        ));
        assert_eq!(
            (closed.class, closed.definite),
            (ErrorClass::Transient, true)
        );
        for (status, code) in [(500, "UNKNOWN_EXCEPTION"), (503, "SERVER_UNAVAILABLE")] {
            let body = format!(r#"[{{"errorCode":"{code}","message":"An error occurred."}}]"#);
            let crash = refusal(&answer(status, &body));
            assert_eq!((crash.class, crash.definite), (ErrorClass::Unknown, false));
        }
    }

    #[test]
    fn the_holder_is_read_from_text_and_from_both_spellings() {
        let text = "duplicate value found: Syncline_HubSpot_Id__c duplicates value on record with id: 003Wb00000Ab1cD";
        let body = format!(r#"[{{"errorCode":"DUPLICATE_VALUE","message":"{text}","fields":[]}}]"#);
        let error = parse_errors(body.as_bytes()).unwrap();
        assert_eq!(
            vendor_error(400, &error, Some("Contact")).0.holder,
            Some("003Wb00000Ab1cDIAR".into())
        );
        for key in ["duplicateResut", "duplicateResult"] {
            let body = format!(
                r#"[{{"{key}":{{"matchResults":[{{"matchRecords":[
                {{"record":{{"attributes":{{"type":"Lead"}},"Id":"00QWb00000Lm2nOMAR"}}}},
                {{"record":{{"attributes":{{"type":"Contact"}},"Id":"003Wb00000Ab1cEIAR"}}}}]}}]}},
                "errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?"}}]"#
            );
            let error = parse_errors(body.as_bytes()).unwrap();
            assert_eq!(
                vendor_error(400, &error, Some("Contact")).0.holder,
                Some("003Wb00000Ab1cEIAR".into()),
                "{key}"
            );
        }
    }

    #[test]
    fn oauth_objects_and_hostile_bodies_are_read_without_a_panic() {
        let refused = refusal(&answer(
            400,
            r#"{"error":"invalid_grant","error_description":"authentication failure"}"#,
        ));
        assert_eq!(refused.class, ErrorClass::Auth);
        for body in [
            "",
            "null",
            "[]",
            "[1]",
            "{\"message\":7}",
            "\u{1b}[2J",
            "[[[[",
        ] {
            let _ = refusal(&answer(500, body));
        }
        let many = refusal(&answer(
            300,
            r#"["/services/data/v68.0/sobjects/Contact/003Wb00000Ab1cDIAR"]"#,
        ));
        assert_eq!(many.vendor.category, ErrorCategory::Duplicate);
    }

    #[test]
    fn a_row_that_refers_to_a_deleted_record_is_not_gone_itself() {
        let category = |fields: &str| {
            let body = format!(
                r#"[{{"statusCode":"ENTITY_IS_DELETED","message":"entity is deleted","fields":[{fields}]}}]"#
            );
            let error = parse_errors(body.as_bytes()).unwrap();
            vendor_error(0, &error, Some("Contact")).0.category
        };
        assert_eq!(category(""), ErrorCategory::Gone);
        assert_eq!(category(r#""AccountId""#), ErrorCategory::Reference);
    }

    #[test]
    fn the_limit_header_is_read_in_its_short_and_long_forms() {
        assert_eq!(limit_info("api-usage=18/5000"), Some((18, 5000)));
        assert_eq!(
            limit_info("api-usage=10018/100000; api-bursts=1/750"),
            Some((10018, 100_000))
        );
        assert_eq!(
            limit_info("per-app-api-usage=17/250(appName=x), api-usage=5/10;"),
            Some((5, 10))
        );
        assert_eq!(limit_info("api-usage=many/few"), None);
    }
}
