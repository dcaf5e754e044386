//! Tokens, identity and user information.

use super::*;
use base64::Engine;

fn token(org: &mut Org, body: &str, basic: Option<&str>) -> (u16, Value) {
    let mut sent = Request {
        method: "POST".into(),
        path: "/services/oauth2/token".into(),
        body: body.as_bytes().to_vec(),
        ..Request::default()
    };
    if let Some(pair) = basic {
        let coded = base64::engine::general_purpose::STANDARD.encode(pair);
        sent.headers
            .push(("authorization".into(), format!("Basic {coded}")));
    }
    let answer = org.handle(now(), &sent);
    (answer.status, json_of(&answer))
}

fn limits_with(org: &mut Org, at: DateTime<Utc>, token: &str) -> (u16, Value) {
    let mut sent = request("GET", "/services/data/v68.0/limits", None);
    sent.headers = vec![("authorization".into(), format!("Bearer {token}"))];
    let answer = org.handle(at, &sent);
    (answer.status, json_of(&answer))
}

fn credentials() -> (String, String) {
    let settings = OrgSettings::default();
    (settings.client_id, settings.client_secret)
}

#[test]
fn client_credentials_work_as_form_fields_and_as_basic() {
    let mut org = org();
    org.set_url("http://127.0.0.1:40001");
    let (key, secret) = credentials();
    let form = format!("grant_type=client_credentials&client_id={key}&client_secret={secret}");
    let (status, first) = token(&mut org, &form, None);
    assert_eq!(status, 200);
    assert_eq!(first["instance_url"], "http://127.0.0.1:40001");
    assert_eq!(first["token_type"], "Bearer");
    assert_eq!(first["issued_at"], now().timestamp_millis().to_string());
    assert!(first.get("expires_in").is_none() && first.get("refresh_token").is_none());
    assert!(
        first["id"]
            .as_str()
            .unwrap()
            .ends_with(org.integration_user())
    );
    let (status, second) = token(
        &mut org,
        "grant_type=client_credentials",
        Some(&format!("{key}:{secret}")),
    );
    assert_eq!(status, 200);
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(
        limits_with(&mut org, now(), second["access_token"].as_str().unwrap()).0,
        200
    );
}

#[test]
fn every_wrong_credential_gets_its_own_oauth_error() {
    let mut org = org();
    let (key, secret) = credentials();
    for (form, error, description) in [
        (
            "grant_type=password&username=a&password=b".to_owned(),
            "invalid_grant",
            "authentication failure",
        ),
        (
            "grant_type=client_credentials&client_id=x&client_secret=y".into(),
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            format!("grant_type=client_credentials&client_id={key}&client_secret=y"),
            "invalid_client",
            "invalid client credentials",
        ),
        (
            format!(
                "grant_type=refresh_token&refresh_token=old&client_id={key}&client_secret={secret}"
            ),
            "invalid_grant",
            "expired access/refresh token",
        ),
        (
            "grant_type=magic".into(),
            "unsupported_grant_type",
            "grant type not supported",
        ),
    ] {
        let (status, answer) = token(&mut org, &form, None);
        assert_eq!(
            (status, &answer["error"], &answer["error_description"]),
            (400, &json!(error), &json!(description))
        );
    }
}

#[test]
fn tokens_end_by_time_and_by_force_while_the_fixed_one_stays() {
    let mut org = org();
    let (key, secret) = credentials();
    let form = format!("grant_type=client_credentials&client_id={key}&client_secret={secret}");
    let issued = token(&mut org, &form, None).1["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(limits_with(&mut org, later(7199), &issued).0, 200);
    let expired = limits_with(&mut org, later(7200), &issued);
    assert_eq!(
        expired,
        (
            401,
            json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
        )
    );
    let issued = token(&mut org, &form, None).1["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    org.expire_tokens();
    assert_eq!(limits_with(&mut org, later(1), &issued).0, 401);
    assert_eq!(
        limits_with(&mut org, later(1), &OrgSettings::default().access_token).0,
        200
    );
    assert_eq!(org.rejected()[&401], 2);
}

#[test]
fn a_refresh_can_rotate_its_token() {
    let mut org = Org::new(OrgSettings {
        rotate_refresh_token: true,
        ..OrgSettings::default()
    });
    let (key, secret) = credentials();
    let old = OrgSettings::default().refresh_token;
    let form = |refresh: &str| {
        format!(
            "grant_type=refresh_token&refresh_token={refresh}&client_id={key}&client_secret={secret}"
        )
    };
    let (status, answer) = token(&mut org, &form(&old), None);
    assert_eq!(status, 200);
    assert_eq!(token(&mut org, &form(&old), None).0, 400);
    assert_eq!(
        token(
            &mut org,
            &form(answer["refresh_token"].as_str().unwrap()),
            None
        )
        .0,
        200
    );
}

#[test]
fn identity_userinfo_introspection_and_revocation_answer() {
    let mut org = org();
    let path = format!("/id/{}/{}", org.organization_id(), org.integration_user());
    let identity = org.handle(now(), &request("GET", &format!("{path}?format=json"), None));
    assert_eq!(json_of(&identity)["organization_id"], org.organization_id());
    let info = org.handle(now(), &request("GET", "/services/oauth2/userinfo", None));
    assert_eq!(json_of(&info)["user_id"], org.integration_user());
    let (key, secret) = credentials();
    let form = format!("grant_type=client_credentials&client_id={key}&client_secret={secret}");
    let issued = token(&mut org, &form, None).1["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let post = |what: &str| Request {
        method: "POST".into(),
        path: format!("/services/oauth2/{what}"),
        body: url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", &issued)
            .finish()
            .into_bytes(),
        ..Request::default()
    };
    let active = json_of(&org.handle(now(), &post("introspect")));
    assert_eq!(active["exp"], now().timestamp() + 7200);
    assert_eq!(org.handle(now(), &post("revoke")).status, 200);
    assert_eq!(
        json_of(&org.handle(now(), &post("introspect"))),
        json!({"active": false})
    );
    let stranger = org.handle(
        now(),
        &Request {
            method: "GET".into(),
            path,
            ..Request::default()
        },
    );
    assert_eq!(stranger.status, 403);
}
