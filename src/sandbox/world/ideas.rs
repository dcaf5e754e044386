//! What simulated colleagues think of: new values for a field, new people.

use super::company::Founder;
use super::lists::Lists;
use super::person::{Registry, Trait};
use crate::sandbox::history::Values;
use crate::sandbox::prng::Prng;

/// Source of new values and people from the world's lists.
#[derive(Debug)]
pub(in crate::sandbox) struct Ideas {
    lists: Lists,
    registry: Registry,
    founder: Founder,
    people: u64,
}

impl Ideas {
    /// From the compiled-in lists.
    pub(in crate::sandbox) fn new() -> Self {
        Ideas {
            lists: Lists::load(),
            registry: Registry::default(),
            founder: Founder::default(),
            people: 0,
        }
    }

    /// A fresh value for a Salesforce field of a contact or an account.
    pub(in crate::sandbox) fn value(&mut self, prng: &mut Prng, field: &str) -> String {
        let place = self.lists.locale("us");
        let town = prng.pick(&place.towns);
        let area = town.map_or("415", |town| town.area);
        match field {
            "Title" => prng.word(&self.lists.titles).into(),
            "MailingCity" => town.map_or("", |town| town.city).into(),
            "MailingStreet" => {
                let number = prng.between(1, 900).to_string();
                prng.word(&place.streets).replace('#', &number)
            }
            "NumberOfEmployees" => prng.between(5, 5_000).to_string(),
            "AnnualRevenue" => (prng.between(1, 900) * 100_000).to_string(),
            _ => prng.digits(&format!("+1{area}555####")),
        }
    }

    /// A person nobody knows yet, as a Salesforce contact and as a HubSpot one.
    pub(in crate::sandbox) fn newcomer(&mut self, prng: &mut Prng) -> (Values, Values) {
        let company = self.founder.found(prng, &self.lists);
        let mut person = self
            .registry
            .register(prng, &self.lists, Some((0, &company)), 1);
        person.ensure(Trait::Title, prng, &self.lists);
        self.people += 1;
        // The number keeps a newcomer's address apart from those of the seeded world.
        person.email = person.email.map(|email| {
            let (local, domain) = email.split_once('@').unwrap_or((&email, "example.com"));
            format!("{local}.{}@{domain}", 100 + self.people)
        });
        (person.salesforce(prng), person.hubspot(prng))
    }
}
