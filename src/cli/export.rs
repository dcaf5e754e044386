//! `export`: the whole state as JSON lines, to a file or stdout. A file appears whole or not at all.

use std::fs;
use std::io::{BufWriter, Write};

use super::app::App;
use super::args::ExportArgs;
use super::exit::{Exit, Failure};
use super::output::Role;
use super::private;
use super::text::count;

/// Runs the verb.
///
/// # Errors
/// Where the store cannot be read or the file not written.
pub async fn run(app: &mut App, args: &ExportArgs) -> Result<Exit, Failure> {
    let folders = app.folders()?;
    let backend = app.backend.clone();
    let Some(path) = &args.file else {
        let entries = backend.export(&folders.data_dir, app.out.raw()).await?;
        app.out.flush()?;
        app.out
            .note(Role::Dim, &format!("{} exported", count(entries, "entry")));
        return Ok(Exit::Well);
    };
    let failed = |error: std::io::Error| {
        Failure::store(format!(
            "{} cannot be written: {error}; free space or choose another place",
            path.display()
        ))
    };
    let (beside, file) = private::draft(path).map_err(failed)?;
    let mut file = BufWriter::new(file);
    let written = backend.export(&folders.data_dir, &mut file).await;
    let placed = match written {
        Ok(entries) => file
            .flush()
            .and_then(|()| file.get_ref().sync_all())
            .and_then(|()| fs::rename(&beside, path))
            .map(|()| entries)
            .map_err(failed),
        Err(refusal) => Err(refusal.into()),
    };
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    let entries = placed?;
    let text = format!("{} to {}", count(entries, "entry"), path.display());
    app.out.note(Role::Plain, &text);
    Ok(Exit::Well)
}
