//! The links of a mapping, slice by slice: complete, plan, write, read back, settle
//! (docs/design/sync-semantics.md 6, 7, 15.5, 16).

use std::collections::{BTreeMap, BTreeSet};

use super::batches::{self, Answer, OpBatch};
use super::complete::{alone, complete, look_up_times, still_gone, still_silent};
use super::context::EngineError;
use super::db::Waiting;
use super::failures::still_refused;
use super::fields;
use super::link_plan::{self, LinkPlan, View, Work};
use super::observe::read_associations;
use super::parts;
use super::references::{Parents, is_translated};
use super::report::Phase;
use super::run::{Mode, RunCtx};
use super::set_read::{complete_elements, complete_sets};
use super::sets;
use super::settle::{Progressed, settle};
use super::tally::{Fate, Unlinked};
use super::ties::{association_kind, goes_beside_one};
use crate::crm::WriteKind;
use crate::domain::{
    LinkState, Mapping, Observation, Op, OpId, OpKind, OpState, PerSide, Presence, RecordId,
    SetPair, Side, Value,
};
use crate::store::rows::Dirty;

/// Links that are completed, planned and written together: one Salesforce read, twenty HubSpot reads.
const CHUNK: usize = 2000;

/// Works through every dirty link of a mapping.
pub(super) async fn links(ctx: &mut RunCtx<'_>, mapping: &Mapping) -> Result<(), EngineError> {
    links_marked(ctx, mapping, u16::MAX).await
}

/// Works through the links that are dirty for one of these reasons.
pub(super) async fn links_marked(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    reasons: u16,
) -> Result<(), EngineError> {
    for side in Side::BOTH {
        let mut after: Option<RecordId> = None;
        loop {
            ctx.engine.control.border().await?;
            let size = CHUNK.min(ctx.engine.rules.settings.slice.max(1));
            let page = ctx
                .engine
                .db
                .dirty_page(&mapping.id, side, after.as_ref(), size)
                .await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let ids: Vec<RecordId> = page
                .into_iter()
                .filter(|(_, row)| row.reasons & reasons != 0)
                .map(|(id, _)| id)
                .collect();
            let mut works = load(ctx, mapping, side, &ids).await?;
            for _ in 0..=ctx.engine.rules.settings.max_replans {
                if works.is_empty() {
                    break;
                }
                works = chunk(ctx, mapping, works).await?;
            }
        }
    }
    Ok(())
}

/// The links behind dirty records, with all that is stored about them. A link that is dirty on both sides comes with
/// its Salesforce record; records without an active link are not this step's.
async fn load(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<Work>, EngineError> {
    let db = &ctx.engine.db;
    let object = mapping.object(side);
    let link_ids: Vec<_> = db
        .link_ids(&mapping.id, side, object, ids)
        .await?
        .into_iter()
        .flatten()
        .collect();
    let mut links: Vec<_> = db
        .links(&mapping.id, &link_ids)
        .await?
        .into_iter()
        .flatten()
        .filter(|link| {
            link.state == LinkState::Active
                || (ctx.mode != Mode::Write && link.state == LinkState::PendingCreate)
        })
        .filter(|link| link.ids.salesforce.is_some() && link.ids.hubspot.is_some())
        .collect();
    if side == Side::HubSpot {
        let others: Vec<RecordId> = links
            .iter()
            .filter_map(|link| link.ids.salesforce.clone())
            .collect();
        let dirty = db.dirty(&mapping.id, Side::Salesforce, &others).await?;
        let twice: BTreeSet<RecordId> = others
            .into_iter()
            .zip(dirty)
            .filter_map(|(id, dirty)| dirty.map(|_| id))
            .collect();
        links.retain(|link| {
            link.ids
                .salesforce
                .as_ref()
                .is_none_or(|id| !twice.contains(id))
        });
    }
    let locked = links.iter().filter(|link| ctx.locked.contains(&link.id));
    for link in locked.cloned().collect::<Vec<_>>() {
        let silent = ctx.silent.contains(&link.id);
        if !(silent && alone(ctx, mapping, &link, Unlinked::Error).await?) {
            ctx.tally(&mapping.id).link(link.id, Fate::Error);
        }
    }
    links.retain(|link| !ctx.locked.contains(&link.id));
    let keys: Vec<_> = links.iter().map(|link| link.id).collect();
    let bases = db.bases(&mapping.id, &keys).await?;
    let mut seen: PerSide<Vec<_>> = PerSide::default();
    for one in Side::BOTH {
        let ids: Vec<RecordId> = links
            .iter()
            .filter_map(|link| link.ids.get(one).clone())
            .collect();
        *seen.get_mut(one) = db.observations(one, mapping.object(one), &ids).await?;
    }
    let mut reasons = vec![0; links.len()];
    let mut news = vec![PerSide::<bool>::default(); links.len()];
    for one in Side::BOTH {
        let ids: Vec<RecordId> = links
            .iter()
            .filter_map(|link| link.ids.get(one).clone())
            .collect();
        let rows = db.dirty(&mapping.id, one, &ids).await?;
        for ((sum, news), row) in reasons.iter_mut().zip(&mut news).zip(rows) {
            let own = row.map_or(0, |row| row.reasons);
            *sum |= own;
            *news.get_mut(one) = own & (Dirty::CHANGED | Dirty::RELINK) != 0;
        }
    }
    let mut works = Vec::with_capacity(links.len());
    let (mut away, mut gone) = (Vec::new(), Vec::new());
    let observed = seen.salesforce.into_iter().zip(seen.hubspot);
    let stored = links
        .into_iter()
        .zip(bases)
        .zip(reasons.into_iter().zip(news));
    for (((link, base), (reasons, news)), (salesforce, hubspot)) in stored.zip(observed) {
        let there = |seen: &Option<Observation>| {
            seen.as_ref()
                .is_none_or(|seen| seen.presence == Presence::Live)
        };
        if !there(&salesforce) || !there(&hubspot) {
            gone.push((link, reasons));
            continue;
        }
        let (mut conflicts, mut errors) = (Vec::new(), Vec::new());
        for item in db.waiting(link.id.0).await? {
            match item {
                Waiting::Conflict(item) => conflicts.push(item),
                Waiting::Error(item) => errors.push(item),
            }
        }
        if out_of_reach(&errors, &salesforce, &hubspot, ctx.engine.clock.now()) {
            away.push(link);
            continue;
        }
        let seen = PerSide {
            salesforce,
            hubspot,
        };
        works.push(Work {
            link,
            sets: sets::seen(mapping, &seen, |seen| is_of_run(ctx, seen)),
            elements_there: BTreeMap::new(),
            seen,
            fresh: PerSide::default(),
            base,
            conflicts,
            errors,
            times: None,
            replans: 0,
            only_changed: reasons == Dirty::CHANGED,
            news,
        });
    }
    let mut tx = db.begin();
    for link in away {
        still_silent(ctx, mapping, &link, &mut tx).await?;
    }
    for (link, reasons) in gone {
        still_gone(ctx, mapping, &link, reasons, &mut tx).await?;
    }
    tx.apply().await?;
    Ok(works)
}

/// True of what this run saw. An estimate reads nothing: it takes what an earlier process saw, too.
fn is_of_run(ctx: &RunCtx<'_>, seen: &Observation) -> bool {
    let now = ctx.engine.clock.now();
    ctx.mode == Mode::Estimate || (ctx.began..=now).contains(&seen.observed_at)
}

/// True where one of the records did not answer when it was read last, was not seen since, and is not to be asked again
/// yet: no call is spent on the link.
fn out_of_reach(
    errors: &[crate::domain::ErrorItem],
    salesforce: &Option<crate::domain::Observation>,
    hubspot: &Option<crate::domain::Observation>,
    now: chrono::DateTime<chrono::Utc>,
) -> bool {
    errors.iter().any(|item| {
        let seen = match item.record.side {
            Side::Salesforce => salesforce,
            Side::HubSpot => hubspot,
        };
        link_plan::is_silence(item, item.record.side)
            && seen.is_none()
            && item.retry_at.is_none_or(|due| due > now)
    })
}

/// Plans and carries out one chunk; gives back the works whose target moved and that are to be planned again.
async fn chunk(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    mut works: Vec<Work>,
) -> Result<Vec<Work>, EngineError> {
    if ctx.mode == Mode::Write {
        fill_associations(ctx, mapping, &mut works).await?;
    }
    let mut plans = decide(ctx, mapping, &works).await?;
    if ctx.mode != Mode::Estimate {
        // Each round reads what the round before found missing; three are the most that can be needed.
        for _ in 0..3 {
            let read = match ctx.mode {
                Mode::Write => complete(ctx, mapping, &mut works, &plans).await?,
                _ => false,
            };
            if read {
                plans = decide(ctx, mapping, &works).await?;
            }
            let read_sets = complete_sets(ctx, mapping, &mut works, &plans).await?;
            if read_sets {
                plans = decide(ctx, mapping, &works).await?;
            }
            let read_elements = complete_elements(ctx, mapping, &mut works, &plans).await?;
            if read_elements {
                plans = decide(ctx, mapping, &works).await?;
            }
            let looked = look_up_times(ctx, mapping, &mut works, &plans).await?;
            if looked {
                plans = decide(ctx, mapping, &works).await?;
            }
            if !read && !read_sets && !read_elements && !looked {
                break;
            }
        }
    }
    let ops = make_ops(ctx, mapping, &works, &mut plans);
    if ctx.mode != Mode::Write {
        ctx.foresee_links(mapping, &works, &plans, ops);
        ctx.store_plan().await?;
        return Ok(Vec::new());
    }
    for side in Side::BOTH {
        let records = ops.values().flatten().filter(|op| op.side == side);
        let count = records
            .filter(|op| matches!(op.kind, OpKind::Update | OpKind::Stamp))
            .count() as u64;
        *ctx.cost(&mapping.id).written.get_mut(side) += count;
        if side == Side::Salesforce && mapping.strict_cas {
            ctx.cost(&mapping.id).one_by_one += count;
        }
    }
    let count = |side| {
        ops.values()
            .flatten()
            .filter(|op: &&Op| op.side == side)
            .count() as u64
    };
    for side in Side::BOTH {
        ctx.engine.report.expect(Phase::Apply(side), count(side));
    }
    let held = ctx.hold_unconfirmed(&ops);
    let ops: BTreeMap<usize, Vec<Op>> = ops
        .into_iter()
        .filter(|(index, _)| !held.contains(index))
        .collect();
    ctx.cover(ops.values().flatten());
    let mut done: Vec<Progressed> = works.iter().map(|_| Progressed::default()).collect();
    write(ctx, mapping, &mut works, ops, &mut done).await?;
    for index in held {
        if let Some(progress) = done.get_mut(index) {
            progress.held = true;
        }
    }
    settle(ctx, mapping, works, plans, done).await
}

/// Reads the associations of records whose reference was never settled and not seen either: those that were just created.
async fn fill_associations(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
) -> Result<(), EngineError> {
    let unsettled = |work: &Work| {
        let pending =
            |pair: &crate::domain::FieldPair| work.base.value(pair.name(), Side::HubSpot).is_none();
        fields::associations(mapping).any(pending)
    };
    let wanted: Vec<usize> = (0..works.len())
        .filter(|index| works.get(*index).is_some_and(unsettled))
        .collect();
    let mut records: Vec<_> = wanted
        .iter()
        .map(|index| {
            works
                .get_mut(*index)
                .and_then(|work| work.seen.hubspot.take())
        })
        .collect();
    let mut flat: Vec<_> = records.iter_mut().filter_map(Option::take).collect();
    ctx.cost(&mapping.id).associations_read +=
        read_associations(ctx.engine, &[mapping], &mut flat).await?;
    let mut by_id: BTreeMap<RecordId, _> = flat
        .into_iter()
        .map(|seen| (seen.id.clone(), seen))
        .collect();
    for index in wanted {
        if let Some(work) = works.get_mut(index)
            && let Some(id) = &work.link.ids.hubspot
            && let Some(seen) = by_id.remove(id)
        {
            work.seen.hubspot = Some(seen);
        }
    }
    Ok(())
}

async fn decide(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &[Work],
) -> Result<Vec<LinkPlan>, EngineError> {
    let engine = ctx.engine;
    let values = works
        .iter()
        .flat_map(|work| reference_values(mapping, work));
    let elements = works.iter().flat_map(|work| {
        let of = |set: &SetPair| {
            let named = sets::named(work, set).into_iter();
            let set = set.mapping.clone();
            named.map(move |(side, id)| (set.clone(), side, id))
        };
        mapping.sets.iter().flat_map(of).collect::<Vec<_>>()
    });
    let parents = Parents::load(engine, mapping, values, elements)
        .await?
        .foresee(ctx);
    let view = View {
        engine,
        ghosts: &ctx.ghosts,
        mapping,
        known: &ctx.known,
        parents: &parents,
        now: engine.clock.now(),
        run: ctx.run,
    };
    let now = view.now;
    Ok(works
        .iter()
        .map(|work| {
            let mut plan = link_plan::plan(&view, work);
            leave_refused(&view, work, &mut plan, now);
            link_plan::need_targets(&view, work, &mut plan);
            plan
        })
        .collect())
}

/// Takes out what was refused before and is not due yet: its error stands, and nothing is read for it.
fn leave_refused(
    view: &View<'_>,
    work: &Work,
    plan: &mut LinkPlan,
    now: chrono::DateTime<chrono::Utc>,
) {
    for side in Side::BOTH {
        let fields = plan.writes.get(side);
        let known = still_refused(side, update_kind(fields), fields, &work.errors, now)
            .filter(|error| !link_plan::freed(view.mapping, view.run, work, error))
            .cloned();
        if let Some(error) = known {
            plan.errors.push(error);
            plan.writes.get_mut(side).clear();
        }
    }
}

fn update_kind(fields: &BTreeMap<String, crate::domain::Assignment>) -> OpKind {
    let stamp = fields.values().all(|assignment| assignment.pair.is_empty());
    if stamp { OpKind::Stamp } else { OpKind::Update }
}

/// Every id that a work's reference pairs name, now or in the base.
fn reference_values(mapping: &Mapping, work: &Work) -> Vec<(usize, Side, String)> {
    let mut found = Vec::new();
    for (index, pair) in mapping
        .pairs
        .iter()
        .enumerate()
        .filter(|(_, pair)| is_translated(pair))
    {
        for side in Side::BOTH {
            let now = work
                .seen
                .get(side)
                .as_ref()
                .map(|seen| seen.value(pair.field(side)).clone());
            let base = super::links::base_raw(&work.base, pair.name(), side);
            // What an open conflict shows stands in for a side that was not read.
            let shown = parts::open_conflict(work, pair);
            let shown = shown.map(|item| item.value_of(pair.name(), side).clone());
            for value in [now, base, shown].into_iter().flatten() {
                if let Value::Text(text) = value {
                    found.push((index, side, text));
                }
            }
        }
    }
    found
}

/// The ops of each work, by its index.
fn make_ops(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    works: &[Work],
    plans: &mut [LinkPlan],
) -> BTreeMap<usize, Vec<Op>> {
    let mut all = BTreeMap::new();
    for (index, (work, plan)) in works.iter().zip(plans.iter_mut()).enumerate() {
        let mut ops = Vec::new();
        for side in Side::BOTH {
            let fields = std::mem::take(plan.writes.get_mut(side));
            if !fields.is_empty() {
                ops.push(op(ctx, mapping, work, side, update_kind(&fields), fields));
            }
        }
        for side in Side::BOTH {
            let mut ties = BTreeMap::new();
            if side == Side::HubSpot {
                ties.append(&mut plan.associations);
            }
            ties.append(plan.elements.get_mut(side));
            for (field, assignment) in ties {
                let kind = if assignment.after.is_blank() {
                    OpKind::Dissociate
                } else {
                    OpKind::Associate
                };
                let fields = BTreeMap::from([(field, assignment)]);
                ops.push(op(ctx, mapping, work, side, kind, fields));
            }
        }
        if !ops.is_empty() {
            all.insert(index, ops);
        }
    }
    all
}

fn op(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    work: &Work,
    side: Side,
    kind: OpKind,
    fields: BTreeMap<String, crate::domain::Assignment>,
) -> Op {
    Op {
        target: work.link.ids.get(side).clone(),
        source: work.link.ids.get(side.other()).clone(),
        modstamp: work.seen.get(side).as_ref().map(|seen| seen.modstamp),
        ..Op::planned(
            ctx.run,
            mapping,
            work.link.id,
            side,
            kind,
            fields,
            work.replans,
        )
    }
}

/// Sends the ops of a chunk: records of both sides first, associations after them; notes what became of each.
async fn write(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    ops: BTreeMap<usize, Vec<Op>>,
    done: &mut [Progressed],
) -> Result<(), EngineError> {
    let mut owner: BTreeMap<OpId, usize> = BTreeMap::new();
    let mut sides: PerSide<Vec<Op>> = PerSide::default();
    let mut associations: BTreeMap<(WriteKind, Side), Vec<Op>> = BTreeMap::new();
    for (index, ops) in ops {
        for op in ops {
            owner.insert(op.id, index);
            match op.kind {
                OpKind::Associate | OpKind::Dissociate => {
                    let kind = association_kind(ctx, mapping, &op);
                    associations.entry((kind, op.side)).or_default().push(op);
                }
                _ => sides.get_mut(op.side).push(op),
            }
        }
    }
    let mut queues: Vec<Vec<OpBatch>> = Side::BOTH
        .iter()
        .map(|side| {
            let ops = std::mem::take(sides.get_mut(*side));
            if *side == Side::Salesforce && mapping.strict_cas {
                batches::one_by_one(mapping, ops)
            } else {
                batches::cut(ctx, *side, mapping.object(*side), &WriteKind::Update, ops)
            }
        })
        .collect();
    run_queues(ctx, mapping, works, &owner, &mut queues, done).await?;
    for ((kind, side), mut ops) in associations {
        if let WriteKind::Join { .. } = &kind {
            ops.retain(|op| goes_beside_one(mapping, works, &owner, done, op));
        }
        ctx.cost(&mapping.id).tie(&kind, side, ops.len() as u64);
        let queue = batches::cut(ctx, side, mapping.object(side), &kind, ops);
        run_queues(ctx, mapping, works, &owner, &mut [queue], done).await?;
    }
    Ok(())
}

/// Sends the queues side by side, a few batches of each at a time; every group is one C2 and one C3.
async fn run_queues(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &mut [Work],
    owner: &BTreeMap<OpId, usize>,
    queues: &mut [Vec<OpBatch>],
    done: &mut [Progressed],
) -> Result<(), EngineError> {
    for queue in queues.iter_mut() {
        queue.reverse();
    }
    let all: u64 = queues.iter().map(|queue| queue.len() as u64).sum();
    let mut sent = 0;
    loop {
        let mut group = Vec::new();
        for queue in queues.iter_mut() {
            let take = ctx
                .engine
                .rules
                .settings
                .in_flight
                .clamp(1, 16)
                .min(queue.len());
            group.extend(queue.split_off(queue.len() - take).into_iter().rev());
        }
        if group.is_empty() {
            return Ok(());
        }
        ctx.engine.control.border().await?;
        sent += group.len() as u64;
        ctx.engine
            .report
            .change(|view| view.batch = Some((sent, all)));
        let group = super::apply::recheck(ctx, mapping, works, owner, group, done).await?;
        let answers = batches::send(ctx, group, |_, _| Ok(())).await?;
        super::apply::record(ctx, mapping, works, owner, answers, done).await?;
        ctx.check_error_rate()?;
    }
}

/// What an answer means for the op's row.
pub(super) fn close(op: &mut Op, answer: &Answer) {
    match answer {
        Answer::Done { id, created, .. } => {
            op.state = OpState::Confirmed;
            op.outcome.record = Some(id.clone());
            op.outcome.adopted = op.kind == OpKind::Create && !created;
        }
        Answer::Refused(batches::CrmErrorOrVendor::Record(vendor)) => {
            op.state = OpState::Failed;
            op.outcome.error = Some(vendor.clone());
        }
        Answer::Refused(batches::CrmErrorOrVendor::Call(error)) => {
            op.state = OpState::Failed;
            op.outcome.error = error.vendor.clone();
            op.outcome.why = Some(error.message.clone());
        }
        Answer::Unknown(why) => {
            op.state = OpState::Unknown;
            op.outcome.why = Some(why.clone());
        }
    }
}
