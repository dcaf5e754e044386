//! People: who they are, before either side writes them down in its own way.

use std::collections::BTreeSet;

use super::company::{Company, home, put};
use super::lists::Lists;
use super::phones::Phone;
use super::text::{decomposed, slug};
use crate::sandbox::history::Values;
use crate::sandbox::prng::Prng;

/// Domains of people without a company address.
const FREE_MAIL: [&str; 5] = [
    "gmail.com",
    "outlook.com",
    "yahoo.com",
    "icloud.com",
    "proton.me",
];

/// Short forms of given names, by which one side may know a person.
const NICKNAMES: [(&str, &str); 10] = [
    ("Robert", "Bob"),
    ("William", "Bill"),
    ("Elizabeth", "Liz"),
    ("Michael", "Mike"),
    ("Thomas", "Tom"),
    ("Jennifer", "Jen"),
    ("Matthew", "Matt"),
    ("Stephanie", "Steph"),
    ("Katharina", "Kathi"),
    ("Krzysztof", "Krzysiek"),
];

/// A postal address; empty parts are blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) street: String,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) postal: String,
}

/// One person.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) locale: &'static str,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<Phone>,
    pub(super) mobile: Option<Phone>,
    pub(super) title: Option<String>,
    pub(super) address: Option<Address>,
    /// Place in the list of companies.
    pub(super) company: Option<usize>,
    /// Place in the list of staff; none where nobody owns the record.
    pub(super) owner: Option<usize>,
}

/// What can differ between the two sides' records of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trait {
    Title,
    Phone,
    Mobile,
    Address,
    Given,
    Family,
}

/// The traits that differ in the world, weighted by how often.
pub(super) const TRAITS: [Trait; 10] = [
    Trait::Title,
    Trait::Title,
    Trait::Title,
    Trait::Phone,
    Trait::Phone,
    Trait::Mobile,
    Trait::Address,
    Trait::Address,
    Trait::Given,
    Trait::Family,
];

/// Makes people whose e-mail addresses differ.
#[derive(Debug, Default)]
pub(super) struct Registry {
    emails: BTreeSet<String>,
}

impl Registry {
    /// A new person, at work at `company` if one is given.
    pub(super) fn register(
        &mut self,
        prng: &mut Prng,
        lists: &Lists,
        company: Option<(usize, &Company)>,
        owners: usize,
    ) -> Person {
        let locale = match company {
            Some((_, company)) if prng.percent(85) => company.locale,
            _ => home(prng),
        };
        let place = lists.locale(locale);
        let (given, given_latin) = spelled(prng.word(&place.given));
        let (family, family_latin) = spelled(prng.word(&place.family));
        let domain = company
            .and_then(|(_, company)| company.domain.as_deref())
            .filter(|_| prng.percent(92))
            .unwrap_or_else(|| FREE_MAIL[prng.below(FREE_MAIL.len())]);
        let mut person = Person {
            locale,
            given: given.into(),
            family: family.into(),
            email: Some(self.email(prng, given_latin, family_latin, domain)),
            phone: None,
            mobile: None,
            title: None,
            address: None,
            company: company.map(|(place, _)| place),
            owner: Some(prng.below(owners)),
        };
        for (share, what) in [
            (80, Trait::Phone),
            (45, Trait::Mobile),
            (85, Trait::Title),
            (72, Trait::Address),
        ] {
            if prng.percent(share) {
                person.change(what, prng, lists);
            }
        }
        if prng.percent(4) {
            let extension = prng.digits("2##");
            person.phone = person.phone.map(|phone| phone.with_extension(extension));
        }
        person
    }

    /// An address nobody has yet.
    pub(super) fn email(
        &mut self,
        prng: &mut Prng,
        given: &str,
        family: &str,
        domain: &str,
    ) -> String {
        let (given, family) = (slug(given, "-"), slug(family, ""));
        let initial = given.get(..1).unwrap_or("x");
        let local = match prng.below(10) {
            0 => format!("{initial}{family}"),
            1 => format!("{family}.{initial}"),
            2 => format!("{given}_{family}"),
            3 => format!("{initial}.{family}+crm"),
            _ => format!("{given}.{family}"),
        };
        let mut email = format!("{local}@{domain}");
        let mut number = 2;
        while !self.emails.insert(email.clone()) {
            email = format!("{local}{number}@{domain}");
            number += 1;
        }
        email
    }
}

impl Person {
    /// Gives the trait a value that differs from the present one.
    pub(super) fn change(&mut self, what: Trait, prng: &mut Prng, lists: &Lists) {
        let place = lists.locale(self.locale);
        let town = prng.pick(&place.towns);
        let area = town.map_or("", |town| town.area);
        match what {
            Trait::Title => {
                let local = prng.percent(30) && !place.titles.is_empty();
                let titles = if local { &place.titles } else { &lists.titles };
                let before = self.title.take().unwrap_or_default();
                let others: Vec<_> = titles.iter().filter(|t| **t != before).collect();
                let title = prng.pick(&others).map_or("Consultant", |title| **title);
                self.title = Some(title.to_owned());
            }
            Trait::Phone => self.phone = Some(Phone::fixed(prng, self.locale, area)),
            Trait::Mobile => self.mobile = Some(Phone::mobile(prng, self.locale, area)),
            Trait::Address => {
                let number = prng.between(1, 240).to_string();
                let street = prng.word(&place.streets).replace('#', &number);
                self.address = town.map(|town| Address {
                    street,
                    city: town.city.into(),
                    state: town.state.into(),
                    postal: prng.digits(town.postal),
                });
            }
            Trait::Given => {
                let nickname = NICKNAMES.iter().find(|(name, _)| *name == self.given);
                self.given = match nickname {
                    Some((_, short)) => (*short).into(),
                    None => format!(
                        "{} {}.",
                        self.given,
                        char::from(b'A' + prng.below(26) as u8)
                    ),
                };
            }
            Trait::Family => {
                let others: Vec<_> = place
                    .family
                    .iter()
                    .map(|name| spelled(name).0)
                    .filter(|name| *name != self.family)
                    .collect();
                self.family = prng.pick(&others).map_or("Smith", |name| *name).into();
            }
        }
    }

    /// Makes sure that the trait has a value.
    pub(super) fn ensure(&mut self, what: Trait, prng: &mut Prng, lists: &Lists) {
        let blank = match what {
            Trait::Title => self.title.is_none(),
            Trait::Phone => self.phone.is_none(),
            Trait::Mobile => self.mobile.is_none(),
            Trait::Address => self.address.is_none(),
            Trait::Given | Trait::Family => false,
        };
        if blank {
            self.change(what, prng, lists);
        }
    }

    /// Takes the trait's value away. A family name stays: Salesforce requires one.
    pub(super) fn blank(&mut self, what: Trait) {
        match what {
            Trait::Title => self.title = None,
            Trait::Phone => self.phone = None,
            Trait::Mobile => self.mobile = None,
            Trait::Address => self.address = None,
            Trait::Given => self.given.clear(),
            Trait::Family => {}
        }
    }

    /// The person as a Salesforce `Contact`, without account and owner: addresses as people type them.
    pub(super) fn salesforce(&self, prng: &mut Prng) -> Values {
        let mut values = Values::new();
        put(&mut values, "FirstName", &self.given);
        put(&mut values, "LastName", &self.family);
        if let Some(email) = &self.email {
            put(&mut values, "Email", &cased(prng, email));
        }
        if let Some(phone) = &self.phone {
            put(&mut values, "Phone", &phone.typed(prng));
        }
        if let Some(mobile) = &self.mobile {
            put(&mut values, "MobilePhone", &mobile.typed(prng));
        }
        put(
            &mut values,
            "Title",
            self.title.as_deref().unwrap_or_default(),
        );
        if let Some(address) = &self.address {
            let street = address.street.replace(", Suite", "\r\nSuite");
            put(&mut values, "MailingStreet", &street);
            put(&mut values, "MailingCity", &address.city);
            put(&mut values, "MailingState", &address.state);
            put(&mut values, "MailingPostalCode", &address.postal);
        }
        values
    }

    /// The person as a HubSpot contact, without company and owner: addresses in lower case, most numbers in E.164,
    /// here and there decomposed letters or a trailing space.
    pub(super) fn hubspot(&self, prng: &mut Prng) -> Values {
        let mut values = Values::new();
        let odd = prng.percent(2);
        let given = if odd {
            decomposed(&self.given)
        } else {
            self.given.clone()
        };
        put(&mut values, "firstname", &given);
        put(&mut values, "lastname", &self.family);
        put(
            &mut values,
            "email",
            self.email.as_deref().unwrap_or_default(),
        );
        for (field, phone) in [("phone", &self.phone), ("mobilephone", &self.mobile)] {
            if let Some(phone) = phone {
                let written = match prng.percent(60) {
                    true => phone.e164(),
                    false => phone.typed(prng),
                };
                put(&mut values, field, &written);
            }
        }
        if let Some(title) = &self.title {
            let space = if prng.percent(2) { " " } else { "" };
            put(&mut values, "jobtitle", &format!("{title}{space}"));
        }
        if let Some(address) = &self.address {
            put(
                &mut values,
                "address",
                &address.street.replace(", Suite", "\nSuite"),
            );
            put(&mut values, "city", &address.city);
            put(&mut values, "state", &address.state);
            put(&mut values, "zip", &address.postal);
        }
        values
    }
}

/// A list entry `太郎=Taro` as the name and its Latin spelling.
fn spelled(entry: &'static str) -> (&'static str, &'static str) {
    entry.split_once('=').unwrap_or((entry, entry))
}

/// One in six addresses as somebody's keyboard had it.
fn cased(prng: &mut Prng, email: &str) -> String {
    match prng.below(12) {
        0 => email.to_uppercase(),
        1 => email
            .split_inclusive(['.', '@'])
            .map(|part| {
                let (head, tail) = part.split_at(part.len().min(1));
                format!("{}{tail}", head.to_uppercase())
            })
            .collect(),
        _ => email.to_owned(),
    }
}
