//! The panes of numbers on screen 2: rates and budget, counts per mapping, totals.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::format;
use crate::console::layout::Room;
use crate::console::model::Model;
use crate::console::theme::{self, Role};
use crate::console::widgets::{
    Align, Col, Panel, Table, TableRow, Text, draw_lines, draw_table, gauge, sparkline,
};
use crate::domain::Side;

/// Draws the pane.
pub fn draw_rate(model: &Model, area: Rect, buf: &mut Buffer) {
    let inner = Panel::titled("Rate and budget").draw(buf, area, model.theme);
    let mut lines = vec![Text::of(" writes/s (60 s)", Role::Muted)];
    for side in Side::BOTH {
        let rates: Vec<u64> = model.live.rates.get(side).iter().copied().collect();
        let shown = rates
            .get(rates.len().saturating_sub(24)..)
            .unwrap_or_default();
        let now = rates.last().copied().unwrap_or(0);
        lines.push(
            Text::plain(" ")
                .and(side.letters(), theme::side(side))
                .then(format!("  {}", sparkline(shown)))
                .pad_to(31)
                .then(format!("{now:>4}/s")),
        );
    }
    lines.push(Text::new());
    lines.push(Text::of(" API budget today", Role::Muted));
    for side in Side::BOTH {
        let connection = model.status.connections.get(side);
        let line = Text::plain(" ").and(side.letters(), theme::side(side));
        lines.push(match connection.daily {
            Some((used, limit)) => {
                let percent = if limit == 0 {
                    100
                } else {
                    u128::from(used) * 100 / u128::from(limit)
                };
                line.then(format!(
                    " {} {percent:>3}%  {} left",
                    gauge(used, limit, 20),
                    format::short_number(limit.saturating_sub(used))
                ))
            }
            None => line.then(" not told yet"),
        });
        if let Some(forecast) = model
            .status
            .run
            .as_ref()
            .and_then(|run| run.forecast.as_ref())
        {
            lines.push(Text::of(
                format!("    forecast +{}", format::number(*forecast.get(side))),
                Role::Muted,
            ));
        }
    }
    draw_lines(buf, inner, &lines, model.theme);
}

/// Draws the pane.
pub fn draw_mappings(model: &Model, area: Rect, buf: &mut Buffer) {
    let inner = Panel::titled("Mappings in this run").draw(buf, area, model.theme);
    let Some(run) = &model.status.run else { return };
    let columns = [
        Col::flex("MAPPING", 20, 1, 40, 0),
        Col::number("LOOKED", 8, 1),
        Col::number("CHANGED", 8, 1),
        Col::number("WRITTEN", 8, 0),
        Col::number("CONF", 5, 0),
        Col {
            align: Align::Right,
            ..Col::fixed("ERR", 5, 0)
        },
    ];
    let rows = run
        .mappings
        .iter()
        .map(|mapping| {
            let counts = run
                .counts
                .iter()
                .find(|counts| counts.mapping == *mapping)
                .map(|counts| &counts.counts);
            let cells = match counts {
                None => {
                    let dash = || Text::of("-", Role::Muted);
                    vec![
                        dash(),
                        Text::of("waits", Role::Muted),
                        dash(),
                        dash(),
                        dash(),
                    ]
                }
                Some(counts) => {
                    let written = counts.created.salesforce
                        + counts.created.hubspot
                        + counts.updated.salesforce
                        + counts.updated.hubspot;
                    let changed =
                        counts.updated_links + counts.created.salesforce + counts.created.hubspot;
                    [
                        counts.read.salesforce + counts.read.hubspot,
                        changed,
                        written,
                        counts.conflicts + counts.review,
                        counts.errors,
                    ]
                    .into_iter()
                    .map(|count| Text::plain(format::number(count)))
                    .collect()
                }
            };
            TableRow {
                cells: [vec![Text::plain(mapping.as_str())], cells].concat(),
                ..TableRow::default()
            }
        })
        .collect();
    draw_table(
        buf,
        inner,
        &Table {
            columns: &columns,
            rows,
            marks: false,
            focused: false,
        },
        model.theme,
    );
}

/// Draws the pane.
pub fn draw_totals(model: &Model, room: Room, area: Rect, buf: &mut Buffer) {
    let Some(run) = &model.status.run else {
        if room > Room::Narrow {
            Panel::titled("Totals").draw(buf, area, model.theme);
        }
        return;
    };
    let totals = run.totals;
    let alarm = |count: u64, role: Role| if count > 0 { role } else { Role::Text };
    let first = Text::plain(format!(
        " written {}   unchanged {}   ",
        format::number(totals.written),
        format::number(totals.unchanged)
    ))
    .and(
        format!("conflicts {}", format::number(totals.conflicts)),
        alarm(totals.conflicts, Role::Warn),
    )
    .then("   ")
    .and(
        format!("failed {}", format::number(totals.failed)),
        alarm(totals.failed, Role::Error),
    )
    .then(format!("   skipped {}", format::number(totals.skipped)));
    if room <= Room::Narrow {
        draw_lines(buf, area, &[first], model.theme);
        return;
    }
    let mut api = Text::plain(" API this run ");
    for side in Side::BOTH {
        api.push(format!(" {} ", side.letters()), theme::side(side));
        api.push(format::number(*run.calls.total.get(side)), Role::Text);
        if let Some(forecast) = &run.forecast {
            api.push(
                format!(" of ~{}", format::number(*forecast.get(side))),
                Role::Muted,
            );
        }
    }
    let left: Vec<String> = Side::BOTH
        .into_iter()
        .filter_map(|side| {
            let (used, limit) = model.status.connections.get(side).daily?;
            Some(format!(
                "{} {}",
                side.letters(),
                format::short_number(limit.saturating_sub(used))
            ))
        })
        .collect();
    if !left.is_empty() {
        api.push(format!("      left today  {}", left.join("  ")), Role::Text);
    }
    if let Some((batch, of)) = run.batch {
        api.push(
            format!(
                "      batch {} of {}",
                format::number(batch),
                format::number(of)
            ),
            Role::Muted,
        );
    }
    let inner = Panel::titled("Totals").draw(buf, area, model.theme);
    draw_lines(buf, inner, &[first, api], model.theme);
}
