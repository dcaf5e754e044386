//! What changes under the operator's hands: a row, a field, a run or the clock that is another one when the key arrives.

use chrono::Duration;

use super::fake::{World, progress};
use super::stage::Stage;
use crate::console::keymap::Context;
use crate::console::model::Leaving;
use crate::console::msg::Msg;
use crate::console::overlays::Overlay;
use crate::console::overlays::editor::Editor;
use crate::console::screens::{ScreenId, conflicts};
use crate::domain::{Choice, ItemId, RunId};
use crate::service::messages::{Progress, Reply, Request, Resolved, Take};

fn stage(keys: &str) -> Stage {
    let mut stage = Stage::new(World::full(), 80, 24);
    stage.keys(keys);
    stage
}

fn choices(stage: &Stage) -> usize {
    let asked = stage.world.asked.iter();
    asked
        .filter(|request| matches!(request, Request::Resolve { .. }))
        .count()
}

/// The engine says that something changed, and the lists may be read again.
fn changed(stage: &mut Stage) {
    stage.after(1_500);
    stage.status(|status| status.version += 1);
}

fn run(number: u64) -> Progress {
    Progress {
        run: Some(RunId(number)),
        ..progress(5)
    }
}

#[test]
fn a_row_that_vanishes_closes_its_resolver_and_no_key_falls_on_the_next_record() {
    let mut stage = stage("3G<enter>");
    assert_eq!(stage.model.context(), Context::Resolver);
    let label = stage.model.conflicts.queue.current().unwrap().label.clone();
    stage.world.conflicts -= 1;
    changed(&mut stage);
    assert_eq!(stage.model.context(), Context::Queue);
    assert!(
        stage
            .message()
            .starts_with(&format!("{label} waits no more")),
        "{}",
        stage.message()
    );
    stage.keys("hl");
    assert_eq!(choices(&stage), 0);
}

#[test]
fn an_event_whose_item_is_over_opens_no_other_item() {
    let mut stage = stage("3");
    stage.silent = true;
    conflicts::show(&mut stage.model, ItemId((1 << 64) | 500));
    stage.keys("l");
    stage.silent = false;
    stage.answer();
    assert_eq!(stage.model.screen, ScreenId::Conflicts);
    assert_eq!(stage.model.context(), Context::Queue);
    assert!(
        stage.message().starts_with("That item waits no more"),
        "{}",
        stage.message()
    );
    assert_eq!(choices(&stage), 0, "what was typed for it is dropped");
}

#[test]
fn the_field_cursor_follows_its_field_through_a_refresh() {
    let mut stage = stage("3<enter>j");
    let field = stage
        .model
        .conflicts
        .field()
        .unwrap()
        .names
        .salesforce
        .clone();
    let mut detail = stage.model.conflicts.detail().unwrap().clone();
    detail.fields.remove(0);
    let (key, now) = (detail.row.key, stage.now);
    stage.model.conflicts.detail.asked(999, key, now);
    stage.model.conflicts.arrived(999, detail, now);
    assert_eq!(
        stage.model.conflicts.field().unwrap().names.salesforce,
        field
    );
}

#[test]
fn the_candidate_under_the_cursor_follows_its_record_through_a_refresh() {
    let mut stage = stage("3jjjjjj<enter>j");
    let record = stage.model.conflicts.candidate().unwrap().candidate.clone();
    let mut detail = stage.model.conflicts.detail().unwrap().clone();
    detail.candidates.reverse();
    let (key, now) = (detail.row.key, stage.now);
    stage.model.conflicts.detail.asked(999, key, now);
    stage.model.conflicts.arrived(999, detail, now);
    assert_eq!(stage.model.conflicts.candidate().unwrap().candidate, record);
}

#[test]
fn a_stop_dialog_goes_with_its_run_and_never_stops_the_next() {
    let mut stage = stage("2");
    stage.status(|status| status.run = Some(run(143)));
    stage.keys("X");
    stage.status(|status| status.run = Some(run(144)));
    assert!(stage.model.overlays.is_empty());
    assert!(
        stage.message().starts_with("Run 143 is over"),
        "{}",
        stage.message()
    );
    stage.keys("y");
    let stopped = |stage: &Stage, run: u64| {
        let run = Some(RunId(run));
        stage.world.asked.contains(&Request::StopNow { run })
    };
    assert!(!stopped(&stage, 143) && !stopped(&stage, 144));
    stage.keys("Xy");
    assert!(stopped(&stage, 144), "the run that the dialog named");
}

#[test]
fn a_stop_dialog_stays_while_its_run_gets_its_number() {
    let mut stage = stage("2");
    stage.status(|status| {
        status.run = Some(Progress {
            run: None,
            ..progress(5)
        })
    });
    stage.keys("X");
    stage.status(|status| status.run = Some(run(143)));
    assert_eq!(stage.model.overlays.len(), 1);
}

#[test]
fn the_quit_dialog_goes_with_its_run() {
    let mut stage = stage("");
    stage.status(|status| status.run = Some(run(143)));
    stage.keys("q");
    stage.status(|status| status.run = None);
    assert!(stage.model.overlays.is_empty());
    stage.keys("x");
    stage.status(|status| status.run = Some(run(144)));
    stage.status(|status| status.run = None);
    assert_eq!(stage.model.leaving, Leaving::No);
}

#[test]
fn leaving_after_a_batch_does_not_wait_for_the_run_after_it() {
    let mut stage = stage("");
    stage.status(|status| status.run = Some(run(143)));
    stage.keys("qx");
    stage.status(|status| status.run = Some(run(144)));
    assert_eq!(stage.model.leaving, Leaving::Now(None));
}

#[test]
fn a_stop_that_comes_too_late_leaves_at_once() {
    let mut stage = stage("");
    stage.status(|status| status.run = Some(run(143)));
    stage.world.refuse = Some("no run is under way".into());
    stage.keys("qx");
    assert_eq!(stage.model.leaving, Leaving::Now(None));
}

#[test]
fn a_dialog_that_nobody_has_seen_takes_no_yes() {
    let mut stage = stage("5");
    stage.burst("Ry");
    let retried = |stage: &Stage| {
        let mut asked = stage.world.asked.iter();
        asked.any(|request| matches!(request, Request::Retry { .. }))
    };
    assert!(!retried(&stage));
    assert_eq!(stage.model.overlays.len(), 1, "the dialog stays to be read");
    stage.frame();
    stage.burst("y");
    assert!(retried(&stage));
}

#[test]
fn leaving_a_run_is_not_chosen_before_its_dialog_was_seen() {
    let mut stage = stage("");
    stage.status(|status| status.run = Some(run(143)));
    stage.burst("qx");
    assert_eq!(stage.model.leaving, Leaving::No);
    let mut asked = stage.world.asked.iter();
    assert!(!asked.any(|request| matches!(request, Request::Stop { .. })));
}

#[test]
fn below_the_least_size_only_leaving_works() {
    let mut stage = stage("5");
    stage.send(Msg::Resize(20, 5));
    stage.keys("R");
    assert!(stage.model.overlays.is_empty());
    stage.send(Msg::Resize(80, 24));
    stage.keys("R");
    stage.send(Msg::Resize(20, 5));
    stage.keys("y");
    assert_eq!(stage.model.overlays.len(), 1);
    stage.keys("<^c><^c>");
    assert_eq!(stage.model.leaving, Leaving::Now(None));
}

#[test]
fn a_clock_set_back_takes_everything_shown_with_it() {
    let mut stage = stage("3<enter>");
    stage.silent = true;
    stage.keys("lW");
    stage.now -= Duration::minutes(10);
    stage.send(Msg::Tick);
    assert_eq!(stage.model.now, stage.now);
    stage.after(1_600);
    assert!(stage.message().contains("dropped"), "{}", stage.message());
    stage.after(6_100);
    assert_eq!(stage.message(), "");
    stage.silent = false;
    stage.answer();
    let before = stage.world.asked.len();
    changed(&mut stage);
    assert!(stage.world.asked.len() > before, "lists are read again");
}

#[test]
fn a_preview_asked_before_the_clock_was_set_back_still_arrives() {
    let mut stage = stage("");
    stage.silent = true;
    stage.keys("v");
    stage.now -= Duration::minutes(10);
    stage.send(Msg::Tick);
    assert!(stage.text().contains("Counting"), "{}", stage.text());
    stage.world.made_at = stage.now + Duration::milliseconds(200);
    stage.silent = false;
    stage.answer();
    assert!(stage.text().contains("41 000 read"), "{}", stage.text());
}

#[test]
fn applying_and_retrying_name_what_else_their_run_sends() {
    let mut stage = stage("3<enter>h");
    stage.world.unsent = 7_999;
    stage.keys("W");
    assert!(stage.text().contains("7 999 records"), "{}", stage.text());
    stage.keys("<esc>5R");
    assert!(
        stage.text().contains("Drafts of the same"),
        "{}",
        stage.text()
    );
}

#[test]
fn taking_back_says_what_a_run_has_sent_already() {
    let mut stage = stage("3<enter>h");
    stage.silent = true;
    stage.keys("u");
    let id = *stage.model.waiting.keys().last().unwrap();
    let reply = Reply::Resolved(Resolved {
        count: 0,
        drafts: 0,
        open: 0,
        before: vec![],
    });
    stage.send(Msg::Reply {
        id,
        reply: Ok(reply),
    });
    assert!(
        stage.message().starts_with("0 of 1 choice taken back"),
        "{}",
        stage.message()
    );
}

#[test]
fn a_text_whose_choice_is_refused_can_still_be_written_to_a_file() {
    let mut stage = stage("3<enter>e");
    stage.keys("<^u>merged by hand");
    stage.world.unfit = vec![ItemId(2 << 64)];
    stage.keys("<enter>");
    assert!(stage.message().contains("Y writes"), "{}", stage.message());
    assert_eq!(stage.model.copied.as_deref(), Some("merged by hand"));
}

#[test]
fn an_editor_keeps_the_line_ends_of_the_value() {
    let mut stage = stage("");
    for start in ["a\r\nb\r\n", "a\nb\n", "a\r\nb\nc", ""] {
        let editor = Editor::new(ItemId(1), "Notes".into(), start, false);
        stage.model.overlays.push(Overlay::Editor(Box::new(editor)));
        stage.keys("<tab>");
        match stage.world.asked.last().unwrap() {
            Request::Resolve {
                take: Take::Choice(Choice::Value(kept)),
                ..
            } => assert_eq!(kept, start),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn marks_that_cannot_take_a_choice_are_taken_off_so_that_the_others_can() {
    let mut stage = stage("3<space><space>");
    stage.world.unfit = vec![ItemId(1 << 64)];
    stage.keys("H");
    assert!(
        stage.message().starts_with("1 record is unmarked"),
        "{}",
        stage.message()
    );
    assert_eq!(stage.model.conflicts.queue.marks.len(), 1);
    stage.keys("H");
    assert!(!stage.world.drafts.is_empty());
}
