//! The truth of a simulated vendor: every record with every version, its author and its time. Nothing is ever
//! overwritten, so a checker can ask whether a side ever held a value, and who made a record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::fields::Packed;

/// Field values that someone writes, by API name, as text; `None` is blank. The vendor renders them by its own types.
pub type Values = BTreeMap<String, Option<String>>;

/// Who made a version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// There from the start.
    World,
    /// A simulated person editing through the vendor's own screens, by user id.
    Colleague(String),
    /// A caller of the API, by the user or app id its token stands for.
    Api(String),
    /// The vendor itself: automation, calculated fields, normalisation.
    System,
}

impl Author {
    /// `world`, `colleague:ID`, `api:ID` or `system`, as `/__sandbox/history` prints it.
    pub fn label(&self) -> String {
        match self {
            Author::World => "world".into(),
            Author::Colleague(id) => format!("colleague:{id}"),
            Author::Api(id) => format!("api:{id}"),
            Author::System => "system".into(),
        }
    }
}

/// What a version did to its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The record came into being.
    Created,
    /// Values changed (or were written again unchanged).
    Updated,
    /// The record went to the recycle bin.
    Deleted,
    /// The record came back from the recycle bin.
    Restored,
    /// The record was merged into the named one.
    MergedInto(String),
}

/// One version of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// When it was committed, in the vendor's server time.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Author,
    /// What happened.
    pub event: Event,
    /// The values that this version set (only those).
    pub values: Packed,
}

impl Version {
    /// A version of those values.
    pub fn new(at: DateTime<Utc>, by: &Author, event: Event, values: Packed) -> Self {
        Version {
            at,
            by: by.clone(),
            event,
            values,
        }
    }

    /// The value that this version gave a field; `None` where it left it alone or made it blank.
    pub fn value(&self, field: &str) -> Option<&str> {
        self.values.get(field).filter(|value| !value.is_empty())
    }
}

/// All versions of one record, oldest first; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct History {
    /// The versions in commit order.
    pub versions: Vec<Version>,
}

impl History {
    /// Adds a version. Most records have one or two: no room is kept for more.
    pub fn push(&mut self, version: Version) {
        self.versions.reserve_exact(1);
        self.versions.push(version);
    }

    /// The versions that set `field`, newest first.
    pub fn of_field<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a Version> {
        self.versions
            .iter()
            .rev()
            .filter(move |version| version.values.contains(field))
    }
}
