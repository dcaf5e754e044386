//! `demo`: the main job on the built-in sandbox. Starts the sandbox and hands on its addresses, nothing more.

use std::path::{Path, PathBuf};

use super::app::{App, Keeps, Need};
use super::args::WorldArgs;
use super::door::Door;
use super::exit::{Exit, Failure};
use super::output::Role;
use super::signals::Signals;
use super::{console, follow, json, report, sandbox};
use crate::config::Override;
use crate::domain::RunState;
use crate::service::messages::{RefusalKind, Reply, Request, SyncOrder};

/// Said when the console opens on the sandbox.
const WELCOME: &str = "Sandbox: nothing here is real. The first sync has started; colleagues edit both sides. ? for help";

/// Runs the verb: the console where there is a terminal, else a full sync of every mapping, then one incremental.
///
/// # Errors
/// What kept it from its work.
pub async fn run(app: &mut App, args: &WorldArgs) -> Result<Exit, Failure> {
    if console::fits(app) {
        return watched(app, args).await;
    }
    let mut signals = Signals::listen()?;
    let folder = Folder::make(app.global.data_dir.as_deref())?;
    let running = sandbox::start(app, args, args.live).await?;
    let config = app.parse_config(&running.config_toml(), "the sandbox's config", &[])?;
    let session = signals
        .or(app.open_with(config, &folder.path, Need::Vendors, Keeps::default()))
        .await?;
    let done = both_runs(app, session.door(), &mut signals).await;
    session.close().await;
    running.stop();
    // The log goes with a temporary folder, so it is closed before.
    app.log = None;
    done
}

/// The console on the sandbox: colleagues at work, every mapping each minute, the first sync started by itself.
async fn watched(app: &mut App, args: &WorldArgs) -> Result<Exit, Failure> {
    let folder = Folder::make(app.global.data_dir.as_deref())?;
    let running = sandbox::start(app, args, true).await?;
    let every_minute = Override {
        key: "defaults.schedule".to_owned(),
        value: "1m".to_owned(),
        flag: "demo".to_owned(),
    };
    let config = app.parse_config(
        &running.config_toml(),
        "the sandbox's config",
        &[every_minute],
    )?;
    let keeps = Keeps {
        schedules: true,
        backups: false,
    };
    let session = app
        .open_with(config, &folder.path, Need::Vendors, keeps)
        .await?;
    let started = match session.door().ask(Request::Sync(order(true))).await {
        Ok(Reply::Started { .. }) => Ok(()),
        Ok(Reply::Refused(refusal)) if refusal.kind != RefusalKind::ReadOnly => Err(refusal.into()),
        // Read-only: there is something to look at all the same.
        Ok(_) => Ok(()),
        Err(gone) => Err(Failure::from(gone)),
    };
    if let Err(failure) = started {
        session.close().await;
        return Err(failure);
    }
    let done = console::show(app, session, &folder.path, Some(WELCOME.to_owned())).await;
    running.stop();
    app.log = None;
    done
}

/// A demo's run. `yes` only answers a first sync's question; a valve still stops it.
fn order(full: bool) -> SyncOrder {
    SyncOrder {
        full,
        yes: true,
        by: "demo".to_owned(),
        ..SyncOrder::default()
    }
}

async fn both_runs(app: &mut App, door: &dyn Door, signals: &mut Signals) -> Result<Exit, Failure> {
    let mut runs = Vec::new();
    for full in [true, false] {
        let what = if full {
            "full sync of every mapping"
        } else {
            "what changed since"
        };
        app.out.note(Role::Head, what);
        let followed = follow::run(door, Request::Sync(order(full)), signals, &mut app.out).await?;
        let finished = matches!(
            followed.run.state,
            RunState::Done | RunState::DoneWithErrors
        );
        let status = follow::status(&followed);
        if !app.out.json {
            report::run(&followed.run, &mut app.out)?;
            app.out.line("")?;
        }
        runs.push(json::run(&followed.run));
        if !finished || followed.signal.is_some() {
            print(app, runs)?;
            return Ok(status);
        }
    }
    print(app, runs)?;
    Ok(Exit::Well)
}

fn print(app: &mut App, runs: Vec<serde_json::Value>) -> Result<(), Failure> {
    if app.out.json {
        app.out.document(&serde_json::json!({ "runs": runs }))?;
    }
    Ok(())
}

/// The name of the file that marks a folder as an earlier demo's.
const MARK: &str = "demo";

/// The data folder of a demo: one of its own that goes with it, or a given one that is empty or an earlier demo's.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn make(given: Option<&Path>) -> Result<Folder, Failure> {
        let failed = |path: &Path, error: std::io::Error| {
            Failure::store(format!(
                "the demo's data folder {} cannot be used: {error}; give another with --data-dir",
                path.display()
            ))
        };
        let Some(path) = given else {
            let path = std::env::temp_dir().join(format!("syncline-demo-{}", std::process::id()));
            // Made anew and never taken over: the folder of temporary files is everyone's.
            std::fs::create_dir(&path).map_err(|error| failed(&path, error))?;
            return Ok(Folder {
                path,
                temporary: true,
            });
        };
        std::fs::create_dir_all(path).map_err(|error| failed(path, error))?;
        let mark = path.join(MARK);
        let mut entries = std::fs::read_dir(path).map_err(|error| failed(path, error))?;
        if entries.next().is_some() && !mark.is_file() {
            return Err(Failure::usage(format!(
                "{} holds something that is not a demo's; a demo starts afresh and would delete it. Give an empty folder",
                path.display()
            )));
        }
        // World and state start afresh together; only what a demo makes is removed.
        for name in ["store", "backups", "logs"] {
            let inner = path.join(name);
            if inner.is_dir() {
                std::fs::remove_dir_all(&inner).map_err(|error| failed(&inner, error))?;
            }
        }
        std::fs::write(
            &mark,
            "This folder holds a Syncline demo; the next one starts it afresh.\n",
        )
        .map_err(|error| failed(path, error))?;
        Ok(Folder {
            path: path.to_owned(),
            temporary: false,
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_takes_over_nothing_but_an_earlier_demo() {
        let given = tempfile::tempdir().unwrap();
        let inner = given.path().join("data");
        drop(Folder::make(Some(&inner)).unwrap());
        std::fs::create_dir(inner.join("store")).unwrap();
        drop(Folder::make(Some(&inner)).unwrap());
        assert!(!inner.join("store").exists());
        std::fs::write(given.path().join("letter"), "x").unwrap();
        let failure = Folder::make(Some(given.path())).err().unwrap();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(given.path().join("letter").exists());
    }

    #[test]
    fn a_temporary_folder_goes_with_the_demo() {
        let folder = Folder::make(None).unwrap();
        let path = folder.path.clone();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
