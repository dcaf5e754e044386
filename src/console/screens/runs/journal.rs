//! One run's journal, and one write of it in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::format;
use crate::console::hit::HitMap;
use crate::console::model::Model;
use crate::console::screens::labelled;
use crate::console::screens::list_view::ListView;
use crate::console::theme::{self, Role};
use crate::console::widgets::{Col, Panel, Text, draw_lines};
use crate::domain::{Op, OpState, Value};
use crate::service::messages::ListKind;

const JOURNAL: &[Col] = &[
    Col::fixed("SYS", 3, 0),
    Col::flex("RECORD", 12, 1, 24, 0),
    Col::fixed("DOES", 7, 3),
    Col::flex("FIELD", 12, 2, 30, 0),
    Col::flex("BEFORE", 10, 3, 60, 2),
    Col::flex("AFTER", 10, 3, 60, 1),
    Col::fixed("STATE", 10, 0),
];

/// Draws the pane.
pub fn draw_journal(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let this = &model.runs;
    let planned = matches!(this.journal.kind, ListKind::Plan { .. });
    let title = match this.runs.selected {
        None => "Journal".to_owned(),
        Some(run) if planned => format!("Run {run} plan: nothing was sent"),
        Some(run) => format!("Run {run} journal"),
    };
    if this.runs.selected.is_none() {
        Panel::titled(title).draw(buf, area, model.theme);
        return;
    }
    ListView {
        list: &this.journal,
        title,
        order: "",
        what: if planned { "the plan" } else { "the journal" },
        empty: if planned {
            &["This run kept no plan."]
        } else {
            &["This run wrote nothing."]
        },
        columns: JOURNAL,
        focused: this.opened,
        cells: &op_cells,
    }
    .draw(model, area, buf, hits);
}

fn op_record(op: &Op) -> String {
    let id = op.target.as_ref().or(op.outcome.record.as_ref());
    id.map_or("(new)".into(), |id| format::id(id.as_str()))
}

fn op_cells(op: &Op) -> Vec<Text> {
    let first = op.fields.iter().next();
    let more = op.fields.len().saturating_sub(1);
    let field = first.map_or("-".into(), |(name, _)| {
        if more > 0 {
            format!("{name} +{more}")
        } else {
            name.clone()
        }
    });
    let value = |value: Option<&Value>| value.map_or("-".into(), format::value);
    let role = match op.state {
        OpState::Confirmed => Role::Ok,
        OpState::Failed => Role::Error,
        OpState::Unknown | OpState::Skipped | OpState::Superseded => Role::Warn,
        OpState::Planned | OpState::Sent => Role::Text,
    };
    vec![
        Text::of(op.side.letters(), theme::side(op.side)),
        Text::plain(op_record(op)),
        Text::plain(op.kind.word()),
        Text::plain(field),
        Text::of(
            value(first.map(|(_, assignment)| &assignment.before)),
            Role::Base,
        ),
        Text::plain(value(first.map(|(_, assignment)| &assignment.after))),
        Text::of(op.state.word(), role),
    ]
}

/// One op with all its fields.
pub fn draw_op(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(op) = model.runs.journal.current() else {
        Panel::titled("Write").draw(buf, area, model.theme);
        return;
    };
    let title = format!(
        "{} {} {} {}",
        op.side.letters(),
        op.kind.word(),
        op.object,
        op_record(op)
    );
    let inner = Panel::titled(title)
        .right(op.state.word())
        .draw(buf, area, model.theme);
    let mut lines: Vec<Text> = Vec::new();
    if let Some(why) = &op.outcome.why {
        lines.extend(
            labelled("Why", why, Role::Warn, inner.width)
                .into_iter()
                .take(2),
        );
    }
    if let Some(error) = &op.outcome.error {
        lines.extend(
            labelled(
                "Answer",
                &format!("{} {}", error.code, error.text),
                Role::Error,
                inner.width,
            )
            .into_iter()
            .take(2),
        );
    }
    for (name, assignment) in &op.fields {
        lines.push(
            Text::plain(format!(" {name}: "))
                .and(format::value(&assignment.before), Role::Base)
                .then(format!(" → {}", format::value(&assignment.after)))
                .and(
                    format!("   {}", format::rule(&assignment.rule)),
                    Role::Muted,
                ),
        );
    }
    draw_lines(buf, inner, &lines, model.theme);
}
