//! `doctor`: verifies the store offline. Needs no config, only the data folder.

use super::app::App;
use super::check;
use super::exit::{Exit, Failure};

/// Runs the verb.
///
/// # Errors
/// Where the store cannot be opened.
pub async fn run(app: &mut App) -> Result<Exit, Failure> {
    let folders = app.folders()?;
    let checks = app.backend.doctor(&folders.data_dir).await?;
    check::print(&checks, &mut app.out)
}
