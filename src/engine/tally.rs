//! The counts of one mapping in one run, kept so that they add up (docs/design/product.md, A run): every record read is
//! counted once, a link has the first of error, conflict, held, updated, unchanged.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Counters, LinkId, PerSide, RecordId, Side};

/// What became of a link in a run; later ones win over earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Nothing was needed.
    Unchanged,
    /// Written on at least one side.
    Updated,
    /// Left for a later run by a confirm that did not cover it.
    Held,
    /// A conflict or review item is open for it.
    Conflict,
    /// An error is open for it.
    Error,
}

/// What became of a record without a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unlinked {
    /// No rule allows a create, or there is nothing to do for it.
    Excluded,
    /// A person must decide.
    Review,
    /// It could not be created.
    Error,
}

/// Counts of one mapping.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    read: PerSide<u64>,
    links: BTreeMap<LinkId, Fate>,
    unlinked: BTreeMap<(Side, RecordId), Unlinked>,
    created_links: BTreeSet<LinkId>,
    created: PerSide<u64>,
    updated: PerSide<BTreeSet<LinkId>>,
    archived: PerSide<u64>,
    /// Ops that were not sent because their target moved.
    pub(super) skipped: u64,
}

impl Tally {
    /// Records of that side were read.
    pub(super) fn read(&mut self, side: Side, count: u64) {
        *self.read.get_mut(side) += count;
    }

    /// A link had this fate.
    pub(super) fn link(&mut self, link: LinkId, fate: Fate) {
        if self.created_links.contains(&link) {
            return;
        }
        let entry = self.links.entry(link).or_insert(fate);
        *entry = (*entry).max(fate);
    }

    /// True where the link is among the run's.
    pub(super) fn has(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// The fate of a link, if it is among the run's.
    pub(super) fn raise(&mut self, link: LinkId, fate: Fate) {
        if self.has(link) {
            self.link(link, fate);
        }
    }

    /// An unlinked record had this fate.
    pub(super) fn unlinked(&mut self, side: Side, record: &RecordId, fate: Unlinked) {
        let entry = self.unlinked.entry((side, record.clone())).or_insert(fate);
        *entry = (*entry).max(fate);
    }

    /// A record whose link stands for nothing counts as one without a link.
    pub(super) fn alone(&mut self, link: LinkId, side: Side, record: &RecordId, fate: Unlinked) {
        self.links.remove(&link);
        self.unlinked(side, record, fate);
    }

    /// A record that was counted as one without a link has one after all.
    pub(super) fn linked_after_all(&mut self, side: Side, record: &RecordId) {
        self.unlinked.remove(&(side, record.clone()));
    }

    /// A record was created on `side` from `source` of the other side.
    pub(super) fn created(&mut self, side: Side, source: &RecordId, link: LinkId) {
        self.unlinked.remove(&(side.other(), source.clone()));
        if self.created_links.insert(link) {
            *self.created.get_mut(side) += 1;
        }
    }

    /// True where the run made a record of the link.
    pub(super) fn has_created(&self, link: LinkId) -> bool {
        self.created_links.contains(&link)
    }

    /// A record of a link was written on `side`, key fields apart.
    pub(super) fn updated(&mut self, side: Side, link: LinkId) {
        if self.created_links.contains(&link) {
            return;
        }
        self.updated.get_mut(side).insert(link);
        self.link(link, Fate::Updated);
    }

    /// A record was taken away on `side`.
    pub(super) fn archived(&mut self, side: Side) {
        *self.archived.get_mut(side) += 1;
    }

    /// The counts so far.
    pub(super) fn counters(&self) -> Counters {
        let with = |fate: Fate| self.links.values().filter(|found| **found == fate).count() as u64;
        let without = |fate: Unlinked| {
            self.unlinked
                .values()
                .filter(|found| **found == fate)
                .count() as u64
        };
        let unlinked_errors = without(Unlinked::Error);
        Counters {
            read: self.read,
            linked: self.links.len() as u64,
            created: self.created,
            updated: PerSide::from_fn(|side| self.updated.get(side).len() as u64),
            archived: self.archived,
            updated_links: with(Fate::Updated),
            unchanged: with(Fate::Unchanged),
            conflicts: with(Fate::Conflict),
            review: without(Unlinked::Review),
            errors: with(Fate::Error) + unlinked_errors,
            unlinked_errors,
            held: with(Fate::Held),
            excluded: without(Unlinked::Excluded),
            ..Counters::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_is_counted_once_under_its_weightiest_fate() {
        let mut tally = Tally::default();
        tally.link(LinkId(1), Fate::Conflict);
        tally.updated(Side::HubSpot, LinkId(1));
        tally.updated(Side::Salesforce, LinkId(2));
        tally.updated(Side::HubSpot, LinkId(2));
        tally.link(LinkId(3), Fate::Unchanged);
        let counts = tally.counters();
        assert_eq!(
            (
                counts.linked,
                counts.updated_links,
                counts.conflicts,
                counts.unchanged
            ),
            (3, 1, 1, 1)
        );
        assert_eq!(
            counts.updated,
            PerSide {
                salesforce: 1,
                hubspot: 2
            }
        );
        let sum = counts.updated_links
            + counts.unchanged
            + counts.conflicts
            + counts.held
            + counts.errors
            - counts.unlinked_errors;
        assert_eq!(counts.linked, sum);
    }

    #[test]
    fn a_record_that_was_created_from_is_no_longer_unlinked() {
        let mut tally = Tally::default();
        let source = RecordId::from("003");
        tally.unlinked(Side::Salesforce, &source, Unlinked::Excluded);
        tally.created(Side::HubSpot, &source, LinkId(9));
        tally.updated(Side::Salesforce, LinkId(9));
        let counts = tally.counters();
        assert_eq!(
            (
                counts.excluded,
                counts.created.hubspot,
                counts.linked,
                counts.updated_links
            ),
            (0, 1, 0, 0)
        );
    }
}
