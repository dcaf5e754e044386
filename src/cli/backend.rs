//! The doors that the program itself opens.

use std::io::{BufRead, Write};
use std::path::Path;

use async_trait::async_trait;

use super::door::{Backend, OpenOrder, Session};
use crate::service::messages::{CheckLine, Refusal, RefusalKind};

/// The service in this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl InProcess {
    fn absent(what: &str) -> Refusal {
        Refusal {
            kind: RefusalKind::Usage,
            message: format!("{what} is not available in this build"),
            items: Vec::new(),
        }
    }
}

#[async_trait]
impl Backend for InProcess {
    async fn open(&self, _order: OpenOrder) -> Result<Box<dyn Session>, Refusal> {
        Err(InProcess::absent("the engine"))
    }

    async fn export(&self, _data_dir: &Path, _to: &mut (dyn Write + Send)) -> Result<u64, Refusal> {
        Err(InProcess::absent("export"))
    }

    async fn import(
        &self,
        _data_dir: &Path,
        _from: &mut (dyn BufRead + Send),
    ) -> Result<u64, Refusal> {
        Err(InProcess::absent("import"))
    }

    async fn doctor(&self, _data_dir: &Path) -> Result<Vec<CheckLine>, Refusal> {
        Err(InProcess::absent("doctor"))
    }
}
