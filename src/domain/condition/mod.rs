//! A condition of SOQL that the engine can evaluate on what it has read (docs/design/sync-semantics.md 12.6;
//! docs/vendor/salesforce.md 2.4): comparisons, IN, LIKE, null tests, AND, OR, NOT, parentheses and date literals, over
//! fields of the object or of a parent one step up. Everything else is refused where it is written.

mod days;
mod eval;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use days::Days;

/// A condition, as written and as understood.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    text: String,
    tree: Tree,
}

/// What a condition is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Tree {
    /// All of them; of none, true.
    All(Vec<Tree>),
    /// Any of them.
    Any(Vec<Tree>),
    /// Not it.
    Not(Box<Tree>),
    /// One field against one literal.
    Compare(String, Operator, Literal),
    /// A text against a pattern with `%` and `_`, case aside.
    Like(String, Vec<Glyph>),
    /// One of a list, or (true) none of it.
    In(String, Vec<Literal>, bool),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Literal {
    /// `null`, and the empty text, which the vendor stores as null.
    Null,
    /// Quoted.
    Text(String),
    /// Digits as written.
    Number(String),
    /// `true`, `false`.
    Bool(bool),
    /// `2026-11-20`
    Date(NaiveDate),
    /// `2026-11-20T10:00:00Z`
    Moment(DateTime<Utc>),
    /// `LAST_N_DAYS:30` and its like: days counted in UTC.
    Days(Days),
}

/// One character of a LIKE pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Glyph {
    /// This character.
    Is(char),
    /// Any one.
    One,
    /// Any run.
    Many,
}

/// Why a condition is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// The character of the text that it begins at, counted from 1.
    pub at: usize,
    /// What stands there.
    pub found: String,
    /// Why it cannot be used.
    pub why: String,
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" at character {} {}",
            self.found, self.at, self.why
        )
    }
}

impl Condition {
    /// Reads a condition over `object`, whose own name may stand before a field.
    ///
    /// # Errors
    /// The first thing that is not understood.
    pub fn parse(object: &str, text: &str) -> Result<Condition, NotUnderstood> {
        Ok(Condition {
            text: text.to_owned(),
            tree: parser::parse(object, text)?,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parts that AND joins, each a condition over `object` by itself; the whole where there are none.
    pub fn clauses(&self, object: &str) -> Vec<Condition> {
        self.split(object).unwrap_or_else(|_| vec![self.clone()])
    }

    fn split(&self, object: &str) -> Result<Vec<Condition>, NotUnderstood> {
        let mut depth = 0_usize;
        // First letter and the one behind the last of each part, counted from 0.
        let mut parts = vec![(0, usize::MAX)];
        for token in lexer::tokens(&self.text)? {
            match &token.kind {
                lexer::Kind::Sign("(") => depth += 1,
                lexer::Kind::Sign(")") => depth = depth.saturating_sub(1),
                lexer::Kind::Word(word) if depth == 0 && word.eq_ignore_ascii_case("AND") => {
                    if let Some(last) = parts.last_mut() {
                        last.1 = token.at - 1;
                    }
                    parts.push((token.at - 1 + "AND".len(), usize::MAX));
                }
                _ => {}
            }
        }
        let cut = |(from, to): (usize, usize)| {
            let letters = self.text.chars().skip(from).take(to - from);
            Condition::parse(object, letters.collect::<String>().trim())
        };
        parts.into_iter().map(cut).collect()
    }

    /// The fields that it looks at, as written; a parent's with its relationship before a dot.
    pub fn fields(&self) -> BTreeSet<&str> {
        self.tests().map(|(field, _)| field).collect()
    }

    /// Every field with a literal that it meets; `None` for a pattern.
    pub fn tests(&self) -> impl Iterator<Item = (&str, Option<&Literal>)> {
        let mut found = Vec::new();
        gather(&self.tree, &mut found);
        found.into_iter()
    }
}

fn gather<'t>(tree: &'t Tree, found: &mut Vec<(&'t str, Option<&'t Literal>)>) {
    match tree {
        Tree::All(parts) | Tree::Any(parts) => parts.iter().for_each(|one| gather(one, found)),
        Tree::Not(inner) => gather(inner, found),
        Tree::Compare(field, _, literal) => found.push((field, Some(literal))),
        Tree::Like(field, _) => found.push((field, None)),
        Tree::In(field, list, _) => {
            found.extend(list.iter().map(|literal| (field.as_str(), Some(literal))));
        }
    }
}
