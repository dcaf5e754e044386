//! What the console asks of the store, over an in-memory one: the past of a field, the write behind an error, rows left for later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Duration, TimeZone, Utc};

use super::messages::{
    ErrorDetail, Happened, HistoryLine, ListKind, ListPage, ListQuery, Reply, Request, Resolved,
    Rows, SavedPlan, Seen, Take, Verdict,
};
use super::{Client, Service, Setup};
use crate::clock::{SeededEntropy, TokioClock};
use crate::config::{Config, StarterConnections, starter_config};
use crate::domain::*;
use crate::engine::{Db, names, plan_hash};
use crate::store::{Batch, Entry, Key, Range, SimStore, Store, StoreError};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 14, 14, 0, 0).unwrap()
}

const LINK: LinkId = LinkId(77);
const ROW: ItemId = ItemId(77);
const FIELD: ItemId = ItemId(100);
const ERROR: ItemId = ItemId(200);

fn conflict(id: ItemId, field: &str) -> Conflict {
    let side = |id: &str, value: &str, minutes: i64| SideValue {
        id: Some(id.into()),
        value: Value::text(value),
        modified_at: Some(now() - Duration::minutes(minutes)),
        modified_by: Some("m.silva".into()),
    };
    Conflict {
        id,
        mapping: "contacts".into(),
        kind: ItemKind::Field,
        link: Some(LINK),
        label: "Jane".into(),
        field: field.into(),
        sides: PerSide {
            salesforce: side("003A", "VP", 30),
            hubspot: side("551", "Head of Sales", 20),
        },
        base: Some(Value::text("VP")),
        base_run: Some(RunId(1)),
        suggest: None,
        rule: "ask".into(),
        why: "both changed".into(),
        state: ItemState::Open,
        candidates: Vec::new(),
        resolution: None,
        members: Vec::new(),
        automatic: false,
        first_seen: now() - Duration::minutes(10),
        last_seen: now(),
        run: RunId(2),
    }
}

fn op(run: u64, seq: u64, state: OpState) -> Op {
    Op {
        id: OpId(u128::from(run * 100 + seq)),
        run: RunId(run),
        seq,
        mapping: "contacts".into(),
        link: if seq == 2 {
            LINK
        } else {
            LinkId(u128::from(seq))
        },
        kind: OpKind::Update,
        side: Side::HubSpot,
        object: "contacts".into(),
        target: Some("551".into()),
        source: Some("003A".into()),
        fields: [(
            "jobtitle".to_owned(),
            Assignment {
                before: Value::Null,
                after: Value::text(format!("VP {run}")),
                pair: "Title".into(),
                left: Some(Value::text("VP")),
                ..Assignment::default()
            },
        )]
        .into(),
        key: None,
        evidence: None,
        modstamp: None,
        state,
        attempt: Attempt {
            count: 1,
            sent_at: Some(now() - Duration::hours(24 - run as i64)),
            side_at: None,
            batch: 4,
        },
        outcome: OpOutcome::default(),
    }
}

fn run(number: u64) -> RunRecord {
    RunRecord {
        run: RunId(number),
        kind: RunKind::Incremental,
        state: RunState::Done,
        by: "you".into(),
        started_at: now() - Duration::hours(25 - number as i64),
        ended_at: Some(now() - Duration::hours(24 - number as i64)),
        calls: CallCount::default(),
        expected_calls: SideCount::default(),
        mappings: Vec::new(),
        reason: None,
        valves: Vec::new(),
        plan_hash: None,
        ops: 3,
        asked: None,
    }
}

fn error() -> ErrorItem {
    ErrorItem {
        id: ERROR,
        mapping: "contacts".into(),
        side: Side::HubSpot,
        object: "contacts".into(),
        record: RecordKey {
            side: Side::HubSpot,
            object: "contacts".into(),
            id: "551".into(),
        },
        link: Some(LINK),
        label: "Jane".into(),
        field: "Title".into(),
        value: Value::text("VP 2"),
        category: ErrorCategory::Validation,
        message: "refused".into(),
        vendor: None,
        next: "correct it".into(),
        tries: 1,
        first_seen: now(),
        last_seen: now(),
        retry_at: None,
        sent: false,
        digest: String::new(),
        seen: PerSide::default(),
        run: RunId(2),
    }
}

/// A store with two runs, three ops each of which the second is the link's, two conflicts of one record and an error.
async fn store() -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(SimStore::new());
    let db = Db::open(store.clone()).await.unwrap();
    let mut tx = db.begin();
    for number in [1, 2] {
        tx.put_run(&run(number)).unwrap();
        for seq in 1..=3 {
            let state = if number == 2 {
                OpState::Failed
            } else {
                OpState::Confirmed
            };
            tx.put_op(&op(number, seq, state)).unwrap();
        }
    }
    for (id, field) in [(FIELD, "Title"), (ItemId(101), "Phone")] {
        tx.put_conflict(&conflict(id, field), None, LINK.0).unwrap();
    }
    tx.put_error(&error(), false).unwrap();
    tx.commit().await.unwrap();
    store
}

async fn open(store: Arc<dyn Store>) -> Service {
    let text = starter_config(&StarterConnections::default());
    let config =
        Config::parse(&text, "starter.toml", Path::new(""), &BTreeMap::new(), &[]).unwrap();
    let setup = Setup {
        config,
        data_dir: PathBuf::new(),
        env: BTreeMap::new(),
        read_only: false,
        vendors: false,
        schedules: false,
        backups: false,
        clock: Arc::new(TokioClock::starting_at(now())),
        entropy: Arc::new(SeededEntropy::new(1)),
        transport: None,
    };
    Service::over(store, setup).await.unwrap()
}

async fn history(client: &Client) -> Vec<HistoryLine> {
    match client.ask(Request::History { key: ROW }).await.unwrap() {
        Reply::History { lines } => lines,
        other => panic!("{other:?}"),
    }
}

async fn resolved(client: &Client, request: Request) -> Resolved {
    match client.ask(request).await.unwrap() {
        Reply::Resolved(resolved) => resolved,
        other => panic!("{other:?}"),
    }
}

/// The state filter's answer and the reason of the first row.
async fn queue(client: &Client, filter: &str) -> (usize, Option<String>) {
    let query = ListQuery {
        list: ListKind::Conflicts,
        filter: filter.into(),
        sort: None,
        from: 0,
        count: 10,
        locate: None,
    };
    match client.ask(Request::List(query)).await.unwrap() {
        Reply::List(page) => match page.rows {
            Rows::Conflicts(rows) => {
                let later = rows.first().and_then(|row| row.later.clone());
                (page.matched, later.map(|note| note.reason))
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn take(items: Vec<ItemId>, side: Side) -> Request {
    Request::Resolve {
        items,
        take: Take::Choice(Choice::Take(side)),
        by: "you".into(),
        fields_only: false,
        shown: Vec::new(),
    }
}

fn leave(reason: Option<&str>) -> Request {
    Request::Later {
        rows: vec![ROW],
        reason: reason.map(str::to_owned),
        by: "k.ode".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_history_of_a_field_is_edits_bases_and_writes_newest_first() {
    let store = store().await;
    let service = open(store.clone()).await;
    let client = service.client();
    let lines = history(&client).await;
    let title: Vec<&HistoryLine> = lines.iter().filter(|line| line.pair == "Title").collect();
    let told: Vec<Happened> = title.iter().map(|line| line.what).collect();
    assert_eq!(
        told,
        [
            Happened::Edited,
            Happened::Written(OpState::Failed),
            Happened::Written(OpState::Confirmed),
            Happened::BaseSet,
        ],
        "only HubSpot moved away from the base; other links' ops are not told"
    );
    assert_eq!(title[0].by.as_deref(), Some("m.silva"));
    assert_eq!(title[0].after, Value::text("Head of Sales"));
    assert_eq!(title[1].run, Some(RunId(2)));
    assert_eq!(title[1].found, Some(Value::text("VP")));

    let db = Db::open(store).await.unwrap();
    let mut tx = db.begin();
    let late = Op {
        seq: 9,
        link: LINK,
        ..op(2, 9, OpState::Sent)
    };
    tx.put_op(&late).unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        history(&client).await.len(),
        lines.len() + 1,
        "what was journalled since is read on"
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_with_the_newest_write_that_was_refused() {
    let client = open(store().await).await.client();
    let reply = client.ask(Request::Error { item: ERROR }).await.unwrap();
    let Reply::Error(detail) = reply else {
        panic!("{reply:?}")
    };
    let ErrorDetail { item, op, request } = *detail;
    let op = op.unwrap();
    assert_eq!((item.id, op.run, op.attempt.batch), (ERROR, RunId(2), 4));
    assert_eq!(request, "POST …/crm/objects/contacts/batch/update");
    let gone = client
        .ask(Request::Error { item: ItemId(1) })
        .await
        .unwrap();
    assert!(matches!(gone, Reply::Refused(_)), "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn left_for_later_outlives_a_restart_and_ends_with_a_choice() {
    let store = store().await;
    {
        let client = open(store.clone()).await.client();
        resolved(&client, take(vec![FIELD], Side::HubSpot)).await;
        let answer = resolved(&client, leave(Some("  ask Jane "))).await;
        assert_eq!(
            answer.before,
            [(FIELD, Some(Choice::Take(Side::HubSpot)))],
            "its choice is taken back, and told"
        );
        assert_eq!((answer.drafts, answer.open), (0, 2));
    }
    let client = open(store).await.client();
    assert_eq!(
        queue(&client, "state:later").await,
        (1, Some("ask Jane".into()))
    );
    assert_eq!(queue(&client, "reason:jane").await.0, 1);
    assert_eq!(queue(&client, "state:open").await.0, 0);
    resolved(&client, leave(None)).await;
    assert_eq!(queue(&client, "state:open").await, (1, None));
    resolved(&client, leave(Some(""))).await;
    resolved(&client, take(vec![ROW], Side::Salesforce)).await;
    assert_eq!(queue(&client, "state:draft").await, (1, None));
    let wrong = Request::Later {
        rows: vec![ItemId(5)],
        reason: None,
        by: "you".into(),
    };
    assert!(matches!(
        client.ask(wrong).await.unwrap(),
        Reply::Refused(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn an_answer_names_the_choice_that_each_item_had_before() {
    let client = open(store().await).await.client();
    resolved(&client, take(vec![FIELD], Side::HubSpot)).await;
    let answer = resolved(&client, take(vec![ROW], Side::Salesforce)).await;
    assert_eq!(
        answer.before,
        [
            (FIELD, Some(Choice::Take(Side::HubSpot))),
            (ItemId(101), None)
        ]
    );
}

/// A run reads records anew while the screen shows what was there before.
#[tokio::test(start_paused = true)]
async fn a_choice_about_values_that_are_others_by_now_is_refused() {
    let store = store().await;
    let client = open(store.clone()).await.client();
    let shown = |item: &Conflict| {
        let value = |side| item.sides.get(side).value.clone();
        vec![(item.id, PerSide::from_fn(value))]
    };
    let take = |shown: Vec<(ItemId, PerSide<Value>)>| Request::Resolve {
        items: vec![FIELD],
        take: Take::Choice(Choice::Take(Side::HubSpot)),
        by: "you".into(),
        fields_only: false,
        shown,
    };
    let before = conflict(FIELD, "Title");
    let mut now = before.clone();
    now.sides.hubspot.value = Value::Null;
    let db = Db::open(store).await.unwrap();
    let mut tx = db.begin();
    tx.put_conflict(&now, Some(&before), LINK.0).unwrap();
    tx.commit().await.unwrap();
    let version = client.status().borrow().version;
    match client.ask(take(shown(&before))).await.unwrap() {
        Reply::Refused(refusal) => {
            assert!(refusal.message.contains("look at it again"), "{refusal:?}");
            assert_eq!(refusal.items.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(queue(&client, "state:draft").await.0, 0);
    assert!(
        client.status().borrow().version > version,
        "what is shown is read anew"
    );
    assert_eq!(resolved(&client, take(shown(&now))).await.count, 1);
}

/// A store that lets others go first at every row.
struct Slow(SimStore);

#[async_trait::async_trait]
impl Store for Slow {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        tokio::task::yield_now().await;
        self.0.get(key).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        tokio::task::yield_now().await;
        self.0.get_many(keys).await
    }

    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        tokio::task::yield_now().await;
        self.0.range(range).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.0.apply(batch).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.0.commit(batch).await
    }

    fn rows_read(&self) -> u64 {
        self.0.rows_read()
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_choices_in_a_burst_the_later_one_stands() {
    let slow: Arc<dyn Store> = Arc::new(Slow(SimStore::new()));
    let rows = store()
        .await
        .range(Range::prefix(Key(Vec::new()), 1000))
        .await;
    let mut batch = Batch::default();
    for (key, value) in rows.unwrap() {
        batch.put(key, value);
    }
    slow.commit(batch).await.unwrap();
    let client = open(slow).await.client();
    let (_, later) = tokio::join!(
        client.ask(take(vec![ItemId(101), FIELD], Side::HubSpot)),
        resolved(&client, take(vec![FIELD], Side::Salesforce)),
    );
    assert_eq!(
        later.before,
        [(FIELD, Some(Choice::Take(Side::HubSpot)))],
        "it found the one before"
    );
    assert_eq!(later.drafts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_field_opens_with_its_values_and_takes_a_side_but_no_newest() {
    let store = store().await;
    let frozen = ItemId(300);
    {
        let db = Db::open(store.clone()).await.unwrap();
        let mut tx = db.begin();
        let item = Conflict {
            kind: ItemKind::Oscillation,
            why: "It went back and forth.".into(),
            ..conflict(frozen, "Title")
        };
        tx.put_conflict(&item, None, LINK.0).unwrap();
        tx.commit().await.unwrap();
    }
    let client = open(store).await.client();
    let reply = client.ask(Request::Conflict { key: frozen }).await.unwrap();
    let Reply::Conflict(detail) = reply else {
        panic!("{reply:?}")
    };
    let field = &detail.fields[0];
    assert_eq!(field.item, Some(frozen));
    assert_eq!(field.disabled[0].0, "newest");
    assert!(
        detail.fields.len() > 1,
        "the record's other fields are there too"
    );
    assert_eq!(detail.row.rule, "It went back and forth.");
    let newest = Request::Resolve {
        items: vec![frozen],
        take: Take::Newest,
        by: "you".into(),
        fields_only: false,
        shown: Vec::new(),
    };
    let refused = client.ask(newest).await.unwrap();
    assert!(matches!(refused, Reply::Refused(_)), "{refused:?}");
    let taken = resolved(&client, take(vec![frozen], Side::Salesforce)).await;
    assert_eq!((taken.count, taken.drafts), (1, 1));
}

/// Which run put back which, newest first, in a store that holds these undos too.
async fn undone_by(undos: Vec<RunRecord>) -> Vec<(u64, Option<u64>)> {
    let store = store().await;
    {
        let db = Db::open(store.clone()).await.unwrap();
        let mut tx = db.begin();
        for undo in undos {
            tx.put_run(&undo).unwrap();
        }
        tx.commit().await.unwrap();
    }
    let client = open(store).await.client();
    let rows = match page(&client, ListKind::Runs, 10).await.rows {
        Rows::Runs(rows) => rows,
        other => panic!("{other:?}"),
    };
    rows.iter()
        .map(|row| (row.record.run.0, row.undone_by.map(|run| run.0)))
        .collect()
}

async fn page(client: &Client, list: ListKind, count: usize) -> ListPage {
    let query = ListQuery {
        list,
        filter: String::new(),
        sort: None,
        from: 0,
        count,
        locate: None,
    };
    match client.ask(Request::List(query)).await.unwrap() {
        Reply::List(page) => page,
        other => panic!("{other:?}"),
    }
}

fn undo(number: u64, of: u64) -> RunRecord {
    RunRecord {
        kind: RunKind::Undo,
        by: format!("undo {of}"),
        ..run(number)
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_says_which_undo_put_it_back_unless_that_was_undone_too() {
    assert_eq!(
        undone_by(vec![undo(3, 1), undo(4, 2), undo(5, 4)]).await,
        [(5, None), (4, Some(5)), (3, None), (2, None), (1, Some(3))]
    );
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_was_cut_off_or_left_something_has_not_put_its_run_back() {
    let left = |counts: Counters| RunRecord {
        mappings: vec![MappingCounts {
            mapping: "contacts".into(),
            counts,
        }],
        ..undo(3, 1)
    };
    let unfinished = [
        RunRecord {
            state: RunState::Cancelled,
            ..undo(3, 1)
        },
        RunRecord {
            state: RunState::Halted,
            ..undo(3, 1)
        },
        left(Counters {
            held: 1,
            ..Counters::default()
        }),
        left(Counters {
            errors: 1,
            ..Counters::default()
        }),
    ];
    for one in unfinished {
        // Nor does it stand any more once it was undone itself, as far as it went.
        let told = undone_by(vec![one, undo(4, 2), undo(5, 4)]).await;
        assert_eq!(
            told,
            [(5, None), (4, Some(5)), (3, None), (2, None), (1, None)]
        );
    }
    let part = RunRecord {
        state: RunState::Cancelled,
        ..undo(5, 4)
    };
    let told = undone_by(vec![undo(4, 2), part]).await;
    assert_eq!(told, [(5, None), (4, None), (2, None), (1, None)]);
}

/// Its row counts no ops: only the end of a run writes them.
#[tokio::test(start_paused = true)]
async fn the_journal_of_a_run_that_crashed_is_as_long_as_it_is() {
    let store = store().await;
    {
        let db = Db::open(store.clone()).await.unwrap();
        let mut tx = db.begin();
        let crashed = RunRecord {
            state: RunState::Crashed,
            ops: 0,
            ..run(3)
        };
        tx.put_run(&crashed).unwrap();
        for seq in 1..=7 {
            tx.put_op(&op(3, seq, OpState::Confirmed)).unwrap();
        }
        tx.commit().await.unwrap();
    }
    let client = open(store).await.client();
    let page = page(&client, ListKind::Journal { run: RunId(3) }, 5).await;
    assert_eq!((page.matched, page.total), (7, 7));
}

#[tokio::test(start_paused = true)]
async fn a_record_is_told_from_the_store_alone_and_claims_nothing_of_now() {
    let store = store().await;
    {
        let db = Db::open(store.clone()).await.unwrap();
        let mut tx = db.begin();
        let link = Link {
            id: LINK,
            mapping: "contacts".into(),
            ids: PerSide {
                salesforce: Some("003A".into()),
                hubspot: Some("551".into()),
            },
            state: LinkState::Active,
            created_by: CreatedBy::Matched,
            created_at: now(),
            stamped: PerSide::default(),
            former: PerSide::default(),
            life: 0,
            tomb: None,
        };
        let objects = PerSide {
            salesforce: "Contact".to_owned(),
            hubspot: "contacts".to_owned(),
        };
        tx.add_link(&link, &objects).unwrap();
        tx.commit().await.unwrap();
    }
    let client = open(store).await.client();
    for query in ["003A", "551", "jane"] {
        let request = Request::Record {
            query: query.into(),
            mapping: None,
        };
        let reply = client.ask(request).await.unwrap();
        let Reply::Records { records } = reply else {
            panic!("{reply:?}")
        };
        let [record] = records.as_slice() else {
            panic!("{query}: {records:?}")
        };
        assert!(
            record.why.starts_with("Title waits for a person in Conflicts since 13:50: both changed. 2 more things wait"),
            "{}",
            record.why
        );
        assert!(matches!(record.sides.hubspot.seen, Seen::Unread(_)));
        assert_eq!(record.journal.len(), 2, "the link's own ops only");
        let verdict = |name: &str| {
            let field = record.fields.iter().find(|field| field.name() == name);
            field.unwrap().verdict
        };
        assert_eq!(verdict("Title"), Verdict::Error);
        assert_eq!(verdict("Phone"), Verdict::Conflict);
        assert_eq!(verdict("LastName"), Verdict::NotCompared);
    }
    let unknown = Request::Record {
        query: "nobody".into(),
        mapping: None,
    };
    assert!(matches!(
        client.ask(unknown).await.unwrap(),
        Reply::Refused(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn only_a_record_that_does_not_answer_is_accepted_as_deleted() {
    let store = store().await;
    let db = Db::open(store.clone()).await.unwrap();
    let silent = ErrorItem {
        id: ItemId(400),
        field: String::new(),
        category: ErrorCategory::Gone,
        ..error()
    };
    let ids = PerSide {
        salesforce: Some("003A".into()),
        hubspot: Some("551".into()),
    };
    let link = Link {
        id: LINK,
        mapping: "contacts".into(),
        ids,
        state: LinkState::Active,
        created_by: CreatedBy::Matched,
        created_at: now(),
        stamped: PerSide::default(),
        former: PerSide::default(),
        life: 0,
        tomb: None,
    };
    let objects = PerSide {
        salesforce: "Contact".to_owned(),
        hubspot: "contacts".to_owned(),
    };
    let mut tx = db.begin();
    tx.put_error(&silent, false).unwrap();
    tx.add_link(&link, &objects).unwrap();
    tx.commit().await.unwrap();
    let service = open(store).await;
    let client = service.client();
    let accept = |item: ItemId, choice: Choice| Request::Resolve {
        items: vec![item],
        take: Take::Choice(choice),
        by: "you".into(),
        fields_only: false,
        shown: Vec::new(),
    };
    for (item, choice) in [
        (ERROR, Choice::Accept),
        (silent.id, Choice::Ignore),
        (FIELD, Choice::Accept),
    ] {
        let reply = client.ask(accept(item, choice)).await.unwrap();
        assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
    }
    let done = resolved(&client, accept(silent.id, Choice::Accept)).await;
    assert_eq!((done.count, done.drafts), (1, 1));
    assert_eq!(queue(&client, "kind:deletion state:draft").await.0, 1);
}

/// An error of a Lead's link, say, that went over to the Contact.
#[tokio::test(start_paused = true)]
async fn a_record_whose_link_is_over_is_not_accepted_as_deleted() {
    let store = store().await;
    let silent = ErrorItem {
        id: ItemId(400),
        field: String::new(),
        category: ErrorCategory::Gone,
        ..error()
    };
    let db = Db::open(store.clone()).await.unwrap();
    let mut tx = db.begin();
    tx.put_error(&silent, false).unwrap();
    tx.commit().await.unwrap();
    let client = open(store).await.client();
    let accept = Request::Resolve {
        items: vec![silent.id],
        take: Take::Choice(Choice::Accept),
        by: "you".into(),
        fields_only: false,
        shown: Vec::new(),
    };
    match client.ask(accept).await.unwrap() {
        Reply::Refused(refusal) => assert!(refusal.message.contains("retry"), "{refusal:?}"),
        other => panic!("{other:?}"),
    }
}

/// Every mapping was paused when it was made. Carried out it would answer for the first sync of all that are not paused now.
#[tokio::test(start_paused = true)]
async fn a_plan_about_no_mapping_is_refused() {
    let store = store().await;
    let client = open(store.clone()).await.client();
    let db = Db::open(store).await.unwrap();
    let plan = SavedPlan {
        install: db.meta(names::INSTALL).await.unwrap().unwrap(),
        epoch: 0,
        kind: RunKind::Incremental,
        plan_hash: plan_hash(&Default::default()),
        revisions: BTreeMap::new(),
        valves: Vec::new(),
        forecast: SideCount::default(),
        seconds: 0.0,
        mappings: Vec::new(),
        ops: Vec::new(),
    };
    let apply = Request::Apply {
        plan: Box::new(plan),
        confirm: None,
        by: "you".into(),
    };
    match client.ask(apply).await.unwrap() {
        Reply::Refused(refusal) => {
            assert!(refusal.message.contains("no mapping"), "{refusal:?}");
        }
        other => panic!("{other:?}"),
    }
}
