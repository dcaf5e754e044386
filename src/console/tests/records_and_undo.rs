//! The record page, the undo of a run, halted plans, frozen fields: keys and answers in, model and effects out.

use super::fake::World;
use super::stage::Stage;
use crate::console::msg::Effect;
use crate::console::screens::ScreenId;
use crate::domain::{Choice, ItemId, RunId, RunState, Side};
use crate::service::messages::{ListKind, Request, SyncOrder, Take};

fn stage(keys: &str) -> Stage {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys(keys);
    stage
}

fn looked_up(stage: &Stage) -> Vec<(&str, Option<&str>)> {
    stage
        .world
        .asked
        .iter()
        .filter_map(|request| match request {
            Request::Record { query, mapping } => {
                let mapping = mapping.as_ref().map(|mapping| mapping.as_str());
                Some((query.as_str(), mapping))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn the_record_is_one_key_away_from_every_list_that_shows_records() {
    let northwind = ("0018c00002abc4fAAA", Some("accounts"));
    for (keys, want) in [
        ("3w", northwind),
        ("3<enter>w", northwind),
        ("3jjjjjj<enter>w", northwind),
        ("6<enter>w", ("5512", Some("contacts"))),
        ("6<enter><enter>", ("5512", Some("contacts"))),
        ("<^f>jane@ex.org<enter>", ("jane@ex.org", None)),
        (":88120<enter>", ("88120", None)),
    ] {
        let mut stage = stage(keys);
        assert_eq!(looked_up(&stage), [want], "{keys}");
        assert!(stage.text().contains("Phone waits for a person"), "{keys}");
    }
    assert_eq!(looked_up(&stage("5<enter>w")).len(), 1);
}

#[test]
fn one_of_several_records_is_read_in_full_and_esc_comes_back_to_the_list() {
    let mut stage = stage("<^f>two<enter>j<enter>");
    let second = ("0018c00002abc4fAAA", Some("accounts"));
    assert_eq!(looked_up(&stage), [("two", None), second]);
    assert!(stage.text().contains("JOURNAL") || stage.text().contains("NEXT RUN"));
    stage.keys("<esc>");
    assert!(
        stage.text().contains("2 records answer to two"),
        "{}",
        stage.text()
    );
}

#[test]
fn an_unknown_record_says_so_and_another_can_be_looked_for() {
    let mut stage = stage("<^f>nobody<enter>");
    assert!(
        stage
            .text()
            .contains("No record of any mapping answers to that.")
    );
    stage.keys("<^f>88120<enter>");
    assert!(stage.text().contains("Northwind Ltd"));
    stage.world.refuse = Some("HubSpot could not be asked: connection refused".into());
    stage.keys("<^f>551<enter>");
    assert!(
        stage.text().contains("connection refused"),
        "{}",
        stage.text()
    );
}

#[test]
fn a_look_up_shows_that_it_waits_and_esc_forgets_its_answer() {
    let mut stage = stage("");
    stage.silent = true;
    stage.keys("<^f>88120<enter>");
    stage.after(2_300);
    assert!(
        stage.text().contains("Looking for 88120… 2s"),
        "{}",
        stage.text()
    );
    stage.keys("<esc>");
    stage.silent = false;
    stage.answer();
    assert!(stage.model.overlays.is_empty());
}

#[test]
fn a_record_leads_to_what_waits_for_it_and_gives_both_ids_and_addresses() {
    let mut stage = stage("<^f>88120<enter>yyo");
    let copied: Vec<&Effect> = stage.done.iter().collect();
    assert_eq!(
        copied,
        [
            &Effect::Copy("0018c00002abc4fAAA".into()),
            &Effect::Copy("88120".into()),
            &Effect::Copy("https://acme.example/0018c00002abc4fAAA".into()),
        ]
    );
    stage.keys("<enter>");
    assert_eq!(stage.model.screen, ScreenId::Conflicts);
    assert!(stage.model.overlays.is_empty());
}

#[test]
fn an_undo_is_forecast_then_asked_with_its_number_then_watched() {
    let mut stage = stage("6U");
    assert!(
        stage
            .world
            .asked
            .contains(&Request::ForecastUndo { run: RunId(143) })
    );
    for words in [
        "374 records put back",
        "10 writes: changed since by someone",
    ] {
        assert!(stage.text().contains(words), "{words}\n{}", stage.text());
    }
    let undo = Request::Undo { run: RunId(143) };
    stage.keys("U<enter>14<enter>");
    assert!(
        !stage.world.asked.contains(&undo),
        "only the whole number goes on"
    );
    stage.keys("3<enter>");
    assert!(stage.world.asked.contains(&undo));
    assert_eq!(stage.model.screen, ScreenId::Live);
}

#[test]
fn what_cannot_be_undone_is_refused_with_the_reason() {
    let mut stage = stage("6jjUU");
    assert!(
        stage
            .message()
            .starts_with("Nothing of this run can be put back"),
        "{}",
        stage.message()
    );
    stage.keys("<esc>jjU");
    assert_eq!(
        stage.message(),
        "Run 141 has undone it already; undoing that one brings it back."
    );
    assert!(stage.text().contains("undone by 141"));
    stage.keys("jjU");
    assert_eq!(
        stage.message(),
        "Run 137 wrote nothing, so there is nothing to undo."
    );
    // One that crashed has counted nothing, whatever it wrote.
    for row in &mut stage.model.runs.runs.rows {
        row.record.state = RunState::Crashed;
    }
    stage.keys("U");
    assert!(
        stage
            .world
            .asked
            .contains(&Request::ForecastUndo { run: RunId(137) }),
        "{}",
        stage.message()
    );
    stage.keys("<esc>1GU");
    assert_eq!(stage.message(), "This mapping has never run.");
}

#[test]
fn a_halted_run_shows_its_plan_and_its_dialog_the_first_of_it() {
    let mut stage = stage("6jjjjjj<enter>");
    assert!(
        stage.text().contains("Run 137 plan: nothing was sent"),
        "{}",
        stage.text()
    );
    let plan = ListKind::Plan { run: RunId(137) };
    assert!(
        stage
            .world
            .asked
            .iter()
            .any(|request| matches!(request, Request::List(query) if query.list == plan))
    );
    stage.keys("<esc>R");
    let dialog = stage.text();
    for words in [
        "HS delete 5512",
        "… and 55 more writes",
        "is left out and comes with the",
    ] {
        assert!(dialog.contains(words), "{words}\n{dialog}");
    }
    stage.keys("137<enter>");
    assert!(stage.world.asked.iter().any(|request| matches!(
        request,
        Request::Sync(SyncOrder { confirm: Some(hash), .. }) if hash == "9f8e7d6c"
    )));
}

#[test]
fn a_frozen_field_takes_a_side_a_value_or_is_left_apart() {
    let world = || World {
        frozen: true,
        ..World::full()
    };
    let chosen = |keys: &str| {
        let mut stage = Stage::new(world(), 80, 24);
        stage.keys("3j");
        assert!(stage.text().contains("Website frozen"), "{}", stage.text());
        stage.keys("<enter>");
        assert!(
            stage.text().contains("It went back and forth"),
            "{}",
            stage.text()
        );
        assert!(stage.text().contains("leave apart"));
        stage.keys(keys);
        stage
            .world
            .asked
            .iter()
            .rev()
            .find_map(|request| match request {
                Request::Resolve { items, take, .. } => Some((items.clone(), take.clone())),
                _ => None,
            })
    };
    let item = ItemId((2 << 64) | 10);
    for (keys, choice) in [
        ("h", Choice::Take(Side::Salesforce)),
        ("l", Choice::Take(Side::HubSpot)),
        ("e<^u>x<tab>", Choice::Value("x".into())),
        ("i", Choice::Ignore),
    ] {
        let want = Some((vec![item], Take::Choice(choice)));
        assert_eq!(chosen(keys), want, "{keys}");
    }
}

#[test]
fn the_footer_offers_a_deletion_only_where_the_item_is_one() {
    let mut stage = stage("3jjjjjj<enter>");
    assert!(
        !stage.text().contains("accept deletion"),
        "{}",
        stage.text()
    );
    stage.keys("<esc>jjjjjjj<enter>");
    assert!(stage.text().contains("accept deletion"), "{}", stage.text());
    stage.keys("<esc>g<enter>");
    assert!(!stage.text().contains("leave apart"), "{}", stage.text());
}
