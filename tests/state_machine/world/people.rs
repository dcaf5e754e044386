//! What persons do at the two vendors.

use syncline::domain::Side;

use super::Inner;
use crate::look::{self, ACCOUNT, AWAY, COMPANY, CONTACT, PERSON, SCOPE};
use crate::oracle::{Both, Kind, Merge, Record, Snapshot, Who};
use crate::steps::On;
use crate::support::town::{colleague, values};

impl Inner {
    pub(super) fn delete(&mut self, side: Side, who: usize) {
        let (object, at) = match side {
            Side::Salesforce => (CONTACT, 0),
            Side::HubSpot => (PERSON, 1),
        };
        let Some(id) = self.pick(side, object, who) else {
            return;
        };
        let world = self.snapshot();
        let is = |record: &Option<Record>| record.as_ref().is_some_and(|one| one.id == id);
        let people = |who: &&Who| who.kind == Kind::Person;
        let who = world.keys().filter(people).find(|who| is(&world[*who][at]));
        let Some(who) = who else { return };
        let tomb = self
            .oracle
            .deleted(who, &world[who], at, self.house.clock.now());
        match side {
            Side::Salesforce => self.house.sf_delete(object, &id),
            Side::HubSpot => self.house.hs_delete(object, &id),
        }
        // One that had no counterpart is made anew over there; restored, it would be a twin of that by people's hand.
        if tomb {
            self.bin.push((side, id, who.clone()));
        }
    }

    pub(super) fn restore(&mut self, pick: usize) {
        if self.bin.is_empty() {
            return;
        }
        let (side, id, who) = self.bin.swap_remove(pick % self.bin.len());
        let at = usize::from(side == Side::HubSpot);
        if self
            .snapshot()
            .get(&who)
            .is_some_and(|both| both[at].is_some())
        {
            // It was made anew meanwhile.
            return;
        }
        let (now, by) = (self.house.clock.now(), colleague());
        let back = {
            let mut sandbox = self.house.sandbox.lock().unwrap();
            match side {
                Side::Salesforce => sandbox.org.restore(now, &by, CONTACT, &id),
                Side::HubSpot => sandbox.portal.restore(now, by, PERSON, &id),
            }
        };
        // What the vendor has purged meanwhile stays away.
        if back.is_ok() {
            self.oracle.restored(&who);
        }
    }

    /// A person merges two records of a side; the screen takes the winner's values first.
    pub(super) async fn merge(&mut self, side: Side, winner: usize, loser: usize) {
        let (object, at) = match side {
            Side::Salesforce => (CONTACT, 0),
            Side::HubSpot => (PERSON, 1),
        };
        let (Some(winner), Some(loser)) = (
            self.pick(side, object, winner),
            self.pick(side, object, loser),
        ) else {
            return;
        };
        if winner == loser {
            return;
        }
        let before = self.snapshot();
        let whose = |id: &str| {
            let is = |both: &Both| both[at].as_ref().is_some_and(|one| one.id == id);
            let mut people = before.iter().filter(|(who, _)| who.kind == Kind::Person);
            people.find(|(_, both)| is(both))
        };
        let (Some(first), Some(second)) = (whose(&winner), whose(&loser)) else {
            return;
        };
        let elder = self.elder(&before, [first.0, second.0]).await;
        let (now, by) = (self.house.clock.now(), colleague());
        let survivor = {
            let mut sandbox = self.house.sandbox.lock().unwrap();
            match side {
                Side::Salesforce => {
                    let org = &mut sandbox.org;
                    org.merge(now, &by, object, &winner, &loser).unwrap();
                    winner
                }
                Side::HubSpot => {
                    let portal = &mut sandbox.portal;
                    portal.merge(now, by, object, &winner, &loser).unwrap()
                }
            }
        };
        self.names.give(object, &survivor, first.0);
        let after = self.snapshot();
        let values = after[first.0][at].as_ref().map(|one| one.values.clone());
        let merge = Merge {
            side: at,
            winner: first,
            loser: second,
            elder: &elder,
            at: now,
        };
        let keeper = self.oracle.merged(&merge, &values.unwrap_or_default());
        self.names.give(object, &survivor, &keeper);
    }

    /// Whose link is the older one. Only the engine knows how old they are.
    async fn elder(&mut self, world: &Snapshot, two: [&Who; 2]) -> Who {
        let mut links = self.house.links().await;
        links.sort_by_key(|link| (link.created_at, link.id));
        let whose = self.links(world).await;
        let mut all = links.iter().filter_map(|link| whose.get(&link.id));
        let elder = all.find(|who| two.contains(who));
        elder.unwrap_or(two[0]).clone()
    }

    /// A person takes somebody out of the scope, or back into it.
    pub(super) fn scope(&mut self, who: usize, away: bool) {
        let now = self.house.clock.now();
        if let Some(id) = self.pick(Side::Salesforce, CONTACT, who)
            && self.oracle.is_sure(now)
        {
            let country = if away { AWAY } else { "" };
            self.house.sf_edit(CONTACT, &id, &[(SCOPE, country)]);
        }
    }

    pub(super) fn enter(&mut self, on: On) {
        let number = self.people;
        self.people += 1;
        let (name, mail) = (format!("P{number}"), format!("p{number}@example.com"));
        self.put(
            on,
            [CONTACT, PERSON],
            &[("LastName", "lastname", &name), ("Email", "email", &mail)],
        );
    }

    pub(super) fn found(&mut self, on: On) {
        let name = format!("Firm {}", self.firms);
        self.firms += 1;
        self.put(on, [ACCOUNT, COMPANY], &[("Name", "name", &name)]);
    }

    /// A person enters a record.
    fn put(&self, on: On, [s, h]: [&str; 2], fields: &[(&str, &str, &str)]) {
        let now = self.house.clock.now();
        let mut sandbox = self.house.sandbox.lock().unwrap();
        for side in on.sides() {
            let mut set = Vec::new();
            for (salesforce, hubspot, value) in fields {
                let name = if *side == Side::Salesforce {
                    salesforce
                } else {
                    hubspot
                };
                set.push((*name, *value));
            }
            match side {
                Side::Salesforce => sandbox
                    .org
                    .insert(now, &colleague(), s, values(&set))
                    .map(drop)
                    .unwrap(),
                Side::HubSpot => sandbox
                    .portal
                    .insert(now, colleague(), h, values(&set))
                    .map(drop)
                    .unwrap(),
            }
        }
    }

    /// Record number `who` of those on a side: persons, or firms where `field` is beyond a person's texts.
    pub(super) fn write(&mut self, side: Side, who: usize, field: usize, clear: bool) {
        self.ink += 1;
        let text = match clear {
            true => String::new(),
            false => format!("word {}", self.ink),
        };
        let (object, name) = look::FIELDS[field].on(side);
        let Some(id) = self.pick(side, object, who) else {
            return;
        };
        match side {
            Side::Salesforce => self.house.sf_edit(object, &id, &[(name, &text)]),
            Side::HubSpot => self.house.hs_edit(object, &id, &[(name, &text)]),
        }
    }

    fn pick(&self, side: Side, object: &str, who: usize) -> Option<String> {
        let ids = match side {
            Side::Salesforce => self.house.sf_ids(object),
            Side::HubSpot => self.house.hs_ids(object),
        };
        (!ids.is_empty()).then(|| ids[who % ids.len()].clone())
    }

    pub(super) fn hire(&mut self, side: Side, who: usize, firm: Option<usize>) {
        let now = self.house.clock.now();
        match side {
            Side::Salesforce => {
                let Some(id) = self.pick(side, CONTACT, who) else {
                    return;
                };
                let account = firm.and_then(|firm| self.pick(side, ACCOUNT, firm));
                let account = account.unwrap_or_default();
                self.house.sf_edit(CONTACT, &id, &[("AccountId", &account)]);
            }
            Side::HubSpot => {
                let Some(id) = self.pick(side, PERSON, who) else {
                    return;
                };
                let company = firm.and_then(|firm| self.pick(side, COMPANY, firm));
                let mut sandbox = self.house.sandbox.lock().unwrap();
                let portal = &mut sandbox.portal;
                // Nobody has two firms.
                for old in portal.partners(PERSON, &id, COMPANY) {
                    let (from, to) = ((PERSON, id.as_str()), (COMPANY, old.as_str()));
                    portal.dissociate(now, colleague(), from, to).unwrap();
                }
                if let Some(company) = company {
                    portal.associate(now, colleague(), PERSON, &id, COMPANY, &company, true);
                }
            }
        }
    }
}
