//! What operators write, what we write into queries, and what is drawn on a terminal.

use chrono::{TimeZone, Utc};
use syncline::cli::text as cli;
use syncline::config::Config;
use syncline::console::format as console;
use syncline::crm::hubspot::paths;
use syncline::crm::salesforce::soql;
use syncline::domain::Value;
use syncline::domain::condition::Condition;
use unicode_segmentation::UnicodeSegmentation;

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

pub fn config_file(data: &[u8]) {
    let raw = text(data);
    let parsed = Config::parse(
        &raw,
        "fuzz.toml",
        std::path::Path::new(""),
        &Default::default(),
        &[],
    );
    if let Err(errors) = parsed {
        let said = errors.to_string();
        assert!(said.contains("fuzz.toml"), "{said}");
    }
}

/// A condition that is understood is understood again, part by part, and has an answer for any record.
pub fn conditions(data: &[u8]) {
    let raw = text(data);
    let Ok(condition) = Condition::parse("Contact", &raw) else {
        return;
    };
    assert_eq!(
        Condition::parse("Contact", condition.text()).as_ref(),
        Ok(&condition)
    );
    let now = Utc.with_ymd_and_hms(2026, 11, 22, 15, 0, 0).unwrap();
    for value in [
        Value::Unknown,
        Value::Null,
        Value::text("a"),
        Value::text("1e3"),
        Value::text("2026-11-22"),
        Value::text("true"),
    ] {
        let whole = condition.holds(&|_| &value, now);
        let parts: Vec<Option<bool>> = condition
            .clauses("Contact")
            .iter()
            .map(|part| part.holds(&|_| &value, now))
            .collect();
        // Of parts that AND joins: false where one is, open where one is, else true.
        let joined = match parts.contains(&Some(false)) {
            true => Some(false),
            false if parts.contains(&None) => None,
            false => Some(true),
        };
        assert_eq!(joined, whole, "{raw:?} over {value:?}");
    }
}

/// Undoes a quoted literal by the vendor's rule; `None` where it is no single literal (docs/vendor/salesforce.md 2.4).
fn unquoted(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut out = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => return None,
            '\\' => out.push(match letters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let digits: String = letters.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                same @ ('\\' | '\'' | '"') => same,
                _ => return None,
            }),
            letter => out.push(letter),
        }
    }
    Some(out)
}

/// Any text survives being quoted and changes nothing of the query around it; a name that could is refused.
pub fn queries(data: &[u8]) {
    let raw = text(data);
    let quoted = soql::quote(&raw);
    assert_eq!(unquoted(&quoted).as_ref(), Some(&raw));
    let encoded = soql::encode(&quoted);
    let address = format!("http://127.0.0.1/query?q={encoded}&x=1");
    let address = url::Url::parse(&address).unwrap();
    let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let want = [("q".to_owned(), quoted), ("x".to_owned(), "1".to_owned())];
    assert_eq!(pairs, want);
    let plain = |name: &str| {
        let mut letters = name.chars();
        letters.all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter))
    };
    assert!(soql::name(&raw).is_err() || plain(&raw), "{raw:?}");
    assert!(paths::name(&raw).is_err() || plain(&raw), "{raw:?}");
    let values: Vec<String> = raw.split(' ').map(str::to_owned).collect();
    let lists = soql::lists("SELECT Id FROM Contact WHERE Email IN ()", &values, 3);
    assert_eq!(lists.concat(), values);
    assert!(lists.iter().all(|list| (1..=3).contains(&list.len())));
}

/// What a terminal would act on: control characters, line ends, marks that turn the writing direction.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub fn terminal(data: &[u8]) {
    let raw = text(data);
    let (shown, printed) = (console::clean(&raw), cli::clean(&raw));
    for clean in [&shown, &printed] {
        assert!(!clean.contains(acts), "{raw:?} became {clean:?}");
    }
    assert_eq!(console::clean(&shown), shown);
    assert_eq!(cli::clean(&printed), printed);
    for columns in [0, 1, 2, 7, 80] {
        assert!(console::width(&console::cut(&shown, columns)) <= columns);
        assert!(cli::width(&cli::fit(&printed, columns, "…")) <= columns.max(1));
        for line in console::wrap(&shown, columns) {
            // A letter that is wider than the line still has to go somewhere.
            let alone = line.graphemes(true).count() == 1;
            assert!(alone || console::width(&line) <= columns.max(2), "{line:?}");
        }
    }
    let cell = console::csv_cell(&raw);
    assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell:?}");
}
