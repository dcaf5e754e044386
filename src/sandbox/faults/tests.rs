//! Every kind of fault is drawn, scripts hit what they name, nothing happens without a profile.

use std::collections::BTreeSet;

use super::*;

fn request(method: &str, path: &str) -> Request {
    Request {
        method: method.into(),
        path: path.into(),
        ..Request::default()
    }
}

fn kinds(profile: &str, draws: usize) -> BTreeSet<&'static str> {
    let mut injector = Injector::new(profile.parse().unwrap(), 1);
    let request = request("GET", "/x");
    (0..draws)
        .filter_map(|_| injector.decide(Side::HubSpot, &request))
        .map(Fault::kind)
        .collect()
}

#[test]
fn every_kind_of_fault_is_drawn_under_all_and_its_own_kind_under_each_profile() {
    let every: BTreeSet<&str> = [
        "throttle",
        "html_error",
        "error_after_commit",
        "error",
        "cut_after_commit",
        "cut",
        "silence_after_commit",
        "silence",
        "lands_later",
        "late",
        "truncated",
        "garbled",
        "expired_token",
        "locked",
    ]
    .into();
    assert_eq!(kinds("all", 20_000), every);
    assert_eq!(kinds("throttle", 1_000), ["throttle"].into());
    assert_eq!(kinds("auth", 5_000), ["expired_token"].into());
    assert!(kinds("timeouts", 5_000).contains("silence_after_commit"));
    assert!(kinds("none", 5_000).is_empty());
    assert!(kinds("lag", 5_000).is_empty());
}

#[test]
fn the_same_seed_spoils_the_same_requests() {
    let draw = |seed| {
        let mut injector = Injector::new("all".parse().unwrap(), seed);
        (0..500)
            .map(|_| injector.decide(Side::Salesforce, &request("GET", "/x")))
            .collect::<Vec<_>>()
    };
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
}

#[test]
fn a_script_spoils_what_it_names_as_often_as_it_says() {
    let mut injector = Injector::new(Profile::default(), 1);
    let fault = Fault::Cut { committed: true };
    injector.script(Side::HubSpot, Some("POST"), "/crm/objects", fault, 2);
    let mut meets = |side, method, path| injector.decide(side, &request(method, path)).is_some();
    assert!(!meets(Side::Salesforce, "POST", "/crm/objects/x"));
    assert!(!meets(Side::HubSpot, "GET", "/crm/objects/x"));
    assert!(!meets(Side::HubSpot, "POST", "/crm/owners"));
    assert!(meets(Side::HubSpot, "POST", "/crm/objects/x"));
    assert!(meets(Side::HubSpot, "POST", "/crm/objects/y"));
    assert!(!meets(Side::HubSpot, "POST", "/crm/objects/x"));
    assert_eq!(injector.counts(Side::HubSpot)["cut_after_commit"], 2);
    assert!(injector.counts(Side::Salesforce).is_empty());
}

#[test]
fn refusals_speak_each_vendors_language() {
    let throttle = Fault::Throttle {
        retry_after: Some(2),
    };
    let hubspot = refusal(Side::HubSpot, throttle, true).unwrap();
    assert_eq!(hubspot.status, 429);
    assert!(String::from_utf8_lossy(&hubspot.body).contains("SECONDLY"));
    assert!(
        hubspot
            .headers
            .contains(&("Retry-After".into(), "2".into()))
    );
    let salesforce = refusal(Side::Salesforce, throttle, false).unwrap();
    assert_eq!(salesforce.status, 403);
    assert!(String::from_utf8_lossy(&salesforce.body).starts_with('['));
    assert_eq!(refusal(Side::HubSpot, Fault::Truncated, false), None);
}
