//! The checks of every write: values, stages, what a create needs, uniqueness
//! (`docs/vendor/hubspot.md` 1.10, 3.11, 3.28, 5.13).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sandbox::fields::Packed;

use super::Portal;
use super::fault::Fault;
use super::index::Fields;
use super::kinds::Kind;
use super::pipelines::stage_property;
use super::table::{Table, fold};
use super::values::{self, Around, Problem};

/// Values that passed the checks.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    /// Values as they will be kept; "" clears.
    pub values: Fields,
    /// The `warnings` of a 2026-09 answer.
    pub warnings: Vec<Value>,
}

/// Under which rules a write comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct How {
    /// Rules of 2026-09.
    pub dated: bool,
    /// By a person in the app: lifecycle stages may go back.
    pub person: bool,
}

/// Unique values that earlier inputs of a batch have taken.
pub(super) type Claims = BTreeSet<(String, String)>;

/// The body's `properties` as text: null is ignored, numbers and booleans become text (`docs/vendor/hubspot.md` 5.6, 5.8).
pub(super) fn raw_values(properties: &Value) -> Result<Fields, Fault> {
    let Some(map) = properties.as_object() else {
        return Err(Fault::invalid(
            "Invalid input JSON on line 1, column 1: properties must be an object",
        ));
    };
    let mut raw = Fields::new();
    for (name, value) in map {
        match value {
            Value::Null => {}
            Value::String(text) => {
                raw.insert(name.clone(), text.clone());
            }
            Value::Bool(_) | Value::Number(_) => {
                raw.insert(name.clone(), value.to_string());
            }
            Value::Array(_) | Value::Object(_) => {
                return Err(Fault::invalid(format!(
                    "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.lang.String` \
                     for property {name}"
                )));
            }
        }
    }
    Ok(raw)
}

/// The body of 5.13.
fn invalid_values(portal_id: u64, problems: &[(String, Problem)]) -> Fault {
    let list: Vec<Value> = problems
        .iter()
        .map(|(name, problem)| {
            json!({"isValid": false, "message": problem.message, "error": problem.code, "name": name,
                   "localizedErrorMessage": problem.message, "portalId": portal_id})
        })
        .collect();
    let mut fault = Fault::invalid(format!(
        "Property values were not valid: {}",
        Value::Array(list)
    ));
    fault.errors = problems
        .iter()
        .map(|(name, problem)| {
            json!({"message": problem.message, "code": problem.code, "context": {"propertyName": [name]}})
        })
        .collect();
    fault
}

impl Portal {
    /// Checks what someone wants to write to a record (`id`: the live one, `None`: a new one).
    pub(super) fn check(
        &self,
        kind: Kind,
        id: Option<u64>,
        raw: &Fields,
        how: How,
    ) -> Result<Checked, Fault> {
        let table = self.table(kind);
        let none = Packed::default();
        let before = id
            .and_then(|id| table.records.get(&id))
            .map_or(&none, |record| &record.fields);
        let currencies: Vec<String> = std::iter::once(&self.settings.currency)
            .chain(&self.settings.additional_currencies)
            .cloned()
            .collect();
        let pipelines = self.pipelines.get(&kind).map_or(&[][..], Vec::as_slice);
        let mut checked = Checked::default();
        let mut problems: Vec<(String, Problem)> = Vec::new();
        for (name, value) in raw {
            let Some(property) = table.schema.live(name) else {
                let message = format!("Property \"{name}\" does not exist");
                problems.push((
                    name.clone(),
                    Problem {
                        code: "PROPERTY_DOESNT_EXIST",
                        message,
                    },
                ));
                continue;
            };
            if property.read_only {
                let message =
                    format!("\"{name}\" is a calculated property; its value cannot be set.");
                problems.push((
                    name.clone(),
                    Problem {
                        code: "READ_ONLY_VALUE",
                        message,
                    },
                ));
                continue;
            }
            if value.is_empty() {
                checked.values.insert(name.clone(), String::new());
                continue;
            }
            let around = Around {
                owners: &self.owners,
                pipelines,
                currencies: &currencies,
                dated: how.dated,
                before: before.get(name).unwrap_or_default(),
            };
            match values::normalise(property, value, &around) {
                Ok(kept) => {
                    if kept.warned {
                        checked.warnings.push(json!({
                            "category": "PROPERTY_VALUE_NORMALIZED",
                            "message": format!("The value of {name} was normalized."),
                            "context": {"propertyName": [name], "rawValue": [value], "normalizedValue": [kept.value]},
                        }));
                    }
                    checked.values.insert(name.clone(), kept.value);
                }
                Err(problem) => problems.push((name.clone(), problem)),
            }
        }
        self.check_stage(kind, before, &mut checked.values, &mut problems);
        self.check_company(kind, &checked.values, &mut problems);
        if !problems.is_empty() {
            return Err(invalid_values(self.settings.portal_id, &problems));
        }
        if !how.person {
            forward_only(kind, table, before, &mut checked.values);
        }
        if id.is_none() {
            self.check_needed(kind, &checked.values, how)?;
        }
        self.check_conditional(kind, before, &checked.values, how)?;
        Ok(checked)
    }

    /// A stage must belong to the record's pipeline (7.4).
    fn check_stage(
        &self,
        kind: Kind,
        before: &Packed,
        values: &mut Fields,
        problems: &mut Vec<(String, Problem)>,
    ) {
        let Some((pipeline, stage)) = stage_property(kind) else {
            return;
        };
        let pipelines = self.pipelines.get(&kind).map_or(&[][..], Vec::as_slice);
        if !values.contains_key(stage) && !values.contains_key(pipeline) {
            return;
        }
        let first = pipelines
            .first()
            .map_or("default", |pipeline| pipeline.id.as_str());
        let chosen = values
            .get(pipeline)
            .map(String::as_str)
            .or_else(|| before.get(pipeline))
            .filter(|id| !id.is_empty());
        let chosen = chosen.unwrap_or(first).to_owned();
        let wanted = values
            .get(stage)
            .map(String::as_str)
            .or_else(|| before.get(stage))
            .unwrap_or_default();
        if wanted.is_empty() {
            return;
        }
        match values::stage(wanted, &chosen, pipelines) {
            Err(problem) => problems.push((stage.to_owned(), problem)),
            Ok(()) if !before.contains(pipeline) => {
                values.entry(pipeline.to_owned()).or_insert(chosen);
            }
            Ok(()) => {}
        }
    }

    /// A contact's company must exist.
    fn check_company(&self, kind: Kind, values: &Fields, problems: &mut Vec<(String, Problem)>) {
        if kind != Kind::CONTACTS {
            return;
        }
        if let Some(id) = values
            .get("associatedcompanyid")
            .filter(|id| !id.is_empty())
            && !id
                .parse()
                .is_ok_and(|id| self.table(Kind::COMPANIES).live(id).is_some())
        {
            let message = format!("Company {id} does not exist");
            problems.push((
                "associatedcompanyid".into(),
                Problem {
                    code: "INVALID_COMPANY_ID",
                    message,
                },
            ));
        }
    }

    /// What a create must have (3.11, 1.10).
    fn check_needed(&self, kind: Kind, values: &Fields, how: How) -> Result<(), Fault> {
        let row = kind.row();
        let has = |name: &&str| values.get(*name).is_some_and(|value| !value.is_empty());
        if !row.needs_one.is_empty() && !row.needs_one.iter().any(&has) {
            let names = row.needs_one.join(", ");
            return Err(Fault::invalid(format!(
                "At least one of these properties must be set: {names}"
            )));
        }
        let missing: Vec<&str> = row
            .needs_all
            .iter()
            .copied()
            .filter(|name| !has(name))
            .collect();
        if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(|name| (*name).to_owned()).collect();
            return Err(Fault::invalid(format!(
                "Error creating {}. Some required properties were not set.",
                row.legacy
            ))
            .with_context("properties", &names));
        }
        let required = self
            .settings
            .required_on_create
            .get(row.plural)
            .filter(|_| how.dated && !how.person);
        let missing: Vec<&String> = required
            .into_iter()
            .flatten()
            .filter(|name| !has(&name.as_str()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut fault = Fault::invalid("The property values provided are invalid");
        fault.errors = missing
            .iter()
            .map(|name| {
                json!({"message": format!("A value for {name} must be provided"), "code": "MISSING_REQUIRED_PROPERTY",
                       "context": {"propertyName": [name]}})
            })
            .collect();
        Err(fault)
    }

    fn check_conditional(
        &self,
        kind: Kind,
        before: &Packed,
        values: &Fields,
        how: How,
    ) -> Result<(), Fault> {
        if !how.dated || how.person {
            return Ok(());
        }
        let now = |name: &str| {
            values
                .get(name)
                .map(String::as_str)
                .or_else(|| before.get(name))
                .unwrap_or_default()
        };
        let broken: Vec<Value> = self
            .settings
            .conditional_required
            .iter()
            .filter(|rule| rule.object == kind.row().plural && values.contains_key(&rule.when))
            .filter(|rule| now(&rule.when) == rule.equals && now(&rule.required).is_empty())
            .map(|rule| {
                let message = format!(
                    "{} is required because of a conditional property rule based on [{}]",
                    rule.required, rule.when
                );
                json!({"message": message, "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
                       "context": {"propertyName": [rule.required]}})
            })
            .collect();
        if broken.is_empty() {
            return Ok(());
        }
        let mut fault = Fault::invalid("The property values provided are invalid");
        fault.errors = broken;
        Err(fault)
    }

    /// Refuses values that another record, or an earlier input of the same batch, holds (3.28).
    pub(super) fn check_unique(
        &self,
        kind: Kind,
        id: Option<u64>,
        values: &Fields,
        claims: &mut Claims,
    ) -> Result<(), Fault> {
        let table = self.table(kind);
        let mut mine = Vec::new();
        for (name, value) in values {
            if value.is_empty() || !table.schema.is_unique(kind, name) {
                continue;
            }
            let email = name == "email" && kind == Kind::CONTACTS && !self.settings.email_race;
            if let Some(holder) = table
                .holder(name, value)
                .filter(|holder| Some(*holder) != id)
            {
                return Err(if email {
                    email_taken(holder)
                } else {
                    self.value_taken(kind, name, value, id, holder)
                });
            }
            let claim = (name.clone(), fold(value));
            if claims.contains(&claim) {
                return Err(if email {
                    Fault::new(409, "CONFLICT", "Contact already exists")
                } else {
                    Fault::invalid(format!(
                        "Duplicate value {value} of {name} found in batch input"
                    ))
                });
            }
            mine.push(claim);
        }
        claims.extend(mine);
        Ok(())
    }

    fn value_taken(
        &self,
        kind: Kind,
        name: &str,
        value: &str,
        id: Option<u64>,
        holder: u64,
    ) -> Fault {
        let on = id.unwrap_or(holder + 1_000_003);
        Fault::invalid(format!(
            "Cannot set PropertyValueCoordinates{{portalId={}, objectTypeId=ObjectTypeId{{legacyObjectType={}}}, \
             propertyName={name}, value={value}}} on {on}. {holder} already has that value.",
            self.settings.portal_id,
            kind.row().legacy
        ))
    }
}

/// 409 of a taken address (3.28).
pub(super) fn email_taken(holder: u64) -> Fault {
    Fault::new(
        409,
        "CONFLICT",
        format!("Contact already exists. Existing ID: {holder}"),
    )
}

/// Drops a backward move of `lifecyclestage` without a word (7.9).
pub(super) fn forward_only(kind: Kind, table: &Table, before: &Packed, values: &mut Fields) {
    if kind != Kind::CONTACTS && kind != Kind::COMPANIES {
        return;
    }
    let Some(property) = table.schema.live("lifecyclestage") else {
        return;
    };
    let rank = |stage: &str| {
        property
            .options
            .iter()
            .find(|option| option.value == stage)
            .map(|option| option.order)
    };
    let old = before.get("lifecyclestage").and_then(rank);
    let new = values.get("lifecyclestage").and_then(|stage| rank(stage));
    if let (Some(old), Some(new)) = (old, new)
        && new < old
    {
        values.remove("lifecyclestage");
    }
}
