//! Errors of single fields: when they stand, when they are over, and what a field waits for
//! (docs/design/sync-semantics.md 14.4, 17).

use super::blocked::Blocked;
use super::failures::{ErrorFacts, error_item, value_digest};
use super::fields::is_property;
use super::links;
use super::parts::{assumed, open_conflict};
use super::references::Token;
use super::work::{LinkPlan, View, Work};
use crate::domain::{
    BaseField, ErrorCategory, ErrorItem, FieldPair, Mapping, PairKind, PerSide, RecordKey, RunId,
    Side, Value,
};

/// True where a vendor refused a write and somebody has edited something else of that record since: its rules may let it
/// through now, so it is tried before its time. What was refused in this run is not tried again in it: what was edited went with it.
pub(super) fn freed(mapping: &Mapping, run: RunId, work: &Work, error: &ErrorItem) -> bool {
    let side = error.side;
    let Some(seen) = work
        .seen
        .get(side)
        .as_ref()
        .filter(|_| error.vendor.is_some() && error.run != run)
    else {
        return false;
    };
    mapping.pairs.iter().any(|pair| {
        let waits = open_conflict(work, pair).is_some()
            || work.errors.iter().any(|item| item.field == pair.name());
        let name = pair.field(side);
        let now = seen.value(name);
        !waits
            && is_property(pair, side)
            && now.is_known()
            && assumed(work, pair, side)
                .is_some_and(|base| !super::fields::same_value(mapping, side, name, &base, now))
    })
}

pub(super) fn blocked(pair: &FieldPair, parent: RecordKey) -> Blocked {
    Blocked {
        pair: pair.name().to_owned(),
        parent,
    }
}

/// True where the error told of a wait for a parent, and none is missing any more.
pub(super) fn is_awaited(
    view: &View<'_>,
    pair: &FieldPair,
    there: &PerSide<Option<Value>>,
    error: &ErrorItem,
) -> bool {
    let about_parent = matches!(pair.kind, PairKind::Reference { .. })
        && error.category == ErrorCategory::Reference
        && error.vendor.is_none();
    about_parent
        && Side::BOTH
            .into_iter()
            .all(|side| waits_for_parent(view, pair, there, side).is_none())
}

/// The parent without a link that a side's value names, if it does.
pub(super) fn waits_for_parent(
    view: &View<'_>,
    pair: &FieldPair,
    there: &PerSide<Option<Value>>,
    side: Side,
) -> Option<RecordKey> {
    let raw = there.get(side).as_ref()?;
    let known = matches!(pair.kind, PairKind::Reference { .. });
    match view.parents.token(view.engine, view.known, pair, side, raw) {
        Token::Unlinked(parent) if known => Some(parent),
        _ => None,
    }
}

/// Unmapped owners are an error of the field, once, and never a blank; a pair that did not change is left in peace.
pub(super) fn no_owner(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    side: Side,
    id: &str,
    base: Option<&BaseField>,
    plan: &mut LinkPlan,
) {
    let settled = base.is_some_and(|base| {
        matches!(base.values.get(side), Some(crate::domain::BaseValue::Raw(text)) if text == id)
    });
    if settled {
        return;
    }
    let message = format!(
        "{} {id} of {side} is not among the users that can be told by e-mail",
        pair.field(side)
    );
    plan.errors.push(field_error(
        view,
        work,
        pair,
        side,
        Value::text(id),
        ErrorCategory::Reference,
        message,
    ));
}

pub(super) fn field_error(
    view: &View<'_>,
    work: &Work,
    pair: &FieldPair,
    side: Side,
    value: Value,
    category: ErrorCategory,
    message: String,
) -> ErrorItem {
    let mut item = error_item(
        &ErrorFacts {
            mapping: view.mapping,
            record: links::of_link(view.mapping, &work.link, side),
            side,
            link: Some(work.link.id),
            label: work.label(),
            field: pair.name().to_owned(),
            value,
            category,
            message,
            vendor: None,
            run: view.run,
            now: view.now,
        },
        work.errors.as_slice(),
        &view.engine.rules.settings,
    );
    item.seen = pair_digests(work, pair);
    item
}

/// Digests of a pair's raw values, as far as they were read.
pub(super) fn pair_digests(work: &Work, pair: &FieldPair) -> PerSide<String> {
    PerSide::from_fn(|side| {
        let seen = work
            .seen
            .get(side)
            .as_ref()
            .map(|seen| seen.value(pair.field(side)));
        seen.filter(|value| value.is_known())
            .map(value_digest)
            .unwrap_or_default()
    })
}
