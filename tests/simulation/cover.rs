//! What the stories really met: a range in which one of these never happened proves nothing about it.

use std::collections::BTreeMap;

use syncline::domain::{CreatedBy, ItemKind, ItemState, OpKind, OpState, RunRecord, RunState};

use crate::check::Books;

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

    pub fn join(&mut self, other: &Cover) {
        for (what, times) in &other.0 {
            self.add(what, *times);
        }
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
        let items =
            |kind: ItemKind| books.items.iter().filter(|item| item.kind == kind).count() as u64;
        self.most("conflict", items(ItemKind::Field));
        self.most("ambiguous match", items(ItemKind::AmbiguousMatch));
        self.most("oscillation", items(ItemKind::Oscillation));
        self.most("deletion", items(ItemKind::Deletion));
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
    }
}
