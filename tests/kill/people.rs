//! People at work on both sides while Syncline is killed: every value they write is a word of its own, so that what became of
//! it can be told.

use std::collections::{BTreeMap, BTreeSet};

use syncline::sandbox::Side;
use syncline::sandbox::history::{Author, Values};
use syncline::sandbox::salesforce::Conversion;

use crate::process::{Dice, Vendors};

/// What people write: the field of a Contact, of a Lead, and the property.
pub const FIELDS: [[&str; 3]; 3] = [
    ["Title", "Title", "jobtitle"],
    ["MailingCity", "City", "city"],
    ["MailingStreet", "Street", "address"],
];

/// A record that people work on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub object: &'static str,
    pub id: String,
}

impl Record {
    fn new(object: &'static str, id: &str) -> Record {
        let id = id.to_owned();
        Record { object, id }
    }

    pub fn side(&self) -> Side {
        match self.object {
            "contacts" => Side::HubSpot,
            _ => Side::Salesforce,
        }
    }

    pub fn field(&self, at: usize) -> &'static str {
        FIELDS[at][match self.object {
            "Contact" => 0,
            "Lead" => 1,
            _ => 2,
        }]
    }
}

/// A lead that was converted, and the contact that it became.
pub struct Converted {
    pub lead: String,
    pub contact: String,
    /// The contact was there before.
    pub known: bool,
}

/// Records that get half of all edits, so that edits meet.
const BUSY: u64 = 10;

pub struct People {
    pub dice: Dice,
    /// A user of the org: what they make has an owner.
    who: Author,
    words: u64,
    /// Words that were written, and whether a run was under way.
    pub written: BTreeMap<String, bool>,
    /// Records that they were written to.
    pub touched: BTreeSet<Record>,
    /// Both records of persons who are in both systems.
    pairs: Vec<[Record; 2]>,
    /// Records that people made.
    made: Vec<Record>,
    leads: Vec<String>,
    pub converted: Vec<Converted>,
}

impl People {
    pub fn new(vendors: &Vendors, seed: u64) -> People {
        let sandbox = vendors.running.sandbox();
        let pairs = sandbox.truth().contacts.iter().map(|pair| {
            [
                Record::new("Contact", &pair.salesforce),
                Record::new("contacts", &pair.hubspot),
            ]
        });
        let user = sandbox.truth().users[0].clone();
        People {
            dice: Dice(seed),
            who: Author::Colleague(user),
            words: 0,
            written: BTreeMap::new(),
            touched: BTreeSet::new(),
            pairs: pairs.collect(),
            made: Vec::new(),
            leads: Vec::new(),
            converted: Vec::new(),
        }
    }

    /// A value that nobody wrote before.
    pub fn word(&mut self, amid: bool) -> String {
        self.words += 1;
        let word = format!("word {}", self.words);
        self.written.insert(word.clone(), amid);
        word
    }

    /// `many` people do something; `amid`: while a run is under way.
    pub fn work(&mut self, vendors: &Vendors, many: u64, amid: bool) {
        for _ in 0..many {
            match self.dice.below(100) {
                0..60 => self.edit(vendors, amid),
                60..76 => self.clash(vendors, amid),
                76..86 => self.newcomer(vendors, amid),
                86..94 => self.lead(vendors, amid),
                _ => self.convert(vendors),
            }
        }
    }

    fn set(&mut self, vendors: &Vendors, record: &Record, field: usize, amid: bool) {
        let word = self.word(amid);
        let values = Values::from([(record.field(field).to_owned(), Some(word.clone()))]);
        let now = vendors.clock.now();
        let mut sandbox = vendors.running.sandbox();
        let set = match record.side() {
            Side::Salesforce => sandbox
                .org
                .edit(now, &self.who, record.object, &record.id, values),
            Side::HubSpot => {
                sandbox
                    .portal
                    .edit(now, self.who.clone(), record.object, &record.id, values)
            }
        };
        match set {
            Ok(()) => {
                self.touched.insert(record.clone());
            }
            // A vendor's rule holds the record, or it is gone: nothing was written.
            Err(_) => {
                self.written.remove(&word);
            }
        }
    }

    fn pair(&mut self) -> [Record; 2] {
        let among = match self.dice.below(2) {
            0 => BUSY.min(self.pairs.len() as u64),
            _ => self.pairs.len() as u64,
        };
        self.pairs[self.dice.below(among) as usize].clone()
    }

    fn edit(&mut self, vendors: &Vendors, amid: bool) {
        let field = self.dice.below(FIELDS.len() as u64) as usize;
        let record = match self.dice.below(5) {
            0 if !self.made.is_empty() => {
                self.made[self.dice.below(self.made.len() as u64) as usize].clone()
            }
            _ => self.pair()[self.dice.below(2) as usize].clone(),
        };
        self.set(vendors, &record, field, amid);
    }

    fn clash(&mut self, vendors: &Vendors, amid: bool) {
        let field = self.dice.below(FIELDS.len() as u64) as usize;
        for record in self.pair() {
            self.set(vendors, &record, field, amid);
        }
    }

    fn insert(
        &mut self,
        vendors: &Vendors,
        object: &'static str,
        pairs: &[(&str, &str)],
        amid: bool,
    ) -> String {
        let mut record = Record::new(object, "");
        let word = self.word(amid);
        let values: Values = pairs
            .iter()
            .copied()
            .chain([(record.field(0), word.as_str())])
            .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
            .collect();
        let now = vendors.clock.now();
        let mut sandbox = vendors.running.sandbox();
        let made = match record.side() {
            Side::Salesforce => sandbox.org.insert(now, &self.who, object, values),
            Side::HubSpot => sandbox.portal.insert(now, self.who.clone(), object, values),
        };
        record.id = made.unwrap();
        self.touched.insert(record.clone());
        self.made.push(record.clone());
        record.id
    }

    /// Somebody whom nobody knew; one in four is entered on both sides at once.
    fn newcomer(&mut self, vendors: &Vendors, amid: bool) {
        let name = format!("Newcomer{}", self.words);
        let mail = format!("{}@mixed.example", name.to_lowercase());
        let which = self.dice.below(4);
        if which != 0 {
            let fields = [("LastName", name.as_str()), ("Email", &mail)];
            self.insert(vendors, "Contact", &fields, amid);
        }
        if which <= 1 {
            let fields = [("lastname", name.as_str()), ("email", &mail)];
            self.insert(vendors, "contacts", &fields, amid);
        }
    }

    /// A lead; one in three has no address, so that nothing but Syncline keeps its counterpart from being made twice.
    fn lead(&mut self, vendors: &Vendors, amid: bool) {
        let name = format!("Lead{}", self.words);
        let (firm, mail) = (
            format!("Firm of {name}"),
            format!("{}@mixed.example", name.to_lowercase()),
        );
        let mut fields = vec![
            ("LastName", name.as_str()),
            ("Company", &firm),
            ("Status", "Working - Contacted"),
        ];
        if self.dice.below(3) > 0 {
            fields.push(("Email", &mail));
        }
        let id = self.insert(vendors, "Lead", &fields, amid);
        self.leads.push(id);
    }

    /// A lead becomes a contact; one in five a contact that is there already.
    fn convert(&mut self, vendors: &Vendors) {
        if self.leads.is_empty() {
            return;
        }
        let lead = self
            .leads
            .swap_remove(self.dice.below(self.leads.len() as u64) as usize);
        let contacts: Vec<&Record> = self
            .made
            .iter()
            .filter(|record| record.object == "Contact")
            .collect();
        let known = match self.dice.below(5) {
            0 if !contacts.is_empty() => {
                Some(contacts[self.dice.below(contacts.len() as u64) as usize])
            }
            _ => None,
        };
        let known = known.map(|record| record.id.clone());
        let how = Conversion {
            contact: known.clone(),
            ..Conversion::default()
        };
        let now = vendors.clock.now();
        let mut sandbox = vendors.running.sandbox();
        let converted = match sandbox.org.convert(now, &self.who, &lead, &how) {
            Ok(converted) => converted,
            // A contact that an undo took back cannot be converted into.
            Err(why) => {
                assert!(known.is_some(), "{lead}: {why}");
                self.leads.push(lead);
                return;
            }
        };
        let contact = Record::new("Contact", &converted.contact);
        self.touched.insert(contact.clone());
        if known.is_none() {
            self.made.push(contact);
        }
        self.converted.push(Converted {
            lead,
            contact: converted.contact,
            known: known.is_some(),
        });
    }
}
