//! The trait that both clients satisfy. Batches are cut to the vendor's sizes inside reads; writes are cut by the
//! engine to `batch_size`, because each write batch is journalled before it is sent.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{CrmError, Meter, Purpose, SideHealth};
use crate::domain::{
    Members, ObjectSchema, Observation, RecordId, SetKind, Side, Value, VendorError,
};

/// Who we are on a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Organisation or portal id.
    pub account: String,
    /// The integration user's id (Salesforce) or the app id (HubSpot), where it is known: tells our own edits.
    pub user: Option<String>,
    /// A name for people: the host's first label, or the portal id.
    pub label: String,
}

/// A user or owner, joined across the sides by e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id on that side.
    pub id: RecordId,
    /// Lower-cased e-mail; empty where none.
    pub email: String,
    /// May own records.
    pub active: bool,
}

/// How much of the day's calls is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Used by anyone today.
    pub used: u64,
    /// The vendor's daily limit.
    pub limit: u64,
}

/// The moment before which nothing can appear any more (5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafeNow {
    /// That moment, in the side's server time.
    pub safe: DateTime<Utc>,
    /// The side's server time now.
    pub server_now: DateTime<Utc>,
    /// True where the vendor itself told it (latestDateCovered); a larger overlap is needed where not.
    pub covered: bool,
}

/// A window of the side's own server time: `lo` inclusive, `hi` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From.
    pub lo: DateTime<Utc>,
    /// To.
    pub hi: DateTime<Utc>,
}

/// One page of records.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The records.
    pub records: Vec<Observation>,
    /// Where the next page starts; `None` after the last. Opaque, may be stored and used by a later process.
    pub next: Option<String>,
    /// How many records the whole query has, where the vendor says.
    pub total: Option<u64>,
}

/// The answer to one id or key of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was asked: the id, or the key value.
    pub asked: String,
    /// Every record that answers to it (a key may be ambiguous); empty where none does. `presence` tells deleted and merged ones.
    pub records: Vec<Observation>,
}

/// One version of one property (HubSpot 3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldVersion {
    /// The value it set.
    pub value: Value,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom, as the vendor tells it.
    pub by: Option<String>,
    /// True where our own integration wrote it.
    pub ours: bool,
    /// True where a person wrote it in the vendor's own screens.
    pub by_hand: bool,
}

/// What a write batch does. All items of a batch do the same to the same object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteKind {
    /// Upsert by the named key field; `WriteItem::key` holds the key.
    Upsert {
        /// The key field's name.
        key_field: String,
    },
    /// Plain create, without a key.
    Create,
    /// Update by id.
    Update,
    /// Update of one record by id, refused with status 412 where it was modified after that moment. Salesforce only.
    UpdateUnmodified {
        /// What the record's modified date must not be later than, by the side's clock.
        since: DateTime<Utc>,
    },
    /// Set the association to `WriteItem::to` of `to_object` (HubSpot: primary).
    Associate {
        /// The other object.
        to_object: String,
    },
    /// Remove the association to `WriteItem::to`.
    Dissociate {
        /// The other object.
        to_object: String,
    },
    /// Give the record the element `WriteItem::to` of a set. One that it has already counts as done.
    Join {
        /// The set.
        set: SetKind,
    },
    /// Take that element off, and nothing beside it: never the primary one, nor one that has a label of its own. One that it
    /// has not counts as done.
    Part {
        /// The set.
        set: SetKind,
    },
    /// Move to the recycle bin (Salesforce) or archive (HubSpot), by id. A record that is there already counts as done.
    Delete,
}

impl WriteKind {
    /// True where records are tied together, or apart.
    pub fn is_association(&self) -> bool {
        matches!(
            self,
            WriteKind::Associate { .. }
                | WriteKind::Dissociate { .. }
                | WriteKind::Join { .. }
                | WriteKind::Part { .. }
        )
    }
}

/// One item of a write batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteItem {
    /// Our own name for the item, unique in the batch (the op id): sent as trace token where the vendor takes one.
    pub token: String,
    /// The record (updates, associations).
    pub id: Option<RecordId>,
    /// The key's value (upserts).
    pub key: Option<String>,
    /// The other record (associations).
    pub to: Option<RecordId>,
    /// Fields to write; `Null` clears (Salesforce: JSON null, HubSpot: empty string).
    pub fields: BTreeMap<String, Value>,
}

/// A write batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRequest {
    /// The object written to.
    pub object: String,
    /// What is done.
    pub kind: WriteKind,
    /// At most `batch_size` items, no record and no key twice.
    pub items: Vec<WriteItem>,
}

/// The outcome of one item, in the order of the items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteResult {
    /// Applied.
    Done {
        /// The record.
        id: RecordId,
        /// True where the vendor made a new record; false where an upsert found one. Always false for updates.
        created: bool,
        /// The stored values, where the vendor returns them (HubSpot).
        stored: Option<Box<Observation>>,
    },
    /// Refused; not applied.
    Refused(VendorError),
    /// No definite answer for this item: look it up.
    Unknown(String),
}

/// One connected side. Retries that are safe (throttling before anything was applied, reads) happen inside; an
/// unanswered write comes back as `ErrorClass::Unknown` and is never sent again here.
#[async_trait::async_trait]
pub trait Crm: Send + Sync {
    /// Which side this is.
    fn side(&self) -> Side;

    /// The counter of its calls.
    fn meter(&self) -> &Meter;

    /// What the last calls told.
    fn health(&self) -> SideHealth;

    /// The side's server time: our clock plus the measured offset.
    fn server_now(&self) -> DateTime<Utc>;

    /// The most items of one write batch.
    fn batch_size(&self, kind: &WriteKind) -> usize;

    /// Signs in where needed and says who we are.
    async fn identity(&self) -> Result<Identity, CrmError>;

    /// One object's fields.
    async fn describe(&self, object: &str) -> Result<ObjectSchema, CrmError>;

    /// Users or owners that may own records.
    async fn people(&self) -> Result<Vec<Person>, CrmError>;

    /// The day's allowance.
    async fn allowance(&self) -> Result<Allowance, CrmError>;

    /// The moment before which nothing can appear any more (Salesforce: 1 call; HubSpot: none).
    async fn safe_now(&self, object: &str) -> Result<SafeNow, CrmError>;

    /// One page of the records modified within the window, deleted ones included where the side tells (5.2, 5.3).
    async fn changed(
        &self,
        object: &str,
        fields: &[String],
        window: Window,
        resume: Option<&str>,
    ) -> Result<Page, CrmError>;

    /// One page of all live records (5.4; 21 first sync).
    async fn list(
        &self,
        object: &str,
        fields: &[String],
        resume: Option<&str>,
    ) -> Result<Page, CrmError>;

    /// Reads records by id, deleted and merged ones told apart; one `Found` per id in the order asked.
    async fn read(
        &self,
        purpose: Purpose,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError>;

    /// Reads records by a unique field's value, deleted rows included where the side can; one `Found` per value in the order asked.
    async fn look_up(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Found>, CrmError>;

    /// Searches live records whose field equals one of the values (index may lag); used where a field is not unique.
    async fn search(
        &self,
        purpose: Purpose,
        object: &str,
        field: &str,
        values: &[String],
        fields: &[String],
    ) -> Result<Vec<Observation>, CrmError>;

    /// Versions of the named fields, newest first, by record. Sides without field history return an empty map.
    async fn field_times(
        &self,
        object: &str,
        ids: &[RecordId],
        fields: &[String],
    ) -> Result<BTreeMap<RecordId, BTreeMap<String, Vec<FieldVersion>>>, CrmError>;

    /// The primary associated record of each id. Sides whose references are fields return an empty map.
    async fn primary_associations(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, Option<RecordId>>, CrmError>;

    /// All records of another object that each id is associated with, whatever the label; ids that have none may be missing.
    /// Sides whose references are fields return an empty map.
    async fn associated(
        &self,
        object: &str,
        ids: &[RecordId],
        to_object: &str,
    ) -> Result<BTreeMap<RecordId, BTreeSet<RecordId>>, CrmError>;

    /// What each of the records is tied to in a set; ids that do not answer are missing.
    async fn members(
        &self,
        object: &str,
        ids: &[RecordId],
        set: SetKind,
    ) -> Result<BTreeMap<RecordId, Members>, CrmError>;

    /// Sends one write batch. `Err` with class `Unknown`: it may have been applied; any other class: nothing was.
    async fn write(
        &self,
        purpose: Purpose,
        request: &WriteRequest,
    ) -> Result<Vec<WriteResult>, CrmError>;

    /// Makes the key field where the side lets us (HubSpot); Salesforce answers with the definition for an admin.
    async fn make_key_field(&self, object: &str, field: &str) -> Result<(), CrmError>;
}
