//! Transforms: one file each with its view and put, the table that names them all, and the lens of a field pair
//! (docs/design/sync-semantics.md 4). Pure.

mod default;
mod error;
mod extract_domain;
mod lowercase;
mod pair;
mod phone_e164;
mod spec;
mod trim;
mod values;

use crate::domain::{TransformSpec, Value};

pub use error::{SpecError, TransformError};
pub use pair::{PairLens, base_value, equal, means, merge_field, merge_tuple, put, view};
pub use spec::{NAMES, OptionInfo, TransformInfo, parse_spec};

/// What a transform may look at besides the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The record's own country, an ISO 3166 region: goes before the transform's own for phone numbers.
    pub country: Option<&'a str>,
}

/// Runs one transform from Salesforce to HubSpot. A blank stays blank, except under `default`.
pub fn apply(
    spec: &TransformSpec,
    value: &Value,
    context: Context<'_>,
) -> Result<Value, TransformError> {
    if let TransformSpec::Default { value: default } = spec {
        return match value {
            Value::Unknown => Err(TransformError::Unknown),
            known => Ok(default::view(known, default)),
        };
    }
    let text = match value {
        Value::Unknown => return Err(TransformError::Unknown),
        blank if blank.is_blank() => return Ok(Value::Null),
        Value::Null => return Ok(Value::Null),
        Value::Text(text) => text,
    };
    let out = match spec {
        TransformSpec::Lowercase => lowercase::view(text),
        TransformSpec::Trim => trim::view(text),
        TransformSpec::PhoneE164 {
            country,
            keep_extension,
        } => phone_e164::view(text, context.country.unwrap_or(country), *keep_extension)?,
        TransformSpec::ExtractDomain { registrable } => extract_domain::view(text, *registrable)?,
        TransformSpec::Values { table, otherwise } => values::view(text, table, otherwise)?,
        TransformSpec::Default { value } => value.clone(),
    };
    Ok(Value::text(out))
}

/// Runs one transform from HubSpot to Salesforce: the inverse of a value mapping; the normalisers normalise this way too, and
/// `default` fills nothing.
pub fn apply_back(
    spec: &TransformSpec,
    value: &Value,
    context: Context<'_>,
) -> Result<Value, TransformError> {
    match (spec, value) {
        (_, Value::Unknown) => Err(TransformError::Unknown),
        (_, blank) if blank.is_blank() => Ok(Value::Null),
        (TransformSpec::Default { .. }, known) => Ok(known.clone()),
        (TransformSpec::Values { table, otherwise }, Value::Text(text)) => {
            Ok(Value::text(values::put(text, table, otherwise)?))
        }
        (normaliser, known) => apply(normaliser, known, context),
    }
}

#[cfg(test)]
mod tests;
