//! Converting leads: what a poller sees of it, and what the lead takes afterwards (docs/vendor/salesforce.md 6.4).

use super::*;
use crate::sandbox::history::Event;

const LEAD: &[(&str, &str)] = &[
    ("LastName", "Diaz"),
    ("FirstName", "Ana"),
    ("Email", "ana@acme.example"),
    ("Company", "Acme"),
    ("City", "Oslo"),
    ("Website", "acme.example"),
    ("LeadSource", "Web"),
    ("Syncline_HubSpot_Id__c", "42"),
];

fn lead(org: &mut Org, pairs: &[(&str, &str)]) -> String {
    org.seed("Lead", vec![(later(-500), Author::World, values(pairs))])
}

fn kim(org: &Org) -> Author {
    Author::Colleague(org.administrator.clone())
}

fn said(org: &Org, object: &str, id: &str, field: &str) -> String {
    org.value(object, id, field).unwrap_or_default()
}

#[test]
fn a_converted_lead_stays_and_names_the_contact_and_account_that_it_became() {
    let mut org = org();
    let id = lead(&mut org, LEAD);
    let task = values(&[("WhoId", &id), ("Subject", "Call")]);
    let task = org.seed("Task", vec![(now(), Author::World, task)]);
    let kim = kim(&org);
    let became = org
        .convert(now(), &kim, &id, &Conversion::default())
        .unwrap();
    let (_, row) = get(&mut org, &format!("/sobjects/Lead/{id}"));
    assert_eq!(
        [&row["IsConverted"], &row["IsDeleted"], &row["Status"]],
        [&json!(true), &json!(false), &json!("Closed - Converted")]
    );
    assert_eq!(row["ConvertedDate"], "2026-11-20");
    assert_eq!(row["ConvertedContactId"], became.contact.as_str());
    assert_eq!(row["ConvertedAccountId"], became.account.as_str());
    assert_eq!(row["ConvertedOpportunityId"], Value::Null);
    let (_, contact) = get(&mut org, &format!("/sobjects/Contact/{}", became.contact));
    assert_eq!(contact["SystemModstamp"], row["SystemModstamp"]);
    assert_eq!(contact["AccountId"], became.account.as_str());
    assert_eq!(contact["MailingCity"], "Oslo");
    assert_eq!(contact["Syncline_HubSpot_Id__c"], Value::Null);
    assert_eq!(said(&org, "Account", &became.account, "Name"), "Acme");
    assert_eq!(said(&org, "Task", &task, "WhoId"), became.contact);
    let history = org.history("Lead", &id).unwrap();
    assert_eq!(history.versions.last().unwrap().event, Event::Updated);
    // A query finds it like any row, by the contact too.
    let query = format!(
        "SELECT Id FROM Lead WHERE IsConverted = true AND ConvertedContactId IN ('{}')",
        became.contact
    );
    assert_eq!(soql(&mut org, &query).1["totalSize"], 1);
}

#[test]
fn a_converted_lead_takes_no_change_but_can_be_deleted() {
    let mut org = org();
    let (id, other) = (lead(&mut org, LEAD), lead(&mut org, &LEAD[..4]));
    let kim = kim(&org);
    org.convert(now(), &kim, &id, &Conversion::default())
        .unwrap();
    let code = "CANNOT_UPDATE_CONVERTED_LEAD: cannot reference converted lead";
    let edit = org.edit(later(9), &kim, "Lead", &id, values(&[("Title", "CTO")]));
    assert_eq!(edit.unwrap_err(), code);
    let again = org.convert(later(9), &kim, &id, &Conversion::default());
    assert_eq!(again.unwrap_err(), code);
    let merge = org.merge(later(9), &kim, "Lead", &other, &id);
    assert_eq!(merge.unwrap_err(), code);
    let (status, answer) = call(
        &mut org,
        "PATCH",
        &format!("/sobjects/Lead/{id}"),
        Some(json!({"Title": "CTO"})),
    );
    assert_eq!(
        (status, &answer[0]["errorCode"]),
        (400, &json!("CANNOT_UPDATE_CONVERTED_LEAD"))
    );
    org.delete(later(10), &kim, "Lead", &id).unwrap();
}

#[test]
fn a_known_contact_keeps_its_values_and_takes_what_it_has_blank() {
    let mut org = org();
    let id = lead(&mut org, LEAD);
    let acme = values(&[("Name", "Acme Inc")]);
    let account = org.seed("Account", vec![(later(-900), Author::World, acme)]);
    let known = contact(
        &mut org,
        -600,
        &[("LastName", "Diaz-Lee"), ("AccountId", &account)],
    );
    let kim = kim(&org);
    let how = Conversion {
        contact: Some(known.clone()),
        copies_key: true,
        ..Conversion::default()
    };
    let became = org.convert(now(), &kim, &id, &how).unwrap();
    assert_eq!((&became.contact, &became.account), (&known, &account));
    let held = |field| said(&org, "Contact", &known, field);
    assert_eq!(
        (held("LastName"), held("FirstName")),
        ("Diaz-Lee".into(), "Ana".into())
    );
    assert_eq!(held("LeadSource"), "", "only where it is to be overwritten");
    assert_eq!(held("Syncline_HubSpot_Id__c"), "42");
    assert_eq!(said(&org, "Account", &account, "Website"), "acme.example");
    assert_eq!(org.ids("Account").len(), 1);
}

#[test]
fn a_conversion_that_is_refused_leaves_nothing_behind() {
    let mut org = org();
    let id = lead(&mut org, LEAD);
    let kim = kim(&org);
    let how = Conversion {
        contact: Some("003000000000000AAA".into()),
        ..Conversion::default()
    };
    assert!(
        org.convert(now(), &kim, &id, &how)
            .unwrap_err()
            .starts_with("NOT_FOUND")
    );
    assert_eq!(org.ids("Account"), Vec::<String>::new());
    let queue = lead(
        &mut org,
        &[
            ("LastName", "Q"),
            ("Company", "Q"),
            ("OwnerId", "00G000000000001AAA"),
        ],
    );
    let refused = org.convert(now(), &kim, &queue, &Conversion::default());
    assert!(refused.unwrap_err().starts_with("INVALID_OWNER"));
    assert_eq!(said(&org, "Lead", &id, "IsConverted"), "false");
}
