//! The names, towns, streets and companies compiled in from `assets/world/`.

use std::collections::BTreeMap;

use crate::sandbox::ground::Member;

const NAMES: &str = include_str!("../../../assets/world/names.txt");
const PLACES: &str = include_str!("../../../assets/world/places.txt");
const STREETS: &str = include_str!("../../../assets/world/streets.txt");
const COMPANIES: &str = include_str!("../../../assets/world/companies.txt");
const TITLES: &str = include_str!("../../../assets/world/titles.txt");
const INDUSTRIES: &str = include_str!("../../../assets/world/industries.txt");
const STAFF: &str = include_str!("../../../assets/world/staff.txt");

type Words = Vec<&'static str>;

/// A town: city, state, postal pattern, telephone area.
#[derive(Clone, Copy, Debug)]
pub(super) struct Town {
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) postal: &'static str,
    pub(super) area: &'static str,
}

/// What one locale offers.
#[derive(Clone, Debug, Default)]
pub(super) struct Locale {
    pub(super) given: Words,
    pub(super) family: Words,
    pub(super) towns: Vec<Town>,
    pub(super) streets: Words,
    pub(super) suffixes: Words,
    /// Job titles in the local language.
    pub(super) titles: Words,
}

/// Which side a member of staff works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Desk {
    Both,
    Salesforce,
    HubSpot,
}

/// All lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    pub(super) locales: BTreeMap<&'static str, Locale>,
    pub(super) first: Words,
    /// Second words of company names, each with the place of the industry that it tells, if any.
    pub(super) second: Vec<(&'static str, Option<usize>)>,
    /// Job titles of anywhere.
    pub(super) titles: Words,
    /// Pairs (Salesforce, HubSpot) of one industry.
    pub(super) industries: Vec<(&'static str, &'static str)>,
    pub(super) staff: Vec<(Desk, Member)>,
    nowhere: Locale,
}

impl Lists {
    /// Reads the compiled-in texts. A line that does not fit its form is left out.
    pub(super) fn load() -> Self {
        let mut lists = Lists::default();
        for row in rows(INDUSTRIES) {
            if let [salesforce, hubspot] = row[..] {
                lists.industries.push((salesforce, hubspot));
            }
        }
        for row in rows(TITLES) {
            match row[..] {
                [locale, title] => lists.locales.entry(locale).or_default().titles.push(title),
                [title] => lists.titles.push(title),
                _ => {}
            }
        }
        for row in rows(NAMES) {
            if let [locale, given, family] = row[..] {
                let entry = lists.locales.entry(locale).or_default();
                entry.given = given.split(',').collect();
                entry.family = family.split(',').collect();
            }
        }
        for row in rows(PLACES) {
            if let [locale, city, state, postal, area] = row[..] {
                let town = Town {
                    city,
                    state,
                    postal,
                    area,
                };
                lists.locales.entry(locale).or_default().towns.push(town);
            }
        }
        for row in rows(STREETS) {
            if let [locale, pattern] = row[..] {
                let entry = lists.locales.entry(locale).or_default();
                entry.streets.push(pattern);
            }
        }
        for row in rows(COMPANIES) {
            match row[..] {
                ["first", words] => lists.first = words.split(',').collect(),
                ["second", words] => {
                    lists.second = words.split(',').map(|word| lists.told(word)).collect();
                }
                ["suffix", locale, endings] => {
                    lists.locales.entry(locale).or_default().suffixes =
                        endings.split(',').collect();
                }
                _ => {}
            }
        }
        for row in rows(STAFF) {
            if let [place, first, last, email, title] = row[..] {
                let desk = match place {
                    "salesforce" => Desk::Salesforce,
                    "hubspot" => Desk::HubSpot,
                    _ => Desk::Both,
                };
                let member = Member {
                    first,
                    last,
                    email,
                    title,
                };
                lists.staff.push((desk, member));
            }
        }
        lists
    }

    /// A word such as `Bank=Banking` and the place of its industry.
    fn told(&self, word: &'static str) -> (&'static str, Option<usize>) {
        let (word, industry) = word.split_once('=').unwrap_or((word, ""));
        let place = self
            .industries
            .iter()
            .position(|(name, _)| *name == industry);
        (word, place)
    }

    /// The lists of a locale; empty ones for an unknown one.
    pub(super) fn locale(&self, name: &str) -> &Locale {
        self.locales.get(name).unwrap_or(&self.nowhere)
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    lines(text).map(|line| line.split('|').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_locale_has_names_towns_streets_and_company_endings() {
        let lists = Lists::load();
        assert!(lists.locales.len() >= 12);
        for (name, locale) in &lists.locales {
            assert!(locale.given.len() >= 6, "{name}");
            assert!(locale.family.len() >= 6, "{name}");
            assert!(!locale.towns.is_empty(), "{name}");
            assert!(!locale.streets.is_empty(), "{name}");
            assert!(!locale.suffixes.is_empty(), "{name}");
        }
        assert!(lists.industries.len() >= 25 && lists.staff.len() >= 12);
    }
}
