//! What an earlier process, or an unanswered request, left open: looked up before anything new is planned for the records
//! concerned, never sent again blindly (docs/design/sync-semantics.md 16.4, 16.5).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::apply::settled_at;
use super::archive;
use super::context::EngineError;
use super::convert_keys::let_stamp;
use super::fields;
use super::recover_creates::creates;
use super::recover_rules::{Verdict, judge_deletion};
use super::recover_updates::{associations, updates};
use super::report::Phase;
use super::run::RunCtx;
use super::undo_apply;
use crate::crm::Purpose;
use crate::domain::{Mapping, Op, OpKind, OpState, Presence, RecordId, Side};

/// Looks up every open op. Links whose op must wait are locked for this run.
pub(super) async fn recover(ctx: &mut RunCtx<'_>) -> Result<(), EngineError> {
    expire_ghosts(ctx).await?;
    ctx.ghosts = ctx.engine.ghosts().await?;
    let open = ctx.engine.db.open_ops().await?;
    if open.is_empty() {
        return Ok(());
    }
    ctx.engine.report.begin(Phase::Recover);
    let count = open.len();
    let mut groups: BTreeMap<(String, Side, u8), Vec<Op>> = BTreeMap::new();
    for op in open {
        let class = match op.kind {
            OpKind::Create => 0,
            OpKind::Update | OpKind::Stamp => 1,
            OpKind::Associate | OpKind::Dissociate => 2,
            OpKind::Delete => 3,
            // Written here only: never without an answer.
            OpKind::Relink => continue,
        };
        if matches!(class, 1 | 2) {
            *ctx.unanswered.entry((op.link, op.side)).or_default() += 1;
        }
        groups
            .entry((op.mapping.0.clone(), op.side, class))
            .or_default()
            .push(op);
    }
    for ((mapping, side, class), ops) in groups {
        let mapping = ctx.engine.mapping(&mapping.as_str().into()).cloned();
        // Of a mapping that this run does not work on it is not known whether it has its key fields: its own next run looks.
        let known = mapping.filter(|one| ctx.known.required.contains_key(&(one.id.clone(), side)));
        let Some(mapping) = known else {
            for op in ops {
                ctx.locked.insert(op.link);
            }
            continue;
        };
        match class {
            0 => creates(ctx, &mapping, side, ops).await?,
            1 => updates(ctx, &mapping, side, ops).await?,
            3 => deletions(ctx, &mapping, side, ops).await?,
            _ => associations(ctx, &mapping, side, ops).await?,
        }
    }
    ctx.engine.report.detail(
        Phase::Recover,
        format!("{count} unanswered writes looked up"),
    );
    // What was given up is watched for from now on.
    ctx.ghosts = ctx.engine.ghosts().await?;
    ctx.engine.report.end(Phase::Recover);
    Ok(())
}

/// Forgets the ghosts whose time is over. One that landed while nobody looked (a console that was closed over the weekend) is
/// still to be known for what it is: it stays until its record was looked at.
async fn expire_ghosts(ctx: &RunCtx<'_>) -> Result<(), EngineError> {
    let db = &ctx.engine.db;
    let now = ctx.engine.clock.now();
    let over = db.ghosts().await?.into_iter();
    let over: BTreeMap<_, _> = over.filter(|(_, ghost)| ghost.until <= now).collect();
    if over.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin();
    for op in db.ghost_ops().await? {
        if let Some(ghost) = over.get(&op.id)
            && was_watched(ctx, &op, ghost.until).await?
        {
            tx.drop_ghost(op.id);
            let_stamp(ctx, &op, &mut tx).await?;
        }
    }
    Ok(tx.apply().await?)
}

/// True where all that a write may have changed up to that moment was seen, and what was seen has been dealt with.
async fn was_watched(ctx: &RunCtx<'_>, op: &Op, until: DateTime<Utc>) -> Result<bool, EngineError> {
    let db = &ctx.engine.db;
    if ctx.engine.mapping(&op.mapping).is_none() {
        // Nobody looks any more.
        return Ok(true);
    }
    let cursor = db.cursor(op.side, &op.object).await?;
    let target = op.target.as_slice();
    let marks = db.dirty(&op.mapping, op.side, target).await?;
    let seen = cursor.seen_by(&op.mapping).is_some_and(|at| at >= until);
    // What was refused, or waits for a person, has not been written over yet.
    let waits = db.anything_waits(&op.mapping) && !db.waiting(op.link.0).await?.is_empty();
    Ok(seen && !waits && marks.iter().all(Option::is_none))
}

pub(super) fn is_settled(ctx: &RunCtx<'_>, op: &Op) -> bool {
    settled_at(ctx, op) <= ctx.engine.clock.now()
}

/// A deletion is looked up by what became of the record; one that is alive once the settle delay is over was not deleted,
/// and whoever asked for it has to ask again. So has who asked for one that does not answer by then.
async fn deletions(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let object = mapping.object(side).to_owned();
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), side, &object);
    let ids: Vec<RecordId> = ops.iter().filter_map(|op| op.target.clone()).collect();
    let found = ctx
        .engine
        .side(side)
        .read(Purpose::Recovery, &object, &ids, &asked)
        .await?;
    let mut tx = ctx.engine.db.begin();
    let mut gone = 0;
    for (mut op, found) in ops.into_iter().zip(found) {
        let found: Vec<Presence> = found
            .records
            .into_iter()
            .map(|seen| seen.presence)
            .collect();
        match judge_deletion(&found, is_settled(ctx, &op)) {
            Verdict::Applied => {
                gone += 1;
                op.state = OpState::Confirmed;
                op.outcome.record = op.target.clone();
                if op.evidence.is_some() {
                    archive::looked_up(ctx, mapping, &op, &mut tx).await?;
                } else {
                    undo_apply::taken_back(ctx, mapping, &op, &mut tx).await?;
                }
            }
            Verdict::NotApplied => {
                op.state = OpState::Failed;
                op.outcome.why = Some("looked up: not applied".into());
            }
            Verdict::Wait => {
                ctx.locked.insert(op.link);
                op.state = OpState::Unknown;
            }
            Verdict::Superseded | Verdict::Ask(_) => {
                op.state = OpState::Superseded;
                op.outcome.why = Some(
                    "looked up: it does not answer, and nothing says that it was deleted".into(),
                );
            }
        }
        tx.put_op(&op)?;
    }
    ctx.engine.took_away(side, &object, gone, &mut tx).await?;
    Ok(tx.commit().await?)
}
