//! Upserts by key, unique keys and the duplicate rule.

use super::*;

const KEY: &str = "/sobjects/Contact/Syncline_HubSpot_Id__c";

#[test]
fn an_upsert_inserts_once_then_updates_without_regard_to_case() {
    let mut org = org();
    let (status, made) = patch(
        &mut org,
        &format!("{KEY}/Ab-42"),
        json!({"LastName": "Diaz"}),
    );
    assert_eq!((status, &made["created"]), (201, &json!(true)));
    let (status, again) = patch(
        &mut org,
        &format!("{KEY}/aB-42"),
        json!({"LastName": "Roe"}),
    );
    assert_eq!(
        (status, &again["created"], &again["id"]),
        (200, &json!(false), &made["id"])
    );
    assert_eq!(
        get(&mut org, &format!("{KEY}/AB-42?fields=LastName")).1["LastName"],
        "Roe"
    );
    assert_eq!(
        code(&get(&mut org, &format!("{KEY}/43"))),
        (404, "NOT_FOUND".into())
    );
    assert_eq!(
        code(&patch(
            &mut org,
            &format!("{KEY}/43?updateOnly=true"),
            json!({"LastName": "X"})
        )),
        (404, "NOT_FOUND".into())
    );
    let with_key = json!({"LastName": "X", "Syncline_HubSpot_Id__c": "42"});
    assert_eq!(
        code(&patch(&mut org, &format!("{KEY}/42"), with_key)),
        (400, "INVALID_FIELD".into())
    );
    let unknown = patch(
        &mut org,
        "/sobjects/Contact/Namez/1",
        json!({"LastName": "X"}),
    );
    assert_eq!(
        unknown.1[0]["message"],
        "Provided external ID field does not exist or is not accessible: Namez"
    );
    let (status, created) = post(&mut org, "/sobjects/Contact/Id", json!({"LastName": "New"}));
    assert_eq!((status, &created["created"]), (201, &json!(true)));
    assert_eq!(org.created_twice(), BTreeMap::new());
}

#[test]
fn a_key_that_matches_several_records_answers_300_and_writes_nothing() {
    let mut org = org();
    let ids = [0, 1].map(|n| {
        contact(
            &mut org,
            n,
            &[("LastName", "Diaz"), ("Email", "a@x.example")],
        )
    });
    let (status, choices) = patch(
        &mut org,
        "/sobjects/Contact/Email/A@x.example",
        json!({"Title": "X"}),
    );
    assert_eq!(status, 300);
    let expected: Vec<String> = ids
        .iter()
        .map(|id| format!("/services/data/v68.0/sobjects/Contact/{id}"))
        .collect();
    assert_eq!(choices, json!(expected));
    assert!(
        ids.iter()
            .all(|id| org.value("Contact", id, "Title").is_none())
    );
}

#[test]
fn a_key_held_by_another_record_is_a_duplicate_value_that_names_it() {
    let mut org = org();
    let (_, made) = patch(&mut org, &format!("{KEY}/42"), json!({"LastName": "Diaz"}));
    let holder = made["id"].as_str().unwrap().to_owned();
    let twin = json!({"LastName": "Roe", "Syncline_HubSpot_Id__c": "42"});
    let (status, answer) = post(&mut org, "/sobjects/Contact", twin.clone());
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (400, &json!("DUPLICATE_VALUE"))
    );
    let message = answer[0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        format!(
            "duplicate value found: Syncline_HubSpot_Id__c duplicates value on record with id: {}",
            &holder[..15]
        )
    );
    call(
        &mut org,
        "DELETE",
        &format!("/sobjects/Contact/{holder}"),
        None,
    );
    assert_eq!(post(&mut org, "/sobjects/Contact", twin).0, 201);
    assert_eq!(
        org.created_twice(),
        BTreeMap::from([("Contact", vec!["42".to_owned()])])
    );
}

#[test]
fn the_duplicate_rule_stops_the_api_unless_it_allows_the_save() {
    let mut org = org();
    let twin = contact(
        &mut org,
        0,
        &[
            ("LastName", "Diaz"),
            ("FirstName", "Ana"),
            ("Email", "ana@x.example"),
        ],
    );
    let body = json!({"LastName": "DIAZ", "FirstName": "ana", "Email": "ANA@x.example"});
    let (status, answer) = post(&mut org, "/sobjects/Contact", body.clone());
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (400, &json!("DUPLICATES_DETECTED"))
    );
    let matches = &answer[0]["duplicateResut"]["matchResults"][0]["matchRecords"];
    assert_eq!(matches[0]["record"]["Id"], json!(twin));
    let mut allowed = request(
        "POST",
        "/services/data/v68.0/sobjects/Contact",
        Some(body.clone()),
    );
    allowed.headers.push((
        "sforce-duplicate-rule-header".into(),
        "allowSave=true; includeRecordDetails=false".into(),
    ));
    assert_eq!(org.handle(now(), &allowed).status, 201);
    let mut lax = Org::new(OrgSettings {
        duplicate_rule: false,
        ..OrgSettings::default()
    });
    contact(
        &mut lax,
        0,
        &[
            ("LastName", "Diaz"),
            ("FirstName", "Ana"),
            ("Email", "ana@x.example"),
        ],
    );
    assert_eq!(post(&mut lax, "/sobjects/Contact", body).0, 201);
    // A twin that is there already may be edited elsewhere.
    assert_eq!(
        patch(
            &mut org,
            &format!("/sobjects/Contact/{twin}"),
            json!({"Title": "CTO"})
        )
        .0,
        204
    );
}

#[test]
fn a_parent_can_be_named_by_its_key() {
    let mut org = org();
    let keyed = values(&[("Name", "Acme"), ("Syncline_HubSpot_Id__c", "77")]);
    let account = org.seed("Account", vec![(now(), Author::World, keyed)]);
    let by = |key: &str| json!({"LastName": "Diaz", "Account": {"Syncline_HubSpot_Id__c": key}});
    let (_, made) = post(&mut org, "/sobjects/Contact", by("77"));
    assert_eq!(
        org.value("Contact", made["id"].as_str().unwrap(), "AccountId"),
        Some(account)
    );
    let missing = post(&mut org, "/sobjects/Contact", by("78"));
    assert_eq!(
        missing.1[0]["message"],
        "Foreign key external ID: 78 not found for field Syncline_HubSpot_Id__c in entity Account"
    );
}

#[test]
fn without_key_fields_the_org_does_not_know_them() {
    let mut org = Org::new(OrgSettings {
        key_fields: false,
        ..OrgSettings::default()
    });
    assert_eq!(
        code(&patch(
            &mut org,
            &format!("{KEY}/42"),
            json!({"LastName": "D"})
        )),
        (404, "NOT_FOUND".into())
    );
    assert_eq!(
        soql(&mut org, "SELECT Syncline_HubSpot_Id__c FROM Contact").0,
        400
    );
}
