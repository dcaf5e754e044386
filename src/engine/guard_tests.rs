//! The valves of docs/design/sync-semantics.md 18, row by row.

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
fn from_twenty_links_on_percentages_count() {
    let mut input = calm(20);
    input.deletes = both(3, 3);
    input.fields = vec![field(7, 0, 7)];
    let wanted = [("max_deletes".to_owned(), 5), ("same_value".to_owned(), 6)];
    assert_eq!(valves(&input), wanted);
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
