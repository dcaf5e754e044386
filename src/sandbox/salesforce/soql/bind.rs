//! Syntax tree to plan: every name looked up, every literal read by its field's type.

use std::collections::HashSet;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};

use super::super::cells::{Cell, read_time};
use super::super::errors::Fault;
use super::super::ids;
use super::super::schema::Schema;
use super::super::schema::field::{Field, Kind};
use super::fault_at;
use super::group::Aggregate;
use super::lexer::{Glyph, pattern, unescape};
use super::parser::{Condition, Item, Literal, Op, Operand, Path, Query, Sort};

/// A field, perhaps across relationships. A polymorphic step has a target for each object that has the rest.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// A field of the row itself.
    Field(usize),
    /// `Owner.Type` and its like: the object's name.
    TypeName,
    /// A field of the parent behind that reference, by the parent's object.
    Parent(usize, Vec<(usize, Column)>),
}

/// The left side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    /// A field.
    Column(Column),
    /// One of the plan's aggregates.
    Aggregate(usize),
}

/// A filter over looked-up names.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare(Left, Op, Cell<'static>),
    Like(Left, Vec<Glyph>),
    /// Values by `Cell::key`; not in them when true.
    In(Left, HashSet<String>, bool),
    InQuery(Left, Box<Plan>, bool),
    /// From (inclusive) to (exclusive).
    Within(Left, Op, DateTime<Utc>, DateTime<Utc>),
}

/// What a row shows, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A field of its own.
    Leaf(usize),
    /// The object's name.
    TypeName,
    /// A parent: relationship name, reference field, shape by target object.
    Parent(&'static str, usize, Vec<(usize, Vec<Shape>)>),
    /// Children: relationship name, reference field on the child, plan.
    Child(&'static str, usize, Box<Plan>),
}

/// What a grouped row shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Cellar {
    /// A grouped field: its name, its place in `group`.
    Grouped(String, usize),
    /// An aggregate: its name, its place in `aggregates`.
    Aggregate(String, usize),
}

/// A query ready to run.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Plan {
    /// The object.
    pub object: usize,
    /// What each row shows.
    pub shapes: Vec<Shape>,
    /// Which rows.
    pub filter: Option<Test>,
    /// Sort keys: by, descending, nulls last.
    pub order: Vec<(Left, bool, bool)>,
    /// At most so many.
    pub limit: Option<u64>,
    /// Without the first.
    pub offset: u64,
    /// `SELECT COUNT()`: only the number.
    pub count_only: bool,
    /// Grouping fields.
    pub group: Vec<Column>,
    /// Aggregates used anywhere in the query.
    pub aggregates: Vec<Aggregate>,
    /// What a grouped row shows; empty for an ordinary query.
    pub grouped: Vec<Cellar>,
    /// Which groups.
    pub having: Option<Test>,
}

/// Binds a query. `now` gives date literals their meaning, in UTC.
pub fn bind(schema: &Schema, text: &str, query: &Query, now: DateTime<Utc>) -> Result<Plan, Fault> {
    let Some(object) = schema.find(&query.from.text) else {
        return Err(unknown_object(text, &query.from));
    };
    Binder {
        schema,
        text,
        now,
        object,
        alias: query.alias.as_deref(),
    }
    .plan(query)
}

fn unknown_object(text: &str, from: &Path) -> Fault {
    let what = format!(
        "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' \
         after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
        from.text
    );
    fault_at(text, from.at, "INVALID_TYPE", &what)
}

struct Binder<'a> {
    schema: &'a Schema,
    text: &'a str,
    now: DateTime<Utc>,
    object: usize,
    alias: Option<&'a str>,
}

impl Binder<'_> {
    fn fail(&self, at: usize, code: &'static str, what: &str) -> Fault {
        fault_at(self.text, at, code, what)
    }

    fn plan(&self, query: &Query) -> Result<Plan, Fault> {
        let mut plan = Plan {
            object: self.object,
            limit: query.limit,
            offset: query.offset,
            ..Plan::default()
        };
        if let [Item::Value(Operand::Call(name, None, _), None)] = query.select.as_slice()
            && name == "COUNT"
            && query.group.is_empty()
        {
            plan.count_only = true;
        } else if !query.group.is_empty() || query.select.iter().any(is_aggregate) {
            self.grouped(query, &mut plan)?;
        } else {
            for item in &query.select {
                self.item(item, query.limit, &mut plan.shapes)?;
            }
        }
        plan.filter = match &query.filter {
            Some(filter) => Some(self.condition(filter, None)?),
            None => None,
        };
        if let Some(having) = &query.having {
            if plan.grouped.is_empty() {
                return Err(self.fail(query.from.at, "MALFORMED_QUERY", "HAVING needs GROUP BY"));
            }
            plan.having = Some(self.condition(having, Some(&mut plan.aggregates))?);
        }
        for sort in &query.order {
            let key = self.sort(sort, &mut plan)?;
            plan.order.push(key);
        }
        Ok(plan)
    }

    fn item(&self, item: &Item, limit: Option<u64>, shapes: &mut Vec<Shape>) -> Result<(), Fault> {
        match item {
            Item::Value(Operand::Path(path), _) => {
                let segments = self.segments(path);
                self.insert(self.object, &segments, path, shapes)
            }
            Item::Value(Operand::Call(name, _, at), _) => {
                Err(self.fail(*at, "MALFORMED_QUERY", &format!("unknown function: {name}")))
            }
            Item::Fields(which, at) => self.all_fields(which, limit, *at, shapes),
            Item::Child(query) => {
                let name = &query.from;
                let Some((child, field)) = self.schema.children(self.object, &name.text) else {
                    let what = format!(
                        "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use \
                         a custom relationship, be sure to append the '__r' after the custom relationship name.",
                        name.text
                    );
                    return Err(self.fail(name.at, "INVALID_TYPE", &what));
                };
                let binder = Binder {
                    object: child,
                    alias: query.alias.as_deref(),
                    ..*self
                };
                let plan = binder.plan(query)?;
                let known = self
                    .schema
                    .child_relationships(self.object)
                    .find(|(object, place, _)| (*object, *place) == (child, field))
                    .map_or("", |(_, _, known)| known);
                shapes.push(Shape::Child(known, field, Box::new(plan)));
                Ok(())
            }
        }
    }

    fn all_fields(
        &self,
        which: &str,
        limit: Option<u64>,
        at: usize,
        shapes: &mut Vec<Shape>,
    ) -> Result<(), Fault> {
        let wanted: fn(&Field) -> bool = match which {
            "ALL" => |_| true,
            "STANDARD" => |field| !field.custom(),
            "CUSTOM" => Field::custom,
            _ => {
                return Err(self.fail(
                    at,
                    "MALFORMED_QUERY",
                    "FIELDS takes ALL, STANDARD or CUSTOM",
                ));
            }
        };
        if which != "STANDARD" && limit.is_none_or(|limit| limit > 200) {
            let what = "The SOQL FIELDS function must have a LIMIT of at most 200";
            return Err(self.fail(at, "MALFORMED_QUERY", what));
        }
        let fields = self.schema.objects[self.object].visible();
        shapes.extend(
            fields
                .filter(|(_, field)| wanted(field))
                .map(|(place, _)| Shape::Leaf(place)),
        );
        Ok(())
    }

    /// The path's segments without the object's own name or alias in front.
    fn segments<'p>(&self, path: &'p Path) -> Vec<&'p str> {
        let mut segments: Vec<&str> = path.text.split('.').collect();
        let own = self.schema.objects[self.object].name;
        if segments.len() > 1 {
            let first = segments[0];
            let is_alias = self
                .alias
                .is_some_and(|alias| alias.eq_ignore_ascii_case(first));
            if is_alias || first.eq_ignore_ascii_case(own) {
                segments.remove(0);
            }
        }
        segments
    }

    fn insert(
        &self,
        object: usize,
        segments: &[&str],
        path: &Path,
        shapes: &mut Vec<Shape>,
    ) -> Result<(), Fault> {
        let leaf = match self.column(object, segments, path)? {
            Column::Field(place) => Shape::Leaf(place),
            Column::TypeName => Shape::TypeName,
            Column::Parent(reference, targets) => {
                let Kind::Reference(to) = self.schema.objects[object].fields[reference].kind else {
                    return Err(self.no_column(object, segments[0], path));
                };
                let known = shapes.iter().position(
                    |shape| matches!(shape, Shape::Parent(_, place, _) if *place == reference),
                );
                let at = known.unwrap_or_else(|| {
                    shapes.push(Shape::Parent(to.relationship, reference, Vec::new()));
                    shapes.len() - 1
                });
                if let Shape::Parent(_, _, by_object) = &mut shapes[at] {
                    for (target, _) in targets {
                        let slot = match by_object.iter().position(|(known, _)| *known == target) {
                            Some(slot) => slot,
                            None => {
                                by_object.push((target, Vec::new()));
                                by_object.len() - 1
                            }
                        };
                        self.insert(target, &segments[1..], path, &mut by_object[slot].1)?;
                    }
                }
                return Ok(());
            }
        };
        if shapes.contains(&leaf) {
            let what = format!("duplicate field selected: {}", path.text);
            return Err(self.fail(path.at, "MALFORMED_QUERY", &what));
        }
        shapes.push(leaf);
        Ok(())
    }

    fn no_column(&self, object: usize, name: &str, path: &Path) -> Fault {
        let what = format!(
            "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, be sure to append the \
             '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate \
             names.",
            self.schema.objects[object].name
        );
        self.fail(path.at, "INVALID_FIELD", &what)
    }

    fn column(&self, object: usize, segments: &[&str], path: &Path) -> Result<Column, Fault> {
        match segments {
            [] => Err(self.no_column(object, &path.text, path)),
            [name] => self.schema.objects[object]
                .find(name)
                .map(Column::Field)
                .ok_or_else(|| self.no_column(object, name, path)),
            [first, rest @ ..] => {
                let relationship = self.schema.objects[object].relationship(first);
                let Some(reference) = relationship.filter(|_| segments.len() <= 6) else {
                    let what = format!(
                        "Didn't understand relationship '{first}' in field path. If you are attempting to use a custom \
                         relationship, be sure to append the '__r' after the custom relationship name."
                    );
                    return Err(self.fail(path.at, "INVALID_FIELD", &what));
                };
                let mut targets = Vec::new();
                let mut refusal = None;
                for target in self.targets(object, reference) {
                    match self.column(target, rest, path) {
                        Ok(column) => targets.push((target, column)),
                        Err(_) if rest.len() == 1 && rest[0].eq_ignore_ascii_case("Type") => {
                            targets.push((target, Column::TypeName));
                        }
                        Err(fault) => refusal = Some(fault),
                    }
                }
                match refusal {
                    Some(fault) if targets.is_empty() => Err(fault),
                    _ => Ok(Column::Parent(reference, targets)),
                }
            }
        }
    }

    /// The objects of this org that a reference may name.
    fn targets(&self, object: usize, reference: usize) -> Vec<usize> {
        match self.schema.objects[object].fields[reference].kind {
            Kind::Reference(to) if to.to.is_empty() => vec![object],
            Kind::Reference(to) => to
                .to
                .iter()
                .filter_map(|name| self.schema.find(name))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The field at the end of a column.
    fn field(&self, object: usize, column: &Column) -> Option<&Field> {
        match column {
            Column::Field(place) => Some(&self.schema.objects[object].fields[*place]),
            Column::TypeName => None,
            Column::Parent(_, targets) => targets
                .first()
                .and_then(|(target, rest)| self.field(*target, rest)),
        }
    }

    fn grouped(&self, query: &Query, plan: &mut Plan) -> Result<(), Fault> {
        let mut names: Vec<String> = Vec::new();
        for path in &query.group {
            plan.group
                .push(self.column(self.object, &self.segments(path), path)?);
            names.push(path.text.rsplit('.').next().unwrap_or_default().to_owned());
        }
        let mut unnamed = 0;
        for item in &query.select {
            match item {
                Item::Value(Operand::Path(path), _) => {
                    let column = self.column(self.object, &self.segments(path), path)?;
                    let place = plan.group.iter().position(|known| *known == column);
                    let Some(place) = place else {
                        let what = format!("Field must be grouped or aggregated: {}", path.text);
                        return Err(self.fail(path.at, "MALFORMED_QUERY", &what));
                    };
                    plan.grouped
                        .push(Cellar::Grouped(names[place].clone(), place));
                }
                Item::Value(Operand::Call(name, argument, at), alias) => {
                    let place =
                        self.aggregate(name, argument.as_ref(), *at, &mut plan.aggregates)?;
                    let name = alias.clone().unwrap_or_else(|| {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    });
                    plan.grouped.push(Cellar::Aggregate(name, place));
                }
                Item::Child(_) | Item::Fields(..) => {
                    let what = "only fields and aggregates can be selected in a grouped query";
                    return Err(self.fail(query.from.at, "MALFORMED_QUERY", what));
                }
            }
        }
        Ok(())
    }

    fn aggregate(
        &self,
        name: &str,
        argument: Option<&Path>,
        at: usize,
        aggregates: &mut Vec<Aggregate>,
    ) -> Result<usize, Fault> {
        let column = match argument {
            Some(path) => Some(self.column(self.object, &self.segments(path), path)?),
            None => None,
        };
        let aggregate = match (name, column) {
            ("COUNT", column) => Aggregate::Count(column),
            ("COUNT_DISTINCT", Some(column)) => Aggregate::Distinct(column),
            ("MIN", Some(column)) => Aggregate::Min(column),
            ("MAX", Some(column)) => Aggregate::Max(column),
            ("SUM", Some(column)) => Aggregate::Sum(column),
            ("AVG", Some(column)) => Aggregate::Avg(column),
            _ => {
                return Err(self.fail(at, "MALFORMED_QUERY", &format!("unknown function: {name}")));
            }
        };
        if let Some(known) = aggregates.iter().position(|known| *known == aggregate) {
            return Ok(known);
        }
        aggregates.push(aggregate);
        Ok(aggregates.len() - 1)
    }

    fn sort(&self, sort: &Sort, plan: &mut Plan) -> Result<(Left, bool, bool), Fault> {
        let left = match &sort.by {
            Operand::Path(path) => {
                let column = self.column(self.object, &self.segments(path), path)?;
                if self
                    .field(self.object, &column)
                    .is_some_and(|field| !field.filterable())
                {
                    let what = format!("field '{}' can not be sorted in a query call", path.text);
                    return Err(self.fail(path.at, "MALFORMED_QUERY", &what));
                }
                if !plan.grouped.is_empty() && !plan.group.contains(&column) {
                    let what =
                        format!("Ordered field must be grouped or aggregated: {}", path.text);
                    return Err(self.fail(path.at, "MALFORMED_QUERY", &what));
                }
                Left::Column(column)
            }
            Operand::Call(name, argument, at) => {
                if plan.grouped.is_empty() {
                    let what = format!("{name} needs GROUP BY");
                    return Err(self.fail(*at, "MALFORMED_QUERY", &what));
                }
                let aggregates = &mut plan.aggregates;
                Left::Aggregate(self.aggregate(name, argument.as_ref(), *at, aggregates)?)
            }
        };
        Ok((left, sort.descending, sort.nulls_last))
    }

    fn condition(
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

fn is_aggregate(item: &Item) -> bool {
    matches!(item, Item::Value(Operand::Call(..), _))
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
