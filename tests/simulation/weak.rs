//! Engines with one defence taken away, as a proof that the simulation would see its loss (docs/design/testing.md 2.5). Each is made
//! from outside: a setting, a side that tells something else, a store that forgets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline::crm::{
    Allowance, Crm, CrmError, FieldVersion, Found, Identity, Meter, Page, Person, Purpose, SafeNow,
    SideHealth, Window, WriteKind, WriteRequest, WriteResult,
};
use syncline::domain::{ObjectSchema, Observation, PerSide, RecordId, Side};
use syncline::engine::Rules;
use syncline::store::{Batch, Family};

use crate::story::Story;

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// No look at a record right before it is written: an old look does.
    NoPreRead,
    /// No overlap of windows, and no waiting for the index.
    NoOverlap,
    /// Unanswered writes are decided about at once.
    NoSettleDelay,
    /// An unanswered write is sent again.
    BlindResend,
    /// Commits are not made durable.
    NoFlush,
    /// The base is what was sent, not what was read back.
    BaseFromSent,
    /// The newest edit is told by the record's time.
    RecordTimes,
    /// Dirty marks are not stored.
    NoDirtyMarks,
    /// Recovery finds nothing that an unanswered create has made.
    NoRecovery,
    /// Conflicts are not kept.
    NoConflicts,
}

impl Weakness {
    pub const ALL: [Weakness; 10] = [
        Weakness::NoPreRead,
        Weakness::NoOverlap,
        Weakness::NoSettleDelay,
        Weakness::BlindResend,
        Weakness::NoFlush,
        Weakness::BaseFromSent,
        Weakness::RecordTimes,
        Weakness::NoDirtyMarks,
        Weakness::NoRecovery,
        Weakness::NoConflicts,
    ];

    /// The world in which the defence is needed most.
    pub fn world(self, story: &mut Story) {
        match self {
            // Where no key tells two creates apart.
            Weakness::NoSettleDelay | Weakness::BlindResend | Weakness::NoRecovery => {
                story.unkeyed = true;
                story.faults = String::new();
            }
            Weakness::NoPreRead => story.faults = String::new(),
            Weakness::NoOverlap => story.faults = "lag".to_owned(),
            _ => {}
        }
    }

    /// The rules under it.
    pub fn rules(self, rules: &mut Rules) {
        match self {
            Weakness::NoOverlap => {
                rules.settings.overlap_salesforce = Duration::ZERO;
                rules.settings.overlap_uncovered = Duration::ZERO;
                rules.settings.overlap_hubspot = Duration::ZERO;
            }
            Weakness::NoSettleDelay => rules.settings.settle_delay = Duration::ZERO,
            Weakness::NoPreRead => rules.settings.max_age = Duration::from_secs(1_000_000),
            _ => {}
        }
    }

    /// What the store takes of a batch.
    pub fn store(self, mut batch: Batch) -> Batch {
        let forget = match self {
            Weakness::NoDirtyMarks => Family::Dirty,
            Weakness::NoConflicts => Family::Conflict,
            _ => return batch,
        };
        batch
            .writes
            .retain(|(key, value)| value.is_none() || key.0.first() != Some(&(forget as u8)));
        batch
    }

    /// The sides under it.
    pub fn sides(self, crm: PerSide<Arc<dyn Crm>>) -> PerSide<Arc<dyn Crm>> {
        let weak = |inner: Arc<dyn Crm>| -> Arc<dyn Crm> {
            Arc::new(WeakSide {
                inner,
                weakness: self,
                seen: Mutex::default(),
                sent: Mutex::default(),
            })
        };
        PerSide {
            salesforce: weak(crm.salesforce),
            hubspot: weak(crm.hubspot),
        }
    }
}

/// A side whose answers lack what a weakness takes away.
struct WeakSide {
    inner: Arc<dyn Crm>,
    weakness: Weakness,
    /// The last look at each record.
    seen: Mutex<BTreeMap<(String, RecordId), Observation>>,
    /// What was last sent of each record.
    sent: Mutex<BTreeMap<(String, RecordId), WriteRequest>>,
}

impl WeakSide {
    fn remember(&self, records: &[Observation]) {
        let mut seen = self.seen.lock().unwrap();
        for record in records {
            seen.insert((record.object.clone(), record.id.clone()), record.clone());
        }
    }

    /// Puts what was sent in place of what is there.
    fn pretend(&self, request: &WriteRequest, record: &mut Observation) {
        for item in &request.items {
            if item.id.as_ref() == Some(&record.id) {
                for (field, value) in &item.fields {
                    record.fields.insert(field.clone(), value.clone());
                }
            }
        }
    }
}

#[async_trait]
impl Crm for WeakSide {
    fn side(&self) -> Side {
        self.inner.side()
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }

    fn health(&self) -> SideHealth {
        self.inner.health()
    }

    fn server_now(&self) -> DateTime<Utc> {
        self.inner.server_now()
    }

    fn batch_size(&self, kind: &WriteKind) -> usize {
        self.inner.batch_size(kind)
    }

    async fn identity(&self) -> Result<Identity, CrmError> {
        self.inner.identity().await
    }

    async fn describe(&self, object: &str) -> Result<ObjectSchema, CrmError> {
        self.inner.describe(object).await
    }

    async fn people(&self) -> Result<Vec<Person>, CrmError> {
        self.inner.people().await
    }

    async fn allowance(&self) -> Result<Allowance, CrmError> {
        self.inner.allowance().await
    }

    async fn safe_now(&self, object: &str) -> Result<SafeNow, CrmError> {
        let mut safe = self.inner.safe_now(object).await?;
        if self.weakness == Weakness::NoOverlap {
            safe.safe = safe.server_now;
        }
        Ok(safe)
    }

    async fn changed(
        &self,
        object: &str,
        fields: &[String],
        window: Window,
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        let page = self.inner.changed(object, fields, window, resume).await?;
        self.remember(&page.records);
        Ok(page)
    }

    async fn list(
        &self,
        object: &str,
        fields: &[String],
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        let page = self.inner.list(object, fields, resume).await?;
        self.remember(&page.records);
        Ok(page)
    }

    async fn read(
        &self,
        purpose: Purpose,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        let mut found = self.inner.read(purpose, object, ids, fields).await?;
        if self.weakness == Weakness::NoPreRead && purpose == Purpose::Complete {
            let seen = self.seen.lock().unwrap();
            for record in found.iter_mut().flat_map(|one| &mut one.records) {
                if let Some(old) = seen.get(&(object.to_owned(), record.id.clone())) {
                    *record = old.clone();
                }
            }
        }
        if self.weakness == Weakness::BaseFromSent && purpose == Purpose::ReadBack {
            let sent = self.sent.lock().unwrap();
            for record in found.iter_mut().flat_map(|one| &mut one.records) {
                if let Some(request) = sent.get(&(object.to_owned(), record.id.clone())) {
                    self.pretend(request, record);
                }
            }
        }
        Ok(found)
    }

    async fn look_up(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError> {
        let mut found = self
            .inner
            .look_up(purpose, object, field, values, fields)
            .await?;
        if self.weakness == Weakness::NoRecovery {
            found.iter_mut().for_each(|one| one.records.clear());
        }
        Ok(found)
    }

    async fn search(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Observation>, CrmError> {
        if self.weakness == Weakness::NoRecovery {
            return Ok(Vec::new());
        }
        self.inner
            .search(purpose, object, field, values, fields)
            .await
    }

    async fn field_times(
        &self,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<BTreeMap<RecordId, BTreeMap<String, Vec<FieldVersion>>>, CrmError> {
        let mut times = self.inner.field_times(object, ids, fields).await?;
        if self.weakness == Weakness::RecordTimes {
            for versions in times.values_mut() {
                let newest = versions.values().flatten().map(|one| one.at).max();
                for version in versions.values_mut().filter_map(|all| all.first_mut()) {
                    version.at = newest.unwrap_or(version.at);
                    version.at += chrono::TimeDelta::hours(1);
                    version.ours = false;
                }
            }
        }
        Ok(times)
    }

    async fn primary_associations(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, Option<RecordId>>, CrmError> {
        self.inner
            .primary_associations(object, ids, to_object)
            .await
    }

    async fn write(
        &self,
        purpose: Purpose,
        request: &WriteRequest,
    ) -> Result<Vec<WriteResult>, CrmError> {
        let mut results = self.inner.write(purpose, request).await?;
        if self.weakness == Weakness::BaseFromSent {
            let mut sent = self.sent.lock().unwrap();
            for item in &request.items {
                if let Some(id) = &item.id {
                    sent.insert((request.object.clone(), id.clone()), request.clone());
                }
            }
            for result in &mut results {
                if let WriteResult::Done {
                    stored: Some(stored),
                    ..
                } = result
                {
                    self.pretend(request, stored);
                }
            }
        }
        Ok(results)
    }

    async fn make_key_field(&self, object: &str, field: &str) -> Result<(), CrmError> {
        self.inner.make_key_field(object, field).await
    }
}
