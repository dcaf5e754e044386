//! The answer of a composite request with one request in it (docs/vendor/salesforce.md 3.3).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::crm::HttpResponse;
use crate::crm::wire::{Malformed, from_json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    composite_response: Vec<WireAnswer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAnswer {
    body: Box<RawValue>,
    http_status_code: u16,
}

/// Reads every inner answer, in order.
///
/// # Errors
/// [`Malformed`] where the body is no composite answer.
pub fn parse_composite(body: &[u8]) -> Result<Vec<HttpResponse>, Malformed> {
    let wire: Wire = from_json("composite", body)?;
    let answers = wire
        .composite_response
        .into_iter()
        .map(|answer| HttpResponse {
            status: answer.http_status_code,
            headers: Vec::new(),
            body: answer.body.get().as_bytes().to_vec(),
        });
    Ok(answers.collect())
}

/// The inner answer where one was asked for.
pub(super) fn only(body: &[u8]) -> Result<HttpResponse, Malformed> {
    let mut answers = parse_composite(body)?;
    match (answers.pop(), answers.is_empty()) {
        (Some(answer), true) => Ok(answer),
        _ => Err(Malformed::new("composite", "one answer is expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inner_answer_keeps_its_status_and_body() {
        let body = br#"{"compositeResponse":[{"body":[{"errorCode":"INVALID_TYPE","message":"x"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"q"}]}"#;
        let answer = only(body).unwrap();
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.body,
            br#"[{"errorCode":"INVALID_TYPE","message":"x"}]"#
        );
        assert!(only(br#"{"compositeResponse":[]}"#).is_err());
    }
}
