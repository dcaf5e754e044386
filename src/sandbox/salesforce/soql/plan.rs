//! A query whose names are looked up, ready to run.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::super::cells::Cell;
use super::ast::Op;
use super::group::Aggregate;
use super::lexer::Glyph;

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
pub enum Test {
    /// All of them.
    And(Vec<Test>),
    /// Any of them.
    Or(Vec<Test>),
    /// Not it.
    Not(Box<Test>),
    /// One comparison.
    Compare(Left, Op, Cell<'static>),
    /// A text that fits a pattern.
    Like(Left, Vec<Glyph>),
    /// Values by `Cell::key`; not in them when true.
    In(Left, HashSet<String>, bool),
    /// In the one selected column of another query; not in it when true.
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
pub enum GroupCell {
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
    pub grouped: Vec<GroupCell>,
    /// Which groups.
    pub having: Option<Test>,
}
