//! The table of bindings.

use std::collections::BTreeMap;

use super::fake::World;
use super::stage::Stage;
use crate::console::keymap::{Availability, BINDINGS, Context, bindings};
use crate::console::overlays::help::Help;
use crate::console::readme_keys;
use crate::console::update::perform;

#[test]
fn no_key_means_two_things_in_one_pane() {
    for context in Context::ALL {
        let mut seen = BTreeMap::new();
        for row in bindings(context) {
            for key in row.keys {
                if let Some(other) = seen.insert(*key, row.command) {
                    panic!(
                        "{context:?}: {} is {other:?} and {:?}",
                        key.shown(),
                        row.command
                    );
                }
            }
        }
    }
}

#[test]
fn every_row_has_a_key_a_pane_and_words() {
    for row in BINDINGS {
        assert!(
            !row.keys.is_empty() && !row.contexts.is_empty(),
            "{:?}",
            row.command
        );
        assert!(
            !row.label.is_empty() && row.label.len() <= 24,
            "{:?}",
            row.command
        );
        assert!(
            row.long.chars().next().unwrap().is_uppercase() && row.long.len() <= 80,
            "{:?}",
            row.command
        );
    }
}

#[test]
fn the_keys_that_do_not_exist_yet_are_nowhere() {
    for row in BINDINGS {
        for key in row.keys {
            assert!(
                !["4", "7", "8", "9", "M"].contains(&key.shown().as_str()),
                "{:?}",
                row.command
            );
        }
    }
}

#[test]
fn help_lists_every_key_that_works_and_no_other() {
    for context in Context::ALL {
        let help = Help::new(context);
        let mut shown: Vec<_> = help.rows().iter().map(|row| row.command).collect();
        let mut there: Vec<_> = bindings(context).map(|row| row.command).collect();
        shown.sort();
        there.sort();
        assert_eq!(shown, there, "{context:?}");
    }
}

#[test]
fn the_readme_names_every_binding() {
    let readme = readme_keys();
    for row in BINDINGS {
        assert!(readme.contains(row.long), "{:?}", row.command);
    }
    insta::assert_snapshot!("readme_keys", readme);
}

/// Brings a stage to a pane, where its world lets it.
fn bring(context: Context, stage: &mut Stage) {
    let keys = match context {
        Context::Mappings => "1",
        Context::MappingDetail => "1<enter>",
        Context::Needs => "1<tab><tab>",
        Context::Activity => "1<tab><tab><tab>",
        Context::Live => "2",
        Context::Queue => "3",
        Context::Resolver => "3<enter>",
        Context::Review => "3jjjjjj<enter>",
        Context::Causes => "5",
        Context::ErrorRecords => "5<enter>",
        Context::Runs => "6",
        Context::Journal => "6<enter>",
    };
    stage.keys(keys);
}

#[test]
fn every_command_from_every_pane_with_an_empty_and_a_full_model_never_panics() {
    for context in Context::ALL {
        for full in [true, false] {
            for row in BINDINGS {
                let world = if full { World::full() } else { World::empty() };
                let mut stage = Stage::new(world, 132, 36);
                bring(context, &mut stage);
                if full {
                    assert_eq!(stage.model.context(), context);
                }
                let _ = perform(&mut stage.model, row.command);
                stage.text();
                stage.keys("<esc><esc>jk<enter><esc>");
                stage.text();
            }
        }
    }
}

#[test]
fn every_binding_can_be_used_somewhere_and_a_reason_is_a_sentence() {
    let mut stage = Stage::new(World::empty(), 132, 36);
    stage.keys("3");
    for row in BINDINGS {
        if let Availability::Disabled(why) = (row.when)(&stage.model) {
            assert!(why.ends_with('.'), "{:?}: {why}", row.command);
        }
    }
}
