//! Golden scenarios: what a person does while a run works.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::support;
use crate::support::desk::Desk;
use crate::support::order;
use crate::support::town::*;
use crate::support::wire::wired;
use syncline::domain::{Choice, ItemKind, RunState, Side};
use syncline::engine::Order;
use syncline::service::messages::{RefusalKind, Reply, Request, RetryWhich, Take};
use syncline::store::rows::MappingPhase;

const S: &str = "Contact";
const H: &str = "contacts";

/// At every request: paused under a run that writes, resumed under one that was asked for it by name, paused under one that a
/// valve stops.
#[tokio::test(start_paused = true)]
async fn a_pause_or_resume_under_a_run_outlives_its_end() {
    for (paused, halts) in [(true, false), (false, false), (true, true)] {
        let mut at = 1;
        loop {
            let (mut house, s, h) = clerk(&people("")).await;
            house.sf_edit(S, &s, &[("Title", "Boss")]);
            house.wait(60).await;
            if halts {
                let text = people("").replace("transform = \"lowercase\", match", "match");
                house.rules = Arc::new(support::rules(&support::config(&text)));
            }
            let hand = house.engine().await;
            if !paused {
                hand.pause(&named("contacts"), true).await.unwrap();
            }
            let order = Order {
                mappings: vec![named("contacts")],
                ..order()
            };
            let pauses = move || {
                let hand = hand.clone();
                tokio::spawn(async move {
                    hand.pause(&named("contacts"), paused).await.unwrap();
                });
            };
            let (engine, wire) = wired(&house, at, false, Box::new(pauses)).await;
            let record = engine.begin(&order).await.unwrap();
            let run = engine.execute(record, &order).await.unwrap().record;
            if wire.sent.load(Ordering::SeqCst) < at {
                break;
            }
            let (ended, title) = match halts {
                true => (RunState::Halted, "Clerk"),
                false => (RunState::Done, "Boss"),
            };
            assert_eq!(run.state, ended, "{:?}", run.reason);
            house.both((&s, &h), ("Title", "jobtitle"), ("Boss", title));
            let stands = house.db().await.map_state(&named("contacts")).await;
            let wanted = match paused {
                true => MappingPhase::Paused,
                false => MappingPhase::Active,
            };
            assert_eq!(stands.unwrap().state, wanted, "at request {at}");
            at += 1;
        }
        assert!(at > 3, "{at}");
    }
}

/// A clerk whose title a person is asked about, and another of whose fields a run has to carry over.
async fn asked_about(text: &str) -> (support::House, String, String) {
    let (house, s, h) = clerk(text).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.hs_edit(H, &h, &[("jobtitle", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
    house.wait(60).await;
    (house, s, h)
}

/// The run writes its own copy of the question over the first choice or over both.
#[tokio::test(start_paused = true)]
async fn of_two_choices_made_under_a_run_the_last_one_stands() {
    let text = people("conflict = \"ask\"");
    let mut at = 1;
    loop {
        let (house, s, h) = asked_about(&text).await;
        let item = house.the_item(ItemKind::Field).await;
        let mut desk = Desk::open(&house, &text, at).await;
        let take = |side| Request::Resolve {
            items: vec![item.id],
            take: Take::Choice(Choice::Take(side)),
            by: "you".into(),
            fields_only: false,
            shown: Vec::new(),
        };
        if !desk.sync().await {
            break;
        }
        for side in [Side::HubSpot, Side::Salesforce] {
            let reply = desk.ask(take(side)).await;
            assert!(matches!(reply, Reply::Resolved(_)), "{reply:?}");
        }
        let run = desk.go_on().await;
        assert!(run.reason.is_none(), "{:?}", run.reason);
        desk.close().await;
        house.wait(60).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
        at += 1;
    }
    assert!(at > 3, "{at}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_cannot_start_its_run_frees_no_error() {
    let text = people_with("", "{ salesforce = \"Phone\", hubspot = \"phone\" },");
    let (house, s, h) = clerk(&text).await;
    // The org's own rule: who left keeps no telephone number.
    house.sf_edit(S, &s, &[("Title", "Former clerk")]);
    house.wait(60).await;
    house.fine().await;
    house.hs_edit(H, &h, &[("phone", "4155550134")]);
    house.wait(60).await;
    house.fine().await;
    let before = house.the_error().await;
    let mut desk = Desk::open(&house, &text, 3).await;
    assert!(desk.sync().await);
    let retry = Request::Retry {
        which: RetryWhich::All,
        now: true,
    };
    match desk.ask(retry).await {
        Reply::Refused(refusal) => assert_eq!(refusal.kind, RefusalKind::Busy),
        other => panic!("{other:?}"),
    }
    assert_eq!(house.the_error().await.retry_at, before.retry_at);
    desk.go_on().await;
}

/// As after a crash: the next run says what became of it.
#[tokio::test(start_paused = true)]
async fn a_run_whose_task_panics_ends_and_holds_up_nobody() {
    let text = people("");
    let (house, s, h) = clerk(&text).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let mut desk = Desk::torn(&house, &text, 3).await;
    assert!(!desk.sync().await);
    assert!(!desk.sync().await, "the place is free");
    let runs = house.db().await.runs(2).await.unwrap();
    let states: Vec<RunState> = runs.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Done, RunState::Crashed]);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    desk.close().await;
}
