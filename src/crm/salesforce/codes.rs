//! Salesforce's error codes as a table (docs/vendor/salesforce.md 1.6 and 4.2), from the special to the general.

use crate::crm::codes::CodeRow;
use crate::crm::error::ErrorClass::{
    self, Auth, Budget, Bug, Record, Systemic, Throttled, Transient, Unknown,
};
use crate::domain::ErrorCategory::{
    self, Auth as AuthProblem, Duplicate, Gone, Internal, Limit, Permission, Picklist, Reference,
    Required, Schema, TooLong, Transient as Passing, Validation,
};

const fn row(
    code: &'static str,
    text: &'static str,
    category: ErrorCategory,
    class: ErrorClass,
    next: &'static str,
) -> CodeRow {
    CodeRow {
        status: &[],
        code,
        text,
        category,
        class,
        next,
    }
}

const RECONNECT: &str = "Connect Salesforce again: the credentials are refused.";
const APP_SETUP: &str =
    "Check consumer key, secret, My Domain address and the flow's settings of the app.";
const OUR_FAULT: &str = "Report it with this run's log: the request was not well formed.";
const WAITS: &str = "Nothing to do: it is tried again later.";
const RIGHTS: &str = "Give the integration user the right, then check the connection.";
const FIELD_RIGHTS: &str = "Check that the field exists and is visible and editable for the integration user, then refresh the schema.";
const CORRECT: &str =
    "Correct the value in the source record; it is tried again when the record changes.";
const ADMIN_RULE: &str =
    "Correct the record, or ask the administrator about the rule in the message.";
const GONE: &str =
    "The record is looked up: merged ones are followed, deleted ones are listed for you.";
const OWNER: &str =
    "Choose an active owner who may see the record, or set a fallback owner in the mapping.";
const PARENT: &str =
    "Check the record that it refers to: it is deleted, hidden or of the wrong type.";
const SMALLER: &str =
    "It is tried again in smaller batches; ask the administrator about heavy triggers if it stays.";
const LOCKED: &str = "Unlock the record (an approval holds it); it is tried again later.";
const DUPLICATE: &str =
    "The record named in the message already has this value: it is matched, or choose in review.";
const LIMITS: &str = "Wait, or ask Salesforce for a higher limit.";

/// The rows. Tests count them against the sheet.
#[rustfmt::skip]
pub(crate) const TABLE: &[CodeRow] = &[
    // Sign-in (1.6).
    row("rate_limit_exceeded", "", Limit, Throttled, WAITS),
    row("invalid_grant", "no client credentials user", AuthProblem, Auth, "Choose the Run-As user in the app's policies."),
    row("invalid_grant", "not supported on this domain", AuthProblem, Auth, "Use the organisation's own My Domain address, not login.salesforce.com."),
    row("invalid_grant", "", AuthProblem, Auth, RECONNECT),
    row("invalid_client_id", "", AuthProblem, Auth, APP_SETUP),
    row("invalid_client", "", AuthProblem, Auth, APP_SETUP),
    row("unsupported_grant_type", "", AuthProblem, Auth, APP_SETUP),
    row("inactive_user", "", AuthProblem, Auth, "Activate the integration user in Salesforce."),
    row("inactive_org", "", AuthProblem, Auth, "The organisation is suspended: ask Salesforce."),
    // Access.
    row("INVALID_SESSION_ID", "", AuthProblem, Auth, RECONNECT),
    row("INVALID_AUTH_HEADER", "", AuthProblem, Auth, OUR_FAULT),
    row("API_DISABLED_FOR_ORG", "", Permission, Auth, "Give the integration user \"API Enabled\", or choose an edition with the API."),
    row("API_CURRENTLY_DISABLED", "", Passing, Transient, WAITS),
    row("CLIENT_NOT_ACCESSIBLE_FOR_USER", "", Permission, Auth, "Allow the integration user to use the app."),
    row("INSUFFICIENT_ACCESS_OR_READONLY", "", Permission, Record, RIGHTS),
    row("INSUFFICIENT_ACCESS", "", Permission, Systemic, RIGHTS),
    row("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "", Permission, Record, PARENT),
    // Automation.
    row("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "UNABLE_TO_LOCK_ROW", Passing, Transient, WAITS),
    row("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "LimitException", Limit, Transient, SMALLER),
    row("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "", Validation, Record, ADMIN_RULE),
    row("CANNOT_EXECUTE_FLOW_TRIGGER", "", Validation, Record, ADMIN_RULE),
    row("APEX_ERROR", "", Passing, Unknown, WAITS),
    row("UNKNOWN_EXCEPTION", "", Passing, Unknown, WAITS),
    // Values.
    row("FIELD_CUSTOM_VALIDATION_EXCEPTION", "", Validation, Record, ADMIN_RULE),
    row("FIELD_FILTER_VALIDATION_EXCEPTION", "", Validation, Record, ADMIN_RULE),
    row("REQUIRED_FIELD_MISSING", "At least 1 record", Internal, Bug, OUR_FAULT),
    row("REQUIRED_FIELD_MISSING", "", Required, Record, "Fill the field in the source record, or give a default in the mapping."),
    row("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "", Picklist, Record, "Add the value to the picklist, or to the mapping's value map."),
    row("STRING_TOO_LONG", "", TooLong, Record, "Shorten the value, or let the mapping cut it."),
    row("INVALID_EMAIL_ADDRESS", "", Validation, Record, CORRECT),
    row("NUMBER_OUTSIDE_VALID_RANGE", "", Validation, Record, CORRECT),
    row("JSON_PARSER_ERROR", "", Internal, Record, OUR_FAULT),
    row("INVALID_TYPE_ON_FIELD_IN_RECORD", "", Validation, Record, CORRECT),
    row("TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", "", Validation, Record, CORRECT),
    row("FIELD_INTEGRITY_EXCEPTION", "", Validation, Record, ADMIN_RULE),
    row("UNAVAILABLE_RECORDTYPE_EXCEPTION", "", Permission, Record, "Assign the record type to the integration user."),
    // Duplicates.
    row("DUPLICATE_VALUE", "<unknown>", Duplicate, Record, "A record that the integration user cannot see has this value: widen its access."),
    row("DUPLICATE_VALUE", "", Duplicate, Record, DUPLICATE),
    row("DUPLICATE_EXTERNAL_ID", "", Duplicate, Record, "Merge the records that share the external id."),
    row("DUPLICATES_DETECTED", "", Duplicate, Record, DUPLICATE),
    CodeRow { status: &[300], code: "", text: "", category: Duplicate, class: Record, next: "Merge the records that share the external id." },
    // Gone, or refers to what is gone.
    row("ENTITY_IS_DELETED", "", Gone, Record, GONE),
    row("NOT_FOUND", "external ID field does not exist", Schema, Systemic, FIELD_RIGHTS),
    row("NOT_FOUND", "", Gone, Record, GONE),
    row("INVALID_CROSS_REFERENCE_KEY", "", Reference, Record, PARENT),
    row("MALFORMED_ID", "", Reference, Record, PARENT),
    row("INVALID_ID_FIELD", "", Internal, Bug, OUR_FAULT),
    row("MISSING_ARGUMENT", "", Internal, Bug, OUR_FAULT),
    row("INACTIVE_OWNER_OR_USER", "", Reference, Record, OWNER),
    row("INVALID_OWNER", "", Reference, Record, OWNER),
    row("TRANSFER_REQUIRES_READ", "", Reference, Record, OWNER),
    row("CANNOT_UPDATE_CONVERTED_LEAD", "", Gone, Record, "The Lead was converted: its Contact is synced instead."),
    row("ENTITY_IS_LOCKED", "", Passing, Record, LOCKED),
    row("DELETE_FAILED", "", Reference, Record, ADMIN_RULE),
    row("DEPENDENCY_EXISTS", "", Reference, Record, ADMIN_RULE),
    row("CIRCULAR_DEPENDENCY", "", Reference, Record, "Break the loop of parents."),
    // Schema and queries.
    row("INVALID_FIELD", "Foreign key external ID", Reference, Record, PARENT),
    row("INVALID_FIELD", "", Schema, Systemic, FIELD_RIGHTS),
    row("INVALID_FIELD_FOR_INSERT_UPDATE", "", Schema, Systemic, FIELD_RIGHTS),
    row("INVALID_TYPE", "", Schema, Systemic, "Check the object's name and that the integration user may see it."),
    row("MALFORMED_QUERY", "", Internal, Systemic, OUR_FAULT),
    row("QUERY_TOO_COMPLICATED", "", Limit, Systemic, "Map fewer formula fields of this object."),
    row("INVALID_QUERY_FILTER_OPERATOR", "", Internal, Systemic, OUR_FAULT),
    row("INVALID_QUERY_LOCATOR", "", Passing, Transient, WAITS),
    row("QUERY_TIMEOUT", "", Passing, Transient, "It is tried again; sync more often or map fewer fields if it stays."),
    row("EXCEEDED_ID_LIMIT", "", Limit, Systemic, OUR_FAULT),
    row("INVALID_REPLICATION_DATE", "", Schema, Systemic, "A full sweep of the object is needed."),
    // Limits.
    row("REQUEST_LIMIT_EXCEEDED", "TotalRequests", Limit, Budget, "The organisation's calls of the last 24 hours are used up: wait, or ask Salesforce for more."),
    row("REQUEST_LIMIT_EXCEEDED", "Concurrent", Limit, Throttled, WAITS),
    row("REQUEST_LIMIT_EXCEEDED", "", Limit, Budget, LIMITS),
    row("REQUEST_RUNNING_TOO_LONG", "", Passing, Unknown, SMALLER),
    row("LIMIT_EXCEEDED", "", Limit, Transient, SMALLER),
    row("TOO_MANY_APEX_REQUESTS", "", Limit, Transient, SMALLER),
    row("STORAGE_LIMIT_EXCEEDED", "", Limit, Record, "Free data storage in Salesforce; updates go on meanwhile."),
    row("EXCEEDED_QUOTA", "", Limit, Throttled, LIMITS),
    row("ExceededQuota", "", Limit, Throttled, LIMITS),
    // Passing trouble.
    row("UNABLE_TO_LOCK_ROW", "", Passing, Transient, WAITS),
    // Nothing says that a write had not been carried out before the server went away.
    row("SERVER_UNAVAILABLE", "", Passing, Unknown, WAITS),
    row("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "", Passing, Transient, "Salesforce is read-only for maintenance: it is tried again later."),
    row("ORG_IN_MAINTENANCE", "", Passing, Transient, "Salesforce is in maintenance: it is tried again later."),
    row("ORG_LOCKED", "", Passing, Transient, "The organisation is locked: it is tried again later."),
    row("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", Passing, Record, WAITS),
    row("PROCESSING_HALTED", "", Passing, Record, WAITS),
    // Set-up.
    row("MIXED_DML_OPERATION", "", Internal, Bug, OUR_FAULT),
    row("INVALID_PERSON_ACCOUNT_OPERATION", "", Validation, Record, "Map person accounts through Account, or leave them out by a filter."),
    row("INVALID_CURRENCY_ISO", "", Validation, Record, "Activate the currency in Salesforce, or map it."),
    row("METHOD_NOT_ALLOWED", "", Internal, Bug, OUR_FAULT),
    row("UNSUPPORTED_API_VERSION", "", Internal, Systemic, "Update Syncline: the API version that it speaks is retired."),
    row("UNSUPPORTED_MEDIA_TYPE", "", Internal, Bug, OUR_FAULT),
    row("FUNCTIONALITY_NOT_ENABLED", "", Permission, Systemic, "The feature is off in this organisation: ask the administrator."),
    row("FeatureNotEnabled", "", Permission, Systemic, "The feature is off in this organisation: ask the administrator."),
    // Without a code.
    CodeRow { status: &[401], code: "", text: "", category: AuthProblem, class: Auth, next: RECONNECT },
    CodeRow { status: &[403], code: "", text: "", category: Permission, class: Systemic, next: RIGHTS },
    CodeRow { status: &[404, 410], code: "", text: "", category: Internal, class: Systemic, next: OUR_FAULT },
    CodeRow { status: &[405, 415], code: "", text: "", category: Internal, class: Bug, next: OUR_FAULT },
    CodeRow { status: &[412], code: "", text: "", category: Passing, class: Record, next: "The record changed meanwhile: it is planned again." },
    CodeRow { status: &[414, 431], code: "", text: "", category: Internal, class: Systemic, next: OUR_FAULT },
    CodeRow { status: &[420], code: "", text: "", category: Passing, class: Unknown, next: WAITS },
    CodeRow { status: &[429], code: "", text: "", category: Limit, class: Throttled, next: WAITS },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::codes::row_of;
    use crate::domain::Side;

    const SHEET: &str = include_str!("../../../docs/vendor/salesforce.md");

    /// The codes in the first column of 4.2's table.
    fn catalogue() -> Vec<&'static str> {
        let section = SHEET.split("### 4.2 Codes").nth(1).unwrap();
        let section = section.split("\n## 5.").next().unwrap();
        section
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| errorCode"))
            .filter_map(|line| line.split('|').nth(1))
            .flat_map(|cell| cell.split(['/', ',']))
            .filter_map(|code| code.split_whitespace().next())
            .filter(|code| {
                code.len() > 3 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            })
            .collect()
    }

    #[test]
    fn every_code_of_the_sheet_has_a_row() {
        let codes = catalogue();
        assert!(
            codes.len() >= 75,
            "only {} codes were read from the sheet",
            codes.len()
        );
        for code in codes {
            assert!(
                TABLE.iter().any(|row| row.code == code),
                "{code} has no row"
            );
        }
    }

    #[test]
    fn only_the_text_tells_the_two_request_limits_apart() {
        let class = |text| row_of(Side::Salesforce, 403, &["REQUEST_LIMIT_EXCEEDED"], text).class;
        assert_eq!(class("TotalRequests Limit exceeded."), Budget);
        assert_eq!(
            class("ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
            Throttled
        );
        assert_eq!(class("ConcurrentPerOrgLongTxn Limit exceeded."), Throttled);
    }

    #[test]
    fn a_lock_inside_a_triggers_text_is_a_lock() {
        let text = "ContactTrigger: execution of BeforeUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain";
        let row = row_of(
            Side::Salesforce,
            400,
            &["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"],
            text,
        );
        assert_eq!(row.class, Transient);
    }

    #[test]
    fn no_row_is_hidden_by_one_before_it() {
        for (place, row) in TABLE.iter().enumerate() {
            let hidden = TABLE[..place].iter().find(|earlier| {
                earlier.status == row.status
                    && earlier.code == row.code
                    && row.text.contains(earlier.text)
            });
            assert!(hidden.is_none(), "{} {:?}", row.code, row.text);
        }
    }
}
