//! Single records: read, create, change, upsert, delete, with the conditional headers
//! (docs/vendor/salesforce.md 2.3, 3.1, 3.6).

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::http::{Request, Response};

use super::Org;
use super::data::Row;
use super::errors::Fault;
use super::ids;
use super::soql::eval::{View, render};
use super::soql::plan::Shape;
use super::write::Write;

/// What a call carries besides its request.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Server time.
    pub now: DateTime<Utc>,
    /// API version asked for.
    pub version: u32,
    /// The request.
    pub request: &'a Request,
}

impl Call<'_> {
    /// The request's body as an object.
    pub fn body(&self) -> Result<Map<String, Value>, Fault> {
        if let Some(kind) = self.request.header("content-type")
            && !kind.to_ascii_lowercase().starts_with("application/json")
        {
            let what = format!("Content type '{kind}' is not supported: send application/json");
            return Err(Fault::new("UNSUPPORTED_MEDIA_TYPE", what));
        }
        match self.request.json() {
            Ok(Value::Object(body)) => Ok(body),
            Ok(_) => Err(Fault::parse(
                "The HTTP entity body must be a JSON object at [line:1, column:1]",
            )),
            Err(error) => Err(Fault::parse(format!(
                "The HTTP entity body is not valid JSON: {error} at [line:{}, column:{}]",
                error.line(),
                error.column()
            ))),
        }
    }

    fn method_refused(&self, allowed: &str) -> Fault {
        let what = format!(
            "HTTP Method '{}' not allowed. Allowed are {allowed}",
            self.request.method
        );
        Fault::new("METHOD_NOT_ALLOWED", what)
    }
}

/// `Thu, 19 Nov 2026 10:00:00 GMT`
fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn read_http_date(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text.trim(), "%a, %d %b %Y %H:%M:%S GMT")
        .map(|at| at.and_utc())
        .ok()
}

impl Org {
    /// The write context of an API call.
    pub(super) fn api_write(&self, call: Call<'_>) -> Write {
        let header = call
            .request
            .header("sforce-duplicate-rule-header")
            .unwrap_or_default();
        let allow_save = header
            .split([';', ','])
            .any(|part| part.replace(' ', "").eq_ignore_ascii_case("allowSave=true"));
        Write {
            now: call.now,
            stamp: super::people::second(call.now),
            author: self.api_author(),
            allow_save,
            version: call.version,
        }
    }

    /// Everything under `/sobjects/X`, `rest` being the segments after X.
    pub(super) fn sobject(
        &mut self,
        call: Call<'_>,
        name: &str,
        rest: &[&str],
    ) -> Result<Response, Fault> {
        let object = self.data.schema.find(name).ok_or_else(Fault::not_found)?;
        let method = call.request.method.as_str();
        match (method, rest) {
            ("GET", []) => Ok(Response::json(
                200,
                &self.describe_basic(object, call.version),
            )),
            ("POST", []) | ("POST", ["Id" | "id"]) => self.create(call, object, !rest.is_empty()),
            ("GET", ["describe"]) => Ok(Response::json(200, &self.describe(object, call.version))),
            ("GET", ["updated"]) => self.updated(call.now, object, call.request),
            ("GET", ["deleted"]) => self.deleted(call.now, object, call.request),
            (_, []) => Err(call.method_refused("GET,HEAD,POST")),
            (_, [id]) => self.row(call, object, id),
            (_, [field, value @ ..]) => self.keyed_row(call, object, field, &value.join("/")),
        }
    }

    fn create(
        &mut self,
        call: Call<'_>,
        object: usize,
        as_upsert: bool,
    ) -> Result<Response, Fault> {
        let body = call.body()?;
        self.refuse_setup(object)?;
        let write = self.api_write(call);
        let id = self.create_row(&write, object, &body)?;
        let mut answer = json!({"id": id, "success": true, "errors": []});
        if as_upsert {
            answer["created"] = json!(true);
        }
        Ok(self.created(call, object, &id, &answer))
    }

    fn created(&self, call: Call<'_>, object: usize, id: &str, answer: &Value) -> Response {
        let name = self.data.schema.objects[object].name;
        let place = format!("/services/data/v{}.0/sobjects/{name}/{id}", call.version);
        Response::json(201, answer).with_header("Location", place)
    }

    /// Users and the organization are not written through this API here.
    pub(super) fn refuse_setup(&self, object: usize) -> Result<(), Fault> {
        let it = &self.data.schema.objects[object];
        if it.deletable {
            return Ok(());
        }
        let what = format!("insufficient access rights on object {}", it.name);
        Err(Fault::new("INSUFFICIENT_ACCESS_OR_READONLY", what)
            .status(403)
            .fields(Vec::<String>::new()))
    }

    /// The place of a record named in a path.
    fn named(&self, object: usize, id: &str) -> Result<usize, Fault> {
        let full = ids::canonical(id).ok_or_else(|| {
            Fault::new("MALFORMED_ID", format!("malformed id {id}")).fields(["Id"])
        })?;
        let place = self.data.tables[object].place(&full);
        place
            .filter(|place| !self.data.tables[object].rows[*place].hidden)
            .ok_or_else(Fault::not_found)
    }

    fn row(&mut self, call: Call<'_>, object: usize, id: &str) -> Result<Response, Fault> {
        let place = self.named(object, id)?;
        match call.request.method.as_str() {
            "GET" => self.read(call, object, place),
            "PATCH" => {
                let body = call.body()?;
                self.refuse_setup(object)?;
                self.check_unmodified(call, object, place)?;
                self.update_row(&self.api_write(call), object, place, &body)?;
                Ok(Response::empty(204))
            }
            "DELETE" => {
                self.delete_row(&self.api_write(call), object, place)?;
                Ok(Response::empty(204))
            }
            _ => Err(call.method_refused("DELETE,GET,HEAD,PATCH")),
        }
    }

    fn keyed_row(
        &mut self,
        call: Call<'_>,
        object: usize,
        field: &str,
        value: &str,
    ) -> Result<Response, Fault> {
        let by_id = field.eq_ignore_ascii_case("Id");
        if by_id && !value.is_empty() {
            return self.row(call, object, value);
        }
        let key = self.key_field(object, field)?;
        let found = self.by_key(object, key, value);
        let only = match found.as_slice() {
            [] => None,
            [place] => Some(*place),
            many => {
                let name = self.data.schema.objects[object].fields[key].name;
                return Err(self.ambiguous(object, many, name, call.version));
            }
        };
        match (call.request.method.as_str(), only) {
            ("GET", Some(place)) => self.read(call, object, place),
            ("DELETE", Some(place)) => {
                self.delete_row(&self.api_write(call), object, place)?;
                Ok(Response::empty(204))
            }
            ("GET" | "DELETE", None) => Err(Fault::not_found()),
            ("PATCH", _) => {
                let body = call.body()?;
                self.refuse_setup(object)?;
                self.refuse_key_in_body(object, key, &body)?;
                if let Some(place) = only {
                    self.check_unmodified(call, object, place)?;
                }
                let update_only = call.request.param("updateOnly") == Some("true");
                let write = self.api_write(call);
                let (id, created) =
                    self.upsert_row(&write, object, (key, value), &body, update_only)?;
                let answer = json!({"id": id, "success": true, "errors": [], "created": created});
                Ok(match created {
                    true => self.created(call, object, &id, &answer),
                    false if call.version < 46 => Response::empty(204),
                    false => Response::json(200, &answer),
                })
            }
            _ => Err(call.method_refused("DELETE,GET,HEAD,PATCH")),
        }
    }

    /// A field that can stand in an upsert path.
    pub(super) fn key_field(&self, object: usize, field: &str) -> Result<usize, Fault> {
        let it = &self.data.schema.objects[object];
        it.find(field)
            .filter(|place| it.fields[*place].id_lookup && it.fields[*place].indexed())
            .ok_or_else(|| {
                let what = format!(
                    "Provided external ID field does not exist or is not accessible: {field}"
                );
                Fault::new("NOT_FOUND", what)
            })
    }

    fn refuse_key_in_body(
        &self,
        object: usize,
        key: usize,
        body: &Map<String, Value>,
    ) -> Result<(), Fault> {
        let name = self.data.schema.objects[object].fields[key].name;
        let Some(found) = body.keys().find(|sent| sent.eq_ignore_ascii_case(name)) else {
            return Ok(());
        };
        let what = format!("The {found} field should not be specified in the sobject data.");
        Err(Fault::new("INVALID_FIELD", what).fields([name]))
    }

    fn read(&self, call: Call<'_>, object: usize, place: usize) -> Result<Response, Fault> {
        let row = &self.data.tables[object].rows[place];
        if row.deleted.is_some() {
            return Err(Fault::not_found());
        }
        let shapes = self.shapes(object, call.request.param("fields"))?;
        if let Some(since) = call
            .request
            .header("if-modified-since")
            .and_then(read_http_date)
            && super::people::second(row.modified) <= since
        {
            return Ok(Response::empty(304).with_header("Last-Modified", http_date(row.modified)));
        }
        let view = View {
            now: call.now,
            deleted: false,
            version: call.version,
        };
        let record = render(&self.data, object, row, &shapes, view);
        Ok(Response::json(200, &record).with_header("Last-Modified", http_date(row.modified)))
    }

    /// The fields to show: all, or those of a comma list.
    pub(super) fn shapes(&self, object: usize, fields: Option<&str>) -> Result<Vec<Shape>, Fault> {
        let it = &self.data.schema.objects[object];
        let Some(fields) = fields.filter(|list| !list.trim().is_empty()) else {
            return Ok(it.visible().map(|(place, _)| Shape::Leaf(place)).collect());
        };
        let mut shapes = Vec::new();
        for name in fields
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let Some(place) = it.find(name) else {
                let what = format!("No such column '{name}' on sobject of type {}", it.name);
                return Err(Fault::new("INVALID_FIELD", what));
            };
            if !shapes.contains(&Shape::Leaf(place)) {
                shapes.push(Shape::Leaf(place));
            }
        }
        Ok(shapes)
    }

    fn check_unmodified(&self, call: Call<'_>, object: usize, place: usize) -> Result<(), Fault> {
        let Some(text) = call.request.header("if-unmodified-since") else {
            return Ok(());
        };
        let Some(since) = read_http_date(text) else {
            let what = format!("If-Unmodified-Since is not an HTTP date: '{text}'");
            return Err(Fault::new("INVALID_HEADER", what));
        };
        let row: &Row = &self.data.tables[object].rows[place];
        if super::people::second(row.modified) <= since {
            return Ok(());
        }
        let what = format!("the record was modified at {}", http_date(row.modified));
        Err(Fault::new("PRECONDITION_FAILED", what))
    }
}
