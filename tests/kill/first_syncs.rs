//! Kills of first syncs and of those that follow: the same records as an unbroken sync makes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use syncline::sandbox::Side;
use syncline::sandbox::history::Author;

use crate::child::Child;
use crate::process::{Desk, Dice, Vendors, adds_up, written};
use crate::words::*;

/// A write without an answer is looked up after two seconds, not minutes.
const ENGINE: &str = "settle_delay = \"2s\"\nrequest_timeout = \"1s\"";

/// People edit on both sides, so that runs after the first have something to write.
fn edit(vendors: &Vendors, dice: &mut Dice, many: usize) {
    let now = vendors.clock.now();
    let mut sandbox = vendors.running.sandbox();
    let pairs = sandbox.truth().contacts.clone();
    for _ in 0..many {
        let pair = &pairs[dice.below(pairs.len() as u64) as usize];
        let title = Some(format!("Title {}", dice.next() % 10_000));
        let who = Author::Colleague("kill-test".into());
        // A record that a vendor's rule holds is left as it is.
        let _ = match dice.below(2) {
            0 => {
                let values = BTreeMap::from([("Title".to_owned(), title)]);
                sandbox
                    .org
                    .edit(now, &who, "Contact", &pair.salesforce, values)
            }
            _ => {
                let values = BTreeMap::from([("jobtitle".to_owned(), title)]);
                sandbox
                    .portal
                    .edit(now, who, "contacts", &pair.hubspot, values)
            }
        };
    }
}

#[test]
fn thirty_kills_lose_nothing_and_make_nothing_twice() {
    let seed = number("KILL_SEED", 20_261_122);
    let kills = number("KILLS", 30) as usize;
    let contacts = number("KILL_CONTACTS", 150) as usize;
    println!("KILL_SEED={seed} KILLS={kills} KILL_CONTACTS={contacts}");
    // Two installations side by side: most of a kill is waiting.
    std::thread::scope(|scope| {
        scope.spawn(|| killed_again_and_again(seed, kills.div_ceil(2), contacts));
        scope.spawn(|| killed_again_and_again(seed + 1, kills / 2, contacts));
    });
}

fn killed_again_and_again(seed: u64, kills: usize, contacts: usize) {
    let began = Instant::now();

    // The same world without a kill: how long a run takes, and how many records there must be at the end.
    let calm = world(contacts, seed, 0);
    let desk = Desk::at(&calm, ENGINE);
    let run = Child::sync(&desk);
    let from = run.started;
    let document = run.finish().run().unwrap();
    let first = from.elapsed();
    let mut length = first;
    document["mappings"]
        .as_array()
        .unwrap()
        .iter()
        .for_each(|one| adds_up(one, true));
    let expected =
        [Side::Salesforce, Side::HubSpot].map(|side| calm.stats(side)["records"].clone());
    drop((desk, calm));

    let vendors = world(contacts, seed, 0);
    let desk = Desk::at(&vendors, ENGINE);
    let mut dice = Dice(seed);
    let (mut killed, mut finished, mut hit, mut open) = (0, 0, 0, 0);
    let mut recoveries = Vec::new();
    while killed < kills {
        let moment = Duration::from_nanos(dice.below(length.as_nanos() as u64));
        let run = Child::sync(&desk);
        let from = run.started;
        let outcome = if killed % 3 == 2 {
            // Aimed: a little after a write has landed at a vendor, when its answer may not be recorded yet.
            let before = writes(&vendors);
            let nth = 1 + dice.below(4);
            run.kill_when(|_| writes(&vendors) >= before + nth)
        } else {
            run.kill_at(moment)
        };
        recoveries.extend(outcome.ready);
        match outcome.run() {
            // It was faster than the moment drawn; a later kill makes up for it.
            Some(run) => {
                finished += 1;
                // What is left to do takes as long as this, no longer as a first sync.
                length = from.elapsed();
                assert!(finished < 200, "runs end before they can be killed");
                run["mappings"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .for_each(|one| adds_up(one, false));
                edit(&vendors, &mut dice, 30);
            }
            None => {
                killed += 1;
                let left = match desk.data().join("store").exists() {
                    true => open_writes(&desk).len(),
                    false => 0,
                };
                if killed % 5 == 0 {
                    doctor(&desk);
                }
                hit += usize::from(left > 0);
                open += left;
            }
        }
    }

    // Nobody edits any more: it comes to rest. A write without an answer is settled after the delay.
    let healing = Instant::now();
    let mut runs = 0;
    let last = loop {
        runs += 1;
        assert!(
            runs <= 8,
            "not quiet after 8 runs: {:?}",
            open_writes(&desk)
        );
        let outcome = Child::sync(&desk).finish();
        recoveries.extend(outcome.ready);
        let run = outcome.run().unwrap();
        if written(&run) == 0 && runs > 1 && open_writes(&desk).is_empty() {
            break run;
        }
        std::thread::sleep(Duration::from_millis(2_100));
    };

    recoveries.sort();
    let most = recoveries.last().copied().unwrap_or_default();
    let median = recoveries
        .get(recoveries.len() / 2)
        .copied()
        .unwrap_or_default();
    println!(
        "seed {seed}: first sync {first:.1?}, last run {length:.1?}; {killed} kills, {hit} hit a running write ({open} writes open); {finished} runs ended first; \
         start to preflight over: median {median:.2?}, most {most:.2?} of {}; {runs} runs and {:.1?} to rest; {:.1?} in all",
        recoveries.len(),
        healing.elapsed(),
        began.elapsed()
    );

    for (side, expected) in [Side::Salesforce, Side::HubSpot].into_iter().zip(expected) {
        let stats = vendors.stats(side);
        assert_eq!(stats["created_twice"], serde_json::json!([]), "{side:?}");
        assert_eq!(
            stats["records"], expected,
            "{side:?}: not the records of an unbroken sync"
        );
    }
    doctor(&desk);
    no_record_is_linked_twice(&desk);
    assert!(
        matches!(last["state"].as_str(), Some("done" | "done_with_errors")),
        "{last}"
    );
    assert!(
        hit > 0,
        "no kill hit a running write: the test proves nothing"
    );
    assert!(median < Duration::from_secs(2), "recovery took {median:?}");
}
