//! The sentence that answers "why did it not sync?". Pure: what was read goes in, words come out.

use chrono::{DateTime, Utc};

use super::fields::Parent;
use crate::domain::{Conflict, ErrorItem, Link, PerSide, RunId, Side};
use crate::service::messages::{RecordField, SideNow, Tone};

/// How the mapping of a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It runs.
    Active,
    /// It never ran.
    New,
    /// A person paused it.
    Paused,
    /// Something stopped it.
    Halted(String),
    /// Its rules changed, or its store is a restored one: the next run asks first.
    ToConfirm,
}

/// Why a record has no counterpart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Alone {
    /// No run has read it.
    NeverRead {
        /// When it was made at the vendor, where told.
        created_at: Option<DateTime<Utc>>,
    },
    /// It was read, and the next run takes it up.
    Read,
    /// A person said to leave it alone.
    Ignored {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nothing matches it, and the mapping makes nothing from it: the setting that says so.
    NotMade(String),
    /// It was forgotten on request.
    Forgotten,
    /// It does not meet this clause of the mapping's condition.
    Outside(String),
    /// Nothing matches it.
    Unmatched,
}

/// All that the sentence is made of.
pub(super) struct Facts<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) mapping: &'a str,
    pub(super) standing: &'a Standing,
    pub(super) next_run_at: Option<DateTime<Utc>>,
    /// The side of the record that was asked for.
    pub(super) own: Side,
    pub(super) link: Option<&'a Link>,
    pub(super) sides: &'a PerSide<SideNow>,
    pub(super) fields: &'a [RecordField],
    pub(super) pending: &'a [Conflict],
    pub(super) errors: &'a [ErrorItem],
    /// The record without a counterpart that one of its fields names.
    pub(super) parent: Option<&'a Parent>,
    pub(super) alone: &'a Alone,
    /// The undo that put a field back which differs since.
    pub(super) put_back: Option<RunId>,
}

/// The sentence, and how it reads.
pub(super) fn why(facts: &Facts<'_>) -> (Tone, String) {
    let (tone, mut text) = match facts.link {
        Some(link) => facts.linked(link),
        None => facts.unlinked(),
    };
    if let Some(more) = facts.standing_adds(tone) {
        text = format!("{text} {more}");
    }
    (tone, text)
}

/// A moment in a sentence: "at 14:15", "on 13 May at 09:12"; times are UTC, as the clock of the screens.
pub(super) fn at(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if moment.date_naive() == now.date_naive() {
        moment.format("at %H:%M").to_string()
    } else {
        moment.format("on %-d %b at %H:%M").to_string()
    }
}

/// A text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// With a capital, as a sentence begins.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

impl Facts<'_> {
    /// A record with a link: the first of what keeps it back, gravest first.
    fn linked(&self, link: &Link) -> (Tone, String) {
        let whole = self.errors.iter().find(|item| item.field.is_empty());
        whole
            .map(|item| self.error(item))
            .or_else(|| self.of_link(link))
            .or_else(|| self.review())
            .or_else(|| Side::BOTH.into_iter().find_map(|side| self.gone(side)))
            .or_else(|| self.field_items())
            .or_else(|| self.unread())
            .or_else(|| self.waits_for_parent())
            .or_else(|| self.changes())
            .or_else(|| self.counterpart_gone())
            .unwrap_or_else(|| self.at_rest())
    }

    /// A record without a link.
    fn unlinked(&self) -> (Tone, String) {
        self.errors
            .first()
            .map(|item| self.error(item))
            .or_else(|| self.review())
            .or_else(|| self.gone(self.own))
            .unwrap_or_else(|| self.why_alone())
    }

    /// What the mapping's own state adds, where something would have to move.
    fn standing_adds(&self, tone: Tone) -> Option<String> {
        let mapping = self.mapping;
        let at_rest = tone == Tone::Ok;
        match self.standing {
            Standing::Active => None,
            Standing::Paused if at_rest => {
                Some(format!("{mapping} is paused: edits made now wait."))
            }
            Standing::Paused => Some(format!(
                "But {mapping} is paused, so nothing of it moves until somebody resumes it."
            )),
            Standing::Halted(reason) => Some(format!(
                "{}{mapping} is halted, so nothing of it moves: {}",
                if at_rest { "" } else { "But " },
                sentence(reason)
            )),
            Standing::New => Some(format!(
                "{mapping} has never run: its first run shows its plan and asks."
            )),
            Standing::ToConfirm => Some(format!(
                "{}{mapping} waits for a confirm, so nothing of it moves before that.",
                if at_rest { "" } else { "But " }
            )),
        }
    }

    /// "the next run", with its time where one is set.
    pub(super) fn next_run(&self) -> String {
        match (self.standing, self.next_run_at) {
            (Standing::Active, Some(due)) if due > self.now => {
                format!("the next run ({})", at(due, self.now))
            }
            _ => "the next run".into(),
        }
    }

    pub(super) fn since(&self, moment: DateTime<Utc>) -> String {
        if moment.date_naive() == self.now.date_naive() {
            moment.format("since %H:%M").to_string()
        } else {
            moment.format("since %-d %b").to_string()
        }
    }
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
