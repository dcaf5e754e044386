//! Kills over mixed work: people edit both sides, make newcomers and convert leads, while sync, apply, undo and resolve are
//! killed at random. Nothing may be made twice, nothing that a person wrote may be lost, the store is sound after each kill.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::Value;
use syncline::domain::{OpState, RunKind};
use syncline::sandbox::Side;

use crate::books::Books;
use crate::child::{Child, Outcome};
use crate::doubles::made_twice_by_conversion;
use crate::lost::Scene;
use crate::people::People;
use crate::process::{Desk, Vendors, written};
use crate::words::*;

/// Short waits; a field that changes often is no oscillation here, and no valve stops what piles up behind kills.
const ENGINE: &str = "settle_delay = \"2s\"\nrequest_timeout = \"1s\"\nmax_age = \"2s\"\noscillation_writes = 10\n\n\
    [safety]\nmax_changes = \"100%\"\nmax_creates = \"100%\"\nmax_cleared = \"100%\"\nmax_conflicts = \"100%\"";

/// Leads are synced too, and a title is asked about when both sides changed it.
fn config(vendors: &Vendors) -> String {
    let title = "salesforce = \"Title\", hubspot = \"jobtitle\"";
    let text = vendors.config(ENGINE);
    assert!(text.contains(title));
    let text = text.replace(title, &format!("{title}, conflict = \"ask\""));
    format!(
        r#"{text}
[[mapping]]
name = "leads"
salesforce = {{ object = "Lead" }}
hubspot = {{ object = "contacts" }}
creates = "to_hubspot"
fields = [
  {{ salesforce = "FirstName", hubspot = "firstname" }},
  {{ salesforce = "LastName", hubspot = "lastname" }},
  {{ salesforce = "Email", hubspot = "email", transform = "lowercase", match = true }},
  {{ salesforce = "Title", hubspot = "jobtitle", conflict = "ask" }},
  {{ salesforce = "City", hubspot = "city" }},
]
"#
    )
}

/// The verbs that are killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verb {
    Sync,
    Preview,
    Apply,
    Undo,
    Resolve,
}

/// Two vendors, the people, and a desk; what was counted so far.
struct Stage {
    vendors: Vendors,
    desk: Desk,
    people: People,
    /// How long each verb takes when it is let.
    lengths: BTreeMap<Verb, Duration>,
    kills: BTreeMap<Verb, usize>,
    finished: BTreeMap<Verb, usize>,
    /// Kills that left a write without an answer, and how many writes.
    hit: usize,
    open: usize,
    doctors: usize,
    ready: Vec<Duration>,
}

impl Stage {
    fn new(contacts: usize, seed: u64, stall: u64) -> Stage {
        let vendors = world(contacts, seed, stall);
        let desk = Desk::at(&vendors, ENGINE);
        std::fs::write(desk.config(), config(&vendors)).unwrap();
        let people = People::new(&vendors, seed);
        Stage {
            vendors,
            desk,
            people,
            lengths: BTreeMap::new(),
            kills: BTreeMap::new(),
            finished: BTreeMap::new(),
            hit: 0,
            open: 0,
            doctors: 0,
            ready: Vec::new(),
        }
    }

    fn killed(&self) -> usize {
        self.kills.values().sum()
    }

    /// A whole run that nobody disturbs.
    fn sync(&mut self) -> Value {
        let outcome = Child::sync(&self.desk).finish();
        self.ready.extend(outcome.ready);
        let run = outcome.run().unwrap();
        match run["confirm"].as_str() {
            // People have given very many one owner, say: the operator looks and accepts it.
            Some(hash) => {
                let accept = ["sync", "--confirm", hash, "--json"];
                Child::start(&self.desk, &accept).finish().run().unwrap()
            }
            None => run,
        }
    }

    /// Starts a verb and kills it, or finds that it was faster. People go on working meanwhile.
    fn strike(&mut self, verb: Verb, args: &[&str]) -> Outcome {
        let length = self
            .lengths
            .get(&verb)
            .copied()
            .unwrap_or(Duration::from_millis(700));
        let moment = Duration::from_nanos(self.people.dice.below(length.as_nanos() as u64));
        let meanwhile = moment.mul_f64(self.people.dice.below(100) as f64 / 100.0);
        // Half are aimed: some milliseconds after a write has landed at a vendor, when its answer is not recorded yet, or the
        // next one is on the wire.
        let writes_much = !matches!(verb, Verb::Preview | Verb::Resolve);
        let aimed = writes_much && self.people.dice.below(2) == 0;
        let due = writes(&self.vendors) + 1 + self.people.dice.below(3);
        let after = Duration::from_millis(self.people.dice.below(40));
        let mut landed = None;
        let mut busy = self.people.dice.below(2) == 0;
        let child = Child::start(&self.desk, args);
        let started = child.started;
        let (vendors, people) = (&self.vendors, &mut self.people);
        let outcome = child.kill_when(|elapsed| {
            if busy && elapsed >= meanwhile {
                busy = false;
                people.work(vendors, 2, true);
            }
            if aimed && landed.is_none() && writes(vendors) >= due {
                landed = Some(elapsed);
            }
            match aimed {
                true => landed.is_some_and(|landed| elapsed >= landed + after),
                false => elapsed >= moment,
            }
        });
        self.ready.extend(outcome.ready);
        if outcome.ended.is_some() {
            *self.finished.entry(verb).or_default() += 1;
            self.lengths.insert(verb, started.elapsed());
            return outcome;
        }
        *self.kills.entry(verb).or_default() += 1;
        // What was on the wire lands or does not.
        std::thread::sleep(Duration::from_millis(60));
        doctor(&self.desk);
        self.doctors += 1;
        let open = open_writes(&self.desk).len();
        println!(
            "killed {verb:?}, {}: {open} writes open",
            if aimed { "aimed" } else { "anywhere" }
        );
        self.hit += usize::from(open > 0);
        self.open += open;
        outcome
    }

    fn plan(&mut self) {
        let file = self.desk.dir.path().join("plan.json");
        let file = file.to_str().unwrap().to_owned();
        let preview = ["preview", "--out", &file, "--json"];
        let before = writes(&self.vendors);
        if self.people.dice.below(4) == 0 {
            self.strike(Verb::Preview, &preview);
        }
        let _ = std::fs::remove_file(&file);
        let plan = self.desk.run(&preview).ends(0).document();
        assert_eq!(writes(&self.vendors), before, "a preview writes nothing");
        self.people.work(&self.vendors, 2, false);
        // What people did at random may look like a mass edit: it is looked at, and accepted.
        let hash = plan["plan_hash"].as_str().unwrap_or_default().to_owned();
        let apply = ["apply", &file, "--json", "--confirm", &hash];
        let asks = plan["valves"]
            .as_array()
            .is_some_and(|valves| !valves.is_empty());
        let apply = if asks { &apply[..] } else { &apply[..3] };
        self.strike(Verb::Apply, apply).run();
    }

    fn undo(&mut self) {
        let runs = self.desk.run(&["runs", "--json"]).ends(0).lines();
        let mut young: Vec<String> = runs
            .iter()
            // An undo that is undone lets HubSpot's records be made anew under the same keys: a second one, rightly.
            .filter(|run| run["kind"] != "full" && run["kind"] != "undo")
            .map(|run| run["run"].to_string())
            .collect();
        young.truncate(4);
        if young.is_empty() {
            return;
        }
        let run = &young[self.people.dice.below(young.len() as u64) as usize];
        let outcome = self.strike(Verb::Undo, &["undo", run, "--yes", "--json"]);
        let Some(ended) = outcome.ended else { return };
        let nothing = ended.code == Some(2) && ended.err.contains("nothing to undo");
        let unfinished = ended.err.contains("is not over") || ended.out.contains("is not over");
        assert!(
            nothing || unfinished || matches!(ended.code, Some(0 | 1)),
            "undo {run}: {:?} {}{}",
            ended.code,
            ended.err,
            ended.out
        );
    }

    fn resolve(&mut self) {
        let items = self.desk.run(&["conflicts", "--json"]).ends(0).lines();
        let mut open: Vec<Value> = items
            .into_iter()
            .filter(|item| item["state"] == "open")
            .collect();
        let Some(first) = pick(&mut open, self.people.dice.next()) else {
            return;
        };
        let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
        let mut args = vec!["resolve".to_owned(), id(&first)];
        if first["kind"] == "field" {
            open.retain(|item| item["kind"] == "field");
            for _ in 0..self.people.dice.below(3) {
                args.extend(pick(&mut open, self.people.dice.next()).map(|item| id(&item)));
            }
            match self.people.dice.below(4) {
                0 => {
                    let word = self.people.word(false);
                    args.extend(["--value".to_owned(), word]);
                }
                which => {
                    let whose = ["newest", "salesforce", "hubspot"][which as usize - 1];
                    args.extend(["--take".to_owned(), whose.to_owned()]);
                }
            }
        } else {
            match first["candidates"][0]["id"].as_str() {
                Some(one) if self.people.dice.below(2) == 0 => {
                    args.extend(["--link".to_owned(), one.to_owned()]);
                }
                _ => args.push("--ignore".to_owned()),
            }
        }
        let chosen: Vec<String> = args[1..].to_vec();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let outcome = self.strike(Verb::Resolve, &args);
        if let Some(ended) = outcome.ended {
            // A choice that does not fit (a tie, a candidate that is gone) is refused and named.
            assert!(
                matches!(ended.code, Some(0 | 2)),
                "{:?} {}",
                ended.code,
                ended.err
            );
        } else {
            let items = self.desk.run(&["conflicts", "--json"]).ends(0).lines();
            let of_them = |item: &&Value| chosen.contains(&id(item));
            let states: Vec<&Value> = items
                .iter()
                .filter(of_them)
                .map(|item| &item["state"])
                .collect();
            let open = states.iter().filter(|state| **state == "open").count();
            assert!(
                open == 0 || open == states.len(),
                "part of a choice was taken: {items:?}"
            );
        }
    }

    /// Nobody works any more: runs until nothing is left to do.
    fn rest(&mut self) -> usize {
        for runs in 1..=12 {
            self.vendors.running.sandbox().portal.settle_index();
            let run = self.sync();
            let waits = open_writes(&self.desk);
            if written(&run) == 0 && waits.is_empty() && Books::read(&self.desk).drafts() == 0 {
                return runs;
            }
            std::thread::sleep(Duration::from_millis(2_100));
        }
        panic!("not quiet after 12 runs: {:?}", open_writes(&self.desk));
    }
}

/// Takes one out.
fn pick(items: &mut Vec<Value>, number: u64) -> Option<Value> {
    let many = items.len() as u64;
    (many > 0).then(|| items.swap_remove((number % many) as usize))
}

#[test]
fn kills_over_mixed_work_lose_no_edit_and_make_nothing_twice() {
    let seed = number("KILL_SEED", 20_261_122);
    let kills = number("KILLS_MIXED", 6) as usize;
    let contacts = number("KILL_CONTACTS", 60) as usize;
    let stall = number("KILL_STALL", 3_000);
    println!("KILL_SEED={seed} KILLS_MIXED={kills} KILL_CONTACTS={contacts} KILL_STALL={stall}");
    let began = Instant::now();
    let mut stage = Stage::new(contacts, seed, stall);
    stage.people.work(&stage.vendors, 20, false);
    stage.sync();
    let mut attempts = 0;
    // Few kills may all miss: then it goes on until one has hit.
    while stage.killed() < kills || stage.hit == 0 || stage.people.converted.is_empty() {
        attempts += 1;
        assert!(
            attempts < 10 * kills + 50,
            "verbs end before they can be killed"
        );
        let many = 4 + stage.people.dice.below(8);
        stage.people.work(&stage.vendors, many, false);
        match stage.people.dice.below(10) {
            0..4 => {
                stage.strike(Verb::Sync, &["sync", "--json"]).run();
            }
            4..6 => stage.plan(),
            6..8 => stage.undo(),
            _ => stage.resolve(),
        }
    }
    let worked = began.elapsed();
    let runs = stage.rest();
    // Once more: nothing.
    assert_eq!(written(&stage.sync()), 0);
    doctor(&stage.desk);

    let books = Books::read(&stage.desk);
    let unknown = |op: &&syncline::domain::Op| matches!(op.state, OpState::Sent | OpState::Unknown);
    assert_eq!(books.ops.iter().filter(unknown).count(), 0);
    no_record_is_linked_twice(&stage.desk);
    for side in [Side::Salesforce, Side::HubSpot] {
        let twice = stage.vendors.stats(side)["created_twice"].clone();
        let key = twice[0].as_str().or(twice[0]["key"].as_str());
        let of_it = |op: &&syncline::domain::Op| {
            let is = |id: &Option<syncline::domain::RecordId>| {
                id.as_ref()
                    .zip(key)
                    .is_some_and(|(id, key)| id.0.eq_ignore_ascii_case(key))
            };
            is(&op.source) || is(&op.target)
        };
        let told: Vec<_> = books.ops.iter().filter(of_it).collect();
        assert_eq!(twice, serde_json::json!([]), "{side:?}: {told:#?}");
    }
    let sandbox = stage.vendors.running.sandbox();
    let scene = Scene {
        sandbox: &sandbox,
        people: &stage.people,
        books: &books,
        max_age: TimeDelta::seconds(3),
    };
    let fates = scene.fates();
    let doubles = made_twice_by_conversion(&sandbox, &stage.people.converted);
    let of_kind = |kind: RunKind| books.runs.iter().filter(|run| run.kind == kind).count();
    stage.ready.sort();
    println!(
        "seed {seed}: {} kills {:?}, {} ended first {:?}; {} hit a running write ({} writes open); \
         {} runs (apply {}, undo {}), {} conversions; {} doctors; {} words: {} stand, {} superseded by people, \
         {} had travelled, {} overwritten by rule or choice, {} raced, {} lost; {} fields apart; {} doubles; \
         start to preflight over: median {:.2?}, most {:.2?} of {}; kills took {worked:.0?}, {runs} runs to rest, {:.0?} in all",
        stage.killed(),
        stage.kills,
        stage.finished.values().sum::<usize>(),
        stage.finished,
        stage.hit,
        stage.open,
        books.runs.len(),
        of_kind(RunKind::Apply),
        of_kind(RunKind::Undo),
        stage.people.converted.len(),
        stage.doctors,
        stage.people.written.len(),
        fates.standing,
        fates.superseded,
        fates.travelled,
        fates.overwritten,
        fates.raced,
        fates.lost.len(),
        fates.apart,
        doubles.len(),
        stage
            .ready
            .get(stage.ready.len() / 2)
            .copied()
            .unwrap_or_default(),
        stage.ready.last().copied().unwrap_or_default(),
        stage.ready.len(),
        began.elapsed()
    );
    let about = |op: &&syncline::domain::Op| {
        let ids = [&op.source, &op.target, &op.outcome.record];
        let mut ids = ids.into_iter().flatten();
        ids.any(|id| doubles.iter().any(|double| double.contains(id.as_str())))
    };
    let told: Vec<_> = books.ops.iter().filter(about).collect();
    assert!(
        doubles.is_empty() && fates.lost.is_empty(),
        "{doubles:?} {:#?} {told:#?}",
        fates.lost
    );
}
