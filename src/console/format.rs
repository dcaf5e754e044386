//! Text for the screen: foreign text made harmless, fitted to columns; numbers, durations, times, ids and values.
//! `clean` is the one place where a vendor's text is neutralised; `widgets::text` calls it for every span.

use chrono::{DateTime, Utc};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::{Direction, ItemKind, Value};

/// Longest foreign text that is looked at; a field longer than this is cut before it is measured.
const LONGEST: usize = 1024;

/// Makes foreign text harmless: control characters and ESC become visible pictures, line ends and tabs too; bidi marks, zero-width
/// characters and variation selectors (terminals disagree on their width) go, zero-width joiners with them.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    let mut joiners = 0;
    for c in text.chars().take(LONGEST) {
        match c {
            '\r' => out.push('␍'),
            '\n' => out.push('␊'),
            '\t' => out.push('␉'),
            '\u{0}'..='\u{1f}' => {
                out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => out.push('␡'),
            '\u{80}'..='\u{9f}' => out.push('\u{fffd}'),
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{61c}'
            | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' => {}
            '\u{2028}' | '\u{2029}' => out.push('␊'),
            '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' => {
                // A tower of combining marks would spill over other rows.
                joiners += 1;
                if joiners <= 3 {
                    out.push(c);
                }
                continue;
            }
            c => out.push(c),
        }
        joiners = 0;
    }
    out
}

/// Columns that cleaned text takes.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Cleaned text cut at its end to `columns`, with an ellipsis where something is missing.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = UnicodeWidthStr::width(grapheme);
        if used + wide > columns - 1 {
            break;
        }
        out.push_str(grapheme);
        used += wide;
    }
    out.push('…');
    out
}

/// Text broken at spaces into lines of at most `columns`; a longer word is broken hard.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= columns {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for grapheme in word.graphemes(true) {
            if width(&line) + UnicodeWidthStr::width(grapheme) > columns {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(grapheme);
        }
    }
    lines.push(line);
    lines
}

/// A count with thin grouping: `41 000`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A count in four columns or so: `999`, `62k`, `1.2M`.
pub fn short_number(value: u64) -> String {
    match value {
        0..=9_999 => number(value),
        10_000..=999_999 => format!("{}k", value / 1_000),
        _ => format!("{}.{}M", value / 1_000_000, value % 1_000_000 / 100_000),
    }
}

/// `1 conflict`, `14 conflicts`.
pub fn count(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// A duration: `31s`, `1m08s`, `2h05m`, `3d`.
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3_599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// An age in whole units: `now`, `4m`, `1h`, `2d`. It changes at the turn of the minute of `now` only, so that a list at rest stays at rest.
pub fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let minutes = now.timestamp().div_euclid(60) - then.timestamp().div_euclid(60);
    match minutes {
        i64::MIN..=0 => "now".into(),
        1..=59 => format!("{minutes}m"),
        60..=1_439 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1_440),
    }
}

/// An age in a sentence: `4m ago`.
pub fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match age(then, now).as_str() {
        "now" => "just now".into(),
        age => format!("{age} ago"),
    }
}

/// Time left to a moment: `in 11m`, `due`.
pub fn until(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match age(now, then).as_str() {
        "now" => "due".into(),
        age => format!("in {age}"),
    }
}

/// A time of day, with the day where it is not today: `14:01`, `13 May 09:12`.
pub fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if at.date_naive() == now.date_naive() {
        at.format("%H:%M").to_string()
    } else if at.format("%Y").to_string() == now.format("%Y").to_string() {
        at.format("%-d %b %H:%M").to_string()
    } else {
        at.format("%Y-%m-%d").to_string()
    }
}

/// A vendor's id as lists show it: `003..8Qk`; short ones whole. The last three of Salesforce's 18 characters only repeat the capitals
/// of the others and are the same in most ids of a list, so the three before them are shown.
pub fn id(text: &str) -> String {
    let text = clean(text);
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= 10 {
        return text;
    }
    let telling = if chars.len() == 18 { 15 } else { chars.len() };
    let head: String = chars.iter().take(3).collect();
    let tail: String = chars.iter().take(telling).skip(telling - 3).collect();
    format!("{head}..{tail}")
}

/// A value as people read it: blank is `(blank)`, unknown is `(not read)`.
pub fn value(value: &Value) -> String {
    match value {
        Value::Unknown => "(not read)".into(),
        Value::Null => "(blank)".into(),
        Value::Text(text) if text.trim().is_empty() => "(spaces)".into(),
        Value::Text(text) => clean(text),
    }
}

/// The arrow of a direction.
pub fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "⇄",
        Direction::ToHubspot => "→",
        Direction::ToSalesforce => "←",
    }
}

/// What the queue writes in FIELDS for a review item.
pub fn item_kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Field => "",
        ItemKind::AmbiguousMatch => "match?",
        ItemKind::PossibleDuplicate => "duplicate?",
        ItemKind::MergeCollision => "merged?",
        ItemKind::Deletion => "deleted?",
        ItemKind::DeleteUpdate => "deleted, edited?",
        ItemKind::Oscillation => "oscillates?",
        ItemKind::UnknownCreate => "created?",
        ItemKind::ConversionCollision => "converted?",
        ItemKind::AlreadyLinked => "linked?",
        ItemKind::RestoredHereDeletedThere => "restored?",
    }
}

/// The rule that asked, in the words of the screen.
pub fn rule(word: &str) -> String {
    match word {
        "last_write_wins" => "newest".into(),
        "salesforce" => "SF wins".into(),
        "hubspot" => "HS wins".into(),
        other => clean(other),
    }
}

/// One cell of a CSV file. A leading character that a spreadsheet reads as a formula is disarmed with an apostrophe.
pub fn csv_cell(text: &str) -> String {
    let disarmed = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    };
    if disarmed.contains([',', '"', '\n', '\r', ';']) {
        format!("\"{}\"", disarmed.replace('"', "\"\""))
    } else {
        disarmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_lets_no_control_character_through() {
        let nasty: String = (0u32..0x2fff).filter_map(char::from_u32).collect();
        for c in clean(&nasty).chars() {
            assert!(!c.is_control(), "{c:?}");
        }
        assert_eq!(clean("a\u{1b}[31mb\n\tc"), "a␛[31mb␊␉c");
        assert_eq!(clean("a\u{202e}b\u{200d}c⚠\u{fe0f}"), "abc⚠");
    }

    #[test]
    fn cut_never_exceeds_its_columns() {
        for text in [
            "plain",
            "山田 太郎",
            "Müller",
            "👨‍👩‍👧 family",
            "e\u{301}e\u{301}e\u{301}e\u{301}",
        ] {
            let text = clean(text);
            for columns in 0..12 {
                assert!(width(&cut(&text, columns)) <= columns, "{text} {columns}");
                for line in wrap(&text, columns.max(2)) {
                    assert!(width(&line) <= columns.max(2), "{line}");
                }
            }
        }
        assert_eq!(cut("Northwind Ltd", 6), "North…");
    }

    #[test]
    fn numbers_and_times_read_as_designed() {
        assert_eq!(number(0), "0");
        assert_eq!(number(41_000), "41 000");
        assert_eq!(number(1_234_567), "1 234 567");
        assert_eq!(short_number(62_345), "62k");
        assert_eq!(short_number(1_250_000), "1.2M");
        assert_eq!(duration(68), "1m08s");
        assert_eq!(duration(7_500), "2h05m");
    }

    #[test]
    fn ids_of_neighbours_are_told_apart() {
        assert_eq!(id("003Wb00000Ab01CIAR"), "003..01C");
        assert_eq!(id("003Wb00000Ab01DIAR"), "003..01D");
        assert_eq!(id("44237313123"), "442..123");
        assert_eq!(id("1796"), "1796");
    }

    #[test]
    fn an_age_changes_at_the_turn_of_the_minute_only() {
        let at = |s: i64| DateTime::from_timestamp(s, 0).unwrap_or_default();
        assert_eq!(age(at(59), at(60)), "1m");
        assert_eq!(age(at(0), at(59)), "now");
        assert_eq!(until(at(60 * 12), at(61)), "in 11m");
    }

    #[test]
    fn a_formula_is_disarmed_in_csv() {
        assert_eq!(csv_cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(csv_cell("-1"), "'-1");
        assert_eq!(csv_cell("plain"), "plain");
        assert_eq!(csv_cell("a,b"), "\"a,b\"");
    }
}
