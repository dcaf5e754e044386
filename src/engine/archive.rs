//! Deletions that are carried over: the last wave of a run. Each was read directly before it is sent, names its evidence, is
//! journalled before it goes out, and is looked up where no answer came (docs/design/sync-semantics.md 12.1, 12.2, 16).

use std::collections::BTreeMap;

use super::apply::{settled_at, subject};
use super::batches::{self, Answer, CrmErrorOrVendor};
use super::context::EngineError;
use super::db::Tx;
use super::failures::{
    ErrorFacts, Failure, error_item, not_applied, op_digest, refused, still_refused, stops_the_run,
};
use super::fields::is_property;
use super::gone::{ask, lay_down, put_off};
use super::gone_case::{Case, cases};
use super::gone_items as items;
use super::links;
use super::report::Phase;
use super::run_ctx::{Mode, RunCtx};
use super::slice::close;
use super::undo_look::children;
use crate::crm::WriteKind;
use crate::domain::{
    Assignment, Choice, Departed, ErrorCategory, ErrorItem, Evidence, ItemKind, LinkId, LinkState,
    Mapping, Op, OpKind, OpOutcome, PerSide, RecordId, RecordKey, Side, Value,
};

/// The rule that such an op's assignments name.
const RULE: &str = "deletes";

/// Archives what is left of the given links.
pub(super) async fn archive(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    wanted: Vec<(Case, Side, Evidence)>,
) -> Result<(), EngineError> {
    for side in Side::BOTH {
        let of_side: Vec<(Case, Evidence)> = wanted
            .iter()
            .filter(|(_, one, _)| *one == side)
            .map(|(case, _, evidence)| (case.clone(), *evidence))
            .collect();
        if of_side.is_empty() {
            continue;
        }
        let of_side = without_children(ctx, mapping, side, of_side).await?;
        let ops: Vec<(Op, Case)> = of_side
            .into_iter()
            .map(|(case, evidence)| (op(ctx, mapping, &case, side, evidence), case))
            .collect();
        if ctx.mode == Mode::Write {
            send(ctx, mapping, side, ops).await?;
        } else {
            for (op, _) in ops {
                ctx.foresee_delete(mapping, op);
            }
            ctx.store_plan().await?;
        }
    }
    Ok(())
}

/// True where that very deletion was refused before and is not due yet.
pub(super) fn is_put_off(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    case: &Case,
    side: Side,
    evidence: Evidence,
) -> bool {
    let op = op(ctx, mapping, case, side, evidence);
    let now = ctx.engine.clock.now();
    still_refused(side, op.kind, &op.fields, &case.errors, now).is_some()
}

/// Deleting a Salesforce record takes along what refers to it, of whose deletion nobody knows anything: a person decides.
async fn without_children(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    wanted: Vec<(Case, Evidence)>,
) -> Result<Vec<(Case, Evidence)>, EngineError> {
    if side != Side::Salesforce || ctx.mode == Mode::Estimate {
        return Ok(wanted);
    }
    let ids: Vec<RecordId> = wanted
        .iter()
        .filter(|(case, _)| case.choice() != Some(&Choice::Accept))
        .filter_map(|(case, _)| case.link.ids.get(side).clone())
        .collect();
    // What goes with it is no child that it would take along.
    let gone = wanted
        .iter()
        .filter_map(|(case, _)| case.link.ids.get(side).clone())
        .map(|id| RecordKey {
            side,
            object: mapping.object(side).to_owned(),
            id,
        })
        .collect();
    let (found, calls) = children(ctx.engine, mapping, &ids, &gone).await?;
    *ctx.cost(&mapping.id).direct.get_mut(side) += calls;
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    let mut free = Vec::new();
    for (mut case, evidence) in wanted {
        let child = case.link.ids.get(side).as_ref();
        match child.and_then(|id| found.get(id)) {
            Some(child) if case.choice() != Some(&Choice::Accept) => {
                let why = items::has_children(mapping, side.other(), child);
                let (kind, gone) = (ItemKind::Deletion, side.other());
                ask(ctx, mapping, &mut case, kind, gone, why, &mut tx).await?;
            }
            _ => free.push((case, evidence)),
        }
    }
    tx.apply().await?;
    Ok(free)
}

/// The op that archives what is left. Its fields keep what the record held, as far as it was read.
fn op(ctx: &RunCtx<'_>, mapping: &Mapping, case: &Case, side: Side, evidence: Evidence) -> Op {
    let seen = case.seen.get(side).as_ref();
    let fields: BTreeMap<String, Assignment> = mapping
        .pairs
        .iter()
        .filter(|pair| is_property(pair, side))
        .map(|pair| {
            let name = pair.field(side).to_owned();
            let held = Assignment {
                before: seen.map_or(Value::Unknown, |seen| seen.value(&name).clone()),
                after: Value::Null,
                rule: RULE.to_owned(),
                pair: pair.name().to_owned(),
                ..Assignment::default()
            };
            (name, held)
        })
        .collect();
    let kind = OpKind::Delete;
    let outcome = OpOutcome {
        why: Some(items::evidence(case, side.other(), evidence)),
        ..OpOutcome::default()
    };
    Op {
        outcome,
        target: case.link.ids.get(side).clone(),
        source: case.link.ids.get(side.other()).clone(),
        evidence: Some(evidence),
        modstamp: seen.map(|seen| seen.modstamp),
        ..Op::planned(ctx.run, mapping, case.link.id, side, kind, fields, 0)
    }
}

/// Sends the deletions of one side, a few batches at a time, and records the answers (C2, C3).
async fn send(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: Vec<(Op, Case)>,
) -> Result<(), EngineError> {
    let ops: Vec<(Op, Case)> = ops
        .into_iter()
        .filter(|(op, _)| ctx.is_confirmed(op))
        .collect();
    ctx.cover(ops.iter().map(|(op, _)| op));
    let count = ops.len() as u64;
    ctx.engine.report.expect(Phase::Apply(side), count);
    *ctx.cost(&mapping.id).deleted.get_mut(side) += count;
    let mut by_link: BTreeMap<LinkId, Case> = BTreeMap::new();
    let mut all = Vec::new();
    for (op, case) in ops {
        by_link.insert(op.link, case);
        all.push(op);
    }
    let mut queue = batches::cut(ctx, side, mapping.object(side), &WriteKind::Delete, all);
    queue.reverse();
    while !queue.is_empty() {
        let flight = ctx.engine.rules.settings.in_flight.clamp(1, 16);
        let rest = queue.len().saturating_sub(flight);
        let group = queue.split_off(rest).into_iter().rev().collect();
        ctx.engine.control.border().await?;
        let answers = batches::send(ctx, group, |_, _| Ok(())).await?;
        record(ctx, mapping, answers, &mut by_link).await?;
        ctx.check_error_rate()?;
    }
    Ok(())
}

async fn record(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    answers: Vec<(Op, Answer)>,
    by_link: &mut BTreeMap<LinkId, Case>,
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    let mut stop = None;
    let mut gone = PerSide::<u64>::default();
    for (mut op, answer) in answers {
        let Some(mut case) = by_link.remove(&op.link) else {
            continue;
        };
        close(&mut op, &answer);
        match &answer {
            Answer::Done { .. } => {
                archived(ctx, mapping, &op, &mut case, &mut tx).await?;
                *gone.get_mut(op.side) += 1;
                ctx.tally(&mapping.id).archived(op.side);
                ctx.engine.report.change(|view| view.written += 1);
            }
            Answer::Refused(cause) => {
                let failure = match cause {
                    CrmErrorOrVendor::Record(vendor) => refused(&op.object, vendor.clone()),
                    CrmErrorOrVendor::Call(error) => {
                        stop = stop.or(stops_the_run(error.class).then(|| error.clone()));
                        not_applied(error)
                    }
                };
                let error = failed(ctx, mapping, &op, &case, failure);
                put_off(ctx, mapping, &mut case, op.side.other(), &mut tx).await?;
                tx.put_error(&error, case.errors.iter().any(|known| known.id == error.id))?;
                told(ctx, &op, &error);
            }
            Answer::Unknown(why) => {
                let failure = Failure {
                    category: ErrorCategory::Transient,
                    message: format!("{} did not answer the deletion: {why}", op.side),
                    vendor: None,
                };
                let due = settled_at(ctx, &op);
                let mut error = failed(ctx, mapping, &op, &case, failure);
                error.retry_at = Some(due);
                error.next = format!(
                    "nothing: the outcome is looked up by a run after {}",
                    due.format("%H:%M:%S UTC")
                );
                tx.put_error(&error, case.errors.iter().any(|known| known.id == error.id))?;
                ctx.locked.insert(op.link);
                told(ctx, &op, &error);
            }
        }
        ctx.engine.report.advance(Phase::Apply(op.side), 1);
        tx.put_op(&op)?;
    }
    for side in Side::BOTH {
        let (object, many) = (mapping.object(side), *gone.get(side));
        ctx.engine.took_away(side, object, many, &mut tx).await?;
    }
    tx.commit().await?;
    match stop {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn told(ctx: &RunCtx<'_>, op: &Op, error: &ErrorItem) {
    let (label, what) = (&error.label, error.message.clone());
    let report = &ctx.engine.report;
    report.line_about("error", subject(op), label, what, Some(error.id), None);
    report.change(|view| view.failed += 1);
}

fn failed(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    case: &Case,
    failure: Failure,
) -> ErrorItem {
    let facts = ErrorFacts {
        mapping,
        record: links::of_link(mapping, &case.link, op.side),
        side: op.side,
        link: Some(op.link),
        label: case.label(),
        field: String::new(),
        value: Value::Null,
        category: failure.category,
        message: failure.message,
        vendor: failure.vendor,
        run: ctx.run,
        now: ctx.engine.clock.now(),
    };
    let mut error = error_item(&facts, &case.errors, &ctx.engine.rules.settings);
    error.digest = op_digest(op);
    error
}

/// What follows here from a record that was archived because of a deletion: the link is the tombstone of both, and knows who
/// archived it, should the other one come back (12.5).
pub(super) async fn archived(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    case: &mut Case,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let mut departed = Departed::of(op.side);
    *departed.gone.get_mut(op.side.other()) = true;
    *departed.archived.get_mut(op.side) = Some(op.run);
    lay_down(ctx, mapping, case, departed.gone, tx).await?;
    case.link.state = LinkState::Deleted(departed);
    tx.put_link(&case.link, &links::objects(mapping))?;
    let what = format!(
        "archived in {}, as it was deleted in {}",
        op.side,
        op.side.other()
    );
    let report = &ctx.engine.report;
    report.line_about("ok", subject(op), &case.label(), what, None, Some(op.link));
    Ok(())
}

/// The same for an op that was looked up after a lost answer (16.4).
pub(super) async fn looked_up(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let links = ctx.engine.db.links(&mapping.id, &[op.link]).await?;
    let links = links.into_iter().flatten().collect();
    for mut case in cases(ctx, mapping, links).await? {
        archived(ctx, mapping, op, &mut case, tx).await?;
        ctx.tally(&mapping.id).archived(op.side);
    }
    Ok(())
}
