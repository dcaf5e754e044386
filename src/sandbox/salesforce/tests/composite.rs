//! Composite and batch.

use super::*;

fn sub(method: &str, path: &str, name: &str, body: Value) -> Value {
    json!({"method": method, "url": format!("/services/data/v68.0{path}"), "referenceId": name, "body": body})
}

#[test]
fn later_requests_use_the_answers_of_earlier_ones_and_the_whole_is_one_call() {
    let mut org = org();
    let body = json!({"compositeRequest": [
        sub("POST", "/sobjects/Account", "acc", json!({"Name": "Acme & Söhne"})),
        sub("POST", "/sobjects/Contact", "con", json!({"LastName": "Diaz", "AccountId": "@{acc.id}"})),
        sub("GET", "/query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id='@{con.id}'", "q", Value::Null),
        sub("GET", "/sobjects/Contact/@{q.records[0].Id}", "row", Value::Null),
        sub("GET", "/sobjects/Contact/@{nobody.id}", "bad", Value::Null),
    ]});
    let (status, answer) = post(&mut org, "/composite", body);
    assert_eq!(status, 200);
    let answers = &answer["compositeResponse"];
    let statuses: Vec<&Value> = (0..5).map(|n| &answers[n]["httpStatusCode"]).collect();
    assert_eq!(statuses, [201, 201, 200, 200, 400], "{answer}");
    assert_eq!(
        answers[2]["body"]["records"][0]["Account"]["Name"],
        "Acme & Söhne"
    );
    assert_eq!(answers[4]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(
        answers[1]["httpHeaders"]["Location"],
        format!(
            "/services/data/v68.0/sobjects/Contact/{}",
            answers[1]["body"]["id"].as_str().unwrap()
        )
    );
    assert_eq!(
        get(&mut org, "/limits").1["DailyApiRequests"]["Remaining"],
        100_000 - 2
    );
}

#[test]
fn all_or_none_halts_and_rolls_back() {
    let mut org = org();
    let body = json!({"allOrNone": true, "compositeRequest": [
        sub("POST", "/sobjects/Contact", "a", json!({"LastName": "Diaz"})),
        sub("POST", "/sobjects/Contact", "b", json!({})),
        sub("POST", "/sobjects/Contact", "c", json!({"LastName": "Roe"})),
    ]});
    let (_, answer) = post(&mut org, "/composite", body);
    let codes: Vec<&Value> = (0..3)
        .map(|n| &answer["compositeResponse"][n]["body"][0]["errorCode"])
        .collect();
    assert_eq!(
        codes,
        [
            "PROCESSING_HALTED",
            "REQUIRED_FIELD_MISSING",
            "PROCESSING_HALTED"
        ]
    );
    assert_eq!(org.live_counts()["Contact"], 0);
}

#[test]
fn too_many_badly_named_or_nested_requests_are_refused() {
    let mut org = org();
    let many: Vec<Value> = (0..26)
        .map(|n| sub("GET", "/limits", &format!("r{n}"), Value::Null))
        .collect();
    assert_eq!(
        post(&mut org, "/composite", json!({"compositeRequest": many})).0,
        400
    );
    let heavy: Vec<Value> = (0..6)
        .map(|n| sub("GET", "/query?q=x", &format!("r{n}"), Value::Null))
        .collect();
    assert_eq!(
        post(&mut org, "/composite", json!({"compositeRequest": heavy})).0,
        400
    );
    for names in [["a", "a"], ["1a", "b"], ["a-b", "c"], ["", "c"]] {
        let list: Vec<Value> = names
            .iter()
            .map(|name| sub("GET", "/limits", name, Value::Null))
            .collect();
        assert_eq!(
            post(&mut org, "/composite", json!({"compositeRequest": list})).0,
            400,
            "{names:?}"
        );
    }
    let nested = json!({"compositeRequest": [sub("POST", "/composite", "a", json!({"compositeRequest": []}))]});
    let (_, answer) = post(&mut org, "/composite", nested);
    assert_eq!(answer["compositeResponse"][0]["httpStatusCode"], 404);
    for hostile in [
        json!({}),
        json!({"compositeRequest": 1}),
        json!({"compositeRequest": [1]}),
    ] {
        assert_eq!(post(&mut org, "/composite", hostile).0, 400);
    }
}

#[test]
fn headers_of_a_subrequest_count() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Diaz")]);
    let mut stale = sub(
        "PATCH",
        &format!("/sobjects/Contact/{id}"),
        "a",
        json!({"Title": "X"}),
    );
    stale["httpHeaders"] = json!({"If-Unmodified-Since": "Thu, 19 Nov 2026 10:00:00 GMT"});
    let (_, answer) = post(&mut org, "/composite", json!({"compositeRequest": [stale]}));
    assert_eq!(answer["compositeResponse"][0]["httpStatusCode"], 412);
}

#[test]
fn a_batch_counts_each_request_and_can_halt() {
    let mut org = org();
    let body = json!({"haltOnError": true, "batchRequests": [
        {"method": "GET", "url": "v68.0/limits"},
        {"method": "GET", "url": "v68.0/sobjects/Nothing"},
        {"method": "POST", "url": "v68.0/sobjects/Contact", "richInput": {"LastName": "Diaz"}},
    ]});
    let (status, answer) = post(&mut org, "/composite/batch", body);
    assert_eq!((status, &answer["hasErrors"]), (200, &json!(true)));
    let statuses: Vec<&Value> = (0..3)
        .map(|n| &answer["results"][n]["statusCode"])
        .collect();
    assert_eq!(statuses, [200, 404, 412]);
    assert_eq!(
        get(&mut org, "/limits").1["DailyApiRequests"]["Remaining"],
        100_000 - 4
    );
}
