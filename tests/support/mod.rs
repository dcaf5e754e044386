//! The engine over the sandbox in one process: real clients, real bytes, no sockets, virtual time.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeZone, Utc};
use syncline::clock::{BoxFuture, Clock, SeededEntropy, TokioClock};
use syncline::config::{Config, mapping_revision};
use syncline::crm::{
    Crm, HttpRequest, HttpResponse, HubspotAuth, HubspotClient, HubspotSettings, SalesforceAuth,
    SalesforceClient, SalesforceSettings, Transport, TransportError,
};
use syncline::domain::{PerSide, RunRecord, Secret};
use syncline::engine::{
    Control, Db, Engine, Order, OwnerCache, Reporter, Rules, RunEnd, Scope, Settings, names,
};
use syncline::sandbox::http::{Request, Response};
use syncline::sandbox::world::WorldSettings;
use syncline::sandbox::{Exchange, Sandbox, Settings as SandboxSettings, Side as Party};
use syncline::store::{SimStore, Store};

pub const SALESFORCE: &str = "http://127.0.0.1:40001";
pub const HUBSPOT: &str = "http://127.0.0.1:40002";

/// Bytes to the sandbox and back, without a socket.
pub struct InProcess {
    pub sandbox: Arc<Mutex<Sandbox>>,
    pub clock: Arc<dyn Clock>,
}

impl Transport for InProcess {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let url = url::Url::parse(&request.url).unwrap();
            let party = if url.port() == Some(40001) {
                Party::Salesforce
            } else {
                Party::HubSpot
            };
            let path = percent_decode(url.path());
            let plain = Request {
                method: request.method.to_owned(),
                path,
                query: url
                    .query_pairs()
                    .map(|(key, value)| (key.into_owned(), value.into_owned()))
                    .collect(),
                headers: request.headers.clone(),
                body: request.body.clone(),
            };
            let exchange = self
                .sandbox
                .lock()
                .unwrap()
                .exchange(self.clock.now(), party, &plain);
            let host = url.host_str().unwrap_or_default().to_owned();
            let lost = |why: &str| {
                Err(TransportError::NoAnswer {
                    host: host.clone(),
                    why: why.to_owned(),
                })
            };
            match exchange {
                Exchange::Answer(response) => Ok(answer(response)),
                Exchange::Cut | Exchange::Truncated(..) => lost("connection cut"),
                Exchange::Silence => {
                    tokio::time::sleep(request.timeout).await;
                    lost("timed out")
                }
                Exchange::Late(response, after) => {
                    if after >= request.timeout {
                        tokio::time::sleep(request.timeout).await;
                        return lost("timed out");
                    }
                    tokio::time::sleep(after).await;
                    Ok(answer(response))
                }
            }
        })
    }
}

fn percent_decode(path: &str) -> String {
    url::form_urlencoded::parse(format!("p={}", path.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn answer(response: Response) -> HttpResponse {
    HttpResponse {
        status: response.status,
        headers: response
            .headers
            .into_iter()
            .map(|(key, value)| (key.to_lowercase(), value))
            .collect(),
        body: response.body,
    }
}

pub fn start_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 14, 0, 0).unwrap()
}

/// One installation against one sandbox.
pub struct House {
    pub sandbox: Arc<Mutex<Sandbox>>,
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn Store>,
    pub rules: Arc<Rules>,
    pub crm: PerSide<Arc<dyn Crm>>,
    pub owners: OwnerCache,
}

pub fn config(text: &str) -> Config {
    Config::parse(
        text,
        "test.toml",
        std::path::Path::new(""),
        &Default::default(),
        &[],
    )
    .unwrap_or_else(|errors| panic!("{errors}"))
}

pub fn starter() -> String {
    let head = format!(
        "[salesforce]\nlogin_url = \"{SALESFORCE}\"\nauth = {{ flow = \"client_credentials\", client_id = \"x\", client_secret = {{ env = \"S\" }} }}\n\
         [hubspot]\napi_url = \"{HUBSPOT}\"\nauth = {{ flow = \"access_token\", token = {{ env = \"H\" }} }}\n"
    );
    format!(
        "{head}\n{}",
        include_str!("../../assets/starter-mappings.toml")
    )
}

pub fn rules(config: &Config) -> Rules {
    let revisions = config
        .mappings
        .iter()
        .map(|one| (one.id.clone(), mapping_revision(one)))
        .collect();
    Rules {
        mappings: config.mappings.clone(),
        revisions,
        settings: Settings::default(),
        limits: Default::default(),
        ask_first: false,
    }
}

impl House {
    pub async fn new(contacts: usize, seed: u64) -> House {
        House::with(WorldSettings { contacts, seed }, false, &starter()).await
    }

    pub async fn with(world: WorldSettings, no_keys: bool, text: &str) -> House {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start_time()));
        let settings = SandboxSettings {
            world,
            faults: Default::default(),
            live: false,
            no_keys,
        };
        let sandbox = Arc::new(Mutex::new(Sandbox::new(settings, clock.now())));
        sandbox.lock().unwrap().org.set_url(SALESFORCE);
        let store: Arc<dyn Store> = Arc::new(SimStore::new());
        let rules = Arc::new(rules(&config(text)));
        let crm = clients(&sandbox, &clock);
        install(&store).await;
        House {
            sandbox,
            clock,
            store,
            rules,
            crm,
            owners: Default::default(),
        }
    }

    pub async fn engine(&self) -> Engine {
        let (report, _) = Reporter::new(self.clock.clone());
        let (control, _handle) = Control::new();
        Engine {
            db: Arc::new(Db::open(self.store.clone()).await.unwrap()),
            crm: self.crm.clone(),
            clock: self.clock.clone(),
            rules: self.rules.clone(),
            report,
            control,
            owners: self.owners.clone(),
        }
    }

    pub async fn run(&self, order: &Order) -> RunEnd {
        let engine = self.engine().await;
        let record = engine.begin(order).await.unwrap();
        engine.execute(record, order).await.unwrap()
    }

    pub async fn sync(&self) -> RunRecord {
        let end = self.run(&order()).await;
        assert!(end.error.is_none(), "{:?}", end.error);
        end.record
    }

    pub async fn wait(&self, seconds: u64) {
        tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
    }
}

pub async fn install(store: &Arc<dyn Store>) {
    let db = Db::open(store.clone()).await.unwrap();
    let mut tx = db.begin();
    tx.put_meta(
        names::INSTALL,
        &"0123456789abcdef0123456789abcdef".to_owned(),
    )
    .unwrap();
    tx.commit().await.unwrap();
}

pub fn clients(sandbox: &Arc<Mutex<Sandbox>>, clock: &Arc<dyn Clock>) -> PerSide<Arc<dyn Crm>> {
    let transport = Arc::new(InProcess {
        sandbox: sandbox.clone(),
        clock: clock.clone(),
    });
    clients_over(sandbox, clock, transport)
}

/// Clients over a wire of the test's own.
pub fn clients_over(
    sandbox: &Arc<Mutex<Sandbox>>,
    clock: &Arc<dyn Clock>,
    transport: Arc<dyn Transport>,
) -> PerSide<Arc<dyn Crm>> {
    let entropy = Arc::new(SeededEntropy::new(7));
    let (org, token) = {
        let sandbox = sandbox.lock().unwrap();
        (
            sandbox.org.settings().clone(),
            sandbox.portal.settings().access_token.clone(),
        )
    };
    let salesforce = SalesforceSettings::new(
        SALESFORCE,
        SalesforceAuth::ClientCredentials {
            client_id: org.client_id,
            client_secret: Secret::new(org.client_secret),
        },
    );
    let hubspot = HubspotSettings::new(HUBSPOT, HubspotAuth::AccessToken(Secret::new(token)));
    PerSide {
        salesforce: Arc::new(
            SalesforceClient::new(
                salesforce,
                transport.clone(),
                clock.clone(),
                entropy.clone(),
            )
            .unwrap(),
        ),
        hubspot: Arc::new(HubspotClient::new(hubspot, transport, clock.clone(), entropy).unwrap()),
    }
}

pub fn order() -> Order {
    Order {
        mappings: Vec::new(),
        scope: Scope::Changed,
        yes: false,
        confirm: None,
        by: "you".into(),
    }
}

pub mod desk;
pub mod leads;
pub mod mortal;
pub mod town;
pub mod wire;
