//! The real binary: streams, exit statuses, and the main job of the demo.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

/// The binary with a config and a data folder of its own and nothing of this machine's environment.
fn syncline(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
    command
        .env_clear()
        .env("TMPDIR", home)
        .arg("--config")
        .arg(home.join("config.toml"))
        .arg("--data-dir")
        .arg(home.join("data"));
    command
}

fn run(home: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = syncline(home)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn results_go_to_stdout_and_diagnostics_to_stderr() {
    let home = tempfile::tempdir().unwrap();
    for (args, code, out, err) in [
        (&["--version"][..], 0, "syncline 0.", ""),
        (&["init"], 0, "Wrote ", ""),
        (&["init"], 2, "", "stays as it is"),
        (&["bogus"], 2, "", "unrecognized subcommand"),
        (&[], 2, "", "the console needs a terminal"),
        (&["transform", "nope"], 2, "", "nope"),
        (&["doctor"], 5, "", "there is no store"),
        (&["export"], 5, "", "there is no store"),
        (&["import", "/nowhere"], 2, "", "/nowhere"),
        (&["completions", "fish"], 0, "syncline", ""),
        // The starter's secret is a variable that is not set here.
        (&["check"], 2, "", "SYNCLINE_SF_SECRET"),
    ] {
        let ran = run(home.path(), args, b"");
        assert_eq!(
            ran.status.code(),
            Some(code),
            "{args:?}: {}",
            text(&ran.stderr)
        );
        assert!(
            text(&ran.stdout).contains(out) && (ran.stdout.is_empty() || !out.is_empty()),
            "{args:?}"
        );
        assert!(
            text(&ran.stderr).contains(err),
            "{args:?}: {}",
            text(&ran.stderr)
        );
    }
}

#[test]
fn every_problem_of_a_config_is_told_before_anything_is_opened() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join("config.toml"),
        "contry = 1\n[engine]\nslice = 0\n",
    )
    .unwrap();
    let ran = run(home.path(), &["sync"], b"");
    assert_eq!(ran.status.code(), Some(2));
    let err = text(&ran.stderr);
    assert!(
        err.contains("config.toml:1: contry") && err.contains("config.toml:3: engine.slice"),
        "{err}"
    );
    assert!(!home.path().join("data").exists());
}

#[test]
fn a_reader_that_leaves_and_a_full_disk_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let lines = "ABC\n".repeat(50_000);
    let mut child = syncline(home.path())
        .args(["transform", "lowercase"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // It stops reading once nobody listens, so this may fail, and that is right.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let ran = child.wait_with_output().unwrap();
    assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(0), ""));
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let mut child = syncline(home.path())
            .args(["transform", "lowercase"])
            .stdin(Stdio::piped())
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"A\n");
        let ran = child.wait_with_output().unwrap();
        assert_eq!(ran.status.code(), Some(5));
        assert!(text(&ran.stderr).contains("stdout cannot be written"));
    }
}

#[test]
fn the_demo_syncs_everything_and_then_finds_nothing_to_do() {
    let home = tempfile::tempdir().unwrap();
    let ran = run(home.path(), &["demo", "--contacts", "60", "--json"], b"");
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stdout).lines().count(), 1);
    let document: Json = serde_json::from_slice(&ran.stdout).unwrap();
    let [full, again] = document["runs"].as_array().unwrap().as_slice() else {
        panic!("not two runs: {document}");
    };
    assert_eq!(
        (&full["kind"], &again["kind"]),
        (&"full".into(), &"incremental".into())
    );
    let sum = |run: &Json, key: &str| -> u64 {
        let mappings = run["mappings"].as_array().unwrap().iter();
        mappings
            .map(|one| {
                one[key]["salesforce"].as_u64().unwrap() + one[key]["hubspot"].as_u64().unwrap()
            })
            .sum()
    };
    assert!(sum(full, "created") > 0, "{document}");
    for key in ["created", "updated", "archived"] {
        assert_eq!(sum(again, key), 0, "{key}: {document}");
    }
    // What it left can be read, checked and moved without the sandbox.
    let doctor = run(home.path(), &["doctor", "--json"], b"");
    assert_eq!(doctor.status.code(), Some(0), "{}", text(&doctor.stdout));
    let export = run(home.path(), &["export"], b"");
    assert_eq!(export.status.code(), Some(0));
    let other = tempfile::tempdir().unwrap();
    let import = run(other.path(), &["import", "-"], &export.stdout);
    assert_eq!(import.status.code(), Some(0), "{}", text(&import.stderr));
}
