//! The main job end to end, in one process: first sync, counts, quiet afterwards.

use crate::support::House;
use syncline::domain::{Counters, RunState};

fn adds_up(counts: &Counters) {
    let linked = counts.updated_links + counts.unchanged + counts.conflicts + counts.errors
        - counts.unlinked_errors
        + counts.held;
    assert_eq!(counts.linked, linked, "{counts:?}");
    let read = counts.read.salesforce + counts.read.hubspot;
    let created = counts.created.salesforce + counts.created.hubspot;
    assert_eq!(
        read,
        2 * counts.linked + created + counts.review + counts.excluded + counts.unlinked_errors,
        "{counts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_sync_adds_up_and_the_run_after_it_writes_nothing() {
    let house = House::new(300, 1).await;
    let first = house.sync().await;
    println!("{}", serde_json::to_string(&first).unwrap());
    assert!(
        matches!(first.state, RunState::DoneWithErrors | RunState::Done),
        "{:?}",
        first.reason
    );
    for row in &first.mappings {
        adds_up(&row.counts);
    }
    house.wait(60).await;
    let second = house.sync().await;
    println!("{}", serde_json::to_string(&second).unwrap());
    for row in &second.mappings {
        assert_eq!(row.counts.updated_links, 0, "{row:?}");
        assert_eq!(
            row.counts.created.salesforce + row.counts.created.hubspot,
            0,
            "{row:?}"
        );
    }
    assert_eq!(second.calls.total, second.expected_calls);
    assert!(
        house
            .sandbox
            .lock()
            .unwrap()
            .org
            .created_twice()
            .values()
            .all(Vec::is_empty)
    );
    assert!(
        house
            .sandbox
            .lock()
            .unwrap()
            .portal
            .created_twice()
            .is_empty()
    );
}
