//! `check`: the preflight of both connections.

use super::app::{App, Need};
use super::args::CheckArgs;
use super::exit::{Exit, Failure, unexpected};
use super::json;
use super::output::{Output, Role};
use super::table::{Align, Table};
use super::text::clean;
use crate::service::messages::{CheckLine, CheckState, Reply, Request};

/// Runs the verb.
///
/// # Errors
/// What kept it from checking.
pub async fn run(app: &mut App, args: &CheckArgs) -> Result<Exit, Failure> {
    let session = app.open(Need::Vendors).await?;
    let reply = session.door().ask(Request::Check { fix: args.fix }).await;
    session.close().await;
    match reply? {
        Reply::Check { checks } => print(&checks, &mut app.out),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(unexpected("the checks")),
    }
}

/// Prints checks; 1 where one failed.
///
/// # Errors
/// As `Output::line`.
pub fn print(checks: &[CheckLine], out: &mut Output) -> Result<Exit, Failure> {
    let failed = checks.iter().any(|line| line.state == CheckState::Fail);
    if out.json {
        for line in checks {
            out.document(&json::check(line))?;
        }
    } else {
        let mut table = Table::new(&[
            ("state", Align::Left),
            ("check", Align::Left),
            ("about", Align::Left),
            ("found", Align::Left),
            ("next", Align::Left),
        ]);
        for line in checks {
            let role = match line.state {
                CheckState::Ok => Role::Plain,
                CheckState::Warn => Role::Warn,
                CheckState::Fail => Role::Bad,
            };
            let cells = [
                json::check_word(line.state),
                &line.check,
                &line.subject,
                &line.message,
                &line.next,
            ];
            table.row_in(role, cells.iter().map(|cell| clean(cell)).collect());
        }
        table.print(out)?;
    }
    Ok(if failed { Exit::Findings } else { Exit::Well })
}
