//! Ops to the wire: journalled before the first byte (C2), sent in batches of the vendor's size, a few in flight, results
//! matched to ops by position (docs/design/sync-semantics.md 16, 17).

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::context::EngineError;
use super::db::Tx;
use super::run::RunCtx;
use crate::crm::{CrmError, ErrorClass, Purpose, WriteItem, WriteKind, WriteRequest, WriteResult};
use crate::domain::{Mapping, Op, OpKind, OpState, Side};

/// What became of one op on the wire.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Applied.
    Done {
        /// The record.
        id: crate::domain::RecordId,
        /// Made by this very request.
        created: bool,
        /// The stored values, where the vendor returned them.
        stored: Option<Box<crate::domain::Observation>>,
    },
    /// Refused, by the vendor's own words or as part of a call that did nothing.
    Refused(CrmErrorOrVendor),
    /// Nobody knows: to be looked up.
    Unknown(String),
}

/// The status of a refusal that says that the record was modified since it was read.
const MODIFIED: u16 = 412;

impl Answer {
    /// The record was modified since it was read, and is as it was then made: it is looked at once more.
    pub(super) fn is_drift(&self) -> bool {
        matches!(self, Answer::Refused(CrmErrorOrVendor::Record(vendor)) if vendor.status == MODIFIED)
    }
}

/// Who refused.
#[derive(Clone, Debug)]
pub(super) enum CrmErrorOrVendor {
    /// The record.
    Record(crate::domain::VendorError),
    /// The call.
    Call(CrmError),
}

/// One batch of ops that do the same to the same object.
#[derive(Clone, Debug)]
pub(super) struct OpBatch {
    pub(super) side: Side,
    pub(super) object: String,
    pub(super) kind: WriteKind,
    pub(super) ops: Vec<Op>,
}

/// Cuts ops of one side, object and kind into batches of the vendor's size, in op order.
pub(super) fn cut(
    ctx: &RunCtx<'_>,
    side: Side,
    object: &str,
    kind: &WriteKind,
    ops: Vec<Op>,
) -> Vec<OpBatch> {
    let size = ctx.engine.side(side).batch_size(kind).max(1);
    let mut batches = Vec::new();
    let mut ops = ops.into_iter().peekable();
    while ops.peek().is_some() {
        let part = ops.by_ref().take(size).collect();
        batches.push(OpBatch {
            side,
            object: object.to_owned(),
            kind: kind.clone(),
            ops: part,
        });
    }
    batches
}

/// Batches of one update each that Salesforce refuses where the record was modified since it was read (6.3).
pub(super) fn one_by_one(mapping: &Mapping, ops: Vec<Op>) -> Vec<OpBatch> {
    let side = Side::Salesforce;
    let batch = |op: Op| OpBatch {
        side,
        object: mapping.object(side).to_owned(),
        kind: match op.modstamp {
            Some(since) => WriteKind::UpdateUnmodified { since },
            None => WriteKind::Update,
        },
        ops: vec![op],
    };
    ops.into_iter().map(batch).collect()
}

/// Journals a group of batches in one commit with whatever `more` adds (C2), sends them together, and gives every op
/// its answer. A batch that the vendor refuses as a whole for one bad input is halved, each half journalled anew.
pub(super) async fn send(
    ctx: &mut RunCtx<'_>,
    group: Vec<OpBatch>,
    more: impl FnOnce(&mut Tx<'_>, &[OpBatch]) -> Result<(), EngineError>,
) -> Result<Vec<(Op, Answer)>, EngineError> {
    assert_disjoint(&group)?;
    let mut waiting = group;
    let mut first = Some(more);
    let mut answers = Vec::new();
    while !waiting.is_empty() {
        let now = ctx.engine.clock.now();
        for batch in &mut waiting {
            ctx.batch += 1;
            for op in &mut batch.ops {
                if op.seq == 0 {
                    ctx.seq += 1;
                    op.seq = ctx.seq;
                }
                op.state = OpState::Sent;
                op.attempt.count += 1;
                op.attempt.sent_at = Some(now);
                op.attempt.side_at = Some(ctx.engine.server_time(op.side, now));
                op.attempt.batch = ctx.batch;
            }
        }
        let mut tx = ctx.engine.db.begin();
        for op in waiting.iter().flat_map(|batch| &batch.ops) {
            tx.put_op(op)?;
        }
        if let Some(more) = first.take() {
            more(&mut tx, &waiting)?;
        }
        tx.commit().await?;
        let sent = std::mem::take(&mut waiting);
        for (batch, outcome) in sent_results(ctx, sent).await? {
            match outcome {
                Ok(results) => {
                    let lost = results
                        .iter()
                        .any(|one| matches!(one, WriteResult::Unknown(_)));
                    if lost || results.len() != batch.ops.len() {
                        ctx.note_bug(&batch.ops);
                    }
                    answers.extend(match_results(batch, results));
                }
                Err(error) if error.class == ErrorClass::Record && batch.ops.len() > 1 => {
                    waiting.extend(halves(batch));
                }
                Err(error) => {
                    if error.class == ErrorClass::Bug {
                        ctx.note_bug(&batch.ops);
                    }
                    let answer = call_failed(&error);
                    answers.extend(batch.ops.into_iter().map(|op| (op, answer.clone())));
                }
            }
        }
    }
    ctx.note_answers(&answers);
    Ok(answers)
}

async fn sent_results(
    ctx: &RunCtx<'_>,
    batches: Vec<OpBatch>,
) -> Result<Vec<(OpBatch, Result<Vec<WriteResult>, CrmError>)>, EngineError> {
    let engine = ctx.engine;
    let calls = batches.into_iter().map(|batch| async move {
        let request = WriteRequest {
            object: batch.object.clone(),
            kind: batch.kind.clone(),
            items: batch.ops.iter().map(item).collect(),
        };
        let purpose = match &batch.kind {
            kind if kind.is_association() => Purpose::Associations,
            _ => Purpose::Write,
        };
        let result = engine.side(batch.side).write(purpose, &request).await;
        (batch, result)
    });
    let grace = async {
        engine.control.stopped_now().await;
        engine.clock.sleep(engine.rules.settings.stop_grace).await;
    };
    tokio::select! {
        results = join_all(calls) => Ok(results),
        () = grace => Err(EngineError::Stopped),
    }
}

fn item(op: &Op) -> WriteItem {
    let association = matches!(op.kind, OpKind::Associate | OpKind::Dissociate);
    let first = op.fields.values().next();
    let to = first.filter(|_| association).and_then(|assignment| {
        let value = if op.kind == OpKind::Associate {
            &assignment.after
        } else {
            &assignment.before
        };
        value.as_text().map(Into::into)
    });
    WriteItem {
        token: op.id.to_string(),
        id: op.target.clone(),
        key: op
            .upsert_key()
            .filter(|_| op.kind == OpKind::Create)
            .map(|id| id.0.clone()),
        to,
        fields: if association || op.kind == OpKind::Delete {
            std::collections::BTreeMap::new()
        } else {
            op.fields
                .iter()
                .map(|(name, assignment)| (name.clone(), assignment.after.clone()))
                .collect()
        },
    }
}

fn match_results(batch: OpBatch, results: Vec<WriteResult>) -> Vec<(Op, Answer)> {
    if results.len() != batch.ops.len() {
        let why = format!(
            "{} results came for {} records",
            results.len(),
            batch.ops.len()
        );
        return batch
            .ops
            .into_iter()
            .map(|op| (op, Answer::Unknown(why.clone())))
            .collect();
    }
    let answer = |result| match result {
        WriteResult::Done {
            id,
            created,
            stored,
        } => Answer::Done {
            id,
            created,
            stored,
        },
        WriteResult::Refused(vendor) => Answer::Refused(CrmErrorOrVendor::Record(vendor)),
        WriteResult::Unknown(why) => Answer::Unknown(why),
    };
    batch
        .ops
        .into_iter()
        .zip(results.into_iter().map(answer))
        .collect()
}

fn call_failed(error: &CrmError) -> Answer {
    match (error.class, &error.vendor) {
        (ErrorClass::Unknown | ErrorClass::Bug, _) => Answer::Unknown(error.message.clone()),
        (ErrorClass::Record, Some(vendor)) => {
            Answer::Refused(CrmErrorOrVendor::Record(vendor.clone()))
        }
        _ => Answer::Refused(CrmErrorOrVendor::Call(error.clone())),
    }
}

fn halves(mut batch: OpBatch) -> [OpBatch; 2] {
    let second = batch.ops.split_off(batch.ops.len() / 2);
    let other = OpBatch {
        ops: second,
        side: batch.side,
        object: batch.object.clone(),
        kind: batch.kind.clone(),
    };
    [batch, other]
}

/// Two in-flight ops never touch the same record or the same upsert key (16.3).
fn assert_disjoint(group: &[OpBatch]) -> Result<(), EngineError> {
    let mut seen = BTreeSet::new();
    for batch in group {
        let association = batch.kind.is_association();
        for op in &batch.ops {
            let key = op.target.as_ref().or(op.upsert_key());
            // Every element of a set is a write by itself.
            if !seen.insert((
                batch.side,
                batch.object.clone(),
                association,
                op.target.is_some(),
                key.cloned(),
                op.element()
                    .map(|(set, id)| (set.to_owned(), id.to_owned())),
            )) {
                return Err(EngineError::Invariant(format!(
                    "two writes to {} {} were about to be in flight at once",
                    batch.object,
                    key.map_or("", |id| id.as_str())
                )));
            }
        }
    }
    Ok(())
}
