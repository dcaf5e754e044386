//! Golden scenarios of schema drift and of the guards before a run (docs/design/sync-semantics.md 18, 19.2).

use std::sync::Arc;

use crate::support::town::*;
use crate::support::{House, order};
use serde_json::json;
use syncline::domain::{Canary, PerSide, RunId, RunKind, RunRecord, RunState};
use syncline::engine::{Order, Scope, Settings};
use syncline::sandbox::Side as Party;
use syncline::sandbox::http::Request;
use syncline::store::rows::{MapState, MappingPhase};

const S: &str = "Contact";
const H: &str = "contacts";
const STATUS: &str = "{ salesforce = \"Department\", hubspot = \"hs_lead_status\" },\n";

const PROPERTIES: &str = "/crm/properties/2026-09/contacts";

impl House {
    /// A HubSpot admin gives the property these options.
    fn options(&self, values: &[&str]) {
        let options: Vec<_> = values
            .iter()
            .map(|value| json!({"label": value, "value": value}))
            .collect();
        let path = format!("{PROPERTIES}/hs_lead_status");
        self.admin("PATCH", &path, json!({ "options": options }));
    }

    /// A HubSpot admin asks for something, and gets it.
    pub(crate) fn admin(&self, method: &str, path: &str, body: serde_json::Value) {
        let mut sandbox = self.sandbox.lock().unwrap();
        let token = sandbox.portal.settings().access_token.clone();
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: Vec::new(),
            headers: vec![
                ("authorization".into(), format!("Bearer {token}")),
                ("content-type".into(), "application/json".into()),
            ],
            body: body.to_string().into_bytes(),
        };
        let now = self.clock.now();
        let answer = sandbox.exchange(now, Party::HubSpot, &request);
        let syncline::sandbox::Exchange::Answer(answer) = answer else {
            panic!("no answer");
        };
        let told = String::from_utf8_lossy(&answer.body);
        assert!((200..300).contains(&answer.status), "{told}");
    }

    fn hide(&self, field: &str, hidden: bool) {
        self.sandbox
            .lock()
            .unwrap()
            .org
            .hide_field(S, field, hidden);
    }

    async fn state(&self, mapping: &str) -> MapState {
        self.db().await.map_state(&named(mapping)).await.unwrap()
    }

    /// A run after the schemas have grown old.
    async fn next_hour(&self) -> RunRecord {
        self.wait(3700).await;
        self.run(&order()).await.record
    }
}

/// A linked contact with a status, and the admin who takes an option away.
async fn paused() -> (House, String, String) {
    let house = House::empty(&people_with("", STATUS)).await;
    house.options(&["NEW", "OPEN", "DONE"]);
    let name = [
        ("LastName", "Berg"),
        ("Email", "anna@example.com"),
        ("Department", "NEW"),
    ];
    let s = house.sf(S, &name);
    house.fine().await;
    let h = house.hs_ids(H).remove(0);
    house.settled().await;
    house.both((&s, &h), ("Department", "hs_lead_status"), ("NEW", "NEW"));
    house.options(&["NEW", "OPEN"]);
    house.sf_edit(S, &s, &[("Department", "OPEN"), ("Title", "Chief")]);
    let run = house.next_hour().await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    house.both((&s, &h), ("Department", "hs_lead_status"), ("OPEN", "NEW"));
    house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Chief"));
    (house, s, h)
}

#[tokio::test(start_paused = true)]
async fn an_option_that_is_gone_pauses_its_pair_until_it_is_back() {
    let (house, s, h) = paused().await;
    let state = house.state("contacts").await;
    assert_eq!(state.state, MappingPhase::Active);
    let reason = state.reason.unwrap();
    assert!(
        reason.contains("hs_lead_status") && reason.contains("DONE"),
        "{reason}"
    );
    assert!(house.errors().await.is_empty());
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Department", "hs_lead_status"), ("OPEN", "NEW"));
    house.options(&["NEW", "OPEN", "DONE", "MORE"]);
    let run = house.next_hour().await;
    assert_eq!((run.kind, run.state), (RunKind::Full, RunState::Done));
    adds_up_whole(counts(&run, "contacts"));
    house.both((&s, &h), ("Department", "hs_lead_status"), ("OPEN", "OPEN"));
    assert_eq!(house.state("contacts").await.reason, None);
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_person_who_resumes_the_mapping_accepts_the_objects_as_they_are() {
    let (house, s, h) = paused().await;
    let engine = house.engine().await;
    engine.pause(&named("contacts"), false).await.unwrap();
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Department", "hs_lead_status"), ("OPEN", "OPEN"));
    assert_eq!(house.state("contacts").await.reason, None);
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_gone_halts_its_mapping_alone_and_the_next_run_knows_when_it_is_back() {
    let house = House::empty(&firms()).await;
    house.village();
    house.fine().await;
    house.settled().await;
    house.hide("Title", true);
    let account = house.sf_ids("Account").remove(0);
    let contact = house.sf_ids(S).remove(0);
    house.sf_edit("Account", &account, &[("NumberOfEmployees", "77")]);
    house.sf_edit(S, &contact, &[("MailingCity", "Bergen")]);
    house.wait(60).await;
    // The schemas are believed for an hour: the query itself tells, and they are read anew.
    let end = house.run(&order()).await;
    assert_eq!(end.record.state, RunState::Halted);
    house.wait(60).await;
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted);
    assert!(
        run.reason.as_ref().unwrap().contains("Title"),
        "{:?}",
        run.reason
    );
    assert_eq!(counts(&run, "accounts").updated.hubspot, 1);
    assert_eq!(house.state("contacts").await.state, MappingPhase::Halted);
    assert_eq!(house.state("accounts").await.state, MappingPhase::Active);
    house.hide("Title", false);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").updated.hubspot, 1);
    assert_eq!(house.state("contacts").await.state, MappingPhase::Active);
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_field_that_is_gone_halts_before_anything_could_be_made_twice() {
    let (house, _, _) = clerk(&people("")).await;
    house.hide("Syncline_HubSpot_Id__c", true);
    house.hs(H, &[("lastname", "Lund"), ("email", "lund@example.com")]);
    let run = house.next_hour().await;
    assert_eq!(run.state, RunState::Halted);
    assert_eq!(run.valves[0].valve, "mapping_refused");
    let reason = run.reason.unwrap();
    assert!(reason.contains("Syncline_HubSpot_Id__c"), "{reason}");
    assert_eq!(house.sf_ids(S).len(), 1);
    house.hide("Syncline_HubSpot_Id__c", false);
    house.wait(60).await;
    house.fine().await;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_is_not_as_it_should_be_stops_the_run_before_it_reads() {
    let (mut house, s, h) = clerk(&people("")).await;
    let canary = |house: &mut House, value: &str| {
        let canary = |object: &str, id: &str, field: &str, value: &str| Canary {
            object: object.into(),
            id: id.into(),
            field: field.into(),
            value: value.into(),
        };
        let mut rules = (*house.rules).clone();
        rules.settings = Settings {
            canary: PerSide {
                salesforce: Some(canary(S, &s, "LastName", "Berg")),
                hubspot: Some(canary(H, &h, "lastname", value)),
            },
            ..rules.settings
        };
        house.rules = Arc::new(rules);
    };
    canary(&mut house, "Berg");
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.calls.total, run.expected_calls);
    canary(&mut house, "Hansen");
    house.wait(60).await;
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted);
    assert_eq!(run.valves[0].valve, "canary");
    assert!(!run.calls.purposes.contains_key("observe"));
    assert!(
        run.reason.as_ref().unwrap().contains("lastname"),
        "{:?}",
        run.reason
    );
    canary(&mut house, "Berg");
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.wait(60).await;
    let run = house.sync().await;
    assert!(
        run.reason.as_ref().unwrap().contains("cannot be read"),
        "{:?}",
        run.reason
    );
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    house.wait(60).await;
    house.fine().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_sweep_finds_of_a_group_with_a_paused_pair_waits_for_the_pair() {
    let group = "groups = [[\"Department\", \"MailingCity\"]]";
    let house = House::empty(&people_with(group, STATUS)).await;
    house.options(&["NEW", "OPEN", "DONE"]);
    let name = [("LastName", "Berg"), ("Email", "anna@example.com")];
    let home = [("Department", "NEW"), ("MailingCity", "Oslo")];
    let s = house.sf(S, &[name, home].concat());
    house.fine().await;
    let h = house.hs_ids(H).remove(0);
    house.settled().await;
    house.options(&["NEW", "OPEN"]);
    house.next_hour().await;
    let lag = chrono::TimeDelta::days(20);
    house.sandbox.lock().unwrap().portal.set_index_lag(lag);
    house.hs_edit(H, &h, &[("city", "Bergen"), ("jobtitle", "Pilot")]);
    house.settled().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("", "Pilot"));
    for _ in 0..3 {
        // Found by the first sweep: the field beside the group travels, the group rests with its pair, day by day.
        house.wait(24 * 3600).await;
        let run = house.fine().await;
        assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
        house.both((&s, &h), ("Title", "jobtitle"), ("Pilot", "Pilot"));
        house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Bergen"));
        house.quiet().await;
    }
    house.options(&["NEW", "OPEN", "DONE"]);
    assert_eq!(house.next_hour().await.kind, RunKind::Full);
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Bergen"));
    house.both((&s, &h), ("Department", "hs_lead_status"), ("NEW", "NEW"));
    house.idle().await;
}

/// A contact of the west on both sides, the run that carried it over, and the property as an admin enters it.
async fn western() -> (House, String, String, RunId, serde_json::Value) {
    let region = json!({"name": "sales_region", "label": "Region", "type": "enumeration", "fieldType": "select",
        "groupName": "contactinformation", "options": [{"label": "West", "value": "West"}]});
    let pair = "{ salesforce = \"MailingState\", hubspot = \"sales_region\" },\n";
    let house = House::empty(&people_with("", pair)).await;
    house.admin("POST", PROPERTIES, region.clone());
    let s = house.sf(S, &[("LastName", "Berg"), ("Email", "anna@example.com")]);
    let anna = [
        ("lastname", "Berg"),
        ("email", "anna@example.com"),
        ("sales_region", "West"),
    ];
    let h = house.hs(H, &anna);
    let run = house.fine().await.run;
    house.both((&s, &h), REGION, ("West", "West"));
    house.wait(60).await;
    (house, s, h, run, region)
}

const REGION: (&str, &str) = ("MailingState", "sales_region");

#[tokio::test(start_paused = true)]
async fn a_property_that_was_archived_since_the_schema_was_read_empties_nothing() {
    // An hour ago, and a moment ago.
    for age in [60, 5] {
        archived_since(age).await;
    }
}

async fn archived_since(seconds: u64) {
    let (house, s, h, _, region) = western().await;
    // A run reads the schema where its own is an hour old.
    house.next_hour().await;
    house.admin("DELETE", &format!("{PROPERTIES}/sales_region"), json!({}));
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(seconds).await;
    let full = Order {
        scope: Scope::Full,
        ..order()
    };
    house.run(&full).await;
    assert_eq!(
        house.sf_value(S, &s, "MailingState").as_deref(),
        Some("West")
    );
    assert_eq!(house.sf_value(S, &s, "Title").as_deref(), Some("Boss"));
    house.admin("POST", PROPERTIES, region);
    house.next_hour().await;
    house.next_hour().await;
    house.both((&s, &h), REGION, ("West", "West"));
    assert!(house.errors().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_put_back_stays_so_while_its_property_is_gone_and_when_it_is_back() {
    let (house, s, h, run, region) = western().await;
    house.undone(run).await;
    house.both((&s, &h), REGION, ("", "West"));
    // A run with the schema of an hour ago, then those that know.
    house.admin("DELETE", &format!("{PROPERTIES}/sales_region"), json!({}));
    let everything = Order {
        scope: Scope::Full,
        ..order()
    };
    house.wait(60).await;
    house.run(&everything).await;
    house.admin("POST", PROPERTIES, region);
    for _ in 0..3 {
        house.wait(3700).await;
        house.run(&everything).await;
        house.both((&s, &h), REGION, ("", "West"));
    }
}
