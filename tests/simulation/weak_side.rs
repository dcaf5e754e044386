//! A side whose answers lack what a weakness takes away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use syncline::crm::{
    Allowance, Crm, CrmError, FieldVersion, Found, Identity, Meter, Page, Person, Purpose, SafeNow,
    SideHealth, Window, WriteKind, WriteRequest, WriteResult,
};
use syncline::domain::{
    Members, ObjectSchema, Observation, PerSide, Presence, RecordId, SetKind, Side,
};

use crate::weak::Weakness;

/// The sides under a weakness.
pub fn sides(weakness: Weakness, crm: PerSide<Arc<dyn Crm>>) -> PerSide<Arc<dyn Crm>> {
    let weak = |inner: Arc<dyn Crm>| -> Arc<dyn Crm> {
        Arc::new(WeakSide {
            inner,
            weakness,
            seen: Mutex::default(),
            sent: Mutex::default(),
            walks: Mutex::default(),
        })
    };
    PerSide {
        salesforce: weak(crm.salesforce),
        hubspot: weak(crm.hubspot),
    }
}

/// The side.
struct WeakSide {
    inner: Arc<dyn Crm>,
    weakness: Weakness,
    /// The last look at each record.
    seen: Mutex<BTreeMap<(String, RecordId), Observation>>,
    /// What was last sent of each record.
    sent: Mutex<BTreeMap<(String, RecordId), WriteRequest>>,
    /// The last walk over each object.
    walks: Mutex<BTreeMap<String, Walk>>,
}

/// What a walk met, and what was seen since.
#[derive(Default)]
struct Walk {
    met: BTreeSet<RecordId>,
    whole: bool,
}

impl WeakSide {
    fn remember(&self, records: &[Observation]) {
        let mut seen = self.seen.lock().unwrap();
        for record in records {
            seen.insert((record.object.clone(), record.id.clone()), record.clone());
        }
    }

    /// What is merged into another record, or does not answer, passes for deleted; a converted Lead for any Lead.
    fn misread(&self, record: &mut Observation) {
        let converted = matches!(record.presence, Presence::Converted(_));
        if converted && self.weakness == Weakness::UntoldConversions {
            record.presence = Presence::Live;
            return;
        }
        let wrong = match record.presence {
            Presence::MergedInto(_) => self.weakness == Weakness::MergedIsDeleted,
            Presence::Inaccessible => self.weakness == Weakness::DeleteOn404,
            _ => false,
        };
        if wrong {
            record.presence = Presence::Deleted;
        }
    }

    fn walked(&self, object: &str, resume: Option<&str>, page: &Page) {
        let mut walks = self.walks.lock().unwrap();
        let walk = walks.entry(object.to_owned()).or_default();
        if resume.is_none() {
            *walk = Walk::default();
        }
        walk.met
            .extend(page.records.iter().map(|one| one.id.clone()));
        walk.whole = page.next.is_none();
    }

    /// What the last walk did not meet passes for deleted.
    fn unmet(&self, object: &str, record: &mut Observation) {
        let walks = self.walks.lock().unwrap();
        let walk = walks.get(object).filter(|walk| walk.whole);
        if walk.is_some_and(|walk| !walk.met.contains(&record.id)) {
            record.presence = Presence::Deleted;
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
        let mut identity = self.inner.identity().await?;
        if self.weakness == Weakness::AnyAccount {
            identity.account = "an account".to_owned();
        }
        Ok(identity)
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
        let mut page = self.inner.changed(object, fields, window, resume).await?;
        if let Some(walk) = self.walks.lock().unwrap().get_mut(object) {
            walk.met
                .extend(page.records.iter().map(|one| one.id.clone()));
        }
        page.records.iter_mut().for_each(|one| self.misread(one));
        self.remember(&page.records);
        Ok(page)
    }

    async fn list(
        &self,
        object: &str,
        fields: &[String],
        resume: Option<&str>,
    ) -> Result<Page, CrmError> {
        let mut page = self.inner.list(object, fields, resume).await?;
        self.walked(object, resume, &page);
        page.records.iter_mut().for_each(|one| self.misread(one));
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
        let records = found.iter_mut().flat_map(|one| &mut one.records);
        records.for_each(|one| self.misread(one));
        if self.weakness == Weakness::UnmetIsGone && purpose == Purpose::Complete {
            let records = found.iter_mut().flat_map(|one| &mut one.records);
            records.for_each(|one| self.unmet(object, one));
        }
        if self.weakness == Weakness::NoPreRead && purpose == Purpose::Complete {
            let seen = self.seen.lock().unwrap();
            for record in found.iter_mut().flat_map(|one| &mut one.records) {
                if let Some(old) = seen.get(&(object.to_owned(), record.id.clone())) {
                    *record = old.clone();
                }
            }
        }
        if self.weakness == Weakness::BlindUndo && purpose == Purpose::Complete {
            // What was last sent passes for what is there.
            let sent = self.sent.lock().unwrap();
            for record in found.iter_mut().flat_map(|one| &mut one.records) {
                if let Some(request) = sent.get(&(object.to_owned(), record.id.clone())) {
                    self.pretend(request, record);
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
        let mut found = self
            .inner
            .search(purpose, object, field, values, fields)
            .await?;
        found.iter_mut().for_each(|one| self.misread(one));
        Ok(found)
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

    async fn associated(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, BTreeSet<RecordId>>, CrmError> {
        self.inner.associated(object, ids, to_object).await
    }

    async fn members(
        &self,
        object: &str,
        ids: &[RecordId],
        set: SetKind,
    ) -> Result<BTreeMap<RecordId, Members>, CrmError> {
        self.inner.members(object, ids, set).await
    }

    async fn write(
        &self,
        purpose: Purpose,
        request: &WriteRequest,
    ) -> Result<Vec<WriteResult>, CrmError> {
        let mut results = self.inner.write(purpose, request).await?;
        if self.weakness == Weakness::BlindUndo {
            let mut sent = self.sent.lock().unwrap();
            for item in &request.items {
                if let Some(id) = &item.id {
                    sent.insert((request.object.clone(), id.clone()), request.clone());
                }
            }
        }
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
