//! A story carried out: the engine over the simulated vendors in virtual time, every act in its order, every check after it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use syncline::clock::{Clock, TokioClock};
use syncline::domain::{
    Choice, ErrorCategory, ErrorItem, ItemKind, ItemState, RunKind, RunRecord, RunState, Side,
};
use syncline::engine::{Control, Db, Engine, Order, Reporter, RunEnd, Scope};
use syncline::sandbox::salesforce::{Org, OrgSettings};
use syncline::sandbox::world::WorldSettings;
use syncline::sandbox::{Profile, Sandbox, Settings as SandboxSettings, Side as Party};
use syncline::store::Store;
use syncline::store::rows::MappingPhase;

use crate::check::{self, Books, Broken, Rest, Scene, Seen};
use crate::cover::Cover;
use crate::people;
use crate::rng::Rng;
use crate::story::{Act, Story, Sync};
use crate::support::{self, House, InProcess, SALESFORCE, clients_over, install, start_time};
use crate::weak::Weakness;
use crate::wire::{Disk, Doom, Meanwhile, Trace, Wire};

/// How a story went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub days: f64,
    pub requests: u64,
    pub crashes: u64,
    pub conflicts: u64,
    pub creates: [u64; 2],
    pub digest: u64,
    pub cover: Cover,
}

/// A story that broke an invariant.
#[derive(Clone, Debug)]
pub struct Failure {
    pub broken: Broken,
    pub step: usize,
    pub at: DateTime<Utc>,
    pub last: Vec<String>,
}

/// The pauses between the last runs: within them all must become quiet (a wait for every delay that the engine knows).
const REST: [u64; 8] = [30, 130, 400, 1_000, 4_000, 20_000, 90_000, 90_000];

struct Stage {
    story: Story,
    house: House,
    disk: Arc<Disk>,
    doom: Arc<Doom>,
    meanwhile: Arc<Mutex<Meanwhile>>,
    trace: Arc<Mutex<Trace>>,
    weakness: Option<Weakness>,
    crash_rng: Rng,
    latency: Arc<Mutex<Rng>>,
    known: BTreeSet<(Side, String)>,
    linked: BTreeSet<(String, String)>,
    last_run: Option<RunRecord>,
    report: Report,
}

/// Plays a story on a runtime of its own.
pub fn play(story: &Story, weakness: Option<Weakness>) -> Result<Report, Box<Failure>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut stage = Stage::new(story, weakness).await;
        stage.play().await
    })
}

/// What a run of the schedule, or one that was asked to read everything, works on.
fn usual(sync: &Sync) -> Scope {
    match sync.full {
        true => Scope::Full,
        false => Scope::Changed,
    }
}

impl Stage {
    async fn new(story: &Story, weakness: Option<Weakness>) -> Stage {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start_time()));
        let settings = SandboxSettings {
            world: WorldSettings {
                contacts: 0,
                seed: story.seed,
            },
            faults: Profile::default(),
            live: false,
            no_keys: story.unkeyed,
        };
        let mut sandbox = Sandbox::new(settings, clock.now());
        if story.unkeyed {
            // Nothing of the org's own stands between us and a second record.
            sandbox.org = Org::new(OrgSettings {
                key_fields: false,
                duplicate_rule: false,
                ..OrgSettings::default()
            });
        }
        sandbox.org.set_url(SALESFORCE);
        people::plant(&mut sandbox, clock.now(), story);
        sandbox.set_faults(story.faults.parse().unwrap());
        let sandbox = Arc::new(Mutex::new(sandbox));
        let trace = Arc::new(Mutex::new(Trace::default()));
        let doom = Arc::new(Doom::default());
        let disk = Arc::new(Disk::new(trace.clone(), doom.clone(), weakness));
        let store: Arc<dyn Store> = disk.clone();
        let mut rules = people::rules(story);
        if let Some(weakness) = weakness {
            weakness.rules(&mut rules);
        }
        let meanwhile = Arc::new(Mutex::new(Meanwhile::default()));
        install(&store).await;
        let mut stage = Stage {
            story: story.clone(),
            house: House {
                crm: clients_over(
                    &sandbox,
                    &clock,
                    Arc::new(InProcess {
                        sandbox: sandbox.clone(),
                        clock: clock.clone(),
                    }),
                ),
                sandbox,
                clock,
                store,
                rules: Arc::new(rules),
                owners: Default::default(),
            },
            disk,
            doom,
            meanwhile,
            trace,
            weakness,
            crash_rng: Rng::stream(story.seed, "crash"),
            latency: Arc::new(Mutex::new(Rng::stream(story.seed, "latency"))),
            known: BTreeSet::new(),
            linked: BTreeSet::new(),
            last_run: None,
            report: Report::default(),
        };
        stage.start_process();
        stage
    }

    /// A new process: clients without tokens, caches empty.
    fn start_process(&mut self) {
        let wire = Wire {
            below: InProcess {
                sandbox: self.house.sandbox.clone(),
                clock: self.house.clock.clone(),
            },
            trace: self.trace.clone(),
            doom: self.doom.clone(),
            meanwhile: self.meanwhile.clone(),
            disk: self.disk.clone(),
            latency: self.latency.clone(),
            weakness: self.weakness,
        };
        let crm = clients_over(&self.house.sandbox, &self.house.clock, Arc::new(wire));
        self.house.crm = match self.weakness {
            Some(weakness) => weakness.sides(crm),
            None => crm,
        };
        self.house.owners = Default::default();
    }

    async fn play(&mut self) -> Result<Report, Box<Failure>> {
        let began = self.house.clock.now();
        let acts = std::mem::take(&mut self.story.acts);
        for (step, act) in acts.iter().enumerate() {
            self.act(act).await;
            if matches!(act, Act::Sync(_) | Act::Confirm | Act::Undo { .. }) {
                self.check(step).await?;
            }
            self.house.wait(1).await;
        }
        self.come_to_rest(acts.len()).await?;
        self.sum_up(began).await;
        Ok(std::mem::take(&mut self.report))
    }

    async fn act(&mut self, act: &Act) {
        let now = self.house.clock.now();
        match act {
            Act::Wait(seconds) => self.house.wait(*seconds).await,
            Act::Sync(sync) => {
                self.automate();
                self.sync(sync, usual(sync), None).await;
                self.automate();
            }
            Act::Undo { back, sync } => self.undo(*back, sync).await,
            Act::Confirm => self.confirm().await,
            Act::Resolve { pick, how, tag } => self.resolve(*pick, *how, *tag).await,
            Act::Pause(paused) => self.pause(*paused).await,
            Act::Retry => self.retry().await,
            Act::Spoil { side, trouble } => {
                let unkeyed = self.story.unkeyed;
                self.meanwhile
                    .lock()
                    .unwrap()
                    .spoil(*side, *trouble, unkeyed);
            }
            _ => people::perform(&mut self.house.sandbox.lock().unwrap(), now, act),
        }
    }

    fn automate(&mut self) {
        if self.story.automation {
            let now = self.house.clock.now();
            people::automate(&mut self.house.sandbox.lock().unwrap(), now);
        }
    }

    async fn db(&self) -> Db {
        Db::open(self.house.store.clone()).await.unwrap()
    }

    /// One run, or what is left of it when the process dies.
    async fn sync(&mut self, sync: &Sync, scope: Scope, confirm: Option<String>) {
        let (report, _lines) = Reporter::new(self.house.clock.clone());
        let (control, handle) = Control::new();
        let view = report.clone();
        let engine = Engine {
            db: Arc::new(self.db().await),
            crm: self.house.crm.clone(),
            clock: self.house.clock.clone(),
            rules: self.house.rules.clone(),
            report,
            control,
            owners: self.house.owners.clone(),
        };
        let order = Order {
            scope,
            confirm,
            ..support::order()
        };
        self.meanwhile.lock().unwrap().begin(sync, handle);
        self.doom.arm(sync.crash);
        let run = async {
            let record = engine.begin(&order).await?;
            engine.execute(record, &order).await
        };
        let end = tokio::select! {
            biased;
            end = run => Some(end),
            () = self.doom.strikes() => None,
        };
        self.doom.arm(None);
        self.meanwhile.lock().unwrap().end();
        self.report
            .cover
            .add("planned anew after drift", view.view().skipped);
        match end {
            Some(Ok(end)) => self.note(end),
            Some(Err(error)) => {
                let broken = format!("a run ended with {error}");
                self.trace.lock().unwrap().broken.push(broken);
            }
            None => self.crash().await,
        }
    }

    fn note(&mut self, end: RunEnd) {
        self.report.cover.run(&end.record);
        self.last_run = Some(end.record);
    }

    async fn crash(&mut self) {
        self.report.crashes += 1;
        let rng = &mut self.crash_rng;
        let open = self.disk.crash(|loose| rng.below(loose + 1));
        self.report.cover.add("crash", 1);
        if open > 0 {
            self.report.cover.add("crash with open batches", 1);
        }
        self.start_process();
        let open = self.db().await.open_ops().await.unwrap().len();
        if open > 0 {
            self.report.cover.add("crash during a write", 1);
        }
    }

    async fn confirm(&mut self) {
        let hash = self.last_run.as_ref().and_then(|run| {
            let asks = matches!(run.state, RunState::Halted | RunState::AwaitingConfirm)
                && !run.valves.is_empty()
                && run.valves.iter().all(|valve| valve.confirmable);
            run.plan_hash.clone().filter(|_| asks)
        });
        if let Some(hash) = hash {
            self.report.cover.add("plan confirmed", 1);
            self.sync(&Sync::default(), Scope::Changed, Some(hash))
                .await;
        }
    }

    /// Takes back the last run but so many that wrote something, as far as it can be.
    async fn undo(&mut self, back: usize, sync: &Sync) {
        let mut runs = self.db().await.runs(20).await.unwrap();
        runs.retain(|run| run.kind != RunKind::Undo && run.state.is_over() && run.ops > 0);
        let Some(run) = runs.get(back).map(|run| run.run) else {
            return;
        };
        self.report.cover.add("run undone", 1);
        self.sync(sync, Scope::Undo(run), None).await;
    }

    async fn pause(&mut self, paused: bool) {
        let db = self.db().await;
        for mapping in &self.house.rules.mappings {
            let mut state = db.map_state(&mapping.id).await.unwrap();
            let active = state.state != MappingPhase::Paused;
            if active != paused {
                continue;
            }
            state.state = match paused {
                true => MappingPhase::Paused,
                false => MappingPhase::Active,
            };
            let mut tx = db.begin();
            tx.put_map_state(&mapping.id, &state).unwrap();
            tx.commit().await.unwrap();
            self.report.cover.add("paused or resumed", 1);
        }
    }

    async fn resolve(&mut self, pick: usize, how: u8, tag: u32) {
        let mut items = self.house.open_items().await;
        items.retain(|item| item.state == ItemState::Open);
        if items.is_empty() {
            return;
        }
        let item = items.swap_remove(pick % items.len());
        let choice = match (item.kind, how) {
            (ItemKind::Field, 0) | (ItemKind::Oscillation, 0) => Choice::Take(Side::Salesforce),
            (ItemKind::Field, 1) | (ItemKind::Oscillation, 1) => Choice::Take(Side::HubSpot),
            (ItemKind::Field, 2) => Choice::Value(format!("Chosen t{tag}")),
            (ItemKind::Field | ItemKind::Oscillation, _) => Choice::Ignore,
            _ => return,
        };
        self.report.cover.add("conflict resolved", 1);
        self.house.choose(&item, choice).await;
    }

    /// As the service does it: an unanswered write keeps its own time.
    async fn retry(&mut self) {
        let errors = self.house.errors().await;
        let db = self.db().await;
        let mut tx = db.begin();
        for item in errors {
            let unanswered = item.category == ErrorCategory::Transient && item.vendor.is_none();
            if !unanswered {
                let retry_at = Some(self.house.clock.now());
                tx.put_error(&ErrorItem { retry_at, ..item }, true).unwrap();
                self.report.cover.add("error freed", 1);
            }
        }
        tx.commit().await.unwrap();
    }

    /// Everybody goes home, faults stop: so many runs later nothing is written any more.
    async fn come_to_rest(&mut self, step: usize) -> Result<(), Box<Failure>> {
        self.house
            .sandbox
            .lock()
            .unwrap()
            .set_faults(Profile::default());
        self.meanwhile.lock().unwrap().heal();
        self.pause(false).await;
        let mut quiet = false;
        for (at, pause) in REST.into_iter().enumerate() {
            self.house.wait(pause).await;
            let full = at + 2 == REST.len();
            if full {
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
            if !done {
                let why = run.map(|run| (run.state, run.reason.clone()));
                return Err(self.failure(
                    step + at,
                    "I-18",
                    format!("a healthy run ended {why:?}"),
                ));
            }
            let writes = run.map_or(0, support::town::writes);
            quiet = writes == 0;
        }
        if !quiet {
            return Err(self.failure(step + REST.len(), "I-4", "still writing at the end".into()));
        }
        self.rested(step + REST.len(), Rest::Complete).await
    }

    /// All is quiet: is it also right?
    async fn rested(&mut self, step: usize, rest: Rest) -> Result<(), Box<Failure>> {
        let books = Books::read(&self.db().await).await;
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
        Scene {
            story: &self.story,
            sandbox,
            books,
            mappings: &self.house.rules.mappings,
            known: &self.known,
            linked: &self.linked,
        }
    }

    async fn check(&mut self, step: usize) -> Result<(), Box<Failure>> {
        let books = Books::read(&self.db().await).await;
        for link in &books.links {
            if let (Some(s), Some(h)) = (&link.ids.salesforce, &link.ids.hubspot) {
                self.linked
                    .insert((s.as_str().to_owned(), h.as_str().to_owned()));
            }
        }
        let mut seen = Seen::default();
        let found = {
            let sandbox = self.house.sandbox.lock().unwrap();
            for side in Side::BOTH {
                let ids = people::ids(&sandbox, side);
                self.known.extend(ids.into_iter().map(|id| (side, id)));
            }
            check::always(&self.scene(&sandbox, &books), &mut seen)
        };
        self.report
            .cover
            .most("edit in the gap of section 23", seen.races);
        self.report
            .cover
            .most("edit overwritten by rule", seen.overwritten);
        self.report.cover.books(&books);
        let ghosts = self.db().await.ghosts().await.unwrap().len();
        self.report.cover.most("ghost", ghosts as u64);
        self.report.conflicts = self.report.conflicts.max(books.items.len() as u64);
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

    async fn sum_up(&mut self, began: DateTime<Utc>) {
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
