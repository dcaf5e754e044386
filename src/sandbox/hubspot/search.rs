//! Search: caps, the lagging index, paging (`docs/vendor/hubspot.md` 4).

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::fault::{Answer, Fault};
use super::filter::{Filter, Group, sort_key};
use super::index::{Doc, Index};
use super::kinds::Kind;
use super::render::Want;
use super::text::parse_instant;
use super::{Call, Portal};

/// Results that one query can reach.
const MOST: usize = 10_000;
/// Longest body in characters.
const BODY: usize = 3_000;

impl Portal {
    /// `POST …/search`.
    pub(super) fn search(&mut self, call: &Call, kind: Kind) -> Answer {
        self.table_mut(kind).index.advance(call.now);
        let body = call.body()?;
        if String::from_utf8_lossy(&call.request.body).chars().count() > BODY {
            return Err(Fault::invalid(format!(
                "The request body must not be longer than {BODY} characters"
            )));
        }
        let limit = number(&body["limit"], 10)?;
        if !(1..=200).contains(&limit) {
            return Err(Fault::invalid(format!(
                "The limit must be between 1 and 200, but was {limit}"
            )));
        }
        let after = number(&body["after"], 0)?;
        if after >= MOST {
            return Err(Fault::invalid(format!(
                "The search cannot go past {MOST} results: after was {after}. Narrow the search instead."
            )));
        }
        let groups = self.groups(kind, &body)?;
        let table = self.table(kind);
        let mut found = self.matching(kind, &groups, body["query"].as_str());
        self.order(kind, &body["sorts"], &mut found)?;
        let asked: Vec<String> = body["properties"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(String::from))
            .collect();
        let want = Want::new(kind, &table.schema, &asked, &[]);
        let page: Vec<Value> = found
            .iter()
            .skip(after)
            .take(limit)
            .map(|(id, doc)| {
                let at =
                    |millis| chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default();
                let created = doc.fields.get(kind.row().created).and_then(parse_instant);
                let stamps = (
                    created.unwrap_or_else(|| at(doc.created)),
                    at(doc.modified),
                    None,
                );
                Value::Object(self.shape(kind, *id, &doc.fields, &want, stamps))
            })
            .collect();
        let mut answer = json!({"total": found.len(), "results": page});
        if found.len() > after + limit {
            answer["paging"] = json!({"next": {"after": (after + limit).to_string()}});
        }
        Ok(Response::json(200, &answer))
    }

    fn groups(&self, kind: Kind, body: &Value) -> Result<Vec<Group>, Fault> {
        let top = json!([{"filters": body["filters"]}]);
        let list = match &body["filterGroups"] {
            Value::Array(list) => list.as_slice(),
            _ if body["filters"].is_array() => top.as_array().map_or(&[][..], Vec::as_slice),
            _ => &[],
        };
        let filters: Vec<&[Value]> = list
            .iter()
            .map(|group| group["filters"].as_array().map_or(&[][..], Vec::as_slice))
            .collect();
        let all: usize = filters.iter().map(|group| group.len()).sum();
        if filters.len() > 5 || filters.iter().any(|group| group.len() > 6) || all > 18 {
            return Err(Fault::invalid(
                "Too many filters: at most 5 filterGroups of 6 filters each and 18 filters in all are allowed",
            ));
        }
        filters
            .into_iter()
            .filter(|group| !group.is_empty())
            .map(|group| {
                group
                    .iter()
                    .map(|filter| self.compile(kind, filter))
                    .collect()
            })
            .collect()
    }

    /// The records that pass, by id. One group narrows its candidates by its window of modified times or its id bound
    /// before it looks at single records: that is how connectors poll.
    fn matching<'a>(
        &'a self,
        kind: Kind,
        groups: &[Group],
        query: Option<&str>,
    ) -> Vec<(u64, &'a Doc)> {
        let index = &self.table(kind).index;
        let words: Vec<String> = query
            .unwrap_or("")
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let passes = |id: u64, doc: &Doc| {
            let good = |group: &Group| {
                group
                    .iter()
                    .all(|filter| self.passes(kind, filter, id, doc))
            };
            (groups.is_empty() || groups.iter().any(good)) && has_words(kind, doc, &words)
        };
        let candidates: Box<dyn Iterator<Item = (u64, &'a Doc)> + 'a> = match groups {
            [group] => narrow(index, group),
            _ => Box::new(index.all()),
        };
        candidates.filter(|(id, doc)| passes(*id, doc)).collect()
    }

    /// Puts the results in order: one sort; a `sorts` that is no list is ignored (4.4); else creation order.
    fn order(&self, kind: Kind, sorts: &Value, found: &mut [(u64, &Doc)]) -> Result<(), Fault> {
        let list = sorts.as_array().map_or(&[][..], Vec::as_slice);
        if list.len() > 1 {
            return Err(Fault::invalid("Only one sort is allowed"));
        }
        let Some(sort) = list.first() else {
            found.sort_by_key(|(id, doc)| (doc.created, *id));
            return Ok(());
        };
        let text = sort.as_str().unwrap_or("");
        let name = sort["propertyName"]
            .as_str()
            .unwrap_or(text.trim_start_matches('-'));
        let down = text.starts_with('-') || sort["direction"].as_str() == Some("DESCENDING");
        if name == "hs_object_id" {
            if down {
                found.reverse();
            }
            return Ok(());
        }
        let schema = &self.table(kind).schema;
        if schema.live(name).is_none() {
            return Err(Fault::invalid(format!(
                "Cannot sort by {name}: property \"{name}\" does not exist"
            )));
        }
        let mut keyed: Vec<_> = found
            .iter()
            .map(|(id, doc)| (sort_key(kind, schema, name, *id, doc), *id, *doc))
            .collect();
        keyed.sort_by(|a, b| {
            let order = match (&a.0, &b.0) {
                (Some(a), Some(b)) => {
                    let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
                    if down { order.reverse() } else { order }
                }
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            order.then(a.1.cmp(&b.1))
        });
        for (slot, (_, id, doc)) in found.iter_mut().zip(keyed) {
            *slot = (id, doc);
        }
        Ok(())
    }
}

/// The candidates of one group, by id.
fn narrow<'a>(index: &'a Index, group: &[Filter]) -> Box<dyn Iterator<Item = (u64, &'a Doc)> + 'a> {
    let windows: Vec<(i64, i64)> = group.iter().filter_map(Filter::window).collect();
    let above = group.iter().filter_map(Filter::above).max();
    let low = windows
        .iter()
        .map(|window| window.0)
        .max()
        .unwrap_or(i64::MIN);
    let high = windows
        .iter()
        .map(|window| window.1)
        .min()
        .unwrap_or(i64::MAX);
    if index.covered(low, high) {
        return match above {
            Some(id) => Box::new(index.above(id)),
            None => Box::new(index.all()),
        };
    }
    let from = above.map_or(0, |id| id.saturating_add(1));
    let ids = index.within(low, high);
    Box::new(
        ids.into_iter()
            .filter(move |id| *id >= from)
            .filter_map(|id| index.get(id).map(|doc| (id, doc))),
    )
}

fn has_words(kind: Kind, doc: &Doc, words: &[String]) -> bool {
    words.iter().all(|word| {
        kind.row()
            .searched
            .iter()
            .filter_map(|name| doc.fields.get(name))
            .any(|value| value.to_lowercase().contains(word.as_str()))
    })
}

/// A whole number that may come as text.
fn number(value: &Value, usual: usize) -> Result<usize, Fault> {
    let text = match value {
        Value::Null => return Ok(usual),
        Value::String(text) if text.is_empty() => return Ok(usual),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.parse()
        .map_err(|_| Fault::invalid(format!("Invalid input JSON: {text} is not a whole number")))
}
