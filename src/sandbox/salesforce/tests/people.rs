//! The ways in beside the API, and what the truth keeps.

use super::*;
use crate::sandbox::history::Event;

#[test]
fn a_seeded_record_has_its_past() {
    let mut org = org();
    let colleague = org.seed(
        "User",
        vec![(now(), Author::World, values(&[("LastName", "Kim")]))],
    );
    let id = org.seed(
        "Contact",
        vec![
            (
                later(-500),
                Author::World,
                values(&[("LastName", "Diaz"), ("Email", "not an address")]),
            ),
            (
                later(-400),
                Author::Colleague(colleague.clone()),
                values(&[("Title", "CTO"), ("Email", "")]),
            ),
        ],
    );
    let (_, row) = get(&mut org, &format!("/sobjects/Contact/{id}"));
    assert_eq!(
        (&row["LastName"], &row["Title"], &row["Email"]),
        (&json!("Diaz"), &json!("CTO"), &Value::Null)
    );
    assert_eq!(row["LastModifiedById"], json!(colleague));
    assert_ne!(row["CreatedById"], json!(colleague));
    assert_eq!(row["CreatedDate"], "2026-11-20T09:06:42.000+0000");
    assert_eq!(row["SystemModstamp"], "2026-11-20T09:08:22.000+0000");
    assert_eq!(org.history("Contact", &id[..15]).unwrap().versions.len(), 2);
    assert_eq!(
        org.seed("Nothing", vec![(now(), Author::World, values(&[]))]),
        ""
    );
}

#[test]
fn people_are_bound_by_rules_but_save_past_the_duplicate_alert() {
    let mut org = org();
    let kim = Author::Colleague(org.administrator.clone());
    let twin = values(&[("LastName", "Diaz"), ("Email", "d@x.example")]);
    let id = org.insert(now(), &kim, "Contact", twin.clone()).unwrap();
    let second = org.insert(now(), &kim, "Contact", twin).unwrap();
    let refused = org.edit(now(), &kim, "Contact", &id, values(&[("Email", "bad")]));
    assert!(refused.unwrap_err().starts_with("INVALID_EMAIL_ADDRESS"));
    org.edit(later(9), &kim, "Contact", &id, values(&[("Title", "CTO")]))
        .unwrap();
    assert_eq!(org.value("Contact", &id, "Title").as_deref(), Some("CTO"));
    assert_eq!(org.ids("Contact"), [id.clone(), second]);
    assert!(
        org.edit(now(), &kim, "Contact", "junk", values(&[]))
            .is_err()
    );
    assert_eq!(
        org.created_counts()["Contact"],
        stats::Created {
            world: 0,
            colleagues: 2,
            api: 0
        }
    );
    let events: Vec<&Event> = org
        .history("Contact", &id)
        .unwrap()
        .versions
        .iter()
        .map(|version| &version.event)
        .collect();
    assert_eq!(events, [&Event::Created, &Event::Updated]);
}

#[test]
fn automation_moves_the_stamp_but_not_the_users_date() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Diaz")]);
    org.edit(
        later(60),
        &Author::System,
        "Contact",
        &id,
        values(&[("Department", "R&D")]),
    )
    .unwrap();
    let (_, row) = get(&mut org, &format!("/sobjects/Contact/{id}"));
    assert_eq!(row["SystemModstamp"], "2026-11-20T09:16:02.000+0000");
    assert_eq!(row["LastModifiedDate"], "2026-11-20T09:15:02.000+0000");
}

#[test]
fn deleting_an_account_takes_its_contacts_and_a_record_can_come_back() {
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
    org.delete(later(1), &Author::World, "Account", &account)
        .unwrap();
    assert_eq!(
        org.history("Contact", &id)
            .unwrap()
            .versions
            .last()
            .unwrap()
            .event,
        Event::Deleted
    );
    org.restore(later(2), &Author::World, "Contact", &id)
        .unwrap();
    assert!(
        org.restore(later(3), &Author::World, "Contact", &id)
            .is_err()
    );
    assert_eq!(org.live_counts()["Contact"], 1);
}

#[test]
fn a_merge_leaves_the_loser_in_the_bin_with_its_master() {
    let mut org = org();
    let accounts = ["Acme", "Acme Inc"].map(|name| {
        org.seed(
            "Account",
            vec![(now(), Author::World, values(&[("Name", name)]))],
        )
    });
    let child = contact(
        &mut org,
        0,
        &[("LastName", "Diaz"), ("AccountId", &accounts[1])],
    );
    org.merge(
        later(60),
        &Author::World,
        "Account",
        &accounts[0],
        &accounts[1],
    )
    .unwrap();
    assert_eq!(
        org.value("Contact", &child, "AccountId").as_ref(),
        Some(&accounts[0])
    );
    let text = "/queryAll?q=SELECT+Id,MasterRecordId+FROM+Account+WHERE+IsDeleted=true+AND+MasterRecordId!=null";
    let (_, answer) = get(&mut org, text);
    assert_eq!(column(&answer, "Id"), [json!(accounts[1])]);
    assert_eq!(column(&answer, "MasterRecordId"), [json!(accounts[0])]);
    let refused = patch(
        &mut org,
        &format!("/sobjects/Account/{}", accounts[1]),
        json!({"Name": "X"}),
    );
    assert_eq!(code(&refused), (404, "ENTITY_IS_DELETED".into()));
    assert!(
        org.merge(
            later(61),
            &Author::World,
            "Account",
            &accounts[0],
            &accounts[0]
        )
        .is_err()
    );
}

#[test]
fn calls_are_counted_by_path_and_refusals_by_status() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Diaz")]);
    get(&mut org, &format!("/sobjects/Contact/{id}"));
    get(&mut org, &format!("/sobjects/Contact/{}", &id[..15]));
    org.note_rejected(&request("GET", "/services/data/v68.0/limits", None), 503);
    org.fail_limit(Some(later(10)));
    get(&mut org, "/limits");
    assert_eq!(
        org.calls()["GET /services/data/v68.0/sobjects/Contact/{id}"],
        2
    );
    assert_eq!(org.calls()["GET /services/data/v68.0/limits"], 2);
    assert_eq!(org.rejected(), &BTreeMap::from([(403, 1), (503, 1)]));
    assert_eq!(call_at(&mut org, later(10), "GET", "/limits", None).0, 200);
}

#[test]
fn a_hidden_record_is_not_there_for_the_caller() {
    let mut org = org();
    let id = contact(
        &mut org,
        0,
        &[("LastName", "Diaz"), ("Syncline_HubSpot_Id__c", "7")],
    );
    org.hide_record("Contact", &id, true);
    assert_eq!(get(&mut org, &format!("/sobjects/Contact/{id}")).0, 404);
    assert_eq!(soql(&mut org, "SELECT Id FROM Contact").1["totalSize"], 0);
    let masked = patch(
        &mut org,
        "/sobjects/Contact/Syncline_HubSpot_Id__c/7",
        json!({"LastName": "X"}),
    );
    assert_eq!(
        masked.1[0]["message"],
        "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    );
}

#[test]
fn what_is_hidden_from_the_api_is_not_hidden_from_people() {
    let mut org = org();
    let id = contact(&mut org, 0, &[("LastName", "Diaz")]);
    org.hide_record("Contact", &id, true);
    org.hide_field("Contact", "Title", true);
    let kim = Author::Colleague(org.administrator.clone());
    org.edit(later(1), &kim, "Contact", &id, values(&[("Title", "CTO")]))
        .unwrap();
    assert_eq!(org.value("Contact", &id, "Title").as_deref(), Some("CTO"));
}
