//! The simulation (docs/design/testing.md 2): whole installations in virtual time, everything that happens drawn from a seed.
//!
//! `SIM_FROM=<seed> SIM_SEEDS=<n>` choose the range of the swarm.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod check;
mod cover;
mod people;
mod rng;
mod shrink;
mod stage;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod weak;
mod wire;

use cover::Cover;
use stage::{Failure, Report, play};
use story::Story;
use weak::Weakness;

/// A number of the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn tell(story: &Story, failure: &Failure) -> String {
    format!(
        "seed={} invariant={} step={} virtual_time={}\n  {}\n{}\nlast requests:\n  {}\nreplay: SIM_FROM={} SIM_SEEDS=1 cargo test --test simulation swarm -- --nocapture",
        story.seed,
        failure.broken.invariant,
        failure.step,
        failure.at,
        failure.broken.detail,
        story.lines(),
        failure.last.join("\n  "),
        story.seed,
    )
}

#[test]
fn swarm() {
    let (from, seeds) = (number("SIM_FROM", 0), number("SIM_SEEDS", 20));
    let mut sum = Report::default();
    let mut cover = Cover::default();
    let mut failed = Vec::new();
    for seed in from..from + seeds {
        let story = Story::of(seed);
        match play(&story, None) {
            Ok(report) => {
                sum.days += report.days;
                sum.requests += report.requests;
                sum.crashes += report.crashes;
                sum.conflicts += report.conflicts;
                sum.creates[0] += report.creates[0];
                sum.creates[1] += report.creates[1];
                cover.join(&report.cover);
            }
            Err(failure) => {
                let broken = &failure.broken;
                println!("seed {seed} {} {}", broken.invariant, broken.detail);
                let (story, failure) = match failed.is_empty() {
                    true => shrink::shrink(&story, failure, None),
                    false => (story, failure),
                };
                failed.push(tell(&story, &failure));
            }
        }
    }
    println!(
        "{seeds} seeds from {from}: {:.1} virtual days, {} requests, {} crashes, {} conflicts, created {} in Salesforce and {} in HubSpot",
        sum.days, sum.requests, sum.crashes, sum.conflicts, sum.creates[0], sum.creates[1]
    );
    println!("{:#?}", cover.0);
    assert!(
        failed.is_empty(),
        "{} of {} failed; the first:\n{}",
        failed.len(),
        seeds,
        failed[0]
    );
}

/// Each defence, taken away, is missed within so many seeds.
#[test]
fn weakened_engines_are_caught() {
    let limit = number("SIM_WEAK_SEEDS", 60);
    let mut missed = Vec::new();
    let only = std::env::var("SIM_WEAK").ok();
    let all = Weakness::ALL.into_iter();
    for weakness in all.filter(|one| only.as_ref().is_none_or(|name| format!("{one:?}") == *name)) {
        let mut stories = (0..limit).map(|seed| {
            let mut story = Story::of(seed);
            weakness.world(&mut story);
            story
        });
        let caught = stories.find_map(|story| {
            let failure = play(&story, Some(weakness)).err()?;
            // Only what the engine with all its defences survives tells of the missing one.
            play(&story, None).ok()?;
            Some((story, failure))
        });
        match caught {
            Some((story, failure)) => println!(
                "{weakness:?}: caught by seed {} as {}: {}",
                story.seed,
                failure.broken.invariant,
                failure.broken.detail.chars().take(200).collect::<String>()
            ),
            None => missed.push(weakness),
        }
    }
    assert!(
        missed.is_empty(),
        "not caught within {limit} seeds: {missed:?}"
    );
}

/// The same seed is the same world to the last byte.
#[test]
fn a_seed_is_played_alike_twice() {
    let from = number("SIM_FROM", 0);
    for seed in [from, from + 16] {
        let story = Story::of(seed);
        let end = || {
            play(&story, None)
                .map(|report| report.digest)
                .map_err(|failure| (failure.broken, failure.step, failure.at, failure.last))
        };
        assert_eq!(end(), end(), "seed {seed}");
    }
}
