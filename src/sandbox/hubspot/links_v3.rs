//! The association batch calls of v3, which older clients use; they show only the primary company
//! (`docs/vendor/hubspot.md` 6.9).

use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::associations::none_found;
use super::batch::{frame, id_text, inputs};
use super::fault::Answer;
use super::kinds::Kind;
use super::links::pair;
use super::{Call, Portal};

impl Portal {
    /// `POST /crm/v3/associations/{from}/{to}/batch/{read,create,archive}` and `GET …/types`.
    pub(super) fn associations_v3(
        &mut self,
        call: &Call,
        from: Kind,
        to: Kind,
        rest: &[&str],
    ) -> Answer {
        let name = format!("{}_to_{}", from.row().singular, to.row().singular);
        match (call.request.method.as_str(), rest) {
            ("GET", ["types"]) => {
                let plain = pair(from, to).map(|pair| pair.plain);
                let rows: Vec<Value> = plain
                    .iter()
                    .map(|id| json!({"id": id.to_string(), "name": name}))
                    .collect();
                Ok(Response::json(200, &json!({"results": rows})))
            }
            ("POST", ["batch", "read"]) => {
                let body = call.body()?;
                let (mut results, mut errors) = (Vec::new(), Vec::new());
                for input in inputs(&body, 1_000)? {
                    let text = id_text(&input["id"]);
                    let id = text
                        .parse::<u64>()
                        .ok()
                        .map(|id| self.table(from).resolve(id));
                    let mut ids: Vec<u64> = id
                        .map(|id| self.links.of(from, id, to).map(|(id, _)| id).collect())
                        .unwrap_or_default();
                    if let Some(first) = id.and_then(|id| self.links.primary(from, id, to)) {
                        ids = vec![first];
                    }
                    if ids.is_empty() {
                        errors.push(none_found(from, to, &text));
                        continue;
                    }
                    let rows: Vec<Value> = ids
                        .iter()
                        .map(|id| json!({"id": id.to_string(), "type": name}))
                        .collect();
                    results.push(json!({"from": {"id": text}, "to": rows}));
                }
                Ok(frame(
                    call,
                    self.batch_status(200, !errors.is_empty()),
                    &results,
                    &errors,
                ))
            }
            ("POST", ["batch", verb @ ("create" | "archive")]) => {
                let body = call.body()?;
                let (mut results, mut errors) = (Vec::new(), Vec::new());
                for input in inputs(&body, 2_000)? {
                    let ends = self
                        .partner(from, &id_text(&input["from"]["id"]))
                        .and_then(|one| Ok((one, self.partner(to, &id_text(&input["to"]["id"]))?)));
                    let (one, other) = match ends {
                        Ok(ends) => ends,
                        Err(fault) => {
                            errors.push(fault.entry(None));
                            continue;
                        }
                    };
                    if *verb == "archive" {
                        self.links.untie((from, one), (to, other));
                    } else {
                        self.links.tie((from, one), (to, other), &[]);
                        results.push(json!({"from": {"id": one.to_string()}, "to": {"id": other.to_string()}, "type": name}));
                    }
                    self.after_tie(call.now, &call.by, (from, one), (to, other));
                }
                if *verb == "archive" {
                    return Ok(Response::empty(204));
                }
                Ok(frame(
                    call,
                    self.batch_status(201, !errors.is_empty()),
                    &results,
                    &errors,
                ))
            }
            _ => Err(call.no_such_path()),
        }
    }
}
