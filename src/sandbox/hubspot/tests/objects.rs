//! Single records.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, colleague, values};
use crate::sandbox::history::{Author, Event};
use crate::sandbox::hubspot::{ConditionalRule, PortalSettings};

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
fn a_taken_address_answers_409_with_the_existing_id_even_for_a_further_address() {
    let mut desk = Desk::new();
    let id = desk.make("contacts", json!({"email": "ann@example.com"}));
    desk.portal
        .add_secondary_email(desk.now, &id, "ann.old@example.com")
        .unwrap();
    for email in ["ANN@example.com ", "ann.old@example.com"] {
        let got = desk.post(
            "/crm/objects/2026-09/contacts",
            json!({"properties": {"email": email}}),
        );
        assert_eq!(got.status, 409);
        assert_eq!(got.body["category"], "CONFLICT");
        assert_eq!(
            got.body["message"],
            format!("Contact already exists. Existing ID: {id}")
        );
    }
    let got = desk.get("/crm/objects/2026-09/contacts/ann.old@example.com?idProperty=email");
    assert_eq!(got.id(), id);
}

#[test]
fn a_unique_value_is_refused_ignoring_case_and_free_again_after_archive() {
    let mut desk = Desk::new();
    let id = desk.make(
        "companies",
        json!({"name": "A", "syncline_salesforce_id": "001xAB"}),
    );
    let body = json!({"properties": {"name": "B", "syncline_salesforce_id": "001XAB"}});
    let got = desk.post("/crm/objects/2026-09/companies", body.clone());
    assert_eq!(got.status, 400);
    let message = got.body["message"].as_str().unwrap();
    assert!(message.starts_with("Cannot set PropertyValueCoordinates{portalId=44237313, objectTypeId=ObjectTypeId{legacyObjectType=COMPANY}, propertyName=syncline_salesforce_id, value=001XAB} on "));
    assert!(message.ends_with(&format!(". {id} already has that value.")));
    desk.call(
        "DELETE",
        &format!("/crm/objects/2026-09/companies/{id}"),
        Value::Null,
    );
    assert_eq!(
        desk.post("/crm/objects/2026-09/companies", body).status,
        201
    );
    let twice = desk.portal.created_twice();
    assert_eq!(
        (twice.len(), twice[0].key.as_str(), twice[0].ids.len()),
        (1, "001xab", 2)
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
fn the_lifecycle_stage_only_rises_for_the_api_unless_it_is_cleared_first() {
    let mut desk = Desk::new();
    let id = desk.make(
        "contacts",
        json!({"lastname": "Lee", "lifecyclestage": "customer"}),
    );
    let path = format!("/crm/objects/2026-09/contacts/{id}");
    let got = desk.call(
        "PATCH",
        &path,
        json!({"properties": {"lifecyclestage": "lead"}}),
    );
    assert_eq!(
        (got.status, &got.body["properties"]["lifecyclestage"]),
        (200, &json!("customer"))
    );
    desk.call(
        "PATCH",
        &path,
        json!({"properties": {"lifecyclestage": ""}}),
    );
    desk.call(
        "PATCH",
        &path,
        json!({"properties": {"lifecyclestage": "lead"}}),
    );
    assert_eq!(desk.read("contacts", &id, "lifecyclestage"), "lead");
    desk.portal
        .edit(
            desk.now,
            colleague(),
            "contacts",
            &id,
            values(&[("lifecyclestage", "subscriber")]),
        )
        .unwrap();
    assert_eq!(
        desk.read("contacts", &id, "lifecyclestage"),
        "subscriber",
        "a person may go back"
    );
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

#[test]
fn required_and_conditional_properties_hold_in_2026_09_only() {
    let mut settings = PortalSettings::default();
    settings
        .required_on_create
        .insert("contacts".into(), vec!["firstname".into()]);
    settings.conditional_required.push(ConditionalRule {
        object: "contacts".into(),
        when: "hs_lead_status".into(),
        equals: "UNQUALIFIED".into(),
        required: "message".into(),
    });
    let mut desk = Desk::with(settings);
    let body = json!({"properties": {"lastname": "Lee"}});
    let got = desk.post("/crm/objects/2026-09/contacts", body.clone());
    assert_eq!(
        (got.status, &got.body["errors"][0]["code"]),
        (400, &json!("MISSING_REQUIRED_PROPERTY"))
    );
    assert_eq!(
        got.body["errors"][0]["message"],
        "A value for firstname must be provided"
    );
    assert_eq!(
        got.body["message"],
        "The property values provided are invalid"
    );
    let made = desk.post("/crm/v3/objects/contacts", body);
    assert_eq!(made.status, 201);
    let path = format!("/crm/objects/2026-09/contacts/{}", made.id());
    let got = desk.call(
        "PATCH",
        &path,
        json!({"properties": {"hs_lead_status": "UNQUALIFIED"}}),
    );
    assert_eq!(
        got.body["errors"][0]["code"],
        "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
    );
}

#[test]
fn a_stage_must_belong_to_the_pipeline_and_a_won_deal_makes_customers() {
    let mut desk = Desk::new();
    let company = desk.make("companies", json!({"name": "Acme"}));
    let body = json!({"properties": {"dealname": "D", "dealstage": "registered"}});
    let got = desk.post("/crm/objects/2026-09/deals", body);
    let message = got.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("registered is not a valid pipeline stage ID. Valid options are: pipelineId=default : [appointmentscheduled, "));
    let body = json!({"properties": {"dealname": "D", "dealstage": "contractsent"},
        "associations": [{"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]}]});
    let deal = desk.post("/crm/objects/2026-09/deals", body).id();
    assert_eq!(desk.read("deals", &deal, "pipeline"), "default");
    let path = format!("/crm/objects/2026-09/deals/{deal}");
    desk.call(
        "PATCH",
        &path,
        json!({"properties": {"dealstage": "closedwon"}}),
    );
    assert_eq!(desk.read("deals", &deal, "hs_is_closed_won"), "true");
    assert!(desk.read("deals", &deal, "closedate").is_string());
    assert_eq!(
        desk.read("companies", &company, "lifecyclestage"),
        "customer"
    );
}

#[test]
fn owners_are_checked_and_listed_by_email() {
    let mut desk = Desk::new();
    let id = desk.make(
        "contacts",
        json!({"lastname": "Lee", "hubspot_owner_id": "41629779"}),
    );
    assert!(
        desk.read("contacts", &id, "hubspot_owner_assigneddate")
            .is_string()
    );
    let path = format!("/crm/objects/2026-09/contacts/{id}");
    let got = desk.call(
        "PATCH",
        &path,
        json!({"properties": {"hubspot_owner_id": "999"}}),
    );
    assert_eq!(got.body["errors"][0]["message"], "Owner 999 does not exist");
    let got = desk.get("/crm/v3/owners?email=ADA@example.com");
    assert_eq!(
        (
            &got.body["results"][0]["id"],
            &got.body["results"][0]["userId"]
        ),
        (&json!("41629779"), &json!(9_586_504))
    );
    assert!(desk.portal.archive_owner("41629779"));
    assert!(
        desk.get("/crm/owners/2026-09").body["results"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let got = desk.get("/crm/owners/2026-09/41629779?archived=true");
    assert_eq!((got.status, &got.body["userId"]), (200, &Value::Null));
}

#[test]
fn a_misformed_date_is_warned_of_in_2026_09() {
    let mut desk = Desk::new();
    let property = json!({"name": "renewal", "label": "Renewal", "type": "date", "fieldType": "date",
        "groupName": "contactinformation"});
    assert_eq!(
        desk.post("/crm/properties/2026-09/contacts", property)
            .status,
        201
    );
    let body = json!({"properties": {"lastname": "L", "renewal": "2026-02-03T10:00:00Z"}});
    let got = desk.post("/crm/objects/2026-09/contacts", body.clone());
    assert_eq!(got.status, 201);
    assert_eq!(
        got.body["warnings"][0]["category"],
        "PROPERTY_VALUE_NORMALIZED"
    );
    assert_eq!(
        got.body["warnings"][0]["context"]["normalizedValue"],
        json!(["2026-02-03"])
    );
    let got = desk.post("/crm/v3/objects/contacts", body);
    assert_eq!(
        (got.status, &got.body["errors"][0]["code"]),
        (400, &json!("INVALID_DATE"))
    );
}
