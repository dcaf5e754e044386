//! Drawing of screen 5.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::record;
use crate::console::format;
use crate::console::hit::HitMap;
use crate::console::layout::{self, Frame};
use crate::console::model::Model;
use crate::console::screens::labelled;
use crate::console::screens::list_view::ListView;
use crate::console::theme::{self, Role};
use crate::console::widgets::{Col, Panel, Text, draw_lines};
use crate::domain::{ErrorItem, VendorError};
use crate::service::messages::CauseRow;

const CAUSES: &[Col] = &[
    Col::number("COUNT", 6, 0),
    Col::fixed("LAST", 4, 1),
    Col::fixed("SYS", 3, 0),
    Col::flex("CODE", 23, 1, 40, 3),
    Col::flex("WHAT", 24, 4, 200, 0),
];

const RECORDS: &[Col] = &[
    Col::flex("RECORD", 18, 3, 50, 0),
    Col::flex("FIELD", 8, 1, 24, 3),
    Col::flex("VALUE", 8, 2, 40, 1),
    Col::number("RUN", 4, 3),
    Col::number("TRIES", 5, 2),
    Col::fixed("LAST", 4, 4),
];

/// Draws the screen.
pub fn draw(model: &Model, frame: Frame, buf: &mut Buffer, hits: &mut HitMap) {
    let areas = layout::errors(frame.body, frame.room, model.errors.opened);
    if areas.list.height > 0 {
        draw_causes(model, areas.list, buf, hits);
    }
    if areas.about.height > 0 {
        draw_about(model, areas.about, buf);
    }
    if areas.inner.height > 0 {
        draw_records(model, areas.inner, buf, hits);
    }
    if areas.deep.height > 0 {
        record::draw(model, areas.deep, buf);
    }
}

fn draw_causes(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let list = &model.errors.causes;
    let records: u64 = list.rows.iter().map(|row| row.count).sum();
    let whole = list.rows.len() == list.matched && list.matched == list.total;
    let kinds = format::count(list.total as u64, "kind", "kinds");
    let title = if whole && list.total > 0 {
        format!(
            "Errors {kinds}, {}",
            format::count(records, "record", "records")
        )
    } else if list.total > 0 {
        format!("Errors {kinds}")
    } else {
        "Errors".into()
    };
    ListView {
        list,
        title,
        order: "largest first",
        what: "errors",
        empty: &[
            "No errors. Every record that was looked at could be synced.",
            "6 shows the runs.",
        ],
        columns: CAUSES,
        focused: !model.errors.opened,
        cells: &|row| cause_cells(model, row),
    }
    .draw(model, area, buf, hits);
}

fn cause_cells(model: &Model, row: &CauseRow) -> Vec<Text> {
    vec![
        Text::plain(format::number(row.count)),
        Text::plain(format::age(row.last, model.now)),
        Text::of(row.side.letters(), theme::side(row.side)),
        Text::plain(&row.code),
        Text::plain(&row.what),
    ]
}

pub(super) fn vendor_words(vendor: &VendorError) -> String {
    let status = if vendor.status == 0 {
        String::new()
    } else {
        format!("{} ", vendor.status)
    };
    format!("{status}{}: \"{}\"", vendor.code, vendor.text)
}

fn draw_about(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(cause) = model.errors.causes.current() else {
        Panel::titled("What").draw(buf, area, model.theme);
        return;
    };
    let title = if cause.field.is_empty() {
        cause.code.clone()
    } else {
        format!("{} on {}", cause.code, cause.field)
    };
    let inner = Panel::titled(title)
        .right(cause.category.word())
        .draw(buf, area, model.theme);
    let mut lines = Vec::new();
    let records = format::count(cause.count, "record", "records");
    let refused = if cause.vendor.is_some() {
        format!("{} refused {records}: {}", cause.side, cause.what)
    } else {
        format!("{records} could not be sent: {}", cause.what)
    };
    lines.extend(labelled("What", &refused, Role::Text, inner.width));
    if let Some(vendor) = &cause.vendor {
        lines.extend(
            labelled("Why", &vendor_words(vendor), Role::Text, inner.width)
                .into_iter()
                .take(3),
        );
    }
    let place = if cause.field.is_empty() {
        cause.mapping.to_string()
    } else {
        format!("{}, field {}", cause.mapping, cause.field)
    };
    let again = cause.retry_at.map_or("not retried by itself".into(), |at| {
        format!("tried again {}", format::until(at, model.now))
    });
    lines.extend(labelled(
        "Where",
        &format!(
            "{place}   first {}, {again}",
            format::ago(cause.first, model.now)
        ),
        Role::Text,
        inner.width,
    ));
    lines.extend(labelled("Do", &cause.next, Role::Accent, inner.width));
    let samples: Vec<String> = cause
        .samples
        .iter()
        .map(|(id, name)| format!("{} {name}", format::id(id.as_str())))
        .collect();
    if !samples.is_empty() {
        lines.extend(
            labelled(
                "First",
                &format!("{}  (enter lists all)", samples.join("   ")),
                Role::Text,
                inner.width,
            )
            .into_iter()
            .take(2),
        );
    }
    let correlation = cause
        .vendor
        .as_ref()
        .and_then(|vendor| vendor.request_id.as_deref());
    let id = correlation.map_or(format!("run {}", cause.run), |id| {
        format!("correlation {id}   run {}   y copies", cause.run)
    });
    lines.extend(labelled("Id", &id, Role::Muted, inner.width));
    // The next step and the id are never the ones that fall off a short pane.
    let room = usize::from(inner.height);
    if lines.len() > room && room > 2 {
        let tail = lines.split_off(lines.len() - 1);
        lines.truncate(room - 1);
        lines.extend(tail);
    }
    draw_lines(buf, inner, &lines, model.theme);
}

fn draw_records(model: &Model, area: Rect, buf: &mut Buffer, hits: &mut HitMap) {
    let this = &model.errors;
    let list = &this.records;
    let title = this.causes.current().map_or("Records".to_owned(), |cause| {
        format!(
            "Records {}   {}",
            format::number(list.total as u64),
            cause.code
        )
    });
    if this.causes.selected.is_none() {
        Panel::titled(title).draw(buf, area, model.theme);
        return;
    }
    ListView {
        list,
        title,
        order: "",
        what: "records",
        empty: &["None are left of this cause."],
        columns: RECORDS,
        focused: this.opened,
        cells: &|item| record_cells(model, item),
    }
    .draw(model, area, buf, hits);
}

fn record_cells(model: &Model, item: &ErrorItem) -> Vec<Text> {
    vec![
        Text::plain(format!(
            "{} {}",
            format::id(item.record.id.as_str()),
            item.label
        )),
        Text::plain(&item.field),
        Text::plain(format::value(&item.value)),
        Text::plain(item.run.to_string()),
        Text::plain(format::number(u64::from(item.tries))),
        Text::plain(format::age(item.last_seen, model.now)),
    ]
}
