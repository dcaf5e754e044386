//! `record`: everything about one record: why did it not sync?

use super::app::{App, Need};
use super::args::RecordArgs;
use super::exit::{Exit, Failure, unexpected};
use super::output::{Output, Role};
use super::table::{Align, Table};
use super::text::{clean, moment, value};
use super::{json, runs};
use crate::domain::{CreatedBy, Link, LinkState, MappingId, Side, Value};
use crate::service::messages::{
    RecordField, RecordView, Reply, Request, ScopeClause, SideNow, Tone,
};

/// Runs the verb.
///
/// # Errors
/// Where no record is found, or it cannot be looked up.
pub async fn run(app: &mut App, args: &RecordArgs) -> Result<Exit, Failure> {
    let query = args.query.trim().to_owned();
    if query.is_empty() {
        return Err(Failure::usage("give an id, an e-mail address or a name"));
    }
    let session = app.open(Need::Vendors).await?;
    let reply = session
        .door()
        .ask(Request::Record {
            query: query.clone(),
            mapping: args.mapping.as_deref().map(MappingId::from),
        })
        .await;
    session.close().await;
    let records = match reply? {
        Reply::Records { records } => records,
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(unexpected("a record")),
    };
    let out = &mut app.out;
    match records.as_slice() {
        [] => Err(Failure::usage(format!(
            "no record of any mapping is known by \"{}\"; give either side's id, an e-mail address or a name",
            query.escape_debug()
        ))),
        [one] => {
            if out.json {
                out.document(&json::record(one))?;
            } else {
                print(one, out)?;
            }
            Ok(Exit::Well)
        }
        several => {
            list(several, out)?;
            Ok(Exit::Well)
        }
    }
}

/// Several records: enough to choose one by its id.
fn list(records: &[RecordView], out: &mut Output) -> Result<(), Failure> {
    if out.json {
        for one in records {
            out.document(&json::record_line(one))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&[
        ("mapping", Align::Left),
        ("name", Align::Left),
        ("Salesforce", Align::Left),
        ("HubSpot", Align::Left),
        ("why", Align::Left),
    ]);
    for one in records {
        table.row(vec![
            clean(one.mapping.as_str()),
            clean(&one.label),
            id(one, Side::Salesforce),
            id(one, Side::HubSpot),
            clean(&one.why),
        ]);
    }
    table.print(out)?;
    out.line("Several records fit; give one of the ids, with --mapping where two have the same.")
}

fn id(view: &RecordView, side: Side) -> String {
    view.id(side)
        .map_or_else(|| "-".to_owned(), |id| clean(id.as_str()))
}

fn print(view: &RecordView, out: &mut Output) -> Result<(), Failure> {
    let role = match view.tone {
        Tone::Ok => Role::Good,
        Tone::Info => Role::Head,
        Tone::Warn => Role::Warn,
        Tone::Error => Role::Bad,
    };
    out.line(&out.paint(role, &clean(&view.why)))?;
    out.line("")?;
    let next = view
        .next_run_at
        .map_or_else(String::new, |at| format!(", next run {} UTC", moment(at)));
    let link = view.link.as_ref().map_or_else(|| "none".to_owned(), link);
    let scope: Vec<String> = view.scope.iter().map(clause).collect();
    for (label, text) in [
        ("name", clean(&view.label)),
        ("mapping", format!("{}{next}", view.mapping)),
        ("scope", scope.join(", ")),
        ("Salesforce", side(&view.sides.salesforce)),
        ("HubSpot", side(&view.sides.hubspot)),
        ("link", link),
    ] {
        out.line(&format!("{label:<12}{text}"))?;
    }
    fields(&view.fields, out)?;
    waiting(view, out)?;
    if !view.journal.is_empty() {
        out.line("")?;
        runs::print_journal(&view.journal, out)?;
    }
    Ok(())
}

fn clause(clause: &ScopeClause) -> String {
    let word = match clause.holds {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    format!("{}: {word}", clean(&clause.clause))
}

fn side(side: &SideNow) -> String {
    let Some(id) = &side.id else {
        return "-".to_owned();
    };
    let mut text = format!(
        "{}  {}",
        clean(id.as_str()),
        side.seen.word().replace('_', " ")
    );
    if let Some(at) = side.modified_at {
        text += &format!(", changed {} UTC", moment(at));
    }
    if let Some(by) = &side.modified_by {
        text += &format!(" by {}", clean(by));
    }
    if let Some(address) = &side.address {
        text += &format!("  {address}");
    }
    text
}

fn link(link: &Link) -> String {
    let how = match link.created_by {
        CreatedBy::Matched => "matched",
        CreatedBy::CreatedSalesforce => "the Salesforce record was made by us",
        CreatedBy::CreatedHubspot => "the HubSpot record was made by us",
        CreatedBy::Adopted => "found under its key",
        CreatedBy::Person => "linked by a person",
        CreatedBy::Relinked => "taken over from a converted Lead",
    };
    let state = match &link.state {
        LinkState::Active => "active".to_owned(),
        LinkState::PendingCreate => "waits for an answer".to_owned(),
        LinkState::Suspended(why) => format!("set aside: {}", clean(why)),
        LinkState::Deleted(_) => "a record of it is gone".to_owned(),
        LinkState::TakenBack(run) => format!("taken back by run {run}"),
        LinkState::OutOfScope => "out of scope, at rest".to_owned(),
        LinkState::Unlinked => "left the scope, not linked any more".to_owned(),
        LinkState::Superseded(by) => format!("{} has taken over: {}", by.mapping, by.record),
    };
    format!(
        "{}  {how}, {} UTC, {state}",
        link.id.short(),
        moment(link.created_at)
    )
}

/// Every field; those at rest come last.
fn fields(fields: &[RecordField], out: &mut Output) -> Result<(), Failure> {
    if fields.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[
        ("field", Align::Left),
        ("property", Align::Left),
        ("base", Align::Left),
        ("Salesforce", Align::Left),
        ("HubSpot", Align::Left),
        ("rule", Align::Left),
        ("next run", Align::Left),
    ]);
    let mut sorted: Vec<&RecordField> = fields.iter().collect();
    sorted.sort_by_key(|field| field.verdict.is_at_rest());
    for field in sorted {
        let role = if field.verdict.is_at_rest() {
            Role::Dim
        } else {
            Role::Plain
        };
        table.row_in(
            role,
            vec![
                clean(&field.names.salesforce),
                clean(&field.names.hubspot),
                base(field),
                now(field, Side::Salesforce),
                now(field, Side::HubSpot),
                clean(&field.rule),
                field.verdict.words().to_owned(),
            ],
        );
    }
    out.line("")?;
    table.print(out)
}

/// The base, both sides of it where they differ.
fn base(field: &RecordField) -> String {
    let text = |one: &Option<Value>| one.as_ref().map_or_else(|| "-".to_owned(), value);
    let (salesforce, hubspot) = (text(&field.base.salesforce), text(&field.base.hubspot));
    if salesforce == hubspot {
        salesforce
    } else {
        format!("{salesforce} | {hubspot}")
    }
}

fn now(field: &RecordField, side: Side) -> String {
    let mark = if *field.changed.get(side) { " ~" } else { "" };
    format!("{}{mark}", value(field.now.get(side)))
}

fn waiting(view: &RecordView, out: &mut Output) -> Result<(), Failure> {
    for item in &view.pending {
        let text = format!(
            "waits for you: {} {} {}",
            item.id.short(),
            if item.field.is_empty() {
                item.kind.word()
            } else {
                &item.field
            },
            clean(&item.why)
        );
        out.line(&out.paint(Role::Warn, &text))?;
    }
    for item in &view.errors {
        let text = format!(
            "in error: {} {}; {}",
            item.id.short(),
            clean(&item.message),
            clean(&item.next)
        );
        out.line(&out.paint(Role::Bad, &text))?;
    }
    Ok(())
}
