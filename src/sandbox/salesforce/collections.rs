//! sObject collections: up to 200 records in one call, each with its own result (docs/vendor/salesforce.md 3.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::sandbox::http::Response;

use super::Org;
use super::data::fold;
use super::errors::Fault;
use super::ids;
use super::rows::Call;
use super::soql::eval::{View, render};
use super::write::Write;

const MAX_RECORDS: usize = 200;
const MAX_RUNS: usize = 10;
const MAX_RETRIEVE: usize = 2_000;

type Outcome = Result<(String, Option<bool>), (Option<String>, Fault)>;

fn outcome_json(outcome: &Outcome) -> Value {
    let mut row = Map::new();
    match outcome {
        Ok((id, created)) => {
            row.insert("id".into(), json!(id));
            row.insert("success".into(), json!(true));
            row.insert("errors".into(), json!([]));
            if let Some(created) = created {
                row.insert("created".into(), json!(created));
            }
        }
        Err((id, fault)) => {
            if let Some(id) = id {
                row.insert("id".into(), json!(id));
            }
            row.insert("success".into(), json!(false));
            row.insert("errors".into(), json!([fault.row_element()]));
        }
    }
    Value::Object(row)
}

fn rolled_back() -> Fault {
    let what = "Record rolled back because not all records were valid and the request was using AllOrNone header";
    Fault::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", what)
}

fn check_size(count: usize) -> Result<(), Fault> {
    if count == 0 {
        return Err(Fault::new(
            "REQUIRED_FIELD_MISSING",
            "At least 1 record is required",
        ));
    }
    if count > MAX_RECORDS {
        let what = format!(
            "record limit reached. cannot submit more than {MAX_RECORDS} records into this call"
        );
        return Err(Fault::new("EXCEEDED_ID_LIMIT", what));
    }
    Ok(())
}

/// The value under a name in any case, taken out.
fn take(record: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = record
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))?
        .clone();
    record.shift_remove(&key)
}

impl Org {
    /// Everything under `/composite/sobjects`, `rest` being the segments after it.
    pub(super) fn collections(&mut self, call: Call<'_>, rest: &[&str]) -> Result<Response, Fault> {
        match (call.request.method.as_str(), rest) {
            ("POST", []) => self.write_many(call, true),
            ("PATCH", []) => self.write_many(call, false),
            ("DELETE", []) => self.delete_many(call),
            ("PATCH", [object, field]) => self.upsert_many(call, object, field),
            ("GET" | "POST", [object]) => self.retrieve(call, object),
            _ => {
                let what = format!("HTTP Method '{}' not allowed here", call.request.method);
                Err(Fault::new("METHOD_NOT_ALLOWED", what))
            }
        }
    }

    fn list(&self, call: Call<'_>) -> Result<(bool, Vec<Map<String, Value>>), Fault> {
        let mut body = call.body()?;
        let all_or_none = body
            .get("allOrNone")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let Some(Value::Array(list)) = body.shift_remove("records") else {
            check_size(0)?;
            return Ok((all_or_none, Vec::new()));
        };
        check_size(list.len())?;
        let records: Option<Vec<_>> = list
            .into_iter()
            .map(|record| match record {
                Value::Object(record) => Some(record),
                _ => None,
            })
            .collect();
        records
            .map(|records| (all_or_none, records))
            .ok_or_else(|| Fault::parse("each of records must be a JSON object"))
    }

    /// The object of each record; mixed objects count as runs.
    fn types(&self, records: &[Map<String, Value>]) -> Result<Vec<usize>, Fault> {
        let mut types = Vec::with_capacity(records.len());
        for record in records {
            let name = record
                .get("attributes")
                .and_then(|attributes| attributes.get("type"))
                .and_then(Value::as_str)
                .unwrap_or_default();
            let object = self.data.schema.find(name).ok_or_else(|| {
                let what = if name.is_empty() {
                    "Include an entity type in the attributes of each record".to_owned()
                } else {
                    format!("sObject type '{name}' is not supported.")
                };
                Fault::new("INVALID_TYPE", what)
            })?;
            self.refuse_setup(object)?;
            types.push(object);
        }
        let runs = 1 + types.windows(2).filter(|pair| pair[0] != pair[1]).count();
        if runs > MAX_RUNS {
            let what = format!(
                "more than {MAX_RUNS} runs of objects in one call: sort the records by type"
            );
            return Err(Fault::new("LIMIT_EXCEEDED", what));
        }
        Ok(types)
    }

    /// Runs the rows in one transaction.
    fn all(
        &mut self,
        all_or_none: bool,
        count: usize,
        mut one: impl FnMut(&mut Self, usize) -> Outcome,
    ) -> Response {
        let mark = self.data.begin();
        let mut outcomes: Vec<Outcome> = (0..count).map(|place| one(self, place)).collect();
        if all_or_none && outcomes.iter().any(Result::is_err) {
            self.data.roll_back(mark);
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
                *outcome = Err((None, rolled_back()));
            }
        } else {
            self.data.commit();
        }
        let rows: Vec<Value> = outcomes.iter().map(outcome_json).collect();
        Response::json(200, &Value::Array(rows))
    }

    fn write_many(&mut self, call: Call<'_>, create: bool) -> Result<Response, Fault> {
        let (all_or_none, mut records) = self.list(call)?;
        let types = self.types(&records)?;
        let write = self.api_write(call);
        Ok(self.all(all_or_none, records.len(), |org, place| {
            let (object, record) = (types[place], &mut records[place]);
            if create {
                return org
                    .create_row(&write, object, record)
                    .map(|id| (id, None))
                    .map_err(|fault| (None, fault));
            }
            org.update_one(&write, object, record)
        }))
    }

    fn update_one(
        &mut self,
        write: &Write,
        object: usize,
        record: &mut Map<String, Value>,
    ) -> Outcome {
        let id = take(record, "id").and_then(|id| id.as_str().map(str::to_owned));
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            let what = "Id not specified in an update call";
            return Err((None, Fault::new("MISSING_ARGUMENT", what)));
        };
        let Some(full) = ids::canonical(&id) else {
            return Err((
                Some(id.clone()),
                Fault::new("MALFORMED_ID", format!("malformed id {id}")),
            ));
        };
        let done = match self.data.tables[object].place(&full) {
            Some(place) => self.update_row(write, object, place, record),
            None => Err(Fault::new(
                "INVALID_CROSS_REFERENCE_KEY",
                "invalid cross reference id",
            )),
        };
        match done {
            Ok(()) => Ok((full, None)),
            Err(fault) => Err((Some(full), fault)),
        }
    }

    fn upsert_many(
        &mut self,
        call: Call<'_>,
        object: &str,
        field: &str,
    ) -> Result<Response, Fault> {
        let object = self.data.schema.find(object).ok_or_else(Fault::not_found)?;
        self.refuse_setup(object)?;
        let by_id = field.eq_ignore_ascii_case("Id");
        let key = if by_id {
            0
        } else {
            self.key_field(object, field)?
        };
        let (all_or_none, mut records) = self.list(call)?;
        let name = self.data.schema.objects[object].fields[key].name;
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let keys: Vec<Option<String>> = records
            .iter_mut()
            .map(|record| {
                let value = take(record, name)?;
                let text = match value {
                    Value::Null => return None,
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                *seen.entry(fold(&text)).or_default() += 1;
                Some(text)
            })
            .collect();
        let write = self.api_write(call);
        Ok(self.all(all_or_none, records.len(), |org, place| {
            let record = &mut records[place];
            let Some(value) = keys[place]
                .as_deref()
                .filter(|value| !value.trim().is_empty())
            else {
                if by_id {
                    let made = org.create_row(&write, object, record);
                    return made
                        .map(|id| (id, Some(true)))
                        .map_err(|fault| (None, fault));
                }
                let what = format!("{name} not specified");
                return Err((None, Fault::new("MISSING_ARGUMENT", what).fields([name])));
            };
            if seen.get(&fold(value)).is_some_and(|times| *times > 1) {
                let what = format!("Duplicate external id specified: {value}");
                return Err((None, Fault::new("DUPLICATE_VALUE", what).fields([name])));
            }
            if by_id {
                record.insert("id".into(), json!(value));
                return org
                    .update_one(&write, object, record)
                    .map(|(id, _)| (id, Some(false)));
            }
            org.upsert_row(&write, object, (key, value), record, false)
                .map(|(id, created)| (id, Some(created)))
                .map_err(|fault| (None, fault))
        }))
    }

    fn delete_many(&mut self, call: Call<'_>) -> Result<Response, Fault> {
        let wanted: Vec<String> = call
            .request
            .param("ids")
            .unwrap_or_default()
            .split(',')
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .collect();
        check_size(wanted.len())?;
        let all_or_none = call.request.param("allOrNone") == Some("true");
        let write = self.api_write(call);
        Ok(self.all(all_or_none, wanted.len(), |org, place| {
            let id = &wanted[place];
            let Some(full) = ids::canonical(id) else {
                return Err((
                    Some(id.clone()),
                    Fault::new("MALFORMED_ID", format!("malformed id {id}")),
                ));
            };
            let found = org.data.schema.of_id(&full).and_then(|object| {
                let table = &org.data.tables[object];
                let place = table
                    .place(&full)
                    .filter(|place| !table.rows[*place].hidden)?;
                Some((object, place))
            });
            let done = match found {
                Some((object, place)) => org.delete_row(&write, object, place),
                None => Err(Fault::new(
                    "INVALID_CROSS_REFERENCE_KEY",
                    "invalid cross reference id",
                )),
            };
            match done {
                Ok(()) => Ok((full, None)),
                Err(fault) => Err((Some(full), fault)),
            }
        }))
    }

    fn retrieve(&self, call: Call<'_>, object: &str) -> Result<Response, Fault> {
        let object = self.data.schema.find(object).ok_or_else(Fault::not_found)?;
        let (wanted, fields) = if call.request.method == "GET" {
            let param = |name: &str| call.request.param(name).unwrap_or_default().to_owned();
            (param("ids"), param("fields"))
        } else {
            let body = call.body()?;
            let join = |name: &str| -> Result<String, Fault> {
                let list = body.get(name).and_then(Value::as_array);
                let list =
                    list.ok_or_else(|| Fault::parse(format!("{name} must be a list of texts")))?;
                let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                if texts.len() == list.len() {
                    Ok(texts.join(","))
                } else {
                    Err(Fault::parse(format!("{name} must be a list of texts")))
                }
            };
            (join("ids")?, join("fields")?)
        };
        let wanted: Vec<&str> = wanted
            .split(',')
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .collect();
        if wanted.is_empty() || fields.trim().is_empty() {
            let what = "ids and fields are both required";
            return Err(Fault::new("MISSING_ARGUMENT", what));
        }
        if wanted.len() > MAX_RETRIEVE {
            let what = format!(
                "record limit reached. cannot retrieve more than {MAX_RETRIEVE} records in this call"
            );
            return Err(Fault::new("EXCEEDED_ID_LIMIT", what));
        }
        let shapes = self.shapes(object, Some(&fields))?;
        let view = View {
            now: call.now,
            deleted: false,
            version: call.version,
        };
        let table = &self.data.tables[object];
        let found: Vec<Value> = wanted
            .into_iter()
            .map(|id| {
                ids::canonical(id)
                    .and_then(|id| table.place(&id))
                    .map(|place| &table.rows[place])
                    .filter(|row| row.live())
                    .map_or(Value::Null, |row| {
                        render(&self.data, object, row, &shapes, view)
                    })
            })
            .collect();
        Ok(Response::json(200, &Value::Array(found)))
    }
}
