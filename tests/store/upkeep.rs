//! The store's upkeep: backups and the way back to one, compaction at every place where a kill may come between, and the steps from an
//! older version (docs/design/sync-semantics.md 22 rules 1, 7 to 10).

use crate::folder::copy;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use syncline::clock::SystemClock;
use syncline::store::{
    BackupError, BackupKind, Batch, Change, Entry, ExportError, Family, Key, NewestSound,
    OverlayStore, Range, Room, SimStore, SledStore, Step, Store, StoreError, TypedStore, back_up,
    backup_is_due, backups, compact, export, has_store, keys, migrate, migrate_by, newest_sound,
    restore,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_269_720, 0).unwrap()
}

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(folder, &SystemClock)
}

/// Rows, written over a few times so that there is something to give back.
async fn fill(store: &dyn Store, rows: u64) {
    for round in 0..4u64 {
        let mut batch = Batch::default();
        batch
            .put_row(keys::meta(keys::META_INSTALL), "0f0f")
            .unwrap();
        for number in 0..rows {
            let text = format!("{number} of {round} {}", "x".repeat(300));
            batch.put_row(keys::activity(number), &text).unwrap();
        }
        store.commit(batch).await.unwrap();
    }
}

async fn entries(store: &dyn Store) -> Vec<Entry> {
    let everything = Range::prefix(Key(Vec::new()), usize::MAX);
    store.range(everything).await.unwrap()
}

/// Opens the data folder, reads everything, closes it.
async fn content(folder: &Path) -> Vec<Entry> {
    let store = open(folder).unwrap();
    store.verify().await.unwrap();
    let all = entries(&store).await;
    store.close().await.unwrap();
    all
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_is_private_reads_back_and_is_due_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = SimStore::new();
    fill(&store, 20).await;
    assert!(backup_is_due(folder.path(), now()));
    let backup = back_up(&store, folder.path(), BackupKind::Daily, now())
        .await
        .unwrap();
    assert_eq!(
        names(&folder.path().join("backups")),
        ["state-20261121T140200Z.jsonl"]
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&backup.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let NewestSound { sound, unsound } = newest_sound(folder.path());
    let (found, summary) = sound.unwrap();
    assert_eq!((&found, summary.entries, unsound.len()), (&backup, 21, 0));
    for (hours, due) in [(0, false), (23, false), (24, true)] {
        assert_eq!(
            backup_is_due(folder.path(), now() + TimeDelta::hours(hours)),
            due,
            "{hours}"
        );
    }
}

#[tokio::test]
async fn seven_daily_backups_stay_and_every_one_before_a_migration() {
    let folder = tempfile::tempdir().unwrap();
    let store = SimStore::new();
    fill(&store, 1).await;
    let before = BackupKind::Before(2);
    back_up(&store, folder.path(), before, now()).await.unwrap();
    fs::write(
        folder.path().join("backups/state-x.unfinished"),
        "left by a kill",
    )
    .unwrap();
    fs::write(folder.path().join("backups/mine.txt"), "not ours").unwrap();
    for day in 1..=9 {
        let at = now() + TimeDelta::days(day);
        back_up(&store, folder.path(), BackupKind::Daily, at)
            .await
            .unwrap();
    }
    let all = backups(folder.path());
    let days: Vec<i64> = all.iter().map(|one| (one.at - now()).num_days()).collect();
    assert_eq!(days, [9, 8, 7, 6, 5, 4, 3, 0], "newest first");
    assert_eq!(all.last().unwrap().kind, before);
    assert!(!names(&folder.path().join("backups")).contains(&"state-x.unfinished".to_owned()));
    assert!(folder.path().join("backups/mine.txt").exists());
}

/// A store that is written to after so many pages, and whose disk has that room.
struct Busy {
    below: OverlayStore,
    quiet: AtomicU64,
    room: Option<Room>,
}

#[async_trait::async_trait]
impl Store for Busy {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.below.get(key).await
    }
    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.below.get_many(keys).await
    }
    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        let _ = self
            .quiet
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        self.below.range(range).await
    }
    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.below.apply(batch).await
    }
    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.below.commit(batch).await
    }
    fn rows_read(&self) -> u64 {
        self.below.rows_read()
    }
    fn batches(&self) -> Option<u64> {
        Some(u64::from(self.quiet.load(Ordering::Relaxed) == 0))
    }
    fn room(&self) -> Option<Room> {
        self.room
    }
}

async fn busy(quiet: u64, room: Option<Room>) -> Busy {
    let store = SimStore::new();
    fill(&store, 3).await;
    Busy {
        below: OverlayStore::new(Arc::new(store)),
        quiet: AtomicU64::new(quiet),
        room,
    }
}

#[tokio::test]
async fn a_backup_gives_way_to_a_write_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for quiet in [1, 20, 40] {
        let store = busy(quiet, None).await;
        let error = back_up(&store, folder.path(), BackupKind::Daily, now())
            .await
            .unwrap_err();
        assert!(
            matches!(error, BackupError::Export(ExportError::Changed)),
            "{error}"
        );
        assert!(names(&folder.path().join("backups")).is_empty());
    }
}

#[tokio::test]
async fn a_backup_does_not_take_the_room_that_the_store_needs() {
    let folder = tempfile::tempdir().unwrap();
    let room = |free| {
        Some(Room {
            used: 5_000_000,
            free,
        })
    };
    let store = busy(u64::MAX, room(4_999_999)).await;
    let error = back_up(&store, folder.path(), BackupKind::Daily, now())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("may need 5 MB and 4 MB are free"),
        "{error}"
    );
    let store = busy(u64::MAX, room(5_000_000)).await;
    back_up(&store, folder.path(), BackupKind::Daily, now())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_newest_backup_that_reads_well_takes_the_place_of_the_store_which_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    fill(&store, 10).await;
    let wanted = entries(&store).await;
    let good = back_up(&store, folder.path(), BackupKind::Daily, now())
        .await
        .unwrap();
    fill(&store, 12).await;
    let later = now() + TimeDelta::days(1);
    let bad = back_up(&store, folder.path(), BackupKind::Daily, later)
        .await
        .unwrap();
    store.close().await.unwrap();
    let text = fs::read_to_string(&bad.path).unwrap();
    fs::write(&bad.path, text.replacen("3 of 3", "4 of 3", 1)).unwrap();
    let NewestSound { sound, unsound } = newest_sound(folder.path());
    assert_eq!((unsound.len(), &unsound[0].0), (1, &bad));
    let (backup, _) = sound.unwrap();
    assert_eq!(backup, good);
    let done = restore(backup, folder.path(), &SystemClock).await.unwrap();
    let aside = done.aside.unwrap();
    assert!(
        aside
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("store-replaced-")
    );
    let epoch = keys::meta(keys::META_EPOCH);
    let mut got = content(folder.path()).await;
    got.retain(|(key, _)| *key != epoch);
    assert_eq!(got, wanted);
    let store = open(folder.path()).unwrap();
    assert_eq!(store.row::<u64>(epoch).await.unwrap(), Some(1));
    store.close().await.unwrap();
    // What was there opens as it was.
    let other = tempfile::tempdir().unwrap();
    copy(&aside, &other.path().join("store"));
    assert_eq!(content(other.path()).await.len(), 13);
}

#[tokio::test]
async fn a_store_that_does_not_open_says_how_to_go_back_to_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    fill(&store, 200).await;
    store.close().await.unwrap();
    let broken = |folder: &Path| {
        let db = fs::OpenOptions::new()
            .write(true)
            .open(folder.join("store/db"))
            .unwrap();
        db.set_len(db.metadata().unwrap().len() / 3).unwrap();
    };
    let without = tempfile::tempdir().unwrap();
    copy(folder.path(), without.path());
    broken(without.path());
    let error = open(without.path()).unwrap_err().to_string();
    assert!(
        error.contains("no backup that can be read") && error.contains("syncline sync"),
        "{error}"
    );
    let store = open(folder.path()).unwrap();
    back_up(&store, folder.path(), BackupKind::Daily, now())
        .await
        .unwrap();
    store.close().await.unwrap();
    broken(folder.path());
    let error = open(folder.path()).unwrap_err().to_string();
    let said = "`syncline import --newest-backup` goes back to the state of 2026-11-21 14:02 UTC";
    assert!(error.contains(said), "{error}");
    let (backup, _) = newest_sound(folder.path()).sound.unwrap();
    restore(backup, folder.path(), &SystemClock).await.unwrap();
    assert_eq!(content(folder.path()).await.len(), 202);
}

#[tokio::test]
async fn compaction_keeps_every_row_and_gives_the_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    fill(&store, 1500).await;
    let mut batch = Batch::default();
    for number in 100..1500 {
        batch.remove(keys::activity(number));
    }
    store.commit(batch).await.unwrap();
    let held = compact(folder.path(), &SystemClock).await.unwrap_err();
    assert!(matches!(held, StoreError::Held { .. }), "{held}");
    let wanted = entries(&store).await;
    store.close().await.unwrap();
    let done = compact(folder.path(), &SystemClock).await.unwrap();
    assert_eq!(done.entries, 101);
    assert!(done.after < done.before, "{done:?}");
    assert_eq!(content(folder.path()).await, wanted);
    assert_eq!(names(folder.path()), ["lock", "store"]);
}

/// A data folder with a store, and the compacted store that would replace it.
async fn before_and_after() -> (tempfile::TempDir, tempfile::TempDir, Vec<Entry>) {
    let before = tempfile::tempdir().unwrap();
    let store = open(before.path()).unwrap();
    fill(&store, 300).await;
    let rows = entries(&store).await;
    store.close().await.unwrap();
    let after = tempfile::tempdir().unwrap();
    copy(before.path(), after.path());
    compact(after.path(), &SystemClock).await.unwrap();
    (before, after, rows)
}

/// What a data folder holds when the kill comes: its name, the folders with what they are copies of, and what is left once it was
/// opened.
type State<'a> = (&'a str, &'a [(&'a str, &'a Path)], &'a [&'a str]);

#[tokio::test]
async fn a_kill_at_any_step_of_a_compaction_or_a_restore_leaves_all_rows_and_no_leftovers() {
    let (before, after, rows) = before_and_after().await;
    let (old, new): (PathBuf, PathBuf) = (before.path().join("store"), after.path().join("store"));
    let states: [State<'_>; 7] = [
        (
            "while it is copied",
            &[("store", &old), ("store-unfinished/store", &new)],
            &["lock", "store"],
        ),
        (
            "once it stands ready",
            &[("store", &old), ("store-compacted", &new)],
            &["lock", "store"],
        ),
        (
            "between the renames",
            &[("store-old", &old), ("store-compacted", &new)],
            &["lock", "store"],
        ),
        (
            "before the old one goes",
            &[("store", &new), ("store-old", &old)],
            &["lock", "store"],
        ),
        (
            "ready, an older leftover beside",
            &[
                ("store", &old),
                ("store-old", &old),
                ("store-compacted", &new),
            ],
            &["lock", "store"],
        ),
        (
            "a restore that stands ready",
            &[("store", &old), ("store-restored", &new)],
            &["lock", "store", "store-replaced-"],
        ),
        (
            "a restore between the renames",
            &[("store-replaced-1", &old), ("store-restored", &new)],
            &["lock", "store", "store-replaced-"],
        ),
    ];
    for (what, folders, left) in states {
        let folder = tempfile::tempdir().unwrap();
        for (name, from) in folders {
            copy(from, &folder.path().join(name));
        }
        assert!(has_store(folder.path()), "{what}");
        assert_eq!(content(folder.path()).await, rows, "{what}");
        let names = names(folder.path());
        assert_eq!(names.len(), left.len(), "{what}: {names:?}");
        let fits = names
            .iter()
            .zip(left)
            .all(|(name, wanted)| name.starts_with(wanted));
        assert!(fits, "{what}: {names:?}");
    }
}

/// A value of the older version ends with a point, one of the newer does not.
fn newer(_: &Key, value: &[u8]) -> Result<Change, StoreError> {
    Ok(match value.strip_suffix(b".\"") {
        Some(stem) => Change::Put([stem, b"\""].concat()),
        None if value == b"\x01\"goes\"" => Change::Remove,
        None => Change::Keep,
    })
}

fn moved(key: &Key, value: &[u8]) -> Result<Change, StoreError> {
    let number = u64::from(*key.0.last().unwrap());
    Ok(Change::Move(keys::activity(number), value.to_vec()))
}

const STEPS: &[Step] = &[
    Step {
        to: 2,
        families: &[Family::Undo, Family::Activity],
        change: newer,
    },
    Step {
        to: 3,
        families: &[Family::Undo],
        change: moved,
    },
];

/// A store of the version 1 of those steps.
async fn older() -> SimStore {
    let store = SimStore::new();
    let mut batch = Batch::default();
    batch.put_row(keys::meta(keys::META_SCHEMA), &1u64).unwrap();
    for number in 0..2500u64 {
        batch
            .put_row(keys::activity(1000 + number), &format!("{number}."))
            .unwrap();
    }
    batch
        .put_row(keys::undo(syncline::domain::RunId(1), 7), "seven.")
        .unwrap();
    batch.put_row(keys::activity(5000), "goes").unwrap();
    store.commit(batch).await.unwrap();
    store
}

async fn is_new(store: &dyn Store) {
    let version: Option<u64> = store.row(keys::meta(keys::META_SCHEMA)).await.unwrap();
    assert_eq!(version, Some(3));
    let rows = entries(store).await;
    assert_eq!(rows.len(), 2502, "2500, the moved one, and the version");
    assert!(rows.iter().all(|(_, value)| !value.ends_with(b".\"")));
    let moved: Option<String> = store.row(keys::activity(7)).await.unwrap();
    assert_eq!(moved.as_deref(), Some("seven"));
}

#[tokio::test]
async fn an_older_store_is_backed_up_and_brought_to_this_version_step_by_step() {
    let folder = tempfile::tempdir().unwrap();
    let store = older().await;
    let mut before = Vec::new();
    export(&store, &mut before).await.unwrap();
    migrate_by(STEPS, 3, &store, folder.path(), now())
        .await
        .unwrap();
    is_new(&store).await;
    let kept = backups(folder.path());
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].kind, BackupKind::Before(3));
    assert_eq!(fs::read(&kept[0].path).unwrap(), before);
    // Once more changes nothing.
    let rows = entries(&store).await;
    migrate_by(STEPS, 3, &store, folder.path(), now())
        .await
        .unwrap();
    assert_eq!(entries(&store).await, rows);
}

#[tokio::test]
async fn a_migration_that_was_killed_after_any_batch_goes_on_where_it_stopped() {
    // Each commit is made and then reported as failed once, as a kill behind it would look like.
    for kill in 0..9 {
        let folder = tempfile::tempdir().unwrap();
        let store = Dying {
            below: older().await,
            left: AtomicU64::new(kill),
        };
        let first = migrate_by(STEPS, 3, &store, folder.path(), now()).await;
        let Dying { below, .. } = store;
        if first.is_err() {
            migrate_by(STEPS, 3, &below, folder.path(), now())
                .await
                .unwrap();
        }
        is_new(&below).await;
        let kept = backups(folder.path());
        assert_eq!(kept.len(), 1, "of the store as it was, not of one half-way");
        kept[0].check().unwrap();
    }
}

/// A store whose process dies behind a commit.
struct Dying {
    below: SimStore,
    left: AtomicU64,
}

#[async_trait::async_trait]
impl Store for Dying {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.below.get(key).await
    }
    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.below.get_many(keys).await
    }
    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.below.range(range).await
    }
    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.below.apply(batch).await
    }
    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.below.commit(batch).await?;
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            0 => Err(StoreError::Stopped("killed".into())),
            _ => Ok(()),
        }
    }
    fn rows_read(&self) -> u64 {
        0
    }
}

#[tokio::test]
async fn a_store_of_a_newer_syncline_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = SimStore::new();
    let mut batch = Batch::default();
    batch
        .put_row(keys::meta(keys::META_SCHEMA), &99u64)
        .unwrap();
    store.commit(batch).await.unwrap();
    let rows = entries(&store).await;
    let error = migrate(&store, folder.path(), now()).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                version: 99,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("start the newer Syncline"),
        "{error}"
    );
    assert_eq!(entries(&store).await, rows);
    assert!(backups(folder.path()).is_empty());
    let mut text = Vec::new();
    export(&store, &mut text).await.unwrap();
    let into = tempfile::tempdir().unwrap();
    let error = syncline::store::import(&mut text.as_slice(), into.path(), &SystemClock)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("of a newer Syncline"), "{error}");
}

#[tokio::test]
async fn a_store_without_a_version_is_of_the_first_or_new() {
    let folder = tempfile::tempdir().unwrap();
    for (rows, steps) in [(0, 0), (3, 1)] {
        let store = SimStore::new();
        if rows > 0 {
            fill(&store, rows).await;
        }
        migrate_by(STEPS, 3, &store, folder.path(), now())
            .await
            .unwrap();
        let version: Option<u64> = store.row(keys::meta(keys::META_SCHEMA)).await.unwrap();
        assert_eq!(version, Some(3));
        assert_eq!(backups(folder.path()).len(), steps);
    }
}
