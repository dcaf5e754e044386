//! The verbs: one file each, a request to the service and a rendering of its reply. Knows neither engine nor vendors nor
//! store; `demo` and `sandbox` start the sandbox and hand on its addresses, nothing more.

mod app;
mod apply;
mod args;
mod backend;
mod check;
mod compact;
mod completions;
mod conflicts;
mod console;
mod demo;
mod doctor;
mod door;
mod errors;
mod exit;
mod export;
mod follow;
mod forget;
mod import;
mod init;
mod json;
mod lists;
mod output;
mod plan;
mod preview;
mod private;
mod progress;
mod record;
mod report;
mod resolve;
mod retry;
mod runs;
mod sandbox;
mod signals;
mod sync;
mod table;
#[cfg(test)]
mod tests;
pub mod text;
mod transform;
mod undo;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::BufReader;
use std::sync::Arc;

use clap::Parser;

use crate::clock::SystemClock;

pub use app::{App, Need};
pub use args::{Cli, Global, Verb};
pub use backend::InProcess;
pub use door::{Backend, Door, OpenOrder, Session};
pub use exit::{Exit, Failure};
pub use output::{Output, Ttys};
pub use plan::read as read_plan;

/// Runs the command line `args` to its end and gives the exit status.
pub async fn main(
    args: Vec<OsString>,
    env: BTreeMap<String, String>,
    backend: Arc<dyn Backend>,
) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no error; whether anyone reads them is not our concern.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Well
            };
        }
    };
    let look = |name: &str| env.get(name).map(String::as_str);
    let out = Output::of_process(&cli.global, look("NO_COLOR"), look("TERM"));
    let mut app = App {
        global: cli.global,
        out,
        input: Box::new(BufReader::new(std::io::stdin())),
        env,
        clock: Arc::new(SystemClock),
        backend,
        keeps_log: true,
        log: None,
    };
    let ended = verb(&mut app, cli.verb).await;
    let ended = ended.and_then(|exit| app.out.flush().map(|()| exit));
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            let _ = app.out.flush();
            app.out.failure(&failure);
            failure.exit
        }
    }
}

/// Runs one verb.
///
/// # Errors
/// What kept it from its work, with the exit status.
pub async fn verb(app: &mut App, verb: Option<Verb>) -> Result<Exit, Failure> {
    match verb {
        None => console::run(app).await,
        Some(Verb::Demo(args)) => demo::run(app, &args).await,
        Some(Verb::Sandbox(args)) => sandbox::run(app, &args.world).await,
        Some(Verb::Init) => init::run(app),
        Some(Verb::Check(args)) => check::run(app, &args).await,
        Some(Verb::Preview(args)) => preview::run(app, &args).await,
        Some(Verb::Apply(args)) => apply::run(app, &args).await,
        Some(Verb::Sync(args)) => sync::run(app, &args).await,
        Some(Verb::Runs(args)) => runs::run(app, &args).await,
        Some(Verb::Undo(args)) => undo::run(app, &args).await,
        Some(Verb::Conflicts(args)) => conflicts::run(app, &args).await,
        Some(Verb::Resolve(args)) => resolve::run(app, &args).await,
        Some(Verb::Errors(args)) => errors::run(app, &args).await,
        Some(Verb::Retry(args)) => retry::run(app, &args).await,
        Some(Verb::Record(args)) => record::run(app, &args).await,
        Some(Verb::Transform(args)) => transform::run(app, &args),
        Some(Verb::Export(args)) => export::run(app, &args).await,
        Some(Verb::Import(args)) => import::run(app, &args).await,
        Some(Verb::Forget(args)) => forget::run(app, &args).await,
        Some(Verb::Compact) => compact::run(app).await,
        Some(Verb::Doctor) => doctor::run(app).await,
        Some(Verb::Completions(args)) => completions::run(app, &args),
    }
}

/// Says that the system gave no threads, which is before everything else can work.
pub fn no_runtime(error: &std::io::Error) -> std::process::ExitCode {
    use std::io::Write;
    let _ = writeln!(
        std::io::stderr(),
        "error: the system refuses threads: {error}"
    );
    std::process::ExitCode::from(Exit::Store.code())
}
