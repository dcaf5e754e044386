//! Collections.

use super::*;

const PATH: &str = "/composite/sobjects";

fn records(list: Value) -> Value {
    json!({"allOrNone": false, "records": list})
}

fn a_contact(name: &str) -> Value {
    json!({"attributes": {"type": "Contact"}, "LastName": name})
}

#[test]
fn each_row_has_its_own_result_in_input_order() {
    let mut org = org();
    let list = json!([a_contact("Diaz"), {"attributes": {"type": "Contact"}, "FirstName": "No"}, a_contact("Roe")]);
    let (status, answer) = post(&mut org, PATH, records(list));
    assert_eq!(status, 200);
    assert_eq!(
        answer[1],
        json!({"success": false, "errors": [{
        "statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]",
        "fields": ["LastName"]}]})
    );
    assert_eq!(
        (&answer[0]["success"], &answer[2]["success"]),
        (&json!(true), &json!(true))
    );
    let update = json!([
        {"attributes": {"type": "Contact"}, "id": answer[0]["id"], "Title": "CTO"},
        {"attributes": {"type": "Contact"}, "Title": "CTO"},
        {"attributes": {"type": "Contact"}, "Id": "nonsense", "Title": "CTO"},
        {"attributes": {"type": "Contact"}, "id": "003Wb00000Ab1cDIAR", "Title": "CTO"},
    ]);
    let (_, answer) = patch(&mut org, PATH, records(update));
    assert_eq!(answer[0]["success"], json!(true));
    let codes: Vec<&Value> = (1..4)
        .map(|row| &answer[row]["errors"][0]["statusCode"])
        .collect();
    assert_eq!(
        codes,
        [
            "MISSING_ARGUMENT",
            "MALFORMED_ID",
            "INVALID_CROSS_REFERENCE_KEY"
        ]
    );
}

#[test]
fn all_or_none_takes_everything_back() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Old")]);
    let before = org.history("Contact", &id).cloned();
    let body = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "Contact"}, "id": id, "LastName": "New"},
        {"attributes": {"type": "Contact"}, "id": id, "Nope": 1},
    ]});
    let (status, answer) = patch(&mut org, PATH, body);
    assert_eq!(status, 200);
    assert_eq!(
        answer[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    assert_eq!(answer[1]["errors"][0]["statusCode"], "INVALID_FIELD");
    assert_eq!(
        org.value("Contact", &id, "LastName").as_deref(),
        Some("Old")
    );
    assert_eq!(org.history("Contact", &id).cloned(), before);
    let body = json!({"allOrNone": true, "records": [a_contact("A"), {"attributes": {"type": "Contact"}}]});
    post(&mut org, PATH, body);
    assert_eq!(org.live_counts()["Contact"], 1);
    assert_eq!(
        soql(&mut org, "SELECT COUNT() FROM Contact WHERE LastName = 'A'").1["totalSize"],
        0
    );
}

#[test]
fn wrong_sizes_and_types_refuse_the_whole_call() {
    let mut org = org();
    let refused = post(&mut org, PATH, records(json!([])));
    assert_eq!(
        refused,
        (
            400,
            json!([{"message": "At least 1 record is required", "errorCode": "REQUIRED_FIELD_MISSING"}])
        )
    );
    let many: Vec<Value> = (0..201).map(|_| a_contact("X")).collect();
    assert_eq!(
        code(&post(&mut org, PATH, records(json!(many)))),
        (400, "EXCEEDED_ID_LIMIT".into())
    );
    assert_eq!(
        code(&post(&mut org, PATH, records(json!([{"LastName": "X"}])))),
        (400, "INVALID_TYPE".into())
    );
    assert_eq!(
        code(&post(&mut org, PATH, records(json!([1])))),
        (400, "JSON_PARSER_ERROR".into())
    );
    let mixed: Vec<Value> = (0..12)
        .map(|n| {
            if n % 2 == 0 {
                a_contact("X")
            } else {
                json!({"attributes": {"type": "Account"}, "Name": "X"})
            }
        })
        .collect();
    assert_eq!(
        code(&post(&mut org, PATH, records(json!(mixed)))),
        (400, "LIMIT_EXCEEDED".into())
    );
}

#[test]
fn an_upsert_of_many_creates_updates_and_refuses_twins_and_ambiguity() {
    let mut org = org();
    contact(
        &mut org,
        0,
        &[("LastName", "Diaz"), ("Syncline_HubSpot_Id__c", "1")],
    );
    for n in 1..3 {
        contact(
            &mut org,
            n,
            &[("LastName", "Roe"), ("Email", "roe@x.example")],
        );
    }
    let list = json!([
        {"attributes": {"type": "Contact"}, "Syncline_HubSpot_Id__c": "1", "Title": "A"},
        {"attributes": {"type": "Contact"}, "Syncline_HubSpot_Id__c": "2", "LastName": "New"},
        {"attributes": {"type": "Contact"}, "Syncline_HubSpot_Id__c": "x3", "LastName": "Twin"},
        {"attributes": {"type": "Contact"}, "Syncline_HubSpot_Id__c": "X3", "LastName": "Twin"},
        {"attributes": {"type": "Contact"}, "LastName": "Keyless"},
    ]);
    let (status, answer) = patch(
        &mut org,
        &format!("{PATH}/Contact/Syncline_HubSpot_Id__c"),
        records(list),
    );
    assert_eq!(status, 200);
    assert_eq!(
        (&answer[0]["created"], &answer[1]["created"]),
        (&json!(false), &json!(true))
    );
    let codes: Vec<&Value> = (2..5)
        .map(|row| &answer[row]["errors"][0]["statusCode"])
        .collect();
    assert_eq!(
        codes,
        ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    );
    let list = json!([{"attributes": {"type": "Contact"}, "Email": "roe@x.example", "Title": "A"}]);
    let (_, answer) = patch(&mut org, &format!("{PATH}/Contact/Email"), records(list));
    assert_eq!(
        answer[0]["errors"][0]["statusCode"],
        "DUPLICATE_EXTERNAL_ID"
    );
    let list = json!([{"attributes": {"type": "Contact"}, "Id": null, "LastName": "ById"}]);
    let (_, answer) = patch(&mut org, &format!("{PATH}/Contact/Id"), records(list));
    assert_eq!(answer[0]["created"], json!(true));
}

#[test]
fn many_are_deleted_and_retrieved_by_id() {
    let mut org = org();
    let ids: Vec<String> = (0..3)
        .map(|n| contact(&mut org, n, &[("LastName", "Diaz")]))
        .collect();
    let path = format!(
        "{PATH}?ids={},{}&allOrNone=false",
        ids[0], "003Wb00000Ab1cDIAR"
    );
    let (_, answer) = call(&mut org, "DELETE", &path, None);
    assert_eq!(
        answer[0],
        json!({"id": ids[0], "success": true, "errors": []})
    );
    assert_eq!(
        answer[1]["errors"][0]["statusCode"],
        "INVALID_CROSS_REFERENCE_KEY"
    );
    let body =
        json!({"ids": [ids[2], ids[0], "junk", &ids[1][..15]], "fields": ["Id", "LastName"]});
    let (_, answer) = post(&mut org, &format!("{PATH}/Contact"), body);
    assert_eq!(answer[0]["Id"], json!(ids[2]));
    assert_eq!((&answer[1], &answer[2]), (&Value::Null, &Value::Null));
    assert_eq!(answer[3]["Id"], json!(ids[1]));
    let (_, by_get) = get(
        &mut org,
        &format!("{PATH}/Contact?ids={}&fields=LastName", ids[1]),
    );
    assert_eq!(by_get[0]["LastName"], "Diaz");
    let bad = post(
        &mut org,
        &format!("{PATH}/Contact"),
        json!({"ids": [ids[1]], "fields": ["Nope"]}),
    );
    assert_eq!(code(&bad), (400, "INVALID_FIELD".into()));
    let many: Vec<&String> = std::iter::repeat_n(&ids[1], 2001).collect();
    let bad = post(
        &mut org,
        &format!("{PATH}/Contact"),
        json!({"ids": many, "fields": ["Id"]}),
    );
    assert_eq!(code(&bad), (400, "EXCEEDED_ID_LIMIT".into()));
}
