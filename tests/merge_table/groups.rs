//! Groups of fields by the same decision list: a tuple is equal where all its fields are, blank where all are, and moved
//! where one of them did (docs/design/sync-semantics.md 7, Field groups).

use syncline::domain::merge::{Action, Lens, MergeInput, TupleOutcome, merge_tuple};
use syncline::domain::{Direction, FieldPair, ForeignEdit, PerSide, Side, Value};

use super::classes::{Class, ClassLens, Symbol};
use super::model::{Fields, applied};
use super::said::{Facts, Rules, Strategy, said};
use super::{Cell, all_rules, essence, in_glass, pair, pick, said_by, times};

const STRATEGIES: [&[Strategy]; 4] = [
    &[Strategy::Salesforce],
    &[Strategy::NewerUnclear],
    &[Strategy::NewerHubSpot],
    &[Strategy::NonBlank, Strategy::Ask],
];

/// Rules that make a difference: who wins in a two-way group, what a foreign edit does in a one-way one.
fn telling(rules: &Rules) -> bool {
    match rules.direction {
        Direction::Both => rules.foreign == ForeignEdit::Ignore,
        _ => rules.strategy == STRATEGIES[0],
    }
}

/// What holds of a tuple.
fn facts(cells: &[Cell; 2]) -> Facts {
    let [one, other] = cells.map(|cell| cell.facts());
    let both = |test: fn(&Facts) -> PerSide<bool>, all: bool| {
        PerSide::from_fn(|side| {
            let (one, other) = (*test(&one).get(side), *test(&other).get(side));
            if all { one && other } else { one || other }
        })
    };
    Facts {
        unknown: one.unknown || other.unknown,
        equal: one.equal && other.equal,
        blank: both(|facts| facts.blank, true),
        first: one.first && other.first,
        half: one.half || other.half,
        moved: both(|facts| facts.moved, false),
        refused: both(|facts| facts.refused, false),
        order: None,
        stages: None,
        union: None,
    }
}

fn lenses<'a>(cells: &[Cell; 2], pairs: &'a [FieldPair; 2], mirrored: bool) -> [ClassLens<'a>; 2] {
    let [one, other] = cells;
    let [first, second] = pairs;
    [(one, first), (other, second)].map(|(cell, pair)| ClassLens {
        class: cell.class,
        pair,
        mirrored,
    })
}

fn merge(fields: &[Fields; 2], rules: &Rules, lenses: &[ClassLens<'_>; 2]) -> TupleOutcome {
    let input = |at: usize| MergeInput {
        pair: lenses[at].pair,
        s: &fields[at].values.salesforce,
        h: &fields[at].values.hubspot,
        base: Some(&fields[at].base),
        times: times(rules.strategy, lenses[at].mirrored),
        resolution: None,
    };
    merge_tuple(&[
        (input(0), &lenses[0] as &dyn Lens),
        (input(1), &lenses[1] as &dyn Lens),
    ])
}

fn check(cells: &[Cell; 2], rules: &Rules, pairs: &[FieldPair; 2], glass: &[FieldPair; 2]) {
    let lens = lenses(cells, pairs, false);
    let fields = cells.map(|cell| cell.fields());
    let outcome = merge(&fields, rules, &lens);
    let context = || format!("{cells:?}\n{rules:?}\n{outcome:?}");
    let (expected, recorded) = said(&facts(cells), rules);
    assert_eq!(said_by(&outcome), expected, "{}", context());
    assert_eq!(outcome.record.is_some(), recorded, "I-2: {}", context());

    let after: [Fields; 2] =
        std::array::from_fn(|at| applied(&fields[at], &outcome.member(at), &lens[at]));
    if let Action::Write { to, .. } = &outcome.action {
        for (at, cell) in cells.iter().enumerate() {
            let source = cell.raw(to.other());
            let means = |side: Side, value: &Value| lens[at].view(side, value);
            let written = means(*to, after[at].values.get(*to));
            assert_eq!(
                written,
                means(to.other(), &source),
                "the winner takes the whole tuple: {}",
                context()
            );
            assert_eq!(after[at].values.get(to.other()), &source, "{}", context());
        }
    }
    let again = merge(&after, rules, &lens);
    match outcome.action {
        Action::Conflict { .. } | Action::Error { .. } => assert_eq!(again, outcome),
        _ => assert_eq!(again.action, Action::Nothing, "I-4: {}", context()),
    }

    let mirrored = lenses(cells, glass, true);
    let seen = merge(
        &[in_glass(&fields[0]), in_glass(&fields[1])],
        rules,
        &mirrored,
    );
    let (seen, direct) = (essence(&seen, true), essence(&outcome, false));
    assert_eq!(seen, direct, "I-16: {}", context());
}

#[test]
fn every_case_of_a_group_is_that_of_one_value() {
    let known: [Symbol; 3] = [Some(0), Some(1), Some(2)];
    // HubSpot's third value of this class can be carried nowhere.
    let refusing: [Symbol; 3] = [Some(0), Some(1), Some(3)];
    let bases: [PerSide<Symbol>; 3] =
        [(None, None), (Some(1), Some(1)), (Some(2), None)].map(|(salesforce, hubspot)| PerSide {
            salesforce,
            hubspot,
        });
    for rules in all_rules(&STRATEGIES).filter(telling) {
        let pairs =
            |mirrored| [Class::Iso, Class::ManyToOne].map(|class| pair(class, &rules, mirrored));
        let (direct, glass) = (pairs(false), pairs(true));
        for mut rest in 0..3 * 3 * 3 * 3 * 3 * 3 {
            let mut cell = |class, symbols: &[Symbol]| Cell {
                class,
                now: PerSide {
                    salesforce: pick(&mut rest, symbols),
                    hubspot: pick(&mut rest, symbols),
                },
                base: pick(&mut rest, &bases),
            };
            let cells = [cell(Class::Iso, &known), cell(Class::ManyToOne, &refusing)];
            check(&cells, &rules, &direct, &glass);
        }
    }
}

#[test]
fn a_group_of_which_a_field_is_not_known_is_left_alone() {
    let rules = all_rules(&STRATEGIES).next().expect("there are rules");
    let pairs = [Class::Iso, Class::Iso].map(|class| pair(class, &rules, false));
    let cell = |s: Symbol, h: Symbol| Cell {
        class: Class::Iso,
        now: PerSide {
            salesforce: s,
            hubspot: h,
        },
        base: PerSide {
            salesforce: Some(1),
            hubspot: Some(1),
        },
    };
    for unknown in [cell(None, Some(2)), cell(Some(2), None)] {
        let cells = [cell(Some(2), Some(1)), unknown];
        let lens = lenses(&cells, &pairs, false);
        let outcome = merge(&cells.map(|cell| cell.fields()), &rules, &lens);
        assert!(
            matches!(outcome.action, Action::Error { member: 1, .. }),
            "I-12: {outcome:?}"
        );
    }
}
