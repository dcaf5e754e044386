//! Reading by list, id and unique property (docs/vendor/hubspot.md 3.3, 3.16, 3.19, 3.26).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::paths::{self, is_contacts, modified_property};
use super::records::{WireRecord, absent, former_ids, observation, parse_page, parse_record};
use super::{HubspotClient, SYSTEM};
use crate::crm::http::Call;
use crate::crm::wire::text_of;
use crate::crm::{CrmError, ErrorClass, Found, Page, Purpose};
use crate::domain::{Observation, Presence, RecordId, Side};

/// Records of one list page and inputs of one batch, the vendor's most.
pub(super) const BATCH: usize = 100;
/// Longer property lists go by batch read: 5,116 characters of query were fine (3.6).
const LONGEST_QUERY: usize = 5_000;
/// What tells a merged record's former ids (3.26).
fn merge_properties(object: &str) -> &'static [&'static str] {
    if is_contacts(object) {
        &["hs_merged_object_ids", "hs_calculated_merged_vids"]
    } else {
        &["hs_merged_object_ids"]
    }
}

impl HubspotClient {
    pub(super) async fn list_page(
        &self,
        object: &str,
        fields: &[String],
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        let what = format!("list {object}");
        self.name(&what, object)?;
        let asked = self.asked(&what, object, fields)?.join(",");
        let whole = asked.len() <= LONGEST_QUERY;
        let mut query = format!("?limit={BATCH}&archived=false");
        if whole {
            query.push_str(&format!("&properties={asked}"));
        }
        if let Some(after) = resume {
            let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
            query.push_str(&format!("&after={after}"));
        }
        let call = Call::get(Purpose::Observe, &what, paths::objects(object, &query));
        let page = self.http.fetch(&call, parse_page).await?;
        let next = page.after().map(str::to_owned);
        let results = if whole {
            page.results
        } else {
            let ids: Vec<String> = page.results.into_iter().map(|record| record.id).collect();
            self.batch_read(Purpose::Observe, &what, object, &ids, fields, false)
                .await?
        };
        Ok(Page {
            records: self.observe_all(&what, object, &results, fields).await?,
            next,
            total: None,
        })
    }

    pub(super) async fn read_ids(
        &self,
        purpose: Purpose,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        let what = format!("read {object}");
        let mut with_merged = fields.to_vec();
        with_merged.extend(
            merge_properties(object)
                .iter()
                .map(|name| (*name).to_owned()),
        );
        // An id that is no number would spoil the whole batch (3.29): nothing answers to it.
        let wanted: BTreeSet<String> = ids
            .iter()
            .map(|id| id.0.clone())
            .filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()))
            .collect();
        let wanted: Vec<String> = wanted.into_iter().collect();
        let records = self
            .batch_read(purpose, &what, object, &wanted, &with_merged, false)
            .await?;
        let mut by_id: BTreeMap<String, WireRecord> = BTreeMap::new();
        for record in records {
            by_id.insert(record.id.clone(), record);
        }
        let mut merged = self
            .merged(purpose, &what, object, &wanted, &mut by_id, &with_merged)
            .await?;
        let missing: Vec<String> = wanted
            .iter()
            .filter(|id| !by_id.contains_key(*id) && !merged.contains_key(*id))
            .cloned()
            .collect();
        if !missing.is_empty() {
            let archived = self
                .batch_read(purpose, &what, object, &missing, &with_merged, true)
                .await?;
            for mut record in archived {
                record.archived = true;
                // What they were merged into may be archived in turn.
                for former in former_ids(&record) {
                    if missing.contains(&former) {
                        merged.insert(former, record.id.clone());
                    }
                }
                by_id.insert(record.id.clone(), record);
            }
        }
        let all: Vec<WireRecord> = by_id.values().cloned().collect();
        let seen: BTreeMap<RecordId, Observation> = self
            .observe_all(&what, object, &all, fields)
            .await?
            .into_iter()
            .map(|record| (record.id.clone(), record))
            .collect();
        let (server_now, now) = (self.http.server_now(), self.http.clock.now());
        let found = ids.iter().map(|id| {
            let marker = |presence, stamp| marker(object, id, presence, stamp, now);
            let records = match (seen.get(id), merged.remove(id.as_str())) {
                (Some(record), _) => vec![record.clone()],
                (None, Some(survivor)) => {
                    let survivor = RecordId(survivor);
                    let record = seen.get(&survivor).cloned();
                    let stamp = record.as_ref().map_or(server_now, |record| record.modstamp);
                    let mut records = vec![marker(Presence::MergedInto(survivor), stamp)];
                    records.extend(record);
                    records
                }
                (None, None) => vec![marker(Presence::Inaccessible, server_now)],
            };
            Found {
                asked: id.0.clone(),
                records,
            }
        });
        Ok(found.collect())
    }

    /// Which asked ids answered under another id. The survivors' lists of former ids tell; what they do not tell is asked
    /// one by one.
    async fn merged(
        &self,
        purpose: Purpose,
        what: &str,
        object: &str,
        wanted: &[String],
        by_id: &mut BTreeMap<String, WireRecord>,
        fields: &[String],
    ) -> Result<BTreeMap<String, String>, CrmError> {
        let foreign: Vec<String> = by_id
            .keys()
            .filter(|id| wanted.binary_search(id).is_err())
            .cloned()
            .collect();
        let mut merged = BTreeMap::new();
        if foreign.is_empty() {
            return Ok(merged);
        }
        let unanswered: Vec<&String> = wanted
            .iter()
            .filter(|id| !by_id.contains_key(*id))
            .collect();
        // A survivor may itself have been asked for, so every answer's former ids count.
        for record in by_id.values() {
            for former in former_ids(record) {
                if unanswered.contains(&&former) {
                    merged.insert(former, record.id.clone());
                }
            }
        }
        let untold = foreign
            .iter()
            .any(|id| !merged.values().any(|told| told == id));
        if !untold {
            return Ok(merged);
        }
        let asked = self.asked(what, object, fields)?.join(",");
        let rest: Vec<String> = unanswered
            .into_iter()
            .filter(|id| !merged.contains_key(*id))
            .cloned()
            .collect();
        for id in rest {
            let path = paths::objects(object, &format!("/{id}?properties={asked}"));
            let call = Call::get(purpose, what, path);
            match self.http.fetch(&call, parse_record).await {
                Ok(record) if record.id != id => {
                    merged.insert(id, record.id.clone());
                    by_id.entry(record.id.clone()).or_insert(record);
                }
                Ok(record) => {
                    by_id.insert(id, record);
                }
                Err(error)
                    if error
                        .vendor
                        .as_ref()
                        .is_some_and(|vendor| vendor.status == 404) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(merged)
    }

    pub(super) async fn look_up_values(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        let what = format!("look up {object} by {field}");
        self.name(&what, object)?;
        self.name(&what, field)?;
        let by_email = is_contacts(object) && field == "email";
        let mut wanted = fields.to_vec();
        wanted.push(field.to_owned());
        if by_email {
            wanted.push("hs_additional_emails".to_owned());
        }
        let asked = self.asked(&what, object, &wanted)?;
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        for value in values.iter().filter(|value| !value.trim().is_empty()) {
            keys.entry(folded(value))
                .or_insert_with(|| value.trim().to_owned());
        }
        let inputs: Vec<&String> = keys.values().collect();
        let mut records: Vec<WireRecord> = Vec::new();
        for chunk in inputs.chunks(BATCH) {
            let inputs: Vec<_> = chunk.iter().map(|value| json!({"id": value})).collect();
            let body = json!({"inputs": inputs, "properties": asked, "idProperty": field});
            let path = paths::objects(object, "/batch/read");
            let call = Call::ask(purpose, &what, path, body.to_string().into_bytes());
            records.extend(self.http.fetch(&call, parse_page).await?.results);
        }
        let seen = self.observe_all(&what, object, &records, fields).await?;
        let mut by_value: BTreeMap<String, BTreeMap<RecordId, Observation>> = BTreeMap::new();
        for (record, seen) in records.iter().zip(seen) {
            let Some(properties) = &record.properties else {
                continue;
            };
            let own = text_of(properties, field).unwrap_or_default();
            let more = text_of(properties, "hs_additional_emails").filter(|_| by_email);
            let more = more.unwrap_or_default();
            for key in std::iter::once(own.as_str()).chain(more.split(';')) {
                let holders = by_value.entry(folded(key)).or_default();
                holders.insert(seen.id.clone(), seen.clone());
            }
        }
        let found = values.iter().map(|asked| Found {
            asked: asked.clone(),
            records: match folded(asked) {
                key if key.is_empty() => Vec::new(),
                key => by_value
                    .get(&key)
                    .map(|holders| holders.values().cloned().collect())
                    .unwrap_or_default(),
            },
        });
        Ok(found.collect())
    }

    /// Batch read by id, 100 a call; missing ids are left out (3.19).
    pub(super) async fn batch_read(
        &self,
        purpose: Purpose,
        what: &str,
        object: &str,
        ids: &[String],
        fields: &[String],
        archived: bool,
    ) -> Result<Vec<WireRecord>, CrmError> {
        self.name(what, object)?;
        let asked = self.asked(what, object, fields)?;
        let tail = if archived {
            "/batch/read?archived=true"
        } else {
            "/batch/read"
        };
        let mut records = Vec::new();
        for chunk in ids.chunks(BATCH) {
            let inputs: Vec<_> = chunk.iter().map(|id| json!({"id": id})).collect();
            let body = json!({"inputs": inputs, "properties": asked}).to_string();
            let path = paths::objects(object, tail);
            let call = Call::ask(purpose, what, path, body.into_bytes());
            records.extend(self.http.fetch(&call, parse_page).await?.results);
        }
        Ok(records)
    }

    /// Records as observations; the schema is asked for where one lacks a wanted property.
    pub(super) async fn observe_all(
        &self,
        what: &str,
        object: &str,
        records: &[WireRecord],
        fields: &[String],
    ) -> Result<Vec<Observation>, CrmError> {
        let absent = absent(records, fields);
        let schema = match absent.is_empty() {
            true => None,
            false => Some(self.schema_of_absent(object, &absent).await?),
        };
        let now = self.http.clock.now();
        records
            .iter()
            .map(|record| observation(object, record, fields, schema.as_deref(), now))
            .collect::<Result<_, _>>()
            .map_err(|why| self.bug(what, &why))
    }

    /// The properties to ask for: the wanted ones and the stamps, each once.
    pub(super) fn asked(
        &self,
        what: &str,
        object: &str,
        fields: &[String],
    ) -> Result<Vec<String>, CrmError> {
        let mut asked: Vec<String> = Vec::new();
        let stamps = SYSTEM.iter().copied().chain([modified_property(object)]);
        for name in stamps.chain(fields.iter().map(String::as_str)) {
            self.name(what, name)?;
            if !asked.iter().any(|known| known == name) {
                asked.push(name.to_owned());
            }
        }
        Ok(asked)
    }

    pub(super) fn name<'a>(&self, what: &str, text: &'a str) -> Result<&'a str, CrmError> {
        paths::name(text).map_err(|error| {
            CrmError::new(Side::HubSpot, what, ErrorClass::Systemic, error.to_string())
        })
    }
}

/// Values are compared as HubSpot does: trimmed, without regard to case (3.28).
fn folded(value: &str) -> String {
    value.trim().to_lowercase()
}

/// What is said of an id that no record of its own answers to.
fn marker(
    object: &str,
    id: &RecordId,
    presence: Presence,
    modstamp: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Observation {
    Observation {
        side: Side::HubSpot,
        object: object.to_owned(),
        id: id.clone(),
        fields: BTreeMap::new(),
        modstamp,
        modified_at: None,
        created_at: None,
        modified_by: None,
        presence,
        observed_at: now,
    }
}
