//! What the client asks Salesforce and what it makes of the answers, call by call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::clock::SeededEntropy;
use crate::crm::WriteItem;
use crate::crm::testkit::Script;
use crate::crm::tests::clock;
use crate::domain::{ErrorCategory, Presence, Value};

const NO_ROWS: &str = r#"{"totalSize":0,"done":true,"records":[]}"#;

fn client(script: &Script) -> SalesforceClient {
    let auth = SalesforceAuth::AccessToken {
        token: "t".into(),
        instance_url: "https://acme.my.salesforce.com".into(),
    };
    SalesforceClient::new(
        SalesforceSettings::new("https://acme.my.salesforce.com", auth),
        Arc::new(script.clone()),
        clock(),
        Arc::new(SeededEntropy::new(7)),
    )
    .unwrap()
}

fn id(number: usize) -> String {
    widen(&format!("003Wb00000{number:05}")).unwrap()
}

fn row(number: usize, more: &str) -> String {
    format!(
        r#"{{"attributes":{{"type":"Contact"}},"Id":"{}","SystemModstamp":"2026-11-20T09:15:02.000+0000","Email":"P{number}@x.example"{more}}}"#,
        id(number)
    )
}

fn page(numbers: std::ops::Range<usize>, next: Option<&str>) -> String {
    let rows: Vec<String> = numbers.map(|number| row(number, "")).collect();
    let next = next.map_or("\"done\":true".to_owned(), |path| {
        format!("\"done\":false,\"nextRecordsUrl\":\"{path}\"")
    });
    format!(r#"{{"totalSize":1,{next},"records":[{}]}}"#, rows.join(","))
}

fn soql(script: &Script, place: usize) -> String {
    let url = url::Url::parse(&script.sent.lock().unwrap()[place].url).unwrap();
    let query = url.query_pairs().find(|(key, _)| key == "q").unwrap();
    query.1.into_owned()
}

fn window() -> Window {
    let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
    Window {
        lo: at(1_795_166_000_250),
        hi: at(1_795_166_100_250),
    }
}

fn email() -> Vec<String> {
    vec!["Email".to_owned()]
}

#[tokio::test(start_paused = true)]
async fn a_window_is_read_by_stamp_and_id_and_goes_on_where_it_stopped() {
    let script = Script::default()
        .json(200, &page(0..2_000, None))
        .json(200, &page(2_000..2_001, None));
    let client = client(&script);
    let first = client
        .changed("Contact", &email(), window(), None)
        .await
        .unwrap();
    assert_eq!(first.records.len(), 2_000);
    let token = first.next.unwrap();
    let second = client
        .changed("Contact", &email(), window(), Some(&token))
        .await
        .unwrap();
    assert_eq!((second.records.len(), second.next), (1, None));
    assert!(script.paths()[0].starts_with("GET /services/data/v68.0/queryAll?q="));
    assert_eq!(
        soql(&script, 0),
        "SELECT Id,SystemModstamp,LastModifiedDate,CreatedDate,LastModifiedById,IsDeleted,MasterRecordId,Email FROM Contact \
         WHERE SystemModstamp >= 2026-11-20T09:13:20Z AND SystemModstamp < 2026-11-20T09:15:01Z \
         ORDER BY SystemModstamp ASC, Id ASC LIMIT 2000"
    );
    let last = id(1_999);
    assert!(soql(&script, 1).contains(&format!(
        "((SystemModstamp = 2026-11-20T09:15:02Z AND Id > '{last}') OR SystemModstamp > 2026-11-20T09:15:02Z) AND SystemModstamp < "
    )));
    let bad = client
        .changed("Contact", &email(), window(), Some("x"))
        .await
        .unwrap_err();
    assert_eq!(bad.class, ErrorClass::Bug);
}

#[tokio::test(start_paused = true)]
async fn a_first_sync_costs_one_call_for_two_thousand_records() {
    let script = Script::default()
        .json(200, &page(0..2_000, None))
        .json(200, &page(2_000..2_500, None));
    let client = client(&script);
    let first = client.list("Contact", &email(), None).await.unwrap();
    let second = client
        .list("Contact", &email(), first.next.as_deref())
        .await
        .unwrap();
    assert_eq!((second.records.len(), second.next), (500, None));
    assert_eq!(client.meter().total(), 2);
    assert!(soql(&script, 1).contains(&format!(
        "WHERE Id > '{}' ORDER BY Id ASC LIMIT 2000",
        id(1_999)
    )));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_the_vendor_cuts_is_read_to_its_end() {
    let next = "/services/data/v68.0/query/0r8Wb00000Qr6StIAJ-1200";
    let script = Script::default()
        .json(200, &page(0..1_200, Some(next)))
        .json(200, &page(1_200..2_000, None));
    let client = client(&script);
    let read = client.list("Contact", &email(), None).await.unwrap();
    assert_eq!(read.records.len(), 2_000);
    assert!(read.next.is_some());
    assert_eq!(script.paths()[1], format!("GET {next}"));
    let elsewhere = Script::default().json(200, &page(0..1, Some("//evil.example/x")));
    assert!(
        super::tests::client(&elsewhere)
            .list("Contact", &email(), None)
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn ids_that_the_retrieve_leaves_out_get_a_second_look() {
    let gone = row(1, r#","IsDeleted":true,"MasterRecordId":null"#);
    let merged = row(
        2,
        &format!(r#","IsDeleted":true,"MasterRecordId":"{}""#, id(0)),
    );
    let script = Script::default()
        .json(200, &format!("[{},null,null,null]", row(0, "")))
        .json(
            200,
            &format!(r#"{{"done":true,"records":[{merged},{gone}]}}"#),
        );
    let client = client(&script);
    let ids: Vec<RecordId> = [3, 0, 1, 2].map(|number| RecordId(id(number))).into();
    let found = client
        .read(Purpose::Complete, "Contact", &ids, &email())
        .await
        .unwrap();
    let seen: Vec<(&str, Presence)> = found
        .iter()
        .map(|found| (found.asked.as_str(), found.records[0].presence.clone()))
        .collect();
    let expected = [
        (id(3), Presence::Inaccessible),
        (id(0), Presence::Live),
        (id(1), Presence::Deleted),
        (id(2), Presence::MergedInto(RecordId(id(0)))),
    ];
    for (seen, expected) in seen.iter().zip(&expected) {
        assert_eq!((seen.0, &seen.1), (expected.0.as_str(), &expected.1));
    }
    assert_eq!(client.meter().snapshot()[&Purpose::Complete], 2);
    assert!(script.paths()[0].ends_with("/composite/sobjects/Contact"));
}

#[tokio::test(start_paused = true)]
async fn two_hundred_keys_are_looked_up_in_one_call_whatever_they_hold() {
    let found = r#"{"done":true,"records":[{"Id":"003Wb00000Ab1cD","SystemModstamp":"2026-11-20T09:15:02Z","Key__c":"ABC'\\"}]}"#;
    let script = Script::default().json(200, found);
    let client = client(&script);
    let mut keys: Vec<String> = (0..199)
        .map(|n| format!("{}", 171_596_044_000_u64 + n))
        .collect();
    keys.push("abc'\\".to_owned());
    let found = client
        .look_up(Purpose::LookUp, "Contact", "Key__c", &keys, &[])
        .await
        .unwrap();
    assert_eq!(client.meter().total(), 1);
    assert_eq!(
        found
            .iter()
            .filter(|found| !found.records.is_empty())
            .count(),
        1
    );
    assert_eq!(
        found[199].records[0].id.as_str(),
        "003Wb00000Ab1cDIAR",
        "case does not matter"
    );
    assert!(soql(&script, 0).contains(r"'abc\'\\'"));
}

#[tokio::test(start_paused = true)]
async fn a_query_too_long_for_an_address_goes_inside_a_composite() {
    let inner = format!(
        r#"{{"compositeResponse":[{{"body":{NO_ROWS},"httpHeaders":{{}},"httpStatusCode":200,"referenceId":"q"}}]}}"#
    );
    let script = Script::default().json(200, &inner);
    let client = client(&script);
    let fields: Vec<String> = (0..400)
        .map(|n| format!("A_Rather_Long_Custom_Field_Name_{n:04}__c"))
        .collect();
    let page = client
        .changed("Contact", &fields, window(), None)
        .await
        .unwrap();
    assert!(page.records.is_empty());
    assert_eq!(script.paths(), ["POST /services/data/v68.0/composite"]);
}

#[tokio::test(start_paused = true)]
async fn the_watermark_waits_for_the_vendor_and_falls_back_where_it_tells_nothing() {
    let script = Script::default()
        .json(
            200,
            r#"{"ids":[],"latestDateCovered":"2026-11-20T09:14:30.000+0000"}"#,
        )
        .json(
            200,
            r#"{"ids":[],"latestDateCovered":"2026-11-20T09:20:00.000+0000"}"#,
        )
        .json(
            404,
            r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#,
        );
    let client = client(&script);
    let held = client.safe_now("Contact").await.unwrap();
    assert_eq!(held.safe.to_rfc3339(), "2026-11-20T09:14:30+00:00");
    let fresh = client.safe_now("Contact").await.unwrap();
    assert_eq!((fresh.server_now - fresh.safe).num_seconds(), 5);
    let blind = client.safe_now("Odd__c").await.unwrap();
    assert!(!blind.covered);
    assert_eq!((blind.server_now - blind.safe).num_seconds(), 60);
    assert!(
        script.paths()[0]
            .contains("/sobjects/Contact/updated/?start=2026-11-20T09%3A13%3A02Z&end=")
    );
}

#[tokio::test(start_paused = true)]
async fn an_upsert_goes_by_key_and_a_value_that_cannot_be_sent_is_refused_alone() {
    let describe = r#"{"name":"Contact","fields":[{"name":"Key__c","type":"string"},{"name":"Amount__c","type":"currency"}]}"#;
    let script = Script::default().json(200, describe).json(
        200,
        r#"[{"id":"003Wb00000Ab1cDIAR","success":true,"errors":[],"created":false}]"#,
    );
    let client = client(&script);
    let item = |token: &str, amount: &str| WriteItem {
        token: token.into(),
        id: None,
        key: Some(token.into()),
        to: None,
        fields: BTreeMap::from([("Amount__c".to_owned(), Value::text(amount))]),
    };
    let request = WriteRequest {
        object: "Contact".into(),
        kind: WriteKind::Upsert {
            key_field: "Key__c".into(),
        },
        items: vec![item("41", "ten"), item("42", "10.50")],
    };
    let results = client.write(Purpose::Write, &request).await.unwrap();
    assert!(
        matches!(&results[0], WriteResult::Refused(error) if error.category == ErrorCategory::Transform)
    );
    assert!(matches!(
        &results[1],
        WriteResult::Done { created: false, .. }
    ));
    assert_eq!(
        script.paths()[1],
        "PATCH /services/data/v68.0/composite/sobjects/Contact/Key__c"
    );
    let body = r#"{"allOrNone":false,"records":[{"Amount__c":10.50,"Key__c":"42","attributes":{"type":"Contact"}}]}"#;
    assert_eq!(script.body(1), body);
}

#[tokio::test(start_paused = true)]
async fn what_salesforce_has_not_is_refused_or_empty_without_a_call() {
    let script = Script::default();
    let client = client(&script);
    let request = WriteRequest {
        object: "Contact".into(),
        kind: WriteKind::Associate {
            to_object: "Account".into(),
        },
        items: Vec::new(),
    };
    assert_eq!(
        client
            .write(Purpose::Write, &request)
            .await
            .unwrap_err()
            .class,
        ErrorClass::Systemic
    );
    assert!(
        client
            .primary_associations("Contact", &[], "Account")
            .await
            .unwrap()
            .is_empty()
    );
    let definition = client
        .make_key_field("Contact", "Syncline_HubSpot_Id__c")
        .await
        .unwrap_err();
    assert!(definition.message.contains("External ID"), "{definition}");
    let injected = client.list("Contact; DROP", &[], None).await.unwrap_err();
    assert_eq!(injected.class, ErrorClass::Systemic);
}
