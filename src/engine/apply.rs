//! Around the wire for updates: the second look when a read has grown old (6.2), and the recording of answers (C3).

use std::collections::BTreeMap;

use super::batches::{Answer, CrmErrorOrVendor, OpBatch};
use super::clobber;
use super::context::EngineError;
use super::failures::{ErrorFacts, Failure, error_item, not_applied, op_digest, refused};
use super::fields;
use super::link_plan::{Work, pair_digests};
use super::links;
use super::report::Phase;
use super::run::RunCtx;
use super::settle::Progressed;
use super::slice::close;
use crate::crm::Purpose;
use crate::domain::{
    ErrorCategory, ErrorItem, Mapping, Observation, Op, OpId, OpKind, OpState, Presence, RecordId,
    Side, Unit, Value, element_of,
};

/// Reads the targets of batches whose read is older than `max_age` once more; ops whose target moved are taken out and
/// their works are planned again.
pub(super) async fn recheck(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    owner: &BTreeMap<OpId, usize>,
    group: Vec<OpBatch>,
    done: &mut [Progressed],
) -> Result<Vec<OpBatch>, EngineError> {
    let now = ctx.engine.clock.now();
    let max_age = chrono::Duration::from_std(ctx.engine.rules.settings.max_age).unwrap_or_default();
    let mut kept = Vec::new();
    for mut batch in group {
        let side = batch.side;
        let old = batch.ops.iter().any(|op| {
            let fresh = owner
                .get(&op.id)
                .and_then(|index| works.get(*index))
                .and_then(|work| *work.fresh.get(side));
            fresh.is_none_or(|at| now - at > max_age)
        });
        if old
            && !matches!(
                batch.ops.first().map(|op| op.kind),
                Some(OpKind::Associate | OpKind::Dissociate)
            )
        {
            let moved = look_again(ctx, mapping, works, owner, &batch).await?;
            for (op, seen) in batch.ops.iter_mut().zip(moved) {
                let Some(seen) = seen else { continue };
                op.state = OpState::Skipped;
                if let Some(index) = owner.get(&op.id)
                    && let (Some(work), Some(progress)) =
                        (works.get_mut(*index), done.get_mut(*index))
                {
                    *work.seen.get_mut(side) = Some(seen);
                    *work.fresh.get_mut(side) = Some(now);
                    progress.drifted = true;
                }
                ctx.tally(&mapping.id).skipped += 1;
                ctx.engine.report.change(|view| view.skipped += 1);
            }
            batch.ops.retain(|op| op.state != OpState::Skipped);
        }
        if !batch.ops.is_empty() {
            kept.push(batch);
        }
    }
    Ok(kept)
}

/// For each op of the batch: what its target looks like now, if that is not what the plan was made from.
async fn look_again(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &[Work],
    owner: &BTreeMap<OpId, usize>,
    batch: &OpBatch,
) -> Result<Vec<Option<Observation>>, EngineError> {
    let asked = fields::observed(
        &ctx.known,
        std::iter::once(mapping),
        batch.side,
        &batch.object,
    );
    let ids: Vec<RecordId> = batch
        .ops
        .iter()
        .filter_map(|op| op.target.clone())
        .collect();
    let found = ctx
        .engine
        .side(batch.side)
        .read(Purpose::Complete, &batch.object, &ids, &asked)
        .await?;
    let moved = batch.ops.iter().zip(found).map(|(op, found)| {
        let seen = found.records.into_iter().next()?;
        let work = owner.get(&op.id).and_then(|index| works.get(*index))?;
        let before = work.seen.get(batch.side).as_ref()?;
        let same = |field: &str| {
            fields::same_value(
                mapping,
                batch.side,
                field,
                before.value(field),
                seen.value(field),
            )
        };
        let same = seen.presence == Presence::Live
            && op.fields.keys().all(|field| same(field))
            && op
                .fields
                .values()
                .filter_map(|assignment| mapping.unit_of(&assignment.pair))
                .filter(Unit::is_group)
                // A tuple is written whole: what it does not change must be as it was, too.
                .all(|unit| unit.pairs().all(|pair| same(pair.field(batch.side))));
        (!same).then_some(seen)
    });
    Ok(moved.collect())
}

/// Records the answers of a group (C3): outcomes, bases of the sides written, errors.
pub(super) async fn record(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    owner: &BTreeMap<OpId, usize>,
    answers: Vec<(Op, Answer)>,
    done: &mut [Progressed],
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let mut tx = engine.db.begin();
    let mut stop = None;
    for (mut op, answer) in answers {
        let Some(index) = owner.get(&op.id).copied() else {
            continue;
        };
        let (Some(work), Some(progress)) = (works.get_mut(index), done.get_mut(index)) else {
            continue;
        };
        close(&mut op, &answer);
        match &answer {
            Answer::Done { stored, .. } => {
                note_left(&mut op, stored.as_deref());
                move_base(mapping, work, &op, stored.is_none());
                super::bases::stamped(&mut work.base, stored.as_deref());
                tx.put_base(&mapping.id, work.link.id, &work.base)?;
                if let Some(id) = op.target.as_ref().filter(|_| op.element().is_some()) {
                    // No stamp tells that what was seen before is older than the write of an element.
                    tx.drop_observation(op.side, &op.object, id);
                }
                progress.confirmed(&op);
                if clobber::is_doubtful(mapping, work, &op) {
                    progress.doubtful = Some(Box::new(op.clone()));
                }
                let what = changes(mapping, &op);
                if !op.is_stamp() {
                    engine.report.line_about(
                        "ok",
                        subject(&op),
                        &work.label(),
                        what,
                        None,
                        Some(work.link.id),
                    );
                }
                if op.kind == OpKind::Update {
                    ctx.tally(&mapping.id).updated(op.side, work.link.id);
                    engine.report.change(|view| view.written += 1);
                } else if !op.is_stamp() {
                    ctx.tally(&mapping.id).updated(op.side, work.link.id);
                }
            }
            moved if moved.is_drift() => {
                op.state = OpState::Skipped;
                *work.fresh.get_mut(op.side) = None;
                progress.drifted = true;
                ctx.tally(&mapping.id).skipped += 1;
                engine.report.change(|view| view.skipped += 1);
            }
            Answer::Refused(cause) => {
                let failure = match cause {
                    CrmErrorOrVendor::Record(vendor) => refused(&op.object, vendor.clone()),
                    CrmErrorOrVendor::Call(error) => {
                        if super::failures::stops_the_run(error.class) {
                            stop = Some(error.clone());
                        }
                        not_applied(error)
                    }
                };
                let item = failed(ctx, mapping, work, &op, failure);
                engine.report.line_about(
                    "error",
                    subject(&op),
                    &item.label,
                    item.message.clone(),
                    Some(item.id),
                    None,
                );
                tx.put_error(&item, work.errors.iter().any(|known| known.id == item.id))?;
                // Where the other side's write has the link planned again, this one is known to be refused.
                work.errors.retain(|known| known.id != item.id);
                work.errors.push(item.clone());
                if !item.field.is_empty() && op.fields.len() > 1 {
                    // One field is to blame: the others of the record go on without it, in the same run.
                    progress.drifted = true;
                } else {
                    progress.failed.push(item);
                }
            }
            Answer::Unknown(why) => {
                let item = unknown(ctx, mapping, work, &op, why);
                tx.put_error(&item, work.errors.iter().any(|known| known.id == item.id))?;
                // The record's association may get no answer either: that is the same error.
                work.errors.retain(|known| known.id != item.id);
                work.errors.push(item.clone());
                ctx.locked.insert(work.link.id);
                progress.failed.push(item);
                progress.unanswered = true;
            }
        }
        engine.report.advance(Phase::Apply(op.side), 1);
        tx.put_op(&op)?;
    }
    tx.commit().await?;
    match stop {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// "Contact 003…".
pub(super) fn subject(op: &Op) -> String {
    let id = op
        .target
        .as_ref()
        .or(op.outcome.record.as_ref())
        .or(op.source.as_ref());
    format!("{} {}", op.object, id.map_or("", |id| id.as_str()))
}

/// "Phone, Title → HubSpot".
pub(super) fn changes(mapping: &Mapping, op: &Op) -> String {
    let names: Vec<&str> = op
        .fields
        .keys()
        .filter(|field| field.as_str() != mapping.key_field(op.side))
        .map(String::as_str)
        .collect();
    let arrow = if op.side == Side::HubSpot {
        "→"
    } else {
        "←"
    };
    format!("{} {arrow} {}", names.join(", "), op.side.letters())
}

/// What the vendor says it stored, for undo.
pub(super) fn note_left(op: &mut Op, stored: Option<&Observation>) {
    for (name, assignment) in &mut op.fields {
        let read = stored
            .map(|seen| seen.value(name).clone())
            .filter(Value::is_known);
        assignment.left = Some(read.unwrap_or_else(|| assignment.after.clone()));
    }
}

/// The base after a confirmed write, and what the record looks like now.
fn move_base(mapping: &Mapping, work: &mut Work, op: &Op, unverified: bool) {
    super::bases::written(mapping, &mut work.base, op, unverified);
    for (name, assignment) in &op.fields {
        if let Some(set) = mapping.set(&assignment.pair) {
            if let Some((_, id)) = element_of(name) {
                work.note_element(set, op.side, id, !assignment.after.is_blank());
            }
            continue;
        }
        if assignment.pair.is_empty() {
            *work.link.stamped.get_mut(op.side) = true;
            continue;
        }
        let left = assignment.left.as_ref().unwrap_or(&assignment.after);
        if let Some(seen) = work.seen.get_mut(op.side) {
            seen.fields.insert(name.clone(), left.clone());
        }
    }
}

fn failed(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    work: &Work,
    op: &Op,
    failure: Failure,
) -> ErrorItem {
    let blamed = failure
        .vendor
        .as_ref()
        .and_then(|vendor| vendor.fields.first().cloned())
        .unwrap_or_default();
    let assignment = op.fields.get(&blamed);
    let mut item = error_item(
        &ErrorFacts {
            mapping,
            record: links::record_key(
                mapping,
                op.side,
                op.target.as_ref().unwrap_or(&RecordId(String::new())),
            ),
            side: op.side,
            link: Some(work.link.id),
            label: work.label(),
            field: assignment
                .map(|assignment| assignment.pair.clone())
                .unwrap_or_default(),
            value: assignment
                .map(|assignment| assignment.after.clone())
                .unwrap_or_default(),
            category: failure.category,
            message: failure.message,
            vendor: failure.vendor,
            run: ctx.run,
            now: ctx.engine.clock.now(),
        },
        &work.errors,
        &ctx.engine.rules.settings,
    );
    item.digest = op_digest(op);
    if let Some(pair) = mapping.pairs.iter().find(|pair| pair.name() == item.field) {
        item.seen = pair_digests(work, pair);
    }
    item
}

fn unknown(ctx: &RunCtx<'_>, mapping: &Mapping, work: &Work, op: &Op, why: &str) -> ErrorItem {
    let engine = ctx.engine;
    let due = settled_at(ctx, op);
    let mut item = error_item(
        &ErrorFacts {
            mapping,
            record: links::record_key(
                mapping,
                op.side,
                op.target.as_ref().unwrap_or(&RecordId(String::new())),
            ),
            side: op.side,
            link: Some(work.link.id),
            label: work.label(),
            field: String::new(),
            value: Value::Null,
            category: ErrorCategory::Transient,
            message: format!("{} did not answer the write: {why}", op.side),
            vendor: None,
            run: ctx.run,
            now: engine.clock.now(),
        },
        &work.errors,
        &engine.rules.settings,
    );
    item.retry_at = Some(due);
    item.next = format!(
        "nothing: the outcome is looked up by a run after {}",
        due.format("%H:%M:%S UTC")
    );
    item
}

/// When an unanswered op may be decided about: the settle delay after it was sent (16.4), by the clock of the side that it went
/// to. Ours may have been set since.
pub(super) fn settled_at(ctx: &RunCtx<'_>, op: &Op) -> chrono::DateTime<chrono::Utc> {
    let engine = ctx.engine;
    let now = engine.clock.now();
    let delay = chrono::Duration::from_std(engine.rules.settings.settle_delay).unwrap_or_default();
    let by_side = |at| engine.server_time(op.side, now) - at;
    let by_us = || op.attempt.sent_at.map(|at| now - at);
    let passed = op.attempt.side_at.map(by_side).or_else(by_us);
    now + delay - passed.unwrap_or_default()
}
