//! One side as the sandbox's shell sees it: what was truly done there, and the levers that faults pull.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::ground::Ground;
use super::history::History;
use super::http::{Request, Vendor};
use super::hubspot::Portal;
use super::salesforce::Org;

/// How long a lock of HubSpot's lasts (docs/vendor/hubspot.md 10, row 35).
const LOCK: Duration = Duration::seconds(2);

/// Records made of one object, by class of author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// There from the start.
    pub world: u64,
    /// By simulated people.
    pub colleagues: u64,
    /// Through the API.
    pub api: u64,
}

/// What was truly done on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls by method and path, ids as `{id}`.
    pub calls: BTreeMap<String, u64>,
    /// All calls, refused ones too.
    pub total_calls: u64,
    /// Refused calls by status.
    pub rejected: BTreeMap<u16, u64>,
    /// Live records by object.
    pub records: BTreeMap<String, u64>,
    /// Records ever made, by object.
    pub created: BTreeMap<String, Made>,
    /// Keys under which the API made more than one record.
    pub created_twice: Vec<String>,
    /// Injected faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// The document of `GET /__sandbox/stats` (docs/design/product.md).
    pub fn json(&self) -> Value {
        let mut rejected: BTreeMap<String, u64> = self
            .rejected
            .iter()
            .map(|(status, count)| (status.to_string(), *count))
            .collect();
        rejected.entry("429".into()).or_default();
        let created: BTreeMap<&String, Value> = self
            .created
            .iter()
            .map(|(object, made)| {
                let made =
                    json!({"world": made.world, "colleagues": made.colleagues, "api": made.api});
                (object, made)
            })
            .collect();
        json!({
            "calls": self.calls, "total_calls": self.total_calls, "rejected": rejected, "records": self.records,
            "created": created, "created_twice": self.created_twice, "faults": self.faults,
        })
    }
}

/// One side behind the shell.
pub(super) trait Party: Vendor + Ground {
    /// What was truly done.
    fn stats(&self) -> Stats;
    /// Every version of a record.
    fn past(&self, object: &str, id: &str) -> Option<&History>;
    /// Ends all sessions.
    fn expire(&mut self, now: DateTime<Utc>);
    /// Locks out what the request writes to for a moment; false where it names no record.
    fn lock_out(&mut self, now: DateTime<Utc>, request: &Request) -> bool;
}

impl Party for Org {
    fn stats(&self) -> Stats {
        let named = |object: &&'static str| (*object).to_owned();
        Stats {
            calls: self.calls().clone(),
            total_calls: self.total_calls(),
            rejected: self.rejected().clone(),
            records: self
                .live_counts()
                .iter()
                .filter(|(_, count)| **count > 0)
                .map(|(object, count)| (named(object), *count))
                .collect(),
            created: self
                .created_counts()
                .iter()
                .filter(|(_, made)| made.world + made.colleagues + made.api > 0)
                .map(|(object, made)| {
                    let made = Made {
                        world: made.world,
                        colleagues: made.colleagues,
                        api: made.api,
                    };
                    (named(object), made)
                })
                .collect(),
            created_twice: self.created_twice().into_values().flatten().collect(),
            faults: BTreeMap::new(),
        }
    }

    fn past(&self, object: &str, id: &str) -> Option<&History> {
        self.history(object, id)
    }

    fn expire(&mut self, _now: DateTime<Utc>) {
        self.expire_tokens();
    }

    fn lock_out(&mut self, now: DateTime<Utc>, request: &Request) -> bool {
        let body = String::from_utf8_lossy(&request.body);
        let words = [request.path.as_str(), &body]
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()))
            .filter(|word| word.len() == 18 && word.starts_with("00"))
            .map(str::to_owned)
            .collect::<Vec<String>>();
        // The first record alone: in a batch the others go through, as at the vendor.
        let first = &words[..words.len().min(1)];
        self.lock_rows(first, now + LOCK);
        !first.is_empty()
    }
}

impl Party for Portal {
    fn stats(&self) -> Stats {
        Stats {
            calls: self.calls().clone(),
            total_calls: self.total_calls(),
            rejected: self.rejected().clone(),
            records: self.live_records(),
            created: self
                .created()
                .into_iter()
                .map(|(object, made)| {
                    let made = Made {
                        world: made.world,
                        colleagues: made.colleagues,
                        api: made.api,
                    };
                    (object, made)
                })
                .collect(),
            created_twice: self.created_twice().into_iter().map(|t| t.key).collect(),
            faults: BTreeMap::new(),
        }
    }

    fn past(&self, object: &str, id: &str) -> Option<&History> {
        self.history(object, id)
    }

    fn expire(&mut self, now: DateTime<Utc>) {
        self.expire_tokens(now);
    }

    fn lock_out(&mut self, now: DateTime<Utc>, _request: &Request) -> bool {
        self.lock(now + LOCK);
        true
    }
}
