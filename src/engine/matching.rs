//! Matching unlinked records (docs/design/sync-semantics.md 9.2, 9.3): decided on the whole set of a run, so that the order
//! of arrival cannot change the result. Pure. Never guesses: whatever is not one to one goes to a person.

use crate::domain::{LinkId, PerSide, RecordId, Side};

/// Longest list of candidates or twins in an outcome; a larger group is no less ambiguous.
pub const LISTED: usize = 20;

/// A record without a link. Keys are digests of its match keys, per rule; several where a record has several addresses; none
/// where the rule does not apply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unlinked {
    /// The record.
    pub id: RecordId,
    /// Keys per rule, in the rules' order.
    pub keys: Vec<Vec<u128>>,
}

/// A record that has a link already.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Linked {
    /// The record.
    pub id: RecordId,
    /// Its link.
    pub link: LinkId,
    /// Keys per rule, in the rules' order.
    pub keys: Vec<Vec<u128>>,
}

/// Everything a run's matching looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchInput {
    /// How many rules there are.
    pub rules: usize,
    /// All unlinked records of the run.
    pub unlinked: PerSide<Vec<Unlinked>>,
    /// Linked records that share a key with one of them.
    pub linked: PerSide<Vec<Linked>>,
}

/// What becomes of one unlinked record (or of two that match).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchOutcome {
    /// The two are one.
    Link {
        /// The Salesforce record.
        s: RecordId,
        /// The HubSpot record.
        h: RecordId,
        /// The rule that found it.
        rule: usize,
    },
    /// No counterpart: create one, where the policy allows.
    Create {
        /// Where the record lives.
        side: Side,
        /// The record.
        id: RecordId,
    },
    /// No counterpart, but others on the own side say that they are the same.
    DuplicatesInSource {
        /// Where the record lives.
        side: Side,
        /// The record.
        id: RecordId,
        /// The others.
        twins: Vec<RecordId>,
    },
    /// Several may be the counterpart, or several claim it.
    Ambiguous {
        /// Where the record lives.
        side: Side,
        /// The record.
        id: RecordId,
        /// Records of the other side that it may be.
        candidates: Vec<RecordId>,
        /// Records of the own side that may be the same.
        twins: Vec<RecordId>,
    },
    /// The only candidate is linked to another record.
    AlreadyLinked {
        /// Where the record lives.
        side: Side,
        /// The record.
        id: RecordId,
        /// The candidate on the other side.
        candidate: RecordId,
        /// Its link.
        link: LinkId,
    },
}

/// One record of one side, linked or not.
struct Entry<'a> {
    id: &'a RecordId,
    keys: &'a [Vec<u128>],
    link: Option<LinkId>,
}

/// (rule, key, position of the record), sorted: a group is one contiguous range.
type Index = Vec<(u32, u128, u32)>;

/// Decides all of them. Sorted: the same set gives the same list in whatever order it came.
pub fn matching(input: &MatchInput) -> Vec<MatchOutcome> {
    let entries = PerSide::from_fn(|side| entries(input, side));
    let groups = PerSide::from_fn(|side| index(entries.get(side), input.rules, |_, _| true));
    let deciding = PerSide::from_fn(|side| {
        let theirs = groups.get(side.other());
        let first = |entry: &Entry| {
            (0..input.rules).find(|rule| {
                keys(entry, *rule)
                    .iter()
                    .any(|key| !group(theirs, *rule, *key).is_empty())
            })
        };
        entries.get(side).iter().map(first).collect::<Vec<_>>()
    });
    // Who claims a record: those of the other side whose deciding rule finds it.
    let claims = PerSide::from_fn(|side| {
        let (all, rules) = (entries.get(side), deciding.get(side));
        index(all, input.rules, |at, rule| {
            all[at].link.is_none() && rules[at] == Some(rule)
        })
    });
    let world = World {
        rules: input.rules,
        entries: &entries,
        groups: &groups,
        deciding: &deciding,
        claims: &claims,
    };
    let mut outcomes: Vec<MatchOutcome> = Vec::new();
    for side in Side::BOTH {
        for (at, entry) in entries.get(side).iter().enumerate() {
            if entry.link.is_none() {
                outcomes.extend(world.outcome(side, at));
            }
        }
    }
    outcomes.sort_unstable();
    outcomes
}

fn entries(input: &MatchInput, side: Side) -> Vec<Entry<'_>> {
    let unlinked = input.unlinked.get(side).iter().map(|record| Entry {
        id: &record.id,
        keys: &record.keys,
        link: None,
    });
    let linked = input.linked.get(side).iter().map(|record| Entry {
        id: &record.id,
        keys: &record.keys,
        link: Some(record.link),
    });
    let mut all: Vec<Entry> = unlinked.chain(linked).collect();
    all.sort_by(|a, b| (a.id, b.link, a.keys).cmp(&(b.id, a.link, b.keys)));
    // A record that is given twice is one record; as a linked one, if it is that too.
    all.dedup_by(|a, b| a.id == b.id);
    all
}

fn keys<'a>(entry: &Entry<'a>, rule: usize) -> &'a [u128] {
    entry.keys.get(rule).map_or(&[], Vec::as_slice)
}

fn index(entries: &[Entry], rules: usize, wanted: impl Fn(usize, usize) -> bool) -> Index {
    let mut index: Index = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        for rule in (0..rules).filter(|rule| wanted(at, *rule)) {
            index.extend(
                keys(entry, rule)
                    .iter()
                    .map(|key| (rule as u32, *key, at as u32)),
            );
        }
    }
    index.sort_unstable();
    index.dedup();
    index
}

/// The part of an index that holds one key of one rule.
fn group(index: &Index, rule: usize, key: u128) -> &[(u32, u128, u32)] {
    let wanted = (rule as u32, key);
    let from = index.partition_point(|(rule, key, _)| (*rule, *key) < wanted);
    let len = index[from..].partition_point(|(rule, key, _)| (*rule, *key) == wanted);
    &index[from..from + len]
}

struct World<'a> {
    rules: usize,
    entries: &'a PerSide<Vec<Entry<'a>>>,
    groups: &'a PerSide<Index>,
    deciding: &'a PerSide<Vec<Option<usize>>>,
    claims: &'a PerSide<Index>,
}

impl World<'_> {
    /// Positions in `index` that share a key with the record in one of `rules`, without itself; at most `LISTED` + 1.
    fn sharing(
        &self,
        entry: &Entry,
        rules: std::ops::Range<usize>,
        index: &Index,
        own: Option<usize>,
    ) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for rule in rules {
            for key in keys(entry, rule) {
                for (_, _, at) in group(index, rule, *key) {
                    let at = *at as usize;
                    if Some(at) != own && !found.contains(&at) {
                        found.push(at);
                    }
                    if found.len() > LISTED {
                        found.sort_unstable();
                        return found;
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }

    fn candidates(&self, side: Side, at: usize) -> Vec<usize> {
        match self.deciding.get(side)[at] {
            Some(rule) => {
                let entry = &self.entries.get(side)[at];
                self.sharing(entry, rule..rule + 1, self.groups.get(side.other()), None)
            }
            None => Vec::new(),
        }
    }

    /// Others of the own side with the same key, up to and with the rule that decides.
    fn twins(&self, side: Side, at: usize) -> Vec<usize> {
        let tried = self.deciding.get(side)[at].map_or(self.rules, |rule| rule + 1);
        let entry = &self.entries.get(side)[at];
        self.sharing(entry, 0..tried, self.groups.get(side), Some(at))
    }

    /// Unlinked records of the other side that claim this one.
    fn claimers(&self, side: Side, at: usize) -> Vec<usize> {
        let entry = &self.entries.get(side)[at];
        self.sharing(entry, 0..self.rules, self.claims.get(side.other()), None)
    }

    /// The outcome of one unlinked record; a link is told by its Salesforce record only.
    fn outcome(&self, side: Side, at: usize) -> Option<MatchOutcome> {
        let id = self.entries.get(side)[at].id.clone();
        let candidates = self.candidates(side, at);
        let twins = self.twins(side, at);
        if candidates.is_empty() {
            return Some(if twins.is_empty() {
                MatchOutcome::Create { side, id }
            } else {
                MatchOutcome::DuplicatesInSource {
                    side,
                    id,
                    twins: self.names(side, &twins),
                }
            });
        }
        let other = side.other();
        if let [only] = candidates.as_slice() {
            let candidate = &self.entries.get(other)[*only];
            if let Some(link) = candidate.link {
                return Some(MatchOutcome::AlreadyLinked {
                    side,
                    id,
                    candidate: candidate.id.clone(),
                    link,
                });
            }
            if twins.is_empty() && self.alone(side, at, *only) {
                let rule = self.deciding.get(side)[at]?;
                return (side == Side::Salesforce).then(|| MatchOutcome::Link {
                    s: id,
                    h: candidate.id.clone(),
                    rule,
                });
            }
        }
        Some(MatchOutcome::Ambiguous {
            side,
            id,
            candidates: self.names(other, &candidates),
            twins: self.names(side, &twins),
        })
    }

    /// True where the only candidate has this record as its only one too, has no twins, and nobody else claims either.
    fn alone(&self, side: Side, at: usize, candidate: usize) -> bool {
        let other = side.other();
        self.candidates(other, candidate) == [at]
            && self.twins(other, candidate).is_empty()
            && self.claimers(other, candidate) == [at]
            && self.claimers(side, at) == [candidate]
    }

    fn names(&self, side: Side, found: &[usize]) -> Vec<RecordId> {
        let all = self.entries.get(side);
        found
            .iter()
            .take(LISTED)
            .map(|at| all[*at].id.clone())
            .collect()
    }
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
