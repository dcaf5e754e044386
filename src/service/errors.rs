//! Errors grouped by cause, and freeing them for another try (docs/design/console.md 5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::host::{House, lock, refusal, store_refusal};
use super::lists::{Entry, arrange, version, window};
use super::messages::{
    CauseRow, ListPage, ListQuery, Refusal, RefusalKind, Reply, RetryWhich, Rows,
};
use crate::domain::{ErrorItem, ItemId, MappingId};
use crate::engine::{Order, Scope, Waiting};
use crate::store::{Family, StoreError, keys};

/// Samples shown of a cause.
const SAMPLES: usize = 3;

/// The causes with their index.
pub(super) struct Causes {
    pub(super) entries: Vec<Entry>,
    rows: Vec<CauseRow>,
    /// Distinct records in error, per mapping.
    pub(super) records: BTreeMap<MappingId, u64>,
}

/// What makes two errors one cause: mapping, side, code and field.
fn cause_of(item: &ErrorItem) -> ItemId {
    let code = item
        .vendor
        .as_ref()
        .map_or("", |vendor| vendor.code.as_str());
    ItemId::derive(&[
        b"cause",
        item.mapping.as_str().as_bytes(),
        item.side.word().as_bytes(),
        item.category.word().as_bytes(),
        code.as_bytes(),
        item.field.as_bytes(),
    ])
}

fn new_row(item: &ErrorItem) -> CauseRow {
    let code = item
        .vendor
        .as_ref()
        .map_or("", |vendor| vendor.code.as_str());
    CauseRow {
        key: cause_of(item),
        count: 0,
        last: item.last_seen,
        first: item.first_seen,
        side: item.side,
        code: if code.is_empty() {
            item.category.word().to_owned()
        } else {
            code.to_owned()
        },
        category: item.category,
        mapping: item.mapping.clone(),
        field: item.field.clone(),
        what: item.message.clone(),
        vendor: item.vendor.clone(),
        next: item.next.clone(),
        samples: Vec::new(),
        run: item.run,
        retry_at: item.retry_at,
    }
}

impl House {
    /// The causes; made anew when something changed.
    pub(super) async fn causes(&self) -> Result<Arc<Causes>, StoreError> {
        let version = version(self);
        if let Some((made, causes)) = &lock(&self.lists).errors
            && *made == version
        {
            return Ok(causes.clone());
        }
        let mut rows: BTreeMap<ItemId, CauseRow> = BTreeMap::new();
        let mut records: BTreeMap<MappingId, BTreeSet<String>> = BTreeMap::new();
        self.db
            .walk(keys::all(Family::Error), |item: ErrorItem| {
                let row = rows
                    .entry(cause_of(&item))
                    .or_insert_with(|| new_row(&item));
                row.count += 1;
                row.first = row.first.min(item.first_seen);
                if item.last_seen >= row.last {
                    row.last = item.last_seen;
                    row.what.clone_from(&item.message);
                    row.vendor.clone_from(&item.vendor);
                    row.run = item.run;
                }
                row.retry_at = match (row.retry_at, item.retry_at) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
                if row.samples.len() < SAMPLES {
                    row.samples
                        .push((item.record.id.clone(), item.label.clone()));
                }
                records
                    .entry(item.mapping)
                    .or_default()
                    .insert(item.record.id.0);
            })
            .await?;
        let mut rows: Vec<CauseRow> = rows.into_values().collect();
        rows.sort_by_key(|row| (std::cmp::Reverse(row.count), row.key));
        let causes = Arc::new(Causes {
            entries: rows.iter().map(cause_entry).collect(),
            rows,
            records: records
                .into_iter()
                .map(|(mapping, ids)| (mapping, ids.len() as u64))
                .collect(),
        });
        lock(&self.lists).errors = Some((version, causes.clone()));
        Ok(causes)
    }

    /// A window of the causes.
    pub(super) async fn cause_page(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        let causes = self.causes().await?;
        let order = arrange(&causes.entries, &query.filter, query.sort.as_ref());
        let (from, located) = window(&causes.entries, &order, query);
        let rows = order
            .iter()
            .skip(from)
            .take(query.count)
            .filter_map(|at| causes.rows.get(*at).cloned());
        Ok(ListPage {
            total: causes.rows.len(),
            matched: order.len(),
            from,
            located,
            rows: Rows::Causes(rows.collect()),
        })
    }

    /// The errors of one cause, or all, oldest first.
    pub(super) async fn error_entries(
        &self,
        cause: Option<ItemId>,
    ) -> Result<(Vec<Entry>, Vec<ItemId>), StoreError> {
        let mut entries = Vec::new();
        self.db
            .walk(keys::all(Family::Error), |item: ErrorItem| {
                if cause.is_none_or(|cause| cause_of(&item) == cause) {
                    entries.push(error_entry(&item));
                }
            })
            .await?;
        entries.sort_by_key(|entry| (entry.numbers.first().map(|(_, number)| *number), entry.key));
        let ids = entries.iter().map(|entry| entry.key).collect();
        Ok((entries, ids))
    }

    /// A window of the errors of one cause, or all.
    pub(super) async fn error_page(
        &self,
        cause: Option<ItemId>,
        query: &ListQuery,
    ) -> Result<ListPage, StoreError> {
        let (entries, ids) = self.error_entries(cause).await?;
        let order = arrange(&entries, &query.filter, query.sort.as_ref());
        let (from, located) = window(&entries, &order, query);
        let mut rows = Vec::new();
        for id in order
            .iter()
            .skip(from)
            .take(query.count)
            .filter_map(|at| ids.get(*at))
        {
            if let Some(Waiting::Error(item)) = self.db.waiting_item(*id).await? {
                rows.push(item);
            }
        }
        Ok(ListPage {
            total: entries.len(),
            matched: order.len(),
            from,
            located,
            rows: Rows::Errors(rows),
        })
    }

    /// Frees errors: they go with the next run, or with one over just them.
    pub(super) async fn retry(
        self: &Arc<Self>,
        which: RetryWhich,
        now: bool,
    ) -> Result<Reply, Refusal> {
        let store = |error: StoreError| store_refusal(&error);
        let mut items: Vec<ErrorItem> = Vec::new();
        match &which {
            RetryWhich::Items(ids) => {
                let mut wrong = Vec::new();
                for id in ids {
                    match self.db.waiting_item(*id).await.map_err(store)? {
                        Some(Waiting::Error(item)) => items.push(item),
                        _ => wrong.push((*id, "there is no such error".to_owned())),
                    }
                }
                if let Some((id, _)) = wrong.first() {
                    let message = format!(
                        "there is no error {id}; `syncline errors` lists them, none was freed"
                    );
                    return Err(Refusal {
                        kind: RefusalKind::Usage,
                        message,
                        items: wrong,
                    });
                }
            }
            RetryWhich::Category(_) | RetryWhich::Cause(_) | RetryWhich::All => {
                self.db
                    .walk(keys::all(Family::Error), |item: ErrorItem| {
                        let wanted = match &which {
                            RetryWhich::Category(category) => item.category == *category,
                            RetryWhich::Cause(cause) => cause_of(&item) == *cause,
                            _ => true,
                        };
                        if wanted {
                            items.push(item);
                        }
                    })
                    .await
                    .map_err(store)?;
            }
        }
        if now {
            self.may_write()?;
            self.is_idle()?;
        }
        let due = self.clock.now();
        let mut mappings: Vec<MappingId> = Vec::new();
        let mut tx = self.db.begin();
        for item in &items {
            // An unanswered write keeps its own time: what became of it must be known first.
            let retry_at = match item.is_unanswered() {
                true => item.retry_at,
                false => Some(due),
            };
            tx.put_error(
                &ErrorItem {
                    retry_at,
                    ..item.clone()
                },
                true,
            )
            .map_err(store)?;
            if !mappings.contains(&item.mapping) {
                mappings.push(item.mapping.clone());
            }
        }
        tx.commit().await.map_err(store)?;
        self.changed();
        let run = if now && !items.is_empty() {
            let order = Order {
                mappings,
                scope: Scope::Stored,
                yes: false,
                confirm: None,
                by: "you".into(),
            };
            Some(self.start(order).await.map_err(|refusal| Refusal {
                message: format!("{}; the errors go with the next run", refusal.message),
                ..refusal
            })?)
        } else {
            None
        };
        if items.is_empty() && !matches!(which, RetryWhich::All) {
            return Err(refusal(
                RefusalKind::Usage,
                "no error fits that; `syncline errors` lists them",
            ));
        }
        Ok(Reply::Retried {
            count: items.len() as u64,
            run,
        })
    }
}

fn cause_entry(row: &CauseRow) -> Entry {
    Entry {
        key: row.key,
        fields: vec![
            ("sys", row.side.letters().to_owned()),
            ("code", row.code.clone()),
            ("what", row.what.clone()),
            ("category", row.category.word().to_owned()),
            ("mapping", row.mapping.0.clone()),
            ("field", row.field.clone()),
        ],
        numbers: vec![
            ("count", i64::try_from(row.count).unwrap_or(i64::MAX)),
            ("last", row.last.timestamp_millis()),
        ],
    }
}

fn error_entry(item: &ErrorItem) -> Entry {
    Entry {
        key: item.id,
        fields: vec![
            ("record", format!("{} {}", item.label, item.record.id)),
            ("field", item.field.clone()),
            ("value", item.value.as_text().unwrap_or_default().to_owned()),
            ("category", item.category.word().to_owned()),
            ("mapping", item.mapping.0.clone()),
            ("side", item.side.word().to_owned()),
            ("message", item.message.clone()),
        ],
        numbers: vec![
            ("first", item.first_seen.timestamp_millis()),
            ("last", item.last_seen.timestamp_millis()),
            ("tries", i64::from(item.tries)),
            ("run", i64::try_from(item.run.0).unwrap_or(i64::MAX)),
        ],
    }
}
