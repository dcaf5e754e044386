//! What becomes of people whose records a person merges (docs/design/sync-semantics.md 12.4).

use chrono::{DateTime, Utc};

use super::{Both, FIRM, HUBSPOT, Oracle, Record, Run, Sleep, Who};
use crate::field::Text;

/// How somebody stands before a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// Both records are linked.
    Linked,
    /// One record, of which nothing was ever made.
    Alone,
    /// One record, set aside by an earlier merge.
    Aside,
    /// Anything else.
    Unclear,
}

/// Two people whose records of a side become one.
pub struct Merge<'a> {
    pub side: usize,
    pub winner: (&'a Who, &'a Both),
    pub loser: (&'a Who, &'a Both),
    /// Of two links the older one.
    pub elder: &'a Who,
    pub at: DateTime<Utc>,
}

impl Oracle {
    /// A person merges two records. Gives who the survivor is from now on: the one whose link goes on.
    pub fn merged(&mut self, merge: &Merge<'_>, survivor: &[Text]) -> Who {
        let ((winner, _), (loser, _)) = (merge.winner, merge.loser);
        let stands = [merge.winner, merge.loser].map(|(who, both)| self.stands(who, both, merge));
        let hubspot = merge.side == HUBSPOT;
        let (keeper, other) = match stands {
            // HubSpot names no primary.
            [Stands::Linked, Stands::Linked] if hubspot && merge.elder == loser => (loser, winner),
            [
                Stands::Linked,
                Stands::Linked | Stands::Alone | Stands::Aside,
            ]
            | [Stands::Alone, Stands::Alone] => (winner, loser),
            [Stands::Alone, Stands::Linked] => (loser, winner),
            [Stands::Aside, Stands::Linked] if hubspot => (loser, winner),
            _ => {
                for who in [winner, loser] {
                    self.pairs.entry(who.clone()).or_default().sleep = Sleep::Lost;
                }
                return winner.clone();
            }
        };
        if hubspot || keeper == loser {
            self.rebase(keeper, merge.side, survivor);
        }
        for (who, both) in [merge.winner, merge.loser] {
            let pair = self.pairs.entry(who.clone()).or_default();
            pair.merged.extend([winner.clone(), loser.clone()]);
            let record = both[HUBSPOT].clone().filter(|_| hubspot);
            pair.last = record.map(|record| (merge.at, record)).or(pair.last.take());
            if who == loser && !hubspot {
                pair.binned = Some(merge.at);
            }
            if who == other && pair.linked {
                pair.sleep = Sleep::Aside;
            }
        }
        keeper.clone()
    }

    fn stands(&self, who: &Who, both: &Both, merge: &Merge<'_>) -> Stands {
        let whole = both.iter().all(Option::is_some);
        let linked = self.pairs.get(who).is_some_and(|pair| pair.linked);
        match self.sleep(who) {
            _ if !self.is_sure(merge.at) || self.is_away(both) => Stands::Unclear,
            Sleep::Awake if whole && linked => Stands::Linked,
            Sleep::Awake if !whole && !linked => Stands::Alone,
            Sleep::Aside if !whole => Stands::Aside,
            _ => Stands::Unclear,
        }
    }

    /// What differs from the base on the merged side is that side's first value; a blank takes the other side's.
    fn rebase(&mut self, who: &Who, side: usize, values: &[Text]) {
        for (field, now) in values.iter().enumerate() {
            if side == HUBSPOT && field == FIRM {
                continue;
            }
            let rebased = self.beliefs(who, field).into_iter().map(|mut belief| {
                let differs = belief.base[side].as_ref().is_some_and(|held| held != now);
                if differs {
                    belief.base[side] = None;
                }
                if differs && now.is_none() {
                    belief.base = [None, None];
                }
                belief
            });
            let rebased = rebased.collect();
            self.believe(who, field, rebased);
        }
    }

    /// Whether a merge ever had to do with it.
    pub(super) fn was_merged(&self, who: &Who) -> bool {
        self.pairs
            .get(who)
            .is_some_and(|pair| !pair.merged.is_empty())
    }

    /// Its HubSpot record that was merged away and that the index may still show.
    pub(super) fn merged_away(&self, run: &Run, who: &Who) -> Option<&Record> {
        let pair = self.pairs.get(who).filter(|pair| !pair.merged.is_empty())?;
        let (at, record) = pair.last.as_ref()?;
        (*at + self.lag > run.began).then_some(record)
    }
}
