//! The store against the operating system: a second process, kills, a full or read-only disk, and the order of its system calls.
//! Children are this test binary itself, started anew with a task in the environment.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use syncline::clock::SystemClock;
use syncline::store::{Batch, Family, Key, KeyWriter, Range, SledStore, Store, StoreError, keys};

const TASK: &str = "STORE_TEST_TASK";
const FOLDER: &str = "STORE_TEST_FOLDER";

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(folder, &SystemClock)
}

fn key(number: u64) -> Key {
    KeyWriter::new(Family::Base)
        .text("contacts")
        .u64(number)
        .finish()
}

/// Two rows a batch, so that a torn batch shows.
fn batch(number: u64, bytes: usize) -> Batch {
    let mut batch = Batch::default();
    for row in [number * 2, number * 2 + 1] {
        batch.put(
            key(row),
            format!("\u{1}\"{row} {}\"", "x".repeat(bytes)).into_bytes(),
        );
    }
    batch
}

fn command(program: &mut Command, task: &str, folder: &Path) -> Child {
    program
        .env(TASK, task)
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

const AS_CHILD: [&str; 4] = ["--exact", "process::child", "--ignored", "--nocapture"];

fn start(task: &str, folder: &Path) -> Child {
    command(
        Command::new(std::env::current_exe().unwrap()).args(AS_CHILD),
        task,
        folder,
    )
}

/// The lines a child says about its task; the test harness prints others.
fn words(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| {
        let at = line.find("store: ")?;
        Some(line[at + 7..].to_owned())
    })
}

#[tokio::test]
#[ignore = "started by the other tests as a process of its own"]
async fn child() {
    let (Ok(task), Ok(folder)) = (std::env::var(TASK), std::env::var(FOLDER)) else {
        return;
    };
    let store = match open(Path::new(&folder)) {
        Ok(store) => store,
        Err(error) => {
            println!("store: refused {error}");
            return;
        }
    };
    println!("store: open");
    let bytes = match task.as_str() {
        "fill" => 20_000,
        "large" => 60_000,
        _ => 300,
    };
    let count = match task.as_str() {
        "hold" => 0,
        "five" => 5,
        "large" => 12,
        _ => u64::MAX,
    };
    let first = next_free(&store).await;
    for number in first..first.saturating_add(count) {
        match store.commit(batch(number, bytes)).await {
            Ok(()) => {
                println!("store: {number}");
                std::io::stdout().flush().unwrap();
            }
            Err(error) => {
                println!("store: failed {error}");
                let again = store.commit(batch(number, bytes)).await;
                println!("store: again {}", again.unwrap_err());
                return;
            }
        }
    }
    if task == "hold" {
        let _ = std::io::stdin().read(&mut [0]);
    }
}

async fn next_free(store: &SledStore) -> u64 {
    let last = Range::prefix(keys::all(Family::Base), 1).reversed();
    let rows = store.range(last).await.unwrap();
    rows.first().map_or(0, |(key, _)| {
        let number: [u8; 8] = key.0[key.0.len() - 8..].try_into().unwrap();
        u64::from_be_bytes(number) / 2 + 1
    })
}

/// Opens after a kill: whole batches without a gap, at least up to the last acknowledged one.
async fn check_after_kill(folder: &Path, acknowledged: Option<u64>) {
    let store = open(folder).unwrap();
    store.verify().await.unwrap();
    let rows = store
        .range(Range::prefix(keys::all(Family::Base), usize::MAX))
        .await
        .unwrap();
    assert_eq!(rows.len() % 2, 0, "a batch is torn");
    for (number, (found, _)) in rows.iter().enumerate() {
        assert_eq!(*found, key(number as u64), "a batch is missing");
    }
    let expected = acknowledged.map_or(0, |number| number as usize + 1);
    assert!(
        rows.len() / 2 >= expected,
        "{} batches of {expected} acknowledged",
        rows.len() / 2
    );
    // The next child finds the folder free.
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_second_process_hears_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("hold", folder.path());
    assert_eq!(words(&mut child).next().unwrap(), "open");
    let error = open(folder.path()).unwrap_err();
    let StoreError::Held { pid, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*pid, child.id().to_string());
    assert!(error.to_string().contains("stop it first"), "{error}");
    drop(child.stdin.take());
    child.wait().unwrap();
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_second_handle_in_one_process_is_refused_and_the_folder_is_free_after_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    assert!(
        matches!(open(folder.path()), Err(StoreError::Held { pid, .. }) if pid == std::process::id().to_string())
    );
    store.close().await.unwrap();
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let kills: u64 = std::env::var("STORE_KILLS").map_or(12, |text| text.parse().unwrap());
    let mut last = None;
    for kill in 0..kills {
        let mut child = start("commit", folder.path());
        let mut said = words(&mut child);
        assert_eq!(said.next().unwrap(), "open");
        // The moment differs from round to round: 0 to 36 commits.
        let numbers = said.by_ref().take((kill * 7 % 37) as usize);
        last = numbers.map(|word| word.parse().unwrap()).last().or(last);
        child.kill().unwrap();
        // What it said before it died is acknowledged too.
        last = said.filter_map(|word| word.parse().ok()).last().or(last);
        child.wait().unwrap();
        check_after_kill(folder.path(), last).await;
    }
    assert!(last.is_some());
}

#[tokio::test]
async fn a_kill_while_a_snapshot_is_written_does_not_brick_the_store() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = open(folder.path()).unwrap();
        for number in 0..300 {
            store.commit(batch(number, 300)).await.unwrap();
        }
    }
    let mut caught = 0;
    for _ in 0..8 {
        let mut child = start("five", folder.path());
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            let generating = fs::read_dir(folder.path().join("store"))
                .unwrap()
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().ends_with(".generating"));
            if generating {
                caught += 1;
                break;
            }
        }
        let _ = child.kill();
        child.wait().unwrap();
        check_after_kill(folder.path(), Some(299)).await;
    }
    println!("killed at a half-written snapshot: {caught} of 8");
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_or_read_only_is_an_error_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = open(&file).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("--data-dir"), "{error}");

    let Some(mount) = Mount::tmpfs("size=8m") else {
        println!("skipped the read-only disk: mounting needs more rights");
        return;
    };
    open(mount.path()).unwrap().close().await.unwrap();
    mount.remount("ro");
    let error = open(mount.path()).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("make it writable"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_store() {
    use std::os::unix::fs::PermissionsExt;
    fn check(path: &Path) {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}", path.display());
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                check(&entry.unwrap().path());
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = open(&data).unwrap();
    store.commit(batch(1, 10)).await.unwrap();
    check(&data);
    store.close().await.unwrap();
    check(&data);
}

#[tokio::test]
async fn a_full_disk_stops_the_store_and_loses_nothing_acknowledged() {
    let Some(mount) = Mount::tmpfs("size=6m") else {
        println!("skipped: mounting needs more rights");
        return;
    };
    let mut child = start("fill", mount.path());
    let said: Vec<String> = words(&mut child).collect();
    child.wait().unwrap();
    let failed = said
        .iter()
        .find(|word| word.starts_with("failed "))
        .unwrap_or_else(|| panic!("{said:?}"));
    assert!(
        failed.contains("the store stopped") && failed.contains("o space"),
        "{failed}"
    );
    let again = said.last().unwrap();
    assert!(again.starts_with("again the store stopped"), "{again}");
    let last = said
        .iter()
        .filter_map(|word| word.parse::<u64>().ok())
        .next_back();
    assert!(last.is_some_and(|last| last > 3), "{said:?}");
    // On the full disk: open or a typed error; with space again: everything.
    match open(mount.path()) {
        Ok(store) => drop(store),
        Err(StoreError::Io { next, .. }) => assert!(next.contains("free some space"), "{next}"),
        Err(other) => panic!("{other}"),
    }
    mount.remount("size=64m");
    check_after_kill(mount.path(), last).await;
}

/// The system calls of a child that commits, and its acknowledgements among them; `None` where tracing is not possible.
fn traced(task: &str, calls: &str) -> Option<String> {
    let probe = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("skipped: strace is not there or not allowed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-y", "-e", calls, "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(AS_CHILD);
    let mut child = command(&mut strace, task, &folder.path().join("data"));
    let said: Vec<String> = words(&mut child).collect();
    child.wait().unwrap();
    assert_eq!(said.first().map(String::as_str), Some("open"), "{said:?}");
    Some(fs::read_to_string(trace).unwrap())
}

fn is_acknowledgement(line: &str) -> bool {
    line.contains("write(1") && line.contains("store: ") && !line.contains("open")
}

#[test]
fn every_acknowledged_commit_was_flushed_and_then_synced() {
    let calls = "trace=fdatasync,sync_file_range,pwrite64,write";
    let Some(text) = traced("five", calls) else {
        return;
    };
    let (mut dirty, mut synced, mut acknowledged) = (false, false, 0);
    for line in text.lines() {
        let on_db = line.contains("/store/db>");
        if on_db && (line.contains("pwrite64(") || line.contains("sync_file_range(")) {
            (dirty, synced) = (true, false);
        } else if on_db && line.contains("fdatasync(") {
            synced = dirty;
        } else if is_acknowledgement(line) {
            assert!(synced, "acknowledged before the sync: {line}\n{text}");
            (dirty, synced) = (false, false);
            acknowledged += 1;
        }
    }
    assert_eq!(acknowledged, 5, "{text}");
}

#[test]
fn large_nodes_that_sled_keeps_in_files_of_their_own_are_synced_too() {
    let calls = "trace=openat,fsync,write";
    let Some(text) = traced("large", calls) else {
        return;
    };
    let mut unsynced = BTreeSet::new();
    let mut made = 0;
    for line in text.lines() {
        if line.contains("O_CREAT") && line.contains("/blobs/") {
            made += 1;
            unsynced.extend(blob_name(line));
        } else if line.contains("fsync(") {
            if let Some(name) = blob_name(line) {
                unsynced.remove(&name);
            }
        } else if is_acknowledgement(line) {
            assert!(
                unsynced.is_empty(),
                "{unsynced:?} not synced before: {line}"
            );
        }
    }
    assert!(
        made > 0,
        "no large node was made: the test tests nothing\n{text}"
    );
}

fn blob_name(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("/blobs/")?;
    Some(rest.chars().take_while(char::is_ascii_digit).collect())
}

/// A small file system of its own, where this process may mount one.
struct Mount(tempfile::TempDir);

impl Mount {
    fn tmpfs(options: &str) -> Option<Mount> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Mount(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let done = Command::new("mount")
            .args(["-o", &options])
            .arg(self.path())
            .status()
            .unwrap();
        assert!(done.success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
