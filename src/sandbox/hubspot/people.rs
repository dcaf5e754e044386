//! The door of the world builder and of the simulated colleagues, and the legacy call for further addresses.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::sandbox::history::{Author, Event, History, Values, Version};
use crate::sandbox::http::Response;

use super::check::{Claims, How, email_taken};
use super::fault::{Answer, Fault};
use super::index::Fields;
use super::kinds::Kind;
use super::links::pair;
use super::table::{Record, fold};
use super::text::{instant, parse_instant, to_millis};
use super::{Call, Portal, values};

const PERSON: How = How {
    dated: true,
    person: true,
};

fn kind_of(object: &str) -> Result<Kind, String> {
    Kind::find(object).ok_or_else(|| format!("HubSpot has no object {object}"))
}

fn said(fault: Fault) -> String {
    fault.message.clone()
}

/// Blank is "", as HubSpot keeps it.
fn fields_of(values: &Values) -> Fields {
    values
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
        .collect()
}

impl Portal {
    /// Puts a record with its past in: the first version made it, the later ones changed it. Nothing is checked
    /// (addresses are lower-cased), and search knows it at once. Gives the id; "" when the object is unknown or there
    /// is no version.
    pub fn seed(&mut self, object: &str, versions: Vec<(DateTime<Utc>, Author, Values)>) -> String {
        let (Some(kind), Some((first, maker))) = (
            Kind::find(object),
            versions
                .first()
                .map(|(at, by, _)| (to_millis(*at), by.clone())),
        ) else {
            return String::new();
        };
        let id = self.table_mut(kind).fresh_id();
        let (mut fields, mut history, mut last) = (Fields::new(), History::default(), first);
        for (place, (at, by, set)) in versions.iter().enumerate() {
            let at = to_millis(*at);
            let mut set = fields_of(set);
            for name in ["email", "domain"] {
                if let Some(value) = set.get_mut(name) {
                    *value = value.trim().to_lowercase();
                }
            }
            let event = if place == 0 {
                Event::Created
            } else {
                Event::Updated
            };
            let values = self.table_mut(kind).pool.pack(&set);
            history.push(Version::new(at, by, event, values));
            fields.extend(set);
            last = last.max(at);
        }
        if kind == Kind::CONTACTS
            && let Some((_, host)) = fields.get("email").and_then(|email| email.rsplit_once('@'))
        {
            let host = host.to_owned();
            fields.insert("hs_email_domain".into(), host);
        }
        fields.insert(kind.row().modified.into(), instant(last));
        self.born(first, &maker, kind, id, &mut fields);
        let created = fields
            .get(kind.row().created)
            .and_then(|text| parse_instant(text))
            .unwrap_or(first);
        self.counts.made(kind, &maker);
        let by_api = matches!(maker, Author::Api(_));
        let record = Record {
            fields: self.table_mut(kind).pool.pack(&fields),
            created,
            modified: last,
            archived: None,
            history,
            by_api,
            keyed: false,
            merged: Vec::new(),
        };
        let company = record.fields.get("associatedcompanyid").map(str::to_owned);
        self.table_mut(kind).insert(id, record);
        if kind == Kind::CONTACTS
            && let Some(company) = company
        {
            self.follow_company(last, &maker, id, &company);
        }
        self.table_mut(kind)
            .reindex(last, chrono::Duration::zero(), id);
        id.to_string()
    }

    /// A person's edit of a live record (any of its ids). `None` clears a value.
    ///
    /// # Errors
    /// The vendor's own message: unknown object or record, a value it does not take, a unique value that is taken.
    pub fn edit(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        id: &str,
        values: Values,
    ) -> Result<(), String> {
        let (kind, id) = self.live_id(object, id)?;
        let checked = self
            .check(kind, Some(id), &fields_of(&values), PERSON)
            .map_err(said)?;
        self.check_unique(kind, Some(id), &checked.values, &mut Claims::new())
            .map_err(said)?;
        self.update_record(to_millis(now), &author, kind, id, &checked.values);
        Ok(())
    }

    /// A person makes a record. Gives its id.
    ///
    /// # Errors
    /// As [`Portal::edit`], and a value that a create needs is missing.
    pub fn insert(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        values: Values,
    ) -> Result<String, String> {
        let kind = kind_of(object)?;
        let checked = self
            .check(kind, None, &fields_of(&values), PERSON)
            .map_err(said)?;
        self.check_unique(kind, None, &checked.values, &mut Claims::new())
            .map_err(said)?;
        Ok(self
            .create_record(to_millis(now), &author, kind, checked.values)
            .to_string())
    }

    /// A person puts a record into the recycling bin.
    ///
    /// # Errors
    /// Unknown object or record.
    pub fn archive(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        id: &str,
    ) -> Result<(), String> {
        let (kind, id) = self.live_id(object, id)?;
        self.archive_record(to_millis(now), &author, kind, id);
        Ok(())
    }

    /// A person takes a record out of the recycling bin again (in the app only; the API has no such call). Its
    /// associations do not come back.
    ///
    /// # Errors
    /// Unknown object, no archived record of that id, or one of its unique values is taken now.
    pub fn restore(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        id: &str,
    ) -> Result<(), String> {
        let kind = kind_of(object)?;
        let lag = self.settings.index_lag;
        let number: u64 = id
            .parse()
            .map_err(|_| format!("{object} {id} does not exist"))?;
        let record = self
            .table(kind)
            .records
            .get(&number)
            .filter(|record| record.archived.is_some());
        let fields = record.map(|record| record.fields.unpacked());
        let fields = fields.ok_or_else(|| format!("{object} {id} is not in the recycling bin"))?;
        self.check_unique(kind, Some(number), &fields, &mut Claims::new())
            .map_err(said)?;
        let table = self.table_mut(kind);
        if let Some(mut record) = table.records.remove(&number) {
            record.archived = None;
            table.insert(number, record);
            table.note(
                number,
                to_millis(now),
                &author,
                Event::Restored,
                &Fields::new(),
            );
            table.reindex(now, lag, number);
        }
        Ok(())
    }

    /// A person merges `loser` into `winner`. Gives the new record's id; the old ones resolve to it.
    ///
    /// # Errors
    /// Unknown object or records, the same record twice, too many identities.
    pub fn merge(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        winner: &str,
        loser: &str,
    ) -> Result<String, String> {
        let (kind, winner) = self.live_id(object, winner)?;
        let (_, loser) = self.live_id(object, loser)?;
        let id = self
            .merge_records(to_millis(now), &author, kind, winner, loser)
            .map_err(said)?;
        Ok(id.to_string())
    }

    /// Ties two records; the first company of a contact becomes the primary one by itself, `primary` makes it so.
    /// `false`, and nothing is tied, when a record is not there or the objects cannot be associated.
    #[expect(
        clippy::too_many_arguments,
        reason = "two records, an author and a moment"
    )]
    pub fn associate(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        from_object: &str,
        from_id: &str,
        to_object: &str,
        to_id: &str,
        primary: bool,
    ) -> bool {
        let (Ok(from), Ok(to)) = (
            self.live_id(from_object, from_id),
            self.live_id(to_object, to_id),
        ) else {
            return false;
        };
        let Some(types) = pair(from.0, to.0) else {
            return false;
        };
        let wanted: Vec<u32> = types.primary.filter(|_| primary).into_iter().collect();
        self.links.tie(from, to, &wanted);
        self.after_tie(to_millis(now), &author, from, to);
        true
    }

    /// Takes the association of two records off.
    ///
    /// # Errors
    /// Unknown object or record.
    pub fn dissociate(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        from: (&str, &str),
        to: (&str, &str),
    ) -> Result<(), String> {
        let (from, to) = (self.live_id(from.0, from.1)?, self.live_id(to.0, to.1)?);
        self.links.untie(from, to);
        self.after_tie(to_millis(now), &author, from, to);
        Ok(())
    }

    /// The ids of the live records of an object, rising.
    pub fn ids(&self, object: &str) -> Vec<String> {
        let Some(kind) = Kind::find(object) else {
            return Vec::new();
        };
        let live = self
            .table(kind)
            .records
            .iter()
            .filter(|(_, record)| record.archived.is_none());
        live.map(|(id, _)| id.to_string()).collect()
    }

    /// A live record's value; `None` when the record or the value is not there or blank.
    pub fn value(&self, object: &str, id: &str, property: &str) -> Option<String> {
        let (kind, id) = self.live_id(object, id).ok()?;
        let value = self.table(kind).records.get(&id)?.fields.get(property)?;
        Some(value.to_owned()).filter(|value| !value.is_empty())
    }

    /// The ids of one object that a live record is tied to, the primary one first.
    pub fn partners(&self, object: &str, id: &str, to_object: &str) -> Vec<String> {
        let (Ok((kind, id)), Some(to)) = (self.live_id(object, id), Kind::find(to_object)) else {
            return Vec::new();
        };
        let first = self.links.primary(kind, id, to);
        let rest = self
            .links
            .of(kind, id, to)
            .map(|(id, _)| id)
            .filter(|id| Some(*id) != first);
        first
            .into_iter()
            .chain(rest)
            .map(|id| id.to_string())
            .collect()
    }

    /// The primary record of an object that a live record is tied to; a company's parent among companies.
    pub fn first_partner(&self, object: &str, id: &str, to_object: &str) -> Option<String> {
        let (Ok((kind, id)), Some(to)) = (self.live_id(object, id), Kind::find(to_object)) else {
            return None;
        };
        let first = self.links.primary(kind, id, to);
        first.map(|id| id.to_string())
    }

    /// Adds a further address to a contact: it counts for uniqueness and finds the contact.
    ///
    /// # Errors
    /// Unknown contact, an address that is none, or one that another contact has.
    pub fn add_secondary_email(
        &mut self,
        now: DateTime<Utc>,
        id: &str,
        email: &str,
    ) -> Result<(), String> {
        let (_, id) = self.live_id("contacts", id)?;
        self.secondary_email(to_millis(now), &Author::System, id, email)
            .map_err(said)
    }

    fn secondary_email(
        &mut self,
        now: DateTime<Utc>,
        by: &Author,
        id: u64,
        email: &str,
    ) -> Result<(), Fault> {
        let address = values::email(email)
            .map_err(|problem| Fault::invalid(problem.message))?
            .value;
        let table = self.table(Kind::CONTACTS);
        match table.holder("email", &address) {
            Some(holder) if holder == id => return Ok(()),
            Some(holder) => return Err(email_taken(holder)),
            None => {}
        }
        let before = table
            .records
            .get(&id)
            .and_then(|record| record.fields.get("hs_additional_emails"));
        let mut all: Vec<&str> = before
            .unwrap_or_default()
            .split(';')
            .filter(|part| !part.is_empty())
            .collect();
        all.push(&address);
        let set = Fields::from([("hs_additional_emails".to_owned(), all.join(";"))]);
        self.update_record(now, by, Kind::CONTACTS, id, &set);
        Ok(())
    }

    /// `PUT|DELETE /contacts/v1/secondary-email/{vid}/email/{email}` (3.28).
    pub(super) fn secondary_email_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        let [id, "email", email] = rest else {
            return Err(call.no_such_path());
        };
        let id = self.find(Kind::CONTACTS, id, None)?;
        let (id, record) = self
            .table(Kind::CONTACTS)
            .live(id)
            .ok_or_else(Fault::not_found)?;
        match call.request.method.as_str() {
            "PUT" => self.secondary_email(call.now, &call.by, id, email)?,
            "DELETE" => {
                let before = record
                    .fields
                    .get("hs_additional_emails")
                    .unwrap_or_default();
                let left: Vec<&str> = before
                    .split(';')
                    .filter(|part| fold(part) != fold(email))
                    .collect();
                let set = Fields::from([("hs_additional_emails".to_owned(), left.join(";"))]);
                self.update_record(call.now, &call.by, Kind::CONTACTS, id, &set);
            }
            _ => return Err(call.wrong_method()),
        }
        Ok(Response::json(200, &json!({"vid": id, "email": email})))
    }

    fn live_id(&self, object: &str, id: &str) -> Result<(Kind, u64), String> {
        let kind = kind_of(object)?;
        let found = id.parse().ok().and_then(|id| self.table(kind).live(id));
        found
            .map(|(id, _)| (kind, id))
            .ok_or_else(|| format!("{object} {id} does not exist"))
    }
}
