//! The lines of one record's page.

use crate::console::format;
use crate::console::model::Model;
use crate::console::screens::labelled;
use crate::console::theme::{self, Role};
use crate::console::widgets::Text;
use crate::domain::{CreatedBy, Link, LinkState, Op, OpState, Side, Value};
use crate::service::messages::{RecordField, RecordView, Seen, SideNow, Verdict};

/// Columns from which the rule has one of its own.
const WITH_RULE: usize = 70;

/// All lines, for a page of that width.
pub(super) fn lines(model: &Model, record: &RecordView, columns: u16) -> Vec<Text> {
    let mut out = reason(record, columns);
    out.push(Text::new());
    for side in Side::BOTH {
        out.push(side_line(model, side, record.sides.get(side)));
    }
    out.extend(link_lines(model, record, columns));
    out.extend(scope_lines(record, columns));
    out.extend(field_lines(record, columns));
    out.extend(waiting_lines(record, columns));
    out.extend(journal_lines(model, record, columns));
    out
}

/// The sentence, with the glyph of how it reads.
fn reason(record: &RecordView, columns: u16) -> Vec<Text> {
    let (glyph, role) = theme::tone(record.tone);
    let room = usize::from(columns).saturating_sub(4);
    format::wrap(&format::clean(&record.why), room)
        .into_iter()
        .enumerate()
        .map(|(at, line)| {
            let glyph = if at == 0 { glyph } else { "" };
            Text::of(format!(" {glyph}"), role)
                .pad_to(3)
                .and(line, role)
        })
        .collect()
}

fn side_line(model: &Model, side: Side, now: &SideNow) -> Text {
    let line = Text::plain(" ")
        .and(side.letters(), theme::side(side))
        .pad_to(8);
    let Some(id) = &now.id else {
        return line.and("no record", Role::Muted);
    };
    let (word, role) = match &now.seen {
        Seen::Live => ("", Role::Text),
        Seen::Deleted => ("deleted", Role::Error),
        Seen::MergedInto(_) => ("merged", Role::Error),
        Seen::Converted(_) => ("converted", Role::Warn),
        Seen::Missing => ("does not answer", Role::Error),
        Seen::Unread(_) => ("could not be read", Role::Warn),
        Seen::NotAsked | Seen::NoRecord => ("not read", Role::Muted),
    };
    let mut line = line.then(id.as_str()).pad_to(28).and(word, role);
    if let Some(at) = now.modified_at {
        line.push(
            format!("changed {}", format::moment(at, model.now)),
            Role::Text,
        );
    }
    if let Some(by) = &now.modified_by {
        line.push(format!(" by {by}"), Role::Muted);
    }
    line
}

fn link_lines(model: &Model, record: &RecordView, columns: u16) -> Vec<Text> {
    let text = match &record.link {
        Some(link) => link_words(link, model),
        None => "none: it has no counterpart".into(),
    };
    let mut out = labelled("link", &text, Role::Text, columns);
    if let Some(at) = record.next_run_at {
        let text = format!("{} ({})", format::moment(at, model.now), record.mapping);
        out.extend(labelled("next", &text, Role::Text, columns));
    }
    out
}

fn link_words(link: &Link, model: &Model) -> String {
    let how = match link.created_by {
        CreatedBy::Matched => "matched",
        CreatedBy::CreatedSalesforce => "made in Salesforce by us",
        CreatedBy::CreatedHubspot => "made in HubSpot by us",
        CreatedBy::Adopted => "found under its key",
        CreatedBy::Person => "linked by a person",
        CreatedBy::Relinked => "taken over from a Lead",
    };
    let state = match &link.state {
        LinkState::Active => "",
        LinkState::PendingCreate => ", waits for an answer",
        LinkState::Suspended(_) => ", set aside",
        LinkState::Deleted(_) => ", a record of it is gone",
        LinkState::TakenBack(_) => ", taken back",
        LinkState::OutOfScope => ", out of scope",
        LinkState::Unlinked => ", not linked any more",
        LinkState::Superseded(_) => ", taken over",
    };
    format!(
        "{}  {how}, {}{state}",
        link.id.short(),
        format::moment(link.created_at, model.now)
    )
}

fn scope_lines(record: &RecordView, columns: u16) -> Vec<Text> {
    let clauses: Vec<String> = record
        .scope
        .iter()
        .map(|clause| {
            let glyph = match clause.holds {
                Some(true) => "✓",
                Some(false) => "✗",
                None => "·",
            };
            format!("{glyph} {}", format::clean(&clause.clause))
        })
        .collect();
    let role = if record.in_scope() {
        Role::Text
    } else {
        Role::Warn
    };
    labelled("scope", &clauses.join("   "), role, columns)
}

/// Fields with something to say first.
fn field_lines(record: &RecordView, columns: u16) -> Vec<Text> {
    if record.fields.is_empty() {
        return Vec::new();
    }
    let widths = Widths::of(usize::from(columns));
    let mut out = vec![
        Text::new(),
        widths.row(
            ["FIELD", "BASE", "SALESFORCE", "HUBSPOT", "RULE"]
                .map(|head| Text::of(head, Role::Muted)),
            Text::of("NEXT RUN", Role::Muted),
        ),
    ];
    let (quiet, loud): (Vec<&RecordField>, Vec<&RecordField>) = record
        .fields
        .iter()
        .partition(|field| field.verdict.is_at_rest());
    let sorted = loud.into_iter().chain(quiet);
    out.extend(sorted.map(|field| field_line(record, field, &widths)));
    out
}

/// Columns of the field table.
struct Widths {
    name: usize,
    value: usize,
    rule: usize,
    verdict: usize,
}

impl Widths {
    fn of(columns: usize) -> Self {
        let name = (columns / 7).clamp(9, 22);
        let rule = if columns >= WITH_RULE { 9 } else { 0 };
        let verdict = 14;
        let value = columns.saturating_sub(name + rule + verdict + 2) / 3;
        Widths {
            name,
            value,
            rule,
            verdict,
        }
    }

    fn row(&self, cells: [Text; 5], verdict: Text) -> Text {
        let [name, base, salesforce, hubspot, rule] = cells;
        let mut line = Text::plain(" ");
        let mut column = 1;
        for (cell, width) in [
            (name, self.name),
            (base, self.value),
            (salesforce, self.value),
            (hubspot, self.value),
            (rule, self.rule),
        ] {
            if width > 0 {
                line.extend(cell);
                column += width;
                line = line.pad_to(column);
            }
        }
        line.extend(verdict);
        line
    }
}

fn field_line(record: &RecordView, field: &RecordField, widths: &Widths) -> Text {
    let quiet = field.verdict.is_at_rest();
    let role = |role: Role| if quiet { Role::Muted } else { role };
    let side = |side: Side| {
        let room = widths.value.saturating_sub(1);
        match field.now.get(side) {
            Value::Unknown if is_gone(&record.sides.get(side).seen) => Text::of("-", Role::Muted),
            value if *field.changed.get(side) => {
                let room = room.saturating_sub(2);
                Text::of(
                    format::cut(&format::value(value), room),
                    role(theme::side(side)),
                )
                .and(" ~", Role::Warn)
            }
            value => Text::of(
                format::cut(&format::value(value), room),
                role(theme::side(side)),
            ),
        }
    };
    let base = match (&field.base.salesforce, &field.base.hubspot) {
        (Some(base), _) | (None, Some(base)) => Text::of(
            format::cut(&format::value(base), widths.value - 1),
            role(Role::Base),
        ),
        (None, None) => Text::of("-", Role::Muted),
    };
    let (words, own) = verdict(field.verdict);
    widths.row(
        [
            Text::of(
                format::cut(&format::clean(field.name()), widths.name - 1),
                role(Role::Text),
            ),
            base,
            side(Side::Salesforce),
            side(Side::HubSpot),
            Text::of(
                format::cut(&format::clean(&field.rule), widths.rule.saturating_sub(1)),
                role(Role::Text),
            ),
        ],
        Text::of(format::cut(words, widths.verdict), own),
    )
}

/// True where a side has no record whose values could be told.
fn is_gone(seen: &Seen) -> bool {
    !matches!(seen, Seen::Live | Seen::NotAsked | Seen::Unread(_))
}

/// A verdict in a column's width.
fn verdict(verdict: Verdict) -> (&'static str, Role) {
    match verdict {
        Verdict::Equal => ("✓ equal", Role::Muted),
        Verdict::Diverged => ("· left apart", Role::Text),
        Verdict::GoesTo(Side::HubSpot) => ("→ HubSpot", Role::Accent),
        Verdict::GoesTo(Side::Salesforce) => ("← Salesforce", Role::Accent),
        Verdict::GoesToBoth => ("⇄ to both", Role::Accent),
        Verdict::BothChanged => ("⇄ by times", Role::Accent),
        Verdict::WouldAsk => ("! will ask", Role::Warn),
        Verdict::WouldFail => ("✗ will fail", Role::Error),
        Verdict::Conflict => ("! conflict", Role::Warn),
        Verdict::Chosen => ("● chosen", Role::Accent),
        Verdict::Frozen => ("! frozen", Role::Warn),
        Verdict::Error => ("✗ error", Role::Error),
        Verdict::WaitsForParent => ("‖ its parent", Role::Warn),
        Verdict::CounterpartGone => ("· not linked", Role::Text),
        Verdict::Paused => ("‖ paused", Role::Warn),
        Verdict::NotCompared => ("· not compared", Role::Muted),
    }
}

fn waiting_lines(record: &RecordView, columns: u16) -> Vec<Text> {
    let mut out = Vec::new();
    if !record.pending.is_empty() || !record.errors.is_empty() {
        out.push(Text::new());
        out.push(Text::of(" WAITS", Role::Muted));
    }
    for item in &record.pending {
        let what = if item.field.is_empty() {
            item.kind.word().replace('_', " ")
        } else {
            item.field.clone()
        };
        out.extend(labelled(
            "!",
            &format!("{what}: {}", item.why),
            Role::Warn,
            columns,
        ));
    }
    for error in &record.errors {
        let what = if error.field.is_empty() {
            error.category.word().replace('_', " ")
        } else {
            error.field.clone()
        };
        out.extend(labelled(
            "✗",
            &format!("{what}: {} {}", error.message, error.next),
            Role::Error,
            columns,
        ));
    }
    out
}

fn journal_lines(model: &Model, record: &RecordView, columns: u16) -> Vec<Text> {
    if record.journal.is_empty() {
        return Vec::new();
    }
    let mut out = vec![Text::new(), Text::of(" JOURNAL, newest first", Role::Muted)];
    for op in &record.journal {
        out.extend(op_lines(model, op, columns));
    }
    out
}

fn op_lines(model: &Model, op: &Op, columns: u16) -> Vec<Text> {
    let when = op
        .attempt
        .sent_at
        .map_or("-".into(), |at| format::moment(at, model.now));
    let role = match op.state {
        OpState::Confirmed => Role::Muted,
        OpState::Failed => Role::Error,
        _ => Role::Warn,
    };
    let mut out = vec![
        Text::plain(format!(" {when}"))
            .pad_to(15)
            .then(format!("run {} ", op.run))
            .and(op.side.letters(), theme::side(op.side))
            .then(format!(" {} ", op.kind.word()))
            .and(op.state.word(), role),
    ];
    let room = usize::from(columns).saturating_sub(18);
    for (name, one) in &op.fields {
        let text = format!(
            "{name}: {} → {}",
            format::value(&one.before),
            format::value(&one.after)
        );
        out.push(
            Text::plain("")
                .pad_to(15)
                .then(format::cut(&format::clean(&text), room)),
        );
    }
    if let Some(why) = &op.outcome.why {
        out.push(
            Text::plain("")
                .pad_to(15)
                .and(format::cut(&format::clean(why), room), Role::Warn),
        );
    }
    out
}
