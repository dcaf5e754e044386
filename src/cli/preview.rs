//! `preview`: what a run would do, without writing.

use super::app::{App, Need};
use super::args::PreviewArgs;
use super::exit::{Exit, Failure};
use super::output::{Output, Role};
use super::signals::Signals;
use super::table::{Align, Table};
use super::text::{clean, number, took, value};
use super::{follow, json, plan, report};
use crate::domain::{MappingId, Op, Side};
use crate::service::messages::{Preview, Request};

/// Runs the verb.
///
/// # Errors
/// What kept it from being made.
pub async fn run(app: &mut App, args: &PreviewArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let session = signals.or(app.open(Need::Vendors)).await?;
    let request = Request::StartPreview {
        mappings: args
            .mappings
            .iter()
            .map(|name| MappingId(name.clone()))
            .collect(),
        limit: match args.out {
            Some(_) => usize::MAX,
            None => usize::from(args.limit),
        },
        full: args.full,
    };
    let made = async {
        let door = session.door();
        let preview = follow::preview(door, request, &mut signals, &mut app.out).await?;
        if let Some(file) = &args.out {
            plan::keep(door, file).await?;
        }
        Ok::<_, Failure>(preview)
    }
    .await;
    session.close().await;
    let mut preview = made?;
    for mapping in &mut preview.mappings {
        mapping.samples.truncate(usize::from(args.limit));
        mapping.errors.truncate(usize::from(args.limit));
    }
    if app.out.json {
        app.out.document(&json::preview(&preview))?;
    } else {
        print(&preview, args, &mut app.out)?;
    }
    let found = !preview.valves.is_empty()
        || preview
            .mappings
            .iter()
            .any(|one| one.would.conflicts + one.would.review + one.would.errors > 0);
    Ok(if args.strict && found {
        Exit::Findings
    } else {
        Exit::Well
    })
}

fn print(preview: &Preview, args: &PreviewArgs, out: &mut Output) -> Result<(), Failure> {
    report::counts(
        preview
            .mappings
            .iter()
            .map(|one| (one.mapping.as_str(), &one.would)),
        out,
    )?;
    for mapping in &preview.mappings {
        if !mapping.samples.is_empty() {
            out.line("")?;
            let head = format!("{}: samples", mapping.mapping);
            out.line(&out.paint(Role::Head, &head))?;
            samples(&mapping.samples, out)?;
        }
        for error in &mapping.errors {
            let text = format!(
                "{} {} {}: {}; {}",
                error.side.letters(),
                error.record.id,
                clean(&error.label),
                clean(&error.message),
                clean(&error.next)
            );
            out.line(&out.paint(Role::Warn, &text))?;
        }
    }
    out.line("")?;
    for valve in &preview.valves {
        let text = format!(
            "{}: would stop here: {} (found {}, limit {})",
            valve.mapping,
            clean(&valve.message),
            number(valve.found),
            number(valve.limit)
        );
        out.line(&out.paint(Role::Bad, &text))?;
    }
    out.line(&format!(
        "Nothing was written. The run would take about {} calls (Salesforce + HubSpot) and {}; this preview took {}",
        report::both(&preview.forecast),
        took(preview.seconds),
        report::both(&preview.calls.total)
    ))?;
    if let Some(file) = &args.out {
        let confirm = match preview.valves.iter().any(|hit| hit.valve != "first_run") {
            true => format!(" --confirm {}", preview.plan_hash),
            false => String::new(),
        };
        out.line(&format!(
            "To carry out exactly this plan: syncline apply {}{confirm}",
            file.display()
        ))?;
    } else if !preview.valves.is_empty() {
        out.line(&format!(
            "To carry out exactly this plan: {}",
            confirming(preview, args)
        ))?;
    }
    Ok(())
}

/// The command that confirms the plan: its run looks at what the preview looked at, else it would come to another plan.
fn confirming(preview: &Preview, args: &PreviewArgs) -> String {
    let mut words = vec!["syncline", "sync"];
    words.extend(args.mappings.iter().map(String::as_str));
    words.extend(args.full.then_some("--full"));
    words.extend(["--confirm", &preview.plan_hash]);
    words.join(" ")
}

/// Ops field by field, before and after.
pub fn samples(ops: &[Op], out: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("side", Align::Left),
        ("record", Align::Left),
        ("does", Align::Left),
        ("field", Align::Left),
        ("before", Align::Left),
        ("after", Align::Left),
        ("rule", Align::Left),
    ]);
    for op in ops {
        let record = op.target.as_ref().or(op.source.as_ref());
        let side = if op.target.is_some() {
            op.side
        } else {
            op.side.other()
        };
        for (index, (field, change)) in op.fields.iter().enumerate() {
            let first = index == 0;
            let only_first = |text: String| if first { text } else { String::new() };
            table.row(vec![
                only_first(op.side.letters().to_owned()),
                only_first(record_text(record.map(|id| id.as_str()), side, op.side)),
                only_first(op.kind.word().to_owned()),
                clean(field),
                value(&change.before),
                value(&change.after),
                change.rule.clone(),
            ]);
        }
    }
    table.print(out)
}

/// The record written to, or the source of a create with its side.
fn record_text(id: Option<&str>, side: Side, written: Side) -> String {
    match id {
        Some(id) if side == written => clean(id),
        Some(id) => format!("of {} {}", side.letters(), clean(id)),
        None => String::new(),
    }
}
