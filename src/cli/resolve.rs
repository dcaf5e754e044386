//! `resolve`: stores a choice for one or many items; the next run sends it.

use super::app::{App, Need};
use super::args::{ResolveArgs, Whose};
use super::conflicts::{chosen, kind};
use super::door::Door;
use super::exit::{Exit, Failure, unexpected};
use super::lists;
use super::text::count;
use crate::domain::{Choice, ItemId, RecordId, Side};
use crate::service::messages::{Reply, Request, Resolved, Take};

/// Runs the verb.
///
/// # Errors
/// Where an item is not known or the choice does not fit one.
pub async fn run(app: &mut App, args: &ResolveArgs) -> Result<Exit, Failure> {
    let take = choice(args)?;
    let session = app.open(Need::Store).await?;
    let done = resolve(session.door(), args, take).await;
    session.close().await;
    let Some(resolved) = done? else {
        app.out.note(
            super::output::Role::Plain,
            "Nothing fits the filter; nothing was decided.",
        );
        if app.out.json {
            app.out.document(&serde_json::json!({ "resolved": 0 }))?;
        }
        return Ok(Exit::Well);
    };
    if app.out.json {
        let document = serde_json::json!({
            "resolved": resolved.count, "drafts": resolved.drafts, "open": resolved.open,
        });
        app.out.document(&document)?;
    } else {
        let line = format!(
            "{} decided, {} open. The next run sends {}.",
            count(resolved.count as u64, "item"),
            resolved.open,
            count(resolved.drafts as u64, "decision"),
        );
        app.out.line(&line)?;
    }
    Ok(Exit::Well)
}

/// The one choice that the flags make (clap lets exactly one through).
fn choice(args: &ResolveArgs) -> Result<Take, Failure> {
    let choice = match (args.take, &args.value, &args.link) {
        (Some(Whose::Newest), _, _) => return Ok(Take::Newest),
        (Some(Whose::Salesforce), _, _) => Choice::Take(Side::Salesforce),
        (Some(Whose::Hubspot), _, _) => Choice::Take(Side::HubSpot),
        (Some(Whose::Base), _, _) => Choice::Base,
        (None, Some(value), _) => Choice::Value(value.clone()),
        (None, None, Some(id)) if id.trim().is_empty() => {
            return Err(Failure::usage("--link needs the id of a candidate"));
        }
        (None, None, Some(id)) => Choice::Link(RecordId(id.trim().to_owned())),
        (None, None, None) if args.create => Choice::Create,
        (None, None, None) if args.accept => Choice::Accept,
        (None, None, None) => Choice::Ignore,
    };
    Ok(Take::Choice(choice))
}

async fn resolve(
    door: &dyn Door,
    args: &ResolveArgs,
    take: Take,
) -> Result<Option<Resolved>, Failure> {
    let kind = kind(&args.filter)?;
    let filtered = args.filter.mapping.is_some() || args.filter.field.is_some() || kind.is_some();
    if !args.all && filtered {
        return Err(Failure::usage(
            "--mapping, --field and --kind narrow --all; ids need none of them",
        ));
    }
    let rows = lists::conflicts(door).await?;
    let items: Vec<ItemId> = if args.all {
        rows.iter()
            .flat_map(|row| chosen(row, &args.filter, kind))
            .collect()
    } else {
        // An item by its own id, or all of a record's by the row's key.
        let mut known: Vec<(ItemId, Vec<ItemId>)> = Vec::new();
        for row in &rows {
            known.extend(row.items.iter().map(|item| (*item, vec![*item])));
            if !row.items.contains(&row.key) {
                known.push((row.key, row.items.clone()));
            }
        }
        if args.accept {
            // A record that does not answer waits as an error; a person may say that it was deleted.
            let errors = lists::errors(door).await?;
            known.extend(errors.iter().map(|error| (error.id, vec![error.id])));
        }
        let mut items = lists::by_prefix(&args.ids, &known, "conflict or review item")?.concat();
        items.sort_unstable();
        items.dedup();
        items
    };
    if items.is_empty() {
        return Ok(None);
    }
    let request = Request::Resolve {
        items,
        take,
        by: "you".to_owned(),
        fields_only: false,
        shown: Vec::new(),
    };
    match door.ask(request).await? {
        Reply::Resolved(resolved) => Ok(Some(resolved)),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(unexpected("a resolution")),
    }
}
