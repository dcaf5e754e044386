//! Creating, changing, upserting and deleting one record: the same rules for the API and for people.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::sandbox::fields::{Packed, Text};
use crate::sandbox::history::{Author, Event, Version};

use super::Org;
use super::data::{Data, Row};
use super::errors::Fault;
use super::schema::field::Kind;

/// Who writes, when, and how strictly.
#[derive(Clone, Debug)]
pub struct Write {
    /// Commit time.
    pub now: DateTime<Utc>,
    /// The stamp that the rows get; older than `now` for a long transaction.
    pub stamp: DateTime<Utc>,
    /// By whom.
    pub author: Author,
    /// Whether an alert of the duplicate rule is passed over.
    pub allow_save: bool,
    /// The API version, for URLs in refusals.
    pub version: u32,
}

impl Write {
    /// Whether a caller of the API writes: what is hidden from it is hidden from no one else.
    pub fn by_api(&self) -> bool {
        matches!(self.author, Author::Api(_))
    }
}

/// What is deleted with its parent: parent, child, the child's reference.
const CASCADES: &[(&str, &str, &str)] = &[
    ("Account", "Contact", "AccountId"),
    ("Account", "Opportunity", "AccountId"),
    ("Contact", "CampaignMember", "ContactId"),
    ("Lead", "CampaignMember", "LeadId"),
    ("Campaign", "CampaignMember", "CampaignId"),
];

impl Org {
    /// Creates a record and returns its id.
    pub(super) fn create_row(
        &mut self,
        write: &Write,
        object: usize,
        body: &Map<String, Value>,
    ) -> Result<String, Fault> {
        let changes = self.changes(write, object, body, true)?;
        let changes = self.with_derived(object, changes);
        let mut row = self.new_row(String::new(), object, write.stamp, &write.author);
        let Data { schema, pool, .. } = &mut self.data;
        let fields = &schema.objects[object].fields;
        for (place, field) in fields.iter().enumerate() {
            row.values[place] = match field.kind {
                Kind::Boolean(default) if field.createable || field.defaulted => {
                    Some(pool.text(&default.to_string()))
                }
                _ if field.name == "OwnerId" => Some(pool.text(&row.created_by)),
                _ => field.default.map(|text| pool.text(text)),
            };
        }
        for (place, value) in changes {
            let keep_default = value.is_none() && fields[place].defaulted;
            if !keep_default {
                row.values[place] = value.map(|text| pool.text(&text));
            }
        }
        let set = fields.iter().zip(&row.values);
        let set = pool.pack(set.filter_map(|(field, value)| Some((field.name, value.as_ref()?))));
        self.check(write, object, None, &row.values)?;
        row.id = self.data.next_id(object);
        row.history
            .push(Version::new(write.now, &write.author, Event::Created, set));
        let id = row.id.clone();
        self.data.add(object, row);
        self.follow_account(write, object, &id);
        Ok(id)
    }

    /// Changes a record; a write of what is there already counts as a change.
    pub(super) fn update_row(
        &mut self,
        write: &Write,
        object: usize,
        place: usize,
        body: &Map<String, Value>,
    ) -> Result<(), Fault> {
        let changes = self.changes(write, object, body, false)?;
        let row = &self.data.tables[object].rows[place];
        if row.hidden && write.by_api() {
            return Err(Fault::not_found());
        }
        if row.deleted.is_some() {
            return Err(Fault::deleted());
        }
        self.check_converted(object, place)?;
        let mut values = row.values.clone();
        let changes = self.with_derived(object, changes);
        let Data { schema, pool, .. } = &mut self.data;
        let fields = &schema.objects[object].fields;
        let set = changes.iter().map(|(place, value)| {
            let value = value.as_deref().unwrap_or_default();
            (fields[*place].name, value)
        });
        let set = pool.pack(set);
        for (place, value) in changes {
            values[place] = value.map(|text| pool.text(&text));
        }
        self.check(write, object, Some(place), &values)?;
        let user = self.user_of(&write.author);
        let by = write.clone();
        self.data.change(object, place, move |row| {
            row.values = values;
            touch(row, &by, user);
            row.history
                .push(Version::new(by.now, &by.author, Event::Updated, set));
        });
        let id = self.data.tables[object].rows[place].id.clone();
        self.follow_account(write, object, &id);
        Ok(())
    }

    fn check(
        &mut self,
        write: &Write,
        object: usize,
        own: Option<usize>,
        values: &[Option<Text>],
    ) -> Result<(), Fault> {
        self.check_required(object, values)?;
        let id = own.map(|place| self.data.tables[object].rows[place].id.clone());
        self.check_locks(write.now, id.as_deref(), object, values)?;
        self.check_unique(object, own, values)?;
        self.check_relation(object, own, values)?;
        self.check_validation_rule(object, values)?;
        if write.allow_save {
            return Ok(());
        }
        self.check_duplicates(object, own, values, write.version)
    }

    /// Moves a record, and what hangs on it, to the recycle bin.
    pub(super) fn delete_row(
        &mut self,
        write: &Write,
        object: usize,
        place: usize,
    ) -> Result<(), Fault> {
        let definition = &self.data.schema.objects[object];
        if !definition.deletable {
            let what = format!("entity type {} does not support delete", definition.name);
            return Err(Fault::new("INSUFFICIENT_ACCESS_OR_READONLY", what).status(403));
        }
        let name = definition.name;
        let row = &self.data.tables[object].rows[place];
        if row.deleted.is_some() {
            return Err(Fault::deleted());
        }
        let id = row.id.clone();
        self.check_locks(write.now, Some(&id), object, &[])?;
        self.check_direct(object, place)?;
        self.bin(write, object, place);
        for (_, child, field) in CASCADES.iter().filter(|(parent, _, _)| *parent == name) {
            let Some(child) = self.data.schema.find(child) else {
                continue;
            };
            let Some(field) = self.data.schema.objects[child].any(field) else {
                continue;
            };
            for place in self.data.live_with_value(child, field, &id) {
                self.bin(write, child, place);
            }
        }
        Ok(())
    }

    pub(super) fn bin(&mut self, write: &Write, object: usize, place: usize) {
        let user = self.user_of(&write.author);
        let by = write.clone();
        self.data.change(object, place, move |row| {
            row.deleted = Some(by.stamp);
            touch(row, &by, user);
            row.history.push(Version::new(
                by.now,
                &by.author,
                Event::Deleted,
                Packed::default(),
            ));
        });
        let id = self.data.tables[object].rows[place].id.clone();
        self.bin_relations(write, object, &id);
    }

    /// Creates or changes the record with that key; whether it was created is told.
    pub(super) fn upsert_row(
        &mut self,
        write: &Write,
        object: usize,
        key: (usize, &str),
        body: &Map<String, Value>,
        update_only: bool,
    ) -> Result<(String, bool), Fault> {
        let (field, value) = key;
        let found = self.by_key(object, field, value);
        match found.as_slice() {
            [] if update_only => Err(Fault::not_found()),
            [] => {
                let mut body = body.clone();
                let name = self.data.schema.objects[object].fields[field].name;
                body.insert(name.to_owned(), Value::String(value.to_owned()));
                self.create_row(write, object, &body).map(|id| (id, true))
            }
            [place] => {
                let id = self.data.tables[object].rows[*place].id.clone();
                self.update_row(write, object, *place, body)
                    .map(|()| (id, false))
            }
            many => Err(self.ambiguous(
                object,
                many,
                self.data.schema.objects[object].fields[field].name,
                write.version,
            )),
        }
    }

    /// Live, visible records with that key.
    pub(super) fn by_key(&self, object: usize, field: usize, value: &str) -> Vec<usize> {
        let mut found = self.data.live_with_value(object, field, value.trim());
        found.retain(|place| !self.data.tables[object].rows[*place].hidden);
        found
    }

    /// Several records under one key.
    pub(super) fn ambiguous(
        &self,
        object: usize,
        places: &[usize],
        field: &str,
        version: u32,
    ) -> Fault {
        let name = self.data.schema.objects[object].name;
        let rows = &self.data.tables[object].rows;
        let found: Vec<&str> = places
            .iter()
            .map(|place| rows[*place].id.as_str())
            .collect();
        let what = format!(
            "{field}: more than one record found for external id field: [{}]",
            found.join(", ")
        );
        let mut fault = Fault::new("DUPLICATE_EXTERNAL_ID", what).fields(Vec::<String>::new());
        fault.choices = found
            .iter()
            .map(|id| format!("/services/data/v{version}.0/sobjects/{name}/{id}"))
            .collect();
        fault
    }
}

/// Moves a row's audit fields. The vendor's own automation leaves the user's date alone.
pub fn touch(row: &mut Row, write: &Write, user: String) {
    row.stamp = write.stamp;
    if write.author != Author::System {
        row.modified = write.stamp;
        row.modified_by = user;
    }
}
