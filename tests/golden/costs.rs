//! What runs cost (docs/design/sync-semantics.md 21, I-21): the requests that the vendors themselves count, against the
//! document's formula written out here once more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::House;
use crate::support::town::*;
use syncline::domain::{Side, SideCount};
use syncline::engine::Rules;
use syncline::engine::guard::{SafetyLimits, Share};
use syncline::sandbox::Side as Party;

const S: &str = "Contact";
const H: &str = "contacts";

/// Linked contacts in step, an hour after the last write. Many may change without a valve that stops it.
async fn in_step(contacts: usize) -> (House, Vec<String>, Vec<String>) {
    let mut house = House::empty(&people("")).await;
    house.rules = Arc::new(Rules {
        limits: SafetyLimits {
            max_changes: Share::percent(100),
            ..SafetyLimits::default()
        },
        ..(*house.rules).clone()
    });
    let (mut salesforce, mut hubspot) = (Vec::new(), Vec::new());
    for at in 0..contacts {
        let (name, mail) = (format!("Name {at:05}"), format!("p{at}@example.com"));
        salesforce.push(house.sf(
            S,
            &[("LastName", &name), ("Email", &mail), ("Title", "Clerk")],
        ));
        hubspot.push(house.hs(
            H,
            &[("lastname", &name), ("email", &mail), ("jobtitle", "Clerk")],
        ));
    }
    house.fine().await;
    house.settled().await;
    (house, salesforce, hubspot)
}

/// The calls that both vendors have counted, by method and path.
fn counted(house: &House) -> BTreeMap<(Side, String), u64> {
    let sandbox = house.sandbox.lock().unwrap();
    let all = [
        (Side::Salesforce, sandbox.org.calls()),
        (Side::HubSpot, sandbox.portal.calls()),
    ];
    all.into_iter()
        .flat_map(|(side, calls)| {
            calls
                .iter()
                .map(move |(path, count)| ((side, path.clone()), *count))
        })
        .collect()
}

/// Sign-in, identity and the hourly look at schemas, owners and limits are counted apart.
fn apart(path: &str) -> bool {
    [
        "/oauth",
        "/describe",
        "/limits",
        "/properties",
        "/owners",
        "/account-info",
        "Organization",
    ]
    .iter()
    .any(|part| path.contains(part))
}

/// A run, and the requests that it took at each vendor.
async fn costs(house: &House) -> (SideCount, u64) {
    let before = counted(house);
    let run = house.fine().await;
    assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
    let mut took = SideCount::default();
    for ((side, path), count) in counted(house) {
        let more = count - before.get(&(side, path.clone())).copied().unwrap_or(0);
        if !apart(&path) {
            match side {
                Side::Salesforce => took.salesforce += more,
                Side::HubSpot => took.hubspot += more,
            }
        }
    }
    let got = counts(&run, "contacts");
    (took, got.updated.salesforce + got.updated.hubspot)
}

/// The table of section 21 for `c` records changed on one side and written to the other.
fn formula(changed: Side, c: u64) -> SideCount {
    let watermark = 1;
    match changed {
        Side::Salesforce => SideCount {
            salesforce: watermark + c.div_ceil(2000).max(1),
            hubspot: 1 + c.div_ceil(100) + c.div_ceil(100),
        },
        Side::HubSpot => SideCount {
            salesforce: watermark + 1 + c.div_ceil(2000) + c.div_ceil(200) + c.div_ceil(2000),
            hubspot: c.div_ceil(200).max(1),
        },
    }
}

/// The run after it reads once more what lies in the overlap: both sides of what was written, and writes nothing.
fn echo(c: u64) -> SideCount {
    SideCount {
        salesforce: 1 + c.div_ceil(2000).max(1),
        hubspot: c.div_ceil(200).max(1),
    }
}

async fn cost_of(contacts: usize, changes: &[usize]) {
    let (house, s, h) = in_step(contacts).await;
    for (round, many) in changes.iter().enumerate() {
        for changed in [Side::Salesforce, Side::HubSpot] {
            let party = match changed {
                Side::Salesforce => Party::Salesforce,
                Side::HubSpot => Party::HubSpot,
            };
            for at in 0..*many {
                let title = format!("{} {round} {at}", party.name());
                match changed {
                    Side::Salesforce => house.sf_edit(S, &s[at], &[("Title", &title)]),
                    Side::HubSpot => house.hs_edit(H, &h[at], &[("jobtitle", &title)]),
                }
            }
            house.wait(60).await;
            let (took, written) = costs(&house).await;
            assert_eq!(written, *many as u64);
            assert_eq!(
                took,
                formula(changed, *many as u64),
                "{many} changed in {}",
                party.name()
            );
            house.wait(60).await;
            let (took, written) = costs(&house).await;
            assert_eq!(
                (took, written),
                (echo(*many as u64), 0),
                "after {many} changed in {}",
                party.name()
            );
            // Behind the overlap: two calls and one.
            house.settled().await;
            let (took, _) = costs(&house).await;
            assert_eq!(took, formula(Side::Salesforce, 0));
        }
    }
    house.sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_the_requests_of_the_formula_for_what_changed() {
    cost_of(12, &[0, 1, 10]).await;
    // More than one call of each kind, without a thousand records to make first.
    cost_of(330, &[300]).await;
}

/// The same at a size that takes seconds or a minute: `COST_CHANGES=1000 cargo test --test golden formula -- --nocapture`, or 10000.
#[tokio::test(start_paused = true)]
async fn the_formula_holds_at_the_size_that_is_asked_for() {
    let Ok(changes) = std::env::var("COST_CHANGES") else {
        return;
    };
    let changes: usize = changes.parse().unwrap();
    cost_of(changes + changes / 10, &[changes]).await;
}
