//! Golden scenarios: valves, confirms, stops, crashes, and much at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::support;
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{House, order};
use syncline::domain::{Choice, ItemKind, OpKind, OpState, RunState};
use syncline::engine::{Control, Order, Planned, Scope, signature};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
use syncline::store::{SimStore, Store};

const S: &str = "Contact";
const H: &str = "contacts";

/// `count` linked contacts, in step and quiet.
async fn town(count: usize) -> (House, Vec<String>, Vec<String>) {
    town_of("", count).await
}

async fn town_of(more: &str, count: usize) -> (House, Vec<String>, Vec<String>) {
    let house = House::empty(&people(more)).await;
    let mut ids = (Vec::new(), Vec::new());
    for at in 0..count {
        let (name, mail) = (format!("Name {at:05}"), format!("p{at}@example.com"));
        ids.0.push(house.sf(
            S,
            &[("LastName", &name), ("Email", &mail), ("Title", "Clerk")],
        ));
        ids.1.push(house.hs(
            H,
            &[("lastname", &name), ("email", &mail), ("jobtitle", "Clerk")],
        ));
    }
    house.fine().await;
    house.settled().await;
    (house, ids.0, ids.1)
}

async fn halted(house: &House, valve: &str) -> String {
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted, "{:?}", run.mappings);
    assert!(
        run.valves.iter().any(|hit| hit.valve == valve),
        "{:?}",
        run.valves
    );
    assert_eq!(writes(&run), 0);
    run.plan_hash.unwrap_or_default()
}

async fn confirm(house: &House, hash: &str) -> syncline::domain::RunRecord {
    let order = Order {
        confirm: Some(hash.to_owned()),
        ..order()
    };
    let end = house.run(&order).await;
    assert!(end.error.is_none(), "{:?}", end.error);
    assert!(
        matches!(end.record.state, RunState::Done | RunState::DoneWithErrors),
        "{:?}",
        end.record.reason
    );
    end.record
}

#[tokio::test(start_paused = true)]
async fn too_many_changes_stop_the_run_and_a_confirm_carries_out_exactly_that_plan() {
    let (house, s, h) = town(260).await;
    for (at, id) in s.iter().enumerate().take(230) {
        house.sf_edit(S, id, &[("Title", &format!("T{at}"))]);
    }
    house.wait(60).await;
    let hash = halted(&house, "max_changes").await;
    house.sound().await;
    assert_eq!(
        house.hs_value(H, &h[0], "jobtitle").as_deref(),
        Some("Clerk")
    );
    // The next run without a confirm asks again.
    house.wait(60).await;
    assert_eq!(halted(&house, "max_changes").await, hash);
    // Meanwhile one record changes again and another one changes for the first time.
    house.sf_edit(S, &s[0], &[("Title", "Later")]);
    house.sf_edit(S, &s[259], &[("Title", "New")]);
    house.wait(60).await;
    let run = confirm(&house, &hash).await;
    let got = counts(&run, "contacts");
    adds_up(got);
    assert_eq!((got.updated.hubspot, got.held), (229, 2), "{got:?}");
    // Its journal names what it left out of the plan.
    assert_eq!(left_out(&house, run.run).await, [h[0].clone()]);
    assert_eq!(
        house.hs_value(H, &h[0], "jobtitle").as_deref(),
        Some("Clerk")
    );
    assert_eq!(
        house.hs_value(H, &h[259], "jobtitle").as_deref(),
        Some("Clerk")
    );
    assert_eq!(house.hs_value(H, &h[1], "jobtitle").as_deref(), Some("T1"));
    house.sound().await;
    // They come with the next run.
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").updated.hubspot, 2);
    assert_eq!(
        house.hs_value(H, &h[0], "jobtitle").as_deref(),
        Some("Later")
    );
    assert_eq!(
        house.hs_value(H, &h[259], "jobtitle").as_deref(),
        Some("New")
    );
    house.quiet().await;
    // A confirm is good for one plan only.
    let end = house
        .run(&Order {
            confirm: Some("0123".into()),
            ..order()
        })
        .await;
    assert_eq!(end.record.state, RunState::Halted);
}

/// The console asks with what a preview found: no run has been halted then.
#[tokio::test(start_paused = true)]
async fn a_plan_that_a_preview_showed_is_let_through_while_it_is_what_a_run_would_do() {
    let (house, s, h) = town(260).await;
    for (at, id) in s.iter().enumerate().take(230) {
        house.sf_edit(S, id, &[("Title", &format!("T{at}"))]);
    }
    house.wait(60).await;
    let shown = house.engine().await.preview(&order()).await.unwrap();
    assert!(shown.valves.iter().any(|hit| hit.valve == "max_changes"));
    let confirms = Order {
        confirm: Some(shown.plan_hash.clone()),
        ..order()
    };
    house.sf_edit(S, &s[240], &[("Title", "Meanwhile")]);
    house.wait(60).await;
    let other = house.run(&confirms).await.record;
    assert_eq!((other.state, writes(&other)), (RunState::Halted, 0));
    assert_ne!(other.plan_hash.as_ref(), Some(&shown.plan_hash));
    house.sf_edit(S, &s[240], &[("Title", "Clerk")]);
    house.wait(60).await;
    let run = confirm(&house, &shown.plan_hash).await;
    assert_eq!(counts(&run, "contacts").updated.hubspot, 230);
    assert_eq!(house.hs_value(H, &h[1], "jobtitle").as_deref(), Some("T1"));
    assert_eq!(left_out(&house, run.run).await, Vec::<String>::new());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn one_value_written_everywhere_stops_the_run() {
    let (house, s, _) = town(60).await;
    for id in &s[..30] {
        house.sf_edit(S, id, &[("Title", "Same")]);
    }
    house.wait(60).await;
    let hash = halted(&house, "same_value").await;
    confirm(&house, &hash).await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_field_wiped_everywhere_stops_the_run() {
    let (house, s, h) = town(60).await;
    for id in &s[..30] {
        house.sf_edit(S, id, &[("Title", "")]);
    }
    house.wait(60).await;
    let hash = halted(&house, "max_cleared").await;
    assert_eq!(
        house.hs_value(H, &h[0], "jobtitle").as_deref(),
        Some("Clerk")
    );
    confirm(&house, &hash).await;
    assert_eq!(house.hs_value(H, &h[0], "jobtitle"), None);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn too_many_creates_stop_the_run() {
    let (house, _, _) = town(40).await;
    for at in 0..10 {
        newcomer(&house, &format!("n{at}@example.com"));
    }
    house.wait(60).await;
    let hash = halted(&house, "max_creates").await;
    assert_eq!(house.hs_ids(H).len(), 40);
    let run = confirm(&house, &hash).await;
    assert_eq!(counts(&run, "contacts").created.hubspot, 10);
    house.quiet().await;
}

/// A newcomer of Salesforce.
fn newcomer(house: &House, mail: &str) -> String {
    let (now, of) = (
        house.clock.now(),
        values(&[("LastName", "New"), ("Email", mail)]),
    );
    let org = &mut house.sandbox.lock().unwrap().org;
    org.insert(now, &colleague(), S, of).unwrap()
}

/// Links whose records are gone stay, so that nothing is made of what is left: a mapping may have more of them than of others.
#[tokio::test(start_paused = true)]
async fn a_share_is_one_of_the_active_links() {
    let (house, s, _) = town(60).await;
    for id in &s[24..] {
        house.sf_delete(S, id);
    }
    house.wait(60).await;
    house.fine().await;
    for at in 0..6 {
        newcomer(&house, &format!("n{at}@example.com"));
    }
    house.wait(60).await;
    let hash = halted(&house, "max_creates").await;
    house.sound().await;
    let run = confirm(&house, &hash).await;
    assert_eq!(counts(&run, "contacts").created.hubspot, 6);
    house.quiet().await;
}

/// Newcomers of HubSpot, and one more of them whose Salesforce record lies in the recycle bin under its key: a store that knows
/// nothing asks about that one. Gives its id.
async fn newcomers(house: &mut House, count: usize) -> String {
    let newcomer = |house: &House, mail: &str| {
        let (now, of) = (
            house.clock.now(),
            values(&[("lastname", "New"), ("email", mail)]),
        );
        let portal = &mut house.sandbox.lock().unwrap().portal;
        portal.insert(now, colleague(), H, of).unwrap()
    };
    let asked = newcomer(house, "asked@example.com");
    house.wait(60).await;
    house.fine().await;
    let gone = house.sf_ids(S).into_iter().find(|id| {
        house.sf_value(S, id, "Syncline_HubSpot_Id__c").as_deref() == Some(asked.as_str())
    });
    house.sf_delete(S, &gone.unwrap());
    house.store = Arc::new(SimStore::new());
    support::install(&house.store).await;
    house.wait(60).await;
    house.fine().await;
    for at in 0..count {
        newcomer(house, &format!("n{at}@example.com"));
    }
    asked
}

#[tokio::test(start_paused = true)]
async fn a_create_that_a_person_is_asked_about_is_in_no_plan() {
    let (mut house, _, _) = town(40).await;
    let asked = newcomers(&mut house, 10).await;
    let item = house.the_item(ItemKind::Deletion).await;
    // An edit makes the run look again: it asks as before, and neither the plan nor its confirm has the create.
    house.hs_edit(H, &asked, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    let plan = house.engine().await.preview(&order()).await.unwrap();
    let sources = |ops: &[syncline::domain::Op]| {
        let made = ops.iter().filter(|op| op.kind == OpKind::Create);
        made.map(|op| op.source.clone().unwrap().0)
            .collect::<Vec<_>>()
    };
    assert_eq!(plan.ops.len(), 10);
    assert!(!sources(&plan.ops).contains(&asked));
    let hash = halted(&house, "max_creates").await;
    assert_eq!(hash, plan.plan_hash);
    let run = confirm(&house, &hash).await;
    let got = counts(&run, "contacts");
    assert_eq!((got.created.salesforce, got.review), (10, 1), "{got:?}");
    assert_eq!(left_out(&house, run.run).await, Vec::<String>::new());
    let again = house.the_item(ItemKind::Deletion).await;
    assert_eq!(
        again.first_seen, item.first_seen,
        "it waits as long as ever"
    );
    house.idle().await;
    // Nobody holds its key any more: the run that finds that out makes nothing that no plan had, the next one does.
    house.wait(16 * 24 * 3600).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").created.salesforce, 0);
    assert_eq!(house.open_items().await, Vec::new());
    let plan = house.engine().await.preview(&order()).await.unwrap();
    assert_eq!(sources(&plan.ops), [asked]);
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").created.salesforce, 1);
    assert_eq!(house.sf_ids(S).len(), 51);
}

/// Persons of HubSpot without the name that Salesforce requires: their creates are refused here, and were never sent.
async fn nameless(house: &House, count: usize) -> Vec<String> {
    let unnamed = |at: usize| {
        let mail = format!("n{at}@example.com");
        let (now, of) = (house.clock.now(), values(&[("email", &mail)]));
        let portal = &mut house.sandbox.lock().unwrap().portal;
        portal.insert(now, colleague(), H, of).unwrap()
    };
    let ids: Vec<String> = (0..count).map(unnamed).collect();
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!((writes(&run), house.errors().await.len()), (0, count));
    house.settled().await;
    ids
}

#[tokio::test(start_paused = true)]
async fn creates_that_were_never_sent_are_counted_and_shown_once_they_can_be() {
    for told in [true, false] {
        let (house, s, _) = town(40).await;
        let ids = nameless(&house, 10).await;
        if !told {
            // No search knows of it: the errors are tried again when their time comes, all the same.
            let lag = chrono::TimeDelta::days(2);
            house.sandbox.lock().unwrap().portal.set_index_lag(lag);
        }
        for id in &ids {
            house.hs_edit(H, id, &[("lastname", "Named")]);
        }
        house.wait(3600).await;
        let plan = house.engine().await.preview(&order()).await.unwrap();
        assert_eq!(plan.ops.len(), 10, "{told}");
        let hash = halted(&house, "max_creates").await;
        assert_eq!(hash, plan.plan_hash, "{told}");
        assert_eq!(house.sf_ids(S).len(), s.len(), "{told}");
        house.sound().await;
        let run = confirm(&house, &hash).await;
        assert_eq!(counts(&run, "contacts").created.salesforce, 10, "{told}");
        assert_eq!(house.errors().await, Vec::new(), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn creates_that_a_person_chose_are_counted_and_shown() {
    let (house, _, _) = town(40).await;
    for at in 0..10 {
        let mail = format!("n{at}@example.com");
        let (now, of) = (
            house.clock.now(),
            values(&[("lastname", "New"), ("email", &mail)]),
        );
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.portal.insert(now, colleague(), H, of).unwrap();
        for _ in 0..2 {
            let of = values(&[("LastName", "Twin"), ("Email", &mail)]);
            sandbox.org.insert(now, &colleague(), S, of).unwrap();
        }
    }
    house.wait(60).await;
    house.fine().await;
    house.settled().await;
    for item in house.open_items().await {
        if item.sides.hubspot.id.is_some() {
            house.choose(&item, Choice::Create).await;
        }
    }
    let plan = house.engine().await.preview(&order()).await.unwrap();
    assert_eq!(plan.ops.len(), 10);
    let hash = halted(&house, "max_creates").await;
    assert_eq!(hash, plan.plan_hash);
    let run = confirm(&house, &hash).await;
    assert_eq!(counts(&run, "contacts").created.salesforce, 10);
    house.sound().await;
}

/// What search does not tell of comes to light where the records are read to be written.
#[tokio::test(start_paused = true)]
async fn deletions_found_while_writing_are_counted_before_anything_follows_from_them() {
    for (more, count, valve) in [
        ("delete_update = \"update_wins\"", 10, "max_creates"),
        (
            "deletes = \"archive\"\ndelete_update = \"delete_wins\"",
            7,
            "max_deletes",
        ),
    ] {
        let (house, s, h) = town_of(more, 40).await;
        for at in 0..count {
            house.hs_delete(H, &h[at]);
            house.sf_edit(S, &s[at], &[("Title", &format!("T{at}"))]);
        }
        house.sf_edit(S, &s[39], &[("Title", "Boss")]);
        house.wait(60).await;
        let run = house.sync().await;
        assert_eq!(run.state, RunState::Halted, "{:?}", run.mappings);
        assert_eq!(run.valves[0].valve, valve, "{:?}", run.valves);
        assert_eq!(writes(&run), 1, "what has nothing to do with it goes on");
        assert_eq!(
            (house.sf_ids(S).len(), house.hs_ids(H).len()),
            (40, 40 - count)
        );
        house.sound().await;
        // The next one knows, and asks.
        house.wait(60).await;
        let hash = halted(&house, valve).await;
        house.sound().await;
        let run = confirm(&house, &hash).await;
        let got = counts(&run, "contacts");
        match valve {
            "max_creates" => assert_eq!(got.created.hubspot, 10, "{got:?}"),
            _ => assert_eq!(got.archived.salesforce, 7, "{got:?}"),
        }
        house.quiet().await;
    }
}

/// Updates without an answer are looked up, and were not carried out.
#[tokio::test(start_paused = true)]
async fn what_was_let_through_is_asked_about_once_and_what_is_new_for_the_same_link_is_asked_about()
{
    for more in [false, true] {
        let (house, s, _) = town(230).await;
        for id in &s {
            house.sf_edit(S, id, &[("Title", "Same")]);
        }
        house.wait(60).await;
        let hash = halted(&house, "same_value").await;
        let lost = Fault::Silence { committed: false };
        let path = "/crm/objects/2026-09/contacts/batch/update";
        house.script(Party::HubSpot, Some("POST"), path, lost, 3);
        confirm(&house, &hash).await;
        if more {
            for (at, id) in s.iter().enumerate() {
                house.sf_edit(S, id, &[("MailingCity", &format!("C{at}"))]);
            }
        }
        house.wait(300).await;
        if more {
            halted(&house, "max_changes").await;
        } else {
            let run = house.fine().await;
            assert_eq!(counts(&run, "contacts").updated.hubspot, 230);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_changed_on_one_side_stops_the_run() {
    let (house, _, _) = town(230).await;
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .bulk_write(now, H, &values(&[("city", "Migrated")]));
    house.wait(60).await;
    halted(&house, "everything_changed").await;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_side_that_is_suddenly_empty_stops_the_run_before_anything_is_planned() {
    let (house, s, h) = town(40).await;
    for id in &s[..30] {
        house.sandbox.lock().unwrap().org.hide_record(S, id, true);
    }
    let end = house
        .run(&Order {
            scope: Scope::Full,
            ..order()
        })
        .await;
    assert_eq!(end.record.state, RunState::Halted);
    assert_eq!(end.record.valves[0].valve, "empty_source");
    assert_eq!(writes(&end.record), 0);
    assert_eq!(house.hs_ids(H).len(), h.len());
    for id in &s[..30] {
        house.sandbox.lock().unwrap().org.hide_record(S, id, false);
    }
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn refusals_of_nearly_everything_stop_the_run() {
    let text = people_with("", "{ salesforce = \"Phone\", hubspot = \"phone\" },");
    let house = House::empty(&text).await;
    for at in 0..900 {
        // The org's rule: who left keeps no telephone number.
        house.hs(
            H,
            &[
                ("lastname", "Gone"),
                ("email", &format!("g{at}@example.com")),
                ("jobtitle", "Former clerk"),
                ("phone", "1234567"),
            ],
        );
    }
    let end = house.run(&order()).await;
    assert_eq!(
        end.record.state,
        RunState::Halted,
        "{:?}",
        end.record.mappings
    );
    assert!(end.record.reason.unwrap().contains("refused"));
    assert!(house.sf_ids(S).is_empty());
    house.sound().await;
}

/// A connection that is real, with one Contact.
async fn solo() -> House {
    let mut house = House::empty(&people("")).await;
    let mut rules = (*house.rules).clone();
    rules.ask_first = true;
    house.rules = Arc::new(rules);
    house.sf(S, &[("LastName", "Solo"), ("Email", "solo@example.com")]);
    house
}

/// The console's answer to a first sync names the plan that was shown.
#[tokio::test(start_paused = true)]
async fn a_first_sync_that_a_preview_showed_is_carried_out_and_another_one_asks_with_its_own_plan()
{
    for moved in [false, true] {
        let house = solo().await;
        let shown = house.engine().await.preview(&order()).await.unwrap();
        if moved {
            house.sf(S, &[("LastName", "Duo"), ("Email", "duo@example.com")]);
        }
        let answer = Order {
            yes: true,
            confirm: Some(shown.plan_hash),
            ..order()
        };
        let mut run = house.run(&answer).await.record;
        if moved {
            assert_eq!(run.state, RunState::AwaitingConfirm, "{:?}", run.reason);
            assert!(house.hs_ids(H).is_empty());
            house.wait(60).await;
            run = confirm(&house, &run.plan_hash.unwrap()).await;
        }
        assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
        assert_eq!(house.hs_ids(H).len(), 1 + usize::from(moved));
        house.wait(60).await;
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_sync_asks_before_it_writes_where_the_connection_is_real() {
    let house = solo().await;
    let run = house.sync().await;
    assert_eq!(run.state, RunState::AwaitingConfirm);
    assert!(house.hs_ids(H).is_empty());
    house.sound().await;
    let end = house
        .run(&Order {
            yes: true,
            ..order()
        })
        .await;
    assert_eq!(end.record.state, RunState::Done);
    assert_eq!(house.hs_ids(H).len(), 1);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn twelve_thousand_records_of_one_millisecond_are_all_read() {
    let house = House::empty(&people("direction = \"to_salesforce\"\ncreates = \"none\"")).await;
    house.fine().await;
    house.wait(3600).await;
    house.fine().await;
    let (count, now) = (12_000, house.clock.now());
    for at in 0..count {
        let fields = values(&[
            ("lastname", "Mass"),
            ("email", &format!("m{at}@example.com")),
        ]);
        house.sandbox.lock().unwrap().portal.seed(
            H,
            vec![(now, syncline::sandbox::history::Author::World, fields)],
        );
    }
    house.wait(60).await;
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!((got.read.hubspot, got.excluded), (count, count));
    assert_eq!(run.calls.total, run.expected_calls);
}

async fn village() -> House {
    let house = House::empty(&firms()).await;
    house.village();
    house
}

async fn finish(house: &House) {
    for _ in 0..2 {
        house.wait(200).await;
        house.fine().await;
    }
    assert!(
        house.errors().await.is_empty(),
        "{:#?}",
        house.errors().await
    );
    assert!(
        house.open_items().await.is_empty(),
        "{:#?}",
        house.open_items().await
    );
    let found = (
        house.sf_ids("Account").len(),
        house.hs_ids("companies").len(),
        house.sf_ids(S).len(),
        house.hs_ids(H).len(),
    );
    assert_eq!(found, (6, 6, 6, 6));
    for s in house.sf_ids(S) {
        let h = house.sf_value(S, &s, "Syncline_HubSpot_Id__c").unwrap();
        let same = |s_field: &str, h_field: &str| {
            assert_eq!(
                house.sf_value(S, &s, s_field),
                house.hs_value(H, &h, h_field)
            )
        };
        same("LastName", "lastname");
        same("Title", "jobtitle");
        same("MailingCity", "city");
        assert_eq!(
            house.hs_value(H, &h, "syncline_salesforce_id").as_ref(),
            Some(&s)
        );
        let company = house
            .sandbox
            .lock()
            .unwrap()
            .portal
            .partners(H, &h, "companies");
        let parent = house.sf_value(S, &s, "AccountId");
        assert_eq!(
            company.first().cloned(),
            parent.and_then(|id| house.sf_value("Account", &id, "Syncline_HubSpot_Id__c"))
        );
    }
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_request_is_finished_by_the_next_ones() {
    let whole = {
        let house = village().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        wire.sent.load(Ordering::SeqCst)
    };
    assert!(whole > 15, "{whole}");
    for at in 1..=whole {
        // What was applied and not committed is lost, or it is not.
        let keep = if at % 2 == 0 { 0 } else { usize::MAX };
        let mut house = village().await;
        let store = Arc::new(SimStore::new());
        house.store = store.clone();
        support::install(&house.store).await;
        let (engine, _) = wired(&house, at, true, Box::new(|| {})).await;
        let dying = async {
            let record = engine.begin(&order()).await.unwrap();
            let _ = engine.execute(record, &order()).await;
            unreachable!("the wire is mute: request {at} of {whole}");
        };
        let cut = tokio::time::timeout(std::time::Duration::from_secs(3000), dying).await;
        assert!(cut.is_err());
        drop(engine);
        house.store = Arc::new(store.crash(|count| keep.min(count))) as Arc<dyn Store>;
        house.sound().await;
        finish(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_while_it_recovers_is_finished_all_the_same() {
    for at in [4, 6, 8, 10, 12, 14] {
        let mut house = village().await;
        for round in [20 + at % 3, at] {
            let store = Arc::new(SimStore::new());
            copy(&house.store, &store).await;
            house.store = store.clone();
            let (engine, _) = wired(&house, round, true, Box::new(|| {})).await;
            let dying = async {
                let record = engine.begin(&order()).await.unwrap();
                let _ = engine.execute(record, &order()).await;
            };
            let _ = tokio::time::timeout(std::time::Duration::from_secs(30), dying).await;
            drop(engine);
            house.store = Arc::new(store.crash(|count| count / 2)) as Arc<dyn Store>;
        }
        house.sound().await;
        finish(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_after_a_batch_is_cancelled_and_the_next_one_goes_on() {
    for at in [3, 8, 12, 15, 18, 22] {
        let house = village().await;
        let (control, handle) = Control::new();
        let (mut engine, _) = wired(&house, at, false, Box::new(move || handle.stop())).await;
        engine.control = control;
        let record = engine.begin(&order()).await.unwrap();
        let end = engine.execute(record, &order()).await.unwrap();
        assert!(
            matches!(end.record.state, RunState::Cancelled | RunState::Done),
            "{:?}",
            end.record.state
        );
        let open = house.db().await.open_ops().await.unwrap();
        assert!(
            open.iter().all(|op| op.state != OpState::Sent),
            "in-flight answers are recorded"
        );
        house.sound().await;
        finish(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_run_sends_nothing_until_it_goes_on() {
    let house = village().await;
    let (control, handle) = Control::new();
    let asked = handle.clone();
    let (mut engine, wire) = wired(&house, 10, false, Box::new(move || asked.hold())).await;
    engine.control = control;
    let task = tokio::spawn(async move {
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap()
    });
    house.wait(300).await;
    assert!(handle.state().1, "held");
    let sent = wire.sent.load(Ordering::SeqCst);
    house.wait(600).await;
    assert_eq!(wire.sent.load(Ordering::SeqCst), sent);
    handle.go_on();
    let end = task.await.unwrap();
    assert_eq!(end.record.state, RunState::Done);
    finish(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_at_once_leaves_its_writes_to_be_looked_up() {
    let house = village().await;
    let (control, handle) = Control::new();
    house.script(
        Party::HubSpot,
        Some("POST"),
        "/crm/objects/2026-09/companies/batch/upsert",
        Fault::Late(std::time::Duration::from_secs(29)),
        1,
    );
    let (mut engine, _) = wired(&house, 14, false, Box::new(move || handle.stop_now())).await;
    engine.control = control;
    engine.rules = {
        let mut rules = (*house.rules).clone();
        rules.settings.stop_grace = std::time::Duration::from_secs(1);
        Arc::new(rules)
    };
    let record = engine.begin(&order()).await.unwrap();
    let end = engine.execute(record, &order()).await.unwrap();
    assert_eq!(end.record.state, RunState::Cancelled);
    house.sound().await;
    finish(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_ends_the_run_with_no_further_write() {
    let mut house = village().await;
    let store = Arc::new(SimStore::new());
    house.store = store.clone();
    support::install(&house.store).await;
    let failing = store.clone();
    let (engine, wire) = wired(
        &house,
        14,
        false,
        Box::new(move || failing.fail_next_commit("disk full")),
    )
    .await;
    let record = engine.begin(&order()).await.unwrap();
    assert!(engine.execute(record, &order()).await.is_err());
    assert!(wire.sent.load(Ordering::SeqCst) < 20);
    house.store = Arc::new(store.crash(|count| count)) as Arc<dyn Store>;
    finish(&house).await;
}

/// As the file of a plan keeps an op: what is written, without the links that it is about.
fn as_kept(op: &syncline::domain::Op) -> syncline::domain::Op {
    let mut op = op.clone();
    op.link = syncline::domain::LinkId(0);
    for assignment in op.fields.values_mut() {
        assignment.link = None;
        assignment.pair = String::new();
    }
    op
}

/// Carries out a preview as if it came from its file.
pub async fn apply(
    house: &House,
    plan: &syncline::engine::PlanPreview,
) -> syncline::domain::RunRecord {
    let ops = plan.ops.iter().map(|op| (signature(op), as_kept(op)));
    let planned = Planned {
        full: plan.kind == syncline::domain::RunKind::Full,
        ops: ops.collect(),
    };
    let end = house
        .run(&Order {
            scope: Scope::Plan(Arc::new(planned)),
            yes: true,
            ..order()
        })
        .await;
    assert!(end.error.is_none(), "{:?}", end.error);
    end.record
}

/// The records of a plan that its run left out.
pub async fn left_out(house: &House, run: syncline::domain::RunId) -> Vec<String> {
    let ops = house.engine().await.journal(run).await.unwrap();
    let skipped = ops.into_iter().filter(|op| op.state == OpState::Skipped);
    let mut ids: Vec<String> = skipped
        .map(|op| op.target.or(op.source).unwrap().0)
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_the_same_for_the_same_state_and_what_moved_since_is_left_out() {
    let (house, s, h) = town(40).await;
    for (at, id) in s.iter().enumerate().take(10) {
        house.sf_edit(S, id, &[("Title", &format!("T{at}"))]);
    }
    house.wait(60).await;
    let plan = house.engine().await.preview(&order()).await.unwrap();
    house.wait(60).await;
    let again = house.engine().await.preview(&order()).await.unwrap();
    assert_eq!(plan.plan_hash, again.plan_hash);
    let shown = |plan: &syncline::engine::PlanPreview| {
        let ops = plan.ops.iter();
        ops.map(|op| (signature(op), op.target.clone(), op.fields.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&plan), shown(&again));
    assert_eq!(plan.ops.len(), 10);
    // One moves on at its source, one at its target, and one that is not in the plan changes too.
    house.sf_edit(S, &s[0], &[("Title", "Later")]);
    house.hs_edit(H, &h[1], &[("jobtitle", "Mine")]);
    house.sf_edit(S, &s[20], &[("Title", "New")]);
    house.wait(60).await;
    let run = apply(&house, &plan).await;
    assert_eq!(run.kind, syncline::domain::RunKind::Apply);
    assert_eq!(counts(&run, "contacts").updated.hubspot, 8);
    let mut moved = vec![h[0].clone(), h[1].clone()];
    moved.sort_unstable();
    assert_eq!(left_out(&house, run.run).await, moved);
    let title = |id: &str| house.hs_value(H, id, "jobtitle").unwrap();
    assert_eq!(
        (title(&h[0]), title(&h[1])),
        ("Clerk".into(), "Mine".into())
    );
    assert_eq!((title(&h[2]), title(&h[20])), ("T2".into(), "Clerk".into()));
    // Applied once more it finds nothing of what it is about.
    house.wait(60).await;
    let run = apply(&house, &plan).await;
    assert_eq!(writes(&run), 0);
    assert_eq!(left_out(&house, run.run).await.len(), 10);
    // The rest comes with the next run.
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        (title(&h[0]), title(&h[20])),
        ("Later".into(), "New".into())
    );
    house.sound().await;
}

/// True for an op that the plan had, or that follows from one of its creates: its stamp and its association.
fn was_shown(plan: &syncline::engine::PlanPreview, op: &syncline::domain::Op) -> bool {
    let names = |one: &syncline::domain::Assignment| one.pair.is_empty() || one.link.is_some();
    let follows = op.fields.values().all(names);
    plan.ops.iter().any(|one| {
        signature(one) == signature(op)
            || follows && one.kind == OpKind::Create && one.link == op.link
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_answer_turns_out_to_be_adds_nothing_to_a_plan_that_was_shown() {
    let creates = [
        (
            Party::Salesforce,
            "PATCH",
            "/services/data/v68.0/composite/sobjects/Contact/",
        ),
        (
            Party::HubSpot,
            "POST",
            "/crm/objects/2026-09/contacts/batch/upsert",
        ),
    ];
    for (side, method, door) in creates {
        let (house, s, h) = clerk(&people("")).await;
        match side {
            Party::Salesforce => {
                let id = house.hs(H, &[("lastname", "New"), ("email", "n@x.example")]);
                house.hs_edit(H, &id, &[("firstname", "Ada")]);
            }
            Party::HubSpot => {
                let id = house.sf(S, &[("LastName", "New"), ("Email", "n@x.example")]);
                house.sf_edit(S, &id, &[("FirstName", "Ada")]);
            }
        }
        let cut = Fault::Cut { committed: true };
        house.script(side, Some(method), door, cut, 1);
        house.wait(60).await;
        house.fine().await;
        house.sf_edit(S, &s, &[("Title", "Boss")]);
        house.wait(300).await;
        let plan = house.engine().await.preview(&order()).await.unwrap();
        let run = apply(&house, &plan).await;
        for op in house.engine().await.journal(run.run).await.unwrap() {
            assert!(was_shown(&plan, &op), "{op:?}");
        }
        house.wait(60).await;
        house.fine().await;
        house.sound().await;
        assert_eq!(house.hs_value(H, &h, "jobtitle").as_deref(), Some("Boss"));
        assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_first_sync_is_carried_out_as_it_was_shown() {
    let house = village().await;
    let plan = house.engine().await.preview(&order()).await.unwrap();
    let run = apply(&house, &plan).await;
    assert_eq!(left_out(&house, run.run).await, Vec::<String>::new());
    let ops = house.engine().await.journal(run.run).await.unwrap();
    for op in ops {
        assert!(was_shown(&plan, &op), "{op:?}");
    }
    finish(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_what_refers_to_the_records_that_it_makes_and_carries_it_out() {
    let house = House::empty(&firms()).await;
    let person = |at: usize| (format!("Name {at}"), format!("p{at}@x.example"));
    let contact = |at: usize, account: &str| {
        let (name, mail) = person(at);
        let fields = [
            ("LastName", name.as_str()),
            ("Email", &mail),
            ("AccountId", account),
        ];
        house.sf(S, &fields)
    };
    let counterpart = |at: usize| {
        let (name, mail) = person(at);
        house.hs(H, &[("lastname", &name), ("email", &mail)])
    };
    let tie = |h: &str, company: &str| {
        let now = house.clock.now();
        let portal = &mut house.sandbox.lock().unwrap().portal;
        assert!(portal.associate(now, colleague(), H, h, "companies", company, true));
    };
    let firm = [("Name", "Firm"), ("Website", "firm.example")];
    let account = house.sf("Account", &firm);
    let company = house.hs("companies", &[("name", "Shop"), ("domain", "shop.example")]);
    // Persons who are in both systems, of firms that are in one; and persons who are in one with their firm.
    contact(0, &account);
    let linked = counterpart(0);
    let (name, mail) = person(1);
    let known = house.sf(S, &[("LastName", &name), ("Email", &mail)]);
    tie(&counterpart(1), &company);
    contact(2, &account);
    tie(&counterpart(3), &company);
    house.wait(60).await;

    let plan = house.engine().await.preview(&order()).await.unwrap();
    let field = |id: &str, name: &str| {
        let mut ops = plan.ops.iter();
        let op = ops.find(|op| {
            let of_it = [&op.target, &op.source];
            let of_it = of_it.into_iter().flatten().any(|one| one.0 == id);
            of_it && op.fields.contains_key(name)
        });
        op.unwrap().fields[name].clone()
    };
    for (id, name) in [(&linked, "company"), (&known, "AccountId")] {
        let shown = field(id, name);
        assert!(shown.link.is_some() && !shown.after.is_known(), "{shown:?}");
    }
    let run = apply(&house, &plan).await;
    assert_eq!(left_out(&house, run.run).await, Vec::<String>::new());
    for op in house.engine().await.journal(run.run).await.unwrap() {
        assert!(was_shown(&plan, &op), "{op:?}");
    }
    // Nothing is left for a sync.
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house.sound().await;
}
