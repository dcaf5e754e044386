//! A line of text typed in the message row: the filter (which works while it is typed), a record to find, a file's name, a reason.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use tui_textarea::TextArea;

use super::{
    Then, insert, is_no, labelled_field, line_field, line_of, message_row, record, type_into,
};
use crate::console::model::Model;
use crate::console::msg::Effect;
use crate::console::screens::{conflicts, errors};
use crate::console::update;
use crate::console::widgets::clear;
use crate::domain::ItemId;
use crate::service::messages::Tone;

/// What the line is for.
enum Kind {
    Filter { before: String },
    FindRecord,
    Export,
    Later { rows: Vec<ItemId> },
}

/// A line being typed.
pub struct Prompt {
    kind: Kind,
    text: TextArea<'static>,
}

impl Prompt {
    /// The filter of the list that has the keys.
    pub fn filter(before: &str) -> Self {
        Prompt {
            kind: Kind::Filter {
                before: before.to_owned(),
            },
            text: line_field(before),
        }
    }

    /// A record by id, e-mail or name.
    pub fn find_record() -> Self {
        Prompt {
            kind: Kind::FindRecord,
            text: line_field(""),
        }
    }

    /// The name of the file that errors are exported to.
    pub fn export() -> Self {
        Prompt {
            kind: Kind::Export,
            text: line_field("errors.csv"),
        }
    }

    /// Why rows of the queue are left for later.
    pub fn later(rows: Vec<ItemId>) -> Self {
        Prompt {
            kind: Kind::Later { rows },
            text: line_field(""),
        }
    }

    /// Gives it pasted text.
    pub fn paste(&mut self, model: &mut Model, text: &str) {
        insert(&mut self.text, text, false);
        self.changed(model);
    }

    fn changed(&self, model: &mut Model) {
        if let Kind::Filter { .. } = self.kind {
            let filter = line_of(&self.text);
            if let Some(list) = update::active(model) {
                list.set_filter(filter);
            }
        }
    }

    /// Gives it a key.
    pub fn key(&mut self, model: &mut Model, key: KeyEvent) -> Then {
        if is_no(key) {
            if let Kind::Filter { before } = &self.kind
                && let Some(list) = update::active(model)
            {
                list.set_filter(before.clone());
            }
            return Then::Close;
        }
        if key.code == KeyCode::Enter {
            return Then::Do(self.done(model));
        }
        if type_into(&mut self.text, key) {
            self.changed(model);
        }
        Then::Stay
    }

    fn done(&self, model: &mut Model) -> Vec<Effect> {
        let text = line_of(&self.text).trim().to_owned();
        match &self.kind {
            Kind::Filter { .. } => Vec::new(),
            Kind::Later { rows } => conflicts::leave(model, rows.clone(), text),
            _ if text.is_empty() => Vec::new(),
            Kind::FindRecord => vec![record::open(model, text, None)],
            Kind::Export => {
                // A name, not a path: it goes into the folder the caller chose.
                if text.contains(['/', '\\'])
                    || text.starts_with('.')
                    || text.chars().any(char::is_control)
                {
                    model.say(
                        Tone::Warn,
                        "A file name without folders is needed: errors.csv or errors.json.",
                    );
                    return Vec::new();
                }
                vec![Effect::Export {
                    query: errors::export_query(model),
                    name: text,
                }]
            }
        }
    }

    /// Draws it.
    pub fn draw(&self, model: &Model, buf: &mut Buffer) {
        let row = message_row(buf);
        if row.height == 0 {
            return;
        }
        clear(buf, row);
        let label = match self.kind {
            Kind::Filter { .. } => " / ",
            Kind::FindRecord => " Find record by id, e-mail or name: ",
            Kind::Export => " Export to file (.csv or .json): ",
            Kind::Later { .. } => " Later, because (may stay empty): ",
        };
        labelled_field(buf, row, label, &self.text, model.theme);
    }
}
