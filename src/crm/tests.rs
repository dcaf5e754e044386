//! The HTTP layer's promises, shown with a scripted transport and paused time: what is sent again, what never is, how
//! often a token is fetched, what is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::testkit::Script;
use super::*;
use crate::clock::{Clock, SeededEntropy, TokioClock};
use crate::domain::{RecordId, Secret, Value};

const TOKEN: &str = r#"{"access_token":"t","instance_url":"https://acme.my.salesforce.com","id":"https://login.salesforce.com/id/00DWb00000Kl8mN/005Wb00000Gh7iJ"}"#;
const EXPIRED: &str =
    r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
const NO_ROWS: &str = r#"{"totalSize":0,"done":true,"records":[]}"#;
const CONTACT: &str = r#"{"name":"Contact","fields":[{"name":"Id","type":"id"},{"name":"LastName","type":"string"},{"name":"SystemModstamp","type":"datetime"}]}"#;
const MADE: &str = r#"[{"id":"003Wb00000Ab1cDIAR","success":true,"errors":[],"created":true}]"#;

pub(super) fn clock() -> Arc<TokioClock> {
    Arc::new(TokioClock::starting_at(
        chrono::DateTime::from_timestamp_millis(1_795_166_102_000).unwrap(),
    ))
}

pub(super) fn salesforce(script: &Script) -> SalesforceClient {
    let auth = SalesforceAuth::ClientCredentials {
        client_id: "key".into(),
        client_secret: Secret::from("s3cret"),
    };
    SalesforceClient::new(
        SalesforceSettings::new("https://acme.my.salesforce.com", auth),
        Arc::new(script.clone()),
        clock(),
        Arc::new(SeededEntropy::new(7)),
    )
    .unwrap()
}

pub(super) fn hubspot(script: &Script) -> HubspotClient {
    HubspotClient::new(
        HubspotSettings::new(
            "https://api.hubapi.com",
            HubspotAuth::AccessToken(Secret::from("pat")),
        ),
        Arc::new(script.clone()),
        clock(),
        Arc::new(SeededEntropy::new(7)),
    )
    .unwrap()
}

fn window() -> Window {
    let at = |ms| chrono::DateTime::from_timestamp_millis(ms).unwrap();
    Window {
        lo: at(1_795_166_000_000),
        hi: at(1_795_166_100_000),
    }
}

pub(super) fn create(object: &str) -> WriteRequest {
    WriteRequest {
        object: object.into(),
        kind: WriteKind::Create,
        items: vec![WriteItem {
            token: "t1".into(),
            id: None,
            key: None,
            to: None,
            fields: BTreeMap::from([("LastName".to_owned(), Value::text("Diaz"))]),
        }],
    }
}

async fn read_changes(client: &SalesforceClient) -> Result<Page, CrmError> {
    client
        .changed("Contact", &["LastName".to_owned()], window(), None)
        .await
}

#[tokio::test(start_paused = true)]
async fn many_calls_share_one_sign_in() {
    let mut script = Script::default().json(200, TOKEN);
    for _ in 0..5 {
        script = script.json(200, NO_ROWS);
    }
    let client = salesforce(&script);
    let calls = (0..5).map(|_| read_changes(&client));
    let results = futures_util::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(client.meter().snapshot()[&Purpose::Auth], 1);
    assert_eq!(client.meter().snapshot()[&Purpose::Observe], 5);
    let authorization = &script.sent.lock().unwrap()[1].headers;
    assert!(authorization.contains(&("authorization".into(), "Bearer t".into())));
    assert!(authorization.contains(&("accept".into(), "application/json".into())));
}

#[tokio::test(start_paused = true)]
async fn many_refused_calls_renew_the_token_once_and_go_on_at_the_new_host() {
    let new_token = TOKEN
        .replace("acme.my", "moved.my")
        .replace("\"t\"", "\"t2\"");
    let script = Script::default()
        .json(200, TOKEN)
        .json(401, EXPIRED)
        .json(401, EXPIRED)
        .json(401, EXPIRED)
        .json(200, &new_token)
        .json(200, NO_ROWS)
        .json(200, NO_ROWS)
        .json(200, NO_ROWS);
    let client = salesforce(&script);
    client.identity().await.unwrap();
    let calls = (0..3).map(|_| read_changes(&client));
    let results = futures_util::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(client.meter().snapshot()[&Purpose::Auth], 2);
    assert_eq!(
        client.meter().snapshot()[&Purpose::Observe],
        6,
        "refused calls are counted"
    );
    let sent = script.sent.lock().unwrap();
    assert!(sent[5].url.starts_with("https://moved.my.salesforce.com/"));
}

#[tokio::test(start_paused = true)]
async fn a_401_is_renewed_once_and_an_unrenewable_one_never() {
    let script = Script::default()
        .json(200, TOKEN)
        .json(401, EXPIRED)
        .json(200, TOKEN)
        .json(401, EXPIRED);
    let error = read_changes(&salesforce(&script)).await.unwrap_err();
    assert_eq!((error.class, script.left()), (ErrorClass::Auth, 0));

    let blocked = r#"[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]"#;
    let script = Script::default().json(200, TOKEN).json(401, blocked);
    let error = read_changes(&salesforce(&script)).await.unwrap_err();
    assert_eq!((error.class, script.left()), (ErrorClass::Auth, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refused_sign_in_is_shared_and_holds_no_secret() {
    let script = Script::default().json(
        400,
        r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#,
    );
    let client = salesforce(&script);
    let results = futures_util::future::join_all((0..4).map(|_| read_changes(&client))).await;
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(error.class, ErrorClass::Auth);
        assert!(!format!("{error:?} {error}").contains("s3cret"));
    }
    assert_eq!(client.meter().total(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_refused_with_401_is_sent_again_and_one_without_answer_never() {
    let script = Script::default()
        .json(200, TOKEN)
        .json(200, CONTACT)
        .json(401, EXPIRED)
        .json(200, TOKEN)
        .json(200, MADE);
    let client = salesforce(&script);
    let results = client
        .write(Purpose::Write, &create("Contact"))
        .await
        .unwrap();
    assert!(matches!(
        &results[0],
        WriteResult::Done { created: true, .. }
    ));
    assert_eq!(
        script.body(2),
        script.body(4),
        "the same body is sent again"
    );
    let headers = &script.sent.lock().unwrap()[4].headers.clone();
    assert!(headers.contains(&("sforce-auto-assign".into(), "FALSE".into())));
    assert!(headers.contains(&("sforce-call-options".into(), "client=syncline".into())));

    let described = || Script::default().json(200, TOKEN).json(200, CONTACT);
    for (answer, class) in [
        (described().silence(), ErrorClass::Unknown),
        (
            described().json(500, "<html>oops</html>"),
            ErrorClass::Unknown,
        ),
        (
            described().json(503, "<html>oops</html>"),
            ErrorClass::Unknown,
        ),
        (
            described().json(503, r#"[{"errorCode":"SERVER_UNAVAILABLE"}]"#),
            ErrorClass::Unknown,
        ),
        (described().json(200, "{\"cut"), ErrorClass::Bug),
    ] {
        let client = salesforce(&answer);
        let error = client
            .write(Purpose::Write, &create("Contact"))
            .await
            .unwrap_err();
        assert_eq!((error.class, answer.left()), (class, 0), "{error}");
        assert_eq!(client.meter().snapshot()[&Purpose::Write], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_left_or_was_turned_away_is_sent_again() {
    let busy = r#"[{"errorCode":"ORG_IN_MAINTENANCE","message":"The organization is read-only"}]"#;
    let concurrent = r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded."}]"#;
    let script = Script::default()
        .json(200, TOKEN)
        .json(200, CONTACT)
        .unreachable()
        .json(503, busy)
        .json(403, concurrent)
        .json(200, MADE);
    let client = salesforce(&script);
    assert!(
        client
            .write(Purpose::Write, &create("Contact"))
            .await
            .is_ok()
    );
    assert_eq!(
        client.meter().snapshot()[&Purpose::Write],
        3,
        "what was never sent is not counted"
    );
    assert_eq!(client.health().throttled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_tried_six_times_with_waits_and_then_given_up() {
    let mut script = Script::default().json(200, TOKEN);
    for _ in 0..6 {
        script = script.silence();
    }
    let client = salesforce(&script);
    let before = tokio::time::Instant::now();
    let error = read_changes(&client).await.unwrap_err();
    assert_eq!((error.class, script.left()), (ErrorClass::Transient, 0));
    let waited = before.elapsed();
    assert!(
        waited > Duration::from_millis(500) && waited < Duration::from_secs(65),
        "{waited:?}"
    );
    assert!(client.health().unreachable_since.is_some());
    assert!(client.health().last_failure.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_days_limit_is_the_budget_and_is_not_waited_for() {
    let limit =
        r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]"#;
    let script = Script::default().json(200, TOKEN).json(403, limit);
    let error = read_changes(&salesforce(&script)).await.unwrap_err();
    assert_eq!((error.class, script.left()), (ErrorClass::Budget, 0));

    let daily = r#"{"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","policyName":"DAILY"}"#;
    let script = Script::default().json(429, daily);
    let error = hubspot(&script)
        .list("contacts", &[], None)
        .await
        .unwrap_err();
    assert_eq!((error.class, script.left()), (ErrorClass::Budget, 0));
}

#[tokio::test(start_paused = true)]
async fn a_429_shuts_the_gate_for_as_long_as_the_vendor_asks() {
    let limit = r#"{"status":"error","message":"limit","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}"#;
    let script = Script::default()
        .with(429, &[("retry-after", "17")], limit)
        .json(200, r#"{"results":[]}"#)
        .json(200, r#"{"results":[]}"#);
    let client = hubspot(&script);
    let before = tokio::time::Instant::now();
    let other = async {
        // A second caller comes while the gate is shut: it waits as well.
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.list("contacts", &[], None).await
    };
    let (first, second) = tokio::join!(client.list("contacts", &[], None), other);
    assert!(first.is_ok() && second.is_ok());
    assert!(
        before.elapsed() >= Duration::from_secs(17),
        "{:?}",
        before.elapsed()
    );
    assert!(client.health().throttled_until.is_none(), "it has passed");
    assert_eq!(client.health().throttled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_hours_is_handed_back_and_not_slept() {
    let script = Script::default().with(
        477,
        &[("retry-after", "7200")],
        "{\"status\":\"error\",\"message\":\"migration\"}",
    );
    let error = hubspot(&script)
        .list("contacts", &[], None)
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient);
    assert_eq!(error.retry_after, Some(Duration::from_secs(7_200)));
}

#[tokio::test(start_paused = true)]
async fn searches_keep_to_their_own_rate() {
    let mut script = Script::default();
    for _ in 0..12 {
        script = script.json(200, r#"{"total":0,"results":[]}"#);
    }
    let client = hubspot(&script);
    let before = tokio::time::Instant::now();
    let calls = (0..12).map(|_| client.changed("contacts", &[], window(), None));
    let results = futures_util::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok));
    assert!(
        before.elapsed() >= Duration::from_secs(2),
        "{:?}",
        before.elapsed()
    );
    assert!(
        before.elapsed() < Duration::from_secs(4),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_423_write_is_sent_again_after_two_seconds_and_a_502_never() {
    let done = r#"{"results":[{"id":"5","objectWriteTraceId":"t1","updatedAt":"2026-01-01T00:00:00Z","properties":{}}]}"#;
    let script = Script::default()
        .json(423, "{\"status\":\"error\",\"message\":\"locked\"}")
        .json(201, done);
    let before = tokio::time::Instant::now();
    let client = hubspot(&script);
    assert!(
        client
            .write(Purpose::Write, &create("contacts"))
            .await
            .is_ok()
    );
    assert!(before.elapsed() >= Duration::from_secs(2));

    let script = Script::default().json(502, "<html>bad gateway</html>");
    let error = hubspot(&script)
        .write(Purpose::Write, &create("contacts"))
        .await
        .unwrap_err();
    assert_eq!((error.class, script.left()), (ErrorClass::Unknown, 0));
}

#[tokio::test(start_paused = true)]
async fn an_oauth_token_is_renewed_ahead_and_the_newest_refresh_token_is_used() {
    let grant = |access: &str, refresh: &str| {
        format!(
            r#"{{"token_type":"bearer","access_token":"{access}","refresh_token":"{refresh}","expires_in":1800,"hub_id":1}}"#
        )
    };
    let script = Script::default()
        .json(200, &grant("a1", "r1"))
        .json(200, r#"{"results":[]}"#)
        .json(200, &grant("a2", "r2"))
        .json(200, r#"{"results":[]}"#);
    let auth = HubspotAuth::RefreshToken {
        client_id: "c".into(),
        client_secret: "s".into(),
        refresh_token: "r0".into(),
    };
    let clock = clock();
    let client = HubspotClient::new(
        HubspotSettings::new("https://api.hubapi.com", auth),
        Arc::new(script.clone()),
        clock.clone(),
        Arc::new(SeededEntropy::new(1)),
    )
    .unwrap();
    client.list("contacts", &[], None).await.unwrap();
    clock.sleep(Duration::from_secs(1_445)).await;
    client.list("contacts", &[], None).await.unwrap();
    assert!(script.body(0).contains("refresh_token=r0"));
    assert!(script.body(2).contains("refresh_token=r1"));
    assert_eq!(client.refresh_token().await, Some(Secret::from("r2")));
}

#[tokio::test(start_paused = true)]
async fn a_static_token_that_is_refused_ends_at_once() {
    let refused = r#"{"status":"error","message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}"#;
    let script = Script::default().json(401, refused);
    let error = hubspot(&script).identity().await.unwrap_err();
    assert_eq!((error.class, script.left()), (ErrorClass::Auth, 0));
}

#[tokio::test(start_paused = true)]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let settings = HubspotSettings::new(
        "http://api.hubapi.com",
        HubspotAuth::AccessToken("x".into()),
    );
    let made = HubspotClient::new(
        settings,
        Arc::new(Script::default()),
        clock(),
        Arc::new(SeededEntropy::new(1)),
    );
    assert!(matches!(made, Err(HostError::NotHttps { .. })));
}

#[tokio::test(start_paused = true)]
async fn health_learns_the_days_use_and_the_vendors_clock() {
    let script = Script::default().json(200, TOKEN).with(
        200,
        &[
            ("sforce-limit-info", "api-usage=18/5000"),
            ("date", "Fri, 20 Nov 2026 09:20:02 GMT"),
        ],
        NO_ROWS,
    );
    let client = salesforce(&script);
    read_changes(&client).await.unwrap();
    let health = client.health();
    assert_eq!(health.daily, Some((18, 5_000)));
    assert!(
        (299_000..=301_000).contains(&health.clock_offset_ms),
        "{}",
        health.clock_offset_ms
    );
    assert_eq!(
        client.allowance().await.unwrap(),
        Allowance {
            used: 18,
            limit: 5_000
        }
    );
}

#[tokio::test(start_paused = true)]
async fn the_identity_costs_nothing_beyond_the_sign_in() {
    let script = Script::default().json(200, TOKEN);
    let identity = salesforce(&script).identity().await.unwrap();
    assert_eq!(identity.account, "00DWb00000Kl8mNMAR");
    assert_eq!(identity.user.as_deref(), Some("005Wb00000Gh7iJIAR"));
    assert_eq!(identity.label, "acme");
    let _: RecordId = identity.account.into();
}
