//! The field merge: what one field pair of one link needs, or a group of pairs that merges as one tuple
//! (docs/design/sync-semantics.md 7, 8). Pure; what a pair's transforms do comes in through [`Lens`], so that this module
//! knows none of them.

mod choice;
mod member;
mod set;
mod strategy;
mod table;
mod times;

use super::canon::Canon;
use super::{BaseField, Choice, ErrorCategory, FieldPair, Side, Value};

pub use set::{ElementInput, Step, merge_element};
pub use table::{merge_field, merge_tuple};
pub use times::{FieldTimes, GUARD, interval_newer, person_newest};

/// Why a value cannot be put to the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The config says to leave such a value alone, without an error (`otherwise = "ignore"`).
    LeaveAlone,
    /// It cannot be used, for this reason.
    Because(String),
}

/// How the values of a pair are compared and carried over (4). `transform::PairLens` is the one of the product.
pub trait Lens {
    /// The value of one side in the comparison domain; total for every known value.
    fn view(&self, side: Side, raw: &Value) -> Canon;

    /// The raw value to write to `target`, from the other side's value and what the target holds.
    fn put(&self, target: Side, source: &Value, old: &Value) -> Result<Value, Refusal>;
}

/// All that the merge of one field looks at.
#[derive(Clone, Copy, Debug)]
pub struct MergeInput<'a> {
    /// The pair. References and owners come with their values translated to a neutral token.
    pub pair: &'a FieldPair,
    /// Salesforce's current raw value.
    pub s: &'a Value,
    /// HubSpot's current raw value.
    pub h: &'a Value,
    /// The base; `None` is the same as one without values: never settled.
    pub base: Option<&'a BaseField>,
    /// The times, as far as they are known.
    pub times: FieldTimes,
    /// A person's choice, valid for the values given.
    pub resolution: Option<&'a Choice>,
}

/// What to do about a field; of a group, `V` is one value for each member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<V = Value> {
    /// Nothing, and the base stays.
    Nothing,
    /// No write; the base of both sides moves to their current raw values.
    Settle {
        /// Settled although not equal.
        diverged: bool,
    },
    /// Write to one side. Once confirmed, its base moves to what was read back and the other side's to its current value.
    Write {
        /// The side written to.
        to: Side,
        /// The raw value.
        value: V,
        /// The rule that chose it.
        rule: &'static str,
    },
    /// Write both sides (a typed value, the base, a union). A side that holds its value already needs no write.
    WriteBoth {
        /// Salesforce's new raw value.
        s: V,
        /// HubSpot's.
        h: V,
        /// The rule that chose them.
        rule: &'static str,
    },
    /// A person decides; the field is frozen on both sides meanwhile.
    Conflict {
        /// The side that seems newer or is the source, if any.
        suggest: Option<Side>,
        /// Why no rule decides, in a sentence.
        why: String,
        /// The rule that asked.
        rule: &'static str,
    },
    /// The field is in error; nothing is written and the base stays, so it is tried again.
    Error {
        /// Which member of a group it is; 0 for a field by itself.
        member: usize,
        /// The side whose value cannot be used.
        side: Side,
        /// Why, in a sentence.
        message: String,
        /// The value.
        value: Value,
        /// `Permission` for a value that was not readable, else `Transform`.
        category: ErrorCategory,
    },
    /// Only times decide and they are not known: call again with `FieldTimes::looked_up`.
    NeedsTimes,
}

/// What a rule decided about two values of which one had to go (I-2): kept as a conflict item of severity info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<V = Value> {
    /// The side whose value stays; `None` for a union that is neither side's.
    pub winner: Option<Side>,
    /// The rule.
    pub rule: &'static str,
    /// The value that went (for a union: HubSpot's).
    pub loser: V,
}

/// The outcome for one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOutcome<V = Value> {
    /// The row of the merge table: `F0` to `F11`.
    pub row: &'static str,
    /// What to do.
    pub action: Action<V>,
    /// Set wherever a rule chose between two values.
    pub record: Option<Decided<V>>,
}

/// The outcome for a group of fields: one action for the tuple, with a value for each member.
pub type TupleOutcome = FieldOutcome<Vec<Value>>;

impl TupleOutcome {
    /// What the outcome is for one member. A member that holds its value already is written to all the same in these terms.
    pub fn member(&self, at: usize) -> FieldOutcome {
        let one = |values: &Vec<Value>| values.get(at).cloned().unwrap_or_default();
        FieldOutcome {
            row: self.row,
            action: match &self.action {
                Action::Nothing => Action::Nothing,
                Action::Settle { diverged } => Action::Settle {
                    diverged: *diverged,
                },
                Action::Write { to, value, rule } => Action::Write {
                    to: *to,
                    value: one(value),
                    rule,
                },
                Action::WriteBoth { s, h, rule } => Action::WriteBoth {
                    s: one(s),
                    h: one(h),
                    rule,
                },
                Action::Conflict { suggest, why, rule } => Action::Conflict {
                    suggest: *suggest,
                    why: why.clone(),
                    rule,
                },
                Action::Error {
                    member,
                    side,
                    message,
                    value,
                    category,
                } => Action::Error {
                    member: *member,
                    side: *side,
                    message: message.clone(),
                    value: value.clone(),
                    category: *category,
                },
                Action::NeedsTimes => Action::NeedsTimes,
            },
            record: self.record.as_ref().map(|decided| Decided {
                winner: decided.winner,
                rule: decided.rule,
                loser: one(&decided.loser),
            }),
        }
    }
}
