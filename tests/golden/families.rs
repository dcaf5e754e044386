//! Golden scenarios: the order of work, and records that refer to others of their own object
//! (docs/design/sync-semantics.md 14.2, 14.3).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{self, House, order};
use syncline::domain::{RunRecord, RunState};
use syncline::engine::{Order, Scope};
use syncline::store::{SimStore, Store};

const S: &str = "Account";
const H: &str = "companies";

/// Accounts with the one above them, and contacts; the contacts come first in the file.
fn rules(more: &str) -> String {
    let text = firms().replacen(
        "{ salesforce = \"Name\", hubspot = \"name\" },\n",
        "{ salesforce = \"Name\", hubspot = \"name\" },\n{ salesforce = \"ParentId\", hubspot = \"parent_company\", link = \"accounts\" },\n",
        1,
    );
    let text = text.replacen(
        "hubspot = { object = \"companies\" }\n",
        &format!("hubspot = {{ object = \"companies\" }}\n{more}\n"),
        1,
    );
    let parts: Vec<&str> = text.split("[[mapping]]").collect();
    let [head, accounts, contacts] = parts.as_slice() else {
        panic!("{text}");
    };
    format!("{head}[[mapping]]{contacts}[[mapping]]{accounts}")
}

fn account(house: &House, at: usize, parent: Option<&str>) -> String {
    let (name, site) = (format!("S{at}"), format!("s{at}.example"));
    let mut values = vec![("Name", name.as_str()), ("Website", &site)];
    values.extend(parent.map(|id| ("ParentId", id)));
    house.sf(S, &values)
}

fn company(house: &House, at: usize, parent: Option<&str>) -> String {
    let (name, site) = (format!("H{at}"), format!("h{at}.example"));
    let id = house.hs(H, &[("name", &name), ("domain", &site)]);
    if let Some(parent) = parent {
        put_below(house, &id, parent);
    }
    id
}

/// A person names the company above one.
fn put_below(house: &House, child: &str, parent: &str) {
    let now = house.clock.now();
    let mut sandbox = house.sandbox.lock().unwrap();
    assert!(
        sandbox
            .portal
            .associate(now, colleague(), H, child, H, parent, true)
    );
}

fn above(house: &House, id: &str) -> Option<String> {
    house.sandbox.lock().unwrap().portal.first_partner(H, id, H)
}

/// Names, each with that of the one above.
type Family = Vec<(String, String)>;

/// The name of the one above, in Salesforce and in HubSpot, by the name of each.
fn parents(house: &House) -> (Family, Family) {
    let hs_name = |id: &str| house.hs_value(H, id, "name").unwrap();
    let sf_name = |id: &str| house.sf_value(S, id, "Name").unwrap();
    let mut there: Vec<_> = house
        .hs_ids(H)
        .iter()
        .filter_map(|id| Some((hs_name(id), hs_name(&above(house, id)?))))
        .collect();
    let mut here: Vec<_> = house
        .sf_ids(S)
        .iter()
        .filter_map(|id| Some((sf_name(id), sf_name(&house.sf_value(S, id, "ParentId")?))))
        .collect();
    there.sort();
    here.sort();
    (here, there)
}

/// Five levels on each side, nothing of it on the other; made so that ids fall from parent to child on the one, rise on the other.
fn chains(house: &House) {
    let (mut s, mut h) = (None::<String>, None::<String>);
    for at in 0..5 {
        s = Some(account(house, at, s.as_deref()));
    }
    let all: Vec<String> = (0..5).map(|at| company(house, at, None)).collect();
    for id in all {
        if let Some(child) = h.replace(id.clone()) {
            put_below(house, &child, &id);
        }
    }
}

fn chained() -> Family {
    let of = |prefix: &'static str, from: usize, to: usize| {
        (format!("{prefix}{from}"), format!("{prefix}{to}"))
    };
    let down = (0..4).map(|at| of("H", at, at + 1));
    down.chain((1..5).map(|at| of("S", at, at - 1))).collect()
}

fn made(run: &RunRecord) -> u64 {
    let created = &counts(run, "accounts").created;
    created.salesforce + created.hubspot
}

#[tokio::test(start_paused = true)]
async fn parents_come_first_whatever_the_order_in_the_file() {
    let house = House::empty(&rules("")).await;
    let parent = account(&house, 0, None);
    let of = [
        ("LastName", "Berg"),
        ("Email", "a@example.com"),
        ("AccountId", &parent),
    ];
    house.sf("Contact", &of);
    let run = house.fine().await;
    let names: Vec<&str> = run
        .mappings
        .iter()
        .map(|row| row.mapping.as_str())
        .collect();
    assert_eq!(names, ["accounts", "contacts"]);
    let h = house.hs_ids("contacts").remove(0);
    let company = house.hs_ids(H).remove(0);
    let firm = house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .first_partner("contacts", &h, H);
    assert_eq!(firm, Some(company));
    house.quiet().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn five_levels_of_one_object_are_there_after_the_first_run() {
    let house = House::empty(&rules("")).await;
    chains(&house);
    let run = house.fine().await;
    assert_eq!(made(&run), 10);
    assert_eq!(parents(&house), (chained(), chained()));
    house.quiet().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_changes_on_one_side_changes_on_the_other_and_other_ties_stay() {
    let house = House::empty(&rules("")).await;
    let accounts: Vec<String> = (0..3).map(|at| account(&house, at, None)).collect();
    house.fine().await;
    house.settled().await;
    let companies: Vec<String> = (0..3)
        .map(|at| {
            let name = format!("S{at}");
            let all = house.hs_ids(H);
            all.into_iter()
                .find(|id| house.hs_value(H, id, "name") == Some(name.clone()))
                .unwrap()
        })
        .collect();
    let sync = async || {
        house.wait(60).await;
        house.fine().await;
        house.quiet().await;
    };
    house.sf_edit(S, &accounts[0], &[("ParentId", &accounts[1])]);
    sync().await;
    assert_eq!(above(&house, &companies[0]).as_ref(), Some(&companies[1]));
    house.sf_edit(S, &accounts[0], &[("ParentId", &accounts[2])]);
    sync().await;
    assert_eq!(above(&house, &companies[0]).as_ref(), Some(&companies[2]));
    house.sf_edit(S, &accounts[0], &[("ParentId", "")]);
    sync().await;
    assert_eq!(above(&house, &companies[0]), None);
    let portal = &house.sandbox.lock().unwrap().portal;
    let tied = portal.partners(H, &companies[0], H);
    assert!(
        tied.contains(&companies[2]),
        "what else ties the two is a person's: {tied:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_a_person_names_in_hubspot_is_named_in_salesforce() {
    let house = House::empty(&rules("")).await;
    let accounts: Vec<String> = (0..2).map(|at| account(&house, at, None)).collect();
    house.fine().await;
    house.settled().await;
    let by_name = |name: &str| {
        let mut all = house.hs_ids(H).into_iter();
        all.find(|id| house.hs_value(H, id, "name").as_deref() == Some(name))
            .unwrap()
    };
    let (child, parent) = (by_name("S0"), by_name("S1"));
    // HubSpot does not stamp a record whose association changed (14.5): an edit beside it makes the run look.
    put_below(&house, &child, &parent);
    house.hs_edit(H, &child, &[("numberofemployees", "7")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.sf_value(S, &accounts[0], "ParentId").as_ref(),
        Some(&accounts[1])
    );
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_request_makes_every_level_once_and_sets_every_parent() {
    let town = async || {
        let mut house = House::empty(&rules("")).await;
        let store = Arc::new(SimStore::new());
        house.store = store.clone();
        support::install(&house.store).await;
        let top = account(&house, 0, None);
        account(&house, 1, Some(&top));
        let bottom = company(&house, 0, None);
        put_below(&house, &bottom, &company(&house, 1, None));
        (house, store)
    };
    let whole = {
        let (house, _) = town().await;
        let (engine, wire) = wired(&house, 0, false, Box::new(|| {})).await;
        let record = engine.begin(&order()).await.unwrap();
        let end = engine.execute(record, &order()).await.unwrap();
        assert_eq!(end.record.state, RunState::Done, "{:?}", end.error);
        wire.sent.load(Ordering::SeqCst)
    };
    assert!(whole > 15, "{whole}");
    for at in 1..=whole {
        let keep = if at % 2 == 0 { 0 } else { usize::MAX };
        let (mut house, store) = town().await;
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
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let want = vec![pair("H0", "H1"), pair("S1", "S0")];
        assert_eq!(parents(&house), (want.clone(), want), "request {at}");
        assert_eq!(house.open_items().await, Vec::new(), "request {at}");
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_takes_a_family_back_children_first() {
    let house = House::empty(&rules("")).await;
    chains(&house);
    let run = house.fine().await;
    let undo = Order {
        scope: Scope::Undo(run.run),
        yes: true,
        ..order()
    };
    house.wait(600).await;
    let end = house.run(&undo).await;
    assert_eq!(
        end.record.state,
        RunState::Done,
        "{:?} {:?}",
        end.error,
        end.record
    );
    assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (5, 5));
    house.wait(600).await;
    let after = house.fine().await;
    assert_eq!(writes(&after), 0, "{after:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_family_that_was_deleted_together_is_archived_together() {
    let house = House::empty(&rules("deletes = \"archive\"")).await;
    chains(&house);
    house.fine().await;
    house.settled().await;
    for id in house.hs_ids(H) {
        let name = house.hs_value(H, &id, "name").unwrap();
        if ["S3", "S4"].contains(&name.as_str()) {
            house.hs_delete(H, &id);
        }
    }
    house.whole().await;
    assert_eq!(house.open_items().await, Vec::new());
    let mut left: Vec<_> = house
        .sf_ids(S)
        .iter()
        .map(|id| house.sf_value(S, id, "Name").unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["H0", "H1", "H2", "H3", "H4", "S0", "S1", "S2"]);
    house.quiet().await;
}
