//! Review items of records that have no link: asking, finding what was said, closing (docs/design/sync-semantics.md 9.3).

use super::context::EngineError;
use super::db::{Tx, Waiting};
use super::failures::error_id;
use super::links;
use super::matchup::pass_over;
use super::run::{Mode, RunCtx};
use super::tally;
use super::waits::{What, close};
use crate::domain::{
    Candidate, Choice, Conflict, ErrorItem, ItemId, ItemKind, ItemState, Mapping, PerSide,
    RecordId, Side, SideValue,
};
use crate::store::{Count, keys};

/// The records of one side that come into question, each for the same reason.
pub(super) fn candidates(
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
    why: &str,
) -> Vec<Candidate> {
    ids.iter()
        .map(|id| Candidate {
            record: links::record_key(mapping, side, id),
            label: String::new(),
            why: why.to_owned(),
        })
        .collect()
}

/// The review item of a record that has no link.
pub fn review_id(mapping: &Mapping, side: Side, id: &RecordId) -> ItemId {
    ItemId::derive(&[
        b"match",
        mapping.id.as_str().as_bytes(),
        side.word().as_bytes(),
        id.as_str().as_bytes(),
    ])
}

/// A person must decide about a record without a link; it is left alone until then.
#[expect(
    clippy::too_many_arguments,
    reason = "one review item in the terms of product.md"
)]
pub(super) async fn review(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    kind: ItemKind,
    why: String,
    mut candidates: Vec<Candidate>,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let now = engine.clock.now();
    let item = review_id(mapping, side, id);
    let before = stored(ctx, item).await?;
    if before.as_ref().is_some_and(is_ignored) {
        pass_over(ctx, mapping, side, id, tally::Unlinked::Excluded, tx).await?;
        return Ok(());
    }
    for candidate in &mut candidates {
        let seen = engine
            .db
            .observations(
                candidate.record.side,
                &candidate.record.object,
                std::slice::from_ref(&candidate.record.id),
            )
            .await?;
        if let Some(seen) = seen.into_iter().flatten().next() {
            candidate.label = seen.label();
        }
    }
    let seen = engine
        .db
        .observations(side, mapping.object(side), std::slice::from_ref(id))
        .await?;
    let label = seen
        .into_iter()
        .flatten()
        .next()
        .map_or_else(|| id.to_string(), |seen| seen.label());
    let mut sides = PerSide::<SideValue>::default();
    sides.get_mut(side).id = Some(id.clone());
    let row = Conflict {
        id: item,
        mapping: mapping.id.clone(),
        kind,
        link: None,
        label: label.clone(),
        field: String::new(),
        sides,
        base: None,
        base_run: None,
        suggest: None,
        rule: "ask".into(),
        why,
        state: ItemState::Open,
        candidates,
        resolution: None,
        members: Vec::new(),
        automatic: false,
        first_seen: before.as_ref().map_or(now, |row| row.first_seen),
        last_seen: now,
        run: ctx.run,
    };
    let owner = keys::record_owner(&links::record_key(mapping, side, id));
    tx.put_conflict(&row, before.as_ref(), owner)?;
    pass_over(ctx, mapping, side, id, tally::Unlinked::Review, tx).await?;
    if ctx.mode == Mode::Write {
        let subject = format!("{} {id}", mapping.object(side));
        engine.report.line_about(
            "warn",
            subject,
            &label,
            "waits in Conflicts".into(),
            Some(item),
            None,
        );
        engine.report.change(|view| view.conflicts += 1);
    }
    Ok(())
}

/// True where a person said to leave one of the records alone: they stay without a counterpart. Otherwise what was asked
/// about them before is over, for now they have one.
pub(super) async fn left_alone(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    records: &[(Side, &RecordId)],
    tx: &mut Tx<'_>,
) -> Result<bool, EngineError> {
    let review = Count::Review(mapping.id.clone());
    if ctx.is_first(&mapping.id) && ctx.engine.db.count(&review) == 0 {
        return Ok(false);
    }
    let mut ignored = false;
    let mut asked = Vec::new();
    for (side, id) in records {
        if let Some(item) = stored(ctx, review_id(mapping, *side, id)).await? {
            ignored |= is_ignored(&item);
            if item.state != ItemState::Resolved {
                asked.push((*side, *id));
            }
        }
    }
    if ignored {
        for (side, id) in records {
            pass_over(ctx, mapping, *side, id, tally::Unlinked::Excluded, tx).await?;
        }
        return Ok(true);
    }
    for (side, id) in asked {
        close_review(ctx, mapping, side, id, tx).await?;
    }
    Ok(false)
}

/// True where a person said to leave the record alone for good.
fn is_ignored(item: &Conflict) -> bool {
    let choice = item
        .resolution
        .as_ref()
        .map(|resolution| &resolution.choice);
    item.state == ItemState::Resolved && choice == Some(&Choice::Ignore)
}

pub(super) async fn stored(
    ctx: &RunCtx<'_>,
    item: ItemId,
) -> Result<Option<Conflict>, EngineError> {
    Ok(match ctx.engine.db.waiting_item(item).await? {
        Some(Waiting::Conflict(row)) => Some(row),
        _ => None,
    })
}

/// The choice was carried out: the item is over.
pub(super) async fn close_review(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    close_of(ctx, mapping, (side, id), What::Questions, tx).await
}

/// The record has a link now: what was asked about it while it had none is over, and so is what failed.
pub(super) async fn close_unlinked(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    close_of(ctx, mapping, (side, id), What::All, tx).await
}

async fn close_of(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    (side, id): (Side, &RecordId),
    what: What,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let owner = keys::record_owner(&links::record_key(mapping, side, id));
    close(ctx.engine, &mapping.id, owner, what, Some(ctx.run), tx).await
}

/// True where an older error of an unlinked record still waits; such a record is not tried again yet.
pub(super) async fn errors_of_record(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    id: &RecordId,
) -> Result<Vec<ErrorItem>, EngineError> {
    let record = links::record_key(mapping, side, id);
    let known = ctx.engine.db.errors_of(keys::record_owner(&record)).await?;
    let own = error_id(mapping, &record, "");
    let mut all: Vec<_> = known
        .into_values()
        .filter(|item| item.mapping == mapping.id)
        .collect();
    all.sort_by_key(|item| item.id != own);
    Ok(all)
}
