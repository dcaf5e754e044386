//! The order of work: what a record can refer to comes before it, whatever the order in the file
//! (docs/design/sync-semantics.md 14.2, 14.3).

use std::collections::BTreeMap;

use super::{Mapping, MappingId, PairKind};

impl Mapping {
    /// The mappings that its references go through.
    pub fn parents(&self) -> impl Iterator<Item = &MappingId> {
        let references = self.pairs.iter().filter_map(|pair| match &pair.kind {
            PairKind::Reference { mapping } => Some(mapping),
            _ => None,
        });
        references.chain(self.sets.iter().map(|set| &set.mapping))
    }
}

/// Mappings with parents before children; where nothing else decides, by name. Those of an exclusive group are worked through
/// together, so they wait for each other's parents. Mappings that refer to each other in a circle stand by name: their
/// references are set once all of them are there.
pub fn in_order_of_work(mappings: Vec<Mapping>) -> Vec<Mapping> {
    let groups = groups(&mappings);
    let waits = waits(&mappings, &groups);
    let names = |group: &Vec<usize>| {
        let ids = group.iter().filter_map(|at| mappings.get(*at));
        ids.map(|mapping| &mapping.id).min()
    };
    let mut place = vec![None; groups.len()];
    for next in 0..groups.len() {
        let ready = groups.iter().enumerate().filter(|(group, _)| {
            let placed = |parent: usize| place.get(parent).is_some_and(Option::is_some);
            !placed(*group)
                && waits
                    .get(*group)
                    .is_none_or(|all| all.iter().all(|one| placed(*one)))
        });
        let first = ready
            .min_by_key(|(_, group)| names(group))
            .map(|(group, _)| group);
        if let Some(slot) = first.and_then(|group| place.get_mut(group)) {
            *slot = Some(next);
        }
    }
    let of: BTreeMap<usize, Option<usize>> = groups
        .iter()
        .zip(place)
        .flat_map(|(group, place)| group.iter().map(move |at| (*at, place)))
        .collect();
    let mut all: Vec<(usize, Mapping)> = mappings.into_iter().enumerate().collect();
    all.sort_by(|(a, one), (b, other)| (of.get(a), &one.id).cmp(&(of.get(b), &other.id)));
    all.into_iter().map(|(_, mapping)| mapping).collect()
}

/// Which mappings are one exclusive group, by their places in the list.
fn groups(mappings: &[Mapping]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, mapping) in mappings.iter().enumerate() {
        let related = |other: &usize| {
            let other = mappings.get(*other);
            other.is_some_and(|other| other.shares(mapping).is_some())
        };
        let joined = groups.extract_if(.., |group| group.iter().any(related));
        let mut group: Vec<usize> = joined.flatten().collect();
        group.push(at);
        groups.push(group);
    }
    groups
}

/// For each group the groups that must come before it: those it refers to and that do not refer to it in turn, by however many
/// steps.
fn waits(mappings: &[Mapping], groups: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let group_of = |id: &MappingId| {
        let within = |group: &Vec<usize>| {
            let mut members = group.iter().filter_map(|at| mappings.get(*at));
            members.any(|mapping| mapping.id == *id)
        };
        groups.iter().position(within)
    };
    let direct: Vec<Vec<usize>> = groups
        .iter()
        .map(|group| {
            let members = group.iter().filter_map(|at| mappings.get(*at));
            members
                .flat_map(Mapping::parents)
                .filter_map(group_of)
                .collect()
        })
        .collect();
    let reaches = |from: usize, to: usize| {
        let mut known = vec![false; groups.len()];
        let mut ahead = vec![from];
        while let Some(at) = ahead.pop() {
            for next in direct.get(at).into_iter().flatten() {
                if known.get(*next).is_some_and(|known| !known) {
                    if let Some(slot) = known.get_mut(*next) {
                        *slot = true;
                    }
                    ahead.push(*next);
                }
            }
        }
        known.get(to).copied().unwrap_or_default()
    };
    let all = 0..groups.len();
    let before = |group: usize| {
        let ahead = all.clone().filter(move |one| reaches(group, *one));
        ahead.filter(|one| !reaches(*one, group)).collect()
    };
    all.clone().map(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        BlankPolicy, ConflictRule, CreatePolicy, DeletePolicy, DeleteUpdate, Direction, Endpoint,
        FieldPair, FieldType, ForeignEdit, KeyFields, LeavesScope, OnUnlinked, PerSide,
    };

    /// `name: Salesforce object, HubSpot object > parents`, a line each.
    fn sorted(lines: &[&str]) -> Vec<String> {
        let mappings = lines.iter().map(|line| mapping(line)).collect();
        let order = in_order_of_work(mappings).into_iter();
        order.map(|mapping| mapping.id.0).collect()
    }

    fn mapping(line: &str) -> Mapping {
        let (line, parents) = line.split_once('>').unwrap_or((line, ""));
        let words: Vec<&str> = line.split_whitespace().collect();
        let end = |at: usize| Endpoint {
            object: words[at].to_owned(),
        };
        Mapping {
            id: words[0].into(),
            objects: PerSide {
                salesforce: end(1),
                hubspot: end(2),
            },
            direction: Direction::Both,
            scope: None,
            leaves_scope: LeavesScope::Keep,
            creates: CreatePolicy::Both,
            deletes: DeletePolicy::Ignore,
            delete_update: DeleteUpdate::Ask,
            pairs: parents.split_whitespace().map(reference).collect(),
            match_rules: Vec::new(),
            groups: Vec::new(),
            sets: Vec::new(),
            keys: KeyFields {
                salesforce: String::new(),
                hubspot: String::new(),
            },
            strict_cas: false,
            detect_clobber: false,
            schedule_seconds: None,
        }
    }

    fn reference(parent: &str) -> FieldPair {
        FieldPair {
            fields: PerSide::from_fn(|_| parent.to_owned()),
            kind: PairKind::Reference {
                mapping: parent.into(),
            },
            types: PerSide::from_fn(|_| FieldType::Reference),
            direction: Direction::Both,
            conflict: vec![ConflictRule::LastWriteWins],
            blanks: BlankPolicy::Propagate,
            foreign_edit: ForeignEdit::Ignore,
            monotone: Vec::new(),
            on_unlinked: OnUnlinked::Keep,
            fold_case: false,
            country: String::new(),
        }
    }

    #[test]
    fn parents_come_first_and_names_decide_the_rest() {
        let table: [(&[&str], &[&str]); 7] = [
            (&["b X x", "a Y y"], &["a", "b"]),
            (&["a X x > b", "b Y y"], &["b", "a"]),
            (
                &[
                    "deals O d > accounts contacts",
                    "contacts C c > accounts",
                    "accounts A a",
                    "books B b",
                ],
                &["accounts", "books", "contacts", "deals"],
            ),
            // Its own records may be parents of each other.
            (&["b A a > b", "c X x"], &["b", "c"]),
            // A mapping that is not there is nobody's parent.
            (&["b A a > gone", "a X x > b"], &["b", "a"]),
            // In a circle names decide; what hangs on it comes after it, what it hangs on before.
            (
                &[
                    "deals O d > accounts",
                    "contacts C c > accounts",
                    "accounts A a > contacts zones",
                    "zones Z z",
                ],
                &["zones", "accounts", "contacts", "deals"],
            ),
            // A longer circle, with a child whose name would put it first.
            (
                &["c X x > a", "b Y y > c", "a Z z > b", "aa W w > c"],
                &["a", "b", "c", "aa"],
            ),
        ];
        for (given, wanted) in table {
            assert_eq!(sorted(given), wanted, "{given:?}");
            let turned: Vec<&str> = given.iter().rev().copied().collect();
            assert_eq!(sorted(&turned), wanted, "{turned:?}");
        }
    }

    #[test]
    fn those_of_an_exclusive_group_wait_for_each_others_parents() {
        let given = [
            "leads Lead contacts",
            "contacts Contact contacts > zones",
            "zones Z z",
            "kids K k > leads",
        ];
        assert_eq!(sorted(&given), ["zones", "contacts", "leads", "kids"]);
    }
}
