//! Which records there may be: creates, deletions, restores (docs/design/sync-semantics.md 10, 12).

use chrono::{DateTime, TimeDelta, Utc};

use super::{Both, HUBSPOT, Oracle, Run, SALESFORCE, SIDES, TWIN, Told, Who};
use crate::field::Text;
use crate::steps::{DeleteUpdate, Deletes};

/// How long a record stays in Salesforce's recycle bin.
const BIN: TimeDelta = TimeDelta::days(15);

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
    /// Its record was merged into one that has a counterpart: what is left waits for a person (12.4).
    Aside,
    /// Deleted, or merged, while it was not certain whether there is a link: everything goes.
    Lost,
}

impl Sleep {
    /// Nothing is made or written for it.
    pub fn rests(self) -> bool {
        matches!(self, Sleep::TakenBack | Sleep::Tomb | Sleep::Aside)
    }
}

impl Oracle {
    pub(super) fn sleep(&self, who: &Who) -> Sleep {
        if who.key.contains(TWIN) {
            return Sleep::Lost;
        }
        self.pairs.get(who).map_or(Sleep::Awake, |pair| pair.sleep)
    }

    /// Whether nothing is known of whose second record this is.
    pub(super) fn is_lost(&self, twin: &Who) -> bool {
        let (key, _) = twin.key.split_once(TWIN).unwrap_or((&twin.key, ""));
        let who = Who {
            key: key.to_owned(),
            ..twin.clone()
        };
        self.sleep(&who) == Sleep::Lost
    }

    /// A person deleted one of two records, or the only one. Gives whether a tombstone is what becomes of it.
    pub fn deleted(&mut self, who: &Who, was: &Both, side: usize, now: DateTime<Utc>) -> bool {
        let away = self.is_away(was);
        let pair = self.pairs.entry(who.clone()).or_default();
        let record = was[HUBSPOT].clone().filter(|_| side == HUBSPOT);
        pair.deleted[side] = was[side].as_ref().map(|record| record.values.clone());
        pair.last = record.map(|record| (now, record)).or(pair.last.take());
        pair.binned = Some(now).filter(|_| side == SALESFORCE).or(pair.binned);
        let whole = was.iter().all(Option::is_some);
        let merged = std::mem::take(&mut pair.merged);
        pair.sleep = match pair.sleep {
            // Whose link goes on is another matter where one record of a merge is deleted before it is noticed.
            _ if !merged.is_empty() => Sleep::Lost,
            Sleep::Awake if pair.linked && whole && !away => Sleep::Tomb,
            Sleep::Waking if pair.linked && whole => Sleep::Tomb,
            Sleep::Tomb => Sleep::Tomb,
            _ => Sleep::Lost,
        };
        let tomb = pair.sleep == Sleep::Tomb;
        for other in merged {
            self.pairs.entry(other).or_default().sleep = Sleep::Lost;
        }
        tomb
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

    /// Salesforce empties its recycle bin after 15 days: who was not noticed by then does not answer, and nothing is concluded
    /// (23). Gives whether there is anybody like that.
    pub(super) fn purge(&mut self, run: &Run) -> bool {
        let mut any = false;
        for pair in self.pairs.values_mut() {
            let gone = pair.binned.is_some_and(|at| at + BIN <= run.began);
            if gone && pair.linked {
                pair.sleep = Sleep::Lost;
            }
            any |= gone && pair.sleep == Sleep::Lost;
        }
        any
    }

    /// A person restored a record that a person had deleted.
    pub fn restored(&mut self, who: &Who) {
        let pair = self.pairs.entry(who.clone()).or_default();
        pair.binned = None;
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
                (None, Some(_)) if self.outside(who, was) => {
                    return Err("12.6: made for somebody outside".into());
                }
                (None, Some(_)) if self.may_make_again(who, was) => {}
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
        if sleep != Sleep::Awake || !sure || hidden || self.outside(who, was) {
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
        let wins = self.delete_update == DeleteUpdate::DeleteWins;
        let archives = self.deletes == Deletes::Archive;
        tomb && archives && (wins || self.unchanged(who, was, side).0)
    }

    /// What is left of a deletion was changed, and the change wins: the deleted side is made anew (12.2).
    pub(super) fn may_make_again(&self, who: &Who, was: &Both) -> bool {
        let tomb = self.sleep(who) == Sleep::Tomb;
        let wins = self.delete_update == DeleteUpdate::UpdateWins;
        let changed = |side: usize| was[side].is_some() && !self.unchanged(who, was, side).1;
        tomb && wins && was.iter().any(Option::is_none) && (changed(0) || changed(1))
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
            let (may, must) = self.unchanged(who, was, side);
            let wins = self.delete_update == DeleteUpdate::DeleteWins;
            let due = self.deletes == Deletes::Archive && (wins || must);
            let decides = sure && noticed && !self.settled_before(who);
            if decides && left && due {
                return Err(format!("12.2: {}'s record is still there", SIDES[side]));
            }
            let again = self.delete_update == DeleteUpdate::UpdateWins && !may;
            if decides && again && was[side].is_some() && is[1 - side].is_none() {
                return Err(format!("12.2: {}'s edit did not win", SIDES[side]));
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
        let gone = self
            .pairs
            .get(who)
            .and_then(|pair| pair.deleted[1 - side].as_ref());
        let (mut may, mut must) = (true, true);
        for (field, value) in record.values.iter().enumerate() {
            let beliefs = self.beliefs(who, field);
            let shared = gone.is_some_and(|gone| gone[field] == *value);
            // A firm that may not be on both sides is nothing that could travel.
            let named = who.is_reference(field) && value.is_some();
            let holds = |base: &Option<Text>| match base {
                Some(base) => base == value,
                // F11: what was never settled is a change from blank, but where both held the same.
                None => value.is_none() || shared,
            };
            let count = beliefs.iter().filter(|one| holds(&one.base[side])).count();
            let first = named && beliefs.iter().any(|one| one.base[side].is_none());
            may &= count > 0 || first;
            must &=
                count == beliefs.len() && beliefs.iter().all(|one| one.chosen.is_none()) && !first;
        }
        (may, must)
    }

    /// After a run: who is linked, and who has woken up.
    pub(super) fn slept(&mut self, who: &Who, is: &Both, told: &Told) {
        let pair = self.pairs.entry(who.clone()).or_default();
        pair.linked = told.linked.contains(who);
        let both = is.iter().all(Option::is_some);
        let anew = pair.sleep == Sleep::Tomb && self.delete_update == DeleteUpdate::UpdateWins;
        if (pair.sleep == Sleep::Waking || anew) && pair.linked && both {
            pair.sleep = Sleep::Awake;
        }
    }
}
