//! The rows of the stand-in, made from their index.

use std::collections::BTreeMap;

use chrono::Duration;

use super::{World, ago, item, now, text};
use crate::domain::*;
use crate::service::messages::*;

impl World {
    pub(super) fn mapping_rows(&self) -> Vec<MappingRow> {
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

    pub(super) fn detail(&self, row: MappingRow) -> MappingDetail {
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
        let frozen = self.frozen && index == 1;
        let kind = match index {
            _ if frozen => ItemKind::Oscillation,
            _ if !review => ItemKind::Field,
            13 => ItemKind::Deletion,
            _ => ItemKind::AmbiguousMatch,
        };
        let fields = if review {
            vec![]
        } else if frozen {
            vec!["Website".to_owned()]
        } else {
            vec!["Website".to_owned(), "Phone".to_owned()]
        };
        let items: Vec<ItemId> = if review || frozen {
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
            rule: if frozen {
                "It went back and forth: “northwind.com” to HubSpot in run 140, “nw-group.com” to Salesforce in run 141.".into()
            } else if review {
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
            later: self.later.get(&item(1, index)).map(|reason| LeftForLater {
                reason: reason.clone(),
                by: "k.ode".into(),
                at: ago(130),
            }),
            fields,
            items,
        }
    }

    pub(super) fn fields(&self, index: usize) -> Vec<FieldView> {
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
                let frozen = self.frozen && index == 1;
                let conflict = conflict.filter(|n| !frozen || *n == 0);
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

    pub(super) fn conflict(&self, key: ItemId) -> ConflictDetail {
        let index = key.0 as u64 as usize;
        let row = self.conflict_row(index);
        let review = !row.kind.is_of_field();
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
                members: Vec::new(),
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

    pub(super) fn outgoing(&self) -> Outgoing {
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
            unsent: self.unsent,
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

    pub(super) fn cause(&self, index: usize) -> CauseRow {
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

    pub(super) fn error(&self, index: usize) -> ErrorItem {
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
            sent: false,
            digest: String::new(),
            seen: Default::default(),
            run: RunId(143),
        }
    }

    pub(super) fn error_detail(&self, id: ItemId) -> ErrorDetail {
        let item = self.error(id.0 as u64 as usize);
        let mut op = self.op(item.run, 10);
        op.fields.insert(
            "domain".into(),
            Assignment {
                after: item.value.clone(),
                pair: item.field.clone(),
                ..Assignment::default()
            },
        );
        op.attempt = Attempt {
            count: 1,
            sent_at: Some(ago(2)),
            side_at: None,
            batch: 4,
        };
        ErrorDetail {
            item,
            op: Some(op),
            request: "POST …/crm/objects/companies/batch/update".into(),
        }
    }

    pub fn run_row(&self, number: u64) -> RunRow {
        RunRow {
            record: self.run(number),
            undone_by: (number == 139).then_some(RunId(141)),
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
            ops: if halted { 0 } else { 1_204 },
            asked: None,
        }
    }

    pub(super) fn op(&self, run: RunId, index: usize) -> Op {
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
                    ..Assignment::default()
                },
            )]
            .into(),
            key: None,
            evidence: None,
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

    /// Most goes back, some was changed since, one record stays; nothing at all of run 141.
    pub(super) fn undo_forecast(&self, run: RunId) -> UndoForecast {
        let whole = run != RunId(141);
        let left = |index: usize, why: &str| Op {
            state: OpState::Skipped,
            outcome: OpOutcome {
                why: Some(self.word(index, why)),
                ..OpOutcome::default()
            },
            ..self.op(run, index)
        };
        let count = |salesforce: u64, hubspot: u64| PerSide {
            salesforce: if whole { salesforce } else { 0 },
            hubspot: if whole { hubspot } else { 0 },
        };
        UndoForecast {
            run,
            made_at: now(),
            calls: CallCount {
                total: PerSide {
                    salesforce: 3,
                    hubspot: 9,
                },
                purposes: BTreeMap::new(),
            },
            forecast: count(14, 1),
            seconds: 1.4,
            mappings: vec![UndoneMapping {
                mapping: "contacts".into(),
                put_back: count(374, 816),
                taken_back: count(0, 12),
                left: if whole { 9 } else { 1_204 },
                released: 0,
            }],
            left: (0..10)
                .map(|n| left(n, "changed since by someone"))
                .chain([left(1, "others have made records that refer to it")])
                .collect(),
        }
    }

    /// What answers to a query: nothing to "nobody", two to "two", one to anything else.
    pub(super) fn records(&self, query: &str) -> Vec<RecordView> {
        match query {
            "nobody" => vec![],
            "two" => vec![self.record(0), self.record(1)],
            _ => vec![self.record(0)],
        }
    }

    fn record(&self, index: usize) -> RecordView {
        let side = |id: &str, minutes: i64, by: &str| SideNow {
            id: Some(id.into()),
            seen: Seen::Live,
            modified_at: Some(ago(minutes)),
            modified_by: Some(by.into()),
            address: Some(format!("https://acme.example/{id}")),
        };
        let hubspot = if index == 0 { "88120" } else { "88344" };
        let why = if index == 0 {
            "Phone waits for a person in Conflicts since 12 May: Both sides have another value and the rule for this field is to ask. One more thing waits, below; the other fields go on."
        } else {
            "It is in step."
        };
        RecordView {
            why: self.word(index, why),
            tone: if index == 0 { Tone::Warn } else { Tone::Ok },
            mapping: "accounts".into(),
            label: self.word(
                index,
                if index == 0 {
                    "Northwind Ltd"
                } else {
                    "Initech"
                },
            ),
            link: Some(Link {
                id: LinkId(0xa1b2_c3d4 << 96),
                mapping: "accounts".into(),
                ids: PerSide::from_fn(|_| None),
                state: LinkState::Active,
                created_by: CreatedBy::Matched,
                created_at: ago(32 * 24 * 60),
                stamped: PerSide::default(),
                former: PerSide::default(),
                life: 0,
                tomb: None,
            }),
            sides: PerSide {
                salesforce: side("0018c00002abc4fAAA", 9, "005A"),
                hubspot: side(hubspot, 8, "m.silva"),
            },
            scope: ["every Account of Salesforce", "every companies of HubSpot"]
                .map(|clause| ScopeClause {
                    clause: clause.into(),
                    holds: Some(true),
                })
                .into(),
            fields: self
                .fields(0)
                .into_iter()
                .map(|field| RecordField {
                    verdict: match (field.item, field.names.salesforce.as_str()) {
                        (Some(_), "Website") => Verdict::GoesTo(Side::Salesforce),
                        (Some(_), _) => Verdict::Conflict,
                        (None, _) => Verdict::Equal,
                    },
                    now: PerSide {
                        salesforce: field.sides.salesforce.value,
                        hubspot: field.sides.hubspot.value,
                    },
                    base: PerSide {
                        salesforce: field.base.clone(),
                        hubspot: field.base,
                    },
                    changed: field.changed,
                    names: field.names,
                    rule: "newest".into(),
                })
                .collect(),
            pending: if index == 0 {
                self.conflict(item(1, 0)).items
            } else {
                vec![]
            },
            errors: vec![],
            journal: vec![self.op(RunId(138), 0)],
            next_run_at: Some(now() + Duration::minutes(8)),
            read_at: now(),
        }
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

pub(super) fn history() -> Vec<HistoryLine> {
    ["Website", "Phone"].into_iter().flat_map(past).collect()
}

fn past(pair: &str) -> Vec<HistoryLine> {
    let line = |minutes: i64, what: Happened| HistoryLine {
        pair: pair.into(),
        at: Some(ago(minutes)),
        what,
        side: Some(Side::HubSpot),
        run: Some(RunId(138)),
        by: None,
        before: text("northwind.com"),
        after: text("nw-group.com"),
        found: None,
    };
    vec![
        HistoryLine {
            by: Some("m.silva".into()),
            run: None,
            ..line(290, Happened::Edited)
        },
        HistoryLine {
            side: None,
            before: Value::Unknown,
            after: text("northwind.com"),
            ..line(1_000, Happened::BaseSet)
        },
        HistoryLine {
            before: Value::Null,
            after: text("northwind.com"),
            found: Some(text("Northwind.com")),
            ..line(1_001, Happened::Written(OpState::Confirmed))
        },
        HistoryLine {
            after: text("n/a"),
            ..line(9_000, Happened::Written(OpState::Failed))
        },
    ]
}

pub(super) fn activity(index: usize) -> ActivityRow {
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
