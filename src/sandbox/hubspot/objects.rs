//! Single records: list, get, create, update, archive (`docs/vendor/hubspot.md` 3).

use std::ops::Bound;

use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::check::{Claims, How, raw_values};
use super::fault::{Answer, Fault};
use super::kinds::Kind;
use super::render::Want;
use super::{Call, Portal};

/// An association named in a create body.
pub(super) type Tie = (Kind, u64, Vec<u32>);

impl Portal {
    /// `/crm/objects/{v}/{object}/…`.
    pub(super) fn objects_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        let Some((object, rest)) = rest.split_first() else {
            return Err(call.no_such_path());
        };
        let kind = Portal::kind(object)?;
        let reading =
            call.request.method == "GET" || matches!(rest, ["search"] | ["batch", "read"]);
        self.object_scope(kind, reading)?;
        if !reading && self.locked_until.is_some_and(|until| until > call.now) {
            return Err(Fault::new(
                423,
                "LOCKED",
                "The resource is temporarily locked, try again in a few seconds.",
            ));
        }
        match (call.request.method.as_str(), rest) {
            ("GET", []) => self.list(call, kind),
            ("POST", []) => self.create(call, kind),
            ("POST", ["search"]) => self.search(call, kind),
            ("POST", ["merge"]) => self.merge_call(call, kind),
            ("POST", ["batch", verb]) => self.batch(call, kind, verb),
            (_, [id, "associations", tail @ ..]) => self.record_associations(call, kind, id, tail),
            ("GET", [id]) => self.get(call, kind, id),
            ("PATCH", [id]) => self.update(call, kind, id),
            ("DELETE", [id]) => {
                if let Some((id, _)) = id.parse().ok().and_then(|id| self.table(kind).live(id)) {
                    self.archive_record(call.now, &call.by, kind, id);
                }
                Ok(Response::empty(204))
            }
            (_, [] | ["search" | "merge"] | [_]) => Err(call.wrong_method()),
            _ => Err(call.no_such_path()),
        }
    }

    fn object_scope(&self, kind: Kind, reading: bool) -> Result<(), Fault> {
        let family = match kind {
            Kind::CONTACTS | Kind::COMPANIES | Kind::DEALS | Kind::LEADS => kind.row().plural,
            Kind::TICKETS => return self.scope("tickets"),
            _ => "contacts",
        };
        self.scope(&format!(
            "crm.objects.{family}.{}",
            if reading { "read" } else { "write" }
        ))
    }

    fn want(&self, call: &Call, kind: Kind) -> Result<Want, Fault> {
        let (asked, history) = (call.list("properties"), call.list("propertiesWithHistory"));
        let mut want = Want::new(kind, &self.table(kind).schema, &asked, &history);
        for name in call.list("associations") {
            want.associations.push(Portal::kind(&name)?);
        }
        Ok(want)
    }

    fn list(&mut self, call: &Call, kind: Kind) -> Answer {
        let want = self.want(call, kind)?;
        let limit = call.limit(10, if want.history.is_empty() { 100 } else { 50 })?;
        let archived = call.flag("archived");
        let from = match call.request.param("after") {
            None | Some("") => 0,
            Some(text) => text
                .parse::<u64>()
                .map_err(|_| Fault::invalid(format!("Invalid paging cursor: {text}")))?,
        };
        let records = self
            .table(kind)
            .records
            .range((Bound::Included(from), Bound::Unbounded));
        let mut page = Vec::with_capacity(limit);
        let mut next = None;
        for (id, record) in records.filter(|(_, record)| record.archived.is_some() == archived) {
            if page.len() == limit {
                next = Some(*id);
                break;
            }
            page.push(Value::Object(self.render(kind, *id, record, &want)));
        }
        let mut body = json!({"results": page});
        if let Some(id) = next {
            body["paging"] = call.next_page(&id.to_string());
        }
        Ok(Response::json(200, &body))
    }

    /// The id that a path segment means: a record id, or a unique value with `idProperty`.
    pub(super) fn find(
        &self,
        kind: Kind,
        text: &str,
        id_property: Option<&str>,
    ) -> Result<u64, Fault> {
        let table = self.table(kind);
        match id_property {
            None | Some("" | "hs_object_id") => {
                let id: u64 = text.parse().map_err(|_| {
                    Fault::new(
                        404,
                        "OBJECT_NOT_FOUND",
                        "Object not found.  objectId are usually numeric.",
                    )
                    .with_context("id", &[text.to_owned()])
                })?;
                Ok(table.resolve(id))
            }
            Some(name) if table.schema.is_unique(kind, name) => {
                table.holder(name, text).ok_or_else(Fault::not_found)
            }
            Some(name) => Err(Fault::invalid(format!(
                "Unable to find object by non-unique {} property {name}",
                kind.row().type_id
            ))),
        }
    }

    fn get(&mut self, call: &Call, kind: Kind, text: &str) -> Answer {
        let want = self.want(call, kind)?;
        let id = self.find(kind, text, call.request.param("idProperty"))?;
        let archived = call.flag("archived");
        match self
            .table(kind)
            .records
            .get(&id)
            .filter(|record| record.archived.is_some() == archived)
        {
            Some(record) => Ok(Response::json(
                200,
                &Value::Object(self.render(kind, id, record, &want)),
            )),
            None => Err(Fault::not_found()),
        }
    }

    fn create(&mut self, call: &Call, kind: Kind) -> Answer {
        let body = call.body()?;
        let raw = raw_values(&body["properties"])?;
        let how = How {
            dated: call.dated,
            person: false,
        };
        let checked = self.check(kind, None, &raw, how)?;
        let ties = self.ties(kind, &body["associations"])?;
        self.check_unique(kind, None, &checked.values, &mut Claims::new())?;
        let id = self.create_record(call.now, &call.by, kind, checked.values.clone());
        self.tie_all(call, kind, id, &ties);
        let Some(record) = self.table(kind).records.get(&id) else {
            return Err(Fault::not_found());
        };
        let mut out = self.render(
            kind,
            id,
            record,
            &Want::written(kind, record, &checked.values),
        );
        if !checked.warnings.is_empty() {
            out.insert("warnings".into(), json!(checked.warnings));
        }
        let location = format!(
            "{}{}/{id}",
            call.base(),
            call.request.path.trim_end_matches('/')
        );
        Ok(Response::json(201, &Value::Object(out)).with_header("Location", location))
    }

    fn update(&mut self, call: &Call, kind: Kind, text: &str) -> Answer {
        let body = call.body()?;
        let id = self.find(kind, text, call.request.param("idProperty"))?;
        if self.table(kind).live(id).is_none() {
            return Err(Fault::not_found());
        }
        let raw = raw_values(&body["properties"])?;
        let checked = self.check(
            kind,
            Some(id),
            &raw,
            How {
                dated: call.dated,
                person: false,
            },
        )?;
        self.check_unique(kind, Some(id), &checked.values, &mut Claims::new())?;
        self.update_record(call.now, &call.by, kind, id, &checked.values);
        let Some(record) = self.table(kind).records.get(&id) else {
            return Err(Fault::not_found());
        };
        let mut out = self.render(kind, id, record, &Want::written(kind, record, &raw));
        if !checked.warnings.is_empty() {
            out.insert("warnings".into(), json!(checked.warnings));
        }
        Ok(Response::json(200, &Value::Object(out)))
    }

    /// The associations of a create body, all of them good (3.10, 6.10).
    pub(super) fn ties(&self, kind: Kind, associations: &Value) -> Result<Vec<Tie>, Fault> {
        let mut ties = Vec::new();
        let bad = |id: &str| {
            Fault::invalid("One or more associations are invalid")
                .with_context("INVALID_OBJECT_IDS", &[id.to_owned()])
        };
        for entry in associations.as_array().into_iter().flatten() {
            let target = super::batch::id_text(&entry["to"]["id"]);
            let types: Vec<u32> = entry["types"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| {
                    one["associationTypeId"]
                        .as_u64()
                        .and_then(|id| u32::try_from(id).ok())
                })
                .collect();
            let found = Kind::all().find(|to| {
                types
                    .first()
                    .is_some_and(|id| self.links.allows(kind, *to, *id))
            });
            let Some(to) = found else {
                return Err(Fault::invalid(format!(
                    "Invalid association types for {}",
                    kind.row().legacy
                )));
            };
            let id: u64 = target.parse().map_err(|_| bad(&target))?;
            let (id, _) = self.table(to).live(id).ok_or_else(|| bad(&target))?;
            ties.push((to, id, types));
        }
        Ok(ties)
    }

    /// Makes the associations of a create.
    pub(super) fn tie_all(&mut self, call: &Call, kind: Kind, id: u64, ties: &[Tie]) {
        for (to, partner, types) in ties {
            self.links.tie((kind, id), (*to, *partner), types);
            self.after_tie(call.now, &call.by, (kind, id), (*to, *partner));
        }
    }
}
