//! What is concluded of a write whose answer never came: from what is there now, what was sent, what was there before, and
//! who set it since (docs/design/sync-semantics.md 16.4). Pure; looking it up is `recover`'s.

use chrono::{DateTime, TimeDelta, Utc};

use super::fields::same_value;
use crate::domain::{Assignment, Mapping, Observation, Op, Presence, RecordId, Value};

/// How far apart the two clocks may still be once the measured offset is taken off: the Date header has whole seconds.
const SLACK: TimeDelta = TimeDelta::seconds(2);

/// What a look-up says about an open op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was applied.
    Applied,
    /// It was not, and enough time has passed to say so.
    NotApplied,
    /// Something else is there: plan anew.
    Superseded,
    /// Too early to tell.
    Wait,
    /// A person must look.
    Ask(Vec<RecordId>),
}

/// The decision part of 16.4 for an update: what is on the record now against what was sent and what was there before.
pub(super) fn judge_update(matches_after: bool, matches_before: bool, settled: bool) -> Verdict {
    match (matches_after, matches_before, settled) {
        (true, _, _) => Verdict::Applied,
        (false, true, true) => Verdict::NotApplied,
        (false, true, false) => Verdict::Wait,
        (false, false, _) => Verdict::Superseded,
    }
}

/// The decision part of 16.4 for a create: who answers to its key (or was made by us since it was sent).
pub(super) fn judge_create(found: &[RecordId], settled: bool) -> Verdict {
    match (found, settled) {
        ([_], _) => Verdict::Applied,
        ([], true) => Verdict::NotApplied,
        ([], false) => Verdict::Wait,
        (several, _) => Verdict::Ask(several.to_vec()),
    }
}

/// The decision part of 16.4 for a deletion. What does not answer is no evidence that it went through (12.1).
pub(super) fn judge_deletion(found: &[Presence], settled: bool) -> Verdict {
    let live = found.contains(&Presence::Live);
    let silent = found.iter().all(|one| *one == Presence::Inaccessible);
    match (found.contains(&Presence::Deleted) && !live, silent, settled) {
        (true, _, _) => Verdict::Applied,
        (false, _, false) => Verdict::Wait,
        (false, false, true) => Verdict::NotApplied,
        (false, true, true) => Verdict::Superseded,
    }
}

/// One value of an assignment.
pub(super) type Pick = fn(&Assignment) -> &Value;

/// True where the record holds that value of every field of the op.
pub(super) fn holds(mapping: &Mapping, op: &Op, seen: &Observation, pick: Pick) -> bool {
    op.fields.iter().all(|(name, assignment)| {
        same_value(mapping, op.side, name, pick(assignment), seen.value(name))
    })
}

/// True where the record is there and holds neither what was sent nor what was there before: the vendor may have stored what
/// we sent in another form (11), which only who set it tells. Where a field is as it was the write has not been there, and an older
/// one of ours that landed late is not to be taken for it.
pub(super) fn is_third(mapping: &Mapping, op: &Op, seen: &Observation) -> bool {
    let is_as_before = |(name, one): (&String, &Assignment)| {
        let held = |value: &Value| same_value(mapping, op.side, name, value, seen.value(name));
        held(&one.before) && !held(&one.after)
    };
    seen.presence == Presence::Live
        && !holds(mapping, op, seen, |one| &one.after)
        && !op.fields.iter().any(is_as_before)
}

/// True where a moment of the vendor's clock, which is that much ahead of ours, is not before the op was sent.
pub(super) fn is_since(op: &Op, at: DateTime<Utc>, ahead: TimeDelta) -> bool {
    op.attempt
        .sent_at
        .is_some_and(|sent| at >= sent + ahead - SLACK)
}

/// True where the record as a whole was set under our identity since the op was sent.
pub(super) fn is_set_by(
    us: Option<&String>,
    op: &Op,
    seen: &Observation,
    ahead: TimeDelta,
) -> bool {
    us.is_some() && seen.modified_by.as_ref() == us && is_since(op, seen.modstamp, ahead)
}

/// True where each field of the op holds what was sent, or was set by us since.
pub(super) fn is_rewritten(
    mapping: &Mapping,
    op: &Op,
    seen: &Observation,
    set_by_us: impl Fn(&str) -> bool,
) -> bool {
    op.fields.iter().all(|(name, assignment)| {
        same_value(mapping, op.side, name, &assignment.after, seen.value(name)) || set_by_us(name)
    })
}

/// True where the newest version of a property, of that value and that time, tells of the value that was read and is no older
/// than the op. One of another value came after that look.
pub(super) fn tells_of(
    mapping: &Mapping,
    op: &Op,
    (seen, name): (&Observation, &str),
    (value, set): (&Value, DateTime<Utc>),
    ahead: TimeDelta,
) -> bool {
    is_since(op, set, ahead) && same_value(mapping, op.side, name, value, seen.value(name))
}

/// What a match field holds after a create, as a search finds it.
pub(super) fn wanted(op: &Op, field: &str) -> Option<String> {
    let sent = op.fields.get(field)?.after.as_text()?;
    Some(sent.to_lowercase())
}

/// True where a record that no key tells may be a create's: it holds the same match value and was made since that was sent, both
/// by the side's clock, for ours may be wrong.
pub(super) fn may_be_its(op: &Op, seen: &Observation, field: &str) -> bool {
    let held = seen.value(field).as_text().map(str::to_lowercase);
    let sent = op.attempt.side_at.or(op.attempt.sent_at);
    let made_since = match (seen.created_at, sent) {
        (Some(made), Some(sent)) => made >= sent - SLACK,
        _ => false,
    };
    held.is_some() && held == wanted(op, field) && made_since
}

#[cfg(test)]
#[path = "recover_rules_tests.rs"]
mod tests;
