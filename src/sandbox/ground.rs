//! What the world and the colleagues need of a vendor: planting records with a past, and editing like a person does.

use chrono::{DateTime, Utc};

use super::history::{Author, Values};

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

    /// Makes a user or owner; gives the id that records are owned by.
    fn hire(&mut self, at: DateTime<Utc>, member: &Member) -> String;

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

    /// The present value of a field; `None` when blank, or when the record is gone.
    fn value(&self, object: &str, id: &str, field: &str) -> Option<String>;
}
