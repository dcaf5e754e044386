//! What may become of one field of a linked pair in a run: sections 7 and 8 of docs/design/sync-semantics.md, read naively. Nothing
//! of the engine's code is used; the whole answer is a set, as the engine does not know everything that is known here.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::steps::Rule;

/// A value; blank is none.
pub type Text = Option<String>;

/// What one run may take for the time of an edit is not exact: Salesforce tells whole seconds of whole records.
const BLUR: TimeDelta = TimeDelta::seconds(5);

/// What a person chose for a field in conflict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chosen {
    /// Both values as they were shown.
    pub seen: [Text; 2],
    /// What both shall hold; none: the two stay as they are.
    pub value: Option<Text>,
}

/// What may be settled about a field: last settled values by side (none where it never was), and a choice not carried out yet.
/// Where a run was cut off there are several of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Belief {
    pub base: [Option<Text>; 2],
    pub chosen: Option<Chosen>,
}

impl Belief {
    pub fn settled(values: &[Text; 2]) -> Belief {
        Belief {
            base: values.clone().map(Some),
            chosen: None,
        }
    }
}

/// Which of the two, by the sides' order.
const S: usize = 0;
const H: usize = 1;

/// When the field's and the record's history was.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The last edit of the field by anyone but us, by side.
    pub edited: [DateTime<Utc>; 2],
    /// The last version of the Salesforce record by anyone.
    pub touched: DateTime<Utc>,
    /// When the Salesforce record was made.
    pub made: DateTime<Utc>,
}

/// One thing that a run may do with a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    pub values: [Text; 2],
    pub belief: Belief,
    /// Whether a conflict is open afterwards, where that is known.
    pub open: Option<bool>,
    /// A conflict is kept for the record: a rule decided between two edits.
    pub kept: bool,
}

/// Everything that a whole run may do with a field that it looked at.
pub fn outcomes(
    belief: &Belief,
    values: &[Text; 2],
    rule: Rule,
    times: &Times,
) -> BTreeSet<Outcome> {
    match &belief.chosen {
        Some(chosen) if chosen.seen == *values => BTreeSet::from([carried_out(chosen, values)]),
        _ => merged(belief, values, rule, times),
    }
}

fn settle(values: [Text; 2]) -> Outcome {
    Outcome {
        belief: Belief::settled(&values),
        values,
        open: Some(false),
        kept: false,
    }
}

fn both(value: &Text) -> Outcome {
    settle([value.clone(), value.clone()])
}

fn carried_out(chosen: &Chosen, values: &[Text; 2]) -> Outcome {
    match &chosen.value {
        Some(value) => both(value),
        None => settle(values.clone()),
    }
}

fn merged(belief: &Belief, values: &[Text; 2], rule: Rule, times: &Times) -> BTreeSet<Outcome> {
    let [s, h] = values;
    let first = belief.base == [None, None];
    // F11: a base that one side lacks counts as blank.
    let base = belief.base.clone().map(Option::unwrap_or_default);
    let changed = [*s != base[S], *h != base[H]];
    let one = |outcome| BTreeSet::from([outcome]);
    match (first, changed) {
        // F8, F2, F3, F6.
        _ if s == h && (first || changed[S] || changed[H]) => one(both(s)),
        // F9.
        (true, _) if s.is_none() => one(both(h)),
        (true, _) if h.is_none() => one(both(s)),
        // F10.
        (true, _) => decided(belief, values, &winners(rule, times, times.made), false),
        // F11: nothing accepted that a side which has no base is blank.
        (false, [false, false]) if belief.base[S].is_none() && s != h => one(both(h)),
        (false, [false, false]) if belief.base[H].is_none() && s != h => one(both(s)),
        // F1.
        (false, [false, false]) => one(Outcome {
            values: values.clone(),
            belief: Belief {
                chosen: None,
                ..belief.clone()
            },
            open: Some(false),
            kept: false,
        }),
        // F4, F5.
        (false, [true, false]) => one(both(s)),
        (false, [false, true]) => one(both(h)),
        // F7.
        (false, [true, true]) => {
            let since = DateTime::<Utc>::MIN_UTC;
            let mut may = decided(belief, values, &winners(rule, times, since), true);
            if belief.base.iter().any(Option::is_none) {
                // F11: it counts as at a first sync (12.4).
                let first = winners(rule, times, times.made);
                may.extend(decided(belief, values, &first, false));
            }
            may
        }
    }
}

/// Who may win; none of the two: a person is asked.
fn winners(rule: Rule, times: &Times, known_since: DateTime<Utc>) -> Vec<Option<usize>> {
    match rule {
        Rule::Salesforce => vec![Some(S)],
        Rule::HubSpot => vec![Some(H)],
        Rule::Ask => vec![None],
        Rule::Newest => {
            let [s, h] = times.edited;
            if h > times.touched + BLUR {
                return vec![Some(H)];
            }
            if h + BLUR < known_since {
                return vec![Some(S)];
            }
            let mut may = vec![None];
            may.extend((s + BLUR >= h).then_some(Some(S)));
            may.extend((h + BLUR >= s).then_some(Some(H)));
            may
        }
    }
}

fn decided(
    belief: &Belief,
    values: &[Text; 2],
    winners: &[Option<usize>],
    keeps: bool,
) -> BTreeSet<Outcome> {
    let outcome = |winner: &Option<usize>| match winner {
        Some(side) => Outcome {
            kept: keeps,
            ..both(&values[*side])
        },
        None => Outcome {
            values: values.clone(),
            belief: Belief {
                chosen: None,
                ..belief.clone()
            },
            open: Some(true),
            kept: false,
        },
    };
    winners.iter().map(outcome).collect()
}

/// What a run that was cut off may leave of that: nothing done, or done and not known to be.
pub fn interrupted(
    belief: &Belief,
    values: &[Text; 2],
    whole: BTreeSet<Outcome>,
) -> BTreeSet<Outcome> {
    let mut may = BTreeSet::from([undone(belief, values)]);
    for outcome in whole {
        let outcome = Outcome {
            open: None,
            kept: false,
            ..outcome
        };
        may.insert(Outcome {
            belief: belief.clone(),
            ..outcome.clone()
        });
        may.insert(outcome);
    }
    may
}

/// The field was not looked at.
pub fn undone(belief: &Belief, values: &[Text; 2]) -> Outcome {
    Outcome {
        values: values.clone(),
        belief: belief.clone(),
        open: None,
        kept: false,
    }
}
