//! Lists as windows: an index of small entries per list, rebuilt when something changed; rows are read for the window only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::filter::Filter;
use super::host::{House, lock, store_refusal};
use super::messages::{
    ActivityRow, ListKind, ListPage, ListQuery, Refusal, Reply, Rows, RunRow, SortBy, Tone,
};
use crate::domain::{ItemId, Op, RunId, RunKind, RunRecord, RunState};
use crate::store::rows::ActivityLine;
use crate::store::{Family, Key, Range, StoreError, TypedStore, keys};

/// One row of an index: what it is filtered and sorted by.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The row's key.
    pub(super) key: ItemId,
    /// Texts by column or filter name, in lower case where sorted by.
    pub(super) fields: Vec<(&'static str, String)>,
    /// Numbers and times to sort by, by column name.
    pub(super) numbers: Vec<(&'static str, i64)>,
}

impl Entry {
    fn text(&self, column: &str) -> &str {
        self.fields
            .iter()
            .find(|(name, _)| *name == column)
            .map_or("", |(_, text)| text)
    }

    fn number(&self, column: &str) -> Option<i64> {
        self.numbers
            .iter()
            .find(|(name, _)| *name == column)
            .map(|(_, number)| *number)
    }
}

/// Indexes kept between requests, each with the version it was made of.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) conflicts: Option<(u64, Arc<super::conflicts::Queue>)>,
    pub(super) errors: Option<(u64, Arc<super::errors::Causes>)>,
}

/// The positions of the entries that a query lets through, in its order.
pub(super) fn arrange(entries: &[Entry], filter: &str, sort: Option<&SortBy>) -> Vec<usize> {
    let filter = Filter::parse(filter);
    let mut order: Vec<usize> = (0..entries.len())
        .filter(|index| {
            filter.is_empty()
                || entries.get(*index).is_some_and(|entry| {
                    let fields: Vec<(&str, &str)> = entry
                        .fields
                        .iter()
                        .map(|(name, text)| (*name, text.as_str()))
                        .collect();
                    filter.passes(&fields)
                })
        })
        .collect();
    if let Some(sort) = sort {
        let key = |index: &usize| {
            let entry = entries.get(*index);
            let number = entry.and_then(|entry| entry.number(&sort.column));
            (
                number,
                entry.map(|entry| entry.text(&sort.column).to_lowercase()),
            )
        };
        order.sort_by_cached_key(key);
        if sort.descending {
            order.reverse();
        }
    }
    order
}

/// The window of a query within an order: first row, and where the located row is.
pub(super) fn window(
    entries: &[Entry],
    order: &[usize],
    query: &ListQuery,
) -> (usize, Option<usize>) {
    let located = query.locate.and_then(|id| {
        order
            .iter()
            .position(|index| entries.get(*index).is_some_and(|entry| entry.key == id))
    });
    let last = order.len().saturating_sub(query.count.max(1));
    let from = match located {
        Some(at) if at < query.from || at >= query.from + query.count.max(1) => {
            at.saturating_sub(query.count / 2)
        }
        _ => query.from,
    };
    (from.min(last), located)
}

impl House {
    /// A window of a list.
    pub(super) async fn list(self: &Arc<Self>, query: ListQuery) -> Result<Reply, Refusal> {
        let page = match &query.list {
            ListKind::Conflicts => self.conflict_page(&query).await,
            ListKind::ErrorCauses => self.cause_page(&query).await,
            ListKind::Errors { cause } => self.error_page(*cause, &query).await,
            ListKind::Runs => self.run_page(&query).await,
            ListKind::Journal { run } => self.journal_page(*run, &query).await,
            ListKind::Plan { run } => {
                let ops = self.all_ops(keys::by_run(Family::Plan, *run)).await;
                ops.map(|ops| op_page(ops, &query))
            }
            ListKind::Activity => self.activity_page(&query).await,
        };
        page.map(Reply::List).map_err(|error| store_refusal(&error))
    }

    /// The ids of every row that the filter lets through.
    pub(super) async fn ids(self: &Arc<Self>, query: ListQuery) -> Result<Reply, Refusal> {
        let entries = match &query.list {
            ListKind::Conflicts => self.queue().await.map(|queue| queue.entries.clone()),
            ListKind::ErrorCauses => self.causes().await.map(|causes| causes.entries.clone()),
            ListKind::Errors { cause } => {
                self.error_entries(*cause).await.map(|(entries, _)| entries)
            }
            ListKind::Runs
            | ListKind::Journal { .. }
            | ListKind::Plan { .. }
            | ListKind::Activity => Ok(Vec::new()),
        };
        let entries = entries.map_err(|error| store_refusal(&error))?;
        let order = arrange(&entries, &query.filter, query.sort.as_ref());
        let ids = order
            .into_iter()
            .filter_map(|index| entries.get(index).map(|entry| entry.key))
            .collect();
        Ok(Reply::Ids { ids })
    }

    async fn run_page(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        let runs = self.db.runs(usize::MAX).await?;
        let undone = undone(&runs);
        let entries: Vec<Entry> = runs.iter().map(run_entry).collect();
        let order = arrange(&entries, &query.filter, query.sort.as_ref());
        let (from, located) = window(&entries, &order, query);
        let rows = order
            .iter()
            .skip(from)
            .take(query.count)
            .filter_map(|index| runs.get(*index).cloned())
            .map(|record| RunRow {
                undone_by: undone.get(&record.run).copied(),
                record,
            })
            .collect();
        Ok(ListPage {
            total: runs.len(),
            matched: order.len(),
            from,
            located,
            rows: Rows::Runs(rows),
        })
    }

    async fn journal_page(&self, run: RunId, query: &ListQuery) -> Result<ListPage, StoreError> {
        if query.filter.trim().is_empty() && query.sort.is_none() && query.locate.is_none() {
            let after = (query.from > 0).then(|| keys::journal(run, query.from as u64));
            let range = Range::prefix(keys::by_run(Family::Journal, run), query.count).after(after);
            let rows: Vec<(_, Op)> = self.db.store().scan(range).await?;
            let rows: Vec<Op> = rows.into_iter().map(|(_, op)| op).collect();
            // A run that works, or crashed, has not counted its ops: the last one is numbered.
            let last = Range::prefix(keys::by_run(Family::Journal, run), 1).reversed();
            let last: Vec<(_, Op)> = self.db.store().scan(last).await?;
            let total = last.first().map_or(0, |(_, op)| op.seq);
            let total = usize::try_from(total).unwrap_or(usize::MAX);
            return Ok(ListPage {
                total,
                matched: total,
                from: query.from,
                located: None,
                rows: Rows::Journal(rows),
            });
        }
        let ops = self.all_ops(keys::by_run(Family::Journal, run)).await?;
        Ok(op_page(ops, query))
    }

    async fn all_ops(&self, prefix: Key) -> Result<Vec<Op>, StoreError> {
        let mut ops: Vec<Op> = Vec::new();
        self.db.walk(prefix, |op| ops.push(op)).await?;
        Ok(ops)
    }

    async fn activity_page(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        let limit = query.from + query.count;
        let range = Range {
            prefix: keys::all(Family::Activity),
            after: None,
            limit,
            reverse: true,
        };
        let rows: Vec<(_, ActivityLine)> = self.db.store().scan(range).await?;
        let total = rows.len();
        let rows = rows
            .into_iter()
            .skip(query.from)
            .map(|(_, line)| activity(line))
            .collect();
        Ok(ListPage {
            total,
            matched: total,
            from: query.from,
            located: None,
            rows: Rows::Activity(rows),
        })
    }
}

/// A window of ops that are all at hand.
fn op_page(ops: Vec<Op>, query: &ListQuery) -> ListPage {
    let entries: Vec<Entry> = ops.iter().map(op_entry).collect();
    let order = arrange(&entries, &query.filter, query.sort.as_ref());
    let (from, located) = window(&entries, &order, query);
    let rows = order
        .iter()
        .skip(from)
        .take(query.count)
        .filter_map(|index| ops.get(*index).cloned())
        .collect();
    ListPage {
        total: ops.len(),
        matched: order.len(),
        from,
        located,
        rows: Rows::Journal(rows),
    }
}

/// The runs that an undo put back as a whole, each with it; an undo that was undone itself, as far as that went, put nothing
/// back. `runs` are newest first.
fn undone(runs: &[RunRecord]) -> BTreeMap<RunId, RunId> {
    let mut undone = BTreeMap::new();
    let mut touched: BTreeSet<RunId> = BTreeSet::new();
    for run in runs
        .iter()
        .filter(|run| run.kind == RunKind::Undo && run.ops > 0)
    {
        let of = run.by.strip_prefix("undo ").and_then(|of| of.parse().ok());
        if let Some(of) = of.map(RunId)
            && !touched.contains(&run.run)
        {
            touched.insert(of);
            if left_nothing(run) {
                undone.insert(of, run.run);
            }
        }
    }
    undone
}

/// True where an undo came to its end and put back all that there was: what it left can be undone again.
fn left_nothing(undo: &RunRecord) -> bool {
    let ended = matches!(undo.state, RunState::Done | RunState::DoneWithErrors);
    let mut counts = undo.mappings.iter().map(|row| &row.counts);
    ended && counts.all(|counts| counts.held == 0 && counts.errors == 0)
}

fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

fn run_entry(run: &RunRecord) -> Entry {
    let applied: u64 = run
        .mappings
        .iter()
        .map(|row| {
            row.counts.updated_links + row.counts.created.salesforce + row.counts.created.hubspot
        })
        .sum();
    let took = run
        .ended_at
        .map_or(0, |end| (end - run.started_at).num_milliseconds());
    let mappings: Vec<&str> = run
        .mappings
        .iter()
        .map(|row| row.mapping.as_str())
        .collect();
    Entry {
        key: ItemId(u128::from(run.run.0)),
        fields: vec![
            ("run", run.run.to_string()),
            ("by", run.by.clone()),
            ("state", run.state.word().to_owned()),
            ("kind", run.kind.word().to_owned()),
            ("mapping", mappings.join(" ")),
            ("reason", run.reason.clone().unwrap_or_default()),
        ],
        numbers: vec![
            ("run", i64::try_from(run.run.0).unwrap_or(i64::MAX)),
            ("when", millis(run.started_at)),
            ("took", took),
            ("applied", i64::try_from(applied).unwrap_or(i64::MAX)),
        ],
    }
}

fn op_entry(op: &Op) -> Entry {
    let id = op
        .target
        .as_ref()
        .or(op.outcome.record.as_ref())
        .or(op.source.as_ref());
    let fields: Vec<&str> = op.fields.keys().map(String::as_str).collect();
    let values: Vec<&str> = op
        .fields
        .values()
        .flat_map(|one| [one.before.as_text(), one.after.as_text()])
        .flatten()
        .collect();
    Entry {
        key: ItemId(op.id.0),
        fields: vec![
            ("sys", op.side.letters().to_owned()),
            ("record", id.map_or_else(String::new, ToString::to_string)),
            ("field", fields.join(", ")),
            ("state", op.state.word().to_owned()),
            ("kind", op.kind.word().to_owned()),
            ("mapping", op.mapping.0.clone()),
            ("value", values.join(" ")),
        ],
        numbers: Vec::new(),
    }
}

fn activity(line: ActivityLine) -> ActivityRow {
    let tone = match line.kind.rsplit(' ').next().unwrap_or_default() {
        "done" => Tone::Ok,
        "done_with_errors" | "awaiting_confirm" | "cancelled" => Tone::Warn,
        "halted" | "crashed" => Tone::Error,
        _ => Tone::Info,
    };
    let run = line
        .kind
        .strip_prefix("run ")
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .map(RunId);
    ActivityRow {
        at: line.at,
        what: line.kind.replace('_', " "),
        detail: line.text,
        tone,
        run,
    }
}

/// The version that lists are made of now.
pub(super) fn version(house: &House) -> u64 {
    *lock(&house.version)
}
