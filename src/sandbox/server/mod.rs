//! The listener: both sides on loopback ports, plain HTTP/1.1. A thin wrapper around [`Sandbox`], which does the work.

mod line;
mod running;
mod translate;

#[cfg(test)]
mod tests;

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::line::{Cut, Exchangeboard};
use super::faults::{Exchange, UnknownProfile};
use super::http::{Request, Response};
use super::shell::{Sandbox, Settings};
use super::side::Side;
use super::world::WorldSettings;
use crate::clock::Clock;

pub use running::{HubSpotAccess, Running, SalesforceAccess};

/// How often the colleagues look whether something is due.
const STEP: Duration = Duration::from_millis(250);

/// One of so many requests that write is held back longer.
const STALLED: u64 = 8;

/// What spreads their times over the whole range.
const STRIDE: u64 = 7919;

/// The options of `syncline sandbox`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Contacts on each side; a fifth as many accounts.
    pub contacts: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// Fault profile: names joined by commas, `all` or `none`.
    pub faults: String,
    /// Milliseconds that every answer is held back.
    pub latency_ms: u64,
    /// Each eighth request that writes is held back longer, by up to so many milliseconds, whether or not its client waits.
    pub stall_ms: u64,
    /// Simulated colleagues edit both sides all the time.
    pub live: bool,
    /// The key fields are there (`--no-keys` takes them away).
    pub keys: bool,
    /// Port of the Salesforce side; 0 is any free one.
    pub salesforce_port: u16,
    /// Port of the HubSpot side; 0 is any free one.
    pub hubspot_port: u16,
}

impl Default for Options {
    fn default() -> Self {
        let world = WorldSettings::default();
        Options {
            contacts: world.contacts,
            seed: world.seed,
            faults: "none".into(),
            latency_ms: 0,
            stall_ms: 0,
            live: false,
            keys: true,
            salesforce_port: 0,
            hubspot_port: 0,
        }
    }
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The fault profile is not known.
    #[error(transparent)]
    Profile(#[from] UnknownProfile),
    /// A port could not be had.
    #[error(
        "the sandbox cannot listen on 127.0.0.1:{port} for {side}: {source}; choose another port, or 0 for any free one"
    )]
    Listen {
        /// `salesforce` or `hubspot`.
        side: &'static str,
        /// The port asked for.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What the two listeners and the colleagues' task share.
struct Shared {
    sandbox: Mutex<Sandbox>,
    clock: Arc<dyn Clock>,
    latency: Duration,
    stall_ms: u64,
    /// Requests that wrote so far.
    written: AtomicU64,
}

impl Shared {
    /// The sandbox is plain data that every request leaves whole, so a panicked holder does no harm.
    fn lock(&self) -> MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much longer than the others this request is held back.
    fn stall(&self, request: &Request) -> Duration {
        let writes = ["/batch/upsert", "/batch/update", "/composite/sobjects"];
        if self.stall_ms == 0 || !writes.iter().any(|part| request.path.contains(part)) {
            return Duration::ZERO;
        }
        match self.written.fetch_add(1, Ordering::Relaxed) {
            count if count % STALLED == 1 => {
                Duration::from_millis(count.wrapping_mul(STRIDE) % self.stall_ms)
            }
            _ => Duration::ZERO,
        }
    }
}

/// Grows the world and serves both sides on loopback until the returned handle is stopped or dropped.
pub async fn serve(options: Options, clock: Arc<dyn Clock>) -> Result<Running, SandboxError> {
    let settings = Settings {
        world: WorldSettings {
            contacts: options.contacts,
            seed: options.seed,
        },
        faults: options.faults.parse()?,
        live: options.live,
        no_keys: !options.keys,
    };
    let salesforce = listen(Side::Salesforce, options.salesforce_port).await?;
    let hubspot = listen(Side::HubSpot, options.hubspot_port).await?;
    let mut sandbox = Sandbox::new(settings, clock.now());
    let urls = [url(&salesforce), url(&hubspot)];
    sandbox.org.set_url(urls[0].clone());
    let shared = Arc::new(Shared {
        sandbox: Mutex::new(sandbox),
        clock,
        latency: Duration::from_millis(options.latency_ms),
        stall_ms: options.stall_ms,
        written: AtomicU64::new(0),
    });
    let all = CancellationToken::new();
    let mut tasks = Vec::new();
    for (side, listener) in [(Side::Salesforce, salesforce), (Side::HubSpot, hubspot)] {
        let service = Router::new()
            .fallback(answer)
            .with_state((shared.clone(), side))
            .into_make_service_with_connect_info::<Cut>();
        let board = Exchangeboard {
            listener,
            all: all.clone(),
        };
        tasks.push(tokio::spawn(async move {
            // Never ends by itself; `Exchangeboard` swallows what goes wrong while accepting.
            let _ = axum::serve(board, service).await;
        }));
    }
    tasks.push(tokio::spawn(keep_moving(shared.clone())));
    Ok(Running::new(shared, urls, all, tasks))
}

async fn listen(side: Side, port: u16) -> Result<TcpListener, SandboxError> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .await
        .map_err(|source| SandboxError::Listen {
            side: side.name(),
            port,
            source,
        })
}

fn url(listener: &TcpListener) -> String {
    let address = listener.local_addr();
    address.map_or_else(|_| String::new(), |address| format!("http://{address}"))
}

/// The colleagues at work, and requests that land late.
async fn keep_moving(shared: Arc<Shared>) {
    loop {
        shared.clock.sleep(STEP).await;
        let now = shared.clock.now();
        shared.lock().live_step(now);
    }
}

async fn answer(
    State((shared, side)): State<(Arc<Shared>, Side)>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, translate::MAX_BODY).await else {
        return whole(Response::empty(413), false, &cut).await;
    };
    let request = match translate::request(&parts, body.into()) {
        Ok(request) => request,
        Err(refusal) => return whole(refusal, false, &cut).await,
    };
    let gzip = translate::takes_gzip(&request);
    let now = shared.clock.now();
    let control = shared.lock().control(now, side, &request);
    if let Some(answer) = control {
        return whole(answer, gzip, &cut).await;
    }
    // What has arrived is carried out, though its client dies meanwhile: the handler is dropped with the line, this is not.
    let exchange = tokio::spawn(carried_out(shared.clone(), side, request));
    let Ok(exchange) = exchange.await else {
        return dropped(&cut).await;
    };
    match exchange {
        Exchange::Answer(answer) => whole(answer, gzip, &cut).await,
        Exchange::Late(answer, after) => {
            shared.clock.sleep(after).await;
            whole(answer, gzip, &cut).await
        }
        Exchange::Truncated(answer, sent) => match truncated(answer, sent, shared.clock.clone()) {
            Some(answer) => answer,
            None => dropped(&cut).await,
        },
        // The line is closed by the client, when it gives up.
        Exchange::Silence => pending().await,
        Exchange::Cut => dropped(&cut).await,
    }
}

async fn carried_out(shared: Arc<Shared>, side: Side, request: Request) -> Exchange {
    let held = shared.latency + shared.stall(&request);
    if !held.is_zero() {
        shared.clock.sleep(held).await;
    }
    let now = shared.clock.now();
    shared.lock().exchange(now, side, &request)
}

async fn whole(answer: Response, gzip: bool, cut: &Cut) -> axum::response::Response {
    match translate::response(answer, gzip) {
        Some(answer) => answer,
        None => dropped(cut).await,
    }
}

/// Closes the line; the handler is dropped with it.
async fn dropped(cut: &Cut) -> axum::response::Response {
    cut.now();
    pending().await
}

/// The announced length, `sent` bytes of it, then a broken stream.
fn truncated(
    mut answer: Response,
    sent: usize,
    clock: Arc<dyn Clock>,
) -> Option<axum::response::Response> {
    let length = answer.body.len();
    let body = std::mem::take(&mut answer.body);
    let part = Bytes::from(body).slice(..sent.min(length));
    let broken = async move {
        // What was written so far leaves the buffers only while the body has nothing more to give.
        clock.sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    let body = stream::once(async { Ok(part) }).chain(stream::once(broken));
    let answer = answer.with_header("Content-Length", length.to_string());
    translate::head(&answer, Body::from_stream(body))
}
