//! Problems of a config: each with its place, key, value, reason and next step; all of them at once.

use std::fmt;

use super::tree::Place;

/// One thing that is wrong with the config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file's name as it was given.
    pub file: String,
    /// Where the value came from.
    pub place: Place,
    /// The key with its path: `mapping.contacts.direction`; empty where none is concerned.
    pub key: String,
    /// The value as written, shortened; empty where it does not matter or must not be shown.
    pub value: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub next: String,
}

impl ConfigError {
    /// The line in the file, from 1; `None` where a variable or flag is to blame.
    pub fn line(&self) -> Option<usize> {
        match self.place {
            Place::Line(line) => Some(line),
            Place::Default | Place::Env(_) | Place::Flag(_) => None,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line(line) => write!(f, "{}:{line}: ", self.file)?,
            Place::Env(name) => write!(f, "{name}: ")?,
            Place::Flag(name) => write!(f, "{name}: ")?,
            Place::Default => write!(f, "{}: ", self.file)?,
        }
        if !self.key.is_empty() {
            f.write_str(&self.key)?;
            if !self.value.is_empty() {
                write!(f, " = {}", self.value)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if !self.next.is_empty() {
            write!(f, "; {}", self.next)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with the config, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        ConfigErrors(vec![error])
    }
}

/// Collects problems while a config is read.
#[derive(Debug)]
pub(super) struct Problems {
    file: String,
    found: Vec<ConfigError>,
}

impl Problems {
    /// None yet.
    pub(super) fn new(file: &str) -> Self {
        Problems {
            file: file.to_owned(),
            found: Vec::new(),
        }
    }

    /// Notes one.
    pub(super) fn add(
        &mut self,
        place: &Place,
        key: &str,
        value: impl Into<String>,
        message: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.found.push(ConfigError {
            file: self.file.clone(),
            place: place.clone(),
            key: key.to_owned(),
            value: value.into(),
            message: message.into(),
            next: next.into(),
        });
    }

    /// All of them in the order of the file (those of variables and flags last), or `Ok` where there are none.
    pub(super) fn finish(mut self) -> Result<(), ConfigErrors> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found
            .sort_by_key(|error| error.line().unwrap_or(usize::MAX));
        Err(ConfigErrors(self.found))
    }
}

/// The known word that is nearest to what was typed, if any is near enough to be meant.
pub(super) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut best: Option<(f64, &'a str)> = None;
    for word in known {
        let score =
            strsim::normalized_damerau_levenshtein(&typed.to_lowercase(), &word.to_lowercase());
        if score >= 0.5 && best.is_none_or(|(top, _)| score > top) {
            best = Some((score, word));
        }
    }
    best.map(|(_, word)| word)
}

/// "did you mean `x`?", or the whole list where nothing is near.
pub(super) fn suggestion(typed: &str, known: &[&str]) -> String {
    match nearest(typed, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}
