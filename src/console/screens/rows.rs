//! The lists' rows: what each is known by.

use chrono::{DateTime, Utc};

use crate::console::list::Row;
use crate::domain::{ErrorItem, ItemId, Op, OpId, RunId};
use crate::service::messages::{ActivityRow, CauseRow, ConflictRow, Rows, RunRow};

impl Row for ConflictRow {
    type Key = ItemId;
    fn key(&self) -> ItemId {
        self.key
    }
    fn locate(key: &ItemId) -> Option<ItemId> {
        Some(*key)
    }
    fn take(rows: Rows) -> Option<Vec<Self>> {
        match rows {
            Rows::Conflicts(rows) => Some(rows),
            _ => None,
        }
    }
}

impl Row for CauseRow {
    type Key = ItemId;
    fn key(&self) -> ItemId {
        self.key
    }
    fn locate(key: &ItemId) -> Option<ItemId> {
        Some(*key)
    }
    fn take(rows: Rows) -> Option<Vec<Self>> {
        match rows {
            Rows::Causes(rows) => Some(rows),
            _ => None,
        }
    }
}

impl Row for ErrorItem {
    type Key = ItemId;
    fn key(&self) -> ItemId {
        self.id
    }
    fn locate(key: &ItemId) -> Option<ItemId> {
        Some(*key)
    }
    fn take(rows: Rows) -> Option<Vec<Self>> {
        match rows {
            Rows::Errors(rows) => Some(rows),
            _ => None,
        }
    }
}

impl Row for RunRow {
    type Key = RunId;
    fn key(&self) -> RunId {
        self.record.run
    }
    /// A run is located by its number.
    fn locate(key: &RunId) -> Option<ItemId> {
        Some(ItemId(u128::from(key.0)))
    }
    fn take(rows: Rows) -> Option<Vec<Self>> {
        match rows {
            Rows::Runs(rows) => Some(rows),
            _ => None,
        }
    }
}

impl Row for Op {
    type Key = OpId;
    fn key(&self) -> OpId {
        self.id
    }
    /// An op is located by its id.
    fn locate(key: &OpId) -> Option<ItemId> {
        Some(ItemId(key.0))
    }
    fn take(rows: Rows) -> Option<Vec<Self>> {
        match rows {
            Rows::Journal(rows) => Some(rows),
            _ => None,
        }
    }
}

impl Row for ActivityRow {
    type Key = (DateTime<Utc>, String);
    fn key(&self) -> Self::Key {
        (self.at, self.what.clone())
    }
    /// Activity has no ids.
    fn locate(_: &Self::Key) -> Option<ItemId> {
        None
    }
    fn take(rows: Rows) -> Option<Vec<Self>> {
        match rows {
            Rows::Activity(rows) => Some(rows),
            _ => None,
        }
    }
}
