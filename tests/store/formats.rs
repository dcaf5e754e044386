//! Every released format of the store opens (docs/design/sync-semantics.md 22 rule 10). A fixture is made once, by the version that
//! writes it, and never again: `STORE_FIXTURE=write cargo test --test store formats -- --ignored`.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use crate::support;
use crate::support::House;
use crate::support::town::*;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use syncline::clock::SystemClock;
use syncline::domain::{Choice, Side};
use syncline::engine::Db;
use syncline::store::{
    Count, Entry, FindingState, Key, Range, SledStore, Store, TypedStore, VERSION, doctor, export,
    import, keys, migrate,
};

/// A released format: its folder in `tests/fixtures`, and what was in the store.
struct Format {
    folder: &'static str,
    rows: usize,
    runs: usize,
    /// Of its contacts.
    active_links: u64,
}

const FORMATS: &[Format] = &[Format {
    folder: "store-v1",
    rows: 218,
    runs: 4,
    active_links: 6,
}];

fn fixture(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder)
}

fn text(folder: &str) -> BufReader<GzDecoder<File>> {
    let file = File::open(fixture(folder).join("export.jsonl.gz")).unwrap();
    BufReader::new(GzDecoder::new(file))
}

/// The store's own files, unpacked into a data folder.
fn unpack(folder: &str, data: &Path) {
    fs::create_dir_all(data.join("store")).unwrap();
    for entry in fs::read_dir(fixture(folder).join("store")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(&path).unwrap())
            .read_to_end(&mut bytes)
            .unwrap();
        fs::write(data.join("store").join(path.file_stem().unwrap()), bytes).unwrap();
    }
}

async fn entries(store: &SledStore) -> Vec<Entry> {
    let everything = Range::prefix(Key(Vec::new()), usize::MAX);
    let mut all = store.range(everything).await.unwrap();
    // An import counts itself.
    all.retain(|(key, _)| *key != keys::meta(keys::META_EPOCH));
    all
}

#[tokio::test]
async fn every_released_format_opens_as_files_and_as_an_export_and_is_sound() {
    for format in FORMATS {
        let now = support::start_time();
        let (files, imported) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        unpack(format.folder, files.path());
        import(&mut text(format.folder), imported.path(), &SystemClock)
            .await
            .unwrap();
        let mut contents = Vec::new();
        for data in [files.path(), imported.path()] {
            let store = SledStore::open(data, &SystemClock).unwrap();
            migrate(&store, data, now).await.unwrap();
            let version: Option<u64> = store.row(keys::meta(keys::META_SCHEMA)).await.unwrap();
            assert_eq!(version, Some(VERSION));
            let findings = doctor(&store).await.unwrap();
            let bad: Vec<_> = findings
                .iter()
                .filter(|one| one.state != FindingState::Ok)
                .collect();
            assert!(bad.is_empty(), "{}: {bad:#?}", format.folder);
            contents.push(entries(&store).await);
            let db = Db::open(std::sync::Arc::new(store)).await.unwrap();
            assert_eq!(db.runs(100).await.unwrap().len(), format.runs);
            // The first version kept no such count: it is made by reading.
            let active = db.count(&Count::Active("contacts".into()));
            assert_eq!(active, format.active_links, "{}", format.folder);
        }
        assert_eq!(contents[0].len(), format.rows, "{}", format.folder);
        assert_eq!(contents[0], contents[1], "{}", format.folder);
    }
}

/// A small town with a bit of everything: links, creates, an open and a settled conflict, an ambiguous match, an error.
async fn town() -> House {
    let house = House::empty(&firms().replace(
        "name = \"contacts\"",
        "name = \"contacts\"\nconflict = \"ask\"",
    ))
    .await;
    house.village();
    let bad = [
        ("Name", "Odd Ltd"),
        ("Website", "odd.example"),
        ("Industry", "Unheard of"),
    ];
    house.sf("Account", &bad);
    for name in ["Twin", "Twain"] {
        house.sf(
            "Contact",
            &[("LastName", name), ("Email", "twin@example.com")],
        );
    }
    house.fine().await;
    let s = house.sf_ids("Contact").remove(0);
    let link = house
        .links()
        .await
        .into_iter()
        .find(|link| link.ids.salesforce.as_ref().is_some_and(|id| id.0 == s))
        .unwrap();
    let h = link.ids.hubspot.unwrap().0;
    house.sf_edit("Contact", &s, &[("Title", "Boss"), ("MailingCity", "Rome")]);
    house.hs_edit("contacts", &h, &[("jobtitle", "Chief"), ("city", "Bonn")]);
    house.wait(60).await;
    house.fine().await;
    let item = house
        .open_items()
        .await
        .into_iter()
        .find(|item| item.field == "Title")
        .unwrap();
    house.choose(&item, Choice::Take(Side::HubSpot)).await;
    house.wait(60).await;
    house.fine().await;
    house.wait(3600).await;
    house.fine().await;
    house.sound().await;
    house
}

#[tokio::test(start_paused = true)]
#[ignore = "writes the fixture of the version that is about to be released"]
async fn write_the_fixture_of_this_version() {
    if std::env::var("STORE_FIXTURE").as_deref() != Ok("write") {
        return;
    }
    let house = town().await;
    migrate(&*house.store, Path::new(""), house.clock.now())
        .await
        .unwrap();
    let folder = fixture(&format!("store-v{VERSION}"));
    fs::create_dir_all(folder.join("store")).unwrap();
    let mut out = Vec::new();
    let summary = export(&*house.store, &mut out).await.unwrap();
    let pack = |path: PathBuf, bytes: &[u8]| {
        let mut gz = GzEncoder::new(File::create(path).unwrap(), Compression::best());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap();
    };
    pack(folder.join("export.jsonl.gz"), &out);
    let data = tempfile::tempdir().unwrap();
    let store = SledStore::open(data.path(), &SystemClock).unwrap();
    for entry in house
        .store
        .range(Range::prefix(Key(Vec::new()), usize::MAX))
        .await
        .unwrap()
    {
        let mut batch = syncline::store::Batch::default();
        batch.put(entry.0, entry.1);
        store.apply(batch).await.unwrap();
    }
    store.commit(Default::default()).await.unwrap();
    store.close().await.unwrap();
    for entry in fs::read_dir(data.path().join("store")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = format!("{}.gz", path.file_name().unwrap().to_str().unwrap());
            pack(folder.join("store").join(name), &fs::read(&path).unwrap());
        }
    }
    assert!(summary.entries > 0);
}
