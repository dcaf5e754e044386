//! Engines that lack something, made from outside: the proof that the spec world would see it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use syncline::crm::{HttpRequest, HttpResponse};
use syncline::domain::{ConflictRule, Side};
use syncline::engine::Rules;
use syncline::store::{Batch, Entry, Family, Key, Range, Store, StoreError, keys};

use crate::steps::{Cut, DeleteUpdate, Deletes, Leaves, On, Plot, Rule, Step};
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
    /// Salesforce does not tell what a record was merged into.
    UntoldMerges,
    /// The scope is not looked at.
    NoScope,
    /// Changed rules are not taken over.
    OldRules,
    /// A store that was put back does not say so.
    NoRestoreMark,
    /// A person is asked where an edit should win over a deletion.
    EditsDoNotWin,
}

const ALL: [Weakness; 12] = [
    Weakness::OtherRule,
    Weakness::SwallowedWrites,
    Weakness::NoDirtyMarks,
    Weakness::NoBases,
    Weakness::NoConflicts,
    Weakness::NoLinks,
    Weakness::NoOverlap,
    Weakness::UntoldMerges,
    Weakness::NoScope,
    Weakness::OldRules,
    Weakness::NoRestoreMark,
    Weakness::EditsDoNotWin,
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
            Weakness::NoScope => {
                for mapping in &mut rules.mappings {
                    mapping.scope = None;
                }
            }
            Weakness::EditsDoNotWin => {
                for mapping in &mut rules.mappings {
                    mapping.delete_update = Default::default();
                }
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
        if self.weakness == Weakness::NoRestoreMark && key == keys::meta(keys::META_EPOCH) {
            return Ok(None);
        }
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

/// Salesforce's answer without what its records were merged into.
pub fn untold(answer: &mut HttpResponse) {
    let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&answer.body) else {
        return;
    };
    let records = match body.get_mut("records") {
        Some(records) => records,
        None => &mut body,
    };
    for record in records.as_array_mut().into_iter().flatten() {
        if let Some(master) = record.get_mut("MasterRecordId") {
            *master = serde_json::Value::Null;
        }
    }
    answer.body = body.to_string().into_bytes();
}

/// A world of one person and one firm, for histories that tell a weakness.
fn plot(rule: Rule) -> Plot {
    Plot {
        rules: [rule; 3],
        deletes: Deletes::Ignore,
        delete_update: DeleteUpdate::Ask,
        leaves: Leaves::Keep,
        people: vec![On::Both],
        firms: vec![On::Both],
    }
}

fn write(side: Side, clear: bool) -> Step {
    Step::Write {
        side,
        who: 0,
        field: 0,
        clear,
    }
}

fn sync() -> [Step; 2] {
    [Step::Wait(60), Step::Sync(Cut::None)]
}

/// A history that tells each weakness.
fn telling(weakness: Weakness) -> (Plot, Vec<Step>) {
    let s = || write(Side::Salesforce, false);
    let h = || write(Side::HubSpot, false);
    let mut steps = sync().to_vec();
    let mut plot = plot(Rule::Newest);
    match weakness {
        Weakness::OtherRule | Weakness::NoConflicts => {
            steps.extend([s(), h()]);
            plot.rules = [Rule::Ask; 3];
        }
        Weakness::SwallowedWrites => steps.push(h()),
        Weakness::NoDirtyMarks => {
            // The run dies when all is read, and before anything is made.
            steps.extend([Step::Enter(On::Salesforce), Step::Wait(60)]);
            steps.push(Step::Sync(Cut::Dies {
                crossing: 50,
                keeps: 0,
            }));
            steps.push(Step::Wait(3_600));
        }
        Weakness::NoBases => {
            steps.push(s());
            steps.extend(sync());
            steps.push(write(Side::Salesforce, true));
        }
        Weakness::NoLinks => steps.push(s()),
        Weakness::NoOverlap => {
            steps.extend([Step::Lag(120), h()]);
            steps.extend([Step::Wait(90), Step::Sync(Cut::None)]);
        }
        Weakness::UntoldMerges => {
            plot.deletes = Deletes::Archive;
            plot.people.push(On::Both);
            steps.push(Step::Merge {
                side: Side::Salesforce,
                winner: 0,
                loser: 1,
            });
        }
        Weakness::NoScope => {
            plot.leaves = Leaves::Freeze;
            steps.extend([Step::Scope { who: 0, away: true }, s()]);
        }
        Weakness::OldRules => {
            plot.rules = [Rule::Ask; 3];
            let rule = Rule::HubSpot;
            steps.extend([Step::Config { field: 0, rule }, s(), h()]);
        }
        Weakness::NoRestoreMark => {
            // What an undo wrote since looks like a vendor's form of the write that it took back.
            steps.extend([s(), Step::Wait(60), Step::Sync(Cut::None)]);
            steps.extend([Step::BackUp, Step::Undo { back: 0 }, Step::Recall]);
        }
        Weakness::EditsDoNotWin => {
            plot.delete_update = DeleteUpdate::UpdateWins;
            let (side, who) = (Side::Salesforce, 0);
            steps.extend([h(), Step::Delete { side, who }]);
        }
    }
    steps.extend(sync());
    (plot, steps)
}

#[test]
fn an_engine_that_lacks_something_is_caught_and_one_that_lacks_nothing_is_not() {
    for weakness in ALL {
        let (plot, steps) = telling(weakness);
        play(&plot, &steps, None).unwrap();
        let told = play(&plot, &steps, Some(weakness));
        assert!(told.is_err(), "{weakness:?} is not seen");
    }
}
