//! What taking back a run may do (docs/design/sync-semantics.md 19.1).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{FIRM, HUBSPOT, Kind, Notes, Oracle, Record, SIDES, Sleep, Snapshot, Who};
use crate::field::Text;

impl Oracle {
    /// A run was taken back: was that allowed (19.1)?
    pub fn took_back(
        &mut self,
        run: u64,
        before: &Snapshot,
        after: &Snapshot,
    ) -> Result<(), String> {
        let notes = self.runs.get(&run).cloned().unwrap_or_default();
        let all: BTreeSet<&Who> = before.keys().chain(after.keys()).collect();
        let none = [None, None];
        for who in all {
            let was = before.get(who).unwrap_or(&none);
            let is = after.get(who).unwrap_or(&none);
            for (side, named) in SIDES.iter().enumerate() {
                self.took_back_record(&notes, who, side, was, is)
                    .map_err(|what| format!("undo of {run}, {who:?} on {named}: {what}"))?;
            }
        }
        Ok(())
    }

    fn took_back_record(
        &mut self,
        notes: &Notes,
        who: &Who,
        side: usize,
        was: &[Option<Record>; 2],
        is: &[Option<Record>; 2],
    ) -> Result<(), String> {
        if self.sleep(who) == Sleep::Lost {
            return Ok(());
        }
        let away = self.is_away(was);
        let mine = notes.made.get(&(who.clone(), side));
        let (was, is) = match (&was[side], &is[side]) {
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err("it was made".into()),
            (Some(was), None) => {
                // Whom it was tied to in HubSpot since would be lost with it.
                let as_left = |left: &&Vec<Text>| {
                    side != HUBSPOT || who.kind == Kind::Firm || left[FIRM] == was.values[FIRM]
                };
                return match mine.is_some_and(|left| as_left(&left))
                    && !edited_since(was, notes.ended)
                {
                    true => {
                        self.pairs.entry(who.clone()).or_default().sleep = Sleep::TakenBack;
                        Ok(())
                    }
                    false => Err("I-13: a record is gone that the run did not make, or that was edited since".into()),
                };
            }
            (Some(was), Some(is)) => (was, is),
        };
        let fresh = mine == Some(&was.values) && was.others <= notes.ended;
        let awake = self.sleep(who) == Sleep::Awake && !away && !self.was_merged(who);
        if fresh && awake && notes.whole && who.kind == Kind::Person {
            return Err("I-13: what the run made is still there".into());
        }
        for field in 0..who.fields() {
            let wrote = notes.wrote.get(&(who.clone(), side, field));
            let (had, has) = (&was.values[field], &is.values[field]);
            let may_stay = match wrote {
                None => true,
                Some((before, left)) => {
                    left != had
                        || before == had
                        || !notes.whole
                        || !awake
                        || who.is_reference(field)
                }
            };
            let back = wrote.is_some_and(|(before, left)| left == had && before == has);
            if had == has && may_stay {
                continue;
            }
            if !back {
                return Err(format!(
                    "I-13: field {field}: {had:?} became {has:?}; the run had written {wrote:?}"
                ));
            }
            // The source's base stays where it is: what it holds is no change.
            let beliefs = self
                .beliefs(who, field)
                .into_iter()
                .map(|mut belief| {
                    belief.base[side] = Some(has.clone());
                    belief
                })
                .collect();
            self.believe(who, field, beliefs);
        }
        Ok(())
    }
}

fn edited_since(record: &Record, then: DateTime<Utc>) -> bool {
    record.edited.iter().any(|edited| *edited > then)
}
