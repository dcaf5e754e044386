//! The world of a story and everybody in it but the engine: how it is planted, and what each act does to the vendors.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::Side;
use syncline::sandbox::Sandbox;
use syncline::sandbox::faults::Fault;
use syncline::sandbox::history::{Author, Event, Values};
use syncline::sandbox::hubspot::{Portal, PortalSettings};

use crate::admin::{self, REGION, REGIONS};
use crate::clubs;
use crate::leads;
use crate::story::{Act, Pen, Property, Story, Trouble};
use crate::support::town::{colleague, values};

pub const S: &str = "Contact";
pub const H: &str = "contacts";

/// What people edit: the Salesforce field and the HubSpot property. The last pair is no pair of the mapping's.
pub const FIELDS: [(&str, &str); 6] = [
    ("FirstName", "firstname"),
    ("Title", "jobtitle"),
    ("MailingCity", "city"),
    ("MailingStreet", "address"),
    ("Email", "email"),
    ("Department", "message"),
];
/// Fields of the mapping that hold texts as they were written.
pub const PLAIN: usize = 4;
/// The one of them that may go one way only.
pub const STREET: usize = 3;

/// The Salesforce field that the scope looks at, and what it must not say. No pair has it.
pub const SCOPE: &str = "MailingCountry";
pub const AWAY: &str = "Away";

pub fn email(person: &str) -> String {
    format!("{person}@example.com")
}

/// Grows the world: firms, and persons on both sides, on one side, and twins.
pub fn plant(sandbox: &mut Sandbox, now: DateTime<Utc>, story: &Story) {
    if story.regions {
        admin::property(sandbox, now, Property::Back);
    }
    let at = now - TimeDelta::days(30);
    let mut seed = |side: Side, object: &str, pairs: &[(&str, &str)]| {
        let past = vec![(at, Author::World, values(pairs))];
        match side {
            Side::Salesforce => sandbox.org.seed(object, past),
            Side::HubSpot => sandbox.portal.seed(object, past),
        }
    };
    if story.firms {
        for firm in 0..4 {
            let (name, web) = (format!("Firm {firm}"), format!("firm{firm}.example"));
            if firm != 3 {
                seed(
                    Side::Salesforce,
                    "Account",
                    &[("Name", &name), ("Website", &web)],
                );
            }
            if firm != 2 {
                seed(
                    Side::HubSpot,
                    "companies",
                    &[("name", &name), ("domain", &web)],
                );
            }
        }
    }
    let [both, only_s, only_h, twins] = story.people;
    let mut person = |side: Side, name: &str, title: &str| {
        let mail = email(name);
        match side {
            Side::Salesforce => seed(
                side,
                S,
                &[("LastName", name), ("Email", &mail), ("Title", title)],
            ),
            Side::HubSpot => seed(
                side,
                H,
                &[("lastname", name), ("email", &mail), ("jobtitle", title)],
            ),
        };
    };
    for at in 0..both {
        let name = format!("both{at}");
        person(Side::Salesforce, &name, "Clerk");
        person(Side::HubSpot, &name, if at % 4 == 3 { "" } else { "Clerk" });
    }
    for at in 0..only_s {
        person(Side::Salesforce, &format!("onlys{at}"), "Clerk");
    }
    for at in 0..only_h {
        person(Side::HubSpot, &format!("onlyh{at}"), "Clerk");
    }
    for at in 0..twins {
        let name = format!("twin{at}");
        person(Side::Salesforce, &name, "First");
        person(Side::Salesforce, &name, "Second");
        person(Side::HubSpot, &name, "Third");
    }
    leads::plant(sandbox, now, story);
    if story.firms && story.sets {
        clubs::plant(sandbox, now);
    }
}

/// The portal of somebody else, with people of its own.
pub fn another_portal(now: DateTime<Utc>) -> Portal {
    let mut portal = Portal::new(PortalSettings {
        portal_id: 1,
        ..PortalSettings::default()
    });
    for stranger in 0..3 {
        let name = format!("stranger{stranger}");
        let known = values(&[("lastname", &name), ("email", &email(&name))]);
        let past = vec![(now - TimeDelta::days(30), Author::World, known)];
        portal.seed(H, past);
    }
    portal
}

pub fn ids(sandbox: &Sandbox, side: Side) -> Vec<String> {
    match side {
        Side::Salesforce => sandbox.org.ids(S),
        Side::HubSpot => sandbox.portal.ids(H),
    }
}

/// The same with the leads, converted or not.
pub fn everybody(sandbox: &Sandbox, side: Side) -> Vec<String> {
    let mut all = ids(sandbox, side);
    if side == Side::Salesforce {
        all.extend(sandbox.org.ids(leads::L));
    }
    all
}

pub fn value(sandbox: &Sandbox, side: Side, id: &str, field: &str) -> Option<String> {
    match side {
        Side::Salesforce => sandbox.org.value(leads::object(id), id, field),
        Side::HubSpot => sandbox.portal.value(H, id, field),
    }
}

/// Both records of person number `who`: one of Salesforce's and the one that goes with it by key or by address.
fn pair_of(sandbox: &Sandbox, who: usize) -> (Option<String>, Option<String>) {
    let (s, h) = (sandbox.org.ids(S), sandbox.portal.ids(H));
    let at = |list: &[String]| (!list.is_empty()).then(|| list[who % list.len()].clone());
    let Some(salesforce) = at(&s) else {
        return (None, at(&h));
    };
    let mail = |side, id: &str| {
        value(
            sandbox,
            side,
            id,
            if side == Side::Salesforce {
                "Email"
            } else {
                "email"
            },
        )
        .unwrap_or_default()
        .to_lowercase()
    };
    let wanted = mail(Side::Salesforce, &salesforce);
    let partner = h.iter().find(|id| {
        value(sandbox, Side::HubSpot, id, "syncline_salesforce_id").as_deref() == Some(&salesforce)
            || mail(Side::HubSpot, id) == wanted
    });
    let partner = partner.cloned().or_else(|| at(&h));
    (Some(salesforce), partner)
}

/// Person number `who` on a side.
pub fn one_of(sandbox: &Sandbox, side: Side, who: usize) -> Option<String> {
    let (s, h) = pair_of(sandbox, who);
    match side {
        Side::Salesforce => s,
        Side::HubSpot => h,
    }
}

fn edit(sandbox: &mut Sandbox, now: DateTime<Utc>, side: Side, id: &str, set: Values) -> bool {
    match side {
        Side::Salesforce => {
            let object = leads::object(id);
            sandbox.org.edit(now, &colleague(), object, id, set).is_ok()
        }
        Side::HubSpot => sandbox.portal.edit(now, colleague(), H, id, set).is_ok(),
    }
}

/// A value that nobody wrote before.
pub fn tagged(field: usize, tag: u32, side: Side) -> String {
    let letter = if side == Side::Salesforce { 's' } else { 'h' };
    match field {
        4 => email(&format!("t{tag}{letter}")),
        _ => format!("Word {field} t{tag}{letter}"),
    }
}

fn write(
    sandbox: &mut Sandbox,
    now: DateTime<Utc>,
    side: Side,
    who: usize,
    field: usize,
    pen: Pen,
) {
    if let Some(id) = one_of(sandbox, side, who) {
        write_to(sandbox, now, side, &id, field, pen);
    }
}

/// What a record calls field number `at`.
pub fn field(at: usize, side: Side, id: &str) -> &'static str {
    match side {
        Side::Salesforce if leads::is_lead(id) => leads::FIELDS[at],
        Side::Salesforce => FIELDS[at].0,
        Side::HubSpot => FIELDS[at].1,
    }
}

/// Writes a field of a record.
pub fn write_to(
    sandbox: &mut Sandbox,
    now: DateTime<Utc>,
    side: Side,
    id: &str,
    field: usize,
    pen: Pen,
) {
    let name = self::field(field, side, id);
    // An address that is taken away would make another person of the record.
    let text = match pen {
        Pen::Clear if field == 4 => return,
        Pen::Clear => String::new(),
        Pen::Long(tag) => format!("{} {}", tagged(field, tag, side), "x".repeat(40)),
        Pen::Loose(tag) if field != 4 => tagged(field, tag, side) + "  ",
        Pen::Tag(tag) | Pen::Loose(tag) => tagged(field, tag, side),
    };
    edit(sandbox, now, side, id, values(&[(name, &text)]));
}

fn newcomer(sandbox: &mut Sandbox, now: DateTime<Utc>, side: Side, tag: u32) {
    let name = format!("new{tag}");
    let mail = email(&name);
    match side {
        Side::Salesforce => {
            let set = values(&[("LastName", &name), ("Email", &mail), ("Title", "Newcomer")]);
            let _ = sandbox.org.insert(now, &colleague(), S, set);
        }
        Side::HubSpot => {
            let set = values(&[
                ("lastname", &name),
                ("email", &mail),
                ("jobtitle", "Newcomer"),
            ]);
            let _ = sandbox.portal.insert(now, colleague(), H, set);
        }
    }
}

/// Does an act that needs nothing of the engine's.
pub fn perform(sandbox: &mut Sandbox, now: DateTime<Utc>, act: &Act) {
    match *act {
        Act::Edit {
            side,
            who,
            field,
            pen,
        } => write(sandbox, now, side, who, field, pen),
        Act::Clash { who, field, tag } => {
            for side in Side::BOTH {
                write(sandbox, now, side, who, field, Pen::Tag(tag));
            }
        }
        Act::Create { side, tag } => newcomer(sandbox, now, side, tag),
        Act::CreateBoth { tag } => {
            for side in Side::BOTH {
                newcomer(sandbox, now, side, tag);
            }
        }
        Act::Crowd { side, tag, many } => {
            for one in 0..many {
                newcomer(sandbox, now, side, 1000 * tag + one);
            }
        }
        Act::Employ { side, who, firm } => employ(sandbox, now, side, who, firm),
        Act::Delete { side, who } => {
            let (s, h) = pair_of(sandbox, who);
            let _ = match (side, s, h) {
                (Side::Salesforce, Some(id), _) => sandbox.org.delete(now, &colleague(), S, &id),
                (Side::HubSpot, _, Some(id)) => sandbox.portal.archive(now, colleague(), H, &id),
                _ => Ok(()),
            };
        }
        Act::Merge {
            side,
            winner,
            loser,
        } => merge(sandbox, now, side, winner, loser),
        Act::Scope { who, away } => {
            let (Some(id), _) = pair_of(sandbox, who) else {
                return;
            };
            let country = if away { AWAY } else { "" };
            edit(
                sandbox,
                now,
                Side::Salesforce,
                &id,
                values(&[(SCOPE, country)]),
            );
        }
        Act::HideField { field, hidden } => admin::hide_field(sandbox, field, hidden),
        Act::HideRecord { who, hidden } => {
            if let (Some(id), _) = pair_of(sandbox, who) {
                sandbox.org.hide_record(S, &id, hidden);
            }
        }
        Act::HideAll(hidden) => {
            for id in sandbox.org.ids(S) {
                sandbox.org.hide_record(S, &id, hidden);
            }
        }
        Act::Property(change) => admin::property(sandbox, now, change),
        Act::Lead(deed) => leads::perform(sandbox, now, deed),
        Act::Club(deed) => clubs::perform(sandbox, now, deed),
        Act::Region { side, who, region } => {
            let (s, h) = pair_of(sandbox, who);
            let (id, name) = match side {
                Side::Salesforce => (s, REGION.0),
                Side::HubSpot => (h, REGION.1),
            };
            if let Some(id) = id {
                let set = values(&[(name, REGIONS[usize::from(region)])]);
                edit(sandbox, now, side, &id, set);
            }
        }
        Act::Wait(_)
        | Act::Sync(_)
        | Act::Resolve { .. }
        | Act::Confirm
        | Act::Retry
        | Act::Undo { .. }
        | Act::Pause(_)
        | Act::Spoil { .. }
        | Act::Restore { .. }
        | Act::Clock(_)
        | Act::Begin
        | Act::Commit { .. }
        | Act::Backup
        | Act::Recall
        | Act::Config { .. }
        | Act::Preview { .. }
        | Act::ConfirmOld
        | Act::OtherPortal => {}
    }
}

fn merge(sandbox: &mut Sandbox, now: DateTime<Utc>, side: Side, winner: usize, loser: usize) {
    let all = ids(sandbox, side);
    if all.len() < 2 {
        return;
    }
    let winner = winner % all.len();
    let loser = match loser % all.len() {
        same if same == winner => (same + 1) % all.len(),
        other => other,
    };
    let (winner, loser) = (&all[winner], &all[loser]);
    let _ = match side {
        Side::Salesforce => sandbox.org.merge(now, &colleague(), S, winner, loser),
        Side::HubSpot => sandbox
            .portal
            .merge(now, colleague(), H, winner, loser)
            .map(drop),
    };
}

/// A person takes a deleted record out of the recycle bin; gives whether there was one.
pub fn restore(
    sandbox: &mut Sandbox,
    now: DateTime<Utc>,
    side: Side,
    known: &[String],
    pick: usize,
) -> bool {
    let deleted: Vec<&String> = known
        .iter()
        .filter(|id| {
            let history = match side {
                Side::Salesforce => sandbox.org.history(leads::object(id), id),
                Side::HubSpot => sandbox.portal.history(H, id),
            };
            let last = history.and_then(|history| {
                let events = history.versions.iter().rev().map(|version| &version.event);
                events.into_iter().find(|event| **event != Event::Updated)
            });
            matches!(last, Some(Event::Deleted | Event::MergedInto(_)))
        })
        .collect();
    if deleted.is_empty() {
        return false;
    }
    let id = deleted[pick % deleted.len()].clone();
    match side {
        Side::Salesforce => {
            let object = leads::object(&id);
            sandbox.org.restore(now, &colleague(), object, &id).is_ok()
        }
        Side::HubSpot => sandbox.portal.restore(now, colleague(), H, &id).is_ok(),
    }
}

/// True for a contact outside the scope.
pub fn is_away(sandbox: &Sandbox, id: &str) -> bool {
    value(sandbox, Side::Salesforce, id, SCOPE).as_deref() == Some(AWAY)
}

/// A long transaction of Salesforce's ends: what it wrote carries the stamp of its beginning.
pub fn commit(
    sandbox: &mut Sandbox,
    now: DateTime<Utc>,
    begun: DateTime<Utc>,
    who: usize,
    field: usize,
    tag: u32,
) {
    if let (Some(id), _) = pair_of(sandbox, who) {
        let text = tagged(field, tag, Side::Salesforce);
        let set = values(&[(FIELDS[field].0, &text)]);
        let by = colleague();
        // Who edits a record holds it until the end: whatever was written to it before has an older stamp.
        let last = sandbox
            .org
            .history(S, &id)
            .and_then(|past| past.versions.last());
        let after = last.map(|version| version.at + TimeDelta::seconds(1));
        let stamp = after
            .filter(|after| *after > begun)
            .unwrap_or(begun)
            .min(now);
        let _ = sandbox.org.edit_with_stamp(now, stamp, &by, S, &id, set);
    }
    sandbox.org.hold_back(None);
}

fn employ(sandbox: &mut Sandbox, now: DateTime<Utc>, side: Side, who: usize, firm: usize) {
    let (s, h) = pair_of(sandbox, who);
    match (side, s, h) {
        (Side::Salesforce, Some(id), _) => {
            let accounts = sandbox.org.ids("Account");
            let Some(account) = accounts.get(firm) else {
                return;
            };
            let set = values(&[("AccountId", account)]);
            edit(sandbox, now, side, &id, set);
        }
        (Side::HubSpot, _, Some(id)) => {
            let companies = sandbox.portal.ids("companies");
            let Some(company) = companies.get(firm) else {
                return;
            };
            let company = company.clone();
            sandbox
                .portal
                .associate(now, colleague(), H, &id, "companies", &company, true);
        }
        _ => {}
    }
}

/// What a trouble is to the sandbox.
pub fn fault(trouble: Trouble) -> Fault {
    match trouble {
        Trouble::AnswerLost => Fault::Cut { committed: true },
        Trouble::RequestLost => Fault::Cut { committed: false },
        Trouble::ErrorAfterCommit => Fault::ServerError {
            status: 503,
            html: false,
            committed: true,
        },
        Trouble::LandsLater(after) => Fault::LandsLater(Duration::from_secs(after)),
        Trouble::Expired => Fault::ExpiredToken,
        Trouble::Throttled(_) => Fault::Throttle { retry_after: None },
    }
}

/// HubSpot's automation writes cities in capitals.
pub fn automate(sandbox: &mut Sandbox, now: DateTime<Utc>) {
    for id in sandbox.portal.ids(H) {
        let Some(city) = sandbox.portal.value(H, &id, "city") else {
            continue;
        };
        let loud = city.to_uppercase();
        if loud != city {
            let set = values(&[("city", &loud)]);
            let _ = sandbox.portal.edit(now, Author::System, H, &id, set);
        }
    }
}
