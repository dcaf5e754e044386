//! Conflict strategies (docs/design/sync-semantics.md 8): a list of rules, the first that decides wins.

use super::times::{interval_newer, person_newest};
use super::{Canon, MergeInput};
use crate::domain::{ConflictRule, Side, Value};

/// What the list of rules says.
pub(super) enum Verdict {
    /// This side's value stays.
    Winner(Side, &'static str),
    /// The union of both sets, as text.
    Union(Value),
    /// Nobody decides.
    Ask {
        suggest: Option<Side>,
        why: String,
        rule: &'static str,
    },
    /// The times are needed.
    NeedsTimes,
}

/// The name of a rule, as in the config.
fn name(rule: ConflictRule) -> &'static str {
    match rule {
        ConflictRule::LastWriteWins => "last_write_wins",
        ConflictRule::Salesforce => "salesforce",
        ConflictRule::HubSpot => "hubspot",
        ConflictRule::Ask => "ask",
        ConflictRule::NonBlank => "non_blank",
        ConflictRule::Max => "max",
        ConflictRule::Min => "min",
        ConflictRule::Union => "union",
    }
}

/// Why a rule that was tried does not decide.
fn why_not(rule: ConflictRule, input: &MergeInput) -> String {
    let times = &input.times;
    match rule {
        ConflictRule::LastWriteWins if times.h_changed_at.is_none() => {
            "HubSpot does not tell when its value was changed".to_owned()
        }
        ConflictRule::LastWriteWins if times.s_modified_at.is_none() => {
            "Salesforce does not tell when its record was changed".to_owned()
        }
        ConflictRule::LastWriteWins => {
            "the HubSpot change lies within the time in which the Salesforce field may have changed"
                .to_owned()
        }
        ConflictRule::NonBlank => "both sides have a value".to_owned(),
        ConflictRule::Max | ConflictRule::Min => "the two values have no order".to_owned(),
        ConflictRule::Union => "the two values are not sets".to_owned(),
        ConflictRule::Ask | ConflictRule::Salesforce | ConflictRule::HubSpot => {
            "the rule for this field is to ask".to_owned()
        }
    }
}

/// Tries the pair's rules in turn on two values that differ.
pub(super) fn decide(input: &MergeInput, s: &Canon, h: &Canon) -> Verdict {
    let mut last = ConflictRule::Ask;
    for rule in &input.pair.conflict {
        last = *rule;
        let winner = match rule {
            ConflictRule::Salesforce => Some(Side::Salesforce),
            ConflictRule::HubSpot => Some(Side::HubSpot),
            ConflictRule::Ask => break,
            ConflictRule::LastWriteWins => {
                if input.times.h_changed_at.is_none() && !input.times.looked_up {
                    return Verdict::NeedsTimes;
                }
                interval_newer(&input.times)
            }
            ConflictRule::NonBlank => match (s.is_null(), h.is_null()) {
                (true, false) => Some(Side::HubSpot),
                (false, true) => Some(Side::Salesforce),
                _ => None,
            },
            ConflictRule::Max => larger(s, h),
            ConflictRule::Min => larger(s, h).map(Side::other),
            ConflictRule::Union => match (s, h) {
                (Canon::EnumSet(left), Canon::EnumSet(right)) => {
                    let union = Canon::EnumSet(left.union(right).cloned().collect());
                    return Verdict::Union(Value::text(union.render()));
                }
                _ => None,
            },
        };
        if let Some(winner) = winner {
            return Verdict::Winner(winner, name(*rule));
        }
    }
    Verdict::Ask {
        suggest: person_newest(&input.times),
        why: format!(
            "Both sides have another value and {}.",
            why_not(last, input)
        ),
        rule: name(last),
    }
}

/// The side with the larger number, date or moment.
fn larger(s: &Canon, h: &Canon) -> Option<Side> {
    let ordered = matches!(
        (s, h),
        (Canon::Dec(_), Canon::Dec(_))
            | (Canon::Date(_), Canon::Date(_))
            | (Canon::Instant(_), Canon::Instant(_))
            | (Canon::Bool(_), Canon::Bool(_))
    );
    match s.cmp(h) {
        _ if !ordered => None,
        std::cmp::Ordering::Greater => Some(Side::Salesforce),
        std::cmp::Ordering::Less => Some(Side::HubSpot),
        std::cmp::Ordering::Equal => None,
    }
}
