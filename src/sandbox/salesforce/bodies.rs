//! A body's fields to changes of a row: names looked up, values checked, references resolved.

use serde_json::{Map, Value};

use super::Org;
use super::convert::stored;
use super::data::Row;
use super::derive::derived;
use super::errors::Fault;
use super::ids;
use super::schema::field::{Field, Kind};
use super::write::Write;

/// New values by field place.
pub type Changes = Vec<(usize, Option<String>)>;

impl Org {
    /// A body's values by field place, each checked by its type.
    pub(super) fn changes(
        &self,
        write: &Write,
        object: usize,
        body: &Map<String, Value>,
        creating: bool,
    ) -> Result<Changes, Fault> {
        let definition = &self.data.schema.objects[object];
        let mut changes = Vec::with_capacity(body.len());
        let mut refused = Vec::new();
        for (name, value) in body {
            if name == "attributes" {
                continue;
            }
            let place = match write.by_api() {
                true => definition.find(name),
                false => definition.any(name),
            };
            if let Some(place) = place {
                let field = &definition.fields[place];
                if name.eq_ignore_ascii_case("Id") {
                    let what = if creating {
                        "cannot specify Id in an insert call"
                    } else {
                        "The Id field should not be specified in the sobject data."
                    };
                    return Err(Fault::new("INVALID_FIELD", what).fields(["Id"]));
                }
                if !(if creating {
                    field.createable
                } else {
                    field.updateable
                }) {
                    refused.push(field.name);
                    continue;
                }
                changes.push((place, self.checked(object, field, value)?));
            } else if let (Some(place), Value::Object(parent)) =
                (definition.relationship(name), value)
            {
                let id = self.parent_by_key(object, place, parent)?;
                changes.push((place, Some(id)));
            } else {
                let what = format!(
                    "No such column '{name}' on sobject of type {}",
                    definition.name
                );
                return Err(Fault::new("INVALID_FIELD", what).fields(Vec::<String>::new()));
            }
        }
        if refused.is_empty() {
            return Ok(changes);
        }
        let what = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is \
             read/write for your profile or permission set.",
            refused.join(", ")
        );
        Err(Fault::new("INVALID_FIELD_FOR_INSERT_UPDATE", what).fields(refused))
    }

    /// The changes with what follows from them.
    pub(super) fn with_derived(&self, object: usize, mut changes: Changes) -> Changes {
        let definition = &self.data.schema.objects[object];
        let mut more = Changes::new();
        for (place, value) in &changes {
            let name = definition.fields[*place].name;
            for (field, value, sent_wins) in
                derived(definition.name, name, value.as_deref().unwrap_or_default())
            {
                let Some(place) = definition.any(field) else {
                    continue;
                };
                if !sent_wins || !changes.iter().any(|(sent, _)| *sent == place) {
                    more.push((place, Some(value)));
                }
            }
        }
        changes.extend(more);
        changes
    }

    fn checked(
        &self,
        object: usize,
        field: &Field,
        value: &Value,
    ) -> Result<Option<String>, Fault> {
        let Some(text) = stored(field, value)? else {
            return Ok(None);
        };
        let Kind::Reference(to) = field.kind else {
            return Ok(Some(text));
        };
        let Some(id) = ids::canonical(&text) else {
            let what = format!("{}: id value of incorrect type: {text}", field.label);
            return Err(Fault::new("MALFORMED_ID", what).fields([field.name]));
        };
        let target = self.data.schema.of_id(&id);
        let fits = target.is_some_and(|target| {
            let name = self.data.schema.objects[target].name;
            to.to.contains(&name) || (to.to.is_empty() && target == object)
        });
        if !fits {
            let what = format!("{}: id value of incorrect type: {text}", field.label);
            return Err(Fault::new("FIELD_INTEGRITY_EXCEPTION", what).fields([field.name]));
        }
        let row = target.and_then(|target| {
            let table = &self.data.tables[target];
            table.place(&id).map(|place| (target, &table.rows[place]))
        });
        match row {
            None => Err(
                Fault::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
                    .fields([field.name]),
            ),
            Some((_, row)) if row.deleted.is_some() => {
                Err(Fault::new("ENTITY_IS_DELETED", "entity is deleted").fields([field.name]))
            }
            Some((target, row)) if field.name == "OwnerId" && self.inactive(target, row) => {
                let what = format!(
                    "operation performed with inactive user [{}] as owner of {}",
                    row.id,
                    self.data.schema.objects[object].label.to_lowercase()
                );
                Err(Fault::new("INACTIVE_OWNER_OR_USER", what).fields(["OwnerId"]))
            }
            Some(_) => Ok(Some(id)),
        }
    }

    fn inactive(&self, object: usize, row: &Row) -> bool {
        let active = self.data.schema.objects[object].any("IsActive");
        active.is_some_and(|place| row.values[place].as_deref() == Some("false"))
    }

    /// The parent that a body names by one of its keys: `"Account": {"Syncline_HubSpot_Id__c": "77"}`.
    fn parent_by_key(
        &self,
        object: usize,
        place: usize,
        parent: &Map<String, Value>,
    ) -> Result<String, Fault> {
        let field = &self.data.schema.objects[object].fields[place];
        let targets = match field.kind {
            Kind::Reference(to) => to.to,
            _ => &[],
        };
        let mut keys = parent.iter().filter(|(name, _)| *name != "attributes");
        let (Some((name, value)), None) = (keys.next(), keys.next()) else {
            let what = format!("{} needs exactly one external id field", field.name);
            return Err(Fault::new("INVALID_FIELD", what).fields([field.name]));
        };
        let target = targets.iter().find_map(|name| self.data.schema.find(name));
        let key = target.and_then(|target| {
            let object = &self.data.schema.objects[target];
            let key = object.find(name)?;
            object.fields[key].id_lookup.then_some((target, key))
        });
        let Some((target, key)) = key else {
            let what = format!(
                "No such column '{name}' on sobject of type {}",
                targets.first().unwrap_or(&"")
            );
            return Err(Fault::new("INVALID_FIELD", what).fields(Vec::<String>::new()));
        };
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        match self.by_key(target, key, &text).as_slice() {
            [one] => Ok(self.data.tables[target].rows[*one].id.clone()),
            [] => {
                let entity = self.data.schema.objects[target].name;
                let what = format!(
                    "Foreign key external ID: {text} not found for field {name} in entity {entity}"
                );
                Err(Fault::new("INVALID_FIELD", what).fields(Vec::<String>::new()))
            }
            many => {
                let mut fault = self.ambiguous(target, many, name, 0);
                fault.choices.clear();
                Err(fault)
            }
        }
    }
}
