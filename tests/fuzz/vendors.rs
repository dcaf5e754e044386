//! What the vendors answer: each call of both clients before any answer at all. It ends, in virtual time, with a value or an
//! error of a class; every item that was asked for or sent has its own outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{TimeDelta, TimeZone, Utc};
use syncline::clock::{BoxFuture, Clock, SeededEntropy, TokioClock};
use syncline::crm::hubspot::{self, HubspotAuth, HubspotClient, HubspotSettings};
use syncline::crm::salesforce::{self, SalesforceAuth, SalesforceClient, SalesforceSettings};
use syncline::crm::{
    Crm, CrmError, HttpRequest, HttpResponse, Purpose, Transport, TransportError, Window,
    WriteItem, WriteKind, WriteRequest, class_of, excerpt, next_step,
};
use syncline::domain::{LinkId, RecordId, Secret, Side, Value};

/// The calls of a client, by the word that an entry of the corpus begins with.
const CALLS: [&str; 17] = [
    "identity",
    "describe",
    "people",
    "allowance",
    "safe_now",
    "changed",
    "list",
    "read",
    "look_up",
    "search",
    "field_times",
    "associations",
    "update",
    "upsert",
    "create",
    "delete",
    "associate",
];

/// Requests that no call needs: it would ask for ever.
const ENDLESS: u32 = 500;

/// An answer, and the call that gets it: `CALL STATUS NAME=VALUE BODY`, or whatever the bytes make.
struct Case {
    call: usize,
    answer: HttpResponse,
}

impl Case {
    fn of(data: &[u8]) -> Case {
        let mut words = data.splitn(4, |byte| *byte == b' ');
        let mut word = || String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
        let (name, status, header) = (word(), word(), word());
        let body = words.next().unwrap_or_default().to_vec();
        let known = CALLS.iter().position(|call| *call == name);
        let status: Option<u16> = status.parse().ok();
        let (Some(call), Some(status)) = (known, status.filter(|code| (100..600).contains(code)))
        else {
            let first = data.first().copied().unwrap_or_default();
            return Case {
                call: usize::from(first) % CALLS.len(),
                answer: HttpResponse {
                    status: [200, 207, 400, 429, 500][usize::from(first) % 5],
                    headers: Vec::new(),
                    body: data.get(1..).unwrap_or_default().to_vec(),
                },
            };
        };
        let header = header.split_once('=');
        Case {
            call,
            answer: HttpResponse {
                status,
                headers: header
                    .map(|(name, value)| (name.to_lowercase(), value.replace('_', " ")))
                    .into_iter()
                    .collect(),
                body,
            },
        }
    }
}

/// Always the same answer.
struct Parrot {
    answer: HttpResponse,
    asked: AtomicU32,
}

impl Transport for Parrot {
    fn send(&self, _: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(asked < ENDLESS, "it asks without an end");
        let answer = self.answer.clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn ids(list: &[&str]) -> Vec<RecordId> {
    list.iter().map(|id| RecordId((*id).to_owned())).collect()
}

/// What is asked of one side.
struct Asked<'a> {
    object: &'a str,
    fields: Vec<String>,
    ids: Vec<RecordId>,
    key: &'a str,
    to: &'a str,
}

async fn ask(client: &dyn Crm, call: &str, asked: &Asked<'_>) -> Result<(), CrmError> {
    let Asked {
        object,
        fields,
        ids,
        key,
        to,
    } = asked;
    let keys: Vec<String> = ids.iter().map(|id| id.0.clone()).collect();
    let write = |kind| {
        let items = ids.iter().enumerate().map(|(at, id)| WriteItem {
            token: format!("token{at}"),
            id: Some(id.clone()),
            key: Some(id.0.clone()),
            to: Some(id.clone()),
            fields: BTreeMap::from([(fields[0].clone(), Value::text("x"))]),
        });
        WriteRequest {
            object: (*object).to_owned(),
            kind,
            items: items.collect(),
        }
    };
    let kind = match call {
        "identity" => return client.identity().await.map(drop),
        "describe" => return client.describe(object).await.map(drop),
        "people" => return client.people().await.map(drop),
        "allowance" => return client.allowance().await.map(drop),
        "safe_now" => return client.safe_now(object).await.map(drop),
        "changed" => {
            let hi = client.server_now();
            let lo = hi - TimeDelta::minutes(5);
            let window = Window { lo, hi };
            let page = client.changed(object, fields, window, None).await?;
            // What it says about the next page is understood, or refused.
            let next = page.next.as_deref();
            return client.changed(object, fields, window, next).await.map(drop);
        }
        "list" => {
            let page = client.list(object, fields, None).await?;
            let next = page.next.as_deref();
            return client.list(object, fields, next).await.map(drop);
        }
        "read" => {
            let found = client.read(Purpose::Complete, object, ids, fields).await?;
            let order: Vec<&str> = found.iter().map(|one| one.asked.as_str()).collect();
            assert_eq!(order, keys);
            return Ok(());
        }
        "look_up" => {
            let found = client
                .look_up(Purpose::Complete, object, key, &keys, fields)
                .await?;
            let order: Vec<&str> = found.iter().map(|one| one.asked.as_str()).collect();
            assert_eq!(order, keys);
            return Ok(());
        }
        "search" => {
            let found = client.search(Purpose::Complete, object, key, &keys, fields);
            return found.await.map(drop);
        }
        "field_times" => return client.field_times(object, ids, fields).await.map(drop),
        "associations" => {
            let found = client.primary_associations(object, ids, to);
            return found.await.map(drop);
        }
        "update" => WriteKind::Update,
        "upsert" => WriteKind::Upsert {
            key_field: (*key).to_owned(),
        },
        "create" => WriteKind::Create,
        "delete" => WriteKind::Delete,
        _ => WriteKind::Associate {
            to_object: (*to).to_owned(),
        },
    };
    let results = client.write(Purpose::Write, &write(kind)).await?;
    assert_eq!(results.len(), ids.len(), "an item without an outcome");
    Ok(())
}

/// Asks in virtual time, so that waiting costs nothing; what comes of it must be fit to be shown.
fn answered(
    data: &[u8],
    client: impl Fn(Arc<dyn Transport>, Arc<dyn Clock>) -> Box<dyn Crm>,
    asked: &Asked<'_>,
) {
    let case = Case::of(data);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let start = Utc.with_ymd_and_hms(2026, 11, 22, 15, 0, 0).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start));
        let parrot = Arc::new(Parrot {
            answer: case.answer,
            asked: AtomicU32::new(0),
        });
        let client = client(parrot, clock.clone());
        if let Err(error) = ask(client.as_ref(), CALLS[case.call], asked).await {
            assert!(!error.to_string().is_empty());
        }
        // Five waits of two minutes at the most, for each of a call's requests.
        let waited = clock.now() - start;
        assert!(waited < TimeDelta::hours(2), "waited {waited}");
        let _ = client.health();
    });
}

pub fn salesforce_answers(data: &[u8]) {
    let asked = Asked {
        object: "Contact",
        fields: names(&["LastName", "Email", "AccountId"]),
        ids: ids(&["003000000000001AAA", "003000000000002AAA"]),
        key: "Syncline_HubSpot_Id__c",
        to: "Account",
    };
    let url = "http://127.0.0.1:1";
    let auths = [
        SalesforceAuth::AccessToken {
            token: Secret::new("token"),
            instance_url: url.to_owned(),
        },
        SalesforceAuth::ClientCredentials {
            client_id: "id".to_owned(),
            client_secret: Secret::new("secret"),
        },
    ];
    for auth in auths {
        let client = |transport, clock| -> Box<dyn Crm> {
            let settings = SalesforceSettings::new(url, auth.clone());
            let entropy = Arc::new(SeededEntropy::new(1));
            Box::new(SalesforceClient::new(settings, transport, clock, entropy).unwrap())
        };
        answered(data, client, &asked);
    }
}

pub fn hubspot_answers(data: &[u8]) {
    let asked = Asked {
        object: "contacts",
        fields: names(&["lastname", "email", "company"]),
        ids: ids(&["501", "518"]),
        key: "syncline_salesforce_id",
        to: "companies",
    };
    let auths = [
        HubspotAuth::AccessToken(Secret::new("token")),
        HubspotAuth::RefreshToken {
            client_id: "id".to_owned(),
            client_secret: Secret::new("secret"),
            refresh_token: Secret::new("refresh"),
        },
    ];
    for auth in auths {
        let client = |transport, clock| -> Box<dyn Crm> {
            let settings = HubspotSettings::new("http://127.0.0.1:1", auth.clone());
            let entropy = Arc::new(SeededEntropy::new(1));
            Box::new(HubspotClient::new(settings, transport, clock, entropy).unwrap())
        };
        answered(data, client, &asked);
    }
}

/// Bodies of refusals: whatever they say, there is a class, a next step, and words that can be shown.
pub fn refusals(data: &[u8]) {
    let mut all = Vec::new();
    for status in [0, 400, 401, 403, 404, 409, 429, 500, 503] {
        if let Some(error) = salesforce::parse_errors(data) {
            let (error, _) = salesforce::vendor_error(status, &error, Some("Contact"));
            all.push((Side::Salesforce, error));
        }
        if let Some(error) = hubspot::parse_error(data) {
            let (error, _) = hubspot::vendor_error(status, &error);
            all.push((Side::HubSpot, error));
        }
    }
    for (side, error) in all {
        let _ = class_of(side, &error);
        assert!(!next_step(side, &error).is_empty());
    }
    let shown = excerpt(&String::from_utf8_lossy(data));
    assert!(!shown.contains(char::is_control), "{shown:?}");
}

pub fn limit_headers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = salesforce::limit_info(&text);
    // As each of the headers that are read, on an answer that makes it count.
    for name in [
        "retry-after",
        "sforce-limit-info",
        "date",
        "x-hubspot-ratelimit-daily-remaining",
        "x-hubspot-ratelimit-daily",
        "x-hubspot-ratelimit-interval-milliseconds",
    ] {
        for status in [200, 429, 503] {
            let value = text.replace(' ', "_");
            let entry = format!("allowance {status} {name}={value} {{}}");
            salesforce_answers(entry.as_bytes());
            hubspot_answers(entry.as_bytes());
        }
    }
}

/// An id that is taken for one is widened once and for all; what we print of our own ids is read back.
pub fn record_ids(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(wide) = salesforce::widen(&text) {
        assert_eq!(wide.len(), 18);
        assert_eq!(salesforce::widen(&wide).as_deref(), Some(wide.as_str()));
    }
    if let Some(sound) = salesforce::sound(&text) {
        assert_eq!(salesforce::sound(&sound).as_deref(), Some(sound.as_str()));
    }
    if let Ok(link) = text.parse::<LinkId>() {
        assert_eq!(link.to_string(), text.to_lowercase());
        assert_eq!(link.to_string().parse(), Ok(link));
    }
}
