//! The people of the world on both sides.

use chrono::Duration;

use super::cast::{
    CONTACTS_IN_COMMON, HUBSPOT_CONTACTS, Lone, Relation, SALESFORCE_CONTACTS, Sizes, deal,
};
use super::company::put;
use super::lists::Desk;
use super::person::{Person, TRAITS, Trait};
use super::times::Past;
use super::{Builder, Pair, only, versions};
use crate::sandbox::ground::Ground;
use crate::sandbox::history::{Author, Values};

/// What people wrote where a telephone number should be.
const NO_NUMBERS: [&str; 6] = [
    "ask reception",
    "n/a",
    "123",
    "+1 555",
    "000-000-0000",
    "tbd, see notes",
];

/// The Salesforce fields of a trait.
fn salesforce_fields(what: Trait) -> &'static [&'static str] {
    match what {
        Trait::Title => &["Title"],
        Trait::Phone => &["Phone"],
        Trait::Mobile => &["MobilePhone"],
        Trait::Address => &[
            "MailingStreet",
            "MailingCity",
            "MailingState",
            "MailingPostalCode",
        ],
        Trait::Given => &["FirstName"],
        Trait::Family => &["LastName"],
    }
}

/// The HubSpot properties of a trait.
fn hubspot_fields(what: Trait) -> &'static [&'static str] {
    match what {
        Trait::Title => &["jobtitle"],
        Trait::Phone => &["phone"],
        Trait::Mobile => &["mobilephone"],
        Trait::Address => &["address", "city", "state", "zip"],
        Trait::Given => &["firstname"],
        Trait::Family => &["lastname"],
    }
}

/// One side's record of a person: the values it was made with, and those that an edit set later.
struct Draft {
    first: Person,
    later: Option<(Trait, Person)>,
}

impl Draft {
    fn of(person: Person) -> Self {
        Draft {
            first: person,
            later: None,
        }
    }
}

impl<S: Ground, H: Ground> Builder<'_, S, H> {
    /// Plants `side` contacts on each side. Gives some ordinary people whom HubSpot alone knows.
    pub(super) fn contacts(&mut self, side: usize) -> Vec<Person> {
        let sizes = Sizes::of(side);
        let roles = deal(
            &mut self.prng,
            CONTACTS_IN_COMMON,
            Relation::Same,
            side,
            sizes.common,
        );
        let doubles = roles.iter().filter(|r| **r == Relation::Doubled).count();
        for relation in roles {
            self.pair(relation);
        }
        let alone = sizes.alone.saturating_sub(doubles);
        let roles = deal(
            &mut self.prng,
            SALESFORCE_CONTACTS,
            Lone::Plain,
            side,
            alone,
        );
        let mut near = Vec::new();
        for role in roles {
            let person = self.salesforce_alone(role);
            if role == Lone::Near {
                near.push(person);
            }
        }
        let roles = deal(
            &mut self.prng,
            HUBSPOT_CONTACTS,
            Lone::Plain,
            side,
            sizes.alone,
        );
        let mut strangers = Vec::new();
        for role in roles {
            let twin = (role == Lone::Near).then(|| near.pop()).flatten();
            let person = self.hubspot_alone(role, twin);
            if role == Lone::Plain && strangers.len() < side / 80 {
                strangers.push(person);
            }
        }
        strangers
    }

    /// A person whose company is known where they are; some have none.
    pub(super) fn person(&mut self, in_salesforce: bool, in_hubspot: bool) -> Person {
        let strict = !self.prng.percent(2);
        let company = self.prng.percent(88).then(|| {
            for _ in 0..40 {
                let place = self.prng.below(self.companies.len());
                let known = self.companies.get(place)?;
                let fits = (known.salesforce.is_some() || !in_salesforce)
                    && (known.hubspot.is_some() || !in_hubspot);
                if fits || !strict {
                    return Some(place);
                }
            }
            None
        });
        let company = company
            .flatten()
            .and_then(|place| Some((place, &self.companies.get(place)?.company)));
        let mut person =
            self.registry
                .register(&mut self.prng, &self.lists, company, self.shared.len());
        person.owner = person.owner.and_then(|n| self.shared.get(n).copied());
        person
    }

    /// Two records of one person.
    fn pair(&mut self, relation: Relation) {
        let mut person = self.person(true, true);
        let mut what = TRAITS[self.prng.below(TRAITS.len())];
        let blanks = matches!(
            relation,
            Relation::BlankInSalesforce | Relation::BlankInHubSpot
        );
        if blanks && matches!(what, Trait::Family | Trait::Given) {
            what = Trait::Title;
        }
        if matches!(relation, Relation::TooLong) {
            what = Trait::Title;
        }
        if relation == Relation::BreaksRule {
            self.retire(&mut person);
        }
        if matches!(relation, Relation::BadPhone) {
            what = Trait::Phone;
        }
        person.ensure(what, &mut self.prng, &self.lists);
        let mut other = person.clone();
        other.change(what, &mut self.prng, &self.lists);
        let (mut s, mut h) = (Draft::of(person.clone()), Draft::of(person.clone()));
        match relation {
            Relation::HubSpotNewer => h.later = Some((what, other)),
            Relation::SalesforceNewer => s.first = other,
            Relation::Ambiguous => s.later = Some((what, other)),
            Relation::BlankInSalesforce => s.first.blank(what),
            Relation::BlankInHubSpot => h.first.blank(what),
            Relation::TooLong => {
                other.title = Some(self.endless_title());
                h.later = Some((what, other));
            }
            Relation::Unowned => {
                s.first.owner = self.loner(Desk::Salesforce);
                h.first.owner = None;
            }
            _ => {}
        }
        let (s_past, h_past) = self.calendar.pair(&mut self.prng, relation);
        let spoil = (relation == Relation::BadPhone).then_some("Phone");
        let salesforce = self.plant_salesforce(s, s_past, spoil);
        let hubspot = self.plant_hubspot(h, h_past, None);
        if relation == Relation::Doubled {
            self.double(person);
        } else {
            self.truth.contacts.push(Pair {
                salesforce,
                hubspot,
            });
        }
    }

    /// A second Salesforce record with the same e-mail address, as imports leave them.
    fn double(&mut self, mut person: Person) {
        let what = TRAITS[self.prng.below(TRAITS.len())];
        person.change(what, &mut self.prng, &self.lists);
        person.phone = person.phone.filter(|_| self.prng.percent(50));
        let past = Past {
            made: self.calendar.ago(&mut self.prng, 5, 300),
            edited: None,
        };
        self.plant_salesforce(Draft::of(person), past, None);
    }

    fn salesforce_alone(&mut self, role: Lone) -> Person {
        let mut person = self.person(true, false);
        match role {
            Lone::NoKey => person.email = None,
            Lone::BadEmail => person.email = self.bad_email(&person),
            Lone::Unowned => person.owner = self.loner(Desk::Salesforce),
            _ => {}
        }
        let past = self.calendar.ordinary(&mut self.prng);
        let spoil = (role == Lone::BadPhone).then_some("Phone");
        self.plant_salesforce(Draft::of(person.clone()), past, spoil);
        person
    }

    /// `twin` is the person that Salesforce knows under another address.
    fn hubspot_alone(&mut self, role: Lone, twin: Option<Person>) -> Person {
        let mut person = self.person(false, true);
        if let Some(twin) = twin {
            let email = person.email.take();
            person = Person { email, ..twin };
        }
        let mut spoil = None;
        match role {
            Lone::NoKey => person.email = None,
            Lone::BadEmail => person.email = self.bad_email(&person),
            Lone::Unowned => person.owner = self.loner(Desk::HubSpot),
            Lone::BadPhone => spoil = Some("phone"),
            Lone::Refused => match self.prng.below(4) {
                3 => self.retire(&mut person),
                0 => person.family.clear(),
                1 => person.given = format!("{} (assistant to the managing board)", person.given),
                _ => person.title = Some(self.endless_title()),
            },
            _ if self.prng.percent(15) => person.owner = None,
            _ => {}
        }
        let past = self.calendar.ordinary(&mut self.prng);
        self.plant_hubspot(Draft::of(person.clone()), past, spoil);
        person
    }

    /// Addresses that were taken in the past and are refused today by the other side.
    fn bad_email(&mut self, person: &Person) -> Option<String> {
        let (local, domain) = person.email.as_deref()?.split_once('@')?;
        let host = domain.split('.').next().unwrap_or(domain);
        Some(match self.prng.below(3) {
            0 => format!("{local}@{host}"),
            1 => format!("{local}.@{domain}"),
            _ => format!("{local}@{host}..com"),
        })
    }

    /// A former employee with a telephone number: what the org's validation rule refuses since it is there.
    fn retire(&mut self, person: &mut Person) {
        person.ensure(Trait::Title, &mut self.prng, &self.lists);
        person.ensure(Trait::Phone, &mut self.prng, &self.lists);
        person.title = person.title.take().map(|title| format!("Former {title}"));
    }

    /// More than the 128 characters that Salesforce takes (docs/vendor/salesforce.md 6.1).
    fn endless_title(&mut self) -> String {
        let mut titles: Vec<&str> = Vec::new();
        while titles.iter().map(|title| title.len() + 3).sum::<usize>() < 150 {
            titles.push(self.prng.word(&self.lists.titles));
        }
        titles.join(" / ")
    }

    /// A number nobody can dial from elsewhere: a foreign one without its calling code, or no number at all.
    fn no_number(&mut self, person: &Person) -> String {
        match &person.phone {
            Some(phone) if person.locale != "us" && self.prng.percent(50) => phone.national(),
            _ => NO_NUMBERS[self.prng.below(NO_NUMBERS.len())].to_owned(),
        }
    }

    /// A past with an earlier job title, where the calendar says that the record was edited once.
    fn promoted(&mut self, draft: Draft, past: Past) -> Draft {
        let title = draft.first.title.as_deref();
        let settled = title.is_none_or(|title| title.starts_with("Former "));
        if draft.later.is_some() || past.edited.is_none() || settled {
            return draft;
        }
        let mut junior = draft.first.clone();
        junior.change(Trait::Title, &mut self.prng, &self.lists);
        Draft {
            first: junior,
            later: Some((Trait::Title, draft.first)),
        }
    }

    fn plant_salesforce(&mut self, draft: Draft, past: Past, spoil: Option<&str>) -> String {
        let draft = self.promoted(draft, past);
        let mut first = draft.first.salesforce(&mut self.prng);
        if let Some(field) = spoil {
            put(&mut first, field, &self.no_number(&draft.first));
        }
        if let Some(user) = self.user(draft.first.owner) {
            put(&mut first, "OwnerId", user);
        }
        let account = draft.first.company.and_then(|n| self.companies.get(n));
        if let Some(account) = account.and_then(|known| known.salesforce.as_deref()) {
            put(&mut first, "AccountId", account);
        }
        let later = draft.later.map_or_else(Values::new, |(what, person)| {
            only(&person.salesforce(&mut self.prng), salesforce_fields(what))
        });
        self.salesforce
            .seed("Contact", versions(past, first, later))
    }

    fn plant_hubspot(&mut self, draft: Draft, past: Past, spoil: Option<&str>) -> String {
        let draft = self.promoted(draft, past);
        let mut first = draft.first.hubspot(&mut self.prng);
        if let Some(field) = spoil {
            put(&mut first, field, &self.no_number(&draft.first));
        }
        if let Some(owner) = self.owner(draft.first.owner) {
            put(&mut first, "hubspot_owner_id", owner);
        }
        let later = draft.later.map_or_else(Values::new, |(what, person)| {
            only(&person.hubspot(&mut self.prng), hubspot_fields(what))
        });
        let versions = versions(past, first, later);
        let last = versions.last().map_or(past.made, |(at, ..)| *at);
        let id = self.hubspot.seed("contacts", versions);
        let company = draft.first.company.and_then(|n| self.companies.get(n));
        if let Some(company) = company.and_then(|known| known.hubspot.as_deref()) {
            let at = last + Duration::seconds(20);
            self.hubspot.employ(at, Author::World, &id, company);
        }
        id
    }
}
