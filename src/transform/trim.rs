//! `trim`: outer white space and invisible characters removed. The way back writes the trimmed form.

/// The text without white space, zero-width characters and byte-order marks around it.
pub(super) fn view(text: &str) -> String {
    let outer = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}');
    text.trim_matches(outer).to_owned()
}
