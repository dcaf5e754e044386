//! What works on a data folder without an engine: export, import, doctor.

use std::io::{BufRead, Write};
use std::path::Path;

use super::host::{refusal, store_refusal};
use super::messages::{CheckLine, CheckState, Refusal, RefusalKind};
use crate::clock::Clock;
use crate::store::{self, SledStore};

fn open(data_dir: &Path, clock: &dyn Clock) -> Result<SledStore, Refusal> {
    if !data_dir.join("store").is_dir() {
        return Err(refusal(
            RefusalKind::Store,
            format!(
                "there is no store in {}; a first sync makes it, --data-dir names another folder",
                data_dir.display()
            ),
        ));
    }
    SledStore::open(data_dir, clock).map_err(|error| store_refusal(&error))
}

/// Writes the state as JSON lines; how many entries there were.
///
/// # Errors
/// The folder cannot be opened or read, or `to` cannot be written.
pub async fn export(
    data_dir: &Path,
    to: &mut (dyn Write + Send),
    clock: &dyn Clock,
) -> Result<u64, Refusal> {
    let sled = open(data_dir, clock)?;
    let written = store::export(&sled, to).await;
    sled.close().await.map_err(|error| store_refusal(&error))?;
    Ok(written
        .map_err(|error| refusal(RefusalKind::Store, error.to_string()))?
        .entries)
}

/// Reads an export into an empty data folder; how many entries there were.
///
/// # Errors
/// The export is damaged, or the folder is in use or not empty.
pub async fn import(
    data_dir: &Path,
    from: &mut (dyn BufRead + Send),
    clock: &dyn Clock,
) -> Result<u64, Refusal> {
    let read = store::import(from, data_dir, clock)
        .await
        .map_err(|error| refusal(RefusalKind::Store, error.to_string()))?;
    Ok(read.entries)
}

/// Verifies the store.
///
/// # Errors
/// The folder cannot be opened.
pub async fn doctor(data_dir: &Path, clock: &dyn Clock) -> Result<Vec<CheckLine>, Refusal> {
    let sled = open(data_dir, clock)?;
    let found = store::doctor(&sled)
        .await
        .map_err(|error| store_refusal(&error));
    sled.close().await.map_err(|error| store_refusal(&error))?;
    let state = |finding: store::FindingState| match finding {
        store::FindingState::Ok => CheckState::Ok,
        store::FindingState::Warn => CheckState::Warn,
        store::FindingState::Fail => CheckState::Fail,
    };
    Ok(found?
        .into_iter()
        .map(|finding| CheckLine {
            check: finding.check,
            subject: finding.subject,
            state: state(finding.state),
            message: finding.message,
            next: finding.next,
        })
        .collect())
}
