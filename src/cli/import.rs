//! `import`: reads an export into an empty data folder, or goes back to the newest backup of this one.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::app::App;
use super::args::ImportArgs;
use super::exit::{Exit, Failure};
use super::output::Role;
use super::signals::Signals;
use super::text::{count, number};

/// Runs the verb.
///
/// # Errors
/// Where the file cannot be read, is no whole export, or the folder is not empty; a question that nobody answered.
pub async fn run(app: &mut App, args: &ImportArgs) -> Result<Exit, Failure> {
    match &args.file {
        Some(file) => from_file(app, file).await,
        None => newest_backup(app, args.yes).await,
    }
}

async fn from_file(app: &mut App, path: &Path) -> Result<Exit, Failure> {
    let folders = app.folders()?;
    let backend = app.backend.clone();
    let entries = if path == Path::new("-") {
        backend.import(&folders.data_dir, &mut *app.input).await?
    } else {
        let file = File::open(path).map_err(|error| {
            Failure::usage(format!(
                "{} cannot be read: {error}; check the path",
                path.display()
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

/// The store goes back to what it was; what it is now is kept beside it.
async fn newest_backup(app: &mut App, yes: bool) -> Result<Exit, Failure> {
    let folders = app.folders()?;
    let backend = app.backend.clone();
    let found = backend.newest_backup(&folders.data_dir).await?;
    let of = found.at.format("%Y-%m-%d %H:%M UTC");
    if found.unsound > 0 {
        let text = format!(
            "{} newer cannot be read and {} left out; `syncline doctor` names it",
            count(found.unsound, "backup"),
            if found.unsound == 1 { "is" } else { "are" }
        );
        app.out.note(Role::Warn, &text);
    }
    if found.replaces && !yes {
        let ttys = app.out.ttys;
        if !ttys.stdin || !ttys.stderr || app.out.json {
            return Err(Failure {
                exit: Exit::Valve,
                message: format!(
                    "nothing was changed: going back to the state of {of} asks first; say yes with --yes"
                ),
            });
        }
        let mut signals = Signals::listen()?;
        let question = format!(
            "Go back to the state of {of} ({})? The present store is kept aside.",
            count(found.entries, "entry")
        );
        if !app.confirm(&question, &mut signals).await? {
            return Ok(Exit::Valve);
        }
    }
    let done = backend.restore(&folders.data_dir, &found).await?;
    if app.out.json {
        app.out.document(&serde_json::json!({
            "imported": done.entries, "data_dir": folders.data_dir, "backup": found.file, "at": done.at,
            "aside": done.aside,
        }))?;
        return Ok(Exit::Well);
    }
    let kept = match &done.aside {
        Some(aside) => format!(" What was there is kept in {}.", aside.display()),
        None => String::new(),
    };
    app.out.line(&format!(
        "{} of {of} are in {}; the next run of each mapping reads everything and asks before it writes.{kept}",
        count(done.entries, "entry"),
        folders.data_dir.display()
    ))?;
    Ok(Exit::Well)
}
