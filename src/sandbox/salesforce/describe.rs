//! describeGlobal, describe, and the list of resources (docs/vendor/salesforce.md 2.2).

use serde_json::{Map, Value, json};

use super::Org;
use super::schema::Object;
use super::schema::field::{Field, Kind, Source, System};

/// Keys every object has with the same value.
fn common() -> Map<String, Value> {
    let mut all = Map::new();
    for name in [
        "activateable",
        "customSetting",
        "custom",
        "deepCloneable",
        "deprecatedAndHidden",
        "hasSubtypes",
        "isInterface",
        "isSubtype",
    ] {
        all.insert(name.into(), json!(false));
    }
    for name in [
        "feedEnabled",
        "layoutable",
        "mruEnabled",
        "queryable",
        "retrieveable",
        "searchable",
        "triggerable",
    ] {
        all.insert(name.into(), json!(true));
    }
    all.insert("associateEntityType".into(), Value::Null);
    all.insert("associateParentEntity".into(), Value::Null);
    all
}

fn brief(object: &Object, version: u32) -> Map<String, Value> {
    let base = format!("/services/data/v{version}.0/sobjects/{}", object.name);
    let mut all = common();
    let writable = object.name != "Organization" && object.name != "User";
    for (name, value) in [
        ("createable", json!(writable)),
        ("updateable", json!(writable)),
        ("deletable", json!(object.deletable)),
        ("undeletable", json!(object.undeletable)),
        ("mergeable", json!(object.merges)),
        ("replicateable", json!(true)),
        ("keyPrefix", json!(object.prefix)),
        ("label", json!(object.label)),
        ("labelPlural", json!(object.plural)),
        ("name", json!(object.name)),
        (
            "urls",
            json!({
                "rowTemplate": format!("{base}/{{ID}}"), "describe": format!("{base}/describe"), "sobject": base,
            }),
        ),
    ] {
        all.insert(name.into(), value);
    }
    all
}

impl Org {
    /// `GET /services/data/vXX.0`
    pub(super) fn resources(&self, version: u32) -> Value {
        let base = format!("/services/data/v{version}.0");
        let mut all = Map::new();
        for name in ["sobjects", "query", "queryAll", "limits", "composite"] {
            all.insert(name.into(), json!(format!("{base}/{name}")));
        }
        all.insert("identity".into(), json!(self.identity_url()));
        Value::Object(all)
    }

    /// `GET /sobjects`
    pub(super) fn describe_global(&self, version: u32) -> Value {
        let objects: Vec<Value> = self
            .data
            .schema
            .objects
            .iter()
            .map(|object| Value::Object(brief(object, version)))
            .collect();
        json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
    }

    /// `GET /sobjects/X`
    pub(super) fn describe_basic(&self, object: usize, version: u32) -> Value {
        json!({"objectDescribe": brief(&self.data.schema.objects[object], version), "recentItems": []})
    }

    /// `GET /sobjects/X/describe`
    pub(super) fn describe(&self, object: usize, version: u32) -> Value {
        let it = &self.data.schema.objects[object];
        let fields: Vec<Value> = it
            .visible()
            .map(|(_, field)| field_json(it, field))
            .collect();
        let children: Vec<Value> = self
            .data
            .schema
            .child_relationships(object)
            .map(|(child, field, name)| {
                let child = &self.data.schema.objects[child];
                json!({
                    "cascadeDelete": false, "childSObject": child.name, "deprecatedAndHidden": false,
                    "field": child.fields[field].name, "junctionIdListNames": [], "junctionReferenceTo": [],
                    "relationshipName": name, "restrictedDelete": false,
                })
            })
            .collect();
        let mut all = brief(it, version);
        for name in [
            "defaultImplementation",
            "extendedBy",
            "extendsInterfaces",
            "implementedBy",
            "implementsInterfaces",
            "listviewable",
            "lookupLayoutable",
            "networkScopeFieldName",
        ] {
            all.insert(name.into(), Value::Null);
        }
        for (name, value) in [
            ("actionOverrides", json!([])),
            ("childRelationships", json!(children)),
            ("compactLayoutable", json!(true)),
            ("fields", json!(fields)),
            ("namedLayoutInfos", json!([])),
            (
                "recordTypeInfos",
                json!([{
                    "active": true, "available": true, "defaultRecordTypeMapping": true, "developerName": "Master",
                    "master": true, "name": "Master", "recordTypeId": "012000000000000AAA",
                    "urls": {"layout": format!(
                        "/services/data/v{version}.0/sobjects/{}/describe/layouts/012000000000000AAA", it.name)},
                }]),
            ),
            ("searchLayoutable", json!(true)),
            ("sobjectDescribeOption", json!("FULL")),
            (
                "supportedScopes",
                json!([{"label": format!("All {}", it.plural.to_lowercase()), "name": "everything"}]),
            ),
        ] {
            all.insert(name.into(), value);
        }
        Value::Object(all)
    }
}

/// Keys of a field that say no in this org.
const ALWAYS_FALSE: &[&str] = &[
    "aiPredictionField",
    "autoNumber",
    "calculated",
    "cascadeDelete",
    "caseSensitive",
    "dependentPicklist",
    "deprecatedAndHidden",
    "displayLocationInDecimal",
    "encrypted",
    "formulaTreatNullNumberAsZero",
    "highScaleNumber",
    "htmlFormatted",
    "restrictedDelete",
    "writeRequiresMasterRead",
];

/// Keys of a field that say nothing in this org.
const ALWAYS_NULL: &[&str] = &[
    "calculatedFormula",
    "controllerName",
    "defaultValueFormula",
    "filteredLookupInfo",
    "inlineHelpText",
    "mask",
    "maskType",
    "referenceTargetField",
    "relationshipOrder",
];

/// Type and SOAP type.
fn type_names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Id => ("id", "tns:ID"),
        Kind::Text => ("string", "xsd:string"),
        Kind::TextArea => ("textarea", "xsd:string"),
        Kind::Email => ("email", "xsd:string"),
        Kind::Phone => ("phone", "xsd:string"),
        Kind::Url => ("url", "xsd:string"),
        Kind::Picklist(_) | Kind::Restricted(_) => ("picklist", "xsd:string"),
        Kind::Reference(_) => ("reference", "tns:ID"),
        Kind::Boolean(_) => ("boolean", "xsd:boolean"),
        Kind::Int => ("int", "xsd:int"),
        Kind::Double => ("double", "xsd:double"),
        Kind::Currency => ("currency", "xsd:double"),
        Kind::Percent => ("percent", "xsd:double"),
        Kind::Date => ("date", "xsd:date"),
        Kind::DateTime => ("datetime", "xsd:dateTime"),
        Kind::Address(_) => ("address", "urn:address"),
    }
}

fn field_json(object: &Object, field: &Field) -> Value {
    let (kind, soap) = type_names(field.kind);
    let boolean = matches!(field.kind, Kind::Boolean(_));
    let compound = field.source == Source::Compound;
    let number = matches!(field.kind, Kind::Double | Kind::Currency | Kind::Percent);
    let (mut refers, mut relationship): (Vec<&str>, Option<&str>) = (Vec::new(), None);
    if let Kind::Reference(to) = field.kind {
        refers = to.to.to_vec();
        if refers.is_empty() {
            refers.push(object.name);
        }
        relationship = Some(to.relationship);
    }
    let (values, restricted) = match field.kind {
        Kind::Picklist(values) => (values, false),
        Kind::Restricted(values) => (values, true),
        _ => (&[][..], false),
    };
    let picklist: Vec<Value> = values
        .iter()
        .map(|value| {
            json!({
                "active": true, "defaultValue": field.default == Some(value), "label": value, "validFor": null,
                "value": value,
            })
        })
        .collect();
    let default = match field.kind {
        Kind::Boolean(default) => json!(default),
        _ => json!(field.default),
    };
    let system = matches!(field.source, Source::System(_));
    let instant = matches!(field.kind, Kind::DateTime);
    let extra = match field.kind {
        _ if field.part_of == Some("Name") || field.source == Source::FullName => {
            json!("personname")
        }
        Kind::TextArea => json!("plaintextarea"),
        _ => Value::Null,
    };
    let mut all = Map::new();
    for name in ALWAYS_FALSE {
        all.insert((*name).into(), json!(false));
    }
    for name in ALWAYS_NULL {
        all.insert((*name).into(), Value::Null);
    }
    for (name, value) in [
        ("aggregatable", json!(field.filterable() && !boolean)),
        (
            "byteLength",
            json!(match field.kind {
                Kind::Id | Kind::Reference(_) => field.length,
                _ => field.length * 3,
            }),
        ),
        ("compoundFieldName", json!(field.part_of)),
        ("createable", json!(field.createable)),
        ("custom", json!(field.custom())),
        ("defaultValue", json!(default)),
        ("defaultedOnCreate", json!(field.defaulted)),
        (
            "digits",
            json!(if field.kind == Kind::Int {
                field.precision
            } else {
                0
            }),
        ),
        ("externalId", json!(field.key)),
        ("extraTypeInfo", json!(extra)),
        ("filterable", json!(field.filterable())),
        (
            "groupable",
            json!(field.filterable() && !instant && !number),
        ),
        (
            "idLookup",
            json!(field.id_lookup || field.source == Source::System(System::Id)),
        ),
        ("label", json!(field.label)),
        ("length", json!(field.length)),
        ("name", json!(field.name)),
        ("nameField", json!(field.name_field)),
        ("namePointing", json!(refers.len() > 1)),
        ("nillable", json!(!field.required)),
        (
            "permissionable",
            json!(!field.required && !system && field.part_of != Some("Name")),
        ),
        ("picklistValues", json!(picklist)),
        ("polymorphicForeignKey", json!(refers.len() > 1)),
        ("precision", json!(if number { field.precision } else { 0 })),
        ("queryByDistance", json!(compound)),
        ("referenceTo", json!(refers)),
        ("relationshipName", json!(relationship)),
        ("restrictedPicklist", json!(restricted)),
        ("scale", json!(field.scale)),
        (
            "searchPrefilterable",
            json!(relationship.is_some() && !system && field.name != "OwnerId"),
        ),
        ("soapType", json!(soap)),
        ("sortable", json!(field.filterable())),
        ("type", json!(kind)),
        ("unique", json!(field.key)),
        ("updateable", json!(field.updateable)),
    ] {
        all.insert(name.into(), value);
    }
    Value::Object(all)
}
