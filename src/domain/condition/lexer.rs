//! The text of a condition as tokens, each with the character that it begins at.

use super::{Glyph, NotUnderstood};

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A keyword, a name or a dotted path.
    Word(String),
    /// The inside of a quoted text, escapes still in it.
    Quoted(String),
    /// Begins with a digit, a sign or a point: a number, a date or a moment.
    Bare(String),
    /// Punctuation or an operator.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its first character, counted from 1.
    pub(super) at: usize,
}

impl Token {
    /// As it is shown in a refusal.
    pub(super) fn shown(&self) -> String {
        match &self.kind {
            Kind::Word(text) | Kind::Bare(text) => text.clone(),
            Kind::Quoted(text) => format!("'{text}'"),
            Kind::Sign(sign) => (*sign).to_owned(),
            Kind::End => "the end".to_owned(),
        }
    }

    pub(super) fn refuse(&self, why: impl Into<String>) -> NotUnderstood {
        NotUnderstood {
            at: self.at,
            found: self.shown(),
            why: why.into(),
        }
    }
}

const SIGNS: [&str; 11] = ["!=", "<>", "<=", ">=", "(", ")", ",", "=", "<", ">", ":"];

/// All tokens, the last being the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, NotUnderstood> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        if letter.is_whitespace() {
            at += 1;
            continue;
        }
        let rest = letters.get(at..).unwrap_or_default();
        let (kind, length) = match letter {
            '\'' => quoted(rest, at)?,
            '0'..='9' | '-' | '+' | '.' => {
                let inside = |c: char| c.is_ascii_alphanumeric() || "-+.:".contains(c);
                let text = span(rest, inside);
                let length = text.chars().count();
                (Kind::Bare(text), length)
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let text = span(rest, |c| c.is_ascii_alphanumeric() || "_.".contains(c));
                let length = text.chars().count();
                (Kind::Word(text), length)
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| {
                    let mut ahead = rest.iter();
                    sign.chars().all(|one| ahead.next() == Some(&one))
                });
                let Some(sign) = sign else {
                    return Err(NotUnderstood {
                        at: at + 1,
                        found: letter.to_string(),
                        why: "has no place in a condition".into(),
                    });
                };
                (Kind::Sign(sign), sign.len())
            }
        };
        found.push(Token { kind, at: at + 1 });
        at += length;
    }
    found.push(Token {
        kind: Kind::End,
        at: letters.len() + 1,
    });
    Ok(found)
}

fn span(rest: &[char], inside: impl Fn(char) -> bool) -> String {
    rest.iter().take_while(|letter| inside(**letter)).collect()
}

fn quoted(rest: &[char], at: usize) -> Result<(Kind, usize), NotUnderstood> {
    let mut escaped = false;
    for (offset, letter) in rest.iter().enumerate().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => {
                let inside = rest.get(1..offset).unwrap_or_default().iter().collect();
                return Ok((Kind::Quoted(inside), offset + 1));
            }
            _ => {}
        }
    }
    Err(NotUnderstood {
        at: at + 1,
        found: rest.iter().take(20).collect(),
        why: "is a text whose closing quote is missing; a quote inside a text is written \\'"
            .into(),
    })
}

/// The text inside quotes with its escapes undone; `None` for an escape that the vendor does not know.
pub(super) fn unescape(raw: &str) -> Option<String> {
    let plain = |glyph| match glyph {
        Glyph::Is(letter) => Some(letter),
        Glyph::One | Glyph::Many => None,
    };
    glyphs(raw, false)?.into_iter().map(plain).collect()
}

/// The pattern inside quotes.
pub(super) fn pattern(raw: &str) -> Option<Vec<Glyph>> {
    glyphs(raw, true)
}

fn glyphs(raw: &str, like: bool) -> Option<Vec<Glyph>> {
    let mut letters = raw.chars();
    let mut found = Vec::new();
    while let Some(letter) = letters.next() {
        let glyph = match letter {
            '\\' => Glyph::Is(match letters.next()? {
                'n' | 'N' => '\n',
                'r' | 'R' => '\r',
                't' | 'T' => '\t',
                'b' | 'B' => '\u{8}',
                'f' | 'F' => '\u{c}',
                plain @ ('"' | '\'' | '\\') => plain,
                wild @ ('_' | '%') if like => wild,
                'u' => {
                    let code: String = letters.by_ref().take(4).collect();
                    let code = Some(code).filter(|code| code.len() == 4)?;
                    char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                }
                _ => return None,
            }),
            '_' if like => Glyph::One,
            '%' if like => Glyph::Many,
            other => Glyph::Is(other),
        };
        found.push(glyph);
    }
    Some(found)
}
