//! Leaving while a run is under way.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Style;

use super::{Then, window};
use crate::console::model::{Leaving, Model};
use crate::console::msg::Purpose;
use crate::console::theme::Role;
use crate::console::widgets::{Panel, Text};
use crate::service::messages::Request;

/// Gives it a key; what was typed before it was seen stops nothing.
pub fn key(model: &mut Model, key: KeyEvent, seen: bool) -> Then {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
            model.leaving = Leaving::Now(None);
            Then::Close
        }
        KeyCode::Char('x') if seen => {
            model.leaving = Leaving::AfterBatch(model.now);
            let run = model.status.run.as_ref().and_then(|run| run.run);
            Then::Do(vec![
                model.ask(Purpose::StopAndLeave, Request::Stop { run }),
            ])
        }
        KeyCode::Esc | KeyCode::Char('b' | 'q' | 'n') => Then::Close,
        _ => Then::Stay,
    }
}

/// Draws it.
pub fn draw(model: &Model, buf: &mut Buffer) {
    let run = model.status.run.as_ref();
    let name = run
        .and_then(|run| run.run)
        .map_or("A preview or a backup is being made".to_owned(), |run| {
            format!("Run {run} is under way")
        });
    let batch = run
        .and_then(|run| run.batch)
        .map_or(String::new(), |(batch, of)| {
            format!(": batch {batch} of {of} is being written")
        });
    let inner = window(
        model,
        buf,
        66,
        7,
        Panel::titled("Leave while a run is under way?"),
    );
    let lines = [
        Text::plain(format!(" {name}{batch}.")),
        Text::new(),
        Text::plain(" ")
            .and("x", Role::Key)
            .then("    stop after this batch and leave; the next run goes on"),
        Text::plain(" ")
            .and("b", Role::Key)
            .then("    keep it going here"),
        Text::plain(" ").and("esc", Role::Key).then("  stay"),
    ];
    for (row, line) in lines.iter().enumerate() {
        let y = inner.y + row as u16;
        if y < inner.bottom() {
            line.draw(
                buf,
                inner.x,
                y,
                usize::from(inner.width),
                model.theme,
                Style::new(),
            );
        }
    }
}
