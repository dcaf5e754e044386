//! No request makes the org panic, and none changes what a later honest one sees.

use super::*;
use proptest::prelude::*;

const PLACES: &[&str] = &[
    "/services/data/v68.0/sobjects/Contact",
    "/services/data/v68.0/sobjects/Contact/Syncline_HubSpot_Id__c/1",
    "/services/data/v68.0/sobjects/Account/001Wb00000Ab001IAB",
    "/services/data/v68.0/composite",
    "/services/data/v68.0/composite/batch",
    "/services/data/v68.0/composite/sobjects",
    "/services/data/v68.0/composite/sobjects/Contact",
    "/services/data/v68.0/composite/sobjects/Contact/Email",
    "/services/data/v68.0/query",
    "/services/data/v68.0/sobjects/Contact/updated",
    "/services/data/v68.0/sobjects/Contact/deleted",
    "/services/oauth2/token",
    "/services/oauth2/introspect",
    "/id/x/y",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("Contact")),
        Just(json!("/services/data/v68.0/sobjects/Contact/@{a.id}")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![
            Just("records"),
            Just("attributes"),
            Just("type"),
            Just("compositeRequest"),
            Just("batchRequests"),
            Just("url"),
            Just("method"),
            Just("referenceId"),
            Just("body"),
            Just("ids"),
            Just("fields"),
            Just("LastName"),
            Just("Email"),
            Just("Birthdate"),
            Just("DoNotCall"),
            Just("AccountId"),
            Just("Account"),
            Just("AnnualRevenue"),
            Just("allOrNone"),
            Just("id"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_request_is_answered_without_a_panic(
        place in prop::sample::select(PLACES),
        method in prop::sample::select(&["GET", "POST", "PATCH", "DELETE", "PUT", ""][..]),
        tail in ".{0,20}",
        name in prop::sample::select(&["q", "ids", "fields", "start", "end", "_HttpMethod"][..]),
        value in ".{0,40}",
        header in prop::sample::select(&["if-unmodified-since", "sforce-query-options", "sforce-duplicate-rule-header"][..]),
        body in any_json(),
        raw in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ) {
        let mut org = org();
        contact(&mut org, 0, &[("LastName", "Diaz"), ("Email", "d@x.example")]);
        let sent = Request {
            method: method.into(),
            path: format!("{place}{tail}"),
            query: vec![(name.to_owned(), value.clone())],
            headers: vec![
                ("authorization".into(), format!("Bearer {}", OrgSettings::default().access_token)),
                (header.to_owned(), value),
            ],
            body: raw.unwrap_or_else(|| body.to_string().into_bytes()),
        };
        let answer = org.handle(now(), &sent);
        prop_assert!((200..500).contains(&answer.status), "{}", answer.status);
        prop_assert_eq!(get(&mut org, "/sobjects").0, 200);
    }
}
