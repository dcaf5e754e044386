//! Syntax tree to plan: every name looked up. The literals of filters are read in `filters`.

use chrono::{DateTime, Utc};

use super::super::errors::Fault;
use super::super::schema::Schema;
use super::super::schema::field::{Field, Kind};
use super::ast::{Item, Operand, Path, Query, Sort};
use super::fault_at;
use super::group::Aggregate;
use super::plan::{Column, GroupCell, Left, Plan, Shape};

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

/// A query's object and the schema around it.
pub struct Binder<'a> {
    /// All objects.
    pub schema: &'a Schema,
    /// The query's text.
    pub text: &'a str,
    /// What TODAY is.
    pub now: DateTime<Utc>,
    /// The object selected from.
    pub object: usize,
    /// Its alias.
    pub alias: Option<&'a str>,
}

impl Binder<'_> {
    /// A refusal that points at a place of the query.
    pub fn fail(&self, at: usize, code: &'static str, what: &str) -> Fault {
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
                let column = self.column(self.object, &segments, path)?;
                self.insert(self.object, &column, path, shapes)
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
    pub fn segments<'p>(&self, path: &'p Path) -> Vec<&'p str> {
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

    /// Adds a looked-up path to what a row shows, joining the parents it shares with paths before it.
    fn insert(
        &self,
        object: usize,
        column: &Column,
        path: &Path,
        shapes: &mut Vec<Shape>,
    ) -> Result<(), Fault> {
        let leaf = match column {
            Column::Field(place) => Shape::Leaf(*place),
            Column::TypeName => Shape::TypeName,
            Column::Parent(reference, targets) => {
                let relationship = match self.schema.objects[object].fields[*reference].kind {
                    Kind::Reference(to) => to.relationship,
                    _ => return Ok(()),
                };
                let known = shapes.iter().position(
                    |shape| matches!(shape, Shape::Parent(_, place, _) if place == reference),
                );
                let at = known.unwrap_or_else(|| {
                    shapes.push(Shape::Parent(relationship, *reference, Vec::new()));
                    shapes.len() - 1
                });
                if let Shape::Parent(_, _, by_object) = &mut shapes[at] {
                    for (target, rest) in targets {
                        let slot = by_object.iter().position(|(known, _)| known == target);
                        let slot = slot.unwrap_or_else(|| {
                            by_object.push((*target, Vec::new()));
                            by_object.len() - 1
                        });
                        self.insert(*target, rest, path, &mut by_object[slot].1)?;
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

    /// Looks a path up from an object.
    pub fn column(&self, object: usize, segments: &[&str], path: &Path) -> Result<Column, Fault> {
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
    pub fn field(&self, object: usize, column: &Column) -> Option<&Field> {
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
                        .push(GroupCell::Grouped(names[place].clone(), place));
                }
                Item::Value(Operand::Call(name, argument, at), alias) => {
                    let place =
                        self.aggregate(name, argument.as_ref(), *at, &mut plan.aggregates)?;
                    let name = alias.clone().unwrap_or_else(|| {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    });
                    plan.grouped.push(GroupCell::Aggregate(name, place));
                }
                Item::Child(_) | Item::Fields(..) => {
                    let what = "only fields and aggregates can be selected in a grouped query";
                    return Err(self.fail(query.from.at, "MALFORMED_QUERY", what));
                }
            }
        }
        Ok(())
    }

    /// The place of an aggregate in the list, added when new.
    pub fn aggregate(
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
}

fn is_aggregate(item: &Item) -> bool {
    matches!(item, Item::Value(Operand::Call(..), _))
}
