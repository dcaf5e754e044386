//! Tokens, limits, locks.

use std::collections::BTreeSet;

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, noon};
use crate::sandbox::http::{Request, Vendor};
use crate::sandbox::hubspot::PortalSettings;

const LIST: &str = "/crm/objects/2026-09/contacts";

fn form(desk: &mut Desk, path: &str, pairs: &[(&str, &str)]) -> super::Got {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(pairs);
    let body = text.finish().into_bytes();
    desk.send("POST", path, body)
}

fn refresh(desk: &mut Desk, secret: &str) -> super::Got {
    let settings = desk.portal.settings().clone();
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", settings.client_id.as_str()),
        ("client_secret", secret),
        ("refresh_token", settings.refresh_token.as_str()),
    ];
    form(desk, "/oauth/2026-09/token", &pairs)
}

#[test]
fn no_token_and_an_unknown_one_answer_401() {
    let mut desk = Desk::new();
    let request = Request {
        method: "GET".into(),
        path: LIST.into(),
        ..Request::default()
    };
    let raw = desk.portal.handle(noon(), &request);
    assert_eq!(raw.status, 401);
    assert!(
        raw.headers
            .iter()
            .any(|(name, value)| name == "x-hubspot-auth-failure" && value == "401 Unauthorized")
    );
    let body: Value = serde_json::from_slice(&raw.body).unwrap();
    assert_eq!(body["category"], "INVALID_AUTHENTICATION");
    desk.token = "pat-na1-wrong".into();
    assert_eq!(desk.get(LIST).status, 401);
}

#[test]
fn an_oauth_token_lives_thirty_minutes() {
    let mut desk = Desk::new();
    let secret = desk.portal.settings().client_secret.clone();
    let got = refresh(&mut desk, &secret);
    assert_eq!((got.status, &got.body["expires_in"]), (200, &json!(1_800)));
    desk.token = got.body["access_token"].as_str().unwrap().to_owned();
    let got = desk.get(LIST);
    assert_eq!(got.status, 200);
    assert_eq!(got.header("X-HubSpot-RateLimit-Max"), Some("110"));
    assert_eq!(got.header("X-HubSpot-RateLimit-Daily"), None);
    desk.now += Duration::seconds(1_800);
    let got = desk.get(LIST);
    assert_eq!(
        (got.status, &got.body["category"]),
        (401, &json!("EXPIRED_AUTHENTICATION"))
    );
    assert!(got.body["context"]["expire time"][0].is_string());
    let got = refresh(&mut desk, &secret);
    desk.token = got.body["access_token"].as_str().unwrap().to_owned();
    desk.portal.expire_tokens(desk.now);
    assert_eq!(desk.get(LIST).body["category"], "EXPIRED_AUTHENTICATION");
}

#[test]
fn refused_refreshes_have_their_own_shape() {
    let mut desk = Desk::new();
    let got = refresh(&mut desk, "wrong");
    assert_eq!(
        (got.status, &got.body["status"]),
        (400, &json!("BAD_CLIENT_SECRET"))
    );
    desk.portal.refuse_refresh(true);
    let secret = desk.portal.settings().client_secret.clone();
    let got = refresh(&mut desk, &secret);
    assert_eq!(
        got.body,
        json!({"error": "invalid_grant", "error_description": "refresh token is invalid, expired or revoked",
               "status": "BAD_REFRESH_TOKEN", "message": "refresh token is invalid, expired or revoked"})
    );
}

#[test]
fn the_burst_limit_rolls_and_headers_count_down() {
    let mut desk = Desk::new();
    let got = desk.call_now("GET", LIST, Value::Null);
    assert_eq!(got.header("X-HubSpot-RateLimit-Remaining"), Some("189"));
    assert_eq!(
        got.header("X-HubSpot-RateLimit-Daily-Remaining"),
        Some("624999")
    );
    assert_eq!(
        got.header("X-HubSpot-RateLimit-Interval-Milliseconds"),
        Some("10000")
    );
    for _ in 0..189 {
        assert_eq!(desk.call_now("GET", LIST, Value::Null).status, 200);
    }
    let got = desk.call_now("GET", LIST, Value::Null);
    assert_eq!(got.status, 429);
    assert_eq!(got.body["errorType"], "RATE_LIMIT");
    assert_eq!(got.body["policyName"], "TEN_SECONDLY_ROLLING");
    assert_eq!(
        got.body["message"],
        "You have reached your ten_secondly_rolling limit."
    );
    assert_eq!(got.header("retry-after"), None);
    desk.now += Duration::seconds(10);
    assert_eq!(desk.call_now("GET", LIST, Value::Null).status, 200);
    assert_eq!(desk.portal.total_calls(), 192);
    assert_eq!(
        desk.portal.calls()["GET /crm/objects/2026-09/contacts"],
        192
    );
}

#[test]
fn the_daily_limit_ends_at_the_portals_midnight() {
    let mut desk = Desk::with(PortalSettings {
        daily_limit: 2,
        ..PortalSettings::default()
    });
    assert_eq!(desk.get(LIST).status, 200);
    assert_eq!(desk.get(LIST).status, 200);
    let got = desk.get(LIST);
    assert_eq!(
        (got.status, &got.body["policyName"]),
        (429, &json!("DAILY"))
    );
    desk.now += Duration::hours(11);
    assert_eq!(desk.get(LIST).status, 429, "23:00 in the portal");
    desk.now += Duration::hours(1);
    assert_eq!(desk.get(LIST).status, 200);
}

#[test]
fn associations_have_their_own_burst_limit() {
    let mut desk = Desk::new();
    let path = "/crm/associations/2026-09/contacts/companies/batch/read";
    for _ in 0..150 {
        assert_eq!(
            desk.call_now("POST", path, json!({"inputs": [{"id": "1"}]}))
                .status,
            207
        );
    }
    assert_eq!(
        desk.call_now("POST", path, json!({"inputs": [{"id": "1"}]}))
            .status,
        429
    );
    assert_eq!(desk.call_now("GET", LIST, Value::Null).status, 200);
}

#[test]
fn a_missing_scope_answers_403_for_that_object_only() {
    let mut desk = Desk::new();
    desk.portal.set_scopes(Some(BTreeSet::from([
        "crm.objects.companies.read".to_owned()
    ])));
    let got = desk.get(LIST);
    assert_eq!(
        (got.status, &got.body["category"]),
        (403, &json!("MISSING_SCOPES"))
    );
    let needed = &got.body["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!(needed, &json!(["crm.objects.contacts.read"]));
    assert_eq!(desk.get("/crm/objects/2026-09/companies").status, 200);
    assert_eq!(
        desk.post("/crm/objects/2026-09/companies", json!({}))
            .status,
        403
    );
}

#[test]
fn a_lock_stops_writes_and_a_migration_everything() {
    let mut desk = Desk::new();
    desk.portal.lock(desk.now + Duration::seconds(2));
    let body = json!({"properties": {"lastname": "L"}});
    assert_eq!(desk.post(LIST, body.clone()).status, 423);
    assert_eq!(desk.call_now("GET", LIST, Value::Null).status, 200);
    assert_eq!(desk.post(LIST, body).status, 201);
    desk.portal.migrate(desk.now + Duration::seconds(61));
    let got = desk.get(LIST);
    assert_eq!((got.status, got.header("retry-after")), (477, Some("60")));
    desk.now += Duration::seconds(61);
    assert_eq!(desk.get(LIST).status, 200);
}
