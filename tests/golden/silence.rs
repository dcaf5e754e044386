//! Golden scenarios: one record of a link is proven gone while the other one does not answer. That is no evidence, so nothing
//! follows until it answers, is proven gone too, or a person says so (docs/design/sync-semantics.md 12.1).

use crate::deletes::{departed, say_deleted, the_link, town};
use crate::support::House;
use crate::support::town::*;
use syncline::domain::{
    ErrorCategory, ErrorItem, Evidence, ItemKind, LinkState, PerSide, RunRecord, RunState, Side,
};

const S: &str = "Contact";
const H: &str = "contacts";

/// HubSpot shows that its record is gone, while Salesforce hides the other one; a run has seen both.
async fn half_known(deletes: &str) -> (House, String, String) {
    let (house, s, h) = clerk(&people(&format!("deletes = \"{deletes}\""))).await;
    hide(&house, &s, true);
    house.hs_delete(H, &h);
    house.wait(60).await;
    nothing_follows(&house, &house.whole().await).await;
    (house, s, h)
}

fn hide(house: &House, s: &str, hidden: bool) {
    let mut sandbox = house.sandbox.lock().unwrap();
    sandbox.org.hide_record(S, s, hidden);
}

/// The link is in step but for the error about its Salesforce record, and no call was spent that the formula does not know.
async fn nothing_follows(house: &House, run: &RunRecord) -> ErrorItem {
    assert_eq!((writes(run), run.state), (0, RunState::DoneWithErrors));
    assert_eq!(run.calls.total, run.expected_calls, "{run:#?}");
    assert_eq!(the_link(house).await.state, LinkState::Active);
    assert_eq!(house.open_items().await, Vec::new());
    let error = house.the_error().await;
    assert_eq!(
        (error.category, error.record.side),
        (ErrorCategory::Gone, Side::Salesforce)
    );
    house.sound().await;
    error
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_while_the_other_record_does_not_answer_and_is_followed_once_it_does() {
    for deletes in ["archive", "ask", "ignore"] {
        let (house, s, _) = half_known(deletes).await;
        let first = house.the_error().await;
        for pause in [60, 1_000, 60, 2_000, 60, 90_000, 700_000, 1_500_000] {
            house.wait(pause).await;
            let error = nothing_follows(&house, &house.fine().await).await;
            assert_eq!((error.id, error.message), (first.id, first.message.clone()));
        }
        nothing_follows(&house, &house.whole().await).await;
        assert!(house.the_error().await.tries > 2, "it is asked again");
        hide(&house, &s, false);
        house.wait(90_000).await;
        let run = house.fine().await;
        assert_eq!(house.errors().await, Vec::new());
        let archived = usize::from(deletes == "archive");
        assert_eq!(
            counts(&run, "contacts").archived.salesforce,
            archived as u64
        );
        assert_eq!(house.sf_ids(S).len(), 1 - archived);
        assert!(departed(&house).await.gone.hubspot);
        match deletes {
            "archive" => {
                let op = house.journal(run.run).await.remove(0);
                assert_eq!(op.evidence, Some(Evidence::Archived));
            }
            "ask" => drop(house.the_item(ItemKind::Deletion).await),
            _ => assert_eq!(house.open_items().await, Vec::new()),
        }
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_did_not_answer_and_is_shown_as_deleted_ends_the_link_with_its_error() {
    let (house, s, _) = half_known("archive").await;
    hide(&house, &s, false);
    house.sf_delete(S, &s);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 0);
    over(&house).await;
}

#[tokio::test(start_paused = true)]
async fn a_person_who_says_that_the_silent_record_was_deleted_ends_the_link() {
    let (house, _, _) = half_known("archive").await;
    say_deleted(&house).await;
    assert_eq!(writes(&house.send_stored().await), 0);
    over(&house).await;
}

/// Both records are gone, and nothing waits any more.
async fn over(house: &House) {
    let both = PerSide {
        salesforce: true,
        hubspot: true,
    };
    assert_eq!(departed(house).await.gone, both);
    assert_eq!(house.errors().await, Vec::new());
    assert_eq!(house.open_items().await, Vec::new());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_taken_back_while_the_other_record_was_silent_is_none() {
    let (house, s, h) = half_known("ask").await;
    house.hs_restore(H, &h);
    hide(&house, &s, false);
    house.wait(20_000).await;
    house.fine().await;
    assert_eq!(the_link(&house).await.state, LinkState::Active);
    assert_eq!(house.errors().await, Vec::new());
    assert_eq!(house.open_items().await, Vec::new());
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn deletions_that_wait_for_an_answer_stop_no_run_and_are_counted_once_it_comes() {
    let (house, s, h) = town("deletes = \"archive\"", 30).await;
    s[..8].iter().for_each(|id| hide(&house, id, true));
    h[..8].iter().for_each(|id| house.hs_delete(H, id));
    house.wait(60).await;
    house.whole().await;
    for pause in [60, 1_000, 3_000] {
        house.sf_edit(S, &s[9], &[("Title", &format!("Clerk {pause}"))]);
        house.wait(pause).await;
        assert!(writes(&house.fine().await) > 0, "the others go on");
        assert_eq!(house.errors().await.len(), 8);
    }
    s[..8].iter().for_each(|id| hide(&house, id, false));
    house.wait(20_000).await;
    for _ in 0..2 {
        let run = house.sync().await;
        assert_eq!(run.state, RunState::Halted);
        let hit = &run.valves[0];
        assert_eq!((hit.valve.as_str(), hit.found), ("max_deletes", 8));
        assert_eq!((writes(&run), house.sf_ids(S).len()), (0, 30));
        assert_eq!(house.errors().await, Vec::new(), "they answered");
        house.wait(60).await;
    }
}
