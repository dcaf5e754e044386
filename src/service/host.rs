//! The service itself: store, clients and engine put together, a task that answers requests, one that publishes the status,
//! one that keeps the schedules.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::client::{Client, Envelope};
use super::connect::{self, Parts};
use super::journal::Journals;
use super::later::{self, Notes};
use super::lists::Lists;
use super::messages::{Event, Preview, Refusal, RefusalKind, Reply, Request, Status};
use super::runner::Job;
use crate::clock::{Clock, Entropy};
use crate::config::Config;
use crate::crm::{Crm, RealTransport, Transport};
use crate::domain::{ItemId, MappingId, PerSide, Resolution, Side};
use crate::engine::{Control, Db, Engine, OwnerCache, Reporter, Rules, names};
use crate::store::{SledStore, Store, StoreError};

/// What a service is opened with.
pub struct Setup {
    /// The config.
    pub config: Config,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The environment, for secrets that are variables.
    pub env: BTreeMap<String, String>,
    /// Refuse everything that writes to a CRM.
    pub read_only: bool,
    /// Connect to the vendors; without, only what is stored is answered.
    pub vendors: bool,
    /// Keep the mappings' schedules.
    pub schedules: bool,
    /// Write a backup a day into the data folder.
    pub backups: bool,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Jitter and the install id.
    pub entropy: Arc<dyn Entropy>,
    /// The network; `None`: the real one.
    pub transport: Option<Arc<dyn Transport>>,
}

/// An open service. Dropping it without `close` leaves the store to the next opening's recovery.
pub struct Service {
    client: Client,
    house: Arc<House>,
    sled: Option<Arc<SledStore>>,
}

/// What every task of the service shares.
pub(super) struct House {
    pub(super) config: Config,
    pub(super) rules: Arc<Rules>,
    pub(super) db: Arc<Db>,
    /// Both clients, or why there are none.
    pub(super) crm: Result<PerSide<Arc<dyn Crm>>, String>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) read_only: bool,
    pub(super) schedules: bool,
    pub(super) status: watch::Sender<Status>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) job: Mutex<Option<Job>>,
    pub(super) preview: Mutex<Option<Preview>>,
    /// The last forecast of an undo.
    pub(super) undo_forecast: Mutex<Option<super::messages::UndoForecast>>,
    pub(super) lists: Mutex<Lists>,
    /// Counts up with everything that changes a list.
    pub(super) version: Mutex<u64>,
    /// Rows of the queue that a person left for later.
    pub(super) later: tokio::sync::Mutex<Notes>,
    /// Which ops of the last runs worked for which link.
    pub(super) journals: tokio::sync::Mutex<Journals>,
    /// Choices stored while a run was under way, which may have written over them.
    pub(super) chosen_meanwhile: Mutex<Vec<(ItemId, Resolution)>>,
    pub(super) owners: OwnerCache,
    /// The data folder whose backups are kept; `None`: none are.
    pub(super) backups_in: Option<PathBuf>,
    /// Held while a backup is written, and by whoever must not come between.
    pub(super) backing_up: Arc<tokio::sync::Mutex<()>>,
    /// When each mapping runs next by itself.
    pub(super) due: Mutex<BTreeMap<MappingId, chrono::DateTime<chrono::Utc>>>,
    pub(super) stop: CancellationToken,
}

/// A lock that a panic elsewhere does not poison for good.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// A store failure as a refusal.
pub(super) fn store_refusal(error: &StoreError) -> Refusal {
    Refusal {
        kind: RefusalKind::Store,
        message: error.to_string(),
        items: Vec::new(),
    }
}

/// A refusal of that kind.
pub(super) fn refusal(kind: RefusalKind, message: impl Into<String>) -> Refusal {
    Refusal {
        kind,
        message: message.into(),
        items: Vec::new(),
    }
}

impl Service {
    /// Opens store and clients and starts the tasks.
    ///
    /// # Errors
    /// A refusal whose kind gives the exit status.
    pub async fn open(setup: Setup) -> Result<Service, Refusal> {
        let folder = setup.data_dir.clone();
        let clock = setup.clock.clone();
        let opened = tokio::task::spawn_blocking(move || {
            connect::prepare_folder(&folder).map_err(|error| {
                refusal(
                    RefusalKind::Store,
                    format!(
                        "the data folder {} cannot be made: {error}; name another with --data-dir",
                        folder.display()
                    ),
                )
            })?;
            SledStore::open(&folder, &*clock).map_err(|error| store_refusal(&error))
        })
        .await;
        let sled = match opened {
            Ok(result) => result?,
            Err(error) => {
                return Err(refusal(
                    RefusalKind::Store,
                    format!("the store could not be opened: {error}"),
                ));
            }
        };
        let sled = Arc::new(sled);
        crate::store::migrate(&*sled, &setup.data_dir, setup.clock.now())
            .await
            .map_err(|error| store_refusal(&error))?;
        let store: Arc<dyn Store> = sled.clone();
        let mut service = Service::over(store, setup).await?;
        service.sled = Some(sled);
        Ok(service)
    }

    /// The same over any store: what tests use.
    ///
    /// # Errors
    /// As `open`.
    pub async fn over(store: Arc<dyn Store>, setup: Setup) -> Result<Service, Refusal> {
        let db = Arc::new(
            Db::open(store)
                .await
                .map_err(|error| store_refusal(&error))?,
        );
        install(&db, &*setup.entropy)
            .await
            .map_err(|error| store_refusal(&error))?;
        let notes = later::load(&db)
            .await
            .map_err(|error| store_refusal(&error))?;
        let crm = if setup.vendors {
            let transport = match setup.transport.clone() {
                Some(transport) => Ok(transport),
                None => RealTransport::new()
                    .map(|real| Arc::new(real) as Arc<dyn Transport>)
                    .map_err(|error| error.to_string()),
            };
            transport.and_then(|transport| {
                let parts = Parts {
                    env: &setup.env,
                    transport,
                    clock: setup.clock.clone(),
                    entropy: setup.entropy.clone(),
                };
                connect::clients(&setup.config, &parts)
            })
        } else {
            Err("this command works on what is stored and opens no connection".into())
        };
        if setup.vendors
            && let Err(message) = &crm
        {
            return Err(refusal(RefusalKind::Usage, message.clone()));
        }
        let (requests, inbox) = mpsc::channel(64);
        let (events, _) = broadcast::channel(1024);
        let (status, watcher) = watch::channel(Status::default());
        let house = Arc::new(House {
            rules: Arc::new(connect::rules(&setup.config)),
            config: setup.config,
            db,
            crm,
            clock: setup.clock,
            read_only: setup.read_only,
            schedules: setup.schedules,
            status,
            events: events.clone(),
            job: Mutex::new(None),
            preview: Mutex::new(None),
            undo_forecast: Mutex::new(None),
            lists: Mutex::default(),
            version: Mutex::new(1),
            later: tokio::sync::Mutex::new(notes),
            journals: tokio::sync::Mutex::default(),
            chosen_meanwhile: Mutex::default(),
            owners: OwnerCache::default(),
            backups_in: setup.backups.then_some(setup.data_dir),
            backing_up: Arc::default(),
            due: Mutex::default(),
            stop: CancellationToken::new(),
        });
        let client = Client::new(requests, watcher, events);
        house.publish().await;
        tokio::spawn(answer(house.clone(), inbox));
        tokio::spawn(super::progress::publish_forever(house.clone()));
        if house.schedules {
            tokio::spawn(super::runner::keep_schedules(house.clone()));
        }
        if house.crm.is_ok() && house.schedules {
            tokio::spawn(super::check::greet(house.clone()));
        }
        Ok(Service {
            client,
            house,
            sled: None,
        })
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Ends it: a run under way is stopped after its batch, the store flushed and closed.
    pub async fn close(self) {
        let done = {
            let job = lock(&self.house.job);
            job.as_ref().map(|job| {
                job.control.stop();
                job.done.clone()
            })
        };
        if let Some(done) = done {
            done.cancelled().await;
        }
        // A verb that ran once waits for the backup after its run; a console that is left does not.
        if self.house.schedules {
            self.house.stop.cancel();
        }
        drop(self.house.backing_up.lock().await);
        self.house.stop.cancel();
        if let Some(sled) = self.sled
            && let Err(error) = sled.close().await
        {
            tracing::error!(error = %error, "the store could not be closed cleanly; the next opening checks it");
        }
    }
}

/// The install id, made once.
async fn install(db: &Db, entropy: &dyn Entropy) -> Result<(), StoreError> {
    if db.meta(names::INSTALL).await?.is_some() {
        return Ok(());
    }
    let mut tx = db.begin();
    tx.put_meta(
        names::INSTALL,
        &format!("{:016x}{:016x}", entropy.bits(), entropy.bits()),
    )?;
    tx.commit().await
}

async fn answer(house: Arc<House>, mut inbox: mpsc::Receiver<Envelope>) {
    let (choices, waiting) = mpsc::channel(64);
    tokio::spawn(one_by_one(house.clone(), waiting));
    loop {
        let envelope = tokio::select! {
            envelope = inbox.recv() => envelope,
            () = house.stop.cancelled() => None,
        };
        let Some(envelope) = envelope else {
            return;
        };
        if is_choice(&envelope.request) {
            // The other end lives as long as this one.
            let _ = choices.send(envelope).await;
        } else {
            tokio::spawn(answer_one(house.clone(), envelope));
        }
    }
}

async fn answer_one(house: Arc<House>, Envelope { request, reply }: Envelope) {
    let answer = house.reply(request).await.unwrap_or_else(Reply::Refused);
    // A caller that has gone away needs no answer.
    let _ = reply.send(answer);
}

/// True for what sets or takes back choices.
fn is_choice(request: &Request) -> bool {
    matches!(
        request,
        Request::Resolve { .. } | Request::Unresolve { .. } | Request::Later { .. }
    )
}

/// Answers requests in the order in which they came: of two choices for one item the later one stands.
async fn one_by_one(house: Arc<House>, mut waiting: mpsc::Receiver<Envelope>) {
    while let Some(envelope) = waiting.recv().await {
        answer_one(house.clone(), envelope).await;
    }
}

impl House {
    /// An engine for one run or preview.
    pub(super) fn engine(&self, report: Reporter, control: Control) -> Result<Engine, Refusal> {
        let crm = self
            .crm
            .as_ref()
            .map_err(|message| refusal(RefusalKind::Usage, message.clone()))?;
        Ok(Engine {
            db: self.db.clone(),
            crm: crm.clone(),
            clock: self.clock.clone(),
            rules: self.rules.clone(),
            report,
            control,
            owners: self.owners.clone(),
        })
    }

    /// Both clients.
    pub(super) fn sides(&self) -> Result<&PerSide<Arc<dyn Crm>>, Refusal> {
        self.crm
            .as_ref()
            .map_err(|message| refusal(RefusalKind::Usage, message.clone()))
    }

    /// One side's client.
    pub(super) fn side(&self, side: Side) -> Result<&Arc<dyn Crm>, Refusal> {
        Ok(self.sides()?.get(side))
    }

    /// Something changed that lists show.
    pub(super) fn changed(&self) {
        *lock(&self.version) += 1;
    }

    /// Refuses what would write to a CRM.
    pub(super) fn may_write(&self) -> Result<(), Refusal> {
        if self.read_only {
            return Err(refusal(
                RefusalKind::ReadOnly,
                "started with --read-only: nothing is written to a CRM",
            ));
        }
        Ok(())
    }

    async fn reply(self: &Arc<Self>, request: Request) -> Result<Reply, Refusal> {
        match request {
            Request::Mappings => self.mappings().await,
            Request::Mapping { mapping } => self.mapping(&mapping).await,
            Request::List(query) => self.list(query).await,
            Request::Ids(query) => self.ids(query).await,
            Request::Conflict { key } => self.conflict(key).await,
            Request::Alike { item } => self.alike(item).await,
            Request::Resolve {
                items,
                take,
                by,
                fields_only,
                shown,
            } => self.resolve(items, take, by, fields_only, shown).await,
            Request::Unresolve { items } => self.unresolve(items).await,
            Request::Later { rows, reason, by } => self.leave(rows, reason, by).await,
            Request::History { key } => self.past(key).await,
            Request::Error { item } => self.error_detail(item).await,
            Request::Outgoing { key } => self.outgoing(key).await,
            Request::ApplyDrafts { by } => self.apply_drafts(by).await,
            Request::Sync(order) => self.sync(order).await,
            Request::StartPreview {
                mappings,
                limit,
                full,
            } => self.start_preview(mappings, limit, full).await,
            Request::Preview => Ok(Reply::Preview(lock(&self.preview).clone().map(Box::new))),
            Request::Plan => self.plan().await,
            Request::Apply { plan, confirm, by } => self.apply(*plan, confirm, by).await,
            Request::ForecastUndo { run } => self.forecast_undo(run).await,
            Request::UndoForecast => {
                let made = lock(&self.undo_forecast).clone();
                Ok(Reply::UndoForecast(made.map(Box::new)))
            }
            Request::Undo { run } => self.undo(run).await,
            Request::Retry { which, now } => self.retry(which, now).await,
            Request::Hold => self.control(None, |control| control.hold()),
            Request::GoOn => self.control(None, |control| control.go_on()),
            Request::Stop { run } => self.control(run, |control| control.stop()),
            Request::StopNow { run } => self.control(run, |control| control.stop_now()),
            Request::Pause { mapping, paused } => self.pause(&mapping, paused).await,
            Request::Run { run } => self.run(run).await,
            Request::Record { query, mapping } => self.record(&query, mapping.as_ref()).await,
            Request::Forget {
                query,
                mapping,
                sure,
                by,
            } => self.forget(&query, mapping, sure, &by).await,
            Request::Check { fix } => self.check(fix).await,
            Request::Reconnect => {
                super::check::greet(self.clone()).await;
                Ok(Reply::Ok)
            }
        }
    }
}
