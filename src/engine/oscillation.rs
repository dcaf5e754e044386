//! The oscillation breaker (docs/design/sync-semantics.md 8, I-5): a field that goes back and forth, because an automation
//! rewrites what is synced, is frozen before it goes on for ever. Pure.

use crate::domain::{Assignment, BaseField, ItemId, LinkId, RunId, Side, Value, Written};

/// The rule that a frozen field's item names.
pub(super) const RULE: &str = "oscillation";

/// Runs that are looked back over.
const WINDOW: u64 = 10;

/// So often a series has to turn back for it to be an oscillation.
const TURNS: usize = 2;

/// The review item of a frozen field.
pub(super) fn item_id(link: LinkId, pair: &str) -> ItemId {
    ItemId::derive(&[b"oscillation", &link.0.to_be_bytes(), pair.as_bytes()])
}

/// Notes a confirmed write. What a person chose begins a new series.
pub(super) fn note(field: &mut BaseField, assignment: &Assignment, written: Written) {
    if assignment.rule == "resolved" {
        field.writes.clear();
    }
    field.writes.retain(|old| is_recent(old, written.run));
    field.writes.push(written);
}

fn is_recent(written: &Written, run: RunId) -> bool {
    written.run.0 + WINDOW > run.0
}

/// True where the writes that a plan wants next would go on with a series of at least `limit` writes that turned back
/// twice: in direction, or to a value that it had before.
pub(super) fn is_stuck(field: &BaseField, next: &[(Side, Value)], run: RunId, limit: u32) -> bool {
    let mut series: Vec<Written> = field
        .writes
        .iter()
        .filter(|written| is_recent(written, run))
        .cloned()
        .collect();
    if series.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
        return false;
    }
    series.extend(next.iter().map(|(to, value)| Written::new(run, *to, value)));
    let turned = |at: &usize| {
        let (before, rest) = series.split_at(*at);
        match (before.last(), rest.first()) {
            (Some(last), Some(one)) => {
                last.to != one.to || before.iter().any(|old| old.value == one.value)
            }
            _ => false,
        }
    };
    (1..series.len()).filter(turned).count() >= TURNS
}

/// Why a field is frozen, with the series of its values.
pub(super) fn why(field: &BaseField) -> String {
    let series: Vec<String> = field
        .writes
        .iter()
        .map(|written| {
            format!(
                "“{}” to {} in run {}",
                written.value, written.to, written.run
            )
        })
        .collect();
    format!(
        "It went back and forth: {}. An automation may rewrite what is synced; the field is left alone until someone has decided.",
        series.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{HubSpot as H, Salesforce as S};

    /// Run, side written to, value.
    type Write<'a> = (u64, Side, &'a str);

    fn field(writes: &[Write]) -> BaseField {
        let mut field = BaseField::default();
        for (run, to, value) in writes {
            let assignment = Assignment {
                after: Value::text(*value),
                rule: "changed".into(),
                ..Assignment::default()
            };
            let written = Written::new(RunId(*run), *to, &assignment.after);
            note(&mut field, &assignment, written);
        }
        field
    }

    #[test]
    fn only_a_series_that_turns_back_twice_within_ten_runs_is_stuck() {
        let rows: [(&[Write], Write, bool); 9] = [
            (&[(1, H, "a"), (2, S, "A"), (3, H, "a")], (4, S, "A"), true),
            (&[(1, H, "a"), (2, S, "A")], (3, H, "a"), false),
            (&[(1, H, "a"), (2, H, "a"), (3, H, "a")], (4, H, "a"), true),
            (&[(1, H, "a"), (2, H, "b"), (3, H, "a")], (4, H, "b"), true),
            (&[(1, H, "a"), (2, H, "b"), (3, H, "c")], (4, H, "d"), false),
            (&[(1, H, "a"), (2, H, "b"), (3, H, "c")], (4, H, "a"), false),
            (&[(1, H, "a"), (2, S, "b"), (3, S, "c")], (4, S, "d"), false),
            (
                &[(1, H, "a"), (2, S, "A"), (3, H, "a")],
                (11, S, "A"),
                false,
            ),
            (&[(1, H, "a"), (7, S, "A"), (9, H, "a")], (10, S, "A"), true),
        ];
        for (writes, (run, to, value), want) in rows {
            let next = [(to, Value::text(value))];
            let got = is_stuck(&field(writes), &next, RunId(run), 3);
            assert_eq!(got, want, "{writes:?} then {run} {to} {value}");
        }
    }

    #[test]
    fn a_person_s_choice_begins_a_new_series_and_old_writes_are_forgotten() {
        let mut field = field(&[(1, H, "a"), (2, S, "A"), (3, H, "a")]);
        let chosen = Assignment {
            after: Value::text("A"),
            rule: "resolved".into(),
            ..Assignment::default()
        };
        note(
            &mut field,
            &chosen,
            Written::new(RunId(4), S, &chosen.after),
        );
        assert_eq!(field.writes.len(), 1);
        let later = Written::new(RunId(14), H, &Value::Null);
        note(&mut field, &Assignment::default(), later);
        assert_eq!(field.writes.len(), 1);
    }

    #[test]
    fn a_frozen_field_tells_its_series() {
        let why = why(&field(&[(1, H, "a"), (2, S, "A")]));
        let series =
            "It went back and forth: “a” to HubSpot in run 1, “A” to Salesforce in run 2. ";
        assert!(why.starts_with(series), "{why}");
    }

    #[test]
    fn long_values_are_told_apart_by_their_digests() {
        let long = |tail: &str| Value::text(format!("{}{tail}", "ä".repeat(60)));
        let one = Written::new(RunId(1), H, &long("a"));
        assert_ne!(one, Written::new(RunId(1), H, &long("b")));
        assert_eq!(one, Written::new(RunId(1), H, &long("a")));
        assert!(one.value.len() < 64, "{}", one.value);
    }
}
