//! The merge table F0 to F11 of docs/design/sync-semantics.md 7.

use super::strategy::{Verdict, decide};
use super::{Action, Canon, Decided, FieldOutcome, Lens, MergeInput, Refusal};
use crate::domain::canon::CANON_VERSION;
use crate::domain::{
    BaseValue, BlankPolicy, Direction, ErrorCategory, ForeignEdit, PairKind, PerSide, Side, Value,
    digest128,
};

/// Decides what one field pair of one link needs.
pub fn merge_field(input: &MergeInput, lens: &dyn Lens) -> FieldOutcome {
    // A constant is a source that never changes: its value stands in for the side that has no field.
    let constant = match &input.pair.kind {
        PairKind::Constant { target, value } => Some((target.other(), Value::text(value.clone()))),
        _ => None,
    };
    let mut input = *input;
    if let Some((source, value)) = &constant {
        match source {
            Side::Salesforce => input.s = value,
            Side::HubSpot => input.h = value,
        }
    }
    Case::new(&input, lens).outcome()
}

/// One field under decision, with what is computed once.
pub(super) struct Case<'a> {
    pub(super) input: &'a MergeInput<'a>,
    pub(super) lens: &'a dyn Lens,
    view: PerSide<Canon>,
    pub(super) row: &'static str,
}

/// What the base says about the two sides.
enum Since {
    /// No side was ever settled.
    First,
    /// Which sides changed; the flag is set where only one side had a base (F11).
    Changed(PerSide<bool>, bool),
}

impl<'a> Case<'a> {
    fn new(input: &'a MergeInput<'a>, lens: &'a dyn Lens) -> Self {
        Case {
            input,
            lens,
            view: PerSide {
                salesforce: lens.view(Side::Salesforce, input.s),
                hubspot: lens.view(Side::HubSpot, input.h),
            },
            row: "F0",
        }
    }

    fn outcome(mut self) -> FieldOutcome {
        for side in Side::BOTH {
            if !self.raw(side).is_known() {
                return self.unknown(side);
            }
        }
        let equal = self.view.salesforce == self.view.hubspot;
        if let Some(choice) = self.input.resolution
            && let Some(forced) = self.resolved(choice, equal)
        {
            return forced;
        }
        match self.since() {
            Since::First => self.first(equal),
            Since::Changed(changed, half) => self.changed(changed, half, equal),
        }
    }

    /// Where this pair's values may flow; a constant has one way only.
    pub(super) fn direction(&self) -> Direction {
        match &self.input.pair.kind {
            PairKind::Constant {
                target: Side::Salesforce,
                ..
            } => Direction::ToSalesforce,
            PairKind::Constant { .. } => Direction::ToHubspot,
            _ => self.input.pair.direction,
        }
    }

    fn raw(&self, side: Side) -> &'a Value {
        match side {
            Side::Salesforce => self.input.s,
            Side::HubSpot => self.input.h,
        }
    }

    pub(super) fn end(&self, action: Action) -> FieldOutcome {
        FieldOutcome {
            row: self.row,
            action,
            record: None,
        }
    }

    fn unknown(&self, side: Side) -> FieldOutcome {
        self.end(Action::Error {
            side,
            message: format!(
                "{} was not in {side}'s answer, so nothing is written; let the integration's user read the field",
                self.input.pair.field(side)
            ),
            value: Value::Unknown,
            category: ErrorCategory::Permission,
        })
    }

    fn since(&self) -> Since {
        let Some(base) = self.input.base else {
            return Since::First;
        };
        let mut values = base.values.clone();
        if let PairKind::Constant { target, value } = &self.input.pair.kind
            && values.get(*target).is_some()
        {
            let source = values.get_mut(target.other());
            source.get_or_insert_with(|| BaseValue::Raw(value.clone()));
        }
        let known = PerSide::from_fn(|side| values.get(side).is_some());
        if !known.salesforce && !known.hubspot {
            return Since::First;
        }
        let changed = PerSide::from_fn(|side| match values.get(side) {
            Some(base) => self.differs(side, base),
            None => self.differs(side, &BaseValue::Null),
        });
        Since::Changed(changed, known.salesforce != known.hubspot)
    }

    /// True where a side's value is not its base any more, in the comparison domain (2.1).
    fn differs(&self, side: Side, base: &BaseValue) -> bool {
        let now = self.view.get(side);
        match base {
            BaseValue::Null => *now != self.lens.view(side, &Value::Null),
            BaseValue::Raw(raw) => *now != self.lens.view(side, &Value::text(raw.clone())),
            BaseValue::Hashed {
                raw,
                canon,
                version,
                ..
            } => {
                let hash = |text: &str| format!("{:032x}", digest128(&[text.as_bytes()]));
                let same_raw = self
                    .raw(side)
                    .as_text()
                    .is_some_and(|text| hash(text) == *raw);
                let same_canon = *version == CANON_VERSION && hash(&now.render()) == *canon;
                !same_raw && !same_canon
            }
        }
    }

    /// F8 to F10.
    fn first(&mut self, equal: bool) -> FieldOutcome {
        if equal {
            self.row = "F8";
            return self.end(Action::Settle { diverged: false });
        }
        let raw_blank = PerSide::from_fn(|side| self.raw(side).is_blank());
        // Two blanks that differ: a default on one side stands for a value.
        let blank = if raw_blank.salesforce && raw_blank.hubspot {
            PerSide::from_fn(|side| self.view.get(side).is_null())
        } else {
            PerSide::from_fn(|side| *raw_blank.get(side) || self.view.get(side).is_null())
        };
        let filled = match (blank.salesforce, blank.hubspot) {
            (true, false) => Side::Salesforce,
            (false, true) => Side::HubSpot,
            _ => {
                self.row = "F10";
                return self.conflict();
            }
        };
        self.row = "F9";
        if self.direction().allows(filled) {
            self.write(filled, "fill")
        } else {
            self.end(Action::Settle { diverged: true })
        }
    }

    /// F1 to F7, and F11 over them.
    fn changed(&mut self, changed: PerSide<bool>, half: bool, equal: bool) -> FieldOutcome {
        let row = match (changed.salesforce, changed.hubspot, equal) {
            (false, false, _) => "F1",
            (true, false, true) => "F2",
            (false, true, true) => "F3",
            (true, false, false) => "F4",
            (false, true, false) => "F5",
            (true, true, true) => "F6",
            (true, true, false) => "F7",
        };
        self.row = if half { "F11" } else { row };
        match row {
            "F1" => self.end(Action::Nothing),
            "F4" => self.propagate(Side::Salesforce),
            "F5" => self.propagate(Side::HubSpot),
            "F7" => self.conflict(),
            _ => self.end(Action::Settle { diverged: false }),
        }
    }

    /// One side changed: its value travels, or it is a foreign edit.
    fn propagate(&self, from: Side) -> FieldOutcome {
        let to = from.other();
        if self.direction().allows(to) {
            return self.carry(from, "changed");
        }
        match self.input.pair.foreign_edit {
            ForeignEdit::Ignore => self.end(Action::Settle { diverged: true }),
            ForeignEdit::Report => self.end(Action::Conflict {
                suggest: Some(to),
                why: format!("{from} was edited, but {to} is the source of this field."),
                rule: "report",
            }),
            ForeignEdit::Revert => {
                let mut outcome = self.carry(to, "revert");
                self.keep(&mut outcome, to, "revert");
                outcome
            }
        }
    }

    /// Both sides changed, or differ at first sight: the source of a one-way pair wins, else the rules decide.
    fn conflict(&self) -> FieldOutcome {
        let direction = self.direction();
        let one_way = Side::BOTH.into_iter().find(|side| !direction.allows(*side));
        let (winner, rule) = match one_way {
            Some(source) => (source, "direction"),
            None => match decide(self.input, &self.view.salesforce, &self.view.hubspot) {
                Verdict::Winner(winner, rule) => (winner, rule),
                Verdict::NeedsTimes => return self.end(Action::NeedsTimes),
                Verdict::Ask { suggest, why, rule } => {
                    return self.end(Action::Conflict { suggest, why, rule });
                }
                Verdict::Union(value) => return self.union(value),
            },
        };
        let mut outcome = self.carry(winner, rule);
        self.keep(&mut outcome, winner, rule);
        outcome
    }

    /// Records the losing value of a decided conflict, unless nothing was decided.
    fn keep(&self, outcome: &mut FieldOutcome, winner: Side, rule: &'static str) {
        let (winner, rule) = match &outcome.action {
            // The blank policy turned the value round.
            Action::Write { to, rule, .. } => (to.other(), *rule),
            Action::Settle { .. } => (winner, rule),
            _ => return,
        };
        outcome.record = Some(Decided {
            winner: Some(winner),
            rule,
            loser: self.raw(winner.other()).clone(),
        });
    }

    /// Carries one side's value over, under the blank policy.
    fn carry(&self, from: Side, rule: &'static str) -> FieldOutcome {
        let to = from.other();
        let outcome = self.write(to, rule);
        let policy = self.input.pair.blanks;
        let clears = match &outcome.action {
            Action::Write { value, .. } => self.clears(from, value),
            _ => false,
        };
        match policy {
            BlankPolicy::Propagate => outcome,
            _ if !clears => outcome,
            BlankPolicy::PreferNonBlank if self.direction().allows(from) => {
                self.write(from, "prefer_non_blank")
            }
            BlankPolicy::PreferNonBlank | BlankPolicy::NeverClear => {
                self.end(Action::Settle { diverged: true })
            }
        }
    }

    /// True where a blank on `from` would take a value away on the other side. A checkbox has no blank: there it is `false`.
    fn clears(&self, from: Side, value: &Value) -> bool {
        let to = from.other();
        let blank = self.lens.view(to, &Value::Null);
        (self.raw(from).is_blank() || self.view.get(from).is_null())
            && self.lens.view(to, value) == blank
            && *self.view.get(to) != blank
    }

    /// Writes the other side's value to `to`; what is there already is settled instead.
    pub(super) fn write(&self, to: Side, rule: &'static str) -> FieldOutcome {
        let source = self.raw(to.other());
        let old = self.raw(to);
        match self.lens.put(to, source, old) {
            Ok(value) if value == *old => self.end(Action::Settle {
                diverged: self.view.salesforce != self.view.hubspot,
            }),
            Ok(value) => self.end(Action::Write { to, value, rule }),
            Err(refusal) => self.refused(to.other(), refusal, source),
        }
    }

    pub(super) fn refused(&self, side: Side, refusal: Refusal, value: &Value) -> FieldOutcome {
        match refusal {
            Refusal::LeaveAlone => self.end(Action::Settle { diverged: true }),
            Refusal::Because(message) => self.end(Action::Error {
                side,
                message,
                value: value.clone(),
                category: ErrorCategory::Transform,
            }),
        }
    }

    fn union(&self, value: Value) -> FieldOutcome {
        let joined = self.lens.view(Side::Salesforce, &value);
        let holder = Side::BOTH
            .into_iter()
            .find(|side| *self.view.get(*side) == joined);
        let mut outcome = match holder {
            Some(holder) => self.write(holder.other(), "union"),
            None => self.both(value.clone(), value, "union"),
        };
        if matches!(
            outcome.action,
            Action::Write { .. } | Action::WriteBoth { .. }
        ) {
            outcome.record = Some(Decided {
                winner: holder,
                rule: "union",
                loser: self.raw(holder.map_or(Side::HubSpot, Side::other)).clone(),
            });
        }
        outcome
    }

    /// Writes a value to each side, as far as the direction lets it and the side does not hold it already.
    pub(super) fn both(&self, s: Value, h: Value, rule: &'static str) -> FieldOutcome {
        let direction = self.direction();
        let moves = |side: Side, value: &Value| {
            direction.allows(side) && value.is_known() && value != self.raw(side)
        };
        let action = match (moves(Side::Salesforce, &s), moves(Side::HubSpot, &h)) {
            (true, true) => Action::WriteBoth { s, h, rule },
            (true, false) => Action::Write {
                to: Side::Salesforce,
                value: s,
                rule,
            },
            (false, true) => Action::Write {
                to: Side::HubSpot,
                value: h,
                rule,
            },
            (false, false) => Action::Settle {
                diverged: self.view.salesforce != self.view.hubspot,
            },
        };
        self.end(action)
    }
}
