//! A batch of rows that keeps indexes and counts true.

use std::collections::BTreeMap;

use super::db::Db;
use crate::domain::{
    Base, Conflict, ErrorItem, ItemId, Link, LinkId, LinkState, MappingId, Observation, Op, OpId,
    OpState, RecordId, RecordKey, RunId, RunRecord, Side,
};
use crate::store::rows::{
    ActivityLine, BudgetRow, ChildRef, Cursor, Dirty, Ghost, MapState, OpenOp, SchemaRow, Tomb,
    is_waiting,
};
use crate::store::{Batch, Count, Key, StoreError, TypedStore, keys};

/// Writes after which a batch is applied where it may be cut.
const LARGE_BATCH: usize = 1000;

/// Who an error or review item waits for: its link, or its record.
pub(super) fn owner_of(link: Option<LinkId>, record: &RecordKey) -> u128 {
    link.map_or_else(|| keys::record_owner(record), |link| link.0)
}

/// Where a conflict or review item stands, and what counts it.
fn place_of(item: &Conflict) -> (Key, Count) {
    if item.kind.is_review() {
        (keys::review(item.id), Count::Review(item.mapping.clone()))
    } else {
        (
            keys::conflict(item.id),
            Count::Conflicts(item.mapping.clone()),
        )
    }
}

/// A batch under construction.
pub struct Tx<'a> {
    db: &'a Db,
    batch: Batch,
    /// Whether an item waits, as this batch leaves it: one that is written twice is counted once.
    waits: BTreeMap<ItemId, bool>,
    /// The links written.
    links: BTreeMap<(MappingId, LinkId), Written>,
}

/// A link that a batch writes.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    /// It is new: no row has to be read for the state that it had.
    added: bool,
    /// It is active from now on.
    active: bool,
}

impl<'a> Tx<'a> {
    /// An empty one.
    pub(super) fn new(db: &'a Db) -> Self {
        Tx {
            db,
            batch: Batch::default(),
            waits: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    /// Counts the links that are active from now on and were not, and those that were: who changes a link's state need not know.
    async fn count_active(&mut self) -> Result<(), StoreError> {
        let written = std::mem::take(&mut self.links);
        if written.is_empty() {
            return Ok(());
        }
        let known = written.iter().filter(|(_, one)| !one.added);
        let places: Vec<&(MappingId, LinkId)> = known.map(|(place, _)| place).collect();
        let rows = places.iter().map(|(mapping, id)| keys::link(mapping, *id));
        let rows: Vec<Option<Link>> = self.db.store().rows(rows.collect()).await?;
        let mut counts = self.db.counts();
        for ((mapping, _), _) in written.iter().filter(|(_, one)| one.active) {
            counts.add(&Count::Active(mapping.clone()), 1);
        }
        let were = rows
            .into_iter()
            .flatten()
            .filter(|link| link.state == LinkState::Active);
        for link in were {
            counts.add(&Count::Active(link.mapping), -1);
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Applies without waiting for the disk; the next commit makes it durable.
    pub async fn apply(mut self) -> Result<(), StoreError> {
        self.count_active().await?;
        self.db.counts().write(&mut self.batch)?;
        if self.batch.is_empty() {
            return Ok(());
        }
        self.db.store().apply(self.batch).await
    }

    /// Applies what is gathered where it is much, and goes on with a new batch: sled keeps every node that a batch replaces
    /// until the batch is through, so a large one costs several times its size in memory. Call it between units that belong
    /// together.
    pub async fn rolled(self) -> Result<Self, StoreError> {
        if self.len() < LARGE_BATCH {
            return Ok(self);
        }
        let db = self.db;
        self.apply().await?;
        Ok(db.begin())
    }

    /// Applies and waits until it is on the disk: a commit point.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.count_active().await?;
        self.db.counts().write(&mut self.batch)?;
        self.db.store().commit(self.batch).await
    }

    /// How many writes it holds.
    pub fn len(&self) -> usize {
        self.batch.writes.len()
    }

    /// True where it holds none.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Sets a `meta` value.
    pub fn put_meta<T: serde::Serialize>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        self.batch.put_row(keys::meta(name), value)
    }

    /// Takes a `meta` value away.
    pub fn drop_meta(&mut self, name: &str) {
        self.batch.remove(keys::meta(name));
    }

    /// Sets a mapping's state.
    pub fn put_map_state(
        &mut self,
        mapping: &MappingId,
        state: &MapState,
    ) -> Result<(), StoreError> {
        self.batch.put_row(keys::map(mapping), state)
    }

    /// Sets an object's cursor.
    pub fn put_cursor(
        &mut self,
        side: Side,
        object: &str,
        cursor: &Cursor,
    ) -> Result<(), StoreError> {
        self.batch.put_row(keys::cursor(side, object), cursor)
    }

    /// Stamps a record with the sweep that saw it.
    pub fn put_swept(
        &mut self,
        side: Side,
        object: &str,
        id: &RecordId,
        number: u64,
    ) -> Result<(), StoreError> {
        self.batch.put_row(keys::swept(side, object, id), &number)
    }

    /// Takes a sweep's stamp away.
    pub fn drop_swept(&mut self, key: Key) {
        self.batch.remove(key);
    }

    /// Stores a schema.
    pub fn put_schema(
        &mut self,
        side: Side,
        object: &str,
        row: &SchemaRow,
    ) -> Result<(), StoreError> {
        self.batch.put_row(keys::schema(side, object), row)
    }

    /// Adds a link with its index entries. `objects` names the objects of both sides.
    pub fn add_link(
        &mut self,
        link: &Link,
        objects: &crate::domain::PerSide<String>,
    ) -> Result<(), StoreError> {
        self.db.counts().add(&Count::Links(link.mapping.clone()), 1);
        self.written(link).added = true;
        self.put_link(link, objects)
    }

    fn written(&mut self, link: &Link) -> &mut Written {
        let place = (link.mapping.clone(), link.id);
        self.links.entry(place).or_default()
    }

    /// Writes a link that is there already, with its index entries.
    pub fn put_link(
        &mut self,
        link: &Link,
        objects: &crate::domain::PerSide<String>,
    ) -> Result<(), StoreError> {
        self.written(link).active = link.state == LinkState::Active;
        self.batch
            .put_row(keys::link(&link.mapping, link.id), link)?;
        for side in Side::BOTH {
            if let Some(id) = link.ids.get(side) {
                self.batch.put_row(
                    keys::link_index(side, objects.get(side), id, &link.mapping),
                    &link.id,
                )?;
            }
        }
        Ok(())
    }

    /// Removes a link that never came to be, with its index entries and base.
    pub fn remove_link(&mut self, link: &Link, objects: &crate::domain::PerSide<String>) {
        self.db
            .counts()
            .add(&Count::Links(link.mapping.clone()), -1);
        self.written(link).active = false;
        self.batch.remove(keys::link(&link.mapping, link.id));
        self.batch.remove(keys::base(&link.mapping, link.id));
        for side in Side::BOTH {
            if let Some(id) = link.ids.get(side) {
                self.batch
                    .remove(keys::link_index(side, objects.get(side), id, &link.mapping));
            }
        }
    }

    /// Takes a record out of the index of links: its link holds another one from now on.
    pub fn unindex(&mut self, mapping: &MappingId, side: Side, object: &str, id: &RecordId) {
        self.batch
            .remove(keys::link_index(side, object, id, mapping));
    }

    /// Forgets what both sides held when they were settled last.
    pub fn remove_base(&mut self, mapping: &MappingId, link: LinkId) {
        self.batch.remove(keys::base(mapping, link));
    }

    /// Writes a base.
    pub fn put_base(
        &mut self,
        mapping: &MappingId,
        link: LinkId,
        base: &Base,
    ) -> Result<(), StoreError> {
        self.batch.put_row(keys::base(mapping, link), base)
    }

    /// Writes an observation.
    pub fn put_observation(&mut self, seen: &Observation) -> Result<(), StoreError> {
        self.batch
            .put_row(keys::observation(seen.side, &seen.object, &seen.id), seen)
    }

    /// Drops an observation.
    pub fn drop_observation(&mut self, side: Side, object: &str, id: &RecordId) {
        self.batch.remove(keys::observation(side, object, id));
    }

    /// Marks a record dirty.
    pub fn mark_dirty(
        &mut self,
        mapping: &MappingId,
        side: Side,
        id: &RecordId,
        reasons: u16,
    ) -> Result<(), StoreError> {
        self.batch
            .put_row(keys::dirty(mapping, side, id), &Dirty { reasons })
    }

    /// Takes a dirty mark away.
    pub fn clear_dirty(&mut self, mapping: &MappingId, side: Side, id: &RecordId) {
        self.batch.remove(keys::dirty(mapping, side, id));
    }

    /// Writes a journal row; keeps the index of open ops true.
    pub fn put_op(&mut self, op: &Op) -> Result<(), StoreError> {
        self.batch.put_row(keys::journal(op.run, op.seq), op)?;
        if matches!(op.state, OpState::Sent | OpState::Unknown) {
            self.batch.put_row(
                keys::open_op(op.id),
                &OpenOp {
                    run: op.run,
                    seq: op.seq,
                    ghost: None,
                },
            )
        } else {
            self.batch.remove(keys::open_op(op.id));
            Ok(())
        }
    }

    /// Leaves a ghost of an op that was looked up as not applied (16.5).
    pub fn put_ghost(&mut self, op: &Op, ghost: Ghost) -> Result<(), StoreError> {
        self.batch.put_row(
            keys::open_op(op.id),
            &OpenOp {
                run: op.run,
                seq: op.seq,
                ghost: Some(ghost),
            },
        )
    }

    /// Forgets a ghost.
    pub fn drop_ghost(&mut self, op: OpId) {
        self.batch.remove(keys::open_op(op));
    }

    /// Writes a run.
    pub fn put_run(&mut self, run: &RunRecord) -> Result<(), StoreError> {
        self.batch.put_row(keys::run(run.run), run)
    }

    /// Keeps an op of a plan for a confirm.
    pub fn put_plan(&mut self, run: RunId, seq: u64, op: &Op) -> Result<(), StoreError> {
        self.batch.put_row(keys::plan(run, seq), op)
    }

    /// Writes the calls of an hour.
    pub fn put_budget(&mut self, side: Side, hour: u64, row: &BudgetRow) -> Result<(), StoreError> {
        self.batch.put_row(keys::budget(side, hour), row)
    }

    /// Adds a line to the activity list.
    pub fn put_activity(&mut self, seq: u64, line: &ActivityLine) -> Result<(), StoreError> {
        self.batch.put_row(keys::activity(seq), line)
    }

    /// Writes a conflict or review item; `before` is the row as it was, so that counts and index stay true.
    pub fn put_conflict(
        &mut self,
        item: &Conflict,
        before: Option<&Conflict>,
        owner: u128,
    ) -> Result<(), StoreError> {
        let (key, count) = place_of(item);
        let waits = is_waiting(item);
        let written = self.waits.insert(item.id, waits);
        let waited = written.unwrap_or_else(|| before.is_some_and(is_waiting));
        self.db
            .counts()
            .add(&count, i64::from(waits) - i64::from(waited));
        self.batch.put_row(key, item)?;
        if waits {
            self.batch.put_mark(keys::pending(owner, item.id));
        } else {
            self.batch.remove(keys::pending(owner, item.id));
        }
        Ok(())
    }

    /// Writes a conflict or review item anew that waits as it did before.
    pub fn replace_conflict(&mut self, item: &Conflict) -> Result<(), StoreError> {
        self.batch.put_row(place_of(item).0, item)
    }

    /// Removes a conflict or review item. Its row in the index of what waits is the caller's, who knows for whom it waits.
    pub fn remove_conflict(&mut self, item: &Conflict) {
        let (key, count) = place_of(item);
        let written = self.waits.insert(item.id, false);
        let waited = written.unwrap_or_else(|| is_waiting(item));
        self.db.counts().add(&count, -i64::from(waited));
        self.batch.remove(key);
    }

    /// Writes a tombstone.
    pub fn put_tomb(&mut self, key: Key, tomb: &Tomb) -> Result<(), StoreError> {
        self.batch.put_row(key, tomb)
    }

    /// Removes a row that nothing counts.
    pub fn remove(&mut self, key: Key) {
        self.batch.remove(key);
    }

    /// Writes an error; `known` where it was stored before.
    pub fn put_error(&mut self, item: &ErrorItem, known: bool) -> Result<(), StoreError> {
        let known = self.waits.insert(item.id, true).unwrap_or(known);
        self.db
            .counts()
            .add(&Count::Errors(item.mapping.clone()), i64::from(!known));
        self.batch.put_row(keys::error(item.id), item)?;
        self.batch
            .put_mark(keys::pending(owner_of(item.link, &item.record), item.id));
        Ok(())
    }

    /// Takes an error away that is stored.
    pub fn remove_error(&mut self, item: &ErrorItem) {
        let known = self.waits.insert(item.id, false).unwrap_or(true);
        self.db
            .counts()
            .add(&Count::Errors(item.mapping.clone()), -i64::from(known));
        self.batch.remove(keys::error(item.id));
        self.batch
            .remove(keys::pending(owner_of(item.link, &item.record), item.id));
    }

    /// Sets the keys under which a record can be matched; `old` are the ones stored before.
    pub fn set_match_keys(
        &mut self,
        mapping: &MappingId,
        side: Side,
        id: &RecordId,
        old: &[(u8, u128)],
        new: &[(u8, u128)],
    ) -> Result<(), StoreError> {
        if old == new {
            return Ok(());
        }
        for (rule, hash) in old {
            self.batch
                .remove(keys::match_index(mapping, side, *rule, *hash, id));
        }
        for (rule, hash) in new {
            self.batch
                .put_mark(keys::match_index(mapping, side, *rule, *hash, id));
        }
        if new.is_empty() {
            self.batch.remove(keys::match_keys(mapping, side, id));
            return Ok(());
        }
        let row: Vec<(u8, String)> = new
            .iter()
            .map(|(rule, hash)| (*rule, format!("{hash:032x}")))
            .collect();
        self.batch
            .put_row(keys::match_keys(mapping, side, id), &row)
    }

    /// Notes that a link waits for a parent record to be linked (14.4).
    pub fn wait_for_parent(
        &mut self,
        parent: &RecordKey,
        child: &ChildRef,
    ) -> Result<(), StoreError> {
        self.batch.put_row(
            keys::waiting_child(keys::record_owner(parent), child.link),
            child,
        )
    }

    /// The wait is over.
    pub fn stop_waiting(&mut self, parent: &RecordKey, child: LinkId) {
        self.batch
            .remove(keys::waiting_child(keys::record_owner(parent), child));
    }
}
