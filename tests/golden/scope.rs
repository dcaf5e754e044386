//! Golden scenarios of scope (docs/design/sync-semantics.md 12.6): which records a mapping takes up, what leaves, what comes
//! back; and the engine's reading of conditions against the sandbox's own.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support;
use crate::support::town::*;
use crate::support::{House, order};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use syncline::domain::condition::Condition;
use syncline::domain::{ItemKind, LinkState, RunState};
use syncline::engine::Order;
use syncline::sandbox::Side as Party;
use syncline::sandbox::http::Request;
use syncline::sandbox::salesforce::settings::OrgSettings;

const DAY: u64 = 24 * 3600;
const S: &str = "Contact";
const H: &str = "contacts";

/// The same mappings, of contacts that meet a condition.
fn scoped(text: &str, condition: &str, leaves: &str) -> String {
    let (from, to) = (
        "object = \"Contact\" }",
        format!("object = \"Contact\", where = \"{condition}\" }}\nleaves_scope = \"{leaves}\""),
    );
    assert!(text.contains(from));
    text.replace(from, &to)
}

const CLERKS: &str = "Title = 'clerk' OR Title = null";

pub(crate) fn clerks(leaves: &str) -> String {
    scoped(&people(""), CLERKS, leaves)
}

#[tokio::test(start_paused = true)]
async fn only_records_within_the_scope_are_taken_up_and_the_others_shadow_their_twins() {
    let house = House::empty(&clerks("keep")).await;
    let sf = |name: &str, title: &str| {
        let mail = format!("{name}@example.com");
        house.sf(S, &[("LastName", name), ("Email", &mail), ("Title", title)])
    };
    let hs = |name: &str, title: &str| {
        let mail = format!("{name}@example.com");
        house.hs(
            H,
            &[("lastname", name), ("email", &mail), ("jobtitle", title)],
        )
    };
    sf("inside", "Clerk");
    sf("outside", "Chief");
    sf("twin", "Chief");
    hs("twin", "Clerk");
    hs("wanted", "Clerk");
    hs("unwanted", "Chief");
    let run = house.fine().await;
    let found = counts(&run, "contacts");
    assert_eq!((found.created.hubspot, found.created.salesforce), (1, 1));
    // Two Salesforce records outside, the twin of one of them, and one whose counterpart would lie outside.
    assert_eq!(found.excluded, 4);
    assert_eq!((house.sf_ids(S).len(), house.hs_ids(H).len()), (4, 4));
    house.quiet().await;
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_comes_into_the_scope_finds_its_twin() {
    let house = House::empty(&clerks("keep")).await;
    let s = house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "b@example.com"),
            ("Title", "Chief"),
        ],
    );
    let h = house.hs(H, &[("lastname", "Berg"), ("email", "b@example.com")]);
    house.fine().await;
    assert!(house.links().await.is_empty());
    house.sf_edit(S, &s, &[("Title", "Clerk")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.links().await.len(), 1);
    house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Clerk"));
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_link_syncs_on_outside_the_scope() {
    let (house, s, h) = clerk(&clerks("keep")).await;
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Chief"));
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(120).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_left_while_it_was_hidden_is_not_written() {
    for leaves in ["freeze", "unlink"] {
        let (house, s, h) = clerk(&clerks(leaves)).await;
        let hide = |hidden: bool| {
            let mut sandbox = house.sandbox.lock().unwrap();
            sandbox.org.hide_record(S, &s, hidden);
        };
        hide(true);
        house.sf_edit(S, &s, &[("Title", "Chief")]);
        house.settled().await;
        // No window tells of it any more.
        hide(false);
        house.hs_edit(H, &h, &[("city", "Oslo")]);
        house.wait(120).await;
        assert_eq!(writes(&house.fine().await), 0);
        house.both((&s, &h), ("MailingCity", "city"), ("", "Oslo"));
        assert_ne!(house.links().await[0].state, LinkState::Active);
        house.idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_frozen_link_rests_until_its_record_is_back_and_merges_with_its_old_base() {
    let (house, s, h) = clerk(&clerks("freeze")).await;
    house.sf_edit(S, &s, &[("Title", "Chief"), ("MailingCity", "Bergen")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    assert_eq!(counts(&run, "contacts").unchanged, 1);
    assert_eq!(house.links().await[0].state, LinkState::OutOfScope);
    house.hs_edit(H, &h, &[("firstname", "Anna")]);
    house.wait(120).await;
    assert_eq!(writes(&house.fine().await), 0);
    house.idle().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Chief", "Clerk"));
    house.both((&s, &h), ("FirstName", "firstname"), ("", "Anna"));
    // Back: each side's edit travels, and what was the same before is no conflict.
    house.sf_edit(S, &s, &[("Title", "Clerk")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(house.links().await[0].state, LinkState::Active);
    house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Clerk"));
    house.both((&s, &h), ("MailingCity", "city"), ("Bergen", "Bergen"));
    house.both((&s, &h), ("FirstName", "firstname"), ("Anna", "Anna"));
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_conflict_of_a_link_that_leaves_is_over_and_comes_back_with_it() {
    let (house, s, h) = clerk(&scoped(&people("conflict = \"ask\""), CLERKS, "freeze")).await;
    house.sf_edit(S, &s, &[("MailingCity", "Bergen")]);
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(120).await;
    house.fine().await;
    house.the_item(ItemKind::Field).await;
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    assert!(house.open_items().await.is_empty());
    house.sf_edit(S, &s, &[("Title", "Clerk")]);
    house.wait(60).await;
    house.fine().await;
    house.the_item(ItemKind::Field).await;
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn an_unlinked_record_is_left_alone_on_both_sides_and_linked_anew_when_it_is_back() {
    let (house, s, h) = clerk(&clerks("unlink")).await;
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.wait(60).await;
    let run = house.whole().await;
    adds_up_whole(counts(&run, "contacts"));
    assert_eq!(counts(&run, "contacts").excluded, 2);
    assert_eq!(house.links().await[0].state, LinkState::Unlinked);
    house.hs_edit(H, &h, &[("city", "Oslo")]);
    house.wait(120).await;
    assert_eq!(writes(&house.fine().await), 0);
    // Neither a sweep nor a look at everything makes or takes anything away.
    house.wait(8 * DAY).await;
    assert_eq!(writes(&house.fine().await), 0);
    let full = Order {
        scope: syncline::engine::Scope::Full,
        ..order()
    };
    let run = house.run(&full).await.record;
    assert_eq!((run.state, writes(&run)), (RunState::Done, 0));
    adds_up_whole(counts(&run, "contacts"));
    assert_eq!(
        (house.sf_ids(S), house.hs_ids(H)),
        (vec![s.clone()], vec![h.clone()])
    );
    // Back: like a first sync, whose blank sides are filled.
    house.sf_edit(S, &s, &[("Title", "Clerk")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_put_back_stays_so_when_a_link_ended_and_is_back() {
    let (house, s, h) = clerk(&clerks("unlink")).await;
    house.sf_edit(
        S,
        &s,
        &[("MailingCity", "Oslo"), ("MailingStreet", "Way 1")],
    );
    house.wait(60).await;
    let run = house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    assert_eq!(house.undone(run.run).await.state, RunState::Done);
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", ""));
    for title in ["Chief", "Clerk"] {
        house.sf_edit(S, &s, &[("Title", title)]);
        house.wait(60).await;
        house.fine().await;
    }
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", ""));
    house.quiet().await;
    // A new edit travels as ever.
    house.sf_edit(S, &s, &[("MailingCity", "Rome")]);
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Rome", "Rome"));
}

#[tokio::test(start_paused = true)]
async fn what_a_link_that_ended_held_may_be_linked_with_another_record() {
    let (house, s, h) = clerk(&clerks("unlink")).await;
    house.sf_edit(S, &s, &[("Title", "Chief"), ("Email", "old@example.com")]);
    house.wait(60).await;
    house.fine().await;
    let now = house.clock.now();
    let made = values(&[
        ("LastName", "Berg"),
        ("Email", "anna@example.com"),
        ("Title", "Clerk"),
    ]);
    let other = house
        .sandbox
        .lock()
        .unwrap()
        .org
        .insert(now, &colleague(), S, made)
        .unwrap();
    house.wait(60).await;
    house.fine().await;
    let links = house.links().await;
    assert_eq!(links.len(), 1, "{links:#?}");
    let ids = &links[0].ids;
    assert_eq!(ids.salesforce.as_ref().unwrap().as_str(), other);
    assert_eq!(ids.hubspot.as_ref().unwrap().as_str(), h);
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn a_scope_over_a_parents_field_is_followed_by_the_sweep() {
    let text = scoped(&firms(), "Account.Industry = 'Banking'", "freeze");
    let house = House::empty(&text).await;
    let account = house.sf(
        "Account",
        &[
            ("Name", "Firm"),
            ("Website", "firm.example"),
            ("Industry", "Energy"),
        ],
    );
    let s = house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "b@example.com"),
            ("AccountId", &account),
        ],
    );
    house.sf(S, &[("LastName", "Alone"), ("Email", "a@example.com")]);
    house.fine().await;
    assert_eq!(house.hs_ids(H).len(), 0);
    house.settled().await;
    // The contact itself is not touched.
    house.sf_edit("Account", &account, &[("Industry", "Banking")]);
    house.settled().await;
    assert_eq!(house.hs_ids(H).len(), 0);
    house.wait(7 * DAY).await;
    house.fine().await;
    assert_eq!(house.hs_ids(H).len(), 1);
    house.settled().await;
    house.sf_edit(S, &s, &[("AccountId", "")]);
    house.wait(60).await;
    house.fine().await;
    let frozen = |link: &syncline::domain::Link| link.state == LinkState::OutOfScope;
    assert_eq!(
        house
            .links()
            .await
            .iter()
            .filter(|link| frozen(link))
            .count(),
        1
    );
    house.idle().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_parent_that_lies_outside_the_scope() {
    let text = firms().replace(
        "object = \"Account\" }",
        "object = \"Account\", where = \"Industry = 'Banking'\" }",
    );
    let house = House::empty(&text).await;
    let account = house.sf("Account", &[("Name", "Firm"), ("Website", "firm.example")]);
    house.sf(
        S,
        &[
            ("LastName", "Berg"),
            ("Email", "b@example.com"),
            ("AccountId", &account),
        ],
    );
    house.fine().await;
    assert_eq!(
        (house.hs_ids("companies").len(), house.hs_ids(H).len()),
        (0, 1)
    );
    for _ in 0..9 {
        house.wait(DAY).await;
        house.fine().await;
    }
    assert!(house.errors().await.is_empty());
    house.sf_edit("Account", &account, &[("Industry", "Banking")]);
    house.wait(60).await;
    house.fine().await;
    let h = house.hs_ids(H).remove(0);
    let companies = house.hs_ids("companies");
    let sandbox = house.sandbox.lock().unwrap();
    assert_eq!(sandbox.portal.partners(H, &h, "companies"), companies);
}

#[tokio::test(start_paused = true)]
async fn a_changed_scope_reads_everything_once_and_asks() {
    let (mut house, _, _) = clerk(&clerks("keep")).await;
    house.sf(
        S,
        &[
            ("LastName", "Dahl"),
            ("Email", "d@example.com"),
            ("Title", "Chief"),
        ],
    );
    house.wait(60).await;
    house.fine().await;
    house.settled().await;
    let text = scoped(&people(""), "Title IN ('clerk', 'chief')", "keep");
    house.rules = Arc::new(support::rules(&support::config(&text)));
    house.wait(60).await;
    let run = house.sync().await;
    assert_eq!(
        (run.kind, run.state),
        (syncline::domain::RunKind::Full, RunState::Halted)
    );
    assert_eq!(run.valves[0].valve, "config_changed");
    house.wait(60).await;
    let again = house.sync().await;
    assert_eq!(
        again.kind,
        syncline::domain::RunKind::Incremental,
        "once is enough"
    );
    let end = house
        .run(&Order {
            confirm: again.plan_hash,
            ..order()
        })
        .await;
    assert_eq!(end.record.state, RunState::Done, "{:?}", end.record.reason);
    assert_eq!(house.hs_ids(H).len(), 2);
    assert_eq!(house.sf_ids(S).len(), 2);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_the_object_does_not_fit_is_refused_with_the_reason() {
    for (condition, word) in [
        ("Colour = 'red'", "Colour"),
        ("Title > 5", "another type"),
        ("Birthdate = 'x'", "another type"),
        ("Vendor.Name = 'x'", "no parent"),
    ] {
        let house = House::empty(&scoped(&people(""), condition, "keep")).await;
        let run = house.sync().await;
        assert_eq!(run.state, RunState::Halted);
        assert_eq!(run.valves[0].valve, "mapping_refused");
        assert!(
            run.reason.as_ref().unwrap().contains(word),
            "{:?}",
            run.reason
        );
    }
}

/// The ids of contacts that the sandbox's own SOQL finds.
fn by_query(house: &House, condition: &str) -> Result<BTreeSet<String>, String> {
    let token = OrgSettings::default().access_token;
    let request = Request {
        method: "GET".into(),
        path: "/services/data/v68.0/query".into(),
        query: vec![(
            "q".into(),
            format!("SELECT Id FROM Contact WHERE {condition}"),
        )],
        headers: vec![("authorization".into(), format!("Bearer {token}"))],
        body: Vec::new(),
    };
    let now = house.clock.now();
    let mut sandbox = house.sandbox.lock().unwrap();
    let syncline::sandbox::Exchange::Answer(answer) =
        sandbox.exchange(now, Party::Salesforce, &request)
    else {
        return Err("no answer".into());
    };
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    if answer.status != 200 {
        return Err(body.to_string());
    }
    let records = body["records"].as_array().unwrap().iter();
    Ok(records
        .map(|row| row["Id"].as_str().unwrap().to_owned())
        .collect())
}

/// A test of one field, as a person may write it.
fn atom() -> impl Strategy<Value = String> {
    const TEXTS: &[&str] = &[
        "Title",
        "Department",
        "LastName",
        "Account.Name",
        "Account.Industry",
    ];
    let text = prop::sample::select(
        &[
            "'Clerk'",
            "'chief'",
            "'Berg'",
            "'banking'",
            "'Oslo'",
            "null",
            "''",
        ][..],
    );
    let order = prop::sample::select(&["=", "!=", "<>", "<", "<=", ">", ">="][..]);
    let pattern = prop::sample::select(&["'%'", "'c%'", "'_erg'", "'%an%'", "'cle_\\%'"][..]);
    let day = prop::sample::select(
        &[
            "TODAY",
            "YESTERDAY",
            "TOMORROW",
            "LAST_N_DAYS:30",
            "NEXT_N_DAYS:3",
            "2026-10-01",
            "2026-11-21",
            "null",
        ][..],
    );
    let number = prop::sample::select(&["0", "5", "5.0", "-1", "100", "null"][..]);
    let flag = prop::sample::select(&["true", "false"][..]);
    let name = || prop::sample::select(TEXTS);
    let not = prop::sample::select(&["", "NOT "][..]);
    prop_oneof![
        (name(), order.clone(), text.clone()).prop_map(|(f, o, v)| format!("{f} {o} {v}")),
        (name(), pattern).prop_map(|(f, v)| format!("{f} LIKE {v}")),
        (name(), not, prop::collection::vec(text, 1..4))
            .prop_map(|(f, n, v)| format!("{f} {n}IN ({})", v.join(", "))),
        (order.clone(), day).prop_map(|(o, v)| format!("Birthdate {o} {v}")),
        (order.clone(), number).prop_map(|(o, v)| format!("Account.NumberOfEmployees {o} {v}")),
        flag.prop_map(|v| format!("HasOptedOutOfEmail = {v}")),
    ]
}

fn conditions() -> impl Strategy<Value = String> {
    atom().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|one| format!("NOT ({one})")),
        ]
    })
}

#[tokio::test(start_paused = true)]
async fn the_engine_reads_conditions_as_the_sandbox_does() {
    let house = House::empty(&people("")).await;
    let employees = ["5", "100", ""];
    let accounts: Vec<String> = ["Berg", "Banking Clerk", "Oslo"]
        .iter()
        .zip(employees)
        .map(|(name, employees)| {
            let industry = if employees.is_empty() { "" } else { "Banking" };
            house.sf(
                "Account",
                &[
                    ("Name", name),
                    ("Industry", industry),
                    ("NumberOfEmployees", employees),
                ],
            )
        })
        .collect();
    for at in 0..36 {
        let title = ["Clerk", "chief", "", "cle_%"][at % 4];
        let department = ["", "OSLO", "banking"][at % 3];
        let born = ["", "2026-11-21", "2026-11-20", "2026-10-01", "2026-11-23"][at % 5];
        let account = accounts.get(at % 4).map_or("", String::as_str);
        let opted = ["true", "false"][at % 2];
        house.sf(
            S,
            &[
                ("LastName", ["Berg", "berg", "Dahl"][at / 12]),
                ("Title", title),
                ("Department", department),
                ("Birthdate", born),
                ("AccountId", account),
                ("HasOptedOutOfEmail", opted),
            ],
        );
    }
    let fields: Vec<String> = [
        "LastName",
        "Title",
        "Department",
        "Birthdate",
        "HasOptedOutOfEmail",
        "Account.Name",
        "Account.Industry",
        "Account.NumberOfEmployees",
    ]
    .map(str::to_owned)
    .to_vec();
    let page = house.crm.salesforce.list(S, &fields, None).await.unwrap();
    assert_eq!(page.records.len(), 36);
    let now = house.clock.now();
    let mut runner = TestRunner::new_with_rng(
        Cases {
            cases: 300,
            failure_persistence: None,
            ..Cases::default()
        },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    runner
        .run(&conditions(), |text| {
            let condition =
                Condition::parse(S, &text).map_err(|why| TestCaseError::fail(why.to_string()))?;
            let inside: BTreeSet<String> = page
                .records
                .iter()
                .filter(|seen| condition.holds(&|field| seen.value(field), now).unwrap())
                .map(|seen| seen.id.0.clone())
                .collect();
            match by_query(&house, &text) {
                Ok(found) => prop_assert_eq!(inside, found, "{}", text),
                // What the vendor refuses the engine need not refuse: a null beside < and its like.
                Err(why) => prop_assert!(why.contains("INVALID"), "{}: {}", text, why),
            }
            Ok(())
        })
        .unwrap();
}

const LEAVES: [(&str, LinkState); 2] = [
    ("freeze", LinkState::OutOfScope),
    ("unlink", LinkState::Unlinked),
];

/// A linked contact that left the scope.
async fn away(leaves: &str, more: &str) -> (House, String, String) {
    let (house, s, h) = clerk(&scoped(&people(more), CLERKS, leaves)).await;
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    (house, s, h)
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_out_of_scope_ends_its_link_and_nothing_travels() {
    for (leaves, state) in LEAVES {
        for hubspot in [false, true] {
            let (house, s, h) = away(leaves, "deletes = \"archive\"").await;
            assert_eq!(house.links().await[0].state, state);
            match hubspot {
                true => house.hs_delete(H, &h),
                false => house.sf_delete(S, &s),
            }
            house.wait(60).await;
            let run = house.whole().await;
            assert_eq!(writes(&run), 0, "{leaves}");
            let link = house.links().await.remove(0);
            assert!(matches!(link.state, LinkState::Deleted(_)), "{link:?}");
            assert_eq!(house.sf_ids(S).len() + house.hs_ids(H).len(), 1);
            house.quiet().await;
            if hubspot {
                continue;
            }
            // Restored it is outside as before.
            house.sf_restore(S, &s);
            house.wait(60).await;
            assert_eq!(writes(&house.fine().await), 0);
            assert_eq!(house.links().await[0].state, state);
            house.quiet().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_out_of_scope_follows_its_merged_record() {
    for (leaves, state) in LEAVES {
        let (house, s, h) = away(leaves, "").await;
        let other = house.hs(H, &[("lastname", "Berg"), ("jobtitle", "Clerk")]);
        // Outside for certain, so nothing is made of it.
        house.hs_edit(H, &other, &[("jobtitle", "Chief")]);
        house.wait(60).await;
        house.fine().await;
        let new = house.hs_merge(H, &h, &other);
        house.wait(60).await;
        let run = house.whole().await;
        assert_eq!(writes(&run), 0, "{leaves}");
        let link = house.links().await.remove(0);
        assert_eq!(link.ids.hubspot.as_ref().unwrap().as_str(), new);
        assert_eq!(link.state, state);
        house.quiet().await;
        house.sf_edit(S, &s, &[("Title", "Clerk"), ("MailingCity", "Oslo")]);
        house.wait(60).await;
        house.fine().await;
        house.both((&s, &new), ("MailingCity", "city"), ("Oslo", "Oslo"));
        house.idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_out_of_scope_merged_into_a_linked_one_leaves_no_double() {
    for (leaves, _) in LEAVES {
        let (house, s, h) = away(leaves, "").await;
        let mail = ("Email", "bob@example.com");
        let winner = house.sf(S, &[("LastName", "Bob"), mail, ("Title", "Clerk")]);
        house.hs(H, &[("lastname", "Bob"), ("email", mail.1)]);
        house.whole().await;
        house.settled().await;
        house.sf_merge(S, &winner, &s);
        house.wait(60).await;
        let run = house.fine().await;
        assert_eq!(writes(&run), 0, "{leaves}");
        let item = house.the_item(ItemKind::MergeCollision).await;
        assert!(item.why.contains(&h), "{}", item.why);
        house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
        house.wait(60).await;
        house.fine().await;
        assert_eq!(house.sf_ids(S), [winner]);
        house.quiet().await;
        house.whole().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_linked_record_merged_into_one_whose_link_ended_is_asked_about() {
    for (leaves, state) in LEAVES {
        let (house, s, h) = away(leaves, "").await;
        let mail = ("Email", "bob@example.com");
        let loser = house.sf(S, &[("LastName", "Bob"), mail, ("Title", "Clerk")]);
        let left = house.hs(H, &[("lastname", "Bob"), ("email", mail.1)]);
        house.whole().await;
        house.settled().await;
        house.sf_merge(S, &s, &loser);
        house.wait(60).await;
        assert_eq!(writes(&house.fine().await), 0, "{leaves}");
        let item = house.the_item(ItemKind::MergeCollision).await;
        assert!(item.why.contains(&left), "{}", item.why);
        let links = house.links().await;
        let own = links
            .iter()
            .find(|link| link.ids.hubspot.as_ref().unwrap().as_str() == h);
        assert_eq!(own.unwrap().state, state);
        house.sound().await;
        house.quiet().await;
        house.whole().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_follows_its_record_into_one_outside_the_scope_leaves_it() {
    for leaves in ["freeze", "unlink"] {
        let (house, s, h) = clerk(&clerks(leaves)).await;
        let chief = house.sf(S, &[("LastName", "Boss"), ("Title", "Chief")]);
        house.whole().await;
        house.sf_merge(S, &chief, &s);
        house.hs_edit(H, &h, &[("city", "Oslo")]);
        for pause in [60, 400] {
            house.wait(pause).await;
            assert_eq!(writes(&house.fine().await), 0, "{leaves}");
        }
        let state = match leaves {
            "freeze" => LinkState::OutOfScope,
            _ => LinkState::Unlinked,
        };
        assert_eq!(house.links().await[0].state, state);
        house.sound().await;
    }
}
