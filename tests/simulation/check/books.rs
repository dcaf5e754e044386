//! Everything that the engine knows, read out of its store.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use syncline::domain::{
    Base, Conflict, ErrorItem, ItemState, Link, LinkId, Op, RunId, RunRecord, Side,
};
use syncline::engine::Db;
use syncline::store::rows::ChildRef;
use syncline::store::{Family, FindingState, doctor, keys};

use super::{Broken, Scene};
use crate::diary::Diary;
use crate::people::{H, S};

/// Everything that the engine knows.
#[derive(Default)]
pub struct Books {
    pub links: Vec<Link>,
    pub bases: BTreeMap<LinkId, Base>,
    pub items: Vec<Conflict>,
    pub errors: Vec<ErrorItem>,
    /// What waits for a parent to be linked.
    pub waiting: Vec<ChildRef>,
    pub ops: Vec<Op>,
    pub runs: Vec<RunRecord>,
    /// How far contacts were read for certain on each side.
    pub marks: BTreeMap<Side, DateTime<Utc>>,
    pub unsound: Vec<String>,
    /// The true time when they were read.
    pub now: DateTime<Utc>,
}

impl Books {
    pub async fn read(db: &Db, now: DateTime<Utc>) -> Books {
        let mut books = Books {
            now,
            ..Books::default()
        };
        db.walk(keys::all(Family::Link), |row| books.links.push(row))
            .await
            .unwrap();
        for link in &books.links {
            let base = db.bases(&link.mapping, &[link.id]).await.unwrap();
            books
                .bases
                .extend(base.into_iter().map(|base| (link.id, base)));
        }
        for family in [Family::Conflict, Family::Review] {
            db.walk(keys::all(family), |row| books.items.push(row))
                .await
                .unwrap();
        }
        db.walk(keys::all(Family::Error), |row| books.errors.push(row))
            .await
            .unwrap();
        db.walk(keys::all(Family::Waiting), |row| books.waiting.push(row))
            .await
            .unwrap();
        db.walk(keys::all(Family::Journal), |row| books.ops.push(row))
            .await
            .unwrap();
        db.walk(keys::all(Family::Run), |row| books.runs.push(row))
            .await
            .unwrap();
        for (side, object) in [(Side::Salesforce, S), (Side::HubSpot, H)] {
            let cursor = db.cursor(side, object).await.unwrap();
            books
                .marks
                .extend(cursor.watermark.map(|mark| (side, mark)));
        }
        for finding in doctor(db.store().as_ref()).await.unwrap() {
            if finding.state != FindingState::Ok {
                books.unsound.push(format!("{finding:?}"));
            }
        }
        books
    }

    /// Puts the engine's times right, as its clock was wrong during each run.
    pub fn straighten(&mut self, diary: &Diary) {
        let ahead = |run: RunId| diary.ahead.get(&run).copied().unwrap_or_default();
        for op in &mut self.ops {
            if let Some(sent) = &mut op.attempt.sent_at {
                *sent -= ahead(op.run);
            }
        }
        for run in &mut self.runs {
            run.started_at -= ahead(run.run);
        }
    }

    pub fn open_items(&self) -> impl Iterator<Item = &Conflict> {
        self.items
            .iter()
            .filter(|item| item.state != ItemState::Resolved)
    }

    /// Pairs of people that are linked, and when their links were made. Companies have ids of their own, which contacts may have
    /// too.
    pub fn pairs(&self) -> impl Iterator<Item = ((String, String), DateTime<Utc>)> {
        let people = self.links.iter();
        let people = people.filter(|link| link.mapping.as_str() != "accounts");
        people.filter_map(|link| {
            let (s, h) = (link.ids.salesforce.as_ref()?, link.ids.hubspot.as_ref()?);
            let pair = (s.as_str().to_owned(), h.as_str().to_owned());
            Some((pair, link.created_at))
        })
    }

    /// Everything that a person or a rule had to decide about.
    pub fn conflicts(&self) -> u64 {
        self.items.len() as u64
    }

    pub fn run(&self, run: RunId) -> Option<&RunRecord> {
        self.runs.iter().find(|one| one.run == run)
    }
}

/// I-7, I-25: the store is sound.
pub(super) fn sound(scene: &Scene<'_>, broken: &mut Vec<Broken>) {
    for finding in &scene.books.unsound {
        broken.push(Broken::new("I-7/I-25", finding.clone()));
    }
}
