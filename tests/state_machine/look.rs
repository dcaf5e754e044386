//! How the two vendors' truth is read into the spec world's words.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::Side;
use syncline::sandbox::Sandbox;
use syncline::sandbox::history::{Author, History, Version};

use crate::field::Text;
use crate::oracle::{Both, Kind, Record, Snapshot, TWIN, Who};

pub const ACCOUNT: &str = "Account";
pub const COMPANY: &str = "companies";
pub const CONTACT: &str = "Contact";
pub const PERSON: &str = "contacts";

/// A text field that is synced.
pub struct Field {
    pub kind: Kind,
    salesforce: &'static str,
    hubspot: &'static str,
}

/// What people write into: a person's title and city, a firm's city.
pub const FIELDS: [Field; 3] = [
    Field {
        kind: Kind::Person,
        salesforce: "Title",
        hubspot: "jobtitle",
    },
    Field {
        kind: Kind::Person,
        salesforce: "MailingCity",
        hubspot: "city",
    },
    Field {
        kind: Kind::Firm,
        salesforce: "BillingCity",
        hubspot: "city",
    },
];

impl Field {
    /// The object and the field's name on a side.
    pub fn on(&self, side: Side) -> (&'static str, &'static str) {
        match side {
            Side::Salesforce => (object(self.kind, side), self.salesforce),
            Side::HubSpot => (object(self.kind, side), self.hubspot),
        }
    }
}

fn object(kind: Kind, side: Side) -> &'static str {
    match (kind, side) {
        (Kind::Firm, Side::Salesforce) => ACCOUNT,
        (Kind::Firm, Side::HubSpot) => COMPANY,
        (Kind::Person, Side::Salesforce) => CONTACT,
        (Kind::Person, Side::HubSpot) => PERSON,
    }
}

/// The place of a pair, by its name, among the fields of a kind.
pub fn number(kind: Kind, pair: &str) -> Option<usize> {
    let pairs: &[&str] = match kind {
        Kind::Firm => &["BillingCity"],
        Kind::Person => &["Title", "MailingCity", "AccountId"],
    };
    pairs.iter().position(|one| *one == pair)
}

fn value(sandbox: &Sandbox, side: Side, object: &str, id: &str, field: &str) -> Text {
    match side {
        Side::Salesforce => sandbox.org.value(object, id, field),
        Side::HubSpot => sandbox.portal.value(object, id, field),
    }
}

fn history<'a>(sandbox: &'a Sandbox, side: Side, object: &str, id: &str) -> &'a History {
    match side {
        Side::Salesforce => sandbox.org.history(object, id),
        Side::HubSpot => sandbox.portal.history(object, id),
    }
    .unwrap()
}

fn ids(sandbox: &Sandbox, side: Side, object: &str) -> Vec<String> {
    match side {
        Side::Salesforce => sandbox.org.ids(object),
        Side::HubSpot => sandbox.portal.ids(object),
    }
}

/// The Salesforce field that the scope looks at, and what it must not say. No pair has it.
pub const SCOPE: &str = "MailingCountry";
pub const AWAY: &str = "Away";

/// Who each record is, by its id: by its key when it was seen first, or as a merge left it.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<(&'static str, String), Who>);

impl Names {
    /// A record is somebody's from now on.
    pub fn give(&mut self, object: &'static str, id: &str, who: &Who) {
        self.0.insert((object, id.to_owned()), who.clone());
    }

    fn of(&mut self, object: &'static str, id: &str, known: impl FnOnce() -> Who) -> Who {
        let named = self.0.entry((object, id.to_owned()));
        named.or_insert_with(known).clone()
    }
}

/// Everything that lives on both sides.
pub fn snapshot(
    sandbox: &Sandbox,
    names: &mut Names,
    now: DateTime<Utc>,
    lag: TimeDelta,
) -> Snapshot {
    let mut world = Snapshot::new();
    let mut firms: BTreeMap<String, String> = BTreeMap::new();
    for kind in [Kind::Firm, Kind::Person] {
        for (at, side) in Side::BOTH.into_iter().enumerate() {
            let object = object(kind, side);
            let name = match (kind, side) {
                (Kind::Firm, Side::Salesforce) => "Name",
                (Kind::Firm, Side::HubSpot) => "name",
                (Kind::Person, Side::Salesforce) => "Email",
                (Kind::Person, Side::HubSpot) => "email",
            };
            for id in ids(sandbox, side, object) {
                let key = || value(sandbox, side, object, &id, name).unwrap_or_default();
                let mut who = names.of(object, &id, || Who { kind, key: key() });
                if world
                    .get(&who)
                    .is_some_and(|both: &Both| both[at].is_some())
                {
                    who.key = format!("{}{TWIN}{id}", who.key);
                }
                let mut record = texts(sandbox, (kind, side), &id, now - lag);
                match kind {
                    Kind::Firm => {
                        firms.insert(id, who.key.clone());
                    }
                    Kind::Person => add_firm(sandbox, side, &mut record, &firms),
                }
                let both = world.entry(who).or_default();
                both[at] = Some(record);
            }
        }
    }
    world
}

fn texts(sandbox: &Sandbox, (kind, side): (Kind, Side), id: &str, since: DateTime<Utc>) -> Record {
    let past = history(sandbox, side, object(kind, side), id);
    let (made, touched) = (
        past.versions[0].at,
        past.versions[past.versions.len() - 1].at,
    );
    let theirs = |one: &&Version| !matches!(one.by, Author::Api(_));
    let others = past.versions.iter().rev().find(theirs);
    let mut record = Record {
        id: id.to_owned(),
        values: Vec::new(),
        edited: Vec::new(),
        lately: Vec::new(),
        made,
        touched,
        others: others.map_or(made, |one| one.at),
        away: value(sandbox, side, object(kind, side), id, SCOPE).as_deref() == Some(AWAY),
    };
    for field in FIELDS.iter().filter(|field| field.kind == kind) {
        let (object, name) = field.on(side);
        record.values.push(value(sandbox, side, object, id, name));
        record.edited.push(last_edit(past, name).unwrap_or(made));
        // What it held at any time since then.
        let mut lately = Vec::new();
        let mut held = None;
        for version in past.versions.iter().filter(|one| one.values.contains(name)) {
            if version.at >= since {
                lately.push(held.clone());
            }
            held = version.value(name).map(str::to_owned);
        }
        record.lately.push(lately);
    }
    record
}

/// When anyone but us set a field last.
fn last_edit(past: &History, field: &str) -> Option<DateTime<Utc>> {
    let mut versions = past.of_field(field);
    let theirs = versions.find(|one| !matches!(one.by, Author::Api(_)));
    theirs.map(|one| one.at)
}

fn add_firm(sandbox: &Sandbox, side: Side, record: &mut Record, firms: &BTreeMap<String, String>) {
    let firm = match side {
        Side::Salesforce => sandbox.org.value(CONTACT, &record.id, "AccountId"),
        Side::HubSpot => {
            let all = sandbox.portal.partners(PERSON, &record.id, COMPANY);
            all.into_iter().next()
        }
    };
    record
        .values
        .push(firm.map(|id| firms.get(&id).cloned().unwrap_or(id)));
    // HubSpot tells no time of an association.
    let edited = match side {
        Side::Salesforce => last_edit(history(sandbox, side, CONTACT, &record.id), "AccountId"),
        Side::HubSpot => None,
    };
    record.edited.push(edited.unwrap_or(record.made));
    record.lately.push(Vec::new());
}
