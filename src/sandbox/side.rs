//! The two sides of the sandbox.

/// One of the two vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The Salesforce org.
    Salesforce,
    /// The HubSpot portal.
    HubSpot,
}

impl Side {
    /// `salesforce` or `hubspot`.
    pub fn name(self) -> &'static str {
        match self {
            Side::Salesforce => "salesforce",
            Side::HubSpot => "hubspot",
        }
    }
}
