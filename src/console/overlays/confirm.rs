//! The dialog before a write: it names the target, counts and calls, stands on Cancel, and where much or something
//! permanent is meant asks to type what it names.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Style;
use tui_textarea::TextArea;

use super::{Then, insert, is_no, labelled_field, line_field, line_of, type_into, window};
use crate::console::format;
use crate::console::model::Model;
use crate::console::msg::{Effect, Purpose};
use crate::console::screens::conflicts;
use crate::console::theme::Role;
use crate::console::widgets::{Panel, Text};
use crate::domain::{Choice, ItemId, RunRecord, Side};
use crate::service::messages::{Outgoing, Preview, Request, RetryWhich, SyncOrder, Take, Tone};

/// What happens after a yes.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A run.
    Sync(SyncOrder),
    /// The drafts.
    ApplyDrafts,
    /// Errors again.
    Retry(RetryWhich),
    /// The run under way, at once.
    StopNow,
    /// One choice for many.
    Alike {
        /// The items.
        items: Vec<ItemId>,
        /// The choice.
        take: Take,
        /// The field.
        field: String,
    },
}

/// A dialog.
pub struct Confirm {
    title: String,
    lines: Vec<Text>,
    yes: String,
    action: Action,
    on_yes: bool,
    typed: Option<(String, TextArea<'static>)>,
}

impl Confirm {
    fn new(
        title: impl Into<String>,
        yes: impl Into<String>,
        lines: Vec<Text>,
        action: Action,
    ) -> Self {
        Confirm {
            title: title.into(),
            lines,
            yes: yes.into(),
            action,
            on_yes: false,
            typed: None,
        }
    }

    fn type_to_go_on(mut self, word: impl Into<String>) -> Self {
        self.typed = Some((word.into(), line_field("")));
        self
    }

    fn is_typed(&self) -> bool {
        self.typed
            .as_ref()
            .is_none_or(|(word, field)| line_of(field).trim() == word)
    }

    /// Gives it pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some((_, field)) = &mut self.typed {
            insert(field, text, false);
        }
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) {
            return Then::Close;
        }
        match key.code {
            KeyCode::Tab | KeyCode::BackTab => self.on_yes = !self.on_yes,
            KeyCode::Enter if self.typed.is_some() && self.is_typed() => return self.go(model),
            KeyCode::Enter if self.on_yes && self.is_typed() => return self.go(model),
            KeyCode::Enter if self.typed.is_some() => {
                model.say(
                    Tone::Info,
                    "What was typed is not what the dialog names. esc cancels.",
                );
            }
            KeyCode::Enter => return Then::Close,
            _ if self.typed.is_some() => {
                if let Some((_, field)) = &mut self.typed {
                    type_into(field, key);
                }
            }
            KeyCode::Left | KeyCode::Right | KeyCode::Char('h' | 'l') => self.on_yes = !self.on_yes,
            KeyCode::Char('y') => return self.go(model),
            KeyCode::Char('n' | 'q') => return Then::Close,
            _ => {}
        }
        Then::Stay
    }

    fn go(&self, model: &mut Model) -> Then {
        Then::Do(act(model, self.action.clone()))
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let width = 66.min(buf.area.width.saturating_sub(4));
        let room = usize::from(width.saturating_sub(4));
        let lines: Vec<Text> = self
            .lines
            .iter()
            .flat_map(|line| fold(line, room))
            .collect();
        let extra = if self.typed.is_some() { 6 } else { 4 };
        let most = buf.area.height.saturating_sub(2);
        let height = (lines.len() as u16 + extra).min(most);
        let inner = window(model, buf, width, height, Panel::titled(&self.title));
        let theme = model.theme;
        let text_rows = inner.height.saturating_sub(extra - 2);
        for (row, line) in lines.iter().take(usize::from(text_rows)).enumerate() {
            line.draw(
                buf,
                inner.x + 1,
                inner.y + row as u16,
                room,
                theme,
                Style::new(),
            );
        }
        if lines.len() > usize::from(text_rows) && text_rows > 0 {
            let more = format!(
                "… and {} more lines",
                lines.len() - usize::from(text_rows) + 1
            );
            Text::of(more, Role::Muted).pad_to(room).draw(
                buf,
                inner.x + 1,
                inner.y + text_rows - 1,
                room,
                theme,
                Style::new(),
            );
        }
        let bottom = inner.bottom().saturating_sub(1);
        if let Some((word, field)) = &self.typed {
            let row = ratatui::layout::Rect {
                x: inner.x + 1,
                y: bottom.saturating_sub(2),
                width: inner.width.saturating_sub(2),
                height: 1,
            };
            labelled_field(
                buf,
                row,
                &format!("Type {} to go on:  ", format::clean(word)),
                field,
                theme,
            );
        }
        let chosen = theme.style(Role::Selection);
        let plain = Style::new();
        let cancel = "[ Cancel  esc ]";
        let yes = format!(
            "[ {}  {} ]",
            self.yes,
            if self.typed.is_some() { "enter" } else { "y" }
        );
        let wide = format::width(cancel) + 6 + format::width(&yes);
        let x = inner.x + (usize::from(inner.width).saturating_sub(wide) / 2) as u16;
        let on_yes = self.on_yes || (self.typed.is_some() && self.is_typed());
        let role = if self.is_typed() {
            Role::Text
        } else {
            Role::Muted
        };
        let x = Text::plain(cancel).draw(
            buf,
            x,
            bottom,
            room,
            theme,
            if on_yes { plain } else { chosen },
        );
        Text::of(yes, role).draw(
            buf,
            x + 6,
            bottom,
            room,
            theme,
            if on_yes { chosen } else { plain },
        );
    }
}

/// A line folded to a width, keeping the role of its first piece.
fn fold(line: &Text, columns: usize) -> Vec<Text> {
    if line.width() <= columns {
        return vec![line.clone()];
    }
    format::wrap(&line.to_plain(), columns)
        .into_iter()
        .map(Text::plain)
        .collect()
}

/// Carries a yes out.
fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Sync(order) => vec![model.ask(Purpose::Started, Request::Sync(order))],
        Action::ApplyDrafts => conflicts::apply(model),
        Action::Retry(which) => {
            vec![model.ask(Purpose::Retry, Request::Retry { which, now: true })]
        }
        Action::StopNow => vec![model.ask(Purpose::Done("Stopping now.".into()), Request::StopNow)],
        Action::Alike { items, take, field } => {
            let before: Vec<(ItemId, Option<Choice>)> =
                items.into_iter().map(|item| (item, None)).collect();
            let what = format!(
                "{field} of {}",
                format::count(before.len() as u64, "record", "records")
            );
            conflicts::resolve(model, before, take, &what)
        }
    }
}

fn calls(forecast: &crate::domain::SideCount) -> Text {
    Text::of(
        format!(
            "API cost about {} SF calls and {} HS calls.",
            format::number(forecast.salesforce),
            format::number(forecast.hubspot)
        ),
        Role::Muted,
    )
}

/// The dialog before a run: what the preview counted.
pub fn run(preview: &Preview, mut order: SyncOrder) -> Result<Confirm, String> {
    let names: Vec<String> = preview
        .mappings
        .iter()
        .map(|mapping| mapping.mapping.to_string())
        .collect();
    if let Some(valve) = preview.valves.iter().find(|valve| !valve.confirmable) {
        return Err(format!(
            "{}: {} Nothing can let this through but fixing it.",
            valve.mapping, valve.message
        ));
    }
    let mut lines = vec![
        Text::plain(format!("This starts a run of {}.", names.join(", "))),
        Text::new(),
    ];
    let mut counted = 0;
    for side in Side::BOTH {
        let sum = |pick: fn(&crate::domain::Counters) -> &crate::domain::SideCount| -> u64 {
            preview
                .mappings
                .iter()
                .map(|mapping| *pick(&mapping.would).get(side))
                .sum()
        };
        let created = sum(|would| &would.created);
        let updated = sum(|would| &would.updated);
        let archived = sum(|would| &would.archived);
        counted += created + updated + archived;
        let mut text = format!(
            "{} created, {} updated",
            format::number(created),
            format::number(updated)
        );
        if archived > 0 {
            text += &format!(", {} archived", format::number(archived));
        }
        lines.push(
            Text::plain("  ")
                .and(side.name(), crate::console::theme::side(side))
                .pad_to(15)
                .then(text),
        );
    }
    let waits: u64 = preview
        .mappings
        .iter()
        .map(|mapping| mapping.would.conflicts + mapping.would.review)
        .sum();
    let errors: u64 = preview
        .mappings
        .iter()
        .map(|mapping| mapping.would.errors)
        .sum();
    if waits + errors > 0 {
        lines.push(Text::plain(format!(
            "  {} wait for a person, {} are in error",
            format::number(waits),
            format::number(errors)
        )));
    }
    lines.push(Text::new());
    lines.push(calls(&preview.forecast));
    if counted == 0 && preview.valves.is_empty() {
        lines.push(Text::of(
            "Nothing is to be written as things stand.",
            Role::Muted,
        ));
    }
    let mut dialog_word = None;
    for valve in &preview.valves {
        lines.push(Text::of(
            format!("✗ {}: {}", valve.mapping, valve.message),
            Role::Error,
        ));
        order.confirm = Some(preview.plan_hash.clone());
        dialog_word.get_or_insert_with(|| valve.mapping.to_string());
    }
    let title = if names.len() == 1 {
        format!("Run {}", names.concat())
    } else {
        format!("Run {} mappings", names.len())
    };
    let dialog = Confirm::new(title, "Run", lines, Action::Sync(order));
    Ok(match dialog_word {
        Some(word) => dialog.type_to_go_on(word),
        None => dialog,
    })
}

/// The dialog before a halted plan is let through.
pub fn halted(run: &RunRecord, by: &str) -> Option<Confirm> {
    let hash = run.plan_hash.clone()?;
    let mut lines = vec![Text::plain(format!(
        "Run {} stopped before it wrote. Exactly its plan would be carried out:",
        run.run
    ))];
    for valve in &run.valves {
        lines.push(Text::of(
            format!(
                "✗ {}: {} Found {}, limit {}.",
                valve.mapping,
                valve.message,
                format::number(valve.found),
                format::number(valve.limit)
            ),
            Role::Error,
        ));
    }
    for mapping in &run.mappings {
        let counts = &mapping.counts;
        for side in Side::BOTH {
            lines.push(Text::plain(format!(
                "  {} {}: {} created, {} updated, {} archived",
                mapping.mapping,
                side.name(),
                format::number(*counts.created.get(side)),
                format::number(*counts.updated.get(side)),
                format::number(*counts.archived.get(side))
            )));
        }
    }
    lines.push(calls(&run.expected_calls));
    lines.push(Text::of(
        "If either side changed since, the plan is made anew and asks again.",
        Role::Muted,
    ));
    let order = SyncOrder {
        mappings: run
            .mappings
            .iter()
            .map(|mapping| mapping.mapping.clone())
            .collect(),
        full: run.kind == crate::domain::RunKind::Full,
        yes: true,
        confirm: Some(hash),
        by: by.to_owned(),
    };
    Some(
        Confirm::new(
            format!("Confirm the plan of run {}", run.run),
            "Run",
            lines,
            Action::Sync(order),
        )
        .type_to_go_on(run.run.to_string()),
    )
}

/// The dialog before the drafts are applied.
pub fn apply(outgoing: &Outgoing) -> Confirm {
    let mut lines = vec![
        Text::plain(format!(
            "This starts a run over {} and writes",
            format::count(outgoing.drafts as u64, "drafted choice", "drafted choices")
        )),
        Text::plain(format!(
            "  Salesforce   {}",
            format::count(outgoing.records.salesforce, "record", "records")
        )),
        Text::plain(format!(
            "  HubSpot      {}",
            format::count(outgoing.records.hubspot, "record", "records")
        )),
        Text::new(),
    ];
    for line in outgoing.lines.iter().take(8) {
        let text = format!(
            "{} {}: {} → {}",
            line.side.letters(),
            format::cut(
                &format::clean(if line.label.is_empty() {
                    line.record.as_str()
                } else {
                    &line.label
                }),
                20
            ),
            line.field,
            format::cut(&format::value(&line.after), 24)
        );
        lines.push(Text::of(text, Role::Text));
    }
    if outgoing.lines.len() > 8 {
        lines.push(Text::of(
            format!("… and {} more values", outgoing.lines.len() - 8),
            Role::Muted,
        ));
    }
    lines.push(calls(&outgoing.calls));
    lines.push(Text::of(
        "A record that changed since you chose is left alone and opens again.",
        Role::Muted,
    ));
    Confirm::new("Apply drafts", "Apply", lines, Action::ApplyDrafts)
}

/// The dialog before errors are retried.
pub fn retry(which: RetryWhich, count: u64, what: &str) -> Confirm {
    let lines = vec![
        Text::plain(format!(
            "This starts a run over {} only:",
            format::count(count, "record", "records")
        )),
        Text::plain(format!("  {what}")),
        Text::new(),
        Text::of(
            "What the vendor refused before is sent again. About one call per record and side.",
            Role::Muted,
        ),
    ];
    Confirm::new(
        format!("Retry {}", format::count(count, "record", "records")),
        "Retry",
        lines,
        Action::Retry(which),
    )
}

/// The dialog before a run is stopped at once.
pub fn stop_now(model: &Model) -> Confirm {
    let run = model.status.run.as_ref();
    let name = run
        .and_then(|run| run.run)
        .map_or("the preview".to_owned(), |run| format!("run {run}"));
    let batch = run
        .and_then(|run| run.batch)
        .map_or("No batch is being written.".to_owned(), |(batch, of)| {
            format!("Batch {batch} of {of} is on its way.")
        });
    let lines = vec![
        Text::plain(format!(
            "{batch} Requests in flight get a short grace; what they did is looked up by the next run, nothing is sent twice."
        )),
        Text::new(),
        Text::of(
            "x stops after the batch instead, which leaves nothing to look up.",
            Role::Muted,
        ),
    ];
    Confirm::new(
        format!("Stop {name} now"),
        "Stop now",
        lines,
        Action::StopNow,
    )
}

/// The dialog before one choice is given to many conflicts: it lists them.
pub fn alike(items: Vec<ItemId>, take: Take, field: String, names: &[String]) -> Confirm {
    let count = items.len() as u64;
    let mut lines = vec![
        Text::plain(format!(
            "{} for {field} of {}:",
            conflicts::said_of(&take),
            format::count(count, "other record", "other records")
        )),
        Text::new(),
    ];
    lines.extend(
        names
            .iter()
            .take(10)
            .map(|name| Text::plain(format!("  {name}"))),
    );
    if items.len() > names.len().min(10) {
        lines.push(Text::of(
            format!("  … and {} more", items.len() - names.len().min(10)),
            Role::Muted,
        ));
    }
    lines.push(Text::new());
    lines.push(Text::of(
        "They become drafts; nothing is sent before W. u takes them back.",
        Role::Muted,
    ));
    Confirm::new(
        "Same choice for alike",
        "Draft",
        lines,
        Action::Alike { items, take, field },
    )
}
