//! HubSpot's refusals as a table (docs/vendor/hubspot.md 10, 5.14 and 2.9), from the special to the general.

use crate::crm::codes::CodeRow;
use crate::crm::error::ErrorClass::{
    self, Auth, Budget, Bug, Record, Systemic, Throttled, Transient, Unknown,
};
use crate::domain::ErrorCategory::{
    self, Auth as AuthProblem, Duplicate, Gone, Internal, Limit, Permission, Picklist, Reference,
    Required, Schema, Transform, Transient as Passing, Validation,
};

const fn row(
    status: &'static [u16],
    code: &'static str,
    text: &'static str,
    category: ErrorCategory,
    class: ErrorClass,
    next: &'static str,
) -> CodeRow {
    CodeRow {
        status,
        code,
        text,
        category,
        class,
        next,
    }
}

const RECONNECT: &str = "Connect HubSpot again: the token is refused.";
const APP_SETUP: &str = "Check the app's client id, secret and redirect address.";
const SCOPES: &str =
    "Grant the token the scopes that the message names, then check the connection.";
const TIER: &str =
    "The portal's subscription or the user's rights do not include this: ask the administrator.";
const OUR_FAULT: &str = "Report it with this run's log: the request was not well formed.";
const WAITS: &str = "Nothing to do: it is tried again later.";
const CORRECT: &str =
    "Correct the value in the source record; it is tried again when the record changes.";
const ADD_OPTION: &str = "Add the option to the property, or to the mapping's value map.";
const FILL: &str = "Fill the property in the source record, or give a default in the mapping.";
const REFRESH: &str =
    "The property is gone or renamed: refresh the schema and correct the mapping.";
const GONE: &str =
    "The record is looked up: merged ones are followed, archived ones are listed for you.";
const DUPLICATE: &str =
    "The record named in the message already has this value: it is matched, or choose in review.";
const FORMAT: &str = "The mapping's transform gave a value of the wrong form: correct the mapping.";
const PARENT: &str = "The other record is not there yet: it is tried again after it was synced.";

/// The rows. Tests check one sample of every line of the sheet's catalogue.
#[rustfmt::skip]
pub(crate) const TABLE: &[CodeRow] = &[
    // Sign-in (2.9): #3 to #5.
    row(&[], "BAD_REFRESH_TOKEN", "", AuthProblem, Auth, RECONNECT),
    row(&[], "BAD_AUTH_CODE", "", AuthProblem, Auth, RECONNECT),
    row(&[], "EXPIRED_AUTH_CODE", "", AuthProblem, Auth, RECONNECT),
    row(&[], "BAD_HUB", "", AuthProblem, Auth, "The portal is gone or the app was uninstalled: connect again."),
    row(&[], "BAD_CLIENT_ID", "", AuthProblem, Auth, APP_SETUP),
    row(&[], "BAD_CLIENT_SECRET", "", AuthProblem, Auth, APP_SETUP),
    row(&[], "BAD_REDIRECT_URI", "", AuthProblem, Auth, APP_SETUP),
    row(&[], "BAD_GRANT_TYPE", "", AuthProblem, Auth, APP_SETUP),
    row(&[], "invalid_grant", "", AuthProblem, Auth, RECONNECT),
    row(&[], "invalid_client", "", AuthProblem, Auth, APP_SETUP),
    row(&[], "access_denied", "", AuthProblem, Auth, RECONNECT),
    // Access: #1, #2, #6, #7.
    row(&[], "INVALID_AUTHENTICATION", "", AuthProblem, Auth, RECONNECT),
    row(&[], "EXPIRED_AUTHENTICATION", "", AuthProblem, Auth, RECONNECT),
    row(&[], "MISSING_SCOPES", "", Permission, Systemic, SCOPES),
    // Limits: #36 to #38.
    row(&[429], "DAILY", "", Limit, Budget, "The portal's calls of the day are used up: wait for midnight in the portal's time zone."),
    row(&[429], "", "daily limit", Limit, Budget, "The portal's calls of the day are used up: wait for midnight in the portal's time zone."),
    row(&[429], "TEN_SECONDLY_ROLLING", "", Limit, Throttled, WAITS),
    row(&[429], "SECONDLY", "", Limit, Throttled, WAITS),
    row(&[], "RATE_LIMIT", "", Limit, Throttled, WAITS),
    row(&[], "RATE_LIMITS", "", Limit, Throttled, WAITS),
    // Property values (5.14): #13 to #22.
    row(&[], "PROPERTY_DOESNT_EXIST", "", Schema, Systemic, REFRESH),
    row(&[], "INVALID_OPTION", "pipeline stage", Picklist, Record, "Add the stage to the mapping's value map."),
    row(&[], "INVALID_OPTION", "", Picklist, Record, ADD_OPTION),
    row(&[], "INVALID_EMAIL", "", Validation, Record, CORRECT),
    row(&[], "READ_ONLY_VALUE", "", Schema, Systemic, "HubSpot computes this property: map it from HubSpot only."),
    row(&[], "INVALID_LONG", "", Transform, Record, FORMAT),
    row(&[], "INVALID_INTEGER", "", Transform, Record, FORMAT),
    row(&[], "INVALID_DATE", "", Transform, Record, FORMAT),
    row(&[], "INVALID_ALPHA", "", Validation, Record, "The portal's own rule refused the value: correct the record or the rule."),
    row(&[], "INVALID_OWNER_ID", "", Reference, Record, "Choose an active owner, or set a fallback owner in the mapping."),
    row(&[], "MISSING_REQUIRED_PROPERTY", "", Required, Record, FILL),
    row(&[], "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "", Required, Record, FILL),
    // Duplicates: #23 to #26.
    row(&[], "", "already has that value", Duplicate, Record, DUPLICATE),
    row(&[], "", "Contact already exist", Duplicate, Record, DUPLICATE),
    row(&[], "CONTACT_EXISTS", "", Duplicate, Record, DUPLICATE),
    row(&[], "UNIQUE_VALUE_CONFLICT", "", Duplicate, Record, DUPLICATE),
    row(&[], "OBJECT_ALREADY_EXISTS", "", Duplicate, Record, "It is there already: it is read and compared."),
    row(&[], "CONFLICT", "", Passing, Transient, WAITS),
    // Identity: #8, #9, #12.
    row(&[], "OBJECT_NOT_FOUND", "usually numeric", Internal, Record, "The stored id is no HubSpot id: report it with this run's log."),
    row(&[], "OBJECT_NOT_FOUND", "", Gone, Record, GONE),
    row(&[404], "", "resource not found", Gone, Record, GONE),
    row(&[], "", "Invalid input JSON", Internal, Bug, OUR_FAULT),
    // Associations: #27 to #29.
    row(&[], "", "One or more associations are invalid", Reference, Record, PARENT),
    row(&[], "INVALID_OBJECT_IDS", "", Reference, Record, PARENT),
    row(&[], "crm.associations.INVALID_IDENTIFIER", "", Reference, Record, PARENT),
    row(&[], "", "invalid from object type", Internal, Systemic, OUR_FAULT),
    row(&[], "", "association limit", Limit, Record, "The portal limits these associations: raise the limit or remove one."),
    row(&[], "", "Edit Associations", Permission, Systemic, SCOPES),
    // The caller's faults: #30 to #32.
    row(&[], "", "non-unique", Internal, Systemic, "The key property must have unique values: make one with `syncline setup`."),
    row(&[], "", "Duplicate IDs found", Internal, Bug, OUR_FAULT),
    row(&[], "", "batch input", Internal, Bug, OUR_FAULT),
    row(&[], "", "Unable to infer object type", Schema, Systemic, "Check the object's name in the mapping."),
    row(&[], "", "do not have permissions", Permission, Systemic, SCOPES),
    // Statuses without a telling code: #7, #10, #11, #34, #35, #39 to #43.
    row(&[401], "", "", AuthProblem, Auth, RECONNECT),
    row(&[403], "", "", Permission, Systemic, TIER),
    row(&[404], "", "", Internal, Systemic, OUR_FAULT),
    row(&[405, 415], "", "", Internal, Bug, OUR_FAULT),
    row(&[409], "", "", Passing, Transient, WAITS),
    row(&[414], "", "identities", Limit, Record, "A record holds at most 250 identities: stop merging into it."),
    row(&[414], "", "", Internal, Systemic, OUR_FAULT),
    row(&[423], "", "", Passing, Transient, WAITS),
    row(&[429], "", "", Limit, Throttled, WAITS),
    row(&[477], "", "", Passing, Transient, "HubSpot is moving the portal to another data centre: wait."),
    row(&[503], "", "", Passing, Transient, WAITS),
    row(&[500, 502, 504], "", "", Passing, Unknown, WAITS),
    row(&[521, 522, 523, 524, 525, 526], "", "", Passing, Unknown, WAITS),
    // What is left of VALIDATION_ERROR (#20, #32): the record's own trouble.
    row(&[], "VALIDATION_ERROR", "", Validation, Record, CORRECT),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::codes::find;
    use crate::domain::ErrorCategory as C;

    const SHEET: &str = include_str!("../../../docs/vendor/hubspot.md");

    /// Line of the catalogue, status, codes, text, and what must come out.
    type Sample = (
        u8,
        u16,
        &'static [&'static str],
        &'static str,
        C,
        ErrorClass,
    );

    #[rustfmt::skip]
    const SAMPLES: &[Sample] = &[
        (1, 401, &["INVALID_AUTHENTICATION"], "Authentication credentials not found", C::Auth, Auth),
        (2, 401, &["EXPIRED_AUTHENTICATION"], "The OAuth token used to make this call expired 0 second(s) ago.", C::Auth, Auth),
        (3, 400, &["BAD_REFRESH_TOKEN", "invalid_grant"], "refresh token is invalid, expired or revoked", C::Auth, Auth),
        (4, 400, &["BAD_HUB", "access_denied"], "missing or unknown hub id", C::Auth, Auth),
        (5, 400, &["BAD_CLIENT_SECRET"], "", C::Auth, Auth),
        (6, 403, &["MISSING_SCOPES"], "This app hasn't been granted all required scopes", C::Permission, Systemic),
        (7, 403, &[], "not available", C::Permission, Systemic),
        (8, 404, &[], "resource not found", C::Gone, Record),
        (9, 404, &["OBJECT_NOT_FOUND"], "Object not found.  objectId are usually numeric.", C::Internal, Record),
        (10, 404, &[], "", C::Internal, Systemic),
        (11, 405, &[], "", C::Internal, Bug),
        (12, 400, &["VALIDATION_ERROR"], "Invalid input JSON on line 1, column 2: x", C::Internal, Bug),
        (13, 400, &["PROPERTY_DOESNT_EXIST", "VALIDATION_ERROR"], "Property \"x\" does not exist", C::Schema, Systemic),
        (14, 400, &["INVALID_OPTION", "VALIDATION_ERROR"], "x was not one of the allowed options: [a]", C::Picklist, Record),
        (15, 400, &["INVALID_OPTION"], "x is not a valid pipeline stage ID", C::Picklist, Record),
        (16, 400, &["INVALID_EMAIL"], "Email address x is invalid", C::Validation, Record),
        (17, 400, &["READ_ONLY_VALUE"], "\"x\" is a calculated property", C::Schema, Systemic),
        (18, 400, &["INVALID_LONG"], "x was not a valid long.", C::Transform, Record),
        (19, 400, &["INVALID_DATE"], "", C::Transform, Record),
        (20, 400, &["INVALID_ALPHA"], "", C::Validation, Record),
        (21, 400, &["MISSING_REQUIRED_PROPERTY"], "A value for x must be provided", C::Required, Record),
        (22, 400, &["MISSING_CONDITIONAL_REQUIRED_PROPERTY"], "X is required", C::Required, Record),
        (23, 400, &["VALIDATION_ERROR"], "Cannot set PropertyValueCoordinates{portalId=1} on 2. 3 already has that value.", C::Duplicate, Record),
        (24, 409, &["CONFLICT"], "Contact already exists. Existing ID: 7", C::Duplicate, Record),
        (25, 409, &["OBJECT_ALREADY_EXISTS"], "A property named 'x' already exists.", C::Duplicate, Record),
        (26, 409, &["CONFLICT"], "merge in progress", C::Transient, Transient),
        (27, 400, &["VALIDATION_ERROR"], "One or more associations are invalid", C::Reference, Record),
        (28, 400, &["VALIDATION_ERROR"], "invalid from object type 0-47 for associations to be created. expected: 0-1", C::Internal, Systemic),
        (29, 400, &["VALIDATION_ERROR"], "the association limit is reached", C::Limit, Record),
        (30, 400, &["VALIDATION_ERROR"], "Unable to perform update/upsert by non-unique 0-1 property", C::Internal, Systemic),
        (31, 400, &["VALIDATION_ERROR"], "Duplicate IDs found in batch input: [1]. IDs must be unique", C::Internal, Bug),
        (32, 400, &["VALIDATION_ERROR"], "paging beyond 10000", C::Validation, Record),
        (33, 207, &["VALIDATION_ERROR", "INVALID_EMAIL"], "as above per item", C::Validation, Record),
        (34, 414, &[], "Cannot have more than 250 identities on a profile", C::Limit, Record),
        (35, 423, &[], "locked", C::Transient, Transient),
        (36, 429, &["TEN_SECONDLY_ROLLING", "RATE_LIMIT"], "You have reached your ten_secondly_rolling limit.", C::Limit, Throttled),
        (37, 429, &["SECONDLY", "RATE_LIMIT"], "You have reached your secondly limit.", C::Limit, Throttled),
        (38, 429, &["DAILY", "RATE_LIMIT"], "You have reached your daily limit.", C::Limit, Budget),
        (39, 477, &[], "migration in progress", C::Transient, Transient),
        (40, 500, &["INTERNAL_ERROR"], "internal error", C::Transient, Unknown),
        (41, 502, &[], "<html>", C::Transient, Unknown),
        (42, 503, &[], "temporarily unavailable", C::Transient, Transient),
        (43, 524, &[], "", C::Transient, Unknown),
    ];

    #[test]
    fn every_refusal_of_the_sheets_catalogue_is_known() {
        let section = SHEET.split("## 10. Error catalogue").nth(1).unwrap();
        let section = section.split("\n## 11.").next().unwrap();
        let numbers: Vec<u8> = section
            .lines()
            .filter_map(|line| {
                line.strip_prefix("| ")?
                    .split(" |")
                    .next()?
                    .trim()
                    .parse()
                    .ok()
            })
            // 44 and 45 are answers of 200: what is stored and which id answered is compared by the reader.
            .filter(|number| *number < 44)
            .collect();
        assert_eq!(numbers.len(), 43, "the sheet's catalogue was not read");
        for number in numbers {
            assert!(
                SAMPLES.iter().any(|sample| sample.0 == number),
                "#{number} has no sample"
            );
        }
    }

    #[test]
    fn every_sample_lands_in_its_category_and_class() {
        for (number, status, codes, text, category, class) in SAMPLES {
            let row =
                find(TABLE, *status, codes, text).unwrap_or_else(|| panic!("#{number} has no row"));
            assert_eq!(
                (row.category, row.class),
                (*category, *class),
                "#{number} {codes:?} {text}"
            );
        }
    }

    #[test]
    fn every_code_of_the_property_section_has_a_row() {
        for code in [
            "PROPERTY_DOESNT_EXIST",
            "INVALID_OPTION",
            "INVALID_EMAIL",
            "READ_ONLY_VALUE",
            "INVALID_LONG",
            "INVALID_INTEGER",
            "INVALID_DATE",
            "INVALID_ALPHA",
            "INVALID_OWNER_ID",
        ] {
            assert!(
                SHEET.contains(code) && TABLE.iter().any(|row| row.code == code),
                "{code}"
            );
        }
    }

    #[test]
    fn no_row_is_hidden_by_one_before_it() {
        for (place, row) in TABLE.iter().enumerate() {
            let hidden = TABLE[..place].iter().find(|earlier| {
                (earlier.status.is_empty() || earlier.status == row.status)
                    && (earlier.code == row.code || earlier.code.is_empty())
                    && row.text.contains(earlier.text)
            });
            assert!(
                hidden.is_none(),
                "{:?} {} {:?}",
                row.status,
                row.code,
                row.text
            );
        }
    }
}
