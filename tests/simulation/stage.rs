//! A story carried out: the engine over the simulated vendors in virtual time, every act in its order, every check after it.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use syncline::clock::{Clock, TokioClock};
use syncline::domain::{RunId, RunKind, RunRecord, RunState, Side};
use syncline::engine::{Control, ControlHandle, Db, Engine, EngineError, Order, Reporter, Scope};
use syncline::sandbox::salesforce::{Org, OrgSettings};
use syncline::sandbox::world::WorldSettings;
use syncline::sandbox::{Profile, Sandbox, Settings as SandboxSettings};
use syncline::store::{Entry, Store};

use crate::check::{Books, Broken};
use crate::clocks::Skewed;
use crate::clubs::{self, Hand};
use crate::config;
use crate::cover::Cover;
use crate::diary::Diary;
use crate::people;
use crate::rng::Rng;
use crate::story::{Act, Story, Sync};
use crate::support::{self, House, InProcess, SALESFORCE, clients_over, install, start_time};
use crate::weak::Weakness;
use crate::wire::{self, Disk, Doom, Meanwhile, Trace, Wire};

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

impl Report {
    /// Adds another story's.
    pub fn join(&mut self, other: &Report) {
        self.days += other.days;
        self.requests += other.requests;
        self.crashes += other.crashes;
        self.conflicts += other.conflicts;
        for at in 0..2 {
            self.creates[at] += other.creates[at];
        }
        self.cover.join(&other.cover);
    }
}

/// A story that broke an invariant.
#[derive(Clone, Debug)]
pub struct Failure {
    pub broken: Broken,
    pub step: usize,
    pub at: DateTime<Utc>,
    pub last: Vec<String>,
}

pub struct Stage {
    pub story: Story,
    /// Its clock tells the true time.
    pub house: House,
    /// The clock of the engine's machine.
    skew: Arc<Skewed>,
    pub disk: Arc<Disk>,
    doom: Arc<Doom>,
    pub meanwhile: Arc<Mutex<Meanwhile>>,
    pub trace: Arc<Mutex<Trace>>,
    pub weakness: Option<Weakness>,
    crash_rng: Rng,
    latency: Arc<Mutex<Rng>>,
    pub diary: Diary,
    /// A copy of the store.
    pub copy: Option<Vec<Entry>>,
    /// When the long transaction began that is under way.
    pub begun: Option<DateTime<Utc>>,
    /// All contacts have just been hidden from us.
    pub emptied: bool,
    /// Contacts that the last run over everything counted.
    counted: usize,
    pub last_run: Option<RunRecord>,
    pub report: Report,
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
pub fn usual(sync: &Sync) -> Scope {
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
        let mut rules = config::rules(story);
        if let Some(weakness) = weakness {
            weakness.rules(&mut rules);
        }
        let meanwhile = Arc::new(Mutex::new(Meanwhile::default()));
        let skew = Arc::new(Skewed::new(clock.clone(), story.skew));
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
            skew,
            disk,
            doom,
            meanwhile,
            trace,
            weakness,
            crash_rng: Rng::stream(story.seed, "crash"),
            latency: Arc::new(Mutex::new(Rng::stream(story.seed, "latency"))),
            diary: Diary::default(),
            copy: None,
            begun: None,
            emptied: false,
            counted: 0,
            last_run: None,
            report: Report::default(),
        };
        stage.diary.note_rules(story);
        stage.open_ledger(story.firms && story.sets);
        stage.start_process();
        stage
    }

    /// A new process: clients without tokens, caches empty.
    pub fn start_process(&mut self) {
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
        let clock: Arc<dyn Clock> = self.skew.clone();
        let crm = clients_over(&self.house.sandbox, &clock, Arc::new(wire));
        self.house.crm = match self.weakness {
            Some(weakness) => weakness.sides(crm),
            None => crm,
        };
        self.house.owners = Default::default();
    }

    async fn play(&mut self) -> Result<Report, Box<Failure>> {
        let began = self.house.clock.now();
        self.diary.note_records(&self.house.sandbox.lock().unwrap());
        let acts = self.story.acts.clone();
        for (step, act) in acts.iter().enumerate() {
            self.act(act).await;
            self.note_ties();
            let ran = matches!(
                act,
                Act::Sync(_)
                    | Act::Confirm
                    | Act::ConfirmOld
                    | Act::Undo { .. }
                    | Act::Preview { .. }
                    | Act::OtherPortal
            );
            if ran {
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
            Act::Restore { side, pick } => {
                let known = self.known(*side);
                let mut sandbox = self.house.sandbox.lock().unwrap();
                if people::restore(&mut sandbox, now, *side, &known, *pick) {
                    self.report.cover.add("record restored", 1);
                }
            }
            Act::Club(clubs::Deed::Reopen { side, pick }) => {
                let mut sandbox = self.house.sandbox.lock().unwrap();
                clubs::reopen(&mut sandbox, now, *side, &self.diary.firms, *pick);
            }
            Act::Clock(seconds) => {
                self.report.cover.add("clock set", 1);
                self.skew.set(*seconds);
            }
            Act::Begin => {
                self.begun.get_or_insert(now);
                let mut sandbox = self.house.sandbox.lock().unwrap();
                sandbox.org.hold_back(self.begun);
            }
            Act::Commit { who, field, tag } => {
                if let Some(begun) = self.begun.take() {
                    self.report.cover.add("long transaction", 1);
                    let mut sandbox = self.house.sandbox.lock().unwrap();
                    people::commit(&mut sandbox, now, begun, *who, *field, *tag);
                }
            }
            Act::Backup => self.back_up().await,
            Act::Recall => self.recall().await,
            Act::Config { field, rule } => self.configure(*field, *rule),
            Act::Preview { apply } => self.preview(*apply).await,
            Act::ConfirmOld => self.confirm_old().await,
            Act::OtherPortal => self.visit().await,
            _ => self.outside(act),
        }
    }

    /// What contacts are tied to is noted from now on, or is not.
    pub fn open_ledger(&self, open: bool) {
        let mut trace = self.trace.lock().unwrap();
        trace.ledger.open = open;
        let sandbox = self.house.sandbox.lock().unwrap();
        trace
            .ledger
            .note(&sandbox, self.house.clock.now(), Hand::People);
    }

    /// Notes what people changed of it.
    fn note_ties(&self) {
        let sandbox = self.house.sandbox.lock().unwrap();
        let now = self.house.clock.now();
        let mut trace = self.trace.lock().unwrap();
        trace.ledger.note(&sandbox, now, Hand::People);
    }

    /// Somebody does something at a vendor's.
    fn outside(&mut self, act: &Act) {
        let now = self.house.clock.now();
        let mut sandbox = self.house.sandbox.lock().unwrap();
        if let Act::HideAll(hidden) = act {
            self.emptied = *hidden;
        }
        people::perform(&mut sandbox, now, act);
        self.meanwhile.lock().unwrap().note(act);
        self.report.cover.act(act);
    }

    pub fn known(&self, side: Side) -> Vec<String> {
        let known = self.diary.known.iter();
        known
            .filter(|(one, _)| *one == side)
            .map(|(_, id)| id.clone())
            .collect()
    }

    /// The engine's time.
    pub fn skew_now(&self) -> DateTime<Utc> {
        self.skew.now()
    }

    fn automate(&mut self) {
        if self.story.automation {
            let now = self.house.clock.now();
            people::automate(&mut self.house.sandbox.lock().unwrap(), now);
        }
    }

    pub async fn db(&self) -> Db {
        Db::open(self.house.store.clone()).await.unwrap()
    }

    /// What the engine knows, by the true time.
    pub async fn books(&self) -> Books {
        let mut books = Books::read(&self.db().await, self.house.clock.now()).await;
        books.straighten(&self.diary);
        books
    }

    pub async fn engine(&self) -> (Engine, ControlHandle) {
        let (report, _lines) = Reporter::new(self.skew.clone());
        let (control, handle) = Control::new();
        let engine = Engine {
            db: Arc::new(self.db().await),
            crm: self.house.crm.clone(),
            clock: self.skew.clone(),
            rules: self.house.rules.clone(),
            report,
            control,
            owners: self.house.owners.clone(),
        };
        (engine, handle)
    }

    /// One run, or what is left of it when the process dies; its number, if it came to have one.
    pub async fn sync(
        &mut self,
        sync: &Sync,
        scope: Scope,
        confirm: Option<String>,
    ) -> Option<RunId> {
        let (engine, handle) = self.engine().await;
        let view = engine.report.clone();
        let order = Order {
            scope,
            confirm,
            ..support::order()
        };
        let hidden = self.meanwhile.lock().unwrap().hidden();
        let away = self.away();
        self.meanwhile.lock().unwrap().begin(sync, handle);
        self.doom.arm(sync.crash);
        let number = Cell::new(None);
        let run = async {
            let record = engine.begin(&order).await?;
            number.set(Some(record.run));
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
        if let Some(run) = number.get() {
            let now_hidden = self.meanwhile.lock().unwrap().hidden();
            let still = hidden.intersection(&now_hidden).copied().collect();
            let stayed = away.intersection(&self.away()).cloned().collect();
            self.diary.ahead.insert(run, self.skew.ahead());
            self.diary.blind.insert(run, still);
            self.diary.unseen.insert(run, self.hidden_records());
            self.diary.away.insert(run, stayed);
        }
        match end {
            Some(Ok(end)) => self.note(end.record),
            // What was asked is out of date: nothing was begun (18).
            Some(Err(EngineError::Halted(_)))
                if order.confirm.is_some() && number.get().is_none() =>
            {
                self.report.cover.add("confirm refused", 1);
            }
            Some(Err(error)) => {
                let broken = format!("a run ended with {error}");
                self.trace.lock().unwrap().broken.push(broken);
            }
            None => self.crash().await,
        }
        number.get()
    }

    /// Contacts that Salesforce hides from us.
    fn hidden_records(&self) -> std::collections::BTreeSet<String> {
        let sandbox = self.house.sandbox.lock().unwrap();
        let ids = people::ids(&sandbox, Side::Salesforce).into_iter();
        ids.filter(|id| sandbox.org.is_hidden(people::S, id))
            .collect()
    }

    /// Living contacts that are outside the scope.
    fn away(&self) -> std::collections::BTreeSet<String> {
        let sandbox = self.house.sandbox.lock().unwrap();
        let ids = people::ids(&sandbox, Side::Salesforce);
        ids.into_iter()
            .filter(|id| people::is_away(&sandbox, id))
            .collect()
    }

    fn note(&mut self, run: RunRecord) {
        self.report.cover.run(&run);
        wire::told(|| {
            let counts = run.mappings.iter().map(|row| &row.counts);
            let counts: Vec<_> = counts.collect();
            format!(
                "run {} {:?} {:?}: {:?} {counts:?}",
                run.run, run.kind, run.state, run.valves
            )
        });
        if run.kind == RunKind::Full {
            let done = matches!(run.state, RunState::Done | RunState::DoneWithErrors);
            if std::mem::take(&mut self.emptied) && self.counted > 20 && done {
                let what = format!("run {} took {} for none", run.run, self.counted);
                self.diary.broken.push(("I-20", what));
            }
            if done {
                let sandbox = self.house.sandbox.lock().unwrap();
                self.counted = people::ids(&sandbox, Side::Salesforce).len();
            }
        }
        self.last_run = Some(run);
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
}
