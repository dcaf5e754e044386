//! What the stories really met: a range in which one of these never happened proves nothing about it.

use std::collections::BTreeMap;

use syncline::domain::{
    CreatedBy, ItemKind, ItemState, Op, OpKind, OpState, RunRecord, RunState, Side, element_of,
};

use crate::check::Books;
use crate::story::Act;

/// What a range of so many seeds must have met.
const MUST: [(u64, &[&str]); 3] = [
    (
        15,
        &[
            "ambiguous match",
            "change missed by the index",
            "clock set",
            "conflict",
            "conflict open",
            "conflict resolved",
            "crash",
            "crash during a write",
            "created in HubSpot",
            "created in Salesforce",
            "cut",
            "cut_after_commit",
            "deletion",
            "edit overwritten by rule",
            "error_after_commit",
            "expired_token",
            "field hidden",
            "field times asked",
            "ghost",
            "lands_later",
            "late",
            "link matched",
            "long transaction",
            "look-up before a create",
            "look-up for recovery",
            "older store put back",
            "op refused or not applied",
            "op superseded",
            "op unknown",
            "plan confirmed",
            "planned anew after drift",
            "preview",
            "preview carried out",
            "property changed",
            "read back",
            "record deleted",
            "record hidden",
            "reference written",
            "review item ignored",
            "rules changed",
            "run",
            "run halted",
            "run undone",
            "throttle",
            "valve",
        ],
    ),
    (
        60,
        &[
            "all records hidden",
            "came into the scope",
            "crash with open batches",
            "create adopted",
            "element added in HubSpot",
            "element added in Salesforce",
            "error",
            "error freed",
            "garbled",
            "left the scope",
            "lead converted",
            "link followed a conversion",
            "linked by choice",
            "locked",
            "paused or resumed",
            "record restored",
            "records merged",
            "run stopped",
            "silence",
            "silence_after_commit",
        ],
    ),
    (
        200,
        &[
            "confirm refused",
            "conversion collision",
            "deletion accepted",
            "element taken off in HubSpot",
            "element taken off in Salesforce",
            "edit in the gap of section 23",
            "old plan confirmed",
            "oscillation",
            "record made by choice",
            "truncated",
            "undo undone",
        ],
    ),
];

/// How often each thing was met.
#[derive(Clone, Debug, Default)]
pub struct Cover(pub BTreeMap<&'static str, u64>);

impl Cover {
    pub fn add(&mut self, what: &'static str, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    pub fn most(&mut self, what: &'static str, times: u64) {
        let count = self.0.entry(what).or_default();
        *count = times.max(*count);
    }

    /// What never happened although so many seeds should have met it.
    pub fn missing(&self, seeds: u64) -> Vec<&'static str> {
        let due = MUST.iter().filter(|(least, _)| *least <= seeds);
        due.flat_map(|(_, whats)| whats.iter().copied())
            .filter(|what| self.0.get(what).is_none_or(|times| *times == 0))
            .collect()
    }

    pub fn join(&mut self, other: &Cover) {
        for (what, times) in &other.0 {
            self.add(what, *times);
        }
    }

    /// What somebody did at a vendor's.
    pub fn act(&mut self, act: &Act) {
        let what = match act {
            Act::Merge { .. } => "records merged",
            Act::Scope { away: true, .. } => "left the scope",
            Act::Scope { .. } => "came into the scope",
            Act::HideField { hidden: true, .. } => "field hidden",
            Act::HideRecord { hidden: true, .. } => "record hidden",
            Act::HideAll(true) => "all records hidden",
            Act::Property(_) => "property changed",
            Act::Delete { .. } => "record deleted",
            _ => return,
        };
        self.add(what, 1);
    }

    pub fn run(&mut self, run: &RunRecord) {
        self.add("run", 1);
        let calls = |word: &str| {
            let count = run.calls.purposes.get(word);
            count.map_or(0, |count| count.salesforce + count.hubspot)
        };
        self.add("look-up for recovery", calls("recovery"));
        self.add("look-up before a create", calls("look_up"));
        self.add("field times asked", calls("field_times"));
        self.add("read back", calls("read_back"));
        self.add("valve", run.valves.len() as u64);
        match run.state {
            RunState::Cancelled => self.add("run stopped", 1),
            RunState::Halted => self.add("run halted", 1),
            _ => {}
        }
    }

    pub fn books(&mut self, books: &Books) {
        let ops = |state: OpState| books.ops.iter().filter(|op| op.state == state).count() as u64;
        self.most("op refused or not applied", ops(OpState::Failed));
        self.most("op superseded", ops(OpState::Superseded));
        self.most("op unknown", ops(OpState::Unknown));
        let references = books.ops.iter().filter(|op| {
            op.state == OpState::Confirmed
                && (op.kind == OpKind::Associate
                    || op.fields.values().any(|one| one.link.is_some()))
        });
        self.most("reference written", references.count() as u64);
        let elements = |side: Side, kind: OpKind| {
            let of_set = |op: &&Op| {
                op.side == side
                    && op.kind == kind
                    && op.state == OpState::Confirmed
                    && op
                        .fields
                        .iter()
                        .any(|(field, one)| element_of(field).is_some() && one.rule != "undo")
            };
            books.ops.iter().filter(of_set).count() as u64
        };
        let (s, h) = (Side::Salesforce, Side::HubSpot);
        self.most(
            "element added in Salesforce",
            elements(s, OpKind::Associate),
        );
        self.most("element added in HubSpot", elements(h, OpKind::Associate));
        self.most(
            "element taken off in Salesforce",
            elements(s, OpKind::Dissociate),
        );
        self.most(
            "element taken off in HubSpot",
            elements(h, OpKind::Dissociate),
        );
        let items =
            |kind: ItemKind| books.items.iter().filter(|item| item.kind == kind).count() as u64;
        self.most("conflict", items(ItemKind::Field));
        self.most("ambiguous match", items(ItemKind::AmbiguousMatch));
        self.most("oscillation", items(ItemKind::Oscillation));
        self.most("deletion", items(ItemKind::Deletion));
        self.most("conversion collision", items(ItemKind::ConversionCollision));
        let open = books
            .items
            .iter()
            .filter(|item| item.state == ItemState::Open);
        self.most("conflict open", open.count() as u64);
        let made = |by: CreatedBy| {
            books
                .links
                .iter()
                .filter(|link| link.created_by == by)
                .count() as u64
        };
        self.most("link matched", made(CreatedBy::Matched));
        self.most("create adopted", made(CreatedBy::Adopted));
        self.most("link followed a conversion", made(CreatedBy::Relinked));
    }
}
