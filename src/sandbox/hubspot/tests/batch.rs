//! Batch calls.

use serde_json::{Value, json};

use super::Desk;
use crate::sandbox::hubspot::PortalSettings;

const CONTACTS: &str = "/crm/objects/2026-09/contacts/batch";

#[test]
fn with_trace_ids_the_good_ones_are_kept_and_the_bad_ones_named() {
    let mut desk = Desk::new();
    let holder = desk.make("contacts", json!({"email": "a@x.co"}));
    let body = json!({"inputs": [
        {"properties": {"email": "b@x.co"}, "objectWriteTraceId": "t1"},
        {"properties": {"email": "a@x.co"}, "objectWriteTraceId": "t2"},
        {"properties": {"email": "nonsense", "foo": "1"}, "objectWriteTraceId": "t3"},
        {"properties": {"email": "b@x.co"}, "objectWriteTraceId": "t4"},
    ]});
    let got = desk.post(&format!("{CONTACTS}/create"), body);
    assert_eq!(
        (got.status, &got.body["numErrors"], &got.body["status"]),
        (207, &json!(3), &json!("COMPLETE"))
    );
    assert_eq!(got.body["results"].as_array().unwrap().len(), 1);
    assert_eq!(got.body["results"][0]["objectWriteTraceId"], "t1");
    let errors = got.body["errors"].as_array().unwrap();
    assert_eq!(errors[0]["category"], "CONFLICT");
    assert_eq!(
        errors[0]["message"],
        format!("Contact already exists. Existing ID: {holder}")
    );
    assert_eq!(errors[0]["context"]["objectWriteTraceId"], json!(["t2"]));
    assert_eq!(errors[1]["category"], "VALIDATION_ERROR");
    assert_eq!(
        errors[2]["context"]["objectWriteTraceId"],
        json!(["t4"]),
        "a twin in the same batch"
    );
    assert_eq!(desk.portal.ids("contacts").len(), 2);
}

#[test]
fn without_trace_ids_one_bad_input_fails_the_whole_call() {
    let mut desk = Desk::new();
    let body =
        json!({"inputs": [{"properties": {"email": "a@x.co"}}, {"properties": {"nope": "1"}}]});
    let got = desk.post(&format!("{CONTACTS}/create"), body);
    assert_eq!(
        (got.status, &got.body["category"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    let body = json!({"inputs": [{"properties": {"email": "a@x.co"}}, {"properties": {"email": "A@x.co"}}]});
    let got = desk.post(&format!("{CONTACTS}/create"), body);
    assert_eq!(
        (got.status, &got.body["message"]),
        (409, &json!("Contact already exists"))
    );
    assert!(desk.portal.ids("contacts").is_empty());
    let body = json!({"inputs": [
        {"properties": {"email": "a@x.co"}, "objectWriteTraceId": "t"},
        {"properties": {"nope": "1"}, "objectWriteTraceId": "t"},
    ]});
    assert_eq!(
        desk.post(&format!("{CONTACTS}/create"), body).status,
        400,
        "equal trace ids count as none"
    );
}

#[test]
fn the_partial_status_can_be_200() {
    let mut desk = Desk::with(PortalSettings {
        partial_status_207: false,
        ..PortalSettings::default()
    });
    let got = desk.post(
        &format!("{CONTACTS}/read"),
        json!({"inputs": [{"id": "77"}]}),
    );
    assert_eq!((got.status, &got.body["numErrors"]), (200, &json!(1)));
}

#[test]
fn a_read_names_the_missing_ids_in_one_error() {
    let mut desk = Desk::new();
    let id = desk.make("companies", json!({"name": "A"}));
    let body = json!({"inputs": [{"id": id}, {"id": "77"}, {"id": "x"}], "properties": ["name"]});
    let got = desk.post("/crm/v3/objects/companies/batch/read", body);
    assert_eq!(got.status, 207);
    assert_eq!(got.ids(), [id]);
    assert_eq!(got.body["numErrors"], 1);
    assert_eq!(
        got.body["errors"][0],
        json!({"status": "error", "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some COMPANY objects, they may be deleted or not exist. Check that ids are valid.",
            "context": {"ids": ["77", "x"]}})
    );
}

#[test]
fn a_read_by_unique_value_and_by_email_finds_records() {
    let mut desk = Desk::new();
    let id = desk.make(
        "contacts",
        json!({"email": "a@x.co", "syncline_salesforce_id": "003A"}),
    );
    for (property, value) in [("email", "A@X.co"), ("syncline_salesforce_id", "003a")] {
        let body = json!({"inputs": [{"id": value}], "idProperty": property, "properties": []});
        assert_eq!(
            desk.post(&format!("{CONTACTS}/read"), body).ids(),
            std::slice::from_ref(&id)
        );
    }
    let body = json!({"inputs": [{"id": "z"}], "idProperty": "syncline_salesforce_id"});
    let got = desk.post(&format!("{CONTACTS}/read"), body);
    assert_eq!(
        got.body["errors"][0]["context"]["missingObjectPropertyValueCoordinates"],
        json!(["z"])
    );
}

#[test]
fn size_and_twins_are_refused() {
    let mut desk = Desk::new();
    let many: Vec<Value> = (0..101).map(|n| json!({"id": n.to_string()})).collect();
    assert_eq!(
        desk.post(&format!("{CONTACTS}/read"), json!({"inputs": many}))
            .status,
        400
    );
    let fewer: Vec<Value> = (0..51).map(|n| json!({"id": n.to_string()})).collect();
    let body = json!({"inputs": fewer, "propertiesWithHistory": ["email"]});
    assert_eq!(desk.post(&format!("{CONTACTS}/read"), body).status, 400);
    let one = json!({"id": "123456", "properties": {}});
    let got = desk.post(&format!("{CONTACTS}/update"), json!({"inputs": [one, one]}));
    assert_eq!(got.status, 400);
    assert_eq!(
        got.body["message"],
        "Duplicate IDs found in batch input: [123456]. IDs must be unique"
    );
    assert_eq!(got.body["context"]["ids"], json!(["123456"]));
}

#[test]
fn an_upsert_by_the_key_makes_once_and_then_updates() {
    let mut desk = Desk::new();
    let body = |title: &str| {
        json!({"inputs": [{"id": "003xA", "idProperty": "syncline_salesforce_id", "objectWriteTraceId": "t",
            "properties": {"lastname": "Lee", "jobtitle": title}}]})
    };
    let first = desk.post(&format!("{CONTACTS}/upsert"), body("A"));
    assert_eq!(
        (first.status, &first.body["results"][0]["new"]),
        (200, &json!(true))
    );
    let second = desk.post(&format!("{CONTACTS}/upsert"), body("B"));
    assert_eq!(second.body["results"][0]["new"], false);
    assert_eq!(first.ids(), second.ids());
    assert_eq!(
        desk.read("contacts", &first.ids()[0], "syncline_salesforce_id"),
        "003xA"
    );
    let body = json!({"inputs": [{"id": "Lee", "idProperty": "lastname", "properties": {}}]});
    let got = desk.post(&format!("{CONTACTS}/upsert"), body);
    assert_eq!(
        got.body["message"],
        "Unable to perform update/upsert by non-unique 0-1 property"
    );
    assert!(desk.portal.created_twice().is_empty());
}

#[test]
fn an_update_takes_ids_or_the_key_but_no_email() {
    let mut desk = Desk::new();
    desk.make(
        "contacts",
        json!({"email": "a@x.co", "syncline_salesforce_id": "003A"}),
    );
    let body = |property: &str, id: &str| json!({"inputs": [{"id": id, "idProperty": property, "properties": {"phone": "1"}, "objectWriteTraceId": "t"}]});
    assert_eq!(
        desk.post(
            &format!("{CONTACTS}/update"),
            body("syncline_salesforce_id", "003a")
        )
        .status,
        200
    );
    let got = desk.post(&format!("{CONTACTS}/update"), body("email", "a@x.co"));
    assert_eq!((got.status, &got.body["numErrors"]), (207, &json!(1)));
    let got = desk.post(
        &format!("{CONTACTS}/update"),
        json!({"inputs": [{"id": "9", "properties": {}, "objectWriteTraceId": "t"}]}),
    );
    assert_eq!(got.body["errors"][0]["category"], "OBJECT_NOT_FOUND");
}

#[test]
fn results_come_in_another_order_than_the_inputs_and_always_the_same() {
    let run = || {
        let mut desk = Desk::new();
        let inputs: Vec<Value> = (0..20)
            .map(|n| json!({"properties": {"lastname": n.to_string()}, "objectWriteTraceId": n.to_string()}))
            .collect();
        let got = desk.post(&format!("{CONTACTS}/create"), json!({"inputs": inputs}));
        assert_eq!(got.status, 201);
        got.ids()
    };
    let ids = run();
    assert_eq!(ids, run());
    assert!(!ids.is_sorted_by_key(|id| id.parse::<u64>().unwrap()));
    let numbers: Vec<u64> = ids.iter().map(|id| id.parse().unwrap()).collect();
    let span = numbers.iter().max().unwrap() - numbers.iter().min().unwrap();
    assert!(span > 20, "ids are not dense");
}

#[test]
fn an_archive_takes_known_and_unknown_ids() {
    let mut desk = Desk::new();
    let id = desk.make("contacts", json!({"lastname": "L"}));
    let got = desk.post(
        &format!("{CONTACTS}/archive"),
        json!({"inputs": [{"id": id}, {"id": "7"}]}),
    );
    assert_eq!((got.status, got.raw.body.len()), (204, 0));
    assert!(desk.portal.ids("contacts").is_empty());
}
