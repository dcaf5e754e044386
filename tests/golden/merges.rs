//! Golden scenarios: records merged by people, on one side or on both (docs/design/sync-semantics.md 12.4).

use crate::support::House;
use crate::support::town::*;
use syncline::domain::{
    Choice, ItemKind, Link, LinkState, OpKind, OpState, PerSide, RunState, Side,
};

const S: &str = "Contact";
const H: &str = "contacts";

/// Two linked people, Ann and Bob, in step and quiet; their ids on both sides.
async fn two() -> (House, [String; 2], [String; 2]) {
    linked(["Ann", "Bob"], "deletes = \"archive\"").await
}

/// As many linked people, in step and quiet; their ids on both sides.
async fn linked<const N: usize>(names: [&str; N], more: &str) -> (House, [String; N], [String; N]) {
    let house = House::empty(&people(more)).await;
    let mail = |name: &str| format!("{}@example.com", name.to_lowercase());
    let s = names.map(|name| {
        house.sf(
            S,
            &[
                ("LastName", name),
                ("Email", &mail(name)),
                ("Title", "Clerk"),
            ],
        )
    });
    let h = names.map(|name| {
        house.hs(
            H,
            &[
                ("lastname", name),
                ("email", &mail(name)),
                ("jobtitle", "Clerk"),
            ],
        )
    });
    house.fine().await;
    house.settled().await;
    (house, s, h)
}

/// One linked person, and one that only one side has and that nobody matches.
async fn one_and_a_half(side: Side) -> (House, String, String, String) {
    let more = "creates = \"none\"";
    let house = House::empty(&people(more)).await;
    let s = house.sf(
        S,
        &[
            ("LastName", "Ann"),
            ("Email", "ann@example.com"),
            ("Title", "Clerk"),
        ],
    );
    let h = house.hs(
        H,
        &[
            ("lastname", "Ann"),
            ("email", "ann@example.com"),
            ("jobtitle", "Clerk"),
        ],
    );
    let other = match side {
        Side::Salesforce => house.sf(S, &[("LastName", "Anne"), ("Title", "Boss")]),
        Side::HubSpot => house.hs(
            H,
            &[("lastname", "Anne"), ("jobtitle", "Boss"), ("city", "Oslo")],
        ),
    };
    house.fine().await;
    house.settled().await;
    (house, s, h, other)
}

async fn active(house: &House) -> Vec<Link> {
    let mut links = house.links().await;
    links.retain(|link| link.state == LinkState::Active);
    links
}

fn holds(link: &Link, s: &str, h: &str) -> bool {
    link.ids
        .salesforce
        .as_ref()
        .is_some_and(|id| id.as_str() == s)
        && link.ids.hubspot.as_ref().is_some_and(|id| id.as_str() == h)
}

/// The pair is in step and stamped, edits travel, and nothing is made or sent any more.
async fn in_step(house: &House, s: &str, h: &str) {
    assert!(
        active(house).await.iter().any(|link| holds(link, s, h)),
        "{:#?}",
        house.links().await
    );
    house.both(
        (s, h),
        ("Syncline_HubSpot_Id__c", "syncline_salesforce_id"),
        (h, s),
    );
    house.sf_edit(S, s, &[("MailingCity", "Rome")]);
    house.wait(60).await;
    house.fine().await;
    house.both((s, h), ("MailingCity", "city"), ("Rome", "Rome"));
    house.hs_edit(H, h, &[("jobtitle", "Queen")]);
    house.wait(60).await;
    house.fine().await;
    house.both((s, h), ("Title", "jobtitle"), ("Queen", "Queen"));
    house.quiet().await;
    assert_eq!(writes(&house.whole().await), 0);
}

#[tokio::test(start_paused = true)]
async fn a_linked_record_merged_into_one_without_a_link_takes_its_link_along() {
    // Salesforce: the survivor's values stand, its blanks too.
    let (house, s, h, winner) = one_and_a_half(Side::Salesforce).await;
    house.sf_merge(S, &winner, &s);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.state, RunState::Done);
    let ops = house.journal(run.run).await;
    assert_eq!(
        (ops[0].kind, ops[0].state),
        (OpKind::Relink, OpState::Confirmed)
    );
    assert!(
        ops[0]
            .outcome
            .why
            .as_ref()
            .unwrap()
            .contains(&format!("{s} was merged into {winner}"))
    );
    house.both((&winner, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.both((&winner, &h), ("LastName", "lastname"), ("Anne", "Anne"));
    house.both(
        (&winner, &h),
        ("Email", "email"),
        ("ann@example.com", "ann@example.com"),
    );
    in_step(&house, &winner, &h).await;
    // HubSpot: a new record stands for both, whichever of them was the primary.
    for primary in [true, false] {
        let (house, s, h, other) = one_and_a_half(Side::HubSpot).await;
        let new = match primary {
            true => house.hs_merge(H, &h, &other),
            false => house.hs_merge(H, &other, &h),
        };
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(counts(&run, "contacts").created, PerSide::default());
        assert_eq!(run.state, RunState::Done, "{:#?}", house.open_items().await);
        let title = if primary { "Clerk" } else { "Boss" };
        house.both((&s, &new), ("Title", "jobtitle"), (title, title));
        house.both((&s, &new), ("MailingCity", "city"), ("Oslo", "Oslo"));
        in_step(&house, &s, &new).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_without_a_link_merged_into_a_linked_one_changes_no_link() {
    let (house, s, h, other) = one_and_a_half(Side::Salesforce).await;
    house.sf_merge(S, &s, &other);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.state, RunState::Done);
    in_step(&house, &s, &h).await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_that_no_window_told_of_is_found_by_a_full_run() {
    let (house, s, h, other) = one_and_a_half(Side::HubSpot).await;
    let new = house.hs_merge(H, &h, &other);
    house.wait(60).await;
    house.whole().await;
    in_step(&house, &s, &new).await;
    let (house, s, h, winner) = one_and_a_half(Side::Salesforce).await;
    house.sf_merge(S, &winner, &s);
    house.wait(60).await;
    house.whole().await;
    in_step(&house, &winner, &h).await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_of_two_linked_records_asks_and_closes_once_their_counterparts_are_merged() {
    for side in Side::BOTH {
        let (house, s, h) = two().await;
        let (keeps, left) = match side {
            Side::Salesforce => {
                house.sf_merge(S, &s[0], &s[1]);
                ((s[0].clone(), h[0].clone()), h[1].clone())
            }
            Side::HubSpot => {
                let new = house.hs_merge(H, &h[0], &h[1]);
                ((s[0].clone(), new), s[1].clone())
            }
        };
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(
            counts(&run, "contacts").created,
            PerSide::default(),
            "{side}"
        );
        let item = house.the_item(ItemKind::MergeCollision).await;
        assert!(item.why.contains(&left), "{}", item.why);
        assert!(
            item.candidates
                .iter()
                .any(|one| one.record.id.as_str() == left)
        );
        assert_eq!(active(&house).await.len(), 1);
        house.quiet().await;
        house.whole().await;
        house.the_item(ItemKind::MergeCollision).await;
        // Edits of what is left go nowhere; the pair that goes on is in step.
        match side {
            Side::Salesforce => house.hs_edit(H, &left, &[("city", "Oslo")]),
            Side::HubSpot => house.sf_edit(S, &left, &[("MailingCity", "Oslo")]),
        }
        house.wait(60).await;
        house.fine().await;
        in_step(&house, &keeps.0, &keeps.1).await;
        // The operator merges the counterparts as well.
        let (s, h) = match side {
            Side::Salesforce => (keeps.0.clone(), house.hs_merge(H, &keeps.1, &left)),
            Side::HubSpot => {
                house.sf_merge(S, &keeps.0, &left);
                keeps.clone()
            }
        };
        house.wait(60).await;
        house.fine().await;
        assert_eq!(house.open_items().await, Vec::new(), "{side}");
        assert_eq!(house.links().await.len(), 1, "{side}");
        in_step(&house, &s, &h).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_collision_outlives_a_merge_with_what_was_deleted_over_there() {
    // A changed record whose counterpart was deleted would make that one anew.
    let more = "delete_update = \"update_wins\"";
    let (house, s, h) = linked(["Ann", "Bob", "Cid"], more).await;
    house.sf_merge(S, &s[0], &s[1]);
    house.sf_delete(S, &s[2]);
    let left = house.hs_merge(H, &h[1], &h[2]);
    house.wait(60).await;
    house.fine().await;
    let asked = house.the_item(ItemKind::MergeCollision).await.link;
    let links = house.links().await;
    let held = links.iter().find(|link| Some(link.id) == asked).unwrap();
    assert!(holds(held, &s[1], &left), "{links:#?}");
    assert_eq!(house.sf_ids(S), [s[0].clone()], "none is made anew");
}

#[tokio::test(start_paused = true)]
async fn a_merge_collision_that_is_ignored_leaves_the_other_counterpart_for_good() {
    for side in Side::BOTH {
        let (house, s, h) = two().await;
        match side {
            Side::Salesforce => house.sf_merge(S, &s[0], &s[1]),
            Side::HubSpot => drop(house.hs_merge(H, &h[0], &h[1])),
        }
        house.wait(60).await;
        house.fine().await;
        let item = house.the_item(ItemKind::MergeCollision).await;
        house.choose(&item, Choice::Ignore).await;
        let run = house.send_stored().await;
        assert_eq!((writes(&run), house.open_items().await.len()), (0, 0));
        match side {
            Side::Salesforce => house.hs_edit(H, &h[1], &[("city", "Oslo")]),
            Side::HubSpot => house.sf_edit(S, &s[1], &[("MailingCity", "Oslo")]),
        }
        house.wait(60).await;
        assert_eq!(writes(&house.fine().await), 0);
        house.quiet().await;
        house.whole().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_the_counterpart_meets_the_merge_as_a_conflict_that_the_rule_decides() {
    let (house, s, h, winner) = one_and_a_half(Side::Salesforce).await;
    house.sf_merge(S, &winner, &s);
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&winner, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.both((&winner, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_made_and_took_a_link_over_by_a_merge_fails_no_more() {
    let (house, s, [h, _]) = two().await;
    let twins = [0, 1].map(|_| house.sf(S, &[("LastName", "New"), ("Email", "new@example.com")]));
    for twin in &twins {
        house.sf_edit(S, twin, &[("Title", "Clerk")]);
    }
    house.wait(60).await;
    house.fine().await;
    let [new, other] = &twins;
    for item in house.open_items().await {
        let about = item.sides.salesforce.id.as_ref();
        if about.is_some_and(|id| id.as_str() == new) {
            house.choose(&item, Choice::Create).await;
        }
    }
    let hide = |hidden: bool| {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.org.hide_record(S, new, hidden);
    };
    hide(true);
    house.send_stored().await;
    assert_eq!(house.the_error().await.record.id.as_str(), new);
    hide(false);
    house.sf_delete(S, other);
    house.sf_merge(S, new, &s[0]);
    house.wait(60).await;
    house.fine().await;
    house.both((new, &h), ("LastName", "lastname"), ("New", "New"));
    assert_eq!(house.errors().await, Vec::new());
    assert_eq!(house.open_items().await, Vec::new());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_into_a_record_that_is_out_of_reach_is_an_error_and_nothing_else() {
    let (house, s, _, winner) = one_and_a_half(Side::Salesforce).await;
    house.sf_merge(S, &winner, &s);
    let hide = |hidden: bool| {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.org.hide_record(S, &winner, hidden);
    };
    hide(true);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house.the_error().await;
    house.wait(3600).await;
    hide(false);
    for _ in 0..2 {
        house.wait(60).await;
        house.fine().await;
    }
    assert_eq!(house.errors().await, Vec::new());
    let links = active(&house).await;
    assert_eq!(links[0].ids.salesforce.as_ref().unwrap().as_str(), winner);
}

#[tokio::test(start_paused = true)]
async fn what_refers_to_a_merged_record_refers_to_the_one_that_is_left() {
    let house = House::empty(&firms()).await;
    house.village();
    house.fine().await;
    house.settled().await;
    let accounts = house.sf_ids("Account");
    // Nothing says by itself that the two are one.
    let winner = house.sf("Account", &[("Name", "Winner")]);
    let before: Vec<_> = house
        .hs_ids(H)
        .iter()
        .map(|id| partner(&house, id))
        .collect();
    house.sf_merge("Account", &winner, &accounts[3]);
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
    let links = active(&house).await;
    assert!(
        links
            .iter()
            .any(|link| link.ids.salesforce.as_ref().unwrap().as_str() == winner)
    );
    for s in house.sf_ids(S) {
        house.sf_edit(S, &s, &[("Title", "Queen")]);
    }
    house.wait(60).await;
    house.fine().await;
    let after: Vec<_> = house
        .hs_ids(H)
        .iter()
        .map(|id| partner(&house, id))
        .collect();
    assert_eq!(before, after, "the associations stand");
    house.quiet().await;
    house.whole().await;
}

fn partner(house: &House, h: &str) -> Vec<String> {
    let sandbox = house.sandbox.lock().unwrap();
    sandbox.portal.partners(H, h, "companies")
}

#[tokio::test(start_paused = true)]
async fn a_merge_and_then_a_deletion_of_what_is_left_is_a_deletion() {
    let (house, s, h) = two().await;
    house.sf_merge(S, &s[0], &s[1]);
    house.sf_delete(S, &s[0]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").archived.hubspot, 2);
    assert_eq!(house.hs_ids(H).len(), 0);
    house.quiet().await;
    assert!(h.iter().all(|id| !house.hs_ids(H).contains(id)));
}

#[tokio::test(start_paused = true)]
async fn a_merge_undone_in_salesforce_makes_no_second_link_of_the_same_name() {
    let (house, s, h, winner) = one_and_a_half(Side::Salesforce).await;
    house.sf_merge(S, &winner, &s);
    house.wait(60).await;
    house.fine().await;
    house.sf_restore(S, &s);
    house.sf_edit(
        S,
        &s,
        &[("Email", "own@example.com"), ("Syncline_HubSpot_Id__c", "")],
    );
    house.hs(H, &[("lastname", "Own"), ("email", "own@example.com")]);
    house.wait(60).await;
    house.whole().await;
    house.sound().await;
    let links = active(&house).await;
    assert_eq!(links.len(), 2, "{links:#?}");
    assert!(links.iter().any(|link| holds(link, &winner, &h)));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_two_choices_want_is_linked_once_and_the_second_asks_again() {
    for at_once in [true, false] {
        let house = House::empty(&people("")).await;
        let twin = || house.sf(S, &[("LastName", "Twin"), ("Email", "twin@example.com")]);
        let twins = [twin(), twin()];
        let h = house.hs(H, &[("lastname", "Twin"), ("email", "twin@example.com")]);
        house.fine().await;
        for id in &twins {
            let items = house.open_items().await;
            let about = |id: &str| {
                items.iter().find(|item| {
                    let own = item.sides.salesforce.id.as_ref();
                    own.is_some_and(|own| own.as_str() == id)
                })
            };
            if let Some(item) = about(id) {
                house.choose(item, Choice::Link(h.as_str().into())).await;
            }
            if !at_once {
                house.send_stored().await;
            }
        }
        house.send_stored().await;
        let links = active(&house).await;
        assert_eq!(links.len(), 1, "{links:#?}");
        assert!(holds(&links[0], &twins[0], &h));
        let item = house.the_item(ItemKind::AlreadyLinked).await;
        assert_eq!(item.sides.salesforce.id.unwrap().as_str(), twins[1]);
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_wrong_with_a_record_is_over_once_it_was_merged_and_its_link_followed() {
    let (house, s, h, other) = one_and_a_half(Side::HubSpot).await;
    house.sf_edit(S, &s, &[("MailingCity", "Rome")]);
    house.script(
        syncline::sandbox::Side::HubSpot,
        Some("POST"),
        "/crm/objects/2026-09/contacts/batch/update",
        syncline::sandbox::faults::Fault::Silence { committed: false },
        1,
    );
    house.wait(60).await;
    house.fine().await;
    house.the_error().await;
    house.hs_merge(H, &other, &h);
    for pause in [60, 200, 400] {
        house.wait(pause).await;
        house.fine().await;
    }
    assert!(house.errors().await.is_empty());
    assert_eq!(active(&house).await.len(), 1);
    house.quiet().await;
}

/// Nobody looked between the two, and a read by id is all that tells.
#[tokio::test(start_paused = true)]
async fn what_was_merged_into_a_record_that_is_archived_by_now_is_deleted_and_not_out_of_reach() {
    let (house, _, h, other) = one_and_a_half(Side::HubSpot).await;
    let survivor = house.hs_merge(H, &other, &h);
    house.wait(60).await;
    house.hs_delete(H, &survivor);
    house.wait(60).await;
    house.whole().await;
    assert!(house.errors().await.is_empty());
    let links = house.links().await;
    assert!(matches!(links[0].state, LinkState::Deleted(_)), "{links:?}");
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_restored_record_that_another_one_was_merged_into_at_once_has_one_link() {
    let (house, s, h) = two().await;
    house.sf_delete(S, &s[0]);
    house.wait(60).await;
    house.fine().await;
    house.sf_restore(S, &s[0]);
    house.sf_merge(S, &s[0], &s[1]);
    for pause in [60, 400] {
        house.wait(pause).await;
        house.fine().await;
        house.sound().await;
    }
    // The deletion was over before the merge: the link that stood goes with its record, and nobody is made again.
    assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (1, 1));
    assert_eq!(active(&house).await.len(), 1);
    in_step(&house, &s[0], &h[1]).await;
}
