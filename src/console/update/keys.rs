//! Keys and mouse: overlays first, then the table; moving about in whatever list has the keys.

use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::{clicked, leave, perform};
use crate::console::command::Command;
use crate::console::hold;
use crate::console::keymap::{self, Context, Key};
use crate::console::list::Nav;
use crate::console::model::{Leaving, Model};
use crate::console::msg::Effect;
use crate::console::overlays::prompt::Prompt;
use crate::console::overlays::{Overlay, Then};
use crate::console::screens::mappings::Focus;
use crate::service::messages::Tone;

/// Takes a key.
pub fn key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    if interrupt && matches!(model.leaving, Leaving::AfterBatch(_)) {
        model.leaving = Leaving::Now(None);
        return Vec::new();
    }
    if Key::of(key) == Some(Key::Ctrl('z')) {
        return vec![Effect::Suspend];
    }
    let leaves = interrupt || (key.code == KeyCode::Char('q') && model.overlays.is_empty());
    if model.is_blind() && !leaves {
        // Nobody can see what a key would do.
        return Vec::new();
    }
    // A warning has been read once a key is pressed.
    model
        .message
        .take_if(|message| matches!(message.tone, Tone::Warn | Tone::Error));
    if let Some(mut overlay) = model.overlays.pop() {
        let depth = model.overlays.len();
        return match overlay.key(model, key) {
            Then::Stay => {
                model
                    .overlays
                    .insert(depth.min(model.overlays.len()), overlay);
                Vec::new()
            }
            Then::Also(effects) => {
                model
                    .overlays
                    .insert(depth.min(model.overlays.len()), overlay);
                effects
            }
            Then::Close => Vec::new(),
            Then::Do(effects) => effects,
        };
    }
    if interrupt {
        leave(model);
        return Vec::new();
    }
    if key.code == KeyCode::Esc && model.held.drop_all() {
        return Vec::new();
    }
    if hold::hold(model, key) {
        return Vec::new();
    }
    press(model, key)
}

/// Does what a key means in the pane that has the keys.
pub fn press(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let Some(key) = Key::of(key) else {
        return Vec::new();
    };
    match keymap::find(model.context(), key) {
        Some(row) => perform(model, row.command),
        None => {
            model.say(
                Tone::Info,
                format!("{} does nothing here. ? shows the keys.", key.shown()),
            );
            Vec::new()
        }
    }
}

/// Takes a click or the wheel.
pub fn mouse(model: &mut Model, mouse: MouseEvent) -> Vec<Effect> {
    if !model.overlays.is_empty() {
        return Vec::new();
    }
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => return clicked(model, mouse.column, mouse.row),
        MouseEventKind::ScrollDown => {
            navigate(model, Command::Down);
        }
        MouseEventKind::ScrollUp => {
            navigate(model, Command::Up);
        }
        _ => {}
    }
    Vec::new()
}

/// The list that has the keys.
pub fn active(model: &mut Model) -> Option<&mut dyn Nav> {
    Some(match model.context() {
        Context::Mappings => &mut model.mappings.list,
        Context::MappingDetail => &mut model.mappings.detail_at,
        Context::Needs => &mut model.mappings.needs,
        Context::Activity => &mut model.mappings.activity,
        Context::Live => &mut model.live,
        Context::Queue => &mut model.conflicts.queue,
        Context::Resolver => &mut model.conflicts.fields,
        Context::Review => &mut model.conflicts.candidates,
        Context::Causes => &mut model.errors.causes,
        Context::ErrorRecords => &mut model.errors.records,
        Context::Runs => &mut model.runs.runs,
        Context::Journal => &mut model.runs.journal,
    })
}

/// The filter of the list that has the keys.
pub fn active_filter(model: &Model) -> &str {
    match model.context() {
        Context::Mappings => &model.mappings.list.filter,
        Context::Live => &model.live.filter,
        Context::Queue => &model.conflicts.queue.filter,
        Context::Causes => &model.errors.causes.filter,
        Context::ErrorRecords => &model.errors.records.filter,
        Context::Runs => &model.runs.runs.filter,
        Context::Journal => &model.runs.journal.filter,
        _ => "",
    }
}

/// The list whose rows `]` and `[` step through: in the resolver it is the queue.
fn outer(model: &mut Model) -> Option<&mut dyn Nav> {
    match model.context() {
        Context::Resolver | Context::Review => Some(&mut model.conflicts.queue),
        Context::ErrorRecords => Some(&mut model.errors.records),
        _ => active(model),
    }
}

/// Moves, filters, sorts, marks; false where the command is none of these.
pub fn navigate(model: &mut Model, command: Command) -> bool {
    let is_mappings = model.screen == crate::console::screens::ScreenId::Mappings
        && model.mappings.focus == Focus::List;
    if matches!(command, Command::NextRecord | Command::PreviousRecord) {
        if let Some(list) = outer(model) {
            list.step(if command == Command::NextRecord {
                1
            } else {
                -1
            });
        }
        return true;
    }
    let Some(list) = active(model) else {
        return false;
    };
    let page = list.height().max(1) as isize;
    match command {
        Command::Down | Command::NextMatch => list.step(1),
        Command::Up | Command::PreviousMatch => list.step(-1),
        Command::First => list.jump(0),
        Command::Last => list.jump(list.len().saturating_sub(1)),
        Command::HalfDown => list.step((page / 2).max(1)),
        Command::HalfUp => list.step(-(page / 2).max(1)),
        Command::PageDown => list.step(page),
        Command::PageUp => list.step(-page),
        Command::Mark => {
            list.toggle_mark();
            list.step(1);
        }
        Command::Filter => {
            let prompt = Prompt::filter(list.filter());
            model.overlays.push(Overlay::Prompt(prompt));
        }
        Command::Sort => {
            let said = list.next_sort();
            model.say(Tone::Info, said);
        }
        _ => return false,
    }
    if is_mappings
        && matches!(
            command,
            Command::Down | Command::Up | Command::First | Command::Last
        )
    {
        model.mappings.detail_at.at = 0;
    }
    true
}
