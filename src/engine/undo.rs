//! Undo of a run as a new run, and its forecast (docs/design/sync-semantics.md 19.1): what the run wrote is read, decided
//! about and written in small groups, so that every record is read directly before it is written. Fields and
//! associations go back first, then what the run made is taken away, children before their parents, and last the key
//! fields of the records that those were made from.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::Budget;
use super::context::{Engine, EngineError, Order, Scope};
use super::cost::{association_write_calls, read_calls, set_write_calls, write_calls};
use super::links;
use super::preflight::preflight;
use super::recover::recover;
use super::report::Phase;
use super::run_ctx::{Mode, RunCtx};
use super::undo_apply;
use super::undo_look::Seen;
use super::undo_plan::LinkNow;
use super::undo_read::{Done, Pair, Touched, generations};
use crate::domain::{
    CallCount, LinkId, LinkState, Mapping, MappingCounts, MappingId, Op, OpKind, OpState, PerSide,
    Presence, RecordId, RecordKey, RunId, RunRecord, RunState, Side, SideCount,
};
use crate::store::rows::Dirty;
use crate::store::{Family, keys};

/// Links read and written together: four HubSpot batches.
const GROUP: usize = 400;

/// Why a record in Salesforce's recycle bin stays there.
const IN_THE_BIN: &str = "Salesforce has no REST call that restores a record; restore it from the recycle bin, then undo this run again";

/// Why a record that a run archived stays archived.
fn archived_there(side: Side) -> &'static str {
    match side {
        Side::Salesforce => {
            "Salesforce has no REST call that restores a record; restore both records from where they were deleted, and the next sync links them as before"
        }
        Side::HubSpot => {
            "HubSpot has no call that restores a record; restore it in HubSpot within 90 days, and its counterpart, and a sync of everything links them as before"
        }
    }
}

/// What an undo of a run would do.
#[derive(Clone, Debug)]
pub struct UndoForecast {
    /// The run to be undone.
    pub run: RunId,
    /// Calls that the forecast took.
    pub calls: CallCount,
    /// Calls that the undo would take, by the formula.
    pub forecast: SideCount,
    /// Per mapping.
    pub mappings: Vec<UndoneMapping>,
    /// Every op; those that are left as they are in the state `Skipped`, with the reason.
    pub ops: Vec<Op>,
}

/// What an undo would do to one mapping.
#[derive(Clone, Debug)]
pub struct UndoneMapping {
    /// Its counts: `updated` is put back, `archived` is taken back, `held` is left as it is.
    pub counts: MappingCounts,
    /// Records taken back by an earlier undo that the next sync makes again.
    pub released: u64,
}

/// The work on one undo.
pub(super) struct Undoing<'c, 'e> {
    pub(super) ctx: &'c mut RunCtx<'e>,
    /// The run that is undone.
    pub(super) target: RunId,
    pub(super) done: Done,
    /// Records that are gone, or would be.
    pub(super) gone: BTreeSet<RecordKey>,
    /// Associations that go back, or would: the HubSpot object and record, and whom the run had tied it to.
    pub(super) untied: BTreeSet<(String, RecordId, RecordId)>,
    /// Calls by the formula of 21.
    calls: SideCount,
    released: BTreeMap<MappingId, u64>,
    /// Everything decided, where it is only shown.
    ops: Vec<Op>,
}

impl Engine {
    /// The mappings that a run worked on and that there still are.
    pub(super) async fn mappings_of(&self, run: RunId) -> Result<Vec<&Mapping>, EngineError> {
        let Some(record) = self.db.run(run).await? else {
            return Err(EngineError::halt(self.db.no_such_run(run).await?));
        };
        if record.state == RunState::Running {
            return Err(EngineError::halt(format!(
                "run {run} is not over; a sync looks up what it left open, undo it after that"
            )));
        }
        let named =
            |mapping: &&Mapping| record.mappings.iter().any(|row| row.mapping == mapping.id);
        Ok(self.rules.mappings.iter().filter(named).collect())
    }

    async fn done_by(&self, run: RunId) -> Result<Done, EngineError> {
        let mut done = Done::default();
        self.db
            .walk(keys::by_run(Family::Journal, run), |op: Op| done.add(op))
            .await?;
        if done.links.is_empty() {
            let why = match done.ops {
                0 => "it wrote nothing, or its journal is no longer kept",
                _ => "none of its writes went through",
            };
            return Err(EngineError::halt(format!(
                "there is nothing to undo of run {run}: {why}"
            )));
        }
        Ok(done)
    }

    /// What an undo of a run would do, computed without writing anything anywhere.
    pub async fn forecast_undo(&self, run: RunId) -> Result<UndoForecast, EngineError> {
        let before = PerSide::from_fn(|side| self.side(side).meter().snapshot());
        let order = Order {
            mappings: Vec::new(),
            scope: Scope::Undo(run),
            yes: false,
            confirm: None,
            by: String::new(),
        };
        let mappings = self.chosen(&order).await?;
        let done = self.done_by(run).await?;
        let db = std::sync::Arc::new(self.db.scratch().await?);
        let scratch = Engine { db, ..self.clone() };
        let found = preflight(&scratch, &mappings).await?;
        let scratch = scratch.typed(&found.schemas);
        let mappings = scratch.chosen(&order).await?;
        let budget = Budget::load(&scratch).await?;
        let next = RunId(scratch.db.number(super::db::names::LAST_RUN).await? + 1);
        let mut ctx = RunCtx::new(&scratch, next, Mode::Preview, found.known, budget);
        for op in scratch.db.open_ops().await? {
            ctx.locked.insert(op.link);
        }
        ctx.ghosts = scratch.ghosts().await?;
        let mut undoing = Undoing::new(&mut ctx, run, done, found.calls);
        undoing.all(&mappings).await?;
        let Undoing {
            calls,
            released,
            ops,
            ..
        } = undoing;
        let rows = ctx.counts(&mappings);
        Ok(UndoForecast {
            run,
            calls: self.calls_since(&before),
            forecast: calls,
            mappings: rows
                .into_iter()
                .map(|counts| UndoneMapping {
                    released: released.get(&counts.mapping).copied().unwrap_or_default(),
                    counts,
                })
                .collect(),
            ops,
        })
    }
}

/// Carries the undo of a run out.
pub(super) async fn undo(
    ctx: &mut RunCtx<'_>,
    record: &mut RunRecord,
    target: RunId,
    mappings: &[&Mapping],
    fixed: SideCount,
) -> Result<(), EngineError> {
    recover(ctx).await?;
    let done = ctx.engine.done_by(target).await?;
    let mut undoing = Undoing::new(ctx, target, done, fixed);
    let outcome = undoing.all(mappings).await;
    record.expected_calls = undoing.calls;
    let released: u64 = undoing.released.values().sum();
    if released > 0 {
        record.reason = Some(format!(
            "{released} records that were taken back are made again by the next sync"
        ));
    }
    for side in Side::BOTH {
        ctx.engine.report.end(Phase::Apply(side));
    }
    outcome
}

impl<'c, 'e> Undoing<'c, 'e> {
    fn new(ctx: &'c mut RunCtx<'e>, target: RunId, done: Done, fixed: SideCount) -> Self {
        Undoing {
            ctx,
            target,
            done,
            gone: BTreeSet::new(),
            untied: BTreeSet::new(),
            calls: fixed,
            released: BTreeMap::new(),
            ops: Vec::new(),
        }
    }

    async fn all(&mut self, mappings: &[&Mapping]) -> Result<(), EngineError> {
        self.ctx.engine.report.begin(Phase::Plan);
        let mut done = std::mem::take(&mut self.done.links);
        let count: usize = done.values().map(BTreeMap::len).sum();
        self.ctx
            .engine
            .report
            .detail(Phase::Plan, format!("{count} links"));
        self.ctx.engine.report.end(Phase::Plan);
        for mapping in mappings {
            if let Some(pairs) = done.get_mut(&mapping.id) {
                self.given_up(mapping, pairs).await?;
            }
            self.stay_converted(mapping).await?;
        }
        for mapping in mappings {
            self.ctx.tally(&mapping.id);
            let pairs = done.get(&mapping.id);
            for group in groups(pairs, |pair| made(pair).is_none() && !deleted(pair)) {
                self.fields(mapping, &group).await?;
            }
            for side in Side::BOTH {
                let gone = |pair: &Pair| deleted_on(pair, side);
                for group in groups(pairs, gone) {
                    self.release(mapping, side, &group).await?;
                }
            }
        }
        // Parents come first in the order of work, so their children are gone before them.
        for mapping in mappings.iter().rev() {
            let pairs = done.remove(&mapping.id).unwrap_or_default();
            for generation in generations(mapping, pairs) {
                for group in groups(Some(&generation), |pair| made(pair).is_some()) {
                    self.made(mapping, &group).await?;
                }
            }
        }
        Ok(())
    }

    /// Puts the fields of records back that were there before the run.
    async fn fields(
        &mut self,
        mapping: &Mapping,
        group: &[(LinkId, &Pair)],
    ) -> Result<(), EngineError> {
        let seen = self.read(mapping, group, &Side::BOTH).await?;
        let mut ops = Vec::new();
        for (link, pair) in group {
            ops.extend(self.open_link(mapping, *link, pair, &seen).put_back());
        }
        self.write(mapping, ops, true).await
    }

    /// Takes back what the run made, then the key fields of what it was made from.
    async fn made(
        &mut self,
        mapping: &Mapping,
        group: &[(LinkId, &Pair)],
    ) -> Result<(), EngineError> {
        for side in Side::BOTH {
            let of_side: Vec<(LinkId, &Pair)> = group
                .iter()
                .filter(|(_, pair)| made(pair) == Some(side))
                .copied()
                .collect();
            if of_side.is_empty() {
                continue;
            }
            let seen = self.read(mapping, &of_side, &[side]).await?;
            let foreign = self.foreign(mapping, side, &of_side, &seen).await?;
            let taken = self.taken_before(mapping, &of_side).await?;
            let (mut ops, mut gone) = (Vec::new(), BTreeSet::new());
            for (link, pair) in &of_side {
                let Some(touched) = pair.get(side) else {
                    continue;
                };
                if taken.contains(link) {
                    gone.insert(*link);
                    continue;
                }
                let now = self.open_link(mapping, *link, pair, &seen);
                let foreign = foreign.get(&touched.id).map(String::as_str);
                ops.push(now.take_back(side, touched, foreign));
            }
            let (ops, left) = self.split(ops);
            let count = ops.len() as u64;
            self.count_calls(side, write_calls(side, count));
            self.leave(mapping, left).await?;
            if self.ctx.mode == Mode::Write {
                self.ctx.engine.report.expect(Phase::Apply(side), count);
                gone.extend(undo_apply::take_back(self.ctx, mapping, side, ops).await?);
            } else {
                for op in ops {
                    gone.insert(op.link);
                    self.ctx.tally(&mapping.id).archived(side);
                    self.ops.push(op);
                }
            }
            let (sources, kept): (Vec<_>, Vec<_>) = of_side
                .into_iter()
                .partition(|(link, _)| gone.contains(link));
            for (_, pair) in &sources {
                if let Some(touched) = pair.get(side) {
                    self.gone.insert(RecordKey {
                        side,
                        object: mapping.object(side).to_owned(),
                        id: touched.id.clone(),
                    });
                }
            }
            self.sources(mapping, side.other(), &sources, true).await?;
            // Of a record that stays the link stays, and with it the key field: what else the run wrote goes back all the same.
            self.sources(mapping, side.other(), &kept, false).await?;
        }
        Ok(())
    }

    async fn sources(
        &mut self,
        mapping: &Mapping,
        side: Side,
        group: &[(LinkId, &Pair)],
        with_key: bool,
    ) -> Result<(), EngineError> {
        let written = |(_, pair): &&(LinkId, &Pair)| {
            let more = |one: &Touched| {
                let values = one.fields.values().any(|it| !it.pair.is_empty());
                values || !one.associations.is_empty()
            };
            with_key || pair.get(side).as_ref().is_some_and(more)
        };
        let group: Vec<(LinkId, &Pair)> = group.iter().filter(written).copied().collect();
        let seen = self.read(mapping, &group, &[side]).await?;
        let mut ops = Vec::new();
        for (link, pair) in &group {
            let now = self.open_link(mapping, *link, pair, &seen);
            ops.extend(now.source_back(side, with_key));
        }
        self.write(mapping, ops, false).await
    }

    /// Lets go what an undo took back: the next sync makes it again. A record that a person restored meanwhile is linked
    /// as before.
    async fn release(
        &mut self,
        mapping: &Mapping,
        side: Side,
        group: &[(LinkId, &Pair)],
    ) -> Result<(), EngineError> {
        let seen = self.read(mapping, group, &[side]).await?;
        let ids: Vec<LinkId> = group.iter().map(|(link, _)| *link).collect();
        let db = self.ctx.engine.db.clone();
        let known = db.links(&mapping.id, &ids).await?;
        let known = self.taken_over(known).await?;
        let mut tx = db.begin();
        let mut left = Vec::new();
        for ((link, pair), stored) in group.iter().zip(known) {
            let held = stored.filter(|link| {
                matches!(link.state, LinkState::TakenBack(_) | LinkState::Deleted(_))
            });
            let (Some(touched), Some(mut stored)) = (pair.get(side), held) else {
                continue;
            };
            let mapping = self.ctx.engine.mapping(&stored.mapping).unwrap_or(mapping);
            let now = self.open_link(mapping, *link, pair, &seen);
            let alive = now
                .seen
                .get(side)
                .is_some_and(|seen| seen.presence == Presence::Live);
            let carried_over = matches!(stored.state, LinkState::Deleted(_));
            if carried_over {
                // Its own counterpart is gone: what follows from one that is there again is decided like any restored record.
                if alive {
                    tx.mark_dirty(&mapping.id, side, &touched.id, Dirty::DELETED)?;
                } else {
                    left.push(now.stays_deleted(side, touched, archived_there(side)));
                }
                continue;
            }
            if alive {
                stored.state = LinkState::Active;
                tx.put_link(&stored, &links::objects(mapping))?;
            } else if side == Side::Salesforce {
                left.push(now.stays_deleted(side, touched, IN_THE_BIN));
                continue;
            } else {
                tx.remove_link(&stored, &links::objects(mapping));
            }
            for one in Side::BOTH {
                if let Some(id) = stored
                    .ids
                    .get(one)
                    .as_ref()
                    .filter(|_| alive || one != side)
                {
                    let reasons = Dirty::RETRY | Dirty::LET_THROUGH;
                    tx.mark_dirty(&mapping.id, one, id, reasons)?;
                }
            }
            *self.released.entry(mapping.id.clone()).or_default() += 1;
        }
        tx.commit().await?;
        self.leave(mapping, left).await
    }

    /// Sends what is to be sent, or counts it.
    async fn write(
        &mut self,
        mapping: &Mapping,
        ops: Vec<Op>,
        with_read_back: bool,
    ) -> Result<(), EngineError> {
        let (ops, left) = self.split(ops);
        self.leave(mapping, left).await?;
        for side in Side::BOTH {
            let of_side = |op: &&Op| op.side == side;
            let records: Vec<&Op> = ops
                .iter()
                .filter(of_side)
                .filter(|op| matches!(op.kind, OpKind::Update | OpKind::Stamp))
                .collect();
            let count = records.len() as u64;
            self.count_calls(side, write_calls(side, count));
            if with_read_back && side == Side::Salesforce {
                let back = records
                    .iter()
                    .filter(|op| op.kind == OpKind::Update)
                    .count();
                self.count_calls(side, read_calls(side, back as u64));
            }
        }
        for kind in [OpKind::Associate, OpKind::Dissociate] {
            let of = |side: Side, element: bool| {
                let same = |op: &&Op| {
                    op.kind == kind && op.side == side && op.element().is_some() == element
                };
                ops.iter().filter(same).count() as u64
            };
            self.count_calls(
                Side::HubSpot,
                association_write_calls(of(Side::HubSpot, false)),
            );
            for side in Side::BOTH {
                let calls = match kind {
                    OpKind::Associate => set_write_calls(side, of(side, true), 0),
                    _ => set_write_calls(side, 0, of(side, true)),
                };
                self.count_calls(side, calls);
            }
            for op in ops.iter().filter(|op| op.kind == kind) {
                let held = op.fields.values().filter_map(|one| one.before.as_text());
                let tie = |to| Some((op.object.clone(), op.target.clone()?, RecordId::from(to)));
                self.untied.extend(held.filter_map(tie));
            }
        }
        if self.ctx.mode == Mode::Write {
            for side in Side::BOTH {
                let count = ops.iter().filter(|op| op.side == side).count() as u64;
                self.ctx.engine.report.expect(Phase::Apply(side), count);
            }
            return undo_apply::put_back(self.ctx, mapping, ops).await;
        }
        for op in &ops {
            if !op.is_stamp() {
                self.ctx.tally(&mapping.id).updated(op.side, op.link);
            }
        }
        self.ops.extend(ops);
        Ok(())
    }

    pub(super) async fn leave(
        &mut self,
        mapping: &Mapping,
        left: Vec<Op>,
    ) -> Result<(), EngineError> {
        if self.ctx.mode == Mode::Write {
            return undo_apply::leave(self.ctx, mapping, left).await;
        }
        for op in &left {
            self.ctx
                .tally(&mapping.id)
                .link(op.link, super::tally::Fate::Held);
        }
        self.ops.extend(left);
        Ok(())
    }

    /// Ops to send and ops that are left; a record with an unanswered write is left too.
    fn split(&self, ops: Vec<Op>) -> (Vec<Op>, Vec<Op>) {
        let mut send = Vec::new();
        let mut left = Vec::new();
        for mut op in ops {
            if op.state == OpState::Planned && self.ctx.locked.contains(&op.link) {
                op.state = OpState::Skipped;
                op.outcome.why =
                    Some("a write of it has no answer yet; a later run looks it up".into());
            }
            match op.state {
                OpState::Skipped => left.push(op),
                _ => send.push(op),
            }
        }
        (send, left)
    }

    fn open_link<'a>(
        &'a self,
        mapping: &'a Mapping,
        link: LinkId,
        pair: &'a Pair,
        seen: &'a Seen,
    ) -> LinkNow<'a> {
        LinkNow {
            mapping,
            run: self.ctx.run,
            link,
            pair,
            seen: PerSide::from_fn(|side| {
                let touched = pair.get(side).as_ref()?;
                seen.get(side).get(&touched.id)
            }),
            us: &self.ctx.known.us,
            ghosts: self.ctx.ghosts.get(&link).map_or(&[], Vec::as_slice),
        }
    }

    pub(super) fn count_calls(&mut self, side: Side, calls: u64) {
        *self.calls.get_mut(side) += calls;
    }
}

/// The side on which the run made the link's record.
fn made(pair: &Pair) -> Option<Side> {
    let is = |side: &Side| pair.get(*side).as_ref().is_some_and(|one| one.made);
    Side::BOTH.into_iter().find(is)
}

fn deleted(pair: &Pair) -> bool {
    Side::BOTH.into_iter().any(|side| deleted_on(pair, side))
}

fn deleted_on(pair: &Pair, side: Side) -> bool {
    pair.get(side).as_ref().is_some_and(|one| one.deleted)
}

/// The links that a test lets through, in groups.
fn groups(
    pairs: Option<&BTreeMap<LinkId, Pair>>,
    test: impl Fn(&Pair) -> bool,
) -> Vec<Vec<(LinkId, &Pair)>> {
    let chosen: Vec<(LinkId, &Pair)> = pairs
        .into_iter()
        .flatten()
        .filter(|(_, pair)| test(pair))
        .map(|(link, pair)| (*link, pair))
        .collect();
    chosen.chunks(GROUP).map(<[_]>::to_vec).collect()
}
