//! The merge table F0 to F11 of docs/design/sync-semantics.md 7, over a tuple of fields; a field by itself is a tuple of one.

use super::member::Member;
use super::strategy::{Verdict, decide};
use super::{Action, Decided, FieldOutcome, Lens, MergeInput, Refusal, TupleOutcome};
use crate::domain::{
    BaseValue, BlankPolicy, Direction, ErrorCategory, FieldPair, ForeignEdit, PairKind, PerSide,
    Side, Value,
};

/// Decides what one field pair of one link needs.
pub fn merge_field(input: &MergeInput, lens: &dyn Lens) -> FieldOutcome {
    merge_tuple(&[(*input, lens)]).member(0)
}

/// Decides what a group of field pairs needs: it changed where one of its fields did, it is equal where all are, and who
/// wins takes the whole tuple. Direction and rules are those of the first; a choice is the first's too.
pub fn merge_tuple(fields: &[(MergeInput<'_>, &dyn Lens)]) -> TupleOutcome {
    // A constant is a source that never changes: its value stands in for the side that has no field.
    let constants: Vec<Option<(Side, Value)>> = fields
        .iter()
        .map(|(input, _)| match &input.pair.kind {
            PairKind::Constant { target, value } => {
                Some((target.other(), Value::text(value.clone())))
            }
            _ => None,
        })
        .collect();
    let members: Vec<Member<'_>> = fields
        .iter()
        .zip(&constants)
        .map(|((input, lens), constant)| {
            let mut input = *input;
            match constant {
                Some((Side::Salesforce, value)) => input.s = value,
                Some((Side::HubSpot, value)) => input.h = value,
                None => {}
            }
            Member::new(input, *lens)
        })
        .collect();
    match members.first() {
        Some(first) => Case::new(first, &members).outcome(),
        None => FieldOutcome {
            row: "F1",
            action: Action::Nothing,
            record: None,
        },
    }
}

/// One tuple under decision.
pub(super) struct Case<'a> {
    pub(super) first: &'a Member<'a>,
    pub(super) members: &'a [Member<'a>],
    /// What moved on which side since the base, member by member; at first sight what differs.
    pub(super) moved: Vec<PerSide<bool>>,
    /// True where no side of any member was ever settled.
    pub(super) at_first: bool,
    pub(super) row: &'static str,
}

impl<'a> Case<'a> {
    fn new(first: &'a Member<'a>, members: &'a [Member<'a>]) -> Self {
        Case {
            first,
            members,
            moved: Vec::new(),
            at_first: false,
            row: "F0",
        }
    }

    fn outcome(mut self) -> TupleOutcome {
        for (at, member) in self.members.iter().enumerate() {
            for side in Side::BOTH {
                if !member.raw(side).is_known() {
                    return self.unknown(at, side);
                }
            }
        }
        if let Some(choice) = self.first.input.resolution
            && let Some(forced) = self.resolved(choice)
        {
            return forced;
        }
        let half = self.look_back();
        if self.at_first {
            self.first_sight()
        } else {
            self.changed(half)
        }
    }

    pub(super) fn pair(&self) -> &'a FieldPair {
        self.first.input.pair
    }

    /// True where both sides mean the same, all members together.
    pub(super) fn equal(&self) -> bool {
        self.members.iter().all(Member::agrees)
    }

    /// Where the values may flow; a constant has one way only.
    pub(super) fn direction(&self) -> Direction {
        match &self.pair().kind {
            PairKind::Constant {
                target: Side::Salesforce,
                ..
            } => Direction::ToSalesforce,
            PairKind::Constant { .. } => Direction::ToHubspot,
            _ => self.pair().direction,
        }
    }

    /// What a side holds.
    pub(super) fn raws(&self, side: Side) -> Vec<Value> {
        let raws = self.members.iter().map(|member| member.raw(side).clone());
        raws.collect()
    }

    pub(super) fn end(&self, action: Action<Vec<Value>>) -> TupleOutcome {
        FieldOutcome {
            row: self.row,
            action,
            record: None,
        }
    }

    pub(super) fn settle(&self) -> TupleOutcome {
        self.end(Action::Settle {
            diverged: !self.equal(),
        })
    }

    fn unknown(&self, at: usize, side: Side) -> TupleOutcome {
        let field = self
            .members
            .get(at)
            .map_or("", |member| member.input.pair.field(side));
        self.end(Action::Error {
            member: at,
            side,
            message: format!(
                "{field} was not in {side}'s answer, so nothing is written; let the integration's user read the field"
            ),
            value: Value::Unknown,
            category: ErrorCategory::Permission,
        })
    }

    /// Finds what moved since the base. True where a base is missing while another is there (F11); it is taken as blank.
    fn look_back(&mut self) -> bool {
        let bases: Vec<PerSide<Option<BaseValue>>> =
            self.members.iter().map(Member::base).collect();
        let settled =
            |base: &PerSide<Option<BaseValue>>| Side::BOTH.map(|side| base.get(side).is_some());
        self.at_first = bases.iter().all(|base| settled(base) == [false, false]);
        self.moved = self
            .members
            .iter()
            .zip(&bases)
            .map(|(member, base)| {
                if self.at_first {
                    return PerSide::from_fn(|_| !member.agrees());
                }
                PerSide::from_fn(|side| {
                    let base = base.get(side).as_ref().unwrap_or(&BaseValue::Null);
                    member.differs(side, base)
                })
            })
            .collect();
        bases.iter().any(|base| settled(base) != [true, true])
    }

    /// F8 to F10.
    fn first_sight(&mut self) -> TupleOutcome {
        if self.equal() {
            self.row = "F8";
            return self.settle();
        }
        let all = |test: &dyn Fn(&Member<'_>) -> bool| self.members.iter().all(test);
        let raw_blank = PerSide::from_fn(|side| all(&|member| member.raw(side).is_blank()));
        // Two blanks that differ: a default on one side stands for a value.
        let blank = if raw_blank.salesforce && raw_blank.hubspot {
            PerSide::from_fn(|side| all(&|member| member.view.get(side).is_null()))
        } else {
            PerSide::from_fn(|side| all(&|member| member.is_blank(side)))
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
    fn changed(&mut self, half: bool) -> TupleOutcome {
        let any = |side: Side| self.moved.iter().any(|moved| *moved.get(side));
        let row = match (any(Side::Salesforce), any(Side::HubSpot), self.equal()) {
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
            "F1" if self.lacks_news() => self.first_sight(),
            "F1" => self.end(Action::Nothing),
            "F4" => self.propagate(Side::Salesforce),
            "F5" => self.propagate(Side::HubSpot),
            "F7" => self.conflict(),
            _ => self.settle(),
        }
    }

    /// True where one side is blank and has no base, and the other holds what it held: nobody has accepted that they differ, so the
    /// blank is filled like one that is met first (F11).
    fn lacks_news(&self) -> bool {
        let blank = |side: Side| self.members.iter().all(|member| member.is_blank(side));
        let half = |member: &Member<'_>| {
            let base = member.base();
            base.salesforce.is_some() != base.hubspot.is_some() && !member.agrees()
        };
        blank(Side::Salesforce) != blank(Side::HubSpot) && self.members.iter().any(half)
    }

    /// One side changed: its value travels, or it is a foreign edit.
    fn propagate(&self, from: Side) -> TupleOutcome {
        let to = from.other();
        if self.direction().allows(to) {
            return self.carry(from, "changed");
        }
        match self.pair().foreign_edit {
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
    fn conflict(&self) -> TupleOutcome {
        let direction = self.direction();
        let one_way = Side::BOTH.into_iter().find(|side| !direction.allows(*side));
        let (winner, rule) = match one_way {
            Some(source) => (source, "direction"),
            None => match decide(self) {
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
    fn keep(&self, outcome: &mut TupleOutcome, winner: Side, rule: &'static str) {
        let (winner, rule) = match &outcome.action {
            // A policy turned the value round.
            Action::Write { to, rule, .. } => (to.other(), *rule),
            Action::Settle { .. } => (winner, rule),
            _ => return,
        };
        outcome.record = Some(Decided {
            winner: Some(winner),
            rule,
            loser: self.raws(winner.other()),
        });
    }

    /// Carries one side's value over, unless stages would fall or the blank policy is against it.
    fn carry(&self, from: Side, rule: &'static str) -> TupleOutcome {
        let to = from.other();
        if self.higher() == Some(to) {
            if !self.direction().allows(from) {
                return self.end(Action::Settle { diverged: true });
            }
            let mut outcome = self.write(from, "monotone");
            self.keep(&mut outcome, to, "monotone");
            return outcome;
        }
        let outcome = self.write(to, rule);
        let clears = match &outcome.action {
            Action::Write { value, .. } => self.clears(from, value),
            _ => false,
        };
        match self.pair().blanks {
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

    /// The side whose stage is the higher one, where both have one (4).
    pub(super) fn higher(&self) -> Option<Side> {
        let [one] = self.members else {
            return None;
        };
        let stage = PerSide {
            salesforce: one.stage(Side::Salesforce)?,
            hubspot: one.stage(Side::HubSpot)?,
        };
        match stage.salesforce.cmp(&stage.hubspot) {
            std::cmp::Ordering::Greater => Some(Side::Salesforce),
            std::cmp::Ordering::Less => Some(Side::HubSpot),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// True where a blank tuple on `from` would take a value away on the other side.
    fn clears(&self, from: Side, values: &[Value]) -> bool {
        let to = from.other();
        let blank = |(member, value): (&Member<'_>, &Value)| {
            member.is_blank(from) && member.reads_blank(to, value)
        };
        self.members.iter().zip(values).all(blank)
            && self.members.iter().any(|member| member.can_lose(to))
    }

    /// Writes the other side's value to `to`; what is there already is settled instead. A value that cannot be carried over
    /// keeps the whole tuple back.
    pub(super) fn write(&self, to: Side, rule: &'static str) -> TupleOutcome {
        let mut value = Vec::with_capacity(self.members.len());
        for (at, member) in self.members.iter().enumerate() {
            let source = member.raw(to.other());
            match member.lens.put(to, source, member.raw(to)) {
                Ok(one) => value.push(one),
                Err(refusal) => return self.refused(at, to.other(), refusal, source),
            }
        }
        if self.holds(to, &value) {
            self.settle()
        } else {
            self.end(Action::Write { to, value, rule })
        }
    }

    /// True where a side holds exactly these values.
    fn holds(&self, side: Side, values: &[Value]) -> bool {
        self.members
            .iter()
            .zip(values)
            .all(|(member, value)| member.raw(side) == value)
    }

    pub(super) fn refused(
        &self,
        at: usize,
        side: Side,
        refusal: Refusal,
        value: &Value,
    ) -> TupleOutcome {
        match refusal {
            Refusal::LeaveAlone => self.end(Action::Settle { diverged: true }),
            Refusal::Because(message) => self.end(Action::Error {
                member: at,
                side,
                message,
                value: value.clone(),
                category: ErrorCategory::Transform,
            }),
        }
    }

    fn union(&self, value: Value) -> TupleOutcome {
        let joined = self.first.lens.view(Side::Salesforce, &value);
        let holder = Side::BOTH
            .into_iter()
            .find(|side| *self.first.view.get(*side) == joined);
        let mut outcome = match holder {
            Some(holder) => self.write(holder.other(), "union"),
            None => self.both(vec![value.clone()], vec![value], "union"),
        };
        if matches!(
            outcome.action,
            Action::Write { .. } | Action::WriteBoth { .. }
        ) {
            outcome.record = Some(Decided {
                winner: holder,
                rule: "union",
                loser: self.raws(holder.map_or(Side::HubSpot, Side::other)),
            });
        }
        outcome
    }

    /// Writes a value to each side, as far as the direction lets it and the side does not hold it already.
    pub(super) fn both(&self, s: Vec<Value>, h: Vec<Value>, rule: &'static str) -> TupleOutcome {
        let direction = self.direction();
        let moves = |side: Side, values: &[Value]| {
            direction.allows(side)
                && values.iter().all(Value::is_known)
                && !self.holds(side, values)
        };
        match (moves(Side::Salesforce, &s), moves(Side::HubSpot, &h)) {
            (true, true) => self.end(Action::WriteBoth { s, h, rule }),
            (true, false) => self.end(Action::Write {
                to: Side::Salesforce,
                value: s,
                rule,
            }),
            (false, true) => self.end(Action::Write {
                to: Side::HubSpot,
                value: h,
                rule,
            }),
            (false, false) => self.settle(),
        }
    }
}
