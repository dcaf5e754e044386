//! Golden scenarios: what the store keeps, lets go, forgets on request, and finds again once it is lost
//! (docs/design/sync-semantics.md 2, 10.3, 19.4, 22).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::town::*;
use crate::support::{House, order};
use chrono::TimeDelta;
use syncline::domain::{
    Choice, Conflict, ErrorCategory, ItemKind, ItemState, LinkState, Op, OpState, RecordKey, RunId,
    RunKind, RunState, Side,
};
use syncline::engine::{Order, Rules, Scope};
use syncline::store::rows::{ActivityLine, BudgetRow, OpenOp};
use syncline::store::{
    Batch, Entry, Family, Key, Range, Room, SimStore, Store, StoreError, TypedStore, keys,
};

const S: &str = "Contact";
const H: &str = "contacts";
const DAY: u64 = 24 * 3600;

/// Runs are kept for a day.
fn keep_a_day(house: &mut House) {
    let mut rules = Rules::clone(&house.rules);
    rules.settings.retention = Duration::from_secs(DAY);
    house.rules = Arc::new(rules);
}

async fn runs(house: &House) -> Vec<u64> {
    let all = house.db().await.runs(1000).await.unwrap();
    all.into_iter().rev().map(|run| run.run.0).collect()
}

async fn journalled(house: &House) -> BTreeSet<u64> {
    let mut runs = BTreeSet::new();
    let db = house.db().await;
    db.walk(keys::all(Family::Journal), |op: Op| {
        runs.insert(op.run.0);
    })
    .await
    .unwrap();
    runs
}

async fn count(house: &House, family: Family) -> usize {
    let range = Range::prefix(keys::all(family), 100_000);
    house.store.range(range).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn runs_go_with_their_journals_after_their_time_and_the_newest_twenty_stay() {
    let (mut house, s, _) = clerk(&people("")).await;
    keep_a_day(&mut house);
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.fine().await;
    house.wait(2 * DAY).await;
    house.fine().await;
    assert_eq!(runs(&house).await, [1, 2, 3, 4, 5], "old, but the newest");
    assert_eq!(journalled(&house).await, BTreeSet::from([1, 4]));
    for _ in 0..19 {
        house.wait(60).await;
        house.fine().await;
    }
    // Runs 1 to 4 are old; the newest twenty are 5 to 24.
    assert_eq!(runs(&house).await, (5..=24).collect::<Vec<_>>());
    assert!(journalled(&house).await.is_empty());
    let order = Order {
        scope: Scope::Undo(RunId(4)),
        ..order()
    };
    let engine = house.engine().await;
    let gone = engine.begin(&order).await.unwrap_err().to_string();
    assert!(
        gone.contains("run 4 and its journal are no longer kept"),
        "{gone}"
    );
    let never = engine.forecast_undo(RunId(99)).await.unwrap_err();
    assert!(never.to_string().contains("there is no run 99"), "{never}");
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_journal_goes_in_parts_and_a_run_with_an_open_write_stays() {
    let (mut house, s, _) = clerk(&people("")).await;
    keep_a_day(&mut house);
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    let run = house.fine().await.run;
    let db = house.db().await;
    let range = Range::prefix(keys::by_run(Family::Journal, run), 1);
    let (_, op): (_, Op) = house.store.scan(range).await.unwrap().remove(0);
    // The first run wrote 5,100 rows; the second has a write without an answer that nobody can look up.
    for part in 0..51 {
        let mut tx = db.begin();
        for seq in 0..100 {
            let copy = Op {
                run: RunId(1),
                seq: 100 + part * 100 + seq,
                ..op.clone()
            };
            tx.put_op(&copy).unwrap();
        }
        tx.apply().await.unwrap();
    }
    let mut tx = db.begin();
    let open = Op {
        id: syncline::domain::OpId(5),
        run: RunId(2),
        seq: 1,
        mapping: "gone".into(),
        state: OpState::Unknown,
        ..op.clone()
    };
    tx.put_op(&open).unwrap();
    tx.commit().await.unwrap();
    house.wait(2 * DAY).await;
    for _ in 0..17 {
        house.wait(60).await;
        house.sync().await;
    }
    assert!(journalled(&house).await.contains(&1), "not all at once");
    assert!(!runs(&house).await.contains(&1), "its row is gone first");
    house.wait(60).await;
    house.sync().await;
    assert_eq!(journalled(&house).await, BTreeSet::from([2, 4]));
    assert_eq!(runs(&house).await[0], 2);
    assert_eq!(count(&house, Family::OpenOp).await, 1);
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn items_that_are_over_go_after_their_time_and_what_a_person_left_alone_stays() {
    let (mut house, s, h) = clerk(&people("conflict = \"ask\"")).await;
    keep_a_day(&mut house);
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.hs_edit(H, &h, &[("jobtitle", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    let item = house.the_item(ItemKind::Field).await;
    house.choose(&item, Choice::Take(Side::HubSpot)).await;
    house.fine().await;
    for name in ["Twin", "Twain"] {
        house.sf(S, &[("LastName", name), ("Email", "twin@example.com")]);
    }
    house.wait(60).await;
    house
        .run(&Order {
            scope: Scope::Full,
            ..order()
        })
        .await;
    let twins = house.open_items().await;
    assert_eq!(twins.len(), 2, "{twins:#?}");
    house.choose(&twins[0], Choice::Ignore).await;
    house.fine().await;
    assert_eq!(count(&house, Family::Conflict).await, 1);
    house.wait(2 * DAY).await;
    house.fine().await;
    assert_eq!(count(&house, Family::Conflict).await, 0);
    let mut left: Vec<Conflict> = Vec::new();
    let db = house.db().await;
    db.walk(keys::all(Family::Review), |item| left.push(item))
        .await
        .unwrap();
    let states: BTreeSet<_> = left
        .iter()
        .map(|item| (item.state == ItemState::Open, item.id))
        .collect();
    assert_eq!(
        states,
        BTreeSet::from([(false, twins[0].id), (true, twins[1].id)])
    );
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn old_lines_of_the_activity_list_and_old_hours_of_the_budget_go() {
    let (house, _, _) = clerk(&people("")).await;
    let now = house.clock.now();
    let hour = |days: i64| ((now - TimeDelta::days(days)).timestamp() / 3600) as u64;
    let mut batch = Batch::default();
    for (seq, days) in [(0, 91), (1, 89)] {
        // Before those that the runs wrote.
        let line = ActivityLine {
            at: now - TimeDelta::days(days),
            kind: String::new(),
            text: String::new(),
        };
        batch.put_row(keys::activity(seq), &line).unwrap();
    }
    for days in [15, 13] {
        let key = keys::budget(Side::HubSpot, hour(days));
        batch.put_row(key, &BudgetRow::default()).unwrap();
    }
    house.store.commit(batch).await.unwrap();
    house.fine().await;
    let there = |key| house.store.get(key);
    assert_eq!(there(keys::activity(0)).await.unwrap(), None);
    assert!(there(keys::activity(1)).await.unwrap().is_some());
    assert_eq!(
        there(keys::budget(Side::HubSpot, hour(15))).await.unwrap(),
        None
    );
    assert!(
        there(keys::budget(Side::HubSpot, hour(13)))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_run_reads_no_more_rows_however_many_items_are_over() {
    let (house, _, _) = clerk(&people("")).await;
    let before = house.store.rows_read();
    house.idle().await;
    let few = house.store.rows_read() - before;
    let mut batch = Batch::default();
    for number in 0..3000u128 {
        let tomb = syncline::store::rows::Tomb::default();
        let id = number.to_string().as_str().into();
        batch
            .put_row(keys::tomb(&"contacts".into(), Side::HubSpot, &id), &tomb)
            .unwrap();
    }
    house.store.commit(batch).await.unwrap();
    let before = house.store.rows_read();
    house.idle().await;
    let many = house.store.rows_read() - before;
    // `idle` is three runs and a doctor, which reads everything.
    assert!(many < few + 3 * 200 + 2 * 3000, "{few} rows, then {many}");
}

/// Everything that is stored, as text.
async fn all_text(house: &House) -> String {
    let mut text = String::new();
    for family in Family::ALL {
        let range = Range::prefix(keys::all(family), 100_000);
        for (key, value) in house.store.range(range).await.unwrap() {
            text.push_str(&format!(
                "{} {} {}\n",
                family.name(),
                String::from_utf8_lossy(&key.0),
                String::from_utf8_lossy(&value)
            ));
        }
    }
    text
}

async fn forget(house: &House, side: Side, object: &str, id: &str) -> syncline::engine::Forgetting {
    let db = house.db().await;
    let record = RecordKey {
        side,
        object: object.into(),
        id: id.into(),
    };
    let found = db
        .find_to_forget(&house.rules.mappings, record.clone())
        .await
        .unwrap();
    assert!(!found.is_open());
    db.forget(&house.rules.mappings, &found, "you", house.clock.now())
        .await
        .unwrap();
    assert!(db.is_forgotten(&record).await.unwrap());
    found
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_person_leaves_no_value_and_no_id_and_is_never_synced_again() {
    let house = House::empty(&firms().replace(
        "name = \"contacts\"",
        "name = \"contacts\"\nconflict = \"ask\"",
    ))
    .await;
    let firm = house.sf("Account", &[("Name", "Acme"), ("Website", "acme.example")]);
    let s = house.sf(
        S,
        &[
            ("LastName", "Secretson"),
            ("Email", "anna@secret.example"),
            ("Title", "Spy"),
            ("AccountId", &firm),
        ],
    );
    let other = house.sf(S, &[("LastName", "Other"), ("Email", "other@example.com")]);
    // So that a contact's id is not a company's too.
    for name in ["First", "Second", "Third"] {
        house.hs(
            H,
            &[
                ("lastname", name),
                ("email", &format!("{name}@example.com")),
            ],
        );
    }
    house.fine().await;
    house.settled().await;
    let made = house.links().await;
    let h = made
        .iter()
        .find(|link| link.ids.salesforce.as_ref().is_some_and(|id| id.0 == s))
        .and_then(|link| link.ids.hubspot.clone())
        .unwrap()
        .0;
    house.sf_edit(S, &s, &[("Title", "Spymaster")]);
    house.hs_edit(H, &h, &[("jobtitle", "Spychief"), ("city", "Hideaway")]);
    house.wait(60).await;
    house.fine().await;
    house.the_item(ItemKind::Field).await;
    let before = all_text(&house).await;
    let of_hubspot = [format!("\"{h}\""), format!("{h}\0\u{1}")];
    let [quoted, in_keys] = &of_hubspot;
    for word in [
        "Secretson",
        "secret.example",
        "Spychief",
        &s,
        quoted,
        in_keys,
    ] {
        assert!(before.contains(word), "{word}");
    }

    let found = forget(&house, Side::HubSpot, H, &h).await;
    assert_eq!((found.links.len(), found.conflicts.len()), (1, 1));
    assert!(found.ops.len() >= 2, "{}", found.ops.len());
    let after = all_text(&house).await;
    for word in [
        "Secretson",
        "secret.example",
        "Spy",
        "Hideaway",
        &s,
        quoted,
        in_keys,
    ] {
        let line = after.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word}");
    }
    house.sound().await;
    assert_eq!(house.links().await.len(), made.len() - 1);

    // Edits of it, a full pass and an undo of what made it: nobody writes to it, nobody makes it anew.
    house.sf_edit(S, &s, &[("Title", "Ghost")]);
    house.hs_edit(H, &h, &[("jobtitle", "Shade")]);
    house.sf_edit(S, &other, &[("Title", "Clerk")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(counts(&run, "contacts").excluded, 2);
    assert_eq!(counts(&run, "contacts").updated.hubspot, 1);
    let full = house
        .run(&Order {
            scope: Scope::Full,
            ..order()
        })
        .await
        .record;
    adds_up_whole(counts(&full, "contacts"));
    assert_eq!((writes(&full), counts(&full, "contacts").excluded), (0, 2));
    house.both((&s, &h), ("Title", "jobtitle"), ("Ghost", "Shade"));
    assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (5, 5));
    let undo = Order {
        scope: Scope::Undo(RunId(1)),
        ..order()
    };
    let end = house.run(&undo).await;
    assert!(end.error.is_none(), "{:?}", end.error);
    assert!(
        house.hs_value(H, &h, "email").is_some(),
        "an undo leaves it alone"
    );
    assert!(!all_text(&house).await.contains(&s));
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_record_is_not_found_by_the_look_up_before_a_create() {
    let (house, s, h) = clerk(&people("")).await;
    forget(&house, Side::Salesforce, S, &s).await;
    // The same person is entered anew in Salesforce: HubSpot holds the address, and names who has it; nobody is offered that.
    let again = house.sf(S, &[("LastName", "Berg"), ("Email", "anna@example.com")]);
    house.wait(60).await;
    house
        .run(&Order {
            scope: Scope::Full,
            ..order()
        })
        .await;
    let error = house.the_error().await;
    assert_eq!(error.category, ErrorCategory::Duplicate);
    assert_eq!(error.record.id.as_str(), again);
    assert!(house.open_items().await.is_empty());
    assert!(
        !all_text(&house)
            .await
            .contains(&format!("Existing ID: {h}"))
    );
    assert!(house.links().await.is_empty());
    assert_eq!(house.hs_value(H, &h, "syncline_salesforce_id"), Some(s));
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_record_does_not_come_back_as_what_it_was_merged_into() {
    let (house, s, h) = clerk(&people("deletes = \"archive\"")).await;
    let other = house.hs(H, &[("lastname", "Secretson"), ("jobtitle", "Spy")]);
    forget(&house, Side::HubSpot, H, &other).await;
    let new = house.hs_merge(H, &other, &h);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house
        .run(&Order {
            scope: Scope::Full,
            ..order()
        })
        .await;
    assert_eq!(house.the_error().await.category, ErrorCategory::Gone);
    assert_eq!(house.sf_value(S, &s, "Title").as_deref(), Some("Clerk"));
    assert_eq!((house.sf_ids(S), house.hs_ids(H)), (vec![s], vec![new]));
    let text = all_text(&house).await;
    assert!(
        !text.contains("Secretson") && !text.contains("Spy"),
        "{text}"
    );
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_looked_up_before_its_record_is_forgotten() {
    let (house, s, _) = clerk(&people("")).await;
    let db = house.db().await;
    let link = house.links().await.remove(0);
    let range = Range::prefix(keys::all(Family::Journal), 1);
    let (_, op): (_, Op) = house.store.scan(range).await.unwrap().remove(0);
    let mut tx = db.begin();
    let open = Op {
        id: syncline::domain::OpId(5),
        seq: 900,
        state: OpState::Unknown,
        link: link.id,
        ..op
    };
    tx.put_op(&open).unwrap();
    tx.commit().await.unwrap();
    assert!(OpenOp::may_be(open.state) && link.state == LinkState::Active);
    let record = RecordKey {
        side: Side::Salesforce,
        object: S.into(),
        id: s.as_str().into(),
    };
    let found = db
        .find_to_forget(&house.rules.mappings, record)
        .await
        .unwrap();
    assert!(found.is_open());
}

/// The same vendors with a new, empty store of another installation.
async fn lose_store(house: &mut House) {
    let store: Arc<dyn Store> = Arc::new(SimStore::new());
    let mut batch = Batch::default();
    let install = "fedcba9876543210fedcba9876543210";
    batch
        .put_row(keys::meta(keys::META_INSTALL), install)
        .unwrap();
    store.commit(batch).await.unwrap();
    house.store = store;
}

#[tokio::test(start_paused = true)]
async fn a_lost_store_is_found_again_by_the_key_fields_without_a_create_and_without_a_write() {
    let mut house = House::empty(&firms()).await;
    house.village();
    house.fine().await;
    house.settled().await;
    let links = |all: Vec<syncline::domain::Link>| -> BTreeSet<_> {
        all.into_iter()
            .map(|link| (link.ids.salesforce, link.ids.hubspot))
            .collect()
    };
    let before = links(house.links().await);
    let records = (
        house.sf_ids(S),
        house.hs_ids(H),
        house.sf_ids("Account"),
        house.hs_ids("companies"),
    );
    lose_store(&mut house).await;
    let run = house.fine().await;
    assert_eq!(
        (run.kind, run.state, writes(&run)),
        (RunKind::Full, RunState::Done, 0),
        "{run:#?}"
    );
    assert_eq!(links(house.links().await), before);
    let after = (
        house.sf_ids(S),
        house.hs_ids(H),
        house.sf_ids("Account"),
        house.hs_ids("companies"),
    );
    assert_eq!(after, records);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_edited_while_the_store_was_lost_is_asked_about_and_never_overwritten() {
    let (mut house, s, h) = clerk(&people("conflict = \"ask\"")).await;
    // The address that matched them is another now, on one side: only the key fields say who belongs together.
    house.hs_edit(
        H,
        &h,
        &[("email", "berg@elsewhere.example"), ("city", "Oslo")],
    );
    lose_store(&mut house).await;
    house.wait(60).await;
    let run = house.fine().await;
    let got = counts(&run, "contacts");
    assert_eq!(
        (got.linked, got.created.salesforce + got.created.hubspot),
        (1, 0)
    );
    let item = house.the_item(ItemKind::Field).await;
    assert_eq!((item.field.as_str(), item.base), ("Email", None));
    house.both(
        (&s, &h),
        ("Email", "email"),
        ("anna@example.com", "berg@elsewhere.example"),
    );
    // A blank is filled, as at any first sync.
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_stolen_stamp_links_nobody_when_a_lost_store_is_found_again() {
    let (mut house, s, h) = clerk(&people("")).await;
    let copy = house.sf(S, &[("LastName", "Copy"), ("Email", "copy@example.com")]);
    lose_store(&mut house).await;
    // HubSpot lets nobody hold a unique value twice; a copy in Salesforce comes without it, a HubSpot copy too. What is left
    // is a stamp that points to a record whose own stamp names another.
    house.hs_edit(H, &h, &[("syncline_salesforce_id", &copy)]);
    house.wait(60).await;
    house.fine().await;
    let links = house.links().await;
    assert!(links.is_empty(), "{links:#?}");
    let asked: BTreeSet<_> = house
        .open_items()
        .await
        .into_iter()
        .map(|item| item.kind)
        .collect();
    assert_eq!(asked, BTreeSet::from([ItemKind::AmbiguousMatch]));
    assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (2, 1));
    let _ = s;
    house.sound().await;
}

/// A store on a disk with that much free.
struct OnDisk {
    below: Arc<dyn Store>,
    room: Mutex<Room>,
}

#[async_trait::async_trait]
impl Store for OnDisk {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.below.get(key).await
    }
    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.below.get_many(keys).await
    }
    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.below.range(range).await
    }
    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.below.apply(batch).await
    }
    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.below.commit(batch).await
    }
    fn rows_read(&self) -> u64 {
        self.below.rows_read()
    }
    fn room(&self) -> Option<Room> {
        Some(*self.room.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_for_which_the_disk_has_no_room_is_not_begun_and_one_that_would_fill_it_writes_nothing()
 {
    let (mut house, s, h) = clerk(&people("")).await;
    let disk = Arc::new(OnDisk {
        below: house.store.clone(),
        room: Mutex::new(Room {
            used: 0,
            free: 33_000_000,
        }),
    });
    house.store = disk.clone();
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    let error = house
        .engine()
        .await
        .begin(&order())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("33 MB free and this run may need 34 MB"),
        "{error}"
    );
    assert_eq!(runs(&house).await.len(), 3, "nothing was begun");
    // Enough to begin with, but not for what it finds to do.
    disk.room.lock().unwrap().free = 33_560_000;
    let end = house.run(&order()).await;
    assert_eq!(end.record.state, RunState::Halted);
    assert_eq!(end.record.valves[0].valve, "disk");
    assert_eq!(writes(&end.record), 0);
    disk.room.lock().unwrap().free = u64::MAX;
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}
