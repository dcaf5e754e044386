//! Golden scenarios: what goes first where the calls of the day do not suffice (docs/design/sync-semantics.md 17).

use std::collections::BTreeSet;

use crate::support::town::*;
use syncline::domain::{Choice, Side};
use syncline::store::rows::BudgetRow;
use syncline::store::{Batch, keys};

const S: &str = "Contact";
const H: &str = "contacts";

/// Our share of HubSpot's calls of a day.
const SHARE: u64 = 625_000 / 2;

/// A decided conflict, an edit and a new record, with so many calls left: which of the three came through.
async fn with_calls(left: u64) -> (bool, bool, bool) {
    let (house, s, h) = clerk(&people("conflict = \"ask\"")).await;
    let other = [("LastName", "Cole"), ("Email", "c@example.com")];
    let edited = house.sf(S, &other);
    house.whole().await;
    house.settled().await;
    house.sf_edit(S, &s, &[("Title", "Boss")]);
    house.hs_edit(H, &h, &[("jobtitle", "Chief")]);
    house.wait(60).await;
    house.fine().await;
    for item in house.open_items().await {
        house.choose(&item, Choice::Take(Side::Salesforce)).await;
    }
    house.sf_edit(S, &edited, &[("Title", "Poet")]);
    let now = house.clock.now();
    let new = values(&[("LastName", "Dahl"), ("Email", "d@example.com")]);
    house
        .sandbox
        .lock()
        .unwrap()
        .org
        .insert(now, &colleague(), S, new)
        .unwrap();
    house.wait(60).await;
    let mut used = 0;
    let prefix = keys::budget_of(Side::HubSpot);
    let db = house.db().await;
    db.walk(prefix, |row: BudgetRow| used += row.used)
        .await
        .unwrap();
    let hour = (house.clock.now().timestamp() / 3600) as u64 - 20;
    let mut batch = Batch::default();
    let row = BudgetRow {
        used: SHARE - used - left,
        remaining: None,
    };
    batch
        .put_row(keys::budget(Side::HubSpot, hour), &row)
        .unwrap();
    house.store.commit(batch).await.unwrap();
    house.sync().await;
    house.sound().await;
    let title = |mail: &str| {
        let all = house.hs_ids(H).into_iter();
        let mut of = all.filter(|id| house.hs_value(H, id, "email").as_deref() == Some(mail));
        of.next()
            .map(|id| house.hs_value(H, &id, "jobtitle").unwrap_or_default())
    };
    (
        title("anna@example.com").as_deref() == Some("Boss"),
        title("c@example.com").as_deref() == Some("Poet"),
        title("d@example.com").is_some(),
    )
}

#[tokio::test(start_paused = true)]
async fn what_persons_decided_goes_before_updates_and_these_before_creates() {
    let mut seen = BTreeSet::new();
    // That nothing is left shows once something was written.
    for left in 1.. {
        let (chosen, edited, created) = with_calls(left).await;
        assert!(chosen || !edited, "{left}");
        assert!(edited || !created, "{left}");
        seen.insert((chosen, edited, created));
        if created {
            break;
        }
    }
    let steps = [
        (true, false, false),
        (true, true, false),
        (true, true, true),
    ];
    assert_eq!(seen, BTreeSet::from(steps));
}
