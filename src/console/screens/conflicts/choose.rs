//! What the keys of screen 3 do: choices become drafts, `u` takes them back, `W` asks what they would send.

use crate::console::command::Command;
use crate::console::format;
use crate::console::list::Nav;
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::overlays::{Overlay, editor};
use crate::domain::{Choice, ItemId, ItemKind, Side, Value};
use crate::service::messages::{Request, Take, Tone};

/// Items with the choice each had before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UndoEntry {
    /// The items.
    pub before: Vec<(ItemId, Option<Choice>)>,
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

/// Sends a choice for items; what they had before goes onto the undo stack when it is answered.
pub fn resolve(
    model: &mut Model,
    before: Vec<(ItemId, Option<Choice>)>,
    take: Take,
    what: &str,
) -> Vec<Effect> {
    let items = before.iter().map(|(item, _)| *item).collect();
    let said = format!("{what}: {}. u undoes, W applies.", said_of(&take));
    let by = model.options.user.clone();
    vec![model.ask(
        Purpose::Resolve {
            undo: UndoEntry { before },
            said,
        },
        Request::Resolve { items, take, by },
    )]
}

/// Chooses for the field under the cursor, or for the review item.
fn choose(model: &mut Model, take: Take) -> Vec<Effect> {
    let this = &model.conflicts;
    let Some(detail) = this.detail() else {
        return Vec::new();
    };
    if detail.row.kind != ItemKind::Field {
        let before: Vec<(ItemId, Option<Choice>)> = detail
            .items
            .iter()
            .map(|item| {
                (
                    item.id,
                    item.resolution
                        .as_ref()
                        .map(|resolution| resolution.choice.clone()),
                )
            })
            .collect();
        let label = detail.row.label.clone();
        return resolve(model, before, take, &label);
    }
    let Some((item, choice, name)) = this.field().and_then(|field| {
        Some((
            field.item?,
            field.choice.clone(),
            field.names.salesforce.clone(),
        ))
    }) else {
        return Vec::new();
    };
    let effects = resolve(model, vec![(item, choice)], take, &name);
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

/// Chooses for every marked record. Rows that were never in the window are named by their key, which stands for all their items.
fn choose_marked(model: &mut Model, take: Take) -> Vec<Effect> {
    let this = &model.conflicts;
    let reviews: Vec<ItemId> = this
        .queue
        .rows
        .iter()
        .filter(|row| row.kind.is_review())
        .map(|row| row.key)
        .collect();
    let mut before = Vec::new();
    for key in this.queue.marks.iter().filter(|key| !reviews.contains(key)) {
        match this.items.get(key) {
            Some(items) => before.extend(items.iter().map(|item| (*item, None))),
            None => before.push((*key, None)),
        }
    }
    if before.is_empty() {
        model.say(
            Tone::Info,
            "Only review items are marked: each is decided by itself, with enter.",
        );
        return Vec::new();
    }
    let what = format::count(this.queue.marks.len() as u64, "record", "records");
    resolve(model, before, take, &what)
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
    let editor = editor::Editor::new(
        item,
        field.names.salesforce.clone(),
        field.choice.clone(),
        &start,
        merge,
    );
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

/// Takes the record's choices back and goes on to the next row.
fn later(model: &mut Model) -> Vec<Effect> {
    let drafted: Vec<ItemId> = model
        .conflicts
        .detail()
        .map(|detail| {
            detail
                .items
                .iter()
                .filter(|item| item.resolution.is_some())
                .map(|item| item.id)
                .collect()
        })
        .unwrap_or_default();
    let label = model
        .conflicts
        .queue
        .current()
        .map_or(String::new(), |row| row.label.clone());
    model.conflicts.queue.step(1);
    let said = format!("{label}: left for later.");
    if drafted.is_empty() {
        model.say(Tone::Info, said);
        return Vec::new();
    }
    vec![model.ask(
        Purpose::Unresolve { said },
        Request::Unresolve { items: drafted },
    )]
}

fn undo(model: &mut Model) -> Vec<Effect> {
    let Some(entry) = model.conflicts.undo.pop() else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    let back: Vec<ItemId> = entry
        .before
        .iter()
        .filter(|(_, choice)| choice.is_none())
        .map(|(item, _)| *item)
        .collect();
    if !back.is_empty() {
        let said = format!(
            "Took back {}.",
            format::count(back.len() as u64, "choice", "choices")
        );
        effects.push(model.ask(
            Purpose::Unresolve { said },
            Request::Unresolve { items: back },
        ));
    }
    for (item, choice) in entry.before {
        let Some(choice) = choice else { continue };
        let take = Take::Choice(choice);
        let said = format!("Back to {}.", said_of(&take));
        let by = model.options.user.clone();
        effects.push(model.ask(
            Purpose::Unresolve { said },
            Request::Resolve {
                items: vec![item],
                take,
                by,
            },
        ));
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
