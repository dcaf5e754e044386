//! Before anything is read: who we are, what the objects look like, who may own records
//! (docs/design/sync-semantics.md 15, 18 wrong tenant, 19.2).

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::canary;
use super::context::{Engine, EngineError, Halt, Known, OwnerCache, Owners};
use super::db::names;
use super::drift;
use super::fields::is_property;
use super::report::Phase;
use super::scope;
use super::whole::is_restored;
use crate::crm::{CrmError, ErrorClass};
use crate::domain::{
    FieldSchema, Mapping, MappingId, ObjectSchema, PairKind, PerSide, SetPair, Side, SideCount,
    ValveHit, digest128,
};
use crate::store::keys;
use crate::store::rows::SchemaRow;

/// What preflight found.
pub struct Preflight {
    /// For the steps that follow.
    pub(super) known: Known,
    /// Calls that it took, by side.
    pub calls: SideCount,
    /// The objects, as they were described.
    pub schemas: BTreeMap<(Side, String), ObjectSchema>,
    /// Mappings that cannot run on them, with the reasons; the others go on.
    pub(super) refused: BTreeMap<MappingId, Vec<ValveHit>>,
}

impl Preflight {
    /// The mappings that can run.
    ///
    /// # Errors
    /// None of them can.
    pub(super) fn fit<'m>(
        &self,
        mappings: &[&'m Mapping],
    ) -> Result<Vec<&'m Mapping>, EngineError> {
        let fit: Vec<&Mapping> = mappings
            .iter()
            .copied()
            .filter(|mapping| !self.refused.contains_key(&mapping.id))
            .collect();
        if fit.is_empty() && !self.refused.is_empty() {
            return Err(self.halt());
        }
        Ok(fit)
    }

    /// The halt of a run that no mapping is left for.
    pub(super) fn halt(&self) -> EngineError {
        let valves: Vec<ValveHit> = self.refused.values().flatten().cloned().collect();
        let more = match valves.len() {
            0 | 1 => String::new(),
            all => format!(" ({} more, see `syncline check`)", all - 1),
        };
        let first = valves.first().map_or("", |hit| hit.message.as_str());
        let reason = format!("{first}{more}");
        EngineError::Halted(Box::new(Halt {
            valves,
            ..Halt::because(reason)
        }))
    }
}

/// Checks the accounts, reads the schemas where they have grown old, and the users where a mapping has owners.
pub(super) async fn preflight(
    engine: &Engine,
    mappings: &[&Mapping],
) -> Result<Preflight, EngineError> {
    engine.report.begin(Phase::Preflight);
    let before = calls(engine);
    let mut known = Known {
        install: install_id(engine).await?,
        forgotten: super::forget::forgotten(engine).await?,
        ..Known::default()
    };
    known.us = accounts(engine).await?;
    canary::check(engine, mappings).await?;
    let schemas = schemas(engine, mappings).await?;
    let mut refused: BTreeMap<MappingId, Vec<ValveHit>> = BTreeMap::new();
    for mapping in mappings {
        let drift = drift::look(engine, mapping, &schemas).await?;
        let paused =
            |problem: &Unmet| problem.read_only && drift.degraded.contains_key(&problem.pair);
        let unmet = unmet(mapping, &schemas);
        let problems = unmet
            .into_iter()
            .filter(|problem| !paused(problem))
            .map(|problem| problem.message)
            .chain(drift.breaking.iter().cloned());
        let hits: Vec<ValveHit> = problems.map(|message| refusal(mapping, message)).collect();
        if hits.is_empty() {
            known.sound.insert(mapping.id.clone());
        } else {
            refused.insert(mapping.id.clone(), hits);
        }
        for (pair, why) in drift.degraded {
            tracing::warn!(
                event = "pair_paused",
                "{why}; the pair waits until it is right again"
            );
            known.paused.insert((mapping.id.clone(), pair));
        }
    }
    let epoch = engine.db.number(keys::META_EPOCH).await?;
    for mapping in mappings {
        learn(mapping, &schemas, &mut known);
        if is_restored(&engine.db.map_state(&mapping.id).await?, epoch) {
            known.restored.insert(mapping.id.clone());
        }
    }
    if mappings.iter().any(|mapping| {
        mapping
            .pairs
            .iter()
            .any(|pair| pair.kind == PairKind::Owner)
    }) {
        for side in Side::BOTH {
            *known.owners.get_mut(side) = owners(engine, side).await?;
        }
    }
    let after = calls(engine);
    let used = PerSide::from_fn(|side| after.get(side) - before.get(side));
    engine.report.detail(
        Phase::Preflight,
        format!("{} objects, {} mappings", schemas.len(), mappings.len()),
    );
    engine.report.end(Phase::Preflight);
    Ok(Preflight {
        known,
        calls: used,
        schemas,
        refused,
    })
}

pub(super) fn calls(engine: &Engine) -> SideCount {
    PerSide::from_fn(|side| engine.side(side).meter().total())
}

/// The install id, made at the first start: a part of every derived id.
async fn install_id(engine: &Engine) -> Result<String, EngineError> {
    engine
        .db
        .meta(names::INSTALL)
        .await?
        .ok_or_else(|| EngineError::Invariant("the store has no install id".into()))
}

/// A store belongs to one organisation and one portal; another one's token is refused before it can mix two worlds.
async fn accounts(engine: &Engine) -> Result<PerSide<Option<String>>, EngineError> {
    let mut us = PerSide::default();
    for side in Side::BOTH {
        let identity = engine.side(side).identity().await?;
        let name = format!("{}/{}", names::ACCOUNT, side.word());
        match engine.db.meta(&name).await? {
            Some(known) if known != identity.account => {
                return Err(EngineError::halt(format!(
                    "the credentials open the {side} account {}, but this data folder belongs to {known}; \
                     use another --data-dir for another account",
                    identity.account
                )));
            }
            Some(_) => {}
            None => {
                let mut tx = engine.db.begin();
                tx.put_meta(&name, &identity.account)?;
                tx.apply().await?;
            }
        }
        *us.get_mut(side) = identity.user;
    }
    Ok(us)
}

async fn schemas(
    engine: &Engine,
    mappings: &[&Mapping],
) -> Result<BTreeMap<(Side, String), ObjectSchema>, EngineError> {
    let now = engine.clock.now();
    let refresh = TimeDelta::from_std(engine.rules.settings.schema_refresh).unwrap_or_default();
    let mut all = BTreeMap::new();
    for side in Side::BOTH {
        let mut objects: BTreeSet<&str> = mappings
            .iter()
            .map(|mapping| mapping.object(side))
            .collect();
        if side == Side::Salesforce {
            let sets = mappings.iter().flat_map(|mapping| &mapping.sets);
            objects.extend(sets.map(|set| set.kind.table().junction));
        }
        for object in objects {
            let stored = engine
                .db
                .schema(side, object)
                .await?
                .filter(|row| now - row.fetched_at < refresh);
            let schema = match stored {
                Some(row) => row.schema,
                None => {
                    let schema = match engine.side(side).describe(object).await {
                        Ok(schema) => schema,
                        // The side answers, and has no such object (any more): its mappings are refused.
                        Err(error) if is_no_object(&error) => {
                            tracing::warn!(%side, object, %error, "the object cannot be described");
                            continue;
                        }
                        Err(error) => return Err(error.into()),
                    };
                    let row = SchemaRow {
                        fetched_at: now,
                        fingerprint: fingerprint(&schema),
                        schema: schema.clone(),
                    };
                    let mut tx = engine.db.begin();
                    tx.put_schema(side, object, &row)?;
                    tx.apply().await?;
                    schema
                }
            };
            all.insert((side, object.to_owned()), schema);
        }
    }
    Ok(all)
}

fn is_no_object(error: &CrmError) -> bool {
    let refused = matches!(error.class, ErrorClass::Record | ErrorClass::Systemic);
    refused && error.vendor.is_some()
}

/// A hash of what matters of a schema (19.2).
fn fingerprint(schema: &ObjectSchema) -> String {
    let text = serde_json::to_string(schema).unwrap_or_default();
    format!("{:032x}", digest128(&[text.as_bytes()]))
}

async fn owners(engine: &Engine, side: Side) -> Result<Owners, EngineError> {
    let now = engine.clock.now();
    let refresh = TimeDelta::from_std(engine.rules.settings.schema_refresh).unwrap_or_default();
    let cached = |cache: &OwnerCache| match cache.lock() {
        Ok(all) => all
            .get(&side)
            .filter(|(at, _)| now - *at < refresh)
            .map(|(_, owners)| owners.clone()),
        Err(_) => None,
    };
    if let Some(known) = cached(&engine.owners) {
        return Ok(known);
    }
    let mut owners = Owners::default();
    for person in engine.side(side).people().await? {
        if person.active && !person.email.is_empty() {
            owners
                .id
                .entry(person.email.clone())
                .or_insert_with(|| person.id.clone());
        }
        owners.email.insert(person.id, person.email);
    }
    if let Ok(mut all) = engine.owners.lock() {
        all.insert(side, (now, owners.clone()));
    }
    Ok(owners)
}

/// A mapping that the objects do not fit is refused, and no confirm helps (18).
fn refusal(mapping: &Mapping, message: String) -> ValveHit {
    ValveHit {
        valve: ValveHit::MAPPING_REFUSED.to_owned(),
        mapping: mapping.id.clone(),
        found: 1,
        limit: 0,
        message,
        confirmable: false,
    }
}

/// Why a mapping cannot run on these objects.
struct Unmet {
    /// The pair's name; empty where it is the mapping as a whole.
    pair: String,
    /// The field is there and cannot be written.
    read_only: bool,
    /// The sentence.
    message: String,
}

/// Why a mapping cannot run on these objects, in sentences; empty where it can.
pub fn unmet_requirements(
    mapping: &Mapping,
    schemas: &BTreeMap<(Side, String), ObjectSchema>,
) -> Vec<String> {
    let found = unmet(mapping, schemas).into_iter();
    found.map(|problem| problem.message).collect()
}

fn unmet(mapping: &Mapping, schemas: &BTreeMap<(Side, String), ObjectSchema>) -> Vec<Unmet> {
    let mut problems = Vec::new();
    let mut tell = |pair: &str, read_only: bool, message: String| {
        problems.push(Unmet {
            pair: pair.to_owned(),
            read_only,
            message,
        });
    };
    for set in &mapping.sets {
        if let Some(message) = unmet_set(mapping, set, schemas) {
            tell(set.name(), false, message);
        }
    }
    for side in Side::BOTH {
        let object = mapping.object(side);
        let Some(schema) = schemas.get(&(side, object.to_owned())) else {
            let message = format!("mapping {}: {side} has no object {object}", mapping.id);
            tell("", false, message);
            continue;
        };
        if side == Side::Salesforce {
            for message in scope::unmet(mapping, schema) {
                tell("", false, message);
            }
        }
        for pair in mapping.pairs.iter().filter(|pair| is_property(pair, side)) {
            let name = pair.field(side);
            match schema.fields.get(name) {
                None => {
                    let message = format!(
                        "mapping {}: {side} {object} has no field {name} that the credentials may read{}",
                        mapping.id,
                        nearest(name, schema)
                    );
                    tell(pair.name(), false, message);
                }
                Some(field) if pair.direction.allows(side) && !writable(field) => {
                    let message = format!(
                        "mapping {}: {side} {object}.{name} is not writable; give the pair the direction away from {side}",
                        mapping.id
                    );
                    tell(pair.name(), true, message);
                }
                Some(_) => {}
            }
        }
    }
    problems
}

/// Why a set cannot be kept in step.
fn unmet_set(
    mapping: &Mapping,
    set: &SetPair,
    schemas: &BTreeMap<(Side, String), ObjectSchema>,
) -> Option<String> {
    let table = set.kind.table();
    let (side, junction) = (Side::Salesforce, table.junction);
    let Some(schema) = schemas.get(&(side, junction.to_owned())) else {
        return Some(format!(
            "mapping {}: {side} has no object {junction}; switch on \"Contacts to Multiple Accounts\" and give the \
             integration user its rights, or take the pair out",
            mapping.id
        ));
    };
    let mut fields = [table.own, table.other, table.mirror].into_iter();
    let missing = fields.find(|name| !schema.fields.contains_key(*name))?;
    Some(format!(
        "mapping {}: {side} {junction} has no field {missing} that the credentials may read",
        mapping.id
    ))
}

fn nearest(name: &str, schema: &ObjectSchema) -> String {
    let near = schema
        .fields
        .keys()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min();
    match near {
        Some((distance, known)) if distance <= 3 => format!("; did you mean {known}?"),
        _ => String::new(),
    }
}

fn writable(field: &FieldSchema) -> bool {
    field.updateable && !field.calculated
}

fn learn(mapping: &Mapping, schemas: &BTreeMap<(Side, String), ObjectSchema>, known: &mut Known) {
    for side in Side::BOTH {
        let Some(schema) = schemas.get(&(side, mapping.object(side).to_owned())) else {
            continue;
        };
        let key = schema.fields.get(mapping.key_field(side));
        if key.is_some_and(|field| field.unique && writable(field)) {
            known.keyed.insert((mapping.id.clone(), side));
        }
        let required: Vec<String> = schema
            .fields
            .values()
            .filter(|field| field.required)
            .map(|field| field.name.clone())
            .collect();
        known.required.insert((mapping.id.clone(), side), required);
    }
}
