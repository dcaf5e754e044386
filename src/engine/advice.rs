//! The next step for an error, by category: one table.

use crate::domain::{ErrorCategory, Side};

const NEXT: [(ErrorCategory, &str); 14] = [
    (
        ErrorCategory::Auth,
        "sign in again: check the credentials in the config, then `syncline check`",
    ),
    (
        ErrorCategory::Permission,
        "ask an admin to give the integration user the right on that object and field",
    ),
    (
        ErrorCategory::Validation,
        "correct the value in the record, or change the rule that refused it; the edit is picked up by itself",
    ),
    (
        ErrorCategory::Picklist,
        "add the value to the field's value mapping, or to the picklist, then retry",
    ),
    (
        ErrorCategory::Required,
        "fill the field in the source record, or map a default for it",
    ),
    (
        ErrorCategory::TooLong,
        "shorten the value in the source record",
    ),
    (
        ErrorCategory::Duplicate,
        "look at the record that already holds the value; link or merge them by hand",
    ),
    (
        ErrorCategory::Reference,
        "sync the record it refers to first; an owner needs a user with that e-mail there",
    ),
    (
        ErrorCategory::Gone,
        "check whether the record was deleted or hidden from the integration user; `syncline resolve ID --accept` says that it was deleted",
    ),
    (
        ErrorCategory::Limit,
        "wait for the limit to reset, or raise it",
    ),
    (
        ErrorCategory::Transient,
        "nothing: it is tried again by itself",
    ),
    (
        ErrorCategory::Schema,
        "a field or object changed: run `syncline check` and correct the mapping",
    ),
    (
        ErrorCategory::Transform,
        "correct the value in the source record, or change the transform",
    ),
    (
        ErrorCategory::Internal,
        "report it with the log file; the record is left as it is",
    ),
];

/// What to do about an error of that category on that side.
pub(super) fn next_step(category: ErrorCategory, side: Side) -> String {
    let text = NEXT
        .iter()
        .find(|(known, _)| *known == category)
        .map_or("", |(_, text)| text);
    format!("{side}: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_has_a_next_step_of_its_own() {
        let steps = ErrorCategory::ALL.map(|category| next_step(category, Side::HubSpot));
        for (at, step) in steps.iter().enumerate() {
            assert!(step.len() > 12 && step.starts_with("HubSpot: "), "{step}");
            assert!(!steps[..at].contains(step), "{step}");
        }
        let shorten = next_step(ErrorCategory::TooLong, Side::Salesforce);
        assert_eq!(
            shorten,
            "Salesforce: shorten the value in the source record"
        );
    }
}
