//! The system under test: an engine over the sandbox in virtual time, and everybody around it. After every run the spec world is
//! asked whether that was allowed.

mod operator;
mod people;
mod setup;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use syncline::clock::{Clock, TokioClock};
use syncline::domain::{
    Conflict, ErrorItem, ItemState, LinkId, LinkState, RunKind, RunRecord, RunState, Side, ValveHit,
};
use syncline::engine::{Control, Db, Engine, Order, Reporter, Scope};
use syncline::sandbox::Sandbox;
use syncline::sandbox::Settings as SandboxSettings;
use syncline::sandbox::salesforce::{Org, OrgSettings};
use syncline::sandbox::world::WorldSettings;
use syncline::store::{Entry, Family, Store, keys};
use tokio::runtime::Runtime;

use crate::look::{self, Names};
use crate::oracle::{Kind, Oracle, Record, Run, Snapshot, Told, Who};
use crate::steps::{Cut, Plot, Step};
use crate::support::mortal::{Disk, Doom};
use crate::support::{self, House, InProcess, SALESFORCE, clients_over, install, start_time};
use crate::weak::{Forgetful, Weakness};
use crate::wire::{Stop, Wire};

/// The pauses between the last runs: within them all must become quiet.
const REST: [u64; 3] = [60, 500, 4_000];

pub struct World {
    runtime: Runtime,
    inner: Inner,
}

struct Inner {
    house: House,
    disk: Arc<Disk>,
    doom: Arc<Doom>,
    stop: Arc<Stop>,
    weakness: Option<Weakness>,
    /// With the rules as they are by now.
    plot: Plot,
    names: Names,
    /// A copy of the store, and what was to be believed then.
    copy: Option<(Vec<Entry>, Oracle)>,
    /// It took the place of the store.
    recalled: bool,
    oracle: Oracle,
    /// Counts up: each value that a person writes is new.
    ink: u32,
    people: usize,
    firms: usize,
    /// What persons deleted and have not restored.
    bin: Vec<(Side, String, Who)>,
}

impl World {
    /// A world of that plot, with the engine as it is or one that lacks something.
    pub fn new(plot: &Plot, weakness: Option<Weakness>) -> World {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let inner = runtime.block_on(async {
            let mut inner = Inner::new(plot, weakness).await;
            for on in &plot.firms {
                inner.found(*on);
            }
            for on in &plot.people {
                inner.enter(*on);
            }
            inner
        });
        World { runtime, inner }
    }

    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        self.runtime.block_on(self.inner.step(step))
    }

    /// Everybody goes home: all must become quiet, and be right.
    pub fn rest(&mut self) -> Result<(), String> {
        self.runtime.block_on(self.inner.rest())
    }
}

/// Plays a history to its end.
pub fn play(plot: &Plot, steps: &[Step], weakness: Option<Weakness>) -> Result<(), String> {
    let mut world = World::new(plot, weakness);
    for step in steps {
        world.step(step)?;
    }
    world.rest()
}

impl Inner {
    async fn new(plot: &Plot, weakness: Option<Weakness>) -> Inner {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start_time()));
        let settings = SandboxSettings {
            world: WorldSettings {
                contacts: 0,
                seed: 1,
            },
            faults: Default::default(),
            live: false,
            no_keys: false,
        };
        let mut sandbox = Sandbox::new(settings, clock.now());
        // Of two people that a merge made one the other system has two with one address.
        sandbox.org = Org::new(OrgSettings {
            duplicate_rule: false,
            ..OrgSettings::default()
        });
        sandbox.org.set_url(SALESFORCE);
        let sandbox = Arc::new(std::sync::Mutex::new(sandbox));
        let doom = Arc::new(Doom::default());
        let disk = Arc::new(Disk::new(doom.clone()));
        let mut store: Arc<dyn Store> = disk.clone();
        let rules = setup::rules(plot, weakness);
        if let Some(weakness) = weakness {
            store = Arc::new(Forgetful {
                inner: store,
                weakness,
            });
        }
        install(&store).await;
        let stop = Arc::new(Stop::default());
        let mut inner = Inner {
            house: House {
                crm: support::clients(&sandbox, &clock),
                sandbox,
                clock,
                store,
                rules: Arc::new(rules),
                owners: Default::default(),
            },
            disk,
            doom,
            stop,
            weakness,
            plot: plot.clone(),
            names: Names::default(),
            copy: None,
            recalled: false,
            oracle: Oracle::new(plot),
            ink: 0,
            bin: Vec::new(),
            people: 0,
            firms: 0,
        };
        inner.start_process();
        inner
    }

    /// A new process: clients without tokens, caches empty.
    fn start_process(&mut self) {
        let wire = Wire {
            below: InProcess {
                sandbox: self.house.sandbox.clone(),
                clock: self.house.clock.clone(),
            },
            doom: self.doom.clone(),
            stop: self.stop.clone(),
            weakness: self.weakness,
        };
        self.house.crm = clients_over(&self.house.sandbox, &self.house.clock, Arc::new(wire));
        self.house.owners = Default::default();
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        self.house.wait(2).await;
        match step {
            Step::Write {
                side,
                who,
                field,
                clear,
            } => {
                self.write(*side, *who, *field, *clear);
                Ok(())
            }
            Step::Hire { side, who, firm } => {
                self.hire(*side, *who, *firm);
                Ok(())
            }
            Step::Enter(on) => {
                self.enter(*on);
                Ok(())
            }
            Step::Found(on) => {
                self.found(*on);
                // Companies have no uniqueness of their own: one that the index does not show yet would be made a second time (9.2, 10.4).
                let lag = self.oracle.lag.num_seconds().unsigned_abs();
                self.house.wait(lag + 2).await;
                Ok(())
            }
            Step::Wait(seconds) => {
                self.house.wait(u64::from(*seconds)).await;
                Ok(())
            }
            Step::Lag(seconds) => {
                let lag = TimeDelta::seconds(i64::from(*seconds));
                self.house.sandbox.lock().unwrap().portal.set_index_lag(lag);
                // Each change has its own share of it, up to half as much again; older ones keep theirs.
                self.oracle.lag = self.oracle.lag.max(lag * 3 / 2 + TimeDelta::seconds(1));
                Ok(())
            }
            Step::Sync(cut) => self.sync(*cut, Scope::Changed).await.map(drop),
            Step::Full => self.sync(Cut::None, Scope::Full).await.map(drop),
            Step::Resolve { pick, how } => {
                self.resolve(*pick, *how).await;
                Ok(())
            }
            Step::Delete { side, who } => {
                self.delete(*side, *who);
                Ok(())
            }
            Step::Restore { pick } => {
                self.restore(*pick);
                Ok(())
            }
            Step::Undo { back } => self.undo(*back).await,
            Step::Merge {
                side,
                winner,
                loser,
            } => {
                self.merge(*side, *winner, *loser).await;
                Ok(())
            }
            Step::Scope { who, away } => {
                self.scope(*who, *away);
                Ok(())
            }
            Step::Config { field, rule } => {
                self.configure(*field, *rule);
                Ok(())
            }
            Step::BackUp => {
                self.back_up().await;
                Ok(())
            }
            Step::Recall => {
                self.recall().await;
                Ok(())
            }
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        let sandbox = self.house.sandbox.lock().unwrap();
        let now = self.house.clock.now();
        look::snapshot(&sandbox, &mut self.names, now, self.oracle.lag)
    }

    async fn db(&self) -> Db {
        Db::open(self.house.store.clone()).await.unwrap()
    }

    async fn run(
        &mut self,
        cut: Cut,
        scope: Scope,
        confirm: Option<String>,
    ) -> (Run, Option<RunRecord>) {
        let (report, _lines) = Reporter::new(self.house.clock.clone());
        let (control, handle) = Control::new();
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
        let began = self.house.clock.now();
        let (crossing, request) = match cut {
            Cut::None => (None, None),
            Cut::Dies { crossing, .. } => (Some(crossing), None),
            Cut::Stops { request } => (None, Some(request)),
        };
        self.doom.arm(crossing);
        self.stop.arm(request.map(|request| (request, handle)));
        let number = Cell::new(None);
        let work = async {
            let record = engine.begin(&order).await?;
            number.set(Some(record.run.0));
            engine.execute(record, &order).await
        };
        let end = tokio::select! {
            biased;
            end = work => Some(end),
            () = self.doom.strikes() => None,
        };
        self.doom.arm(None);
        self.stop.arm(None);
        let record = match end {
            Some(end) => Some(end.unwrap().record),
            None => {
                let Cut::Dies { keeps, .. } = cut else {
                    unreachable!()
                };
                self.disk.crash(|open| usize::from(keeps).min(open));
                self.start_process();
                None
            }
        };
        let done = |run: &RunRecord| matches!(run.state, RunState::Done | RunState::DoneWithErrors);
        let run = Run {
            number: number.get(),
            began,
            whole: record.as_ref().is_some_and(done),
            full: record.as_ref().is_some_and(|run| run.kind == RunKind::Full),
        };
        (run, record)
    }

    async fn sync(&mut self, cut: Cut, scope: Scope) -> Result<Option<RunRecord>, String> {
        let before = self.snapshot();
        let (mut run, mut record) = self.run(cut, scope, None).await;
        if let Some(hash) = record.as_ref().and_then(asks) {
            (run, record) = self.run(Cut::None, Scope::Changed, Some(hash)).await;
        }
        if let Some(record) = &record
            && !run.whole
            && !matches!(cut, Cut::Stops { .. })
        {
            return Err(format!(
                "a healthy run ended {:?}: {:?}",
                record.state, record.reason
            ));
        }
        let after = self.snapshot();
        let told = self.told(&after).await;
        let now = self.house.clock.now();
        if let Err(what) = self.oracle.ran(&run, &before, &after, &told, now) {
            return Err(format!("{what}\n{}", self.books().await));
        }
        Ok(record)
    }

    /// What the engine knows, for whoever reads of a failure.
    async fn books(&self) -> String {
        let links = self.house.links().await;
        let items = self.house.open_items().await;
        let errors = self.house.errors().await;
        format!("links {links:?}\nitems {items:?}\nerrors {errors:?}")
    }

    /// Who a link is about.
    async fn links(&self, world: &Snapshot) -> BTreeMap<LinkId, Who> {
        let links = self.house.links().await.into_iter();
        links
            .filter_map(|link| {
                let kind = match link.mapping.as_str() {
                    "accounts" => Kind::Firm,
                    _ => Kind::Person,
                };
                let of = |(who, both): &(&Who, &[Option<Record>; 2])| {
                    who.kind == kind
                        && both
                            .iter()
                            .zip([&link.ids.salesforce, &link.ids.hubspot])
                            .any(|(record, id)| match (record, id) {
                                (Some(record), Some(id)) => record.id == id.as_str(),
                                _ => false,
                            })
                };
                let active = link.state == LinkState::Active;
                let (who, _) = world.iter().find(of).filter(|_| active)?;
                Some((link.id, who.clone()))
            })
            .collect()
    }

    async fn told(&self, world: &Snapshot) -> Told {
        let links = self.links(world).await;
        let mut told = Told {
            linked: links.values().cloned().collect(),
            ..Told::default()
        };
        let mut items: Vec<Conflict> = Vec::new();
        let db = self.db().await;
        db.walk(keys::all(Family::Conflict), |row| items.push(row))
            .await
            .unwrap();
        for item in items {
            let Some(place) = place(&item, &links) else {
                continue;
            };
            if item.automatic {
                told.kept.insert(place);
            } else if item.state != ItemState::Resolved {
                told.open.insert(place);
            }
        }
        let errors = self.house.errors().await;
        let whose = |error: &ErrorItem| {
            let id = error.record.id.as_str();
            let is = |record: &Option<Record>| record.as_ref().is_some_and(|one| one.id == id);
            let mut people = world.iter().filter(|(who, _)| who.kind == Kind::Person);
            let found = people.find(|(_, both)| both.iter().any(is));
            found
                .filter(|_| error.mapping.as_str() == "contacts")
                .map(|(who, _)| who.clone())
        };
        let all = errors.iter();
        told.errors = all
            .map(|error| (whose(error), format!("{error:?}")))
            .collect();
        told
    }

    async fn rest(&mut self) -> Result<(), String> {
        for pause in REST {
            self.house.wait(pause).await;
            self.sync(Cut::None, Scope::Changed).await?;
        }
        self.house.wait(30).await;
        self.sync(Cut::None, Scope::Full).await?;
        self.house.wait(30).await;
        let last = self.sync(Cut::None, Scope::Changed).await?;
        let writes = last.as_ref().map_or(0, support::town::writes);
        if writes != 0 {
            return Err(format!("I-4: {writes} writes in a world at rest"));
        }
        // I-3, I-7, I-25. What an undo took back and an older store forgot is made once more.
        match self.recalled {
            true => self.house.sound_store().await,
            false => self.house.sound().await,
        }
        Ok(())
    }
}

/// The plan that a run asks about: rules were changed, or an older store was put back (18).
fn asks(run: &RunRecord) -> Option<String> {
    let known = |hit: &ValveHit| matches!(hit.valve.as_str(), "restored" | "config_changed");
    let asks = !run.valves.is_empty() && run.valves.iter().all(known);
    run.plan_hash.clone().filter(|_| asks)
}

/// Whose field a conflict is about.
fn place(item: &Conflict, links: &BTreeMap<LinkId, Who>) -> Option<(Who, usize)> {
    let who = links.get(&item.link?)?;
    let field = look::number(who.kind, &item.field)?;
    Some((who.clone(), field))
}
