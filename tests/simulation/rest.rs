//! The end of a story: everybody goes home, and all must become quiet and be right; and the checks on the way there.

use chrono::{DateTime, Utc};
use syncline::domain::{Op, OpState, RunId, RunState, Side};
use syncline::sandbox::{Profile, Sandbox, Side as Party};

use crate::admin;
use crate::check::{self, Books, Broken, Rest, Scene, Seen};
use crate::leads;
use crate::people;
use crate::stage::{Failure, Stage, usual};
use crate::story::{Act, Sync};
use crate::support;

/// The pauses between the last runs: within them all must become quiet (a wait for every delay that the engine knows).
const REST: [u64; 9] = [30, 130, 400, 1_000, 4_000, 20_000, 90_000, 90_000, 300];

/// Which of them reads everything. A question that it finds dissolved lets the next one make a record (10.2); the last writes
/// nothing.
const SWEEP: usize = REST.len() - 3;

impl Stage {
    /// Everybody goes home, faults stop: so many runs later nothing is written any more.
    pub async fn come_to_rest(&mut self, step: usize) -> Result<(), Box<Failure>> {
        self.house
            .sandbox
            .lock()
            .unwrap()
            .set_faults(Profile::default());
        self.meanwhile.lock().unwrap().heal();
        (self.begun, self.emptied) = (None, false);
        let known = self.known(Side::Salesforce);
        let now = self.house.clock.now();
        admin::heal(
            &mut self.house.sandbox.lock().unwrap(),
            now,
            &known,
            self.story.regions,
        );
        self.pause(false).await;
        let needs_sweep = self.story.acts.iter().any(Act::needs_sweep);
        let mut quiet = false;
        for (at, pause) in REST.into_iter().enumerate() {
            self.house.wait(pause).await;
            let full = at == SWEEP;
            if full && !needs_sweep {
                // In place of the sweep (5.4): what only a sweep finds may be missing until then, and nothing else.
                self.rested(step + at, Rest::BeforeSweep).await?;
            }
            let sync = Sync {
                full,
                ..Sync::default()
            };
            self.sync(&sync, usual(&sync), None).await;
            self.confirm().await;
            self.check(step + at).await?;
            let run = self.last_run.as_ref();
            let done = run
                .is_some_and(|run| matches!(run.state, RunState::Done | RunState::DoneWithErrors));
            // What was halted for its schema has it read anew by the next run.
            if !(done || needs_sweep && at < 5) {
                let why = run.map(|run| (run.state, run.reason.clone()));
                return Err(self.failure(
                    step + at,
                    "I-18",
                    format!("a healthy run ended {why:?}"),
                ));
            }
            let number = run.map(|run| run.run);
            let writes = run.map_or(0, support::town::writes);
            quiet = writes == 0 || self.in_vain(number).await;
        }
        if !quiet {
            return Err(self.failure(step + REST.len(), "I-4", "still writing at the end".into()));
        }
        self.rested(step + REST.len(), Rest::Complete).await
    }

    /// True where a run wrote nothing but what an error has tried again and what was refused again.
    async fn in_vain(&self, run: Option<RunId>) -> bool {
        let books = self.books().await;
        let of_run = |op: &&Op| Some(op.run) == run;
        books.ops.iter().filter(of_run).all(|op| {
            op.state == OpState::Failed
                && books.errors.iter().any(|error| {
                    let about = |id: &Option<syncline::domain::RecordId>| {
                        id.as_ref() == Some(&error.record.id)
                    };
                    error.link == Some(op.link) || about(&op.source) || about(&op.target)
                })
        })
    }

    /// All is quiet: is it also right?
    async fn rested(&mut self, step: usize, rest: Rest) -> Result<(), Box<Failure>> {
        let books = self.books().await;
        let found = {
            let sandbox = self.house.sandbox.lock().unwrap();
            check::at_rest(&self.scene(&sandbox, &books), rest)
        };
        match found.into_iter().next() {
            Some(broken) => Err(self.failure(step, broken.invariant, broken.detail)),
            None => Ok(()),
        }
    }

    fn scene<'a>(&'a self, sandbox: &'a Sandbox, books: &'a Books) -> Scene<'a> {
        let mappings = &self.house.rules.mappings;
        Scene::new(&self.story, sandbox, books, mappings, &self.diary)
    }

    pub async fn check(&mut self, step: usize) -> Result<(), Box<Failure>> {
        let books = self.books().await;
        let ahead = self.skew_now() - self.house.clock.now();
        self.diary.note_links(&books, ahead);
        let mut seen = Seen::default();
        let found = {
            let sandbox = self.house.sandbox.lock().unwrap();
            self.diary.note_records(&sandbox);
            self.diary.ledger = self.trace.lock().unwrap().ledger.clone();
            check::always(&self.scene(&sandbox, &books), &mut seen)
        };
        self.report
            .cover
            .most("edit in the gap of section 23", seen.races);
        self.report
            .cover
            .most("edit overwritten by rule", seen.overwritten);
        self.report.cover.books(&books);
        let converted = {
            let sandbox = self.house.sandbox.lock().unwrap();
            let leads = sandbox.org.ids(leads::L);
            let done = leads
                .iter()
                .filter(|id| leads::contact_of(&sandbox, id).is_some());
            done.count() as u64
        };
        self.report.cover.most("lead converted", converted);
        let ghosts = self.db().await.ghosts().await.unwrap().len();
        self.report.cover.most("ghost", ghosts as u64);
        self.report.conflicts = self.report.conflicts.max(books.conflicts());
        for (side, mark) in &books.marks {
            self.diary.marks.insert(*side, *mark);
        }
        if let Some((invariant, what)) = self.diary.broken.first().cloned() {
            return Err(self.failure(step, invariant, what));
        }
        let wire = self.trace.lock().unwrap().broken.first().cloned();
        if let Some(detail) = wire {
            return Err(self.failure(step, "I-17", detail));
        }
        match found.into_iter().next() {
            Some(broken) => Err(self.failure(step, broken.invariant, broken.detail)),
            None => Ok(()),
        }
    }

    fn failure(&self, step: usize, invariant: &'static str, detail: String) -> Box<Failure> {
        let trace = self.trace.lock().unwrap();
        Box::new(Failure {
            broken: Broken { invariant, detail },
            step,
            at: self.house.clock.now(),
            last: trace.last.iter().cloned().collect(),
        })
    }

    pub async fn sum_up(&mut self, began: DateTime<Utc>) {
        let lived = self.house.clock.now() - began;
        let sandbox = self.house.sandbox.lock().unwrap();
        for (at, party) in [Party::Salesforce, Party::HubSpot].into_iter().enumerate() {
            let stats = sandbox.stats(party);
            let object = if at == 0 { people::S } else { people::H };
            let made = stats.created.get(object).map_or(0, |made| made.api);
            self.report.creates[at] = made;
            self.report
                .cover
                .add(["created in Salesforce", "created in HubSpot"][at], made);
            for (kind, count) in stats.faults {
                self.report.cover.add(kind, count);
            }
        }
        let trace = self.trace.lock().unwrap();
        self.report.days = lived.num_seconds() as f64 / 86_400.0;
        self.report.requests = trace.requests;
        self.report
            .cover
            .add("change missed by the index", trace.missed);
        self.report.digest = trace.digest();
    }
}
