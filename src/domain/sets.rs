//! Associations as sets: which ones there are, and what one look at a record says of its own
//! (docs/design/sync-semantics.md 14.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Base, Direction, ForeignEdit, Mapping, MappingId, Observation, PerSide, RecordId, Side, Value,
};

/// A set that the two vendors both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetKind {
    /// The further accounts of a contact, with its further companies.
    AccountContacts,
}

/// What a set is in the vendors' terms (docs/vendor/salesforce.md 6.6, docs/vendor/hubspot.md 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetTable {
    /// The set.
    pub kind: SetKind,
    /// The objects whose records have it.
    pub objects: PerSide<&'static str>,
    /// The objects of its elements.
    pub elements: PerSide<&'static str>,
    /// The Salesforce object with one row for each element.
    pub junction: &'static str,
    /// Its field with the id of the record that has the set.
    pub own: &'static str,
    /// Its field with the id of the element.
    pub other: &'static str,
    /// Its checkbox that tells the row which mirrors a reference of the record and is no element. On HubSpot that is the
    /// primary association.
    pub mirror: &'static str,
}

/// Every set that there is.
pub const SETS: [SetTable; 1] = [SetTable {
    kind: SetKind::AccountContacts,
    objects: PerSide {
        salesforce: "Contact",
        hubspot: "contacts",
    },
    elements: PerSide {
        salesforce: "Account",
        hubspot: "companies",
    },
    junction: "AccountContactRelation",
    own: "ContactId",
    other: "AccountId",
    mirror: "IsDirect",
}];

impl SetKind {
    /// What it is in the vendors' terms.
    pub fn table(self) -> &'static SetTable {
        match self {
            SetKind::AccountContacts => &SETS[0],
        }
    }
}

impl SetTable {
    /// Its name on `side`: the junction object, or the object of the elements. What a look saw of it is kept under that name.
    pub fn name(&self, side: Side) -> &'static str {
        match side {
            Side::Salesforce => self.junction,
            Side::HubSpot => self.elements.hubspot,
        }
    }
}

/// A set that a mapping keeps in step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SetPair {
    /// Which one.
    pub kind: SetKind,
    /// The mapping whose links translate the ids of the elements.
    pub mapping: MappingId,
    /// Where elements may be added and removed.
    pub direction: Direction,
    /// What becomes of an element that was added or removed on the side that is no source.
    pub foreign_edit: ForeignEdit,
}

impl SetPair {
    /// The name under which its base is kept.
    pub fn name(&self) -> &'static str {
        self.kind.table().junction
    }

    /// Its name on `side`.
    pub fn field(&self, side: Side) -> &'static str {
        self.kind.table().name(side)
    }
}

impl Mapping {
    /// Forgets what the sets were settled at: they begin anew, with the union, which takes nothing away.
    pub fn forget_sets(&self, base: &mut Base) {
        for set in &self.sets {
            base.fields.remove(set.name());
        }
    }
}

/// How a record is tied to another one that it has in a set, or would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// An element.
    Plain,
    /// An element under a label that people made: taking it off would take the label off too.
    Labelled,
    /// The one that the reference names, and so no element.
    Primary,
}

impl Member {
    const LABELLED: &str = "labelled";
    const PRIMARY: &str = "primary";
}

/// What a record is tied to, by the other's id.
pub type Members = BTreeMap<RecordId, Member>;

/// The field that stands for one element of a set in observations and ops: its value is the element's id, or blank.
pub fn element_field(set: &str, id: &str) -> String {
    format!("{set}/{id}")
}

/// The set and the element of such a field. No name of a vendor's field has a slash.
pub fn element_of(field: &str) -> Option<(&str, &str)> {
    field.split_once('/')
}

/// The field itself; of one that stands for an element, its set.
pub fn whole_field(field: &str) -> &str {
    element_of(field).map_or(field, |(set, _)| set)
}

impl Observation {
    /// Notes what a look saw of a set.
    pub fn note_members(&mut self, set: &str, members: &Members) {
        let elements = members
            .iter()
            .filter(|(_, member)| **member != Member::Primary);
        let ids: Vec<&str> = elements.map(|(id, _)| id.as_str()).collect();
        self.fields
            .insert(set.to_owned(), Value::text(ids.join(";")));
        for (id, member) in members {
            let value = match member {
                Member::Plain => id.as_str(),
                Member::Labelled => Member::LABELLED,
                Member::Primary => Member::PRIMARY,
            };
            let field = element_field(set, id.as_str());
            self.fields.insert(field, Value::text(value));
        }
    }

    /// What this look saw of a set; `None` where it did not ask.
    pub fn members(&self, set: &str) -> Option<Members> {
        self.fields.get(set)?;
        let named = self.fields.iter().filter_map(|(field, value)| {
            let (of, id) = element_of(field)?;
            (of == set).then_some((id, value.as_text()?))
        });
        let members = named.map(|(id, value)| {
            let member = match value {
                Member::LABELLED => Member::Labelled,
                Member::PRIMARY => Member::Primary,
                _ => Member::Plain,
            };
            (RecordId::from(id), member)
        });
        Some(members.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Presence;
    use chrono::DateTime;

    fn seen() -> Observation {
        Observation {
            side: Side::HubSpot,
            object: "contacts".into(),
            id: "1".into(),
            fields: BTreeMap::new(),
            modstamp: DateTime::UNIX_EPOCH,
            modified_at: None,
            created_at: None,
            modified_by: None,
            presence: Presence::Live,
            observed_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_is_noted_of_a_set_is_read_again_element_by_element() {
        let members: Members = [
            ("7".into(), Member::Plain),
            ("8".into(), Member::Labelled),
            ("9".into(), Member::Primary),
        ]
        .into();
        let mut seen = seen();
        assert_eq!(seen.members("companies"), None);
        assert_eq!(*seen.value("companies/7"), Value::Unknown);
        seen.note_members("companies", &members);
        assert_eq!(seen.members("companies"), Some(members));
        assert_eq!(seen.members("others"), None);
        assert_eq!(*seen.value("companies"), Value::text("7;8"));
        assert_eq!(*seen.value("companies/7"), Value::text("7"));
        assert_ne!(*seen.value("companies/9"), Value::text("9"));
        assert_eq!(*seen.value("companies/6"), Value::Null, "it was looked for");
    }

    #[test]
    fn every_set_is_the_table_of_its_kind() {
        for table in &SETS {
            assert_eq!(table.kind.table(), table);
            for side in Side::BOTH {
                assert_eq!(
                    whole_field(&element_field(table.name(side), "1")),
                    table.name(side)
                );
            }
        }
    }
}
