//! The README's key section is the table of bindings, word for word.

#[test]
fn the_readme_shows_exactly_the_keys_there_are() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("<!-- keys:").unwrap();
    let (comment, rest) = rest.split_once("-->\n").unwrap();
    let (found, tail) = rest.split_once("<!-- /keys -->").unwrap();
    let keys = format!("\n{}\n", syncline::console::readme_keys().trim());
    if std::env::var_os("SYNCLINE_UPDATE").is_some() {
        std::fs::write(
            &path,
            format!("{head}<!-- keys:{comment}-->\n{keys}<!-- /keys -->{tail}"),
        )
        .unwrap();
        return;
    }
    assert!(
        found == keys,
        "README.md's keys are out of date; SYNCLINE_UPDATE=1 cargo test --test project writes them"
    );
}
