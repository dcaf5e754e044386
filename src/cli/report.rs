//! A run as people read it: a table of its mappings and a line below.

use super::exit::Failure;
use super::output::{Output, Role};
use super::table::{Align, Table};
use super::text::{clean, count, number, seconds, took};
use crate::domain::{
    Counters, MappingCounts, Op, OpState, PerSide, RunRecord, RunState, SideCount,
};

/// The role that a run's state is shown in.
pub fn role(state: RunState) -> Role {
    match state {
        RunState::Done => Role::Good,
        RunState::Running => Role::Plain,
        RunState::DoneWithErrors | RunState::AwaitingConfirm | RunState::Cancelled => Role::Warn,
        RunState::Halted | RunState::Crashed => Role::Bad,
    }
}

/// A state in words.
pub fn words(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::AwaitingConfirm => "waits for a confirm",
        RunState::Done => "done",
        RunState::DoneWithErrors => "done, some records wait",
        RunState::Halted => "halted",
        RunState::Cancelled => "cancelled",
        RunState::Crashed => "crashed",
    }
}

/// The counts of mappings as a table; both sides as `Salesforce + HubSpot`.
///
/// # Errors
/// As `Output::line`.
pub fn counts<'a>(
    rows: impl IntoIterator<Item = (&'a str, &'a Counters)>,
    out: &mut Output,
) -> Result<(), Failure> {
    let rows: Vec<(&str, &Counters)> = rows.into_iter().collect();
    // Most runs delete nothing: the column comes with the first that does.
    let any = |count: &SideCount| count.salesforce + count.hubspot > 0;
    let archived = rows.iter().any(|(_, counters)| any(&counters.archived));
    let mut columns = vec![
        ("mapping", Align::Left),
        ("read SF + HS", Align::Right),
        ("linked", Align::Right),
        ("created", Align::Right),
        ("updated", Align::Right),
        ("unchanged", Align::Right),
        ("conflicts", Align::Right),
        ("review", Align::Right),
        ("errors", Align::Right),
        ("excluded", Align::Right),
    ];
    columns.extend(archived.then_some(("archived", Align::Right)));
    let mut table = Table::new(&columns);
    for (mapping, counters) in rows {
        let mut row = vec![
            mapping.to_owned(),
            both(&counters.read),
            number(counters.linked),
            both(&counters.created),
            both(&counters.updated),
            number(counters.unchanged),
            number(counters.conflicts),
            number(counters.review),
            number(counters.errors),
            number(counters.excluded),
        ];
        row.extend(archived.then(|| both(&counters.archived)));
        table.row(row);
    }
    table.print(out)
}

/// `31 + 44`.
pub fn both(count: &SideCount) -> String {
    let PerSide {
        salesforce,
        hubspot,
    } = count;
    format!("{} + {}", number(*salesforce), number(*hubspot))
}

/// A run that ended: table, line, and what stopped it.
///
/// # Errors
/// As `Output::line`.
pub fn run(record: &RunRecord, out: &mut Output) -> Result<(), Failure> {
    counts(
        record
            .mappings
            .iter()
            .map(|MappingCounts { mapping, counts }| (mapping.as_str(), counts)),
        out,
    )?;
    let line = summary(record);
    out.line(&out.paint(role(record.state), &line))?;
    stopped_by(record, out)
}

/// "Run 143, full: done in 12.3 s with 49 + 175 calls; 12 conflicts, 9 in review, 7 errors wait".
pub fn summary(record: &RunRecord) -> String {
    let time = match record.ended_at {
        Some(end) => format!(" in {}", took(seconds(record.started_at, end))),
        None => String::new(),
    };
    let mut line = format!(
        "Run {}, {}: {}{time} with {} calls (Salesforce + HubSpot)",
        record.run,
        record.kind.word(),
        words(record.state),
        both(&record.calls.total)
    );
    let sum = |field: fn(&Counters) -> u64| {
        record
            .mappings
            .iter()
            .map(|one| field(&one.counts))
            .sum::<u64>()
    };
    let waiting: Vec<String> = [
        (sum(|one| one.open.conflicts), "conflict"),
        (sum(|one| one.open.review), "review item"),
        (sum(|one| one.open.errors), "error"),
    ]
    .into_iter()
    .filter(|(many, _)| *many > 0)
    .map(|(many, one)| count(many, one))
    .collect();
    if !waiting.is_empty() {
        line.push_str("; open: ");
        line.push_str(&waiting.join(", "));
    }
    line
}

/// Lines of what was left out that people are shown.
const LEFT: usize = 20;

/// What a run (or its forecast) leaves as it is, with the reasons.
///
/// # Errors
/// As `Output::line`.
pub fn left_out(left: &[Op], out: &mut Output) -> Result<(), Failure> {
    if left.is_empty() {
        return Ok(());
    }
    let head = format!("Left as they are: {}", count(left.len() as u64, "write"));
    out.line(&out.paint(Role::Warn, &head))?;
    let mut table = Table::new(&[
        ("side", Align::Left),
        ("record", Align::Left),
        ("fields", Align::Left),
        ("why", Align::Left),
    ]);
    for op in left.iter().take(LEFT) {
        let id = op.target.as_ref().or(op.source.as_ref());
        let fields: Vec<&str> = op.fields.keys().map(String::as_str).collect();
        table.row(vec![
            op.side.letters().to_owned(),
            format!("{} {}", op.object, id.map_or("", |id| id.as_str())),
            clean(&fields.join(", ")),
            clean(&why_left(op)),
        ]);
    }
    table.print(out)?;
    if left.len() > LEFT {
        let more = number((left.len() - LEFT) as u64);
        out.line(&format!("… and {more} more; --json lists all"))?;
    }
    Ok(())
}

/// Why an op was not carried out.
pub fn why_left(op: &Op) -> String {
    let vendor = op.outcome.error.as_ref().map(|error| error.text.clone());
    let why = op.outcome.why.clone().or(vendor);
    why.unwrap_or_else(|| op.state.word().to_owned())
}

/// True for an op that did not come about.
pub fn is_not_done(op: &Op) -> bool {
    matches!(
        op.state,
        OpState::Skipped | OpState::Failed | OpState::Unknown
    )
}

/// Why a run stopped, and the confirm that lets its plan through.
///
/// # Errors
/// As `Output::line`.
pub fn stopped_by(record: &RunRecord, out: &mut Output) -> Result<(), Failure> {
    for valve in &record.valves {
        let message = clean(&valve.message);
        let text = match message.starts_with(&valve.mapping.0) {
            true => message,
            false => format!("{}: {message}", valve.mapping),
        };
        out.line(&out.paint(Role::Warn, &text))?;
    }
    if record.valves.is_empty()
        && let Some(reason) = &record.reason
    {
        out.line(&out.paint(Role::Warn, &clean(reason)))?;
    }
    if let Some(hash) = super::json::confirm_hash(record) {
        out.line(&format!(
            "To carry out exactly this plan: syncline sync --confirm {hash}"
        ))?;
    }
    Ok(())
}
