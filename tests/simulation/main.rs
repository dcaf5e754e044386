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

mod admin;
mod check;
mod clocks;
mod clubs;
mod config;
mod cover;
mod diary;
mod draw;
mod families;
mod leads;
mod operator;
mod people;
mod rest;
mod rng;
mod shrink;
mod stage;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod weak;
mod weak_side;
mod wire;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Does the same to each of many, on as many threads as there are cores, two at most in CI; the results in the order of the many.
fn each<T: Sync, R: Send>(many: &[T], what: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..number("SIM_THREADS", 2) {
            scope.spawn(|| {
                while let Some(one) = many.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The number was taken in order, whatever finishes first.
                    let place = many.iter().position(|other| std::ptr::eq(one, other));
                    let result = what(one);
                    done.lock().unwrap().push((place, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn swarm() {
    let (from, seeds) = (number("SIM_FROM", 0), number("SIM_SEEDS", 20));
    let mut sum = Report::default();
    let mut failed = Vec::new();
    let stories: Vec<Story> = (from..from + seeds).map(Story::of).collect();
    let ends = each(&stories, |story| {
        let end = play(story, None);
        if let Err(failure) = &end {
            let broken = &failure.broken;
            println!("seed {} {} {}", story.seed, broken.invariant, broken.detail);
        }
        end
    });
    for (story, end) in stories.iter().zip(ends) {
        match end {
            Ok(report) => sum.join(&report),
            Err(failure) => failed.push((story, failure)),
        }
    }
    println!(
        "{seeds} seeds from {from}: {:.1} virtual days, {} requests, {} crashes, {} conflicts, created {} in Salesforce and {} in HubSpot",
        sum.days, sum.requests, sum.crashes, sum.conflicts, sum.creates[0], sum.creates[1]
    );
    println!("{:#?}", sum.cover.0);
    let count = failed.len();
    if let Some((story, failure)) = failed.into_iter().next() {
        let (story, failure) = match number("SIM_SHRINK", 1) {
            0 => (story.clone(), failure),
            _ => shrink::shrink(story, failure, None),
        };
        if number("SIM_TRACE", 0) > 0 {
            wire::TELLS.store(true, Ordering::Relaxed);
            drop(play(&story, None));
        }
        panic!(
            "{count} of {seeds} failed; the first:\n{}",
            tell(&story, &failure)
        );
    }
    let never = sum.cover.missing(seeds);
    assert!(
        never.is_empty(),
        "never met in {seeds} seeds, so nothing was proved about them: {never:?}"
    );
}

/// Each defence, taken away, is missed within so many seeds.
#[test]
fn weakened_engines_are_caught() {
    let limit = number("SIM_WEAK_SEEDS", 60);
    let only = std::env::var("SIM_WEAK").ok();
    let all: Vec<Weakness> = Weakness::ALL
        .into_iter()
        .filter(|one| only.as_ref().is_none_or(|name| format!("{one:?}") == *name))
        .collect();
    let missed: Vec<Weakness> = each(&all, |weakness| (*weakness, caught(*weakness, limit)))
        .into_iter()
        .filter_map(|(weakness, caught)| (!caught).then_some(weakness))
        .collect();
    assert!(
        missed.is_empty(),
        "not caught within {limit} seeds: {missed:?}"
    );
}

/// Whether one of so many seeds catches the loss of a defence; the one that is known to goes first.
fn caught(weakness: Weakness, limit: u64) -> bool {
    let hint = weakness.hint();
    std::iter::once(hint)
        .chain((0..limit).filter(|seed| *seed != hint))
        .any(|seed| {
            let mut story = Story::of(seed);
            weakness.world(&mut story);
            let Err(failure) = play(&story, Some(weakness)) else {
                return false;
            };
            // Only what the engine with all its defences survives tells of the missing one.
            if play(&story, None).is_err() {
                return false;
            }
            println!(
                "{weakness:?}: caught by seed {seed} as {}: {}",
                failure.broken.invariant,
                failure.broken.detail.chars().take(200).collect::<String>()
            );
            true
        })
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
