//! The keys of the pane that has them, from the table, in columns; `/` is not needed: typing searches.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::style::Style;
use tui_textarea::TextArea;

use super::{Then, is_no, labelled_field, line_field, line_of, type_into, window};
use crate::console::format;
use crate::console::keymap::{self, Availability, Binding, Context, Danger, Group};
use crate::console::model::Model;
use crate::console::theme::Role;
use crate::console::update;
use crate::console::widgets::{Panel, Text};

/// The help overlay.
pub struct Help {
    context: Context,
    /// What is searched for.
    pub search: TextArea<'static>,
    at: usize,
    searching: bool,
}

impl Help {
    /// Help for a pane.
    pub fn new(context: Context) -> Self {
        Help {
            context,
            search: line_field(""),
            at: 0,
            searching: false,
        }
    }

    /// The rows that the search lets through, by group.
    pub fn rows(&self) -> Vec<&'static Binding> {
        let words = line_of(&self.search).to_lowercase();
        let mut rows: Vec<&Binding> = keymap::bindings(self.context)
            .filter(|row| {
                let text = format!(
                    "{} {} {} {}",
                    row.shown_keys(),
                    row.label,
                    row.long,
                    row.aliases
                )
                .to_lowercase();
                words.split_whitespace().all(|word| text.contains(word))
            })
            .collect();
        rows.sort_by_key(|row| row.group);
        rows
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        let rows = self.rows();
        match key.code {
            _ if is_no(key) && self.searching => {
                self.searching = false;
                self.search = line_field("");
            }
            _ if is_no(key) => return Then::Close,
            KeyCode::Char('q' | '?') if !self.searching => return Then::Close,
            KeyCode::Char('/') if !self.searching => self.searching = true,
            KeyCode::Up => self.at = self.at.saturating_sub(1),
            KeyCode::Char('k') if !self.searching => self.at = self.at.saturating_sub(1),
            KeyCode::Down => self.at += 1,
            KeyCode::Char('j') if !self.searching => self.at += 1,
            KeyCode::Enter => {
                let command = rows.get(self.at).map(|row| row.command);
                return Then::Do(
                    command.map_or_else(Vec::new, |command| update::perform(model, command)),
                );
            }
            _ if self.searching => {
                type_into(&mut self.search, key);
                self.at = 0;
            }
            _ => {}
        }
        self.at = self.at.min(self.rows().len().saturating_sub(1));
        Then::Stay
    }

    /// Draws it: two columns where there is room for them, the selected row always in sight.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let rows = self.rows();
        let columns = if buf.area.width >= 110 { 2usize } else { 1 };
        let panel = Panel::titled(format!("Help: {}   (/ search)", self.context.name()))
            .bottom("enter does it   esc close");
        let width = if columns == 2 { 150 } else { 76 };
        let mut lines: Vec<(Option<usize>, Text)> = Vec::new();
        let mut group: Option<Group> = None;
        let each = usize::from(
            width
                .min(buf.area.width.saturating_sub(4))
                .saturating_sub(4),
        ) / columns;
        for (index, row) in rows.iter().enumerate() {
            if group != Some(row.group) {
                if group.is_some() {
                    lines.push((None, Text::new()));
                }
                group = Some(row.group);
                lines.push((None, Text::of(row.group.title(), Role::Muted)));
            }
            lines.push((Some(index), line(model, row, each)));
        }
        if rows.is_empty() {
            lines.push((
                None,
                Text::of(
                    "No key does that here. : finds commands of other screens.",
                    Role::Muted,
                ),
            ));
        }
        let per_column = lines.len().div_ceil(columns);
        let height = (per_column + 5).min(usize::from(buf.area.height.saturating_sub(2)));
        let inner = window(model, buf, width, height as u16, panel);
        let fits = usize::from(inner.height.saturating_sub(2)).max(1);
        // The page of rows that holds the selected one.
        let at = lines
            .iter()
            .position(|(index, _)| *index == Some(self.at))
            .unwrap_or(0);
        let page = fits * columns;
        let top = at / page * page;
        for (row, (index, text)) in lines.iter().skip(top).take(page).enumerate() {
            let x = inner.x + 1 + (row / fits * (each + 1)) as u16;
            let y = inner.y + (row % fits) as u16;
            let over = if *index == Some(self.at) {
                model.theme.style(Role::Selection)
            } else {
                Style::new()
            };
            text.draw(
                buf,
                x,
                y,
                each.min(usize::from(inner.right().saturating_sub(x))),
                model.theme,
                over,
            );
        }
        let bottom = Rect {
            x: inner.x + 1,
            y: inner.bottom().saturating_sub(1),
            width: inner.width.saturating_sub(2),
            height: 1,
        };
        if self.searching {
            labelled_field(buf, bottom, "/ ", &self.search, model.theme);
        } else {
            let note = "Text fields: type freely; only esc, enter, tab and ctrl keys act.";
            Text::of(note, Role::Muted).draw(
                buf,
                bottom.x,
                bottom.y,
                usize::from(bottom.width),
                model.theme,
                Style::new(),
            );
        }
    }
}

fn line(model: &Model, row: &Binding, columns: usize) -> Text {
    let long = match (row.when)(model) {
        Availability::Enabled | Availability::NotYet(_) => Text::plain(row.long),
        Availability::Disabled(why) => Text::of(format!("{}: {why}", row.label), Role::Muted),
    };
    let mut text = Text::of(format::cut(&row.shown_keys(), 13), Role::Key).pad_to(14);
    text.extend(long);
    if row.danger == Danger::Writes {
        text.push("  (writes)", Role::Warn);
    }
    text.pad_to(columns)
}
