//! Running a plan: which rows, in which order, and how they print.

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{DateTime, NaiveTime, Utc};
use serde_json::{Map, Value, json};

use super::super::cells::Cell;
use super::super::data::{Data, Row};
use super::super::schema::field::{Kind, Source, System};
use super::ast::Op;
use super::lexer::Glyph;
use super::plan::{Column, Left, Plan, Shape, Test};

/// What a query sees besides the records.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The moment it runs.
    pub now: DateTime<Utc>,
    /// Deleted rows too (`queryAll`).
    pub deleted: bool,
    /// The API version of the request, for the URLs in rows.
    pub version: u32,
}

/// The value of a column for one row.
pub fn value<'a>(data: &'a Data, object: usize, row: &'a Row, column: &Column) -> Cell<'a> {
    match column {
        Column::Field(place) => data.cell(object, row, *place),
        Column::TypeName => Cell::Text(data.schema.objects[object].name.into()),
        Column::Parent(reference, targets) => {
            let Some((target, parent)) = parent(data, object, row, *reference) else {
                return Cell::Null;
            };
            match targets.iter().find(|(known, _)| *known == target) {
                Some((_, rest)) => value(data, target, parent, rest),
                None => Cell::Null,
            }
        }
    }
}

fn parent<'a>(
    data: &'a Data,
    object: usize,
    row: &'a Row,
    reference: usize,
) -> Option<(usize, &'a Row)> {
    let Cell::Id(id) = data.cell(object, row, reference) else {
        return None;
    };
    let target = data.schema.of_id(&id)?;
    let table = &data.tables[target];
    let row = &table.rows[table.place(&id)?];
    (!row.hidden).then_some((target, row))
}

/// Replaces semi-joins by the sets they mean.
fn settle(data: &Data, test: &Test, view: View) -> Test {
    match test {
        Test::And(list) => Test::And(list.iter().map(|one| settle(data, one, view)).collect()),
        Test::Or(list) => Test::Or(list.iter().map(|one| settle(data, one, view)).collect()),
        Test::Not(inner) => Test::Not(Box::new(settle(data, inner, view))),
        Test::InQuery(left, plan, negated) => {
            let table = &data.tables[plan.object];
            let set: HashSet<String> = match plan.shapes.first() {
                Some(Shape::Leaf(place)) => rows(data, plan, view)
                    .into_iter()
                    .map(|row| data.cell(plan.object, &table.rows[row], *place))
                    .filter(|cell| *cell != Cell::Null)
                    .map(|cell| cell.key())
                    .collect(),
                _ => HashSet::new(),
            };
            Test::In(left.clone(), set, *negated)
        }
        other => other.clone(),
    }
}

/// Whether a filter holds, given the values of its left sides.
pub fn holds<'a>(test: &Test, get: &dyn Fn(&Left) -> Cell<'a>) -> bool {
    match test {
        Test::And(list) => list.iter().all(|one| holds(one, get)),
        Test::Or(list) => list.iter().any(|one| holds(one, get)),
        Test::Not(inner) => !holds(inner, get),
        Test::Compare(left, op, right) => compare(&get(left), *op, right),
        Test::Like(left, glyphs) => match get(left) {
            Cell::Text(text) => like(&text, glyphs),
            _ => false,
        },
        Test::In(left, set, negated) => set.contains(&get(left).key()) != *negated,
        Test::InQuery(..) => false,
        Test::Within(left, op, from, to) => match get(left) {
            Cell::Time(at) => within(at, *op, *from, *to),
            Cell::Date(day) => within(day.and_time(NaiveTime::MIN).and_utc(), *op, *from, *to),
            _ => *op == Op::Ne,
        },
    }
}

fn within(at: DateTime<Utc>, op: Op, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
    match op {
        Op::Eq => at >= from && at < to,
        Op::Ne => at < from || at >= to,
        Op::Lt => at < from,
        Op::Le => at < to,
        Op::Gt => at >= to,
        Op::Ge => at >= from,
        Op::Like => false,
    }
}

fn compare(left: &Cell<'_>, op: Op, right: &Cell<'_>) -> bool {
    if *left == Cell::Null || *right == Cell::Null {
        let both = *left == Cell::Null && *right == Cell::Null;
        return match op {
            Op::Eq => both,
            Op::Ne => !both,
            _ => false,
        };
    }
    let order = left.order(right);
    match op {
        Op::Eq => order == Some(Ordering::Equal),
        Op::Ne => order != Some(Ordering::Equal),
        Op::Lt => order == Some(Ordering::Less),
        Op::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Op::Like => false,
    }
}

/// Matches without case. Linear in practice: only the last `%` is ever returned to.
fn like(text: &str, glyphs: &[Glyph]) -> bool {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let glyphs: Vec<Glyph> = glyphs
        .iter()
        .flat_map(|glyph| match glyph {
            Glyph::Is(letter) => letter.to_lowercase().map(Glyph::Is).collect(),
            other => vec![*other],
        })
        .collect();
    let (mut at, mut next, mut star) = (0, 0, None);
    while at < text.len() {
        match glyphs.get(next) {
            Some(Glyph::Many) => {
                star = Some((next, at));
                next += 1;
            }
            Some(Glyph::One) => (at, next) = (at + 1, next + 1),
            Some(Glyph::Is(letter)) if *letter == text[at] => (at, next) = (at + 1, next + 1),
            _ => match star {
                Some((from, taken)) => {
                    star = Some((from, taken + 1));
                    (at, next) = (taken + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    glyphs[next..].iter().all(|glyph| *glyph == Glyph::Many)
}

/// Rows that an AND-ed equality on an indexed field leaves; `None` when only a scan will do.
fn candidates(data: &Data, object: usize, test: &Test) -> Option<Vec<usize>> {
    match test {
        Test::And(list) => list.iter().find_map(|one| candidates(data, object, one)),
        Test::Compare(Left::Column(Column::Field(place)), Op::Eq, cell) if *cell != Cell::Null => {
            by_value(data, object, *place, &text_of(cell)?)
        }
        Test::In(Left::Column(Column::Field(place)), set, false) => {
            let field = &data.schema.objects[object].fields[*place];
            let is_id = matches!(field.kind, Kind::Id | Kind::Reference(_));
            let mut found = Vec::new();
            for key in set {
                // A null in the list means rows that no index holds.
                if key == "\u{0}" || (!is_id && !field.textual()) {
                    return None;
                }
                let key = if is_id {
                    super::super::ids::canonical(key)?
                } else {
                    key.clone()
                };
                found.extend(by_value(data, object, *place, &key)?);
            }
            found.sort_unstable();
            found.dedup();
            Some(found)
        }
        _ => None,
    }
}

fn text_of(cell: &Cell<'_>) -> Option<String> {
    match cell {
        Cell::Text(text) | Cell::Id(text) => Some(text.clone().into_owned()),
        _ => None,
    }
}

fn by_value(data: &Data, object: usize, place: usize, text: &str) -> Option<Vec<usize>> {
    let table = &data.tables[object];
    if data.schema.objects[object].fields[place].source == Source::System(System::Id) {
        return Some(table.place(text).into_iter().collect());
    }
    table.with_value(place, text)
}

/// The places of the rows that pass the filter, unsorted.
pub fn matching(data: &Data, plan: &Plan, view: View) -> Vec<usize> {
    let table = &data.tables[plan.object];
    let filter = plan.filter.as_ref().map(|test| settle(data, test, view));
    let passes = |place: &usize| {
        let row = &table.rows[*place];
        row.visible(view.now, view.deleted)
            && filter.as_ref().is_none_or(|test| {
                holds(test, &|left| match left {
                    Left::Column(column) => value(data, plan.object, row, column),
                    Left::Aggregate(_) => Cell::Null,
                })
            })
    };
    match filter
        .as_ref()
        .and_then(|test| candidates(data, plan.object, test))
    {
        Some(places) => places.into_iter().filter(passes).collect(),
        None => (0..table.rows.len()).filter(passes).collect(),
    }
}

/// Sort order of two values: nulls first unless told, direction applied to the rest.
pub fn sort_order(a: &Cell<'_>, b: &Cell<'_>, descending: bool, nulls_last: bool) -> Ordering {
    let nulls = |first: Ordering| if nulls_last { first.reverse() } else { first };
    match (*a == Cell::Null, *b == Cell::Null) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls(Ordering::Less),
        (false, true) => nulls(Ordering::Greater),
        (false, false) => {
            let order = a.order(b).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
    }
}

/// The places of the plan's rows: filtered, sorted, cut.
pub fn rows(data: &Data, plan: &Plan, view: View) -> Vec<usize> {
    cut(sorted(data, plan, matching(data, plan, view)), plan)
}

fn sorted(data: &Data, plan: &Plan, places: Vec<usize>) -> Vec<usize> {
    if plan.order.is_empty() {
        return places;
    }
    let table = &data.tables[plan.object];
    let mut keyed: Vec<(Vec<Cell<'_>>, usize)> = places
        .into_iter()
        .map(|place| {
            let keys = plan.order.iter().map(|(left, _, _)| match left {
                Left::Column(column) => value(data, plan.object, &table.rows[place], column),
                Left::Aggregate(_) => Cell::Null,
            });
            (keys.collect(), place)
        })
        .collect();
    keyed.sort_by(|(a, first), (b, second)| {
        plan.order
            .iter()
            .enumerate()
            .map(|(key, (_, descending, last))| sort_order(&a[key], &b[key], *descending, *last))
            .find(|order| *order != Ordering::Equal)
            .unwrap_or_else(|| first.cmp(second))
    });
    keyed.into_iter().map(|(_, place)| place).collect()
}

/// OFFSET and LIMIT.
pub fn cut<T>(mut items: Vec<T>, plan: &Plan) -> Vec<T> {
    let skip = usize::try_from(plan.offset)
        .unwrap_or(usize::MAX)
        .min(items.len());
    items.drain(..skip);
    if let Some(limit) = plan.limit {
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    items
}

/// The `attributes` of a record.
pub fn attributes(object: &str, id: &str, version: u32) -> Value {
    json!({"type": object, "url": format!("/services/data/v{version}.0/sobjects/{object}/{id}")})
}

/// One row as the answer prints it.
pub fn render(data: &Data, object: usize, row: &Row, shapes: &[Shape], view: View) -> Value {
    let definition = &data.schema.objects[object];
    let mut record = Map::with_capacity(shapes.len() + 1);
    record.insert(
        "attributes".into(),
        attributes(definition.name, &row.id, view.version),
    );
    for shape in shapes {
        let (name, value) = match shape {
            Shape::Leaf(place) => (
                definition.fields[*place].name,
                data.field_json(object, row, *place),
            ),
            Shape::TypeName => ("Type", json!(definition.name)),
            Shape::Parent(name, reference, targets) => {
                let shown = parent(data, object, row, *reference).and_then(|(target, parent)| {
                    let (_, shapes) = targets.iter().find(|(known, _)| *known == target)?;
                    Some(render(data, target, parent, shapes, view))
                });
                (*name, shown.unwrap_or(Value::Null))
            }
            Shape::Child(name, field, plan) => (*name, children(data, row, *field, plan, view)),
        };
        record.insert(name.to_owned(), value);
    }
    Value::Object(record)
}

fn children(data: &Data, parent: &Row, field: usize, plan: &Plan, view: View) -> Value {
    let own = Test::Compare(
        Left::Column(Column::Field(field)),
        Op::Eq,
        Cell::Id(parent.id.clone().into()),
    );
    let mut plan = plan.clone();
    plan.filter = Some(match plan.filter.take() {
        Some(filter) => Test::And(vec![own, filter]),
        None => own,
    });
    let table = &data.tables[plan.object];
    let records: Vec<Value> = rows(data, &plan, view)
        .into_iter()
        .map(|place| render(data, plan.object, &table.rows[place], &plan.shapes, view))
        .collect();
    if records.is_empty() {
        return Value::Null;
    }
    json!({"totalSize": records.len(), "done": true, "records": records})
}
