//! A describe answer as an `ObjectSchema` (docs/vendor/salesforce.md 2.2).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::crm::wire::{Malformed, from_json};
use crate::domain::{FieldSchema, FieldType, ObjectSchema, PicklistValue, Side};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireObject {
    #[serde(default)]
    name: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    fields: Vec<WireField>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireField {
    name: String,
    label: Option<String>,
    r#type: String,
    length: Option<u32>,
    scale: Option<u32>,
    nillable: bool,
    createable: bool,
    updateable: bool,
    defaulted_on_create: bool,
    unique: bool,
    calculated: bool,
    auto_number: bool,
    restricted_picklist: bool,
    deprecated_and_hidden: bool,
    reference_to: Option<Vec<String>>,
    picklist_values: Option<Vec<WirePicklistValue>>,
}

#[derive(Deserialize)]
struct WirePicklistValue {
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    active: bool,
}

/// Vendor type to ours; what is not here is opaque.
const TYPES: &[(&str, FieldType)] = &[
    ("id", FieldType::Id),
    ("string", FieldType::Text),
    ("textarea", FieldType::Text),
    ("combobox", FieldType::Text),
    ("email", FieldType::Email),
    ("phone", FieldType::Phone),
    ("url", FieldType::Url),
    ("boolean", FieldType::Bool),
    ("int", FieldType::Number),
    ("long", FieldType::Number),
    ("double", FieldType::Number),
    ("currency", FieldType::Money),
    ("percent", FieldType::Percent),
    ("date", FieldType::Date),
    ("datetime", FieldType::DateTime),
    ("picklist", FieldType::Picklist),
    ("multipicklist", FieldType::MultiPicklist),
    ("reference", FieldType::Reference),
];

/// Reads a describe answer. Hidden fields and the like never appear in one; deprecated ones are left out here.
///
/// # Errors
/// [`Malformed`] where the body is no describe answer.
pub fn parse_describe(body: &[u8]) -> Result<ObjectSchema, Malformed> {
    let wire: WireObject = from_json("describe", body)?;
    let fields: BTreeMap<String, FieldSchema> = wire
        .fields
        .into_iter()
        .filter(|field| !field.name.is_empty() && !field.deprecated_and_hidden)
        .map(|field| (field.name.clone(), schema_of(field)))
        .collect();
    if fields.is_empty() {
        return Err(Malformed::new("describe", "it names no field"));
    }
    Ok(ObjectSchema {
        side: Side::Salesforce,
        object: wire.name,
        label: wire.label,
        fields,
        createable: wire.createable,
        updateable: wire.updateable,
    })
}

fn schema_of(field: WireField) -> FieldSchema {
    let kind = kind_of(&field);
    let numeric = matches!(
        kind,
        FieldType::Number | FieldType::Money | FieldType::Percent
    );
    let scale = match field.r#type.as_str() {
        "int" | "long" => Some(0),
        _ => field.scale,
    };
    // Digits before the point bound a number; for text the length in characters does.
    let length = match (numeric, field.length) {
        (true, _) | (_, Some(0)) => None,
        (false, length) => length,
    };
    FieldSchema {
        label: field.label.unwrap_or_else(|| field.name.clone()),
        kind,
        length,
        scale: scale.filter(|_| numeric),
        nillable: field.nillable,
        createable: field.createable,
        updateable: field.updateable,
        required: !field.nillable && field.createable && !field.defaulted_on_create,
        unique: field.unique || kind == FieldType::Id,
        calculated: field.calculated || field.auto_number,
        restricted: field.restricted_picklist,
        picklist: field
            .picklist_values
            .unwrap_or_default()
            .into_iter()
            .filter_map(|wire| {
                let value = wire.value?;
                Some(PicklistValue {
                    label: wire.label.unwrap_or_else(|| value.clone()),
                    value,
                    active: wire.active,
                })
            })
            .collect(),
        name: field.name,
    }
}

fn kind_of(field: &WireField) -> FieldType {
    let points_to_user = field
        .reference_to
        .as_ref()
        .is_some_and(|to| to.iter().any(|object| object == "User"));
    if field.r#type == "reference" && points_to_user && field.name == "OwnerId" {
        return FieldType::Owner;
    }
    TYPES
        .iter()
        .find(|(name, _)| *name == field.r#type)
        .map_or(FieldType::Opaque, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"name":"Contact","label":"Contact","createable":true,"updateable":true,"fields":[
      {"name":"Id","type":"id","nillable":false,"createable":false,"length":18,"defaultedOnCreate":true},
      {"name":"LastName","label":"Last Name","type":"string","length":80,"nillable":false,"createable":true,"updateable":true,"defaultedOnCreate":false},
      {"name":"OwnerId","type":"reference","referenceTo":["User"],"nillable":false,"createable":true,"updateable":true,"defaultedOnCreate":true},
      {"name":"AccountId","type":"reference","referenceTo":["Account"],"nillable":true,"createable":true,"updateable":true},
      {"name":"Amount__c","type":"currency","length":0,"precision":18,"scale":2,"nillable":true,"createable":true,"updateable":true},
      {"name":"Count__c","type":"int","digits":9,"scale":0,"length":0},
      {"name":"MailingAddress","type":"address"},
      {"name":"Old__c","type":"string","deprecatedAndHidden":true},
      {"name":"Key__c","type":"string","length":50,"unique":true,"externalId":true,"nillable":true,"createable":true,"updateable":true},
      {"name":"LeadSource","type":"picklist","length":255,"restrictedPicklist":true,"picklistValues":[
        {"active":true,"defaultValue":false,"label":"Web page","validFor":null,"value":"Web"},
        {"active":false,"label":"Fair","value":"Fair"}]}]}"#;

    #[test]
    fn a_describe_becomes_a_schema() {
        let schema = parse_describe(BODY.as_bytes()).unwrap();
        let field = |name: &str| schema.fields[name].clone();
        assert_eq!(schema.object, "Contact");
        assert!(field("LastName").required);
        assert!(!field("OwnerId").required, "the vendor fills it in");
        assert_eq!(field("OwnerId").kind, FieldType::Owner);
        assert_eq!(field("AccountId").kind, FieldType::Reference);
        assert_eq!(
            (field("Amount__c").kind, field("Amount__c").scale),
            (FieldType::Money, Some(2))
        );
        assert_eq!(
            (field("Count__c").scale, field("Count__c").length),
            (Some(0), None)
        );
        assert_eq!(field("MailingAddress").kind, FieldType::Opaque);
        assert!(field("Key__c").unique && field("LeadSource").restricted);
        assert_eq!(field("LeadSource").picklist[0].value, "Web");
        assert!(!field("LeadSource").picklist[1].active);
        assert!(!schema.fields.contains_key("Old__c"));
    }

    #[test]
    fn what_is_no_describe_is_a_typed_error() {
        for body in [
            "",
            "[]",
            "{\"fields\":[]}",
            "<html>",
            "{\"name\":\"X\",\"fields\":[{\"name\":7}]}",
        ] {
            assert!(parse_describe(body.as_bytes()).is_err(), "{body}");
        }
    }
}
