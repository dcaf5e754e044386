//! Golden scenarios: Leads and Contacts over the same HubSpot contacts, one exclusive group
//! (docs/design/sync-semantics.md 2 I-7, 9.3).

use std::sync::atomic::Ordering;

use crate::support::leads::{H, L, S, only};
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{House, order};
use syncline::domain::{Choice, CreatedBy, ItemKind, Link, LinkState, PerSide, RunState};
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;

fn rules() -> String {
    crowd("", "creates = \"to_hubspot\"")
}

fn lead(house: &House, name: &str) -> String {
    let mail = format!("{}@example.com", name.to_lowercase());
    house.sf(
        L,
        &[("LastName", name), ("Email", &mail), ("Company", name)],
    )
}

fn contact(house: &House, name: &str) -> String {
    let mail = format!("{}@example.com", name.to_lowercase());
    house.sf(S, &[("LastName", name), ("Email", &mail)])
}

fn hubspot(house: &House, name: &str) -> String {
    let mail = format!("{}@example.com", name.to_lowercase());
    house.hs(H, &[("lastname", name), ("email", &mail)])
}

async fn active(house: &House) -> Vec<Link> {
    let mut links = house.links().await;
    links.retain(|link| link.state == LinkState::Active);
    links
}

/// The mapping that links a HubSpot record; no other one does.
async fn holder(house: &House, h: &str) -> String {
    let links = active(house).await;
    let mut of = links
        .iter()
        .filter(|link| link.ids.hubspot.as_ref().is_some_and(|id| id.as_str() == h));
    let one = of
        .next()
        .unwrap_or_else(|| panic!("nobody holds {h}: {links:#?}"));
    assert!(of.next().is_none(), "{links:#?}");
    one.mapping.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_first_sync_makes_and_links_every_person_once() {
    let house = House::empty(&rules()).await;
    let h = ["Both", "Ofcontact", "Oflead", "Alone"].map(|name| hubspot(&house, name));
    for name in ["Both", "Ofcontact", "Newcontact"] {
        contact(&house, name);
    }
    for name in ["Both", "Oflead", "Newlead"] {
        lead(&house, name);
    }
    let preview = house
        .engine()
        .await
        .preview(&crate::support::order())
        .await
        .unwrap();
    let run = house.fine().await;
    for (row, foreseen) in run.mappings.iter().zip(&preview.mappings) {
        let (got, want) = (&row.counts, &foreseen.counts);
        assert_eq!(
            (got.linked, got.created, got.review, got.excluded),
            (want.linked, want.created, want.review, want.excluded),
            "{}",
            row.mapping
        );
    }
    let contacts = counts(&run, "contacts");
    assert_eq!((contacts.linked, contacts.excluded), (2, 1), "{contacts:?}");
    assert_eq!(
        contacts.created,
        PerSide {
            salesforce: 1,
            hubspot: 1
        }
    );
    let leads = counts(&run, "leads");
    assert_eq!(
        (leads.linked, leads.excluded, leads.review),
        (1, 3, 1),
        "{leads:?}"
    );
    assert_eq!(
        leads.created,
        PerSide {
            salesforce: 0,
            hubspot: 1
        }
    );
    for (h, want) in h.iter().zip(["contacts", "contacts", "leads", "contacts"]) {
        assert_eq!(holder(&house, h).await, want);
    }
    let item = house.the_item(ItemKind::AlreadyLinked).await;
    assert_eq!(item.mapping.as_str(), "leads");
    assert_eq!(item.label, "Both");
    // Both mappings write the HubSpot record, each for its own people.
    for id in house.sf_ids(L) {
        house.sf_edit(L, &id, &[("Title", "Led")]);
    }
    for id in house.sf_ids(S) {
        house.sf_edit(S, &id, &[("Title", "Contacted")]);
    }
    house.wait(60).await;
    house.fine().await;
    let title = |h: &str| house.hs_value(H, h, "jobtitle").unwrap();
    assert_eq!(
        h.clone().map(|h| title(&h)),
        ["Contacted", "Contacted", "Led", "Contacted"]
    );
    house.quiet().await;
    let again = house.whole().await;
    assert_eq!(writes(&again), 0);
    assert_eq!(counts(&again, "leads").read.hubspot, 6);
    house.the_item(ItemKind::AlreadyLinked).await;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_second_waits_for_a_person_and_is_never_linked_too() {
    // The Lead first, in a run of its own or not; then the Contact, and the other way round.
    for lead_first in [true, false] {
        for apart in [true, false] {
            let house = House::empty(&rules()).await;
            house.fine().await;
            let h = hubspot(&house, "Ann");
            let (first, second) = match lead_first {
                true => ("leads", "contacts"),
                false => ("contacts", "leads"),
            };
            for name in [first, second] {
                match name {
                    "leads" => drop(lead(&house, "Ann")),
                    _ => drop(contact(&house, "Ann")),
                }
                match apart {
                    true => drop(only(&house, &[name]).await),
                    false => drop(house.whole().await),
                }
                house.wait(60).await;
                house.whole().await;
                if name == first {
                    assert_eq!(holder(&house, &h).await, first);
                }
            }
            assert_eq!(holder(&house, &h).await, first, "{lead_first} {apart}");
            let item = house.the_item(ItemKind::AlreadyLinked).await;
            assert_eq!(item.mapping.as_str(), second);
            assert_eq!(
                house.hs_ids(H),
                std::slice::from_ref(&h),
                "{lead_first} {apart}"
            );
            house.quiet().await;
            // Not by a person's word either: it is asked again, and the link that is there stays.
            house.choose(&item, Choice::Link(h.as_str().into())).await;
            house.send_stored().await;
            assert_eq!(holder(&house, &h).await, first, "{lead_first} {apart}");
            let item = house.the_item(ItemKind::AlreadyLinked).await;
            house.choose(&item, Choice::Ignore).await;
            house.send_stored().await;
            assert_eq!(house.open_items().await, Vec::new());
            house.whole().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_joins_later_finds_who_is_linked_already() {
    for joins in ["leads", "contacts"] {
        let mut house = House::empty(&rules()).await;
        let all = house.rules.clone();
        let mut some = syncline::engine::Rules::clone(&all);
        some.mappings.retain(|mapping| mapping.id.as_str() != joins);
        house.rules = std::sync::Arc::new(some);
        match joins {
            "leads" => drop(contact(&house, "Ann")),
            _ => drop(lead(&house, "Ann")),
        }
        house.fine().await;
        house.settled().await;
        let h = house.hs_ids(H).remove(0);
        let holds = holder(&house, &h).await;
        house.rules = all;
        match joins {
            "leads" => drop(lead(&house, "Ann")),
            _ => drop(contact(&house, "Ann")),
        }
        house.whole().await;
        assert_eq!(holder(&house, &h).await, holds);
        assert_eq!(house.hs_ids(H), [h]);
        house.the_item(ItemKind::AlreadyLinked).await;
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_without_an_answer_is_not_taken_for_what_another_mapping_made() {
    // A Lead and a Contact with one address: both are to be made in one run, and from some request on HubSpot's next create
    // goes unanswered.
    let doors =
        ["upsert", "create"].map(|word| format!("/crm/objects/2026-09/contacts/batch/{word}"));
    let two = async |keyed: bool| {
        let house = match keyed {
            true => House::empty(&rules()).await,
            false => House::unkeyed(&rules()).await,
        };
        lead(&house, "Ann");
        contact(&house, "Ann");
        house
    };
    for keyed in [true, false] {
        let whole = {
            let house = two(keyed).await;
            let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
            let record = engine.begin(&order()).await.unwrap();
            engine.execute(record, &order()).await.unwrap();
            wire.sent.load(Ordering::SeqCst)
        };
        // The run's first requests only read: from each of them on the next create is the same one.
        for at in whole.saturating_sub(8).max(1)..=whole {
            let house = two(keyed).await;
            let (sandbox, doors) = (house.sandbox.clone(), doors.clone());
            let spoil = move || {
                let lost = Fault::Cut { committed: false };
                for door in &doors {
                    let sandbox = &mut sandbox.try_lock().unwrap();
                    sandbox.script(Party::HubSpot, Some("POST"), door, lost, 1);
                }
            };
            let (engine, _) = wired(&house, at, false, Box::new(spoil)).await;
            let record = engine.begin(&order()).await.unwrap();
            engine.execute(record, &order()).await.unwrap();
            for pause in [10, 60, 200, 60] {
                house.wait(pause).await;
                house.run(&order()).await;
                house.sound().await;
                assert!(house.hs_ids(H).len() <= 1, "request {at} of {whole}");
            }
            holder(&house, &house.hs_ids(H)[0]).await;
            house.quiet().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_create_is_looked_up_by_a_run_of_its_own_mapping_only() {
    let house = House::empty(&rules()).await;
    contact(&house, "Ann");
    let door = "/crm/objects/2026-09/contacts/batch/upsert";
    let lost = Fault::Cut { committed: false };
    house.script(Party::HubSpot, Some("POST"), door, lost, 1);
    house.fine().await;
    // A person enters her in HubSpot at that moment: that is nobody's create, so no undo takes it away.
    let now = house.clock.now();
    let entered = values(&[("lastname", "Ann"), ("email", "ann@example.com")]);
    let h = {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox.portal.insert(now, colleague(), H, entered).unwrap()
    };
    house.wait(60).await;
    only(&house, &["leads"]).await;
    house.wait(300).await;
    house.fine().await;
    let links = active(&house).await;
    assert_eq!(links.len(), 1, "{links:#?}");
    assert_eq!(links[0].ids.hubspot.as_ref().unwrap().as_str(), h);
    assert_ne!(links[0].created_by, CreatedBy::CreatedHubspot);
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_deleted_lead_leaves_is_a_contacts_for_the_taking() {
    let house = House::empty(&rules()).await;
    let one = lead(&house, "Ann");
    house.fine().await;
    house.settled().await;
    let h = house.hs_ids(H).remove(0);
    house.sf_delete(L, &one);
    house.wait(60).await;
    house.fine().await;
    house.quiet().await;
    // Nothing is made from what is left, by neither mapping.
    assert_eq!(house.sf_ids(S), Vec::<String>::new());
    let new = house.sf(S, &[("LastName", "Ann"), ("Email", "ann@example.com")]);
    house.sf_edit(S, &new, &[("Title", "Clerk")]);
    house.fine().await;
    assert_eq!(holder(&house, &h).await, "contacts");
    house.both(
        (&new, &h),
        ("Syncline_HubSpot_Id__c", "syncline_salesforce_id"),
        (&h, &new),
    );
    // The Lead comes back: the record is the Contact's now.
    house.sf_restore(L, &one);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.state, RunState::Done, "{:#?}", house.open_items().await);
    assert_eq!(holder(&house, &h).await, "contacts");
    house.quiet().await;
    house.whole().await;
    assert_eq!(house.hs_ids(H), [h]);
}

#[tokio::test(start_paused = true)]
async fn counterparts_of_a_lead_and_a_contact_merged_in_hubspot_are_the_contacts() {
    for contact_wins in [true, false] {
        let house = House::empty(&rules()).await;
        let (person, one) = (contact(&house, "Anna"), lead(&house, "Ann"));
        house.fine().await;
        house.settled().await;
        let all = house.hs_ids(H);
        let (mut y, mut y2) = (all[0].clone(), all[1].clone());
        if house.hs_value(H, &y, "lastname").as_deref() == Some("Anna") {
            std::mem::swap(&mut y, &mut y2);
        }
        let new = match contact_wins {
            true => house.hs_merge(H, &y2, &y),
            false => house.hs_merge(H, &y, &y2),
        };
        house.wait(60).await;
        let run = house.fine().await;
        for row in &run.mappings {
            assert_eq!(row.counts.created, PerSide::default());
        }
        let links = active(&house).await;
        assert_eq!(links.len(), 1, "{links:#?}");
        assert_eq!(holder(&house, &new).await, "contacts");
        let item = house.the_item(ItemKind::MergeCollision).await;
        assert_eq!(item.mapping.as_str(), "leads");
        house.quiet().await;
        house.whole().await;
        // The Lead is converted into that very Contact: the question is over.
        house.sf_convert(&one, Some(&person));
        house.wait(60).await;
        house.fine().await;
        assert_eq!(house.open_items().await, Vec::new());
        house.quiet().await;
        house.whole().await;
        house.sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_of_a_merged_counterpart_for_its_lead_hides_nothing_from_the_contact() {
    // Of HubSpot's contacts Leads have fewer properties than Contacts.
    let city = "{ salesforce = \"MailingCity\", hubspot = \"city\" },";
    let phone = format!("{city} {{ salesforce = \"Phone\", hubspot = \"phone\" }},");
    let house = House::empty(&rules().replacen(city, &phone, 1)).await;
    let person = contact(&house, "Anna");
    lead(&house, "Ann");
    house.fine().await;
    house.settled().await;
    let all = house.hs_ids(H);
    let new = house.hs_merge(H, &all[0], &all[1]);
    house.wait(60).await;
    house.fine().await;
    house.the_item(ItemKind::MergeCollision).await;
    house.quiet().await;
    house.hs_edit(H, &new, &[("phone", "555 0100")]);
    house.wait(60).await;
    house.whole().await;
    assert_eq!(house.errors().await, Vec::new());
    house.both(
        (&person, &new),
        ("Phone", "phone"),
        ("555 0100", "555 0100"),
    );
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_leads_and_a_contact_with_one_address_nobody_is_guessed() {
    let house = House::empty(&rules()).await;
    let h = hubspot(&house, "Ann");
    let (one, two) = (lead(&house, "Ann"), lead(&house, "Ann"));
    let run = house.fine().await;
    assert_eq!(
        counts(&run, "leads").review,
        3,
        "{:?}",
        counts(&run, "leads")
    );
    assert_eq!(active(&house).await, Vec::new());
    assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (0, 1));
    let person = contact(&house, "Ann");
    house.whole().await;
    assert_eq!(holder(&house, &h).await, "contacts");
    // Both become that Contact, one after the other.
    for id in [&one, &two] {
        house.sf_convert(id, Some(&person));
        house.wait(60).await;
        house.fine().await;
    }
    assert_eq!(house.open_items().await, Vec::new());
    assert_eq!(house.hs_ids(H), [h]);
    house.quiet().await;
    house.whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_under_the_leads_link_that_lands_after_its_conversion_is_no_edit() {
    let house = House::empty(&rules()).await;
    let one = lead(&house, "Ann");
    house.fine().await;
    house.settled().await;
    let h = house.hs_ids(H).remove(0);
    let door = "/crm/objects/2026-09/contacts/batch/update";
    let late = Fault::LandsLater(std::time::Duration::from_secs(1800));
    house.script(Party::HubSpot, Some("POST"), door, late, 1);
    house.sf_edit(L, &one, &[("Title", "Clerk")]);
    house.wait(60).await;
    house.fine().await;
    // Looked up as not applied; what is sent after it arrives.
    house.wait(200).await;
    house.sf_edit(L, &one, &[("Title", "Boss")]);
    for _ in 0..2 {
        house.wait(200).await;
        house.fine().await;
    }
    assert_eq!(house.hs_value(H, &h, "jobtitle").as_deref(), Some("Boss"));
    let person = house.sf_convert(&one, None);
    house.wait(60).await;
    house.fine().await;
    house.wait(1800).await;
    for _ in 0..2 {
        house.fine().await;
        house.wait(60).await;
    }
    house.both((&person, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    let sandbox = house.sandbox.clone();
    let history = sandbox
        .lock()
        .unwrap()
        .portal
        .history(H, &h)
        .cloned()
        .unwrap();
    let landed = history
        .versions
        .iter()
        .filter(|one| one.value("jobtitle") == Some("Clerk"));
    assert_eq!(landed.count(), 1, "the scenario is real");
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_is_not_linked_with_a_leads_counterpart_that_somebody_deleted() {
    let rules = crowd(
        "deletes = \"archive\"",
        "creates = \"to_hubspot\"\ndeletes = \"archive\"",
    );
    for whole in [true, false] {
        let house = House::empty(&rules).await;
        let ann = lead(&house, "Ann");
        house.fine().await;
        let h = house.hs_ids(H).remove(0);
        house.wait(60).await;
        let now = house.clock.now();
        let set = values(&[("LastName", "Double"), ("Email", "ann@example.com")]);
        let contact = {
            let mut sandbox = house.sandbox.lock().unwrap();
            sandbox.org.insert(now, &colleague(), S, set).unwrap()
        };
        house.wait(60).await;
        house.fine().await;
        house.the_item(ItemKind::AlreadyLinked).await;
        house.hs_delete(H, &h);
        if !whole {
            // The write of its own mapping finds out.
            house.sf_edit(L, &ann, &[("Title", "Boss")]);
            house.wait(60).await;
            house.sync().await;
            house.sf_edit(S, &contact, &[("Title", "Chief")]);
        }
        for _ in 0..2 {
            house.days_later(1).await;
        }
        assert_eq!(house.sf_ids(S), [contact], "{whole}");
        let [own] = house.hs_ids(H).try_into().unwrap();
        assert_ne!(own, h);
        assert_eq!(
            house.hs_value(H, &own, "lastname").as_deref(),
            Some("Double")
        );
    }
}
