//! Golden scenarios: a person's edit at any moment of a run that writes the same field (docs/design/sync-semantics.md 6.3, 6.5, 23).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::order;
use crate::support::town::*;
use crate::support::wire::wired;
use syncline::domain::{RunState, Value};
use syncline::engine::{Order, Scope};
use syncline::sandbox::{Fault, Side as Party};

const S: &str = "Contact";
const H: &str = "contacts";

/// A run carries "Boss" to `side`, where somebody enters "Chief" at request `at` (0: nobody does). The requests of the run, and
/// whether "Chief" is anywhere afterwards: on a side, or in an item.
async fn raced(more: &str, side: Party, at: u64) -> (u64, bool) {
    let (house, s, h) = clerk(&people(more)).await;
    match side {
        Party::Salesforce => house.hs_edit(H, &h, &[("jobtitle", "Boss")]),
        Party::HubSpot => house.sf_edit(S, &s, &[("Title", "Boss")]),
    }
    house.wait(60).await;
    let (sandbox, clock) = (house.sandbox.clone(), house.clock.clone());
    let (of_s, of_h) = (s.clone(), h.clone());
    let edit = move || {
        let (mut sandbox, now) = (sandbox.lock().unwrap(), clock.now());
        match side {
            Party::Salesforce => {
                let chief = values(&[("Title", "Chief")]);
                sandbox.org.edit(now, &colleague(), S, &of_s, chief)
            }
            Party::HubSpot => {
                let chief = values(&[("jobtitle", "Chief")]);
                sandbox.portal.edit(now, colleague(), H, &of_h, chief)
            }
        }
        .unwrap();
    };
    let (engine, wire) = wired(&house, at, false, Box::new(edit)).await;
    let record = engine.begin(&order()).await.unwrap();
    let end = engine.execute(record, &order()).await.unwrap();
    assert!(
        matches!(end.record.state, RunState::Done | RunState::DoneWithErrors),
        "request {at}: {:?}",
        end.error
    );
    drop(engine);
    house.wait(200).await;
    house.fine().await;
    house.quiet().await;
    let chief = Some("Chief".to_owned());
    let mut items = house.infos().await;
    items.extend(house.open_items().await);
    let told = items.iter().any(|item| {
        let sides = [&item.sides.salesforce, &item.sides.hubspot];
        sides.iter().any(|side| side.value == Value::text("Chief"))
    });
    let stands =
        house.sf_value(S, &s, "Title") == chief || house.hs_value(H, &h, "jobtitle") == chief;
    (wire.sent.load(Ordering::SeqCst), stands || told)
}

/// The requests at which the edit is lost without a trace.
async fn lost(more: &str, side: Party) -> Vec<u64> {
    let (whole, _) = raced(more, side, 0).await;
    let mut lost = Vec::new();
    // Before these it has only read what changed.
    for at in whole.saturating_sub(3)..=whole {
        if !raced(more, side, at).await.1 {
            lost.push(at);
        }
    }
    lost
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_salesforce_between_look_and_write_is_lost_unless_updates_are_strict() {
    let weak = lost("", Party::Salesforce).await;
    assert!(!weak.is_empty(), "this tests the test");
    let strict = lost("strict_cas = true", Party::Salesforce).await;
    assert_eq!(strict, Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_hubspot_that_a_write_went_over_is_kept_where_it_is_looked_for() {
    assert_eq!(
        lost("", Party::HubSpot).await.len(),
        1,
        "the weak one tests the test"
    );
    assert_eq!(
        lost("detect_clobber = true", Party::HubSpot).await,
        Vec::<u64>::new()
    );
}

#[tokio::test(start_paused = true)]
async fn strict_updates_take_a_call_each() {
    let (house, _, h) = clerk(&people("strict_cas = true")).await;
    let (s, more) = (
        house.sf_ids(S).len(),
        house.hs(H, &[("lastname", "Cole"), ("email", "c@example.com")]),
    );
    house.whole().await;
    assert_eq!(house.sf_ids(S).len(), s + 1);
    house.settled().await;
    for id in [&h, &more] {
        house.hs_edit(H, id, &[("jobtitle", "Boss")]);
    }
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.calls.purposes["write"].salesforce, 2);
    assert_eq!(run.calls.total, run.expected_calls);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_the_second_in_which_a_slow_read_was_asked_for_is_not_taken_for_seen() {
    let (house, s, h) = clerk(&people("")).await;
    house.settled().await;
    house.sf_edit(S, &s, &[("Title", "One")]);
    let late = Fault::Late(Duration::from_secs(4));
    let path = "/services/data/v68.0/query";
    house.script(Party::Salesforce, Some("GET"), path, late, 1);
    let again = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        house.sf_edit(S, &s, &[("Title", "Two")]);
    };
    let everything = Order {
        scope: Scope::Full,
        ..order()
    };
    tokio::join!(house.run(&everything), again);
    house.both((&s, &h), ("Title", "jobtitle"), ("Two", "One"));
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Two", "Two"));
}

/// The last look that a run has at a record finds it edited, in a field that it writes and in one that the two sides agreed on;
/// the edits are made at that request (0: they are not). The requests of the run.
async fn met_last(at: u64) -> u64 {
    let title = "hubspot = \"jobtitle\"";
    let text = people("").replace(title, &format!("{title}, blanks = \"prefer_non_blank\""));
    let (mut house, s, h) = clerk(&text).await;
    let mut rules = (*house.rules).clone();
    rules.settings.max_replans = 0;
    house.rules = Arc::new(rules);
    house.sf(S, &[("LastName", "Cole"), ("Title", "Clerk")]);
    house.whole().await;
    let other = house.hs_ids(H).into_iter().find(|id| *id != h).unwrap();
    // What HubSpot holds of the city was taken back: somebody enters it there again.
    house.sf_edit(S, &s, &[("MailingCity", "Bergen")]);
    house.wait(60).await;
    let run = house.fine().await;
    house.undone(run.run).await;
    house.settled().await;
    house.hs_edit(H, &h, &[("city", "Bergen"), ("jobtitle", "Boss")]);
    // The other title is filled again, from what Salesforce holds. Both are read, and HubSpot takes its time: what was read of
    // Salesforce is too old then, and is read once more.
    house.hs_edit(H, &other, &[("jobtitle", "")]);
    house.wait(60).await;
    let path = "/crm/objects/2026-09/contacts/batch/read";
    let late = Fault::Late(Duration::from_secs(12));
    house.script(Party::HubSpot, Some("POST"), path, late, 1);
    let (sandbox, clock, id) = (house.sandbox.clone(), house.clock.clone(), s.clone());
    let edit = move || {
        let mut sandbox = sandbox.lock().unwrap();
        let edits = values(&[("Title", "Chief"), ("MailingCity", "Rome")]);
        let done = sandbox.org.edit(clock.now(), &colleague(), S, &id, edits);
        done.unwrap();
    };
    let (engine, wire) = wired(&house, at, false, Box::new(edit)).await;
    let record = engine.begin(&order()).await.unwrap();
    engine.execute(record, &order()).await.unwrap();
    drop(engine);
    house.wait(200).await;
    house.fine().await;
    let rome = at == 0 || house.hs_value(H, &h, "city").as_deref() == Some("Rome");
    let asked = house.open_items().await;
    let asked = asked.iter().any(|item| item.field == "MailingCity");
    assert!(rome || asked, "edited at request {at}");
    house.quiet().await;
    wire.sent.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn what_the_last_look_of_a_run_finds_is_not_settled_without_a_plan() {
    let whole = met_last(0).await;
    for at in 1..=whole {
        met_last(at).await;
    }
}
