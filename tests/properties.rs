//! T2 of docs/design/testing.md: laws of the pure functions over generated input.
#![expect(
    clippy::expect_used,
    reason = "helpers of tests fail by panicking; the lint knows only the test functions themselves"
)]

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;
use rust_decimal::{Decimal as Oracle, RoundingStrategy};
use syncline::domain::canon::{Canon, CanonOptions, Decimal, canon, match_key};
use syncline::domain::{
    BlankPolicy, ConflictRule, Direction, FieldPair, FieldType, ForeignEdit, LinkId, MappingId,
    OnUnlinked, OtherwiseRule, PairKind, PerSide, RecordId, Side, SideCount, TransformSpec, Value,
};
use syncline::engine::guard::{FieldCount, GuardInput, SafetyLimits, Share, evaluate};
use syncline::engine::matching::{Linked, MatchInput, MatchOutcome, Unlinked, matching};
use syncline::transform::{self, TransformError};

const KINDS: [FieldType; 16] = [
    FieldType::Text,
    FieldType::Email,
    FieldType::Phone,
    FieldType::Url,
    FieldType::Number,
    FieldType::Money,
    FieldType::Percent,
    FieldType::Date,
    FieldType::DateTime,
    FieldType::Bool,
    FieldType::Picklist,
    FieldType::MultiPicklist,
    FieldType::Reference,
    FieldType::Owner,
    FieldType::Id,
    FieldType::Opaque,
];

/// Anything at all, and things that look like what the parsers read.
fn raw() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any::<String>(),
        1 => "[ \t\r\n\u{a0}\u{200b};:@./+()0-9a-cx\u{130}\u{df}\u{3a3}\u{301}-]{0,24}",
        1 => "[+]?[(]?[0-9]{3}[)]?[ .-]?[0-9]{3}[ .-]?[0-9]{4}( ?(x|ext[.]?) ?[0-9]{1,5})?",
        1 => "[+][0-9]{5,16}",
        1 => "(mailto:)?[A-Za-z.+]{1,8}@[A-Za-z\u{e0}-\u{ff}]{1,8}[.][a-z]{2,3}",
        1 => "[+-]?[0-9]{0,20}[.]?[0-9]{0,10}([eE][+-]?[0-9]{1,3})?",
        1 => "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2}))?",
        1 => "-?[0-9]{1,19}",
        1 => "(https?://)?(www[.])?[A-Za-z]{1,10}[.](com|co[.]uk|de)(:[0-9]{2})?(/[a-z]*)?",
        1 => "(true|FALSE|True|yes|a;b|b;a;;a|New|Open|NEW|OPEN)",
    ]
}

fn options() -> impl Strategy<Value = CanonOptions> {
    (
        prop_oneof![
            Just(""),
            Just("US"),
            Just("GB"),
            Just("IT"),
            Just("nowhere")
        ],
        any::<bool>(),
        any::<bool>(),
        prop_oneof![Just(None), (0u32..6).prop_map(Some)],
        any::<bool>(),
    )
        .prop_map(
            |(country, fold_case, blank_is_false, scale, whole_seconds)| CanonOptions {
                country: country.to_owned(),
                fold_case,
                blank_is_false,
                scale,
                grouping: None,
                whole_seconds,
            },
        )
}

fn values_table(otherwise: OtherwiseRule) -> TransformSpec {
    let rows = [
        ("New", "NEW"),
        ("Open", "OPEN"),
        ("Reopened", "OPEN"),
        ("OPEN", "SHUT"),
    ];
    TransformSpec::Values {
        table: rows
            .iter()
            .map(|(s, h)| ((*s).to_owned(), (*h).to_owned()))
            .collect(),
        otherwise,
    }
}

/// Every transform that ships, with its options, alone and in chains.
fn chains() -> Vec<Vec<TransformSpec>> {
    let phone = |keep_extension| TransformSpec::PhoneE164 {
        country: "US".to_owned(),
        keep_extension,
    };
    let domain = |registrable| TransformSpec::ExtractDomain { registrable };
    let default = || TransformSpec::Default {
        value: "none".to_owned(),
    };
    vec![
        vec![],
        vec![TransformSpec::Lowercase],
        vec![TransformSpec::Trim],
        vec![TransformSpec::Trim, TransformSpec::Lowercase],
        vec![phone(false)],
        vec![phone(true)],
        vec![domain(false)],
        vec![domain(true)],
        vec![TransformSpec::Lowercase, domain(false)],
        vec![values_table(OtherwiseRule::Error)],
        vec![values_table(OtherwiseRule::Pass)],
        vec![values_table(OtherwiseRule::Ignore)],
        vec![values_table(OtherwiseRule::Value("OTHER".to_owned()))],
        vec![
            TransformSpec::Trim,
            values_table(OtherwiseRule::Pass),
            TransformSpec::Lowercase,
        ],
        vec![default()],
        vec![TransformSpec::Lowercase, default()],
    ]
}

fn pair(kind: FieldType, transforms: Vec<TransformSpec>) -> FieldPair {
    FieldPair {
        fields: PerSide::from_fn(|side| side.word().to_owned()),
        kind: PairKind::Value { transforms },
        types: PerSide::from_fn(|_| kind),
        direction: Direction::Both,
        conflict: vec![ConflictRule::Ask],
        blanks: BlankPolicy::Propagate,
        foreign_edit: ForeignEdit::Ignore,
        monotone: Vec::new(),
        on_unlinked: OnUnlinked::Keep,
        fold_case: false,
        country: "US".to_owned(),
    }
}

/// Pairs with every transform on text and without one on every type.
fn pairs() -> impl Strategy<Value = FieldPair> {
    let mut all: Vec<FieldPair> = chains()
        .into_iter()
        .map(|chain| pair(FieldType::Text, chain))
        .collect();
    all.extend(KINDS.into_iter().map(|kind| pair(kind, vec![])));
    prop::sample::select(all)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Salesforce), Just(Side::HubSpot)]
}

proptest! {
    #[test]
    fn canon_is_total_and_reads_its_own_rendering(raw in raw(), options in options()) {
        for kind in KINDS {
            let once = canon(kind, &options, &Value::text(raw.clone()));
            let again = canon(kind, &options, &Value::text(once.render()));
            prop_assert_eq!(&again, &once, "{:?} {:?}", kind, raw);
            let _ = match_key(&once);
        }
    }

    #[test]
    fn writing_back_what_is_there_changes_nothing(pair in pairs(), target in side(), a in raw(), b in raw()) {
        let (source, old) = (Value::text(a), Value::text(b));
        let same = transform::view(&pair, target.other(), &source) == transform::view(&pair, target, &old);
        if let (true, Ok(put)) = (same, transform::put(&pair, target, &source, &old)) {
            prop_assert_eq!(put, old);
        }
        // Equal values are rare by chance: the put value in other clothes is one more often.
        if let Ok(Value::Text(put)) = transform::put(&pair, target, &source, &Value::Null) {
            let clothes = [
                put.clone(),
                format!("  {put} "),
                put.to_uppercase(),
                format!("https://www.{put}/about"),
                format!("{put} x12"),
            ];
            for old in clothes.map(Value::text) {
                if transform::view(&pair, target, &old) == transform::view(&pair, target.other(), &source) {
                    prop_assert_eq!(transform::put(&pair, target, &source, &old), Ok(old));
                }
            }
        }
    }

    #[test]
    fn what_is_put_means_what_the_source_holds(pair in pairs(), target in side(), a in raw(), b in raw()) {
        let (source, old) = (Value::text(a), Value::text(b));
        let wanted = transform::view(&pair, target.other(), &source);
        let defaulted = matches!(&pair.kind, PairKind::Value { transforms }
            if transforms.iter().any(|spec| matches!(spec, TransformSpec::Default { .. })));
        let blank_back = defaulted && target == Side::Salesforce && wanted == Ok(Canon::Null);
        if let Ok(put) = transform::put(&pair, target, &source, &old) {
            // A blank that goes back to Salesforce reads as the default there, by design.
            prop_assert!(blank_back || transform::view(&pair, target, &put) == wanted, "{put:?}");
        }
    }

    #[test]
    fn a_view_is_stable_on_hubspot(pair in pairs(), raw in raw()) {
        let once = transform::view(&pair, Side::HubSpot, &Value::text(raw)).expect("known");
        let again = transform::view(&pair, Side::HubSpot, &Value::text(once.render())).expect("known");
        prop_assert_eq!(again, once);
    }

    #[test]
    fn a_normaliser_is_stable(raw in raw()) {
        for spec in chains().into_iter().flatten() {
            if matches!(spec, TransformSpec::Values { .. }) {
                continue;
            }
            let run = |value: &Value| transform::apply(&spec, value, transform::Context::default());
            if let Ok(once) = run(&Value::text(raw.clone())) {
                prop_assert_eq!(run(&once), Ok(once), "{:?} {:?}", spec, raw);
            }
        }
    }

    #[test]
    fn an_unknown_value_is_refused_everywhere(pair in pairs(), target in side(), raw in raw()) {
        let known = Value::text(raw);
        prop_assert_eq!(transform::view(&pair, target, &Value::Unknown), Err(TransformError::Unknown));
        prop_assert_eq!(transform::put(&pair, target, &Value::Unknown, &known), Err(TransformError::Unknown));
        prop_assert_eq!(transform::equal(&pair, &Value::Unknown, &known), None);
        prop_assert_eq!(transform::equal(&pair, &known, &Value::Unknown), None);
    }

    #[test]
    fn decimals_agree_with_another_library(text in "[+-]?[0-9]{1,12}([.][0-9]{1,10})?", scale in 0u32..6) {
        let ours = Decimal::parse(&text, None).expect("a number");
        let theirs = Oracle::from_str(&text).expect("a number");
        prop_assert_eq!(ours.to_string(), plain(theirs));
        let rounded = theirs.round_dp_with_strategy(scale, RoundingStrategy::MidpointNearestEven);
        prop_assert_eq!(ours.rounded(scale).to_string(), plain(rounded));
    }

    #[test]
    fn decimals_order_like_another_librarys(a in "-?[0-9]{1,9}([.][0-9]{1,6})?", b in "-?[0-9]{1,9}([.][0-9]{1,6})?") {
        let ours = |text: &str| Decimal::parse(text, None).expect("a number");
        let theirs = |text: &str| Oracle::from_str(text).expect("a number");
        prop_assert_eq!(ours(&a).cmp(&ours(&b)), theirs(&a).cmp(&theirs(&b)));
    }

    #[test]
    fn an_exponent_only_moves_the_point(whole in 0u64..1_000_000_000_000_000_000, exponent in -30i32..30) {
        let written = Decimal::parse(&format!("{whole}e{exponent}"), None).expect("a number");
        let zeros = "0".repeat(exponent.unsigned_abs() as usize);
        let spelt = if exponent >= 0 {
            format!("{whole}{zeros}")
        } else {
            let padded = format!("{zeros}{whole}");
            let (left, right) = padded.split_at(padded.len() - zeros.len());
            format!("{left}.{right}")
        };
        prop_assert_eq!(written, Decimal::parse(&spelt, None).expect("a number"));
    }

    #[test]
    fn a_date_and_its_midnight_are_one(days in -719_162i64..2_932_897) {
        let date = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date") + chrono::TimeDelta::days(days);
        let read = |text: String| canon(FieldType::Date, &CanonOptions::default(), &Value::text(text));
        let midnight = (days * 86_400_000).to_string();
        prop_assert_eq!(read(midnight), Canon::Date(date));
        prop_assert_eq!(read(date.format("%Y-%m-%d").to_string()), Canon::Date(date));
    }

    #[test]
    fn a_moment_is_one_in_every_offset(millis in 0i64..4_102_444_800_000, minutes in -840i32..840) {
        let at = DateTime::from_timestamp_millis(millis).expect("a moment");
        let offset = chrono::FixedOffset::east_opt(minutes * 60).expect("an offset");
        let there = at.with_timezone(&offset);
        let read = |text: String| canon(FieldType::DateTime, &CanonOptions::default(), &Value::text(text));
        prop_assert_eq!(read(there.to_rfc3339()), Canon::Instant(at));
        prop_assert_eq!(read(there.format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()), Canon::Instant(at));
        prop_assert_eq!(read(millis.to_string()), Canon::Instant(at));
    }

    #[test]
    fn matching_is_what_the_table_says_in_any_order_and_in_a_mirror(world in world(), seed in any::<u64>()) {
        let found = matching(&world);
        prop_assert_eq!(&found, &naive_matching(&world));
        prop_assert_eq!(&matching(&shuffled(&world, seed)), &found);
        let glass = MatchInput {
            rules: world.rules,
            unlinked: swapped(world.unlinked.clone()),
            linked: swapped(world.linked.clone()),
        };
        let mut seen: Vec<MatchOutcome> = matching(&glass).into_iter().map(mirrored).collect();
        seen.sort();
        prop_assert_eq!(seen, found);
    }

    #[test]
    fn the_guard_trips_where_a_naive_count_does(input in plans()) {
        let tripped: BTreeSet<String> = evaluate(&input, &SafetyLimits::default())
            .into_iter()
            .map(|hit| hit.valve)
            .collect();
        prop_assert_eq!(tripped, naive_guard(&input));
    }

    #[test]
    fn a_looser_limit_never_trips_more(input in plans(), extra in 0u32..5_000) {
        let tight = SafetyLimits::default();
        let loose = SafetyLimits {
            max_changes: Share(tight.max_changes.0 + extra),
            max_conflicts: Share(tight.max_conflicts.0 + extra),
            ..tight
        };
        prop_assert!(evaluate(&input, &loose).len() <= evaluate(&input, &tight).len());
    }
}

fn plain(number: Oracle) -> String {
    let text = number.normalize().to_string();
    if text == "-0" { "0".to_owned() } else { text }
}

/// A small world whose few keys collide all the time.
fn world() -> impl Strategy<Value = MatchInput> {
    let keys = prop::collection::vec(prop::collection::btree_set(0u128..6, 0..3), 2);
    let side = prop::collection::vec((keys, any::<bool>()), 0..6);
    (side.clone(), side).prop_map(|(s, h)| {
        let mut world = MatchInput {
            rules: 2,
            ..MatchInput::default()
        };
        for (side, records) in [(Side::Salesforce, s), (Side::HubSpot, h)] {
            for (at, (keys, is_linked)) in records.into_iter().enumerate() {
                let id = RecordId(format!("{at}"));
                let keys: Vec<Vec<u128>> = keys
                    .into_iter()
                    .map(|set| set.into_iter().collect())
                    .collect();
                if is_linked && at % 3 == 0 {
                    world.linked.get_mut(side).push(Linked {
                        id,
                        link: LinkId(at as u128),
                        keys,
                    });
                } else {
                    world.unlinked.get_mut(side).push(Unlinked { id, keys });
                }
            }
        }
        world
    })
}

/// The table of 9.2 word by word, comparing every record with every other.
fn naive_matching(world: &MatchInput) -> Vec<MatchOutcome> {
    struct Seen {
        id: RecordId,
        link: Option<LinkId>,
        keys: Vec<Vec<u128>>,
    }
    let all = PerSide::from_fn(|side| {
        let mut all: Vec<Seen> = Vec::new();
        all.extend(world.unlinked.get(side).iter().map(|r| Seen {
            id: r.id.clone(),
            link: None,
            keys: r.keys.clone(),
        }));
        all.extend(world.linked.get(side).iter().map(|r| Seen {
            id: r.id.clone(),
            link: Some(r.link),
            keys: r.keys.clone(),
        }));
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    });
    let share =
        |a: &Seen, b: &Seen, rule: usize| a.keys[rule].iter().any(|key| b.keys[rule].contains(key));
    let look = |side: Side, record: &Seen| {
        let mut tried = 0;
        let mut candidates: Vec<RecordId> = Vec::new();
        while tried < world.rules && candidates.is_empty() {
            let theirs = all.get(side.other()).iter();
            candidates = theirs
                .filter(|r| share(record, r, tried))
                .map(|r| r.id.clone())
                .collect();
            tried += 1;
        }
        let twins: Vec<RecordId> = all
            .get(side)
            .iter()
            .filter(|r| r.id != record.id && (0..tried).any(|rule| share(record, r, rule)))
            .map(|r| r.id.clone())
            .collect();
        (tried.saturating_sub(1), candidates, twins)
    };
    // A record belongs to a group of two when each sees only the other and nobody else sees either.
    let claimers = |side: Side, id: &RecordId| {
        let theirs = all.get(side.other()).iter().filter(|r| r.link.is_none());
        theirs
            .filter(|r| look(side.other(), r).1.contains(id))
            .count()
    };
    let mut outcomes = Vec::new();
    for side in Side::BOTH {
        for record in all.get(side).iter().filter(|r| r.link.is_none()) {
            let id = record.id.clone();
            let (rule, candidates, twins) = look(side, record);
            let linked = |id: &RecordId| {
                let found = all.get(side.other()).iter().find(|r| r.id == *id);
                found.and_then(|r| r.link)
            };
            let outcome = match (candidates.as_slice(), twins.is_empty()) {
                ([], true) => MatchOutcome::Create { side, id },
                ([], false) => MatchOutcome::DuplicatesInSource { side, id, twins },
                ([only], _) if linked(only).is_some() => MatchOutcome::AlreadyLinked {
                    side,
                    id,
                    candidate: only.clone(),
                    link: linked(only).expect("just seen"),
                },
                ([only], true)
                    if {
                        let theirs = all
                            .get(side.other())
                            .iter()
                            .find(|r| r.id == *only)
                            .expect("it is there");
                        let (_, back, their_twins) = look(side.other(), theirs);
                        back == [id.clone()]
                            && their_twins.is_empty()
                            && claimers(side, &id) == 1
                            && claimers(side.other(), only) == 1
                    } =>
                {
                    if side == Side::HubSpot {
                        continue;
                    }
                    MatchOutcome::Link {
                        s: id,
                        h: only.clone(),
                        rule,
                    }
                }
                _ => MatchOutcome::Ambiguous {
                    side,
                    id,
                    candidates,
                    twins,
                },
            };
            outcomes.push(outcome);
        }
    }
    outcomes.sort();
    outcomes
}

fn shuffled(world: &MatchInput, seed: u64) -> MatchInput {
    let mut world = world.clone();
    let order = |id: &RecordId| {
        let number: u64 = id.as_str().parse().unwrap_or(0);
        (number + 1).wrapping_mul(seed | 1).rotate_left(17)
    };
    for side in Side::BOTH {
        world
            .unlinked
            .get_mut(side)
            .sort_by_key(|record| order(&record.id));
        world
            .linked
            .get_mut(side)
            .sort_by_key(|record| order(&record.id));
        for record in world.unlinked.get_mut(side) {
            for keys in &mut record.keys {
                keys.reverse();
            }
        }
    }
    world
}

fn swapped<T>(both: PerSide<T>) -> PerSide<T> {
    PerSide {
        salesforce: both.hubspot,
        hubspot: both.salesforce,
    }
}

fn mirrored(outcome: MatchOutcome) -> MatchOutcome {
    let mut outcome = outcome;
    match &mut outcome {
        MatchOutcome::Link { s, h, .. } => std::mem::swap(s, h),
        MatchOutcome::Create { side, .. }
        | MatchOutcome::DuplicatesInSource { side, .. }
        | MatchOutcome::Ambiguous { side, .. }
        | MatchOutcome::AlreadyLinked { side, .. } => *side = side.other(),
    }
    outcome
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..60, 0u64..700, 0u64..3000]
}

fn counts() -> impl Strategy<Value = SideCount> {
    (count(), count()).prop_map(|(salesforce, hubspot)| SideCount {
        salesforce,
        hubspot,
    })
}

fn plans() -> impl Strategy<Value = GuardInput> {
    let field =
        (side(), count(), count(), count()).prop_map(|(side, updates, clears, same)| FieldCount {
            side,
            field: "phone".to_owned(),
            updates,
            clears: clears.min(updates),
            same_value: same.min(updates),
        });
    let few = prop::collection::vec(field, 0..3);
    let flags = (prop::bool::weighted(0.1), any::<bool>(), any::<bool>());
    (
        count(),
        prop::option::of(counts()),
        prop::option::of(counts()),
        (counts(), counts(), counts(), counts()),
        few,
        count(),
        flags,
    )
        .prop_map(
            |(
                links,
                live,
                previous_live,
                (deletes, updates, creates, changed),
                fields,
                conflicts,
                flags,
            )| {
                GuardInput {
                    mapping: MappingId::from("contacts"),
                    links,
                    live,
                    previous_live,
                    deletes,
                    updates,
                    creates,
                    fields,
                    conflicts,
                    changed,
                    first: flags.0,
                    rev_changed: flags.1,
                    restored: flags.2,
                }
            },
        )
}

/// The table of section 18, row by row, with fractions instead of limits.
fn naive_guard(input: &GuardInput) -> BTreeSet<String> {
    let mut tripped: BTreeSet<String> = BTreeSet::new();
    let sum = |count: SideCount| count.salesforce + count.hubspot;
    let base = match (input.first, input.live) {
        (false, _) => input.links,
        (true, Some(live)) => live.salesforce.max(live.hubspot),
        (true, None) => 0,
    };
    let enough = base >= 20;
    let over = |part: u64, percent: u64, whole: u64| part * 100 > whole * percent;
    let deletes = sum(input.deletes);
    let mut rows = vec![
        ("first_run", input.first),
        ("config_changed", !input.first && input.rev_changed),
        ("restored", !input.first && input.restored),
        (
            "max_deletes",
            deletes > 500 || (enough && deletes > 5 && over(deletes, 1, base)),
        ),
    ];
    if !input.first {
        let (creates, updates) = (sum(input.creates), sum(input.updates));
        rows.push((
            "max_creates",
            creates > 500 || (enough && over(creates, 20, base)),
        ));
        rows.push((
            "max_changes",
            enough && updates > 200 && over(updates, 30, base),
        ));
        rows.push((
            "max_conflicts",
            enough && input.conflicts > 50 && over(input.conflicts, 10, base),
        ));
        for field in &input.fields {
            rows.push((
                "max_cleared",
                enough && field.clears > 25 && over(field.clears, 10, field.updates),
            ));
            rows.push(("same_value", enough && over(field.same_value, 30, base)));
        }
        for changed in [input.changed.salesforce, input.changed.hubspot] {
            rows.push((
                "everything_changed",
                enough && changed > 200 && changed * 100 >= base * 95,
            ));
        }
    }
    if let (Some(now), Some(before)) = (input.live, input.previous_live) {
        for side in Side::BOTH {
            let (now, before) = (*now.get(side), *before.get(side));
            rows.push((
                "empty_source",
                before > 20 && (now == 0 || now * 2 < before),
            ));
        }
    }
    tripped.extend(
        rows.into_iter()
            .filter(|(_, trips)| *trips)
            .map(|(name, _)| name.to_owned()),
    );
    tripped
}
