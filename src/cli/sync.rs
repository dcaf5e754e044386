//! `sync`: one run, followed to its end; a first sync's question is asked on a terminal.

use super::app::{App, Need};
use super::args::SyncArgs;
use super::door::Door;
use super::exit::{Exit, Failure};
use super::follow::{self, Followed};
use super::signals::Signals;
use super::{json, lists, report};
use crate::domain::{MappingId, RunState};
use crate::service::messages::{Request, SyncOrder};

/// Runs the verb.
///
/// # Errors
/// What kept it from running.
pub async fn run(app: &mut App, args: &SyncArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let session = signals.or(app.open(Need::Vendors)).await?;
    let order = SyncOrder {
        mappings: args
            .mappings
            .iter()
            .map(|name| MappingId(name.clone()))
            .collect(),
        full: args.full,
        yes: args.yes,
        confirm: args.confirm.clone(),
        by: "you".to_owned(),
    };
    let ended = sync(app, session.door(), order, &mut signals).await;
    session.close().await;
    let followed = ended?;
    Ok(follow::status(&followed))
}

/// One run and what it came to; where it is a first sync and a person is there, their answer starts it again for exactly that plan.
async fn sync(
    app: &mut App,
    door: &dyn Door,
    order: SyncOrder,
    signals: &mut Signals,
) -> Result<Followed, Failure> {
    let confirms = order.confirm.is_some();
    let followed = follow::run(door, Request::Sync(order.clone()), signals, &mut app.out).await?;
    let asks = followed.run.state == RunState::AwaitingConfirm && followed.signal.is_none();
    let ttys = app.out.ttys;
    let hash = json::confirm_hash(&followed.run).map(str::to_owned);
    let answers = ttys.stdin && ttys.stderr && !app.out.json;
    let Some(hash) = hash.filter(|_| asks && answers) else {
        tell(app, door, &followed, confirms).await?;
        return Ok(followed);
    };
    report::run(&followed.run, &mut app.out)?;
    let question = "Nothing was written yet. Carry out this plan?";
    if !app.confirm(question, signals).await? {
        return Ok(followed);
    }
    let confirmed = SyncOrder {
        confirm: Some(hash),
        ..order
    };
    let followed = follow::run(door, Request::Sync(confirmed), signals, &mut app.out).await?;
    tell(app, door, &followed, true).await?;
    Ok(followed)
}

/// What a run came to; of one that carried out a plan also what it left out of it.
async fn tell(
    app: &mut App,
    door: &dyn Door,
    followed: &Followed,
    confirms: bool,
) -> Result<(), Failure> {
    let run = &followed.run;
    let left = match confirms {
        true => lists::not_done(door, run.run).await?,
        false => Vec::new(),
    };
    if !app.out.json {
        report::run(run, &mut app.out)?;
        return report::left_out(&left, &mut app.out);
    }
    app.out.document(&match confirms {
        true => json::run_with_left_out(run, &left),
        false => json::run(run),
    })
}
