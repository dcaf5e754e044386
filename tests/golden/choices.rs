//! Golden scenarios: what the console's `W` carries out, and what it leaves alone.

use std::sync::Arc;

use crate::support::desk::Desk;
use crate::support::town::*;
use crate::support::{House, order};
use syncline::domain::{Choice, ItemKind, RunRecord, RunState, Side};
use syncline::engine::{Order, Scope};
use syncline::service::messages::{Outgoing, RefusalKind, Reply, Request};
use syncline::store::rows::MappingPhase;

/// An account whose name a person chose for, in a house whose contacts have never been synced.
async fn rolled_out_by_half(ask_first: bool) -> (House, String) {
    let mut house =
        House::empty(&firms().replacen("fields", "conflict = \"ask\"\nfields", 1)).await;
    let mut rules = (*house.rules).clone();
    rules.ask_first = ask_first;
    house.rules = Arc::new(rules);
    let site = "acme.example.com";
    let account = house.sf("Account", &[("Name", "Acme"), ("Website", site)]);
    let company = house.hs("companies", &[("name", "Acme"), ("domain", site)]);
    house.sf(
        "Contact",
        &[("LastName", "Solo"), ("Email", "solo@example.com")],
    );
    let accounts = Order {
        mappings: vec![named("accounts")],
        yes: true,
        ..order()
    };
    house.run(&accounts).await;
    house.sf_edit("Account", &account, &[("Name", "Acme AS")]);
    house.hs_edit("companies", &company, &[("name", "Acme Inc")]);
    house.wait(60).await;
    house.run(&accounts).await;
    let item = house.the_item(ItemKind::Field).await;
    house.choose(&item, Choice::Take(Side::HubSpot)).await;
    house.wait(60).await;
    (house, account)
}

/// Contacts are as they were: nothing was made of them, and their first sync is still to come.
async fn contacts_are_untouched(house: &House, run: &RunRecord) {
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    let names: Vec<&str> = run
        .mappings
        .iter()
        .map(|row| row.mapping.as_str())
        .collect();
    assert_eq!(names, ["accounts"]);
    assert!(house.hs_ids("contacts").is_empty());
    let stands = house.db().await.map_state(&named("contacts")).await;
    assert!(!stands.unwrap().first_sync_done);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_sent_without_a_mapping_that_was_never_synced() {
    for ask_first in [true, false] {
        let (house, account) = rolled_out_by_half(ask_first).await;
        let run = house.send_stored().await;
        contacts_are_untouched(&house, &run).await;
        let name = house.sf_value("Account", &account, "Name");
        assert_eq!(name.as_deref(), Some("Acme Inc"));
        // Asked for by name it has nothing stored that may go.
        let only = Order {
            mappings: vec![named("contacts")],
            scope: Scope::Stored,
            ..order()
        };
        let refused = house.engine().await.begin(&only).await.unwrap_err();
        assert!(refused.to_string().contains("first sync"), "{refused}");
    }
}

async fn outgoing(desk: &Desk) -> Outgoing {
    match desk.ask(Request::Outgoing { key: None }).await {
        Reply::Outgoing(outgoing) => outgoing,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn drafts_of_a_paused_mapping_are_neither_counted_nor_sent() {
    let text = firms().replace("fields = [", "conflict = \"ask\"\nfields = [");
    let house = House::empty(&text).await;
    let site = "acme.example.com";
    let account = house.sf("Account", &[("Name", "Acme"), ("Website", site)]);
    let company = house.hs("companies", &[("name", "Acme"), ("domain", site)]);
    let mail = "solo@example.com";
    let s = house.sf("Contact", &[("LastName", "Solo"), ("Email", mail)]);
    let h = house.hs("contacts", &[("lastname", "Solo"), ("email", mail)]);
    house.fine().await;
    house.sf_edit("Account", &account, &[("Name", "Acme AS")]);
    house.hs_edit("companies", &company, &[("name", "Acme Inc")]);
    house.sf_edit("Contact", &s, &[("Title", "Boss")]);
    house.hs_edit("contacts", &h, &[("jobtitle", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    for item in house.open_items().await {
        house.choose(&item, Choice::Take(Side::HubSpot)).await;
    }
    let mut desk = Desk::open(&house, &text, 0).await;
    assert_eq!(outgoing(&desk).await.drafts, 2);
    let pause = |name: &str| Request::Pause {
        mapping: named(name),
        paused: true,
    };
    desk.ask(pause("contacts")).await;
    assert_eq!(outgoing(&desk).await.drafts, 1);
    let by = "you".to_owned();
    let reply = desk.ask(Request::ApplyDrafts { by: by.clone() }).await;
    assert!(matches!(reply, Reply::Started { .. }), "{reply:?}");
    let run = desk.end().await;
    assert_eq!(run.mappings.len(), 1, "{:?}", run.mappings);
    let name = house.sf_value("Account", &account, "Name");
    assert_eq!(name.as_deref(), Some("Acme Inc"));
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Chief"));
    let stands = house.db().await.map_state(&named("contacts")).await;
    assert_eq!(stands.unwrap().state, MappingPhase::Paused);
    // What is left is of the paused one alone.
    let reply = desk.ask(Request::ApplyDrafts { by }).await;
    match reply {
        Reply::Refused(refusal) => {
            assert_eq!(refusal.kind, RefusalKind::Usage);
            assert!(refusal.message.contains("paused"), "{}", refusal.message);
        }
        other => panic!("{other:?}"),
    }
}
