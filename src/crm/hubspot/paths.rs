//! HubSpot's paths at the one pinned version (docs/vendor/hubspot.md 1.6), and names that may stand in them.

/// The one API version that is spoken.
pub const API_VERSION: &str = "2026-09";

/// An object or property name that cannot be put into a path or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a HubSpot name: letters, digits, underscores and hyphens are expected; correct the mapping"
)]
pub struct BadName(pub String);

/// Checks an object or property name.
///
/// # Errors
/// [`BadName`] where it could change a path's meaning.
pub fn name(text: &str) -> Result<&str, BadName> {
    let good = !text.is_empty()
        && text.len() <= 255
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if good {
        Ok(text)
    } else {
        Err(BadName(crate::crm::excerpt(text)))
    }
}

/// `/crm/objects/{version}/{object}{tail}`.
pub(crate) fn objects(object: &str, tail: &str) -> String {
    format!("/crm/objects/{API_VERSION}/{object}{tail}")
}

/// `/crm/associations/{version}/{from}/{to}{tail}`.
pub(crate) fn associations(from: &str, to: &str, tail: &str) -> String {
    format!("/crm/associations/{API_VERSION}/{from}/{to}{tail}")
}

/// `/crm/properties/{version}/{object}{tail}`.
pub(crate) fn properties(object: &str, tail: &str) -> String {
    format!("/crm/properties/{API_VERSION}/{object}{tail}")
}

/// `/crm/owners/{version}`.
pub(crate) fn owners(query: &str) -> String {
    format!("/crm/owners/{API_VERSION}{query}")
}

/// `/account-info/{version}{tail}`.
pub(crate) fn account(tail: &str) -> String {
    format!("/account-info/{API_VERSION}{tail}")
}

/// `/oauth/{version}/token`.
pub(crate) fn token() -> String {
    format!("/oauth/{API_VERSION}/token")
}

/// True for contacts under any of their names (1.9).
pub(crate) fn is_contacts(object: &str) -> bool {
    matches!(object, "contacts" | "contact" | "0-1")
}

/// True for companies under any of their names.
pub(crate) fn is_companies(object: &str) -> bool {
    matches!(object, "companies" | "company" | "0-2")
}

/// True for deals under any of their names.
pub(crate) fn is_deals(object: &str) -> bool {
    matches!(object, "deals" | "deal" | "0-3")
}

/// The property that holds the moment of the last change (3.25).
pub(crate) fn modified_property(object: &str) -> &'static str {
    if is_contacts(object) {
        "lastmodifieddate"
    } else {
        "hs_lastmodifieddate"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_carry_the_one_version() {
        assert_eq!(
            objects("contacts", "/batch/read"),
            "/crm/objects/2026-09/contacts/batch/read"
        );
        assert_eq!(
            associations("contacts", "companies", ""),
            "/crm/associations/2026-09/contacts/companies"
        );
    }

    #[test]
    fn names_that_would_leave_the_path_are_refused() {
        for good in ["contacts", "0-1", "p123_car", "hs_object_id"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "..", "a?b", "a b", "é", "a#b"] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn contacts_have_a_modified_property_of_their_own() {
        assert_eq!(modified_property("0-1"), "lastmodifieddate");
        assert_eq!(modified_property("companies"), "hs_lastmodifieddate");
    }
}
