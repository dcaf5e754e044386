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
        share.of(base).clamp(5, MANY)
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
#[path = "guard_tests.rs"]
mod tests;
