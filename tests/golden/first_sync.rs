//! Golden scenarios: the first sync of small worlds, and what a run costs when nothing happens.

use crate::support;
use crate::support::leads::holds;
use crate::support::town::*;
use crate::support::{House, order};
use syncline::domain::{Choice, Conflict, CreatedBy, ItemKind, PerSide, RunKind, RunState};
use syncline::engine::{Order, Scope};
use syncline::sandbox::{Fault, Side as Party};

#[tokio::test(start_paused = true)]
async fn a_first_sync_links_what_matches_creates_what_does_not_and_fills_blanks() {
    let house = House::empty(&people("")).await;
    let anna_s = house.sf(
        "Contact",
        &[
            ("LastName", "Berg"),
            ("FirstName", "Anna"),
            ("Email", "Anna@Example.com"),
            ("Title", "CTO"),
        ],
    );
    let anna_h = house.hs(
        "contacts",
        &[
            ("lastname", "Berg"),
            ("firstname", "Anna"),
            ("email", "anna@example.com"),
            ("city", "Oslo"),
        ],
    );
    let only_s = house.sf(
        "Contact",
        &[("LastName", "Solo"), ("Email", "solo@example.com")],
    );
    let only_h = house.hs(
        "contacts",
        &[
            ("lastname", "Hub"),
            ("email", "hub@example.com"),
            ("jobtitle", "Clerk"),
        ],
    );
    let run = house.fine().await;
    assert_eq!((run.kind, run.state), (RunKind::Full, RunState::Done));
    let got = counts(&run, "contacts");
    assert_eq!(
        got.read,
        PerSide {
            salesforce: 2,
            hubspot: 2
        }
    );
    assert_eq!(got.linked, 1);
    assert_eq!(
        got.created,
        PerSide {
            salesforce: 1,
            hubspot: 1
        }
    );
    assert_eq!(
        got.updated,
        PerSide {
            salesforce: 1,
            hubspot: 1
        }
    );
    assert_eq!(
        (got.updated_links, got.errors, got.conflicts, got.review),
        (1, 0, 0, 0)
    );
    house.both((&anna_s, &anna_h), ("Title", "jobtitle"), ("CTO", "CTO"));
    house.both(
        (&anna_s, &anna_h),
        ("MailingCity", "city"),
        ("Oslo", "Oslo"),
    );
    assert_eq!(
        house.sf_value("Contact", &anna_s, "Syncline_HubSpot_Id__c"),
        Some(anna_h.clone())
    );
    assert_eq!(
        house.hs_value("contacts", &anna_h, "syncline_salesforce_id"),
        Some(anna_s.clone())
    );
    let made_h = house
        .hs_ids("contacts")
        .into_iter()
        .find(|id| *id != anna_h && *id != only_h)
        .unwrap();
    let made_s = house
        .sf_ids("Contact")
        .into_iter()
        .find(|id| *id != anna_s && *id != only_s)
        .unwrap();
    house.both(
        (&only_s, &made_h),
        ("Email", "email"),
        ("solo@example.com", "solo@example.com"),
    );
    house.both(
        (&made_s, &only_h),
        ("Title", "jobtitle"),
        ("Clerk", "Clerk"),
    );
    assert_eq!(
        house.sf_value("Contact", &only_s, "Syncline_HubSpot_Id__c"),
        Some(made_h)
    );
    assert_eq!(
        house.hs_value("contacts", &only_h, "syncline_salesforce_id"),
        Some(made_s)
    );
    let mut by: Vec<_> = house
        .links()
        .await
        .into_iter()
        .map(|link| link.created_by)
        .collect();
    by.sort_by_key(|by| format!("{by:?}"));
    assert_eq!(
        by,
        [
            CreatedBy::CreatedHubspot,
            CreatedBy::CreatedSalesforce,
            CreatedBy::Matched
        ]
    );
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn doubles_on_one_side_are_left_to_a_person_and_nobody_else_waits_for_them() {
    let house = House::empty(&people("")).await;
    house.sf(
        "Contact",
        &[("LastName", "Twin"), ("Email", "twin@example.com")],
    );
    house.sf(
        "Contact",
        &[("LastName", "Twin"), ("Email", "twin@example.com")],
    );
    house.hs(
        "contacts",
        &[("lastname", "Twin"), ("email", "twin@example.com")],
    );
    house.sf(
        "Contact",
        &[("LastName", "Pair"), ("Email", "pair@example.com")],
    );
    house.sf(
        "Contact",
        &[("LastName", "Pair"), ("Email", "pair@example.com")],
    );
    house.sf(
        "Contact",
        &[("LastName", "Lone"), ("Email", "lone@example.com")],
    );
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!(got.review, 5, "{got:?}");
    assert_eq!(
        got.created,
        PerSide {
            salesforce: 0,
            hubspot: 1
        }
    );
    assert_eq!((got.linked, got.errors), (0, 0));
    let items = house.open_items().await;
    assert_eq!(items.len(), 5);
    assert!(
        items
            .iter()
            .all(|item| item.kind == ItemKind::AmbiguousMatch)
    );
    assert_eq!(house.hs_ids("contacts").len(), 2);
    assert_eq!(house.sf_ids("Contact").len(), 5);
    house.quiet().await;
    assert_eq!(
        house.open_items().await.len(),
        5,
        "seen again, the items do not multiply"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_look_up_finds_that_somebody_was_asked_about_is_asked_about_no_more() {
    let house = House::unkeyed(&people("")).await;
    let twin = [("LastName", "Twin"), ("Email", "twin@example.com")];
    let (mine, other) = (house.sf("Contact", &twin), house.sf("Contact", &twin));
    let h = house.hs(
        "contacts",
        &[("lastname", "Twin"), ("email", "twin@example.com")],
    );
    house.fine().await;
    let items = house.open_items().await;
    assert_eq!(items.len(), 3);
    let about = |item: &&Conflict| {
        let id = item.sides.salesforce.id.as_ref();
        id.is_some_and(|id| id.as_str() == mine)
    };
    house
        .choose(items.iter().find(about).unwrap(), Choice::Create)
        .await;
    house.sf_edit("Contact", &other, &[("Email", "other@example.com")]);
    house.wait(60).await;
    let everything = Order {
        scope: Scope::Full,
        ..order()
    };
    let end = house.run(&everything).await;
    assert!(end.error.is_none(), "{:?}", end.error);
    for row in &end.record.mappings {
        adds_up_whole(&row.counts);
    }
    assert_eq!(house.open_items().await, Vec::new());
    let links = house.links().await;
    assert_eq!(links.len(), 2, "{links:#?}");
    assert!(links.iter().any(|link| holds(link, &mine, &h)));
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
}

/// Two Contacts of one address, and the question about one of them, answered with "create".
async fn chosen_twin() -> (House, String, Conflict) {
    let house = House::empty(&people("")).await;
    let twin = [("LastName", "Twin"), ("Email", "twin@example.com")];
    let (mine, _) = (house.sf("Contact", &twin), house.sf("Contact", &twin));
    house.fine().await;
    let items = house.open_items().await;
    let about = |item: &&Conflict| {
        let id = item.sides.salesforce.id.as_ref();
        id.is_some_and(|id| id.as_str() == mine)
    };
    let item = items.iter().find(about).unwrap();
    let item = house.choose(item, Choice::Create).await;
    house.wait(60).await;
    (house, mine, item)
}

async fn is_made(house: &House, mine: &str, item: &Conflict) {
    let made = house.hs_ids("contacts");
    assert_eq!(made.len(), 1);
    let links = house.links().await;
    assert!(links.iter().any(|link| holds(link, mine, &made[0])));
    let open = house.open_items().await;
    assert!(!open.iter().any(|one| one.id == item.id), "{open:#?}");
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_a_person_chose_stays_chosen_where_a_run_could_not_send_it() {
    let (house, mine, item) = chosen_twin().await;
    let path = "/crm/objects/2026-09/contacts/batch/read";
    house.script(Party::HubSpot, Some("POST"), path, Fault::DailyLimit, 1);
    let end = house.run(&order()).await;
    assert!(end.error.is_some(), "{:?}", end.record);
    assert_eq!(house.hs_ids("contacts"), Vec::<String>::new());
    house.wait(2 * 86_400).await;
    house.run(&order()).await;
    is_made(&house, &mine, &item).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_a_person_chose_of_a_hidden_record_tells_why_it_waits_and_comes_once_it_is_seen()
 {
    let (house, mine, item) = chosen_twin().await;
    let hide = |hidden| {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.org.hide_record("Contact", &mine, hidden);
    };
    hide(true);
    house.run(&order()).await;
    let error = house.the_error().await;
    assert_eq!(error.record.id.as_str(), mine);
    assert!(
        error.message.contains("does not answer"),
        "{}",
        error.message
    );
    hide(false);
    house.wait(3700).await;
    house.run(&order()).await;
    is_made(&house, &mine, &item).await;
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_contact_is_found_by_its_second_address() {
    let house = House::empty(&people("")).await;
    let s = house.sf(
        "Contact",
        &[("LastName", "Old"), ("Email", "old@example.com")],
    );
    let h = house.hs(
        "contacts",
        &[("lastname", "Old"), ("email", "new@example.com")],
    );
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .add_secondary_email(now, &h, "old@example.com")
        .unwrap();
    house.sandbox.lock().unwrap().portal.settle_index();
    house.fine().await;
    assert_eq!(house.hs_ids("contacts").len(), 1);
    assert_eq!(house.sf_ids("Contact").len(), 1);
    assert_eq!(house.links().await.len(), 1);
    let _ = s;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_world_gives_the_same_plan() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let house = House::new(60, 3).await;
        let preview = house
            .engine()
            .await
            .preview(&support::order())
            .await
            .unwrap();
        let run = house.fine().await;
        hashes.push((
            preview.plan_hash,
            run.plan_hash,
            run.calls.total,
            run.mappings,
        ));
    }
    assert_eq!(hashes[0], hashes[1]);
    assert!(!hashes[0].0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_preview_writes_nothing_on_either_side_nor_in_the_store() {
    let house = House::new(60, 3).await;
    let engine = house.engine().await;
    let before = export(&house).await;
    let preview = engine.preview(&support::order()).await.unwrap();
    assert!(!preview.ops.is_empty());
    assert!(!preview.calls.purposes.contains_key("write"));
    assert_eq!(export(&house).await, before);
    let run = house.fine().await;
    for (shown, done) in preview.mappings.iter().zip(&run.mappings) {
        assert_eq!(
            shown.counts.created, done.counts.created,
            "{}",
            shown.mapping
        );
        assert_eq!(shown.counts.review, done.counts.review, "{}", shown.mapping);
        assert_eq!(shown.counts.linked, done.counts.linked, "{}", shown.mapping);
    }
}

/// Everything that is stored, in key order.
async fn export(house: &House) -> Vec<syncline::store::Entry> {
    let mut all = Vec::new();
    for family in syncline::store::Family::ALL {
        let range = syncline::store::Range::prefix(syncline::store::keys::all(family), 100_000);
        all.extend(house.store.range(range).await.unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn an_idle_run_costs_three_calls_a_mapping() {
    let house = House::new(40, 2).await;
    house.fine().await;
    house.wait(60).await;
    house.fine().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_sync_of_an_empty_world_is_done_and_stays_quiet() {
    let house = House::empty(&people("")).await;
    let run = house.fine().await;
    assert_eq!(run.state, RunState::Done);
    assert_eq!(run.calls.total, run.expected_calls);
    house.quiet().await;
    house.idle().await;
}
