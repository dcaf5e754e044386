//! When refusals and nonsense stop being about single records (docs/design/sync-semantics.md 17, 18 error rate). Pure.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::{MappingId, ValveHit};

/// Ops that are looked back over.
const WINDOW: usize = 200;
/// Fewer ops than this say nothing about a mapping.
const ENOUGH: usize = 20;
/// Answers of a vendor that cannot be understood before a mapping is halted.
const BUGS: u32 = 2;

/// How an op ended, as far as this is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Applied, unanswered, or refused with the name of a record that is the same: no failure.
    Fine,
    /// Refused with this code.
    Refused(String),
}

/// Why nothing more is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The mapping that alone is halted; `None`: the run.
    pub(super) mapping: Option<MappingId>,
    /// What tripped, with the sentence for people.
    pub(super) hit: ValveHit,
}

/// No confirm helps against it.
fn hit(
    valve: &str,
    mapping: &MappingId,
    (found, limit): (usize, usize),
    message: String,
) -> ValveHit {
    ValveHit {
        valve: valve.to_owned(),
        mapping: mapping.clone(),
        found: found as u64,
        limit: limit as u64,
        message,
        confirmable: false,
    }
}

/// The last ops of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Circuit {
    all: VecDeque<bool>,
    last: Option<MappingId>,
    mappings: BTreeMap<MappingId, One>,
}

#[derive(Clone, Debug, Default)]
struct One {
    recent: VecDeque<Outcome>,
    bugs: u32,
}

impl Circuit {
    /// Notes how an op of a mapping ended.
    pub(super) fn note(&mut self, mapping: &MappingId, outcome: Outcome) {
        self.all.push_back(outcome != Outcome::Fine);
        if self.all.len() > WINDOW {
            self.all.pop_front();
        }
        self.last = Some(mapping.clone());
        let one = self.mappings.entry(mapping.clone()).or_default();
        one.recent.push_back(outcome);
        if one.recent.len() > WINDOW {
            one.recent.pop_front();
        }
    }

    /// Notes an answer that could not be understood.
    pub(super) fn bug(&mut self, mapping: &MappingId) {
        self.mappings.entry(mapping.clone()).or_default().bugs += 1;
    }

    /// Why nothing more is to be sent, if so: a mapping's own trouble before the run's.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.mappings
            .iter()
            .find_map(|(mapping, one)| one.trouble(mapping))
            .or_else(|| self.error_rate())
    }

    /// A mapping is halted: what it met is no part of what the others meet.
    pub(super) fn forget(&mut self, mapping: &MappingId) {
        self.mappings.remove(mapping);
        self.all.clear();
    }

    fn error_rate(&self) -> Option<Trouble> {
        let failed = self.all.iter().filter(|failed| **failed).count();
        (self.all.len() == WINDOW && failed * 5 > WINDOW).then(|| Trouble {
            mapping: None,
            hit: hit(
                "error_rate",
                &self.last.clone().unwrap_or_else(|| MappingId(String::new())),
                (failed, WINDOW / 5),
                format!(
                    "{failed} of the last {WINDOW} writes were refused; nothing more is sent until someone has looked at Errors"
                ),
            ),
        })
    }
}

impl One {
    fn trouble(&self, mapping: &MappingId) -> Option<Trouble> {
        let halted = |valve: &str, counts: (usize, usize), reason: String| Trouble {
            mapping: Some(mapping.clone()),
            hit: hit(valve, mapping, counts, format!("{mapping}: {reason}")),
        };
        if self.bugs >= BUGS {
            let bugs = self.bugs as usize;
            let reason = format!(
                "{bugs} answers could not be understood; what was sent is looked up by the next run. Please report it with the log file"
            );
            return Some(halted("bugs", (bugs, BUGS as usize - 1), reason));
        }
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for outcome in &self.recent {
            if let Outcome::Refused(code) = outcome {
                *codes.entry(code).or_default() += 1;
            }
        }
        let (code, count) = codes.into_iter().max_by_key(|(_, count)| *count)?;
        let all = self.recent.len();
        (all >= ENOUGH && count * 2 > all).then(|| {
            let reason = format!(
                "{count} of {all} records were refused with {code}: that is not about single records; run `syncline check`"
            );
            halted("one_refusal", (count, all / 2), reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mapping, how many ops, and the code they were refused with.
    type Ops<'a> = (&'a str, usize, Option<&'a str>);
    /// What happened, and what is halted: nothing, the run, or a mapping.
    type Row<'a> = (&'a [Ops<'a>], Option<Option<&'a str>>);

    fn circuit(ops: &[Ops]) -> Circuit {
        let mut circuit = Circuit::default();
        for (mapping, count, code) in ops {
            for _ in 0..*count {
                let outcome = code.map_or(Outcome::Fine, |code| Outcome::Refused(code.into()));
                circuit.note(&(*mapping).into(), outcome);
            }
        }
        circuit
    }

    #[test]
    fn one_code_for_more_than_half_of_twenty_halts_its_mapping_and_a_fifth_of_two_hundred_the_run()
    {
        let rows: [Row; 10] = [
            (&[("a", 19, Some("X"))], None),
            (&[("a", 100, None), ("a", 100, Some("X"))], Some(None)),
            (&[("a", 20, Some("X"))], Some(Some("a"))),
            (&[("a", 10, None), ("a", 10, Some("X"))], None),
            (&[("a", 10, None), ("a", 11, Some("X"))], Some(Some("a"))),
            (&[("a", 10, Some("Y")), ("a", 10, Some("X"))], None),
            (&[("a", 19, None), ("b", 19, Some("X"))], None),
            (&[("a", 300, None), ("a", 40, Some("X"))], None),
            (&[("a", 300, None), ("a", 41, Some("X"))], Some(None)),
            (&[("a", 300, None), ("a", 101, Some("X"))], Some(Some("a"))),
        ];
        for (ops, want) in rows {
            let got = circuit(ops).trouble().map(|trouble| trouble.mapping);
            assert_eq!(got, want.map(|name| name.map(MappingId::from)), "{ops:?}");
        }
    }

    #[test]
    fn what_trips_says_what_was_found_and_what_the_limit_is() {
        let told = |ops: &[Ops]| {
            let hit = circuit(ops).trouble().unwrap().hit;
            (hit.valve, hit.found, hit.limit, hit.confirmable)
        };
        let one = told(&[("a", 10, None), ("a", 12, Some("X"))]);
        assert_eq!(one, ("one_refusal".to_owned(), 12, 11, false));
        let all = told(&[("a", 300, None), ("a", 41, Some("X"))]);
        assert_eq!(all, ("error_rate".to_owned(), 41, 40, false));
        let mut bugs = Circuit::default();
        bugs.bug(&"a".into());
        bugs.bug(&"a".into());
        let hit = bugs.trouble().unwrap().hit;
        assert_eq!((hit.valve.as_str(), hit.found, hit.limit), ("bugs", 2, 1));
    }

    #[test]
    fn two_answers_that_make_no_sense_halt_their_mapping() {
        let mut circuit = Circuit::default();
        circuit.bug(&"a".into());
        circuit.bug(&"b".into());
        assert_eq!(circuit.trouble(), None);
        circuit.bug(&"b".into());
        assert_eq!(
            circuit.trouble().and_then(|one| one.mapping),
            Some("b".into())
        );
        circuit.forget(&"b".into());
        assert_eq!(circuit.trouble(), None);
    }
    #[test]
    fn what_a_halted_mapping_met_does_not_count_against_the_run() {
        let mut circuit = circuit(&[("a", 300, None), ("a", 101, Some("X"))]);
        circuit.forget(&"a".into());
        assert_eq!(circuit.trouble(), None);
        for _ in 0..99 {
            circuit.note(&"b".into(), Outcome::Fine);
        }
        assert_eq!(circuit.trouble(), None, "two hundred are counted anew");
    }
}
