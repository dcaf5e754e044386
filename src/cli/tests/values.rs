//! Verbs that need no engine.

use super::*;

fn nothing(_: &Request) -> Reply {
    Reply::Ok
}

#[tokio::test]
async fn transform_gives_the_result_or_the_reason_line_by_line() {
    let input = b"(415) 555-2671\nnope\n\n020 7946 0018\tGB\r\n\xff\xfe\n";
    let json = ran_with(
        "transform phone_e164 country=US --json",
        input,
        false,
        nothing,
    )
    .await;
    assert_eq!(json.code(), 0);
    let lines = json.json();
    assert_eq!(
        lines[0],
        serde_json::json!({"in": "(415) 555-2671", "out": "+14155552671", "error": null})
    );
    assert_eq!(lines[1]["out"], Json::Null);
    assert!(lines[1]["error"].is_string());
    assert_eq!(
        lines[2],
        serde_json::json!({"in": "", "out": null, "error": null})
    );
    assert_eq!(lines[3]["out"], "+442079460018");
    assert!(lines[4]["error"].as_str().unwrap().contains("UTF-8"));
    let text = ran_with(
        "transform extract_domain",
        b"https://www.Example.com/a\n",
        false,
        nothing,
    )
    .await;
    assert_eq!(text.out, "example.com\n");
}

#[tokio::test]
async fn transform_refuses_unknown_names_and_options() {
    for (line, word) in [
        ("transform lowercas", "lowercase"),
        ("transform phone_e164 contry=US", "country"),
        ("transform phone_e164 US", "KEY=VALUE"),
    ] {
        let ran = ran_with(line, b"", false, nothing).await;
        assert_eq!(ran.code(), 2);
        assert!(ran.failure().contains(word), "{}", ran.failure());
    }
}

#[tokio::test]
async fn an_export_appears_whole_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.jsonl");
    let line = format!("export {}", file.display());
    assert_eq!(ran(&line, nothing).await.code(), 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"a\":1}\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(ran("export", nothing).await.out, "{\"a\":1}\n");
    let nowhere = ran("export /nowhere/state.jsonl", nothing).await;
    assert_eq!(nowhere.code(), 5);
}

#[tokio::test]
async fn an_import_reads_a_file_or_stdin() {
    let ran_in = ran_with("import - --json", b"a\nb\n", false, nothing).await;
    assert_eq!(ran_in.json()[0]["imported"], 2);
    assert_eq!(ran("import /nowhere/state.jsonl", nothing).await.code(), 2);
}

#[tokio::test]
async fn init_never_touches_a_config_that_is_there() {
    let there = ran("init", nothing).await;
    assert_eq!(there.code(), 2);
    assert!(
        there.failure().contains("stays as it is"),
        "{}",
        there.failure()
    );
}

#[tokio::test]
async fn completions_know_the_verbs() {
    let bash = ran("completions bash", nothing).await;
    assert!(bash.out.contains("conflicts") && bash.out.contains("--read-only"));
}
