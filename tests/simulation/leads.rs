//! Leads, and what people do with them (docs/design/sync-semantics.md 13): how they are planted, their mapping, their deeds.

use chrono::{DateTime, TimeDelta, Utc};
use syncline::domain::Side;
use syncline::sandbox::Sandbox;
use syncline::sandbox::history::Author;
use syncline::sandbox::salesforce::Conversion;

use crate::config;
use crate::people::{self, H, S};
use crate::story::{Pen, Story};
use crate::support::town::{colleague, values};

pub const L: &str = "Lead";
/// What every Lead's id begins with.
const PREFIX: &str = "00Q";
/// What a Lead calls the fields of `people::FIELDS`.
pub const FIELDS: [&str; 6] = [
    "FirstName",
    "Title",
    "City",
    "Street",
    "Email",
    "Description",
];

/// What a person does with a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Enters one.
    Enter { tag: u32 },
    /// Edits a field of number `who`'s, or of the HubSpot contact that goes with it. Once it is converted: of its Contact's.
    Edit {
        side: Side,
        who: usize,
        field: usize,
        pen: Pen,
    },
    /// Converts it, with what the screen asks for.
    Convert { who: usize, how: Screen },
    /// Deletes it, or the HubSpot contact that goes with it.
    Delete { side: Side, who: usize },
}

/// What a person says on the screen that converts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The Contact that it turns out to be; none: a new one.
    pub contact: Option<usize>,
    /// The Account that it goes to; none: what the screen proposes.
    pub account: Option<usize>,
    /// The org maps the key field.
    pub copies_key: bool,
    /// Somebody gives the Contact another address at once.
    pub renames: Option<u32>,
}

/// The Salesforce object of a record.
pub fn object(id: &str) -> &'static str {
    if is_lead(id) { L } else { S }
}

pub fn is_lead(id: &str) -> bool {
    id.starts_with(PREFIX)
}

/// The Contact that a Lead was converted into.
pub fn contact_of(sandbox: &Sandbox, lead: &str) -> Option<String> {
    sandbox.org.value(L, lead, "ConvertedContactId")
}

/// When it was.
pub fn converted_at(sandbox: &Sandbox, lead: &str) -> Option<DateTime<Utc>> {
    let past = sandbox.org.history(L, lead)?;
    let done = past.of_field("ConvertedContactId").next()?;
    Some(done.at)
}

/// The mapping of Leads.
pub fn mapping(story: &Story) -> String {
    let mut text = format!(
        "[[mapping]]\nname = \"leads\"\nsalesforce = {{ object = \"{L}\" }}\nhubspot = {{ object = \"{H}\" }}\ncreates = \"to_hubspot\"\n\
         deletes = \"{}\"\ndelete_update = \"{}\"\nfields = [\n\
         {{ salesforce = \"LastName\", hubspot = \"lastname\" }},\n",
        story.deletes, story.delete_update
    );
    text.push_str(&config::plain(story, FIELDS));
    text.push_str("]\n");
    text
}

/// Leads that were there before: every other one is in HubSpot too, and of one in five a Contact has the address.
pub fn plant(sandbox: &mut Sandbox, now: DateTime<Utc>, story: &Story) {
    let at = now - TimeDelta::days(30);
    for one in 0..story.leads {
        let name = format!("lead{one}");
        let mail = people::email(&name);
        let past = vec![(at, Author::World, entry(&name, &mail, "Prospect"))];
        sandbox.org.seed(L, past);
        if one % 2 == 1 {
            let known = values(&[
                ("lastname", &name),
                ("email", &mail),
                ("jobtitle", "Prospect"),
            ]);
            sandbox.portal.seed(H, vec![(at, Author::World, known)]);
        }
        if one % 5 == 4 {
            // Two people with one address, until somebody says that they are one.
            let name = format!("double{one}");
            let known = values(&[("LastName", &name), ("Email", &mail), ("Title", "Clerk")]);
            sandbox.org.seed(S, vec![(at, Author::World, known)]);
        }
    }
}

fn entry(name: &str, mail: &str, title: &str) -> syncline::sandbox::history::Values {
    values(&[
        ("LastName", name),
        ("Email", mail),
        ("Title", title),
        ("Company", &format!("{name} Ltd")),
        ("Status", "Open - Not Contacted"),
    ])
}

/// Lead number `who`, converted or not.
fn lead(sandbox: &Sandbox, who: usize) -> Option<String> {
    let all = sandbox.org.ids(L);
    (!all.is_empty()).then(|| all[who % all.len()].clone())
}

/// The Lead, or the Contact that it has become.
fn person(sandbox: &Sandbox, who: usize) -> Option<String> {
    let lead = lead(sandbox, who)?;
    Some(contact_of(sandbox, &lead).unwrap_or(lead))
}

/// The HubSpot contact that goes with it, by key or by address.
fn counterpart(sandbox: &Sandbox, who: usize) -> Option<String> {
    let lead = lead(sandbox, who)?;
    let own = person(sandbox, who)?;
    let value = |side, id: &str, field| people::value(sandbox, side, id, field).unwrap_or_default();
    let mail = value(Side::Salesforce, &own, "Email").to_lowercase();
    let mut all = sandbox.portal.ids(H).into_iter();
    all.find(|id| {
        let key = value(Side::HubSpot, id, "syncline_salesforce_id");
        key == lead || key == own || value(Side::HubSpot, id, "email").to_lowercase() == mail
    })
}

pub fn perform(sandbox: &mut Sandbox, now: DateTime<Utc>, deed: Deed) {
    match deed {
        Deed::Enter { tag } => {
            let name = format!("lead{tag}");
            let set = entry(&name, &people::email(&name), "Newcomer");
            let _ = sandbox.org.insert(now, &colleague(), L, set);
        }
        Deed::Edit {
            side,
            who,
            field,
            pen,
        } => {
            let id = match side {
                Side::Salesforce => person(sandbox, who),
                Side::HubSpot => counterpart(sandbox, who),
            };
            if let Some(id) = id {
                people::write_to(sandbox, now, side, &id, field, pen);
            }
        }
        Deed::Convert { who, how } => convert(sandbox, now, who, how),
        Deed::Delete { side, who } => {
            let _ = match (side, lead(sandbox, who), counterpart(sandbox, who)) {
                (Side::Salesforce, Some(id), _) => sandbox.org.delete(now, &colleague(), L, &id),
                (Side::HubSpot, _, Some(id)) => sandbox.portal.archive(now, colleague(), H, &id),
                _ => Ok(()),
            };
        }
    }
}

fn convert(sandbox: &mut Sandbox, now: DateTime<Utc>, who: usize, how: Screen) {
    let Some(lead) = lead(sandbox, who) else {
        return;
    };
    let one = |object: &str, number: Option<usize>| {
        let all = sandbox.org.ids(object);
        number.and_then(|number| all.get(number % all.len().max(1)).cloned())
    };
    let screen = Conversion {
        contact: one(S, how.contact),
        account: one("Account", how.account),
        copies_key: how.copies_key,
    };
    let done = sandbox.org.convert(now, &colleague(), &lead, &screen);
    if let (Ok(done), Some(tag)) = (done, how.renames) {
        people::write_to(
            sandbox,
            now,
            Side::Salesforce,
            &done.contact,
            4,
            Pen::Tag(tag),
        );
    }
}
