//! A believable world on both sides: people and companies in common, alone, doubled, nearly the same, differing in
//! every way that a first sync has to decide. Same seed, same world.

mod accounts;
mod cast;
mod company;
mod contacts;
mod ideas;
mod leads;
mod lists;
mod person;
mod phones;
mod text;
mod times;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::ground::{Ground, Member};
use super::history::{Author, Values};
use super::prng::Prng;
use company::{Company, Founder};
pub(super) use ideas::Ideas;
use lists::{Desk, Lists};
use person::Registry;
use times::{Calendar, Past};

/// The size and the seed of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldSettings {
    /// Contacts on each side; a fifth as many accounts and companies, a twentieth as many leads.
    pub contacts: usize,
    /// What everything is drawn from.
    pub seed: u64,
}

impl Default for WorldSettings {
    fn default() -> Self {
        WorldSettings {
            contacts: 5_000,
            seed: 1,
        }
    }
}

/// Two records of the same person or company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The Salesforce id.
    pub salesforce: String,
    /// The HubSpot id.
    pub hubspot: String,
}

/// What is true of a planted world, for the simulated colleagues and for tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// People on both sides that a sync can tell to be the same.
    pub contacts: Vec<Pair>,
    /// Companies on both sides that a sync can tell to be the same.
    pub accounts: Vec<Pair>,
    /// Salesforce user ids of the staff.
    pub users: Vec<String>,
    /// HubSpot owner ids of the staff.
    pub owners: Vec<String>,
}

/// A company with the ids it has on the sides that know it.
struct Known {
    company: Company,
    salesforce: Option<String>,
    hubspot: Option<String>,
}

/// A member of staff with the ids on the sides they work in.
struct Colleague {
    desk: Desk,
    user: Option<String>,
    owner: Option<String>,
}

/// What the builders of accounts and contacts share.
struct Builder<'a, S, H> {
    salesforce: &'a mut S,
    hubspot: &'a mut H,
    prng: Prng,
    lists: Lists,
    calendar: Calendar,
    founder: Founder,
    registry: Registry,
    staff: Vec<Colleague>,
    /// Places in `staff` of those who work in both systems.
    shared: Vec<usize>,
    companies: Vec<Known>,
    truth: Truth,
}

/// Plants the world of `settings` in two empty vendors. Every moment in it lies at least an hour before `now`.
pub fn plant<S: Ground, H: Ground>(
    salesforce: &mut S,
    hubspot: &mut H,
    settings: &WorldSettings,
    now: DateTime<Utc>,
) -> Truth {
    let mut builder = Builder {
        salesforce,
        hubspot,
        prng: Prng::stream(settings.seed, "world"),
        lists: Lists::load(),
        calendar: Calendar::before(now),
        founder: Founder::default(),
        registry: Registry::default(),
        staff: Vec::new(),
        shared: Vec::new(),
        companies: Vec::new(),
        truth: Truth::default(),
    };
    builder.hire();
    builder.accounts(settings.contacts / 5);
    let strangers = builder.contacts(settings.contacts);
    builder.leads(settings.contacts / 20, strangers);
    builder.truth
}

impl<S: Ground, H: Ground> Builder<'_, S, H> {
    fn hire(&mut self) {
        let team: Vec<(Desk, Member)> = self.lists.staff.clone();
        for (place, (desk, member)) in team.iter().enumerate() {
            let at = self.calendar.ago(&mut self.prng, 1_000, 1_500);
            let user = (*desk != Desk::HubSpot).then(|| self.salesforce.hire(at, place, member));
            let owner = (*desk != Desk::Salesforce).then(|| self.hubspot.hire(at, place, member));
            self.truth.users.extend(user.clone());
            self.truth.owners.extend(owner.clone());
            if *desk == Desk::Both {
                self.shared.push(place);
            }
            self.staff.push(Colleague {
                desk: *desk,
                user,
                owner,
            });
        }
    }

    /// Somebody who works at that desk alone.
    fn loner(&mut self, desk: Desk) -> Option<usize> {
        let places: Vec<usize> = (0..self.staff.len())
            .filter(|place| self.staff[*place].desk == desk)
            .collect();
        self.prng.pick(&places).copied()
    }

    fn user(&self, owner: Option<usize>) -> Option<&str> {
        self.staff.get(owner?)?.user.as_deref()
    }

    fn owner(&self, owner: Option<usize>) -> Option<&str> {
        self.staff.get(owner?)?.owner.as_deref()
    }
}

/// The versions of one record: `first` when it was made, then `later` (or nothing new) when it was edited.
fn versions(past: Past, first: Values, later: Values) -> Vec<(DateTime<Utc>, Author, Values)> {
    let mut versions = vec![(past.made, Author::World, first)];
    if let Some(at) = past.edited.filter(|at| *at > past.made)
        && !later.is_empty()
    {
        versions.push((at, Author::World, later));
    }
    versions
}

/// The named fields of `all`, blank where it lacks them: what an edit of them sets.
fn only(all: &Values, fields: &[&str]) -> Values {
    fields
        .iter()
        .map(|field| ((*field).to_owned(), all.get(*field).cloned().flatten()))
        .collect()
}
