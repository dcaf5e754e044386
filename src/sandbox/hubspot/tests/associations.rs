//! Associations.

use serde_json::{Value, json};

use super::Desk;

fn three(desk: &mut Desk) -> (String, String, String) {
    (
        desk.make("contacts", json!({"lastname": "L"})),
        desk.make("companies", json!({"name": "A"})),
        desk.make("companies", json!({"name": "B"})),
    )
}

#[test]
fn the_first_company_becomes_primary_and_a_new_primary_demotes_it() {
    let mut desk = Desk::new();
    let (contact, a, b) = three(&mut desk);
    let stamp = desk.read("contacts", &contact, "lastmodifieddate");
    for company in [&a, &b] {
        let path = format!(
            "/crm/objects/2026-09/contacts/{contact}/associations/default/companies/{company}"
        );
        let got = desk.call("PUT", &path, Value::Null);
        assert_eq!(
            (got.status, got.body["results"].as_array().unwrap().len()),
            (200, 2),
            "both directions"
        );
        assert_eq!(desk.call("PUT", &path, Value::Null).status, 200, "again");
    }
    assert_eq!(desk.read("contacts", &contact, "associatedcompanyid"), a);
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{b}");
    let primary = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    let got = desk.call("PUT", &path, primary);
    assert_eq!(
        (got.status, &got.body["labels"]),
        (201, &json!(["Primary"]))
    );
    assert_eq!(desk.read("contacts", &contact, "associatedcompanyid"), b);
    let got = desk.get(&format!(
        "/crm/v4/objects/contacts/{contact}/associations/companies"
    ));
    let rows = got.body["results"].as_array().unwrap();
    assert_eq!(rows[0]["toObjectId"], json!(a.parse::<u64>().unwrap()));
    assert_eq!(
        rows[0]["associationTypes"],
        json!([{"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null}])
    );
    assert_eq!(
        rows[1]["associationTypes"][0],
        json!({"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"})
    );
    assert_eq!(
        desk.read("contacts", &contact, "lastmodifieddate"),
        stamp,
        "associations do not touch the stamp"
    );
    let got = desk.get(&format!(
        "/crm/objects/2026-09/contacts/{contact}?associations=companies"
    ));
    let rows = got.body["associations"]["companies"]["results"]
        .as_array()
        .unwrap();
    assert_eq!(rows.len(), 3, "the primary one twice");
    assert_eq!(
        rows[0],
        json!({"id": a, "type": "contact_to_company_unlabeled"})
    );
    assert_eq!(rows[1], json!({"id": b, "type": "contact_to_company"}));
    let got = desk.get(&format!(
        "/crm/v4/objects/companies/{b}/associations/contacts"
    ));
    assert_eq!(
        got.body["results"][0]["toObjectId"],
        json!(contact.parse::<u64>().unwrap())
    );
}

#[test]
fn writing_the_company_id_associates_and_blank_takes_it_off() {
    let mut desk = Desk::new();
    let (contact, a, _) = three(&mut desk);
    let path = format!("/crm/objects/2026-09/contacts/{contact}");
    desk.call(
        "PATCH",
        &path,
        json!({"properties": {"associatedcompanyid": a}}),
    );
    assert_eq!(desk.portal.partners("contacts", &contact, "companies"), [a]);
    desk.call(
        "PATCH",
        &path,
        json!({"properties": {"associatedcompanyid": ""}}),
    );
    assert!(
        desk.portal
            .partners("contacts", &contact, "companies")
            .is_empty()
    );
    let got = desk.call(
        "PATCH",
        &path,
        json!({"properties": {"associatedcompanyid": "7"}}),
    );
    assert_eq!(got.status, 400);
}

#[test]
fn a_batch_read_names_records_without_any_as_errors() {
    let mut desk = Desk::new();
    let (contact, a, _) = three(&mut desk);
    let lonely = desk.make("contacts", json!({"lastname": "M"}));
    let body = json!({"inputs": [{"from": {"id": contact}, "to": {"id": a},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]});
    assert_eq!(
        desk.post(
            "/crm/v4/associations/contacts/companies/batch/create",
            body.clone()
        )
        .status,
        201
    );
    assert_eq!(
        desk.post(
            "/crm/associations/2026-09/contacts/companies/batch/create",
            body
        )
        .status,
        200
    );
    let body = json!({"inputs": [{"id": contact}, {"id": lonely}]});
    let got = desk.post(
        "/crm/associations/2026-09/contacts/companies/batch/read",
        body,
    );
    assert_eq!(got.status, 207);
    assert_eq!(got.body["results"].as_array().unwrap().len(), 1);
    assert_eq!(got.body["results"][0]["from"]["id"], contact);
    let error = &got.body["errors"][0];
    assert_eq!(
        error["subCategory"],
        "crm.associations.NO_ASSOCIATIONS_FOUND"
    );
    assert_eq!(
        error["message"],
        format!("No company is associated with contact {lonely}.")
    );
    assert_eq!(error["context"]["fromObjectId"], json!([lonely]));
    let body = json!({"inputs": [{"id": contact}]});
    let got = desk.post("/crm/v3/associations/contacts/companies/batch/read", body);
    assert_eq!(
        got.body["results"][0]["to"],
        json!([{"id": a, "type": "contact_to_company"}])
    );
}

#[test]
fn bad_ends_and_wrong_directions_are_refused() {
    let mut desk = Desk::new();
    let (contact, a, _) = three(&mut desk);
    let create = "/crm/v4/associations/contacts/companies/batch/create";
    let input = |from: &str, to: &str, type_id: u32| {
        json!({"inputs": [{"from": {"id": from}, "to": {"id": to},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]}]})
    };
    let got = desk.post(create, input(&contact, "unknown_id", 279));
    assert_eq!(
        got.body["errors"][0]["subCategory"],
        "crm.associations.INVALID_IDENTIFIER"
    );
    assert_eq!(
        got.body["errors"][0]["message"],
        "unknown_id is not a valid ID"
    );
    let got = desk.post(create, input(&contact, "7", 279));
    assert_eq!(
        got.body["errors"][0]["message"],
        "One or more associations are invalid"
    );
    let got = desk.post(create, input(&contact, &a, 280));
    let message = got.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("invalid from object type 0-1"));
    let got = desk.post(
        "/crm/v4/associations/contacts/contacts/batch/create",
        input(&contact, &contact, 449),
    );
    let itself = format!("Object {contact} cannot be associated to itself ({contact})");
    assert_eq!(got.body["errors"][0]["message"], itself);
    let body = json!({"properties": {"lastname": "N"}, "associations": [{"to": {"id": "7"},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]});
    let got = desk.post("/crm/objects/2026-09/contacts", body);
    assert_eq!(
        (got.status, &got.body["context"]["INVALID_OBJECT_IDS"]),
        (400, &json!(["7"]))
    );
    assert_eq!(desk.portal.ids("contacts").len(), 1, "nothing was made");
}

#[test]
fn a_record_is_not_associated_to_itself_with_or_without_a_label() {
    let mut desk = Desk::new();
    let contact = desk.make("contacts", json!({"lastname": "L"}));
    let pair = format!("contacts/{contact}");
    let label = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}]);
    for (path, body) in [
        (
            format!("/crm/v4/objects/{pair}/associations/default/{pair}"),
            Value::Null,
        ),
        (
            format!("/crm/v4/objects/{pair}/associations/{pair}"),
            label.clone(),
        ),
    ] {
        let got = desk.call("PUT", &path, body);
        let itself = format!("Object {contact} cannot be associated to itself ({contact})");
        assert_eq!((got.status, &got.body["message"]), (400, &json!(itself)));
    }
}

#[test]
fn removing_takes_all_labels_and_the_mirror_off() {
    let mut desk = Desk::new();
    let (contact, a, b) = three(&mut desk);
    for company in [&a, &b] {
        let path =
            format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}");
        desk.call("PUT", &path, Value::Null);
    }
    let body = json!({"inputs": [{"from": {"id": contact}, "to": [{"id": a}]}]});
    assert_eq!(
        desk.post(
            "/crm/v4/associations/contacts/companies/batch/archive",
            body
        )
        .status,
        204
    );
    assert_eq!(
        desk.portal.partners("contacts", &contact, "companies"),
        std::slice::from_ref(&b)
    );
    assert_eq!(desk.read("contacts", &contact, "associatedcompanyid"), "");
    let path = format!("/crm/objects/2026-09/companies/{b}");
    desk.call("DELETE", &path, Value::Null);
    assert!(
        desk.portal
            .partners("contacts", &contact, "companies")
            .is_empty()
    );
}

#[test]
fn labels_are_made_in_pairs_and_used_by_id() {
    let mut desk = Desk::new();
    let (contact, a, _) = three(&mut desk);
    let labels = "/crm/associations/2026-09/contacts/companies/labels";
    let got = desk.post(
        labels,
        json!({"name": "boss", "label": "Boss", "inverseLabel": "Bossed by"}),
    );
    let type_id = got.body["results"][0]["typeId"].clone();
    assert_eq!(got.body["results"][1]["label"], "Bossed by");
    let got = desk.get(labels);
    assert_eq!(got.body["results"].as_array().unwrap().len(), 3);
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{a}");
    let body = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": type_id}]);
    assert_eq!(
        desk.call("PUT", &path, body).body["labels"],
        json!(["Boss"])
    );
    let got = desk.get(&format!(
        "/crm/v4/objects/companies/{a}/associations/contacts"
    ));
    let types = got.body["results"][0]["associationTypes"]
        .as_array()
        .unwrap()
        .clone();
    assert!(
        types
            .iter()
            .any(|one| one["label"] == "Bossed by" && one["category"] == "USER_DEFINED")
    );
}

#[test]
fn renaming_a_label_renames_both_directions() {
    let mut desk = Desk::new();
    let labels = "/crm/associations/2026-09/contacts/companies/labels";
    let made = desk.post(
        labels,
        json!({"name": "boss", "label": "Boss", "inverseLabel": "Bossed by"}),
    );
    let mut body = json!({"associationTypeId": made.body["results"][0]["typeId"], "label": "Chief",
        "inverseLabel": "Headed by"});
    assert_eq!(desk.call("PUT", labels, body.clone()).status, 204);
    let last = |got: super::Got| got.body["results"][2]["label"].clone();
    assert_eq!(last(desk.get(labels)), "Chief");
    let back = "/crm/associations/2026-09/companies/contacts/labels";
    let got = desk.get(back);
    assert_eq!(got.body["results"][2]["label"], "Headed by");
    body["associationTypeId"] = json!(9_999);
    assert_eq!(desk.call("PUT", labels, body).status, 404);
}

#[test]
fn a_removed_label_leaves_the_associations_that_bore_it_and_its_id_is_not_used_again() {
    let mut desk = Desk::new();
    let (contact, a, _) = three(&mut desk);
    let labels = "/crm/associations/2026-09/contacts/companies/labels";
    let mut make = |name: &str| {
        let got = desk.post(labels, json!({"name": name, "label": name}));
        [0, 1].map(|at: usize| got.body["results"][at]["typeId"].as_u64().unwrap())
    };
    let (boss, rival) = (make("boss"), make("rival"));
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/{a}");
    let body = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": boss[0]}]);
    assert_eq!(desk.call("PUT", &path, body).status, 201);
    let one = format!("{labels}/{}", boss[0]);
    assert_eq!(desk.call("DELETE", &one, Value::Null).status, 204);
    assert_eq!(desk.call("DELETE", &one, Value::Null).status, 404, "again");
    for (from, id, to, want) in [
        ("contacts", &contact, "companies", json!([1, 279])),
        ("companies", &a, "contacts", json!([2, 280])),
    ] {
        let got = desk.get(&format!("/crm/v4/objects/{from}/{id}/associations/{to}"));
        let types = got.body["results"][0]["associationTypes"].as_array();
        let ids: Vec<_> = types.unwrap().iter().map(|one| &one["typeId"]).collect();
        assert_eq!(json!(ids), want);
    }
    let got = desk.post(labels, json!({"name": "third", "label": "third"}));
    for at in [0, 1] {
        let id = got.body["results"][at]["typeId"].as_u64().unwrap();
        assert!(!boss.contains(&id) && !rival.contains(&id), "{id}");
    }
}

#[test]
fn a_merged_companys_old_id_leads_to_the_new_one() {
    let mut desk = Desk::new();
    let (contact, a, b) = three(&mut desk);
    let new = desk
        .portal
        .merge(desk.now, super::colleague(), "companies", &a, &b)
        .unwrap();
    let path = format!("/crm/objects/2026-09/contacts/{contact}");
    desk.call(
        "PATCH",
        &path,
        json!({"properties": {"associatedcompanyid": b}}),
    );
    assert_eq!(desk.read("contacts", &contact, "associatedcompanyid"), new);
    let seeded = desk.seed(
        "contacts",
        &[("lastname", "S"), ("associatedcompanyid", &new)],
    );
    assert_eq!(
        desk.portal.partners("contacts", &seeded, "companies"),
        [new]
    );
}
