//! The verbs against a scripted service: what they print, what they ask, how they end.

use std::collections::BTreeMap;
use std::io::{BufRead, Cursor, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use serde_json::Value as Json;
use tokio::sync::{broadcast, watch};

use super::output::tests::{Kept, global};
use super::*;
use crate::domain::*;
use crate::service::messages::*;
use crate::service::{Client, ServiceGone};

mod lists;
mod runs;
mod values;

/// A progress with these phases.
pub(super) fn progress(phases: &[(&str, PhaseState, &str)]) -> Progress {
    Progress {
        run: Some(RunId(143)),
        kind: RunKind::Full,
        mappings: vec![MappingId::from("contacts")],
        by: "you".into(),
        started_at: at(0),
        phases: phases
            .iter()
            .map(|(word, state, detail)| PhaseLine {
                word: (*word).into(),
                state: *state,
                detail: (*detail).into(),
                done: 0,
                of: 0,
                per_second: 0,
                started_at: None,
                ended_at: None,
            })
            .collect(),
        control: Control::Going,
        totals: Totals::default(),
        calls: CallCount::default(),
        forecast: None,
        counts: Vec::new(),
        batch: None,
    }
}

/// Seconds after a fixed moment.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_269_720, 0).unwrap() + TimeDelta::seconds(seconds)
}

/// A service that answers from a list and keeps what it was asked.
struct Script {
    answer: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    asked: Arc<Mutex<Vec<Request>>>,
    status: watch::Sender<Status>,
    events: broadcast::Sender<Event>,
}

#[async_trait]
impl Door for Arc<Script> {
    async fn ask(&self, request: Request) -> Result<Reply, ServiceGone> {
        let reply = (self.answer)(&request);
        self.asked.lock().unwrap().push(request);
        if let Reply::Started { run } = &reply {
            let event = match run {
                Some(run) => match (self.answer)(&Request::Run { run: *run }) {
                    Reply::Run(run) => Event::RunEnded { run },
                    _ => return Ok(reply),
                },
                None => Event::PreviewReady,
            };
            let _ = self.events.send(event);
        }
        Ok(reply)
    }

    fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}

struct Opened(Arc<Script>);

#[async_trait]
impl Session for Opened {
    fn door(&self) -> &dyn Door {
        &self.0
    }
    fn client(&self) -> Option<Client> {
        None
    }
    async fn close(self: Box<Self>) {}
}

#[async_trait]
impl Backend for Arc<Script> {
    async fn open(&self, _: OpenOrder) -> Result<Box<dyn Session>, Refusal> {
        Ok(Box::new(Opened(self.clone())))
    }
    async fn export(&self, _: &Path, to: &mut (dyn Write + Send)) -> Result<u64, Refusal> {
        let done = to.write_all(b"{\"a\":1}\n");
        done.map(|()| 1)
            .map_err(|error| refusal(RefusalKind::Store, &error.to_string()))
    }
    async fn import(&self, _: &Path, from: &mut (dyn BufRead + Send)) -> Result<u64, Refusal> {
        let mut text = String::new();
        let done = from.read_to_string(&mut text);
        done.map(|_| text.lines().count() as u64)
            .map_err(|error| refusal(RefusalKind::Usage, &error.to_string()))
    }
    async fn newest_backup(&self, _: &Path) -> Result<BackupFound, Refusal> {
        Ok(BackupFound {
            file: "backups/state-20261121T140000Z.jsonl".into(),
            at: at(0),
            entries: 1234,
            unsound: 0,
            replaces: true,
        })
    }
    async fn restore(&self, _: &Path, backup: &BackupFound) -> Result<Restored, Refusal> {
        Ok(Restored {
            entries: backup.entries,
            at: backup.at,
            aside: Some("store-replaced".into()),
        })
    }
    async fn compact(&self, _: &Path) -> Result<Compacted, Refusal> {
        Ok(Compacted {
            entries: 1234,
            before: 9_400_000,
            after: 2_100_000,
        })
    }
    async fn doctor(&self, _: &Path) -> Result<Vec<CheckLine>, Refusal> {
        Ok(vec![CheckLine {
            check: "links".into(),
            subject: "contacts".into(),
            state: CheckState::Fail,
            message: "2 links lead nowhere".into(),
            next: "restore a backup".into(),
        }])
    }
}

fn refusal(kind: RefusalKind, message: &str) -> Refusal {
    Refusal {
        kind,
        message: message.into(),
        items: Vec::new(),
    }
}

/// What a verb left behind.
struct Ran {
    exit: Result<Exit, Failure>,
    out: String,
    err: String,
    asked: Vec<Request>,
}

impl Ran {
    fn code(&self) -> u8 {
        match &self.exit {
            Ok(exit) => exit.code(),
            Err(failure) => failure.exit.code(),
        }
    }

    fn failure(&self) -> &str {
        &self.exit.as_ref().unwrap_err().message
    }

    fn json(&self) -> Vec<Json> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Runs a command line against a service that answers so; `tty` says that a person is there and types `input`.
async fn ran_with(
    line: &str,
    input: &[u8],
    tty: bool,
    answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, include_str!("../../config.example.toml")).unwrap();
    let script = Arc::new(Script {
        answer: Box::new(answer),
        asked: Arc::default(),
        status: watch::Sender::new(Status::default()),
        events: broadcast::Sender::new(16),
    });
    let (out, err) = (Kept::default(), Kept::default());
    let cli = Cli::try_parse_from(std::iter::once("syncline").chain(line.split(' '))).unwrap();
    let ttys = Ttys {
        stdin: tty,
        stdout: false,
        stderr: tty,
    };
    let mut app = App {
        out: Output::new(
            Box::new(out.clone()),
            Box::new(err.clone()),
            &cli.global,
            ttys,
            80,
            true,
        ),
        global: Global {
            config: Some(config),
            data_dir: Some(folder.path().join("data")),
            ..global()
        },
        input: Box::new(Cursor::new(input.to_vec())),
        env: BTreeMap::new(),
        clock: Arc::new(SystemClock),
        backend: Arc::new(script.clone()),
        keeps_log: false,
        log: None,
    };
    let exit = verb(&mut app, cli.verb).await;
    app.out.flush().unwrap();
    Ran {
        exit,
        out: out.text(),
        err: err.text(),
        asked: std::mem::take(&mut script.asked.lock().unwrap()),
    }
}

async fn ran(line: &str, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Ran {
    ran_with(line, b"", false, answer).await
}
