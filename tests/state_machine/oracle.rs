//! The spec world: what the whole world may look like after each run, from the history of what people did and the text of
//! docs/design/sync-semantics.md alone. It looks at everything each time: it knows no cursors, no journal and no batches, and so
//! cannot share their mistakes. What a run may have done is a set; what it did is then believed.

mod gone;
mod made;
mod merged;
mod recalled;
mod scope;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::field::{self, Belief, Chosen, Outcome, Text, Times};
use crate::steps::{DeleteUpdate, Deletes, Leaves, Plot, Rule};

pub use gone::Sleep;
use made::made;
pub use merged::Merge;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Firm,
    Person,
}

/// Somebody, by what never changes: a person's address, a firm's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    pub kind: Kind,
    pub key: String,
}

/// What stands between somebody's key and the id of a second record that nobody made but us.
pub const TWIN: char = '#';

/// The place of the reference among a person's fields.
pub const FIRM: usize = 2;

impl Who {
    fn firm(key: &str) -> Who {
        Who {
            kind: Kind::Firm,
            key: key.to_owned(),
        }
    }

    /// How many fields of it are synced.
    pub fn fields(&self) -> usize {
        match self.kind {
            Kind::Firm => 1,
            Kind::Person => 3,
        }
    }

    fn is_reference(&self, field: usize) -> bool {
        self.kind == Kind::Person && field == FIRM
    }
}

/// A record as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    /// Of a reference the firm's name.
    pub values: Vec<Text>,
    /// The last edit of each field by anyone but us.
    pub edited: Vec<DateTime<Utc>>,
    /// What each field held lately, before what it holds.
    pub lately: Vec<Vec<Text>>,
    pub made: DateTime<Utc>,
    /// The last version by anyone, and by anyone but us.
    pub touched: DateTime<Utc>,
    pub others: DateTime<Utc>,
    /// It lies outside the scope.
    pub away: bool,
}

/// Somebody's records, Salesforce's first.
pub type Both = [Option<Record>; 2];

/// Everything on both sides.
pub type Snapshot = BTreeMap<Who, Both>;

/// One run from outside.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number, if it came to have one.
    pub number: Option<u64>,
    pub began: DateTime<Utc>,
    /// It came to its end.
    pub whole: bool,
    /// It read everything.
    pub full: bool,
}

/// What the engine tells people after a run.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub linked: BTreeSet<Who>,
    /// Fields with an open conflict.
    pub open: BTreeSet<(Who, usize)>,
    /// Fields with a conflict that was decided by a rule.
    pub kept: BTreeSet<(Who, usize)>,
    /// Errors, and whom they are about, as far as that is known.
    pub errors: Vec<(Option<Who>, String)>,
}

/// What one run wrote, as far as it was seen.
#[derive(Clone, Debug, Default)]
struct Notes {
    /// Value before and after, by record, side and field.
    wrote: BTreeMap<(Who, usize, usize), (Text, Text)>,
    /// What was made, with what it held when the run was over.
    made: BTreeMap<(Who, usize), Vec<Text>>,
    ended: DateTime<Utc>,
    whole: bool,
}

/// What is known of somebody.
#[derive(Clone, Debug, Default)]
struct Pair {
    sleep: Sleep,
    /// The engine said last that the two are linked.
    linked: bool,
    /// Its HubSpot record as it was when a person deleted it, and the moment.
    last: Option<(DateTime<Utc>, Record)>,
    /// What each of its records held when a person deleted it.
    deleted: [Option<Vec<Text>>; 2],
    beliefs: Vec<BTreeSet<Belief>>,
    /// Whom it was merged with, one merge after the other.
    merged: Vec<Who>,
    /// When its Salesforce record went to the recycle bin.
    binned: Option<DateTime<Utc>>,
}

/// The spec world.
#[derive(Clone, Debug)]
pub struct Oracle {
    rules: [Rule; 3],
    deletes: Deletes,
    delete_update: DeleteUpdate,
    leaves: Leaves,
    pairs: BTreeMap<Who, Pair>,
    runs: BTreeMap<u64, Notes>,
    /// Until then a write may wait whose answer was lost (16.4, 16.5).
    waits_until: DateTime<Utc>,
    /// How long HubSpot's index may hide a change.
    pub lag: TimeDelta,
}

const SIDES: [&str; 2] = ["Salesforce", "HubSpot"];
const SALESFORCE: usize = 0;
const HUBSPOT: usize = 1;

/// How an error says that a record does not answer and nothing tells why (12.1).
const SILENCE: &str = "category: Gone";

/// The settle delay of 16.4 and what a run takes.
const SETTLES: TimeDelta = TimeDelta::seconds(140);

impl Oracle {
    pub fn new(plot: &Plot) -> Oracle {
        Oracle {
            rules: plot.rules,
            deletes: plot.deletes,
            delete_update: plot.delete_update,
            leaves: plot.leaves,
            pairs: BTreeMap::new(),
            runs: BTreeMap::new(),
            waits_until: DateTime::<Utc>::MIN_UTC,
            lag: TimeDelta::seconds(16),
        }
    }

    fn rule(&self, who: &Who, field: usize) -> Rule {
        match (who.kind, field) {
            (Kind::Firm, _) => self.rules[2],
            // The mapping's own, as the reference names none.
            (Kind::Person, FIRM) => Rule::Newest,
            (Kind::Person, _) => self.rules[field],
        }
    }

    fn beliefs(&self, who: &Who, field: usize) -> BTreeSet<Belief> {
        let known = self.pairs.get(who).and_then(|pair| pair.beliefs.get(field));
        known
            .cloned()
            .unwrap_or_else(|| BTreeSet::from([Belief::default()]))
    }

    fn believe(&mut self, who: &Who, field: usize, beliefs: BTreeSet<Belief>) {
        let pair = self.pairs.entry(who.clone()).or_default();
        pair.beliefs
            .resize(who.fields(), BTreeSet::from([Belief::default()]));
        pair.beliefs[field] = beliefs;
    }

    fn rests(&self, who: &Who) -> bool {
        self.sleep(who).rests()
    }

    /// The operator changed what decides about a field.
    pub fn configured(&mut self, field: usize, rule: Rule) {
        self.rules[field] = rule;
    }

    /// Nothing waits for the answer to a write.
    pub fn is_sure(&self, now: DateTime<Utc>) -> bool {
        now >= self.waits_until
    }

    /// A person decided a conflict.
    pub fn choose(&mut self, who: &Who, field: usize, chosen: &Chosen, sure: bool) {
        let mut beliefs = BTreeSet::new();
        for belief in self.beliefs(who, field) {
            if !sure {
                beliefs.insert(belief.clone());
            }
            beliefs.insert(Belief {
                chosen: Some(chosen.clone()),
                ..belief
            });
        }
        self.believe(who, field, beliefs);
    }

    /// A run is over: was that allowed? What it did is believed from now on.
    pub fn ran(
        &mut self,
        run: &Run,
        before: &Snapshot,
        after: &Snapshot,
        told: &Told,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let sure = run.whole && run.began >= self.waits_until;
        let mut notes = Notes {
            ended: now,
            whole: run.whole,
            ..Notes::default()
        };
        let purged = self.purge(run);
        let all: BTreeSet<&Who> = before.keys().chain(after.keys()).collect();
        let none = [None, None];
        for who in all {
            let was = before.get(who).unwrap_or(&none);
            let is = after.get(who).unwrap_or(&none);
            if who.key.contains(TWIN) && !self.is_lost(who) {
                return Err(format!("I-3: two records of one: {who:?} {is:?}"));
            }
            self.lives(run, who, was, is, told, sure)
                .map_err(|what| format!("{who:?}: {what}"))?;
            for side in 0..2 {
                note(&mut notes, who, side, &was[side], &is[side]);
            }
            for field in 0..who.fields() {
                self.field(run, who, field, (was, is), (before, after), told, sure)
                    .map_err(|what| format!("{who:?} field {field}: {what}"))?;
            }
            self.slept(who, is, told);
        }
        let excused = |(who, error): &(Option<Who>, String)| {
            let lost = who
                .as_ref()
                .is_some_and(|who| self.sleep(who) == Sleep::Lost);
            lost || purged && error.contains(SILENCE)
        };
        let mut errors = told.errors.iter().filter(|one| !excused(one));
        if sure && let Some((_, error)) = errors.next() {
            return Err(format!("an error in a healthy world: {error}"));
        }
        if !run.whole {
            self.waits_until = now + SETTLES;
        }
        if let Some(number) = run.number {
            self.runs.insert(number, notes);
        }
        Ok(())
    }

    /// HubSpot's index may not show what happened to the record last.
    fn hidden(&self, run: &Run, hubspot: &Option<Record>) -> bool {
        let fresh = |record: &Record| record.touched + self.lag > run.began;
        hubspot.as_ref().is_some_and(fresh)
    }

    /// What became of a field.
    #[expect(clippy::too_many_arguments, reason = "a run, a field, and two worlds")]
    fn field(
        &mut self,
        run: &Run,
        who: &Who,
        field: usize,
        (was, is): (&[Option<Record>; 2], &[Option<Record>; 2]),
        (before, after): (&Snapshot, &Snapshot),
        told: &Told,
        sure: bool,
    ) -> Result<(), String> {
        let at = |records: &[Option<Record>; 2]| {
            records
                .each_ref()
                .map(|record| record.as_ref().map(|record| record.values[field].clone()))
        };
        let (had, has) = (at(was), at(is));
        if self.sleep(who) == Sleep::Lost {
            return Ok(());
        }
        if self.outside(who, was) && had.iter().all(Option::is_some) {
            return self.left(who, field, (&had, &has), run.whole);
        }
        let again = self.may_make_again(who, was) && is.iter().all(Option::is_some);
        if self.rests(who) && !again || is.iter().any(Option::is_none) {
            // A record that was deleted holds nothing any more.
            let kept = had
                .iter()
                .zip(&has)
                .all(|(had, has)| had == has || has.is_none());
            return match kept {
                true => Ok(()),
                false if self.still_shown(run, who, field, &has) => Ok(()),
                false => Err(format!(
                    "written though nothing is linked: {had:?} -> {has:?}"
                )),
            };
        }
        let has = has.map(Option::unwrap_or_default);
        let broken = who.is_reference(field) && !self.firms_are_pairs(before, after, was, is);
        let may: BTreeSet<Outcome> = match had {
            [Some(ref s), Some(ref h)] => {
                let values = [s.clone(), h.clone()];
                let times = self.times(who, field, was);
                let rule = self.rule(who, field);
                let blind = !sure
                    || self.sleep(who) == Sleep::Waking
                    || self.hidden(run, &was[HUBSPOT])
                    || broken
                    || who.is_reference(field) && !run.full;
                let mut may = BTreeSet::new();
                for belief in self.beliefs(who, field) {
                    let mut whole = field::outcomes(&belief, &values, rule, &times);
                    whole.extend(self.stale(run, who, &belief, &values, rule, &times, was, field));
                    if blind {
                        may.extend(field::interrupted(&belief, &values, whole));
                    } else {
                        may.extend(whole);
                    }
                }
                may
            }
            _ => made(&had, &has, was, field, broken),
        };
        let key = (who.clone(), field);
        let (open, kept) = (told.open.contains(&key), told.kept.contains(&key));
        let fits = |one: &&Outcome| {
            one.values == has && one.open.is_none_or(|one| one == open) && (!one.kept || kept)
        };
        let found: BTreeSet<Belief> = may
            .iter()
            .filter(fits)
            .map(|one| one.belief.clone())
            .collect();
        if found.is_empty() {
            return Err(format!(
                "{had:?} became {has:?} (open {open}, kept {kept}); believed {:?}; allowed {may:#?}",
                self.beliefs(who, field)
            ));
        }
        self.believe(who, field, found);
        Ok(())
    }

    /// Outcomes of a HubSpot record whose index is behind: a value that it held a moment ago may travel.
    #[expect(clippy::too_many_arguments, reason = "a field with its whole context")]
    fn stale(
        &self,
        run: &Run,
        who: &Who,
        belief: &Belief,
        values: &[Text; 2],
        rule: Rule,
        times: &Times,
        was: &[Option<Record>; 2],
        field: usize,
    ) -> Vec<Outcome> {
        let now = was[HUBSPOT].iter().map(|record| &record.lately[field]);
        let merged = self.merged_away(run, who);
        let before = merged.map(|record| &record.lately[field]).into_iter();
        let held = merged.map(|record| &record.values[field]);
        let lately = now.chain(before).flatten().chain(held);
        let mut may = Vec::new();
        for old in lately.filter(|_| self.hidden(run, &was[HUBSPOT])) {
            let seen = [values[0].clone(), old.clone()];
            let found = field::outcomes(belief, &seen, rule, times).into_iter();
            // Before HubSpot is written to it is read.
            may.extend(
                found
                    .filter(|one| one.values[HUBSPOT] == *old)
                    .map(|one| Outcome {
                        values: [one.values[0].clone(), values[HUBSPOT].clone()],
                        open: None,
                        ..one
                    }),
            );
        }
        may
    }

    fn times(&self, who: &Who, field: usize, was: &[Option<Record>; 2]) -> Times {
        let [Some(s), Some(h)] = was else {
            return Times::unknown();
        };
        if who.is_reference(field) {
            // HubSpot tells no time of an association.
            return Times::unknown();
        }
        Times {
            edited: [s.edited[field], h.edited[field]],
            touched: s.touched,
            made: s.made,
        }
    }

    /// Whether each firm that a person names is on both sides: a reference to another waits (14.1).
    fn firms_are_pairs(
        &self,
        before: &Snapshot,
        after: &Snapshot,
        was: &[Option<Record>; 2],
        is: &[Option<Record>; 2],
    ) -> bool {
        let mut named = was
            .iter()
            .chain(is)
            .flatten()
            .filter_map(|one| one.values[FIRM].clone());
        let whole = |world: &Snapshot, key: &str| {
            let firm = Who::firm(key);
            let there = world.get(&firm);
            there.is_some_and(|both| both.iter().all(Option::is_some)) && !self.rests(&firm)
        };
        named.all(|key| whole(before, &key) && whole(after, &key))
    }
}

impl Times {
    /// Nobody can tell who was first.
    fn unknown() -> Times {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        Times {
            edited: [at, at],
            touched: at,
            made: at,
        }
    }
}

fn note(notes: &mut Notes, who: &Who, side: usize, was: &Option<Record>, is: &Option<Record>) {
    match (was, is) {
        (None, Some(is)) => {
            notes.made.insert((who.clone(), side), is.values.clone());
        }
        (Some(was), Some(is)) => {
            for field in 0..who.fields() {
                if was.values[field] != is.values[field] {
                    let change = (was.values[field].clone(), is.values[field].clone());
                    notes.wrote.insert((who.clone(), side, field), change);
                }
            }
        }
        _ => {}
    }
}
