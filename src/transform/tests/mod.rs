//! Tables of the transforms and of the pair's lens (docs/design/sync-semantics.md 4).

mod groups;
mod merging;

use super::*;
use crate::domain::canon::Canon;
use crate::domain::{
    BlankPolicy, ConflictRule, Direction, FieldPair, FieldType, ForeignEdit, OnUnlinked,
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
        monotone: Vec::new(),
        on_unlinked: OnUnlinked::Keep,
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
        TransformSpec::ExtractDomain { registrable: true },
        table(&[("A", "X")], OtherwiseRule::Error),
    ] {
        for blank in ["", " \t"].map(|text| Value::Text(text.to_owned())) {
            let there = apply(&spec, &blank, Context::default());
            let back = apply_back(&spec, &blank, Context::default());
            assert_eq!(
                [there, back],
                [Ok(Value::Null), Ok(Value::Null)],
                "{spec:?}"
            );
        }
        let typed = pair(TEXTS, vec![spec]);
        assert_eq!(view(&typed, S, &Value::Null), Ok(Canon::Null));
    }
    let default = TransformSpec::Default {
        value: "unknown".to_owned(),
    };
    assert_eq!(run(&default, " "), Ok(Value::text("unknown")));
    assert_eq!(run(&default, "x"), Ok(Value::text("x")));
    let back = apply_back(&default, &Value::text(" "), Context::default());
    assert_eq!(back, Ok(Value::Null));
    assert_eq!(
        apply(&default, &Value::Unknown, Context::default()),
        Err(TransformError::Unknown)
    );
}

#[test]
fn a_normaliser_takes_away_what_it_says() {
    let registrable = TransformSpec::ExtractDomain { registrable: true };
    let host = TransformSpec::ExtractDomain { registrable: false };
    let rows = [
        (&TransformSpec::Lowercase, " \u{c4}NN ", " \u{e4}nn "),
        (
            &TransformSpec::Trim,
            "\u{feff} \u{200b}a\u{200b}b\t",
            "a\u{200b}b",
        ),
        (&host, "https://www.shop.acme.co.uk/a", "shop.acme.co.uk"),
        (&registrable, "https://www.shop.acme.co.uk/a", "acme.co.uk"),
    ];
    for (spec, text, want) in rows {
        assert_eq!(run(spec, text), Ok(Value::text(want)), "{spec:?}");
    }
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
    assert_eq!(put_text(&flag, H, "", "true"), Ok(Value::Null));
    let lower = pair(
        (FieldType::Bool, FieldType::Bool),
        vec![TransformSpec::Lowercase],
    );
    assert_eq!(put_text(&lower, S, "", "true"), Ok(Value::text("false")));
    assert_eq!(put_text(&lower, S, "TRUE", ""), Ok(Value::text("true")));
}

#[test]
fn a_constant_stands_for_the_side_that_has_no_field_and_a_blank_reference_is_null() {
    let of = |kind| FieldPair {
        kind,
        ..pair(TEXTS, vec![])
    };
    let constant = of(PairKind::Constant {
        target: H,
        value: "lead".to_owned(),
    });
    let blank = Value::Text(" ".to_owned());
    assert_eq!(put(&constant, H, &blank, &blank), Ok(Value::text("lead")));
    assert_eq!(
        view(&constant, S, &blank),
        view(&constant, H, &Value::text("lead"))
    );
    assert_eq!(view(&constant, H, &blank), Ok(Canon::Null));
    let owner = of(PairKind::Owner);
    let ann = Value::text("ann@x.example");
    assert_eq!(put(&owner, H, &blank, &ann), Ok(Value::Null));
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
    let named = [
        ("lowercase", &[][..], TransformSpec::Lowercase),
        ("trim", &[], TransformSpec::Trim),
        (
            "extract_domain",
            &[("registrable", "true")],
            TransformSpec::ExtractDomain { registrable: true },
        ),
        (
            "extract_domain",
            &[("registrable", "false")],
            TransformSpec::ExtractDomain { registrable: false },
        ),
        (
            "default",
            &[("value", "x")],
            TransformSpec::Default { value: "x".into() },
        ),
        (
            "phone_e164",
            &[("extension", "keep")],
            TransformSpec::PhoneE164 {
                country: "US".to_owned(),
                keep_extension: true,
            },
        ),
        ("phone_e164", &[("extension", "leave")], phone()),
    ];
    for (name, given, spec) in named {
        assert_eq!(parse_spec(name, &options(given), "US"), Ok(spec), "{name}");
    }
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
    assert!(said("phone_e164", &[("extension", "maybe")]).is_err());
    assert!(said("extract_domain", &[("registrable", "maybe")]).is_err());
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

#[test]
fn two_types_are_compared_as_the_more_telling_of_the_two() {
    use FieldType::{
        Date, DateTime, Email, Id, Money, MultiPicklist, Number, Opaque, Percent, Picklist, Text,
    };
    let rows = [
        // Salesforce's type, HubSpot's, two values, whether they are one.
        (Text, Text, "5", "5.0", false),
        (Number, Number, "5", "5.0", true),
        (Number, Text, "5", "5.0", true),
        (Text, Number, "5", "5.0", true),
        (Money, Percent, "5", "5.0", true),
        (Number, Email, "5", "5.0", false),
        (Text, Email, "A@x.example", "a@x.example", true),
        (Email, Text, "A@x.example", "a@x.example", true),
        (MultiPicklist, Picklist, "b;a", "a;b", true),
        (MultiPicklist, Text, "b;a", "a;b", true),
        (Picklist, MultiPicklist, "b;a", "a;b", true),
        (Text, MultiPicklist, "b;a", "a;b", true),
        (MultiPicklist, Number, "b;a", "a;b", false),
        (Date, Date, "2026-05-01", "1777593600000", true),
        (Date, DateTime, "2026-05-01", "2026-05-01T00:00:00Z", false),
        (DateTime, Date, "2026-05-01T00:00:00Z", "2026-05-01", false),
        // A picklist of Salesforce does not tell case apart; text, and a picklist of HubSpot, do.
        (Picklist, Text, "New", "new", true),
        (Text, Picklist, "New", "new", false),
        // What no form is known of is compared as text beside text.
        (Opaque, Text, "a ", "a", true),
        (Text, Id, "a\r\nb", "a\nb", true),
    ];
    for (s, h, one, other, same) in rows {
        let got = equal(
            &pair((s, h), vec![]),
            &Value::text(one),
            &Value::text(other),
        );
        assert_eq!(got, Some(same), "{s:?} {one:?}, {h:?} {other:?}");
    }
    assert_eq!(
        equal(&pair(TEXTS, vec![]), &Value::Unknown, &Value::text("a")),
        None
    );
}

#[test]
fn a_value_means_what_the_base_of_the_other_side_does_in_whatever_form_that_is_kept() {
    let domain = pair(
        (FieldType::Url, FieldType::Text),
        vec![TransformSpec::ExtractDomain { registrable: false }],
    );
    let long = "x".repeat(5_000);
    let rows = [
        (&domain, "http://Acme.com", "acme.com", true),
        (&domain, "http://Acme.com", "beta.com", false),
        (&domain, "http://Acme.com", "", false),
        (&domain, "", "", true),
        (&pair(TEXTS, vec![]), long.as_str(), long.as_str(), true),
        (&pair(TEXTS, vec![]), "x", long.as_str(), false),
    ];
    for (pair, raw, held, same) in rows {
        let base = base_value(pair, H, &Value::text(held)).unwrap();
        let got = means(pair, S, &Value::text(raw), &base);
        assert_eq!(got, Some(same), "{raw:.9} {held:.9}");
    }
    let held = base_value(&domain, H, &Value::text("acme.com")).unwrap();
    assert_eq!(means(&domain, S, &Value::Unknown, &held), None);
}
