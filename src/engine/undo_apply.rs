//! Sending what an undo decided and recording the answers: the same journal, batches and bases as any write
//! (docs/design/sync-semantics.md 16, 19.1).

use std::collections::{BTreeMap, BTreeSet};

use super::apply::{changes, note_left, subject};
use super::bases;
use super::batches::{self, Answer, CrmErrorOrVendor, OpBatch};
use super::context::EngineError;
use super::db::Tx;
use super::failures::stops_the_run;
use super::fields;
use super::gone::unmatch;
use super::links::{self, base_field, base_raw};
use super::references::{Parents, is_translated};
use super::report::Phase;
use super::run_ctx::RunCtx;
use super::settle::{is_by_us, is_late};
use super::slice::close;
use super::tally::Fate;
use super::ties::association_kind;
use super::waits::{What, close as close_waits};
use crate::crm::{Purpose, WriteKind};
use crate::domain::{
    Assignment, Base, LinkId, LinkState, Mapping, Observation, Op, OpKind, OpState, PerSide,
    Presence, RecordId, Side,
};
use crate::store::rows::Dirty;

/// Sends ops of one mapping that put fields back, both sides at a time, associations after the records; reads Salesforce
/// back.
pub(super) async fn put_back(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let mut sides: PerSide<Vec<Op>> = PerSide::default();
    let mut associations: BTreeMap<(WriteKind, Side), Vec<Op>> = BTreeMap::new();
    for op in ops {
        match op.kind {
            OpKind::Associate | OpKind::Dissociate => {
                let kind = association_kind(ctx, mapping, &op);
                associations.entry((kind, op.side)).or_default().push(op);
            }
            _ => sides.get_mut(op.side).push(op),
        }
    }
    let mut queues: Vec<Vec<OpBatch>> = Vec::new();
    queues.push(
        Side::BOTH
            .into_iter()
            .flat_map(|side| {
                let ops = std::mem::take(sides.get_mut(side));
                batches::cut(ctx, side, mapping.object(side), &WriteKind::Update, ops)
            })
            .collect(),
    );
    for ((kind, side), ops) in associations {
        queues.push(batches::cut(ctx, side, mapping.object(side), &kind, ops));
    }
    for group in queues.into_iter().filter(|group| !group.is_empty()) {
        ctx.engine.control.border().await?;
        let answers = batches::send(ctx, group, |_, _| Ok(())).await?;
        let written = record(ctx, mapping, answers).await?;
        read_back(ctx, mapping, written).await?;
        ctx.check_error_rate()?;
    }
    Ok(())
}

/// Records the answers (C3): the ops, and the bases that they move. Gives back the Salesforce updates that were confirmed.
async fn record(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    answers: Vec<(Op, Answer)>,
) -> Result<Vec<Op>, EngineError> {
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    let mut stop = None;
    let mut bases: BTreeMap<LinkId, Base> = BTreeMap::new();
    let mut written = Vec::new();
    for (mut op, answer) in answers {
        close(&mut op, &answer);
        match &answer {
            Answer::Done { stored, .. } => {
                note_left(&mut op, stored.as_deref());
                let base = match bases.remove(&op.link) {
                    Some(base) => Some(base),
                    None => base_of(ctx, mapping, op.link).await?,
                };
                if let Some(mut base) = base {
                    bases::written(mapping, &mut base, &op, stored.is_none());
                    bases::stamped(&mut base, stored.as_deref());
                    note_apart(ctx, mapping, &mut base, &op).await?;
                    tx.put_base(&mapping.id, op.link, &base)?;
                    bases.insert(op.link, base);
                }
                if let Some(id) = &op.target {
                    // What was seen before the write says nothing any more.
                    tx.drop_observation(op.side, &op.object, id);
                }
                if !op.is_stamp() {
                    ctx.tally(&mapping.id).updated(op.side, op.link);
                    let what = format!("put back: {}", changes(mapping, &op));
                    ctx.engine
                        .report
                        .line_about("ok", subject(&op), "", what, None, Some(op.link));
                    ctx.engine.report.change(|view| view.written += 1);
                }
                if op.side == Side::Salesforce && op.kind == OpKind::Update {
                    written.push(op.clone());
                }
            }
            answer => stop = stop.or(not_done(ctx, mapping, &op, answer)),
        }
        ctx.engine.report.advance(Phase::Apply(op.side), 1);
        tx.put_op(&op)?;
    }
    tx.commit().await?;
    match stop {
        Some(error) => Err(error),
        None => Ok(written),
    }
}

/// References and owners are apart where the two sides name records that are not each other's (19.1).
pub(super) async fn note_apart(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    base: &mut Base,
    op: &Op,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    for (index, pair) in mapping.pairs.iter().enumerate() {
        let touched = |assignment: &Assignment| assignment.pair == pair.name();
        if !is_translated(pair) || !op.fields.values().any(touched) {
            continue;
        }
        let raws = PerSide::from_fn(|side| base_raw(base, pair.name(), side).unwrap_or_default());
        let named = Side::BOTH
            .into_iter()
            .filter_map(|side| Some((index, side, raws.get(side).as_text()?.to_owned())));
        let parents = Parents::load(engine, mapping, named, std::iter::empty()).await?;
        let meant = |side| parents.token(engine, &ctx.known, pair, side, raws.get(side));
        base_field(base, pair.name()).diverged = meant(Side::Salesforce) != meant(Side::HubSpot);
    }
    Ok(())
}

/// Notes that an op did not go through; an error where nothing more will.
fn not_done(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    answer: &Answer,
) -> Option<EngineError> {
    ctx.tally(&mapping.id).link(op.link, Fate::Error);
    let (why, stop) = match answer {
        Answer::Refused(CrmErrorOrVendor::Call(error)) => {
            let stop = stops_the_run(error.class).then(|| error.clone().into());
            (error.message.clone(), stop)
        }
        Answer::Refused(CrmErrorOrVendor::Record(vendor)) => (vendor.text.clone(), None),
        Answer::Unknown(why) => {
            ctx.locked.insert(op.link);
            (why.clone(), None)
        }
        Answer::Done { .. } => return None,
    };
    ctx.engine.report.line_about(
        "error",
        subject(op),
        "",
        format!("not put back: {why}"),
        None,
        Some(op.link),
    );
    ctx.engine.report.change(|view| view.failed += 1);
    stop
}

/// The base of a link, where there is one.
pub(super) async fn base_of(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    link: LinkId,
) -> Result<Option<Base>, EngineError> {
    let db = &ctx.engine.db;
    // A link that is gone has no base to move.
    let known = db.links(&mapping.id, &[link]).await?;
    if known.into_iter().flatten().next().is_none() {
        return Ok(None);
    }
    Ok(db.bases(&mapping.id, &[link]).await?.into_iter().next())
}

/// What Salesforce stored: its answers have ids only (6.4).
async fn read_back(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    written: Vec<Op>,
) -> Result<(), EngineError> {
    let side = Side::Salesforce;
    let ids: Vec<RecordId> = written.iter().filter_map(|op| op.target.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let object = mapping.object(side);
    let asked = fields::observed(&ctx.known, std::iter::once(mapping), side, object);
    let found = match ctx
        .engine
        .side(side)
        .read(Purpose::ReadBack, object, &ids, &asked)
        .await
    {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(mapping = %mapping.id, error = %error, "the read-back failed; bases stay unverified");
            return Ok(());
        }
    };
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    for (mut op, found) in written.into_iter().zip(found) {
        let seen: Option<Observation> = found.records.into_iter().next();
        let Some(seen) = seen.filter(|seen| seen.presence == Presence::Live) else {
            continue;
        };
        let by_us = is_by_us(ctx, &seen);
        let kept = |(name, one): (&String, &Assignment)| {
            let made_of_ours = || by_us && !is_late(ctx, mapping, op.link, (&seen, name));
            fields::same_value(mapping, side, name, &one.after, seen.value(name)) || made_of_ours()
        };
        if !op.fields.iter().all(kept) {
            // A person's edit right behind the write, or an older write of ours that landed late: the base stays unverified,
            // and the next look tells of it.
            tx.put_observation(&seen)?;
            tx.mark_dirty(&mapping.id, side, &seen.id, Dirty::CHANGED)?;
            continue;
        }
        note_left(&mut op, Some(&seen));
        if let Some(mut base) = base_of(ctx, mapping, op.link).await? {
            bases::written(mapping, &mut base, &op, false);
            note_apart(ctx, mapping, &mut base, &op).await?;
            tx.put_base(&mapping.id, op.link, &base)?;
        }
        tx.put_op(&op)?;
    }
    Ok(tx.commit().await?)
}

/// Sends deletions of one side of a mapping; gives back the links whose record is gone.
pub(super) async fn take_back(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ops: Vec<Op>,
) -> Result<BTreeSet<LinkId>, EngineError> {
    let mut gone = BTreeSet::new();
    if ops.is_empty() {
        return Ok(gone);
    }
    let group = batches::cut(ctx, side, mapping.object(side), &WriteKind::Delete, ops);
    ctx.engine.control.border().await?;
    let answers = batches::send(ctx, group, |_, _| Ok(())).await?;
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    let mut stop = None;
    for (mut op, answer) in answers {
        close(&mut op, &answer);
        if matches!(answer, Answer::Done { .. }) {
            taken_back(ctx, mapping, &op, &mut tx).await?;
            gone.insert(op.link);
            ctx.tally(&mapping.id).archived(side);
            let what = format!("taken back in {side}");
            ctx.engine
                .report
                .line_about("ok", subject(&op), "", what, None, Some(op.link));
            ctx.engine.report.change(|view| view.written += 1);
        } else {
            stop = stop.or(not_done(ctx, mapping, &op, &answer));
        }
        ctx.engine.report.advance(Phase::Apply(side), 1);
        tx.put_op(&op)?;
    }
    let (object, many) = (mapping.object(side), gone.len() as u64);
    ctx.engine.took_away(side, object, many, &mut tx).await?;
    tx.commit().await?;
    match stop {
        Some(error) => Err(error),
        None => {
            ctx.check_error_rate()?;
            Ok(gone)
        }
    }
}

/// What follows here from a record that was taken back: the link stays and keeps its source from being created from again;
/// nobody matches the record, and nothing about the link waits for a person any more (12.3, 19.1).
pub(super) async fn taken_back(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    op: &Op,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let engine = ctx.engine;
    let db = &engine.db;
    unmatch(ctx, mapping, op.side, op.target.as_ref(), tx).await?;
    let known = db.links(&mapping.id, &[op.link]).await?;
    let Some(mut link) = known.into_iter().flatten().next() else {
        return Ok(());
    };
    link.state = LinkState::TakenBack(op.run);
    link.stamped = PerSide::default();
    tx.put_link(&link, &links::objects(mapping))?;
    for side in Side::BOTH {
        let Some(id) = link.ids.get(side) else {
            continue;
        };
        let object = mapping.object(side);
        let seen = db
            .observations(side, object, std::slice::from_ref(id))
            .await?;
        // What became of it goes on being followed, though a run that was halted has seen it (12.4, 13).
        let followed = |seen: &Observation| {
            matches!(
                seen.presence,
                Presence::Converted(_) | Presence::MergedInto(_)
            )
        };
        if !seen.iter().flatten().any(followed) {
            tx.clear_dirty(&mapping.id, side, id);
            tx.drop_observation(side, object, id);
        }
    }
    let (owner, run) = (link.id.0, Some(op.run));
    close_waits(engine, &mapping.id, owner, What::All, run, tx).await
}

/// Journals what is left as it is, with the reasons.
pub(super) async fn leave(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let db = ctx.engine.db.clone();
    let mut tx = db.begin();
    for mut op in ops {
        debug_assert_eq!(op.state, OpState::Skipped);
        ctx.seq += 1;
        op.seq = ctx.seq;
        ctx.tally(&mapping.id).link(op.link, Fate::Held);
        ctx.engine.report.line_about(
            "warn",
            subject(&op),
            "",
            format!("left: {}", op.outcome.why.as_deref().unwrap_or_default()),
            None,
            Some(op.link),
        );
        ctx.engine.report.change(|view| view.skipped += 1);
        tx.put_op(&op)?;
        tx = tx.rolled().await?;
    }
    Ok(tx.apply().await?)
}
