//! What the operator does: choices, confirms, undos, pauses, previews, a copy of the store and its return.

use std::collections::BTreeMap;
use std::sync::Arc;

use syncline::domain::{
    Choice, Conflict, ErrorItem, ItemKind, ItemState, Op, RunId, RunKind, RunRecord, RunState, Side,
};
use syncline::engine::{Planned, Scope, signature};
use syncline::store::rows::MappingPhase;
use syncline::store::{Family, keys};

use crate::check::Books;
use crate::config;
use crate::diary::Shown;
use crate::stage::Stage;
use crate::story::{RULES, Sync};
use crate::{people, support, wire};

/// True for a run whose plan waits for a person.
fn asks(run: &RunRecord) -> bool {
    matches!(run.state, RunState::Halted | RunState::AwaitingConfirm)
        && !run.valves.is_empty()
        && run.valves.iter().all(|valve| valve.confirmable)
        && run.plan_hash.is_some()
}

impl Stage {
    /// Accepts the plan of the last run, if it asks.
    pub async fn confirm(&mut self) {
        if let Some(run) = self.last_run.clone().filter(asks) {
            self.accept(&run, "plan confirmed").await;
        }
    }

    /// Accepts the plan of an older run, if one asked.
    pub async fn confirm_old(&mut self) {
        let runs = self.db().await.runs(50).await.unwrap();
        if let Some(run) = runs.into_iter().skip(1).find(asks) {
            self.accept(&run, "old plan confirmed").await;
        }
    }

    /// Carries out a plan that a run kept: that and nothing else.
    async fn accept(&mut self, run: &RunRecord, what: &'static str) {
        let mut plan: Vec<Op> = Vec::new();
        let kept = keys::by_run(Family::Plan, run.run);
        self.db()
            .await
            .walk(kept, |op| plan.push(op))
            .await
            .unwrap();
        let hash = run.plan_hash.clone();
        if let Some(new) = self.sync(&Sync::default(), Scope::Changed, hash).await {
            self.report.cover.add(what, 1);
            self.diary.confirmed.insert(new);
            self.diary.bound.insert(new, Shown::of(plan.iter()));
        }
    }

    /// A plan that is shown, and perhaps carried out as it was shown (15.2, 15.3).
    pub async fn preview(&mut self, apply: bool) {
        let before = self.trace.lock().unwrap().written();
        let engine = self.engine().await.0;
        let found = engine.preview(&support::order()).await;
        if self.trace.lock().unwrap().written() != before {
            let what = "a preview wrote something".to_owned();
            self.diary.broken.push(("I-14", what));
        }
        let Ok(preview) = found else { return };
        self.report.cover.add("preview", 1);
        let ops: BTreeMap<u128, Op> = preview
            .ops
            .into_iter()
            .map(|op| (signature(&op), op))
            .collect();
        let shown = Shown::of(ops.values());
        if apply {
            self.report.cover.add("preview carried out", 1);
            let full = preview.kind == RunKind::Full;
            let scope = Scope::Plan(Arc::new(Planned { full, ops }));
            let asks = !preview.valves.is_empty();
            if let Some(run) = self.sync(&Sync::default(), scope, None).await {
                self.diary.bound.insert(run, shown);
                if asks {
                    // The service asks for the plan's hash then, and gets it.
                    self.diary.confirmed.insert(run);
                }
            }
        }
    }

    /// Takes back the last run but so many that wrote something, as far as it can be.
    pub async fn undo(&mut self, back: usize, sync: &Sync) {
        let mut runs = self.db().await.runs(20).await.unwrap();
        runs.retain(|run| run.state.is_over() && run.ops > 0);
        // Every third undo may take back an undo.
        if back != 2 {
            runs.retain(|run| run.kind != RunKind::Undo);
        }
        let Some(run) = runs.get(back).cloned() else {
            return;
        };
        self.report.cover.add("run undone", 1);
        if run.kind == RunKind::Undo {
            self.report.cover.add("undo undone", 1);
        }
        let at = self.house.clock.now();
        if let Some(undo) = self.sync(sync, Scope::Undo(run.run), None).await {
            let of = run.run;
            self.diary.undos.push(crate::diary::Undone { undo, of, at });
        }
    }

    pub async fn pause(&mut self, paused: bool) {
        let db = self.db().await;
        for mapping in &self.house.rules.mappings {
            let mut state = db.map_state(&mapping.id).await.unwrap();
            let active = state.state != MappingPhase::Paused;
            if active != paused {
                continue;
            }
            state.state = match paused {
                true => MappingPhase::Paused,
                false => MappingPhase::Active,
            };
            let mut tx = db.begin();
            tx.put_map_state(&mapping.id, &state).unwrap();
            tx.commit().await.unwrap();
            self.report.cover.add("paused or resumed", 1);
        }
    }

    /// Takes a choice that the service would take too.
    pub async fn resolve(&mut self, pick: usize, how: u8, tag: u32) {
        let mut items = self.house.open_items().await;
        items.retain(|item| item.state == ItemState::Open);
        if items.is_empty() {
            return;
        }
        let item = items.swap_remove(pick % items.len());
        let Some(choice) = choice(&item, how, tag) else {
            return;
        };
        let what = match (&item.kind, &choice) {
            (_, Choice::Accept) => "deletion accepted",
            (_, Choice::Create) => "record made by choice",
            (_, Choice::Link(_)) => "linked by choice",
            (ItemKind::Field | ItemKind::Oscillation, _) => "conflict resolved",
            _ => "review item ignored",
        };
        self.report.cover.add(what, 1);
        wire::told(|| format!("{choice:?} for {item:?}"));
        let chosen = self.house.choose(&item, choice).await;
        self.diary.chosen.push(chosen);
    }

    /// As the service does it: an unanswered write keeps its own time.
    pub async fn retry(&mut self) {
        let errors = self.house.errors().await;
        let db = self.db().await;
        let mut tx = db.begin();
        for item in errors {
            if !item.is_unanswered() {
                let retry_at = Some(self.skew_now());
                tx.put_error(&ErrorItem { retry_at, ..item }, true).unwrap();
                self.report.cover.add("error freed", 1);
            }
        }
        tx.commit().await.unwrap();
    }

    /// Changes a rule; the mapping asks before it goes on.
    pub fn configure(&mut self, field: usize, rule: usize) {
        let story = &mut self.story;
        match field {
            0..4 => story.rules[field] = RULES[rule],
            _ if !story.leaves.is_empty() => {
                story.leaves = ["keep", "freeze", "unlink", "freeze"][rule];
            }
            _ => story.deletes = ["ignore", "archive", "ask", "archive"][rule],
        }
        self.diary.note_rules(story);
        let mut rules = config::rules(story);
        if let Some(weakness) = self.weakness {
            weakness.rules(&mut rules);
        }
        self.house.rules = Arc::new(rules);
        self.report.cover.add("rules changed", 1);
    }

    /// The operator puts in the token of another portal, sees what a run does, and puts the old one back. The data folder
    /// belongs to one portal (18, wrong tenant): nothing may be written on either side.
    pub async fn visit(&mut self) {
        let other = people::another_portal(self.house.clock.now());
        self.open_ledger(false);
        let own = std::mem::replace(&mut self.house.sandbox.lock().unwrap().portal, other);
        self.start_process();
        let before = self.trace.lock().unwrap().written().0;
        let everything = Sync {
            full: true,
            ..Sync::default()
        };
        self.sync(&everything, Scope::Full, None).await;
        self.house.sandbox.lock().unwrap().portal = own;
        self.open_ledger(self.story.firms && self.story.sets);
        self.start_process();
        if self.trace.lock().unwrap().written().0 != before {
            let what = "a run wrote with the token of another portal".to_owned();
            self.diary.broken.push(("I-20", what));
        }
        self.report.cover.add("token of another portal", 1);
    }

    pub async fn back_up(&mut self) {
        self.copy = Some(self.disk.copy().await);
        let bases = self.books().await.bases;
        self.diary.copied.push((self.house.clock.now(), bases));
    }

    /// The copy takes the place of the store, as an import leaves it (22 rule 9).
    pub async fn recall(&mut self) {
        let Some(copy) = self.copy.clone() else {
            return;
        };
        let lost = self.books().await;
        self.disk.put_back(copy).await;
        self.last_run = None;
        self.start_process();
        let kept: Books = self.books().await;
        let last = kept.runs.iter().map(|run| run.run).max();
        let now = self.house.clock.now();
        self.diary
            .recall(lost.ops, lost.items, now, last.unwrap_or(RunId(0)));
        self.diary.linked = kept.pairs().collect();
        self.report.cover.add("older store put back", 1);
    }
}

/// What number `how` of the choices is for an item.
fn choice(item: &Conflict, how: u8, tag: u32) -> Option<Choice> {
    let other = item
        .candidates
        .iter()
        .find(|one| item.sides.get(one.record.side).id.is_none());
    let choice = match (item.kind, how) {
        (ItemKind::Field | ItemKind::Oscillation, 0) => Choice::Take(Side::Salesforce),
        (ItemKind::Field | ItemKind::Oscillation, 1) => Choice::Take(Side::HubSpot),
        (ItemKind::Field, 2) => Choice::Value(format!("Chosen t{tag}")),
        (ItemKind::Field, _) if item.base.is_some() => Choice::Base,
        (ItemKind::Field, _) => return None,
        (ItemKind::Deletion | ItemKind::DeleteUpdate, 0 | 1) => Choice::Accept,
        (ItemKind::DeleteUpdate | ItemKind::RestoredHereDeletedThere, 2 | 3) => Choice::Create,
        (ItemKind::AmbiguousMatch | ItemKind::AlreadyLinked, 0 | 1) if item.link.is_none() => {
            Choice::Link(other?.record.id.clone())
        }
        (ItemKind::AmbiguousMatch, 2) if item.link.is_none() => Choice::Create,
        _ => Choice::Ignore,
    };
    Some(choice)
}
