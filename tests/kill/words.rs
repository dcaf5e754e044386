//! What both tests of kills look at: the vendors, their counts of writes, the store from outside.

use std::collections::BTreeSet;

use serde_json::Value;
use syncline::sandbox::Options;

use crate::process::{Desk, Vendors};

pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect(name))
}

/// Two vendors that take a moment to answer, as real ones do: a kill can fall between a request and its answer,
/// and where some stall longer than that, what a process sent may land after the next one has looked it up.
pub fn world(contacts: usize, seed: u64, stall_ms: u64) -> Vendors {
    Vendors::with(Options {
        contacts,
        seed,
        latency_ms: 20,
        stall_ms,
        ..Options::default()
    })
}

/// How many writing requests both vendors have carried out.
pub fn writes(vendors: &Vendors) -> u64 {
    let sandbox = vendors.running.sandbox();
    let calls = [sandbox.org.calls(), sandbox.portal.calls()];
    let writing = |call: &str| {
        call.starts_with("PATCH ")
            || [
                "/batch/create",
                "/batch/update",
                "/batch/upsert",
                "/composite/sobjects",
            ]
            .iter()
            .any(|end| call.starts_with("POST ") && call.ends_with(end))
    };
    calls
        .into_iter()
        .flatten()
        .filter(|(call, _)| writing(call))
        .map(|(_, count)| *count)
        .sum()
}

/// `doctor` finds nothing wrong.
pub fn doctor(desk: &Desk) {
    let lines = desk.run(&["doctor", "--json"]).ends(0).lines();
    assert!(lines.len() > 5, "{lines:?}");
}

/// The writes in the journal that have no answer yet.
pub fn open_writes(desk: &Desk) -> Vec<Value> {
    let mut lines = desk.run(&["export"]).ends(0).lines();
    lines.retain(|line| {
        line["family"] == "jrn"
            && matches!(line["value"]["state"].as_str(), Some("sent" | "unknown"))
    });
    lines
}

/// Every link of the export has two records, and no record is in two links of a mapping.
pub fn no_record_is_linked_twice(desk: &Desk) {
    let lines = desk.run(&["export"]).ends(0).lines();
    let mut seen = BTreeSet::new();
    let mut links = 0;
    for line in &lines {
        let Some(ids) = line.pointer("/value/ids") else {
            continue;
        };
        let (Some(salesforce), Some(hubspot)) =
            (ids["salesforce"].as_str(), ids["hubspot"].as_str())
        else {
            continue;
        };
        links += 1;
        let mapping = line["value"]["mapping"].to_string();
        for (side, id) in [("salesforce", salesforce), ("hubspot", hubspot)] {
            assert!(
                seen.insert((mapping.clone(), side, id.to_owned())),
                "{side} {id} is in two links"
            );
        }
    }
    assert!(links > 0, "the export shows no links: {:?}", lines.get(1));
}
