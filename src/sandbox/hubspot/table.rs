//! The records of one object: current values, history, unique values, former ids.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::sandbox::fields::{Packed, Pool};
use crate::sandbox::history::{Author, Event, History, Version};

use super::index::{Doc, Fields, Index};
use super::kinds::Kind;
use super::property::Schema;
use super::settings::PortalSettings;
use super::text::mix;

/// One record, live or in the recycling bin.
#[derive(Debug)]
pub(super) struct Record {
    /// Current values; "" is cleared, absent was never set.
    pub fields: Packed,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    pub archived: Option<DateTime<Utc>>,
    pub history: History,
    /// Made by a caller of the API (for the duplicate count).
    pub by_api: bool,
    /// Its first key was counted.
    pub keyed: bool,
    /// Former ids that were merged into this one.
    pub merged: Vec<u64>,
}

/// A record that was merged away.
#[derive(Debug)]
pub(super) struct Former {
    /// Where it went.
    pub into: u64,
    /// Its own versions, ending with the merge.
    pub history: History,
}

/// The records of one object.
#[derive(Debug)]
pub(super) struct Table {
    pub kind: Kind,
    pub schema: Schema,
    pub records: BTreeMap<u64, Record>,
    pub former: BTreeMap<u64, Former>,
    pub index: Index,
    /// What the values of all its records and versions share.
    pub pool: Pool,
    /// Property name, then folded value, then the live record that holds it.
    unique: BTreeMap<String, BTreeMap<String, u64>>,
    next_id: u64,
    made: u64,
    live: usize,
}

/// How unique values compare: trimmed, ignoring case.
pub(super) fn fold(value: &str) -> String {
    value.trim().to_lowercase()
}

impl Table {
    pub(super) fn new(kind: Kind, settings: &PortalSettings) -> Self {
        Table {
            kind,
            schema: Schema::of(kind, settings.key_property),
            records: BTreeMap::new(),
            former: BTreeMap::new(),
            index: Index::default(),
            pool: Pool::default(),
            unique: BTreeMap::new(),
            next_id: settings.first_id,
            made: 0,
            live: 0,
        }
    }

    /// A fresh id: uneven steps, so that ids are neither dense nor of one length.
    pub(super) fn fresh_id(&mut self) -> u64 {
        self.made += 1;
        let id = self.next_id;
        self.next_id += 1 + mix(self.made ^ ((self.kind.at() as u64) << 40)) % 37;
        id
    }

    /// The number of live records.
    pub(super) fn live_count(&self) -> usize {
        self.live
    }

    /// The id that `id` resolves to today: itself, or the record it was merged into.
    pub(super) fn resolve(&self, id: u64) -> u64 {
        let mut at = id;
        while let Some(former) = self.former.get(&at) {
            at = former.into;
        }
        at
    }

    /// A live record by any of its ids.
    pub(super) fn live(&self, id: u64) -> Option<(u64, &Record)> {
        let id = self.resolve(id);
        self.records
            .get(&id)
            .filter(|record| record.archived.is_none())
            .map(|record| (id, record))
    }

    /// The live holder of a unique value.
    pub(super) fn holder(&self, property: &str, value: &str) -> Option<u64> {
        self.unique.get(property)?.get(&fold(value)).copied()
    }

    /// Puts a new record in; it is live.
    pub(super) fn insert(&mut self, id: u64, record: Record) {
        let fields = record.fields.clone();
        self.records.insert(id, record);
        self.live += 1;
        self.claim(id, &fields);
    }

    /// Takes a record out of the live ones; its unique values become free.
    pub(super) fn retire(&mut self, id: u64, at: DateTime<Utc>) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        if record.archived.replace(at).is_some() {
            return;
        }
        self.live -= 1;
        let fields = record.fields.clone();
        self.release(id, &fields);
    }

    /// Removes a record altogether (merge) and hands it over.
    pub(super) fn remove(&mut self, id: u64) -> Option<Record> {
        let record = self.records.remove(&id)?;
        if record.archived.is_none() {
            self.live -= 1;
            self.release(id, &record.fields);
        }
        Some(record)
    }

    /// Sets values on a live record and keeps the unique values in step. No stamp, no history.
    pub(super) fn set(&mut self, id: u64, values: &Fields) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        let before = record.fields.clone();
        record.fields = self.pool.with(&before, values);
        let after = record.fields.clone();
        if values.keys().any(|name| self.is_claimed(name)) {
            self.release(id, &before);
            self.claim(id, &after);
        }
    }

    fn is_claimed(&self, name: &str) -> bool {
        (self.kind == Kind::CONTACTS && (name == "email" || name == "hs_additional_emails"))
            || self
                .schema
                .properties
                .get(name)
                .is_some_and(|property| property.unique)
    }

    fn claims(&self, fields: &Packed) -> Vec<(String, String)> {
        let mut out = Vec::new();
        if self.kind == Kind::CONTACTS {
            let more = fields.get("hs_additional_emails").unwrap_or_default();
            let first = fields.get("email").unwrap_or_default();
            for address in std::iter::once(first).chain(more.split(';')) {
                out.push(("email".to_owned(), fold(address)));
            }
        }
        for (name, property) in &self.schema.properties {
            if property.unique
                && let Some(value) = fields.get(name)
            {
                out.push((name.clone(), fold(value)));
            }
        }
        out.retain(|(_, value)| !value.is_empty());
        out
    }

    fn claim(&mut self, id: u64, fields: &Packed) {
        for (name, value) in self.claims(fields) {
            self.unique
                .entry(name)
                .or_default()
                .entry(value)
                .or_insert(id);
        }
    }

    fn release(&mut self, id: u64, fields: &Packed) {
        for (name, value) in self.claims(fields) {
            if let Some(values) = self.unique.get_mut(&name)
                && values.get(&value) == Some(&id)
            {
                values.remove(&value);
            }
        }
    }

    /// Adds a version to a record's history.
    pub(super) fn note(
        &mut self,
        id: u64,
        at: DateTime<Utc>,
        by: &Author,
        event: Event,
        values: &Fields,
    ) {
        if let Some(record) = self.records.get_mut(&id) {
            let values = self.pool.pack(values);
            record.history.push(Version::new(at, by, event, values));
        }
    }

    /// Hands the record's present state to the search index.
    pub(super) fn reindex(&mut self, now: DateTime<Utc>, lag: chrono::Duration, id: u64) {
        let doc = self
            .records
            .get(&id)
            .filter(|record| record.archived.is_none())
            .map(|record| Doc {
                fields: record.fields.clone(),
                created: record.created.timestamp_millis(),
                modified: record.modified.timestamp_millis(),
            });
        self.index.push(now, lag, id, doc);
    }
}
