//! Tokens to a tree. What the engine cannot evaluate is refused by name.

use chrono::NaiveDate;

use super::lexer::{Kind, Token, pattern, tokens, unescape};
use super::{Days, Literal, NotUnderstood, Operator, Tree};
use crate::domain::canon::Decimal;

/// How deep parentheses and NOT may nest.
const DEEPEST: usize = 40;

/// Words that begin what a condition cannot hold, with the reason.
const REFUSED: [(&str, &str); 6] = [
    (
        "SELECT",
        "begins a query of its own, which the engine cannot evaluate",
    ),
    (
        "INCLUDES",
        "is not something that the engine can evaluate; compare the whole value",
    ),
    (
        "EXCLUDES",
        "is not something that the engine can evaluate; compare the whole value",
    ),
    (
        "ORDER",
        "belongs to a query; only its condition is written here",
    ),
    (
        "LIMIT",
        "belongs to a query; only its condition is written here",
    ),
    (
        "WHERE",
        "belongs to a query; only what stands behind WHERE is written here",
    ),
];

/// Reads a whole condition.
pub(super) fn parse(object: &str, text: &str) -> Result<Tree, NotUnderstood> {
    let mut parser = Parser {
        object,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let tree = parser.condition()?;
    match parser.peek().kind {
        // A condition of nothing but IsDeleted leaves nothing to test.
        Kind::End => Ok(tree.unwrap_or(Tree::All(Vec::new()))),
        _ => Err(parser.unexpected("AND, OR or the end")),
    }
}

/// A part of a condition; `None` where it only tests IsDeleted: deletion is no matter of scope (12.6).
type Part = Option<Tree>;

struct Parser<'a> {
    object: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Token {
        let end = || Token {
            kind: Kind::End,
            at: 0,
        };
        let last = self.tokens.len().saturating_sub(1);
        self.tokens
            .get(self.next.min(last))
            .cloned()
            .unwrap_or_else(end)
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn unexpected(&self, wanted: &str) -> NotUnderstood {
        let token = self.peek();
        let known = match &token.kind {
            Kind::Word(word) => refusal(word),
            _ => None,
        };
        match known {
            Some(why) => token.refuse(why),
            None => token.refuse(format!("is not understood; {wanted} is expected there")),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek().kind, Kind::Word(text) if text.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Sign(one) if one == sign);
        self.next += usize::from(found);
        found
    }

    fn deeper(&mut self) -> Result<(), NotUnderstood> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.peek().refuse("is nested too deeply"));
        }
        Ok(())
    }

    fn condition(&mut self) -> Result<Part, NotUnderstood> {
        self.deeper()?;
        let mut parts = vec![self.term()?];
        let joint = ["AND", "OR"].into_iter().find(|word| self.is_word(word));
        if let Some(joint) = joint {
            while self.word(joint) {
                parts.push(self.term()?);
            }
            if self.is_word("AND") || self.is_word("OR") {
                let why =
                    "stands beside the other of AND and OR; put parentheses around one of them";
                return Err(self.peek().refuse(why));
            }
        }
        self.depth -= 1;
        let mut parts: Vec<Tree> = parts.into_iter().flatten().collect();
        Ok(match (parts.len(), joint) {
            (0, _) => None,
            (1, _) => parts.pop(),
            (_, Some("OR")) => Some(Tree::Any(parts)),
            _ => Some(Tree::All(parts)),
        })
    }

    fn term(&mut self) -> Result<Part, NotUnderstood> {
        if self.word("NOT") {
            self.deeper()?;
            let inner = self.term()?;
            self.depth -= 1;
            return Ok(inner.map(|inner| Tree::Not(Box::new(inner))));
        }
        if self.sign("(") {
            let inner = self.condition()?;
            self.close()?;
            return Ok(inner);
        }
        self.test()
    }

    fn close(&mut self) -> Result<(), NotUnderstood> {
        if self.sign(")") {
            Ok(())
        } else {
            Err(self.unexpected("a closing parenthesis"))
        }
    }

    /// A field of the object, or of a parent one step up.
    fn field(&mut self) -> Result<String, NotUnderstood> {
        let token = self.peek();
        let Kind::Word(text) = &token.kind else {
            return Err(self.unexpected("a field"));
        };
        if let Some(why) = refusal(text) {
            return Err(token.refuse(why));
        }
        self.next += 1;
        if self.sign("(") {
            return Err(token.refuse("is a function, which the engine cannot evaluate"));
        }
        let mut steps: Vec<&str> = text.split('.').collect();
        if steps.len() > 1
            && steps
                .first()
                .is_some_and(|one| one.eq_ignore_ascii_case(self.object))
        {
            steps.remove(0);
        }
        if steps.iter().any(|step| step.is_empty()) {
            return Err(token.refuse("is not the name of a field"));
        }
        if steps.len() > 2 {
            return Err(
                token.refuse("lies more than one step up; a parent's own fields can be used")
            );
        }
        Ok(steps.join("."))
    }

    fn test(&mut self) -> Result<Part, NotUnderstood> {
        let field = self.field()?;
        let test = self.comparison(field.clone())?;
        Ok(Some(test).filter(|_| !field.eq_ignore_ascii_case("IsDeleted")))
    }

    fn comparison(&mut self, field: String) -> Result<Tree, NotUnderstood> {
        let negated = self.word("NOT");
        if self.word("IN") {
            if !self.sign("(") {
                return Err(self.unexpected("a list in parentheses"));
            }
            let mut list = vec![self.listed()?];
            while self.sign(",") {
                list.push(self.listed()?);
            }
            self.close()?;
            return Ok(Tree::In(field, list, negated));
        }
        if negated {
            return Err(self.unexpected("IN"));
        }
        if self.word("LIKE") {
            let token = self.take();
            let Kind::Quoted(raw) = &token.kind else {
                return Err(token.refuse("is no pattern; LIKE takes a quoted text"));
            };
            let glyphs = pattern(raw).ok_or_else(|| bad_escape(&token))?;
            return Ok(Tree::Like(field, glyphs));
        }
        let operator = match self.peek().kind {
            Kind::Sign("=") => Operator::Equal,
            Kind::Sign("!=" | "<>") => Operator::NotEqual,
            Kind::Sign("<") => Operator::Less,
            Kind::Sign("<=") => Operator::AtMost,
            Kind::Sign(">") => Operator::More,
            Kind::Sign(">=") => Operator::AtLeast,
            _ => return Err(self.unexpected("a comparison, IN or LIKE")),
        };
        self.next += 1;
        Ok(Tree::Compare(field, operator, self.literal()?))
    }

    fn listed(&mut self) -> Result<Literal, NotUnderstood> {
        let token = self.peek();
        match self.literal()? {
            Literal::Days(_) => {
                Err(token.refuse("is a span of days, which cannot stand in a list"))
            }
            literal => Ok(literal),
        }
    }

    fn literal(&mut self) -> Result<Literal, NotUnderstood> {
        let token = self.take();
        match &token.kind {
            Kind::Quoted(raw) => match unescape(raw) {
                Some(text) if text.is_empty() => Ok(Literal::Null),
                Some(text) => Ok(Literal::Text(text)),
                None => Err(bad_escape(&token)),
            },
            Kind::Bare(text) => bare(text).ok_or_else(|| {
                token.refuse(
                    "is not a number, a date (2026-11-20) or a moment (2026-11-20T10:00:00Z)",
                )
            }),
            Kind::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
            Kind::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Literal::Bool(true)),
            Kind::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Literal::Bool(false)),
            Kind::Word(word) => self.days(word, &token),
            Kind::Sign(_) | Kind::End => {
                self.next -= 1;
                Err(self.unexpected("a value"))
            }
        }
    }

    fn days(&mut self, word: &str, token: &Token) -> Result<Literal, NotUnderstood> {
        let unknown = || match refusal(word) {
            Some(why) => token.refuse(why),
            None if word.to_ascii_uppercase().contains("WEEK") => token.refuse(
                "depends on where a week begins for a user; count days instead: LAST_N_DAYS:7",
            ),
            None => token.refuse("is not a value; a text stands in quotes"),
        };
        if self.sign(":") {
            let count = self.take();
            let n = match &count.kind {
                Kind::Bare(text) => text.parse().ok(),
                _ => None,
            };
            let n = n.ok_or_else(|| count.refuse("is not a number of days"))?;
            return Days::counted(word, n)
                .map(Literal::Days)
                .ok_or_else(unknown);
        }
        Days::plain(word).map(Literal::Days).ok_or_else(unknown)
    }
}

fn refusal(word: &str) -> Option<&'static str> {
    REFUSED
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word))
        .map(|(_, why)| why)
}

fn bad_escape(token: &Token) -> NotUnderstood {
    token.refuse("has a backslash that means nothing there; a backslash itself is written \\\\")
}

/// An unquoted value that begins with a digit or a sign.
fn bare(text: &str) -> Option<Literal> {
    if Decimal::parse(text, None).is_some() {
        return Some(Literal::Number(text.to_owned()));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(Literal::Date(day));
    }
    super::eval::moment(text).map(Literal::Moment)
}
