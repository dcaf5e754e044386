//! Associations between records: type ids, both directions, the primary rule (`docs/vendor/hubspot.md` 6).

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::Kind;

/// What ties two objects in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The unlabelled type.
    pub plain: u32,
    /// The primary type, where there is one.
    pub primary: Option<u32>,
}

/// From a company to the one above it; a company has one such at most.
const PARENT: u32 = 14;
/// From a company to one below it.
const CHILD: u32 = 13;

/// from, to, unlabelled there, unlabelled back, primary there, primary back (0: none).
const TYPES: &[(&str, &str, u32, u32, u32, u32)] = &[
    ("contacts", "companies", 279, 280, 1, 2),
    ("deals", "contacts", 3, 4, 0, 0),
    ("deals", "companies", 341, 342, 5, 6),
    ("tickets", "contacts", 16, 15, 0, 0),
    ("tickets", "companies", 339, 340, 26, 25),
    ("tickets", "deals", 28, 27, 0, 0),
    ("tasks", "contacts", 204, 203, 0, 0),
    ("tasks", "companies", 192, 191, 0, 0),
    ("tasks", "deals", 216, 215, 0, 0),
    ("tasks", "leads", 647, 646, 0, 0),
    ("notes", "contacts", 202, 201, 0, 0),
    ("notes", "companies", 190, 189, 0, 0),
    ("notes", "deals", 214, 213, 0, 0),
    ("notes", "leads", 855, 854, 0, 0),
    ("calls", "contacts", 194, 193, 0, 0),
    ("calls", "companies", 182, 181, 0, 0),
    ("calls", "deals", 206, 205, 0, 0),
    ("meetings", "contacts", 200, 199, 0, 0),
    ("meetings", "companies", 188, 187, 0, 0),
    ("meetings", "deals", 212, 211, 0, 0),
    ("emails", "contacts", 198, 197, 0, 0),
    ("emails", "companies", 186, 185, 0, 0),
    ("emails", "deals", 210, 209, 0, 0),
    ("leads", "contacts", 608, 609, 578, 0),
    ("leads", "companies", 610, 611, 580, 0),
    ("leads", "deals", 1037, 0, 582, 583),
    ("line_items", "deals", 20, 19, 0, 0),
    ("companies", "companies", 450, 450, PARENT, CHILD),
    ("contacts", "contacts", 449, 449, 0, 0),
    ("deals", "deals", 451, 451, 0, 0),
];

/// The types from one object to another; `None` where the two cannot be associated in that direction.
pub(super) fn pair(from: Kind, to: Kind) -> Option<Pair> {
    let (from, to) = (from.row().plural, to.row().plural);
    TYPES
        .iter()
        .find_map(|(a, b, there, back, first, first_back)| {
            let (plain, primary) = if (*a, *b) == (from, to) {
                (*there, *first)
            } else if (*b, *a) == (from, to) {
                (*back, *first_back)
            } else {
                return None;
            };
            (plain != 0).then_some(Pair {
                plain,
                primary: Some(primary).filter(|id| *id != 0),
            })
        })
}

/// The side of a pair that has at most one primary partner (a contact has one primary company, not the reverse).
fn owns_primary(from: Kind, to: Kind) -> bool {
    let (from, to) = (from.row().plural, to.row().plural);
    TYPES
        .iter()
        .any(|(a, b, _, _, first, _)| (*a, *b) == (from, to) && *first != 0)
}

/// True between companies, where what stands for a primary type is the parent's.
fn is_family(from: Kind, to: Kind) -> bool {
    (from, to) == (Kind::COMPANIES, Kind::COMPANIES)
}

/// A label that the portal's people made.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub from: Kind,
    pub to: Kind,
    pub type_id: u32,
    pub name: String,
    pub label: String,
    /// The type id of the other direction.
    pub inverse: u32,
}

/// All associations of the portal.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// The types of one direction: from which record of which object, to which object's which record.
    ties: BTreeMap<(Kind, u64, Kind, u64), BTreeSet<u32>>,
    /// Labels made in the portal, one for each direction.
    pub labels: Vec<Label>,
    /// How many were ever made: a type id is not given twice.
    pub labels_made: u32,
}

impl Links {
    /// The partners of a record in one object, with the types of that direction.
    pub(super) fn of(
        &self,
        from: Kind,
        id: u64,
        to: Kind,
    ) -> impl Iterator<Item = (u64, &BTreeSet<u32>)> {
        self.ties
            .range((from, id, to, 0)..=(from, id, to, u64::MAX))
            .map(|((.., partner), types)| (*partner, types))
    }

    /// The primary partner of a record; a company's parent among companies.
    pub(super) fn primary(&self, from: Kind, id: u64, to: Kind) -> Option<u64> {
        let wanted = pair(from, to)?.primary?;
        self.of(from, id, to)
            .find(|(_, types)| types.contains(&wanted))
            .map(|(id, _)| id)
    }

    /// The objects that a record has partners in.
    pub(super) fn partner_kinds(&self, from: Kind, id: u64) -> Vec<Kind> {
        Kind::all()
            .filter(|to| self.of(from, id, *to).next().is_some())
            .collect()
    }

    /// Whether `type_id` may be used from one object to another.
    pub(super) fn allows(&self, from: Kind, to: Kind, type_id: u32) -> bool {
        pair(from, to).is_some_and(|pair| pair.plain == type_id || pair.primary == Some(type_id))
            || (is_family(from, to) && type_id == CHILD)
            || self
                .labels
                .iter()
                .any(|label| (label.from, label.to, label.type_id) == (from, to, type_id))
    }

    /// The text of a type in one direction; `None` for the unlabelled one.
    pub(super) fn text(&self, from: Kind, to: Kind, type_id: u32) -> Option<&str> {
        match type_id {
            PARENT if is_family(from, to) => return Some("Parent Company"),
            CHILD if is_family(from, to) => return Some("Child Company"),
            _ => {}
        }
        if pair(from, to).is_some_and(|pair| pair.primary == Some(type_id)) {
            return Some("Primary");
        }
        self.labels
            .iter()
            .find(|label| (label.from, label.to, label.type_id) == (from, to, type_id))
            .map(|label| label.label.as_str())
    }

    /// Ties two records. `types` are of the direction from → to; the unlabelled type always comes along, and the
    /// first partner of a side that may have a primary one becomes it. A new parent takes the place of the old one.
    pub(super) fn tie(&mut self, from: (Kind, u64), to: (Kind, u64), types: &[u32]) {
        let below = is_family(from.0, to.0) && types.contains(&CHILD);
        if below || (owns_primary(to.0, from.0) && !owns_primary(from.0, to.0)) {
            let back: Vec<u32> = types
                .iter()
                .filter_map(|id| self.inverse(from.0, to.0, *id))
                .collect();
            self.tie(to, from, &back);
            return;
        }
        let Some(there) = pair(from.0, to.0) else {
            return;
        };
        let first = owns_primary(from.0, to.0)
            && !is_family(from.0, to.0)
            && self.primary(from.0, from.1, to.0).is_none();
        let mut all: BTreeSet<u32> = types.iter().copied().chain([there.plain]).collect();
        if first {
            all.extend(there.primary);
        }
        if there.primary.is_some_and(|primary| all.contains(&primary)) {
            self.demote(from, to.0);
        }
        let back: BTreeSet<u32> = all
            .iter()
            .filter_map(|id| self.inverse(from.0, to.0, *id))
            .collect();
        self.types(from, to).extend(all);
        if !back.is_empty() {
            self.types(to, from).extend(back);
        }
    }

    fn demote(&mut self, from: (Kind, u64), to: Kind) {
        let Some(old) = self.primary(from.0, from.1, to) else {
            return;
        };
        if let Some(primary) = pair(from.0, to).and_then(|pair| pair.primary) {
            self.unlabel(from, (to, old), &[primary]);
        }
    }

    /// Takes labels off both directions; the unlabelled type takes the whole association off.
    pub(super) fn unlabel(&mut self, from: (Kind, u64), to: (Kind, u64), types: &[u32]) {
        if pair(from.0, to.0).is_some_and(|pair| types.contains(&pair.plain)) {
            self.untie(from, to);
            return;
        }
        for type_id in types {
            let back = self.inverse(from.0, to.0, *type_id);
            if let Some(set) = self.ties.get_mut(&(from.0, from.1, to.0, to.1)) {
                set.remove(type_id);
            }
            if let Some(back) = back
                && let Some(set) = self.ties.get_mut(&(to.0, to.1, from.0, from.1))
            {
                set.remove(&back);
            }
        }
    }

    /// Takes a label out of the portal, and off the associations that bear it; these stay.
    pub(super) fn forget(&mut self, label: &Label) {
        let both = [
            (label.from, label.to, label.type_id),
            (label.to, label.from, label.inverse),
        ];
        for (from, to, type_id) in both {
            self.labels.retain(|other| other.type_id != type_id);
            let ties = self.ties.iter_mut();
            for (_, types) in ties.filter(|((a, _, b, _), _)| (*a, *b) == (from, to)) {
                types.remove(&type_id);
            }
        }
    }

    /// Takes an association off.
    pub(super) fn untie(&mut self, from: (Kind, u64), to: (Kind, u64)) {
        self.ties.remove(&(from.0, from.1, to.0, to.1));
        self.ties.remove(&(to.0, to.1, from.0, from.1));
    }

    /// The type of the other direction.
    fn inverse(&self, from: Kind, to: Kind, type_id: u32) -> Option<u32> {
        match type_id {
            PARENT if is_family(from, to) => return Some(CHILD),
            CHILD if is_family(from, to) => return Some(PARENT),
            _ => {}
        }
        let (there, back) = (pair(from, to), pair(to, from));
        if there.is_some_and(|pair| pair.plain == type_id) {
            return back.map(|pair| pair.plain);
        }
        if there.is_some_and(|pair| pair.primary == Some(type_id)) {
            return back.and_then(|pair| pair.primary);
        }
        self.labels
            .iter()
            .find(|label| label.type_id == type_id)
            .map(|label| label.inverse)
    }

    fn types(&mut self, from: (Kind, u64), to: (Kind, u64)) -> &mut BTreeSet<u32> {
        let key = (from.0, from.1, to.0, to.1);
        self.ties.entry(key).or_default()
    }
}
