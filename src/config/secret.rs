//! Secrets by reference: what the file may say, and the look-up when a connection is opened.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::tree::{Node, Place, Raw};
use crate::domain::Secret;

/// How long a command may take to print a secret.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// Longest secret that is read, in bytes; a JWT of a large org is well below.
const LONGEST: u64 = 64 * 1024;

/// Where a secret is to be found. Holds no secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; a relative path counts from the config's folder.
    File(PathBuf),
    /// A program with its arguments, run without a shell; what it prints is the secret.
    Command(Vec<String>),
}

/// A secret could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {next}")]
pub struct SecretError {
    /// What failed and why; never any part of the secret.
    pub message: String,
    /// What to do.
    pub next: String,
}

impl SecretRef {
    /// What lists of settings show: never more than the last two characters, and those only of a variable's long value.
    pub fn shown(&self, env: &BTreeMap<String, String>) -> String {
        match self {
            SecretRef::Env(name) => match env.get(name).map(|value| value.trim_end()) {
                None | Some("") => format!("not set ({name})"),
                Some(value) if value.chars().count() >= 12 => {
                    let skip = value.chars().count() - 2;
                    let end: String = value.chars().skip(skip).collect();
                    format!("set, ends …{}", end.escape_debug())
                }
                Some(_) => "set".to_owned(),
            },
            SecretRef::File(path) => format!("from file {}", path.display()),
            SecretRef::Command(words) => {
                format!("from command {}", words.first().map_or("", String::as_str))
            }
        }
    }
}

/// Reports a value that is no reference. The value itself is never part of the message: it may be the secret.
pub(super) fn check(node: &Node, shown: &str, problems: &mut Problems) {
    let next = "write { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"pass\", \"show\", \"sf\"] }";
    let mut refuse = |place: &Place, message: &str| problems.add(place, shown, "", message, next);
    let entries = match &node.raw {
        Raw::Table(entries) => entries,
        _ => {
            return refuse(
                &node.place,
                "a secret stands in the file itself; this file is shared, copied and shown, so it only names where the secret is",
            );
        }
    };
    let [entry] = entries.as_slice() else {
        return refuse(
            &node.place,
            "a secret has exactly one of `env`, `file`, `command`",
        );
    };
    let good = match entry.key.as_str() {
        "env" | "file" => entry.node.text().is_some_and(|text| !text.is_empty()),
        "command" => {
            let words = entry.node.items();
            !words.is_empty() && words.iter().all(|word| word.text().is_some())
        }
        _ => return refuse(&entry.place, "a secret has one of `env`, `file`, `command`"),
    };
    if !good {
        let message = if entry.key == "command" {
            "`command` is a list of words, the program first"
        } else {
            "the reference is not a text"
        };
        refuse(&entry.node.place, message);
    }
}

/// The reference that `node` holds; `None` where `check` has reported it.
pub(super) fn read(node: &Node, folder: &Path) -> Option<SecretRef> {
    let [entry] = node.entries() else {
        return None;
    };
    match entry.key.as_str() {
        "env" => Some(SecretRef::Env(entry.node.text()?.to_owned())),
        "file" => Some(SecretRef::File(folder.join(entry.node.text()?))),
        "command" => entry
            .node
            .items()
            .iter()
            .map(|word| word.text().map(str::to_owned))
            .collect::<Option<Vec<String>>>()
            .map(SecretRef::Command),
        _ => None,
    }
}

/// Fetches a secret, when a connection is opened and not before. One trailing line break is taken off.
///
/// # Errors
/// Where the variable is not set, the file cannot be read, the command fails or takes over 10 s, or the result is empty.
pub fn resolve_secret(
    reference: &SecretRef,
    env: &BTreeMap<String, String>,
) -> Result<Secret, SecretError> {
    let text = match reference {
        SecretRef::Env(name) => env.get(name).cloned().ok_or_else(|| {
            let message = format!("the environment variable {name} is not set");
            failure(message, format!("set {name} before starting Syncline"))
        })?,
        SecretRef::File(path) => read_file(path)?,
        SecretRef::Command(words) => run(words)?,
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        let message = format!("the secret is empty ({})", origin(reference));
        return Err(failure(message, "put the secret there"));
    }
    if text.chars().any(char::is_control) {
        let message = format!(
            "the secret has line breaks or control characters ({})",
            origin(reference)
        );
        return Err(failure(message, "store just the secret, on one line"));
    }
    Ok(Secret::new(text.to_owned()))
}

fn origin(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Env(name) => format!("variable {name}"),
        SecretRef::File(path) => format!("file {}", path.display()),
        SecretRef::Command(words) => {
            format!("command {}", words.first().map_or("", String::as_str))
        }
    }
}

fn failure(message: impl Into<String>, next: impl Into<String>) -> SecretError {
    SecretError {
        message: message.into(),
        next: next.into(),
    }
}

fn read_file(path: &Path) -> Result<String, SecretError> {
    let failed = |why: String| {
        let message = format!("the secret's file {} cannot be read: {why}", path.display());
        failure(message, "check the path and its permissions")
    };
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| failed(error.to_string()))?;
    Ok(text)
}

fn run(words: &[String]) -> Result<String, SecretError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(failure("the secret's command is empty", "name a program"));
    };
    let failed = |why: &str| {
        let message = format!("the secret's command {program} {why}");
        failure(message, "run it by hand to see what it says")
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&format!("did not start: {error}")))?;
    let Some(pipe) = child.stdout.take() else {
        return Err(failed("has no output"));
    };
    // The pipe is read on a thread of its own, so that the limit holds whatever the program does.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = pipe.take(LONGEST).read_to_string(&mut text).map(|_| text);
        let _ = sender.send(read);
    });
    let answer = receiver.recv_timeout(COMMAND_LIMIT);
    let Ok(read) = answer else {
        stop(&mut child);
        return Err(failed("did not finish within 10 s"));
    };
    // Its output has ended, so it is about to end; one that lingers without output is stopped.
    let status = match child.try_wait() {
        Ok(Some(status)) => status,
        _ => wait_briefly(&mut child).ok_or_else(|| failed("did not finish"))?,
    };
    if !status.success() {
        return Err(failed(&format!("ended with {status}")));
    }
    read.map_err(|_| failed("printed something that is not text"))
}

fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn wait_briefly(child: &mut Child) -> Option<std::process::ExitStatus> {
    let (_keep, never) = mpsc::channel::<()>();
    for _ in 0..100 {
        let _ = never.recv_timeout(Duration::from_millis(20));
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
    }
    stop(child);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("TOKEN".to_owned(), "pat-na1-0123456789f\n".to_owned()),
            ("EMPTY".to_owned(), "\n".to_owned()),
        ])
    }

    fn command(words: &[&str]) -> SecretRef {
        SecretRef::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn one_trailing_line_break_is_taken_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "from-file\r\n").unwrap();
        for (reference, expected) in [
            (SecretRef::Env("TOKEN".into()), "pat-na1-0123456789f"),
            (SecretRef::File(path), "from-file"),
            (command(&["printf", "a b\n"]), "a b"),
        ] {
            let secret = resolve_secret(&reference, &env()).unwrap();
            assert_eq!(secret.expose(), expected);
        }
    }

    #[test]
    fn a_secret_that_is_not_there_says_where_it_was_looked_for() {
        for (reference, expected) in [
            (SecretRef::Env("NOPE".into()), "variable NOPE is not set"),
            (
                SecretRef::Env("EMPTY".into()),
                "the secret is empty (variable EMPTY)",
            ),
            (
                SecretRef::File("/nowhere/token".into()),
                "/nowhere/token cannot be read",
            ),
            (command(&["false"]), "command false ended with"),
            (
                command(&["/nowhere/pass"]),
                "command /nowhere/pass did not start",
            ),
            (command(&["printf", "two\nlines\n"]), "line breaks"),
            (command(&["printf", "\\377"]), "not text"),
        ] {
            let error = resolve_secret(&reference, &env()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.next.is_empty());
        }
    }

    #[test]
    fn a_command_gets_no_shell() {
        let secret = resolve_secret(&command(&["echo", "$HOME; ls"]), &env()).unwrap();
        assert_eq!(secret.expose(), "$HOME; ls");
    }

    #[test]
    fn a_list_of_settings_shows_two_characters_at_most() {
        assert_eq!(
            SecretRef::Env("TOKEN".into()).shown(&env()),
            "set, ends …9f"
        );
        assert_eq!(
            SecretRef::Env("EMPTY".into()).shown(&env()),
            "not set (EMPTY)"
        );
        assert_eq!(
            command(&["pass", "show", "sf"]).shown(&env()),
            "from command pass"
        );
    }
}
