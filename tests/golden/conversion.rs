//! Golden scenarios: Leads that people convert into Contacts (docs/design/sync-semantics.md 13).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::leads::*;
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{House, install, order};
use crate::upkeep::{confirmed, imported};
use syncline::domain::{Choice, CreatedBy, ItemKind, LinkState, OpKind, PerSide, RunState, Side};
use syncline::engine::{Order, Scope};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
use syncline::sandbox::salesforce::Conversion;
use syncline::store::{SimStore, Store};

#[tokio::test(start_paused = true)]
async fn a_converted_leads_counterpart_is_its_contacts_from_the_same_run_on() {
    let (house, lead, h) = ann().await;
    let contact = house.sf_convert(&lead, None);
    house.wait(60).await;
    let preview = house.engine().await.preview(&order()).await.unwrap();
    let foreseen = &preview
        .mappings
        .iter()
        .find(|row| row.mapping.as_str() == "contacts");
    assert_eq!(foreseen.unwrap().counts.created, PerSide::default());
    let run = house.fine().await;
    assert_eq!(run.state, RunState::Done);
    for name in ["contacts", "leads"] {
        assert_eq!(counts(&run, name).created, PerSide::default());
    }
    let ops = house.journal(run.run).await;
    let relink = ops.iter().find(|op| op.kind == OpKind::Relink).unwrap();
    assert_eq!(
        relink.outcome.why.as_deref(),
        Some(format!("Lead {lead} was converted to {contact}").as_str())
    );
    // The account that it was given is there too, and is the company of the HubSpot contact.
    let company = house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .partners(H, &h, "companies");
    assert_eq!(company, house.hs_ids("companies"));
    assert_eq!(company.len(), 1);
    assert_eq!(
        house.hs_value(H, &h, "lifecyclestage").as_deref(),
        Some("customer")
    );
    assert_eq!(house.hs_ids(H), std::slice::from_ref(&h));
    let link = of(&house, "contacts").await.remove(0);
    assert_eq!(link.created_by, CreatedBy::Relinked);
    gone_over(&house, &lead, &contact, &h).await;
    goes_on(&house, &lead, &contact, &h).await;
}

/// What people do at a conversion to the mail address and the key field, and to which contact.
async fn converted(house: &House, lead: &str, way: usize) -> String {
    let how = Conversion {
        copies_key: way == 1,
        ..Conversion::default()
    };
    let contact = match way {
        // Into a contact that no run has seen before.
        3 => {
            let known = house.sf(S, &[("LastName", "Anna"), ("Email", "anna@work.example")]);
            house.sf_convert(lead, Some(&known))
        }
        _ => house.sf_convert_so(lead, &how),
    };
    if way == 2 {
        house.sf_edit(S, &contact, &[("Email", "other@example.com")]);
    }
    contact
}

#[tokio::test(start_paused = true)]
async fn whichever_of_the_two_is_seen_first_no_second_contact_is_made() {
    for way in 0..4 {
        for orders in [
            [vec!["leads"], vec!["contacts"]],
            [vec!["contacts"], vec!["leads"]],
            [vec!["accounts", "contacts", "leads"], vec!["accounts"]],
        ] {
            let (house, lead, h) = ann().await;
            let contact = converted(&house, &lead, way).await;
            house.wait(60).await;
            for names in &orders {
                let run = only(&house, names).await;
                for row in &run.mappings {
                    let made =
                        row.counts.created.hubspot * u64::from(row.mapping.as_str() != "accounts");
                    assert_eq!(made, 0, "{way} {orders:?} {run:#?}");
                }
                house.wait(20).await;
            }
            house.fine().await;
            assert_eq!(
                house.hs_ids(H),
                std::slice::from_ref(&h),
                "{way} {orders:?}"
            );
            gone_over(&house, &lead, &contact, &h).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversion_between_two_windows_of_one_run_makes_no_second_contact() {
    // Both sides were edited: the run has something to write to each.
    let edited = async || {
        let (house, lead, h) = ann().await;
        house.sf_edit(L, &lead, &[("Title", "Boss")]);
        house.hs_edit(H, &h, &[("city", "Bergen")]);
        house.wait(60).await;
        (house, lead, h)
    };
    let whole = {
        let (house, ..) = edited().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        wire.sent.load(Ordering::SeqCst)
    };
    for at in 1..=whole {
        let (house, lead, h) = edited().await;
        let (sandbox, clock, id) = (house.sandbox.clone(), house.clock.clone(), lead.clone());
        let convert = move || {
            let sandbox = &mut sandbox.try_lock().unwrap();
            let how = Conversion::default();
            let done = sandbox.org.convert(clock.now(), &colleague(), &id, &how);
            done.unwrap();
        };
        let (engine, _) = wired(&house, at, false, Box::new(convert)).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        house.wait(60).await;
        house.fine().await;
        assert_eq!(
            house.hs_ids(H),
            std::slice::from_ref(&h),
            "request {at} of {whole}"
        );
        let contact = house.sf_ids(S).remove(0);
        house.both((&contact, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
        house.both(
            (&contact, &h),
            ("MailingCity", "city"),
            ("Bergen", "Bergen"),
        );
        gone_over(&house, &lead, &contact, &h).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_a_lead_turns_out_to_be_while_the_run_works_gets_one_link() {
    let entered = async || {
        let (house, lead, h) = ann().await;
        let anna = [("LastName", "Anna"), ("Email", "anna@example.com")];
        let contact = house.sf(S, &anna);
        house.sf_edit(S, &contact, &[("Title", "Boss")]);
        house.hs_edit(H, &h, &[("city", "Bergen")]);
        house.wait(60).await;
        (house, lead, contact)
    };
    let whole = {
        let (house, ..) = entered().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        wire.sent.load(Ordering::SeqCst)
    };
    for at in 1..=whole {
        let (house, lead, contact) = entered().await;
        let (sandbox, clock, id) = (house.sandbox.clone(), house.clock.clone(), contact.clone());
        let convert = move || {
            let sandbox = &mut sandbox.try_lock().unwrap();
            let how = Conversion {
                contact: Some(id.clone()),
                ..Conversion::default()
            };
            let done = sandbox.org.convert(clock.now(), &colleague(), &lead, &how);
            done.unwrap();
        };
        let (engine, _) = wired(&house, at, false, Box::new(convert)).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        house.sound().await;
        house.wait(60).await;
        house.fine().await;
        house.quiet().await;
        // Either it was made before anybody said so, and a person is asked, or it never is.
        let mut asked = house.open_items().await;
        asked.retain(|item| item.kind == ItemKind::ConversionCollision);
        let all = house.hs_ids(H);
        assert_eq!(all.len(), 1 + asked.len(), "request {at} of {whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_hubspot_held_is_the_base_and_salesforce_wins_where_the_contact_differs() {
    let (house, lead, h) = ann().await;
    let contact = house.sf_convert(&lead, None);
    // An edit in HubSpot since goes to the Contact; a value that the Contact got since goes to HubSpot; a blank one is filled.
    house.hs_edit(H, &h, &[("firstname", "Anna")]);
    house.sf_edit(S, &contact, &[("Title", "Boss"), ("MailingCity", "")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.state, RunState::Done, "{:#?}", house.open_items().await);
    house.both((&contact, &h), ("FirstName", "firstname"), ("Anna", "Anna"));
    house.both((&contact, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.both((&contact, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    gone_over(&house, &lead, &contact, &h).await;
    goes_on(&house, &lead, &contact, &h).await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_has_another_counterpart_asks_and_closes_once_the_two_are_merged() {
    for choice in [None, Some(Choice::Ignore)] {
        let house = House::empty(&rules()).await;
        let lead = house.sf(L, ANN);
        let contact = house.sf(S, &[("LastName", "Anna"), ("Email", "anna@work.example")]);
        house.fine().await;
        house.settled().await;
        let [y, y2] =
            [("ann@example.com"), ("anna@work.example")].map(|mail| by_mail(&house, mail));
        house.sf_convert(&lead, Some(&contact));
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(counts(&run, "contacts").created, PerSide::default());
        let item = house.the_item(ItemKind::ConversionCollision).await;
        assert!(
            item.why.contains(&y) && item.why.contains(&y2),
            "{}",
            item.why
        );
        assert_eq!(item.candidates.len(), 2);
        house.quiet().await;
        house.whole().await;
        house.the_item(ItemKind::ConversionCollision).await;
        // What is left of the Lead goes nowhere, and what becomes of the Lead says nothing.
        house.hs_edit(H, &y, &[("city", "Bergen")]);
        house.sf_delete(L, &lead);
        house.wait(60).await;
        assert_eq!(writes(&house.fine().await), 0);
        match choice {
            Some(choice) => {
                house.choose(&item, choice).await;
                assert_eq!(writes(&house.send_stored().await), 0);
                assert_eq!(house.hs_ids(H).len(), 2);
            }
            None => {
                let new = house.hs_merge(H, &y2, &y);
                house.wait(60).await;
                house.fine().await;
                let links = of(&house, "contacts").await;
                assert!(
                    links.iter().any(|link| holds(link, &contact, &new)),
                    "{links:#?}"
                );
                let leads = of(&house, "leads").await;
                assert!(
                    matches!(leads[0].state, LinkState::Superseded(_)),
                    "{leads:#?}"
                );
            }
        }
        assert_eq!(house.open_items().await, Vec::new());
        house.wait(60).await;
        house.fine().await;
        house.quiet().await;
        house.whole().await;
        house.sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lead_that_was_converted_before_it_was_linked_is_an_ordinary_contact() {
    let house = House::empty(&rules()).await;
    let h = house.hs(H, &[("lastname", "Bea"), ("email", "bea@example.com")]);
    let lead = house.sf(L, ANN);
    let other = house.sf(
        L,
        &[
            ("LastName", "Bea"),
            ("Email", "bea@example.com"),
            ("Company", "B"),
        ],
    );
    let (ann, bea) = (
        house.sf_convert(&lead, None),
        house.sf_convert(&other, None),
    );
    let run = house.fine().await;
    assert_eq!(run.state, RunState::Done, "{:#?}", house.open_items().await);
    assert_eq!(counts(&run, "contacts").created.hubspot, 1);
    assert_eq!(counts(&run, "leads").excluded, 4 - 1);
    assert_eq!(of(&house, "leads").await, Vec::new());
    let links = of(&house, "contacts").await;
    assert!(links.iter().any(|link| holds(link, &bea, &h)));
    let made = by_mail(&house, "ann@example.com");
    assert!(links.iter().any(|link| holds(link, &ann, &made)));
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
    house.whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_converted_lead_is_neither_written_to_nor_missed() {
    // Deleted in the very window in which it was converted, and after it: with deletions that are carried over.
    for late in [false, true] {
        let (house, lead, h) = ann().await;
        let contact = house.sf_convert(&lead, None);
        if late {
            house.wait(60).await;
            house.fine().await;
        }
        house.sf_delete(L, &lead);
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(counts(&run, "leads").archived, PerSide::default());
        assert_eq!(house.hs_ids(H), std::slice::from_ref(&h), "late {late}");
        gone_over(&house, &lead, &contact, &h).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_counterpart_that_was_deleted_stays_deleted_through_a_conversion() {
    let text = crowd("", "creates = \"to_hubspot\"");
    let (house, lead, h) = ann_by(&text).await;
    house.hs_delete(H, &h);
    house.wait(60).await;
    house.whole().await;
    let contact = house.sf_convert(&lead, None);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").created, PerSide::default());
    assert_eq!(house.hs_ids(H), Vec::<String>::new());
    house.quiet().await;
    house.whole().await;
    // Restored, it is the Contact's.
    house.hs_restore(H, &h);
    house.wait(60).await;
    house.whole().await;
    house.wait(60).await;
    house.fine().await;
    gone_over(&house, &lead, &contact, &h).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_person_chose_about_a_leads_deleted_counterpart_is_the_contacts() {
    for choice in [Choice::Accept, Choice::Ignore, Choice::Create] {
        let text = crowd("", "creates = \"to_hubspot\"");
        let (house, lead, h) = ann_by(&text).await;
        house.hs_delete(H, &h);
        house.sf_edit(L, &lead, &[("Title", "Chief")]);
        house.wait(60).await;
        house.whole().await;
        let item = house.the_item(ItemKind::DeleteUpdate).await;
        house.choose(&item, choice.clone()).await;
        // Before the choice is carried out, the Lead is converted.
        let contact = house.sf_convert(&lead, None);
        house.wait(60).await;
        house.fine().await;
        let made = house.hs_ids(H);
        match choice {
            Choice::Create => goes_on(&house, &lead, &contact, &made[0]).await,
            _ => assert_eq!(made, Vec::<String>::new(), "{choice:?}"),
        }
        assert_eq!(house.open_items().await, Vec::new(), "{choice:?}");
        house.quiet().await;
        house.whole().await;
        house.sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_went_on_into_another_or_out_of_reach_or_away_takes_the_link_along() {
    let (house, lead, h) = ann().await;
    let contact = house.sf_convert(&lead, None);
    let winner = house.sf(S, &[("LastName", "Anna"), ("Title", "Boss")]);
    house.sf_merge(S, &winner, &contact);
    house.wait(60).await;
    house.fine().await;
    house.both((&winner, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    gone_over(&house, &lead, &winner, &h).await;
    // Deleted in the same window: what the mapping of Contacts does with deletions, here nothing.
    let (house, lead, h) = ann().await;
    let contact = house.sf_convert(&lead, None);
    house.sf_delete(S, &contact);
    house.wait(60).await;
    assert_eq!(
        writes(&house.fine().await),
        2,
        "its account is made, and stamped"
    );
    let link = of(&house, "contacts").await.remove(0);
    assert!(
        holds(&link, &contact, &h) && matches!(link.state, LinkState::Deleted(_)),
        "{link:#?}"
    );
    assert_eq!(house.hs_ids(H), [h]);
    house.quiet().await;
    house.whole().await;
    // Hidden from us: nothing is concluded, and it goes over once it can be seen.
    let (house, lead, h) = ann().await;
    let contact = house.sf_convert(&lead, None);
    let hide = |hidden| {
        house
            .sandbox
            .lock()
            .unwrap()
            .org
            .hide_record(S, &contact, hidden)
    };
    hide(true);
    house.wait(60).await;
    house.fine().await;
    assert!(house.the_error().await.message.contains(&contact));
    hide(false);
    for _ in 0..3 {
        house.wait(3600).await;
        house.fine().await;
    }
    gone_over(&house, &lead, &contact, &h).await;
}

#[tokio::test(start_paused = true)]
async fn a_lead_whose_own_create_has_no_answer_yet_keeps_its_contact_waiting() {
    for fault in [
        Fault::Silence { committed: true },
        Fault::Cut { committed: false },
    ] {
        let house = House::empty(&rules()).await;
        house.fine().await;
        let lead = house.sf(
            L,
            &ANN[..1]
                .iter()
                .chain(&ANN[2..])
                .copied()
                .collect::<Vec<_>>(),
        );
        let door = "/crm/objects/2026-09/contacts/batch/upsert";
        house.script(Party::HubSpot, Some("POST"), door, fault, 1);
        house.whole().await;
        let contact = house.sf_convert(&lead, None);
        for _ in 0..3 {
            house.wait(30).await;
            house.fine().await;
        }
        house.wait(300).await;
        house.fine().await;
        house.wait(60).await;
        house.fine().await;
        let h = house.hs_ids(H);
        assert_eq!(h.len(), 1, "{fault:?}");
        let links = of(&house, "contacts").await;
        assert!(
            links.iter().any(|link| holds(link, &contact, &h[0])),
            "{fault:?} {links:#?}"
        );
        house.wait(60).await;
        house.fine().await;
        house.quiet().await;
        house.whole().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_its_contact_went_into_waits_too_while_a_leads_own_create_has_no_answer() {
    let house = House::empty(&rules()).await;
    house.fine().await;
    let lead = house.sf(L, &[("LastName", "Ann"), ("Company", "Acme")]);
    let door = "/crm/objects/2026-09/contacts/batch/upsert";
    let later = Fault::LandsLater(Duration::from_secs(100));
    house.script(Party::HubSpot, Some("POST"), door, later, 1);
    house.whole().await;
    let contact = house.sf_convert(&lead, None);
    let winner = [("LastName", "Anna"), ("Email", "anna@work.example")];
    let winner = house.sf(S, &winner);
    house.sf_merge(S, &winner, &contact);
    for wait in [20, 20, 20, 300, 60, 60] {
        house.wait(wait).await;
        house.fine().await;
    }
    let h = house.hs_ids(H);
    assert_eq!((h.len(), house.open_items().await), (1, Vec::new()));
    gone_over(&house, &lead, &winner, &h[0]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_person_chose_for_fields_of_a_lead_is_carried_out_on_its_contact() {
    let (house, lead, h) = ann().await;
    house.hs_edit(H, &h, &[("jobtitle", "Queen"), ("city", "Bergen")]);
    house.wait(30).await;
    house.sf_edit(L, &lead, &[("Title", "Boss"), ("City", "Rome")]);
    house.wait(60).await;
    house.fine().await;
    let asked = house.open_items().await;
    assert_eq!(asked.len(), 2, "{asked:#?}");
    for item in &asked {
        house.choose(item, Choice::Take(Side::HubSpot)).await;
    }
    let contact = house.sf_convert(&lead, None);
    house.wait(60).await;
    house.fine().await;
    house.both((&contact, &h), ("Title", "jobtitle"), ("Queen", "Queen"));
    let city = ("MailingCity", "city");
    house.both((&contact, &h), city, ("Bergen", "Bergen"));
    gone_over(&house, &lead, &contact, &h).await;
    goes_on(&house, &lead, &contact, &h).await;
}

/// A conversion of two leads, each in its own way, over a store that can crash.
async fn two() -> (House, Arc<SimStore>, Vec<(String, String, String)>) {
    let mut house = House::empty(&rules()).await;
    let store = Arc::new(SimStore::new());
    house.store = store.clone();
    crate::support::install(&house.store).await;
    let mut all = Vec::new();
    for at in 0..2 {
        let (mail, firm) = (format!("p{at}@example.com"), format!("Firm {at}"));
        let one = [("LastName", "Lead"), ("Email", &mail), ("Company", &firm)];
        all.push((house.sf(L, &one), mail));
    }
    house.fine().await;
    house.wait(3600).await;
    house.fine().await;
    let mut done = Vec::new();
    for (at, (lead, mail)) in all.into_iter().enumerate() {
        let h = by_mail(&house, &mail);
        let contact = converted(&house, &lead, 1 + at).await;
        done.push((lead, contact, h));
    }
    house.wait(60).await;
    (house, store, done)
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_request_takes_every_link_over_once() {
    let whole = {
        let (house, ..) = two().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&order()).await.unwrap();
        let end = engine.execute(record, &order()).await.unwrap();
        assert_eq!(end.record.state, RunState::Done, "{:?}", end.error);
        wire.sent.load(Ordering::SeqCst)
    };
    assert!(whole > 15, "{whole}");
    for at in 1..=whole {
        let keep = if at % 2 == 0 { 0 } else { usize::MAX };
        let (mut house, store, done) = two().await;
        let (engine, _) = wired(&house, at, true, Box::new(|| {})).await;
        let dying = async {
            let record = engine.begin(&order()).await.unwrap();
            let _ = engine.execute(record, &order()).await;
        };
        let cut = tokio::time::timeout(std::time::Duration::from_secs(3000), dying).await;
        assert!(cut.is_err(), "request {at} of {whole}");
        drop(engine);
        house.store = Arc::new(store.crash(|count| keep.min(count))) as Arc<dyn Store>;
        house.sound().await;
        house.wait(200).await;
        house.run(&order()).await;
        house.wait(200).await;
        house.fine().await;
        assert_eq!(house.hs_ids(H).len(), 2, "request {at}");
        let links = of(&house, "contacts").await;
        for (_, contact, h) in &done {
            assert!(
                links.iter().any(|link| holds(link, contact, h)),
                "request {at}"
            );
        }
        assert_eq!(house.errors().await, Vec::new(), "request {at}");
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_took_back_of_a_lead_stays_so_through_its_conversion_until_the_undo_is_undone()
{
    for seen_before in [false, true] {
        let house = House::empty(&rules()).await;
        let lead = house.sf(L, ANN);
        let made = house.fine().await.run;
        let undo = async |run| house.undone(run).await.run;
        let convert = || {
            let contact = house.sf_convert(&lead, None);
            house.sf_edit(S, &contact, &[("Email", "other@example.com")]);
            contact
        };
        house.wait(60).await;
        // Nobody has told us of the conversion yet, or it comes later.
        let (undone, contact) = match seen_before {
            true => (undo(made).await, convert()),
            false => {
                let contact = convert();
                (undo(made).await, contact)
            }
        };
        for _ in 0..2 {
            house.wait(60).await;
            house.fine().await;
            assert_eq!(house.hs_ids(H), Vec::<String>::new());
        }
        house.quiet().await;
        let everything = Order {
            scope: Scope::Full,
            ..order()
        };
        assert_eq!(writes(&house.run(&everything).await.record), 0);
        undo(undone).await;
        house.wait(60).await;
        house.fine().await;
        let [h] = house.hs_ids(H).try_into().unwrap();
        let links = of(&house, "contacts").await;
        assert!(links.iter().any(|link| holds(link, &contact, &h)));
        house.wait(60).await;
        house.fine().await;
        house.quiet().await;
        house.whole().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_took_back_stays_so_where_a_halted_run_has_seen_the_conversion() {
    let mut house = House::empty(&rules()).await;
    let lead = house.sf(L, ANN);
    let made = house.fine().await.run;
    house.settled().await;
    house.sf_convert(&lead, None);
    let changed = rules().replace("lowercase", "trim");
    house.rules = Arc::new(crate::support::rules(&crate::support::config(&changed)));
    house.wait(60).await;
    assert_eq!(house.sync().await.state, RunState::Halted);
    house.undone(made).await;
    // Long after the windows of the conversion.
    house.wait(600).await;
    confirmed(&house, "config_changed").await;
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H), Vec::<String>::new());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_took_back_and_a_person_restored_is_no_newcomer_once_its_lead_is_a_linked_contact()
 {
    let house = House::empty(&rules()).await;
    let lead = house.sf(L, ANN);
    let mail = ("Email", "lund@example.com");
    let contact = house.sf(S, &[("LastName", "Lund"), mail]);
    let own = house.hs(H, &[("lastname", "Lund"), ("email", mail.1)]);
    let made = house.fine().await.run;
    let h = by_mail(&house, "ann@example.com");
    house.wait(60).await;
    house.undone(made).await;
    assert_eq!(house.hs_ids(H), std::slice::from_ref(&own));
    house.hs_restore(H, &h);
    house.sf_convert(&lead, Some(&contact));
    house.settled().await;
    house.whole().await;
    assert_eq!(house.sf_ids(S), std::slice::from_ref(&contact));
    house.the_item(ItemKind::ConversionCollision).await;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_took_back_stays_so_where_only_a_full_run_can_tell_that_its_lead_was_converted()
 {
    let house = House::empty(&rules()).await;
    let lead = house.sf(L, ANN);
    let made = house.fine().await.run;
    house.wait(60).await;
    house.undone(made).await;
    house.wait(60).await;
    house.sf_convert(&lead, None);
    house.sf_delete(L, &lead);
    // Every list is read after it, and no list shows a converted Lead that was deleted.
    imported(&house).await;
    house.wait(60).await;
    confirmed(&house, "restored").await;
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H), Vec::<String>::new());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_counterpart_stays_deleted_where_only_a_full_run_can_tell_that_its_lead_was_converted()
 {
    let text = crowd("", "creates = \"to_hubspot\"");
    let (house, lead, h) = ann_by(&text).await;
    house.hs_delete(H, &h);
    house.wait(60).await;
    house.whole().await;
    let contact = house.sf_convert(&lead, None);
    house.sf_delete(L, &lead);
    // Every list is read after it, and no list shows a converted Lead that was deleted.
    house.wait(60).await;
    let everything = Order {
        scope: Scope::Full,
        ..order()
    };
    house.run(&everything).await;
    assert_eq!(house.hs_ids(H), Vec::<String>::new());
    house.quiet().await;
    // Restored, it is the Contact's.
    house.hs_restore(H, &h);
    house.wait(60).await;
    house.whole().await;
    house.wait(60).await;
    house.fine().await;
    gone_over(&house, &lead, &contact, &h).await;
}

#[tokio::test(start_paused = true)]
async fn a_lead_whose_contact_was_purged_before_anybody_saw_it_stays_an_error() {
    let (house, lead, h) = ann().await;
    let contact = house.sf_convert(&lead, None);
    house.sf_delete(S, &contact);
    // Longer than the recycle bin keeps it.
    house.wait(16 * 24 * 3600).await;
    for text in ["one", "two", "three"] {
        house.sync().await;
        let errors = house.errors().await;
        assert_eq!(errors.len(), 1, "{text} {errors:?}");
        assert!(errors[0].message.contains(&contact), "{errors:?}");
        // Somebody edits what no mapping names.
        house.hs_edit(H, &h, &[("message", text)]);
        house.wait(60).await;
    }
    // In a run that reads everything too, each record counts once.
    let everything = Order {
        scope: Scope::Full,
        ..order()
    };
    let end = house.run(&everything).await;
    assert!(end.error.is_none(), "{:?}", end.error);
    for row in &end.record.mappings {
        adds_up_whole(&row.counts);
    }
    house.the_error().await;
    assert_eq!(house.hs_ids(H), [h]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_begun_anew_finds_the_counterpart_of_a_lead_that_was_converted_meanwhile() {
    for deleted in [false, true] {
        let (mut house, lead, h) = ann().await;
        let contact = house.sf_convert(&lead, None);
        house.sf_edit(S, &contact, &[("Email", "other@example.com")]);
        if deleted {
            house.sf_delete(L, &lead);
        }
        house.store = Arc::new(SimStore::new());
        install(&house.store).await;
        house.wait(60).await;
        house.fine().await;
        assert_eq!(house.hs_ids(H), std::slice::from_ref(&h));
        assert_eq!(house.sf_ids(S), std::slice::from_ref(&contact));
        let links = of(&house, "contacts").await;
        assert!(holds(&links[0], &contact, &h), "{links:#?}");
        let keys = ("Syncline_HubSpot_Id__c", "syncline_salesforce_id");
        house.both((&contact, &h), keys, (&h, &contact));
        house.settled().await;
        house.whole().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_leaves_the_link_with_the_contact_and_what_the_lead_brought() {
    let (house, lead, h) = ann().await;
    house.sf_edit(L, &lead, &[("Title", "Boss")]);
    house.wait(60).await;
    let older = house.fine().await.run;
    let contact = house.sf_convert(&lead, None);
    house.sf_edit(S, &contact, &[("MailingCity", "Rome")]);
    house.wait(60).await;
    let newer = house.fine().await.run;
    let undo = async |run| {
        let undone = house.undone(run).await.run;
        let left = house.journal(undone).await.into_iter();
        left.filter_map(|op| op.outcome.why)
            .collect::<Vec<String>>()
    };
    // The run before: its write was a Lead's.
    let left = undo(older).await;
    assert!(left[0].contains("its Lead was converted since"), "{left:?}");
    house.both((&contact, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    // The run that took it over: values go back, the link stays, and the next sync writes nothing.
    let left = undo(newer).await;
    assert!(
        left.iter().any(|why| why.contains("nobody can take back")),
        "{left:?}"
    );
    assert_eq!(house.hs_value(H, &h, "city").as_deref(), Some("Oslo"));
    house.wait(60).await;
    assert_eq!(
        counts(&house.fine().await, "contacts").updated,
        PerSide::default()
    );
    assert_eq!(
        house.sf_value(S, &contact, "MailingCity").as_deref(),
        Some("Rome")
    );
    let links = of(&house, "contacts").await;
    assert!(
        links
            .iter()
            .any(|link| holds(link, &contact, &h) && link.state == LinkState::Active)
    );
}
