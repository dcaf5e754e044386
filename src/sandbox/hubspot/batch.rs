//! Batch read, create, update, upsert and archive (`docs/vendor/hubspot.md` 3.16 to 3.24).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::sandbox::http::Response;

use super::check::{Checked, Claims, How, raw_values};
use super::fault::{Answer, Fault};
use super::index::Fields;
use super::kinds::Kind;
use super::objects::Tie;
use super::render::Want;
use super::text::{instant, shuffle};
use super::{Call, Portal};

/// Inputs per call.
const MOST: usize = 100;

/// An id in a body: text, or a number as some clients send it.
pub(super) fn id_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// An input that may be carried out.
struct Ready {
    /// The record to change; `None` makes one.
    id: Option<u64>,
    raw: Fields,
    checked: Checked,
    ties: Vec<Tie>,
}

/// The `inputs` of a body, at most `most`.
pub(super) fn inputs(body: &Value, most: usize) -> Result<&Vec<Value>, Fault> {
    let list = body["inputs"].as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| Fault::invalid("inputs must not be empty"))?;
    if list.len() > most {
        let message = format!(
            "Too many inputs: at most {most} are allowed in one batch, but there were {}",
            list.len()
        );
        return Err(Fault::invalid(message));
    }
    Ok(list)
}

/// The frame of a batch answer.
pub(super) fn frame(call: &Call, status: u16, results: &[Value], errors: &[Value]) -> Response {
    let mut body = json!({"status": "COMPLETE", "results": results, "startedAt": instant(call.now),
                          "completedAt": instant(call.now)});
    if !errors.is_empty() {
        body["numErrors"] = json!(errors.len());
        body["errors"] = json!(errors);
    }
    Response::json(status, &body)
}

impl Portal {
    /// The status of a batch answer: `good`, or 207 when something failed (1.8).
    pub(super) fn batch_status(&self, good: u16, failed: bool) -> u16 {
        match (failed, self.settings.partial_status_207) {
            (false, _) => good,
            (true, true) => 207,
            (true, false) => 200,
        }
    }

    /// `POST …/batch/{verb}`.
    pub(super) fn batch(&mut self, call: &Call, kind: Kind, verb: &str) -> Answer {
        let body = call.body()?;
        match verb {
            "read" => self.batch_read(call, kind, &body),
            "archive" => {
                let ids: Vec<u64> = inputs(&body, MOST)?
                    .iter()
                    .filter_map(|input| id_text(&input["id"]).parse().ok())
                    .collect();
                for id in ids {
                    if let Some((id, _)) = self.table(kind).live(id) {
                        self.archive_record(call.now, &call.by, kind, id);
                    }
                }
                Ok(Response::empty(204))
            }
            "create" | "update" | "upsert" => {
                self.batch_write(call, kind, verb, inputs(&body, MOST)?)
            }
            _ => Err(call.no_such_path()),
        }
    }

    fn batch_read(&mut self, call: &Call, kind: Kind, body: &Value) -> Answer {
        let names = |key: &str| -> Vec<String> {
            body[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(String::from))
                .collect()
        };
        let history = names("propertiesWithHistory");
        let list = inputs(body, if history.is_empty() { MOST } else { 50 })?;
        let property = body["idProperty"]
            .as_str()
            .filter(|name| !name.is_empty() && *name != "hs_object_id");
        let archived = call.flag("archived");
        let want = Want::new(
            kind,
            &self.table(kind).schema,
            &names("properties"),
            &history,
        );
        let mut asked = BTreeSet::new();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for input in list {
            let text = id_text(&input["id"]);
            if !asked.insert(text.clone()) {
                continue;
            }
            let id = match self.find(kind, &text, property) {
                Ok(id) => id,
                Err(fault) if fault.status == 400 => return Err(fault),
                Err(_) => {
                    missing.push(text);
                    continue;
                }
            };
            match self
                .table(kind)
                .records
                .get(&id)
                .filter(|record| record.archived.is_some() == archived)
            {
                Some(record) => {
                    found.push((id, Value::Object(self.render(kind, id, record, &want))))
                }
                None => missing.push(text),
            }
        }
        shuffle(&mut found, |(id, _)| *id);
        let results: Vec<Value> = found.into_iter().map(|(_, value)| value).collect();
        let mut errors = Vec::new();
        if !missing.is_empty() {
            let legacy = kind.row().legacy;
            let fault = Fault::new(
                207,
                "OBJECT_NOT_FOUND",
                format!(
                    "Could not get some {legacy} objects, they may be deleted or not exist. Check that ids are valid."
                ),
            );
            let key = if property.is_some() {
                "missingObjectPropertyValueCoordinates"
            } else {
                "ids"
            };
            errors.push(fault.with_context(key, &missing).entry(None));
        }
        let status = self.batch_status(200, !errors.is_empty());
        Ok(frame(call, status, &results, &errors))
    }

    fn batch_write(&mut self, call: &Call, kind: Kind, verb: &str, list: &[Value]) -> Answer {
        refuse_twins(verb, list)?;
        let traces: Vec<Option<&str>> = list
            .iter()
            .map(|input| input["objectWriteTraceId"].as_str())
            .collect();
        let distinct: BTreeSet<&str> = traces.iter().copied().flatten().collect();
        let traced = distinct.len() == list.len();
        let mut claims = Claims::new();
        let mut results: Vec<(u64, Value)> = Vec::new();
        let mut errors: Vec<Value> = Vec::new();
        if traced {
            for (input, trace) in list.iter().zip(traces) {
                let ready = self.ready(call, kind, verb, input, &mut Claims::new());
                match ready {
                    Ok(ready) => results.push(self.carry_out(call, kind, verb, ready, trace)),
                    Err(fault) => errors.push(fault.entry(trace)),
                }
            }
        } else {
            let mut all = Vec::with_capacity(list.len());
            for input in list {
                all.push(self.ready(call, kind, verb, input, &mut claims)?);
            }
            for (ready, trace) in all.into_iter().zip(traces) {
                results.push(self.carry_out(call, kind, verb, ready, trace));
            }
        }
        shuffle(&mut results, |(id, _)| *id);
        let results: Vec<Value> = results.into_iter().map(|(_, value)| value).collect();
        let good = if verb == "create" { 201 } else { 200 };
        Ok(frame(
            call,
            self.batch_status(good, !errors.is_empty()),
            &results,
            &errors,
        ))
    }

    /// Checks one input against the portal as it is.
    fn ready(
        &self,
        call: &Call,
        kind: Kind,
        verb: &str,
        input: &Value,
        claims: &mut Claims,
    ) -> Result<Ready, Fault> {
        let mut raw = raw_values(&input["properties"])?;
        let property = input["idProperty"]
            .as_str()
            .filter(|name| !name.is_empty() && *name != "hs_object_id");
        let text = id_text(&input["id"]);
        let id = match verb {
            "create" => None,
            "update" => Some(self.batch_target(kind, &text, property)?),
            _ => self.upsert_target(kind, &text, property, &mut raw)?,
        };
        let checked = self.check(
            kind,
            id,
            &raw,
            How {
                dated: call.dated,
                person: false,
            },
        )?;
        let ties = if verb == "create" {
            self.ties(kind, &input["associations"])?
        } else {
            Vec::new()
        };
        self.check_unique(kind, id, &checked.values, claims)?;
        Ok(Ready {
            id,
            raw,
            checked,
            ties,
        })
    }

    fn batch_target(&self, kind: Kind, text: &str, property: Option<&str>) -> Result<u64, Fault> {
        if let Some(name) = property
            && (name == "email" || !self.table(kind).schema.is_unique(kind, name))
        {
            return Err(non_unique(kind));
        }
        let gone = || {
            let legacy = kind.row().legacy;
            Fault::new(
                404,
                "OBJECT_NOT_FOUND",
                format!("Could not get some {legacy} objects, they may be deleted or not exist. Check that ids are valid."),
            )
            .with_context("ids", &[text.to_owned()])
        };
        let id = self.find(kind, text, property).map_err(|_| gone())?;
        self.table(kind).live(id).map(|(id, _)| id).ok_or_else(gone)
    }

    fn upsert_target(
        &self,
        kind: Kind,
        text: &str,
        property: Option<&str>,
        raw: &mut Fields,
    ) -> Result<Option<u64>, Fault> {
        let Some(name) = property else {
            return self.batch_target(kind, text, None).map(Some);
        };
        let table = self.table(kind);
        if !table.schema.is_unique(kind, name) {
            return Err(non_unique(kind));
        }
        if text.is_empty() {
            return Err(Fault::invalid(format!(
                "A value for {name} must be provided"
            )));
        }
        let holder = table.holder(name, text);
        if holder.is_none() {
            raw.entry(name.to_owned())
                .or_insert_with(|| text.to_owned());
        }
        Ok(holder)
    }

    fn carry_out(
        &mut self,
        call: &Call,
        kind: Kind,
        verb: &str,
        ready: Ready,
        trace: Option<&str>,
    ) -> (u64, Value) {
        let Ready {
            id,
            raw,
            checked,
            ties,
        } = ready;
        let new = id.is_none();
        let id = match id {
            Some(id) => {
                self.update_record(call.now, &call.by, kind, id, &checked.values);
                id
            }
            None => self.create_record(call.now, &call.by, kind, checked.values.clone()),
        };
        self.tie_all(call, kind, id, &ties);
        let record = self.table(kind).records.get(&id);
        let mut out = record.map_or_else(Map::new, |record| {
            self.render(
                kind,
                id,
                record,
                &Want::written(kind, record, if new { &checked.values } else { &raw }),
            )
        });
        if let Some(trace) = trace {
            out.insert("objectWriteTraceId".into(), json!(trace));
        }
        if verb == "upsert" {
            out.insert("new".into(), json!(new));
        }
        if !checked.warnings.is_empty() {
            out.insert("warnings".into(), json!(checked.warnings));
        }
        (id, Value::Object(out))
    }
}

fn non_unique(kind: Kind) -> Fault {
    Fault::invalid(format!(
        "Unable to perform update/upsert by non-unique {} property",
        kind.row().type_id
    ))
}

/// The same id twice in one batch (3.22).
fn refuse_twins(verb: &str, list: &[Value]) -> Result<(), Fault> {
    if verb == "create" {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    let mut twice: Vec<String> = Vec::new();
    for input in list {
        let id = id_text(&input["id"]);
        if !seen.insert(id.to_lowercase()) && !twice.contains(&id) {
            twice.push(id);
        }
    }
    if twice.is_empty() {
        return Ok(());
    }
    let names = twice.join(", ");
    Err(Fault::invalid(format!(
        "Duplicate IDs found in batch input: [{names}]. IDs must be unique"
    ))
    .with_context("ids", &twice))
}
