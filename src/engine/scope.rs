//! Which records a mapping is about (docs/design/sync-semantics.md 12.6). The condition is evaluated here, on what was read;
//! no query is filtered by it, or a record that leaves would never be seen leaving. Nothing here ever deletes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::blocked::wake;
use super::context::{Engine, EngineError};
use super::db::Tx;
use super::links;
use super::run_ctx::RunCtx;
use super::shadows::{OUTSIDE, keys_of, rekey, set_keys};
use super::waits::{What, close};
use crate::domain::condition::Literal;
use crate::domain::{
    Assignment, Base, FieldType, LeavesScope, Link, LinkId, LinkState, Mapping, ObjectSchema,
    Observation, Presence, RecordId, Side, Value, digest128,
};
use crate::store::rows::Dirty;
use crate::store::{TypedStore, keys};

/// Whether a Salesforce record is one that the mapping is about; `None` where what was read does not tell, and for records
/// of HubSpot, which have no scope of their own.
pub(super) fn is_inside(mapping: &Mapping, seen: &Observation, now: DateTime<Utc>) -> Option<bool> {
    if seen.side != Side::Salesforce || seen.presence != Presence::Live {
        return None;
    }
    match &mapping.scope {
        Some(scope) => scope.holds(&|field| seen.value(field), now),
        None => Some(true),
    }
}

/// An unlinked record lies outside: it is remembered under its keys, and nothing about it waits.
pub(super) async fn leave_out(
    engine: &Engine,
    mapping: &Mapping,
    seen: &Observation,
    known: &[(u8, u128)],
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let side = seen.side;
    let keys = keys_of(mapping, seen, true);
    set_keys(&engine.db, mapping, side, &seen.id, known, &keys, tx).await?;
    if known.is_empty() || known.contains(&OUTSIDE) {
        return Ok(());
    }
    tx.clear_dirty(&mapping.id, side, &seen.id);
    tx.drop_observation(side, mapping.object(side), &seen.id);
    let owner = keys::record_owner(&links::record_key(mapping, side, &seen.id));
    close(engine, &mapping.id, owner, What::All, None, tx).await
}

/// True where a record that would be made of these fields lies outside for certain: what the vendor adds is not known.
pub(super) fn would_lie_outside<'f>(
    mapping: &Mapping,
    target: Side,
    sent: impl Iterator<Item = (&'f String, &'f Assignment)>,
    now: DateTime<Utc>,
) -> bool {
    let Some(scope) = mapping
        .scope
        .as_ref()
        .filter(|_| target == Side::Salesforce)
    else {
        return false;
    };
    let sent: Vec<_> = sent.collect();
    let value = |field: &str| {
        let named = sent
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(field));
        named.map_or(&Value::Unknown, |(_, assignment)| &assignment.after)
    };
    scope.holds(&value, now) == Some(false)
}

/// What a look at a linked record means for its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It leaves the scope, and its link changes to this.
    Leaves(Away),
    /// It is back.
    Returns,
}

/// How a link is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    Frozen,
    Unlinked,
}

/// The step that a link takes, if it takes one.
pub(super) fn step(leaves: LeavesScope, state: &LinkState, inside: Option<bool>) -> Option<Step> {
    let away = match leaves {
        LeavesScope::Keep => None,
        LeavesScope::Freeze => Some(Away::Frozen),
        LeavesScope::Unlink => Some(Away::Unlinked),
    };
    match (state, inside?) {
        (LinkState::Active, false) => away.map(Step::Leaves),
        // A link that is away comes back with its record, and with a rule that keeps it.
        (LinkState::OutOfScope | LinkState::Unlinked, true) => Some(Step::Returns),
        (LinkState::OutOfScope | LinkState::Unlinked, false) if away.is_none() => {
            Some(Step::Returns)
        }
        _ => None,
    }
}

/// Carries a step out. A link that is back is looked at on both sides, whatever was missed meanwhile: with the base that it
/// had (a three-way merge), or like a first sync where it had ended. `seen` is the Salesforce record, whose scope it is.
pub(super) async fn take(
    engine: &Engine,
    mapping: &Mapping,
    link: &Link,
    step: Step,
    seen: &Observation,
    tx: &mut Tx<'_>,
) -> Result<(), EngineError> {
    let state = match step {
        Step::Returns => LinkState::Active,
        Step::Leaves(Away::Frozen) => LinkState::OutOfScope,
        Step::Leaves(Away::Unlinked) => LinkState::Unlinked,
    };
    tracing::info!(mapping = %mapping.id, link = %link.id, ?step, "scope");
    if step == Step::Leaves(Away::Unlinked) {
        let bases = engine.db.bases(&mapping.id, &[link.id]).await?;
        let base = bases.into_iter().next().unwrap_or_default();
        tx.put_base(&mapping.id, link.id, &ended_base(base))?;
    }
    match step {
        Step::Leaves(Away::Frozen) => {}
        Step::Leaves(Away::Unlinked) | Step::Returns => {
            // Outside it shadows what it would match.
            let keys = keys_of(mapping, seen, step != Step::Returns);
            rekey(&engine.db, mapping, seen.side, &seen.id, &keys, tx).await?;
        }
    }
    let moved = Link {
        state,
        ..link.clone()
    };
    tx.put_link(&moved, &links::objects(mapping))?;
    for side in Side::BOTH {
        let Some(id) = link.ids.get(side) else {
            continue;
        };
        tx.drop_observation(side, mapping.object(side), id);
        match step {
            Step::Returns => {
                tx.mark_dirty(&mapping.id, side, id, Dirty::RELINK)?;
                wake(engine, &links::record_key(mapping, side, id), tx).await?;
            }
            Step::Leaves(_) => tx.clear_dirty(&mapping.id, side, id),
        }
    }
    match step {
        Step::Returns => Ok(()),
        Step::Leaves(_) => close(engine, &mapping.id, link.id.0, What::All, None, tx).await,
    }
}

/// What stays of the base of a link that ends: what was settled although the sides differ, which its return must not bring up
/// again. An undo or a person's choice may stand behind it (19.1).
fn ended_base(base: Base) -> Base {
    let apart = base.fields.into_iter().filter(|(_, field)| field.diverged);
    Base {
        fields: apart.collect(),
        ..Base::default()
    }
}

/// True where a record lies outside the scope of the mapping that it is referred to through: nobody waits for it (14.1).
pub(super) async fn is_outside(
    engine: &Engine,
    through: &Mapping,
    side: Side,
    id: &RecordId,
) -> Result<bool, EngineError> {
    if side != Side::Salesforce {
        return Ok(false);
    }
    let ids = std::slice::from_ref(id);
    let keys = engine.db.match_keys(&through.id, side, ids).await?;
    let link = engine
        .db
        .link_ids(&through.id, side, through.object(side), ids)
        .await?;
    let known: Vec<LinkId> = link.into_iter().flatten().collect();
    let links = engine.db.links(&through.id, &known).await?;
    let mut links = links.into_iter().flatten();
    Ok(keys.iter().any(|keys| keys.contains(&OUTSIDE))
        || links.any(|link| link.state == LinkState::Unlinked))
}

/// The links among these that have ended because their record left the scope.
pub(super) async fn ended(
    ctx: &RunCtx<'_>,
    mapping: &Mapping,
    links: &[Option<LinkId>],
) -> Result<BTreeSet<LinkId>, EngineError> {
    let known: Vec<LinkId> = links.iter().flatten().copied().collect();
    let links = ctx.engine.db.links(&mapping.id, &known).await?;
    let links = links.into_iter().flatten();
    let ended = links.filter(|link| link.state == LinkState::Unlinked);
    Ok(ended.map(|link| link.id).collect())
}

fn row_name(mapping: &Mapping) -> String {
    format!("scope/{}", mapping.id)
}

/// A digest of what decides which records a mapping takes up and under which keys.
fn rules_of(mapping: &Mapping) -> String {
    let scope = mapping.scope.as_ref().map_or("", |scope| scope.text());
    let parts = mapping.match_rules.iter().map(|rule| {
        let names = rule
            .parts
            .iter()
            .filter_map(|part| mapping.pairs.get(*part));
        names.map(|pair| pair.name()).collect::<Vec<_>>().join("+")
    });
    let rules = parts.collect::<Vec<_>>().join(",");
    let creates = format!("{:?}", mapping.creates);
    let digest = digest128(&[scope.as_bytes(), rules.as_bytes(), creates.as_bytes()]);
    format!("{digest:032x}")
}

/// True where the scope, the match rules or what is created have changed since everything was read last: records that no
/// look for changes shows are concerned (5.4, 9.5).
pub(super) async fn is_new(engine: &Engine, mapping: &Mapping) -> Result<bool, EngineError> {
    let known: Option<String> = engine
        .db
        .store()
        .row(keys::meta(&row_name(mapping)))
        .await?;
    Ok(match known {
        Some(known) => known != rules_of(mapping),
        None => mapping.scope.is_some(),
    })
}

/// Remembers the rules that a look at both sides went by.
pub(super) async fn remember(engine: &Engine, mappings: &[&Mapping]) -> Result<(), EngineError> {
    let mut tx = engine.db.begin();
    for mapping in mappings {
        let (name, rules) = (row_name(mapping), rules_of(mapping));
        let known: Option<String> = engine.db.store().row(keys::meta(&name)).await?;
        if known.as_ref() != Some(&rules) {
            tx.put_meta(&name, &rules)?;
        }
    }
    Ok(tx.apply().await?)
}

/// Why the condition of a mapping cannot be evaluated on this object, in sentences.
pub(super) fn unmet(mapping: &Mapping, schema: &ObjectSchema) -> Vec<String> {
    let Some(scope) = &mapping.scope else {
        return Vec::new();
    };
    let find = |name: &str| {
        let mut fields = schema.fields.iter();
        fields
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, field)| field)
    };
    let mut problems = Vec::new();
    let mut tell = |why: String| {
        let sentence = format!("mapping {}: its scope {why}", mapping.id);
        if !problems.contains(&sentence) {
            problems.push(sentence);
        }
    };
    for (name, literal) in scope.tests() {
        match name.split_once('.') {
            Some((parent, _)) => {
                // The relationship of a custom lookup ends in __r, that of a standard one lacks the Id.
                let lookup = match parent.strip_suffix("__r") {
                    Some(stem) => format!("{stem}__c"),
                    None => format!("{parent}Id"),
                };
                if find(&lookup).is_none() {
                    tell(format!(
                        "names {parent}, which is no parent of {}",
                        schema.object
                    ));
                }
            }
            None => match find(name) {
                None => tell(format!(
                    "names {name}, which {} does not have or the credentials may not read",
                    schema.object
                )),
                Some(field) if !fits(field.kind, literal) => tell(format!(
                    "compares {name} with a value of another type; a text stands in quotes, numbers, dates and true/false do not"
                )),
                Some(_) => {}
            },
        }
    }
    problems
}

/// True where the vendor takes such a literal for a field of that type (docs/vendor/salesforce.md 2.4).
fn fits(kind: FieldType, literal: Option<&Literal>) -> bool {
    use FieldType::{Bool, Date, DateTime, Money, Number, Percent};
    match literal {
        Some(Literal::Null) => true,
        Some(Literal::Number(_)) => matches!(kind, Number | Money | Percent),
        Some(Literal::Bool(_)) => kind == Bool,
        Some(Literal::Date(_)) => kind == Date,
        Some(Literal::Moment(_)) => kind == DateTime,
        Some(Literal::Days(_)) => matches!(kind, Date | DateTime),
        Some(Literal::Text(_)) | None => {
            !matches!(kind, Number | Money | Percent | Bool | Date | DateTime)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_goes_and_comes_back_with_its_record_by_the_mappings_rule() {
        use LeavesScope::{Freeze, Keep, Unlink};
        let table = [
            (LinkState::Active, Keep, Some(false), None),
            (
                LinkState::Active,
                Freeze,
                Some(false),
                Some(Step::Leaves(Away::Frozen)),
            ),
            (
                LinkState::Active,
                Unlink,
                Some(false),
                Some(Step::Leaves(Away::Unlinked)),
            ),
            (LinkState::Active, Freeze, Some(true), None),
            (LinkState::Active, Freeze, None, None),
            (
                LinkState::OutOfScope,
                Freeze,
                Some(true),
                Some(Step::Returns),
            ),
            (LinkState::OutOfScope, Freeze, Some(false), None),
            (
                LinkState::OutOfScope,
                Keep,
                Some(false),
                Some(Step::Returns),
            ),
            (LinkState::OutOfScope, Freeze, None, None),
            (LinkState::Unlinked, Unlink, Some(true), Some(Step::Returns)),
            (LinkState::Unlinked, Unlink, Some(false), None),
            (LinkState::PendingCreate, Unlink, Some(false), None),
        ];
        for (state, leaves, inside, want) in table {
            let found = step(leaves, &state, inside);
            assert_eq!(found, want, "{state:?} {leaves:?} {inside:?}");
        }
    }
}
