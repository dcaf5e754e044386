//! The engine's rows over the store: typed reads, and `Tx`, a batch that keeps indexes and counts true.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::domain::{
    Base, Conflict, ErrorItem, ItemId, Link, LinkId, MappingId, Observation, Op, OpId, OpState,
    RecordId, RecordKey, RunId, RunRecord, Side,
};
use crate::store::rows::{
    ActivityLine, BudgetRow, ChildRef, Cursor, Dirty, Ghost, MapState, OpenOp, SchemaRow, Tomb,
    is_waiting,
};
use crate::store::{
    Batch, Count, Counters, Family, Key, KeyReader, OverlayStore, Range, Store, StoreError,
    TypedStore, keys,
};

/// Names of rows in the `meta` and `count` families.
pub mod names {
    /// The install id, 32 hexadecimal digits.
    pub const INSTALL: &str = "install_id";
    /// The Salesforce organisation id or HubSpot portal id that this store belongs to.
    pub const ACCOUNT: &str = "account";
    /// The last run number given out.
    pub const LAST_RUN: &str = "last_run";
    /// The last line number of the activity list.
    pub const LAST_ACTIVITY: &str = "last_activity";
}

/// Rows read at a time where a whole family is walked.
const PAGE: usize = 1000;

/// Writes after which a batch is applied where it may be cut.
const LARGE_BATCH: usize = 1000;

/// Typed rows over a store, with the counts in memory. One control task writes.
pub struct Db {
    store: Arc<dyn Store>,
    counts: Mutex<Counters>,
}

impl Db {
    /// Over an open store; reads the counts.
    pub async fn open(store: Arc<dyn Store>) -> Result<Db, StoreError> {
        let counts = Counters::load(&*store).await?;
        Ok(Db {
            store,
            counts: Mutex::new(counts),
        })
    }

    /// Scratch space over this one: reads fall through, nothing is ever stored (15.2).
    pub async fn scratch(&self) -> Result<Db, StoreError> {
        Db::open(Arc::new(OverlayStore::new(self.store.clone()))).await
    }

    /// The store below.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// A count; never negative.
    pub fn count(&self, count: &Count) -> u64 {
        u64::try_from(self.counts().get(count)).unwrap_or_default()
    }

    fn counts(&self) -> MutexGuard<'_, Counters> {
        match self.counts.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// A new batch.
    pub fn begin(&self) -> Tx<'_> {
        Tx {
            db: self,
            batch: Batch::default(),
        }
    }

    /// A text of the `meta` family.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.store.row(keys::meta(name)).await
    }

    /// A number of the `meta` family; 0 where there is none.
    pub async fn number(&self, name: &str) -> Result<u64, StoreError> {
        Ok(self.store.row(keys::meta(name)).await?.unwrap_or_default())
    }

    /// A mapping's state.
    pub async fn map_state(&self, mapping: &MappingId) -> Result<MapState, StoreError> {
        Ok(self
            .store
            .row(keys::map(mapping))
            .await?
            .unwrap_or_default())
    }

    /// An object's cursor.
    pub async fn cursor(&self, side: Side, object: &str) -> Result<Cursor, StoreError> {
        Ok(self
            .store
            .row(keys::cursor(side, object))
            .await?
            .unwrap_or_default())
    }

    /// An object's schema as it was read last.
    pub async fn schema(&self, side: Side, object: &str) -> Result<Option<SchemaRow>, StoreError> {
        self.store.row(keys::schema(side, object)).await
    }

    /// The ids of the links that hold these records under a mapping, in the order asked.
    pub async fn link_ids(
        &self,
        mapping: &MappingId,
        side: Side,
        object: &str,
        records: &[RecordId],
    ) -> Result<Vec<Option<LinkId>>, StoreError> {
        self.store
            .rows(
                records
                    .iter()
                    .map(|id| keys::link_index(side, object, id, mapping))
                    .collect(),
            )
            .await
    }

    /// Links by id, in the order asked.
    pub async fn links(
        &self,
        mapping: &MappingId,
        ids: &[LinkId],
    ) -> Result<Vec<Option<Link>>, StoreError> {
        self.store
            .rows(ids.iter().map(|id| keys::link(mapping, *id)).collect())
            .await
    }

    /// Bases by link, in the order asked; an empty one where none is stored.
    pub async fn bases(
        &self,
        mapping: &MappingId,
        ids: &[LinkId],
    ) -> Result<Vec<Base>, StoreError> {
        let rows: Vec<Option<Base>> = self
            .store
            .rows(ids.iter().map(|id| keys::base(mapping, *id)).collect())
            .await?;
        Ok(rows.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Newest observations, in the order asked.
    pub async fn observations(
        &self,
        side: Side,
        object: &str,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Observation>>, StoreError> {
        self.store
            .rows(
                ids.iter()
                    .map(|id| keys::observation(side, object, id))
                    .collect(),
            )
            .await
    }

    /// Reasons why these records are dirty, in the order asked.
    pub async fn dirty(
        &self,
        mapping: &MappingId,
        side: Side,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Dirty>>, StoreError> {
        self.store
            .rows(
                ids.iter()
                    .map(|id| keys::dirty(mapping, side, id))
                    .collect(),
            )
            .await
    }

    /// The sweeps that saw these records last, in the order asked.
    pub async fn swept(
        &self,
        side: Side,
        object: &str,
        ids: &[RecordId],
    ) -> Result<Vec<Option<u64>>, StoreError> {
        let rows = ids.iter().map(|id| keys::swept(side, object, id));
        self.store.rows(rows.collect()).await
    }

    /// The next dirty records of one side of a mapping after `after`, in id order.
    pub async fn dirty_page(
        &self,
        mapping: &MappingId,
        side: Side,
        after: Option<&RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordId, Dirty)>, StoreError> {
        let prefix = keys::by_mapping_side(Family::Dirty, mapping, side);
        let range = Range::prefix(prefix.clone(), limit)
            .after(after.map(|id| keys::dirty(mapping, side, id)));
        let rows: Vec<(Key, Dirty)> = self.store.scan(range).await?;
        rows.into_iter()
            .map(|(key, row)| Ok((RecordId(last_text(&prefix, &key)?), row)))
            .collect()
    }

    /// What waits for a link or record: conflicts, review items and errors.
    pub async fn waiting(&self, owner: u128) -> Result<Vec<Waiting>, StoreError> {
        let prefix = keys::pending_of(owner);
        let entries = self
            .store
            .range(Range::prefix(prefix.clone(), PAGE))
            .await?;
        let mut found = Vec::new();
        for (key, _) in entries {
            let item = ItemId(last_u128(&prefix, &key)?);
            found.extend(self.waiting_item(item).await?);
        }
        Ok(found)
    }

    /// One waiting item by id.
    pub async fn waiting_item(&self, item: ItemId) -> Result<Option<Waiting>, StoreError> {
        if let Some(row) = self.store.row::<Conflict>(keys::conflict(item)).await? {
            return Ok(Some(Waiting::Conflict(row)));
        }
        if let Some(row) = self.store.row::<Conflict>(keys::review(item)).await? {
            return Ok(Some(Waiting::Conflict(row)));
        }
        Ok(self
            .store
            .row::<ErrorItem>(keys::error(item))
            .await?
            .map(Waiting::Error))
    }

    /// All rows of a family, page by page, handed to `each`.
    pub async fn walk<T: serde::de::DeserializeOwned + Send>(
        &self,
        prefix: Key,
        mut each: impl FnMut(T) + Send,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let rows: Vec<(Key, T)> = self
                .store
                .scan(Range::prefix(prefix.clone(), PAGE).after(after))
                .await?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for (_, row) in rows {
                each(row);
            }
        }
    }

    /// Open ops: journalled as sent or unknown, with the journal's row; ghosts are left out.
    pub async fn open_ops(&self) -> Result<Vec<Op>, StoreError> {
        self.journalled(false).await
    }

    /// Ghosts as they were sent: updates that were given up as not applied and may still land (16.5).
    pub async fn ghost_ops(&self) -> Result<Vec<Op>, StoreError> {
        self.journalled(true).await
    }

    async fn journalled(&self, ghosts: bool) -> Result<Vec<Op>, StoreError> {
        let mut places = Vec::new();
        self.walk(keys::all(Family::OpenOp), |row: OpenOp| {
            if row.ghost.is_some() == ghosts {
                places.push((row.run, row.seq));
            }
        })
        .await?;
        let rows: Vec<Option<Op>> = self
            .store
            .rows(
                places
                    .iter()
                    .map(|(run, seq)| keys::journal(*run, *seq))
                    .collect(),
            )
            .await?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Ghosts: writes that may still land (16.5), with their op ids.
    pub async fn ghosts(&self) -> Result<Vec<(OpId, Ghost)>, StoreError> {
        let prefix = keys::all(Family::OpenOp);
        let rows: Vec<(Key, OpenOp)> = self.store.scan(Range::prefix(prefix.clone(), PAGE)).await?;
        rows.into_iter()
            .filter_map(|(key, row)| row.ghost.map(|ghost| (key, ghost)))
            .map(|(key, ghost)| Ok((OpId(last_u128(&prefix, &key)?), ghost)))
            .collect()
    }

    /// A run.
    pub async fn run(&self, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        self.store.row(keys::run(run)).await
    }

    /// The newest runs, newest first.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
        let range = Range {
            prefix: keys::all(Family::Run),
            after: None,
            limit,
            reverse: true,
        };
        Ok(self
            .store
            .scan(range)
            .await?
            .into_iter()
            .map(|(_, row)| row)
            .collect())
    }
}

/// Something that waits for a link or record.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// A conflict or review item.
    Conflict(Conflict),
    /// An error.
    Error(ErrorItem),
}

fn last_text(prefix: &Key, key: &Key) -> Result<String, StoreError> {
    KeyReader::after(prefix, key)?.text()
}

fn last_u128(prefix: &Key, key: &Key) -> Result<u128, StoreError> {
    KeyReader::after(prefix, key)?.u128()
}

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
}

impl Tx<'_> {
    /// Applies without waiting for the disk; the next commit makes it durable.
    pub async fn apply(mut self) -> Result<(), StoreError> {
        self.db.counts().write(&mut self.batch)?;
        if self.batch.is_empty() {
            return Ok(());
        }
        self.db.store.apply(self.batch).await
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
        self.db.counts().write(&mut self.batch)?;
        self.db.store.commit(self.batch).await
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
        self.put_link(link, objects)
    }

    /// Writes a link that is there already, with its index entries.
    pub fn put_link(
        &mut self,
        link: &Link,
        objects: &crate::domain::PerSide<String>,
    ) -> Result<(), StoreError> {
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
        let waited = before.is_some_and(is_waiting);
        let waits = is_waiting(item);
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
        let waited = i64::from(is_waiting(item));
        self.db.counts().add(&count, -waited);
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
        self.db
            .counts()
            .add(&Count::Errors(item.mapping.clone()), -1);
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

impl Db {
    /// The match keys stored for records, in the order asked.
    pub async fn match_keys(
        &self,
        mapping: &MappingId,
        side: Side,
        ids: &[RecordId],
    ) -> Result<Vec<Vec<(u8, u128)>>, StoreError> {
        let rows: Vec<Option<Vec<(u8, String)>>> = self
            .store
            .rows(
                ids.iter()
                    .map(|id| keys::match_keys(mapping, side, id))
                    .collect(),
            )
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                row.unwrap_or_default()
                    .into_iter()
                    .filter_map(|(rule, hash)| Some((rule, u128::from_str_radix(&hash, 16).ok()?)))
                    .collect()
            })
            .collect())
    }

    /// Records of one side under a match key, at most `limit`.
    pub async fn matching(
        &self,
        mapping: &MappingId,
        side: Side,
        key: (u8, u128),
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        let prefix = keys::match_index_of(mapping, side, key.0, key.1);
        let entries = self
            .store
            .range(Range::prefix(prefix.clone(), limit))
            .await?;
        entries
            .into_iter()
            .map(|(key, _)| last_text(&prefix, &key).map(RecordId))
            .collect()
    }

    /// The links that wait for a parent record.
    pub async fn waiting_children(&self, parent: &RecordKey) -> Result<Vec<ChildRef>, StoreError> {
        let range = Range::prefix(keys::waiting_children(keys::record_owner(parent)), PAGE);
        Ok(self
            .store
            .scan(range)
            .await?
            .into_iter()
            .map(|(_, row)| row)
            .collect())
    }

    /// Errors by id.
    pub async fn errors_of(&self, owner: u128) -> Result<BTreeMap<ItemId, ErrorItem>, StoreError> {
        Ok(self
            .waiting(owner)
            .await?
            .into_iter()
            .filter_map(|item| match item {
                Waiting::Error(error) => Some((error.id, error)),
                Waiting::Conflict(_) => None,
            })
            .collect())
    }
}
