//! Golden scenarios: what a person does while a run works.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::support;
use crate::support::order;
use crate::support::town::*;
use crate::support::wire::wired;
use syncline::domain::RunState;
use syncline::engine::Order;
use syncline::store::rows::MappingPhase;

const S: &str = "Contact";

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
