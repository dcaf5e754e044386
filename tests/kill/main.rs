//! Real crashes (docs/design/testing.md, T5): the real binary on a real store over real sockets, killed at random moments
//! of its runs. It must always come back, make nothing twice, and come to rest.
//!
//! `KILL_SEED`, `KILLS` and `KILL_CONTACTS` change the run; the seed is printed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the kill tests are the ones that wait for real time"
)]

mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use process::{Desk, Dice, Vendors, adds_up, written};
use serde_json::Value;
use syncline::sandbox::history::Author;
use syncline::sandbox::{Options, Side};

/// A write without an answer is looked up after two seconds, not minutes.
const ENGINE: &str = "settle_delay = \"2s\"\nrequest_timeout = \"1s\"";

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

/// A child at work: when its preflight was over (what came before was opening and recovery), and what it printed.
struct Run {
    child: Child,
    started: Instant,
    ready: mpsc::Receiver<Duration>,
    err: std::thread::JoinHandle<String>,
}

impl Run {
    fn start(desk: &Desk) -> Run {
        let mut child = desk
            .command(&["sync", "--yes", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let (tell, ready) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let err = std::thread::spawn(move || {
            let mut all = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                if line.starts_with("preflight") {
                    let _ = tell.send(started.elapsed());
                }
                all.push_str(&line);
                all.push('\n');
            }
            all
        });
        Run {
            child,
            started,
            ready,
            err,
        }
    }

    /// Kills it at that time.
    fn kill_at(self, moment: Duration) -> (Option<Value>, Option<Duration>) {
        self.kill_when(|elapsed| elapsed >= moment)
    }

    /// Lets it work until `due` says so, then kills it; its document where it had ended before.
    fn kill_when(
        mut self,
        mut due: impl FnMut(Duration) -> bool,
    ) -> (Option<Value>, Option<Duration>) {
        let ended = loop {
            if due(self.started.elapsed()) {
                self.child.kill().unwrap();
                break None;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let mut out = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        let _ = self.child.wait();
        let err = self.err.join().unwrap();
        assert!(!err.contains("panicked"), "{err}");
        let ready = self.ready.try_recv().ok();
        let document = ended.map(|status| {
            assert!(
                matches!(status.code(), Some(0 | 1)),
                "a run must end 0 or 1, not {status}: {err}{out}"
            );
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}"))
        });
        (document, ready)
    }

    fn finish(self) -> (Value, Option<Duration>) {
        let (document, ready) = self.kill_at(Duration::from_secs(120));
        (document.expect("the run took two minutes"), ready)
    }
}

/// Two vendors that take a moment to answer, as real ones do: a kill can fall between a request and its answer.
fn world(contacts: usize, seed: u64) -> Vendors {
    Vendors::with(Options {
        contacts,
        seed,
        latency_ms: 20,
        ..Options::default()
    })
}

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

/// How many writing requests both vendors have carried out.
fn writes(vendors: &Vendors) -> u64 {
    let sandbox = vendors.running.sandbox();
    let calls = [sandbox.org.calls(), sandbox.portal.calls()];
    let writing = |call: &str| {
        call.starts_with("PATCH ")
            || [
                "/batch/create",
                "/batch/update",
                "/batch/upsert",
                "/composite/sobjects",
            ]
            .iter()
            .any(|end| call.starts_with("POST ") && call.ends_with(end))
    };
    calls
        .into_iter()
        .flatten()
        .filter(|(call, _)| writing(call))
        .map(|(_, count)| *count)
        .sum()
}

/// `doctor` finds nothing wrong.
fn doctor(desk: &Desk) {
    let lines = desk.run(&["doctor", "--json"]).ends(0).lines();
    assert!(lines.len() > 5, "{lines:?}");
}

/// The writes in the journal that have no answer yet.
fn open_writes(desk: &Desk) -> Vec<Value> {
    let mut lines = desk.run(&["export"]).ends(0).lines();
    lines.retain(|line| {
        line["family"] == "jrn"
            && matches!(line["value"]["state"].as_str(), Some("sent" | "unknown"))
    });
    lines
}

/// Every link of the export has two records, and no record is in two links of a mapping.
fn no_record_is_linked_twice(desk: &Desk) {
    let lines = desk.run(&["export"]).ends(0).lines();
    let mut seen = BTreeSet::new();
    let mut links = 0;
    for line in &lines {
        let Some(ids) = line.pointer("/value/ids") else {
            continue;
        };
        let (Some(salesforce), Some(hubspot)) =
            (ids["salesforce"].as_str(), ids["hubspot"].as_str())
        else {
            continue;
        };
        links += 1;
        let mapping = line["value"]["mapping"].to_string();
        for (side, id) in [("salesforce", salesforce), ("hubspot", hubspot)] {
            assert!(
                seen.insert((mapping.clone(), side, id.to_owned())),
                "{side} {id} is in two links"
            );
        }
    }
    assert!(links > 0, "the export shows no links: {:?}", lines.get(1));
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
    let calm = world(contacts, seed);
    let desk = Desk::at(&calm, ENGINE);
    let run = Run::start(&desk);
    let from = run.started;
    let (document, _) = run.finish();
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

    let vendors = world(contacts, seed);
    let desk = Desk::at(&vendors, ENGINE);
    let mut dice = Dice(seed);
    let (mut killed, mut finished, mut hit, mut open) = (0, 0, 0, 0);
    let mut recoveries = Vec::new();
    while killed < kills {
        let moment = Duration::from_nanos(dice.below(length.as_nanos() as u64));
        let run = Run::start(&desk);
        let from = run.started;
        let (document, ready) = if killed % 3 == 2 {
            // Aimed: a little after a write has landed at a vendor, when its answer may not be recorded yet.
            let before = writes(&vendors);
            let nth = 1 + dice.below(4);
            run.kill_when(|_| writes(&vendors) >= before + nth)
        } else {
            run.kill_at(moment)
        };
        recoveries.extend(ready);
        match document {
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
        let (run, ready) = Run::start(&desk).finish();
        recoveries.extend(ready);
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
