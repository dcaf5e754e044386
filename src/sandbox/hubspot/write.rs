//! The commit of every write: values, derived values, stamps, history, associations that follow, the index.

use chrono::{DateTime, Utc};

use crate::sandbox::fields::Packed;
use crate::sandbox::history::{Author, Event, History, Version};

use super::Portal;
use super::check::forward_only;
use super::index::Fields;
use super::kinds::Kind;
use super::property::KEY;
use super::table::Record;
use super::text::{instant, parse_instant};

impl Portal {
    /// Makes a record of checked values.
    pub(super) fn create_record(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        values: Fields,
    ) -> u64 {
        let id = self.table_mut(kind).fresh_id();
        let mut values = values;
        values.retain(|_, value| !value.is_empty());
        if kind == Kind::COMPANIES
            && let Some(domain) = values.get("domain").cloned()
        {
            values.entry("website".into()).or_insert(domain);
        }
        let mut fields = values.clone();
        self.born(now, by, kind, id, &mut fields);
        self.derive(now, kind, &Packed::default(), &mut fields, &values);
        let created = fields
            .get(kind.row().created)
            .and_then(|text| parse_instant(text))
            .unwrap_or(now);
        let mut history = History::default();
        let pool = &mut self.table_mut(kind).pool;
        history.push(Version::new(now, by, Event::Created, pool.pack(&values)));
        let by_api = matches!(by, Author::Api(_));
        let record = Record {
            fields: pool.pack(&fields),
            created,
            modified: now,
            archived: None,
            history,
            by_api,
            keyed: false,
            merged: Vec::new(),
        };
        self.table_mut(kind).insert(id, record);
        self.counts.made(kind, by);
        self.finish(now, by, kind, id, &values);
        id
    }

    /// Changes a live record; `false` when nothing had to be stored.
    pub(super) fn update_record(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        id: u64,
        values: &Fields,
    ) -> bool {
        let Some(record) = self.table(kind).records.get(&id) else {
            return false;
        };
        let before = record.fields.clone();
        let differs = |(name, value): (&String, &String)| {
            before.get(name).unwrap_or_default() != value.as_str()
        };
        if values.is_empty() || (!self.settings.equal_write_bumps && !values.iter().any(differs)) {
            return false;
        }
        let mut set = values.clone();
        self.derive(now, kind, &before, &mut set, values);
        set.insert(kind.row().modified.into(), instant(now));
        if let Author::Colleague(user) = by {
            set.insert("hs_updated_by_user_id".into(), user.clone());
        }
        let table = self.table_mut(kind);
        table.set(id, &set);
        table.note(id, now, by, Event::Updated, values);
        if let Some(record) = table.records.get_mut(&id) {
            record.modified = now;
            if let Some(at) = values
                .get(kind.row().created)
                .and_then(|text| parse_instant(text))
            {
                record.created = at;
            }
        }
        self.finish(now, by, kind, id, values);
        true
    }

    /// Puts a live record into the recycling bin; its associations go. The modified stamp stays (3.25).
    pub(super) fn archive_record(&mut self, now: DateTime<Utc>, by: &Author, kind: Kind, id: u64) {
        for to in self.links.partner_kinds(kind, id) {
            let partners: Vec<u64> = self.links.of(kind, id, to).map(|(id, _)| id).collect();
            for partner in partners {
                self.links.untie((kind, id), (to, partner));
                if kind == Kind::COMPANIES && to == Kind::CONTACTS {
                    self.mirror_company(now, by, partner);
                }
            }
        }
        let lag = self.settings.index_lag;
        let table = self.table_mut(kind);
        table.retire(id, now);
        table.note(id, now, by, Event::Deleted, &Fields::new());
        table.reindex(now, lag, id);
    }

    /// The values that the portal itself gives a new record (3.12).
    pub(super) fn born(
        &self,
        now: DateTime<Utc>,
        by: &Author,
        kind: Kind,
        id: u64,
        fields: &mut Fields,
    ) {
        let row = kind.row();
        let (source, source_id) = source(by);
        let mut put = |name: &str, value: String| {
            fields.entry(name.to_owned()).or_insert(value);
        };
        put(row.created, instant(now));
        put("hs_createdate", instant(now));
        put(row.modified, instant(now));
        put("hs_object_id", id.to_string());
        put("hs_object_source", source.to_owned());
        put("hs_object_source_id", source_id);
        put("hs_object_source_label", source.to_owned());
        if let Author::Colleague(user) = by {
            put("hs_created_by_user_id", user.clone());
            put("hs_updated_by_user_id", user.clone());
        }
        if kind == Kind::CONTACTS || kind == Kind::COMPANIES {
            put("hs_pipeline", format!("{}-lifecycle-pipeline", row.plural));
            if let Some(stage) = &self.settings.new_lifecyclestage {
                put("lifecyclestage", stage.clone());
            }
        }
        if kind == Kind::CONTACTS {
            put("hs_all_contact_vids", id.to_string());
            put("hs_is_contact", "true".into());
            put("hs_is_unworked", "true".into());
            put("hs_marketable_status", "false".into());
        }
        if kind == Kind::TASKS {
            put("hs_task_status", "NOT_STARTED".into());
        }
    }

    /// Values that follow from others.
    fn derive(
        &self,
        now: DateTime<Utc>,
        kind: Kind,
        before: &Packed,
        fields: &mut Fields,
        written: &Fields,
    ) {
        if kind == Kind::CONTACTS
            && let Some(email) = written.get("email")
        {
            let host = email.rsplit_once('@').map_or("", |(_, host)| host);
            fields.insert("hs_email_domain".into(), host.to_owned());
        }
        if let Some(owner) = written.get("hubspot_owner_id")
            && before.get("hubspot_owner_id") != Some(owner)
        {
            fields.insert("hubspot_owner_assigneddate".into(), instant(now));
            fields.insert("hs_all_owner_ids".into(), owner.clone());
        }
        if kind == Kind::TASKS
            && written
                .get("hs_task_status")
                .is_some_and(|status| status == "COMPLETED")
        {
            fields.insert("hs_task_completion_date".into(), instant(now));
        }
        if kind == Kind::DEALS
            && let Some(stage) = written.get("dealstage")
        {
            let stages = self
                .pipelines
                .get(&kind)
                .into_iter()
                .flatten()
                .flat_map(|pipeline| &pipeline.stages);
            let Some(stage) = stages.into_iter().find(|known| known.id == *stage) else {
                return;
            };
            let (closed, won) = stage.closed();
            fields.insert("hs_is_closed".into(), closed.to_string());
            fields.insert("hs_is_closed_won".into(), won.to_string());
            if let Some(probability) = stage.metadata.get("probability") {
                fields.insert("hs_deal_stage_probability".into(), probability.clone());
            }
            let dated = fields
                .get("closedate")
                .map(String::as_str)
                .or_else(|| before.get("closedate"))
                .is_some_and(|at| !at.is_empty());
            if closed && !dated {
                fields.insert("closedate".into(), instant(now));
            }
        }
    }

    /// What follows a commit: key count, primary company, won deals, the index.
    fn finish(&mut self, now: DateTime<Utc>, by: &Author, kind: Kind, id: u64, values: &Fields) {
        if matches!(by, Author::Api(_))
            && let Some(key) = values.get(KEY).filter(|key| !key.is_empty())
            && let Some(record) = self.tables[kind.at()].records.get_mut(&id)
            && record.by_api
            && !std::mem::replace(&mut record.keyed, true)
        {
            self.counts.keyed(kind, key, id);
        }
        if kind == Kind::CONTACTS
            && let Some(company) = values.get("associatedcompanyid")
        {
            self.follow_company(now, by, id, company);
        }
        if kind == Kind::DEALS
            && self.settings.won_deal_makes_customer
            && values.contains_key("dealstage")
        {
            self.won_deal(now, id);
        }
        let lag = self.settings.index_lag;
        self.table_mut(kind).reindex(now, lag, id);
    }

    /// Writing `associatedcompanyid` makes that company the primary one; "" takes the association off (6.8).
    pub(super) fn follow_company(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        contact: u64,
        company: &str,
    ) {
        let old = self.links.primary(Kind::CONTACTS, contact, Kind::COMPANIES);
        if company.is_empty() {
            if let Some(old) = old {
                self.links
                    .untie((Kind::CONTACTS, contact), (Kind::COMPANIES, old));
            }
        } else if let Some((id, _)) = company
            .parse()
            .ok()
            .and_then(|id| self.table(Kind::COMPANIES).live(id))
        {
            self.links
                .tie((Kind::CONTACTS, contact), (Kind::COMPANIES, id), &[1]);
        }
        self.mirror_company(now, by, contact);
    }

    /// Keeps `associatedcompanyid` in step with the primary company; the modified stamp does not move (3.25).
    pub(super) fn mirror_company(&mut self, now: DateTime<Utc>, by: &Author, contact: u64) {
        let primary = self.links.primary(Kind::CONTACTS, contact, Kind::COMPANIES);
        let value = primary.map(|id| id.to_string()).unwrap_or_default();
        let lag = self.settings.index_lag;
        let table = self.table_mut(Kind::CONTACTS);
        let Some(record) = table.records.get(&contact) else {
            return;
        };
        if record.fields.get("associatedcompanyid").unwrap_or_default() == value {
            return;
        }
        let values = Fields::from([("associatedcompanyid".to_owned(), value)]);
        table.set(contact, &values);
        table.note(contact, now, by, Event::Updated, &values);
        table.reindex(now, lag, contact);
    }

    /// A won deal makes its contacts and companies customers (7.10).
    fn won_deal(&mut self, now: DateTime<Utc>, deal: u64) {
        let won = self
            .table(Kind::DEALS)
            .records
            .get(&deal)
            .is_some_and(|record| {
                record
                    .fields
                    .get("hs_is_closed_won")
                    .is_some_and(|won| won == "true")
            });
        if !won {
            return;
        }
        for kind in [Kind::CONTACTS, Kind::COMPANIES] {
            let partners: Vec<u64> = self
                .links
                .of(Kind::DEALS, deal, kind)
                .map(|(id, _)| id)
                .collect();
            for id in partners {
                let table = self.table(kind);
                let Some(record) = table.records.get(&id) else {
                    continue;
                };
                let mut values =
                    Fields::from([("lifecyclestage".to_owned(), "customer".to_owned())]);
                forward_only(kind, table, &record.fields, &mut values);
                if record
                    .fields
                    .get("lifecyclestage")
                    .is_some_and(|stage| stage == "customer")
                {
                    continue;
                }
                self.update_record(now, &Author::System, kind, id, &values);
            }
        }
    }
}

/// `sourceType` and `sourceId` of an author (3.8).
pub(super) fn source(by: &Author) -> (&'static str, String) {
    match by {
        Author::World => ("IMPORT", "1".into()),
        Author::Colleague(user) => ("CRM_UI", format!("userId:{user}")),
        Author::Api(app) => ("INTEGRATION", app.clone()),
        Author::System => ("AUTOMATION_PLATFORM", "1".into()),
    }
}
