//! The past of the field under the cursor: who changed it, which run set the base, what we wrote and what was found after it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::draw_fetch;
use crate::console::format;
use crate::console::model::Model;
use crate::console::theme::{self, Role};
use crate::console::widgets::{Panel, Text, draw_lines};
use crate::domain::OpState;
use crate::service::messages::{Happened, HistoryLine};

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let this = &model.conflicts;
    let field = this.field().filter(|field| field.item.is_some());
    let name = field.map(|field| field.names.salesforce.as_str());
    let title = name.map_or("History".to_owned(), |name| format!("History of {name}"));
    let inner = Panel::titled(title).draw(buf, area, model.theme);
    let is_review = this
        .queue
        .current()
        .is_some_and(|row| !row.kind.is_of_field());
    if is_review {
        let text = " A review item is about a record that has no past here yet.";
        draw_lines(buf, inner, &[Text::of(text, Role::Muted)], model.theme);
        return;
    }
    let Some(name) = name else { return };
    draw_fetch(
        buf,
        inner,
        model,
        &this.history,
        this.queue.selected.as_ref(),
        "the history",
        |buf, inner, lines| {
            let own: Vec<&HistoryLine> = lines.iter().filter(|line| line.pair == name).collect();
            let mut out: Vec<Text> = own
                .iter()
                .flat_map(|line| told(model, line, inner.width))
                .collect();
            if out.is_empty() {
                out.push(Text::of(" No run has written it yet.", Role::Muted));
            }
            draw_lines(buf, inner, &out, model.theme);
        },
    );
}

/// Two lines: when, where and who; then the values.
fn told(model: &Model, line: &HistoryLine, columns: u16) -> Vec<Text> {
    let room = usize::from(columns).saturating_sub(4);
    let when = line
        .at
        .map_or("before".to_owned(), |at| format::moment(at, model.now));
    let run = line.run.map_or(String::new(), |run| format!("run {run} "));
    let mut head = Text::of(format!(" {when} "), Role::Muted);
    if let Some(side) = line.side {
        head = head.and(format!("{} ", side.letters()), theme::side(side));
    }
    let (what, role) = match line.what {
        Happened::Edited => ("changed".to_owned(), Role::Text),
        Happened::BaseSet => (format!("{run}set the base"), Role::Text),
        Happened::Written(OpState::Confirmed) => (format!("{run}wrote"), Role::Ok),
        Happened::Written(state) => (
            format!("{run}wrote, {}", state.word()),
            match state {
                OpState::Failed => Role::Error,
                _ => Role::Warn,
            },
        ),
    };
    head = head.and(what, role);
    if let Some(by) = &line.by {
        head = head.and(format!(" by {by}"), Role::Muted);
    }
    let after = format::value(&line.after);
    let values = if line.what == Happened::BaseSet || !line.before.is_known() {
        Text::plain("   ").and(format::cut(&after, room), Role::Base)
    } else {
        let each = room.saturating_sub(3) / 2;
        Text::plain("   ")
            .and(format::cut(&format::value(&line.before), each), Role::Base)
            .then(" → ")
            .then(format::cut(&after, room.saturating_sub(each + 3)))
    };
    let mut out = vec![head, values];
    if let Some(found) = line.found.as_ref().filter(|found| **found != line.after) {
        out.push(
            Text::of("   found ", Role::Warn)
                .then(format::cut(&format::value(found), room.saturating_sub(6))),
        );
    }
    out
}
