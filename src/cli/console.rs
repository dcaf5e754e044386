//! No verb: the console on the configured connections. Hands the console a client and what the terminal needs to know.

use std::path::Path;
use std::sync::Arc;

use super::app::{App, Keeps, Need};
use super::args::Color;
use super::door::Session;
use super::exit::{Exit, Failure};
use super::output::Role;
use crate::clock::Clock;
use crate::console::{self, ColorChoice, ColorEnv, ConsoleError, ConsoleOptions, ExitSummary};
use crate::service::Client;

/// Said where the console cannot open.
const NO_TERMINAL: &str = "the console needs a terminal on stdin and stdout; \
without one, use `syncline sync`, `syncline preview` or another verb (`syncline --help` lists them)";

/// True where a console can open.
pub fn fits(app: &App) -> bool {
    app.out.ttys.stdin && app.out.ttys.stdout && !app.out.json
}

/// Opens the console on the configured connections.
///
/// # Errors
/// Where there is no terminal, or the service cannot be opened.
pub async fn run(app: &mut App) -> Result<Exit, Failure> {
    if !fits(app) {
        return Err(Failure::usage(NO_TERMINAL));
    }
    let folders = app.folders()?;
    let config = app.config(&folders)?;
    let keeps = Keeps {
        schedules: true,
        backups: true,
    };
    let session = app
        .open_with(config, &folders.data_dir, Need::Vendors, keeps)
        .await?;
    show(app, session, &folders.data_dir, None).await
}

/// Shows the console over an open session and closes it.
///
/// # Errors
/// Where the terminal cannot be used.
pub async fn show(
    app: &mut App,
    session: Box<dyn Session>,
    data_dir: &Path,
    opening_message: Option<String>,
) -> Result<Exit, Failure> {
    let Some(client) = session.client() else {
        session.close().await;
        return Err(Failure::usage("this service cannot be shown in a console"));
    };
    let shown = on_its_own_thread(
        options(app, data_dir, opening_message),
        client,
        app.clock.clone(),
    )
    .await;
    session.close().await;
    let summary = shown?.map_err(|error| Failure::store(error.to_string()))?;
    if let Some(line) = summary.line {
        app.out.note(Role::Plain, &line);
    }
    let signal = summary.signal.and_then(|number| u8::try_from(number).ok());
    Ok(signal.map_or(Exit::Well, Exit::Signal))
}

/// The console has a thread and a runtime of its own: a key press must not wait for a slice of a sync to be planned.
async fn on_its_own_thread(
    options: ConsoleOptions,
    client: Client,
    clock: Arc<dyn Clock>,
) -> Result<Result<ExitSummary, ConsoleError>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::store(format!("the console could not be started: {error}"))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("console".to_owned())
        .spawn(move || {
            let shown = runtime.block_on(console::run(options, client, clock));
            // A task of the console may still wait for the service; nobody looks at its answer any more.
            runtime.shutdown_background();
            // Whoever waited is gone only where the process is ending.
            let _ = ended.send(shown);
        })
        .map_err(|error| failed(&error))?;
    end.await.map_err(|error| failed(&error))
}

fn options(app: &App, data_dir: &Path, opening_message: Option<String>) -> ConsoleOptions {
    let look = |name: &str| app.env.get(name).cloned();
    let user = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| look(name));
    ConsoleOptions {
        read_only: app.global.read_only,
        color: match app.global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        },
        color_env: ColorEnv {
            no_color: look("NO_COLOR"),
            term: look("TERM"),
            colorterm: look("COLORTERM"),
        },
        ascii: app.global.ascii,
        user: user.unwrap_or_else(|| "you".to_owned()),
        // Where the operator stands, as a file written by any other command would be.
        files_dir: std::env::current_dir().unwrap_or_else(|_| data_dir.to_owned()),
        opening_message,
        ..ConsoleOptions::default()
    }
}
