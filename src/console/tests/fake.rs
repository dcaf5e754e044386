//! A stand-in for the service: rows made from their index, so that 100 000 cost nothing; choices are kept.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use tokio::sync::{broadcast, mpsc, watch};

use crate::domain::*;
use crate::service::Client;
use crate::service::messages::*;

/// 14:07:00 on a day in May.
pub fn now() -> DateTime<Utc> {
    "2026-05-14T14:07:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - Duration::minutes(minutes)
}

fn item(kind: u8, index: usize) -> ItemId {
    ItemId((u128::from(kind) << 64) | index as u128)
}

fn text(value: &str) -> Value {
    Value::text(value)
}

/// What the stand-in holds.
pub struct World {
    pub conflicts: usize,
    pub causes: usize,
    pub runs: usize,
    pub mappings: usize,
    pub hostile: bool,
    pub refuse: Option<String>,
    pub drafts: BTreeMap<ItemId, Choice>,
    pub asked: Vec<Request>,
    pub status: Status,
}

const NASTY: &[&str] = &[
    "山田 太郎 株式会社",
    "e\u{301}e\u{301}\u{301}\u{301}\u{301} tower",
    "שלום \u{202e}evil\u{202c}",
    "👨‍👩‍👧‍👦 family ⚠\u{fe0f}",
    "a\u{1b}[31mred\u{7}\r\n\tb",
    "\u{200b}\u{feff}zero",
    "",
    "=cmd|'/c calc'!A1",
];

impl World {
    pub fn full() -> Self {
        World {
            conflicts: 17,
            causes: 4,
            runs: 143,
            mappings: 7,
            hostile: false,
            refuse: None,
            drafts: BTreeMap::new(),
            asked: Vec::new(),
            status: status(17, 3),
        }
    }

    pub fn empty() -> Self {
        World {
            conflicts: 0,
            causes: 0,
            runs: 0,
            mappings: 0,
            status: status(0, 0),
            ..World::full()
        }
    }

    pub fn hostile() -> Self {
        let mut world = World {
            hostile: true,
            ..World::full()
        };
        world.status.name = "acme\u{1b}]0;x\u{7}-prod".into();
        world
    }

    fn word(&self, index: usize, plain: &str) -> String {
        if !self.hostile {
            return plain.to_owned();
        }
        if index % 9 == 8 {
            return "x".repeat(10_000);
        }
        NASTY[index % NASTY.len()].to_owned()
    }

    pub fn answer(&mut self, request: Request) -> Reply {
        self.asked.push(request.clone());
        if let Some(why) = &self.refuse {
            return Reply::Refused(Refusal {
                kind: RefusalKind::Store,
                message: why.clone(),
                items: vec![],
            });
        }
        match request {
            Request::Mappings => Reply::Mappings {
                mappings: self.mapping_rows(),
            },
            Request::Mapping { mapping } => {
                let row = self
                    .mapping_rows()
                    .into_iter()
                    .find(|row| row.mapping == mapping)
                    .unwrap();
                Reply::Mapping(Box::new(self.detail(row)))
            }
            Request::List(query) => Reply::List(self.page(&query)),
            Request::Ids(query) => Reply::Ids {
                ids: (0..self.size(&query)).map(|index| item(1, index)).collect(),
            },
            Request::Conflict { key } => Reply::Conflict(Box::new(self.conflict(key))),
            Request::Alike { .. } => Reply::Ids {
                ids: vec![item(2, 40), item(2, 50), item(2, 60), item(2, 70)],
            },
            Request::Resolve { items, take, .. } => {
                for id in &items {
                    let choice = match &take {
                        Take::Choice(choice) => choice.clone(),
                        Take::Newest => Choice::Take(Side::HubSpot),
                    };
                    self.drafts.insert(*id, choice);
                }
                self.resolved(items.len())
            }
            Request::Unresolve { items } => {
                for id in &items {
                    self.drafts.remove(id);
                }
                self.resolved(items.len())
            }
            Request::Outgoing { .. } => Reply::Outgoing(self.outgoing()),
            Request::ApplyDrafts { .. } | Request::Sync(_) => Reply::Started {
                run: Some(RunId(144)),
            },
            Request::StartPreview { .. } => Reply::Started { run: None },
            Request::Preview => Reply::Preview(Some(Box::new(preview()))),
            Request::Retry { .. } => Reply::Retried {
                count: 912,
                run: Some(RunId(144)),
            },
            Request::Run { run } => Reply::Run(Box::new(self.run(run.0))),
            Request::Record { query } => Reply::Records {
                records: self.records(&query),
            },
            Request::Check { .. } => Reply::Check { checks: vec![] },
            _ => Reply::Ok,
        }
    }

    fn resolved(&self, count: usize) -> Reply {
        Reply::Resolved(Resolved {
            count,
            drafts: self.drafts.len(),
            open: (self.conflicts * 2).saturating_sub(self.drafts.len()),
        })
    }

    fn size(&self, query: &ListQuery) -> usize {
        if query.filter.contains("nothing") {
            return 0;
        }
        match &query.list {
            ListKind::Conflicts => self.conflicts,
            ListKind::ErrorCauses => self.causes,
            ListKind::Errors { .. } => {
                if self.causes == 0 {
                    0
                } else {
                    912
                }
            }
            ListKind::Runs => self.runs,
            ListKind::Journal { .. } => {
                if self.runs == 0 {
                    0
                } else {
                    1_204
                }
            }
            ListKind::Activity => {
                if self.runs == 0 {
                    0
                } else {
                    4
                }
            }
        }
    }

    fn page(&self, query: &ListQuery) -> ListPage {
        let matched = self.size(query);
        let total = self.size(&ListQuery {
            filter: String::new(),
            ..query.clone()
        });
        let located = query.locate.and_then(|wanted| {
            let index = match query.list {
                ListKind::Runs => self.runs.checked_sub(wanted.0 as usize)?,
                _ => wanted.0 as u64 as usize,
            };
            (index < matched).then_some(index)
        });
        let mut from = query.from.min(matched);
        if let Some(index) = located
            && !(from..from + query.count).contains(&index)
        {
            from = index.saturating_sub(query.count / 2);
        }
        let range = from..(from + query.count).min(matched);
        let rows = match &query.list {
            ListKind::Conflicts => {
                Rows::Conflicts(range.map(|index| self.conflict_row(index)).collect())
            }
            ListKind::ErrorCauses => Rows::Causes(range.map(|index| self.cause(index)).collect()),
            ListKind::Errors { .. } => Rows::Errors(range.map(|index| self.error(index)).collect()),
            ListKind::Runs => Rows::Runs(
                range
                    .map(|index| self.run((self.runs - index) as u64))
                    .collect(),
            ),
            ListKind::Journal { run } => {
                Rows::Journal(range.map(|index| self.op(*run, index)).collect())
            }
            ListKind::Activity => Rows::Activity(range.map(activity).collect()),
        };
        ListPage {
            total,
            matched,
            from,
            located,
            rows,
        }
    }

    fn mapping_rows(&self) -> Vec<MappingRow> {
        type Row = (
            &'static str,
            &'static str,
            &'static str,
            Direction,
            MappingStatus,
            Option<i64>,
            u64,
            u64,
            u64,
            u64,
        );
        let table: [Row; 7] = [
            (
                "contacts",
                "Contact",
                "contacts",
                Direction::Both,
                MappingStatus::Active,
                Some(4),
                143,
                1204,
                3,
                0,
            ),
            (
                "accounts",
                "Account",
                "companies",
                Direction::Both,
                MappingStatus::Active,
                Some(4),
                143,
                317,
                14,
                0,
            ),
            (
                "leads",
                "Lead",
                "contacts",
                Direction::ToHubspot,
                MappingStatus::Halted("61 deletes is above the limit of 50.".into()),
                Some(67),
                137,
                0,
                0,
                3,
            ),
            (
                "opportunities",
                "Opportunity",
                "deals",
                Direction::Both,
                MappingStatus::Active,
                Some(4),
                143,
                88,
                0,
                0,
            ),
            (
                "tasks",
                "Task",
                "tasks",
                Direction::ToHubspot,
                MappingStatus::Active,
                Some(9),
                142,
                640,
                0,
                0,
            ),
            (
                "cases",
                "Case",
                "tickets",
                Direction::ToSalesforce,
                MappingStatus::Paused,
                Some(2 * 24 * 60),
                90,
                0,
                0,
                0,
            ),
            (
                "campaigns",
                "Campaign",
                "lists",
                Direction::Both,
                MappingStatus::ToConfirm,
                None,
                0,
                0,
                0,
                0,
            ),
        ];
        table
            .into_iter()
            .take(self.mappings)
            .enumerate()
            .map(
                |(
                    index,
                    (
                        name,
                        salesforce,
                        hubspot,
                        direction,
                        state,
                        last,
                        run,
                        changed,
                        conflicts,
                        errors,
                    ),
                )| MappingRow {
                    mapping: MappingId(name.into()),
                    objects: PerSide {
                        salesforce: self.word(index, salesforce),
                        hubspot: hubspot.into(),
                    },
                    direction,
                    state: state.clone(),
                    last_run_at: last.map(ago),
                    last_run: last.map(|_| RunId(run)),
                    changed: last.map(|_| changed),
                    conflicts,
                    oldest_conflict: (conflicts > 0).then(|| ago(2 * 24 * 60)),
                    errors,
                    links: 39_000,
                    next_run_at: matches!(state, MappingStatus::Active)
                        .then(|| now() + Duration::minutes(11)),
                    fields: 18,
                    rules: "18 fields, SF wins Email, match on Email then ext id".into(),
                    last_run_text: "run 143 took 1m48s, 1 204 applied".into(),
                    recent: (0..20)
                        .map(|n| RecentRun {
                            run: RunId(124 + n),
                            state: if n == 10 {
                                RunState::Halted
                            } else {
                                RunState::Done
                            },
                            changed: (n * 37) % 400 + if n == 12 { 9120 } else { 0 },
                        })
                        .take(if last.is_some() { 20 } else { 0 })
                        .collect(),
                },
            )
            .collect()
    }

    fn detail(&self, row: MappingRow) -> MappingDetail {
        let pairs = [
            ("Email", "email", "SF wins"),
            ("Phone", "phone", "HS wins"),
            ("FirstName", "firstname", "newest"),
            ("LastName", "lastname", "newest"),
            ("MailingCity", "city", "newest"),
            ("Title", "jobtitle", "ask"),
        ];
        MappingDetail {
            match_on: "Email, then External_Id__c".into(),
            wins: "Email SF, Phone HS, rest newest".into(),
            pairs: (0..18)
                .map(|n| {
                    let (salesforce, hubspot, rule) = pairs[n % pairs.len()];
                    PairRow {
                        names: PerSide {
                            salesforce: self.word(n, salesforce),
                            hubspot: hubspot.into(),
                        },
                        direction: if n == 0 {
                            Direction::ToHubspot
                        } else {
                            Direction::Both
                        },
                        rule: rule.into(),
                        transform: if n == 0 {
                            "lowercase".into()
                        } else {
                            String::new()
                        },
                        last_conflict: (n.is_multiple_of(2)).then(|| ago(n as i64 * 60 + 4)),
                        sample: PerSide {
                            salesforce: text(&self.word(n, "Jane")),
                            hubspot: text("jane"),
                        },
                    }
                })
                .collect(),
            row,
        }
    }

    pub fn conflict_row(&self, index: usize) -> ConflictRow {
        let names = [
            "Northwind Ltd",
            "Globex GmbH",
            "Jane Müller",
            "Omar Haddad",
            "山田 太郎",
            "Initech",
        ];
        let review = index % 7 == 6;
        let kind = match index {
            _ if !review => ItemKind::Field,
            13 => ItemKind::Deletion,
            _ => ItemKind::AmbiguousMatch,
        };
        let fields = if review {
            vec![]
        } else {
            vec!["Website".to_owned(), "Phone".to_owned()]
        };
        let items: Vec<ItemId> = if review {
            vec![item(2, index * 10)]
        } else {
            vec![item(2, index * 10), item(2, index * 10 + 1)]
        };
        ConflictRow {
            key: item(1, index),
            kind,
            mapping: MappingId(
                if index % 3 == 2 {
                    "contacts"
                } else {
                    "accounts"
                }
                .into(),
            ),
            label: self.word(index, names[index % names.len()]),
            since: ago(2 * 24 * 60 - (index as i64 % 2000)),
            rule: if review {
                "two companies have this domain".into()
            } else if index.is_multiple_of(3) {
                "last_write_wins".into()
            } else {
                "ask".into()
            },
            suggest: (index.is_multiple_of(3) && !review).then_some(Side::HubSpot),
            state: if !items.is_empty() && items.iter().all(|id| self.drafts.contains_key(id)) {
                ItemState::Draft
            } else {
                ItemState::Open
            },
            ids: PerSide {
                salesforce: Some(RecordId("0018c00002abc4fAAA".into())),
                hubspot: Some(RecordId("88120".into())),
            },
            peek: if review {
                vec![]
            } else {
                self.fields(index).into_iter().take(2).collect()
            },
            fields,
            items,
        }
    }

    fn fields(&self, index: usize) -> Vec<FieldView> {
        let at = |days: i64, by: &str, value: &str| SideValue {
            id: None,
            value: text(value),
            modified_at: Some(ago(days * 24 * 60)),
            modified_by: Some(by.into()),
        };
        let table = [
            (
                "Website",
                "domain",
                "northwind.com",
                "northwind.com",
                "nw-group.com",
                Some(0),
            ),
            (
                "Phone",
                "phone",
                "+44 20 7946 0000",
                "+44 20 7946 0101",
                "+44 20 7946 0202",
                Some(1),
            ),
            ("City", "city", "London", "London", "London", None),
            ("Industry", "industry", "Retail", "Retail", "Retail", None),
            (
                "OwnerId",
                "hubspot_owner_id",
                "K. Ode",
                "K. Ode",
                "K. Ode",
                None,
            ),
        ];
        table
            .into_iter()
            .enumerate()
            .map(|(n, (salesforce, hubspot, base, s, h, conflict))| {
                let id = conflict.map(|n| item(2, index * 10 + n));
                let choice = id.and_then(|id| self.drafts.get(&id).cloned());
                let result = choice.as_ref().map(|choice| match choice {
                    Choice::Take(Side::Salesforce) => text(s),
                    Choice::Take(Side::HubSpot) => text(h),
                    Choice::Value(value) => text(value),
                    _ => text(base),
                });
                FieldView {
                    names: PerSide {
                        salesforce: salesforce.into(),
                        hubspot: hubspot.into(),
                    },
                    item: id,
                    base: (index != 1).then(|| text(&self.word(n, base))),
                    sides: PerSide {
                        salesforce: at(2, "sync user", &self.word(n + 1, s)),
                        hubspot: at(1, "m.silva@acme", &self.word(n + 4, h)),
                    },
                    changed: PerSide {
                        salesforce: s != base,
                        hubspot: h != base,
                    },
                    rule: "last_write_wins".into(),
                    suggest: id.map(|_| Side::HubSpot),
                    choice,
                    result,
                    disabled: if index == 1 {
                        vec![("base".into(), "none yet: this is the first sync".into())]
                    } else {
                        vec![]
                    },
                }
            })
            .collect()
    }

    fn conflict(&self, key: ItemId) -> ConflictDetail {
        let index = key.0 as u64 as usize;
        let row = self.conflict_row(index);
        let review = row.kind.is_review();
        let view = |side: Side, id: &str, label: &str, why: &str| CandidateView {
            candidate: Candidate {
                record: RecordKey {
                    side,
                    object: "companies".into(),
                    id: id.into(),
                },
                label: self.word(index, label),
                why: why.into(),
            },
            values: [
                ("Name", label),
                ("Website", "initech.com"),
                ("City", if id == "5512" { "Austin" } else { "Dallas" }),
            ]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), text(value)))
            .collect(),
        };
        let items = row
            .items
            .iter()
            .map(|id| Conflict {
                id: *id,
                mapping: row.mapping.clone(),
                kind: row.kind,
                link: None,
                label: row.label.clone(),
                field: if review {
                    String::new()
                } else {
                    "Website".into()
                },
                sides: PerSide::default(),
                base: None,
                base_run: Some(RunId(138)),
                suggest: row.suggest,
                rule: row.rule.clone(),
                why: "Two HubSpot companies have the domain initech.com, so neither was linked."
                    .into(),
                state: row.state,
                candidates: vec![],
                resolution: self.drafts.get(id).map(|choice| Resolution {
                    choice: choice.clone(),
                    by: "k.ode".into(),
                    at: now(),
                    seen: PerSide::default(),
                }),
                automatic: false,
                first_seen: row.since,
                last_seen: ago(4),
                run: RunId(143),
            })
            .collect();
        ConflictDetail {
            fields: if review { vec![] } else { self.fields(index) },
            items,
            candidates: if review {
                vec![
                    view(Side::HubSpot, "5512", "Initech", "same domain"),
                    view(
                        Side::HubSpot,
                        "5519",
                        "Initech Inc",
                        "same domain, same city",
                    ),
                ]
            } else {
                vec![]
            },
            own: review.then(|| view(Side::Salesforce, "0018c00002abc1zTAA", "Initech", "")),
            base_run: Some(RunId(138)),
            alike: if review {
                BTreeMap::new()
            } else {
                [(item(2, index * 10).to_string(), 4)].into()
            },
            row,
        }
    }

    fn outgoing(&self) -> Outgoing {
        let lines = self
            .drafts
            .iter()
            .take(200)
            .map(|_| OutgoingLine {
                side: Side::Salesforce,
                object: "Account".into(),
                record: "0018c00002abc4fAAA".into(),
                label: "Northwind Ltd".into(),
                field: "Website".into(),
                before: text("northwind.com"),
                after: text("nw-group.com"),
            })
            .collect();
        Outgoing {
            drafts: self.drafts.len(),
            records: PerSide {
                salesforce: 1,
                hubspot: 1,
            },
            calls: PerSide {
                salesforce: 2,
                hubspot: 3,
            },
            lines,
        }
    }

    fn cause(&self, index: usize) -> CauseRow {
        let table = [
            (
                912,
                2,
                Side::HubSpot,
                "VALIDATION_ERROR",
                ErrorCategory::Validation,
                "Website",
                "\"n/a\" is not a domain",
            ),
            (
                31,
                14,
                Side::Salesforce,
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                ErrorCategory::Validation,
                "CloseDate",
                "Close date must be in the future",
            ),
            (
                2,
                60,
                Side::Salesforce,
                "UNABLE_TO_LOCK_ROW",
                ErrorCategory::Transient,
                "",
                "retried, gave up after 5",
            ),
            (
                1,
                180,
                Side::HubSpot,
                "401",
                ErrorCategory::Auth,
                "",
                "the token had expired",
            ),
        ];
        let (count, last, side, code, category, field, what) = table[index % table.len()];
        CauseRow {
            key: item(3, index),
            count,
            last: ago(last),
            first: ago(last + 600),
            side,
            code: code.into(),
            category,
            mapping: MappingId("accounts".into()),
            field: field.into(),
            what: self.word(index, what),
            vendor: Some(vendor(code)),
            next: "Correct the value in Salesforce, or map it to blank; then R retries these."
                .into(),
            samples: vec![
                ("88120".into(), self.word(index, "Northwind")),
                ("88344".into(), "Initech".into()),
                ("90017".into(), "Umbra".into()),
            ],
            run: RunId(143),
            retry_at: (index == 2).then(|| now() + Duration::minutes(8)),
        }
    }

    fn error(&self, index: usize) -> ErrorItem {
        let names = ["Northwind", "Initech", "Umbra", "Soylent"];
        ErrorItem {
            id: item(1, index),
            mapping: MappingId("accounts".into()),
            side: Side::HubSpot,
            object: "companies".into(),
            record: RecordKey {
                side: Side::HubSpot,
                object: "companies".into(),
                id: format!("{}", 88_120 + index).into(),
            },
            link: None,
            label: self.word(index, names[index % names.len()]),
            field: "Website".into(),
            value: text(&self.word(index + 3, "n/a")),
            category: ErrorCategory::Validation,
            message: "HubSpot refused domain: \"n/a\" is not a domain".into(),
            vendor: Some(vendor("VALIDATION_ERROR")),
            next: "Correct Website in Salesforce.".into(),
            tries: 1,
            first_seen: ago(600),
            last_seen: ago(2),
            retry_at: None,
            digest: String::new(),
            run: RunId(143),
        }
    }

    pub fn run(&self, number: u64) -> RunRecord {
        let back = self.runs as u64 - number.min(self.runs as u64);
        let halted = number + 6 == self.runs as u64;
        let started = ago(6 + 15 * back as i64);
        RunRecord {
            run: RunId(number),
            kind: if back == 2 {
                RunKind::Full
            } else {
                RunKind::Incremental
            },
            state: if halted {
                RunState::Halted
            } else if back.is_multiple_of(3) {
                RunState::DoneWithErrors
            } else {
                RunState::Done
            },
            by: if back.is_multiple_of(2) {
                "you"
            } else {
                "schedule"
            }
            .into(),
            started_at: started,
            ended_at: Some(started + Duration::seconds(if halted { 3 } else { 108 })),
            calls: CallCount {
                total: PerSide {
                    salesforce: 61,
                    hubspot: 52,
                },
                purposes: BTreeMap::new(),
            },
            expected_calls: PerSide {
                salesforce: 60,
                hubspot: 52,
            },
            mappings: vec![MappingCounts {
                mapping: MappingId(if halted { "leads" } else { "contacts" }.into()),
                counts: Counters {
                    read: PerSide {
                        salesforce: 41_000,
                        hubspot: 39_412,
                    },
                    created: PerSide {
                        salesforce: 4,
                        hubspot: 24,
                    },
                    updated: PerSide {
                        salesforce: if halted { 0 } else { 376 },
                        hubspot: if halted { 0 } else { 800 },
                    },
                    unchanged: 39_201,
                    conflicts: 3,
                    errors: 1,
                    excluded: 12,
                    ..Counters::default()
                },
            }],
            reason: halted.then(|| "61 deletes is above the limit of 50".into()),
            valves: if halted {
                vec![ValveHit {
                    valve: "max_deletes".into(),
                    mapping: MappingId("leads".into()),
                    found: 61,
                    limit: 50,
                    message: "61 deletes is above the limit.".into(),
                    confirmable: true,
                }]
            } else {
                vec![]
            },
            plan_hash: Some("9f8e7d6c".into()),
            ops: 1_204,
        }
    }

    fn op(&self, run: RunId, index: usize) -> Op {
        let names = [
            ("phone", "", "+49 30 1234 01"),
            ("city", "Köln", "Cologne"),
            ("title", "VP", "VP Sales"),
        ];
        let (field, before, after) = names[index % names.len()];
        Op {
            id: OpId((7 << 64) | index as u128),
            run,
            seq: index as u64 + 1,
            mapping: MappingId("contacts".into()),
            link: LinkId(index as u128),
            kind: if index % 5 == 4 {
                OpKind::Create
            } else {
                OpKind::Update
            },
            side: if index % 3 == 2 {
                Side::Salesforce
            } else {
                Side::HubSpot
            },
            object: "contacts".into(),
            target: Some(format!("{}", 5_512 + index).into()),
            source: None,
            fields: [(
                field.to_owned(),
                Assignment {
                    before: text(before),
                    after: text(&self.word(index, after)),
                    rule: "changed".into(),
                    pair: field.into(),
                },
            )]
            .into(),
            modstamp: None,
            state: if index % 11 == 10 {
                OpState::Failed
            } else {
                OpState::Confirmed
            },
            attempt: Attempt::default(),
            outcome: OpOutcome::default(),
        }
    }

    fn records(&self, query: &str) -> Vec<RecordView> {
        if query == "nobody" {
            return vec![];
        }
        vec![RecordView {
            why: "Phone waits in Conflicts since 2 days: both sides changed it and the rule is to ask.".into(),
            mapping: Some(MappingId("accounts".into())),
            label: self.word(0, "Northwind Ltd"),
            link: None,
            ids: PerSide { salesforce: Some("0018c00002abc4fAAA".into()), hubspot: Some("88120".into()) },
            scope: "in scope".into(),
            fields: self
                .fields(0)
                .into_iter()
                .map(|field| RecordField {
                    verdict: if field.item.is_some() { "conflict".into() } else { "equal".into() },
                    now: PerSide { salesforce: field.sides.salesforce.value, hubspot: field.sides.hubspot.value },
                    base: PerSide { salesforce: field.base.clone(), hubspot: field.base },
                    names: field.names,
                    rule: "newest".into(),
                })
                .collect(),
            pending: vec![],
            errors: vec![],
            journal: vec![self.op(RunId(138), 0)],
        }]
    }
}

fn vendor(code: &str) -> VendorError {
    VendorError {
        status: 422,
        code: code.into(),
        text: "Property values were not valid: [{\"isValid\":false,\"name\":\"domain\"}]".into(),
        request_id: Some("7f3c-11e9-a0".into()),
        fields: vec!["domain".into()],
        category: ErrorCategory::Validation,
        holder: None,
    }
}

fn activity(index: usize) -> ActivityRow {
    let table = [
        (
            4,
            "run 143 finished",
            "1 204 applied, 3 conflicts",
            Tone::Ok,
        ),
        (6, "run 143 started", "2 mappings, by you", Tone::Info),
        (15, "leads halted", "61 deletes > limit of 50", Tone::Error),
        (22, "run 141 finished", "64 applied", Tone::Ok),
    ];
    let (minutes, what, detail, tone) = table[index % 4];
    ActivityRow {
        at: ago(minutes),
        what: what.into(),
        detail: detail.into(),
        tone,
        run: Some(RunId(143 - index as u64)),
    }
}

pub fn preview() -> Preview {
    Preview {
        kind: RunKind::Incremental,
        made_at: now(),
        calls: CallCount::default(),
        plan_hash: "abc".into(),
        valves: vec![],
        forecast: PerSide {
            salesforce: 90,
            hubspot: 110,
        },
        seconds: 95.0,
        mappings: vec![PreviewMapping {
            mapping: MappingId("contacts".into()),
            would: Counters {
                read: PerSide {
                    salesforce: 41_000,
                    hubspot: 39_412,
                },
                created: PerSide {
                    salesforce: 4,
                    hubspot: 24,
                },
                updated: PerSide {
                    salesforce: 376,
                    hubspot: 805,
                },
                unchanged: 39_201,
                conflicts: 3,
                ..Counters::default()
            },
            samples: (0..6)
                .map(|index| World::full().op(RunId(0), index))
                .collect(),
            errors: vec![],
        }],
    }
}

pub fn status(conflicts: u64, causes: u64) -> Status {
    let connection = |label: &str, used: u64, limit: u64| Connection {
        label: label.into(),
        connected: true,
        daily: Some((used, limit)),
        ..Connection::default()
    };
    Status {
        name: "acme-prod".into(),
        connections: PerSide {
            salesforce: connection("acme.my", 38_000, 100_000),
            hubspot: connection("4417", 30_000, 250_000),
        },
        conflicts,
        error_causes: causes,
        next_run_at: Some(now() + Duration::minutes(8)),
        last_run: (conflicts > 0).then_some(RunId(143)),
        version: 1,
        ..Status::default()
    }
}

/// A run under way.
pub fn progress(done: u64) -> Progress {
    let started = now() - Duration::seconds(68);
    let phase = |word: &str, state: PhaseState, detail: &str, took: i64| PhaseLine {
        word: word.into(),
        state,
        detail: detail.into(),
        done: 0,
        of: 0,
        per_second: 0,
        started_at: Some(started),
        ended_at: (state == PhaseState::Done).then(|| started + Duration::seconds(took)),
    };
    let apply = |word: &str, done: u64, of: u64, rate: u64| PhaseLine {
        done,
        of,
        per_second: rate,
        ..phase(word, PhaseState::Going, "", 0)
    };
    Progress {
        run: Some(RunId(143)),
        kind: RunKind::Incremental,
        mappings: vec![MappingId("contacts".into()), MappingId("accounts".into())],
        by: "you".into(),
        started_at: started,
        phases: vec![
            phase("recover", PhaseState::Done, "", 0),
            phase("preflight", PhaseState::Done, "12 checks", 2),
            phase(
                "observe SF",
                PhaseState::Done,
                "41 000 read, 1 310 changed",
                31,
            ),
            phase(
                "observe HS",
                PhaseState::Done,
                "39 412 read,   402 changed",
                28,
            ),
            phase("plan", PhaseState::Done, "1 209 to write, 3 conflicts", 1),
            apply("apply SF", done, 380, 18),
            apply("apply HS", done + 69, 829, 41),
            PhaseLine {
                state: PhaseState::Waiting,
                started_at: None,
                ..phase("settle", PhaseState::Waiting, "", 0)
            },
        ],
        control: Control::Going,
        totals: Totals {
            written: done + 281,
            unchanged: 39_201,
            conflicts: 3,
            failed: 1,
            skipped: 12,
        },
        calls: CallCount {
            total: PerSide {
                salesforce: 61,
                hubspot: 52,
            },
            purposes: BTreeMap::new(),
        },
        forecast: Some(PerSide {
            salesforce: 90,
            hubspot: 110,
        }),
        counts: vec![MappingCounts {
            mapping: MappingId("contacts".into()),
            counts: Counters {
                read: PerSide {
                    salesforce: 41_000,
                    hubspot: 39_412,
                },
                updated_links: 1_209,
                updated: PerSide {
                    salesforce: done,
                    hubspot: 281,
                },
                conflicts: 3,
                errors: 1,
                ..Counters::default()
            },
        }],
        batch: Some((4, 9)),
    }
}

/// A line of the live list.
pub fn line(second: i64, tone: Tone, subject: &str, label: &str, what: &str) -> Event {
    Event::Line {
        at: now() + Duration::seconds(second),
        tone,
        subject: subject.into(),
        label: label.into(),
        what: what.into(),
        item: (tone == Tone::Warn).then(|| item(1, 3)),
        link: None,
    }
}

/// The stand-in behind real channels.
pub fn serve(mut world: World) -> (Client, watch::Sender<Status>, broadcast::Sender<Event>) {
    let (requests, mut inbox) = mpsc::channel::<crate::service::Envelope>(16);
    let (status_sender, status) = watch::channel(world.status.clone());
    let (events, _) = broadcast::channel(1_024);
    let client = Client::new(requests, status, events.clone());
    let out = events.clone();
    tokio::spawn(async move {
        while let Some(envelope) = inbox.recv().await {
            let preview = matches!(envelope.request, Request::StartPreview { .. });
            let _ = envelope.reply.send(world.answer(envelope.request));
            if preview {
                let _ = out.send(Event::PreviewReady);
            }
        }
    });
    (client, status_sender, events)
}
