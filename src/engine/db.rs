//! The engine's rows over the store: typed reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

pub use super::tx::Tx;
use crate::domain::{
    Base, Conflict, ErrorItem, ItemId, Link, LinkId, LinkState, MappingId, Observation, Op, OpId,
    RecordId, RecordKey, RunId, RunRecord, Side,
};
use crate::store::Family;
use crate::store::rows::{ChildRef, Cursor, Dirty, Ghost, MapState, OpenOp, SchemaRow};
use crate::store::{
    Count, Counters, Key, KeyReader, OverlayStore, Range, Store, StoreError, TypedStore, keys,
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

/// Typed rows over a store, with the counts in memory. One control task writes.
pub struct Db {
    store: Arc<dyn Store>,
    counts: Mutex<Counters>,
}

impl Db {
    /// Over an open store; reads the counts, and counts what an earlier version did not.
    pub async fn open(store: Arc<dyn Store>) -> Result<Db, StoreError> {
        let counts = Counters::load(&*store).await?;
        let uncounted = counts.without_active();
        let db = Db {
            store,
            counts: Mutex::new(counts),
        };
        for mapping in uncounted {
            let mut active = 0;
            db.walk(keys::by_mapping(Family::Link, &mapping), |link: Link| {
                active += i64::from(link.state == LinkState::Active);
            })
            .await?;
            db.counts().set(&Count::Active(mapping), active);
        }
        Ok(db)
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

    pub(super) fn counts(&self) -> MutexGuard<'_, Counters> {
        match self.counts.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// A new batch.
    pub fn begin(&self) -> Tx<'_> {
        Tx::new(self)
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

    /// What one record is marked for so far; nothing: 0. Marking it puts these reasons aside: who adds one keeps the others.
    pub async fn marks(
        &self,
        mapping: &MappingId,
        side: Side,
        id: &RecordId,
    ) -> Result<u16, StoreError> {
        let rows = self.dirty(mapping, side, std::slice::from_ref(id)).await?;
        Ok(rows.first().copied().flatten().map_or(0, |row| row.reasons))
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

    /// True where anything of a mapping waits at all.
    pub(super) fn anything_waits(&self, mapping: &MappingId) -> bool {
        let counts = self.counts();
        let waits = |of: fn(MappingId) -> Count| counts.get(&of(mapping.clone())) > 0;
        waits(Count::Conflicts) || waits(Count::Review) || waits(Count::Errors)
    }

    /// What waits for a link or record: conflicts, review items and errors, in the order of their ids.
    pub async fn waiting(&self, owner: u128) -> Result<Vec<Waiting>, StoreError> {
        let prefix = keys::pending_of(owner);
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let range = Range::prefix(prefix.clone(), PAGE).after(after);
            let entries = self.store.range(range).await?;
            let Some((last, _)) = entries.last() else {
                return Ok(found);
            };
            after = Some(last.clone());
            let mut items = Vec::with_capacity(entries.len());
            for (key, _) in &entries {
                items.push(ItemId(last_u128(&prefix, key)?));
            }
            found.extend(self.waiting_items(&items).await?);
        }
    }

    async fn waiting_items(&self, items: &[ItemId]) -> Result<Vec<Waiting>, StoreError> {
        let conflicts = items.iter().map(|item| keys::conflict(*item)).collect();
        let conflicts: Vec<Option<Conflict>> = self.store.rows(conflicts).await?;
        let reviews = items.iter().map(|item| keys::review(*item)).collect();
        let reviews: Vec<Option<Conflict>> = self.store.rows(reviews).await?;
        let errors = items.iter().map(|item| keys::error(*item)).collect();
        let errors: Vec<Option<ErrorItem>> = self.store.rows(errors).await?;
        let all = conflicts.into_iter().zip(reviews).zip(errors);
        let one = all.map(|((conflict, review), error)| {
            let asked = conflict.or(review).map(Waiting::Conflict);
            asked.or(error.map(Waiting::Error))
        });
        Ok(one.flatten().collect())
    }

    /// One waiting item by id.
    pub async fn waiting_item(&self, item: ItemId) -> Result<Option<Waiting>, StoreError> {
        let found = self.waiting_items(&[item]).await?;
        Ok(found.into_iter().next())
    }

    /// All rows of a family, page by page, handed to `each`.
    pub async fn walk<T: serde::de::DeserializeOwned + Send>(
        &self,
        prefix: Key,
        each: impl FnMut(T) + Send,
    ) -> Result<(), StoreError> {
        self.walk_after(prefix, None, each).await
    }

    /// The rows of a family behind a key.
    pub(super) async fn walk_after<T: serde::de::DeserializeOwned + Send>(
        &self,
        prefix: Key,
        mut after: Option<Key>,
        mut each: impl FnMut(T) + Send,
    ) -> Result<(), StoreError> {
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
        let mut ghosts = Vec::new();
        let mut after = None;
        loop {
            let range = Range::prefix(prefix.clone(), PAGE).after(after);
            let rows: Vec<(Key, OpenOp)> = self.store.scan(range).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(ghosts);
            };
            after = Some(last.clone());
            for (key, row) in rows {
                if let Some(ghost) = row.ghost {
                    ghosts.push((OpId(last_u128(&prefix, &key)?), ghost));
                }
            }
        }
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
        let mut children = Vec::new();
        let prefix = keys::waiting_children(keys::record_owner(parent));
        self.walk(prefix, |child| children.push(child)).await?;
        Ok(children)
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
