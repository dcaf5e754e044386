//! Search.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, colleague, values};
use crate::sandbox::hubspot::PortalSettings;

const CONTACTS: &str = "/crm/objects/2026-09/contacts/search";

fn filters(list: Value) -> Value {
    json!({"filterGroups": [{"filters": list}], "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
           "limit": 200})
}

#[test]
fn a_change_is_found_only_after_the_lag_and_read_at_once() {
    let mut desk = Desk::new();
    let id = desk.make("contacts", json!({"lastname": "Lee"}));
    let by_id = filters(json!([{"propertyName": "hs_object_id", "operator": "EQ", "value": id}]));
    assert_eq!(desk.post(CONTACTS, by_id.clone()).body["total"], 0);
    desk.now += Duration::seconds(15);
    assert_eq!(
        desk.post(CONTACTS, by_id.clone()).ids(),
        std::slice::from_ref(&id)
    );
    desk.portal
        .edit(
            desk.now,
            colleague(),
            "contacts",
            &id,
            values(&[("lastname", "Ray")]),
        )
        .unwrap();
    assert_eq!(
        desk.post(CONTACTS, by_id.clone()).body["results"][0]["properties"]["lastname"],
        "Lee",
        "stale values"
    );
    assert_eq!(desk.read("contacts", &id, "lastname"), "Ray");
    desk.portal.settle_index();
    assert_eq!(
        desk.post(CONTACTS, by_id.clone()).body["results"][0]["properties"]["lastname"],
        "Ray"
    );
    desk.portal
        .archive(desk.now, colleague(), "contacts", &id)
        .unwrap();
    desk.now += Duration::seconds(16);
    assert_eq!(desk.post(CONTACTS, by_id).body["total"], 0);
}

#[test]
fn a_modified_window_is_walked_by_id_beyond_ties() {
    let mut desk = Desk::new();
    let made: Vec<String> = (0..450)
        .map(|n| desk.seed("contacts", &[("lastname", &n.to_string())]))
        .collect();
    let at = (desk.now - Duration::days(30)).timestamp_millis();
    let (mut seen, mut last) = (Vec::new(), "0".to_owned());
    loop {
        let got = desk.post(CONTACTS, filters(json!([
            {"propertyName": "lastmodifieddate", "operator": "GTE", "value": at.to_string()},
            {"propertyName": "lastmodifieddate", "operator": "LT", "value": (at + 1).to_string()},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last},
        ])));
        if got.ids().is_empty() {
            break;
        }
        last = got.ids().last().unwrap().clone();
        seen.extend(got.ids());
    }
    assert_eq!(seen, made, "ids rise as numbers, not as text");
    assert!(made.iter().any(|id| id.len() == 3) && made.iter().any(|id| id.len() == 4));
}

#[test]
fn contacts_by_the_wrong_date_property_silently_find_nothing() {
    let mut desk = Desk::new();
    desk.seed("contacts", &[("lastname", "L")]);
    desk.seed("companies", &[("name", "A")]);
    let body =
        filters(json!([{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0"}]));
    let got = desk.post(CONTACTS, body.clone());
    assert_eq!((got.status, &got.body["total"]), (200, &json!(0)));
    assert_eq!(
        desk.post("/crm/v3/objects/companies/search", body).body["total"],
        1
    );
}

#[test]
fn operators_work_as_documented() {
    let mut desk = Desk::new();
    let ann = desk.seed(
        "contacts",
        &[
            ("firstname", "Ann Marie"),
            ("email", "ann@x.co"),
            ("hs_lead_status", "NEW"),
        ],
    );
    let bob = desk.seed("contacts", &[("firstname", "Bob"), ("numemployees", "1-5")]);
    let cases = [
        (
            json!({"propertyName": "firstname", "operator": "EQ", "value": "ANN marie"}),
            vec![&ann],
        ),
        (
            json!({"propertyName": "firstname", "operator": "NEQ", "value": "bob"}),
            vec![&ann],
        ),
        (
            json!({"propertyName": "firstname", "operator": "CONTAINS_TOKEN", "value": "mari*"}),
            vec![&ann],
        ),
        (
            json!({"propertyName": "firstname", "operator": "CONTAINS_TOKEN", "value": "mari"}),
            vec![],
        ),
        (
            json!({"propertyName": "firstname", "operator": "NOT_CONTAINS_TOKEN", "value": "ann"}),
            vec![&bob],
        ),
        (
            json!({"propertyName": "firstname", "operator": "IN", "values": ["bob"]}),
            vec![&bob],
        ),
        (
            json!({"propertyName": "firstname", "operator": "IN", "values": ["Bob"]}),
            vec![],
        ),
        (
            json!({"propertyName": "hs_lead_status", "operator": "EQ", "value": "new"}),
            vec![],
        ),
        (
            json!({"propertyName": "hs_lead_status", "operator": "IN", "values": ["NEW"]}),
            vec![&ann],
        ),
        (
            json!({"propertyName": "email", "operator": "HAS_PROPERTY"}),
            vec![&ann],
        ),
        (
            json!({"propertyName": "email", "operator": "NOT_HAS_PROPERTY"}),
            vec![&bob],
        ),
        (
            json!({"propertyName": "hs_object_id", "operator": "BETWEEN", "value": ann, "highValue": ann}),
            vec![&ann],
        ),
        (
            json!({"propertyName": "createdate", "operator": "LTE", "value": "2026-10-31T00:00:00Z"}),
            vec![&ann, &bob],
        ),
    ];
    for (filter, want) in cases {
        let got = desk.post(CONTACTS, filters(json!([filter])));
        assert_eq!(got.status, 200, "{filter}: {}", got.body);
        assert_eq!(got.ids().iter().collect::<Vec<_>>(), want, "{filter}");
    }
    assert_eq!(
        desk.post(CONTACTS, json!({"query": "marie ANN"})).ids(),
        [ann]
    );
}

#[test]
fn caps_are_kept() {
    let mut desk = Desk::new();
    let one = json!({"propertyName": "email", "operator": "HAS_PROPERTY"});
    let group = |n: usize| json!({"filters": vec![one.clone(); n]});
    let bad = [
        json!({"limit": 201}),
        json!({"limit": 0}),
        json!({"after": "10000"}),
        json!({"filterGroups": vec![group(1); 6]}),
        json!({"filterGroups": [group(7)]}),
        json!({"filterGroups": vec![group(4); 5]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY", "value": ""}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": ""}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "EQ", "value": "1"}]}]}),
        json!({"query": "x".repeat(3_000)}),
        json!({"sorts": [{"propertyName": "email"}, {"propertyName": "phone"}]}),
    ];
    for body in bad {
        let got = desk.post(CONTACTS, body.clone());
        assert_eq!(
            (got.status, &got.body["category"]),
            (400, &json!("VALIDATION_ERROR")),
            "{body}"
        );
    }
    assert_eq!(
        desk.post(CONTACTS, json!({"after": "9999", "limit": 200}))
            .status,
        200
    );
    assert_eq!(
        desk.post(CONTACTS, json!({"sorts": "-email"})).status,
        200,
        "a bare text is ignored"
    );
}

#[test]
fn pages_by_offset_and_default_properties() {
    let mut desk = Desk::new();
    for n in 0..12 {
        desk.seed(
            "companies",
            &[("name", &format!("N{n:02}")), ("phone", "1")],
        );
    }
    let body = json!({"sorts": ["-name"]});
    let got = desk.post("/crm/v3/objects/companies/search", body);
    assert_eq!(
        (&got.body["total"], &got.body["paging"]["next"]["after"]),
        (&json!(12), &json!("10"))
    );
    let first = got.body["results"][0]["properties"].as_object().unwrap();
    assert_eq!(first["name"], "N11");
    let names: Vec<&String> = first.keys().collect();
    assert_eq!(
        names,
        [
            "createdate",
            "domain",
            "hs_lastmodifieddate",
            "hs_object_id",
            "name"
        ]
    );
    let got = desk.post(
        "/crm/v3/objects/companies/search",
        json!({"after": 10, "properties": ["phone"]}),
    );
    assert_eq!(got.body["results"].as_array().unwrap().len(), 2);
    assert!(got.body.get("paging").is_none());
    assert_eq!(got.body["results"][0]["properties"]["phone"], "1");
}

#[test]
fn the_sixth_search_of_a_second_is_refused_and_no_search_carries_rate_headers() {
    let mut desk = Desk::with(PortalSettings {
        retry_after_header: true,
        ..PortalSettings::default()
    });
    for _ in 0..5 {
        let got = desk.call_now("POST", CONTACTS, json!({}));
        assert_eq!(got.status, 200);
        assert!(
            got.raw
                .headers
                .iter()
                .all(|(name, _)| !name.starts_with("X-HubSpot-RateLimit"))
        );
    }
    let got = desk.call_now("POST", CONTACTS, json!({}));
    assert_eq!(
        (got.status, &got.body["policyName"]),
        (429, &json!("SECONDLY"))
    );
    assert_eq!(got.body["message"], "You have reached your secondly limit.");
    assert_eq!(got.header("retry-after"), Some("1"));
    assert_eq!(desk.post(CONTACTS, json!({})).status, 200);
    assert_eq!(desk.portal.rejected()[&429], 1);
}
