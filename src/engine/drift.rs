//! Schema drift (docs/design/sync-semantics.md 19.2): what has changed of the fields of a mapping since it was accepted, and
//! what follows. Labels, new options and longer texts are fine; an option that is gone, a shorter text, a field that is
//! required or read-only now pauses its pair; a field of another type, or a change of what records are told apart by, halts
//! the mapping. What was accepted stays until the objects are right again, the mapping's rules change or a person resumes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::context::{Engine, EngineError};
use super::db::{Db, Tx};
use super::fields::is_property;
use crate::domain::{FieldSchema, FieldType, Mapping, ObjectSchema, PerSide, Side};
use crate::store::{StoreError, TypedStore, keys};

/// What of a field decides whether its values can be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    kind: FieldType,
    length: Option<u32>,
    scale: Option<u32>,
    writable: bool,
    required: bool,
    unique: bool,
    options: BTreeSet<String>,
}

impl Facts {
    fn of(field: &FieldSchema) -> Facts {
        let active = field.picklist.iter().filter(|option| option.active);
        Facts {
            kind: field.kind,
            length: field.length,
            scale: field.scale,
            writable: field.updateable && !field.calculated,
            required: field.required,
            unique: field.unique,
            options: match field.restricted {
                true => active.map(|option| option.value.clone()).collect(),
                false => BTreeSet::new(),
            },
        }
    }
}

/// `meta` row of a mapping: the fields as they were accepted, and what is paused for what has become of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Accepted {
    /// The mapping's rules that they were accepted with.
    revision: String,
    fields: PerSide<BTreeMap<String, Facts>>,
    /// Why, by pair.
    pub(super) paused: BTreeMap<String, String>,
    /// A pair goes on again: everything is to be read once, for nobody looked at it meanwhile.
    pub(super) catch_up: bool,
}

/// What became of the fields of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Drift {
    /// Why the mapping cannot go on.
    pub(super) breaking: Vec<String>,
    /// Why a pair cannot, by its name.
    pub(super) degraded: BTreeMap<String, String>,
    /// What is worth a note.
    pub(super) benign: Vec<String>,
}

/// How a field has changed.
enum Change {
    Breaking(String),
    Degraded(String),
    Benign(String),
}

/// What a change of one field means. `written`: the pair writes it on that side.
fn change(before: &Facts, now: &Facts, written: bool) -> Option<Change> {
    use Change::{Benign, Breaking, Degraded};
    let shorter = |before: Option<u32>, now: Option<u32>| match (before, now) {
        (Some(before), Some(now)) => now < before,
        (None, Some(_)) => true,
        _ => false,
    };
    if now.kind != before.kind {
        let why = format!(
            "is of the type {:?} now, it was {:?}",
            now.kind, before.kind
        );
        return Some(Breaking(why));
    }
    let gone: Vec<&str> = before
        .options
        .difference(&now.options)
        .map(String::as_str)
        .collect();
    let reasons = [
        (
            before.writable && !now.writable,
            "is read-only now".to_owned(),
        ),
        (
            !before.required && now.required,
            "is required now".to_owned(),
        ),
        (
            shorter(before.length, now.length),
            format!(
                "is shorter now, {} characters at most",
                now.length.unwrap_or_default()
            ),
        ),
        (
            shorter(before.scale, now.scale),
            format!(
                "has only {} digits behind the point now",
                now.scale.unwrap_or_default()
            ),
        ),
        (
            !gone.is_empty() && !now.options.is_empty(),
            format!("no longer has the option {}", gone.join(", ")),
        ),
    ];
    match reasons.into_iter().find(|(is, _)| *is) {
        Some((_, why)) if written => Some(Degraded(why)),
        Some((_, why)) => Some(Benign(why)),
        None if before.unique && !now.unique => Some(Benign("is no longer unique".into())),
        None if before != now => Some(Benign("has changed in a way that is no obstacle".into())),
        None => None,
    }
}

/// Compares the fields of a mapping with what was accepted. A field that is gone is told by the requirements.
pub(super) fn drift(
    mapping: &Mapping,
    accepted: &Accepted,
    schemas: &BTreeMap<(Side, String), ObjectSchema>,
) -> Drift {
    let mut found = Drift::default();
    for side in Side::BOTH {
        let object = mapping.object(side);
        let Some(schema) = schemas.get(&(side, object.to_owned())) else {
            continue;
        };
        let known = accepted.fields.get(side);
        let key = mapping.key_field(side);
        let now = schema.fields.get(key).map(Facts::of);
        let is_key = |facts: &Facts| facts.unique && facts.writable;
        if known.get(key).is_some_and(is_key) && !now.is_some_and(|now| is_key(&now)) {
            found.breaking.push(format!(
                "mapping {}: {side} {object}.{key} holds the other side's ids and is no longer there, unique and writable; without it a record could be made twice",
                mapping.id
            ));
        }
        for (index, pair) in mapping.pairs.iter().enumerate() {
            let name = pair.field(side);
            let (Some(before), Some(now)) = (known.get(name), schema.fields.get(name)) else {
                continue;
            };
            if !is_property(pair, side) {
                continue;
            }
            let matches = mapping
                .match_rules
                .iter()
                .any(|rule| rule.parts.contains(&index));
            let sentence =
                |why: String| format!("mapping {}: {side} {object}.{name} {why}", mapping.id);
            match change(before, &Facts::of(now), pair.direction.allows(side)) {
                Some(Change::Breaking(why)) => found.breaking.push(sentence(why)),
                Some(Change::Degraded(why)) if matches => found
                    .breaking
                    .push(format!("{}, and records are matched by it", sentence(why))),
                Some(Change::Degraded(why)) => {
                    found.degraded.insert(pair.name().to_owned(), sentence(why));
                }
                Some(Change::Benign(why)) => found.benign.push(sentence(why)),
                None => {}
            }
        }
    }
    found
}

/// The row after a look: what is fine is accepted as it is now, what is paused or halts stays as it was accepted.
fn accepted_now(
    mapping: &Mapping,
    before: &Accepted,
    found: &Drift,
    revision: &str,
    schemas: &BTreeMap<(Side, String), ObjectSchema>,
) -> Accepted {
    let released = before
        .paused
        .keys()
        .any(|name| !found.degraded.contains_key(name));
    let fields = PerSide::from_fn(|side| {
        let schema = schemas.get(&(side, mapping.object(side).to_owned()));
        let known = before.fields.get(side);
        let pairs = mapping.pairs.iter().filter(|pair| is_property(pair, side));
        let mut fields: BTreeMap<String, Facts> = pairs
            .filter_map(|pair| {
                let name = pair.field(side);
                let now = || Some(Facts::of(schema?.fields.get(name)?));
                let kept = found
                    .degraded
                    .contains_key(pair.name())
                    .then(|| known.get(name).cloned());
                Some((name.to_owned(), kept.flatten().or_else(now)?))
            })
            .collect();
        let key = mapping.key_field(side);
        if let Some(field) = schema.and_then(|schema| schema.fields.get(key)) {
            fields.insert(key.to_owned(), Facts::of(field));
        }
        fields
    });
    Accepted {
        revision: revision.to_owned(),
        fields,
        paused: found.degraded.clone(),
        catch_up: before.catch_up || released,
    }
}

fn row_name(mapping: &Mapping) -> String {
    format!("drift/{}", mapping.id)
}

/// A mapping's row.
pub(super) async fn accepted(db: &Db, mapping: &Mapping) -> Result<Accepted, StoreError> {
    let row: Option<Accepted> = db.store().row(keys::meta(&row_name(mapping))).await?;
    Ok(row.unwrap_or_default())
}

/// Looks at a mapping's fields and remembers what was found. A mapping that breaks keeps what was accepted.
pub(super) async fn look(
    engine: &Engine,
    mapping: &Mapping,
    schemas: &BTreeMap<(Side, String), ObjectSchema>,
) -> Result<Drift, EngineError> {
    let revisions = &engine.rules.revisions;
    let revision = revisions.get(&mapping.id).map_or("", String::as_str);
    let mut before = accepted(&engine.db, mapping).await?;
    if before.revision != revision {
        // Whoever changed the mapping's rules saw the objects as they are.
        before.fields = PerSide::default();
    }
    let found = drift(mapping, &before, schemas);
    for note in &found.benign {
        tracing::info!(event = "schema_changed", "{note}");
    }
    if found.breaking.is_empty() {
        let now = accepted_now(mapping, &before, &found, revision, schemas);
        if now != before {
            let mut tx = engine.db.begin();
            tx.put_meta(&row_name(mapping), &now)?;
            tx.apply().await?;
        }
    }
    Ok(found)
}

/// Everything was read: what was paused has caught up.
pub(super) async fn caught_up(engine: &Engine, mappings: &[&Mapping]) -> Result<(), EngineError> {
    let mut tx = engine.db.begin();
    for mapping in mappings {
        let row = accepted(&engine.db, mapping).await?;
        if row.catch_up {
            let row = Accepted {
                catch_up: false,
                ..row
            };
            tx.put_meta(&row_name(mapping), &row)?;
        }
    }
    Ok(tx.apply().await?)
}

/// A person resumes the mapping: the objects are accepted as the next run finds them.
pub(super) async fn accept(
    engine: &Engine,
    mapping: &Mapping,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let row = accepted(&engine.db, mapping).await?;
    let fresh = Accepted {
        revision: row.revision,
        paused: row.paused,
        catch_up: row.catch_up,
        fields: PerSide::default(),
    };
    Ok(tx.put_meta(&row_name(mapping), &fresh)?)
}

/// Pairs that a change of the objects has paused, with the reason.
///
/// # Errors
/// The store cannot be read.
pub async fn paused_pairs(
    db: &Db,
    mapping: &Mapping,
) -> Result<BTreeMap<String, String>, StoreError> {
    Ok(accepted(db, mapping).await?.paused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            kind: FieldType::Text,
            length: Some(80),
            scale: None,
            writable: true,
            required: false,
            unique: false,
            options: BTreeSet::from(["A".to_owned(), "B".to_owned()]),
        }
    }

    #[test]
    fn changes_fall_into_three_classes() {
        type Edit = fn(&mut Facts);
        let options = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let table: [(Edit, bool, &str); 12] = [
            (|_| {}, true, "none"),
            (|now| now.length = Some(255), true, "benign"),
            (|now| now.length = None, true, "benign"),
            (|now| now.length = Some(79), true, "degraded"),
            (|now| now.length = Some(79), false, "benign"),
            (|now| now.scale = Some(2), true, "degraded"),
            (|now| now.required = true, true, "degraded"),
            (|now| now.writable = false, true, "degraded"),
            (|now| now.writable = false, false, "benign"),
            (
                |now| {
                    now.options.insert("C".into());
                },
                true,
                "benign",
            ),
            (
                |now| {
                    now.options.remove("A");
                },
                true,
                "degraded",
            ),
            (|now| now.kind = FieldType::Number, false, "breaking"),
        ];
        for (number, (edit, written, want)) in table.into_iter().enumerate() {
            let mut now = facts();
            edit(&mut now);
            let class = match change(&facts(), &now, written) {
                None => "none",
                Some(Change::Benign(_)) => "benign",
                Some(Change::Degraded(_)) => "degraded",
                Some(Change::Breaking(_)) => "breaking",
            };
            assert_eq!(class, want, "row {number}");
        }
        let mut open = facts();
        open.options = options(&[]);
        let class = change(&facts(), &open, true);
        assert!(
            matches!(class, Some(Change::Benign(_))),
            "any value is taken now"
        );
    }
}
