//! Property definitions as an `ObjectSchema`, and making our key property (docs/vendor/hubspot.md 5).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{HubspotClient, paths};
use crate::crm::http::Call;
use crate::crm::wire::{Malformed, from_json};
use crate::crm::{CrmError, ErrorClass, Purpose};
use crate::domain::{FieldSchema, FieldType, ObjectSchema, PicklistValue, Side};

/// Text properties take this many characters (5.4).
const LONGEST_TEXT: u32 = 65_536;
/// The group that holds what Syncline makes.
const GROUP: &str = "syncline";

#[derive(Deserialize)]
struct WireList {
    results: Vec<WireProperty>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireProperty {
    name: String,
    label: Option<String>,
    r#type: String,
    field_type: Option<String>,
    options: Vec<WireOption>,
    calculated: bool,
    external_options: bool,
    has_unique_value: bool,
    referenced_object_type: Option<String>,
    show_currency_symbol: Option<bool>,
    modification_metadata: Option<WireModification>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireModification {
    read_only_value: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireOption {
    label: String,
    value: String,
    hidden: bool,
}

/// Reads the property definitions of an object.
///
/// # Errors
/// [`Malformed`] where the body is none.
pub fn parse_properties(object: &str, body: &[u8]) -> Result<ObjectSchema, Malformed> {
    let wire: WireList = from_json("describe", body)?;
    let fields: BTreeMap<String, FieldSchema> = wire
        .results
        .into_iter()
        .filter(|property| !property.name.is_empty())
        .map(|property| (property.name.clone(), schema_of(property)))
        .collect();
    Ok(ObjectSchema {
        side: Side::HubSpot,
        object: object.to_owned(),
        label: object.to_owned(),
        fields,
        createable: true,
        updateable: true,
    })
}

fn schema_of(property: WireProperty) -> FieldSchema {
    let kind = kind_of(&property);
    let writable = !property.calculated
        && !property
            .modification_metadata
            .as_ref()
            .is_some_and(|meta| meta.read_only_value);
    let listed = matches!(kind, FieldType::Picklist | FieldType::MultiPicklist);
    FieldSchema {
        label: property.label.unwrap_or_else(|| property.name.clone()),
        kind,
        length: (property.r#type == "string").then_some(LONGEST_TEXT),
        scale: None,
        nillable: true,
        createable: writable,
        updateable: writable,
        required: false,
        unique: property.has_unique_value || property.name == "hs_object_id",
        calculated: property.calculated,
        // External options are not all in the list (5.11): it refuses nothing.
        restricted: listed && !property.external_options,
        picklist: property
            .options
            .into_iter()
            .filter(|_| listed)
            .map(|option| PicklistValue {
                value: option.value,
                label: option.label,
                active: !option.hidden,
            })
            .collect(),
        name: property.name,
    }
}

/// By `type`, never by `fieldType` alone (5.4); ids hide behind numbers (5.24).
fn kind_of(property: &WireProperty) -> FieldType {
    let checkbox = property.field_type.as_deref() == Some("checkbox");
    match property.referenced_object_type.as_deref() {
        Some("OWNER") => return FieldType::Owner,
        Some(_) => return FieldType::Reference,
        None => {}
    }
    match (property.r#type.as_str(), property.name.as_str()) {
        (_, "hs_object_id") => FieldType::Id,
        (_, "hubspot_owner_id") => FieldType::Owner,
        ("string", "email") => FieldType::Email,
        ("string", "website" | "domain") => FieldType::Url,
        ("string", _) if property.field_type.as_deref() == Some("phonenumber") => FieldType::Phone,
        ("string", _) => FieldType::Text,
        ("phone_number", _) => FieldType::Phone,
        ("number", _) if property.show_currency_symbol == Some(true) => FieldType::Money,
        ("number", _) => FieldType::Number,
        ("bool", _) => FieldType::Bool,
        ("date", _) => FieldType::Date,
        ("datetime", _) => FieldType::DateTime,
        ("enumeration", _) if checkbox => FieldType::MultiPicklist,
        ("enumeration", _) => FieldType::Picklist,
        _ => FieldType::Opaque,
    }
}

impl HubspotClient {
    pub(super) async fn make_key_property(
        &self,
        object: &str,
        field: &str,
    ) -> Result<(), CrmError> {
        let what = format!("make key property {field}");
        self.name(&what, object)?;
        self.name(&what, field)?;
        // Both are named by us, so making one twice makes one: a lost answer may be asked for again.
        let group = json!({"name": GROUP, "label": "Syncline", "displayOrder": -1});
        let path = paths::properties(object, "/groups");
        let call = Call::ask(Purpose::Schema, &what, path, group.to_string().into_bytes());
        there(self.http.send(&call).await.map(|_| ()))?;
        let property = json!({
            "name": field,
            "label": "Syncline: Salesforce ID",
            "type": "string",
            "fieldType": "text",
            "groupName": GROUP,
            "hasUniqueValue": true,
            "formField": false,
            "description": "The id of the Salesforce record that this record is in step with. Made and written by Syncline.",
        });
        let path = paths::properties(object, "");
        let call = Call::ask(
            Purpose::Schema,
            &what,
            path,
            property.to_string().into_bytes(),
        );
        there(self.http.send(&call).await.map(|_| ()))?;
        let path = paths::properties(object, &format!("/{field}"));
        let call = Call::get(Purpose::Schema, &what, path);
        let made: WireProperty = self
            .http
            .fetch(&call, |body| from_json("property", body))
            .await?;
        self.forget(object);
        if made.has_unique_value && made.r#type == "string" {
            return Ok(());
        }
        let message = format!(
            "{object} has a property {field} that does not hold unique text; uniqueness is fixed when a property is \
             made: archive it in HubSpot, or choose another name"
        );
        Err(CrmError::new(
            Side::HubSpot,
            what,
            ErrorClass::Systemic,
            message,
        ))
    }
}

/// What is there already is made.
fn there(result: Result<(), CrmError>) -> Result<(), CrmError> {
    result.or_else(|error| match &error.vendor {
        Some(vendor) if vendor.status == 409 => Ok(()),
        _ => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_become_a_schema() {
        let body = br#"{"results":[
          {"name":"email","label":"Email","type":"string","fieldType":"text","options":[],"calculated":false,"hasUniqueValue":false,"extra":{"x":1}},
          {"name":"associatedcompanyid","type":"number","fieldType":"number","referencedObjectType":"COMPANY","externalOptions":true},
          {"name":"hubspot_owner_id","type":"enumeration","fieldType":"select","referencedObjectType":"OWNER","options":[],"externalOptions":true},
          {"name":"created_on","type":"datetime","fieldType":"date","modificationMetadata":{"archivable":true,"readOnlyDefinition":true,"readOnlyValue":true}},
          {"name":"colours","type":"enumeration","fieldType":"checkbox","options":[{"label":"Red","value":"red","displayOrder":0,"hidden":false},{"label":"Old","value":"old","hidden":true}]},
          {"name":"amount","type":"number","showCurrencySymbol":true},
          {"name":"score","type":"number","calculated":true},
          {"name":"where","type":"object_coordinates"}]}"#;
        let schema = parse_properties("contacts", body).unwrap();
        let field = |name: &str| schema.fields[name].clone();
        assert_eq!(field("email").kind, FieldType::Email);
        assert_eq!(field("associatedcompanyid").kind, FieldType::Reference);
        assert_eq!(field("hubspot_owner_id").kind, FieldType::Owner);
        assert!(!field("hubspot_owner_id").restricted);
        assert_eq!(field("created_on").kind, FieldType::DateTime);
        assert!(!field("created_on").updateable);
        assert_eq!(field("colours").kind, FieldType::MultiPicklist);
        assert!(field("colours").picklist[0].active && !field("colours").picklist[1].active);
        assert_eq!(field("amount").kind, FieldType::Money);
        assert!(!field("score").createable && field("score").calculated);
        assert_eq!(field("where").kind, FieldType::Opaque);
        assert!(parse_properties("contacts", b"<html>").is_err());
    }
}
