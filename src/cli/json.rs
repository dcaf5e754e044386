//! The documents of `--json` (docs/design/product.md, Machine-readable output). Field names are stable. Pure.

use serde_json::{Map, Value as Json, json};

use super::text::{seconds, stamp};
use crate::domain::{
    CallCount, Conflict, ErrorItem, MappingCounts, Op, OpKind, PerSide, RunRecord, RunState, Side,
    SideValue, Value,
};
use crate::service::messages::{CheckLine, CheckState, Preview, RecordView, UndoForecast};

/// A value as the vendor returned it; blank, and what is not known, is null.
pub fn value(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::String(text.clone()),
        Value::Null | Value::Unknown => Json::Null,
    }
}

/// A run without its journal.
pub fn run(record: &RunRecord) -> Json {
    let mut document = json!({
        "run": record.run,
        "kind": record.kind.word(),
        "state": record.state.word(),
        "started_at": stamp(record.started_at),
        "seconds": record.ended_at.map(|end| seconds(record.started_at, end)),
        "calls": record.calls.total,
        "purposes": record.calls.purposes,
        "expected_calls": record.expected_calls,
        "mappings": record.mappings.iter().map(mapping).collect::<Vec<_>>(),
    });
    let stopped = matches!(record.state, RunState::Halted | RunState::AwaitingConfirm);
    if let Some(map) = document.as_object_mut()
        && (stopped || record.reason.is_some())
    {
        map.insert("reason".into(), json!(record.reason));
        if let Some(valve) = record.valves.first() {
            map.insert("valve".into(), json!(valve.valve));
        }
        if let Some(hash) = confirm_hash(record) {
            map.insert("confirm".into(), json!(hash));
        }
    }
    document
}

/// A run with its journal.
pub fn run_with_journal(record: &RunRecord, journal: &[Op]) -> Json {
    let mut document = run(record);
    if let Some(map) = document.as_object_mut() {
        let ops: Vec<Json> = journal.iter().map(journal_op).collect();
        map.insert("journal".into(), Json::Array(ops));
    }
    document
}

/// A run that may leave out part of what it was asked to do, with what it left out.
pub fn run_with_left_out(record: &RunRecord, left: &[Op]) -> Json {
    let mut document = run(record);
    if let Some(map) = document.as_object_mut() {
        map.insert("left_out".into(), left_out(left));
    }
    document
}

/// What was left as it is, field by field.
pub fn left_out(left: &[Op]) -> Json {
    let mut rows = Vec::new();
    for op in left {
        let row = |field: Option<&String>| {
            json!({
                "mapping": op.mapping,
                "side": op.side,
                "object": op.object,
                "record": op.target.as_ref().or(op.outcome.record.as_ref()).or(op.source.as_ref()),
                "field": field,
                "why": super::report::why_left(op),
            })
        };
        if op.fields.is_empty() || op.kind == OpKind::Create {
            rows.push(row(None));
        } else {
            rows.extend(op.fields.keys().map(|field| row(Some(field))));
        }
    }
    Json::Array(rows)
}

/// What the undo of a run would do.
pub fn undo_forecast(forecast: &UndoForecast) -> Json {
    let mappings: Vec<Json> = forecast
        .mappings
        .iter()
        .map(|one| {
            json!({
                "mapping": one.mapping,
                "would": {
                    "updated": one.put_back, "archived": one.taken_back, "held": one.left, "released": one.released,
                },
            })
        })
        .collect();
    json!({
        "kind": "undo",
        "undoes": forecast.run,
        "calls": forecast.calls.total,
        "purposes": forecast.calls.purposes,
        "forecast": { "calls": forecast.forecast, "seconds": forecast.seconds },
        "mappings": mappings,
        "left_out": left_out(&forecast.left),
    })
}

/// The hash that lets the plan through, where every valve that stopped it may be confirmed.
pub fn confirm_hash(record: &RunRecord) -> Option<&str> {
    record.plan_hash.as_deref().filter(|_| record.can_confirm())
}

fn mapping(counts: &MappingCounts) -> Json {
    json!(counts)
}

/// An op of a plan.
pub fn op(op: &Op) -> Json {
    let mut rules: Vec<&str> = Vec::new();
    let mut fields = Map::new();
    for (name, assignment) in &op.fields {
        if !rules.contains(&assignment.rule.as_str()) {
            rules.push(&assignment.rule);
        }
        let change =
            json!({ "before": value(&assignment.before), "after": value(&assignment.after) });
        fields.insert(name.clone(), change);
    }
    json!({
        "op": op.id,
        "mapping": op.mapping,
        "side": op.side,
        "object": op.object,
        "record": op.target.as_ref().or(op.outcome.record.as_ref()),
        "kind": op.kind.word(),
        "rule": rules.join(", "),
        "fields": fields,
    })
}

/// An op of a journal.
fn journal_op(one: &Op) -> Json {
    let mut document = op(one);
    if let Some(map) = document.as_object_mut() {
        map.insert("run".into(), json!(one.run));
        map.insert("state".into(), json!(one.state.word()));
        if let Some(error) = &one.outcome.error {
            let vendor = json!({ "status": error.status, "code": error.code, "text": error.text });
            map.insert("error".into(), vendor);
        }
        if let Some(why) = &one.outcome.why {
            map.insert("why".into(), json!(why));
        }
    }
    document
}

/// A preview.
pub fn preview(preview: &Preview) -> Json {
    let valves: Vec<Json> = preview
        .valves
        .iter()
        .map(|valve| {
            json!({
                "valve": valve.valve, "mapping": valve.mapping, "found": valve.found, "limit": valve.limit,
            })
        })
        .collect();
    let mappings: Vec<Json> = preview
        .mappings
        .iter()
        .map(|one| {
            json!({
                "mapping": one.mapping,
                "would": one.would,
                "samples": one.samples.iter().map(op).collect::<Vec<_>>(),
                "errors": one.errors.iter().map(error).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "kind": preview.kind.word(),
        "calls": preview.calls.total,
        "purposes": preview.calls.purposes,
        "plan_hash": preview.plan_hash,
        "valves": valves,
        "forecast": { "calls": preview.forecast, "seconds": preview.seconds },
        "mappings": mappings,
    })
}

/// A conflict or review item.
pub fn conflict(item: &Conflict) -> Json {
    let side = |one: &SideValue| {
        json!({
            "id": one.id,
            "value": value(&one.value),
            "modified_at": one.modified_at.map(stamp),
        })
    };
    let mut document = json!({
        "id": item.id,
        "mapping": item.mapping,
        "kind": item.kind.word(),
        "field": (!item.field.is_empty()).then_some(&item.field),
        "salesforce": side(&item.sides.salesforce),
        "hubspot": side(&item.sides.hubspot),
    });
    if let Some(map) = document.as_object_mut() {
        if !item.kind.is_of_field() {
            let candidates: Vec<Json> = item
                .candidates
                .iter()
                .map(|one| {
                    json!({
                        "side": one.record.side, "object": one.record.object, "id": one.record.id, "why": one.why,
                    })
                })
                .collect();
            map.insert("candidates".into(), Json::Array(candidates));
        } else {
            map.insert("base".into(), item.base.as_ref().map_or(Json::Null, value));
            map.insert("suggest".into(), json!(item.suggest.map(Side::word)));
            if !item.members.is_empty() {
                let members: Vec<Json> = item
                    .members
                    .iter()
                    .map(|one| {
                        json!({
                            "field": one.field,
                            "salesforce": value(&one.values.salesforce),
                            "hubspot": value(&one.values.hubspot),
                            "base": one.base.as_ref().map_or(Json::Null, value),
                        })
                    })
                    .collect();
                map.insert("members".into(), Json::Array(members));
            }
        }
        map.insert("state".into(), json!(item.state));
    }
    document
}

/// An error.
pub fn error(item: &ErrorItem) -> Json {
    let vendor = item.vendor.as_ref().map(|vendor| {
        json!({
            "status": vendor.status, "code": vendor.code, "text": vendor.text, "request_id": vendor.request_id,
        })
    });
    json!({
        "id": item.id,
        "mapping": item.mapping,
        "side": item.side,
        "object": item.object,
        "record": item.record.id,
        "category": item.category.word(),
        "message": item.message,
        "vendor": vendor,
        "next": item.next,
        "tries": item.tries,
        "first_seen": stamp(item.first_seen),
        "last_seen": stamp(item.last_seen),
        "run": item.run,
    })
}

/// A line of `check` or `doctor`.
pub fn check(line: &CheckLine) -> Json {
    json!({
        "check": line.check,
        "subject": line.subject,
        "state": check_word(line.state),
        "message": line.message,
        "next": line.next,
    })
}

/// The word of a check's state.
pub fn check_word(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "ok",
        CheckState::Warn => "warn",
        CheckState::Fail => "fail",
    }
}

/// Everything about one record.
pub fn record(view: &RecordView) -> Json {
    let fields: Vec<Json> = view
        .fields
        .iter()
        .map(|field| {
            json!({
                "names": field.names,
                "salesforce": value(&field.now.salesforce),
                "hubspot": value(&field.now.hubspot),
                "base": {
                    "salesforce": field.base.salesforce.as_ref().map_or(Json::Null, value),
                    "hubspot": field.base.hubspot.as_ref().map_or(Json::Null, value),
                },
                "changed": field.changed,
                "rule": field.rule,
                "verdict": field.verdict.words(),
            })
        })
        .collect();
    let side = |side: Side| {
        let now = view.sides.get(side);
        json!({
            "id": now.id,
            "state": now.seen.word(),
            "modified_at": now.modified_at.map(stamp),
            "modified_by": now.modified_by,
            "address": now.address,
        })
    };
    let link = view.link.as_ref().map(|link| {
        json!({
            "id": link.id, "salesforce": link.ids.salesforce, "hubspot": link.ids.hubspot,
            "state": link.state, "created_by": link.created_by, "created_at": stamp(link.created_at),
        })
    });
    let clauses: Vec<Json> = view
        .scope
        .iter()
        .map(|one| json!({ "clause": one.clause, "holds": one.holds }))
        .collect();
    let pending: Vec<Json> = view.pending.iter().map(conflict).collect();
    let errors: Vec<Json> = view.errors.iter().map(error).collect();
    let journal: Vec<Json> = view.journal.iter().map(journal_op).collect();
    json!({
        "why": view.why,
        "mapping": view.mapping,
        "label": view.label,
        "ids": PerSide::from_fn(|side| view.id(side)),
        "link": link,
        "scope": { "in": view.in_scope(), "clauses": clauses },
        "sides": { "salesforce": side(Side::Salesforce), "hubspot": side(Side::HubSpot) },
        "fields": fields,
        "pending": pending,
        "errors": errors,
        "journal": journal,
        "next_run_at": view.next_run_at.map(stamp),
    })
}

/// One of several records that answer to a name or address: enough to choose it by an id.
pub fn record_line(view: &RecordView) -> Json {
    json!({
        "mapping": view.mapping,
        "label": view.label,
        "ids": PerSide::from_fn(|side| view.id(side)),
        "why": view.why,
    })
}

/// All calls, both sides.
pub fn calls(count: &CallCount) -> u64 {
    count.total.salesforce.saturating_add(count.total.hubspot)
}
