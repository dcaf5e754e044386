//! "Contacts to Multiple Accounts": a row of AccountContactRelation for each account of a contact, of which the direct one
//! mirrors `Contact.AccountId` (docs/vendor/salesforce.md 6.6). Off until somebody switches it on.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::sandbox::fields::{Packed, Text};
use crate::sandbox::history::{Author, Event, Version};

use super::errors::Fault;
use super::schema::Object;
use super::write::{Write, touch};
use super::{Org, VERSION};

/// The places of what the rows are made of.
#[derive(Clone, Copy, Debug)]
struct Relations {
    object: usize,
    contact: usize,
    account: usize,
    direct: usize,
}

impl Org {
    /// Switches the feature on: every contact with an account gets its direct row.
    pub fn relate_accounts(&mut self, now: DateTime<Utc>) {
        if self.relations().is_some() {
            return;
        }
        self.data.add_object(Object::relation());
        let write = Write {
            now,
            stamp: super::people::second(now),
            author: Author::System,
            allow_save: true,
            version: VERSION,
        };
        for id in self.ids("Contact") {
            self.mirror_account(&write, &id);
        }
    }

    /// The accounts that a contact has rows with, by id, with whether the row is the direct one.
    pub fn related_accounts(&self, contact: &str) -> Vec<(String, bool)> {
        let Some(it) = self.relations() else {
            return Vec::new();
        };
        let rows = &self.data.tables[it.object].rows;
        let places = self.data.live_with_value(it.object, it.contact, contact);
        let mut found: Vec<(String, bool)> = places
            .into_iter()
            .filter_map(|place| {
                let values = &rows[place].values;
                Some((
                    values[it.account].as_deref()?.to_owned(),
                    is_true(&values[it.direct]),
                ))
            })
            .collect();
        found.sort_unstable();
        found
    }

    fn relations(&self) -> Option<Relations> {
        let object = self.data.schema.find("AccountContactRelation")?;
        let it = &self.data.schema.objects[object];
        Some(Relations {
            object,
            contact: it.any("ContactId")?,
            account: it.any("AccountId")?,
            direct: it.any("IsDirect")?,
        })
    }

    /// The account that a living contact names.
    fn account_of(&self, contact: &str) -> Option<Text> {
        let object = self.data.schema.find("Contact")?;
        let field = self.data.schema.objects[object].any("AccountId")?;
        let row = &self.data.tables[object].rows[self.data.tables[object].place(contact)?];
        row.values[field].clone().filter(|_| row.deleted.is_none())
    }

    /// After a write: where it was one of a contact, its direct row follows.
    pub(super) fn follow_account(&mut self, write: &Write, object: usize, id: &str) {
        if self.data.schema.objects[object].name == "Contact" {
            self.mirror_account(write, id);
        }
    }

    /// Brings the direct row of a contact in step: the one of another account goes, a further account that became the
    /// contact's own is direct from now on.
    fn mirror_account(&mut self, write: &Write, contact: &str) {
        let Some(it) = self.relations() else { return };
        let account = self.account_of(contact);
        let mut there = false;
        for place in self.data.live_with_value(it.object, it.contact, contact) {
            let values = &self.data.tables[it.object].rows[place].values;
            let (named, direct) = (values[it.account].clone(), is_true(&values[it.direct]));
            let own = account.is_some() && named == account;
            there |= own;
            if direct && !own {
                self.bin(write, it.object, place);
            } else if own && !direct {
                self.set_direct(write, it, place, true);
            }
        }
        if let Some(account) = account.filter(|_| !there) {
            self.add_direct(write, it, contact, account);
        }
    }

    fn set_direct(&mut self, write: &Write, it: Relations, place: usize, direct: bool) {
        let value = self.data.pool.text(&direct.to_string());
        let user = self.user_of(&write.author);
        let write = write.clone();
        self.data.change(it.object, place, move |row| {
            row.values[it.direct] = Some(value);
            touch(row, &write, user);
            let none = Packed::default();
            row.history
                .push(Version::new(write.now, &write.author, Event::Updated, none));
        });
    }

    fn add_direct(&mut self, write: &Write, it: Relations, contact: &str, account: Text) {
        let mut row = self.new_row(String::new(), it.object, write.stamp, &write.author);
        let active = self.data.schema.objects[it.object].any("IsActive");
        let yes = self.data.pool.text("true");
        row.values[it.contact] = Some(self.data.pool.text(contact));
        row.values[it.account] = Some(account);
        for place in [Some(it.direct), active].into_iter().flatten() {
            row.values[place] = Some(yes.clone());
        }
        row.id = self.data.next_id(it.object);
        let none = Packed::default();
        row.history
            .push(Version::new(write.now, &write.author, Event::Created, none));
        self.data.add(it.object, row);
    }

    /// A second row of the same contact and account.
    pub(super) fn check_relation(
        &self,
        object: usize,
        own: Option<usize>,
        values: &[Option<Text>],
    ) -> Result<(), Fault> {
        let Some(it) = self.relations().filter(|it| it.object == object) else {
            return Ok(());
        };
        let contact = values[it.contact].as_deref().unwrap_or_default();
        let rows = &self.data.tables[object].rows;
        let mut others = self
            .data
            .live_with_value(object, it.contact, contact)
            .into_iter();
        let twin = others.find(|place| {
            Some(*place) != own && rows[*place].values[it.account] == values[it.account]
        });
        let Some(twin) = twin else { return Ok(()) };
        let id = &rows[twin].id;
        let what = format!(
            "duplicate value found: unknown duplicates value on record with id: {}",
            id.get(..15).unwrap_or(id)
        );
        Err(Fault::new("DUPLICATE_VALUE", what).fields(Vec::<String>::new()))
    }

    /// A direct row goes with the contact's account only.
    pub(super) fn check_direct(&self, object: usize, place: usize) -> Result<(), Fault> {
        let Some(it) = self.relations().filter(|it| it.object == object) else {
            return Ok(());
        };
        if is_true(&self.data.tables[object].rows[place].values[it.direct]) {
            let what = "a direct relationship cannot be deleted: change the contact's account";
            return Err(Fault::new("DELETE_FAILED", what).fields(Vec::<String>::new()));
        }
        Ok(())
    }

    /// The rows of a contact or an account that went to the recycle bin go too, and for good.
    pub(super) fn bin_relations(&mut self, write: &Write, object: usize, id: &str) {
        let Some(it) = self.relations() else { return };
        let field = match self.data.schema.objects[object].name {
            "Contact" => it.contact,
            "Account" => it.account,
            _ => return,
        };
        for place in self.data.live_with_value(it.object, field, id) {
            self.bin(write, it.object, place);
        }
    }

    /// After a merge moved rows over: one for each contact and account, and direct where the contact names the account.
    pub(super) fn tidy_relations(&mut self, write: &Write, object: usize, winner: &str) {
        let Some(it) = self.relations() else { return };
        let contacts: BTreeSet<String> = match self.data.schema.objects[object].name {
            "Contact" => [winner.to_owned()].into(),
            "Account" => {
                let rows = &self.data.tables[it.object].rows;
                let places = self.data.live_with_value(it.object, it.account, winner);
                let contacts = places
                    .into_iter()
                    .filter_map(|place| rows[place].values[it.contact].as_deref());
                contacts.map(str::to_owned).collect()
            }
            _ => return,
        };
        for contact in contacts {
            let account = self.account_of(&contact);
            let mut met = BTreeSet::new();
            for place in self.data.live_with_value(it.object, it.contact, &contact) {
                let values = &self.data.tables[it.object].rows[place].values;
                let (named, direct) = (values[it.account].clone(), is_true(&values[it.direct]));
                let own = account.is_some() && named == account;
                if !met.insert(named.as_deref().unwrap_or_default().to_owned()) {
                    self.bin(write, it.object, place);
                } else if own != direct {
                    self.set_direct(write, it, place, own);
                }
            }
            self.mirror_account(write, &contact);
        }
    }
}

fn is_true(value: &Option<Text>) -> bool {
    value.as_deref() == Some("true")
}
