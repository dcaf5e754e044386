//! Verbs that list and decide.

use super::*;

const FIRST: ItemId = ItemId(0x1a2b_3c4d << 96);
const SECOND: ItemId = ItemId(0x1a2b_3c99 << 96);
const REVIEW: ItemId = ItemId(0xffee_dd00 << 96);
const KEY: ItemId = ItemId(0x9999_9900 << 96);

fn side(id: &str, value: &str) -> SideValue {
    SideValue {
        id: Some(RecordId::from(id)),
        value: Value::text(value),
        modified_at: Some(at(0)),
        modified_by: None,
    }
}

fn item(id: ItemId, kind: ItemKind, field: &str) -> Conflict {
    Conflict {
        id,
        mapping: MappingId::from("contacts"),
        kind,
        link: None,
        label: "Jane\u{1b}[2J Doe".into(),
        field: field.into(),
        sides: PerSide {
            salesforce: side("0038Qk", "+1"),
            hubspot: side("5512", ""),
        },
        base: Some(Value::text("+0")),
        base_run: None,
        suggest: Some(Side::HubSpot),
        rule: "ask".into(),
        why: "both changed".into(),
        state: ItemState::Open,
        candidates: vec![Candidate {
            record: RecordKey {
                side: Side::HubSpot,
                object: "contacts".into(),
                id: RecordId::from("777"),
            },
            label: String::new(),
            why: "same e-mail".into(),
        }],
        resolution: None,
        members: Vec::new(),
        automatic: false,
        first_seen: at(0),
        last_seen: at(60),
        run: RunId(1),
    }
}

fn row(key: ItemId, kind: ItemKind, fields: &[&str], items: &[ItemId]) -> ConflictRow {
    ConflictRow {
        key,
        kind,
        mapping: MappingId::from("contacts"),
        label: "Jane".into(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        items: items.to_vec(),
        since: at(0),
        rule: "ask".into(),
        suggest: None,
        state: ItemState::Open,
        ids: PerSide {
            salesforce: None,
            hubspot: None,
        },
        peek: Vec::new(),
        later: None,
    }
}

fn error(id: ItemId, category: ErrorCategory) -> ErrorItem {
    ErrorItem {
        id,
        mapping: MappingId::from("contacts"),
        side: Side::HubSpot,
        object: "contacts".into(),
        record: RecordKey {
            side: Side::HubSpot,
            object: "contacts".into(),
            id: RecordId::from("5512"),
        },
        link: None,
        label: "Jane".into(),
        field: "Phone".into(),
        value: Value::text("x"),
        category,
        message: "the phone number is not one".into(),
        vendor: Some(VendorError {
            status: 400,
            code: "INVALID".into(),
            text: "Property values were not valid".into(),
            request_id: Some("r-1".into()),
            fields: Vec::new(),
            category,
            holder: None,
        }),
        next: "correct it".into(),
        tries: 2,
        first_seen: at(0),
        last_seen: at(60),
        retry_at: None,
        sent: false,
        digest: String::new(),
        seen: Default::default(),
        run: RunId(9),
    }
}

/// Two field conflicts of one record, one review item, two errors.
fn answer(request: &Request) -> Reply {
    match request {
        Request::List(query) => {
            let rows = match query.list {
                ListKind::Conflicts => {
                    let rows = vec![
                        row(KEY, ItemKind::Field, &["Phone", "Title"], &[FIRST, SECOND]),
                        row(REVIEW, ItemKind::AmbiguousMatch, &[], &[REVIEW]),
                    ];
                    Rows::Conflicts(rows.into_iter().skip(query.from).collect())
                }
                ListKind::Errors { .. } => {
                    let rows = vec![
                        error(FIRST, ErrorCategory::Picklist),
                        error(SECOND, ErrorCategory::Validation),
                    ];
                    Rows::Errors(rows.into_iter().skip(query.from).collect())
                }
                _ => Rows::Runs(Vec::new()),
            };
            Reply::List(ListPage {
                total: 2,
                matched: 2,
                from: query.from,
                located: None,
                rows,
            })
        }
        Request::Conflict { key } => {
            let items = if *key == KEY {
                vec![
                    item(FIRST, ItemKind::Field, "Phone"),
                    item(SECOND, ItemKind::Field, "Title"),
                ]
            } else {
                vec![item(REVIEW, ItemKind::AmbiguousMatch, "")]
            };
            Reply::Conflict(Box::new(ConflictDetail {
                row: row(*key, ItemKind::Field, &[], &[]),
                fields: Vec::new(),
                items,
                candidates: Vec::new(),
                own: None,
                base_run: None,
                alike: BTreeMap::new(),
            }))
        }
        Request::Resolve { items, .. } => Reply::Resolved(Resolved {
            count: items.len(),
            drafts: items.len(),
            open: 1,
            before: Vec::new(),
        }),
        Request::Retry { .. } => Reply::Retried {
            count: 1,
            run: None,
        },
        _ => Reply::Ok,
    }
}

#[tokio::test]
async fn conflicts_are_one_object_a_line_with_review_items_beside() {
    let ran = ran("conflicts --json", answer).await;
    let lines = ran.json();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[0],
        serde_json::json!({
            "id": "1a2b3c4d000000000000000000000000", "mapping": "contacts", "kind": "field", "field": "Phone",
            "salesforce": {"id": "0038Qk", "value": "+1", "modified_at": "2026-11-21T14:02:00Z"},
            "hubspot": {"id": "5512", "value": null, "modified_at": "2026-11-21T14:02:00Z"},
            "base": "+0", "suggest": "hubspot", "state": "open",
        })
    );
    let review = &lines[2];
    assert_eq!(review["kind"], "ambiguous_match");
    assert_eq!(
        review["candidates"],
        serde_json::json!([{"side": "hubspot", "object": "contacts", "id": "777", "why": "same e-mail"}])
    );
    assert!(review.get("base").is_none() && review.get("suggest").is_none());
}

#[tokio::test]
async fn conflicts_are_narrowed_and_names_cannot_draw() {
    let phones = ran("conflicts --field Phone", answer).await;
    assert!(
        phones.out.contains("1a2b3c4d") && !phones.out.contains("1a2b3c99"),
        "{}",
        phones.out
    );
    assert!(!phones.out.contains('\u{1b}'));
    assert_eq!(
        ran("conflicts --json --kind ambiguous_match", answer)
            .await
            .json()
            .len(),
        1
    );
    assert!(
        ran("conflicts --mapping other", answer)
            .await
            .out
            .contains("Nothing waits")
    );
    let unknown = ran("conflicts --kind fields", answer).await;
    assert_eq!(unknown.code(), 2);
    assert!(unknown.failure().contains("ambiguous_match"));
}

#[tokio::test]
async fn choices_go_to_exactly_the_named_items() {
    let sent = |ran: &Ran| match ran.asked.last() {
        Some(Request::Resolve { items, take, .. }) => (items.clone(), take.clone()),
        other => panic!("{other:?}"),
    };
    for (line, items, take) in [
        (
            "resolve 1a2b3c4 --take hubspot",
            vec![FIRST],
            Take::Choice(Choice::Take(Side::HubSpot)),
        ),
        (
            "resolve 999999 --take newest",
            vec![FIRST, SECOND],
            Take::Newest,
        ),
        (
            "resolve --all --field Title --value Boss",
            vec![SECOND],
            Take::Choice(Choice::Value("Boss".into())),
        ),
        (
            "resolve --all --kind ambiguous_match --ignore",
            vec![REVIEW],
            Take::Choice(Choice::Ignore),
        ),
        (
            "resolve ffeedd --link 777",
            vec![REVIEW],
            Take::Choice(Choice::Link(RecordId::from("777"))),
        ),
        (
            "resolve ffeedd --create",
            vec![REVIEW],
            Take::Choice(Choice::Create),
        ),
        (
            "resolve ffeedd --accept",
            vec![REVIEW],
            Take::Choice(Choice::Accept),
        ),
        (
            "resolve 1a2b3c4d --take base",
            vec![FIRST],
            Take::Choice(Choice::Base),
        ),
    ] {
        let ran = ran(line, answer).await;
        assert_eq!(ran.code(), 0, "{line}");
        assert_eq!(sent(&ran), (items, take), "{line}");
    }
}

#[tokio::test]
async fn an_id_that_names_nothing_or_several_changes_nothing() {
    for (line, word) in [
        ("resolve 1a2b3c --take newest", "several"),
        ("resolve 123456 --take newest", "no conflict"),
        ("resolve 1a2b3c4 --mapping contacts --take newest", "--all"),
        ("retry 123456", "no error"),
    ] {
        let ran = ran(line, answer).await;
        assert_eq!(ran.code(), 2, "{line}");
        assert!(ran.failure().contains(word), "{line}: {}", ran.failure());
        assert!(
            !ran.asked
                .iter()
                .any(|one| matches!(one, Request::Resolve { .. } | Request::Retry { .. }))
        );
    }
    let none = ran("resolve --all --mapping other --ignore", answer).await;
    assert_eq!(none.code(), 0);
    assert!(
        !none
            .asked
            .iter()
            .any(|one| matches!(one, Request::Resolve { .. }))
    );
}

#[tokio::test]
async fn an_item_that_the_choice_does_not_fit_is_named() {
    let ran = ran("resolve --all --take base", |request| match request {
        Request::Resolve { .. } => Reply::Refused(Refusal {
            kind: RefusalKind::Usage,
            message: "nothing was decided".into(),
            items: vec![(FIRST, "there is no base yet".into())],
        }),
        other => answer(other),
    })
    .await;
    assert_eq!(ran.code(), 2);
    assert!(
        ran.failure().contains("1a2b3c4d  there is no base yet"),
        "{}",
        ran.failure()
    );
}

#[tokio::test]
async fn errors_are_listed_by_category_with_the_vendors_words() {
    let found = ran("errors --json --category picklist", answer)
        .await
        .json();
    assert_eq!(
        found,
        [serde_json::json!({
            "id": "1a2b3c4d000000000000000000000000", "mapping": "contacts", "side": "hubspot", "object": "contacts",
            "record": "5512", "category": "picklist", "message": "the phone number is not one",
            "vendor": {"status": 400, "code": "INVALID", "text": "Property values were not valid", "request_id": "r-1"},
            "next": "correct it", "tries": 2, "first_seen": "2026-11-21T14:02:00Z", "last_seen": "2026-11-21T14:03:00Z",
            "run": 9,
        })]
    );
    let text = ran("errors", answer).await;
    assert!(
        text.out.find("validation: 1 record") < text.out.find("picklist: 1 record"),
        "{}",
        text.out
    );
    assert_eq!(ran("errors --category nope", answer).await.code(), 2);
}

#[tokio::test]
async fn retries_name_what_they_free() {
    for (line, which) in [
        ("retry 1a2b3c4", RetryWhich::Items(vec![FIRST])),
        (
            "retry --category picklist",
            RetryWhich::Category(ErrorCategory::Picklist),
        ),
        ("retry --all", RetryWhich::All),
    ] {
        let ran = ran(line, answer).await;
        assert_eq!(ran.out, "1 error will be tried again by the next run.\n");
        assert_eq!(
            ran.asked.last(),
            Some(&Request::Retry { which, now: false })
        );
    }
}

#[tokio::test]
async fn a_retry_that_finds_no_error_is_well_and_starts_nothing() {
    let nothing = |request: &Request| match request {
        Request::Retry { .. } => Reply::Retried {
            count: 0,
            run: None,
        },
        other => answer(other),
    };
    let text = ran("retry --all --now", nothing).await;
    assert_eq!((text.code(), text.out.as_str()), (0, "No errors.\n"));
    let document = ran("retry --all --now --json", nothing).await;
    assert_eq!(
        (document.code(), document.json()[0]["retried"].as_u64()),
        (0, Some(0))
    );
}

#[tokio::test]
async fn a_record_that_nobody_knows_is_a_usage_error_and_several_are_listed() {
    let none = ran("record nobody", |_| Reply::Records {
        records: Vec::new(),
    })
    .await;
    assert_eq!(none.code(), 2);
    let mut sides = PerSide::<SideNow>::default();
    sides.salesforce.id = Some(RecordId::from("003"));
    let view = RecordView {
        why: "in step".into(),
        tone: Tone::Ok,
        mapping: MappingId::from("contacts"),
        label: "Jane".into(),
        link: None,
        sides,
        scope: Vec::new(),
        fields: Vec::new(),
        pending: Vec::new(),
        errors: Vec::new(),
        journal: Vec::new(),
        next_run_at: None,
        read_at: chrono::DateTime::UNIX_EPOCH,
    };
    let (one, two) = (vec![view.clone()], vec![view.clone(), view]);
    let found = ran("record Jane --json", move |_| Reply::Records {
        records: one.clone(),
    })
    .await
    .json();
    assert_eq!(found[0]["why"], "in step");
    for key in ["mapping", "link", "scope", "fields", "pending", "journal"] {
        assert!(found[0].get(key).is_some(), "{key}");
    }
    let several = ran("record Jane", move |_| Reply::Records {
        records: two.clone(),
    })
    .await;
    assert!(
        several.out.contains("Several records fit"),
        "{}",
        several.out
    );
}

#[tokio::test]
async fn a_failed_check_ends_with_one() {
    let line = |state| CheckLine {
        check: "auth".into(),
        subject: "HubSpot".into(),
        state,
        message: "signed in".into(),
        next: String::new(),
    };
    for (state, code) in [
        (CheckState::Ok, 0),
        (CheckState::Warn, 0),
        (CheckState::Fail, 1),
    ] {
        let checks = vec![line(state)];
        let ran = ran("check --json", move |_| Reply::Check {
            checks: checks.clone(),
        })
        .await;
        assert_eq!(ran.code(), code);
        assert_eq!(ran.json().len(), 1);
    }
    let doctor = ran("doctor --json", answer).await;
    assert_eq!(
        (doctor.code(), doctor.json()[0]["state"].as_str()),
        (1, Some("fail"))
    );
}

#[tokio::test]
async fn the_history_is_one_document_a_line() {
    assert_eq!(ran("runs --json", answer).await.out, "");
    assert!(ran("runs", answer).await.out.contains("No run yet"));
}
