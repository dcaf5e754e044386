//! Companies: who they are, before either side writes them down in its own way.

use std::collections::BTreeSet;

use super::lists::{Lists, Locale};
use super::phones::Phone;
use super::text::slug;
use crate::sandbox::history::Values;
use crate::sandbox::prng::Prng;

/// Locales by how many of a hundred companies (and their people) are at home there, with their domain endings.
const HOMES: [(&str, u32, &[&str]); 13] = [
    ("us", 46, &["com", "io", "net", "org"]),
    ("gb", 11, &["co.uk", "com", "org.uk"]),
    ("de", 10, &["de", "com"]),
    ("fr", 8, &["fr", "com"]),
    ("es", 5, &["es", "com"]),
    ("br", 4, &["com.br"]),
    ("se", 3, &["se"]),
    ("pl", 3, &["pl", "com.pl"]),
    ("cz", 2, &["cz"]),
    ("tr", 2, &["com.tr"]),
    ("jp", 3, &["co.jp", "jp"]),
    ("cn", 2, &["com.cn", "cn"]),
    ("kr", 1, &["co.kr"]),
];

/// One company.
#[derive(Clone, Debug)]
pub(super) struct Company {
    pub(super) locale: &'static str,
    pub(super) name: String,
    /// The name as people shorten it, without the legal ending.
    pub(super) short: String,
    /// The bare domain; none when the company has no website on record.
    pub(super) domain: Option<String>,
    pub(super) phone: Option<Phone>,
    /// Place in the list of industries that both sides know.
    pub(super) industry: Option<usize>,
    pub(super) employees: Option<i64>,
    pub(super) revenue: Option<i64>,
}

/// A locale by the shares of [`HOMES`].
pub(super) fn home(prng: &mut Prng) -> &'static str {
    let mut draw = prng.below(100) as u32;
    for (locale, share, _) in HOMES {
        if draw < share {
            return locale;
        }
        draw -= share;
    }
    "us"
}

/// Makes companies that differ in name and domain.
#[derive(Debug, Default)]
pub(super) struct Founder {
    domains: BTreeSet<String>,
}

impl Founder {
    /// A new company.
    pub(super) fn found(&mut self, prng: &mut Prng, lists: &Lists) -> Company {
        let locale = home(prng);
        let place: &Locale = lists.locale(locale);
        let (short, told) = self.name(prng, lists);
        let name = match prng.percent(65) {
            true => format!("{short} {}", prng.word(&place.suffixes)),
            false => short.clone(),
        };
        let area = prng.pick(&place.towns).map_or("", |town| town.area);
        let employees = prng.percent(80).then(|| {
            let size = prng.between(1, 40);
            size * [1, 5, 50, 500][prng.below(4)]
        });
        let revenue = prng
            .percent(60)
            .then(|| employees.unwrap_or(20) * prng.between(60, 400) * 1000);
        Company {
            locale,
            domain: Some(self.domain(prng, locale, &short)),
            name,
            short,
            phone: prng.percent(75).then(|| Phone::fixed(prng, locale, area)),
            industry: prng
                .percent(85)
                .then(|| told.unwrap_or_else(|| prng.below(lists.industries.len()))),
            employees,
            revenue,
        }
    }

    /// A name without legal ending, and the industry that it tells, if any.
    fn name(&mut self, prng: &mut Prng, lists: &Lists) -> (String, Option<usize>) {
        let first = prng.word(&lists.first);
        let (second, told) = prng.pick(&lists.second).copied().unwrap_or_default();
        match prng.below(20) {
            0 => (format!("{first} & {}", prng.word(&lists.first)), None),
            1 => (
                format!("{first} {} {second}", prng.word(&lists.first)),
                told,
            ),
            2 => (format!("The {first} {second} Company"), told),
            _ => (format!("{first} {second}"), told),
        }
    }

    fn domain(&mut self, prng: &mut Prng, locale: &str, name: &str) -> String {
        let endings = HOMES
            .iter()
            .find(|(home, ..)| *home == locale)
            .map_or(&["com"][..], |(_, _, endings)| endings);
        let stem = slug(name, if prng.percent(25) { "-" } else { "" });
        let ending = prng.word(endings);
        let mut domain = format!("{stem}.{ending}");
        let mut number = 2;
        while !self.domains.insert(domain.clone()) {
            domain = format!("{stem}{number}.{ending}");
            number += 1;
        }
        domain
    }
}

impl Company {
    /// The company as a Salesforce `Account`: the website as a URL somebody pasted.
    pub(super) fn account(&self, prng: &mut Prng, lists: &Lists) -> Values {
        let mut values = Values::new();
        put(&mut values, "Name", &self.name);
        if let Some(domain) = &self.domain {
            put(&mut values, "Website", &website(prng, domain));
        }
        if let Some(phone) = &self.phone {
            put(&mut values, "Phone", &phone.typed(prng));
        }
        if let Some((salesforce, _)) = self.industry.and_then(|place| lists.industries.get(place)) {
            put(&mut values, "Industry", salesforce);
        }
        number(&mut values, "NumberOfEmployees", self.employees);
        number(&mut values, "AnnualRevenue", self.revenue);
        values
    }

    /// The company as a HubSpot company: the bare domain.
    pub(super) fn company(&self, prng: &mut Prng, lists: &Lists) -> Values {
        let mut values = Values::new();
        put(&mut values, "name", &self.name);
        if let Some(domain) = &self.domain {
            put(&mut values, "domain", domain);
        }
        if let Some(phone) = &self.phone {
            let written = match prng.percent(70) {
                true => phone.e164(),
                false => phone.typed(prng),
            };
            put(&mut values, "phone", &written);
        }
        if let Some((_, hubspot)) = self.industry.and_then(|place| lists.industries.get(place)) {
            put(&mut values, "industry", hubspot);
        }
        number(&mut values, "numberofemployees", self.employees);
        number(&mut values, "annualrevenue", self.revenue);
        values
    }
}

/// Sets a value; nothing for an empty one, for a blank field has no value.
pub(super) fn put(values: &mut Values, field: &str, value: &str) {
    if !value.is_empty() {
        values.insert(field.to_owned(), Some(value.to_owned()));
    }
}

fn number(values: &mut Values, field: &str, value: Option<i64>) {
    if let Some(value) = value {
        put(values, field, &value.to_string());
    }
}

fn website(prng: &mut Prng, domain: &str) -> String {
    match prng.below(9) {
        0 | 1 => format!("https://www.{domain}"),
        2 => format!("http://www.{domain}/"),
        3 => format!("www.{domain}"),
        4 => format!("https://{domain}/en/index.html?utm_source=crm"),
        5 => format!("HTTPS://WWW.{}/", domain.to_uppercase()),
        6 => domain.to_owned(),
        _ => format!("https://{domain}"),
    }
}
