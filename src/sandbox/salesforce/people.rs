//! The other ways in: the builder of the world, the simulated colleagues, and the hooks of the fault layer.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, Utc};
use serde_json::{Map, Value};

use crate::sandbox::fields::{Packed, Pool};
use crate::sandbox::history::{Author, Event, Values, Version};

use super::data::{Data, Row};
use super::errors::Fault;
use super::schema::Object;
use super::schema::field::{Kind, Source};
use super::write::{Write, touch};
use super::{Org, VERSION, ids};

/// A moment cut to whole seconds, the resolution of every stamp.
pub(super) fn second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(chrono::Duration::seconds(1))
        .unwrap_or(at)
}

fn body(values: Values) -> Map<String, Value> {
    values
        .into_iter()
        .map(|(name, value)| (name, value.map_or(Value::Null, Value::String)))
        .collect()
}

pub(super) fn told(fault: Fault) -> String {
    format!("{}: {}", fault.code, fault.message)
}

fn place_values(object: &Object, row: &mut Row, values: &Values, pool: &mut Pool) {
    for (name, value) in values {
        if let Some(place) = object
            .any(name)
            .filter(|place| object.fields[*place].source == Source::Stored)
        {
            let text = value.as_deref().filter(|text| !text.is_empty());
            row.values[place] = text.map(|text| pool.text(text));
        }
    }
}

impl Org {
    /// Makes a record with its past: no rule is checked, unknown fields are left out of the row. Returns the
    /// 18-character id; empty for an unknown object.
    pub fn seed(&mut self, object: &str, versions: Vec<(DateTime<Utc>, Author, Values)>) -> String {
        let Some(object) = self.data.schema.find(object) else {
            return String::new();
        };
        let id = self.data.next_id(object);
        let mut row: Option<Row> = None;
        for (at, author, values) in versions {
            let stamp = second(at);
            let event = if row.is_none() {
                Event::Created
            } else {
                Event::Updated
            };
            let user = self.user_of(&author);
            let write = self.quiet(at, stamp, &author);
            let mut current = match row.take() {
                Some(row) => row,
                None => self.seedling(id.clone(), object, &write),
            };
            let Data { schema, pool, .. } = &mut self.data;
            place_values(&schema.objects[object], &mut current, &values, pool);
            touch(&mut current, &write, user);
            let set = values
                .iter()
                .map(|(name, value)| (name, value.as_deref().unwrap_or_default()));
            let version = Version::new(at, &author, event, pool.pack(set));
            current.history.push(version);
            row = Some(current);
        }
        if let Some(row) = row {
            let write = self.quiet(row.created, row.stamp, &Author::System);
            self.data.add(object, row);
            self.follow_account(&write, object, &id);
        }
        id
    }

    /// A row with what every new one has.
    fn seedling(&mut self, id: String, object: usize, write: &Write) -> Row {
        let mut row = self.new_row(id, object, write.stamp, &write.author);
        let Data { schema, pool, .. } = &mut self.data;
        for (place, field) in schema.objects[object].fields.iter().enumerate() {
            row.values[place] = match field.kind {
                _ if field.source != Source::Stored => None,
                Kind::Boolean(default) => Some(pool.text(&default.to_string())),
                _ if field.name == "OwnerId" => Some(pool.text(&row.created_by)),
                _ => field.default.map(|text| pool.text(text)),
            };
        }
        row
    }

    fn quiet(&self, now: DateTime<Utc>, stamp: DateTime<Utc>, author: &Author) -> Write {
        Write {
            now,
            stamp,
            author: author.clone(),
            allow_save: true,
            version: VERSION,
        }
    }

    fn find(&self, object: &str, id: &str) -> Result<(usize, usize), String> {
        let object = self
            .data
            .schema
            .find(object)
            .ok_or_else(|| format!("INVALID_TYPE: no object {object}"))?;
        ids::canonical(id)
            .and_then(|id| self.data.tables[object].place(&id))
            .map(|place| (object, place))
            .ok_or_else(|| format!("NOT_FOUND: no record {id}"))
    }

    /// A change through the screen: the rules of the API, but a person saves past the duplicate alert.
    pub fn edit(
        &mut self,
        now: DateTime<Utc>,
        author: &Author,
        object: &str,
        id: &str,
        values: Values,
    ) -> Result<(), String> {
        self.edit_with_stamp(now, now, author, object, id, values)
    }

    /// A change committed now that carries an older stamp, as out of a long transaction.
    pub fn edit_with_stamp(
        &mut self,
        now: DateTime<Utc>,
        stamp: DateTime<Utc>,
        author: &Author,
        object: &str,
        id: &str,
        values: Values,
    ) -> Result<(), String> {
        let (object, place) = self.find(object, id)?;
        let write = self.quiet(now, second(stamp), author);
        self.update_row(&write, object, place, &body(values))
            .map_err(told)
    }

    /// A new record through the screen.
    pub fn insert(
        &mut self,
        now: DateTime<Utc>,
        author: &Author,
        object: &str,
        values: Values,
    ) -> Result<String, String> {
        let place = self
            .data
            .schema
            .find(object)
            .ok_or_else(|| format!("INVALID_TYPE: no object {object}"))?;
        let write = self.quiet(now, second(now), author);
        self.create_row(&write, place, &body(values)).map_err(told)
    }

    /// A deletion through the screen; what hangs on the record goes with it.
    pub fn delete(
        &mut self,
        now: DateTime<Utc>,
        author: &Author,
        object: &str,
        id: &str,
    ) -> Result<(), String> {
        let (object, place) = self.find(object, id)?;
        let write = self.quiet(now, second(now), author);
        self.delete_row(&write, object, place).map_err(told)
    }

    /// Brings a record back from the recycle bin.
    pub fn restore(
        &mut self,
        now: DateTime<Utc>,
        author: &Author,
        object: &str,
        id: &str,
    ) -> Result<(), String> {
        let (object, place) = self.find(object, id)?;
        let row = &self.data.tables[object].rows[place];
        if row.deleted.is_none()
            || !row.visible(now, true)
            || !self.data.schema.objects[object].undeletable
        {
            return Err(format!("UNDELETE_FAILED: {id} is not in the recycle bin"));
        }
        let write = self.quiet(now, second(now), author);
        let user = self.user_of(author);
        let by = write.clone();
        self.data.change(object, place, move |row| {
            row.deleted = None;
            row.master = None;
            touch(row, &by, user);
            row.history.push(Version::new(
                by.now,
                &by.author,
                Event::Restored,
                Packed::default(),
            ));
        });
        let id = self.data.tables[object].rows[place].id.clone();
        self.follow_account(&write, object, &id);
        Ok(())
    }

    /// Merges `loser` into `winner` as the screen does: the winner's values stay as they are, the loser goes to the
    /// recycle bin with its `MasterRecordId`, children move over without a new stamp.
    pub fn merge(
        &mut self,
        now: DateTime<Utc>,
        author: &Author,
        object: &str,
        winner: &str,
        loser: &str,
    ) -> Result<(), String> {
        let (object, to) = self.find(object, winner)?;
        let from = self.data.tables[object].place(&ids::canonical(loser).unwrap_or_default());
        let from = from
            .filter(|from| *from != to)
            .ok_or_else(|| format!("NOT_FOUND: no record {loser}"))?;
        let rows = &self.data.tables[object].rows;
        if !self.data.schema.objects[object].merges
            || rows[from].deleted.is_some()
            || rows[to].deleted.is_some()
        {
            return Err(format!(
                "MERGE_FAILED: {loser} cannot be merged into {winner}"
            ));
        }
        let (winner, loser) = (rows[to].id.clone(), rows[from].id.clone());
        for place in [from, to] {
            self.check_converted(object, place).map_err(told)?;
        }
        let children: Vec<(usize, usize)> = self
            .data
            .schema
            .child_relationships(object)
            .map(|(child, field, _)| (child, field))
            .collect();
        let parent = self.data.pool.text(&winner);
        for (child, field) in children {
            for place in self.data.live_with_value(child, field, &loser) {
                let parent = parent.clone();
                self.data
                    .change(child, place, |row| row.values[field] = Some(parent));
            }
        }
        let write = self.quiet(now, second(now), author);
        let user = self.user_of(author);
        self.data.change(object, from, |row| {
            row.deleted = Some(write.stamp);
            row.master = Some(winner.clone());
            touch(row, &write, user.clone());
            let event = Event::MergedInto(winner.clone());
            row.history
                .push(Version::new(now, author, event, Packed::default()));
        });
        self.data.change(object, to, |row| {
            touch(row, &write, user);
            let none = Packed::default();
            row.history
                .push(Version::new(now, author, Event::Updated, none));
        });
        self.tidy_relations(&write, object, &winner);
        Ok(())
    }

    /// The ids of an object's live records, oldest first.
    pub fn ids(&self, object: &str) -> Vec<String> {
        let Some(object) = self.data.schema.find(object) else {
            return Vec::new();
        };
        let rows = self.data.tables[object].rows.iter();
        rows.filter(|row| row.deleted.is_none())
            .map(|row| row.id.clone())
            .collect()
    }

    /// True where a living record is hidden from the integration user.
    pub fn is_hidden(&self, object: &str, id: &str) -> bool {
        let found = self.find(object, id);
        found.is_ok_and(|(object, place)| self.data.tables[object].rows[place].hidden)
    }

    /// The stored text of a field, deleted records included; `None` for blank and for anything unknown.
    pub fn value(&self, object: &str, id: &str, field: &str) -> Option<String> {
        let (object, place) = self.find(object, id).ok()?;
        let field = self.data.schema.objects[object].any(field)?;
        let cell = self
            .data
            .cell(object, &self.data.tables[object].rows[place], field);
        match cell.json() {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    /// The current stored values of a record, blanks left out.
    pub fn values(&self, object: &str, id: &str) -> Option<BTreeMap<&'static str, String>> {
        let (object, place) = self.find(object, id).ok()?;
        let row = &self.data.tables[object].rows[place];
        let fields = self.data.schema.objects[object].fields.iter();
        Some(
            fields
                .zip(&row.values)
                .filter_map(|(field, value)| Some((field.name, value.as_deref()?.to_owned())))
                .collect(),
        )
    }

    /// Ends every issued token at once; the fixed token of stock clients stays good.
    pub fn expire_tokens(&mut self) {
        self.sessions.expire();
    }

    /// Locks records until then: writes to them, or to children of them, answer UNABLE_TO_LOCK_ROW.
    pub fn lock_rows(&mut self, ids: &[String], until: DateTime<Utc>) {
        for id in ids.iter().filter_map(|id| ids::canonical(id)) {
            self.locks.insert(id, until);
        }
    }

    /// Refuses calls as if the daily allowance were spent, until then; `None` ends it.
    pub fn fail_limit(&mut self, until: Option<DateTime<Utc>>) {
        self.meter.refuse(until);
    }

    /// Counts calls of someone else against the daily allowance.
    pub fn use_limit(&mut self, now: DateTime<Utc>, calls: u64) {
        self.meter.add(now, calls);
    }

    /// Hides a field from the caller, as lost field-level security would, or shows it again.
    pub fn hide_field(&mut self, object: &str, field: &str, hidden: bool) {
        if let Some(object) = self.data.schema.find(object)
            && let Some(place) = self.data.schema.objects[object].any(field)
        {
            self.data.schema.objects[object].hidden[place] = hidden;
        }
    }

    /// Hides a record from the caller, as changed sharing would, or shows it again.
    pub fn hide_record(&mut self, object: &str, id: &str, hidden: bool) {
        if let Ok((object, place)) = self.find(object, id) {
            self.data.change(object, place, |row| row.hidden = hidden);
        }
    }
}
