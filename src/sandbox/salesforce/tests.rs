//! Contract tests: every endpoint in process at fixed moments, by what a caller sees.

mod auth;
mod collections;
mod composite;
mod describe;
mod hostile;
mod leads;
mod people;
mod query;
mod relations;
mod replication;
mod rows;
mod upsert;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone, Utc};
use serde_json::{Value, json};

use super::*;
use crate::sandbox::history::Values;

/// The moment most tests happen at, with a fraction that stamps must lose.
pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 9, 15, 2).unwrap() + Duration::milliseconds(430)
}

pub fn later(seconds: i64) -> DateTime<Utc> {
    now() + Duration::seconds(seconds)
}

pub fn org() -> Org {
    Org::new(OrgSettings::default())
}

pub fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                (*name).to_owned(),
                Some((*value).to_owned()).filter(|text| !text.is_empty()),
            )
        })
        .collect()
}

/// A contact made at `now`, one second later for each `n`.
pub fn contact(org: &mut Org, n: i64, pairs: &[(&str, &str)]) -> String {
    org.seed("Contact", vec![(later(n), Author::World, values(pairs))])
}

/// A request as the listener would hand it over: path and query decoded.
pub fn request(method: &str, url: &str, body: Option<Value>) -> Request {
    let parsed = url::Url::parse(&format!("http://sandbox{url}")).unwrap();
    let mut headers = vec![(
        "authorization".to_owned(),
        format!("Bearer {}", OrgSettings::default().access_token),
    )];
    if body.is_some() {
        headers.push(("content-type".into(), "application/json".into()));
    }
    let path: Vec<String> = parsed
        .path()
        .split('/')
        .map(|part| {
            url::form_urlencoded::parse(format!("v={}", part.replace('+', "%2B")).as_bytes())
                .next()
                .unwrap()
                .1
                .into_owned()
        })
        .collect();
    Request {
        method: method.into(),
        path: path.join("/"),
        query: parsed.query_pairs().into_owned().collect(),
        headers,
        body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
    }
}

pub fn json_of(response: &Response) -> Value {
    if response.body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(&response.body).unwrap()
}

/// One call below `/services/data/v68.0` at `at`.
pub fn call_at(
    org: &mut Org,
    at: DateTime<Utc>,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let request = request(method, &format!("/services/data/v68.0{path}"), body);
    let response = org.handle(at, &request);
    (response.status, json_of(&response))
}

pub fn call(org: &mut Org, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    call_at(org, now(), method, path, body)
}

pub fn get(org: &mut Org, path: &str) -> (u16, Value) {
    call(org, "GET", path, None)
}

pub fn post(org: &mut Org, path: &str, body: Value) -> (u16, Value) {
    call(org, "POST", path, Some(body))
}

pub fn patch(org: &mut Org, path: &str, body: Value) -> (u16, Value) {
    call(org, "PATCH", path, Some(body))
}

/// A query's answer.
pub fn soql(org: &mut Org, text: &str) -> (u16, Value) {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("q", text)
        .finish();
    get(org, &format!("/query?{query}"))
}

/// The values of one field over a query's records.
pub fn column(answer: &Value, field: &str) -> Vec<Value> {
    answer["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record[field].clone())
        .collect()
}

/// The error code of a refusal.
pub fn code(answer: &(u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1[0]["errorCode"]
            .as_str()
            .unwrap_or("none")
            .to_owned(),
    )
}

#[test]
fn a_header_names_the_use_of_the_daily_allowance_and_versions_cost_nothing() {
    let mut org = org();
    let versions = org.handle(now(), &request("GET", "/services/data", None));
    let list = json_of(&versions);
    assert_eq!(
        list.as_array().unwrap().last().unwrap()["label"],
        "Winter '27"
    );
    assert_eq!(list.as_array().unwrap().last().unwrap()["version"], "68.0");
    assert!(
        !versions
            .headers
            .iter()
            .any(|(name, _)| name == "Sforce-Limit-Info")
    );
    let answer = org.handle(now(), &request("GET", "/services/data/v59.0/limits", None));
    let info = answer
        .headers
        .iter()
        .find(|(name, _)| name == "Sforce-Limit-Info")
        .unwrap();
    assert_eq!(info.1, "api-usage=1/100000");
    assert_eq!(
        json_of(&answer)["DailyApiRequests"],
        json!({"Max": 100_000, "Remaining": 99_999})
    );
}

#[test]
fn the_allowance_rolls_over_24_hours_and_refused_calls_are_not_counted() {
    let mut org = Org::new(OrgSettings {
        daily_limit: 2,
        ..OrgSettings::default()
    });
    assert_eq!(get(&mut org, "/sobjects").0, 200);
    assert_eq!(get(&mut org, "/sobjects").0, 200);
    for _ in 0..3 {
        let refused = get(&mut org, "/sobjects");
        assert_eq!(code(&refused), (403, "REQUEST_LIMIT_EXCEEDED".into()));
    }
    let next_day = now() + Duration::hours(24) + Duration::minutes(1);
    assert_eq!(call_at(&mut org, next_day, "GET", "/sobjects", None).0, 200);
    assert_eq!(org.rejected(), &BTreeMap::from([(403, 3)]));
    assert_eq!(org.total_calls(), 6);
}

#[test]
fn unknown_places_methods_versions_and_bodies_are_refused_in_the_vendors_way() {
    let mut org = org();
    assert_eq!(code(&get(&mut org, "/nothing")), (404, "NOT_FOUND".into()));
    assert_eq!(
        code(&get(&mut org, "/sobjects/Nothing")),
        (404, "NOT_FOUND".into())
    );
    assert_eq!(
        code(&call(&mut org, "PUT", "/sobjects/Contact", None)),
        (405, "METHOD_NOT_ALLOWED".into())
    );
    for hostile in ["", "<html>", "[1]", "\u{0}"] {
        let mut sent = request("POST", "/services/data/v68.0/sobjects/Contact", None);
        sent.body = hostile.as_bytes().to_vec();
        assert_eq!(org.handle(now(), &sent).status, 400, "{hostile:?}");
    }
    let mut form = request("POST", "/services/data/v68.0/sobjects/Contact", None);
    form.headers.push((
        "content-type".into(),
        "application/x-www-form-urlencoded".into(),
    ));
    assert_eq!(org.handle(now(), &form).status, 415);
    let mut retired = Org::new(OrgSettings {
        retired_versions: [68].into(),
        ..OrgSettings::default()
    });
    assert_eq!(
        code(&get(&mut retired, "/limits")),
        (410, "UNSUPPORTED_API_VERSION".into())
    );
    let long = format!("/query?q={}", "x".repeat(17_000));
    assert_eq!(get(&mut org, &long).0, 414);
}

#[test]
fn two_orgs_with_the_same_story_answer_with_the_same_bytes() {
    let story = || {
        let mut org = org();
        contact(&mut org, 0, &[("LastName", "Diaz")]);
        let made = request(
            "POST",
            "/services/data/v68.0/sobjects/Contact",
            Some(json!({"LastName": "Roe"})),
        );
        let first = org.handle(now(), &made);
        let list = request(
            "GET",
            "/services/data/v68.0/query?q=SELECT+FIELDS(STANDARD)+FROM+Contact",
            None,
        );
        (first, org.handle(later(5), &list))
    };
    assert_eq!(story(), story());
}
