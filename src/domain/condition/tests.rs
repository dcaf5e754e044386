//! Tables of what holds, what is refused, and what days mean.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use proptest::prelude::*;

use super::{Condition, Days};
use crate::domain::Value;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 14, 30, 0).unwrap()
}

/// A contact as it was read: one field is blank, one was not read.
fn read(field: &str) -> &'static Value {
    static FIELDS: std::sync::OnceLock<BTreeMap<&str, Value>> = std::sync::OnceLock::new();
    static UNKNOWN: Value = Value::Unknown;
    let fields = FIELDS.get_or_init(|| {
        BTreeMap::from([
            ("Id", Value::text("003Wb00000Ab1cDIAR")),
            ("LastName", Value::text("Müller")),
            ("Title", Value::text("Head of 100% Sales_2")),
            ("Department", Value::Null),
            ("Contact", Value::text("O'Brien")),
            ("Notes", Value::text("a\nb\rc\td\u{8}e\u{c}f\"g'h\\i\u{e9}")),
            ("Score", Value::text("10.50")),
            ("Active", Value::text("true")),
            ("Birthdate", Value::text("2026-11-21")),
            ("CreatedDate", Value::text("2026-11-14T23:59:59.000+0000")),
            ("Account.Type", Value::text("Prospect")),
            ("Account.Name", Value::Null),
        ])
    });
    fields.get(field).unwrap_or(&UNKNOWN)
}

fn holds(text: &str) -> Option<bool> {
    let condition = Condition::parse("Contact", text).unwrap_or_else(|why| panic!("{text}: {why}"));
    condition.holds(&read, now())
}

#[test]
fn conditions_hold_as_the_vendor_says() {
    let table = [
        ("LastName = 'MÜLLER'", true),
        ("LastName != 'Schmidt'", true),
        ("LastName <> 'müller'", false),
        ("Contact.LastName >= 'm' AND LastName < 'n'", true),
        ("Score = 10.5", true),
        ("Score > 9", true),
        ("Score <= 10.49", false),
        ("Active = TRUE", true),
        ("Active != true", false),
        // Null is equal to null alone, unequal to all else, neither smaller nor larger.
        ("Department = null", true),
        ("Department = ''", true),
        ("Department != null", false),
        ("Department != 'x'", true),
        ("Department = 'x'", false),
        ("Department < 'x'", false),
        ("Department >= 'x'", false),
        ("NOT Department < 'x'", true),
        ("Department LIKE '%'", false),
        ("NOT Department LIKE '%'", true),
        ("Title = null", false),
        ("Title > null", false),
        ("Account.Name = null", true),
        ("Account.Type = 'prospect'", true),
        // Escapes.
        ("Title = 'head of 100% sales_2'", true),
        ("LastName != 'O\\'Brien'", true),
        ("LastName != 'x\\\\'", true),
        ("Contact = 'O\\'Brien'", true),
        ("Notes = 'a\\nb\\rc\\td\\be\\ff\\\"g\\'h\\\\i\\u00e9'", true),
        ("Notes = 'a\\Nb\\Rc\\Td\\Be\\Ff\"g\\'h\\\\i\u{e9}'", true),
        // Lists.
        ("LastName IN ('x', 'müller')", true),
        ("LastName NOT IN ('x', 'müller')", false),
        ("Department IN ('x')", false),
        ("Department IN ('x', null)", true),
        ("Department NOT IN ('x')", true),
        ("Score IN (1, 10.500)", true),
        ("Id IN ('003Wb00000Ab1cD')", true),
        ("Id = '003Wb00000Ab1cd'", false),
        // Patterns.
        ("Title LIKE 'head%'", true),
        ("Title LIKE '%sales__'", true),
        ("Title LIKE 'Head of 100\\% Sales\\_2'", true),
        ("Title LIKE '%\\_1'", false),
        ("Title LIKE 'Head'", false),
        // Dates and moments.
        ("Birthdate = 2026-11-21", true),
        ("Birthdate > 2026-11-20", true),
        ("Birthdate = TODAY", true),
        ("Birthdate != TODAY", false),
        // A span has its first day with it and not the one behind its last.
        ("Birthdate = YESTERDAY", false),
        ("Birthdate != YESTERDAY", true),
        ("Birthdate != TOMORROW", true),
        ("Birthdate < TODAY", false),
        ("Birthdate <= TODAY", true),
        ("Birthdate <= YESTERDAY", false),
        ("Birthdate > YESTERDAY", true),
        ("Birthdate > TODAY", false),
        ("Birthdate >= TODAY", true),
        ("Department != TODAY", true),
        ("Department < TODAY", false),
        ("Birthdate < TOMORROW", true),
        ("Birthdate >= TOMORROW", false),
        ("CreatedDate = LAST_N_DAYS:7", true),
        ("CreatedDate = LAST_N_DAYS:6", false),
        ("CreatedDate < LAST_N_DAYS:6", true),
        ("CreatedDate = THIS_MONTH", true),
        ("CreatedDate = LAST_MONTH", false),
        ("CreatedDate = THIS_YEAR", true),
        ("CreatedDate < 2026-11-15T00:59:59+01:00", false),
        ("CreatedDate <= 2026-11-15T00:59:59+01:00", true),
        // Joints.
        (
            "(LastName = 'x' OR Active = true) AND NOT (Score < 1 OR Title = null)",
            true,
        ),
        ("NOT NOT Active = true", true),
        ("((Active = true))", true),
        // Deletion is no matter of scope.
        ("IsDeleted = true", true),
        ("IsDeleted = false AND LastName = 'x'", false),
        ("IsDeleted = false OR LastName = 'x'", false),
        ("IsDeleted = true OR IsDeleted = false", true),
        ("NOT (IsDeleted = true)", true),
        ("NOT (IsDeleted = true OR NOT Active = true)", true),
    ];
    for (text, want) in table {
        assert_eq!(holds(text), Some(want), "{text}");
    }
}

#[test]
fn what_was_not_read_leaves_open_what_the_rest_does_not_decide() {
    let table = [
        ("Hidden = 'x'", None),
        ("Hidden = null", None),
        ("NOT Hidden = 'x'", None),
        ("Hidden NOT IN ('x')", None),
        ("Hidden LIKE 'x' AND Active = true", None),
        ("Hidden LIKE 'x' AND Active = false", Some(false)),
        ("Hidden > 1 OR Active = true", Some(true)),
        ("Hidden > 1 OR Active = false", None),
    ];
    for (text, want) in table {
        assert_eq!(holds(text), want, "{text}");
    }
}

#[test]
fn what_is_not_understood_is_named_with_its_place() {
    let table = [
        ("", "the end", 1),
        ("LastName", "the end", 9),
        ("LastName = ", "the end", 12),
        ("LastName = 'x", "'x", 12),
        ("LastName = \"x\"", "\"", 12),
        ("LastName = x", "x", 12),
        ("LastName = 'a\\q'", "'a\\q'", 12),
        ("LastName = 'a\\_'", "'a\\_'", 12),
        ("LastName = '\\u00e'", "'\\u00e'", 12),
        ("LastName ~ 'x'", "~", 10),
        ("Score = 1x", "1x", 9),
        ("Types INCLUDES ('a')", "INCLUDES", 7),
        ("WHERE LastName = 'x'", "WHERE", 1),
        ("LastName = 'x' ORDER BY Id", "ORDER", 16),
        ("LastName IN ()", ")", 14),
        ("LastName IN :names", ":", 13),
        ("LastName NOT LIKE 'x'", "LIKE", 14),
        ("LastName LIKE 5", "5", 15),
        ("CreatedDate IN (TODAY)", "TODAY", 17),
        ("CreatedDate = THIS_WEEK", "THIS_WEEK", 15),
        ("CreatedDate = LAST_N_DAYS:many", "many", 27),
        ("CreatedDate = LAST_N_WEEKS:2", "LAST_N_WEEKS", 15),
        ("Account..Name = 'x'", "Account..Name", 1),
        ("a.b.c = 'x'", "a.b.c", 1),
        ("(LastName = 'x'", "the end", 16),
        ("LastName = 'x')", ")", 15),
    ];
    for (text, found, at) in table {
        let why = Condition::parse("Contact", text).unwrap_err();
        assert_eq!((why.found.as_str(), why.at), (found, at), "{text}: {why}");
    }
}

#[test]
fn a_refusal_says_where_and_why() {
    let table = [
        (
            "LastName = 'x' ORDER BY Id",
            "\"ORDER\" at character 16 belongs to a query; only its condition is written here",
        ),
        (
            "Score = 1 AND Score = 2 OR Score = 3",
            "\"OR\" at character 25 stands beside the other of AND and OR; put parentheses around one of them",
        ),
        (
            "CreatedDate = THIS_WEEK",
            "\"THIS_WEEK\" at character 15 depends on where a week begins for a user; count days instead: LAST_N_DAYS:7",
        ),
        (
            "LastName = x",
            "\"x\" at character 12 is not a value; a text stands in quotes",
        ),
    ];
    for (text, words) in table {
        let why = Condition::parse("Contact", text).unwrap_err();
        assert_eq!(why.to_string(), words);
    }
}

#[test]
fn parentheses_and_not_nest_forty_deep_and_stand_side_by_side_as_often_as_one_likes() {
    let parse = |text: &str| Condition::parse("Contact", text).map(|read| read.tree);
    // The condition itself is the first of the forty.
    let deep = |levels: usize| format!("{}a = 1{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(parse(&deep(39)), parse("a = 1"), "they leave no trace");
    assert!(parse(&deep(40)).is_err());
    assert!(parse(&deep(5000)).is_err());
    assert!(parse(&format!("{}a = 1", "NOT ".repeat(39))).is_ok());
    assert!(parse(&format!("{}a = 1", "NOT ".repeat(40))).is_err());
    for part in ["(a = 1)", "NOT a = 1"] {
        assert!(parse(&[part; 60].join(" AND ")).is_ok(), "{part}");
    }
}

#[test]
fn the_fields_of_a_condition_are_those_that_have_to_be_read() {
    let text = "Contact.Title != null AND (Account.Type = 'x' OR Title IN ('a', 'b')) AND IsDeleted = false";
    let condition = Condition::parse("Contact", text).unwrap();
    let fields: Vec<&str> = condition.fields().into_iter().collect();
    assert_eq!(fields, ["Account.Type", "Title"]);
    assert_eq!(condition.text(), text);
    // A field that is called as its object is.
    let same = Condition::parse("Contact", "Contact != null").unwrap();
    assert_eq!(same.fields().into_iter().collect::<Vec<_>>(), ["Contact"]);
}

#[test]
fn days_begin_at_midnight_utc_and_months_with_their_first_day() {
    let at = |y, m, d| Utc.with_ymd_and_hms(y, m, d, 0, 0, 0).unwrap();
    let table = [
        (Days::plain("today"), at(2026, 11, 21), at(2026, 11, 22)),
        (
            Days::plain("LAST_90_DAYS"),
            at(2026, 8, 23),
            at(2026, 11, 22),
        ),
        (Days::plain("YESTERDAY"), at(2026, 11, 20), at(2026, 11, 21)),
        (Days::plain("TOMORROW"), at(2026, 11, 22), at(2026, 11, 23)),
        (
            Days::plain("NEXT_90_DAYS"),
            at(2026, 11, 22),
            at(2027, 2, 20),
        ),
        (Days::plain("LAST_MONTH"), at(2026, 10, 1), at(2026, 11, 1)),
        (Days::plain("LAST_YEAR"), at(2025, 1, 1), at(2026, 1, 1)),
        (Days::plain("NEXT_YEAR"), at(2027, 1, 1), at(2028, 1, 1)),
        (
            Days::counted("NEXT_N_DAYS", 2),
            at(2026, 11, 22),
            at(2026, 11, 24),
        ),
        (
            Days::counted("LAST_N_MONTHS", 11),
            at(2025, 12, 1),
            at(2026, 11, 1),
        ),
        (Days::plain("NEXT_MONTH"), at(2026, 12, 1), at(2027, 1, 1)),
        (
            Days::counted("NEXT_N_MONTHS", 2),
            at(2026, 12, 1),
            at(2027, 2, 1),
        ),
        (
            Days::counted("NEXT_N_YEARS", 2),
            at(2027, 1, 1),
            at(2029, 1, 1),
        ),
        (
            Days::counted("LAST_N_YEARS", 1),
            at(2025, 1, 1),
            at(2026, 1, 1),
        ),
    ];
    for (days, from, to) in table {
        assert_eq!(days.unwrap().span(now()), (from, to), "{days:?}");
    }
    assert_eq!(Days::counted("LAST_N_DAYS", -1), None);
    assert_eq!(Days::counted("TODAY", 1), None);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[A-Za-z'()=<>%_\\\\ ,.0-9:-]{0,120}", any in ".{0,60}") {
        for text in [text, any] {
            if let Ok(condition) = Condition::parse("Contact", &text) {
                let _ = condition.holds(&read, now());
            }
        }
    }
}

#[test]
fn a_condition_is_told_clause_by_clause_where_and_joins_it() {
    for (text, want) in [
        ("Title = 'a'", vec!["Title = 'a'"]),
        (
            "Title = 'x AND y' and(Active = true AND Score > 1) AND NOT Department = null",
            vec![
                "Title = 'x AND y'",
                "(Active = true AND Score > 1)",
                "NOT Department = null",
            ],
        ),
        (
            "Title = 'a' OR Active = true",
            vec!["Title = 'a' OR Active = true"],
        ),
    ] {
        let clauses = Condition::parse("Contact", text)
            .unwrap()
            .clauses("Contact");
        let texts: Vec<&str> = clauses.iter().map(Condition::text).collect();
        assert_eq!(texts, want);
    }
}
