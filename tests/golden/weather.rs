//! Golden scenarios: believable worlds, colleagues at work and every fault at once; afterwards everything is in step.

use crate::support;
use crate::support::town::*;
use crate::support::{House, order};
use syncline::domain::RunState;
use syncline::sandbox::world::WorldSettings;

async fn storm(seed: u64, faults: &str, no_keys: bool) {
    let house = House::with(
        WorldSettings { contacts: 25, seed },
        no_keys,
        &support::starter(),
    )
    .await;
    house
        .sandbox
        .lock()
        .unwrap()
        .set_faults(faults.parse().unwrap());
    let truth = house.sandbox.lock().unwrap().truth().clone();
    for round in 0..8 {
        let end = house.run(&order()).await;
        assert_ne!(end.record.state, RunState::Running);
        for row in &end.record.mappings {
            adds_up(&row.counts);
        }
        house.sound().await;
        // Edits on both sides between the runs, some of the same field.
        for (at, pair) in truth.contacts.iter().enumerate() {
            if (at + round) % 4 == 0 {
                house.sf_edit(
                    "Contact",
                    &pair.salesforce,
                    &[("MailingCity", &format!("S{round}"))],
                );
            }
            if (at + round) % 5 == 0 {
                house.hs_edit(
                    "contacts",
                    &pair.hubspot,
                    &[("jobtitle", &format!("H{round}"))],
                );
            }
            if (at + round) % 11 == 0 {
                house.hs_edit("contacts", &pair.hubspot, &[("city", &format!("H{round}"))]);
            }
        }
        house.wait(if round % 2 == 0 { 45 } else { 300 }).await;
    }
    house
        .sandbox
        .lock()
        .unwrap()
        .set_faults("none".parse().unwrap());
    // What the weather left waiting comes due within the longest back-off.
    for pause in [200, 1000, 4000, 8000, 20_000, 90_000, 90_000] {
        house.wait(pause).await;
        let run = house.run(&order()).await.record;
        if run.state == RunState::Halted {
            let hash = run.plan_hash.unwrap_or_default();
            assert!(
                run.valves.iter().all(|hit| hit.confirmable),
                "{:?}",
                run.reason
            );
            let end = house
                .run(&syncline::engine::Order {
                    confirm: Some(hash),
                    ..order()
                })
                .await;
            assert!(end.record.state.is_over(), "{:?}", end.record.reason);
        }
    }
    for error in house.errors().await {
        assert_ne!(
            error.category,
            syncline::domain::ErrorCategory::Transient,
            "{error:#?}"
        );
    }
    assert!(house.db().await.open_ops().await.unwrap().is_empty());
    let open = house.open_items().await;
    for pair in &truth.contacts {
        let mine = |item: &&syncline::domain::Conflict| {
            item.sides
                .salesforce
                .id
                .as_ref()
                .is_some_and(|id| id.as_str() == pair.salesforce)
                || item
                    .sides
                    .hubspot
                    .id
                    .as_ref()
                    .is_some_and(|id| id.as_str() == pair.hubspot)
        };
        if open.iter().any(|item| mine(&item)) {
            continue;
        }
        for (s, h) in [("MailingCity", "city"), ("Title", "jobtitle")] {
            assert_eq!(
                house
                    .sf_value("Contact", &pair.salesforce, s)
                    .unwrap_or_default(),
                house
                    .hs_value("contacts", &pair.hubspot, h)
                    .unwrap_or_default(),
                "seed {seed} {faults}: {s} of {pair:?}"
            );
        }
    }
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn calm_weather_with_edits_on_both_sides() {
    storm(1, "none", false).await;
}

#[tokio::test(start_paused = true)]
async fn throttling_and_expired_tokens() {
    storm(2, "throttle,auth", false).await;
}

#[tokio::test(start_paused = true)]
async fn errors_and_cut_connections() {
    storm(3, "errors", false).await;
}

#[tokio::test(start_paused = true)]
async fn time_outs_before_and_after_the_commit() {
    storm(4, "timeouts", false).await;
}

#[tokio::test(start_paused = true)]
async fn everything_at_once() {
    storm(5, "all", false).await;
}

#[tokio::test(start_paused = true)]
async fn everything_at_once_in_another_world() {
    storm(6, "all", false).await;
}

#[tokio::test(start_paused = true)]
async fn errors_and_time_outs_without_key_fields() {
    storm(7, "errors,timeouts", true).await;
}
