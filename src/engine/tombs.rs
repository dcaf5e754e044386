//! Tombstones that give way: what is left of a deleted link is no source of anything (12.3), but a new record of the other
//! side may match it like any (docs/design/sync-semantics.md 12.2).

use std::collections::BTreeSet;

use super::context::EngineError;
use super::db::Tx;
use super::gone::close_all;
use super::gone_case::cases;
use super::group;
use super::links;
use super::run_ctx::RunCtx;
use crate::domain::{Link, LinkId, LinkState, Mapping, PerSide, RecordId, Side};

/// The links among these that are tombstones and whose record on `side` is left.
pub(super) async fn among(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    links: &[Option<LinkId>],
) -> Result<BTreeSet<LinkId>, EngineError> {
    let known: Vec<LinkId> = links.iter().flatten().copied().collect();
    let links = ctx.engine.db.links(&mapping.id, &known).await?;
    let left = |link: &Link| match &link.state {
        LinkState::Deleted(departed) => !*departed.gone.get(side),
        // Its Salesforce record left the scope (12.6): that of HubSpot may be matched with another one.
        LinkState::Unlinked => side == Side::HubSpot,
        // Whoever took over from it holds the record no longer, or it would be named here.
        LinkState::Superseded(_) => true,
        _ => false,
    };
    let tombs = links.into_iter().flatten().filter(left);
    Ok(tombs.map(|link| link.id).collect())
}

/// Takes the tombstones of the records of a new link away, with what waits of them. Gives the ids that the key fields of those
/// records may still hold.
pub(super) async fn give_way(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    link: &Link,
    tx: &mut Tx<'_>,
) -> Result<PerSide<Vec<RecordId>>, EngineError> {
    let mut former = PerSide::<Vec<RecordId>>::default();
    for side in Side::BOTH {
        let Some(id) = link.ids.get(side) else {
            continue;
        };
        let known = give_way_for(ctx, mapping, side, id, tx).await?;
        former.get_mut(side.other()).extend(known);
        let theirs = group::take_over(ctx, mapping, link, side, tx).await?;
        former.get_mut(side.other()).extend(theirs);
    }
    Ok(former)
}

/// Takes the tombstone of one record away; gives the ids that its key field may still hold.
pub(super) async fn give_way_for(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    tx: &mut Tx<'_>,
) -> Result<Vec<RecordId>, EngineError> {
    let db = &ctx.engine.db;
    let ids = std::slice::from_ref(id);
    let held = db.link_ids(&mapping.id, side, mapping.object(side), ids);
    let held: Vec<LinkId> = held.await?.into_iter().flatten().collect();
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let tombs = db.links(&mapping.id, &held).await?.into_iter().flatten();
    let tombs = tombs.filter(|tomb| {
        matches!(
            tomb.state,
            LinkState::Deleted(_)
                | LinkState::Unlinked
                | LinkState::Superseded(_)
                // Only a person's choice comes here with what an undo took back: it counts more than the undo.
                | LinkState::TakenBack(_)
        )
    });
    let mut former = Vec::new();
    for case in cases(ctx, mapping, tombs.collect()).await? {
        close_all(ctx, &case, tx)?;
        tx.remove_link(&case.link, &links::objects(mapping));
        former.extend(case.link.former.get(side.other()).iter().cloned());
        former.extend(case.link.ids.get(side.other()).clone());
    }
    Ok(former)
}
