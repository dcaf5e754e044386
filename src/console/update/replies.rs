//! Answers: each goes to what asked for it, by its number; one that nobody waits for any more is dropped.

use crate::console::format;
use crate::console::model::{Leaving, Model};
use crate::console::msg::{Effect, ListName, Purpose};
use crate::console::overlays::{Overlay, confirm, preview, record, undo};
use crate::console::screens::conflicts::{self, UndoEntry};
use crate::console::screens::{ScreenId, runs};
use crate::service::ServiceGone;
use crate::service::messages::{
    ListKind, ListPage, ListQuery, MappingStatus, Refusal, RefusalKind, Reply, Request, Resolved,
    Rows, Tone,
};

/// Takes an answer.
pub fn reply(model: &mut Model, id: u64, reply: Result<Reply, ServiceGone>) -> Vec<Effect> {
    let Some(purpose) = model.waiting.remove(&id) else {
        return Vec::new();
    };
    let reply = match reply {
        Ok(Reply::Refused(refusal)) => {
            refused(model, id, purpose, &refusal);
            return Vec::new();
        }
        Ok(reply) => reply,
        Err(gone) => {
            let refusal = Refusal {
                kind: RefusalKind::Store,
                message: gone.to_string(),
                items: Vec::new(),
            };
            refused(model, id, purpose, &refusal);
            return Vec::new();
        }
    };
    answered(model, id, purpose, reply)
}

fn answered(model: &mut Model, id: u64, purpose: Purpose, reply: Reply) -> Vec<Effect> {
    let now = model.now;
    match (purpose, reply) {
        (Purpose::Mappings, Reply::Mappings { mappings }) => {
            model.mappings.list.arrived(id, mappings, now)
        }
        (Purpose::MappingDetail, Reply::Mapping(detail)) => {
            model.mappings.detail.arrived(id, *detail, now)
        }
        (Purpose::List(name), Reply::List(page)) => list(model, id, name, page),
        (Purpose::MarkAll(name), Reply::Ids { ids }) => {
            let count = ids.len() as u64;
            match name {
                ListName::Queue => model.conflicts.queue.marks = ids.into_iter().collect(),
                ListName::ErrorRecords => model.errors.records.marks = ids.into_iter().collect(),
                _ => {}
            }
            model.say(
                Tone::Info,
                format!(
                    "{} marked. esc clears.",
                    crate::console::format::number(count)
                ),
            );
        }
        (Purpose::Conflict, Reply::Conflict(detail)) => model.conflicts.arrived(id, *detail, now),
        (Purpose::History, Reply::History { lines }) => {
            model.conflicts.history.arrived(id, lines, now)
        }
        (Purpose::ErrorDetail, Reply::Error(detail)) => {
            model.errors.detail.arrived(id, *detail, now)
        }
        (Purpose::RowOutgoing, Reply::Outgoing(outgoing)) => {
            model.conflicts.outgoing.arrived(id, outgoing, now)
        }
        (Purpose::ApplyOutgoing, Reply::Outgoing(outgoing)) => {
            if outgoing.drafts == 0 {
                model.say(
                    Tone::Info,
                    "Cannot apply: no drafts yet. h or l takes a side first.",
                );
            } else {
                model
                    .overlays
                    .push(Overlay::Confirm(confirm::apply(&outgoing)));
            }
        }
        (Purpose::Alike { take, field }, Reply::Ids { ids }) => {
            return alike_names(model, ids, take, field);
        }
        (Purpose::AlikeNames { items, take, field }, Reply::List(page)) => {
            let names = match page.rows {
                Rows::Conflicts(rows) => rows
                    .into_iter()
                    .filter(|row| row.items.iter().any(|item| items.contains(item)))
                    .map(|row| row.label)
                    .collect(),
                _ => Vec::new(),
            };
            model
                .overlays
                .push(Overlay::Confirm(confirm::alike(items, take, field, &names)));
        }
        (Purpose::Chosen { left, said, .. }, Reply::Resolved(resolved)) => {
            if resolved.count == 0 && left.is_empty() {
                model.say(
                    Tone::Info,
                    "Only review items are marked: each is decided by itself, with enter.",
                );
                return Vec::new();
            }
            let before = resolved.before.clone();
            model.conflicts.undo.push(UndoEntry { before, left });
            chosen(model, resolved, said);
        }
        (Purpose::TakenBack { of, said }, Reply::Resolved(resolved)) => {
            let said = match resolved.count {
                count if count < of => format!(
                    "{count} of {} taken back; a run has sent or settled the others.",
                    format::count(of as u64, "choice", "choices")
                ),
                _ => said,
            };
            chosen(model, resolved, said);
        }
        (Purpose::Started, Reply::Started { run }) => {
            model.screen = ScreenId::Live;
            model.started = run;
            model.conflicts.undo.clear();
            let words = run.map_or("The run has started.".to_owned(), |run| {
                format!("Run {run} has started.")
            });
            model.say(Tone::Info, words);
        }
        (Purpose::StartPreview | Purpose::StartForecast, Reply::Started { .. }) => {}
        (Purpose::HaltedPlan(run), Reply::List(page)) => runs::ask_confirm(model, run, page),
        (Purpose::Forecast, Reply::UndoForecast(forecast)) => undo::arrived(model, forecast),
        (Purpose::Preview, Reply::Preview(counted)) => preview::arrived(model, counted),
        (Purpose::Retry, Reply::Retried { count, run }) => {
            let records = crate::console::format::count(count, "record", "records");
            match run {
                Some(run) => {
                    model.screen = ScreenId::Live;
                    model.started = Some(run);
                    model.say(Tone::Info, format!("Run {run} retries {records}."));
                }
                None => model.say(
                    Tone::Info,
                    format!("{records} will be retried by the next run."),
                ),
            }
        }
        (Purpose::Record, Reply::Records { records }) => record::arrived(model, id, records),
        (Purpose::Paused(mapping, paused), Reply::Ok) => {
            // Until the list is read again the row says what was just asked for, so that a second `p` turns it round.
            let state = if paused {
                MappingStatus::Paused
            } else {
                MappingStatus::Active
            };
            model.mappings.list.set_state(&mapping, state);
            model.mappings.list.stale = true;
            let words = if paused {
                "is paused. p resumes it."
            } else {
                "goes on."
            };
            model.say(Tone::Info, format!("{mapping} {words}"));
        }
        (Purpose::StopAndLeave, Reply::Ok) => {
            model.say(Tone::Info, "Stopping after this batch, then leaving.");
        }
        (Purpose::Done(said), Reply::Ok) => model.say(Tone::Info, said),
        (purpose, _) => {
            let refusal = Refusal {
                kind: RefusalKind::Store,
                message: "the engine answered something else than was asked".into(),
                items: Vec::new(),
            };
            refused(model, id, purpose, &refusal);
        }
    }
    Vec::new()
}

/// The names behind items of the same shape, so that the dialog can list them.
fn alike_names(
    model: &mut Model,
    ids: Vec<crate::domain::ItemId>,
    take: crate::service::messages::Take,
    field: String,
) -> Vec<Effect> {
    if ids.is_empty() {
        model.say(Tone::Info, "No other open conflict is like this one.");
        return Vec::new();
    }
    let query = ListQuery {
        list: ListKind::Conflicts,
        filter: format!("field:{field} state:open"),
        sort: None,
        from: 0,
        count: 200,
        locate: None,
    };
    vec![model.ask(
        Purpose::AlikeNames {
            items: ids,
            take,
            field,
        },
        Request::List(query),
    )]
}

/// After a choice: what is shown is read again at once, the counts are taken over.
fn chosen(model: &mut Model, resolved: Resolved, said: String) {
    model.status.drafts = resolved.drafts as u64;
    model.conflicts.counts = Some(resolved);
    model.conflicts.detail.again();
    model.conflicts.outgoing.again();
    model.conflicts.queue.soon();
    model.say(Tone::Info, said);
}

fn list(model: &mut Model, id: u64, name: ListName, page: ListPage) {
    let now = model.now;
    match name {
        ListName::Queue => conflicts::listed(model, id, page),
        ListName::Activity => {
            model.mappings.activity.arrived(id, page, now);
        }
        ListName::Causes => {
            model.errors.causes.arrived(id, page, now);
        }
        ListName::ErrorRecords => {
            model.errors.records.arrived(id, page, now);
        }
        ListName::Runs => {
            model.runs.runs.arrived(id, page, now);
        }
        ListName::Journal => {
            model.runs.journal.arrived(id, page, now);
        }
    }
}

/// A refusal: panes show it where their rows would be, commands say it in the message line.
fn refused(model: &mut Model, id: u64, purpose: Purpose, refusal: &Refusal) {
    let why = refusal.message.clone();
    match purpose {
        Purpose::Mappings => {
            if model
                .mappings
                .list
                .pending
                .take_if(|(pending, _)| *pending == id)
                .is_some()
            {
                model.mappings.list.failed = Some(why);
            }
        }
        Purpose::MappingDetail => model.mappings.detail.refused(id, why),
        Purpose::List(ListName::Activity) => model.mappings.activity.failed(id, why),
        Purpose::List(ListName::Queue) => model.conflicts.queue.failed(id, why),
        Purpose::List(ListName::Causes) => model.errors.causes.failed(id, why),
        Purpose::List(ListName::ErrorRecords) => model.errors.records.failed(id, why),
        Purpose::List(ListName::Runs) => model.runs.runs.failed(id, why),
        Purpose::List(ListName::Journal) => model.runs.journal.failed(id, why),
        Purpose::Conflict => model.conflicts.detail.refused(id, why),
        Purpose::History => model.conflicts.history.refused(id, why),
        Purpose::ErrorDetail => model.errors.detail.refused(id, why),
        Purpose::RowOutgoing => model.conflicts.outgoing.refused(id, why),
        Purpose::Record => record::refused(model, id, why),
        Purpose::StartPreview | Purpose::Preview => preview::failed(model, why),
        Purpose::StartForecast | Purpose::Forecast => undo::failed(model, why),
        Purpose::Chosen { typed, .. } => choice_refused(model, refusal, typed),
        Purpose::TakenBack { .. } => choice_refused(model, refusal, None),
        Purpose::StopAndLeave => model.leaving = Leaving::Now(None),
        _ => model.say(Tone::Warn, why),
    }
}

/// A choice was refused: a text that was typed is kept, and what cannot take the choice is unmarked, or one row that is gone
/// would hold up all the others.
fn choice_refused(model: &mut Model, refusal: &Refusal, typed: Option<String>) {
    let mut said = refusal.message.clone();
    if let Some((item, why)) = refusal.items.first() {
        said += &format!(" {}: {why}", item.short());
    }
    let marks = &mut model.conflicts.queue.marks;
    let marked = marks.len();
    for (item, _) in &refusal.items {
        marks.remove(item);
    }
    let gone = marked - marks.len();
    if gone > 0 {
        let records = format::count(gone as u64, "record is", "records are");
        said = format!("{records} unmarked; the same key again takes the others. {said}");
    }
    if typed.is_some() {
        model.copied = typed;
        said = format!("Not kept as a draft; Y writes the text to a file. {said}");
    }
    model.say(Tone::Warn, said);
}
