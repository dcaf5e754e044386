//! The two sides.

use serde::{Deserialize, Serialize};

/// One of the two connected vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The left one.
    Salesforce,
    /// The right one.
    #[serde(rename = "hubspot")]
    HubSpot,
}

impl Side {
    /// Both, left first.
    pub const BOTH: [Side; 2] = [Side::Salesforce, Side::HubSpot];

    /// The opposite side.
    pub fn other(self) -> Side {
        match self {
            Side::Salesforce => Side::HubSpot,
            Side::HubSpot => Side::Salesforce,
        }
    }

    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Side::Salesforce => "Salesforce",
            Side::HubSpot => "HubSpot",
        }
    }

    /// The word for machines: JSON, config, keys.
    pub fn word(self) -> &'static str {
        match self {
            Side::Salesforce => "salesforce",
            Side::HubSpot => "hubspot",
        }
    }

    /// The two letters that go with colour on a screen.
    pub fn letters(self) -> &'static str {
        match self {
            Side::Salesforce => "SF",
            Side::HubSpot => "HS",
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One of something for each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerSide<T> {
    /// Salesforce's.
    pub salesforce: T,
    /// HubSpot's.
    pub hubspot: T,
}

impl<T> PerSide<T> {
    /// Both, computed by side.
    pub fn from_fn(mut make: impl FnMut(Side) -> T) -> Self {
        PerSide {
            salesforce: make(Side::Salesforce),
            hubspot: make(Side::HubSpot),
        }
    }

    /// The named side's.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Salesforce => &self.salesforce,
            Side::HubSpot => &self.hubspot,
        }
    }

    /// The named side's, to change.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Salesforce => &mut self.salesforce,
            Side::HubSpot => &mut self.hubspot,
        }
    }
}
