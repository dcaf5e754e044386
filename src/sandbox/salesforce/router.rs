//! Every request's way in: counting, size, version, token, allowance, then the resource.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::sandbox::http::{Request, Response};

use super::errors::Fault;
use super::rows::Call;
use super::{Org, VERSION};

/// The longest URI in bytes (docs/vendor/salesforce.md 5).
const MAX_URI: usize = 16_384;

/// Length of a text once percent-encoded.
fn encoded(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => 1,
            b'-' | b'_' | b'.' | b'~' | b'/' | b' ' | b'*' => 1,
            _ => 3,
        })
        .sum()
}

fn uri_length(request: &Request) -> usize {
    let query: usize = request
        .query
        .iter()
        .map(|(name, value)| encoded(name) + encoded(value) + 2)
        .sum();
    encoded(&request.path) + query
}

/// `v68.0` as 68.
fn version_of(segment: &str) -> Option<u32> {
    let (major, minor) = segment.strip_prefix('v')?.split_once('.')?;
    major.parse().ok().filter(|_| minor == "0")
}

fn release(version: u32) -> String {
    let season = ["Spring", "Summer", "Winter"][(version % 3) as usize];
    let year = 2004 + version / 3 + u32::from(version % 3 == 2);
    format!("{season} '{:02}", year % 100)
}

impl Org {
    /// Answers any request.
    pub(super) fn answer(&mut self, now: DateTime<Utc>, request: &Request) -> Response {
        self.tally.count(request);
        let response = self.route(now, request);
        let spent = response.status == 403
            && response
                .body
                .windows(22)
                .any(|part| part == b"REQUEST_LIMIT_EXCEEDED");
        if spent || matches!(response.status, 401 | 410 | 414) {
            self.tally.reject(response.status);
        }
        let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.with_header("Date", date)
    }

    fn route(&mut self, now: DateTime<Utc>, request: &Request) -> Response {
        if uri_length(request) > MAX_URI {
            return Fault::new("URI_TOO_LONG", "The URI is longer than 16,384 bytes").response();
        }
        match request.segments().as_slice() {
            ["services", "oauth2", what] => self.oauth(now, request, what),
            ["id", _, _] => self.identity(now, request),
            ["services", "data"] => self.versions(),
            ["services", "data", version, ..] => {
                if version_of(version).is_none() {
                    return Fault::not_found().response();
                }
                let allowed = self
                    .check_token(now, request)
                    .and_then(|()| self.spend(now));
                let response = match allowed {
                    Ok(()) => self.rest(now, request),
                    Err(fault) => fault.response(),
                };
                if response.status == 401 {
                    return response;
                }
                let info = self.limit_info(now);
                response.with_header("Sforce-Limit-Info", info)
            }
            _ => Fault::not_found().response(),
        }
    }

    fn versions(&self) -> Response {
        let all: Vec<_> = (31..=VERSION)
            .filter(|version| !self.settings.retired_versions.contains(version))
            .map(|version| {
                json!({
                    "label": release(version), "url": format!("/services/data/v{version}.0"),
                    "version": format!("{version}.0"),
                })
            })
            .collect();
        Response::json(200, &json!(all))
    }

    /// Everything under `/services/data/vXX.0`, already authorised.
    pub(super) fn rest(&mut self, now: DateTime<Utc>, request: &Request) -> Response {
        let mut request = std::borrow::Cow::Borrowed(request);
        if let Some(method) = request
            .param("_HttpMethod")
            .filter(|_| request.method == "POST")
        {
            let method = method.to_ascii_uppercase();
            request.to_mut().method = method;
        }
        let segments = request.segments();
        let version = segments.get(2).and_then(|segment| version_of(segment));
        let (["services", "data", _, rest @ ..], Some(version)) = (segments.as_slice(), version)
        else {
            return Fault::not_found().response();
        };
        if self.settings.retired_versions.contains(&version) {
            let what =
                format!("The requested API version v{version}.0 is retired: use v{VERSION}.0");
            return Fault::new("UNSUPPORTED_API_VERSION", what).response();
        }
        let call = Call {
            now,
            version,
            request: &request,
        };
        match self.resource(call, rest) {
            Ok(response) => response,
            Err(fault) if fault.status == 412 && !self.settings.precondition_body => {
                Response::empty(412)
            }
            Err(fault) => fault.response(),
        }
    }

    fn resource(&mut self, call: Call<'_>, rest: &[&str]) -> Result<Response, Fault> {
        let method = call.request.method.as_str();
        match (method, rest) {
            ("GET", []) => Ok(Response::json(200, &self.resources(call.version))),
            ("GET", ["limits"]) => Ok(self.limits(call.now)),
            ("GET", ["limits", "recordCount"]) => Ok(self.record_count(call.request)),
            ("GET", ["sobjects"]) => Ok(Response::json(200, &self.describe_global(call.version))),
            (_, ["sobjects", object, rest @ ..]) => self.sobject(call, object, rest),
            ("GET", ["query"]) => self.query(call.now, call.version, false, call.request),
            ("GET", ["queryAll"]) => self.query(call.now, call.version, true, call.request),
            ("GET", ["query" | "queryAll", locator]) => {
                self.query_more(call.now, call.version, locator)
            }
            ("POST", ["composite"]) => self.composite(call),
            ("POST", ["composite", "batch"]) => self.batch(call),
            (_, ["composite", "sobjects", rest @ ..]) => self.collections(call, rest),
            (
                _,
                [
                    "sobjects" | "limits" | "query" | "queryAll" | "composite",
                    ..,
                ],
            ) => {
                let what = format!("HTTP Method '{method}' not allowed here");
                Err(Fault::new("METHOD_NOT_ALLOWED", what))
            }
            _ => Err(Fault::not_found()),
        }
    }
}
