//! Golden scenarios of the anti-entropy sweep (docs/design/sync-semantics.md 5.4): what no look for changes could see.

use std::sync::Arc;

use crate::support::mortal::{Disk, Doom};
use crate::support::town::*;
use crate::support::{House, order};
use chrono::TimeDelta;
use syncline::domain::{ErrorCategory, ItemKind, RunRecord, RunState, Side};
use syncline::engine::{Order, Scope};
use syncline::sandbox::history::Author;
use syncline::store::{Family, Range, SimStore, keys};

const DAY: u64 = 24 * 3600;
const S: &str = "Contact";
const H: &str = "contacts";

impl House {
    /// HubSpot's search shows no change for days.
    fn search_sleeps(&self) {
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox.portal.set_index_lag(TimeDelta::days(20));
    }

    /// So many days later, a run that must end well and cost what the formula says.
    pub(crate) async fn days_later(&self, days: u64) -> RunRecord {
        self.wait(days * DAY).await;
        self.fine().await
    }

    /// Calls of list pages and the like, without sign-in and schema.
    fn observed(run: &RunRecord) -> (u64, u64) {
        let count = run
            .calls
            .purposes
            .get("observe")
            .copied()
            .unwrap_or_default();
        (count.salesforce, count.hubspot)
    }

    /// Every row that a run at rest leaves as it is (I-4), and the stamps of sweeps apart.
    async fn rows_at_rest(&self) -> Vec<String> {
        const MOVING: [Family; 7] = [
            Family::Cursor,
            Family::Run,
            Family::Activity,
            Family::Budget,
            Family::Meta,
            Family::Schema,
            Family::Swept,
        ];
        let mut rows = Vec::new();
        for family in Family::ALL.into_iter().filter(|one| !MOVING.contains(one)) {
            let range = Range::prefix(keys::all(family), 10_000);
            rows.extend(self.store.range(range).await.unwrap());
        }
        rows.iter().map(|row| format!("{row:?}")).collect()
    }

    async fn stamps(&self) -> usize {
        let range = Range::prefix(keys::all(Family::Swept), 10_000);
        self.store.range(range).await.unwrap().len()
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_the_search_never_showed_arrives_with_the_sweep() {
    let (house, s, h) = clerk(&people("")).await;
    house.search_sleeps();
    house.hs_edit(H, &h, &[("jobtitle", "Pilot")]);
    house.settled().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Pilot"));
    let run = house.days_later(1).await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Pilot", "Pilot"));
    assert_eq!(counts(&run, "contacts").updated.salesforce, 1);
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_value_that_changed_without_a_new_stamp_arrives_with_the_weekly_sweep() {
    let (house, s, h) = clerk(&people("")).await;
    // As a formula does: the value is another one, the stamp is not.
    let stamp = house.sf_value(S, &s, "SystemModstamp").unwrap();
    let stamp = chrono::DateTime::parse_from_str(&stamp, "%Y-%m-%dT%H:%M:%S%.f%z").unwrap();
    let now = house.clock.now();
    let edit = values(&[("MailingCity", "Oslo")]);
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .edit_with_stamp(now, stamp.into(), &colleague(), S, &s, edit)
        .unwrap();
    house.settled().await;
    house.days_later(1).await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", ""));
    house.days_later(6).await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn an_association_changed_unseen_arrives_with_the_sweep() {
    let house = House::empty(&firms()).await;
    house.village();
    house.fine().await;
    house.settled().await;
    house.search_sleeps();
    let link = |links: &[syncline::domain::Link]| {
        let found = links
            .iter()
            .find(|link| link.mapping.as_str() == "contacts");
        found.unwrap().ids.clone()
    };
    let ids = link(&house.links().await);
    let (s, h) = (ids.salesforce.unwrap().0, ids.hubspot.unwrap().0);
    let before = house.sf_value(S, &s, "AccountId").unwrap();
    let company = {
        let mut sandbox = house.sandbox.lock().unwrap();
        let old = sandbox.portal.partners(H, &h, "companies");
        let all = sandbox.portal.ids("companies");
        let other = all.into_iter().find(|id| !old.contains(id)).unwrap();
        let now = house.clock.now();
        let portal = &mut sandbox.portal;
        assert!(portal.associate(now, colleague(), H, &h, "companies", &other, true));
        other
    };
    house.settled().await;
    assert_eq!(house.sf_value(S, &s, "AccountId"), Some(before.clone()));
    let run = house.days_later(1).await;
    assert_eq!(counts(&run, "contacts").updated.salesforce, 1);
    let after = house.sf_value(S, &s, "AccountId").unwrap();
    assert_ne!(after, before);
    let links = house.links().await;
    let account = links
        .iter()
        .find(|link| link.ids.hubspot.as_ref().is_some_and(|id| id.0 == company));
    assert_eq!(account.unwrap().ids.salesforce.as_ref().unwrap().0, after);
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn an_association_of_what_two_records_were_merged_into_arrives_with_the_sweep() {
    let house = House::empty(&firms()).await;
    let firm = [("name", "Nautilus"), ("domain", "nautilus.example")];
    let firm = house.hs("companies", &firm);
    let mails = ["lund@example.com", "moe@example.com"];
    let [(s, h), (_, other)] = mails.map(|mail| {
        let s = house.sf(S, &[("LastName", mail), ("Email", mail)]);
        (s, house.hs(H, &[("lastname", mail), ("email", mail)]))
    });
    house.fine().await;
    let survivor = house.hs_merge(H, &h, &other);
    house.settled().await;
    // Its counterpart's page has a question: which of two is it?
    house.the_item(ItemKind::MergeCollision).await;
    house.search_sleeps();
    {
        let (now, by) = (house.clock.now(), colleague());
        let mut sandbox = house.sandbox.lock().unwrap();
        let portal = &mut sandbox.portal;
        assert!(portal.associate(now, by, H, &survivor, "companies", &firm, true));
    }
    house.settled().await;
    assert_eq!(house.sf_value(S, &s, "AccountId"), None);
    house.days_later(1).await;
    assert!(house.sf_value(S, &s, "AccountId").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_record_made_unseen_gets_its_counterpart_with_the_sweep() {
    let (house, _, _) = clerk(&people("")).await;
    house.search_sleeps();
    let now = house.clock.now();
    let made = values(&[("lastname", "Lund"), ("email", "lund@example.com")]);
    let author = Author::Colleague("005000000000001AAA".into());
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .insert(now, author, H, made)
        .unwrap();
    house.settled().await;
    assert_eq!(house.sf_ids(S).len(), 1);
    let run = house.days_later(1).await;
    assert_eq!(counts(&run, "contacts").created.salesforce, 1);
    assert_eq!(house.sf_ids(S).len(), 2);
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_archived_unseen_is_found_out_by_a_direct_read() {
    let (house, s, h) = clerk(&people("deletes = \"ask\"")).await;
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .archive(now, colleague(), H, &h)
        .unwrap();
    house.settled().await;
    house.days_later(1).await;
    house.the_item(ItemKind::Deletion).await;
    assert_eq!(house.hs_ids(H).len(), 0, "nothing is made anew");
    assert_eq!(house.sf_ids(S), [s]);
    house.idle().await;
}

async fn keys_of(house: &House, side: Side, id: &str) -> Vec<(u8, u128)> {
    let (db, mapping) = (house.db().await, named("contacts"));
    let keys = db.match_keys(&mapping, side, &[id.into()]).await;
    keys.unwrap().remove(0)
}

/// Two Salesforce doubles, and the HubSpot record that may be either's counterpart: all wait for a person.
async fn doubles() -> (House, String) {
    let house = House::empty(&people("deletes = \"archive\"")).await;
    for name in ["Berg", "Bergh"] {
        house.sf(S, &[("LastName", name), ("Email", "b@example.com")]);
    }
    let h = house.hs(H, &[("lastname", "Berg"), ("email", "b@example.com")]);
    house.fine().await;
    house.settled().await;
    assert_eq!(house.open_items().await.len(), 3);
    (house, h)
}

/// Nothing is left of the record that was archived: no question about it, and none that offers it.
async fn forgot(house: &House, h: &str) {
    let items = house.open_items().await;
    assert_eq!(items.len(), 2, "{items:#?}");
    let offers = |item: &syncline::domain::Conflict| {
        let mut all = item.candidates.iter();
        all.any(|one| one.record.id.as_str() == h)
    };
    assert!(!items.iter().any(offers), "{items:#?}");
    assert_eq!(keys_of(house, Side::HubSpot, h).await, []);
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_without_a_link_that_was_archived_is_forgotten_by_a_full_run() {
    let (house, h) = doubles().await;
    house.hs_delete(H, &h);
    let run = house.whole().await;
    assert_eq!(counts(&run, "contacts").review, 2);
    forgot(&house, &h).await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_without_a_link_that_was_archived_is_forgotten_by_the_sweep() {
    let (house, h) = doubles().await;
    house.days_later(1).await;
    house.hs_delete(H, &h);
    let run = house.days_later(1).await;
    assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
    assert_eq!(house.open_items().await.len(), 2);
    // The doubles themselves are looked at again where everything is.
    house.whole().await;
    forgot(&house, &h).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_without_a_link_that_is_only_hidden_waits_on() {
    let house = House::empty(&people("creates = \"none\"")).await;
    let s = house.sf(S, &[("LastName", "Berg"), ("Email", "b@example.com")]);
    house.fine().await;
    house.settled().await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.days_later(7).await;
    house.whole().await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    assert!(!keys_of(&house, Side::Salesforce, &s).await.is_empty());
    assert!(house.errors().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_record_is_not_linked_with_one_that_was_archived_before_anybody_saw_it() {
    let house = House::empty(&people("creates = \"none\"\ndeletes = \"archive\"")).await;
    let h = house.hs(H, &[("lastname", "Berg"), ("email", "b@example.com")]);
    house.fine().await;
    house.settled().await;
    house.hs_delete(H, &h);
    house.wait(60).await;
    let made = values(&[("LastName", "Berg"), ("Email", "b@example.com")]);
    let now = house.clock.now();
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .insert(now, &colleague(), S, made)
        .unwrap();
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0, "{run:#?}");
    assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
    assert!(house.links().await.is_empty());
    house.quiet().await;
    assert_eq!(house.sf_ids(S).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_links_with_a_record_that_was_archived_links_nobody() {
    let (house, h) = doubles().await;
    let items = house.open_items().await;
    let item = items
        .iter()
        .find(|item| item.sides.salesforce.id.is_some())
        .unwrap();
    let choice = syncline::domain::Choice::Link(h.as_str().into());
    house.choose(item, choice).await;
    house.hs_delete(H, &h);
    house.send_stored().await;
    assert!(house.links().await.is_empty(), "{:#?}", house.links().await);
    assert_eq!(house.sf_ids(S).len(), 2);
    house.quiet().await;
    assert_eq!(house.sf_ids(S).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn whatever_a_person_says_of_records_that_are_alike_the_totals_are_those_of_the_lists() {
    use syncline::domain::Choice;
    for (first, second) in (0..3).flat_map(|first| (0..3).map(move |second| (first, second))) {
        for link_first in [false, true] {
            let (house, _) = doubles().await;
            let items = house.open_items().await;
            for (at, links) in [(first, link_first), (second, !link_first)] {
                let other = items[at].candidates.iter().find(|one| {
                    let own = items[at].sides.get(one.record.side);
                    own.id.is_none()
                });
                let choice = match other.filter(|_| links) {
                    Some(other) => Choice::Link(other.record.id.clone()),
                    None => Choice::Ignore,
                };
                if at != first || links == link_first {
                    house.choose(&items[at], choice).await;
                }
                house.sound().await;
            }
            for pause in [30, 130, 400] {
                house.wait(pause).await;
                house.fine().await;
                house.sound().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_only_hidden_is_no_deletion() {
    let (house, s, h) = clerk(&people("")).await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.days_later(7).await;
    assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    assert!(house.open_items().await.is_empty());
    assert_eq!(house.hs_ids(H), [h]);
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    assert!(house.errors().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_over_a_world_at_rest_costs_its_pages_and_changes_nothing() {
    let house = House::empty(&firms()).await;
    house.village();
    house.fine().await;
    house.settled().await;
    let before = house.rows_at_rest().await;
    let run = house.days_later(7).await;
    assert_eq!(writes(&run), 0, "{run:#?}");
    assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
    // Two objects a side: a look for changes and a page of the walk each.
    assert_eq!(House::observed(&run), (4, 4));
    assert_eq!(house.rows_at_rest().await, before);
    for row in &run.mappings {
        assert_eq!(row.counts.read.salesforce + row.counts.read.hubspot, 0);
    }
    assert_eq!(house.stamps().await, 2 * house.links().await.len());
    let next = house.quiet().await;
    assert_eq!(House::observed(&next), (2, 2), "the sweeps are through");
}

#[tokio::test(start_paused = true)]
async fn a_large_object_is_walked_over_in_slices_across_runs() {
    let house = House::empty(&people("creates = \"none\"")).await;
    for at in 0..1_150 {
        let mail = format!("p{at}@example.com");
        house.hs(H, &[("lastname", "Vik"), ("email", &mail)]);
    }
    house.fine().await;
    house.settled().await;
    let pages = |run: &RunRecord| House::observed(run).1 - 1;
    assert_eq!(pages(&house.days_later(1).await), 10);
    let cursor = house.db().await.cursor(Side::HubSpot, H).await.unwrap();
    assert_eq!((cursor.sweep.read, cursor.sweep.walked), (1_000, false));
    house.wait(900).await;
    assert_eq!(pages(&house.fine().await), 2);
    house.wait(900).await;
    assert_eq!(pages(&house.fine().await), 0);
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn from_a_side_that_lost_half_its_records_a_sweep_concludes_nothing_until_a_person_has_looked()
 {
    let house = House::empty(&people("")).await;
    let made: Vec<String> = (0..30)
        .map(|at| {
            let mail = format!("p{at}@example.com");
            house.hs(H, &[("lastname", "Vik"), ("email", &mail)]);
            house.sf(S, &[("LastName", "Vik"), ("Email", &mail)])
        })
        .collect();
    house.fine().await;
    house.settled().await;
    for id in &made[..20] {
        house.sandbox.lock().unwrap().org.hide_record(S, id, true);
    }
    house.wait(7 * DAY).await;
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted);
    assert_eq!(run.valves[0].valve, "empty_source");
    assert!(house.errors().await.is_empty());
    house.wait(900).await;
    house.fine().await;
    let full = Order {
        scope: Scope::Full,
        ..order()
    };
    let run = house.run(&full).await.record;
    assert!(run.state != RunState::Halted, "{:?}", run.reason);
    assert_eq!(
        house.errors().await.len(),
        20,
        "not seen, and nothing says deleted"
    );
    assert_eq!(house.hs_ids(H).len(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_does_not_answer_is_told_of_until_it_does_whatever_a_sweep_finds_beside_it() {
    let house = House::empty(&people("")).await;
    let s = house.sf(S, &[("LastName", "Berg"), ("Email", "b@example.com")]);
    house.hs(H, &[("lastname", "Berg"), ("email", "b@example.com")]);
    house.fine().await;
    house.sf_delete(S, &s);
    house.wait(16 * 86_400).await;
    for pause in [30, 130, 400, 1_000, 4_000, 20_000] {
        house.wait(pause).await;
        house.fine().await;
    }
    house.wait(90_000).await;
    house.whole().await;
    for _ in 0..4 {
        house.wait(90_000).await;
        house.fine().await;
        assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_walk_met_that_died_before_its_place_was_noted_is_missed_by_the_next() {
    let everything = Order {
        scope: Scope::Full,
        ..order()
    };
    for at in 1.. {
        let (mut house, s, h) = clerk(&people("deletes = \"ask\"")).await;
        let disk = Arc::new(SimStore::new());
        copy(&house.store, &disk).await;
        let doom = Arc::new(Doom::default());
        let mortal = Arc::new(Disk::over(disk, doom.clone()));
        house.store = mortal.clone();
        doom.arm(Some(at));
        tokio::select! {
            _ = house.run(&everything) => break,
            () = doom.strikes() => {}
        }
        doom.arm(None);
        mortal.crash(|count| count);
        house.hs_delete(H, &h);
        house.wait(60).await;
        house.run(&everything).await;
        house.the_item(ItemKind::Deletion).await;
        assert_eq!(house.sf_ids(S), [s], "crossing {at}");
    }
}
