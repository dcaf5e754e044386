//! The error tables' shape and look-up: a vendor's code and text in, our category, class and next step out. The rows are
//! in `salesforce/codes.rs` and `hubspot/codes.rs`.

use super::{ErrorClass, hubspot, salesforce};
use crate::domain::{ErrorCategory, Side, VendorError};

/// What a refusal of the vendor means to us.
#[derive(Clone, Copy, Debug)]
pub struct CodeRow {
    /// HTTP statuses it goes with; empty: any.
    pub status: &'static [u16],
    /// The vendor's code, category or policy; empty: any.
    pub code: &'static str,
    /// Words that its text holds, where the code alone does not tell; empty: any.
    pub text: &'static str,
    /// Our category.
    pub category: ErrorCategory,
    /// How it is handled. `Unknown` means: a write with this answer may have been applied; a read may be sent again.
    pub class: ErrorClass,
    /// What a person does about it.
    pub next: &'static str,
}

impl CodeRow {
    /// True where the row describes the refusal. An item's has no status: it goes with any, unless nothing but the status
    /// tells what a row is about.
    fn fits(&self, status: u16, codes: &[&str], text: &str) -> bool {
        let by_status = self.code.is_empty() && self.text.is_empty();
        (self.status.is_empty() || status == 0 && !by_status || self.status.contains(&status))
            && (self.code.is_empty() || codes.contains(&self.code))
            && (self.text.is_empty() || text.contains(self.text))
    }
}

/// The first row that describes the refusal; the tables go from the special to the general.
pub(crate) fn find(
    table: &'static [CodeRow],
    status: u16,
    codes: &[&str],
    text: &str,
) -> Option<&'static CodeRow> {
    table.iter().find(|row| row.fits(status, codes, text))
}

/// The row of a refusal. Every refusal has one: what no row names is the vendor's 4xx to be looked at by a person, or its
/// passing trouble (4.2 and 10 of the sheets, last lines).
pub(crate) fn row_of(side: Side, status: u16, codes: &[&str], text: &str) -> &'static CodeRow {
    let table = match side {
        Side::Salesforce => salesforce::codes::TABLE,
        Side::HubSpot => hubspot::codes::TABLE,
    };
    find(table, status, codes, text).unwrap_or(if status >= 500 {
        &OTHER_5XX
    } else {
        &OTHER_4XX
    })
}

const OTHER_4XX: CodeRow = CodeRow {
    status: &[],
    code: "",
    text: "",
    category: ErrorCategory::Validation,
    class: ErrorClass::Record,
    next: "Read the vendor's words, correct the record, then retry it.",
};

const OTHER_5XX: CodeRow = CodeRow {
    status: &[],
    code: "",
    text: "",
    category: ErrorCategory::Transient,
    class: ErrorClass::Unknown,
    next: "Nothing to do: it is tried again later.",
};

/// The class of one item's refusal, such as those of `WriteResult::Refused`.
pub fn class_of(side: Side, error: &VendorError) -> ErrorClass {
    row_of(side, error.status, &[&error.code], &error.text).class
}

/// What a person does about a refusal, in a sentence.
pub fn next_step(side: Side, error: &VendorError) -> &'static str {
    row_of(side, error.status, &[&error.code], &error.text).next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_refusal_without_a_status_is_told_by_its_own_code() {
        for (side, table) in [
            (Side::Salesforce, salesforce::codes::TABLE),
            (Side::HubSpot, hubspot::codes::TABLE),
        ] {
            for row in table.iter().filter(|row| !row.code.is_empty()) {
                let found = row_of(side, 0, &[row.code], row.text);
                assert_eq!(found.code, row.code, "{side} {:?}", row.text);
            }
        }
    }

    #[test]
    fn what_no_row_names_goes_to_a_person_or_waits() {
        for side in Side::BOTH {
            let new_4xx = row_of(side, 418, &["BRAND_NEW"], "");
            assert_eq!(new_4xx.class, ErrorClass::Record);
            let new_5xx = row_of(side, 599, &["BRAND_NEW"], "");
            assert_eq!(new_5xx.class, ErrorClass::Unknown);
        }
    }
}
