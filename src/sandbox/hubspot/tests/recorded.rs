//! The shapes of answers against those that were recorded from real portals (keys shortened to what matters here).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Desk;
use crate::sandbox::http::{Request, Vendor};

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_property_has_every_key_of_a_recorded_one() {
    let recorded = [
        "updatedAt",
        "createdAt",
        "name",
        "label",
        "type",
        "fieldType",
        "description",
        "groupName",
        "options",
        "displayOrder",
        "calculated",
        "externalOptions",
        "hasUniqueValue",
        "hidden",
        "hubspotDefined",
        "modificationMetadata",
        "formField",
        "dataSensitivity",
    ];
    let mut desk = Desk::new();
    let got = desk.get("/crm/v3/properties/contacts/address");
    assert!(keys(&got.body).is_superset(&recorded.into()));
    let metadata = keys(&got.body["modificationMetadata"])
        .into_iter()
        .collect::<Vec<_>>();
    assert_eq!(
        metadata,
        ["archivable", "readOnlyDefinition", "readOnlyValue"]
    );
}

#[test]
fn a_created_contact_has_the_values_of_a_recorded_one() {
    let recorded = [
        "createdate",
        "email",
        "firstname",
        "hs_all_contact_vids",
        "hs_email_domain",
        "hs_is_contact",
        "hs_is_unworked",
        "hs_object_id",
        "hs_object_source",
        "hs_object_source_id",
        "hs_object_source_label",
        "hs_pipeline",
        "lastmodifieddate",
        "lastname",
        "lifecyclestage",
    ];
    let mut desk = Desk::new();
    let body = json!({"properties": {"email": "test@example.org", "firstname": "Test", "lastname": "User"}});
    let got = desk.post("/crm/v3/objects/contacts", body);
    assert_eq!(keys(&got.body["properties"]), recorded.into());
    assert_eq!(
        keys(&got.body),
        [
            "archived",
            "createdAt",
            "id",
            "properties",
            "updatedAt",
            "url"
        ]
        .into()
    );
    let got = desk.post(
        "/crm/v3/objects/companies",
        json!({"properties": {"name": "ACME", "domain": "acme.com"}}),
    );
    assert_eq!(
        got.body["properties"]["hs_pipeline"],
        "companies-lifecycle-pipeline"
    );
    assert_eq!(desk.read("companies", &got.id(), "website"), "acme.com");
}

#[test]
fn a_list_and_an_account_have_the_recorded_keys() {
    let mut desk = Desk::new();
    for n in 0..2 {
        desk.make("contacts", json!({"lastname": n.to_string()}));
    }
    let got = desk.get("/crm/v3/objects/contacts?limit=1");
    let next = &got.body["paging"]["next"];
    let link = next["link"].as_str().unwrap();
    let after = next["after"].as_str().unwrap();
    assert_eq!(
        link,
        format!("https://api.hubapi.com/crm/v3/objects/contacts?limit=1&after={after}")
    );
    assert_eq!(
        keys(&got.body["results"][0]["properties"]),
        [
            "createdate",
            "email",
            "firstname",
            "hs_object_id",
            "lastmodifieddate",
            "lastname"
        ]
        .into()
    );
    let account = [
        "portalId",
        "accountType",
        "timeZone",
        "companyCurrency",
        "additionalCurrencies",
        "utcOffset",
        "utcOffsetMilliseconds",
        "uiDomain",
        "dataHostingLocation",
    ];
    let got = desk.get("/account-info/v3/details");
    assert!(keys(&got.body).is_superset(&account.into()));
}

#[test]
fn addresses_in_answers_stay_on_the_host_that_was_asked() {
    let mut desk = Desk::new();
    for n in 0..2 {
        desk.make("contacts", json!({"lastname": n.to_string()}));
    }
    let request = Request {
        method: "GET".into(),
        path: "/crm/v3/objects/contacts".into(),
        query: vec![("limit".into(), "1".into())],
        headers: vec![
            ("authorization".into(), format!("Bearer {}", desk.token)),
            ("host".into(), "127.0.0.1:40002".into()),
        ],
        body: Vec::new(),
    };
    let raw = desk.portal.handle(desk.now, &request);
    let body: Value = serde_json::from_slice(&raw.body).unwrap();
    let link = body["paging"]["next"]["link"].as_str().unwrap();
    assert!(link.starts_with("http://127.0.0.1:40002/crm/v3/objects/contacts?limit=1&after="));
}
