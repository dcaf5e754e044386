//! The rules that writes are held to.

use serde_json::{Value, json};

use super::{Desk, colleague, values};
use crate::sandbox::hubspot::{ConditionalRule, PortalSettings};

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

#[test]
fn a_lost_race_for_an_address_has_the_400_form() {
    let mut desk = Desk::new();
    let id = desk.make("contacts", json!({"email": "a@x.co"}));
    desk.portal.set_email_race(true);
    let got = desk.post(
        "/crm/objects/2026-09/contacts",
        json!({"properties": {"email": "A@x.co"}}),
    );
    assert_eq!(
        (got.status, &got.body["category"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    let message = got.body["message"].as_str().unwrap();
    assert!(message.contains("propertyName=email, value=a@x.co}"));
    assert!(message.ends_with(&format!(" {id} already has that value.")));
}

#[test]
fn a_bulk_job_gives_every_record_one_stamp() {
    let mut desk = Desk::new();
    for n in 0..30 {
        desk.seed("contacts", &[("lastname", &n.to_string())]);
    }
    let at = desk.now;
    assert_eq!(
        desk.portal
            .bulk_write(at, "contacts", &values(&[("jobtitle", "X")])),
        30
    );
    let got = desk.get("/crm/objects/2026-09/contacts?limit=100");
    let rows = got.body["results"].as_array().unwrap();
    assert!(
        rows.iter()
            .all(|row| row["updatedAt"] == rows[0]["updatedAt"])
    );
}
