//! What a property is, and the schema (properties and groups) of one object.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::tables;
use super::text::instant;

/// The key property that Syncline uses (`docs/design/product.md`).
pub(super) const KEY: &str = "syncline_salesforce_id";

/// One selectable value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub label: String,
    pub value: String,
    pub description: String,
    pub order: i64,
    pub hidden: bool,
}

/// A property definition (`docs/vendor/hubspot.md` 5.2).
#[derive(Clone, Debug)]
pub(super) struct Property {
    pub name: String,
    pub label: String,
    pub kind: String,
    pub field_type: String,
    pub group: String,
    pub description: String,
    pub options: Vec<Choice>,
    pub order: i64,
    pub calculated: bool,
    pub external: bool,
    pub unique: bool,
    pub hidden: bool,
    pub form: bool,
    pub defined_by_hubspot: bool,
    pub read_only: bool,
    pub definition_fixed: bool,
    pub refers_to: Option<&'static str>,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub archived: Option<DateTime<Utc>>,
}

impl Property {
    /// A multi-select.
    pub(super) fn is_set(&self) -> bool {
        self.kind == "enumeration" && self.field_type == "checkbox"
    }

    /// The wire form.
    pub(super) fn json(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .map(|option| {
                json!({"label": option.label, "value": option.value, "description": option.description,
                       "displayOrder": option.order, "hidden": option.hidden})
            })
            .collect();
        let mut metadata = Map::new();
        metadata.insert(
            "archivable".into(),
            json!(!self.definition_fixed || !self.defined_by_hubspot),
        );
        metadata.insert("readOnlyDefinition".into(), json!(self.definition_fixed));
        if self.kind == "enumeration" {
            metadata.insert("readOnlyOptions".into(), json!(self.external));
        }
        metadata.insert("readOnlyValue".into(), json!(self.read_only));
        let mut out = json!({
            "updatedAt": instant(self.updated), "createdAt": instant(self.created), "name": self.name,
            "label": self.label, "type": self.kind, "fieldType": self.field_type, "description": self.description,
            "groupName": self.group, "options": options, "displayOrder": self.order, "calculated": self.calculated,
            "externalOptions": self.external, "archived": self.archived.is_some(), "hasUniqueValue": self.unique,
            "hidden": self.hidden, "hubspotDefined": self.defined_by_hubspot, "modificationMetadata": metadata,
            "formField": self.form, "dataSensitivity": "non_sensitive",
        });
        if let Some(map) = out.as_object_mut() {
            if let Some(target) = self.refers_to {
                map.insert("referencedObjectType".into(), json!(target));
            }
            if let Some(at) = self.archived {
                map.insert("archivedAt".into(), json!(instant(at)));
            }
            if self.name == "amount" {
                map.insert("showCurrencySymbol".into(), json!(true));
                map.insert("currencyPropertyName".into(), json!("deal_currency_code"));
            }
        }
        out
    }
}

/// A property group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub label: String,
    pub order: i64,
    pub archived: bool,
}

/// The schema of one object.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub properties: BTreeMap<String, Property>,
    pub groups: BTreeMap<String, Group>,
}

/// The time that the portal's own definitions carry.
pub(super) fn long_ago() -> DateTime<Utc> {
    DateTime::from_timestamp(1_591_011_457, 0).unwrap_or_default()
}

impl Schema {
    /// The schema of `kind` as the portal came, with the key property if asked for and the object is synced.
    pub(super) fn of(kind: Kind, key_property: bool) -> Self {
        let mut schema = Schema::default();
        for (order, (name, label)) in tables::groups(kind).iter().enumerate() {
            let order = i64::try_from(order).unwrap_or(0);
            schema.groups.insert(
                (*name).into(),
                Group {
                    label: (*label).into(),
                    order,
                    archived: false,
                },
            );
        }
        for row in tables::rows(kind) {
            schema.properties.insert(row.0.into(), from_row(kind, row));
        }
        let synced = [Kind::CONTACTS, Kind::COMPANIES, Kind::DEALS, Kind::TASKS].contains(&kind);
        if key_property && synced {
            schema.groups.insert(
                "syncline".into(),
                Group {
                    label: "Syncline".into(),
                    order: -1,
                    archived: false,
                },
            );
            schema.properties.insert(KEY.into(), key());
        }
        schema
    }

    /// A property that is there and not archived.
    pub(super) fn live(&self, name: &str) -> Option<&Property> {
        self.properties
            .get(name)
            .filter(|property| property.archived.is_none())
    }

    /// A unique-value property usable as `idProperty`: `email` of contacts or one made with `hasUniqueValue`.
    pub(super) fn is_unique(&self, kind: Kind, name: &str) -> bool {
        (kind == Kind::CONTACTS && name == "email")
            || self.live(name).is_some_and(|property| property.unique)
    }
}

fn key() -> Property {
    Property {
        label: "Salesforce record ID (Syncline)".into(),
        group: "syncline".into(),
        unique: true,
        defined_by_hubspot: false,
        definition_fixed: false,
        ..from_row(Kind::CONTACTS, &(KEY, "", "string", "text", "", ""))
    }
}

fn from_row(kind: Kind, row: &tables::Row) -> Property {
    let (name, label, data, field_type, group, flags) = *row;
    let has = |flag: char| flags.contains(flag);
    let mut options: Vec<Choice> = tables::options(kind, name)
        .iter()
        .zip(0..)
        .map(|((value, label), order)| choice(value, label, order))
        .collect();
    if data == "bool"
        || (data == "enumeration" && field_type == "booleancheckbox" && options.is_empty())
    {
        options = vec![choice("true", "True", 0), choice("false", "False", 1)];
    }
    Property {
        name: name.into(),
        label: label.into(),
        kind: data.into(),
        field_type: field_type.into(),
        group: if group.is_empty() {
            tables::home_group(kind).into()
        } else {
            group.into()
        },
        description: String::new(),
        options,
        order: -1,
        calculated: has('c'),
        external: has('x'),
        unique: false,
        hidden: has('h'),
        form: has('f'),
        defined_by_hubspot: true,
        read_only: has('r') || has('c'),
        definition_fixed: !has('d'),
        refers_to: if has('o') {
            Some("OWNER")
        } else if has('k') {
            Some("COMPANY")
        } else {
            None
        },
        created: long_ago(),
        updated: long_ago(),
        archived: None,
    }
}

fn choice(value: &str, label: &str, order: i64) -> Choice {
    Choice {
        label: label.into(),
        value: value.into(),
        description: String::new(),
        order,
        hidden: false,
    }
}
