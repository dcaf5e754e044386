//! What merges as one: a field pair by itself, or a group of them (docs/design/sync-semantics.md 7, Field groups).

use serde::{Deserialize, Serialize};

use super::{FieldPair, Mapping, Side, Value};

/// Between the names of a group's fields.
const AND: &str = " + ";

/// Field pairs that merge as one tuple, such as the lines of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldGroup {
    /// Indices of the mapping's pairs, in the order in which they are shown.
    pub parts: Vec<usize>,
}

/// What one merge decides about.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    mapping: &'a Mapping,
    parts: Parts<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Parts<'a> {
    One(&'a FieldPair),
    Group(&'a [usize]),
}

impl<'a> Unit<'a> {
    /// The pairs, in the order in which they are shown.
    pub fn pairs(&self) -> impl Iterator<Item = &'a FieldPair> + use<'a> {
        let mapping = self.mapping;
        let (one, group) = match self.parts {
            Parts::One(pair) => (Some(pair), &[][..]),
            Parts::Group(parts) => (None, parts),
        };
        let grouped = group.iter().filter_map(|part| mapping.pairs.get(*part));
        one.into_iter().chain(grouped)
    }

    /// True where it is a group.
    pub fn is_group(&self) -> bool {
        matches!(self.parts, Parts::Group(_))
    }

    /// Its name in lists: the pair's, or those of all: `MailingStreet + MailingCity`.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.pairs().map(FieldPair::name).collect();
        names.join(AND)
    }

    /// True where that is its name.
    pub fn is_called(&self, name: &str) -> bool {
        match self.parts {
            Parts::One(pair) => pair.name() == name,
            Parts::Group(_) => self.name() == name,
        }
    }

    /// Its fields on `side`, named the same way.
    pub fn fields(&self, side: Side) -> String {
        let names: Vec<&str> = self.pairs().map(|pair| pair.field(side)).collect();
        names.join(AND)
    }
}

impl Mapping {
    /// All that merges as one, in the order of the pairs; a group stands where its first pair does.
    pub fn units(&self) -> impl Iterator<Item = Unit<'_>> {
        self.pairs.iter().enumerate().filter_map(|(index, pair)| {
            let parts = match self.group_of(index) {
                None => Parts::One(pair),
                Some(group) if group.parts.iter().min() == Some(&index) => {
                    Parts::Group(&group.parts)
                }
                Some(_) => return None,
            };
            Some(Unit {
                mapping: self,
                parts,
            })
        })
    }

    /// The unit that a pair of that name is in.
    pub fn unit_of(&self, pair: &str) -> Option<Unit<'_>> {
        self.units()
            .find(|unit| unit.pairs().any(|one| one.name() == pair))
    }

    /// The unit of that name.
    pub fn unit(&self, name: &str) -> Option<Unit<'_>> {
        self.units().find(|unit| unit.is_called(name))
    }

    /// True where two pairs are one, or in one group.
    pub fn go_together(&self, one: &str, other: &str) -> bool {
        let grouped = |unit: Unit<'_>| unit.pairs().any(|pair| pair.name() == other);
        one == other || self.unit_of(one).is_some_and(grouped)
    }

    fn group_of(&self, index: usize) -> Option<&FieldGroup> {
        self.groups
            .iter()
            .find(|group| group.parts.contains(&index))
    }
}

/// True where a unit's name is that of this field, or of a group with it.
pub fn names_field(unit: &str, field: &str) -> bool {
    unit == field || unit.split(AND).any(|name| name == field)
}

/// The values of a tuple as one text for people, blanks left out.
pub fn shown<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let texts: Vec<&str> = values
        .filter(|value| !value.is_blank())
        .filter_map(Value::as_text)
        .collect();
    Value::text(texts.join(", "))
}
