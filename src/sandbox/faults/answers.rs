//! What refusals look like on the wire: HubSpot (docs/vendor/hubspot.md 9.4, 10), Salesforce
//! (docs/vendor/salesforce.md 4.1, 4.2).

use serde_json::json;

use super::Fault;
use crate::sandbox::http::Response;
use crate::sandbox::side::Side;

/// The answer by which `side` tells of the fault; `None` for faults that are no answer of their own.
pub fn refusal(side: Side, fault: Fault, search: bool) -> Option<Response> {
    Some(match (side, fault) {
        (Side::HubSpot, Fault::Throttle { retry_after }) => {
            let (policy, text) = match search {
                true => ("SECONDLY", "secondly"),
                false => ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
            };
            let answer = hubspot_limit(policy, text);
            match retry_after {
                Some(seconds) => answer.with_header("Retry-After", seconds.to_string()),
                None => answer,
            }
        }
        (Side::HubSpot, Fault::DailyLimit) => hubspot_limit("DAILY", "daily"),
        (Side::Salesforce, Fault::Throttle { .. }) => salesforce(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        ),
        (Side::Salesforce, Fault::DailyLimit) => salesforce(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
        ),
        (
            _,
            Fault::ServerError {
                status, html: true, ..
            },
        ) => page(status),
        (Side::HubSpot, Fault::ServerError { status, .. }) => Response::json(
            status,
            &json!({
                "status": "error",
                "message": "internal error",
                "correlationId": CORRELATION,
            }),
        ),
        (Side::Salesforce, Fault::ServerError { status: 503, .. }) => salesforce(
            503,
            "SERVER_UNAVAILABLE",
            "Server is temporarily unavailable",
        ),
        (Side::Salesforce, Fault::ServerError { status, .. }) => salesforce(
            status,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (2)",
        ),
        (Side::HubSpot, Fault::Locked) => Response::json(
            423,
            &json!({
                "status": "error",
                "message": "The resource is temporarily locked.",
                "correlationId": CORRELATION,
            }),
        ),
        (Side::Salesforce, Fault::Locked) => salesforce(
            400,
            "UNABLE_TO_LOCK_ROW",
            "unable to obtain exclusive access to this record or 1 records: 001000000000001AAA",
        ),
        _ => return None,
    })
}

const CORRELATION: &str = "3f1a7c0e-5a0d-4e53-9c57-0d1b0f0a7e11";

fn hubspot_limit(policy: &str, text: &str) -> Response {
    Response::json(
        429,
        &json!({
            "status": "error",
            "message": format!("You have reached your {text} limit."),
            "errorType": "RATE_LIMIT",
            "correlationId": CORRELATION,
            "policyName": policy,
        }),
    )
}

fn salesforce(status: u16, code: &str, message: &str) -> Response {
    let error = json!([{"message": message, "errorCode": code}]);
    Response::json(status, &error)
}

/// An error page of the edge: HTML where a client hopes for JSON.
fn page(status: u16) -> Response {
    let title = match status {
        502 => "502 Bad Gateway",
        504 => "504 Gateway Time-out",
        _ => "503 Service Unavailable",
    };
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    );
    Response {
        status,
        headers: vec![("Content-Type".into(), "text/html".into())],
        body: body.into_bytes(),
    }
}
