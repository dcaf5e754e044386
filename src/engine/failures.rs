//! Error items: how a refusal becomes one row that waits, backs off and is taken away when it is over
//! (docs/design/sync-semantics.md 17).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::advice::next_step;
use super::context::Settings;
use crate::crm::{CrmError, ErrorClass};
use crate::domain::{
    Assignment, ErrorCategory, ErrorItem, ItemId, LinkId, Mapping, Op, OpKind, PerSide, RecordId,
    RecordKey, RunId, Side, Value, VendorError, digest128,
};

/// What is known of a failure.
pub(super) struct ErrorFacts<'a> {
    pub(super) mapping: &'a Mapping,
    /// The record that could not be synced.
    pub(super) record: RecordKey,
    /// The side that refused.
    pub(super) side: Side,
    pub(super) link: Option<LinkId>,
    pub(super) label: String,
    /// The pair's name, or empty.
    pub(super) field: String,
    pub(super) value: Value,
    pub(super) category: ErrorCategory,
    pub(super) message: String,
    pub(super) vendor: Option<VendorError>,
    pub(super) run: RunId,
    pub(super) now: DateTime<Utc>,
}

/// The item's id: one per mapping, record and field.
pub(super) fn error_id(mapping: &Mapping, record: &RecordKey, field: &str) -> ItemId {
    ItemId::derive(&[
        b"error",
        mapping.id.as_str().as_bytes(),
        record.side.word().as_bytes(),
        record.object.as_bytes(),
        record.id.as_str().as_bytes(),
        field.as_bytes(),
    ])
}

/// The longest wait between two tries.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

/// The item for a failure; one that was there before keeps its first sight and counts one try more.
pub(super) fn error_item(
    facts: &ErrorFacts<'_>,
    known: &[ErrorItem],
    settings: &Settings,
) -> ErrorItem {
    let id = error_id(facts.mapping, &facts.record, &facts.field);
    let before = known.iter().find(|item| item.id == id);
    let tries = before.map_or(0, |item| item.tries) + 1;
    let unit = facts.mapping.schedule_seconds.unwrap_or(900).max(60);
    let wait = TimeDelta::seconds(i64::try_from(unit).unwrap_or(900)) * (1 << (tries - 1).min(16));
    let retry_at = (tries < settings.quarantine_after).then(|| facts.now + wait.min(LONGEST_WAIT));
    ErrorItem {
        id,
        mapping: facts.mapping.id.clone(),
        side: facts.side,
        object: facts.mapping.object(facts.side).to_owned(),
        record: facts.record.clone(),
        link: facts.link,
        label: facts.label.clone(),
        field: facts.field.clone(),
        value: facts.value.clone(),
        category: facts.category,
        message: facts.message.clone(),
        vendor: facts.vendor.clone(),
        next: next_step(facts.category, facts.side),
        tries,
        first_seen: before.map_or(facts.now, |item| item.first_seen),
        last_seen: facts.now,
        retry_at,
        sent: before.is_some_and(|item| item.sent),
        digest: String::new(),
        seen: PerSide::default(),
        run: facts.run,
    }
}

/// A digest of one raw value.
pub(super) fn value_digest(value: &Value) -> String {
    format!(
        "{:032x}",
        digest128(&[value.as_text().unwrap_or_default().as_bytes()])
    )
}

/// The error of a pair that stands as it is: not due, and no side that was looked at has another value than when it failed.
pub(super) fn standing<'a>(
    errors: &'a [ErrorItem],
    pair: &str,
    now_there: &PerSide<Option<Value>>,
    now: DateTime<Utc>,
) -> Option<&'a ErrorItem> {
    errors.iter().find(|item| {
        let same = |side: Side| {
            now_there
                .get(side)
                .as_ref()
                .is_none_or(|value| *item.seen.get(side) == value_digest(value))
        };
        item.field == pair
            && item.retry_at.is_none_or(|due| due > now)
            && Side::BOTH.iter().all(|side| same(*side))
    })
}

/// A digest of what an op would send: a refused op with the same digest is not sent again before its time.
pub(super) fn op_digest(op: &Op) -> String {
    digest(op.side, op.kind, &op.fields)
}

fn digest(side: Side, kind: OpKind, fields: &BTreeMap<String, Assignment>) -> String {
    let mut parts: Vec<Vec<u8>> = vec![side.word().into(), kind.word().into()];
    for (name, assignment) in fields {
        parts.push(name.clone().into_bytes());
        parts.push(
            assignment
                .after
                .as_text()
                .map_or_else(|| vec![0], |text| text.as_bytes().to_vec()),
        );
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    format!("{:032x}", digest128(&parts))
}

/// The earlier refusal of the very same write, where it still waits for its time, an edit or a person.
pub(super) fn still_refused<'a>(
    side: Side,
    kind: OpKind,
    fields: &BTreeMap<String, Assignment>,
    errors: &'a [ErrorItem],
    now: DateTime<Utc>,
) -> Option<&'a ErrorItem> {
    if fields.is_empty() || errors.is_empty() {
        return None;
    }
    let digest = digest(side, kind, fields);
    errors
        .iter()
        .find(|item| item.digest == digest && item.retry_at.is_none_or(|due| due > now))
}

/// What an op's refusal reads like: the vendor's words, or those of the call that failed.
pub(super) struct Failure {
    pub(super) category: ErrorCategory,
    pub(super) message: String,
    pub(super) vendor: Option<VendorError>,
}

impl Failure {
    /// The record that the vendor names as the one that is the same.
    pub(super) fn holder(&self) -> Option<&RecordId> {
        self.vendor.as_ref()?.holder.as_ref()
    }
}

/// A record refused by the vendor.
pub(super) fn refused(object: &str, vendor: VendorError) -> Failure {
    let fields = if vendor.fields.is_empty() {
        String::new()
    } else {
        format!(" ({})", vendor.fields.join(", "))
    };
    let message = format!("{object} refused{fields}: {}", vendor.text);
    Failure {
        category: vendor.category,
        message,
        vendor: Some(vendor),
    }
}

/// A call that definitely did nothing.
pub(super) fn not_applied(error: &CrmError) -> Failure {
    let category = match error.class {
        ErrorClass::Throttled | ErrorClass::Budget => ErrorCategory::Limit,
        ErrorClass::Transient | ErrorClass::Unknown => ErrorCategory::Transient,
        ErrorClass::Auth => ErrorCategory::Auth,
        ErrorClass::Record => ErrorCategory::Validation,
        ErrorClass::Systemic => ErrorCategory::Schema,
        ErrorClass::Bug => ErrorCategory::Internal,
    };
    let category = error
        .vendor
        .as_ref()
        .map_or(category, |vendor| vendor.category);
    Failure {
        category,
        message: error.message.clone(),
        vendor: error.vendor.clone(),
    }
}

/// True for failures of a call that concern everything, not one record: the run cannot go on with that side.
pub(super) fn stops_the_run(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Auth | ErrorClass::Budget | ErrorClass::Systemic
    )
}
