//! `compact`: shrinks the store. Needs no config, only the data folder.

use super::app::App;
use super::exit::{Exit, Failure};
use super::text::{count, number};

/// Runs the verb.
///
/// # Errors
/// Where the store is in use, damaged, or the disk has no room for a copy.
pub async fn run(app: &mut App) -> Result<Exit, Failure> {
    let folders = app.folders()?;
    let done = app.backend.compact(&folders.data_dir).await?;
    if app.out.json {
        app.out.document(&serde_json::json!({
            "entries": done.entries, "bytes": { "before": done.before, "after": done.after },
        }))?;
    } else {
        let line = format!(
            "{} in {} bytes, {} before.",
            count(done.entries, "entry"),
            number(done.after),
            number(done.before)
        );
        app.out.line(&line)?;
    }
    Ok(Exit::Well)
}
