//! Golden scenarios: which mappings run, what vendors show late or not at all, accounts that are not ours, and the rules of
//! single fields.

use std::sync::Arc;

use crate::support;
use crate::support::leads;
use crate::support::town::*;
use crate::support::wire::wired;
use crate::support::{House, order};
use chrono::TimeDelta;
use syncline::domain::{Choice, ItemKind, RunState, Side, Value};
use syncline::engine::{Order, Scope};

const S: &str = "Contact";
const H: &str = "contacts";

#[tokio::test(start_paused = true)]
async fn a_paused_mapping_is_left_alone_and_loses_nothing() {
    let (house, s, h) = clerk(&firms()).await;
    house
        .engine()
        .await
        .pause(&named("contacts"), true)
        .await
        .unwrap();
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.fine().await;
    assert_eq!(run.mappings.len(), 1, "{:?}", run.mappings);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    house.wait(7200).await;
    house.fine().await;
    house
        .engine()
        .await
        .pause(&named("contacts"), false)
        .await
        .unwrap();
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}

/// What happens over an object while one of its mappings has no part in the runs, which the other one's go on with.
#[tokio::test(start_paused = true)]
async fn what_changed_while_a_mapping_was_left_out_is_seen_though_another_read_the_object() {
    for named_alone in [false, true] {
        let house = House::empty(&leads::rules()).await;
        let mail = ("Email", "berg@example.com");
        let s = house.sf(S, &[("LastName", "Berg"), mail]);
        house.fine().await;
        house.settled().await;
        let h = leads::by_mail(&house, mail.1);
        let pause = async |paused: bool| {
            if !named_alone {
                let engine = house.engine().await;
                engine.pause(&named("contacts"), paused).await.unwrap();
            }
        };
        pause(true).await;
        house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
        let newcomer = house.hs(H, &[("lastname", "Ny"), ("email", "ny@example.com")]);
        house.hs_edit(H, &newcomer, &[("jobtitle", "Clerk")]);
        for _ in 0..3 {
            house.wait(1200).await;
            match named_alone {
                true => drop(leads::only(&house, &["leads"]).await),
                false => drop(house.fine().await),
            }
        }
        assert_eq!(house.sf_value(S, &s, "Title"), None);
        pause(false).await;
        house.wait(60).await;
        house.fine().await;
        let title = house.sf_value(S, &s, "Title");
        assert_eq!(title.as_deref(), Some("Boss"));
        assert_eq!(house.sf_ids(S).len(), 2);
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_index_shows_late_is_not_lost() {
    let (house, s, h) = clerk(&people("")).await;
    house
        .sandbox
        .lock()
        .unwrap()
        .portal
        .set_index_lag(TimeDelta::seconds(400));
    house.hs_edit(H, &h, &[("jobtitle", "Late")]);
    for _ in 0..6 {
        house.wait(200).await;
        house.fine().await;
    }
    house.both((&s, &h), ("Title", "jobtitle"), ("Late", "Late"));
    house.wait(1000).await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_transaction_that_commits_with_an_old_stamp_is_not_lost() {
    let (house, s, h) = clerk(&people("")).await;
    let began = house.clock.now();
    house.sandbox.lock().unwrap().org.hold_back(Some(began));
    for _ in 0..4 {
        house.wait(300).await;
        house.fine().await;
    }
    let now = house.clock.now();
    {
        let mut sandbox = house.sandbox.lock().unwrap();
        sandbox
            .org
            .edit_with_stamp(
                now,
                began,
                &colleague(),
                S,
                &s,
                values(&[("Title", "Long")]),
            )
            .unwrap();
        sandbox.org.hold_back(None);
    }
    house.wait(60).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Long", "Long"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_the_very_second_of_our_own_write_is_not_taken_for_its_echo() {
    let (house, s, h) = clerk(&people("")).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(30).await;
    house.fine().await;
    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_field_hidden_from_us_halts_the_mapping_and_clears_nothing() {
    let (house, s, h) = clerk(&people("")).await;
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .hide_field(S, "Title", true);
    house.sf_edit(S, &s, &[("MailingCity", "Oslo")]);
    for _ in 0..2 {
        house.wait(4000).await;
        let end = house.run(&order()).await;
        assert_eq!(end.record.state, RunState::Halted);
        assert!(end.record.reason.unwrap().contains("Title"));
        house.both((&s, &h), ("Title", "jobtitle"), ("Clerk", "Clerk"));
    }
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .hide_field(S, "Title", false);
    house.wait(4000).await;
    house.fine().await;
    house.both((&s, &h), ("MailingCity", "city"), ("Oslo", "Oslo"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_hidden_from_us_is_no_deletion() {
    let (house, s, h) = clerk(&people("")).await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, true);
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(60).await;
    house.fine().await;
    assert_eq!(
        house.the_error().await.category,
        syncline::domain::ErrorCategory::Gone
    );
    house.quiet().await;
    house.sandbox.lock().unwrap().org.hide_record(S, &s, false);
    house.wait(2000).await;
    house.fine().await;
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    assert!(house.errors().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn another_organisation_s_credentials_are_refused() {
    let (house, _, _) = clerk(&people("")).await;
    let other = House::empty(&people("")).await;
    {
        let db = other.db().await;
        let mut tx = db.begin();
        tx.put_meta(
            &format!("{}/salesforce", syncline::engine::names::ACCOUNT),
            &"00D000000000001AAA".to_owned(),
        )
        .unwrap();
        tx.commit().await.unwrap();
    }
    let end = other.run(&order()).await;
    assert_eq!(end.record.state, RunState::Halted);
    assert!(end.record.reason.unwrap().contains("belongs to"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_run_of_a_world_in_step_writes_nothing_and_adds_up() {
    let house = House::new(60, 4).await;
    house.fine().await;
    house.settled().await;
    let end = house
        .run(&Order {
            scope: Scope::Full,
            ..order()
        })
        .await;
    assert_eq!(writes(&end.record), 0, "{:?}", end.record.calls);
    assert_eq!(
        end.record.calls.total, end.record.expected_calls,
        "{:?}",
        end.record.calls
    );
    for row in &end.record.mappings {
        adds_up_whole(&row.counts);
    }
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_rule_asks_once_and_is_confirmed_by_its_plan() {
    let (mut house, s, h) = clerk(&people("")).await;
    let text = people("").replace("transform = \"lowercase\", match = true", "match = true");
    house.rules = Arc::new(support::rules(&support::config(&text)));
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(60).await;
    let run = house.sync().await;
    assert_eq!(run.state, RunState::Halted);
    assert_eq!(run.valves[0].valve, "config_changed");
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Clerk"));
    let hash = run.plan_hash.unwrap();
    let end = house
        .run(&Order {
            confirm: Some(hash),
            ..order()
        })
        .await;
    assert_eq!(end.record.state, RunState::Done);
    house.both((&s, &h), ("Title", "jobtitle"), ("Boss", "Boss"));
    house.quiet().await;
}

/// A clerk whose title is under further keys of its pair.
async fn titled(keys: &str) -> (House, String, String) {
    let pair = "hubspot = \"jobtitle\"";
    clerk(&people("").replace(pair, &format!("{pair}, {keys}"))).await
}

const TITLE: (&str, &str) = ("Title", "jobtitle");

#[tokio::test(start_paused = true)]
async fn a_cleared_field_is_filled_again_where_a_value_is_preferred_to_a_blank() {
    let (house, s, h) = titled("blanks = \"prefer_non_blank\"").await;
    house.sf_edit(S, &s, &[("Title", "")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), TITLE, ("Clerk", "Clerk"));
    house.quiet().await;
    house.hs_edit(H, &h, &[("jobtitle", "")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), TITLE, ("Clerk", "Clerk"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn what_fills_a_cleared_field_is_what_the_other_side_holds_now() {
    let (house, s, h) = titled("blanks = \"prefer_non_blank\"").await;
    let lag = TimeDelta::seconds(600);
    house.sandbox.lock().unwrap().portal.set_index_lag(lag);
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.sf_edit(S, &s, &[("Title", "")]);
    house.wait(30).await;
    // HubSpot's edit is not in its index yet; the base would send the old title.
    house.fine().await;
    let title = house.sf_value(S, &s, "Title").unwrap_or_default();
    assert_ne!(title, "Clerk");
    house.wait(1000).await;
    house.fine().await;
    house.wait(1000).await;
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_blank_that_never_clears_stays_on_its_side_until_there_is_a_value_again() {
    let (house, s, h) = titled("blanks = \"never_clear\"").await;
    house.sf_edit(S, &s, &[("Title", "")]);
    house.wait(30).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house.both((&s, &h), TITLE, ("", "Clerk"));
    house.quiet().await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), TITLE, ("Boss", "Boss"));
    house.quiet().await;
}

/// A clerk in a mapping from Salesforce alone, whose title was edited in HubSpot; one run after it.
async fn edited_where_no_source_is(rule: &str) -> (House, String, String) {
    let text = people(&format!(
        "direction = \"to_hubspot\"\nforeign_edit = \"{rule}\""
    ));
    let (house, s, h) = clerk(&text).await;
    house.hs_edit(H, &h, &[("jobtitle", "Boss")]);
    house.wait(30).await;
    house.fine().await;
    (house, s, h)
}

#[tokio::test(start_paused = true)]
async fn a_foreign_edit_is_let_be_until_the_source_changes() {
    let (house, s, h) = edited_where_no_source_is("ignore").await;
    house.both((&s, &h), TITLE, ("Clerk", "Boss"));
    house.quiet().await;
    house.sf_edit(S, &s, &[("Title", "Chief")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), TITLE, ("Chief", "Chief"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_edit_that_is_reverted_is_kept_for_the_record() {
    let (house, s, h) = edited_where_no_source_is("revert").await;
    house.both((&s, &h), TITLE, ("Clerk", "Clerk"));
    let infos = house.infos().await;
    assert_eq!(infos.len(), 1, "{infos:#?}");
    assert_eq!(infos[0].rule, "revert");
    assert_eq!(infos[0].sides.hubspot.value, Value::text("Boss"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_edit_that_is_reported_waits_for_a_person() {
    for (side, left) in [(Side::Salesforce, "Clerk"), (Side::HubSpot, "Boss")] {
        let (house, s, h) = edited_where_no_source_is("report").await;
        house.both((&s, &h), TITLE, ("Clerk", "Boss"));
        house.quiet().await;
        let item = house.the_item(ItemKind::Field).await;
        assert_eq!(
            (item.rule.as_str(), item.suggest),
            ("report", Some(Side::Salesforce))
        );
        house.choose(&item, Choice::Take(side)).await;
        house.send_stored().await;
        // Taking the foreign value accepts it; it never goes to the source.
        house.both((&s, &h), TITLE, ("Clerk", left));
        assert!(house.open_items().await.is_empty());
        house.quiet().await;
    }
}

/// Both sides edit a field of one linked account; HubSpot is last. The values after one run.
async fn edited_firm(conflict: &str, of_s: &str, of_h: &str) -> (String, String) {
    let pair = "hubspot = \"numberofemployees\"";
    let text = firms().replace(pair, &format!("{pair}, conflict = {conflict}"));
    let house = House::empty(&text).await;
    let firm = [("Name", "Berg"), ("Website", "berg.example")];
    let s = house.sf("Account", &[firm[0], firm[1], ("NumberOfEmployees", "5")]);
    let h = house.hs(
        "companies",
        &[
            ("name", "Berg"),
            ("domain", "berg.example"),
            ("numberofemployees", "5"),
        ],
    );
    house.fine().await;
    house.settled().await;
    house.sf_edit("Account", &s, &[("NumberOfEmployees", of_s)]);
    house.hs_edit("companies", &h, &[("numberofemployees", of_h)]);
    house.wait(30).await;
    house.fine().await;
    house.quiet().await;
    (
        house
            .sf_value("Account", &s, "NumberOfEmployees")
            .unwrap_or_default(),
        house
            .hs_value("companies", &h, "numberofemployees")
            .unwrap_or_default(),
    )
}

#[tokio::test(start_paused = true)]
async fn the_larger_the_smaller_or_the_only_value_wins_and_a_list_is_tried_in_turn() {
    for (rule, s, h, want) in [
        ("\"max\"", "9", "10", ("10", "10")),
        ("\"max\"", "11", "10", ("11", "11")),
        ("\"min\"", "9", "10", ("9", "9")),
        ("\"non_blank\"", "", "10", ("10", "10")),
        ("\"non_blank\"", "9", "10", ("9", "10")),
        ("[\"non_blank\", \"salesforce\"]", "9", "10", ("9", "9")),
        ("[\"non_blank\", \"max\"]", "9", "", ("9", "9")),
        ("[\"non_blank\", \"max\"]", "9", "10", ("10", "10")),
        ("\"max\"", "", "10", ("", "10")),
    ] {
        let got = edited_firm(rule, s, h).await;
        assert_eq!((got.0.as_str(), got.1.as_str()), want, "{rule} {s} {h}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_union_of_two_lists_goes_to_both_sides() {
    let roles =
        "{ salesforce = \"Department\", hubspot = \"hs_buying_role\", conflict = \"union\" },";
    let (house, s, h) = clerk(&people_with("", roles)).await;
    house.sf_edit(S, &s, &[("Department", "CHAMPION;BLOCKER")]);
    house.hs_edit(H, &h, &[("hs_buying_role", "BUDGET_HOLDER;CHAMPION")]);
    house.wait(30).await;
    house.fine().await;
    let sorted = |value: Option<String>| {
        let value = value.unwrap_or_default();
        let mut items: Vec<String> = value.split(';').map(str::to_owned).collect();
        items.sort_unstable();
        items.join(";")
    };
    let all = "BLOCKER;BUDGET_HOLDER;CHAMPION";
    assert_eq!(sorted(house.sf_value(S, &s, "Department")), all);
    assert_eq!(sorted(house.hs_value(H, &h, "hs_buying_role")), all);
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_stage_only_rises_whoever_moves_it_and_a_step_back_is_taken_back() {
    let (house, s, h) = titled("monotone = [\"Clerk\", \"Boss\", \"Chief\"]").await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), TITLE, ("Boss", "Boss"));
    // Backwards, and no stage at all.
    for fallen in ["Clerk", ""] {
        house.hs_edit(H, &h, &[("jobtitle", fallen)]);
        house.wait(30).await;
        house.fine().await;
        house.both((&s, &h), TITLE, ("Boss", "Boss"));
        let infos = house.infos().await;
        assert!(
            infos
                .iter()
                .any(|info| info.rule == "monotone"
                    && info.sides.hubspot.value == Value::text(fallen))
        );
        house.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_higher_stage_wins_although_the_lower_one_was_last() {
    let (house, s, h) = titled("monotone = [\"Clerk\", \"Boss\", \"Chief\"]").await;
    house.hs_edit(H, &h, &[("jobtitle", "Chief")]);
    house.wait(30).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), TITLE, ("Chief", "Chief"));
    assert!(house.open_items().await.is_empty());
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn a_stage_of_the_source_that_falls_is_not_written_over_a_higher_one() {
    let keys = "monotone = [\"Clerk\", \"Boss\"], direction = \"to_hubspot\"";
    let (house, s, h) = titled(keys).await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.wait(30).await;
    house.fine().await;
    house.sf_edit(S, &s, &[("Title", "Clerk")]);
    house.wait(30).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house.both((&s, &h), TITLE, ("Clerk", "Boss"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn capitals_alone_are_no_change_where_case_is_folded() {
    let (house, s, h) = titled("case = \"fold\"").await;
    house.sf_edit(S, &s, &[("Title", "CLERK")]);
    house.wait(30).await;
    let run = house.fine().await;
    assert_eq!(writes(&run), 0);
    house.both((&s, &h), TITLE, ("CLERK", "Clerk"));
    house.quiet().await;
    house.hs_edit(H, &h, &[("jobtitle", "BOSS")]);
    house.wait(30).await;
    house.fine().await;
    house.both((&s, &h), TITLE, ("BOSS", "BOSS"));
    house.quiet().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_edit_that_came_after_the_look_makes_no_older_value_win() {
    for at in 1..=10 {
        let (house, s, h) = clerk(&people("")).await;
        house.hs_edit(H, &h, &[("jobtitle", "First")]);
        house.wait(600).await;
        house.sf_edit(S, &s, &[("Title", "Second")]);
        house.wait(60).await;
        let (sandbox, clock, id) = (house.sandbox.clone(), house.clock.clone(), h.clone());
        let edit = move || {
            let mut sandbox = sandbox.lock().unwrap();
            let third = values(&[("jobtitle", "Third")]);
            sandbox
                .portal
                .edit(clock.now(), colleague(), H, &id, third)
                .unwrap();
        };
        let (engine, _) = wired(&house, at, false, Box::new(edit)).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        let title = house.sf_value(S, &s, "Title");
        assert_ne!(title.as_deref(), Some("First"), "edited at request {at}");
        for info in house.infos().await {
            let taken = info.sides.get(info.suggest.unwrap()).value.clone();
            assert_eq!(taken, Value::text("Third"), "edited at request {at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_right_behind_our_write_is_not_taken_for_what_we_wrote() {
    for at in 1..=12 {
        let (house, s, h) = clerk(&people("conflict = \"hubspot\"")).await;
        house.hs_edit(H, &h, &[("jobtitle", "First")]);
        house.wait(60).await;
        let (sandbox, clock, id) = (house.sandbox.clone(), house.clock.clone(), s.clone());
        let edit = move || {
            let mut sandbox = sandbox.lock().unwrap();
            let second = values(&[("Title", "Second")]);
            sandbox
                .org
                .edit(clock.now(), &colleague(), S, &id, second)
                .unwrap();
        };
        let (engine, _) = wired(&house, at, false, Box::new(edit)).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        house.wait(60).await;
        house.fine().await;
        let title = (
            house.sf_value(S, &s, "Title"),
            house.hs_value(H, &h, "jobtitle"),
        );
        assert_eq!(title.0, title.1, "edited at request {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_right_behind_our_create_is_not_taken_for_what_we_made() {
    for at in 1..=24 {
        let (house, _, _) = clerk(&people("conflict = \"ask\"")).await;
        let h = house.hs(H, &[("lastname", "New"), ("email", "new@example.com")]);
        house.hs_edit(H, &h, &[("jobtitle", "First")]);
        house.wait(60).await;
        let (sandbox, clock) = (house.sandbox.clone(), house.clock.clone());
        let edit = move || {
            let mut sandbox = sandbox.lock().unwrap();
            let ids = sandbox.org.ids(S);
            let Some(id) = ids.get(1) else { return };
            for (field, value) in [("Title", "Second"), ("MailingCity", "Bonn")] {
                let value = values(&[(field, value)]);
                sandbox
                    .org
                    .edit(clock.now(), &colleague(), S, id, value)
                    .unwrap();
            }
        };
        let (engine, _) = wired(&house, at, false, Box::new(edit)).await;
        let record = engine.begin(&order()).await.unwrap();
        engine.execute(record, &order()).await.unwrap();
        for pause in [60, 200] {
            house.wait(pause).await;
            house.fine().await;
        }
        let s = house.sf_ids(S)[1].clone();
        for fields in [("Title", "jobtitle"), ("MailingCity", "city")] {
            let held = (
                house.sf_value(S, &s, fields.0),
                house.hs_value(H, &h, fields.1),
            );
            assert_eq!(held.0, held.1, "edited at request {at}");
        }
    }
}
