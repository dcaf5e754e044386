//! The service over a house: what a person asks of it while a run works.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use syncline::clock::{BoxFuture, SeededEntropy};
use syncline::crm::{HttpRequest, HttpResponse, Transport, TransportError};
use syncline::domain::RunRecord;
use syncline::service::messages::{Event, Reply, Request, SyncOrder};
use syncline::service::{Client, Service, Setup};
use tokio::sync::{Notify, broadcast};

use super::{House, InProcess, config};

/// A wire that stands still before its n-th request until it is let go on, or panics there.
struct Gate {
    panics: bool,
    inner: InProcess,
    sent: AtomicU64,
    at: u64,
    reached: Notify,
    opened: Notify,
}

impl Transport for Gate {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            if self.sent.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
                assert!(!self.panics, "the wire is torn");
                self.reached.notify_one();
                self.opened.notified().await;
            }
            self.inner.send(request).await
        })
    }
}

/// A service with its client; its run stands still before a request.
pub struct Desk {
    gate: Arc<Gate>,
    client: Client,
    events: broadcast::Receiver<Event>,
    service: Service,
}

impl Desk {
    /// Over a house, by the config's text; 0 for a wire that never stands still.
    pub async fn open(house: &House, text: &str, at: u64) -> Desk {
        Desk::over(house, text, at, false).await
    }

    /// The same over a wire that panics there.
    pub async fn torn(house: &House, text: &str, at: u64) -> Desk {
        Desk::over(house, text, at, true).await
    }

    async fn over(house: &House, text: &str, at: u64, panics: bool) -> Desk {
        let gate = Arc::new(Gate {
            panics,
            inner: InProcess {
                sandbox: house.sandbox.clone(),
                clock: house.clock.clone(),
            },
            sent: AtomicU64::new(0),
            at,
            reached: Notify::new(),
            opened: Notify::new(),
        });
        let (org, token) = {
            let sandbox = house.sandbox.lock().unwrap();
            let token = sandbox.portal.settings().access_token.clone();
            (sandbox.org.settings().clone(), token)
        };
        let text = text.replace(
            "client_id = \"x\"",
            &format!("client_id = \"{}\"", org.client_id),
        );
        let env = [("S", org.client_secret), ("H", token)];
        let env = env.map(|(name, secret)| (name.to_owned(), secret));
        let setup = Setup {
            config: config(&text),
            data_dir: PathBuf::new(),
            env: BTreeMap::from(env),
            read_only: false,
            vendors: true,
            schedules: false,
            backups: false,
            clock: house.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(3)),
            transport: Some(gate.clone()),
        };
        let service = Service::over(house.store.clone(), setup).await;
        let service = service.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let client = service.client();
        Desk {
            gate,
            events: client.events(),
            client,
            service,
        }
    }

    pub async fn ask(&self, request: Request) -> Reply {
        self.client.ask(request).await.unwrap()
    }

    /// Starts a run over what changed; true where it stands still now, false where it has ended.
    pub async fn sync(&mut self) -> bool {
        let order = SyncOrder {
            mappings: Vec::new(),
            full: false,
            yes: false,
            confirm: None,
            by: "you".into(),
        };
        let reply = self.ask(Request::Sync(order)).await;
        assert!(matches!(reply, Reply::Started { .. }), "{reply:?}");
        tokio::select! {
            () = self.gate.reached.notified() => true,
            _ = ended(&mut self.events) => false,
        }
    }

    /// Lets the run go on to its end.
    pub async fn go_on(&mut self) -> RunRecord {
        self.gate.opened.notify_one();
        ended(&mut self.events).await
    }

    /// The end of a run that does not stand still.
    pub async fn end(&mut self) -> RunRecord {
        ended(&mut self.events).await
    }

    pub async fn close(self) {
        self.service.close().await;
    }
}

async fn ended(events: &mut broadcast::Receiver<Event>) -> RunRecord {
    loop {
        if let Event::RunEnded { run } = events.recv().await.unwrap() {
            return *run;
        }
    }
}
