//! Rows of the queue that a person left for later, with the reason. Kept beside the items, because a run writes an item anew
//! whenever it sees it again (docs/design/console.md 3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::host::{House, refusal, store_refusal};
use super::messages::{LeftForLater, Refusal, RefusalKind, Reply};
use crate::domain::ItemId;
use crate::engine::{Db, Tx};
use crate::store::{StoreError, TypedStore, keys};

/// The row of the `meta` family that holds them.
const ROW: &str = "left_for_later";
/// Characters kept of a reason.
const REASON: usize = 300;

/// By the queue row's key.
pub(super) type Notes = BTreeMap<ItemId, LeftForLater>;

/// What was left for later when the store was closed.
pub(super) async fn load(db: &Db) -> Result<Notes, StoreError> {
    let kept: Option<Vec<(ItemId, LeftForLater)>> = db.store().row(keys::meta(ROW)).await?;
    Ok(kept.unwrap_or_default().into_iter().collect())
}

/// The note on a row. One that is older than what waits there now was about something that is over.
pub(super) fn note_of(notes: &Notes, row: ItemId, since: DateTime<Utc>) -> Option<&LeftForLater> {
    notes.get(&row).filter(|note| note.at >= since)
}

impl House {
    /// Leaves rows for later, taking their choices back; without a reason, takes an earlier "later" back.
    pub(super) async fn leave(
        self: &Arc<Self>,
        rows: Vec<ItemId>,
        reason: Option<String>,
        by: String,
    ) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let queue = self.queue().await.map_err(store)?;
        let waiting: BTreeSet<ItemId> = queue.entries.iter().map(|entry| entry.key).collect();
        let wrong: Vec<(ItemId, String)> = rows
            .iter()
            .filter(|row| !waiting.contains(row))
            .map(|row| (*row, "it waits no more".to_owned()))
            .collect();
        if !wrong.is_empty() {
            return Err(Refusal {
                items: wrong,
                ..refusal(
                    RefusalKind::Usage,
                    "this item is over: it was resolved or its values agree now",
                )
            });
        }
        let mut tx = self.db.begin();
        let mut notes = self.later.lock().await;
        let mut changed = notes.clone();
        let mut before = Vec::new();
        let restated: BTreeSet<ItemId> = rows.iter().copied().collect();
        match reason {
            Some(reason) => {
                let items = self.items_behind(rows.clone()).await.map_err(store)?;
                (before, _) = self.open_again(&mut tx, items).await.map_err(store)?;
                let note = LeftForLater {
                    reason: reason.trim().chars().take(REASON).collect(),
                    by,
                    at: self.clock.now(),
                };
                changed.extend(rows.into_iter().map(|row| (row, note.clone())));
            }
            None => changed.retain(|row, _| !restated.contains(row)),
        }
        // What is over goes with the next change, so that the row does not grow.
        changed.retain(|row, _| waiting.contains(row));
        put(&mut tx, &changed).map_err(store)?;
        tx.commit().await.map_err(store)?;
        *notes = changed;
        drop(notes);
        self.resolved(before, &restated).await
    }

    /// A choice was made for items: their rows are not left for later any more.
    pub(super) async fn taken_up(
        &self,
        tx: &mut Tx<'_>,
        rows: &BTreeSet<ItemId>,
    ) -> Result<(), StoreError> {
        let mut notes = self.later.lock().await;
        let had = notes.len();
        notes.retain(|row, _| !rows.contains(row));
        if notes.len() < had {
            put(tx, &notes)?;
        }
        Ok(())
    }
}

fn put(tx: &mut Tx<'_>, notes: &Notes) -> Result<(), StoreError> {
    let rows: Vec<(&ItemId, &LeftForLater)> = notes.iter().collect();
    tx.put_meta(ROW, &rows)
}
