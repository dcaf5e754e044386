//! What was truly done, for `/__sandbox/stats` and the checkers (`docs/design/product.md`).

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::history::{Author, History};

use super::Portal;
use super::kinds::Kind;
use super::table::fold;

/// How many records each class of author made of one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Created {
    /// There from the start.
    pub world: u64,
    /// Made by simulated people.
    pub colleagues: u64,
    /// Made by callers of the API.
    pub api: u64,
}

/// A key under which the API made more than one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTwice {
    /// Plural object name.
    pub object: String,
    /// The value of the key property, folded.
    pub key: String,
    /// The records, oldest first.
    pub ids: Vec<String>,
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub calls: BTreeMap<String, u64>,
    pub total: u64,
    pub rejected: BTreeMap<u16, u64>,
    pub created: BTreeMap<Kind, Created>,
    keyed: BTreeMap<(Kind, String), BTreeSet<u64>>,
}

impl Counts {
    /// Counts an answered call.
    pub(super) fn note(&mut self, template: &str, status: u16) {
        *self.calls.entry(template.to_owned()).or_default() += 1;
        self.total += 1;
        if status >= 400 {
            *self.rejected.entry(status).or_default() += 1;
        }
    }

    /// Counts a made record.
    pub(super) fn made(&mut self, kind: Kind, by: &Author) {
        let created = self.created.entry(kind).or_default();
        match by {
            Author::World | Author::System => created.world += 1,
            Author::Colleague(_) => created.colleagues += 1,
            Author::Api(_) => created.api += 1,
        }
    }

    /// Notes that a record made by the API bears a key.
    pub(super) fn keyed(&mut self, kind: Kind, key: &str, id: u64) {
        if !key.trim().is_empty() {
            self.keyed.entry((kind, fold(key))).or_default().insert(id);
        }
    }

    /// A merge gives the winner's place to the new record, so that stamping it again counts as the same record.
    pub(super) fn merged(&mut self, kind: Kind, old: (u64, u64), new: u64) {
        for ((of, _), ids) in &mut self.keyed {
            if *of == kind && (ids.remove(&old.0) || ids.remove(&old.1)) {
                ids.insert(new);
            }
        }
    }
}

impl Portal {
    /// Calls by `METHOD /path/template`, rejected ones included.
    pub fn calls(&self) -> &BTreeMap<String, u64> {
        &self.counts.calls
    }

    /// All calls, rejected ones included.
    pub fn total_calls(&self) -> u64 {
        self.counts.total
    }

    /// Answers of status 400 and above, by status.
    pub fn rejected(&self) -> &BTreeMap<u16, u64> {
        &self.counts.rejected
    }

    /// Live records by plural object name; objects without any are left out.
    pub fn live_records(&self) -> BTreeMap<String, u64> {
        let counts = self.tables.iter().map(|table| {
            (
                table.kind.row().plural.to_owned(),
                table.live_count() as u64,
            )
        });
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Records ever made, by plural object name and class of author. A merge makes none.
    pub fn created(&self) -> BTreeMap<String, Created> {
        self.counts
            .created
            .iter()
            .map(|(kind, created)| (kind.row().plural.to_owned(), *created))
            .collect()
    }

    /// The keys (values of `syncline_salesforce_id`) under which the API made more than one record of an object.
    pub fn created_twice(&self) -> Vec<CreatedTwice> {
        let twice = self.counts.keyed.iter().filter(|(_, ids)| ids.len() > 1);
        twice
            .map(|((kind, key), ids)| CreatedTwice {
                object: kind.row().plural.to_owned(),
                key: key.clone(),
                ids: ids.iter().map(u64::to_string).collect(),
            })
            .collect()
    }

    /// Every version of a record, live, archived or merged away; `None` when there never was one.
    pub fn history(&self, object: &str, id: &str) -> Option<&History> {
        let table = self.table(Kind::find(object)?);
        let id: u64 = id.parse().ok()?;
        match table.former.get(&id) {
            Some(former) => Some(&former.history),
            None => table.records.get(&id).map(|record| &record.history),
        }
    }
}
