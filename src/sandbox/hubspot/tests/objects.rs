//! Single records.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, colleague, values};
use crate::sandbox::history::{Author, Event};
use crate::sandbox::hubspot::PortalSettings;

#[test]
fn a_create_answers_the_record_with_its_system_values_sorted() {
    let mut desk = Desk::new();
    let got = desk.post(
        "/crm/objects/2026-09/contacts",
        json!({"properties": {"email": "Ann@Example.COM", "lastname": "Lee", "firstname": null}}),
    );
    assert_eq!(got.status, 201);
    let properties = got.body["properties"].as_object().unwrap();
    assert_eq!(properties["email"], "ann@example.com");
    assert_eq!(properties["lifecyclestage"], "lead");
    assert_eq!(properties["hs_object_source"], "INTEGRATION");
    assert_eq!(properties["lastmodifieddate"], "2026-11-21T17:00:01.250Z");
    assert_eq!(got.body["updatedAt"], "2026-11-21T17:00:01.250Z");
    assert!(!properties.contains_key("firstname"), "null is ignored");
    assert!(properties.keys().is_sorted());
    assert!(
        got.header("Location")
            .unwrap()
            .ends_with(&format!("/contacts/{}", got.id()))
    );
    let url = format!(
        "https://app.hubspot.com/contacts/44237313/record/0-1/{}",
        got.id()
    );
    assert_eq!(got.body["url"], url);
}

#[test]
fn both_path_families_answer_the_same_record() {
    let mut desk = Desk::new();
    let id = desk.make(
        "companies",
        json!({"name": "Acme", "domain": "https://acme.com/x"}),
    );
    for path in [
        "/crm/objects/2026-09/companies/",
        "/crm/v3/objects/company/",
        "/crm/v3/objects/0-2/",
    ] {
        let got = desk.get(&format!("{path}{id}"));
        assert_eq!(
            (got.status, &got.body["properties"]["domain"]),
            (200, &json!("acme.com")),
            "{path}"
        );
    }
    let got = desk.get("/crm/v3/objects/butterflies");
    assert_eq!(
        (got.status, &got.body["message"]),
        (400, &json!("Unable to infer object type from: butterflies"))
    );
}

#[test]
fn lists_page_by_id_and_stop_without_paging() {
    let mut desk = Desk::new();
    let made: Vec<String> = (0..25)
        .map(|n| desk.seed("contacts", &[("lastname", &n.to_string())]))
        .collect();
    let (mut seen, mut path) = (
        Vec::new(),
        "/crm/objects/2026-09/contacts?limit=10".to_owned(),
    );
    loop {
        let got = desk.get(&path);
        seen.extend(got.ids());
        let Some(after) = got.body["paging"]["next"]["after"].as_str() else {
            break;
        };
        assert!(
            got.body["paging"]["next"]["link"]
                .as_str()
                .unwrap()
                .contains("limit=10")
        );
        path = format!("/crm/objects/2026-09/contacts?limit=10&after={after}");
    }
    assert_eq!(seen, made);
    assert_eq!(
        desk.get("/crm/objects/2026-09/contacts?limit=101").status,
        400
    );
    assert_eq!(
        desk.get("/crm/objects/2026-09/contacts?limit=100&propertiesWithHistory=email")
            .status,
        400
    );
    assert_eq!(
        desk.get("/crm/objects/2026-09/contacts?limit=50&propertiesWithHistory=email")
            .status,
        200
    );
}

#[test]
fn an_empty_value_reads_null_when_never_set_and_blank_when_cleared() {
    let mut desk = Desk::new();
    let id = desk.make("contacts", json!({"lastname": "Lee", "phone": "1"}));
    assert_eq!(desk.read("contacts", &id, "jobtitle"), Value::Null);
    let path = format!("/crm/objects/2026-09/contacts/{id}");
    desk.call("PATCH", &path, json!({"properties": {"phone": null}}));
    assert_eq!(
        desk.read("contacts", &id, "phone"),
        "1",
        "null does not clear"
    );
    desk.call("PATCH", &path, json!({"properties": {"phone": ""}}));
    assert_eq!(desk.read("contacts", &id, "phone"), "");
    let got = desk.get(&format!("{path}?properties=phone,nonsense"));
    assert!(
        got.body["properties"].get("nonsense").is_none(),
        "an unknown name is ignored on reads"
    );
}

#[test]
fn all_problems_of_a_record_come_in_one_answer_of_the_exact_shape() {
    let mut desk = Desk::new();
    let got = desk.post(
        "/crm/objects/2026-09/contacts",
        json!({"properties": {"description": "x", "email": "dsfsafas@", "hs_object_id": "7", "lastname": "Lee"}}),
    );
    assert_eq!(got.status, 400);
    assert_eq!(got.body["category"], "VALIDATION_ERROR");
    let codes: Vec<&str> = got.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        ["PROPERTY_DOESNT_EXIST", "INVALID_EMAIL", "READ_ONLY_VALUE"]
    );
    let message = got.body["message"].as_str().unwrap();
    let list = message
        .strip_prefix("Property values were not valid: ")
        .unwrap();
    let list: Value = serde_json::from_str(list).unwrap();
    assert_eq!(
        list[0],
        json!({"isValid": false, "message": "Property \"description\" does not exist", "error": "PROPERTY_DOESNT_EXIST",
               "name": "description", "localizedErrorMessage": "Property \"description\" does not exist",
               "portalId": 44_237_313})
    );
    assert_eq!(
        got.body["errors"][0]["context"]["propertyName"],
        json!(["description"])
    );
}

#[test]
fn two_companies_may_have_one_domain() {
    let mut desk = Desk::new();
    let body = json!({"name": "Acme", "domain": "acme.com"});
    assert_ne!(
        desk.make("companies", body.clone()),
        desk.make("companies", body)
    );
    let got = desk.get("/crm/objects/2026-09/companies/acme.com?idProperty=domain");
    assert_eq!(got.status, 400);
}

#[test]
fn an_archived_record_is_gone_but_listed_as_archived_with_its_old_stamp() {
    let mut desk = Desk::new();
    let id = desk.make("contacts", json!({"lastname": "Lee"}));
    let path = format!("/crm/objects/2026-09/contacts/{id}");
    let before = desk.get(&path).body["updatedAt"].clone();
    assert_eq!(desk.call("DELETE", &path, Value::Null).status, 204);
    assert_eq!(
        desk.call("DELETE", &path, Value::Null).status,
        204,
        "again, and unknown ids too"
    );
    let got = desk.get(&path);
    assert_eq!(
        (got.status, &got.body["message"]),
        (404, &json!("resource not found"))
    );
    assert!(got.body.get("category").is_none());
    let got = desk.get("/crm/objects/2026-09/contacts?archived=true");
    assert_eq!(got.ids(), std::slice::from_ref(&id));
    let row = &got.body["results"][0];
    assert_eq!(
        (&row["archived"], &row["updatedAt"]),
        (&json!(true), &before)
    );
    assert!(row["archivedAt"].is_string());
    assert!(desk.get("/crm/objects/2026-09/contacts").ids().is_empty());
    let history = desk.portal.history("contacts", &id).unwrap();
    assert_eq!(history.versions.last().unwrap().event, Event::Deleted);
}

#[test]
fn a_non_numeric_id_has_its_own_404() {
    let got = Desk::new().get("/crm/objects/2026-09/contacts/foo");
    assert_eq!(got.status, 404);
    assert_eq!(
        got.body["message"],
        "Object not found.  objectId are usually numeric."
    );
    assert_eq!(got.body["category"], "OBJECT_NOT_FOUND");
}

#[test]
fn versions_name_their_source_newest_first() {
    let mut desk = Desk::new();
    let start = desk.now - Duration::days(9);
    let past = vec![
        (
            start,
            Author::World,
            values(&[("lastname", "Lee"), ("jobtitle", "A")]),
        ),
        (
            start + Duration::days(1),
            colleague(),
            values(&[("jobtitle", "B")]),
        ),
    ];
    let id = desk.portal.seed("contacts", past);
    let path = format!("/crm/objects/2026-09/contacts/{id}?propertiesWithHistory=jobtitle");
    desk.call("PATCH", &path, json!({"properties": {"jobtitle": "C"}}));
    let got = desk.get(&path);
    let past = got.body["propertiesWithHistory"]["jobtitle"]
        .as_array()
        .unwrap();
    let rows: Vec<(&str, &str, &str)> = past
        .iter()
        .map(|row| {
            (
                row["value"].as_str().unwrap(),
                row["sourceType"].as_str().unwrap(),
                row["sourceId"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("C", "INTEGRATION", "19083857"),
            ("B", "CRM_UI", "userId:9586504"),
            ("A", "IMPORT", "1")
        ]
    );
    assert_eq!(past[1]["updatedByUserId"], 9_586_504);
    for n in 0..60 {
        desk.call(
            "PATCH",
            &path,
            json!({"properties": {"jobtitle": n.to_string()}}),
        );
    }
    let got = desk.get(&path);
    assert_eq!(
        got.body["propertiesWithHistory"]["jobtitle"]
            .as_array()
            .unwrap()
            .len(),
        45
    );
}

#[test]
fn an_equal_write_moves_the_stamp_unless_switched_off() {
    for (bumps, moved) in [(true, true), (false, false)] {
        let mut desk = Desk::with(PortalSettings {
            equal_write_bumps: bumps,
            ..PortalSettings::default()
        });
        let id = desk.make("contacts", json!({"lastname": "Lee"}));
        let path = format!("/crm/objects/2026-09/contacts/{id}");
        let before = desk.get(&path).body["updatedAt"].clone();
        desk.call("PATCH", &path, json!({"properties": {"lastname": "Lee"}}));
        assert_eq!(desk.get(&path).body["updatedAt"] != before, moved);
    }
}
