//! `transform`: runs values from stdin through a transform, one a line; how a rule is tried before it is used.

use std::io::BufRead;

use super::app::App;
use super::args::TransformArgs;
use super::exit::{Exit, Failure};
use crate::domain::{TransformSpec, Value};
use crate::transform::{self, Context};

/// The country that a phone number takes where neither option nor column names one.
const COUNTRY: &str = "US";

/// Runs the verb.
///
/// # Errors
/// Where there is no such transform or option, or a stream fails.
pub fn run(app: &mut App, args: &TransformArgs) -> Result<Exit, Failure> {
    let mut options = Vec::new();
    for option in &args.options {
        let Some((key, value)) = option.split_once('=') else {
            return Err(Failure::usage(format!(
                "\"{}\" is not an option; write KEY=VALUE, such as country=US",
                option.escape_debug()
            )));
        };
        options.push((key.to_owned(), value.to_owned()));
    }
    let spec = transform::parse_spec(&args.name, &options, COUNTRY)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = app
            .input
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::usage(format!("stdin cannot be read: {error}")))?;
        if read == 0 || app.out.is_closed() {
            return Ok(Exit::Well);
        }
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (text, result) = match std::str::from_utf8(bytes) {
            Ok(_) => one(&spec, &text),
            Err(_) => (text.as_str(), Err("the line is not UTF-8 text".to_owned())),
        };
        if app.out.json {
            let document = match &result {
                Ok(out) => serde_json::json!({ "in": text, "out": out, "error": null }),
                Err(reason) => serde_json::json!({ "in": text, "out": null, "error": reason }),
            };
            app.out.document(&document)?;
        } else {
            match result {
                Ok(out) => app
                    .out
                    .line(&super::text::clean(&out.unwrap_or_default()))?,
                Err(reason) => app
                    .out
                    .line(&format!("error: {}", super::text::clean(&reason)))?,
            }
        }
    }
}

/// The value and what becomes of it; a phone number may be followed by a tab and the record's own country.
fn one<'a>(spec: &TransformSpec, line: &'a str) -> (&'a str, Result<Option<String>, String>) {
    let (text, country) = match (spec, line.split_once('\t')) {
        (TransformSpec::PhoneE164 { .. }, Some((text, country))) => (
            text,
            Some(country.trim()).filter(|country| !country.is_empty()),
        ),
        _ => (line, None),
    };
    let result = transform::apply(spec, &Value::text(text), Context { country });
    let result = match result {
        Ok(Value::Text(out)) => Ok(Some(out)),
        Ok(Value::Null | Value::Unknown) => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    (text, result)
}
