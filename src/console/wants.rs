//! What the panes on the screen lack, asked for: derived from the model after each message, so that nothing is forgotten.

use chrono::{DateTime, Duration, Utc};

use super::layout::{self, Room};
use super::list::{ListPane, Row};
use super::model::{Model, QUIET_WAIT_MS};
use super::msg::{Effect, ListName, Purpose};
use super::screens::{ScreenId, conflicts, errors, runs};
use crate::service::messages::{ListQuery, Request};

/// A query for a whole list, as marking all needs it.
pub fn whole<R: Row>(list: &ListPane<R>) -> ListQuery {
    ListQuery {
        list: list.kind.clone(),
        filter: list.filter.clone(),
        sort: list.sort.clone(),
        from: 0,
        count: 0,
        locate: None,
    }
}

/// Asks for one list, if it lacks something.
fn ask_list<R: Row>(
    model: &mut Model,
    name: ListName,
    list: fn(&mut Model) -> &mut ListPane<R>,
    out: &mut Vec<Effect>,
) {
    let now = model.now;
    let Some(query) = list(model).wanted(now) else {
        return;
    };
    let id = model.next_id();
    list(model).asked(id, &query, now);
    out.push(model.ask(Purpose::List(name), Request::List(query)));
}

/// Asks for all that is lacking.
pub fn ask(model: &mut Model) -> Vec<Effect> {
    let mut out = Vec::new();
    if !model.connected {
        return out;
    }
    let now = model.now;
    let room = layout::room(model.area);
    // The mappings are always kept fresh: other screens name them, and "needs you" reads them.
    if model.mappings.list.wanted(now) {
        let id = model.next_id();
        model.mappings.list.pending = Some((id, now));
        model.mappings.list.stale = false;
        out.push(model.ask(Purpose::Mappings, Request::Mappings));
    }
    match model.screen {
        ScreenId::Mappings => ask_mappings(model, room, &mut out),
        ScreenId::Live => {}
        ScreenId::Conflicts => ask_conflicts(model, room, &mut out),
        ScreenId::Errors => {
            ask_list(
                model,
                ListName::Causes,
                |model| &mut model.errors.causes,
                &mut out,
            );
            if model.errors.causes.selected.is_some() && errors::shows_records(model) {
                ask_list(
                    model,
                    ListName::ErrorRecords,
                    |model| &mut model.errors.records,
                    &mut out,
                );
            }
            let item = model.errors.records.current().map(|item| item.id);
            if let Some(item) = item
                && errors::shows_one(model)
                && model.errors.detail.wants(&item, now)
            {
                model.errors.detail.asked(model.next_id(), item, now);
                out.push(model.ask(Purpose::ErrorDetail, Request::Error { item }));
            }
        }
        ScreenId::Runs => {
            ask_list(
                model,
                ListName::Runs,
                |model| &mut model.runs.runs,
                &mut out,
            );
            if model.runs.runs.selected.is_some() && runs::shows_journal(model) {
                ask_list(
                    model,
                    ListName::Journal,
                    |model| &mut model.runs.journal,
                    &mut out,
                );
            }
        }
    }
    out
}

fn ask_mappings(model: &mut Model, room: Room, out: &mut Vec<Effect>) {
    let now = model.now;
    let opened = model.mappings.focus == super::screens::mappings::Focus::Detail;
    if room >= Room::Wide {
        ask_list(
            model,
            ListName::Activity,
            |model| &mut model.mappings.activity,
            out,
        );
    }
    if (room >= Room::Wide || opened)
        && let Some(mapping) = model.mappings.list.selected.clone()
        && model.mappings.detail.wants(&mapping, now)
    {
        model
            .mappings
            .detail
            .asked(model.next_id(), mapping.clone(), now);
        out.push(model.ask(Purpose::MappingDetail, Request::Mapping { mapping }));
    }
}

fn ask_conflicts(model: &mut Model, room: Room, out: &mut Vec<Effect>) {
    let now = model.now;
    ask_list(
        model,
        ListName::Queue,
        |model| &mut model.conflicts.queue,
        out,
    );
    // Only what is there is read: the key may be of a row that is on its way.
    let Some(key) = model.conflicts.queue.current().map(|row| row.key) else {
        return;
    };
    if (room >= Room::Wide || model.conflicts.opened) && model.conflicts.detail.wants(&key, now) {
        model.conflicts.detail.asked(model.next_id(), key, now);
        out.push(model.ask(Purpose::Conflict, Request::Conflict { key }));
    }
    if conflicts::shows_history(model) && model.conflicts.history.wants(&key, now) {
        model.conflicts.history.asked(model.next_id(), key, now);
        out.push(model.ask(Purpose::History, Request::History { key }));
    }
    if room >= Room::Wide && model.conflicts.outgoing.wants(&key, now) {
        model.conflicts.outgoing.asked(model.next_id(), key, now);
        out.push(model.ask(Purpose::RowOutgoing, Request::Outgoing { key: Some(key) }));
    }
}

/// The moments at which something on the screen wants to be asked again, or a wait becomes visible.
pub fn due(model: &Model) -> Vec<DateTime<Utc>> {
    let now = model.now;
    let mut out = Vec::new();
    let wait = |since: Option<DateTime<Utc>>, out: &mut Vec<DateTime<Utc>>| {
        let Some(since) = since else { return };
        let quiet = since + Duration::milliseconds(QUIET_WAIT_MS);
        // First the moment at which the wait is shown at all, then each full second of it.
        out.push(if now < quiet {
            quiet
        } else {
            since + Duration::seconds((now - since).num_seconds() + 1)
        });
    };
    fn list<R: Row>(list: &ListPane<R>, out: &mut Vec<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        out.extend(list.due_at());
        list.pending.as_ref().map(|pending| pending.since)
    }
    out.extend(model.mappings.list.due_at());
    wait(
        model.mappings.list.pending.map(|(_, since)| since),
        &mut out,
    );
    let waits: Vec<Option<DateTime<Utc>>> = match model.screen {
        ScreenId::Mappings => {
            out.extend(model.mappings.detail.due_at());
            let since = if layout::room(model.area) >= Room::Wide {
                list(&model.mappings.activity, &mut out)
            } else {
                None
            };
            vec![since, model.mappings.detail.waiting()]
        }
        ScreenId::Live => Vec::new(),
        ScreenId::Conflicts => {
            out.extend(model.conflicts.detail.due_at());
            out.extend(model.conflicts.history.due_at());
            out.extend(model.conflicts.outgoing.due_at());
            vec![
                list(&model.conflicts.queue, &mut out),
                model.conflicts.detail.waiting(),
                model.conflicts.history.waiting(),
                model.conflicts.outgoing.waiting(),
            ]
        }
        ScreenId::Errors => {
            let inner = if errors::shows_records(model) {
                list(&model.errors.records, &mut out)
            } else {
                None
            };
            out.extend(model.errors.detail.due_at());
            vec![
                list(&model.errors.causes, &mut out),
                inner,
                model.errors.detail.waiting(),
            ]
        }
        ScreenId::Runs => {
            let inner = if runs::shows_journal(model) {
                list(&model.runs.journal, &mut out)
            } else {
                None
            };
            vec![list(&model.runs.runs, &mut out), inner]
        }
    };
    for since in waits {
        wait(since, &mut out);
    }
    out
}
