//! Records that a list did not show. That says nothing by itself (I-10): each is read by its id, and only what the vendor
//! then says of it counts (docs/design/sync-semantics.md 5.4, 12.1).

use super::context::EngineError;
use super::db::Tx;
use super::gone_case::cases;
use super::gone_note::note;
use super::gone_read::read_records;
use super::run_ctx::RunCtx;
use super::shadows::fall_silent;
use super::silence::out_of_reach;
use crate::domain::{
    CreatedBy, Link, LinkId, LinkState, Mapping, Observation, Presence, RecordId, Side,
};

/// True for links about which something is to be decided where their record of that side is gone.
pub(super) fn stands(mapping: &Mapping, link: &Link, side: Side) -> bool {
    match &link.state {
        LinkState::Active
        | LinkState::Suspended(_)
        | LinkState::OutOfScope
        | LinkState::Unlinked => true,
        LinkState::TakenBack(_) => side != taken(link),
        // Of a Lead whose counterpart is gone: where it was converted, its Contact gets none either (13), and no list of what is
        // there shows a converted Lead that was deleted.
        LinkState::Deleted(departed) => {
            let left = departed.gone.hubspot && !departed.gone.salesforce;
            left && mapping.is_of_leads() && side == Side::Salesforce
        }
        LinkState::PendingCreate | LinkState::Superseded(_) => false,
    }
}

/// The side on which an undo took a link's record back.
fn taken(link: &Link) -> Side {
    match link.created_by {
        CreatedBy::CreatedSalesforce => Side::Salesforce,
        _ => Side::HubSpot,
    }
}

/// Reads the records of links that a complete list of one side did not show, deleted ones included, and notes what is gone or
/// merged; the run decides about it like about any other. A record that does not answer becomes an error.
pub(super) async fn confirm_absent(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    links: &[LinkId],
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let links: Vec<Link> = db
        .links(&mapping.id, links)
        .await?
        .into_iter()
        .flatten()
        .filter(|link| stands(mapping, link, side) && !ctx.locked.contains(&link.id))
        .filter(|link| link.ids.get(side).is_some())
        .collect();
    let ids: Vec<RecordId> = links
        .iter()
        .filter_map(|link| link.ids.get(side).clone())
        .collect();
    let found = read_records(ctx, mapping, side, &ids).await?;
    let marks = db.dirty(&mapping.id, side, &ids).await?;
    let mut tx = db.begin();
    for ((link, records), mark) in links.into_iter().zip(found).zip(marks) {
        let mut records = records.into_iter();
        let Some(seen) = records.next() else { continue };
        match seen.presence {
            // The list was read while it moved.
            Presence::Live => {}
            Presence::Inaccessible if link.state == LinkState::Unlinked => {
                fall_silent(&db, mapping, side, &seen.id, &mut tx).await?;
            }
            Presence::Inaccessible if link.state != LinkState::Active => {}
            Presence::Inaccessible => {
                for mut case in cases(ctx, mapping, vec![link.clone()]).await? {
                    case.see(side, Some(seen.clone()));
                    if !case.is_gone(side) {
                        out_of_reach(ctx, mapping, &case, side, &mut tx)?;
                    }
                }
            }
            // What an undo took back stays so, whatever becomes of what it was made from; but merges and conversions are followed.
            Presence::Deleted if matches!(link.state, LinkState::TakenBack(_)) => {}
            Presence::Deleted | Presence::MergedInto(_) | Presence::Converted(_) => {
                note(mapping, &seen, mark.map_or(0, |row| row.reasons), &mut tx)?;
                let known = &ctx.known;
                let kept = records.filter(|seen| !known.is_of_forgotten(seen));
                keep_survivors(ctx, kept.collect(), &mut tx).await?;
            }
        }
        tx = tx.rolled().await?;
    }
    Ok(tx.apply().await?)
}

/// What answered in the place of a merged record, so that it need not be read again. The list may have shown it too, and only
/// with the list its associations were read.
async fn keep_survivors(
    ctx: &RunCtx<'_>,
    mut survivors: Vec<Observation>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    survivors.retain(|seen| seen.presence == Presence::Live);
    for mut survivor in survivors {
        let (side, object) = (survivor.side, &survivor.object);
        let id = std::slice::from_ref(&survivor.id);
        let listed = ctx.engine.db.observations(side, object, id).await?;
        let listed = listed.into_iter().flatten();
        for (field, value) in listed.flat_map(|listed| listed.fields) {
            survivor.fields.entry(field).or_insert(value);
        }
        tx.put_observation(&survivor)?;
    }
    Ok(())
}
