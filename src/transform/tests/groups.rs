//! The merge of a group of fields through the lenses of real pairs: times, and what a person typed.

use super::*;
use crate::domain::merge::{Action, FieldTimes, MergeInput};
use crate::domain::{BaseField, Choice};

/// Salesforce's value and HubSpot's, when HubSpot's changed, and when Salesforce's was last seen to be the base.
type Field<'a> = (&'a str, &'a str, Option<i64>, Option<i64>);

/// Who is written to, where someone is. The base of both fields is `x`, or there is none; Salesforce's record changed at 60.
fn written(settled: bool, choice: Option<&Choice>, fields: [Field<'_>; 2]) -> Option<Side> {
    let at = |second: i64| chrono::DateTime::from_timestamp(1_700_000_000 + second, 0);
    let text = pair(TEXTS, vec![]);
    let base = BaseField {
        values: PerSide::from_fn(|side| base_value(&text, side, &Value::text("x"))),
        ..BaseField::default()
    };
    let values = fields.map(|(s, h, ..)| [s, h].map(Value::text));
    let input = |n: usize| MergeInput {
        pair: &text,
        s: &values[n][0],
        h: &values[n][1],
        base: Some(&base).filter(|_| settled),
        times: FieldTimes {
            h_changed_at: fields[n].2.and_then(at),
            s_after: fields[n].3.and_then(at),
            s_modified_at: at(60),
            looked_up: true,
            ..FieldTimes::default()
        },
        resolution: choice,
    };
    match merge_tuple(&[input(0), input(1)]).action {
        Action::Write { to, .. } => Some(to),
        _ => None,
    }
}

#[test]
fn of_a_group_the_fields_that_moved_tell_who_is_newer() {
    let at = Some::<i64>;
    let rows = [
        // One field's HubSpot value is the base, the other's Salesforce value: their times count for nothing.
        (
            true,
            [("a", "x", at(99), at(50)), ("x", "b", at(10), at(1))],
            Some(H),
        ),
        (
            true,
            [("x", "b", at(10), at(1)), ("a", "x", at(99), at(50))],
            Some(H),
        ),
        // HubSpot's newest change counts, and Salesforce's earliest.
        (
            true,
            [("a", "b", at(10), at(50)), ("a", "b", at(99), at(50))],
            Some(S),
        ),
        (
            true,
            [("a", "b", at(30), at(50)), ("a", "b", at(30), at(20))],
            None,
        ),
        // One change of which no time is known is enough to ask.
        (
            true,
            [("a", "b", at(10), at(50)), ("x", "b", None, at(50))],
            None,
        ),
        (
            true,
            [("a", "b", at(10), at(50)), ("a", "x", at(10), None)],
            None,
        ),
        (
            true,
            [("a", "", None, at(50)), ("a", "b", at(10), at(50))],
            None,
        ),
        // At first sight what is blank on HubSpot was never set there and has no time.
        (
            false,
            [("a", "", None, at(50)), ("a", "b", at(10), at(50))],
            Some(H),
        ),
        (
            false,
            [("a", "c", None, at(50)), ("a", "b", at(10), at(50))],
            None,
        ),
    ];
    for (settled, fields, want) in rows {
        assert_eq!(written(settled, None, fields), want, "{settled} {fields:?}");
    }
}

#[test]
fn what_is_typed_is_one_value_and_no_group_takes_it() {
    let fields = [("a", "x", None, None), ("a", "x", None, None)];
    let typed = Choice::Value("c".to_owned());
    let decided = |choice| written(true, Some(choice), fields);
    assert_eq!(decided(&typed), Some(H), "as if nothing had been chosen");
    assert_eq!(decided(&Choice::Take(H)), Some(S));
}
