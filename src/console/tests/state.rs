//! Keys and answers in, model and effects out.

use chrono::Duration;

use super::fake::{World, now, progress};
use super::stage::{Stage, options};
use crate::console::model::Leaving;
use crate::console::msg::{Effect, Msg};
use crate::console::screens::ScreenId;
use crate::domain::{Choice, ItemId, RunId, Side};
use crate::service::messages::{ListKind, Reply, Request, RetryWhich, SyncOrder, Take};

fn asked(stage: &Stage) -> &Request {
    stage.world.asked.last().expect("a request")
}

fn writes(stage: &Stage) -> Vec<&Request> {
    stage
        .world
        .asked
        .iter()
        .filter(|request| {
            matches!(
                request,
                Request::Sync(_)
                    | Request::Undo { .. }
                    | Request::ApplyDrafts { .. }
                    | Request::Retry { .. }
                    | Request::StopNow { .. }
            )
        })
        .collect()
}

#[test]
fn a_run_counts_first_and_then_asks_and_stands_on_cancel() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("R");
    assert!(
        stage
            .world
            .asked
            .iter()
            .any(|request| matches!(request, Request::StartPreview { full: false, .. }))
    );
    assert!(
        stage
            .text()
            .contains("API cost about 90 SF calls and 110 HS calls.")
    );
    stage.keys("<enter>");
    assert!(writes(&stage).is_empty(), "enter on Cancel must not write");
    stage.keys("Ry");
    let order = SyncOrder {
        mappings: vec!["contacts".into()],
        yes: true,
        by: "you".into(),
        ..SyncOrder::default()
    };
    assert_eq!(writes(&stage), vec![&Request::Sync(order)]);
    assert_eq!(stage.model.screen, ScreenId::Live);
}

#[test]
fn a_first_sync_opens_its_preview_before_it_asks() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("GR");
    assert!(stage.text().contains("First sync: what it would do"));
    assert!(
        stage
            .world
            .asked
            .iter()
            .any(|request| matches!(request, Request::StartPreview { full: true, .. }))
    );
    stage.keys("R");
    assert!(writes(&stage).is_empty());
    stage.keys("y");
    assert!(matches!(
        writes(&stage)[..],
        [Request::Sync(SyncOrder {
            full: true,
            yes: true,
            ..
        })]
    ));
}

#[test]
fn a_halted_plan_needs_its_number_typed() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("6jjjjjjR<enter>");
    assert!(writes(&stage).is_empty());
    stage.keys("y13<enter>");
    assert!(writes(&stage).is_empty());
    stage.keys("<^u>137<enter>");
    match writes(&stage)[..] {
        [Request::Sync(order)] => assert_eq!(order.confirm.as_deref(), Some("9f8e7d6c")),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn read_only_disables_what_writes_and_says_why() {
    let mut stage = Stage::with(
        World::full(),
        80,
        24,
        crate::console::ConsoleOptions {
            read_only: true,
            ..options()
        },
    );
    for keys in ["R", "5R", "3<enter>hW", "<esc>6jjjjjjR"] {
        stage.keys(keys);
        assert!(
            stage.message().starts_with("Read-only"),
            "{keys}: {}",
            stage.message()
        );
        assert!(stage.model.overlays.is_empty());
    }
    assert!(writes(&stage).is_empty());
    assert!(stage.text().contains("READ-ONLY"));
}

#[test]
fn a_choice_becomes_a_draft_and_u_takes_it_back() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>l");
    let item = ItemId(2 << 64);
    assert_eq!(
        stage.world.drafts.get(&item),
        Some(&Choice::Take(Side::HubSpot))
    );
    assert_eq!(
        stage.model.conflicts.fields.at, 1,
        "the cursor goes to the next undecided field"
    );
    stage.keys("u");
    assert!(stage.world.drafts.is_empty());
    stage.keys("u");
    assert_eq!(stage.message(), "No choice was made here yet.");
}

#[test]
fn undoing_a_second_choice_puts_the_first_back() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>lkhu");
    assert_eq!(
        stage.world.drafts.get(&ItemId(2 << 64)),
        Some(&Choice::Take(Side::HubSpot))
    );
}

#[test]
fn keeping_the_base_is_refused_at_a_first_sync() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3j<enter>b");
    assert_eq!(stage.message(), "none yet: this is the first sync");
    assert!(stage.world.drafts.is_empty());
}

#[test]
fn an_edited_value_is_kept_as_a_draft_and_typed_keys_are_text() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>e<^u>qR:?");
    stage.send(Msg::Paste("\u{1b}[31mx\ny".into()));
    stage.keys("<tab>");
    assert_eq!(
        stage.world.drafts.get(&ItemId(2 << 64)),
        Some(&Choice::Value("qR:?\u{1b}[31mx\ny".into()))
    );
    stage.keys("ke<back>z<esc>");
    assert!(stage.message().contains("esc again"), "{}", stage.message());
    stage.keys("<esc>");
    assert!(stage.model.overlays.is_empty());
}

#[test]
fn applying_shows_what_is_sent_and_asks() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3W");
    assert_eq!(
        stage.message(),
        "Cannot apply: no drafts yet. h or l takes a side first."
    );
    stage.keys("<enter>hlW");
    assert!(
        stage
            .text()
            .contains("This starts a run over 2 drafted choices")
    );
    stage.keys("y");
    assert_eq!(
        writes(&stage),
        vec![&Request::ApplyDrafts { by: "you".into() }]
    );
}

#[test]
fn the_same_choice_for_alike_lists_them_and_stays_a_draft() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>A");
    assert_eq!(stage.message(), "Take a side first: h or l.");
    stage.keys("hkAy");
    match asked_resolve(&stage) {
        Some((items, take)) => {
            assert_eq!(items.len(), 4);
            assert_eq!(*take, Take::Choice(Choice::Take(Side::Salesforce)));
        }
        None => panic!("nothing was chosen"),
    }
}

fn asked_resolve(stage: &Stage) -> Option<(&Vec<ItemId>, &Take)> {
    stage
        .world
        .asked
        .iter()
        .rev()
        .find_map(|request| match request {
            Request::Resolve { items, take, .. } => Some((items, take)),
            _ => None,
        })
}

#[test]
fn marked_records_are_chosen_together_but_review_items_never() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3H");
    assert_eq!(
        stage.message(),
        "Mark records first: space marks one, a marks all."
    );
    stage.keys("jjjjj<space><space>T");
    let (items, take) = asked_resolve(&stage).unwrap();
    assert_eq!(
        (items.len(), take),
        (2, &Take::Newest),
        "the rows' keys, which stand for their items"
    );
    assert_eq!(
        stage.world.drafts.len(),
        2,
        "two fields of one record; row 7 is a review item"
    );
}

#[test]
fn a_review_item_is_linked_created_or_ignored() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3jjjjjj<enter>j=");
    assert_eq!(
        asked_resolve(&stage).unwrap().1,
        &Take::Choice(Choice::Link("5519".into()))
    );
    stage.keys("+");
    assert_eq!(
        asked_resolve(&stage).unwrap().1,
        &Take::Choice(Choice::Create)
    );
    stage.keys("i");
    assert_eq!(
        asked_resolve(&stage).unwrap().1,
        &Take::Choice(Choice::Ignore)
    );
    stage.keys("d");
    assert_eq!(stage.message(), "This item is not about a deletion.");
}

#[test]
fn retrying_a_cause_asks_and_names_it() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("5Ry");
    match asked(&stage) {
        Request::Retry {
            which: RetryWhich::Cause(_),
            now: true,
        } => {}
        _ => assert!(writes(&stage).len() == 1, "{:?}", stage.world.asked),
    }
}

#[test]
fn the_correlation_id_is_copied_and_can_be_written_to_a_file() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("5yY");
    assert_eq!(stage.done[0], Effect::Copy("7f3c-11e9-a0".into()));
    assert!(matches!(&stage.done[1], Effect::WriteFile { text, .. } if text == "7f3c-11e9-a0"));
}

#[test]
fn an_export_takes_a_file_name_but_no_path() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("5e<^u>../x.csv<enter>");
    assert!(stage.done.is_empty());
    stage.keys("e<enter>");
    assert!(matches!(&stage.done[..], [Effect::Export { name, .. }] if name == "errors.csv"));
}

#[test]
fn a_late_answer_is_ignored() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.silent = true;
    stage.keys("3");
    let old = stage.model.conflicts.queue.pending.clone().unwrap().id;
    stage.keys("/x<enter>");
    let new = stage.model.conflicts.queue.pending.clone().unwrap().id;
    assert_ne!(old, new);
    let page = crate::service::messages::ListPage {
        total: 1,
        matched: 1,
        from: 0,
        located: None,
        rows: crate::service::messages::Rows::Conflicts(vec![World::full().conflict_row(0)]),
    };
    stage.send(Msg::Reply {
        id: old,
        reply: Ok(Reply::List(page)),
    });
    assert!(stage.model.conflicts.queue.rows.is_empty());
}

#[test]
fn the_selection_follows_its_row_and_new_rows_above_are_counted() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("6jjj");
    assert_eq!(stage.model.runs.runs.selected, Some(RunId(140)));
    stage.world.runs += 5;
    stage.after(1_500);
    stage.status(|status| status.version += 1);
    assert_eq!(stage.model.runs.runs.selected, Some(RunId(140)));
    assert_eq!(stage.model.runs.runs.cursor, 8);
    assert!(
        stage.text().contains("▲ 5 new, 9 of 148"),
        "{}",
        stage.text()
    );
    stage.keys("g");
    assert!(!stage.text().contains("new, "));
}

#[test]
fn esc_clears_marks_then_filter_then_goes_back() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3/acc<enter><space>");
    assert_eq!(stage.model.conflicts.queue.marks.len(), 1);
    stage.keys("<esc>");
    assert!(stage.model.conflicts.queue.marks.is_empty());
    assert_eq!(stage.model.conflicts.queue.filter, "acc");
    stage.keys("<esc>");
    assert_eq!(stage.model.conflicts.queue.filter, "");
    stage.keys("<esc>");
    assert_eq!(stage.model.screen, ScreenId::Mappings);
}

#[test]
fn esc_in_the_filter_prompt_puts_the_old_filter_back() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3/acc<enter>/xx<esc>");
    assert_eq!(stage.model.conflicts.queue.filter, "acc");
}

#[test]
fn leaving_during_a_run_asks_once_and_waits_for_the_batch() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.status(|status| status.run = Some(progress(5)));
    stage.keys("q<esc>");
    assert_eq!(stage.model.leaving, Leaving::No);
    stage.keys("qx");
    let stop = Request::Stop {
        run: Some(RunId(143)),
    };
    assert!(stage.world.asked.contains(&stop));
    assert!(matches!(stage.model.leaving, Leaving::AfterBatch(_)));
    stage.status(|status| status.run = None);
    assert_eq!(stage.model.leaving, Leaving::Now(None));
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.status(|status| status.run = Some(progress(5)));
    stage.keys("<^c><^c>");
    assert_eq!(stage.model.leaving, Leaving::Now(None));
}

#[test]
fn an_information_leaves_after_six_seconds_and_a_warning_at_a_key() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("s");
    assert_eq!(stage.message(), "Sorted by mapping.");
    stage.after(5_900);
    assert!(!stage.message().is_empty());
    stage.after(200);
    assert_eq!(stage.message(), "");
    stage.status(|status| {
        status.connections.hubspot.unreachable_since = Some(now() - Duration::minutes(1))
    });
    stage.after(60_000);
    assert!(stage.message().contains("unreachable"));
    stage.keys("j");
    assert_eq!(stage.message(), "");
}

#[test]
fn an_error_stays_until_the_errors_screen_was_seen() {
    let mut stage = Stage::new(World::full(), 80, 24);
    let run = Box::new(stage.world.run(137));
    stage.send(Msg::Event(crate::service::messages::Event::RunEnded {
        run,
    }));
    stage.keys("jj");
    assert!(
        stage.message().starts_with("Run 137 halted"),
        "{}",
        stage.message()
    );
    stage.keys("5");
    assert_eq!(stage.message(), "");
}

#[test]
fn a_failed_list_is_not_asked_again_before_r() {
    let mut stage = Stage::new(
        World {
            refuse: Some("no".into()),
            ..World::full()
        },
        80,
        24,
    );
    stage.keys("3");
    let asked = stage.world.asked.len();
    stage.after(5_000).after(5_000);
    assert_eq!(stage.world.asked.len(), asked);
    stage.world.refuse = None;
    stage.keys("r");
    assert!(stage.text().contains("Northwind"));
}

#[test]
fn only_a_window_of_a_long_list_is_read() {
    let mut stage = Stage::new(
        World {
            conflicts: 100_000,
            ..World::full()
        },
        80,
        24,
    );
    stage.keys("3G");
    assert_eq!(stage.model.conflicts.queue.cursor, 99_999);
    assert!(stage.model.conflicts.queue.current().is_some());
    for request in &stage.world.asked {
        if let Request::List(query) = request
            && query.list == ListKind::Conflicts
        {
            assert!(query.count <= 200, "{query:?}");
        }
    }
    assert!(stage.text().contains("100 000 of 100 000"));
}

#[test]
fn an_id_in_the_palette_looks_the_record_up() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys(":88120<enter>");
    assert_eq!(
        asked(&stage),
        &Request::Record {
            query: "88120".into(),
            mapping: None,
        }
    );
    assert!(stage.text().contains("Phone waits for a person"));
}

#[test]
fn the_clock_wakes_the_screen_at_the_turn_of_the_minute_only() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.after(8_000);
    assert_eq!(stage.model.next_wake(), now() + Duration::minutes(1));
    stage.keys("2");
    stage.after(7_000);
    stage.status(|status| status.run = Some(progress(5)));
    assert!(stage.model.next_wake() <= stage.now + Duration::milliseconds(250));
}

/// A stage whose engine has not answered the last requests yet: the keys go in, then the answers come in order.
fn within_one_round_trip(stage: &mut Stage, keys: &str) {
    stage.silent = true;
    stage.keys(keys);
    stage.silent = false;
    stage.answer();
}

#[test]
fn apply_right_after_a_choice_waits_for_it_instead_of_being_refused() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>");
    within_one_round_trip(&mut stage, "lW");
    assert!(
        stage
            .text()
            .contains("This starts a run over 1 drafted choice"),
        "{}",
        stage.text()
    );
}

#[test]
fn keys_typed_before_the_rows_are_there_mean_those_rows() {
    let mut stage = Stage::new(World::full(), 80, 24);
    within_one_round_trip(&mut stage, "3j<enter>h]luA");
    assert_eq!(
        stage.world.drafts.get(&ItemId((2 << 64) | 10)),
        Some(&Choice::Take(Side::Salesforce)),
        "h fell on the second record"
    );
    assert_eq!(stage.world.drafts.len(), 1, "l was taken back by u");
    assert_eq!(stage.message(), "Take a side first: h or l.");
}

#[test]
fn marking_all_and_choosing_at_once_chooses_for_all() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3");
    within_one_round_trip(&mut stage, "aL");
    assert!(stage.world.drafts.len() > 20, "{:?}", stage.world.drafts);
}

#[test]
fn esc_gives_held_keys_up_and_so_does_a_moment_without_an_answer() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>");
    stage.silent = true;
    stage.keys("lW<esc>");
    stage.silent = false;
    stage.answer();
    assert!(stage.model.overlays.is_empty());
    stage.silent = true;
    stage.keys("hW");
    stage.after(1_600);
    assert!(stage.message().contains("dropped"), "{}", stage.message());
    stage.silent = false;
    stage.answer();
    assert!(stage.model.overlays.is_empty());
}

#[test]
fn left_for_later_keeps_the_reason_and_u_takes_it_back() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>c");
    stage.keys("ask k.ode first<enter>");
    let row = ItemId(1 << 64);
    assert_eq!(
        stage.world.later.get(&row).map(String::as_str),
        Some("ask k.ode first")
    );
    stage.keys("<esc>g");
    assert!(
        stage.text().contains("later: ask k.ode first (k.ode, 2h"),
        "{}",
        stage.text()
    );
    stage.keys("u");
    assert!(stage.world.later.is_empty());
    stage.after(1_000);
    stage.keys("<space><space>c<enter>");
    assert_eq!(
        stage.world.later.len(),
        2,
        "the marked rows, without a reason"
    );
}

#[test]
fn undoing_a_choice_for_many_puts_each_earlier_choice_back() {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys("3<enter>h<esc>g<space>Lu");
    assert_eq!(
        stage.world.drafts,
        [(ItemId(2 << 64), Choice::Take(Side::Salesforce))].into()
    );
}
