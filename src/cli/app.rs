//! What every verb is handed: streams, environment, time, the doors; and opening a session by config.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use super::args::Global;
use super::door::{Backend, OpenOrder, Session};
use super::exit::Failure;
use super::output::Output;
use super::signals::Signals;
use crate::clock::Clock;
use crate::config::{Config, Folders, Override};
use crate::telemetry::{self, LogGuard, LogTarget, TelemetryError};

/// What a verb works with.
pub struct App {
    /// Flags of every verb.
    pub global: Global,
    /// The two streams.
    pub out: Output,
    /// stdin.
    pub input: Box<dyn BufRead + Send>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Everything behind the service's door.
    pub backend: Arc<dyn Backend>,
    /// Log files are written in the data folder.
    pub keeps_log: bool,
    /// Keeps the log writer alive.
    pub log: Option<LogGuard>,
}

/// What a verb needs of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Only what is stored.
    Store,
    /// The vendors too.
    Vendors,
}

/// What a session does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeps {
    /// Runs by the mappings' schedules.
    pub schedules: bool,
    /// A backup a day, after a run.
    pub backups: bool,
}

impl Keeps {
    /// What a verb keeps: backups, no schedules.
    pub const BACKUPS: Keeps = Keeps {
        schedules: false,
        backups: true,
    };
}

impl App {
    /// Where config and data are.
    ///
    /// # Errors
    /// Where neither a home folder nor both flags say it.
    pub fn folders(&self) -> Result<Folders, Failure> {
        let global = &self.global;
        Ok(Folders::find(
            global.config.as_deref(),
            global.data_dir.as_deref(),
        )?)
    }

    /// Loads the config.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn config(&self, folders: &Folders) -> Result<Config, Failure> {
        Ok(Config::load(&folders.config_file, &self.env, &[])?)
    }

    /// Loads the config and opens the service on it.
    ///
    /// # Errors
    /// A wrong config, or a refusal to open.
    pub async fn open(&mut self, need: Need) -> Result<Box<dyn Session>, Failure> {
        let folders = self.folders()?;
        let config = self.config(&folders)?;
        if need == Need::Vendors {
            connected(&config, &folders.config_file)?;
        }
        self.open_with(config, &folders.data_dir, need, Keeps::BACKUPS)
            .await
    }

    /// Opens the service on a given config.
    ///
    /// # Errors
    /// A refusal to open.
    pub async fn open_with(
        &mut self,
        config: Config,
        data_dir: &Path,
        need: Need,
        keeps: Keeps,
    ) -> Result<Box<dyn Session>, Failure> {
        if self.keeps_log && self.log.is_none() {
            self.log = Some(self.start_log(data_dir)?);
        }
        let order = OpenOrder {
            config,
            data_dir: data_dir.to_owned(),
            env: self.env.clone(),
            read_only: self.global.read_only,
            vendors: need == Need::Vendors,
            schedules: keeps.schedules,
            backups: keeps.backups,
        };
        Ok(self.backend.open(order).await?)
    }

    /// Parses a config that was made in memory.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse_config(
        &self,
        text: &str,
        name: &str,
        overrides: &[Override],
    ) -> Result<Config, Failure> {
        Ok(Config::parse(
            text,
            name,
            Path::new(""),
            &self.env,
            overrides,
        )?)
    }

    /// Starts the log files of a data folder.
    fn start_log(&self, data_dir: &Path) -> Result<LogGuard, Failure> {
        let target = LogTarget::Files(data_dir.join("logs"));
        let level = self.env.get("SYNCLINE_LOG").map(String::as_str);
        telemetry::start(&target, level, false).map_err(|error| match error {
            TelemetryError::Level(_) => Failure::usage(error.to_string()),
            TelemetryError::Folder { .. } | TelemetryError::Twice => {
                Failure::store(error.to_string())
            }
        })
    }

    /// Asks a question that is answered by yes or no; no where stdin has ended.
    ///
    /// # Errors
    /// Where stdin cannot be read, or a signal ends the waiting.
    pub async fn confirm(
        &mut self,
        question: &str,
        signals: &mut Signals,
    ) -> Result<bool, Failure> {
        self.out.flush()?;
        self.out.ask(&format!("{question} [y/N] "));
        // Reading blocks, so it has a thread of its own and a signal is still heard.
        let mut input = std::mem::replace(&mut self.input, Box::new(std::io::empty()));
        let reading = tokio::task::spawn_blocking(move || {
            let mut answer = String::new();
            let read = input.read_line(&mut answer).map(|_| answer);
            (input, read)
        });
        let (input, read) = signals
            .or(async {
                reading
                    .await
                    .map_err(|error| Failure::store(error.to_string()))
            })
            .await?;
        self.input = input;
        let answer =
            read.map_err(|error| Failure::usage(format!("the answer cannot be read: {error}")))?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// Both connections are there.
fn connected(config: &Config, file: &Path) -> Result<(), Failure> {
    let missing = match (&config.salesforce, &config.hubspot) {
        (Some(_), Some(_)) => return Ok(()),
        (None, Some(_)) => "[salesforce]",
        (Some(_), None) => "[hubspot]",
        (None, None) => "[salesforce] and [hubspot]",
    };
    Err(Failure::usage(format!(
        "{}: {missing} is missing; add the connection (config.example.toml shows it)",
        file.display()
    )))
}
