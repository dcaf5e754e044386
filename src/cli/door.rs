//! What the verbs need from behind the service's door: questions and answers, and the few things that work on a data
//! folder without an engine. One implementation for real, one in tests.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::sync::{broadcast, watch};

use crate::config::Config;
use crate::service::messages::{
    BackupFound, CheckLine, Compacted, Event, Refusal, Reply, Request, Restored, Status,
};
use crate::service::{Client, ServiceGone};

/// The service as a verb sees it.
#[async_trait]
pub trait Door: Send + Sync {
    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// Where the service has ended.
    async fn ask(&self, request: Request) -> Result<Reply, ServiceGone>;

    /// The newest status.
    fn status(&self) -> watch::Receiver<Status>;

    /// Discrete facts from now on.
    fn events(&self) -> broadcast::Receiver<Event>;
}

#[async_trait]
impl Door for Client {
    async fn ask(&self, request: Request) -> Result<Reply, ServiceGone> {
        Client::ask(self, request).await
    }

    fn status(&self) -> watch::Receiver<Status> {
        Client::status(self)
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        Client::events(self)
    }
}

/// How the service is to be opened.
#[derive(Clone, Debug)]
pub struct OpenOrder {
    /// The config.
    pub config: Config,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The environment, for secrets that are variables.
    pub env: BTreeMap<String, String>,
    /// Refuse everything that writes to a CRM.
    pub read_only: bool,
    /// The verb talks to the vendors; false: it only reads what is stored, and no connection is opened.
    pub vendors: bool,
    /// Keep the mappings' schedules (the console); a verb runs only what it asks for.
    pub schedules: bool,
    /// Write a backup a day, after a run; a demo has nothing to lose.
    pub backups: bool,
}

/// An open service.
#[async_trait]
pub trait Session: Send + Sync {
    /// Its door.
    fn door(&self) -> &dyn Door;

    /// The client behind the door, for the console.
    fn client(&self) -> Option<Client>;

    /// Ends it: the store is flushed and closed, the folder free for others.
    async fn close(self: Box<Self>);
}

/// Everything that the verbs use and do not own.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Opens store, clients and engine.
    ///
    /// # Errors
    /// A refusal whose kind gives the exit status: the folder is held by another process, the disk is full, …
    async fn open(&self, order: OpenOrder) -> Result<Box<dyn Session>, Refusal>;

    /// Writes the state in `data_dir` as JSON lines; how many entries there were.
    ///
    /// # Errors
    /// As `open`.
    async fn export(&self, data_dir: &Path, to: &mut (dyn Write + Send)) -> Result<u64, Refusal>;

    /// Reads an export into `data_dir`, which must be empty; how many entries there were.
    ///
    /// # Errors
    /// As `open`.
    async fn import(
        &self,
        data_dir: &Path,
        from: &mut (dyn BufRead + Send),
    ) -> Result<u64, Refusal>;

    /// The newest backup in `data_dir` that can be read.
    ///
    /// # Errors
    /// There is none.
    async fn newest_backup(&self, data_dir: &Path) -> Result<BackupFound, Refusal>;

    /// Puts that backup in the place of the store.
    ///
    /// # Errors
    /// As `open`.
    async fn restore(&self, data_dir: &Path, backup: &BackupFound) -> Result<Restored, Refusal>;

    /// Shrinks the store in `data_dir`.
    ///
    /// # Errors
    /// As `open`.
    async fn compact(&self, data_dir: &Path) -> Result<Compacted, Refusal>;

    /// Verifies the store in `data_dir`.
    ///
    /// # Errors
    /// As `open`.
    async fn doctor(&self, data_dir: &Path) -> Result<Vec<CheckLine>, Refusal>;
}
