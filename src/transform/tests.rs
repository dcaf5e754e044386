//! Tables of the transforms and of the pair's lens (docs/design/sync-semantics.md 4).

use super::*;
use crate::domain::merge::{Action, FieldTimes, MergeInput};
use crate::domain::{
    BaseField, BlankPolicy, Choice, ConflictRule, Direction, FieldPair, FieldType, ForeignEdit,
    OtherwiseRule, PairKind, PerSide, Side,
};

fn pair(types: (FieldType, FieldType), transforms: Vec<TransformSpec>) -> FieldPair {
    FieldPair {
        fields: PerSide {
            salesforce: "Field".to_owned(),
            hubspot: "field".to_owned(),
        },
        kind: PairKind::Value { transforms },
        types: PerSide {
            salesforce: types.0,
            hubspot: types.1,
        },
        direction: Direction::Both,
        conflict: vec![ConflictRule::LastWriteWins],
        blanks: BlankPolicy::Propagate,
        foreign_edit: ForeignEdit::Ignore,
        fold_case: false,
        country: "US".to_owned(),
    }
}

const TEXTS: (FieldType, FieldType) = (FieldType::Text, FieldType::Text);

fn phone() -> TransformSpec {
    TransformSpec::PhoneE164 {
        country: "US".to_owned(),
        keep_extension: false,
    }
}

fn table(rows: &[(&str, &str)], otherwise: OtherwiseRule) -> TransformSpec {
    TransformSpec::Values {
        table: rows
            .iter()
            .map(|(s, h)| ((*s).to_owned(), (*h).to_owned()))
            .collect(),
        otherwise,
    }
}

fn run(spec: &TransformSpec, text: &str) -> Result<Value, TransformError> {
    apply(spec, &Value::text(text), Context::default())
}

fn put_text(
    pair: &FieldPair,
    target: Side,
    source: &str,
    old: &str,
) -> Result<Value, TransformError> {
    put(pair, target, &Value::text(source), &Value::text(old))
}

use Side::{HubSpot as H, Salesforce as S};

#[test]
fn a_refusal_says_why_in_words() {
    let said =
        |spec: &TransformSpec, text: &str| run(spec, text).map_err(|error| error.to_string());
    assert_eq!(
        said(&phone(), "12"),
        Err("12 has 2 digits; a phone number for US needs at least 5".to_owned())
    );
    assert_eq!(
        said(&phone(), "call me"),
        Err("call me has no digits".to_owned())
    );
    assert_eq!(
        said(&phone(), "555 0199"),
        Err("555 0199 (7 digits) is not a valid phone number for US".to_owned())
    );
    assert_eq!(
        said(&table(&[("A", "X")], OtherwiseRule::Error), "B"),
        Err(
            "\"B\" is not listed in the value mapping (Salesforce); add it or set `otherwise`"
                .to_owned()
        )
    );
    assert_eq!(
        said(
            &TransformSpec::ExtractDomain { registrable: false },
            "localhost"
        ),
        Err("localhost has no dot; a domain needs at least two labels".to_owned())
    );
}

#[test]
fn a_blank_stays_blank_and_only_default_fills_it() {
    for spec in [
        TransformSpec::Lowercase,
        TransformSpec::Trim,
        phone(),
        table(&[("A", "X")], OtherwiseRule::Error),
    ] {
        assert_eq!(run(&spec, ""), Ok(Value::Null));
    }
    let default = TransformSpec::Default {
        value: "unknown".to_owned(),
    };
    assert_eq!(run(&default, " "), Ok(Value::text("unknown")));
    assert_eq!(run(&default, "x"), Ok(Value::text("x")));
    assert_eq!(
        apply(&default, &Value::Unknown, Context::default()),
        Err(TransformError::Unknown)
    );
}

#[test]
fn the_records_own_country_goes_before_the_transforms() {
    let britain = Context {
        country: Some("GB"),
    };
    assert_eq!(
        apply(&phone(), &Value::text("020 7946 0018"), britain),
        Ok(Value::text("+442079460018"))
    );
}

#[test]
fn an_extension_stays_where_it_stands_unless_it_is_kept() {
    let leave = pair(TEXTS, vec![phone()]);
    assert_eq!(
        put_text(&leave, H, "(415) 555-2671 x12", ""),
        Ok(Value::text("+14155552671"))
    );
    assert_eq!(
        put_text(&leave, S, "+14155552671", "(415) 555-2671 x12"),
        Ok(Value::text("(415) 555-2671 x12"))
    );
    assert_eq!(
        put_text(&leave, S, "+14155552672", "(415) 555-2671 x12"),
        Ok(Value::text("+14155552672"))
    );
    let keep = pair(
        TEXTS,
        vec![TransformSpec::PhoneE164 {
            country: "US".to_owned(),
            keep_extension: true,
        }],
    );
    assert_eq!(
        put_text(&keep, H, "(415) 555-2671 x12", "+14155552671"),
        Ok(Value::text("+14155552671;ext=12"))
    );
}

#[test]
fn a_pair_without_a_transform_sends_the_winners_text_and_keeps_what_means_the_same() {
    let email = pair((FieldType::Email, FieldType::Email), vec![]);
    assert_eq!(
        put_text(&email, H, "Ann@Example.com", "bob@example.com"),
        Ok(Value::text("Ann@Example.com"))
    );
    assert_eq!(
        put_text(&email, H, "Ann@Example.com", "ann@example.com"),
        Ok(Value::text("ann@example.com"))
    );
    assert_eq!(put_text(&email, H, " ", "ann@example.com"), Ok(Value::Null));
    let with = pair(
        (FieldType::Email, FieldType::Email),
        vec![TransformSpec::Lowercase],
    );
    assert_eq!(
        put_text(&with, H, "Ann@Example.com", "bob@example.com"),
        Ok(Value::text("ann@example.com"))
    );
}

#[test]
fn a_url_stays_while_its_domain_does() {
    let domain = pair(
        (FieldType::Url, FieldType::Text),
        vec![TransformSpec::ExtractDomain { registrable: false }],
    );
    assert_eq!(
        put_text(&domain, S, "acme.com", "https://www.acme.com/about"),
        Ok(Value::text("https://www.acme.com/about"))
    );
    assert_eq!(
        put_text(&domain, S, "other.com", "https://www.acme.com/about"),
        Ok(Value::text("other.com"))
    );
    assert_eq!(
        equal(
            &domain,
            &Value::text("http://Acme.com"),
            &Value::text("acme.com")
        ),
        Some(true)
    );
    assert_eq!(
        equal(&domain, &Value::Unknown, &Value::text("acme.com")),
        None
    );
}

#[test]
fn a_value_mapping_goes_both_ways_without_salesforces_case_and_keeps_one_of_many() {
    let status = pair(
        TEXTS,
        vec![table(
            &[("Hot", "YES"), ("Warm", "YES"), ("Cold", "NO")],
            OtherwiseRule::Error,
        )],
    );
    assert_eq!(put_text(&status, H, "hOT", ""), Ok(Value::text("YES")));
    assert_eq!(put_text(&status, S, "YES", "Warm"), Ok(Value::text("Warm")));
    assert_eq!(put_text(&status, S, "YES", "Cold"), Ok(Value::text("Hot")));
    assert!(
        put_text(&status, S, "yes", "Cold").is_err(),
        "HubSpot's values have case"
    );
    assert!(put_text(&status, S, "MAYBE", "Cold").is_err());
}

#[test]
fn otherwise_settles_what_is_not_listed() {
    let rows = [("A", "X"), ("Z", "Q")];
    let pass = pair(TEXTS, vec![table(&rows, OtherwiseRule::Pass)]);
    assert_eq!(put_text(&pass, H, "B", ""), Ok(Value::text("B")));
    assert_eq!(put_text(&pass, S, "B", ""), Ok(Value::text("B")));
    // Passed through, it would be taken for the listed Z.
    assert!(matches!(
        put_text(&pass, S, "Z", ""),
        Err(TransformError::NoWayBack { .. })
    ));
    let other = pair(
        TEXTS,
        vec![table(&rows, OtherwiseRule::Value("OTHER".to_owned()))],
    );
    assert_eq!(put_text(&other, H, "B", ""), Ok(Value::text("OTHER")));
    assert_eq!(put_text(&other, S, "OTHER", "B"), Ok(Value::text("B")));
    assert!(put_text(&other, S, "OTHER", "A").is_err());
    let ignore = pair(TEXTS, vec![table(&rows, OtherwiseRule::Ignore)]);
    assert!(matches!(
        put_text(&ignore, H, "B", ""),
        Err(TransformError::LeftAlone(_))
    ));
}

#[test]
fn a_checkbox_is_cleared_to_false() {
    let flag = pair((FieldType::Bool, FieldType::Bool), vec![]);
    assert_eq!(put_text(&flag, S, "", "true"), Ok(Value::text("false")));
    assert_eq!(put_text(&flag, H, "True", ""), Ok(Value::text("true")));
    assert_eq!(
        equal(&flag, &Value::text("false"), &Value::Null),
        Some(true)
    );
}

#[test]
fn dates_and_moments_are_written_in_the_form_that_both_read() {
    let date = pair((FieldType::Date, FieldType::Date), vec![]);
    assert_eq!(
        put_text(&date, S, "1709164800000", ""),
        Ok(Value::text("2024-02-29"))
    );
    let moment = pair((FieldType::DateTime, FieldType::DateTime), vec![]);
    assert_eq!(
        put_text(&moment, S, "1767225600123", ""),
        Ok(Value::text("2026-01-01T00:00:00Z"))
    );
    let set = pair((FieldType::MultiPicklist, FieldType::MultiPicklist), vec![]);
    assert_eq!(put_text(&set, H, ";b; a;b", "c"), Ok(Value::text("b;a")));
}

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
fn a_refusal_of_a_huge_value_stays_short() {
    let huge = "x ".repeat(50_000);
    for spec in [
        phone(),
        TransformSpec::ExtractDomain { registrable: true },
        table(&[("A", "X")], OtherwiseRule::Error),
    ] {
        let said = run(&spec, &huge).expect_err("no such value").to_string();
        assert!(said.chars().count() < 200, "{said}");
    }
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
    let source = pair(
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
}

#[test]
fn a_transform_is_read_by_name_and_a_slip_gets_a_hint() {
    let options = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    let gb = parse_spec("phone_e164", &options(&[("country", "gb")]), "US");
    assert_eq!(
        gb,
        Ok(TransformSpec::PhoneE164 {
            country: "GB".to_owned(),
            keep_extension: false
        })
    );
    let said = |name: &str, given: &[(&str, &str)]| {
        parse_spec(name, &options(given), "US").map_err(|error| error.to_string())
    };
    assert_eq!(
        said("lower_case", &[]),
        Err("there is no transform \"lower_case\"; did you mean \"lowercase\"?".to_owned())
    );
    assert_eq!(
        said("phone_e164", &[("contry", "US")]),
        Err(
            "the transform phone_e164 has no option \"contry\"; did you mean \"country\"?"
                .to_owned()
        )
    );
    assert!(said("phone_e164", &[("country", "XX")]).is_err());
    assert!(said("default", &[]).is_err());
    assert!(said("values", &[]).is_err());
    assert_eq!(
        parse_spec(
            "values",
            &options(&[("A", "X"), ("otherwise", "value:O")]),
            "US"
        ),
        Ok(table(&[("A", "X")], OtherwiseRule::Value("O".to_owned())))
    );
}
