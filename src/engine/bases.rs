//! How a confirmed write moves a base (docs/design/sync-semantics.md 2.1, 7 Settle).

use super::fields::same_value;
use super::hindsight;
use super::links::base_field;
use super::oscillation;
use super::references::is_translated;
use super::sets;
use crate::domain::{
    Base, FieldPair, Mapping, Observation, Op, PerSide, Side, Written, element_of,
};
use crate::transform;

/// The target's base moves to what was stored, the source's to the value that led there. Where both sides are written, the
/// target's stays at what it held, and is no guide to what it holds: one write without the other leaves a change to carry over. An undo leaves the source's where it is:
/// it may take back an older run than the last one, and what a later undo has put aside would come again (19.1). So does what
/// goes over a late landing where the sides were settled apart (16.5).
pub(super) fn written(mapping: &Mapping, base: &mut Base, op: &Op, unverified: bool) {
    // The last to be sent, whatever our clock said then: it may have been set back since the one before.
    let wrote = &mut base.sides.get_mut(op.side).wrote_at;
    *wrote = op.attempt.sent_at.or(*wrote);
    for (field, assignment) in &op.fields {
        let name = assignment.pair.as_str();
        if let (Some(set), Some((_, id))) = (mapping.set(name), element_of(field)) {
            sets::written(base, set, op.side, id, assignment);
            continue;
        }
        let Some(pair) = mapping.pairs.iter().find(|pair| pair.name() == name) else {
            continue;
        };
        let left = assignment.left.as_ref().unwrap_or(&assignment.after);
        let undone = assignment.rule == super::undo_plan::RULE;
        let put_back = undone || assignment.rule == hindsight::RULE;
        let other = op.side.other();
        let kept = base.value(name, other).filter(|_| put_back).cloned();
        let source = kept.or_else(|| transform::base_value(pair, other, &assignment.source));
        let reached = match assignment.both {
            true => &assignment.before,
            false => left,
        };
        let field = base_field(base, name);
        *field.values.get_mut(op.side) = transform::base_value(pair, op.side, reached);
        *field.values.get_mut(other) = source.clone();
        *field.unverified.get_mut(op.side) = unverified && !assignment.both;
        match assignment.both {
            true => *field.apart.get_mut(op.side) = true,
            false => field.apart = PerSide::default(),
        }
        field.held_at = None;
        let differ = match is_translated(pair) {
            true => put_back && field.diverged,
            false => source
                .is_some_and(|base| transform::means(pair, op.side, left, &base) == Some(false)),
        };
        field.diverged = differ && !assignment.both;
        if !undone {
            // Of two writes by one decision nothing is an echo until both are done: the first must count as a change.
            let written = Written {
                at: op.attempt.sent_at.filter(|_| !assignment.both),
                ..Written::new(op.run, op.side, &assignment.after)
            };
            oscillation::note(field, assignment, written);
        }
    }
}

/// The base of a record that a create found there, or may have made: where it holds what was sent both sides were settled then, so
/// an edit since is one. Of the rest nothing is assumed (10.1, 16.4).
pub(super) fn adopted(mapping: &Mapping, op: &Op, found: &Observation) -> Base {
    let mut base = Base::default();
    for (name, sent) in &op.fields {
        let pair = mapping.pairs.iter().find(|pair| pair.name() == sent.pair);
        let now = found.value(name);
        let Some(pair) = pair.filter(|_| now.is_known()) else {
            continue;
        };
        if same_value(mapping, op.side, name, now, &sent.after) {
            let field = base_field(&mut base, pair.name());
            let (to, from) = (op.side, op.side.other());
            *field.values.get_mut(to) = transform::base_value(pair, to, now);
            *field.values.get_mut(from) = transform::base_value(pair, from, &sent.source);
        }
    }
    base
}

/// Notes the stamp that a write's answer told.
pub(super) fn stamped(base: &mut Base, stored: Option<&Observation>) {
    if let Some(stored) = stored {
        let written = &mut base.sides.get_mut(stored.side).written;
        *written = (*written).max(Some(stored.modstamp));
    }
}

/// A pair of which both sides were written has come to rest.
pub(super) fn both_written(base: &mut Base, pair: &FieldPair, seen: &PerSide<Option<Observation>>) {
    let field = base_field(base, pair.name());
    for side in Side::BOTH {
        if let Some(seen) = seen.get(side) {
            let now = seen.value(pair.field(side));
            *field.values.get_mut(side) = transform::base_value(pair, side, now);
            *field.unverified.get_mut(side) = side == Side::Salesforce;
        }
    }
    field.apart = PerSide::default();
    if let (Some(s), Some(h)) = (&seen.salesforce, &seen.hubspot) {
        // A person may have gone back to two bases that an undo had left apart.
        let (s, h) = (
            s.value(pair.field(Side::Salesforce)),
            h.value(pair.field(Side::HubSpot)),
        );
        field.diverged = !is_translated(pair) && transform::equal(pair, s, h) == Some(false);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::engine::testkit::{mapping, update};

    #[test]
    fn the_last_write_to_a_record_is_the_one_sent_last_whatever_our_clock_said() {
        let mut base = Base::default();
        for seconds in [9_000, 6_000] {
            let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
            written(&mapping(Vec::new()), &mut base, &update(at), false);
            assert_eq!(base.sides.salesforce.wrote_at, Some(at));
        }
    }
}
