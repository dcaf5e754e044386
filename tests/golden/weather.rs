//! Golden scenarios: believable worlds, colleagues at work and every fault at once; afterwards everything is in step.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::support;
use crate::support::town::*;
use crate::support::{House, InProcess, order};
use chrono::{DateTime, TimeDelta, Utc};
use syncline::clock::{BoxFuture, Clock};
use syncline::crm::{HttpRequest, HttpResponse, Transport, TransportError};
use syncline::domain::RunState;
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
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

/// A machine's clock that is set while the process runs.
struct Set {
    truth: Arc<dyn Clock>,
    ahead: AtomicI64,
}

impl Clock for Set {
    fn now(&self) -> DateTime<Utc> {
        self.truth.now() + TimeDelta::seconds(self.ahead.load(Ordering::Relaxed))
    }
}

/// Servers that tell their time.
struct Dated(InProcess);

impl Transport for Dated {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let mut answer = self.0.send(request).await?;
            let date = self.0.clock.now().to_rfc2822();
            answer.headers.push(("date".to_owned(), date));
            Ok(answer)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forward_in_the_middle_of_a_process_loses_no_change() {
    let (mut house, s, h) = clerk(&people("")).await;
    let truth = house.clock.clone();
    let (sandbox, clock) = (house.sandbox.clone(), truth.clone());
    let ahead = AtomicI64::new(0);
    let set = Arc::new(Set { truth, ahead });
    let machine: Arc<dyn Clock> = set.clone();
    let wire = Dated(InProcess { sandbox, clock });
    house.crm = support::clients_over(&house.sandbox, &machine, Arc::new(wire));
    let run = async || {
        let mut engine = house.engine().await;
        engine.clock = machine.clone();
        let record = engine.begin(&order()).await.unwrap();
        let end = engine.execute(record, &order()).await.unwrap();
        assert!(end.error.is_none(), "{:?}", end.error);
    };
    for _ in 0..6 {
        house.wait(60).await;
        run().await;
    }
    set.ahead.store(6 * 3600, Ordering::Relaxed);
    for _ in 0..12 {
        house.wait(300).await;
        run().await;
    }
    // Past every overlap: what is read now lies behind the watermark, or never is.
    for value in ["Boss", "Queen"] {
        house.hs_edit("contacts", &h, &[("jobtitle", value)]);
        house.wait(300).await;
        run().await;
        house.both((&s, &h), ("Title", "jobtitle"), (value, value));
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_made_before_the_clock_was_set_back_is_missed_like_any_other() {
    let house = House::empty(&people("deletes = \"archive\"")).await;
    let s = house.sf("Contact", &[("LastName", "Ann"), ("Title", "Clerk")]);
    let mut engine = house.engine().await;
    engine.clock = Arc::new(Set {
        truth: house.clock.clone(),
        ahead: AtomicI64::new(3000),
    });
    let record = engine.begin(&order()).await.unwrap();
    let end = engine.execute(record, &order()).await.unwrap();
    assert!(end.error.is_none(), "{:?}", end.error);
    assert_eq!(house.hs_ids("contacts").len(), 1);
    // No list of what is there tells of it.
    house.sf_delete("Contact", &s);
    house.whole().await;
    assert_eq!(house.hs_ids("contacts"), Vec::<String>::new());
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_an_unanswered_create_made_is_found_though_our_clock_is_ahead() {
    let mut house = House::unkeyed(&people("")).await;
    let (sandbox, clock) = (house.sandbox.clone(), house.clock.clone());
    let machine: Arc<dyn Clock> = Arc::new(Set {
        truth: clock.clone(),
        ahead: AtomicI64::new(400),
    });
    let wire = Dated(InProcess { sandbox, clock });
    house.crm = support::clients_over(&house.sandbox, &machine, Arc::new(wire));
    let run = async || {
        let mut engine = house.engine().await;
        engine.clock = machine.clone();
        let record = engine.begin(&order()).await.unwrap();
        let end = engine.execute(record, &order()).await.unwrap();
        assert!(end.error.is_none(), "{:?}", end.error);
        house.wait(200).await;
        end.record
    };
    let s = house.sf(
        "Contact",
        &[("LastName", "New"), ("Email", "new@example.com")],
    );
    let path = "/crm/objects/2026-09/contacts/batch/create";
    let lost = Fault::Cut { committed: true };
    house.script(Party::HubSpot, Some("POST"), path, lost, 1);
    let cut = run().await;
    assert_eq!(counts(&cut, "contacts").unlinked_errors, 1, "{cut:#?}");
    let made = house.hs_ids("contacts");
    // Somebody gives it another address, by which nobody finds what was made under the old one.
    house.sf_edit("Contact", &s, &[("Email", "other@example.com")]);
    for _ in 0..3 {
        run().await;
    }
    assert_eq!(house.hs_ids("contacts"), made);
    let links = house.links().await;
    assert_eq!(links.len(), 1, "{links:#?}");
    assert!(house.errors().await.is_empty() && house.open_items().await.is_empty());
}
