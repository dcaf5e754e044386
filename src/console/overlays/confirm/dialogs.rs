//! The dialogs themselves: what each names, counts and costs.

use super::{Action, Confirm};
use crate::console::format;
use crate::console::model::Model;
use crate::console::screens::conflicts;
use crate::console::theme::Role;
use crate::console::widgets::Text;
use crate::domain::{ItemId, Op, RunRecord, Side, SideCount};
use crate::service::messages::{Outgoing, Preview, RetryWhich, SyncOrder, Take, UndoForecast};

fn calls(forecast: &SideCount) -> Text {
    Text::of(
        format!(
            "API cost about {} and {}.",
            format::count(forecast.salesforce, "SF call", "SF calls"),
            format::count(forecast.hubspot, "HS call", "HS calls")
        ),
        Role::Muted,
    )
}

/// The dialog before a run: what the preview counted.
pub fn run(preview: &Preview, mut order: SyncOrder) -> Result<Confirm, String> {
    let names: Vec<String> = preview
        .mappings
        .iter()
        .map(|mapping| mapping.mapping.to_string())
        .collect();
    if let Some(valve) = preview.valves.iter().find(|valve| !valve.confirmable) {
        return Err(format!(
            "{}: {} Nothing can let this through but fixing it.",
            valve.mapping, valve.message
        ));
    }
    let mut lines = vec![
        Text::plain(format!("This starts a run of {}.", names.join(", "))),
        Text::new(),
    ];
    let mut counted = 0;
    for side in Side::BOTH {
        let sum = |pick: fn(&crate::domain::Counters) -> &crate::domain::SideCount| -> u64 {
            preview
                .mappings
                .iter()
                .map(|mapping| *pick(&mapping.would).get(side))
                .sum()
        };
        let created = sum(|would| &would.created);
        let updated = sum(|would| &would.updated);
        let archived = sum(|would| &would.archived);
        counted += created + updated + archived;
        let mut text = format!(
            "{} created, {} updated",
            format::number(created),
            format::number(updated)
        );
        if archived > 0 {
            text += &format!(", {} archived", format::number(archived));
        }
        lines.push(
            Text::plain("  ")
                .and(side.name(), crate::console::theme::side(side))
                .pad_to(15)
                .then(text),
        );
    }
    let waits: u64 = preview
        .mappings
        .iter()
        .map(|mapping| mapping.would.conflicts + mapping.would.review)
        .sum();
    let errors: u64 = preview
        .mappings
        .iter()
        .map(|mapping| mapping.would.errors)
        .sum();
    if waits + errors > 0 {
        lines.push(Text::plain(format!(
            "  {} wait for a person, {} are in error",
            format::number(waits),
            format::number(errors)
        )));
    }
    lines.push(Text::new());
    lines.push(calls(&preview.forecast));
    if counted == 0 && preview.valves.is_empty() {
        lines.push(Text::of(
            "Nothing is to be written as things stand.",
            Role::Muted,
        ));
    }
    let mut dialog_word = None;
    for valve in &preview.valves {
        lines.push(Text::of(
            format!("✗ {}: {}", valve.mapping, valve.message),
            Role::Error,
        ));
        order.confirm = Some(preview.plan_hash.clone());
        dialog_word.get_or_insert_with(|| valve.mapping.to_string());
    }
    let title = if names.len() == 1 {
        format!("Run {}", names.concat())
    } else {
        format!("Run {} mappings", names.len())
    };
    let dialog = Confirm::new(title, "Run", lines, Action::Sync(order));
    Ok(match dialog_word {
        Some(word) => dialog.type_to_go_on(word),
        None => dialog,
    })
}

/// One op of a plan on one line.
fn planned(op: &Op) -> Text {
    let id = op.target.as_ref().or(op.source.as_ref());
    let id = id.map_or("(new)".into(), |id| format::id(id.as_str()));
    let first = op
        .fields
        .iter()
        .next()
        .map_or(String::new(), |(name, one)| {
            format!(
                " {name}: {} → {}",
                format::cut(&format::value(&one.before), 16),
                format::cut(&format::value(&one.after), 16)
            )
        });
    let more = match op.fields.len() {
        0 | 1 => String::new(),
        many => format!(" +{}", many - 1),
    };
    Text::plain("  ")
        .and(op.side.letters(), crate::console::theme::side(op.side))
        .then(format!(" {} {id}{first}{more}", op.kind.word()))
}

/// The dialog before a halted plan is let through.
pub fn halted(run: &RunRecord, by: &str, sample: &[Op], total: usize) -> Option<Confirm> {
    let hash = run.plan_hash.clone()?;
    let mut lines = vec![Text::plain(format!(
        "Run {} stopped before it wrote. Exactly its plan would be carried out:",
        run.run
    ))];
    for valve in &run.valves {
        lines.push(Text::of(
            format!(
                "✗ {}: {} Found {}, limit {}.",
                valve.mapping,
                valve.message,
                format::number(valve.found),
                format::number(valve.limit)
            ),
            Role::Error,
        ));
    }
    for mapping in &run.mappings {
        let counts = &mapping.counts;
        for side in Side::BOTH {
            lines.push(Text::plain(format!(
                "  {} {}: {} created, {} updated, {} archived",
                mapping.mapping,
                side.name(),
                format::number(*counts.created.get(side)),
                format::number(*counts.updated.get(side)),
                format::number(*counts.archived.get(side))
            )));
        }
    }
    lines.extend(sample.iter().map(planned));
    if total > sample.len() {
        lines.push(Text::of(
            format!(
                "  … and {}; enter on the run shows all",
                format::count((total - sample.len()) as u64, "more write", "more writes")
            ),
            Role::Muted,
        ));
    }
    lines.push(calls(&run.expected_calls));
    lines.push(Text::of(
        "A record that changed since is left out and comes with the next run.",
        Role::Muted,
    ));
    let order = SyncOrder {
        mappings: run
            .mappings
            .iter()
            .map(|mapping| mapping.mapping.clone())
            .collect(),
        full: run.kind == crate::domain::RunKind::Full,
        yes: true,
        confirm: Some(hash),
        by: by.to_owned(),
    };
    Some(
        Confirm::new(
            format!("Confirm the plan of run {}", run.run),
            "Run",
            lines,
            Action::Sync(order),
        )
        .type_to_go_on(run.run.to_string()),
    )
}

/// The dialog before a run is undone; `None` where nothing can be.
pub fn undo(forecast: &UndoForecast) -> Option<Confirm> {
    let sum =
        |pick: fn(&crate::service::messages::UndoneMapping) -> SideCount, side: Side| -> u64 {
            forecast
                .mappings
                .iter()
                .map(|mapping| *pick(mapping).get(side))
                .sum()
        };
    let mut lines = vec![
        Text::plain("This starts a run that writes the old values back."),
        Text::new(),
    ];
    let mut counted = 0;
    for side in Side::BOTH {
        let back = sum(|mapping| mapping.put_back, side);
        let away = sum(|mapping| mapping.taken_back, side);
        counted += back + away;
        let mut text = format!("{} put back", format::number(back));
        if away > 0 {
            text += &format!(
                ", {} taken away ({})",
                format::number(away),
                if side == Side::Salesforce {
                    "recycle bin"
                } else {
                    "archived"
                }
            );
        }
        lines.push(
            Text::plain("  ")
                .and(side.name(), crate::console::theme::side(side))
                .pad_to(15)
                .then(text),
        );
    }
    let left: u64 = forecast.mappings.iter().map(|mapping| mapping.left).sum();
    let released: u64 = forecast
        .mappings
        .iter()
        .map(|mapping| mapping.released)
        .sum();
    if left > 0 {
        let text = format!(
            "  {} as now, at least in part",
            format::count(left, "record stays", "records stay")
        );
        lines.push(Text::of(text, Role::Warn));
    }
    if released > 0 {
        let text = format!(
            "  {} made again by the next sync",
            format::count(released, "record is", "records are")
        );
        lines.push(Text::plain(text));
    }
    lines.push(Text::new());
    lines.push(calls(&forecast.forecast));
    lines.push(Text::of(
        "Each value is read again before it is written: what moved stays.",
        Role::Muted,
    ));
    let dialog = Confirm::new(
        format!("Undo run {}", forecast.run),
        "Undo",
        lines,
        Action::Undo(forecast.run),
    );
    (counted + released > 0).then(|| dialog.type_to_go_on(forecast.run.to_string()))
}

/// The dialog before the drafts are applied.
pub fn apply(outgoing: &Outgoing) -> Confirm {
    let mut lines = vec![
        Text::plain(format!(
            "This starts a run over {} and writes",
            format::count(outgoing.drafts as u64, "drafted choice", "drafted choices")
        )),
        Text::plain(format!(
            "  Salesforce   {}",
            format::count(outgoing.records.salesforce, "record", "records")
        )),
        Text::plain(format!(
            "  HubSpot      {}",
            format::count(outgoing.records.hubspot, "record", "records")
        )),
        Text::new(),
    ];
    for line in outgoing.lines.iter().take(8) {
        let text = format!(
            "{} {}: {} → {}",
            line.side.letters(),
            format::cut(
                &format::clean(if line.label.is_empty() {
                    line.record.as_str()
                } else {
                    &line.label
                }),
                20
            ),
            line.field,
            format::cut(&format::value(&line.after), 24)
        );
        lines.push(Text::of(text, Role::Text));
    }
    if outgoing.lines.len() > 8 {
        lines.push(Text::of(
            format!("… and {} more values", outgoing.lines.len() - 8),
            Role::Muted,
        ));
    }
    lines.push(calls(&outgoing.calls));
    if outgoing.unsent > 0 {
        let text = format!(
            "The run also takes up {} that an earlier run left unsent in these mappings.",
            format::count(outgoing.unsent, "record", "records")
        );
        lines.push(Text::of(text, Role::Warn));
    }
    lines.push(Text::of(
        "A record that changed since you chose is left alone and opens again.",
        Role::Muted,
    ));
    Confirm::new("Apply drafts", "Apply", lines, Action::ApplyDrafts)
}

/// The dialog before errors are retried.
pub fn retry(which: RetryWhich, count: u64, what: &str) -> Confirm {
    let lines = vec![
        Text::plain(format!(
            "This starts a run that retries {}:",
            format::count(count, "record", "records")
        )),
        Text::plain(format!("  {what}")),
        Text::new(),
        Text::of(
            "What the vendor refused before is sent again. About one call per record and side.",
            Role::Muted,
        ),
        Text::of(
            "Drafts of the same mappings go with it, and what an earlier run left unsent there.",
            Role::Warn,
        ),
    ];
    Confirm::new(
        format!("Retry {}", format::count(count, "record", "records")),
        "Retry",
        lines,
        Action::Retry(which),
    )
}

/// The dialog before a run is stopped at once.
pub fn stop_now(model: &Model) -> Confirm {
    let run = model.status.run.as_ref();
    let name = run
        .and_then(|run| run.run)
        .map_or("the preview".to_owned(), |run| format!("run {run}"));
    let batch = run
        .and_then(|run| run.batch)
        .map_or("No batch is being written.".to_owned(), |(batch, of)| {
            format!("Batch {batch} of {of} is on its way.")
        });
    let lines = vec![
        Text::plain(format!(
            "{batch} Requests in flight get a short grace; what they did is looked up by the next run, nothing is sent twice."
        )),
        Text::new(),
        Text::of(
            "x stops after the batch instead, which leaves nothing to look up.",
            Role::Muted,
        ),
    ];
    Confirm::new(
        format!("Stop {name} now"),
        "Stop now",
        lines,
        Action::StopNow(run.and_then(|run| run.run)),
    )
}

/// The dialog before one choice is given to many conflicts: it lists them.
pub fn alike(items: Vec<ItemId>, take: Take, field: String, names: &[String]) -> Confirm {
    let count = items.len() as u64;
    let mut lines = vec![
        Text::plain(format!(
            "{} for {field} of {}:",
            conflicts::said_of(&take),
            format::count(count, "other record", "other records")
        )),
        Text::new(),
    ];
    lines.extend(
        names
            .iter()
            .take(10)
            .map(|name| Text::plain(format!("  {name}"))),
    );
    if items.len() > names.len().min(10) {
        lines.push(Text::of(
            format!("  … and {} more", items.len() - names.len().min(10)),
            Role::Muted,
        ));
    }
    lines.push(Text::new());
    lines.push(Text::of(
        "They become drafts; W or the next run sends them. u takes back.",
        Role::Muted,
    ));
    Confirm::new(
        "Same choice for alike",
        "Draft",
        lines,
        Action::Alike { items, take, field },
    )
}
