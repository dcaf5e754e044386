//! Verbs that start runs.

use super::*;

fn record(state: RunState) -> RunRecord {
    RunRecord {
        run: RunId(143),
        kind: RunKind::Full,
        state,
        by: "you".into(),
        started_at: at(0),
        ended_at: Some(at(12) + TimeDelta::milliseconds(345)),
        calls: CallCount {
            total: PerSide {
                salesforce: 49,
                hubspot: 175,
            },
            purposes: BTreeMap::from([(
                "observe".to_owned(),
                PerSide {
                    salesforce: 40,
                    hubspot: 100,
                },
            )]),
        },
        expected_calls: PerSide {
            salesforce: 50,
            hubspot: 180,
        },
        mappings: vec![MappingCounts {
            mapping: MappingId::from("contacts"),
            counts: Counters {
                read: PerSide {
                    salesforce: 5000,
                    hubspot: 4800,
                },
                linked: 4100,
                conflicts: 12,
                errors: 1,
                open: crate::domain::OpenCounts {
                    conflicts: 14,
                    review: 2,
                    errors: 1,
                },
                ..Counters::default()
            },
        }],
        reason: None,
        valves: Vec::new(),
        plan_hash: Some("abc123".into()),
        ops: 0,
        asked: None,
    }
}

fn valve(name: &str, confirmable: bool) -> ValveHit {
    ValveHit {
        valve: name.into(),
        mapping: MappingId::from("contacts"),
        found: 900,
        limit: 30,
        message: "900 updates, more than 30 %".into(),
        confirmable,
    }
}

fn answering(record: RunRecord) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    move |request| match request {
        Request::Sync(_) | Request::Retry { now: true, .. } => Reply::Started {
            run: Some(RunId(143)),
        },
        Request::Run { .. } => Reply::Run(Box::new(record.clone())),
        _ => Reply::Ok,
    }
}

/// A planned write of one field.
fn op() -> Op {
    let mut fields = BTreeMap::new();
    fields.insert(
        "phone".to_owned(),
        Assignment {
            before: Value::Null,
            after: Value::text("+14155550100"),
            rule: "fill".into(),
            pair: "Phone".into(),
            source: Value::Unknown,
            link: None,
            both: false,
            left: None,
            life: 0,
        },
    );
    Op {
        id: OpId(7),
        run: RunId(0),
        seq: 0,
        mapping: MappingId::from("contacts"),
        link: LinkId(1),
        kind: OpKind::Update,
        side: Side::HubSpot,
        object: "contacts".into(),
        target: Some(RecordId::from("5512")),
        source: None,
        fields,
        key: None,
        evidence: None,
        modstamp: None,
        state: OpState::Planned,
        attempt: Attempt::default(),
        outcome: OpOutcome::default(),
    }
}

#[tokio::test]
async fn a_run_prints_the_document_of_product_md_and_nothing_else() {
    let ran = ran(
        "sync contacts --full --json",
        answering(record(RunState::Done)),
    )
    .await;
    assert_eq!(ran.code(), 0);
    let [document] = ran.json().try_into().unwrap();
    let expected = serde_json::json!({
        "run": 143, "kind": "full", "state": "done", "started_at": "2026-11-21T14:02:00Z", "seconds": 12.3,
        "calls": {"salesforce": 49, "hubspot": 175},
        "purposes": {"observe": {"salesforce": 40, "hubspot": 100}},
        "expected_calls": {"salesforce": 50, "hubspot": 180},
        "mappings": [{"mapping": "contacts",
            "read": {"salesforce": 5000, "hubspot": 4800}, "linked": 4100,
            "created": {"salesforce": 0, "hubspot": 0}, "updated": {"salesforce": 0, "hubspot": 0}, "updated_links": 0,
            "archived": {"salesforce": 0, "hubspot": 0}, "merged": {"salesforce": 0, "hubspot": 0}, "unchanged": 0,
            "conflicts": 12, "review": 0, "errors": 1, "unlinked_errors": 0, "held": 0, "excluded": 0,
            "open": {"conflicts": 14, "review": 2, "errors": 1}}],
    });
    assert_eq!(document, expected);
    let Request::Sync(order) = &ran.asked[0] else {
        panic!("not a sync");
    };
    assert!(order.full && !order.yes && order.mappings == [MappingId::from("contacts")]);
}

#[tokio::test]
async fn the_exit_status_tells_how_a_run_ended() {
    let halted = |valves: Vec<ValveHit>| RunRecord {
        valves,
        reason: Some("stopped".into()),
        ..record(RunState::Halted)
    };
    for (record, code) in [
        (record(RunState::Done), 0),
        (record(RunState::DoneWithErrors), 1),
        (record(RunState::Cancelled), 1),
        (halted(vec![valve("max_changes", true)]), 4),
        (halted(Vec::new()), 3),
        (record(RunState::AwaitingConfirm), 4),
    ] {
        let state = record.state;
        assert_eq!(
            ran("sync", answering(record)).await.code(),
            code,
            "{state:?}"
        );
    }
}

#[tokio::test]
async fn a_tripped_valve_names_the_hash_that_lets_exactly_this_plan_through() {
    let stopped = RunRecord {
        valves: vec![valve("max_changes", true)],
        reason: Some("900 updates, more than 30 %".into()),
        ..record(RunState::Halted)
    };
    let text = ran("sync", answering(stopped.clone())).await;
    assert!(
        text.out.contains("syncline sync --confirm abc123"),
        "{}",
        text.out
    );
    let json = ran("sync --json", answering(stopped.clone()))
        .await
        .json()
        .remove(0);
    assert_eq!(json["valve"], "max_changes");
    assert_eq!(json["confirm"], "abc123");
    assert_eq!(json["reason"], "900 updates, more than 30 %");
    let never = RunRecord {
        valves: vec![valve("empty_source", false)],
        ..stopped
    };
    let json = ran("sync --json", answering(never)).await.json().remove(0);
    assert_eq!(json.get("confirm"), None);
}

#[tokio::test]
async fn a_first_sync_asks_a_person_and_carries_out_the_plan_that_was_shown() {
    let first = RunRecord {
        valves: vec![valve("first_run", true)],
        ..record(RunState::AwaitingConfirm)
    };
    let mut left = op();
    left.state = OpState::Skipped;
    left.outcome.why = Some("its record has changed".into());
    let confirmed = Arc::new(Mutex::new(false));
    let answer = move |request: &Request| match request {
        Request::Sync(order) => {
            *confirmed.lock().unwrap() = order.confirm.as_deref() == Some("abc123");
            Reply::Started {
                run: Some(RunId(143)),
            }
        }
        Request::Run { .. } if *confirmed.lock().unwrap() => {
            Reply::Run(Box::new(record(RunState::Done)))
        }
        Request::Run { .. } => Reply::Run(Box::new(first.clone())),
        Request::List { .. } => Reply::List(ListPage {
            total: 1,
            matched: 1,
            from: 0,
            located: None,
            rows: Rows::Journal(vec![left.clone()]),
        }),
        _ => Reply::Ok,
    };
    let answer: Arc<dyn Fn(&Request) -> Reply + Send + Sync> = Arc::new(answer);
    let shared = |answer: &Arc<dyn Fn(&Request) -> Reply + Send + Sync>| {
        let answer = answer.clone();
        move |request: &Request| answer(request)
    };
    let yes = ran_with("sync", b"y\n", true, shared(&answer)).await;
    assert_eq!(yes.code(), 0);
    let told = ["Left as they are: 1 write", "its record has changed"];
    assert!(
        told.iter().all(|text| yes.out.contains(text)),
        "{}",
        yes.out
    );
    assert_eq!(
        yes.asked
            .iter()
            .filter(|one| matches!(one, Request::Sync(_)))
            .count(),
        2
    );
    for input in [&b"n\n"[..], b"", b"\n"] {
        let no = ran_with("sync", input, true, shared(&answer)).await;
        assert_eq!(no.code(), 4);
        assert_eq!(
            no.asked
                .iter()
                .filter(|one| matches!(one, Request::Sync(_)))
                .count(),
            1
        );
    }
    let nobody = ran_with("sync", b"y\n", false, shared(&answer)).await;
    assert_eq!(nobody.code(), 4);
    assert!(!nobody.err.contains("[y/N]"));
}

#[tokio::test]
async fn a_refusal_ends_with_its_own_status() {
    for (kind, code) in [
        (RefusalKind::Vendor, 3),
        (RefusalKind::Store, 5),
        (RefusalKind::ReadOnly, 2),
    ] {
        let ran = ran("sync", move |_| {
            Reply::Refused(refusal(kind, "no, because"))
        })
        .await;
        assert_eq!(ran.code(), code);
        assert_eq!(ran.failure(), "no, because");
        assert_eq!(ran.out, "");
    }
}

#[tokio::test]
async fn a_preview_shows_counts_samples_and_forecast() {
    let preview = Preview {
        kind: RunKind::Full,
        made_at: at(0),
        calls: CallCount::default(),
        plan_hash: "ff00".into(),
        valves: vec![valve("max_changes", true)],
        forecast: PerSide {
            salesforce: 3,
            hubspot: 9,
        },
        seconds: 4.5,
        mappings: vec![PreviewMapping {
            mapping: MappingId::from("contacts"),
            would: Counters::default(),
            samples: vec![op()],
            errors: Vec::new(),
        }],
    };
    let answer = move |request: &Request| match request {
        Request::StartPreview { .. } => Reply::Started { run: None },
        Request::Preview => Reply::Preview(Some(Box::new(preview.clone()))),
        _ => Reply::Ok,
    };
    let answer = Arc::new(answer);
    let (one, two, three, four) = (answer.clone(), answer.clone(), answer.clone(), answer);
    let json = ran("preview --json", move |request| one(request))
        .await
        .json()
        .remove(0);
    assert_eq!(
        json["forecast"],
        serde_json::json!({"calls": {"salesforce": 3, "hubspot": 9}, "seconds": 4.5})
    );
    assert_eq!(json["valves"][0]["found"], 900);
    let sample = &json["mappings"][0]["samples"][0];
    assert_eq!(
        sample["fields"],
        serde_json::json!({"phone": {"before": null, "after": "+14155550100"}})
    );
    assert_eq!(
        (&sample["kind"], &sample["rule"], &sample["record"]),
        (&"update".into(), &"fill".into(), &"5512".into())
    );
    assert!(json["mappings"][0]["would"]["read"].is_object());
    assert!(json.get("run").is_none() && json.get("state").is_none());
    let text = ran("preview", move |request| two(request)).await;
    assert_eq!(text.code(), 0);
    assert!(
        text.out.contains("+14155550100") && text.out.contains("syncline sync --confirm ff00"),
        "{}",
        text.out
    );
    // A run over other mappings, or over more of them, has another plan.
    let text = ran("preview contacts --full", move |request| four(request)).await;
    let same = "syncline sync contacts --full --confirm ff00";
    assert!(text.out.contains(same), "{}", text.out);
    assert_eq!(
        ran("preview --strict", move |request| three(request))
            .await
            .code(),
        1
    );
}

#[tokio::test]
async fn without_a_terminal_the_console_points_to_a_verb() {
    let mut app = App {
        global: global(),
        out: super::super::output::tests::kept(false).0,
        input: Box::new(Cursor::new(Vec::new())),
        env: BTreeMap::new(),
        clock: Arc::new(SystemClock),
        backend: Arc::new(Arc::new(Script {
            answer: Box::new(|_| Reply::Ok),
            asked: Arc::default(),
            status: watch::Sender::new(Status::default()),
            events: broadcast::Sender::new(1),
        })),
        keeps_log: false,
        log: None,
    };
    let failure = verb(&mut app, None).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.message.contains("syncline sync"));
}
