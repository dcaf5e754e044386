//! What an undo looks at directly before it writes: the records themselves, and what others did around the records that a
//! run made (docs/design/sync-semantics.md 19.1).

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Engine, EngineError};
use super::cost::{association_read_calls, history_calls, read_calls};
use super::fields;
use super::observe::read_associations;
use super::set_read::read_sets;
use super::undo::Undoing;
use super::undo_read::{Pair, Touched, left};
use crate::crm::{Found, Purpose};
use crate::domain::{
    LinkId, LinkState, Mapping, Observation, PairKind, PerSide, Presence, RecordId, RecordKey, Side,
};

/// How long after a record was made its fields are still being set by the vendor itself.
pub(super) const SETTLING: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

/// Records read, by side and id.
pub(super) type Seen = PerSide<BTreeMap<RecordId, Observation>>;

impl Undoing<'_, '_> {
    /// Reads the records of a group, with the associations that the run touched.
    pub(super) async fn read(
        &mut self,
        mapping: &Mapping,
        group: &[(LinkId, &Pair)],
        sides: &[Side],
    ) -> Result<Seen, EngineError> {
        let mut seen = Seen::default();
        for side in sides.iter().copied() {
            let touched: Vec<&Touched> = group
                .iter()
                .filter_map(|(_, pair)| pair.get(side).as_ref())
                .filter(|touched| !touched.id.0.is_empty())
                .collect();
            let ids: Vec<RecordId> = touched.iter().map(|touched| touched.id.clone()).collect();
            if ids.is_empty() {
                continue;
            }
            let object = mapping.object(side);
            let one = std::iter::once(mapping);
            let asked = fields::observed(&self.ctx.known, one, side, object);
            let crm = self.ctx.engine.side(side);
            let before = crm.meter().total();
            let found = crm.read(Purpose::Complete, object, &ids, &asked).await?;
            let live = |one: &Found| {
                let mut all = one.records.iter();
                all.any(|seen| seen.presence == Presence::Live)
            };
            // What does not answer is asked for again among the deleted ones: how often, the client knows.
            let calls = match found.iter().all(live) {
                true => read_calls(side, ids.len() as u64),
                false => crm.meter().total() - before,
            };
            self.count_calls(side, calls);
            let mut records: BTreeMap<RecordId, Observation> = ids
                .into_iter()
                .zip(found)
                .filter_map(|(id, found)| Some((id, found.records.into_iter().next()?)))
                .collect();
            let mut associated: Vec<Observation> = touched
                .iter()
                .filter(|touched| !touched.associations.is_empty())
                .filter_map(|touched| records.remove(&touched.id))
                .collect();
            if !associated.is_empty() {
                let asked = read_associations(self.ctx.engine, &[mapping], &mut associated).await?;
                self.count_calls(side, association_read_calls(asked));
                let calls = read_sets(self.ctx.engine, &[mapping], &mut associated).await?;
                self.count_calls(side, *calls.get(side));
            }
            records.extend(associated.into_iter().map(|seen| (seen.id.clone(), seen)));
            *seen.get_mut(side) = records;
        }
        Ok(seen)
    }

    /// Links whose record an earlier try of this undo took back already.
    pub(super) async fn taken_before(
        &self,
        mapping: &Mapping,
        group: &[(LinkId, &Pair)],
    ) -> Result<BTreeSet<LinkId>, EngineError> {
        let ids: Vec<LinkId> = group.iter().map(|(link, _)| *link).collect();
        let known = self.ctx.engine.db.links(&mapping.id, &ids).await?;
        Ok(known
            .into_iter()
            .flatten()
            .filter(|link| matches!(link.state, LinkState::TakenBack(_)))
            .map(|link| link.id)
            .collect())
    }

    /// What others did to records that the run made: edits of fields that it did not send, and records that were tied to
    /// them. Deleting a Salesforce record takes its children along, archiving a HubSpot record its associations.
    pub(super) async fn foreign(
        &mut self,
        mapping: &Mapping,
        side: Side,
        group: &[(LinkId, &Pair)],
        seen: &Seen,
    ) -> Result<BTreeMap<RecordId, String>, EngineError> {
        let ids: Vec<RecordId> = group
            .iter()
            .filter_map(|(_, pair)| pair.get(side).as_ref())
            .map(|touched| touched.id.clone())
            .filter(|id| seen.get(side).contains_key(id))
            .collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        match side {
            Side::HubSpot => {
                let mut found = self.tied(mapping, group, &ids).await?;
                found.extend(self.edited(mapping, &ids, seen).await?);
                Ok(found)
            }
            Side::Salesforce => {
                let engine = self.ctx.engine;
                let (mut found, calls) = children(engine, mapping, &ids, &self.gone).await?;
                self.count_calls(side, calls);
                found.extend(self.related(mapping, &ids).await?);
                found.extend(self.filled(mapping, group, seen).await?);
                Ok(found)
            }
        }
    }

    /// HubSpot records with an association that neither the run made nor this undo takes off, to a record that stays. Asked
    /// is for the objects that mappings associate with theirs, under any label.
    async fn tied(
        &mut self,
        mapping: &Mapping,
        group: &[(LinkId, &Pair)],
        ids: &[RecordId],
    ) -> Result<BTreeMap<RecordId, String>, EngineError> {
        let side = Side::HubSpot;
        let object = mapping.object(side);
        let of_the_run: BTreeSet<(&RecordId, &str)> = group
            .iter()
            .filter_map(|(_, pair)| pair.get(side).as_ref())
            .flat_map(|touched| {
                let ties = touched.associations.values();
                ties.filter_map(|tie| Some((&touched.id, left(tie).as_text()?)))
            })
            .collect();
        let engine = self.ctx.engine;
        let crm = engine.side(side);
        let mut found = BTreeMap::new();
        for other in partners(engine, mapping) {
            let before = crm.meter().total();
            let tied = crm.associated(object, ids, other).await?;
            self.count_calls(side, crm.meter().total() - before);
            for (id, all) in tied {
                let stays = |one: &RecordId| {
                    let goes = self.gone.contains(&RecordKey {
                        side,
                        object: other.to_owned(),
                        id: one.clone(),
                    });
                    let untied = (other.to_owned(), one.clone(), id.clone());
                    let ours = of_the_run.contains(&(&id, one.as_str()));
                    !goes && !ours && !self.untied.contains(&untied)
                };
                if let Some(one) = all.iter().find(|one| stays(one)) {
                    let why =
                        format!("{other} {one} is associated with it, and would not be any more");
                    found.insert(id, why);
                }
            }
        }
        Ok(found)
    }

    /// Salesforce records that are elements of a set of a record that stays, by a row that this undo does not take off.
    async fn related(
        &mut self,
        mapping: &Mapping,
        ids: &[RecordId],
    ) -> Result<BTreeMap<RecordId, String>, EngineError> {
        let side = Side::Salesforce;
        let engine = self.ctx.engine;
        let crm = engine.side(side);
        let texts: Vec<String> = ids.iter().map(|id| id.0.clone()).collect();
        let mut found = BTreeMap::new();
        for child in &engine.rules.mappings {
            let object = child.object(side);
            for set in child.sets.iter().filter(|set| set.mapping == mapping.id) {
                let table = set.kind.table();
                let asked = [table.own, table.other, table.mirror].map(str::to_owned);
                let before = crm.meter().total();
                let rows = crm
                    .search(Purpose::LookUp, table.junction, table.other, &texts, &asked)
                    .await?;
                self.count_calls(side, crm.meter().total() - before);
                for row in rows {
                    let id = |field: &str| row.value(field).as_text().map(RecordId::from);
                    let (Some(own), Some(other)) = (id(table.own), id(table.other)) else {
                        continue;
                    };
                    let mirrors = row.value(table.mirror).as_text() == Some("true");
                    let goes = self.gone.contains(&RecordKey {
                        side,
                        object: object.to_owned(),
                        id: own.clone(),
                    });
                    let untied = (object.to_owned(), own.clone(), other.clone());
                    if !mirrors && !goes && !self.untied.contains(&untied) {
                        let why =
                            format!("{object} {own} is related to it, and would not be any more");
                        found.insert(other, why);
                    }
                }
            }
        }
        Ok(found)
    }

    /// HubSpot records with a mapped property that somebody set after the record was made.
    async fn edited(
        &mut self,
        mapping: &Mapping,
        ids: &[RecordId],
        seen: &Seen,
    ) -> Result<BTreeMap<RecordId, String>, EngineError> {
        let side = Side::HubSpot;
        let names: Vec<String> = mapping
            .pairs
            .iter()
            .filter(|pair| fields::is_property(pair, side))
            .map(|pair| pair.field(side).to_owned())
            .collect();
        let object = mapping.object(side);
        let crm = self.ctx.engine.side(side);
        let versions = crm.field_times(object, ids, &names).await?;
        self.count_calls(side, history_calls(ids.len() as u64));
        let mut found = BTreeMap::new();
        for (id, by_field) in versions {
            let made = seen.hubspot.get(&id).and_then(|seen| seen.created_at);
            let foreign = by_field.iter().find_map(|(field, versions)| {
                let later = |at| made.is_none_or(|made| at > made + SETTLING);
                let one = versions
                    .iter()
                    .find(|one| !one.ours && (one.by_hand || later(one.at)))?;
                Some((field, one))
            });
            if let Some((field, one)) = foreign {
                let by = one.by.as_deref().unwrap_or("somebody");
                found.insert(id, format!("{field} was set by {by} since it was made"));
            }
        }
        Ok(found)
    }
}

/// The HubSpot objects that mappings associate with a mapping's own.
fn partners<'e>(engine: &'e Engine, mapping: &Mapping) -> BTreeSet<&'e str> {
    let side = Side::HubSpot;
    let mut objects = BTreeSet::new();
    for child in &engine.rules.mappings {
        let references = fields::associations(child).filter_map(|pair| match &pair.kind {
            PairKind::Reference { mapping } => Some(mapping),
            _ => None,
        });
        for parent in references.chain(child.sets.iter().map(|set| &set.mapping)) {
            if *parent == mapping.id {
                objects.insert(child.object(side));
            }
            if child.id == mapping.id {
                objects.extend(engine.mapping(parent).map(|parent| parent.object(side)));
            }
        }
    }
    objects
}

/// Salesforce records that others refer to through a mapping's reference field, with one of those, and the calls that
/// asking took. `gone` are records that are deleted already.
pub(super) async fn children(
    engine: &Engine,
    mapping: &Mapping,
    ids: &[RecordId],
    gone: &BTreeSet<RecordKey>,
) -> Result<(BTreeMap<RecordId, String>, u64), EngineError> {
    let side = Side::Salesforce;
    let mut found = BTreeMap::new();
    let mut calls = 0;
    let texts: Vec<String> = ids.iter().map(|id| id.0.clone()).collect();
    if texts.is_empty() {
        return Ok((found, calls));
    }
    for child in &engine.rules.mappings {
        for pair in &child.pairs {
            if !matches!(&pair.kind, PairKind::Reference { mapping: of } if *of == mapping.id) {
                continue;
            }
            let (object, field) = (child.object(side), pair.field(side));
            let asked = vec![field.to_owned()];
            let crm = engine.side(side);
            let before = crm.meter().total();
            let records = crm
                .search(Purpose::LookUp, object, field, &texts, &asked)
                .await?;
            calls += crm.meter().total() - before;
            for one in records {
                let gone = gone.contains(&RecordKey {
                    side,
                    object: object.to_owned(),
                    id: one.id.clone(),
                });
                if let Some(parent) = one.value(field).as_text().filter(|_| !gone) {
                    let why = format!(
                        "{object} {} belongs to it, which deleting it would take along",
                        one.id
                    );
                    found.insert(RecordId::from(parent), why);
                }
            }
        }
    }
    Ok((found, calls))
}
