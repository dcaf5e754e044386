//! The association API, dated and v4 (`docs/vendor/hubspot.md` 6).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::history::Author;
use crate::sandbox::http::Response;

use super::batch::{frame, id_text, inputs};
use super::fault::{Answer, Fault};
use super::kinds::Kind;
use super::links::pair;
use super::router::Family;
use super::{Call, Portal};

impl Portal {
    /// `/crm/associations/{v}/{from}/{to}/…`.
    pub(super) fn associations_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        if let ["definitions", "configurations", ..] = rest {
            call.only("GET")?;
            return Ok(Response::json(200, &json!({"results": []})));
        }
        let [from, to, rest @ ..] = rest else {
            return Err(call.no_such_path());
        };
        let (from, to) = (Portal::kind(from)?, Portal::kind(to)?);
        let reading = call.request.method == "GET" || rest == ["batch", "read"];
        self.association_scope(from, reading)?;
        if call.family == Family::Numbered {
            return self.associations_v3(call, from, to, rest);
        }
        match (call.request.method.as_str(), rest) {
            ("POST", ["batch", "read"]) => self.ties_read(call, from, to),
            ("POST", ["batch", "create"]) => self.ties_create(call, from, to, false),
            ("POST", ["batch", "associate", "default"]) => self.ties_create(call, from, to, true),
            ("POST", ["batch", "archive"]) => self.ties_archive(call, from, to, false),
            ("POST", ["batch", "labels", "archive"]) => self.ties_archive(call, from, to, true),
            (_, ["labels", tail @ ..]) => self.labels_call(call, from, to, tail),
            _ => Err(call.no_such_path()),
        }
    }

    fn association_scope(&self, from: Kind, reading: bool) -> Result<(), Fault> {
        let family = match from {
            Kind::COMPANIES | Kind::DEALS | Kind::LEADS => from.row().plural,
            Kind::TICKETS => return self.scope("tickets"),
            _ => "contacts",
        };
        self.scope(&format!(
            "crm.objects.{family}.{}",
            if reading { "read" } else { "write" }
        ))
    }

    /// `/crm/objects/{v}/{object}/{id}/associations/…`.
    pub(super) fn record_associations(
        &mut self,
        call: &Call,
        from: Kind,
        id: &str,
        rest: &[&str],
    ) -> Answer {
        let id = self.find(from, id, None)?;
        let (id, _) = self.table(from).live(id).ok_or_else(Fault::not_found)?;
        let method = call.request.method.as_str();
        match (method, rest) {
            ("GET", [to]) if call.family == Family::Numbered => {
                let rows = self.associated(from, id, Portal::kind(to)?);
                Ok(Response::json(200, &json!({"results": rows})))
            }
            ("GET", [to]) => {
                let to = Portal::kind(to)?;
                let limit = call.limit(500, 500)?;
                let after = call
                    .request
                    .param("after")
                    .and_then(|text| text.parse::<u64>().ok())
                    .unwrap_or(0);
                let mut all: Vec<(u64, Value)> = self.partner_rows(from, id, to);
                all.retain(|(partner, _)| *partner >= after);
                let next = all.get(limit).map(|(partner, _)| partner.to_string());
                let page: Vec<Value> = all.into_iter().take(limit).map(|(_, row)| row).collect();
                let mut body = json!({"results": page});
                if let Some(next) = next {
                    body["paging"] = call.next_page(&next);
                }
                Ok(Response::json(200, &body))
            }
            ("PUT", ["default", to, partner]) => {
                let to = Portal::kind(to)?;
                let partner = self.partner(to, partner)?;
                let both = self.tie_default(call, (from, id), (to, partner))?;
                Ok(frame(call, 200, &both, &[]))
            }
            ("PUT", [to, partner]) => {
                let to = Portal::kind(to)?;
                let partner = self.partner(to, partner)?;
                let types = self.types(from, to, &call.body()?)?;
                let row = self.tie_labelled(call, (from, id), (to, partner), &types)?;
                Ok(Response::json(201, &row))
            }
            ("PUT", [to, partner, name]) => {
                let to = Portal::kind(to)?;
                let partner = self.partner(to, partner)?;
                let plain = pair(from, to).ok_or_else(|| no_pair(from, to))?;
                let types = match name.parse::<u32>() {
                    Ok(type_id) if self.links.allows(from, to, type_id) => vec![type_id],
                    Ok(_) => return Err(wrong_direction(from, to)),
                    Err(_) if name.ends_with("_unlabeled") => vec![plain.plain],
                    Err(_) => vec![plain.primary.unwrap_or(plain.plain)],
                };
                self.tie_labelled(call, (from, id), (to, partner), &types)?;
                self.get_record(from, id)
            }
            ("DELETE", [to, partner] | [to, partner, _]) => {
                let to = Portal::kind(to)?;
                if let Ok(partner) = partner.parse::<u64>() {
                    let partner = self.table(to).resolve(partner);
                    self.links.untie((from, id), (to, partner));
                    self.after_tie(call.now, &call.by, (from, id), (to, partner));
                }
                Ok(Response::empty(204))
            }
            _ => Err(call.wrong_method()),
        }
    }

    fn get_record(&self, kind: Kind, id: u64) -> Answer {
        let table = self.table(kind);
        let record = table.records.get(&id).ok_or_else(Fault::not_found)?;
        let want = super::render::Want::new(kind, &table.schema, &[], &[]);
        Ok(Response::json(
            200,
            &Value::Object(self.render(kind, id, record, &want)),
        ))
    }

    /// A partner that exists, or the 400 of 6.10.
    pub(super) fn partner(&self, kind: Kind, text: &str) -> Result<u64, Fault> {
        let id = text.parse::<u64>().map_err(|_| {
            Fault::invalid(format!("{text} is not a valid ID"))
                .sub("crm.associations.INVALID_IDENTIFIER")
                .with_context("id", &[text.to_owned()])
        })?;
        self.table(kind).live(id).map(|(id, _)| id).ok_or_else(|| {
            Fault::invalid("One or more associations are invalid")
                .with_context("INVALID_OBJECT_IDS", &[text.to_owned()])
        })
    }

    /// The type ids of a labels body, all usable in that direction.
    fn types(&self, from: Kind, to: Kind, body: &Value) -> Result<Vec<u32>, Fault> {
        let mut types = Vec::new();
        for one in body.as_array().into_iter().flatten() {
            let type_id = one["associationTypeId"]
                .as_u64()
                .and_then(|id| u32::try_from(id).ok())
                .unwrap_or(0);
            if !self.links.allows(from, to, type_id) {
                return Err(wrong_direction(from, to));
            }
            types.push(type_id);
        }
        if types.is_empty() {
            Err(Fault::invalid("At least one association type is required"))
        } else {
            Ok(types)
        }
    }

    /// Ties by the unlabelled type; gives both directions as the default call answers them.
    fn tie_default(
        &mut self,
        call: &Call,
        from: (Kind, u64),
        to: (Kind, u64),
    ) -> Result<Vec<Value>, Fault> {
        if from == to {
            return Err(itself(from.1));
        }
        let there = pair(from.0, to.0).ok_or_else(|| no_pair(from.0, to.0))?;
        self.links.tie(from, to, &[there.plain]);
        self.after_tie(call.now, &call.by, from, to);
        let row = |from: u64, to: u64, type_id: u32| {
            json!({"from": {"id": from.to_string()}, "to": {"id": to.to_string()},
                   "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}})
        };
        let mut both = vec![row(from.1, to.1, there.plain)];
        both.extend(pair(to.0, from.0).map(|back| row(to.1, from.1, back.plain)));
        Ok(both)
    }

    /// Ties by labels: those not named are replaced (6.2).
    fn tie_labelled(
        &mut self,
        call: &Call,
        from: (Kind, u64),
        to: (Kind, u64),
        types: &[u32],
    ) -> Result<Value, Fault> {
        if from == to {
            return Err(itself(from.1));
        }
        let plain = pair(from.0, to.0).map(|pair| pair.plain);
        let old: Vec<u32> = self
            .links
            .of(from.0, from.1, to.0)
            .filter(|(id, _)| *id == to.1)
            .flat_map(|(_, have)| have.iter().copied())
            .filter(|have| !types.contains(have) && Some(*have) != plain)
            .collect();
        self.links.unlabel(from, to, &old);
        self.links.tie(from, to, types);
        self.after_tie(call.now, &call.by, from, to);
        let labels: Vec<&str> = types
            .iter()
            .filter_map(|type_id| self.links.text(from.0, to.0, *type_id))
            .collect();
        Ok(
            json!({"fromObjectTypeId": from.0.row().type_id, "fromObjectId": self.wire_id(from.1),
               "toObjectTypeId": to.0.row().type_id, "toObjectId": self.wire_id(to.1), "labels": labels}),
        )
    }

    /// What a change of associations brings along: the contact's own copy of its primary company.
    pub(super) fn after_tie(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        from: (Kind, u64),
        to: (Kind, u64),
    ) {
        for (one, other) in [(from, to), (to, from)] {
            if one.0 == Kind::CONTACTS && other.0 == Kind::COMPANIES {
                self.mirror_company(now, by, one.1);
            }
        }
    }

    fn wire_id(&self, id: u64) -> Value {
        if self.settings.association_ids_as_text {
            json!(id.to_string())
        } else {
            json!(id)
        }
    }

    /// A record's partners with their types, by id.
    fn partner_rows(&self, from: Kind, id: u64, to: Kind) -> Vec<(u64, Value)> {
        let partners = self.links.of(from, id, to);
        partners
            .map(|(partner, types)| {
                let types: Vec<Value> = types
                    .iter()
                    .map(|type_id| {
                        let made = self.links.labels.iter().any(|label| label.type_id == *type_id);
                        json!({"category": if made { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }, "typeId": type_id,
                               "label": self.links.text(from, to, *type_id)})
                    })
                    .collect();
                (partner, json!({"toObjectId": self.wire_id(partner), "associationTypes": types}))
            })
            .collect()
    }

    fn ties_read(&mut self, call: &Call, from: Kind, to: Kind) -> Answer {
        let body = call.body()?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs(&body, 1_000)? {
            let text = id_text(&input["id"]);
            let id = text
                .parse::<u64>()
                .ok()
                .map(|id| self.table(from).resolve(id));
            let rows = id
                .map(|id| self.partner_rows(from, id, to))
                .unwrap_or_default();
            if rows.is_empty() {
                errors.push(none_found(from, to, &text));
                continue;
            }
            let rows: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
            results.push(json!({"from": {"id": text}, "to": rows}));
        }
        let status = self.batch_status(200, !errors.is_empty());
        Ok(frame(call, status, &results, &errors))
    }

    fn ties_create(&mut self, call: &Call, from: Kind, to: Kind, default: bool) -> Answer {
        let body = call.body()?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs(&body, 2_000)? {
            let made = self.tie_input(call, from, to, input, default);
            match made {
                Ok(rows) => results.extend(rows),
                Err(fault) => errors.push(fault.entry(None)),
            }
        }
        let good = if default || call.family == Family::Dated {
            200
        } else {
            201
        };
        Ok(frame(
            call,
            self.batch_status(good, !errors.is_empty()),
            &results,
            &errors,
        ))
    }

    fn tie_input(
        &mut self,
        call: &Call,
        from: Kind,
        to: Kind,
        input: &Value,
        default: bool,
    ) -> Result<Vec<Value>, Fault> {
        let one = self.partner(from, &id_text(&input["from"]["id"]))?;
        let other = self.partner(to, &id_text(&input["to"]["id"]))?;
        if default {
            return self.tie_default(call, (from, one), (to, other));
        }
        let types = self.types(from, to, &input["types"])?;
        let row = self.tie_labelled(call, (from, one), (to, other), &types)?;
        Ok(vec![row])
    }

    fn ties_archive(&mut self, call: &Call, from: Kind, to: Kind, labels: bool) -> Answer {
        let body = call.body()?;
        for input in inputs(&body, 2_000)? {
            let Ok(one) = id_text(&input["from"]["id"]).parse::<u64>() else {
                continue;
            };
            let one = self.table(from).resolve(one);
            let targets: Vec<&Value> = match &input["to"] {
                Value::Array(list) => list.iter().collect(),
                single => vec![single],
            };
            for target in targets {
                let Ok(other) = id_text(&target["id"]).parse::<u64>() else {
                    continue;
                };
                let other = self.table(to).resolve(other);
                if labels {
                    let types = self.types(from, to, &input["types"])?;
                    self.links.unlabel((from, one), (to, other), &types);
                } else {
                    self.links.untie((from, one), (to, other));
                }
                self.after_tie(call.now, &call.by, (from, one), (to, other));
            }
        }
        Ok(Response::empty(if call.family == Family::Dated {
            200
        } else {
            204
        }))
    }
}

/// "Nothing associated" comes as an error entry (6.4).
pub(super) fn none_found(from: Kind, to: Kind, id: &str) -> Value {
    let (from, to) = (from.row().singular, to.row().singular);
    json!({"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
           "message": format!("No {to} is associated with {from} {id}."),
           "context": {"fromObjectId": [id], "fromObjectType": [from], "toObjectType": [to]}})
}

pub(super) fn no_pair(from: Kind, to: Kind) -> Fault {
    let names: BTreeSet<&str> = [from.row().type_id, to.row().type_id].into();
    Fault::invalid(format!(
        "No association types exist between object types {names:?}"
    ))
}

fn wrong_direction(from: Kind, to: Kind) -> Fault {
    Fault::invalid(format!(
        "invalid from object type {} for associations to be created. expected: {}",
        from.row().type_id,
        to.row().type_id
    ))
}

fn itself(id: u64) -> Fault {
    Fault::invalid(format!("Object {id} cannot be associated to itself ({id})"))
}
