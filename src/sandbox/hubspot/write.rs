//! The one way in for every write: checks, uniqueness, and the commit with its derived values, stamps, history and index.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::history::{Author, Event, History};

use super::Portal;
use super::fault::Fault;
use super::index::Fields;
use super::kinds::Kind;
use super::pipelines::stage_property;
use super::property::KEY;
use super::table::{Record, fold};
use super::text::instant;
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
pub(super) type Claims = BTreeMap<(String, String), ()>;

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
        let none = Fields::new();
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
                before: before.get(name).map_or("", String::as_str),
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
        before: &Fields,
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
            .or_else(|| before.get(pipeline))
            .filter(|id| !id.is_empty());
        let chosen = chosen.map_or(first, String::as_str).to_owned();
        let wanted = values
            .get(stage)
            .or_else(|| before.get(stage))
            .cloned()
            .unwrap_or_default();
        if wanted.is_empty() {
            return;
        }
        match values::stage(&wanted, &chosen, pipelines) {
            Err(problem) => problems.push((stage.to_owned(), problem)),
            Ok(()) if !before.contains_key(pipeline) => {
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
        if !row.needs_one.is_empty() && !row.needs_one.iter().any(|name| has(name)) {
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
        before: &Fields,
        values: &Fields,
        how: How,
    ) -> Result<(), Fault> {
        if !how.dated || how.person {
            return Ok(());
        }
        let now = |name: &str| {
            values
                .get(name)
                .or_else(|| before.get(name))
                .map_or("", String::as_str)
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
            let email = name == "email" && kind == Kind::CONTACTS;
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
            if claims.contains_key(&claim) {
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
        claims.extend(mine.into_iter().map(|claim| (claim, ())));
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

    /// Makes a record of checked values.
    pub(super) fn create_record(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        values: Fields,
    ) -> u64 {
        let id = self.table_mut(kind).fresh_id();
        let mut values = values;
        values.retain(|_, value| !value.is_empty());
        if kind == Kind::COMPANIES
            && let Some(domain) = values.get("domain").cloned()
        {
            values.entry("website".into()).or_insert(domain);
        }
        let mut fields = values.clone();
        self.born(now, by, kind, id, &mut fields);
        self.derive(now, kind, &Fields::new(), &mut fields, &values);
        let created = fields
            .get(kind.row().created)
            .and_then(|text| super::text::parse_instant(text))
            .unwrap_or(now);
        let mut history = History::default();
        history.push(super::table::version(now, by, Event::Created, &values));
        let by_api = matches!(by, Author::Api(_));
        let record = Record {
            fields: Arc::new(fields),
            created,
            modified: now,
            archived: None,
            history,
            by_api,
            keyed: false,
            merged: Vec::new(),
        };
        self.table_mut(kind).insert(id, record);
        self.counts.made(kind, by);
        self.finish(now, by, kind, id, &values);
        id
    }

    /// Changes a live record; `false` when nothing had to be stored.
    pub(super) fn update_record(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        id: u64,
        values: &Fields,
    ) -> bool {
        let Some(record) = self.table(kind).records.get(&id) else {
            return false;
        };
        let before = Arc::clone(&record.fields);
        let differs = |(name, value): (&String, &String)| {
            before.get(name).map_or("", String::as_str) != value.as_str()
        };
        if values.is_empty() || (!self.settings.equal_write_bumps && !values.iter().any(differs)) {
            return false;
        }
        let mut set = values.clone();
        self.derive(now, kind, &before, &mut set, values);
        set.insert(kind.row().modified.into(), instant(now));
        if let Author::Colleague(user) = by {
            set.insert("hs_updated_by_user_id".into(), user.clone());
        }
        let table = self.table_mut(kind);
        table.set(id, &set);
        table.note(id, now, by, Event::Updated, values);
        if let Some(record) = table.records.get_mut(&id) {
            record.modified = now;
            if let Some(at) = values
                .get(kind.row().created)
                .and_then(|text| super::text::parse_instant(text))
            {
                record.created = at;
            }
        }
        self.finish(now, by, kind, id, values);
        true
    }

    /// Puts a live record into the recycling bin; its associations go. The modified stamp stays (3.25).
    pub(super) fn archive_record(&mut self, now: DateTime<Utc>, by: &Author, kind: Kind, id: u64) {
        for to in self.links.partner_kinds(kind, id) {
            let partners: Vec<u64> = self.links.of(kind, id, to).map(|(id, _)| id).collect();
            for partner in partners {
                self.links.untie((kind, id), (to, partner));
                if kind == Kind::COMPANIES && to == Kind::CONTACTS {
                    self.mirror_company(now, by, partner);
                }
            }
        }
        let lag = self.settings.index_lag;
        let table = self.table_mut(kind);
        table.retire(id, now);
        table.note(id, now, by, Event::Deleted, &Fields::new());
        table.reindex(now, lag, id);
    }

    /// The values that the portal itself gives a new record (3.12).
    pub(super) fn born(
        &self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        id: u64,
        fields: &mut Fields,
    ) {
        let row = kind.row();
        let (source, source_id) = source(by);
        let mut put = |name: &str, value: String| {
            fields.entry(name.to_owned()).or_insert(value);
        };
        put(row.created, instant(now));
        put(row.modified, instant(now));
        put("hs_object_id", id.to_string());
        put("hs_object_source", source.to_owned());
        put("hs_object_source_id", source_id);
        put("hs_object_source_label", source.to_owned());
        if let Author::Colleague(user) = by {
            put("hs_created_by_user_id", user.clone());
            put("hs_updated_by_user_id", user.clone());
        }
        if kind == Kind::CONTACTS || kind == Kind::COMPANIES {
            put("hs_pipeline", format!("{}-lifecycle-pipeline", row.plural));
            if let Some(stage) = &self.settings.new_lifecyclestage {
                put("lifecyclestage", stage.clone());
            }
        }
        if kind == Kind::CONTACTS {
            put("hs_all_contact_vids", id.to_string());
            put("hs_is_contact", "true".into());
            put("hs_is_unworked", "true".into());
            put("hs_marketable_status", "false".into());
        }
        if kind == Kind::TASKS {
            put("hs_task_status", "NOT_STARTED".into());
        }
    }

    /// Values that follow from others.
    fn derive(
        &self,
        now: DateTime<Utc>,
        kind: Kind,
        before: &Fields,
        fields: &mut Fields,
        written: &Fields,
    ) {
        if kind == Kind::CONTACTS
            && let Some(email) = written.get("email")
        {
            let host = email.rsplit_once('@').map_or("", |(_, host)| host);
            fields.insert("hs_email_domain".into(), host.to_owned());
        }
        if let Some(owner) = written.get("hubspot_owner_id")
            && before.get("hubspot_owner_id") != Some(owner)
        {
            fields.insert("hubspot_owner_assigneddate".into(), instant(now));
            fields.insert("hs_all_owner_ids".into(), owner.clone());
        }
        if kind == Kind::TASKS
            && written
                .get("hs_task_status")
                .is_some_and(|status| status == "COMPLETED")
        {
            fields.insert("hs_task_completion_date".into(), instant(now));
        }
        if kind == Kind::DEALS
            && let Some(stage) = written.get("dealstage")
        {
            let stages = self
                .pipelines
                .get(&kind)
                .into_iter()
                .flatten()
                .flat_map(|pipeline| &pipeline.stages);
            let Some(stage) = stages.into_iter().find(|known| known.id == *stage) else {
                return;
            };
            let (closed, won) = stage.closed();
            fields.insert("hs_is_closed".into(), closed.to_string());
            fields.insert("hs_is_closed_won".into(), won.to_string());
            if let Some(probability) = stage.metadata.get("probability") {
                fields.insert("hs_deal_stage_probability".into(), probability.clone());
            }
            let dated = fields
                .get("closedate")
                .or_else(|| before.get("closedate"))
                .is_some_and(|at| !at.is_empty());
            if closed && !dated {
                fields.insert("closedate".into(), instant(now));
            }
        }
    }

    /// What follows a commit: key count, primary company, won deals, the index.
    fn finish(&mut self, now: DateTime<Utc>, by: &Author, kind: Kind, id: u64, values: &Fields) {
        if matches!(by, Author::Api(_))
            && let Some(key) = values.get(KEY).filter(|key| !key.is_empty())
            && let Some(record) = self.tables[kind.at()].records.get_mut(&id)
            && record.by_api
            && !std::mem::replace(&mut record.keyed, true)
        {
            self.counts.keyed(kind, key, id);
        }
        if kind == Kind::CONTACTS
            && let Some(company) = values.get("associatedcompanyid")
        {
            self.follow_company(id, company);
        }
        if kind == Kind::DEALS
            && self.settings.won_deal_makes_customer
            && values.contains_key("dealstage")
        {
            self.won_deal(now, id);
        }
        let lag = self.settings.index_lag;
        self.table_mut(kind).reindex(now, lag, id);
    }

    /// Writing `associatedcompanyid` makes that company the primary one; "" takes the association off (6.8).
    fn follow_company(&mut self, contact: u64, company: &str) {
        let old = self.links.primary(Kind::CONTACTS, contact, Kind::COMPANIES);
        if company.is_empty() {
            if let Some(old) = old {
                self.links
                    .untie((Kind::CONTACTS, contact), (Kind::COMPANIES, old));
            }
        } else if let Ok(id) = company.parse() {
            let id = self.table(Kind::COMPANIES).resolve(id);
            self.links
                .tie((Kind::CONTACTS, contact), (Kind::COMPANIES, id), &[1]);
        }
    }

    /// Keeps `associatedcompanyid` in step with the primary company; the modified stamp does not move (3.25).
    pub(super) fn mirror_company(&mut self, now: DateTime<Utc>, by: &Author, contact: u64) {
        let primary = self.links.primary(Kind::CONTACTS, contact, Kind::COMPANIES);
        let value = primary.map(|id| id.to_string()).unwrap_or_default();
        let lag = self.settings.index_lag;
        let table = self.table_mut(Kind::CONTACTS);
        let Some(record) = table.records.get(&contact) else {
            return;
        };
        if record
            .fields
            .get("associatedcompanyid")
            .map_or("", String::as_str)
            == value
        {
            return;
        }
        let values = Fields::from([("associatedcompanyid".to_owned(), value)]);
        table.set(contact, &values);
        table.note(contact, now, by, Event::Updated, &values);
        table.reindex(now, lag, contact);
    }

    /// A won deal makes its contacts and companies customers (7.10).
    fn won_deal(&mut self, now: DateTime<Utc>, deal: u64) {
        let won = self
            .table(Kind::DEALS)
            .records
            .get(&deal)
            .is_some_and(|record| {
                record
                    .fields
                    .get("hs_is_closed_won")
                    .is_some_and(|won| won == "true")
            });
        if !won {
            return;
        }
        for kind in [Kind::CONTACTS, Kind::COMPANIES] {
            let partners: Vec<u64> = self
                .links
                .of(Kind::DEALS, deal, kind)
                .map(|(id, _)| id)
                .collect();
            for id in partners {
                let table = self.table(kind);
                let Some(record) = table.records.get(&id) else {
                    continue;
                };
                let mut values =
                    Fields::from([("lifecyclestage".to_owned(), "customer".to_owned())]);
                forward_only(kind, table, &record.fields, &mut values);
                if record
                    .fields
                    .get("lifecyclestage")
                    .is_some_and(|stage| stage == "customer")
                {
                    continue;
                }
                self.update_record(now, &Author::System, kind, id, &values);
            }
        }
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

/// `sourceType` and `sourceId` of an author (3.8).
pub(super) fn source(by: &Author) -> (&'static str, String) {
    match by {
        Author::World => ("IMPORT", "1".into()),
        Author::Colleague(user) => ("CRM_UI", format!("userId:{user}")),
        Author::Api(app) => ("INTEGRATION", app.clone()),
        Author::System => ("AUTOMATION_PLATFORM", "1".into()),
    }
}

/// Drops a backward move of `lifecyclestage` without a word (7.9).
fn forward_only(kind: Kind, table: &super::table::Table, before: &Fields, values: &mut Fields) {
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
    let old = before.get("lifecyclestage").and_then(|stage| rank(stage));
    let new = values.get("lifecyclestage").and_then(|stage| rank(stage));
    if let (Some(old), Some(new)) = (old, new)
        && new < old
    {
        values.remove("lifecyclestage");
    }
}
