//! getUpdated and getDeleted.

use super::*;

const UPDATED: &str =
    "/sobjects/Contact/updated/?start=2026-11-20T09%3A00%3A30Z&end=2026-11-20T10:00:00%2B00:00";
const DELETED: &str =
    "/sobjects/Contact/deleted/?start=2026-11-20T09:00:00Z&end=2026-11-20T10:00:00Z";

#[test]
fn updated_lists_live_rows_of_the_window_and_covers_no_more_than_now() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "In")]);
    contact(&mut org, -3600, &[("LastName", "Before")]);
    let gone = contact(&mut org, 1, &[("LastName", "Gone")]);
    org.delete(later(5), &Author::World, "Contact", &gone)
        .unwrap();
    let answer = call_at(&mut org, later(90), "GET", UPDATED, None);
    assert_eq!(
        answer,
        (
            200,
            json!({"ids": [id], "latestDateCovered": "2026-11-20T09:16:00.000+0000"})
        )
    );
}

#[test]
fn a_long_transaction_holds_the_covered_date_back_and_commits_with_an_old_stamp() {
    let mut org = org();
    let id = contact(&mut org, -7200, &[("LastName", "Old")]);
    org.hold_back(Some(later(-300)));
    let (_, answer) = call_at(&mut org, later(90), "GET", UPDATED, None);
    assert_eq!(answer["latestDateCovered"], "2026-11-20T09:10:00.000+0000");
    let author = Author::Colleague(org.administrator.clone());
    org.edit_with_stamp(
        later(100),
        later(-290),
        &author,
        "Contact",
        &id,
        values(&[("Title", "Late")]),
    )
    .unwrap();
    org.hold_back(None);
    let (_, answer) = call_at(&mut org, later(200), "GET", UPDATED, None);
    assert_eq!(answer["ids"], json!([id]));
    let (_, row) = get(
        &mut org,
        &format!("/sobjects/Contact/{id}?fields=SystemModstamp"),
    );
    assert_eq!(row["SystemModstamp"], "2026-11-20T09:10:12.000+0000");
    assert_eq!(
        org.history("Contact", &id).unwrap().versions[1].at,
        later(100)
    );
}

#[test]
fn deleted_lists_the_bin_for_15_days() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Gone")]);
    org.delete(later(5), &Author::World, "Contact", &id)
        .unwrap();
    let (_, answer) = call_at(&mut org, later(90), "GET", DELETED, None);
    assert_eq!(
        answer["deletedRecords"],
        json!([{"id": id, "deletedDate": "2026-11-20T09:15:07.000+0000"}])
    );
    assert_eq!(
        answer["earliestDateAvailable"],
        "2026-11-05T09:16:00.000+0000"
    );
    let much_later = now() + Duration::days(16);
    assert_eq!(
        call_at(&mut org, much_later, "GET", DELETED, None).1["deletedRecords"],
        json!([])
    );
    let all = "/queryAll?q=SELECT+Id+FROM+Contact+WHERE+IsDeleted+=+true";
    assert_eq!(
        call_at(&mut org, later(90), "GET", all, None).1["totalSize"],
        1
    );
    assert_eq!(
        call_at(&mut org, much_later, "GET", all, None).1["totalSize"],
        0
    );
}

#[test]
fn windows_out_of_range_are_refused() {
    let mut org = org();
    for window in [
        "start=2026-11-20T09:00:00Z&end=2026-11-20T09:00:59Z",
        "start=2026-11-20T09:00:00Z&end=2026-11-20T08:00:00Z",
        "start=2026-10-01T09:00:00Z&end=2026-11-20T08:00:00Z",
        "start=yesterday&end=2026-11-20T08:00:00Z",
        "end=2026-11-20T08:00:00Z",
    ] {
        let answer = get(&mut org, &format!("/sobjects/Contact/updated?{window}"));
        assert_eq!(
            code(&answer),
            (400, "INVALID_REPLICATION_DATE".into()),
            "{window}"
        );
    }
}

#[test]
fn dates_beyond_what_the_vendor_stores_are_refused_everywhere() {
    let mut org = org();
    let window = "start=%2B262142-12-31T23:59:00Z&end=%2B262142-12-31T23:59:59Z";
    let answer = get(&mut org, &format!("/sobjects/Contact/updated?{window}"));
    assert_eq!(code(&answer), (400, "INVALID_REPLICATION_DATE".into()));
    for day in ["+99999-01-01", "0001-01-01", "4001-01-01"] {
        let body = json!({"LastName": "D", "Birthdate": day});
        assert_eq!(
            code(&post(&mut org, "/sobjects/Contact", body)),
            (400, "JSON_PARSER_ERROR".into())
        );
    }
}
