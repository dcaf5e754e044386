//! Golden scenarios: the undo of a run as a new run (docs/design/sync-semantics.md 19.1, I-13).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;

use crate::support;
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{House, order};
use crate::upkeep;
use syncline::domain::{
    Choice, ErrorCategory, ItemKind, LinkState, Op, OpState, RunId, RunKind, RunRecord, RunState,
};
use syncline::engine::{Order, Scope};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
use syncline::store::{Family, SimStore, Store, keys};

const S: &str = "Contact";
const H: &str = "contacts";

fn undo_order(run: RunId) -> Order {
    Order {
        scope: Scope::Undo(run),
        by: format!("undo {run}"),
        ..order()
    }
}

async fn undo(house: &House, run: RunId) -> RunRecord {
    let forecast = house.engine().await.forecast_undo(run).await.unwrap();
    let end = house.run(&undo_order(run)).await;
    assert!(end.error.is_none(), "{:?}", end.error);
    let run = end.record;
    assert_eq!(run.kind, RunKind::Undo);
    assert!(
        matches!(run.state, RunState::Done | RunState::DoneWithErrors),
        "{:?} {:?}",
        run.state,
        run.reason
    );
    // What was forecast is what was done: the counts, the ops, and the calls of the formula.
    for (row, foreseen) in run.mappings.iter().zip(&forecast.mappings) {
        let (got, want) = (&row.counts, &foreseen.counts.counts);
        assert_eq!(
            (&got.updated, &got.archived, got.held),
            (&want.updated, &want.archived, want.held)
        );
    }
    assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
    house.sound().await;
    run
}

async fn journal(house: &House, run: RunId) -> Vec<Op> {
    let mut ops = Vec::new();
    house
        .db()
        .await
        .walk(keys::by_run(Family::Journal, run), |op: Op| ops.push(op))
        .await
        .unwrap();
    ops
}

/// What an undo left as it is: the record, its fields, the reason.
async fn left_out(house: &House, run: RunId) -> Vec<(String, Vec<String>, String)> {
    journal(house, run)
        .await
        .into_iter()
        .filter(|op| op.state == OpState::Skipped)
        .map(|op| {
            (
                op.target.unwrap().0,
                op.fields.into_keys().collect(),
                op.outcome.why.unwrap(),
            )
        })
        .collect()
}

/// One linked contact in step.
async fn jane(text: &str) -> (House, String, String) {
    let house = House::empty(text).await;
    let s = house.sf(
        S,
        &[
            ("LastName", "Doe"),
            ("Email", "jane@example.com"),
            ("Title", "Clerk"),
            ("MailingCity", "Oslo"),
        ],
    );
    let h = house.hs(
        H,
        &[
            ("lastname", "Doe"),
            ("email", "jane@example.com"),
            ("jobtitle", "Clerk"),
            ("city", "Oslo"),
        ],
    );
    house.fine().await;
    house.wait(3600).await;
    house.fine().await;
    (house, s, h)
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_was_synced_goes_back_and_does_not_come_again() {
    let (house, s, h) = jane(&people("")).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.wait(60).await;
    let back = undo(&house, run.run).await;
    assert_eq!(back.by, format!("undo {}", run.run));
    assert_eq!(counts(&back, "contacts").updated.hubspot, 1);
    // The source keeps what was typed there; the next syncs, full ones too, move nothing.
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    house.quiet().await;
    let full = Order {
        scope: Scope::Full,
        ..order()
    };
    assert_eq!(writes(&house.run(&full).await.record), 0);
    house.idle().await;
    // A new edit ends the hold.
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Chief"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_made_between_the_run_and_its_undo_is_a_change_like_any_other() {
    let (house, s, h) = jane(&people("")).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.wait(60).await;
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    undo(&house, run.run).await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Clerk"));
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Chief"));
}

#[tokio::test(start_paused = true)]
async fn a_field_that_moved_on_is_refused_with_the_reason_and_the_others_go_back() {
    let (house, s, h) = jane(&people("")).await;
    house.sf_edit(S, &s, &[("Title", "Boss"), ("MailingCity", "Bergen")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.wait(60).await;
    house.hs_edit(H, &h, &[("jobtitle", "Queen")]);
    let back = undo(&house, run.run).await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Queen"));
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Oslo"));
    let left = left_out(&house, back.run).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        (left[0].0.as_str(), left[0].1.as_slice()),
        (h.as_str(), &["jobtitle".to_owned()][..])
    );
    assert!(
        left[0].2.contains("holds \"Queen\" now") && left[0].2.contains("left \"Boss\""),
        "{}",
        left[0].2
    );
    // The person's edit travels as ever, the field that went back does not.
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Queen", "Queen"));
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Oslo"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn salesforce_fields_go_back_and_are_read_back() {
    let (house, s, h) = jane(&people("")).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss"), ("city", "")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("", ""));
    house.wait(60).await;
    undo(&house, run.run).await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Boss"));
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", ""));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn the_undo_of_an_undo_brings_the_values_again() {
    let (house, s, h) = jane(&people("")).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.wait(60).await;
    let back = undo(&house, run.run).await;
    house.wait(60).await;
    house.fine().await;
    let again = undo(&house, back.run).await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
    // And once more.
    undo(&house, again.run).await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    house.quiet().await;
    // What is back already is left alone.
    let end = house.run(&undo_order(run.run)).await;
    assert_eq!(writes(&end.record), 0);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
}

/// Everything on both sides but what the vendors and Syncline keep for themselves.
fn world(house: &House) -> BTreeMap<(String, String), Vec<Option<String>>> {
    let mut found = BTreeMap::new();
    for id in house.sf_ids(S) {
        let fields = [
            "LastName",
            "FirstName",
            "Email",
            "Title",
            "MailingCity",
            "AccountId",
        ];
        let values = fields.iter().map(|field| house.sf_value(S, &id, field));
        found.insert((S.to_owned(), id.clone()), values.collect());
    }
    for id in house.hs_ids(H) {
        let fields = ["lastname", "firstname", "email", "jobtitle", "city"];
        let mut values: Vec<_> = fields
            .iter()
            .map(|field| house.hs_value(H, &id, field))
            .collect();
        let sandbox = house.sandbox.lock().unwrap();
        values.push(
            sandbox
                .portal
                .partners(H, &id, "companies")
                .first()
                .cloned(),
        );
        drop(sandbox);
        found.insert((H.to_owned(), id.clone()), values);
    }
    for id in house.sf_ids("Account") {
        let fields = ["Name", "Website", "Industry", "NumberOfEmployees"];
        let values = fields
            .iter()
            .map(|field| house.sf_value("Account", &id, field));
        found.insert(("Account".to_owned(), id.clone()), values.collect());
    }
    for id in house.hs_ids("companies") {
        let fields = ["name", "domain", "industry", "numberofemployees"];
        let values = fields
            .iter()
            .map(|field| house.hs_value("companies", &id, field));
        found.insert(("companies".to_owned(), id.clone()), values.collect());
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_first_sync_of_three_hundred_contacts_is_taken_back_whole() {
    let house = House::empty(&people("")).await;
    for at in 0..300 {
        let (name, mail) = (format!("Name {at:03}"), format!("p{at}@example.com"));
        if at % 3 != 0 {
            house.sf(
                S,
                &[("LastName", &name), ("Email", &mail), ("Title", "Clerk")],
            );
        }
        if at % 3 != 1 {
            house.hs(
                H,
                &[("lastname", &name), ("email", &mail), ("city", "Oslo")],
            );
        }
    }
    let before = world(&house);
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!((got.created.salesforce, got.created.hubspot), (100, 100));
    assert_ne!(world(&house), before);
    house.wait(60).await;
    house.fine().await;
    let back = undo(&house, run.run).await;
    let got = counts(&back, "contacts");
    assert_eq!((got.archived.salesforce, got.archived.hubspot), (100, 100));
    assert_eq!(got.held, 0);
    println!("undo of a first sync of 300: {:?}", back.calls);
    assert_eq!(world(&house), before);
    // The sources of what was made name nobody any more.
    let stamped = |id: &String| house.sf_value(S, id, "Syncline_HubSpot_Id__c").is_some();
    assert_eq!(house.sf_ids(S).iter().filter(|id| stamped(id)).count(), 100);
    house.quiet().await;
    assert_eq!(world(&house), before);
    house.idle().await;
    // Undone again: the links are let go, and the next sync makes the HubSpot records anew.
    let again = undo(&house, back.run).await;
    assert!(
        again
            .reason
            .is_some_and(|reason| reason.contains("100 records"))
    );
    assert_eq!(left_out(&house, again.run).await.len(), 100);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").created.hubspot, 100);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_touched_since_it_was_made_stays() {
    let house = House::empty(&people("")).await;
    for name in ["a", "b", "c", "d"] {
        let mail = format!("{name}@example.com");
        house.sf(S, &[("LastName", name), ("Email", &mail)]);
    }
    let lonely = house.hs(H, &[("lastname", "e"), ("email", "e@example.com")]);
    let run = house.fine().await;
    house.wait(60).await;
    let made = |name: &str| {
        let is = |id: &String| house.hs_value(H, id, "lastname").as_deref() == Some(name);
        house.hs_ids(H).into_iter().find(is).unwrap()
    };
    let (a, b) = (made("a"), made("b"));
    house.hs_edit(H, &a, &[("lastname", "Aa")]);
    house.hs_edit(H, &b, &[("city", "Oslo")]);
    let e = house
        .hs_value(H, &lonely, "syncline_salesforce_id")
        .unwrap();
    house.sf_edit(S, &e, &[("Department", "Sales")]);
    let back = undo(&house, run.run).await;
    let got = counts(&back, "contacts");
    assert_eq!(
        (got.archived.salesforce, got.archived.hubspot, got.held),
        (0, 2, 3)
    );
    let left = left_out(&house, back.run).await;
    let why = |id: &str| left.iter().find(|one| one.0 == id).unwrap().2.clone();
    assert!(why(&a).contains("lastname holds \"Aa\" now"), "{}", why(&a));
    assert!(
        why(&b).contains("changed by") || why(&b).contains("city was set"),
        "{}",
        why(&b)
    );
    assert!(why(&e).contains("changed by"), "{}", why(&e));
    // What stays goes on in step, what went does not come again.
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H).len(), 3);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_entered_in_a_record_that_we_made_is_kept_whoever_wrote_to_it_last() {
    for by_hand in [true, false] {
        let house = House::empty(&people("")).await;
        let h = house.hs(H, &[("lastname", "e"), ("email", "e@example.com")]);
        let run = house.fine().await;
        let made = house.sf_ids(S).remove(0);
        house.wait(60).await;
        match by_hand {
            true => house.sf_edit(S, &made, &[("MailingCity", "Oslo")]),
            false => house.hs_edit(H, &h, &[("city", "Oslo")]),
        }
        house.wait(60).await;
        house.fine().await;
        house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
        house.wait(60).await;
        house.fine().await;
        house.both((&made, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
        house.both((&made, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
        house.wait(60).await;
        let back = undo(&house, run.run).await;
        let got = counts(&back, "contacts");
        let want = if by_hand { (0, 1) } else { (1, 0) };
        assert_eq!((got.archived.salesforce, got.held), want, "{by_hand}");
        let left = left_out(&house, back.run).await;
        assert_eq!(left.len(), usize::from(by_hand), "{left:?}");
        for (id, _, why) in left {
            assert_eq!(id, made);
            assert!(why.contains("MailingCity holds \"Oslo\" now"), "{why}");
        }
        house.wait(60).await;
        house.fine().await;
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn parents_with_other_peoples_children_stay_and_the_others_go() {
    let house = House::empty(&firms()).await;
    for at in 0..3 {
        let (name, site) = (format!("firm{at}"), format!("firm{at}.example"));
        let firm = house.hs("companies", &[("name", &name), ("domain", &site)]);
        let mail = format!("p{at}@firm.example");
        let person = house.hs(H, &[("lastname", &name), ("email", &mail)]);
        let now = house.clock.now();
        house.sandbox.lock().unwrap().portal.associate(
            now,
            colleague(),
            H,
            &person,
            "companies",
            &firm,
            true,
        );
    }
    let before = world(&house);
    let run = house.fine().await;
    assert_eq!(house.sf_ids("Account").len(), 3);
    let kept = house.sf_ids("Account")[1].clone();
    let now = house.clock.now();
    let fields = values(&[("LastName", "Guest"), ("AccountId", &kept)]);
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .insert(now, &colleague(), S, fields)
        .unwrap();
    let back = undo(&house, run.run).await;
    assert_eq!(counts(&back, "contacts").archived.salesforce, 3);
    assert_eq!(counts(&back, "accounts").archived.salesforce, 2);
    assert_eq!(house.sf_ids("Account"), vec![kept.clone()]);
    let left = left_out(&house, back.run).await;
    assert_eq!(left[0].0, kept);
    assert!(left[0].2.contains("belongs to it"), "{}", left[0].2);
    let mut now = world(&house);
    now.retain(|(object, _), _| object != S && object != "Account");
    assert_eq!(now, before);
}

#[tokio::test(start_paused = true)]
async fn what_was_associated_in_hubspot_since_it_was_made_stays() {
    let house = House::empty(&firms()).await;
    let mail = |at: usize| format!("p{at}@example.com");
    for at in 0..4 {
        let (name, site) = (format!("firm{at}"), format!("firm{at}.example"));
        let firm = house.sf("Account", &[("Name", &name), ("Website", &site)]);
        let firm = if at == 2 { String::new() } else { firm };
        let person = [
            ("LastName", "P"),
            ("Email", &mail(at)),
            ("AccountId", &firm),
        ];
        house.sf(S, &person);
    }
    let known = house.hs(H, &[("lastname", "P"), ("email", &mail(3))]);
    let guest = house.hs(H, &[("lastname", "Guest")]);
    let run = house.fine().await;
    let with = |object: &str, field: &str, value: &str| {
        let is = |id: &String| house.hs_value(object, id, field).as_deref() == Some(value);
        house.hs_ids(object).into_iter().find(is).unwrap()
    };
    let firms = [1, 2].map(|at| with("companies", "name", &format!("firm{at}")));
    let made = with(H, "email", &mail(2));
    for (person, firm) in [(&guest, &firms[0]), (&made, &firms[1])] {
        let now = house.clock.now();
        let mut sandbox = house.sandbox.lock().unwrap();
        let portal = &mut sandbox.portal;
        assert!(portal.associate(now, colleague(), H, person, "companies", firm, true));
    }
    let back = undo(&house, run.run).await;
    // Of the others the companies go, and the association that the run had set with one of them.
    assert_eq!(counts(&back, "contacts").archived.hubspot, 2);
    assert_eq!(counts(&back, "accounts").archived.hubspot, 2);
    assert_eq!(house.hs_ids("companies"), firms);
    let mut stay = vec![known, guest.clone(), made.clone()];
    stay.sort();
    assert_eq!(house.hs_ids(H), stay);
    let left = left_out(&house, back.run).await;
    let why = |id: &str| left.iter().find(|one| one.0 == id).unwrap().2.clone();
    for (id, with) in [
        (&firms[0], format!("contacts {guest} is associated")),
        (&firms[1], format!("contacts {made} is associated")),
        (&made, format!("companies {} is associated", firms[1])),
    ] {
        assert!(why(id).contains(&with), "{}", why(id));
    }
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
}

async fn first_synced() -> (
    House,
    Arc<SimStore>,
    BTreeMap<(String, String), Vec<Option<String>>>,
    RunId,
) {
    let mut house = House::empty(&firms()).await;
    let store = Arc::new(SimStore::new());
    house.store = store.clone();
    support::install(&house.store).await;
    house.village();
    let before = world(&house);
    let run = house.fine().await.run;
    house.wait(60).await;
    house.fine().await;
    (house, store, before, run)
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_dies_at_any_request_is_finished_by_the_next_one() {
    dies_at_any_request(false).await;
}

#[tokio::test(start_paused = true)]
async fn a_sync_between_an_undo_that_died_and_the_next_one_brings_nothing_back() {
    dies_at_any_request(true).await;
}

async fn dies_at_any_request(sync_first: bool) {
    let whole = {
        let (house, _, before, run) = first_synced().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&undo_order(run)).await.unwrap();
        let end = engine.execute(record, &undo_order(run)).await.unwrap();
        assert_eq!(end.record.state, RunState::Done, "{:?}", end.error);
        assert_eq!(world(&house), before);
        house.quiet().await;
        wire.sent.load(Ordering::SeqCst)
    };
    assert!(whole > 15, "{whole}");
    // Each request is the last of one of the two scenarios, once in two with all that was not yet on the disk.
    for at in (1..=whole).filter(|at| (at / 2 % 2 == 1) == sync_first) {
        let keep = if at % 2 == 0 { 0 } else { usize::MAX };
        let (mut house, store, before, run) = first_synced().await;
        let (engine, _) = wired(&house, at, true, Box::new(|| {})).await;
        let dying = async {
            let record = engine.begin(&undo_order(run)).await.unwrap();
            let _ = engine.execute(record, &undo_order(run)).await;
        };
        let cut = tokio::time::timeout(std::time::Duration::from_secs(3000), dying).await;
        assert!(cut.is_err(), "request {at} of {whole}");
        drop(engine);
        house.store = Arc::new(store.crash(|count| keep.min(count))) as Arc<dyn Store>;
        house.sound().await;
        house.wait(200).await;
        if sync_first {
            house.fine().await;
            house.wait(200).await;
        }
        let end = house.run(&undo_order(run)).await;
        assert_eq!(end.record.state, RunState::Done, "{at}: {:?}", end.record);
        assert_eq!(left_out(&house, end.record.run).await, Vec::new(), "{at}");
        assert_eq!(world(&house), before, "request {at} of {whole}");
        house.wait(200).await;
        house.fine().await;
        house.quiet().await;
        assert_eq!(world(&house), before, "request {at} of {whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_wrote_nothing_or_is_not_there_cannot_be_undone() {
    let (house, ..) = jane(&people("")).await;
    let engine = house.engine().await;
    let idle = house.fine().await;
    for run in [idle.run, RunId(999)] {
        let error = engine.forecast_undo(run).await.unwrap_err().to_string();
        assert!(
            error.contains("undo") || error.contains("no run"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn runs_taken_back_one_after_the_other_stay_so() {
    let (house, s, h) = clerk(&people("")).await;
    let mut runs = Vec::new();
    for title in ["Boss", "Queen"] {
        house.sf_edit(S, &s, &[("Title", title)]);
        house.wait(60).await;
        runs.push(house.fine().await.run);
    }
    for (run, title) in runs.into_iter().rev().zip(["Boss", "Clerk"]) {
        house.wait(60).await;
        undo(&house, run).await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Queen", title));
    }
    house.quiet().await;
    house.whole().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Queen", "Clerk"));
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_index_still_shows_of_before_an_undo_is_no_edit() {
    let (house, s, h) = clerk(&people("")).await;
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .set_index_lag(TimeDelta::seconds(400));
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.wait(300).await;
    undo(&house, run.run).await;
    for pause in [150, 100, 250, 400, 1_000] {
        house.wait(pause).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    }
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_association_that_was_taken_back_is_known_to_differ() {
    let house = House::empty(&firms()).await;
    let firm = |name: &str| {
        let site = format!("{name}.example");
        house.sf("Account", &[("Name", name), ("Website", &site)])
    };
    let (one, other) = (firm("acme"), firm("beta"));
    let of = [
        ("LastName", "Berg"),
        ("Email", "a@example.com"),
        ("AccountId", &one),
    ];
    let s = house.sf(S, &of);
    house.fine().await;
    house.settled().await;
    house.sf_edit(S, &s, &[("AccountId", &other)]);
    house.wait(60).await;
    let run = house.fine().await;
    let differs = async || {
        let links = house.links().await;
        let of = links
            .iter()
            .find(|link| link.mapping.as_str() == "contacts")
            .unwrap();
        let bases = house.db().await.bases(&of.mapping, &[of.id]).await.unwrap();
        bases[0].fields["AccountId"].diverged
    };
    assert!(!differs().await);
    let back = undo(&house, run.run).await;
    assert!(differs().await);
    house.quiet().await;
    assert!(differs().await);
    undo(&house, back.run).await;
    assert!(!differs().await);
    house.quiet().await;
}

/// A person's choice counts more than the undo that holds the record.
#[tokio::test(start_paused = true)]
async fn what_was_taken_back_may_be_linked_by_choice_with_another_record() {
    let house = House::empty(&people("")).await;
    let s = house.sf(S, &[("LastName", "Berg"), ("Email", "anna@example.com")]);
    let run = house.fine().await;
    undo(&house, run.run).await;
    assert!(house.hs_ids(H).is_empty());
    let now = house.clock.now();
    let fields = values(&[("lastname", "Berg"), ("email", "anna@example.com")]);
    {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.portal.insert(now, colleague(), H, fields).unwrap();
    }
    house.wait(60).await;
    house.fine().await;
    let item = house.the_item(ItemKind::AlreadyLinked).await;
    house.choose(&item, Choice::Link(s.as_str().into())).await;
    house.wait(60).await;
    house.fine().await;
    house.sound().await;
    let links = house.links().await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].state, LinkState::Active);
    house.quiet().await;
}

/// The next runs are halted before they come to the link: what they saw of it is older than the undo.
#[tokio::test(start_paused = true)]
async fn an_undo_that_got_no_answer_stays_done_whatever_halted_runs_have_seen_before() {
    let (house, s, h) = clerk(&people("")).await;
    let crowd = |from: usize, to: usize| {
        for number in from..to {
            let email = format!("p{number}@example.com");
            let fields = values(&[("LastName", "Pers"), ("Email", &email)]);
            let now = house.clock.now();
            let mut sandbox = house.sandbox.lock().unwrap();
            sandbox.org.insert(now, &colleague(), S, fields).unwrap();
        }
    };
    crowd(0, 30);
    house.fine().await;
    house.settled().await;
    let lose_the_answer = || {
        let path = "/crm/objects/2026-09/contacts/batch/update";
        let cut = Fault::Cut { committed: true };
        house.script(Party::HubSpot, Some("POST"), path, cut, 1);
    };
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    lose_the_answer();
    let run = house.sync().await;
    crowd(30, 50);
    house.wait(60).await;
    assert_eq!(house.sync().await.state, RunState::Halted);
    lose_the_answer();
    house.run(&undo_order(run.run)).await;
    let lag = TimeDelta::seconds(100);
    house.sandbox.lock().unwrap().portal.set_index_lag(lag);
    house.wait(31).await;
    let halted = house.sync().await;
    assert_eq!(halted.state, RunState::Halted, "{:?}", halted.reason);
    let confirm = Order {
        confirm: halted.plan_hash,
        ..order()
    };
    house.run(&confirm).await;
    for pause in [130, 400, 4_000] {
        house.wait(pause).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    }
    house.quiet().await;
}

/// What a record that hides for a while says of a write without an answer is nothing: taken for a refusal of it, the value that
/// the undo put back would pass for an edit of whoever touches the record next.
#[tokio::test(start_paused = true)]
async fn an_undo_that_got_no_answer_of_a_record_that_hides_is_looked_up_once_it_is_back() {
    let (house, s, h) = clerk(&people("")).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    let path = "/services/data/v68.0/composite/sobjects";
    let failed = Fault::ServerError {
        status: 503,
        html: false,
        committed: true,
    };
    house.script(Party::Salesforce, Some("PATCH"), path, failed, 1);
    let undone = house.run(&undo_order(run.run)).await.record;
    let hide = |hidden: bool| {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.org.hide_record(S, &s, hidden);
    };
    hide(true);
    for pause in [60, 300] {
        house.wait(pause).await;
        house.fine().await;
        assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
        let op = journal(&house, undone.run).await.remove(0);
        assert_eq!(op.state, OpState::Unknown);
    }
    hide(false);
    house.sf_edit(S, &s, &[("MailingCity", "Bergen")]);
    for pause in [60, 300, 4_000] {
        house.wait(pause).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Boss"));
        house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Bergen"));
    }
    let op = journal(&house, undone.run).await.remove(0);
    assert_eq!(op.state, OpState::Confirmed);
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_took_away_is_no_side_that_is_suddenly_empty() {
    let house = House::empty(&people("")).await;
    for at in 0..30 {
        let mail = format!("p{at}@example.com");
        house.sf(S, &[("LastName", "Vik"), ("Email", &mail)]);
    }
    let made = house.fine().await.run;
    house.days_later(2).await;
    house.undone(made).await;
    assert_eq!(house.hs_ids(H), Vec::<String>::new());
    // A sweep, and a run over everything that nobody asked for.
    house.days_later(1).await;
    upkeep::imported(&house).await;
    house.wait(60).await;
    upkeep::confirmed(&house, "restored").await;
    assert_eq!(house.hs_ids(H), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_the_run_wrote_beside_a_record_that_stays_goes_back_too() {
    let begun = async || {
        let house = House::empty(&people("")).await;
        house.fine().await;
        let h = house.hs(H, &[("lastname", "Vik"), ("email", "vik@example.com")]);
        let path = "/services/data/v68.0/composite/sobjects/Contact/";
        let lost = Fault::Cut { committed: false };
        house.script(Party::Salesforce, Some("PATCH"), path, lost, 1);
        let everything = Order {
            scope: Scope::Full,
            ..order()
        };
        house.run(&everything).await;
        house.wait(200).await;
        (house, h)
    };
    let whole = {
        let (house, _) = begun().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        wire.sent.load(Ordering::SeqCst)
    };
    let mut carried = 0;
    for at in 1..=whole {
        let (house, h) = begun().await;
        let (sandbox, clock) = (house.sandbox.clone(), house.clock.clone());
        let edit = move || {
            let mut sandbox = sandbox.try_lock().unwrap();
            for s in sandbox.org.ids(S) {
                let set = values(&[("Title", "Boss")]);
                let done = sandbox.org.edit(clock.now(), &colleague(), S, &s, set);
                done.unwrap();
            }
        };
        let (engine, _) = wired(&house, at, false, Box::new(edit)).await;
        let record = engine.begin(&order()).await.unwrap();
        let run = engine.execute(record, &order()).await.unwrap().record.run;
        let title = || house.hs_value(H, &h, "jobtitle").unwrap_or_default();
        carried += usize::from(title() == "Boss");
        house.wait(60).await;
        house.undone(run).await;
        assert_eq!(title(), "", "request {at} of {whole}");
    }
    assert!(carried > 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_a_person_edited_a_moment_after_it_was_made_is_not_taken_back() {
    let house = House::empty(&people("")).await;
    let s = house.sf(S, &[("LastName", "Berg"), ("Email", "anna@example.com")]);
    let run = house.fine().await.run;
    let h = house.hs_ids(H).remove(0);
    house.wait(2).await;
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(60).await;
    house.fine().await;
    house.sf_edit(S, &s, &[("MailingCity", "Bergen")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Bergen"));
    house.undone(run).await;
    assert_eq!(house.hs_ids(H), [h]);
}
