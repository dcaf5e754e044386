//! Creates: keyed upserts with a look-up before, so that no crash, retry or time-out makes a record twice
//! (docs/design/sync-semantics.md 10, 16).

use std::collections::{BTreeMap, BTreeSet};

use super::batches::{self, OpBatch};
use super::context::EngineError;
use super::convert_keys::under_leads_keys;
use super::create_draft::{Draft, drafts};
use super::create_lookup::look_up;
use super::create_record::{read_back, record};
use super::failures::{ErrorFacts, Failure, error_item, op_digest};
use super::gone_case::Case;
use super::links;
use super::matchup::Creates;
use super::report::Phase;
use super::run::{Mode, RunCtx};
use super::tally;
use crate::crm::WriteKind;
use crate::domain::{
    ErrorItem, LinkId, LinkState, Mapping, OpId, OpKind, PerSide, Presence, RecordId, Side,
};
use crate::store::rows::Dirty;

/// Creates the counterparts of the given records.
pub(super) async fn creates(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wanted: Creates,
) -> Result<(), EngineError> {
    for source in Side::BOTH {
        let target = source.other();
        let kind = write_kind(ctx, mapping, target);
        let size = ctx.engine.side(target).batch_size(&kind).max(1)
            * ctx.engine.rules.settings.in_flight.clamp(1, 16);
        if ctx.mode == Mode::Write {
            ctx.engine
                .report
                .expect(Phase::Apply(target), wanted.get(source).len() as u64);
        }
        for part in wanted.get(source).chunks(size) {
            ctx.engine.control.border().await?;
            let part = unlinked(ctx, mapping, source, part).await?;
            let drafts = drafts(ctx, mapping, source, &part, &mut BTreeMap::new()).await?;
            if ctx.mode == Mode::Write {
                group(ctx, mapping, target, &kind, drafts).await?;
                ctx.check_error_rate()?;
            } else {
                foresee(ctx, mapping, target, drafts).await?;
            }
        }
    }
    Ok(())
}

/// The records that have no link yet: a look-up for one of the other side may have found its counterpart among them meanwhile.
async fn unlinked(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<RecordId>, EngineError> {
    let db = &ctx.engine.db;
    let held = db
        .link_ids(&mapping.id, side, mapping.object(side), ids)
        .await?;
    let known: Vec<LinkId> = held.iter().flatten().copied().collect();
    let links = db.links(&mapping.id, &known).await?.into_iter().flatten();
    let taken: BTreeSet<LinkId> = links
        .filter(|link| link.state == LinkState::Active)
        .map(|link| link.id)
        .collect();
    let free = |held: &Option<LinkId>| held.is_none_or(|link| !taken.contains(&link));
    let all = ids.iter().zip(held);
    Ok(all
        .filter(|(_, held)| free(held))
        .map(|(id, _)| id.clone())
        .collect())
}

/// Makes the deleted records of links anew, from what is left of them (12.2 `update_wins`, or a person's choice).
pub(super) async fn anew(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    cases: Vec<Case>,
) -> Result<(), EngineError> {
    let mut sources: PerSide<BTreeMap<RecordId, Case>> = PerSide::default();
    for source in Side::BOTH {
        let (target, of_side) = (source.other(), sources.get_mut(source));
        for case in &cases {
            let there = case.seen.get(source).as_ref();
            if let Some(seen) = there.filter(|seen| seen.presence == Presence::Live) {
                ctx.follows(mapping, target, OpKind::Create, case.link.id);
                of_side.insert(seen.id.clone(), case.clone());
            }
        }
    }
    ctx.check_following(mapping)?;
    for source in Side::BOTH {
        let (target, of_side) = (source.other(), sources.get_mut(source));
        let kind = write_kind(ctx, mapping, target);
        let size = ctx.engine.side(target).batch_size(&kind).max(1);
        let ids: Vec<RecordId> = of_side.keys().cloned().collect();
        if ctx.mode == Mode::Write {
            let count = ids.len() as u64;
            ctx.engine.report.expect(Phase::Apply(target), count);
        }
        for part in ids.chunks(size) {
            ctx.engine.control.border().await?;
            let drafts = drafts(ctx, mapping, source, part, of_side).await?;
            if ctx.mode == Mode::Write {
                group(ctx, mapping, target, &kind, drafts).await?;
                ctx.check_error_rate()?;
            } else {
                foresee(ctx, mapping, target, drafts).await?;
            }
        }
    }
    Ok(())
}

pub(super) fn keyed(ctx: &RunCtx<'_>, mapping: &Mapping, target: Side) -> bool {
    ctx.known.keyed.contains(&(mapping.id.clone(), target))
}

fn write_kind(ctx: &RunCtx<'_>, mapping: &Mapping, target: Side) -> WriteKind {
    if keyed(ctx, mapping, target) {
        WriteKind::Upsert {
            key_field: mapping.key_field(target).to_owned(),
        }
    } else {
        WriteKind::Create
    }
}

pub(super) fn source_error(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    draft: &Draft,
    field: &str,
    failure: Failure,
) -> ErrorItem {
    let mut item = error_item(
        &ErrorFacts {
            mapping,
            record: links::record_key(mapping, draft.seen.side, &draft.seen.id),
            side: draft.op.side,
            link: draft.replaces.as_ref().map(|case| case.link.id),
            label: draft.seen.label(),
            field: field.to_owned(),
            value: draft.seen.value(field).clone(),
            category: failure.category,
            message: failure.message,
            vendor: failure.vendor,
            run: ctx.run,
            now: ctx.engine.clock.now(),
        },
        &draft.known,
        &ctx.engine.rules.settings,
    );
    item.digest = op_digest(&draft.op);
    item
}

/// A record that stays without a counterpart for now.
pub(super) fn unlinked_error(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    draft: &Draft,
    item: &ErrorItem,
    tx: &mut super::db::Tx<'_>,
) -> Result<(), EngineError> {
    let side = draft.seen.side;
    for old in draft.known.iter().filter(|old| old.id != item.id) {
        tx.remove_error(old);
    }
    tx.put_error(item, draft.known.iter().any(|known| known.id == item.id))?;
    tx.clear_dirty(&mapping.id, side, &draft.seen.id);
    tx.drop_observation(side, mapping.object(side), &draft.seen.id);
    draft.count(ctx, mapping, tally::Unlinked::Error);
    if ctx.mode == Mode::Write {
        let subject = format!("{} {}", mapping.object(side), draft.seen.id);
        ctx.engine.report.line_about(
            "error",
            subject,
            &item.label,
            item.message.clone(),
            Some(item.id),
            None,
        );
        ctx.engine.report.change(|view| view.failed += 1);
    }
    Ok(())
}

/// A preview: the link stands as pending in the scratch space, so that children can refer to it.
async fn foresee(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    drafts: Vec<Draft>,
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let sources: Vec<RecordId> = drafts.iter().map(|one| one.seen.id.clone()).collect();
    let marks = db.dirty(&mapping.id, target.other(), &sources).await?;
    let mut tx = db.begin();
    for (draft, mark) in drafts.into_iter().zip(marks) {
        draft.put_pending(mapping, &mut tx)?;
        tx.clear_dirty(&mapping.id, target.other(), &draft.seen.id);
        ctx.tally(&mapping.id)
            .created(target, &draft.seen.id, draft.link.id);
        let again = mark.is_some_and(|row| row.reasons & Dirty::LET_THROUGH != 0)
            || draft.known.iter().any(|error| error.sent);
        ctx.foresee_create(mapping, draft.op, draft.errors, again);
    }
    tx.apply().await?;
    ctx.store_plan().await
}

/// One group of creates: look-up, C2, the wire, C3.
async fn group(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    target: Side,
    kind: &WriteKind,
    mut drafts: Vec<Draft>,
) -> Result<(), EngineError> {
    under_leads_keys(ctx, mapping, target, &mut drafts).await?;
    let drafts = look_up(ctx, mapping, target, drafts).await?;
    let drafts: Vec<Draft> = drafts
        .into_iter()
        .filter(|draft| ctx.is_confirmed(&draft.op))
        .collect();
    if drafts.is_empty() {
        return Ok(());
    }
    ctx.cover(drafts.iter().map(|draft| &draft.op));
    let mut by_op: BTreeMap<OpId, Draft> = BTreeMap::new();
    let mut ops = Vec::new();
    for draft in drafts {
        ops.push(draft.op.clone());
        by_op.insert(draft.op.id, draft);
    }
    *ctx.cost(&mapping.id).created.get_mut(target) += ops.len() as u64;
    let group: Vec<OpBatch> = batches::cut(ctx, target, mapping.object(target), kind, ops);
    let answers = batches::send(ctx, group, |tx, _| {
        for draft in by_op.values() {
            draft.put_pending(mapping, tx)?;
        }
        Ok(())
    })
    .await?;
    let back = read_back(ctx, mapping, target, &answers).await;
    record(ctx, mapping, target, answers, &mut by_op, back).await
}
