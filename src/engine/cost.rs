//! What a run must cost by the formula of docs/design/sync-semantics.md 21, from what it met. A function of counts.

use crate::crm::WriteKind;
use crate::domain::{PerSide, Side, SideCount};

/// What one run met of one mapping, in the terms of the formula.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostInput {
    /// Full passes: records read.
    pub listed: PerSide<Option<u64>>,
    /// Incremental windows: records read as changed.
    pub changed: PerSide<Option<u64>>,
    /// Records updated or stamped (w_S, w_H).
    pub written: SideCount,
    /// Salesforce records among them that are updated in a call of their own (6.3).
    pub one_by_one: u64,
    /// Records created (K_S, K_H).
    pub created: SideCount,
    /// Records archived because their counterpart was deleted.
    pub deleted: SideCount,
    /// Calls that told deleted and merged records apart: how often the vendor has to be asked, only its client knows.
    pub direct: SideCount,
    /// HubSpot records whose field times were needed (k).
    pub field_times: u64,
    /// HubSpot records whose associations were read.
    pub associations_read: u64,
    /// Associations written.
    pub associations_written: u64,
    /// Calls that read sets, and records for their sets only: how many rows a set has, nobody knows beforehand.
    pub sets_read: SideCount,
    /// Elements of sets added.
    pub joined: SideCount,
    /// Elements of sets taken off.
    pub parted: SideCount,
    /// Calls of sweep slices (5.4): how many of them a run takes is no consequence of what changed.
    pub swept: SideCount,
}

impl CostInput {
    /// Counts associations of one kind that are written.
    pub(super) fn tie(&mut self, kind: &WriteKind, side: Side, count: u64) {
        match kind {
            WriteKind::Join { .. } => *self.joined.get_mut(side) += count,
            WriteKind::Part { .. } => *self.parted.get_mut(side) += count,
            _ => self.associations_written += count,
        }
    }
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

/// Pages that a walk over so many records takes.
pub(super) fn list_pages(side: Side, records: u64) -> u64 {
    records.div_ceil(match side {
        Side::Salesforce => per_call::PAGE_SALESFORCE,
        Side::HubSpot => per_call::PAGE_HUBSPOT_LIST,
    })
}

/// Calls that read records by id.
pub(super) fn read_calls(side: Side, records: u64) -> u64 {
    records.div_ceil(match side {
        Side::Salesforce => per_call::READ_SALESFORCE,
        Side::HubSpot => per_call::READ_HUBSPOT,
    })
}

/// Calls that write or delete records of one kind.
pub(super) fn write_calls(side: Side, records: u64) -> u64 {
    records.div_ceil(match side {
        Side::Salesforce => per_call::WRITE_SALESFORCE,
        Side::HubSpot => per_call::WRITE_HUBSPOT,
    })
}

/// Calls that read the associations of HubSpot records.
pub(super) fn association_read_calls(records: u64) -> u64 {
    records.div_ceil(per_call::ASSOCIATIONS_READ)
}

/// Calls that set, or remove, associations.
pub(super) fn association_write_calls(associations: u64) -> u64 {
    associations.div_ceil(per_call::ASSOCIATIONS_WRITE)
}

/// Calls that add elements of sets, and that take such off: these are looked at directly before.
pub(super) fn set_write_calls(side: Side, joined: u64, parted: u64) -> u64 {
    let (join, part) = match side {
        Side::Salesforce => (per_call::WRITE_SALESFORCE, per_call::WRITE_SALESFORCE),
        Side::HubSpot => (per_call::ASSOCIATIONS_WRITE, per_call::ASSOCIATIONS_READ),
    };
    joined.div_ceil(join) + 2 * parted.div_ceil(part)
}

/// Calls that read the versions of HubSpot records' properties.
pub(super) fn history_calls(records: u64) -> u64 {
    records.div_ceil(per_call::HISTORY_HUBSPOT)
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
        + 2 * read_calls(Side::Salesforce, written.salesforce)
        + write_calls(
            Side::Salesforce,
            written.salesforce.saturating_sub(input.one_by_one),
        )
        + input.one_by_one
        + 2 * write_calls(Side::Salesforce, created.salesforce)
        + read_calls(Side::Salesforce, created.salesforce)
        + write_calls(Side::Salesforce, input.deleted.salesforce)
        + input.direct.salesforce
        + input.sets_read.salesforce
        + set_write_calls(
            Side::Salesforce,
            input.joined.salesforce,
            input.parted.salesforce,
        )
        + input.swept.salesforce;
    let hubspot = pages(input.listed.hubspot, PAGE_HUBSPOT_LIST)
        + pages(input.changed.hubspot, PAGE_HUBSPOT_SEARCH)
        + read_calls(Side::HubSpot, written.hubspot)
        + write_calls(Side::HubSpot, written.hubspot)
        + read_calls(Side::HubSpot, created.hubspot)
        + write_calls(Side::HubSpot, created.hubspot)
        + write_calls(Side::HubSpot, input.deleted.hubspot)
        + input.direct.hubspot
        + history_calls(input.field_times)
        + association_read_calls(input.associations_read)
        + association_write_calls(input.associations_written)
        + input.sets_read.hubspot
        + set_write_calls(Side::HubSpot, input.joined.hubspot, input.parted.hubspot)
        + input.swept.hubspot;
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
        one_by_one: 0,
        created: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        deleted: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        direct: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        field_times: 0,
        associations_read: 0,
        associations_written: 0,
        sets_read: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        joined: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        parted: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
        swept: SideCount {
            salesforce: 0,
            hubspot: 0,
        },
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
