//! sled, as the store thread uses it: reads, batches, the sync, the check. Every call into sled is guarded; after a panic or a failed
//! write nothing more is done with it (docs/design/sync-semantics.md 22 rules 2 to 5).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::disk_error::{damaged, io_error, panic_text, sled_error};
use super::ledger::{LEDGER_KEY, Ledger, Mark, Marked};
use super::seal::{seal, seal_word, unseal};
use super::sync::SyncFiles;
use super::{Batch, Entry, Key, Range, StoreError, codec};

/// The open database.
pub(super) struct Disk {
    folder: PathBuf,
    /// Taken only when this is dropped.
    sled: Option<(sled::Tree, sled::Db)>,
    ledger: Ledger,
    files: SyncFiles,
    mark: Mark,
    stopped: Option<String>,
}

impl Disk {
    /// Puts the parts together.
    pub(super) fn new(
        folder: PathBuf,
        db: sled::Db,
        tree: sled::Tree,
        ledger: Ledger,
        files: SyncFiles,
        mark: Mark,
    ) -> Self {
        Disk {
            folder,
            sled: Some((tree, db)),
            ledger,
            files,
            mark,
            stopped: None,
        }
    }

    /// The sum over all rows.
    pub(super) fn ledger(&self) -> Ledger {
        self.ledger
    }

    /// Runs `job` against the tree. A panic stops the store.
    fn guarded<T>(
        &mut self,
        job: impl FnOnce(&sled::Tree, &Path) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(why) = &self.stopped {
            return Err(StoreError::Stopped(why.clone()));
        }
        let Some((tree, _)) = &self.sled else {
            return Err(StoreError::Stopped("it is closed".to_owned()));
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| job(tree, &self.folder)));
        outcome.unwrap_or_else(|panic| {
            let why = panic_text(&*panic);
            self.stopped = Some(why.clone());
            Err(damaged(&self.folder, why))
        })
    }

    /// Several values.
    pub(super) fn get_many(&mut self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.guarded(|tree, folder| {
            keys.iter()
                .map(|key| {
                    tree.get(&key.0)
                        .map_err(|error| sled_error(folder, "read", &error))?
                        .map(|value| unseal(key, &value))
                        .transpose()
                })
                .collect()
        })
    }

    /// A range.
    pub(super) fn range(&mut self, range: &Range) -> Result<Vec<Entry>, StoreError> {
        let Some(bounds) = range.bounds() else {
            return Ok(Vec::new());
        };
        self.guarded(|tree, folder| {
            let open = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
                let (key, value) = entry.map_err(|error| sled_error(folder, "read", &error))?;
                let key = Key(key.to_vec());
                let value = unseal(&key, &value)?;
                Ok((key, value))
            };
            let found = tree.range(bounds);
            if range.reverse {
                found.rev().take(range.limit).map(open).collect()
            } else {
                found.take(range.limit).map(open).collect()
            }
        })
    }

    /// Writes a batch, not yet durable. A refusal for a value's size leaves the store as it was; any other error stops it.
    pub(super) fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        let mut last: BTreeMap<Key, Option<Vec<u8>>> = BTreeMap::new();
        for (key, value) in batch.writes {
            codec::check_size(&key, value.as_ref().map_or(0, Vec::len))?;
            last.insert(key, value);
        }
        let mut ledger = self.ledger;
        ledger.batch += 1;
        let result = self.guarded(|tree, folder| {
            let failed = |error: sled::Error| sled_error(folder, "write", &error);
            let mut writes = sled::Batch::default();
            for (key, value) in last {
                let before = tree.get(&key.0).map_err(failed)?;
                let sealed = value.map(|value| seal(&key, &value));
                ledger.change(
                    before.as_deref().map(seal_word),
                    sealed.as_deref().map(seal_word),
                );
                match sealed {
                    Some(sealed) => writes.insert(key.0, sealed),
                    None => writes.remove(key.0),
                }
            }
            writes.insert(&LEDGER_KEY, &ledger.to_bytes());
            tree.apply_batch(writes).map_err(failed)?;
            Ok(ledger)
        });
        match result {
            Ok(ledger) => {
                self.ledger = ledger;
                Ok(())
            }
            Err(error) => Err(self.stop(error)),
        }
    }

    /// Makes all batches so far durable. An error stops the store: a sync that failed once proves nothing when it is tried again.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        let flushed = self.guarded(|tree, folder| {
            tree.flush()
                .map(|_| ())
                .map_err(|error| sled_error(folder, "write to its disk", &error))
        });
        let synced = flushed.and_then(|()| {
            let marked = Marked {
                ledger: self.ledger,
                clean: false,
            };
            self.files
                .sync()
                .and_then(|()| self.mark.write(marked))
                .map_err(|error| io_error(&self.folder, "write to its disk", &error))
        });
        synced.map_err(|error| self.stop(error))
    }

    fn stop(&mut self, error: StoreError) -> StoreError {
        if self.stopped.is_none() {
            tracing::error!(%error, "the store stopped");
            self.stopped = Some(error.to_string());
        }
        match error {
            StoreError::Stopped(why) => StoreError::Stopped(why),
            other => StoreError::Stopped(other.to_string()),
        }
    }

    /// Reads everything and compares with the sum.
    pub(super) fn verify(&mut self) -> Result<(), StoreError> {
        let expected = self.ledger;
        let found = self.recount()?;
        if found == expected {
            return Ok(());
        }
        let why = if found.rows == expected.rows {
            "rows have fallen back to older values".to_owned()
        } else {
            format!(
                "it holds {} rows where {} were stored",
                found.rows, expected.rows
            )
        };
        Err(damaged(&self.folder, why))
    }

    /// After a full disk a batch that was never acknowledged may have left nothing but its sum. Where the rows are exactly
    /// those of the last durable batch, that batch's sum is put back.
    pub(super) fn drop_unfinished(&mut self, durable: Ledger) -> Result<(), StoreError> {
        if self.ledger.batch <= durable.batch {
            return Ok(());
        }
        let found = self.recount()?;
        let as_durable = (found.rows, found.sum) == (durable.rows, durable.sum);
        let as_expected = (found.rows, found.sum) == (self.ledger.rows, self.ledger.sum);
        if as_expected || !as_durable {
            return Ok(());
        }
        tracing::warn!(folder = %self.folder.display(), "an unfinished batch had left its sum behind; it is dropped");
        self.guarded(|tree, folder| {
            tree.insert(LEDGER_KEY, &durable.to_bytes())
                .map(|_| ())
                .map_err(|error| sled_error(folder, "write to its disk", &error))
        })?;
        self.ledger = durable;
        self.sync()
    }

    fn recount(&mut self) -> Result<Ledger, StoreError> {
        let batch = self.ledger.batch;
        self.guarded(|tree, folder| {
            let mut found = Ledger {
                batch,
                ..Ledger::default()
            };
            for entry in tree.iter() {
                let (key, value) = entry.map_err(|error| sled_error(folder, "read", &error))?;
                if key.as_ref() == LEDGER_KEY {
                    continue;
                }
                unseal(&Key(key.to_vec()), &value)
                    .map_err(|error| damaged(folder, error.to_string()))?;
                found.change(None, Some(seal_word(&value)));
            }
            Ok(found)
        })
    }

    /// Notes that the store is in use.
    pub(super) fn mark_open(&mut self) -> Result<(), StoreError> {
        self.write_mark(false)
    }

    fn write_mark(&mut self, clean: bool) -> Result<(), StoreError> {
        let marked = Marked {
            ledger: self.ledger,
            clean,
        };
        self.mark
            .write(marked)
            .map_err(|error| io_error(&self.folder, "write its mark", &error))
    }

    /// Makes everything durable and notes that the store was closed in order.
    pub(super) fn close(&mut self) -> Result<(), StoreError> {
        self.sync()?;
        self.write_mark(true)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let sled = self.sled.take();
        if self.stopped.is_some() {
            // Dropping sled writes, and after a failure may wait for what never comes. The process ends soon anyway.
            std::mem::forget(sled);
            return;
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(sled))) {
            let why = panic_text(&*panic);
            tracing::warn!(why, "the database did not close in order");
        }
        super::folder::own_only_below(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::store::{Family, KeyWriter};

    fn key(number: u64) -> Key {
        KeyWriter::new(Family::Run).u64(number).finish()
    }

    fn filled(folder: &Path) -> Disk {
        let mut disk = crate::store::open::open(folder, DateTime::UNIX_EPOCH).unwrap();
        for value in [&b"\x01\"old\""[..], b"\x01\"new\""] {
            let mut batch = Batch::default();
            batch.put(key(1), value.to_vec());
            batch.put(key(2), value.to_vec());
            disk.write(batch).unwrap();
        }
        disk.sync().unwrap();
        disk
    }

    fn tree(disk: &Disk) -> sled::Tree {
        disk.sled.as_ref().unwrap().0.clone()
    }

    #[test]
    fn a_row_that_falls_back_to_an_older_value_reads_well_and_is_found_by_the_sum() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = filled(folder.path());
        disk.verify().unwrap();
        let old = b"\x01\"old\"";
        tree(&disk).insert(key(1).0, seal(&key(1), old)).unwrap();
        let read = disk.get_many(&[key(1)]).unwrap();
        assert_eq!(read, [Some(old.to_vec())]);
        let error = disk.verify().unwrap_err();
        assert!(error.to_string().contains("older values"), "{error}");
    }

    #[test]
    fn a_lost_row_is_found_by_the_sum_and_a_wrong_one_by_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = filled(folder.path());
        tree(&disk).remove(key(1).0).unwrap();
        let error = disk.verify().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("holds 1 rows where 2 were stored"),
            "{error}"
        );
        tree(&disk)
            .insert(key(2).0, b"12345678\x01\"new\"".to_vec())
            .unwrap();
        let error = disk.get_many(&[key(2)]).unwrap_err();
        assert!(matches!(error, StoreError::BadValue { .. }), "{error}");
    }

    #[test]
    fn a_panic_in_the_database_is_damage_and_then_the_store_has_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = filled(folder.path());
        let error = disk
            .guarded::<()>(|_, _| panic!("page 7 is gone"))
            .unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { why, .. } if why == "page 7 is gone"));
        let mut batch = Batch::default();
        batch.put(key(3), vec![1]);
        assert!(matches!(disk.write(batch), Err(StoreError::Stopped(_))));
        assert!(matches!(
            disk.get_many(&[key(1)]),
            Err(StoreError::Stopped(_))
        ));
    }
}
