//! `undo`: the forecast, the question, and the run that puts back.

use super::app::{App, Need};
use super::args::UndoArgs;
use super::door::Door;
use super::exit::{Exit, Failure};
use super::output::{Output, Role};
use super::signals::Signals;
use super::table::{Align, Table};
use super::text::{number, took};
use super::{follow, json, lists, report};
use crate::domain::RunId;
use crate::service::messages::{Request, UndoForecast};

/// Runs the verb.
///
/// # Errors
/// What kept it from running; a question that nobody answered.
pub async fn run(app: &mut App, args: &UndoArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let session = signals.or(app.open(Need::Vendors)).await?;
    let done = undo(app, session.door(), args, &mut signals).await;
    session.close().await;
    done
}

async fn undo(
    app: &mut App,
    door: &dyn Door,
    args: &UndoArgs,
    signals: &mut Signals,
) -> Result<Exit, Failure> {
    let run = RunId(args.run);
    if !args.yes {
        let forecast = follow::undo_forecast(door, run, signals, &mut app.out).await?;
        if app.out.json {
            app.out.document(&json::undo_forecast(&forecast))?;
        } else {
            print(&forecast, &mut app.out)?;
        }
        if args.preview {
            return Ok(Exit::Well);
        }
        let ttys = app.out.ttys;
        if !ttys.stdin || !ttys.stderr || app.out.json {
            return Err(Failure {
                exit: Exit::Valve,
                message: format!(
                    "nothing was written: an undo asks first; say yes with `syncline undo {run} --yes`"
                ),
            });
        }
        if !app.confirm(&format!("Undo run {run}?"), signals).await? {
            return Ok(Exit::Valve);
        }
    }
    let followed = follow::run(door, Request::Undo { run }, signals, &mut app.out).await?;
    let left = lists::not_done(door, followed.run.run).await?;
    if app.out.json {
        app.out
            .document(&json::run_with_left_out(&followed.run, &left))?;
    } else {
        let rows = followed.run.mappings.iter().map(|row| {
            let counts = &row.counts;
            let (name, left) = (row.mapping.as_str(), counts.held + counts.errors);
            (name, counts.updated, counts.archived, left)
        });
        table(rows, &mut app.out)?;
        let line = report::summary(&followed.run);
        let role = report::role(followed.run.state);
        app.out.line(&app.out.paint(role, &line))?;
        report::stopped_by(&followed.run, &mut app.out)?;
        report::left_out(&left, &mut app.out)?;
    }
    Ok(follow::status(&followed))
}

fn print(forecast: &UndoForecast, out: &mut Output) -> Result<(), Failure> {
    let rows = forecast
        .mappings
        .iter()
        .map(|one| (one.mapping.as_str(), one.put_back, one.taken_back, one.left));
    table(rows, out)?;
    report::left_out(&forecast.left, out)?;
    let released: u64 = forecast.mappings.iter().map(|one| one.released).sum();
    if released > 0 {
        let text = format!(
            "{} records that were taken back are made again by the next sync.",
            number(released)
        );
        out.line(&text)?;
    }
    out.line(&format!(
        "Undoing run {} would take about {} calls (Salesforce + HubSpot) and {}; this forecast took {}.",
        forecast.run,
        report::both(&forecast.forecast),
        took(forecast.seconds),
        report::both(&forecast.calls.total)
    ))?;
    let note = "What a vendor's own automation did on these writes, and mails that were sent, are not recalled.";
    out.line(&out.paint(Role::Plain, note))
}

fn table<'a>(
    rows: impl Iterator<
        Item = (
            &'a str,
            crate::domain::SideCount,
            crate::domain::SideCount,
            u64,
        ),
    >,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("mapping", Align::Left),
        ("put back SF + HS", Align::Right),
        ("taken back", Align::Right),
        ("left", Align::Right),
    ]);
    for (mapping, put_back, taken_back, left) in rows {
        table.row(vec![
            mapping.to_owned(),
            report::both(&put_back),
            report::both(&taken_back),
            number(left),
        ]);
    }
    table.print(out)
}
