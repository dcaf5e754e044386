//! The doctor finds each thing that can be wrong, and nothing where nothing is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use syncline::domain::{
    Assignment, Attempt, Base, CreatedBy, Departed, ErrorCategory, ErrorItem, ItemId, Link, LinkId,
    LinkState, MappingId, Observation, Op, OpId, OpKind, OpOutcome, OpState, PerSide, Presence,
    RecordKey, RunId, Side, Value,
};
use syncline::store::rows::{Dirty, Ghost, OpenOp};
use syncline::store::{
    Batch, Count, Counters, Finding, FindingState, SimStore, Store, doctor, keys,
};

fn mapping() -> MappingId {
    "contacts".into()
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_000_000, 0).unwrap()
}

fn link(number: u128) -> Link {
    Link {
        id: LinkId(number),
        mapping: mapping(),
        ids: PerSide {
            salesforce: Some(format!("003{number:015}").into()),
            hubspot: Some(number.to_string().into()),
        },
        state: LinkState::Active,
        created_by: CreatedBy::Matched,
        created_at: at(),
        stamped: PerSide::default(),
        former: PerSide::default(),
        life: 0,
        tomb: None,
    }
}

fn index_key(link: &Link, side: Side) -> syncline::store::Key {
    let object = if side == Side::Salesforce {
        "Contact"
    } else {
        "contacts"
    };
    keys::link_index(
        side,
        object,
        link.ids.get(side).as_ref().unwrap(),
        &link.mapping,
    )
}

fn op(state: OpState) -> Op {
    let change = Assignment {
        before: Value::Null,
        after: Value::text("x"),
        rule: "changed".to_owned(),
        pair: "Phone".to_owned(),
        ..Assignment::default()
    };
    Op {
        id: OpId(77),
        run: RunId(1),
        seq: 1,
        mapping: mapping(),
        link: LinkId(1),
        kind: OpKind::Update,
        side: Side::HubSpot,
        object: "contacts".to_owned(),
        target: Some("1".into()),
        source: None,
        fields: BTreeMap::from([("phone".to_owned(), change)]),
        key: None,
        evidence: None,
        modstamp: None,
        state,
        attempt: Attempt::default(),
        outcome: OpOutcome::default(),
    }
}

fn error_item() -> ErrorItem {
    ErrorItem {
        id: ItemId(5),
        mapping: mapping(),
        side: Side::HubSpot,
        object: "contacts".to_owned(),
        record: RecordKey {
            side: Side::HubSpot,
            object: "contacts".to_owned(),
            id: "1".into(),
        },
        link: Some(LinkId(1)),
        label: String::new(),
        field: String::new(),
        value: Value::Null,
        category: ErrorCategory::Validation,
        message: "no".to_owned(),
        vendor: None,
        next: "fix it".to_owned(),
        tries: 1,
        first_seen: at(),
        last_seen: at(),
        retry_at: None,
        sent: false,
        digest: String::new(),
        seen: Default::default(),
        run: RunId(1),
    }
}

fn open_op(ghost: Option<Ghost>) -> OpenOp {
    OpenOp {
        run: RunId(1),
        seq: 1,
        ghost,
    }
}

/// Three links, one open write, one error, one observation with its mark, and the counts of all that.
async fn healthy() -> SimStore {
    let store = SimStore::new();
    let mut counters = Counters::default();
    let mut batch = Batch::default();
    for number in 1..=3 {
        let link = link(number);
        batch
            .put_row(keys::link(&link.mapping, link.id), &link)
            .unwrap();
        batch
            .put_row(keys::base(&link.mapping, link.id), &Base::default())
            .unwrap();
        for side in Side::BOTH {
            batch.put_row(index_key(&link, side), &link.id).unwrap();
        }
        counters.add(&Count::Links(mapping()), 1);
    }
    batch
        .put_row(keys::journal(RunId(1), 1), &op(OpState::Sent))
        .unwrap();
    batch
        .put_row(keys::open_op(OpId(77)), &open_op(None))
        .unwrap();
    batch
        .put_row(keys::error(ItemId(5)), &error_item())
        .unwrap();
    batch.put_mark(keys::pending(1, ItemId(5)));
    counters.add(&Count::Errors(mapping()), 1);
    let seen = Observation {
        side: Side::HubSpot,
        object: "contacts".to_owned(),
        id: "9".into(),
        fields: BTreeMap::new(),
        modstamp: at(),
        modified_at: None,
        created_at: None,
        modified_by: None,
        presence: Presence::Live,
        observed_at: at(),
    };
    batch
        .put_row(
            keys::observation(Side::HubSpot, "contacts", &"9".into()),
            &seen,
        )
        .unwrap();
    batch
        .put_row(
            keys::dirty(&mapping(), Side::HubSpot, &"9".into()),
            &Dirty {
                reasons: Dirty::CREATED,
            },
        )
        .unwrap();
    batch.put_mark(keys::match_index(
        &mapping(),
        Side::HubSpot,
        0,
        1,
        &"9".into(),
    ));
    batch
        .put_row(
            keys::match_keys(&mapping(), Side::HubSpot, &"9".into()),
            &[(0u8, "01")],
        )
        .unwrap();
    counters.write(&mut batch).unwrap();
    store.commit(batch).await.unwrap();
    store
}

/// What the doctor says about the healthy store after a change: (check, state, message) of everything that is not ok.
async fn after(change: impl FnOnce(&mut Batch)) -> Vec<(String, FindingState, String)> {
    let store = healthy().await;
    let mut batch = Batch::default();
    change(&mut batch);
    store.commit(batch).await.unwrap();
    problems(&store).await
}

async fn problems(store: &SimStore) -> Vec<(String, FindingState, String)> {
    let findings: Vec<Finding> = doctor(store).await.unwrap();
    findings
        .into_iter()
        .filter(|finding| finding.state != FindingState::Ok)
        .inspect(|finding| assert!(!finding.next.is_empty() && !finding.message.is_empty()))
        .map(|finding| (finding.check, finding.state, finding.message))
        .collect()
}

fn names(problems: &[(String, FindingState, String)]) -> Vec<&str> {
    problems
        .iter()
        .map(|(check, _, _)| check.as_str())
        .collect()
}

#[tokio::test]
async fn a_healthy_store_has_no_problem_and_every_check_says_so() {
    assert_eq!(after(|_| {}).await, []);
    let findings = doctor(&healthy().await).await.unwrap();
    let checks: Vec<&str> = findings
        .iter()
        .map(|finding| finding.check.as_str())
        .collect();
    assert_eq!(
        checks,
        [
            "whole",
            "values",
            "link_index",
            "links",
            "bases",
            "holds",
            "open_ops",
            "journal",
            "dirty",
            "pending",
            "counters"
        ]
    );
    assert_eq!(doctor(&SimStore::new()).await.unwrap().len(), checks.len());
}

#[tokio::test]
async fn a_link_that_the_index_does_not_know_is_found() {
    let found = after(|batch| batch.remove(index_key(&link(2), Side::HubSpot))).await;
    assert_eq!(names(&found), ["links"], "{found:?}");
    let found = after(|batch| {
        for number in 1..=3 {
            batch.remove(index_key(&link(number), Side::HubSpot));
        }
    })
    .await;
    assert_eq!(names(&found), ["links"; 3], "{found:?}");
}

#[tokio::test]
async fn a_tombstone_keeps_its_place_in_the_index_and_says_what_is_gone() {
    let tomb = |departed: Departed| Link {
        state: LinkState::Deleted(departed),
        ..link(2)
    };
    let found = after(|batch| {
        let link = tomb(Departed::of(Side::HubSpot));
        batch
            .put_row(keys::link(&mapping(), LinkId(2)), &link)
            .unwrap();
    })
    .await;
    assert_eq!(found, []);
    let found = after(|batch| {
        let link = tomb(Departed::default());
        batch
            .put_row(keys::link(&mapping(), LinkId(2)), &link)
            .unwrap();
        batch.remove(index_key(&link, Side::HubSpot));
    })
    .await;
    assert_eq!(names(&found), ["links"; 2], "{found:?}");
}

#[tokio::test]
async fn a_count_of_active_links_is_checked_where_there_is_one() {
    let name = Count::Active(mapping()).name();
    let found = after(|batch| batch.put_row(keys::counter(&name), &2).unwrap()).await;
    assert_eq!(names(&found), ["counters"], "{found:?}");
    let found = after(|batch| batch.put_row(keys::counter(&name), &3).unwrap()).await;
    assert_eq!(found, []);
}

#[tokio::test]
async fn an_index_entry_without_its_link_is_found() {
    let stray = Link {
        ids: PerSide {
            salesforce: None,
            hubspot: Some("8".into()),
        },
        ..link(8)
    };
    let found = after(|batch| {
        batch
            .put_row(index_key(&stray, Side::HubSpot), &LinkId(8))
            .unwrap()
    })
    .await;
    assert_eq!(names(&found), ["link_index"], "{found:?}");
    let found = after(|batch| {
        batch
            .put_row(index_key(&stray, Side::HubSpot), &LinkId(2))
            .unwrap()
    })
    .await;
    assert_eq!(names(&found), ["link_index"], "{found:?}");
    assert!(found[0].2.contains("another record"), "{found:?}");
}

#[tokio::test]
async fn a_removed_link_leaves_orphans_that_are_found() {
    let found = after(|batch| batch.remove(keys::link(&mapping(), LinkId(3)))).await;
    assert_eq!(
        names(&found),
        ["link_index", "link_index", "bases", "counters"],
        "{found:?}"
    );
}

#[tokio::test]
async fn a_link_under_anothers_key_and_an_active_one_without_a_record_are_found() {
    let half = Link {
        ids: PerSide {
            hubspot: None,
            ..link(2).ids
        },
        ..link(2)
    };
    let found = after(|batch| {
        batch.remove(index_key(&link(2), Side::HubSpot));
        batch
            .put_row(keys::link(&mapping(), LinkId(2)), &half)
            .unwrap();
    })
    .await;
    assert_eq!(names(&found), ["links"], "{found:?}");
    let pending = Link {
        state: LinkState::PendingCreate,
        ..half
    };
    let found = after(|batch| {
        batch.remove(index_key(&link(2), Side::HubSpot));
        batch
            .put_row(keys::link(&mapping(), LinkId(2)), &pending)
            .unwrap();
    })
    .await;
    assert_eq!(found, []);
    let found = after(|batch| {
        batch
            .put_row(keys::link(&mapping(), LinkId(4)), &link(3))
            .unwrap()
    })
    .await;
    assert_eq!(names(&found)[0], "links", "{found:?}");
}

#[tokio::test]
async fn an_open_write_that_the_journal_does_not_know_as_open_is_found() {
    let found = after(|batch| batch.remove(keys::journal(RunId(1), 1))).await;
    assert_eq!(names(&found), ["open_ops"], "{found:?}");
    let confirmed = op(OpState::Confirmed);
    let found = after(|batch| {
        batch
            .put_row(keys::journal(RunId(1), 1), &confirmed)
            .unwrap()
    })
    .await;
    assert_eq!(names(&found), ["open_ops"], "{found:?}");
    // A ghost may outlive both.
    let ghost = open_op(Some(Ghost {
        target: None,
        fields: BTreeMap::new(),
        until: at(),
    }));
    let found = after(|batch| {
        batch.put_row(keys::open_op(OpId(77)), &ghost).unwrap();
        batch.remove(keys::journal(RunId(1), 1));
    })
    .await;
    assert_eq!(found, []);
    let found = after(|batch| batch.remove(keys::open_op(OpId(77)))).await;
    assert_eq!(names(&found), ["journal"], "{found:?}");
}

#[tokio::test]
async fn an_item_without_its_record_and_a_record_without_its_item_are_found() {
    let found = after(|batch| batch.remove(keys::pending(1, ItemId(5)))).await;
    assert_eq!(names(&found), ["pending"], "{found:?}");
    let found = after(|batch| batch.put_mark(keys::pending(1, ItemId(6)))).await;
    assert_eq!(names(&found), ["pending"], "{found:?}");
}

#[tokio::test]
async fn a_wrong_count_and_a_mark_without_a_reason_are_found() {
    let found = after(|batch| batch.put_row(keys::counter("links/contacts"), &4).unwrap()).await;
    assert_eq!(names(&found), ["counters"], "{found:?}");
    let found = after(|batch| batch.remove(keys::counter("links/contacts"))).await;
    assert_eq!(names(&found), ["counters"], "{found:?}");
    let found = after(|batch| batch.put_row(keys::counter("anything/else"), &4).unwrap()).await;
    assert_eq!(found, []);
    let key = || keys::dirty(&mapping(), Side::HubSpot, &"9".into());
    let found = after(|batch| batch.put_row(key(), &Dirty::default()).unwrap()).await;
    assert_eq!(
        (names(&found), found[0].1),
        (vec!["dirty"], FindingState::Warn),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_named_and_the_rest_is_checked_all_the_same() {
    let store = healthy().await;
    let mut batch = Batch::default();
    batch.put(keys::link(&mapping(), LinkId(2)), b"\x09{}".to_vec());
    batch
        .put_row(keys::base(&mapping(), LinkId(9)), &Base::default())
        .unwrap();
    store.commit(batch).await.unwrap();
    assert!(store.damage(&keys::base(&mapping(), LinkId(1))));
    let found = problems(&store).await;
    assert_eq!(
        names(&found),
        ["values", "values", "bases", "counters"],
        "{found:?}"
    );
    assert!(found[0].2.contains("format 9"), "{found:?}");
    assert!(found[1].2.contains("checksum"), "{found:?}");
}

#[tokio::test]
async fn a_flood_of_problems_is_cut_short_with_their_number() {
    let found = after(|batch| {
        for number in 100..150 {
            batch
                .put_row(keys::base(&mapping(), LinkId(number)), &Base::default())
                .unwrap();
        }
    })
    .await;
    assert_eq!(found.len(), 21);
    assert_eq!(found[20].2, "30 more like these");
}

#[tokio::test]
async fn a_record_that_two_mappings_of_a_group_have_linked_is_found() {
    for (state, rival, wrong) in [
        (LinkState::Active, "Lead", true),
        (LinkState::PendingCreate, "Lead", true),
        (
            LinkState::Deleted(Departed::of(Side::HubSpot)),
            "Lead",
            false,
        ),
        // Another mapping over the same two objects is no group with it.
        (LinkState::Active, "Contact", false),
    ] {
        let store = healthy().await;
        let theirs = Link {
            id: LinkId(9),
            mapping: "leads".into(),
            state: state.clone(),
            ..link(1)
        };
        let mut batch = Batch::default();
        batch
            .put_row(keys::link(&theirs.mapping, theirs.id), &theirs)
            .unwrap();
        batch
            .put_row(keys::base(&theirs.mapping, theirs.id), &Base::default())
            .unwrap();
        for (side, object) in [(Side::Salesforce, rival), (Side::HubSpot, "contacts")] {
            let id = theirs.ids.get(side).as_ref().unwrap();
            let key = keys::link_index(side, object, id, &theirs.mapping);
            batch.put_row(key, &theirs.id).unwrap();
        }
        store.commit(batch).await.unwrap();
        let findings = doctor(&store).await.unwrap();
        let told = findings
            .iter()
            .any(|finding| format!("{finding:?}").contains("which share it"));
        assert_eq!(told, wrong, "{state:?} {rival}: {findings:#?}");
    }
}
