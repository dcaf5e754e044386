//! The keys of 9.2 and the fields that a side is asked for.

use super::*;
use crate::domain::{Direction, MatchRule};
use crate::engine::testkit::{mapping, pair, seen};

use Side::{HubSpot as H, Salesforce as S};

fn reference(mapping: &str) -> FieldPair {
    FieldPair {
        kind: PairKind::Reference {
            mapping: mapping.into(),
        },
        ..pair("Account", Direction::Both)
    }
}

/// Matched by e-mail, or else by name and city together.
fn matched() -> Mapping {
    let rule = |parts: &[usize]| MatchRule {
        parts: parts.to_vec(),
    };
    Mapping {
        match_rules: vec![rule(&[0]), rule(&[1, 2])],
        ..mapping(vec![
            pair("Email", Direction::Both),
            pair("Name", Direction::Both),
            pair("City", Direction::Both),
        ])
    }
}

/// The rules under which two records have a key in common.
fn common(s: &[(&str, &str)], h: &[(&str, &str)]) -> Vec<u8> {
    let (s, h) = (seen(S, s), seen(H, h));
    let theirs = match_keys(&matched(), &h);
    let keys = match_keys(&matched(), &s).into_iter();
    keys.filter(|key| theirs.contains(key))
        .map(|(rule, _)| rule)
        .collect()
}

#[test]
fn two_records_have_a_key_in_common_where_a_rule_says_that_they_are_one() {
    let mail = "hs_additional_emails";
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let rows: [(Fields<'_>, Fields<'_>, &[u8]); 14] = [
        (
            &[("Email", "A@x.example")],
            &[("email", "a@x.example ")],
            &[1],
        ),
        (
            &[("Email", "a@x.example")],
            &[("email", "b@x.example")],
            &[],
        ),
        (&[("Email", "")], &[("email", "")], &[]),
        // Further addresses are keys of HubSpot's record, and of no other field.
        (
            &[("Email", "b@x.example")],
            &[("email", "a@x.example"), (mail, "c@x.example; b@x.example")],
            &[1],
        ),
        (
            &[("Email", "b@x.example")],
            &[("email", ""), (mail, "b@x.example")],
            &[1],
        ),
        (
            &[("Email", "b@x.example")],
            &[("email", "a@x.example"), (mail, " ; ;")],
            &[],
        ),
        (&[(mail, "b@x.example")], &[("email", "b@x.example")], &[]),
        (
            &[("Name", "b@x.example"), ("City", "Rome")],
            &[(mail, "b@x.example"), ("city", "Rome")],
            &[],
        ),
        // All parts of a rule count, and none may be blank.
        (
            &[("Name", "Ann"), ("City", "Rome")],
            &[("name", "ann"), ("city", "ROME")],
            &[2],
        ),
        (
            &[("Name", "Ann"), ("City", "Rome")],
            &[("name", "Ann"), ("city", "Oslo")],
            &[],
        ),
        (
            &[("Name", "Ann"), ("City", "")],
            &[("name", "Ann"), ("city", "")],
            &[],
        ),
        (
            &[("Email", "a@x.example"), ("Name", "Ann"), ("City", "Rome")],
            &[("email", "a@x.example"), ("name", "Ann"), ("city", "Rome")],
            &[1, 2],
        ),
        // The stamp: each side's key field holds the other's id.
        (&[], &[("k", " 1 ")], &[STAMP_RULE]),
        (&[("K", "1")], &[], &[STAMP_RULE]),
    ];
    for (s, h, want) in rows {
        assert_eq!(common(s, h), want, "{s:?} {h:?}");
    }
}

#[test]
fn a_record_without_a_match_value_has_its_own_id_for_a_key_and_no_other() {
    let keys = match_keys(&matched(), &seen(S, &[]));
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].0, STAMP_RULE);
    assert_ne!(
        keys,
        match_keys(&matched(), &seen(H, &[])),
        "ids of two sides are not one"
    );
}

#[test]
fn a_side_is_asked_for_its_fields_its_keys_and_what_tells_of_merges() {
    let mut over = matched();
    over.pairs.push(reference("accounts"));
    let mut known = Known::default();
    let ask = |known: &Known, over: &Mapping, side, object: &str| {
        observed(known, std::iter::once(over), side, object).join(" ")
    };
    assert_eq!(ask(&known, &over, S, "Contact"), "Account City Email Name");
    assert_eq!(
        ask(&known, &over, H, "contacts"),
        "city email hs_additional_emails hs_calculated_merged_vids hs_merged_object_ids name"
    );
    assert_eq!(ask(&known, &over, S, "Lead"), "", "another object");
    known.keyed.insert((over.id.clone(), S));
    assert_eq!(
        ask(&known, &over, S, "Contact"),
        "Account City Email K Name"
    );
    // Companies are matched by their domain, and tell of merges in one property only.
    let companies = Mapping {
        match_rules: vec![MatchRule { parts: vec![0] }],
        ..mapping(vec![pair("Domain", Direction::Both)])
    };
    let mut companies = companies;
    companies.objects.hubspot.object = "companies".into();
    assert_eq!(
        ask(&known, &companies, H, "companies"),
        "domain hs_additional_domains hs_merged_object_ids"
    );
    companies.match_rules.clear();
    assert_eq!(
        ask(&known, &companies, H, "companies"),
        "domain hs_merged_object_ids"
    );
}

#[test]
fn the_scope_of_a_mapping_is_read_with_its_fields() {
    let mut over = mapping(vec![pair("Name", Direction::Both)]);
    over.scope = crate::domain::condition::Condition::parse("Contact", "Rating = 'Hot'").ok();
    let ask = |side, object| observed(&Known::default(), std::iter::once(&over), side, object);
    assert_eq!(ask(S, "Contact"), ["Name", "Rating"]);
    assert!(!ask(H, "contacts").contains(&"Rating".to_owned()));
}

#[test]
fn the_records_that_went_into_one_are_named_once_and_without_itself() {
    let former = |fields: &[(&str, &str)]| {
        let ids = former_ids(&seen(H, fields)).into_iter();
        ids.map(|id| id.0).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(former(&[]), "");
    assert_eq!(former(&[("hs_merged_object_ids", "7;5; 7;;1")]), "5 7");
    assert_eq!(
        former(&[
            ("hs_calculated_merged_vids", "9:1700000000000;1:5"),
            ("hs_merged_object_ids", "9;8"),
        ]),
        "8 9"
    );
}

#[test]
fn two_values_of_a_field_are_the_same_where_its_pair_says_so() {
    let mapping = mapping(vec![pair("Name", Direction::Both)]);
    let same = |field: &str, one: &str, other: &str| {
        same_value(&mapping, S, field, &Value::text(one), &Value::text(other))
    };
    assert!(same("Name", "Ann ", "Ann"));
    assert!(!same("Name", "Ann", "Bea"));
    // What is not known has no form: it is itself and nothing else.
    let unknown = |other: &Value| same_value(&mapping, S, "Name", &Value::Unknown, other);
    assert!(unknown(&Value::Unknown));
    assert!(!unknown(&Value::Null));
    // The key field has no pair.
    assert!(same("K", "1", "1"));
    assert!(!same("K", "1", "1 "));
    assert!(!same("K", "1", ""));
    let blank = |one: &Value, other: &Value| same_value(&mapping, S, "K", one, other);
    assert!(blank(&Value::Null, &Value::Text(String::new())));
    assert!(!blank(&Value::Null, &Value::text("1")));
}

#[test]
fn a_reference_is_an_association_on_hubspot_and_a_field_in_salesforce() {
    let (text, parent) = (pair("Name", Direction::Both), reference("accounts"));
    let constant = FieldPair {
        fields: crate::engine::testkit::sides(String::new(), "source".into()),
        ..text.clone()
    };
    for (pair, side, property, association) in [
        (&text, S, true, false),
        (&text, H, true, false),
        (&parent, S, true, false),
        (&parent, H, false, true),
        (&constant, S, false, false),
        (&constant, H, true, false),
    ] {
        assert_eq!(is_property(pair, side), property, "{pair:?} {side}");
        assert_eq!(is_association(pair, side), association, "{pair:?} {side}");
    }
    let over = mapping(vec![text, parent.clone()]);
    assert_eq!(associations(&over).collect::<Vec<_>>(), [&parent]);
}
