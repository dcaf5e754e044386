//! What the operator does: choices, undos, rules, a copy of the store and its return.

use std::sync::Arc;

use syncline::domain::{Choice, ItemKind, ItemState, RunKind, RunState, Side};
use syncline::engine::Scope;

use super::{Inner, place, setup};
use crate::field::{Chosen, Text};
use crate::oracle::{FIRM, Kind};
use crate::steps::{Cut, Rule};
use crate::weak::Weakness;

impl Inner {
    pub(super) async fn resolve(&mut self, pick: usize, how: u8) {
        let world = self.snapshot();
        let links = self.links(&world).await;
        let mut items = self.house.open_items().await;
        items.retain(|item| {
            item.state == ItemState::Open
                && item.kind == ItemKind::Field
                && place(item, &links).is_some()
        });
        if items.is_empty() {
            return;
        }
        let item = items.swap_remove(pick % items.len());
        let Some((who, field)) = place(&item, &links) else {
            return;
        };
        let shown = [&item.sides.salesforce.value, &item.sides.hubspot.value].map(|value| {
            value
                .as_text()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        });
        let now: [Text; 2] = world[&who].each_ref().map(|record| {
            record
                .as_ref()
                .and_then(|record| record.values[field].clone())
        });
        let reference = who.kind == Kind::Person && field == FIRM;
        // A reference is shown by the sides' own ids.
        let seen = if reference { now } else { shown };
        self.ink += 1;
        let own = format!("chosen {}", self.ink);
        let base = item
            .base
            .as_ref()
            .map(|value| value.as_text().map(str::to_owned));
        let (choice, value) = match how {
            0 => (Choice::Take(Side::Salesforce), Some(seen[0].clone())),
            1 => (Choice::Take(Side::HubSpot), Some(seen[1].clone())),
            2 if !reference => (Choice::Value(own.clone()), Some(Some(own))),
            3 if !reference && base.is_some() => (Choice::Base, base),
            _ => (Choice::Ignore, None),
        };
        self.house.choose(&item, choice).await;
        self.oracle
            .choose(&who, field, &Chosen { seen, value }, !reference);
    }

    pub(super) async fn undo(&mut self, back: usize) -> Result<(), String> {
        let mut runs = self.db().await.runs(20).await.unwrap();
        runs.retain(|run| run.state.is_over() && run.ops > 0 && run.kind != RunKind::Undo);
        let Some(run) = runs.get(back).cloned() else {
            return Ok(());
        };
        let before = self.snapshot();
        let (_, record) = self.run(Cut::None, Scope::Undo(run.run), None).await;
        let record = record.ok_or("an undo died")?;
        // A run none of whose writes went through is refused; what it wrote would have to be back all the same.
        let fine = matches!(
            record.state,
            RunState::Done | RunState::DoneWithErrors | RunState::Halted
        );
        if !fine {
            return Err(format!(
                "an undo ended {:?}: {:?}",
                record.state, record.reason
            ));
        }
        let after = self.snapshot();
        self.oracle.took_back(run.run.0, &before, &after)
    }

    pub(super) fn configure(&mut self, field: usize, rule: Rule) {
        self.plot.rules[field] = rule;
        if self.weakness != Some(Weakness::OldRules) {
            self.house.rules = Arc::new(setup::rules(&self.plot, self.weakness));
        }
        self.oracle.configured(field, rule);
    }

    pub(super) async fn back_up(&mut self) {
        self.copy = Some((self.disk.copy().await, self.oracle.clone()));
    }

    pub(super) async fn recall(&mut self) {
        if let Some((rows, oracle)) = self.copy.clone() {
            self.disk.put_back(rows).await;
            self.oracle.recalled(&oracle);
            self.start_process();
            self.recalled = true;
        }
    }
}
