//! From the rows of an older version to those of this one (docs/design/sync-semantics.md 22 rule 10): a table of steps, each of which
//! looks at the rows of some families one by one. A backup comes first; a step that was cut off goes on where it stopped.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::backup::{BackupKind, back_up};
use super::disk_error::io_error;
use super::{Batch, Family, Key, Range, Store, StoreError, TypedStore, keys};

/// The version of the rows that this Syncline writes.
pub const VERSION: u64 = 1;

/// The steps to it, in order; none yet, as this is the first version.
const STEPS: &[Step] = &[];

/// Rows looked at before the place is noted.
const CHUNK: usize = 1000;

/// `meta`: the last row that a step looked at, in hexadecimal; empty before the first of a later step. There from the first batch of
/// the first step to the last one of the last: while it is, the backup is made.
const PLACE: &str = "migrated_up_to";

/// From one version to the next.
pub struct Step {
    /// The version that the store has after it.
    pub to: u64,
    /// The families whose rows it looks at, in key order.
    pub families: &'static [Family],
    /// What becomes of a row. It may be asked twice about a row, the second time about its own answer, and must keep that.
    pub change: fn(&Key, &[u8]) -> Result<Change, StoreError>,
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    Keep,
    /// It gets this value.
    Put(Vec<u8>),
    /// It goes.
    Remove,
    /// It goes, and another row is written. The new key must lie in a family that the step does not look at later.
    Move(Key, Vec<u8>),
}

/// Brings a store to the version of this Syncline, or refuses one of a newer.
///
/// # Errors
/// `Newer`; a step that meets a row it cannot read; the disk.
pub async fn migrate<S: Store + ?Sized>(
    store: &S,
    data_dir: &Path,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    migrate_by(STEPS, VERSION, store, data_dir, now).await
}

/// The same by a table of steps that lead to `version`.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_by<S: Store + ?Sized>(
    steps: &[Step],
    version: u64,
    store: &S,
    data_dir: &Path,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(found) = store.row::<u64>(keys::meta(keys::META_SCHEMA)).await? else {
        // A store without a version is new, or from before the first release, whose rows are the first version's.
        let any = store.range(Range::prefix(Key(Vec::new()), 1)).await?;
        let first = if any.is_empty() { version } else { 1 };
        let mut batch = Batch::default();
        batch.put_row(keys::meta(keys::META_SCHEMA), &first)?;
        store.commit(batch).await?;
        return Box::pin(migrate_by(steps, version, store, data_dir, now)).await;
    };
    if found > version {
        return Err(StoreError::Newer {
            folder: data_dir.display().to_string(),
            version: found,
            known: version,
        });
    }
    if found == version {
        return Ok(());
    }
    tracing::info!(
        from = found,
        to = version,
        "the store is brought to this version"
    );
    let begun: Option<String> = store.row(keys::meta(PLACE)).await?;
    if begun.is_none() {
        back_up(store, data_dir, BackupKind::Before(version), now)
            .await
            .map_err(|error| {
                let error = std::io::Error::other(error.to_string());
                io_error(
                    data_dir,
                    "be backed up before it is brought to this version",
                    &error,
                )
            })?;
    }
    for step in steps.iter().filter(|step| step.to > found) {
        take(step, step.to == version, store).await?;
    }
    Ok(())
}

async fn take<S: Store + ?Sized>(step: &Step, is_last: bool, store: &S) -> Result<(), StoreError> {
    let stopped: Option<String> = store.row(keys::meta(PLACE)).await?;
    let mut after = stopped.as_deref().and_then(Key::from_hex);
    for family in step.families {
        let prefix = keys::all(*family);
        if after
            .as_ref()
            .is_some_and(|place| place.0.first() > prefix.0.first())
        {
            continue;
        }
        let mut from = after.take();
        loop {
            let range = Range::prefix(prefix.clone(), CHUNK).after(from.clone());
            let rows = store.range(range).await?;
            let Some((last, _)) = rows.last() else { break };
            let mut batch = Batch::default();
            batch.put_row(keys::meta(PLACE), &last.to_hex())?;
            from = Some(last.clone());
            for (key, value) in rows {
                match (step.change)(&key, &value)? {
                    Change::Keep => {}
                    Change::Put(value) => batch.put(key, value),
                    Change::Remove => batch.remove(key),
                    Change::Move(to, value) => {
                        batch.remove(key);
                        batch.put(to, value);
                    }
                }
            }
            store.commit(batch).await?;
        }
    }
    let mut batch = Batch::default();
    batch.put_row(keys::meta(keys::META_SCHEMA), &step.to)?;
    if is_last {
        batch.remove(keys::meta(PLACE));
    } else {
        batch.put_row(keys::meta(PLACE), "")?;
    }
    store.commit(batch).await
}
