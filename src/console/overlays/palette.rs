//! Every command by name: fuzzy over label, sentence and other words; what was used lately first; an id typed here
//! looks the record up.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::style::Style;
use tui_textarea::TextArea;

use super::{Then, insert, is_no, labelled_field, line_field, line_of, record, type_into, window};
use crate::console::command::Command;
use crate::console::format;
use crate::console::keymap::{self, Availability, BINDINGS, Binding, Context};
use crate::console::model::Model;
use crate::console::theme::Role;
use crate::console::update;
use crate::console::widgets::{Panel, Text};
use crate::service::messages::Tone;

const SHOWN: usize = 10;
const RECENT: usize = 8;

/// The palette.
pub struct Palette {
    text: TextArea<'static>,
    at: usize,
}

/// A line of it.
#[derive(Clone)]
pub enum Entry {
    /// A command; where it works, if not here.
    Command(&'static Binding, bool),
    /// Look a record up.
    Record(String),
}

impl Default for Palette {
    fn default() -> Self {
        Palette {
            text: line_field(""),
            at: 0,
        }
    }
}

impl Palette {
    /// Gives it pasted text.
    pub fn paste(&mut self, _: &mut Model, text: &str) {
        insert(&mut self.text, text, false);
        self.at = 0;
    }

    /// The lines for what was typed.
    pub fn entries(&self, model: &Model) -> Vec<Entry> {
        let typed = line_of(&self.text);
        let typed = typed.trim();
        let here = model.context();
        let mut scored: Vec<(u32, usize, Entry)> = Vec::new();
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        for (index, row) in BINDINGS.iter().enumerate() {
            let is_here = row.contexts.contains(&here);
            let score = if typed.is_empty() {
                let recent = model
                    .recent
                    .iter()
                    .position(|command| *command == row.command);
                match recent {
                    Some(place) => 1_000 - place as u32,
                    None if is_here => 1,
                    None => continue,
                }
            } else {
                let text = format!("{} {} {}", row.label, row.long, row.aliases);
                match pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher) {
                    Some(score) => score + u32::from(is_here) * 8 + bonus(row, typed),
                    None => continue,
                }
            };
            scored.push((score, index, Entry::Command(row, is_here)));
        }
        // A match that is much weaker than the best is noise: letters that happen to be there in that order.
        let best = scored.iter().map(|(score, ..)| *score).max().unwrap_or(0);
        scored.retain(|(score, ..)| typed.is_empty() || score * 2 > best);
        scored.sort_by(|(a, i, _), (b, j, _)| b.cmp(a).then(i.cmp(j)));
        let mut out: Vec<Entry> = scored.into_iter().map(|(_, _, entry)| entry).collect();
        if looks_like_id(typed) {
            out.insert(0, Entry::Record(typed.to_owned()));
        } else if typed.len() >= 3 {
            out.push(Entry::Record(typed.to_owned()));
        }
        out
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) {
            return Then::Close;
        }
        let entries = self.entries(model);
        match key.code {
            KeyCode::Up => self.at = self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Tab => {
                self.at = (self.at + 1).min(entries.len().saturating_sub(1))
            }
            KeyCode::Enter => return choose(model, entries.get(self.at)),
            _ => {
                if type_into(&mut self.text, key) {
                    self.at = 0;
                }
            }
        }
        Then::Stay
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let entries = self.entries(model);
        let height = (entries.len().min(SHOWN) + 4).max(5) as u16;
        let width = if buf.area.width >= 120 { 100 } else { 70 };
        let inner = window(
            model,
            buf,
            width,
            height,
            Panel::titled("Palette").bottom("enter does it   esc close"),
        );
        labelled_field(
            buf,
            Rect {
                height: 1.min(inner.height),
                ..inner
            },
            " : ",
            &self.text,
            model.theme,
        );
        let rows = usize::from(inner.height.saturating_sub(2));
        let top = (self.at + 1).saturating_sub(rows);
        for (row, (at, entry)) in entries.iter().enumerate().skip(top).take(rows).enumerate() {
            let y = inner.y + 2 + row as u16;
            let selected = at == self.at;
            let over = if selected {
                model.theme.style(Role::Selection)
            } else {
                Style::new()
            };
            if selected {
                buf.set_style(
                    Rect {
                        y,
                        height: 1,
                        ..inner
                    },
                    over,
                );
                Text::plain("▌").draw(buf, inner.x, y, 1, model.theme, over);
            }
            let columns = usize::from(inner.width.saturating_sub(2));
            line(model, entry).draw(buf, inner.x + 1, y, columns, model.theme, over);
        }
        if entries.is_empty() {
            Text::of("No command is called that.", Role::Muted).draw(
                buf,
                inner.x + 1,
                inner.y + 2,
                40,
                model.theme,
                Style::new(),
            );
        }
    }
}

/// A label that begins with what was typed comes before one whose sentence merely holds it.
fn bonus(row: &Binding, typed: &str) -> u32 {
    u32::from(row.label.to_lowercase().starts_with(&typed.to_lowercase())) * 60
}

/// Salesforce ids, HubSpot ids and e-mail addresses.
fn looks_like_id(text: &str) -> bool {
    let id = text.chars().all(|c| c.is_ascii_alphanumeric());
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (id && digits >= 3 && (text.len() == 15 || text.len() == 18 || digits == text.len()))
        || (text.contains('@') && text.contains('.') && !text.contains(' '))
}

fn line(model: &Model, entry: &Entry) -> Text {
    match entry {
        Entry::Record(id) => Text::plain(format!(
            "Find record \"{}\"",
            format::cut(&format::clean(id), 30)
        ))
        .pad_to(24)
        .and("anywhere", Role::Muted),
        Entry::Command(row, here) => {
            let place = if *here {
                "here"
            } else {
                row.contexts
                    .first()
                    .map_or("", |context: &Context| context.name())
            };
            let key = row.keys.first().map_or(String::new(), |key| key.shown());
            let label = capital(row.label);
            let text = Text::plain(format::cut(&label, 20))
                .pad_to(22)
                .and(place, Role::Muted)
                .pad_to(36)
                .and(key, Role::Key)
                .pad_to(43);
            match (row.when)(model) {
                Availability::Disabled(why) if *here => text.and(why, Role::Muted),
                _ => text.then(row.long),
            }
        }
    }
}

fn capital(label: &str) -> String {
    let mut chars = label.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

fn choose(model: &mut Model, entry: Option<&Entry>) -> Then {
    match entry {
        None => Then::Stay,
        Some(Entry::Record(query)) => {
            let query = query.clone();
            Then::Do(vec![record::open(model, query, None)])
        }
        Some(Entry::Command(row, true)) => {
            remember(model, row.command);
            Then::Do(update::perform(model, row.command))
        }
        Some(Entry::Command(row, false)) => {
            // A command of another screen: go there, so that its key is the next thing to press.
            remember(model, row.command);
            let Some(context) = row.contexts.first() else {
                return Then::Close;
            };
            update::go_to_context(model, *context);
            if keymap::row(model.context(), row.command).is_some() {
                return Then::Do(update::perform(model, row.command));
            }
            model.say(
                Tone::Info,
                format!("{} works in {}.", capital(row.label), context.name()),
            );
            Then::Close
        }
    }
}

fn remember(model: &mut Model, command: Command) {
    model.recent.retain(|recent| *recent != command);
    model.recent.insert(0, command);
    model.recent.truncate(RECENT);
}
