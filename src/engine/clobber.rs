//! Values that a write of ours went over without anybody having seen them (docs/design/sync-semantics.md 6.5): HubSpot writes
//! whatever stands there, so an edit between the look before a write and the write is told by the property's versions alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::context::EngineError;
use super::fields::same_value;
use super::outcome::blank_item;
use super::references::Parents;
use super::run_ctx::RunCtx;
use super::settle::Progressed;
use super::work::{View, Work};
use crate::crm::FieldVersion;
use crate::domain::{
    Assignment, Conflict, Direction, ItemId, ItemState, Mapping, Op, OpKind, RecordId, Side, Value,
};

/// The rule that such an item names.
const RULE: &str = "overwritten_race";

/// Longest time between look and write that is left to luck, in seconds.
const PATIENCE: i64 = 2;

/// True where the versions of what an update wrote are worth a call: the mapping says so, or the look before it was old.
pub(super) fn is_doubtful(mapping: &Mapping, work: &Work, op: &Op) -> bool {
    if op.side != Side::HubSpot || op.kind != OpKind::Update || prone(mapping, op).next().is_none()
    {
        return false;
    }
    let (read, sent) = (work.fresh.hubspot, op.attempt.sent_at);
    let long = TimeDelta::seconds(PATIENCE);
    let late = read
        .zip(sent)
        .is_some_and(|(read, sent)| sent - read > long);
    mapping.detect_clobber || late
}

/// The fields of an op that somebody else may write to: those of a one-way pair are ours.
fn prone<'o>(
    mapping: &'o Mapping,
    op: &'o Op,
) -> impl Iterator<Item = (&'o String, &'o Assignment)> {
    op.fields.iter().filter(|(_, assignment)| {
        let of = |pair: &&crate::domain::FieldPair| pair.name() == assignment.pair;
        let pair = mapping.pairs.iter().find(of);
        pair.is_some_and(|pair| pair.direction == Direction::Both)
    })
}

/// What the confirmed writes of a chunk went over, by the place of the work. A look that fails costs no more than the knowledge.
pub(super) async fn lost(
    ctx: &mut RunCtx<'_>,
    mapping: &Mapping,
    works: &[Work],
    done: &[Progressed],
) -> Result<BTreeMap<usize, Vec<Conflict>>, EngineError> {
    let mut found = BTreeMap::new();
    let doubtful: Vec<(usize, &Op)> = done
        .iter()
        .enumerate()
        .filter_map(|(index, progress)| Some((index, progress.doubtful.as_deref()?)))
        .collect();
    let ids: Vec<RecordId> = doubtful
        .iter()
        .filter_map(|(_, op)| op.target.clone())
        .collect();
    if ids.is_empty() {
        return Ok(found);
    }
    let names = doubtful.iter().flat_map(|(_, op)| prone(mapping, op));
    let names: BTreeSet<&String> = names.map(|(name, _)| name).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    let engine = ctx.engine;
    ctx.cost(&mapping.id).field_times += ids.len() as u64;
    let object = mapping.object(Side::HubSpot);
    let versions = match engine.crm.hubspot.field_times(object, &ids, &names).await {
        Ok(versions) => versions,
        Err(error) => {
            tracing::warn!(mapping = %mapping.id, error = %error, "the versions of what was written could not be read");
            return Ok(found);
        }
    };
    let parents = Parents::default();
    let view = View {
        engine,
        mapping,
        known: &ctx.known,
        ghosts: &ctx.ghosts,
        parents: &parents,
        now: engine.clock.now(),
        run: ctx.run,
    };
    for (index, op) in doubtful {
        let (Some(work), Some(of_record)) = (
            works.get(index),
            op.target.as_ref().and_then(|id| versions.get(id)),
        ) else {
            continue;
        };
        for (name, assignment) in prone(mapping, op) {
            let all = of_record.get(name).map(Vec::as_slice).unwrap_or_default();
            if let Some(version) = gone_over(&view, work, name, assignment, all) {
                let items: &mut Vec<Conflict> = found.entry(index).or_default();
                items.push(item(&view, work, assignment, version));
            }
        }
    }
    Ok(found)
}

/// The version before ours, where it is somebody else's and was made after the look that the write was planned from.
fn gone_over<'v>(
    view: &View<'_>,
    work: &Work,
    name: &str,
    assignment: &Assignment,
    all: &'v [FieldVersion],
) -> Option<&'v FieldVersion> {
    let side = Side::HubSpot;
    let same = |one: &Value, other: &Value| same_value(view.mapping, side, name, one, other);
    let ours = |one: &FieldVersion| one.ours && same(&one.value, &assignment.after);
    let before = all.get(all.iter().position(ours)? + 1)?;
    let offset = view.engine.side(side).health().clock_offset_ms;
    let read = work.fresh.hubspot? + TimeDelta::milliseconds(offset);
    // A Date header has whole seconds, so our notion of the moment of the look may be off by one.
    let unseen =
        before.at > read - TimeDelta::seconds(1) && !same(&before.value, &assignment.before);
    (unseen && !before.ours).then_some(before)
}

fn item(view: &View<'_>, work: &Work, assignment: &Assignment, version: &FieldVersion) -> Conflict {
    let mut item = blank_item(view, work);
    item.id = ItemId::derive(&[
        b"lost",
        &work.link.id.0.to_be_bytes(),
        assignment.pair.as_bytes(),
        &view.run.0.to_be_bytes(),
    ]);
    item.field.clone_from(&assignment.pair);
    item.sides.salesforce.value = assignment.source.clone();
    item.sides.hubspot.value = version.value.clone();
    item.sides.hubspot.modified_at = Some(version.at);
    item.sides.hubspot.modified_by.clone_from(&version.by);
    item.suggest = Some(Side::Salesforce);
    item.rule = RULE.to_owned();
    item.why = "HubSpot's value was set between our look and our write, which went over it; it is kept here.".to_owned();
    item.state = ItemState::Resolved;
    item.automatic = true;
    item
}
