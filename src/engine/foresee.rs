//! Counting what a plan would do without doing it: for previews, for the valves, and to recognise a plan again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::EngineError;
use super::db::Db;
use super::guard::{FieldCount, GuardInput};
use super::hindsight::was_sent;
use super::link_plan::{LinkPlan, Work};
use super::run::RunCtx;
use super::tally::Fate;
use super::ties::association_kind;
use crate::domain::{
    Assignment, ErrorItem, ItemState, LinkId, Mapping, MappingId, Op, OpKind, Side, SideCount,
    digest128, whole_field,
};

/// What becomes of the ops that a plan without writes comes to.
#[derive(Clone, Default)]
pub(super) enum Keep {
    /// They are counted; a large plan is not held in memory.
    #[default]
    Counts,
    /// They are shown.
    Shown,
    /// They are stored as the plan of the run, for a confirm.
    Stored(Arc<Db>),
}

/// What a plan would do, so far.
#[derive(Clone, Default)]
pub(super) struct Foreseen {
    /// What becomes of the ops.
    pub(super) keep: Keep,
    /// The ops that are to be shown or stored, in the order planned.
    pub(super) ops: Vec<Op>,
    /// Errors that would be met, per mapping, where they are shown.
    pub(super) errors: BTreeMap<MappingId, Vec<ErrorItem>>,
    /// What tells the plan from others.
    signatures: BTreeSet<u128>,
    /// The links of which a record is made or taken away.
    followed: BTreeSet<(LinkId, OpKind)>,
    /// Ops stored so far.
    stored: u64,
    counts: BTreeMap<MappingId, Counted>,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    updates: SideCount,
    creates: SideCount,
    deletes: SideCount,
    conflicts: u64,
    changed: SideCount,
    fields: BTreeMap<(Side, String), FieldTally>,
}

#[derive(Clone, Debug, Default)]
struct FieldTally {
    updates: u64,
    clears: u64,
    values: BTreeMap<u128, u64>,
}

/// What makes two ops the same to a confirm: what is written where, not when or by which run. A reference counts as the
/// link that it names, for the id behind it may not be known yet.
pub fn signature(op: &Op) -> u128 {
    let mut parts: Vec<Vec<u8>> = vec![
        op.mapping.0.clone().into(),
        op.side.word().into(),
        op.kind.word().into(),
        op.object.clone().into(),
    ];
    parts.push(
        op.target
            .as_ref()
            .map_or_else(Vec::new, |id| id.0.clone().into()),
    );
    if op.kind == OpKind::Create {
        parts.push(
            op.source
                .as_ref()
                .map_or_else(Vec::new, |id| id.0.clone().into()),
        );
    }
    for (name, assignment) in &op.fields {
        // An element that the plan makes is named by its link.
        let named = match assignment.link {
            Some(_) => whole_field(name),
            None => name,
        };
        parts.push(named.into());
        parts.push(match assignment.link {
            Some(link) => link.to_string().into(),
            None => assignment
                .after
                .as_text()
                .map_or_else(|| vec![0], |text| text.as_bytes().to_vec()),
        });
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    digest128(&parts)
}

/// True for what can be a plan's hash: 32 hexadecimal digits.
pub fn is_plan_hash(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The hash of a plan with these ops.
pub fn plan_hash(signatures: &BTreeSet<u128>) -> String {
    let bytes: Vec<[u8; 16]> = signatures.iter().map(|one| one.to_be_bytes()).collect();
    let parts: Vec<&[u8]> = bytes.iter().map(|one| one.as_slice()).collect();
    format!("{:032x}", digest128(&parts))
}

impl Foreseen {
    /// How many ops were planned.
    pub(super) fn planned(&self) -> usize {
        self.signatures.len()
    }

    /// The links of which the plan makes a record, or takes one away.
    pub(super) fn followed(&self) -> &BTreeSet<(LinkId, OpKind)> {
        &self.followed
    }

    /// The hash of the plan: of its ops as a set, so that neither order nor slicing matters (I-15).
    pub(super) fn hash(&self) -> String {
        plan_hash(&self.signatures)
    }

    fn plan(&mut self, op: Op) {
        self.signatures.insert(signature(&op));
        if matches!(op.kind, OpKind::Create | OpKind::Delete) {
            self.followed.insert((op.link, op.kind));
        }
        if !matches!(self.keep, Keep::Counts) {
            self.ops.push(op);
        }
    }

    fn meet(&mut self, mapping: &MappingId, errors: &[ErrorItem]) {
        if matches!(self.keep, Keep::Shown) {
            let known = self.errors.entry(mapping.clone()).or_default();
            known.extend(errors.iter().cloned());
        }
    }

    /// What the valves look at for a mapping.
    pub(super) fn guard_input(&self, mapping: &MappingId) -> GuardInput {
        let counted = self.counts.get(mapping).cloned().unwrap_or_default();
        let fields = counted
            .fields
            .into_iter()
            .map(|((side, field), tally)| FieldCount {
                side,
                field,
                updates: tally.updates,
                clears: tally.clears,
                same_value: tally.values.values().copied().max().unwrap_or_default(),
            });
        GuardInput {
            mapping: mapping.clone(),
            links: 0,
            live: None,
            previous_live: None,
            deletes: counted.deletes,
            updates: counted.updates,
            creates: counted.creates,
            fields: fields.collect(),
            conflicts: counted.conflicts,
            changed: counted.changed,
            first: false,
            rev_changed: false,
            restored: false,
        }
    }
}

impl RunCtx<'_> {
    /// Counts what the plans of a chunk would do.
    pub(super) fn foresee_links(
        &mut self,
        mapping: &Mapping,
        works: &[Work],
        plans: &[LinkPlan],
        mut ops: BTreeMap<usize, Vec<Op>>,
    ) {
        let name = &mapping.id;
        for (index, (work, plan)) in works.iter().zip(plans).enumerate() {
            let link = work.link.id;
            self.tally(name).link(link, Fate::Unchanged);
            let ops = ops.remove(&index).unwrap_or_default();
            for op in &ops {
                if !op.is_stamp() {
                    self.tally(name).updated(op.side, link);
                }
            }
            let open = !plan.wants_times.is_empty()
                || plan
                    .conflicts
                    .iter()
                    .any(|item| item.state == ItemState::Open);
            if !plan.errors.is_empty() {
                self.tally(name).link(link, Fate::Error);
            } else if open
                || work
                    .conflicts
                    .iter()
                    .any(|item| item.state == ItemState::Open)
            {
                self.tally(name).link(link, Fate::Conflict);
            }
            let counted = self.foreseen.counts.entry(name.clone()).or_default();
            let known: BTreeSet<_> = work.conflicts.iter().map(|item| item.id).collect();
            counted.conflicts +=
                u64::from(open && plan.conflicts.iter().any(|item| !known.contains(&item.id)));
            // A write that may still land was let through when it was sent: it alone, not whatever is written to the link.
            let ghosts = self.ghosts.get(&link).map_or(&[][..], Vec::as_slice);
            let is_new = |op: &Op| {
                let mut fields = op.fields.iter();
                fields.any(|(name, one)| !was_sent(mapping, ghosts, (op.side, name), &one.after))
            };
            let again = !ops.is_empty() && !ops.iter().any(is_new);
            for side in Side::BOTH {
                *counted.changed.get_mut(side) += u64::from(*plan.changed.get(side) && !again);
                let of_side = |op: &&Op| op.side == side && !op.is_stamp();
                let touched = ops.iter().filter(of_side).any(is_new);
                *counted.updates.get_mut(side) += u64::from(touched);
            }
            for op in &ops {
                let counts = |field: &str, one: &Assignment| {
                    !one.pair.is_empty() && !was_sent(mapping, ghosts, (op.side, field), &one.after)
                };
                for (field, assignment) in op.fields.iter().filter(|(name, one)| counts(name, one))
                {
                    let field = whole_field(field).to_owned();
                    let tally = counted.fields.entry((op.side, field)).or_default();
                    tally.updates += 1;
                    tally.clears +=
                        u64::from(assignment.after.is_blank() && !assignment.before.is_blank());
                    let value = assignment.after.as_text().unwrap_or_default();
                    *tally
                        .values
                        .entry(digest128(&[value.as_bytes()]))
                        .or_default() += 1;
                }
            }
            self.foreseen.meet(name, &plan.errors);
            for op in ops {
                let kind = association_kind(self, mapping, &op);
                let cost = self.cost(name);
                match op.kind {
                    OpKind::Associate | OpKind::Dissociate => cost.tie(&kind, op.side, 1),
                    _ => {
                        let apart = mapping.strict_cas && op.side == Side::Salesforce;
                        *cost.written.get_mut(op.side) += 1;
                        cost.one_by_one += u64::from(apart);
                    }
                }
                self.foreseen.plan(op);
            }
        }
    }

    /// Stores the ops planned so far where a halted run keeps them, so that no plan has to fit in memory.
    pub(super) async fn store_plan(&mut self) -> Result<(), EngineError> {
        let Keep::Stored(db) = &self.foreseen.keep else {
            return Ok(());
        };
        let db = db.clone();
        let mut tx = db.begin();
        for op in std::mem::take(&mut self.foreseen.ops) {
            tx.put_plan(self.run, self.foreseen.stored, &op)?;
            self.foreseen.stored += 1;
        }
        Ok(tx.apply().await?)
    }

    /// Counts a create, with the stamp that it will cost on the source's side. What was sent before and is tried `again` an
    /// earlier run was let to make: the valves do not ask for it once more (18).
    pub(super) fn foresee_create(
        &mut self,
        mapping: &Mapping,
        op: Op,
        errors: Vec<ErrorItem>,
        again: bool,
    ) {
        let name = mapping.id.clone();
        let counted = self.foreseen.counts.entry(name.clone()).or_default();
        *counted.creates.get_mut(op.side) += u64::from(!again);
        self.foreseen.meet(&name, &errors);
        let stamped = self.known.keyed.contains(&(name.clone(), op.side.other()));
        let cost = self.cost(&name);
        *cost.created.get_mut(op.side) += 1;
        *cost.written.get_mut(op.side.other()) += u64::from(stamped);
        self.foreseen.plan(op);
    }

    /// Counts a deletion that is carried over.
    pub(super) fn foresee_delete(&mut self, mapping: &Mapping, op: Op) {
        let counts = &mut self.foreseen.counts;
        let counted = counts.entry(mapping.id.clone()).or_default();
        *counted.deletes.get_mut(op.side) += 1;
        self.tally(&mapping.id).archived(op.side);
        *self.cost(&mapping.id).deleted.get_mut(op.side) += 1;
        self.foreseen.plan(op);
    }

    /// Counts a question about a link as a whole.
    pub(super) fn foresee_question(&mut self, mapping: &Mapping) {
        let counts = &mut self.foreseen.counts;
        counts.entry(mapping.id.clone()).or_default().conflicts += 1;
    }

    /// True where a confirm covers the op, or nothing has to be confirmed.
    pub(super) fn is_confirmed(&self, op: &Op) -> bool {
        let mapping = self.engine.mapping(&op.mapping);
        let tally = self.tallies.get(&op.mapping);
        let made = tally.is_some_and(|tally| tally.has_created(op.link));
        self.only
            .as_ref()
            .is_none_or(|only| only.covers(op, mapping, made))
    }

    /// Notes that ops of the plan are about to be sent.
    pub(super) fn cover<'o>(&mut self, ops: impl Iterator<Item = &'o Op>) {
        if self.only.is_some() {
            self.covered.extend(ops.map(signature));
        }
    }

    /// The works of which an op is not covered by the confirm.
    pub(super) fn hold_unconfirmed(&self, ops: &BTreeMap<usize, Vec<Op>>) -> BTreeSet<usize> {
        ops.iter()
            .filter(|(_, ops)| !ops.iter().all(|op| self.is_confirmed(op)))
            .map(|(index, _)| *index)
            .collect()
    }
}
