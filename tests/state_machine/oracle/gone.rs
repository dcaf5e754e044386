//! Which records there may be: creates, deletions, restores (docs/design/sync-semantics.md 10, 12).

use chrono::{DateTime, Utc};

use super::{HUBSPOT, Oracle, Record, Run, SIDES, Told, Who};
use crate::field::Text;
use crate::steps::Deletes;

/// How it stands with somebody whose records are not simply kept in step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sleep {
    /// They are.
    #[default]
    Awake,
    /// An undo took one of the records back.
    TakenBack,
    /// A person deleted one of the linked records: the link is a tombstone, or will be once that is noticed (12.3).
    Tomb,
    /// What was deleted is there again, and the link wakes once that is noticed (12.5).
    Waking,
    /// Deleted while it was not certain whether there is a link: everything goes.
    Lost,
}

impl Sleep {
    /// Nothing is made or written for it.
    pub fn rests(self) -> bool {
        matches!(self, Sleep::TakenBack | Sleep::Tomb)
    }
}

type Both = [Option<Record>; 2];

impl Oracle {
    pub(super) fn sleep(&self, who: &Who) -> Sleep {
        self.pairs.get(who).map_or(Sleep::Awake, |pair| pair.sleep)
    }

    /// A person deleted one of two records, or the only one. Gives whether a tombstone is what becomes of it.
    pub fn deleted(&mut self, who: &Who, was: &Both, side: usize, now: DateTime<Utc>) -> bool {
        let pair = self.pairs.entry(who.clone()).or_default();
        let record = was[HUBSPOT].clone().filter(|_| side == HUBSPOT);
        pair.last = record.map(|record| (now, record)).or(pair.last.take());
        let whole = was.iter().all(Option::is_some);
        pair.sleep = match pair.sleep {
            Sleep::Awake if pair.linked && whole => Sleep::Tomb,
            Sleep::Waking if pair.linked && whole => Sleep::Tomb,
            Sleep::Tomb => Sleep::Tomb,
            _ => Sleep::Lost,
        };
        pair.sleep == Sleep::Tomb
    }

    /// HubSpot's index may still show a record that is gone: what it held travelled. Where the link stands after that is as the
    /// engine says.
    pub(super) fn still_shown(
        &mut self,
        run: &Run,
        who: &Who,
        field: usize,
        has: &[Option<Text>; 2],
    ) -> bool {
        let lag = self.lag;
        let Some(pair) = self.pairs.get_mut(who) else {
            return false;
        };
        let shown = pair.last.as_ref().is_some_and(|(gone, record)| {
            let held = record.lately[field].iter().chain([&record.values[field]]);
            *gone + lag > run.began && held.map(Some).any(|one| one == has[0].as_ref())
        });
        if shown {
            pair.sleep = Sleep::Lost;
        }
        shown
    }

    /// A person restored a record that a person had deleted.
    pub fn restored(&mut self, who: &Who) {
        let pair = self.pairs.entry(who.clone()).or_default();
        if pair.sleep == Sleep::Tomb {
            pair.sleep = Sleep::Waking;
        }
    }

    /// Which records there are after a run.
    pub(super) fn lives(
        &self,
        run: &Run,
        who: &Who,
        was: &Both,
        is: &Both,
        told: &Told,
        sure: bool,
    ) -> Result<(), String> {
        let sleep = self.sleep(who);
        if sleep == Sleep::Lost {
            return Ok(());
        }
        for side in 0..2 {
            match (&was[side], &is[side]) {
                (Some(was), Some(is)) if was.id != is.id => {
                    return Err(format!("{}'s record is another one", SIDES[side]));
                }
                (Some(_), None) if !self.may_delete(who, was, side) => {
                    return Err(format!("I-10: {}'s record is gone", SIDES[side]));
                }
                (None, Some(_)) if sleep != Sleep::Awake || was.iter().all(Option::is_none) => {
                    return Err("I-9, I-13: it was made again".into());
                }
                _ => {}
            }
        }
        if sleep == Sleep::Tomb {
            return self.carried_out(run, who, was, is, sure);
        }
        let hidden = self.hidden(run, &was[HUBSPOT]);
        if sleep != Sleep::Awake || !sure || hidden {
            return Ok(());
        }
        if is.iter().any(Option::is_none) {
            return Err("I-6: no counterpart was made".into());
        }
        match told.linked.contains(who) {
            true => Ok(()),
            false => Err("I-6: both are there and not linked".into()),
        }
    }

    /// A deletion goes on to the other side where the policy says so and that side holds what was settled last.
    fn may_delete(&self, who: &Who, was: &Both, side: usize) -> bool {
        let tomb = matches!(self.sleep(who), Sleep::Tomb) && was[1 - side].is_none();
        tomb && self.deletes == Deletes::Archive && self.unchanged(who, was, side).0
    }

    fn carried_out(
        &self,
        run: &Run,
        who: &Who,
        was: &Both,
        is: &Both,
        sure: bool,
    ) -> Result<(), String> {
        for side in 0..2 {
            // Nothing but a run over everything finds what HubSpot archived (5.4).
            let noticed = side == HUBSPOT || run.full;
            let left = was[side].is_some() && is[side].is_some() && was[1 - side].is_none();
            let due = self.deletes == Deletes::Archive && self.unchanged(who, was, side).1;
            if sure && noticed && left && due && !self.settled_before(who) {
                return Err(format!("12.2: {}'s record is still there", SIDES[side]));
            }
        }
        Ok(())
    }

    /// Whether a run has decided about the deletion already, and left the other record alone.
    fn settled_before(&self, who: &Who) -> bool {
        self.pairs.get(who).is_some_and(|pair| !pair.linked)
    }

    /// Whether what is left may hold what was settled, and whether it does for certain.
    fn unchanged(&self, who: &Who, was: &Both, side: usize) -> (bool, bool) {
        let Some(record) = &was[side] else {
            return (false, false);
        };
        let (mut may, mut must) = (true, true);
        for (field, value) in record.values.iter().enumerate() {
            let beliefs = self.beliefs(who, field);
            let holds = |base: &Option<Text>| base.as_ref() == Some(value);
            let count = beliefs.iter().filter(|one| holds(&one.base[side])).count();
            may &= count > 0;
            must &= count == beliefs.len() && beliefs.iter().all(|one| one.chosen.is_none());
        }
        (may, must)
    }

    /// After a run: who is linked, and who has woken up.
    pub(super) fn slept(&mut self, who: &Who, is: &Both, told: &Told) {
        let pair = self.pairs.entry(who.clone()).or_default();
        pair.linked = told.linked.contains(who);
        let both = is.iter().all(Option::is_some);
        if pair.sleep == Sleep::Waking && pair.linked && both {
            pair.sleep = Sleep::Awake;
        }
    }
}
