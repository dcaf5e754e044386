//! T1 of docs/design/testing.md: the merge table over all its inputs, against a second formulation written as a decision list
//! from docs/design/sync-semantics.md 7 and 8. The list knows values only as classes of equality, never as text.
#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "helpers of tests fail by panicking; the lint knows only the test functions themselves"
)]

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::canon::{CANON_VERSION, Canon};
use syncline::domain::merge::{
    Action, FieldOutcome, FieldTimes, Fields, Lens, MergeInput, Refusal, applied, merge_field,
};
use syncline::domain::{
    BaseField, BaseValue, BlankPolicy, ConflictRule, Direction, FieldPair, FieldType, ForeignEdit,
    OtherwiseRule, PairKind, PerSide, Side, TransformSpec, Value,
};
use syncline::transform::PairLens;

use Side::{HubSpot as H, Salesforce as S};

/// A symbol: `None` is Unknown, 0 is blank, 1 to 3 are values.
type Symbol = Option<usize>;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Class {
    Iso,
    Fold,
    ManyToOne,
    Truncating,
}

impl Class {
    /// The raw text of a symbol.
    fn text(self, side: Side, symbol: usize) -> &'static str {
        match (self, side) {
            (Class::Iso, S) => ["", "New", "Open", "Shut"][symbol],
            (Class::Iso, H) => ["", "NEW", "OPEN", "SHUT"][symbol],
            (Class::Fold, _) => ["", "Ann", "ANN", "Bob"][symbol],
            (Class::ManyToOne, S) => ["", "Hot", "Warm", "Cold"][symbol],
            (Class::ManyToOne, H) => ["", "YES", "NO", "MAYBE"][symbol],
            (Class::Truncating, S) => ["", "xy1", "xy2", "z"][symbol],
            (Class::Truncating, H) => ["", "xy", "z", "w"][symbol],
        }
    }

    /// What the symbol means: equal numbers are equal in the comparison domain.
    fn meaning(self, side: Side, symbol: usize) -> usize {
        match (self, side) {
            (Class::Iso, _) => symbol,
            (Class::Fold, _) | (Class::ManyToOne | Class::Truncating, S) => [0, 1, 1, 2][symbol],
            (Class::ManyToOne | Class::Truncating, H) => symbol,
        }
    }

    /// True where a value cannot be carried over: a HubSpot value that no Salesforce value stands for.
    fn refused(self, from: Side, symbol: usize) -> bool {
        self == Class::ManyToOne && from == H && symbol == 3
    }

    fn kind(self) -> PairKind {
        let table = |rows: &[(&str, &str)]| TransformSpec::Values {
            table: rows
                .iter()
                .map(|(s, h)| ((*s).to_owned(), (*h).to_owned()))
                .collect(),
            otherwise: OtherwiseRule::Error,
        };
        let transforms = match self {
            Class::Iso => vec![table(&[("New", "NEW"), ("Open", "OPEN"), ("Shut", "SHUT")])],
            Class::ManyToOne => vec![table(&[("Hot", "YES"), ("Warm", "YES"), ("Cold", "NO")])],
            Class::Fold | Class::Truncating => Vec::new(),
        };
        PairKind::Value { transforms }
    }
}

/// The lens of a class; `Truncating` is none of the product's, so that the merge is shown to hold for any lawful one.
struct ClassLens<'a> {
    class: Class,
    pair: &'a FieldPair,
    mirrored: bool,
}

impl ClassLens<'_> {
    fn true_side(&self, side: Side) -> Side {
        if self.mirrored { side.other() } else { side }
    }
}

impl Lens for ClassLens<'_> {
    fn view(&self, side: Side, raw: &Value) -> Canon {
        match (self.class, raw) {
            (Class::Truncating, Value::Text(text)) => Canon::Text(text.chars().take(2).collect()),
            _ => PairLens(self.pair).view(self.true_side(side), raw),
        }
    }

    fn put(&self, target: Side, source: &Value, old: &Value) -> Result<Value, Refusal> {
        if self.class != Class::Truncating {
            return PairLens(self.pair).put(self.true_side(target), source, old);
        }
        if self.view(target, old) == self.view(target.other(), source) {
            return Ok(old.clone());
        }
        Ok(match source {
            Value::Text(text) => Value::text(text.chars().take(2).collect::<String>()),
            other => other.clone(),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Strategy {
    Salesforce,
    HubSpot,
    Ask,
    NewerUnclear,
    NewerSalesforce,
    NewerHubSpot,
    NonBlank,
}

const STRATEGIES: [Strategy; 7] = [
    Strategy::Salesforce,
    Strategy::HubSpot,
    Strategy::Ask,
    Strategy::NewerUnclear,
    Strategy::NewerSalesforce,
    Strategy::NewerHubSpot,
    Strategy::NonBlank,
];

impl Strategy {
    fn mirrored(self) -> Strategy {
        match self {
            Strategy::Salesforce => Strategy::HubSpot,
            Strategy::HubSpot => Strategy::Salesforce,
            Strategy::NewerSalesforce => Strategy::NewerHubSpot,
            Strategy::NewerHubSpot => Strategy::NewerSalesforce,
            same => same,
        }
    }

    fn rule(self) -> ConflictRule {
        match self {
            Strategy::Salesforce => ConflictRule::Salesforce,
            Strategy::HubSpot => ConflictRule::HubSpot,
            Strategy::Ask => ConflictRule::Ask,
            Strategy::NonBlank => ConflictRule::NonBlank,
            _ => ConflictRule::LastWriteWins,
        }
    }

    fn times(self) -> FieldTimes {
        let at = |minute: i64| DateTime::<Utc>::from_timestamp(1_700_000_000 + minute * 60, 0);
        FieldTimes {
            // Where no time decides, none is told: a suggestion made from two times would not mirror.
            h_changed_at: match self {
                Strategy::NewerSalesforce => at(1),
                Strategy::NewerHubSpot => at(9),
                _ => None,
            },
            s_after: at(4),
            s_modified_at: at(6),
            skew: TimeDelta::zero(),
            looked_up: true,
        }
    }
}

/// One case of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    class: Class,
    s: Symbol,
    h: Symbol,
    base: PerSide<Symbol>,
    direction: Direction,
    strategy: Strategy,
    blanks: BlankPolicy,
    foreign: ForeignEdit,
}

impl Row {
    fn pair(&self) -> FieldPair {
        FieldPair {
            fields: PerSide {
                salesforce: "Status".to_owned(),
                hubspot: "hs_lead_status".to_owned(),
            },
            kind: self.class.kind(),
            types: PerSide {
                salesforce: FieldType::Text,
                hubspot: FieldType::Text,
            },
            direction: self.direction,
            conflict: vec![self.strategy.rule()],
            blanks: self.blanks,
            foreign_edit: self.foreign,
            fold_case: self.class == Class::Fold,
            country: String::new(),
        }
    }

    /// The rules seen in a mirror.
    fn in_glass(&self) -> Row {
        Row {
            direction: self.direction.mirrored(),
            strategy: self.strategy.mirrored(),
            ..*self
        }
    }

    fn symbol(&self, side: Side) -> Symbol {
        match side {
            S => self.s,
            H => self.h,
        }
    }

    fn raw(&self, side: Side) -> Value {
        match self.symbol(side) {
            None => Value::Unknown,
            Some(symbol) => Value::text(self.class.text(side, symbol)),
        }
    }

    fn fields(&self) -> Fields {
        let base = |side: Side| {
            let symbol = (*self.base.get(side))?;
            BaseValue::of(
                &Value::text(self.class.text(side, symbol)),
                "",
                CANON_VERSION,
            )
        };
        Fields {
            values: PerSide::from_fn(|side| self.raw(side)),
            base: BaseField {
                values: PerSide::from_fn(base),
                ..BaseField::default()
            },
        }
    }
}

/// What the document says, without values.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Said {
    Nothing,
    Settle,
    Diverged,
    Write(Side),
    Conflict,
    Error,
}

/// The decision list: what is to happen, and whether a rule chose between two values.
fn said(row: &Row) -> (Said, bool) {
    let (Some(s), Some(h)) = (row.s, row.h) else {
        return (Said::Error, false);
    };
    let now = [row.class.meaning(S, s), row.class.meaning(H, h)];
    let equal = now[0] == now[1];
    let to_h = row.direction != Direction::ToSalesforce;
    let to_s = row.direction != Direction::ToHubspot;
    let may = |side: Side| if side == S { to_s } else { to_h };
    let blank = |side: Side| (if side == S { s } else { h }) == 0;
    let carry = |from: Side| {
        let symbol = if from == S { s } else { h };
        if row.class.refused(from, symbol) {
            Said::Error
        } else {
            Said::Write(from.other())
        }
    };
    let with_policy = |from: Side| {
        if !blank(from) || blank(from.other()) || row.blanks == BlankPolicy::Propagate {
            return carry(from);
        }
        match row.blanks {
            BlankPolicy::PreferNonBlank if may(from) => carry(from.other()),
            _ => Said::Diverged,
        }
    };
    let both_differ = || {
        let winner = match (to_s, to_h) {
            (false, _) => S,
            (_, false) => H,
            _ => match row.strategy {
                Strategy::Salesforce | Strategy::NewerSalesforce => S,
                Strategy::HubSpot | Strategy::NewerHubSpot => H,
                Strategy::NonBlank if blank(S) && !blank(H) => H,
                Strategy::NonBlank if blank(H) && !blank(S) => S,
                _ => return (Said::Conflict, false),
            },
        };
        let result = with_policy(winner);
        (result, result != Said::Error)
    };

    let none = row.base.salesforce.is_none() && row.base.hubspot.is_none();
    if none && equal {
        return (Said::Settle, false);
    }
    if none && blank(S) != blank(H) {
        let empty = if blank(S) { S } else { H };
        return if may(empty) {
            (carry(empty.other()), false)
        } else {
            (Said::Diverged, false)
        };
    }
    if none {
        return both_differ();
    }
    let moved = |side: Side| {
        let before = row.base.get(side).unwrap_or(0);
        row.class.meaning(side, before) != now[usize::from(side == H)]
    };
    let edited = match (moved(S), moved(H)) {
        (false, false) => return (Said::Nothing, false),
        _ if equal => return (Said::Settle, false),
        (true, true) => return both_differ(),
        (true, false) => S,
        (false, true) => H,
    };
    if may(edited.other()) {
        return (with_policy(edited), false);
    }
    match row.foreign {
        ForeignEdit::Ignore => (Said::Diverged, false),
        ForeignEdit::Report => (Said::Conflict, false),
        ForeignEdit::Revert => {
            let result = with_policy(edited.other());
            (result, result != Said::Error)
        }
    }
}

fn merge(fields: &Fields, row: &Row, pair: &FieldPair, lens: &dyn Lens) -> FieldOutcome {
    let input = MergeInput {
        pair,
        s: &fields.values.salesforce,
        h: &fields.values.hubspot,
        base: Some(&fields.base),
        times: row.strategy.times(),
        resolution: None,
    };
    merge_field(&input, lens)
}

fn swapped<T>(both: PerSide<T>) -> PerSide<T> {
    PerSide {
        salesforce: both.hubspot,
        hubspot: both.salesforce,
    }
}

/// What an outcome does, without its words, as seen directly or in a mirror.
type Essence<'a> = (
    Said,
    Option<Side>,
    Option<&'a Value>,
    Option<(Option<Side>, &'a Value)>,
);

fn essence(outcome: &FieldOutcome, mirror: bool) -> Essence<'_> {
    let seen = |side: Side| if mirror { side.other() } else { side };
    let (side, value) = match &outcome.action {
        Action::Write { to, value, .. } => (Some(seen(*to)), Some(value)),
        Action::Conflict { suggest, .. } => (suggest.map(seen), None),
        Action::Error { side, value, .. } => (Some(seen(*side)), Some(value)),
        _ => (None, None),
    };
    let said = match said_by(outcome) {
        Said::Write(to) => Said::Write(seen(to)),
        same => same,
    };
    let record = outcome.record.as_ref();
    let record = record.map(|record| (record.winner.map(seen), &record.loser));
    (said, side, value, record)
}

/// An outcome in the decision list's words.
fn said_by(outcome: &FieldOutcome) -> Said {
    match &outcome.action {
        Action::Nothing => Said::Nothing,
        Action::Settle { diverged: false } => Said::Settle,
        Action::Settle { diverged: true } => Said::Diverged,
        Action::Write { to, .. } => Said::Write(*to),
        Action::Conflict { .. } => Said::Conflict,
        Action::Error { .. } => Said::Error,
        Action::WriteBoth { .. } | Action::NeedsTimes => panic!("not in the table: {outcome:?}"),
    }
}

fn check(row: &Row, pair: &FieldPair, glass_pair: &FieldPair) {
    let lens = ClassLens {
        class: row.class,
        pair,
        mirrored: false,
    };
    let fields = row.fields();
    let outcome = merge(&fields, row, pair, &lens);
    let context = || format!("{row:?}\n{fields:?}\n{outcome:?}");

    let (expected, recorded) = said(row);
    let got = said_by(&outcome);
    assert_eq!(got, expected, "{}", context());
    assert_eq!(outcome.record.is_some(), recorded, "I-2: {}", context());

    let after = applied(&fields, &outcome, &lens);
    if let Action::Write { to, value, .. } = &outcome.action {
        assert!(row.s.is_some() && row.h.is_some(), "I-12: {}", context());
        let source = row.raw(to.other());
        assert_eq!(
            lens.view(*to, value),
            lens.view(to.other(), &source),
            "what is written means what the source holds: {}",
            context()
        );
        assert_eq!(
            after.values.get(to.other()),
            &source,
            "never back to the source"
        );
        let cleared = *value == Value::Null && row.symbol(*to) != Some(0);
        assert!(
            !cleared || row.blanks == BlankPolicy::Propagate,
            "a blank overwrote a value: {}",
            context()
        );
    }
    if let Some(record) = &outcome.record {
        let winner = record.winner.expect("one side wins here");
        assert_eq!(record.loser, row.raw(winner.other()), "{}", context());
    }

    let again = merge(&after, row, pair, &lens);
    match outcome.action {
        Action::Conflict { .. } | Action::Error { .. } => assert_eq!(again, outcome),
        _ => assert_eq!(again.action, Action::Nothing, "I-4: {}", context()),
    }

    // The mirrored world (I-16). Where both sides are unknown the one error names the left one.
    if row.s.is_none() && row.h.is_none() {
        return;
    }
    let glass = row.in_glass();
    let glass_lens = ClassLens {
        class: row.class,
        pair: glass_pair,
        mirrored: true,
    };
    let glass_fields = Fields {
        values: swapped(fields.values.clone()),
        base: BaseField {
            values: swapped(fields.base.values.clone()),
            ..BaseField::default()
        },
    };
    let seen = merge(&glass_fields, &glass, glass_pair, &glass_lens);
    assert_eq!(
        essence(&seen, true),
        essence(&outcome, false),
        "I-16: {}",
        context()
    );
}

/// Every row of one class.
fn check_class(class: Class) {
    let symbols: [Symbol; 5] = [None, Some(0), Some(1), Some(2), Some(3)];
    let bases: [Symbol; 4] = [None, Some(0), Some(1), Some(2)];
    let directions = [
        Direction::Both,
        Direction::ToHubspot,
        Direction::ToSalesforce,
    ];
    let policies = [
        BlankPolicy::Propagate,
        BlankPolicy::PreferNonBlank,
        BlankPolicy::NeverClear,
    ];
    let foreigns = [
        ForeignEdit::Ignore,
        ForeignEdit::Revert,
        ForeignEdit::Report,
    ];
    // A number in mixed radix names each case once.
    let pick = |number: &mut usize, count: usize| {
        let picked = *number % count;
        *number /= count;
        picked
    };
    for rules in 0..3 * 7 * 3 * 3 {
        let mut rest = rules;
        let first = Row {
            class,
            s: None,
            h: None,
            base: PerSide::default(),
            direction: directions[pick(&mut rest, 3)],
            strategy: STRATEGIES[pick(&mut rest, 7)],
            blanks: policies[pick(&mut rest, 3)],
            foreign: foreigns[pick(&mut rest, 3)],
        };
        let (pair, glass_pair) = (first.pair(), first.in_glass().pair());
        for values in 0..5 * 5 * 4 * 4 {
            let mut rest = values;
            let row = Row {
                s: symbols[pick(&mut rest, 5)],
                h: symbols[pick(&mut rest, 5)],
                base: PerSide {
                    salesforce: bases[pick(&mut rest, 4)],
                    hubspot: bases[pick(&mut rest, 4)],
                },
                ..first
            };
            check(&row, &pair, &glass_pair);
        }
    }
}

#[test]
fn every_case_of_one_to_one_values_is_as_the_document_says() {
    check_class(Class::Iso);
}

#[test]
fn every_case_of_text_without_case_is_as_the_document_says() {
    check_class(Class::Fold);
}

#[test]
fn every_case_of_many_to_one_values_is_as_the_document_says() {
    check_class(Class::ManyToOne);
}

#[test]
fn every_case_of_a_truncating_pair_is_as_the_document_says() {
    check_class(Class::Truncating);
}

#[test]
fn every_row_of_the_table_is_reached() {
    let mut rows: Vec<&'static str> = Vec::new();
    for case in 0..4 * 4 * 3 * 3 {
        let (s, h) = (case % 4, case / 4 % 4);
        let bases = [None, Some(0), Some(1)];
        let row = Row {
            class: Class::Iso,
            s: (s + h > 0).then_some(s),
            h: Some(h),
            base: PerSide {
                salesforce: bases[case / 16 % 3],
                hubspot: bases[case / 48],
            },
            direction: Direction::Both,
            strategy: Strategy::Salesforce,
            blanks: BlankPolicy::Propagate,
            foreign: ForeignEdit::Ignore,
        };
        let pair = row.pair();
        rows.push(merge(&row.fields(), &row, &pair, &PairLens(&pair)).row);
    }
    rows.sort_unstable();
    rows.dedup();
    let all = [
        "F0", "F1", "F10", "F11", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9",
    ];
    assert_eq!(rows, all);
}
