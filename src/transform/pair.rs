//! The lens of a field pair: its comparison domain, and what is written to the other side (docs/design/sync-semantics.md 4).

use super::{Context, TransformError, apply, apply_back};
use crate::domain::canon::{CANON_VERSION, Canon, CanonOptions, canon, clip, text};
use crate::domain::merge::{self, FieldOutcome, Lens, MergeInput, Refusal, TupleOutcome};
use crate::domain::{BaseValue, FieldPair, FieldType, PairKind, Side, TransformSpec, Value};

/// A value of one side in the pair's comparison domain. What a transform refuses is compared as text; only a value that is not
/// known has no view.
pub fn view(pair: &FieldPair, side: Side, raw: &Value) -> Result<Canon, TransformError> {
    if !raw.is_known() {
        return Err(TransformError::Unknown);
    }
    Ok(match compared(pair, side, raw) {
        Ok(value) => settle(pair, &value),
        Err(_) => Canon::Unparsed(text(raw.as_text().unwrap_or_default())),
    })
}

/// True where both sides hold the same in the comparison domain; `None` where one is not known.
pub fn equal(pair: &FieldPair, s: &Value, h: &Value) -> Option<bool> {
    let s = view(pair, Side::Salesforce, s).ok()?;
    let h = view(pair, Side::HubSpot, h).ok()?;
    Some(s == h)
}

/// The raw value to write to `target`. What the target holds is kept to the byte where it already means the same; a pair with
/// a transform writes the normalised form, one without the winner's own text. Blank is `Value::Null`.
pub fn put(
    pair: &FieldPair,
    target: Side,
    source_raw: &Value,
    old_target_raw: &Value,
) -> Result<Value, TransformError> {
    if !source_raw.is_known() {
        return Err(TransformError::Unknown);
    }
    let source = target.other();
    let compared = compared(pair, source, source_raw)?;
    let wanted = settle(pair, &compared);
    if old_target_raw.is_known() && view(pair, target, old_target_raw)? == wanted {
        return Ok(old_target_raw.clone());
    }
    let PairKind::Value { transforms } = &pair.kind else {
        return Ok(compared);
    };
    if transforms.is_empty() {
        return Ok(plain(target, source_raw, &wanted));
    }
    if target == Side::HubSpot {
        return Ok(compared);
    }
    let mut back = compared;
    for spec in transforms.iter().rev() {
        back = apply_back(spec, &back, Context::default())?;
    }
    if back == Value::Null && pair.types.salesforce == FieldType::Bool {
        back = Value::text("false");
    }
    let reads = view(pair, Side::Salesforce, &back)?;
    // Blank under `default` reads back as the default by design.
    if reads != wanted && !wanted.is_null() {
        return Err(TransformError::NoWayBack {
            value: clip(&wanted.render()),
            side: target,
            written: clip(back.as_text().unwrap_or_default()),
            back: clip(&reads.render()),
        });
    }
    Ok(back)
}

/// The raw value in a form that lives in the comparison domain: Salesforce's through the chain, HubSpot's through the
/// normalisers that follow the last value mapping.
fn compared(pair: &FieldPair, side: Side, raw: &Value) -> Result<Value, TransformError> {
    match &pair.kind {
        PairKind::Constant { target, value } if side != *target => Ok(Value::text(value.clone())),
        PairKind::Value { transforms } => {
            let skipped = match side {
                Side::Salesforce => 0,
                Side::HubSpot => transforms
                    .iter()
                    .rposition(|spec| matches!(spec, TransformSpec::Values { .. }))
                    .map_or(0, |at| at + 1),
            };
            let mut value = raw.clone();
            for spec in &transforms[skipped..] {
                if side == Side::HubSpot && matches!(spec, TransformSpec::Default { .. }) {
                    continue;
                }
                value = apply(spec, &value, Context::default())?;
            }
            Ok(if value.is_blank() { Value::Null } else { value })
        }
        _ if raw.is_blank() => Ok(Value::Null),
        _ => Ok(raw.clone()),
    }
}

/// The canonical form of a compared value.
fn settle(pair: &FieldPair, value: &Value) -> Canon {
    let transforms = match &pair.kind {
        PairKind::Value { transforms } => transforms.as_slice(),
        PairKind::Constant { .. } => &[],
        PairKind::Reference { .. } | PairKind::Owner => {
            return canon(FieldType::Reference, &CanonOptions::default(), value);
        }
    };
    // The last transform that makes a type of its own names the domain.
    let typed = transforms.iter().rev().find(|spec| {
        matches!(
            spec,
            TransformSpec::PhoneE164 { .. }
                | TransformSpec::ExtractDomain { .. }
                | TransformSpec::Values { .. }
        )
    });
    let clean = || text(value.as_text().unwrap_or_default());
    match typed {
        Some(_) if value.is_blank() => settle_blank(pair),
        Some(TransformSpec::PhoneE164 { .. }) => Canon::Phone(clean()),
        Some(TransformSpec::ExtractDomain { .. }) => Canon::Domain(clean()),
        Some(_) => Canon::Enum(clean()),
        None => canon(kind(pair), &options(pair), value),
    }
}

fn settle_blank(pair: &FieldPair) -> Canon {
    canon(kind(pair), &options(pair), &Value::Null)
}

/// The type that both sides are compared as: the more telling of the two.
fn kind(pair: &FieldPair) -> FieldType {
    use FieldType::{Money, MultiPicklist, Number, Percent, Picklist, Text};
    let numeric = |kind| matches!(kind, Number | Money | Percent);
    match (pair.types.salesforce, pair.types.hubspot) {
        (s, h) if s == h => s,
        (s, h) if numeric(s) && numeric(h) => Number,
        (MultiPicklist, Picklist | Text) | (Picklist | Text, MultiPicklist) => MultiPicklist,
        (Text, typed) | (typed, Text) if is_typed(typed) => typed,
        // A picklist beside text is text, and so are a date and a moment: no zone tells whose day it was.
        _ => Text,
    }
}

/// True for types whose forms are worth comparing against a text field of the other side.
fn is_typed(kind: FieldType) -> bool {
    !matches!(
        kind,
        FieldType::Text
            | FieldType::Picklist
            | FieldType::MultiPicklist
            | FieldType::Reference
            | FieldType::Owner
            | FieldType::Id
            | FieldType::Opaque
    )
}

fn options(pair: &FieldPair) -> CanonOptions {
    let picklist = matches!(
        pair.types.salesforce,
        FieldType::Picklist | FieldType::MultiPicklist
    );
    CanonOptions {
        country: pair.country.clone(),
        // Salesforce does not tell picklist values apart by case, so an untranslated pair cannot either.
        fold_case: pair.fold_case || picklist,
        blank_is_false: pair.types.salesforce == FieldType::Bool,
        scale: None,
        grouping: None,
        // Salesforce stores seconds.
        whole_seconds: true,
    }
}

/// What a pair without transforms writes: the winner's own text, except where the vendors write one type in several ways.
fn plain(target: Side, source: &Value, wanted: &Canon) -> Value {
    match wanted {
        Canon::Null => Value::Null,
        Canon::Bool(_) if source.is_blank() && target == Side::HubSpot => Value::Null,
        Canon::Bool(_) | Canon::Date(_) | Canon::Instant(_) => Value::text(wanted.render()),
        Canon::EnumSet(_) => Value::text(in_order(source)),
        _ => Value::text(source.as_text().unwrap_or_default()),
    }
}

/// A multi-picklist's items in the source's order, each once: a leading `;` would append on HubSpot
/// (docs/vendor/hubspot.md 5.7).
fn in_order(source: &Value) -> String {
    let mut items: Vec<&str> = Vec::new();
    for item in source
        .as_text()
        .unwrap_or_default()
        .split(';')
        .map(str::trim)
    {
        if !item.is_empty() && !items.contains(&item) {
            items.push(item);
        }
    }
    items.join(";")
}

/// The base form of a pair's value on one side; `None` where the value is not known.
pub fn base_value(pair: &FieldPair, side: Side, raw: &Value) -> Option<BaseValue> {
    let canon = view(pair, side, raw).ok()?;
    BaseValue::of(raw, &canon.render(), CANON_VERSION)
}

/// True where a value of one side means what the base of the other side does; `None` where one is not known.
pub fn means(pair: &FieldPair, side: Side, raw: &Value, base: &BaseValue) -> Option<bool> {
    let now = view(pair, side, raw).ok()?;
    let held = match base {
        BaseValue::Null => view(pair, side.other(), &Value::Null),
        BaseValue::Raw(text) => view(pair, side.other(), &Value::text(text.clone())),
        BaseValue::Hashed { .. } => return Some(base.hashes(&now.render(), CANON_VERSION)),
    };
    Some(held.ok()? == now)
}

/// The lens of a pair, for `domain::merge`.
#[derive(Clone, Copy, Debug)]
pub struct PairLens<'a>(pub &'a FieldPair);

impl Lens for PairLens<'_> {
    fn view(&self, side: Side, raw: &Value) -> Canon {
        view(self.0, side, raw).unwrap_or(Canon::Unknown)
    }

    fn put(&self, target: Side, source: &Value, old: &Value) -> Result<Value, Refusal> {
        put(self.0, target, source, old).map_err(Refusal::from)
    }
}

/// Decides what one field pair of one link needs, by the pair's own lens (7, 8).
pub fn merge_field(input: &MergeInput) -> FieldOutcome {
    merge::merge_field(input, &PairLens(input.pair))
}

/// Decides what a group of field pairs needs as one, each by its own lens (7, Field groups).
pub fn merge_tuple(inputs: &[MergeInput]) -> TupleOutcome {
    let lenses: Vec<PairLens<'_>> = inputs.iter().map(|input| PairLens(input.pair)).collect();
    let fields: Vec<(MergeInput<'_>, &dyn Lens)> = inputs
        .iter()
        .zip(&lenses)
        .map(|(input, lens)| (*input, lens as &dyn Lens))
        .collect();
    merge::merge_tuple(&fields)
}
