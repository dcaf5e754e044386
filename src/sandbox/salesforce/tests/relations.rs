//! Contacts with several accounts (docs/vendor/salesforce.md 6.6).

use super::*;

const ROWS: &str = "/sobjects/AccountContactRelation";

fn account(org: &mut Org, name: &str) -> String {
    org.seed(
        "Account",
        vec![(now(), Author::World, values(&[("Name", name)]))],
    )
}

/// An org with the feature, two accounts and a contact of the first one.
fn related() -> (Org, [String; 2], String) {
    let mut org = org();
    let accounts = ["Acme", "Beta"].map(|name| account(&mut org, name));
    let contact = contact(
        &mut org,
        0,
        &[("LastName", "Diaz"), ("AccountId", &accounts[0])],
    );
    org.relate_accounts(now());
    (org, accounts, contact)
}

fn of(pairs: &[(&String, bool)]) -> Vec<(String, bool)> {
    let mut pairs: Vec<(String, bool)> = pairs
        .iter()
        .map(|(id, direct)| ((*id).clone(), *direct))
        .collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn an_org_has_the_object_only_once_it_is_switched_on() {
    let mut bare = org();
    assert_eq!(get(&mut bare, &format!("{ROWS}/describe")).0, 404);
    let (mut org, [one, _], contact) = related();
    let (status, schema) = get(&mut org, &format!("{ROWS}/describe"));
    assert_eq!(
        (status, &schema["keyPrefix"], &schema["undeletable"]),
        (200, &json!("07k"), &json!(false))
    );
    let field = |name: &str| {
        let fields = schema["fields"].as_array().unwrap();
        let found = fields.iter().find(|field| field["name"] == name).unwrap();
        (found["createable"].clone(), found["updateable"].clone())
    };
    assert_eq!(field("AccountId"), (json!(true), json!(false)));
    assert_eq!(field("ContactId"), (json!(true), json!(false)));
    assert_eq!(field("IsDirect"), (json!(false), json!(false)));
    assert_eq!(org.related_accounts(&contact), of(&[(&one, true)]));
}

#[test]
fn rows_are_made_queried_and_deleted_but_a_pair_is_there_once_and_the_direct_one_stays() {
    let (mut org, [one, other], contact) = related();
    let row = json!({"ContactId": contact, "AccountId": other});
    let (status, made) = post(&mut org, ROWS, row.clone());
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(
        org.related_accounts(&contact),
        of(&[(&one, true), (&other, false)])
    );
    let again = post(&mut org, ROWS, row);
    assert_eq!(
        (again.0, &again.1[0]["errorCode"]),
        (400, &json!("DUPLICATE_VALUE"))
    );
    let direct = post(
        &mut org,
        ROWS,
        json!({"ContactId": contact, "AccountId": one}),
    );
    assert_eq!(direct.1[0]["errorCode"], "DUPLICATE_VALUE");
    let text = format!(
        "SELECT Id,AccountId,IsDirect FROM AccountContactRelation WHERE ContactId IN ('{contact}') ORDER BY Id ASC"
    );
    let found = soql(&mut org, &text).1;
    let rows = found["records"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["IsDirect"], &rows[1]["IsDirect"]),
        (&json!(true), &json!(false))
    );
    let own = rows[0]["Id"].as_str().unwrap();
    let refused = call(&mut org, "DELETE", &format!("{ROWS}/{own}"), None);
    assert_eq!(
        (refused.0, &refused.1[0]["errorCode"]),
        (400, &json!("DELETE_FAILED"))
    );
    assert_eq!(
        call(&mut org, "DELETE", &format!("{ROWS}/{id}"), None).0,
        204
    );
    assert_eq!(org.related_accounts(&contact), of(&[(&one, true)]));
    let moved = patch(
        &mut org,
        &format!("{ROWS}/{own}"),
        json!({"AccountId": other}),
    );
    assert_eq!(moved.0, 400);
}

#[test]
fn the_direct_row_follows_the_contacts_account() {
    let (mut org, [one, other], contact) = related();
    let path = format!("/sobjects/Contact/{contact}");
    patch(&mut org, &path, json!({"AccountId": other}));
    assert_eq!(org.related_accounts(&contact), of(&[(&other, true)]));
    post(
        &mut org,
        ROWS,
        json!({"ContactId": contact, "AccountId": one}),
    );
    patch(&mut org, &path, json!({"AccountId": one}));
    assert_eq!(org.related_accounts(&contact), of(&[(&one, true)]));
    patch(&mut org, &path, json!({"AccountId": null}));
    assert_eq!(org.related_accounts(&contact), []);
    let made = post(
        &mut org,
        "/sobjects/Contact",
        json!({"LastName": "New", "AccountId": other}),
    );
    let id = made.1["id"].as_str().unwrap();
    assert_eq!(org.related_accounts(id), of(&[(&other, true)]));
}

#[test]
fn rows_go_with_their_contact_or_account_and_getdeleted_tells() {
    let (mut org, [one, other], contact) = related();
    post(
        &mut org,
        ROWS,
        json!({"ContactId": contact, "AccountId": other}),
    );
    let kim = Author::Colleague(org.administrator.clone());
    org.delete(later(60), &kim, "Account", &other).unwrap();
    assert_eq!(org.related_accounts(&contact), of(&[(&one, true)]));
    let window = format!("{ROWS}/deleted?start=2026-11-20T09:00:00Z&end=2026-11-20T09:20:00Z");
    let gone = call_at(&mut org, later(300), "GET", &window, None).1;
    assert_eq!(gone["deletedRecords"].as_array().unwrap().len(), 1);
    org.delete(later(61), &kim, "Contact", &contact).unwrap();
    assert_eq!(org.related_accounts(&contact), []);
    org.restore(later(62), &kim, "Contact", &contact).unwrap();
    assert_eq!(org.related_accounts(&contact), of(&[(&one, true)]));
}

#[test]
fn a_merge_leaves_one_row_for_each_account() {
    let (mut org, [one, other], first) = related();
    let kim = Author::Colleague(org.administrator.clone());
    let second = contact(&mut org, 1, &[("LastName", "Diaz"), ("AccountId", &other)]);
    post(
        &mut org,
        ROWS,
        json!({"ContactId": second, "AccountId": one}),
    );
    org.merge(later(9), &kim, "Contact", &first, &second)
        .unwrap();
    assert_eq!(
        org.related_accounts(&first),
        of(&[(&one, true), (&other, false)])
    );
    org.merge(later(10), &kim, "Account", &one, &other).unwrap();
    assert_eq!(org.related_accounts(&first), of(&[(&one, true)]));
}
