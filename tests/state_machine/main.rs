//! T3 of docs/design/testing.md: histories of small worlds, drawn and shrunk by a property runner, each run of them judged by an
//! oracle that was written from the semantics and not from the engine.
//!
//! `STATE_CASES=<n>` plays so many of each length; `STATE_SEED=<n>` draws others.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod field;
mod look;
mod oracle;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod weak;
mod wire;
mod world;

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed};
use proptest_state_machine::{StateMachineTest, prop_state_machine};

use steps::{Histories, Plot, Step};
use world::World;

/// The engine as it is.
struct Engine;

impl StateMachineTest for Engine {
    type SystemUnderTest = World;
    type Reference = Histories;

    fn init_test(plot: &Plot) -> World {
        World::new(plot, None)
    }

    fn apply(mut world: World, _: &Plot, step: Step) -> World {
        if let Err(what) = world.step(&step) {
            panic!("{what}");
        }
        world
    }

    fn teardown(mut world: World, _: Plot) {
        if let Err(what) = world.rest() {
            panic!("at rest: {what}");
        }
    }
}

/// A number of the environment.
fn number(name: &str, otherwise: u32) -> u32 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Always the same histories, so that a change of the code is all that can change the result.
fn config() -> Config {
    Config {
        cases: number("STATE_CASES", 80),
        rng_seed: RngSeed::Fixed(u64::from(number("STATE_SEED", 1))),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/state_machine/regressions.txt",
        ))),
        max_shrink_iters: number("STATE_SHRINK", 80),
        ..Config::default()
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn every_run_of_a_short_history_does_what_the_semantics_allow(sequential 1..12 => Engine);

    #[test]
    fn every_run_of_a_long_history_does_what_the_semantics_allow(sequential 12..28 => Engine);
}
