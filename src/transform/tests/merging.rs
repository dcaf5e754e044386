//! The field merge through the lenses of real pairs: choices, times, long values, constants, defaults.

use super::*;
use crate::domain::merge::{Action, FieldTimes, MergeInput};
use crate::domain::{BaseField, Choice};

fn merged(
    pair: &FieldPair,
    s: &str,
    h: &str,
    base: Option<(&str, &str)>,
    choice: Option<&Choice>,
) -> Action {
    merged_at(pair, s, h, base, choice, FieldTimes::default())
}

fn merged_at(
    pair: &FieldPair,
    s: &str,
    h: &str,
    base: Option<(&str, &str)>,
    choice: Option<&Choice>,
    times: FieldTimes,
) -> Action {
    let (s, h) = (Value::text(s), Value::text(h));
    let base = base.map(|(s, h)| BaseField {
        values: PerSide {
            salesforce: base_value(pair, S, &Value::text(s)),
            hubspot: base_value(pair, H, &Value::text(h)),
        },
        ..BaseField::default()
    });
    let input = MergeInput {
        pair,
        s: &s,
        h: &h,
        base: base.as_ref(),
        times,
        resolution: choice,
    };
    merge_field(&input).action
}

fn write(to: Side, value: &str, rule: &'static str) -> Action {
    Action::Write {
        to,
        value: Value::text(value),
        rule,
    }
}

#[test]
fn last_write_wins_asks_for_times_once_and_then_for_a_person() {
    let name = pair(TEXTS, vec![]);
    assert_eq!(
        merged(&name, "a", "b", Some(("x", "x")), None),
        Action::NeedsTimes
    );
    let looked = FieldTimes {
        looked_up: true,
        ..FieldTimes::default()
    };
    let action = merged_at(&name, "a", "b", Some(("x", "x")), None, looked);
    assert!(matches!(action, Action::Conflict { suggest: None, .. }));
    assert_eq!(
        merged(&name, "a", "x", Some(("x", "x")), None),
        write(H, "a", "changed")
    );
}

#[test]
fn a_bad_value_that_would_travel_is_an_error_and_one_that_rests_is_not() {
    let number = pair(TEXTS, vec![phone()]);
    let action = merged(
        &number,
        "12",
        "+14155552671",
        Some(("+14155552671", "+14155552671")),
        None,
    );
    assert!(matches!(action, Action::Error { side: S, .. }));
    assert_eq!(
        merged(
            &number,
            "12",
            "+14155552671",
            Some(("12", "+14155552671")),
            None
        ),
        Action::Nothing
    );
    assert_eq!(
        merged(
            &number,
            "12",
            "+14155552672",
            Some(("12", "+14155552671")),
            None
        ),
        write(S, "+14155552672", "changed")
    );
}

#[test]
fn max_min_and_union_choose_by_value() {
    let mut amount = pair((FieldType::Money, FieldType::Number), vec![]);
    amount.conflict = vec![ConflictRule::Max];
    assert_eq!(
        merged(&amount, "9", "10.0", Some(("1", "1")), None),
        write(S, "10.0", "max")
    );
    amount.conflict = vec![ConflictRule::Min];
    assert_eq!(
        merged(&amount, "9", "10.0", Some(("1", "1")), None),
        write(H, "9", "min")
    );
    let mut set = pair((FieldType::MultiPicklist, FieldType::MultiPicklist), vec![]);
    set.types = PerSide {
        salesforce: FieldType::MultiPicklist,
        hubspot: FieldType::MultiPicklist,
    };
    set.conflict = vec![ConflictRule::Union];
    let joined = Value::text("a;b;c");
    assert_eq!(
        merged(&set, "a;b", "a;c", Some(("a", "a")), None),
        Action::WriteBoth {
            s: joined.clone(),
            h: joined,
            rule: "union"
        }
    );
    assert_eq!(
        merged(&set, "a;b", "b", Some(("a", "a")), None),
        write(H, "a;b", "union")
    );
}

#[test]
fn a_persons_choice_goes_before_every_rule() {
    let mut name = pair(TEXTS, vec![]);
    name.conflict = vec![ConflictRule::Ask];
    name.blanks = BlankPolicy::PreferNonBlank;
    let base = Some(("x", "x"));
    let choose = |choice: Choice| merged(&name, "a", "b", base, Some(&choice));
    assert_eq!(choose(Choice::Take(S)), write(H, "a", "resolved"));
    assert_eq!(choose(Choice::Take(H)), write(S, "b", "resolved"));
    let both = |text: &str| Action::WriteBoth {
        s: Value::text(text),
        h: Value::text(text),
        rule: "resolved",
    };
    assert_eq!(choose(Choice::Base), both("x"));
    assert_eq!(choose(Choice::Value("c".to_owned())), both("c"));
    assert_eq!(
        choose(Choice::Value("b".to_owned())),
        write(S, "b", "resolved")
    );
    assert_eq!(choose(Choice::Ignore), Action::Settle { diverged: true });
    let first = merged(&name, "a", "b", None, Some(&Choice::Base));
    assert!(matches!(first, Action::Error { .. }));
    let cleared = merged(&name, "", "b", base, Some(&Choice::Take(S)));
    assert_eq!(cleared, write(H, "", "resolved"));
    // What is equal already is so whatever the direction.
    name.direction = Direction::ToSalesforce;
    let take = |s: &str| merged(&name, s, "a", base, Some(&Choice::Take(S)));
    assert_eq!(take("a"), Action::Settle { diverged: false });
    assert_eq!(take("b"), Action::Settle { diverged: true });
}

#[test]
fn a_typed_value_is_read_in_either_sides_vocabulary() {
    let mut status = pair(
        TEXTS,
        vec![table(
            &[("Hot", "YES"), ("Cold", "NO")],
            OtherwiseRule::Error,
        )],
    );
    status.conflict = vec![ConflictRule::Ask];
    let typed = |text: &str| {
        merged(
            &status,
            "Hot",
            "NO",
            None,
            Some(&Choice::Value(text.to_owned())),
        )
    };
    assert_eq!(typed("Cold"), write(S, "Cold", "resolved"));
    assert_eq!(typed("YES"), write(H, "YES", "resolved"));
    assert!(matches!(typed("Tepid"), Action::Error { .. }));
}

#[test]
fn a_long_value_is_compared_by_its_hash() {
    let name = pair(TEXTS, vec![]);
    let long = "long ".repeat(100);
    let with_space = format!("{long}  ");
    assert_eq!(
        merged(&name, &long, "x", Some((&long, "x")), None),
        Action::Nothing
    );
    assert_eq!(
        merged(&name, &with_space, "x", Some((&long, "x")), None),
        Action::Nothing
    );
    assert_eq!(
        merged(&name, "short", "x", Some((&long, "x")), None),
        write(H, "short", "changed")
    );
}

#[test]
fn a_new_canon_version_alone_changes_nothing() {
    let name = pair(TEXTS, vec![]);
    let long = Value::text("long ".repeat(100));
    let base = |raw: &Value| {
        let older = crate::domain::canon::CANON_VERSION + 1;
        crate::domain::BaseValue::of(raw, "another canonical form", older)
    };
    let stored = BaseField {
        values: PerSide::from_fn(|_| base(&long)),
        ..BaseField::default()
    };
    let input = MergeInput {
        pair: &name,
        s: &long,
        h: &long,
        base: Some(&stored),
        times: FieldTimes::default(),
        resolution: None,
    };
    assert_eq!(merge_field(&input).action, Action::Nothing);
    let padded = Value::text(format!("{} ", "long ".repeat(100)));
    let padded = MergeInput {
        s: &padded,
        ..input
    };
    assert_eq!(
        merge_field(&padded).action,
        Action::Settle { diverged: false }
    );
}

#[test]
fn a_constant_is_written_where_it_is_missing_and_a_later_edit_is_let_be() {
    let mut stage = pair(TEXTS, vec![]);
    stage.fields.salesforce = String::new();
    stage.kind = PairKind::Constant {
        target: H,
        value: "lead".to_owned(),
    };
    assert_eq!(merged(&stage, "", "", None, None), write(H, "lead", "fill"));
    assert_eq!(
        merged(&stage, "", "lead", None, None),
        Action::Settle { diverged: false }
    );
    let base = BaseField {
        values: PerSide {
            salesforce: None,
            hubspot: base_value(&stage, H, &Value::text("lead")),
        },
        ..BaseField::default()
    };
    let (s, h) = (Value::Unknown, Value::text("customer"));
    let mut input = MergeInput {
        pair: &stage,
        s: &s,
        h: &h,
        base: Some(&base),
        times: FieldTimes::default(),
        resolution: None,
    };
    assert_eq!(
        merge_field(&input).action,
        Action::Settle { diverged: true }
    );
    let lead = Value::text("lead");
    input.h = &lead;
    assert_eq!(merge_field(&input).action, Action::Nothing);
    stage.kind = PairKind::Constant {
        target: S,
        value: "lead".to_owned(),
    };
    assert_eq!(merged(&stage, "", "", None, None), write(S, "lead", "fill"));
}

#[test]
fn tokens_of_references_and_owners_compare_and_travel_as_they_are() {
    let mut owner = pair(TEXTS, vec![]);
    owner.kind = PairKind::Owner;
    assert_eq!(
        merged(
            &owner,
            "ann@x.com",
            "bob@x.com",
            Some(("bob@x.com", "bob@x.com")),
            None
        ),
        write(H, "ann@x.com", "changed")
    );
    assert_eq!(
        merged(&owner, "ann@x.com", "ann@x.com", None, None),
        Action::Settle { diverged: false }
    );
}

#[test]
fn a_checkbox_beside_a_blank_is_filled_at_first_sync() {
    let flag = pair((FieldType::Bool, FieldType::Bool), vec![]);
    assert_eq!(
        merged(&flag, "true", "", None, None),
        write(H, "true", "fill")
    );
    assert_eq!(
        merged(&flag, "false", "", None, None),
        Action::Settle { diverged: false }
    );
}

#[test]
fn a_default_fills_hubspot_and_never_comes_back() {
    let mut source = pair(
        TEXTS,
        vec![TransformSpec::Default {
            value: "web".to_owned(),
        }],
    );
    assert_eq!(merged(&source, "", "", None, None), write(H, "web", "fill"));
    assert_eq!(
        merged(&source, "", "web", None, None),
        Action::Settle { diverged: false }
    );
    assert_eq!(
        merged(&source, "", "fair", None, None),
        write(S, "fair", "fill")
    );
    assert_eq!(
        merged(&source, "", "", Some(("", "web")), None),
        Action::Settle { diverged: true }
    );
    // White space is nothing that a blank would take away.
    source.blanks = BlankPolicy::NeverClear;
    assert_eq!(
        merged(&source, " ", "", Some((" ", "x")), None),
        write(S, "", "changed")
    );
    // A blank that is filled on its way clears nothing.
    assert_eq!(
        merged(&source, "", "fair", Some(("fair", "fair")), None),
        write(H, "web", "changed")
    );
}

#[test]
fn a_conflict_says_why_no_rule_decides() {
    use ConflictRule::{Ask, LastWriteWins, Max, Min, NonBlank, Union};
    let at = |second: i64| chrono::DateTime::from_timestamp(1_700_000_000 + second, 0);
    let times = |h: Option<i64>, s: Option<i64>| FieldTimes {
        h_changed_at: h.and_then(at),
        s_modified_at: s.and_then(at),
        looked_up: true,
        ..FieldTimes::default()
    };
    let rows = [
        // The rule that was tried last, HubSpot's time, Salesforce's; why not, and whose value seems newer.
        (
            LastWriteWins,
            None,
            Some(5),
            "HubSpot does not tell when its value was changed",
            None,
        ),
        (
            LastWriteWins,
            Some(5),
            None,
            "Salesforce does not tell when its record was changed",
            None,
        ),
        (
            LastWriteWins,
            Some(5),
            Some(5),
            "within the time in which",
            None,
        ),
        (
            LastWriteWins,
            Some(6),
            Some(5),
            "within the time in which",
            Some(H),
        ),
        (
            LastWriteWins,
            Some(4),
            Some(5),
            "within the time in which",
            Some(S),
        ),
        (NonBlank, None, None, "both sides have a value", None),
        (Max, None, None, "the two values have no order", None),
        (Min, None, None, "the two values have no order", None),
        (Union, None, None, "the two values are not sets", None),
        (Ask, None, None, "the rule for this field is to ask", None),
    ];
    for (last, h, s, words, seems) in rows {
        let mut name = pair(TEXTS, vec![]);
        name.conflict = vec![last];
        let action = merged_at(&name, "a", "b", Some(("x", "x")), None, times(h, s));
        let Action::Conflict { suggest, why, .. } = action else {
            panic!("{last:?}: {action:?}");
        };
        assert!(why.contains(words), "{last:?}: {why}");
        assert_eq!(suggest, seems, "{last:?} {h:?} {s:?}");
    }
}

#[test]
fn a_base_of_one_side_alone_is_a_row_of_its_own() {
    let name = pair(TEXTS, vec![]);
    let (s, h) = (Value::text("a"), Value::text("x"));
    let row = |s_base: Option<&str>| {
        let base = |side, text: Option<&str>| {
            text.and_then(|text| base_value(&name, side, &Value::text(text)))
        };
        let base = BaseField {
            values: PerSide {
                salesforce: base(S, s_base),
                hubspot: base(H, Some("x")),
            },
            ..BaseField::default()
        };
        let input = MergeInput {
            pair: &name,
            s: &s,
            h: &h,
            base: Some(&base),
            times: FieldTimes::default(),
            resolution: None,
        };
        merge_field(&input).row
    };
    assert_eq!(row(Some("x")), "F4");
    assert_eq!(row(None), "F11");
}
