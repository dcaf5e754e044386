//! Forgetting one person for good: every stored value of the records that stand for them goes, and a hash of each record stays, so
//! that no later look brings it back (docs/design/sync-semantics.md 19.4). Rows of all ages may name a record, so whole families are
//! read: this is a person's request, not a run's work.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::context::{Engine, Known};
use super::db::{Db, Tx, names};
use super::fields::former_ids;
use super::links;
use super::tally::{self, Tally};
use crate::domain::{
    Conflict, ErrorItem, ItemId, Link, LinkId, Mapping, MappingId, Observation, Op, OpOutcome,
    OpState, PerSide, RecordId, RecordKey, Side, digest128,
};
use crate::store::rows::{ActivityLine, ChildRef, OpenOp, Tomb};
use crate::store::{Family, Key, KeyReader, Range, StoreError, TypedStore, keys};

/// Rows read at a time.
const PAGE: usize = 1000;

/// What is stored about a person, found and not touched yet.
#[derive(Clone, Debug, Default)]
pub struct Forgetting {
    /// The records: what was asked for, and what is linked with it under any mapping.
    pub records: BTreeSet<RecordKey>,
    /// Their links.
    pub links: Vec<Link>,
    /// Writes in the journals.
    pub ops: Vec<Op>,
    /// Conflicts and review items about them.
    pub conflicts: Vec<Conflict>,
    /// Errors about them.
    pub errors: Vec<ErrorItem>,
    /// Review items about others that offer one of them.
    named_in: Vec<Conflict>,
    /// Ops of kept plans.
    plans: Vec<Key>,
    /// Index rows of links whose mapping is no longer configured.
    strays: Vec<Key>,
}

impl Forgetting {
    /// True where a write to one of them has no answer yet: it must be looked up first.
    pub fn is_open(&self) -> bool {
        self.ops.iter().any(|op| OpenOp::may_be(op.state))
    }

    /// Queue rows and items that are no more.
    pub fn items(&self) -> BTreeSet<ItemId> {
        let links = self.links.iter().map(|link| ItemId(link.id.0));
        let conflicts = self.conflicts.iter().map(|item| item.id);
        let errors = self.errors.iter().map(|item| item.id);
        links.chain(conflicts).chain(errors).collect()
    }

    fn holds(&self, link: LinkId) -> bool {
        self.links.iter().any(|one| one.id == link)
    }

    fn has(&self, side: Side, id: Option<&RecordId>) -> bool {
        id.is_some_and(|id| {
            let same = |record: &RecordKey| record.side == side && record.id == *id;
            self.records.iter().any(same)
        })
    }
}

/// The hash under which a record is forgotten. The install id is in it: another store's hash of the same record is another.
fn hash(install: &str, side: Side, object: &str, id: &RecordId) -> u128 {
    digest128(&[
        b"forgotten",
        install.as_bytes(),
        side.word().as_bytes(),
        object.as_bytes(),
        id.as_str().as_bytes(),
    ])
}

impl Known {
    /// True where a record was forgotten on request: it is not looked at.
    pub(super) fn is_forgotten(&self, side: Side, object: &str, id: &RecordId) -> bool {
        !self.forgotten.is_empty()
            && self
                .forgotten
                .contains(&hash(&self.install, side, object, id))
    }

    /// True where a record stands for somebody who was forgotten: it is the one, or one that the one went into.
    pub(super) fn is_of_forgotten(&self, seen: &Observation) -> bool {
        let is = |id: &RecordId| self.is_forgotten(seen.side, &seen.object, id);
        !self.forgotten.is_empty() && (is(&seen.id) || former_ids(seen).iter().any(is))
    }
}

/// What was read without the records that were forgotten; those count as read and excluded.
pub(super) fn leave_out(
    known: &Known,
    records: Vec<Observation>,
    mappings: &[&Mapping],
    tallies: &mut BTreeMap<MappingId, Tally>,
) -> Vec<Observation> {
    if known.forgotten.is_empty() {
        return records;
    }
    let (forgotten, rest): (Vec<_>, Vec<_>) = records
        .into_iter()
        .partition(|seen| known.is_of_forgotten(seen));
    for seen in forgotten {
        for mapping in mappings {
            let tally = tallies.entry(mapping.id.clone()).or_default();
            tally.read(seen.side, 1);
            tally.unlinked(seen.side, &seen.id, tally::Unlinked::Excluded);
        }
    }
    rest
}

/// The hashes of all that was forgotten.
pub(super) async fn forgotten(engine: &Engine) -> Result<BTreeSet<u128>, StoreError> {
    let prefix = keys::all_forgotten();
    let mut hashes = BTreeSet::new();
    let mut after = None;
    loop {
        let range = Range::prefix(prefix.clone(), PAGE).after(after);
        let rows = engine.db.store().range(range).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(hashes);
        };
        after = Some(last.clone());
        for (key, _) in rows {
            let mut reader = KeyReader::after(&prefix, &key)?;
            reader.byte()?;
            hashes.extend(u128::from_str_radix(&reader.text()?, 16).ok());
        }
    }
}

impl Db {
    /// True where a record was forgotten.
    pub async fn is_forgotten(&self, record: &RecordKey) -> Result<bool, StoreError> {
        let install = self.meta(names::INSTALL).await?.unwrap_or_default();
        let hash = hash(&install, record.side, &record.object, &record.id);
        let row = self.store().get(keys::forgotten(record.side, hash)).await?;
        Ok(row.is_some())
    }

    /// Finds all that is stored about a record and those that are linked with it.
    pub async fn find_to_forget(
        &self,
        mappings: &[Mapping],
        record: RecordKey,
    ) -> Result<Forgetting, StoreError> {
        let mut found = Forgetting {
            records: BTreeSet::from([record]),
            ..Forgetting::default()
        };
        let object = |mapping: &MappingId, side: Side| {
            let of = mappings.iter().find(|one| one.id == *mapping);
            of.map(|mapping| mapping.object(side).to_owned())
        };
        loop {
            let known = found.records.len();
            found.links.clear();
            let Forgetting { records, links, .. } = &mut found;
            self.walk(keys::all(Family::Link), |link: Link| {
                let holds = |record: &RecordKey| {
                    link.ids.get(record.side).as_ref() == Some(&record.id)
                        && object(&link.mapping, record.side)
                            .is_none_or(|object| object == record.object)
                };
                if records.iter().any(holds) {
                    links.push(link);
                }
            })
            .await?;
            for link in &found.links {
                for side in Side::BOTH {
                    if let (Some(id), Some(object)) =
                        (link.ids.get(side).clone(), object(&link.mapping, side))
                    {
                        found.records.insert(RecordKey { side, object, id });
                    }
                }
            }
            if found.records.len() == known {
                break;
            }
        }
        if found
            .links
            .iter()
            .any(|link| object(&link.mapping, Side::HubSpot).is_none())
        {
            self.find_strays(&mut found).await?;
        }
        self.find_items(&mut found).await?;
        self.find_ops(&mut found).await?;
        Ok(found)
    }

    async fn find_strays(&self, found: &mut Forgetting) -> Result<(), StoreError> {
        let prefix = keys::all(Family::LinkIndex);
        let mut after = None;
        loop {
            let range = Range::prefix(prefix.clone(), PAGE).after(after);
            let rows: Vec<(Key, LinkId)> = self.store().scan(range).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            let strays = rows.into_iter().filter(|(_, link)| found.holds(*link));
            found
                .strays
                .extend(strays.map(|(key, _)| key).collect::<Vec<_>>());
        }
    }

    async fn find_items(&self, found: &mut Forgetting) -> Result<(), StoreError> {
        for family in [Family::Conflict, Family::Review] {
            let (mut own, mut others) = (Vec::new(), Vec::new());
            self.walk(keys::all(family), |item: Conflict| {
                let of_link = item.link.is_some_and(|link| found.holds(link));
                let of_record = |side: Side| found.has(side, item.sides.get(side).id.as_ref());
                let offers = |item: &Conflict| {
                    item.candidates
                        .iter()
                        .any(|one| found.records.contains(&one.record))
                };
                if of_link || Side::BOTH.into_iter().any(of_record) {
                    own.push(item);
                } else if offers(&item) {
                    others.push(item);
                }
            })
            .await?;
            found.conflicts.extend(own);
            found.named_in.extend(others);
        }
        let mut errors = Vec::new();
        self.walk(keys::all(Family::Error), |item: ErrorItem| {
            let of_link = item.link.is_some_and(|link| found.holds(link));
            if of_link || found.records.contains(&item.record) {
                errors.push(item);
            }
        })
        .await?;
        found.errors = errors;
        Ok(())
    }

    async fn find_ops(&self, found: &mut Forgetting) -> Result<(), StoreError> {
        let about = |found: &Forgetting, op: &Op| {
            found.holds(op.link)
                || found.has(op.side, op.target.as_ref())
                || found.has(op.side, op.outcome.record.as_ref())
                || found.has(op.side.other(), op.source.as_ref())
                || found.has(op.side.other(), op.key.as_ref())
        };
        let (mut ops, mut plans) = (Vec::new(), Vec::new());
        self.walk(keys::all(Family::Journal), |op: Op| {
            if about(found, &op) {
                ops.push(op);
            }
        })
        .await?;
        self.walk(keys::all(Family::Plan), |op: Op| {
            if about(found, &op) {
                plans.push(keys::plan(op.run, op.seq));
            }
        })
        .await?;
        found.ops = ops;
        found.plans = plans;
        Ok(())
    }

    /// Removes what was found. The links go last, with the hashes: until then it can be asked for again.
    pub async fn forget(
        &self,
        mappings: &[Mapping],
        found: &Forgetting,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin();
        for op in &found.ops {
            tx.put_op(&emptied(op))?;
            tx.remove(keys::undo(op.run, op.seq));
            tx = tx.rolled().await?;
        }
        for key in found.plans.iter().chain(&found.strays) {
            tx.remove(key.clone());
        }
        for item in &found.conflicts {
            tx.remove_conflict(item);
        }
        for item in &found.errors {
            tx.remove_error(item);
        }
        for item in &found.named_in {
            tx.replace_conflict(&unnamed(item, &found.records))?;
        }
        tx.commit().await?;

        let mut tx = self.begin();
        for link in &found.links {
            let objects = match mappings.iter().find(|mapping| mapping.id == link.mapping) {
                Some(mapping) => links::objects(mapping),
                None => PerSide::default(),
            };
            self.drop_link(link, &objects, &mut tx).await?;
        }
        let install = self.meta(names::INSTALL).await?.unwrap_or_default();
        for record in &found.records {
            self.drop_record(mappings, record, &mut tx).await?;
            let tomb = Tomb {
                cause: "forgotten".into(),
                no_recreate: true,
            };
            let hash = hash(&install, record.side, &record.object, &record.id);
            tx.put_tomb(keys::forgotten(record.side, hash), &tomb)?;
        }
        self.drop_waiting(found, &mut tx).await?;
        let line = ActivityLine {
            at: now,
            kind: "forget".into(),
            text: format!(
                "a person's records were forgotten by {by}: {} records, {} links, {} journal rows, {} items",
                found.records.len(),
                found.links.len(),
                found.ops.len(),
                found.conflicts.len() + found.errors.len()
            ),
        };
        let seq = self.number(names::LAST_ACTIVITY).await? + 1;
        tx.put_meta(names::LAST_ACTIVITY, &seq)?;
        tx.put_activity(seq, &line)?;
        tx.commit().await
    }

    async fn drop_link(
        &self,
        link: &Link,
        objects: &PerSide<String>,
        tx: &mut Tx<'_>,
    ) -> Result<(), StoreError> {
        for side in Side::BOTH {
            // The index may name another link of the record: a suspended one has none of its own.
            if let Some(id) = link.ids.get(side) {
                let ids = std::slice::from_ref(id);
                let named = self
                    .link_ids(&link.mapping, side, objects.get(side), ids)
                    .await?;
                if named.into_iter().flatten().any(|named| named == link.id) {
                    tx.remove(keys::link_index(side, objects.get(side), id, &link.mapping));
                }
            }
        }
        let bare = Link {
            ids: PerSide::default(),
            ..link.clone()
        };
        tx.remove_link(&bare, objects);
        self.drop_range(keys::holds_of(&link.mapping, link.id), tx)
            .await?;
        self.drop_range(keys::pending_of(link.id.0), tx).await
    }

    async fn drop_record(
        &self,
        mappings: &[Mapping],
        record: &RecordKey,
        tx: &mut Tx<'_>,
    ) -> Result<(), StoreError> {
        let RecordKey { side, object, id } = record;
        tx.drop_observation(*side, object, id);
        tx.drop_swept(keys::swept(*side, object, id));
        let over = mappings
            .iter()
            .filter(|mapping| mapping.object(*side) == object);
        for mapping in over {
            tx.clear_dirty(&mapping.id, *side, id);
            tx.remove(keys::tomb(&mapping.id, *side, id));
            let known = self
                .match_keys(&mapping.id, *side, std::slice::from_ref(id))
                .await?;
            for (rule, hash) in known.into_iter().flatten() {
                tx.remove(keys::match_index(&mapping.id, *side, rule, hash, id));
            }
            tx.remove(keys::match_keys(&mapping.id, *side, id));
        }
        let owner = keys::record_owner(record);
        self.drop_range(keys::waiting_children(owner), tx).await?;
        self.drop_range(keys::pending_of(owner), tx).await
    }

    /// Their links wait for no parent any more.
    async fn drop_waiting(&self, found: &Forgetting, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let prefix = keys::all(Family::Waiting);
        let mut after = None;
        loop {
            let range = Range::prefix(prefix.clone(), PAGE).after(after);
            let rows: Vec<(Key, ChildRef)> = self.store().scan(range).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for (key, _) in rows.into_iter().filter(|(_, row)| found.holds(row.link)) {
                tx.remove(key);
            }
        }
    }

    async fn drop_range(&self, prefix: Key, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let rows = self
            .store()
            .range(Range::prefix(prefix, usize::MAX))
            .await?;
        for (key, _) in rows {
            tx.remove(key);
        }
        Ok(())
    }
}

/// A journal row of which only remains that there was a write. Nothing is undone by it.
fn emptied(op: &Op) -> Op {
    Op {
        target: None,
        source: None,
        key: None,
        fields: BTreeMap::new(),
        modstamp: None,
        state: OpState::Superseded,
        outcome: OpOutcome {
            why: Some("its record was forgotten on request".into()),
            ..OpOutcome::default()
        },
        ..op.clone()
    }
}

/// Somebody else's review item without what it says of a forgotten record.
fn unnamed(item: &Conflict, records: &BTreeSet<RecordKey>) -> Conflict {
    let mut item = item.clone();
    item.candidates.retain(|one| !records.contains(&one.record));
    for record in records {
        item.why = item.why.replace(record.id.as_str(), "a forgotten record");
    }
    item
}
