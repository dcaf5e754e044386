//! What the world and the colleagues need of a vendor: planting records with a past, and editing like a person does.

use chrono::{DateTime, Utc};

use super::history::{Author, Values};
use super::hubspot::Portal;
use super::salesforce::Org;

/// One member of staff, who is a Salesforce user, a HubSpot owner, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// First name.
    pub first: &'static str,
    /// Last name.
    pub last: &'static str,
    /// E-mail address; what the two sides' people are joined by.
    pub email: &'static str,
    /// Job title.
    pub title: &'static str,
}

/// A vendor's ground truth, open to the world's builder and to simulated people; no API rule but the vendor's own
/// record rules applies.
pub trait Ground {
    /// Makes a record with its past (`versions` oldest first) without applying any rule; gives its id.
    fn seed(&mut self, object: &str, versions: Vec<(DateTime<Utc>, Author, Values)>) -> String;

    /// Makes a user or owner, the `place`th of the staff; gives the id that records are owned by.
    fn hire(&mut self, at: DateTime<Utc>, place: usize, member: &Member) -> String;

    /// Ties a person to a company as their primary one, where the vendor keeps that outside the record's fields.
    fn employ(&mut self, at: DateTime<Utc>, author: Author, person: &str, company: &str);

    /// A change through the vendor's own screens, its rules applied. The error is the vendor's text.
    fn edit(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        id: &str,
        values: Values,
    ) -> Result<(), String>;

    /// A new record through the vendor's own screens, its rules applied; gives its id. The error is the vendor's text.
    fn insert(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        values: Values,
    ) -> Result<String, String>;
}

impl Ground for Org {
    fn seed(&mut self, object: &str, versions: Vec<(DateTime<Utc>, Author, Values)>) -> String {
        Org::seed(self, object, versions)
    }

    fn hire(&mut self, at: DateTime<Utc>, _place: usize, member: &Member) -> String {
        let alias: String = member.email.chars().take(8).collect();
        let values = [
            ("FirstName", member.first),
            ("LastName", member.last),
            ("Email", member.email),
            ("Username", member.email),
            ("Alias", &alias),
            ("Title", member.title),
        ];
        let values = values
            .iter()
            .map(|(field, value)| ((*field).to_owned(), Some((*value).to_owned())))
            .collect();
        Org::seed(self, "User", vec![(at, Author::World, values)])
    }

    /// A contact's account is one of its fields, `AccountId`.
    fn employ(&mut self, _: DateTime<Utc>, _: Author, _: &str, _: &str) {}

    fn edit(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        id: &str,
        values: Values,
    ) -> Result<(), String> {
        Org::edit(self, now, &author, object, id, values)
    }

    fn insert(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        values: Values,
    ) -> Result<String, String> {
        Org::insert(self, now, &author, object, values)
    }
}

/// HubSpot's owner ids of the staff begin here.
const FIRST_OWNER: u64 = 41_629_001;
/// What a user id is above its owner id's place in the list.
const FIRST_USER: u64 = 9_586_001;

impl Ground for Portal {
    fn seed(&mut self, object: &str, versions: Vec<(DateTime<Utc>, Author, Values)>) -> String {
        Portal::seed(self, object, versions)
    }

    fn hire(&mut self, _: DateTime<Utc>, place: usize, member: &Member) -> String {
        let place = place as u64;
        let id = (FIRST_OWNER + 17 * place).to_string();
        let user = FIRST_USER + 11 * place;
        self.add_owner(&id, member.email, member.first, member.last, user);
        id
    }

    fn employ(&mut self, at: DateTime<Utc>, author: Author, person: &str, company: &str) {
        // Fails only for ids that the world did not get from this portal.
        let _ = self.associate(at, author, "contacts", person, "companies", company, true);
    }

    fn edit(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        id: &str,
        values: Values,
    ) -> Result<(), String> {
        Portal::edit(self, now, author, object, id, values)
    }

    fn insert(
        &mut self,
        now: DateTime<Utc>,
        author: Author,
        object: &str,
        values: Values,
    ) -> Result<String, String> {
        Portal::insert(self, now, author, object, values)
    }
}
