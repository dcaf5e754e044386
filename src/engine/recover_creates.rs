//! Unanswered creates, looked up by the key that they were sent with (docs/design/sync-semantics.md 16.4, 10.2).

use super::apply::note_left;
use super::bases;
use super::context::EngineError;
use super::convert_keys;
use super::db::Tx;
use super::fields;
use super::group;
use super::links;
use super::recover::is_settled;
use super::recover_rules::{Verdict, judge_create, may_be_its, wanted};
use super::recover_updates::ghost_of;
use super::reviews;
use super::run::RunCtx;
use super::waits::{What, close};
use crate::crm::Purpose;
use crate::domain::{
    Candidate, Departed, ItemKind, Link, LinkId, LinkState, Mapping, Observation, Op, OpState,
    PerSide, Presence, RecordId, Side,
};
use crate::store::rows::Dirty;

pub(super) async fn creates(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let found = find_created(ctx, mapping, side, &ops).await?;
    let mut tx = ctx.engine.db.begin();
    for (mut op, found) in ops.into_iter().zip(found) {
        let found = not_anothers(ctx, mapping, &op, found).await?;
        let ids: Vec<RecordId> = found.iter().map(|seen| seen.id.clone()).collect();
        let link = ctx
            .engine
            .db
            .links(&mapping.id, &[op.link])
            .await?
            .into_iter()
            .flatten()
            .next();
        let verdict = judge_create(&ids, is_settled(ctx, &op));
        conclude_create(ctx, mapping, &mut op, link, verdict, found, &mut tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Live records that answer to each op's key; without a key field, those with the same match value made since it was sent.
async fn find_created(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: &[Op],
) -> Result<Vec<Vec<Observation>>, EngineError> {
    let object = mapping.object(side).to_owned();
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), side, &object);
    let crm = ctx.engine.side(side);
    let live = |records: Vec<Observation>| {
        records
            .into_iter()
            .filter(|seen| seen.presence == Presence::Live)
            .collect()
    };
    if ctx.known.keyed.contains(&(mapping.id.clone(), side)) {
        let keys: Vec<String> = ops
            .iter()
            .filter_map(|op| op.upsert_key().map(|id| id.0.clone()))
            .collect();
        let found = crm
            .look_up(
                Purpose::Recovery,
                &object,
                mapping.key_field(side),
                &keys,
                &asked,
            )
            .await?;
        return Ok(found.into_iter().map(|one| live(one.records)).collect());
    }
    let part = mapping
        .match_rules
        .first()
        .and_then(|rule| mapping.pairs.get(*rule.parts.first()?));
    let Some(field) = part.map(|pair| pair.field(side).to_owned()) else {
        return Ok(vec![Vec::new(); ops.len()]);
    };
    let values: Vec<String> = ops.iter().filter_map(|op| wanted(op, &field)).collect();
    let seen = crm
        .search(Purpose::Recovery, &object, &field, &values, &asked)
        .await?;
    let of = |op: &Op| {
        let its = seen.iter().filter(|seen| may_be_its(op, seen, &field));
        its.cloned().collect()
    };
    Ok(ops.iter().map(of).collect())
}

/// What no other link holds: a record of another one's, in the mapping or in its group, is not what this create made (I-7).
async fn not_anothers(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    found: Vec<Observation>,
) -> Result<Vec<Observation>, EngineError> {
    let ids: Vec<RecordId> = found.iter().map(|seen| seen.id.clone()).collect();
    let holders = group::holders(ctx.engine, mapping, op.side, &ids).await?;
    let free = |holder: &Option<LinkId>| holder.is_none_or(|link| link == op.link);
    let all = found.into_iter().zip(holders);
    Ok(all
        .filter(|(_, holder)| free(holder))
        .map(|(seen, _)| seen)
        .collect())
}

async fn conclude_create(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &mut Op,
    link: Option<Link>,
    verdict: Verdict,
    found: Vec<Observation>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let objects = links::objects(mapping);
    let source_side = op.side.other();
    match verdict {
        Verdict::Wait => {
            ctx.locked.insert(op.link);
            if op.state == OpState::Sent {
                op.state = OpState::Unknown;
                tx.put_op(op)?;
            }
            return Ok(());
        }
        Verdict::Applied => {
            op.state = OpState::Confirmed;
            op.outcome.record = found.first().map(|seen| seen.id.clone());
            note_left(op, found.first());
            if let (Some(mut link), Some(seen), Some(source)) = (link, found.first(), &op.source) {
                link.state = LinkState::Active;
                link.tomb = None;
                *link.ids.get_mut(op.side) = Some(seen.id.clone());
                tx.put_link(&link, &objects)?;
                convert_keys::take_over(ctx, mapping, op, &link, tx).await?;
                tx.put_base(&mapping.id, link.id, &bases::adopted(mapping, op, seen))?;
                tx.put_observation(seen)?;
                for (side, id) in [(op.side, &seen.id), (source_side, source)] {
                    // What was noticed of it meanwhile (12, 13) stays noticed.
                    let noticed = ctx.engine.db.marks(&mapping.id, side, id).await?;
                    tx.mark_dirty(&mapping.id, side, id, noticed | Dirty::RELINK)?;
                    // It may have been read without a link meanwhile, and somebody asked whose it is.
                    reviews::close_review(ctx, mapping, side, id, tx).await?;
                }
                // It may stand for a deleted one that a person had made anew: the choice has done its work.
                let run = Some(ctx.run);
                close(ctx.engine, &mapping.id, link.id.0, What::Questions, run, tx).await?;
                let ids = if op.side == Side::HubSpot {
                    PerSide {
                        salesforce: source.clone(),
                        hubspot: seen.id.clone(),
                    }
                } else {
                    PerSide {
                        salesforce: seen.id.clone(),
                        hubspot: source.clone(),
                    }
                };
                ctx.newly_linked.push((mapping.id.clone(), link.id, ids));
            }
        }
        Verdict::NotApplied | Verdict::Superseded => {
            op.state = OpState::Failed;
            op.outcome.why = Some("looked up: not applied".into());
            give_back(mapping, op, link, true, tx)?;
        }
        Verdict::Ask(ids) => {
            op.state = OpState::Superseded;
            op.outcome.why = Some(format!("looked up: {} records may be it", ids.len()));
            give_back(mapping, op, link, false, tx)?;
            if let Some(source) = op.source.clone() {
                let candidates = found.iter().map(|seen| Candidate {
                    record: links::record_key(mapping, op.side, &seen.id),
                    label: seen.label(),
                    why: "made since the create was sent".into(),
                });
                let why = format!(
                    "{} did not answer a create, and several records may be its result.",
                    op.side
                );
                reviews::review(
                    ctx,
                    mapping,
                    source_side,
                    &source,
                    ItemKind::UnknownCreate,
                    why,
                    candidates.collect(),
                    tx,
                )
                .await?;
            }
        }
    }
    if let Some(source) = &op.source {
        for error in reviews::errors_of_record(ctx, mapping, source_side, source).await? {
            tx.remove_error(&error);
        }
    }
    tx.put_op(op)?;
    if matches!(op.state, OpState::Failed | OpState::Confirmed) {
        // What goes by a key may land at last on the record that was made meanwhile, or by its first try.
        tx.put_ghost(op, ghost_of(ctx, op))?;
    }
    Ok(())
}

/// The create never happened: its source is an unlinked record again and is matched and created anew, under the same key. One
/// that was to stand for a deleted record is a tombstone again, of which everything is decided anew where that is `due`.
fn give_back(
    mapping: &Mapping,
    op: &Op,
    link: Option<Link>,
    due: bool,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let mut again = false;
    if let Some(mut link) = link.filter(|link| link.state == LinkState::PendingCreate) {
        let former = link.former.get_mut(op.side).pop();
        again = former.is_some();
        match former {
            Some(former) => {
                tx.mark_dirty(&mapping.id, op.side, &former, Dirty::DELETED)?;
                *link.ids.get_mut(op.side) = Some(former);
                link.state = LinkState::Deleted(Departed {
                    archived: link.tomb.take().unwrap_or_default().archived,
                    due,
                    ..Departed::of(op.side)
                });
                tx.put_link(&link, &links::objects(mapping))?;
            }
            None => tx.remove_link(&link, &links::objects(mapping)),
        }
    }
    if let Some(source) = op.source.as_ref().filter(|_| !again) {
        let reasons = Dirty::RETRY | Dirty::LET_THROUGH;
        tx.mark_dirty(&mapping.id, op.side.other(), source, reasons)?;
    }
    Ok(())
}
