//! Golden scenarios of what records outside the scope keep from being made (docs/design/sync-semantics.md 12.6).

use crate::scope::clerks;
use crate::support::town::*;
use crate::support::{House, order};
use syncline::domain::{Choice, ItemKind, ItemState};

const S: &str = "Contact";
const H: &str = "contacts";
const DAY: u64 = 24 * 3600;

/// A Contact outside the scope, and the HubSpot record that it shadows.
async fn shadowed() -> (House, String, String) {
    let house = House::empty(&clerks("keep")).await;
    let mail = "anna@example.com";
    let s = house.sf(
        S,
        &[("LastName", "Berg"), ("Email", mail), ("Title", "Chief")],
    );
    let h = house.hs(
        H,
        &[("lastname", "Berg"), ("email", mail), ("jobtitle", "Clerk")],
    );
    let run = house.fine().await;
    assert_eq!((writes(&run), counts(&run, "contacts").excluded), (0, 2));
    house.settled().await;
    (house, s, h)
}

/// The HubSpot record has a Contact of its own now.
async fn made(house: &House, s: &str, h: &str) {
    let made = house.sf_ids(S).into_iter().find(|id| id != s).unwrap();
    house.both((&made, h), ("Title", "jobtitle"), ("Clerk", "Clerk"));
    assert_eq!(house.links().await.len(), 1);
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_record_outside_no_longer_matches_is_made_by_the_next_run() {
    let (house, s, h) = shadowed().await;
    house.sf_edit(S, &s, &[("Email", "other@example.com")]);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 2);
    made(&house, &s, &h).await;
    // Deleted it shadows nothing either.
    let (house, s, h) = shadowed().await;
    house.sf_delete(S, &s);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 2);
    made(&house, &s, &h).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_made_because_nothing_shadows_it_any_more_is_in_the_plan() {
    let (house, s, h) = shadowed().await;
    house.sf_delete(S, &s);
    house.wait(60).await;
    let shown = house.engine().await.preview(&order()).await.unwrap();
    let contacts = shown
        .mappings
        .iter()
        .find(|row| row.mapping.as_str() == "contacts");
    assert_eq!(contacts.unwrap().counts.created.salesforce, 1);
    let run = house.fine().await;
    assert_eq!(run.plan_hash.as_ref(), Some(&shown.plan_hash));
    made(&house, &s, &h).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_record_of_an_ended_link_no_longer_matches_is_made() {
    let (house, s, _) = clerk(&clerks("unlink")).await;
    house.sf_edit(S, &s, &[("Title", "Chief"), ("Email", "two@example.com")]);
    house.wait(60).await;
    house.fine().await;
    let two = [("lastname", "Two"), ("email", "two@example.com")];
    let now = house.clock.now();
    let two = {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.portal.insert(now, colleague(), H, values(&two))
    };
    let two = two.unwrap();
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 0, "shadowed");
    house.sf_edit(S, &s, &[("Email", "three@example.com")]);
    house.wait(60).await;
    house.fine().await;
    let made = house.sf_ids(S).into_iter().find(|id| *id != s).unwrap();
    house.both((&made, &two), ("LastName", "lastname"), ("Two", "Two"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_record_outside_does_not_answer_any_more_a_person_is_asked() {
    let (house, s, h) = shadowed().await;
    house.sf_delete(S, &s);
    // Deleted and purged while nobody looked: no window tells of it, and no read.
    house.wait(40 * DAY).await;
    assert_eq!(writes(&house.whole().await), 0);
    let item = house.the_item(ItemKind::AmbiguousMatch).await;
    assert!(item.why.contains(&s), "{}", item.why);
    house.quiet().await;
    house.choose(&item, Choice::Create).await;
    house.send_stored().await;
    house.fine().await;
    made(&house, &s, &h).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_record_of_an_ended_link_does_not_answer_any_more_a_person_is_asked_too() {
    let (house, s, _) = clerk(&clerks("unlink")).await;
    house.sf_edit(S, &s, &[("Title", "Chief"), ("Email", "two@example.com")]);
    house.wait(60).await;
    house.fine().await;
    let now = house.clock.now();
    let two = values(&[("lastname", "Two"), ("email", "two@example.com")]);
    {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.portal.insert(now, colleague(), H, two).unwrap();
    }
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 0, "shadowed");
    house.sf_delete(S, &s);
    house.wait(40 * DAY).await;
    house.whole().await;
    let item = house.the_item(ItemKind::AmbiguousMatch).await;
    assert!(item.why.contains(&s), "{}", item.why);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_about_a_silent_record_outside_is_over_once_it_answers_again() {
    let (house, s, _) = shadowed().await;
    let hide = |hidden: bool| {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.org.hide_record(S, &s, hidden);
    };
    hide(true);
    assert_eq!(writes(&house.whole().await), 0);
    let item = house.the_item(ItemKind::AmbiguousMatch).await;
    assert_eq!(item.state, ItemState::Open);
    hide(false);
    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 0);
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
    assert_eq!(writes(&house.whole().await), 0);
    assert!(house.open_items().await.is_empty());
}
