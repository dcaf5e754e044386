//! Single records: CRUD, upsert, refusals, conditional writes.

use super::*;

const KEY: &str = "/sobjects/Contact/Syncline_HubSpot_Id__c";

#[test]
fn a_record_is_created_read_changed_and_deleted() {
    let mut org = org();
    let body = json!({"LastName": "Diaz", "FirstName": "Ana", "Email": "ana@x.example", "DoNotCall": true});
    let (status, made) = post(&mut org, "/sobjects/Contact", body);
    assert_eq!(
        (status, &made["success"], &made["errors"]),
        (201, &json!(true), &json!([]))
    );
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("003") && id.len() == 18);
    let path = format!("/sobjects/Contact/{id}");
    let (_, row) = get(
        &mut org,
        &format!("{path}?fields=Id,Name,Email,SystemModstamp,DoNotCall,Title"),
    );
    assert_eq!(
        row,
        json!({
            "attributes": {"type": "Contact", "url": format!("/services/data/v68.0/sobjects/Contact/{id}")},
            "Id": id, "Name": "Ana Diaz", "Email": "ana@x.example", "SystemModstamp": "2026-11-20T09:15:02.000+0000",
            "DoNotCall": true, "Title": null,
        })
    );
    let (status, empty) = call_at(
        &mut org,
        later(60),
        "PATCH",
        &path,
        Some(json!({"title": "CTO", "Email": null})),
    );
    assert_eq!((status, empty), (204, Value::Null));
    let short = path[..path.len() - 3].to_owned();
    let (_, row) = get(&mut org, &short);
    assert_eq!(
        (&row["Title"], &row["Email"]),
        (&json!("CTO"), &Value::Null)
    );
    assert_eq!(row["LastModifiedDate"], "2026-11-20T09:16:02.000+0000");
    assert_eq!(row["CreatedDate"], "2026-11-20T09:15:02.000+0000");
    assert_eq!(row["LastModifiedById"], org.integration_user());
    assert_eq!(call(&mut org, "DELETE", &path, None).0, 204);
    assert_eq!(code(&get(&mut org, &path)), (404, "NOT_FOUND".into()));
    assert_eq!(
        code(&call(&mut org, "DELETE", &path, None)),
        (404, "ENTITY_IS_DELETED".into())
    );
    assert_eq!(
        code(&patch(&mut org, &path, json!({}))),
        (404, "ENTITY_IS_DELETED".into())
    );
}

#[test]
fn writing_what_is_there_already_still_moves_the_stamp() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Diaz")]);
    let path = format!("/sobjects/Contact/{id}");
    call_at(
        &mut org,
        later(30),
        "PATCH",
        &path,
        Some(json!({"LastName": "Diaz"})),
    );
    let (_, row) = get(&mut org, &format!("{path}?fields=SystemModstamp"));
    assert_eq!(row["SystemModstamp"], "2026-11-20T09:15:32.000+0000");
}

#[test]
fn each_bad_value_gets_the_vendors_code_message_and_fields() {
    let mut org = org();
    let account = org.seed(
        "Account",
        vec![(now(), Author::World, values(&[("Name", "Acme")]))],
    );
    let user = org.seed(
        "User",
        vec![(
            now(),
            Author::World,
            values(&[("LastName", "Left"), ("IsActive", "false")]),
        )],
    );
    let long = "x".repeat(129);
    for (object, body, expected, fields) in [
        (
            "Contact",
            json!({"FirstName": "Ana"}),
            "REQUIRED_FIELD_MISSING",
            json!(["LastName"]),
        ),
        (
            "Contact",
            json!({"LastName": "  "}),
            "REQUIRED_FIELD_MISSING",
            json!(["LastName"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "Title": long}),
            "STRING_TOO_LONG",
            json!(["Title"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "Email": "bad"}),
            "INVALID_EMAIL_ADDRESS",
            json!(["Email"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "Nope": 1}),
            "INVALID_FIELD",
            json!([]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "Name": "X"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            json!(["Name"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "Id": "003"}),
            "INVALID_FIELD",
            json!(["Id"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "Birthdate": "soon"}),
            "JSON_PARSER_ERROR",
            Value::Null,
        ),
        (
            "Contact",
            json!({"LastName": {"a": 1}}),
            "JSON_PARSER_ERROR",
            Value::Null,
        ),
        (
            "Contact",
            json!({"LastName": "D", "DoNotCall": null}),
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            json!(["DoNotCall"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "AccountId": "nope"}),
            "MALFORMED_ID",
            json!(["AccountId"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "AccountId": user}),
            "FIELD_INTEGRITY_EXCEPTION",
            json!(["AccountId"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "AccountId": "001Wb00000Ab1cDIAR"}),
            "INVALID_CROSS_REFERENCE_KEY",
            json!(["AccountId"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "OwnerId": user}),
            "INACTIVE_OWNER_OR_USER",
            json!(["OwnerId"]),
        ),
        (
            "Contact",
            json!({"LastName": "D", "Title": "Former CEO", "Phone": "1"}),
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            json!(["Phone"]),
        ),
        (
            "Account",
            json!({"Name": "B", "Industry": "Juggling"}),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            json!(["Industry"]),
        ),
        (
            "Account",
            json!({"Name": "B", "AnnualRevenue": 1e19}),
            "NUMBER_OUTSIDE_VALID_RANGE",
            json!(["AnnualRevenue"]),
        ),
        (
            "Account",
            json!({"Name": "B", "NumberOfEmployees": 1.5}),
            "JSON_PARSER_ERROR",
            Value::Null,
        ),
    ] {
        let (status, answer) = post(&mut org, &format!("/sobjects/{object}"), body.clone());
        let error = &answer[0];
        assert_eq!(
            (status, &error["errorCode"]),
            (400, &json!(expected)),
            "{body} gave {answer}"
        );
        assert_eq!(error["fields"], fields, "{body} gave {answer}");
    }
    let (_, bad) = post(
        &mut org,
        "/sobjects/Contact",
        json!({"LastName": "D", "Title": "y".repeat(129)}),
    );
    assert!(
        bad[0]["message"]
            .as_str()
            .unwrap()
            .ends_with("(max length=128)")
    );
    assert_eq!(
        post(
            &mut org,
            "/sobjects/Contact",
            json!({"LastName": "D", "AccountId": account})
        )
        .0,
        201
    );
    assert_eq!(org.created_counts()["Contact"].api, 1);
}

#[test]
fn values_are_stored_as_the_org_spells_them() {
    let mut org = org();
    let body = json!({"Name": " Acme ", "Industry": "technology", "Rating": "hot", "Type": "Odd", "NumberOfEmployees": "12",
        "AnnualRevenue": 1234.5, "Phone": ""});
    let (_, made) = post(&mut org, "/sobjects/Account", body);
    let (_, row) = get(
        &mut org,
        &format!("/sobjects/Account/{}", made["id"].as_str().unwrap()),
    );
    assert_eq!(
        [
            &row["Name"],
            &row["Industry"],
            &row["Rating"],
            &row["Type"],
            &row["NumberOfEmployees"],
            &row["AnnualRevenue"],
            &row["Phone"]
        ],
        [
            &json!("Acme"),
            &json!("Technology"),
            &json!("Hot"),
            &json!("Odd"),
            &json!(12),
            &json!(1235),
            &Value::Null
        ]
    );
}

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
fn a_write_on_a_stale_read_fails_with_412() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Diaz")]);
    let send = |org: &mut Org, since: &str| {
        let mut sent = request(
            "PATCH",
            &format!("/services/data/v68.0/sobjects/Contact/{id}"),
            Some(json!({"Title": "X"})),
        );
        sent.headers
            .push(("if-unmodified-since".into(), since.into()));
        org.handle(later(10), &sent).status
    };
    assert_eq!(send(&mut org, "Fri, 20 Nov 2026 09:15:01 GMT"), 412);
    assert_eq!(send(&mut org, "yesterday"), 400);
    assert_eq!(send(&mut org, "Fri, 20 Nov 2026 09:15:02 GMT"), 204);
    assert_eq!(send(&mut org, "Fri, 20 Nov 2026 09:15:02 GMT"), 412);
    let mut read = request(
        "GET",
        &format!("/services/data/v68.0/sobjects/Contact/{id}"),
        None,
    );
    read.headers.push((
        "if-modified-since".into(),
        "Fri, 20 Nov 2026 10:00:00 GMT".into(),
    ));
    assert_eq!(org.handle(later(20), &read).status, 304);
}

#[test]
fn a_locked_row_or_parent_refuses_writes_until_it_is_free() {
    let mut org = org();
    let account = org.seed(
        "Account",
        vec![(now(), Author::World, values(&[("Name", "Acme")]))],
    );
    let id = contact(
        &mut org,
        0,
        &[("LastName", "Diaz"), ("AccountId", &account)],
    );
    org.lock_rows(std::slice::from_ref(&account), later(60));
    let path = format!("/sobjects/Contact/{id}");
    assert_eq!(
        code(&patch(&mut org, &path, json!({"Title": "X"}))),
        (400, "UNABLE_TO_LOCK_ROW".into())
    );
    assert_eq!(
        call_at(
            &mut org,
            later(60),
            "PATCH",
            &path,
            Some(json!({"Title": "X"}))
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
