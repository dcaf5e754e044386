//! Whether a command can be used now, and if not, the sentence that says why and what to do.

use super::Availability::{self, Disabled, Enabled, NotYet};
use crate::console::hold::{choosing, marking, starting};
use crate::console::model::Model;
use crate::console::msg::Purpose;
use crate::console::screens::conflicts::taken;
use crate::domain::{ItemKind, RunRecord, RunState, Side};

fn no(why: impl Into<String>) -> Availability {
    Disabled(why.into())
}

/// The selected row of the queue is read, or why not.
fn read(model: &Model, what: &str) -> Availability {
    let this = &model.conflicts;
    let failure = this
        .queue
        .selected
        .as_ref()
        .and_then(|key| this.detail.failure(key));
    match (this.detail(), failure) {
        (Some(_), _) => Enabled,
        (None, Some(why)) => no(why),
        (None, None) => NotYet(format!("{what} is still being read.")),
    }
}

/// The answer to a choice is there: what it changed is known.
fn settled(model: &Model) -> Availability {
    if choosing(model) {
        NotYet("The last choice is still being stored.".into())
    } else {
        Enabled
    }
}

/// Shown in every footer of its panes.
pub fn everywhere(_: &Model) -> bool {
    true
}

/// Always.
pub fn always(_: &Model) -> Availability {
    Enabled
}

fn writes(model: &Model) -> Availability {
    if model.read_only() {
        no("Read-only: started with --read-only.")
    } else if let Some(why) = &model.status.stopped {
        no(why.clone())
    } else {
        Enabled
    }
}

fn idle(model: &Model) -> Availability {
    match &model.status.run {
        None => Enabled,
        Some(run) => match run.run {
            Some(run) => no(format!("Run {run} is under way. 2 shows it.")),
            None => no("A preview is being made. 2 shows it."),
        },
    }
}

fn both(first: Availability, second: impl FnOnce() -> Availability) -> Availability {
    if first == Enabled { second() } else { first }
}

/// A mapping is selected.
pub fn mapping(model: &Model) -> Availability {
    if model.mappings.list.current().is_some() {
        Enabled
    } else {
        no("No mapping is selected.")
    }
}

/// A mapping is selected, and its last pause or resume is answered.
pub fn pause(model: &Model) -> Availability {
    let asked = model
        .waiting
        .values()
        .any(|purpose| matches!(purpose, Purpose::Paused(..)));
    both(mapping(model), || {
        if asked {
            NotYet("The last pause is still being stored.".into())
        } else {
            Enabled
        }
    })
}

/// A row of the queue is selected or marked.
pub fn queued(model: &Model) -> Availability {
    if model.conflicts.queue.current().is_some() {
        Enabled
    } else {
        no("Nothing is selected.")
    }
}

/// A run may start for the selected mappings.
pub fn run(model: &Model) -> Availability {
    both(mapping(model), || both(writes(model), || idle(model)))
}

/// A preview may start for the selected mappings.
pub fn preview(model: &Model) -> Availability {
    both(mapping(model), || idle(model))
}

/// A run is under way.
pub fn running(model: &Model) -> Availability {
    if model.status.run.is_some() {
        Enabled
    } else if starting(model) {
        NotYet("The run is starting.".into())
    } else {
        no("No run is under way.")
    }
}

fn in_conflict(model: &Model) -> Availability {
    both(read(model, "The record"), || {
        match model.conflicts.field() {
            None => no("No field is selected."),
            Some(field) if field.item.is_none() => {
                no(format!("{} is not in conflict.", field.names.salesforce))
            }
            Some(_) => Enabled,
        }
    })
}

/// The reason that the engine gives for a choice that does not fit.
fn fits(model: &Model, choice: &str) -> Availability {
    both(in_conflict(model), || {
        let disabled = model
            .conflicts
            .field()
            .and_then(|field| field.disabled.iter().find(|(name, _)| name == choice));
        disabled.map_or(Enabled, |(_, why)| no(why.clone()))
    })
}

/// The Salesforce value fits.
pub fn take_salesforce(model: &Model) -> Availability {
    fits(model, "salesforce")
}

/// The HubSpot value fits.
pub fn take_hubspot(model: &Model) -> Availability {
    fits(model, "hubspot")
}

/// There is a base.
pub fn take_base(model: &Model) -> Availability {
    both(fits(model, "base"), || match model.conflicts.field() {
        Some(field) if field.base.is_none() => {
            no("There is no base yet: this is the record's first sync.")
        }
        _ => Enabled,
    })
}

/// One side is newer.
pub fn take_newest(model: &Model) -> Availability {
    both(fits(model, "newest"), || {
        let at = |side: Side| {
            model
                .conflicts
                .field()
                .and_then(|field| field.sides.get(side).modified_at)
        };
        match (at(Side::Salesforce), at(Side::HubSpot)) {
            (Some(salesforce), Some(hubspot)) if salesforce == hubspot => {
                no("Both sides changed at the same moment. h or l takes a side.")
            }
            _ => Enabled,
        }
    })
}

/// The value may be typed.
pub fn edit(model: &Model) -> Availability {
    fits(model, "value")
}

/// There is a choice, and others like it.
pub fn alike(model: &Model) -> Availability {
    both(in_conflict(model), || {
        let Some((field, detail)) = model.conflicts.field().zip(model.conflicts.detail()) else {
            return no("The record is still being read.");
        };
        if field.choice.is_none() && (choosing(model) || model.conflicts.detail.waiting().is_some())
        {
            return NotYet("The last choice is still being stored.".into());
        }
        if field.choice.is_none() || taken(field) == "?" {
            return no("Take a side first: h or l.");
        }
        let others = field
            .item
            .and_then(|item| detail.alike.get(&item.to_string()))
            .copied()
            .unwrap_or(0);
        if others == 0 {
            no("No other open conflict is like this one.")
        } else {
            Enabled
        }
    })
}

/// The item is read.
pub fn review(model: &Model) -> Availability {
    read(model, "The item")
}

/// There is a candidate.
pub fn link(model: &Model) -> Availability {
    both(review(model), || {
        if model.conflicts.candidate().is_some() {
            Enabled
        } else {
            no("There is no candidate to link to.")
        }
    })
}

/// The selected item is about a deletion.
pub fn is_deletion(model: &Model) -> bool {
    let kind = model.conflicts.queue.current().map(|row| row.kind);
    matches!(kind, Some(ItemKind::Deletion | ItemKind::DeleteUpdate))
}

/// The selected row is a field that went back and forth.
pub fn is_frozen(model: &Model) -> bool {
    let kind = model.conflicts.queue.current().map(|row| row.kind);
    kind == Some(ItemKind::Oscillation)
}

/// A frozen field can be left as it is.
pub fn frozen(model: &Model) -> Availability {
    both(in_conflict(model), || {
        if is_frozen(model) {
            Enabled
        } else {
            no("Only a frozen field can be left as it is. c leaves this one for later.")
        }
    })
}

/// A counterpart can be made.
pub fn create(model: &Model) -> Availability {
    both(review(model), || {
        let row = model.conflicts.queue.current();
        let linked =
            row.is_some_and(|row| row.ids.salesforce.is_some() && row.ids.hubspot.is_some());
        match row.map(|row| row.kind) {
            Some(ItemKind::MergeCollision | ItemKind::Oscillation) => {
                no("This item is not about a missing counterpart.")
            }
            Some(ItemKind::Deletion) if linked => {
                no("Nothing is made from what a deletion left; d carries it out, i leaves it.")
            }
            _ => Enabled,
        }
    })
}

/// It is about a deletion.
pub fn accept(model: &Model) -> Availability {
    both(review(model), || {
        if is_deletion(model) {
            Enabled
        } else {
            no("This item is not about a deletion.")
        }
    })
}

/// Records are marked in the queue.
pub fn marked_conflicts(model: &Model) -> Availability {
    if model.conflicts.queue.marks.is_empty() && marking(model) {
        NotYet("The marks are being set.".into())
    } else if model.conflicts.queue.marks.is_empty() {
        no("Mark records first: space marks one, a marks all.")
    } else {
        Enabled
    }
}

/// There is a choice to take back.
pub fn undo(model: &Model) -> Availability {
    both(settled(model), || {
        if model.conflicts.undo.is_empty() {
            no("No choice was made here yet.")
        } else {
            Enabled
        }
    })
}

/// There are drafts.
pub fn apply(model: &Model) -> Availability {
    both(both(writes(model), || settled(model)), || {
        let drafts = model
            .conflicts
            .counts
            .as_ref()
            .map_or(0, |counts| counts.drafts as u64)
            .max(model.status.drafts);
        if drafts == 0 {
            no("Cannot apply: no drafts yet. h or l takes a side first.")
        } else {
            idle(model)
        }
    })
}

/// There is an error to retry.
pub fn retry(model: &Model) -> Availability {
    if marking(model) {
        return NotYet("The marks are being set.".into());
    }
    both(export(model), || both(writes(model), || idle(model)))
}

/// There are errors.
pub fn export(model: &Model) -> Availability {
    if model.errors.causes.current().is_some() {
        Enabled
    } else {
        no("There are no errors.")
    }
}

/// The selected run was halted, and a person may let its plan through.
pub fn confirm_run(model: &Model) -> Availability {
    let Some(run) = model.runs.selected() else {
        return no("No run is selected.");
    };
    if let Some(valve) = run.valves.iter().find(|valve| !valve.confirmable) {
        return no(format!(
            "{} Nothing can let this through but fixing it.",
            valve.message
        ));
    }
    if !run.can_confirm() {
        return no("Only a halted run that waits for an answer can be confirmed.");
    }
    both(writes(model), || idle(model))
}

/// A run that wrote something and is over.
fn undoable(model: &Model, run: Option<&RunRecord>) -> Availability {
    match run {
        None => no("No run is selected."),
        Some(run) if run.state == RunState::Running => no("The run is under way. 2 shows it."),
        // One that crashed has not counted its writes.
        Some(run) if run.ops == 0 && run.state != RunState::Crashed => no(format!(
            "Run {} wrote nothing, so there is nothing to undo.",
            run.run
        )),
        Some(_) => both(writes(model), || idle(model)),
    }
}

/// The selected run can be undone.
pub fn undo_run(model: &Model) -> Availability {
    let undone = model.runs.runs.current().and_then(|row| row.undone_by);
    if let Some(undo) = undone {
        return no(format!(
            "Run {undo} has undone it already; undoing that one brings it back."
        ));
    }
    undoable(model, model.runs.selected())
}

/// The selected mapping has a last run.
pub fn undo_last(model: &Model) -> Availability {
    both(mapping(model), || {
        match model.mappings.list.current().map(|row| row.last_run) {
            Some(Some(_)) => both(writes(model), || idle(model)),
            _ => no("This mapping has never run."),
        }
    })
}

/// A filter is set.
pub fn filtered(model: &Model) -> Availability {
    use crate::console::update::active_filter;
    if active_filter(model).is_empty() {
        no("No filter is set: / sets one.")
    } else {
        Enabled
    }
}

/// Something was copied.
pub fn copied(model: &Model) -> Availability {
    if model.copied.is_some() {
        Enabled
    } else {
        no("Nothing was copied yet: y copies.")
    }
}
