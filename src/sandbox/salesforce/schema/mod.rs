//! The objects and fields of the org. Names are looked up without case, as the vendor does.

pub mod field;

mod business;
mod lists;
mod people;

#[cfg(test)]
pub use lists::STAGE;

use std::collections::HashMap;

use field::{Field, Kind, System, reference, system, text};

/// The unique key that Syncline's installation guide adds (docs/design/sync-semantics.md 10.1).
pub const KEY_FIELD: &str = "Syncline_HubSpot_Id__c";

/// What an object is, before its fields.
#[derive(Clone, Copy, Debug)]
struct Definition {
    name: &'static str,
    label: &'static str,
    plural: &'static str,
    prefix: &'static str,
    fields: &'static [Field],
    keyed: bool,
    merges: bool,
    deletable: bool,
    undeletable: bool,
}

const fn definition(
    name: &'static str,
    label: &'static str,
    plural: &'static str,
    prefix: &'static str,
    fields: &'static [Field],
) -> Definition {
    Definition {
        name,
        label,
        plural,
        prefix,
        fields,
        keyed: false,
        merges: false,
        deletable: true,
        undeletable: true,
    }
}

impl Definition {
    const fn keyed(mut self) -> Self {
        self.keyed = true;
        self
    }
    const fn merges(mut self) -> Self {
        self.merges = true;
        self
    }
    const fn kept(mut self) -> Self {
        self.deletable = false;
        self.undeletable = false;
        self
    }
    const fn gone_for_good(mut self) -> Self {
        self.undeletable = false;
        self
    }
}

const DEFINITIONS: &[Definition] = &[
    definition("Account", "Account", "Accounts", "001", business::ACCOUNT)
        .keyed()
        .merges(),
    definition(
        "Campaign",
        "Campaign",
        "Campaigns",
        "701",
        business::CAMPAIGN,
    ),
    definition(
        "CampaignMember",
        "Campaign Member",
        "Campaign Members",
        "00v",
        business::CAMPAIGN_MEMBER,
    )
    .gone_for_good(),
    definition("Contact", "Contact", "Contacts", "003", people::CONTACT)
        .keyed()
        .merges(),
    definition("Lead", "Lead", "Leads", "00Q", people::LEAD)
        .keyed()
        .merges(),
    definition(
        "Opportunity",
        "Opportunity",
        "Opportunities",
        "006",
        business::OPPORTUNITY,
    )
    .keyed(),
    definition(
        "Organization",
        "Organization",
        "Organizations",
        "00D",
        business::ORGANIZATION,
    )
    .kept(),
    definition("Task", "Task", "Tasks", "00T", business::TASK),
    definition("User", "User", "People", "005", people::USER).kept(),
];

/// What the feature "Contacts to Multiple Accounts" brings.
const RELATION: Definition = definition(
    "AccountContactRelation",
    "Account Contact Relationship",
    "Account Contact Relationships",
    "07k",
    business::RELATION,
)
.gone_for_good();

/// One object as the org has it.
#[derive(Clone, Debug)]
pub struct Object {
    /// API name.
    pub name: &'static str,
    /// What people call one of them.
    pub label: &'static str,
    /// What people call several.
    pub plural: &'static str,
    /// The first three characters of its ids.
    pub prefix: &'static str,
    /// Whether records can be merged (and so have a `MasterRecordId`).
    pub merges: bool,
    /// Whether records can be deleted.
    pub deletable: bool,
    /// Whether deleted records can come back.
    pub undeletable: bool,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Fields hidden from the caller by field-level security.
    pub hidden: Vec<bool>,
    by_name: HashMap<String, usize>,
}

impl Object {
    fn new(definition: &Definition, keys: bool) -> Self {
        let mut fields = vec![system("Id", "Record ID", Kind::Id, 18, System::Id)];
        if definition.name != "Organization" && definition.name != "User" {
            fields.push(system(
                "IsDeleted",
                "Deleted",
                Kind::Boolean(false),
                0,
                System::IsDeleted,
            ));
        }
        if definition.merges {
            let master = reference(
                "MasterRecordId",
                "Master Record ID",
                &[],
                "MasterRecord",
                None,
            );
            fields.push(system(
                master.name,
                master.label,
                master.kind,
                18,
                System::MasterRecordId,
            ));
        }
        fields.extend_from_slice(definition.fields);
        fields.extend([
            system(
                "CreatedDate",
                "Created Date",
                Kind::DateTime,
                0,
                System::CreatedDate,
            ),
            by(
                "CreatedById",
                "Created By ID",
                "CreatedBy",
                System::CreatedById,
            ),
            system(
                "LastModifiedDate",
                "Last Modified Date",
                Kind::DateTime,
                0,
                System::LastModifiedDate,
            ),
            by(
                "LastModifiedById",
                "Last Modified By ID",
                "LastModifiedBy",
                System::LastModifiedById,
            ),
            system(
                "SystemModstamp",
                "System Modstamp",
                Kind::DateTime,
                0,
                System::Stamp,
            ),
        ]);
        if definition.keyed && keys {
            fields.push(text(KEY_FIELD, "Syncline HubSpot Id", 255).key());
        }
        let by_name = fields
            .iter()
            .enumerate()
            .map(|(place, field)| (field.name.to_ascii_lowercase(), place))
            .collect();
        Object {
            name: definition.name,
            label: definition.label,
            plural: definition.plural,
            prefix: definition.prefix,
            merges: definition.merges,
            deletable: definition.deletable,
            undeletable: definition.undeletable,
            hidden: vec![false; fields.len()],
            fields,
            by_name,
        }
    }

    /// AccountContactRelation, which an org does not have by itself.
    pub fn relation() -> Self {
        Object::new(&RELATION, false)
    }

    /// The place of a field the caller may see.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.any(name).filter(|place| !self.hidden[*place])
    }

    /// The place of a field, hidden or not.
    pub fn any(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// The reference field behind a relationship's path segment.
    pub fn relationship(&self, name: &str) -> Option<usize> {
        self.fields.iter().enumerate().position(|(place, field)| {
            !self.hidden[place]
                && matches!(field.kind, Kind::Reference(to) if to.relationship.eq_ignore_ascii_case(name))
        })
    }

    /// The visible fields with their places.
    pub fn visible(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.fields
            .iter()
            .enumerate()
            .filter(|(place, _)| !self.hidden[*place])
    }
}

const fn by(
    name: &'static str,
    label: &'static str,
    relationship: &'static str,
    which: System,
) -> Field {
    let user = reference(name, label, &["User"], relationship, None);
    system(name, label, user.kind, 18, which)
}

/// All objects, in the order of describeGlobal.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The objects.
    pub objects: Vec<Object>,
}

impl Schema {
    /// The org's objects, with or without the key fields.
    pub fn new(keys: bool) -> Self {
        Schema {
            objects: DEFINITIONS
                .iter()
                .map(|definition| Object::new(definition, keys))
                .collect(),
        }
    }

    /// The place of an object.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.objects
            .iter()
            .position(|object| object.name.eq_ignore_ascii_case(name))
    }

    /// The object whose ids begin like this one.
    pub fn of_id(&self, id: &str) -> Option<usize> {
        self.objects
            .iter()
            .position(|object| id.starts_with(object.prefix))
    }

    /// The child object and its reference field behind a sub-select's name on `parent`.
    pub fn children(&self, parent: usize, name: &str) -> Option<(usize, usize)> {
        self.child_relationships(parent)
            .find(|(_, _, known)| known.eq_ignore_ascii_case(name))
            .map(|(object, field, _)| (object, field))
    }

    /// All child relationships of `parent`: object, field, name.
    pub fn child_relationships(
        &self,
        parent: usize,
    ) -> impl Iterator<Item = (usize, usize, &'static str)> + '_ {
        let parent = self.objects[parent].name;
        self.objects
            .iter()
            .enumerate()
            .flat_map(move |(place, object)| {
                object
                    .visible()
                    .filter_map(move |(field, it)| match it.kind {
                        Kind::Reference(to) if to.to.contains(&parent) => {
                            to.children.map(|name| (place, field, name))
                        }
                        _ => None,
                    })
            })
    }
}
