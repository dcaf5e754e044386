//! A stand-in for the service: rows made from their index, so that 100 000 cost nothing; choices are kept.

mod rows;

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
    pub later: BTreeMap<ItemId, String>,
    pub asked: Vec<Request>,
    /// The run whose undo was forecast last.
    pub forecast: Option<RunId>,
    /// The second row of the queue is a field that went back and forth.
    pub frozen: bool,
    /// When a preview was counted.
    pub made_at: DateTime<Utc>,
    /// Records that an earlier run left.
    pub unsent: u64,
    /// Items that another choice is refused for.
    pub unfit: Vec<ItemId>,
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
            later: BTreeMap::new(),
            asked: Vec::new(),
            forecast: None,
            frozen: false,
            made_at: now(),
            unsent: 0,
            unfit: vec![],
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
            Request::Resolve { items, .. } if items.iter().any(|id| self.unfit.contains(id)) => {
                Reply::Refused(Refusal {
                    kind: RefusalKind::Usage,
                    message: "1 of 2 items cannot take that choice".into(),
                    items: self.unfit.iter().map(|id| (*id, "gone".into())).collect(),
                })
            }
            Request::Resolve {
                items,
                take,
                fields_only,
                ..
            } => {
                let items = self.behind(&items, fields_only);
                let before = self.before(&items);
                for id in &items {
                    let choice = match &take {
                        Take::Choice(choice) => choice.clone(),
                        Take::Newest => Choice::Take(Side::HubSpot),
                    };
                    self.drafts.insert(*id, choice);
                }
                self.resolved(before)
            }
            Request::Unresolve { items } => {
                let before = self.before(&items);
                for id in &items {
                    self.drafts.remove(id);
                }
                self.resolved(before)
            }
            Request::Later { rows, reason, .. } => {
                for row in rows {
                    match &reason {
                        Some(reason) => self.later.insert(row, reason.clone()),
                        None => self.later.remove(&row),
                    };
                }
                self.resolved(Vec::new())
            }
            Request::History { .. } => Reply::History {
                lines: rows::history(),
            },
            Request::Error { item } => Reply::Error(Box::new(self.error_detail(item))),
            Request::Outgoing { .. } => Reply::Outgoing(self.outgoing()),
            Request::ApplyDrafts { .. } | Request::Sync(_) | Request::Undo { .. } => {
                Reply::Started {
                    run: Some(RunId(144)),
                }
            }
            Request::StartPreview { .. } => Reply::Started { run: None },
            Request::ForecastUndo { run } => {
                self.forecast = Some(run);
                Reply::Started { run: None }
            }
            Request::UndoForecast => {
                Reply::UndoForecast(self.forecast.map(|run| Box::new(self.undo_forecast(run))))
            }
            Request::Preview => Reply::Preview(Some(Box::new(Preview {
                made_at: self.made_at,
                ..preview()
            }))),
            Request::Retry { .. } => Reply::Retried {
                count: 912,
                run: Some(RunId(144)),
            },
            Request::Run { run } => Reply::Run(Box::new(self.run(run.0))),
            Request::Record { query, .. } => Reply::Records {
                records: self.records(&query),
            },
            Request::Check { .. } => Reply::Check { checks: vec![] },
            _ => Reply::Ok,
        }
    }

    /// A row's key stands for its items.
    fn behind(&self, ids: &[ItemId], fields_only: bool) -> Vec<ItemId> {
        let mut all = Vec::new();
        for id in ids {
            if id.0 >> 64 != 1 {
                all.push(*id);
                continue;
            }
            let row = self.conflict_row(id.0 as u64 as usize);
            if !(fields_only && row.kind.is_review()) {
                all.extend(row.items);
            }
        }
        all
    }

    fn before(&self, items: &[ItemId]) -> Vec<(ItemId, Option<Choice>)> {
        items
            .iter()
            .map(|item| (*item, self.drafts.get(item).cloned()))
            .collect()
    }

    fn resolved(&self, before: Vec<(ItemId, Option<Choice>)>) -> Reply {
        Reply::Resolved(Resolved {
            count: before.len(),
            drafts: self.drafts.len(),
            open: (self.conflicts * 2).saturating_sub(self.drafts.len()),
            before,
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
            ListKind::Plan { .. } => 61,
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
                    .map(|index| self.run_row((self.runs - index) as u64))
                    .collect(),
            ),
            ListKind::Journal { run } => {
                Rows::Journal(range.map(|index| self.op(*run, index)).collect())
            }
            ListKind::Plan { run } => Rows::Journal(
                range
                    .map(|index| Op {
                        kind: OpKind::Delete,
                        fields: BTreeMap::new(),
                        state: OpState::Planned,
                        ..self.op(*run, index)
                    })
                    .collect(),
            ),
            ListKind::Activity => Rows::Activity(range.map(rows::activity).collect()),
        };
        ListPage {
            total,
            matched,
            from,
            located,
            rows,
        }
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
            let preview = matches!(
                envelope.request,
                Request::StartPreview { .. } | Request::ForecastUndo { .. }
            );
            let _ = envelope.reply.send(world.answer(envelope.request));
            if preview {
                let _ = out.send(Event::PreviewReady);
            }
        }
    });
    (client, status_sender, events)
}
