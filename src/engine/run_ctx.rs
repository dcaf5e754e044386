//! What the steps of one run share: numbers given out, counts, costs, and what makes the run stop.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::batches::{Answer, CrmErrorOrVendor};
use super::budget::Budget;
use super::circuit::{Circuit, Outcome};
use super::confirmed::Confirmed;
use super::context::{Engine, EngineError, Halt, Known};
use super::cost::{CostInput, expected_calls};
use super::foresee::Foreseen;
use super::let_through::LetThrough;
use super::tally::Tally;
use super::valves::Carried;
use crate::domain::{
    Counters, LinkId, Mapping, MappingCounts, MappingId, Observation, Op, PerSide, RecordId, RunId,
    Side, SideCount,
};

/// What a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The run itself.
    Write,
    /// A preview: reads what a decision needs, writes nothing anywhere.
    Preview,
    /// The counting pass before the first write: from what is stored, without a call.
    Estimate,
}

/// What the steps of one run share.
pub(super) struct RunCtx<'e> {
    pub(super) engine: &'e Engine,
    pub(super) run: RunId,
    pub(super) mode: Mode,
    /// When it began.
    pub(super) began: DateTime<Utc>,
    /// It read everything, not what changed.
    pub(super) whole: bool,
    pub(super) known: Known,
    /// The last journal number given out.
    pub(super) seq: u64,
    /// The last batch number given out.
    pub(super) batch: u64,
    /// Links with a write whose outcome nobody knows yet.
    pub(super) locked: BTreeSet<LinkId>,
    /// How many updates and associations of a link and side an earlier run left without an answer, and nothing is known of yet.
    pub(super) unanswered: BTreeMap<(LinkId, Side), usize>,
    /// Those among them whose write is open as its record does not answer: what becomes of their other record is followed.
    pub(super) silent: BTreeSet<LinkId>,
    /// Records without a link that a person said to make a counterpart of, although an earlier one was deleted.
    pub(super) despite: BTreeSet<(MappingId, Side, RecordId)>,
    /// Records without a link about whose create a person was asked and has not answered: no plan has it, so it is only looked at
    /// whether the question still stands.
    pub(super) asked: BTreeSet<(MappingId, Side, RecordId)>,
    /// Contacts that a Lead was converted into whose own link is not settled yet: nothing is made of them meanwhile (13).
    pub(super) held: BTreeSet<RecordId>,
    /// Converted Leads about whose link a person has chosen: they are followed once that is carried out (13).
    pub(super) chosen_first: Vec<Observation>,
    /// Leads that Contacts without a link were converted from, which HubSpot's key fields still name (13).
    pub(super) behind: BTreeMap<RecordId, Vec<RecordId>>,
    /// True once this run has read the Leads after the Contacts: a conversion behind a Contact that it read is known (13).
    pub(super) leads_read: bool,
    /// Updates that were given up as not applied and may still land, by link (16.5).
    pub(super) ghosts: BTreeMap<LinkId, Vec<Op>>,
    /// Links that this run made, for the children that wait for them.
    pub(super) newly_linked: Vec<(MappingId, LinkId, PerSide<RecordId>)>,
    /// What would be done (previews and estimates).
    pub(super) foreseen: Foreseen,
    /// What the valves let through, where nobody was asked about a plan.
    pub(super) let_through: LetThrough,
    /// The plan that is carried out, where the run does no more than one.
    pub(super) carried: Option<Carried>,
    /// The ops that a confirm covers; `None`: all.
    pub(super) only: Option<Confirmed>,
    /// Of those, what was sent.
    pub(super) covered: BTreeSet<u128>,
    pub(super) budget: Budget,
    pub(super) first: BTreeSet<MappingId>,
    pub(super) tallies: BTreeMap<MappingId, Tally>,
    pub(super) costs: BTreeMap<MappingId, CostInput>,
    pub(super) circuit: Circuit,
}

impl<'e> RunCtx<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        run: RunId,
        mode: Mode,
        known: Known,
        budget: Budget,
    ) -> Self {
        RunCtx {
            engine,
            run,
            mode,
            began: engine.clock.now(),
            whole: false,
            known,
            seq: 0,
            batch: 0,
            locked: BTreeSet::new(),
            unanswered: BTreeMap::new(),
            silent: BTreeSet::new(),
            despite: BTreeSet::new(),
            asked: BTreeSet::new(),
            held: BTreeSet::new(),
            chosen_first: Vec::new(),
            behind: BTreeMap::new(),
            leads_read: false,
            ghosts: BTreeMap::new(),
            newly_linked: Vec::new(),
            foreseen: Foreseen::default(),
            let_through: LetThrough::default(),
            carried: None,
            only: None,
            covered: BTreeSet::new(),
            budget,
            first: BTreeSet::new(),
            tallies: BTreeMap::new(),
            costs: BTreeMap::new(),
            circuit: Circuit::default(),
        }
    }

    /// The counts of a mapping.
    pub(super) fn tally(&mut self, mapping: &MappingId) -> &mut Tally {
        self.tallies.entry(mapping.clone()).or_default()
    }

    /// The cost of a mapping.
    pub(super) fn cost(&mut self, mapping: &MappingId) -> &mut CostInput {
        self.costs.entry(mapping.clone()).or_default()
    }

    /// True where the mapping's first sync is under way: every record is in the run.
    pub(super) fn is_first(&self, mapping: &MappingId) -> bool {
        self.first.contains(mapping)
    }

    /// The id of a new link that starts with a record (2: identifiers). One that is taken went on with another record, by a
    /// merge: the next free one of the same making is this record's.
    pub(super) async fn free_id(
        &self,
        mapping: &Mapping,
        side: Side,
        record: &RecordId,
    ) -> Result<LinkId, EngineError> {
        let engine = self.engine;
        let mut id = engine.link_id(&self.known.install, &mapping.id, side, record);
        if self.is_first(&mapping.id) {
            return Ok(id);
        }
        loop {
            let taken = engine.db.links(&mapping.id, &[id]).await?;
            let other = taken.into_iter().flatten().next();
            if other.is_none_or(|link| link.ids.get(side).as_ref() == Some(record)) {
                return Ok(id);
            }
            id = LinkId::derive(&[b"again", &id.0.to_be_bytes()]);
        }
    }

    /// True where a person said to make a counterpart of the record.
    pub(super) fn was_chosen(&self, mapping: &Mapping, side: Side, id: &RecordId) -> bool {
        let record = (mapping.id.clone(), side, id.clone());
        self.despite.contains(&record)
    }

    /// Notes how ops went, for refusals that are everybody's (17).
    pub(super) fn note_answers(&mut self, answers: &[(Op, Answer)]) {
        for (op, answer) in answers {
            let outcome = match answer {
                moved if moved.is_drift() => Outcome::Fine,
                Answer::Refused(CrmErrorOrVendor::Record(vendor)) if vendor.holder.is_none() => {
                    Outcome::Refused(vendor.code.clone())
                }
                Answer::Refused(CrmErrorOrVendor::Call(error)) => {
                    Outcome::Refused(error.message.clone())
                }
                _ => Outcome::Fine,
            };
            self.circuit.note(&op.mapping, outcome);
        }
    }

    /// Notes an answer to these ops that could not be understood.
    pub(super) fn note_bug(&mut self, ops: &[Op]) {
        if let Some(op) = ops.first() {
            self.circuit.bug(&op.mapping);
        }
    }

    /// Halts where too many ops fail, or the budget is used up.
    pub(super) fn check_error_rate(&mut self) -> Result<(), EngineError> {
        if let Some(trouble) = self.circuit.trouble() {
            return Err(EngineError::Halted(Box::new(Halt {
                mapping: trouble.mapping,
                valves: vec![trouble.hit.clone()],
                ..Halt::because(trouble.hit.message)
            })));
        }
        for side in Side::BOTH {
            self.budget.check(self.engine, side)?;
        }
        Ok(())
    }

    pub(super) fn counts(&self, mappings: &[&Mapping]) -> Vec<MappingCounts> {
        mappings
            .iter()
            .map(|mapping| MappingCounts {
                mapping: mapping.id.clone(),
                counts: self
                    .tallies
                    .get(&mapping.id)
                    .map(Tally::counters)
                    .unwrap_or_default(),
            })
            .collect()
    }

    pub(super) fn expected(&self) -> SideCount {
        self.costs
            .values()
            .map(expected_calls)
            .fold(SideCount::default(), |sum, more| SideCount {
                salesforce: sum.salesforce + more.salesforce,
                hubspot: sum.hubspot + more.hubspot,
            })
    }

    pub(super) fn publish(&self, mappings: &[&Mapping]) {
        let counts: Vec<(MappingId, Counters)> = self
            .counts(mappings)
            .into_iter()
            .map(|row| (row.mapping, row.counts))
            .collect();
        self.engine.report.change(|view| {
            view.unchanged = counts.iter().map(|(_, count)| count.unchanged).sum();
            view.conflicts = counts
                .iter()
                .map(|(_, count)| count.conflicts + count.review)
                .sum();
            view.failed = counts.iter().map(|(_, count)| count.errors).sum();
            view.counts = counts;
        });
    }
}
