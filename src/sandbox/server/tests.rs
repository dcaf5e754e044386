//! The sandbox over real loopback sockets: addresses, gzip, cuts and silences, the `/__sandbox` documents.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use super::*;
use crate::clock::SystemClock;
use crate::sandbox::faults::Fault;

async fn start(options: Options) -> Running {
    serve(options, Arc::new(SystemClock)).await.unwrap()
}

fn small() -> Options {
    Options {
        contacts: 200,
        ..Options::default()
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

async fn list(client: &Client, running: &Running) -> reqwest::Result<reqwest::Response> {
    let url = format!(
        "{}/crm/objects/2026-09/contacts?limit=100&properties=email,jobtitle",
        running.hubspot.url
    );
    let request = client.get(url).bearer_auth(&running.hubspot.access_token);
    request.send().await
}

async fn query(client: &Client, running: &Running) -> reqwest::Result<reqwest::Response> {
    let url = format!("{}/services/data/v68.0/query", running.salesforce.url);
    let soql = "SELECT Id, FirstName, Email, Account.Name FROM Contact ORDER BY Id LIMIT 2000";
    let request = client
        .get(url)
        .query(&[("q", soql)])
        .bearer_auth(&running.salesforce.access_token);
    request.send().await
}

async fn stats(client: &Client, url: &str) -> Value {
    let answer = client.get(format!("{url}/__sandbox/stats")).send().await;
    answer.unwrap().json().await.unwrap()
}

async fn post(client: &Client, url: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = client.post(format!("{url}/__sandbox/{path}")).json(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn both_sides_answer_with_the_announced_credentials() {
    let running = start(small()).await;
    let client = client();
    let line: Value = serde_json::from_str(&running.announcement()).unwrap();
    let salesforce = line["salesforce"]["url"].as_str().unwrap();
    assert!(salesforce.starts_with("http://127.0.0.1:"));
    let token: Value = client
        .post(format!("{salesforce}/services/oauth2/token"))
        .form(&[
            ("grant_type", "client_credentials"),
            (
                "client_id",
                line["salesforce"]["client_id"].as_str().unwrap(),
            ),
            (
                "client_secret",
                line["salesforce"]["client_secret"].as_str().unwrap(),
            ),
        ])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(token["instance_url"], salesforce);
    let answer: Value = query(&client, &running)
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["totalSize"], 200);
    let answer: Value = list(&client, &running).await.unwrap().json().await.unwrap();
    assert_eq!(answer["results"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn answers_are_packed_for_those_who_take_that_and_packed_requests_unpacked() {
    let running = start(small()).await;
    let plain = Client::builder().no_gzip().build().unwrap();
    let url = format!(
        "{}/crm/objects/2026-09/contacts?limit=100",
        running.hubspot.url
    );
    let token = &running.hubspot.access_token;
    let request = plain.get(&url).bearer_auth(token);
    let packed = request
        .header("Accept-Encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    let whole = plain.get(&url).bearer_auth(token).send().await.unwrap();
    assert!(whole.headers().get("content-encoding").is_none());
    assert!(packed.len() * 2 < whole.bytes().await.unwrap().len());

    let body = json!({"inputs": [{"id": "1"}], "properties": ["email"]}).to_string();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    let answer = plain
        .post(format!(
            "{}/crm/objects/2026-09/contacts/batch/read",
            running.hubspot.url
        ))
        .bearer_auth(token)
        .header("Content-Type", "application/json")
        .header("Content-Encoding", "gzip")
        .body(encoder.finish().unwrap())
        .send()
        .await
        .unwrap();
    assert!(
        answer.status().is_success(),
        "{}",
        answer.text().await.unwrap()
    );
}

#[tokio::test]
async fn a_cut_line_has_no_answer_and_the_next_one_is_whole() {
    let running = start(small()).await;
    let client = client();
    let path = "/crm/objects";
    for fault in [
        Fault::Cut { committed: false },
        Fault::Cut { committed: true },
    ] {
        running
            .sandbox()
            .script(Side::HubSpot, None, path, fault, 1);
        // The client may repeat an idempotent request on a fresh line by itself when a kept-alive one was closed.
        let fresh = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        let error = list(&fresh, &running).await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert_eq!(list(&client, &running).await.unwrap().status(), 200);
    }
    let stats = stats(&client, &running.hubspot.url).await;
    assert_eq!(stats["total_calls"], 4);
    assert_eq!(stats["calls"]["GET /crm/objects/2026-09/contacts"], 3);
    assert_eq!(stats["faults"], json!({"cut": 1, "cut_after_commit": 1}));
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_and_a_garbled_one_is_whole_but_no_json() {
    let running = start(small()).await;
    let client = client();
    let script = |fault| {
        running
            .sandbox()
            .script(Side::Salesforce, None, "/", fault, 1)
    };
    script(Fault::Truncated);
    let answer = query(&client, &running).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
    script(Fault::Garbled);
    let body = query(&client, &running)
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert!(body.len() > 100);
    assert!(serde_json::from_slice::<Value>(&body).is_err());
}

#[tokio::test]
async fn silence_lasts_until_the_client_gives_up_and_a_late_answer_comes_late() {
    let running = start(small()).await;
    let hasty = Client::builder()
        .timeout(Duration::from_millis(250))
        .build()
        .unwrap();
    let script = |fault| running.sandbox().script(Side::HubSpot, None, "/", fault, 1);
    script(Fault::Silence { committed: true });
    assert!(list(&hasty, &running).await.unwrap_err().is_timeout());
    script(Fault::Late(Duration::from_millis(600)));
    assert!(list(&hasty, &running).await.unwrap_err().is_timeout());
    script(Fault::Late(Duration::from_millis(300)));
    let before = std::time::Instant::now();
    assert_eq!(list(&client(), &running).await.unwrap().status(), 200);
    assert!(before.elapsed() >= Duration::from_millis(300));
    // A request that lands later counts when it has landed.
    script(Fault::LandsLater(Duration::from_secs(2)));
    assert!(list(&hasty, &running).await.unwrap_err().is_timeout());
    let calls = async || {
        let stats = stats(&client(), &running.hubspot.url).await;
        stats["total_calls"].as_u64().unwrap()
    };
    assert_eq!(calls().await, 3);
    for _ in 0..40 {
        if calls().await == 4 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the request never landed");
}

#[tokio::test]
async fn stats_tell_what_was_truly_done_and_are_not_counted_themselves() {
    let running = start(small()).await;
    let client = client();
    list(&client, &running).await.unwrap();
    let throttle = Fault::Throttle { retry_after: None };
    running
        .sandbox()
        .script(Side::HubSpot, None, "/", throttle, 1);
    assert_eq!(list(&client, &running).await.unwrap().status(), 429);
    let stats = stats(&client, &running.hubspot.url).await;
    assert_eq!(
        stats["calls"],
        json!({"GET /crm/objects/2026-09/contacts": 1})
    );
    assert_eq!(stats["total_calls"], 2);
    assert_eq!(stats["rejected"], json!({"429": 1}));
    assert_eq!(stats["records"]["contacts"], 200);
    let created = json!({"world": 200, "colleagues": 0, "api": 0});
    assert_eq!(stats["created"]["contacts"], created);
    assert_eq!(stats["created_twice"], json!([]));
}

#[tokio::test]
async fn history_lists_every_version_of_a_record() {
    let running = start(small()).await;
    let client = client();
    let pair = running.sandbox().truth().contacts[0].clone();
    for (url, object, id) in [
        (&running.hubspot.url, "contacts", &pair.hubspot),
        (&running.salesforce.url, "Contact", &pair.salesforce),
    ] {
        let url = format!("{url}/__sandbox/history?object={object}&id={id}");
        let versions: Value = client.get(url).send().await.unwrap().json().await.unwrap();
        let first = &versions[0];
        assert_eq!(first["by"], "world");
        assert_eq!(first["event"], "created");
        assert!(first["at"].as_str().unwrap().ends_with('Z'));
        assert!(first["values"].as_object().unwrap().len() > 3, "{first}");
    }
    let none = format!(
        "{}/__sandbox/history?object=contacts&id=1",
        running.hubspot.url
    );
    assert_eq!(client.get(none).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn faults_change_while_it_runs_and_an_unknown_profile_is_refused() {
    let running = start(small()).await;
    let client = client();
    let url = &running.salesforce.url;
    let (status, body) = post(&client, url, "faults", &json!({"profile": "errors,lag"})).await;
    assert_eq!((status, body), (200, json!({"profile": "errors,lag"})));
    let (status, body) = post(&client, url, "faults", &json!({"profile": "storm"})).await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().unwrap().contains("throttle"));
    assert_eq!(running.sandbox().faults().to_string(), "errors,lag");
    assert_eq!(post(&client, url, "faults", &json!(3)).await.0, 400);
    assert_eq!(post(&client, url, "nothing", &json!({})).await.0, 404);
}

#[tokio::test]
async fn reset_starts_both_sides_anew_whichever_port_is_asked() {
    let running = start(small()).await;
    let client = client();
    let names = async || -> BTreeSet<String> {
        let answer: Value = query(&client, &running)
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let rows = answer["records"].as_array().unwrap().clone();
        rows.iter().map(|row| row["Email"].to_string()).collect()
    };
    let before = names().await;
    let body = json!({"seed": 9, "contacts": 120});
    assert_eq!(
        post(&client, &running.hubspot.url, "reset", &body).await,
        (200, body)
    );
    for url in [&running.salesforce.url, &running.hubspot.url] {
        assert_eq!(stats(&client, url).await["total_calls"], 0);
    }
    let after = names().await;
    assert!(after.len() <= 120 && after != before);
    assert_eq!(
        post(
            &client,
            &running.hubspot.url,
            "reset",
            &json!({"seed": "x"})
        )
        .await
        .0,
        400
    );
    // Absolute links still lead here.
    assert_eq!(
        running.sandbox().org.settings().host_url,
        running.salesforce.url
    );
}

#[tokio::test]
async fn latency_holds_every_answer_back() {
    let running = start(Options {
        latency_ms: 150,
        ..small()
    })
    .await;
    let before = std::time::Instant::now();
    list(&client(), &running).await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_request_is_carried_out_though_its_client_gives_up_meanwhile() {
    let running = start(Options {
        latency_ms: 200,
        ..small()
    })
    .await;
    let contacts = || running.sandbox().portal.ids("contacts").len();
    let before = contacts();
    let url = format!("{}/crm/objects/2026-09/contacts", running.hubspot.url);
    let create = client()
        .post(url)
        .bearer_auth(&running.hubspot.access_token)
        .timeout(Duration::from_millis(60))
        .json(&json!({ "properties": { "lastname": "Late" } }));
    assert!(create.send().await.unwrap_err().is_timeout());
    assert_eq!(contacts(), before);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(contacts(), before + 1);
}

#[tokio::test]
async fn some_writes_stall_longer_than_the_rest() {
    let running = start(Options {
        stall_ms: 600,
        ..small()
    })
    .await;
    let url = format!(
        "{}/crm/objects/2026-09/contacts/batch/update",
        running.hubspot.url
    );
    let mut longest = Duration::ZERO;
    for _ in 0..16 {
        let before = std::time::Instant::now();
        let update = client()
            .post(&url)
            .bearer_auth(&running.hubspot.access_token);
        let update = update.json(&json!({ "inputs": [] }));
        update.send().await.unwrap();
        longest = longest.max(before.elapsed());
    }
    assert!(longest >= Duration::from_millis(300), "{longest:?}");
}

#[tokio::test]
async fn stopping_closes_the_ports_and_silent_lines() {
    let running = start(small()).await;
    let client = client();
    assert_eq!(list(&client, &running).await.unwrap().status(), 200);
    running.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(list(&client, &running).await.is_err());
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let running = start(small()).await;
    let port: u16 = running
        .hubspot
        .url
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let taken = Options {
        hubspot_port: port,
        ..small()
    };
    let error = serve(taken, Arc::new(SystemClock))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains(&port.to_string()), "{error}");
    let wrong = Options {
        faults: "storm".into(),
        ..small()
    };
    assert!(serve(wrong, Arc::new(SystemClock)).await.is_err());
}

#[tokio::test]
async fn the_config_is_toml_with_the_recommended_mappings() {
    let running = start(small()).await;
    let config: toml::Table = running.config_toml().parse().unwrap();
    assert_eq!(
        config["salesforce"]["login_url"].as_str(),
        Some(running.salesforce.url.as_str())
    );
    assert_eq!(
        config["hubspot"]["api_url"].as_str(),
        Some(running.hubspot.url.as_str())
    );
    let mappings = config["mapping"].as_array().unwrap();
    let names: Vec<_> = mappings
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["accounts", "contacts"]);
    let industry = &mappings[0]["fields"][3]["transform"]["values"];
    assert_eq!(industry["Technology"].as_str(), Some("COMPUTER_SOFTWARE"));
    assert!(
        running
            .config_toml()
            .parse::<toml_edit::DocumentMut>()
            .is_ok()
    );
}
