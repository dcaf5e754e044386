//! Converting a lead as its screen does (docs/vendor/salesforce.md 6.4): the lead stays, closed and read-only, and names the
//! Contact and Account that it became.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::sandbox::history::{Author, Event, Version};

use super::errors::Fault;
use super::people::{second, told};
use super::write::{Write, touch};
use super::{KEY_FIELD, Org, ids};

/// What a person says on the screen that converts.
#[derive(Clone, Debug, Default)]
pub struct Conversion {
    /// The Contact that the lead turns out to be; blank: a new one is made.
    pub contact: Option<String>,
    /// The Account that it belongs to; blank: the Contact's own, or a new one of the lead's company.
    pub account: Option<String>,
    /// The org maps the key field among the lead's custom fields.
    pub copies_key: bool,
}

/// What a lead became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The Contact's id.
    pub contact: String,
    /// The Account's id.
    pub account: String,
}

/// The status of a converted lead.
const STATUS: &str = "Closed - Converted";
/// What a Contact takes over: the lead's field, and its own.
const TO_CONTACT: &[(&str, &str)] = &[
    ("FirstName", "FirstName"),
    ("LastName", "LastName"),
    ("Salutation", "Salutation"),
    ("Title", "Title"),
    ("Email", "Email"),
    ("Phone", "Phone"),
    ("MobilePhone", "MobilePhone"),
    ("Street", "MailingStreet"),
    ("City", "MailingCity"),
    ("State", "MailingState"),
    ("PostalCode", "MailingPostalCode"),
    ("Country", "MailingCountry"),
    ("Description", "Description"),
    ("LeadSource", "LeadSource"),
    ("OwnerId", "OwnerId"),
];
/// What an Account takes over.
const TO_ACCOUNT: &[(&str, &str)] = &[
    ("Company", "Name"),
    ("Phone", "Phone"),
    ("Website", "Website"),
    ("Industry", "Industry"),
    ("AnnualRevenue", "AnnualRevenue"),
    ("NumberOfEmployees", "NumberOfEmployees"),
    ("Rating", "Rating"),
    ("Street", "BillingStreet"),
    ("City", "BillingCity"),
    ("State", "BillingState"),
    ("PostalCode", "BillingPostalCode"),
    ("Country", "BillingCountry"),
    ("OwnerId", "OwnerId"),
];
/// Fields that an existing record keeps, blank or not.
const KEPT: &[&str] = &["LeadSource", "OwnerId"];
/// What hangs on the person: the child, its reference to the lead, and where the contact goes.
const HANGS: &[(&str, &str, &str)] = &[
    ("Task", "WhoId", "WhoId"),
    ("CampaignMember", "LeadId", "ContactId"),
];

impl Org {
    /// Converts a lead: everything that it makes or changes has the same second, or nothing happens.
    pub fn convert(
        &mut self,
        now: DateTime<Utc>,
        author: &Author,
        lead: &str,
        how: &Conversion,
    ) -> Result<Converted, String> {
        let mark = self.data.begin();
        match self.conversion(now, author, lead, how) {
            Ok(converted) => {
                self.data.commit();
                Ok(converted)
            }
            Err(fault) => {
                self.data.roll_back(mark);
                Err(told(fault))
            }
        }
    }

    fn conversion(
        &mut self,
        now: DateTime<Utc>,
        author: &Author,
        lead: &str,
        how: &Conversion,
    ) -> Result<Converted, Fault> {
        let (object, place) = self.row_of("Lead", lead)?;
        self.check_converted(object, place)?;
        let lead = self.data.tables[object].rows[place].id.clone();
        let said = |org: &Org, field: &str| org.stored("Lead", &lead, field);
        if said(self, "OwnerId").is_some_and(|owner| owner.starts_with("00G")) {
            let what = "a lead of a queue needs an owner to be converted";
            return Err(Fault::new("INVALID_OWNER", what));
        }
        let write = Write {
            now,
            stamp: second(now),
            author: author.clone(),
            allow_save: true,
            version: super::VERSION,
        };
        let known = how.contact.as_deref();
        let own = known.and_then(|id| self.stored("Contact", id, "AccountId"));
        let account = how.account.clone().or(own);
        let account = self.takes_over(&write, &lead, "Account", TO_ACCOUNT, account.as_deref())?;
        let contact = self.takes_over(&write, &lead, "Contact", TO_CONTACT, known)?;
        let mut more = Map::new();
        if self.stored("Contact", &contact, "AccountId").is_none() {
            more.insert("AccountId".to_owned(), Value::String(account.clone()));
        }
        if let Some(key) = said(self, KEY_FIELD).filter(|_| how.copies_key)
            && self.stored("Contact", &contact, KEY_FIELD).is_none()
        {
            more.insert(KEY_FIELD.to_owned(), Value::String(key));
        }
        let (contacts, at) = self.row_of("Contact", &contact)?;
        if !more.is_empty() {
            self.update_row(&write, contacts, at, &more)?;
        }
        self.move_over(&lead, &contact);
        let day = write.stamp.format("%Y-%m-%d").to_string();
        let closed = [
            ("Status", STATUS),
            ("IsConverted", "true"),
            ("ConvertedDate", day.as_str()),
            ("ConvertedContactId", contact.as_str()),
            ("ConvertedAccountId", account.as_str()),
        ];
        let user = self.user_of(author);
        let texts: Vec<_> = closed
            .iter()
            .filter_map(|(name, text)| {
                let field = self.data.schema.objects[object].any(name)?;
                Some((field, self.data.pool.text(text)))
            })
            .collect();
        let set = self.data.pool.pack(closed);
        self.data.change(object, place, |row| {
            for (field, text) in texts {
                row.values[field] = Some(text);
            }
            touch(row, &write, user);
            row.history
                .push(Version::new(now, author, Event::Updated, set));
        });
        Ok(Converted { contact, account })
    }

    /// A converted lead takes no change.
    pub(super) fn check_converted(&self, object: usize, place: usize) -> Result<(), Fault> {
        let definition = &self.data.schema.objects[object];
        let converted = definition
            .any("IsConverted")
            .and_then(|field| self.data.tables[object].rows[place].values[field].as_deref());
        match converted {
            Some("true") => Err(Fault::new(
                "CANNOT_UPDATE_CONVERTED_LEAD",
                "cannot reference converted lead",
            )),
            _ => Ok(()),
        }
    }

    /// The record that the lead's values go into: one that is there takes only what it has blank.
    fn takes_over(
        &mut self,
        write: &Write,
        lead: &str,
        object: &str,
        fields: &[(&str, &str)],
        known: Option<&str>,
    ) -> Result<String, Fault> {
        let mut body = Map::new();
        for (from, to) in fields {
            let there = |id| KEPT.contains(to) || self.stored(object, id, to).is_some();
            if known.is_none_or(|id| !there(id))
                && let Some(value) = self.stored("Lead", lead, from)
            {
                body.insert((*to).to_owned(), Value::String(value));
            }
        }
        let Some(known) = known else {
            let object = self.data.schema.find(object).ok_or_else(Fault::not_found)?;
            return self.create_row(write, object, &body);
        };
        let (object, place) = self.row_of(object, known)?;
        self.update_row(write, object, place, &body)?;
        Ok(self.data.tables[object].rows[place].id.clone())
    }

    /// Tasks and campaign memberships follow the person, without a new stamp.
    fn move_over(&mut self, lead: &str, contact: &str) {
        let contact = self.data.pool.text(contact);
        for (child, from, to) in HANGS {
            let Some(child) = self.data.schema.find(child) else {
                continue;
            };
            let definition = &self.data.schema.objects[child];
            let (Some(from), Some(to)) = (definition.any(from), definition.any(to)) else {
                continue;
            };
            for place in self.data.live_with_value(child, from, lead) {
                let contact = contact.clone();
                self.data
                    .change(child, place, |row| row.values[to] = Some(contact));
            }
        }
    }

    /// The place of a live record.
    fn row_of(&self, object: &str, id: &str) -> Result<(usize, usize), Fault> {
        let object = self.data.schema.find(object).ok_or_else(Fault::not_found)?;
        let place = ids::canonical(id).and_then(|id| self.data.tables[object].place(&id));
        place
            .filter(|place| self.data.tables[object].rows[*place].deleted.is_none())
            .map(|place| (object, place))
            .ok_or_else(Fault::not_found)
    }

    fn stored(&self, object: &str, id: &str, field: &str) -> Option<String> {
        let (object, place) = self.row_of(object, id).ok()?;
        let field = self.data.schema.objects[object].any(field)?;
        let value = self.data.tables[object].rows[place].values[field].as_deref();
        value.map(str::to_owned)
    }
}
