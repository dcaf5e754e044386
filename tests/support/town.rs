//! Small worlds built by hand, and short words for what golden scenarios do and look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use syncline::domain::{
    Conflict, Counters, ErrorItem, ItemKind, ItemState, Link, MappingId, RunRecord, RunState, Side,
};
use syncline::engine::Db;
use syncline::sandbox::Side as Party;
use syncline::sandbox::faults::Fault;
use syncline::sandbox::history::{Author, Values};
use syncline::sandbox::salesforce::Conversion;
use syncline::sandbox::world::WorldSettings;
use syncline::store::{Batch, Family, FindingState, Range, SimStore, Store, doctor, keys};

use super::{HUBSPOT, House, SALESFORCE};

/// The `[salesforce]` and `[hubspot]` tables, and whatever comes before the mappings.
pub fn head() -> String {
    format!(
        "[salesforce]\nlogin_url = \"{SALESFORCE}\"\nauth = {{ flow = \"client_credentials\", client_id = \"x\", client_secret = {{ env = \"S\" }} }}\n\
         [hubspot]\napi_url = \"{HUBSPOT}\"\nauth = {{ flow = \"access_token\", token = {{ env = \"H\" }} }}\n"
    )
}

/// A contacts mapping with the usual small fields; `more` are further keys of it.
pub fn people(more: &str) -> String {
    people_with(more, "")
}

/// The same with further field pairs.
pub fn people_with(more: &str, fields: &str) -> String {
    format!(
        "{}\n[[mapping]]\nname = \"contacts\"\nsalesforce = {{ object = \"Contact\" }}\nhubspot = {{ object = \"contacts\" }}\n{more}\nfields = [\n\
         {{ salesforce = \"FirstName\", hubspot = \"firstname\" }},\n\
         {{ salesforce = \"LastName\", hubspot = \"lastname\" }},\n\
         {{ salesforce = \"Email\", hubspot = \"email\", transform = \"lowercase\", match = true }},\n\
         {{ salesforce = \"Title\", hubspot = \"jobtitle\" }},\n\
         {{ salesforce = \"MailingCity\", hubspot = \"city\" }},\n{fields}]\n",
        head()
    )
}

/// Contacts with their accounts, and leads that become contacts; `contacts` and `leads` are further keys of the two.
pub fn crowd(contacts: &str, leads: &str) -> String {
    let leads = format!(
        "[[mapping]]\nname = \"leads\"\nsalesforce = {{ object = \"Lead\" }}\nhubspot = {{ object = \"contacts\" }}\n{leads}\nfields = [\n\
         {{ salesforce = \"FirstName\", hubspot = \"firstname\" }},\n\
         {{ salesforce = \"LastName\", hubspot = \"lastname\" }},\n\
         {{ salesforce = \"Email\", hubspot = \"email\", transform = \"lowercase\", match = true }},\n\
         {{ salesforce = \"Title\", hubspot = \"jobtitle\" }},\n\
         {{ salesforce = \"City\", hubspot = \"city\" }},\n\
         {{ hubspot = \"lifecyclestage\", value = \"lead\" }},\n]\n"
    );
    let accounts = "[[mapping]]\nname = \"accounts\"\nsalesforce = { object = \"Account\" }\nhubspot = { object = \"companies\" }\nfields = [\n\
         { salesforce = \"Name\", hubspot = \"name\", match = true },\n]\n";
    let more = "{ salesforce = \"AccountId\", hubspot = \"company\", link = \"accounts\" },\n\
         { hubspot = \"lifecyclestage\", value = \"customer\" },\n";
    let people =
        people_with(contacts, more).replacen("[[mapping]]", &format!("{accounts}[[mapping]]"), 1);
    format!("{people}{leads}")
}

/// Accounts, and contacts that refer to them.
pub fn firms() -> String {
    let accounts = "[[mapping]]\nname = \"accounts\"\nsalesforce = { object = \"Account\" }\nhubspot = { object = \"companies\" }\nfields = [\n\
         { salesforce = \"Name\", hubspot = \"name\" },\n\
         { salesforce = \"Website\", hubspot = \"domain\", transform = \"extract_domain\", match = true },\n\
         { salesforce = \"Phone\", hubspot = \"phone\", transform = \"phone_e164\" },\n\
         { salesforce = \"Industry\", hubspot = \"industry\", transform = { values = { Banking = \"BANKING\", Energy = \"OIL_ENERGY\" } } },\n\
         { salesforce = \"NumberOfEmployees\", hubspot = \"numberofemployees\" },\n]\n";
    let contacts = people_with(
        "",
        "{ salesforce = \"AccountId\", hubspot = \"company\", link = \"accounts\" },\n",
    );
    let contacts = contacts.strip_prefix(&head()).unwrap();
    format!("{}\n{accounts}\n{contacts}", head())
}

pub fn values(pairs: &[(&str, &str)]) -> Values {
    pairs
        .iter()
        .map(|(name, value)| {
            let value = Some((*value).to_owned()).filter(|text| !text.is_empty());
            ((*name).to_owned(), value)
        })
        .collect()
}

pub fn colleague() -> Author {
    Author::Colleague("005000000000001AAA".into())
}

pub fn adds_up(counts: &Counters) {
    let linked = counts.updated_links + counts.unchanged + counts.conflicts + counts.errors
        - counts.unlinked_errors
        + counts.held;
    assert_eq!(counts.linked, linked, "{counts:?}");
}

/// In a full run every record read is in exactly one of the numbers.
pub fn adds_up_whole(counts: &Counters) {
    adds_up(counts);
    let read = counts.read.salesforce + counts.read.hubspot;
    let created = counts.created.salesforce + counts.created.hubspot;
    assert_eq!(
        read,
        2 * counts.linked + created + counts.review + counts.excluded + counts.unlinked_errors,
        "{counts:?}"
    );
}

/// Writes of records and associations that a run sent.
pub fn writes(run: &RunRecord) -> u64 {
    run.calls
        .purposes
        .get("write")
        .map_or(0, |count| count.salesforce + count.hubspot)
}

pub fn counts<'a>(run: &'a RunRecord, mapping: &str) -> &'a Counters {
    &run.mappings
        .iter()
        .find(|row| row.mapping.as_str() == mapping)
        .unwrap()
        .counts
}

impl House {
    /// A house over empty vendors.
    pub async fn empty(text: &str) -> House {
        House::with(
            WorldSettings {
                contacts: 0,
                seed: 1,
            },
            false,
            text,
        )
        .await
    }

    /// The same without key fields.
    pub async fn unkeyed(text: &str) -> House {
        House::with(
            WorldSettings {
                contacts: 0,
                seed: 1,
            },
            true,
            text,
        )
        .await
    }

    /// A Salesforce record made 30 days ago.
    pub fn sf(&self, object: &str, pairs: &[(&str, &str)]) -> String {
        let at = self.clock.now() - TimeDelta::days(30);
        let id = self
            .sandbox
            .lock()
            .unwrap()
            .org
            .seed(object, vec![(at, Author::World, values(pairs))]);
        assert!(!id.is_empty(), "no Salesforce object {object}");
        id
    }

    /// A HubSpot record made 30 days ago.
    pub fn hs(&self, object: &str, pairs: &[(&str, &str)]) -> String {
        let at = self.clock.now() - TimeDelta::days(30);
        let id = self
            .sandbox
            .lock()
            .unwrap()
            .portal
            .seed(object, vec![(at, Author::World, values(pairs))]);
        assert!(!id.is_empty(), "no HubSpot object {object}");
        id
    }

    /// A person edits in Salesforce now; a blank text clears.
    pub fn sf_edit(&self, object: &str, id: &str, pairs: &[(&str, &str)]) {
        let now = self.clock.now();
        let mut sandbox = self.sandbox.lock().unwrap();
        let author = colleague();
        sandbox
            .org
            .edit(now, &author, object, id, values(pairs))
            .unwrap();
    }

    /// A person edits in HubSpot now.
    pub fn hs_edit(&self, object: &str, id: &str, pairs: &[(&str, &str)]) {
        let now = self.clock.now();
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox
            .portal
            .edit(now, colleague(), object, id, values(pairs))
            .unwrap();
    }

    /// A person deletes in Salesforce now.
    pub fn sf_delete(&self, object: &str, id: &str) {
        let (now, author) = (self.clock.now(), colleague());
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox.org.delete(now, &author, object, id).unwrap();
    }

    /// A person archives in HubSpot now.
    pub fn hs_delete(&self, object: &str, id: &str) {
        let now = self.clock.now();
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox
            .portal
            .archive(now, colleague(), object, id)
            .unwrap();
    }

    /// A person takes a record out of Salesforce's recycle bin.
    pub fn sf_restore(&self, object: &str, id: &str) {
        let (now, author) = (self.clock.now(), colleague());
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox.org.restore(now, &author, object, id).unwrap();
    }

    /// A person restores in HubSpot.
    pub fn hs_restore(&self, object: &str, id: &str) {
        let now = self.clock.now();
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox
            .portal
            .restore(now, colleague(), object, id)
            .unwrap();
    }

    /// A person merges in Salesforce: the winner keeps its id.
    pub fn sf_merge(&self, object: &str, winner: &str, loser: &str) {
        let (now, author) = (self.clock.now(), colleague());
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox
            .org
            .merge(now, &author, object, winner, loser)
            .unwrap();
    }

    /// A person converts a lead: into that contact, or a new one. Gives the contact's id.
    pub fn sf_convert(&self, lead: &str, contact: Option<&str>) -> String {
        let how = Conversion {
            contact: contact.map(str::to_owned),
            ..Conversion::default()
        };
        self.sf_convert_so(lead, &how)
    }

    /// The same with all that the screen asks for.
    pub fn sf_convert_so(&self, lead: &str, how: &Conversion) -> String {
        let (now, author) = (self.clock.now(), colleague());
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox
            .org
            .convert(now, &author, lead, how)
            .unwrap()
            .contact
    }

    /// A person merges in HubSpot; gives the new record's id.
    pub fn hs_merge(&self, object: &str, winner: &str, loser: &str) -> String {
        let now = self.clock.now();
        let mut sandbox = self.sandbox.lock().unwrap();
        sandbox
            .portal
            .merge(now, colleague(), object, winner, loser)
            .unwrap()
    }

    pub fn sf_value(&self, object: &str, id: &str, field: &str) -> Option<String> {
        self.sandbox.lock().unwrap().org.value(object, id, field)
    }

    pub fn hs_value(&self, object: &str, id: &str, property: &str) -> Option<String> {
        self.sandbox
            .lock()
            .unwrap()
            .portal
            .value(object, id, property)
    }

    pub fn sf_ids(&self, object: &str) -> Vec<String> {
        self.sandbox.lock().unwrap().org.ids(object)
    }

    pub fn hs_ids(&self, object: &str) -> Vec<String> {
        self.sandbox.lock().unwrap().portal.ids(object)
    }

    /// Asserts one value of a linked pair of contacts on both sides.
    #[track_caller]
    pub fn both(&self, (s, h): (&str, &str), fields: (&str, &str), want: (&str, &str)) {
        let got = (
            self.sf_value("Contact", s, fields.0).unwrap_or_default(),
            self.hs_value("contacts", h, fields.1).unwrap_or_default(),
        );
        assert_eq!((got.0.as_str(), got.1.as_str()), want);
    }

    pub fn script(&self, side: Party, method: Option<&str>, path: &str, fault: Fault, times: u32) {
        self.sandbox
            .lock()
            .unwrap()
            .script(side, method, path, fault, times);
    }

    pub async fn db(&self) -> Db {
        Db::open(self.store.clone()).await.unwrap()
    }

    async fn rows<T: serde::de::DeserializeOwned + Send>(&self, family: Family) -> Vec<T> {
        let mut rows = Vec::new();
        self.db()
            .await
            .walk(keys::all(family), |row: T| rows.push(row))
            .await
            .unwrap();
        rows
    }

    /// Open conflicts and review items.
    pub async fn open_items(&self) -> Vec<Conflict> {
        let mut items: Vec<Conflict> = self.rows(Family::Conflict).await;
        items.extend(self.rows::<Conflict>(Family::Review).await);
        items.retain(|item| item.state != ItemState::Resolved);
        items
    }

    /// What rules decided by themselves and kept for the record.
    pub async fn infos(&self) -> Vec<Conflict> {
        let mut items: Vec<Conflict> = self.rows(Family::Conflict).await;
        items.retain(|item| item.automatic);
        items
    }

    pub async fn errors(&self) -> Vec<ErrorItem> {
        self.rows(Family::Error).await
    }

    pub async fn links(&self) -> Vec<Link> {
        self.rows(Family::Link).await
    }

    /// What rules decided about links as a whole, and kept for the record.
    pub async fn told(&self) -> Vec<Conflict> {
        let mut items: Vec<Conflict> = self.rows(Family::Review).await;
        items.retain(|item| item.automatic);
        items
    }

    /// The journal of a run.
    pub async fn journal(&self, run: syncline::domain::RunId) -> Vec<syncline::domain::Op> {
        let mut ops = Vec::new();
        self.db()
            .await
            .walk(keys::by_run(Family::Journal, run), |op| ops.push(op))
            .await
            .unwrap();
        ops
    }

    /// Undoes a run; the undo ends without an error and leaves a sound store.
    pub async fn undone(&self, run: syncline::domain::RunId) -> RunRecord {
        let order = syncline::engine::Order {
            scope: syncline::engine::Scope::Undo(run),
            ..super::order()
        };
        let end = self.run(&order).await;
        assert!(end.error.is_none(), "{:?}", end.error);
        self.sound().await;
        end.record
    }

    /// A run over everything; its counts add up.
    pub async fn whole(&self) -> RunRecord {
        let order = syncline::engine::Order {
            scope: syncline::engine::Scope::Full,
            ..super::order()
        };
        let end = self.run(&order).await;
        assert!(end.error.is_none(), "{:?}", end.error);
        for row in &end.record.mappings {
            adds_up_whole(&row.counts);
        }
        assert_eq!(
            end.record.calls.total, end.record.expected_calls,
            "{:?}",
            end.record
        );
        end.record
    }

    /// The only open item.
    pub async fn the_item(&self, kind: ItemKind) -> Conflict {
        let items = self.open_items().await;
        assert_eq!(items.len(), 1, "{items:#?}");
        assert_eq!(items[0].kind, kind);
        items.into_iter().next().unwrap()
    }

    /// The only error.
    pub async fn the_error(&self) -> ErrorItem {
        let errors = self.errors().await;
        assert_eq!(errors.len(), 1, "{errors:#?}");
        errors.into_iter().next().unwrap()
    }

    /// Stores a choice for an item, as the service does.
    pub async fn choose(&self, item: &Conflict, choice: syncline::domain::Choice) -> Conflict {
        let db = self.db().await;
        let chosen = Conflict {
            state: ItemState::Draft,
            resolution: Some(syncline::domain::Resolution {
                choice,
                by: "you".into(),
                at: self.clock.now(),
                seen: syncline::domain::PerSide {
                    salesforce: item.sides.salesforce.value.clone(),
                    hubspot: item.sides.hubspot.value.clone(),
                },
            }),
            ..item.clone()
        };
        let owner = match item.link {
            Some(link) => link.0,
            None => {
                let side = if item.sides.salesforce.id.is_some() {
                    Side::Salesforce
                } else {
                    Side::HubSpot
                };
                let mapping = self
                    .rules
                    .mappings
                    .iter()
                    .find(|mapping| mapping.id == item.mapping)
                    .unwrap();
                keys::record_owner(&syncline::domain::RecordKey {
                    side,
                    object: mapping.object(side).to_owned(),
                    id: item.sides.get(side).id.clone().unwrap(),
                })
            }
        };
        let mut tx = db.begin();
        tx.put_conflict(&chosen, Some(item), owner).unwrap();
        tx.commit().await.unwrap();
        chosen
    }

    /// Carries out what is stored, without looking at the vendors for changes.
    pub async fn send_stored(&self) -> RunRecord {
        let order = syncline::engine::Order {
            scope: syncline::engine::Scope::Stored,
            ..super::order()
        };
        let end = self.run(&order).await;
        assert!(end.error.is_none(), "{:?}", end.error);
        end.record
    }

    /// A run that must end well; its counts add up.
    pub async fn fine(&self) -> RunRecord {
        let run = self.sync().await;
        assert!(
            matches!(run.state, RunState::Done | RunState::DoneWithErrors),
            "{:?} {:?}",
            run.state,
            run.reason
        );
        for row in &run.mappings {
            if run.kind == syncline::domain::RunKind::Full {
                adds_up_whole(&row.counts);
            } else {
                adds_up(&row.counts);
            }
        }
        run
    }

    /// Nothing was made twice, and the store is sound.
    pub async fn sound(&self) {
        {
            let sandbox = self.sandbox.lock().unwrap();
            for side in [Party::Salesforce, Party::HubSpot] {
                let twice = sandbox.stats(side).created_twice;
                assert!(twice.is_empty(), "made twice: {twice:?}");
            }
        }
        self.sound_store().await;
    }

    /// The store is sound.
    pub async fn sound_store(&self) {
        let findings = doctor(self.store.as_ref()).await.unwrap();
        let bad: Vec<_> = findings
            .iter()
            .filter(|finding| finding.state != FindingState::Ok)
            .collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }

    /// One more run writes nothing and costs what the formula says; the store is sound.
    pub async fn quiet(&self) -> RunRecord {
        self.wait(20).await;
        let run = self.fine().await;
        assert_eq!(writes(&run), 0, "{run:#?}");
        assert!(
            !run.calls.purposes.contains_key("write"),
            "{:?}",
            run.calls.purposes
        );
        assert_eq!(run.calls.total, run.expected_calls, "{:?}", run.calls);
        self.sound().await;
        run
    }

    /// After every overlap has passed a run costs three calls a mapping.
    pub async fn idle(&self) -> RunRecord {
        // Twice: the run in between moves the watermark past the echoes of our own writes.
        self.wait(20 * 60).await;
        self.fine().await;
        self.wait(20 * 60).await;
        let run = self.fine().await;
        let purposes: BTreeMap<&str, u64> = run
            .calls
            .purposes
            .iter()
            .map(|(word, count)| (word.as_str(), count.salesforce + count.hubspot))
            .filter(|(word, _)| !matches!(*word, "auth" | "schema" | "check"))
            .collect();
        let calls: u64 = purposes.values().sum();
        assert_eq!(calls, 3 * run.mappings.len() as u64, "{purposes:?}");
        assert_eq!(run.calls.total, run.expected_calls);
        self.sound().await;
        run
    }
}

/// A mapping's name.
pub fn named(name: &str) -> MappingId {
    name.into()
}

impl House {
    /// Firms and people with everything among them: matches, creates both ways, children, doubles.
    pub fn village(&self) {
        for at in 0..6 {
            let (name, site) = (format!("firm{at}"), format!("firm{at}.example"));
            let account = (at < 5).then(|| {
                self.sf(
                    "Account",
                    &[
                        ("Name", &name),
                        ("Website", &site),
                        ("NumberOfEmployees", "5"),
                    ],
                )
            });
            if at > 1 {
                self.hs(
                    "companies",
                    &[("name", &name), ("domain", &site), ("industry", "BANKING")],
                );
            }
            let mail = format!("p{at}@firm.example");
            if let Some(account) = &account {
                self.sf(
                    "Contact",
                    &[
                        ("LastName", &name),
                        ("Email", &mail),
                        ("AccountId", account),
                        ("Title", "Clerk"),
                    ],
                );
            }
            if at > 2 {
                self.hs(
                    "contacts",
                    &[("lastname", &name), ("email", &mail), ("city", "Oslo")],
                );
            }
        }
    }

    /// Two runs an hour apart: every overlap is past.
    pub async fn settled(&self) {
        for _ in 0..2 {
            self.wait(3600).await;
            self.fine().await;
        }
    }
}

/// One linked contact with a title, in step, and everything quiet for an hour: the house and the two ids.
pub async fn clerk(text: &str) -> (House, String, String) {
    let house = House::empty(text).await;
    let s = house.sf(
        "Contact",
        &[
            ("LastName", "Berg"),
            ("Email", "anna@example.com"),
            ("Title", "Clerk"),
        ],
    );
    let h = house.hs(
        "contacts",
        &[
            ("lastname", "Berg"),
            ("email", "anna@example.com"),
            ("jobtitle", "Clerk"),
        ],
    );
    house.fine().await;
    house.settled().await;
    (house, s, h)
}

/// Copies every row of a store.
pub async fn copy(from: &Arc<dyn Store>, to: &Arc<SimStore>) {
    let mut batch = Batch::default();
    for family in Family::ALL {
        let range = Range::prefix(keys::all(family), 100_000);
        for (key, value) in from.range(range).await.unwrap() {
            batch.put(key, value);
        }
    }
    to.commit(batch).await.unwrap();
}
