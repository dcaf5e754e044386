//! The observed weaknesses of sled 0.34.7 (docs/design/testing.md 3, "Additional store tests"): whatever lies in the folder, opening gives
//! the data or a typed error, never a panic, and what is read is never an old or wrong value that nobody notices.

use crate::folder::copy;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syncline::clock::SystemClock;
use syncline::store::{
    Batch, Family, FindingState, Key, KeyWriter, Range, SledStore, Store, StoreError, doctor, keys,
};

type Rows = BTreeMap<Key, Vec<u8>>;

fn key(number: u64) -> Key {
    KeyWriter::new(Family::Base)
        .text("contacts")
        .u64(number)
        .finish()
}

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(folder, &SystemClock)
}

/// A store with three generations of rows, closed in order (opened twice, so that there is a snapshot); and what is in it.
async fn filled(folder: &Path) -> Rows {
    let mut rows = Rows::new();
    for generation in 0..3u64 {
        let store = open(folder).unwrap();
        for chunk in 0..8u64 {
            let mut batch = Batch::default();
            for number in chunk * 50..chunk * 50 + 50 {
                if (number + generation) % 3 != 2 {
                    let value = format!("\u{1}\"{number} of {generation} {}\"", "x".repeat(2500));
                    batch.put(key(number), value.clone().into_bytes());
                    rows.insert(key(number), value.into_bytes());
                }
            }
            store.commit(batch).await.unwrap();
        }
        store.close().await.unwrap();
    }
    rows
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder.join("store"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("snap.")
        })
        .collect()
}

fn copies_aside(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().starts_with("store-damaged-")
        })
        .count()
}

async fn read_all(store: &SledStore) -> Result<Rows, StoreError> {
    let entries = store
        .range(Range::prefix(keys::all(Family::Base), usize::MAX))
        .await?;
    Ok(entries.into_iter().collect())
}

/// Opens and reads everything. Gives what happened in a word; panics where something wrong went unnoticed.
async fn outcome(folder: &Path, expected: &Rows, what: &str) -> &'static str {
    let store = match open(folder) {
        Ok(store) => store,
        Err(StoreError::Damaged { next, why, .. }) => {
            println!("{what}: {why}");
            assert!(next.contains("syncline import"), "{what}: {next}");
            assert_eq!(
                copies_aside(folder),
                1,
                "{what}: the damaged store was not kept"
            );
            return "refused";
        }
        Err(StoreError::Io { .. }) => return "refused by the disk",
        Err(other) => panic!("{what}: {other}"),
    };
    let findings = doctor(&store).await.unwrap();
    let whole = findings
        .iter()
        .any(|finding| finding.check == "whole" && finding.state == FindingState::Fail);
    match read_all(&store).await {
        Ok(rows) if rows == *expected => "whole",
        Ok(_) => {
            assert!(whole, "{what}: wrong rows went unnoticed");
            "noticed by doctor"
        }
        Err(StoreError::Damaged { .. } | StoreError::BadValue { .. } | StoreError::Stopped(_)) => {
            "typed error on reading"
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

#[tokio::test]
async fn a_half_written_snapshot_does_not_keep_the_store_from_opening() {
    let source = tempfile::tempdir().unwrap();
    let rows = filled(source.path()).await;
    let newest = snapshots(source.path()).into_iter().max().unwrap();
    let whole = fs::read(&newest).unwrap();
    let leftovers: [(&str, Vec<u8>); 3] = [
        ("empty", Vec::new()),
        ("partial", whole[..whole.len() / 2].to_vec()),
        ("stale", whole.clone()),
    ];
    for (name, bytes) in leftovers {
        for number in ["0000000000000001", "7FFFFFFFFFFFFFFF"] {
            let folder = tempfile::tempdir().unwrap();
            copy(source.path(), folder.path());
            let path = folder
                .path()
                .join(format!("store/snap.{number}.generating"));
            fs::write(&path, &bytes).unwrap();
            assert_eq!(outcome(folder.path(), &rows, name).await, "whole");
            assert!(!path.exists());
            assert_eq!(
                copies_aside(folder.path()),
                0,
                "{name}: nothing was damaged"
            );
        }
    }
}

#[tokio::test]
async fn a_truncated_snapshot_is_replaced_from_the_log() {
    let source = tempfile::tempdir().unwrap();
    let rows = filled(source.path()).await;
    for part in [0, 1, 2, 3] {
        let folder = tempfile::tempdir().unwrap();
        copy(source.path(), folder.path());
        for path in snapshots(folder.path()) {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() * part / 4]).unwrap();
        }
        assert_eq!(
            outcome(folder.path(), &rows, "truncated snapshot").await,
            "whole",
            "{part}/4"
        );
        assert_eq!(
            copies_aside(folder.path()),
            1,
            "{part}/4: the copy comes before the repair"
        );
    }
}

#[tokio::test]
async fn a_truncated_database_is_refused_or_whole() {
    let source = tempfile::tempdir().unwrap();
    let rows = filled(source.path()).await;
    let length = fs::metadata(source.path().join("store/db")).unwrap().len();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for part in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        copy(source.path(), folder.path());
        let keep = length * part / 20 + part % 7;
        let db = fs::OpenOptions::new()
            .write(true)
            .open(folder.path().join("store/db"))
            .unwrap();
        db.set_len(keep).unwrap();
        let what = format!("cut to {keep} of {length}");
        *seen
            .entry(outcome(folder.path(), &rows, &what).await)
            .or_default() += 1;
    }
    println!("truncated database: {seen:?}");
    assert!(
        seen.get("refused").is_some_and(|count| *count > 0),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_flipped_bit_in_the_database_is_never_read_as_a_value() {
    let source = tempfile::tempdir().unwrap();
    let rows = filled(source.path()).await;
    let whole = fs::read(source.path().join("store/db")).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let flips: usize = std::env::var("STORE_FLIPS").map_or(60, |text| text.parse().unwrap());
    for flip in 0..flips {
        for snapshot in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            copy(source.path(), folder.path());
            // Spread by a multiplicative step: the same places every time.
            let place = (flip.wrapping_mul(0x9e37_79b9_7f4a_7c15)) % used;
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << (flip % 8);
            fs::write(folder.path().join("store/db"), bytes).unwrap();
            if !snapshot {
                for path in snapshots(folder.path()) {
                    fs::remove_file(path).unwrap();
                }
            }
            let what = format!("bit {} of byte {place}, snapshot {snapshot}", flip % 8);
            *seen
                .entry(outcome(folder.path(), &rows, &what).await)
                .or_default() += 1;
        }
    }
    println!("flipped bits: {seen:?}");
    assert!(
        seen.keys().any(|word| *word != "whole"),
        "no flip did anything: {seen:?}"
    );
}

#[tokio::test]
async fn an_older_copy_of_the_database_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let older = tempfile::tempdir().unwrap();
    copy(folder.path(), older.path());
    let store = open(folder.path()).unwrap();
    let mut batch = Batch::default();
    batch.put(key(1), b"\x01\"newer\"".to_vec());
    store.commit(batch).await.unwrap();
    store.close().await.unwrap();
    // The log goes back to where it was, the note of what was promised does not.
    for path in snapshots(folder.path()) {
        fs::remove_file(path).unwrap();
    }
    fs::copy(
        older.path().join("store/db"),
        folder.path().join("store/db"),
    )
    .unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("stored changes are missing"),
        "{error}"
    );
}

#[tokio::test]
async fn strange_files_in_the_folder_do_not_matter_or_are_a_typed_error() {
    let source = tempfile::tempdir().unwrap();
    let rows = filled(source.path()).await;
    for (name, bytes) in [
        ("conf", &b"not a configuration"[..]),
        ("last-commit", b"\xff\xfe"),
        ("snap.zz", b""),
        ("blobs/x", b"y"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        copy(source.path(), folder.path());
        fs::write(folder.path().join("store").join(name), bytes).unwrap();
        let result = outcome(folder.path(), &rows, name).await;
        println!("{name}: {result}");
        assert!(["whole", "refused"].contains(&result), "{name}: {result}");
    }
}
