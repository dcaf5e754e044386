//! Text helpers of the world: Latin letters for addresses, decomposed letters.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower-case ASCII letters and digits of a text, its words joined by `joint`; marks are dropped (`é` is `e`).
pub(super) fn slug(text: &str, joint: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == '-')
        .map(letters)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(joint)
}

/// The same text with its letters and their marks apart (NFD), as some systems store it.
pub(super) fn decomposed(text: &str) -> String {
    text.nfd().collect()
}

fn letters(word: &str) -> String {
    word.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ß' => "ss".into(),
            'ø' => "o".into(),
            'ł' => "l".into(),
            'ı' => "i".into(),
            c if c.is_ascii_alphanumeric() => c.to_string(),
            _ => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_marks_become_plain_addresses() {
        assert_eq!(slug("Łukasz", ""), "lukasz");
        assert_eq!(slug("von der Groß", ""), "vondergross");
        assert_eq!(slug("Jean-Luc O'Brien", "-"), "jean-luc-obrien");
        assert_eq!(slug("佐藤", ""), "");
    }
}
