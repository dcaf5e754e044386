//! Records outside the scope shadow what they would match on the other side: nothing is made for it as long as they do
//! (docs/design/sync-semantics.md 12.6). What they no longer shadow is matched again, and where one of them does not answer any
//! more, a person is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::context::EngineError;
use super::db::{Db, Tx};
use super::fields;
use super::match_input::GROUP;
use super::run_ctx::RunCtx;
use crate::crm::Purpose;
use crate::domain::{Mapping, Observation, Presence, RecordId, Side};
use crate::store::StoreError;
use crate::store::rows::Dirty;

/// Records that are looked through at a time.
const PAGE: usize = 2000;

/// The match key that every record outside stands under, beside its own.
pub(super) const OUTSIDE: (u8, u128) = (u8::MAX, 0);

/// The match key of those among them that did not answer when they were looked for: deleted for good, or hidden.
const SILENT: (u8, u128) = (u8::MAX, 1);

/// The keys under which a record can be found, outside or not.
pub(super) fn keys_of(mapping: &Mapping, seen: &Observation, outside: bool) -> Vec<(u8, u128)> {
    let mut keys = fields::match_keys(mapping, seen);
    if outside {
        keys.push(OUTSIDE);
    }
    keys
}

/// Sets the keys under which a record can be matched; `old` are the ones stored before. What it shadowed and does so no longer,
/// or in another way, is matched again.
pub(super) async fn set_keys(
    db: &Db,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    old: &[(u8, u128)],
    new: &[(u8, u128)],
    tx: &mut Tx<'_>,
) -> Result<(), StoreError> {
    tx.set_match_keys(&mapping.id, side, id, old, new)?;
    if !old.contains(&OUTSIDE) {
        return Ok(());
    }
    let other_way = old.contains(&SILENT) != new.contains(&SILENT);
    let other = side.other();
    for key in old.iter().filter(|key| is_own(key)) {
        if new.contains(key) && !other_way {
            continue;
        }
        let under = db.matching(&mapping.id, other, *key, GROUP).await?;
        let links = db.link_ids(&mapping.id, other, mapping.object(other), &under);
        let links = links.await?;
        let free = under.iter().zip(links).filter(|(_, link)| link.is_none());
        for (id, _) in free {
            tx.mark_dirty(&mapping.id, other, id, Dirty::RELINK)?;
        }
    }
    Ok(())
}

/// The same of a record whose keys nobody has read yet.
pub(super) async fn rekey(
    db: &Db,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    new: &[(u8, u128)],
    tx: &mut Tx<'_>,
) -> Result<(), StoreError> {
    let old = stored_keys(db, mapping, side, id).await?;
    set_keys(db, mapping, side, id, &old, new, tx).await
}

async fn stored_keys(
    db: &Db,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
) -> Result<Vec<(u8, u128)>, StoreError> {
    let ids = std::slice::from_ref(id);
    let keys = db.match_keys(&mapping.id, side, ids).await?;
    Ok(keys.into_iter().next().unwrap_or_default())
}

/// Reads what is no longer shadowed and was last read long ago: the plan of this run says what is made for it.
pub(super) async fn see_freed(ctx: &RunCtx<'_>, mappings: &[&Mapping]) -> Result<(), EngineError> {
    let db = &ctx.engine.db;
    let side = Side::HubSpot;
    for mapping in mappings.iter().filter(|mapping| mapping.scope.is_some()) {
        let object = mapping.object(side);
        let asked = fields::observed(&ctx.known, std::iter::once(*mapping), side, object);
        let mut after: Option<RecordId> = None;
        loop {
            let page = db
                .dirty_page(&mapping.id, side, after.as_ref(), PAGE)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let freed = page
                .iter()
                .filter(|(_, row)| row.reasons & Dirty::RELINK != 0);
            let freed: Vec<RecordId> = freed.map(|(id, _)| id.clone()).collect();
            let unseen = unseen(db, mapping, side, freed).await?;
            if unseen.is_empty() {
                continue;
            }
            let hubspot = ctx.engine.side(side);
            let found = hubspot
                .read(Purpose::Complete, object, &unseen, &asked)
                .await?;
            let mut tx = db.begin();
            for (id, found) in unseen.iter().zip(found) {
                match found.records.first() {
                    Some(seen) if seen.presence == Presence::Live && seen.id == *id => {
                        tx.put_observation(seen)?;
                    }
                    // What became of it a look tells.
                    _ => tx.clear_dirty(&mapping.id, side, id),
                }
            }
            tx.apply().await?;
        }
    }
    Ok(())
}

/// Those among these that have neither a link nor a look that waits. What is no longer shadowed since this run has looked is
/// the next one's: its plan says nothing of it.
pub(super) async fn unseen(
    db: &Db,
    mapping: &Mapping,
    side: Side,
    ids: Vec<RecordId>,
) -> Result<Vec<RecordId>, StoreError> {
    let object = mapping.object(side);
    let links = db.link_ids(&mapping.id, side, object, &ids).await?;
    let seen = db.observations(side, object, &ids).await?;
    let all = ids.into_iter().zip(links).zip(seen);
    let unseen = all.filter(|((_, link), seen)| link.is_none() && seen.is_none());
    Ok(unseen.map(|((id, _), _)| id).collect())
}

/// A record was looked for and does not answer: where it lies outside, what it shadows has to know.
pub(super) async fn fall_silent(
    db: &Db,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    tx: &mut Tx<'_>,
) -> Result<(), StoreError> {
    let keys = stored_keys(db, mapping, side, id).await?;
    if !keys.contains(&OUTSIDE) || keys.contains(&SILENT) {
        return Ok(());
    }
    let mut silent = keys.clone();
    silent.push(SILENT);
    set_keys(db, mapping, side, id, &keys, &silent, tx).await
}

/// True for a key of the record itself.
fn is_own(key: &(u8, u128)) -> bool {
    key.0 != u8::MAX
}

/// What lies in the shadow of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shadow {
    /// It is known to be there.
    Outside,
    /// None of these answers any more.
    Silent(Vec<RecordId>),
}

/// The keys that records outside stand under.
#[derive(Debug, Default)]
pub(super) struct Shadows {
    by_key: BTreeMap<(u8, u128), Shadow>,
}

impl Shadows {
    /// A record outside stands under these keys.
    pub(super) fn cast(&mut self, id: &RecordId, keys: &[(u8, u128)]) {
        let silent = keys.contains(&SILENT);
        for key in keys.iter().filter(|key| is_own(key)) {
            match self.by_key.get_mut(key) {
                Some(Shadow::Silent(ids)) if silent => ids.push(id.clone()),
                Some(Shadow::Outside) => {}
                _ if silent => {
                    let shadow = Shadow::Silent(vec![id.clone()]);
                    self.by_key.insert(*key, shadow);
                }
                _ => {
                    self.by_key.insert(*key, Shadow::Outside);
                }
            }
        }
    }

    /// The shadow over a record with these keys.
    pub(super) fn over(&self, keys: &[(u8, u128)]) -> Option<Shadow> {
        let mut silent: BTreeSet<RecordId> = BTreeSet::new();
        for shadow in keys.iter().filter_map(|key| self.by_key.get(key)) {
            match shadow {
                Shadow::Outside => return Some(Shadow::Outside),
                Shadow::Silent(ids) => silent.extend(ids.iter().cloned()),
            }
        }
        (!silent.is_empty()).then(|| Shadow::Silent(silent.into_iter().collect()))
    }
}
