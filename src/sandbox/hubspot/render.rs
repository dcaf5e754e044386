//! Records as the wire shows them (`docs/vendor/hubspot.md` 3.1 to 3.9).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::sandbox::fields::Packed;

use super::Portal;
use super::index::Fields;
use super::kinds::Kind;
use super::property::Schema;
use super::table::Record;
use super::text::instant;
use super::write::source;

/// Values that a write answer carries beside the written ones (3.12).
const ANSWERED: &[&str] = &[
    "hs_all_contact_vids",
    "hs_email_domain",
    "hs_is_contact",
    "hs_is_unworked",
    "hs_object_source",
    "hs_object_source_id",
    "hs_object_source_label",
    "hs_pipeline",
    "lifecyclestage",
];

/// What of a record the caller wants to see.
#[derive(Debug, Default)]
pub(super) struct Want {
    /// Property names, sorted.
    names: Vec<String>,
    /// Properties with their versions.
    pub history: Vec<String>,
    /// Objects whose associated ids come along.
    pub associations: Vec<Kind>,
}

impl Want {
    /// `asked` (unknown names ignored) or the defaults, and always the stamps and the id.
    pub(super) fn new(kind: Kind, schema: &Schema, asked: &[String], history: &[String]) -> Self {
        let row = kind.row();
        let mut names: BTreeSet<String> = [row.created, row.modified, "hs_object_id"]
            .map(String::from)
            .into();
        if asked.is_empty() {
            names.extend(row.defaults.iter().map(|name| (*name).to_owned()));
        }
        let known = |name: &&String| schema.live(name).is_some();
        names.extend(asked.iter().chain(history).filter(known).cloned());
        let history = history.iter().filter(known).cloned().collect();
        Want {
            names: names.into_iter().collect(),
            history,
            associations: Vec::new(),
        }
    }

    /// What a write answers: the written values and the portal's own.
    pub(super) fn written(kind: Kind, record: &Record, values: &Fields) -> Self {
        let row = kind.row();
        let own = ANSWERED
            .iter()
            .filter(|name| record.fields.contains(name))
            .map(|name| (*name).to_owned());
        let stamps = [row.created, row.modified, "hs_object_id"].map(String::from);
        let names: BTreeSet<String> = values.keys().cloned().chain(own).chain(stamps).collect();
        Want {
            names: names.into_iter().collect(),
            ..Want::default()
        }
    }
}

/// A property's past, newest first; people's edits name their user.
fn past(record: &Record, name: &str, most: usize) -> Vec<Value> {
    let versions = record.history.of_field(name).take(most);
    versions
        .map(|version| {
            let (kind, id) = source(&version.by);
            let value = version.value(name).unwrap_or_default();
            let mut entry = json!({"value": value, "timestamp": instant(version.at), "sourceType": kind, "sourceId": id});
            if let crate::sandbox::history::Author::Colleague(user) = &version.by {
                entry["updatedByUserId"] = user.parse::<u64>().map_or(json!(user), |number| json!(number));
            }
            entry
        })
        .collect()
}

impl Portal {
    /// The record's common part.
    pub(super) fn shape(
        &self,
        kind: Kind,
        id: u64,
        fields: &Packed,
        want: &Want,
        stamps: (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>),
    ) -> Map<String, Value> {
        let (created, modified, archived) = stamps;
        let mut properties = Map::with_capacity(want.names.len());
        for name in &want.names {
            let value = fields
                .get(name)
                .map_or(Value::Null, |text| Value::String(text.to_owned()));
            properties.insert(name.clone(), value);
        }
        let mut out = Map::with_capacity(8);
        out.insert("id".into(), Value::String(id.to_string()));
        out.insert("properties".into(), Value::Object(properties));
        out.insert("createdAt".into(), Value::String(instant(created)));
        out.insert("updatedAt".into(), Value::String(instant(modified)));
        out.insert("archived".into(), Value::Bool(archived.is_some()));
        if let Some(at) = archived {
            out.insert("archivedAt".into(), Value::String(instant(at)));
        }
        let (portal, type_id) = (self.settings.portal_id, kind.row().type_id);
        let url = format!("https://app.hubspot.com/contacts/{portal}/record/{type_id}/{id}");
        out.insert("url".into(), Value::String(url));
        out
    }

    /// A record as the wanted parts show it.
    pub(super) fn render(
        &self,
        kind: Kind,
        id: u64,
        record: &Record,
        want: &Want,
    ) -> Map<String, Value> {
        let stamps = (record.created, record.modified, record.archived);
        let mut out = self.shape(kind, id, &record.fields, want, stamps);
        if !want.history.is_empty() {
            let most = if kind == Kind::CONTACTS { 45 } else { 20 };
            let all: BTreeMap<&str, Vec<Value>> = want
                .history
                .iter()
                .map(|name| (name.as_str(), past(record, name, most)))
                .collect();
            out.insert("propertiesWithHistory".into(), json!(all));
        }
        let mut associations = Map::new();
        for to in &want.associations {
            let rows = self.associated(kind, id, *to);
            if !rows.is_empty() {
                associations.insert(to.row().plural.into(), json!({"results": rows}));
            }
        }
        if !associations.is_empty() {
            out.insert("associations".into(), Value::Object(associations));
        }
        out
    }

    /// The ids of one object that a record is tied to; a primary one shows up twice (3.9).
    pub(super) fn associated(&self, kind: Kind, id: u64, to: Kind) -> Vec<Value> {
        let name = format!("{}_to_{}", kind.row().singular, to.row().singular);
        let primary = super::links::pair(kind, to).and_then(|pair| pair.primary);
        let mut rows = Vec::new();
        for (partner, types) in self.links.of(kind, id, to) {
            if primary.is_none() {
                rows.push(json!({"id": partner.to_string(), "type": name}));
                continue;
            }
            if types.iter().any(|type_id| Some(*type_id) == primary) {
                rows.push(json!({"id": partner.to_string(), "type": name}));
            }
            rows.push(json!({"id": partner.to_string(), "type": format!("{name}_unlabeled")}));
        }
        rows
    }
}
