//! The further accounts and companies of contacts (docs/design/sync-semantics.md 14.5): how they are planted, what people do with
//! them, and who had which one when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use syncline::domain::{PerSide, Side};
use syncline::sandbox::Sandbox;
use syncline::sandbox::history::Author;

use crate::people::{self, H, S};
use crate::support::town::{colleague, values};

/// The object of the rows that tie contacts to accounts.
pub const ROWS: &str = "AccountContactRelation";
/// Firms on each side.
pub const FIRMS: [&str; 2] = ["Account", "companies"];
/// The Salesforce field that the scope of firms looks at, and what it must not say.
pub const SCOPE: &str = "Type";
pub const AWAY: &str = "Other";

/// What a person does with the firms of somebody, or with a firm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Adds firm number `firm` to somebody.
    Join { side: Side, who: usize, firm: usize },
    /// Takes one of somebody's further firms off.
    Leave { side: Side, who: usize, pick: usize },
    /// Enters a firm.
    Found { side: Side, firm: usize },
    /// Deletes one.
    Close { side: Side, firm: usize },
    /// Takes a deleted one out of the recycle bin.
    Reopen { side: Side, pick: usize },
    /// Merges one into another.
    Fuse {
        side: Side,
        winner: usize,
        loser: usize,
    },
    /// Takes one out of the scope, or back into it.
    Move { firm: usize, away: bool },
}

/// The firms of a side that are alive.
pub fn firms(sandbox: &Sandbox, side: Side) -> Vec<String> {
    match side {
        Side::Salesforce => sandbox.org.ids(FIRMS[0]),
        Side::HubSpot => sandbox.portal.ids(FIRMS[1]),
    }
}

/// How somebody is tied to a firm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tie {
    #[default]
    None,
    Further,
    Primary,
}

/// Everything that somebody is tied to.
pub fn ties(sandbox: &Sandbox, side: Side, id: &str) -> Vec<(String, Tie)> {
    let tie = |primary: bool| if primary { Tie::Primary } else { Tie::Further };
    match side {
        Side::Salesforce => {
            let rows = sandbox.org.related_accounts(id).into_iter();
            rows.map(|(firm, direct)| (firm, tie(direct))).collect()
        }
        Side::HubSpot => {
            let first = sandbox.portal.first_partner(H, id, FIRMS[1]);
            let all = sandbox.portal.partners(H, id, FIRMS[1]).into_iter();
            all.map(|firm| {
                let primary = Some(&firm) == first.as_ref();
                (firm, tie(primary))
            })
            .collect()
        }
    }
}

/// Who does what made a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    People,
    Us,
    /// It went with its contact or its firm.
    Fate,
}

/// One difference in what somebody is tied to.
#[derive(Clone, Debug)]
pub struct Change {
    pub at: DateTime<Utc>,
    pub side: Side,
    pub person: String,
    pub firm: String,
    pub was: Tie,
    pub is: Tie,
    pub by: Hand,
}

/// Every difference there ever was.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Nobody looks at another portal than ours, nor where there are no sets.
    pub open: bool,
    now: BTreeMap<(Side, String, String), Tie>,
    pub changes: Vec<Change>,
}

impl Ledger {
    /// Notes what is different since the last time.
    pub fn note(&mut self, sandbox: &Sandbox, at: DateTime<Utc>, by: Hand) {
        if !self.open {
            return;
        }
        let mut now = BTreeMap::new();
        for side in Side::BOTH {
            for person in people::ids(sandbox, side) {
                for (firm, tie) in ties(sandbox, side, &person) {
                    now.insert((side, person.clone(), firm), tie);
                }
            }
        }
        if now == self.now {
            return;
        }
        // A contact and a company of HubSpot may have the same id.
        let people = PerSide::from_fn(|side| people::ids(sandbox, side));
        let firms = PerSide::from_fn(|side| firms(sandbox, side));
        let keys: BTreeSet<_> = self.now.keys().chain(now.keys()).cloned().collect();
        for key in keys {
            let tie = |all: &BTreeMap<_, Tie>| all.get(&key).copied().unwrap_or_default();
            let (was, is) = (tie(&self.now), tie(&now));
            if was == is {
                continue;
            }
            let (side, person, firm) = key.clone();
            let gone = !people.get(side).contains(&person) || !firms.get(side).contains(&firm);
            self.changes.push(Change {
                at,
                side,
                person,
                firm,
                was,
                is,
                by: if gone { Hand::Fate } else { by },
            });
        }
        self.now = now;
    }
}

/// Everybody gets a firm, and some a further one on one side or the other.
pub fn plant(sandbox: &mut Sandbox, now: DateTime<Utc>) {
    sandbox.org.relate_accounts(now);
    for side in Side::BOTH {
        let firms = firms(sandbox, side);
        for (at, person) in people::ids(sandbox, side).iter().enumerate() {
            let firm = firms[at % firms.len()].as_str();
            match side {
                Side::Salesforce if at % 5 != 4 => {
                    let set = values(&[("AccountId", firm)]);
                    let _ = sandbox.org.edit(now, &Author::World, S, person, set);
                }
                Side::HubSpot if at % 5 != 4 => tie(sandbox, now, person, firm, true),
                _ => {}
            }
            if at % 3 == 0 {
                let next = (at + 1) % firms.len();
                add(sandbox, now, side, person, &firms[next]);
            }
        }
    }
}

fn tie(sandbox: &mut Sandbox, now: DateTime<Utc>, person: &str, firm: &str, primary: bool) {
    let portal = &mut sandbox.portal;
    portal.associate(now, colleague(), H, person, FIRMS[1], firm, primary);
}

fn add(sandbox: &mut Sandbox, now: DateTime<Utc>, side: Side, person: &str, firm: &str) {
    match side {
        Side::Salesforce => {
            let row = values(&[("ContactId", person), ("AccountId", firm)]);
            let _ = sandbox.org.insert(now, &colleague(), ROWS, row);
        }
        Side::HubSpot => tie(sandbox, now, person, firm, false),
    }
}

fn take_off(sandbox: &mut Sandbox, now: DateTime<Utc>, side: Side, person: &str, firm: &str) {
    match side {
        Side::Salesforce => {
            let is = |row: &String| {
                let value = |field: &str| sandbox.org.value(ROWS, row, field);
                value("ContactId").as_deref() == Some(person)
                    && value("AccountId").as_deref() == Some(firm)
            };
            let rows = sandbox.org.ids(ROWS);
            if let Some(row) = rows.into_iter().find(is) {
                let _ = sandbox.org.delete(now, &colleague(), ROWS, &row);
            }
        }
        Side::HubSpot => {
            let to = (FIRMS[1], firm);
            let _ = sandbox.portal.dissociate(now, colleague(), (H, person), to);
        }
    }
}

fn name(firm: usize) -> String {
    format!("Firm {firm}")
}

/// The firm of that number.
fn find(sandbox: &Sandbox, side: Side, firm: usize) -> Option<String> {
    let wanted = Some(name(firm));
    let mut all = firms(sandbox, side).into_iter();
    all.find(|id| match side {
        Side::Salesforce => sandbox.org.value(FIRMS[0], id, "Name") == wanted,
        Side::HubSpot => sandbox.portal.value(FIRMS[1], id, "name") == wanted,
    })
}

pub fn perform(sandbox: &mut Sandbox, now: DateTime<Utc>, deed: Deed) {
    match deed {
        Deed::Join { side, who, firm } => {
            let person = people::one_of(sandbox, side, who);
            if let (Some(person), Some(firm)) = (person, find(sandbox, side, firm)) {
                add(sandbox, now, side, &person, &firm);
            }
        }
        Deed::Leave { side, who, pick } => {
            let Some(person) = people::one_of(sandbox, side, who) else {
                return;
            };
            let mut further = ties(sandbox, side, &person);
            further.retain(|(_, tie)| *tie == Tie::Further);
            if let Some((firm, _)) = further.get(pick % further.len().max(1)) {
                take_off(sandbox, now, side, &person, firm);
            }
        }
        Deed::Found { side, firm } => found(sandbox, now, side, firm),
        Deed::Close { side, firm } => {
            if let Some(firm) = find(sandbox, side, firm) {
                let _ = match side {
                    Side::Salesforce => sandbox.org.delete(now, &colleague(), FIRMS[0], &firm),
                    Side::HubSpot => sandbox.portal.archive(now, colleague(), FIRMS[1], &firm),
                };
            }
        }
        Deed::Fuse {
            side,
            winner,
            loser,
        } => {
            let both = (find(sandbox, side, winner), find(sandbox, side, loser));
            if let (Some(winner), Some(loser)) = both {
                let by = colleague();
                let _ = match side {
                    Side::Salesforce => sandbox.org.merge(now, &by, FIRMS[0], &winner, &loser),
                    Side::HubSpot => sandbox
                        .portal
                        .merge(now, by, FIRMS[1], &winner, &loser)
                        .map(drop),
                };
            }
        }
        Deed::Move { firm, away } => {
            if let Some(firm) = find(sandbox, Side::Salesforce, firm) {
                let set = values(&[(SCOPE, if away { AWAY } else { "" })]);
                let _ = sandbox.org.edit(now, &colleague(), FIRMS[0], &firm, set);
            }
        }
        // It takes the list of all that there ever were.
        Deed::Reopen { .. } => {}
    }
}

fn found(sandbox: &mut Sandbox, now: DateTime<Utc>, side: Side, firm: usize) {
    let (name, web) = (name(firm), format!("firm{firm}.example"));
    match side {
        Side::Salesforce => {
            let set = values(&[("Name", &name), ("Website", &web)]);
            let _ = sandbox.org.insert(now, &colleague(), FIRMS[0], set);
        }
        Side::HubSpot => {
            let set = values(&[("name", &name), ("domain", &web)]);
            let _ = sandbox.portal.insert(now, colleague(), FIRMS[1], set);
        }
    }
}

/// A person takes one of these firms out of the recycle bin, where it is there.
pub fn reopen(
    sandbox: &mut Sandbox,
    now: DateTime<Utc>,
    side: Side,
    known: &BTreeSet<(Side, String)>,
    pick: usize,
) {
    let living = firms(sandbox, side);
    let own = known.iter().filter(|(one, _)| *one == side);
    let gone: Vec<&String> = own
        .map(|(_, id)| id)
        .filter(|id| !living.contains(id))
        .collect();
    let Some(id) = gone.get(pick % gone.len().max(1)) else {
        return;
    };
    let _ = match side {
        Side::Salesforce => sandbox.org.restore(now, &colleague(), FIRMS[0], id),
        Side::HubSpot => sandbox.portal.restore(now, colleague(), FIRMS[1], id),
    };
}
