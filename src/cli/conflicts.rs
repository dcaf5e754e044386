//! `conflicts`: everything that waits for a person, field by field.

use super::app::{App, Need};
use super::args::FilterArgs;
use super::door::Door;
use super::exit::{Exit, Failure, unexpected};
use super::output::Output;
use super::table::{Align, Table};
use super::text::{clean, count, value};
use super::{json, lists};
use crate::domain::{Conflict, ItemId, ItemKind, ItemState, Side, names_field};
use crate::service::messages::{ConflictRow, Reply, Request};

/// Runs the verb.
///
/// # Errors
/// What kept it from listing.
pub async fn run(app: &mut App, args: &FilterArgs) -> Result<Exit, Failure> {
    let kind = kind(args)?;
    let session = app.open(Need::Store).await?;
    let done = list(session.door(), args, kind, &mut app.out).await;
    session.close().await;
    done.map(|()| Exit::Well)
}

/// The kind that the filter names.
///
/// # Errors
/// Where there is no such kind.
pub fn kind(args: &FilterArgs) -> Result<Option<ItemKind>, Failure> {
    let Some(word) = &args.kind else {
        return Ok(None);
    };
    let found = ItemKind::ALL.into_iter().find(|kind| kind.word() == word);
    found.map(Some).ok_or_else(|| {
        let known: Vec<&str> = ItemKind::ALL.iter().map(|kind| kind.word()).collect();
        Failure::usage(format!(
            "there is no kind \"{}\"; known: {}",
            word.escape_debug(),
            known.join(", ")
        ))
    })
}

/// The items of a row that the filter lets through.
pub fn chosen(row: &ConflictRow, args: &FilterArgs, kind: Option<ItemKind>) -> Vec<ItemId> {
    let mapping = args
        .mapping
        .as_deref()
        .is_none_or(|name| row.mapping.as_str() == name);
    if !mapping || kind.is_some_and(|kind| kind != row.kind) {
        return Vec::new();
    }
    match &args.field {
        None => row.items.clone(),
        Some(field) => row
            .items
            .iter()
            .zip(&row.fields)
            .filter(|(_, name)| names_field(name, field))
            .map(|(item, _)| *item)
            .collect(),
    }
}

async fn list(
    door: &dyn Door,
    args: &FilterArgs,
    kind: Option<ItemKind>,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("id", Align::Left),
        ("mapping", Align::Left),
        ("record", Align::Left),
        ("field", Align::Left),
        ("Salesforce", Align::Left),
        ("HubSpot", Align::Left),
        ("base", Align::Left),
        ("leans to", Align::Left),
        ("state", Align::Left),
    ]);
    let mut found = 0;
    for row in lists::conflicts(door).await? {
        let items = chosen(&row, args, kind);
        if items.is_empty() {
            continue;
        }
        let detail = match door.ask(Request::Conflict { key: row.key }).await? {
            Reply::Conflict(detail) => detail,
            // It was settled while this list was read.
            Reply::Refused(_) => continue,
            _ => return Err(unexpected("a conflict")),
        };
        for item in detail.items.iter().filter(|item| items.contains(&item.id)) {
            found += 1;
            if out.json {
                out.document(&json::conflict(item))?;
            } else {
                table.row(cells(item));
            }
        }
        if out.is_closed() {
            break;
        }
    }
    if out.json {
        return Ok(());
    }
    if found == 0 {
        return out.line("Nothing waits for a decision.");
    }
    table.print(out)?;
    out.line(&format!(
        "{}. `syncline resolve ID --take salesforce|hubspot|base|newest` decides; the next run sends it.",
        count(found, "item")
    ))
}

fn cells(item: &Conflict) -> Vec<String> {
    let state = match item.state {
        ItemState::Open => "open",
        ItemState::Draft => "decided, not sent",
        ItemState::Resolved => "resolved",
    };
    let (what, salesforce, hubspot) = if !item.kind.is_of_field() {
        let of = |side: Side| {
            let own = item
                .sides
                .get(side)
                .id
                .iter()
                .map(|id| id.as_str().to_owned());
            let others = item
                .candidates
                .iter()
                .filter(|one| one.record.side == side)
                .map(|one| one.record.id.as_str().to_owned());
            clean(&own.chain(others).collect::<Vec<_>>().join(" "))
        };
        (
            item.kind.word().to_owned(),
            of(Side::Salesforce),
            of(Side::HubSpot),
        )
    } else {
        (
            clean(&item.field),
            value(&item.sides.salesforce.value),
            value(&item.sides.hubspot.value),
        )
    };
    vec![
        item.id.short(),
        item.mapping.to_string(),
        clean(&item.label),
        what,
        salesforce,
        hubspot,
        item.base.as_ref().map_or_else(String::new, value),
        item.suggest.map_or("", Side::letters).to_owned(),
        state.to_owned(),
    ]
}
