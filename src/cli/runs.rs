//! `runs`: the history, or one run with its journal.

use super::app::{App, Need};
use super::args::RunsArgs;
use super::door::Door;
use super::exit::{Exit, Failure, unexpected};
use super::output::Output;
use super::table::{Align, Table};
use super::text::{clean, moment, number, seconds, took, value};
use super::{json, lists, report};
use crate::domain::{Op, RunId, RunRecord};
use crate::service::messages::{Reply, Request};

/// Runs the verb.
///
/// # Errors
/// What kept it from listing.
pub async fn run(app: &mut App, args: &RunsArgs) -> Result<Exit, Failure> {
    let session = app.open(Need::Store).await?;
    let done = match args.run {
        Some(run) => one(session.door(), RunId(run), &mut app.out).await,
        None => list(session.door(), args.limit, &mut app.out).await,
    };
    session.close().await;
    done.map(|()| Exit::Well)
}

async fn one(door: &dyn Door, run: RunId, out: &mut Output) -> Result<(), Failure> {
    let record = match door.ask(Request::Run { run }).await? {
        Reply::Run(record) => *record,
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(unexpected("a run")),
    };
    let journal = lists::journal(door, run).await?;
    if out.json {
        return out.document(&json::run_with_journal(&record, &journal));
    }
    report::run(&record, out)?;
    if journal.is_empty() {
        return out.line("Its journal is empty: nothing was written.");
    }
    out.line("")?;
    print_journal(&journal, out)
}

/// A journal field by field.
///
/// # Errors
/// As `Output::line`.
pub fn print_journal(journal: &[Op], out: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("run", Align::Right),
        ("side", Align::Left),
        ("record", Align::Left),
        ("does", Align::Left),
        ("field", Align::Left),
        ("before", Align::Left),
        ("after", Align::Left),
        ("rule", Align::Left),
        ("state", Align::Left),
    ]);
    for op in journal {
        let record = op.target.as_ref().or(op.outcome.record.as_ref());
        if op.fields.is_empty() {
            table.row(vec![
                op.run.to_string(),
                op.side.letters().to_owned(),
                record.map_or_else(String::new, |id| clean(id.as_str())),
                op.kind.word().to_owned(),
                String::new(),
                String::new(),
                op.outcome.why.as_deref().map_or_else(String::new, clean),
                String::new(),
                op.state.word().to_owned(),
            ]);
        }
        for (index, (field, change)) in op.fields.iter().enumerate() {
            let only_first = |text: String| if index == 0 { text } else { String::new() };
            table.row(vec![
                only_first(op.run.to_string()),
                only_first(op.side.letters().to_owned()),
                only_first(record.map_or_else(String::new, |id| clean(id.as_str()))),
                only_first(op.kind.word().to_owned()),
                clean(field),
                value(&change.before),
                value(&change.after),
                change.rule.clone(),
                only_first(op.state.word().to_owned()),
            ]);
        }
    }
    table.print(out)
}

async fn list(door: &dyn Door, limit: usize, out: &mut Output) -> Result<(), Failure> {
    let runs = lists::runs(door, limit).await?;
    if out.json {
        for record in &runs {
            out.document(&json::run(record))?;
        }
        return Ok(());
    }
    if runs.is_empty() {
        return out.line("No run yet. `syncline sync` starts the first.");
    }
    let mut table = Table::new(&[
        ("run", Align::Right),
        ("when (UTC)", Align::Left),
        ("kind", Align::Left),
        ("by", Align::Left),
        ("took", Align::Right),
        ("created", Align::Right),
        ("updated", Align::Right),
        ("open", Align::Right),
        ("calls", Align::Right),
        ("state", Align::Left),
    ]);
    for record in &runs {
        table.row_in(report::role(record.state), row(record));
    }
    table.print(out)
}

fn row(record: &RunRecord) -> Vec<String> {
    let sum = |field: fn(&crate::domain::Counters) -> u64| {
        record
            .mappings
            .iter()
            .map(|one| field(&one.counts))
            .sum::<u64>()
    };
    let mut state = report::words(record.state).to_owned();
    if let Some(valve) = record.valves.first() {
        state.push_str(&format!(": {}", valve.valve));
    }
    vec![
        record.run.to_string(),
        moment(record.started_at),
        record.kind.word().to_owned(),
        clean(&record.by),
        record
            .ended_at
            .map_or_else(String::new, |end| took(seconds(record.started_at, end))),
        number(sum(|one| one.created.salesforce + one.created.hubspot)),
        number(sum(|one| one.updated_links)),
        number(sum(|one| one.conflicts + one.review + one.errors)),
        number(json::calls(&record.calls)),
        state,
    ]
}
