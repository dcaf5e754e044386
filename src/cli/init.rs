//! `init`: writes a starter config. Never touches one that is there.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::app::App;
use super::exit::{Exit, Failure};
use super::private;
use crate::config::{StarterConnections, starter_config};

/// Runs the verb.
///
/// # Errors
/// Where a config is there already, or cannot be written.
pub fn run(app: &mut App) -> Result<Exit, Failure> {
    let folders = app.folders()?;
    let path = &folders.config_file;
    write(path, &starter_config(&StarterConnections::default()))?;
    if app.out.json {
        app.out.document(&serde_json::json!({ "config": path }))?;
    } else {
        app.out.line(&format!("Wrote {}", path.display()))?;
        app.out.line("Next: fill in login_url and client_id, set SYNCLINE_SF_SECRET and SYNCLINE_HS_TOKEN, then run `syncline check`.")?;
    }
    Ok(Exit::Well)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        if error.kind() == ErrorKind::AlreadyExists {
            let message = format!(
                "{} is there already and stays as it is; give another file with --config, or edit it",
                path.display()
            );
            return Failure::usage(message);
        }
        Failure::store(format!(
            "{} cannot be written: {error}; check the path and its permissions",
            path.display()
        ))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = private::create(path).map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)
}
