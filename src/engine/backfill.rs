//! Field pairs that were added to a mapping whose links exist already (docs/design/sync-semantics.md 9.5): everything is
//! read once, and the pairs begin in their first state for every link (F8 to F10).

use super::context::{Engine, EngineError};
use crate::domain::{Base, Link, Mapping, Side};
use crate::store::{Family, TypedStore, keys};

/// A pair as it is remembered: its fields on both sides.
type PairFields = (String, String);

fn row_name(mapping: &Mapping) -> String {
    format!("pairs/{}", mapping.id)
}

fn pairs_of(mapping: &Mapping) -> Vec<PairFields> {
    let named = named(mapping).into_iter();
    named.map(|(_, fields)| fields).collect()
}

/// Every pair and every set by its name, with its fields.
fn named(mapping: &Mapping) -> Vec<(&str, PairFields)> {
    let pairs = mapping.pairs.iter().map(|pair| {
        let fields = &pair.fields;
        let both = (fields.salesforce.clone(), fields.hubspot.clone());
        (pair.name(), both)
    });
    let sets = mapping.sets.iter().map(|set| {
        let [s, h] = Side::BOTH.map(|side| set.field(side).to_owned());
        (set.name(), (s, h))
    });
    pairs.chain(sets).collect()
}

/// Names of the pairs among `now` that are not among those remembered.
fn added(mapping: &Mapping, known: &[PairFields]) -> Vec<String> {
    let new = named(mapping).into_iter();
    new.filter(|(_, fields)| !known.contains(fields))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Names of the pairs that the links of a mapping have never seen. None before its first sync, which sees them all.
pub(super) async fn new_pairs(
    engine: &Engine,
    mapping: &Mapping,
) -> Result<Vec<String>, EngineError> {
    let known: Option<Vec<PairFields>> = engine
        .db
        .store()
        .row(keys::meta(&row_name(mapping)))
        .await?;
    Ok(known.map_or_else(Vec::new, |known| added(mapping, &known)))
}

/// Takes what is left of an earlier pair of the same name out of the bases: its values were another field's.
pub(super) async fn prepare(engine: &Engine, mappings: &[&Mapping]) -> Result<(), EngineError> {
    for mapping in mappings {
        let names = new_pairs(engine, mapping).await?;
        if names.is_empty() {
            continue;
        }
        let mut links = Vec::new();
        engine
            .db
            .walk(keys::by_mapping(Family::Link, &mapping.id), |link: Link| {
                links.push(link.id);
            })
            .await?;
        for part in links.chunks(1000) {
            let bases = engine.db.bases(&mapping.id, part).await?;
            let mut tx = engine.db.begin();
            for (link, mut base) in part.iter().zip(bases) {
                if forget(&mut base, &names) {
                    tx.put_base(&mapping.id, *link, &base)?;
                }
            }
            tx.apply().await?;
        }
    }
    Ok(())
}

/// Removes the pairs from a base; says whether any was there.
fn forget(base: &mut Base, names: &[String]) -> bool {
    let before = base.fields.len();
    base.fields.retain(|name, _| !names.contains(name));
    base.fields.len() != before
}

/// Remembers the pairs of the mappings, once everything was read with them.
pub(super) async fn remember(engine: &Engine, mappings: &[&Mapping]) -> Result<(), EngineError> {
    let mut tx = engine.db.begin();
    for mapping in mappings {
        let name = row_name(mapping);
        let pairs = pairs_of(mapping);
        let known: Option<Vec<PairFields>> = engine.db.store().row(keys::meta(&name)).await?;
        if known.as_ref() != Some(&pairs) {
            tx.put_meta(&name, &pairs)?;
        }
    }
    Ok(tx.apply().await?)
}
