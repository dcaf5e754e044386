//! What the keys of screen 3 do: choices become drafts, `u` takes them back, `W` asks what they would send.

use crate::console::command::Command;
use crate::console::format;
use crate::console::list::Nav;
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::overlays::{Overlay, editor, prompt, record};
use crate::domain::{Choice, ItemId, PerSide, Side, Value};
use crate::service::messages::{Request, Take};

/// What one act changed, so that `u` can put it back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UndoEntry {
    /// Items with the choice that each had before.
    pub before: Vec<(ItemId, Option<Choice>)>,
    /// Rows that were left for later.
    pub left: Vec<ItemId>,
}

/// The screen's own commands.
pub fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Open => {
            if model.conflicts.queue.current().is_some() {
                model.conflicts.opened = true;
            }
            Vec::new()
        }
        Command::Record => open_record(model),
        Command::TakeSalesforce => choose(model, Take::Choice(Choice::Take(Side::Salesforce))),
        Command::TakeHubspot => choose(model, Take::Choice(Choice::Take(Side::HubSpot))),
        Command::TakeBase => choose(model, Take::Choice(Choice::Base)),
        Command::TakeNewest => choose(model, Take::Newest),
        Command::Edit => edit(model, false),
        Command::Merge => edit(model, true),
        Command::LinkCandidate => {
            let choice = model
                .conflicts
                .candidate()
                .map(|view| Choice::Link(view.candidate.record.id.clone()));
            choice.map_or_else(Vec::new, |choice| choose(model, Take::Choice(choice)))
        }
        Command::CreateAnyway => choose(model, Take::Choice(Choice::Create)),
        Command::IgnoreRecord => choose(model, Take::Choice(Choice::Ignore)),
        Command::AcceptDeletion => choose(model, Take::Choice(Choice::Accept)),
        Command::AllSalesforce => {
            choose_marked(model, Take::Choice(Choice::Take(Side::Salesforce)))
        }
        Command::AllHubspot => choose_marked(model, Take::Choice(Choice::Take(Side::HubSpot))),
        Command::AllNewest => choose_marked(model, Take::Newest),
        Command::Alike => alike(model),
        Command::Later => later(model),
        Command::Undo => undo(model),
        Command::Apply => vec![model.ask(Purpose::ApplyOutgoing, Request::Outgoing { key: None })],
        _ => Vec::new(),
    }
}

/// Everything about the record of the selected row.
fn open_record(model: &mut Model) -> Vec<Effect> {
    let row = model.conflicts.queue.current();
    let found = row.and_then(|row| {
        let id = row.ids.salesforce.as_ref().or(row.ids.hubspot.as_ref())?;
        Some((id.to_string(), row.mapping.clone()))
    });
    match found {
        Some((query, mapping)) => vec![record::open(model, query, Some(mapping))],
        None => Vec::new(),
    }
}

/// The choice in words, for the message line.
pub fn said_of(take: &Take) -> String {
    match take {
        Take::Newest => "the newest".into(),
        Take::Choice(Choice::Take(side)) => side.name().into(),
        Take::Choice(Choice::Base) => "the base".into(),
        Take::Choice(Choice::Value(text)) => {
            format!("\"{}\"", format::cut(&format::clean(text), 30))
        }
        Take::Choice(Choice::Link(id)) => format!("link to {}", format::id(id.as_str())),
        Take::Choice(Choice::Create) => "create anyway".into(),
        Take::Choice(Choice::Ignore) => "ignore the record".into(),
        Take::Choice(Choice::Accept) => "carry the deletion out".into(),
    }
}

/// Sends a choice for items; what they had before comes with the answer and goes onto the undo stack.
pub fn resolve(model: &mut Model, items: Vec<ItemId>, take: Take, what: &str) -> Vec<Effect> {
    ask_choice(model, items, take, what, false)
}

fn ask_choice(
    model: &mut Model,
    items: Vec<ItemId>,
    take: Take,
    what: &str,
    fields_only: bool,
) -> Vec<Effect> {
    let said = format!(
        "{what}: {}. u undoes; W or the next run sends it.",
        said_of(&take)
    );
    let shown = shown(model, &items);
    let typed = match &take {
        Take::Choice(Choice::Value(text)) => Some(text.clone()),
        _ => None,
    };
    let request = Request::Resolve {
        items,
        take,
        by: model.options.user.clone(),
        fields_only,
        shown,
    };
    vec![model.ask(
        Purpose::Chosen {
            left: Vec::new(),
            said,
            typed,
        },
        request,
    )]
}

/// The values on the screen of those items that are open there.
fn shown(model: &Model, items: &[ItemId]) -> Vec<(ItemId, PerSide<Value>)> {
    let open = model.conflicts.detail();
    let open = open.map_or(&[][..], |detail| &detail.items);
    let chosen = open.iter().filter(|item| items.contains(&item.id));
    chosen
        .map(|item| {
            let value = |side| item.sides.get(side).value.clone();
            (item.id, PerSide::from_fn(value))
        })
        .collect()
}

/// Chooses for the field under the cursor, or for the review item.
fn choose(model: &mut Model, take: Take) -> Vec<Effect> {
    let this = &model.conflicts;
    let Some(detail) = this.detail() else {
        return Vec::new();
    };
    if !detail.row.kind.is_of_field() || take == Take::Choice(Choice::Ignore) {
        let items = detail.items.iter().map(|item| item.id).collect();
        let label = detail.row.label.clone();
        return resolve(model, items, take, &label);
    }
    let Some((item, name)) = this
        .field()
        .and_then(|field| Some((field.item?, field.names.salesforce.clone())))
    else {
        return Vec::new();
    };
    let effects = resolve(model, vec![item], take, &name);
    to_next_undecided(model);
    effects
}

/// After a choice the cursor goes to the next field that waits for one.
fn to_next_undecided(model: &mut Model) {
    let this = &mut model.conflicts;
    let at = this.fields.at;
    let next = this.detail().and_then(|detail| {
        (at + 1..detail.fields.len()).find(|index| {
            detail
                .fields
                .get(*index)
                .is_some_and(|field| field.item.is_some() && field.choice.is_none())
        })
    });
    if let Some(next) = next {
        this.fields.jump(next);
    }
}

/// Chooses for every marked record: a row's key stands for all its items. Review items are each decided by themselves.
fn choose_marked(model: &mut Model, take: Take) -> Vec<Effect> {
    let rows: Vec<ItemId> = model.conflicts.queue.marks.iter().copied().collect();
    let what = format::count(rows.len() as u64, "record", "records");
    ask_choice(model, rows, take, &what, true)
}

fn edit(model: &mut Model, merge: bool) -> Vec<Effect> {
    let Some(field) = model.conflicts.field() else {
        return Vec::new();
    };
    let Some(item) = field.item else {
        return Vec::new();
    };
    let text = |value: &Value| value.as_text().unwrap_or_default().to_owned();
    let start = if merge {
        merged(
            &text(&field.sides.salesforce.value),
            &text(&field.sides.hubspot.value),
        )
    } else {
        let value = match (&field.result, field.suggest) {
            (Some(value), _) => value,
            (None, Some(side)) => &field.sides.get(side).value,
            (None, None) => &field.sides.salesforce.value,
        };
        text(value)
    };
    let editor = editor::Editor::new(item, field.names.salesforce.clone(), &start, merge);
    model.overlays.push(Overlay::Editor(Box::new(editor)));
    Vec::new()
}

/// Both texts line by line: lines they share once, the others one after the other, to be picked from by hand.
fn merged(salesforce: &str, hubspot: &str) -> String {
    let theirs: Vec<&str> = hubspot.lines().collect();
    let mut out: Vec<&str> = salesforce.lines().collect();
    let own = out.clone();
    out.extend(theirs.into_iter().filter(|line| !own.contains(line)));
    out.join("\n")
}

fn alike(model: &mut Model) -> Vec<Effect> {
    let Some(field) = model.conflicts.field() else {
        return Vec::new();
    };
    let (Some(item), Some(choice)) = (field.item, field.choice.clone()) else {
        return Vec::new();
    };
    let field = field.names.salesforce.clone();
    vec![model.ask(
        Purpose::Alike {
            take: Take::Choice(choice),
            field,
        },
        Request::Alike { item },
    )]
}

/// Asks why the marked rows, or the selected one, are left for later.
fn later(model: &mut Model) -> Vec<Effect> {
    let queue = &model.conflicts.queue;
    let rows: Vec<ItemId> = if queue.marks.is_empty() || model.conflicts.opened {
        queue.current().map(|row| row.key).into_iter().collect()
    } else {
        queue.marks.iter().copied().collect()
    };
    if !rows.is_empty() {
        model
            .overlays
            .push(Overlay::Prompt(prompt::Prompt::later(rows)));
    }
    Vec::new()
}

/// Leaves rows for later with a reason, which may be empty, and goes on to the next.
pub fn leave(model: &mut Model, rows: Vec<ItemId>, reason: String) -> Vec<Effect> {
    let current = model.conflicts.queue.current();
    let what = match (rows.as_slice(), current) {
        ([row], Some(current)) if current.key == *row => current.label.clone(),
        (rows, _) => format::count(rows.len() as u64, "record", "records"),
    };
    if rows.len() == 1 {
        model.conflicts.queue.step(1);
    }
    let request = Request::Later {
        rows: rows.clone(),
        reason: Some(reason),
        by: model.options.user.clone(),
    };
    let said = format!("{what}: left for later. u undoes.");
    let typed = None;
    vec![model.ask(
        Purpose::Chosen {
            left: rows,
            said,
            typed,
        },
        request,
    )]
}

/// Puts back what the last act changed: each item's earlier choice, or none.
fn undo(model: &mut Model) -> Vec<Effect> {
    let Some(entry) = model.conflicts.undo.pop() else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    let by = model.options.user.clone();
    if !entry.left.is_empty() {
        let said = "Not left for later any more.".to_owned();
        let request = Request::Later {
            rows: entry.left,
            reason: None,
            by: by.clone(),
        };
        effects.push(model.ask(Purpose::TakenBack { of: 0, said }, request));
    }
    let mut groups: Vec<(Option<Choice>, Vec<ItemId>)> = Vec::new();
    for (item, choice) in entry.before {
        match groups.iter_mut().find(|(one, _)| *one == choice) {
            Some((_, items)) => items.push(item),
            None => groups.push((choice, vec![item])),
        }
    }
    for (choice, items) in groups {
        let of = items.len();
        let count = format::count(of as u64, "choice", "choices");
        let (said, request) = match choice {
            None => (format!("Took back {count}."), Request::Unresolve { items }),
            Some(choice) => {
                let take = Take::Choice(choice);
                let said = format!("{count} back to {}.", said_of(&take));
                let request = Request::Resolve {
                    items,
                    take,
                    by: by.clone(),
                    fields_only: false,
                    shown: Vec::new(),
                };
                (said, request)
            }
        };
        effects.push(model.ask(Purpose::TakenBack { of, said }, request));
    }
    effects
}

/// Sends the drafts.
pub fn apply(model: &mut Model) -> Vec<Effect> {
    let by = model.options.user.clone();
    vec![model.ask(Purpose::Started, Request::ApplyDrafts { by })]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_keeps_shared_lines_once() {
        assert_eq!(merged("a\nb", "b\nc"), "a\nb\nc");
        assert_eq!(merged("", "c"), "c");
    }
}
