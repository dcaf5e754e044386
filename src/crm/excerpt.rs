//! Short, printable pieces of foreign text, for messages: an error page of an edge server must neither flood a row nor
//! smuggle control sequences into a terminal.

/// The most characters of an excerpt.
const LONGEST: usize = 300;

/// A short, one-line, printable excerpt: tags dropped, control characters and runs of blanks made one blank.
pub fn excerpt(text: &str) -> String {
    let mut out = String::new();
    let mut inside_tag = false;
    let mut blank = true;
    let mut taken = 0usize;
    let is_markup = text.trim_start().starts_with('<');
    for c in text.chars() {
        match c {
            '<' if is_markup => inside_tag = true,
            '>' if is_markup && inside_tag => inside_tag = false,
            _ if inside_tag => continue,
            _ => {}
        }
        let c = if c.is_control() || c.is_whitespace() || is_invisible(c) || (is_markup && c == '>')
        {
            ' '
        } else {
            c
        };
        if inside_tag || (c == ' ' && blank) {
            continue;
        }
        blank = c == ' ';
        out.push(c);
        taken += 1;
        if taken >= LONGEST {
            out.push('…');
            break;
        }
    }
    out.trim().to_owned()
}

/// The same for bytes that may not be UTF-8.
pub(crate) fn excerpt_of_bytes(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(8_192)];
    excerpt(&String::from_utf8_lossy(head))
}

/// Bidirectional overrides and zero-width characters reorder or hide what follows them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_html_page_leaves_its_words_only() {
        let page =
            "<html><head><title>502 Bad Gateway</title></head>\n<body><h1>Oops</h1></body></html>";
        assert_eq!(excerpt(page), "502 Bad Gateway Oops");
    }

    #[test]
    fn control_sequences_and_overrides_do_not_survive() {
        assert_eq!(excerpt("a\u{1b}[31mb\u{202e}c\r\n\td"), "a [31mb c d");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(excerpt(&"x".repeat(9_000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_plain_text_keeps_its_angle_brackets() {
        assert_eq!(excerpt("a < b and b > c"), "a < b and b > c");
    }
}
