//! Safety valves that count (docs/design/sync-semantics.md 18): what a plan would do against what a run may do unasked. Pure.

use std::fmt;

use crate::domain::{MappingId, Side, SideCount, ValveHit};

/// A share in hundredths of a percent: 1 % is 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(pub u32);

impl Share {
    /// The share of whole percents.
    pub const fn percent(percent: u32) -> Self {
        Share(percent * 100)
    }

    /// This share of a count, rounded down: more than the share is more than this.
    fn of(self, count: u64) -> u64 {
        let part = u128::from(count) * u128::from(self.0) / 10_000;
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}%"),
            _ => write!(f, "{whole}.{}%", format!("{rest:02}").trim_end_matches('0')),
        }
    }
}

/// The percentages of `[safety]`; the other numbers are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafetyLimits {
    /// Of links, deletions.
    pub max_deletes: Share,
    /// Of links, updated records.
    pub max_changes: Share,
    /// Of links, created records.
    pub max_creates: Share,
    /// Of one field's updates, those that clear it.
    pub max_cleared: Share,
    /// Of links, conflicts.
    pub max_conflicts: Share,
}

impl Default for SafetyLimits {
    fn default() -> Self {
        SafetyLimits {
            max_deletes: Share::percent(1),
            max_changes: Share::percent(30),
            max_creates: Share::percent(20),
            max_cleared: Share::percent(10),
            max_conflicts: Share::percent(10),
        }
    }
}

/// What a plan does to one field of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldCount {
    /// The side written to.
    pub side: Side,
    /// The field's API name there.
    pub field: String,
    /// Updates that write it.
    pub updates: u64,
    /// Those that take a value away.
    pub clears: u64,
    /// Most updates that write one and the same value.
    pub same_value: u64,
}

/// What the valves look at: one mapping's plan, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardInput {
    /// The mapping.
    pub mapping: MappingId,
    /// Its active links before the run.
    pub links: u64,
    /// Records in scope now; `None` where this run did not read the whole side.
    pub live: Option<SideCount>,
    /// Records in scope at the last count.
    pub previous_live: Option<SideCount>,
    /// Planned deletions, by the side deleted on.
    pub deletes: SideCount,
    /// Records to be updated, by the side written to; a record with nothing but its key field written is none.
    pub updates: SideCount,
    /// Records to be made.
    pub creates: SideCount,
    /// Per field written.
    pub fields: Vec<FieldCount>,
    /// Links with an open conflict made by this plan.
    pub conflicts: u64,
    /// Links whose values changed since their base, by the side that changed.
    pub changed: SideCount,
    /// The mapping's first sync.
    pub first: bool,
    /// Scope, match, delete or transform rules changed since they were confirmed.
    pub rev_changed: bool,
    /// The store was restored from a backup, or canonical forms were computed anew, since the last run.
    pub restored: bool,
}

/// Below this many links no percentage is evaluated.
const FEW_LINKS: u64 = 20;
/// More deletions or creates than this always stop.
const MANY: u64 = 500;

/// The valves that trip, in the order of the document.
pub fn evaluate(input: &GuardInput, limits: &SafetyLimits) -> Vec<ValveHit> {
    let mut hits = questions(input);
    let live = input
        .live
        .map_or(0, |live| live.salesforce.max(live.hubspot));
    let base = if input.first { live } else { input.links };
    let few = base < FEW_LINKS;
    let mut trip = |valve: &str, found: u64, limit: u64, what: String| {
        if found > limit {
            hits.push(hit(input, valve, found, limit, what));
        }
    };
    let total = |count: SideCount| count.salesforce + count.hubspot;

    let share = limits.max_deletes;
    let limit = if few {
        MANY
    } else {
        share.of(base).max(5).min(MANY)
    };
    let what = format!("deletions ({share} of {base}, at most {MANY})");
    trip("max_deletes", total(input.deletes), limit, what);
    if !input.first {
        let share = limits.max_creates;
        let limit = if few { MANY } else { share.of(base).min(MANY) };
        let what = format!("creates ({share} of {base} links, at most {MANY})");
        trip("max_creates", total(input.creates), limit, what);
    }
    if !input.first && !few {
        let share = limits.max_changes;
        let what = format!("updated records ({share} of {base} links, at least 200)");
        trip(
            "max_changes",
            total(input.updates),
            share.of(base).max(200),
            what,
        );
        for field in &input.fields {
            let FieldCount {
                side, field: name, ..
            } = field;
            let share = limits.max_cleared;
            let what =
                format!("times {name} on {side} cleared ({share} of its updates, at least 25)");
            trip(
                "max_cleared",
                field.clears,
                share.of(field.updates).max(25),
                what,
            );
            let what = format!("times one same value for {name} on {side} (30% of {base} links)");
            trip(
                "same_value",
                field.same_value,
                Share::percent(30).of(base),
                what,
            );
        }
        let share = limits.max_conflicts;
        let what = format!("conflicts ({share} of {base} links, at least 50)");
        trip(
            "max_conflicts",
            input.conflicts,
            share.of(base).max(50),
            what,
        );
        for side in Side::BOTH {
            // 95 % itself trips: the limit is the largest count that does not.
            let limit = (base * 95).div_ceil(100).saturating_sub(1).max(200);
            let what = format!(
                "links changed on {side} (95% of {base} links): a migration or an automation?"
            );
            trip("everything_changed", *input.changed.get(side), limit, what);
        }
    }
    hits.extend(
        Side::BOTH
            .into_iter()
            .filter_map(|side| emptied(input, side)),
    );
    hits
}

/// What asks whatever the counts are.
fn questions(input: &GuardInput) -> Vec<ValveHit> {
    let name = &input.mapping;
    [
        (input.first, "first_run", format!("{name} has never been synced: confirm its first sync")),
        (
            input.rev_changed && !input.first,
            "config_changed",
            format!("the scope, match, delete or transform rules of {name} have changed since they were confirmed"),
        ),
        (
            input.restored && !input.first,
            "restored",
            format!("the store of {name} was restored or computed anew: confirm the plan made from it"),
        ),
    ]
    .into_iter()
    .filter(|(asks, ..)| *asks)
    .map(|(_, valve, message)| ValveHit {
        valve: valve.to_owned(),
        mapping: name.clone(),
        found: 1,
        limit: 0,
        message,
        confirmable: true,
    })
    .collect()
}

fn hit(input: &GuardInput, valve: &str, found: u64, limit: u64, what: String) -> ValveHit {
    ValveHit {
        valve: valve.to_owned(),
        mapping: input.mapping.clone(),
        found,
        limit,
        message: format!("{}: {found} {what}; the limit is {limit}", input.mapping),
        confirmable: true,
    }
}

/// A side that lost more than half of its records since the last count.
fn emptied(input: &GuardInput, side: Side) -> Option<ValveHit> {
    let live = *input.live?.get(side);
    let before = *input.previous_live?.get(side);
    (before > 20 && live < before.div_ceil(2)).then(|| ValveHit {
        valve: "empty_source".to_owned(),
        mapping: input.mapping.clone(),
        found: live,
        limit: before.div_ceil(2),
        message: format!(
            "{}: {side} has {live} records in scope, it had {before}; check the scope and the user's permissions",
            input.mapping
        ),
        confirmable: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(salesforce: u64, hubspot: u64) -> SideCount {
        SideCount {
            salesforce,
            hubspot,
        }
    }

    fn calm(links: u64) -> GuardInput {
        GuardInput {
            mapping: MappingId::from("contacts"),
            links,
            live: Some(both(links, links)),
            previous_live: Some(both(links, links)),
            deletes: both(0, 0),
            updates: both(0, 0),
            creates: both(0, 0),
            fields: Vec::new(),
            conflicts: 0,
            changed: both(0, 0),
            first: false,
            rev_changed: false,
            restored: false,
        }
    }

    fn valves(input: &GuardInput) -> Vec<(String, u64)> {
        evaluate(input, &SafetyLimits::default())
            .into_iter()
            .map(|hit| (hit.valve, hit.limit))
            .collect()
    }

    /// Each row: links, the change, the valve with its limit, or none.
    type Row = (u64, fn(&mut GuardInput), Option<(&'static str, u64)>);

    fn field(updates: u64, clears: u64, same_value: u64) -> FieldCount {
        FieldCount {
            side: Side::HubSpot,
            field: "phone".to_owned(),
            updates,
            clears,
            same_value,
        }
    }

    #[test]
    fn each_valve_trips_just_above_its_limit_and_not_at_it() {
        let rows: &[Row] = &[
            (1000, |_| (), None),
            (1000, |i| i.deletes = both(5, 5), None),
            (1000, |i| i.deletes = both(5, 6), Some(("max_deletes", 10))),
            (100, |i| i.deletes = both(5, 0), None),
            (100, |i| i.deletes = both(6, 0), Some(("max_deletes", 5))),
            (
                100_000,
                |i| i.deletes = both(0, 501),
                Some(("max_deletes", 500)),
            ),
            (1000, |i| i.creates = both(100, 100), None),
            (
                1000,
                |i| i.creates = both(101, 100),
                Some(("max_creates", 200)),
            ),
            (
                10_000,
                |i| i.creates = both(0, 501),
                Some(("max_creates", 500)),
            ),
            (1000, |i| i.updates = both(300, 0), None),
            (
                1000,
                |i| i.updates = both(301, 0),
                Some(("max_changes", 300)),
            ),
            (100, |i| i.updates = both(100, 100), None),
            (
                100,
                |i| i.updates = both(101, 100),
                Some(("max_changes", 200)),
            ),
            (1000, |i| i.fields = vec![field(200, 25, 9)], None),
            (
                1000,
                |i| i.fields = vec![field(200, 26, 9)],
                Some(("max_cleared", 25)),
            ),
            (1000, |i| i.fields = vec![field(300, 30, 9)], None),
            (
                1000,
                |i| i.fields = vec![field(300, 31, 9)],
                Some(("max_cleared", 30)),
            ),
            (100, |i| i.fields = vec![field(40, 0, 30)], None),
            (
                100,
                |i| i.fields = vec![field(40, 0, 31)],
                Some(("same_value", 30)),
            ),
            (1000, |i| i.conflicts = 100, None),
            (1000, |i| i.conflicts = 101, Some(("max_conflicts", 100))),
            (300, |i| i.conflicts = 50, None),
            (300, |i| i.conflicts = 51, Some(("max_conflicts", 50))),
            (1000, |i| i.changed = both(949, 949), None),
            (
                1000,
                |i| i.changed = both(950, 0),
                Some(("everything_changed", 949)),
            ),
            (200, |i| i.changed = both(200, 0), None),
            (1000, |i| i.live = Some(both(500, 1000)), None),
            (
                1000,
                |i| i.live = Some(both(499, 1000)),
                Some(("empty_source", 500)),
            ),
            (1000, |i| i.live = None, None),
            (1000, |i| i.rev_changed = true, Some(("config_changed", 0))),
            (1000, |i| i.restored = true, Some(("restored", 0))),
        ];
        for (at, (links, change, expected)) in rows.iter().enumerate() {
            let mut input = calm(*links);
            change(&mut input);
            let expected: Vec<_> = expected
                .iter()
                .map(|(v, l)| ((*v).to_owned(), *l))
                .collect();
            assert_eq!(valves(&input), expected, "row {at}");
        }
    }

    #[test]
    fn few_links_leave_only_the_absolute_numbers() {
        let mut input = calm(19);
        input.deletes = both(19, 0);
        input.creates = both(0, 400);
        input.changed = both(19, 0);
        input.fields = vec![field(19, 19, 19)];
        assert_eq!(valves(&input), []);
        input.creates = both(0, 501);
        input.deletes = both(501, 0);
        let limits: Vec<_> = valves(&input);
        assert_eq!(
            limits,
            [
                ("max_deletes".to_owned(), 500),
                ("max_creates".to_owned(), 500)
            ]
        );
    }

    #[test]
    fn a_first_sync_asks_as_a_whole_and_only_deletions_are_counted() {
        let mut input = calm(0);
        input.first = true;
        input.live = Some(both(1000, 800));
        input.previous_live = None;
        input.creates = both(900, 900);
        input.conflicts = 700;
        assert_eq!(valves(&input), [("first_run".to_owned(), 0)]);
        input.deletes = both(11, 0);
        assert_eq!(valves(&input)[1], ("max_deletes".to_owned(), 10));
    }

    #[test]
    fn a_side_of_at_most_twenty_records_may_empty() {
        let mut input = calm(20);
        input.live = Some(both(0, 20));
        assert_eq!(valves(&input), []);
    }

    #[test]
    fn a_share_is_written_as_people_write_it() {
        assert_eq!(Share::percent(1).to_string(), "1%");
        assert_eq!(Share(50).to_string(), "0.5%");
        assert_eq!(Share(1205).to_string(), "12.05%");
    }
}
