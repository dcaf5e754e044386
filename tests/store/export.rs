//! Export and import: a round trip, and every way a file can be wrong.

use std::io::Cursor;
use std::path::Path;

use syncline::clock::SystemClock;
use syncline::store::{
    Batch, Entry, Family, ImportError, Key, KeyWriter, Range, SimStore, SledStore, Store, export,
    import, keys,
};

async fn filled(extra: u64) -> SimStore {
    let store = SimStore::new();
    let mut batch = Batch::default();
    batch.put_row(keys::meta(keys::META_SCHEMA), &1u64).unwrap();
    batch
        .put_row(keys::meta(keys::META_INSTALL), "0f0f")
        .unwrap();
    batch.put(
        keys::cursor(syncline::domain::Side::HubSpot, "contacts"),
        b"\x07not json".to_vec(),
    );
    batch.put(
        keys::run(syncline::domain::RunId(1)),
        b"\x01{\"a\": 1}".to_vec(),
    );
    batch.put(keys::run(syncline::domain::RunId(2)), Vec::new());
    batch.put(
        keys::run(syncline::domain::RunId(3)),
        "\u{1}\"\u{7f}é\\n\\u0000\"".as_bytes().to_vec(),
    );
    for number in 0..extra {
        batch.put_row(keys::activity(number), &number).unwrap();
    }
    store.commit(batch).await.unwrap();
    store
}

async fn entries(store: &dyn Store) -> Vec<Entry> {
    let epoch = keys::meta(keys::META_EPOCH);
    let all = store
        .range(Range::prefix(Key(Vec::new()), usize::MAX))
        .await
        .unwrap();
    all.into_iter().filter(|(key, _)| *key != epoch).collect()
}

async fn exported(store: &SimStore) -> String {
    let mut out = Vec::new();
    export(store, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

async fn imported(text: &str, folder: &Path) -> Result<u64, ImportError> {
    let mut reader = Cursor::new(text.as_bytes().to_vec());
    import(&mut reader, folder, &SystemClock)
        .await
        .map(|summary| summary.entries)
}

/// The line that an import of this text names; panics where it is taken, or leaves anything behind.
async fn refused(text: &str) -> (u64, String) {
    let folder = tempfile::tempdir().unwrap();
    let error = imported(text, folder.path()).await.unwrap_err();
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["lock"], "{error}");
    match error {
        ImportError::Line { line, why } => (line, why),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_export_comes_back_byte_for_byte() {
    let store = filled(30).await;
    let text = exported(&store).await;
    assert!(text.starts_with("{\"format\":\"syncline-export\",\"version\":1,\"schema\":1,\"install\":\"0f0f\",\"counts\":{"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(imported(&text, folder.path()).await.unwrap(), 36);
    let copy = SledStore::open(folder.path(), &SystemClock).unwrap();
    assert_eq!(entries(&copy).await, entries(&store).await);
    let epoch = copy.get(keys::meta(keys::META_EPOCH)).await.unwrap();
    assert_eq!(epoch.as_deref(), Some(&b"\x011"[..]));
}

#[tokio::test]
async fn a_check_line_stands_behind_every_ten_thousand_entries() {
    let store = filled(20_500).await;
    let text = exported(&store).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 20_506 + 1 + 2 + 1);
    assert!(
        lines[10_001].starts_with("{\"check\":10000,"),
        "{}",
        lines[10_001]
    );
    assert!(lines[20_002].starts_with("{\"check\":20000,"));
    let folder = tempfile::tempdir().unwrap();
    imported(&text, folder.path()).await.unwrap();
    let without = lines
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != 10_001)
        .map(|(_, line)| format!("{line}\n"))
        .collect::<String>();
    assert_eq!(refused(&without).await.0, 10_002);
}

#[tokio::test]
async fn an_empty_store_is_an_export_too() {
    let text = exported(&SimStore::new()).await;
    assert_eq!(text.lines().count(), 2);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(imported(&text, folder.path()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_folder_with_a_store_is_not_touched() {
    let text = exported(&filled(0).await).await;
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), &SystemClock).unwrap();
    assert!(matches!(
        imported(&text, folder.path()).await,
        Err(ImportError::Store(syncline::store::StoreError::Held { .. }))
    ));
    store.close().await.unwrap();
    assert!(matches!(
        imported(&text, folder.path()).await,
        Err(ImportError::NotEmpty { .. })
    ));
    assert!(folder.path().join("store").exists());
}

#[tokio::test]
async fn a_cut_export_is_refused_wherever_it_is_cut() {
    let text = exported(&filled(3).await).await;
    let lines = text.lines().count() as u64;
    for cut in [0, 1, text.len() / 3, text.len() / 2, text.len() - 1] {
        let (line, why) = refused(&text[..cut]).await;
        assert!(
            line >= 1 && line <= lines && why.contains("ends"),
            "{cut}: {line} {why}"
        );
    }
    let whole_lines: String = text
        .lines()
        .take(4)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        refused(&whole_lines).await,
        (5, "the export ends before its last line".to_owned())
    );
}

#[tokio::test]
async fn every_single_changed_line_is_refused() {
    let text = exported(&filled(6).await).await;
    let lines: Vec<&str> = text.lines().collect();
    for at in 0..lines.len() {
        let join = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        };
        let mut without = lines.clone();
        without.remove(at);
        refused(&join(&without)).await;
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        refused(&join(&twice)).await;
        let digit = lines[at]
            .rfind(|letter: char| letter.is_ascii_digit())
            .unwrap();
        let other = if &lines[at][digit..=digit] == "5" {
            "6"
        } else {
            "5"
        };
        let mut changed = lines[at].to_owned();
        changed.replace_range(digit..=digit, other);
        let mut tampered = lines.clone();
        tampered[at] = &changed;
        refused(&join(&tampered)).await;
    }
}

#[tokio::test]
async fn foreign_files_are_refused_by_their_first_line() {
    for text in [
        "<html>\n",
        "{}\n",
        "{\"format\":\"other\",\"version\":1,\"schema\":1,\"install\":\"\",\"counts\":{}}\n",
        "{\"format\":\"syncline-export\",\"version\":2,\"schema\":1,\"install\":\"\",\"counts\":{}}\n",
        "\u{0}\u{0}\n",
    ] {
        assert_eq!(refused(text).await.0, 1, "{text}");
    }
    let long = "x".repeat(2_000_000);
    assert_eq!(refused(&long).await, (1, "the line is too long".to_owned()));
}

#[tokio::test]
async fn a_key_of_another_family_is_refused() {
    let store = SimStore::new();
    let mut batch = Batch::default();
    batch
        .put_row(KeyWriter::new(Family::Run).u64(1).finish(), &1)
        .unwrap();
    store.commit(batch).await.unwrap();
    let text = exported(&store)
        .await
        .replace("\"family\":\"run\"", "\"family\":\"base\"");
    assert!(refused(&text).await.1.contains("does not belong"));
}
