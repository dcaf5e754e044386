//! From a message to the next model and what the world should do about it. Pure and synchronous.

mod keys;
mod replies;
mod status;

use chrono::{DateTime, Duration, Utc};
use ratatui::layout::Rect;

use super::command::Command;
use super::hit::Hit;
use super::hold;
use super::keymap::{self, Availability, Context};
use super::list::Nav;
use super::model::{Leaving, MESSAGE_SECONDS, Model};
use super::msg::{Effect, Msg, Purpose};
use super::overlays::Overlay;
use super::overlays::help::Help;
use super::overlays::palette::Palette;
use super::overlays::prompt::Prompt;
use super::screens::{ScreenId, conflicts, errors, live, mappings, runs};
use super::set_back;
use super::wants;
use crate::domain::Side;
use crate::service::messages::{Request, Tone};

pub use keys::{active, active_filter, press};

/// Takes a message.
pub fn update(model: &mut Model, now: DateTime<Utc>, msg: Msg) -> Vec<Effect> {
    set_back::take(model, now);
    let mut effects = match msg {
        Msg::Key(key) => keys::key(model, key),
        Msg::Paste(text) => paste(model, &text),
        Msg::Mouse(mouse) => keys::mouse(model, mouse),
        Msg::Resize(width, height) => {
            model.area = Rect {
                x: 0,
                y: 0,
                width,
                height,
            };
            Vec::new()
        }
        Msg::Status(status) => status::status(model, *status),
        Msg::Event(event) => status::event(model, event),
        Msg::Missed(count) => {
            model.live.dropped += count;
            // The news that a preview is ready may have been among them.
            status::counted(model)
        }
        Msg::Reply { id, reply } => replies::reply(model, id, reply),
        Msg::Written(result) => {
            match result {
                Ok(path) => model.say(Tone::Info, format!("Written to {path}.")),
                Err(why) => model.say(Tone::Warn, format!("The file could not be written: {why}")),
            }
            Vec::new()
        }
        Msg::Tick => Vec::new(),
        Msg::Signal(signal) => {
            model.leaving = Leaving::Now(Some(signal));
            Vec::new()
        }
    };
    let now = model.now;
    model.message.take_if(|message| {
        matches!(message.tone, Tone::Info | Tone::Ok)
            && now - message.since >= Duration::seconds(MESSAGE_SECONDS)
    });
    if model.screen == ScreenId::Errors {
        model.unseen_error = None;
    }
    model.live.take_in(now);
    fit(model);
    effects.extend(hold::release(model));
    fit(model);
    effects.extend(wants::ask(model));
    effects
}

/// Fits the panes of all screens to the terminal, so that each is right when it is shown.
fn fit(model: &mut Model) {
    mappings::fit(model);
    live::fit(model);
    conflicts::fit(model);
    errors::fit(model);
    runs::fit(model);
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(mut overlay) = model.overlays.pop() {
        overlay.paste(model, text);
        model.overlays.push(overlay);
    } else {
        model.say(
            Tone::Info,
            "Nothing here takes text: / filters, ^f finds a record.",
        );
    }
    Vec::new()
}

/// Does a command, if it can be done now; else says why not.
pub fn perform(model: &mut Model, command: Command) -> Vec<Effect> {
    let context = model.context();
    if let Some(row) = keymap::row(context, command)
        && let Availability::Disabled(why) | Availability::NotYet(why) = (row.when)(model)
    {
        model.say(Tone::Info, why);
        return Vec::new();
    }
    match command {
        Command::GoMappings => go(model, ScreenId::Mappings),
        Command::GoLive => go(model, ScreenId::Live),
        Command::GoConflicts => go(model, ScreenId::Conflicts),
        Command::GoErrors => go(model, ScreenId::Errors),
        Command::GoRuns => go(model, ScreenId::Runs),
        Command::Palette => model.overlays.push(Overlay::Palette(Palette::default())),
        Command::Help => model.overlays.push(Overlay::Help(Help::new(context))),
        Command::FindRecord => model.overlays.push(Overlay::Prompt(Prompt::find_record())),
        Command::Refresh => return refresh(model),
        Command::Suspend => return vec![Effect::Suspend],
        Command::Back => back(model),
        Command::Quit => quit(model),
        Command::Copy => return copy_selected(model),
        Command::CopyToFile => {
            if let Some(text) = model.copied.clone() {
                return vec![Effect::WriteFile {
                    name: "syncline-copied.txt".into(),
                    text,
                }];
            }
        }
        Command::NextPane | Command::PreviousPane => turn(model, command == Command::PreviousPane),
        _ if keys::navigate(model, command) => {}
        Command::MarkAll => return mark_all(model),
        _ => return screen_perform(model, command),
    }
    Vec::new()
}

fn screen_perform(model: &mut Model, command: Command) -> Vec<Effect> {
    match model.screen {
        ScreenId::Mappings => mappings::perform(model, command),
        ScreenId::Live => live::perform(model, command),
        ScreenId::Conflicts => conflicts::perform(model, command),
        ScreenId::Errors => errors::perform(model, command),
        ScreenId::Runs => runs::perform(model, command),
    }
}

/// Goes to a screen.
pub fn go(model: &mut Model, screen: ScreenId) {
    model.screen = screen;
}

/// Goes to the screen of a pane, for the palette.
pub fn go_to_context(model: &mut Model, context: Context) {
    let screen = match context {
        Context::Mappings | Context::MappingDetail | Context::Needs | Context::Activity => {
            ScreenId::Mappings
        }
        Context::Live => ScreenId::Live,
        Context::Queue | Context::Resolver | Context::Review => ScreenId::Conflicts,
        Context::Causes | Context::ErrorRecords => ScreenId::Errors,
        Context::Runs | Context::Journal => ScreenId::Runs,
    };
    go(model, screen);
}

/// Reads everything again; tries lost connections again.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    status::stale(model);
    model.mappings.list.again(now);
    if let Some(list) = active(model) {
        list.again(now);
    }
    model.conflicts.detail.again();
    model.conflicts.history.again();
    model.errors.detail.again();
    model.mappings.detail.again();
    let lost = Side::BOTH.into_iter().any(|side| {
        model
            .status
            .connections
            .get(side)
            .unreachable_since
            .is_some()
    });
    if lost {
        return vec![model.ask(
            Purpose::Done("Trying the connections again.".into()),
            Request::Reconnect,
        )];
    }
    Vec::new()
}

/// `esc`: input and overlays were closed before; marks, filter, back.
fn back(model: &mut Model) {
    if model
        .message
        .take()
        .is_some_and(|message| message.tone != Tone::Info)
    {
        return;
    }
    if let Some(list) = active(model) {
        if list.clear_marks() {
            return;
        }
        if !list.filter().is_empty() {
            list.set_filter(String::new());
            return;
        }
    }
    let closed = close_pane(model);
    if !closed {
        model.screen = ScreenId::Mappings;
    }
}

fn close_pane(model: &mut Model) -> bool {
    match model.screen {
        ScreenId::Mappings => mappings::back(model),
        ScreenId::Live => false,
        ScreenId::Conflicts => conflicts::back(model),
        ScreenId::Errors => errors::back(model),
        ScreenId::Runs => runs::back(model),
    }
}

/// `q`: back, or out from the top.
fn quit(model: &mut Model) {
    if close_pane(model) {
        return;
    }
    if model.screen != ScreenId::Mappings {
        model.screen = ScreenId::Mappings;
        return;
    }
    leave(model);
}

/// Out, after a question where a run is under way.
pub fn leave(model: &mut Model) {
    if model.status.run.is_some() {
        model.overlays.push(Overlay::Quit { seen: false });
    } else {
        model.leaving = Leaving::Now(None);
    }
}

fn turn(model: &mut Model, back: bool) {
    match model.screen {
        ScreenId::Mappings => mappings::turn(model, back),
        ScreenId::Live => {}
        ScreenId::Conflicts => {
            let can = model.conflicts.queue.current().is_some();
            model.conflicts.opened = !model.conflicts.opened && can;
        }
        ScreenId::Errors => {
            let can = model.errors.causes.current().is_some();
            model.errors.opened = !model.errors.opened && can;
        }
        ScreenId::Runs => {
            let can = model.runs.runs.current().is_some();
            model.runs.opened = !model.runs.opened && can;
        }
    }
}

/// Sends text to the terminal's clipboard and says so honestly: it cannot confirm.
pub fn copy(model: &mut Model, text: String) -> Effect {
    model.copied = Some(text.clone());
    let shown = super::format::cut(&super::format::clean(&text), 30);
    model.say(
        Tone::Info,
        format!("Sent to your terminal's clipboard: {shown}. (If nothing arrived: Y writes it to a file.)"),
    );
    Effect::Copy(text)
}

fn copy_selected(model: &mut Model) -> Vec<Effect> {
    let text = match model.screen {
        ScreenId::Mappings => mappings::copied(model),
        ScreenId::Live => None,
        ScreenId::Conflicts => conflicts::copied(model),
        ScreenId::Errors => errors::copied(model),
        ScreenId::Runs => runs::copied(model),
    };
    match text {
        Some(text) => vec![copy(model, text)],
        None => {
            model.say(Tone::Info, "Nothing is selected.");
            Vec::new()
        }
    }
}

fn mark_all(model: &mut Model) -> Vec<Effect> {
    use super::msg::ListName;
    match model.context() {
        Context::Mappings => {
            let list = &mut model.mappings.list;
            let all = list
                .shown
                .iter()
                .filter_map(|index| list.rows.get(*index))
                .map(|row| row.mapping.clone())
                .collect();
            list.marks = all;
            Vec::new()
        }
        Context::Queue => {
            let query = wants::whole(&model.conflicts.queue);
            vec![model.ask(Purpose::MarkAll(ListName::Queue), Request::Ids(query))]
        }
        Context::ErrorRecords => {
            let query = wants::whole(&model.errors.records);
            vec![model.ask(
                Purpose::MarkAll(ListName::ErrorRecords),
                Request::Ids(query),
            )]
        }
        _ => Vec::new(),
    }
}

/// A click.
fn clicked(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    let Some((hit, line)) = model.hits.at(column, row) else {
        return Vec::new();
    };
    match hit {
        Hit::Tab(screen) => go(model, screen),
        Hit::Hint(command) => return perform(model, command),
        Hit::Rows => {
            if let Some(list) = active(model) {
                let to = list.top() + line;
                if to < list.len() {
                    list.jump(to);
                }
            }
        }
    }
    Vec::new()
}
