//! Filters: operators and literals checked against the type of the field they meet.

use std::collections::HashSet;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};

use super::super::cells::{Cell, read_time};
use super::super::errors::Fault;
use super::super::ids;
use super::super::schema::field::{Field, Kind};
use super::ast::{Condition, Literal, Op, Operand};
use super::bind::{Binder, bind};
use super::group::Aggregate;
use super::lexer::{pattern, unescape};
use super::plan::{Left, Shape, Test};

impl Binder<'_> {
    /// A filter of WHERE, or of HAVING when aggregates may stand in it.
    pub fn condition(
        &self,
        condition: &Condition,
        mut aggregates: Option<&mut Vec<Aggregate>>,
    ) -> Result<Test, Fault> {
        let mut all = |list: &[Condition]| -> Result<Vec<Test>, Fault> {
            list.iter()
                .map(|one| self.condition(one, aggregates.as_deref_mut()))
                .collect()
        };
        match condition {
            Condition::And(list) => Ok(Test::And(all(list)?)),
            Condition::Or(list) => Ok(Test::Or(all(list)?)),
            Condition::Not(inner) => Ok(Test::Not(Box::new(self.condition(inner, aggregates)?))),
            Condition::Test(left, op, literal, at) => {
                let (left, field) = self.left(left, aggregates)?;
                self.compare(left, field, *op, literal, *at)
            }
            Condition::In(left, list, negated) => {
                let (left, field) = self.left(left, aggregates)?;
                let mut set = HashSet::with_capacity(list.len());
                for (literal, at) in list {
                    set.insert(self.cell(field, literal, *at)?.key());
                }
                Ok(Test::In(left, set, *negated))
            }
            Condition::InQuery(path, query, negated) => {
                let (left, _) = self.left(&Operand::Path(path.clone()), None)?;
                let plan = bind(self.schema, self.text, query, self.now)?;
                if !matches!(plan.shapes.as_slice(), [Shape::Leaf(_)]) {
                    let what = "a semi-join selects exactly one field";
                    return Err(self.fail(query.from.at, "MALFORMED_QUERY", what));
                }
                Ok(Test::InQuery(left, Box::new(plan), *negated))
            }
        }
    }

    fn left(
        &self,
        operand: &Operand,
        aggregates: Option<&mut Vec<Aggregate>>,
    ) -> Result<(Left, Option<&Field>), Fault> {
        match (operand, aggregates) {
            (Operand::Path(path), _) => {
                let column = self.column(self.object, &self.segments(path), path)?;
                let field = self.field(self.object, &column);
                if field.is_some_and(|field| !field.filterable()) {
                    let what = format!("field '{}' can not be filtered in a query call", path.text);
                    return Err(self.fail(path.at, "INVALID_FIELD", &what));
                }
                Ok((Left::Column(column), field))
            }
            (Operand::Call(name, argument, at), Some(aggregates)) => {
                let place = self.aggregate(name, argument.as_ref(), *at, aggregates)?;
                Ok((Left::Aggregate(place), None))
            }
            (Operand::Call(name, _, at), None) => {
                let what = format!("{name} can not be used in WHERE");
                Err(self.fail(*at, "MALFORMED_QUERY", &what))
            }
        }
    }

    fn compare(
        &self,
        left: Left,
        field: Option<&Field>,
        op: Op,
        literal: &Literal,
        at: usize,
    ) -> Result<Test, Fault> {
        if op == Op::Like {
            let text = field.is_none_or(Field::textual);
            return match literal {
                Literal::Text(raw) if text => pattern(raw)
                    .map(|glyphs| Test::Like(left, glyphs))
                    .ok_or_else(|| self.bad_escape(at)),
                _ => {
                    let what = "LIKE compares a text field with a quoted text";
                    Err(self.fail(at, "INVALID_FIELD", what))
                }
            };
        }
        if let Literal::Day(name, days) = literal
            && field.is_some_and(|field| matches!(field.kind, Kind::Date | Kind::DateTime))
        {
            let (from, to) = day_range(name, days.unwrap_or(0), self.now);
            return Ok(Test::Within(left, op, from, to));
        }
        let plain = matches!(op, Op::Eq | Op::Ne);
        if field.is_some_and(|field| matches!(field.kind, Kind::Boolean(_))) && !plain {
            return Err(self.fail(
                at,
                "INVALID_QUERY_FILTER_OPERATOR",
                "invalid operator on boolean field",
            ));
        }
        Ok(Test::Compare(left, op, self.cell(field, literal, at)?))
    }

    fn bad_escape(&self, at: usize) -> Fault {
        self.fail(
            at,
            "MALFORMED_QUERY",
            "Illegal escape sequence in a quoted text",
        )
    }

    fn cell(
        &self,
        field: Option<&Field>,
        literal: &Literal,
        at: usize,
    ) -> Result<Cell<'static>, Fault> {
        let Some(field) = field else {
            return match literal {
                Literal::Bare(text) => Ok(text.parse().map_or(Cell::Null, Cell::Number)),
                Literal::Text(raw) => match unescape(raw) {
                    Some(text) => Ok(Cell::Text(text.into())),
                    None => Err(self.bad_escape(at)),
                },
                _ => Ok(Cell::Null),
            };
        };
        let wrong = |kind: &str, quotes: &str| {
            let name = field.name;
            let what = format!(
                "value of filter criterion for field '{name}' must be of type {kind} and should {quotes}enclosed in quotes"
            );
            self.fail(at, "INVALID_FIELD", &what)
        };
        match (field.kind, literal) {
            (_, Literal::Null) => Ok(Cell::Null),
            (Kind::Id | Kind::Reference(_), Literal::Text(raw)) => {
                let text = unescape(raw).ok_or_else(|| self.bad_escape(at))?;
                if text.is_empty() {
                    return Ok(Cell::Null);
                }
                ids::canonical(&text)
                    .map(|id| Cell::Id(id.into()))
                    .ok_or_else(|| {
                        self.fail(
                            at,
                            "INVALID_QUERY_FILTER_OPERATOR",
                            &format!("invalid ID field: {text}"),
                        )
                    })
            }
            (Kind::Boolean(_), Literal::Boolean(flag)) => Ok(Cell::Boolean(*flag)),
            (Kind::Boolean(_), _) => Err(wrong("boolean", "not be ")),
            (Kind::Int | Kind::Double | Kind::Currency | Kind::Percent, Literal::Bare(text)) => {
                text.parse()
                    .map(Cell::Number)
                    .map_err(|_| wrong("double", "not be "))
            }
            (Kind::Int | Kind::Double | Kind::Currency | Kind::Percent, _) => {
                Err(wrong("double", "not be "))
            }
            (Kind::Date, Literal::Bare(text)) => text
                .parse::<NaiveDate>()
                .map(Cell::Date)
                .map_err(|_| wrong("date", "not be ")),
            (Kind::Date, _) => Err(wrong("date", "not be ")),
            (Kind::DateTime, Literal::Bare(text)) => read_time(text)
                .map(Cell::Time)
                .ok_or_else(|| wrong("dateTime", "not be ")),
            (Kind::DateTime, _) => Err(wrong("dateTime", "not be ")),
            (_, Literal::Text(raw)) => match unescape(raw) {
                Some(text) if text.is_empty() => Ok(Cell::Null),
                Some(text) => Ok(Cell::Text(text.into())),
                None => Err(self.bad_escape(at)),
            },
            _ => Err(wrong("string", "be ")),
        }
    }
}

fn day_range(name: &str, days: i64, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let today = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let day = |offset: i64| today + Duration::days(offset);
    match name {
        "YESTERDAY" => (day(-1), day(0)),
        "TOMORROW" => (day(1), day(2)),
        "LAST_N_DAYS" => (day(-days), day(1)),
        "NEXT_N_DAYS" => (day(1), day(days + 1)),
        _ => (day(0), day(1)),
    }
}
