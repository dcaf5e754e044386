//! `default`: a value for HubSpot where Salesforce is blank. On the way back nothing is filled: a blank stays, and the
//! default itself leaves a blank Salesforce field blank.

use crate::domain::Value;

/// The value, or the default where it is blank.
pub(super) fn view(value: &Value, default: &str) -> Value {
    if value.is_blank() {
        Value::text(default)
    } else {
        value.clone()
    }
}
