//! The language itself: hostile text never panics, what parses has the structure it shows.

use proptest::prelude::*;

use super::ast::{Condition, Literal};
use super::bind::bind;
use super::lexer::{Glyph, pattern, unescape};
use super::parser::parse;
use crate::sandbox::salesforce::schema::Schema;

#[test]
fn escapes_mean_what_the_vendor_says() {
    assert_eq!(
        unescape("a\\'b\\\\c\\n\\t\\\"").as_deref(),
        Some("a'b\\c\n\t\"")
    );
    assert_eq!(unescape("\\u00e9").as_deref(), Some("é"));
    assert_eq!(unescape("100\\%"), None);
    assert_eq!(unescape("\\u00"), None);
    assert_eq!(unescape("\\"), None);
    assert_eq!(
        pattern("\\%_%"),
        Some(vec![Glyph::Is('%'), Glyph::One, Glyph::Many])
    );
}

#[test]
fn parentheses_keep_what_they_join() {
    let query = parse("SELECT Id FROM Contact WHERE (a = 1 AND b = 2) OR NOT c = 3").unwrap();
    let Some(Condition::Or(parts)) = query.filter else {
        panic!("not an OR")
    };
    assert!(matches!(&parts[0], Condition::And(inner) if inner.len() == 2));
    assert!(matches!(&parts[1], Condition::Not(_)));
}

#[test]
fn an_alias_may_stand_for_the_object() {
    let query =
        parse("SELECT c.Id FROM Contact c WHERE c.Account.Name = null ORDER BY c.Id").unwrap();
    assert_eq!(query.alias.as_deref(), Some("c"));
    let schema = Schema::new(true);
    assert!(
        bind(
            &schema,
            "SELECT c.Id FROM Contact c",
            &query,
            chrono::DateTime::UNIX_EPOCH
        )
        .is_ok()
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_or_the_binder_panic(tail in ".{0,80}", middle in "[A-Za-z'()=<>%_\\\\ ,.0-9:-]{0,120}") {
        let schema = Schema::new(true);
        for text in [tail.clone(), format!("SELECT Id FROM Contact WHERE {middle}"), format!("SELECT {middle} FROM Contact {tail}")] {
            if let Ok(query) = parse(&text) {
                let _ = bind(&schema, &text, &query, chrono::DateTime::UNIX_EPOCH);
            }
        }
    }

    #[test]
    fn a_quoted_text_comes_back_as_it_was(value in "\\PC{0,60}") {
        let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
        let query = parse(&format!("SELECT Id FROM Contact WHERE LastName = '{quoted}' LIMIT 1")).unwrap();
        prop_assert_eq!(query.limit, Some(1));
        let Some(Condition::Test(_, _, Literal::Text(raw), _)) = query.filter else { panic!("structure changed") };
        prop_assert_eq!(unescape(&raw), Some(value));
    }
}
