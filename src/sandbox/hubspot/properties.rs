//! The properties API: definitions and groups (`docs/vendor/hubspot.md` 5.16 to 5.21).

use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::batch::{frame, inputs};
use super::fault::{Answer, Fault};
use super::kinds::Kind;
use super::property::{Choice, Group, Property, Schema};
use super::{Call, Portal};

/// Unique-value properties an object may have (3.28).
const MAX_UNIQUE: usize = 10;

/// Field types that go with a type (5.4).
const FIELD_TYPES: &[(&str, &[&str])] = &[
    ("bool", &["booleancheckbox", "calculation_equation"]),
    (
        "enumeration",
        &[
            "booleancheckbox",
            "checkbox",
            "radio",
            "select",
            "calculation_equation",
        ],
    ),
    ("date", &["date"]),
    ("datetime", &["date"]),
    (
        "string",
        &[
            "text",
            "textarea",
            "html",
            "file",
            "phonenumber",
            "calculation_equation",
        ],
    ),
    ("number", &["number", "calculation_equation"]),
    ("phone_number", &["phonenumber"]),
];

impl Portal {
    /// `/crm/properties/{v}/{object}/…`.
    pub(super) fn properties_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        let Some((object, rest)) = rest.split_first() else {
            return Err(call.no_such_path());
        };
        let kind = Portal::kind(object)?;
        let family = match kind {
            Kind::COMPANIES | Kind::DEALS => kind.row().plural,
            _ => "contacts",
        };
        let reading = call.request.method == "GET" || rest == ["batch", "read"];
        self.scope(&format!(
            "crm.schemas.{family}.{}",
            if reading { "read" } else { "write" }
        ))?;
        let schema = &mut self.table_mut(kind).schema;
        match (call.request.method.as_str(), rest) {
            ("GET", []) => Ok(Response::json(
                200,
                &json!({"results": listed(call, schema)}),
            )),
            ("POST", []) => Ok(Response::json(201, &create(call, schema, &call.body()?)?)),
            ("POST", ["batch", verb]) => property_batch(call, schema, verb),
            (_, ["groups", tail @ ..]) => groups(call, schema, tail),
            ("GET", [name]) => {
                let archived = call.flag("archived");
                let found = schema
                    .properties
                    .get(*name)
                    .filter(|found| found.archived.is_some() == archived);
                found
                    .map(|property| Response::json(200, &property.json()))
                    .ok_or_else(|| unknown(name))
            }
            ("PATCH", [name]) => Ok(Response::json(
                200,
                &update(call, schema, name, &call.body()?)?,
            )),
            ("DELETE", [name]) => archive(call, schema, name).map(|()| Response::empty(204)),
            _ => Err(call.wrong_method()),
        }
    }
}

fn unknown(name: &str) -> Fault {
    Fault::new(
        404,
        "OBJECT_NOT_FOUND",
        format!("Property {name} does not exist"),
    )
}

fn listed(call: &Call, schema: &Schema) -> Vec<Value> {
    let archived = call.flag("archived");
    let wanted = call.list("properties");
    let sensitive = call
        .request
        .param("dataSensitivity")
        .is_some_and(|kind| kind != "non_sensitive");
    schema
        .properties
        .values()
        .filter(|property| property.archived.is_some() == archived && !sensitive)
        .filter(|property| wanted.is_empty() || wanted.contains(&property.name))
        .map(Property::json)
        .collect()
}

fn property_batch(call: &Call, schema: &mut Schema, verb: &str) -> Answer {
    let body = call.body()?;
    let list = inputs(&body, 100)?;
    let name = |input: &Value| input["name"].as_str().unwrap_or_default().to_owned();
    match verb {
        "create" => {
            let mut made = Vec::new();
            for input in list {
                made.push(create(call, schema, input)?);
            }
            Ok(frame(call, 201, &made, &[]))
        }
        "read" => {
            let found: Vec<Value> = list
                .iter()
                .filter_map(|input| schema.live(&name(input)).map(Property::json))
                .collect();
            Ok(frame(call, 200, &found, &[]))
        }
        "archive" => {
            for input in list {
                archive(call, schema, &name(input))?;
            }
            Ok(Response::empty(204))
        }
        _ => Err(call.no_such_path()),
    }
}

/// Lower-case letters, digits, underscore; begins with a letter.
fn good_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= 100
}

fn needed<'a>(body: &'a Value, key: &str) -> Result<&'a str, Fault> {
    body[key]
        .as_str()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| {
            Fault::invalid(format!(
                "Invalid input JSON on line 1, column 1: {key} is required"
            ))
        })
}

fn create(call: &Call, schema: &mut Schema, body: &Value) -> Result<Value, Fault> {
    let (name, label) = (needed(body, "name")?, needed(body, "label")?);
    let (kind, field_type, group) = (
        needed(body, "type")?,
        needed(body, "fieldType")?,
        needed(body, "groupName")?,
    );
    if !good_name(name) {
        return Err(Fault::invalid(format!(
            "The property name {name} is invalid: it must begin with a letter and contain only lowercase letters, \
             numbers and underscores"
        )));
    }
    if schema.live(name).is_some() {
        return Err(Fault::new(
            409,
            "OBJECT_ALREADY_EXISTS",
            format!("A property named '{name}' already exists."),
        )
        .sub("Properties.PROPERTY_WITH_NAME_EXISTS"));
    }
    let allowed = FIELD_TYPES
        .iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, allowed)| *allowed);
    if !allowed.is_some_and(|allowed| allowed.contains(&field_type)) {
        return Err(Fault::invalid(format!(
            "A property of type {kind} cannot have the field type {field_type}"
        )));
    }
    if schema.groups.get(group).is_none_or(|group| group.archived) {
        return Err(Fault::invalid(format!(
            "The property group {group} does not exist"
        )));
    }
    let unique = body["hasUniqueValue"].as_bool().unwrap_or(false);
    if unique && kind != "string" && kind != "number" {
        return Err(Fault::invalid(format!(
            "A property of type {kind} cannot have unique values"
        )));
    }
    let have = schema
        .properties
        .values()
        .filter(|property| property.unique && property.archived.is_none())
        .count();
    if unique && have >= MAX_UNIQUE {
        return Err(Fault::invalid(format!(
            "At most {MAX_UNIQUE} properties of an object may have unique values"
        )));
    }
    let mut options = options(&body["options"])?;
    if kind == "bool" && options.is_empty() {
        options = ["true", "false"]
            .map(|value| option(value, value, 0))
            .to_vec();
    }
    let property = Property {
        name: name.into(),
        label: label.into(),
        kind: kind.into(),
        field_type: field_type.into(),
        group: group.into(),
        description: body["description"].as_str().unwrap_or_default().into(),
        options,
        order: body["displayOrder"].as_i64().unwrap_or(-1),
        calculated: false,
        external: body["externalOptions"].as_bool().unwrap_or(false),
        unique,
        hidden: body["hidden"].as_bool().unwrap_or(false),
        form: body["formField"].as_bool().unwrap_or(false),
        defined_by_hubspot: false,
        read_only: false,
        definition_fixed: false,
        refers_to: None,
        created: call.now,
        updated: call.now,
        archived: None,
    };
    let json = property.json();
    schema.properties.insert(name.into(), property);
    Ok(json)
}

fn option(value: &str, label: &str, order: i64) -> Choice {
    Choice {
        label: label.into(),
        value: value.into(),
        description: String::new(),
        order,
        hidden: false,
    }
}

fn options(list: &Value) -> Result<Vec<Choice>, Fault> {
    let mut out: Vec<Choice> = Vec::new();
    for (one, order) in list.as_array().into_iter().flatten().zip(0..) {
        let value = needed(one, "value")?;
        if out.iter().any(|known| known.value == value) {
            return Err(Fault::invalid(format!(
                "Option values must be unique, but {value} is there twice"
            )));
        }
        out.push(Choice {
            description: one["description"].as_str().unwrap_or_default().into(),
            hidden: one["hidden"].as_bool().unwrap_or(false),
            ..option(
                value,
                one["label"].as_str().unwrap_or(value),
                one["displayOrder"].as_i64().unwrap_or(order),
            )
        });
    }
    Ok(out)
}

fn update(call: &Call, schema: &mut Schema, name: &str, body: &Value) -> Result<Value, Fault> {
    if let Some(group) = body["groupName"].as_str()
        && !schema.groups.contains_key(group)
    {
        return Err(Fault::invalid(format!(
            "The property group {group} does not exist"
        )));
    }
    let property = schema
        .properties
        .get_mut(name)
        .filter(|found| found.archived.is_none());
    let property = property.ok_or_else(|| unknown(name))?;
    if body
        .get("options")
        .is_some_and(|options| !options.is_null())
    {
        if property.external && property.name != "lifecyclestage" {
            return Err(Fault::invalid(format!(
                "The options of {name} cannot be changed"
            )));
        }
        property.options = options(&body["options"])?;
    }
    let set = |key: &str, field: &mut String| {
        if let Some(text) = body[key].as_str() {
            *field = text.to_owned();
        }
    };
    set("label", &mut property.label);
    set("description", &mut property.description);
    set("groupName", &mut property.group);
    property.hidden = body["hidden"].as_bool().unwrap_or(property.hidden);
    property.form = body["formField"].as_bool().unwrap_or(property.form);
    property.order = body["displayOrder"].as_i64().unwrap_or(property.order);
    property.updated = call.now;
    Ok(property.json())
}

fn archive(call: &Call, schema: &mut Schema, name: &str) -> Result<(), Fault> {
    let property = schema
        .properties
        .get_mut(name)
        .filter(|found| found.archived.is_none());
    let property = property.ok_or_else(|| unknown(name))?;
    if property.defined_by_hubspot {
        return Err(Fault::invalid(format!(
            "The property {name} is defined by HubSpot and cannot be archived"
        ))
        .sub("PropertyValidationError.CANNOT_DELETE_HUBSPOT_DEFINED"));
    }
    property.archived = Some(call.now);
    Ok(())
}

fn group_json(name: &str, group: &Group) -> Value {
    json!({"name": name, "label": group.label, "displayOrder": group.order, "archived": group.archived})
}

fn groups(call: &Call, schema: &mut Schema, rest: &[&str]) -> Answer {
    let no_group = |name: &str| {
        Fault::new(
            404,
            "OBJECT_NOT_FOUND",
            format!("Property group {name} does not exist"),
        )
    };
    match (call.request.method.as_str(), rest) {
        ("GET", []) => {
            let live = schema.groups.iter().filter(|(_, group)| !group.archived);
            let all: Vec<Value> = live.map(|(name, group)| group_json(name, group)).collect();
            Ok(Response::json(200, &json!({"results": all})))
        }
        ("POST", []) => {
            let body = call.body()?;
            let (name, label) = (needed(&body, "name")?, needed(&body, "label")?);
            if schema.groups.get(name).is_some_and(|group| !group.archived) {
                let message = format!("A property group named '{name}' already exists.");
                return Err(Fault::new(409, "OBJECT_ALREADY_EXISTS", message)
                    .sub("PropertyGroups.PROPERTY_GROUP_WITH_NAME_EXISTS"));
            }
            let order = body["displayOrder"].as_i64().unwrap_or(-1);
            let group = Group {
                label: label.into(),
                order,
                archived: false,
            };
            let json = group_json(name, &group);
            schema.groups.insert(name.into(), group);
            Ok(Response::json(201, &json))
        }
        ("GET", [name]) => {
            let group = schema.groups.get(*name).filter(|group| !group.archived);
            group
                .map(|group| Response::json(200, &group_json(name, group)))
                .ok_or_else(|| no_group(name))
        }
        ("PATCH", [name]) => {
            let body = call.body()?;
            let group = schema.groups.get_mut(*name).ok_or_else(|| no_group(name))?;
            group.label = body["label"].as_str().unwrap_or(&group.label).to_owned();
            group.order = body["displayOrder"].as_i64().unwrap_or(group.order);
            Ok(Response::json(200, &group_json(name, group)))
        }
        ("DELETE", [name]) => {
            let used = schema
                .properties
                .values()
                .any(|one| one.group == *name && one.archived.is_none());
            if used {
                let message = format!("The property group {name} still has properties");
                return Err(
                    Fault::invalid(message).sub("PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES")
                );
            }
            let group = schema.groups.get_mut(*name).ok_or_else(|| no_group(name))?;
            group.archived = true;
            Ok(Response::empty(204))
        }
        _ => Err(call.wrong_method()),
    }
}
