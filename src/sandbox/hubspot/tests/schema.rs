//! Properties, groups, pipelines, schemas, account.

use serde_json::{Value, json};

use super::Desk;
use crate::sandbox::hubspot::PortalSettings;

#[test]
fn the_mapped_properties_are_there_with_their_kinds() {
    let mut desk = Desk::new();
    let wanted = [
        ("contacts", "firstname", "string", "text"),
        ("contacts", "phone", "string", "phonenumber"),
        ("contacts", "hs_lead_status", "enumeration", "radio"),
        ("contacts", "lifecyclestage", "enumeration", "radio"),
        ("contacts", "associatedcompanyid", "number", "number"),
        ("contacts", "syncline_salesforce_id", "string", "text"),
        ("companies", "domain", "string", "text"),
        ("companies", "industry", "enumeration", "select"),
        ("companies", "annualrevenue", "number", "number"),
        ("deals", "closedate", "datetime", "date"),
        ("deals", "amount", "number", "number"),
        ("tasks", "hs_timestamp", "datetime", "date"),
    ];
    for (object, name, kind, field_type) in wanted {
        let got = desk.get(&format!("/crm/properties/2026-09/{object}/{name}"));
        assert_eq!(
            (&got.body["type"], &got.body["fieldType"]),
            (&json!(kind), &json!(field_type)),
            "{object}.{name}"
        );
        let group = got.body["groupName"].as_str().unwrap();
        let got = desk.get(&format!("/crm/v3/properties/{object}/groups/{group}"));
        assert_eq!(got.status, 200, "{object}.{name} is in group {group}");
    }
    let got = desk.get("/crm/properties/2026-09/contacts");
    let all = got.body["results"].as_array().unwrap();
    let find = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(
        find("hs_object_id")["modificationMetadata"]["readOnlyValue"],
        true
    );
    assert_eq!(find("hubspot_owner_id")["referencedObjectType"], "OWNER");
    assert_eq!(find("syncline_salesforce_id")["hasUniqueValue"], true);
    assert_eq!(
        find("hs_lead_status")["options"].as_array().unwrap().len(),
        8
    );
    assert_eq!(
        desk.get("/crm/properties/2026-09/contacts/nope").body["category"],
        "OBJECT_NOT_FOUND"
    );
}

#[test]
fn every_property_of_every_object_is_in_a_group_that_exists() {
    let mut desk = Desk::new();
    for object in [
        "contacts",
        "companies",
        "deals",
        "tasks",
        "leads",
        "tickets",
        "notes",
        "calls",
        "emails",
    ] {
        let groups = desk
            .get(&format!("/crm/v3/properties/{object}/groups"))
            .body;
        let all = desk.get(&format!("/crm/v3/properties/{object}")).body;
        for one in all["results"].as_array().unwrap() {
            let found = groups["results"]
                .as_array()
                .unwrap()
                .iter()
                .any(|group| group["name"] == one["groupName"]);
            assert!(found, "{object}.{} is in {}", one["name"], one["groupName"]);
        }
    }
}

#[test]
fn the_key_property_can_be_made_where_it_is_missing() {
    let mut desk = Desk::with(PortalSettings {
        key_property: false,
        ..PortalSettings::default()
    });
    let one = "/crm/properties/2026-09/contacts/syncline_salesforce_id";
    assert_eq!(desk.get(one).status, 404);
    let property = json!({"name": "syncline_salesforce_id", "label": "Key", "type": "string", "fieldType": "text",
        "groupName": "syncline", "hasUniqueValue": true});
    let all = "/crm/properties/2026-09/contacts";
    assert_eq!(
        desk.post(all, property.clone()).status,
        400,
        "its group is missing"
    );
    let group = json!({"name": "syncline", "label": "Syncline", "displayOrder": -1});
    assert_eq!(
        desk.post(&format!("{all}/groups"), group.clone()).status,
        201
    );
    assert_eq!(desk.post(&format!("{all}/groups"), group).status, 409);
    assert_eq!(desk.post(all, property.clone()).status, 201);
    let got = desk.post(all, property);
    assert_eq!(got.status, 409);
    assert_eq!(got.body["category"], "OBJECT_ALREADY_EXISTS");
    assert_eq!(
        got.body["subCategory"],
        "Properties.PROPERTY_WITH_NAME_EXISTS"
    );
    assert_eq!(
        got.body["message"],
        "A property named 'syncline_salesforce_id' already exists."
    );
    desk.make(
        "contacts",
        json!({"lastname": "A", "syncline_salesforce_id": "1"}),
    );
    let twin = json!({"properties": {"lastname": "B", "syncline_salesforce_id": "1"}});
    assert_eq!(desk.post("/crm/objects/2026-09/contacts", twin).status, 400);
    let got = desk.call("DELETE", &format!("{all}/groups/syncline"), Value::Null);
    assert_eq!(
        got.body["subCategory"],
        "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
    );
    assert_eq!(desk.call("DELETE", one, Value::Null).status, 204);
    let body = json!({"properties": {"lastname": "B", "syncline_salesforce_id": "2"}});
    let got = desk.post("/crm/objects/2026-09/contacts", body);
    assert_eq!(got.body["errors"][0]["code"], "PROPERTY_DOESNT_EXIST");
}

#[test]
fn a_patch_replaces_the_options_and_bad_definitions_are_refused() {
    let mut desk = Desk::new();
    let path = "/crm/properties/2026-09/contacts/hs_lead_status";
    let body = json!({"options": [{"label": "Hot", "value": "HOT"}]});
    assert_eq!(
        desk.call("PATCH", path, body).body["options"][0]["value"],
        "HOT"
    );
    let got = desk.call("PATCH", path, json!({"label": "State"}));
    assert_eq!(
        (
            &got.body["label"],
            got.body["options"].as_array().unwrap().len()
        ),
        (&json!("State"), 1)
    );
    desk.make(
        "contacts",
        json!({"lastname": "A", "hs_lead_status": "HOT"}),
    );
    let bad = [
        json!({"name": "Upper", "label": "x", "type": "string", "fieldType": "text", "groupName": "contactinformation"}),
        json!({"name": "a", "label": "x", "type": "string", "fieldType": "number", "groupName": "contactinformation"}),
        json!({"name": "a", "label": "x", "type": "bool", "fieldType": "booleancheckbox", "groupName": "contactinformation",
            "hasUniqueValue": true}),
        json!({"name": "a"}),
    ];
    for body in bad {
        assert_eq!(
            desk.post("/crm/properties/2026-09/contacts", body.clone())
                .status,
            400,
            "{body}"
        );
    }
}

#[test]
fn a_stage_in_use_cannot_be_deleted() {
    let mut desk = Desk::new();
    let got = desk.get("/crm/pipelines/2026-09/deals");
    let stages = got.body["results"][0]["stages"].as_array().unwrap();
    assert_eq!(
        (stages.len(), &stages[5]["metadata"]),
        (7, &json!({"isClosed": "true", "probability": "1.0"}))
    );
    let deal = desk.make(
        "deals",
        json!({"dealname": "D", "dealstage": "qualifiedtobuy"}),
    );
    let got = desk.call(
        "DELETE",
        "/crm/pipelines/2026-09/deals/default/stages/qualifiedtobuy",
        Value::Null,
    );
    assert_eq!(
        (got.status, &got.body["subCategory"]),
        (400, &json!("PipelineError.STAGE_ID_IN_USE"))
    );
    assert_eq!(got.body["context"]["objectIds"], json!([deal]));
    let body = json!({"label": "Trial", "displayOrder": 2, "metadata": {"probability": "0.5"}});
    let made = desk.post("/crm/v3/pipelines/deals/default/stages", body);
    assert_eq!(made.status, 201);
    let path = format!("/crm/v3/pipelines/deals/default/stages/{}", made.id());
    assert_eq!(desk.call("DELETE", &path, Value::Null).status, 204);
    let got = desk.get("/crm/v3/pipelines/contacts");
    assert_eq!(got.body["results"][0]["id"], "contacts-lifecycle-pipeline");
}

#[test]
fn the_account_tells_itself_and_its_usage() {
    let mut desk = Desk::new();
    let got = desk.get("/account-info/2026-09/details");
    assert_eq!(
        (&got.body["portalId"], &got.body["utcOffset"]),
        (&json!(44_237_313), &json!("-05:00"))
    );
    let got = desk.get("/account-info/v3/api-usage/daily/private-apps");
    assert_eq!(got.body["results"][0]["currentUsage"], 2);
    assert_eq!(got.body["results"][0]["resetsAt"], "2026-11-22T05:00:00Z");
    let got = desk.get("/crm/limits/2026-09/custom-properties");
    assert_eq!(got.body["byObjectType"][0]["usage"], 1);
    assert_eq!(
        desk.get("/crm-object-schemas/2026-09/schemas").body,
        json!({"results": []})
    );
    assert_eq!(
        desk.get("/crm-object-schemas/v3/schemas/contacts").body["objectTypeId"],
        "0-1"
    );
}
