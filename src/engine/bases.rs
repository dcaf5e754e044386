//! How a confirmed write moves a base (docs/design/sync-semantics.md 2.1, 7 Settle).

use super::links::{base_field, base_raw};
use super::oscillation;
use super::references::is_translated;
use crate::domain::{Base, Mapping, Op, PerSide, Side, Written};
use crate::transform;

/// The target's base moves to what was stored, the source's to the value that led there. An undo leaves the source's where it is:
/// it may take back an older run than the last one, and what a later undo has put aside would come again (19.1).
pub(super) fn written(mapping: &Mapping, base: &mut Base, op: &Op, unverified: bool) {
    let wrote = &mut base.sides.get_mut(op.side).wrote_at;
    *wrote = (*wrote).max(op.attempt.sent_at);
    for assignment in op.fields.values() {
        let name = assignment.pair.as_str();
        let Some(pair) = mapping.pairs.iter().find(|pair| pair.name() == name) else {
            continue;
        };
        let left = assignment.left.as_ref().unwrap_or(&assignment.after);
        let undone = assignment.rule == super::undo_plan::RULE;
        let settled = undone.then(|| base_raw(base, name, op.side.other()));
        let settled = settled.flatten();
        let source = settled.as_ref().unwrap_or(&assignment.source);
        let field = base_field(base, name);
        *field.values.get_mut(op.side) = transform::base_value(pair, op.side, left);
        *field.values.get_mut(op.side.other()) =
            transform::base_value(pair, op.side.other(), source);
        *field.unverified.get_mut(op.side) = unverified;
        field.apart = PerSide::default();
        field.held_at = None;
        let (s, h) = match op.side {
            Side::Salesforce => (left, source),
            Side::HubSpot => (source, left),
        };
        field.diverged = !is_translated(pair) && transform::equal(pair, s, h) == Some(false);
        if !undone {
            let written = Written {
                at: op.attempt.sent_at,
                ..Written::new(op.run, op.side, &assignment.after)
            };
            oscillation::note(field, assignment, written);
        }
    }
}
