//! The doors that the program itself opens: the service in this process, on the machine's clock.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::door::{Backend, Door, OpenOrder, Session};
use crate::clock::{Clock, SeededEntropy, SystemClock};
use crate::service::messages::{BackupFound, CheckLine, Compacted, Refusal, Restored};
use crate::service::{self, Client, Service, Setup};

/// The service in this process.
pub struct InProcess {
    clock: Arc<dyn Clock>,
}

impl Default for InProcess {
    fn default() -> Self {
        InProcess {
            clock: Arc::new(SystemClock),
        }
    }
}

/// An open service with its client.
struct Opened {
    service: Service,
    client: Client,
}

#[async_trait]
impl Session for Opened {
    fn door(&self) -> &dyn Door {
        &self.client
    }

    fn client(&self) -> Option<Client> {
        Some(self.client.clone())
    }

    async fn close(self: Box<Self>) {
        self.service.close().await;
    }
}

#[async_trait]
impl Backend for InProcess {
    async fn open(&self, order: OpenOrder) -> Result<Box<dyn Session>, Refusal> {
        let service = Service::open(Setup {
            config: order.config,
            data_dir: order.data_dir,
            env: order.env,
            read_only: order.read_only,
            vendors: order.vendors,
            schedules: order.schedules,
            backups: order.backups,
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::from_system()),
            transport: None,
        })
        .await?;
        let client = service.client();
        Ok(Box::new(Opened { service, client }))
    }

    async fn export(&self, data_dir: &Path, to: &mut (dyn Write + Send)) -> Result<u64, Refusal> {
        service::export(data_dir, to, &*self.clock).await
    }

    async fn import(
        &self,
        data_dir: &Path,
        from: &mut (dyn BufRead + Send),
    ) -> Result<u64, Refusal> {
        service::import(data_dir, from, &*self.clock).await
    }

    async fn newest_backup(&self, data_dir: &Path) -> Result<BackupFound, Refusal> {
        service::newest_backup(data_dir)
    }

    async fn restore(&self, data_dir: &Path, backup: &BackupFound) -> Result<Restored, Refusal> {
        service::restore(data_dir, backup, &*self.clock).await
    }

    async fn compact(&self, data_dir: &Path) -> Result<Compacted, Refusal> {
        service::compact(data_dir, &*self.clock).await
    }

    async fn doctor(&self, data_dir: &Path) -> Result<Vec<CheckLine>, Refusal> {
        service::doctor(data_dir, &*self.clock).await
    }
}
