//! Golden scenarios: what changes around a mapping that has long been in step: new field pairs, long pauses, restored
//! stores, parents that never come, vendors that talk nonsense.

use std::sync::Arc;

use crate::support;
use crate::support::town::*;
use crate::support::{House, order};
use syncline::domain::{ErrorCategory, RunKind, RunRecord, RunState};
use syncline::engine::Order;
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
use syncline::store::{SimStore, keys};

const S: &str = "Contact";
const H: &str = "contacts";

async fn linked(text: &str) -> (House, String, String) {
    let house = House::empty(text).await;
    let s = house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "anna@example.com"),
            ("Department", "Sales"),
            ("Phone", "(415) 555-0134"),
        ],
    );
    let h = house.hs(
        H,
        &[
            ("lastname", "Berg"),
            ("email", "anna@example.com"),
            ("phone", "+14155550134"),
            ("mobilephone", "+14155550177"),
        ],
    );
    house.fine().await;
    house.settled().await;
    (house, s, h)
}

fn reconfigure(house: &mut House, text: &str) {
    house.rules = Arc::new(support::rules(&support::config(text)));
}

/// Leaves behind what an import of the store does.
pub(crate) async fn imported(house: &House) {
    let db = house.db().await;
    let mut tx = db.begin();
    tx.put_meta(keys::META_EPOCH, &1u64).unwrap();
    tx.commit().await.unwrap();
}

/// The run after a change of the rules, or after an import, asks; its confirm carries it out.
pub(crate) async fn confirmed(house: &House, valve: &str) -> RunRecord {
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted, "{:?}", run.mappings);
    assert!(
        run.valves.iter().any(|hit| hit.valve == valve),
        "{:?}",
        run.valves
    );
    assert_eq!(writes(&run), 0);
    let end = house
        .run(&Order {
            confirm: run.plan_hash,
            ..order()
        })
        .await;
    assert!(end.error.is_none(), "{:?}", end.error);
    assert_eq!(end.record.state, RunState::Done, "{:?}", end.record.reason);
    end.record
}

const PHONE: &str =
    "{ salesforce = \"Phone\", hubspot = \"phone\", transform = \"phone_e164\" },\n";

#[tokio::test(start_paused = true)]
async fn a_pair_added_later_reaches_every_link_at_once() {
    let (mut house, s, h) = linked(&people("")).await;
    let more = format!(
        "{PHONE}{{ salesforce = \"Department\", hubspot = \"state\" }},\n{{ salesforce = \"MobilePhone\", hubspot = \"mobilephone\", transform = \"phone_e164\" }},\n"
    );
    reconfigure(&mut house, &people_with("", &more));
    house.wait(4000).await;
    let run = confirmed(&house, "config_changed").await;
    assert_eq!(counts(&run, "contacts").updated_links, 1);
    house.both((&s, &h), ("Department", "state"), ("Sales", "Sales"));
    house.both(
        (&s, &h),
        ("MobilePhone", "mobilephone"),
        ("+14155550177", "+14155550177"),
    );
    // What means the same already is left as it is written.
    house.both(
        (&s, &h),
        ("Phone", "phone"),
        ("(415) 555-0134", "+14155550134"),
    );
    house.quiet().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_points_to_another_field_now_begins_anew() {
    let (mut house, s, h) = linked(&people_with("", PHONE)).await;
    let other = PHONE.replace("hubspot = \"phone\"", "hubspot = \"mobilephone\"");
    reconfigure(&mut house, &people_with("conflict = \"ask\"", &other));
    house.wait(4000).await;
    let run = house.sync().await;
    assert_eq!(run.kind, RunKind::Full);
    let end = house
        .run(&Order {
            confirm: run.plan_hash,
            ..order()
        })
        .await;
    // Two numbers at first sight are a question; the old base of the same name does not make one of them an edit.
    assert_eq!(end.record.state, RunState::DoneWithErrors);
    assert_eq!(
        house.the_item(syncline::domain::ItemKind::Field).await.base,
        None
    );
    house.both(
        (&s, &h),
        ("Phone", "mobilephone"),
        ("(415) 555-0134", "+14155550177"),
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_longer_than_the_vendors_remember_deletions_everything_is_read() {
    let (house, s, h) = linked(&people("")).await;
    house.wait(13 * 24 * 3600).await;
    assert_eq!(house.fine().await.kind, RunKind::Incremental);
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(15 * 24 * 3600).await;
    let run = house.fine().await;
    assert_eq!(run.kind, RunKind::Full);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.wait(3600).await;
    assert_eq!(house.fine().await.kind, RunKind::Incremental);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_restored_store_reads_everything_and_asks_before_it_writes() {
    let (house, s, h) = linked(&people("")).await;
    imported(&house).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = confirmed(&house, "restored").await;
    assert_eq!(counts(&run, "contacts").updated.hubspot, 1);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    // It asks once.
    house.wait(60).await;
    assert_eq!(house.fine().await.kind, RunKind::Incremental);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_a_restored_store_knows_nothing_of_is_not_taken_for_the_vendors_form_of_the_write()
 {
    let (mut house, s, h) = linked(&people("")).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    let before = Arc::new(SimStore::new());
    copy(&house.store, &before).await;
    assert_eq!(house.undone(run.run).await.state, RunState::Done);
    house.both((&s, &h), ("Title", "jobtitle"), ("", "Boss"));
    house.store = before;
    imported(&house).await;
    house.wait(600).await;
    // What Salesforce holds differs from the base, so it is a change: nothing is left apart without a word.
    confirmed(&house, "restored").await;
    house.both((&s, &h), ("Title", "jobtitle"), ("", ""));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_never_comes_is_an_error_after_seven_days_and_is_over_once_it_is_linked() {
    let house = House::empty(&firms()).await;
    let account = house.sf("Account", &[("Name", "Acme"), ("Website", "acme.example")]);
    let twin = house.sf(
        "Account",
        &[("Name", "Acme Ltd"), ("Website", "www.acme.example")],
    );
    let s = house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "a@example.com"),
            ("AccountId", &account),
        ],
    );
    house.fine().await;
    let h = house.hs_ids(H).pop().unwrap();
    for _ in 0..6 {
        house.wait(24 * 3600).await;
        house.fine().await;
    }
    assert!(
        house.errors().await.is_empty(),
        "{:#?}",
        house.errors().await
    );
    house.wait(25 * 3600).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").errors, 1);
    let error = house.the_error().await;
    assert_eq!(
        (error.category, error.field.as_str()),
        (ErrorCategory::Reference, "AccountId")
    );
    assert!(error.message.contains(&account), "{}", error.message);
    assert_eq!(error.label, "Berg");
    // It is told once, and nothing is read for it after that; the rest of the record goes on.
    house.wait(3600).await;
    house.fine().await;
    house.idle().await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.the_error().await;
    // The twin goes; the account gets its company, and the child its association.
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .delete(now, &colleague(), "Account", &twin)
        .unwrap();
    house.sf_edit("Account", &account, &[("Phone", "(415) 555-0100")]);
    house.wait(60).await;
    house.fine().await;
    assert!(
        house.errors().await.is_empty(),
        "{:#?}",
        house.errors().await
    );
    let company = house.hs_ids("companies").pop().unwrap();
    let partners = house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .partners(H, &h, "companies");
    assert_eq!(partners, [company]);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_told_by_every_run_and_not_only_by_the_one_that_met_it() {
    let (house, s, _) = linked(&people("")).await;
    for _ in 0..2 {
        house.sf(S, &[("LastName", "Twin"), ("Email", "twin@example.com")]);
    }
    let run = house
        .run(&Order {
            scope: syncline::engine::Scope::Full,
            ..order()
        })
        .await
        .record;
    assert_eq!(
        (
            counts(&run, "contacts").review,
            counts(&run, "contacts").open.review
        ),
        (2, 2)
    );
    house.wait(3600).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!((got.review, got.open.review, got.open.sum()), (0, 2, 2));
    assert_eq!(run.state, RunState::DoneWithErrors);
}

#[tokio::test(start_paused = true)]
async fn two_answers_without_sense_halt_their_mapping_and_the_others_go_on() {
    let house = House::empty(&firms()).await;
    house.fine().await;
    house.wait(60).await;
    for at in 0..150 {
        let now = house.clock.now();
        let mut sandbox = house.sandbox.lock().unwrap();
        let firm = values(&[
            ("Name", &format!("Firm {at}")),
            ("Website", &format!("f{at}.example")),
        ]);
        sandbox
            .org
            .insert(now, &colleague(), "Account", firm)
            .unwrap();
        if at < 3 {
            let person = values(&[
                ("LastName", "Berg"),
                ("Email", &format!("p{at}@example.com")),
            ]);
            sandbox.org.insert(now, &colleague(), S, person).unwrap();
        }
    }
    let path = "/crm/objects/2026-09/companies/batch/upsert";
    house.script(Party::HubSpot, Some("POST"), path, Fault::Garbled, 2);
    house.wait(60).await;
    let end = house.run(&order()).await;
    assert_eq!(end.record.state, RunState::Halted);
    let reason = end.record.reason.unwrap();
    assert!(
        reason.contains("accounts") && reason.contains("understood"),
        "{reason}"
    );
    assert_eq!(house.hs_ids(H).len(), 3);
    // What was sent is looked up, and nothing is made twice.
    house.wait(300).await;
    house.fine().await;
    assert_eq!(house.hs_ids("companies").len(), 150);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn one_refusal_for_most_of_a_mapping_halts_it_and_the_others_go_on() {
    let house = House::empty(&firms()).await;
    for at in 0..30 {
        // Salesforce takes 255 characters.
        let long = if at < 25 {
            "x".repeat(300)
        } else {
            format!("Firm {at}")
        };
        house.hs(
            "companies",
            &[("name", &long), ("domain", &format!("f{at}.example"))],
        );
    }
    house.sf(S, &[("LastName", "Berg"), ("Email", "a@example.com")]);
    let end = house.run(&order()).await;
    let run = end.record;
    assert_eq!(run.state, RunState::Halted, "{:?}", run.mappings);
    assert_eq!(run.valves[0].valve, "one_refusal");
    assert!(!run.valves[0].confirmable);
    let reason = run.reason.clone().unwrap();
    assert!(
        reason.contains("accounts") && reason.contains("refused"),
        "{reason}"
    );
    assert_eq!(
        counts(&run, "contacts").created.hubspot,
        1,
        "{:?}",
        run.mappings
    );
    house.sound().await;
}
