//! What a run must cost by the formula of docs/design/sync-semantics.md 21, from what it met. A function of counts.

use crate::domain::{PerSide, SideCount};

/// What one run met of one mapping, in the terms of the formula.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostInput {
    /// Full passes: records read.
    pub listed: PerSide<Option<u64>>,
    /// Incremental windows: records read as changed.
    pub changed: PerSide<Option<u64>>,
    /// Records updated or stamped (w_S, w_H).
    pub written: SideCount,
    /// Records created (K_S, K_H).
    pub created: SideCount,
    /// HubSpot records whose field times were needed (k).
    pub field_times: u64,
    /// HubSpot records whose associations were read.
    pub associations_read: u64,
    /// Associations written.
    pub associations_written: u64,
}

/// Records of one kind are cut into calls of this size (docs/design/sync-semantics.md 21; vendor sheets).
mod per_call {
    pub const PAGE_SALESFORCE: u64 = 2000;
    pub const PAGE_HUBSPOT_LIST: u64 = 100;
    pub const PAGE_HUBSPOT_SEARCH: u64 = 200;
    pub const READ_SALESFORCE: u64 = 2000;
    pub const READ_HUBSPOT: u64 = 100;
    pub const WRITE_SALESFORCE: u64 = 200;
    pub const WRITE_HUBSPOT: u64 = 100;
    pub const HISTORY_HUBSPOT: u64 = 50;
    pub const ASSOCIATIONS_READ: u64 = 1000;
    pub const ASSOCIATIONS_WRITE: u64 = 2000;
}

/// Calls of a pull: at least one, for nobody knows beforehand that there is nothing.
fn pages(records: Option<u64>, size: u64) -> u64 {
    records.map_or(0, |count| count.div_ceil(size).max(1))
}

/// Calls by side that the formula gives for one mapping. Identity, schema and sign-in are counted apart.
pub fn expected_calls(input: &CostInput) -> SideCount {
    use per_call::*;
    let watermark = u64::from(input.listed.salesforce.is_some())
        + u64::from(input.changed.salesforce.is_some());
    let (written, created) = (input.written, input.created);
    let salesforce = watermark
        + pages(input.listed.salesforce, PAGE_SALESFORCE)
        + pages(input.changed.salesforce, PAGE_SALESFORCE)
        + written.salesforce.div_ceil(READ_SALESFORCE)
        + written.salesforce.div_ceil(WRITE_SALESFORCE)
        + written.salesforce.div_ceil(READ_SALESFORCE)
        + 2 * created.salesforce.div_ceil(WRITE_SALESFORCE)
        + created.salesforce.div_ceil(READ_SALESFORCE);
    let hubspot = pages(input.listed.hubspot, PAGE_HUBSPOT_LIST)
        + pages(input.changed.hubspot, PAGE_HUBSPOT_SEARCH)
        + written.hubspot.div_ceil(READ_HUBSPOT)
        + written.hubspot.div_ceil(WRITE_HUBSPOT)
        + created.hubspot.div_ceil(READ_HUBSPOT)
        + created.hubspot.div_ceil(WRITE_HUBSPOT)
        + input.field_times.div_ceil(HISTORY_HUBSPOT)
        + input.associations_read.div_ceil(ASSOCIATIONS_READ)
        + input.associations_written.div_ceil(ASSOCIATIONS_WRITE);
    SideCount {
        salesforce,
        hubspot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: CostInput = CostInput {
        listed: PerSide {
            salesforce: None,
            hubspot: None,
        },
        changed: PerSide {
            salesforce: Some(0),
            hubspot: Some(0),
        },
        written: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        created: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        field_times: 0,
        associations_read: 0,
        associations_written: 0,
    };

    #[test]
    fn an_idle_run_of_one_mapping_is_two_calls_and_one() {
        assert_eq!(
            expected_calls(&IDLE),
            SideCount {
                salesforce: 2,
                hubspot: 1
            }
        );
    }

    #[test]
    fn the_worked_example_of_the_document_is_23_calls() {
        let input = CostInput {
            changed: PerSide {
                salesforce: Some(1000),
                hubspot: Some(0),
            },
            written: SideCount {
                salesforce: 0,
                hubspot: 1000,
            },
            ..IDLE
        };
        let calls = expected_calls(&input);
        assert_eq!(calls.salesforce + calls.hubspot, 23);
    }
}
