//! The key fields of a link: each side holds the id of its counterpart (docs/design/sync-semantics.md 10.3).

use super::convert_keys::may_land;
use super::links;
use super::outcome::blank_item;
use super::work::{LinkPlan, View, Work};
use crate::domain::{Assignment, Conflict, ItemId, ItemKind, Side, Value};

/// The key field of one side: written where it does not hold the counterpart's id yet (10.3). One that holds another
/// id is never overwritten.
pub(super) fn plan_stamp(view: &View<'_>, work: &Work, side: Side, plan: &mut LinkPlan) {
    let keyed = view.known.keyed.contains(&(view.mapping.id.clone(), side));
    let (true, false, Some(counterpart)) = (
        keyed,
        *work.link.stamped.get(side),
        work.link.ids.get(side.other()),
    ) else {
        return;
    };
    if is_awaited(view, work, side, plan) {
        return;
    }
    let Some(seen) = work.seen.get(side) else {
        // A record that was refused is not read again just for its stamp: that goes with its next write.
        *plan.needs.get_mut(side) |= work.errors.is_empty();
        return;
    };
    let field = view.mapping.key_field(side);
    let before = seen.value(field).clone();
    match before.as_text() {
        Some(text) if text.eq_ignore_ascii_case(counterpart.as_str()) => {
            *plan.stamped.get_mut(side) = true
        }
        Some(other) if !was_its(work, side, other) => {
            plan.conflicts.push(stolen_stamp(view, work, side, other))
        }
        None if before == Value::Unknown => {}
        _ => {
            let assignment = Assignment {
                before,
                after: Value::Text(counterpart.0.clone()),
                rule: "key".to_owned(),
                ..Assignment::default()
            };
            plan.writes
                .get_mut(side)
                .insert(field.to_owned(), assignment);
        }
    }
}

/// True while a create that was given up may still land on the record, by the key that it has from a record that the counterpart
/// was before: under another one it would be made a second time (16.5).
fn is_awaited(view: &View<'_>, work: &Work, side: Side, plan: &LinkPlan) -> bool {
    let former = work.link.former.get(side.other());
    if former.is_empty() {
        return false;
    }
    let ghosts = view.ghosts.values().flatten();
    let mut ghosts = ghosts.filter(|op| op.side == side && may_land(op));
    ghosts.any(|op| {
        let lands = op.upsert_key().is_some_and(|key| former.contains(key));
        lands && !plan.landed.contains(&op.id)
    })
}

/// True where a key field names a record that the counterpart was before: merged into it, or deleted and made anew.
fn was_its(work: &Work, side: Side, holds: &str) -> bool {
    let former = work.link.former.get(side.other());
    former
        .iter()
        .any(|id| id.as_str().eq_ignore_ascii_case(holds))
}

fn stolen_stamp(view: &View<'_>, work: &Work, side: Side, holds: &str) -> Conflict {
    let field = view.mapping.key_field(side);
    Conflict {
        id: ItemId::derive(&[
            b"stamp",
            &work.link.id.0.to_be_bytes(),
            side.word().as_bytes(),
        ]),
        kind: ItemKind::AlreadyLinked,
        field: String::new(),
        why: format!(
            "{field} of the {side} record holds {holds}, but the record is linked to another one; a copied record does this."
        ),
        rule: "ask".to_owned(),
        candidates: vec![crate::domain::Candidate {
            record: links::record_key(view.mapping, side.other(), &holds.into()),
            label: String::new(),
            why: format!("named by {field}"),
        }],
        ..blank_item(view, work)
    }
}
