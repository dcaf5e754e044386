//! GROUP BY and the aggregate functions.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::super::cells::Cell;
use super::super::data::Data;
use super::eval::{View, cut, holds, matching, sort_order, value};
use super::plan::{Column, GroupCell, Left, Plan};

/// An aggregate over a group's rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregate {
    /// All rows, or those with a value.
    Count(Option<Column>),
    /// Different values.
    Distinct(Column),
    /// The smallest value.
    Min(Column),
    /// The largest value.
    Max(Column),
    /// The sum of the numbers.
    Sum(Column),
    /// Their mean.
    Avg(Column),
}

struct Group<'a> {
    keys: Vec<Cell<'a>>,
    rows: Vec<usize>,
    results: Vec<Cell<'a>>,
}

impl<'a> Group<'a> {
    fn get(&self, plan: &Plan, left: &Left) -> Cell<'a> {
        match left {
            Left::Aggregate(place) => self.results.get(*place).cloned(),
            Left::Column(column) => plan
                .group
                .iter()
                .position(|known| known == column)
                .and_then(|place| self.keys.get(place).cloned()),
        }
        .unwrap_or(Cell::Null)
    }
}

/// The rows of a grouped query, ready to print.
pub fn groups(data: &Data, plan: &Plan, view: View) -> Vec<Value> {
    let table = &data.tables[plan.object];
    let mut groups: BTreeMap<Vec<String>, Group<'_>> = BTreeMap::new();
    if plan.group.is_empty() {
        groups.insert(
            Vec::new(),
            Group {
                keys: Vec::new(),
                rows: Vec::new(),
                results: Vec::new(),
            },
        );
    }
    for place in matching(data, plan, view) {
        let keys: Vec<Cell<'_>> = plan
            .group
            .iter()
            .map(|column| value(data, plan.object, &table.rows[place], column))
            .collect();
        groups
            .entry(keys.iter().map(Cell::key).collect())
            .or_insert_with(|| Group {
                keys,
                rows: Vec::new(),
                results: Vec::new(),
            })
            .rows
            .push(place);
    }
    let mut kept: Vec<Group<'_>> = groups
        .into_values()
        .map(|mut group| {
            group.results = plan
                .aggregates
                .iter()
                .map(|aggregate| result(data, plan, aggregate, &group.rows))
                .collect();
            group
        })
        .filter(|group| {
            plan.having
                .as_ref()
                .is_none_or(|test| holds(test, &|left| group.get(plan, left)))
        })
        .collect();
    kept.sort_by(|a, b| {
        plan.order
            .iter()
            .map(|(left, descending, last)| {
                sort_order(&a.get(plan, left), &b.get(plan, left), *descending, *last)
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    cut(kept, plan)
        .into_iter()
        .map(|group| {
            let mut record = Map::new();
            record.insert("attributes".into(), json!({"type": "AggregateResult"}));
            for cell in &plan.grouped {
                let (name, value) = match cell {
                    GroupCell::Grouped(name, place) => (name, group.keys[*place].json()),
                    GroupCell::Aggregate(name, place) => (name, group.results[*place].json()),
                };
                record.insert(name.clone(), value);
            }
            Value::Object(record)
        })
        .collect()
}

fn result<'a>(data: &'a Data, plan: &Plan, aggregate: &Aggregate, rows: &[usize]) -> Cell<'a> {
    let table = &data.tables[plan.object];
    let cells = |column: &Column| -> Vec<Cell<'a>> {
        rows.iter()
            .map(|place| value(data, plan.object, &table.rows[*place], column))
            .filter(|cell| *cell != Cell::Null)
            .collect()
    };
    let extreme = |column: &Column, wanted: Ordering| {
        cells(column)
            .into_iter()
            .reduce(|best, cell| {
                if cell.order(&best) == Some(wanted) {
                    cell
                } else {
                    best
                }
            })
            .unwrap_or(Cell::Null)
    };
    let sum = |cells: &[Cell<'_>]| {
        cells
            .iter()
            .filter_map(|cell| match cell {
                Cell::Number(number) => Some(*number),
                _ => None,
            })
            .fold(Decimal::ZERO, |sum, number| sum.saturating_add(number))
    };
    match aggregate {
        Aggregate::Count(None) => Cell::Number(rows.len().into()),
        Aggregate::Count(Some(column)) => Cell::Number(cells(column).len().into()),
        Aggregate::Distinct(column) => {
            let keys: HashSet<String> = cells(column).iter().map(Cell::key).collect();
            Cell::Number(keys.len().into())
        }
        Aggregate::Min(column) => extreme(column, Ordering::Less),
        Aggregate::Max(column) => extreme(column, Ordering::Greater),
        Aggregate::Sum(column) => Cell::Number(sum(&cells(column))),
        Aggregate::Avg(column) => {
            let cells = cells(column);
            sum(&cells)
                .checked_div(cells.len().into())
                .map_or(Cell::Null, Cell::Number)
        }
    }
}
