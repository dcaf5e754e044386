//! The second formulation: a decision list written from docs/design/sync-semantics.md 7 and 8. It knows no values, only what
//! holds of them: what is equal, blank, moved, higher, refused.

use syncline::domain::{BlankPolicy, Direction, ForeignEdit, PerSide, Side};

use Side::{HubSpot as H, Salesforce as S};

/// The rules of a case.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub direction: Direction,
    pub strategy: &'static [Strategy],
    pub blanks: BlankPolicy,
    pub foreign: ForeignEdit,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Strategy {
    Salesforce,
    HubSpot,
    Ask,
    NewerUnclear,
    NewerSalesforce,
    NewerHubSpot,
    NonBlank,
    Max,
    Min,
    Union,
}

/// What holds of the values of a field, or of a group of fields.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// A value is not known.
    pub unknown: bool,
    /// Both sides mean the same.
    pub equal: bool,
    pub blank: PerSide<bool>,
    /// No side has a base.
    pub first: bool,
    /// One side has no base, and the two differ.
    pub half: bool,
    /// Differs from the base of its side, a missing one being blank.
    pub moved: PerSide<bool>,
    /// Cannot be carried over from this side.
    pub refused: PerSide<bool>,
    /// How the sides' values are ordered, where they are.
    pub order: Option<std::cmp::Ordering>,
    /// The same of stages that only rise.
    pub stages: Option<std::cmp::Ordering>,
    /// Both are sets: which side holds the union, if either does.
    pub union: Option<Option<Side>>,
}

/// What the document says, without values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Said {
    Nothing,
    Settle,
    Diverged,
    Write(Side),
    WriteBoth,
    Conflict,
    Error,
}

fn larger(order: Option<std::cmp::Ordering>) -> Option<Side> {
    match order? {
        std::cmp::Ordering::Greater => Some(S),
        std::cmp::Ordering::Less => Some(H),
        std::cmp::Ordering::Equal => None,
    }
}

/// The decision list: what is to happen, and whether a rule chose between two values.
pub fn said(facts: &Facts, rules: &Rules) -> (Said, bool) {
    if facts.unknown {
        return (Said::Error, false);
    }
    let may = |side: Side| rules.direction.allows(side);
    let blank = |side: Side| *facts.blank.get(side);
    let carry = |from: Side| {
        if *facts.refused.get(from) {
            Said::Error
        } else {
            Said::Write(from.other())
        }
    };
    // What carrying a side's value over comes to, and whether stages turned it round.
    let with_policy = |from: Side| {
        if larger(facts.stages) == Some(from.other()) {
            return if may(from) {
                (carry(from.other()), true)
            } else {
                (Said::Diverged, false)
            };
        }
        if !blank(from) || blank(from.other()) || rules.blanks == BlankPolicy::Propagate {
            return (carry(from), false);
        }
        match rules.blanks {
            BlankPolicy::PreferNonBlank if may(from) => (carry(from.other()), false),
            _ => (Said::Diverged, false),
        }
    };
    let chosen = |winner: Side| {
        let (result, _) = with_policy(winner);
        (result, result != Said::Error)
    };
    let both_differ = || {
        if let Some(source) = [S, H].into_iter().find(|side| !may(*side)) {
            return chosen(source);
        }
        if let Some(higher) = larger(facts.stages) {
            return chosen(higher);
        }
        for strategy in rules.strategy {
            let winner = match strategy {
                Strategy::Ask => break,
                Strategy::Salesforce | Strategy::NewerSalesforce => Some(S),
                Strategy::HubSpot | Strategy::NewerHubSpot => Some(H),
                Strategy::NewerUnclear => None,
                Strategy::NonBlank => match (blank(S), blank(H)) {
                    (true, false) => Some(H),
                    (false, true) => Some(S),
                    _ => None,
                },
                Strategy::Max => larger(facts.order),
                Strategy::Min => larger(facts.order).map(Side::other),
                Strategy::Union => match facts.union {
                    Some(None) => return (Said::WriteBoth, true),
                    Some(Some(holder)) => return (carry(holder), true),
                    None => None,
                },
            };
            if let Some(winner) = winner {
                return chosen(winner);
            }
        }
        (Said::Conflict, false)
    };

    let first_sight = || {
        if facts.equal {
            return (Said::Settle, false);
        }
        if blank(S) == blank(H) {
            return both_differ();
        }
        let empty = if blank(S) { S } else { H };
        if may(empty) {
            (carry(empty.other()), false)
        } else {
            (Said::Diverged, false)
        }
    };
    if facts.first {
        return first_sight();
    }
    let edited = match (facts.moved.salesforce, facts.moved.hubspot) {
        (false, false) if facts.half && blank(S) != blank(H) => return first_sight(),
        (false, false) => return (Said::Nothing, false),
        _ if facts.equal => return (Said::Settle, false),
        (true, true) => return both_differ(),
        (true, false) => S,
        (false, true) => H,
    };
    if may(edited.other()) {
        return with_policy(edited);
    }
    match rules.foreign {
        ForeignEdit::Ignore => (Said::Diverged, false),
        ForeignEdit::Report => (Said::Conflict, false),
        ForeignEdit::Revert => chosen(edited.other()),
    }
}
