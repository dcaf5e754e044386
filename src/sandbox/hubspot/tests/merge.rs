//! Merges.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Desk, colleague};
use crate::sandbox::history::Event;

#[test]
fn a_merge_makes_a_new_id_that_both_old_ones_answer_with() {
    let mut desk = Desk::new();
    let a = desk.make(
        "contacts",
        json!({"email": "a@x.co", "lastname": "Lee", "lifecyclestage": "lead"}),
    );
    let b = desk.make(
        "contacts",
        json!({"email": "b@x.co", "phone": "7", "lifecyclestage": "customer"}),
    );
    let company = desk.make("companies", json!({"name": "Acme"}));
    desk.portal.associate(
        desk.now,
        colleague(),
        "contacts",
        &b,
        "companies",
        &company,
        false,
    );
    desk.portal.settle_index();
    let got = desk.post(
        "/crm/objects/2026-09/contacts/merge",
        json!({"primaryObjectId": a, "objectIdToMerge": b}),
    );
    assert_eq!(got.status, 200, "{}", got.body);
    let id = got.id();
    assert!(id != a && id != b);
    let names =
        "email,phone,hs_merged_object_ids,hs_additional_emails,lifecyclestage,associatedcompanyid";
    for old in [&a, &b] {
        let got = desk.get(&format!(
            "/crm/objects/2026-09/contacts/{old}?properties={names}"
        ));
        assert_eq!(got.id(), id);
        let properties = &got.body["properties"];
        assert_eq!(properties["email"], "a@x.co");
        assert_eq!(properties["phone"], "7");
        assert_eq!(properties["hs_additional_emails"], "b@x.co");
        assert_eq!(properties["hs_merged_object_ids"], format!("{a};{b}"));
        assert_eq!(properties["lifecyclestage"], "customer");
        assert_eq!(properties["associatedcompanyid"], company);
    }
    let body = json!({"inputs": [{"id": a}, {"id": b}]});
    assert_eq!(
        desk.post("/crm/v3/objects/contacts/batch/read", body).ids(),
        [id.clone(), id.clone()]
    );
    assert_eq!(
        desk.get("/crm/objects/2026-09/contacts").ids(),
        std::slice::from_ref(&id)
    );
    assert!(
        desk.get("/crm/objects/2026-09/contacts?archived=true")
            .ids()
            .is_empty()
    );
    desk.now += Duration::seconds(20);
    assert_eq!(
        desk.post("/crm/objects/2026-09/contacts/search", json!({}))
            .ids(),
        std::slice::from_ref(&id)
    );
    let got = desk.post(
        "/crm/objects/2026-09/contacts",
        json!({"properties": {"email": "b@x.co"}}),
    );
    assert_eq!(
        got.body["message"],
        format!("Contact already exists. Existing ID: {id}")
    );
    let past = desk.portal.history("contacts", &b).unwrap();
    assert_eq!(
        past.versions.last().unwrap().event,
        Event::MergedInto(id.clone())
    );
    assert_eq!(
        desk.portal.created()["contacts"].api,
        2,
        "a merge makes no record"
    );
    let path = format!("/crm/objects/2026-09/contacts/{a}");
    assert_eq!(
        desk.call("PATCH", &path, json!({"properties": {"phone": "8"}}))
            .id(),
        id
    );
    assert_eq!(desk.call("DELETE", &path, Value::Null).status, 204);
    assert_eq!(desk.get(&path).status, 404);
}

#[test]
fn a_record_cannot_be_merged_with_itself_or_a_missing_one() {
    let mut desk = Desk::new();
    let a = desk.make("companies", json!({"name": "A"}));
    let path = "/crm/objects/2026-09/companies/merge";
    assert_eq!(
        desk.post(path, json!({"primaryObjectId": a, "objectIdToMerge": a}))
            .status,
        400
    );
    assert_eq!(
        desk.post(path, json!({"primaryObjectId": a, "objectIdToMerge": "7"}))
            .status,
        404
    );
    assert_eq!(
        desk.get(&format!("/crm/objects/2026-09/companies/{a}"))
            .status,
        200
    );
}

#[test]
fn merging_the_companies_of_a_contact_repoints_it_without_moving_its_stamp() {
    let mut desk = Desk::new();
    let a = desk.make("companies", json!({"name": "A"}));
    let b = desk.make("companies", json!({"name": "B"}));
    let contact = desk.make(
        "contacts",
        json!({"lastname": "L", "associatedcompanyid": b}),
    );
    let before = desk.read("contacts", &contact, "lastmodifieddate");
    let id = desk
        .portal
        .merge(desk.now, colleague(), "companies", &a, &b)
        .unwrap();
    assert_eq!(desk.read("contacts", &contact, "associatedcompanyid"), id);
    assert_eq!(
        desk.portal.partners("contacts", &contact, "companies"),
        [id]
    );
    assert_eq!(desk.read("contacts", &contact, "lastmodifieddate"), before);
}

#[test]
fn a_key_stamped_again_after_a_merge_is_not_counted_as_made_twice() {
    let mut desk = Desk::new();
    let a = desk.make(
        "contacts",
        json!({"lastname": "A", "syncline_salesforce_id": "1"}),
    );
    let b = desk.make(
        "contacts",
        json!({"lastname": "B", "syncline_salesforce_id": "2"}),
    );
    let id = desk
        .portal
        .merge(desk.now, colleague(), "contacts", &a, &b)
        .unwrap();
    let path = format!("/crm/objects/2026-09/contacts/{id}");
    let got = desk.call(
        "PATCH",
        &path,
        json!({"properties": {"syncline_salesforce_id": "2"}}),
    );
    assert_eq!(got.status, 200, "the loser's key is free");
    assert!(desk.portal.created_twice().is_empty());
}
