//! The two seams around the engine, watched: every request and every commit is counted and digested, may be the moment at
//! which the process dies, and may find that somebody has just edited something.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use syncline::clock::BoxFuture;
use syncline::crm::{HttpRequest, HttpResponse, Transport, TransportError};
use syncline::engine::ControlHandle;
use syncline::store::{
    Batch, Entry, Family, Key, Range, SimStore, Store, StoreError, TypedStore, keys,
};
use tokio::sync::Notify;

use syncline::domain::Side;
use syncline::sandbox::Side as Party;

use crate::clubs::{Hand, Ledger};
use crate::people;
use crate::rng::Rng;
use crate::story::{Act, Sync, Trouble};
use crate::support::InProcess;
use crate::weak::Weakness;

/// What was seen on both seams.
#[derive(Default)]
pub struct Trace {
    hasher: DefaultHasher,
    pub requests: u64,
    /// Requests that change records.
    pub writes: u64,
    /// Batches that the store took.
    pub batches: u64,
    /// Records that a search of the window should have told and did not.
    pub missed: u64,
    pub last: VecDeque<String>,
    /// What contacts were tied to, request by request.
    pub ledger: Ledger,
    /// Violations that only a seam can see.
    pub broken: Vec<String>,
}

impl Trace {
    fn note(&mut self, what: impl Hash) {
        what.hash(&mut self.hasher);
    }

    /// What was written anywhere so far.
    pub fn written(&self) -> (u64, u64) {
        (self.writes, self.batches)
    }

    pub fn digest(&self) -> u64 {
        self.hasher.finish()
    }
}

/// The moment at which the process dies: seam crossings left until then.
#[derive(Default)]
pub struct Doom {
    left: AtomicU64,
    struck: Notify,
}

impl Doom {
    pub fn arm(&self, crossings: Option<u32>) {
        self.left
            .store(crossings.map_or(0, u64::from), Ordering::Relaxed);
    }

    /// One crossing. The one that strikes never returns.
    async fn cross(&self) {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return;
        }
        self.left.store(left - 1, Ordering::Relaxed);
        if left == 1 {
            self.struck.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Resolves when the process has died.
    pub async fn strikes(&self) {
        self.struck.notified().await;
    }
}

/// What happens while a run works, by the number of its request; and what goes wrong with the next writes.
#[derive(Default)]
pub struct Meanwhile {
    requests: u32,
    acts: Vec<(u32, Act)>,
    stop: Option<(u32, ControlHandle)>,
    spoils: Vec<(Side, Trouble)>,
    /// Plain fields of Salesforce that we have no right to.
    hidden: BTreeSet<usize>,
}

impl Meanwhile {
    /// A run begins.
    pub fn begin(&mut self, sync: &Sync, handle: ControlHandle) {
        self.requests = 0;
        self.acts = sync.during.clone();
        self.stop = sync.stop.map(|at| (at, handle));
    }

    /// The run is over.
    pub fn end(&mut self) {
        self.acts.clear();
        self.stop = None;
    }

    /// The next write to a side meets this. Without keys a create that lands after the settle delay is nobody's promise.
    pub fn spoil(&mut self, side: Side, trouble: Trouble, unkeyed: bool) {
        let trouble = match trouble {
            Trouble::LandsLater(after) if unkeyed => Trouble::LandsLater(after.min(100)),
            other => other,
        };
        let times = match trouble {
            Trouble::Throttled(times) => times,
            _ => 1,
        };
        self.spoils.extend((0..times).map(|_| (side, trouble)));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        self.spoils.clear();
        self.hidden.clear();
    }

    /// Notes what an act hides from us.
    pub fn note(&mut self, act: &Act) {
        match act {
            Act::HideField {
                field,
                hidden: true,
            } => {
                self.hidden.insert(*field);
            }
            Act::HideField { field, .. } => {
                self.hidden.remove(field);
            }
            _ => {}
        }
    }

    /// What is hidden now.
    pub fn hidden(&self) -> BTreeSet<usize> {
        self.hidden.clone()
    }

    fn next_spoil(&mut self, side: Side) -> Option<Trouble> {
        let at = self.spoils.iter().position(|(one, _)| *one == side)?;
        Some(self.spoils.remove(at).1)
    }
}

/// The wire of the simulation.
pub struct Wire {
    pub below: InProcess,
    pub trace: Arc<Mutex<Trace>>,
    pub doom: Arc<Doom>,
    pub meanwhile: Arc<Mutex<Meanwhile>>,
    pub disk: Arc<Disk>,
    pub latency: Arc<Mutex<Rng>>,
    pub weakness: Option<Weakness>,
}

/// Requests that change records.
pub fn is_write(method: &str, url: &str) -> bool {
    let path = url.split('?').next().unwrap_or_default();
    match method {
        "PATCH" | "PUT" | "DELETE" => true,
        "POST" => {
            [
                "/batch/create",
                "/batch/update",
                "/batch/upsert",
                "/batch/archive",
                "/batch/labels/archive",
                "/batch/associate/default",
            ]
            .iter()
            .any(|end| path.ends_with(end))
                || path.ends_with("/composite/sobjects")
        }
        _ => false,
    }
}

impl Transport for Wire {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            self.doom.cross().await;
            self.happen();
            self.travel().await;
            let write = is_write(request.method, &request.url);
            if write {
                self.spoil(&request);
            }
            let now = self.below.clock.now();
            {
                let mut trace = self.trace.lock().unwrap();
                trace.requests += 1;
                trace.writes += u64::from(write);
                trace.note((
                    request.method,
                    &request.url,
                    &request.body,
                    now.timestamp_millis(),
                ));
                if write && self.disk.has_loose_journal() {
                    let broken = format!(
                        "I-17 {} {} went out before its journal was durable",
                        request.method, request.url
                    );
                    trace.broken.push(broken);
                }
                let line = line(now, &request);
                trace.last.push_back(line);
                if trace.last.len() > 50 {
                    trace.last.pop_front();
                }
            }
            let window = window(&request);
            let again =
                (write && self.weakness == Some(Weakness::BlindResend)).then(|| request.clone());
            let mut answer = self.below.send(request).await;
            if let Ok(answer) = &mut answer {
                // As every real server does; the engine knows the vendor's time by it.
                let date = self.below.clock.now().to_rfc2822();
                answer.headers.push(("date".to_owned(), date));
            }
            if let (Err(_), Some(again)) = (&answer, again) {
                answer = self.below.send(again).await;
            }
            {
                let mut trace = self.trace.lock().unwrap();
                let sandbox = self.below.sandbox.lock().unwrap();
                trace
                    .ledger
                    .note(&sandbox, self.below.clock.now(), Hand::Us);
                drop(sandbox);
                if TELLS.load(Ordering::Relaxed) {
                    tell(trace.last.back(), answer.as_ref().ok());
                }
                match &answer {
                    Ok(answer) => {
                        trace.note((answer.status, &answer.body));
                        let status = answer.status;
                        if let (Some(window), 200) = (window, status) {
                            trace.missed += self.missed(window, &answer.body);
                        }
                        if let Some(last) = trace.last.back_mut() {
                            last.push_str(&format!(" -> {status}"));
                        }
                    }
                    Err(_) => trace.note("lost"),
                }
            }
            self.travel().await;
            self.doom.cross().await;
            answer
        })
    }
}

/// Whether every request is printed with its answer.
pub static TELLS: AtomicBool = AtomicBool::new(false);

/// Says something of a story that is told request by request.
pub fn told(what: impl FnOnce() -> String) {
    if TELLS.load(Ordering::Relaxed) {
        println!("  {}", what());
    }
}

fn tell(request: Option<&String>, answer: Option<&HttpResponse>) {
    let body = answer.map_or(&b"nothing"[..], |answer| &answer.body);
    let shown: String = String::from_utf8_lossy(body).chars().take(3000).collect();
    println!("{} -> {shown}", request.map_or("", String::as_str));
}

impl Wire {
    /// How many records of the window the answer lacks.
    fn missed(&self, (low, high): (i64, i64), body: &[u8]) -> u64 {
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let told: BTreeSet<&str> = answer["results"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["id"].as_str())
            .collect();
        let sandbox = self.below.sandbox.lock().unwrap();
        let ids = sandbox.portal.ids(people::H);
        let changed = ids.iter().filter(|id| {
            let history = sandbox.portal.history(people::H, id);
            let last = history.and_then(|history| history.versions.last());
            last.is_some_and(|last| (low..high).contains(&last.at.timestamp_millis()))
        });
        changed.filter(|id| !told.contains(id.as_str())).count() as u64
    }

    /// Nothing reaches the other end at once; two things never happen in the same moment.
    async fn travel(&self) {
        let way = {
            let mut rng = self.latency.lock().unwrap();
            2 + if rng.percent(5) {
                rng.below(4000)
            } else {
                rng.below(120)
            }
        };
        tokio::time::sleep(Duration::from_millis(way as u64)).await;
    }

    /// What goes wrong with this write, if anything.
    fn spoil(&self, request: &HttpRequest) {
        let url = url::Url::parse(&request.url).unwrap();
        let (side, party) = match url.port() {
            Some(40001) => (Side::Salesforce, Party::Salesforce),
            _ => (Side::HubSpot, Party::HubSpot),
        };
        if let Some(trouble) = self.meanwhile.lock().unwrap().next_spoil(side) {
            let mut sandbox = self.below.sandbox.lock().unwrap();
            sandbox.script(
                party,
                Some(request.method),
                url.path(),
                people::fault(trouble),
                1,
            );
        }
    }

    /// Does what is due before this request.
    fn happen(&self) {
        let mut meanwhile = self.meanwhile.lock().unwrap();
        meanwhile.requests += 1;
        let number = meanwhile.requests;
        if let Some((at, handle)) = &meanwhile.stop
            && *at == number
        {
            handle.stop();
        }
        let now = self.below.clock.now();
        let mut sandbox = self.below.sandbox.lock().unwrap();
        let acts = meanwhile.acts.clone();
        let due = acts.iter().filter(|(at, _)| *at == number);
        // Two people never do something in the same millisecond: HubSpot's stamps could not tell the two apart.
        for (later, (_, act)) in due.enumerate() {
            let now = now + TimeDelta::milliseconds(later as i64);
            people::perform(&mut sandbox, now, act);
            self.trace
                .lock()
                .unwrap()
                .ledger
                .note(&sandbox, now, Hand::People);
            meanwhile.note(act);
        }
    }
}

/// The window that a search of changed contacts asks for.
fn window(request: &HttpRequest) -> Option<(i64, i64)> {
    if !request.url.ends_with("/contacts/search") {
        return None;
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).ok()?;
    let bound = |operator: &str| {
        let filters = body["filterGroups"][0]["filters"].as_array()?;
        let of = |filter: &&serde_json::Value| {
            filter["propertyName"] == "lastmodifieddate" && filter["operator"] == operator
        };
        filters.iter().find(of)?["value"].as_str()?.parse().ok()
    };
    Some((bound("GTE")?, bound("LT")?))
}

fn line(now: DateTime<Utc>, request: &HttpRequest) -> String {
    let body = String::from_utf8_lossy(&request.body);
    let body: String = body.chars().take(300).collect();
    let url: String = request.url.chars().take(160).collect();
    format!(
        "{} {} {url} {body}",
        now.format("%d %H:%M:%S%.3f"),
        request.method
    )
}

/// The disk of the simulation: a store in memory that a crash may shorten.
pub struct Disk {
    sim: Mutex<Arc<SimStore>>,
    /// Journal rows that are applied and not committed.
    loose: Mutex<bool>,
    pub trace: Arc<Mutex<Trace>>,
    pub doom: Arc<Doom>,
    pub weakness: Option<Weakness>,
}

impl Disk {
    pub fn new(trace: Arc<Mutex<Trace>>, doom: Arc<Doom>, weakness: Option<Weakness>) -> Disk {
        Disk {
            sim: Mutex::new(Arc::new(SimStore::new())),
            loose: Mutex::new(false),
            trace,
            doom,
            weakness,
        }
    }

    /// The process is dead: what was not committed survives as a prefix. Gives how many batches were open.
    pub fn crash(&self, choose: impl FnOnce(usize) -> usize) -> usize {
        let mut open = 0;
        let mut sim = self.sim.lock().unwrap();
        let next = sim.crash(|loose| {
            open = loose;
            choose(loose)
        });
        *sim = Arc::new(next);
        *self.loose.lock().unwrap() = false;
        open
    }

    /// Everything in it.
    pub async fn copy(&self) -> Vec<Entry> {
        let all = Range::prefix(Key(Vec::new()), usize::MAX);
        self.sim().range(all).await.unwrap()
    }

    /// Another store takes the place of this one, with the mark of an import.
    pub async fn put_back(&self, rows: Vec<Entry>) {
        let mut batch = Batch::default();
        for (key, value) in rows {
            batch.put(key, value);
        }
        let next = SimStore::new();
        next.commit(batch).await.unwrap();
        let epoch = keys::meta(keys::META_EPOCH);
        let before: Option<u64> = next.row(epoch.clone()).await.unwrap();
        let mut batch = Batch::default();
        batch
            .put_row(epoch, &(before.unwrap_or_default() + 1))
            .unwrap();
        next.commit(batch).await.unwrap();
        *self.sim.lock().unwrap() = Arc::new(next);
        *self.loose.lock().unwrap() = false;
    }

    fn has_loose_journal(&self) -> bool {
        *self.loose.lock().unwrap()
    }

    fn sim(&self) -> Arc<SimStore> {
        self.sim.lock().unwrap().clone()
    }

    fn seen(&self, batch: Batch, durable: bool) -> Batch {
        let journal = |key: &Key| {
            key.0.first() == Some(&(Family::Journal as u8))
                || key.0.first() == Some(&(Family::OpenOp as u8))
        };
        let mut loose = self.loose.lock().unwrap();
        *loose = !durable && (*loose || batch.writes.iter().any(|(key, _)| journal(key)));
        let mut trace = self.trace.lock().unwrap();
        trace.batches += 1;
        for (key, value) in &batch.writes {
            trace.note((&key.0, value));
        }
        match self.weakness {
            Some(weakness) => weakness.store(batch),
            None => batch,
        }
    }
}

#[async_trait]
impl Store for Disk {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.sim().get(key).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.sim().get_many(keys).await
    }

    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.sim().range(range).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.doom.cross().await;
        let batch = self.seen(batch, false);
        self.sim().apply(batch).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.doom.cross().await;
        if self.weakness == Some(Weakness::NoFlush) {
            let batch = self.seen(batch, false);
            return self.sim().apply(batch).await;
        }
        let batch = self.seen(batch, true);
        self.sim().commit(batch).await?;
        self.doom.cross().await;
        Ok(())
    }

    fn rows_read(&self) -> u64 {
        self.sim().rows_read()
    }
}
