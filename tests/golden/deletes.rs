//! Golden scenarios: records deleted on one side or both, restored, hidden (docs/design/sync-semantics.md 12.1 to 12.3, 12.5).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::faults::door;
use crate::support;
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{House, order};
use syncline::domain::{
    Choice, Conflict, Departed, ErrorCategory, Evidence, ItemId, ItemKind, ItemState, Link,
    LinkState, OpKind, OpState, PerSide, RunRecord, RunState, Side, SideValue,
};
use syncline::engine::{Order, Scope};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
use syncline::store::{SimStore, Store};

const S: &str = "Contact";
const H: &str = "contacts";

/// Deletes one record of the pair, and has the engine see it: HubSpot tells of deletions only where it is asked.
async fn deleted(house: &House, side: Side, (s, h): (&str, &str)) -> RunRecord {
    match side {
        Side::Salesforce => house.sf_delete(S, s),
        Side::HubSpot => house.hs_delete(H, h),
    }
    house.wait(60).await;
    match side {
        Side::Salesforce => house.fine().await,
        Side::HubSpot => house.whole().await,
    }
}

fn alive(house: &House) -> PerSide<usize> {
    PerSide {
        salesforce: house.sf_ids(S).len(),
        hubspot: house.hs_ids(H).len(),
    }
}

pub async fn the_link(house: &House) -> Link {
    let links = house.links().await;
    assert_eq!(links.len(), 1, "{links:#?}");
    links.into_iter().next().unwrap()
}

pub async fn departed(house: &House) -> Departed {
    match the_link(house).await.state {
        LinkState::Deleted(departed) => departed,
        other => panic!("{other:?}"),
    }
}

/// Nothing moves any more, whatever is read and whatever happens to what is left.
async fn left_alone(house: &House, left: Side, (s, h): (&str, &str)) {
    let before = alive(house);
    match left {
        Side::Salesforce => house.sf_edit(S, s, &[("Title", "Queen")]),
        Side::HubSpot => house.hs_edit(H, h, &[("jobtitle", "Queen")]),
    }
    house.wait(60).await;
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    let read = got.read.salesforce + got.read.hubspot;
    assert!(read > 0);
    assert_eq!((writes(&run), got.excluded), (0, read));
    assert_eq!(writes(&house.whole().await), 0);
    house.quiet().await;
    assert_eq!(alive(house), before);
}

#[tokio::test(start_paused = true)]
async fn an_ignored_deletion_leaves_the_other_record_for_good_and_asks_nobody() {
    for side in Side::BOTH {
        let (house, s, h) = clerk(&people("")).await;
        let run = deleted(&house, side, (&s, &h)).await;
        assert_eq!((writes(&run), run.state), (0, RunState::Done));
        assert_eq!(departed(&house).await, Departed::of(side));
        assert_eq!(house.open_items().await, Vec::new());
        let told = house.told().await;
        assert_eq!(told.len(), 1);
        assert!(
            told[0]
                .why
                .contains(&format!("was deleted; the {} record is left", side.other())),
            "{}",
            told[0].why
        );
        left_alone(&house, side.other(), (&s, &h)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_archived_deletion_takes_the_other_record_along_with_its_evidence() {
    for side in Side::BOTH {
        let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
        let run = deleted(&house, side, (&s, &h)).await;
        let left = side.other();
        let got = counts(&run, "contacts");
        assert_eq!((*got.archived.get(left), *got.archived.get(side)), (1, 0));
        assert_eq!(run.state, RunState::Done);
        assert_eq!(alive(&house), PerSide::default());
        let departed = departed(&house).await;
        assert_eq!(*departed.archived.get(left), Some(run.run));
        assert_eq!(*departed.archived.get(side), None);
        let ops = house.journal(run.run).await;
        let op = ops.last().unwrap();
        assert_eq!(
            (op.kind, op.state, op.side),
            (OpKind::Delete, OpState::Confirmed, left)
        );
        let evidence = match side {
            Side::Salesforce => Evidence::Row,
            Side::HubSpot => Evidence::Archived,
        };
        assert_eq!(op.evidence, Some(evidence));
        let gone = [&s, &h][usize::from(side == Side::HubSpot)];
        assert_eq!(op.source.as_ref().unwrap().as_str(), gone);
        house.quiet().await;
        assert_eq!(writes(&house.whole().await), 0);
        house.idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_asked_about_waits_and_is_carried_out_or_left() {
    for side in Side::BOTH {
        for accept in [true, false] {
            let (house, s, h) = clerk(&people("deletes = \"ask\"")).await;
            let run = deleted(&house, side, (&s, &h)).await;
            assert_eq!((writes(&run), run.state), (0, RunState::DoneWithErrors));
            let item = house.the_item(ItemKind::Deletion).await;
            let left = side.other();
            assert!(
                item.why.contains(&format!("its {left} record is left")),
                "{}",
                item.why
            );
            assert_eq!(item.candidates[0].record.side, left);
            house.quiet().await;
            assert_eq!(house.open_items().await.len(), 1);
            let choice = if accept {
                Choice::Accept
            } else {
                Choice::Ignore
            };
            house
                .choose(&house.the_item(ItemKind::Deletion).await, choice)
                .await;
            let run = house.send_stored().await;
            assert_eq!(house.open_items().await, Vec::new());
            let got = counts(&run, "contacts");
            assert_eq!(*got.archived.get(left), u64::from(accept), "{side} {got:?}");
            assert_eq!(*alive(&house).get(left), usize::from(!accept));
            if accept {
                house.quiet().await;
                house.whole().await;
            } else {
                left_alone(&house, left, (&s, &h)).await;
            }
        }
    }
}

/// One side is deleted after the other one was changed, and nobody has seen either.
async fn clash(more: &str, side: Side) -> (House, String, String, RunRecord) {
    let (house, s, h) = clerk(&people(more)).await;
    match side {
        Side::Salesforce => house.hs_edit(H, &h, &[("jobtitle", "Boss")]),
        Side::HubSpot => house.sf_edit(S, &s, &[("Title", "Boss")]),
    }
    let run = deleted(&house, side, (&s, &h)).await;
    (house, s, h, run)
}

#[tokio::test(start_paused = true)]
async fn deleted_here_and_changed_there_asks_whatever_the_mapping_does_with_deletions() {
    for deletes in ["ignore", "archive", "ask"] {
        for side in Side::BOTH {
            let more = format!("deletes = \"{deletes}\"");
            let (house, s, h, run) = clash(&more, side).await;
            assert_eq!(writes(&run), 0, "{deletes}");
            let item = house.the_item(ItemKind::DeleteUpdate).await;
            assert!(item.why.contains("(Title)"), "{}", item.why);
            house.quiet().await;
            house.whole().await;
            house
                .choose(
                    &house.the_item(ItemKind::DeleteUpdate).await,
                    Choice::Ignore,
                )
                .await;
            house.send_stored().await;
            left_alone(&house, side.other(), (&s, &h)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_settled_is_a_change_that_stands_against_a_deletion() {
    for side in Side::BOTH {
        let keys = people("conflict = \"ask\"\ndeletes = \"archive\"");
        let house = House::empty(&keys).await;
        let mail = "a@example.com";
        let s = house.sf(
            S,
            &[("LastName", "Berg"), ("Email", mail), ("Title", "Boss")],
        );
        let more = [("lastname", "Berg"), ("email", mail), ("jobtitle", "Clerk")];
        let h = house.hs(H, &more);
        house.fine().await;
        house.settled().await;
        house.the_item(ItemKind::Field).await;
        let run = deleted(&house, side, (&s, &h)).await;
        assert_eq!(writes(&run), 0);
        let item = house.the_item(ItemKind::DeleteUpdate).await;
        assert!(item.why.contains("(Title)"), "{}", item.why);
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_deletion_wins_it_is_what_the_mapping_does_with_deletions() {
    for side in Side::BOTH {
        let more = "deletes = \"archive\"\ndelete_update = \"delete_wins\"";
        let (house, ..) = clash(more, side).await;
        assert_eq!(alive(&house), PerSide::default());
        house.quiet().await;
        let more = "delete_update = \"delete_wins\"";
        let (house, s, h, run) = clash(more, side).await;
        assert_eq!((writes(&run), run.state), (0, RunState::Done));
        left_alone(&house, side.other(), (&s, &h)).await;
    }
}

/// The record of that side was made anew from what was left: linked, stamped, in step.
async fn made_anew(house: &House, side: Side, (s, h): (&str, &str)) {
    assert_eq!(
        alive(house),
        PerSide {
            salesforce: 1,
            hubspot: 1
        }
    );
    let (now_s, now_h) = (house.sf_ids(S).remove(0), house.hs_ids(H).remove(0));
    match side {
        Side::Salesforce => assert!(now_s != s && now_h == h),
        Side::HubSpot => assert!(now_s == s && now_h != h),
    }
    house.wait(60).await;
    house.fine().await;
    let pair = (now_s.as_str(), now_h.as_str());
    house.both(pair, ("Title", "jobtitle"), ("Boss", "Boss"));
    house.both(
        pair,
        ("Syncline_HubSpot_Id__c", "syncline_salesforce_id"),
        (&now_h, &now_s),
    );
    let link = the_link(house).await;
    assert_eq!(link.state, LinkState::Active);
    assert_eq!(house.open_items().await, Vec::new());
    house.sf_edit(S, &now_s, &[("Title", "Queen")]);
    house.wait(60).await;
    house.fine().await;
    house.both(pair, ("Title", "jobtitle"), ("Queen", "Queen"));
    house.quiet().await;
    house.whole().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_update_wins_the_deleted_record_is_made_anew_and_linked() {
    for side in Side::BOTH {
        let more = "deletes = \"archive\"\ndelete_update = \"update_wins\"";
        let (house, s, h, run) = clash(more, side).await;
        let got = counts(&run, "contacts");
        assert_eq!(
            (*got.created.get(side), got.archived),
            (1, PerSide::default()),
            "{got:?}"
        );
        made_anew(&house, side, (&s, &h)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_may_make_the_deleted_record_anew() {
    for side in Side::BOTH {
        let (house, s, h, _) = clash("", side).await;
        let item = house.the_item(ItemKind::DeleteUpdate).await;
        house.choose(&item, Choice::Create).await;
        house.send_stored().await;
        made_anew(&house, side, (&s, &h)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_made_anew_behind_a_lost_answer_ends_the_question() {
    for side in Side::BOTH {
        let (house, s, h, _) = clash("", side).await;
        let item = house.the_item(ItemKind::DeleteUpdate).await;
        house.choose(&item, Choice::Create).await;
        let party = match side {
            Side::Salesforce => Party::Salesforce,
            Side::HubSpot => Party::HubSpot,
        };
        let (method, path) = door(party, true);
        let silence = Fault::Silence { committed: true };
        house.script(party, Some(method), path, silence, 1);
        house.send_stored().await;
        house.wait(200).await;
        house.fine().await;
        made_anew(&house, side, (&s, &h)).await;
    }
}

/// `count` linked contacts, in step and quiet.
pub async fn town(more: &str, count: usize) -> (House, Vec<String>, Vec<String>) {
    let house = House::empty(&people(more)).await;
    let (mut s, mut h) = (Vec::new(), Vec::new());
    for at in 0..count {
        let (name, mail) = (format!("Name {at}"), format!("p{at}@example.com"));
        s.push(house.sf(S, &[("LastName", &name), ("Email", &mail)]));
        h.push(house.hs(H, &[("lastname", &name), ("email", &mail)]));
    }
    house.fine().await;
    house.settled().await;
    (house, s, h)
}

#[tokio::test(start_paused = true)]
async fn too_many_deletions_stop_the_run_until_they_are_confirmed() {
    let (house, s, _) = town("deletes = \"archive\"", 30).await;
    for id in &s[..6] {
        house.sf_delete(S, id);
    }
    house.wait(60).await;
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted);
    assert_eq!(
        (run.valves[0].valve.as_str(), run.valves[0].found),
        ("max_deletes", 6)
    );
    assert_eq!((writes(&run), house.hs_ids(H).len()), (0, 30));
    // One more is deleted before the confirm: that plan did not have it.
    house.sf_delete(S, &s[6]);
    house.wait(60).await;
    let confirm = Order {
        confirm: run.plan_hash,
        ..order()
    };
    let end = house.run(&confirm).await;
    assert_eq!(counts(&end.record, "contacts").archived.hubspot, 6);
    assert_eq!(house.hs_ids(H).len(), 24);
    house.wait(60).await;
    assert_eq!(counts(&house.fine().await, "contacts").archived.hubspot, 1);
    house.quiet().await;
    // A question is no deletion: the valve does not mind, however many there are.
    let (house, s, _) = town("deletes = \"ask\"", 30).await;
    s[..8].iter().for_each(|id| house.sf_delete(S, id));
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.open_items().await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn deletions_are_the_last_thing_that_a_run_sends() {
    let (house, s, h) = town("deletes = \"archive\"", 4).await;
    house.sf_delete(S, &s[0]);
    house.hs_edit(H, &h[1], &[("jobtitle", "Boss")]);
    house.sf_edit(S, &s[2], &[("Title", "Queen")]);
    house.wait(60).await;
    let run = house.fine().await;
    let kinds: Vec<OpKind> = house
        .journal(run.run)
        .await
        .iter()
        .map(|op| op.kind)
        .collect();
    assert_eq!(kinds, [OpKind::Update, OpKind::Update, OpKind::Delete]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_comes_back_is_linked_as_before_and_merged_from_the_old_base() {
    for deletes in ["ignore", "ask"] {
        for side in Side::BOTH {
            let (house, s, h) = clerk(&people(&format!("deletes = \"{deletes}\""))).await;
            deleted(&house, side, (&s, &h)).await;
            // Meanwhile the one that is left changes, and the other one changes once it is back.
            match side {
                Side::Salesforce => {
                    house.hs_edit(H, &h, &[("city", "Oslo")]);
                    house.wait(60).await;
                    house.fine().await;
                    house.sf_restore(S, &s);
                    house.sf_edit(S, &s, &[("Title", "Boss")]);
                }
                Side::HubSpot => {
                    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
                    house.wait(60).await;
                    house.fine().await;
                    house.hs_restore(H, &h);
                    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
                }
            }
            house.wait(60).await;
            let run = house.fine().await;
            let made = counts(&run, "contacts").created;
            assert_eq!(made, PerSide::default(), "{deletes} {side}");
            house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
            house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
            assert_eq!(the_link(&house).await.state, LinkState::Active);
            assert_eq!(house.open_items().await, Vec::new());
            house.quiet().await;
            house.whole().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_restored_without_a_new_stamp_is_found_by_a_full_run() {
    let (house, s, h) = clerk(&people("")).await;
    deleted(&house, Side::HubSpot, (&s, &h)).await;
    house.hs_restore(H, &h);
    house.wait(60).await;
    house.fine().await;
    assert!(matches!(
        the_link(&house).await.state,
        LinkState::Deleted(_)
    ));
    house.whole().await;
    assert_eq!(the_link(&house).await.state, LinkState::Active);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_making_anew_was_cut_off_before_it_arrived_is_made_by_a_later_run() {
    for side in Side::BOTH {
        let (house, s, h) = clerk(&people("delete_update = \"update_wins\"")).await;
        let (party, whole) = match side {
            Side::Salesforce => {
                house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
                house.sf_delete(S, &s);
                (Party::Salesforce, order())
            }
            Side::HubSpot => {
                house.sf_edit(S, &s, &[("Title", "Boss")]);
                house.hs_delete(H, &h);
                let scope = Scope::Full;
                (Party::HubSpot, Order { scope, ..order() })
            }
        };
        house.wait(60).await;
        let silence = Fault::Silence { committed: false };
        let (method, path) = door(party, true);
        house.script(party, Some(method), path, silence, 1);
        let cut = tokio::time::timeout(std::time::Duration::from_secs(20), house.run(&whole));
        assert!(cut.await.is_err(), "{side}");
        assert_eq!(the_link(&house).await.state, LinkState::PendingCreate);
        house.wait(200).await;
        house.fine().await;
        made_anew(&house, side, (&s, &h)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn restored_here_after_we_archived_it_there_asks() {
    for side in Side::BOTH {
        for create in [true, false] {
            let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
            deleted(&house, side, (&s, &h)).await;
            match side {
                Side::Salesforce => {
                    house.sf_restore(S, &s);
                    house.sf_edit(S, &s, &[("Title", "Boss")]);
                }
                Side::HubSpot => {
                    house.hs_restore(H, &h);
                    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
                }
            }
            house.wait(60).await;
            let run = house.fine().await;
            assert_eq!(writes(&run), 0, "{side}");
            let item = house.the_item(ItemKind::RestoredHereDeletedThere).await;
            assert!(item.why.contains("archived by run 4"), "{}", item.why);
            house.quiet().await;
            house.whole().await;
            let item = house.the_item(ItemKind::RestoredHereDeletedThere).await;
            if create {
                house.choose(&item, Choice::Create).await;
                house.send_stored().await;
                made_anew(&house, side.other(), (&s, &h)).await;
            } else {
                house.choose(&item, Choice::Ignore).await;
                house.send_stored().await;
                left_alone(&house, side, (&s, &h)).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_we_archived_is_known_for_that_after_a_create_that_never_arrived() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    deleted(&house, Side::Salesforce, (&s, &h)).await;
    let archived = departed(&house).await.archived;
    assert!(archived.hubspot.is_some());
    house.sf_restore(S, &s);
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    house.fine().await;
    let item = house.the_item(ItemKind::RestoredHereDeletedThere).await;
    house.choose(&item, Choice::Create).await;
    let (method, path) = door(Party::HubSpot, true);
    let silence = Fault::Silence { committed: false };
    house.script(Party::HubSpot, Some(method), path, silence, 1);
    house.send_stored().await;
    // The person thinks again.
    let item = house.the_item(ItemKind::RestoredHereDeletedThere).await;
    let open = Conflict {
        state: ItemState::Open,
        resolution: None,
        ..item.clone()
    };
    let db = house.db().await;
    let mut tx = db.begin();
    let owner = item.link.unwrap().0;
    tx.put_conflict(&open, Some(&item), owner).unwrap();
    tx.commit().await.unwrap();
    house.wait(200).await;
    house.fine().await;
    assert_eq!(house.sf_ids(S), [s], "nobody deleted it");
    assert_eq!(departed(&house).await.archived, archived);
    house.the_item(ItemKind::RestoredHereDeletedThere).await;
}

#[tokio::test(start_paused = true)]
async fn both_restored_by_hand_are_linked_as_before() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    deleted(&house, Side::Salesforce, (&s, &h)).await;
    house.sf_restore(S, &s);
    house.wait(60).await;
    house.fine().await;
    house.the_item(ItemKind::RestoredHereDeletedThere).await;
    house.hs_restore(H, &h);
    house.wait(60).await;
    house.whole().await;
    assert_eq!(the_link(&house).await.state, LinkState::Active);
    assert_eq!(house.open_items().await, Vec::new());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn deleted_on_both_sides_is_over() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    house.sf_delete(S, &s);
    house.hs_delete(H, &h);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!((writes(&run), run.state), (0, RunState::Done));
    assert_eq!(
        departed(&house).await.gone,
        PerSide {
            salesforce: true,
            hubspot: true
        }
    );
    house.quiet().await;
    house.whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_comes_back_between_the_decision_and_the_deletion_is_not_followed() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    house.sf_delete(S, &s);
    house.wait(60).await;
    // The reads directly before the deletion are the last ones of the run.
    let calls = {
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let preview = engine.preview(&order()).await.unwrap();
        assert_eq!(preview.mappings[0].counts.archived.hubspot, 1);
        wire.sent.load(Ordering::SeqCst)
    };
    let (sandbox, clock, id) = (house.sandbox.clone(), house.clock.clone(), s.clone());
    let restore = move || {
        let mut sandbox = sandbox.lock().unwrap();
        sandbox
            .org
            .restore(clock.now(), &colleague(), S, &id)
            .unwrap();
    };
    let (engine, _) = wired(&house, calls + 1, false, Box::new(restore)).await;
    let record = engine.begin(&order()).await.unwrap();
    let end = engine.execute(record, &order()).await.unwrap();
    assert_eq!((end.record.state, writes(&end.record)), (RunState::Done, 0));
    house.wait(60).await;
    house.fine().await;
    assert_eq!(the_link(&house).await.state, LinkState::Active);
    house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Clerk"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_record_under_the_same_key_is_matched_with_what_is_left() {
    for side in Side::BOTH {
        let (house, s, h) = clerk(&people("")).await;
        deleted(&house, side, (&s, &h)).await;
        let now = house.clock.now();
        {
            let mut sandbox = house.sandbox.lock().unwrap();
            match side {
                Side::Salesforce => {
                    let of = values(&[
                        ("LastName", "Berg"),
                        ("Email", "anna@example.com"),
                        ("Title", "Clerk"),
                    ]);
                    sandbox.org.insert(now, &colleague(), S, of).unwrap();
                }
                Side::HubSpot => {
                    let of = values(&[
                        ("lastname", "Berg"),
                        ("email", "anna@example.com"),
                        ("jobtitle", "Clerk"),
                    ]);
                    sandbox.portal.insert(now, colleague(), H, of).unwrap();
                }
            }
        }
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(counts(&run, "contacts").created, PerSide::default());
        match side {
            Side::Salesforce => house.hs_edit(H, &h, &[("jobtitle", "Boss")]),
            Side::HubSpot => house.sf_edit(S, &s, &[("Title", "Boss")]),
        }
        house.wait(60).await;
        house.fine().await;
        made_anew(&house, side, (&s, &h)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_does_not_answer_is_no_deletion_until_a_person_says_so() {
    for deletes in ["archive", "ignore"] {
        let (house, s, h) = clerk(&people(&format!("deletes = \"{deletes}\""))).await;
        house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
        house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(writes(&run), 0);
        assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
        assert_eq!(the_link(&house).await.state, LinkState::Active);
        house.wait(60).await;
        assert_eq!(writes(&house.whole().await), 0);
        assert_eq!(alive(&house).hubspot, 1);
        house.sound().await;
        say_deleted(&house).await;
        let run = house.send_stored().await;
        let archived = u64::from(deletes == "archive");
        // What was changed meanwhile stands against the deletion, whoever tells of it.
        assert_eq!(counts(&run, "contacts").archived.hubspot, 0);
        let item = house.the_item(ItemKind::DeleteUpdate).await;
        assert!(item.why.contains("(Title)"), "{}", item.why);
        house
            .choose(
                &item,
                if archived == 1 {
                    Choice::Accept
                } else {
                    Choice::Ignore
                },
            )
            .await;
        let run = house.send_stored().await;
        assert_eq!(counts(&run, "contacts").archived.hubspot, archived);
        if archived == 1 {
            let ops = house.journal(run.run).await;
            assert_eq!(ops[0].evidence, Some(Evidence::Person));
            house.quiet().await;
        } else {
            left_alone(&house, Side::HubSpot, (&s, &h)).await;
        }
    }
}

/// A person confirms that the record of the only error was deleted, as the service stores it.
pub async fn say_deleted(house: &House) {
    let error = house.the_error().await;
    let link = the_link(house).await;
    let db = house.db().await;
    let mut tx = db.begin();
    tx.remove_error(&error);
    let sides = PerSide::from_fn(|side| SideValue {
        id: link.ids.get(side).clone(),
        ..SideValue::default()
    });
    let item = Conflict {
        id: ItemId(7),
        mapping: error.mapping,
        kind: ItemKind::Deletion,
        link: Some(link.id),
        label: error.label,
        field: String::new(),
        sides,
        base: None,
        base_run: None,
        suggest: None,
        rule: "ask".into(),
        why: error.message,
        state: ItemState::Open,
        candidates: Vec::new(),
        resolution: None,
        members: Vec::new(),
        automatic: false,
        first_seen: error.first_seen,
        last_seen: error.last_seen,
        run: error.run,
    };
    tx.put_conflict(&item, None, link.id.0).unwrap();
    tx.commit().await.unwrap();
    house.choose(&item, Choice::Accept).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_shown_again_was_never_deleted() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.whole().await;
    assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.errors().await, Vec::new());
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_answers_again_is_no_silent_one_though_what_it_holds_is_refused() {
    let (house, s, h) = clerk(&people("")).await;
    let taken = ("email", "taken@example.com");
    house.hs(H, &[("lastname", "Dahl"), taken]);
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    house.sf_edit(S, &s, &[("Email", taken.1)]);
    house.wait(60).await;
    house.fine().await;
    // To accept that it was deleted would archive its counterpart: nobody is offered that of a record which is there.
    assert_eq!(house.the_error().await.category, ErrorCategory::Duplicate);
}

#[tokio::test(start_paused = true)]
async fn what_others_belong_to_is_not_deleted_in_salesforce_without_a_word() {
    let text = firms().replace(
        "hubspot = { object = \"companies\" }",
        "hubspot = { object = \"companies\" }\ndeletes = \"archive\"",
    );
    let house = House::empty(&text).await;
    house.village();
    house.fine().await;
    house.settled().await;
    let before = (house.sf_ids("Account").len(), house.sf_ids(S).len());
    let company = house.hs_value("companies", &house.hs_ids("companies")[0], "name");
    let gone = house.hs_ids("companies").remove(0);
    house.hs_delete("companies", &gone);
    house.wait(60).await;
    let run = house.whole().await;
    assert_eq!(writes(&run), 0, "{company:?}");
    let item = house.the_item(ItemKind::Deletion).await;
    assert!(item.why.contains("belongs to it"), "{}", item.why);
    assert_eq!(
        (house.sf_ids("Account").len(), house.sf_ids(S).len()),
        before
    );
    house.quiet().await;
    house
        .choose(&house.the_item(ItemKind::Deletion).await, Choice::Accept)
        .await;
    let run = house.send_stored().await;
    assert_eq!(counts(&run, "accounts").archived.salesforce, 1);
    assert_eq!(house.sf_ids("Account").len(), before.0 - 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_archived_stays_archived_when_its_run_is_undone_and_says_how_it_comes_back() {
    for side in Side::BOTH {
        let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
        let run = deleted(&house, side, (&s, &h)).await;
        let forecast = house.engine().await.forecast_undo(run.run).await.unwrap();
        assert_eq!(forecast.mappings[0].counts.counts.held, 1);
        let undone = house.undone(run.run).await;
        let left = house.journal(undone.run).await;
        assert_eq!((left.len(), left[0].state), (1, OpState::Skipped));
        let why = left[0].outcome.why.clone().unwrap();
        let place = ["restore it in HubSpot", "recycle bin"][usize::from(side == Side::HubSpot)];
        assert!(why.contains(place) || why.contains("REST"), "{why}");
        house.quiet().await;
        // Restored by hand it is linked again; the undo has nothing to do with it.
        house.sf_restore(S, &s);
        house.hs_restore(H, &h);
        house.wait(60).await;
        house.whole().await;
        assert_eq!(the_link(&house).await.state, LinkState::Active);
        house.quiet().await;
    }
}

/// Somebody of a firm in both, and another firm.
async fn employed() -> (House, (String, String), [(String, String); 2]) {
    let keys = "name = \"contacts\"\ndeletes = \"archive\"";
    let house = House::empty(&firms().replace("name = \"contacts\"", keys)).await;
    let firms = ["acme", "beta"].map(|name| {
        let site = format!("{name}.example");
        (
            house.sf("Account", &[("Name", name), ("Website", &site)]),
            house.hs("companies", &[("name", name), ("domain", &site)]),
        )
    });
    let mail = "a@example.com";
    let of = [
        ("LastName", "Berg"),
        ("Email", mail),
        ("AccountId", &firms[0].0),
    ];
    let s = house.sf(S, &of);
    let h = house.hs(H, &[("lastname", "Berg"), ("email", mail)]);
    house.fine().await;
    house.settled().await;
    (house, (s, h), firms)
}

fn employers(house: &House, h: &str) -> Vec<String> {
    let sandbox = house.sandbox.lock().unwrap();
    sandbox.portal.partners(H, h, "companies")
}

#[tokio::test(start_paused = true)]
async fn an_association_that_a_person_changed_stands_against_a_deletion() {
    let (house, (s, h), firms) = employed().await;
    assert_eq!(employers(&house, &h), [firms[0].1.clone()]);
    let now = house.clock.now();
    {
        let mut sandbox = house.sandbox.lock().unwrap();
        let portal = &mut sandbox.portal;
        let to = firms[1].1.as_str();
        assert!(portal.associate(now, colleague(), H, &h, "companies", to, true));
    }
    house.sf_delete(S, &s);
    house.wait(60).await;
    assert_eq!(writes(&house.fine().await), 0);
    let item = house.the_item(ItemKind::DeleteUpdate).await;
    assert!(item.why.contains("(AccountId)"), "{}", item.why);
    assert_eq!(house.hs_ids(H), [h]);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_association_that_went_with_its_company_does_not() {
    let (house, (s, h), firms) = employed().await;
    house.hs_delete("companies", &firms[0].1);
    house.wait(60).await;
    house.whole().await;
    house.settled().await;
    assert!(employers(&house, &h).is_empty());
    house.sf_delete(S, &s);
    house.wait(60).await;
    assert_eq!(counts(&house.fine().await, "contacts").archived.hubspot, 1);
    assert!(house.hs_ids(H).is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_firm_that_only_one_side_knows_does_not_either() {
    let (house, (s, h), _) = employed().await;
    // Two of a site: nobody makes a company of them.
    let twins = ["One", "Two"].map(|name| {
        let of = [("Name", name), ("Website", "twin.example")];
        house.sf("Account", &of)
    });
    let mail = "b@example.com";
    let of = [
        ("LastName", "Dahl"),
        ("Email", mail),
        ("AccountId", &twins[0]),
    ];
    let child = house.sf(S, &of);
    house.sf_edit(S, &child, &[("Title", "Clerk")]);
    house.settled().await;
    let dahl = house.hs_ids(H).into_iter().find(|id| *id != h).unwrap();
    house.hs_delete(H, &dahl);
    house.wait(60).await;
    let run = house.whole().await;
    assert_eq!(counts(&run, "contacts").archived.salesforce, 1);
    assert_eq!(house.sf_ids(S), [s], "{child} went along");
}

#[tokio::test(start_paused = true)]
async fn an_association_that_went_with_its_contact_clears_nothing_while_the_index_still_shows_it() {
    let (house, (s, h), firms) = employed().await;
    house.hs_edit(H, &h, &[("lastname", "Bergman")]);
    house.wait(60).await;
    house.hs_delete(H, &h);
    house.fine().await;
    let account = house.sf_value(S, &s, "AccountId");
    assert_eq!(account.as_deref(), Some(firms[0].0.as_str()));
    house.wait(60).await;
    house.whole().await;
    assert!(house.sf_ids(S).is_empty());
    house.quiet().await;
}

/// Three linked people; of the first the Salesforce record is deleted, of the second the HubSpot record, and the third was
/// changed after its HubSpot record was deleted.
async fn funeral() -> (House, Arc<SimStore>) {
    let more = "deletes = \"archive\"\ndelete_update = \"update_wins\"";
    let mut house = House::empty(&people(more)).await;
    let store = Arc::new(SimStore::new());
    house.store = store.clone();
    support::install(&house.store).await;
    let (mut s, mut h) = (Vec::new(), Vec::new());
    for at in 0..3 {
        let (name, mail) = (format!("Name {at}"), format!("p{at}@example.com"));
        s.push(house.sf(S, &[("LastName", &name), ("Email", &mail)]));
        h.push(house.hs(H, &[("lastname", &name), ("email", &mail)]));
    }
    house.fine().await;
    house.settled().await;
    house.sf_delete(S, &s[0]);
    house.hs_delete(H, &h[1]);
    house.hs_delete(H, &h[2]);
    house.sf_edit(S, &s[2], &[("Title", "Boss")]);
    house.wait(60).await;
    (house, store)
}

async fn buried(house: &House, at: u64) {
    assert_eq!(
        alive(house),
        PerSide {
            salesforce: 1,
            hubspot: 1
        },
        "request {at}"
    );
    let (s, h) = (house.sf_ids(S).remove(0), house.hs_ids(H).remove(0));
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    assert_eq!(house.open_items().await, Vec::new(), "request {at}");
    assert_eq!(house.errors().await, Vec::new(), "request {at}");
    for link in house.links().await {
        match link.state {
            LinkState::Active => {}
            LinkState::Deleted(departed) => {
                assert!(
                    departed.gone.salesforce && departed.gone.hubspot,
                    "request {at}"
                );
                let ours = Side::BOTH
                    .iter()
                    .filter(|side| departed.archived.get(**side).is_some());
                assert_eq!(ours.count(), 1, "request {at}");
            }
            other => panic!("request {at}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_request_carries_every_deletion_out_once() {
    let full = Order {
        scope: Scope::Full,
        ..order()
    };
    let whole = {
        let (house, _) = funeral().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&full).await.unwrap();
        let end = engine.execute(record, &full).await.unwrap();
        assert_eq!(end.record.state, RunState::Done, "{:?}", end.error);
        house.wait(60).await;
        house.fine().await;
        buried(&house, 0).await;
        wire.sent.load(Ordering::SeqCst)
    };
    assert!(whole > 15, "{whole}");
    for at in 1..=whole {
        let keep = if at % 2 == 0 { 0 } else { usize::MAX };
        let (mut house, store) = funeral().await;
        let (engine, _) = wired(&house, at, true, Box::new(|| {})).await;
        let dying = async {
            let record = engine.begin(&full).await.unwrap();
            let _ = engine.execute(record, &full).await;
        };
        let cut = tokio::time::timeout(std::time::Duration::from_secs(3000), dying).await;
        assert!(cut.is_err(), "request {at} of {whole}");
        drop(engine);
        house.store = Arc::new(store.crash(|count| keep.min(count))) as Arc<dyn Store>;
        house.sound().await;
        house.wait(200).await;
        house.run(&full).await;
        house.wait(200).await;
        house.fine().await;
        house.quiet().await;
        buried(&house, at).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_knows_nothing_makes_no_deleted_record_anew_until_a_person_says_so() {
    let mut house = House::empty(&people("creates = \"to_salesforce\"")).await;
    let h = house.hs(H, &[("lastname", "Berg"), ("email", "anna@example.com")]);
    house.fine().await;
    let s = house.sf_ids(S).remove(0);
    house.sf_delete(S, &s);
    house.store = Arc::new(SimStore::new());
    support::install(&house.store).await;
    house.wait(60).await;
    house.fine().await;
    let item = house.the_item(ItemKind::Deletion).await;
    assert_eq!(house.sf_ids(S).len(), 0);
    house.choose(&item, Choice::Create).await;
    let run = house.send_stored().await;
    assert_eq!(counts(&run, "contacts").created.salesforce, 1);
    let anew = house.sf_ids(S).remove(0);
    assert_eq!(house.sf_value(S, &anew, "Syncline_HubSpot_Id__c"), Some(h));
    assert_eq!(
        house.open_items().await.len(),
        1,
        "its stamp names the old one"
    );
}

/// Runs until so many tries were refused, each at its time and not before; gives how many writes were sent.
async fn backs_off(house: &House, tries: u32) -> u64 {
    let mut sent = 0;
    for _ in 0..tries {
        let due = house.the_error().await.retry_at.unwrap();
        house.wait(30).await;
        assert_eq!(writes(&house.fine().await), 0, "before its time");
        let wait = (due - house.clock.now()).num_seconds() + 10;
        house.wait(u64::try_from(wait).unwrap()).await;
        sent += writes(&house.fine().await);
    }
    sent
}

/// A linked contact whose Salesforce record was deleted, and whose HubSpot record Salesforce's own rule refuses: who left
/// keeps no telephone number.
async fn unwanted(more: &str) -> (House, String) {
    let phone = "{ salesforce = \"Phone\", hubspot = \"phone\" },";
    let (house, s, h) = clerk(&people_with(more, phone)).await;
    let edit = [("jobtitle", "Former clerk"), ("phone", "4155550134")];
    house.hs_edit(H, &h, &edit);
    house.sf_delete(S, &s);
    house.wait(60).await;
    house.fine().await;
    (house, h)
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_made_anew_is_tried_again_less_and_less_often() {
    for more in ["delete_update = \"update_wins\"", ""] {
        let (house, h) = unwanted(more).await;
        if more.is_empty() {
            let item = house.the_item(ItemKind::DeleteUpdate).await;
            house.choose(&item, Choice::Create).await;
            house.send_stored().await;
        }
        assert_eq!(house.the_error().await.category, ErrorCategory::Validation);
        assert!(matches!(
            the_link(&house).await.state,
            LinkState::Deleted(_)
        ));
        assert_eq!(backs_off(&house, 2).await, 2, "{more}");
        assert_eq!(house.the_error().await.tries, 3);
        house.sound().await;
        // An edit of what is left is another try at once.
        house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(counts(&run, "contacts").created.salesforce, 1, "{more}");
        let s = house.sf_ids(S).remove(0);
        house.wait(60).await;
        house.fine().await;
        house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
        assert_eq!(house.errors().await, Vec::new());
        assert_eq!(house.open_items().await, Vec::new());
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_lacks_what_is_required_to_be_made_anew_is_one_error_and_costs_no_try_a_run()
{
    let (house, s, h) = clerk(&people("delete_update = \"update_wins\"")).await;
    house.hs_edit(H, &h, &[("lastname", "")]);
    house.sf_delete(S, &s);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.the_error().await.category, ErrorCategory::Required);
    for _ in 0..3 {
        house.wait(30).await;
        house.fine().await;
    }
    assert_eq!(house.the_error().await.tries, 1);
    house.hs_edit(H, &h, &[("lastname", "Named")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.sf_ids(S).len(), 1);
    assert_eq!(house.errors().await, Vec::new());
}

#[tokio::test(start_paused = true)]
async fn a_record_made_anew_that_somebody_else_made_meanwhile_is_asked_about_and_may_be_linked() {
    let (house, s, h) = clerk(&people("delete_update = \"update_wins\"")).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.hs_delete(H, &h);
    // Made at HubSpot, and not to be found there yet.
    let lag = chrono::TimeDelta::seconds(4000);
    house.sandbox.lock().unwrap().portal.set_index_lag(lag);
    let now = house.clock.now();
    let of = values(&[("lastname", "Berg"), ("email", "anna@example.com")]);
    let made = house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .insert(now, colleague(), H, of)
        .unwrap();
    house.wait(60).await;
    // HubSpot tells of the deletion where the record is to be written.
    house.fine().await;
    let item = house.the_item(ItemKind::PossibleDuplicate).await;
    assert_eq!(item.candidates[0].record.id.as_str(), made);
    house.quiet().await;
    house
        .choose(&item, Choice::Link(made.as_str().into()))
        .await;
    house.send_stored().await;
    house.sandbox.lock().unwrap().portal.settle_index();
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &made), ("Title", "jobtitle"), ("Boss", "Boss"));
    assert_eq!(house.open_items().await, Vec::new());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_refused_keeps_what_a_person_chose_and_is_tried_again_at_its_time() {
    for deletes in ["ask", "archive"] {
        let (house, s, h) = clerk(&people(&format!("deletes = \"{deletes}\""))).await;
        // Locked for as long as a run tries it.
        let path = "/services/data/v68.0/composite/sobjects";
        house.script(Party::Salesforce, Some("DELETE"), path, Fault::Locked, 6);
        house.hs_delete(H, &h);
        house.wait(60).await;
        let full = Order {
            scope: Scope::Full,
            ..order()
        };
        house.run(&full).await;
        assert_eq!(house.sf_ids(S), [s.as_str()]);
        if deletes == "ask" {
            let item = house.the_item(ItemKind::Deletion).await;
            house.choose(&item, Choice::Accept).await;
            house.send_stored().await;
            assert_eq!(house.open_items().await.len(), 1, "the choice stands");
        }
        assert!(departed(&house).await.due, "{deletes}");
        let error = house.the_error().await;
        let due = error.retry_at.unwrap();
        for _ in 0..2 {
            house.wait(30).await;
            let run = house.fine().await;
            assert_eq!(writes(&run), 0, "before its time");
            assert_eq!(house.the_error().await.tries, error.tries);
        }
        let wait = (due - house.clock.now()).num_seconds() + 10;
        house.wait(u64::try_from(wait).unwrap()).await;
        let run = house.fine().await;
        assert_eq!(
            counts(&run, "contacts").archived.salesforce,
            1,
            "{deletes}: nobody is asked again"
        );
        assert_eq!(alive(&house), PerSide::default());
        assert_eq!(house.errors().await, Vec::new());
        assert_eq!(house.open_items().await, Vec::new());
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_without_an_answer_whose_record_hides_is_not_taken_for_done() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    let path = "/services/data/v68.0/composite/sobjects";
    let silence = Fault::Silence { committed: false };
    house.script(Party::Salesforce, Some("DELETE"), path, silence, 1);
    house.hs_delete(H, &h);
    house.wait(60).await;
    let full = Order {
        scope: Scope::Full,
        ..order()
    };
    let run = house.run(&full).await.record;
    let op = house.journal(run.run).await.remove(0);
    assert_eq!((op.kind, op.state), (OpKind::Delete, OpState::Unknown));
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.wait(300).await;
    house.fine().await;
    let op = house.journal(run.run).await.remove(0);
    assert_eq!(op.state, OpState::Superseded);
    assert_eq!(departed(&house).await.archived, PerSide::default());
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_waits_for_its_record_until_a_person_says_that_it_was_deleted() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    let path = "/services/data/v68.0/composite/sobjects";
    let cut = Fault::Cut { committed: false };
    house.script(Party::Salesforce, Some("PATCH"), path, cut, 1);
    let run = house.fine().await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    for pause in [300, 4_000] {
        house.wait(pause).await;
        house.fine().await;
        assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
        let op = house.journal(run.run).await.remove(0);
        assert_eq!(op.state, OpState::Unknown);
    }
    say_deleted(&house).await;
    house.send_stored().await;
    let op = house.journal(run.run).await.remove(0);
    assert_eq!(op.state, OpState::Superseded);
    house.the_item(ItemKind::DeleteUpdate).await;
    assert!(house.errors().await.is_empty());
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_trace_was_purged_is_told_of_for_as_long_as_nobody_says_what_it_was() {
    let (house, s, h) = clerk(&people("")).await;
    house.sf_delete(S, &s);
    house.wait(16 * 86_400).await;
    for pause in [30, 130, 400, 1_000, 4_000, 20_000, 90_000, 90_000] {
        house.wait(pause).await;
        house.fine().await;
        assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    }
    assert_eq!(house.whole().await.mappings.len(), 1);
    assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    house.wait(90_000).await;
    house.fine().await;
    assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    assert_eq!(house.hs_ids(H), [h]);
}

#[tokio::test(start_paused = true)]
async fn what_the_index_still_shows_of_an_archived_record_is_no_restore() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .set_index_lag(chrono::TimeDelta::seconds(400));
    house.wait(600).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(450).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.hs_edit(H, &h, &[("city", "Bonn")]);
    house.wait(10).await;
    house.hs_delete(H, &h);
    house.wait(30).await;
    house.whole().await;
    assert_eq!(house.sf_ids(S).len(), 0);
    for pause in [300, 100, 100, 600, 1_000] {
        house.wait(pause).await;
        house.fine().await;
        assert!(
            house.open_items().await.is_empty(),
            "{:#?}",
            house.open_items().await
        );
        assert!(house.errors().await.is_empty());
        assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (0, 0));
    }
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_purged_over_an_unanswered_write_is_counted_once() {
    let (house, s, h) = clerk(&people("")).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    let (method, path) = door(Party::Salesforce, false);
    let late = Fault::LandsLater(Duration::from_secs(50));
    house.script(Party::Salesforce, Some(method), path, late, 1);
    house.sync().await;
    house.sf_delete(S, &s);
    house.wait(16 * 86_400).await;
    let full = Order {
        scope: Scope::Full,
        ..order()
    };
    let run = house.run(&full).await.record;
    let counts = counts(&run, "contacts");
    adds_up_whole(counts);
    let errors = house.errors().await.len();
    assert_eq!((counts.errors, errors), (1, 1), "{counts:?}");
}
