//! What was truly done on this side: calls, refusals, records and who made them.

use std::collections::BTreeMap;

use crate::sandbox::history::{Author, Event, History};
use crate::sandbox::http::Request;

use super::Org;
use super::ids;
use super::schema::KEY_FIELD;

/// Counters of calls, kept as they come.
#[derive(Debug, Default)]
pub(super) struct Tally {
    calls: BTreeMap<String, u64>,
    total: u64,
    rejected: BTreeMap<u16, u64>,
}

impl Tally {
    /// Counts a call, refused ones too.
    pub(super) fn count(&mut self, request: &Request) {
        let key = format!("{} {}", request.method, template(&request.segments()));
        *self.calls.entry(key).or_default() += 1;
        self.total += 1;
    }

    /// Counts a refusal.
    pub(super) fn reject(&mut self, status: u16) {
        *self.rejected.entry(status).or_default() += 1;
    }
}

/// Path words after an object's name that are not ids or key fields.
const ROW_WORDS: &[&str] = &["describe", "updated", "deleted", "listviews"];

/// A path with ids, key values and locators as `{id}`.
fn template(segments: &[&str]) -> String {
    let mut shown: Vec<&str> = segments.to_vec();
    let is = |place: usize, word: &str| segments.get(place) == Some(&word);
    if is(0, "id") {
        shown
            .iter_mut()
            .skip(1)
            .for_each(|segment| *segment = "{id}");
    } else if is(0, "services") && (is(3, "query") || is(3, "queryAll")) {
        shown
            .iter_mut()
            .skip(4)
            .for_each(|segment| *segment = "{id}");
    } else if is(3, "sobjects") {
        match segments.get(5) {
            Some(word) if ROW_WORDS.contains(word) => {}
            Some(id) if ids::canonical(id).is_some() => shown[5] = "{id}",
            _ => shown
                .iter_mut()
                .skip(6)
                .for_each(|segment| *segment = "{id}"),
        }
    }
    format!("/{}", shown.join("/"))
}

/// Records made, by class of author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Created {
    /// There from the start.
    pub world: u64,
    /// By simulated people.
    pub colleagues: u64,
    /// Through the API.
    pub api: u64,
}

impl Org {
    /// Calls by method and path template.
    pub fn calls(&self) -> &BTreeMap<String, u64> {
        &self.tally.calls
    }

    /// All calls, refused ones too.
    pub fn total_calls(&self) -> u64 {
        self.tally.total
    }

    /// Refusals by status: 401, 403 (allowance), 410, 414, and what `note_rejected` was told.
    pub fn rejected(&self) -> &BTreeMap<u16, u64> {
        &self.tally.rejected
    }

    /// Counts a call that a fault layer refused before it got here.
    pub fn note_rejected(&mut self, request: &Request, status: u16) {
        self.tally.count(request);
        self.tally.reject(status);
    }

    /// Live records by object.
    pub fn live_counts(&self) -> BTreeMap<&'static str, u64> {
        self.data
            .schema
            .objects
            .iter()
            .zip(&self.data.tables)
            .map(|(object, table)| {
                let live = table
                    .rows
                    .iter()
                    .filter(|row| row.deleted.is_none())
                    .count();
                (object.name, live as u64)
            })
            .collect()
    }

    /// Records ever made by object and class of author, deleted ones included.
    pub fn created_counts(&self) -> BTreeMap<&'static str, Created> {
        self.data
            .schema
            .objects
            .iter()
            .zip(&self.data.tables)
            .map(|(object, table)| {
                let mut counts = Created::default();
                for row in &table.rows {
                    match row.history.versions.first().map(|version| &version.by) {
                        Some(Author::Api(_)) => counts.api += 1,
                        Some(Author::Colleague(_)) => counts.colleagues += 1,
                        _ => counts.world += 1,
                    }
                }
                (object.name, counts)
            })
            .collect()
    }

    /// Keys under which the API made more than one record, by object. A record counts under
    /// the first key it got.
    pub fn created_twice(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut twice = BTreeMap::new();
        for (object, table) in self.data.schema.objects.iter().zip(&self.data.tables) {
            let mut makers: BTreeMap<String, u64> = BTreeMap::new();
            for row in &table.rows {
                let first = row.history.versions.first();
                if !first.is_some_and(|version| {
                    matches!(version.by, Author::Api(_)) && version.event == Event::Created
                }) {
                    continue;
                }
                // The first key it got: a record that is given another's key later was not made under it.
                let key = row
                    .history
                    .versions
                    .iter()
                    .find_map(|version| version.value(KEY_FIELD));
                if let Some(key) = key {
                    *makers.entry(super::data::fold(key)).or_default() += 1;
                }
            }
            let keys: Vec<String> = makers
                .into_iter()
                .filter(|(_, count)| *count > 1)
                .map(|(key, _)| key)
                .collect();
            if !keys.is_empty() {
                twice.insert(object.name, keys);
            }
        }
        twice
    }

    /// Every version of a record, by object name and id of either length.
    pub fn history(&self, object: &str, id: &str) -> Option<&History> {
        let object = self.data.schema.find(object)?;
        let table = &self.data.tables[object];
        let place = table.place(&ids::canonical(id)?)?;
        Some(&table.rows[place].history)
    }
}

#[cfg(test)]
mod tests {
    use super::template;

    #[test]
    fn paths_lose_their_ids_keys_and_locators() {
        for (path, expected) in [
            (
                "services/data/v68.0/sobjects/Contact/003Wb00000Ab1cDIAR",
                "/services/data/v68.0/sobjects/Contact/{id}",
            ),
            (
                "services/data/v68.0/sobjects/Contact/Email/a@b.example",
                "/services/data/v68.0/sobjects/Contact/Email/{id}",
            ),
            (
                "services/data/v68.0/sobjects/Contact/updated",
                "/services/data/v68.0/sobjects/Contact/updated",
            ),
            (
                "services/data/v68.0/query/0r8Wb-2000",
                "/services/data/v68.0/query/{id}",
            ),
            (
                "services/data/v68.0/composite/sobjects/Contact/Key__c",
                "/services/data/v68.0/composite/sobjects/Contact/Key__c",
            ),
            ("id/00D/005", "/id/{id}/{id}"),
            ("services/oauth2/token", "/services/oauth2/token"),
        ] {
            let segments: Vec<&str> = path.split('/').collect();
            assert_eq!(template(&segments), expected);
        }
    }
}
