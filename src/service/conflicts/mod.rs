//! The conflict queue: one row per record with open conflicts, one per review item (docs/design/console.md 3).

mod candidates;
mod detail;
mod index;
mod rows;

pub(super) use index::{Queue, row_key};

use crate::domain::{Choice, Side};

/// The choice's own words, for messages.
pub(super) fn choice_word(choice: &Choice) -> &'static str {
    match choice {
        Choice::Take(Side::Salesforce) => "salesforce",
        Choice::Take(Side::HubSpot) => "hubspot",
        Choice::Base => "base",
        Choice::Value(_) => "value",
        Choice::Link(_) => "link",
        Choice::Create => "create",
        Choice::Ignore => "ignore",
        Choice::Accept => "accept",
    }
}
