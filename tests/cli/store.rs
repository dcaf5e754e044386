//! The store's upkeep as an operator types it: backups and the way back, compact, forget, a disk without room. The real binary
//! against vendors that this process serves.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::process;
use crate::process::{Desk, Ended, Vendors, files, written};
use serde_json::Value;
use syncline::sandbox::{Options, Side};

const ENGINE: &str = "settle_delay = \"2s\"\nrequest_timeout = \"1s\"";

/// Two vendors and a desk whose first sync is done.
fn synced(contacts: usize) -> (Vendors, Desk) {
    let vendors = Vendors::new(contacts, 1);
    let desk = Desk::at(&vendors, ENGINE);
    let first = desk.run(&["sync", "--yes", "--json"]);
    assert!(matches!(first.code, Some(0 | 1)), "{}", first.err);
    (vendors, desk)
}

fn backups(desk: &Desk) -> Vec<PathBuf> {
    files(&desk.data().join("backups"))
}

fn check(lines: &[Value], name: &str) -> Value {
    let found = lines.iter().find(|line| line["check"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {lines:?}"))
        .clone()
}

fn calls(vendors: &Vendors) -> u64 {
    [Side::Salesforce, Side::HubSpot]
        .map(|side| vendors.stats(side)["total_calls"].as_u64().unwrap())
        .iter()
        .sum()
}

#[test]
fn a_run_leaves_a_backup_and_an_operator_goes_back_to_it() {
    let (vendors, desk) = synced(30);
    let kept = backups(&desk);
    assert_eq!(kept.len(), 1, "{kept:?}");
    desk.run(&["sync", "--json"]);
    assert_eq!(backups(&desk), kept, "one a day");
    let line = check(&desk.run(&["doctor", "--json"]).ends(0).lines(), "backups");
    assert_eq!(
        (line["state"].as_str(), line["subject"].as_str()),
        (Some("ok"), kept[0].to_str())
    );
    let conflicts = |desk: &Desk| desk.run(&["conflicts", "--json"]).ends(0).out;
    let before = conflicts(&desk);
    let plan = desk.dir.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    desk.run(&["preview", "--out", plan]).ends(0);

    // The store is damaged beyond what its log can mend; where it is cut later, all that is alive may lie before the cut.
    let db = desk.data().join("store/db");
    let file = std::fs::OpenOptions::new().write(true).open(&db).unwrap();
    file.set_len(512).unwrap();
    let refused = desk.run(&["conflicts"]).ends(5);
    assert!(
        refused.err.contains("syncline import --newest-backup"),
        "{}",
        refused.err
    );
    let asks = desk.run(&["import", "--newest-backup"]).ends(4);
    assert!(asks.err.contains("--yes"), "{}", asks.err);
    let done = desk
        .run(&["import", "--newest-backup", "--yes", "--json"])
        .ends(0)
        .document();
    let aside = done["aside"].as_str().unwrap();
    assert!(Path::new(aside).is_dir(), "{done}");
    assert_eq!(done["backup"].as_str(), kept[0].to_str());
    assert_eq!(conflicts(&desk), before);
    desk.run(&["doctor"]).ends(0);
    let refused = desk.run(&["apply", plan]).ends(2);
    assert!(refused.err.contains("was restored"), "{}", refused.err);
    let asked = desk.run(&["sync", "--yes", "--json"]).ends(4).document();
    assert_eq!(asked["valve"], "restored", "{asked}");
    let hash = asked["confirm"].as_str().unwrap();
    let run = desk.run(&["sync", "--json", "--confirm", hash]).document();
    assert_eq!(written(&run), 0, "{run}");

    for file in backups(&desk) {
        std::fs::write(file, "{}\n").unwrap();
    }
    desk.run(&["import", "--newest-backup", "--yes"]).ends(5);
    let line = check(&desk.run(&["doctor", "--json"]).ends(0).lines(), "backups");
    assert_eq!(line["state"], "warn", "{line}");
    drop(vendors);
}

#[test]
fn compact_says_what_it_gave_back_and_changes_nothing() {
    let (vendors, desk) = synced(30);
    let before = desk.run(&["export"]).ends(0).out;
    let done = desk.run(&["compact", "--json"]).ends(0).document();
    assert_eq!(
        done["entries"].as_u64().unwrap(),
        before.lines().count() as u64 - 2
    );
    assert!(
        done["bytes"]["after"].as_u64() <= done["bytes"]["before"].as_u64(),
        "{done}"
    );
    assert_eq!(desk.run(&["export"]).ends(0).out, before);
    let text = desk.run(&["compact"]).ends(0).out;
    assert!(text.contains("bytes") && text.contains("before"), "{text}");
    let run = desk.run(&["sync", "--json"]).document();
    assert_eq!(written(&run), 0, "{run}");
    let empty = Desk::at(&vendors, ENGINE);
    empty.run(&["compact"]).ends(5);
    empty.run(&["import", "--newest-backup"]).ends(5);
}

#[test]
fn a_person_is_forgotten_after_a_question_and_stays_forgotten() {
    let (vendors, desk) = synced(30);
    let journal = desk.run(&["runs", "1", "--json"]).ends(0).document()["journal"].clone();
    let op = journal
        .as_array()
        .unwrap()
        .iter()
        .find(|op| {
            op["kind"] == "create" && op["object"] == "contacts" && op["state"] == "confirmed"
        })
        .expect("a contact was made");
    let id = op["record"].as_str().unwrap();
    let email = op["fields"]["email"]["after"].as_str().unwrap();
    let state = desk.run(&["export"]).ends(0).out;
    assert!(state.contains(email));
    let asks = desk.run(&["forget", id]).ends(4);
    assert!(
        asks.out.contains(id) && asks.err.contains("--yes"),
        "{} {}",
        asks.out,
        asks.err
    );
    assert_eq!(
        desk.run(&["export"]).ends(0).out,
        state,
        "a question changes nothing"
    );
    // Copies of the store that were set aside hold it on; a file of such a name is none.
    let copies = [
        "backups/before-v1-20200101T000000Z.jsonl",
        "store-damaged-20200101T000000Z",
        "store-replaced-20200102T000000Z",
    ]
    .map(|name| desk.data().join(name));
    let [backup, damaged, replaced] = &copies;
    std::fs::write(backup, "").unwrap();
    std::fs::create_dir(damaged).unwrap();
    std::fs::create_dir(replaced).unwrap();
    std::fs::write(desk.data().join("store-note"), "").unwrap();
    let done = desk
        .run(&["forget", email, "--yes", "--json"])
        .ends(0)
        .document();
    assert_eq!(
        (done["links"].as_u64(), done["backups"].as_u64()),
        (Some(1), Some(1)),
        "{done}"
    );
    assert_eq!(done["forgotten"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(done["copies"], serde_json::json!(copies), "{done}");
    let after = desk.run(&["export"]).ends(0).out;
    assert!(!after.contains(email), "{email}");
    desk.run(&["doctor"]).ends(0);
    let again = desk.run(&["forget", id, "--yes"]).ends(2);
    assert!(again.err.contains("was forgotten already"), "{}", again.err);
    desk.run(&["forget", "nobody@nowhere.example", "--yes"])
        .ends(2);
    let before = vendors.stats(Side::HubSpot)["records"]["contacts"].clone();
    let run = desk.run(&["sync", "--full", "--json"]).document();
    assert_eq!(written(&run), 0, "{run}");
    assert_eq!(vendors.stats(Side::HubSpot)["records"]["contacts"], before);
    assert!(!desk.run(&["export"]).ends(0).out.contains(email));
    assert!(
        desk.run(&["runs", "1"]).ends(0).out.contains("HS"),
        "its journal still reads"
    );
}

#[test]
fn a_disk_without_room_ends_5_before_the_first_call_and_one_that_fills_up_ends_5_too() {
    let Some(mount) = Mount::tmpfs("size=20m") else {
        println!("skipped: mounting needs more rights");
        return;
    };
    let vendors = Vendors::with(Options {
        contacts: 60,
        seed: 1,
        latency_ms: 60,
        ..Options::default()
    });
    let desk = Desk::at(&vendors, ENGINE);
    let command = |args: &[&str]| {
        let mut command = process::bare();
        command.args(args).arg("--config").arg(desk.config());
        command.arg("--data-dir").arg(mount.0.path().join("data"));
        command.envs(desk.env.clone());
        command
    };
    let refused = Ended::of(command(&["sync", "--yes"]).output().unwrap()).ends(5);
    assert!(
        refused.err.contains("MB free") && refused.err.contains("free some space"),
        "{}",
        refused.err
    );
    assert_eq!(calls(&vendors), 0);
    mount.remount("size=60m");
    let child = command(&["sync", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while calls(&vendors) < 8 {
        assert!(Instant::now() < deadline, "it never called");
        std::thread::sleep(Duration::from_millis(10));
    }
    mount.fill();
    let ended = Ended::of(child.wait_with_output().unwrap()).ends(5);
    assert!(
        ended.out.contains("the store stopped") && ended.out.contains("free some space"),
        "{} {}",
        ended.out,
        ended.err
    );
    mount.remount("size=200m");
    Ended::of(command(&["doctor"]).output().unwrap()).ends(0);
    let run = Ended::of(command(&["sync", "--yes", "--json"]).output().unwrap());
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.err);
    for side in [Side::Salesforce, Side::HubSpot] {
        assert_eq!(vendors.stats(side)["created_twice"], serde_json::json!([]));
    }
}

/// A small file system of its own, where this process may mount one.
struct Mount(tempfile::TempDir);

impl Mount {
    fn tmpfs(options: &str) -> Option<Mount> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Mount(folder))
    }

    fn remount(&self, options: &str) {
        let done = std::process::Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(self.0.path())
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Takes all the room that there is.
    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.0.path().join("others")).unwrap();
        for bytes in [1 << 20, 1 << 12] {
            while file.write_all(&vec![1; bytes]).is_ok() {}
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
    }
}
