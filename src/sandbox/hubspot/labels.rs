//! Association labels that the portal's people make (`docs/vendor/hubspot.md` 6.7).

use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::associations::no_pair;
use super::fault::{Answer, Fault};
use super::kinds::Kind;
use super::links::{Label, pair};
use super::{Call, Portal};

/// First id of labels made in the portal.
const FIRST_LABEL: u32 = 55;

impl Portal {
    /// `…/{from}/{to}/labels`.
    pub(super) fn labels_call(
        &mut self,
        call: &Call,
        from: Kind,
        to: Kind,
        rest: &[&str],
    ) -> Answer {
        match (call.request.method.as_str(), rest) {
            ("GET", []) => {
                let plain = pair(from, to).ok_or_else(|| no_pair(from, to))?;
                let mut rows = vec![
                    json!({"category": "HUBSPOT_DEFINED", "typeId": plain.plain, "label": null}),
                ];
                rows.extend(plain.primary.map(|id| {
                    let label = self.links.text(from, to, id);
                    json!({"category": "HUBSPOT_DEFINED", "typeId": id, "label": label})
                }));
                let made = self
                    .links
                    .labels
                    .iter()
                    .filter(|label| (label.from, label.to) == (from, to));
                rows.extend(made.map(|label| {
                    json!({"category": "USER_DEFINED", "typeId": label.type_id, "label": label.label})
                }));
                Ok(Response::json(200, &json!({"results": rows})))
            }
            ("POST", []) => self.make_label(from, to, &call.body()?),
            ("PUT", []) => {
                let body = call.body()?;
                let type_id = body["associationTypeId"].as_u64().unwrap_or(0);
                let inverse = self.label_of(from, to, type_id)?.inverse;
                self.rename_label(type_id, &body["label"]);
                self.rename_label(u64::from(inverse), &body["inverseLabel"]);
                Ok(Response::empty(204))
            }
            ("DELETE", [id]) => {
                let type_id = id.parse().map_err(|_| Fault::not_found())?;
                let label = self.label_of(from, to, type_id)?.clone();
                self.links.forget(&label);
                Ok(Response::empty(204))
            }
            _ => Err(call.wrong_method()),
        }
    }

    fn label_of(&self, from: Kind, to: Kind, type_id: u64) -> Result<&Label, Fault> {
        let mut labels = self.links.labels.iter();
        labels
            .find(|label| {
                (label.from, label.to) == (from, to) && u64::from(label.type_id) == type_id
            })
            .ok_or_else(Fault::not_found)
    }

    fn rename_label(&mut self, type_id: u64, text: &Value) {
        let mut labels = self.links.labels.iter_mut();
        if let Some(label) = labels.find(|label| u64::from(label.type_id) == type_id)
            && let Some(text) = text.as_str()
        {
            text.clone_into(&mut label.label);
        }
    }

    fn make_label(&mut self, from: Kind, to: Kind, body: &Value) -> Answer {
        let (Some(name), Some(label)) = (body["name"].as_str(), body["label"].as_str()) else {
            return Err(Fault::invalid("name and label are required"));
        };
        let of_pair = self
            .links
            .labels
            .iter()
            .filter(|label| (label.from, label.to) == (from, to));
        if of_pair.clone().count() >= 10 {
            return Err(Fault::invalid(
                "At most 10 labels are allowed between two objects",
            ));
        }
        if of_pair.clone().any(|label| label.name == name) {
            return Err(Fault::new(
                409,
                "OBJECT_ALREADY_EXISTS",
                format!("An association label named {name} exists"),
            ));
        }
        let type_id = FIRST_LABEL + self.links.labels_made;
        self.links.labels_made += 2;
        let back = body["inverseLabel"].as_str().unwrap_or(label);
        let made = |from, to, type_id, label: &str, inverse| Label {
            from,
            to,
            type_id,
            name: name.to_owned(),
            label: label.to_owned(),
            inverse,
        };
        self.links
            .labels
            .push(made(from, to, type_id, label, type_id + 1));
        self.links
            .labels
            .push(made(to, from, type_id + 1, back, type_id));
        let rows = json!([{"category": "USER_DEFINED", "typeId": type_id, "label": label},
                          {"category": "USER_DEFINED", "typeId": type_id + 1, "label": back}]);
        Ok(Response::json(200, &json!({"results": rows})))
    }
}
