//! Whether a condition holds for the values of a record. Blank values follow the vendor's rules, which know no third answer:
//! null is equal to null alone, unequal to everything else, and neither smaller nor larger. A value that was not read makes
//! the answer open, unless the rest of the condition decides without it (Kleene's logic).

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::{Condition, Glyph, Literal, Operator, Tree};
use crate::domain::Value;
use crate::domain::canon::Decimal;

impl Condition {
    /// Whether it holds, given the value of each field; `None` where a value that it takes was not read.
    pub fn holds<'v>(&self, value: &dyn Fn(&str) -> &'v Value, now: DateTime<Utc>) -> Option<bool> {
        holds(&self.tree, value, now)
    }
}

fn holds<'v>(tree: &Tree, value: &dyn Fn(&str) -> &'v Value, now: DateTime<Utc>) -> Option<bool> {
    match tree {
        Tree::All(parts) => joined(parts.iter().map(|one| holds(one, value, now)), false),
        Tree::Any(parts) => joined(parts.iter().map(|one| holds(one, value, now)), true),
        Tree::Not(inner) => holds(inner, value, now).map(|held| !held),
        Tree::Compare(field, operator, literal) => {
            known(value(field)).map(|value| compare(value, *operator, literal, now))
        }
        Tree::Like(field, glyphs) => {
            known(value(field)).map(|value| value.is_some_and(|text| like(text, glyphs)))
        }
        Tree::In(field, list, negated) => known(value(field)).map(|value| {
            let equal = |literal| compare(value, Operator::Equal, literal, now);
            list.iter().any(equal) != *negated
        }),
    }
}

/// AND (`decides` false) and OR (true): one part that decides is enough, an open one leaves the whole open.
fn joined(parts: impl Iterator<Item = Option<bool>>, decides: bool) -> Option<bool> {
    let mut open = false;
    for part in parts {
        match part {
            Some(held) if held == decides => return Some(decides),
            Some(_) => {}
            None => open = true,
        }
    }
    (!open).then_some(!decides)
}

/// The text of a value that was read, `None` inside for a blank one.
fn known(value: &Value) -> Option<Option<&str>> {
    match value {
        Value::Unknown => None,
        Value::Null => Some(None),
        Value::Text(text) => Some(Some(text.as_str()).filter(|text| !text.is_empty())),
    }
}

fn compare(value: Option<&str>, operator: Operator, literal: &Literal, now: DateTime<Utc>) -> bool {
    let Some(text) = value else {
        let both = *literal == Literal::Null;
        return match operator {
            Operator::Equal => both,
            Operator::NotEqual => !both,
            _ => false,
        };
    };
    if let Literal::Days(days) = literal {
        let (from, to) = days.span(now);
        return point(text).is_some_and(|at| within(at, operator, from, to));
    }
    let order = match literal {
        Literal::Null | Literal::Days(_) => None,
        Literal::Text(wanted) => Some(texts(text, wanted)),
        Literal::Number(wanted) => Decimal::parse(text, None)
            .zip(Decimal::parse(wanted, None))
            .map(|(found, wanted)| found.cmp(&wanted)),
        Literal::Bool(wanted) => Some(text.to_ascii_lowercase().cmp(&wanted.to_string())),
        Literal::Date(wanted) => point(text).map(|at| at.cmp(&midnight(*wanted))),
        Literal::Moment(wanted) => point(text).map(|at| at.cmp(wanted)),
    };
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::More => order == Some(Ordering::Greater),
        Operator::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn within(at: DateTime<Utc>, operator: Operator, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
    match operator {
        Operator::Equal => at >= from && at < to,
        Operator::NotEqual => at < from || at >= to,
        Operator::Less => at < from,
        Operator::AtMost => at < to,
        Operator::More => at >= to,
        Operator::AtLeast => at >= from,
    }
}

/// Texts compare without case. An id of 15 characters is the same as its form of 18.
fn texts(found: &str, wanted: &str) -> Ordering {
    let same_id = found.len() == 18
        && wanted.len() == 15
        && found.get(..15) == Some(wanted)
        && wanted.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if same_id {
        return Ordering::Equal;
    }
    found.to_lowercase().cmp(&wanted.to_lowercase())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// A value as a point in time: a date is its midnight.
fn point(text: &str) -> Option<DateTime<Utc>> {
    match text.parse::<NaiveDate>() {
        Ok(day) => Some(midnight(day)),
        Err(_) => moment(text),
    }
}

/// A moment with an offset, in the forms that the vendor writes and takes.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|at| at.with_timezone(&Utc))
        .ok()
}

/// Matches without case. Only the last `%` is ever returned to, so the work is at most text times pattern.
fn like(text: &str, glyphs: &[Glyph]) -> bool {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let folded = |glyph: &Glyph| match glyph {
        Glyph::Is(letter) => letter.to_lowercase().map(Glyph::Is).collect(),
        other => vec![*other],
    };
    let glyphs: Vec<Glyph> = glyphs.iter().flat_map(folded).collect();
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(at) {
        match glyphs.get(next) {
            Some(Glyph::Many) => {
                star = Some((next + 1, at));
                next += 1;
            }
            Some(glyph) if matches!(glyph, Glyph::One) || *glyph == Glyph::Is(*letter) => {
                (at, next) = (at + 1, next + 1);
            }
            _ => match star {
                Some((behind, taken)) => {
                    star = Some((behind, taken + 1));
                    (at, next) = (taken + 1, behind);
                }
                None => return false,
            },
        }
    }
    glyphs.iter().skip(next).all(|glyph| *glyph == Glyph::Many)
}
