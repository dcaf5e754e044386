//! What the client asks HubSpot and what it makes of the answers, call by call.

use super::*;
use crate::crm::WriteItem;
use crate::crm::testkit::Script;
use crate::crm::tests::hubspot as client;
use crate::domain::{Presence, SetKind, Value};

fn record(id: u64, more: &str) -> String {
    format!(
        r#"{{"id":"{id}","properties":{{"email":"p{id}@x.example","lastmodifieddate":"2026-11-20T09:15:02.123Z"{more}}},"updatedAt":"2026-11-20T09:15:02.123Z","archived":false}}"#
    )
}

fn page(ids: impl Iterator<Item = u64>) -> String {
    let records: Vec<String> = ids.map(|id| record(id, "")).collect();
    format!(r#"{{"total":201,"results":[{}]}}"#, records.join(","))
}

fn window() -> Window {
    let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
    Window {
        lo: at(1_000),
        hi: at(9_000),
    }
}

fn email() -> Vec<String> {
    vec!["email".to_owned()]
}

fn ids(ids: &[&str]) -> Vec<RecordId> {
    ids.iter().map(|id| RecordId::from(*id)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_window_is_read_by_id_within_fixed_bounds() {
    let script = Script::default()
        .json(200, &page(1..201))
        .json(200, &page(201..202));
    let client = client(&script);
    let first = client
        .changed("contacts", &email(), window(), None)
        .await
        .unwrap();
    assert_eq!((first.records.len(), first.total), (200, Some(201)));
    let second = client
        .changed("contacts", &email(), window(), first.next.as_deref())
        .await
        .unwrap();
    assert_eq!((second.records.len(), second.next), (1, None));
    let body: serde_json::Value = serde_json::from_str(&script.body(1)).unwrap();
    let filters = &body["filterGroups"][0]["filters"];
    assert_eq!(filters[0]["propertyName"], "lastmodifieddate");
    assert_eq!(
        (&filters[0]["value"], &filters[1]["value"]),
        (&"1000".into(), &"9000".into())
    );
    assert_eq!(
        (&filters[2]["operator"], &filters[2]["value"]),
        (&"GT".into(), &"200".into())
    );
    assert!(body.get("after").is_none());
    assert_eq!(
        script.paths()[0],
        "POST /crm/objects/2026-09/contacts/search"
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_that_does_not_rise_restarts_the_window_in_halves() {
    let script = Script::default()
        .json(200, &page([5, 3].into_iter()))
        .json(200, &page([3].into_iter()))
        .json(200, &page([5].into_iter()));
    let client = client(&script);
    let first = client
        .changed("companies", &[], window(), None)
        .await
        .unwrap();
    assert_eq!(first.records.len(), 1);
    let second = client
        .changed("companies", &[], window(), first.next.as_deref())
        .await
        .unwrap();
    assert_eq!((second.records[0].id.as_str(), second.next), ("5", None));
    assert!(script.body(1).contains("\"5000\"") && script.body(2).contains("\"5000\""));
    assert!(script.body(0).contains("hs_lastmodifieddate"));
}

#[tokio::test(start_paused = true)]
async fn many_properties_are_filled_by_batch_read_so_that_the_body_stays_small() {
    let fields: Vec<String> = (0..200)
        .map(|n| format!("a_property_with_a_long_name_{n}"))
        .collect();
    let script = Script::default()
        .json(200, &page(1..3))
        .json(200, &page(1..3))
        .json(200, r#"{"results":[]}"#);
    let client = client(&script);
    let read = client
        .changed("contacts", &fields, window(), None)
        .await
        .unwrap();
    assert_eq!(read.records.len(), 2);
    assert!(script.body(0).chars().count() < 3_000);
    assert!(script.paths()[1].ends_with("/contacts/batch/read"));
    assert!(
        script.paths()[2].ends_with("/crm/properties/2026-09/contacts"),
        "the schema tells blank from gone"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_follows_the_cursor_it_is_given() {
    let script = Script::default()
        .json(200, r#"{"results":[],"paging":{"next":{"after":"5 13"}}}"#)
        .json(200, r#"{"results":[]}"#);
    let client = client(&script);
    let first = client.list("contacts", &email(), None).await.unwrap();
    let last = client
        .list("contacts", &email(), first.next.as_deref())
        .await
        .unwrap();
    assert_eq!(last.next, None);
    let expected = "GET /crm/objects/2026-09/contacts?limit=100&archived=false&properties=hs_object_id,lastmodifieddate,email";
    assert_eq!(
        script.paths(),
        [expected.to_owned(), format!("{expected}&after=5+13")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_read_tells_live_merged_archived_and_unknown_apart() {
    let survivor = record(100, r#","hs_merged_object_ids":"2;3""#);
    let archived = r#"{"id":"4","properties":{"email":"x@y.example"},"updatedAt":"2026-11-20T09:00:00Z","archived":true}"#;
    let script = Script::default()
        .json(207, &format!(
            r#"{{"results":[{},{survivor}],"numErrors":1,"errors":[{{"category":"OBJECT_NOT_FOUND","context":{{"ids":["4","5"]}}}}]}}"#,
            record(1, "")
        ))
        .json(207, &format!(r#"{{"results":[{archived}]}}"#));
    let client = client(&script);
    let asked = ids(&["5", "1", "2", "4", "foo"]);
    let found = client
        .read(Purpose::Complete, "contacts", &asked, &email())
        .await
        .unwrap();
    let presence: Vec<&Presence> = found
        .iter()
        .map(|found| &found.records[0].presence)
        .collect();
    assert_eq!(
        presence,
        [
            &Presence::Inaccessible,
            &Presence::Live,
            &Presence::MergedInto("100".into()),
            &Presence::Deleted,
            &Presence::Inaccessible
        ]
    );
    assert_eq!(found[2].records[0].id.as_str(), "2");
    assert_eq!(
        found[2].records[1].id.as_str(),
        "100",
        "the survivor comes along"
    );
    assert_eq!(
        found[1].records[0].value("email"),
        &Value::text("p1@x.example")
    );
    assert_eq!(client.meter().total(), 2);
    assert!(
        !script.body(0).contains("foo"),
        "a bad id would spoil the batch"
    );
    assert!(script.paths()[1].ends_with("/batch/read?archived=true"));
}

#[tokio::test(start_paused = true)]
async fn a_survivor_that_names_no_former_ids_is_asked_one_by_one() {
    let script = Script::default()
        .json(200, &format!(r#"{{"results":[{}]}}"#, record(100, "")))
        .json(200, &record(100, ""))
        .json(404, r#"{"status":"error","message":"resource not found"}"#)
        .json(200, r#"{"results":[]}"#);
    let client = client(&script);
    let found = client
        .read(Purpose::Complete, "contacts", &ids(&["2", "3"]), &email())
        .await
        .unwrap();
    assert_eq!(
        found[0].records[0].presence,
        Presence::MergedInto("100".into())
    );
    assert_eq!(found[1].records[0].presence, Presence::Inaccessible);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_finds_second_addresses_and_does_not_mind_case() {
    let more = r#","hs_additional_emails":"Old@x.example;older@x.example""#;
    let script = Script::default().json(207, &format!(r#"{{"results":[{}]}}"#, record(7, more)));
    let client = client(&script);
    let values: Vec<String> = [
        "P7@X.example",
        "old@x.example",
        "nobody@x.example",
        " p7@x.example ",
    ]
    .map(str::to_owned)
    .into();
    let found = client
        .look_up(Purpose::LookUp, "contacts", "email", &values, &[])
        .await
        .unwrap();
    let counts: Vec<usize> = found.iter().map(|found| found.records.len()).collect();
    assert_eq!(counts, [1, 1, 0, 1]);
    let body: serde_json::Value = serde_json::from_str(&script.body(0)).unwrap();
    assert_eq!(body["idProperty"], "email");
    assert_eq!(
        body["inputs"].as_array().unwrap().len(),
        3,
        "one value is asked for once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_gives_the_stored_values_and_teaches_our_app_id() {
    let script = Script::default().json(
        201,
        r#"{"status":"COMPLETE","results":[{"id":"9","properties":{"email":"a@b.co","lifecyclestage":"lead","hs_object_source":"INTEGRATION","hs_object_source_id":"4711","lastmodifieddate":"2026-11-20T09:15:02Z"},"objectWriteTraceId":"t1"}]}"#,
    );
    let client = client(&script);
    let results = client
        .write(Purpose::Write, &crate::crm::tests::create("contacts"))
        .await
        .unwrap();
    let WriteResult::Done {
        stored: Some(stored),
        created: true,
        ..
    } = &results[0]
    else {
        panic!("{results:?}");
    };
    assert_eq!(stored.value("lifecyclestage"), &Value::text("lead"));
    assert_eq!(client.app_id().as_deref(), Some("4711"));
    assert!(script.body(0).contains(r#""objectWriteTraceId":"t1""#));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_as_a_whole_is_the_records_class_and_nothing_is_unknown() {
    let body = r#"{"status":"error","message":"Contact already exists. Existing ID: 37","category":"CONFLICT","correlationId":"c-1"}"#;
    let script = Script::default().json(409, body);
    let error = client(&script)
        .write(Purpose::Write, &crate::crm::tests::create("contacts"))
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Record);
    let vendor = error.vendor.unwrap();
    assert_eq!(vendor.holder, Some("37".into()));
    assert_eq!(vendor.request_id.as_deref(), Some("c-1"));
}

#[tokio::test(start_paused = true)]
async fn no_association_is_an_answer_and_a_second_page_is_followed() {
    let plain = r#"{"toObjectId":7,"associationTypes":[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null}]}"#;
    let primary = r#"{"toObjectId":9,"associationTypes":[{"category":"HUBSPOT_DEFINED","typeId":1,"label":"Primary"}]}"#;
    let none = r#"{"category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND","message":"No company is associated with contact 2.","context":{"fromObjectId":["2"]}}"#;
    let script = Script::default()
        .json(207, &format!(r#"{{"results":[{{"from":{{"id":"1"}},"to":[{plain}],"paging":{{"next":{{"after":"500"}}}}}}],"errors":[{none}]}}"#))
        .json(200, &format!(r#"{{"results":[{{"from":{{"id":"1"}},"to":[{primary}]}}]}}"#));
    let client = client(&script);
    let found = client
        .primary_associations("contacts", &ids(&["1", "2"]), "companies")
        .await
        .unwrap();
    assert_eq!(found[&RecordId::from("1")], Some("9".into()));
    assert_eq!(found[&RecordId::from("2")], None);
    assert!(script.body(1).contains(r#""after":"500""#));
}

#[tokio::test(start_paused = true)]
async fn a_primary_association_is_set_with_both_labels() {
    let script = Script::default()
        .json(200, r#"{"status":"COMPLETE","results":[]}"#)
        .json(204, "");
    let client = client(&script);
    let item = WriteItem {
        token: "t".into(),
        id: Some("1".into()),
        key: None,
        to: Some("9".into()),
        fields: BTreeMap::new(),
    };
    let mut request = WriteRequest {
        object: "contacts".into(),
        kind: WriteKind::Associate {
            to_object: "companies".into(),
        },
        items: vec![item],
    };
    assert!(matches!(
        client.write(Purpose::Associations, &request).await.unwrap()[0],
        WriteResult::Done { .. }
    ));
    assert!(
        script.body(0).contains(r#""associationTypeId":1}"#)
            && script.body(0).contains(r#""associationTypeId":279}"#)
    );
    request.kind = WriteKind::Dissociate {
        to_object: "companies".into(),
    };
    assert!(matches!(
        client.write(Purpose::Associations, &request).await.unwrap()[0],
        WriteResult::Done { .. }
    ));
    assert_eq!(
        script.paths()[1],
        "POST /crm/associations/2026-09/contacts/companies/batch/archive"
    );
}

#[tokio::test(start_paused = true)]
async fn an_element_counts_as_taken_off_only_where_its_record_answered() {
    let look = r#"{"status":"COMPLETE","results":[],"numErrors":2,"errors":[
        {"status":"error","category":"OBJECT_NOT_FOUND","message":"gone","context":{"fromObjectId":["1"]}},
        {"status":"error","category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND","message":"none","context":{"fromObjectId":["2"]}}]}"#;
    let script = Script::default().json(207, look);
    let items = ids(&["1", "2"]).into_iter().map(|id| WriteItem {
        token: "t".into(),
        id: Some(id),
        key: None,
        to: Some("9".into()),
        fields: BTreeMap::new(),
    });
    let request = WriteRequest {
        object: "contacts".into(),
        kind: WriteKind::Part {
            set: SetKind::AccountContacts,
        },
        items: items.collect(),
    };
    let found = client(&script)
        .write(Purpose::Associations, &request)
        .await
        .unwrap();
    assert!(matches!(found[0], WriteResult::Unknown(_)), "{found:?}");
    assert!(matches!(found[1], WriteResult::Done { .. }), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_property_that_is_there_is_checked_and_not_taken_on_trust() {
    let there = r#"{"status":"error","message":"A property named 'x' already exists.","category":"OBJECT_ALREADY_EXISTS"}"#;
    let made = |unique: bool| {
        format!(
            r#"{{"name":"syncline_salesforce_id","type":"string","fieldType":"text","hasUniqueValue":{unique}}}"#
        )
    };
    let script = Script::default()
        .json(409, there)
        .json(409, there)
        .json(200, &made(true));
    assert!(
        client(&script)
            .make_key_field("contacts", "syncline_salesforce_id")
            .await
            .is_ok()
    );
    let script = Script::default()
        .json(201, "{}")
        .json(409, there)
        .json(200, &made(false));
    let error = client(&script)
        .make_key_field("contacts", "syncline_salesforce_id")
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Systemic);
}

#[tokio::test(start_paused = true)]
async fn owners_are_read_page_by_page_and_the_day_from_the_account() {
    let script = Script::default()
        .json(200, r#"{"results":[{"id":"1","email":"Ada@X.example","archived":false}],"paging":{"next":{"after":"2"}}}"#)
        .json(200, r#"{"results":[{"id":2,"email":null,"type":"QUEUE"}]}"#)
        .json(200, r#"{"results":[{"name":"private-apps-api-calls-daily","usageLimit":1000000,"currentUsage":1542}]}"#);
    let client = client(&script);
    let people = client.people().await.unwrap();
    assert_eq!(
        (people[0].email.as_str(), people.len()),
        ("ada@x.example", 2)
    );
    assert_eq!(
        client.allowance().await.unwrap(),
        Allowance {
            used: 1_542,
            limit: 1_000_000
        }
    );
}
