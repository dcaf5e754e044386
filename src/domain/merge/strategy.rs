//! Conflict strategies (docs/design/sync-semantics.md 8): a list of rules, the first that decides wins.

use super::Canon;
use super::table::Case;
use super::times::{FieldTimes, interval_newer, person_newest};
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
fn why_not(rule: ConflictRule, times: &FieldTimes) -> String {
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

/// Tries the rules in turn on two values that differ. Stages that only rise need none.
pub(super) fn decide(case: &Case<'_>) -> Verdict {
    if let Some(winner) = case.higher() {
        return Verdict::Winner(winner, "monotone");
    }
    let times = combined(case);
    let blank = |side: Side| case.members.iter().all(|one| one.view.get(side).is_null());
    // Only a field by itself has an order or is a set.
    let single = match case.members {
        [one] => Some((&one.view.salesforce, &one.view.hubspot)),
        _ => None,
    };
    let mut last = ConflictRule::Ask;
    for rule in &case.pair().conflict {
        last = *rule;
        let winner = match rule {
            ConflictRule::Salesforce => Some(Side::Salesforce),
            ConflictRule::HubSpot => Some(Side::HubSpot),
            ConflictRule::Ask => break,
            ConflictRule::LastWriteWins => {
                if times.h_changed_at.is_none() && !times.looked_up {
                    return Verdict::NeedsTimes;
                }
                interval_newer(&times)
            }
            ConflictRule::NonBlank => match (blank(Side::Salesforce), blank(Side::HubSpot)) {
                (true, false) => Some(Side::HubSpot),
                (false, true) => Some(Side::Salesforce),
                _ => None,
            },
            ConflictRule::Max => single.and_then(|(s, h)| larger(s, h)),
            ConflictRule::Min => single.and_then(|(s, h)| larger(s, h)).map(Side::other),
            ConflictRule::Union => match single.and_then(|(s, h)| union(s, h)) {
                Some(both) => return Verdict::Union(Value::text(both.render())),
                None => None,
            },
        };
        if let Some(winner) = winner {
            return Verdict::Winner(winner, name(*rule));
        }
    }
    Verdict::Ask {
        suggest: person_newest(&times),
        why: format!(
            "Both sides have another value and {}.",
            why_not(last, &times)
        ),
        rule: name(last),
    }
}

/// The times of a tuple: HubSpot's newest change of those of its fields that moved there, and the earliest moment at which
/// one of those that moved in Salesforce may have changed. A change whose time is not known leaves the tuple's unknown.
fn combined(case: &Case<'_>) -> FieldTimes {
    let mut all = FieldTimes {
        h_changed_at: None,
        s_after: None,
        ..case.first.input.times
    };
    let (mut told_h, mut told_s) = (true, true);
    for (member, moved) in case.members.iter().zip(&case.moved) {
        let times = &member.input.times;
        // What was never set has no version.
        let never = case.at_first && member.raw(Side::HubSpot).is_blank();
        if moved.hubspot && !(never && times.h_changed_at.is_none()) {
            told_h &= times.h_changed_at.is_some();
            all.h_changed_at = all.h_changed_at.max(times.h_changed_at);
        }
        if moved.salesforce {
            told_s &= times.s_after.is_some();
            all.s_after = match (all.s_after, times.s_after) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
    }
    all.h_changed_at = all.h_changed_at.filter(|_| told_h);
    all.s_after = all.s_after.filter(|_| told_s);
    all
}

/// The union of two sets, of which one may be blank.
fn union(s: &Canon, h: &Canon) -> Option<Canon> {
    match (s, h) {
        (Canon::EnumSet(left), Canon::EnumSet(right)) => {
            Some(Canon::EnumSet(left.union(right).cloned().collect()))
        }
        (Canon::EnumSet(_), Canon::Null) => Some(s.clone()),
        (Canon::Null, Canon::EnumSet(_)) => Some(h.clone()),
        _ => None,
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
