//! The leads of the Salesforce side: strangers mostly, some of whom HubSpot already knows as contacts.

use super::Builder;
use super::company::put;
use super::person::Person;
use super::versions;
use crate::sandbox::ground::Ground;

/// Where leads stand, weighted: early ones are many (docs/vendor/salesforce.md 6.4).
const STATUSES: [&str; 5] = [
    "Open - Not Contacted",
    "Open - Not Contacted",
    "Working - Contacted",
    "Working - Contacted",
    "Closed - Not Converted",
];
const SOURCES: [&str; 4] = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List"];

impl<S: Ground, H: Ground> Builder<'_, S, H> {
    /// Plants `count` leads; one in five is one of the `known` people of HubSpot alone.
    pub(super) fn leads(&mut self, count: usize, mut known: Vec<Person>) {
        for _ in 0..count {
            let met = self.prng.percent(20).then(|| known.pop()).flatten();
            let person = match met {
                Some(person) => person,
                None => self.person(false, false),
            };
            self.lead(&person);
        }
    }

    fn lead(&mut self, person: &Person) {
        let mut values = person.salesforce(&mut self.prng);
        for (from, to) in [
            ("MailingStreet", "Street"),
            ("MailingCity", "City"),
            ("MailingState", "State"),
            ("MailingPostalCode", "PostalCode"),
        ] {
            if let Some(value) = values.remove(from) {
                values.insert(to.to_owned(), value);
            }
        }
        let company = person.company.and_then(|place| self.companies.get(place));
        let name = company.map_or("(private)", |known| known.company.name.as_str());
        put(&mut values, "Company", name);
        put(&mut values, "Status", self.prng.word(&STATUSES));
        put(&mut values, "LeadSource", self.prng.word(&SOURCES));
        let owner = person
            .owner
            .or_else(|| self.prng.pick(&self.shared).copied());
        if let Some(user) = self.user(owner) {
            put(&mut values, "OwnerId", user);
        }
        let past = self.calendar.ordinary(&mut self.prng);
        let versions = versions(past, values, Default::default());
        self.salesforce.seed("Lead", versions);
    }
}
