//! What waits points to what it waits for: open ops and the journal, dirty marks, the index of pending items.

use std::collections::BTreeSet;

use super::pages::{Found, Pages, look_up};
use super::{Check, Finding};
use crate::domain::{Conflict, ErrorItem, ItemId, Op, OpId};
use crate::store::rows::{Dirty, OpenOp, is_waiting};
use crate::store::{Family, Key, KeyReader, Store, StoreError, keys};

/// Next step where an op's outcome is in doubt.
const RECOVER: &str = "run `syncline sync`, which looks up what became of open writes";
/// Next step where only lists are wrong.
const NEXT_RUN: &str = "run `syncline sync --full`, which writes these anew";

/// The checks.
pub(super) async fn check<S: Store + ?Sized>(store: &S) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let mut open = Check::new("open_ops", RECOVER);
    open_ops(store, &mut open).await?;
    findings.extend(open.finish());

    let mut journal = Check::new("journal", RECOVER);
    journalled(store, &mut journal).await?;
    findings.extend(journal.finish());

    let mut dirty = Check::new("dirty", NEXT_RUN);
    let mut pages = Pages::new(store, Family::Dirty);
    while let Some(rows) = pages.rows::<Dirty>().await? {
        for (key, row) in rows {
            dirty.looked_at += 1;
            if row.reasons == 0 {
                dirty.warn(key.to_hex(), "a record is marked for no reason");
            } else if row.reasons & !Dirty::ALL != 0 {
                dirty.warn(
                    key.to_hex(),
                    "a record is marked for a reason that is not known",
                );
            }
        }
    }
    findings.extend(dirty.finish());

    let mut pending = Check::new("pending", NEXT_RUN);
    pending_items(store, &mut pending).await?;
    findings.extend(pending.finish());
    Ok(findings)
}

fn id_of(key: &Key) -> Option<u128> {
    KeyReader::new(key).ok()?.u128().ok()
}

async fn open_ops<S: Store + ?Sized>(store: &S, check: &mut Check) -> Result<(), StoreError> {
    let mut pages = Pages::new(store, Family::OpenOp);
    while let Some(rows) = pages.rows::<OpenOp>().await? {
        let wanted = rows
            .iter()
            .map(|(_, row)| keys::journal(row.run, row.seq))
            .collect();
        let found = look_up::<S, Op>(store, wanted).await?;
        for ((key, row), found) in rows.into_iter().zip(found) {
            check.looked_at += 1;
            let id = id_of(&key).map(OpId);
            let subject = id.map(|id| id.to_string()).unwrap_or_default();
            match found {
                // A ghost outlives the journal of its run.
                Found::Missing if row.ghost.is_some() => {}
                Found::Missing => check.fail(
                    subject,
                    format!("the open write is not in the journal of run {}", row.run),
                ),
                Found::Row(op) if Some(op.id) != id => check.fail(
                    subject,
                    format!("run {} has another write at place {}", row.run, row.seq),
                ),
                Found::Row(op) if row.ghost.is_none() && !OpenOp::may_be(op.state) => check.fail(
                    subject,
                    format!(
                        "the write is listed as open and the journal says {}",
                        op.state.word()
                    ),
                ),
                Found::Row(_) | Found::Unreadable => {}
            }
        }
    }
    Ok(())
}

async fn journalled<S: Store + ?Sized>(store: &S, check: &mut Check) -> Result<(), StoreError> {
    let mut pages = Pages::new(store, Family::Journal);
    while let Some(rows) = pages.rows::<Op>().await? {
        check.looked_at += rows.len() as u64;
        for (key, op) in &rows {
            if *key != keys::journal(op.run, op.seq) {
                check.fail(
                    op.id.to_string(),
                    "the write is journalled at another place than its own",
                );
            }
        }
        let unanswered: Vec<OpId> = rows
            .iter()
            .filter(|(_, op)| OpenOp::may_be(op.state))
            .map(|(_, op)| op.id)
            .collect();
        let wanted = unanswered.iter().map(|id| keys::open_op(*id)).collect();
        let found = look_up::<S, OpenOp>(store, wanted).await?;
        for (id, found) in unanswered.into_iter().zip(found) {
            if matches!(found, Found::Missing) {
                check.fail(
                    id.to_string(),
                    "the write has no answer and is not listed as open",
                );
            }
        }
    }
    Ok(())
}

async fn pending_items<S: Store + ?Sized>(store: &S, check: &mut Check) -> Result<(), StoreError> {
    let mut items = BTreeSet::new();
    let mut waiting = BTreeSet::new();
    for family in [Family::Conflict, Family::Review] {
        let mut pages = Pages::new(store, family);
        while let Some(rows) = pages.rows::<Conflict>().await? {
            for (key, item) in rows {
                items.extend(id_of(&key));
                if is_waiting(&item) {
                    waiting.insert(item.id.0);
                }
                if id_of(&key) != Some(item.id.0)
                    || item.kind.is_review() != (family == Family::Review)
                {
                    check.fail(
                        item.id.to_string(),
                        format!(
                            "the item does not belong where it is, in \"{}\"",
                            family.name()
                        ),
                    );
                }
            }
        }
    }
    let mut pages = Pages::new(store, Family::Error);
    while let Some(rows) = pages.rows::<ErrorItem>().await? {
        for (key, item) in rows {
            items.extend(id_of(&key));
            waiting.insert(item.id.0);
        }
    }
    let mut pages = Pages::new(store, Family::PendingIndex);
    while let Some(page) = pages.next().await? {
        for (key, _) in page.entries {
            check.looked_at += 1;
            let item = KeyReader::new(&key).and_then(|mut reader| {
                reader.u128()?;
                reader.u128()
            });
            let Ok(item) = item else {
                continue;
            };
            if !items.contains(&item) {
                check.fail(
                    ItemId(item).to_string(),
                    "a record waits for an item that is not there",
                );
            }
            waiting.remove(&item);
        }
    }
    for item in waiting {
        check.fail(
            ItemId(item).to_string(),
            "the item waits and no record knows of it",
        );
    }
    Ok(())
}
