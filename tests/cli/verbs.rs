//! The verbs as a user types them: the real binary against vendors that this process serves. Documents, exit status, bad
//! input, streams that are closed, secrets that stay secret.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::process;
use crate::process::{Desk, Ended, Vendors, adds_up, bare, files, written};
use serde_json::{Value, json};
use syncline::sandbox::history::Author;
use syncline::sandbox::{Options, Side};

const ENGINE: &str = "settle_delay = \"2s\"\nrequest_timeout = \"1s\"";

const RUN: &str = "calls expected_calls kind mappings purposes run seconds started_at state";
const MAPPING: &str = "archived conflicts created errors excluded held linked mapping merged open read review \
                       unchanged unlinked_errors updated updated_links";
const CONFLICT: &str = "base field hubspot id kind mapping salesforce state suggest";
const REVIEW: &str = "candidates field hubspot id kind mapping salesforce state";
const ERROR: &str =
    "category first_seen id last_seen mapping message next object record run side tries vendor";
const OP: &str = "fields kind mapping object op record rule side";
const CHECK: &str = "check message next state subject";

/// The keys of a document, sorted.
fn keys(value: &Value) -> String {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys.join(" ")
}

/// Every one of `words` is a key of the document.
#[track_caller]
fn has(value: &Value, words: &str) {
    for word in words.split(' ') {
        assert!(value.get(word).is_some(), "no {word} in {value}");
    }
}

/// Two vendors and a desk whose first sync is done.
fn synced(contacts: usize) -> (Vendors, Desk) {
    let vendors = Vendors::new(contacts, 1);
    let desk = Desk::at(&vendors, ENGINE);
    let first = desk.run(&["sync", "--yes", "--json"]);
    let state = first.document()["state"].clone();
    // A small world may have nothing that waits for a person.
    first.ends(i32::from(state != "done"));
    (vendors, desk)
}

#[test]
fn the_demo_prints_one_document_whose_counts_add_up() {
    let from = Instant::now();
    let output = bare()
        .args(["demo", "--json", "--contacts", "300"])
        .output()
        .unwrap();
    let ended = Ended::of(output).ends(0);
    println!("demo of 300 contacts: {:.1?}", from.elapsed());
    let document = ended.document();
    assert_eq!(keys(&document), "runs");
    let runs = document["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, kind) in runs.iter().zip(["full", "incremental"]) {
        assert_eq!(keys(run), RUN);
        assert_eq!(run["kind"], kind);
        for mapping in run["mappings"].as_array().unwrap() {
            assert_eq!(keys(mapping), MAPPING);
            adds_up(mapping, kind == "full");
        }
        let purposes = run["purposes"].as_object().unwrap();
        for side in ["salesforce", "hubspot"] {
            let sum: u64 = purposes
                .values()
                .map(|one| one[side].as_u64().unwrap())
                .sum();
            assert_eq!(run["calls"][side], sum, "{run}");
        }
    }
    assert!(written(&runs[0]) > 0);
    assert_eq!(written(&runs[1]), 0, "{}", runs[1]);
    assert!(
        ended.err.lines().count() >= 4,
        "progress lines go to stderr: {:?}",
        ended.err
    );
}

#[test]
fn a_demo_without_json_ends_in_a_table_and_keeps_an_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    for _ in 0..2 {
        let mut command = bare();
        command
            .args(["demo", "--contacts", "40", "--data-dir"])
            .arg(&data);
        let ended = Ended::of(command.output().unwrap()).ends(0);
        assert!(
            ended.out.contains("mapping") && ended.out.contains("contacts"),
            "{}",
            ended.out
        );
        assert!(
            !ended.out.contains('\u{1b}'),
            "colour where there is no terminal"
        );
    }
    std::fs::write(folder.path().join("letter"), "x").unwrap();
    let mut command = bare();
    command
        .args(["demo", "--contacts", "40", "--data-dir"])
        .arg(folder.path());
    Ended::of(command.output().unwrap()).ends(2);
}

#[test]
fn a_fault_free_demo_takes_the_calls_that_the_formula_says() {
    let output = bare()
        .args(["demo", "--json", "--contacts", "300"])
        .output()
        .unwrap();
    let document = Ended::of(output).ends(0).document();
    let runs = document["runs"].as_array().unwrap();
    // A field that is refused costs its record another round in a first sync: at most a write and a read-back a mapping.
    for side in ["salesforce", "hubspot"] {
        let (calls, expected) = (&runs[0]["calls"][side], &runs[0]["expected_calls"][side]);
        assert!(
            calls.as_u64() <= expected.as_u64().map(|calls| calls + 4),
            "{side}: {}",
            runs[0]
        );
    }
    assert_eq!(runs[1]["calls"], runs[1]["expected_calls"], "{}", runs[1]);
}

#[test]
fn lists_and_documents_have_the_keys_that_are_promised() {
    let (_vendors, desk) = synced(150);
    let second = desk.run(&["sync", "--json"]).ends(1).document();
    assert_eq!(keys(&second), RUN);
    assert_eq!(written(&second), 0, "{second}");

    let runs = desk.run(&["runs", "--json"]).ends(0).lines();
    assert_eq!(
        runs.iter()
            .map(|run| run["run"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(keys(&runs[0]), RUN);
    let first = desk.run(&["runs", "1", "--json"]).ends(0).document();
    assert_eq!(
        keys(&first),
        format!(
            "{} {}",
            "calls expected_calls journal kind mappings purposes run", "seconds started_at state"
        )
    );
    let journal = first["journal"].as_array().unwrap();
    assert!(!journal.is_empty());
    for op in journal {
        has(op, OP);
        has(op, "run state");
        for change in op["fields"].as_object().unwrap().values() {
            assert_eq!(keys(change), "after before");
        }
    }
    assert!(desk.run(&["runs", "1"]).ends(0).out.contains("HS"));
    desk.run(&["runs", "99"]).ends(2);

    let conflicts = desk.run(&["conflicts", "--json"]).ends(0).lines();
    assert!(!conflicts.is_empty());
    for item in &conflicts {
        let field = item["kind"] == "field";
        assert_eq!(keys(item), if field { CONFLICT } else { REVIEW }, "{item}");
        assert_eq!(keys(&item["salesforce"]), "id modified_at value");
        assert_eq!(item["id"].as_str().unwrap().len(), 32);
        for candidate in item["candidates"].as_array().into_iter().flatten() {
            assert_eq!(keys(candidate), "id object side why");
        }
    }
    let only = desk
        .run(&["conflicts", "--json", "--kind", "field"])
        .ends(0)
        .lines();
    assert!(!only.is_empty() && only.iter().all(|item| item["kind"] == "field"));
    desk.run(&["conflicts", "--kind", "no-such"]).ends(2);

    let errors = desk.run(&["errors", "--json"]).ends(0).lines();
    assert!(!errors.is_empty());
    for item in &errors {
        assert_eq!(keys(item), ERROR);
        if !item["vendor"].is_null() {
            assert_eq!(keys(&item["vendor"]), "code request_id status text");
        }
        assert!(
            !item["next"].as_str().unwrap().is_empty(),
            "an error says what to do: {item}"
        );
    }
    let category = errors[0]["category"].as_str().unwrap();
    let same = desk
        .run(&["errors", "--json", "--category", category])
        .ends(0)
        .lines();
    assert!(!same.is_empty() && same.iter().all(|item| item["category"] == category));
    desk.run(&["errors", "--category", "bad luck"]).ends(2);

    let id = first["journal"][0]["record"].as_str().unwrap();
    let record = desk.run(&["record", id, "--json"]).ends(0).document();
    has(&record, "why mapping link scope fields pending journal");
    assert!(!record["why"].as_str().unwrap().is_empty());
    for field in record["fields"].as_array().unwrap() {
        has(field, "salesforce hubspot base rule verdict");
    }
    let text = desk.run(&["record", id]).ends(0).out;
    assert!(text.contains(id), "{text}");
    desk.run(&["record", "nobody@nowhere.example"]).ends(2);

    let preview = desk
        .run(&["preview", "--full", "--limit", "2", "--json"])
        .ends(0)
        .document();
    has(&preview, "kind calls plan_hash valves forecast mappings");
    assert_eq!(keys(&preview["forecast"]), "calls seconds");
    for mapping in preview["mappings"].as_array().unwrap() {
        has(mapping, "mapping would samples");
        assert!(mapping["samples"].as_array().unwrap().len() <= 2);
        assert_eq!(
            format!("mapping {}", keys(&mapping["would"]))
                .split(' ')
                .count(),
            MAPPING.split_whitespace().count()
        );
    }
    desk.run(&["preview", "--strict"]).ends(1);
    desk.run(&["preview", "no-such-mapping"]).ends(2);

    for line in desk.run(&["check", "--json"]).ends(0).lines() {
        assert_eq!(keys(&line), CHECK);
    }
    for line in desk.run(&["doctor", "--json"]).ends(0).lines() {
        assert_eq!(keys(&line), CHECK);
        assert_eq!(line["state"], "ok", "{line}");
    }
}

#[test]
fn a_preview_writes_nothing_and_foresees_the_run() {
    let vendors = Vendors::new(100, 3);
    let desk = Desk::at(&vendors, ENGINE);
    let preview = desk.run(&["preview", "--json"]).ends(0).document();
    let before = [Side::Salesforce, Side::HubSpot].map(|side| vendors.stats(side));
    for stats in &before {
        assert!(
            stats["created"]
                .as_object()
                .unwrap()
                .values()
                .all(|made| made["api"] == 0)
        );
    }
    let run = desk.run(&["sync", "--yes", "--json"]).ends(1).document();
    let pairs = preview["mappings"]
        .as_array()
        .unwrap()
        .iter()
        .zip(run["mappings"].as_array().unwrap());
    for (would, did) in pairs {
        for name in ["read", "linked"] {
            assert_eq!(would["would"][name], did[name], "{name}: {would} {did}");
        }
        // Only what a vendor's own rules refuse cannot be foreseen.
        let created = |counts: &Value| {
            counts["created"]["salesforce"].as_u64().unwrap()
                + counts["created"]["hubspot"].as_u64().unwrap()
        };
        let refused = did["errors"].as_u64().unwrap() + did["review"].as_u64().unwrap();
        let (would, did) = (created(&would["would"]), created(did));
        assert!(
            did <= would && would <= did + refused,
            "{would} {did} {refused}"
        );
    }
}

#[test]
fn every_choice_is_taken_all_or_none_and_the_next_run_sends_it() {
    let (vendors, desk) = synced(300);
    let open = |kind: &str| -> Vec<Value> {
        let lines = desk.run(&["conflicts", "--json"]).ends(0).lines();
        lines
            .into_iter()
            .filter(|item| {
                (item["kind"] == "field") == (kind == "field") && item["state"] == "open"
            })
            .collect()
    };
    let fields = open("field");
    assert!(
        fields.len() >= 4,
        "the world has conflicts: {}",
        fields.len()
    );
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();

    // No base at a first sync: refused, and with it the item that would have fitted.
    let refused = desk
        .run(&["resolve", &id(&fields[0]), "--take", "base"])
        .ends(2);
    assert!(
        refused.err.contains(&id(&fields[0])[..8]),
        "{}",
        refused.err
    );
    let reviews = open("review");
    if let Some(review) = reviews.first() {
        desk.run(&["resolve", &id(&fields[0]), &id(review), "--take", "hubspot"])
            .ends(2);
        assert_eq!(open("field").len(), fields.len(), "none was taken");
        desk.run(&["resolve", &id(review), "--ignore", "--json"])
            .ends(0);
    }
    desk.run(&["resolve", "123456", "--take", "newest"]).ends(2);
    desk.run(&["resolve", "xyz", "--take", "newest"]).ends(2);
    desk.run(&["resolve", &id(&fields[0])]).ends(2);
    desk.run(&["resolve", &id(&fields[0]), "--link", "1"])
        .ends(2);

    // One of each; a prefix of eight digits does.
    let choices: [&[&str]; 4] = [
        &["--take", "salesforce"],
        &["--take", "hubspot"],
        &["--take", "newest"],
        &["--value", "Decided by hand"],
    ];
    let textual = |item: &Value| item["field"] == "Title";
    let (by_hand, others): (Vec<&Value>, Vec<&Value>) =
        fields.iter().partition(|item| textual(item));
    let by_hand = by_hand.first().copied();
    let mut taken = Vec::new();
    for (choice, item) in choices[..3].iter().zip(
        others.iter().copied().chain(
            fields
                .iter()
                .filter(|item| Some(*item) != by_hand && textual(item)),
        ),
    ) {
        let mut args = vec!["resolve", &item["id"].as_str().unwrap()[..8], "--json"];
        args.extend(*choice);
        let document = desk.run(&args).ends(0).document();
        assert_eq!(document["resolved"], 1, "{document}");
        taken.push((item.clone(), choice[1]));
    }
    if let Some(item) = by_hand {
        let mut args = vec!["resolve", item["id"].as_str().unwrap()];
        args.extend(choices[3]);
        desk.run(&args).ends(0);
    }
    let run = desk.run(&["sync", "--json"]);
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.err);
    assert!(written(&run.document()) > 0, "{}", run.out);
    let left = open("field");
    for (item, _) in &taken {
        assert!(
            left.iter().all(|other| other["id"] != item["id"]),
            "still open: {item}"
        );
    }
    if let Some(item) = by_hand {
        let history = |side: Side, object: &str, id: &str| {
            let sandbox = vendors.running.sandbox();
            match side {
                Side::Salesforce => sandbox.org.history(object, id).cloned(),
                Side::HubSpot => sandbox.portal.history(object, id).cloned(),
            }
        };
        let contact = item["hubspot"]["id"].as_str().unwrap();
        let versions = history(Side::HubSpot, "contacts", contact)
            .unwrap()
            .versions;
        let title = versions.iter().rev().find_map(|one| one.value("jobtitle"));
        assert_eq!(title, Some("Decided by hand"));
    }
    let all = desk
        .run(&[
            "resolve", "--all", "--kind", "field", "--take", "newest", "--json",
        ])
        .ends(0)
        .document();
    assert_eq!(all["resolved"], left.len() as u64, "{all}");
}

#[test]
fn a_retry_names_what_it_frees_and_now_runs_just_that() {
    let (_vendors, desk) = synced(200);
    let errors = desk.run(&["errors", "--json"]).ends(0).lines();
    let id = &errors[0]["id"].as_str().unwrap()[..8];
    assert_eq!(
        desk.run(&["retry", id, "--json"]).ends(0).document(),
        json!({"retried": 1})
    );
    desk.run(&["retry", "00000000"]).ends(2);
    desk.run(&["retry"]).ends(2);
    let run = desk
        .run(&["retry", "--all", "--now", "--json"])
        .ends(1)
        .document();
    assert_eq!(keys(&run), RUN);
    let again = desk.run(&["errors", "--json"]).ends(0).lines();
    let tries = |lines: &[Value]| {
        lines
            .iter()
            .map(|one| one["tries"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert!(tries(&again) > tries(&errors), "{again:?}");
}

#[test]
fn an_export_comes_back_whole_by_import() {
    let (vendors, desk) = synced(60);
    let exported = desk.run(&["export"]).ends(0).out;
    let file = desk.dir.path().join("backup.jsonl");
    let name = file.to_str().unwrap();
    desk.run(&["export", name]).ends(0);
    let lines = |text: &str| text.lines().count();
    assert!(lines(&exported) > 100);
    assert_eq!(
        lines(&std::fs::read_to_string(&file).unwrap()),
        lines(&exported)
    );

    let other = Desk::at(&vendors, ENGINE);
    other
        .run_with_input(&["import", "-"], exported.as_bytes())
        .ends(0);
    other.run(&["import", name]).ends(5);
    other.run(&["doctor"]).ends(0);
    let conflicts = |desk: &Desk| desk.run(&["conflicts", "--json"]).ends(0).out;
    assert_eq!(conflicts(&desk), conflicts(&other));
    // A store that was brought in may be older than the sides are: its first plan is confirmed, and it is empty.
    let asked = other.run(&["sync", "--yes", "--json"]).ends(4).document();
    assert_eq!(asked["valve"], "restored", "{asked}");
    let hash = asked["confirm"].as_str().unwrap();
    let run = other.run(&["sync", "--json", "--confirm", hash]);
    assert!(
        matches!(run.code, Some(0 | 1)),
        "{:?} {}",
        run.code,
        run.err
    );
    assert_eq!(
        written(&run.document()),
        0,
        "the same state: nothing to write"
    );

    let third = Desk::at(&vendors, ENGINE);
    let half = &exported[..exported.len() / 2];
    let torn = third.run_with_input(&["import", "-"], half.as_bytes());
    assert!(
        matches!(torn.code, Some(2 | 5)),
        "{:?} {}",
        torn.code,
        torn.err
    );
    third.run(&["import", "/no/such/file"]).ends(2);
}

#[test]
fn transforms_completions_and_init_need_no_vendor() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("new").join("config.toml");
    let mut init = bare();
    init.arg("init").arg("--config").arg(&config);
    Ended::of(init.output().unwrap()).ends(0);
    let text = std::fs::read_to_string(&config).unwrap();
    let mut again = bare();
    again.arg("init").arg("--config").arg(&config);
    Ended::of(again.output().unwrap()).ends(2);
    assert_eq!(
        std::fs::read_to_string(&config).unwrap(),
        text,
        "it stays as it is"
    );

    let desk = Desk::new("");
    let input = b"(415) 555-2671\nnonsense\n\xff\n030 901820\tDE\n";
    let ended = desk
        .run_with_input(&["transform", "phone_e164", "country=US", "--json"], input)
        .ends(0);
    let lines = ended.lines();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| keys(line) == "error in out"));
    assert_eq!(lines[0]["out"], "+14155552671");
    assert!(lines[1]["out"].is_null() && lines[1]["error"].is_string());
    assert_eq!(lines[3]["out"], "+4930901820");
    let plain = desk
        .run_with_input(&["transform", "lowercase"], b"ANNA@EXAMPLE.org\r\n")
        .ends(0);
    assert_eq!(plain.out, "anna@example.org\n");
    let unknown = desk.run_with_input(&["transform", "lowercas"], b"").ends(2);
    assert!(unknown.err.contains("lowercase"), "{}", unknown.err);

    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = Ended::of(bare().args(["completions", shell]).output().unwrap()).ends(0);
        assert!(ended.out.contains("syncline"), "{shell}");
    }
    Ended::of(bare().args(["completions", "tcsh"]).output().unwrap()).ends(2);
    Ended::of(bare().arg("--help").output().unwrap()).ends(0);
    Ended::of(bare().arg("--version").output().unwrap()).ends(0);
    Ended::of(bare().arg("frobnicate").output().unwrap()).ends(2);
    // The console without a terminal names what works without one.
    let console = desk.run(&[]).ends(2);
    assert!(console.err.contains("syncline sync"), "{}", console.err);
}

#[test]
fn a_wrong_config_ends_2_with_line_and_remedy() {
    let vendors = Vendors::new(20, 1);
    let good = vendors.config(ENGINE);
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "direction = \"both\"",
            "directoin = \"both\"",
            &["directoin", "direction", "syncline.toml:"],
        ),
        (
            "\"phone_e164\"",
            "\"phone_e165\"",
            &["phone_e165", "phone_e164", "syncline.toml:"],
        ),
        (
            "settle_delay = \"2s\"",
            "settle_delay = \"soon\"",
            &["settle_delay"],
        ),
        ("[[mapping]]", "[[mapping", &["syncline.toml"]),
    ];
    for (right, wrong, words) in cases {
        assert!(good.contains(right), "{right}");
        let mut desk = Desk::at(&vendors, ENGINE);
        let line = good.lines().position(|line| line.contains(right)).unwrap() + 1;
        std::fs::write(desk.config(), good.replacen(right, wrong, 1)).unwrap();
        let ended = desk.run(&["sync", "--yes"]).ends(2);
        for word in words {
            assert!(ended.err.contains(word), "{word}: {}", ended.err);
        }
        assert!(
            ended.err.contains(&line.to_string()),
            "line {line}: {}",
            ended.err
        );
        desk.env.clear();
    }
    let mut desk = Desk::at(&vendors, ENGINE);
    desk.env.retain(|(name, _)| name != process::HUBSPOT_TOKEN);
    let ended = desk.run(&["sync", "--yes"]).ends(2);
    assert!(ended.err.contains(process::HUBSPOT_TOKEN), "{}", ended.err);
    let mut gone = bare();
    gone.args(["sync", "--config", "/no/such/file.toml", "--data-dir"])
        .arg(desk.data());
    let ended = Ended::of(gone.output().unwrap()).ends(2);
    assert!(ended.err.contains("/no/such/file.toml"), "{}", ended.err);
}

#[test]
fn a_field_that_a_side_lacks_is_named_with_the_nearest_and_halts_its_mapping_alone() {
    let vendors = Vendors::new(20, 1);
    let desk = Desk::at(&vendors, ENGINE);
    let text = std::fs::read_to_string(desk.config()).unwrap();
    std::fs::write(
        desk.config(),
        text.replace("hubspot = \"jobtitle\"", "hubspot = \"jobtitel\""),
    )
    .unwrap();
    let checks = desk.run(&["check", "--json"]).ends(1).lines();
    let failed: Vec<&Value> = checks
        .iter()
        .filter(|line| line["state"] == "fail")
        .collect();
    assert_eq!(failed.len(), 1);
    let message = failed[0]["message"].as_str().unwrap();
    assert!(
        message.contains("jobtitel") && message.contains("jobtitle"),
        "{message}"
    );
    let run = desk.run(&["sync", "--yes", "--json"]).ends(2);
    assert_eq!(run.document()["state"], "halted");
    let mut contacts = run.document();
    let rows = contacts["mappings"].as_array_mut().unwrap();
    rows.retain(|row| row["mapping"] == "contacts");
    assert_eq!(written(&contacts), 0);
    assert!(written(&run.document()) > 0, "the accounts go on");
}

#[test]
fn vendors_that_do_not_answer_refuse_or_talk_nonsense_end_3() {
    let vendors = Vendors::new(20, 1);
    let mut desk = Desk::at(&vendors, ENGINE);
    let right = desk.env.clone();
    for (name, _) in &right {
        desk.env = right.clone();
        desk.env
            .iter_mut()
            .filter(|one| one.0 == *name)
            .for_each(|one| one.1 = "wrong-secret-zz".into());
        let ended = desk.run(&["sync", "--yes"]).ends(3);
        assert!(!format!("{}{}", ended.out, ended.err).contains("wrong-secret-zz"));
        desk.run(&["check"]).ends(1);
    }
    desk.env = right;

    // A captive portal: HTML where JSON should be.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let _ = stream.read(&mut [0; 8192]);
                let page = "<html><body>Please log in to the hotel network</body></html>";
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                    page.len()
                );
            });
        }
    });
    let good = std::fs::read_to_string(desk.config()).unwrap();
    for side in [
        &vendors.running.salesforce.url,
        &vendors.running.hubspot.url,
    ] {
        std::fs::write(desk.config(), good.replace(side.as_str(), &url)).unwrap();
        let ended = desk.run(&["sync", "--yes", "--json"]).ends(3);
        assert_eq!(ended.document()["state"], "halted", "{}", ended.out);
    }
    std::fs::write(desk.config(), &good).unwrap();
    vendors.running.stop();
    let ended = desk.run(&["sync", "--yes"]).ends(3);
    assert!(
        format!("{}{}", ended.out, ended.err).contains("127.0.0.1"),
        "{}",
        ended.err
    );
}

#[test]
fn a_tripped_valve_ends_4_and_its_hash_lets_exactly_that_plan_through() {
    let (vendors, desk) = synced(60);
    {
        let now = vendors.clock.now();
        let mut sandbox = vendors.running.sandbox();
        for number in 0..150 {
            let values = BTreeMap::from([
                ("LastName".to_owned(), Some(format!("Newcomer {number}"))),
                (
                    "Email".to_owned(),
                    Some(format!("newcomer{number}@valve.example")),
                ),
            ]);
            sandbox
                .org
                .insert(now, &Author::Colleague("hr".into()), "Contact", values)
                .unwrap();
        }
    }
    std::thread::sleep(Duration::from_millis(50));
    // A hash that nobody knows stops the run like the valve, and lets nothing through.
    let unknown = "0123456789abcdef0123456789abcdef";
    let other = desk.run(&["sync", "--json", "--confirm", unknown]).ends(4);
    assert_eq!(written(&other.document()), 0);
    let halted = desk.run(&["sync", "--json"]).ends(4).document();
    assert_eq!(halted["state"], "halted", "{halted}");
    assert_eq!(halted["valve"], "max_creates");
    assert_eq!(written(&halted), 0);
    desk.run(&["sync", "--confirm", "0000"]).ends(2);
    let hash = halted["confirm"].as_str().unwrap();
    let run = desk
        .run(&["sync", "--json", "--confirm", hash])
        .ends(1)
        .document();
    assert_eq!(run["mappings"][1]["created"]["hubspot"], 150, "{run}");
}

#[test]
fn the_hash_that_a_preview_shows_lets_its_plan_through() {
    let vendors = Vendors::with(Options {
        contacts: 60,
        seed: 1,
        ..Options::default()
    });
    let desk = Desk::at(&vendors, "");
    let shown = desk.run(&["preview", "--json"]).document();
    let hash = shown["plan_hash"].as_str().unwrap();
    let run = desk.run(&["sync", "--json", "--confirm", hash]).document();
    assert!(written(&run) > 0, "{run}");
    let again = desk.run(&["sync", "--json"]).document();
    assert_eq!(
        (again["valve"].as_str(), written(&again)),
        (None, 0),
        "{again}"
    );
}

#[test]
fn a_second_process_and_an_unusable_folder_end_5() {
    let vendors = Vendors::with(Options {
        contacts: 60,
        seed: 1,
        latency_ms: 400,
        ..Options::default()
    });
    let desk = Desk::at(&vendors, ENGINE);
    let child = desk
        .command(&["sync", "--yes", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while vendors.stats(Side::HubSpot)["total_calls"] == 0 {
        assert!(Instant::now() < deadline, "the first process never called");
        std::thread::sleep(Duration::from_millis(20));
    }
    for verb in [
        &["conflicts"][..],
        &["sync", "--yes"],
        &["doctor"],
        &["export"],
    ] {
        let ended = desk.run(verb).ends(5);
        assert!(
            ended.err.contains(&child.id().to_string()),
            "names the holder: {}",
            ended.err
        );
    }
    // SIGTERM: it comes to an orderly end and says so by its status.
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let ended = Ended::of(child.wait_with_output().unwrap()).ends(143);
    assert_eq!(ended.document()["state"], "cancelled", "{}", ended.out);
    desk.run(&["doctor"]).ends(0);

    // Below a file there is no folder; permissions would not stop root.
    let mut command = bare();
    command.args(["runs", "--config"]).arg(desk.config());
    command
        .arg("--data-dir")
        .arg(desk.config().join("data"))
        .envs(desk.env.clone());
    let ended = Ended::of(command.output().unwrap()).ends(5);
    assert!(ended.err.contains("--data-dir"), "{}", ended.err);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let (_vendors, desk) = synced(60);
    for args in [
        &["export"][..],
        &["runs", "1", "--json"],
        &["conflicts", "--json"],
        &["errors"],
        &["--help"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = desk
            .command(args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert!(ended.code.is_some(), "{args:?} was ended by a signal");
        assert!(!ended.err.contains("panicked"), "{args:?}: {}", ended.err);
    }
}

#[test]
fn a_read_only_sync_is_refused_with_the_reason() {
    let vendors = Vendors::new(20, 1);
    let desk = Desk::at(&vendors, ENGINE);
    let ended = desk.run(&["sync", "--yes", "--read-only"]).ends(2);
    assert!(ended.err.contains("read-only"), "{}", ended.err);
}

#[test]
fn secrets_are_in_no_output_no_log_and_no_store() {
    let (vendors, mut desk) = synced(40);
    desk.env.push(("SYNCLINE_LOG".into(), "trace".into()));
    let secrets = [
        vendors.running.salesforce.client_secret.clone(),
        vendors.running.hubspot.access_token.clone(),
        vendors.running.salesforce.access_token.clone(),
    ];
    let mut said = String::new();
    for args in [
        &["sync", "--full", "--yes"][..],
        &["check"],
        &["runs", "1"],
        &["errors", "--json"],
        &["export"],
        &["preview", "--json"],
    ] {
        let ended = desk.run(args);
        said.push_str(&ended.out);
        said.push_str(&ended.err);
    }
    desk.env[0].1 = format!("{}x", desk.env[0].1);
    let refused = desk.run(&["sync", "--yes"]);
    said.push_str(&refused.err);
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "printed");
    }
    let written = files(&desk.data());
    let logs = written
        .iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "logs"))
        .count();
    assert!(logs > 0, "no log file was written");
    for path in written {
        let bytes = std::fs::read(&path).unwrap();
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {}", path.display());
        }
    }
}

/// Somebody changes a field of Salesforce contacts that are linked, here and now.
fn retitle(vendors: &Vendors, ids: &[String], title: &str) {
    let now = vendors.clock.now();
    let mut sandbox = vendors.running.sandbox();
    for id in ids {
        let values = BTreeMap::from([("Title".to_owned(), Some(format!("{title} {id}")))]);
        let author = Author::Colleague("hr".into());
        sandbox
            .org
            .edit(now, &author, "Contact", id, values)
            .unwrap();
    }
}

/// Salesforce contacts that a sync of an edit writes to HubSpot for.
fn linked(vendors: &Vendors, count: usize) -> Vec<String> {
    let sandbox = vendors.running.sandbox();
    let mut ids = sandbox.org.ids("Contact");
    ids.retain(|id| {
        let value = |field| sandbox.org.value("Contact", id, field);
        value("Syncline_HubSpot_Id__c").is_some() && value("Title").is_some()
    });
    ids.truncate(count);
    ids
}

#[test]
fn a_run_is_undone_from_the_command_line_after_a_forecast_that_asks() {
    let (vendors, desk) = synced(60);
    let ids = linked(&vendors, 3);
    retitle(&vendors, &ids, "Chief");
    std::thread::sleep(Duration::from_millis(50));
    let run = desk.run(&["sync", "contacts", "--json"]);
    let run = run.document()["run"].as_u64().unwrap().to_string();
    let forecast = desk
        .run(&["undo", &run, "--preview", "--json"])
        .ends(0)
        .document();
    assert_eq!(
        keys(&forecast),
        "calls forecast kind left_out mappings purposes undoes"
    );
    let would = &forecast["mappings"][0]["would"];
    assert_eq!(
        would["updated"],
        json!({"salesforce": 0, "hubspot": 3}),
        "{forecast}"
    );
    // Off a terminal it shows the same and asks; nothing is written.
    let asked = desk.run(&["undo", &run]).ends(4);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert!(asked.out.contains("put back"), "{}", asked.out);
    // One of the three moves on in HubSpot.
    let moved = {
        let now = vendors.clock.now();
        let mut sandbox = vendors.running.sandbox();
        let id = sandbox
            .org
            .value("Contact", &ids[0], "Syncline_HubSpot_Id__c")
            .unwrap();
        let values = BTreeMap::from([("jobtitle".to_owned(), Some("Elsewhere".to_owned()))]);
        let author = Author::Colleague("77".into());
        sandbox
            .portal
            .edit(now, author, "contacts", &id, values)
            .unwrap();
        id
    };
    let undone = desk.run(&["undo", &run, "--yes", "--json"]).document();
    assert_eq!(undone["kind"], "undo");
    assert_eq!(undone["mappings"][0]["updated"]["hubspot"], 2, "{undone}");
    assert_eq!(undone["calls"], undone["expected_calls"], "{undone}");
    let left = undone["left_out"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{undone}");
    assert_eq!(keys(&left[0]), "field mapping object record side why");
    assert_eq!(
        (&left[0]["record"], &left[0]["field"]),
        (&json!(moved), &json!("jobtitle"))
    );
    let listed = desk.run(&["runs"]).ends(0).out;
    assert!(listed.contains(&format!("undo {run}")), "{listed}");
    // Nothing comes back.
    let after = desk.run(&["sync", "contacts", "--json"]).document();
    assert_eq!(after["mappings"][0]["updated"]["hubspot"], 0, "{after}");
    desk.run(&["undo", "999", "--yes"]).ends(2);
    desk.run(&["undo", &run, "--yes", "--read-only"]).ends(2);
}

#[test]
fn a_plan_is_kept_byte_for_byte_and_carried_out_without_what_moved() {
    let (vendors, desk) = synced(60);
    let ids = linked(&vendors, 4);
    retitle(&vendors, &ids, "Chief");
    std::thread::sleep(Duration::from_millis(50));
    let file = |name: &str| desk.dir.path().join(name);
    let (one, two) = (file("one.json"), file("two.json"));
    let preview = desk
        .run(&[
            "preview",
            "--json",
            "--limit",
            "1",
            "--out",
            one.to_str().unwrap(),
        ])
        .ends(0)
        .document();
    std::thread::sleep(Duration::from_millis(1100));
    let said = desk
        .run(&["preview", "--out", two.to_str().unwrap()])
        .ends(0);
    assert!(said.out.contains("syncline apply"), "{}", said.out);
    let text = std::fs::read_to_string(&one).unwrap();
    assert_eq!(text, std::fs::read_to_string(&two).unwrap());
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(plan["plan_hash"], preview["plan_hash"]);
    let ops = plan["ops"].as_array().unwrap();
    assert!(ops.len() >= 4, "{text}");
    has(&ops[0], OP);
    // An edited plan, one of other rules and one of another installation are refused with the reason.
    let edited = file("edited.json");
    std::fs::write(&edited, text.replace("Chief", "Chef")).unwrap();
    let ended = desk.run(&["apply", edited.to_str().unwrap()]).ends(2);
    assert!(
        ended.err.contains("changed after it was made"),
        "{}",
        ended.err
    );
    let config = std::fs::read_to_string(desk.config()).unwrap();
    let other = config.replacen("direction = \"both\"", "direction = \"to_hubspot\"", 1);
    let other = if other == config {
        config.replacen("[[mapping]]\n", "[[mapping]]\ncreates = \"none\"\n", 1)
    } else {
        other
    };
    std::fs::write(desk.config(), other).unwrap();
    let ended = desk.run(&["apply", one.to_str().unwrap()]).ends(2);
    assert!(ended.err.contains("rules of"), "{}", ended.err);
    std::fs::write(desk.config(), &config).unwrap();
    let stranger = Desk::at(&vendors, ENGINE);
    let ended = stranger.run(&["apply", one.to_str().unwrap()]).ends(2);
    assert!(ended.err.contains("another installation"), "{}", ended.err);
    // Two move on: exactly those are left out.
    retitle(&vendors, &ids[..2], "Later");
    let text = std::fs::read(&one).unwrap();
    let ended = desk.run_with_input(&["apply", "-", "--json"], &text);
    let run = ended.document();
    assert_eq!(run["kind"], "apply", "{run}");
    let left: std::collections::BTreeSet<&str> = run["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["record"].as_str().unwrap())
        .collect();
    let sandbox = vendors.running.sandbox();
    let hubspot = |id: &String| {
        sandbox
            .org
            .value("Contact", id, "Syncline_HubSpot_Id__c")
            .unwrap()
    };
    let moved: Vec<String> = ids[..2].iter().map(hubspot).collect();
    assert_eq!(left, moved.iter().map(String::as_str).collect(), "{run}");
    for id in &ids {
        let title = sandbox.portal.value("contacts", &hubspot(id), "jobtitle");
        let want = format!("Chief {id}");
        assert_eq!(title == Some(want), !ids[..2].contains(id));
    }
}

/// Why a record did not sync, its verdict on one field, and the words on the terminal.
fn why(desk: &Desk, query: &str, field: &str) -> (String, String) {
    let record = desk.run(&["record", query, "--json"]).ends(0).document();
    let text = desk.run(&["record", query]).ends(0).out;
    let why = record["why"].as_str().unwrap().to_owned();
    assert!(text.starts_with(&why), "{text}");
    let fields = record["fields"].as_array().unwrap();
    let verdict = fields
        .iter()
        .find(|one| one["names"]["salesforce"] == field)
        .map_or("", |one| one["verdict"].as_str().unwrap());
    (why, verdict.to_owned())
}

#[test]
fn a_record_is_found_by_id_address_or_name_and_tells_why_it_did_not_sync() {
    let (vendors, desk) = synced(60);
    let id = &linked(&vendors, 1)[0];
    let value = |field: &str| {
        let sandbox = vendors.running.sandbox();
        sandbox.org.value("Contact", id, field).unwrap()
    };
    let (email, hubspot) = (value("Email"), value("Syncline_HubSpot_Id__c"));
    let name = format!("{} {}", value("FirstName"), value("LastName"));
    let (said, verdict) = why(&desk, id, "Title");
    assert!(said.starts_with("It is in step"), "{said}");
    assert_eq!(verdict, "equal");

    // An edit that no run has seen.
    retitle(&vendors, std::slice::from_ref(id), "Chief");
    for query in [id.as_str(), &id[..15], email.as_str()] {
        let (said, verdict) = why(&desk, query, "Title");
        assert!(
            said.starts_with(
                "Title has changed and is not sent yet; the next run writes it to HubSpot."
            ),
            "{query}: {said}"
        );
        assert_eq!(verdict, "would go to HubSpot");
    }
    // A name, and an id that another object may have too, may be those of several.
    for query in [name.as_str(), hubspot.as_str()] {
        let lines = desk.run(&["record", query, "--json"]).ends(0).lines();
        let mine = |line: &&Value| {
            line["ids"]["salesforce"] == id.as_str() && line["mapping"] == "contacts"
        };
        assert!(lines.iter().any(|line| mine(&line)), "{query}: {lines:?}");
        let names = lines.iter().filter(mine).map(|line| &line["label"]);
        assert!(lines.len() == 1 || names.eq([name.as_str()]), "{lines:?}");
    }
    let one = desk
        .run(&["record", &hubspot, "--mapping", "contacts", "--json"])
        .ends(0)
        .document();
    assert_eq!(one["sides"]["hubspot"]["state"], "live", "{one}");
    assert_eq!(one["scope"]["in"], true, "{one}");

    // A record that no run has read.
    let made = {
        let now = vendors.clock.now();
        let mut sandbox = vendors.running.sandbox();
        let values = [("email", "new@nowhere.example"), ("lastname", "Nobody")];
        let values = values.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        let author = Author::Colleague("77".into());
        sandbox
            .portal
            .insert(now, author, "contacts", values.into())
            .unwrap()
    };
    for query in [made.as_str(), "new@nowhere.example"] {
        let (said, _) = why(&desk, query, "");
        assert!(said.starts_with("No run has read it yet."), "{said}");
    }
    let none = desk.run(&["record", "nobody@elsewhere.example"]).ends(2);
    assert!(none.err.contains("answers to"), "{}", none.err);
}
