//! `sync`: one run, followed to its end; a first sync's question is asked on a terminal.

use super::app::{App, Need};
use super::args::SyncArgs;
use super::door::Door;
use super::exit::{Exit, Failure};
use super::follow::{self, Followed};
use super::signals::Signals;
use super::{json, report};
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
    if app.out.json {
        app.out.document(&json::run(&followed.run))?;
    } else {
        report::run(&followed.run, &mut app.out)?;
    }
    Ok(follow::status(&followed))
}

/// One run; where it is a first sync and a person is there, their answer starts it again for exactly that plan.
async fn sync(
    app: &mut App,
    door: &dyn Door,
    order: SyncOrder,
    signals: &mut Signals,
) -> Result<Followed, Failure> {
    let followed = follow::run(door, Request::Sync(order.clone()), signals, &mut app.out).await?;
    let asks = followed.run.state == RunState::AwaitingConfirm && followed.signal.is_none();
    let ttys = app.out.ttys;
    let Some(hash) = json::confirm_hash(&followed.run).map(str::to_owned) else {
        return Ok(followed);
    };
    if !asks || !ttys.stdin || !ttys.stderr || app.out.json {
        return Ok(followed);
    }
    report::run(&followed.run, &mut app.out)?;
    let question = "Nothing was written yet. Carry out this plan?";
    if !app.confirm(question, signals).await? {
        return Ok(followed);
    }
    let confirmed = SyncOrder {
        confirm: Some(hash),
        ..order
    };
    follow::run(door, Request::Sync(confirmed), signals, &mut app.out).await
}
