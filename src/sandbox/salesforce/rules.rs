//! What the org checks on whole records: required fields, unique keys, the validation rule, the duplicate rule, locks.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::fields::Text;

use super::Org;
use super::data::fold;
use super::errors::Fault;
use super::schema::field::{Kind, Source};
use super::soql::eval::attributes;

/// The validation rule's own words.
pub const FORMER_RULE: &str =
    "A former employee keeps no phone number: clear Phone and Mobile Phone, or change the title.";
/// What the duplicate rule tells.
pub const DUPLICATE_ALERT: &str =
    "You're creating a duplicate record. We recommend you use an existing record instead.";

impl Org {
    /// Required fields that have no value.
    pub(super) fn check_required(
        &self,
        object: usize,
        values: &[Option<Text>],
    ) -> Result<(), Fault> {
        let missing: Vec<&str> = self.data.schema.objects[object]
            .fields
            .iter()
            .enumerate()
            .filter(|(place, field)| {
                field.required && field.source == Source::Stored && values[*place].is_none()
            })
            .map(|(_, field)| field.name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let what = format!("Required fields are missing: [{}]", missing.join(", "));
        Err(Fault::new("REQUIRED_FIELD_MISSING", what).fields(missing))
    }

    /// A unique key that another record holds.
    pub(super) fn check_unique(
        &self,
        object: usize,
        own: Option<usize>,
        values: &[Option<Text>],
    ) -> Result<(), Fault> {
        let table = &self.data.tables[object];
        for (place, field) in self.data.schema.objects[object].fields.iter().enumerate() {
            let Some(value) = values[place].as_deref().filter(|_| field.key) else {
                continue;
            };
            let holder = table
                .with_value(place, value)
                .unwrap_or_default()
                .into_iter()
                .find(|other| {
                    Some(*other) != own
                        && (self.settings.deleted_keys_block
                            || table.rows[*other].deleted.is_none())
                });
            if let Some(holder) = holder {
                let row = &table.rows[holder];
                let id = if row.hidden {
                    "<unknown>"
                } else {
                    row.id.get(..15).unwrap_or(&row.id)
                };
                let name = if row.hidden { "<unknown>" } else { field.name };
                let what = format!(
                    "duplicate value found: {name} duplicates value on record with id: {id}"
                );
                return Err(Fault::new("DUPLICATE_VALUE", what).fields(Vec::<String>::new()));
            }
        }
        Ok(())
    }

    /// The validation rule on Contact.
    pub(super) fn check_validation_rule(
        &self,
        object: usize,
        values: &[Option<Text>],
    ) -> Result<(), Fault> {
        let definition = &self.data.schema.objects[object];
        if !self.settings.validation_rule || definition.name != "Contact" {
            return Ok(());
        }
        let get = |name: &str| {
            definition
                .any(name)
                .and_then(|place| values[place].as_deref())
        };
        let former = get("Title").is_some_and(|title| fold(title).starts_with("former "));
        if former && (get("Phone").is_some() || get("MobilePhone").is_some()) {
            return Err(
                Fault::new("FIELD_CUSTOM_VALIDATION_EXCEPTION", FORMER_RULE).fields(["Phone"])
            );
        }
        Ok(())
    }

    /// The duplicate rule on Contact: same e-mail, first name and last name as another live contact.
    pub(super) fn check_duplicates(
        &self,
        object: usize,
        own: Option<usize>,
        values: &[Option<Text>],
        version: u32,
    ) -> Result<(), Fault> {
        let definition = &self.data.schema.objects[object];
        if !self.settings.duplicate_rule || definition.name != "Contact" {
            return Ok(());
        }
        let places = ["Email", "FirstName", "LastName"].map(|name| definition.any(name));
        let [Some(email), Some(first), Some(last)] = places else {
            return Ok(());
        };
        let Some(address) = values[email].as_deref() else {
            return Ok(());
        };
        let table = &self.data.tables[object];
        let changed = own.is_none_or(|own| {
            [email, first, last]
                .iter()
                .any(|place| table.rows[own].values[*place] != values[*place])
        });
        let same = |a: &Option<Text>, b: &Option<Text>| {
            a.as_deref().map(fold).unwrap_or_default() == b.as_deref().map(fold).unwrap_or_default()
        };
        let twins: Vec<&str> = self
            .data
            .live_with_value(object, email, address)
            .into_iter()
            .filter(|place| changed && Some(*place) != own && !table.rows[*place].hidden)
            .filter(|place| {
                let row = &table.rows[*place].values;
                same(&row[first], &values[first]) && same(&row[last], &values[last])
            })
            .map(|place| table.rows[place].id.as_str())
            .collect();
        if twins.is_empty() {
            return Ok(());
        }
        let mut fault = Fault::new("DUPLICATES_DETECTED", DUPLICATE_ALERT);
        fault.duplicate = Some(duplicate_result(&twins, version));
        Err(fault)
    }

    /// A row that someone else holds, or whose parent someone else holds.
    pub(super) fn check_locks(
        &mut self,
        now: DateTime<Utc>,
        id: Option<&str>,
        object: usize,
        values: &[Option<Text>],
    ) -> Result<(), Fault> {
        self.locks.retain(|_, until| *until > now);
        if self.locks.is_empty() {
            return Ok(());
        }
        let fields = self.data.schema.objects[object].fields.iter();
        let parents = fields
            .enumerate()
            .filter_map(|(place, field)| match field.kind {
                // A deletion brings no values.
                Kind::Reference(to) if to.children.is_some() => values.get(place)?.as_deref(),
                _ => None,
            });
        match id
            .into_iter()
            .chain(parents)
            .find(|id| self.locks.contains_key(*id))
        {
            None => Ok(()),
            Some(id) => {
                let what =
                    format!("unable to obtain exclusive access to this record or 1 records: {id}");
                Err(Fault::new("UNABLE_TO_LOCK_ROW", what).fields(Vec::<String>::new()))
            }
        }
    }
}

fn duplicate_result(twins: &[&str], version: u32) -> Value {
    let records: Vec<Value> = twins
        .iter()
        .map(|id| {
            json!({
                "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                "record": {"attributes": attributes("Contact", id, version), "Id": id},
            })
        })
        .collect();
    json!({
        "allowSave": true, "duplicateRule": "Standard_Contact_Duplicate_Rule", "duplicateRuleEntityType": "Contact",
        "errorMessage": DUPLICATE_ALERT,
        "matchResults": [{
            "entityType": "Contact", "errors": [], "matchEngine": "FuzzyMatchEngine",
            "matchRecords": records, "rule": "Standard_Contact_Match_Rule_v1_1", "size": twins.len(), "success": true,
        }],
    })
}
