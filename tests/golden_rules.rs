//! Golden scenarios: which mappings run, what vendors show late or not at all, and accounts that are not ours.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use chrono::TimeDelta;
use support::town::*;
use support::{House, order};
use syncline::domain::RunState;
use syncline::engine::{Order, Scope};

const S: &str = "Contact";
const H: &str = "contacts";

#[tokio::test(start_paused = true)]
async fn a_paused_mapping_is_left_alone_and_loses_nothing() {
    let (house, s, h) = clerk(&firms()).await;
    house
        .engine()
        .await
        .pause(&named("contacts"), true)
        .await
        .unwrap();
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.mappings.len(), 1, "{:?}", run.mappings);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    house.wait(7200).await;
    house.fine().await;
    house
        .engine()
        .await
        .pause(&named("contacts"), false)
        .await
        .unwrap();
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_index_shows_late_is_not_lost() {
    let (house, s, h) = clerk(&people("")).await;
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .set_index_lag(TimeDelta::seconds(400));
    house.hs_edit(H, &h, &[("jobtitle", "Late")]);
    for _ in 0..6 {
        house.wait(200).await;
        house.fine().await;
    }
    house.both((&s, &h), ("Title", "jobtitle"), ("Late", "Late"));
    house.wait(1000).await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_transaction_that_commits_with_an_old_stamp_is_not_lost() {
    let (house, s, h) = clerk(&people("")).await;
    let began = house.clock.now();
    house.sandbox.lock().unwrap().org.hold_back(Some(began));
    for _ in 0..4 {
        house.wait(300).await;
        house.fine().await;
    }
    let now = house.clock.now();
    {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox
            .org
            .edit_with_stamp(
                now,
                began,
                &colleague(),
                S,
                &s,
                values(&[("Title", "Long")]),
            )
            .unwrap();
        sandbox.org.hold_back(None);
    }
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Long", "Long"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_the_very_second_of_our_own_write_is_not_taken_for_its_echo() {
    let (house, s, h) = clerk(&people("")).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(30).await;
    house.fine().await;
    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_field_hidden_from_us_halts_the_mapping_and_clears_nothing() {
    let (house, s, h) = clerk(&people("")).await;
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .hide_field(S, "Title", true);
    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
    for _ in 0..2 {
        house.wait(4000).await;
        let end = house.run(&order()).await;
        assert_eq!(end.record.state, RunState::Halted);
        assert!(end.record.reason.unwrap().contains("Title"));
        house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Clerk"));
    }
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .hide_field(S, "Title", false);
    house.wait(4000).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_hidden_from_us_is_no_deletion() {
    let (house, s, h) = clerk(&people("")).await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.the_error().await.category,
        syncline::domain::ErrorCategory::Gone
    );
    house.quiet().await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    house.wait(2000).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn another_organisation_s_credentials_are_refused() {
    let (house, _, _) = clerk(&people("")).await;
    let other = House::empty(&people("")).await;
    {
        let db = other.db().await;
        let mut tx = db.begin();
        tx.put_meta(
            &format!("{}/salesforce", syncline::engine::names::ACCOUNT),
            &"00D000000000001AAA".to_owned(),
        )
        .unwrap();
        tx.commit().await.unwrap();
    }
    let end = other.run(&order()).await;
    assert_eq!(end.record.state, RunState::Halted);
    assert!(end.record.reason.unwrap().contains("belongs to"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_run_of_a_world_in_step_writes_nothing_and_adds_up() {
    let house = House::new(60, 4).await;
    house.fine().await;
    house.settled().await;
    let end = house
        .run(&Order {
            scope: Scope::Full,
            ..order()
        })
        .await;
    assert_eq!(writes(&end.record), 0, "{:?}", end.record.calls);
    assert_eq!(
        end.record.calls.total, end.record.expected_calls,
        "{:?}",
        end.record.calls
    );
    for row in &end.record.mappings {
        adds_up_whole(&row.counts);
    }
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_rule_asks_once_and_is_confirmed_by_its_plan() {
    let (mut house, s, h) = clerk(&people("")).await;
    let text = people("").replace("transform = \"lowercase\", match = true", "match = true");
    house.rules = Arc::new(support::rules(&support::config(&text)));
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted);
    assert_eq!(run.valves[0].valve, "config_changed");
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    let hash = run.plan_hash.unwrap();
    let end = house
        .run(&Order {
            confirm: Some(hash),
            ..order()
        })
        .await;
    assert_eq!(end.record.state, RunState::Done);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}
