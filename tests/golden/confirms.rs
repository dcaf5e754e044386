//! Golden scenarios: what a confirm answers for, and what it does not (docs/design/sync-semantics.md 15.3, 18).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::references::tie;
use crate::safety::{apply, left_out};
use crate::support;
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{House, order};
use syncline::domain::{RunRecord, RunState};
use syncline::engine::Order;
use syncline::store::keys;

const S: &str = "Contact";
const H: &str = "contacts";

fn confirming(run: &RunRecord) -> Order {
    Order {
        confirm: run.plan_hash.clone(),
        ..order()
    }
}

/// The command that a halted run of one mapping shows names no mapping.
#[tokio::test(start_paused = true)]
async fn a_confirm_answers_for_no_mapping_but_those_of_its_plan() {
    let mut house = House::empty(&firms()).await;
    let mut rules = (*house.rules).clone();
    rules.ask_first = true;
    house.rules = Arc::new(rules);
    house.sf(S, &[("LastName", "Solo"), ("Email", "solo@example.com")]);
    house.sf(
        "Account",
        &[("Name", "Acme"), ("Website", "acme.example.com")],
    );
    let contacts = Order {
        mappings: vec![named("contacts")],
        ..order()
    };
    let asked = house.run(&contacts).await.record;
    assert_eq!(asked.state, RunState::AwaitingConfirm, "{:?}", asked.reason);
    house.wait(60).await;
    let run = house.run(&confirming(&asked)).await.record;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    assert_eq!(run.mappings.len(), 1, "{:?}", run.mappings);
    assert_eq!(house.hs_ids(H).len(), 1);
    house.wait(60).await;
    let next = house.sync().await;
    assert_eq!(next.state, RunState::AwaitingConfirm, "{:?}", next.reason);
    assert!(house.hs_ids("companies").is_empty());
    // Where nothing of the plan is named there is nothing to do.
    let accounts = Order {
        mappings: vec![named("accounts")],
        ..confirming(&asked)
    };
    let refused = house.engine().await.begin(&accounts).await.unwrap_err();
    assert!(refused.to_string().contains("contacts"), "{refused}");
}

/// What the valves would ask now is not what they asked then.
#[tokio::test(start_paused = true)]
async fn a_confirm_is_refused_where_the_rules_or_the_store_are_others_than_those_of_its_plan() {
    for restored in [false, true] {
        let (mut house, s, h) = clerk(&people("")).await;
        let text = people("").replace("transform = \"lowercase\", match = true", "match = true");
        house.rules = Arc::new(support::rules(&support::config(&text)));
        house.sf_edit(S, &s, &[("Title", "Boss")]);
        house.wait(60).await;
        let asked = house.sync().await;
        assert_eq!(asked.valves[0].valve, "config_changed");
        if restored {
            let db = house.db().await;
            let mut tx = db.begin();
            tx.put_meta(keys::META_EPOCH, &1u64).unwrap();
            tx.commit().await.unwrap();
        } else {
            let text = text.replace("match = true", "transform = \"trim\", match = true");
            house.rules = Arc::new(support::rules(&support::config(&text)));
        }
        let refused = house.engine().await.begin(&confirming(&asked)).await;
        let why = refused.unwrap_err().to_string();
        assert!(why.contains("sync again"), "{why}");
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
        house.wait(60).await;
        let again = house.sync().await;
        assert_eq!(again.state, RunState::Halted, "{:?}", again.reason);
        house.wait(60).await;
        let run = house.run(&confirming(&again)).await.record;
        assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    }
}

/// A person said "exactly this", whether or not a valve would have stopped it: records that move under the run are left out.
#[tokio::test(start_paused = true)]
async fn a_confirmed_plan_that_no_valve_stops_is_carried_out_and_nothing_else_is() {
    let mut carried = 0;
    let mut at = 1;
    loop {
        let (house, s, h) = clerk(&people("")).await;
        house.sf_edit(S, &s, &[("Title", "Boss")]);
        house.wait(60).await;
        let shown = house.engine().await.preview(&order()).await.unwrap();
        assert!(shown.valves.is_empty(), "{:?}", shown.valves);
        let order = Order {
            confirm: Some(shown.plan_hash),
            ..order()
        };
        let (sandbox, clock) = (house.sandbox.clone(), house.clock.clone());
        let id = h.clone();
        let moves = move || {
            let now = clock.now();
            let mut sandbox = sandbox.lock().unwrap();
            let moved = values(&[("lastname", "Later")]);
            let portal = &mut sandbox.portal;
            portal.edit(now, colleague(), H, &id, moved).unwrap();
        };
        let (engine, wire) = wired(&house, at, false, Box::new(moves)).await;
        let record = engine.begin(&order).await.unwrap();
        let run = engine.execute(record, &order).await.unwrap().record;
        assert_eq!(
            house.sf_value(S, &s, "LastName").as_deref(),
            Some("Berg"),
            "a move at request {at}: {:?}",
            run.reason
        );
        carried += u64::from(house.hs_value(H, &h, "jobtitle").as_deref() == Some("Boss"));
        if wire.sent.load(Ordering::SeqCst) < at {
            break;
        }
        at += 1;
    }
    assert!(carried > 0, "{at}");
}

/// A rule names the winner, so what is written stays the same; but what it goes over is not what was shown.
#[tokio::test(start_paused = true)]
async fn a_record_whose_field_was_edited_since_the_plan_is_left_out_whoever_wins() {
    let ruled = people("conflict = \"salesforce\"");
    for (halted, meanwhile, moved) in [
        (false, "Chief", true),
        (true, "Chief", true),
        (false, "", true),
        // The same to the mapping: a blank at the end is no change.
        (false, "Clerk ", false),
        (true, "Clerk ", false),
    ] {
        let (mut house, s, h) = clerk(&ruled).await;
        house.sf_edit(S, &s, &[("Title", "Boss")]);
        house.wait(60).await;
        if halted {
            let text = ruled.replace("transform = \"lowercase\", match", "match");
            house.rules = Arc::new(support::rules(&support::config(&text)));
        }
        let plan = house.engine().await.preview(&order()).await.unwrap();
        let asked = match halted {
            true => Some(house.sync().await),
            false => None,
        };
        house.hs_edit(H, &h, &[("jobtitle", meanwhile)]);
        house.wait(60).await;
        let run = match &asked {
            Some(asked) => house.run(&confirming(asked)).await.record,
            None => apply(&house, &plan).await,
        };
        assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
        let left = left_out(&house, run.run).await;
        let title = house.hs_value(H, &h, "jobtitle").unwrap_or_default();
        match moved {
            true => assert_eq!((title.as_str(), left), (meanwhile, vec![h.clone()])),
            false => assert_eq!((title.as_str(), left), ("Boss", Vec::new())),
        }
        // The next run plans it anew.
        house.wait(60).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_to_be_made_and_is_there_by_now_is_not_written_to_unasked() {
    let mut house = House::unkeyed(&firms()).await;
    let site = "acme.example.com";
    let account = house.sf("Account", &[("Name", "Acme"), ("Website", site)]);
    let company = house.hs("companies", &[("name", "Acme"), ("domain", site)]);
    let firms = Order {
        mappings: vec![named("accounts")],
        ..order()
    };
    house.run(&firms).await;
    let person = [("lastname", "Berg"), ("email", "anna@example.com")];
    let h = house.hs(H, &person);
    tie(&house, &h, &company);
    let mut rules = (*house.rules).clone();
    rules.ask_first = true;
    house.rules = Arc::new(rules);
    house.wait(60).await;
    let asked = house.sync().await;
    assert_eq!(asked.state, RunState::AwaitingConfirm, "{:?}", asked.reason);
    // Somebody enters her in Salesforce before the answer.
    let s = house.sf(S, &[("LastName", "Berg"), ("Email", "anna@example.com")]);
    house.wait(60).await;
    let run = house.run(&confirming(&asked)).await.record;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    assert_eq!(house.sf_ids(S).len(), 1, "{:?}", house.links().await);
    assert_eq!(house.sf_value(S, &s, "AccountId"), None);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.sf_value(S, &s, "AccountId"), Some(account));
}
