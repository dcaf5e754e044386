//! Which records answer to what was typed: an id of either side, an e-mail, a name. What is stored is asked first, the vendors
//! only where the store knows nothing.

use std::collections::BTreeSet;

use crate::crm::{Crm, CrmError, Purpose, salesforce};
use crate::domain::canon::match_key;
use crate::domain::{
    Conflict, ErrorItem, Link, LinkId, LinkState, Mapping, MappingId, Observation, Presence,
    RecordId, RecordKey, Side, Value, digest128,
};
use crate::service::host::House;
use crate::store::rows::is_waiting;
use crate::store::{Family, StoreError, keys};
use crate::transform;

/// Records listed where several answer to a name or address.
pub(super) const SEVERAL: usize = 20;

/// Fields that hold a record's address or name, by which the vendors are asked.
const ADDRESSES: [&str; 2] = ["Email", "email"];
const NAMES: [&str; 4] = ["LastName", "lastname", "Name", "name"];

/// A record that answers to what was typed.
pub(super) struct Hit {
    pub(super) mapping: Mapping,
    pub(super) record: RecordKey,
    pub(super) link: Option<Link>,
    /// What the vendor told, where it was asked.
    pub(super) seen: Option<Observation>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Hits {
    pub(super) all: Vec<Hit>,
    /// Why a side could not be asked.
    pub(super) unasked: Vec<String>,
}

impl Hits {
    /// Adds a record, unless it or its link is there already.
    fn add(&mut self, hit: Hit) {
        let same = |other: &Hit| {
            let link = |hit: &Hit| hit.link.as_ref().map(|link| link.id);
            (other.record == hit.record && other.mapping.id == hit.mapping.id)
                || (link(&hit).is_some() && link(other) == link(&hit))
        };
        if !self.all.iter().any(same) {
            self.all.push(hit);
        }
    }

    /// Leaves out what another mapping of a group has a link of: a record is shown once, where it is synced.
    fn leave_out_doubles(&mut self) {
        let stands = |hit: &Hit| {
            let link = hit.link.as_ref();
            link.is_some_and(|link| !matches!(link.state, LinkState::Superseded(_)))
        };
        let linked: Vec<RecordKey> = self
            .all
            .iter()
            .filter(|hit| stands(hit))
            .flat_map(|hit| {
                let of = |side: Side| {
                    Some(RecordKey {
                        side,
                        object: hit.mapping.object(side).to_owned(),
                        id: hit.link.as_ref()?.ids.get(side).clone()?,
                    })
                };
                Side::BOTH.into_iter().filter_map(of).collect::<Vec<_>>()
            })
            .collect();
        self.all
            .retain(|hit| stands(hit) || !linked.contains(&hit.record));
    }
}

impl House {
    /// All records that answer, of one mapping or of all.
    pub(super) async fn find(
        &self,
        query: &str,
        only: Option<&MappingId>,
    ) -> Result<Hits, StoreError> {
        let mut hits = Hits::default();
        let mappings: Vec<&Mapping> = self
            .rules
            .mappings
            .iter()
            .filter(|mapping| only.is_none_or(|only| mapping.id == *only))
            .collect();
        self.by_stored_key(&mappings, query, &mut hits).await?;
        hits.leave_out_doubles();
        // A name is stored only of what waits: all that are called so are known to the vendors.
        if hits.all.is_empty() {
            self.by_waiting_name(&mappings, query, &mut hits).await?;
            self.at_the_vendors(&mappings, query, &mut hits).await?;
        }
        Ok(hits)
    }

    /// Records that have that id or e-mail, with their mapping and link.
    pub(in crate::service) async fn known_by(
        &self,
        query: &str,
    ) -> Result<Vec<(MappingId, RecordKey, Option<LinkId>)>, StoreError> {
        let mappings: Vec<&Mapping> = self.rules.mappings.iter().collect();
        let mut hits = Hits::default();
        self.by_stored_key(&mappings, query, &mut hits).await?;
        Ok(hits
            .all
            .into_iter()
            .map(|hit| (hit.mapping.id, hit.record, hit.link.map(|link| link.id)))
            .collect())
    }

    /// By id, and by every match rule of one part.
    async fn by_stored_key(
        &self,
        mappings: &[&Mapping],
        query: &str,
        hits: &mut Hits,
    ) -> Result<(), StoreError> {
        let wide = salesforce::widen(query).map(RecordId);
        for mapping in mappings.iter().copied() {
            for side in Side::BOTH {
                let mut candidates = vec![RecordId::from(query)];
                candidates.extend(wide.clone().filter(|id| id.as_str() != query));
                for (rule, keyed) in mapping.match_rules.iter().enumerate() {
                    let [part] = keyed.parts.as_slice() else {
                        continue;
                    };
                    let key = mapping.pairs.get(*part).and_then(|pair| {
                        // An address is also a company's domain to its transform: that is not what was asked for.
                        let fits = !query.contains('@') || ADDRESSES.contains(&pair.field(side));
                        let view = transform::view(pair, side, &Value::text(query))
                            .ok()
                            .filter(|_| fits)?;
                        match_key(&view)
                    });
                    if let Some(text) = key {
                        let number = u8::try_from(rule + 1).unwrap_or(u8::MAX);
                        let key = (number, digest128(&[text.as_bytes()]));
                        candidates.extend(self.db.matching(&mapping.id, side, key, SEVERAL).await?);
                    }
                }
                for id in candidates {
                    let record = RecordKey {
                        side,
                        object: mapping.object(side).to_owned(),
                        id,
                    };
                    let link = self.link_of(mapping, &record).await?;
                    if link.is_some() || self.was_read(mapping, &record).await? {
                        hits.add(Hit {
                            mapping: mapping.clone(),
                            record,
                            link,
                            seen: None,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// The link that holds a record under a mapping.
    async fn link_of(
        &self,
        mapping: &Mapping,
        record: &RecordKey,
    ) -> Result<Option<Link>, StoreError> {
        let ids = std::slice::from_ref(&record.id);
        let found = self
            .db
            .link_ids(&mapping.id, record.side, &record.object, ids)
            .await?;
        match found.into_iter().flatten().next() {
            Some(link) => self.link_row(&mapping.id, link).await,
            None => Ok(None),
        }
    }

    async fn link_row(
        &self,
        mapping: &MappingId,
        link: LinkId,
    ) -> Result<Option<Link>, StoreError> {
        let rows = self.db.links(mapping, &[link]).await?;
        Ok(rows.into_iter().flatten().next())
    }

    /// True where a run has read a record without a link: it can be matched, or something waits for it.
    pub(super) async fn was_read(
        &self,
        mapping: &Mapping,
        record: &RecordKey,
    ) -> Result<bool, StoreError> {
        let ids = std::slice::from_ref(&record.id);
        let keys = self.db.match_keys(&mapping.id, record.side, ids).await?;
        if keys.iter().any(|keys| !keys.is_empty()) {
            return Ok(true);
        }
        let waiting = self.db.waiting(keys::record_owner(record)).await?;
        Ok(!waiting.is_empty())
    }

    /// Records that wait in a list under that name.
    async fn by_waiting_name(
        &self,
        mappings: &[&Mapping],
        query: &str,
        hits: &mut Hits,
    ) -> Result<(), StoreError> {
        let wanted = query.to_lowercase();
        let mut found: Vec<(Option<LinkId>, MappingId, RecordKey)> = Vec::new();
        for family in [Family::Conflict, Family::Review] {
            self.db
                .walk(keys::all(family), |item: Conflict| {
                    if is_waiting(&item) && item.label.to_lowercase().contains(&wanted) {
                        found.extend(
                            self.record_of(&item)
                                .map(|record| (item.link, item.mapping.clone(), record)),
                        );
                    }
                })
                .await?;
        }
        self.db
            .walk(keys::all(Family::Error), |item: ErrorItem| {
                if item.label.to_lowercase().contains(&wanted) {
                    found.push((item.link, item.mapping, item.record));
                }
            })
            .await?;
        for (link, mapping, record) in found {
            let Some(mapping) = mappings.iter().find(|one| one.id == mapping) else {
                continue;
            };
            let link = match link {
                Some(link) => self.link_row(&mapping.id, link).await?,
                None => None,
            };
            hits.add(Hit {
                mapping: (*mapping).clone(),
                record,
                link,
                seen: None,
            });
        }
        Ok(())
    }

    /// The record that an item is about: Salesforce's, else HubSpot's.
    fn record_of(&self, item: &Conflict) -> Option<RecordKey> {
        let mapping = self
            .rules
            .mappings
            .iter()
            .find(|mapping| mapping.id == item.mapping)?;
        Side::BOTH.into_iter().find_map(|side| {
            Some(RecordKey {
                side,
                object: mapping.object(side).to_owned(),
                id: item.sides.get(side).id.clone()?,
            })
        })
    }

    /// Asks both sides for what no run has read, and for names, which are stored nowhere.
    async fn at_the_vendors(
        &self,
        mappings: &[&Mapping],
        query: &str,
        hits: &mut Hits,
    ) -> Result<(), StoreError> {
        let mut asked: BTreeSet<(Side, String)> = BTreeSet::new();
        for mapping in mappings.iter().copied() {
            for side in Side::BOTH {
                let Ok(crm) = self.side(side) else {
                    continue;
                };
                // Two mappings may share an object: it is asked once, for the first.
                if !asked.insert((side, mapping.object(side).to_owned())) {
                    continue;
                }
                match ask(crm.as_ref(), mapping, side, query).await {
                    Ok(found) => {
                        for seen in found.into_iter().take(SEVERAL) {
                            let record = RecordKey {
                                side,
                                object: mapping.object(side).to_owned(),
                                id: seen.id.clone(),
                            };
                            hits.add(Hit {
                                mapping: mapping.clone(),
                                link: self.link_of(mapping, &record).await?,
                                record,
                                seen: Some(seen),
                            });
                        }
                    }
                    Err(error) => hits.unasked.push(error.to_string()),
                }
            }
        }
        Ok(())
    }
}

/// What one side answers for: an id in its own form, else an address, else a name.
async fn ask(
    crm: &dyn Crm,
    mapping: &Mapping,
    side: Side,
    query: &str,
) -> Result<Vec<Observation>, CrmError> {
    let fields = super::fields::properties(mapping, side);
    let object = mapping.object(side);
    if let Some(id) = own_id(side, query) {
        let found = crm.read(Purpose::Check, object, &[id], &fields).await?;
        let there = |seen: &Observation| seen.presence != Presence::Inaccessible;
        return Ok(found
            .into_iter()
            .flat_map(|found| found.records)
            .filter(there)
            .collect());
    }
    let named = |names: &[&str]| fields.iter().find(|field| names.contains(&field.as_str()));
    if query.contains('@') {
        // By the unique property: an index that lags would not know a new record yet.
        let Some(field) = named(&ADDRESSES) else {
            return Ok(Vec::new());
        };
        let found = crm
            .look_up(Purpose::Check, object, field, &[query.to_owned()], &fields)
            .await?;
        return Ok(found.into_iter().flat_map(|found| found.records).collect());
    }
    let Some(field) = named(&NAMES) else {
        return Ok(Vec::new());
    };
    let last = query.split_whitespace().last().unwrap_or(query);
    let mut values = vec![query.to_owned()];
    if last != query {
        values.push(last.to_owned());
    }
    let found = crm
        .search(Purpose::Check, object, field, &values, &fields)
        .await?;
    Ok(found
        .into_iter()
        .filter(|seen| is_called(seen, query))
        .collect())
}

/// True where every word that was typed is in the record's name.
fn is_called(seen: &Observation, query: &str) -> bool {
    let label = seen.label().to_lowercase();
    query
        .to_lowercase()
        .split_whitespace()
        .all(|word| label.contains(word))
}

/// What was typed, as an id of that side, if it can be one.
fn own_id(side: Side, query: &str) -> Option<RecordId> {
    match side {
        Side::Salesforce => salesforce::sound(query)
            .filter(|id| id.starts_with(|first: char| first.is_ascii_digit() || first == 'a'))
            .map(RecordId),
        Side::HubSpot => {
            let digits = !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_digit());
            (digits && query.len() <= 20).then(|| RecordId::from(query))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_by_its_form_and_a_name_is_none() {
        let rows = [
            (
                Side::Salesforce,
                "0035500001H9cak",
                Some("0035500001H9cakAAB"),
            ),
            (
                Side::Salesforce,
                "0035500001H9cakAAB",
                Some("0035500001H9cakAAB"),
            ),
            (Side::Salesforce, "0035500001H9cakAAX", None),
            (Side::Salesforce, "Maximilianson15", None),
            (Side::Salesforce, "88120", None),
            (Side::HubSpot, "88120", Some("88120")),
            (Side::HubSpot, "0035500001H9cak", None),
            (Side::HubSpot, "jane@ex.org", None),
            (Side::HubSpot, "", None),
        ];
        for (side, query, want) in rows {
            assert_eq!(
                own_id(side, query),
                want.map(RecordId::from),
                "{side} {query}"
            );
        }
    }
}
