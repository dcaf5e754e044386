//! describeGlobal and describe.

use super::*;

fn field<'a>(describe: &'a Value, name: &str) -> &'a Value {
    let fields = describe["fields"].as_array().unwrap();
    fields.iter().find(|field| field["name"] == name).unwrap()
}

#[test]
fn the_objects_of_the_sandbox_are_listed() {
    let mut org = org();
    let (_, global) = get(&mut org, "/sobjects");
    let names: Vec<&str> = global["sobjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    for name in [
        "Account",
        "Contact",
        "User",
        "Lead",
        "Opportunity",
        "Task",
        "Campaign",
        "CampaignMember",
    ] {
        assert!(names.contains(&name), "{name}");
        assert_eq!(get(&mut org, &format!("/sobjects/{name}/describe")).0, 200);
    }
    assert_eq!(global["maxBatchSize"], 200);
}

#[test]
fn a_field_tells_what_a_sync_needs() {
    let mut org = org();
    let (_, contact) = get(&mut org, "/sobjects/contact/describe");
    assert_eq!(contact["name"], "Contact");
    let key = field(&contact, KEY_FIELD);
    for (attribute, expected) in [
        ("externalId", json!(true)),
        ("unique", json!(true)),
        ("caseSensitive", json!(false)),
        ("custom", json!(true)),
        ("idLookup", json!(true)),
        ("type", json!("string")),
        ("length", json!(255)),
        ("byteLength", json!(765)),
    ] {
        assert_eq!(key[attribute], expected, "{attribute}");
    }
    let last = field(&contact, "LastName");
    assert_eq!(
        (
            &last["nillable"],
            &last["createable"],
            &last["defaultedOnCreate"]
        ),
        (&json!(false), &json!(true), &json!(false))
    );
    let account = field(&contact, "AccountId");
    assert_eq!(
        (&account["referenceTo"], &account["relationshipName"]),
        (&json!(["Account"]), &json!("Account"))
    );
    assert_eq!(field(&contact, "Description")["filterable"], json!(false));
    assert_eq!(field(&contact, "Name")["updateable"], json!(false));
    assert_eq!(
        field(&contact, "MasterRecordId")["referenceTo"],
        json!(["Contact"])
    );
    let (_, account) = get(&mut org, "/sobjects/Account/describe");
    let industry = field(&account, "Industry");
    assert_eq!(industry["restrictedPicklist"], json!(true));
    assert!(industry["picklistValues"].as_array().unwrap().len() > 30);
    let children = account["childRelationships"].as_array().unwrap();
    assert!(
        children
            .iter()
            .any(|child| child["relationshipName"] == "Contacts" && child["field"] == "AccountId")
    );
    // The full key set of docs/vendor/salesforce.md 2.2.
    assert_eq!(industry.as_object().unwrap().len(), 57);
}

#[test]
fn a_hidden_field_vanishes_everywhere() {
    let mut org = org();
    org.hide_field("Contact", "Title", true);
    let (_, contact) = get(&mut org, "/sobjects/Contact/describe");
    assert!(
        !contact["fields"]
            .as_array()
            .unwrap()
            .iter()
            .any(|field| field["name"] == "Title")
    );
    assert_eq!(
        code(&soql(&mut org, "SELECT Title FROM Contact")),
        (400, "INVALID_FIELD".into())
    );
    assert_eq!(
        code(&post(
            &mut org,
            "/sobjects/Contact",
            json!({"LastName": "X", "Title": "Y"})
        )),
        (400, "INVALID_FIELD".into())
    );
    org.hide_field("Contact", "Title", false);
    assert_eq!(soql(&mut org, "SELECT Title FROM Contact").0, 200);
}

#[test]
fn the_resource_list_names_the_identity() {
    let mut org = org();
    let (_, resources) = get(&mut org, "/");
    assert!(
        resources["identity"]
            .as_str()
            .unwrap()
            .ends_with(org.integration_user())
    );
    assert_eq!(
        get(&mut org, "/limits/recordCount?sObjects=User,Contact").1,
        json!({"sObjects": [{"count": 2, "name": "User"}]})
    );
}
