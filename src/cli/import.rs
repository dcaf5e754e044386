//! `import`: reads an export into an empty data folder.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::app::App;
use super::args::ImportArgs;
use super::exit::{Exit, Failure};
use super::text::number;

/// Runs the verb.
///
/// # Errors
/// Where the file cannot be read, is no whole export, or the folder is not empty.
pub async fn run(app: &mut App, args: &ImportArgs) -> Result<Exit, Failure> {
    let folders = app.folders()?;
    let backend = app.backend.clone();
    let entries = if args.file == Path::new("-") {
        backend.import(&folders.data_dir, &mut *app.input).await?
    } else {
        let file = File::open(&args.file).map_err(|error| {
            Failure::usage(format!(
                "{} cannot be read: {error}; check the path",
                args.file.display()
            ))
        })?;
        let mut reader: Box<dyn BufRead + Send> = Box::new(BufReader::new(file));
        backend.import(&folders.data_dir, &mut *reader).await?
    };
    let document = serde_json::json!({ "imported": entries, "data_dir": folders.data_dir });
    if app.out.json {
        app.out.document(&document)?;
    } else {
        let line = format!(
            "{} entries are in {}; the next run of each mapping asks before it writes.",
            number(entries),
            folders.data_dir.display()
        );
        app.out.line(&line)?;
    }
    Ok(Exit::Well)
}
