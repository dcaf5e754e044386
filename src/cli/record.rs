//! `record`: everything about one record: why did it not sync?

use super::app::{App, Need};
use super::args::RecordArgs;
use super::exit::{Exit, Failure, unexpected};
use super::output::{Output, Role};
use super::table::{Align, Table};
use super::text::{clean, value};
use super::{json, runs};
use crate::service::messages::{RecordView, Reply, Request};

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
            let document = serde_json::json!({
                "mapping": one.mapping, "label": one.label, "ids": one.ids, "why": one.why,
            });
            out.document(&document)?;
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
            one.mapping
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            clean(&one.label),
            id(one.ids.salesforce.as_ref().map(|id| id.as_str())),
            id(one.ids.hubspot.as_ref().map(|id| id.as_str())),
            clean(&one.why),
        ]);
    }
    table.print(out)?;
    out.line("Several records fit; give one of the ids.")
}

fn id(text: Option<&str>) -> String {
    text.map_or_else(|| "-".to_owned(), clean)
}

fn print(view: &RecordView, out: &mut Output) -> Result<(), Failure> {
    out.line(&out.paint(Role::Head, &clean(&view.why)))?;
    let mapping = view
        .mapping
        .as_ref()
        .map_or_else(|| "none".to_owned(), ToString::to_string);
    out.line(&format!("name        {}", clean(&view.label)))?;
    out.line(&format!("mapping     {mapping}, {}", clean(&view.scope)))?;
    out.line(&format!(
        "Salesforce  {}",
        id(view.ids.salesforce.as_ref().map(|id| id.as_str()))
    ))?;
    out.line(&format!(
        "HubSpot     {}",
        id(view.ids.hubspot.as_ref().map(|id| id.as_str()))
    ))?;
    if !view.fields.is_empty() {
        out.line("")?;
        let mut table = Table::new(&[
            ("field", Align::Left),
            ("property", Align::Left),
            ("Salesforce", Align::Left),
            ("HubSpot", Align::Left),
            ("base SF", Align::Left),
            ("base HS", Align::Left),
            ("rule", Align::Left),
            ("verdict", Align::Left),
        ]);
        for field in &view.fields {
            let base = |one: &Option<crate::domain::Value>| {
                one.as_ref().map_or_else(|| "-".to_owned(), value)
            };
            table.row(vec![
                clean(&field.names.salesforce),
                clean(&field.names.hubspot),
                value(&field.now.salesforce),
                value(&field.now.hubspot),
                base(&field.base.salesforce),
                base(&field.base.hubspot),
                clean(&field.rule),
                clean(&field.verdict),
            ]);
        }
        table.print(out)?;
    }
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
    if !view.journal.is_empty() {
        out.line("")?;
        runs::print_journal(&view.journal, out)?;
    }
    Ok(())
}
