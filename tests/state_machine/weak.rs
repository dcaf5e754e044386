//! Engines that lack something, made from outside: the proof that the spec world would see it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use syncline::crm::{HttpRequest, HttpResponse};
use syncline::domain::{ConflictRule, Side};
use syncline::engine::Rules;
use syncline::store::{Batch, Entry, Family, Key, Range, Store, StoreError};

use crate::steps::{Cut, Deletes, On, Plot, Rule, Step};
use crate::world::play;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Salesforce wins every conflict, whatever the rules say.
    OtherRule,
    /// Updates of Salesforce are answered and not carried out.
    SwallowedWrites,
    /// What has to be done is not kept.
    NoDirtyMarks,
    /// What was settled is not kept.
    NoBases,
    /// Conflicts are not kept.
    NoConflicts,
    /// Which records are linked is not kept.
    NoLinks,
    /// No overlap of windows, and no waiting for the index.
    NoOverlap,
}

const ALL: [Weakness; 7] = [
    Weakness::OtherRule,
    Weakness::SwallowedWrites,
    Weakness::NoDirtyMarks,
    Weakness::NoBases,
    Weakness::NoConflicts,
    Weakness::NoLinks,
    Weakness::NoOverlap,
];

impl Weakness {
    pub fn rules(self, rules: &mut Rules) {
        match self {
            Weakness::OtherRule => {
                for mapping in &mut rules.mappings {
                    for pair in &mut mapping.pairs {
                        pair.conflict = vec![ConflictRule::Salesforce];
                    }
                }
            }
            Weakness::NoOverlap => {
                rules.settings.overlap_salesforce = Duration::ZERO;
                rules.settings.overlap_uncovered = Duration::ZERO;
                rules.settings.overlap_hubspot = Duration::ZERO;
                rules.settings.sweep.hubspot = Duration::from_secs(1 << 30);
            }
            _ => {}
        }
    }

    fn forgets(self) -> Option<Family> {
        match self {
            Weakness::NoDirtyMarks => Some(Family::Dirty),
            Weakness::NoBases => Some(Family::Base),
            Weakness::NoConflicts => Some(Family::Conflict),
            Weakness::NoLinks => Some(Family::LinkIndex),
            _ => None,
        }
    }
}

/// A store that does not take everything.
pub struct Forgetful {
    pub inner: Arc<dyn Store>,
    pub weakness: Weakness,
}

impl Forgetful {
    fn kept(&self, mut batch: Batch) -> Batch {
        if let Some(family) = self.weakness.forgets() {
            batch
                .writes
                .retain(|(key, _)| key.0.first() != Some(&(family as u8)));
        }
        batch
    }
}

#[async_trait]
impl Store for Forgetful {
    async fn get(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key).await
    }

    async fn get_many(&self, keys: Vec<Key>) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.inner.get_many(keys).await
    }

    async fn range(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.inner.range(range).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.apply(self.kept(batch)).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.inner.commit(self.kept(batch)).await
    }

    fn rows_read(&self) -> u64 {
        self.inner.rows_read()
    }
}

/// The answer to an update of Salesforce that is not carried out.
pub fn swallowed(request: &HttpRequest) -> Option<HttpResponse> {
    if request.method != "PATCH" || !request.url.ends_with("/composite/sobjects") {
        return None;
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).ok()?;
    let done = body["records"]
        .as_array()?
        .iter()
        .map(|record| serde_json::json!({"id": record["id"], "success": true, "errors": []}));
    let body = serde_json::Value::Array(done.collect())
        .to_string()
        .into_bytes();
    Some(HttpResponse {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body,
    })
}

/// A history that tells each weakness: its rules and its steps, in a world of one person and one firm.
fn telling(weakness: Weakness) -> (Rule, Vec<Step>) {
    let write = |side, clear| Step::Write {
        side,
        who: 0,
        field: 0,
        clear,
    };
    let (s, h) = (write(Side::Salesforce, false), write(Side::HubSpot, false));
    let sync = || [Step::Wait(60), Step::Sync(Cut::None)];
    let mut steps = sync().to_vec();
    let rule = match weakness {
        Weakness::OtherRule | Weakness::NoConflicts => {
            steps.extend([s, h]);
            Rule::Ask
        }
        Weakness::SwallowedWrites => {
            steps.push(h);
            Rule::Newest
        }
        Weakness::NoDirtyMarks => {
            // The run dies when all is read, and before anything is made.
            steps.extend([Step::Enter(On::Salesforce), Step::Wait(60)]);
            steps.push(Step::Sync(Cut::Dies {
                crossing: 50,
                keeps: 0,
            }));
            steps.push(Step::Wait(3_600));
            Rule::Newest
        }
        Weakness::NoBases => {
            steps.push(s);
            steps.extend(sync());
            steps.push(write(Side::Salesforce, true));
            Rule::Newest
        }
        Weakness::NoLinks => {
            steps.push(s);
            Rule::Newest
        }
        Weakness::NoOverlap => {
            steps.extend([Step::Lag(120), h]);
            steps.extend([Step::Wait(90), Step::Sync(Cut::None)]);
            Rule::Newest
        }
    };
    steps.extend(sync());
    (rule, steps)
}

#[test]
fn an_engine_that_lacks_something_is_caught_and_one_that_lacks_nothing_is_not() {
    for weakness in ALL {
        let (rule, steps) = telling(weakness);
        let plot = Plot {
            rules: [rule; 3],
            deletes: Deletes::Ignore,
            people: vec![On::Both],
            firms: vec![On::Both],
        };
        play(&plot, &steps, None).unwrap();
        let told = play(&plot, &steps, Some(weakness));
        assert!(told.is_err(), "{weakness:?} is not seen");
    }
}
