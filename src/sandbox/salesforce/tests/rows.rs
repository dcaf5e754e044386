//! Single records: CRUD, refusals, conditional writes.

use super::*;

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
    let other = contact(&mut org, 1, &[("LastName", "Berg")]);
    org.lock_rows(std::slice::from_ref(&account), later(60));
    let gone = call_at(
        &mut org,
        later(5),
        "DELETE",
        &format!("/sobjects/Contact/{other}"),
        None,
    );
    assert_eq!(gone.0, 204, "what has nothing to do with it is free");
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
