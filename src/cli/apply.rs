//! `apply`: a kept plan, carried out exactly.

use std::io::Read;
use std::path::Path;

use super::app::{App, Need};
use super::args::ApplyArgs;
use super::door::Door;
use super::exit::{Exit, Failure};
use super::signals::Signals;
use super::{follow, json, lists, plan, report};
use crate::service::messages::{Request, SavedPlan};

/// Runs the verb.
///
/// # Errors
/// A file that is no plan, or a plan that does not fit.
pub async fn run(app: &mut App, args: &ApplyArgs) -> Result<Exit, Failure> {
    let text = read(app, &args.plan)?;
    let name = args.plan.display();
    let plan = plan::read(&text).map_err(|why| Failure::usage(format!("{name}: {why}")))?;
    let mut signals = Signals::listen()?;
    let session = signals.or(app.open(Need::Vendors)).await?;
    let done = apply(app, session.door(), plan, args, &mut signals).await;
    session.close().await;
    done
}

async fn apply(
    app: &mut App,
    door: &dyn Door,
    plan: SavedPlan,
    args: &ApplyArgs,
    signals: &mut Signals,
) -> Result<Exit, Failure> {
    let request = Request::Apply {
        plan: Box::new(plan),
        confirm: args.confirm.clone(),
        by: "you".to_owned(),
    };
    let followed = follow::run(door, request, signals, &mut app.out).await?;
    let left = lists::not_done(door, followed.run.run).await?;
    if app.out.json {
        app.out
            .document(&json::run_with_left_out(&followed.run, &left))?;
    } else {
        report::run(&followed.run, &mut app.out)?;
        report::left_out(&left, &mut app.out)?;
    }
    Ok(follow::status(&followed))
}

fn read(app: &mut App, file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        app.input.read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}
