//! T1 of docs/design/testing.md: the merge table over all its inputs, against a second formulation written as a decision list
//! from docs/design/sync-semantics.md 7 and 8. The list knows values only as classes of equality, never as text.
#![expect(
    clippy::panic,
    reason = "helpers of tests fail by panicking; the lint knows only the test functions themselves"
)]

mod classes;
mod groups;
mod model;
mod said;

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::canon::CANON_VERSION;
use syncline::domain::merge::{Action, FieldOutcome, FieldTimes, Lens, MergeInput, merge_field};
use syncline::domain::{
    BaseField, BaseValue, BlankPolicy, ConflictRule, Direction, FieldPair, ForeignEdit, OnUnlinked,
    PerSide, Side, Value,
};
use syncline::transform::PairLens;

use Side::{HubSpot as H, Salesforce as S};
use classes::{Class, ClassLens, Symbol};
use model::{Fields, applied};
use said::{Facts, Rules, Said, Strategy, said};

/// One rule by itself, as far as it decides without an order.
const SINGLE: [&[Strategy]; 7] = [
    &[Strategy::Salesforce],
    &[Strategy::HubSpot],
    &[Strategy::Ask],
    &[Strategy::NewerUnclear],
    &[Strategy::NewerSalesforce],
    &[Strategy::NewerHubSpot],
    &[Strategy::NonBlank],
];

/// Rules that look at an order or a union, and lists of rules.
const LISTS: [&[Strategy]; 9] = [
    &[Strategy::Max],
    &[Strategy::Min],
    &[Strategy::Union],
    &[Strategy::NonBlank, Strategy::Salesforce],
    &[Strategy::NewerUnclear, Strategy::HubSpot],
    &[Strategy::Max, Strategy::NonBlank, Strategy::HubSpot],
    &[Strategy::Min, Strategy::NewerSalesforce],
    &[Strategy::Union, Strategy::NonBlank],
    &[Strategy::NonBlank, Strategy::NewerUnclear, Strategy::Ask],
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
            Strategy::Max => ConflictRule::Max,
            Strategy::Min => ConflictRule::Min,
            Strategy::Union => ConflictRule::Union,
            Strategy::NewerUnclear | Strategy::NewerSalesforce | Strategy::NewerHubSpot => {
                ConflictRule::LastWriteWins
            }
        }
    }
}

/// The times under which the strategies decide as their names say.
fn times(strategies: &[Strategy], mirrored: bool) -> FieldTimes {
    let at = |minute: i64| DateTime::<Utc>::from_timestamp(1_700_000_000 + minute * 60, 0);
    let newer = strategies.iter().find_map(|strategy| match strategy {
        Strategy::NewerSalesforce => Some(S),
        Strategy::NewerHubSpot => Some(H),
        _ => None,
    });
    let newer = newer.map(|side| if mirrored { side.other() } else { side });
    FieldTimes {
        // Where no time decides, none is told: a suggestion made from two times would not mirror.
        h_changed_at: newer.and_then(|side| at(if side == S { 1 } else { 9 })),
        s_after: at(4),
        s_modified_at: at(6),
        skew: TimeDelta::zero(),
        looked_up: true,
    }
}

/// A pair of a class under rules.
fn pair(class: Class, rules: &Rules, mirrored: bool) -> FieldPair {
    let (kind, of) = class.kind();
    let strategies = rules.strategy.iter().map(|strategy| {
        if mirrored {
            strategy.mirrored()
        } else {
            *strategy
        }
    });
    FieldPair {
        fields: PerSide {
            salesforce: "Status".to_owned(),
            hubspot: "hs_lead_status".to_owned(),
        },
        kind,
        types: PerSide::from_fn(|_| of),
        direction: if mirrored {
            rules.direction.mirrored()
        } else {
            rules.direction
        },
        conflict: strategies.map(Strategy::rule).collect(),
        blanks: rules.blanks,
        foreign_edit: rules.foreign,
        monotone: class.stages(),
        on_unlinked: OnUnlinked::Keep,
        fold_case: class == Class::Fold,
        country: String::new(),
    }
}

/// The values and bases of one field.
#[derive(Clone, Copy, Debug)]
struct Cell {
    class: Class,
    now: PerSide<Symbol>,
    base: PerSide<Symbol>,
}

impl Cell {
    fn raw(&self, side: Side) -> Value {
        match *self.now.get(side) {
            None => Value::Unknown,
            Some(symbol) => Value::text(self.class.text(side, symbol)),
        }
    }

    fn fields(&self) -> Fields {
        let base = |side: Side| {
            let symbol = (*self.base.get(side))?;
            let value = Value::text(self.class.text(side, symbol));
            BaseValue::of(&value, "", CANON_VERSION)
        };
        Fields {
            values: PerSide::from_fn(|side| self.raw(side)),
            base: BaseField {
                values: PerSide::from_fn(base),
                ..BaseField::default()
            },
        }
    }

    fn facts(&self) -> Facts {
        let symbol = |side: Side| self.now.get(side).unwrap_or(0);
        let (s, h) = (symbol(S), symbol(H));
        let means = |side: Side, symbol| self.class.meaning(side, symbol);
        let moved =
            |side: Side| means(side, self.base.get(side).unwrap_or(0)) != means(side, symbol(side));
        let known = self.now.salesforce.is_some() && self.now.hubspot.is_some();
        let holder = match s | h {
            both if both == s => Some(S),
            both if both == h => Some(H),
            _ => None,
        };
        Facts {
            unknown: !known,
            equal: means(S, s) == means(H, h),
            blank: PerSide::from_fn(|side| symbol(side) == 0),
            first: self.base.salesforce.is_none() && self.base.hubspot.is_none(),
            half: self.base.salesforce.is_none() != self.base.hubspot.is_none()
                && means(S, s) != means(H, h),
            moved: PerSide::from_fn(moved),
            refused: PerSide::from_fn(|side| self.class.refused(side, symbol(side))),
            order: (self.class == Class::Number && s > 0 && h > 0).then(|| s.cmp(&h)),
            stages: self
                .class
                .stage(s)
                .and_then(|s| Some(s.cmp(&self.class.stage(h)?))),
            union: (self.class == Class::Set).then_some(holder),
        }
    }
}

fn swapped<T>(both: PerSide<T>) -> PerSide<T> {
    PerSide {
        salesforce: both.hubspot,
        hubspot: both.salesforce,
    }
}

fn in_glass(fields: &Fields) -> Fields {
    Fields {
        values: swapped(fields.values.clone()),
        base: BaseField {
            values: swapped(fields.base.values.clone()),
            ..BaseField::default()
        },
    }
}

fn merge(fields: &Fields, times: FieldTimes, pair: &FieldPair, lens: &dyn Lens) -> FieldOutcome {
    let input = MergeInput {
        pair,
        s: &fields.values.salesforce,
        h: &fields.values.hubspot,
        base: Some(&fields.base),
        times,
        resolution: None,
    };
    merge_field(&input, lens)
}

/// What an outcome does, without its words, as seen directly or in a mirror.
type Essence<'a, V> = (
    Said,
    Option<Side>,
    [Option<&'a V>; 2],
    Option<(Option<Side>, &'a V)>,
);

fn essence<V>(outcome: &FieldOutcome<V>, mirror: bool) -> Essence<'_, V> {
    let seen = |side: Side| if mirror { side.other() } else { side };
    let (side, values) = match &outcome.action {
        Action::Write { to, value, .. } => (Some(seen(*to)), [Some(value), None]),
        Action::WriteBoth { s, h, .. } if mirror => (None, [Some(h), Some(s)]),
        Action::WriteBoth { s, h, .. } => (None, [Some(s), Some(h)]),
        Action::Conflict { suggest, .. } => (suggest.map(seen), [None; 2]),
        Action::Error { side, .. } => (Some(seen(*side)), [None; 2]),
        _ => (None, [None; 2]),
    };
    let said = match said_by(outcome) {
        Said::Write(to) => Said::Write(seen(to)),
        same => same,
    };
    let record = outcome.record.as_ref();
    // What a union of two leaves out of account is nobody's in particular.
    let record = record.filter(|record| record.winner.is_some());
    let record = record.map(|record| (record.winner.map(seen), &record.loser));
    (said, side, values, record)
}

/// An outcome in the decision list's words.
fn said_by<V>(outcome: &FieldOutcome<V>) -> Said {
    match &outcome.action {
        Action::Nothing => Said::Nothing,
        Action::Settle { diverged: false } => Said::Settle,
        Action::Settle { diverged: true } => Said::Diverged,
        Action::Write { to, .. } => Said::Write(*to),
        Action::WriteBoth { .. } => Said::WriteBoth,
        Action::Conflict { .. } => Said::Conflict,
        Action::Error { .. } => Said::Error,
        Action::NeedsTimes => panic!("not in the table: {}", outcome.row),
    }
}

fn check(cell: &Cell, rules: &Rules, pair: &FieldPair, glass_pair: &FieldPair) {
    let lens = ClassLens {
        class: cell.class,
        pair,
        mirrored: false,
    };
    let fields = cell.fields();
    let at = times(rules.strategy, false);
    let outcome = merge(&fields, at, pair, &lens);
    let context = || format!("{cell:?}\n{rules:?}\n{fields:?}\n{outcome:?}");

    let (expected, recorded) = said(&cell.facts(), rules);
    let got = said_by(&outcome);
    assert_eq!(got, expected, "{}", context());
    assert_eq!(outcome.record.is_some(), recorded, "I-2: {}", context());

    let known = cell.now.salesforce.is_some() && cell.now.hubspot.is_some();
    let after = applied(&fields, &outcome, &lens);
    match &outcome.action {
        Action::Write { to, value, .. } => {
            assert!(known, "I-12: {}", context());
            let source = cell.raw(to.other());
            let wanted = lens.view(to.other(), &source);
            assert_eq!(
                lens.view(*to, value),
                wanted,
                "what is written means what the source holds: {}",
                context()
            );
            let untouched = after.values.get(to.other());
            assert_eq!(untouched, &source, "never back to the source");
            let cleared = *value == Value::Null && *cell.now.get(*to) != Some(0);
            assert!(
                !cleared || rules.blanks == BlankPolicy::Propagate,
                "a blank overwrote a value: {}",
                context()
            );
            let fell = cell.class.stage(cell.now.get(*to).unwrap_or(0))
                > cell.class.stage(cell.now.get(to.other()).unwrap_or(0));
            let staged = cell.facts().stages.is_some();
            assert!(!(staged && fell), "a stage fell: {}", context());
        }
        Action::WriteBoth { s, h, .. } => {
            assert!(known, "I-12: {}", context());
            assert_eq!(lens.view(S, s), lens.view(H, h), "{}", context());
            for side in Side::BOTH {
                let held = cell.now.get(side).unwrap_or(0);
                let text = if side == S { s } else { h };
                let kept = |item: &str| text.as_text().is_some_and(|all| all.contains(item));
                let items = cell.class.text(side, held);
                assert!(items.split(';').all(kept), "lost of a union: {}", context());
            }
        }
        _ => {}
    }
    if let Some(winner) = outcome.record.as_ref().and_then(|record| record.winner) {
        let loser = outcome.record.as_ref().map(|record| &record.loser);
        assert_eq!(loser, Some(&cell.raw(winner.other())), "{}", context());
    }

    let again = merge(&after, at, pair, &lens);
    match outcome.action {
        Action::Conflict { .. } | Action::Error { .. } => assert_eq!(again, outcome),
        _ => assert_eq!(again.action, Action::Nothing, "I-4: {}", context()),
    }

    // The mirrored world (I-16). Where both sides are unknown the one error names the left one.
    if cell.now.salesforce.is_none() && cell.now.hubspot.is_none() {
        return;
    }
    let glass_lens = ClassLens {
        class: cell.class,
        pair: glass_pair,
        mirrored: true,
    };
    let at = times(rules.strategy, true);
    let seen = merge(&in_glass(&fields), at, glass_pair, &glass_lens);
    let (mirrored, direct) = (essence(&seen, true), essence(&outcome, false));
    assert_eq!(mirrored, direct, "I-16: {}", context());
}

/// A number in mixed radix names each case once.
fn pick<T: Copy>(number: &mut usize, of: &[T]) -> T {
    let picked = of[*number % of.len()];
    *number /= of.len();
    picked
}

/// Every combination of rules.
fn all_rules(strategies: &[&'static [Strategy]]) -> impl Iterator<Item = Rules> {
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
    let strategies = strategies.to_vec();
    (0..3 * strategies.len() * 3 * 3).map(move |mut rest| Rules {
        direction: pick(&mut rest, &directions),
        strategy: pick(&mut rest, &strategies),
        blanks: pick(&mut rest, &policies),
        foreign: pick(&mut rest, &foreigns),
    })
}

/// Every row of one class under one rule by itself, whatever the direction and the other rules.
fn check_class(class: Class) {
    check_rules(class, all_rules(&SINGLE));
}

/// Every row of one class under rules that a one-way pair and a foreign edit never come to.
fn check_lists(class: Class) {
    let two_way =
        |rules: &Rules| rules.direction == Direction::Both && rules.foreign == ForeignEdit::Ignore;
    check_rules(class, all_rules(&LISTS).filter(two_way));
}

fn check_rules(class: Class, all: impl Iterator<Item = Rules>) {
    let symbols: [Symbol; 5] = [None, Some(0), Some(1), Some(2), Some(3)];
    let bases: [Symbol; 4] = [None, Some(0), Some(1), Some(2)];
    for rules in all {
        let (pair, glass_pair) = (pair(class, &rules, false), pair(class, &rules, true));
        for mut rest in 0..5 * 5 * 4 * 4 {
            let cell = Cell {
                class,
                now: PerSide {
                    salesforce: pick(&mut rest, &symbols),
                    hubspot: pick(&mut rest, &symbols),
                },
                base: PerSide {
                    salesforce: pick(&mut rest, &bases),
                    hubspot: pick(&mut rest, &bases),
                },
            };
            check(&cell, &rules, &pair, &glass_pair);
        }
    }
}

#[test]
fn every_case_of_one_to_one_values_is_as_the_document_says() {
    check_class(Class::Iso);
    check_lists(Class::Iso);
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
fn every_case_of_numbers_is_as_the_document_says() {
    check_lists(Class::Number);
}

#[test]
fn every_case_of_sets_is_as_the_document_says() {
    check_lists(Class::Set);
}

#[test]
fn every_case_of_stages_that_only_rise_is_as_the_document_says() {
    check_rules(Class::Stage, all_rules(&SINGLE[..3]));
}

#[test]
fn every_row_of_the_table_is_reached() {
    let rules = Rules {
        direction: Direction::Both,
        strategy: SINGLE[0],
        blanks: BlankPolicy::Propagate,
        foreign: ForeignEdit::Ignore,
    };
    let pair = pair(Class::Iso, &rules, false);
    let mut rows: Vec<&'static str> = Vec::new();
    for case in 0..4 * 4 * 3 * 3 {
        let (s, h) = (case % 4, case / 4 % 4);
        let bases = [None, Some(0), Some(1)];
        let cell = Cell {
            class: Class::Iso,
            now: PerSide {
                salesforce: (s + h > 0).then_some(s),
                hubspot: Some(h),
            },
            base: PerSide {
                salesforce: bases[case / 16 % 3],
                hubspot: bases[case / 48],
            },
        };
        let at = times(rules.strategy, false);
        rows.push(merge(&cell.fields(), at, &pair, &PairLens(&pair)).row);
    }
    rows.sort_unstable();
    rows.dedup();
    let all = [
        "F0", "F1", "F10", "F11", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9",
    ];
    assert_eq!(rows, all);
}
