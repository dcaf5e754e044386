//! `retry`: failed records go with the next run, or with one over just them.

use super::app::{App, Need};
use super::args::RetryArgs;
use super::door::Door;
use super::exit::{Exit, Failure, unexpected};
use super::signals::Signals;
use super::text::count;
use super::{errors, follow, json, lists, report};
use crate::domain::ItemId;
use crate::service::messages::{Reply, Request, RetryWhich};

/// Runs the verb.
///
/// # Errors
/// Where an id or category is not known.
pub async fn run(app: &mut App, args: &RetryArgs) -> Result<Exit, Failure> {
    let category = args.category.as_deref().map(errors::category).transpose()?;
    let need = if args.now { Need::Vendors } else { Need::Store };
    let mut signals = Signals::listen()?;
    let session = signals.or(app.open(need)).await?;
    let done = async {
        let which = match category {
            Some(category) => RetryWhich::Category(category),
            None if args.all => RetryWhich::All,
            None => RetryWhich::Items(named(session.door(), &args.ids).await?),
        };
        retry(app, session.door(), which, args.now, &mut signals).await
    }
    .await;
    session.close().await;
    done
}

async fn named(door: &dyn Door, ids: &[String]) -> Result<Vec<ItemId>, Failure> {
    let known: Vec<(ItemId, ItemId)> = lists::errors(door)
        .await?
        .iter()
        .map(|item| (item.id, item.id))
        .collect();
    lists::by_prefix(ids, &known, "error")
}

async fn retry(
    app: &mut App,
    door: &dyn Door,
    which: RetryWhich,
    now: bool,
    signals: &mut Signals,
) -> Result<Exit, Failure> {
    let request = Request::Retry { which, now };
    if now {
        let Some(followed) = follow::run_if_any(door, request, signals, &mut app.out).await? else {
            match app.out.json {
                true => app.out.document(&serde_json::json!({ "retried": 0 }))?,
                false => app.out.line("No errors.")?,
            }
            return Ok(Exit::Well);
        };
        if app.out.json {
            app.out.document(&json::run(&followed.run))?;
        } else {
            report::run(&followed.run, &mut app.out)?;
        }
        return Ok(follow::status(&followed));
    }
    let freed = match door.ask(request).await? {
        Reply::Retried { count, .. } => count,
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(unexpected("a retry")),
    };
    if app.out.json {
        app.out.document(&serde_json::json!({ "retried": freed }))?;
    } else {
        let line = format!(
            "{} will be tried again by the next run.",
            count(freed, "error")
        );
        app.out.line(&line)?;
    }
    Ok(Exit::Well)
}
