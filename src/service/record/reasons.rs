//! The single reasons that can keep a record back, each with its words. Pure.

use super::fields::Stands;
use super::why::{Alone, Facts, at, capital, sentence};
use crate::domain::{
    Choice, Conflict, Departed, ErrorItem, ItemKind, ItemState, Link, LinkState, RecordKey, Side,
};
use crate::service::messages::{RecordField, Seen, Tone, Verdict};

impl Facts<'_> {
    pub(super) fn of_link(&self, link: &Link) -> Option<(Tone, String)> {
        match &link.state {
            LinkState::Active => None,
            LinkState::PendingCreate => Some((
                Tone::Warn,
                format!(
                    "Its counterpart was being created and no answer came; {} looks up what became of it.",
                    self.next_run()
                ),
            )),
            LinkState::Suspended(reason) => Some((
                Tone::Warn,
                format!(
                    "Its link is set aside, so nothing goes either way: {}",
                    sentence(reason)
                ),
            )),
            LinkState::Deleted(departed) => Some((Tone::Info, departed_words(departed))),
            LinkState::OutOfScope => Some((
                Tone::Info,
                "Its Salesforce record left the scope of the mapping: nothing is written on either side until it comes back.".into(),
            )),
            LinkState::Unlinked => Some((
                Tone::Info,
                "Its Salesforce record left the scope of the mapping, and the two are no longer linked; nothing is made for either.".into(),
            )),
            LinkState::Superseded(by) => Some((
                Tone::Info,
                format!(
                    "Its Lead was converted: {} syncs {} with the same HubSpot record now, and the Lead is left as it is.",
                    by.mapping, by.record
                ),
            )),
            LinkState::TakenBack(run) => Some((
                Tone::Info,
                format!(
                    "Run {run} took back the record that was made for it, and nothing is made again unless that undo is undone."
                ),
            )),
        }
    }

    pub(super) fn error(&self, item: &ErrorItem) -> (Tone, String) {
        let what = if item.field.is_empty() {
            "It is in error".to_owned()
        } else {
            format!("{} is in error", item.field)
        };
        let message = sentence(&item.message);
        let again = self.again(item);
        let next = capital(&sentence(&item.next));
        let next = if next.is_empty() {
            next
        } else {
            format!(" {next}")
        };
        let tone = if item.retry_at.is_some_and(|due| due <= self.now) {
            Tone::Warn
        } else {
            Tone::Error
        };
        let rest = self.goes_on(&item.field);
        (tone, format!("{what}: {message}{next} {again}{rest}"))
    }

    /// When an error is tried again.
    fn again(&self, item: &ErrorItem) -> String {
        let awaits_parent = item.vendor.is_none() && self.awaited().is_some();
        match item.retry_at {
            None if awaits_parent => {
                "Nothing is tried before that record is linked; then it goes by itself.".into()
            }
            None if item.tries > 1 => format!(
                "After {} tries it is quarantined: only an edit of the record or a retry starts it anew.",
                item.tries
            ),
            None => "Only an edit of the record or a retry starts it anew.".into(),
            Some(due) if due <= self.now => {
                format!("{} tries it again.", capital(&self.next_run()))
            }
            Some(due) => format!(
                "The first run {} or later tries it again, number {}.",
                at(due, self.now),
                item.tries + 1
            ),
        }
    }

    /// An item that is about the whole record waits for a person.
    pub(super) fn review(&self) -> Option<(Tone, String)> {
        let item = self
            .pending
            .iter()
            .find(|item| item.kind.is_review() && item.kind != ItemKind::Oscillation)?;
        let kind = item.kind.word().replace('_', " ");
        Some(match chosen(item) {
            Some(choice) => (
                Tone::Info,
                format!(
                    "A choice is stored ({kind}: {choice}); {} carries it out.",
                    self.next_run()
                ),
            ),
            None => (
                Tone::Warn,
                format!(
                    "It waits for a person in Conflicts ({kind}) {}: {}",
                    self.since(item.first_seen),
                    sentence(&item.why)
                ),
            ),
        })
    }

    /// Something about single fields: errors, conflicts, frozen ones, stored choices.
    pub(super) fn field_items(&self) -> Option<(Tone, String)> {
        let open = |item: &&Conflict| item.state == ItemState::Open;
        if let Some(item) = self
            .pending
            .iter()
            .filter(open)
            .find(|item| item.kind == ItemKind::Oscillation)
        {
            let text = format!("{} is frozen: {}", item.field, sentence(&item.why));
            return Some((Tone::Warn, text + &self.goes_on(&item.field)));
        }
        if let Some(item) = self.pending.iter().find(open) {
            let text = format!(
                "{} waits for a person in Conflicts {}: {}",
                item.field,
                self.since(item.first_seen),
                sentence(&item.why)
            );
            return Some((Tone::Warn, text + &self.goes_on(&item.field)));
        }
        if let Some(item) = self.errors.first() {
            return Some(self.error(item));
        }
        let item = self.pending.first()?;
        let choice = chosen(item).unwrap_or_else(|| "a value".into());
        Some((
            Tone::Info,
            format!(
                "A choice is stored for {} ({choice}); {} sends it.",
                item.field,
                self.next_run()
            ),
        ))
    }

    /// What else waits, and that the other fields go on (I-11).
    fn goes_on(&self, field: &str) -> String {
        if field.is_empty() {
            return String::new();
        }
        let waiting = self.pending.len() + self.errors.len();
        match waiting {
            0 | 1 => " Its other fields go on.".into(),
            2 => " One more thing waits, below; the other fields go on.".into(),
            more => format!(
                " {} more things wait, below; the other fields go on.",
                more - 1
            ),
        }
    }

    pub(super) fn gone(&self, side: Side) -> Option<(Tone, String)> {
        let name = side.name();
        Some(match &self.sides.get(side).seen {
            Seen::Deleted => (
                Tone::Warn,
                format!(
                    "Its {name} record is deleted, so nothing is written there; {} notices it, if none has yet.",
                    self.next_run()
                ),
            ),
            Seen::MergedInto(id) => (
                Tone::Warn,
                format!(
                    "Its {name} record was merged into {id}; {} notices it, if none has yet.",
                    self.next_run()
                ),
            ),
            Seen::Converted(id) => (
                Tone::Info,
                format!(
                    "It is a Lead that was converted to the Contact {id}: that one is synced now."
                ),
            ),
            Seen::Missing => (
                Tone::Error,
                format!(
                    "{name} does not answer for its record, and nothing proves that it was deleted: a right may be missing."
                ),
            ),
            Seen::NoRecord | Seen::NotAsked | Seen::Live | Seen::Unread(_) => return None,
        })
    }

    /// A side did not answer: nothing is claimed about now.
    pub(super) fn unread(&self) -> Option<(Tone, String)> {
        Side::BOTH
            .into_iter()
            .find_map(|side| match &self.sides.get(side).seen {
                Seen::Unread(why) => Some((
                    Tone::Warn,
                    format!(
                        "{} could not be read now: {} Nothing was kept back when it was read last.",
                        side.name(),
                        sentence(why)
                    ),
                )),
                _ => None,
            })
    }

    pub(super) fn waits_for_parent(&self) -> Option<(Tone, String)> {
        let field = self
            .fields
            .iter()
            .find(|field| field.verdict == Verdict::WaitsForParent)?;
        let parent = self.awaited()?;
        Some((
            Tone::Warn,
            format!(
                "{} names {} {}, which has no counterpart yet; it goes by itself once that one is linked.{}",
                field.name(),
                parent.object,
                parent.id,
                " Its other fields go on."
            ),
        ))
    }

    fn awaited(&self) -> Option<&RecordKey> {
        let parent = self
            .parent
            .filter(|parent| parent.stands == Stands::Awaited);
        parent.map(|parent| &parent.record)
    }

    /// A reference that neither side follows.
    pub(super) fn counterpart_gone(&self) -> Option<(Tone, String)> {
        let mut fields = self.fields.iter();
        let field = fields.find(|field| field.verdict == Verdict::CounterpartGone)?;
        let named = &self.parent?.record;
        Some((
            Tone::Info,
            format!(
                "{} names {} {}, whose counterpart in {} was deleted: both sides keep what they hold until it names another record.",
                field.name(),
                named.object,
                named.id,
                named.side.other(),
            ),
        ))
    }

    /// Fields that the next run would do something about.
    pub(super) fn changes(&self) -> Option<(Tone, String)> {
        let next: Vec<&RecordField> = self
            .fields
            .iter()
            .filter(|field| field.verdict.is_next())
            .collect();
        let (first, rest) = next.split_first()?;
        let name = first.name();
        let more = match rest.len() {
            0 => String::new(),
            1 => " One more field has changed, below.".into(),
            many => format!(" {many} more fields have changed, below."),
        };
        let with = self.next_run();
        let (tone, text) = match first.verdict {
            Verdict::GoesTo(side) => (
                Tone::Info,
                format!(
                    "{name} has changed and is not sent yet; {with} writes it to {}.",
                    side.name()
                ),
            ),
            Verdict::BothChanged => (
                Tone::Info,
                format!(
                    "{name} has changed on both sides; {with} compares their times: the newer one stays, and where they do not tell a person is asked."
                ),
            ),
            Verdict::WouldAsk => (
                Tone::Warn,
                format!("{name} has changed on both sides; {with} asks a person which one stays."),
            ),
            Verdict::WouldFail => (
                Tone::Warn,
                format!(
                    "{name} has a value that cannot be used on the other side; {with} lists it in Errors."
                ),
            ),
            _ => (
                Tone::Info,
                format!("{name} has changed and is not sent yet; {with} writes it to both sides."),
            ),
        };
        Some((tone, text + &more))
    }

    pub(super) fn at_rest(&self) -> (Tone, String) {
        let asked = Side::BOTH
            .into_iter()
            .all(|side| self.sides.get(side).seen != Seen::NotAsked);
        if !asked {
            return (Tone::Ok, "Nothing waits for it.".into());
        }
        let apart: Vec<&str> = self
            .fields
            .iter()
            .filter(|field| field.verdict == Verdict::Diverged)
            .map(RecordField::name)
            .collect();
        let text = match (apart.as_slice(), self.put_back) {
            ([], _) => "It is in step.".into(),
            (names, Some(run)) => format!(
                "It is in step, but {}: run {run} put the old value back and holds it so. A new edit on either side travels again.",
                differs(names)
            ),
            (names, None) => format!(
                "It is in step, but {}: that is settled, nothing is written.",
                differs(names)
            ),
        };
        (Tone::Ok, text)
    }

    pub(super) fn why_alone(&self) -> (Tone, String) {
        let other = self.own.other().name();
        if let Seen::Unread(why) = &self.sides.get(self.own).seen {
            return (
                Tone::Warn,
                format!(
                    "{} could not be read now: {} It has no counterpart in {other}.",
                    self.own.name(),
                    sentence(why)
                ),
            );
        }
        match self.alone {
            Alone::NeverRead { created_at } => {
                let made = created_at.map_or_else(String::new, |moment| {
                    format!(" It was made {}.", at(moment, self.now))
                });
                (
                    Tone::Info,
                    format!(
                        "No run has read it yet.{made} {} does.",
                        capital(&self.next_run())
                    ),
                )
            }
            Alone::Read => (
                Tone::Info,
                format!(
                    "It was read and has no counterpart yet; {} takes it up.",
                    self.next_run()
                ),
            ),
            Alone::Ignored { by, at: moment } => (
                Tone::Info,
                format!(
                    "It is left alone: {by} chose to ignore it {}, so it gets no counterpart in {other}.",
                    at(*moment, self.now)
                ),
            ),
            Alone::NotMade(setting) => (
                Tone::Info,
                format!(
                    "It is excluded: nothing in {other} matches it, and {} makes nothing there ({setting}).",
                    self.mapping
                ),
            ),
            Alone::Forgotten => (
                Tone::Info,
                "It was forgotten on request: no run looks at it again, and nothing is made of it."
                    .into(),
            ),
            Alone::Outside(clause) => (
                Tone::Info,
                format!(
                    "It is out of scope: {} takes only records for which {clause}. It takes part by itself once that holds.",
                    self.mapping
                ),
            ),
            Alone::Unmatched => (
                Tone::Info,
                format!(
                    "It has no counterpart in {other} and nothing waits for it; it is looked at again when it changes."
                ),
            ),
        }
    }
}

/// What became of a link whose record is gone (docs/design/sync-semantics.md 12.2, 12.5).
fn departed_words(departed: &Departed) -> String {
    let archived = Side::BOTH
        .into_iter()
        .find_map(|side| departed.archived.get(side).map(|run| (side, run)));
    match (archived, departed.gone.salesforce, departed.gone.hubspot) {
        (Some((side, run)), ..) => format!(
            "It was deleted in {}, and run {run} archived its {side} record; nothing is made from either again.",
            side.other()
        ),
        (None, true, true) => "Both its records were deleted.".into(),
        (None, in_salesforce, _) => {
            let side = if in_salesforce {
                Side::Salesforce
            } else {
                Side::HubSpot
            };
            format!(
                "It was deleted in {side}; the {} record is left as it is, and nothing is made from it. Restored in {side}, it is linked as before.",
                side.other()
            )
        }
    }
}

/// "Phone differs", "Phone and 2 others differ".
fn differs(names: &[&str]) -> String {
    match names {
        [one] => format!("{one} differs"),
        [one, other] => format!("{one} and {other} differ"),
        [one, rest @ ..] => format!("{one} and {} others differ", rest.len()),
        [] => String::new(),
    }
}

/// The stored choice in words.
fn chosen(item: &Conflict) -> Option<String> {
    let resolution = item
        .resolution
        .as_ref()
        .filter(|_| item.state == ItemState::Draft)?;
    let choice = match &resolution.choice {
        Choice::Take(side) => side.name().to_owned(),
        Choice::Base => "the base".into(),
        Choice::Value(text) => format!("\"{text}\""),
        Choice::Link(id) => format!("link to {id}"),
        Choice::Create => "create a counterpart".into(),
        Choice::Ignore => "ignore".into(),
        Choice::Accept => "carry the deletion out".into(),
    };
    Some(format!("{choice}, by {}", resolution.by))
}
