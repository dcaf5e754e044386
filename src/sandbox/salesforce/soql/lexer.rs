//! SOQL text to tokens with their byte offsets.

use super::super::errors::Fault;
use super::fault_at;

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A keyword, a name or a dotted path.
    Word(String),
    /// The inside of a quoted string, escapes still in it.
    Text(String),
    /// A bare literal beginning with a digit or sign: number, date or date-time.
    Bare(String),
    /// Punctuation or an operator.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins, in bytes.
    pub at: usize,
}

const SIGNS: &[&str] = &["!=", "<>", "<=", ">=", "(", ")", ",", "=", "<", ">", ":"];

/// All tokens, the last being `End`.
pub fn tokens(query: &str) -> Result<Vec<Token>, Fault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = query[at..].chars().next() {
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let rest = &query[at..];
        let (kind, length) = if letter == '\'' {
            quoted(query, at)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Kind::Sign(sign), sign.len())
        } else if letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.') {
            let text = span(rest, |c| {
                c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | ':')
            });
            (Kind::Bare(text.to_owned()), text.len())
        } else if letter.is_ascii_alphabetic() || letter == '_' {
            let text = span(rest, |c| {
                c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
            });
            (Kind::Word(text.to_owned()), text.len())
        } else {
            let what = format!("unexpected token: '{letter}'");
            return Err(fault_at(query, at, "MALFORMED_QUERY", &what));
        };
        found.push(Token { kind, at });
        at += length;
    }
    found.push(Token {
        kind: Kind::End,
        at: query.len(),
    });
    Ok(found)
}

fn span(text: &str, inside: impl Fn(char) -> bool) -> &str {
    let end = text.find(|letter| !inside(letter)).unwrap_or(text.len());
    &text[..end]
}

fn quoted(query: &str, at: usize) -> Result<(Kind, usize), Fault> {
    let mut escaped = false;
    for (offset, letter) in query[at + 1..].char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => {
                let inside = query[at + 1..at + 1 + offset].to_owned();
                return Ok((Kind::Text(inside), offset + 2));
            }
            '\n' | '\r' => break,
            _ => {}
        }
    }
    let what = "Unterminated string literal: a quote inside a text is written \\'";
    Err(fault_at(query, at, "MALFORMED_QUERY", what))
}

/// One character of a LIKE pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// This character.
    Is(char),
    /// Any one character.
    One,
    /// Any run of characters.
    Many,
}

/// The text inside quotes with its escapes undone. `None` for an escape the vendor does not know.
pub fn unescape(raw: &str) -> Option<String> {
    glyphs(raw, false)?
        .into_iter()
        .map(|glyph| match glyph {
            Glyph::Is(letter) => Some(letter),
            Glyph::One | Glyph::Many => None,
        })
        .collect()
}

/// The pattern inside quotes.
pub fn pattern(raw: &str) -> Option<Vec<Glyph>> {
    glyphs(raw, true)
}

fn glyphs(raw: &str, like: bool) -> Option<Vec<Glyph>> {
    let mut letters = raw.chars();
    let mut found = Vec::with_capacity(raw.len());
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            found.push(match letter {
                '_' if like => Glyph::One,
                '%' if like => Glyph::Many,
                other => Glyph::Is(other),
            });
            continue;
        }
        found.push(Glyph::Is(match letters.next()? {
            'n' | 'N' => '\n',
            'r' | 'R' => '\r',
            't' | 'T' => '\t',
            'b' | 'B' => '\u{8}',
            'f' | 'F' => '\u{c}',
            plain @ ('"' | '\'' | '\\') => plain,
            wild @ ('_' | '%') if like => wild,
            'u' => {
                let code: String = letters.by_ref().take(4).collect();
                char::from_u32(
                    u32::from_str_radix(&code, 16)
                        .ok()
                        .filter(|_| code.len() == 4)?,
                )?
            }
            _ => return None,
        }));
    }
    Some(found)
}
