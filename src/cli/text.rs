//! Text for people: foreign text made harmless, numbers, moments, widths. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::Value;

/// Foreign text on one line: control characters, line breaks and the marks that turn the writing direction are shown
/// as a space or left out, so that a record cannot draw on the terminal.
pub fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|letter| match letter {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => None,
            letter if letter.is_control() => Some('\u{fffd}'),
            letter => Some(letter),
        })
        .collect()
}

/// A value as tables show it; a blank is an empty cell, what is not known a question mark.
pub fn value(value: &Value) -> String {
    match value {
        Value::Unknown => "?".to_owned(),
        Value::Null => String::new(),
        Value::Text(text) => clean(text),
    }
}

/// Columns that the text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to `columns`, with `mark` in the last ones where something was cut.
pub fn fit(text: &str, columns: usize, mark: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(mark));
    let mut short = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        used += width(cluster);
        if used > room {
            break;
        }
        short.push_str(cluster);
    }
    short.push_str(mark);
    short
}

/// `41000` as `41 000`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `1 conflict`, `3 conflicts`, `2 entries`.
pub fn count(many: u64, one: &str) -> String {
    let many_of_them = match one.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{one}s"),
    };
    let word = if many == 1 { one } else { &many_of_them };
    format!("{} {word}", number(many))
}

/// A moment for machines: `2026-11-21T14:02:00Z`.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment for people: `2026-11-21 14:02`.
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// Seconds between two moments, to a tenth; never negative.
pub fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    let tenths = (to - from).num_milliseconds().max(0) / 100;
    tenths as f64 / 10.0
}

/// `12.3 s`, `2m 05s`, `1h 02m`.
pub fn took(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3_600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3_600, whole % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_draw_on_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d"), "a\u{fffd}[31mb cd");
        assert_eq!(value(&Value::Null), "");
        assert_eq!(value(&Value::Unknown), "?");
    }

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        assert_eq!(fit("日本語です", 5, "…"), "日本…");
        assert_eq!(fit("abc", 3, "…"), "abc");
        assert_eq!(fit("abcd", 3, "..."), "...");
    }

    #[test]
    fn numbers_and_times_read_easily() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_204), "1 204");
        assert_eq!(number(1_000_000), "1 000 000");
        assert_eq!(count(1, "conflict"), "1 conflict");
        assert_eq!(count(2, "conflict"), "2 conflicts");
        assert_eq!(count(0, "entry"), "0 entries");
        assert_eq!(took(12.34), "12.3 s");
        assert_eq!(took(125.0), "2m 05s");
        assert_eq!(took(3_725.0), "1h 02m");
    }
}
