//! What became of what people wrote (I-1, I-2, I-8 of docs/design/sync-semantics.md), told from the vendors' own past and the journal.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::canon;
use syncline::domain::{ItemState, Link, LinkId, LinkState, Op, OpKind, RunKind, Value};
use syncline::sandbox::history::{Author, History, Version};
use syncline::sandbox::{Sandbox, Side};

use crate::books::Books;
use crate::people::{FIELDS, People, Record};

/// What became of the words that people wrote.
#[derive(Debug, Default)]
pub struct Fates {
    /// They stand where they were written.
    pub standing: usize,
    /// A person wrote over them.
    pub superseded: usize,
    /// Syncline wrote over them after they had reached the other side.
    pub travelled: usize,
    /// A rule or a choice wrote over them, and the journal holds them.
    pub overwritten: usize,
    /// They were written between the look of a running run and its write (section 23).
    pub raced: usize,
    /// Fields of linked records that differ, with the reason.
    pub apart: usize,
    /// Words of which nothing is left.
    pub lost: Vec<String>,
}

/// What may write over a person's word: the newest edit, Salesforce's where a Lead was converted, a choice.
const RULES: [&str; 3] = ["last_write_wins", "salesforce", "resolved"];

pub struct Scene<'a> {
    pub sandbox: &'a Sandbox,
    pub people: &'a People,
    pub books: &'a Books,
    /// How old a look may be that a write relies on.
    pub max_age: TimeDelta,
}

fn text(value: &Value) -> &str {
    value.as_text().unwrap_or_default()
}

fn same(ours: syncline::domain::Side, theirs: Side) -> bool {
    (ours == syncline::domain::Side::HubSpot) == (theirs == Side::HubSpot)
}

impl Scene<'_> {
    fn history(&self, record: &Record) -> Option<&History> {
        match record.side() {
            Side::Salesforce => self.sandbox.org.history(record.object, &record.id),
            Side::HubSpot => self.sandbox.portal.history(record.object, &record.id),
        }
    }

    fn value(&self, record: &Record, field: usize) -> String {
        let (object, id, field) = (record.object, &record.id, record.field(field));
        let value = match record.side() {
            Side::Salesforce => self.sandbox.org.value(object, id, field),
            Side::HubSpot => self.sandbox.portal.value(object, id, field),
        };
        canon::text(&value.unwrap_or_default())
    }

    /// Every person's record there is, or was.
    fn records(&self) -> BTreeSet<Record> {
        let mut all = self.people.touched.clone();
        for object in ["Contact", "Lead"] {
            let ids = self.sandbox.org.ids(object).into_iter();
            all.extend(ids.map(|id| Record { object, id }));
        }
        let ids = self.sandbox.portal.ids("contacts").into_iter();
        all.extend(ids.map(|id| Record {
            object: "contacts",
            id,
        }));
        all.extend(self.books.links.iter().filter_map(records_of).flatten());
        all
    }

    /// What became of each word, and whether linked records are in step.
    pub fn fates(&self) -> Fates {
        let mut fates = Fates::default();
        let all = self.records();
        let mut reached: BTreeMap<(Side, usize, &str), DateTime<Utc>> = BTreeMap::new();
        for record in &all {
            for version in self.history(record).iter().flat_map(|past| &past.versions) {
                for at in 0..FIELDS.len() {
                    if let Some(value) = version.value(record.field(at)) {
                        reached
                            .entry((record.side(), at, value))
                            .or_insert(version.at);
                    }
                }
            }
        }
        for record in &all {
            for at in 0..FIELDS.len() {
                let name = record.field(at);
                let past = self.history(record);
                let set: Vec<&Version> = past
                    .iter()
                    .flat_map(|past| &past.versions)
                    .filter(|version| version.values.contains(name))
                    .collect();
                for (place, version) in set.iter().enumerate() {
                    let Some(word) = version.value(name) else {
                        continue;
                    };
                    let by_person = matches!(version.by, Author::Colleague(_));
                    if !by_person || !self.people.written.contains_key(word) {
                        continue;
                    }
                    let Some(next) = set[place + 1..]
                        .iter()
                        .find(|next| next.value(name) != Some(word))
                    else {
                        fates.standing += 1;
                        continue;
                    };
                    let other = match record.side() {
                        Side::Salesforce => Side::HubSpot,
                        Side::HubSpot => Side::Salesforce,
                    };
                    if matches!(next.by, Author::Colleague(_)) {
                        fates.superseded += 1;
                    } else if reached
                        .get(&(other, at, word))
                        .is_some_and(|when| *when <= next.at)
                    {
                        fates.travelled += 1;
                    } else if self.journalled(record, name, word) {
                        fates.overwritten += 1;
                    } else if self.raced(record, name, word, version, next) {
                        fates.raced += 1;
                    } else {
                        fates.lost.push(format!(
                            "{record:?} {name}: {word:?} of {} was written over with {:?} at {}",
                            version.at,
                            next.value(name),
                            next.at
                        ));
                    }
                }
            }
        }
        self.in_step(&mut fates);
        fates
    }

    /// What was written to a field of these records, or of what they were before.
    fn journal(&self, pair: &str, records: [&Record; 2]) -> Vec<String> {
        let about = |op: &&Op| {
            let ids = [&op.target, &op.source, &op.outcome.record];
            let mut ids = ids.into_iter().flatten();
            ids.any(|id| records.iter().any(|record| record.id == id.0))
        };
        let ops = self.books.ops.iter().filter(about);
        ops.filter_map(|op| {
            let (name, one) = op.fields.iter().find(|(_, one)| one.pair == pair)?;
            let (before, after) = (text(&one.before), text(&one.after));
            Some(format!(
                "run {} {} {:?} {:?} {:?} {name} {before:?} -> {after:?} by {} {:?} {:?} {:?}",
                op.run,
                op.mapping,
                op.link,
                op.kind,
                op.target,
                one.rule,
                op.state,
                op.attempt.sent_at,
                op.outcome.why
            ))
        })
        .collect()
    }

    /// A rule of the field's that names a winner, or a person's choice, wrote over the word, and the journal holds it. A plain
    /// change writes only over what had travelled, an undo over what its run left.
    fn journalled(&self, record: &Record, name: &str, word: &str) -> bool {
        self.books.ops.iter().any(|op| {
            let target = op.target.as_ref().is_some_and(|id| id.0 == record.id);
            let field = op.fields.get(name);
            target
                && same(op.side, record.side())
                && field.is_some_and(|one| {
                    text(&one.before) == word && RULES.contains(&one.rule.as_str())
                })
        })
    }

    /// A run was under way when it was written, and a write relied on a look from before.
    fn raced(
        &self,
        record: &Record,
        name: &str,
        word: &str,
        before: &Version,
        after: &Version,
    ) -> bool {
        self.people.written[word]
            && self.books.ops.iter().any(|op| {
                let target = op.target.as_ref().is_some_and(|id| id.0 == record.id);
                let writes = op.fields.get(name).is_some_and(|one| {
                    text(&one.after).trim() == after.value(name).unwrap_or_default().trim()
                });
                let late = op
                    .attempt
                    .sent_at
                    .is_some_and(|sent| before.at >= sent - self.max_age);
                target && same(op.side, record.side()) && writes && late
            })
    }

    /// I-1: the fields of linked records are equal, or something says why they are not; and where they are equal, what they
    /// hold is the last word of a person on one of them, or was chosen, or put back.
    fn in_step(&self, fates: &mut Fates) {
        let undos: BTreeSet<_> = self
            .books
            .runs
            .iter()
            .filter(|run| run.kind == RunKind::Undo)
            .map(|run| run.run)
            .collect();
        let undone: BTreeSet<(LinkId, &str)> = self
            .books
            .ops
            .iter()
            .filter(|op| undos.contains(&op.run) && op.kind == OpKind::Update)
            .flat_map(|op| op.fields.values().map(|one| (op.link, one.pair.as_str())))
            .collect();
        for link in &self.books.links {
            if link.state != LinkState::Active || link.mapping.as_str() == "accounts" {
                continue;
            }
            let Some([s, h]) = records_of(link) else {
                continue;
            };
            for at in 0..FIELDS.len() {
                // A pair is named by its Salesforce field.
                let pair = s.field(at);
                let held = [self.value(&s, at), self.value(&h, at)];
                let items = || {
                    self.books
                        .items
                        .iter()
                        .filter(|item| item.link == Some(link.id) && item.is_about(pair))
                };
                let undone = undone.contains(&(link.id, pair));
                if held[0] != held[1] {
                    let waits = items().any(|item| item.state != ItemState::Resolved);
                    let diverged = self
                        .books
                        .bases
                        .get(&link.id)
                        .and_then(|base| base.fields.get(pair))
                        .is_some_and(|field| field.diverged);
                    // What is refused as a whole, such as an address that another record has, keeps all its fields back.
                    let error = self.books.errors.iter().any(|error| {
                        let about = error.field == pair || error.field.is_empty();
                        error.link == Some(link.id) && about
                    });
                    // A lead's Street has no pair.
                    let mapped = link.mapping.as_str() != "leads" || at < 2;
                    if waits || diverged || error || undone || !mapped {
                        fates.apart += 1;
                    } else {
                        let base = self.books.bases.get(&link.id);
                        let base = base.and_then(|base| base.fields.get(pair));
                        fates.lost.push(format!(
                            "{s:?} and {h:?} differ in {pair} for no reason: {held:?}; {base:?}; {:#?}",
                            self.journal(pair, [&s, &h])
                        ));
                    }
                    continue;
                }
                let words: Vec<String> = [&s, &h]
                    .into_iter()
                    .filter_map(|record| self.last_word(record, at))
                    .collect();
                let judged = items().any(|item| item.resolution.is_some());
                if !words.is_empty() && !words.contains(&held[0]) && !judged && !undone {
                    fates.lost.push(format!(
                        "{s:?} and {h:?} hold {:?} in {pair}, the last words were {words:?}",
                        held[0]
                    ));
                }
            }
        }
    }

    /// What a person wrote last into a field.
    fn last_word(&self, record: &Record, at: usize) -> Option<String> {
        let name = record.field(at);
        let mut set = self.history(record)?.of_field(name);
        let last = set.find(|version| matches!(version.by, Author::Colleague(_)))?;
        Some(canon::text(last.value(name).unwrap_or_default()))
    }
}

fn records_of(link: &Link) -> Option<[Record; 2]> {
    let object = match link.mapping.as_str() {
        "contacts" => "Contact",
        "leads" => "Lead",
        _ => return None,
    };
    let (s, h) = (link.ids.salesforce.as_ref()?, link.ids.hubspot.as_ref()?);
    Some([
        Record {
            object,
            id: s.0.clone(),
        },
        Record {
            object: "contacts",
            id: h.0.clone(),
        },
    ])
}
