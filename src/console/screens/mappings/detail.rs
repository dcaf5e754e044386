//! One mapping: what it matches on, who wins, its field pairs with a sample, its last runs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Focus;
use super::view::run_glyph;
use crate::console::format;
use crate::console::model::Model;
use crate::console::screens::{draw_fetch, labelled};
use crate::console::theme::Role;
use crate::console::widgets::{Panel, Text, draw_lines, sparkline};
use crate::service::messages::{MappingDetail, MappingStatus, PairRow};

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let this = &model.mappings;
    let title = this
        .list
        .selected
        .as_ref()
        .map_or("Mapping".to_owned(), ToString::to_string);
    let focused = this.focus == Focus::Detail;
    let inner = Panel::titled(title)
        .focused(focused)
        .draw(buf, area, model.theme);
    draw_fetch(
        buf,
        inner,
        model,
        &this.detail,
        this.list.selected.as_ref(),
        "the mapping",
        |buf, inner, detail| {
            let lines = lines(model, detail, inner.width, inner.height, focused);
            let top = if focused {
                this.detail_at.at.min(lines.len().saturating_sub(1))
            } else {
                0
            };
            draw_lines(
                buf,
                inner,
                lines.get(top..).unwrap_or_default(),
                model.theme,
            );
        },
    );
}

fn state(status: &MappingStatus) -> (String, Role) {
    match status {
        MappingStatus::ToConfirm => (
            "to confirm: its first run shows its plan".into(),
            Role::Muted,
        ),
        MappingStatus::Active => ("active".into(), Role::Ok),
        MappingStatus::Running => ("running".into(), Role::Accent),
        MappingStatus::Paused => ("paused".into(), Role::Muted),
        MappingStatus::Halted(why) => (format!("halted: {why}"), Role::Error),
    }
}

fn lines(model: &Model, detail: &MappingDetail, columns: u16, rows: u16, all: bool) -> Vec<Text> {
    let row = &detail.row;
    let (words, role) = state(&row.state);
    let mut out = labelled("state", &words, role, columns);
    out.push(
        Text::plain(" Salesforce ")
            .and(&row.objects.salesforce, Role::Left)
            .then(format!("  {}  HubSpot ", format::arrow(row.direction)))
            .and(&row.objects.hubspot, Role::Right)
            .and(
                format!("   {}", format::count(row.links, "link", "links")),
                Role::Muted,
            ),
    );
    out.extend(labelled("match", &detail.match_on, Role::Text, columns));
    out.extend(labelled("wins", &detail.wins, Role::Text, columns));
    out.push(Text::new());
    let wide = columns >= 70;
    let name = usize::from(columns.saturating_sub(if wide { 54 } else { 32 })).clamp(12, 40);
    let mut header = Text::of(" FIELD", Role::Muted)
        .pad_to(name + 2)
        .and("DIR  RULE", Role::Muted)
        .pad_to(name + 19);
    header.push("LAST CONFLICT", Role::Muted);
    if wide {
        header = header.pad_to(name + 34).and("SAMPLE", Role::Muted);
    }
    out.push(header);
    // Room is kept for the last runs below the fields, unless the pane has the keys and scrolls.
    let room = usize::from(rows).saturating_sub(out.len() + 5).max(3);
    let shown = if all {
        detail.pairs.len()
    } else {
        detail.pairs.len().min(room)
    };
    for pair in detail.pairs.iter().take(shown) {
        out.push(pair_line(model, pair, name, wide));
    }
    if shown < detail.pairs.len() {
        out.push(Text::of(
            format!(" ({} more, enter)", detail.pairs.len() - shown),
            Role::Muted,
        ));
    }
    if detail.pairs.is_empty() {
        out.push(Text::of(" No fields are mapped.", Role::Muted));
    }
    out.push(Text::new());
    out.extend(runs(detail));
    out
}

fn pair_line(model: &Model, pair: &PairRow, name: usize, wide: bool) -> Text {
    let names = if wide && pair.names.salesforce.to_lowercase() != pair.names.hubspot.to_lowercase()
    {
        format!("{} ~ {}", pair.names.salesforce, pair.names.hubspot)
    } else {
        pair.names.salesforce.clone()
    };
    let rule = if pair.transform.is_empty() {
        pair.rule.clone()
    } else {
        format!("{}, {}", pair.rule, pair.transform)
    };
    let mut line = Text::plain(format!(" {}", format::cut(&format::clean(&names), name)))
        .pad_to(name + 2)
        .then(format::arrow(pair.direction))
        .pad_to(name + 7)
        .then(format::cut(&format::clean(&rule), 11))
        .pad_to(name + 19)
        .then(
            pair.last_conflict
                .map_or("-".into(), |at| format::ago(at, model.now)),
        );
    if wide {
        line = line
            .pad_to(name + 34)
            .and(
                format::cut(&format::value(&pair.sample.salesforce), 20),
                Role::Left,
            )
            .and(" | ", Role::Muted)
            .and(
                format::cut(&format::value(&pair.sample.hubspot), 20),
                Role::Right,
            );
    }
    line
}

fn runs(detail: &MappingDetail) -> Vec<Text> {
    let recent = &detail.row.recent;
    if recent.is_empty() {
        return vec![Text::of(" It has not run yet.", Role::Muted)];
    }
    let changed: Vec<u64> = recent.iter().map(|run| run.changed).collect();
    let most = recent.iter().max_by_key(|run| run.changed);
    let mut marks = Text::plain(" ");
    for run in recent {
        let (glyph, role) = run_glyph(run.state);
        marks.push(glyph, role);
    }
    vec![
        Text::of(format!(" LAST {} RUNS", recent.len()), Role::Muted).then("  changed per run"),
        Text::plain(format!(" {}", sparkline(&changed))).then(most.map_or(String::new(), |run| {
            format!("   max {} (run {})", format::number(run.changed), run.run)
        })),
        marks,
    ]
}
