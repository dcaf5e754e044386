//! Golden scenarios: one person has one counterpart, whatever a conversion meets (docs/design/sync-semantics.md 13, 16.5, I-8).

use std::sync::Arc;
use std::time::Duration;

use crate::support::House;
use crate::support::leads::*;
use crate::support::town::*;
use syncline::domain::{Choice, ItemKind, LinkState, PerSide};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;

/// Where HubSpot's contacts are made.
const DOOR: &str = "/crm/objects/2026-09/contacts/batch/upsert";

/// A lead without an address: nothing but its key says who it is.
const BARE: &[(&str, &str)] = &[("LastName", "Ann"), ("Company", "Acme")];

#[tokio::test(start_paused = true)]
async fn of_leads_that_were_converted_into_one_contact_the_first_hands_its_counterpart_over_and_the_others_ask()
 {
    let house = House::empty(&rules()).await;
    let [l2, l1] = ["Bo", "Ann"].map(|name| house.sf(L, &[("LastName", name), ("Company", "A")]));
    house.fine().await;
    house.settled().await;
    let contact = house.sf_convert(&l1, None);
    house.sf_convert(&l2, Some(&contact));
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").created, PerSide::default());
    house.the_item(ItemKind::ConversionCollision).await;
    assert_eq!(
        house.hs_ids(H).len(),
        2,
        "one each, made while they were leads"
    );
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_lead_that_has_its_counterpart_does_not_wait_for_one_of_the_same_contact_that_may_have_none()
 {
    let house = House::empty(&rules()).await;
    let l2 = house.sf(L, &[("LastName", "Bo"), ("Company", "Acme")]);
    house.fine().await;
    house.settled().await;
    let l1 = house.sf(L, BARE);
    house.script(
        Party::HubSpot,
        Some("POST"),
        DOOR,
        Fault::Silence { committed: true },
        1,
    );
    house.whole().await;
    let contact = house.sf_convert(&l1, None);
    house.sf_convert(&l2, Some(&contact));
    for _ in 0..6 {
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(counts(&run, "contacts").created, PerSide::default());
    }
    house.the_item(ItemKind::ConversionCollision).await;
    assert_eq!(house.hs_ids(H).len(), 2);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_leads_create_that_lands_after_its_contact_got_a_counterpart_makes_no_second() {
    for lands in [Some(900), None] {
        let house = House::empty(&rules()).await;
        house.fine().await;
        let lead = house.sf(L, BARE);
        let fault = match lands {
            Some(after) => Fault::LandsLater(Duration::from_secs(after)),
            None => Fault::Cut { committed: false },
        };
        house.script(Party::HubSpot, Some("POST"), DOOR, fault, 1);
        house.whole().await;
        let contact = house.sf_convert(&lead, None);
        for wait in [30, 300, 60, 900, 60, 60] {
            house.wait(wait).await;
            house.fine().await;
        }
        let h = house.hs_ids(H);
        assert_eq!((h.len(), house.open_items().await), (1, Vec::new()));
        // As long as it may land it finds the record under the Lead's key; then the record gets its Contact's.
        let key = house.hs_value(H, &h[0], "syncline_salesforce_id");
        assert_eq!(key.as_deref(), Some(lead.as_str()));
        house.quiet().await;
        for _ in 0..3 {
            house.wait(25 * 3600).await;
            house.fine().await;
        }
        gone_over(&house, &lead, &contact, &h[0]).await;
        goes_on(&house, &lead, &contact, &h[0]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_leads_create_that_lands_before_its_contacts_is_looked_up_or_sent_is_the_contacts() {
    let house = House::empty(&rules()).await;
    house.fine().await;
    let lead = house.sf(L, BARE);
    let never = Fault::LandsLater(Duration::from_secs(3600));
    house.script(Party::HubSpot, Some("POST"), DOOR, never, 1);
    house.whole().await;
    let contact = house.sf_convert(&lead, None);
    house.wait(30).await;
    house.fine().await;
    // It was given up, and the Contact's own create has no answer either.
    house.wait(300).await;
    let later = Fault::LandsLater(Duration::from_secs(400));
    house.script(Party::HubSpot, Some("POST"), DOOR, later, 1);
    for wait in [30, 60, 300, 60, 900, 3600, 60, 60] {
        house.fine().await;
        house.wait(wait).await;
    }
    for _ in 0..3 {
        house.wait(25 * 3600).await;
        house.fine().await;
    }
    let h = house.hs_ids(H);
    assert_eq!((h.len(), house.open_items().await), (1, Vec::new()));
    gone_over(&house, &lead, &contact, &h[0]).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_landing_of_a_leads_create_puts_nothing_old_on_its_contact() {
    let house = House::empty(&rules()).await;
    house.fine().await;
    let lead = house.sf(
        L,
        &[("LastName", "Ann"), ("Company", "Acme"), ("Title", "Clerk")],
    );
    let later = Fault::LandsLater(Duration::from_secs(3600));
    house.script(Party::HubSpot, Some("POST"), DOOR, later, 1);
    house.whole().await;
    let contact = house.sf_convert(&lead, None);
    house.sf_edit(S, &contact, &[("Title", "Boss")]);
    for wait in [30, 300, 60, 3600, 60, 60] {
        house.wait(wait).await;
        house.fine().await;
    }
    let h = house.hs_ids(H);
    assert_eq!(h.len(), 1);
    house.both((&contact, &h[0]), ("Title", "jobtitle"), ("Boss", "Boss"));
    for _ in 0..3 {
        house.wait(25 * 3600).await;
        house.fine().await;
    }
    gone_over(&house, &lead, &contact, &h[0]).await;
}

#[tokio::test(start_paused = true)]
async fn a_conversion_that_was_noticed_while_the_create_had_no_answer_is_followed_once_it_is_found()
{
    let mut house = House::empty(&rules()).await;
    // A later run reads what changed after this one looked, and no more.
    let settings = &mut Arc::make_mut(&mut house.rules).settings;
    settings.settle_delay = Duration::from_secs(600);
    for at in 0..25 {
        let mail = format!("p{at}@example.com");
        house.sf(S, &[("LastName", "Lund"), ("Email", &mail)]);
    }
    house.fine().await;
    house.settled().await;
    let leads: Vec<String> = (0..6).map(|_| house.sf(L, BARE)).collect();
    let later = Fault::LandsLater(Duration::from_secs(400));
    house.script(Party::HubSpot, Some("POST"), DOOR, later, 1);
    house.whole().await;
    for lead in &leads {
        house.sf_convert(lead, None);
    }
    house.wait(200).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H).len(), 25);
    house.wait(500).await;
    // No create of theirs is planned: a valve would stop the run.
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").created, PerSide::default());
    assert_eq!(house.hs_ids(H).len(), 31);
}

#[tokio::test(start_paused = true)]
async fn a_contact_whose_lead_a_person_has_just_decided_about_gets_no_counterpart_by_the_way() {
    for run_between in [true, false] {
        let house = House::empty(&rules()).await;
        let lead = house.sf(L, ANN);
        house.sf(S, &[("LastName", "Bo"), ("Email", "bo@example.com")]);
        house.fine().await;
        house.settled().await;
        let [y, y2] = ["ann@example.com", "bo@example.com"].map(|mail| by_mail(&house, mail));
        let new = house.hs_merge(H, &y2, &y);
        house.wait(60).await;
        house.fine().await;
        let item = house.the_item(ItemKind::MergeCollision).await;
        house.choose(&item, Choice::Ignore).await;
        if run_between {
            house.settled().await;
        }
        let contact = house.sf_convert(&lead, None);
        house.sf_edit(S, &contact, &[("Email", "")]);
        for _ in 0..2 {
            house.wait(60).await;
            let run = house.fine().await;
            assert_eq!(counts(&run, "contacts").created, PerSide::default());
        }
        assert_eq!(house.hs_ids(H), [new], "run between: {run_between}");
        assert_eq!(house.open_items().await, Vec::new());
        let leads = of(&house, "leads").await;
        assert!(
            matches!(leads[0].state, LinkState::Superseded(_)),
            "{leads:#?}"
        );
        house.quiet().await;
        house.sound().await;
    }
}
