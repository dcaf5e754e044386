//! `values`: a value mapping from Salesforce's values to HubSpot's. Many to one is allowed: on the way back a Salesforce value
//! that means the same stays, else the first one listed is written.

use super::TransformError;
use crate::domain::canon::{clip, fold, text};
use crate::domain::{OtherwiseRule, Side};

/// HubSpot's value for a Salesforce value, which compares without case (docs/design/sync-semantics.md 3).
pub(super) fn view(
    value: &str,
    table: &[(String, String)],
    otherwise: &OtherwiseRule,
) -> Result<String, TransformError> {
    let clean = text(value);
    // An exact hit goes before one that differs by case only.
    let listed = table
        .iter()
        .find(|(from, _)| text(from) == clean)
        .or_else(|| {
            let key = fold(&clean);
            table.iter().find(|(from, _)| fold(&text(from)) == key)
        });
    match (listed, otherwise) {
        (Some((_, to)), _) => Ok(to.clone()),
        (None, OtherwiseRule::Pass) => Ok(clean),
        (None, OtherwiseRule::Value(other)) => Ok(other.clone()),
        (None, OtherwiseRule::Ignore) => Err(TransformError::LeftAlone(clip(&clean))),
        (None, OtherwiseRule::Error) => Err(TransformError::Unlisted {
            value: clip(&clean),
            side: Side::Salesforce,
        }),
    }
}

/// The first Salesforce value listed for a HubSpot value, which compares with case.
pub(super) fn put(
    value: &str,
    table: &[(String, String)],
    otherwise: &OtherwiseRule,
) -> Result<String, TransformError> {
    let clean = text(value);
    let listed = table.iter().find(|(_, to)| text(to) == clean);
    match (listed, otherwise) {
        (Some((from, _)), _) => Ok(from.clone()),
        (None, OtherwiseRule::Pass) => Ok(clean),
        (None, OtherwiseRule::Ignore) => Err(TransformError::LeftAlone(clip(&clean))),
        // The stand-in is a HubSpot value: it has no Salesforce value of its own.
        (None, OtherwiseRule::Error | OtherwiseRule::Value(_)) => Err(TransformError::Unlisted {
            value: clip(&clean),
            side: Side::HubSpot,
        }),
    }
}
