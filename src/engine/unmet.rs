//! What a walk over everything did not meet (docs/design/sync-semantics.md 5.4). That says nothing by itself (I-10): each such
//! record is read by its id, and only what the vendor then says of it counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::absent::{confirm_absent, stands};
use super::context::EngineError;
use super::gone_read::read_records;
use super::observe::forget_unlinked;
use super::run_ctx::RunCtx;
use super::shadows::fall_silent;
use crate::domain::{LinkId, Mapping, MappingId, Observation, Presence, RecordId, Side};
use crate::store::{Family, Key, KeyReader, Range, TypedStore, keys};

/// Rows that are looked through at a time.
const ROWS: usize = 1000;

/// One walk over one object that is through.
pub(super) struct Unmet<'m> {
    pub(super) side: Side,
    pub(super) object: &'m str,
    pub(super) over: &'m [&'m Mapping],
    /// The number that it stamped with.
    pub(super) number: u64,
    /// When it began.
    pub(super) since: DateTime<Utc>,
}

impl Unmet<'_> {
    /// Finds the links whose record the walk did not meet although they are older than it, page by page.
    pub(super) async fn links(&self, ctx: &mut RunCtx<'_>) -> Result<(), EngineError> {
        let db = ctx.engine.db.clone();
        let (side, object) = (self.side, self.object);
        let prefix = keys::by_object(Family::LinkIndex, side, object);
        let mut after: Option<Key> = None;
        loop {
            let range = Range::prefix(prefix.clone(), ROWS).after(after.take());
            let rows: Vec<(Key, LinkId)> = db.store().scan(range).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            let mut ids = Vec::with_capacity(rows.len());
            let mut owners = Vec::with_capacity(rows.len());
            for (key, link) in &rows {
                let mut reader = KeyReader::after(&prefix, key)?;
                ids.push(RecordId(reader.text()?));
                owners.push((MappingId(reader.text()?), *link));
            }
            let stamps = db.swept(side, object, &ids).await?;
            let mut missing: BTreeMap<MappingId, Vec<LinkId>> = BTreeMap::new();
            for ((mapping, link), stamp) in owners.into_iter().zip(stamps) {
                if stamp != Some(self.number) {
                    missing.entry(mapping).or_default().push(link);
                }
            }
            for (name, found) in missing {
                let Some(mapping) = self.over.iter().find(|mapping| mapping.id == name) else {
                    continue;
                };
                let links = db.links(&name, &found).await?.into_iter().flatten();
                // What was made later than now was made before our clock was set back.
                let now = ctx.engine.clock.now();
                let is_older = |made: DateTime<Utc>| made < self.since || made > now;
                let older: Vec<LinkId> = links
                    .filter(|link| stands(mapping, link, side) && is_older(link.created_at))
                    .map(|link| link.id)
                    .collect();
                if !older.is_empty() {
                    tracing::info!(event = "not_met", mapping = %name, %side, count = older.len(), "linked records that a walk over everything did not meet");
                    confirm_absent(ctx, mapping, side, &older).await?;
                }
            }
        }
    }

    /// Finds the records without a link that the walk did not meet, page by page. Those that are gone are forgotten: nobody
    /// matches them any more, and nothing about them waits for a person.
    pub(super) async fn unlinked(&self, ctx: &mut RunCtx<'_>) -> Result<(), EngineError> {
        if self.number <= 1 {
            // The first walk of all: whatever is known was met by it.
            return Ok(());
        }
        let db = ctx.engine.db.clone();
        let side = self.side;
        for mapping in self.over {
            let prefix = keys::match_keys_of(&mapping.id, side);
            let mut after: Option<Key> = None;
            loop {
                let range = Range::prefix(prefix.clone(), ROWS).after(after.take());
                let rows = db.store().range(range).await?;
                let Some((last, _)) = rows.last() else { break };
                after = Some(last.clone());
                let mut ids = Vec::with_capacity(rows.len());
                for (key, _) in &rows {
                    ids.push(RecordId(KeyReader::after(&prefix, key)?.text()?));
                }
                let unmet = self.not_met(ctx, mapping, ids).await?;
                self.forget_gone(ctx, mapping, unmet).await?;
            }
        }
        Ok(())
    }

    /// Those without a link, a stamp of the walk or an observation since it began.
    async fn not_met(
        &self,
        ctx: &RunCtx<'_>,
        mapping: &Mapping,
        ids: Vec<RecordId>,
    ) -> Result<Vec<RecordId>, EngineError> {
        let db = &ctx.engine.db;
        let (side, object) = (self.side, self.object);
        let stamps = db.swept(side, object, &ids).await?;
        let unstamped = ids.into_iter().zip(stamps);
        let unstamped = unstamped.filter(|(_, stamp)| *stamp != Some(self.number));
        let ids: Vec<RecordId> = unstamped.map(|(id, _)| id).collect();
        let links = db.link_ids(&mapping.id, side, object, &ids).await?;
        let alone = ids.into_iter().zip(links);
        let alone = alone.filter(|(_, link)| link.is_none());
        let ids: Vec<RecordId> = alone.map(|(id, _)| id).collect();
        let seen = db.observations(side, object, &ids).await?;
        let now = ctx.engine.clock.now();
        let unseen = ids.into_iter().zip(seen).filter(|(_, seen)| {
            // What was seen later than now was seen before our clock was set back. Another mapping may have seen that it is gone.
            let met = |seen: &Observation| {
                let then = self.since <= seen.observed_at && seen.observed_at <= now;
                then && seen.presence == Presence::Live
            };
            !seen.as_ref().is_some_and(met)
        });
        Ok(unseen.map(|(id, _)| id).collect())
    }

    async fn forget_gone(
        &self,
        ctx: &mut RunCtx<'_>,
        mapping: &Mapping,
        ids: Vec<RecordId>,
    ) -> Result<(), EngineError> {
        if ids.is_empty() {
            return Ok(());
        }
        let side = self.side;
        tracing::info!(event = "not_met", mapping = %mapping.id, %side, count = ids.len(), "records without a link that a walk over everything did not meet");
        forget_dead(ctx, mapping, side, &ids).await?;
        Ok(())
    }
}

/// Reads records without a link by their ids and forgets those that are gone, as a look that shows them gone does; gives
/// these. What does not answer is no evidence of anything; but what it shadows has to know.
pub(super) async fn forget_dead(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<RecordId>, EngineError> {
    let engine = ctx.engine;
    let found = read_records(ctx, mapping, side, ids).await?;
    let known = engine.db.match_keys(&mapping.id, side, ids).await?;
    let mut dead = Vec::new();
    let mut tx = engine.db.begin();
    for ((id, records), keys) in ids.iter().zip(found).zip(known) {
        match records.first().map(|seen| &seen.presence) {
            None | Some(Presence::Live) => {}
            Some(Presence::Inaccessible) => {
                fall_silent(&engine.db, mapping, side, id, &mut tx).await?;
            }
            Some(_) => {
                forget_unlinked(engine, mapping, side, id, &keys, &mut tx).await?;
                dead.push(id.clone());
            }
        }
        tx = tx.rolled().await?;
    }
    tx.apply().await?;
    Ok(dead)
}

/// Forgets the stamps of records that the walk did not meet.
pub(super) async fn clear_stamps(
    ctx: &RunCtx<'_>,
    side: Side,
    object: &str,
    number: u64,
) -> Result<(), EngineError> {
    let db = &ctx.engine.db;
    let prefix = keys::by_object(Family::Swept, side, object);
    let mut after: Option<Key> = None;
    loop {
        let range = Range::prefix(prefix.clone(), ROWS).after(after.take());
        let rows: Vec<(Key, u64)> = db.store().scan(range).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        let mut tx = db.begin();
        for (key, stamp) in rows {
            if stamp != number {
                tx.drop_swept(key);
            }
        }
        tx.apply().await?;
    }
}
