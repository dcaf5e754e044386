//! Ten thousand contacts: a page stays a matter of milliseconds, even unoptimised.

use std::time::Instant;

use chrono::Duration;
use serde_json::{Value, json};

use super::Desk;

#[test]
fn pages_of_a_large_portal_are_quick() {
    let mut desk = Desk::new();
    for n in 0..10_000 {
        let email = format!("p{n}@example.com");
        desk.seed(
            "contacts",
            &[
                ("email", &email),
                ("lastname", "Lee"),
                ("firstname", "Ann"),
                ("phone", "1"),
            ],
        );
    }
    let low = (desk.now - Duration::days(60))
        .timestamp_millis()
        .to_string();
    let high = desk.now.timestamp_millis().to_string();
    let start = Instant::now();
    for n in 0..20 {
        let after = 501 + n * 5_000;
        let got = desk.get(&format!(
            "/crm/objects/2026-09/contacts?limit=100&after={after}"
        ));
        assert_eq!(got.body["results"].as_array().unwrap().len(), 100);
    }
    let list = start.elapsed() / 20;
    let start = Instant::now();
    let mut last = "0".to_owned();
    for _ in 0..20 {
        let got = desk.post(
            "/crm/objects/2026-09/contacts/search",
            json!({"filterGroups": [{"filters": [
                {"propertyName": "lastmodifieddate", "operator": "GTE", "value": low},
                {"propertyName": "lastmodifieddate", "operator": "LT", "value": high},
                {"propertyName": "hs_object_id", "operator": "GT", "value": last}]}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}], "limit": 200}),
        );
        let rows: &Vec<Value> = got.body["results"].as_array().unwrap();
        assert_eq!(rows.len(), 200);
        last = rows[199]["id"].as_str().unwrap().to_owned();
    }
    let search = start.elapsed() / 20;
    println!("list page {list:?}, search page {search:?}");
    let bound = std::time::Duration::from_millis(150);
    assert!(
        list < bound && search < bound,
        "list page {list:?}, search page {search:?}"
    );
}
