//! The sandbox in process: both vendors, the world, faults and colleagues together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration as Wait;

use chrono::{DateTime, Duration, TimeZone, Utc};
use serde_json::{Value, json};

use super::ground::Ground;
use super::history::{Author, Values};
use super::http::Request;
use super::*;
use crate::sandbox::world::WorldSettings;

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 30, 0).unwrap()
}

fn sandbox(contacts: usize, live: bool) -> Sandbox {
    let settings = Settings {
        world: WorldSettings { contacts, seed: 1 },
        live,
        ..Settings::default()
    };
    Sandbox::new(settings, start())
}

fn request(sandbox: &Sandbox, side: Side, method: &str, path: &str, body: Value) -> Request {
    let token = match side {
        Side::Salesforce => &sandbox.org.settings().access_token,
        Side::HubSpot => &sandbox.portal.settings().access_token,
    };
    Request {
        method: method.into(),
        path: path.into(),
        query: Vec::new(),
        headers: vec![
            ("authorization".into(), format!("Bearer {token}")),
            ("content-type".into(), "application/json".into()),
        ],
        body: body.to_string().into_bytes(),
    }
}

fn answer(exchange: Exchange) -> http::Response {
    match exchange {
        Exchange::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

const CREATE: &str = "/crm/objects/2026-09/contacts";

fn newcomer(sandbox: &Sandbox, email: &str) -> Request {
    let body = json!({"properties": {"email": email, "lastname": "Quill"}});
    request(sandbox, Side::HubSpot, "POST", CREATE, body)
}

fn made(sandbox: &Sandbox) -> u64 {
    let stats = sandbox.stats(Side::HubSpot);
    stats.created["contacts"].api
}

#[test]
fn both_vendors_hold_the_world_with_accounts_companies_and_owners() {
    let sandbox = sandbox(300, false);
    let (org, portal) = (&sandbox.org, &sandbox.portal);
    assert_eq!(org.ids("Contact").len(), 300);
    assert_eq!(org.ids("Account").len(), 60);
    assert_eq!(portal.ids("contacts").len(), 300);
    assert_eq!(portal.ids("companies").len(), 60);
    let mut employed = 0;
    for pair in &sandbox.truth().contacts {
        let email = org.value("Contact", &pair.salesforce, "Email").unwrap();
        let other = portal.value("contacts", &pair.hubspot, "email").unwrap();
        assert_eq!(email.to_lowercase(), other);
        let account = org.value("Contact", &pair.salesforce, "AccountId");
        let companies = portal.partners("contacts", &pair.hubspot, "companies");
        let same = sandbox.truth().accounts.iter().any(|company| {
            account.as_ref() == Some(&company.salesforce)
                && companies.first() == Some(&company.hubspot)
        });
        employed += usize::from(same);
    }
    assert!(employed > 120, "{employed}");
    for pair in &sandbox.truth().accounts {
        let website = org.value("Account", &pair.salesforce, "Website").unwrap();
        let domain = portal.value("companies", &pair.hubspot, "domain").unwrap();
        assert!(
            website.to_lowercase().contains(&domain),
            "{website} {domain}"
        );
    }
}

#[test]
fn a_fault_before_the_commit_changes_nothing_and_one_after_it_does() {
    let mut sandbox = sandbox(100, false);
    let cases = [
        (Fault::Cut { committed: false }, 0, Exchange::Cut),
        (Fault::Cut { committed: true }, 1, Exchange::Cut),
        (Fault::Silence { committed: false }, 0, Exchange::Silence),
        (Fault::Silence { committed: true }, 1, Exchange::Silence),
    ];
    for (n, (fault, records, expected)) in cases.into_iter().enumerate() {
        let before = made(&sandbox);
        let request = newcomer(&sandbox, &format!("n{n}@faults.example"));
        sandbox.script(Side::HubSpot, Some("POST"), CREATE, fault, 1);
        assert_eq!(sandbox.exchange(start(), Side::HubSpot, &request), expected);
        assert_eq!(made(&sandbox) - before, records, "{fault:?}");
    }
    for (committed, records) in [(false, 0), (true, 1)] {
        let before = made(&sandbox);
        let request = newcomer(&sandbox, &format!("{committed}@faults.example"));
        let fault = Fault::ServerError {
            status: 502,
            html: true,
            committed,
        };
        sandbox.script(Side::HubSpot, None, CREATE, fault, 1);
        let answer = answer(sandbox.exchange(start(), Side::HubSpot, &request));
        assert_eq!(answer.status, 502);
        assert!(answer.body.starts_with(b"<html>"));
        assert_eq!(made(&sandbox) - before, records, "{fault:?}");
    }
    let stats = sandbox.stats(Side::HubSpot);
    assert_eq!(stats.total_calls, 6);
    assert_eq!(stats.rejected[&502], 2);
}

#[test]
fn a_request_that_lands_later_is_carried_out_when_its_time_has_come() {
    let mut sandbox = sandbox(100, false);
    let request = newcomer(&sandbox, "late@faults.example");
    let fault = Fault::LandsLater(Wait::from_secs(30));
    sandbox.script(Side::HubSpot, None, CREATE, fault, 1);
    let exchange = sandbox.exchange(start(), Side::HubSpot, &request);
    assert_eq!(exchange, Exchange::Silence);
    sandbox.live_step(start() + Duration::seconds(29));
    assert_eq!(made(&sandbox), 0);
    sandbox.live_step(start() + Duration::seconds(30));
    assert_eq!(made(&sandbox), 1);
}

#[test]
fn a_salesforce_row_lock_hits_the_record_that_is_written() {
    let mut sandbox = sandbox(100, false);
    let id = sandbox.org.ids("Contact")[0].clone();
    let path = format!("/services/data/v68.0/sobjects/Contact/{id}");
    let body = json!({"Title": "Owner"});
    let request = request(&sandbox, Side::Salesforce, "PATCH", &path, body);
    sandbox.script(Side::Salesforce, None, "/services/data", Fault::Locked, 1);
    let locked = answer(sandbox.exchange(start(), Side::Salesforce, &request));
    let text = String::from_utf8_lossy(&locked.body).into_owned();
    assert!(text.contains("UNABLE_TO_LOCK_ROW"), "{text}");
    let later = start() + Duration::seconds(3);
    assert_eq!(
        answer(sandbox.exchange(later, Side::Salesforce, &request)).status,
        204
    );
}

#[test]
fn expired_sessions_are_refused_until_the_next_sign_in() {
    let mut sandbox = sandbox(100, false);
    let sign_in = |sandbox: &mut Sandbox| -> String {
        let org = sandbox.org.settings().clone();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            org.client_id, org.client_secret
        );
        let request = Request {
            method: "POST".into(),
            path: "/services/oauth2/token".into(),
            headers: vec![(
                "content-type".into(),
                "application/x-www-form-urlencoded".into(),
            )],
            body: form.into_bytes(),
            ..Request::default()
        };
        let answer = answer(sandbox.exchange(start(), Side::Salesforce, &request));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    };
    let call = |sandbox: &mut Sandbox, token: &str| {
        let path = "/services/data/v68.0/limits";
        let mut request = request(sandbox, Side::Salesforce, "GET", path, Value::Null);
        request.headers[0].1 = format!("Bearer {token}");
        answer(sandbox.exchange(start(), Side::Salesforce, &request)).status
    };
    let token = sign_in(&mut sandbox);
    assert_eq!(call(&mut sandbox, &token), 200);
    sandbox.script(Side::Salesforce, Some("GET"), "/", Fault::ExpiredToken, 1);
    assert_eq!(call(&mut sandbox, &token), 401);
    let token = sign_in(&mut sandbox);
    assert_eq!(call(&mut sandbox, &token), 200);
}

#[test]
fn colleagues_edit_both_sides_and_contradict_each_other_on_the_same_records() {
    let mut sandbox = sandbox(500, true);
    for second in 0..1_800 {
        sandbox.live_step(start() + Duration::seconds(second));
    }
    let worked = sandbox.worked();
    let edits = worked.salesforce + worked.hubspot;
    // One every two to five seconds, a third of them answered by the other side.
    assert!((450..1_000).contains(&edits), "{worked:?}");
    assert!(
        worked.salesforce > 150 && worked.hubspot > 150,
        "{worked:?}"
    );
    assert!(worked.created > 10 && worked.cleared > 5, "{worked:?}");
    assert!(worked.refused * 10 < edits, "{worked:?}");
    assert_eq!(
        sandbox.stats(Side::Salesforce).created["Contact"].colleagues
            + sandbox.stats(Side::HubSpot).created["contacts"].colleagues,
        worked.created
    );
    let mut contested = 0;
    for pair in &sandbox.truth().contacts {
        let s = sandbox.org.history("Contact", &pair.salesforce).unwrap();
        let h = sandbox.portal.history("contacts", &pair.hubspot).unwrap();
        for (field, property) in [("Title", "jobtitle"), ("Phone", "phone")] {
            let by_people = |by: &Author| matches!(by, Author::Colleague(_));
            let edits = |versions: Vec<&history::Version>| -> Vec<DateTime<Utc>> {
                let versions = versions.iter().filter(|version| by_people(&version.by));
                versions.map(|version| version.at).collect()
            };
            let h = edits(h.of_field(property).collect());
            for at in edits(s.of_field(field).collect()) {
                let near = |other: &DateTime<Utc>| (*other - at).abs() <= Duration::seconds(12);
                contested += usize::from(h.iter().any(near));
            }
        }
    }
    assert!(contested > 40, "{contested}");
}

#[test]
fn the_same_seed_gives_the_same_colleagues_and_nobody_works_unless_live() {
    let run = |live| {
        let mut sandbox = sandbox(200, live);
        for second in 0..300 {
            sandbox.live_step(start() + Duration::seconds(second));
        }
        let pair = sandbox.truth().contacts[0].clone();
        let title = sandbox.org.value("Contact", &pair.salesforce, "Title");
        (sandbox.worked(), title)
    };
    assert_eq!(run(true), run(true));
    assert_ne!(run(true).0, colleagues::Worked::default());
    assert_eq!(run(false).0, colleagues::Worked::default());
}

#[test]
fn without_keys_neither_side_has_the_key_field() {
    let settings = Settings {
        world: WorldSettings {
            contacts: 10,
            seed: 1,
        },
        no_keys: true,
        ..Settings::default()
    };
    let sandbox = Sandbox::new(settings, start());
    assert!(!sandbox.org.settings().key_fields);
    assert!(!sandbox.portal.settings().key_property);
}

/// Salesforce field and HubSpot property of one value, for copying a record over by hand.
const COPIED: [(&str, &str); 8] = [
    ("FirstName", "firstname"),
    ("LastName", "lastname"),
    ("Email", "email"),
    ("Title", "jobtitle"),
    ("Phone", "phone"),
    ("MailingStreet", "address"),
    ("MailingCity", "city"),
    ("MailingPostalCode", "zip"),
];

#[test]
fn each_side_refuses_a_few_records_of_the_other_and_takes_nearly_all() {
    let mut sandbox = sandbox(5_000, false);
    let paired: BTreeSet<String> = {
        let pairs = sandbox.truth().contacts.iter();
        pairs
            .flat_map(|pair| [pair.salesforce.clone(), pair.hubspot.clone()])
            .collect()
    };
    let mut refused: BTreeMap<Side, Vec<String>> = BTreeMap::new();
    let strangers = |ids: Vec<String>| ids.into_iter().filter(|id| !paired.contains(id));
    let to_hubspot: Vec<Values> = strangers(sandbox.org.ids("Contact"))
        .map(|id| {
            let get = |(field, property): (&str, &str)| {
                let value = sandbox.org.value("Contact", &id, field);
                (property.to_owned(), value)
            };
            COPIED
                .map(get)
                .into_iter()
                .filter(|(_, value)| value.is_some())
                .collect()
        })
        .collect();
    let to_salesforce: Vec<Values> = strangers(sandbox.portal.ids("contacts"))
        .map(|id| {
            let get = |(field, property): (&str, &str)| {
                let value = sandbox.portal.value("contacts", &id, property);
                (field.to_owned(), value)
            };
            COPIED
                .map(get)
                .into_iter()
                .filter(|(_, value)| value.is_some())
                .collect()
        })
        .collect();
    for values in to_hubspot {
        if let Err(why) = Ground::insert(
            &mut sandbox.portal,
            start(),
            Author::System,
            "contacts",
            values,
        ) {
            refused.entry(Side::HubSpot).or_default().push(why);
        }
    }
    for values in to_salesforce {
        if let Err(why) =
            Ground::insert(&mut sandbox.org, start(), Author::System, "Contact", values)
        {
            refused.entry(Side::Salesforce).or_default().push(why);
        }
    }
    let h = &refused[&Side::HubSpot];
    // The doubles of people HubSpot has already, and seven bad addresses.
    let taken = h.iter().filter(|why| why.contains("already")).count();
    let invalid = h.iter().filter(|why| why.contains("is invalid")).count();
    assert_eq!((taken, invalid, h.len()), (72, 7, 79), "{h:?}");
    let s = &refused[&Side::Salesforce];
    let about = |code: &str| s.iter().filter(|why| why.contains(code)).count();
    assert_eq!(about("INVALID_EMAIL_ADDRESS"), 5, "{s:?}");
    for code in [
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    ] {
        assert!(about(code) > 0, "{code} in {s:?}");
    }
    assert!(s.len() < 40, "{s:?}");
}
