//! Snapshots of every screen and state, text and styles.

use chrono::Duration;

use super::fake::{World, line, now, progress};
use super::stage::Stage;
use crate::console::msg::Msg;
use crate::service::messages::Tone;

const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (132, 36), (200, 50)];

fn shots(name: &str, mut make: impl FnMut(&mut Stage)) {
    shots_of(name, World::full, &mut make);
}

fn shots_of(name: &str, world: impl Fn() -> World, make: &mut dyn FnMut(&mut Stage)) {
    for (width, height) in SIZES {
        let mut stage = Stage::new(world(), width, height);
        make(&mut stage);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), stage.shot());
    }
}

#[test]
fn the_home_screen() {
    shots("mappings", |stage| {
        stage.keys("j");
    });
}

#[test]
fn one_mapping_opened() {
    shots("mapping_opened", |stage| {
        stage.keys("<enter>");
    });
}

#[test]
fn a_run_under_way() {
    shots("live", |stage| {
        stage.keys("2");
        for (second, tone, subject, label, what) in [
            (
                29,
                Tone::Ok,
                "Contact 003..8Qk",
                "jane@ex.org",
                "phone ← HS",
            ),
            (
                29,
                Tone::Warn,
                "Contact 003..1zT",
                "title differs",
                "parked in Conflicts",
            ),
            (
                30,
                Tone::Error,
                "Company 88120",
                "422 invalid domain \"n/a\"",
                "in Errors",
            ),
            (30, Tone::Ok, "batch HS 4/9", "", "100 written, 2.1 s"),
        ] {
            stage.send(Msg::Event(line(second, tone, subject, label, what)));
        }
        stage.status(|status| status.run = Some(progress(212)));
        stage.after(1_000);
        stage.status(|status| {
            status.connections.hubspot.throttled_until = Some(now() + Duration::seconds(4))
        });
    });
}

#[test]
fn no_run_under_way() {
    shots("live_idle", |stage| {
        stage.keys("2");
    });
}

#[test]
fn the_conflict_queue() {
    shots("conflicts", |stage| {
        stage.keys("3jjjj");
    });
}

#[test]
fn the_resolver() {
    shots("resolver", |stage| {
        stage.keys("3<enter>lh");
    });
}

#[test]
fn a_review_item() {
    shots("review", |stage| {
        stage.keys("3jjjjjj<enter>j");
    });
}

#[test]
fn marked_and_filtered() {
    shots("conflicts_marked", |stage| {
        stage.keys("3/mapping:accounts<enter><space><space>");
    });
}

#[test]
fn the_errors() {
    shots("errors", |stage| {
        stage.keys("5");
    });
}

#[test]
fn the_records_of_a_cause() {
    shots("error_records", |stage| {
        stage.keys("5<enter>jj<space>");
    });
}

#[test]
fn the_runs() {
    shots("runs", |stage| {
        stage.keys("6");
    });
}

#[test]
fn a_halted_run() {
    shots("run_halted", |stage| {
        stage.keys("6jjjjjj");
    });
}

#[test]
fn a_runs_journal() {
    shots("journal", |stage| {
        stage.keys("6<enter>jj");
    });
}

#[test]
fn nothing_anywhere() {
    for (key, name) in [
        ("1", "mappings"),
        ("2", "live"),
        ("3", "conflicts"),
        ("5", "errors"),
        ("6", "runs"),
    ] {
        shots_of(&format!("empty_{name}"), World::empty, &mut |stage| {
            stage.keys(key);
        });
    }
}

#[test]
fn failed_everywhere() {
    for (key, name) in [
        ("1", "mappings"),
        ("3", "conflicts"),
        ("5", "errors"),
        ("6", "runs"),
    ] {
        let world = || World {
            refuse: Some("the store could not be read: disk I/O error. See the log.".into()),
            ..World::full()
        };
        shots_of(&format!("failed_{name}"), world, &mut |stage| {
            stage.keys(key);
        });
    }
}

#[test]
fn waiting_for_rows() {
    shots("loading_conflicts", |stage| {
        stage.silent = true;
        stage.keys("3");
        stage.after(2_300);
    });
}

#[test]
fn hostile_text() {
    for (keys, name) in [
        ("", "mappings"),
        ("3", "conflicts"),
        ("3<enter>", "resolver"),
        ("5", "errors"),
        ("6<enter>", "journal"),
        ("<^f>x<enter>", "record"),
    ] {
        shots_of(&format!("hostile_{name}"), World::hostile, &mut |stage| {
            stage.keys(keys);
        });
    }
}

#[test]
fn overlays() {
    for (keys, name) in [
        ("R", "run_dialog"),
        ("v", "preview"),
        ("3<enter>?", "help"),
        (":und", "palette"),
        ("3<enter>hlW", "apply_dialog"),
        ("3<enter>hkA", "alike_dialog"),
        ("3<enter>e", "editor"),
        ("5R", "retry_dialog"),
        ("6jjjjjjR13", "confirm_dialog"),
        ("<^f>88120<enter>", "record"),
        ("<^f>88120<enter>G", "record_end"),
        ("<^f>two<enter>j", "record_several"),
        ("<^f>nobody<enter>", "record_unknown"),
        ("6U", "undo_forecast"),
        ("6UU14", "undo_dialog"),
        ("3/city:Lyn", "filter_prompt"),
        ("3/nothing<enter>", "nothing_matches"),
    ] {
        shots(name, |stage| {
            stage.keys(keys);
        });
    }
}

#[test]
fn a_frozen_field() {
    let world = || World {
        frozen: true,
        ..World::full()
    };
    shots_of("frozen", world, &mut |stage| {
        stage.keys("3j<enter>");
    });
}

#[test]
fn a_halted_runs_plan() {
    shots("plan", |stage| {
        stage.keys("6jjjjjj<enter>");
    });
}

#[test]
fn leaving_while_a_run_is_under_way() {
    shots("quit_dialog", |stage| {
        stage.status(|status| status.run = Some(progress(212)));
        stage.keys("q");
    });
}

#[test]
fn a_lost_connection() {
    shots("lost_connection", |stage| {
        stage.status(|status| {
            status.connections.hubspot.unreachable_since = Some(now() - Duration::minutes(2));
            status.connections.hubspot.next_try_at = Some(now() + Duration::seconds(20));
        });
    });
}

#[test]
fn monochrome_and_ascii() {
    for (keys, name) in [("j", "mappings"), ("3<enter>l", "resolver")] {
        let options = crate::console::ConsoleOptions {
            ascii: true,
            color: crate::console::ColorChoice::Never,
            read_only: true,
            ..super::stage::options()
        };
        let mut stage = Stage::with(World::full(), 80, 24, options);
        stage.keys(keys);
        let frame = super::stage::text(&stage.frame());
        assert!(frame.is_ascii(), "{frame}");
        insta::assert_snapshot!(format!("ascii_{name}"), stage.shot());
    }
}

#[test]
fn too_small() {
    let mut stage = Stage::new(World::full(), 52, 12);
    stage.status(|status| status.run = Some(progress(1)));
    insta::assert_snapshot!("too_small", stage.shot());
}
