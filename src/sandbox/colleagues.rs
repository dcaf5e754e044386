//! Simulated people at work on both sides (`--live`): a deterministic stream of edits, one every two to five seconds,
//! many of them on the same records, some of them against each other within seconds.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};

use super::ground::Ground;
use super::history::{Author, Values};
use super::prng::Prng;
use super::side::Side;
use super::world::{Ideas, Pair, Truth};

/// Records that get half of all edits.
const BUSY: usize = 24;
/// The most that is done in one step: after a pause (a sleeping laptop) the backlog is dropped.
const CATCH_UP: usize = 40;

/// What people edit: the Salesforce field and the HubSpot property.
const CONTACT_FIELDS: [(&str, &str); 6] = [
    ("Title", "jobtitle"),
    ("Title", "jobtitle"),
    ("Phone", "phone"),
    ("MobilePhone", "mobilephone"),
    ("MailingStreet", "address"),
    ("MailingCity", "city"),
];
const ACCOUNT_FIELDS: [(&str, &str); 3] = [
    ("Phone", "phone"),
    ("NumberOfEmployees", "numberofemployees"),
    ("AnnualRevenue", "annualrevenue"),
];

/// One edit that is going to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Act {
    at: DateTime<Utc>,
    side: Side,
    account: bool,
    pair: Pair,
    field: (&'static str, &'static str),
    value: Option<String>,
}

/// What the people of both sides have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// Edits taken by Salesforce.
    pub salesforce: u64,
    /// Edits taken by HubSpot.
    pub hubspot: u64,
    /// Records made.
    pub created: u64,
    /// Fields cleared.
    pub cleared: u64,
    /// Edits that a side refused by its own rules.
    pub refused: u64,
}

/// The people and their plans.
#[derive(Debug)]
pub struct Colleagues {
    prng: Prng,
    ideas: Ideas,
    next: DateTime<Utc>,
    planned: VecDeque<Act>,
    worked: Worked,
}

impl Colleagues {
    /// At work from `now` on, drawing from their own stream of `seed`.
    pub fn new(seed: u64, now: DateTime<Utc>) -> Self {
        Colleagues {
            prng: Prng::stream(seed, "colleagues"),
            ideas: Ideas::new(),
            next: now + Duration::seconds(2),
            planned: VecDeque::new(),
            worked: Worked::default(),
        }
    }

    /// What they have done so far.
    pub fn worked(&self) -> Worked {
        self.worked
    }

    /// Does everything that is due by `now`.
    pub fn step<S: Ground + ?Sized, H: Ground + ?Sized>(
        &mut self,
        now: DateTime<Utc>,
        truth: &Truth,
        salesforce: &mut S,
        hubspot: &mut H,
    ) {
        for _ in 0..CATCH_UP {
            if let Some(at) = self.planned.iter().position(|act| act.at <= now) {
                if let Some(act) = self.planned.remove(at) {
                    self.carry_out(now, act, truth, salesforce, hubspot);
                }
            } else if self.next <= now {
                let at = self.next;
                self.next = at + Duration::milliseconds(self.prng.between(2_000, 5_000));
                match self.prng.percent(7) {
                    true => self.welcome(now, truth, salesforce, hubspot),
                    false => self.plan(at, truth),
                }
            } else {
                return;
            }
        }
        self.next = self.next.max(now);
    }

    /// One edit, or two that contradict each other within seconds.
    fn plan(&mut self, at: DateTime<Utc>, truth: &Truth) {
        let account = self.prng.percent(18);
        let pairs = if account {
            &truth.accounts
        } else {
            &truth.contacts
        };
        let among = match self.prng.percent(50) {
            true => pairs.len().min(BUSY),
            false => pairs.len(),
        };
        let Some(pair) = pairs.get(self.prng.below(among)).cloned() else {
            return;
        };
        let field = match account {
            true => ACCOUNT_FIELDS[self.prng.below(ACCOUNT_FIELDS.len())],
            false => CONTACT_FIELDS[self.prng.below(CONTACT_FIELDS.len())],
        };
        let contested = self.prng.percent(35);
        let value =
            (contested || !self.prng.percent(8)).then(|| self.ideas.value(&mut self.prng, field.0));
        let (side, other) = match self.prng.percent(50) {
            true => (Side::Salesforce, Side::HubSpot),
            false => (Side::HubSpot, Side::Salesforce),
        };
        let act = Act {
            at,
            side,
            account,
            pair,
            field,
            value,
        };
        if contested {
            let delay = Duration::milliseconds(self.prng.between(800, 8_000));
            self.planned.push_back(Act {
                at: at + delay,
                side: other,
                value: Some(self.ideas.value(&mut self.prng, field.0)),
                ..act.clone()
            });
        }
        self.planned.push_front(act);
    }

    fn carry_out<S: Ground + ?Sized, H: Ground + ?Sized>(
        &mut self,
        now: DateTime<Utc>,
        act: Act,
        truth: &Truth,
        salesforce: &mut S,
        hubspot: &mut H,
    ) {
        let author = self.author(act.side, truth);
        let cleared = act.value.is_none();
        let values = |field: &str| Values::from([(field.to_owned(), act.value.clone())]);
        let object = |contact, account| if act.account { account } else { contact };
        let (pair, (field, property)) = (&act.pair, act.field);
        let done = match act.side {
            Side::Salesforce => salesforce.edit(
                now,
                author,
                object("Contact", "Account"),
                &pair.salesforce,
                values(field),
            ),
            Side::HubSpot => hubspot.edit(
                now,
                author,
                object("contacts", "companies"),
                &pair.hubspot,
                values(property),
            ),
        };
        match (done, act.side) {
            (Err(_), _) => self.worked.refused += 1,
            (Ok(()), Side::Salesforce) => self.worked.salesforce += 1,
            (Ok(()), Side::HubSpot) => self.worked.hubspot += 1,
        }
        self.worked.cleared += u64::from(cleared);
    }

    /// Somebody enters a person that neither side knows.
    fn welcome<S: Ground + ?Sized, H: Ground + ?Sized>(
        &mut self,
        now: DateTime<Utc>,
        truth: &Truth,
        salesforce: &mut S,
        hubspot: &mut H,
    ) {
        let (contact, person) = self.ideas.newcomer(&mut self.prng);
        let side = match self.prng.percent(50) {
            true => Side::Salesforce,
            false => Side::HubSpot,
        };
        let author = self.author(side, truth);
        let made = match side {
            Side::Salesforce => salesforce.insert(now, author, "Contact", contact),
            Side::HubSpot => hubspot.insert(now, author, "contacts", person),
        };
        match made {
            Ok(_) => self.worked.created += 1,
            Err(_) => self.worked.refused += 1,
        }
    }

    fn author(&mut self, side: Side, truth: &Truth) -> Author {
        let staff = match side {
            Side::Salesforce => &truth.users,
            Side::HubSpot => &truth.owners,
        };
        match self.prng.pick(staff) {
            Some(id) => Author::Colleague(id.clone()),
            None => Author::System,
        }
    }
}
